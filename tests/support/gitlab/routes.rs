//! The REST routes: each with what it needs of a token, and who answers it.

use serde_json::{Map, Value};

use super::answer::{Outcome, Reply, page};
use super::auth::{Grant, Login, Needs, Role, admit, who};
use super::params::{Parsed, decoded};
use super::state::{Project, State};
use super::store::Store;
use super::{commits, deployments, environments, merge_requests, pipelines, projects, releases, repository};

/// A request that may be carried out.
pub struct Call<'a> {
    pub state: &'a mut State,
    /// `None` only where no login is needed.
    pub grant: Option<Grant>,
    /// The project's full path; empty where the route is of none.
    pub project: String,
    /// What the pattern's other names stand for, in order.
    pub names: Vec<String>,
    pub fields: Map<String, Value>,
    /// The address of the list that is asked for, without the page.
    pub here: String,
}

impl Call<'_> {
    pub fn text(&self, field: &str) -> Option<&str> {
        self.fields.get(field).and_then(Value::as_str)
    }

    pub fn flag(&self, field: &str) -> bool {
        self.fields
            .get(field)
            .and_then(Value::as_bool)
            .unwrap_or_default()
    }

    pub fn number(&self, field: &str) -> Option<u64> {
        self.fields.get(field).and_then(Value::as_u64)
    }

    /// The number that the last name of the path is.
    pub fn id(&self) -> Result<u64, Reply> {
        let id = self.names.first().and_then(|name| name.parse().ok());
        id.ok_or_else(|| Reply::error(400, "id is invalid"))
    }

    pub fn login(&self) -> &str {
        self.grant.as_ref().map_or("", |grant| grant.login.as_str())
    }

    pub fn store(&self) -> Store {
        self.state.store(&self.project)
    }

    pub fn held(&mut self) -> &mut Project {
        self.state.project(&self.project)
    }

    /// The page of a list that the request asks for.
    pub fn page(&self, all: &[Value]) -> Reply {
        let size = |field, default| {
            self.number(field)
                .map_or(default, |n| usize::try_from(n).unwrap_or(default))
        };
        page(all, size("page", 1), size("per_page", 20), &self.here)
    }
}

type Run = fn(&mut Call) -> Outcome;

/// Read by anybody who sees the project, job tokens included.
const READ: Needs = needs(Role::Reporter, false, true);
/// Read, but not by job tokens.
const READ_NO_JOB: Needs = needs(Role::Reporter, false, false);
const WRITE: Needs = needs(Role::Developer, true, false);
/// Written by job tokens as well.
const WRITE_JOB: Needs = needs(Role::Developer, true, true);

const fn needs(role: Role, writes: bool, job: bool) -> Needs {
    Needs { role, writes, job }
}

