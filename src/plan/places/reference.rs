//! Reading `name:tag@digest` scalars.

use super::Written;
use crate::words::image::ImageRef;

/// Reads a reference, with the text before its name (`web=` in an Application's `kustomize.images`).
pub(super) fn read(text: &str) -> Option<(String, Written)> {
    let (lead, reference) = match text.split_once('=') {
        Some((lead, reference)) => (format!("{lead}="), reference),
        None => (String::new(), text),
    };
    let reference = reference.parse::<ImageRef>().ok()?;
    Some((
        lead,
        Written {
            tag: reference.tag.as_ref().map(ToString::to_string),
            digest: reference.digest.as_ref().map(ToString::to_string),
            name: Some(reference.name),
        },
    ))
}
