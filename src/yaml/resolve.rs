//! Resolving: which node a path means.

use std::fmt;

use super::error::{Error, ErrorKind};
use super::file::{File, Node, NodeKind};
use super::locate::{Shape, Style};
use super::path::{Path, Segment, Shown};

/// Which document of a file is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Document {
    /// By position, from 0.
    Index(usize),
    /// By its `kind` and its `metadata.name`.
    Named {
        /// The kind.
        kind: String,
        /// The name.
        name: String,
    },
}

impl Document {
    /// Reads `N` or `Kind/name`.
    ///
    /// # Errors
    /// It is neither.
    pub fn parse(text: &str) -> Result<Self, Error> {
        if let Ok(index) = text.parse() {
            return Ok(Self::Index(index));
        }
        match text.split_once('/') {
            Some((kind, name)) if !kind.is_empty() && !name.is_empty() => Ok(Self::Named {
                kind: kind.to_owned(),
                name: name.to_owned(),
            }),
            _ => Err(Error::new(
                ErrorKind::Syntax,
                format!("`{}` names no document", text.escape_debug()),
            )
            .hint("write its number from 0, or Kind/name as in Deployment/web")),
        }
    }

    fn is(&self, position: usize, root: Node<'_>) -> bool {
        match self {
            Self::Index(index) => *index == position,
            Self::Named { kind, name } => label(root) == (Some(kind), Some(name)),
        }
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Index(index) => write!(f, "{index}"),
            Self::Named { kind, name } => write!(f, "{kind}/{name}"),
        }
    }
}

impl File {
    /// Returns the one node that a path means, also inside a block scalar of YAML.
    ///
    /// Without a document the path must exist in exactly one.
    ///
    /// # Errors
    /// `Missing`, `Ambiguous`, `Duplicate`, `Shape`, or `Shared` for a path that leads through an alias.
    pub fn find(&self, document: Option<&Document>, path: &Path) -> Result<Node<'_>, Error> {
        let root = self.choose(document, path)?;
        let root = root.ok_or_else(|| {
            Error::new(
                ErrorKind::Missing,
                format!("`{path}` does not exist: the file is empty"),
            )
        })?;
        walk_through(root, path.segments()).map_err(|stop| stop.error(path.segments()))
    }

    /// Returns the position, from 0, of the one document that is meant.
    ///
    /// # Errors
    /// There is no such document, or there are several.
    pub fn position(&self, document: &Document) -> Result<usize, Error> {
        Ok(self.choose_named(document)?.map_or(0, Node::document))
    }

    /// Returns the root of the document that a path means; `None` if the file has no document at all.
    pub(super) fn choose(&self, document: Option<&Document>, path: &Path) -> Result<Option<Node<'_>>, Error> {
        if let Some(document) = document {
            return self.choose_named(document);
        }
        let mut roots = self.documents();
        let first = roots.next();
        if roots.len() == 0 {
            return Ok(first);
        }
        let tried: Vec<_> = self
            .documents()
            .map(|root| (root, walk_through(root, path.segments())))
            .collect();
        let absent = |stop: &Stop<'_>| matches!(stop.why, Why::NoKey | Why::NoItem | Why::NotACollection);
        let found: Vec<Node<'_>> = tried
            .iter()
            .filter(|(_, result)| !result.as_ref().is_err_and(absent))
            .map(|(root, _)| *root)
            .collect();
        match found[..] {
            [root] => Ok(Some(root)),
            [] => {
                let deepest = tried
                    .into_iter()
                    .filter_map(|(_, result)| result.err())
                    .max_by_key(|stop| stop.taken);
                let error = deepest.map_or_else(
                    || Error::new(ErrorKind::Missing, "no document"),
                    |stop| stop.error(path.segments()),
                );
                let error = Error {
                    message: format!(
                        "{} (in none of {} documents)",
                        error.message,
                        self.located.roots.len()
                    ),
                    ..error
                };
                Err(if error.hint.is_some() {
                    error
                } else {
                    error.hint("name the document with --document N or --document Kind/name")
                })
            }
            _ => Err(Error::new(
                ErrorKind::Ambiguous,
                format!("`{path}` exists in {} documents: {}", found.len(), listed(&found)),
            )
            .hint("name the document with --document N or --document Kind/name")),
        }
    }

    fn choose_named(&self, document: &Document) -> Result<Option<Node<'_>>, Error> {
        let matches = |(position, root): (usize, Node<'_>)| document.is(position, root);
        let found: Vec<Node<'_>> = self
            .documents()
            .enumerate()
            .filter(|&pair| matches(pair))
            .map(|(_, root)| root)
            .collect();
        match found[..] {
            [root] => Ok(Some(root)),
            [] if *document == Document::Index(0) && self.located.roots.is_empty() => Ok(None),
            [] => {
                let roots: Vec<Node<'_>> = self.documents().collect();
                let message = format!(
                    "there is no document `{}`; the file has {}: {}",
                    document.to_string().escape_debug(),
                    roots.len(),
                    listed(&roots)
                );
                Err(Error::new(ErrorKind::Missing, message))
            }
            _ => {
                let message = format!(
                    "several documents are `{}`: {}",
                    document.to_string().escape_debug(),
                    listed(&found)
                );
                Err(Error::new(ErrorKind::Ambiguous, message).hint("name the document by its number from 0"))
            }
        }
    }
}

