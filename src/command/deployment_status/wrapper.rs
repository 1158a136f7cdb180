//! `deployment-status -- COMMAND`: records that it goes on, runs it, and records how it ended, whatever it does.

use std::ffi::OsString;

use anyhow::Context as _;

use super::Run;
use super::record::Records;
use crate::command::exit::Failure;
use crate::command::receipt::Receipt;
use crate::plan::Operation;
use crate::plan::deployment::{Deployment, DeploymentState, NewStatus, Sought};
use crate::steps::deployment_status::follow;
use crate::steps::deployment_status::which::bare;
use crate::words::fault::{Fault, Kind};
use crate::world::child::{Ended, Signals};
use crate::world::clock;

/// How many of our own deployments are looked at to find what a killed run left open.
const LOOKED_AT: usize = 10;

/// Runs a command between two states; `code` becomes the command's own.
pub(super) fn run(
    run: &Run,
    command: &[OsString],
    receipt: &mut Receipt,
    code: &mut u8,
) -> anyhow::Result<Receipt> {
    let name = command
        .first()
        .map(|name| name.to_string_lossy())
        .unwrap_or_default();
    let going = run.request.status(DeploymentState::InProgress, None);
    if run.common.dry_run {
        let forge = run.forge(run.common.deadline(false)?)?;
        let records = Records::new(run, &forge);
        if let Some(found) = find(&records)? {
            records.record(&found, false, &going, receipt)?;
        } else {
            records.when_missing(&going, receipt)?;
        }
        let story = receipt.story.take().unwrap_or_else(|| "dry run".to_owned());
        receipt.story = Some(format!("{story}; would run `{}`", name.escape_debug()));
        return Ok(receipt.clone());
    }
    let mut signals = Signals::heed().context("cannot listen for signals")?;
    let begun = match begin(run, &going, receipt) {
        Ok(Begun::Skipped) => return Ok(receipt.clone()),
        Ok(Begun::Open(deployment)) => Some(deployment),
        Err(error) => {
            let failure = Failure::from(&error);
            // To deploy matters more than to record it. What the user said wrong is another thing.
            if !matches!(failure.fault.kind, Kind::Denied | Kind::GaveUp) {
                return Err(error);
            }
            run.console.warn(&format!(
                "the command is run all the same; its start is not recorded: {}",
                failure.message
            ));
            None
        }
    };
    let ended = signals.run(command);
    *code = ended.code;
    let recorded = end(run, begun.as_ref(), &ended, &name, receipt);
    tell(&ended, &name, receipt);
    match recorded {
        Ok(()) => Ok(receipt.clone()),
        Err(error) => Err(error.context(if ended.code == 0 {
            "the command succeeded, but that could not be recorded"
        } else {
            "the command failed, and that could not be recorded either"
        })),
    }
}

/// What begins a run.
enum Begun {
    /// The deployment that the run is of.
    Open(Deployment),
    /// There is none, and that is no reason to run.
    Skipped,
}

fn begin(run: &Run, going: &NewStatus, receipt: &mut Receipt) -> anyhow::Result<Begun> {
    let forge = run.forge(run.common.deadline(false)?)?;
    let records = Records::new(run, &forge);
    close_what_was_left_open(&records, receipt)?;
    let opened = match find(&records)? {
        Some(found) => Some((found, false)),
        None => records.when_missing(going, receipt)?,
    };
    let Some((deployment, fresh)) = opened else {
        return Ok(Begun::Skipped);
    };
    match records.record(&deployment, fresh, going, receipt)? {
        Some(deployment) => Ok(Begun::Open(deployment)),
        None => Ok(Begun::Skipped),
    }
}

