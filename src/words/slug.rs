//! The slug by which a preview goes: what is left of a branch's name in an RFC 1123 label.
//!
//! It is the `branch_slug` of Argo CD's pull request generator (`applicationset/generators/pull_request.go`), which calls
//! the Go library gosimple/slug with at most 50 characters and `-` for `_`. `tests/data/slugs.json` holds what that
//! library says for some 700 names.

use std::fmt;

use sha2::{Digest as _, Sha256};

use super::fault::Fault;
use super::name::{LABEL_MAX, is_label};
use super::wording::shown;

/// How long a slug of Argo CD gets.
pub const LENGTH: usize = 50;
/// How many digits of a branch's hash tell it from another of the same slug.
const HASH: usize = 7;

/// How characters beyond ASCII are spelt: one line for each 256, with an entry for each between spaces (`build.rs`).
static SPELLINGS: &str = include_str!(concat!(env!("OUT_DIR"), "/spellings.txt"));

/// What a preview is called: an RFC 1123 label made from its branch's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slug(String);

impl Slug {
    /// Makes the slug of a branch, of at most `max` characters.
    ///
    /// # Errors
    /// `Invalid` for a branch of which nothing is left, or no RFC 1123 label: Argo CD makes no working preview of it.
    pub fn of_branch(branch: &str, max: usize) -> Result<Self, Fault> {
        let slug = branch_slug(branch, max);
        Self::parse(&slug).ok_or_else(|| {
            let message = if slug.is_empty() {
                format!("nothing is left of the branch `{}` in a slug", shown(branch))
            } else {
                format!(
                    "`{slug}`, the slug of the branch `{}`, is no RFC 1123 label",
                    shown(branch)
                )
            };
            Fault::invalid(message)
                .hint("give the branch a name that holds a letter a-z or a digit, and no fullwidth `＿`")
        })
    }

    /// Makes a slug that tells a branch from another of the same slug: the slug, cut, and digits of the name's hash.
    ///
    /// # Errors
    /// As [`Slug::of_branch`].
    pub fn told_apart(branch: &str, max: usize) -> Result<Self, Fault> {
        let hash = format!("{:x}", Sha256::digest(branch.as_bytes()));
        let hash = &hash[..HASH.min(max)];
        match max.checked_sub(HASH + 1) {
            Some(room @ 1..) => Ok(Self(format!("{}-{hash}", Self::of_branch(branch, room)?))),
            _ => Ok(Self(hash.to_owned())),
        }
    }

    /// Reads a slug that stands somewhere; `None` for what is no RFC 1123 label.
    pub fn parse(text: &str) -> Option<Self> {
        is_label(text).then(|| Self(text.to_owned()))
    }

    /// Returns the slug as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads how long a slug may get.
///
/// # Errors
/// `Invalid` for what no label can be.
pub fn read_max(max: Option<usize>) -> Result<usize, Fault> {
    match max {
        None => Ok(LENGTH),
        Some(max) if (1..=LABEL_MAX).contains(&max) => Ok(max),
        Some(max) => Err(
            Fault::invalid(format!("--max {max} is no length of a slug")).hint(format!(
                "an RFC 1123 label has 1 to {LABEL_MAX} characters; Argo CD cuts at {LENGTH}"
            )),
        ),
    }
}

/// Returns what Argo CD makes of a branch's name: lower case, `-` for every other run of characters, none at the ends,
/// and cut after a word. It can be empty, and can hold a `_`, which a fullwidth one becomes.
fn branch_slug(branch: &str, max: usize) -> String {
    let mut slug = String::new();
    for character in branch.trim().chars() {
        for letter in spelt(character).chars() {
            match letter {
                'a'..='z' | '0'..='9' | '_' => slug.push(letter),
                _ if slug.ends_with('-') => {}
                _ => slug.push('-'),
            }
        }
    }
    cut(slug.trim_matches(['-', '_']), max).to_owned()
}

/// Returns how a character is spelt in lower case; more than a-z, 0-9 and `_` of it becomes `-`.
fn spelt(character: char) -> &'static str {
    const ASCII: &str = "abcdefghijklmnopqrstuvwxyz0123456789";
    match character {
        '&' => "and",
        '@' => "at",
        '"' | '\'' | '’' => "",
        '‒' | '–' | '—' | '―' => "-",
        ascii if ascii.is_ascii() => {
            let at = ASCII.find(ascii.to_ascii_lowercase());
            at.map_or("-", |at| &ASCII[at..=at])
        }
        other => beyond_ascii(other),
    }
}

