//! Floor 2, plan: what a repository holds and what shall change in it. Pure.

pub mod ancestry;
pub mod application;
pub mod change_request;
pub mod chart_index;
pub mod choice;
pub mod commit;
pub mod comparison;
pub mod deployment;
pub mod diff;
pub mod dispatch;
pub mod finding;
pub mod folder;
pub mod log;
pub mod open_request;
pub mod places;
pub mod registry;
pub mod release;
pub mod repository;
pub mod snapshot;

use commit::FileChange;

use crate::words::fault::Fault;
use crate::words::image::ImageRef;
use crate::words::policy::PullRequest;

/// What happened, or would happen; one closed list for all commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Operation {
    /// Something new was made.
    Created,
    /// Something that was there is different now.
    Updated,
    /// All was as asked already.
    Unchanged,
    /// A newer value is there already.
    Superseded,
    /// The change request was merged.
    Merged,
    /// The change request was closed, as nothing is left for it to change.
    Closed,
    /// The event asks for nothing, or what was asked does not exist and may be missing.
    Skipped,
    /// Refused by policy or as unsafe.
    Refused,
    /// It went wrong.
    Failed,
}

impl Operation {
    /// Returns the word of the outputs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Unchanged => "unchanged",
            Self::Superseded => "superseded",
            Self::Merged => "merged",
            Self::Closed => "closed",
            Self::Skipped => "skipped",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// One value that changes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct ValueChange {
    /// The file.
    pub file: String,
    /// The path in it, in the grammar of `--set`.
    pub path: String,
    /// The line, from 1.
    pub line: usize,
    /// The value before; `None` where there was none.
    pub old: Option<String>,
    /// The value after; `None` where it is removed.
    pub new: Option<String>,
    /// The cluster whose file it is, where the policy names one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
}

/// Where a plan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Publish {
    /// Write the files of a checkout, and nothing else.
    Files,
    /// Commit and push.
    Push,
    /// Commit to a branch of its own, and open or update a change request for it.
    PullRequest,
}

/// What shall change, why, and how it is said.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What it amounts to.
    pub operation: Operation,
    /// The files, each once, in the order of their names.
    pub files: Vec<FileChange>,
    /// The values, in the order of the files.
    pub changes: Vec<ValueChange>,
    /// Where it goes.
    pub publish: Publish,
    /// The image that changes, the first where there are several.
    pub image: Option<String>,
    /// The images that a registry has to have before they are written; none where nobody asks for that.
    pub required: Vec<ImageRef>,
    /// The value before, where it is the same at every place.
    pub old: Option<String>,
    /// The value after, where it is the same at every place.
    pub new: Option<String>,
    /// The commit message.
    pub message: String,
    /// How a change request looks, by the policy.
    pub pull_request: PullRequest,
    /// Why it is not pushed, where the policy sends it by a change request instead.
    pub unpushed: Option<Fault>,
    /// The hold that a change request goes against, and why it is held.
    pub held: Option<String>,
    /// Whether the policy freezes an environment that changes.
    pub frozen: bool,
    /// Why nothing changes, where nothing does.
    pub reason: Option<String>,
    /// What another way to publish would do with this plan.
    pub remark: Option<String>,
    /// What the user should know all the same.
    pub warnings: Vec<String>,
}

impl Plan {
    /// Returns whether there is anything to write.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}
