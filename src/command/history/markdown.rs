//! A history as Markdown, for a comment, a wiki or the job summary.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::table::{cell, from_to};
use super::{day_and_time, mermaid, short_commit};
use crate::steps::history::report::{Entry, Report, Standing};
use crate::words::markdown::{code, inline};
use crate::world::clock;

/// The most rows of a table in the job summary, which may have 1 MiB in all.
const SUMMARY_ROWS: usize = 300;

/// Returns the whole history.
pub(super) fn of(report: &Report, now: Timestamp) -> String {
    cut_after(usize::MAX, report, now)
}

/// Returns what the job summary shows: the first rows, and the picture of what stands.
pub fn summary(report: &Report) -> String {
    let mut text = cut_after(SUMMARY_ROWS, report, clock::now());
    if report.standings.is_some() {
        let _ = writeln!(text, "\n```mermaid\n{}```", mermaid::of(report));
    }
    text
}

fn cut_after(most: usize, report: &Report, now: Timestamp) -> String {
    if let Some(entries) = &report.entries {
        changes(entries, most)
    } else {
        matrix(report, report.standings.as_deref().unwrap_or_default(), most, now)
    }
}

fn changes(entries: &[Entry], most: usize) -> String {
    if entries.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "| when (UTC) | app | environment | from | to | by | commit | subject |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |\n",
    );
    for entry in entries.iter().take(most) {
        let (from, to) = from_to(entry);
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            day_and_time(entry.told.when),
            inline(&entry.app),
            inline(&entry.place()),
            code(&from),
            code(&to),
            inline(&entry.told.by),
            code(short_commit(&entry.told.commit)),
            inline(&entry.told.subject),
        );
    }
    text + &left_out(entries.len(), most, "changes")
}

fn matrix(report: &Report, standings: &[Standing], most: usize, now: Timestamp) -> String {
    if standings.is_empty() {
        return String::new();
    }
    let mut text = String::from("| app |");
    for env in &report.environments {
        let _ = write!(text, " {} |", inline(env));
    }
    let _ = writeln!(text, "\n| --- |{}", " --- |".repeat(report.environments.len()));
    let apps: Vec<&[Standing]> = standings.chunk_by(|a, b| a.app == b.app).collect();
    for of_app in apps.iter().take(most) {
        let _ = write!(text, "| {} |", inline(&of_app[0].app));
        for env in &report.environments {
            let standing = of_app.iter().find(|standing| standing.env == *env);
            let lines = standing.map(|standing| cell(standing, now)).unwrap_or_default();
            let shown = lines.iter().enumerate().map(|(number, line)| match number {
                0 => code(line),
                _ => inline(line),
            });
            let shown: Vec<String> = shown.collect();
            let shown = if shown.is_empty() {
                "-".to_owned()
            } else {
                shown.join("<br>")
            };
            let _ = write!(text, " {shown} |");
        }
        text.push('\n');
    }
    text + &left_out(apps.len(), most, "apps")
}

fn left_out(count: usize, most: usize, what: &str) -> String {
    match count.saturating_sub(most) {
        0 => String::new(),
        more => format!("\n… and {more} more {what}\n"),
    }
}
