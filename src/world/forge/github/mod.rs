//! GitHub: github.com and GitHub Enterprise Server, through octocrab on the one HTTP client.
//!
//! Sources: GitHub's "REST API endpoints" (version 2022-11-28, the one that every Enterprise Server knows) and its
//! GraphQL reference.

mod app;
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
mod preflight;
mod query;
mod releases;
mod repositories;
mod rules;
mod snapshot;
mod workflow;

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::OnceLock;

use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use octocrab::Octocrab;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use secrecy::SecretString;
use serde_json::{Value, json};

pub use config_repo::GitHubRepo;
pub(in crate::world::forge) use environments::Standing;

use super::access::{Credential, ForgeAccess, NO_TOKEN};
use super::call::{Answer, Called, Effect, call};
use crate::words::fault::{Fault, Kind};
use crate::words::forge_repo::ForgeRepo;
use crate::words::token::{Token, TokenSource};
use crate::world::http::{Lost, MOST_READ, too_long};

type BoxError = Box<dyn Error + Send + Sync>;

/// The version of the REST API that is asked for.
const API_VERSION: &str = "2022-11-28";

/// One repository of GitHub.
pub struct GitHub {
    pub(super) access: ForgeAccess,
    pub(super) repo: ForgeRepo,
    rest: OnceLock<Octocrab>,
    graphql: OnceLock<Octocrab>,
    app_token: OnceLock<Token>,
    /// What the App's token may do, by permission.
    granted: OnceLock<BTreeMap<String, String>>,
}

impl GitHub {
    /// Prepares to reach a repository; nothing is sent yet.
    pub fn new(repo: ForgeRepo, access: ForgeAccess) -> Self {
        Self {
            access,
            repo,
            rest: OnceLock::new(),
            graphql: OnceLock::new(),
            app_token: OnceLock::new(),
            granted: OnceLock::new(),
        }
    }

    /// Reads `/repos/{owner}/{repo}` and what follows it; the answer may be a refusal.
    pub(super) fn get(&self, below: &str) -> Result<Answer, Fault> {
        match self.send(Effect::Read, &Method::GET, &self.path(below), None)? {
            Called::Answered(answer) => Ok(answer),
            Called::Unclear(fault) => Err(fault),
        }
    }

    /// Reads something that belongs to no repository.
    pub(super) fn get_at(&self, path: &str) -> Result<Answer, Fault> {
        match self.send(Effect::Read, &Method::GET, path, None)? {
            Called::Answered(answer) => Ok(answer),
            Called::Unclear(fault) => Err(fault),
        }
    }

    /// Changes something below `/repos/{owner}/{repo}`.
    pub(super) fn write(&self, method: &Method, below: &str, body: &Value) -> Result<Called, Fault> {
        self.send(Effect::Write, method, &self.path(below), Some(body))
    }

    /// Asks GraphQL; its errors come with status 200, in `errors`.
    pub(super) fn graphql(&self, effect: Effect, query: &str, variables: &Value) -> Result<Called, Fault> {
        if matches!(self.access.credential, Credential::None) {
            let why =
                "GitHub's GraphQL API answers nobody without a token, not even about a public repository";
            return Err(Fault::new(Kind::Denied, why).hint(NO_TOKEN));
        }
        let body = json!({ "query": query, "variables": variables });
        let client = self.client(
            &self.graphql,
            self.access.root.graphql.as_str().trim_end_matches("/graphql"),
        )?;
        self.exchange(client, effect, &Method::POST, "/graphql", Some(&body))
    }

    fn path(&self, below: &str) -> String {
        format!("/repos/{}{below}", self.repo.path())
    }

