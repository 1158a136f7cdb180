//! The commit that a plan asks the world to make.

use crate::words::repo_path::RepoPath;

/// The new content of one file; its mode stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    /// The file.
    pub path: RepoPath,
    /// The content that the plan was made from.
    pub old: Vec<u8>,
    /// The content to write.
    pub new: Vec<u8>,
}

/// A name and an e-mail address, as git writes them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
}

/// How a commit is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signing {
    /// By `ssh-keygen -Y sign` with the key of this file (private, or public with an agent).
    Ssh {
        /// The key's file.
        key: std::path::PathBuf,
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
    /// The files.
    pub changes: Vec<FileChange>,
}
