//! The forges behind one seam, in words that fit both: GitHub and GitLab.
//!
//! A [`Forge`] is one repository there, reached with one credential.

pub mod access;
pub(super) mod call;
mod caveats;
mod change_requests;
mod compare;
mod config_repo;
mod deployments;
mod dispatch;
mod environments;
mod fit;
mod github;
mod gitlab;
mod open_requests;
mod preflight;
mod releases;
mod repositories;

pub use environments::Standing;
pub use github::{GitHub, GitHubRepo};
pub use gitlab::{GitLab, GitLabRepo};

use access::ForgeAccess;

use crate::words::forge_repo::{ForgeKind, ForgeRepo};

/// One repository of a forge.
#[expect(clippy::large_enum_variant, reason = "a run holds one or two of them")]
pub enum Forge {
    /// Of GitHub.
    GitHub(GitHub),
    /// Of GitLab.
    GitLab(GitLab),
}

impl Forge {
    /// Prepares to reach a repository; nothing is sent yet.
    pub fn new(repo: ForgeRepo, access: ForgeAccess) -> Self {
        match repo.kind() {
            ForgeKind::GitHub => Self::GitHub(GitHub::new(repo, access)),
            ForgeKind::GitLab => Self::GitLab(GitLab::new(repo, access)),
        }
    }
}
