//! The commits that changed a file, from a branch that is fetched deeper for it.

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;

use git2::{Commit, ErrorCode, Oid, Repository};

use super::credentials::Access;
use super::fetch;
use super::snapshot::{entry, has_parents, logged};
use super::wire::Wire;
use crate::plan::comparison::LoggedCommit;

/// How many commits of a branch are fetched to find those that changed a file: first, and where none of those did.
const DEPTHS: [i32; 2] = [50, 500];

/// A branch's history: what the local repository has of it, and what can be fetched.
#[derive(Clone)]
pub(super) struct History<'repo> {
    /// The folder of the local repository.
    home: PathBuf,
    /// Where there is more; `None` for a clone, which is left as it is.
    more: Option<More<'repo>>,
    /// How many of [`DEPTHS`] are fetched.
    fetched: Cell<usize>,
}

/// A branch that can be fetched deeper.
#[derive(Clone)]
struct More<'repo> {
    wire: Arc<Wire>,
    access: &'repo Access,
    branch: String,
}

impl<'repo> History<'repo> {
    /// Prepares to fetch a branch; nothing is sent yet.
    pub(super) fn of(repo: &Repository, wire: &Arc<Wire>, access: &'repo Access, branch: &str) -> Self {
        Self {
            home: repo.path().to_owned(),
            more: Some(More {
                wire: Arc::clone(wire),
                access,
                branch: branch.to_owned(),
            }),
            fetched: Cell::new(0),
        }
    }

    /// Takes what a clone has.
    pub(super) fn local(repo: &Repository) -> Self {
        Self {
            home: repo.path().to_owned(),
            more: None,
            fetched: Cell::new(0),
        }
    }

    /// Returns the commits from there back that changed what lies at a path of the repository, newest first.
    ///
    /// Only first parents are followed, as the branch itself went. What has been fetched is asked first.
    pub(super) fn of_path(&self, from: From, path: &str, most: usize) -> anyhow::Result<Vec<LoggedCommit>> {
        loop {
            // A commit that libgit2 has read while its parents were missing has none for as long as the handle lives.
            let repo = Repository::open_bare(&self.home)?;
            let Walked { found, ended } = walk(&repo, from, path, most)?;
            let (Some(depth), Some(more)) = (DEPTHS.get(self.fetched.get()), &self.more) else {
                return Ok(found);
            };
            if !found.is_empty() || ended {
                return Ok(found);
            }
            let progress = more.access.progress.as_ref();
            fetch::again(more.access, || {
                fetch::deepen(&repo, &more.wire, &more.branch, *depth, progress)
            })
            .map_err(|failure| failure.fault)?;
            self.fetched.set(self.fetched.get() + 1);
        }
    }
}

/// Where a walk begins.
#[derive(Clone, Copy)]
pub(super) enum From {
    /// At a commit.
    Commit(Oid),
    /// At the first parent of one.
    ParentOf(Oid),
}

/// What a walk met.
struct Walked {
    found: Vec<LoggedCommit>,
    /// Whether no commit is left to fetch.
    ended: bool,
}

fn walk(repo: &Repository, from: From, path: &str, most: usize) -> anyhow::Result<Walked> {
    let mut found = Vec::new();
    let mut commit = match from {
        From::Commit(id) => match repo.find_commit(id) {
            Ok(commit) => commit,
            // A part of it is elsewhere, and its history nowhere yet.
            Err(error) if error.code() == ErrorCode::NotFound => {
                return Ok(Walked { found, ended: false });
            }
            Err(error) => return Err(error.into()),
        },
        From::ParentOf(id) => {
            let child = repo.find_commit(id)?;
            match parent_of(repo, &child)? {
                Some(parent) => parent,
                None => {
                    return Ok(Walked {
                        found,
                        ended: !has_parents(&child),
                    });
                }
            }
        }
    };
    let mut here = id_at(&commit, path)?;
    while found.len() < most {
        let Some(parent) = parent_of(repo, &commit)? else {
            let ended = !has_parents(&commit);
            if ended && here.is_some() {
                found.push(logged(&commit));
            }
            return Ok(Walked { found, ended });
        };
        let there = id_at(&parent, path)?;
        if here != there {
            found.push(logged(&commit));
        }
        (commit, here) = (parent, there);
    }
    Ok(Walked { found, ended: true })
}

/// Returns the first parent of a commit, if it has been fetched.
fn parent_of<'repo>(
    repo: &'repo Repository,
    commit: &Commit<'repo>,
) -> Result<Option<Commit<'repo>>, git2::Error> {
    let Some(parent) = commit.parent_ids().next() else {
        return Ok(None);
    };
    match repo.find_commit(parent) {
        Ok(parent) => Ok(Some(parent)),
        Err(e) if e.code() == ErrorCode::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

fn id_at(commit: &Commit<'_>, path: &str) -> Result<Option<Oid>, git2::Error> {
    Ok(entry(&commit.tree()?, path)?.map(|(id, _, _)| id))
}
