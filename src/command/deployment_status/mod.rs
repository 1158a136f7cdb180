//! `deployment-status`, from its arguments to its receipt.

pub(super) mod record;
mod wait;
mod wrapper;

use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::cli::CommonArgs;
use super::console::Console;
use super::frame::Frame;
use super::opening::Opening;
use super::receipt::Receipt;
use super::tokens::Role;
use super::{event, forge};
use crate::plan::deployment::{CiRun, DeploymentState};
use crate::steps::deployment_status::{Action, DeploymentStatusArgs, Inputs, Request};
use crate::words::event::EVENT_MAX;
use crate::words::forge_repo::{ForgeKind, ForgeRepo};
use crate::words::pull_request::PullRequestHead;
use crate::words::status_event::StatusEvent;
use crate::world::ci::Host;
use crate::world::clock::Deadline;
use crate::world::env::Environment;
use crate::world::files;
use crate::world::forge::Forge;
use record::Records;

/// What every part of this command needs.
struct Run<'a> {
    request: &'a Request,
    common: &'a CommonArgs,
    environment: &'a Environment,
    console: &'a Arc<Console>,
}

/// Runs the command and returns the exit code.
pub(super) fn run(args: &DeploymentStatusArgs, common: &CommonArgs, environment: &Environment) -> u8 {
    // A command's own code is ours, unless it is 0.
    let mut code = 0;
    let own = Frame::new("deployment-status", common, environment).run(|opening, receipt| {
        receipt.env.clone_from(&args.env);
        try_run(args, opening, receipt, &mut code)
    });
    if code == 0 { own } else { code }
}

fn try_run(
    args: &DeploymentStatusArgs,
    opening: &Opening<'_>,
    receipt: &mut Receipt,
    code: &mut u8,
) -> anyhow::Result<Receipt> {
    let request = Request::new(args, &inputs(args, opening.environment)?)?;
    receipt.env.clone_from(&request.target.environment);
    receipt.warnings.clone_from(&request.warnings);
    let run = Run {
        request: &request,
        common: opening.common,
        environment: opening.environment,
        console: opening.console,
    };
    match &request.action {
        Action::Record(state) => record_state(&run, *state, receipt),
        Action::Run(command) => run.command(command, receipt, code),
        Action::WaitForApplication { name, namespace } => {
            run.wait_for_application(args, name, namespace.as_deref(), receipt)
        }
        Action::WaitForDeployment => run.wait_for_deployment(receipt),
    }
}

fn record_state(run: &Run, state: DeploymentState, receipt: &mut Receipt) -> anyhow::Result<Receipt> {
    let forge = run.forge(run.common.deadline(false)?)?;
    let records = Records::new(run, &forge);
    let status = run.request.status(state, None);
    if let Some((deployment, fresh)) = records.find_or_make(&status, receipt)? {
        records.record(&deployment, fresh, &status, receipt)?;
    }
    Ok(receipt.clone())
}

impl Run<'_> {
    /// Opens the forge of the app's repository, for as long as the deadline.
    fn forge(&self, deadline: Deadline) -> anyhow::Result<Forge> {
        forge::open(&self.request.repo, Role::Target, &self.opening(deadline))
    }

    /// What opening a forge needs, for as long as the deadline.
    fn opening(&self, deadline: Deadline) -> Opening<'_> {
        Opening {
            common: self.common,
            environment: self.environment,
            deadline,
            console: self.console,
        }
    }

    fn command(&self, command: &[OsString], receipt: &mut Receipt, code: &mut u8) -> anyhow::Result<Receipt> {
        wrapper::run(self, command, receipt, code)
    }
}

/// Reads what the flags point to, and what CI tells.
fn inputs(args: &DeploymentStatusArgs, environment: &Environment) -> anyhow::Result<Inputs> {
    let host = Host::of(environment);
    let event = match &args.from_event {
        Some(from) => {
            let (path, body) = event::read(from, environment)?;
            let event = StatusEvent::parse(&body)
                .with_context(|| format!("cannot read the event `{}`", path.escape_debug()))?;
            Some(event)
        }
        None => None,
    };
    let source = host.map(|host| host.source(environment)).unwrap_or_default();
    let kind = match host {
        Some(Host::GitHub) => Some(ForgeKind::GitHub),
        Some(Host::GitLab) => Some(ForgeKind::GitLab),
        Some(Host::Other) | None => None,
    };
    let repo = match (kind, &source.repo) {
        (Some(kind), Some(path)) => Some(ForgeRepo::new(kind, path)?),
        _ => None,
    };
    Ok(Inputs {
        event,
        repo,
        pull_request: pull_request(host, environment),
        run: ci_run(host, environment),
        source,
    })
}

/// Returns the run that this is part of. GitLab keeps nothing of it with a deployment, so it is not asked there.
pub(super) fn ci_run(host: Option<Host>, environment: &Environment) -> Option<CiRun> {
    if host != Some(Host::GitHub) {
        return None;
    }
    let get = |name| environment.get(name).unwrap_or_default();
    // The branch or tag that follows is another one in every run.
    let workflow = get("GITHUB_WORKFLOW_REF").split('@').next().unwrap_or_default();
    Some(CiRun {
        id: environment.get("GITHUB_RUN_ID")?.to_owned(),
        attempt: get("GITHUB_RUN_ATTEMPT").parse().unwrap_or(1),
        job: format!("{workflow}:{}", get("GITHUB_JOB")),
    })
}

/// Returns the head of the pull request or merge request that CI runs for.
fn pull_request(host: Option<Host>, environment: &Environment) -> Option<PullRequestHead> {
    let get = |name| environment.get(name).map(str::to_owned);
    match host? {
        Host::GitHub => {
            let path = environment.get("GITHUB_EVENT_PATH")?;
            let body = files::read(Path::new(path), EVENT_MAX as u64).ok()?;
            PullRequestHead::of_event(&body)
        }
        // Set where the pipeline runs for the merged result that is only tried.
        Host::GitLab => Some(PullRequestHead {
            number: get("CI_MERGE_REQUEST_IID")?.parse().ok()?,
            sha: get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA")?,
            reference: get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME")?,
        }),
        Host::Other => None,
    }
}
