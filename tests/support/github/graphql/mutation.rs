//! Mutations: of refs (see `refs`), and of pull requests.

use serde_json::Value;

use super::super::access::Level;
use super::super::answer::Answer;
use super::super::pulls::{self, Change};
use super::super::state::Pull;
use super::refs::{self, Payload};
use super::thing::{Got, Thing};
use super::{Refused, Resolved, Work};

/// Carries out a mutation.
pub fn carry_out(work: &Work<'_, '_>, field: &str, input: &Value) -> Resolved {
    let (kind, payload) = match field {
        "createRef" => ("CreateRefPayload", refs::create(work, input)?),
        "updateRef" => ("UpdateRefPayload", refs::update(work, input)?),
        "updateRefs" => ("UpdateRefsPayload", refs::update_many(work, input)?),
        "deleteRef" => ("DeleteRefPayload", refs::delete(work, input)?),
        "createCommitOnBranch" => ("CreateCommitOnBranchPayload", refs::commit(work, input)?),
        "createPullRequest" => ("CreatePullRequestPayload", create(work, input)?),
        "updatePullRequest" => ("UpdatePullRequestPayload", update(work, input)?),
        "closePullRequest" => ("ClosePullRequestPayload", set_open(work, input, false)?),
        "reopenPullRequest" => ("ReopenPullRequestPayload", set_open(work, input, true)?),
        "convertPullRequestToDraft" => ("ConvertPullRequestToDraftPayload", set_draft(work, input, true)?),
        "markPullRequestReadyForReview" => (
            "MarkPullRequestReadyForReviewPayload",
            set_draft(work, input, false)?,
        ),
        "enablePullRequestAutoMerge" => ("EnablePullRequestAutoMergePayload", auto_merge(work, input)?),
        "disablePullRequestAutoMerge" => ("DisablePullRequestAutoMergePayload", no_auto_merge(work, input)?),
        "enqueuePullRequest" => ("EnqueuePullRequestPayload", enqueue(work, input)?),
        _ => ("MergePullRequestPayload", merge(work, input)?),
    };
    let own = ("clientMutationId", Got::Leaf(input["clientMutationId"].clone()));
    Ok(Got::One(Thing::Made(
        kind,
        payload.into_iter().chain([own]).collect(),
    )))
}

fn unprocessable(said: &str) -> Refused {
    Refused("UNPROCESSABLE", said.to_owned())
}

/// Says in GraphQL's way what REST says in its own.
fn said(refused: &Answer) -> Refused {
    let body: Value = serde_json::from_slice(&refused.body).unwrap();
    let error = &body["errors"][0];
    let words = match (error["message"].as_str(), error["field"].as_str()) {
        (Some(message), _) => message.to_owned(),
        (_, Some(field)) => format!("{field} is invalid"),
        _ => body["message"].as_str().unwrap_or_default().to_owned(),
    };
    Refused("UNPROCESSABLE", words)
}

/// The pull request that is meant, if the caller may change it.
fn meant(work: &Work<'_, '_>, input: &Value, permission: &str) -> Result<(String, u64, Pull), Refused> {
    let (repo, number) = work.pull_by_id(input["pullRequestId"].as_str().unwrap())?;
    work.require(&repo, permission, Level::Write)?;
    let pull = work.with_repo(&repo, |repo| repo.pull(number).unwrap().clone());
    let expected = input["expectedHeadOid"].as_str();
    if expected.is_some_and(|expected| expected != pull.head_sha) {
        return Err(unprocessable(
            "Head branch was modified. Review and try the merge again.",
        ));
    }
    Ok((repo, number, pull))
}

fn shown(repo: String, number: u64) -> Vec<(&'static str, Got)> {
    vec![("pullRequest", Got::One(Thing::Pull(repo, number)))]
}

fn change(work: &Work<'_, '_>, repo: &str, number: u64, how: impl FnOnce(&mut Pull)) {
    work.with(|desk| {
        let now = desk.state.now();
        let pull = desk.state.repo_mut(repo).pull_mut(number);
        how(pull);
        pull.updated = now;
    });
}

fn create(work: &Work<'_, '_>, input: &Value) -> Payload {
    let repo = work.repo_by_id(input["repositoryId"].as_str().unwrap())?;
    work.require(&repo, "pull_requests", Level::Write)?;
    let text = |name: &str| input[name].as_str().unwrap_or_default().to_owned();
    let number = work.with(|desk| {
        let asked = Pull {
            title: text("title"),
            body: text("body"),
            head: text("headRefName"),
            base: text("baseRefName"),
            draft: input["draft"] == true,
            author: desk.login(),
            ..Pull::default()
        };
        pulls::open(desk.state, &repo, asked)
    });
    let number = number.map_err(|refused| said(&refused))?;
    Ok(shown(repo, number))
}

