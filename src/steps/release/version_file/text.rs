//! `VERSION`: a file that holds a version and nothing else.

use semver::Version;

use super::{Written, utf8};
use crate::plan::ValueChange;
use crate::words::fault::Fault;
use crate::words::repo_path::RepoPath;
use crate::words::wording::shown;

/// Puts the version in place of the old one; a `v` before it, a byte order mark and the line's end stay.
pub(super) fn write(path: &RepoPath, bytes: &[u8], version: &Version) -> Result<Written, Fault> {
    let text = utf8(path, bytes)?;
    let bare = text.trim_start_matches('\u{feff}').trim();
    let old = bare.strip_prefix(['v', 'V']).unwrap_or(bare);
    let starts_like_one = old.starts_with(|c: char| c.is_ascii_digit()) && !old.contains(char::is_whitespace);
    if !(starts_like_one || old.is_empty()) {
        return Err(
            Fault::invalid(format!("it holds `{}`, which is no version", shown(bare)))
                .at(path.as_str(), 1, 1)
                .hint("let it hold the version and nothing else"),
        );
    }
    let new = version.to_string();
    if old == new {
        return Ok(Written {
            bytes: bytes.to_vec(),
            changes: Vec::new(),
        });
    }
    // An empty file may have line breaks alone, before which the version goes.
    let at = text.len() - text.trim_start_matches('\u{feff}').trim_start().len();
    let at = if bare.is_empty() {
        text.len() - text.trim_start_matches('\u{feff}').len()
    } else {
        at + bare.len() - old.len()
    };
    Ok(Written {
        bytes: format!("{}{new}{}", &text[..at], &text[at + old.len()..]).into_bytes(),
        changes: vec![ValueChange {
            file: path.to_string(),
            path: String::new(),
            line: super::place(text, at).0,
            old: Some(old.to_owned()).filter(|old| !old.is_empty()),
            new: Some(new),
            cluster: None,
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_version_changes() {
        let path = RepoPath::parse("VERSION").unwrap();
        let version = Version::new(1, 3, 0);
        for (old, new) in [
            ("1.2.0\n", "1.3.0\n"),
            ("1.2.0", "1.3.0"),
            ("v1.2.0\r\n", "v1.3.0\r\n"),
            ("\u{feff}1.2\n", "\u{feff}1.3.0\n"),
            ("  1.2.0 \n\n", "  1.3.0 \n\n"),
            ("", "1.3.0"),
            ("\n", "1.3.0\n"),
            ("v\n", "v1.3.0\n"),
        ] {
            let written = write(&path, old.as_bytes(), &version).unwrap();
            assert_eq!(String::from_utf8(written.bytes).unwrap(), new, "{old:?}");
            assert_eq!(written.changes.len(), 1);
            assert!(write(&path, new.as_bytes(), &version).unwrap().changes.is_empty());
        }
        for other in ["one.two\n", "1.2.0 beta\n", "1.2.0\n1.3.0\n", "version=1.2.0\n"] {
            assert!(write(&path, other.as_bytes(), &version).is_err(), "{other:?}");
        }
    }
}
