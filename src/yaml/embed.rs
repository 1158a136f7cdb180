//! Embedding: an edit of YAML inside a literal block scalar becomes an edit of the file around it.

use super::error::Error;
use super::file::{File, Node};
use super::lex;
use super::prove;
use super::round::Round;
use super::splice::{self, Splice};

/// What an inner edit means for the outer file.
#[derive(Debug)]
pub struct Embedded {
    /// The outer splices.
    pub splices: Vec<Splice>,
    /// The new text of the block scalar.
    pub text: String,
    /// Why only one parser could vouch for the inner text, if so.
    pub unproven_by: Option<String>,
}

/// Proves an inner round and carries it out; `None` if it changes nothing.
///
/// # Errors
/// The inner edits overlap or cannot be proven.
pub fn embed(scalar: Node<'_>, inner: &File, round: &mut Round<'_>) -> Result<Option<Embedded>, Error> {
    if round.splices.is_empty() {
        return Ok(None);
    }
    splice::sort(&mut round.splices)?;
    let text = splice::apply(inner.text(), &round.splices);
    let proven = prove::prove(inner, &text, &round.splices, &round.effects)?;
    let lines = Lines::of(scalar, inner.text());
    Ok(Some(Embedded {
        splices: round.splices.iter().map(|splice| lines.outer(splice)).collect(),
        text: chomped(scalar, inner, text),
        unproven_by: proven.unproven_by.or(round.unproven_by.take()),
    }))
}

/// Returns a new inner text as the block scalar reads it: without `+`, blank lines at its end are not part of it.
fn chomped(scalar: Node<'_>, inner: &File, text: String) -> String {
    let bytes = scalar.file.bytes();
    let start = scalar.raw().start as usize;
    let keep = bytes[start..]
        .iter()
        .take_while(|byte| !byte.is_ascii_whitespace())
        .any(|&byte| byte == b'+');
    if keep {
        return text;
    }
    let end = if inner.text().ends_with('\n') { "\n" } else { "" };
    format!("{}{end}", text.trim_end_matches('\n'))
}

/// The lines of a block scalar, inside and outside.
struct Lines<'f> {
    scalar: Node<'f>,
    inner: &'f str,
    indent: usize,
    /// Where each line begins, inside and outside, with its indentation outside.
    starts: Vec<(usize, usize)>,
}

impl<'f> Lines<'f> {
    fn of(scalar: Node<'f>, inner: &'f str) -> Self {
        let bytes = scalar.file.bytes();
        let mut outside = lex::next_line(bytes, scalar.raw().start as usize);
        let mut starts = Vec::new();
        let mut inside = 0;
        for line in inner.split_inclusive('\n') {
            starts.push((inside, outside));
            inside += line.len();
            outside = lex::next_line(bytes, outside);
        }
        Self {
            scalar,
            inner,
            indent: scalar.block_indent(),
            starts,
        }
    }

    /// Returns the line of an inner offset: where it begins outside, and the offset in it.
    fn line(&self, offset: usize) -> (usize, usize) {
        let at = self
            .starts
            .partition_point(|&(inside, _)| inside <= offset)
            .saturating_sub(1);
        let (inside, outside) = self
            .starts
            .get(at)
            .copied()
            .unwrap_or((0, self.scalar.raw().end as usize));
        if offset == self.inner.len() && (self.inner.ends_with('\n') || self.inner.is_empty()) {
            return (self.scalar.raw().end as usize, 0);
        }
        (outside, offset - inside)
    }

    /// Returns where a place in a line stands outside; a blank line may be shorter than the indentation.
    fn place(&self, line: usize, column: usize) -> usize {
        (line + self.indent + column).min(lex::line_end(self.scalar.file.bytes(), line))
    }

    /// Carries a splice out: its lines get the indentation and the line breaks of the file around.
    fn outer(&self, splice: &Splice) -> Splice {
        let file = self.scalar.file;
        let (first, first_column) = self.line(splice.range.start);
        let (last, last_column) = self.line(splice.range.end);
        let mut text = String::new();
        let mut fresh = first_column == 0;
        // The file may end in the middle of the last line, which counts as a whole one inside.
        let open = first_column == 0 && first == file.text().len() && !file.text().ends_with(['\n', '\r']);
        if open && !splice.text.is_empty() {
            text.push_str(file.line_break());
        }
        for character in splice.text.chars() {
            if character == '\n' {
                text.push_str(file.line_break());
                fresh = true;
                continue;
            }
            if fresh {
                text.extend(std::iter::repeat_n(' ', self.indent));
                fresh = false;
            }
            text.push(character);
        }
        if fresh && last_column > 0 {
            text.extend(std::iter::repeat_n(' ', self.indent));
        }
        let start = if first_column == 0 {
            first
        } else {
            self.place(first, first_column)
        };
        let end = if fresh && last_column == 0 {
            last
        } else {
            self.place(last, last_column)
        };
        let end = if splice.range.end == self.inner.len() && last_column == 0 {
            last
        } else {
            end
        };
        Splice::replace(start..end.max(start), text, self.scalar.raw().depth)
    }
}
