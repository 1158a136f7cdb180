//! The end of every run: what is printed, what CI hosts read, and the exit code.

use std::path::Path;

use super::cli::{CommonArgs, Format};
use super::console::Console;
use super::exit::Failure;
use super::receipt::Receipt;
use super::{github, gitlab};
use crate::plan::Operation;
use crate::world::clock;
use crate::world::env::Environment;
use crate::world::files;

/// Checks, before anything is done, that the result can be written where the flags say.
///
/// A flag that names no such place is taken away: the failure is told in the other ways.
///
/// # Errors
/// A fault of kind `Invalid` that names the flag.
pub(super) fn check_places(common: &mut CommonArgs) -> anyhow::Result<()> {
    let mut checked = Ok(());
    for (flag, place) in [
        ("--result-file", &mut common.result_file),
        ("--dotenv", &mut common.dotenv),
    ] {
        if let Some(Err(fault)) = place.as_deref().map(files::check_place) {
            *place = None;
            checked = checked.and(Err(anyhow::Error::from(fault).context(flag)));
        }
    }
    checked
}

/// Writes the outputs that the CI host reads, prints the result, and returns the exit code.
pub(super) fn finish(
    outcome: anyhow::Result<Receipt>,
    receipt: Receipt,
    common: &CommonArgs,
    environment: &Environment,
    console: &Console,
) -> u8 {
    let (receipt, failure) = match outcome {
        Ok(receipt) => (receipt, None),
        Err(error) => {
            let failure = Failure::from(&error);
            (receipt.failed(&failure), Some(failure))
        }
    };
    match common.format {
        Format::Text if receipt.shown.is_some() && failure.is_some() => {}
        Format::Text => {
            match &receipt.shown {
                Some(shown) => console.text(shown),
                None => console.diff(&receipt.diff),
            }
            receipt
                .request
                .iter()
                .for_each(|request| console.text(&request.to_string()));
        }
        Format::Json => console.data(&receipt.json()),
    }
    for warning in &receipt.warnings {
        console.warn(warning);
    }
    if let Some(failure) = &failure {
        console.fail(failure);
    } else {
        console.say(&story(&receipt));
        receipt.remark.iter().for_each(|remark| console.remark(remark));
    }
    let code = failure.as_ref().map_or(0, Failure::code);
    let handed_on = publish_outputs(&receipt, Some(common), environment, console);
    match handed_on.and_then(|()| Ok(console.printed()?)) {
        Ok(()) => code,
        Err(error) => {
            let failure =
                Failure::from(&error.context("the run is over, but its result could not be handed on"));
            console.fail(&failure);
            if code == 0 { failure.code() } else { code }
        }
    }
}

fn story(receipt: &Receipt) -> String {
    if let Some(story) = &receipt.story {
        return story.clone();
    }
    let reason = receipt.reason.as_deref().unwrap_or("all values are as asked");
    let what = receipt.what();
    match (
        receipt.operation,
        receipt.changed,
        receipt.dry_run,
        &receipt.commit,
    ) {
        (Operation::Superseded, ..) => "superseded; nothing was changed".to_owned(),
        (Operation::Skipped, ..) => format!("skipped: {reason}"),
        (_, false, ..) => format!("nothing to change: {reason}"),
        (_, true, true, _) => format!("dry run: would change {what}; nothing was written"),
        (_, true, false, Some(commit)) => {
            let branch = receipt.branch.as_deref().unwrap_or("the branch");
            let attempts = match receipt.attempts {
                0 | 1 => String::new(),
                attempts => format!(" in {attempts} attempts"),
            };
            format!(
                "changed {what}; pushed {} to {branch}{attempts}",
                commit.get(..12).unwrap_or(commit)
            )
        }
        (_, true, false, None) => format!("changed {what}"),
    }
}

/// Writes what CI hosts read, and the files that the flags name.
///
/// # Errors
/// What the file system says.
pub(super) fn publish_outputs(
    receipt: &Receipt,
    common: Option<&CommonArgs>,
    environment: &Environment,
    console: &Console,
) -> anyhow::Result<()> {
    let redact = |text: &str| console.redacted(text);
    if let Some(path) = environment.get("GITHUB_OUTPUT") {
        files::append(
            Path::new(path),
            &redact(&github::outputs(receipt, clock::random_word)),
        )?;
    }
    if let Some(path) = environment.get("GITHUB_STEP_SUMMARY") {
        files::append(Path::new(path), &redact(&github::summary(receipt)))?;
    }
    if let Some(path) = common.and_then(|common| common.result_file.as_ref()) {
        files::write(path, &redact(&receipt.json()))?;
    }
    if let Some(path) = common.and_then(|common| common.dotenv.as_ref()) {
        files::write(path, &redact(&gitlab::dotenv(receipt)))?;
    }
    Ok(())
}
