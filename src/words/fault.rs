//! A failure with its kind, its place and what to try.
//!
//! Every error that a user sees ends in a [`Fault`]; the context that `anyhow` adds above it says what
//! was being done. The table from [`Kind`] to exit code stands in `command::exit`.

use std::fmt;

/// The kinds of failure; each has one exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A bug of ours, or an edit that could not be proven right.
    Internal,
    /// Wrong usage or invalid input.
    Invalid,
    /// Something named was not found, or not exactly once.
    NotFound,
    /// Refused by policy, or as unsafe.
    Refused,
    /// A remote said no.
    Denied,
    /// Gave up: a moving branch, a rate limit, a broken connection, a timeout.
    GaveUp,
    /// What was waited for failed.
    Failed,
}

/// A position in a file: line and column start at 1; 0 means unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The file as the user knows it.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
            if self.column > 0 {
                write!(f, ":{}", self.column)?;
            }
        }
        Ok(())
    }
}

/// Why something failed, and what to try.
#[derive(Clone, Debug)]
pub struct Fault {
    /// The kind, which decides the exit code.
    pub kind: Kind,
    /// Why it failed: lower case, no full stop.
    pub message: String,
    /// What to try, in words that the user can run.
    pub hint: Option<String>,
    /// Where in a file.
    pub place: Option<Place>,
}

impl Fault {
    /// Makes a fault of a kind.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            hint: None,
            place: None,
        }
    }

    /// Makes a fault of kind [`Kind::Invalid`].
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// Makes a fault of kind [`Kind::NotFound`].
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, message)
    }

    /// Makes a fault of kind [`Kind::Refused`].
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Kind::Refused, message)
    }

    /// Adds what to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds where in a file.
    #[must_use]
    pub fn at(mut self, file: impl Into<String>, line: usize, column: usize) -> Self {
        self.place = Some(Place {
            file: file.into(),
            line,
            column,
        });
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Fault {}
