//! The unified diff of a plan's files.

use std::fmt::Write as _;

use similar::TextDiff;

use super::commit::{Fate, FileChange};

/// Returns the unified diff of some files, as `git apply` takes it.
///
/// As soon as one file comes or goes, each has the header `diff --git`: an empty file has no other line.
/// Control characters other than the tab and a line's own end are escaped, so that a file cannot steer the
/// terminal that shows the diff.
pub fn unified(changes: &[FileChange]) -> String {
    let in_place = |change: &FileChange| matches!(change.fate, Fate::Changed { .. });
    let is_headed = !changes.iter().all(in_place);
    let mut out = String::new();
    for change in changes {
        if is_headed {
            escape_into(&mut out, &header(change));
        }
        escape_into(&mut out, &hunks(change));
    }
    out
}

/// Returns the lines by which git tells a file that comes or goes. The mode of one that goes is not known here: git
/// takes that of a plain file for any.
fn header(change: &FileChange) -> String {
    let path = &change.path;
    let mode = match change.fate {
        Fate::Added { executable: true, .. } => "new file mode 100755\n",
        Fate::Added { .. } => "new file mode 100644\n",
        Fate::Changed { .. } => "",
        Fate::Removed { .. } => "deleted file mode 100644\n",
    };
    format!("diff --git a/{path} b/{path}\n{mode}")
}

fn hunks(change: &FileChange) -> String {
    let path = &change.path;
    let (old, new) = (change.before(), change.after());
    let before = old.map_or_else(|| "/dev/null".to_owned(), |_| format!("a/{path}"));
    let after = new.map_or_else(|| "/dev/null".to_owned(), |_| format!("b/{path}"));
    let (old, new) = (old.unwrap_or_default(), new.unwrap_or_default());
    // As git, which calls binary what holds a NUL; what is no UTF-8 cannot be shown either.
    let text = |bytes| {
        std::str::from_utf8(bytes)
            .ok()
            .filter(|text| !text.contains('\0'))
    };
    let Some((old, new)) = text(old).zip(text(new)) else {
        return format!("Binary files {before} and {after} differ\n");
    };
    let diff = TextDiff::from_lines(old, new);
    diff.unified_diff()
        .context_radius(3)
        .header(&before, &after)
        .to_string()
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

    fn file(path: &str, fate: Fate) -> FileChange {
        FileChange {
            path: RepoPath::parse(path).unwrap(),
            fate,
        }
    }

    fn change(old: &str, new: &str) -> FileChange {
        let (old, new) = (old.into(), new.into());
        file("apps/a.yaml", Fate::Changed { old, new })
    }

    fn added(path: &str, new: &str, executable: bool) -> FileChange {
        let new = new.into();
        file(path, Fate::Added { new, executable })
    }

    fn removed(path: &str, old: &str) -> FileChange {
        file(path, Fate::Removed { old: old.into() })
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
    fn files_that_come_and_go_are_shown_as_git_shows_them() {
        let diff = unified(&[
            added("n/empty", "", false),
            added("n/run.sh", "a\n", true),
            removed("gone.yaml", "a\n"),
            change("a\n", "b\n"),
        ]);
        assert_eq!(
            diff,
            "diff --git a/n/empty b/n/empty\nnew file mode 100644\n\
             diff --git a/n/run.sh b/n/run.sh\nnew file mode 100755\n--- /dev/null\n+++ b/n/run.sh\n@@ -0,0 +1 @@\n+a\n\
             diff --git a/gone.yaml b/gone.yaml\ndeleted file mode 100644\n--- a/gone.yaml\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n\
             diff --git a/apps/a.yaml b/apps/a.yaml\n--- a/apps/a.yaml\n+++ b/apps/a.yaml\n@@ -1 +1 @@\n-a\n+b\n"
        );
    }

    #[test]
    fn bytes_that_are_no_text_are_not_shown() {
        let diff = unified(&[change("a\n", "a\0\n")]);
        assert_eq!(diff, "Binary files a/apps/a.yaml and b/apps/a.yaml differ\n");
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
