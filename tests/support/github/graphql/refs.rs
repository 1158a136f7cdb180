//! Mutations of refs: made, moved, deleted, committed on.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use git2::{ObjectType, Oid};
use serde_json::Value;

use super::super::access::Level;
use super::super::repos::free;
use super::super::store::{Change, Draft, Person, Store, ZERO};
use super::thing::{Got, Thing};
use super::{Refused, Work, no_node, ref_of};

/// What a mutation gives, by the names of its payload.
pub type Payload = Result<Vec<(&'static str, Got)>, Refused>;

fn unprocessable(said: String) -> Refused {
    Refused("UNPROCESSABLE", said)
}

fn text<'a>(input: &'a Value, name: &str) -> &'a str {
    input[name].as_str().unwrap_or_default()
}

pub fn create(work: &Work<'_, '_>, input: &Value) -> Payload {
    let repo = work.repo_by_id(text(input, "repositoryId"))?;
    work.require(&repo, "contents", Level::Write)?;
    let (store, name) = (work.store(&repo), text(input, "name"));
    if !name.starts_with("refs/") || !git2::Reference::is_valid_name(name) {
        return Err(unprocessable(format!(
            "Name '{name}' must be a fully qualified ref name"
        )));
    }
    if store.named(name).is_some() {
        return Err(unprocessable(format!(
            "A ref named \"{name}\" already exists in the repository."
        )));
    }
    let oid = commit_of(&store, text(input, "oid"))?;
    free(&store, name).map_err(|_| unprocessable("Reference cannot be created.".to_owned()))?;
    store.set(name, oid);
    work.with(|desk| desk.state.refresh());
    Ok(vec![("ref", Got::One(Thing::Ref(repo, name.to_owned())))])
}

fn commit_of(store: &Store, hex: &str) -> Result<Oid, Refused> {
    let oid = store
        .full_id(hex)
        .ok_or_else(|| unprocessable(format!("Object {hex} does not exist")))?;
    match store.kind(oid) {
        Some(ObjectType::Commit) => Ok(oid),
        other => {
            let kind = other.map_or("object", |kind| kind.str());
            Err(unprocessable(format!(
                "Invalid object type {kind}, expected commit"
            )))
        }
    }
}

pub fn delete(work: &Work<'_, '_>, input: &Value) -> Payload {
    let (repo, name) = known(work, input)?;
    unprotected(work, &repo, &name)?;
    work.store(&repo).delete(&name);
    work.with(|desk| desk.state.refresh());
    Ok(Vec::new())
}

fn known(work: &Work<'_, '_>, input: &Value) -> Result<(String, String), Refused> {
    let id = text(input, "refId");
    let (repo, name) = ref_of(id).ok_or_else(|| no_node(id))?;
    let node = work.with(|desk| {
        desk.state
            .repos
            .get(&repo)
            .map(super::super::state::Repo::node_id)
    });
    work.repo_by_id(&node.unwrap_or_default())
        .map_err(|_| no_node(id))?;
    work.require(&repo, "contents", Level::Write)?;
    match work.store(&repo).named(&name) {
        Some(_) => Ok((repo, name)),
        None => Err(no_node(id)),
    }
}

pub fn update(work: &Work<'_, '_>, input: &Value) -> Payload {
    let (repo, name) = known(work, input)?;
    unprotected(work, &repo, &name)?;
    let store = work.store(&repo);
    let oid = commit_of(&store, text(input, "oid"))?;
    if input["force"] != true && !store.contains(oid, store.named(&name).unwrap()) {
        return Err(unprocessable("Update is not a fast forward".to_owned()));
    }
    store.set(&name, oid);
    work.with(|desk| desk.state.refresh());
    Ok(vec![("ref", Got::One(Thing::Ref(repo, name)))])
}

/// All updates happen, or none.
pub fn update_many(work: &Work<'_, '_>, input: &Value) -> Payload {
    let repo = work.repo_by_id(text(input, "repositoryId"))?;
    work.require(&repo, "contents", Level::Write)?;
    let store = work.store(&repo);
    let mut changes = Vec::new();
    for update in input["refUpdates"].as_array().unwrap() {
        let (name, after) = (text(update, "name"), text(update, "afterOid"));
        let old = store.named(name);
        let now = old.map_or_else(|| ZERO.to_owned(), |oid| oid.to_string());
        if !name.starts_with("refs/") || !git2::Reference::is_valid_name(name) {
            return Err(unprocessable(format!(
                "Name '{name}' must be a fully qualified ref name"
            )));
        }
        if update["beforeOid"].as_str().is_some_and(|before| before != now) {
            let before = text(update, "beforeOid");
            return Err(unprocessable(format!(
                "Reference cannot be updated: {name} is at {now} but expected {before}"
            )));
        }
        unprotected(work, &repo, name)?;
        if after == ZERO {
            old.ok_or_else(|| unprocessable(format!("Reference does not exist: {name}")))?;
            changes.push((name, None));
            continue;
        }
        let new = commit_of(&store, after)?;
        if old.is_some_and(|old| update["force"] != true && !store.contains(new, old)) {
            return Err(unprocessable(format!(
                "Reference cannot be updated: {name} is not a fast forward"
            )));
        }
        if old.is_none() {
            free(&store, name).map_err(|_| unprocessable("Reference cannot be created.".to_owned()))?;
        }
        changes.push((name, Some(new)));
    }
    for (name, to) in changes {
        match to {
            Some(oid) => store.set(name, oid),
            None => store.delete(name),
        }
    }
    work.with(|desk| desk.state.refresh());
    Ok(Vec::new())
}

