//! Layout: how the entries around an edit are indented and written, so that new ones look alike.

use serde_json::Value as Json;

use super::error::{Error, ErrorKind};
use super::file::{File, Node, NodeKind};
use super::lex;
use super::locate::{Raw, Shape, Style};
use super::spell::{self, Context};

/// The habits of a file.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// The line break.
    pub line_break: &'static str,
    /// By how much a map in a map is indented.
    pub step: usize,
    /// By how much a list in a map is indented.
    pub list: usize,
}

impl Layout {
    /// Looks at the first nested map and the first list in a map.
    pub fn of(file: &File) -> Self {
        let nested = |shape: Shape| {
            let in_map = |node: &Node<'_>| {
                let block = node.raw().shape == shape && !node.raw().flow;
                block
                    && node
                        .parent()
                        .is_some_and(|parent| parent.kind() == NodeKind::Mapping && starts_later(*node))
            };
            let nodes = (0..)
                .map_while(|index| ((index as usize) < file.located.nodes.len()).then(|| file.node(index)));
            nodes
                .filter(in_map)
                .find_map(|node| column(node).checked_sub(column(node.parent()?)))
        };
        let step = nested(Shape::Mapping).filter(|&step| step > 0).unwrap_or(2);
        Self {
            line_break: file.line_break(),
            step,
            list: nested(Shape::Sequence).unwrap_or(2),
        }
    }

    /// Writes an entry of a block map as lines without indentation.
    pub fn entry(&self, key: &str, value: &Json) -> Vec<String> {
        let key = spell::string(key, Context::default());
        match value {
            Json::Object(entries) if !entries.is_empty() => {
                let mut lines = vec![format!("{key}:")];
                lines.extend(indented(self.block(value), self.step));
                lines
            }
            Json::Array(items) if !items.is_empty() => {
                let mut lines = vec![format!("{key}:")];
                lines.extend(indented(self.block(value), self.list));
                lines
            }
            scalar => vec![format!(
                "{key}: {}",
                spell::flow(scalar, Context::default(), false)
            )],
        }
    }

    /// Writes an item of a block list as lines without indentation; `gap` is the width of `- `.
    pub fn item(&self, value: &Json, gap: usize) -> Vec<String> {
        let mut lines = indented(self.block(value), gap);
        if let Some(first) = lines.first_mut() {
            first.replace_range(..1, "-");
        }
        lines
    }

    /// Writes a value in block style as lines without indentation.
    pub fn block(&self, value: &Json) -> Vec<String> {
        match value {
            Json::Object(entries) if !entries.is_empty() => entries
                .iter()
                .flat_map(|(key, value)| self.entry(key, value))
                .collect(),
            Json::Array(items) if !items.is_empty() => {
                items.iter().flat_map(|item| self.item(item, 2)).collect()
            }
            scalar => vec![spell::flow(scalar, Context::default(), false)],
        }
    }
}

/// Puts spaces before lines.
pub fn indented(lines: Vec<String>, by: usize) -> Vec<String> {
    lines
        .into_iter()
        .map(|line| format!("{:by$}{line}", ""))
        .collect()
}

/// Returns the text that adds whole lines at a place, and the place: after the line on which a node ends.
pub fn lines_after(file: &File, end: usize, lines: &[String], line_break: &str) -> (usize, String) {
    let bytes = file.bytes();
    let at = after_line(bytes, end);
    let broken = at == 0
        || bytes.get(at - 1).is_some_and(|&byte| lex::is_break(byte))
        || (at == 3 && file.text().starts_with('\u{feff}'));
    let text = lines.iter().fold(String::new(), |mut text, line| {
        let (before, after) = if broken {
            ("", line_break)
        } else {
            (line_break, "")
        };
        text.extend([before, line, after]);
        text
    });
    (at, text)
}

/// Returns where the line after a node begins, given the node's end.
pub fn after_line(bytes: &[u8], end: usize) -> usize {
    let begun = end > 0 && bytes.get(end - 1).is_some_and(|&byte| lex::is_break(byte));
    if begun { end } else { lex::next_line(bytes, end) }
}

/// Returns the column, from 0, where a block collection's entries begin (that of its keys or dashes).
pub fn column(node: Node<'_>) -> usize {
    let first = node.file.located.nodes.get(node.index as usize + 1);
    let at = first.map_or(node.raw().start, |first: &Raw| first.lead) as usize;
    node.file.text()[lex::line_start(node.file.bytes(), at)..at]
        .chars()
        .count()
}

/// Returns where the content of a node can be written: after its indicator and its properties.
pub fn after_head(node: Node<'_>) -> usize {
    let raw = node.raw();
    let bytes = node.file.bytes();
    if raw.props < raw.start
        || (raw.props == raw.start && raw.is_empty() && raw.anchor > 0 && raw.shape != Shape::Alias)
    {
        let mut at = raw.props as usize;
        for _ in 0..usize::from(raw.anchor > 0) + usize::from(raw.tag > 0) {
            at = lex::property_end(bytes, lex::skip_trivia(bytes, at));
        }
        return at;
    }
    let lead = raw.lead as usize;
    let indicator = raw.lead < raw.start && matches!(bytes.get(lead), Some(b':' | b'-' | b'?'));
    if indicator { lead + 1 } else { raw.start as usize }
}

/// Returns whether a node's content begins on a later line than its indicator.
pub fn starts_later(node: Node<'_>) -> bool {
    let bytes = node.file.bytes();
    let head = after_head(node);
    lex::line_end(bytes, head) < node.raw().start as usize
}

/// Returns the surroundings in which a value stands.
pub fn context(node: Node<'_>) -> Context {
    let Some(parent) = node.parent().filter(|parent| parent.raw().flow) else {
        return Context::default();
    };
    Context {
        flow: true,
        json: is_json(parent),
    }
}

/// Returns whether a flow collection is written as JSON: with double quotes around its keys or strings.
pub fn is_json(container: Node<'_>) -> bool {
    let mut node = container;
    loop {
        if !node.raw().flow {
            return false;
        }
        let first = node.children(node.raw().shape).next();
        let telling = match first {
            Some(item) if item.kind() == NodeKind::Mapping => item.entries().next().map(|(key, _)| key),
            Some(item)
                if item.kind() == NodeKind::Scalar && (node.kind() == NodeKind::Mapping || !item.typed()) =>
            {
                Some(item)
            }
            _ => None,
        };
        match (telling, node.parent()) {
            (Some(scalar), _) => return scalar.raw().shape == Shape::Scalar(Style::Double),
            (None, Some(parent)) => node = parent,
            (None, None) => return false,
        }
    }
}

/// Refuses to add to or take from a pair such as `[key: value]`, which has no brackets of its own.
pub fn refuse_pair(container: Node<'_>) -> Result<(), Error> {
    let raw = container.raw();
    if raw.flow && !matches!(container.file.bytes().get(raw.start as usize), Some(b'{' | b'[')) {
        let message = "a pair inside `[…]` cannot grow or shrink".to_owned();
        return Err(container
            .file
            .error(ErrorKind::Shape, raw.start as usize, message)
            .hint("write it as `{key: value}` first"));
    }
    Ok(())
}
