//! The images that have to be in their registry before they are written.

use super::args::WhatArgs;
use super::draft::{Judged, Move};
use super::request::Request;
use crate::words::fault::Fault;
use crate::words::image::ImageRef;
use crate::words::platform::Platform;

/// Reads what the images have to run on; `None` where nobody asks whether they are there.
///
/// # Errors
/// `Invalid` for what is no platform.
pub(super) fn platforms(args: &WhatArgs) -> Result<Option<Vec<Platform>>, Fault> {
    let platforms: Result<Vec<Platform>, Fault> =
        args.require_platform.iter().map(|text| text.parse()).collect();
    let platforms = platforms.map_err(|fault| Fault {
        message: format!("--require-platform: {}", fault.message),
        ..fault
    })?;
    Ok((args.require_image || !platforms.is_empty()).then_some(platforms))
}

impl Request {
    /// Returns what the registries have to have, each once.
    ///
    /// # Errors
    /// `Invalid` for a value of which nobody knows which image it is of.
    pub(super) fn required(&self, moves: &[Move]) -> Result<Vec<ImageRef>, Fault> {
        let mut required: Vec<ImageRef> = Vec::new();
        if self.require_image.is_none() {
            return Ok(required);
        }
        for one in moves.iter().filter(|one| one.old != one.new || one.repinned) {
            let Some(reference) = &one.reference else {
                // A size or an address is no version of anything.
                if !matches!(one.judged, Judged::Always | Judged::BySource) {
                    continue;
                }
                return Err(Fault::invalid("nothing tells which image this is a version of")
                    .at(one.file.as_str(), one.line, 0)
                    .hint("leave out --require-image, or name the image: with --image, or with `image:` in the policy file"));
            };
            if !required.contains(reference) {
                required.push(reference.clone());
            }
        }
        Ok(required)
    }
}
