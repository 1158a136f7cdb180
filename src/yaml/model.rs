//! The model: what several edits of one file must give together, told from the old text alone.
//!
//! Every path means the old text, in whatever order the bytes change. The model holds each edit at its old place, finds
//! those that contradict each other, and at the end tells whether the new text is the old one with all of them.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::edit::{self, Edit, IfMissing, Operation};
use super::error::{Error, ErrorKind};
use super::file::{File, Node, NodeKind};
use super::insert;
use super::path::Segment;
use super::resolve::{self, Why};

/// The documents of a file that edits change, by their position.
#[derive(Debug)]
pub struct Model<'f> {
    old: &'f File,
    documents: BTreeMap<usize, Tree<'f>>,
}

/// A value and what becomes of it. `by` is the position of the edit that came first.
#[derive(Debug)]
enum Tree<'f> {
    /// It stays as it is.
    Old(Node<'f>),
    /// It is replaced whole.
    Set { value: Json, by: usize },
    /// It is nothing yet, and gets entries or items.
    Filled { value: Json, by: usize },
    /// Something inside it changes.
    Changed(Box<Changed<'f>>),
}

/// A map or list that loses, changes or gets entries.
#[derive(Debug)]
struct Changed<'f> {
    old: Node<'f>,
    by: usize,
    /// Whether it is the YAML inside a block scalar.
    embedded: bool,
    /// Its old entries that change, by their old position; one that goes has no tree.
    entries: BTreeMap<usize, (usize, Option<Tree<'f>>)>,
    /// What is added at its end: an object or an array.
    made: Json,
}

/// An edit on its way down.
#[derive(Clone, Copy)]
struct Step<'e> {
    edits: &'e [Edit],
    position: usize,
    rest: &'e [Segment],
}

impl Step<'_> {
    fn edit(&self) -> &Edit {
        &self.edits[self.position]
    }

    fn contradicts(&self, other: usize) -> Error {
        edit::contradiction(&self.edits[other], self.edit())
    }
}

impl<'f> Model<'f> {
    /// Holds edits at their places in the old text. Those that cannot be made at all are left to who makes them.
    ///
    /// # Errors
    /// `Contradiction`: two edits ask for different things of one place.
    pub fn of(old: &'f File, edits: &[Edit], positions: &[usize]) -> Result<Self, Error> {
        let mut documents = BTreeMap::new();
        for &position in positions {
            let edit = &edits[position];
            let rest = edit.path.segments();
            let step = Step {
                edits,
                position,
                rest,
            };
            match old.choose(edit.document.as_ref(), &edit.path) {
                Ok(Some(root)) => {
                    let tree = documents.entry(root.document()).or_insert(Tree::Old(root));
                    tree.put(step)?;
                }
                Ok(None) => {
                    let (value, by) = (Json::Null, position);
                    let tree = documents.entry(0).or_insert(Tree::Filled { value, by });
                    tree.put(step)?;
                }
                Err(_) => {}
            }
        }
        Ok(Self { old, documents })
    }

    /// Checks that a text is the old one with all edits.
    ///
    /// # Errors
    /// `Unproven`: it is not.
    pub fn check(&self, new: &File) -> Result<(), Error> {
        let count = self.old.documents().len().max(1);
        let mut roots = new.documents();
        let old = self.old.documents().map(Some).chain(std::iter::repeat(None));
        let same = (0..count).zip(old).all(|(position, old)| {
            let root = roots.next();
            match (self.documents.get(&position), old, root) {
                (Some(tree), _, Some(new)) => tree.is(new),
                (None, Some(old), Some(new)) => same(old, new),
                (tree, None, None) => tree.is_none_or(|tree| {
                    matches!(
                        tree,
                        Tree::Filled {
                            value: Json::Null,
                            ..
                        }
                    )
                }),
                _ => false,
            }
        });
        if same && roots.next().is_none() {
            return Ok(());
        }
        let message =
            "the edits would not give together what each of them asks for, so nothing was changed".to_owned();
        Err(Error::new(ErrorKind::Unproven, message)
            .hint("make them one after the other, in runs of their own"))
    }
}

