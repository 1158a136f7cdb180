//! The seam to whoever knows how the commits of an app's repository lie to each other.

use super::comparison::Relation;

/// Knows the history of the repositories that images are built in.
pub trait Ancestry {
    /// Returns how the commit `new` lies to the commit `old`; `None` where nobody can tell.
    ///
    /// `repo` is the full name, `owner/name` or `group/subgroup/project`. The commits are lower-case hex, in full or
    /// shortened to at least seven digits.
    ///
    /// # Errors
    /// A failure that is no mere lack of an answer.
    fn relation(&self, repo: &str, old: &str, new: &str) -> anyhow::Result<Option<Relation>>;
}
