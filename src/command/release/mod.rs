//! `release next`, `release tag` and `release publish`, from their arguments to their receipts.

mod next;
mod publish;
mod tag;

use std::cell::RefCell;

use super::cli::CommonArgs;
use super::config_repo::{self, HostedAt};
use super::frame::Frame;
use super::opening::Opening;
use super::receipt::Receipt;
use crate::plan::Operation;
use crate::plan::release::{MergedRequest, ReleaseReport, SourceCommit, SourceRepo};
use crate::steps::release::{
    NextArgs, Notes, Past, PublishArgs, Rules, Series, SourceArgs, TagArgs, Verdict,
};
use crate::words::address::RepoAddress;
use crate::words::fault::Fault;
use crate::words::release_tag::ReleaseTag;
use crate::world::env::Environment;
use crate::world::forge::Forge;
use crate::world::git::GitSource;

/// The most commits whose change requests are looked up, each of which costs a request.
const LOOKED_UP: usize = 300;

/// Runs `release next` and returns the exit code.
pub(super) fn next(args: &NextArgs, common: &CommonArgs, environment: &Environment) -> u8 {
    run("release next", common, environment, |opening, receipt| {
        next::run(args, opening, receipt)
    })
}

/// Runs `release tag` and returns the exit code.
pub(super) fn tag(args: &TagArgs, common: &CommonArgs, environment: &Environment) -> u8 {
    run("release tag", common, environment, |opening, receipt| {
        tag::run(args, opening, receipt)
    })
}

/// Runs `release publish` and returns the exit code.
pub(super) fn publish(args: &PublishArgs, common: &CommonArgs, environment: &Environment) -> u8 {
    run("release publish", common, environment, |opening, receipt| {
        publish::run(args, opening, receipt)
    })
}

