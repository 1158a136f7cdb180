//! Inserting: an entry or an item that is not there yet.

use serde_json::Value as Json;

use super::error::{Error, ErrorKind};
use super::file::{File, Node, NodeKind};
use super::layout::{self, Layout};
use super::lex;
use super::path::Segment;
use super::resolve::list_index;
use super::set;
use super::spell::{self, Context};
use super::splice::Splice;

/// What is added to a collection.
#[derive(Clone, Debug, PartialEq)]
pub struct Addition {
    /// The key; `None` for an item of a list.
    pub key: Option<String>,
    /// The value.
    pub value: Json,
}

/// Returns what must be added at the end of the collection where a path stops, so that the path exists.
///
/// # Errors
/// `Shape`: the rest of the path cannot be made. `Missing`: an index beyond the end of the list.
pub fn addition(container: Node<'_>, rest: &[Segment], value: &Json) -> Result<Addition, Error> {
    let fail = |kind, message: &str, hint: &str| {
        let place = container.raw().start as usize;
        Err(container.file.error(kind, place, message.to_owned()).hint(hint))
    };
    let (first, inner) = rest
        .split_first()
        .ok_or_else(|| Error::new(ErrorKind::Shape, "nothing to make"))?;
    match (container.kind(), first) {
        (NodeKind::Mapping, Segment::Key(key)) => Ok(Addition {
            key: Some(key.clone()),
            value: nested(inner, value)?,
        }),
        (NodeKind::Sequence, Segment::Filter { key, value: wanted }) => Ok(Addition {
            key: None,
            value: named(key, wanted, nested(inner, value)?)?,
        }),
        (NodeKind::Sequence, segment) if list_index(segment).is_some() => {
            let count = container.items().count();
            if list_index(segment) == Some(count) {
                return Ok(Addition {
                    key: None,
                    value: nested(inner, value)?,
                });
            }
            let hint = format!("the list has {count} items; index {count} appends one");
            fail(
                ErrorKind::Missing,
                "an item can only be made at the end of a list",
                &hint,
            )
        }
        _ => fail(
            ErrorKind::Shape,
            "the path does not fit what is there",
            "an entry of a map has a key, an item of a list an index or a filter",
        ),
    }
}

/// Returns the value that makes the rest of a path exist.
///
/// # Errors
/// `Shape` or `Missing`, as for [`addition`].
pub fn nested(rest: &[Segment], value: &Json) -> Result<Json, Error> {
    let Some((first, inner)) = rest.split_first() else {
        return Ok(value.clone());
    };
    let inner = nested(inner, value)?;
    match first {
        Segment::Key(key) => Ok(Json::Object([(key.clone(), inner)].into_iter().collect())),
        Segment::Index(0) => Ok(Json::Array(vec![inner])),
        Segment::Index(_) => Err(Error::new(
            ErrorKind::Missing,
            "a list that does not exist yet begins at index 0",
        )),
        Segment::Filter { key, value } => Ok(Json::Array(vec![named(key, value, inner)?])),
    }
}

/// Puts the key that a filter asks for in front of a new item.
fn named(key: &str, wanted: &str, item: Json) -> Result<Json, Error> {
    let Json::Object(mut entries) = item else {
        return Err(Error::new(
            ErrorKind::Shape,
            format!("an item found by `{}` must be a map", key.escape_debug()),
        ));
    };
    let first = (key.to_owned(), Json::from(wanted));
    if entries.get(key).is_some_and(|value| *value != first.1) {
        return Err(Error::new(
            ErrorKind::Contradiction,
            format!("the new item's `{}` contradicts its filter", key.escape_debug()),
        ));
    }
    entries.shift_remove(key);
    Ok(Json::Object(std::iter::once(first).chain(entries).collect()))
}

