//! Which of a registry's tags an environment should run, and why each of the others should not.

use std::cmp::Ordering;

use jiff::Timestamp;
use regex::Regex;
use semver::Version;

use crate::words::constraint::Constraint;
use crate::words::wording::shown;

/// How tags are told apart, and which of them count.
#[derive(Clone, Debug)]
pub struct Selection {
    /// What makes one tag win.
    pub order: Order,
    /// What a tag must match to count; all count where it is missing.
    pub allow: Option<Regex>,
    /// The part of a tag that is compared: the first group, or all that matches.
    pub extract: Option<Regex>,
    /// Whether pre-releases count that the constraint does not name.
    pub pre_releases: bool,
}

/// What makes one tag win over another.
#[derive(Clone, Debug)]
pub enum Order {
    /// The highest version in a range.
    Version(Constraint),
    /// The image that was built last.
    Newest,
    /// The highest number.
    Number,
    /// The last one in the order of its bytes.
    Text,
}

/// A tag that a registry has.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The tag.
    pub tag: String,
    /// When its image was built, where that was asked for and is known.
    pub built: Option<Timestamp>,
}

/// What was chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// The tag that won; `None` where none counts.
    pub tag: Option<String>,
    /// Each other tag, and why it lost, in the order in which they were given.
    pub lost: Vec<(String, String)>,
}

/// What a tag is compared by.
#[derive(PartialEq, Eq)]
enum Rank {
    Version(Version),
    Built(Timestamp),
    /// The digits without leading zeros: a number of any length.
    Number(String),
    Text(String),
}

impl Selection {
    /// Tells whether a tag counts as far as its text says; `Err` is why it does not.
    ///
    /// What is built when is only worth asking for those that do.
    ///
    /// # Errors
    /// Why the tag loses, in words.
    pub fn counts(&self, tag: &str) -> Result<(), String> {
        match self.order {
            Order::Newest => self.compared(tag).map(|_| ()),
            _ => self.rank(tag, None).map(|_| ()),
        }
    }

    /// Chooses a tag.
    pub fn choose(&self, candidates: &[Candidate]) -> Choice {
        let ranks: Vec<Result<Rank, String>> = candidates
            .iter()
            .map(|candidate| self.rank(&candidate.tag, candidate.built))
            .collect();
        let winner = (0..candidates.len())
            .filter(|at| ranks[*at].is_ok())
            .reduce(|best, at| {
                let order = compare(&ranks[best], &ranks[at]);
                let tie = || candidates[best].tag.cmp(&candidates[at].tag);
                if order.then_with(tie).is_lt() { at } else { best }
            });
        let won = winner.map(|at| candidates[at].tag.clone());
        let lost = candidates.iter().zip(&ranks).enumerate();
        let lost = lost
            .filter(|(at, _)| Some(*at) != winner)
            .map(|(_, (candidate, rank))| {
                let why = match (rank, &won) {
                    (Err(why), _) => why.clone(),
                    (Ok(_), Some(won)) => format!("{} `{}`", self.behind(), shown(won)),
                    (Ok(_), None) => unreachable!("a tag that counts would have won"),
                };
                (candidate.tag.clone(), why)
            });
        Choice {
            lost: lost.collect(),
            tag: won,
        }
    }

    fn behind(&self) -> &'static str {
        match self.order {
            Order::Version(_) | Order::Number => "not higher than",
            Order::Newest => "not built after",
            Order::Text => "not after",
        }
    }

    /// The part of a tag that is compared.
    fn compared<'t>(&self, tag: &'t str) -> Result<&'t str, String> {
        if let Some(allow) = &self.allow
            && !allow.is_match(tag)
        {
            return Err(format!("does not match `{}`", shown(allow.as_str())));
        }
        let Some(extract) = &self.extract else {
            return Ok(tag);
        };
        extract
            .captures(tag)
            .and_then(|found| found.get(1).or_else(|| found.get(0)))
            .map(|found| found.as_str())
            .ok_or_else(|| format!("holds nothing that matches `{}`", shown(extract.as_str())))
    }

    fn rank(&self, tag: &str, built: Option<Timestamp>) -> Result<Rank, String> {
        let text = self.compared(tag)?;
        match &self.order {
            Order::Version(constraint) => {
                let version = version_of(text).ok_or("is no version of three numbers")?;
                if constraint.takes(&version, self.pre_releases) {
                    return Ok(Rank::Version(version));
                }
                Err(if constraint.takes(&version, true) {
                    "is a pre-release".to_owned()
                } else {
                    format!("is not in {constraint}")
                })
            }
            Order::Newest => match built {
                // What reproducible builds write for "no time", by SOURCE_DATE_EPOCH and by the oldest date of zip.
                Some(built) if built.as_second() > 315_619_200 => Ok(Rank::Built(built)),
                Some(built) => Err(format!("does not tell when it was built ({built})")),
                None => Err("does not tell when it was built".to_owned()),
            },
            Order::Number => {
                let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                digits
                    .then(|| Rank::Number(text.trim_start_matches('0').to_owned()))
                    .ok_or_else(|| "is no number".to_owned())
            }
            Order::Text => Ok(Rank::Text(text.to_owned())),
        }
    }
}

