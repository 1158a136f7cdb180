//! A config repo that git reaches: fetch a tip, make a commit in memory, push it.

use std::sync::Arc;
use std::time::Duration;

use git2::{Oid, Repository};

use super::credentials::Access;
use super::history::History;
use super::log::GitLog;
use super::outcome::{Meaning, meaning, refused};
use super::partial::Partial;
use super::push::{Lease, Report, Status};
use super::snapshot::{GitSnapshot, logged};
use super::source::GitSource;
use super::wire::{Failure, Wire, WireError};
use super::{commit, fetch, local, push};
use crate::plan::commit::NewCommit;
use crate::plan::snapshot::Snapshot;
use crate::words::address::GitUrl;
use crate::words::fault::{Fault, Kind};
use crate::words::repo_path::RepoPath;
use crate::world::clock;
use crate::world::config_repo::{ConfigRepo, Head, Outcome, moved, no_snapshot};
use crate::world::files::of_system;
use crate::world::scratch::Scratch;
use crate::world::unmade::Empty;

/// A config repo that git reaches. It lives in a bare temporary repository, which goes with it.
pub struct GitRepo {
    /// What libgit2 fetches.
    repo: Repository,
    /// What is fetched without it, where the remote serves that.
    partial: Option<Partial>,
    home: Scratch,
    wire: Arc<Wire>,
    access: Access,
    branch: Option<String>,
    folder: Option<RepoPath>,
    tip: Option<Oid>,
    /// The branch that the first commit of an empty remote goes to, where that may be made.
    first_branch: Option<String>,
    /// Whether the remote was seen to be empty.
    is_empty: bool,
    wait: Option<Duration>,
}

impl GitRepo {
    /// Prepares to reach `url`; nothing is sent yet.
    ///
    /// `branch` is the one to change (the remote's default branch if `None`). With `folder`, all paths are
    /// relative to that folder of the repository, and nothing outside it is read or written.
    ///
    /// # Errors
    /// `Invalid` for an impossible branch name or address, and without a temporary folder.
    pub fn open(
        url: &GitUrl,
        branch: Option<&str>,
        folder: Option<RepoPath>,
        access: Access,
    ) -> anyhow::Result<Self> {
        if let Some(branch) = branch
            && !git2::Reference::is_valid_name(&format!("refs/heads/{branch}"))
        {
            let shown = branch.escape_debug();
            return Err(Fault::invalid(format!("`{shown}` cannot be a branch's name")).into());
        }
        let unmade = |why: String| {
            Fault::invalid(format!("cannot make a temporary repository: {why}"))
                .hint("let TMPDIR name a folder that can be written")
        };
        let home = Scratch::new().map_err(|e| unmade(of_system(&e)))?;
        let of_git = |e: git2::Error| unmade(e.message().escape_debug().to_string());
        let repo = Repository::init_bare(home.path()).map_err(of_git)?;
        let wire = Wire::to(url, &access)?;
        let partial = Partial::beside(&repo, &wire, &access).map_err(of_git)?;
        Ok(Self {
            repo,
            partial,
            home,
            wire,
            access,
            branch: branch.map(str::to_owned),
            folder,
            tip: None,
            first_branch: None,
            is_empty: false,
            wait: None,
        })
    }

    /// Lets an empty remote be one that gets its first commit, on the branch to change, else on the one that a remote on
    /// this machine has its HEAD on, else on `main`.
    #[must_use]
    pub fn or_empty(mut self, url: &GitUrl) -> Self {
        let usual = || local::head_of(url).unwrap_or_else(|| "main".to_owned());
        self.first_branch = Some(self.branch.clone().unwrap_or_else(usual));
        self
    }

    /// Fetches the whole history of the branch, for it to be read.
    ///
    /// # Errors
    /// What the remote says.
    pub fn log(mut self) -> anyhow::Result<GitLog> {
        self.partial = None;
        let fetch::Tip { branch, commit } = self
            .fetch_branch(self.branch.clone().as_deref())
            .map_err(|failure| failure.fault)?;
        let progress = self.access.progress.as_ref();
        fetch::again(&self.access, || {
            fetch::deepen(&self.repo, &self.wire, &branch, fetch::WHOLE, progress)
        })
        .map_err(|failure| failure.fault)?;
        // A commit that libgit2 has read while its parents were missing has none for as long as the handle lives.
        let repo = Repository::open_bare(self.repo.path())?;
        Ok(GitLog::new(
            repo,
            Some(self.home),
            Some(branch),
            commit,
            self.folder,
        ))
    }