const ROUTES: &[(&str, Needs, Run)] = &[
    ("GET /users", READ_NO_JOB, projects::users),
    ("GET /user", READ_NO_JOB, projects::myself),
    (
        "GET /personal_access_tokens/self",
        READ_NO_JOB,
        projects::own_token,
    ),
    ("GET /projects/:id/labels/:label", READ_NO_JOB, projects::label),
    ("GET /namespaces/:id", READ_NO_JOB, projects::namespace),
    ("POST /projects", WRITE, projects::create),
    ("GET /projects/:id", READ_NO_JOB, projects::show),
    ("GET /projects/:id/members/all", READ_NO_JOB, projects::members),
    ("GET /projects/:id/members", READ_NO_JOB, projects::members),
    (
        "GET /projects/:id/repository/branches",
        READ,
        repository::branches,
    ),
    (
        "GET /projects/:id/repository/branches/:branch",
        READ,
        repository::branch,
    ),
    (
        "POST /projects/:id/repository/branches",
        WRITE,
        repository::create_branch,
    ),
    (
        "DELETE /projects/:id/repository/branches/:branch",
        WRITE,
        repository::delete_branch,
    ),
    ("GET /projects/:id/repository/tree", READ, repository::tree),
    ("GET /projects/:id/repository/files/:path", READ, repository::file),
    (
        "GET /projects/:id/repository/files/:path/raw",
        READ,
        repository::raw_file,
    ),
    ("GET /projects/:id/repository/blobs/:sha", READ, repository::blob),
    ("GET /projects/:id/repository/commits", READ, commits::list),
    ("GET /projects/:id/repository/commits/:sha", READ, commits::show),
    ("POST /projects/:id/repository/commits", WRITE, commits::create),
    ("GET /projects/:id/repository/compare", READ, commits::compare),
    (
        "GET /projects/:id/repository/merge_base",
        READ,
        commits::merge_base,
    ),
    ("GET /projects/:id/merge_requests", READ, merge_requests::list),
    ("POST /projects/:id/merge_requests", WRITE, merge_requests::create),
    (
        "GET /projects/:id/merge_requests/:iid",
        READ,
        merge_requests::show,
    ),
    (
        "PUT /projects/:id/merge_requests/:iid",
        WRITE,
        merge_requests::update,
    ),
    (
        "PUT /projects/:id/merge_requests/:iid/merge",
        WRITE,
        merge_requests::merge,
    ),
    (
        "POST /projects/:id/merge_requests/:iid/cancel_merge_when_pipeline_succeeds",
        WRITE,
        merge_requests::cancel_merge,
    ),
    (
        "GET /projects/:id/merge_requests/:iid/commits",
        READ,
        merge_requests::commits,
    ),
    (
        "GET /projects/:id/merge_requests/:iid/notes",
        READ,
        merge_requests::notes,
    ),
    (
        "POST /projects/:id/merge_requests/:iid/notes",
        WRITE,
        merge_requests::create_note,
    ),
    ("POST /projects/:id/pipeline", WRITE, pipelines::create),
    ("GET /projects/:id/pipelines", READ_NO_JOB, pipelines::list),
    ("GET /projects/:id/pipelines/:id", READ_NO_JOB, pipelines::show),
    (
        "GET /projects/:id/pipelines/:id/variables",
        READ_NO_JOB,
        pipelines::variables,
    ),
    (
        "POST /projects/:id/statuses/:sha",
        WRITE,
        pipelines::create_status,
    ),
    (
        "GET /projects/:id/repository/commits/:sha/merge_requests",
        READ_NO_JOB,
        releases::requests_of,
    ),
    ("POST /projects/:id/repository/tags", WRITE, releases::create_tag),
    ("GET /projects/:id/releases/:tag", READ, releases::show),
    ("POST /projects/:id/releases", WRITE_JOB, releases::create),
    ("PUT /projects/:id/releases/:tag", WRITE_JOB, releases::update),
    ("GET /projects/:id/deployments", READ, deployments::list),
    ("POST /projects/:id/deployments", WRITE_JOB, deployments::create),
    ("GET /projects/:id/deployments/:id", READ, deployments::show),
    (
        "PUT /projects/:id/deployments/:id",
        WRITE_JOB,
        deployments::update,
    ),
    ("GET /projects/:id/environments", READ, environments::list),
    ("POST /projects/:id/environments", WRITE_JOB, environments::create),
    ("GET /projects/:id/environments/:id", READ, environments::show),
    (
        "PUT /projects/:id/environments/:id",
        WRITE_JOB,
        environments::update,
    ),
    (
        "DELETE /projects/:id/environments/:id",
        WRITE_JOB,
        environments::delete,
    ),
    (
        "POST /projects/:id/environments/:id/stop",
        WRITE_JOB,
        environments::stop,
    ),
];

/// The one route whose token is a field, and whose other fields are free.
const TRIGGER: &str = "POST /projects/:id/trigger/pipeline";

/// Answers a request below `/api/v4/`.
pub fn answer(
    state: &mut State,
    method: &str,
    path: &str,
    query: &str,
    login: &Login,
    parsed: Parsed,
) -> Outcome {
    let segments: Vec<&str> = path.split('/').collect();
    let here = {
        let pairs = query
            .split('&')
            .filter(|pair| !pair.is_empty() && !pair.starts_with("page=") && !pair.starts_with("per_page="));
        let pairs: Vec<_> = pairs.collect();
        let mark = if pairs.is_empty() { "" } else { "?" };
        format!("{}/api/v4/{path}{mark}{}", state.url, pairs.join("&"))
    };
    if let Some(names) = fit(TRIGGER, method, &segments) {
        return pipelines::trigger(state, &names[0], parsed);
    }
    let found = ROUTES
        .iter()
        .find_map(|(route, needs, run)| Some((*route, *needs, *run, fit(route, method, &segments)?)));
    let Some((route, needs, run, mut names)) = found else {
        return Err(Reply::error(404, "404 Not Found"));
    };
    let grant = who(state, login, needs)?;
    let mut project = String::new();
    if route.contains("/projects/:id") {
        let wanted = names.remove(0);
        let known = state
            .projects
            .values()
            .find(|project| project.path == wanted || project.id.to_string() == wanted);
        let exists = known.is_some();
        project = known.map_or(wanted, |known| known.path.clone());
        admit(grant.as_ref(), &project, exists, needs)?;
    } else if grant.is_none() {
        return Err(Reply::unauthorized());
    }
    let fields = parsed.judged(route)?;
    run(&mut Call {
        state,
        grant,
        project,
        names,
        fields,
        here,
    })
}

/// What a route's names stand for in a request, if it is the one.
fn fit(route: &str, method: &str, segments: &[&str]) -> Option<Vec<String>> {
    let (verb, pattern) = route.split_once(' ')?;
    let pattern: Vec<&str> = pattern[1..].split('/').collect();
    if verb != method || pattern.len() != segments.len() {
        return None;
    }
    let mut names = Vec::new();
    for (wanted, found) in pattern.iter().zip(segments) {
        if wanted.starts_with(':') && !found.is_empty() {
            names.push(decoded(found));
        } else if wanted != found {
            return None;
        }
    }
    Some(names)
}