/// Returns the splices that add to the end of a map or list.
///
/// # Errors
/// `Shape`: the collection has no place for more.
pub fn add(container: Node<'_>, addition: &Addition) -> Result<Vec<Splice>, Error> {
    layout::refuse_pair(container)?;
    let last = container.children(container.raw().shape).last();
    match last {
        None => Ok(vec![into_empty(container, addition)]),
        Some(last) if container.raw().flow => Ok(after_flow(container, last, addition)),
        Some(last) => Ok(vec![after_block(container, last, addition)]),
    }
}

/// Returns the splices that turn an empty value into a map or list.
///
/// # Errors
/// `Shape`: there is no place for a value.
pub fn fill(null: Node<'_>, value: &Json) -> Result<Vec<Splice>, Error> {
    let Some(parent) = null.parent() else {
        return Ok(fill_root(null, value));
    };
    if parent.raw().flow {
        return set::set(null, &super::edit::Value::Json(value.clone()));
    }
    let raw = null.raw();
    let layout = Layout::of(null.file);
    let head = layout::after_head(null);
    let word = Splice::replace(head..raw.end as usize, "", raw.depth);
    if parent.kind() == NodeKind::Sequence {
        let lines = layout.block(value);
        let indent = layout::column(parent) + 2;
        let text = lines.join(&format!("{}{:indent$}", layout.line_break, ""));
        return Ok(vec![Splice {
            text: format!(" {text}"),
            ..word
        }]);
    }
    let deeper = if value.is_array() {
        layout.list
    } else {
        layout.step
    };
    let lines = layout::indented(layout.block(value), layout::column(parent) + deeper);
    let (at, text) = layout::lines_after(null.file, raw.end as usize, &lines, layout.line_break);
    let added = Splice::insert(at, text, raw.depth);
    Ok(if word.range.is_empty() {
        vec![added]
    } else {
        vec![word, added]
    })
}

/// Returns the splice that writes the first value of a file without any.
pub fn first(file: &File, value: &Json) -> Splice {
    let layout = Layout::of(file);
    let (at, text) = layout::lines_after(file, file.text().len(), &layout.block(value), layout.line_break);
    Splice::insert(at, text, 0)
}

/// An empty document: the new lines stand at its end, after its comments.
fn fill_root(null: Node<'_>, value: &Json) -> Vec<Splice> {
    let file = null.file;
    let raw = null.raw();
    let layout = Layout::of(file);
    let end = raw.end as usize;
    let word = Splice::replace(raw.start as usize..end, "", 0);
    let lines = layout.block(value);
    let next = lex::skip_trivia(file.bytes(), end);
    let at = if next < file.text().len() {
        lex::line_start(file.bytes(), next)
    } else {
        file.text().len()
    };
    let (at, text) = if at > end {
        let before = file.bytes().get(at - 1).is_some_and(|&byte| lex::is_break(byte));
        let from = if before { at } else { end };
        layout::lines_after(file, from, &lines, layout.line_break)
    } else {
        layout::lines_after(file, end, &lines, layout.line_break)
    };
    let added = Splice::insert(at, text, 0);
    if word.range.is_empty() {
        vec![added]
    } else {
        vec![word, added]
    }
}

fn into_empty(container: Node<'_>, addition: &Addition) -> Splice {
    let context = Context {
        flow: true,
        json: layout::is_json(container),
    };
    let inside = container.raw().start as usize + 1..container.raw().end as usize - 1;
    let blank = container.file.bytes()[inside.clone()]
        .iter()
        .all(|&byte| lex::is_blank(byte));
    let inside = if blank { inside } else { inside.start..inside.start };
    Splice::replace(inside, flow_text(addition, context, " "), container.raw().depth)
}

fn flow_text(addition: &Addition, context: Context, gap: &str) -> String {
    let value = spell::flow(&addition.value, context, gap.is_empty());
    match &addition.key {
        Some(key) => format!("{}:{gap}{value}", spell::string(key, context)),
        None => value,
    }
}

