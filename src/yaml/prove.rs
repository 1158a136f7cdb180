//! Proving: the new text says what the old one said with the asked changes, and nothing else.
//!
//! Three checks, each over the whole file: every byte outside the splices is the same; yaml-rust2 finds the same
//! nodes (values, styles, anchors, tags) but for the changes; `serde_yaml`, which shares no code with it, reads the same values but for
//! the changes, also at every alias of a shared one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::error::{Error, ErrorKind};
use super::file::{File, Node, NodeKind};
use super::insert::Addition;
use super::locate::{Raw, Shape, Style};
use super::path::Shown;
use super::splice::{self, Splice};
use super::witness::{self, Item};

/// From this size on the readings run beside each other.
const LARGE: usize = 256 * 1024;

/// What becomes of a node.
#[derive(Debug)]
pub enum Effect {
    /// It has another value; anchor and tag stay.
    Replace(Json),
    /// It is gone. A key and its value are two nodes.
    Remove,
}

/// All changes that are asked for, by the old file's nodes.
#[derive(Debug, Default)]
pub struct Effects {
    /// What becomes of nodes.
    pub nodes: BTreeMap<u32, Effect>,
    /// What is added at the end of collections, in order.
    pub additions: BTreeMap<u32, Vec<Addition>>,
    /// Collections that may turn from block to flow style, for having lost all entries.
    pub restyled: BTreeSet<u32>,
    /// The value of a file that had none.
    pub first: Option<Json>,
}

/// A new text that was proven.
#[derive(Debug)]
pub struct Proven {
    /// The new file.
    pub file: File,
    /// Why only yaml-rust2 could vouch for it, if so.
    pub unproven_by: Option<String>,
}

/// Proves that a new text is the old file with these effects.
///
/// # Errors
/// `Unproven`, naming what else would have changed.
pub fn prove(old: &File, text: &str, splices: &[Splice], effects: &Effects) -> Result<Proven, Error> {
    if !splice::only(old.text(), text, splices) {
        return Err(unproven("bytes outside the edit would change"));
    }
    let limit = old.located.nodes.len().saturating_mul(8) + text.len() / 8 + 100_000;
    let parse = || {
        File::parse(text.as_bytes())
            .map_err(|error| unproven(&format!("the result would not be read again: {error}")))
    };
    let (file, before, after) = if text.len() < LARGE {
        (
            parse(),
            witness::read(old.text(), limit),
            witness::read(text, limit),
        )
    } else {
        std::thread::scope(|scope| {
            let before = scope.spawn(|| witness::read(old.text(), limit));
            let file = parse();
            let after = witness::read(text, limit);
            (
                file,
                before
                    .join()
                    .unwrap_or_else(|_| Err("the reader panicked".into())),
                after,
            )
        })
    };
    let file = file?;
    nodes_agree(old, &file, effects)?;
    let unproven_by = match (before, after) {
        (Err(reason), _) => Some(format!("serde_yaml cannot read the file: {reason}")),
        (Ok(_), Err(reason)) => {
            return Err(unproven(&format!(
                "serde_yaml would no longer read the file: {reason}"
            )));
        }
        (Ok(before), Ok(after)) => {
            Comparison {
                old,
                effects,
                before: &before,
                after: &after,
                from: 0,
                to: 0,
            }
            .documents()?;
            None
        }
    };
    Ok(Proven { file, unproven_by })
}

fn unproven(reason: &str) -> Error {
    Error::new(
        ErrorKind::Unproven,
        format!("the edit cannot be proven right, so nothing was changed: {reason}"),
    )
    .hint("this is a bug or a very odd file: please report it with the file's layout")
}

fn also(node: Node<'_>) -> Error {
    let (line, column) = (node.line(), node.column());
    unproven(&format!(
        "{} (line {line}) would change too",
        Shown(&node.segments())
    ))
    .at(line, column)
}

