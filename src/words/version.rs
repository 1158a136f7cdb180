//! Versions, for the order guard: which of two values is the newer one.
//!
//! | text | read as |
//! | --- | --- |
//! | `1.2.3`, `v1.2.3` | a version; the `v` says nothing |
//! | `1.2`, `v1.2`, `1.2.3.4` | a version of two or four numbers; two versions are compared as far as both go |
//! | `v2` | only beside another `v` and one number |
//! | `1.2.3-rc.1`, `-beta2`, `-SNAPSHOT` | a pre-release: older than `1.2.3`, in Semantic Versioning's order |
//! | `1.25.3-debian-12-r4`, `-alpine`, `-2` | a variant: among equal words the numbers decide; beside another variant, a pre-release or none there is no order |
//! | `1.2.3-5-g0a1b2c3` | git describe: five commits after `1.2.3` |
//! | `1.2.3+7` | build metadata is ignored |
//! | `release-1.2.3`, `app-v1.2.3` | only beside the same word before the number |
//! | `2024.05.01`, `2024.5` | a date; only beside another date |
//! | `latest`, `main-abc`, `sha-0a1b2c3`, `1234567`, `42`, `20240501` | no version |
//!
//! Numbers inside a word count as numbers where only they differ, so `rc10` is newer than `rc9`.
//! A hash has no order: only an equal one is equal. Differing main numbers decide before any suffix does.

use std::cmp::Ordering;

/// The most characters of a value that is read as a version.
const LONGEST: usize = 128;

/// The words that start a pre-release; any other suffix names a variant of the same version.
const PRE_RELEASE: [&str; 18] = [
    "a",
    "alpha",
    "b",
    "beta",
    "c",
    "canary",
    "cr",
    "dev",
    "ea",
    "m",
    "milestone",
    "next",
    "nightly",
    "pre",
    "preview",
    "rc",
    "snapshot",
    "unstable",
];

/// A value that reads as a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// What stands before the number, without the last hyphen and the `v`.
    word: String,
    numbers: Vec<u64>,
    /// What follows the first hyphen, without git describe's ending.
    suffix: String,
    /// Git describe's count of commits since.
    commits_since: u64,
}

impl Version {
    /// Reads a value after the table of this module; `None` where it says "no version".
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST || !text.is_ascii() {
            return None;
        }
        let (word, rest) = split_word(text)?;
        let (unprefixed, has_v) = match rest.strip_prefix(['v', 'V']) {
            Some(unprefixed) => (unprefixed, true),
            None => (rest, false),
        };
        let without_build = unprefixed
            .split_once('+')
            .map_or(unprefixed, |(version, _)| version);
        let (numbers, suffix) = match without_build.split_once('-') {
            Some((_, "")) => return None,
            Some((numbers, suffix)) => (numbers, suffix),
            None => (without_build, ""),
        };
        let numbers = read_numbers(numbers)?;
        let bare_number = numbers.len() == 1 && !(has_v && word.is_empty());
        if bare_number
            || !suffix
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
        {
            return None;
        }
        let (suffix, commits_since) = split_describe(suffix);
        Some(Self {
            word: word.to_ascii_lowercase(),
            numbers,
            suffix: suffix.to_owned(),
            commits_since,
        })
    }

    /// Returns the order of two versions; `None` where there is none.
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        let single = |version: &Self| version.numbers.len() == 1;
        if self.word != other.word || self.is_date() != other.is_date() || single(self) != single(other) {
            return None;
        }
        for (a, b) in self.numbers.iter().zip(&other.numbers) {
            if a != b {
                return Some(a.cmp(b));
            }
        }
        if self.numbers.len() != other.numbers.len() {
            return None;
        }
        let order = order_suffixes(&self.suffix, &other.suffix)?;
        Some(order.then(self.commits_since.cmp(&other.commits_since)))
    }

    /// Tells whether the first number is a year.
    fn is_date(&self) -> bool {
        self.numbers
            .first()
            .is_some_and(|year| (1900..=2999).contains(year))
    }
}

/// Returns how `old` stands to `new`: `Less` if `new` is the newer one, `Equal` if neither is, `None` if
/// one is no version or the two have no order.
pub fn compare(old: &str, new: &str) -> Option<Ordering> {
    Version::parse(old)?.order(&Version::parse(new)?)
}

