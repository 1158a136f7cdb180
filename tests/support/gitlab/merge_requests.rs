//! Merge requests: opened, changed, merged and commented on.

use serde_json::{Map, Value, json};

use super::answer::{Outcome, Reply};
use super::auth::Role;
use super::commits::commit_json;
use super::merging::{detailed_status, merge_now, running, shown_in};
use super::routes::Call;

pub fn list(call: &mut Call) -> Outcome {
    let all = call.held().merge_requests.clone();
    let mut found: Vec<Value> = all
        .into_iter()
        .filter(|one| {
            let same = |field: &str| call.text(field).is_none_or(|wanted| one[field] == wanted);
            let state = call
                .text("state")
                .is_none_or(|state| state == "all" || one["state"] == state);
            let labels = call.fields.get("labels").map(texts).unwrap_or_default();
            let has = |label: &String| texts(&one["labels"]).contains(label);
            same("source_branch") && same("target_branch") && state && labels.iter().all(has)
        })
        .collect();
    let by = call.text("order_by").unwrap_or("created_at");
    found.sort_by_key(|one| (one[by].to_string(), one["iid"].as_u64()));
    if call.text("sort") != Some("asc") {
        found.reverse();
    }
    let found: Vec<Value> = found.iter().map(|one| shown(call, one)).collect();
    Ok(call.page(&found))
}

pub fn show(call: &mut Call) -> Outcome {
    let (_, request) = held(call)?;
    Ok(Reply::json(200, &shown(call, &request)))
}

pub fn create(call: &mut Call) -> Outcome {
    let [source, target] =
        ["source_branch", "target_branch"].map(|side| call.text(side).unwrap_or_default().to_owned());
    let store = call.store();
    if source == target {
        return Err(Reply::message(
            422,
            json!(["You can't use same project/branch for source and target"]),
        ));
    }
    for (field, branch) in [("source_branch", &source), ("target_branch", &target)] {
        if store.branch(branch).is_none() {
            return Err(Reply::message(400, json!({ field: ["does not exist"] })));
        }
    }
    refuse_second(call, &source, &target, None)?;
    let now = call.state.now();
    let (id, url) = (call.state.id(), call.state.url.clone());
    let author = call.state.user_json(call.login());
    let path = call.project.clone();
    let held = call.held();
    let (project, iid) = (held.id, held.merge_requests.len() + 1);
    let mut request = json!({
        "id": id, "iid": iid, "project_id": project,
        "source_project_id": project, "target_project_id": project,
        "title": "", "description": null, "state": "opened",
        "created_at": now, "updated_at": now, "merged_at": null, "closed_at": null,
        "merged_by": null, "merge_user": null, "closed_by": null,
        "source_branch": source, "target_branch": target,
        "author": author, "assignees": [], "assignee": null, "reviewers": [], "labels": [],
        "sha": store.branch(&source).map(|tip| tip.to_string()),
        "seen_target": store.branch(&target).map(|tip| tip.to_string()),
        "merge_commit_sha": null, "squash_commit_sha": null,
        "squash": false, "merge_when_pipeline_succeeds": false, "should_remove_source_branch": null,
        "force_remove_source_branch": false, "allow_collaboration": false,
        "user_notes_count": 0, "discussion_locked": null,
        "references": { "short": format!("!{iid}"), "relative": format!("!{iid}"), "full": format!("{path}!{iid}") },
        "web_url": format!("{url}/{path}/-/merge_requests/{iid}"),
    });
    fill(call, &mut request)?;
    call.held().merge_requests.push(request.clone());
    Ok(Reply::json(201, &shown(call, &request)))
}

