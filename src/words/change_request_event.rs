//! The event of a pull request or merge request, for what lives as long as it does.
//!
//! Sources: GitHub's "Webhook events and payloads", `pull_request`; GitLab's "Webhook events", "Merge request events",
//! which reach a job as the payload of a trigger. What the event is called is not asked: state and labels tell it all.

use serde_json::Value;

use super::event::{read_body, refuse_own_variables};
use super::fault::Fault;
use super::fields::Fields;
use super::payload::{read_commit, read_reference, read_repo};
use super::wording::shown;

/// The most labels that are read.
const LABELS_MAX: usize = 200;

/// A pull request or merge request as an event shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeRequestEvent {
    /// The repository that it is opened in.
    pub repo: Option<String>,
    /// Its number.
    pub number: u64,
    /// The branch that carries it, without `refs/heads/`.
    pub branch: String,
    /// The head's commit, in full hex.
    pub sha: String,
    /// The labels.
    pub labels: Vec<String>,
    /// Whether it is open.
    pub open: bool,
    /// Whether it comes from another repository than it is opened in.
    pub fork: bool,
}

impl ChangeRequestEvent {
    /// Reads an event's body; `None` for an event of another kind.
    ///
    /// # Errors
    /// A fault of kind `Invalid`: no JSON, or a field that is missing or breaks its grammar, named by its JSON path.
    pub fn parse(body: &[u8]) -> Result<Option<Self>, Fault> {
        let map = read_body(body)?;
        let body = Fields::new("", &map);
        refuse_own_variables(&body)?;
        if body.text("object_kind").ok().flatten() == Some("merge_request") {
            return read_gitlab(&body).map(Some);
        }
        match body.value("pull_request") {
            Some(Value::Object(_)) => read_github(&body).map(Some),
            _ => Ok(None),
        }
    }
}

fn read_github(body: &Fields) -> Result<ChangeRequestEvent, Fault> {
    let pull = within(body, "pull_request")?;
    let (head, base) = (within(&pull, "head")?, within(&pull, "base")?);
    let repo_of = |side: &Fields| match side.object("repo")? {
        Some(repo) => repo.checked("full_name", read_repo),
        None => Ok(None),
    };
    let (theirs, ours) = (repo_of(&head)?, repo_of(&base)?);
    Ok(ChangeRequestEvent {
        number: pull.number("number")?.ok_or_else(|| missing(&pull, "number"))?,
        branch: branch(&head, "ref")?,
        sha: head
            .checked("sha", read_commit)?
            .ok_or_else(|| missing(&head, "sha"))?,
        labels: labels(&pull, "name")?,
        open: pull.text("state")? == Some("open"),
        // A fork that is deleted has no repository any more.
        fork: !same(theirs.as_deref(), ours.as_deref()),
        repo: ours,
    })
}

fn read_gitlab(body: &Fields) -> Result<ChangeRequestEvent, Fault> {
    let request = within(body, "object_attributes")?;
    let last = within(&request, "last_commit")?;
    let project = |key: &str| request.number(key)?.ok_or_else(|| missing(&request, key));
    Ok(ChangeRequestEvent {
        repo: match body.object("project")? {
            Some(project) => project.checked("path_with_namespace", read_repo)?,
            None => None,
        },
        number: project("iid")?,
        branch: branch(&request, "source_branch")?,
        sha: last
            .checked("id", read_commit)?
            .ok_or_else(|| missing(&last, "id"))?,
        labels: labels(if request.has("labels") { &request } else { body }, "title")?,
        open: request.text("state")? == Some("opened"),
        fork: project("source_project_id")? != project("target_project_id")?,
    })
}

fn within<'a>(fields: &Fields<'a>, key: &str) -> Result<Fields<'a>, Fault> {
    fields.object(key)?.ok_or_else(|| missing(fields, key))
}

fn missing(fields: &Fields, key: &str) -> Fault {
    Fault::invalid(format!("field `{}` is missing", fields.path(key)))
}

fn branch(fields: &Fields, key: &str) -> Result<String, Fault> {
    fields
        .checked(key, read_reference)?
        .ok_or_else(|| missing(fields, key))
}

fn labels(fields: &Fields, key: &str) -> Result<Vec<String>, Fault> {
    let listed = fields.objects("labels")?.unwrap_or_default();
    let mut labels = Vec::new();
    for label in listed.iter().take(LABELS_MAX) {
        labels.extend(label.text(key)?.map(str::to_owned));
    }
    Ok(labels)
}

fn same(one: Option<&str>, other: Option<&str>) -> bool {
    one.zip(other)
        .is_some_and(|(one, other)| one.eq_ignore_ascii_case(other))
}

