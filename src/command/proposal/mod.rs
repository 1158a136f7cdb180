//! Brings a change request about: its branch, the request itself, and what is asked for beside.

mod head;
mod outcome;

use std::cell::OnceCell;

pub(super) use head::Base;
use head::{OnHead, circumstances, is_still_there, look};
pub(super) use outcome::Brought;
use outcome::{done, nothing};

use super::pipeline::Ends;
use super::receipt::Receipt;
use crate::plan::change_request::{
    AutoMerge, ChangeRequest, Edit, MergeMethod, NewChangeRequest, Opened, State,
};
use crate::plan::{Operation, Plan};
use crate::steps::bump_values::Request;
use crate::steps::proposal::{
    Decision, Proposal, Seen, SourceLog, Tip, closed_by_us, decide, edit, is_of, is_ours,
};
use crate::words::fault::{Fault, Kind};
use crate::words::source_commit;
use crate::world::config_repo::Outcome;
use crate::world::forge::Forge;

/// How often the forge may refuse to open a change request that it does not list.
const REFUSALS: u32 = 4;

/// How often a run is waited for that has pushed a newer value and not opened its request; it may have died.
const PATIENCE: u32 = 5;

/// What one run knows from attempt to attempt.
#[derive(Default)]
pub(super) struct Proposer {
    forge: OnceCell<Forge>,
    /// The one that was open when we looked before.
    open: Option<u64>,
    /// What this run has done already, though it had no answer to it, or something moved afterwards.
    did: Option<Operation>,
    /// How often the forge would not open one, and listed none.
    refused: u32,
    /// How often another run was waited for.
    waited: u32,
}

/// What is there to build on.
struct There {
    /// The tip of the head branch.
    tip: Option<String>,
    /// The open change request.
    open: Option<ChangeRequest>,
    /// The closed one that is to be opened again.
    reopen: Option<ChangeRequest>,
}

impl Proposer {
    /// Makes one attempt.
    ///
    /// # Errors
    /// What the forge or the config repo refuses, and a branch that is not ours.
    pub(super) fn bring(
        &mut self,
        request: &Request,
        plan: Plan,
        base: &Base,
        ends: &mut Ends<'_>,
        receipt: Receipt,
    ) -> anyhow::Result<Brought> {
        let branch = ends.repo.branch().unwrap_or_default().to_owned();
        let head_branch = request.head_branch()?;
        if self.forge.get().is_none() {
            let forge = (ends.forge)().map_err(|error| unreached(error, &plan))?;
            let _ = self.forge.set(forge);
        }
        let forge = self.forge.get().expect("it was just opened");
        let requests = forge.change_requests(&head_branch, &branch)?;
        let before = self.open;
        self.open = requests
            .iter()
            .find(|request| request.state == State::Open)
            .map(|request| request.number);
        if plan.is_empty() {
            return self.nothing_left(request, &requests, before, plan, base, ends, receipt);
        }
        let proposal = request.proposal(&plan, &branch, None)?;
        let head = look(request, &head_branch, Some(&plan), base, ends)?;
        let seen = Seen {
            requests: &requests,
            base: &base.commit,
            patient: self.waited < PATIENCE,
            head: head.as_ref().map(|head| Tip {
                commit: &head.tip,
                as_planned: head.as_planned,
                newer: head.newer.as_deref(),
            }),
        };
        let flags = &request.pull_request;
        let decision = decide(&proposal, &seen, (flags.take_over, flags.reopen))?;
        let tip = head.map(|head| head.tip.id);
        let (open, why) = match decision {
            Decision::Bring { commit, open, reopen } => {
                let there = There { tip, open, reopen };
                return self.put(request, plan, base, ends, receipt, (commit, &there));
            }
            Decision::Nothing(open) => {
                if plan.frozen {
                    self.hold_back(&open)?;
                }
                // It may all be there because this run brought it.
                let Some(operation) = self.did else {
                    let receipt = nothing(receipt, plan);
                    return Ok(self.as_it_is(&proposal, open, tip, receipt));
                };
                let receipt = Receipt {
                    commit: tip,
                    ..receipt
                };
                return Ok(self.round_off(&proposal, open, operation, receipt.of_plan(plan)));
            }
            Decision::Wait => {
                self.waited += 1;
                return Ok(Brought::Again("another run is about to open one".to_owned()));
            }
            Decision::LeaveClosed(closed) => {
                let mut receipt = nothing(receipt, plan);
                receipt.reason = Some(format!(
                    "a person closed {} with the same values; --reopen opens it again",
                    closed.url.escape_debug()
                ));
                return Ok(done(Operation::Skipped, &closed, &head_branch, receipt));
            }
            Decision::Superseded { open, why, mistold } => {
                if mistold && self.retell(request, &open, &head_branch, base, ends)? {
                    return Ok(Brought::Again("the text was about an older value".to_owned()));
                }
                (open, why)
            }
        };
        let mut receipt = nothing(receipt, plan);
        receipt.warnings.push(why.clone());
        receipt.reason = Some(why);
        Ok(done(Operation::Superseded, &open, &head_branch, receipt))
    }

