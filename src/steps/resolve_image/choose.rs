//! Asks a registry for as little as tells which tag wins.

use crate::plan::choice::{self, Candidate, Loser, Ranked, Why};
use crate::plan::registry::{Asked, Image, Reference, Shelf};
use crate::words::fault::Fault;
use crate::words::image::{Digest, ImageName, Tag};
use crate::words::platform::Platform;
use crate::words::select::{Order, Select};

use super::outcome::{Choice, Won};

/// Chooses a tag of an image.
///
/// # Errors
/// What the registry says, and `NotFound` where more images count than may be asked for their time. That no tag counts is no
/// error yet: [`Choice::resolution`] says it.
pub fn choose(select: &Select, name: &ImageName, shelf: &dyn Shelf) -> Result<Choice, Fault> {
    let choice = Choice::new(select, name.to_string());
    match &select.order {
        Order::Follow(tag) => super::follow::follow(choice, select, tag, shelf),
        Order::Newest => newest(choice, select, shelf).map(Choice::with_doubts),
        Order::Version(_) | Order::Number | Order::Text => {
            by_text(choice, select, shelf).map(Choice::with_doubts)
        }
    }
}

/// Chooses a version of a chart from those of an `index.yaml`.
pub fn choose_chart(select: &Select, chart: &str, versions: Vec<Candidate>) -> Choice {
    let mut choice = Choice::new(select, chart.to_owned());
    choice.total = versions.len();
    // Helm wants a version of each chart, and nothing else is safe to print.
    let (versions, odd): (Vec<_>, Vec<_>) = versions
        .into_iter()
        .partition(|version| semver::Version::parse(version.tag.trim_start_matches('v')).is_ok());
    let Ranked { best, lost } = choice::ranked(select, versions);
    choice
        .lost
        .extend(odd.into_iter().map(|version| version.lost(Why::NoVersion)));
    choice.lost.extend(lost);
    let mut best = best.into_iter();
    choice.won = best.next().map(|candidate| Won {
        candidate,
        digest: None,
    });
    choice.rest_is_behind(select, best);
    choice
}

/// The text of the tags tells their order; the registry is asked whether the best one is what is wanted, then the next.
fn by_text(mut choice: Choice, select: &Select, shelf: &dyn Shelf) -> Result<Choice, Fault> {
    let tags = shelf.tags()?;
    choice.total = tags.len();
    let Ranked { best, lost } = choice::ranked(select, tags.iter().map(candidate).collect());
    choice.lost = lost;
    let (count, mut best) = (best.len(), best.into_iter());
    for candidate in best.by_ref().take(select.limit) {
        let tag: Tag = candidate.tag.parse()?;
        match suits(select, &tag, shelf)? {
            Ok(digest) => {
                choice.won = Some(Won {
                    candidate,
                    digest: Some(digest),
                });
                break;
            }
            Err(why) => choice.lost.push(candidate.lost(why)),
        }
    }
    if choice.won.is_none() && count > select.limit {
        choice.warnings.push(format!(
            "only the best {} of {count} tags of `{}` were looked at",
            select.limit, choice.image
        ));
    }
    choice.rest_is_behind(select, best);
    Ok(choice)
}

/// Each image that counts is asked for its time. A part of them would tell nothing: any could be the newest.
fn newest(mut choice: Choice, select: &Select, shelf: &dyn Shelf) -> Result<Choice, Fault> {
    let tags = shelf.tags()?;
    choice.total = tags.len();
    let mut counting = Vec::new();
    for tag in tags {
        match choice::counts(select, tag.as_str()) {
            Ok(()) => counting.push(tag),
            Err(why) => choice.lost.push(candidate(&tag).lost(why)),
        }
    }
    if counting.len() > select.limit {
        return Err(too_many(&choice.image, counting.len(), select.limit));
    }
    let asked = shelf.images(&counting, select.platforms.first())?;
    let mut found: Vec<(Candidate, Digest)> = Vec::new();
    let mut unreadable = Vec::new();
    for (tag, asked) in counting.iter().zip(asked) {
        match seen(select, candidate(tag), asked) {
            Seen::Counts(candidate, digest) => found.push((candidate, digest)),
            Seen::Lost(loser) => choice.lost.push(loser),
            Seen::Unreadable(loser, fault) => {
                unreadable.push(fault);
                choice.lost.push(loser);
            }
        }
    }
    if let Some(fault) = unreadable.pop() {
        if unreadable.len() + 1 == counting.len() {
            return Err(fault);
        }
        choice.warnings.push(format!(
            "{} of the images of `{}` cannot be read, and one of them may be newer: {}",
            unreadable.len() + 1,
            choice.image,
            fault.message
        ));
    }
    let Ranked { best, lost } = choice::ranked(select, found.iter().map(|(one, _)| one.clone()).collect());
    choice.lost.extend(lost);
    let mut best = best.into_iter();
    choice.won = best.next().map(|candidate| {
        let digest = found.iter().find(|(one, _)| *one == candidate);
        Won {
            digest: digest.map(|(_, digest)| digest.clone()),
            candidate,
        }
    });
    choice.rest_is_behind(select, best);
    Ok(choice)
}

enum Seen {
    Counts(Candidate, Digest),
    Lost(Loser),
    Unreadable(Loser, Fault),
}

fn seen(select: &Select, candidate: Candidate, asked: Asked<Image>) -> Seen {
    match asked {
        Err(fault) => Seen::Unreadable(candidate.lost(Why::Unreadable(fault.message.clone())), fault),
        Ok(None) => Seen::Lost(candidate.lost(Why::Gone)),
        Ok(Some(image)) => {
            let candidate = Candidate {
                built: image.built,
                ..candidate
            };
            match lacking(select, &image) {
                Some(platform) => Seen::Lost(candidate.lost(Why::Platform(platform.clone()))),
                None => Seen::Counts(candidate, image.digest),
            }
        }
    }
}

/// Returns the digest behind a tag that is what is wanted, or why it is not.
fn suits(select: &Select, tag: &Tag, shelf: &dyn Shelf) -> Result<Result<Digest, Why>, Fault> {
    if select.platforms.is_empty() {
        return Ok(shelf.digest(tag)?.ok_or(Why::Gone));
    }
    let image = shelf.image(&Reference::Tag(tag.clone()), select.platforms.first())?;
    Ok(match image {
        None => Err(Why::Gone),
        Some(image) => match lacking(select, &image) {
            Some(platform) => Err(Why::Platform(platform.clone())),
            None => Ok(image.digest),
        },
    })
}

/// Returns the first platform that an image does not run on.
pub(super) fn lacking<'s>(select: &'s Select, image: &Image) -> Option<&'s Platform> {
    select.platforms.iter().find(|platform| !image.runs_on(platform))
}

pub(super) fn candidate(tag: &Tag) -> Candidate {
    Candidate {
        tag: tag.to_string(),
        built: None,
    }
}

fn too_many(image: &str, count: usize, limit: usize) -> Fault {
    Fault::not_found(format!(
        "{count} tags of `{image}` count, and no more than {limit} images are asked when they were built"
    ))
    .hint(
        "let fewer count with --allow, or ask for more with --limit, up to three requests each; in the policy, `allow` and `limit`",
    )
}
