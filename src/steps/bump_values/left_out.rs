//! A list of `--changes` without the files that it comes too late for.
//!
//! The entries of a list have nothing to do with each other as a rule: one app that was overtaken must not keep the others.

use super::draft::Draft;
use super::way::Way;
use super::{Circumstances, Request, by_file};
use crate::plan::snapshot::Snapshot;
use crate::steps::args::{GuardArg, OnStale};
use crate::words::changes::Change;
use crate::words::fault::Fault;

/// The most files that are named one by one.
const NAMED: usize = 20;

impl Request {
    /// Checks that files are left out of a list only.
    pub(super) fn leaves_out_of_a_list(on_stale: OnStale, way: &Way) -> Result<(), Fault> {
        if on_stale == OnStale::LeaveOut && !matches!(way, Way::Changes(_)) {
            return Err(Fault::invalid("--on-stale leave-out is for --changes")
                .hint("the places of one app move together or not at all; --on-stale skip or fail"));
        }
        Ok(())
    }

    /// Returns the request without the files in which a newer value is there already, and what there is to say of them;
    /// `None` where it is to be planned as it is, because none are, all are, or they are not to be left out.
    ///
    /// # Errors
    /// What is wrong with the list or its files.
    pub(super) fn without_overtaken(
        &self,
        snapshot: &dyn Snapshot,
        circumstances: Circumstances<'_>,
    ) -> anyhow::Result<Option<(Self, Vec<String>)>> {
        let (Way::Changes(entries), OnStale::LeaveOut) = (&self.way, self.guard.on_stale) else {
            return Ok(None);
        };
        let mut draft = Draft::default();
        by_file::draft_changes(&mut draft, self, entries, snapshot)?;
        let guard = self.guard_on(GuardArg::Auto, snapshot, circumstances);
        let overtaken = guard.overtaken(&draft.moves)?;
        let rest: Vec<Change> = entries
            .iter()
            .filter(|entry| !overtaken.contains_key(&entry.file))
            .cloned()
            .collect();
        if rest.is_empty() || rest.len() == entries.len() {
            return Ok(None);
        }
        let mut said: Vec<String> = overtaken
            .values()
            .take(NAMED)
            .map(|said| format!("left out: {said}"))
            .collect();
        if let Some(more @ 1..) = overtaken.len().checked_sub(NAMED) {
            said.push(format!("left out: {more} more files where newer values stand"));
        }
        let way = Way::Changes(rest);
        Ok(Some((Self { way, ..self.clone() }, said)))
    }
}
