//! Branches, trees, files and blobs.

use base64::Engine as _;
use git2::{ObjectType, Oid};
use serde_json::{Value, json};

use super::answer::{Outcome, Reply};
use super::commits::commit_json;
use super::routes::Call;
use super::store::{Entry, Store, sha256};

pub fn branches(call: &mut Call) -> Outcome {
    let store = call.store();
    let wanted = call.text("search").unwrap_or_default();
    let all = store.git.branches(None).unwrap().flatten();
    let names = all.filter_map(|(branch, _)| Some(branch.name().ok()??.to_owned()));
    let names: Vec<String> = names.filter(|name| name.contains(wanted)).collect();
    let found: Vec<Value> = names
        .iter()
        .filter_map(|name| branch_json(call, &store, name))
        .collect();
    Ok(call.page(&found))
}

pub fn branch(call: &mut Call) -> Outcome {
    let name = call.names[0].clone();
    let found = branch_json(call, &call.store(), &name);
    Ok(Reply::json(
        200,
        &found.ok_or_else(|| Reply::not_found("Branch"))?,
    ))
}

pub fn create_branch(call: &mut Call) -> Outcome {
    let name = call.text("branch").unwrap_or_default().to_owned();
    let from = call.text("ref").unwrap_or_default();
    let store = call.store();
    if !git2::Branch::name_is_valid(&name).unwrap_or_default() {
        return Err(Reply::message(400, "Branch name is invalid"));
    }
    if store.branch(&name).is_some() {
        return Err(Reply::message(400, "Branch already exists"));
    }
    let Some(at) = store.commit_of(from) else {
        return Err(Reply::message(400, format!("Invalid reference name: {from}")));
    };
    store.set_branch(&name, at);
    Ok(Reply::json(201, &branch_json(call, &store, &name).unwrap()))
}

pub fn delete_branch(call: &mut Call) -> Outcome {
    let name = call.names[0].clone();
    let store = call.store();
    if store.branch(&name).is_none() {
        return Err(Reply::not_found("Branch"));
    }
    if name == "main" {
        return Err(Reply::message(400, "Cannot remove HEAD branch"));
    }
    if call.held().protected.contains(&name) {
        return Err(Reply::message(403, "Protected branch cannot be removed"));
    }
    store.delete_branch(&name);
    Ok(Reply::empty(204))
}

pub fn tree(call: &mut Call) -> Outcome {
    let store = call.store();
    let commit = named(call, &store).ok_or_else(|| Reply::not_found("Tree"))?;
    let folder = call.text("path").unwrap_or_default();
    let listed = store.list(commit, folder, call.flag("recursive"));
    let mut listed = listed.ok_or_else(|| Reply::message(404, "404 invalid revision or path Not Found"))?;
    // GitLab lists folders before files.
    listed.sort_by_key(|entry| entry.kind != ObjectType::Tree);
    if call.text("pagination") != Some("keyset") {
        let found: Vec<Value> = listed.iter().map(entry_json).collect();
        return Ok(call.page(&found));
    }
    let size = call.number("per_page").unwrap_or(20).clamp(1, 100);
    // Opaque to clients, who follow the link.
    let start = call
        .text("page_token")
        .and_then(|token| token.parse().ok())
        .unwrap_or(0);
    let size = usize::try_from(size).unwrap();
    let shown: Vec<Value> = listed.iter().skip(start).take(size).map(entry_json).collect();
    let reply = Reply::json(200, &json!(shown)).header("X-Per-Page", size);
    if start + shown.len() >= listed.len() {
        return Ok(reply);
    }
    let token = start + shown.len();
    let here: Vec<_> = call
        .here
        .split('&')
        .filter(|pair| !pair.starts_with("page_token="))
        .collect();
    let next = format!(
        "<{}&per_page={size}&page_token={token}>; rel=\"next\"",
        here.join("&")
    );
    Ok(reply.header("Link", next).header("X-Next-Page", token))
}

pub fn file(call: &mut Call) -> Outcome {
    let (store, commit, path) = file_place(call)?;
    let (entry, content) = store
        .file(commit, &path)
        .ok_or_else(|| Reply::not_found("File"))?;
    let last = store.last_for(commit, &path).map(|last| last.to_string());
    Ok(Reply::json(
        200,
        &json!({
            "file_name": path.rsplit('/').next(),
            "file_path": path,
            "size": content.len(),
            "encoding": "base64",
            "content_sha256": sha256(&content),
            "ref": call.text("ref").unwrap_or("HEAD"),
            "blob_id": entry.oid.to_string(),
            "commit_id": commit.to_string(),
            "last_commit_id": last,
            "execute_filemode": entry.mode == 0o100_755,
            "content": base64::engine::general_purpose::STANDARD.encode(&content),
        }),
    ))
}

pub fn raw_file(call: &mut Call) -> Outcome {
    let (store, commit, path) = file_place(call)?;
    let (entry, content) = store
        .file(commit, &path)
        .ok_or_else(|| Reply::not_found("File"))?;
    let last = store.last_for(commit, &path).map(|last| last.to_string());
    let reply = Reply {
        body: content,
        ..Reply::empty(200)
    };
    Ok(reply
        .header("Content-Type", "text/plain")
        .header("X-Gitlab-Blob-Id", entry.oid)
        .header("X-Gitlab-Commit-Id", commit)
        .header("X-Gitlab-Last-Commit-Id", last.unwrap_or_default()))
}

pub fn blob(call: &mut Call) -> Outcome {
    let store = call.store();
    let found = Oid::from_str(&call.names[0])
        .ok()
        .filter(|_| call.names[0].len() == 40);
    let blob = found.and_then(|id| store.git.find_blob(id).ok());
    let blob = blob.ok_or_else(|| Reply::not_found("Blob"))?;
    Ok(Reply::json(
        200,
        &json!({
            "size": blob.content().len(),
            "encoding": "base64",
            "content": base64::engine::general_purpose::STANDARD.encode(blob.content()),
            "sha": call.names[0],
        }),
    ))
}

/// The commit that the field `ref` names; `main` without it.
fn named(call: &Call, store: &Store) -> Option<Oid> {
    store.commit_of(call.text("ref").unwrap_or("main"))
}

fn file_place(call: &Call) -> Result<(Store, Oid, String), Reply> {
    let store = call.store();
    let commit = named(call, &store).ok_or_else(|| Reply::not_found("Commit"))?;
    Ok((store, commit, call.names[0].clone()))
}

fn branch_json(call: &Call, store: &Store, name: &str) -> Option<Value> {
    let tip = store.branch(name)?;
    let protected = call.state.projects[&call.project].protected.contains(name);
    let maintains = call.grant.as_ref().is_some_and(|grant| grant.writes);
    Some(json!({
        "name": name,
        "merged": false,
        "protected": protected,
        "default": name == "main",
        "developers_can_push": false,
        "developers_can_merge": false,
        "can_push": maintains && !protected,
        "web_url": format!("{}/{}/-/tree/{name}", call.state.url, call.project),
        "commit": commit_json(&call.state.url, &call.project, store, tip),
    }))
}

fn entry_json(entry: &Entry) -> Value {
    let kind = match entry.kind {
        ObjectType::Tree => "tree",
        ObjectType::Commit => "commit",
        _ => "blob",
    };
    json!({
        "id": entry.oid.to_string(),
        "name": entry.path.rsplit('/').next(),
        "type": kind,
        "path": entry.path,
        "mode": format!("{:06o}", entry.mode),
    })
}
