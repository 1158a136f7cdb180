//! The commit that a plan asks the world to make.

use crate::words::repo_path::RepoPath;

/// One file that a commit adds, changes or removes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// The file.
    pub path: RepoPath,
    /// What becomes of it.
    pub fate: Fate,
}

/// What becomes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Nothing lay there; folders that are missing are made.
    Added {
        /// The content to write.
        new: Vec<u8>,
        /// Whether git marks it as executable.
        executable: bool,
    },
    /// Its content changes; its mode stays as it is.
    Changed {
        /// The content that the plan was made from.
        old: Vec<u8>,
        /// The content to write.
        new: Vec<u8>,
    },
    /// It goes, and so do the folders that are empty without it.
    Removed {
        /// The content that the plan was made from.
        old: Vec<u8>,
    },
}

impl FileChange {
    /// Returns the content before; `None` for a file that is added.
    pub fn before(&self) -> Option<&[u8]> {
        match &self.fate {
            Fate::Added { .. } => None,
            Fate::Changed { old, .. } | Fate::Removed { old } => Some(old),
        }
    }

    /// Returns the content after; `None` for a file that is removed.
    pub fn after(&self) -> Option<&[u8]> {
        match &self.fate {
            Fate::Added { new, .. } | Fate::Changed { new, .. } => Some(new),
            Fate::Removed { .. } => None,
        }
    }
}

/// A name and an e-mail address, as git writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
}

/// How a commit or a tag is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signing {
    /// By `ssh-keygen -Y sign` with the key of this file (private, or public with an agent).
    Ssh {
        /// The key's file.
        key: std::path::PathBuf,
    },
    /// By `gpg`.
    OpenPgp {
        /// The key's fingerprint, id or user; `None` for the one that git would take.
        key: Option<String>,
    },
}

/// One commit: its message, who made it, and the files that change.
#[derive(Clone, Debug)]
pub struct NewCommit {
    /// The whole message, trailers included.
    pub message: String,
    /// Author and committer; `None` lets the transport take its own default.
    pub author: Option<Identity>,
    /// The signature that is asked for.
    pub signing: Option<Signing>,
    /// The files, each once.
    pub changes: Vec<FileChange>,
}
