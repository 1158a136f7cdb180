//! What can go wrong in this floor, with a line, a column and what to try.

use std::fmt;

/// The kinds of failure that callers tell apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text does not parse, is not UTF-8, or holds control characters.
    Syntax,
    /// The path, the document or the list item does not exist.
    Missing,
    /// More than one thing matches.
    Ambiguous,
    /// Two edits, or an edit and its own path, ask for different things.
    Contradiction,
    /// The target has the wrong shape: a map where a scalar is meant, an index on a scalar.
    Shape,
    /// A key on the path stands twice in its map.
    Duplicate,
    /// The value is shared through an anchor and its aliases.
    Shared,
    /// The document is encrypted by SOPS; an edit would break its MAC.
    Encrypted,
    /// The edit was made but could not be proven right, so it is withheld.
    Unproven,
}

/// A failure of the YAML engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The kind.
    pub kind: ErrorKind,
    /// Why it failed: lower case, no full stop.
    pub message: String,
    /// What to try.
    pub hint: Option<String>,
    /// The line, from 1; 0 when unknown.
    pub line: usize,
    /// The column in characters, from 1; 0 when unknown.
    pub column: usize,
}

impl Error {
    /// Makes an error without a place.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            line: 0,
            column: 0,
        }
    }

    /// Adds what to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds where in the text.
    #[must_use]
    pub fn at(mut self, line: usize, column: usize) -> Self {
        self.line = line;
        self.column = column;
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
