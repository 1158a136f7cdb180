//! How two commits of a repository lie to each other, as its forge knows it.

use super::Forge;
use crate::plan::comparison::Comparison;
use crate::words::fault::Fault;

impl Forge {
    /// Compares two commits, branches or tags; `None` if the repository does not know one of them.
    ///
    /// # Errors
    /// What the forge refuses.
    pub fn compare(&self, base: &str, head: &str) -> Result<Option<Comparison>, Fault> {
        match self {
            Self::GitHub(forge) => forge.compare(base, head),
            Self::GitLab(forge) => forge.compare(base, head),
        }
    }
}
