//! The value that stands and the one that is to come, with what is known of where each was built.

use std::cell::OnceCell;

use super::Guard;
use crate::plan::ancestry::Ancestry;
use crate::steps::bump_values::draft::Move;
use crate::words::image::ImageRef;
use crate::words::payload::Source;
use crate::words::trailers::{Key, Trailers};

/// How many commits of a file are asked for, at most, to find the one that set a value.
const HISTORY: usize = 10;

/// Two values of one place.
pub(super) struct Pair<'a> {
    pub old: &'a str,
    pub new: &'a str,
    /// Where the new one was built.
    pub source: &'a Source,
    /// Who knows the history there.
    pub ancestry: &'a dyn Ancestry,
    guard: &'a Guard<'a>,
    one: &'a Move,
    standing: OnceCell<Option<Source>>,
}

impl<'a> Pair<'a> {
    pub(super) fn new(guard: &'a Guard<'a>, one: &'a Move, old: &'a str, new: &'a str) -> Self {
        Self {
            old,
            new,
            source: guard.source,
            ancestry: guard.ancestry,
            guard,
            one,
            standing: OnceCell::new(),
        }
    }

    /// Returns where the old value was built, by the trailers of the newest commit that set it.
    ///
    /// The file's history is read at the first call only: it may cost a request.
    pub(super) fn standing(&self) -> anyhow::Result<Option<&Source>> {
        if let Some(found) = self.standing.get() {
            return Ok(found.as_ref());
        }
        let history = self.guard.snapshot.history(&self.one.file, HISTORY)?;
        let trailers = history.iter().map(|commit| Trailers::parse(&commit.message));
        let found = trailers
            .into_iter()
            .find(|trailers| self.was_set_by(trailers))
            .map(|trailers| source_of(&trailers));
        Ok(self.standing.get_or_init(|| found).as_ref())
    }

    /// Returns the tag of the old value, or the value itself.
    pub(super) fn old_tag(&self) -> String {
        tag_of(self.old)
    }

    /// Returns the tag of the new value, or the value itself.
    pub(super) fn new_tag(&self) -> String {
        tag_of(self.new)
    }

    pub(super) fn incomparable(&self) -> String {
        format!(
            "`{}` and `{}` cannot be compared",
            self.old.escape_debug(),
            self.new.escape_debug()
        )
    }

    /// Why nothing can be told where no commit tells of the old value.
    pub(super) fn unnamed(&self) -> String {
        format!(
            "no commit of `{}` that can be read tells where `{}` was built",
            self.one.file,
            self.old.escape_debug()
        )
    }

    /// A run that set several values at once names none of them, but its images.
    fn was_set_by(&self, trailers: &Trailers) -> bool {
        match trailers.get(Key::New) {
            Some(new) => new == self.old,
            None => self
                .one
                .image
                .as_deref()
                .is_some_and(|image| trailers.all(Key::Image).any(|named| named == image)),
        }
    }
}

fn source_of(trailers: &Trailers) -> Source {
    let get = |key| trailers.get(key).map(str::to_owned);
    Source {
        repo: get(Key::SourceRepo),
        commit: get(Key::SourceCommit),
        sequence: trailers
            .get(Key::SourceSequence)
            .and_then(|text| text.parse().ok()),
        run_url: get(Key::RunUrl),
        ..Source::default()
    }
}

/// The tag of a reference, or the value itself.
fn tag_of(value: &str) -> String {
    if !value.contains([':', '/']) {
        return value.to_owned();
    }
    let tag = value.parse::<ImageRef>().ok().and_then(|reference| reference.tag);
    tag.map_or_else(|| value.to_owned(), |tag| tag.to_string())
}