/// Returns whether a label is among others, as the forges compare them: GitHub without regard to case, GitLab with it.
///
/// Taking both for the same does no harm: no repository of GitHub has two that differ in case alone.
pub fn carries(labels: &[String], label: &str) -> bool {
    labels
        .iter()
        .any(|one| one.to_lowercase() == label.to_lowercase())
}

/// Reads a label as a flag gives it; `None` stands for every change request.
///
/// # Errors
/// `Invalid` for a label with a line break in it.
pub fn read_label(text: &str) -> Result<Option<String>, Fault> {
    match text.trim() {
        "" | "*" => Ok(None),
        label if label.chars().any(char::is_control) => {
            Err(Fault::invalid(format!("`{}` is no label", shown(label))).hint("a label stands on one line"))
        }
        label => Ok(Some(label.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

    fn github(change: impl FnOnce(&mut Value)) -> Result<Option<ChangeRequestEvent>, Fault> {
        let mut body = json!({
            "action": "labeled",
            "pull_request": {
                "number": 7, "state": "open", "labels": [{"name": "preview"}, {"name": "bug"}],
                "head": {"ref": "feature/a", "sha": SHA, "repo": {"full_name": "acme/web"}},
                "base": {"ref": "main", "sha": SHA, "repo": {"full_name": "Acme/web"}},
            },
        });
        change(&mut body);
        ChangeRequestEvent::parse(body.to_string().as_bytes())
    }

    #[test]
    fn a_pull_requests_state_labels_and_head_are_read() {
        let event = github(|_| {}).unwrap().unwrap();
        assert_eq!(
            (event.number, event.branch.as_str(), event.sha.as_str()),
            (7, "feature/a", SHA)
        );
        assert_eq!((event.open, event.fork), (true, false));
        assert!(carries(&event.labels, "Preview") && !carries(&event.labels, "prev"));
        let closed = github(|body| body["pull_request"]["state"] = json!("closed"));
        assert!(!closed.unwrap().unwrap().open);
    }

    #[test]
    fn a_fork_is_told_also_when_it_is_deleted() {
        for repo in [json!({"full_name": "eve/web"}), Value::Null, json!({})] {
            let event = github(|body| body["pull_request"]["head"]["repo"] = repo.clone());
            assert!(event.unwrap().unwrap().fork, "{repo}");
        }
    }

    #[test]
    fn a_merge_request_hook_says_the_same() {
        let body = json!({
            "object_kind": "merge_request", "project": {"path_with_namespace": "acme/web"},
            "object_attributes": {
                "iid": 3, "state": "merged", "source_branch": "feature/a", "last_commit": {"id": SHA},
                "source_project_id": 1, "target_project_id": 2, "labels": [{"title": "preview"}],
            },
        });
        let event = ChangeRequestEvent::parse(body.to_string().as_bytes())
            .unwrap()
            .unwrap();
        assert_eq!((event.number, event.open, event.fork), (3, false, true));
        assert_eq!(
            (event.labels, event.repo.as_deref()),
            (vec!["preview".to_owned()], Some("acme/web"))
        );
    }

    #[test]
    fn hostile_fields_are_named_by_their_path() {
        for (pointer, value, path) in [
            ("/pull_request/head/ref", json!("a b"), "pull_request.head.ref"),
            (
                "/pull_request/head/ref",
                json!("--upload-pack=x"),
                "pull_request.head.ref",
            ),
            ("/pull_request/head/ref", json!(""), "pull_request.head.ref"),
            ("/pull_request/head/sha", json!("../x"), "pull_request.head.sha"),
            ("/pull_request/number", json!(-1), "pull_request.number"),
            ("/pull_request/labels", json!("preview"), "pull_request.labels"),
            ("/pull_request/base", Value::Null, "pull_request.base"),
        ] {
            let fault = github(|body| *body.pointer_mut(pointer).unwrap() = value.clone()).unwrap_err();
            assert!(fault.message.contains(path), "{fault}");
        }
        for body in [
            json!({}),
            json!({"pull_request": null}),
            json!({"ref": "refs/heads/a"}),
        ] {
            assert_eq!(
                ChangeRequestEvent::parse(body.to_string().as_bytes()).unwrap(),
                None
            );
        }
    }

    #[test]
    fn no_label_stands_for_every_change_request() {
        for (text, label) in [("", None), ("*", None), (" preview ", Some("preview"))] {
            assert_eq!(read_label(text).unwrap().as_deref(), label);
        }
        assert!(read_label("a\nb").is_err());
    }
}
