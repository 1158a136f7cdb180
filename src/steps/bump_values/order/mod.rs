//! The order guard: an older value does not replace a newer one.
//!
//! Two values are compared by their versions, by the run numbers of the builds that made them, or by the commits that
//! they were built from. The table stands in `docs/guard.md`.

mod ancestry;
mod pair;
mod sequence;
mod version;

use std::collections::btree_map::{BTreeMap, Entry};

use super::draft::{Judged, Move};
use crate::plan::ancestry::Ancestry;
use crate::plan::snapshot::Snapshot;
use crate::steps::args::{GuardArg, GuardArgs, OnStale};
use crate::words::fault::Fault;
use crate::words::payload::Source;
use crate::words::repo_path::RepoPath;
use pair::Pair;

/// What the guard says of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Newer,
    /// A newer value is there already.
    Superseded(String),
}

/// What the guard judges by.
pub struct Guard<'a> {
    /// The flags.
    pub flags: &'a GuardArgs,
    /// The policy's word, where no flag says otherwise.
    pub policy: GuardArg,
    /// Where the new values were built.
    pub source: &'a Source,
    /// Whether the new values were chosen by an order of their own: then what this one cannot tell needs no word.
    pub chosen: bool,
    /// The repository as it stands, with its history.
    pub snapshot: &'a dyn Snapshot,
    /// The history of the repositories that images are built in.
    pub ancestry: &'a dyn Ancestry,
}

/// What can be told of the order of two values.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Order {
    /// The new value may replace the old one.
    Newer,
    /// The old value is the newer one, and how that is said.
    Older(String),
    /// Nothing can be told, and why.
    Unknown(String),
}

impl Guard<'_> {
    /// Judges every value; what `auto` cannot judge becomes a warning.
    ///
    /// One newer value supersedes the whole run: clusters of one environment move together or not at all.
    ///
    /// # Errors
    /// `Refused` for a stale value under `--on-stale fail`, and for one whose order `sequence` or `ancestry` cannot
    /// tell; `Invalid` under `semver` for a new value that is no version.
    pub fn judge(&self, moves: &[Move], warnings: &mut Vec<String>) -> anyhow::Result<Verdict> {
        self.weigh_each(moves, |one, order| self.weigh(one, order, warnings))
    }

    /// Returns the files in which a newer value is there already, each with how that is said.
    ///
    /// # Errors
    /// Where the history cannot be read.
    pub fn overtaken(&self, moves: &[Move]) -> anyhow::Result<BTreeMap<RepoPath, String>> {
        let mut found = BTreeMap::new();
        self.weigh_each(moves, |one, order| {
            if let Order::Older(said) = order
                && !self.flags.allow_downgrade
            {
                found
                    .entry(one.file.clone())
                    .or_insert_with(|| format!("{}: {said}", place(one)));
            }
            Ok(None)
        })?;
        Ok(found)
    }

    /// Finds the order of every value that is judged, until one decides for the run.
    fn weigh_each(
        &self,
        moves: &[Move],
        mut weigh: impl FnMut(&Move, &Order) -> anyhow::Result<Option<Verdict>>,
    ) -> anyhow::Result<Verdict> {
        if self.word() == GuardArg::None {
            return Ok(Verdict::Newer);
        }
        // Many places often hold one value: its order is found once.
        let mut known: BTreeMap<(Option<&str>, &str, &str), Order> = BTreeMap::new();
        for one in moves.iter().filter(|one| self.judges(one)) {
            let (Some(old), Some(new)) = (&one.old, &one.new) else {
                continue;
            };
            if old.is_empty() || (old == new && !one.repinned) {
                continue;
            }
            let order = match known.entry((one.image.as_deref(), old, new)) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(empty) => empty.insert(self.order(&Pair::new(self, one, old, new))?),
            };
            if let Some(verdict) = weigh(one, order)? {
                return Ok(verdict);
            }
        }
        Ok(Verdict::Newer)
    }

    /// Says what an order means for the run; `None` lets it go on.
    fn weigh(
        &self,
        one: &Move,
        order: &Order,
        warnings: &mut Vec<String>,
    ) -> anyhow::Result<Option<Verdict>> {
        match order {
            Order::Older(_) if self.flags.allow_downgrade => {
                warnings.push(format!("{} steps back {}", place(one), from_to(one)));
            }
            Order::Older(said) => return self.stale(one, said).map(Some),
            Order::Unknown(why) if self.insists() => return Err(unknown(one, self.word(), why).into()),
            Order::Unknown(why) if !self.chosen && (one.image.is_some() || self.flags.guard.is_some()) => {
                warnings.push(format!("order not checked: {why} ({})", place(one)));
            }
            Order::Newer | Order::Unknown(_) => {}
        }
        Ok(None)
    }

    /// Returns the guard's name: the flag's, else the policy's.
    fn word(&self) -> GuardArg {
        self.flags.guard.unwrap_or(self.policy)
    }

    /// Whether what cannot be told is refused.
    fn insists(&self) -> bool {
        matches!(self.word(), GuardArg::Sequence | GuardArg::Ancestry) && !self.flags.allow_downgrade
    }

    fn judges(&self, one: &Move) -> bool {
        match one.judged {
            Judged::Always => true,
            Judged::WhenAsked => !matches!(self.flags.guard, None | Some(GuardArg::Auto)),
            Judged::BySource => self.word() != GuardArg::Semver,
            Judged::Never => false,
        }
    }

    fn order(&self, pair: &Pair<'_>) -> anyhow::Result<Order> {
        match self.word() {
            GuardArg::Semver => Ok(version::order_of_versions(pair)?),
            GuardArg::Sequence => sequence::order(pair),
            GuardArg::Ancestry => ancestry::order(pair),
            GuardArg::Auto | GuardArg::None => auto(pair),
        }
    }

    fn stale(&self, one: &Move, said: &str) -> anyhow::Result<Verdict> {
        match self.flags.on_stale {
            OnStale::Skip | OnStale::LeaveOut => Ok(Verdict::Superseded(format!("{}: {said}", place(one)))),
            OnStale::Fail => Err(Fault::refused(said)
                .at(one.file.as_str(), one.line, 0)
                .hint("give --allow-downgrade to step back on purpose")
                .into()),
        }
    }
}