pub fn update(call: &mut Call) -> Outcome {
    let (at, mut request) = held(call)?;
    if let Some(target) = call.text("target_branch") {
        if call.store().branch(target).is_none() {
            return Err(Reply::message(
                400,
                json!({ "target_branch": ["does not exist"] }),
            ));
        }
        request["seen_target"] = json!(call.store().branch(target).map(|tip| tip.to_string()));
        request["target_branch"] = json!(target);
    }
    fill(call, &mut request)?;
    let now = call.state.now();
    let sides =
        ["source_branch", "target_branch"].map(|side| request[side].as_str().unwrap_or_default().to_owned());
    match (call.text("state_event"), request["state"].as_str()) {
        (Some("close"), Some("opened")) => {
            request["state"] = json!("closed");
            request["closed_at"] = json!(now);
            request["closed_by"] = call.state.user_json(call.login());
        }
        (Some("reopen"), Some("closed")) => {
            if call.store().branch(&sides[0]).is_none() {
                return Err(Reply::message(
                    400,
                    json!({ "source_branch": ["does not exist"] }),
                ));
            }
            refuse_second(call, &sides[0], &sides[1], request["iid"].as_u64())?;
            request["state"] = json!("opened");
            request["closed_at"] = Value::Null;
        }
        _ => {}
    }
    request["updated_at"] = json!(now);
    call.held().merge_requests[at] = request;
    call.state.refresh();
    let request = call.held().merge_requests[at].clone();
    Ok(Reply::json(200, &shown(call, &request)))
}

pub fn cancel_merge(call: &mut Call) -> Outcome {
    let (at, mut request) = held(call)?;
    if request["merge_when_pipeline_succeeds"] != true {
        return Err(Reply::message(406, "Auto-merge is not enabled"));
    }
    request["merge_when_pipeline_succeeds"] = json!(false);
    call.held().merge_requests[at] = request.clone();
    Ok(Reply::json(201, &shown(call, &request)))
}

pub fn merge(call: &mut Call) -> Outcome {
    let (at, mut request) = held(call)?;
    let target = request["target_branch"].as_str().unwrap_or_default().to_owned();
    let maintains = call
        .grant
        .as_ref()
        .is_some_and(|grant| grant.role >= Role::Maintainer);
    if call.held().protected.contains(&target) && !maintains {
        return Err(Reply::unauthorized());
    }
    if call.text("sha").is_some_and(|sha| request["sha"] != sha) {
        let head = request["sha"].as_str().unwrap_or_default();
        let text = format!("SHA does not match HEAD of source branch: {head}");
        return Err(Reply::message(409, text));
    }
    let status = detailed_status(call.state, &call.project, &request);
    let later = call.flag("auto_merge") || call.flag("merge_when_pipeline_succeeds");
    // What is not open cannot wait, and is tried at once; what is not free is not tried at all.
    if status == "not_open" && later {
        return Err(Reply::message(422, "Branch cannot be merged"));
    }
    if status != "mergeable" && !later {
        return Err(Reply::message(405, "405 Method Not Allowed"));
    }
    for field in ["squash", "should_remove_source_branch"] {
        if let Some(value) = call.fields.get(field) {
            request[field] = value.clone();
        }
    }
    let waits = later && (status != "mergeable" || running(call.state, &call.project, &request));
    if waits {
        request["merge_when_pipeline_succeeds"] = json!(true);
        request["merge_user"] = call.state.user_json(call.login());
    }
    call.held().merge_requests[at] = request;
    if !waits {
        let (who, project) = (call.login().to_owned(), call.project.clone());
        let merged = merge_now(call.state, &project, at, &who);
        merged.map_err(|()| Reply::message(422, "Branch cannot be merged"))?;
    }
    let request = call.held().merge_requests[at].clone();
    Ok(Reply::json(200, &shown(call, &request)))
}

pub fn commits(call: &mut Call) -> Outcome {
    let (_, request) = held(call)?;
    let store = call.store();
    let [source, target] =
        ["sha", "target_branch"].map(|side| request[side].as_str().and_then(|name| store.commit_of(name)));
    let found = source
        .zip(target)
        .map(|(source, target)| store.between(target, source))
        .unwrap_or_default();
    let found: Vec<Value> = found
        .iter()
        .rev()
        .map(|&id| commit_json(&call.state.url, &call.project, &store, id))
        .collect();
    Ok(call.page(&found))
}