    fn send(
        &self,
        effect: Effect,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Called, Fault> {
        let client = self.client(&self.rest, self.access.root.rest.as_str().trim_end_matches('/'))?;
        self.exchange(client, effect, method, path, body)
    }

    fn exchange(
        &self,
        client: &Octocrab,
        effect: Effect,
        method: &Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Called, Fault> {
        let what = format!("{method} {path}");
        let text = body.map(Value::to_string).unwrap_or_default();
        call(&self.access, effect, &what, || {
            let mut request = http::Request::builder()
                .method(method.clone())
                .uri(path)
                .header("accept", "application/vnd.github+json")
                .header("x-github-api-version", API_VERSION);
            if body.is_some() {
                request = request.header("content-type", "application/json");
            }
            let request = request.body(text.clone()).map_err(|_| {
                Lost::for_good(Fault::new(
                    Kind::Internal,
                    format!("cannot write the request {what}"),
                ))
            })?;
            let exchanged = async {
                let response = client.execute(request).await?;
                let (parts, body) = response.into_parts();
                let body = Limited::new(body, MOST_READ).collect().await?;
                Ok::<_, BoxError>((parts, body.to_bytes()))
            };
            let host = self.access.root.host();
            let deadline = effect.deadline(self.access.deadline);
            let waited = self.access.http.wait(deadline, exchanged);
            match waited.map_err(Lost::for_good)? {
                Some(Ok((parts, bytes))) => Answer::of(parts.status.as_u16(), parts.headers, &bytes, host),
                Some(Err(error)) if error.is::<LengthLimitError>() => {
                    Err(Lost::unusable(too_long(host, MOST_READ)))
                }
                Some(Err(error)) => Err(self.lost(&*error)),
                None => Err(Lost::too_late(host, deadline)),
            }
        })
    }

    /// Finds what the connection met below octocrab's own error.
    fn lost(&self, error: &(dyn Error + 'static)) -> Lost {
        let mut cause = Some(error);
        while let Some(current) = cause {
            if let Some(error) = current.downcast_ref::<reqwest::Error>() {
                return self.access.http.lost(&self.access.root.rest, error);
            }
            cause = current.source();
        }
        Lost::unusable(Fault::new(
            Kind::Internal,
            format!("octocrab: {}", error.to_string().escape_debug()),
        ))
    }

    fn client<'a>(&self, kept: &'a OnceLock<Octocrab>, base: &str) -> Result<&'a Octocrab, Fault> {
        if let Some(client) = kept.get() {
            return Ok(client);
        }
        let token = match &self.access.credential {
            Credential::None => None,
            Credential::Token(token, _) => Some(SecretString::from(token.expose())),
            Credential::App { id, key } => Some(self.app_token(id, key)?),
        };
        let client = self.connect(base, token.as_ref())?;
        Ok(kept.get_or_init(|| client))
    }

    /// Returns the App's token for this repository; it is made once.
    fn app_token(&self, id: &str, key: &SecretString) -> Result<SecretString, Fault> {
        let token = if let Some(token) = self.app_token.get() {
            token
        } else {
            let made = self.installation_token(id, key)?;
            self.app_token.get_or_init(|| made)
        };
        Ok(SecretString::from(token.expose()))
    }

    /// Makes a client that says who we are by a token.
    fn connect(&self, base: &str, token: Option<&SecretString>) -> Result<Octocrab, Fault> {
        let internal = |why: String| Fault::new(Kind::Internal, format!("cannot start octocrab: {why}"));
        let http = self.access.http.client()?;
        let builder = Octocrab::builder()
            .base_uri(base)
            .map_err(|error| internal(error.to_string()))?;
        let builder = match token {
            None => builder,
            Some(token) => builder.personal_token(token.clone()),
        };
        // Octocrab starts a task of its own, so it has to be made on the runtime.
        let made = self
            .access
            .http
            .wait(self.access.deadline, async { builder.build_with_reqwest(http) })?;
        made.ok_or_else(|| self.access.deadline.missed(self.access.root.host()))?
            .map_err(|error| internal(error.to_string()))
    }

    /// Puts a refusal into words: who was asked for what, what the forge says, and which permission is missing.
    ///
    /// `doing` says what was tried, as in `open a pull request`; `permission` is the one that GitHub's docs name for
    /// it, as in `pull requests: write`. GitHub names it itself in `X-Accepted-GitHub-Permissions`.
    pub(super) fn refusal(&self, answer: &Answer, doing: &str, permission: &str) -> Fault {
        let repo = self.repo.path();
        let complaint = answer.complaint();
        let permission = answer
            .header("x-accepted-github-permissions")
            .filter(|named| !named.is_empty())
            .map_or_else(
                || permission.to_owned(),
                |named| named.replace('=', ": ").escape_debug().to_string(),
            );
        let message = format!(
            "GitHub does not let us {doing} in `{repo}` ({}): {complaint}",
            answer.status
        );
        if let Some(hint) = self.hint_elsewhere(answer) {
            return Fault::new(Kind::Denied, message).hint(hint);
        }
        let hint = match (answer.status, &self.access.credential) {
            (401 | 404, Credential::None) => NO_TOKEN.to_owned(),
            (401, Credential::Token(_, source)) => {
                format!("the token from {source} is wrong or has expired")
            }
            (403 | 404, Credential::Token(_, TokenSource::Variable("GITHUB_TOKEN"))) => format!(
                "GITHUB_TOKEN reaches only the repository that it runs in, with the job's `permissions`; it needs {permission}. \
                 For another repository give a GitHub App (GITOPS_STEPS_APP_ID) or a fine-grained token (GITOPS_STEPS_TOKEN)"
            ),
            (404, _) => format!(
                "either it does not exist, or the token cannot see it; the token needs {permission} on `{repo}`"
            ),
            (403, _) => format!("the token needs {permission} on `{repo}`"),
            _ => "see what GitHub says above".to_owned(),
        };
        Fault::new(Kind::Denied, message).hint(hint)
    }
}

impl GitHub {
    /// Says what to do where neither the repository nor a permission is what is wrong.
    fn hint_elsewhere(&self, answer: &Answer) -> Option<String> {
        let root = &self.access.root.rest;
        let sso = answer.header("x-github-sso").unwrap_or_default();
        if answer.status == 403
            && (sso.starts_with("required") || answer.complaint().contains("SAML enforcement"))
        {
            return Some(
                "authorise the token for the organisation's single sign-on: Settings > Developer settings > \
                 Personal access tokens, Configure SSO; or give a GitHub App, which needs none"
                    .to_owned(),
            );
        }
        // GitHub's own 404 is JSON.
        if answer.status == 404 && answer.json.is_null() && matches!(root.path(), "" | "/") {
            let server = root.as_str().trim_end_matches('/').escape_debug();
            return Some(format!(
                "an Enterprise Server has its API below /api/v3: give --api-url {server}/api/v3"
            ));
        }
        answer.moved_hint(root)
    }
}

/// What stands in a path or a query as it is; a branch's name may hold slashes.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// Returns a foreign text as a part of a path, or a value of a query.
fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}
