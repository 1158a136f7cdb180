//! What `bump-values` and `open-promotion-pr` have in common: from their flags to the receipt.

use std::path::{MAIN_SEPARATOR, Path};

use anyhow::Context as _;

use super::ancestry::Sources;
use super::cli::CommonArgs;
use super::frame::Frame;
use super::opening::Opening;
use super::pipeline::{self, Ends, Options};
use super::receipt::Receipt;
use super::registry::Registries;
use super::{config_repo, forge};
use crate::plan::Operation;
use crate::steps::args::{ConfigRepoArgs, PullRequestArgs};
use crate::steps::bump_values::{Inputs, Request, WhatArgs};
use crate::words::address::RepoAddress;
use crate::words::changes;
use crate::words::event::{self, Event};
use crate::words::fault::Fault;
use crate::world::ci::Host;
use crate::world::env::Environment;
use crate::world::files;

/// The most bytes of a bulk list.
const CHANGES_MAX: u64 = 16 * 1024 * 1024;

/// The flags of a command that carries a request to a config repo.
pub(super) struct Flags<'a> {
    /// The command.
    pub command: &'static str,
    /// What changes.
    pub what: &'a WhatArgs,
    /// Where.
    pub config_repo: &'a ConfigRepoArgs,
    /// How a pull request looks; it may name the branch too.
    pub pull_request: &'a PullRequestArgs,
}

/// Runs such a command and returns the exit code. `request` makes the request of what changes, with its paths as the
/// config repo has them, and of what came with the flags.
pub(super) fn run(
    flags: &Flags<'_>,
    common: &CommonArgs,
    environment: &Environment,
    request: impl FnOnce(WhatArgs, &Inputs) -> Result<Request, Fault>,
) -> u8 {
    Frame::new(flags.command, common, environment).run(|opening, receipt| {
        (receipt.app, receipt.env) = (flags.what.app.first().cloned(), flags.what.env.clone());
        let address = RepoAddress::parse(&flags.config_repo.config_repo)?;
        let mut what = flags.what.clone();
        in_repo(&mut what, &address);
        let inputs = inputs(&what, &address, environment)?;
        let request = request(what, &inputs)?;
        let base = flags.pull_request.base.as_deref();
        let branch = base.or(flags.config_repo.branch.as_deref());
        deliver(&request, &address, branch, opening, receipt)
    })
}

/// Carries a request to its config repo.
///
/// # Errors
/// As [`pipeline::run`].
pub(super) fn deliver(
    request: &Request,
    address: &RepoAddress,
    branch: Option<&str>,
    opening: &Opening<'_>,
    receipt: &mut Receipt,
) -> anyhow::Result<Receipt> {
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
    let (repo, host) = config_repo::open(address, publish, branch, opening)?;
    let source = |repo: &str| forge::open_source(repo, &host, opening);
    let ends = Ends {
        repo,
        forge: &|| config_repo::open_forge(&host, opening),
        source: &source,
        ancestry: &Sources::new(&source, opening.console),
        registries: &Registries::new(opening),
        console: opening.console,
    };
    let options = Options {
        dry_run: opening.common.dry_run,
        deadline: opening.deadline,
    };
    pipeline::run(request, publish, ends, options, receipt)
}

/// Makes paths of `--file` as this machine writes them, absolute or with `\` between folders, those of the config repo.
/// An absolute one that is elsewhere is refused later, as every path that leaves the config repo.
fn in_repo(what: &mut WhatArgs, address: &RepoAddress) {
    for file in &mut what.file {
        if let RepoAddress::Directory(directory) = address
            && let Some(relative) = files::relative_to(directory, file)
        {
            *file = relative;
        }
        *file = file.replace(MAIN_SEPARATOR, "/");
    }
}

/// Reads what the flags point to: the event, the bulk list, what CI tells.
///
/// # Errors
/// What cannot be read, or is not what it should be.
pub(super) fn inputs(
    what: &WhatArgs,
    address: &RepoAddress,
    environment: &Environment,
) -> anyhow::Result<Inputs> {
    let host = Host::of(environment);
    let source = host.map(|host| host.source(environment)).unwrap_or_default();
    let event = what
        .from_event
        .as_deref()
        .map(|from| read_event(from, environment))
        .transpose()?;
    let changes = match &what.changes {
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
    let origin = match Host::of(environment) {
        Some(Host::GitHub) if from == "auto" => event::Origin::GitHub,
        Some(Host::GitLab) if from == "auto" => event::Origin::GitLab,
        _ => event::Origin::File,
    };
    let (path, bytes) = super::event::read(from, environment)?;
    Event::parse(&bytes, origin).with_context(|| format!("cannot read the event `{}`", path.escape_debug()))
}
