//! A branch's own line of commits, and what each of them did to the files.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::comparison::LoggedCommit;
use crate::words::repo_path::RepoPath;

/// A commit on a branch's own line: its tip, that one's first parent, and so on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineCommit {
    /// What a log shows of it.
    pub log: LoggedCommit,
    /// When it was committed.
    pub when: Timestamp,
    /// Its first parent in full hex, where that can be read.
    pub parent: Option<String>,
    /// Whether it has a parent that cannot be read, because the clone is too shallow.
    pub cut: bool,
    /// Whether it is a merge.
    pub merge: bool,
}

/// A file that differs between a commit and its first parent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedFile {
    /// Its path.
    pub path: String,
    /// The id of its content before; `None` where it was not there.
    pub old: Option<String>,
    /// The id of its content after; `None` where it is gone.
    pub new: Option<String>,
}

/// A branch's own line of commits, as far as it can be read. Nothing is fetched for it.
pub trait Log {
    /// Returns the branch; `None` for a commit that is on none.
    fn branch(&self) -> Option<&str>;

    /// Returns the branch's last commit.
    fn tip(&self) -> &str;

    /// Returns a commit of the line.
    ///
    /// # Errors
    /// A read that failed.
    fn commit(&self, id: &str) -> anyhow::Result<LineCommit>;

    /// Returns every regular file of a commit, with the id of its content.
    ///
    /// # Errors
    /// A read that failed.
    fn files(&self, commit: &str) -> anyhow::Result<BTreeMap<String, String>>;

    /// Returns the regular file that a path leads to in a commit, over symbolic links; `None` where there is none.
    ///
    /// # Errors
    /// A read that failed.
    fn leads_to(&self, commit: &str, path: &RepoPath) -> anyhow::Result<Option<RepoPath>>;

    /// Returns the files in which a commit differs from its first parent; those of a first commit are all new.
    ///
    /// # Errors
    /// A read that failed.
    fn changes(&self, commit: &LineCommit) -> anyhow::Result<Vec<ChangedFile>>;

    /// Returns the files that a commit renamed, each with its old name first, as git tells by their contents.
    ///
    /// # Errors
    /// A read that failed.
    fn renames(&self, commit: &LineCommit) -> anyhow::Result<Vec<(String, String)>>;

    /// Returns the commits that a merge brought in, newest first; only so many of them, and those that can be read.
    ///
    /// # Errors
    /// A read that failed.
    fn brought(&self, merge: &LineCommit) -> anyhow::Result<Vec<LoggedCommit>>;

    /// Returns a content by its id.
    ///
    /// # Errors
    /// A read that failed, and `NotFound` for one that a partial clone has left out.
    fn read(&self, content: &str) -> anyhow::Result<Vec<u8>>;
}
