//! From a request to a receipt: snapshot, plan, commit, and again when the branch moved.

use std::time::Duration;

use anyhow::Result;

use super::console::Console;
use super::proposal::{Base, Brought, Proposer};
use super::receipt::Receipt;
use super::registry::Registries;
use crate::plan::ancestry::Ancestry;
use crate::plan::{Operation, Plan, Publish};
use crate::steps::bump_values::{Circumstances, Request};
use crate::steps::open_promotion_pr::Proof;
use crate::words::fault::{Fault, Kind};
use crate::words::policy::FILE_NAME;
use crate::words::repo_path::RepoPath;
use crate::world::clock::{self, Deadline, Stopwatch};
use crate::world::config_repo::{ConfigRepo, Outcome};
use crate::world::forge::Forge;

/// The bounds of the longest wait between two attempts.
const WAITS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(15));
/// How many attempts that wait may be as long as, as a power of two: where hundreds write at once, shorter ones keep the
/// server busy with attempts that come too late (docs/scale.md).
const MOST_DOUBLINGS: u32 = 4;

/// How a run goes about it.
#[derive(Clone, Copy)]
pub struct Options {
    /// Whether nothing is to be written.
    pub dry_run: bool,
    /// When to give up.
    pub deadline: Deadline,
}

/// Where a run reads and writes, and whom it tells.
pub struct Ends<'a> {
    /// The config repo.
    pub repo: Box<dyn ConfigRepo>,
    /// Opens the forge that serves it, when a change request is needed.
    pub forge: &'a dyn Fn() -> Result<Forge>,
    /// Opens the forge of an app's own repository, if that may be asked.
    pub source: &'a dyn Fn(&str) -> Option<Forge>,
    /// Who knows the history of the repositories that images are built in.
    pub ancestry: &'a dyn Ancestry,
    /// Who asks the registries of images.
    pub registries: &'a Registries<'a>,
    /// Who is told.
    pub console: &'a Console,
}

/// Plans the request on the tip of the branch and commits it there, or proposes it; a branch that moved is planned on
/// again.
///
/// # Errors
/// What the plan refuses, what the remote refuses, and `GaveUp` when the time is over.
pub fn run(
    request: &Request,
    publish: Publish,
    mut ends: Ends<'_>,
    options: Options,
    receipt: &Receipt,
) -> Result<Receipt> {
    let mut sent: Option<Sent> = None;
    let mut proposer = Proposer::default();
    for attempt in 1.. {
        let round = Stopwatch::start();
        let snapshot = ends.repo.snapshot()?;
        let base = snapshot.commit().map(str::to_owned);
        let fetched = round.elapsed();
        let request = ends.registries.chosen(request, &*snapshot)?.settled(&*snapshot)?;
        let circumstances = Circumstances {
            publish,
            now: clock::now(),
            ancestry: ends.ancestry,
        };
        let mut plan = request.plan(&*snapshot, circumstances)?;
        let policy = match plan.publish {
            Publish::PullRequest => snapshot.read(&[RepoPath::parse(FILE_NAME)?])?.pop().flatten(),
            Publish::Files | Publish::Push => None,
        };
        if plan.publish == Publish::PullRequest && base.is_none() && !plan.is_empty() {
            return Err(
                Fault::invalid("a repository without a commit takes no pull request")
                    .hint("push its first commit with --publish push")
                    .into(),
            );
        }
        let proofs = if plan.is_empty() {
            Vec::new()
        } else {
            request.proofs(&*snapshot)?
        };
        drop(snapshot);
        let receipt = Receipt {
            attempts: attempt,
            branch: ends.repo.branch().map(str::to_owned),
            resolved: ends.registries.resolved(),
            ..receipt.clone()
        };
        if let Some((commit, plan)) = sent.take().and_then(|sent| sent.landed(base.as_deref(), &plan)) {
            return Ok(Receipt { commit, ..receipt }.of_plan(plan));
        }
        if !plan.is_empty() {
            let files: Vec<_> = plan.files.iter().map(|file| file.path.clone()).collect();
            ends.repo.check(&files)?;
        }
        prove(&proofs, &ends)?;
        let doubts = ends.registries.require(&plan.required, &request)?;
        plan.warnings.extend(doubts);
        let by_request = plan.publish == Publish::PullRequest;
        if options.dry_run || (plan.is_empty() && !by_request) {
            return Ok(Receipt {
                commit: None,
                ..receipt
            }
            .of_plan(plan));
        }
        ends.console.detail(&format!(
            "attempt {attempt} on {}",
            base.as_deref().unwrap_or("the checkout")
        ));
        let why = if by_request {
            let base = Base {
                commit: base.unwrap_or_default(),
                policy,
            };
            match proposer.bring(&request, plan, &base, &mut ends, receipt)? {
                Brought::Done(receipt) => return Ok(*receipt),
                Brought::Again(why) => why,
            }
        } else {
            match ends.repo.commit(base.as_deref(), &request.commit(&plan))? {
                Outcome::Landed { commit, verified } => {
                    return Ok(Receipt {
                        commit,
                        verified,
                        ..receipt
                    }
                    .of_plan(plan));
                }
                Outcome::Refused(fault) => return Err(fault.into()),
                Outcome::Moved { why } => why,
                Outcome::Unknown { why, commit } => {
                    sent = Some(Sent { commit, plan });
                    why
                }
            }
        };
        ends.console
            .detail(&format!("attempt {attempt} did not land: {}", why.escape_debug()));
        // The first round pays for the whole fetch, which later ones do not.
        let lasted = if attempt == 1 {
            round.elapsed().saturating_sub(fetched) * 2
        } else {
            round.elapsed()
        };
        if !wait(attempt, lasted, options.deadline) {
            return Err(gave_up(attempt, &why, sent.is_some(), ends.repo.branch()).into());
        }
    }
    unreachable!("the deadline ends the loop")
}

