//! Pipelines: triggered, made, followed; and statuses of commits.

use serde_json::{Map, Value, json};

use super::answer::{Outcome, Reply};
use super::auth::{Kind, Role};
use super::params::Parsed;
use super::routes::Call;
use super::state::State;

/// What a new pipeline is given.
pub struct Given {
    pub reference: String,
    pub source: &'static str,
    pub login: String,
    /// As `GET …/variables` shows them.
    pub variables: Vec<Value>,
    pub inputs: Value,
}

/// `POST /projects/:id/trigger/pipeline`: its `token` is a field, and all its fields but that one are the body of the
/// file that the pipeline finds in `$TRIGGER_PAYLOAD` (`Ci::PipelineTriggerService`).
pub fn trigger(state: &mut State, wanted: &str, parsed: Parsed) -> Outcome {
    let mut fields = parsed.judged("POST /projects/:id/trigger/pipeline")?;
    let token = fields.remove("token");
    let token = token.as_ref().and_then(Value::as_str).unwrap_or_default();
    let found = state
        .projects
        .values()
        .find(|project| project.path == wanted || project.id.to_string() == wanted)
        .map(|project| project.path.clone());
    let grant = state.tokens.get(token).cloned();
    let (Some(project), Some(grant)) = (found, grant) else {
        return Err(Reply::message(404, "404 Not Found"));
    };
    let source = match &grant.kind {
        Kind::Trigger(own) if *own == project => "trigger",
        Kind::Job(_) if grant.reaches(&project) && grant.role >= Role::Developer => "pipeline",
        _ => return Err(Reply::message(404, "404 Not Found")),
    };
    let given = fields
        .get("variables")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    let held = &state.projects[&project];
    if !held.payload || !(held.variables || given.is_empty()) {
        return Err(no_variables());
    }
    let mut variables: Vec<Value> = given
        .iter()
        .map(|(key, value)| json!({ "key": key, "value": value, "variable_type": "env_var", "raw": false }))
        .collect();
    let payload = Value::Object(fields.clone()).to_string();
    variables
        .push(json!({ "key": "TRIGGER_PAYLOAD", "value": payload, "variable_type": "file", "raw": false }));
    let given = Given {
        reference: fields["ref"].as_str().unwrap_or_default().to_owned(),
        source,
        login: grant.login,
        variables,
        inputs: fields.get("inputs").cloned().unwrap_or_else(|| json!({})),
    };
    let made = start(state, &project, &given)?;
    Ok(Reply::json(201, &shown(&made)))
}

pub fn create(call: &mut Call) -> Outcome {
    let mut variables = call
        .fields
        .get("variables")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    if !call.held().variables && !variables.is_empty() {
        return Err(no_variables());
    }
    for variable in &mut variables {
        if variable["variable_type"].is_null() {
            variable["variable_type"] = json!("env_var");
        }
    }
    let given = Given {
        reference: call.text("ref").unwrap_or_default().to_owned(),
        source: "api",
        login: call.login().to_owned(),
        variables,
        inputs: call.fields.get("inputs").cloned().unwrap_or_else(|| json!({})),
    };
    let project = call.project.clone();
    let made = start(call.state, &project, &given)?;
    Ok(Reply::json(201, &shown(&made)))
}

pub fn list(call: &mut Call) -> Outcome {
    let all = call.held().pipelines.clone();
    let mut found: Vec<Value> = all
        .iter()
        .filter(|one| {
            let same = |field: &str, kept: &Value| call.text(field).is_none_or(|wanted| kept == wanted);
            ["ref", "sha", "status", "source"]
                .iter()
                .all(|field| same(field, &one[*field]))
                && same("username", &one["user"]["username"])
        })
        .map(shown)
        .collect();
    if call.text("sort") != Some("asc") {
        found.reverse();
    }
    Ok(call.page(&found))
}

