//! The change request that carries a plan: its branch, its text, and what is to be done about what is there already.

mod decide;
mod text;

use sha2::{Digest as _, Sha256};

pub use decide::{Decision, Seen, Tip, decide, is_of, is_ours};
pub use text::SourceLog;

use crate::plan::Plan;
use crate::plan::change_request::{ChangeRequest, Dressing, Edit, MergeMethod};
use crate::plan::commit::{FileChange, NewCommit};
use crate::steps::args::AutoMergeArg;
use crate::steps::bump_values::Request;
use crate::words::fault::Fault;
use crate::words::name::BranchName;
use crate::words::trailers::Key;

/// The change request that a plan asks for.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// The branch that carries it.
    pub head: String,
    /// The branch that it goes to.
    pub base: String,
    /// The one commit of the head branch.
    pub commit: NewCommit,
    /// What the commit brings, in short: the same values have the same mark.
    pub mark: String,
    /// The title.
    pub title: String,
    /// The text, with the mark that only programs see.
    pub body: String,
    /// Whether it is opened as a draft.
    pub draft: bool,
    /// Who and what is asked for beside the change.
    pub dressing: Dressing,
    /// How it merges by itself.
    pub auto_merge: Option<MergeMethod>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl Request {
    /// Returns the branch that carries a change request of this request: the same one for the same app and environment,
    /// run after run.
    ///
    /// # Errors
    /// `Invalid` where the branch has to be named: without app and environment, or for several apps without a group.
    pub fn head_branch(&self) -> Result<String, Fault> {
        if let Some(name) = &self.pull_request.head_branch {
            return Ok(name.parse::<BranchName>()?.as_str().to_owned());
        }
        if let Some(branch) = self.usual_branch() {
            return Ok(branch.to_owned());
        }
        match (self.app_env(), self.env()) {
            (Some((app, env)), _) if self.goes_back() => Ok(format!("rollback/{env}/{app}")),
            (Some((app, env)), _) => Ok(format!("promote/{env}/{app}")),
            (None, Some(_)) => Err(
                Fault::invalid("several apps go together, and their group has no name")
                    .hint("name it with --group, or name the branch with --head-branch"),
            ),
            (None, None) => Err(Fault::invalid("the branch of the pull request has no name")
                .hint("without --app and --env, name it with --head-branch")),
        }
    }

    /// Makes the change request of a plan that goes to the branch `base`.
    ///
    /// `log` is what changed in the app's own repository, where that is known.
    ///
    /// # Errors
    /// As [`Request::head_branch`]; `Invalid` for a title that is empty.
    pub fn proposal(&self, plan: &Plan, base: &str, log: Option<&SourceLog>) -> Result<Proposal, Fault> {
        let head = self.head_branch()?;
        if head == base {
            return Err(Fault::invalid(format!(
                "the branch `{head}` cannot carry a pull request to itself"
            ))
            .hint("name another --head-branch"));
        }
        let mark = mark(plan);
        let title = text::title(self, plan)?;
        let mut commit = self.commit(plan);
        commit.message = with_mark(&commit.message, &head, &mark);
        let flags = &self.pull_request;
        let policy = &plan.pull_request;
        let mut warnings = Vec::new();
        let method = flags.auto_merge.unwrap_or_else(|| policy.auto_merge.into());
        let auto_merge = match method {
            AutoMergeArg::None => None,
            _ if plan.frozen && self.publish.override_policy.is_none() => {
                warnings
                    .push("the environment is frozen: the pull request does not merge by itself".to_owned());
                None
            }
            AutoMergeArg::Merge => Some(MergeMethod::Merge),
            AutoMergeArg::Squash => Some(MergeMethod::Squash),
            AutoMergeArg::Rebase => Some(MergeMethod::Rebase),
        };
        let given = |flags: &[String], policy: &[String]| {
            if flags.is_empty() {
                policy.to_vec()
            } else {
                flags.to_vec()
            }
        };
        Ok(Proposal {
            body: text::body(self, plan, &head, (&mark, &title), log)?,
            title,
            draft: flags.draft || policy.draft,
            dressing: Dressing {
                labels: given(&flags.label, &policy.labels),
                reviewers: given(&flags.reviewer, &policy.reviewers),
                team_reviewers: given(&flags.team_reviewer, &policy.team_reviewers),
                assignees: given(&flags.assignee, &policy.assignees),
            },
            auto_merge,
            base: base.to_owned(),
            commit,
            head,
            mark,
            warnings,
        })
    }
}

/// Returns the text of a change request that we close, by which a later run knows that no person did it.
pub fn closed_by_us(body: &str) -> String {
    text::closed_by_us(body)
}

/// Returns what changes on an open change request so that it says what a proposal says. What people wrote stays: a title
/// that is not ours any more, and all of the text but our own part.
pub fn edit(open: &ChangeRequest, proposal: &Proposal) -> Edit {
    text::edit(open, &proposal.title, &proposal.body)
}

/// The mark of what a plan brings: files, paths and new values, and of the other files their names and contents.
fn mark(plan: &Plan) -> String {
    let values = plan.changes.iter().flat_map(|change| {
        let new = change.new.as_deref().unwrap_or_default();
        [change.file.as_str(), change.path.as_str(), new].map(str::as_bytes)
    });
    let has_values = |file: &&FileChange| {
        let mut changes = plan.changes.iter();
        changes.any(|change| change.file == file.path.as_str())
    };
    let whole = plan.files.iter().filter(|file| !has_values(file));
    let whole = whole.flat_map(|file| [file.path.as_str().as_bytes(), file.after().unwrap_or_default()]);
    short_hash(values.chain(whole))
}

/// The first 16 hex digits of the SHA-256 of some texts.
fn short_hash<T: AsRef<[u8]>>(parts: impl IntoIterator<Item = T>) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        let part = part.as_ref();
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let first = digest
        .iter()
        .take(8)
        .fold(0_u64, |mark, byte| mark << 8 | u64::from(*byte));
    format!("{first:016x}")
}

/// Adds the trailer by which a commit is known as ours, and what it brings.
fn with_mark(message: &str, head: &str, mark: &str) -> String {
    let trailer = format!("{}: {head} {mark}\n", Key::Proposal.as_str());
    let message = message.trim_end();
    // A message without a trailer has no paragraph for it yet.
    let paragraph = if crate::words::trailers::Trailers::parse(message).is_empty() {
        "\n\n"
    } else {
        "\n"
    };
    format!("{message}{paragraph}{trailer}")
}
