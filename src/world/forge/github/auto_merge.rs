//! Merging a pull request without waiting for it: GitHub does it once its rules are met.
//!
//! Sources: GitHub's GraphQL reference for `enablePullRequestAutoMerge` and `enqueuePullRequest`; "Merge a pull
//! request" of REST; "Automatically merging a pull request" and "Managing a merge queue".

use reqwest::Method;
use serde_json::{Value, json};

use super::GitHub;
use super::change_requests::PAUSE;
use super::query::{Reply, Wrong};
use crate::plan::change_request::{AutoMerge, ChangeRequest, MergeMethod, State};
use crate::words::fault::Fault;
use crate::world::clock;
use crate::world::forge::call::{Answer, Called};

/// What merging needs.
const MERGING: &str = "contents: write and pull requests: write";
/// How often a merge is tried whose base moved, or whose answer was lost.
const TRIES: u32 = 4;

const ENABLE: &str = "mutation($input:EnablePullRequestAutoMergeInput!){enablePullRequestAutoMerge(input:$input){\
                      clientMutationId}}";
const ENQUEUE: &str =
    "mutation($input:EnqueuePullRequestInput!){enqueuePullRequest(input:$input){clientMutationId}}";

/// What became of one try.
enum Tried {
    /// It is decided.
    Done(AutoMerge),
    /// GitHub wants it done another way.
    Now,
    /// It goes through the merge queue.
    Queue,
    /// It may work the next time.
    Again(Fault),
}

impl GitHub {
    /// Asks GitHub to merge a pull request once its rules are met; where they are met already, merges it, and where
    /// there is a merge queue, puts it there.
    ///
    /// All of it is pinned to the head that `request` has: a commit that somebody pushes meanwhile is not merged.
    pub(in crate::world::forge) fn auto_merge(
        &self,
        request: &ChangeRequest,
        method: MergeMethod,
    ) -> Result<AutoMerge, Fault> {
        let mut way = Tried::Done(AutoMerge::Enabled);
        let mut pause = PAUSE;
        for left in (0..TRIES + 2).rev() {
            let tried = match way {
                Tried::Now => self.merge_now(request, method)?,
                Tried::Queue => self.enqueue(request)?,
                _ => self.enable(request, method)?,
            };
            match tried {
                Tried::Done(done) => return Ok(done),
                Tried::Again(fault) => {
                    if let Some(done) = self.decided(request)? {
                        return Ok(done);
                    }
                    if left == 0 || !clock::sleep_within(pause, self.access.deadline) {
                        return Err(fault);
                    }
                    pause *= 2;
                }
                other => way = other,
            }
        }
        Ok(AutoMerge::Unavailable(
            "GitHub sends it from one way of merging to the other".to_owned(),
        ))
    }

    fn enable(&self, request: &ChangeRequest, method: MergeMethod) -> Result<Tried, Fault> {
        let mut input = pinned(request);
        input["input"]["mergeMethod"] = json!(word(method).to_ascii_uppercase());
        let wrong = match self.mutate(ENABLE, &input)? {
            Reply::Data(_) => return Ok(Tried::Done(AutoMerge::Enabled)),
            Reply::Unclear(fault) => return Ok(Tried::Again(fault)),
            Reply::Wrong(wrong) => wrong,
        };
        // A pull request that could be merged by hand has nothing to wait for.
        let is_ready = [
            "clean status",
            "unstable status",
            "has_hooks status",
            "branch rules not configured",
        ];
        if wrong.says(&is_ready) {
            return Ok(Tried::Now);
        }
        if wrong.says(&["merge queue"]) {
            return Ok(Tried::Queue);
        }
        if wrong.says(&["already enabled"]) {
            return Ok(Tried::Done(AutoMerge::Enabled));
        }
        if wrong.says(&["auto merge is not allowed", "auto-merge is not allowed"]) {
            let why = "the repository does not allow auto-merge (Settings, General, Pull requests)";
            return Ok(Tried::Done(AutoMerge::Unavailable(why.to_owned())));
        }
        self.not_to_be_had(request, &wrong)
    }

    fn enqueue(&self, request: &ChangeRequest) -> Result<Tried, Fault> {
        match self.mutate(ENQUEUE, &pinned(request))? {
            Reply::Data(_) => Ok(Tried::Done(AutoMerge::Queued)),
            Reply::Unclear(fault) => Ok(Tried::Again(fault)),
            Reply::Wrong(wrong)
                if wrong.says(&["already in the", "already queued", "already in merge queue"]) =>
            {
                Ok(Tried::Done(AutoMerge::Queued))
            }
            Reply::Wrong(wrong) => self.not_to_be_had(request, &wrong),
        }
    }

    fn merge_now(&self, request: &ChangeRequest, method: MergeMethod) -> Result<Tried, Fault> {
        let mut body = json!({ "merge_method": word(method) });
        if let Some(head) = &request.head {
            body["sha"] = json!(head);
        }
        let answer = match self.write(&Method::PUT, &format!("/pulls/{}/merge", request.number), &body)? {
            Called::Answered(answer) if answer.is_ok() => return Ok(Tried::Done(AutoMerge::Merged)),
            Called::Answered(answer) => answer,
            Called::Unclear(fault) => return Ok(Tried::Again(fault)),
        };
        let says = |words: &str| answer.complaint().to_ascii_lowercase().contains(words);
        match answer.status {
            405 if says("merge queue") => Ok(Tried::Queue),
            405 if says("base branch was modified") => Ok(Tried::Again(self.merging_refused(&answer))),
            401 | 403 => Err(self.merging_refused(&answer)),
            _ => Ok(Tried::Done(match self.decided(request)? {
                Some(done) => done,
                None => AutoMerge::Unavailable(answer.complaint()),
            })),
        }
    }

    fn merging_refused(&self, answer: &Answer) -> Fault {
        self.refusal(answer, "merge a pull request", MERGING)
    }

    /// Tells why GitHub does not take it, once nobody has decided it otherwise.
    fn not_to_be_had(&self, request: &ChangeRequest, wrong: &Wrong) -> Result<Tried, Fault> {
        if let Some(done) = self.decided(request)? {
            return Ok(Tried::Done(done));
        }
        match wrong.kind() {
            "FORBIDDEN" | "INSUFFICIENT_SCOPES" => Err(self.wrong(wrong, "merge a pull request", MERGING)),
            _ => Ok(Tried::Done(AutoMerge::Unavailable(wrong.said()))),
        }
    }

    /// Looks again at what became of the pull request; `None` while it is open with the same head.
    fn decided(&self, request: &ChangeRequest) -> Result<Option<AutoMerge>, Fault> {
        let now = self.pull(request.number)?;
        let unavailable = |why: &str| Some(AutoMerge::Unavailable(why.to_owned()));
        Ok(match now.state {
            State::Merged => Some(AutoMerge::Merged),
            State::Closed => unavailable("it was closed meanwhile"),
            State::Open if request.head.is_some() && now.head != request.head => {
                unavailable("somebody pushed to its branch meanwhile")
            }
            State::Open => None,
        })
    }
}

fn pinned(request: &ChangeRequest) -> Value {
    json!({ "input": { "pullRequestId": request.node, "expectedHeadOid": request.head } })
}

fn word(method: MergeMethod) -> &'static str {
    match method {
        MergeMethod::Merge => "merge",
        MergeMethod::Squash => "squash",
        MergeMethod::Rebase => "rebase",
    }
}