impl<'f> Tree<'f> {
    fn put(&mut self, step: Step<'_>) -> Result<(), Error> {
        match self {
            Self::Old(node) => match step.rest {
                [] => {
                    if let Operation::Set { value } = &step.edit().operation {
                        let (value, by) = (value.to_json(), step.position);
                        *self = Self::Set { value, by };
                    }
                    Ok(())
                }
                _ => match Self::opened(*node, step.position) {
                    Some(mut tree) => {
                        tree.put(step)?;
                        *self = tree;
                        Ok(())
                    }
                    None => Ok(()),
                },
            },
            Self::Set { value, by } => match &step.edit().operation {
                Operation::Set { value: other } if step.rest.is_empty() && other.to_json() == *value => {
                    Ok(())
                }
                _ => Err(step.contradicts(*by)),
            },
            Self::Filled { value, by } => match &step.edit().operation {
                Operation::Set { value: new } if step.edit().if_missing == IfMissing::Create => {
                    merge(value, step.rest, &new.to_json()).ok_or_else(|| step.contradicts(*by))
                }
                _ => Ok(()),
            },
            Self::Changed(changed) => changed.put(step),
        }
    }

    /// Returns a value that something can change in; `None` if nothing can.
    fn opened(node: Node<'f>, by: usize) -> Option<Self> {
        let inner = node.embedded().and_then(|file| file.documents().next());
        let old = inner.unwrap_or(node);
        let made = match old.kind() {
            NodeKind::Mapping => Json::Object(serde_json::Map::new()),
            NodeKind::Sequence => Json::Array(Vec::new()),
            NodeKind::Scalar if node.is_null() => {
                let value = Json::Null;
                return Some(Self::Filled { value, by });
            }
            _ => return None,
        };
        let embedded = inner.is_some();
        let entries = BTreeMap::new();
        Some(Self::Changed(Box::new(Changed {
            old,
            by,
            embedded,
            entries,
            made,
        })))
    }

    fn is(&self, new: Node<'_>) -> bool {
        match self {
            Self::Old(old) => same(*old, new),
            Self::Set { value, .. } | Self::Filled { value, .. } => reads(new, value),
            Self::Changed(changed) => {
                let inner = || new.embedded().and_then(|file| file.documents().next());
                let new = if changed.embedded { inner() } else { Some(new) };
                new.is_some_and(|new| changed.is(new))
            }
        }
    }
}

impl<'f> Changed<'f> {
    fn put(&mut self, step: Step<'_>) -> Result<(), Error> {
        let Some((first, rest)) = step.rest.split_first() else {
            return Err(step.contradicts(self.by));
        };
        match resolve::step(self.old, first) {
            Ok(child) => self.put_inside(child, Step { rest, ..step }),
            Err(Why::NoKey | Why::NoItem) => self.make(first, step),
            Err(_) => Ok(()),
        }
    }

    fn put_inside(&mut self, child: Node<'f>, step: Step<'_>) -> Result<(), Error> {
        let place = children(self.old).position(|(_, value)| value.index == child.index);
        let unset = step.rest.is_empty() && step.edit().operation == Operation::Unset;
        let fresh = (step.position, (!unset).then_some(Tree::Old(child)));
        let (by, tree) = self.entries.entry(place.unwrap_or_default()).or_insert(fresh);
        match tree {
            Some(_) if unset => Err(step.contradicts(*by)),
            Some(tree) => tree.put(step),
            None if unset => Ok(()),
            None => Err(step.contradicts(*by)),
        }
    }

    fn make(&mut self, first: &Segment, step: Step<'_>) -> Result<(), Error> {
        let (Operation::Set { value }, IfMissing::Create) = (&step.edit().operation, step.edit().if_missing)
        else {
            return Ok(());
        };
        let mut segments = step.rest.to_vec();
        if let (NodeKind::Sequence, Some(index)) = (self.old.kind(), resolve::list_index(first)) {
            segments[0] = Segment::Index(index.saturating_sub(self.old.items().count()));
        }
        merge(&mut self.made, &segments, &value.to_json()).ok_or_else(|| step.contradicts(self.by))
    }

