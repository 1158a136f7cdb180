//! Merging a merge request as soon as GitLab's rules are met.
//!
//! Source: GitLab's "Merge requests API: merge a merge request". `auto_merge` came with 17.11; servers before it know
//! `merge_when_pipeline_succeeds`, which later ones still take, so both are sent. Whether commits are merged, rebased or
//! fast-forwarded is a setting of the project: only squashing can be asked for. Where nothing has to be waited for, not
//! even a pipeline, GitLab merges at once.

use std::time::Duration;

use gitlab::api::projects::Project;
use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::change_requests::{CHANGING, PAUSE, Shown};
use super::{GitLab, unwritable};
use crate::plan::change_request::{AutoMerge, ChangeRequest, MergeMethod, State};
use crate::words::fault::{Fault, Kind};
use crate::words::wording::shown;
use crate::world::clock;
use crate::world::forge::call::{Answer, Called};

/// How often it is tried while GitLab still works out whether the request can be merged.
const TRIES: u32 = 6;
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);
/// The states of `detailed_merge_status` that pass by themselves soon.
const PASSING: &[&str] = &[
    "checking",
    "unchecked",
    "preparing",
    "approvals_syncing",
    "mergeable",
];

/// What became of one try.
enum Tried {
    Done(AutoMerge),
    Again(String),
}

impl GitLab {
    /// Takes back that a merge request merges by itself.
    pub(in crate::world::forge) fn cancel_auto_merge(&self, request: &ChangeRequest) -> Result<(), Fault> {
        let below = format!(
            "merge_requests/{}/cancel_merge_when_pipeline_succeeds",
            request.number
        );
        match self.write(&self.own(Method::POST, &below))? {
            // 406: it was not to merge by itself.
            Called::Answered(answer) if answer.is_ok() || answer.status == 406 => Ok(()),
            Called::Answered(answer) => Err(self.refusal(&answer, "take back an automatic merge", CHANGING)),
            Called::Unclear(fault) => Err(fault),
        }
    }

    /// Asks GitLab to merge once its rules are met, if the head is still the one that we know.
    pub(in crate::world::forge) fn auto_merge(
        &self,
        request: &ChangeRequest,
        method: MergeMethod,
    ) -> Result<AutoMerge, Fault> {
        self.refuse_job_token("merge a merge request")?;
        self.note_method(method)?;
        let mut body = json!({
            "auto_merge": true,
            "merge_when_pipeline_succeeds": true,
            "squash": method == MergeMethod::Squash,
        });
        if let Some(head) = &request.head {
            body["sha"] = json!(head);
        }
        let below = format!("merge_requests/{}/merge", request.number);
        let asked = self.own(Method::PUT, &below).body(body);
        let mut pause = PAUSE;
        let mut left = TRIES;
        loop {
            let tried = match self.write(&asked)? {
                Called::Unclear(fault) => judge(self.merge_request(request.number)?, request, &fault.message),
                Called::Answered(answer) if answer.is_ok() => judge(
                    answer.read("the merge request")?,
                    request,
                    "GitLab took it without a word",
                ),
                Called::Answered(answer) => self.turned_down(&answer, request)?,
            };
            let why = match tried {
                Tried::Done(merge) => return Ok(merge),
                Tried::Again(why) => why,
            };
            left -= 1;
            if left == 0 || !clock::sleep_within(pause, self.access.deadline) {
                return Ok(AutoMerge::Unavailable(why));
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Reads the state again after a refusal: it may be merged already, or not be ready to be judged yet.
    fn turned_down(&self, answer: &Answer, request: &ChangeRequest) -> Result<Tried, Fault> {
        match answer.status {
            405 | 406 | 409 | 422 => Ok(judge(
                self.merge_request(request.number)?,
                request,
                &answer.complaint(),
            )),
            // GitLab answers so where the token is right but may not merge into this branch.
            401 => Err(Fault::new(
                Kind::Denied,
                format!(
                    "GitLab does not let this token merge !{} of `{}` ({}): {}",
                    request.number,
                    self.repo.path(),
                    answer.status,
                    answer.complaint()
                ),
            )
            .hint("let its role merge into this branch: Settings > Repository > Protected branches")),
            _ => Err(self.refusal(answer, "merge a merge request", CHANGING)),
        }
    }

    /// Notes that the project merges in another way than is asked for.
    fn note_method(&self, method: MergeMethod) -> Result<(), Fault> {
        #[derive(Deserialize)]
        struct Settings {
            #[serde(default)]
            merge_method: String,
        }
        let fits: &[&str] = match method {
            MergeMethod::Squash => return Ok(()),
            MergeMethod::Merge => &["merge", "rebase_merge"],
            MergeMethod::Rebase => &["ff", "rebase_merge"],
        };
        let asked = Project::builder()
            .project(self.repo.path())
            .build()
            .map_err(unwritable)?;
        let answer = self.read(&asked)?;
        if answer.is_ok() {
            let settings: Settings = answer.read("the project")?;
            if !settings.merge_method.is_empty() && !fits.contains(&settings.merge_method.as_str()) {
                self.access.progress.note(&format!(
                    "the project's own merge method is `{}`, and GitLab merges by that",
                    shown(&settings.merge_method)
                ));
            }
        }
        Ok(())
    }
}

/// Tells from the request as it is now what became of the try.
fn judge(now: Shown, before: &ChangeRequest, said: &str) -> Tried {
    let waits = now.merge_when_pipeline_succeeds;
    let status = now.detailed_merge_status.clone();
    let now = ChangeRequest::from(now);
    let unavailable = |why: String| Tried::Done(AutoMerge::Unavailable(why));
    match now.state {
        State::Merged => Tried::Done(AutoMerge::Merged),
        State::Closed => unavailable("it is closed".to_owned()),
        State::Open if before.head.is_some() && now.head != before.head => {
            unavailable("its branch has another tip now".to_owned())
        }
        State::Open if waits => Tried::Done(AutoMerge::Enabled),
        State::Open if PASSING.contains(&status.as_str()) || status.is_empty() => {
            Tried::Again(format!("GitLab says: {said}"))
        }
        State::Open => unavailable(format!("GitLab says: {said} ({})", shown(&status))),
    }
}
