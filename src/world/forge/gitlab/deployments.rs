//! GitLab's deployments and environments.
//!
//! Source: GitLab's "Deployments API" and "Environments API". A job token may use both.

use std::borrow::Cow;

use gitlab::api::{BodyError, Endpoint, JsonParams, QueryParams};
use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::GitLab;
use crate::plan::deployment::{Deployment, DeploymentState, Maker, NewDeployment, NewStatus, Sought, Status};
use crate::words::fault::Fault;
use crate::world::forge::call::{Answer, Called};

/// What a token needs to read deployments.
pub(super) const READ: &str = "the Reporter role and the scope read_api";
/// What a token needs to record one.
pub(super) const WRITE: &str = "the Developer role and the scope api (a job token will do)";
/// How many deployments a page holds, and how many pages are read.
const PAGE: usize = 100;
const PAGES: usize = 3;

#[derive(Deserialize)]
struct Shown {
    id: u64,
    sha: String,
    #[serde(rename = "ref")]
    reference: String,
    status: String,
    environment: ShownEnvironment,
    #[serde(default)]
    deployable: Option<Value>,
    #[serde(default)]
    updated_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct ShownEnvironment {
    id: u64,
    name: String,
    #[serde(default)]
    external_url: Option<String>,
    #[serde(default)]
    state: Option<String>,
}

#[derive(Deserialize)]
struct ShownCommit {
    id: String,
}

/// A request below `projects/:id`.
struct Below {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
}

impl Endpoint for Below {
    fn method(&self) -> Method {
        self.method.clone()
    }

    fn endpoint(&self) -> Cow<'static, str> {
        self.path.clone().into()
    }

    fn parameters(&self) -> QueryParams<'_> {
        let mut parameters = QueryParams::default();
        parameters.extend(self.query.iter().map(|(name, value)| (*name, value.as_str())));
        parameters
    }

    fn body(&self) -> Result<Option<(&'static str, Vec<u8>)>, BodyError> {
        self.body.as_ref().map_or(Ok(None), JsonParams::into_body)
    }
}

impl GitLab {
    pub(in crate::world::forge) fn deployment(&self, id: u64) -> Result<Option<Deployment>, Fault> {
        Ok(self.shown_deployment(id)?.map(Deployment::from))
    }

    pub(in crate::world::forge) fn deployments(&self, sought: &Sought) -> Result<Vec<Deployment>, Fault> {
        let found = self.list(sought)?;
        Ok(found.into_iter().map(Deployment::from).collect())
    }

    pub(in crate::world::forge) fn deployment_status(
        &self,
        deployment: &Deployment,
    ) -> Result<Option<Status>, Fault> {
        let Some(shown) = self.shown_deployment(deployment.id)? else {
            return Ok(None);
        };
        let mut state = state_of(&shown.status);
        let mut url = shown.environment.external_url;
        // A stopped environment is what GitHub calls inactive; its deployments still show how they ended.
        if state.is_final() {
            let answer =
                self.read(&self.request(Method::GET, &format!("/environments/{}", shown.environment.id)))?;
            if answer.is_ok() {
                let environment: ShownEnvironment = answer.read("an environment")?;
                if matches!(environment.state.as_deref(), Some("stopped" | "stopping")) {
                    state = DeploymentState::Inactive;
                }
                url = environment.external_url;
            }
        }
        Ok(Some(Status {
            state,
            since: shown.updated_at,
            environment_url: url,
            log_url: None,
        }))
    }

    pub(in crate::world::forge) fn create_deployment(
        &self,
        new: &NewDeployment,
        first: &NewStatus,
    ) -> Result<Deployment, Fault> {
        let sha = match &new.sha {
            Some(sha) => sha.clone(),
            None => self.commit_of(&new.reference)?,
        };
        self.tell_what_is_not_kept(first);
        let made = self.make(&new.environment, &sha, &new.reference, first.state)?;
        self.set_address(&made, first)?;
        Ok(made.into())
    }

