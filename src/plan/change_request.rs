//! A pull request of GitHub, or a merge request of GitLab, in words that fit both.

/// Where a change request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It can be merged.
    Open,
    /// It was closed without being merged.
    Closed,
    /// It was merged.
    Merged,
}

/// A change request as its forge shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRequest {
    /// The number that people use: GitHub's number, GitLab's iid.
    pub number: u64,
    /// GitHub's node id, which GraphQL asks for; empty on GitLab.
    pub node: String,
    /// Where people read it.
    pub url: String,
    /// Where it stands.
    pub state: State,
    /// Its title, without GitLab's mark of a draft.
    pub title: String,
    /// Its text, Markdown.
    pub body: String,
    /// The tip of its head branch, in full hex; the last one it knew where the branch is gone.
    pub head: Option<String>,
    /// Whether it is a draft.
    pub draft: bool,
}

/// What a new change request says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewChangeRequest {
    /// The branch that carries the change, in the same repository.
    pub head: String,
    /// The branch that it goes to.
    pub base: String,
    /// The title.
    pub title: String,
    /// The text, Markdown.
    pub body: String,
    /// Whether it is a draft.
    pub draft: bool,
}

/// What changes on a change request that is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edit {
    /// The new title; `None` leaves it, and with it whether it is a draft.
    pub title: Option<String>,
    /// The new text; `None` leaves it.
    pub body: Option<String>,
    /// Whether a closed one is opened again.
    pub reopen: bool,
}

/// What opening a change request came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opened {
    /// It is open. The warning says what was not to be had, such as a draft.
    New(ChangeRequest, Option<String>),
    /// There is one already for this head and base: look again.
    Exists,
    /// Head and base do not differ.
    NoDifference,
    /// The answer was lost: look again before opening another one.
    Unclear(String),
}

/// Who and what is asked for beside the change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dressing {
    /// Labels; those that do not exist are made where the token may.
    pub labels: Vec<String>,
    /// Users who are asked to review.
    pub reviewers: Vec<String>,
    /// Teams who are asked to review, by their slugs; GitHub only.
    pub team_reviewers: Vec<String>,
    /// Users it is assigned to.
    pub assignees: Vec<String>,
}

impl Dressing {
    /// Returns whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self == &Self::default()
    }
}

/// How a change request is merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeMethod {
    /// With a merge commit.
    Merge,
    /// As one commit.
    Squash,
    /// Its commits one by one on top of the base.
    Rebase,
}

/// What asking for an automatic merge came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AutoMerge {
    /// The forge merges it as soon as its rules are met.
    Enabled,
    /// Its rules were met already, and it is merged.
    Merged,
    /// It waits in the merge queue.
    Queued,
    /// It cannot be had here, and why; it is left open.
    Unavailable(String),
}