    /// Puts the commit on the head branch, unless it is there, and brings the change request about.
    fn put(
        &mut self,
        request: &Request,
        plan: Plan,
        base: &Base,
        ends: &mut Ends<'_>,
        mut receipt: Receipt,
        (commit, there): (bool, &There),
    ) -> anyhow::Result<Brought> {
        let branch = ends.repo.branch().unwrap_or_default();
        let log = source_log(request, &plan, ends);
        let proposal = request.proposal(&plan, branch, log.as_ref())?;
        if let Some(open) = there.open.as_ref().filter(|_| plan.frozen) {
            self.hold_back(open)?;
        }
        if commit {
            let expected = there.tip.as_deref();
            let outcome = ends
                .repo
                .propose(&base.commit, &proposal.head, expected, &proposal.commit)?;
            match outcome {
                Outcome::Landed { commit, verified } => {
                    (receipt.commit, receipt.verified) = (commit, verified);
                }
                Outcome::Refused(fault) => return Err(fault.into()),
                Outcome::Moved { why } | Outcome::Unknown { why, .. } => return Ok(Brought::Again(why)),
            }
        } else {
            receipt.commit.clone_from(&there.tip);
        }
        match self.finish(&proposal, there, receipt.of_plan(plan))? {
            Brought::Done(receipt) if !is_still_there(&receipt, ends)? => {
                Ok(Brought::Again("somebody else replaced the branch".to_owned()))
            }
            brought => Ok(brought),
        }
    }

    /// What was to merge by itself would merge what comes now, freeze or not.
    fn hold_back(&self, open: &ChangeRequest) -> anyhow::Result<()> {
        let forge = self.forge.get().expect("it was opened to look");
        Ok(forge.cancel_auto_merge(open)?)
    }

    /// The base has it all: what is open is stale, unless this run saw it being merged.
    #[expect(clippy::too_many_arguments, reason = "what one attempt knows")]
    fn nothing_left(
        &self,
        request: &Request,
        requests: &[ChangeRequest],
        before: Option<u64>,
        plan: Plan,
        base: &Base,
        ends: &mut Ends<'_>,
        receipt: Receipt,
    ) -> anyhow::Result<Brought> {
        let merged = requests
            .iter()
            .find(|request| request.state == State::Merged && Some(request.number) == before);
        let head_branch = request.head_branch()?;
        if let Some(merged) = merged {
            return Ok(done(
                Operation::Merged,
                merged,
                &head_branch,
                receipt.of_plan(plan),
            ));
        }
        match requests.iter().find(|request| request.state == State::Open) {
            Some(open) => self.close_stale(request, open, plan, base, ends, receipt),
            None => Ok(Brought::Done(Box::new(receipt.of_plan(plan)))),
        }
    }

