//! Locating: which bytes each value takes.
//!
//! yaml-rust2 says *what* stands in a text, event by event, but only where each thing starts (in lines and
//! characters), and for some things not even that. So its events guide a lexical walk over the bytes: each
//! event tells what must come next (an indicator, properties, a scalar of a known style and value), and the
//! walk finds where that begins and ends. Where yaml-rust2's marker is exact the two are compared, so a wrong turn
//! becomes an error and never a wrong edit.

use yaml_rust2::parser::{Event, Parser, Tag};
use yaml_rust2::scanner::{Marker, ScanError, TScalarStyle};

use super::error::{Error, ErrorKind};
use super::lex;

/// How deep collections may nest; `serde_yaml` has the same bound.
const MAX_DEPTH: usize = 128;

/// No index: the parent of a root.
pub const NONE: u32 = u32::MAX;

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Without quotes; also an empty value.
    Plain,
    /// `'…'`
    Single,
    /// `"…"`
    Double,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A map.
    Mapping,
    /// A list.
    Sequence,
    /// A scalar.
    Scalar(Style),
    /// `*name`
    Alias,
}

/// A node and the bytes that it takes. Nodes stand in the order of the text, keys before their values.
#[derive(Clone, Debug)]
pub struct Raw {
    /// What it is.
    pub shape: Shape,
    /// Whether it is a flow collection (`[…]`, `{…}`, or a pair inside `[…]`).
    pub flow: bool,
    /// How many collections it lies in.
    pub depth: u8,
    /// The number of its anchor, or of the anchor that an alias means; 0 for none.
    pub anchor: u32,
    /// Its tag as an index into the tags plus one; 0 for none.
    pub tag: u32,
    /// The collection that it lies in.
    pub parent: u32,
    /// The index after its last descendant.
    pub next: u32,
    /// Where its indicator stands (`-`, `:`, `?`), or else its properties or itself.
    pub lead: u32,
    /// Where its properties (anchor, tag) begin, or else itself.
    pub props: u32,
    /// Where its content begins; of an empty value: where it would.
    pub start: u32,
    /// Where its content ends; of a block scalar, the beginning of the line after.
    pub end: u32,
    /// The decoded text, where it differs from the bytes.
    pub text: Option<Box<str>>,
}

impl Raw {
    /// Returns whether it is a scalar without any text of its own.
    pub fn is_empty(&self) -> bool {
        self.start == self.end
    }
}

/// Everything that was located in a text.
#[derive(Debug, Default)]
pub struct Located {
    /// The nodes.
    pub nodes: Vec<Raw>,
    /// The root of each document.
    pub roots: Vec<u32>,
    /// The node of each anchor, by its number minus one.
    pub anchors: Vec<u32>,
    /// The tags, as `handle suffix`.
    pub tags: Vec<String>,
}

/// Locates everything in a text, which may be a shadow of the real one with the same offsets.
///
/// # Errors
/// The text is no YAML, nests too deep, or is too large for its offsets.
pub fn locate(text: &str) -> Result<Located, Error> {
    if u32::try_from(text.len()).is_err() {
        return Err(Error::new(ErrorKind::Syntax, "larger than 4 GiB"));
    }
    let body = text.strip_prefix('\u{feff}').unwrap_or(text);
    let begin = text.len() - body.len();
    let mut parser = Parser::new_from_str(body);
    let mut walk = Walk {
        bytes: text.as_bytes(),
        at: begin,
        counted: Counted {
            at: begin,
            line: 1,
            column: 0,
        },
        open: Vec::new(),
        known: 0,
        located: Located::default(),
    };
    loop {
        let (event, mark) = parser.next_token().map_err(|error| syntax(&error))?;
        match event {
            Event::StreamEnd => return Ok(walk.located),
            Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
            Event::DocumentStart => walk.document_start(),
            Event::Alias(anchor) => walk.alias(anchor, mark)?,
            Event::Scalar(value, style, anchor, tag) => walk.scalar(value, style, (anchor, tag), mark)?,
            Event::SequenceStart(anchor, tag) => walk.sequence((anchor, tag), mark)?,
            Event::MappingStart(anchor, tag) => walk.mapping((anchor, tag), mark)?,
            Event::SequenceEnd | Event::MappingEnd => walk.close(mark)?,
        }
    }
}

