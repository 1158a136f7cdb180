//! Tags, releases, and the merge requests of a commit.

use git2::{Signature, Time};
use serde_json::{Value, json};

use super::answer::{Outcome, Reply};
use super::commits::commit_json;
use super::routes::Call;

pub fn create_tag(call: &mut Call) -> Outcome {
    let [name, reference, message] =
        ["tag_name", "ref", "message"].map(|field| call.text(field).unwrap_or_default().to_owned());
    let store = call.store();
    let full = format!("refs/tags/{name}");
    if !git2::Reference::is_valid_name(&full) || name.starts_with('-') {
        return Err(Reply::message(400, "Tag name invalid"));
    }
    if store.git.find_reference(&full).is_ok() {
        return Err(Reply::message(400, format!("Tag {name} already exists")));
    }
    let Some(target) = store.commit_of(&reference) else {
        return Err(Reply::message(400, format!("Target {reference} is invalid")));
    };
    if call
        .held()
        .protected_tags
        .iter()
        .any(|start| name.starts_with(start))
    {
        let said = "You are not allowed to create this tag as it is protected.";
        return Err(Reply::message(400, said));
    }
    if message.is_empty() {
        store.git.reference(&full, target, false, "api").unwrap();
    } else {
        let who = Signature::new(
            call.login(),
            &format!("{}@example.com", call.login()),
            &Time::new(call.state.seconds(), 0),
        );
        let object = store.git.find_object(target, None).unwrap();
        store
            .git
            .tag(&name, &object, &who.unwrap(), &message, false)
            .unwrap();
    }
    let commit = commit_json(&call.state.url, &call.project, &store, target);
    Ok(Reply::json(
        201,
        &json!({ "name": name, "message": message, "target": target.to_string(), "commit": commit, "release": null, "protected": false }),
    ))
}

pub fn show(call: &mut Call) -> Outcome {
    let at = held(call)?;
    Ok(Reply::json(200, &call.held().releases[at].clone()))
}

pub fn create(call: &mut Call) -> Outcome {
    let [tag, reference] = ["tag_name", "ref"].map(|field| call.text(field).unwrap_or_default().to_owned());
    if call
        .held()
        .releases
        .iter()
        .any(|one| one["tag_name"] == tag.as_str())
    {
        return Err(Reply::message(409, "Release already exists"));
    }
    let store = call.store();
    let full = format!("refs/tags/{tag}");
    if store.git.find_reference(&full).is_err() {
        let Some(target) = store.commit_of(&reference) else {
            return Err(Reply::message(422, "Ref is not specified"));
        };
        store.git.reference(&full, target, false, "api").unwrap();
    }
    let now = call.state.now();
    let release = json!({
        "tag_name": tag, "name": call.text("name").unwrap_or(&tag), "description": call.text("description"),
        "created_at": now, "released_at": now, "upcoming_release": false, "evidences": [], "assets": { "count": 0 },
        "author": call.state.user_json(call.login()), "tag_path": format!("/{}/-/tags/{tag}", call.project),
        "_links": { "self": format!("{}/{}/-/releases/{tag}", call.state.url, call.project) },
    });
    call.held().releases.push(release.clone());
    Ok(Reply::json(201, &release))
}

pub fn update(call: &mut Call) -> Outcome {
    let at = held(call)?;
    let fields: Vec<(&str, Value)> = ["name", "description", "released_at"]
        .into_iter()
        .filter_map(|field| Some((field, call.fields.get(field)?.clone())))
        .collect();
    let release = &mut call.held().releases[at];
    for (field, value) in fields {
        release[field] = value;
    }
    Ok(Reply::json(200, &release.clone()))
}

fn held(call: &mut Call) -> Result<usize, Reply> {
    let tag = call.names[0].clone();
    let found = call
        .held()
        .releases
        .iter()
        .position(|one| one["tag_name"] == tag.as_str());
    found.ok_or_else(|| Reply::message(404, "404 Not Found"))
}

/// The merge requests that brought a commit: those merged by it, and those whose head it is.
pub fn requests_of(call: &mut Call) -> Outcome {
    let found = call.store().commit_of(&call.names[0]);
    let at = found.ok_or_else(|| Reply::not_found("Commit"))?.to_string();
    let brought = |one: &&Value| {
        ["merge_commit_sha", "squash_commit_sha", "sha"]
            .iter()
            .any(|field| one[*field] == at.as_str())
    };
    let found: Vec<Value> = call
        .held()
        .merge_requests
        .iter()
        .filter(brought)
        .cloned()
        .collect();
    Ok(call.page(&found))
}
