//! Where in the policy file an error lies, and what to say there.

use serde::de::DeserializeOwned;
use yaml_rust2::Event;
use yaml_rust2::parser::Parser;

use crate::words::fault::Fault;
use crate::words::wording::{shown, suggestion};

/// How many brackets may be open at once.
const OPEN_MAX: usize = 100;

/// Reads YAML into a type; `file` is what messages call it.
///
/// # Errors
/// A fault of kind `Invalid` with its place and, for a wrong word, the nearest right one.
pub(in crate::words) fn read_yaml<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Fault> {
    refuse_deep(text).map_err(|line| Fault::invalid("more than 100 brackets are open").at(file, line, 1))?;
    serde_yaml::from_str(text).map_err(|error| yaml_fault(file, &error))
}

/// Refuses text with too many open brackets, with the line: libyaml's time grows with the square of them.
/// Brackets inside strings and comments count as well; a file of ours never holds so many.
fn refuse_deep(text: &str) -> Result<(), usize> {
    let (mut open, mut line) = (0_usize, 1_usize);
    for byte in text.bytes() {
        match byte {
            b'\n' => line += 1,
            b'[' | b'{' => open += 1,
            b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open > OPEN_MAX {
            return Err(line);
        }
    }
    Ok(())
}

/// Turns an error of `serde_yaml` into a fault with its place and, for a wrong word, the nearest right one.
fn yaml_fault(file: &str, error: &serde_yaml::Error) -> Fault {
    let (line, column) = error.location().map_or((0, 0), |at| (at.line(), at.column()));
    // The place stands in the text as well; it is shown before the message instead.
    let text = error
        .to_string()
        .replace(&format!(" at line {line} column {column}"), "");
    reword(&text).at(file, line.max(1), column.max(1))
}

/// Says serde's "unknown field" and "missing field" in our words.
fn reword(text: &str) -> Fault {
    let at = ["unknown field `", "unknown variant `", "missing field `"]
        .into_iter()
        .filter_map(|start| Some((text.find(start)?, start)))
        .min();
    let Some((at, start)) = at else {
        return match text.split_once(HINT) {
            Some((message, hint)) => Fault::invalid(shown_long(message)).hint(shown_long(hint)),
            None => Fault::invalid(shown_long(text)),
        };
    };
    let (path, rest) = (&text[..at], &text[at + start.len()..]);
    // A foreign word may hold a backtick itself; what serde adds after it holds no foreign text.
    let (word, known) = rest
        .rsplit_once("`, expected ")
        .unwrap_or((rest.trim_end_matches('`'), ""));
    let path = shown(path.trim_end_matches([':', ' ', '.']));
    let inside = if path.is_empty() {
        String::new()
    } else {
        format!(" in `{path}`")
    };
    if start.starts_with("missing") {
        return Fault::invalid(format!("the key `{}` is missing{inside}", shown(word)));
    }
    let noun = if start.contains("field") { "key" } else { "word" };
    let known: Vec<&str> = known.split('`').skip(1).step_by(2).collect();
    Fault::invalid(format!("unknown {noun} `{}`{inside}", shown(word)))
        .hint(suggestion(word, known.iter().copied()))
}

/// What parts a message from its hint inside an error of serde, which has only one text.
pub(super) const HINT: &str = "\u{1f}";

fn shown_long(text: &str) -> String {
    let short: String = text.chars().take(600).collect();
    // Names inside are escaped already where our own types made the message.
    short
        .chars()
        .flat_map(|c| {
            if c.is_control() {
                c.escape_debug().collect()
            } else {
                vec![c]
            }
        })
        .collect()
}

/// Returns line and column of the key that a path of keys and list indexes leads to, or of the longest part
/// of that path which exists.
pub(super) fn find(text: &str, path: &[String]) -> (usize, usize) {
    let mut parser = Parser::new_from_str(text);
    let mut walk = Walk {
        path,
        open: Vec::new(),
        best: (1, 1),
        depth: 0,
        opened: false,
    };
    while let Ok((event, mark)) = parser.next_token() {
        if event == Event::StreamEnd {
            break;
        }
        walk.step(&event, (mark.line(), mark.col() + 1));
    }
    walk.best
}

/// A collection that is being read.
struct Open {
    /// The key or index under which the next value stands; `None` when a key is due.
    next: Option<String>,
    /// The next index of a list; `None` for a map.
    index: Option<usize>,
    /// Whether the path leads into it.
    on_path: bool,
}

/// A walk over the parser's events towards a path.
struct Walk<'a> {
    path: &'a [String],
    open: Vec<Open>,
    best: (usize, usize),
    depth: usize,
    /// Whether the map at `best` was opened just now: its first key may stand before the parser's mark of a
    /// block map, which is that of the first colon.
    opened: bool,
}

impl Walk<'_> {
    fn step(&mut self, event: &Event, at: (usize, usize)) {
        if std::mem::take(&mut self.opened) && matches!(event, Event::Scalar(..)) {
            self.best = self.best.min(at);
        }
        match event {
            Event::MappingStart(..) | Event::SequenceStart(..) => {
                let before = self.depth;
                let on_path = self.value(at);
                self.opened = self.depth > before;
                let list = matches!(event, Event::SequenceStart(..));
                self.open.push(Open {
                    next: None,
                    index: list.then_some(0),
                    on_path,
                });
            }
            Event::MappingEnd | Event::SequenceEnd => {
                self.open.pop();
            }
            Event::Scalar(text, ..) => self.scalar(text, at),
            Event::Alias(_) => self.scalar("", at),
            _ => {}
        }
    }

    fn scalar(&mut self, text: &str, at: (usize, usize)) {
        let level = self.open.len();
        match self.open.last_mut() {
            Some(open) if open.index.is_none() && open.next.is_none() => {
                open.next = Some(text.to_owned());
                let wanted = level.checked_sub(1).and_then(|at| self.path.get(at));
                if open.on_path && wanted.is_some_and(|wanted| wanted == text) && level > self.depth {
                    self.depth = level;
                    self.best = at;
                }
            }
            _ => {
                self.value(at);
            }
        }
    }

    /// Notes that a value starts; tells whether the path leads to it.
    fn value(&mut self, at: (usize, usize)) -> bool {
        let level = self.open.len();
        let Some(open) = self.open.last_mut() else {
            return true;
        };
        let wanted = level.checked_sub(1).and_then(|at| self.path.get(at));
        let key = match &mut open.index {
            Some(index) => {
                let key = index.to_string();
                *index = index.saturating_add(1);
                Some(key)
            }
            None => open.next.take(),
        };
        let on_path = open.on_path && key.is_some() && key.as_ref() == wanted;
        if on_path && level > self.depth {
            self.depth = level;
            self.best = at;
        }
        on_path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_found_or_the_part_of_it_that_exists() {
        let text = "a:\n  b: 1\n  c:\n    - x: 1\n    - {y: 2, z: 3}\n  \"d\": {b: 4}\n";
        for (path, place) in [
            ("a", (1, 1)),
            ("a/b", (2, 3)),
            ("a/c/0", (4, 7)),
            ("a/c/1", (5, 7)),
            ("a/c/1/z", (5, 14)),
            ("a/d/b", (6, 9)),
            ("a/d/nothing", (6, 3)),
            ("nothing", (1, 1)),
        ] {
            let path: Vec<String> = path.split('/').map(str::to_owned).collect();
            assert_eq!(find(text, &path), place, "{path:?}");
        }
    }
}
