//! A round: as many edits as can be resolved, spliced and proven together.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value as Json;

use super::edit::{self, Change, Edit, IfMissing, Operation, Value};
use super::embed;
use super::error::{Error, ErrorKind};
use super::file::{File, Node, NodeKind};
use super::insert::{self, Addition};
use super::locate::{Shape, Style};
use super::path::{Segment, Shown};
use super::prove::{Effect, Effects};
use super::resolve::{self, Stop, Why};
use super::splice::Splice;
use super::{set, unset};

/// What was planned for one file.
#[derive(Debug)]
pub struct Round<'f> {
    /// The changes of bytes.
    pub splices: Vec<Splice>,
    /// The changes of values.
    pub effects: Effects,
    /// What to report, by the edit's position.
    pub changes: Vec<(usize, Change)>,
    /// The edits that have to wait for the result of this round.
    pub deferred: Vec<usize>,
    /// Why only one parser could vouch for an inner file, if so.
    pub unproven_by: Option<String>,
    file: &'f File,
    /// Nodes that change as a whole: the index after them, and the edit.
    touched: BTreeMap<u32, (u32, usize)>,
    /// Collections that grow or shrink in this round.
    moving: HashMap<u32, Moving>,
    /// The edits that go on inside a block scalar.
    inner: BTreeMap<u32, Vec<(usize, usize)>>,
    /// The anchors that have an alias.
    aliased: BTreeSet<u32>,
}

/// How a collection changes in a round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moving {
    /// A block collection gets entries at its end.
    Growing,
    /// A block collection loses entries, this many.
    Shrinking(usize),
    /// Nothing more can happen to it in this round.
    Settled,
}

/// An edit on its way: its position, and how many steps of its path lie outside this file.
#[derive(Clone, Copy, Debug)]
struct Work<'e> {
    position: usize,
    edit: &'e Edit,
    segments: &'e [Segment],
}

impl<'f> Round<'f> {
    /// Plans the pending edits of a file.
    ///
    /// # Errors
    /// The first edit that cannot be made.
    pub fn of(file: &'f File, edits: &[Edit], pending: &[usize]) -> Result<Self, Error> {
        let mut round = Self::empty(file);
        for &position in pending {
            let edit = &edits[position];
            let work = Work {
                position,
                edit,
                segments: edit.path.segments(),
            };
            match file.choose(edit.document.as_ref(), &edit.path) {
                Ok(Some(root)) => round.plan(root, work, edits)?,
                Ok(None) => round.without_document(work)?,
                Err(error) if error.kind == ErrorKind::Missing && edit.if_missing == IfMissing::Skip => {}
                Err(error)
                    if error.kind == ErrorKind::Missing
                        && edit.if_missing == IfMissing::Create
                        && edit.document.is_none() =>
                {
                    let message = format!(
                        "`{}` exists in no document, and the file has {}",
                        edit.path,
                        file.documents().len()
                    );
                    return Err(Error::new(ErrorKind::Ambiguous, message).hint(
                        "name the document to create it in with --document N or --document Kind/name",
                    ));
                }
                Err(error) => return Err(error),
            }
        }
        round.inside(edits)?;
        Ok(round)
    }

    fn empty(file: &'f File) -> Self {
        let aliases = file
            .located
            .nodes
            .iter()
            .filter(|raw| raw.shape == Shape::Alias && !file.located.anchors.is_empty());
        Self {
            splices: Vec::new(),
            effects: Effects::default(),
            changes: Vec::new(),
            deferred: Vec::new(),
            unproven_by: None,
            file,
            touched: BTreeMap::new(),
            moving: HashMap::new(),
            inner: BTreeMap::new(),
            aliased: aliases.map(|raw| raw.anchor).collect(),
        }
    }

    /// Plans edits whose paths go on inside block scalars.
    fn inside(&mut self, edits: &[Edit]) -> Result<(), Error> {
        for (index, works) in std::mem::take(&mut self.inner) {
            let scalar = self.file.node(index);
            let Some(file) = scalar.embedded() else { continue };
            let Some(root) = file.documents().next() else {
                continue;
            };
            let mut round = Round::empty(file);
            for (position, taken) in works {
                let edit = &edits[position];
                let segments = &edit.path.segments()[taken..];
                round.plan(
                    root,
                    Work {
                        position,
                        edit,
                        segments,
                    },
                    edits,
                )?;
            }
            round.inside(edits)?;
            self.changes.append(&mut round.changes);
            self.deferred.append(&mut round.deferred);
            if let Some(embedded) = embed::embed(scalar, file, &mut round)? {
                self.splices.extend(embedded.splices);
                self.effects
                    .nodes
                    .insert(index, Effect::Replace(Json::from(embedded.text)));
                self.unproven_by = self.unproven_by.take().or(embedded.unproven_by);
            }
        }
        Ok(())
    }

