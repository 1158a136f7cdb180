//! A fake GitLab for tests: its REST and GraphQL APIs and git over HTTP, on one port of 127.0.0.1.
//!
//! Branches, commits, trees and merges happen in real bare repositories; merge requests, pipelines, deployments and
//! environments live in memory. What GitLab refuses, this refuses: wrong or missing logins, tokens without the scope,
//! the role or the sight of a project, unknown routes, values of the wrong type (tests/data/gitlab/requests.json), and
//! GraphQL that does not fit tests/data/gitlab/schema.graphql. It is stricter in one thing: a field that GitLab would
//! not know and pass over is an error.
//!
//! A test makes a [`Fake`], repositories and tokens, and runs the program against [`Fake::api_url`]. The methods of
//! [`Lab`] play the people and machines at the other end; a [`Fake`] has them all.
#![allow(clippy::unnecessary_wraps, reason = "all routes have one shape")]

mod answer;
mod auth;
mod commits;
mod deployments;
mod environments;
mod graph_objects;
mod graphql;
mod merge_requests;
mod merging;
mod params;
mod people;
mod pipelines;
mod projects;
mod releases;
mod repository;
mod routes;
mod state;
mod store;
mod wire;

use std::ops::Deref;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::git_server::{GitServer, Options, bare_repo};

pub use auth::{Grant, Role};
use state::State;

/// One request to an API, as it arrived.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub method: String,
    /// Path with query, as sent, without `/api`: it begins with `/v4/` or `/graphql`.
    pub target: String,
    /// The header that held the token (`private-token`, `job-token`, `authorization`), or `""`.
    pub auth: &'static str,
    /// The body's fields, of a form as of JSON; `null` when there is none.
    pub body: Value,
}

