//! GitHub's deployments.
//!
//! Source: GitHub's "REST API endpoints for deployments" and "… for deployment statuses".

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::GitHub;
use crate::plan::deployment::{
    CiRun, Deployment, DeploymentState, Maker, NewDeployment, NewStatus, Sought, Status,
};
use crate::words::fault::Fault;
use crate::world::forge::call::Called;

/// What a token needs to read deployments.
const READ: &str = "deployments: read";
/// What a token needs to record one.
const WRITE: &str = "deployments: write";
/// The task of the deployments that are meant; others, such as `deploy:migrations`, are left alone.
const TASK: &str = "deploy";
/// The key of the payload under which we keep our own.
const OURS: &str = "gitops-steps";
/// How many deployments a page holds, and how many pages are read.
const PAGE: usize = 100;
const PAGES: usize = 3;

#[derive(Deserialize)]
struct Shown {
    id: u64,
    sha: String,
    #[serde(rename = "ref")]
    reference: String,
    environment: String,
    #[serde(default)]
    payload: Value,
    #[serde(default)]
    transient_environment: Option<bool>,
    #[serde(default)]
    production_environment: Option<bool>,
}

#[derive(Deserialize)]
struct ShownStatus {
    state: String,
    #[serde(default)]
    environment_url: Option<String>,
    #[serde(default)]
    log_url: Option<String>,
    #[serde(default)]
    created_at: Option<Timestamp>,
}

impl GitHub {
    pub(in crate::world::forge) fn deployment(&self, id: u64) -> Result<Option<Deployment>, Fault> {
        let answer = self.get(&format!("/deployments/{id}"))?;
        match answer.status {
            200 => Ok(Some(answer.read::<Shown>("a deployment")?.into())),
            404 => Ok(None),
            _ => Err(self.refusal(&answer, "read a deployment", READ)),
        }
    }

    pub(in crate::world::forge) fn deployments(&self, sought: &Sought) -> Result<Vec<Deployment>, Fault> {
        let mut query = format!("task={TASK}&per_page={PAGE}");
        for (name, value) in [("environment", &sought.environment), ("sha", &sought.sha)] {
            if let Some(value) = value {
                let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
                query = format!("{query}&{name}={value}");
            }
        }
        let mut found = Vec::new();
        for page in 1..=PAGES {
            let answer = self.get(&format!("/deployments?{query}&page={page}"))?;
            if !answer.is_ok() {
                return Err(self.refusal(&answer, "read the deployments", READ));
            }
            let shown: Vec<Shown> = answer.read("the deployments")?;
            let last = shown.len() < PAGE;
            found.extend(shown.into_iter().map(Deployment::from));
            if last {
                break;
            }
        }
        // The ref that we were asked for can stand in our payload, so it is compared here.
        found.retain(|deployment| fits(deployment, sought));
        found.sort_by_key(|deployment| std::cmp::Reverse(deployment.id));
        Ok(found)
    }

    pub(in crate::world::forge) fn deployment_status(
        &self,
        deployment: &Deployment,
    ) -> Result<Option<Status>, Fault> {
        let answer = self.get(&format!("/deployments/{}/statuses?per_page=1", deployment.id))?;
        if !answer.is_ok() {
            return Err(self.refusal(&answer, "read a deployment's states", READ));
        }
        let shown: Vec<ShownStatus> = answer.read("a deployment's states")?;
        Ok(shown.into_iter().next().map(Status::from))
    }

    pub(in crate::world::forge) fn create_deployment(
        &self,
        new: &NewDeployment,
    ) -> Result<Deployment, Fault> {
        match self.write(&Method::POST, "/deployments", &body(new))? {
            Called::Answered(answer) if answer.status == 201 => {
                Ok(answer.read::<Shown>("a new deployment")?.into())
            }
            Called::Answered(answer) => Err(self.refusal(&answer, "create a deployment", WRITE)),
            Called::Unclear(fault) => {
                let sought = Sought {
                    environment: Some(new.environment.clone()),
                    sha: new.sha.clone(),
                    reference: None,
                };
                let ours = Maker::Us(Some(new.mark.clone()));
                let known = self.deployments(&sought)?;
                known.into_iter().find(|known| known.maker == ours).ok_or(fault)
            }
        }
    }