fn syntax(error: &ScanError) -> Error {
    let mark = error.marker();
    Error::new(ErrorKind::Syntax, format!("not valid YAML: {}", error.info())).at(mark.line(), mark.col() + 1)
}

fn lost(mark: Marker) -> Error {
    Error::new(ErrorKind::Syntax, "cannot tell which bytes a value takes here")
        .at(mark.line(), mark.col() + 1)
}

/// An anchor's number and a tag, as an event gives them.
type Properties = (usize, Option<Tag>);

/// A collection whose end has not come yet.
#[expect(clippy::struct_excessive_bools, reason = "four independent facts")]
struct Open {
    node: usize,
    mapping: bool,
    flow: bool,
    /// A pair inside `[…]`, without brackets of its own.
    pair: bool,
    /// In a map: whether the next node is a value.
    value: bool,
    /// Whether the last key was introduced by `?`, and its column.
    explicit: Option<usize>,
}

/// A running position, in yaml-rust2's own units.
struct Counted {
    at: usize,
    line: usize,
    column: usize,
}

impl Counted {
    /// Moves on to a later offset; never back, so that all calls together read each byte once.
    fn advance(&mut self, bytes: &[u8], to: usize) {
        while self.at < to {
            let byte = bytes[self.at];
            self.at += 1;
            if byte == b'\n' || (byte == b'\r' && bytes.get(self.at) != Some(&b'\n')) {
                self.line += 1;
                self.column = 0;
            } else if byte & 0xc0 != 0x80 {
                self.column += 1;
            }
        }
    }
}

struct Walk<'t> {
    bytes: &'t [u8],
    at: usize,
    counted: Counted,
    open: Vec<Open>,
    /// How many anchors the documents before this one have.
    known: usize,
    located: Located,
}