    fn plan(&mut self, root: Node<'f>, work: Work<'_>, edits: &[Edit]) -> Result<(), Error> {
        refuse_encrypted(root)?;
        match resolve::walk(root, work.segments) {
            Ok(node) => match &work.edit.operation {
                Operation::Set { value } => self.set(node, value, work, edits),
                Operation::Unset => self.unset(node, work, edits),
            },
            Err(stop) => self.stopped(&stop, work, edits),
        }
    }

    /// An edit whose path does not exist in this file.
    fn stopped(&mut self, stop: &Stop<'f>, work: Work<'_>, edits: &[Edit]) -> Result<(), Error> {
        let scalar = matches!(stop.why, Why::NotACollection);
        if scalar && stop.node.embedded().is_some() {
            self.refuse_shared(stop.node, work.edit)?;
            self.touch(stop.node, work, edits, true)?;
            let taken = work.edit.path.segments().len() - work.segments.len() + stop.taken;
            self.inner
                .entry(stop.node.index)
                .or_default()
                .push((work.position, taken));
            return Ok(());
        }
        let missing = matches!(stop.why, Why::NoKey | Why::NoItem) || (scalar && stop.node.is_null());
        match (&work.edit.operation, work.edit.if_missing) {
            (_, IfMissing::Skip) if missing => Ok(()),
            (Operation::Set { value }, IfMissing::Create) if missing => self.create(stop, value, work, edits),
            _ => Err(stop.error(work.segments)),
        }
    }

    fn set(&mut self, node: Node<'f>, value: &Value, work: Work<'_>, edits: &[Edit]) -> Result<(), Error> {
        let splices = set::set(node, value)?;
        if splices.is_empty() {
            return Ok(());
        }
        self.refuse_shared(node, work.edit)?;
        self.refuse_dangling(node, node.index + 1..node.raw().next)?;
        if !self.touch(node, work, edits, false)? {
            return Ok(());
        }
        let string = matches!(value, Value::String(_) | Value::Json(Json::String(_)));
        let old = if node.is_null() && node.raw().is_empty() {
            None
        } else {
            Some(shown(node))
        };
        self.report(
            work,
            node,
            old,
            Some(value.shown()),
            string && node.typed() && !node.is_null(),
        );
        self.effects
            .nodes
            .insert(node.index, Effect::Replace(value.to_json()));
        self.splices.extend(splices);
        Ok(())
    }

    fn unset(&mut self, node: Node<'f>, work: Work<'_>, edits: &[Edit]) -> Result<(), Error> {
        let Some(container) = node.parent() else {
            return Err(Error::new(ErrorKind::Shape, "a whole document cannot be unset"));
        };
        self.refuse_shared(container, work.edit)?;
        let key = container
            .entries()
            .find(|(_, value)| value.index == node.index)
            .map_or(node, |(key, _)| key);
        self.refuse_dangling(node, key.index..node.raw().next)?;
        if !self.shrink(node, container, work) || !self.touch(node, work, edits, false)? {
            return Ok(());
        }
        self.splices.extend(unset::unset(node, container)?);
        self.report(work, node, Some(shown(node)), None, false);
        self.effects.restyled.insert(container.index);
        self.effects.nodes.insert(key.index, Effect::Remove);
        self.effects.nodes.insert(node.index, Effect::Remove);
        Ok(())
    }

    /// Returns whether a collection can lose an entry in this round; if not, the edit waits.
    fn shrink(&mut self, node: Node<'f>, container: Node<'f>, work: Work<'_>) -> bool {
        let simple = !container.raw().flow && unset::has_own_line(node, container);
        let children = container.children(container.raw().shape).count();
        let count = if container.kind() == NodeKind::Mapping {
            children / 2
        } else {
            children
        };
        let next = match self.moving.get(&container.index) {
            None if simple && count > 1 => Moving::Shrinking(1),
            None => Moving::Settled,
            Some(Moving::Shrinking(gone)) if simple && gone + 1 < count => Moving::Shrinking(gone + 1),
            Some(_) => {
                self.moving.insert(container.index, Moving::Settled);
                self.deferred.push(work.position);
                return false;
            }
        };
        self.moving.insert(container.index, next);
        true
    }