fn unprotected(work: &Work<'_, '_>, repo: &str, full: &str) -> Result<(), Refused> {
    let protected = work.with_repo(repo, |repo| repo.settings.protected.clone());
    let branch = full.trim_start_matches("refs/heads/");
    if protected.iter().any(|one| one == branch) {
        Err(Refused(
            "FORBIDDEN",
            "Repository rule violations found\n\nChanges must be made through a pull request.\n\n".to_owned(),
        ))
    } else {
        Ok(())
    }
}

/// Commits whole files on a branch that still is where the caller saw it; a file's mode is not kept.
pub fn commit(work: &Work<'_, '_>, input: &Value) -> Payload {
    let (repo, full) = committable(work, &input["branch"])?;
    work.require(&repo, "contents", Level::Write)?;
    let store = work.store(&repo);
    let branch = full.trim_start_matches("refs/heads/");
    let tip = store
        .tip(branch)
        .ok_or_else(|| Refused("NOT_FOUND", format!("Branch \"{branch}\" not found")))?;
    let expected = text(input, "expectedHeadOid");
    let stale = || {
        let said = format!("Expected branch to point to \"{expected}\" but it did not. Pull and try again.");
        Refused("STALE_DATA", said)
    };
    if tip.to_string() != expected {
        return Err(stale());
    }
    unprotected(work, &repo, &full)?;
    let changes = changes(work, &input["fileChanges"])?;
    let message = &input["message"];
    let mut words = text(message, "headline").to_owned();
    if !text(message, "body").is_empty() {
        words = format!("{words}\n\n{}", text(message, "body"));
    }
    let grant = work.with(|desk| desk.grant.clone()).unwrap();
    let draft = Draft {
        message: &words,
        author: &Person::new(&grant.login, &grant.noreply()),
        committer: &Person::new("GitHub", super::super::GITHUB_EMAIL),
        seconds: work.with(|desk| desk.state.seconds()),
    };
    let oid = store.write(tip, &changes, false, &draft).map_err(|_| {
        unprocessable(format!(
            "A path was requested for deletion which does not exist as of commit oid `{tip}`"
        ))
    })?;
    // A push through git may come between.
    if !store.set_if(&full, tip, oid) {
        return Err(stale());
    }
    work.with(|desk| desk.state.refresh());
    Ok(vec![
        ("commit", Got::One(Thing::Commit(repo.clone(), oid))),
        ("ref", Got::One(Thing::Ref(repo, full))),
    ])
}

/// A branch by its id, or by repository and name; not by both.
fn committable(work: &Work<'_, '_>, branch: &Value) -> Result<(String, String), Refused> {
    let by_name = branch["repositoryNameWithOwner"]
        .as_str()
        .zip(branch["branchName"].as_str());
    match (branch["id"].as_str(), by_name) {
        (Some(id), None) => ref_of(id).ok_or_else(|| no_node(id)),
        (None, Some((repo, name))) => {
            let missing = || {
                Refused(
                    "NOT_FOUND",
                    format!("Could not resolve to a Repository with the name '{repo}'."),
                )
            };
            let seen = work.with(|desk| {
                let grant = desk.grant.as_ref().unwrap();
                desk.state.repos.contains_key(repo)
                    && (grant.reaches(repo) || !desk.state.repo(repo).settings.private)
            });
            let short = name.trim_start_matches("refs/heads/");
            seen.then(|| (repo.to_owned(), format!("refs/heads/{short}")))
                .ok_or_else(missing)
        }
        _ => Err(unprocessable(
            "You must specify either the branch's id, or both the repositoryNameWithOwner and branchName"
                .to_owned(),
        )),
    }
}

fn changes(work: &Work<'_, '_>, asked: &Value) -> Result<Vec<Change>, Refused> {
    let items = |name: &str| asked[name].as_array().cloned().unwrap_or_default();
    let mut changes = Vec::new();
    for addition in items("additions") {
        let path = text(&addition, "path");
        let bytes = STANDARD
            .decode(text(&addition, "contents"))
            .map_err(|_| unprocessable(format!("Contents of {path} are not valid Base64")))?;
        changes.push((path.to_owned(), Some(bytes)));
    }
    changes.extend(
        items("deletions")
            .iter()
            .map(|one| (text(one, "path").to_owned(), None)),
    );
    let may = work.with(|desk| desk.grant.as_ref().unwrap().may("workflows", Level::Write));
    for (index, (path, _)) in changes.iter().enumerate() {
        if changes[..index].iter().any(|(other, _)| other == path) {
            return Err(unprocessable(format!(
                "A path was provided more than once: {path}"
            )));
        }
        if !may && path.starts_with(".github/workflows/") {
            let said = format!(
                "refusing to allow a GitHub App to create or update workflow `{path}` without `workflows` permission"
            );
            return Err(Refused("FORBIDDEN", said));
        }
        if path.is_empty()
            || path.starts_with('/')
            || path
                .split('/')
                .any(|part| matches!(part, "" | "." | ".." | ".git"))
        {
            return Err(unprocessable(format!(
                "A path was provided which is not valid: {path}"
            )));
        }
    }
    Ok(changes)
}
