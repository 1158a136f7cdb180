//! Setting: another value in the place of one that is there.

use serde_json::Value as Json;

use super::edit::Value;
use super::error::{Error, ErrorKind};
use super::file::{Node, NodeKind};
use super::layout::{self, Layout};
use super::lex;
use super::locate::{Shape, Style};
use super::spell;
use super::splice::Splice;

/// Returns the splices that give a node another value; none if it has it already.
///
/// # Errors
/// `Shape`: a string where a map or list stands, or a value that cannot be placed.
pub fn set(node: Node<'_>, value: &Value) -> Result<Vec<Splice>, Error> {
    if is_already(node, value) {
        return Ok(Vec::new());
    }
    let raw = node.raw();
    let context = layout::context(node);
    if let (Value::String(_) | Value::Json(Json::String(_)), Some(tag)) = (value, core_type(node)) {
        let message = format!("the tag `!!{tag}` says that this is no string");
        return Err(node
            .file
            .error(ErrorKind::Shape, raw.start as usize, message)
            .hint("use --set-json for a value of that type"));
    }
    let text = match (value, raw.shape) {
        (Value::String(_) | Value::Json(Json::String(_)), Shape::Mapping | Shape::Sequence) => {
            return Err(not_scalar(node));
        }
        (Value::Json(Json::String(text)) | Value::String(text), Shape::Scalar(style)) => match style {
            Style::Literal | Style::Folded => {
                return Ok(vec![block_scalar(node, text, style == Style::Folded)]);
            }
            Style::Single if !context.json => spell::single_quoted(text, context),
            Style::Single | Style::Double => spell::double_quoted(text, context),
            Style::Plain => spell::string(text, context),
        },
        (Value::Json(Json::String(text)) | Value::String(text), Shape::Alias) => spell::string(text, context),
        (Value::Json(json), _) => spell::flow(json, context, false),
    };
    place(node, text)
}

/// Returns the type that a node's tag forces on it, if it is one of YAML's own and not a string's.
fn core_type(node: Node<'_>) -> Option<&str> {
    let tag = node.raw().tag.checked_sub(1)?;
    let (handle, suffix) = node.file.located.tags.get(tag as usize)?.rsplit_once(' ')?;
    let core = handle == "tag:yaml.org,2002:" || handle == "!!";
    (core && matches!(suffix, "int" | "float" | "bool" | "null" | "timestamp")).then_some(suffix)
}

/// Returns whether a node already has a value, for every reader.
fn is_already(node: Node<'_>, value: &Value) -> bool {
    match value {
        Value::String(text) => is_string(node, text),
        Value::Json(json) => is_json(node, json),
    }
}

fn is_string(node: Node<'_>, text: &str) -> bool {
    node.text() == Some(text) && !node.typed()
}

fn is_json(node: Node<'_>, json: &Json) -> bool {
    let plain = node.raw().shape == Shape::Scalar(Style::Plain) && node.raw().tag == 0;
    match json {
        Json::Null => node.is_null(),
        Json::Bool(value) => {
            plain
                && node
                    .text()
                    .is_some_and(|text| text.to_ascii_lowercase() == value.to_string() && text.len() < 6)
        }
        Json::Number(value) => plain && node.text() == Some(&value.to_string()),
        Json::String(text) => is_string(node, text),
        Json::Array(items) => {
            node.kind() == NodeKind::Sequence
                && node.items().count() == items.len()
                && node.items().zip(items).all(|(node, item)| is_json(node, item))
        }
        Json::Object(entries) => {
            let same = |((key, node), (name, value)): ((Node<'_>, Node<'_>), (&String, &Json))| {
                is_string(key, name) && is_json(node, value)
            };
            node.kind() == NodeKind::Mapping
                && node.entries().count() == entries.len()
                && node.entries().zip(entries).all(same)
        }
    }
}

fn not_scalar(node: Node<'_>) -> Error {
    let what = if node.kind() == NodeKind::Mapping {
        "a map"
    } else {
        "a list"
    };
    let message = format!(
        "{} (line {}) is {what}, not a single value",
        super::path::Shown(&node.segments()),
        node.line()
    );
    node.file
        .error(ErrorKind::Shape, node.raw().start as usize, message)
        .hint("name a value inside it, or replace it whole with --set-json")
}

