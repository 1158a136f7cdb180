//! A history as one page that needs nothing beside it: no script, no font, no picture, and what is foreign is text.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::table::{cell, from_to};
use super::{day_and_time, short_commit};
use crate::steps::history::report::{DriftState, Entry, Report, Standing};
use crate::words::wording::one_line;

const STYLE: &str = include_str!("page.css");

/// Returns the page.
pub(super) fn of(report: &Report, branch: Option<&str>, now: Timestamp) -> String {
    let (title, body) = match (&report.entries, &report.standings) {
        (Some(entries), _) => ("History", changes(entries)),
        (None, standings) => (
            "What stands",
            matrix(report, standings.as_deref().unwrap_or_default(), now),
        ),
    };
    let mut about = format!(
        "{} at <code>{}</code>, committed {} UTC",
        escaped(branch.unwrap_or("a detached HEAD")),
        escaped(short_commit(&report.tip)),
        day_and_time(report.tip_when),
    );
    if let Some(cut) = &report.cut {
        let _ = write!(
            about,
            ". The clone is shallow: what came before {} UTC is not told",
            day_and_time(cut.when)
        );
    }
    if report.more {
        about.push_str(". There are more changes than these");
    }
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<h1>{title}</h1>\n\
         <p class=\"about\">{about}.</p>\n{body}</body>\n</html>\n"
    )
}

fn changes(entries: &[Entry]) -> String {
    if entries.is_empty() {
        return "<p>No change.</p>\n".to_owned();
    }
    let mut text = head([
        "when (UTC)",
        "app",
        "environment",
        "from",
        "to",
        "by",
        "commit",
        "subject",
    ]);
    for entry in entries {
        let (from, to) = from_to(entry);
        let told = &entry.told;
        let commit = format!("<code>{}</code>", escaped(short_commit(&told.commit)));
        let run = told.run_url.as_deref().and_then(|url| link(url, "run"));
        let mut by = escaped(&told.by);
        if let Some(reason) = &told.override_reason {
            let _ = write!(by, "<span class=\"off\">override: {}</span>", escaped(reason));
        }
        let cells = [
            ("when (UTC)", day_and_time(told.when)),
            ("app", escaped(&entry.app)),
            ("environment", escaped(&entry.place())),
            ("from", format!("<code>{}</code>", escaped(&from))),
            ("to", format!("<code>{}</code>", escaped(&to))),
            ("by", by),
            ("commit", format!("{commit} {}", run.unwrap_or_default())),
            ("subject", escaped(&told.subject)),
        ];
        let _ = writeln!(text, "<tr class=\"{}\">{}</tr>", entry.change.word(), tds(&cells));
    }
    text + "</tbody>\n</table>\n"
}

fn matrix(report: &Report, standings: &[Standing], now: Timestamp) -> String {
    if standings.is_empty() {
        return "<p>Nothing stands.</p>\n".to_owned();
    }
    let columns = std::iter::once("app").chain(report.environments.iter().map(String::as_str));
    let mut text = head(columns);
    for of_app in standings.chunk_by(|a, b| a.app == b.app) {
        let _ = write!(text, "<tr><th scope=\"row\">{}</th>", escaped(&of_app[0].app));
        for env in &report.environments {
            let standing = of_app.iter().find(|standing| standing.env == *env);
            let _ = write!(
                text,
                "<td data-label=\"{}\">{}</td>",
                escaped(env),
                standing.map_or_else(|| "–".to_owned(), |standing| stands(standing, now))
            );
        }
        text.push_str("</tr>\n");
    }
    text + "</tbody>\n</table>\n"
}

fn stands(standing: &Standing, now: Timestamp) -> String {
    let lines = cell(standing, now);
    let in_step = standing
        .drift
        .as_ref()
        .is_none_or(|drift| drift.state == DriftState::InStep);
    let classes = ["version", "age", "off"];
    let parts: Vec<String> = lines
        .iter()
        .zip(classes)
        .map(|(line, class)| format!("<span class=\"{class}\">{}</span>", escaped(line)))
        .collect();
    let class = match (standing.agrees, in_step) {
        (false, _) => "split",
        (true, true) => "even",
        (true, false) => "drifted",
    };
    format!("<div class=\"{class}\">{}</div>", parts.join(""))
}

fn head<'a>(columns: impl IntoIterator<Item = &'a str>) -> String {
    let columns = columns
        .into_iter()
        .map(|column| format!("<th scope=\"col\">{}</th>", escaped(column)));
    format!(
        "<table>\n<thead><tr>{}</tr></thead>\n<tbody>\n",
        columns.collect::<String>()
    )
}

fn tds(cells: &[(&str, String)]) -> String {
    let td = |(label, text): &(&str, String)| format!("<td data-label=\"{label}\"><div>{text}</div></td>");
    cells.iter().map(td).collect()
}

/// Returns an http(s) address as a link; anything else is none.
fn link(address: &str, text: &str) -> Option<String> {
    let web = address.starts_with("https://") || address.starts_with("http://");
    web.then(|| {
        format!(
            "<a href=\"{}\" rel=\"noreferrer nofollow\">{text}</a>",
            escaped(address)
        )
    })
}

/// Returns foreign text as text, in an element or in a quoted attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in one_line(text).chars() {
        match character {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_is_text_and_only_the_web_is_linked() {
        assert_eq!(
            escaped("<b a='1'>&\"\u{202e}"),
            "&lt;b a=&#39;1&#39;&gt;&amp;&quot;"
        );
        assert!(link("javascript:alert(1)", "run").is_none());
        let link = link("https://h/\"onclick=\"x", "run").unwrap();
        assert!(
            link.starts_with("<a href=\"https://h/&quot;onclick=&quot;x\""),
            "{link}"
        );
    }
}
