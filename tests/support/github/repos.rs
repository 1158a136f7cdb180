//! Routes of a repository: itself, refs, trees, blobs, contents, commits, comparisons, commit statuses.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use git2::{ObjectType, Oid};
use serde_json::{Value, json};

use super::answer::{Answer, Outcome, invalid, not_found, refusal};
use super::desk::Desk;
use super::store::Store;

const READ: &[&str] = &["contents=read"];
const WRITE: &[&str] = &["contents=write"];

pub fn show(desk: &mut Desk<'_>, name: &str) -> Outcome {
    let repo = desk.repo(name, &["metadata=read"])?;
    Ok(Answer::json(200, &desk.repo_view(repo)))
}

pub fn get_ref(desk: &mut Desk<'_>, repo: &str, name: &str) -> Outcome {
    let full = format!("refs/{name}");
    let oid = desk.store(repo, READ)?.named(&full).ok_or_else(not_found)?;
    Ok(Answer::json(200, &desk.ref_view(repo, &full, &oid.to_string())))
}

pub fn branch(desk: &mut Desk<'_>, name: &str, branch: &str) -> Outcome {
    let repo = desk.repo(name, READ)?;
    let store = repo.store();
    let oid = store
        .tip(branch)
        .ok_or_else(|| refusal(404, "Branch not found"))?;
    let protected = repo.settings.protected.iter().any(|one| one == branch);
    let commit = desk.commit_view(name, &store, oid);
    Ok(Answer::json(
        200,
        &json!({ "name": branch, "commit": commit, "protected": protected }),
    ))
}

pub fn matching_refs(desk: &mut Desk<'_>, repo: &str, prefix: &str) -> Outcome {
    let prefix = format!("refs/{prefix}");
    let refs = desk.store(repo, READ)?.refs();
    let found = refs
        .iter()
        .filter(|(name, _)| name.starts_with(&prefix))
        .map(|(name, oid)| desk.ref_view(repo, name, &oid.to_string()))
        .collect();
    desk.paged(found, |items, _| items)
}

pub fn create_ref(desk: &mut Desk<'_>, repo: &str) -> Outcome {
    let store = desk.store(repo, WRITE)?;
    desk.check("create-ref")?;
    let (name, sha) = (desk.call.text("ref").unwrap(), desk.call.text("sha").unwrap());
    if !git2::Reference::is_valid_name(name) || name.matches('/').count() < 2 {
        return Err(refusal(422, &format!("{name} is not a valid ref name.")));
    }
    if store.named(name).is_some() {
        return Err(refusal(422, "Reference already exists"));
    }
    let tags = name.strip_prefix("refs/tags/");
    let oid = match store.full_id(sha) {
        Some(oid) if tags.is_some() && store.kind(oid) == Some(ObjectType::Tag) => oid,
        _ => commit_of(&store, sha)?,
    };
    let protected = &desk.state.repo(repo).settings.protected_tags;
    if tags.is_some_and(|tag| protected.iter().any(|start| tag.starts_with(start.as_str()))) {
        let said =
            "Repository rule violations found\n\nCannot create ref due to creations being restricted.\n\n";
        return Err(refusal(422, said));
    }
    free(&store, name)?;
    store.set(name, oid);
    desk.state.refresh();
    Ok(Answer::json(201, &desk.ref_view(repo, name, sha)))
}

/// Refuses a ref `a/b` where `a` is one, and the other way round.
pub fn free(store: &Store, name: &str) -> Result<(), Answer> {
    let clashes = |(other, _): &(String, Oid)| {
        name.starts_with(&format!("{other}/")) || other.starts_with(&format!("{name}/"))
    };
    match store.refs().iter().find(|one| clashes(one)) {
        Some(_) => Err(refusal(422, "Reference cannot be created.")),
        None => Ok(()),
    }
}

pub fn update_ref(desk: &mut Desk<'_>, repo: &str, name: &str) -> Outcome {
    let store = desk.store(repo, WRITE)?;
    desk.check("update-ref")?;
    let full = format!("refs/{name}");
    let old = store
        .named(&full)
        .ok_or_else(|| refusal(422, "Reference does not exist"))?;
    let sha = desk.call.text("sha").unwrap();
    let new = commit_of(&store, sha)?;
    let force = desk.call.body["force"] == true;
    if !force && !store.contains(new, old) {
        return Err(refusal(422, "Update is not a fast forward"));
    }
    unprotected(desk, repo, &full)?;
    store.set(&full, new);
    desk.state.refresh();
    Ok(Answer::json(200, &desk.ref_view(repo, &full, sha)))
}

pub fn delete_ref(desk: &mut Desk<'_>, repo: &str, name: &str) -> Outcome {
    let store = desk.store(repo, WRITE)?;
    let full = format!("refs/{name}");
    if store.named(&full).is_none() {
        return Err(refusal(422, "Reference does not exist"));
    }
    unprotected(desk, repo, &full)?;
    store.delete(&full);
    desk.state.refresh();
    Ok(Answer::empty())
}