pub fn notes(call: &mut Call) -> Outcome {
    let iid = held(call)?.1["iid"].clone();
    let all = call.held().notes.clone();
    let found: Vec<Value> = all
        .into_iter()
        .filter(|note| note["noteable_iid"] == iid)
        .collect();
    Ok(call.page(&found))
}

pub fn create_note(call: &mut Call) -> Outcome {
    let iid = held(call)?.1["iid"].clone();
    let note = json!({
        "id": call.state.id(),
        "body": call.text("body"),
        "author": call.state.user_json(call.login()),
        "created_at": call.state.now(),
        "system": false,
        "noteable_type": "MergeRequest",
        "noteable_iid": iid,
    });
    call.held().notes.push(note.clone());
    Ok(Reply::json(201, &note))
}

fn shown(call: &Call, request: &Value) -> Value {
    shown_in(call.state, &call.project, request)
}

/// The request that the path names, and its place.
fn held(call: &mut Call) -> Result<(usize, Value), Reply> {
    let iid = call.id()?;
    let all = &call.held().merge_requests;
    let at = all.iter().position(|one| one["iid"] == json!(iid));
    let at = at.ok_or_else(|| Reply::message(404, "404 Not found"))?;
    Ok((at, all[at].clone()))
}

fn refuse_second(call: &mut Call, source: &str, target: &str, but: Option<u64>) -> Result<(), Reply> {
    let open = call.held().merge_requests.iter().find(|one| {
        one["state"] == "opened"
            && one["source_branch"] == source
            && one["target_branch"] == target
            && one["iid"].as_u64() != but
    });
    open.map_or(Ok(()), |open| {
        let text = format!(
            "Another open merge request already exists for this source branch: !{}",
            open["iid"]
        );
        Err(Reply::message(409, json!([text])))
    })
}

/// Takes over the fields that creating and updating share.
fn fill(call: &mut Call, request: &mut Value) -> Result<(), Reply> {
    let fields: &Map<String, Value> = &call.fields;
    for (field, most) in [("title", 255), ("description", 1_048_576)] {
        let Some(text) = fields.get(field) else { continue };
        if text.as_str().is_some_and(|text| text.chars().count() > most) {
            let fault = format!("is too long (maximum is {most} characters)");
            return Err(Reply::message(400, json!({ field: [fault] })));
        }
        request[field] = text.clone();
    }
    for (field, kept) in [
        ("squash", "squash"),
        ("remove_source_branch", "force_remove_source_branch"),
    ] {
        if let Some(value) = fields.get(field) {
            request[kept] = value.clone();
        }
    }
    let mut labels = fields
        .get("labels")
        .map_or_else(|| texts(&request["labels"]), texts);
    labels.extend(fields.get("add_labels").map(texts).unwrap_or_default());
    let gone = fields.get("remove_labels").map(texts).unwrap_or_default();
    labels.retain(|label| !gone.contains(label));
    labels.sort();
    labels.dedup();
    request["labels"] = json!(labels);
    for (field, kept) in [("assignee_ids", "assignees"), ("reviewer_ids", "reviewers")] {
        if let Some(ids) = fields.get(field).map(numbers) {
            request[kept] = json!(call.state.members(&ids));
        }
    }
    request["assignee"] = request["assignees"].get(0).cloned().unwrap_or_default();
    Ok(())
}

/// Ids, as a list or parted by commas.
fn numbers(value: &Value) -> Vec<u64> {
    match value {
        Value::Array(items) => items.iter().filter_map(Value::as_u64).collect(),
        other => texts(other).iter().filter_map(|text| text.parse().ok()).collect(),
    }
}

/// Labels, as a list or parted by commas.
fn texts(value: &Value) -> Vec<String> {
    let one = |text: &str| {
        text.split(',')
            .map(|part| part.trim().to_owned())
            .collect::<Vec<_>>()
    };
    let all: Vec<String> = match value {
        Value::String(text) => one(text),
        Value::Array(items) => items.iter().filter_map(Value::as_str).flat_map(one).collect(),
        _ => Vec::new(),
    };
    all.into_iter().filter(|text| !text.is_empty()).collect()
}