/// Asks the cheapest judge first; the next one only where it cannot tell.
fn auto(pair: &Pair<'_>) -> anyhow::Result<Order> {
    let is_one_version = match version::order(pair) {
        Some(Order::Unknown(_)) => true,
        Some(found) => return Ok(found),
        None => false,
    };
    let first = match sequence::order(pair)? {
        Order::Unknown(why) => why,
        found => return Ok(found),
    };
    let second = match ancestry::order(pair)? {
        Order::Unknown(why) => why,
        found => return Ok(found),
    };
    // Two spellings of one version, such as 1.2.3 and v1.2.3, are in order all the same.
    if is_one_version {
        return Ok(Order::Newer);
    }
    let why = if first == second {
        first
    } else {
        format!("{first}; {second}")
    };
    Ok(Order::Unknown(format!("{}: {why}", pair.incomparable())))
}

fn unknown(one: &Move, guard: GuardArg, why: &str) -> Fault {
    let name = if guard == GuardArg::Sequence {
        "sequence"
    } else {
        "ancestry"
    };
    Fault::refused(format!("the guard is {name}, and {why}"))
        .at(one.file.as_str(), one.line, 0)
        .hint("give --allow-downgrade to set the value whatever its order is, or another --guard")
}

fn from_to(one: &Move) -> String {
    let shown = |value: &Option<String>| value.as_deref().unwrap_or_default().escape_debug().to_string();
    format!("from `{}` to `{}`", shown(&one.old), shown(&one.new))
}

fn place(one: &Move) -> String {
    if one.line > 0 {
        format!("{}:{}", one.file, one.line)
    } else {
        one.file.to_string()
    }
}

#[cfg(test)]
mod tests;