/// Returns the deployment that the run is of: the one that an id names, else the newest of the commit that has not
/// ended yet, as one that a dispatch has queued.
fn find(records: &Records) -> anyhow::Result<Option<Deployment>> {
    if records.request.create {
        return Ok(None);
    }
    let Some(found) = records.find().context("cannot find the deployment")? else {
        return Ok(None);
    };
    if records.request.target.id.is_some() {
        return Ok(Some(found));
    }
    let Some(latest) = records.forge.deployment_status(&found)? else {
        return Ok(Some(found));
    };
    // Another run is at it, and records its end itself.
    let belongs_to_another = latest.state == DeploymentState::InProgress
        && found.run.is_some()
        && found.run != records.request.run;
    Ok((!latest.state.is_final() && !belongs_to_another).then_some(found))
}

/// Ends our own deployments of this environment and branch whose run was killed before it could tell. A forge that does
/// not keep which run that was has none.
fn close_what_was_left_open(records: &Records, receipt: &mut Receipt) -> anyhow::Result<()> {
    let target = &records.request.target;
    let Some(us) = &records.request.run else {
        return Ok(());
    };
    let made_for = target.made_for.as_ref().or(target.sha.as_ref());
    let (Some(environment), Some(reference)) = (&target.environment, made_for) else {
        return Ok(());
    };
    let all = records.listed(&Sought {
        environment: Some(environment.clone()),
        ..Sought::default()
    })?;
    let ours = all.iter().filter_map(|one| {
        let by = one.run.as_ref().filter(|by| by.job == us.job)?;
        (bare(&one.reference) == bare(reference) && target.id != Some(one.id)).then_some((one, by))
    });
    for (left, by) in ours.take(LOOKED_AT) {
        let latest = records.forge.deployment_status(left)?;
        if latest.is_some_and(|latest| {
            latest.state == DeploymentState::InProgress
                && follow::was_left_open(by, latest.since, us, clock::now())
        }) {
            let error = NewStatus {
                state: DeploymentState::Error,
                environment_url: None,
                log_url: None,
                description: Some("its run ended without telling how".to_owned()),
            };
            records.forge.set_deployment_status(left, &error)?;
            receipt.warnings.push(format!(
                "deployment {} was left in_progress by a run that ended without telling how; it is an error now",
                left.id
            ));
        }
    }
    Ok(())
}

fn end(
    run: &Run,
    begun: Option<&Deployment>,
    ended: &Ended,
    name: &str,
    receipt: &mut Receipt,
) -> anyhow::Result<()> {
    let (state, words) = match (ended.code, ended.interrupted) {
        (0, _) => (DeploymentState::Success, None),
        (_, true) => (DeploymentState::Error, Some("was interrupted".to_owned())),
        (code, false) => match &ended.unstarted {
            Some(why) => (
                DeploymentState::Error,
                Some(format!("could not be started: {why}")),
            ),
            None => (DeploymentState::Failure, Some(format!("ended with {code}"))),
        },
    };
    let words = words.map(|words| format!("{name} {words}"));
    let status = run.request.status(state, words.as_deref());
    // The command may have taken longer than any deadline from before it.
    let forge = run.forge(run.common.deadline(false)?)?;
    let records = Records::new(run, &forge);
    let operation = receipt.operation;
    let opened = match begun {
        Some(deployment) => Some((deployment.clone(), false)),
        None => match find(&records)? {
            Some(found) => Some((found, false)),
            None => records.when_missing(&status, receipt)?,
        },
    };
    let Some((deployment, fresh)) = opened else {
        return Err(Fault::not_found("there is no deployment to record it for").into());
    };
    records.record(&deployment, fresh, &status, receipt)?;
    if operation == Operation::Created {
        receipt.operation = operation;
    }
    Ok(())
}

fn tell(ended: &Ended, name: &str, receipt: &mut Receipt) {
    if ended.code == 0 {
        return;
    }
    let name = name.escape_debug();
    let why = match &ended.unstarted {
        Some(why) => format!("`{name}` could not be started: {why}"),
        None => format!("`{name}` ended with {}", ended.code),
    };
    receipt.operation = Operation::Failed;
    receipt.story = Some(match receipt.story.take() {
        Some(story) => format!("{why}; {story}"),
        None => why.clone(),
    });
    receipt.reason = Some(why);
}