    /// Opens or updates the change request for the head branch as it is now.
    fn finish(
        &mut self,
        proposal: &Proposal,
        there: &There,
        mut receipt: Receipt,
    ) -> anyhow::Result<Brought> {
        let forge = self.forge.get().expect("it was opened to look");
        receipt.warnings.extend(proposal.warnings.iter().cloned());
        let updated = match (&there.open, &there.reopen) {
            (Some(open), _) => Some(forge.update(open.number, &edit(open, proposal))?),
            // A forge may refuse to open one again whose branch went meanwhile: then a new one is opened.
            (None, Some(closed)) => {
                let edit = Edit {
                    reopen: true,
                    ..edit(closed, proposal)
                };
                forge.update(closed.number, &edit).ok()
            }
            (None, None) => None,
        };
        let (request, operation) = match updated {
            Some(request) if request.state == State::Open => {
                // One that this run opened, without an answer, is new all the same.
                (request, self.did.unwrap_or(Operation::Updated))
            }
            Some(request) => {
                return Ok(Brought::Again(format!(
                    "{} was merged or closed meanwhile",
                    request.url
                )));
            }
            None => {
                let new = NewChangeRequest {
                    head: proposal.head.clone(),
                    base: proposal.base.clone(),
                    title: proposal.title.clone(),
                    body: proposal.body.clone(),
                    draft: proposal.draft,
                };
                receipt.warnings.extend(forge.starts_no_checks());
                match forge.open(&new)? {
                    Opened::New(request, warning) => {
                        receipt.warnings.extend(warning);
                        (request, Operation::Created)
                    }
                    Opened::Exists => return self.look_again(proposal, "somebody opened one meanwhile"),
                    Opened::NoDifference => {
                        return self.look_again(proposal, "the base has the same commit now");
                    }
                    Opened::Unclear(why) => {
                        self.did = Some(Operation::Created);
                        return Ok(Brought::Again(why));
                    }
                }
            }
        };
        (self.did, self.open) = (Some(operation), Some(request.number));
        Ok(self.round_off(proposal, request, operation, receipt))
    }

    /// Leaves a change request as it is; that it merges by itself a run that was ended may not have come to ask.
    fn as_it_is(
        &self,
        proposal: &Proposal,
        mut request: ChangeRequest,
        tip: Option<String>,
        mut receipt: Receipt,
    ) -> Brought {
        let forge = self.forge.get().expect("it was opened to look");
        request.head = tip.or(request.head);
        let operation = match proposal.auto_merge {
            Some(method) => merge(forge, &request, method, Operation::Unchanged, &mut receipt),
            None => Operation::Unchanged,
        };
        receipt.changed = operation == Operation::Merged;
        done(operation, &request, &proposal.head, receipt)
    }

    /// Sets what is asked for beside the change. The request is there, so nothing of this is a failure.
    fn round_off(
        &self,
        proposal: &Proposal,
        mut request: ChangeRequest,
        mut operation: Operation,
        mut receipt: Receipt,
    ) -> Brought {
        let forge = self.forge.get().expect("it was opened to look");
        // A forge may show the old head for a moment; what merges by itself is what was just put there.
        request.head = receipt.commit.clone().or(request.head);
        if operation == Operation::Created && !proposal.dressing.is_empty() {
            match forge.dress(&request, &proposal.dressing) {
                Ok(warnings) => receipt.warnings.extend(warnings),
                Err(fault) => receipt
                    .warnings
                    .push(format!("labels and people were not all set: {fault}")),
            }
        }
        if let Some(method) = proposal.auto_merge {
            operation = merge(forge, &request, method, operation, &mut receipt);
        }
        done(operation, &request, &proposal.head, receipt)
    }

    /// Looks again for what the forge says is there, but not for ever.
    ///
    /// # Errors
    /// `Denied` when it still lists nothing.
    fn look_again(&mut self, proposal: &Proposal, why: &str) -> anyhow::Result<Brought> {
        self.refused += 1;
        if self.refused < REFUSALS {
            return Ok(Brought::Again(why.to_owned()));
        }
        let message = format!(
            "the forge opens no pull request for `{}`, as if there were one or nothing differed, and lists none",
            proposal.head
        );
        Err(Fault::new(Kind::Denied, message)
            .hint("look for one that the token cannot see, or name another --head-branch")
            .into())
    }

    /// Lets a change request tell what its branch carries: of two runs that crossed, the one with the older value may
    /// have been the last to write the text. Returns whether it could.
    fn retell(
        &self,
        request: &Request,
        open: &ChangeRequest,
        head_branch: &str,
        base: &Base,
        ends: &mut Ends<'_>,
    ) -> anyhow::Result<bool> {
        let head = ends.repo.head(head_branch, &[])?;
        let on_head = head.map(|head| OnHead {
            policy: base.policy.clone(),
            files: head.files,
        });
        let carried = on_head.map(|on_head| request.carried_by(&on_head)).transpose()?;
        let Some(carried) = carried.flatten() else {
            return Ok(false);
        };
        let circumstances = circumstances(ends);
        let snapshot = ends.repo.snapshot()?;
        let plan = carried.plan(&*snapshot, circumstances)?;
        drop(snapshot);
        let branch = ends.repo.branch().unwrap_or_default();
        let proposal = carried.proposal(&plan, branch, None)?;
        let forge = self.forge.get().expect("it was opened to look");
        forge.update(open.number, &edit(open, &proposal))?;
        Ok(true)
    }

