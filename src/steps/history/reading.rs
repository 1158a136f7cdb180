//! The value at a place, in a content as it once was.

use std::collections::HashMap;
use std::rc::Rc;

use super::watch::Spot;
use crate::plan::log::Log;
use crate::plan::places::Place;
use crate::steps::bump_values::locate;
use crate::words::repo_path::RepoPath;
use crate::yaml;

/// The most bytes of a file that is read.
const LONGEST: usize = 16 * 1024 * 1024;

/// What stood at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// A value.
    Value(String),
    /// Nothing: no such place, or more than one, or one without a version.
    Nothing,
    /// A file that is no YAML.
    Unreadable,
}

impl Reading {
    pub(super) fn value(&self) -> Option<&str> {
        match self {
            Self::Value(value) => Some(value),
            Self::Nothing | Self::Unreadable => None,
        }
    }
}

/// Reads contents, each once.
#[derive(Default)]
pub(super) struct Readings(HashMap<(String, usize, usize), Rc<Vec<Reading>>>);

impl Readings {
    /// Returns what a content holds at the places of a file, in their order; `None` is a file that is not there.
    ///
    /// `file` is the number by which the file is watched, whatever its name was.
    pub(super) fn of(
        &mut self,
        log: &dyn Log,
        content: Option<&str>,
        file: usize,
        path: &RepoPath,
        spots: &[Spot],
    ) -> anyhow::Result<Rc<Vec<Reading>>> {
        let Some(content) = content else {
            return Ok(Rc::new(vec![Reading::Nothing; spots.len()]));
        };
        // More places of a file may come to be watched later.
        let key = (content.to_owned(), file, spots.len());
        if let Some(known) = self.0.get(&key) {
            return Ok(Rc::clone(known));
        }
        let readings = Rc::new(read(&log.read(content)?, path, spots));
        self.0.insert(key, Rc::clone(&readings));
        Ok(readings)
    }
}

fn read(bytes: &[u8], path: &RepoPath, spots: &[Spot]) -> Vec<Reading> {
    let yaml = if bytes.len() > LONGEST {
        None
    } else {
        yaml::File::parse(bytes).ok()
    };
    let Some(yaml) = yaml else {
        return vec![Reading::Unreadable; spots.len()];
    };
    let at = |spot: &Spot| match locate(&yaml, path, &spot.target, spot.image.as_ref())
        .ok()?
        .as_slice()
    {
        [only] => version(only),
        _ => None,
    };
    spots
        .iter()
        .map(|spot| at(spot).map_or(Reading::Nothing, Reading::Value))
        .collect()
}

fn version(place: &Place) -> Option<String> {
    let part = |part: &Option<String>| part.clone().filter(|text| !text.is_empty());
    match (part(&place.written.tag), part(&place.written.digest)) {
        (Some(tag), Some(digest)) => Some(format!("{tag}@{digest}")),
        (one, other) => one.or(other),
    }
}
