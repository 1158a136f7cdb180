//! What the integration tests share.

pub mod argocd;
pub mod cli;
pub mod git_server;
pub mod github;
pub mod gitlab;
pub mod jobs;
pub mod outputs;
pub mod previews;
pub mod proxy;
pub mod reach;
pub mod real_registry;
pub mod registry;
pub mod secret;
pub mod signals;
pub mod stage;
pub mod story;
pub mod tls;