/// What goes wrong with one request.
pub enum Failure {
    /// This status, these headers and this body are answered; nothing is done.
    Status(u16, Vec<(&'static str, String)>, String),
    /// The connection closes; nothing is done.
    Close,
    /// The request is carried out, and the connection closes without an answer.
    CloseAfterDoing,
}

impl Failure {
    /// The answer to too many requests (GitLab docs, "Rate limits: response headers").
    pub fn too_many(seconds: u32) -> Self {
        let headers = vec![
            ("Retry-After", seconds.to_string()),
            ("RateLimit-Limit", "600".to_owned()),
            ("RateLimit-Observed", "601".to_owned()),
            ("RateLimit-Remaining", "0".to_owned()),
            ("RateLimit-Name", "throttle_authenticated_api".to_owned()),
        ];
        Self::Status(429, headers, "Retry later\n".to_owned())
    }
}

type Deed = Box<dyn FnOnce(&Lab) + Send>;

/// What a test has prepared for a coming request.
enum Prepared {
    Failure(Failure),
    Deed(Deed),
}

struct Inner {
    state: Mutex<State>,
    requests: Mutex<Vec<Recorded>>,
    /// Each with the `METHOD part-of-path` that it waits for.
    prepared: Mutex<Vec<(String, Prepared)>>,
}

/// The state of the fake, and what a test can do with it; clones share it.
#[derive(Clone)]
pub struct Lab {
    inner: Arc<Inner>,
}

/// A running fake; it stops when dropped.
pub struct Fake {
    lab: Lab,
    server: GitServer,
}

impl Fake {
    pub fn start() -> Self {
        Self::start_with(Options::default())
    }

    /// Starts with more options of the server, such as TLS.
    pub fn start_with(options: Options) -> Self {
        let lab = Lab {
            inner: Arc::new(Inner {
                state: Mutex::new(State::default()),
                requests: Mutex::default(),
                prepared: Mutex::default(),
            }),
        };
        let serving = lab.clone();
        let server = GitServer::start(Options {
            handler: Some(Arc::new(move |request| wire::handle(&serving, request))),
            ..options
        });
        {
            let mut state = lab.state();
            state.root = server.path("");
            server.url("").trim_end_matches('/').clone_into(&mut state.url);
        }
        Self { lab, server }
    }

    /// The server below, for its counts and its faults.
    pub fn server(&self) -> &GitServer {
        &self.server
    }

    /// The server's root, as in `$CI_SERVER_URL`.
    pub fn url(&self) -> String {
        self.server.url("").trim_end_matches('/').to_owned()
    }

    /// As in `$CI_SERVER_PORT`.
    pub fn port(&self) -> String {
        let url = self.url();
        url.rsplit(':').next().unwrap().to_owned()
    }

    /// The root of REST, as in `$CI_API_V4_URL`.
    pub fn api_url(&self) -> String {
        format!("{}/api/v4", self.url())
    }

    /// As in `$CI_API_GRAPHQL_URL`.
    pub fn graphql_url(&self) -> String {
        format!("{}/api/graphql", self.url())
    }

    /// The address of a project's repository, as git takes it.
    pub fn git_url(&self, project: &str) -> String {
        self.server.url(&format!("{project}.git"))
    }
}

impl Deref for Fake {
    type Target = Lab;

    fn deref(&self) -> &Lab {
        &self.lab
    }
}

impl Lab {
    /// Makes a private project whose branch `main` holds `files` (names as in [`bare_repo`]); `""` holds none.
    pub fn repo(&self, project: &str, files: &[(&str, &str)]) {
        let mut state = self.state();
        bare_repo(&state.bare(project), files);
        state.add_project(project);
    }

    /// Makes a group.
    pub fn group(&self, path: &str) {
        self.state().groups.push(path.to_owned());
    }

    /// Lets a token in; its login becomes a user.
    pub fn token(&self, token: &str, grant: Grant) {
        let mut state = self.state();
        state.user(&grant.login);
        state.tokens.insert(token.to_owned(), grant);
    }

    /// Makes a user who is a member of every project; returns the id.
    pub fn user(&self, login: &str) -> u64 {
        self.state().user(login)
    }

    /// Makes a user who is a member of nothing, whom no merge request can name; returns the id.
    pub fn outsider(&self, login: &str) -> u64 {
        let mut state = self.state();
        state.outsiders.insert(login.to_owned());
        state.user(login)
    }

    /// Every request to an API so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.inner.requests.lock().unwrap().clone()
    }

    pub fn clear_requests(&self) {
        self.inner.requests.lock().unwrap().clear();
    }

    /// Spoils the next request that `which` names: a method, a space and a part of the path with its query as sent,
    /// such as `POST /merge_requests`.
    pub fn fail_next(&self, which: &str, failure: Failure) {
        self.prepare(which, Prepared::Failure(failure));
    }

    /// Does something just before the next request that `which` names ([`Lab::fail_next`]) is carried out.
    pub fn before_next(&self, which: &str, deed: impl FnOnce(&Lab) + Send + 'static) {
        self.prepare(which, Prepared::Deed(Box::new(deed)));
    }

    fn prepare(&self, which: &str, what: Prepared) {
        assert!(which.contains(' '), "{which}: say METHOD and part of the path");
        self.inner.prepared.lock().unwrap().push((which.to_owned(), what));
    }

    /// Takes all deeds that wait for a request, and the first failure.
    fn prepared(&self, method: &str, path: &str) -> (Vec<Deed>, Option<Failure>) {
        let mut waiting = self.inner.prepared.lock().unwrap();
        let (mut deeds, mut failure, mut left) = (Vec::new(), None, Vec::new());
        for (which, what) in waiting.drain(..) {
            let meant = which
                .split_once(' ')
                .is_some_and(|(verb, part)| verb == method && path.contains(part));
            match what {
                Prepared::Deed(deed) if meant => deeds.push(deed),
                Prepared::Failure(one) if meant && failure.is_none() => failure = Some(one),
                what => left.push((which, what)),
            }
        }
        *waiting = left;
        (deeds, failure)
    }

    /// The state, with the merge requests brought up to what the branches say.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.inner.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.refresh();
        state
    }
}
