//! The seam to a config repo, whatever its transport.

use crate::plan::commit::NewCommit;
use crate::plan::comparison::LoggedCommit;
use crate::plan::snapshot::Snapshot;
use crate::words::fault::{Fault, Kind};
use crate::words::repo_path::RepoPath;

/// What became of a commit.
#[derive(Debug)]
pub enum Outcome {
    /// It is on the branch.
    Landed {
        /// The commit in full hex; `None` for a folder that is edited in place.
        commit: Option<String>,
        /// Whether the forge shows it as verified, where that is known.
        verified: Option<bool>,
    },
    /// The branch moved meanwhile: make the plan again on its new tip.
    Moved {
        /// The remote's own word.
        why: String,
    },
    /// The remote said no, for good.
    Refused(Fault),
    /// The answer was lost: look again before saying anything.
    Unknown {
        /// What happened.
        why: String,
        /// The commit that may have landed, where its id was known before it was sent.
        commit: Option<String>,
    },
}

/// Tells that the tip is not the one that was expected; `None` where it is, or any is right.
pub(in crate::world) fn moved(expected: Option<&str>, tip: &str) -> Option<Outcome> {
    expected
        .is_some_and(|expected| expected != tip)
        .then(|| Outcome::Moved {
            why: format!("the branch is at {tip} now"),
        })
}

/// The fault of a caller that asks for a commit before it has looked at the branch.
pub(in crate::world) fn no_snapshot() -> Fault {
    Fault::new(Kind::Internal, "a commit was asked for before a snapshot")
}

/// Another branch of a config repo, such as the one of a change request.
pub struct Head<'repo> {
    /// Its tip.
    pub tip: LoggedCommit,
    /// The files at its tip.
    pub files: Box<dyn Snapshot + 'repo>,
}

/// A config repo and the branch of it that is changed.
pub trait ConfigRepo {
    /// Returns the branch, once it is known.
    fn branch(&self) -> Option<&str>;

    /// Fetches the branch's tip (again) and returns it.
    ///
    /// # Errors
    /// What the transport met: no such branch, no right, no answer.
    fn snapshot(&mut self) -> anyhow::Result<Box<dyn Snapshot + '_>>;

    /// Checks that these files may be changed from here: a checkout that stands for its `origin` must have them
    /// as its own commit has them.
    ///
    /// # Errors
    /// `Refused`, naming those that differ.
    fn check(&self, _files: &[RepoPath]) -> anyhow::Result<()> {
        Ok(())
    }

    /// Puts one commit on the branch if `expected` is still its tip.
    ///
    /// # Errors
    /// What failed before anything was sent.
    fn commit(&mut self, expected: Option<&str>, commit: &NewCommit) -> anyhow::Result<Outcome>;

    /// Looks at another branch; `None` if it does not exist. `files` are those that will be read there, so that a
    /// transport can fetch them in the same request.
    ///
    /// # Errors
    /// As [`ConfigRepo::snapshot`], and `Invalid` for a directory that is edited in place.
    fn head(&mut self, branch: &str, files: &[RepoPath]) -> anyhow::Result<Option<Head<'_>>>;

    /// Puts one commit, made on the commit `base` of a snapshot, on another branch whose tip is still `expected`;
    /// with `None` the branch must not exist. Whatever the branch held before is gone from it then.
    ///
    /// # Errors
    /// As [`ConfigRepo::commit`].
    fn propose(
        &mut self,
        base: &str,
        branch: &str,
        expected: Option<&str>,
        commit: &NewCommit,
    ) -> anyhow::Result<Outcome>;
}
