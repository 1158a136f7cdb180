//! Ranges of versions, as `--constraint` and a policy's `select` write them.
//!
//! Three spellings are read, and one that two of them read differently has one meaning here:
//!
//! | written | understood as | spelling of |
//! | --- | --- | --- |
//! | `~> 1.1` | `>= 1.1.0, < 2.0.0` | Ruby, Terraform |
//! | `~> 1.1.2` | `>= 1.1.2, < 1.2.0` | Ruby, Terraform |
//! | `~1.1`, `~1.1.2` | `< 1.2.0`, from `1.1.0` or `1.1.2` on | Helm, Cargo |
//! | `^1.2`, `^0.2.3`, `^0.0.3` | below `2.0.0`, `0.3.0`, `0.0.4` | Helm, Cargo |
//! | `1.2`, `1.2.x`, `1.2.*`, `= 1.2` | `>= 1.2.0, < 1.3.0` | Helm (Cargo reads a bare `1.2` as `^1.2`) |
//! | `> 1.2`, `<= 1.2` | `>= 1.3.0`, `< 1.3.0` | Helm, Cargo (Ruby and Terraform fill up with zeros) |
//! | `!= 1.2.3`, `!= 1.2` | any but it | Ruby, Terraform, Helm |
//! | `1.2 - 1.4.5` | `>= 1.2.0, <= 1.4.5` | Helm |
//! | `>= 1.0, < 2.0`, `>=1.0 <2.0` | both | all |
//! | `^1.2 \|\| ^3` | one of them | Helm |
//! | `*` | any | all |
//!
//! A pre-release is only taken where it is asked for, or where the constraint itself names one of the same three
//! numbers. `< 2.0`, whose last number is left out, never takes one of `2.0.0`.
//!
//! Sources: "Checking Version Constraints" of Masterminds/semver, which Helm uses; "Version Constraints" of Terraform's
//! docs; "Patterns: Specifying versions of your dependencies" of the guides of `RubyGems`; "Specifying Dependencies" of Cargo's.

use std::fmt;

use semver::{BuildMetadata, Prerelease, Version};

use super::fault::Fault;
use super::wording::shown;

/// The most characters of a constraint.
const LONGEST: usize = 256;

/// A range of versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Constraint {
    /// One of them must hold.
    alternatives: Vec<Range>,
}

/// Tests that must all hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Range {
    tests: Vec<Test>,
    /// The pre-releases that the constraint names.
    named: Vec<Version>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    AtLeast(Version),
    Above(Version),
    AtMost(Version),
    Below(Version),
    Exactly(Version),
    Not(Version),
    /// Below the first, or at least the second.
    Outside(Version, Version),
}

impl Constraint {
    /// Reads a constraint.
    ///
    /// # Errors
    /// `Invalid`, naming the part that cannot be read.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if text.len() > LONGEST {
            return Err(Fault::invalid(
                "a version constraint is longer than 256 characters",
            ));
        }
        if text.trim().is_empty() {
            return Err(wrong(text, "it is empty"));
        }
        let alternatives: Result<_, Fault> = text
            .split("||")
            .map(|part| Range::parse(part).map_err(|why| wrong(text, &why)))
            .collect();
        Ok(Self {
            alternatives: alternatives?,
        })
    }

    /// Tells whether a version lies in the range; `pre_releases` takes those that the constraint does not name too.
    pub fn takes(&self, version: &Version, pre_releases: bool) -> bool {
        self.alternatives
            .iter()
            .any(|range| range.takes(version, pre_releases))
    }
}

impl fmt::Display for Constraint {
    /// The range as it was understood: `>= 1.1.0, < 2.0.0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ranges: Vec<String> = self.alternatives.iter().map(Range::to_string).collect();
        f.write_str(&ranges.join(" or "))
    }
}

impl Range {
    fn parse(text: &str) -> Result<Self, String> {
        let mut range = Self::default();
        if let Some((from, to)) = text.split_once(" - ") {
            range.add(">=", &Parts::parse(from.trim())?)?;
            range.add("<=", &Parts::parse(to.trim())?)?;
            return Ok(range);
        }
        let mut rest = text.trim();
        if rest.is_empty() {
            return Err("a side of `||` is empty".to_owned());
        }
        while !rest.is_empty() {
            let word = rest.find(|c: char| !"=<>!~^".contains(c)).unwrap_or(rest.len());
            let (operator, after) = rest.split_at(word);
            let after = after.trim_start();
            let end = after
                .find(|c: char| c == ',' || c.is_whitespace() || "=<>!~^".contains(c))
                .unwrap_or(after.len());
            let (version, after) = after.split_at(end);
            if version.is_empty() {
                return Err(format!("no version follows `{}`", shown(operator)));
            }
            range.add(operator, &Parts::parse(version)?)?;
            let after = after.trim_start();
            rest = match after.strip_prefix(',') {
                Some(more) if more.trim().is_empty() => {
                    return Err("nothing follows its last comma".to_owned());
                }
                Some(more) => more.trim_start(),
                None => after,
            };
        }
        Ok(range)
    }

