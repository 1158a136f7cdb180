//! The two dispatches of GitHub, and the workflow runs that they start.
//!
//! Sources: GitHub's "Create a repository dispatch event", "Create a workflow dispatch event", "List workflow runs for
//! a repository" and "Get a workflow run".

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::query::odd;
use super::{API_VERSION, GitHub, encoded};
use crate::plan::dispatch::{Dispatch, Dispatched, Draft, REDACTED, Run, RunState, Sought};
use crate::words::fault::{Fault, Kind};
use crate::world::forge::access::Credential;
use crate::world::forge::call::{Answer, Called};

/// The field of a workflow dispatch by which its answer names the run.
const DETAILS: &str = "return_run_details";

impl GitHub {
    pub(in crate::world::forge) fn draft(&self, dispatch: &Dispatch) -> Draft {
        let (below, body) = self.request(dispatch);
        let root = self.access.root.rest.as_str().trim_end_matches('/');
        let mut headers = vec![
            ("accept", "application/vnd.github+json"),
            ("x-github-api-version", API_VERSION),
        ];
        if !matches!(self.access.credential, Credential::None) {
            headers.push(("authorization", REDACTED));
        }
        let headers = headers
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Draft {
            method: "POST",
            url: format!("{root}{}", self.path(&below)),
            headers,
            body,
        }
    }

    pub(in crate::world::forge) fn dispatch(&self, dispatch: &Dispatch) -> Result<Dispatched, Fault> {
        let (below, mut body) = self.request(dispatch);
        let mut called = self.write(&Method::POST, &below, &body)?;
        if let Called::Answered(answer) = &called
            && matches!(answer.status, 400 | 422)
            && answer.complaint().contains(DETAILS)
            && let Some(fields) = body.as_object_mut()
        {
            // It was refused, so nothing has started: a server that does not know the field is asked without it.
            fields.remove(DETAILS);
            called = self.write(&Method::POST, &below, &body)?;
        }
        match called {
            Called::Answered(answer) if answer.is_ok() => started(&answer, dispatch),
            Called::Answered(answer) => Err(self.not_dispatched(&answer, dispatch)),
            // A page in the place of an answer: who sent it starts nothing.
            Called::Unclear(fault) if fault.kind == Kind::Denied => Err(fault),
            Called::Unclear(fault) => Ok(Dispatched::Unclear(fault)),
        }
    }

    pub(in crate::world::forge) fn find_run(&self, sought: &Sought) -> Result<Option<Run>, Fault> {
        let since = sought.since.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let created = encoded(&format!(">={since}"));
        let answer = self.get(&format!(
            "/actions/runs?event={}&created={created}&per_page=100",
            sought.event
        ))?;
        if !answer.is_ok() {
            return Err(self.refusal(&answer, "list the workflow runs", "actions: read"));
        }
        let runs: Runs = answer.read("the list of workflow runs")?;
        Ok(runs
            .workflow_runs
            .into_iter()
            .find(|run| shows(run.display_title.as_deref().unwrap_or_default(), &sought.id))
            .map(Run::from))
    }

    pub(in crate::world::forge) fn run(&self, id: u64) -> Result<Run, Fault> {
        let answer = self.get(&format!("/actions/runs/{id}"))?;
        if !answer.is_ok() {
            return Err(self.refusal(&answer, &format!("read the workflow run {id}"), "actions: read"));
        }
        answer.read::<WorkflowRun>("the workflow run").map(Run::from)
    }

    pub(in crate::world::forge) fn default_branch(&self) -> Result<String, Fault> {
        let answer = self.get("")?;
        if !answer.is_ok() {
            return Err(self.refusal(&answer, "ask for the default branch", "metadata: read"));
        }
        answer
            .read::<Repository>("the repository")
            .map(|repository| repository.default_branch)
    }

    /// Returns the path below the repository, and the body.
    fn request(&self, dispatch: &Dispatch) -> (String, Value) {
        match dispatch {
            Dispatch::Repository { event_type, payload } => (
                "/dispatches".to_owned(),
                json!({ "event_type": event_type, "client_payload": payload }),
            ),
            Dispatch::Workflow {
                workflow,
                reference,
                inputs,
            } => {
                let mut body = json!({ "ref": reference, "inputs": inputs });
                if !self.is_enterprise() {
                    body[DETAILS] = Value::Bool(true);
                }
                (
                    format!("/actions/workflows/{}/dispatches", encoded(workflow)),
                    body,
                )
            }
            Dispatch::Trigger { .. } | Dispatch::Pipeline { .. } => {
                unreachable!("a pipeline is asked of GitLab")
            }
        }
    }

    /// An Enterprise Server has its API below `/api/v3`; github.com and `*.ghe.com` have it at the root of a host.
    fn is_enterprise(&self) -> bool {
        self.access
            .root
            .rest
            .path()
            .trim_end_matches('/')
            .ends_with("/v3")
    }