fn run(
    command: &'static str,
    common: &CommonArgs,
    environment: &Environment,
    work: impl FnOnce(&Opening<'_>, &mut Receipt) -> anyhow::Result<()>,
) -> u8 {
    Frame::new(command, common, environment).run(|opening, receipt| {
        receipt.show("");
        work(opening, receipt).map(|()| receipt.clone())
    })
}

/// An opened repository, and where it is hosted.
struct Opened {
    address: RepoAddress,
    source: GitSource,
    host: HostedAt,
}

impl Opened {
    /// Opens the repository that the flags name. With `remote` it is looked up what tags its remote has now.
    fn of(
        args: &SourceArgs,
        remote: bool,
        opening: &Opening<'_>,
        receipt: &mut Receipt,
    ) -> anyhow::Result<Self> {
        let address = RepoAddress::parse(&args.repo)?;
        let at = (args.branch.as_deref(), args.sha.as_deref());
        let (mut source, host) = config_repo::open_source(&address, at, remote, opening)?;
        if remote && matches!(address, RepoAddress::Directory(_)) {
            source.refresh()?;
        }
        receipt.branch = source.branch().map(str::to_owned);
        receipt.commit = Some(source.head().to_owned());
        Ok(Self {
            address,
            source,
            host,
        })
    }

    fn forge(&self, opening: &Opening<'_>) -> anyhow::Result<Forge> {
        if matches!(self.host, HostedAt::Nowhere) {
            return Err(
                Fault::invalid("the clone has no remote `origin`, whose forge could be asked")
                    .hint("give the repository's address as --repo")
                    .into(),
            );
        }
        config_repo::open_forge(&self.host, opening)
    }

    /// Returns what finds the change requests of commits, and asks for no commit twice.
    fn labels(
        &self,
        rules: &Rules,
        opening: &Opening<'_>,
    ) -> impl Fn(&[SourceCommit]) -> anyhow::Result<Vec<MergedRequest>> {
        let forge: RefCell<Option<Forge>> = RefCell::new(None);
        // A merge stands for what it brought, unless only some of that counts.
        let own_line = rules.series.paths.is_empty();
        move |commits| {
            let asked: Vec<&SourceCommit> = commits
                .iter()
                .filter(|commit| !own_line || commit.own_line)
                .collect();
            if asked.len() > LOOKED_UP {
                return Err(Fault::invalid(format!(
                    "there are {} commits since the last release, and the labels of {LOOKED_UP} are looked up at most",
                    asked.len()
                ))
                .hint("say --bump, or leave out --from labels")
                .into());
            }
            let mut forge = forge.borrow_mut();
            let forge = match &mut *forge {
                Some(forge) => forge,
                none => none.insert(self.forge(opening)?),
            };
            let mut found: Vec<MergedRequest> = Vec::new();
            for commit in asked {
                for request in forge.merged_with(&commit.log.id)? {
                    if !found.iter().any(|known| known.number == request.number) {
                        found.push(request);
                    }
                }
            }
            Ok(found)
        }
    }
}

/// Fills in what a verdict says, and returns the tag that is due.
fn tell(receipt: &mut Receipt, verdict: &Verdict, past: &Past) -> Option<ReleaseTag> {
    let last = past.last.as_ref().or(past.newest.as_ref());
    let previous = match verdict {
        Verdict::Nothing { stands, .. } => stands.as_ref().or(last),
        Verdict::Superseded { .. } => last,
        Verdict::Due { tag, .. } => past.previous(&tag.version),
    };
    receipt.old = previous.map(|release| release.tag.version.to_string());
    let mut report = ReleaseReport {
        previous_tag: previous.map(|release| release.tag.to_string()),
        ..ReleaseReport::default()
    };
    let due = match verdict {
        Verdict::Nothing { stands, why } => {
            receipt.operation = Operation::Unchanged;
            receipt.reason = Some(why.clone());
            (report.bump, report.why) = (Some("none"), Some(why.clone()));
            stands.as_ref().map(|release| &release.tag)
        }
        Verdict::Superseded { by } => {
            receipt.operation = Operation::Superseded;
            let why = format!("the commit is in {} already, which was released later", by.tag);
            receipt.warnings.push(why.clone());
            receipt.reason = Some(why.clone());
            (report.bump, report.why) = (Some("none"), Some(why));
            Some(&by.tag)
        }
        Verdict::Due { tag, level, why } => {
            receipt.operation = Operation::Created;
            receipt.changed = true;
            report.bump = Some(level.map_or("first", crate::words::conventional::Level::word));
            report.why = Some(why.clone());
            Some(tag)
        }
    };
    report.tag = due.map(ToString::to_string);
    report.version = due.map(|tag| tag.version.to_string());
    report.prerelease = due.is_some_and(|tag| !tag.version.pre.is_empty());
    receipt.new.clone_from(&report.version);
    receipt.release = Some(report);
    match verdict {
        Verdict::Due { tag, .. } => Some(tag.clone()),
        Verdict::Nothing { .. } | Verdict::Superseded { .. } => None,
    }
}

/// Returns the commits that a release brings, with the tag before it; `None` where the clone does not reach back so far.
fn brought(
    source: &GitSource,
    past: &Past,
    tag: &ReleaseTag,
    series: &Series,
) -> anyhow::Result<Option<(Option<String>, Vec<SourceCommit>)>> {
    let previous = past.previous(&tag.version);
    let since = previous.map(|release| release.commit.as_str());
    let stretch = source.stretch(source.head(), since, &series.paths)?;
    let previous = previous.map(|release| release.tag.to_string());
    Ok((!stretch.cut).then_some((previous, stretch.commits)))
}

/// Returns the notes of a release as plain text, and fills them in as Markdown.
fn note(
    receipt: &mut Receipt,
    source: &GitSource,
    past: &Past,
    tag: &ReleaseTag,
    series: &Series,
) -> anyhow::Result<Option<String>> {
    let Some((previous, commits)) = brought(source, past, tag, series)? else {
        return Ok(None);
    };
    let name = tag.to_string();
    let notes = Notes {
        tag: &name,
        previous: previous.as_deref(),
        commits: &commits,
    };
    if let Some(report) = &mut receipt.release {
        report.notes = Some(notes.markdown(None));
        report.commits = commits.len();
        report.previous_tag.clone_from(&previous);
    }
    Ok(Some(notes.plain()))
}

/// Says what the user should know of tags that were not counted.
fn doubts(receipt: &mut Receipt, opened: &Opened, past: &Past) {
    receipt.warnings.extend(opened.source.tags_are_left_out());
    if let Some(stranger) = &past.stranger {
        receipt.warnings.push(format!(
            "no tag names a version such as v1.2.3; those such as {} count with their --tag-prefix",
            crate::words::wording::shown(stranger)
        ));
    }
}
