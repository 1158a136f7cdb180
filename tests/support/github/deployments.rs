//! Deployments and their statuses.

use serde_json::{Value, json};

use super::answer::{Answer, Outcome, not_found, refusal};
use super::desk::Desk;
use super::state::{Deployment, DeploymentStatus, Repo};
use super::store::{Draft, Person};

const READ: &[&str] = &["deployments=read"];
const WRITE: &[&str] = &["deployments=write"];

pub fn create(desk: &mut Desk<'_>, name: &str) -> Outcome {
    let repo = desk.repo(name, WRITE)?;
    desk.check("create-deployment")?;
    let body = &desk.call.body;
    let asked = body["ref"].as_str().unwrap();
    let sha = repo
        .store()
        .commit_at(asked)
        .ok_or_else(|| refusal(422, &format!("No ref found for: {asked}")))?
        .to_string();
    if body["auto_merge"] != false
        && let Some(merged) = auto_merge(desk, name, asked)?
    {
        return Ok(merged);
    }
    contexts(desk.state.repo(name), &sha, body).map_err(|()| {
        refusal(
            409,
            &format!("Conflict: Commit status checks failed for {asked}."),
        )
    })?;
    let or = |field: &str, default: Value| body.get(field).cloned().unwrap_or(default);
    let environment = body["environment"].as_str().unwrap_or("production").to_owned();
    let fields = json!({
        "ref": asked,
        "task": or("task", json!("deploy")),
        "payload": or("payload", json!({})),
        "original_environment": environment,
        "description": or("description", Value::Null),
        "transient_environment": or("transient_environment", json!(false)),
        "production_environment": or("production_environment", json!(environment == "production")),
    });
    let deployment = Deployment {
        id: desk.state.next_id(),
        fields,
        environment,
        sha,
        creator: desk.login(),
        created: desk.state.now(),
        statuses: Vec::new(),
    };
    let view = desk.deployment_view(name, &deployment);
    desk.state.repo_mut(name).deployments.push(deployment);
    Ok(Answer::json(201, &view))
}

/// A branch that is behind the default branch gets that merged instead of being deployed.
fn auto_merge(desk: &mut Desk<'_>, name: &str, branch: &str) -> Result<Option<Answer>, Answer> {
    let seconds = desk.state.seconds();
    let repo = desk.state.repo(name);
    let (store, default) = (repo.store(), repo.default_branch.clone());
    let Some((head, base)) = store.tip(branch).zip(store.tip(&default)) else {
        return Ok(None);
    };
    if store.contains(head, base) {
        return Ok(None);
    }
    let conflict = || refusal(409, &format!("Conflict merging {default} into {branch}."));
    let tree = store.merged_tree(head, base).ok_or_else(conflict)?;
    let github = Person::new("GitHub", super::GITHUB_EMAIL);
    let draft = Draft {
        message: &format!("Merge {default} into {branch}"),
        author: &github,
        committer: &github,
        seconds,
    };
    let merged = store.commit_tree(tree, &[head, base], &draft);
    store.set(&format!("refs/heads/{branch}"), merged);
    desk.state.refresh();
    let said = format!("Auto-merged {default} into {branch} on deployment.");
    Ok(Some(Answer::json(202, &json!({ "message": said }))))
}

/// Whether the commit's statuses allow a deployment: those that are named, or all that there are.
fn contexts(repo: &Repo, sha: &str, body: &Value) -> Result<(), ()> {
    let last = |context: &str| {
        let mut of = repo.statuses.iter().rev();
        of.find(|(at, name, _)| at == sha && name == context)
            .map(|(_, _, state)| state.as_str())
    };
    let named = body["required_contexts"].as_array();
    let passed = match named {
        Some(named) => named
            .iter()
            .all(|name| last(name.as_str().unwrap()) == Some("success")),
        None => repo
            .statuses
            .iter()
            .filter(|(at, ..)| at == sha)
            .all(|(_, name, _)| last(name) == Some("success")),
    };
    passed.then_some(()).ok_or(())
}

pub fn list(desk: &mut Desk<'_>, name: &str) -> Outcome {
    let repo = desk.repo(name, READ)?;
    let call = desk.call;
    let is = |filter: &str, value: &str| {
        call.asked(filter)
            .is_none_or(|asked| asked == "none" || asked == value)
    };
    let text = |one: &Deployment, field: &str| one.fields[field].as_str().unwrap_or_default().to_owned();
    let wanted = |one: &&Deployment| {
        is("sha", &one.sha)
            && is("ref", &text(one, "ref"))
            && is("task", &text(one, "task"))
            && is("environment", &one.environment)
    };
    let found = repo.deployments.iter().rev().filter(wanted);
    let views = found.map(|one| desk.deployment_view(name, one)).collect();
    desk.paged(views, |items, _| items)
}

fn find(repo: &Repo, id: u64) -> Result<&Deployment, Answer> {
    repo.deployments
        .iter()
        .find(|one| one.id == id)
        .ok_or_else(not_found)
}

pub fn show(desk: &mut Desk<'_>, name: &str, id: u64) -> Outcome {
    let deployment = find(desk.repo(name, READ)?, id)?;
    Ok(Answer::json(200, &desk.deployment_view(name, deployment)))
}

pub fn statuses(desk: &mut Desk<'_>, name: &str, id: u64) -> Outcome {
    let deployment = find(desk.repo(name, READ)?, id)?;
    let newest_first = deployment.statuses.iter().rev();
    let views = newest_first
        .map(|status| desk.deployment_status_view(name, deployment, status))
        .collect();
    desk.paged(views, |items, _| items)
}

pub fn create_status(desk: &mut Desk<'_>, name: &str, id: u64) -> Outcome {
    let deployment = find(desk.repo(name, WRITE)?, id)?.clone();
    desk.check("create-deployment-status")?;
    let body = &desk.call.body;
    let text = |field: &str| body[field].as_str().unwrap_or_default();
    let environment = body["environment"]
        .as_str()
        .unwrap_or(&deployment.environment)
        .to_owned();
    let log = if text("log_url").is_empty() {
        text("target_url")
    } else {
        text("log_url")
    };
    let status = DeploymentStatus {
        id: desk.state.next_id(),
        state: text("state").to_owned(),
        fields: json!({
            "description": text("description"), "environment": environment,
            "environment_url": text("environment_url"), "log_url": log, "target_url": log,
        }),
        creator: desk.login(),
        created: desk.state.now(),
    };
    let view = desk.deployment_status_view(name, &deployment, &status);
    let deactivates = text("state") == "success" && body["auto_inactive"] != false;
    let others = desk.state.repo(name).deployments.iter().filter(|one| {
        deactivates
            && one.id < id
            && one.environment == environment
            && one.fields["transient_environment"] == false
            && one.fields["production_environment"] == false
            && one.statuses.last().is_some_and(|last| last.state == "success")
    });
    let others: Vec<u64> = others.map(|one| one.id).collect();
    for other in others {
        let inactive = DeploymentStatus {
            id: desk.state.next_id(),
            state: "inactive".to_owned(),
            ..status.clone()
        };
        of(desk, name, other).statuses.push(inactive);
    }
    let changed = of(desk, name, id);
    changed.environment = environment;
    changed.statuses.push(status);
    Ok(Answer::json(201, &view))
}

fn of<'a>(desk: &'a mut Desk<'_>, name: &str, id: u64) -> &'a mut Deployment {
    let all = &mut desk.state.repo_mut(name).deployments;
    all.iter_mut().find(|one| one.id == id).unwrap()
}
