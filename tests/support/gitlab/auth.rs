//! Tokens: whose they are, what they reach, and what they may do.

use super::answer::Reply;
use super::state::State;

/// A member's role; each may do all that the one before may.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Role {
    Reporter,
    Developer,
    Maintainer,
}

/// What a token is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// A personal, project or group access token, or one of OAuth.
    Access,
    /// `$CI_JOB_TOKEN` of a job of this project.
    Job(String),
    /// A trigger token of this project.
    Trigger(String),
}

/// What a token may do.
#[derive(Clone, Debug)]
pub struct Grant {
    pub(super) login: String,
    pub(super) kind: Kind,
    /// The projects that it reaches; `None` means all.
    pub(super) projects: Option<Vec<String>>,
    pub(super) role: Role,
    /// Whether its scope is `api`; else it is `read_api` and `read_repository`.
    pub(super) writes: bool,
    /// Whether a job token may push to its own project.
    pub(super) pushes: bool,
    /// The day on which it ends.
    pub(super) expires: Option<String>,
    /// Whether it is of OAuth, which tells nothing of itself.
    pub(super) oauth: bool,
}

impl Grant {
    /// An access token of scope `api`, which is maintainer everywhere.
    pub fn everything(login: &str) -> Self {
        Self {
            login: login.to_owned(),
            kind: Kind::Access,
            projects: None,
            role: Role::Maintainer,
            writes: true,
            pushes: false,
            expires: None,
            oauth: false,
        }
    }

    /// Ends on that day.
    pub fn expires(mut self, day: &str) -> Self {
        self.expires = Some(day.to_owned());
        self
    }

    /// Is a token of OAuth.
    pub fn oauth(mut self) -> Self {
        self.oauth = true;
        self
    }

    /// The token of a job of `project`, run by `login`, a developer everywhere; [`Grant::only`] is the allowlist.
    pub fn job(login: &str, project: &str) -> Self {
        Self {
            kind: Kind::Job(project.to_owned()),
            role: Role::Developer,
            ..Self::everything(login)
        }
    }

    /// A trigger token of `project`, owned by `login`.
    pub fn trigger(login: &str, project: &str) -> Self {
        Self {
            kind: Kind::Trigger(project.to_owned()),
            ..Self::everything(login)
        }
    }

    /// Sees only these projects.
    pub fn only(mut self, projects: &[&str]) -> Self {
        self.projects = Some(projects.iter().map(|&one| one.to_owned()).collect());
        self
    }

    pub fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }

    /// Has the scopes `read_api` and `read_repository` only.
    pub fn read_only(mut self) -> Self {
        self.writes = false;
        self
    }

    pub(super) fn reaches(&self, project: &str) -> bool {
        let own = matches!(&self.kind, Kind::Job(own) if own == project);
        own || self
            .projects
            .as_ref()
            .is_none_or(|projects| projects.iter().any(|one| one == project))
    }
}

/// The login of a request: which header it came in, and its text.
#[derive(Clone, Default)]
pub struct Login {
    pub header: &'static str,
    pub token: String,
}

/// What a route asks of a token.
#[derive(Clone, Copy)]
pub struct Needs {
    pub role: Role,
    /// Whether it needs the scope `api`.
    pub writes: bool,
    /// Whether job tokens are allowed; they count as no login elsewhere.
    pub job: bool,
}

/// Finds who asks. No login is `None`, which sees public things only.
pub fn who(state: &State, login: &Login, needs: Needs) -> Result<Option<Grant>, Reply> {
    if login.header.is_empty() {
        return Ok(None);
    }
    let Some(grant) = state.tokens.get(&login.token) else {
        return Err(Reply::unauthorized());
    };
    let grant = match (&grant.kind, login.header) {
        (Kind::Access, "private-token" | "authorization") => grant,
        (Kind::Job(_), "job-token" | "authorization") if needs.job => grant,
        (Kind::Job(_), "job-token" | "authorization") => return Ok(None),
        _ => return Err(Reply::unauthorized()),
    };
    if needs.writes && !grant.writes {
        return Err(Reply::json(
            403,
            &serde_json::json!({
                "error": "insufficient_scope",
                "error_description":
                    "The request requires higher privileges than provided by the access token.",
                "scope": "api",
            }),
        ));
    }
    Ok(Some(grant.clone()))
}

/// Whether somebody sees a project, and may do there what a route does.
pub fn admit(who: Option<&Grant>, project: &str, exists: bool, needs: Needs) -> Result<(), Reply> {
    let Some(grant) = who else {
        return Err(if needs.writes {
            Reply::unauthorized()
        } else {
            Reply::not_found("Project")
        });
    };
    if !exists {
        return Err(Reply::not_found("Project"));
    }
    if !grant.reaches(project) {
        return Err(match &grant.kind {
            Kind::Job(own) => {
                let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
                let (from, to) = (name(own), name(project));
                Reply::message(
                    403,
                    format!(
                        "403 Forbidden - Authentication by CI/CD job token not allowed from {from} to {to}."
                    ),
                )
            }
            _ => Reply::not_found("Project"),
        });
    }
    if grant.role < needs.role {
        return Err(Reply::forbidden());
    }
    Ok(())
}