    /// Adds what an operator says of a version.
    fn add(&mut self, operator: &str, parts: &Parts) -> Result<(), String> {
        let from = parts.lowest();
        if !from.pre.is_empty() {
            self.named.push(from.clone());
        }
        let Some(next) = parts.next() else {
            return self.add_full(operator, from);
        };
        match (operator, next) {
            ("" | "=" | "==" | ">=" | "=>" | "<=" | "=<" | "~" | "~>" | "^", Next::Never) => {}
            (_, Next::Never) => return Err("no version lies beyond `*`".to_owned()),
            ("" | "=" | "==", Next::At(end)) => self.between(from, end),
            ("!=", Next::At(end)) => self.tests.push(Test::Outside(from, end)),
            (">", Next::At(end)) => self.tests.push(Test::AtLeast(without_pre(end))),
            (">=" | "=>", Next::At(_)) => self.tests.push(Test::AtLeast(from)),
            ("<", Next::At(_)) => self.tests.push(Test::Below(lowest_pre(from))),
            ("<=" | "=<", Next::At(end)) => self.tests.push(Test::Below(end)),
            ("~" | "~>" | "^", Next::At(_)) => {
                let end = parts.end_of(operator);
                self.between(from, end);
            }
            (other, _) => return Err(format!("`{}` is no operator", shown(other))),
        }
        Ok(())
    }

    /// Adds what an operator says of a version of three numbers.
    fn add_full(&mut self, operator: &str, version: Version) -> Result<(), String> {
        self.tests.push(match operator {
            "" | "=" | "==" => Test::Exactly(version),
            "!=" => Test::Not(version),
            ">" => Test::Above(version),
            ">=" | "=>" => Test::AtLeast(version),
            "<" => Test::Below(version),
            "<=" | "=<" => Test::AtMost(version),
            "~" | "~>" | "^" => {
                let end = Parts::of(&version).end_of(operator);
                self.between(version, end);
                return Ok(());
            }
            other => return Err(format!("`{}` is no operator", shown(other))),
        });
        Ok(())
    }

    fn between(&mut self, from: Version, end: Version) {
        self.tests.push(Test::AtLeast(from));
        self.tests.push(Test::Below(end));
    }

    fn takes(&self, version: &Version, pre_releases: bool) -> bool {
        let numbers = |version: &Version| (version.major, version.minor, version.patch);
        let named = || self.named.iter().any(|named| numbers(named) == numbers(version));
        (version.pre.is_empty() || pre_releases || named())
            && self.tests.iter().all(|test| test.holds(version))
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.tests.is_empty() {
            return f.write_str("any version");
        }
        let tests: Vec<String> = self.tests.iter().map(Test::to_string).collect();
        f.write_str(&tests.join(", "))
    }
}

impl Test {
    fn holds(&self, version: &Version) -> bool {
        let order = |other: &Version| version.cmp_precedence(other);
        match self {
            Self::AtLeast(bound) => order(bound).is_ge(),
            Self::Above(bound) => order(bound).is_gt(),
            Self::AtMost(bound) => order(bound).is_le(),
            Self::Below(bound) => order(bound).is_lt(),
            Self::Exactly(bound) => order(bound).is_eq(),
            Self::Not(bound) => order(bound).is_ne(),
            Self::Outside(from, end) => order(from).is_lt() || order(end).is_ge(),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(f, ">= {bound}"),
            Self::Above(bound) => write!(f, "> {bound}"),
            Self::AtMost(bound) => write!(f, "<= {bound}"),
            // That even its pre-releases lie beyond goes without saying.
            Self::Below(bound) => write!(f, "< {}", bound.to_string().trim_end_matches("-0")),
            Self::Exactly(bound) => write!(f, "= {bound}"),
            Self::Not(bound) => write!(f, "!= {bound}"),
            Self::Outside(from, end) => {
                let end = end.to_string();
                write!(f, "not (>= {from}, < {})", end.trim_end_matches("-0"))
            }
        }
    }
}

/// A version as a constraint writes it: one to three numbers, the rest left out or a wildcard.
struct Parts {
    numbers: Vec<u64>,
    pre: Prerelease,
}

