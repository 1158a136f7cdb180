//! `bump-values`, from its arguments to its receipt.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;

use super::cli::CommonArgs;
use super::console::Console;
use super::pipeline::{self, Options};
use super::receipt::Receipt;
use super::{config_repo, finish};
use crate::plan::Operation;
use crate::steps::bump_values::{BumpValuesArgs, Inputs, Request};
use crate::words::address::RepoAddress;
use crate::words::changes;
use crate::words::event::{self, Event};
use crate::words::fault::Fault;
use crate::world::ci::{self, Host};
use crate::world::env::Environment;
use crate::world::files;

/// The most bytes of a bulk list.
const CHANGES_MAX: u64 = 16 * 1024 * 1024;

/// Runs the command and returns the exit code.
pub(super) fn run(args: &BumpValuesArgs, common: &CommonArgs, environment: &Environment) -> u8 {
    let host = Host::of(environment);
    let console = Arc::new(Console::new(Some(common), environment, host));
    let mut receipt = Receipt::new("bump-values", Operation::Failed);
    receipt.dry_run = common.dry_run;
    (receipt.app, receipt.env) = (args.what.app.first().cloned(), args.what.env.clone());
    let mut common = common.clone();
    let outcome = finish::check_places(&mut common)
        .and_then(|()| try_bump_values(args, &common, environment, &console, &mut receipt));
    finish::finish(outcome, receipt, &common, environment, &console)
}

fn try_bump_values(
    args: &BumpValuesArgs,
    common: &CommonArgs,
    environment: &Environment,
    console: &Arc<Console>,
    receipt: &mut Receipt,
) -> anyhow::Result<Receipt> {
    let deadline = common.deadline(false)?;
    let address = RepoAddress::parse(&args.config_repo.config_repo)?;
    let request = Request::new(
        in_directory(args.clone(), &address),
        &inputs(args, &address, environment)?,
    )?;
    if let Some((app, env)) = request.app_env() {
        (receipt.app, receipt.env) = (Some(app.to_string()), Some(env.to_string()));
    }
    if let Some(reason) = request.nothing() {
        return Ok(Receipt {
            operation: Operation::Skipped,
            reason: Some(reason.to_owned()),
            ..receipt.clone()
        });
    }
    let publish = request.destination()?;
    let branch = args.config_repo.branch.as_deref();
    let mut repo = config_repo::open(&address, publish, branch, common, environment, deadline, console)?;
    let options = Options {
        dry_run: common.dry_run,
        deadline,
    };
    pipeline::run(&request, publish, &mut *repo, options, console, receipt)
}

/// Makes the absolute paths of `--file` relative to a config repo that is a directory. Those elsewhere stay, and are
/// refused as every path that leaves the config repo.
fn in_directory(mut args: BumpValuesArgs, address: &RepoAddress) -> BumpValuesArgs {
    if let RepoAddress::Directory(directory) = address {
        for file in &mut args.what.file {
            if let Some(relative) = files::relative_to(directory, file) {
                *file = relative;
            }
        }
    }
    args
}

/// Reads what the flags point to: the event, the bulk list, what CI tells.
fn inputs(args: &BumpValuesArgs, address: &RepoAddress, environment: &Environment) -> anyhow::Result<Inputs> {
    let host = Host::of(environment);
    let source = host.map(|host| host.source(environment)).unwrap_or_default();
    let event = args
        .what
        .from_event
        .as_deref()
        .map(|from| read_event(from, environment))
        .transpose()?;
    let changes = match &args.what.changes {
        Some(file) => {
            let bytes = files::read(Path::new(file), CHANGES_MAX)?;
            Some(changes::parse(file, &bytes).context("cannot read the list of --changes")?)
        }
        None => None,
    };
    Ok(Inputs {
        event,
        changes,
        actor: source.actor.clone(),
        source,
        directory: matches!(address, RepoAddress::Directory(_)),
        ci: host.is_some(),
    })
}

fn read_event(from: &str, environment: &Environment) -> anyhow::Result<Event> {
    let path = match from {
        "auto" => ci::event_file(environment).ok_or_else(|| {
            Fault::invalid("there is no event: neither GITHUB_EVENT_PATH nor TRIGGER_PAYLOAD is set")
                .hint("outside CI, give the file of the event's body: --from-event FILE")
        })?,
        path => path,
    };
    let origin = match Host::of(environment) {
        Some(Host::GitHub) if from == "auto" => event::Origin::GitHub,
        Some(Host::GitLab) if from == "auto" => event::Origin::GitLab,
        _ => event::Origin::File,
    };
    let bytes = files::read(Path::new(path), event::EVENT_MAX as u64)?;
    Event::parse(&bytes, origin).with_context(|| format!("cannot read the event `{}`", path.escape_debug()))
}
