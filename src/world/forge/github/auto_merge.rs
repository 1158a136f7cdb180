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
/// How often it is tried while the base moves, an answer is lost, or GitHub has not seen the newest head yet.
const TRIES: u32 = 4;
/// How often GitHub may send us from one way to another.
const WAYS: u32 = 3;

const ENABLE: &str = "mutation($input:EnablePullRequestAutoMergeInput!){enablePullRequestAutoMerge(input:$input){\
                      clientMutationId}}";
const DISABLE: &str = "mutation($input:DisablePullRequestAutoMergeInput!){disablePullRequestAutoMerge(input:$input){\
                       clientMutationId}}";
const ENQUEUE: &str =
    "mutation($input:EnqueuePullRequestInput!){enqueuePullRequest(input:$input){clientMutationId}}";

/// The ways to have it merged.
#[derive(Clone, Copy)]
enum Way {
    /// By itself, once the rules are met.
    Enable,
    /// At once, because they are met.
    Now,
    /// Through the merge queue.
    Queue,
}

/// What became of one try.
enum Tried {
    /// It is decided.
    Done(AutoMerge),
    /// GitHub wants it done another way.
    By(Way),
    /// It may work the next time; this is the end if it never does.
    Again(Result<AutoMerge, Fault>),
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
        let mut way = Way::Enable;
        let mut pause = PAUSE;
        let mut left = TRIES;
        let mut turns = 0;
        loop {
            let tried = match way {
                Way::Enable => self.enable(request, method)?,
                Way::Now => self.merge_now(request, method)?,
                Way::Queue => self.enqueue(request)?,
            };
            match tried {
                Tried::Done(done) => return Ok(done),
                Tried::By(other) if turns < WAYS => {
                    way = other;
                    turns += 1;
                }
                Tried::By(_) => {
                    let why = "GitHub sends it from one way of merging to the other";
                    return Ok(AutoMerge::Unavailable(why.to_owned()));
                }
                Tried::Again(end) => {
                    if left <= 1 || !clock::sleep_within(pause, self.access.deadline) {
                        return end;
                    }
                    left -= 1;
                    pause *= 2;
                }
            }
        }
    }

    /// Takes back that a pull request merges by itself.
    pub(in crate::world::forge) fn cancel_auto_merge(&self, request: &ChangeRequest) -> Result<(), Fault> {
        let input = json!({ "input": { "pullRequestId": request.node } });
        match self.mutate(DISABLE, &input)? {
            Reply::Data(_) => Ok(()),
            // One that never was to merge by itself needs nothing.
            Reply::Wrong(wrong) if wrong.says(&["not enabled", "can't disable", "cannot disable"]) => Ok(()),
            Reply::Wrong(wrong) => {
                Err(self.wrong(&wrong, "take back an automatic merge", "pull requests: write"))
            }
            Reply::Unclear(fault) => Err(fault),
        }
    }

    fn enable(&self, request: &ChangeRequest, method: MergeMethod) -> Result<Tried, Fault> {
        let mut input = pinned(request);
        input["input"]["mergeMethod"] = json!(word(method).to_ascii_uppercase());
        let wrong = match self.mutate(ENABLE, &input)? {
            Reply::Data(_) => return Ok(Tried::Done(AutoMerge::Enabled)),
            Reply::Unclear(fault) => return self.look_again(request, fault),
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
            return Ok(Tried::By(Way::Now));
        }
        if wrong.says(&["merge queue"]) {
            return Ok(Tried::By(Way::Queue));
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
            Reply::Unclear(fault) => self.look_again(request, fault),
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
            Called::Unclear(fault) => return self.look_again(request, fault),
        };
        let says = |words: &str| answer.complaint().to_ascii_lowercase().contains(words);
        match answer.status {
            405 if says("merge queue") => Ok(Tried::By(Way::Queue)),
            405 if says("base branch was modified") => {
                self.look_again(request, self.merging_refused(&answer))
            }
            401 | 403 => Err(self.merging_refused(&answer)),
            _ => Ok(match self.decided(request)? {
                Some(decided) => decided,
                None => Tried::Done(AutoMerge::Unavailable(answer.complaint())),
            }),
        }
    }

    fn merging_refused(&self, answer: &Answer) -> Fault {
        self.refusal(answer, "merge a pull request", MERGING)
    }

    /// Tells why GitHub does not take it, once nobody has decided it otherwise.
    fn not_to_be_had(&self, request: &ChangeRequest, wrong: &Wrong) -> Result<Tried, Fault> {
        if let Some(decided) = self.decided(request)? {
            return Ok(decided);
        }
        match wrong.kind() {
            "FORBIDDEN" | "INSUFFICIENT_SCOPES" => Err(self.wrong(wrong, "merge a pull request", MERGING)),
            _ => Ok(Tried::Done(AutoMerge::Unavailable(wrong.said()))),
        }
    }

    /// Looks at what became of the pull request before the same is tried again.
    fn look_again(&self, request: &ChangeRequest, fault: Fault) -> Result<Tried, Fault> {
        Ok(self.decided(request)?.unwrap_or(Tried::Again(Err(fault))))
    }

    /// Tells what became of the pull request; `None` while it is open with the head that we know.
    fn decided(&self, request: &ChangeRequest) -> Result<Option<Tried>, Fault> {
        let now = self.pull(request.number)?;
        let unavailable = |why: &str| AutoMerge::Unavailable(why.to_owned());
        Ok(match now.state {
            State::Merged => Some(Tried::Done(AutoMerge::Merged)),
            State::Closed => Some(Tried::Done(unavailable("it was closed meanwhile"))),
            // GitHub shows a pull request with its old head for a moment after its branch was set.
            State::Open if request.head.is_some() && now.head != request.head => Some(Tried::Again(Ok(
                unavailable("its branch has another head than the one to merge; somebody pushed meanwhile"),
            ))),
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
