//! `preview`, from its arguments to its receipt.

mod down;
mod gc;
mod slug;
mod stage;
mod up;

use std::path::Path;

use anyhow::Context as _;

use super::cli::PreviewCommand;
use super::event;
use crate::words::change_request_event::ChangeRequestEvent;
use crate::words::event::EVENT_MAX;
use crate::words::fault::Fault;
use crate::words::forge_repo::{ForgeKind, ForgeRepo};
use crate::words::payload::{read_commit, read_reference};
use crate::words::wording::shown;
use crate::world::ci::Host;
use crate::world::env::Environment;
use crate::world::files;

/// Runs the command and returns the exit code.
pub(super) fn run(below: &PreviewCommand, environment: &Environment) -> u8 {
    match below {
        PreviewCommand::Slug { args, common } => slug::run(args, common, environment),
        PreviewCommand::Up { args, common } => up::run(args, common, environment),
        PreviewCommand::Down { args, common } => down::run(args, common, environment),
        PreviewCommand::Gc { args, common } => gc::run(args, common, environment),
    }
}

/// Returns the repository that `--repo` names, else the one whose CI runs this.
fn repo(named: Option<&str>, environment: &Environment) -> Result<ForgeRepo, Fault> {
    if let Some(text) = named {
        return ForgeRepo::parse(text)?.ok_or_else(|| {
            Fault::invalid(format!("`{}` is no repository of a forge", shown(text)))
                .hint("write it as github:owner/name or gitlab:group/project")
        });
    }
    let host = Host::of(environment);
    let kind = match host {
        Some(Host::GitHub) => Some(ForgeKind::GitHub),
        Some(Host::GitLab) => Some(ForgeKind::GitLab),
        Some(Host::Other) | None => None,
    };
    let path = host.and_then(|host| host.source(environment).repo);
    match kind.zip(path) {
        Some((kind, path)) => ForgeRepo::new(kind, &path),
        None => Err(Fault::invalid("no repository is named")
            .hint("give --repo github:owner/name or --repo gitlab:group/project")),
    }
}

/// Returns the pull request or merge request that this runs for: the one of `--from-event`, which has to be one, else
/// the one that CI tells of.
///
/// # Errors
/// `Invalid` for an event of another kind, and what the file system says.
fn change_request(
    from_event: Option<&str>,
    environment: &Environment,
) -> anyhow::Result<Option<ChangeRequestEvent>> {
    let host = Host::of(environment);
    let of_gitlab = match host {
        Some(Host::GitLab) => of_variables(environment)?,
        _ => None,
    };
    match from_event {
        Some("auto") if of_gitlab.is_some() => Ok(of_gitlab),
        Some(from) => {
            let (path, body) = event::read(from, environment)?;
            let read = ChangeRequestEvent::parse(&body);
            let read = read.with_context(|| format!("cannot read the event `{}`", path.escape_debug()))?;
            let none = || {
                Fault::invalid("the event is about no pull request")
                    .hint("start the workflow by `pull_request`, or name the branch with --ref")
            };
            Ok(Some(read.ok_or_else(none)?))
        }
        None if host == Some(Host::GitHub) => Ok(of_github(environment)),
        None => Ok(of_gitlab),
    }
}

/// Reads the event of a job of GitHub, which may be about anything.
fn of_github(environment: &Environment) -> Option<ChangeRequestEvent> {
    let path = environment.get("GITHUB_EVENT_PATH")?;
    let body = files::read(Path::new(path), EVENT_MAX as u64).ok()?;
    ChangeRequestEvent::parse(&body).ok().flatten()
}

/// Reads what GitLab tells a merge request pipeline ("Predefined CI/CD variables"); it runs for open ones alone.
fn of_variables(environment: &Environment) -> Result<Option<ChangeRequestEvent>, Fault> {
    let get = |name| environment.get(name);
    let (Some(number), Some(branch)) = (
        get("CI_MERGE_REQUEST_IID").and_then(|number| number.parse().ok()),
        get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"),
    ) else {
        return Ok(None);
    };
    // Set where the pipeline runs for the merged result that is only tried.
    let sha = get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA").or_else(|| get("CI_COMMIT_SHA"));
    let labels = get("CI_MERGE_REQUEST_LABELS").unwrap_or_default();
    let sides = get("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH").zip(get("CI_MERGE_REQUEST_PROJECT_PATH"));
    Ok(Some(ChangeRequestEvent {
        repo: get("CI_MERGE_REQUEST_PROJECT_PATH").map(str::to_owned),
        number,
        branch: read_reference(branch)?,
        sha: read_commit(sha.unwrap_or_default())?,
        labels: labels.split(',').map(|label| label.trim().to_owned()).collect(),
        open: true,
        fork: sides.is_some_and(|(source, target)| !source.eq_ignore_ascii_case(target)),
    }))
}