    pub(in crate::world::forge) fn set_deployment_status(
        &self,
        deployment: &Deployment,
        status: &NewStatus,
    ) -> Result<Deployment, Fault> {
        let mut body = Map::from_iter([("state".to_owned(), json!(status.state.word()))]);
        for (name, value) in [
            ("environment_url", &status.environment_url),
            ("log_url", &status.log_url),
            ("description", &status.description),
        ] {
            if let Some(value) = value {
                body.insert(name.to_owned(), json!(value));
            }
        }
        let below = format!("/deployments/{}/statuses", deployment.id);
        match self.write(&Method::POST, &below, &Value::Object(body))? {
            Called::Answered(answer) if answer.is_ok() => Ok(deployment.clone()),
            Called::Answered(answer) => Err(self.refusal(&answer, "record a deployment's state", WRITE)),
            // A state that is there twice does no harm, but looking first is cheaper than explaining it.
            Called::Unclear(fault) => match self.deployment_status(deployment)? {
                Some(latest) if latest.state == status.state => Ok(deployment.clone()),
                _ => Err(fault),
            },
        }
    }
}

/// The request. Without `auto_merge: false` GitHub may merge instead of deploying, and without
/// `required_contexts: []` it refuses while a check runs, such as the one that asks.
fn body(new: &NewDeployment) -> Value {
    let mut body = json!({
        // A branch may have moved on; the commit has not.
        "ref": new.sha.as_ref().unwrap_or(&new.reference),
        "task": TASK,
        "auto_merge": false,
        "required_contexts": [],
        "payload": { OURS: { "id": new.mark, "ref": new.reference, "run": new.run } },
        "environment": new.environment,
        "transient_environment": new.transient,
    });
    if let Some(description) = &new.description {
        body["description"] = json!(description);
    }
    if let Some(production) = new.production {
        body["production_environment"] = json!(production);
    }
    body
}

fn fits(deployment: &Deployment, sought: &Sought) -> bool {
    let same = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
    same(&sought.environment, &deployment.environment)
        && same(&sought.sha, &deployment.sha)
        && same(&sought.reference, &deployment.reference)
}

impl From<Shown> for Deployment {
    fn from(shown: Shown) -> Self {
        // Old deployments can carry their payload as text.
        let payload = match shown.payload {
            Value::String(text) => serde_json::from_str(&text).unwrap_or_default(),
            payload => payload,
        };
        let ours = payload.get(OURS);
        let word = |key: &str| ours?.get(key)?.as_str().map(str::to_owned);
        Self {
            id: shown.id,
            environment: shown.environment,
            sha: shown.sha,
            reference: word("ref").unwrap_or(shown.reference),
            transient: shown.transient_environment.unwrap_or_default(),
            production: shown.production_environment.unwrap_or_default(),
            run: ours.and_then(|ours| CiRun::deserialize(ours.get("run")?).ok()),
            maker: if ours.is_some() {
                Maker::Us(word("id"))
            } else {
                Maker::Other
            },
        }
    }
}

impl From<ShownStatus> for Status {
    fn from(shown: ShownStatus) -> Self {
        // GitHub shows an address that was not given as an empty text.
        let given = |url: Option<String>| url.filter(|url| !url.is_empty());
        Self {
            // GitHub's own jobs have states that nobody can record, such as `waiting`: none of them is an end.
            state: DeploymentState::of_word(&shown.state).unwrap_or(DeploymentState::Pending),
            since: shown.created_at,
            environment_url: given(shown.environment_url),
            log_url: given(shown.log_url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_merged_and_no_check_is_waited_for() {
        let new = NewDeployment {
            reference: "feature/a".into(),
            sha: Some("a".repeat(40)),
            environment: "dev".into(),
            description: None,
            transient: true,
            production: None,
            mark: "m".into(),
            run: None,
        };
        let body = body(&new);
        assert_eq!(
            (&body["auto_merge"], &body["required_contexts"]),
            (&json!(false), &json!([]))
        );
        assert_eq!(body["ref"], json!("a".repeat(40)));
        assert!(body.get("production_environment").is_none() && body.get("description").is_none());
    }

    #[test]
    fn our_own_deployment_keeps_the_branch_that_it_is_for() {
        let payload = json!({ OURS: { "id": "m", "ref": "feature/a" } });
        let text = Value::String(payload.to_string());
        for (payload, reference, maker) in [
            (payload, "feature/a", Maker::Us(Some("m".into()))),
            (text, "feature/a", Maker::Us(Some("m".into()))),
            (json!(""), "abc", Maker::Other),
            (json!({"x": 1}), "abc", Maker::Other),
            (json!([1]), "abc", Maker::Other),
        ] {
            let shown =
                json!({"id": 1, "sha": "abc", "ref": "abc", "environment": "dev", "payload": payload});
            let deployment = Deployment::from(serde_json::from_value::<Shown>(shown).unwrap());
            assert_eq!(
                (deployment.reference.as_str(), deployment.maker),
                (reference, maker)
            );
        }
    }
}