fn unprotected(desk: &Desk<'_>, repo: &str, full: &str) -> Result<(), Answer> {
    let branch = full.trim_start_matches("refs/heads/");
    let protected = &desk.state.repo(repo).settings.protected;
    if protected.iter().any(|one| one == branch) {
        Err(refusal(
            422,
            "Repository rule violations found\n\nChanges must be made through a pull request.\n\n",
        ))
    } else {
        Ok(())
    }
}

fn commit_of(store: &Store, sha: &str) -> Result<Oid, Answer> {
    if sha.len() != 40 {
        return Err(refusal(
            422,
            "The sha parameter must be exactly 40 characters and contain only [0-9a-f].",
        ));
    }
    let found = store
        .full_id(sha)
        .filter(|oid| store.kind(*oid) == Some(ObjectType::Commit));
    found.ok_or_else(|| refusal(422, "Object does not exist"))
}

pub fn tree(desk: &mut Desk<'_>, repo: &str, name: &str) -> Outcome {
    let store = desk.store(repo, READ)?;
    let at = store
        .full_id(name)
        .or_else(|| store.commit_at(name))
        .ok_or_else(not_found)?;
    let recursive = desk.call.asked("recursive").is_some();
    let entries = store.entries(at, recursive).ok_or_else(not_found)?;
    let most = desk.state.repo(repo).settings.most_tree_entries;
    let truncated = entries.len() > most;
    let entries: Vec<Value> = entries
        .iter()
        .take(most)
        .map(|file| {
            let kind = file.kind.str();
            let mut entry = json!({ "path": file.path, "mode": format!("{:06o}", file.mode), "type": kind, "sha": file.oid.to_string(), "url": desk.link(repo, &format!("/git/{kind}s/{}", file.oid)) });
            if let Some(bytes) = store.blob(file.oid) {
                entry["size"] = json!(bytes.len());
            }
            entry
        })
        .collect();
    let url = desk.link(repo, &format!("/git/trees/{at}"));
    Ok(Answer::json(
        200,
        &json!({ "sha": at.to_string(), "url": url, "tree": entries, "truncated": truncated }),
    ))
}

pub fn blob(desk: &mut Desk<'_>, repo: &str, sha: &str) -> Outcome {
    let store = desk.store(repo, READ)?;
    let bytes = store
        .full_id(sha)
        .and_then(|oid| store.blob(oid))
        .ok_or_else(not_found)?;
    if wants_raw(desk) {
        return Ok(raw(bytes));
    }
    Ok(Answer::json(
        200,
        &json!({
            "sha": sha, "node_id": format!("B_{sha}"), "size": bytes.len(), "encoding": "base64",
            "content": STANDARD.encode(&bytes), "url": desk.link(repo, &format!("/git/blobs/{sha}")),
        }),
    ))
}

fn wants_raw(desk: &Desk<'_>) -> bool {
    let accept = desk.call.headers.get("accept");
    accept.is_some_and(|value| value.contains("raw"))
}

fn raw(body: Vec<u8>) -> Answer {
    Answer {
        body,
        ..Answer::text(200, "")
    }
}

pub fn contents(desk: &mut Desk<'_>, name: &str, path: &str) -> Outcome {
    let repo = desk.repo(name, READ)?;
    let store = repo.store();
    let at = desk.call.asked("ref").unwrap_or(&repo.default_branch);
    let commit = store
        .commit_at(at)
        .ok_or_else(|| refusal(404, &format!("No commit found for the ref {at}")))?;
    let show = |file: &super::store::File| {
        let path = &file.path;
        let kind = match (file.kind, file.mode) {
            (ObjectType::Tree, _) => "dir",
            (_, 0o120_000) => "symlink",
            _ => "file",
        };
        json!({
            "type": kind, "name": path.rsplit('/').next(), "path": path, "sha": file.oid.to_string(),
            "size": store.blob(file.oid).map_or(0, |bytes| bytes.len()),
            "url": desk.link(name, &format!("/contents/{path}?ref={at}")),
            "html_url": desk.page_url(name, &format!("/blob/{at}/{path}")),
            "git_url": desk.link(name, &format!("/git/blobs/{}", file.oid)),
            "download_url": null, "_links": { "self": desk.link(name, &format!("/contents/{path}?ref={at}")) },
        })
    };
    let folder = |tree: Oid, prefix: &str| {
        let mut files = store.entries(tree, false).unwrap_or_default();
        for file in &mut files {
            file.path = format!("{prefix}{}", file.path);
        }
        Answer::json(200, &Value::Array(files.iter().map(show).collect()))
    };
    if path.is_empty() {
        return Ok(folder(commit, ""));
    }
    let file = store.entry(commit, path).ok_or_else(not_found)?;
    if file.kind == ObjectType::Tree {
        return Ok(folder(file.oid, &format!("{path}/")));
    }
    let bytes = store.blob(file.oid).ok_or_else(not_found)?;
    if wants_raw(desk) {
        return Ok(raw(bytes));
    }
    let mut view = show(&file);
    // Above a megabyte the text has to be asked for raw, or as a blob.
    let large = bytes.len() > 1024 * 1024;
    view["encoding"] = json!(if large { "none" } else { "base64" });
    view["content"] = json!(if large {
        String::new()
    } else {
        STANDARD.encode(bytes)
    });
    Ok(Answer::json(200, &view))
}

