//! `resolve-image`, from its arguments to its receipt.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr as _;

use super::cli::{CommonArgs, Format};
use super::frame::Frame;
use super::opening::Opening;
use super::receipt::Receipt;
use super::{config_repo, registry};
use crate::plan::{Operation, Publish};
use crate::steps::resolve_image::{ByPolicy, Request, ResolveImageArgs, Row, Standing, choose_chart};
use crate::words::address::RepoAddress;
use crate::words::wording::shown;
use crate::world::env::Environment;
use crate::world::registry::chart_versions;

/// Runs the command and returns the exit code.
pub(super) fn run(args: &ResolveImageArgs, common: &CommonArgs, environment: &Environment) -> u8 {
    Frame::new("resolve-image", common, environment).run(|opening, receipt| resolve(args, opening, receipt))
}

fn resolve(args: &ResolveImageArgs, opening: &Opening<'_>, receipt: &mut Receipt) -> anyhow::Result<Receipt> {
    let choice = match Request::new(args)? {
        Request::Image(sought) => registry::ask(&sought, opening)?,
        Request::Chart {
            repository,
            chart,
            select,
        } => {
            let versions = chart_versions(&repository, &chart, &registry::access(opening)?)?;
            choose_chart(&select, &chart, versions)
        }
        Request::Policy(by_policy) => {
            (receipt.app, receipt.env) = (Some(by_policy.app.to_string()), Some(by_policy.env.to_string()));
            let Standing { sought, old, held } = standing(&by_policy, opening)?;
            receipt.old = old;
            receipt.warnings.extend(held);
            registry::ask(&sought, opening)?
        }
    };
    if args.explain {
        let rows = choice.rows();
        if opening.common.format == Format::Text {
            opening.console.tell(&table(&rows));
        }
        receipt.candidates = Some(rows);
    }
    receipt.warnings.extend(choice.warnings.iter().cloned());
    let resolution = choice.resolution()?;
    receipt.operation = Operation::Unchanged;
    receipt.story = Some(resolution.story());
    receipt.new = Some(resolution.value.clone());
    receipt.show(&resolution.value);
    receipt.resolved = vec![resolution];
    Ok(receipt.clone())
}

/// Reads what the policy file says.
fn standing(by_policy: &ByPolicy, opening: &Opening<'_>) -> anyhow::Result<Standing> {
    let publish = match by_policy.config_repo {
        // Without a branch, a directory is what its files are.
        RepoAddress::Directory(_) if by_policy.branch.is_none() => Publish::Files,
        _ => Publish::Push,
    };
    let (mut repo, _) = config_repo::open(
        &by_policy.config_repo,
        publish,
        by_policy.branch.as_deref(),
        opening,
    )?;
    let snapshot = repo.snapshot()?;
    by_policy.standing(&*snapshot)
}

/// Lays out what became of each tag.
fn table(rows: &[Row]) -> String {
    let timed = rows.iter().any(|row| row.built.is_some());
    let tags: Vec<String> = rows.iter().map(|row| shown(&row.tag)).collect();
    let widest = tags.iter().map(|tag| tag.width()).max().unwrap_or(0).max(3);
    let mut text = String::new();
    let mut line = |tag: &str, built: &str, why: &str| {
        let built = if timed {
            format!("  {built:<20}")
        } else {
            String::new()
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{tag:<widest$}{built}  {why}");
    };
    line("TAG", "BUILT", "WHY");
    for (row, tag) in rows.iter().zip(&tags) {
        let built = row.built.as_deref().unwrap_or("-");
        line(tag, built, row.why.as_deref().unwrap_or("chosen"));
    }
    text
}
