//! The two dispatches, and the runs that they start.

use serde_json::{Value, json};

use super::Flavor;
use super::answer::{Answer, Outcome, not_found, refusal};
use super::desk::Desk;
use super::state::{Run, Workflow};

const READ: &[&str] = &["actions=read"];
/// GitHub's limit of a whole client payload, in characters.
const MOST_PAYLOAD: usize = 65_535;

pub fn dispatch_repo(desk: &mut Desk<'_>, name: &str) -> Outcome {
    desk.repo(name, &["contents=write"])?;
    desk.check("dispatch-repo")?;
    let call = desk.call;
    let kind = call.text("event_type").unwrap();
    let payload = call
        .body
        .get("client_payload")
        .cloned()
        .unwrap_or_else(|| json!({}));
    if payload.to_string().chars().count() > MOST_PAYLOAD {
        return Err(refusal(422, "client_payload is too large."));
    }
    let login = desk.login();
    let event = json!({
        "action": kind, "client_payload": payload, "branch": desk.state.repo(name).default_branch,
        "sender": { "login": login }, "repository": { "full_name": name },
    });
    let repo = desk.state.repo_mut(name);
    repo.events.push(event.clone());
    let branch = repo.default_branch.clone();
    let starts = |workflow: &&Workflow| workflow.event_types.iter().any(|one| one == kind);
    let started: Vec<Workflow> = repo.workflows.iter().filter(starts).cloned().collect();
    for workflow in started {
        start(desk, name, &workflow, &branch, event.clone());
    }
    Ok(Answer::empty())
}

pub fn dispatch_workflow(desk: &mut Desk<'_>, name: &str, file: &str) -> Outcome {
    let repo = desk.repo(name, &["actions=write"])?;
    desk.check(match desk.flavor {
        Flavor::Enterprise => "dispatch-workflow-enterprise",
        Flavor::DotCom if desk.call.is_newer() => "dispatch-workflow-2026-03-10",
        Flavor::DotCom => "dispatch-workflow",
    })?;
    let workflow = repo
        .workflows
        .iter()
        .find(|one| one.file == file)
        .ok_or_else(not_found)?
        .clone();
    let call = desk.call;
    let asked = call.text("ref").unwrap();
    if repo.store().commit_at(asked).is_none() {
        return Err(refusal(422, &format!("No ref found for: {asked}")));
    }
    let given = call.body.get("inputs").cloned().unwrap_or_else(|| json!({}));
    fits(&workflow, &given)?;
    let branch = asked.trim_start_matches("refs/heads/").to_owned();
    let event = json!({
        "inputs": given, "ref": format!("refs/heads/{branch}"), "workflow": format!(".github/workflows/{file}"),
        "sender": { "login": desk.login() }, "repository": { "full_name": name },
    });
    let id = start(desk, name, &workflow, &branch, event);
    let told = call.is_newer() || call.body["return_run_details"] == true;
    Ok(if told {
        Answer::json(
            200,
            &json!({
                "workflow_run_id": id,
                "run_url": desk.link(name, &format!("/actions/runs/{id}")),
                "html_url": desk.page_url(name, &format!("/actions/runs/{id}")),
            }),
        )
    } else {
        Answer::empty()
    })
}

fn fits(workflow: &Workflow, given: &Value) -> Result<(), Answer> {
    let Some(inputs) = &workflow.inputs else {
        return Err(refusal(422, "Workflow does not have 'workflow_dispatch' trigger"));
    };
    let given = given.as_object().unwrap();
    let odd: Vec<&String> = given
        .keys()
        .filter(|name| !inputs.iter().any(|(known, _)| known == *name))
        .collect();
    if !odd.is_empty() {
        return Err(refusal(422, &format!("Unexpected inputs provided: {odd:?}")));
    }
    match inputs
        .iter()
        .find(|(name, required)| *required && !given.contains_key(name))
    {
        Some((name, _)) => Err(refusal(422, &format!("Required input '{name}' not provided"))),
        None => Ok(()),
    }
}

