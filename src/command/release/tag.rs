//! `release tag`.

use std::time::Duration;

use super::{Opened, doubts, note, tell};
use crate::command::opening::Opening;
use crate::command::receipt::Receipt;
use crate::plan::Operation;
use crate::plan::commit::Signing;
use crate::plan::release::{NewTag, SourceRepo as _, TagOutcome};
use crate::steps::release::{self, Asked, Past, PublishTag, Rules, TagArgs};
use crate::words::address::RepoAddress;
use crate::words::fault::{Fault, Kind};
use crate::words::release_tag::ReleaseTag;
use crate::world::ci::Host;
use crate::world::clock;
use crate::world::env::Environment;
use crate::world::forge::Forge;

/// How often it is tried again when somebody else was faster, or an answer was lost.
const TRIES: u32 = 10;
/// The longest pause before the next try.
const PAUSE: Duration = Duration::from_millis(500);

/// Tags the commit, unless all is said already, or nothing is to be pushed.
pub(super) fn run(args: &TagArgs, opening: &Opening<'_>, receipt: &mut Receipt) -> anyhow::Result<()> {
    let rules = Rules::parse(&args.rules)?;
    let signing = args.signing.parse()?;
    let address = RepoAddress::parse(&args.source.repo)?;
    if signing.is_some() && matches!(address, RepoAddress::Forge(_)) {
        return Err(
            Fault::invalid("a tag that the forge's API makes cannot be signed")
                .hint("name the repository's https or ssh address with --repo: then git pushes the tag")
                .into(),
        );
    }
    let held_back = held_back(args.publish, &address, opening.environment);
    let mut opened = Opened::of(&args.source, held_back.is_none(), opening, receipt)?;
    let mut lost: Option<String> = None;
    let mut why = String::new();
    for attempt in 1..=TRIES {
        receipt.attempts = attempt;
        if attempt > 1 {
            opened.source.refresh()?;
        }
        let Some((tag, message)) = look(args, &rules, &opened, opening, receipt)? else {
            settled(&opened, lost.as_deref(), receipt);
            return Ok(());
        };
        if opening.common.dry_run || held_back.is_some() {
            only_said(receipt, &tag, &message, held_back);
            return Ok(());
        }
        let new = NewTag {
            name: tag.to_string(),
            commit: opened.source.head().to_owned(),
            message,
        };
        match make(&mut opened, &new, signing.as_ref(), opening)? {
            TagOutcome::Landed => {
                landed(&opened, &new, receipt);
                return Ok(());
            }
            TagOutcome::Refused(fault) => return Err(fault.into()),
            TagOutcome::Taken => {
                opening
                    .console
                    .detail(&format!("{} was made by somebody else meanwhile", new.name));
                why = format!("{} was taken each time", new.name);
            }
            TagOutcome::Unknown(said) => {
                why = format!("what became of {} is not known: {said}", new.name);
                opening.console.detail(&why);
                lost = Some(new.name);
            }
        }
        if !clock::sleep_within(clock::jitter(PAUSE), opening.deadline) {
            break;
        }
    }
    Err(Fault::new(
        Kind::GaveUp,
        format!(
            "no tag could be made in {} attempts, the last one because: {why}",
            receipt.attempts
        ),
    )
    .hint("run it again; what has landed is not done twice")
    .into())
}

/// Says why nothing is pushed without `--publish push`.
fn held_back(publish: PublishTag, address: &RepoAddress, environment: &Environment) -> Option<&'static str> {
    if publish == PublishTag::Push || !matches!(address, RepoAddress::Directory(_)) {
        return None;
    }
    let for_change_request = environment
        .get("GITHUB_EVENT_NAME")
        .is_some_and(|event| event.starts_with("pull_request"))
        || environment.get("CI_MERGE_REQUEST_IID").is_some();
    match Host::of(environment) {
        None => Some("outside CI no tag is pushed by itself"),
        Some(_) if for_change_request => Some("the run is for a pull request, whose commit is not released"),
        Some(_) => None,
    }
}