/// Adds after the last entry of `{…}` or `[…]`, on its line or, where each has its own, on a new one.
fn after_flow(container: Node<'_>, last: Node<'_>, addition: &Addition) -> Vec<Splice> {
    let bytes = container.file.bytes();
    let depth = container.raw().depth;
    let context = Context {
        flow: true,
        json: layout::is_json(container),
    };
    let text = flow_text(addition, context, colon_gap(container));
    let end = last.raw().end as usize;
    let comma = Some(lex::skip_trivia(bytes, end)).filter(|&at| bytes.get(at) == Some(&b','));
    let entry = match container.kind() {
        NodeKind::Mapping => container.entries().last().map_or(last, |(key, _)| key),
        _ => last,
    };
    let begin = entry.raw().lead as usize;
    let line = lex::line_start(bytes, begin);
    let indent = lex::skip_blanks(bytes, line);
    let bracket = container.raw().end as usize - 1;
    let own_line = indent == begin
        && line > container.raw().start as usize
        && lex::line_end(bytes, comma.unwrap_or(end)) < bracket;
    if own_line {
        let new = format!(
            "{}{}{text}",
            container.file.line_break(),
            &container.file.text()[line..indent]
        );
        return match comma {
            Some(comma) => vec![Splice::insert(lex::line_end(bytes, comma), new + ",", depth)],
            None => vec![
                Splice::insert(end, ",", depth),
                Splice::insert(lex::line_end(bytes, end), new, depth),
            ],
        };
    }
    let gap = comma_gap(container);
    vec![match comma {
        Some(comma) => Splice::insert(comma + 1, format!("{gap}{text},"), depth),
        None => Splice::insert(end, format!(",{gap}{text}"), depth),
    }]
}

/// Returns what stands between a colon and its value in a flow collection.
fn colon_gap(container: Node<'_>) -> &'static str {
    let mut node = Some(container);
    while let Some(map) = node {
        if let Some((_, value)) = map.entries().next() {
            let after = value.raw().lead as usize + 1;
            return if value.raw().start as usize == after && !value.raw().is_empty() {
                ""
            } else {
                " "
            };
        }
        node = map.parent().filter(|parent| parent.raw().flow);
    }
    " "
}

/// Returns what stands between a comma and the next entry in a flow collection.
fn comma_gap(container: Node<'_>) -> &'static str {
    let second = match container.kind() {
        NodeKind::Mapping => container.entries().nth(1).map(|(key, _)| key),
        _ => container.items().nth(1),
    };
    let Some(second) = second else {
        return colon_gap(container);
    };
    let before = second.raw().lead as usize - 1;
    if container.file.bytes().get(before) == Some(&b',') {
        ""
    } else {
        " "
    }
}

/// Adds lines directly after the last entry of a block map or list.
fn after_block(container: Node<'_>, last: Node<'_>, addition: &Addition) -> Splice {
    let layout = Layout::of(container.file);
    let lines = match &addition.key {
        Some(key) => layout.entry(key, &addition.value),
        None => list_item(last, &addition.value, &layout),
    };
    let lines = layout::indented(lines, layout::column(container));
    let (at, text) = layout::lines_after(container.file, last.raw().end as usize, &lines, layout.line_break);
    Splice::insert(at, text, container.raw().depth)
}

/// Writes an item in the layout of the one before it.
fn list_item(last: Node<'_>, value: &Json, layout: &Layout) -> Vec<String> {
    let raw = last.raw();
    let gap = if raw.is_empty() || layout::starts_later(last) {
        2
    } else {
        (raw.props - raw.lead) as usize
    };
    if raw.flow && (value.is_object() || value.is_array()) {
        let context = Context {
            flow: true,
            json: layout::is_json(last),
        };
        let tight = colon_gap(last).is_empty();
        return vec![format!("{:gap$}{}", "-", spell::flow(value, context, tight))];
    }
    layout.item(value, gap)
}
