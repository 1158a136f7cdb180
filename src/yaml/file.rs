//! A parsed file and its nodes.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::error::{Error, ErrorKind};
use super::lex;
use super::locate::{self, Located, NONE, Raw, Shape, Style};
use super::path::{Path, Segment};
use super::shadow;
use super::typed;
use super::witness;

/// How deep YAML may lie inside block scalars of YAML.
const MAX_EMBEDDED: usize = 2;

/// A YAML (or JSON) text and where everything in it lies. It never changes; an edit makes a new text.
#[derive(Debug)]
pub struct File {
    text: String,
    pub(super) located: Located,
    /// The literal block scalars, whose text may be YAML again.
    embedded: BTreeMap<u32, OnceLock<Option<Box<File>>>>,
    lines: OnceLock<Vec<usize>>,
    origin: Origin,
}

/// Where a file that lies inside another begins.
#[derive(Debug, Default)]
struct Origin {
    levels: usize,
    document: usize,
    line: usize,
    column: usize,
    path: Vec<Segment>,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// A map.
    Mapping,
    /// A list.
    Sequence,
    /// A scalar, also an empty one.
    Scalar,
    /// `*name`, which stands for the node of the anchor `&name`.
    Alias,
}

impl File {
    /// Reads a text: UTF-8, with or without a byte order mark, with any line ends.
    ///
    /// # Errors
    /// [`ErrorKind::Syntax`]: not UTF-8, control characters, no YAML, nested too deep.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, &error))?;
        refuse_controls(text)?;
        Self::read(text.to_owned(), Origin::default())
    }

    fn read(text: String, origin: Origin) -> Result<Self, Error> {
        let located = locate::locate(&text).or_else(|error| through_shadow(&text).ok_or(error))?;
        let literal = |(index, raw): (usize, &Raw)| {
            (raw.shape == Shape::Scalar(Style::Literal))
                .then(|| (u32::try_from(index).unwrap_or(NONE), OnceLock::new()))
        };
        let embedded = located.nodes.iter().enumerate().filter_map(literal).collect();
        Ok(Self {
            text,
            located,
            embedded,
            lines: OnceLock::new(),
            origin,
        })
    }

    /// Returns the text as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the root of each document. A file that is empty or holds only comments has none.
    pub fn documents(&self) -> impl ExactSizeIterator<Item = Node<'_>> + '_ {
        self.located.roots.iter().map(|&index| self.node(index))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.text.as_bytes()
    }

    pub(super) fn node(&self, index: u32) -> Node<'_> {
        Node { file: self, index }
    }

    pub(super) fn raw(&self, index: u32) -> &Raw {
        &self.located.nodes[index as usize]
    }

    /// Returns the line break that the file uses first, LF if it has none.
    pub(super) fn line_break(&self) -> &'static str {
        let first = lex::line_end(self.bytes(), 0);
        if self.bytes()[first..].starts_with(b"\r\n") {
            "\r\n"
        } else {
            "\n"
        }
    }

    /// Returns line and column, both from 1, of an offset.
    pub(super) fn place(&self, offset: usize) -> (usize, usize) {
        let lines = self.lines.get_or_init(|| {
            let mut starts = vec![0];
            let mut at = 0;
            while at < self.text.len() {
                at = lex::next_line(self.bytes(), at);
                starts.push(at);
            }
            starts
        });
        let line = lines.partition_point(|&start| start <= offset).max(1);
        let start = lines[line - 1];
        let before = self.bytes()[start..offset]
            .iter()
            .filter(|&&byte| byte & 0xc0 != 0x80)
            .count();
        (line + self.origin.line, before + 1 + self.origin.column)
    }

    pub(super) fn error(&self, kind: ErrorKind, offset: usize, message: String) -> Error {
        let (line, column) = self.place(offset);
        Error::new(kind, message).at(line, column)
    }
}

/// A value (or key) in a file.
#[derive(Clone, Copy, Debug)]
pub struct Node<'f> {
    pub(super) file: &'f File,
    pub(super) index: u32,
}

impl<'f> Node<'f> {
    /// Returns what it is.
    pub fn kind(self) -> NodeKind {
        match self.raw().shape {
            Shape::Mapping => NodeKind::Mapping,
            Shape::Sequence => NodeKind::Sequence,
            Shape::Scalar(_) => NodeKind::Scalar,
            Shape::Alias => NodeKind::Alias,
        }
    }

    /// Returns the keys and values of a map, in order; nothing for anything else.
    pub fn entries(self) -> impl Iterator<Item = (Node<'f>, Node<'f>)> {
        let mut children = self.children(Shape::Mapping);
        std::iter::from_fn(move || Some((children.next()?, children.next()?)))
    }

