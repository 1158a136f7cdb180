//! Whether a registry has an image.

use crate::plan::registry::{Reference, Shelf};
use crate::words::fault::Fault;
use crate::words::image::{ImageRef, Tag};
use crate::words::platform::Platform;
use crate::words::wording::nearest;

/// Checks that a registry has an image, by its tag and by its digest, and that it runs on each platform. Returns a doubt,
/// where the two are of different images: a tag that moves may have moved, and one that stays is then told wrongly.
///
/// # Errors
/// `NotFound` where it does not, and what the registry says.
pub fn require(image: &ImageRef, platforms: &[Platform], shelf: &dyn Shelf) -> Result<Option<String>, Fault> {
    let name = &image.name;
    let mut doubt = None;
    if let Some(tag) = &image.tag {
        let Some(behind) = shelf.digest(tag)? else {
            let why = format!("`{name}` has no tag `{tag}` in its registry");
            return Err(Fault::not_found(why).hint(near(tag, shelf)));
        };
        doubt = image.digest.as_ref().filter(|digest| **digest != behind).map(|digest| {
            format!("`{tag}` of `{name}` is another image now, {behind}: what runs is that of the digest, {digest}")
        });
    }
    // What runs is what the digest says, where there is one.
    let reference = match (&image.digest, &image.tag) {
        (Some(digest), _) => Reference::Digest(digest.clone()),
        (None, Some(tag)) if !platforms.is_empty() => Reference::Tag(tag.clone()),
        (None, _) => return Ok(doubt),
    };
    let what = reference.as_str();
    let Some(found) = shelf.image(&reference, platforms.first())? else {
        return Err(Fault::not_found(format!("`{name}` has no image `{what}` in its registry"))
            .hint("push the image first, and give the digest that the push printed: that of the index, not of one platform"));
    };
    let Some(lacking) = platforms.iter().find(|platform| !found.runs_on(platform)) else {
        return Ok(doubt);
    };
    let runs_on: Vec<String> = found.platforms.iter().map(ToString::to_string).collect();
    let runs_on = match runs_on.as_slice() {
        [] => "it does not tell what it runs on".to_owned(),
        some => format!("it runs on {}", some.join(", ")),
    };
    Err(
        Fault::not_found(format!("`{name}` at `{what}` does not run on {lacking}")).hint(format!(
            "{runs_on}; build it for {lacking} too, or leave that out of --require-platform"
        )),
    )
}

/// What to try, which may be the tag that was meant: a `v` too many is easily written.
fn near(tag: &Tag, shelf: &dyn Shelf) -> String {
    let tags = shelf.tags().unwrap_or_default();
    let bare = |text: &str| text.trim_start_matches('v').to_owned();
    let spelt = tags.iter().find(|one| bare(one.as_str()) == bare(tag.as_str()));
    let meant = spelt
        .map(Tag::as_str)
        .or_else(|| nearest(tag.as_str(), tags.iter().map(Tag::as_str)));
    match meant {
        Some(meant) => format!("push the image first; or did you mean `{meant}`?"),
        None => "push the image first, or see what there is with `resolve-image --explain`".to_owned(),
    }
}
