//! From a request on the wire to an answer: what is recorded, what was prepared, and who answers.

use base64::Engine as _;
use serde_json::Value;

use crate::support::git_server::{Request, Response};

use super::answer::Reply;
use super::auth::{Kind, Login, Role};
use super::params::{Parsed, parse};
use super::{Failure, Lab, Recorded, graphql, routes};

/// Answers the APIs, and judges the logins of git; what git may answer is left to it.
pub fn handle(lab: &Lab, request: &Request) -> Option<Response> {
    let api = request.target.strip_prefix("/api");
    let Some(path) = api else {
        return git(lab, request);
    };
    let parsed = parse(request);
    record(lab, request, path, parsed.as_ref().ok());
    let (deeds, failure) = lab.prepared(&request.method, path);
    for deed in deeds {
        deed(lab);
    }
    let reply = match failure {
        Some(Failure::Close) => return Some(Response::Close),
        Some(Failure::Status(status, headers, body)) => {
            let headers = headers.into_iter().map(|(name, value)| (name.to_owned(), value));
            return Some(Response::Answer {
                status,
                headers: headers.collect(),
                body: body.into_bytes(),
            });
        }
        Some(Failure::CloseAfterDoing) => {
            let _ = carry_out(lab, request, path, parsed);
            return Some(Response::Close);
        }
        None => carry_out(lab, request, path, parsed),
    };
    Some(reply.header("X-Request-Id", "01FAKE").into_response())
}

fn carry_out(lab: &Lab, request: &Request, path: &str, parsed: Result<Parsed, Reply>) -> Reply {
    let parsed = match parsed {
        Ok(parsed) => parsed,
        Err(reply) => return reply,
    };
    let login = login(request);
    let mut state = lab.state();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let outcome = match path.strip_prefix("/v4/") {
        Some(path) => routes::answer(&mut state, &request.method, path, query, &login, parsed),
        None if path == "/graphql" => graphql::answer(&state, &request.method, &login, &parsed),
        None => Err(Reply::error(404, "404 Not Found")),
    };
    outcome.unwrap_or_else(|reply| reply)
}

/// The token of a request, by the header that holds it.
fn login(request: &Request) -> Login {
    let header = |name| request.headers.get(name).cloned();
    if let Some(token) = header("private-token") {
        return Login {
            header: "private-token",
            token,
        };
    }
    if let Some(token) = header("job-token") {
        return Login {
            header: "job-token",
            token,
        };
    }
    match header("authorization") {
        None => Login::default(),
        Some(value) => Login {
            header: "authorization",
            token: value.strip_prefix("Bearer ").unwrap_or_default().to_owned(),
        },
    }
}

fn record(lab: &Lab, request: &Request, path: &str, parsed: Option<&Parsed>) {
    let body = parsed.map_or(Value::Null, |parsed| parsed.body.clone());
    let recorded = Recorded {
        method: request.method.clone(),
        target: path.to_owned(),
        auth: login(request).header,
        body,
    };
    lab.inner.requests.lock().unwrap().push(recorded);
}

/// Judges a request of git's; `None` lets git answer it.
fn git(lab: &Lab, request: &Request) -> Option<Response> {
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let services = ["/info/refs", "/git-upload-pack", "/git-receive-pack"];
    let Some((repository, service)) = services
        .iter()
        .find_map(|service| Some((path.strip_suffix(service)?.trim_start_matches('/'), service)))
    else {
        return Some(Reply::error(404, "404 Not Found").into_response());
    };
    let Some(project) = repository.strip_suffix(".git") else {
        let query = if query.is_empty() {
            String::new()
        } else {
            format!("?{query}")
        };
        let to = format!("/{repository}.git{service}{query}");
        return Some(Reply::empty(301).header("Location", to).into_response());
    };
    let writes = service.ends_with("receive-pack") || query.contains("receive-pack");
    let refused = judge(lab, request, project, writes)?;
    Some(refused.into_response())
}

/// The refusal of a git request, if it is refused.
fn judge(lab: &Lab, request: &Request, project: &str, writes: bool) -> Option<Reply> {
    let text = |status, text: &str| Reply {
        body: text.as_bytes().to_vec(),
        ..Reply::empty(status).header("Content-Type", "text/plain")
    };
    let denied = || {
        text(401, "HTTP Basic: Access denied. If a password was provided for Git authentication, the password was incorrect or you're required to use a token instead of a password.")
            .header("WWW-Authenticate", "Basic realm=\"GitLab\"")
    };
    let state = lab.state();
    let login = request.headers.get("authorization").and_then(|value| {
        let encoded = value.strip_prefix("Basic ")?;
        let bytes = base64::engine::general_purpose::STANDARD.decode(encoded).ok()?;
        let (user, password) = String::from_utf8(bytes)
            .ok()?
            .split_once(':')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))?;
        Some((user, password))
    });
    let Some((user, password)) = login else {
        return Some(denied());
    };
    let Some(grant) = state.tokens.get(&password) else {
        return Some(denied());
    };
    let own = match &grant.kind {
        Kind::Access => None,
        Kind::Job(own) if user == "gitlab-ci-token" => Some(own),
        Kind::Job(_) | Kind::Trigger(_) => return Some(denied()),
    };
    if !grant.reaches(project) || !state.projects.contains_key(project) {
        return Some(text(
            404,
            "The project you were looking for could not be found or you don't have permission to view it.",
        ));
    }
    if !writes {
        return None;
    }
    let pushes = match own {
        None => grant.writes && grant.role >= Role::Developer,
        Some(own) => own == project && grant.pushes,
    };
    (!pushes).then(|| text(403, "You are not allowed to push code to this project."))
}
