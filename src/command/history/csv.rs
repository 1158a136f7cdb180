//! A history as comma-separated values (RFC 4180), which a spreadsheet shows and never computes.

use crate::steps::history::report::{Entry, Report, Standing};
use crate::words::wording::one_line;

/// What makes a spreadsheet take a cell for a formula, in ASCII and in full width.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '＝', '＋', '－', '＠'];

/// Returns the rows, below a header.
pub(super) fn of(report: &Report) -> String {
    let rows: Vec<Vec<String>> = match (&report.entries, &report.standings) {
        (Some(entries), _) => std::iter::once(header(&CHANGES))
            .chain(entries.iter().map(change))
            .collect(),
        (None, standings) => std::iter::once(header(&NOW))
            .chain(standings.iter().flatten().flat_map(standing))
            .collect(),
    };
    let line = |row: &Vec<String>| row.iter().map(|text| cell(text)).collect::<Vec<_>>().join(",") + "\r\n";
    rows.iter().map(line).collect()
}

const CHANGES: [&str; 20] = [
    "when",
    "app",
    "env",
    "clusters",
    "image",
    "change",
    "old",
    "new",
    "by",
    "author",
    "actor",
    "source_actor",
    "merged_by",
    "source_repo",
    "source_commit",
    "run_url",
    "override_reason",
    "commit",
    "files",
    "subject",
];

const NOW: [&str; 14] = [
    "app", "env", "image", "version", "clusters", "agrees", "since", "at_least", "by", "commit", "from",
    "drift", "behind", "files",
];

fn header(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn change(entry: &Entry) -> Vec<String> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let told = &entry.told;
    vec![
        told.when.to_string(),
        entry.app.clone(),
        entry.env.clone(),
        entry.clusters.join(" "),
        text(&entry.image),
        entry.change.word().to_owned(),
        text(&entry.old),
        text(&entry.new),
        told.by.clone(),
        told.author.clone(),
        text(&told.actor),
        text(&told.source_actor),
        text(&told.merged_by),
        text(&told.source_repo),
        text(&told.source_commit),
        text(&told.run_url),
        text(&told.override_reason),
        told.commit.clone(),
        entry.files.join(" "),
        told.subject.clone(),
    ]
}

fn standing(standing: &Standing) -> Vec<Vec<String>> {
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let drift = standing.drift.as_ref();
    let row = |held: &crate::steps::history::report::Held| {
        vec![
            standing.app.clone(),
            standing.env.clone(),
            text(&held.image),
            text(&held.version),
            held.clusters.join(" "),
            standing.agrees.to_string(),
            held.since.to_string(),
            held.at_least.to_string(),
            text(&held.by),
            text(&held.commit),
            drift.map(|drift| drift.from.clone()).unwrap_or_default(),
            drift
                .map(|drift| drift.state.word().to_owned())
                .unwrap_or_default(),
            drift
                .and_then(|drift| drift.behind)
                .map(|behind| behind.to_string())
                .unwrap_or_default(),
            held.files.join(" "),
        ]
    };
    standing.versions.iter().map(row).collect()
}

fn cell(text: &str) -> String {
    let text = one_line(text);
    let text = if text.starts_with(FORMULA) {
        format!("'{text}")
    } else {
        text
    };
    if text.contains(['"', ',', ';', '\'']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_one_cell_and_no_formula() {
        for (text, written) in [
            ("plain text", "plain text"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("a\r\nb", "a b"),
            ("=1+1", "\"'=1+1\""),
            ("  @SUM(A1)", "\"'@SUM(A1)\""),
            ("-2", "\"'-2\""),
            ("\t+1", "\"'+1\""),
            ("＝1", "\"'＝1\""),
            ("", ""),
        ] {
            assert_eq!(cell(text), written, "{text:?}");
        }
    }
}
