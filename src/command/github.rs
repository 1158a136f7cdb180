//! What GitHub Actions reads: outputs, the job summary, annotations.
//!
//! Sources: "Workflow commands for GitHub Actions" and "Passing information between jobs" of GitHub's docs.

use std::fmt::Write as _;

use super::exit::Failure;
use super::receipt::Receipt;
use super::{check, history};
use crate::plan::finding::Finding;
use crate::plan::release::ReleaseReport;
use crate::words::markdown::{code, fenced, inline, link};

/// The most bytes of a diff that the job summary shows; a step's summary may have 1 MiB.
const SUMMARY_DIFF: usize = 512 * 1024;

/// Returns what is appended to `$GITHUB_OUTPUT`. The delimiter is random, and no value may hold it.
pub fn outputs(receipt: &Receipt, mut random: impl FnMut() -> String) -> String {
    let mut text = String::new();
    for (name, value) in receipt.outputs() {
        let mut delimiter = format!("end-{}", random());
        while value.contains(&delimiter) {
            delimiter = format!("end-{}", random());
        }
        // Writing to a String cannot fail.
        let _ = write!(text, "{name}<<{delimiter}\n{value}\n{delimiter}\n");
    }
    text
}

/// Returns what is appended to `$GITHUB_STEP_SUMMARY`.
pub fn summary(receipt: &Receipt) -> String {
    let mut text = format!("### {}: {}\n\n", receipt.command, receipt.operation.word());
    if let (Some(app), Some(env)) = (&receipt.app, &receipt.env) {
        let _ = writeln!(text, "**{}** in **{}**\n", inline(app), inline(env));
    }
    if receipt.dry_run {
        text.push_str("Dry run: nothing was written.\n\n");
    }
    if let Some(said) = receipt.reason.as_ref().or(receipt.story.as_ref()) {
        let _ = writeln!(text, "{}\n", inline(said));
    }
    if let Some(history) = &receipt.history {
        let _ = writeln!(text, "{}", history::summary(history));
    }
    if let Some(found) = &receipt.check {
        let _ = writeln!(text, "{}", check::summary(found));
    }
    if let Some(release) = &receipt.release {
        release_notes(&mut text, release);
    }
    if !receipt.changes.is_empty() {
        text.push_str("| file | value | from | to |\n| --- | --- | --- | --- |\n");
        for change in &receipt.changes {
            let _ = writeln!(
                text,
                "| {}:{} | {} | {} | {} |",
                inline(&change.file),
                change.line,
                inline(&change.path),
                change.old.as_deref().map(inline).unwrap_or_default(),
                change.new.as_deref().map(inline).unwrap_or_default(),
            );
        }
        text.push('\n');
    }
    if let Some(commit) = &receipt.commit {
        let branch = receipt.branch.as_deref().unwrap_or_default();
        let _ = writeln!(text, "Commit {} on {}\n", code(commit), code(branch));
    }
    if let Some(url) = &receipt.environment_url {
        let _ = writeln!(text, "Environment: {}\n", link(url));
    }
    if let Some(url) = &receipt.run_url {
        let _ = writeln!(text, "Run: {}\n", link(url));
    }
    for warning in &receipt.warnings {
        let _ = writeln!(text, "> **Warning** {}\n", inline(warning));
    }
    if !receipt.diff.is_empty() {
        let _ = writeln!(
            text,
            "<details><summary>Diff</summary>\n\n{}\n\n</details>\n",
            fenced(&receipt.diff, SUMMARY_DIFF)
        );
    }
    text
}

fn release_notes(text: &mut String, release: &ReleaseReport) {
    let tag = release.tag.as_deref().map(inline).unwrap_or_default();
    let _ = match &release.url {
        Some(url) => writeln!(text, "**{tag}**: {}\n", link(url)),
        None => writeln!(text, "**{tag}**\n"),
    };
    if let Some(notes) = &release.notes {
        let _ = writeln!(text, "{}\n", notes.trim());
    }
}

/// Returns the annotation of a failure.
pub fn error(failure: &Failure) -> String {
    let mut properties = Vec::new();
    if let Some(place) = &failure.fault.place {
        properties.push(format!("file={}", property(&place.file)));
        if place.line > 0 {
            properties.push(format!("line={}", place.line));
        }
        if place.column > 0 {
            properties.push(format!("col={}", place.column));
        }
    }
    properties.push("title=gitops-steps".to_owned());
    let hint = failure
        .fault
        .hint
        .as_ref()
        .map(|hint| format!("\nhint: {hint}"))
        .unwrap_or_default();
    format!(
        "::error {}::{}",
        properties.join(","),
        data(&format!("{}{hint}", failure.message))
    )
}

