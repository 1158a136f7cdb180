//! GitLab: gitlab.com and self-managed, by the endpoints of the `gitlab` crate on the one HTTP client.
//!
//! Sources: GitLab's "REST API resources" and its GraphQL reference.

mod auto_merge;
mod change_requests;
mod commit;
mod compare;
mod config_repo;
mod deployments;
mod dispatch;
mod dressing;
mod environments;
mod open_requests;
mod own;
mod preflight;
mod releases;
mod repositories;
mod snapshot;

use std::fmt::Display;

use gitlab::api::Endpoint;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use serde_json::{Value, json};

pub use config_repo::GitLabRepo;
pub(in crate::world::forge) use environments::Standing;

use super::access::{Credential, ForgeAccess, NO_TOKEN};
use super::call::{Answer, Called, Effect, call};
use crate::words::fault::{Fault, Kind};
use crate::words::forge_repo::ForgeRepo;
use crate::words::token::{Token, TokenSource};
use crate::world::http::Request;

/// One project of GitLab.
pub struct GitLab {
    pub(super) access: ForgeAccess,
    pub(super) repo: ForgeRepo,
}

impl GitLab {
    /// Prepares to reach a project; nothing is sent yet.
    pub fn new(repo: ForgeRepo, access: ForgeAccess) -> Self {
        Self { access, repo }
    }

    /// Asks an endpoint that only reads; the answer may be a refusal.
    pub(super) fn read(&self, endpoint: &impl Endpoint) -> Result<Answer, Fault> {
        match self.ask(Effect::Read, endpoint)? {
            Called::Answered(answer) => Ok(answer),
            Called::Unclear(fault) => Err(fault),
        }
    }

    /// Asks an endpoint that changes something.
    pub(super) fn write(&self, endpoint: &impl Endpoint) -> Result<Called, Fault> {
        self.ask(Effect::Write, endpoint)
    }

    /// Asks GraphQL; its errors come with status 200, in `errors`.
    pub(super) fn graphql(&self, query: &str, variables: &Value) -> Result<Answer, Fault> {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let url = self.access.root.graphql.clone();
        let called = self.exchange(
            Effect::Read,
            &Method::POST,
            &url,
            Some(("application/json", body.into())),
        )?;
        match called {
            Called::Answered(answer) => Ok(answer),
            Called::Unclear(fault) => Err(fault),
        }
    }

    fn ask(&self, effect: Effect, endpoint: &impl Endpoint) -> Result<Called, Fault> {
        let internal =
            |why: String| Fault::new(Kind::Internal, format!("cannot write a request to GitLab: {why}"));
        let root = self.access.root.rest.as_str().trim_end_matches('/');
        let mut url = Url::parse(&format!("{root}/{}", endpoint.endpoint()))
            .map_err(|error| internal(error.to_string()))?;
        endpoint.parameters().add_to_url(&mut url);
        if url.query() == Some("") {
            url.set_query(None);
        }
        let body = endpoint.body().map_err(|error| internal(error.to_string()))?;
        self.exchange(effect, &endpoint.method(), &url, body)
    }

    fn exchange(
        &self,
        effect: Effect,
        method: &Method,
        url: &Url,
        body: Option<(&'static str, Vec<u8>)>,
    ) -> Result<Called, Fault> {
        let what = format!("{method} {}", url.path());
        let mut headers = self.identity();
        if let Some((kind, _)) = &body {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        }
        let body = body.map(|(_, bytes)| bytes);
        call(&self.access, effect, &what, || {
            let request = Request {
                method: method.clone(),
                url: url.clone(),
                headers: headers.clone(),
                body: body.clone(),
            };
            let deadline = effect.deadline(self.access.deadline);
            let mut answer = self.access.http.send(request, deadline)?;
            let bytes = answer.whole()?;
            let headers = answer.headers().clone();
            Answer::of(answer.status(), headers, &bytes, self.access.root.host())
        })
    }

    /// Returns whether the token is that of a CI job, which may do less than the others.
    pub(super) fn has_job_token(&self) -> bool {
        matches!(&self.access.credential, Credential::Token(token, source) if is_job_token(token, source))
    }

    /// The header that says who we are.
    fn identity(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Credential::Token(token, source) = &self.access.credential {
            let (name, value) = match source {
                _ if is_job_token(token, source) => {
                    (HeaderName::from_static("job-token"), Some(token.clone()))
                }
                _ if is_oauth(token.expose()) => (AUTHORIZATION, token.as_header("Bearer")),
                _ => (HeaderName::from_static("private-token"), Some(token.clone())),
            };
            if let Some(mut value) = value.and_then(|value| HeaderValue::from_str(value.expose()).ok()) {
                value.set_sensitive(true);
                headers.insert(name, value);
            }
        }
        headers
    }

    /// Puts a refusal into words: what was tried, what GitLab says, and what the token needs.
    ///
    /// `doing` says what was tried, as in `open a merge request`; `needs` is what GitLab's docs ask for, as in
    /// `the Developer role and the scope api`.
    pub(super) fn refusal(&self, answer: &Answer, doing: &str, needs: &str) -> Fault {
        let project = self.repo.path();
        let complaint = answer.complaint();
        let message = format!(
            "GitLab does not let us {doing} in `{project}` ({}): {complaint}",
            answer.status
        );
        if let Some(hint) = answer.moved_hint(&self.access.root.rest) {
            return Fault::new(Kind::Denied, message).hint(hint);
        }
        let hint = match (answer.status, &self.access.credential) {
            (401 | 404, Credential::None) => NO_TOKEN.to_owned(),
            (401 | 403 | 404, Credential::Token(token, source)) if is_job_token(token, source) => format!(
                "CI_JOB_TOKEN may not do this: give a project or group access token in GITOPS_STEPS_TOKEN, with {needs}"
            ),
            (401, Credential::Token(_, source)) => format!("the token from {source} is wrong or has expired"),
            (404, _) => format!(
                "either it does not exist, or the token cannot see it; the token needs {needs} in `{project}`"
            ),
            (403, _) => format!("the token needs {needs} in `{project}`"),
            _ => "see what GitLab says above".to_owned(),
        };
        Fault::new(Kind::Denied, message).hint(hint)
    }
}

/// A job token comes from CI's variable, or shows by its prefix ("GitLab token overview: token prefixes").
fn is_job_token(token: &Token, source: &TokenSource) -> bool {
    matches!(source, TokenSource::Variable("CI_JOB_TOKEN")) || token.expose().starts_with("glcbt-")
}

/// Tells that an endpoint of the `gitlab` crate could not be put together.
fn unwritable(error: impl Display) -> Fault {
    Fault::new(
        Kind::Internal,
        format!("cannot write a request to GitLab: {error}"),
    )
}

/// An OAuth token is 64 hex digits; personal, project and group tokens have a prefix, or are shorter.
fn is_oauth(token: &str) -> bool {
    token.len() == 64 && token.bytes().all(|b| b.is_ascii_hexdigit())
}
