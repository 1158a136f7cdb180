//! The fields of pull requests.

use git2::Oid;
use serde_json::{Value, json};

use super::super::pulls;
use super::super::state::Pull;
use super::list::page;
use super::thing::{Got, Thing};
use super::{Resolved, Work};

pub fn list(name: &str, arguments: &Value, all: Vec<Pull>) -> Resolved {
    let is = |argument: &str, value: &str| arguments[argument].as_str().is_none_or(|asked| asked == value);
    let states = arguments["states"].as_array();
    let mut found: Vec<Pull> = all
        .into_iter()
        .filter(|pull| {
            is("headRefName", &pull.head)
                && is("baseRefName", &pull.base)
                && states.is_none_or(|states| states.iter().any(|state| state == pull.state()))
                && arguments["labels"].as_array().is_none_or(|asked| {
                    asked
                        .iter()
                        .any(|label| pull.labels.iter().any(|one| label == one))
                })
        })
        .collect();
    let order = &arguments["orderBy"];
    if order["field"] == "UPDATED_AT" {
        found.sort_by_key(|pull| (pull.updated.clone(), pull.number));
    }
    if order["direction"] == "DESC" {
        found.reverse();
    }
    let things = found
        .into_iter()
        .map(|pull| Thing::Pull(name.to_owned(), pull.number))
        .collect();
    page("PullRequestConnection", "pullRequests", arguments, things)
}

pub fn field(work: &Work<'_, '_>, repo: &str, number: u64, field: &str, arguments: &Value) -> Resolved {
    let store = work.store(repo);
    let pull = work.with_repo(repo, |repo| repo.pull(number).unwrap().clone());
    let owned = repo.to_owned();
    let branch = |name: &str| {
        let full = format!("refs/heads/{name}");
        Got::maybe(store.named(&full).map(|_| Thing::Ref(owned.clone(), full)))
    };
    let head = git2::Oid::from_str(&pull.head_sha).unwrap();
    Ok(match field {
        "repository" | "headRepository" => Got::One(Thing::Repository(owned)),
        "headRef" => branch(&pull.head),
        "baseRef" => branch(&pull.base),
        "author" => Got::One(work.with(|desk| Thing::actor(desk.root, &pull.author))),
        "mergeCommit" => Got::maybe(
            pull.merged
                .as_ref()
                .map(|oid| Thing::Commit(owned, Oid::from_str(oid).unwrap())),
        ),
        "labels" => {
            let label = |name: &String| {
                Thing::Made(
                    "Label",
                    vec![
                        ("name", Got::text(name)),
                        ("id", Got::text(&format!("LA_{name}"))),
                        ("color", Got::text("ededed")),
                    ],
                )
            };
            return page(
                "LabelConnection",
                field,
                arguments,
                pull.labels.iter().map(label).collect(),
            );
        }
        "autoMergeRequest" => Got::maybe(
            pull.auto_merge
                .as_ref()
                .map(|method| Thing::Made("AutoMergeRequest", vec![("mergeMethod", Got::text(method))])),
        ),
        "commits" => {
            let base = store.tip(&pull.base).unwrap_or(head);
            let commit = |oid: Oid| {
                Thing::Made(
                    "PullRequestCommit",
                    vec![
                        ("id", Got::text(&format!("PRC_{oid}"))),
                        ("commit", Got::One(Thing::Commit(repo.to_owned(), oid))),
                    ],
                )
            };
            return page(
                "PullRequestCommitConnection",
                field,
                arguments,
                store.between(base, head).into_iter().map(commit).collect(),
            );
        }
        _ => Got::Leaf(leaf(work, repo, &pull, field)),
    })
}

fn leaf(work: &Work<'_, '_>, repo: &str, pull: &Pull, field: &str) -> Value {
    let url = work.with(|desk| desk.page_url(repo, &format!("/pull/{}", pull.number)));
    let merge_state = || work.with_repo(repo, |repo| pulls::merge_state(repo, pull));
    match field {
        "id" => json!(pull.node_id()),
        "number" => json!(pull.number),
        "url" => json!(url),
        "state" => json!(pull.state()),
        "isDraft" => json!(pull.draft),
        "title" => json!(pull.title),
        "body" => json!(pull.body),
        "headRefName" => json!(pull.head),
        "headRefOid" => json!(pull.head_sha),
        "baseRefName" => json!(pull.base),
        "baseRefOid" => json!(work.store(repo).tip(&pull.base).map(|oid| oid.to_string())),
        "merged" => json!(pull.merged.is_some()),
        "mergedAt" => json!(pull.merged.as_ref().and(pull.closed.as_ref())),
        "closed" => json!(!pull.open),
        "closedAt" => json!(pull.closed),
        "createdAt" => json!(pull.created),
        "updatedAt" => json!(pull.updated),
        "isInMergeQueue" => json!(pull.queued),
        "mergeStateStatus" => json!(merge_state().to_uppercase()),
        "mergeable" => json!(match merge_state() {
            "unknown" => "UNKNOWN",
            "dirty" => "CONFLICTING",
            _ => "MERGEABLE",
        }),
        _ => json!(false),
    }
}
