//! `history` and `history now`, from their arguments to their receipt, and the views of what they tell.

mod csv;
mod html;
mod markdown;
mod mermaid;
mod table;

use jiff::Timestamp;

use super::cli::{CommonArgs, Format};
use super::config_repo;
use super::frame::Frame;
use super::opening::Opening;
use super::receipt::Receipt;
use crate::plan::Operation;
use crate::steps::history::report::{Entry, Report};
use crate::steps::history::{HistoryArgs, NowArgs, Output, Request, Subject, ViewArgs};
use crate::words::fault::Fault;
use crate::world::clock;
use crate::world::env::Environment;
use crate::world::{files, terminal};

pub(super) use markdown::summary;

/// What is asked for.
#[derive(Clone, Copy)]
pub(super) enum Asked<'a> {
    /// The changes.
    Changes(&'a HistoryArgs),
    /// What stands.
    Now(&'a NowArgs),
}

impl Asked<'_> {
    fn name(self) -> &'static str {
        match self {
            Self::Changes(_) => "history",
            Self::Now(_) => "history now",
        }
    }

    fn view(&self) -> &ViewArgs {
        match self {
            Self::Changes(args) => &args.view,
            Self::Now(args) => &args.view,
        }
    }

    fn request(self, now: Timestamp) -> Result<Request, Fault> {
        let request = match self {
            Self::Changes(args) => Request::changes(args, now)?,
            Self::Now(args) => Request::now(args, now)?,
        };
        // A promotion path has a present, and no changes.
        Ok(match self.view().output {
            Output::Mermaid => Request {
                subject: Subject::Now,
                since: None,
                limit: None,
                ..request
            },
            _ => request,
        })
    }
}

/// Runs the command and returns the exit code.
pub(super) fn run(asked: Asked<'_>, common: &CommonArgs, environment: &Environment) -> u8 {
    let mut common = common.clone();
    let view = check_view(asked.view(), &mut common);
    Frame::new(asked.name(), &common, environment).run(|opening, receipt| {
        view?;
        tell(asked, opening, receipt)
    })
}

/// Checks that only one thing goes to standard output, and that the file can be written.
fn check_view(view: &ViewArgs, common: &mut CommonArgs) -> anyhow::Result<()> {
    if let Some(file) = &view.output_file {
        files::check_place(file).map_err(|fault| anyhow::Error::from(fault).context("--output-file"))?;
    } else if view.output == Output::Json {
        common.format = Format::Json;
    } else if common.format == Format::Json && view.output != Output::Table {
        return Err(
            Fault::invalid("--format json and --output would both go to standard output")
                .hint("leave one of them out, or name a file with --output-file")
                .into(),
        );
    }
    Ok(())
}

fn tell(asked: Asked<'_>, opening: &Opening<'_>, receipt: &mut Receipt) -> anyhow::Result<Receipt> {
    let now = clock::now();
    let request = asked.request(now)?;
    let log = config_repo::open_log(&request.config_repo, request.branch.as_deref(), opening)?;
    let report = request.tell(log.as_ref())?;
    receipt.branch = log.branch().map(str::to_owned);
    receipt.commit = Some(report.tip.clone());
    receipt.operation = Operation::Unchanged;
    receipt.story = Some(story(&report, receipt.branch.as_deref()));
    receipt.warnings.extend(shallow(&report));
    if let ([app], [env]) = (request.apps.as_slice(), request.envs.as_slice()) {
        (receipt.app, receipt.env) = (Some(app.to_string()), Some(env.to_string()));
        (receipt.old, receipt.new) = newest(&report);
    }
    receipt.history = Some(report);
    show(asked.view(), receipt, now, opening)?;
    Ok(receipt.clone())
}

