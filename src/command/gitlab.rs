//! What GitLab CI reads: the dotenv report and collapsible sections.
//!
//! Sources: "artifacts:reports:dotenv" and "Custom collapsible sections" of GitLab's docs.

use std::fmt::Write as _;

use super::receipt::Receipt;

/// The most bytes of one value; a dotenv report may have 5 kB in all.
const VALUE: usize = 600;

/// Returns the dotenv report: one line a key, always the same keys, values cut and on one line.
///
/// The keys never carry the prefix of our flags, which would make them flags of the next job. GitLab expands variables
/// in the values (`$NAME`, and `%NAME%` as on Windows) when it hands them to a later job, where a foreign text could so
/// name a secret: `_` stands for `$`, and in texts that are no addresses for `%`.
pub fn dotenv(receipt: &Receipt) -> String {
    let outputs = receipt.outputs();
    let mut text = String::new();
    for (key, output) in [
        ("GITOPS_CHANGED", "changed"),
        ("GITOPS_OPERATION", "operation"),
        ("GITOPS_OLD", "old"),
        ("GITOPS_NEW", "new"),
        ("GITOPS_COMMIT", "commit"),
        ("GITOPS_PR_URL", "pr-url"),
        ("GITOPS_RUN_URL", "run-url"),
        ("GITOPS_DEPLOYMENT_ID", "deployment-id"),
        ("GITOPS_ENVIRONMENT_URL", "environment-url"),
        ("GITOPS_REASON", "reason"),
    ] {
        let value = outputs
            .iter()
            .find(|(name, _)| *name == output)
            .map_or("", |(_, value)| value);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{key}={}", inert(output, &one_line(value)));
    }
    text
}

/// Returns a collapsible section of the job log.
pub fn section(name: &str, title: &str, seconds: i64, body: &str) -> String {
    format!(
        "\u{1b}[0Ksection_start:{seconds}:{name}[collapsed=true]\r\u{1b}[0K{title}\n{}\n\
         \u{1b}[0Ksection_end:{seconds}:{name}\r\u{1b}[0K\n",
        body.trim_end_matches('\n')
    )
}

fn inert(output: &str, line: &str) -> String {
    let line = line.replace('$', "_");
    if output.ends_with("-url") {
        return line;
    }
    line.replace('%', "_")
}

fn one_line(value: &str) -> String {
    let mut line: String = value
        .chars()
        .map(|character| if character.is_control() { ' ' } else { character })
        .collect();
    if line.len() > VALUE {
        let mut cut = VALUE;
        while !line.is_char_boundary(cut) {
            cut -= 1;
        }
        line.truncate(cut);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Operation;

    #[test]
    fn no_value_names_a_variable_that_a_later_job_would_put_in_its_place() {
        let mut receipt = Receipt::new("bump-values", Operation::Failed);
        receipt.reason = Some("`$DEPLOY_KEY` and ${DEPLOY_KEY} and %DEPLOY_KEY%".to_owned());
        receipt.old = Some("$$KEY".to_owned());
        receipt.run_url = Some("https://gitlab.example/a%20b/$KEY".to_owned());
        let text = dotenv(&receipt);
        assert!(!text.contains('$'), "{text}");
        assert!(
            text.contains("GITOPS_REASON=`_DEPLOY_KEY` and _{DEPLOY_KEY} and _DEPLOY_KEY_\n"),
            "{text}"
        );
        assert!(
            text.contains("GITOPS_RUN_URL=https://gitlab.example/a%20b/_KEY\n"),
            "{text}"
        );
    }

    #[test]
    fn a_report_stays_within_gitlabs_limits_and_on_its_lines() {
        let mut receipt = Receipt::new("bump-values", Operation::Failed);
        receipt.reason = Some(format!("a\nEVIL=1\r{}", "ü".repeat(9000)));
        receipt.old = Some("x".repeat(9000));
        let text = dotenv(&receipt);
        assert!(text.len() < 5000, "{}", text.len());
        assert_eq!(text.lines().count(), 10);
        assert!(
            text.lines()
                .all(|line| line.starts_with("GITOPS_") && !line.starts_with("GITOPS_STEPS_"))
        );
    }
}
