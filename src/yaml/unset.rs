//! Unsetting: an entry or an item goes, with its lines.

use super::error::Error;
use super::file::{Node, NodeKind};
use super::layout;
use super::lex;
use super::set;
use super::splice::Splice;

/// Returns the splices that take a value (and its key) out of its collection.
///
/// # Errors
/// `Shape`: its collection cannot shrink.
pub fn unset(node: Node<'_>, container: Node<'_>) -> Result<Vec<Splice>, Error> {
    layout::refuse_pair(container)?;
    let entry = Entry::of(node, container);
    if entry.before.is_none() && entry.after.is_none() {
        return Ok(empty(container, &entry));
    }
    let splices = if container.raw().flow {
        entry.out_of_flow(container)
    } else {
        vec![entry.out_of_block(container)]
    };
    Ok(splices)
}

/// Returns whether an entry begins on a line of its own.
pub fn has_own_line(node: Node<'_>, container: Node<'_>) -> bool {
    let begin = Entry::of(node, container).begin;
    begins_line(container.file.bytes(), begin)
}

fn begins_line(bytes: &[u8], at: usize) -> bool {
    lex::skip_blanks(bytes, lex::line_start(bytes, at)) == at
}

/// An entry of a collection and its neighbours.
struct Entry {
    begin: usize,
    end: usize,
    depth: u8,
    /// Where the entry before it ends.
    before: Option<usize>,
    /// Where the entry after it begins.
    after: Option<usize>,
}

impl Entry {
    fn of(node: Node<'_>, container: Node<'_>) -> Self {
        let mut entry = Self {
            begin: node.raw().lead as usize,
            end: node.raw().end as usize,
            depth: container.raw().depth,
            before: None,
            after: None,
        };
        let step = if container.kind() == NodeKind::Mapping {
            2
        } else {
            1
        };
        let mut children = container.children(container.raw().shape);
        let mut previous = None;
        while let Some(first) = children.next() {
            let last = if step == 2 {
                children.next().unwrap_or(first)
            } else {
                first
            };
            if last.index == node.index {
                entry.begin = first.raw().lead as usize;
                entry.before = previous;
                entry.after = children.next().map(|next| next.raw().lead as usize);
                break;
            }
            previous = Some(last.raw().end as usize);
        }
        entry
    }

    fn out_of_block(&self, container: Node<'_>) -> Splice {
        let bytes = container.file.bytes();
        let after = layout::after_line(bytes, self.end);
        if begins_line(bytes, self.begin) {
            return Splice::replace(lex::line_start(bytes, self.begin)..after, "", self.depth);
        }
        // The first entry shares its line with a dash: the next one moves up to it.
        let blank = |byte: &u8| lex::is_blank(*byte) || lex::is_break(*byte);
        let next = after + bytes[after..].iter().take_while(|byte| blank(byte)).count();
        Splice::replace(self.begin..next, "", self.depth)
    }

    fn out_of_flow(&self, container: Node<'_>) -> Vec<Splice> {
        let bytes = container.file.bytes();
        let comma = Some(lex::skip_trivia(bytes, self.end)).filter(|&at| bytes.get(at) == Some(&b','));
        let tail = comma.map_or(self.end, |comma| comma + 1);
        let line_end = lex::line_end(bytes, tail);
        let rest = lex::skip_blanks(bytes, tail);
        let own_lines =
            begins_line(bytes, self.begin) && (rest == line_end || bytes.get(rest) == Some(&b'#'));
        if own_lines {
            let lines = lex::line_start(bytes, self.begin)..lex::after_break(bytes, line_end);
            let mut splices = vec![Splice::replace(lines, "", self.depth)];
            if let (None, Some(before)) = (comma, self.before) {
                let stale = lex::skip_trivia(bytes, before);
                splices.push(Splice::replace(stale..stale + 1, "", self.depth));
            }
            return splices;
        }
        let range = match (self.after, self.before) {
            (Some(after), _) => self.begin..after,
            (None, Some(before)) => before..self.end,
            (None, None) => self.begin..self.end,
        };
        vec![Splice::replace(range, "", self.depth)]
    }
}

/// Takes the only entry out: `{}` or `[]` is left.
fn empty(container: Node<'_>, entry: &Entry) -> Vec<Splice> {
    let raw = container.raw();
    let bytes = container.file.bytes();
    let (start, end) = (raw.start as usize, raw.end as usize);
    let brackets = if container.kind() == NodeKind::Mapping {
        "{}"
    } else {
        "[]"
    };
    if raw.flow {
        return vec![Splice::replace(start + 1..end - 1, "", raw.depth)];
    }
    if container.parent().is_some() && layout::starts_later(container) {
        let lines = lex::line_start(bytes, entry.begin)..layout::after_line(bytes, entry.end);
        let head = layout::after_head(container);
        return vec![
            Splice::insert(head, format!(" {brackets}"), raw.depth),
            Splice::replace(lines, "", raw.depth),
        ];
    }
    vec![Splice::replace(
        start..end,
        set::ended(container, brackets.to_owned()),
        raw.depth,
    )]
}
