//! A repository that is to be made, and is empty until then.

use super::config_repo::{ConfigRepo, Head, Outcome};
use crate::plan::commit::NewCommit;
use crate::plan::comparison::LoggedCommit;
use crate::plan::snapshot::{Blob, Snapshot};
use crate::words::fault::{Fault, Kind};
use crate::words::repo_path::RepoPath;

/// A repository that is not there yet: what would be in it can be planned, and nothing can be written.
pub struct Unmade;

impl ConfigRepo for Unmade {
    fn branch(&self) -> Option<&str> {
        None
    }

    fn snapshot(&mut self) -> anyhow::Result<Box<dyn Snapshot + '_>> {
        Ok(Box::new(Empty))
    }

    fn commit(&mut self, _expected: Option<&str>, _commit: &NewCommit) -> anyhow::Result<Outcome> {
        Err(not_there().into())
    }

    fn head(&mut self, _branch: &str, _files: &[RepoPath]) -> anyhow::Result<Option<Head<'_>>> {
        Ok(None)
    }

    fn propose(
        &mut self,
        _base: &str,
        _branch: &str,
        _expected: Option<&str>,
        _commit: &NewCommit,
    ) -> anyhow::Result<Outcome> {
        Err(not_there().into())
    }
}

fn not_there() -> Fault {
    Fault::new(Kind::Internal, "a repository was written to before it was made")
}

/// A repository without a commit.
pub(super) struct Empty;

impl Snapshot for Empty {
    fn commit(&self) -> Option<&str> {
        None
    }

    fn read(&self, paths: &[RepoPath]) -> anyhow::Result<Vec<Option<Blob>>> {
        Ok(vec![None; paths.len()])
    }

    fn list(&self) -> anyhow::Result<Vec<RepoPath>> {
        Ok(Vec::new())
    }

    fn history(&self, _path: &RepoPath, _most: usize) -> anyhow::Result<Vec<LoggedCommit>> {
        Ok(Vec::new())
    }

    fn at(&self, commit: &str) -> anyhow::Result<Box<dyn Snapshot + '_>> {
        Err(Fault::not_found(format!("the commit {} is not there", commit.escape_debug())).into())
    }
}