impl Walk<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn trivia(&mut self) {
        self.at = lex::skip_trivia(self.bytes, self.at);
    }

    fn column(&mut self, at: usize) -> usize {
        self.counted.advance(self.bytes, at);
        self.counted.column
    }

    fn stands_at(&mut self, mark: Marker, at: usize) -> bool {
        self.counted.advance(self.bytes, at);
        (self.counted.line, self.counted.column) == (mark.line(), mark.col())
    }

    fn eat(&mut self, wanted: u8) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    /// Skips directives and the markers that end the document before.
    fn document_start(&mut self) {
        self.known = self.located.anchors.len();
        let mut after = self.at;
        loop {
            self.trivia();
            let directive = self.peek() == Some(b'%');
            let marker = lex::is_document_marker(self.bytes, self.at);
            if directive || (marker && self.peek() == Some(b'.')) {
                self.at = lex::line_end(self.bytes, self.at);
                after = self.at;
            } else if marker {
                self.at += 3;
                return;
            } else {
                self.at = after;
                return;
            }
        }
    }

    /// Steps over what introduces the next node, and returns where that stands.
    fn lead(&mut self, mark: Marker) -> Result<usize, Error> {
        let Some(top) = self.open.last() else {
            return Ok(self.at);
        };
        let (mapping, flow, value, pair, explicit) =
            (top.mapping, top.flow, top.value, top.pair, top.explicit);
        if mapping && value {
            return Ok(self.colon(flow || explicit.is_some(), explicit.filter(|_| !flow)));
        }
        self.trivia();
        if flow && !pair && self.eat(b',') {
            self.trivia();
        }
        let lead = self.at;
        if mapping {
            let explicit = self.peek() == Some(b'?') && lex::is_gap(self.bytes, lead + 1);
            let column = if explicit {
                self.at += 1;
                Some(self.column(lead))
            } else {
                None
            };
            if let Some(top) = self.open.last_mut() {
                top.explicit = column;
            }
        } else if !flow && !self.eat(b'-') {
            return Err(lost(mark));
        }
        Ok(lead)
    }

    /// Steps over the `:` after a key, if there is one, and returns where it stands or would stand.
    fn colon(&mut self, any_line: bool, column: Option<usize>) -> usize {
        let before = self.at;
        if any_line {
            self.trivia();
        } else {
            self.at = lex::skip_blanks(self.bytes, self.at);
        }
        let lead = self.at;
        let here = self.peek() == Some(b':') && column.is_none_or(|column| self.column(lead) == column);
        if here {
            self.at += 1;
            lead
        } else {
            self.at = before;
            before
        }
    }

    /// Steps over as many properties as the event has, and returns where they begin.
    fn properties(&mut self, (anchor, tag): &Properties) -> usize {
        let count = usize::from(*anchor > 0) + usize::from(tag.is_some());
        let mut begin = None;
        for _ in 0..count {
            self.trivia();
            if matches!(self.peek(), Some(b'&' | b'!')) {
                begin.get_or_insert(self.at);
                self.at = lex::property_end(self.bytes, self.at);
            }
        }
        begin.unwrap_or(usize::MAX)
    }

    fn push(
        &mut self,
        shape: Shape,
        lead: usize,
        props: usize,
        start: usize,
        properties: Properties,
    ) -> usize {
        let (anchor, tag) = properties;
        let nodes = &mut self.located.nodes;
        let index = nodes.len();
        if self.open.is_empty() {
            self.located.roots.push(offset(index));
        }
        if anchor > 0 && shape != Shape::Alias {
            self.located.anchors.push(offset(index));
        }
        if let Some(tag) = &tag {
            self.located.tags.push(format!("{} {}", tag.handle, tag.suffix));
        }
        nodes.push(Raw {
            shape,
            flow: false,
            depth: u8::try_from(self.open.len()).unwrap_or(u8::MAX),
            anchor: offset(anchor),
            tag: if tag.is_some() {
                offset(self.located.tags.len())
            } else {
                0
            },
            parent: self.open.last().map_or(NONE, |top| offset(top.node)),
            next: offset(index + 1),
            lead: offset(lead),
            props: offset(props.min(start)),
            start: offset(start),
            end: offset(start),
            text: None,
        });
        index
    }

    /// Notes that a node is complete: in a map, keys and values take turns.
    fn turn(&mut self) {
        if let Some(top) = self.open.last_mut() {
            top.value = top.mapping && !top.value;
        }
    }

    fn alias(&mut self, anchor: usize, mark: Marker) -> Result<(), Error> {
        // yaml-rust2 lets an alias reach into the document before; YAML does not (1.2.2, 3.2.2.2).
        if anchor <= self.known {
            let error = Error::new(
                ErrorKind::Syntax,
                "not valid YAML: an alias without its anchor in this document",
            );
            return Err(error.at(mark.line(), mark.col() + 1));
        }
        let lead = self.lead(mark)?;
        self.trivia();
        let start = self.at;
        if self.peek() != Some(b'*') || !self.stands_at(mark, start) {
            return Err(lost(mark));
        }
        self.at = lex::property_end(self.bytes, start);
        let index = self.push(Shape::Alias, lead, start, start, (anchor, None));
        self.located.nodes[index].end = offset(self.at);
        self.turn();
        Ok(())
    }

    fn scalar(
        &mut self,
        value: String,
        style: TScalarStyle,
        properties: Properties,
        mark: Marker,
    ) -> Result<(), Error> {
        let style = match style {
            TScalarStyle::Plain => Style::Plain,
            TScalarStyle::SingleQuoted => Style::Single,
            TScalarStyle::DoubleQuoted => Style::Double,
            TScalarStyle::Literal => Style::Literal,
            TScalarStyle::Folded => Style::Folded,
        };
        let empty = style == Style::Plain && value.is_empty();
        let lead = self.lead(mark)?;
        let props = self.properties(&properties);
        if !empty {
            self.trivia();
        }
        let start = self.at;
        let block = matches!(style, Style::Literal | Style::Folded);
        if !empty && !block && !self.stands_at(mark, start) {
            return Err(lost(mark));
        }
        let content = value.bytes().any(|byte| byte != b'\n');
        let end = match style {
            Style::Plain => lex::plain_end(self.bytes, start, &value),
            Style::Single | Style::Double => lex::quoted_end(self.bytes, start),
            Style::Literal | Style::Folded => {
                let header = self.peek().is_some_and(|byte| matches!(byte, b'|' | b'>'));
                header.then(|| lex::block_scalar_end(self.bytes, start, content.then_some(mark.col())))
            }
        };
        let end = end.ok_or_else(|| lost(mark))?;
        // yaml-rust2 reads `|` without content at the end of a text as a break, libyaml and YAML 1.2.2 (8.1.1.2) as nothing.
        let kept = || {
            let header = &self.bytes[start..];
            header.starts_with(b"|+") || header.starts_with(b">+")
        };
        let value = if block && !content && !kept() {
            String::new()
        } else {
            value
        };
        let inner = match style {
            Style::Plain => start..end,
            Style::Single | Style::Double => start + 1..end - 1,
            Style::Literal | Style::Folded => start..start,
        };
        let same = !block && self.bytes[inner] == *value.as_bytes();
        let index = self.push(Shape::Scalar(style), lead, props, start, properties);
        let node = &mut self.located.nodes[index];
        node.end = offset(end);
        node.text = (!same).then(|| value.into_boxed_str());
        self.at = end;
        self.turn();
        Ok(())
    }

    fn sequence(&mut self, properties: Properties, mark: Marker) -> Result<(), Error> {
        let lead = self.lead(mark)?;
        let props = self.properties(&properties);
        self.trivia();
        let start = self.at;
        let flow = self.eat(b'[');
        let index = self.push(Shape::Sequence, lead, props, start, properties);
        self.enter(index, false, flow, false, mark)
    }

    fn mapping(&mut self, properties: Properties, mark: Marker) -> Result<(), Error> {
        let lead = self.lead(mark)?;
        let props = self.properties(&properties);
        self.trivia();
        let start = self.at;
        // The first key of a block map may itself begin with a brace; only the marker tells.
        let braced = self.peek() == Some(b'{') && self.stands_at(mark, start);
        self.at += usize::from(braced);
        let pair = !braced && self.open.last().is_some_and(|top| top.flow);
        let index = self.push(Shape::Mapping, lead, props, start, properties);
        self.enter(index, true, braced || pair, pair, mark)
    }

    fn enter(
        &mut self,
        node: usize,
        mapping: bool,
        flow: bool,
        pair: bool,
        mark: Marker,
    ) -> Result<(), Error> {
        if self.open.len() == MAX_DEPTH {
            let error = Error::new(ErrorKind::Syntax, format!("nests deeper than {MAX_DEPTH} levels"));
            return Err(error.at(mark.line(), mark.col() + 1));
        }
        self.located.nodes[node].flow = flow;
        self.open.push(Open {
            node,
            mapping,
            flow,
            pair,
            value: false,
            explicit: None,
        });
        Ok(())
    }

    fn close(&mut self, mark: Marker) -> Result<(), Error> {
        let top = self.open.pop().ok_or_else(|| lost(mark))?;
        if top.flow && !top.pair {
            self.trivia();
            if self.eat(b',') {
                self.trivia();
            }
            let bracket = if top.mapping { b'}' } else { b']' };
            if !self.eat(bracket) {
                return Err(lost(mark));
            }
        }
        let next = offset(self.located.nodes.len());
        let node = &mut self.located.nodes[top.node];
        node.next = next;
        node.end = offset(self.at);
        self.turn();
        Ok(())
    }
}

/// Narrows an offset or an index, both of which [`locate`] has bounded.
fn offset(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(NONE)
}
