//! The findings for people: lines for a terminal, tables for the job summary.

use std::fmt::Write as _;

use crate::plan::finding::{Finding, Item};
use crate::steps::check::report::Report;
use crate::words::markdown::{code, inline};

/// How many findings the job summary shows; a step's summary may have 1 MiB.
const MOST_ROWS: usize = 500;

/// Returns a line for each finding, and one for what to try, as compilers do.
pub(super) fn of(report: &Report) -> String {
    let mut text = String::new();
    for finding in &report.findings {
        let Finding {
            severity,
            code,
            message,
            hint,
            ..
        } = finding;
        let place = finding.place();
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "{}: {}: {} [{code}]",
            printable(&place),
            severity.word(),
            printable(message)
        );
        if let Some(hint) = hint {
            let _ = writeln!(text, "  hint: {}", printable(hint));
        }
    }
    for item in report.remote.iter().flatten() {
        let Item {
            code,
            verdict,
            message,
            hint,
        } = item;
        let _ = writeln!(text, "{:<8} {} [{code}]", verdict.word(), printable(message));
        if let Some(hint) = hint {
            let _ = writeln!(text, "  hint: {}", printable(hint));
        }
    }
    text
}

/// Returns the tables of the job summary.
pub(in crate::command) fn summary(report: &Report) -> String {
    let mut text = String::new();
    if !report.findings.is_empty() {
        text.push_str("| | where | what | code |\n| --- | --- | --- | --- |\n");
    }
    for finding in report.findings.iter().take(MOST_ROWS) {
        let hint = finding.hint.as_ref();
        let hint = hint
            .map(|hint| format!("<br>{}", inline(hint)))
            .unwrap_or_default();
        let _ = writeln!(
            text,
            "| {} | {} | {}{hint} | {} |",
            finding.severity.word(),
            code(&finding.place()),
            inline(&finding.message),
            finding.code
        );
    }
    if let Some(more) = report
        .findings
        .len()
        .checked_sub(MOST_ROWS)
        .filter(|more| *more > 0)
    {
        let _ = writeln!(text, "\nAnd {more} more.");
    }
    if let Some(items) = &report.remote {
        text.push_str("\n| | what | code |\n| --- | --- | --- |\n");
        for item in items {
            let hint = item.hint.as_ref();
            let hint = hint
                .map(|hint| format!("<br>{}", inline(hint)))
                .unwrap_or_default();
            let message = inline(&item.message);
            let _ = writeln!(
                text,
                "| {} | {message}{hint} | {} |",
                item.verdict.word(),
                item.code
            );
        }
    }
    text
}

/// Escapes what could steer a terminal, or break the line.
fn printable(text: &str) -> String {
    let escaped = |c: char| c.is_control().then(|| c.escape_default().to_string());
    text.chars()
        .map(|c| escaped(c).unwrap_or_else(|| c.to_string()))
        .collect()
}
