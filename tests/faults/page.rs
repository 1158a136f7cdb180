//! The table of `docs/reliability.md` is that of the rows.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::row::{Row, SIGNALLED};
use super::{disk, repos, signals, wire};

const BEGIN: &str = "<!-- generated: the matrix of faults -->\n";
const END: &str = "<!-- generated: end -->\n";

#[test]
fn the_table_of_the_page_is_that_of_the_rows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reliability.md");
    let kept = fs::read_to_string(&path).unwrap();
    let (head, rest) = kept
        .split_once(BEGIN)
        .expect("the page has a place for the table");
    let (_, tail) = rest.split_once(END).expect("the table ends");
    let current = format!("{head}{BEGIN}{}{END}{tail}", table());
    if std::env::var_os("GITOPS_STEPS_BLESS").is_some() {
        fs::write(&path, &current).unwrap();
        return;
    }
    assert!(
        kept == current,
        "docs/reliability.md is stale: run GITOPS_STEPS_BLESS=1 cargo test faults"
    );
}

fn table() -> String {
    let mut text = String::new();
    for (title, rows) in [
        ("On the wire", wire::ROWS),
        ("The repository, before a run and meanwhile", repos::ROWS),
        ("A run that is ended", signals::ROWS),
    ] {
        head(&mut text, title);
        for row in rows {
            line(&mut text, row);
        }
    }
    head(&mut text, "Disks, and files that are being written");
    for row in disk::ROWS {
        let cells = (row.trouble, "`bump-values`", row.harm.road().to_owned());
        cell(&mut text, cells, (row.code, &[row.says]), row.holds.words());
    }
    text
}

fn head(text: &mut String, title: &str) {
    let _ = write!(
        text,
        "\n### {title}\n\n| what goes wrong | run | by | exit | it says | what is there then |\n\
         | --- | --- | --- | --- | --- | --- |\n"
    );
}

fn line(text: &mut String, row: &Row) {
    let roads: Vec<&str> = row.roads.iter().map(|road| road.words()).collect();
    let cells = (row.trouble, row.job.words(), roads.join(", "));
    cell(text, cells, (row.code, row.says), row.holds.words());
}

fn cell(
    text: &mut String,
    (trouble, run, roads): (&str, &str, String),
    (code, says): (i32, &[&str]),
    holds: &str,
) {
    let code = match code {
        SIGNALLED => "by the signal".to_owned(),
        code => code.to_string(),
    };
    let _ = writeln!(
        text,
        "| {trouble} | {run} | {roads} | {code} | {} | {holds} |",
        says.join("<br>").replace('|', "\\|")
    );
}