fn beyond_ascii(character: char) -> &'static str {
    let code = character as usize;
    let line = SPELLINGS.split('\n').nth(code >> 8);
    line.and_then(|line| line.split(' ').nth(code & 0xff))
        .unwrap_or_default()
}

/// Cuts a slug at the last `-` that leaves at most `max` characters; one long word is cut anywhere.
fn cut(slug: &str, max: usize) -> &str {
    if slug.len() <= max {
        return slug;
    }
    match slug[..=max].rfind('-') {
        Some(at) => &slug[..at],
        None => &slug[..max],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::fault::Kind;

    /// What gosimple/slug 1.15.0 says with `MaxLength = 50` and `CustomSub = {"_": "-"}`, as Argo CD 3.6 sets them.
    #[test]
    fn a_slug_is_the_one_that_argo_cd_makes() {
        let cases: Vec<(String, String)> =
            serde_json::from_str(include_str!("../../tests/data/slugs.json")).unwrap();
        assert!(cases.len() > 700);
        for (branch, slug) in cases {
            assert_eq!(branch_slug(&branch, LENGTH), slug, "{branch:?}");
        }
    }

    /// The hash is that of the same table, written from gosimple/unidecode 1.0.1.
    #[test]
    fn every_character_is_spelt_as_argo_cd_spells_it() {
        let hex = format!("{:x}", Sha256::digest(SPELLINGS.as_bytes()));
        assert_eq!(
            hex,
            "62d437236b66897b063aae8b9cf2ffacba11aa34904d2b20f4551e892a83f44d"
        );
    }

    #[test]
    fn what_is_no_label_is_refused_and_never_mended_silently() {
        for branch in ["", "🚀", "---", "_", "ａ＿ｂ"] {
            let fault = Slug::of_branch(branch, LENGTH).unwrap_err();
            assert_eq!(fault.kind, Kind::Invalid, "{branch}");
            assert!(fault.hint.is_some());
        }
        for text in ["", "-a", "a-", "A", "a_b", "a.b", &"a".repeat(64)] {
            assert_eq!(Slug::parse(text), None, "{text}");
        }
    }

    #[test]
    fn branches_of_one_slug_can_be_told_apart() {
        let slug = |branch, max| Slug::told_apart(branch, max).unwrap().to_string();
        assert_eq!(slug("feature/a", LENGTH), "feature-a-951d42d");
        assert_ne!(slug("feature/a", LENGTH), slug("feature_a", LENGTH));
        for max in 1..=LABEL_MAX {
            let slug = slug(
                "feature/a-very-long-name-of-a-branch-that-has-no-end-whatever-happens-to-it",
                max,
            );
            assert!(slug.len() <= max && is_label(&slug), "{max}: {slug}");
        }
    }

    #[test]
    fn a_slug_can_be_shorter_or_as_long_as_a_label() {
        assert_eq!(branch_slug("feature/abc", 9), "feature");
        assert_eq!(branch_slug("feature/abc", 11), "feature-abc");
        assert_eq!(branch_slug("feature", 3), "fea");
        assert!(read_max(Some(0)).is_err() && read_max(Some(64)).is_err());
        assert_eq!((read_max(None).unwrap(), read_max(Some(63)).unwrap()), (50, 63));
    }
}
