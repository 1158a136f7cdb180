//! Follows a moving tag: to a tag that stays and has the same digest, else to the digest itself.

use super::choose::{candidate, lacking};
use super::outcome::{Choice, Won};
use crate::plan::choice::{self, Candidate, Ranked, Why};
use crate::plan::registry::{Reference, Shelf};
use crate::words::fault::Fault;
use crate::words::image::{Digest, Tag};
use crate::words::select::{Select, Write};
use crate::words::wording::suggestion;

/// How many tags are asked for their digest at once, the highest first: most often it is one of these.
const AT_ONCE: usize = 24;

/// Follows a tag.
pub(super) fn follow(
    mut choice: Choice,
    select: &Select,
    tag: &Tag,
    shelf: &dyn Shelf,
) -> Result<Choice, Fault> {
    let Some(digest) = shelf.digest(tag)? else {
        let tags = shelf.tags()?;
        let tags = tags.iter().map(Tag::as_str);
        return Err(Fault::not_found(format!("`{}` has no tag `{tag}`", choice.image))
            .hint(suggestion(tag.as_str(), tags)));
    };
    if !select.platforms.is_empty() {
        let image = shelf.image(&Reference::Digest(digest.clone()), select.platforms.first())?;
        let why = match &image {
            None => Some(Why::Gone),
            Some(image) => lacking(select, image).map(|platform| Why::Platform(platform.clone())),
        };
        if let Some(why) = why {
            choice.total = 1;
            choice.lost.push(candidate(tag).lost(why));
            return Ok(choice);
        }
    }
    if select.write == Some(Write::Digest) {
        choice.total = 1;
        return Ok(choice.won_by(candidate(tag), digest));
    }
    let tags = shelf.tags()?;
    choice.total = tags.len();
    let Ranked { best, lost } = choice::ranked(select, tags.iter().map(candidate).collect());
    choice.lost = lost;
    let found = same(&mut choice, select, &best, &digest, shelf)?;
    match found {
        Some(at) => {
            choice.rest_is_behind(select, best[at + 1..].iter().cloned());
            Ok(choice.won_by(best[at].clone(), digest))
        }
        None if select.write == Some(Write::Tag) => Err(Fault::not_found(format!(
            "no version of `{}` has the digest of `{tag}`, {digest}",
            choice.image
        ))
        .hint("write `digest` or `tag@digest`: a moving tag by itself says nothing of what runs")),
        None => {
            choice.moving = true;
            choice.rest_is_behind(select, std::iter::empty());
            Ok(choice.won_by(candidate(tag), digest))
        }
    }
}

/// Finds the best tag that has a digest.
fn same(
    choice: &mut Choice,
    select: &Select,
    best: &[Candidate],
    digest: &Digest,
    shelf: &dyn Shelf,
) -> Result<Option<usize>, Fault> {
    let asked = best.len().min(select.limit);
    for (part, chunk) in best[..asked].chunks(AT_ONCE).enumerate() {
        let tags: Result<Vec<Tag>, Fault> = chunk.iter().map(|one| one.tag.parse()).collect();
        for (at, found) in shelf.digests(&tags?)?.into_iter().enumerate() {
            let why = match found? {
                Some(found) if found == *digest => return Ok(Some(part * AT_ONCE + at)),
                Some(_) => Why::OtherImage,
                None => Why::Gone,
            };
            choice.lost.push(chunk[at].clone().lost(why));
        }
    }
    if best.len() > asked {
        choice.warnings.push(format!(
            "only the highest {asked} of {} versions of `{}` were compared with the tag that is followed",
            best.len(),
            choice.image
        ));
    }
    Ok(None)
}

impl Choice {
    fn won_by(mut self, candidate: Candidate, digest: Digest) -> Self {
        self.won = Some(Won {
            candidate,
            digest: Some(digest),
        });
        self
    }
}
