//! A file's path inside a repository.

use std::fmt;

use super::fault::Fault;

/// A relative path inside a repository, with `/` between its parts.
///
/// It is never absolute, never empty, holds no `..`, no `.git` part, no control character, and a leading
/// `./` is dropped; so it cannot leave the repository or reach into git's own folder.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(String);

impl RepoPath {
    /// Reads a path as a user writes it.
    ///
    /// # Errors
    /// A fault of kind `Refused` for a path that leaves the repository, `Invalid` for one that is none.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let shown = text.escape_debug();
        if text.chars().any(char::is_control) {
            return Err(Fault::invalid(format!(
                "`{shown}` is not a path: it holds a control character"
            )));
        }
        // Windows takes a letter and a colon for a drive; a `./` before them is dropped below.
        let first = text.split('/').find(|part| !matches!(*part, "" | "."));
        let is_drive = first.is_some_and(|first| first.get(1..2) == Some(":"));
        if text.starts_with('/') || text.contains('\\') || is_drive {
            return Err(
                Fault::refused(format!("`{shown}` is not a path inside the config repo"))
                    .hint("give it relative to the root of the config repo, with `/` between folders"),
            );
        }
        let mut parts = Vec::new();
        for part in text.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    return Err(Fault::refused(format!("`{shown}` leaves the config repo"))
                        .hint("a path never contains `..`"));
                }
                part if is_git(part) => {
                    return Err(Fault::refused(format!("`{shown}` reaches into git's own folder")));
                }
                part => parts.push(part),
            }
        }
        if parts.is_empty() {
            return Err(Fault::invalid(format!("`{shown}` names no file")));
        }
        Ok(Self(parts.join("/")))
    }

    /// Returns the path as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the last part.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// Returns the folders that it lies in, from the root on, without the root itself.
    pub fn folders(&self) -> impl DoubleEndedIterator<Item = Self> {
        self.0
            .match_indices('/')
            .map(|(end, _)| Self(self.0[..end].to_owned()))
    }
}

/// Whether some system takes a name for `.git`, as git knows them (git-config(1), core.protectNTFS and
/// core.protectHFS): NTFS drops dots and blanks at the end and a `:stream`, and has a short name for it; HFS+ passes
/// over characters that are not seen.
fn is_git(name: &str) -> bool {
    let unseen = |c| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let name = name.replace(unseen, "");
    let name = name.split(':').next().unwrap_or_default();
    let name = name.trim_end_matches(['.', ' ']);
    name.eq_ignore_ascii_case(".git") || name.eq_ignore_ascii_case("git~1")
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::fault::Kind;

    #[test]
    fn paths_are_normalised_and_never_leave_the_repository() {
        let path = RepoPath::parse("./a//b/c.yaml").unwrap();
        assert_eq!(path.as_str(), "a/b/c.yaml");
        let folders: Vec<_> = path.folders().map(|folder| folder.to_string()).collect();
        assert_eq!(folders, ["a", "a/b"]);
        for name in [".github/x", ".gitignore", "x.git/y", "git/x"] {
            assert_eq!(RepoPath::parse(name).unwrap().as_str(), name);
        }
        for (bad, kind) in [
            ("/etc/passwd", Kind::Refused),
            ("../x", Kind::Refused),
            ("a/../../x", Kind::Refused),
            ("C:\\x", Kind::Refused),
            ("C:/x", Kind::Refused),
            ("./C:/x", Kind::Refused),
            (".//./C:/x", Kind::Refused),
            ("a\\b", Kind::Refused),
            (".git/config", Kind::Refused),
            ("a/.GIT/hooks", Kind::Refused),
            (".git. ./config", Kind::Refused),
            (".git::$INDEX_ALLOCATION/config", Kind::Refused),
            ("GIT~1/config", Kind::Refused),
            (".g\u{200c}it/config", Kind::Refused),
            ("", Kind::Invalid),
            (".", Kind::Invalid),
            ("a\nb", Kind::Invalid),
        ] {
            assert_eq!(RepoPath::parse(bad).unwrap_err().kind, kind, "{bad:?}");
        }
    }
}
