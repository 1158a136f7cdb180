//! A commit of a clone on this machine, read where it lies.

use git2::{Oid, Repository};

use super::history::History;
use super::snapshot::GitSnapshot;
use crate::plan::comparison::LoggedCommit;
use crate::plan::snapshot::{Blob, Snapshot};
use crate::words::address::{GitUrl, Scheme};
use crate::words::repo_path::RepoPath;

/// The files at a commit of a clone; nothing is fetched.
pub struct LocalCommit {
    repo: Repository,
    commit: Oid,
    text: String,
    folder: Option<RepoPath>,
}

impl LocalCommit {
    /// Takes a commit of a clone, or what lies in a folder of it.
    ///
    /// # Errors
    /// What git says of an id that is none.
    pub fn of(repo: Repository, commit: &str, folder: Option<RepoPath>) -> anyhow::Result<Self> {
        Ok(Self {
            commit: Oid::from_str(commit)?,
            text: commit.to_owned(),
            repo,
            folder,
        })
    }

    fn files(&self) -> anyhow::Result<GitSnapshot<'_>> {
        let history = History::local(&self.repo);
        GitSnapshot::of(&self.repo, self.commit, self.folder.as_ref(), history)
    }
}

impl Snapshot for LocalCommit {
    fn commit(&self) -> Option<&str> {
        Some(&self.text)
    }

    fn read(&self, paths: &[RepoPath]) -> anyhow::Result<Vec<Option<Blob>>> {
        self.files()?.read(paths)
    }

    fn list(&self) -> anyhow::Result<Vec<RepoPath>> {
        self.files()?.list()
    }

    fn history(&self, path: &RepoPath, most: usize) -> anyhow::Result<Vec<LoggedCommit>> {
        self.files()?.history(path, most)
    }

    fn before(&self, commit: &str, path: &RepoPath, most: usize) -> anyhow::Result<Vec<LoggedCommit>> {
        self.files()?.before(commit, path, most)
    }

    fn at(&self, commit: &str) -> anyhow::Result<Box<dyn Snapshot + '_>> {
        let repo = Repository::open(self.repo.path())?;
        Ok(Box::new(Self::of(repo, commit, self.folder.clone())?))
    }
}

/// Returns the branch that HEAD of a repository on this machine names, which may have no commit yet.
pub(super) fn head_of(url: &GitUrl) -> Option<String> {
    if url.scheme() != Scheme::File {
        return None;
    }
    let path = url.path();
    let path = if cfg!(windows) {
        path.trim_start_matches('/')
    } else {
        path
    };
    let repo = Repository::open(path).ok()?;
    let head = repo.find_reference("HEAD").ok()?;
    let target = head.symbolic_target().ok()??;
    target.strip_prefix("refs/heads/").map(str::to_owned)
}