/// Compares what yaml-rust2 found, node by node.
fn nodes_agree(old: &File, new: &File, effects: &Effects) -> Result<(), Error> {
    let mut ends: Vec<(u32, std::cmp::Reverse<u8>, u32)> = effects
        .additions
        .keys()
        .map(|&index| {
            (
                old.raw(index).next,
                std::cmp::Reverse(old.raw(index).depth),
                index,
            )
        })
        .collect();
    ends.sort_unstable();
    let mut ends = ends.into_iter().peekable();
    let mut touched = effects.nodes.iter().peekable();
    let mut anchors = vec![0_u32; old.located.anchors.len() + 1];
    let count = |file: &File| u32::try_from(file.located.nodes.len()).unwrap_or(u32::MAX);
    let (last, new_last) = (count(old), count(new));
    let (mut from, mut to) = (0, 0);
    loop {
        while let Some((_, _, container)) = ends.next_if(|(end, _, _)| *end == from) {
            to = added(old, new, container, &effects.additions[&container], to)?;
        }
        if from >= last {
            break;
        }
        let before = old.raw(from);
        if let Some((_, effect)) = touched.next_if(|(index, _)| **index == from) {
            if let Effect::Replace(value) = effect {
                let after = (to < new_last)
                    .then(|| new.node(to))
                    .filter(|node| same_place(old, before, node.file, node.raw()) && is(*node, value));
                let after = after.ok_or_else(|| {
                    unproven(&format!(
                        "{} would not read back as asked",
                        Shown(&old.node(from).segments())
                    ))
                })?;
                pair(&mut anchors, before, after.raw());
                to = after.raw().next;
            }
            from = before.next;
            continue;
        }
        let restyled = effects.restyled.contains(&from);
        let after = (to < new_last)
            .then(|| new.node(to))
            .filter(|node| same(old.node(from), *node, restyled, &anchors));
        let after = after.ok_or_else(|| also(old.node(from)))?;
        pair(&mut anchors, before, after.raw());
        from += 1;
        to += 1;
    }
    if let Some(value) = &effects.first {
        if new.located.roots != [0] || !is(new.node(0), value) {
            return Err(unproven("the new value would not read back as asked"));
        }
        return Ok(());
    }
    let roots = old.located.roots.len() == new.located.roots.len();
    if to == new_last && roots {
        Ok(())
    } else {
        Err(unproven("something else would be added"))
    }
}

/// Notes which anchor of the new text an old one has become.
fn pair(anchors: &mut [u32], before: &Raw, after: &Raw) {
    let slot = anchors.get_mut(before.anchor as usize);
    if let Some(slot) = slot.filter(|_| before.shape != Shape::Alias) {
        *slot = after.anchor;
    }
}

fn same_place(old: &File, before: &Raw, new: &File, after: &Raw) -> bool {
    let tag = |file: &File, raw: &Raw| (raw.tag > 0).then(|| file.located.tags[raw.tag as usize - 1].clone());
    let anchored = |raw: &Raw| raw.anchor > 0 && raw.shape != Shape::Alias;
    before.depth == after.depth && anchored(before) == anchored(after) && tag(old, before) == tag(new, after)
}

fn same(before: Node<'_>, after: Node<'_>, restyled: bool, anchors: &[u32]) -> bool {
    let (old, new) = (before.raw(), after.raw());
    old.shape == new.shape
        && (old.flow == new.flow || restyled)
        && (old.shape != Shape::Alias || anchors.get(old.anchor as usize) == Some(&new.anchor))
        && before.text() == after.text()
        && (old.tag | new.tag | old.anchor | new.anchor == 0 && old.depth == new.depth
            || same_place(before.file, old, after.file, new))
}

fn added(old: &File, new: &File, container: u32, additions: &[Addition], mut to: u32) -> Result<u32, Error> {
    let depth = old.raw(container).depth + 1;
    for addition in additions {
        let key = addition.key.as_ref().map(|key| Json::from(key.as_str()));
        for value in key.iter().chain(std::iter::once(&addition.value)) {
            let exists = (to as usize) < new.located.nodes.len();
            let node = exists
                .then(|| new.node(to))
                .filter(|node| node.raw().depth == depth && node.raw().anchor == 0 && is(*node, value));
            to = node
                .ok_or_else(|| unproven("what is added would not read back as asked"))?
                .raw()
                .next;
        }
    }
    Ok(to)
}

/// Returns whether a node is this value, for every reader.
fn is(node: Node<'_>, value: &Json) -> bool {
    match value {
        Json::String(text) => node.text() == Some(text) && !node.typed(),
        Json::Null => node.is_null(),
        Json::Bool(_) | Json::Number(_) => {
            node.raw().shape == Shape::Scalar(Style::Plain) && node.text() == Some(&value.to_string())
        }
        Json::Array(items) => {
            node.kind() == NodeKind::Sequence
                && node.items().count() == items.len()
                && node.items().zip(items).all(|(node, item)| is(node, item))
        }
        Json::Object(entries) => {
            let same = |((key, node), (name, value)): ((Node<'_>, Node<'_>), (&String, &Json))| {
                key.text() == Some(name) && !key.typed() && is(node, value)
            };
            node.kind() == NodeKind::Mapping
                && node.entries().count() == entries.len()
                && node.entries().zip(entries).all(same)
        }
    }
}

/// Compares what `serde_yaml` read, led by the old file's nodes; aliases are followed as it follows them.
struct Comparison<'a> {
    old: &'a File,
    effects: &'a Effects,
    before: &'a [Item<'a>],
    after: &'a [Item<'a>],
    from: usize,
    to: usize,
}