/// Prints the view, or writes it to its file.
fn show(view: &ViewArgs, receipt: &Receipt, now: Timestamp, opening: &Opening<'_>) -> anyhow::Result<()> {
    let Opening { common, console, .. } = opening;
    let report = receipt.history.as_ref().expect("the history was just told");
    let to_file = view.output_file.is_some();
    let text = match view.output {
        Output::Table => table::of(report, now, if to_file { None } else { terminal::width() }),
        Output::Json => receipt.json(),
        Output::Csv => csv::of(report),
        Output::Markdown => markdown::of(report, now),
        Output::Mermaid => mermaid::of(report),
        Output::Html => html::of(report, receipt.branch.as_deref(), now),
    };
    match &view.output_file {
        Some(file) => files::write(file, &console.redacted(&text)),
        None if common.format == Format::Text => {
            console.text(&text);
            Ok(())
        }
        None => Ok(()),
    }
}

/// The value of the newest change, or what stands where all places agree, with the one before.
fn newest(report: &Report) -> (Option<String>, Option<String>) {
    let standing = report.standings.iter().flatten().next();
    if let Some(standing) = standing {
        return match standing.versions.as_slice() {
            [only] => (only.old.clone(), only.version.clone()),
            _ => (None, None),
        };
    }
    let entry: Option<&Entry> = report.entries.iter().flatten().next();
    entry.map_or((None, None), |entry| (entry.old.clone(), entry.new.clone()))
}

fn story(report: &Report, branch: Option<&str>) -> String {
    let counted = |count: usize, one: &str, many: &str| {
        if count == 1 {
            format!("1 {one}")
        } else {
            format!("{count} {many}")
        }
    };
    let what = match (&report.entries, &report.standings) {
        (Some(entries), _) => counted(entries.len(), "change", "changes"),
        (None, standings) => {
            let standings = standings.as_deref().unwrap_or_default();
            let apps = standings.chunk_by(|a, b| a.app == b.app).count();
            let what = format!(
                "{} of {}",
                counted(standings.len(), "environment", "environments"),
                counted(apps, "app", "apps")
            );
            match standings.iter().filter(|standing| !standing.agrees).count() {
                0 => what,
                some => format!("{what}, {some} of them with places that disagree"),
            }
        }
    };
    let more = if report.more {
        "; there are more: --limit 0 tells all"
    } else {
        ""
    };
    format!(
        "{what}, from {} of {} up to {}{more}",
        counted(report.commits, "commit", "commits"),
        branch.map_or_else(
            || "a detached HEAD".to_owned(),
            |branch| branch.escape_debug().to_string()
        ),
        report.tip.get(..12).unwrap_or(&report.tip),
    )
}

/// Says what a shallow clone hides.
fn shallow(report: &Report) -> Option<String> {
    let cut = report.cut.as_ref()?;
    Some(format!(
        "the clone is shallow: it has {} of the branch's commits, back to {}, and what came before is not told; \
         `git fetch --unshallow` brings it (actions/checkout: `fetch-depth: 0`, GitLab: `GIT_DEPTH: 0`)",
        cut.depth,
        day_and_time(cut.when),
    ))
}

/// Returns a moment for people, in UTC.
fn day_and_time(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M").to_string()
}

/// Returns how long ago a moment was, in one unit, as kubectl does.
fn age(now: Timestamp, then: Timestamp) -> String {
    let minutes = (now.as_second() - then.as_second()).max(0) / 60;
    let (hours, days) = (minutes / 60, minutes / 1440);
    match () {
        () if minutes < 120 => format!("{minutes}m"),
        () if hours < 48 => format!("{hours}h"),
        () if days < 730 => format!("{days}d"),
        () => format!("{}y", days / 365),
    }
}

/// Returns the first digits of a commit.
fn short_commit(commit: &str) -> &str {
    commit.get(..10).unwrap_or(commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_one_unit() {
        let then = Timestamp::from_second(1_700_000_000).unwrap();
        for (seconds, said) in [
            (-5, "0m"),
            (59 * 60, "59m"),
            (7200, "2h"),
            (47 * 3600, "47h"),
            (5 * 86400, "5d"),
            (800 * 86400, "2y"),
        ] {
            let now = Timestamp::from_second(1_700_000_000 + seconds).unwrap();
            assert_eq!(age(now, then), said);
        }
    }
}
