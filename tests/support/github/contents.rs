//! Writes that carry a whole file, and the repository's own settings.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::answer::{Answer, Outcome, not_found, refusal};
use super::desk::Desk;
use super::store::{Draft, Person};

const WRITE: &[&str] = &["contents=write"];

pub fn put(desk: &mut Desk<'_>, name: &str, path: &str) -> Outcome {
    desk.repo(name, WRITE)?;
    desk.check("put-contents")?;
    let content = desk.call.text("content").unwrap();
    let bytes = STANDARD
        .decode(content.replace('\n', ""))
        .map_err(|_| refusal(422, "content is not valid Base64"))?;
    write(desk, name, path, Some(bytes))
}

pub fn delete(desk: &mut Desk<'_>, name: &str, path: &str) -> Outcome {
    desk.repo(name, WRITE)?;
    desk.check("delete-contents")?;
    write(desk, name, path, None)
}

fn write(desk: &mut Desk<'_>, name: &str, path: &str, bytes: Option<Vec<u8>>) -> Outcome {
    let repo = desk.state.repo(name);
    let store = repo.store();
    let call = desk.call;
    let branch = call.text("branch").unwrap_or(&repo.default_branch).to_owned();
    let tip = store
        .tip(&branch)
        .ok_or_else(|| refusal(404, &format!("Branch {branch} not found")))?;
    if repo.settings.protected.contains(&branch) {
        return Err(refusal(
            409,
            "Repository rule violations found\n\nChanges must be made through a pull request.\n\n",
        ));
    }
    let old = store.entry(tip, path).map(|file| file.oid.to_string());
    match (call.text("sha"), &old) {
        (None, Some(_)) => return Err(refusal(422, "Invalid request.\n\n\"sha\" wasn't supplied.")),
        (Some(sha), Some(old)) if sha != old => {
            return Err(refusal(409, &format!("{path} does not match {sha}")));
        }
        (Some(_), None) => return Err(not_found()),
        _ => {}
    }
    let is_new = old.is_none();
    let grant = desk.grant.clone().ok_or_else(not_found)?;
    let own = Person::new(&grant.login, &grant.noreply());
    let who = |field: &str, or: &Person| {
        let given = &call.body[field];
        given["name"]
            .as_str()
            .zip(given["email"].as_str())
            .map_or_else(|| or.clone(), |(name, email)| Person::new(name, email))
    };
    let given = call.body.get("author").is_some() || call.body.get("committer").is_some();
    let github = Person::new("GitHub", super::GITHUB_EMAIL);
    let committer = who("committer", if given { &own } else { &github });
    let draft = Draft {
        message: call.text("message").unwrap(),
        author: &who("author", &own),
        committer: &committer,
        seconds: desk.state.seconds(),
    };
    let oid = store
        .write(tip, &[(path.to_owned(), bytes)], true, &draft)
        .map_err(|said| refusal(422, &said))?;
    store.set(&format!("refs/heads/{branch}"), oid);
    desk.state.refresh();
    let content = store.entry(oid, path).map_or(
        Value::Null,
        |file| json!({ "path": path, "sha": file.oid.to_string() }),
    );
    let commit = desk.commit_view(name, &store, oid);
    Ok(Answer::json(
        if is_new { 201 } else { 200 },
        &json!({ "content": content, "commit": commit }),
    ))
}

/// Sets what the fake knows of a repository's settings.
pub fn update_repo(desk: &mut Desk<'_>, name: &str) -> Outcome {
    desk.repo(name, &["administration=write"])?;
    desk.check("update-repo")?;
    let body = desk.call.body.clone();
    let settings = &mut desk.state.repo_mut(name).settings;
    if let Some(value) = body["allow_auto_merge"].as_bool() {
        settings.auto_merge_allowed = value;
    }
    if let Some(value) = body["private"].as_bool() {
        settings.private = value;
    }
    let repo = desk.state.repo(name);
    Ok(Answer::json(200, &desk.repo_view(repo)))
}
