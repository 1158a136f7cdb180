//! A GitHub for tests: its REST and GraphQL APIs, and git over HTTP, on 127.0.0.1.
//!
//! Branches, commits and merges are those of real bare repositories; pull requests, runs, deployments and labels are
//! kept in memory. It refuses what GitHub refuses: every body is held against a schema of `tests/data/github`, every
//! GraphQL document against `schema.graphql` there, every token against its permissions.
//!
//! ```ignore
//! let hub = Fake::start();
//! hub.repo("acme/deploy", &[("dev.yaml", "image: {tag: v1}\n")]);
//! hub.token("t0k", Grant::person("ana"));
//! hub.before_next("POST /repos/acme/deploy/pulls", |hub| { hub.person_commits("acme/deploy", "main", "a", "b"); });
//! ```

mod access;
mod actions;
mod answer;
mod apps;
mod body;
mod contents;
mod deployments;
mod desk;
mod graphql;
mod hub;
mod issues;
mod kept;
mod owners;
mod people;
mod pulls;
mod releases;
mod repos;
mod routes;
mod rules;
mod state;
mod store;
mod views;

use std::ops::Deref;
use std::sync::Arc;

pub use access::{App, Grant, Kind, Level};
pub use hub::{Failure, Hub};
pub use state::{Rule, Workflow};

use super::git_server::{GitServer, Options, Request};

/// The address of the committer of what GitHub commits itself.
pub const GITHUB_EMAIL: &str = "noreply@github.com";

/// Which GitHub it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Flavor {
    /// github.com: REST at the root, GraphQL at `/graphql`, 25 inputs, `return_run_details`.
    #[default]
    DotCom,
    /// A server of one's own: REST at `/api/v3`, GraphQL at `/api/graphql`, 10 inputs, no `return_run_details`.
    Enterprise,
}

/// A running fake; it stops when dropped. What it can do is in [`Hub`].
pub struct Fake {
    hub: Arc<Hub>,
    server: GitServer,
}

impl Fake {
    pub fn start() -> Self {
        Self::start_as(Flavor::DotCom)
    }

    pub fn start_as(flavor: Flavor) -> Self {
        Self::start_with(flavor, Options::default())
    }

    /// Starts with more options of the server, such as TLS.
    pub fn start_with(flavor: Flavor, options: Options) -> Self {
        let hub = Arc::new(Hub::new(flavor));
        let answering = Arc::clone(&hub);
        let server = GitServer::start(Options {
            handler: Some(Arc::new(move |request: &Request| answering.answer(request))),
            ..options
        });
        let root = server.url("");
        hub.settle(server.path(""), root.trim_end_matches('/'));
        Self { hub, server }
    }

    /// The server below, for its counts and its faults.
    pub fn server(&self) -> &GitServer {
        &self.server
    }
}

impl Deref for Fake {
    type Target = Hub;

    fn deref(&self) -> &Hub {
        &self.hub
    }
}