    fn not_dispatched(&self, answer: &Answer, dispatch: &Dispatch) -> Fault {
        let (doing, permission) = match dispatch {
            Dispatch::Workflow { workflow, .. } => {
                (format!("start `{}`", workflow.escape_debug()), "actions: write")
            }
            _ => ("dispatch an event".to_owned(), "contents: write"),
        };
        let fault = self.refusal(answer, &doing, permission);
        let complaint = answer.complaint();
        if answer.status == 422 && complaint.contains("Unexpected inputs") {
            return fault.hint("let the workflow declare the input: on.workflow_dispatch.inputs.payload");
        }
        if answer.status == 422
            && complaint.contains("does not have")
            && complaint.contains("workflow_dispatch")
        {
            return fault.hint(
                "let the workflow have `on: workflow_dispatch` on the default branch and on the ref that it runs on",
            );
        }
        match (answer.status, dispatch, fault.hint.clone()) {
            (404, Dispatch::Workflow { .. }, Some(hint)) => {
                fault.hint(format!("is the workflow on the default branch? If it is: {hint}"))
            }
            _ => fault,
        }
    }
}

/// What the answer tells: version 2026-03-10 always names the run, 2022-11-28 where it was asked to; else it is a 204.
///
/// # Errors
/// `Denied` for any other: it is not GitHub that answered.
fn started(answer: &Answer, dispatch: &Dispatch) -> Result<Dispatched, Fault> {
    #[derive(Deserialize)]
    struct Details {
        workflow_run_id: u64,
        html_url: String,
    }
    match (answer.status, dispatch) {
        (204, _) => Ok(Dispatched::Accepted),
        (200, Dispatch::Workflow { .. }) => answer.read("the dispatch").map(|details: Details| {
            Dispatched::Started(Run {
                id: details.workflow_run_id,
                url: details.html_url,
                state: RunState::Going("queued".to_owned()),
            })
        }),
        _ => Err(odd("the dispatch")),
    }
}

/// Whether a title shows an id, and not just a longer one that holds it.
fn shows(title: &str, id: &str) -> bool {
    let of_an_id = |c: char| c.is_ascii_alphanumeric() || "._:-".contains(c);
    !id.is_empty()
        && title
            .match_indices(id)
            .any(|(at, _)| !title[..at].ends_with(of_an_id) && !title[at + id.len()..].starts_with(of_an_id))
}

#[derive(Deserialize)]
struct Repository {
    default_branch: String,
}

#[derive(Deserialize)]
struct Runs {
    workflow_runs: Vec<WorkflowRun>,
}

#[derive(Deserialize)]
struct WorkflowRun {
    id: u64,
    html_url: String,
    status: Option<String>,
    conclusion: Option<String>,
    display_title: Option<String>,
}

impl From<WorkflowRun> for Run {
    fn from(run: WorkflowRun) -> Self {
        let status = run.status.unwrap_or_else(|| "unknown".to_owned());
        let state = match (status.as_str(), run.conclusion) {
            ("completed", Some(conclusion)) if conclusion == "success" => RunState::Succeeded,
            ("completed", Some(conclusion)) => RunState::Failed(conclusion),
            ("completed", None) => RunState::Failed("completed, without a conclusion".to_owned()),
            _ => RunState::Going(status),
        };
        Self {
            id: run.id,
            url: run.html_url,
            state,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_shows_an_id_and_no_longer_one() {
        for (title, id, right) in [
            ("deploy web (run-1)", "run-1", true),
            ("run-1", "run-1", true),
            ("run-10 run-1", "run-1", true),
            ("deploy run-10", "run-1", false),
            ("deploy my-run-1", "run-1", false),
            ("déploy «run-1»", "run-1", true),
            ("deploy", "run-1", false),
            ("deploy", "", false),
        ] {
            assert_eq!(shows(title, id), right, "{title}");
        }
    }

    #[test]
    fn an_unknown_status_goes_on_and_an_unknown_conclusion_is_a_failure() {
        let state = |status: Option<&str>, conclusion: Option<&str>| {
            let run = WorkflowRun {
                id: 1,
                html_url: String::new(),
                status: status.map(str::to_owned),
                conclusion: conclusion.map(str::to_owned),
                display_title: None,
            };
            Run::from(run).state
        };
        let going = |word: &str| RunState::Going(word.to_owned());
        for (status, conclusion, right) in [
            (Some("completed"), Some("success"), RunState::Succeeded),
            (
                Some("completed"),
                Some("cancelled"),
                RunState::Failed("cancelled".to_owned()),
            ),
            (
                Some("completed"),
                Some("brand_new"),
                RunState::Failed("brand_new".to_owned()),
            ),
            (
                Some("completed"),
                None,
                RunState::Failed("completed, without a conclusion".to_owned()),
            ),
            (Some("pending"), None, going("pending")),
            (Some("brand_new"), None, going("brand_new")),
            (None, None, going("unknown")),
        ] {
            assert_eq!(state(status, conclusion), right, "{status:?} {conclusion:?}");
        }
    }
}