    fn create(
        &mut self,
        stop: &Stop<'f>,
        value: &Value,
        work: Work<'_>,
        edits: &[Edit],
    ) -> Result<(), Error> {
        let container = stop.node;
        let rest = &work.segments[stop.taken..];
        if let (Some(Segment::Key(key)), true) = (
            rest.first(),
            rest.len() > 1 && container.kind() == NodeKind::Mapping,
        ) {
            // Making the map here would hide the whole inherited one, not one value of it.
            if resolve::inherited(container, key).is_some() {
                let error = stop.error(work.segments);
                return Err(error.hint(format!(
                    "edit where {} is inherited from, or override it whole with --set-json",
                    Shown(&rest[..1])
                )));
            }
        }
        refuse_unmakeable(container, rest)?;
        self.refuse_shared(container, work.edit)?;
        let inside = self.covering(container.index);
        if let Some(other) = inside.filter(|_| container.kind() != NodeKind::Scalar) {
            return Err(edit::contradiction(&edits[other], work.edit));
        }
        let block = !container.raw().flow && container.kind() != NodeKind::Scalar;
        let next = match self.moving.get(&container.index) {
            None if block => Moving::Growing,
            None => Moving::Settled,
            Some(Moving::Growing) if !self.same_key(container.index, rest) => Moving::Growing,
            Some(_) => {
                self.moving.insert(container.index, Moving::Settled);
                self.deferred.push(work.position);
                return Ok(());
            }
        };
        self.moving.insert(container.index, next);
        if container.kind() == NodeKind::Scalar {
            let made = insert::nested(rest, &value.to_json())?;
            if !self.touch(container, work, edits, false)? {
                return Ok(());
            }
            self.splices.extend(insert::fill(container, &made)?);
            self.effects.nodes.insert(container.index, Effect::Replace(made));
        } else {
            let addition = insert::addition(container, rest, &value.to_json())?;
            self.splices.extend(insert::add(container, &addition)?);
            self.effects
                .additions
                .entry(container.index)
                .or_default()
                .push(addition);
        }
        self.report(work, container, None, Some(value.shown()), false);
        Ok(())
    }

    /// Returns whether something with the same first step is being made in a collection; items of a list always are.
    fn same_key(&self, container: u32, rest: &[Segment]) -> bool {
        let made = self
            .effects
            .additions
            .get(&container)
            .map_or(&[][..], Vec::as_slice);
        let same = |addition: &Addition| match (&addition.key, rest.first()) {
            (Some(made), Some(Segment::Key(key))) => made == key,
            _ => true,
        };
        made.iter().any(same)
    }

    fn without_document(&mut self, work: Work<'_>) -> Result<(), Error> {
        match (&work.edit.operation, work.edit.if_missing) {
            (_, IfMissing::Skip) => {}
            (Operation::Set { .. }, IfMissing::Create) if self.effects.first.is_some() => {
                self.deferred.push(work.position);
            }
            (Operation::Set { value }, IfMissing::Create) => {
                let made = insert::nested(work.segments, &value.to_json())?;
                self.splices.push(insert::first(self.file, &made));
                self.effects.first = Some(made);
                let change = Change {
                    document: 0,
                    path: work.edit.path.clone(),
                    line: 0,
                    old: None,
                    new: Some(value.shown()),
                    was_typed: false,
                };
                self.changes.push((work.position, change));
            }
            _ => {
                let message = format!("`{}` does not exist: the file is empty", work.edit.path);
                return Err(Error::new(ErrorKind::Missing, message).hint("--if-missing create makes it"));
            }
        }
        Ok(())
    }

    fn report(
        &mut self,
        work: Work<'_>,
        node: Node<'_>,
        old: Option<String>,
        new: Option<String>,
        was_typed: bool,
    ) {
        let change = Change {
            document: node.document(),
            path: work.edit.path.clone(),
            line: node.line(),
            old,
            new,
            was_typed,
        };
        self.changes.push((work.position, change));
    }

    /// Returns the edit that changes a node, or a collection around it, as a whole.
    fn covering(&self, index: u32) -> Option<usize> {
        let (_, &(next, position)) = self.touched.range(..=index).next_back()?;
        (next > index).then_some(position)
    }

    /// Notes that a node changes as a whole. Returns false if an equal edit has done so already.
    fn touch(&mut self, node: Node<'_>, work: Work<'_>, edits: &[Edit], inside: bool) -> Result<bool, Error> {
        let range = node.index..node.raw().next;
        let other = self.covering(range.start).or_else(|| {
            self.touched
                .range(range.clone())
                .next()
                .map(|(_, &(_, position))| position)
        });
        if let Some(other) = other {
            let both_inside = inside && self.inner.contains_key(&node.index);
            let equal = self
                .touched
                .get(&range.start)
                .is_some_and(|&(next, _)| next == range.end)
                && edits[other].operation == work.edit.operation;
            if both_inside {
                return Ok(true);
            }
            if equal && !inside && !self.inner.contains_key(&node.index) {
                return Ok(false);
            }
            return Err(edit::contradiction(&edits[other], work.edit));
        }
        if self.moving.range_contains(&range) && node.kind() != NodeKind::Scalar {
            let how = match work.edit.operation {
                Operation::Set { .. } => "replaced whole",
                Operation::Unset => "taken out",
            };
            return Err(Error::new(
                ErrorKind::Contradiction,
                format!("`{}` is {how} and edited inside at once", work.edit.path),
            ));
        }
        self.touched.insert(range.start, (range.end, work.position));
        Ok(true)
    }

