//! What becomes of merge requests: merged, waiting, held up, or overtaken by what happens to their branches.

use git2::Oid;
use serde_json::{Value, json};

use super::state::{Project, State, stamp};
use super::store::{Store, Writer};

/// Brings the open requests of a project up to what their branches say, as GitLab does after each push
/// (`MergeRequests::RefreshService`): a source branch that is gone closes, a target that has taken the head in counts
/// as merged, and a new head ends an automatic merge.
pub fn refresh(project: &mut Project, store: &Store, now: &str) {
    for request in &mut project.merge_requests {
        if request["state"] != "opened" {
            continue;
        }
        let branch = |side: &str| request[side].as_str().and_then(|name| store.branch(name));
        let (source, target) = (branch("source_branch"), branch("target_branch"));
        let Some(source) = source else {
            request["state"] = json!("closed");
            request["closed_at"] = json!(now);
            continue;
        };
        if request["sha"] != source.to_string() {
            request["sha"] = json!(source.to_string());
            request["merge_when_pipeline_succeeds"] = json!(false);
        }
        let seen = request["seen_target"]
            .as_str()
            .and_then(|id| Oid::from_str(id).ok());
        let (Some(target), Some(seen)) = (target, seen) else {
            continue;
        };
        let holds = |tip: Oid| store.merge_base(tip, source) == Some(source);
        if target != seen && holds(target) && !holds(seen) {
            request["state"] = json!("merged");
            request["merged_at"] = json!(now);
            request["merge_commit_sha"] = json!(target.to_string());
        }
        request["seen_target"] = json!(target.to_string());
    }
}

/// Merges what is mergeable and returns the commit; `Err` on a conflict.
pub fn merge_now(state: &mut State, project: &str, at: usize, login: &str) -> Result<String, ()> {
    let time = state.seconds();
    let store = state.store(project);
    let request = state.projects[project].merge_requests[at].clone();
    let name = |side: &str| request[side].as_str().unwrap_or_default().to_owned();
    let (source, target) = (name("source_branch"), name("target_branch"));
    let tips = store.branch(&target).zip(store.branch(&source)).ok_or(())?;
    let email = format!("{login}@noreply.example.com");
    let writer = Writer {
        author: (login, &email),
        committer: (login, &email),
        time,
    };
    let mut index = store.merged(tips.0, tips.1).ok_or(())?;
    let mut tip = tips.1;
    let project = state.project(project);
    let mut squashed = None;
    if request["squash"] == true {
        tip = store.write(&mut index, &[tips.0], &name("title"), &writer);
        squashed = Some(tip.to_string());
    }
    let merged = if project.merge_method == "ff" {
        tip
    } else {
        let message = format!(
            "Merge branch '{source}' into '{target}'\n\n{}\n\nSee merge request {}!{}",
            name("title"),
            project.path,
            request["iid"]
        );
        store.write(&mut index, &[tips.0, tip], &message, &writer)
    };
    store.set_branch(&target, merged);
    let removes =
        request["should_remove_source_branch"] == true || request["force_remove_source_branch"] == true;
    if removes && !project.protected.contains(&source) {
        store.delete_branch(&source);
    }
    let by = state.user_json(login);
    let now = stamp(time);
    let held = &mut state.project(&project_path(&request)).merge_requests[at];
    held["state"] = json!("merged");
    held["merged_at"] = json!(now);
    held["updated_at"] = json!(now);
    held["merge_user"] = by.clone();
    held["merged_by"] = by;
    held["merge_when_pipeline_succeeds"] = json!(false);
    held["squash_commit_sha"] = json!(squashed);
    held["merge_commit_sha"] = json!(merged.to_string());
    Ok(merged.to_string())
}