/// What comes after all the versions that a partial one stands for.
enum Next {
    At(Version),
    Never,
}

impl Parts {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{}` is no version", shown(text));
        let bare = text.strip_prefix(['v', 'V']).unwrap_or(text);
        let bare = bare.split_once('+').map_or(bare, |(version, _)| version);
        let (numbers, pre) = bare
            .split_once('-')
            .map_or((bare, ""), |(numbers, pre)| (numbers, pre));
        let words: Vec<&str> = numbers.split('.').collect();
        let written: Vec<&str> = words
            .iter()
            .copied()
            .take_while(|word| !is_wildcard(word))
            .collect();
        let only_wildcards_follow = words[written.len()..].iter().all(|word| is_wildcard(word));
        if words.len() > 3
            || !only_wildcards_follow
            || (bare.contains('-') && (written.len() < 3 || pre.is_empty()))
        {
            return Err(wrong());
        }
        let numbers: Option<Vec<u64>> = written.iter().map(|word| number(word)).collect();
        Ok(Self {
            numbers: numbers.ok_or_else(wrong)?,
            pre: Prerelease::new(pre).map_err(|_| wrong())?,
        })
    }

    fn of(version: &Version) -> Self {
        Self {
            numbers: vec![version.major, version.minor, version.patch],
            pre: version.pre.clone(),
        }
    }

    /// The lowest version that it stands for.
    fn lowest(&self) -> Version {
        let number = |at| self.numbers.get(at).copied().unwrap_or(0);
        Version {
            major: number(0),
            minor: number(1),
            patch: number(2),
            pre: self.pre.clone(),
            build: BuildMetadata::EMPTY,
        }
    }

    /// What comes after the last version that it stands for; `None` where it stands for one only.
    fn next(&self) -> Option<Next> {
        match self.numbers.len() {
            0 => Some(Next::Never),
            3 => None,
            given => Some(Next::At(self.after(given - 1))),
        }
    }

    /// Where `~`, `~>` or `^` of it ends.
    fn end_of(&self, operator: &str) -> Version {
        let given = self.numbers.len();
        self.after(match operator {
            "^" => {
                let first = self.numbers.iter().position(|number| *number > 0);
                first.unwrap_or(given - 1)
            }
            "~>" => given.saturating_sub(2),
            _ => (given - 1).min(1),
        })
    }

    /// The version whose number at a position is one higher, with zeros behind, before its first pre-release.
    fn after(&self, position: usize) -> Version {
        let raised = |at: usize| match at.cmp(&position) {
            std::cmp::Ordering::Less => self.numbers[at],
            std::cmp::Ordering::Equal => self.numbers[at].saturating_add(1),
            std::cmp::Ordering::Greater => 0,
        };
        lowest_pre(Version::new(raised(0), raised(1), raised(2)))
    }
}

/// The lowest of a version's pre-releases, so that none of them lies below it.
fn lowest_pre(version: Version) -> Version {
    Version {
        pre: Prerelease::new("0").expect("a number is a pre-release"),
        ..version
    }
}

fn without_pre(version: Version) -> Version {
    Version {
        pre: Prerelease::EMPTY,
        ..version
    }
}

fn is_wildcard(word: &str) -> bool {
    matches!(word, "x" | "X" | "*")
}

fn number(word: &str) -> Option<u64> {
    let digits = !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| word.parse().ok()).flatten()
}

fn wrong(text: &str, why: &str) -> Fault {
    Fault::invalid(format!("`{}` is no version constraint: {why}", shown(text)))
        .hint("write it as `~> 1.1`, `^1.2`, `>= 1.0, < 2.0` or `1.2.x`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn understood(text: &str) -> String {
        Constraint::parse(text).unwrap().to_string()
    }

    #[test]
    fn a_constraint_is_understood_in_each_spelling() {
        for (written, said) in [
            ("~> 1.1", ">= 1.1.0, < 2.0.0"),
            ("~>1.1.2", ">= 1.1.2, < 1.2.0"),
            ("~> 1", ">= 1.0.0, < 2.0.0"),
            ("~1.1", ">= 1.1.0, < 1.2.0"),
            ("~1.1.2", ">= 1.1.2, < 1.2.0"),
            ("~1", ">= 1.0.0, < 2.0.0"),
            ("^1.2", ">= 1.2.0, < 2.0.0"),
            ("^1.2.3", ">= 1.2.3, < 2.0.0"),
            ("^0.2.3", ">= 0.2.3, < 0.3.0"),
            ("^0.0.3", ">= 0.0.3, < 0.0.4"),
            ("^0.0", ">= 0.0.0, < 0.1.0"),
            ("^0", ">= 0.0.0, < 1.0.0"),
            ("1.2", ">= 1.2.0, < 1.3.0"),
            ("v1.2.x", ">= 1.2.0, < 1.3.0"),
            ("1.*", ">= 1.0.0, < 2.0.0"),
            ("=1.2.3", "= 1.2.3"),
            ("1.2.3", "= 1.2.3"),
            ("> 1.2", ">= 1.3.0"),
            (">1.2.3", "> 1.2.3"),
            (">= 1.2", ">= 1.2.0"),
            ("< 1.2", "< 1.2.0"),
            ("<=1.2", "< 1.3.0"),
            ("<= 1.2.3", "<= 1.2.3"),
            ("!= 1.2.3", "!= 1.2.3"),
            ("!= 1.2", "not (>= 1.2.0, < 1.3.0)"),
            ("1.2 - 1.4.5", ">= 1.2.0, <= 1.4.5"),
            ("1.2 - 1.4", ">= 1.2.0, < 1.5.0"),
            (">= 1.0, < 2.0", ">= 1.0.0, < 2.0.0"),
            (">=1.0 <2.0", ">= 1.0.0, < 2.0.0"),
            (">1.0<2.0.1", ">= 1.1.0, < 2.0.1"),
            ("^1.2 || ^3", ">= 1.2.0, < 2.0.0 or >= 3.0.0, < 4.0.0"),
            ("*", "any version"),
            (">= 1.2.0-rc.1", ">= 1.2.0-rc.1"),
        ] {
            assert_eq!(understood(written), said, "{written}");
        }
    }

    #[test]
    fn what_is_no_constraint_is_said_to_be_none() {
        for (written, why) in [
            ("", "empty"),
            (" ", "empty"),
            ("latest", "`latest` is no version"),
            (">=", "no version follows `>=`"),
            ("<> 1.0", "`<>` is no operator"),
            ("1.2.3.4", "`1.2.3.4` is no version"),
            ("1.x.3", "`1.x.3` is no version"),
            ("1.2-rc.1", "`1.2-rc.1` is no version"),
            ("1.2.3-", "`1.2.3-` is no version"),
            (">= 1.0,", "nothing follows its last comma"),
            ("^1 ||", "a side of `||` is empty"),
            ("> *", "no version lies beyond"),
            ("99999999999999999999.0", "is no version"),
        ] {
            let fault = Constraint::parse(written).unwrap_err();
            assert!(fault.message.contains(why), "{written}: {fault}");
            assert!(fault.hint.is_some());
        }
        assert!(Constraint::parse(&"1".repeat(300)).is_err());
    }

    #[test]
    fn a_version_is_taken_where_the_range_has_it() {
        for (constraint, takes, refuses) in [
            ("~> 1.1", "1.1.0 1.9.9", "1.0.9 2.0.0 1.2.0-rc.1"),
            ("!= 1.2", "1.1.9 1.3.0", "1.2.0 1.2.9"),
            ("!= 1.2.3", "1.2.2 1.2.4", "1.2.3"),
            ("> 1.2", "1.3.0 2.0.0", "1.2.0 1.2.9"),
            ("<= 1.2", "1.2.9 0.1.0", "1.3.0"),
            ("^1.2 || ^3", "1.2.0 3.9.0", "2.0.0 4.0.0"),
            ("1.2.3", "1.2.3 1.2.3+build", "1.2.4"),
            (">= 1.2.0-rc.1", "1.2.0-rc.2 1.2.0 1.3.0", "1.2.0-beta 1.3.0-rc.1"),
        ] {
            let constraint = Constraint::parse(constraint).unwrap();
            for version in takes.split(' ') {
                assert!(
                    constraint.takes(&version.parse().unwrap(), false),
                    "{constraint}: {version}"
                );
            }
            for version in refuses.split(' ') {
                assert!(
                    !constraint.takes(&version.parse().unwrap(), false),
                    "{constraint}: {version}"
                );
            }
        }
    }

    #[test]
    fn pre_releases_that_are_asked_for_stay_below_the_end_of_the_range() {
        let takes = |constraint: &str, version: &str| {
            let constraint = Constraint::parse(constraint).unwrap();
            constraint.takes(&version.parse().unwrap(), true)
        };
        assert!(takes("~> 1.1", "1.2.0-rc.1"));
        assert!(!takes("~> 1.1", "2.0.0-rc.1"));
        assert!(!takes("< 2.0", "2.0.0-rc.1"));
        assert!(takes("< 2.0.0", "2.0.0-rc.1"));
        assert!(!takes("> 1.2", "1.3.0-rc.1"));
    }
}