fn update(work: &Work<'_, '_>, input: &Value) -> Payload {
    let (repo, number, _) = meant(work, input, "pull_requests")?;
    let text = |name: &str| input[name].as_str().map(str::to_owned);
    let change = Change {
        title: text("title"),
        body: text("body"),
        base: text("baseRefName"),
        open: input["state"].as_str().map(|state| state == "OPEN"),
    };
    alter(work, repo, number, change)
}

fn set_open(work: &Work<'_, '_>, input: &Value, open: bool) -> Payload {
    let (repo, number, _) = meant(work, input, "pull_requests")?;
    let change = Change {
        open: Some(open),
        ..Change::default()
    };
    alter(work, repo, number, change)
}

fn alter(work: &Work<'_, '_>, repo: String, number: u64, change: Change) -> Payload {
    let done = work.with(|desk| {
        let login = desk.login();
        pulls::alter(desk.state, &repo, number, change, &login)
    });
    done.map_err(|refused| said(&refused))?;
    Ok(shown(repo, number))
}

fn set_draft(work: &Work<'_, '_>, input: &Value, draft: bool) -> Payload {
    let (repo, number, _) = meant(work, input, "pull_requests")?;
    if draft && !work.with_repo(&repo, |repo| repo.settings.drafts) {
        return Err(unprocessable(
            "Draft pull requests are not supported in this repository.",
        ));
    }
    change(work, &repo, number, |pull| pull.draft = draft);
    Ok(shown(repo, number))
}

fn auto_merge(work: &Work<'_, '_>, input: &Value) -> Payload {
    let (repo, number, pull) = meant(work, input, "pull_requests")?;
    let method = input["mergeMethod"].as_str().unwrap_or("MERGE");
    let (allowed, methods, state) = work.with_repo(&repo, |repo| {
        let settings = &repo.settings;
        (
            settings.auto_merge_allowed,
            settings.merge_methods.clone(),
            pulls::merge_state(repo, &pull),
        )
    });
    let refused = match state {
        _ if !allowed => "Pull request Auto merge is not allowed for this repository".to_owned(),
        _ if !pull.open => "Pull request Pull request is closed".to_owned(),
        _ if !methods.contains(&method.to_lowercase().as_str()) => {
            format!(
                "Merge method {} merging is not allowed on this repository",
                method.to_lowercase()
            )
        }
        "clean" => "Pull request Pull request is in clean status".to_owned(),
        "draft" => "Pull request Pull request is in draft status".to_owned(),
        _ => String::new(),
    };
    if !refused.is_empty() {
        return Err(unprocessable(&refused));
    }
    change(work, &repo, number, |pull| {
        pull.auto_merge = Some(method.to_owned());
    });
    Ok(shown(repo, number))
}

fn no_auto_merge(work: &Work<'_, '_>, input: &Value) -> Payload {
    let (repo, number, pull) = meant(work, input, "pull_requests")?;
    if pull.auto_merge.is_none() {
        return Err(unprocessable("Can't disable auto-merge for this pull request."));
    }
    change(work, &repo, number, |pull| pull.auto_merge = None);
    Ok(shown(repo, number))
}

fn enqueue(work: &Work<'_, '_>, input: &Value) -> Payload {
    let (repo, number, pull) = meant(work, input, "pull_requests")?;
    let (has_queue, state) = work.with_repo(&repo, |repo| {
        (repo.settings.merge_queue, pulls::merge_state(repo, &pull))
    });
    if !has_queue || !pull.open {
        return Err(unprocessable(
            "Pull request cannot be added to the merge queue: no merge queue for its base",
        ));
    }
    if state != "clean" {
        return Err(unprocessable("Pull request is not mergeable"));
    }
    if pull.queued {
        return Err(unprocessable("The pull request is already in the queue"));
    }
    change(work, &repo, number, |pull| pull.queued = true);
    let entry = vec![
        ("id", Got::text(&format!("MQE_{number}"))),
        ("position", Got::leaf(1)),
        ("state", Got::text("QUEUED")),
        ("pullRequest", Got::One(Thing::Pull(repo, number))),
    ];
    Ok(vec![(
        "mergeQueueEntry",
        Got::One(Thing::Made("MergeQueueEntry", entry)),
    )])
}

fn merge(work: &Work<'_, '_>, input: &Value) -> Payload {
    let (repo, number, pull) = meant(work, input, "contents")?;
    let method = input["mergeMethod"].as_str().unwrap_or("MERGE").to_lowercase();
    work.with_repo(&repo, |repo| pulls::mergeable(repo, &pull, &method))
        .map_err(|said| unprocessable(&said))?;
    let title = input["commitHeadline"].as_str().map(str::to_owned);
    work.with(|desk| pulls::land(desk.state, &repo, number, &method, title));
    Ok(shown(repo, number))
}
