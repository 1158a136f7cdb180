//! The promotion path as a flow chart of Mermaid, which GitHub and GitLab draw.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::steps::history::report::{DriftState, Report, Standing};

/// From how many apps on the environments are counted instead of drawn: nobody reads more, and Mermaid draws at most
/// 500 arrows.
const DRAWN: usize = 12;

/// Returns the chart.
pub(super) fn of(report: &Report) -> String {
    let standings = report.standings.as_deref().unwrap_or_default();
    let apps: Vec<&[Standing]> = standings.chunk_by(|a, b| a.app == b.app).collect();
    let mut text = String::from("flowchart LR\n");
    if apps.len() > DRAWN {
        counted(&mut text, report, standings);
    } else {
        for (number, of_app) in apps.iter().enumerate() {
            drawn(&mut text, report, number, of_app);
        }
    }
    text
}

/// Draws one app: a box for each environment, an arrow for each promotion.
fn drawn(text: &mut String, report: &Report, number: usize, of_app: &[Standing]) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "  subgraph a{number}[\"{}\"]", label(&of_app[0].app));
    let node = |env: &str| {
        let at = report.environments.iter().position(|other| other == env)?;
        Some(format!("a{number}e{at}"))
    };
    for env in &report.environments {
        let Some(standing) = of_app.iter().find(|standing| standing.env == *env) else {
            continue;
        };
        let mark = if standing.agrees { "" } else { "! " };
        let said = format!("{mark}{}", standing.line());
        let _ = writeln!(
            text,
            "    {}[\"{}<br>{}\"]",
            node(env).unwrap_or_default(),
            label(env),
            label(&said)
        );
    }
    for standing in of_app {
        let Some(drift) = &standing.drift else { continue };
        let shown = of_app.iter().any(|other| other.env == drift.from);
        if let (true, Some(from), Some(to)) = (shown, node(&drift.from), node(&standing.env)) {
            let arrow = if drift.state == DriftState::InStep {
                "-->"
            } else {
                "-.->"
            };
            let _ = writeln!(text, "    {from} {arrow}|\"{}\"| {to}", label(&drift.words()));
        }
    }
    text.push_str("  end\n");
}

/// Draws the environments alone, with how many apps are in step.
fn counted(text: &mut String, report: &Report, standings: &[Standing]) {
    for (at, env) in report.environments.iter().enumerate() {
        let here = standings.iter().filter(|standing| standing.env == *env);
        let (apps, disagree) = here.fold((0, 0), |(apps, disagree), standing| {
            (apps + 1, disagree + usize::from(!standing.agrees))
        });
        let mark = match disagree {
            0 => String::new(),
            some => format!(", ! {some} disagree"),
        };
        let _ = writeln!(text, "  e{at}[\"{}<br>{apps} apps{mark}\"]", label(env));
    }
    let mut arrows: BTreeMap<(usize, usize), BTreeMap<&str, BTreeSet<&str>>> = BTreeMap::new();
    let place = |env: &str| report.environments.iter().position(|other| other == env);
    for standing in standings {
        if let Some(drift) = &standing.drift
            && let (Some(from), Some(to)) = (place(&drift.from), place(&standing.env))
        {
            let states = arrows.entry((from, to)).or_default();
            states
                .entry(drift.state.word())
                .or_default()
                .insert(&standing.app);
        }
    }
    for ((from, to), states) in arrows {
        let said: Vec<String> = states
            .iter()
            .map(|(state, apps)| format!("{} {}", apps.len(), state.replace('-', " ")))
            .collect();
        let _ = writeln!(text, "  e{from} -->|\"{}\"| e{to}", label(&said.join(", ")));
    }
}

/// Writes every character that could mean something to Mermaid or HTML as an entity of Mermaid.
fn label(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii_alphanumeric() || " .,-_/!".contains(character) {
            out.push(character);
        } else {
            let _ = write!(out, "#{};", u32::from(character));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_cannot_end_itself() {
        assert_eq!(label("1.2.0, a-b"), "1.2.0, a-b");
        assert_eq!(label("\"] --> x\n<b>#"), "#34;#93; --#62; x#10;#60;b#62;#35;");
    }
}