/// Returns the annotation of a finding, on its line; its file lies in this folder of the repository.
pub fn finding(finding: &Finding, folder: &str) -> String {
    let mut properties = vec![format!("file={}", property(&format!("{folder}{}", finding.file)))];
    properties.extend(finding.line.map(|line| format!("line={line}")));
    properties.extend(finding.column.map(|column| format!("col={column}")));
    properties.push(format!(
        "title={}",
        property(&format!("gitops-steps: {}", finding.code))
    ));
    let hint = finding.hint.as_ref().map(|hint| format!("\nhint: {hint}"));
    format!(
        "::{} {}::{}",
        finding.severity.word(),
        properties.join(","),
        data(&format!("{}{}", finding.message, hint.unwrap_or_default()))
    )
}

/// Returns the annotation of a warning.
pub fn warning(text: &str) -> String {
    format!("::warning title=gitops-steps::{}", data(text))
}

/// Returns the command that makes the runner hide a secret in the log.
pub fn mask(secret: &str) -> String {
    format!("::add-mask::{}", data(secret))
}

/// Returns text that the runner may print without reading a command in it: as it is, or, where a line looks
/// like a command, between `::stop-commands::` and its end.
pub fn inert(text: &str, random: impl FnOnce() -> String) -> String {
    let looks_like_one = text.lines().any(|line| {
        line.trim_start_matches(|c: char| c.is_whitespace() || c.is_control())
            .starts_with("::")
            || line.contains("##[")
    });
    if !looks_like_one {
        return text.to_owned();
    }
    let token = random();
    format!(
        "::stop-commands::{token}\n{}\n::{token}::\n",
        text.trim_end_matches('\n')
    )
}

/// Escapes the data of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Operation, ValueChange};
    use crate::words::fault::Fault;

    #[test]
    fn a_value_cannot_end_its_output_early_or_forge_another() {
        let mut receipt = Receipt::new("bump-values", Operation::Updated);
        receipt.new = Some("x\nend-3\nchanged<<y".to_owned());
        let mut count = 0;
        let text = outputs(&receipt, || {
            count += 1;
            (count - 1).to_string()
        });
        assert!(
            text.contains("new<<end-4\nx\nend-3\nchanged<<y\nend-4\n"),
            "{text}"
        );
        assert_eq!(text.matches("operation<<").count(), 1);
    }

    #[test]
    fn the_same_outputs_are_there_whatever_happened() {
        let names = |receipt: &Receipt| {
            receipt
                .outputs()
                .into_iter()
                .map(|(name, _)| name)
                .collect::<Vec<_>>()
        };
        let done = Receipt::new("bump-values", Operation::Updated);
        let error = anyhow::Error::from(Fault::refused("frozen"));
        let failed = Receipt::new("bump-values", Operation::Failed).failed(&Failure::from(&error));
        assert_eq!(names(&done), names(&failed));
        assert_eq!(failed.operation, Operation::Refused);
    }

    #[test]
    fn an_annotation_cannot_be_broken_out_of() {
        let error = anyhow::Error::from(Fault::invalid("50%\n::set-output name=x::y").at("a,b:c.yaml", 3, 0));
        assert_eq!(
            super::error(&Failure::from(&error)),
            "::error file=a%2Cb%3Ac.yaml,line=3,title=gitops-steps::\
             a,b:c.yaml:3: 50%25%0A::set-output name=x::y"
        );
    }

    #[test]
    fn a_diff_that_looks_like_a_command_is_printed_with_commands_stopped() {
        assert_eq!(inert("-a\n+b\n", || unreachable!()), "-a\n+b\n");
        assert_eq!(
            inert(" ::add-mask::x\n", || "t".into()),
            "::stop-commands::t\n ::add-mask::x\n::t::\n"
        );
        assert!(inert("+a ##[error]x\n", || "t".into()).starts_with("::stop-commands::"));
    }

    #[test]
    fn the_summary_shows_values_as_they_are() {
        let mut receipt = Receipt::new("bump-values", Operation::Updated);
        receipt.changes.push(ValueChange {
            file: "a.yaml".into(),
            path: "image.tag".into(),
            line: 3,
            old: Some("<b>|x".into()),
            new: Some("v1\n| y".into()),
            cluster: None,
        });
        receipt.diff = "+ ```` x\n".into();
        receipt.environment_url = Some("https://a.example/<b>".into());
        let text = summary(&receipt);
        assert!(
            text.contains("\nEnvironment: ") && !text.contains("<b>"),
            "{text}"
        );
        assert!(
            text.contains("| a.yaml:3 | image.tag | &lt;b&gt;\\|x | v1 \\| y |"),
            "{text}"
        );
        assert!(text.contains("\n`````diff\n+ ```` x\n`````\n"), "{text}");
    }
}