    pub(in crate::world::forge) fn set_deployment_status(
        &self,
        deployment: &Deployment,
        status: &NewStatus,
    ) -> Result<Deployment, Fault> {
        let shown = self
            .shown_deployment(deployment.id)?
            .ok_or_else(|| Fault::not_found(format!("there is no deployment {} any more", deployment.id)))?;
        if status.state == DeploymentState::Inactive {
            self.stop(&shown.environment)?;
            return Ok(deployment.clone());
        }
        self.tell_what_is_not_kept(status);
        let word = word_of(status.state);
        let at_its_end = matches!(shown.status.as_str(), "success" | "failed" | "canceled");
        let now = if shown.status == word || (word == "created" && shown.status == "running") {
            shown
        } else if at_its_end {
            self.make(
                &shown.environment.name,
                &shown.sha,
                &shown.reference,
                status.state,
            )?
        } else {
            self.change(shown, word)?
        };
        self.set_address(&now, status)?;
        Ok(now.into())
    }

    /// Returns the newest deployment of the environment that came later and did not fail.
    pub(in crate::world::forge) fn successor(&self, deployment: &Deployment) -> Result<Option<u64>, Fault> {
        let all = self.list(&Sought {
            environment: Some(deployment.environment.clone()),
            ..Sought::default()
        })?;
        let stands = |shown: &Shown| {
            let state = state_of(&shown.status);
            !matches!(state, DeploymentState::Failure | DeploymentState::Error)
        };
        let newer = all.iter().find(|shown| shown.id > deployment.id && stands(shown));
        Ok(newer.map(|shown| shown.id))
    }

    fn request(&self, method: Method, below: &str) -> Below {
        Below {
            method,
            path: format!("projects/{}{below}", encoded(self.repo.path())),
            query: Vec::new(),
            body: None,
        }
    }

    fn shown_deployment(&self, id: u64) -> Result<Option<Shown>, Fault> {
        let answer = self.read(&self.request(Method::GET, &format!("/deployments/{id}")))?;
        match answer.status {
            200 => answer.read("a deployment").map(Some),
            404 => Ok(None),
            _ => Err(self.refusal(&answer, "read a deployment", READ)),
        }
    }

    fn list(&self, sought: &Sought) -> Result<Vec<Shown>, Fault> {
        let mut found: Vec<Shown> = Vec::new();
        for page in 1..=PAGES {
            let mut request = self.request(Method::GET, "/deployments");
            request.query = vec![
                ("order_by", "id".to_owned()),
                ("sort", "desc".to_owned()),
                ("per_page", PAGE.to_string()),
                ("page", page.to_string()),
            ];
            request
                .query
                .extend(sought.environment.clone().map(|name| ("environment", name)));
            let answer = self.read(&request)?;
            if !answer.is_ok() {
                return Err(self.refusal(&answer, "read the deployments", READ));
            }
            let shown: Vec<Shown> = answer.read("the deployments")?;
            let last = shown.len() < PAGE;
            found.extend(shown);
            if last {
                break;
            }
        }
        let same = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        found.retain(|shown| {
            same(&sought.environment, &shown.environment.name)
                && same(&sought.sha, &shown.sha)
                && same(&sought.reference, &shown.reference)
        });
        Ok(found)
    }

    fn commit_of(&self, reference: &str) -> Result<String, Fault> {
        let below = format!("/repository/commits/{}", encoded(reference));
        let answer = self.read(&self.request(Method::GET, &below))?;
        if answer.status == 404 {
            let shown = crate::words::wording::shown(reference);
            return Err(Fault::not_found(format!(
                "there is no branch, tag or commit `{shown}` in {}",
                self.repo
            ))
            .hint("name it with --ref, or give the commit with --sha"));
        }
        if !answer.is_ok() {
            return Err(self.refusal(&answer, "read a commit", READ));
        }
        Ok(answer.read::<ShownCommit>("a commit")?.id)
    }

    /// Makes a deployment; one whose answer was lost is looked for before anybody tries again.
    fn make(
        &self,
        environment: &str,
        sha: &str,
        reference: &str,
        state: DeploymentState,
    ) -> Result<Shown, Fault> {
        let name = reference
            .strip_prefix("refs/heads/")
            .or_else(|| reference.strip_prefix("refs/tags/"))
            .unwrap_or(reference);
        let sought = Sought {
            environment: Some(environment.to_owned()),
            sha: Some(sha.to_owned()),
            reference: Some(name.to_owned()),
        };
        let asked = |word: &str| {
            let mut request = self.request(Method::POST, "/deployments");
            request.body = Some(json!({
                "environment": environment,
                "sha": sha,
                "ref": name,
                "tag": reference.starts_with("refs/tags/"),
                "status": word,
            }));
            self.write(&request)
        };
        let word = word_of(state);
        let mut called = asked(word)?;
        if let Called::Answered(answer) = &called
            && word == "created"
            && knows_no_created(answer)
        {
            called = asked("running")?;
        }
        match called {
            Called::Answered(answer) if answer.is_ok() => answer.read("a new deployment"),
            Called::Answered(answer) => Err(self.refusal(&answer, "create a deployment", WRITE)),
            Called::Unclear(fault) => {
                let known = self.list(&sought)?.into_iter().next();
                known.filter(|known| known.status == word).ok_or(fault)
            }
        }
    }