/// Splits the word before the number off: `app-v1.2` is `app` and `v1.2`.
fn split_word(text: &str) -> Option<(&str, &str)> {
    if starts_version(text) {
        return Some(("", text));
    }
    text.match_indices(['-', '_']).find_map(|(at, _)| {
        let (word, rest) = (&text[..at], &text[at + 1..]);
        let named = word.starts_with(|c: char| c.is_ascii_alphabetic());
        (named && starts_version(rest) && !hides_a_hash(word)).then_some((word, rest))
    })
}

/// Tells whether text starts with `v?` and a number; after a word, [`Version::parse`] asks for two.
fn starts_version(text: &str) -> bool {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && matches!(text.as_bytes().get(digits), None | Some(b'.' | b'-' | b'+'))
}

fn read_numbers(text: &str) -> Option<Vec<u64>> {
    let parts: Vec<&str> = text.split('.').collect();
    let year = parts.first()?.len() == 4;
    if parts.len() > 4 || (parts.len() == 1 && text.len() > 4) {
        return None;
    }
    parts
        .into_iter()
        .map(|part| {
            let padded = part.len() > 1 && part.starts_with('0');
            let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            (digits && (year || !padded)).then(|| part.parse().ok()).flatten()
        })
        .collect()
}

/// Splits git describe's `-N-g<hash>` off a suffix.
fn split_describe(suffix: &str) -> (&str, u64) {
    let split = || {
        let (rest, hash) = suffix.rsplit_once("-g")?;
        let (before, count) = rest.rsplit_once('-').unwrap_or(("", rest));
        let described = (4..=64).contains(&hash.len()) && hash.bytes().all(|b| b.is_ascii_hexdigit());
        let count = count
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| count.parse().ok())??;
        described.then_some((before, count))
    };
    split().unwrap_or((suffix, 0))
}

