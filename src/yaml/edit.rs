//! Edits: what a user asks for, and the result.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::error::{Error, ErrorKind};
use super::file::File;
use super::model::Model;
use super::path::Path;
use super::pin;
use super::prove;
use super::resolve::Document;
use super::round::Round;
use super::splice;

/// A new value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A string, whatever it looks like: `1.10` and `yes` are strings too.
    String(String),
    /// A typed value: a number, a boolean, null, a list or a map.
    Json(Json),
}

impl Value {
    pub(super) fn to_json(&self) -> Json {
        match self {
            Self::String(text) => Json::from(text.as_str()),
            Self::Json(json) => json.clone(),
        }
    }

    pub(super) fn shown(&self) -> String {
        match self {
            Self::String(text) | Self::Json(Json::String(text)) => text.clone(),
            Self::Json(json) => json.to_string(),
        }
    }
}

/// What to do when a path matches nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IfMissing {
    /// Fail.
    #[default]
    Error,
    /// Leave the file as it is.
    Skip,
    /// Make it, with the maps that lead to it.
    Create,
}

/// What to do at a place.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Give it this value.
    Set {
        /// The value.
        value: Value,
    },
    /// Take it out.
    Unset,
}

/// One edit.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    /// The document; without one the path must exist in exactly one.
    pub document: Option<Document>,
    /// The place.
    pub path: Path,
    /// What to do there.
    pub operation: Operation,
    /// What to do when there is no such place.
    pub if_missing: IfMissing,
    /// Whether a value may change that other places share through an anchor.
    pub allow_shared: bool,
}

/// What an edit changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The document, from 0.
    pub document: usize,
    /// The place, as it was asked for.
    pub path: Path,
    /// The line of the value in the new text; of one that was taken out, in the old text.
    pub line: usize,
    /// The old value as text; `None` where nothing stood.
    pub old: Option<String>,
    /// The new value as text; `None` where nothing is left.
    pub new: Option<String>,
    /// Whether a string now stands where a number or a boolean stood.
    pub was_typed: bool,
}

/// The result of edits, proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The new text; without changes it is the old one to the byte.
    pub text: String,
    /// What changed, in the order of the edits.
    pub changes: Vec<Change>,
    /// Why only one of the two parsers could vouch for the result, if so.
    pub unproven_by: Option<String>,
}

impl File {
    /// Makes edits, all or none, and proves the result.
    ///
    /// Edits are made together where they do not touch each other, and else one after the other.
    ///
    /// # Errors
    /// Any [`ErrorKind`]; the first edit that cannot be made decides.
    pub fn apply(&self, edits: &[Edit]) -> Result<Edited, Error> {
        let mut pending = distinct(edits)?;
        let model = (pending.len() > 1)
            .then(|| Model::of(self, edits, &pending))
            .transpose()?;
        let mut newest: Option<File> = None;
        let mut changes: Vec<(usize, Change)> = Vec::new();
        let mut unproven_by = None;
        // Every path means this text, also when its turn comes after another edit's.
        let mut pinned: Option<Vec<Edit>> = None;
        while !pending.is_empty() {
            let file = newest.as_ref().unwrap_or(self);
            let mut round = Round::of(file, pinned.as_deref().unwrap_or(edits), &pending)?;
            splice::sort(&mut round.splices)?;
            let is_unset = |(position, _): &&(usize, Change)| edits[*position].operation == Operation::Unset;
            let gone: Vec<usize> = round
                .changes
                .iter()
                .filter(is_unset)
                .map(|(position, _)| *position)
                .collect();
            changes.append(&mut round.changes);
            pending = std::mem::take(&mut round.deferred);
            if edits.len() > 1 && !(gone.is_empty() && pending.is_empty()) {
                let pinned = pinned.get_or_insert_with(|| pin::pin(self, edits));
                pin::follow(pinned, &gone, &mut pending)?;
            }
            if !round.splices.is_empty() {
                let text = splice::apply(file.text(), &round.splices);
                let proven = prove::prove(file, &text, &round.splices, &round.effects)?;
                unproven_by = unproven_by.or(proven.unproven_by).or(round.unproven_by);
                newest = Some(proven.file);
            }
        }
        let file = newest.as_ref().unwrap_or(self);
        if let Some(model) = model {
            model.check(file)?;
        }
        changes.sort_by_key(|(position, _)| *position);
        let made = pinned.as_deref().unwrap_or(edits);
        for (position, change) in &mut changes {
            let document = Document::Index(change.document);
            change.path = edits[*position].path.clone();
            if let (Some(_), Ok(node)) = (&change.new, file.find(Some(&document), &made[*position].path)) {
                change.line = node.line();
            }
        }
        Ok(Edited {
            text: file.text().to_owned(),
            changes: changes.into_iter().map(|(_, change)| change).collect(),
            unproven_by,
        })
    }
}

/// Returns the positions of the edits without repetitions.
fn distinct(edits: &[Edit]) -> Result<Vec<usize>, Error> {
    let mut seen: HashMap<(&Option<Document>, &Path), &Edit> = HashMap::new();
    let mut positions = Vec::new();
    for (position, edit) in edits.iter().enumerate() {
        match seen.insert((&edit.document, &edit.path), edit) {
            None => positions.push(position),
            Some(other) if other.operation == edit.operation => {}
            Some(other) => return Err(contradiction(other, edit)),
        }
    }
    Ok(positions)
}

/// Says that two edits cannot both be made.
pub(super) fn contradiction(one: &Edit, other: &Edit) -> Error {
    let asked = |edit: &Edit| match &edit.operation {
        Operation::Set { value } => format!("set `{}` to `{}`", edit.path, value.shown().escape_debug()),
        Operation::Unset => format!("unset `{}`", edit.path),
    };
    Error::new(
        ErrorKind::Contradiction,
        format!(
            "two edits contradict each other: {}, and {}",
            asked(one),
            asked(other)
        ),
    )
    .hint("ask for each place once")
}
