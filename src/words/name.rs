//! The names of apps, environments and branches.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use super::fault::Fault;
use super::wording::shown;

/// The most characters of a DNS label (RFC 1123).
pub const LABEL_MAX: usize = 63;
/// The most bytes of a branch's name that every forge and file system takes.
const BRANCH_MAX: usize = 244;

/// Makes a name type whose grammar is an RFC 1123 label.
macro_rules! label {
    ($(#[$doc:meta])* $name:ident, $noun:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Returns the name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = Fault;

            fn from_str(text: &str) -> Result<Self, Fault> {
                parse_label($noun, text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

label!(
    /// An app's name: an RFC 1123 label (a-z, 0-9 and `-`, at most 63 characters).
    AppName,
    "app"
);
label!(
    /// An environment's name: an RFC 1123 label.
    EnvName,
    "environment"
);
label!(
    /// A cluster's name: an RFC 1123 label.
    ClusterName,
    "cluster"
);

/// A branch's name, without `refs/heads/`, after the rules of git-check-ref-format(1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BranchName(String);

impl BranchName {
    /// Returns the name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the whole reference: `refs/heads/` and the name.
    pub fn reference(&self) -> String {
        format!("refs/heads/{}", self.0)
    }
}

impl FromStr for BranchName {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let name = text.strip_prefix("refs/heads/").unwrap_or(text);
        let wrong = |why: &str| Fault::invalid(format!("`{}` is not a branch name: {why}", shown(text)));
        if name.is_empty() {
            return Err(Fault::invalid("a branch name is empty"));
        }
        if name.starts_with("refs/") {
            return Err(wrong("it is another kind of reference").hint("a branch is `refs/heads/…`"));
        }
        if name == "HEAD" || name.starts_with('-') {
            return Err(wrong("git would take it for something else"));
        }
        match reference_error(name) {
            Some(why) => Err(wrong(why)),
            None => Ok(Self(name.to_owned())),
        }
    }
}

impl fmt::Display for BranchName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns what is wrong with a reference's name, after git-check-ref-format(1); `None` if nothing is.
pub fn reference_error(name: &str) -> Option<&'static str> {
    if name.is_empty() || name.len() > BRANCH_MAX {
        return Some("it is empty or longer than 244 bytes");
    }
    if name
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || "~^:?*[\\".contains(c))
    {
        return Some("spaces, control characters and any of `~^:?*[\\` may not stand in it");
    }
    if name.contains("..") || name.contains("@{") || name == "@" {
        return Some("`..`, `@{` and a lone `@` may not stand in it");
    }
    if name.ends_with('.') {
        return Some("it ends with a dot");
    }
    name.split('/').find_map(|part| {
        if part.is_empty() {
            Some("a part between `/` is empty")
        } else if part.starts_with('.') || part.to_ascii_lowercase().ends_with(".lock") {
            Some("a part starts with a dot or ends with `.lock`")
        } else {
            None
        }
    })
}

fn parse_label(noun: &str, text: &str) -> Result<String, Fault> {
    if is_label(text) {
        return Ok(text.to_owned());
    }
    let fault = if text.is_empty() {
        Fault::invalid(format!("the {noun} name is empty"))
    } else {
        Fault::invalid(format!("`{}` is not a valid {noun} name", shown(text)))
    };
    let rule = "a-z, 0-9 and `-`, at most 63 characters, with a letter or digit at both ends";
    let fix = fixed_label(text);
    Err(fault.hint(if fix.is_empty() {
        rule.to_owned()
    } else {
        format!("{rule}: `{fix}` would do")
    }))
}

/// Tells whether a text is an RFC 1123 label.
pub(super) fn is_label(text: &str) -> bool {
    (1..=LABEL_MAX).contains(&text.len())
        && text.bytes().all(is_label_byte)
        && !text.starts_with('-')
        && !text.ends_with('-')
}

/// Tells whether a byte may stand in an RFC 1123 label.
pub(super) fn is_label_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'
}

/// Returns the nearest label; empty when nothing is left.
fn fixed_label(text: &str) -> String {
    let mut fixed = String::new();
    for c in text.chars().take(4 * LABEL_MAX) {
        let c = c.to_ascii_lowercase();
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            fixed.push(c);
        } else if !fixed.is_empty() && !fixed.ends_with('-') {
            fixed.push('-');
        }
        if fixed.len() == LABEL_MAX {
            break;
        }
    }
    fixed.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_labels_and_a_wrong_one_comes_with_the_nearest_right_one() {
        for good in ["a", "my-app", "0", "a--b", &"x".repeat(63)] {
            assert_eq!(good.parse::<AppName>().unwrap().as_str(), good);
        }
        for (bad, fix) in [
            ("My_App", Some("my-app")),
            ("prod/eu", Some("prod-eu")),
            ("-a-", Some("a")),
            ("a\u{1b}[31m", Some("a-31m")),
            ("", None),
            ("*", None),
            ("é", None),
        ] {
            let hint = bad.parse::<EnvName>().unwrap_err().hint.unwrap();
            assert_eq!(
                fix.map(|fix| format!("`{fix}` would do")).as_deref(),
                hint.split(": ").nth(1),
                "{bad:?}"
            );
        }
        assert!("x".repeat(64).parse::<AppName>().is_err());
    }

    #[test]
    fn branch_names_follow_git() {
        for good in [
            "main",
            "promote/prod/app",
            "refs/heads/release-1.2",
            "a@b",
            "é",
            "feature/x.y",
        ] {
            good.parse::<BranchName>()
                .unwrap_or_else(|fault| panic!("{good}: {fault}"));
        }
        assert_eq!("refs/heads/main".parse::<BranchName>().unwrap().as_str(), "main");
        for bad in [
            "",
            "/",
            "a/",
            "/a",
            "a//b",
            ".a",
            "a/.b",
            "a..b",
            "a.lock",
            "a.lock/b",
            "a.",
            "@",
            "a@{b",
            "a b",
            "a~b",
            "a^b",
            "a:b",
            "a?b",
            "a*b",
            "a[b",
            "a\\b",
            "a\nb",
            "a\u{7f}b",
            "-a",
            "--upload-pack=x",
            "HEAD",
            "refs/tags/v1",
            "refs/heads/",
            &"x".repeat(245),
        ] {
            assert!(bad.parse::<BranchName>().is_err(), "{bad:?}");
        }
    }
}
