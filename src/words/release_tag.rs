//! Tags that name a version: `v1.2.3`, `api-v1.2.3`, `api/v2.0.0-rc.1`.

use std::fmt;

use semver::{BuildMetadata, Prerelease, Version};

use super::conventional::Level;
use super::fault::Fault;
use super::wording::shown;

/// The most bytes of a tag's name that are read as one of ours.
const LONGEST: usize = 200;

/// What stands before the version in a tag's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// Reads a prefix, which may be empty.
    ///
    /// # Errors
    /// `Invalid` where no tag could begin with it.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.len() <= LONGEST / 2 && is_ref_name(&format!("{text}1.0.0")) {
            return Ok(Self(text.to_owned()));
        }
        Err(Fault::invalid(format!("no tag can begin with `{}`", shown(text)))
            .hint("give --tag-prefix a text such as v, api-v or api/v"))
    }

    /// Returns the prefixes that are looked for where none is named.
    pub fn usual() -> [Self; 2] {
        [Self("v".to_owned()), Self(String::new())]
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A pre-release channel, such as `rc`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel(String);

impl Channel {
    /// Reads a channel's name.
    ///
    /// # Errors
    /// `Invalid` for what cannot be the first word of a pre-release (Semantic Versioning, rule 9).
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.len() <= 32
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        if is_word {
            return Ok(Self(text.to_owned()));
        }
        Err(Fault::invalid(format!("`{}` is no channel", shown(text)))
            .hint("give --channel a word such as rc, beta or alpha"))
    }

    /// Returns the number of a version that is one of this channel.
    pub fn number(&self, version: &Version) -> Option<u64> {
        let (word, number) = version.pre.as_str().rsplit_once('.')?;
        (word == self.0).then(|| number.parse().ok())?
    }

    /// Returns the version of this channel that leads to `core`.
    ///
    /// # Panics
    /// Never: a channel's grammar is that of a pre-release's word.
    pub fn version(&self, core: &Version, number: u64) -> Version {
        let pre = format!("{}.{number}", self.0);
        Version {
            pre: Prerelease::new(&pre).expect("a channel is the word of a pre-release"),
            ..core.clone()
        }
    }
}

/// A tag that names a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseTag {
    /// What stands before the version.
    pub prefix: Prefix,
    /// The version.
    pub version: Version,
}

impl ReleaseTag {
    /// Reads a tag's name with a prefix; `None` for one that has another, or no whole version behind it.
    pub fn parse(name: &str, prefix: &Prefix) -> Option<Self> {
        let version = name.strip_prefix(prefix.as_str())?;
        if name.len() > LONGEST {
            return None;
        }
        Some(Self {
            prefix: prefix.clone(),
            version: Version::parse(version).ok()?,
        })
    }
}

impl fmt::Display for ReleaseTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.prefix.0, self.version)
    }
}

/// Reads a version by Semantic Versioning.
///
/// # Errors
/// `Invalid` for another text.
pub fn parse_version(flag: &str, text: &str) -> Result<Version, Fault> {
    let read = (text.len() <= LONGEST).then(|| Version::parse(text));
    match read {
        Some(Ok(version)) => Ok(version),
        _ => Err(
            Fault::invalid(format!("`{}` is no version, for {flag}", shown(text)))
                .hint("write it MAJOR.MINOR.PATCH, such as 1.4.0 or 1.4.0-rc.1 (https://semver.org)"),
        ),
    }
}

/// Returns a version without pre-release and build.
pub fn core(version: &Version) -> Version {
    Version::new(version.major, version.minor, version.patch)
}

/// Counts a released version up; `None` where a number has no next one.
pub fn counted_up(version: &Version, level: Level) -> Option<Version> {
    let mut next = core(version);
    match level {
        Level::Major => (next.major, next.minor, next.patch) = (next.major.checked_add(1)?, 0, 0),
        Level::Minor => (next.minor, next.patch) = (next.minor.checked_add(1)?, 0),
        Level::Patch => next.patch = next.patch.checked_add(1)?,
        Level::None => {
            next.pre = version.pre.clone();
            next.build = BuildMetadata::EMPTY;
        }
    }
    Some(next)
}

/// Whether a tag can have this name (git-check-ref-format(1)).
pub fn is_ref_name(name: &str) -> bool {
    let odd = |c: char| {
        c.is_control() || matches!(c, ' ' | '~' | '^' | ':' | '?' | '*' | '[' | '\\') || c.len_utf8() > 1
    };
    !name.is_empty()
        && !name.contains(odd)
        && !name.contains("..")
        && !name.contains("@{")
        && !name.starts_with('-')
        && !name.ends_with('.')
        && name != "@"
        && name.split('/').all(|part| {
            let is_lock = part.len() >= 5 && part[part.len() - 5..].eq_ignore_ascii_case(".lock");
            !part.is_empty() && !part.starts_with('.') && !is_lock
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Version {
        Version::parse(text).unwrap()
    }

    #[test]
    fn a_tag_names_a_version_behind_its_prefix() {
        for (name, prefix, read) in [
            ("v1.2.3", "v", Some("1.2.3")),
            ("1.2.3", "", Some("1.2.3")),
            ("api-v1.2.3-rc.1", "api-v", Some("1.2.3-rc.1")),
            ("api/v1.2.3", "api/v", Some("1.2.3")),
            ("api-v1.2.3", "v", None),
            ("v1.2.3", "", None),
            ("v1", "v", None),
            ("v1.2", "v", None),
            ("v01.2.3", "v", None),
            ("v1.2.3-", "v", None),
        ] {
            let prefix = Prefix::parse(prefix).unwrap();
            let tag = ReleaseTag::parse(name, &prefix);
            assert_eq!(
                tag.as_ref().map(|tag| tag.version.to_string()).as_deref(),
                read,
                "{name}"
            );
            if let Some(tag) = tag {
                assert_eq!(tag.to_string(), name);
            }
        }
    }

    #[test]
    fn a_prefix_that_no_tag_can_have_is_refused() {
        for good in ["", "v", "api-v", "api/v", "team/api/v", "@acme/web@"] {
            assert!(Prefix::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "-v", "/v", "a//v", "a b", "a..b", "a~", "v\n", "a:b", ".v", "x.lock/v", "a\\b", "ä",
        ] {
            assert!(Prefix::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_channel_counts() {
        let rc = Channel::parse("rc").unwrap();
        assert_eq!(rc.number(&version("1.3.0-rc.10")), Some(10));
        for other in ["1.3.0", "1.3.0-rc", "1.3.0-beta.1", "1.3.0-rc.x", "1.3.0-rc.1.2"] {
            assert_eq!(rc.number(&version(other)), None, "{other}");
        }
        assert_eq!(rc.version(&version("1.3.0"), 2).to_string(), "1.3.0-rc.2");
        for bad in ["", "1", "rc.1", "r c", "-rc", "räc"] {
            assert!(Channel::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_version_counts_up() {
        for (from, level, to) in [
            ("1.2.3", Level::Major, "2.0.0"),
            ("1.2.3", Level::Minor, "1.3.0"),
            ("1.2.3", Level::Patch, "1.2.4"),
            ("1.2.3+7", Level::None, "1.2.3"),
        ] {
            assert_eq!(counted_up(&version(from), level), Some(version(to)));
        }
        assert_eq!(
            counted_up(&version("1.2.18446744073709551615"), Level::Patch),
            None
        );
    }
}
