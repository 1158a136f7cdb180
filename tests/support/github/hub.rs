//! The front door: who asks, what is recorded, what a test spoils, and who answers.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock};

use base64::Engine as _;
use serde_json::{Value, json};

use super::access::{Grant, require};
use super::answer::{Answer, refusal};
use super::desk::{Call, Desk};
use super::kept::keep;
use super::state::State;
use super::{Flavor, body, graphql, routes};
use crate::support::git_server::{Request, Response};

/// The fake itself, without the server that listens.
pub struct Hub {
    pub(super) flavor: Flavor,
    place: OnceLock<(PathBuf, String)>,
    state: Mutex<State>,
    requests: Mutex<Vec<Recorded>>,
    failures: Mutex<Vec<(String, Failure)>>,
    hooks: Mutex<Vec<(String, Hook)>>,
}

type Hook = Box<dyn FnOnce(&Hub) + Send>;

/// An API request as it came.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: HashMap<String, String>,
    /// The login whose token was used.
    pub login: Option<String>,
    pub body: Value,
    pub status: Option<u16>,
}

/// What happens to a request instead of its answer.
#[derive(Clone, Debug)]
pub enum Failure {
    /// It is not carried out, and this is answered.
    Status(u16, Vec<(&'static str, String)>, String),
    /// It is not carried out, and the connection closes.
    Close,
    /// It is carried out, and the connection closes without an answer.
    CloseAfterDoing,
}

impl Failure {
    /// GitHub's answer to too much at once.
    pub fn secondary_limit(seconds: u64) -> Self {
        let body = r#"{"message":"You have exceeded a secondary rate limit. Please wait a few minutes before you try again.","documentation_url":"https://docs.github.com/rest/overview/rate-limits-for-the-rest-api#about-secondary-rate-limits"}"#;
        Self::Status(403, vec![("Retry-After", seconds.to_string())], body.to_owned())
    }
}

impl Hub {
    pub(super) fn new(flavor: Flavor) -> Self {
        Self {
            flavor,
            place: OnceLock::new(),
            state: Mutex::new(State::new()),
            requests: Mutex::default(),
            failures: Mutex::default(),
            hooks: Mutex::default(),
        }
    }

    pub(super) fn settle(&self, home: PathBuf, root: &str) {
        self.place.set((home, root.to_owned())).unwrap();
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub(super) fn home(&self) -> &PathBuf {
        &self.place.get().unwrap().0
    }

    /// The server's root (`GITHUB_SERVER_URL`).
    pub fn url(&self) -> &str {
        &self.place.get().unwrap().1
    }

    /// The root of the REST API (`GITHUB_API_URL`).
    pub fn api_url(&self) -> String {
        match self.flavor {
            Flavor::DotCom => self.url().to_owned(),
            Flavor::Enterprise => format!("{}/api/v3", self.url()),
        }
    }

    /// Where GraphQL is asked (`GITHUB_GRAPHQL_URL`).
    pub fn graphql_url(&self) -> String {
        match self.flavor {
            Flavor::DotCom => format!("{}/graphql", self.url()),
            Flavor::Enterprise => format!("{}/api/graphql", self.url()),
        }
    }

    /// The API requests so far; those to git are not among them.
    pub fn requests(&self) -> Vec<Recorded> {
        self.requests.lock().unwrap().clone()
    }

    pub fn clear_requests(&self) {
        self.requests.lock().unwrap().clear();
    }

    /// Spoils the next API request whose `METHOD /path?query`, a line break and body hold `part`.
    pub fn fail_next(&self, part: &str, failure: Failure) {
        self.failures.lock().unwrap().push((part.to_owned(), failure));
    }

    /// Does something right before the next API request whose `METHOD /path?query`, a line break and body hold
    /// `part` is carried out.
    pub fn before_next(&self, part: &str, what: impl FnOnce(&Hub) + Send + 'static) {
        self.hooks.lock().unwrap().push((part.to_owned(), Box::new(what)));
    }

    /// Answers a request; none for git's own, once its caller is let in.
    pub(super) fn answer(&self, request: &Request) -> Option<Response> {
        let path = request.target.split('?').next().unwrap_or_default();
        let is_git = ["/info/refs", "/git-upload-pack", "/git-receive-pack"]
            .iter()
            .any(|end| path.ends_with(end));
        if is_git && path.matches('/').count() < 5 {
            return self.at_the_gate(request).err().map(spoken);
        }
        let text = format!(
            "{} {}\n{}",
            request.method,
            request.target,
            String::from_utf8_lossy(&request.body)
        );
        if let Some(hook) = taken(&self.hooks, &text) {
            hook(self);
        }
        let failure = taken(&self.failures, &text);
        let seen = self.record(request);
        let answer = match &failure {
            Some(Failure::Close) => return Some(Response::Close),
            Some(Failure::Status(status, headers, body)) => {
                let answer = Answer::text(*status, body);
                headers
                    .iter()
                    .fold(answer, |answer, (name, value)| answer.with(name, value))
            }
            _ => self.carry_out(request),
        };
        if let Some(recorded) = self.requests.lock().unwrap().get_mut(seen) {
            recorded.status = Some(answer.status);
        }
        match failure {
            Some(Failure::CloseAfterDoing) => Some(Response::Close),
            _ => Some(spoken(answer)),
        }
    }

    fn record(&self, request: &Request) -> usize {
        let login = self.grant_of(request).map(|grant| grant.login);
        let mut requests = self.requests.lock().unwrap();
        requests.push(Recorded {
            method: request.method.clone(),
            target: request.target.clone(),
            headers: request.headers.clone(),
            login,
            body: serde_json::from_slice(&request.body).unwrap_or(Value::Null),
            status: None,
        });
        requests.len() - 1
    }

    fn grant_of(&self, request: &Request) -> Option<Grant> {
        let value = request.headers.get("authorization")?;
        let (scheme, secret) = value.split_once(' ')?;
        let bearer = scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token");
        bearer.then(|| self.state().grants.get(secret).cloned())?
    }

    fn carry_out(&self, request: &Request) -> Answer {
        let grant = self.grant_of(request);
        let (rest, queries) = match self.flavor {
            Flavor::DotCom => ("", "/graphql"),
            Flavor::Enterprise => ("/api/v3", "/api/graphql"),
        };
        let is_graphql = request.target == queries;
        let Some(below) = request.target.strip_prefix(rest) else {
            if !is_graphql {
                return refusal(404, "Not Found");
            }
            return self.at_the_desk(request, "", grant, true);
        };
        self.at_the_desk(request, below, grant, is_graphql)
    }

    fn at_the_desk(&self, request: &Request, below: &str, grant: Option<Grant>, is_graphql: bool) -> Answer {
        let mut state = self.state();
        state.refresh();
        let spent = state.remaining == 0;
        state.remaining = state.remaining.saturating_sub(1);
        let budget = (state.remaining, state.seconds() + 3600);
        let scopes = grant
            .as_ref()
            .and_then(|grant| Some(grant.scopes.as_ref()?.join(", ")));
        let expires = grant.as_ref().and_then(|grant| grant.expires.clone());
        let mut call = Call::new(&request.method, &request.target, below, request.headers.clone());
        let answer = body::parse(&request.body).and_then(|body| {
            call.body = body;
            let mut desk = Desk {
                state: &mut state,
                call: &call,
                flavor: self.flavor,
                root: self.url(),
                home: self.home(),
                api: self.api_url(),
                grant,
            };
            routes::admit(&desk)?;
            if spent {
                return Err(refusal(403, "API rate limit exceeded"));
            }
            if is_graphql {
                graphql::answer(&mut desk)
            } else {
                routes::answer(&mut desk)
            }
        });
        if answer.is_ok() && !is_graphql && self.flavor == Flavor::DotCom {
            let request = json!({ "method": call.method, "target": request.target, "body": call.body });
            keep("rest", &request);
        }
        let answer = answer.unwrap_or_else(|refused| refused);
        let told = [
            ("X-OAuth-Scopes", scopes),
            ("GitHub-Authentication-Token-Expiration", expires),
        ];
        let answer = told
            .into_iter()
            .fold(answer, |answer, (name, value)| match value {
                Some(value) => answer.with(name, &value),
                None => answer,
            });
        answer
            .with("x-ratelimit-limit", "5000")
            .with("x-ratelimit-remaining", &budget.0.to_string())
            .with("x-ratelimit-used", &5000_u64.saturating_sub(budget.0).to_string())
            .with("x-ratelimit-reset", &budget.1.to_string())
            .with(
                "x-ratelimit-resource",
                if is_graphql { "graphql" } else { "core" },
            )
            .with("X-GitHub-Request-Id", "FAKE:1")
    }

    /// Lets git through, or refuses it.
    fn at_the_gate(&self, request: &Request) -> Result<(), Answer> {
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        let name: Vec<&str> = path.split('/').skip(1).take(2).collect();
        let name = name.join("/");
        let name = name.strip_suffix(".git").unwrap_or(&name);
        let writes = path.ends_with("git-receive-pack") || query.contains("git-receive-pack");
        let given = request.headers.contains_key("authorization");
        let mut state = self.state();
        state.refresh();
        let who =
            Answer::text(401, "Authentication required").with("WWW-Authenticate", "Basic realm=\"GitHub\"");
        let grant = basic(request).and_then(|secret| state.grants.get(&secret).cloned());
        if given && grant.is_none() {
            return Err(who);
        }
        let needed = if writes { "contents=write" } else { "contents=read" };
        let hidden = Answer::text(404, "Repository not found.");
        let repo = state
            .repos
            .get(name)
            .ok_or_else(|| if given { hidden.clone() } else { who.clone() })?;
        require(repo, grant.as_ref(), &[needed]).map_err(|refused| match (refused.status, &grant) {
            (_, None) => who,
            (404, _) => hidden,
            (_, Some(grant)) => {
                let said = format!("Permission to {name}.git denied to {}.", grant.login);
                Answer::text(403, &format!("remote: {said}"))
            }
        })
    }
}

/// The secret of a basic login: the password, or the user if that is all.
fn basic(request: &Request) -> Option<String> {
    let secret = request.headers.get("authorization")?.split_once(' ')?.1;
    let bytes = base64::engine::general_purpose::STANDARD.decode(secret).ok()?;
    let login = String::from_utf8(bytes).ok()?;
    let (user, password) = login.split_once(':')?;
    Some(
        if matches!(password, "" | "x-oauth-basic") {
            user
        } else {
            password
        }
        .to_owned(),
    )
}

fn taken<T>(list: &Mutex<Vec<(String, T)>>, text: &str) -> Option<T> {
    let mut list = list.lock().unwrap();
    let at = list.iter().position(|(part, _)| text.contains(part.as_str()))?;
    Some(list.remove(at).1)
}

fn spoken(answer: Answer) -> Response {
    Response::Answer {
        status: answer.status,
        headers: answer.headers,
        body: answer.body,
    }
}