/// Returns the splices that write a one-line text in the place of a node.
fn place(node: Node<'_>, text: String) -> Result<Vec<Splice>, Error> {
    let raw = node.raw();
    let file = node.file;
    let bytes = file.bytes();
    let (start, end) = (raw.start as usize, raw.end as usize);
    if raw.is_empty() {
        let introduced = layout::after_head(node) > raw.lead as usize || raw.props < raw.start;
        if introduced {
            return Ok(vec![Splice::insert(start, format!(" {text}"), raw.depth)]);
        }
        if node.parent().is_some_and(|parent| parent.raw().flow) {
            return Ok(vec![Splice::insert(start, format!(": {text}"), raw.depth)]);
        }
        let message = "a key without `:` has no place for a value".to_owned();
        return Err(file
            .error(ErrorKind::Shape, start, message)
            .hint("write `key:` instead of `? key`"));
    }
    if !raw.flow
        && matches!(raw.shape, Shape::Mapping | Shape::Sequence)
        && node.parent().is_some()
        && layout::starts_later(node)
    {
        let head = layout::after_head(node);
        let lines = lex::next_line(bytes, head)..layout::after_line(bytes, end);
        return Ok(vec![
            Splice::insert(head, format!(" {text}"), raw.depth),
            Splice::replace(lines, "", raw.depth),
        ]);
    }
    Ok(vec![Splice::replace(start..end, ended(node, text), raw.depth)])
}

/// Adds the line break that a block scalar's bytes include and a one-line value does not.
pub fn ended(node: Node<'_>, text: String) -> String {
    let end = node.raw().end as usize;
    let broken = end > node.raw().start as usize
        && node
            .file
            .bytes()
            .get(end - 1)
            .is_some_and(|&byte| lex::is_break(byte));
    if broken {
        text + node.file.line_break()
    } else {
        text
    }
}

/// Writes a string as the block scalar that was there, or between double quotes where that cannot hold it.
fn block_scalar(node: Node<'_>, text: &str, folded: bool) -> Splice {
    let raw = node.raw();
    let new = block_spelt(node, text, folded)
        .unwrap_or_else(|| ended(node, spell::double_quoted(text, spell::Context::default())));
    Splice::replace(raw.start as usize..raw.end as usize, new, raw.depth)
}

fn block_spelt(node: Node<'_>, text: &str, folded: bool) -> Option<String> {
    let file = node.file;
    let bytes = file.bytes();
    let (start, end) = (node.raw().start as usize, node.raw().end as usize);
    let lines = spell::block_lines(text, folded)?;
    let line = file.text().get(start..lex::line_end(bytes, start))?;
    let indicators = line.split([' ', '\t']).next()?;
    let breaks = text.len() - text.trim_end_matches('\n').len();
    let kept = indicators.contains('+');
    // With `+`, blank lines that follow would become part of the value.
    let followed = bytes
        .get(lex::skip_blanks(bytes, end))
        .is_some_and(|&byte| lex::is_break(byte));
    let chomping = match breaks {
        0 => "-",
        1 if !kept => "",
        _ if followed => return None,
        _ => "+",
    };
    let indent = match node.block_indent() {
        0 => layout::column(node.parent()?) + Layout::of(file).step,
        indent => indent,
    };
    let digit: String = indicators.chars().filter(char::is_ascii_digit).collect();
    let sign = if folded { '>' } else { '|' };
    let mut new = format!("{sign}{digit}{chomping}{}", &line[indicators.len()..]);
    for line in &lines {
        new.push_str(file.line_break());
        if !line.is_empty() {
            new.extend(std::iter::repeat_n(' ', indent));
            new.push_str(line);
        }
    }
    // Without a final line break libyaml and yaml-rust2 disagree on whether the value ends with one.
    let broken = bytes.get(end - 1).is_some_and(|&byte| lex::is_break(byte));
    if broken || breaks > 0 {
        new.push_str(file.line_break());
    }
    Some(new)
}