    /// Returns the entries whose keys are scalars: no path names the others.
    pub fn named_entries(self) -> impl Iterator<Item = (Node<'f>, Node<'f>)> {
        self.entries().filter(|(key, _)| key.kind() == NodeKind::Scalar)
    }

    /// Returns the items of a list, in order; nothing for anything else.
    pub fn items(self) -> impl Iterator<Item = Node<'f>> {
        self.children(Shape::Sequence)
    }

    /// Returns the value of the first entry with this key.
    pub fn get(self, key: &str) -> Option<Node<'f>> {
        self.entries()
            .find(|(name, _)| name.text() == Some(key))
            .map(|(_, value)| value)
    }

    /// Returns the decoded text of a scalar.
    pub fn text(self) -> Option<&'f str> {
        let raw = self.raw();
        let Shape::Scalar(style) = raw.shape else {
            return None;
        };
        if let Some(text) = &raw.text {
            return Some(text);
        }
        let quotes = usize::from(matches!(style, Style::Single | Style::Double));
        self.file
            .text
            .get(raw.start as usize + quotes..raw.end as usize - quotes)
    }

    /// Returns whether it is null: empty, `~` or `null`.
    pub fn is_null(self) -> bool {
        self.raw().shape == Shape::Scalar(Style::Plain)
            && self.raw().tag == 0
            && self.text().is_some_and(typed::is_null)
    }

    /// Returns whether it is a plain scalar that some YAML 1.1 or 1.2 reader takes for a number, a boolean, null or a time.
    pub fn typed(self) -> bool {
        self.raw().shape == Shape::Scalar(Style::Plain)
            && self.raw().tag == 0
            && self.text().is_some_and(typed::is_typed)
    }

    /// Returns the line where it begins, from 1, in the outermost file.
    pub fn line(self) -> usize {
        self.file.place(self.raw().start as usize).0
    }

    /// Returns the column where it begins, in characters from 1.
    pub fn column(self) -> usize {
        self.file.place(self.raw().start as usize).1
    }

    /// Returns which document of the outermost file it belongs to, from 0.
    pub fn document(self) -> usize {
        if self.file.origin.levels > 0 {
            return self.file.origin.document;
        }
        self.file
            .located
            .roots
            .partition_point(|&root| root <= self.index)
            .saturating_sub(1)
    }

    /// Returns the path from its document's root; `None` for a root, and below a key that no path can name: a list, a map or
    /// an alias.
    pub fn path(self) -> Option<Path> {
        let (segments, named) = self.way();
        Path::from_segments(segments).filter(|_| named)
    }

    /// Returns the YAML inside a literal block scalar (`values: |`), if its text is a YAML map.
    pub fn embedded(self) -> Option<&'f File> {
        if self.file.origin.levels >= MAX_EMBEDDED {
            return None;
        }
        let cell = self.file.embedded.get(&self.index)?;
        cell.get_or_init(|| self.read_embedded().map(Box::new))
            .as_ref()
            .map(Box::as_ref)
    }

    fn read_embedded(self) -> Option<File> {
        let text = self.text()?;
        let (line, column) = self.content_place();
        let origin = Origin {
            levels: self.file.origin.levels + 1,
            document: self.document(),
            line,
            column,
            path: self.path()?.segments().to_vec(),
        };
        let file = File::read(text.to_owned(), origin).ok()?;
        let root = file.documents().next()?;
        (root.kind() == NodeKind::Mapping && file.located.roots.len() == 1).then_some(file)
    }

    /// Returns how many lines and columns stand before the content of a block scalar.
    fn content_place(self) -> (usize, usize) {
        let bytes = self.file.bytes();
        let content = lex::next_line(bytes, self.raw().start as usize);
        let (line, _) = self.file.place(content);
        (line - 1, self.file.origin.column + self.block_indent())
    }

    /// Returns by how many spaces the content of a block scalar is indented.
    pub(super) fn block_indent(self) -> usize {
        let bytes = self.file.bytes();
        let wanted = self
            .text()
            .unwrap_or_default()
            .split('\n')
            .find(|line| !line.is_empty())
            .unwrap_or_default();
        let mut at = lex::next_line(bytes, self.raw().start as usize);
        let end = self.raw().end as usize;
        while at < end {
            let close = lex::line_end(bytes, at);
            let line = &self.file.text[at..close];
            if let Some(indent) = line
                .strip_suffix(wanted)
                .filter(|indent| !wanted.is_empty() && indent.bytes().all(|byte| byte == b' '))
            {
                return indent.len();
            }
            at = lex::next_line(bytes, close);
        }
        0
    }

    pub(super) fn raw(self) -> &'f Raw {
        self.file.raw(self.index)
    }

    pub(super) fn range(self) -> std::ops::Range<usize> {
        self.raw().start as usize..self.raw().end as usize
    }

    pub(super) fn parent(self) -> Option<Node<'f>> {
        let parent = self.raw().parent;
        (parent != NONE).then(|| self.file.node(parent))
    }

    /// Returns keys and values, or items, in order.
    pub(super) fn children(self, shape: Shape) -> impl Iterator<Item = Node<'f>> + use<'f> {
        let end = if self.raw().shape == shape {
            self.raw().next
        } else {
            0
        };
        let mut at = self.index + 1;
        std::iter::from_fn(move || {
            let child = (at < end).then(|| self.file.node(at))?;
            at = child.raw().next;
            Some(child)
        })
    }

    /// Returns the steps that lead to it, for messages; one that no path can name is an empty key.
    pub(super) fn segments(self) -> Vec<Segment> {
        self.way().0
    }

    /// Returns the steps that lead to it, and whether a path can name all of them.
    fn way(self) -> (Vec<Segment>, bool) {
        let (mut segments, mut named) = (Vec::new(), true);
        let mut node = self;
        while let Some(parent) = node.parent() {
            let step = if parent.kind() == NodeKind::Sequence {
                let index = parent.items().position(|item| item.index == node.index);
                Segment::Index(index.unwrap_or_default())
            } else {
                let entry = parent
                    .entries()
                    .find(|(key, value)| key.index == node.index || value.index == node.index);
                let key = entry.and_then(|(key, _)| key.text());
                named &= key.is_some();
                Segment::Key(key.unwrap_or_default().to_owned())
            };
            segments.push(step);
            node = parent;
        }
        segments.extend(self.file.origin.path.iter().rev().cloned());
        segments.reverse();
        (segments, named)
    }
}