pub fn show(call: &mut Call) -> Outcome {
    held(call).map(|one| Reply::json(200, &shown(&one)))
}

pub fn variables(call: &mut Call) -> Outcome {
    held(call).map(|one| Reply::json(200, &one["variables"]))
}

pub fn create_status(call: &mut Call) -> Outcome {
    let store = call.store();
    let sha = call.names[0].clone();
    let commit = store.commit_of(&sha).ok_or_else(|| Reply::not_found("Commit"))?;
    if call
        .text("description")
        .is_some_and(|text| text.chars().count() > 255)
    {
        let fault = "is too long (maximum is 255 characters)";
        return Err(Reply::message(400, json!({ "description": [fault] })));
    }
    let name = call
        .text("name")
        .or(call.text("context"))
        .unwrap_or("default")
        .to_owned();
    let state = call.text("state").unwrap_or_default().to_owned();
    let before = call
        .held()
        .statuses
        .iter()
        .rev()
        .find(|one| one["name"] == name && one["sha"] == commit.to_string());
    if let Some(old) = before
        .and_then(|one| one["status"].as_str())
        .filter(|&old| old == state)
    {
        let event = match old {
            "pending" => "enqueue",
            "running" => "run",
            "success" => "success",
            "failed" => "drop",
            _ => "cancel",
        };
        return Err(Reply::message(
            400,
            format!("Cannot transition status via :{event} from :{old}"),
        ));
    }
    let status = json!({
        "id": call.state.id(),
        "sha": commit.to_string(),
        "ref": call.text("ref").unwrap_or("main"),
        "status": state,
        "name": name,
        "target_url": call.text("target_url"),
        "description": call.text("description"),
        "created_at": call.state.now(),
        "author": call.state.user_json(call.login()),
    });
    call.held().statuses.push(status.clone());
    Ok(Reply::json(201, &status))
}

/// Starts a pipeline; it is `created` until somebody says otherwise.
pub fn start(state: &mut State, project: &str, given: &Given) -> Result<Value, Reply> {
    let refuse = |text: &str| Reply::message(400, json!({ "base": [text] }));
    let store = state.store(project);
    let commit = store
        .commit_of(&given.reference)
        .filter(|_| store.is_branch_or_tag(&given.reference));
    let commit = commit.ok_or_else(|| refuse("Reference not found"))?;
    if store.entry(commit, ".gitlab-ci.yml").is_none() {
        return Err(refuse("Missing CI config file"));
    }
    let (id, now) = (state.id(), state.now());
    let user = state.user_json(&given.login);
    let url = format!("{}/{project}/-/pipelines/{id}", state.url);
    let held = state.project(project);
    let made = json!({
        "id": id, "iid": held.pipelines.len() + 1, "project_id": held.id,
        "sha": commit.to_string(), "ref": given.reference, "status": "created", "source": given.source,
        "created_at": now, "updated_at": now, "started_at": null, "finished_at": null,
        "tag": store.branch(&given.reference).is_none(), "yaml_errors": null, "user": user, "web_url": url,
        "variables": given.variables, "inputs": given.inputs,
    });
    held.pipelines.push(made.clone());
    Ok(made)
}

/// As the API shows it, which keeps what it was given to itself.
fn shown(pipeline: &Value) -> Value {
    let mut shown: Map<String, Value> = pipeline.as_object().cloned().unwrap_or_default();
    shown.remove("variables");
    shown.remove("inputs");
    Value::Object(shown)
}

fn held(call: &mut Call) -> Result<Value, Reply> {
    let id = call.id()?;
    let found = call
        .held()
        .pipelines
        .iter()
        .find(|one| one["id"] == json!(id))
        .cloned();
    found.ok_or_else(|| Reply::message(404, "404 Not found"))
}

fn no_variables() -> Reply {
    let text = "Insufficient permissions to set pipeline variables";
    Reply::message(400, json!({ "base": [text] }))
}