/// Merges the requests that waited for something, if nothing holds them any more.
pub fn merge_waiting(state: &mut State, project: &str) {
    for at in 0..state.projects[project].merge_requests.len() {
        let request = state.projects[project].merge_requests[at].clone();
        let free =
            detailed_status(state, project, &request) == "mergeable" && !running(state, project, &request);
        if request["merge_when_pipeline_succeeds"] == true && free {
            let login = request["merge_user"]["username"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            let _ = merge_now(state, project, at, &login);
        }
    }
}

/// A merge request as the API shows it, with what follows from its branches and pipelines.
pub fn shown_in(state: &State, project: &str, request: &Value) -> Value {
    let mut shown = request.clone();
    let status = detailed_status(state, project, request);
    let merge_status = match status.as_str() {
        "checking" | "unchecked" => status.as_str(),
        "conflict" => "cannot_be_merged",
        _ => "can_be_merged",
    };
    let store = state.store(project);
    let [source, target] =
        ["sha", "target_branch"].map(|side| request[side].as_str().and_then(|name| store.commit_of(name)));
    let changed = source.zip(target).and_then(|(source, target)| {
        let base = store.merge_base(source, target)?;
        Some(store.diffs(base, source).len())
    });
    shown["draft"] = json!(is_draft(request));
    shown["work_in_progress"] = shown["draft"].clone();
    shown["merge_status"] = json!(merge_status);
    shown["has_conflicts"] = json!(status == "conflict");
    shown["changes_count"] = json!(changed.filter(|&count| count > 0).map(|count| count.to_string()));
    shown["head_pipeline"] = last_pipeline(state, project, request).unwrap_or_default();
    shown["detailed_merge_status"] = json!(status);
    for hidden in ["forced_status", "seen_target"] {
        shown.as_object_mut().unwrap().remove(hidden);
    }
    shown
}

/// Why a request can be merged or not, in GitLab's word for it.
pub fn detailed_status(state: &State, project: &str, request: &Value) -> String {
    if request["state"] != "opened" {
        return "not_open".to_owned();
    }
    if let Some(forced) = request["forced_status"].as_str() {
        return forced.to_owned();
    }
    if is_draft(request) {
        return "draft_status".to_owned();
    }
    let store = state.store(project);
    let [source, target] = ["source_branch", "target_branch"]
        .map(|side| request[side].as_str().and_then(|name| store.branch(name)));
    let Some((source, target)) = source.zip(target) else {
        return "broken_status".to_owned();
    };
    if store.merged(target, source).is_none() {
        return "conflict".to_owned();
    }
    let project_held = &state.projects[project];
    let pipeline = last_pipeline(state, project, request);
    let status = pipeline
        .as_ref()
        .and_then(|one| one["status"].as_str())
        .unwrap_or_default();
    if project_held.merge_method == "ff" && store.merge_base(source, target) != Some(target) {
        "need_rebase".to_owned()
    } else if project_held.only_if_pipeline_succeeds && status != "success" {
        if running(state, project, request) {
            "ci_still_running"
        } else {
            "ci_must_pass"
        }
        .to_owned()
    } else {
        "mergeable".to_owned()
    }
}

fn last_pipeline(state: &State, project: &str, request: &Value) -> Option<Value> {
    let mut all = state.projects[project].pipelines.iter().rev();
    all.find(|one| one["sha"] == request["sha"] && one["ref"] == request["source_branch"])
        .cloned()
}

pub fn running(state: &State, project: &str, request: &Value) -> bool {
    let pipeline = last_pipeline(state, project, request);
    let ended = ["success", "failed", "canceled", "skipped"];
    pipeline.is_some_and(|one| !ended.iter().any(|status| one["status"] == *status))
}

fn is_draft(request: &Value) -> bool {
    let title = request["title"].as_str().unwrap_or_default().to_lowercase();
    ["draft:", "[draft]", "(draft)"]
        .iter()
        .any(|mark| title.starts_with(mark))
}

fn project_path(request: &Value) -> String {
    let full = request["references"]["full"].as_str().unwrap_or_default();
    full.split('!').next().unwrap_or_default().to_owned()
}
