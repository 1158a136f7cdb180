//! A config repo that is read and written through its forge's API, without a clone.

use super::Forge;
use super::github::GitHubRepo;
use super::gitlab::GitLabRepo;
use crate::world::config_repo::ConfigRepo;

impl Forge {
    /// Stands for one branch of the repository; without a name, for its default branch.
    pub fn config_repo(self, branch: Option<&str>) -> Box<dyn ConfigRepo> {
        match self {
            Self::GitHub(forge) => Box::new(GitHubRepo::new(forge, branch)),
            Self::GitLab(forge) => Box::new(GitLabRepo::new(forge, branch)),
        }
    }
}
