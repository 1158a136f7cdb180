//! A history as a table for a terminal.

use std::fmt::Write as _;

use jiff::Timestamp;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr};

use super::{age, day_and_time, short_commit};
use crate::steps::history::report::{Change, Drift, DriftState, Entry, Report, Standing, short};
use crate::words::wording::one_line;

/// The space between two columns.
const GAP: &str = "  ";
/// The columns that a narrow terminal still leaves to the last one.
const LEAST: usize = 12;

/// Returns the table; lines are cut at `width`, where there is one.
pub(super) fn of(report: &Report, now: Timestamp, width: Option<usize>) -> String {
    if let Some(entries) = &report.entries {
        return changes(entries, width);
    }
    let standings = report.standings.as_deref().unwrap_or_default();
    let matrix = laid_out(&matrix(report, standings, now), None);
    let widest = matrix.lines().map(UnicodeWidthStr::width).max().unwrap_or(0);
    if width.is_some_and(|width| widest > width) {
        laid_out(&list(standings, now), width)
    } else {
        matrix
    }
}

fn changes(entries: &[Entry], width: Option<usize>) -> String {
    let mut rows = vec![row([
        "WHEN", "APP", "ENV", "FROM", "TO", "BY", "COMMIT", "SUBJECT",
    ])];
    rows.extend(entries.iter().map(|entry| {
        let (from, to) = from_to(entry);
        vec![
            day_and_time(entry.told.when),
            entry.app.clone(),
            entry.place(),
            from,
            to,
            entry.told.by.clone(),
            short_commit(&entry.told.commit).to_owned(),
            entry.told.subject.clone(),
        ]
    }));
    laid_out(&rows, width)
}

/// Returns the two values of a change as people read them; what is out of the ordinary is said in words.
pub(super) fn from_to(entry: &Entry) -> (String, String) {
    let value = |value: &Option<String>| value.as_deref().map_or_else(|| "-".to_owned(), short);
    let (from, to) = (value(&entry.old), value(&entry.new));
    match entry.change {
        Change::Older => (from, format!("{to} (older)")),
        Change::Broken => (from, "(unreadable)".to_owned()),
        Change::Mended => ("(unreadable)".to_owned(), to),
        Change::Added | Change::Newer | Change::Changed | Change::Removed => (from, to),
    }
}

/// Returns what is said of one app in one environment, in up to three lines.
pub(super) fn cell(standing: &Standing, now: Timestamp) -> Vec<String> {
    let mark = if standing.agrees { "" } else { "! " };
    let mut lines = vec![format!("{mark}{}", standing.line())];
    lines.extend(since(standing, now));
    lines.extend(off(standing.drift.as_ref()));
    lines
}

/// How old the newest of the versions is, and who brought it.
fn since(standing: &Standing, now: Timestamp) -> Option<String> {
    let newest = standing.newest()?;
    let more = if newest.at_least { ">" } else { "" };
    let by = newest.by.as_ref().map(|by| format!(", {by}"));
    Some(format!(
        "{more}{}{}",
        age(now, newest.since),
        by.unwrap_or_default()
    ))
}

/// How far it is off, if it is.
fn off(drift: Option<&Drift>) -> Option<String> {
    drift
        .filter(|drift| drift.state != DriftState::InStep)
        .map(Drift::words)
}

fn matrix(report: &Report, standings: &[Standing], now: Timestamp) -> Vec<Vec<String>> {
    let mut rows = vec![vec!["APP".to_owned()]];
    rows[0].extend(report.environments.iter().map(|env| env.to_uppercase()));
    for of_app in standings.chunk_by(|a, b| a.app == b.app) {
        let mut row = vec![of_app[0].app.clone()];
        row.extend(report.environments.iter().map(|env| {
            let standing = of_app.iter().find(|standing| standing.env == *env);
            standing.map_or_else(|| "-".to_owned(), |standing| cell(standing, now).join("\n"))
        }));
        rows.push(row);
    }
    rows
}

fn list(standings: &[Standing], now: Timestamp) -> Vec<Vec<String>> {
    let mut rows = vec![row(["APP", "ENV", "VERSION", "AGE", "DRIFT"])];
    rows.extend(standings.iter().map(|standing| {
        let mark = if standing.agrees { "" } else { "! " };
        vec![
            standing.app.clone(),
            standing.env.clone(),
            format!("{mark}{}", standing.line()),
            since(standing, now).unwrap_or_default(),
            off(standing.drift.as_ref()).unwrap_or_default(),
        ]
    }));
    rows
}

fn row<const N: usize>(cells: [&str; N]) -> Vec<String> {
    cells.map(str::to_owned).to_vec()
}

/// Lays rows out in columns; a cell may have several lines. What is foreign cannot steer the terminal.
fn laid_out(rows: &[Vec<String>], width: Option<usize>) -> String {
    let mut text = String::new();
    if rows.len() < 2 {
        return text;
    }
    let rows: Vec<Vec<Vec<String>>> = rows
        .iter()
        .map(|row| {
            row.iter()
                .map(|cell| cell.lines().map(one_line).collect())
                .collect()
        })
        .collect();
    let columns = rows[0].len();
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let lines = rows.iter().flat_map(|row| &row[column]);
            lines.map(|line| line.width()).max().unwrap_or(0)
        })
        .collect();
    for row in &rows {
        let height = row.iter().map(Vec::len).max().unwrap_or(0);
        for at in 0..height {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let part = cell.get(at).map_or("", String::as_str);
                line.push_str(part);
                if column + 1 < columns {
                    line.extend(std::iter::repeat_n(
                        ' ',
                        widths[column].saturating_sub(part.width()),
                    ));
                    line.push_str(GAP);
                }
            }
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", cut(line.trim_end(), width));
        }
    }
    text
}

fn cut(line: &str, width: Option<usize>) -> String {
    let Some(width) = width.filter(|width| line.width() > (*width).max(LEAST)) else {
        return line.to_owned();
    };
    let mut left = width.max(LEAST) - 1;
    let mut kept = String::new();
    for character in line.chars() {
        let wide = character.width().unwrap_or(0);
        if wide > left {
            break;
        }
        left -= wide;
        kept.push(character);
    }
    kept.push('…');
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_one_another_whatever_the_names() {
        let rows = [
            row(["APP", "BY"]),
            row(["shop", "李\u{1b}[31m"]),
            row(["a\nb", "ann"]),
        ];
        assert_eq!(laid_out(&rows, None), "APP   BY\nshop  李[31m\na     ann\nb\n");
    }

    #[test]
    fn a_line_is_cut_at_the_edge_of_the_terminal() {
        assert_eq!(cut("0123456789abcdef", Some(14)), "0123456789abc…");
        assert_eq!(cut("李李李李李李李李", Some(12)), "李李李李李…");
        assert_eq!(cut("short", Some(80)), "short");
        assert_eq!(cut("0123456789abcdef", Some(1)).width(), LEAST);
    }
}