    /// Fetches the whole history of the branch, and all tags, for a release to be made from it.
    ///
    /// # Errors
    /// What the remote says, and `NotFound` for a commit that the branch does not have.
    pub fn source(mut self, commit: Option<&str>) -> anyhow::Result<GitSource> {
        self.partial = None;
        let fetch::Tip { branch, commit: tip } = self
            .fetch_branch(self.branch.clone().as_deref())
            .map_err(|failure| failure.fault)?;
        let progress = self.access.progress.as_ref();
        let refspecs = [
            format!("+refs/heads/{branch}:refs/remotes/origin/{branch}"),
            "+refs/tags/*:refs/tags/*".to_owned(),
        ];
        fetch::again(&self.access, || {
            fetch::refs(&self.repo, &self.wire, &refspecs, fetch::WHOLE, progress)
        })
        .map_err(|failure| failure.fault)?;
        // As in `log`.
        let repo = Repository::open_bare(self.repo.path())?;
        GitSource::of_fetched(repo, self.home, (branch, tip), commit, (self.wire, self.access))
    }

    /// Fetches all of what a branch or a tag names, or of the tip of the branch that is read, and returns it with the repository
    /// that it is in.
    pub(super) fn fetched(&mut self, at: Option<&str>) -> Result<(&Repository, Oid), Fault> {
        self.partial = None;
        let fetched = match at {
            None => self.fetch(),
            Some(name) => fetch::again(&self.access, || {
                fetch::named(&self.repo, &self.wire, name, self.access.progress.as_ref())
            }),
        };
        let commit = fetched.map_err(|failure| failure.fault)?;
        Ok((&self.repo, commit))
    }

    /// Fetches the tip of the branch that is changed.
    fn fetch(&mut self) -> Result<Oid, Failure> {
        let tip = self.fetch_branch(self.branch.clone().as_deref())?;
        self.branch = Some(tip.branch);
        self.tip = Some(tip.commit);
        Ok(tip.commit)
    }

    /// Fetches a branch; reading does no harm, so a passing failure is tried again.
    fn fetch_branch(&mut self, branch: Option<&str>) -> Result<fetch::Tip, Failure> {
        if let Some(wait) = self.wait.take() {
            clock::sleep(wait.min(self.access.deadline.left()));
        }
        if let Some(partial) = self.partial()
            && let Some(tip) = partial.tip(branch)?
        {
            return Ok(tip);
        }
        let progress = self.access.progress.as_ref();
        fetch::again(&self.access, || {
            fetch::tip(&self.repo, &self.wire, branch, progress)
        })
    }

    /// Returns the repository that is given what is asked for, as long as the remote serves that.
    fn partial(&self) -> Option<&Partial> {
        self.partial.as_ref().filter(|partial| !partial.is_over())
    }

    /// Returns the repository that has what was fetched last.
    fn here(&self) -> &Repository {
        self.partial().map_or(&self.repo, Partial::repo)
    }

    /// Returns the files and the history of a commit of a branch.
    fn snapshot_of(&self, tip: Oid, branch: &str) -> anyhow::Result<GitSnapshot<'_>> {
        let history = History::of(&self.repo, &self.wire, &self.access, branch);
        let folder = self.folder.as_ref();
        match self.partial() {
            Some(partial) => GitSnapshot::in_parts(partial, branch, tip, folder, history),
            None => GitSnapshot::of(&self.repo, tip, folder, history),
        }
    }

    /// Returns whether the remote is one that may get its first commit, and has none.
    fn lacks_any_commit(&self) -> Result<bool, Failure> {
        Ok(self.first_branch.is_some()
            && fetch::again(&self.access, || fetch::is_empty(&self.repo, &self.wire))?)
    }

    /// Makes a commit on `parent` and pushes it to `branch`.
    fn put(
        &mut self,
        parent: Option<Oid>,
        branch: &str,
        lease: Lease,
        commit: &NewCommit,
    ) -> anyhow::Result<Outcome> {
        if let (Some(parent), Some(_)) = (parent, self.partial()) {
            let paths: Vec<_> = commit.changes.iter().map(|change| &change.path).collect();
            let of = self.branch.as_deref().unwrap_or(branch);
            self.snapshot_of(parent, of)?.bring(&paths)?;
        }
        if let Some(parent) = parent
            && self.here().find_commit(parent).is_err()
        {
            // The remote stopped serving parts, and has moved on since.
            return Ok(Outcome::Moved {
                why: "the branch has to be fetched as a whole".to_owned(),
            });
        }
        let made = commit::write(self.here(), parent, self.folder.as_ref(), commit, &self.access);
        let made = made.map_err(|error| {
            let unwritten = error.chain().find_map(|cause| cause.downcast_ref());
            unwritten
                .and_then(fetch::unwritten)
                .map_or(error, anyhow::Error::from)
        })?;
        let target = format!("refs/heads/{branch}");
        let progress = self.access.progress.as_ref();
        let report = match self.partial() {
            Some(partial) => partial.push(&target, lease, parent, made),
            None => push::send(&self.repo, &self.wire, &target, lease, made, progress),
        };
        let outcome = self.outcome(branch, report, made)?;
        if matches!((&outcome, &self.branch), (Outcome::Landed { .. }, Some(own)) if own == branch) {
            self.tip = Some(made);
        }
        Ok(outcome)
    }

    /// Reads what the remote said of `branch`.
    fn outcome(&mut self, branch: &str, report: Report, commit: Oid) -> anyhow::Result<Outcome> {
        if let Some(tip) = report.moved_to {
            return Ok(Outcome::Moved {
                why: format!("the branch is at {tip} now"),
            });
        }
        let unknown = |why: String| Outcome::Unknown {
            why,
            commit: Some(commit.to_string()),
        };
        match (report.status, report.error) {
            (Some(Status::Accepted), _) => Ok(Outcome::Landed {
                commit: Some(commit.to_string()),
                verified: None,
            }),
            (Some(Status::Rejected(status)), _) => Ok(match meaning(&status, &report.said) {
                Meaning::Moved => Outcome::Moved {
                    why: status.escape_debug().to_string(),
                },
                Meaning::Ailing => unknown(format!("the remote failed: {}", status.escape_debug())),
                other => Outcome::Refused(refused(branch, other, &status, &report.said)),
            }),
            (None, Some(WireError::Transport(failure))) => {
                self.wait = failure.wait;
                Ok(match failure.fault.kind {
                    Kind::Denied => Outcome::Refused(failure.fault),
                    Kind::GaveUp => unknown(failure.fault.message),
                    _ => return Err(failure.fault.into()),
                })
            }
            (None, Some(WireError::Protocol(error))) => Ok(match error.code() {
                git2::ErrorCode::NotFastForward => Outcome::Moved {
                    why: "the branch moved".to_owned(),
                },
                _ => unknown(error.message().escape_debug().to_string()),
            }),
            (None, None) => Ok(unknown("the remote gave no status for the branch".to_owned())),
        }
    }
}

