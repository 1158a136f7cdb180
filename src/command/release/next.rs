//! `release next`.

use std::path::{MAIN_SEPARATOR, Path};

use semver::Version;

use super::{Opened, doubts, note, tell};
use crate::command::opening::Opening;
use crate::command::receipt::Receipt;
use crate::plan::commit::{Fate, FileChange, NewCommit};
use crate::plan::diff;
use crate::plan::release::SourceRepo as _;
use crate::steps::release::{self, Asked, NextArgs, Past, Rules};
use crate::words::address::RepoAddress;
use crate::words::fault::{Fault, Kind};
use crate::words::repo_path::RepoPath;
use crate::world::checkout::Checkout;
use crate::world::config_repo::{ConfigRepo as _, Outcome};
use crate::world::files;

/// Tells the next version, and writes it where that is asked for.
pub(super) fn run(args: &NextArgs, opening: &Opening<'_>, receipt: &mut Receipt) -> anyhow::Result<()> {
    let rules = Rules::parse(&args.rules)?;
    let directory = match (RepoAddress::parse(&args.source.repo)?, args.write.is_empty()) {
        (RepoAddress::Directory(path), _) => Some(path),
        (_, true) => None,
        (_, false) => {
            return Err(Fault::invalid("--write needs a directory as --repo")
                .hint("clone the repository first: the version is written into the work tree alone")
                .into());
        }
    };
    let opened = Opened::of(&args.source, false, opening, receipt)?;
    let past = Past::of(&opened.source, opened.source.head(), &rules.series)?;
    doubts(receipt, &opened, &past);
    let labels = opened.labels(&rules, opening);
    let verdict = release::next(&opened.source, &rules, &past, &Asked::Next, &labels)?;
    let due = tell(receipt, &verdict, &past);
    receipt.show(&receipt.new.clone().unwrap_or_default());
    let Some(tag) = due else { return Ok(()) };
    note(receipt, &opened.source, &past, &tag, &rules.series)?;
    if let (Some(directory), false) = (&directory, args.write.is_empty()) {
        write(args, directory, &tag.version, opening, receipt)?;
    }
    let since = receipt
        .release
        .as_ref()
        .and_then(|report| report.previous_tag.as_ref())
        .map_or_else(String::new, |previous| format!(", after {previous}"));
    let why = receipt.release.as_ref().and_then(|report| report.why.clone());
    let files = match (receipt.files.as_slice(), opening.common.dry_run) {
        ([], _) => String::new(),
        (files, true) => format!("; it would be written into {}", files.join(", ")),
        (files, false) => format!("; it is written into {}", files.join(", ")),
    };
    receipt.story = Some(format!(
        "the next version is {}{since}: {}{files}",
        tag.version,
        why.unwrap_or_default()
    ));
    if opening.common.dry_run && !receipt.diff.is_empty() {
        receipt.remark = Some(receipt.diff.trim_end().to_owned());
    }
    Ok(())
}

/// Writes the version into files, all or none.
fn write(
    args: &NextArgs,
    directory: &Path,
    version: &Version,
    opening: &Opening<'_>,
    receipt: &mut Receipt,
) -> anyhow::Result<()> {
    let mut checkout = Checkout::open(directory)?;
    let paths = args.write.iter().map(|file| path_in(directory, file));
    let mut paths = paths.collect::<Result<Vec<_>, Fault>>()?;
    paths.sort();
    paths.dedup();
    let mut changes = Vec::new();
    let found = checkout.snapshot()?.read(&paths)?;
    for (asked, blob) in paths.iter().zip(found) {
        let blob = blob.ok_or_else(|| {
            Fault::not_found(format!("there is no file `{asked}`"))
                .hint("give --write a path below --repo, with `/` between folders")
        })?;
        let app_version = args.app_version && asked.file_name() == "Chart.yaml";
        let written = release::write(asked, &blob.bytes, version, app_version)?;
        receipt.changes.extend(written.changes);
        if written.bytes != blob.bytes && changes.iter().all(|change: &FileChange| change.path != blob.path) {
            changes.push(FileChange {
                path: blob.path,
                fate: Fate::Changed {
                    old: blob.bytes,
                    new: written.bytes,
                },
            });
        }
    }
    receipt.files = changes.iter().map(|change| change.path.to_string()).collect();
    receipt.diff = diff::unified(&changes);
    if opening.common.dry_run || changes.is_empty() {
        return Ok(());
    }
    let commit = NewCommit {
        message: String::new(),
        author: None,
        signing: None,
        changes,
    };
    match checkout.commit(None, &commit)? {
        Outcome::Landed { .. } => Ok(()),
        Outcome::Moved { why } | Outcome::Unknown { why, .. } => {
            Err(Fault::new(Kind::GaveUp, why).hint("run it again").into())
        }
        Outcome::Refused(fault) => Err(fault.into()),
    }
}

/// Reads a path as this machine writes it, absolute or not.
fn path_in(directory: &Path, file: &str) -> Result<RepoPath, Fault> {
    let relative = files::relative_to(directory, file).unwrap_or_else(|| file.to_owned());
    RepoPath::parse(&relative.replace(MAIN_SEPARATOR, "/"))
}
