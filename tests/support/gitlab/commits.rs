//! Commits: read, compared, and made from actions on files.

use base64::Engine as _;
use git2::{Index, Oid};
use serde_json::{Map, Value, json};

use super::answer::{Outcome, Reply};
use super::routes::Call;
use super::state::stamp;
use super::store::{Store, Writer};

pub fn list(call: &mut Call) -> Outcome {
    let store = call.store();
    let from = call.text("ref_name").unwrap_or("main");
    // A range `a..b` is what b has and a has not.
    let found = match from.split_once("..") {
        None => {
            let from = store.commit_of(from).ok_or_else(|| Reply::not_found("Commit"))?;
            store.log(
                from,
                call.text("path").filter(|path| !path.is_empty()),
                usize::MAX,
            )
        }
        Some((from, to)) => {
            let both = store.commit_of(from).zip(store.commit_of(to));
            let (from, to) = both.ok_or_else(|| Reply::not_found("Commit"))?;
            let mut found = store.between(from, to);
            found.reverse();
            found
        }
    };
    let found: Vec<Value> = found.iter().map(|&id| shown(call, &store, id)).collect();
    Ok(call.page(&found))
}

pub fn show(call: &mut Call) -> Outcome {
    let store = call.store();
    let found = store.commit_of(&call.names[0]);
    let found = found.ok_or_else(|| Reply::not_found("Commit"))?;
    Ok(Reply::json(200, &shown(call, &store, found)))
}

pub fn compare(call: &mut Call) -> Outcome {
    let store = call.store();
    let [from, to] = ["from", "to"].map(|side| store.commit_of(call.text(side).unwrap_or_default()));
    let (Some(from), Some(to)) = (from, to) else {
        return Err(Reply::not_found("Ref"));
    };
    let base = if call.flag("straight") {
        Some(from)
    } else {
        store.merge_base(from, to)
    };
    let commits: Vec<Value> = store
        .between(from, to)
        .iter()
        .map(|&id| shown(call, &store, id))
        .collect();
    Ok(Reply::json(
        200,
        &json!({
            "commit": commits.last(),
            "commits": commits,
            "diffs": base.map(|base| store.diffs(base, to)).unwrap_or_default(),
            "compare_timeout": false,
            "compare_same_ref": from == to,
            "web_url": format!("{}/{}/-/compare/{from}...{to}", call.state.url, call.project),
        }),
    ))
}

pub fn merge_base(call: &mut Call) -> Outcome {
    let store = call.store();
    let mut found: Option<Oid> = None;
    let refs = call.fields["refs"].as_array().cloned().unwrap_or_default();
    if refs.len() < 2 {
        return Err(Reply::message(400, "400 Bad request - Provide at least 2 refs"));
    }
    for name in refs.iter().filter_map(Value::as_str) {
        let Some(id) = store.commit_of(name) else {
            return Err(Reply::message(
                400,
                format!("400 Bad request - Could not find ref: {name}"),
            ));
        };
        found = match found {
            None => Some(id),
            Some(base) => Some(
                store
                    .merge_base(base, id)
                    .ok_or_else(|| Reply::not_found("Merge Base"))?,
            ),
        };
    }
    Ok(Reply::json(200, &shown(call, &store, found.unwrap())))
}