impl ConfigRepo for GitRepo {
    fn branch(&self) -> Option<&str> {
        self.branch.as_deref()
    }

    fn snapshot(&mut self) -> anyhow::Result<Box<dyn Snapshot + '_>> {
        self.is_empty = false;
        let tip = match self.fetch() {
            Ok(tip) => tip,
            Err(failure) if failure.fault.kind == Kind::NotFound => {
                self.is_empty = self.lacks_any_commit().map_err(|failure| failure.fault)?;
                if self.is_empty {
                    self.tip = None;
                    self.branch.clone_from(&self.first_branch);
                    return Ok(Box::new(Empty));
                }
                return Err(failure.fault.into());
            }
            Err(failure) => return Err(failure.fault.into()),
        };
        let branch = self.branch.as_deref().expect("a fetch tells the branch");
        Ok(Box::new(self.snapshot_of(tip, branch)?))
    }

    /// Puts one commit on the branch if `expected` is still its tip.
    ///
    /// An answer that was lost, and a server that is ailing, are `Unknown`: a fetch tells what became of it.
    fn commit(&mut self, expected: Option<&str>, commit: &NewCommit) -> anyhow::Result<Outcome> {
        if let (true, None, Some(branch)) = (self.is_empty, expected, self.branch.clone()) {
            return self.put(None, &branch, Lease::Replace(Oid::ZERO_SHA1), commit);
        }
        let (Some(tip), Some(branch)) = (self.tip, self.branch.clone()) else {
            return Err(no_snapshot().into());
        };
        if let Some(moved) = moved(expected, &tip.to_string()) {
            return Ok(moved);
        }
        self.put(Some(tip), &branch, Lease::Forward(tip), commit)
    }

    fn head(&mut self, branch: &str, _files: &[RepoPath]) -> anyhow::Result<Option<Head<'_>>> {
        let tip = match self.fetch_branch(Some(branch)) {
            Ok(tip) => tip.commit,
            Err(failure) if failure.fault.kind == Kind::NotFound => return Ok(None),
            Err(failure) => return Err(failure.fault.into()),
        };
        Ok(Some(Head {
            tip: logged(&self.here().find_commit(tip)?),
            files: Box::new(self.snapshot_of(tip, branch)?),
        }))
    }

    fn propose(
        &mut self,
        base: &str,
        branch: &str,
        expected: Option<&str>,
        commit: &NewCommit,
    ) -> anyhow::Result<Outcome> {
        let expected = match expected {
            Some(expected) => Oid::from_str(expected)?,
            None => Oid::ZERO_SHA1,
        };
        self.put(
            Some(Oid::from_str(base)?),
            branch,
            Lease::Replace(expected),
            commit,
        )
    }
}
