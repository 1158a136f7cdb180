//! What a plan may ask of a repository at one commit.

use super::comparison::LoggedCommit;
use crate::words::repo_path::RepoPath;

/// A file as it stands at the snapshot's commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// Where the content really lies: the asked path, or the one that a symbolic link leads to.
    pub path: RepoPath,
    /// The content.
    pub bytes: Vec<u8>,
}

/// A repository at one commit. It never changes; a plan is a pure function of a request and of this.
pub trait Snapshot {
    /// Returns the commit in full hex; `None` for a folder that is edited in place.
    fn commit(&self) -> Option<&str>;

    /// Tells whether its files are at hand, so that reading more of them costs no request.
    fn is_near(&self) -> bool {
        false
    }

    /// Reads files; `None` stands for one that does not exist. Symbolic links are followed inside the
    /// repository.
    ///
    /// # Errors
    /// A link that leaves the repository, a path that is a folder, or a read that failed.
    fn read(&self, paths: &[RepoPath]) -> anyhow::Result<Vec<Option<Blob>>>;

    /// Lists every file of the repository, sorted.
    ///
    /// # Errors
    /// A read that failed.
    fn list(&self) -> anyhow::Result<Vec<RepoPath>>;

    /// Returns commits that changed a file, newest first, at most `most` of them; fewer where the transport knows
    /// fewer, and none for a folder that is edited in place.
    ///
    /// # Errors
    /// A read that failed.
    fn history(&self, path: &RepoPath, most: usize) -> anyhow::Result<Vec<LoggedCommit>>;

    /// Returns commits that changed a file before a commit did which [`Snapshot::history`] told of, newest first, at most
    /// `most` of them; a transport looks as far back as it can.
    ///
    /// # Errors
    /// A read that failed.
    fn before(&self, commit: &str, path: &RepoPath, most: usize) -> anyhow::Result<Vec<LoggedCommit>> {
        let mut history = self.at(commit)?.history(path, most + 1)?;
        history.retain(|logged| logged.id != commit);
        Ok(history)
    }

    /// Returns the repository as it was at a commit that [`Snapshot::history`] told of.
    ///
    /// # Errors
    /// A read that failed.
    fn at(&self, commit: &str) -> anyhow::Result<Box<dyn Snapshot + '_>>;
}