    fn is(&self, new: Node<'_>) -> bool {
        if new.kind() != self.old.kind() {
            return false;
        }
        let mut after = children(new);
        let stay = children(self.old).enumerate().all(|(position, (key, value))| {
            let change = self.entries.get(&position).map(|(_, tree)| tree);
            if matches!(change, Some(None)) {
                return true;
            }
            let Some((new_key, new_value)) = after.next() else {
                return false;
            };
            key.zip(new_key).is_none_or(|(old, new)| same(old, new))
                && match change {
                    Some(Some(tree)) => tree.is(new_value),
                    _ => same(value, new_value),
                }
        });
        let added: Vec<_> = after.collect();
        stay && match &self.made {
            Json::Object(made) => {
                added.len() == made.len()
                    && added.iter().all(|(key, value)| {
                        let made = key.and_then(Node::text).and_then(|key| made.get(key));
                        made.is_some_and(|made| reads(*value, made))
                    })
            }
            Json::Array(made) => {
                added.len() == made.len()
                    && added
                        .into_iter()
                        .zip(made)
                        .all(|((_, value), made)| reads(value, made))
            }
            _ => added.is_empty(),
        }
    }
}

/// Returns the entries of a map, or the items of a list without keys.
fn children(node: Node<'_>) -> impl Iterator<Item = (Option<Node<'_>>, Node<'_>)> {
    let entries = node.entries().map(|(key, value)| (Some(key), value));
    entries.chain(node.items().map(|item| (None, item)))
}

/// Makes the rest of a path exist in what is made; `None` if it is there with another value.
fn merge(made: &mut Json, rest: &[Segment], value: &Json) -> Option<()> {
    if made.is_null() {
        // What cannot be made is refused by who makes it.
        *made = insert::nested(rest, value).unwrap_or_default();
        return Some(());
    }
    let Some((first, inner)) = rest.split_first() else {
        return (made == value).then_some(());
    };
    let child = match (made, first) {
        (Json::Object(entries), Segment::Key(key)) => entries.entry(key.clone()).or_insert(Json::Null),
        (Json::Array(items), Segment::Filter { key, value: wanted }) => {
            let named = |item: &Json| item.get(key).is_some_and(|text| text == wanted.as_str());
            let Some(at) = items.iter().position(named) else {
                let item = insert::nested(rest, value).unwrap_or_default();
                items.extend(item.as_array().into_iter().flatten().cloned());
                return Some(());
            };
            &mut items[at]
        }
        (Json::Array(items), first) => {
            let index = resolve::list_index(first)?;
            if index == items.len() {
                items.push(Json::Null);
            }
            items.get_mut(index)?
        }
        _ => return None,
    };
    merge(child, inner, value)
}

/// Returns whether two nodes say the same.
fn same(old: Node<'_>, new: Node<'_>) -> bool {
    old.kind() == new.kind()
        && old.text() == new.text()
        && old.typed() == new.typed()
        && pairwise(children(old), children(new), |(old_key, old), (new_key, new)| {
            old_key.zip(new_key).is_none_or(|(old, new)| same(old, new)) && same(old, new)
        })
}

/// Returns whether a node reads as a value; whether its type is right is proven where it is written.
fn reads(node: Node<'_>, value: &Json) -> bool {
    match value {
        Json::Null => node.is_null(),
        Json::String(text) => node.text() == Some(text),
        Json::Bool(_) | Json::Number(_) => {
            let text = node.text().unwrap_or_default();
            text.eq_ignore_ascii_case(&value.to_string())
        }
        Json::Array(items) => {
            node.kind() == NodeKind::Sequence && pairwise(node.items(), items.iter(), reads)
        }
        Json::Object(entries) => {
            node.kind() == NodeKind::Mapping
                && node.entries().count() == entries.len()
                && node.entries().all(|(key, node)| {
                    let value = key.text().and_then(|key| entries.get(key));
                    value.is_some_and(|value| reads(node, value))
                })
        }
    }
}

fn pairwise<A, B>(
    one: impl Iterator<Item = A>,
    mut other: impl Iterator<Item = B>,
    agree: impl Fn(A, B) -> bool,
) -> bool {
    for a in one {
        if !other.next().is_some_and(|b| agree(a, b)) {
            return false;
        }
    }
    other.next().is_none()
}
