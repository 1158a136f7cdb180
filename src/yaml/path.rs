//! Paths: how a user names a place in a file.
//!
//! ```text
//! path     = pointer | dotted
//! pointer  = { "/" , token }                          (RFC 6901: ~0 is ~, ~1 is /)
//! dotted   = first , { "." , name | bracket }
//! first    = name | bracket
//! name     = quoted | bare                            (bare: \ takes the next character as it is)
//! bracket  = "[" , ( index | quoted | filter ) , "]"
//! filter   = [ "?" ] , bare or quoted , "=" | "==" , bare or quoted
//! quoted   = a JSON string | "'" , characters, '' for ' , "'"
//! ```

use std::fmt::{self, Write as _};

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// The key of a map; on a list a key of digits is an index.
    Key(String),
    /// The index of a list item, from 0.
    Index(usize),
    /// The list item that is a map with this key and value.
    Filter {
        /// The key inside the item.
        key: String,
        /// The text of its value.
        value: String,
    },
}

/// A place in a document, as a list of steps from its root. Never empty.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path(Vec<Segment>);

/// Why a text is not a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PathError {
    /// Why: lower case, no full stop.
    pub message: String,
    /// What to try.
    pub hint: Option<String>,
    /// Where in the text, in bytes from 0.
    pub offset: usize,
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at character {}", self.message, self.offset + 1)
    }
}

impl std::error::Error for PathError {}

impl Path {
    /// Reads a path in any of its forms.
    ///
    /// # Errors
    /// Says what is wrong and where.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        if text.starts_with('/') {
            return pointer(text);
        }
        let mut reader = Reader { text, at: 0 };
        let mut segments = Vec::new();
        loop {
            if reader.peek() == Some('[') {
                segments.push(reader.bracket()?);
            } else {
                segments.push(Segment::Key(reader.name()?));
            }
            match reader.peek() {
                None => return Ok(Self(segments)),
                Some('.') => reader.take(),
                Some('[') => {}
                Some(_) => {
                    return Err(reader.fail(
                        "expected `.` or `[`",
                        "put quotes around a key with odd characters: `a.\"odd.key\"`",
                    ));
                }
            }
        }
    }

    /// Makes a path of its steps; `None` for no steps at all.
    pub fn from_segments(segments: Vec<Segment>) -> Option<Self> {
        (!segments.is_empty()).then_some(Self(segments))
    }

    /// Returns the steps, from the root.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }
}

/// Writes the dotted form, which parses back to the same path.
impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_segments(f, &self.0)
    }
}

/// The dotted form of some steps; of none it is the document itself.
pub(super) struct Shown<'a>(pub &'a [Segment]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            f.write_str("the document")
        } else {
            f.write_str("`")?;
            write_segments(f, self.0)?;
            f.write_str("`")
        }
    }
}

fn write_segments(f: &mut fmt::Formatter<'_>, segments: &[Segment]) -> fmt::Result {
    for (position, segment) in segments.iter().enumerate() {
        match segment {
            Segment::Key(key) if is_bare(key) => {
                let dot = if position == 0 { "" } else { "." };
                write!(f, "{dot}{key}")?;
            }
            Segment::Key(key) => write!(f, "[{}]", quoted(key))?,
            Segment::Index(index) => write!(f, "[{index}]")?,
            Segment::Filter { key, value } => {
                let part = |text: &str| {
                    if is_bare(text) {
                        text.to_owned()
                    } else {
                        quoted(text)
                    }
                };
                write!(f, "[{}={}]", part(key), part(value))?;
            }
        }
    }
    Ok(())
}

/// Splits `PATH=VALUE` at the first `=` outside brackets and quotes.
///
/// # Errors
/// There is no such `=`.
pub fn split_assignment(text: &str) -> Result<(&str, &str), PathError> {
    let pointer = text.starts_with('/');
    let mut quote = None;
    let mut depth = 0_usize;
    let mut escaped = false;
    let mut fresh = true;
    for (offset, character) in text.char_indices() {
        let opens = fresh || depth > 0;
        fresh = matches!(character, '.' | '[' | '=' | '?');
        if escaped {
            escaped = false;
            continue;
        }
        match (quote, character) {
            (Some('"') | None, '\\') if !pointer => escaped = true,
            (Some(open), close) if open == close => quote = None,
            (None, '"' | '\'') if opens && !pointer => quote = Some(character),
            (None, '[') if !pointer => depth += 1,
            (None, ']') if !pointer => depth = depth.saturating_sub(1),
            (None, '=') if depth == 0 => return Ok((&text[..offset], &text[offset + 1..])),
            _ => {}
        }
    }
    Err(PathError {
        message: "no `=` outside brackets and quotes".into(),
        hint: Some("write PATH=VALUE, for example image.tag=v2".into()),
        offset: text.len(),
    })
}

