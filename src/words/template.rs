//! Templates: text with named holes, `{name}`; `{{` and `}}` stand for the braces themselves.
//!
//! A value is put in once and never read again as a template, so it cannot reach another value.

use super::fault::Fault;
use super::wording::{one_line, shown, suggestion};

/// The names that a commit's message and a change request's title and body may use.
pub const MESSAGE_NAMES: &[&str] = &[
    "app",
    "env",
    "image",
    "tag",
    "digest",
    "old",
    "new",
    "file",
    "files",
    "source_repo",
    "source_commit",
    "actor",
    "run_url",
];

/// The message of a commit when none is given.
pub const DEFAULT_MESSAGE: &str = "deploy({env}): {app} {old} → {new}";
/// The message of a rollback where none is given.
pub const ROLLBACK_MESSAGE: &str = "rollback({env}): {app} {old} → {new}";

/// A piece of a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// Text that stays as it is.
    Text(String),
    /// A hole, by its name.
    Hole(&'static str),
}

/// Text with named holes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Template {
    parts: Vec<Part>,
}

impl Template {
    /// Reads a template whose holes are among `known`.
    ///
    /// # Errors
    /// A fault of kind `Invalid` for an unknown name, which it lists the known ones for, and for a brace
    /// that stands alone.
    pub fn parse(text: &str, known: &'static [&'static str]) -> Result<Self, Fault> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from_brace) = rest.split_at(at);
            literal.push_str(before);
            if let Some(after) = from_brace.strip_prefix("{{") {
                literal.push('{');
                rest = after;
            } else if let Some(after) = from_brace.strip_prefix("}}") {
                literal.push('}');
                rest = after;
            } else {
                let (name, after) = read_hole(from_brace)?;
                let name = known
                    .iter()
                    .find(|known| **known == name)
                    .ok_or_else(|| unknown(name, known))?;
                if !literal.is_empty() {
                    parts.push(Part::Text(std::mem::take(&mut literal)));
                }
                parts.push(Part::Hole(name));
                rest = after;
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Text(literal));
        }
        Ok(Self { parts })
    }

    /// Makes a template that is text alone.
    pub fn literal(text: &str) -> Self {
        Self {
            parts: vec![Part::Text(text.to_owned())],
        }
    }

    /// Returns the text with every hole filled; a value that is not known (`None`) leaves nothing.
    ///
    /// Values are brought on one line, without control characters.
    pub fn render<V: AsRef<str>>(&self, value: impl Fn(&str) -> Option<V>) -> String {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(literal) => text.push_str(literal),
                Part::Hole(name) => text.push_str(
                    &value(name)
                        .map(|value| one_line(value.as_ref()))
                        .unwrap_or_default(),
                ),
            }
        }
        text
    }

    /// Returns the pieces in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }
}

/// Reads the name of a hole from text that starts with a single brace; returns what follows it too.
fn read_hole(text: &str) -> Result<(&str, &str), Fault> {
    text.strip_prefix('{')
        .and_then(|inner| inner.split_once('}'))
        .filter(|(name, _)| !name.contains('{'))
        .ok_or_else(|| {
            Fault::invalid(format!(
                "a brace stands alone in the template at `{}`",
                shown(text)
            ))
            .hint("a hole is `{name}`; for a brace itself write `{{` or `}}`")
        })
}

fn unknown(name: &str, known: &'static [&'static str]) -> Fault {
    let list: Vec<String> = known.iter().map(|known| format!("`{{{known}}}`")).collect();
    let list = format!("known are {}", list.join(", "));
    let near = suggestion(name, known.iter().copied());
    Fault::invalid(format!("unknown name `{{{}}}` in a template", shown(name))).hint(
        if near.starts_with("did") {
            format!("{near} {list}")
        } else {
            list
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(text: &str) -> String {
        Template::parse(text, MESSAGE_NAMES)
            .unwrap()
            .render(|name| match name {
                "app" => Some("{tag}"),
                "tag" => Some("v1\nActor: root\u{1b}[0m"),
                "env" => Some("dev"),
                _ => None,
            })
    }

    #[test]
    fn holes_are_filled_once_and_braces_can_be_written() {
        for (text, rendered) in [
            ("deploy({env}): {app}", "deploy(dev): {tag}"),
            ("{{env}} {env}", "{env} dev"),
            ("{{{env}}}", "{dev}"),
            ("}}{{", "}{"),
            ("a{digest}b", "ab"),
            ("", ""),
            ("→ é", "→ é"),
            ("{tag}", "v1 Actor: root[0m"),
        ] {
            assert_eq!(render(text), rendered, "{text}");
        }
    }

    #[test]
    fn an_unknown_name_is_named_with_the_nearest_known_one() {
        let fault = Template::parse("{evn}", MESSAGE_NAMES).unwrap_err();
        assert_eq!(fault.message, "unknown name `{evn}` in a template");
        let hint = fault.hint.unwrap();
        assert!(
            hint.starts_with("did you mean `env`? known are `{app}`, `{env}`"),
            "{hint}"
        );
        for bad in [
            "{", "}", "{env", "env}", "{en{env}", "{}", "{ env }", "{env\n}", "é{é}",
        ] {
            assert!(Template::parse(bad, MESSAGE_NAMES).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_default_message_is_a_template() {
        assert!(Template::parse(DEFAULT_MESSAGE, MESSAGE_NAMES).is_ok());
    }
}
