//! How two commits of a repository lie to each other.

use jiff::Timestamp;

/// How a later commit lies to an earlier one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The later one contains the earlier one.
    Ahead,
    /// The earlier one contains the later one.
    Behind,
    /// They are the same commit.
    Same,
    /// Neither contains the other.
    Diverged,
}

/// A commit as a log shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedCommit {
    /// The commit, in full hex.
    pub id: String,
    /// The whole message.
    pub message: String,
    /// The author's name and e-mail address, `Name <email>`.
    pub author: String,
    /// The committer's name and e-mail address, `Name <email>`.
    pub committer: String,
    /// When it was committed, in whole seconds.
    pub committed: Timestamp,
}

/// What lies between two commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// How the later one lies to the earlier one.
    pub relation: Relation,
    /// The commits that only the later one has, oldest first; a forge cuts long lists.
    pub commits: Vec<LoggedCommit>,
    /// How many commits only the later one has, as far as the forge says; never fewer than are listed.
    pub total: usize,
    /// Where people read the comparison, where the forge says so.
    pub url: Option<String>,
}
