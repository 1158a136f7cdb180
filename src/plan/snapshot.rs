//! What a plan may ask of a repository at one commit.

use super::comparison::LoggedCommit;
use crate::words::fault::Fault;
use crate::words::repo_path::RepoPath;

/// The most bytes of a file that is read from a repository. A cluster keeps no object of a tenth of that.
pub const FILE_MAX: usize = 32 * 1024 * 1024;
/// The most files and folders of a repository that are listed: small trees can name one another without end.
pub const LISTED_MAX: usize = 1_000_000;
/// How deep its folders may lie in one another.
pub const DEEPEST: usize = 512;

/// Checks that a file of so many bytes may be read.
///
/// # Errors
/// `Refused` for one that is larger than [`FILE_MAX`].
pub fn check_size(path: &RepoPath, bytes: u64) -> Result<(), Fault> {
    if bytes <= FILE_MAX as u64 {
        return Ok(());
    }
    Err(
        Fault::refused(format!("`{path}` has {bytes} bytes; at most {FILE_MAX} are read"))
            .hint("split the file, or name another one"),
    )
}

/// Checks that a repository may be listed that far.
///
/// # Errors
/// `Refused` for one that has more than [`LISTED_MAX`] entries, or folders deeper than [`DEEPEST`].
pub fn check_extent(listed: usize, depth: usize) -> Result<(), Fault> {
    let why = if listed > LISTED_MAX {
        format!("the repository has more than {LISTED_MAX} files and folders")
    } else if depth > DEEPEST {
        format!("a folder of the repository lies more than {DEEPEST} folders deep")
    } else {
        return Ok(());
    };
    Err(Fault::refused(why).hint("name the files themselves instead of a glob, or split the repository"))
}

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

    /// Tells whether reading many files costs a few requests, however many they are.
    fn reads_many(&self) -> bool {
        self.is_near()
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
