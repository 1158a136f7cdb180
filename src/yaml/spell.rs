//! How a value is spelt: plain, single-quoted, double-quoted, or as JSON.
//!
//! A string is spelt so that every YAML 1.1 and 1.2 reader gets that string (YAML 1.2.2, 7.3 and 5.1).

use std::fmt::Write as _;

use serde_json::Value as Json;

use super::typed::is_typed;

/// The surroundings that decide how a scalar may be spelt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// Inside `[…]` or `{…}`.
    pub flow: bool,
    /// Inside a flow collection that is written as JSON writes it: strings get double quotes.
    pub json: bool,
}

/// Returns whether a character may stand unescaped in a scalar (YAML 1.2.2, 5.1), on one line, for every reader.
pub fn is_printable(character: char) -> bool {
    match character {
        '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => false,
        ' '..='~' => true,
        _ => character >= '\u{a0}',
    }
}

/// Returns whether a string can be written without quotes and stay that string for every reader.
pub fn plain_ok(text: &str, flow: bool) -> bool {
    let mut characters = text.chars();
    let Some(first) = characters.next() else {
        return false;
    };
    let second = characters.next();
    let leads = match first {
        ',' | '[' | ']' | '{' | '}' | '#' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => {
            false
        }
        '-' | '?' | ':' => second.is_some_and(|next| next != ' '),
        _ => true,
    };
    leads
        && text.chars().all(is_printable)
        && !text.starts_with(' ')
        && !text.ends_with([' ', ':'])
        && !text.starts_with("---")
        && !text.starts_with("...")
        && !text.contains(": ")
        && !text.contains(" #")
        && !(flow && text.contains([',', '[', ']', '{', '}', '?', ':']))
        && !is_typed(text)
}

/// Spells a string anew, with quotes only where they are needed.
pub fn string(text: &str, context: Context) -> String {
    if !context.json && plain_ok(text, context.flow) {
        text.to_owned()
    } else {
        double_quoted(text, context)
    }
}

/// Spells a string between single quotes if they can hold it, else between double quotes.
pub fn single_quoted(text: &str, context: Context) -> String {
    if text.chars().all(is_printable) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        double_quoted(text, context)
    }
}

/// Spells a string between double quotes (YAML 1.2.2, 7.3.1; in JSON with JSON's escapes only).
pub fn double_quoted(text: &str, context: Context) -> String {
    let mut spelt = String::with_capacity(text.len() + 2);
    spelt.push('"');
    for character in text.chars() {
        match character {
            '"' => spelt.push_str("\\\""),
            '\\' => spelt.push_str("\\\\"),
            '\n' => spelt.push_str("\\n"),
            '\r' => spelt.push_str("\\r"),
            '\t' => spelt.push_str("\\t"),
            printable if is_printable(printable) => spelt.push(printable),
            other => {
                let code = u32::from(other);
                let escaped = if code < 0x100 && !context.json {
                    write!(spelt, "\\x{code:02X}")
                } else {
                    write!(spelt, "\\u{code:04X}")
                };
                escaped.expect("writing to a string never fails");
            }
        }
    }
    spelt.push('"');
    spelt
}

/// Spells a JSON value in flow style on one line; `tight` leaves out the spaces.
pub fn flow(value: &Json, context: Context, tight: bool) -> String {
    let inside = Context {
        flow: true,
        ..context
    };
    let (comma, colon) = if tight { (",", ":") } else { (", ", ": ") };
    match value {
        Json::String(text) => string(text, context),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().map(|item| flow(item, inside, tight)).collect();
            format!("[{}]", items.join(comma))
        }
        Json::Object(entries) => {
            let entry = |(key, value): (&String, &Json)| {
                format!("{}{colon}{}", string(key, inside), flow(value, inside, tight))
            };
            let entries: Vec<String> = entries.iter().map(entry).collect();
            format!("{{{}}}", entries.join(comma))
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => value.to_string(),
    }
}

/// Spells a string as the content of a block scalar, one item a line; `None` if that style cannot hold it.
///
/// `folded` asks for `>`, where a single break between lines would read as a space (YAML 1.2.2, 8.1.3).
pub fn block_lines(text: &str, folded: bool) -> Option<Vec<&str>> {
    let body = text.trim_end_matches('\n');
    let holds = |character: char| is_printable(character) || matches!(character, '\n' | '\t');
    if body.is_empty() || !text.chars().all(holds) || body.starts_with([' ', '\t', '\n']) {
        return None;
    }
    let mut lines = Vec::new();
    for line in body.split('\n') {
        if folded && line.starts_with([' ', '\t']) {
            return None;
        }
        // A line of blanks would be taken for an empty one.
        if !line.is_empty() && line.trim_matches([' ', '\t']).is_empty() {
            return None;
        }
        if folded && !lines.is_empty() && !line.is_empty() {
            lines.push("");
        }
        lines.push(line);
    }
    let breaks = text.len() - body.len();
    lines.extend(std::iter::repeat_n("", breaks.saturating_sub(1)));
    Some(lines)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BLOCK: Context = Context {
        flow: false,
        json: false,
    };

    #[test]
    fn a_string_is_quoted_exactly_where_some_reader_would_misread_it() {
        for text in [
            "v1",
            "1.2.3",
            "ghcr.io/a/b:v2@sha256:bbbb",
            "a#b",
            "-x",
            "?x",
            ":x",
            "x'y",
            "a\\nb",
            "😀",
            "é日本",
            "a/b:c",
        ] {
            assert_eq!(string(text, BLOCK), text);
        }
        for text in [
            "",
            "yes",
            "012",
            "7e5",
            "a: b",
            "a:",
            "a #b",
            "#a",
            "- a",
            "-",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a`",
            "[a]",
            "{a}",
            " a",
            "a ",
            "---",
            "...x",
            "? a",
            "\u{85}",
            "\u{2028}",
            "\u{feff}a",
            "a\tb",
            "a\nb",
            "\u{7f}",
        ] {
            assert!(string(text, BLOCK).starts_with('"'), "{text:?}");
        }
    }

    #[test]
    fn flow_style_quotes_its_own_indicators_too() {
        let flow = Context {
            flow: true,
            json: false,
        };
        for text in ["x,y", "a]", "{y", "a?b", "a:b"] {
            assert!(string(text, flow).starts_with('"'), "{text:?}");
        }
        assert_eq!(string("v2", flow), "v2");
    }

    #[test]
    fn json_keeps_to_its_own_escapes() {
        let json = Context {
            flow: true,
            json: true,
        };
        assert_eq!(double_quoted("a\u{7}\"", json), "\"a\\u0007\\\"\"");
        assert_eq!(double_quoted("a\u{7}", BLOCK), "\"a\\x07\"");
        let value = serde_json::json!({"a": [1, "x", null], "b": {}});
        assert_eq!(super::flow(&value, json, true), "{\"a\":[1,\"x\",null],\"b\":{}}");
        assert_eq!(super::flow(&value, BLOCK, false), "{a: [1, x, null], b: {}}");
    }

    #[test]
    fn a_block_scalar_says_what_it_cannot_hold() {
        assert_eq!(block_lines("a\n b\n", false).unwrap(), ["a", " b"]);
        assert_eq!(block_lines("a\nb", true).unwrap(), ["a", "", "b"]);
        for text in ["", "\n", " a", "a\rb", "a\n \nb"] {
            assert!(block_lines(text, false).is_none(), "{text:?}");
        }
        assert!(block_lines("a\n b", true).is_none());
    }
}