/// Why a walk along a path stopped.
#[derive(Clone, Debug)]
pub enum Why {
    /// The map has no such key.
    NoKey,
    /// The list has no such item.
    NoItem,
    /// There is no map or list to step into.
    NotACollection,
    /// A map is stepped into as a list, or the reverse.
    Mismatch,
    /// The way leads through an alias.
    Alias,
    /// The key stands more than once; the lines.
    Duplicate(Vec<usize>),
    /// Several items match the filter; their lines.
    Several(Vec<usize>),
}

/// Where and why a walk along a path stopped.
#[derive(Clone, Debug)]
pub struct Stop<'f> {
    /// The last node reached.
    pub node: Node<'f>,
    /// How many steps led there.
    pub taken: usize,
    /// Why it goes no further.
    pub why: Why,
}

/// Walks along a path inside one file.
pub fn walk<'f>(root: Node<'f>, segments: &[Segment]) -> Result<Node<'f>, Stop<'f>> {
    let mut node = root;
    for (taken, segment) in segments.iter().enumerate() {
        node = step(node, segment).map_err(|why| Stop { node, taken, why })?;
    }
    Ok(node)
}

/// Walks along a path, going on inside block scalars of YAML.
pub(super) fn walk_through<'f>(root: Node<'f>, segments: &[Segment]) -> Result<Node<'f>, Stop<'f>> {
    walk(root, segments).or_else(|stop| {
        let inner = stop.node.embedded().and_then(|file| file.documents().next());
        match (inner, &stop.why) {
            (Some(inner), Why::NotACollection) => {
                walk_through(inner, &segments[stop.taken..]).map_err(|deeper| Stop {
                    taken: stop.taken + deeper.taken,
                    ..deeper
                })
            }
            _ => Err(stop),
        }
    })
}

/// Takes one step of a path.
pub fn step<'f>(node: Node<'f>, segment: &Segment) -> Result<Node<'f>, Why> {
    match (node.kind(), segment) {
        (NodeKind::Alias, _) => Err(Why::Alias),
        (NodeKind::Scalar, _) => Err(Why::NotACollection),
        (NodeKind::Mapping, Segment::Key(key)) => {
            let mut found = node.entries().filter(|(name, _)| name.text() == Some(key));
            let (first, value) = found.next().ok_or(Why::NoKey)?;
            let others: Vec<usize> = found.map(|(name, _)| name.line()).collect();
            if others.is_empty() {
                Ok(value)
            } else {
                Err(Why::Duplicate([vec![first.line()], others].concat()))
            }
        }
        (NodeKind::Sequence, Segment::Filter { key, value }) => {
            let matches = |item: &Node<'_>| {
                item.entries()
                    .any(|(name, text)| name.text() == Some(key) && text.text() == Some(value))
            };
            let found: Vec<Node<'_>> = node.items().filter(matches).collect();
            match found[..] {
                [item] => Ok(item),
                [] => Err(Why::NoItem),
                _ => Err(Why::Several(found.iter().map(|item| item.line()).collect())),
            }
        }
        (NodeKind::Sequence, segment) => match list_index(segment) {
            Some(index) => node.items().nth(index).ok_or(Why::NoItem),
            None => Err(Why::Mismatch),
        },
        (NodeKind::Mapping, Segment::Index(_) | Segment::Filter { .. }) => Err(Why::Mismatch),
    }
}