fn is_bare(text: &str) -> bool {
    !text.is_empty()
        && !text.starts_with('/')
        && text.chars().all(|character| {
            character.is_alphanumeric()
                || matches!(
                    character,
                    '_' | '-' | '/' | '$' | '@' | ':' | '+' | '%' | '<' | '*'
                )
        })
}

/// Returns text as a JSON string that steers no terminal: JSON itself lets the controls beyond ASCII stand.
fn quoted(text: &str) -> String {
    let mut shown = String::new();
    for character in serde_json::Value::from(text).to_string().chars() {
        if character.is_control() || hides(character) {
            let _ = write!(shown, "\\u{:04x}", u32::from(character));
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Whether a character reverses, breaks or hides what stands around it.
fn hides(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn pointer(text: &str) -> Result<Path, PathError> {
    let mut segments = Vec::new();
    let mut offset = 1;
    for token in text[1..].split('/') {
        let bad = token
            .match_indices('~')
            .find(|(at, _)| !matches!(token.as_bytes().get(at + 1), Some(b'0' | b'1')));
        if let Some((at, _)) = bad {
            return Err(PathError {
                message: "`~` in a JSON pointer must be `~0` or `~1`".into(),
                hint: Some("write `~0` for `~` and `~1` for `/`".into()),
                offset: offset + at,
            });
        }
        segments.push(Segment::Key(token.replace("~1", "/").replace("~0", "~")));
        offset += token.len() + 1;
    }
    Ok(Path(segments))
}

struct Reader<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Reader<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn take(&mut self) {
        self.at += self.peek().map_or(0, char::len_utf8);
    }

    fn eat(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.take();
        }
        found
    }

    fn fail(&self, message: &str, hint: &str) -> PathError {
        PathError {
            message: message.into(),
            hint: Some(hint.into()),
            offset: self.at,
        }
    }

    fn name(&mut self) -> Result<String, PathError> {
        let name = match self.peek() {
            Some('"' | '\'') => return self.quoted(),
            _ => self.bare(&['.', '[', ']', '='])?,
        };
        if name.is_empty() {
            return Err(self.fail(
                "a key is missing",
                "write an empty key as `\"\"`, and no dot at either end",
            ));
        }
        Ok(name)
    }

    /// Reads up to one of the stops; `\` takes the next character as it is.
    fn bare(&mut self, stops: &[char]) -> Result<String, PathError> {
        let mut name = String::new();
        while let Some(character) = self.peek().filter(|character| !stops.contains(character)) {
            self.take();
            if character == '\\' {
                let escaped = self
                    .peek()
                    .ok_or_else(|| self.fail("nothing follows `\\`", "write `\\\\` for one backslash"))?;
                name.push(escaped);
                self.take();
            } else {
                name.push(character);
            }
        }
        Ok(name)
    }

    fn quoted(&mut self) -> Result<String, PathError> {
        let open = |reader: &Self| reader.fail("a quote is not closed", "close it with the same quote");
        if self.peek() == Some('"') {
            let mut strings = serde_json::Deserializer::from_str(self.rest()).into_iter::<String>();
            let read = strings.next();
            let length = strings.byte_offset();
            let Some(Ok(name)) = read else {
                return Err(open(self));
            };
            self.at += length;
            return Ok(name);
        }
        let mut name = String::new();
        let start = self.at;
        self.take();
        loop {
            match self.peek() {
                None => {
                    self.at = start;
                    return Err(open(self));
                }
                Some('\'') => {
                    self.take();
                    if self.peek() != Some('\'') {
                        return Ok(name);
                    }
                    name.push('\'');
                }
                Some(character) => name.push(character),
            }
            self.take();
        }
    }

    fn bracket(&mut self) -> Result<Segment, PathError> {
        const FORMS: &str = "write `[0]`, `[\"key\"]` or `[name=value]`";
        let start = self.at;
        self.take();
        let question = self.eat('?');
        let quoted = matches!(self.peek(), Some('"' | '\''));
        let first = if quoted {
            self.quoted()?
        } else {
            self.bare(&[']', '='])?
        };
        if self.eat(']') {
            if quoted && !question {
                return Ok(Segment::Key(first));
            }
            let digits = !question && first.bytes().all(|byte| byte.is_ascii_digit());
            if let Some(index) = first.parse().ok().filter(|_| digits) {
                return Ok(Segment::Index(index));
            }
            self.at = start;
            return Err(self.fail(
                "neither an index, a quoted key nor a filter stands in the brackets",
                FORMS,
            ));
        }
        if !self.eat('=') {
            self.at = start;
            return Err(self.fail("a bracket is not closed", FORMS));
        }
        self.eat('=');
        let value = match self.peek() {
            Some('"' | '\'') => self.quoted()?,
            _ => self.bare(&[']'])?,
        };
        if !self.eat(']') || first.is_empty() {
            self.at = start;
            return Err(self.fail("a filter needs a key, `=`, a value and `]`", FORMS));
        }
        Ok(Segment::Filter { key: first, value })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key(text: &str) -> Segment {
        Segment::Key(text.into())
    }

    fn filter(key: &str, value: &str) -> Segment {
        Segment::Filter {
            key: key.into(),
            value: value.into(),
        }
    }

    #[test]
    fn every_form_of_a_path_is_read() {
        let table: [(&str, Vec<Segment>); 17] = [
            ("a.b", vec![key("a"), key("b")]),
            ("a.\"odd.key\"", vec![key("a"), key("odd.key")]),
            ("a[\"key\"]", vec![key("a"), key("key")]),
            ("a['it''s']", vec![key("a"), key("it's")]),
            ("a\\.b", vec![key("a.b")]),
            ("a[0]", vec![key("a"), Segment::Index(0)]),
            ("a.0", vec![key("a"), key("0")]),
            ("[1].x", vec![Segment::Index(1), key("x")]),
            (
                "images[name=web].newTag",
                vec![key("images"), filter("name", "web"), key("newTag")],
            ),
            (
                "images[?name==\"web\"]",
                vec![key("images"), filter("name", "web")],
            ),
            ("l[name=\"a]b\"]", vec![key("l"), filter("name", "a]b")]),
            ("l[name=a.b/c:1]", vec![key("l"), filter("name", "a.b/c:1")]),
            ("l[name=]", vec![key("l"), filter("name", "")]),
            ("/a/b~1c/~0/0", vec![key("a"), key("b/c"), key("~"), key("0")]),
            ("/", vec![key("")]),
            ("a b", vec![key("a b")]),
            ("ключ.tag", vec![key("ключ"), key("tag")]),
        ];
        for (text, segments) in table {
            assert_eq!(Path::parse(text).unwrap().segments(), segments, "{text}");
        }
    }

    #[test]
    fn a_bad_path_says_where_and_what_to_try() {
        for (text, offset) in [
            ("", 0),
            ("a.", 2),
            (".a", 0),
            ("a..b", 2),
            ("a[", 1),
            ("a[x]", 1),
            ("a[-1]", 1),
            ("a[99999999999999999999999]", 1),
            ("a[name=x", 1),
            ("a[=x]", 1),
            ("a]", 1),
            ("a=b", 1),
            ("a\\", 2),
            ("a.\"b", 2),
            ("a['b", 2),
            ("a[0]b", 4),
            ("/a/~2", 3),
        ] {
            let error = Path::parse(text).unwrap_err();
            assert_eq!(error.offset, offset, "{text}: {error}");
            assert!(error.hint.is_some());
        }
    }

    #[test]
    fn an_assignment_splits_at_the_first_equals_sign_outside_brackets_and_quotes() {
        for (text, path, value) in [
            ("image.tag=v2", "image.tag", "v2"),
            ("a=b=c", "a", "b=c"),
            ("l[name=x].v=y", "l[name=x].v", "y"),
            ("a.\"k=v\"=y", "a.\"k=v\"", "y"),
            ("a['k=]']=y", "a['k=]']", "y"),
            ("a\\=b=c", "a\\=b", "c"),
            ("it's=x", "it's", "x"),
            ("/a[b=c", "/a[b", "c"),
            ("a=", "a", ""),
        ] {
            assert_eq!(split_assignment(text).unwrap(), (path, value));
        }
        assert!(split_assignment("a[b=c]").is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

        #[test]
        fn what_is_printed_parses_back(keys in prop::collection::vec(prop_oneof![
            any::<String>().prop_map(Segment::Key),
            "[a-z.=/'\"\\[\\]\\\\ ]{0,6}".prop_map(Segment::Key),
            any::<usize>().prop_map(Segment::Index),
            ("[a-z.=\\]\"]{1,4}", "[a-z.=\\]\"' ]{0,4}").prop_map(|(key, value)| Segment::Filter { key, value }),
        ], 1..5)) {
            let path = Path(keys);
            prop_assert_eq!(Path::parse(&path.to_string()), Ok(path));
        }

        #[test]
        fn no_key_steers_a_terminal_when_it_is_printed(key in any::<String>(), hidden in "[\u{7f}-\u{9f}\u{200b}-\u{200f}\u{2028}-\u{202e}]") {
            let path = Path(vec![Segment::Key(format!("{key}{hidden}"))]);
            prop_assert!(!path.to_string().chars().any(|one| one.is_control() || hides(one)));
            prop_assert_eq!(Path::parse(&path.to_string()), Ok(path));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in any::<String>(), odd in "[a.\\[\\]=?'\"\\\\/~0é]{0,12}") {
            let _ = (Path::parse(&text), Path::parse(&odd), split_assignment(&odd));
        }
    }
}
