//! Asks a registry for many things at once, by few threads.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use super::Registry;
use crate::plan::registry::{Asked, Image, Reference, Shelf};
use crate::words::fault::{Fault, Kind};
use crate::words::image::{Digest, Tag};
use crate::words::platform::Platform;
use crate::world::progress::Progress;

/// How many requests are under way at once: registries limit who sends many.
const THREADS: usize = 6;

impl Shelf for Registry {
    fn tags(&self) -> Result<Vec<Tag>, Fault> {
        Self::tags(self)
    }

    fn image(&self, reference: &Reference, wanted: Option<&Platform>) -> Result<Option<Image>, Fault> {
        Self::image(self, reference, wanted)
    }

    fn digest(&self, tag: &Tag) -> Result<Option<Digest>, Fault> {
        Self::digest(self, tag)
    }

    fn images(&self, tags: &[Tag], wanted: Option<&Platform>) -> Result<Vec<Asked<Image>>, Fault> {
        many(&*self.access.progress, tags, |tag| {
            Self::image(self, &Reference::Tag(tag.clone()), wanted)
        })
    }

    fn digests(&self, tags: &[Tag]) -> Result<Vec<Asked<Digest>>, Fault> {
        many(&*self.access.progress, tags, |tag| Self::digest(self, tag))
    }
}

/// Asks for each, and ends early where one answer says that there is no use in asking on.
fn many<T: Send>(
    progress: &dyn Progress,
    tags: &[Tag],
    ask: impl Fn(&Tag) -> Asked<T> + Sync,
) -> Result<Vec<Asked<T>>, Fault> {
    let mut answers = Vec::new();
    answers.resize_with(tags.len(), || Ok(None));
    let answers = Mutex::new(answers);
    let hopeless = Mutex::new(None);
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        while locked(&hopeless).is_none() {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(tag) = tags.get(at) else { return };
            match ask(tag) {
                Err(fault) if is_hopeless(&fault) => *locked(&hopeless) = Some(fault),
                answer => locked(&answers)[at] = answer,
            }
            progress.show("images", done.fetch_add(1, Ordering::Relaxed) + 1, tags.len());
        }
    };
    thread::scope(|scope| {
        for _ in 1..THREADS.min(tags.len()) {
            scope.spawn(work);
        }
        work();
    });
    match locked(&hopeless).take() {
        Some(fault) => Err(fault),
        None => Ok(std::mem::take(&mut *locked(&answers))),
    }
}

/// A refusal may be of one image alone; a limit, a lost connection or a missing repository is of all.
fn is_hopeless(fault: &Fault) -> bool {
    fault.kind != Kind::Denied
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