    /// Refuses to change a value that other places share, unless that is asked for.
    fn refuse_shared(&self, node: Node<'_>, edit: &Edit) -> Result<(), Error> {
        let mut next = Some(node);
        while let Some(node) = next.filter(|_| !edit.allow_shared) {
            let raw = node.raw();
            if raw.anchor > 0 && raw.shape != Shape::Alias && self.aliased.contains(&raw.anchor) {
                let message = format!(
                    "{} (line {}) has an anchor that is used elsewhere: other values would change too",
                    Shown(&node.segments()),
                    node.line()
                );
                return Err(self
                    .file
                    .error(ErrorKind::Shared, raw.start as usize, message)
                    .hint("--allow-shared changes them all"));
            }
            next = node.parent();
        }
        Ok(())
    }

    /// Refuses to take out an anchor whose alias stays.
    fn refuse_dangling(&self, node: Node<'_>, range: std::ops::Range<u32>) -> Result<(), Error> {
        if self.aliased.is_empty() {
            return Ok(());
        }
        let lost: BTreeSet<u32> = range
            .clone()
            .map(|index| self.file.raw(index))
            .filter(|raw| raw.anchor > 0 && raw.shape != Shape::Alias)
            .map(|raw| raw.anchor)
            .collect();
        let dangling = self.file.located.nodes.iter().enumerate().find(|(index, raw)| {
            raw.shape == Shape::Alias
                && lost.contains(&raw.anchor)
                && !u32::try_from(*index).is_ok_and(|index| range.contains(&index))
        });
        match dangling {
            None => Ok(()),
            Some((_, alias)) => {
                let (line, _) = self.file.place(alias.start as usize);
                let message = format!(
                    "{} (line {}) holds an anchor that line {line} uses",
                    Shown(&node.segments()),
                    node.line()
                );
                Err(self
                    .file
                    .error(ErrorKind::Shared, node.raw().start as usize, message)
                    .hint("give the place that uses it a value of its own first"))
            }
        }
    }
}

/// Whether any collection of a range grows or shrinks.
trait RangeContains {
    fn range_contains(&self, range: &std::ops::Range<u32>) -> bool;
}

impl RangeContains for HashMap<u32, Moving> {
    fn range_contains(&self, range: &std::ops::Range<u32>) -> bool {
        self.keys().any(|index| range.contains(index))
    }
}

/// Refuses to make what readers would not take for a plain entry, or would change an entry before it.
fn refuse_unmakeable(container: Node<'_>, rest: &[Segment]) -> Result<(), Error> {
    let place = container.raw().start as usize;
    if rest
        .iter()
        .any(|segment| matches!(segment, Segment::Key(key) if key == "<<"))
    {
        let message = "`<<` is the merge key, which takes a map or its alias".to_owned();
        return Err(container.file.error(ErrorKind::Shape, place, message));
    }
    // Without a final line break libyaml reads one break less in the block, and with one it would read it.
    let file = container.file;
    let last = file.node(container.raw().next - 1);
    let block = matches!(last.raw().shape, Shape::Scalar(Style::Literal | Style::Folded));
    let unended = last.raw().end as usize == file.text().len() && !file.text().ends_with('\n');
    if block && unended && last.text().is_some_and(|text| text.ends_with('\n')) {
        let message = "the file ends inside a block scalar, without a final line break".to_owned();
        return Err(file
            .error(ErrorKind::Shape, last.raw().start as usize, message)
            .hint("add a line break at the end of the file first"));
    }
    Ok(())
}

/// SOPS signs a document's values; any edit would break its MAC (<https://getsops.io/docs/>).
fn refuse_encrypted(root: Node<'_>) -> Result<(), Error> {
    let sops = root
        .get("sops")
        .filter(|sops| sops.get("mac").is_some() || sops.get("version").is_some());
    match sops {
        None => Ok(()),
        Some(sops) => Err(root
            .file
            .error(
                ErrorKind::Encrypted,
                sops.raw().start as usize,
                "the document is encrypted by SOPS: an edit would break its MAC".into(),
            )
            .hint("edit it with `sops set` or `sops edit`")),
    }
}

/// Returns a value as text: decoded, or for a map or list as it is written.
fn shown(node: Node<'_>) -> String {
    match node.text() {
        Some(text) => text.to_owned(),
        None => node.file.text()[node.range()].trim_end().to_owned(),
    }
}