/// Returns the index that a step means on a list.
pub fn list_index(segment: &Segment) -> Option<usize> {
    match segment {
        Segment::Index(index) => Some(*index),
        Segment::Key(key) if key.bytes().all(|byte| byte.is_ascii_digit()) => key.parse().ok(),
        _ => None,
    }
}

/// Returns the line of the merge key that brings a key into a map, if one does.
pub fn inherited(map: Node<'_>, key: &str) -> Option<usize> {
    let sources = map
        .entries()
        .filter(|(name, _)| name.text() == Some("<<") && name.raw().shape == Shape::Scalar(Style::Plain));
    sources.into_iter().find_map(|(name, value)| {
        let mut merged = value.items().chain(std::iter::once(value));
        merged.any(|source| has_key(source, key, 8)).then(|| name.line())
    })
}

fn has_key(node: Node<'_>, key: &str, hops: usize) -> bool {
    let target = match node.raw().shape {
        Shape::Alias => anchored(node),
        _ => node,
    };
    target.get(key).is_some()
        || hops.checked_sub(1).is_some_and(|hops| {
            let merges = target.entries().filter(|(name, _)| name.text() == Some("<<"));
            merges
                .flat_map(|(_, value)| value.items().chain(std::iter::once(value)))
                .any(|source| has_key(source, key, hops))
        })
}