impl Comparison<'_> {
    fn documents(&mut self) -> Result<(), Error> {
        if let Some(value) = &self.effects.first {
            return self.expect(value, None);
        }
        for root in self.old.documents() {
            self.node(root)?;
        }
        // An empty file reads as one null.
        let rest = (&self.before[self.from..], &self.after[self.to..]);
        if rest.0 == rest.1 {
            Ok(())
        } else {
            Err(unproven("serde_yaml would read something else too"))
        }
    }

    fn node(&mut self, node: Node<'_>) -> Result<(), Error> {
        if node.kind() == NodeKind::Alias && !self.effects.nodes.contains_key(&node.index) {
            return self.node(super::resolve::anchored(node));
        }
        match self.effects.nodes.get(&node.index) {
            Some(Effect::Remove) => {
                self.from = witness::skip(self.before, self.from);
                return Ok(());
            }
            Some(Effect::Replace(value)) => {
                let mut tag = self.from;
                while node.kind() != NodeKind::Alias
                    && matches!(self.before.get(tag), Some(Item::Tag(_)))
                    && self.before.get(tag) == self.after.get(self.to)
                {
                    tag += 1;
                    self.to += 1;
                }
                let unended = self.ends_without_break(node, tag);
                self.from = witness::skip(self.before, self.from);
                if let (true, Json::String(text)) = (unended, value) {
                    let cut = Json::from(text.strip_suffix('\n').unwrap_or(text));
                    if self.expect(&cut, Some(node)).is_ok() {
                        return Ok(());
                    }
                }
                return self.expect(value, Some(node));
            }
            None => {}
        }
        while matches!(self.before.get(self.from), Some(Item::Tag(_))) {
            self.same(node)?;
        }
        let shape = node.raw().shape;
        if !matches!(shape, Shape::Mapping | Shape::Sequence) {
            return self.same(node);
        }
        let begin = if shape == Shape::Mapping {
            Item::Map
        } else {
            Item::List
        };
        if self.before.get(self.from) != Some(&begin) {
            return Err(unproven(&format!(
                "the two parsers read {} (line {}) differently",
                Shown(&node.segments()),
                node.line()
            )));
        }
        self.same(node)?;
        for child in node.children(shape) {
            self.node(child)?;
        }
        for addition in self.effects.additions.get(&node.index).into_iter().flatten() {
            if let Some(key) = &addition.key {
                self.expect(&Json::from(key.as_str()), Some(node))?;
            }
            self.expect(&addition.value, Some(node))?;
        }
        self.same(node)
    }

    /// Returns whether libyaml reads a block scalar without the final break that yaml-rust2 adds at the end of a file.
    fn ends_without_break(&self, node: Node<'_>, at: usize) -> bool {
        let block = matches!(node.raw().shape, Shape::Scalar(Style::Literal | Style::Folded));
        match (self.before.get(at), node.text()) {
            (Some(Item::Text(read)), Some(text)) => block && text.strip_suffix('\n') == Some(read),
            _ => false,
        }
    }

    /// Both readings go on with the same item.
    fn same(&mut self, node: Node<'_>) -> Result<(), Error> {
        let pair = (self.before.get(self.from), self.after.get(self.to));
        self.from += 1;
        self.to += 1;
        if pair.0.is_some() && pair.0 == pair.1 {
            Ok(())
        } else {
            Err(also(node))
        }
    }

    /// The new reading goes on with a value.
    fn expect(&mut self, value: &Json, node: Option<Node<'_>>) -> Result<(), Error> {
        let end = witness::skip(self.after, self.to);
        let mut read = self.after[self.to..end].iter();
        if reads_as(&mut read, value) && read.next().is_none() {
            self.to = end;
            return Ok(());
        }
        let place = node.map_or_else(
            || "the new value".to_owned(),
            |node| Shown(&node.segments()).to_string(),
        );
        Err(unproven(&format!(
            "{place} would not read back as asked from serde_yaml"
        )))
    }
}

fn reads_as(items: &mut std::slice::Iter<'_, Item<'_>>, value: &Json) -> bool {
    match (items.next(), value) {
        (Some(Item::Null), Json::Null) => true,
        (Some(Item::Bool(read)), Json::Bool(value)) => read == value,
        (Some(Item::Unsigned(read)), Json::Number(value)) => value.to_string().parse() == Ok(*read),
        (Some(Item::Signed(read)), Json::Number(value)) => value.to_string().parse() == Ok(*read),
        (Some(Item::Float(read)), Json::Number(value)) => value.as_f64().map(f64::to_bits) == Some(*read),
        (Some(Item::Text(read)), Json::String(value)) => read == value,
        (Some(Item::List), Json::Array(values)) => {
            values.iter().all(|value| reads_as(items, value)) && items.next() == Some(&Item::End)
        }
        (Some(Item::Map), Json::Object(entries)) => {
            entries
                .iter()
                .all(|(key, value)| reads_as(items, &Json::from(key.as_str())) && reads_as(items, value))
                && items.next() == Some(&Item::End)
        }
        _ => false,
    }
}