    fn change(&self, shown: Shown, word: &'static str) -> Result<Shown, Fault> {
        let mut request = self.request(Method::PUT, &format!("/deployments/{}", shown.id));
        request.body = Some(json!({ "status": word }));
        match self.write(&request)? {
            Called::Answered(answer) if answer.is_ok() => Ok(shown),
            Called::Answered(answer) => Err(self.refusal(&answer, "record a deployment's state", WRITE)),
            Called::Unclear(fault) => match self.shown_deployment(shown.id)? {
                Some(now) if now.status == word => Ok(now),
                _ => Err(fault),
            },
        }
    }

    fn stop(&self, environment: &ShownEnvironment) -> Result<(), Fault> {
        match self.write(&self.request(Method::POST, &format!("/environments/{}/stop", environment.id)))? {
            Called::Answered(answer) if answer.is_ok() => Ok(()),
            Called::Answered(answer) => Err(self.refusal(&answer, "stop an environment", WRITE)),
            Called::Unclear(fault) => Err(fault),
        }
    }

    /// On GitLab the address is the environment's, not the deployment's.
    fn set_address(&self, shown: &Shown, status: &NewStatus) -> Result<(), Fault> {
        let Some(url) = &status.environment_url else {
            return Ok(());
        };
        if shown.environment.external_url.as_ref() == Some(url) {
            return Ok(());
        }
        let mut request = self.request(Method::PUT, &format!("/environments/{}", shown.environment.id));
        request.body = Some(json!({ "external_url": url }));
        match self.write(&request)? {
            Called::Answered(answer) if answer.is_ok() => Ok(()),
            Called::Answered(answer) => Err(self.refusal(&answer, "set an environment's address", WRITE)),
            Called::Unclear(fault) => Err(fault),
        }
    }

    fn tell_what_is_not_kept(&self, status: &NewStatus) {
        if status.description.is_some() {
            let note = "GitLab keeps no description of a deployment";
            self.access.progress.note(note);
        }
    }
}

fn encoded(path: &str) -> String {
    utf8_percent_encode(path, NON_ALPHANUMERIC).to_string()
}

/// Some versions take `created` only from CI itself.
fn knows_no_created(answer: &Answer) -> bool {
    answer.status == 400 && answer.complaint().contains("status")
}

/// Returns GitLab's word for a state.
fn word_of(state: DeploymentState) -> &'static str {
    match state {
        DeploymentState::Queued | DeploymentState::Pending => "created",
        DeploymentState::InProgress => "running",
        DeploymentState::Success => "success",
        DeploymentState::Failure | DeploymentState::Error => "failed",
        DeploymentState::Inactive => "canceled",
    }
}

/// Every word but those of an end is one of waiting, also one that we do not know.
fn state_of(word: &str) -> DeploymentState {
    match word {
        "running" => DeploymentState::InProgress,
        "success" => DeploymentState::Success,
        "failed" => DeploymentState::Failure,
        "canceled" | "skipped" => DeploymentState::Error,
        _ => DeploymentState::Pending,
    }
}

impl From<Shown> for Deployment {
    fn from(shown: Shown) -> Self {
        Self {
            id: shown.id,
            environment: shown.environment.name,
            sha: shown.sha,
            reference: shown.reference,
            transient: false,
            production: false,
            run: None,
            // A job's own deployment names the job; one that was recorded through the API names none.
            maker: if shown.deployable.is_none() {
                Maker::Us(None)
            } else {
                Maker::Other
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_state_is_read_back_as_the_one_that_gitlab_can_hold() {
        use DeploymentState::{Error, Failure, InProgress, Pending, Queued, Success};
        for (ours, theirs, back) in [
            (Queued, "created", Pending),
            (Pending, "created", Pending),
            (InProgress, "running", InProgress),
            (Success, "success", Success),
            (Failure, "failed", Failure),
            (Error, "failed", Failure),
        ] {
            assert_eq!(word_of(ours), theirs);
            assert_eq!(state_of(theirs), back);
        }
    }
}