/// Looks what is to be tagged now; `None` for nothing.
fn look(
    args: &TagArgs,
    rules: &Rules,
    opened: &Opened,
    opening: &Opening<'_>,
    receipt: &mut Receipt,
) -> anyhow::Result<Option<(ReleaseTag, String)>> {
    let past = Past::of(&opened.source, opened.source.head(), &rules.series)?;
    receipt.warnings.clear();
    (receipt.reason, receipt.changed) = (None, false);
    doubts(receipt, opened, &past);
    if opened.source.is_unpublished()? {
        let commit = short(opened.source.head());
        receipt.warnings.push(format!(
            "{commit} is on no branch of the remote: a tag publishes it"
        ));
    }
    let asked = match &args.version {
        Some(version) => {
            let asked = release::named("--version", version, &past)?;
            let is_above =
                |newest: &&release::Release| newest.tag.version.cmp_precedence(&asked.version).is_gt();
            if let Some(newest) = past.newest.as_ref().filter(is_above) {
                receipt.warnings.push(format!(
                    "{asked} is lower than {}, which the commit has behind it",
                    newest.tag
                ));
            }
            Asked::Version(asked)
        }
        None => Asked::Next,
    };
    let labels = opened.labels(rules, opening);
    let verdict = release::next(&opened.source, rules, &past, &asked, &labels)?;
    let due = tell(receipt, &verdict, &past);
    let tag = receipt.release.as_ref().and_then(|report| report.tag.clone());
    receipt.show(&tag.unwrap_or_default());
    let Some(tag) = due else { return Ok(None) };
    let notes = note(receipt, &opened.source, &past, &tag, &rules.series)?;
    let message = match (&args.message, notes) {
        (Some(message), _) => message.clone(),
        (None, Some(notes)) => format!("{tag}\n\n{notes}"),
        (None, None) => tag.to_string(),
    };
    receipt.message = Some(message.clone());
    Ok(Some((tag, message)))
}

/// Nothing is to be done (any more): an answer may have been lost all the same.
fn settled(opened: &Opened, lost: Option<&str>, receipt: &mut Receipt) {
    let tag = receipt.release.as_ref().and_then(|report| report.tag.clone());
    if let (Some(lost), Some(tag), Operation::Unchanged) = (lost, &tag, receipt.operation)
        && lost == tag
    {
        let new = NewTag {
            name: tag.clone(),
            commit: opened.source.head().to_owned(),
            message: String::new(),
        };
        (receipt.operation, receipt.changed, receipt.reason) = (Operation::Created, true, None);
        landed(opened, &new, receipt);
    }
}

fn make(
    opened: &mut Opened,
    new: &NewTag,
    signing: Option<&Signing>,
    opening: &Opening<'_>,
) -> anyhow::Result<TagOutcome> {
    if matches!(opened.address, RepoAddress::Forge(_)) {
        let forge: Forge = opened.forge(opening)?;
        return Ok(forge.make_tag(new)?);
    }
    opened.source.tag(new, signing)
}

fn only_said(receipt: &mut Receipt, tag: &ReleaseTag, message: &str, held_back: Option<&'static str>) {
    let commit = short(receipt.commit.as_deref().unwrap_or_default()).to_owned();
    match held_back {
        Some(why) => {
            receipt.operation = Operation::Skipped;
            receipt.changed = false;
            receipt.reason = Some(why.to_owned());
            receipt.story = Some(format!(
                "nothing is tagged: {why}; `--publish push` would put {tag} on {commit}"
            ));
        }
        None => {
            receipt.story = Some(format!(
                "dry run: {tag} would be put on {commit}; nothing was pushed"
            ));
        }
    }
    receipt.remark = Some(message.trim_end().to_owned());
}

fn landed(opened: &Opened, new: &NewTag, receipt: &mut Receipt) {
    receipt
        .warnings
        .extend(opened.source.keep(&new.name, &new.commit));
    let why = receipt.release.as_ref().and_then(|report| report.why.clone());
    receipt.story = Some(format!(
        "tagged {} as {}: {}",
        short(&new.commit),
        new.name,
        why.unwrap_or_default()
    ));
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