/// Reads a tag as a version of three numbers. A `v` before it says nothing; Helm writes `_` for the `+` that no tag may
/// hold.
fn version_of(text: &str) -> Option<Version> {
    let bare = text.strip_prefix(['v', 'V']).unwrap_or(text);
    Version::parse(&bare.replacen('_', "+", 1)).ok()
}

fn compare(a: &Result<Rank, String>, b: &Result<Rank, String>) -> Ordering {
    match (a, b) {
        (Ok(Rank::Version(a)), Ok(Rank::Version(b))) => a.cmp(b),
        (Ok(Rank::Built(a)), Ok(Rank::Built(b))) => a.cmp(b),
        (Ok(Rank::Number(a)), Ok(Rank::Number(b))) => a.len().cmp(&b.len()).then_with(|| a.cmp(b)),
        (Ok(Rank::Text(a)), Ok(Rank::Text(b))) => a.cmp(b),
        _ => Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(order: Order) -> Selection {
        Selection {
            order,
            allow: None,
            extract: None,
            pre_releases: false,
        }
    }

    fn within(constraint: &str) -> Selection {
        selection(Order::Version(Constraint::parse(constraint).unwrap()))
    }

    fn tags(tags: &str) -> Vec<Candidate> {
        let each = tags.split(' ').map(|tag| Candidate {
            tag: tag.to_owned(),
            built: None,
        });
        each.collect()
    }

    fn chosen(selection: &Selection, of: &str) -> String {
        selection.choose(&tags(of)).tag.unwrap_or_default()
    }

    #[test]
    fn the_highest_version_in_the_range_wins_and_no_pre_release() {
        let found = "latest 1.0.9 1.1.0 v1.10.0 1.9.0 2.0.0 1.11.0-rc.1 1.2 main-0a1b2c3";
        assert_eq!(chosen(&within("~> 1.1"), found), "v1.10.0");
        let mut asked = within("~> 1.1");
        asked.pre_releases = true;
        assert_eq!(chosen(&asked, found), "1.11.0-rc.1");
        assert_eq!(chosen(&within("^3"), found), "");
        assert_eq!(chosen(&within("*"), "1.0.0_2 1.0.0_10"), "1.0.0_10");
    }

    #[test]
    fn numbers_of_any_length_are_compared_as_numbers() {
        let numeric = selection(Order::Number);
        assert_eq!(
            chosen(&numeric, "9 10 008 x 20261120093000000000001"),
            "20261120093000000000001"
        );
        let mut extracting = selection(Order::Number);
        extracting.extract = Some(Regex::new(r"^main-[0-9a-f]+-(\d+)$").unwrap());
        assert_eq!(
            chosen(&extracting, "main-ff-9 main-00-10 dev-00-11 12"),
            "main-00-10"
        );
    }

    #[test]
    fn text_is_compared_by_its_bytes() {
        assert_eq!(
            chosen(&selection(Order::Text), "2026-11-02 2026-11-19 2026-09-30"),
            "2026-11-19"
        );
    }

    #[test]
    fn the_newest_build_wins_and_one_without_a_time_does_not_count() {
        let at = |tag: &str, built: Option<&str>| Candidate {
            tag: tag.to_owned(),
            built: built.map(|time| time.parse().unwrap()),
        };
        let choice = selection(Order::Newest).choose(&[
            at("b", Some("2026-11-20T10:00:00Z")),
            at("a", Some("2026-11-20T09:00:00Z")),
            at("reproducible", Some("1970-01-01T00:00:00Z")),
            at("zip", Some("1980-01-01T00:00:01Z")),
            at("unknown", None),
        ]);
        assert_eq!(choice.tag.as_deref(), Some("b"));
        assert_eq!(choice.lost[0], ("a".to_owned(), "not built after `b`".to_owned()));
        assert!(
            choice.lost[1..]
                .iter()
                .all(|(_, why)| why.contains("does not tell when it was built"))
        );
    }

    #[test]
    fn each_loser_is_told_why() {
        let mut selection = within("~> 1.1");
        selection.allow = Some(Regex::new("^[0-9]").unwrap());
        let choice = selection.choose(&tags("latest 1.1.0 1.2.0 1.3.0-rc.1 2.0.0 7"));
        assert_eq!(choice.tag.as_deref(), Some("1.2.0"));
        let lost: Vec<String> = choice
            .lost
            .iter()
            .map(|(tag, why)| format!("{tag}: {why}"))
            .collect();
        assert_eq!(
            lost,
            [
                "latest: does not match `^[0-9]`",
                "1.1.0: not higher than `1.2.0`",
                "1.3.0-rc.1: is a pre-release",
                "2.0.0: is not in >= 1.1.0, < 2.0.0",
                "7: is no version of three numbers",
            ]
        );
        for (tag, why) in &choice.lost[2..] {
            assert_eq!(selection.counts(tag).as_ref(), Err(why), "the text alone tells");
        }
    }

    #[test]
    fn equal_versions_are_told_apart_by_their_spelling_always_alike() {
        let any = within("*");
        assert_eq!(chosen(&any, "1.2.3 v1.2.3"), "v1.2.3");
        assert_eq!(chosen(&any, "v1.2.3 1.2.3"), "v1.2.3");
    }
}