/// Starts a run; its title carries the payload's id, which may stand in a JSON text `payload`.
fn start(desk: &mut Desk<'_>, name: &str, workflow: &Workflow, branch: &str, event_file: Value) -> u64 {
    let (event, payload) = match event_file.get("client_payload") {
        Some(payload) => ("repository_dispatch", payload),
        None => ("workflow_dispatch", &event_file["inputs"]),
    };
    let inner = payload["payload"]
        .as_str()
        .and_then(|text| serde_json::from_str::<Value>(text).ok());
    let identity = [Some(payload), Some(&payload["payload"]), inner.as_ref()]
        .into_iter()
        .flatten()
        .find_map(|one| one["id"].as_str())
        .unwrap_or_default()
        .to_owned();
    let run = Run {
        id: desk.state.next_id(),
        workflow: workflow.file.clone(),
        event,
        branch: branch.to_owned(),
        sha: desk
            .state
            .repo(name)
            .store()
            .commit_at(branch)
            .unwrap()
            .to_string(),
        title: workflow.run_name.replace("{id}", &identity),
        status: "queued".to_owned(),
        conclusion: None,
        created: desk.state.now(),
        actor: desk.login(),
        event_file,
    };
    let id = run.id;
    desk.state.repo_mut(name).runs.push(run);
    id
}

/// The runs, newest first, of all workflows or of one.
pub fn runs(desk: &mut Desk<'_>, name: &str, workflow: Option<&str>) -> Outcome {
    let repo = desk.repo(name, READ)?;
    if workflow.is_some_and(|file| !repo.workflows.iter().any(|one| one.file == file)) {
        return Err(not_found());
    }
    let call = desk.call;
    let is = |name: &str, value: &str| call.asked(name).is_none_or(|asked| asked == value);
    let wanted = |run: &&Run| {
        workflow.is_none_or(|file| file == run.workflow)
            && is("event", run.event)
            && is("branch", &run.branch)
            && is("head_sha", &run.sha)
            && is("actor", &run.actor)
            && (is("status", &run.status) || run.conclusion.as_deref().is_some_and(|one| is("status", one)))
            && call
                .asked("created")
                .is_none_or(|range| in_range(range, &run.created))
    };
    let views = repo
        .runs
        .iter()
        .rev()
        .filter(wanted)
        .map(|run| desk.run_view(repo, run))
        .collect();
    desk.paged(
        views,
        |items, total| json!({ "total_count": total, "workflow_runs": items }),
    )
}

/// GitHub's search syntax for dates: `>=T`, `<T`, `A..B`, or a day.
fn in_range(range: &str, created: &str) -> bool {
    let at = time(created, "T00:00:00Z");
    let is = |sign: &str, holds: fn(Option<jiff::Timestamp>, Option<jiff::Timestamp>) -> bool| {
        range
            .strip_prefix(sign)
            .map(|end| holds(at, time(end, "T00:00:00Z")))
    };
    if let Some((from, to)) = range.split_once("..") {
        return (from == "*" || at >= time(from, "T00:00:00Z"))
            && (to == "*" || at <= time(to, "T23:59:59Z"));
    }
    is(">=", |at, end| at >= end)
        .or_else(|| is("<=", |at, end| at <= end))
        .or_else(|| is(">", |at, end| at > end))
        .or_else(|| is("<", |at, end| at < end))
        .unwrap_or_else(|| created.starts_with(range))
}

fn time(text: &str, hour: &str) -> Option<jiff::Timestamp> {
    text.parse().or_else(|_| format!("{text}{hour}").parse()).ok()
}

pub fn run(desk: &mut Desk<'_>, name: &str, id: u64) -> Outcome {
    let repo = desk.repo(name, READ)?;
    let run = repo.runs.iter().find(|run| run.id == id).ok_or_else(not_found)?;
    Ok(Answer::json(200, &desk.run_view(repo, run)))
}

pub fn workflow(desk: &mut Desk<'_>, name: &str, file: &str) -> Outcome {
    let repo = desk.repo(name, READ)?;
    let found = repo.workflows.iter().any(|one| one.file == file);
    if found {
        Ok(Answer::json(
            200,
            &json!({
                "id": 1, "node_id": "W_1", "name": file, "path": format!(".github/workflows/{file}"), "state": "active",
            }),
        ))
    } else {
        Err(not_found())
    }
}