/// Asks the apps' own repositories for the deployments that have to be there.
fn prove(proofs: &[Proof], ends: &Ends<'_>) -> Result<()> {
    for proof in proofs {
        let forge = (ends.source)(&proof.repo).ok_or_else(|| {
            let repo = proof.repo.escape_debug();
            Fault::invalid(format!("cannot tell which forge has the repository `{repo}`"))
                .hint("name it with --forge")
        })?;
        let found = forge.deployments(&proof.sought)?;
        let status = match found.first() {
            Some(deployment) => forge.deployment_status(deployment)?,
            None => None,
        };
        proof.judge(status.as_ref(), clock::now())?;
    }
    Ok(())
}

/// What was pushed without an answer.
struct Sent {
    commit: Option<String>,
    plan: Plan,
}

impl Sent {
    /// Returns the commit that is there, with what was sent, if it landed: its commit is the tip, or the tip holds all that
    /// it was to bring.
    fn landed(self, tip: Option<&str>, again: &Plan) -> Option<(Option<String>, Plan)> {
        let is_tip = self.commit.is_some() && tip == self.commit.as_deref();
        let holds_all = matches!(again.operation, Operation::Unchanged | Operation::Skipped);
        let commit = if is_tip {
            self.commit
        } else {
            tip.map(str::to_owned)
        };
        (is_tip || holds_all).then_some((commit, self.plan))
    }
}

/// Waits before the next attempt for a random time; `false` where no time is left for one.
fn wait(attempt: u32, lasted: Duration, deadline: Deadline) -> bool {
    let longest = longest(attempt, lasted, deadline.left());
    if let Some(longest) = longest {
        clock::sleep(clock::jitter(longest));
    }
    longest.is_some()
}

/// Returns how long that wait may be: it grows with the attempts and with how long one takes, and leaves time for one more.
fn longest(attempt: u32, lasted: Duration, left: Duration) -> Option<Duration> {
    let room = left.checked_sub(lasted)?;
    let rounds = 2_u32.pow((attempt - 1).min(MOST_DOUBLINGS));
    Some((lasted * rounds).clamp(WAITS.0, WAITS.1).min(room))
}

/// Says why there is no further attempt; after a lost answer nobody knows what became of the last one.
fn gave_up(attempt: u32, why: &str, unknown: bool, branch: Option<&str>) -> Fault {
    let branch = branch.unwrap_or("the branch").escape_debug();
    let why = why.escape_debug();
    let message = if unknown {
        format!("the push to `{branch}` may or may not have landed: {why}")
    } else {
        let attempts = if attempt == 1 {
            "1 attempt".to_owned()
        } else {
            format!("{attempt} attempts")
        };
        format!("gave up on `{branch}` after {attempts}; the last one did not land because: {why}")
    };
    Fault::new(Kind::GaveUp, message)
        .hint("run it again, or give it longer with --timeout; what has landed is not done twice")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_grows_to_its_bounds_and_leaves_time_for_another_attempt() {
        let seconds = Duration::from_secs_f64;
        for (attempt, lasted, left, due) in [
            (1, 0.001, 60.0, Some(0.05)),
            (1, 0.5, 60.0, Some(0.5)),
            (3, 0.5, 60.0, Some(2.0)),
            (5, 0.5, 60.0, Some(8.0)),
            (50, 0.5, 60.0, Some(8.0)),
            (50, 2.0, 60.0, Some(15.0)),
            (50, 2.0, 5.0, Some(3.0)),
            (50, 2.0, 2.0, Some(0.0)),
            (50, 2.0, 1.0, None),
        ] {
            let found = longest(attempt, seconds(lasted), seconds(left));
            assert_eq!(found, due.map(seconds), "{attempt} {lasted} {left}");
        }
    }
}
