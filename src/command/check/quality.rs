//! The findings as a Code Quality report of GitLab, which shows them on the lines of a merge request.
//!
//! Source: GitLab's "Code Quality: code quality report format".

use std::collections::HashMap;
use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::plan::finding::{Finding, Severity};
use crate::steps::check::report::Report;

/// Returns the report; the files lie in this folder of the repository.
pub(super) fn of(report: &Report, folder: &str) -> String {
    let mut met: HashMap<String, usize> = HashMap::new();
    let issues: Vec<Value> = report
        .findings
        .iter()
        .map(|finding| {
            let path = format!("{folder}{}", finding.file);
            let same = format!("{}\0{path}\0{}", finding.code, finding.message);
            let number = met.entry(same.clone()).or_default();
            *number += 1;
            issue(finding, &path, &fingerprint(&same, *number))
        })
        .collect();
    format!("{:#}\n", Value::Array(issues))
}

fn issue(finding: &Finding, path: &str, fingerprint: &str) -> Value {
    let hint = finding.hint.as_ref();
    let hint = hint.map(|hint| format!(" (hint: {hint})")).unwrap_or_default();
    json!({
        "description": format!("{}{hint}", finding.message),
        "check_name": finding.code,
        "fingerprint": fingerprint,
        "severity": match finding.severity {
            Severity::Error => "major",
            Severity::Warning => "minor",
        },
        "location": { "path": path, "lines": { "begin": finding.line.unwrap_or(1) } },
    })
}

/// What a finding is known by, in one commit and in the next: its line is no part of it, for lines move.
fn fingerprint(same: &str, number: usize) -> String {
    let hash = Sha256::digest(format!("{same}\0{number}"));
    hash.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