pub fn create(call: &mut Call) -> Outcome {
    let store = call.store();
    let branch = call.text("branch").unwrap_or_default().to_owned();
    if call.held().protected.contains(&branch) {
        return Err(Reply::message(
            403,
            "403 Forbidden - You are not allowed to push into this branch",
        ));
    }
    let before = store.branch(&branch);
    let start = start(call, &store, &branch)?;
    let actions = call.fields["actions"].as_array().cloned().unwrap_or_default();
    let actions: Vec<Map<String, Value>> = actions
        .into_iter()
        .filter_map(|action| action.as_object().cloned())
        .collect();
    // GitLab looks at the start branch for what has changed, which a start by id leaves to the default one.
    let seen = if call.text("start_sha").is_some() {
        store.branch("main")
    } else {
        start
    };
    for action in &actions {
        refuse_stale(&store, seen, action)?;
    }
    let mut index = store.index(start);
    for action in &actions {
        act(&store, &mut index, action).map_err(|fault| Reply::message(400, fault))?;
    }
    let login = call.login().to_owned();
    let email = format!("{login}@noreply.example.com");
    let writer = Writer {
        author: (
            call.text("author_name").unwrap_or(&login),
            call.text("author_email").unwrap_or(&email),
        ),
        committer: (&login, &email),
        time: call.state.seconds(),
    };
    let message = call.text("commit_message").unwrap_or_default();
    let parents: Vec<Oid> = start.into_iter().collect();
    let made = store.write(&mut index, &parents, message, &writer);
    if !store.move_branch(&branch, before, made) {
        let text = format!("Could not update refs/heads/{branch}. Please refresh and try again.");
        return Err(Reply::message(400, text));
    }
    Ok(Reply::json(201, &shown(call, &store, made)))
}

/// The commit that a new one stands on, after GitLab's own order of checks (`Commits::CreateService`).
fn start(call: &Call, store: &Store, branch: &str) -> Result<Option<Oid>, Reply> {
    let refuse = |text: String| Err(Reply::message(400, text));
    let sha = call.text("start_sha");
    let from = call.text("start_branch").unwrap_or(branch);
    let empty = store.git.is_empty().unwrap_or_default();
    let start = match sha {
        Some(sha) if sha.len() != 40 || Oid::from_str(sha).is_err() => {
            return refuse(format!("Invalid start_sha '{sha}'"));
        }
        Some(sha) => match store.commit_of(sha) {
            None => return refuse(format!("Cannot find start_sha '{sha}'")),
            found => found,
        },
        None if empty => None,
        None => match store.branch(from) {
            None => return refuse("You can only create or edit files when you are on a branch".to_owned()),
            found => found,
        },
    };
    let another = sha.is_some() || from != branch;
    if another && store.branch(branch).is_some() && !call.flag("force") {
        return refuse(format!(
            "A branch called '{branch}' already exists. Switch to that branch in order to make changes"
        ));
    }
    if !git2::Branch::name_is_valid(branch).unwrap_or_default() {
        return refuse(format!(
            "Something went wrong when we tried to create '{branch}' for you: Branch name is invalid"
        ));
    }
    Ok(start)
}

/// Refuses an action on a file whose last commit is another than as seen from `last_commit_id`
/// (`Files::BaseService#file_has_changed?`); an id that is unknown, or from before the file, says nothing.
fn refuse_stale(store: &Store, seen: Option<Oid>, action: &Map<String, Value>) -> Result<(), Reply> {
    let text = |field: &str| action.get(field).and_then(Value::as_str);
    let path = text("previous_path").or(text("file_path")).unwrap_or_default();
    if !matches!(text("action"), Some("update" | "move" | "delete")) {
        return Ok(());
    }
    let here = seen.and_then(|seen| store.last_for(seen, path));
    let there = text("last_commit_id").and_then(|id| store.commit_of(id));
    let there = there.and_then(|there| store.last_for(there, path));
    match here.zip(there) {
        Some((here, there)) if here != there => Err(Reply::message(
            400,
            format!("The file has changed since you started editing it: {path}"),
        )),
        _ => Ok(()),
    }
}

