//! `scaffold`, from its arguments to its receipt.

mod open;
mod tree;

use anyhow::Context as _;

use super::ancestry::Sources;
use super::cli::CommonArgs;
use super::frame::Frame;
use super::opening::Opening;
use super::pipeline::{self, Ends, Options};
use super::receipt::{Receipt, Repository};
use super::registry::Registries;
use super::{config_repo, forge};
use crate::plan::Operation;
use crate::steps::bump_values::Inputs;
use crate::steps::scaffold::{Part, Places, Scaffold, ScaffoldArgs, shown};
use crate::words::fault::{Fault, Kind};
use crate::world::ci::Host;
use crate::world::env::Environment;
use open::Stage;

/// Runs the command and returns the exit code.
pub(super) fn run(args: &ScaffoldArgs, common: &CommonArgs, environment: &Environment) -> u8 {
    Frame::new("scaffold", common, environment).run(|opening, receipt| {
        receipt.app = Some(args.app.clone());
        make(args, opening, receipt)
    })
}

fn make(args: &ScaffoldArgs, opening: &Opening<'_>, receipt: &Receipt) -> anyhow::Result<Receipt> {
    let template = open::template(&args.template, opening)?;
    let forge = open::forge(args, opening);
    let places = Places::of(args, &args.app.parse()?, &template.manifest, forge)?;
    let places = open::with_one_name(places);
    open::check_hosts(&places, opening)?;
    let facts = open::facts(&places, forge, opening);
    let version = env!("CARGO_PKG_VERSION");
    let scaffold = Scaffold::new(args, &template, &places, &facts, version)?;
    // First all is planned, so that nothing is written where something is in the way anywhere.
    let mut planned = Vec::new();
    let mut refused: Vec<Fault> = Vec::new();
    for part in &scaffold.parts {
        match bring(part, Stage::Plan, args, opening, receipt) {
            Ok(receipt) => planned.push(receipt),
            Err(error) => match error.downcast_ref::<Fault>() {
                Some(fault) if fault.kind == Kind::Refused => refused.push(Fault {
                    message: format!("in {}: {}", shown(&part.address), fault.message),
                    ..fault.clone()
                }),
                _ => return Err(error),
            },
        }
    }
    if let Some(fault) = together(refused) {
        return Err(fault.into());
    }
    let done = if opening.common.dry_run {
        planned
    } else {
        write(&scaffold, args, opening, receipt)?
    };
    Ok(sum(&scaffold, &done, opening.common, receipt))
}

/// Makes one fault of those of several repositories.
fn together(faults: Vec<Fault>) -> Option<Fault> {
    faults.into_iter().reduce(|one, other| Fault {
        message: format!("{one}; {other}"),
        place: None,
        ..one
    })
}

/// Brings every part to its repository.
fn write(
    scaffold: &Scaffold,
    args: &ScaffoldArgs,
    opening: &Opening<'_>,
    receipt: &Receipt,
) -> anyhow::Result<Vec<Receipt>> {
    let mut done: Vec<Receipt> = Vec::new();
    for part in &scaffold.parts {
        let brought = bring(part, Stage::Write, args, opening, receipt);
        done.push(brought.with_context(|| {
            let before = match done.len() {
                0 => String::new(),
                count => format!(" ({count} written before it; run it again to go on)"),
            };
            format!("cannot write to {}{before}", shown(&part.address))
        })?);
    }
    Ok(done)
}

/// Plans a part, or writes it.
fn bring(
    part: &Part,
    stage: Stage,
    args: &ScaffoldArgs,
    opening: &Opening<'_>,
    receipt: &Receipt,
) -> anyhow::Result<Receipt> {
    let environment = opening.environment;
    let host = Host::of(environment);
    let source = host.map(|host| host.source(environment)).unwrap_or_default();
    let inputs = Inputs {
        actor: source.actor.clone(),
        source,
        ci: host.is_some(),
        ..Inputs::default()
    };
    let request = part.request(args, &inputs)?;
    let publish = request.destination()?;
    let (repo, host) = open::repo(&part.address, publish, stage, args, opening)?;
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
        dry_run: stage == Stage::Plan,
        deadline: opening.deadline,
    };
    let receipt = Receipt {
        dry_run: opening.common.dry_run,
        ..receipt.clone()
    };
    pipeline::run(&request, publish, ends, options, &receipt)
}

