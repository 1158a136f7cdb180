//! The head branch of a change request, as it is now.

use crate::command::pipeline::Ends;
use crate::command::receipt::Receipt;
use crate::plan::comparison::LoggedCommit;
use crate::plan::snapshot::{Blob, Snapshot};
use crate::plan::{Operation, Plan, Publish};
use crate::steps::bump_values::{Circumstances, Request};
use crate::steps::if_readable;
use crate::words::policy::FILE_NAME;
use crate::words::repo_path::RepoPath;
use crate::world::clock;

/// The tip of the base that a plan was made on.
pub(in crate::command) struct Base {
    /// The commit.
    pub commit: String,
    /// The policy file there; a head branch has no say in what the policy is.
    pub policy: Option<Blob>,
}

/// What the head branch holds.
pub(super) struct Head {
    pub tip: LoggedCommit,
    pub as_planned: bool,
    pub newer: Option<String>,
}

/// Whether the head branch still is what was put there. Another run may have come between, on GitLab's API even between
/// the look at the branch and the commit; then one of the two has told of the wrong value.
pub(super) fn is_still_there(receipt: &Receipt, ends: &mut Ends<'_>) -> anyhow::Result<bool> {
    let (Some(branch), Some(commit)) = (&receipt.branch, &receipt.commit) else {
        return Ok(true);
    };
    if receipt.operation == Operation::Merged {
        return Ok(true);
    }
    let head = ends.repo.head(branch, &[])?;
    // A branch that is gone was merged.
    Ok(head.is_none_or(|head| head.tip.id == *commit))
}

/// Looks at the head branch: whether it has what the plan brings, and whether it has something newer.
pub(super) fn look(
    request: &Request,
    branch: &str,
    plan: Option<&Plan>,
    base: &Base,
    ends: &mut Ends<'_>,
) -> anyhow::Result<Option<Head>> {
    let changes = plan.map(|plan| plan.files.as_slice()).unwrap_or_default();
    let files: Vec<RepoPath> = changes.iter().map(|file| file.path.clone()).collect();
    let circumstances = circumstances(ends);
    let Some(head) = ends.repo.head(branch, &files)? else {
        return Ok(None);
    };
    let there = head.files.read(&files)?;
    let as_planned = changes
        .iter()
        .zip(&there)
        .all(|(change, blob)| blob.as_ref().map(|blob| blob.bytes.as_slice()) == change.after());
    let on_head = OnHead {
        policy: base.policy.clone(),
        files: head.files,
    };
    // A head branch that cannot be planned on, because a file is missing there, carries nothing newer.
    let planned = if_readable(request.plan(&on_head, circumstances))?;
    let newer = planned
        .filter(|plan| plan.operation == Operation::Superseded)
        .and_then(|plan| plan.reason)
        .map(|reason| format!("the open pull request carries a newer value: {reason}"));
    Ok(Some(Head {
        tip: head.tip,
        as_planned,
        newer,
    }))
}

pub(super) fn circumstances<'a>(ends: &Ends<'a>) -> Circumstances<'a> {
    Circumstances {
        publish: Publish::PullRequest,
        now: clock::now(),
        ancestry: ends.ancestry,
    }
}

/// The files of the head branch under the policy of the base.
pub(super) struct OnHead<'a> {
    pub policy: Option<Blob>,
    pub files: Box<dyn Snapshot + 'a>,
}

impl Snapshot for OnHead<'_> {
    fn commit(&self) -> Option<&str> {
        self.files.commit()
    }

    fn read(&self, paths: &[RepoPath]) -> anyhow::Result<Vec<Option<Blob>>> {
        let others: Vec<RepoPath> = paths
            .iter()
            .filter(|path| path.as_str() != FILE_NAME)
            .cloned()
            .collect();
        let mut read = self.files.read(&others)?.into_iter();
        let blob = |path: &RepoPath| match path.as_str() {
            FILE_NAME => self.policy.clone(),
            _ => read.next().flatten(),
        };
        Ok(paths.iter().map(blob).collect())
    }

    fn list(&self) -> anyhow::Result<Vec<RepoPath>> {
        self.files.list()
    }

    fn history(&self, path: &RepoPath, most: usize) -> anyhow::Result<Vec<LoggedCommit>> {
        self.files.history(path, most)
    }

    fn at(&self, commit: &str) -> anyhow::Result<Box<dyn Snapshot + '_>> {
        self.files.at(commit)
    }
}
