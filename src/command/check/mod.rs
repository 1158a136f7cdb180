//! `check`, from its arguments to its receipt, and the views of what it finds.

mod quality;
mod text;

use anyhow::Context as _;

use super::cli::{CommonArgs, Format};
use super::config_repo;
use super::frame::Frame;
use super::opening::Opening;
use super::receipt::Receipt;
use crate::plan::finding::Item;
use crate::plan::{Operation, Publish};
use crate::steps::check::report::Report;
use crate::steps::check::{CheckArgs, Request};
use crate::words::address::RepoAddress;
use crate::world::checkout::Checkout;
use crate::world::env::Environment;
use crate::world::files;

pub(super) use text::summary;

/// Runs the command and returns the exit code.
pub(super) fn run(args: &CheckArgs, common: &CommonArgs, environment: &Environment) -> u8 {
    Frame::new("check", common, environment).run(|opening, receipt| {
        if let Some(file) = &args.code_quality {
            files::check_place(file).context("--code-quality")?;
        }
        check(args, opening, receipt)
    })
}

fn check(args: &CheckArgs, opening: &Opening<'_>, receipt: &mut Receipt) -> anyhow::Result<Receipt> {
    let request = Request::new(args)?;
    // A directory is read as it lies there, unless a branch of its origin is asked for.
    let publish = match &request.config_repo {
        RepoAddress::Directory(_) if request.branch.is_some() => Publish::Push,
        _ => Publish::Files,
    };
    let branch = request.branch.as_deref();
    let (mut repo, _) = config_repo::open(&request.config_repo, publish, branch, opening)?;
    let mut report = {
        let snapshot = repo.snapshot()?;
        receipt.commit = snapshot.commit().map(str::to_owned);
        request.examine(&*snapshot)?
    };
    receipt.branch = repo.branch().map(str::to_owned);
    if let ([app], [env]) = (request.apps.as_slice(), request.envs.as_slice()) {
        (receipt.app, receipt.env) = (Some(app.to_string()), Some(env.to_string()));
    }
    // A forge that does not answer hides nothing of what was found without it.
    let asked = if args.remote {
        ask(&request, &report, opening).map(|items| report.with_remote(items))
    } else {
        Ok(())
    };
    let folder = folder_of(&request.config_repo);
    show(args, opening, &report, &folder)?;
    receipt.check = Some(report.clone());
    asked?;
    report.judge(request.strict)?;
    receipt.operation = Operation::Unchanged;
    receipt.story = Some(report.story());
    Ok(receipt.clone())
}

/// Asks the forge that serves the repository; for a directory, that of its `origin`.
fn ask(request: &Request, report: &Report, opening: &Opening<'_>) -> anyhow::Result<Vec<Item>> {
    let branch = request.branch.as_deref();
    let (_, host) = config_repo::open(&request.config_repo, Publish::Push, branch, opening)?;
    let forge = config_repo::open_forge(&host, opening)?;
    Ok(forge.preflight(&report.asked)?)
}

/// The folder of the repository that a directory is, with a slash at its end; empty for its root.
fn folder_of(config_repo: &RepoAddress) -> String {
    let RepoAddress::Directory(directory) = config_repo else {
        return String::new();
    };
    let checkout = Checkout::open(directory).ok();
    let folder = checkout.and_then(|checkout| checkout.folder_in_repository());
    folder.map_or_else(String::new, |folder| format!("{folder}/"))
}

/// Prints the findings, puts them on their lines, and writes the report of GitLab.
fn show(args: &CheckArgs, opening: &Opening<'_>, report: &Report, folder: &str) -> anyhow::Result<()> {
    let console = opening.console;
    if opening.common.format == Format::Text {
        console.text(&text::of(report));
    }
    for finding in &report.findings {
        console.annotate(finding, folder);
    }
    match &args.code_quality {
        Some(file) => files::write(file, &console.redacted(&quality::of(report, folder))),
        None => Ok(()),
    }
}
