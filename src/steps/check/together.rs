//! What places say together: that they agree, and that each is listed once.

use std::collections::HashMap;

use super::target::{Seen, whose};
use super::{Checked, Where};
use crate::plan::finding::Severity;
use crate::plan::places::{Written, shown};
use crate::words::fault::Fault;

impl Checked<'_> {
    /// Tells of places of one environment that hold different versions of an image.
    pub(super) fn versions(&mut self, seen: &[Seen<'_>]) {
        for places in seen.chunk_by(|a, b| std::ptr::eq(a.pair, b.pair)) {
            let mut first: Vec<&Seen<'_>> = Vec::new();
            for one in places.iter().filter(|one| version(&one.place.written).is_some()) {
                let same = |other: &&&Seen<'_>| match (&one.image, &other.image) {
                    (Some(image), Some(other)) => image.same_as(other),
                    (image, other) => image.is_none() && other.is_none(),
                };
                let Some(other) = first.iter().find(same) else {
                    first.push(one);
                    continue;
                };
                let (ours, theirs) = (version(&one.place.written), version(&other.place.written));
                if ours == theirs {
                    continue;
                }
                let fault = Fault::invalid(format!(
                    "the places of {} disagree: `{}` here, `{}` at {}:{}",
                    whose(one.pair),
                    ours.unwrap_or_default().escape_debug(),
                    theirs.unwrap_or_default().escape_debug(),
                    other.file,
                    other.line
                ))
                .hint(
                    "nothing can be promoted from here until they agree; the next change brings them in line",
                );
                let here = one.here();
                self.find(
                    Severity::Warning,
                    "versions-differ",
                    fault,
                    one.pair,
                    &Where::Here(&here),
                );
            }
        }
    }

    /// Tells of places that are listed more than once: two environments that share one cannot hold different versions.
    pub(super) fn listed_twice(&mut self, seen: &[Seen<'_>]) {
        let mut known: HashMap<(&str, usize, String), &Seen<'_>> = HashMap::new();
        for one in seen {
            let path = shown(one.place.path.as_ref());
            let key = (one.file.as_str(), one.place.document, path.clone());
            let Some(other) = known.get(&key) else {
                known.insert(key, one);
                continue;
            };
            let listed = format!("{path} of `{}` is listed", one.file);
            let at = Where::Target(one.index);
            let before = self.at_target(&other.pair.resolved, other.index).line;
            if std::ptr::eq(one.pair, other.pair) {
                let fault = Fault::invalid(format!("{listed} twice for {} (line {before})", whose(one.pair)))
                    .hint("take one of them out");
                self.find(Severity::Warning, "place-repeated", fault, one.pair, &at);
            } else {
                let fault = Fault::invalid(format!(
                    "{listed} for {} and for {} (line {before}): a change of the one is a change of the other",
                    whose(one.pair),
                    whose(other.pair)
                ))
                .hint("give each a place of its own");
                self.find(Severity::Error, "place-shared", fault, one.pair, &at);
            }
        }
    }
}

fn version(written: &Written) -> Option<String> {
    match (&written.tag, &written.digest) {
        (Some(tag), Some(digest)) => Some(format!("{tag}@{digest}")),
        (one, other) => one.clone().or_else(|| other.clone()),
    }
}
