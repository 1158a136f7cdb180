//! What is wrong, or may be, with a config repo or with the way to it.

use crate::words::fault::{Fault, Place};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// A step would fail, or do something that nobody meant.
    Error,
    /// It works, and is worth a look.
    Warning,
}

impl Severity {
    /// Returns the word of the outputs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// Something in a file that is wrong, or may be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// What kind of finding it is; it never changes.
    pub code: &'static str,
    /// The file, from the root of the config repo.
    pub file: String,
    /// The line, from 1, where it is known.
    pub line: Option<usize>,
    /// The column in characters, from 1, where it is known.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to try.
    pub hint: Option<String>,
    /// The app that it concerns, where it is one.
    pub app: Option<String>,
    /// The environment that it concerns, where it is one.
    pub env: Option<String>,
}

impl Finding {
    /// Makes a finding of a fault, which lies at its own place, or else at this one.
    pub fn new(severity: Severity, code: &'static str, fault: Fault, place: &Place) -> Self {
        let place = fault.place.as_ref().unwrap_or(place);
        let known = |number: usize| (number > 0).then_some(number);
        Self {
            severity,
            code,
            file: place.file.clone(),
            line: known(place.line),
            column: known(place.column),
            message: fault.message,
            hint: fault.hint,
            app: None,
            env: None,
        }
    }

    /// Returns `file:line:column`, as far as it is known.
    pub fn place(&self) -> String {
        Place {
            file: self.file.clone(),
            line: self.line.unwrap_or_default(),
            column: self.column.unwrap_or_default(),
        }
        .to_string()
    }
}

/// What an item of the preflight came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is as it has to be.
    Ok,
    /// It works in part, or may not.
    Warning,
    /// A step that needs it would be refused.
    Error,
    /// The forge does not tell.
    Unknown,
}

impl Verdict {
    /// Returns the word of the outputs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Unknown => "unknown",
        }
    }
}

/// One thing that was looked at before anything is written.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Item {
    /// What kind of thing it is; it never changes.
    pub code: &'static str,
    /// What it came to.
    pub verdict: Verdict,
    /// What was found.
    pub message: String,
    /// What to try.
    pub hint: Option<String>,
}

impl Item {
    /// Makes an item without a hint.
    pub fn new(code: &'static str, verdict: Verdict, message: impl Into<String>) -> Self {
        Self {
            code,
            verdict,
            message: message.into(),
            hint: None,
        }
    }

    /// Adds what to try.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// What a preflight asks a forge about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preflight {
    /// The branch that is to be changed; the default branch where it is not named.
    pub branch: Option<String>,
    /// Whether changes of the policy are pushed.
    pub pushes: bool,
    /// Whether changes of the policy go by change request.
    pub proposes: bool,
    /// Whether a change request is to merge by itself.
    pub auto_merge: bool,
    /// The labels that change requests get.
    pub labels: Vec<String>,
    /// The users who are asked to review.
    pub reviewers: Vec<String>,
    /// The teams that are asked to review.
    pub teams: Vec<String>,
    /// The workflow that is to be started, by its file.
    pub workflow: Option<String>,
}
