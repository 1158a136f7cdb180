//! The unified diff of a plan's files.

use std::fmt::Write as _;

use similar::TextDiff;

use super::commit::FileChange;

/// Returns the unified diff of some files, with git's `a/` and `b/` headers.
///
/// Control characters other than the tab and a line's own end are escaped, so that a file cannot steer the
/// terminal that shows the diff.
pub fn unified(changes: &[FileChange]) -> String {
    let mut out = String::new();
    for change in changes {
        let (old, new) = (
            String::from_utf8_lossy(&change.old),
            String::from_utf8_lossy(&change.new),
        );
        let diff = TextDiff::from_lines(old.as_ref(), new.as_ref());
        let (before, after) = if change.old.is_empty() {
            ("/dev/null".to_owned(), format!("b/{}", change.path))
        } else {
            (format!("a/{}", change.path), format!("b/{}", change.path))
        };
        let text = diff
            .unified_diff()
            .context_radius(3)
            .header(&before, &after)
            .to_string();
        escape_into(&mut out, &text);
    }
    out
}

fn escape_into(out: &mut String, text: &str) {
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let ends_line = character == '\r' && characters.peek() == Some(&'\n');
        if character == '\n' || character == '\t' || ends_line || !is_steering(character) {
            out.push(character);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(out, "{}", character.escape_unicode());
        }
    }
}

/// Whether a character may move the cursor or reorder the text around it.
fn is_steering(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::repo_path::RepoPath;

    fn change(old: &str, new: &str) -> FileChange {
        FileChange {
            path: RepoPath::parse("apps/a.yaml").unwrap(),
            old: old.as_bytes().to_vec(),
            new: new.as_bytes().to_vec(),
        }
    }

    #[test]
    fn a_diff_can_be_applied_by_git() {
        let diff = unified(&[change("a: 1\ntag: v1\n", "a: 1\ntag: v2\n")]);
        assert_eq!(
            diff,
            "--- a/apps/a.yaml\n+++ b/apps/a.yaml\n@@ -1,2 +1,2 @@\n a: 1\n-tag: v1\n+tag: v2\n"
        );
    }

    #[test]
    fn a_missing_final_newline_is_shown() {
        assert!(unified(&[change("tag: v1", "tag: v2")]).contains("\\ No newline at end of file"));
    }

    #[test]
    fn escape_sequences_and_bidirectional_marks_do_not_reach_the_terminal() {
        let diff = unified(&[change("a: \"\u{1b}[2J\u{202e}\"\n", "b\r\n")]);
        assert!(!diff.contains('\u{1b}') && !diff.contains('\u{202e}'), "{diff}");
        assert!(diff.contains("\\u{1b}[2J") && diff.contains("+b\r\n"), "{diff}");
    }
}