pub fn commits(desk: &mut Desk<'_>, name: &str) -> Outcome {
    let repo = desk.repo(name, READ)?;
    let store = repo.store();
    let from = desk.call.asked("sha").unwrap_or(&repo.default_branch);
    let from = store.commit_at(from).ok_or_else(not_found)?;
    let found = store.history(from, desk.call.asked("path"));
    let views = found
        .into_iter()
        .map(|oid| desk.commit_view(name, &store, oid))
        .collect();
    desk.paged(views, |items, _| items)
}

pub fn commit(desk: &mut Desk<'_>, repo: &str, name: &str) -> Outcome {
    let store = desk.store(repo, READ)?;
    let oid = store
        .commit_at(name)
        .ok_or_else(|| refusal(422, &format!("No commit found for SHA: {name}")))?;
    let accept = desk.call.headers.get("accept").map_or("", String::as_str);
    if accept.contains("sha") {
        return Ok(raw(oid.to_string().into_bytes()));
    }
    let mut view = desk.commit_view(repo, &store, oid);
    let parent = store.commit(oid).parent_id(0).ok();
    view["files"] = parent.map_or_else(|| json!([]), |parent| files(desk, repo, &store, (parent, oid)));
    view["stats"] = json!({ "total": 0, "additions": 0, "deletions": 0 });
    Ok(Answer::json(200, &view))
}

fn files(desk: &Desk<'_>, repo: &str, store: &Store, (old, new): (Oid, Oid)) -> Value {
    let changed = store.changed(old, new);
    let file = |(path, word, oid): &(String, &str, Oid)| {
        json!({
            "filename": path, "status": word, "sha": oid.to_string(), "additions": 0, "deletions": 0, "changes": 0,
            "blob_url": desk.page_url(repo, &format!("/blob/{new}/{path}")),
            "raw_url": desk.page_url(repo, &format!("/raw/{new}/{path}")),
            "contents_url": desk.link(repo, &format!("/contents/{path}?ref={new}")),
        })
    };
    Value::Array(changed.iter().map(file).collect())
}

pub fn compare(desk: &mut Desk<'_>, repo: &str, ends: &str) -> Outcome {
    let store = desk.store(repo, READ)?;
    let (base_name, head_name) = ends.split_once("...").ok_or_else(not_found)?;
    let branch = |name: &str| name.rsplit(':').next().unwrap_or_default().to_owned();
    let end = |name: &str| store.commit_at(&branch(name)).ok_or_else(not_found);
    let (base, head) = (end(base_name)?, end(head_name)?);
    let common = store.merge_base(base, head).ok_or_else(|| {
        refusal(
            404,
            &format!("No common ancestor between {base_name} and {head_name}."),
        )
    })?;
    let (ahead, behind) = store.ahead_behind(base, head);
    let commits: Vec<Value> = store
        .between(base, head)
        .into_iter()
        .map(|oid| desk.commit_view(repo, &store, oid))
        .collect();
    let page = desk.page_url(repo, &format!("/compare/{ends}"));
    Ok(Answer::json(
        200,
        &json!({
            "url": desk.link(repo, &format!("/compare/{ends}")), "html_url": page, "permalink_url": page,
            "diff_url": format!("{page}.diff"), "patch_url": format!("{page}.patch"),
            "base_commit": desk.commit_view(repo, &store, base),
            "merge_base_commit": desk.commit_view(repo, &store, common),
            "status": status_of(ahead, behind), "ahead_by": ahead, "behind_by": behind,
            "total_commits": commits.len(), "commits": commits, "files": files(desk, repo, &store, (common, head)),
        }),
    ))
}

/// How a head stands to its base.
pub fn status_of(ahead: usize, behind: usize) -> &'static str {
    match (ahead, behind) {
        (0, 0) => "identical",
        (_, 0) => "ahead",
        (0, _) => "behind",
        _ => "diverged",
    }
}

pub fn create_status(desk: &mut Desk<'_>, repo: &str, sha: &str) -> Outcome {
    let store = desk.store(repo, &["statuses=write"])?;
    desk.check("create-status")?;
    let sha = store
        .commit_at(sha)
        .ok_or_else(|| invalid("Status", &format!("No commit found for SHA: {sha}")))?
        .to_string();
    let context = desk.call.text("context").unwrap_or("default").to_owned();
    let state = desk.call.text("state").unwrap().to_owned();
    let mut view = desk.call.body.clone();
    view["id"] = json!(desk.state.next_id());
    view["context"] = json!(context);
    desk.state.repo_mut(repo).statuses.push((sha, context, state));
    Ok(Answer::json(201, &view))
}
