//! Deployments.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::answer::{Outcome, Reply};
use super::environments;
use super::routes::Call;

pub fn list(call: &mut Call) -> Outcome {
    let [after, before] =
        ["updated_after", "updated_before"].map(|field| call.text(field).map(str::to_owned));
    let filters = after.is_some() || before.is_some();
    // GitLab means to refuse this, and refuses it for other lists already (`DeploymentsFinder`).
    if filters != (call.text("order_by") == Some("updated_at")) {
        let text = "400 Bad request - `updated_at` filter and `updated_at` sorting must be paired";
        return Err(Reply::message(400, text));
    }
    let [after, before] = [after, before].map(|limit| limit.map(|text| text.parse::<Timestamp>()));
    if [&after, &before]
        .iter()
        .any(|limit| matches!(limit, Some(Err(_))))
    {
        return Err(Reply::error(400, "updated_after, updated_before is invalid"));
    }
    let within = |one: &Value| {
        let time: Timestamp = one["updated_at"]
            .as_str()
            .and_then(|text| text.parse().ok())
            .unwrap_or_default();
        let late = after
            .as_ref()
            .is_none_or(|limit| limit.as_ref().is_ok_and(|limit| time > *limit));
        let early = before
            .as_ref()
            .is_none_or(|limit| limit.as_ref().is_ok_and(|limit| time < *limit));
        late && early
    };
    let all = call.held().deployments.clone();
    let mut found: Vec<Value> = all
        .into_iter()
        .filter(|one| {
            within(one)
                && call
                    .text("environment")
                    .is_none_or(|name| one["environment"]["name"] == name)
                && call.text("status").is_none_or(|status| one["status"] == status)
        })
        .collect();
    let by = call.text("order_by").unwrap_or("id");
    found.sort_by_key(|one| match &one[by] {
        Value::Number(number) => (number.as_u64(), String::new()),
        other => (None, other.to_string()),
    });
    if call.text("sort") == Some("desc") {
        found.reverse();
    }
    let found: Vec<Value> = found.iter().map(|one| with_environment(call, one)).collect();
    Ok(call.page(&found))
}

pub fn show(call: &mut Call) -> Outcome {
    let (_, found) = held(call)?;
    Ok(Reply::json(200, &with_environment(call, &found)))
}

pub fn create(call: &mut Call) -> Outcome {
    let [name, sha, reference, status] =
        ["environment", "sha", "ref", "status"].map(|field| call.text(field).unwrap_or_default().to_owned());
    let store = call.store();
    if !store.is_branch_or_tag(&reference) {
        return Err(Reply::message(
            400,
            json!({ "ref": ["The branch or tag does not exist"] }),
        ));
    }
    let environment = environments::find_or_make(call, &name)?;
    let Some(commit) = store.commit_of(&sha).filter(|_| sha.len() == 40) else {
        return Err(Reply::message(
            400,
            json!({ "sha": ["The commit does not exist"] }),
        ));
    };
    let (id, now) = (call.state.id(), call.state.now());
    let user = call.state.user_json(call.login());
    let held = call.held();
    let made = json!({
        "id": id, "iid": held.deployments.len() + 1,
        "ref": reference, "sha": commit.to_string(),
        "created_at": now, "updated_at": now, "status": status,
        "user": user, "environment": environment, "deployable": null,
    });
    held.deployments.push(made.clone());
    if status == "success" {
        environments::revive(call, &name);
    }
    Ok(Reply::json(201, &with_environment(call, &made)))
}

pub fn update(call: &mut Call) -> Outcome {
    let (at, mut found) = held(call)?;
    if !found["deployable"].is_null() {
        let text = "403 Forbidden - Deployments created using GitLab CI can not be updated using the API";
        return Err(Reply::message(403, text));
    }
    let status = call.text("status").unwrap_or_default().to_owned();
    let old = found["status"].as_str().unwrap_or_default();
    let (event, allowed) = match status.as_str() {
        "running" => ("run", old == "created"),
        "success" => ("succeed", old != "success"),
        "failed" => ("drop", old != "failed"),
        _ => ("cancel", old != "canceled"),
    };
    if !allowed {
        let text = format!("cannot transition via \"{event}\"");
        return Err(Reply::message(400, json!({ "status": [text] })));
    }
    found["status"] = json!(status);
    found["updated_at"] = json!(call.state.now());
    call.held().deployments[at] = found.clone();
    if status == "success" {
        let name = found["environment"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        environments::revive(call, &name);
    }
    Ok(Reply::json(200, &with_environment(call, &found)))
}

fn held(call: &mut Call) -> Result<(usize, Value), Reply> {
    let id = call.id()?;
    let all = &call.held().deployments;
    let at = all.iter().position(|one| one["id"] == json!(id));
    let at = at.ok_or_else(|| Reply::message(404, "404 Not found"))?;
    Ok((at, all[at].clone()))
}

/// A deployment with its environment as that is now.
fn with_environment(call: &Call, deployment: &Value) -> Value {
    let mut shown = deployment.clone();
    let all = &call.state.projects[&call.project].environments;
    let now = all
        .iter()
        .find(|one| one["id"] == deployment["environment"]["id"]);
    if let Some(now) = now {
        shown["environment"] = json!({
            "id": now["id"], "name": now["name"], "slug": now["slug"], "external_url": now["external_url"],
        });
    }
    shown
}