/// Returns the node that an alias stands for.
pub fn anchored(alias: Node<'_>) -> Node<'_> {
    let target = alias
        .file
        .located
        .anchors
        .get((alias.raw().anchor as usize).wrapping_sub(1));
    target.map_or(alias, |&index| alias.file.node(index))
}

impl Stop<'_> {
    /// Says what is wrong with a path that leads here.
    pub fn error(&self, segments: &[Segment]) -> Error {
        let (reached, rest) = segments.split_at(self.taken);
        let line = self.node.line();
        let (path, reached) = (Shown(segments), Shown(reached));
        let (kind, message, hint) = match (&self.why, &rest[0]) {
            (Why::NoKey, Segment::Key(key)) => return self.no_key(segments, key),
            (Why::NoKey | Why::NoItem, _) => {
                let count = self.node.items().count();
                let message = format!(
                    "{path} does not exist: {reached} (line {line}) is a list of {count} without {}",
                    Shown(&rest[..1])
                );
                (ErrorKind::Missing, message, None)
            }
            (Why::NotACollection, _) if self.node.is_null() => {
                let message = format!("{path} does not exist: {reached} (line {line}) is empty");
                (
                    ErrorKind::Missing,
                    message,
                    Some("--if-missing create makes it".to_owned()),
                )
            }
            (Why::NotACollection, _) => {
                let message = format!(
                    "{path} does not exist: {reached} (line {line}) is a single value, not a map or list"
                );
                let text = self.node.text().unwrap_or_default();
                let yaml = text.contains('\n') && text.contains(": ");
                let hint = yaml
                    .then(|| "YAML inside a string can only be edited in a literal block (`|`)".to_owned());
                (ErrorKind::Shape, message, hint)
            }
            (Why::Mismatch, _) => {
                let (is, hint) = match self.node.kind() {
                    NodeKind::Sequence => (
                        "a list",
                        "address an item by index or filter: `[0]`, `[name=value]`",
                    ),
                    _ => (
                        "a map",
                        "address an entry by its key; a key of digits as `[\"0\"]`",
                    ),
                };
                let message = format!("{path} does not fit: {reached} (line {line}) is {is}");
                (ErrorKind::Shape, message, Some(hint.to_owned()))
            }
            (Why::Alias, _) => {
                let target = anchored(self.node);
                let message = format!("{path} leads through the alias at {reached} (line {line})");
                let hint = format!(
                    "edit where the anchor is: {} (line {})",
                    Shown(&target.segments()),
                    target.line()
                );
                (ErrorKind::Shared, message, Some(hint))
            }
            (Why::Duplicate(lines), step) => {
                let message = format!(
                    "{path} is not unique: its key {} stands on lines {}",
                    Shown(std::slice::from_ref(step)),
                    numbers(lines)
                );
                (
                    ErrorKind::Duplicate,
                    message,
                    Some("remove the duplicate key".to_owned()),
                )
            }
            (Why::Several(lines), step) => {
                let message = format!(
                    "{path} is not unique: {} matches the items on lines {}",
                    Shown(std::slice::from_ref(step)),
                    numbers(lines)
                );
                (
                    ErrorKind::Ambiguous,
                    message,
                    Some("address the item by its index: `[0]`".to_owned()),
                )
            }
        };
        let error = Error::new(kind, message).at(line, self.node.column());
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }

    fn no_key(&self, segments: &[Segment], key: &str) -> Error {
        let line = self.node.line();
        let path = Shown(segments);
        let reached = Shown(&segments[..self.taken]);
        if let Some(merge) = inherited(self.node, key) {
            let message = format!("{path} is only inherited: it comes by the merge key `<<` on line {merge}");
            return Error::new(ErrorKind::Missing, message)
                .at(line, self.node.column())
                .hint("edit where it is inherited from, or use --if-missing create to override it here");
        }
        let mut message = format!(
            "{path} does not exist: {reached} (line {line}) has no key `{}`",
            key.escape_debug()
        );
        let near = near(self.node, key);
        if !near.is_empty() {
            message = format!("{message}; did you mean {}?", near.join(" or "));
        }
        Error::new(ErrorKind::Missing, message).at(line, self.node.column())
    }
}

/// Returns the keys of a map that are spelt nearly like this one, nearest first.
fn near(map: Node<'_>, key: &str) -> Vec<String> {
    let limit = (key.chars().count() / 3).clamp(1, 3);
    let distance = |name: &str| {
        let distance = strsim::damerau_levenshtein(&name.to_lowercase(), &key.to_lowercase());
        (distance <= limit && name.len() <= 256).then_some(distance)
    };
    let names = map.entries().filter_map(|(name, _)| name.text()).take(10_000);
    let mut near: Vec<(usize, &str)> = names
        .filter(|name| name.len() <= 256)
        .filter_map(|name| Some((distance(name)?, name)))
        .collect();
    near.sort_unstable();
    near.iter()
        .take(3)
        .map(|(_, name)| format!("`{}`", name.escape_debug()))
        .collect()
}

fn numbers(lines: &[usize]) -> String {
    let words: Vec<String> = lines.iter().take(8).map(usize::to_string).collect();
    words.join(", ")
}

fn label(root: Node<'_>) -> (Option<&str>, Option<&str>) {
    let name = root.get("metadata").and_then(|metadata| metadata.get("name"));
    (root.get("kind").and_then(Node::text), name.and_then(Node::text))
}

fn listed(roots: &[Node<'_>]) -> String {
    let one = |root: &Node<'_>| match label(*root) {
        (Some(kind), Some(name)) => format!(
            "line {} ({}/{})",
            root.line(),
            kind.escape_debug(),
            name.escape_debug()
        ),
        _ => format!("line {}", root.line()),
    };
    let more = if roots.len() > 8 { ", …" } else { "" };
    format!(
        "{}{more}",
        roots.iter().take(8).map(one).collect::<Vec<_>>().join(", ")
    )
}