/// Carries out one action, with Gitaly's messages.
fn act(store: &Store, index: &mut Index, action: &Map<String, Value>) -> Result<(), String> {
    let text = |field: &str| action.get(field).and_then(Value::as_str);
    let path = checked(text("file_path").unwrap_or_default())?;
    let found = |index: &Index, path: &str| {
        index
            .get_path(path.as_ref(), 0)
            .ok_or_else(|| "A file with this name doesn't exist".to_owned())
    };
    let absent = |index: &Index| {
        let under = format!("{path}/");
        if index.get_path(path.as_ref(), 0).is_some() {
            return Err("A file with this name already exists".to_owned());
        }
        if index.iter().any(|one| one.path.starts_with(under.as_bytes())) {
            return Err("A directory with this name already exists".to_owned());
        }
        let mut folders = path.match_indices('/').map(|(end, _)| &path[..end]);
        if folders.any(|folder| index.get_path(folder.as_ref(), 0).is_some()) {
            return Err("A file with this name already exists".to_owned());
        }
        Ok(())
    };
    let content = || match (text("content"), text("encoding")) {
        (content, Some("base64")) => base64::engine::general_purpose::STANDARD
            .decode(content.unwrap_or_default())
            .map_err(|_| "invalid base64".to_owned()),
        (content, _) => Ok(content.unwrap_or_default().as_bytes().to_vec()),
    };
    let executable = action.get("execute_filemode").and_then(Value::as_bool);
    let mode = |yes| if yes { 0o100_755 } else { 0o100_644 };
    match text("action").unwrap_or_default() {
        "create" => {
            absent(index)?;
            store.put(index, path, mode(executable == Some(true)), &content()?);
        }
        "update" => {
            let old = found(index, path)?;
            store.put(index, path, old.mode, &content()?);
        }
        "delete" => {
            found(index, path)?;
            index.remove_path(path.as_ref()).unwrap();
        }
        "chmod" => {
            let mut old = found(index, path)?;
            old.mode = mode(executable == Some(true));
            index.add(&old).unwrap();
        }
        _ => {
            let from = checked(text("previous_path").unwrap_or_default())?;
            let mut old = found(index, from)?;
            absent(index)?;
            index.remove_path(from.as_ref()).unwrap();
            if text("content").is_some() {
                store.put(index, path, old.mode, &content()?);
            } else {
                old.path = path.as_bytes().to_vec();
                index.add(&old).unwrap();
            }
        }
    }
    Ok(())
}

fn checked(path: &str) -> Result<&str, String> {
    let parts: Vec<&str> = path.split('/').collect();
    if path.is_empty() {
        Err("You must provide a file path".to_owned())
    } else if parts.contains(&"..") {
        Err("Path cannot include directory traversal".to_owned())
    } else if parts
        .iter()
        .any(|part| part.is_empty() || *part == "." || part.eq_ignore_ascii_case(".git"))
    {
        Err(format!("invalid path: '{path}'"))
    } else {
        Ok(path)
    }
}

fn shown(call: &Call, store: &Store, id: Oid) -> Value {
    commit_json(&call.state.url, &call.project, store, id)
}

/// A commit as the API shows it.
pub fn commit_json(url: &str, project: &str, store: &Store, id: Oid) -> Value {
    let commit = store.commit(id);
    let message = commit.message().unwrap_or_default();
    let (author, committer) = (commit.author(), commit.committer());
    let mut trailers = Map::new();
    if let Ok(found) = git2::message_trailers_strs(message) {
        for (name, value) in found.iter() {
            trailers.insert(name.to_owned(), json!(value));
        }
    }
    json!({
        "id": id.to_string(),
        "short_id": &id.to_string()[..8],
        "created_at": stamp(commit.time().seconds()),
        "parent_ids": commit.parent_ids().map(|id| id.to_string()).collect::<Vec<_>>(),
        "title": message.lines().next(),
        "message": message,
        "author_name": author.name().unwrap_or_default(),
        "author_email": author.email().unwrap_or_default(),
        "authored_date": stamp(author.when().seconds()),
        "committer_name": committer.name().unwrap_or_default(),
        "committer_email": committer.email().unwrap_or_default(),
        "committed_date": stamp(commit.time().seconds()),
        "trailers": trailers,
        "extended_trailers": {},
        "status": null,
        "web_url": format!("{url}/{project}/-/commit/{id}"),
    })
}