fn not_utf8(bytes: &[u8], error: &std::str::Utf8Error) -> Error {
    let read = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
    let line = read.matches('\n').count() + 1;
    let made = Error::new(ErrorKind::Syntax, "not UTF-8").at(line, 0);
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        made.hint("it looks like UTF-16: save it as UTF-8")
    } else {
        made.hint("save it as UTF-8")
    }
}

/// Refuses characters that no YAML text may hold (YAML 1.2.2, 5.1); yaml-rust2 takes NUL for the end.
fn refuse_controls(text: &str) -> Result<(), Error> {
    let fine = |byte: u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    let bad = |character: char| {
        (u32::from(character) < 0x80 && !fine(u8::try_from(character).unwrap_or(0)))
            || matches!(character, '\u{80}'..='\u{84}' | '\u{86}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}')
    };
    if text.bytes().all(fine) {
        return Ok(());
    }
    let Some((offset, character)) = text.char_indices().find(|&(_, character)| bad(character)) else {
        return Ok(());
    };
    let before = &text[..offset];
    let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    let message = format!(
        "not valid YAML: it holds the control character U+{:04X}",
        u32::from(character)
    );
    Err(Error::new(ErrorKind::Syntax, message).at(line, column))
}

/// Locates a text through its shadow, if `serde_yaml` reads it as it is.
fn through_shadow(text: &str) -> Option<Located> {
    let shadow = shadow::cast(text);
    let mut located = locate::locate(&shadow.text).ok()?;
    witness::read(text, text.len().saturating_mul(4) + 1024).ok()?;
    for raw in &mut located.nodes {
        let (start, end) = (raw.start as usize, raw.end as usize);
        let next = shadow.joined.partition_point(|&at| at < start);
        if matches!(raw.shape, Shape::Scalar(_)) && shadow.joined.get(next).is_some_and(|&at| at < end) {
            raw.text = Some(decode_flow_scalar(text.get(start..end)?)?);
        }
    }
    Some(located)
}

/// Decodes one scalar by letting yaml-rust2 read it where its lines may stand anywhere.
fn decode_flow_scalar(slice: &str) -> Option<Box<str>> {
    let list = format!("[{slice}]");
    let mut parser = yaml_rust2::parser::Parser::new_from_str(&list);
    loop {
        match parser.next_token().ok()?.0 {
            yaml_rust2::Event::Scalar(value, ..) => return Some(value.into_boxed_str()),
            yaml_rust2::Event::StreamEnd => return None,
            _ => {}
        }
    }
}