/// A suffix's pieces: a word, or a run of digits.
#[derive(PartialEq)]
enum Piece<'a> {
    Word(&'a str),
    Digits(&'a str),
}

/// Orders what follows two equal rows of numbers.
fn order_suffixes(a: &str, b: &str) -> Option<Ordering> {
    if a.eq_ignore_ascii_case(b) {
        return Some(Ordering::Equal);
    }
    if let Some(order) = order_by_numbers(a, b) {
        return Some(order);
    }
    let pre_release = |suffix: &str| {
        let word: String = suffix
            .chars()
            .take_while(char::is_ascii_alphabetic)
            .collect::<String>()
            .to_ascii_lowercase();
        suffix.is_empty() || PRE_RELEASE.contains(&word.as_str())
    };
    if !pre_release(a) || !pre_release(b) {
        return None;
    }
    let read = |suffix: &str| semver::Prerelease::new(&suffix.to_ascii_lowercase()).ok();
    Some(read(a)?.cmp(&read(b)?))
}

/// Orders two suffixes that differ only in their numbers.
fn order_by_numbers(a: &str, b: &str) -> Option<Ordering> {
    let (a, b) = (pieces(a), pieces(b));
    if a.len() != b.len() {
        return None;
    }
    let mut order = Ordering::Equal;
    for pair in a.into_iter().zip(b) {
        match pair {
            (Piece::Word(a), Piece::Word(b)) if a.eq_ignore_ascii_case(b) => {}
            (Piece::Digits(a), Piece::Digits(b)) => order = order.then_with(|| order_digits(a, b)),
            _ => return None,
        }
    }
    Some(order)
}

/// Orders two numbers of any length.
fn order_digits(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// Cuts a suffix into words, separators and numbers; a hash stays one word.
fn pieces(suffix: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    for token in suffix.split_inclusive(['.', '-', '_']) {
        if is_hash(token.trim_end_matches(['.', '-', '_'])) {
            pieces.push(Piece::Word(token));
            continue;
        }
        let mut rest = token;
        while let Some(first) = rest.chars().next() {
            let digits = first.is_ascii_digit();
            let end = rest
                .find(|c: char| c.is_ascii_digit() != digits)
                .unwrap_or(rest.len());
            let (piece, after) = rest.split_at(end);
            pieces.push(if digits {
                Piece::Digits(piece)
            } else {
                Piece::Word(piece)
            });
            rest = after;
        }
    }
    pieces
}

/// Tells whether a token is a commit's hash: seven or more hex digits with a letter among them, or exactly
/// seven digits (a short hash can be all digits; dates have eight).
fn is_hash(token: &str) -> bool {
    let hex = token.strip_prefix('g').unwrap_or(token);
    hex.len() >= 7
        && hex.bytes().all(|b| b.is_ascii_hexdigit())
        && (hex.len() == 7 || hex.bytes().any(|b| b.is_ascii_alphabetic()))
}

fn hides_a_hash(word: &str) -> bool {
    word.split(['.', '-', '_']).any(is_hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_table_calls_a_version_is_one() {
        for version in [
            "1.2.3",
            "v1.2.3",
            "1.2",
            "v1.2",
            "1.2.3.4",
            "v2",
            "1.2.3-rc.1",
            "1.2.3-beta2",
            "1.2.3-SNAPSHOT",
            "1.25.3-debian-12-r4",
            "1.25.3-alpine",
            "1.2.3-2",
            "1.2.3-5-g0a1b2c3",
            "1.2.3+7",
            "release-1.2.3",
            "app-v1.2.3",
            "2024.05.01",
            "2024.5",
        ] {
            assert!(Version::parse(version).is_some(), "{version}");
        }
        for other in [
            "latest",
            "main-abc",
            "main-1234567",
            "sha-0a1b2c3",
            "sha-1234567",
            "1234567",
            "42",
            "20240501",
            "20240501-abc",
            "0192118",
            "72225e2",
            "",
            "v",
            "1.",
            ".1",
            "1..2",
            "01.2.3",
            "1.2.3-",
            "1.2.3-a b",
            "1.2.3.4.5",
            "99999999999999999999.1.1",
            "é1.2.3",
            "1.2.3\n",
            "abc1234-1.2",
            "main-42",
        ] {
            assert!(Version::parse(other).is_none(), "{other}");
        }
    }

    #[test]
    fn a_newer_version_is_known_as_newer() {
        for (old, new) in [
            ("1.2.3", "1.2.4"),
            ("1.9.0", "1.10.0"),
            ("v1.2.3", "1.2.4"),
            ("1.2.3-rc.1", "1.2.3"),
            ("1.2.3-alpha", "1.2.3-alpha.1"),
            ("1.2.3-alpha.1", "1.2.3-beta"),
            ("1.2.3-beta.2", "1.2.3-beta.11"),
            ("1.2.3-rc9", "1.2.3-rc10"),
            ("1.2.3-SNAPSHOT", "1.2.3"),
            ("1.25.3-debian-12-r4", "1.25.3-debian-12-r10"),
            ("1.25.3-debian-11-r90", "1.25.3-debian-12-r1"),
            ("1.25.3-alpine", "1.25.4-alpine"),
            ("1.25.3", "1.26.0-alpine"),
            ("1.2", "1.3.5"),
            ("v2", "v3"),
            ("1.2.3", "1.2.3-5-g0a1b2c3"),
            ("1.2.3-5-g0a1b2c3", "1.2.3-12-gfffffff"),
            ("1.2.3-12-gfffffff", "1.2.4"),
            ("1.2.3-rc.1", "1.2.3-rc.1-4-g0a1b2c3"),
            ("release-1.2.3", "release-1.3.0"),
            ("2024.05.01", "2024.05.10"),
            ("1.0.0-20240101", "1.0.0-20240102"),
        ] {
            assert_eq!(compare(old, new), Some(Ordering::Less), "{old} {new}");
            assert_eq!(compare(new, old), Some(Ordering::Greater), "{new} {old}");
        }
    }

    #[test]
    fn equal_in_order_is_not_stale() {
        for (old, new) in [
            ("1.2.3", "v1.2.3"),
            ("1.2.3+1", "1.2.3+2"),
            ("1.2.3-rc.1", "1.2.3-RC.1"),
        ] {
            assert_eq!(compare(old, new), Some(Ordering::Equal), "{old} {new}");
        }
    }

    #[test]
    fn values_that_do_not_read_alike_have_no_order() {
        for (old, new) in [
            ("1.2.3", "1234567"),
            ("1.2.3", "latest"),
            ("1.2.3", "2024.05.01"),
            ("1.2.3", "release-1.2.4"),
            ("app-1.2.3", "web-1.2.4"),
            ("1.25.3", "1.25.3-alpine"),
            ("1.25.3-alpine", "1.25.3-debian-12-r4"),
            ("1.2.3-0a1b2c3", "1.2.3-9a8b7c6"),
            ("1.2.3-1234567", "1.2.3-7654321"),
            ("1.2", "1.2.5"),
            ("v42", "1.2.3"),
        ] {
            assert_eq!(compare(old, new), None, "{old} {new}");
            assert_eq!(compare(new, old), None, "{new} {old}");
        }
    }
}