    /// Closes an open change request for which nothing is left to change: the base has it already, or something newer.
    fn close_stale(
        &self,
        request: &Request,
        open: &ChangeRequest,
        plan: Plan,
        base: &Base,
        ends: &mut Ends<'_>,
        receipt: Receipt,
    ) -> anyhow::Result<Brought> {
        let ours = is_of(open);
        let head_branch = request.head_branch()?;
        if plan.operation != Operation::Unchanged || !ours {
            return Ok(done(plan.operation, open, &head_branch, receipt.of_plan(plan)));
        }
        let head = look(request, &head_branch, None, base, ends)?;
        if let Some(newer) = head.as_ref().and_then(|head| head.newer.clone()) {
            let mut receipt = receipt.of_plan(plan);
            receipt.warnings.push(newer.clone());
            receipt.reason = Some(newer);
            return Ok(done(Operation::Superseded, open, &head_branch, receipt));
        }
        let branch = ends.repo.branch().unwrap_or_default();
        let seen = Seen {
            requests: std::slice::from_ref(open),
            base: &base.commit,
            patient: false,
            head: None,
        };
        let foreign = head
            .as_ref()
            .filter(|head| !is_ours(&head.tip, (&head_branch, branch), &seen));
        if foreign.is_some_and(|_| !request.pull_request.take_over) {
            let mut receipt = receipt.of_plan(plan);
            receipt.warnings.push(format!(
                "{} is left open, because its branch carries somebody else's commits",
                open.url.escape_debug()
            ));
            return Ok(done(Operation::Unchanged, open, &head_branch, receipt));
        }
        let comment = format!(
            "`{}` has these values already: nothing is left to change.",
            branch.replace('`', "")
        );
        let forge = self.forge.get().expect("it was opened to look");
        forge.close(open.number, &closed_by_us(&open.body), &comment)?;
        let mut receipt = receipt.of_plan(plan);
        receipt.reason = Some(format!("`{}` has these values already", branch.escape_debug()));
        Ok(done(Operation::Closed, open, &head_branch, receipt))
    }
}

fn merge(
    forge: &Forge,
    request: &ChangeRequest,
    method: MergeMethod,
    operation: Operation,
    receipt: &mut Receipt,
) -> Operation {
    let why = match forge.auto_merge(request, method) {
        Ok(AutoMerge::Merged) => return Operation::Merged,
        Ok(AutoMerge::Enabled) => {
            receipt.remark = Some("it merges by itself as soon as the rules are met".to_owned());
            return operation;
        }
        Ok(AutoMerge::Queued) => {
            receipt.remark = Some("it waits in the merge queue".to_owned());
            return operation;
        }
        Ok(AutoMerge::Unavailable(why)) => why,
        Err(fault) => fault.to_string(),
    };
    receipt
        .warnings
        .push(format!("it does not merge by itself: {why}"));
    operation
}

fn source_log(request: &Request, plan: &Plan, ends: &Ends<'_>) -> Option<SourceLog> {
    let repo = request.source.repo.as_deref()?;
    let old = source_commit::named(plan.old.as_deref()?)?;
    let new = request
        .source
        .commit
        .as_deref()
        .or_else(|| source_commit::named(plan.new.as_deref()?))?;
    let comparison = (ends.source)(repo)?.compare(old, new);
    match comparison {
        Ok(comparison) => comparison.map(|comparison| SourceLog {
            repo: repo.to_owned(),
            comparison,
        }),
        Err(fault) => {
            ends.console
                .detail(&format!("the commits between are not known: {fault}"));
            None
        }
    }
}

/// Where the policy leaves only a pull request, and no forge can be told to open it at, it has refused the change.
fn unreached(error: anyhow::Error, plan: &Plan) -> anyhow::Error {
    let Some(mut refusal) = plan.unpushed.clone() else {
        return error.context("cannot open a pull request");
    };
    refusal.message = format!("{}; and no pull request can carry it: {error}", refusal.message);
    if let Some(hint) = error.downcast_ref::<Fault>().and_then(|fault| fault.hint.clone()) {
        refusal.hint = Some(format!(
            "{hint}; or push all the same with --override-policy 'reason'"
        ));
    }
    refusal.into()
}