/// Makes one receipt of those of the repositories; what holds one value has that of the config repo, the first.
fn sum(scaffold: &Scaffold, parts: &[Receipt], common: &CommonArgs, receipt: &Receipt) -> Receipt {
    let addresses: Vec<String> = scaffold.parts.iter().map(|part| shown(&part.address)).collect();
    let changed: Vec<&Receipt> = parts.iter().filter(|part| part.changed).collect();
    let operation = match changed.as_slice() {
        [] => parts.first().map_or(Operation::Unchanged, |part| part.operation),
        some if some.iter().all(|part| part.operation == Operation::Created) => Operation::Created,
        _ => Operation::Updated,
    };
    let repositories = addresses.iter().zip(parts).map(|(address, part)| Repository {
        address: address.clone(),
        operation: part.operation,
        branch: part.branch.clone(),
        commit: part.commit.clone(),
        pr_url: part.pr_url.clone(),
        files: part.files.clone(),
    });
    let repositories: Vec<Repository> = repositories.collect();
    let trees = addresses
        .iter()
        .zip(parts)
        .map(|(address, part)| tree::of(address, part));
    let mut shown: String = trees.collect();
    let diff = diff_of(&addresses, parts);
    if common.verbose {
        shown.push_str(&diff);
    }
    let first = parts.iter().find(|part| part.changed).or(parts.first()).cloned();
    let mut warnings = scaffold.warnings.clone();
    warnings.extend(parts.iter().flat_map(|part| part.warnings.clone()));
    let files: Vec<String> = parts.iter().flat_map(|part| part.files.clone()).collect();
    let is_changed = !changed.is_empty();
    Receipt {
        operation,
        changed: is_changed,
        story: is_changed.then(|| story(&repositories, files.len(), common.dry_run)),
        remark: (is_changed && !scaffold.next.is_empty())
            .then(|| format!("next: {}", scaffold.next.join("\nnext: "))),
        shown: Some(if common.dry_run { shown } else { String::new() }),
        changes: parts.iter().flat_map(|part| part.changes.clone()).collect(),
        files,
        diff,
        warnings,
        repositories: Some(repositories),
        ..first.unwrap_or_else(|| receipt.clone())
    }
}

/// Returns the diffs of all repositories, each under the name of its own where there are several; what stands before a header
/// is passed over by whoever applies a diff.
fn diff_of(addresses: &[String], parts: &[Receipt]) -> String {
    if let [only] = parts {
        return only.diff.clone();
    }
    let headed = |(address, part): (&String, &Receipt)| match part.diff.as_str() {
        "" => String::new(),
        diff => format!("# {}\n{diff}", address.escape_debug()),
    };
    let diffs: Vec<String> = addresses.iter().zip(parts).map(headed).collect();
    diffs.concat()
}

fn story(repositories: &[Repository], files: usize, dry_run: bool) -> String {
    let changed = repositories
        .iter()
        .filter(|repository| !repository.files.is_empty());
    let told = changed.map(|repository| {
        let how = match (&repository.pr_url, &repository.commit) {
            (Some(url), _) => format!(", by {url}"),
            (None, Some(commit)) => format!(", pushed {}", commit.get(..12).unwrap_or(commit)),
            (None, None) => String::new(),
        };
        format!("{}{how}", repository.address)
    });
    let told = told.collect::<Vec<_>>().join("; ");
    let files = if files == 1 {
        "1 file".to_owned()
    } else {
        format!("{files} files")
    };
    if dry_run {
        format!("dry run: would make {files} in {told}; nothing was written")
    } else {
        format!("made {files} in {told}")
    }
}
