//! What stands, and how each environment lies to the one that it is promoted from.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::reading::Reading;
use super::report::{Cut, Drift, DriftState, Entry, Held, Standing};
use super::walk::{compare, distinct};
use super::watch::Watch;
use crate::plan::log::LineCommit;

/// The file and the place in it, by their numbers.
type At = (usize, usize);

/// Returns what stood when the history that is told ended, by app and environment.
pub(super) fn standings(
    watch: &Watch<'_>,
    entries: &[(usize, Entry)],
    last: &HashMap<At, usize>,
    stood: &HashMap<At, Reading>,
    begin: &LineCommit,
    cut: Option<&Cut>,
) -> Vec<Standing> {
    let oldest = cut.map_or(begin.when, |cut| cut.when);
    let held = |pair: usize| {
        held(watch, pair, stood, |at| {
            last.get(at).map(|entry| &entries[*entry].1)
        })
    };
    let all: Vec<Vec<Held>> = (0..watch.pairs.len()).map(held).collect();
    let mut standings = Vec::new();
    for (number, pair) in watch.pairs.iter().enumerate().filter(|(_, pair)| pair.shown) {
        let nothing = all[number].iter().all(|one| one.version.is_none());
        if nothing && !pair.named {
            continue;
        }
        let from = pair
            .promote_from
            .as_ref()
            .and_then(|from| watch.pair(&pair.app, from));
        let drift = from.map(|from| Drift {
            from: watch.pairs[from].env.to_string(),
            ..drift(&all[number], &all[from], &past(entries, from))
        });
        let mut versions = all[number].clone();
        for one in versions.iter_mut().filter(|one| one.commit.is_none()) {
            one.since = oldest;
        }
        standings.push(Standing {
            app: pair.app.to_string(),
            env: pair.env.to_string(),
            agrees: agrees(&all[number]),
            versions,
            drift,
        });
    }
    standings.sort_by(|a, b| (&a.app, &a.env).cmp(&(&b.app, &b.env)));
    standings
}

/// The versions of one app and environment, each with all places that hold it.
fn held<'e>(
    watch: &Watch<'_>,
    pair: usize,
    stood: &HashMap<At, Reading>,
    last: impl Fn(&At) -> Option<&'e Entry>,
) -> Vec<Held> {
    let mut found: Vec<Held> = Vec::new();
    for at in &watch.pairs[pair].spots {
        let file = &watch.files[at.0];
        let spot = &file.spots[at.1];
        let image = spot.image.as_ref().map(ToString::to_string);
        let version = stood.get(at).and_then(Reading::value).map(str::to_owned);
        let cluster = spot.target.cluster.clone();
        let came = last(at);
        let own = Held {
            clusters: cluster.into_iter().collect(),
            files: vec![file.path.to_string()],
            since: came.map_or(jiff::Timestamp::UNIX_EPOCH, |entry| entry.told.when),
            at_least: came.is_none(),
            old: came.and_then(|entry| entry.old.clone()),
            commit: came.map(|entry| entry.told.commit.clone()),
            by: came.map(|entry| entry.told.by.clone()),
            image,
            version,
        };
        match found
            .iter_mut()
            .find(|one| one.image == own.image && one.version == own.version)
        {
            None => found.push(own),
            Some(same) => {
                let clusters = same.clusters.iter().chain(&own.clusters).cloned();
                let files = same.files.iter().chain(&own.files).cloned();
                let (clusters, files) = (distinct(clusters), distinct(files));
                // The last place to get it counts: only then did the whole environment have it.
                if own.since > same.since {
                    *same = own;
                }
                (same.clusters, same.files) = (clusters, files);
            }
        }
    }
    found
}

fn agrees(held: &[Held]) -> bool {
    held.iter()
        .enumerate()
        .all(|(number, one)| !held[..number].iter().any(|other| other.image == one.image))
}

/// The values that an environment has had, newest first, by image.
fn past(entries: &[(usize, Entry)], pair: usize) -> HashMap<Option<&str>, Vec<&str>> {
    let mut past: HashMap<Option<&str>, Vec<&str>> = HashMap::new();
    for (_, entry) in entries.iter().filter(|(other, _)| *other == pair) {
        let values = past.entry(entry.image.as_deref()).or_default();
        for value in [&entry.new, &entry.old].into_iter().flatten() {
            if values.last() != Some(&value.as_str()) {
                values.push(value);
            }
        }
    }
    past
}

/// How one environment lies to another; that one's name is for the caller to fill in. The image that lies farthest counts.
fn drift(here: &[Held], from: &[Held], past: &HashMap<Option<&str>, Vec<&str>>) -> Drift {
    let differs = (DriftState::Differs, None);
    let (state, behind) = if agrees(here) && agrees(from) {
        let each = here.iter().map(|one| {
            let theirs = from.iter().find(|other| other.image == one.image);
            match (&one.version, theirs.and_then(|other| other.version.as_ref())) {
                (Some(ours), Some(theirs)) => of_versions(ours, theirs, past.get(&one.image.as_deref())),
                (None, None) => (DriftState::InStep, Some(0)),
                _ => differs,
            }
        });
        each.max_by_key(|(state, behind)| (rank(*state), *behind))
            .unwrap_or(differs)
    } else {
        differs
    };
    Drift {
        from: String::new(),
        state,
        behind,
    }
}

fn of_versions(ours: &str, theirs: &str, past: Option<&Vec<&str>>) -> (DriftState, Option<usize>) {
    if ours == theirs {
        return (DriftState::InStep, Some(0));
    }
    let behind = past.and_then(|past| past.iter().position(|value| *value == ours));
    match (compare(ours, theirs), behind) {
        (Some(Ordering::Greater), _) => (DriftState::Ahead, None),
        (_, Some(behind)) => (DriftState::Behind, Some(behind)),
        (Some(Ordering::Less), None) => (DriftState::Behind, None),
        (Some(Ordering::Equal) | None, None) => (DriftState::Differs, None),
    }
}

fn rank(state: DriftState) -> u8 {
    match state {
        DriftState::InStep => 0,
        DriftState::Behind => 1,
        DriftState::Ahead => 2,
        DriftState::Differs => 3,
    }
}
