//! What a check tells.

use serde::Serialize;

use crate::plan::finding::{Finding, Item, Preflight, Severity, Verdict};
use crate::words::fault::{Fault, Kind};

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    /// How many apps were checked.
    pub apps: usize,
    /// How many environments of them.
    pub environments: usize,
    /// How many targets.
    pub targets: usize,
    /// How many files were read.
    pub files: usize,
    /// How many findings and items are errors.
    pub errors: usize,
    /// How many are warnings.
    pub warnings: usize,
    /// What is wrong, in the order of files and lines.
    pub findings: Vec<Finding>,
    /// What a forge is asked about, by the policy.
    #[serde(skip)]
    pub asked: Preflight,
    /// What the forge told; `None` where it was not asked.
    pub remote: Option<Vec<Item>>,
}

impl Report {
    /// Puts the findings in order, each once, and counts.
    pub(super) fn settle(&mut self) {
        let key = |finding: &Finding| {
            let place = (finding.file.clone(), finding.line, finding.column);
            (place, finding.severity, finding.code, finding.message.clone())
        };
        self.findings.sort_by_cached_key(key);
        self.findings.dedup_by(|a, b| key(a) == key(b));
        self.count();
    }

    /// Adds what the forge told.
    pub fn with_remote(&mut self, items: Vec<Item>) {
        self.remote = Some(items);
        self.count();
    }

    fn count(&mut self) {
        let findings = |severity| {
            self.findings
                .iter()
                .filter(|one| one.severity == severity)
                .count()
        };
        let remote = self.remote.as_deref().unwrap_or_default();
        let items = |verdict| remote.iter().filter(|item| item.verdict == verdict).count();
        self.errors = findings(Severity::Error) + items(Verdict::Error);
        self.warnings = findings(Severity::Warning) + items(Verdict::Warning);
    }

    /// Returns what it came to in one line.
    pub fn story(&self) -> String {
        let checked = format!(
            "checked {} of {} in {}",
            counted(self.targets, "target"),
            counted(self.apps, "app"),
            counted(self.environments, "environment"),
        );
        match self.verdict() {
            None => format!("{checked}: all is well"),
            Some(verdict) => format!("{checked}: {verdict}"),
        }
    }

    /// Fails where there are errors, or, if so asked, warnings: as `Invalid` for what is wrong with the files, as `Denied`
    /// where only the forge would say no.
    ///
    /// # Errors
    /// See above.
    pub fn judge(&self, strict: bool) -> Result<(), Fault> {
        let fails = self.errors > 0 || (strict && self.warnings > 0);
        if !fails {
            return Ok(());
        }
        let counts = |severity: Severity| strict || severity == Severity::Error;
        let in_files = self.findings.iter().any(|finding| counts(finding.severity));
        let kind = if in_files { Kind::Invalid } else { Kind::Denied };
        Err(Fault::new(kind, self.verdict().unwrap_or_default()))
    }

    /// How many errors and warnings; `None` where there are none.
    fn verdict(&self) -> Option<String> {
        match (self.errors, self.warnings) {
            (0, 0) => None,
            (errors, 0) => Some(counted(errors, "error")),
            (0, warnings) => Some(counted(warnings, "warning")),
            (errors, warnings) => Some(format!(
                "{} and {}",
                counted(errors, "error"),
                counted(warnings, "warning")
            )),
        }
    }
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
