//! Which of a registry's tags count, the best first, and why each of the others does not.

use std::cmp::Reverse;
use std::fmt;

use jiff::Timestamp;
use regex::Regex;
use semver::Version;

use crate::words::platform::Platform;
use crate::words::select::{Order, Select};
use crate::words::wording::shown;

/// What reproducible builds write for "no time": the start of Unix time, or that of a zip file's.
const NO_TIME_UNTIL: i64 = 315_619_200;
/// The fewest hex digits of a tag that speaks of another image by its digest.
const DIGEST_LEAST: usize = 64;

/// A tag that a registry has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The tag.
    pub tag: String,
    /// When its image was built, where that was asked for and is known.
    pub built: Option<Timestamp>,
}

/// A tag that lost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loser {
    /// The tag.
    pub tag: String,
    /// When its image was built, where that is known.
    pub built: Option<Timestamp>,
    /// Why it lost.
    pub why: Why,
}

/// Why a tag lost, the nearest to winning first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// It counts, and another one won.
    Behind(&'static str, String),
    /// Its image does not run on what is wanted.
    Platform(Platform),
    /// The registry lists it, and has nothing behind it.
    Gone,
    /// What is behind it cannot be read.
    Unreadable(String),
    /// It leads to another image than the tag that is followed.
    OtherImage,
    /// Its image does not tell when it was built.
    NoTime(Option<Timestamp>),
    /// It is a pre-release, and else in the range.
    PreRelease,
    /// It is a version outside of the range.
    Outside(String),
    /// It is no version.
    NoVersion,
    /// It is no number.
    NoNumber,
    /// It is the one that is followed.
    Followed,
    /// It holds nothing that is to be compared.
    NoExtract(String),
    /// It matches what is ignored.
    Ignored(String),
    /// It does not match what is allowed.
    NotAllowed(String),
    /// It speaks of another image by its digest: it is a signature, or a list of them.
    Attached,
}

/// Tags in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranked {
    /// Those that count, the best first.
    pub best: Vec<Candidate>,
    /// Those that do not, the nearest first.
    pub lost: Vec<Loser>,
}

/// What a tag is compared by. One of text loses to a version, where both can be.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Text(Natural),
    Bytes(String),
    /// The digits without leading zeros, and before them how many: a number of any length.
    Number(usize, String),
    Built(Timestamp),
    Version(Version),
}

/// Text, in which runs of digits are compared as numbers.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Natural(Vec<Piece>);

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    Text(String),
    Number(usize, String),
}

/// Tells whether a tag counts as far as its text says.
///
/// What is built when, or what is behind a tag, is only worth asking for those that do.
///
/// # Errors
/// Why the tag loses.
pub fn counts(select: &Select, tag: &str) -> Result<(), Why> {
    match select.order {
        Order::Newest => compared(select, tag).map(|_| ()),
        _ => rank(select, tag, None).map(|_| ()),
    }
}

/// Puts the tags in their order.
pub fn ranked(select: &Select, candidates: Vec<Candidate>) -> Ranked {
    let mut best = Vec::new();
    let mut lost = Vec::new();
    for candidate in candidates {
        match rank(select, &candidate.tag, candidate.built) {
            Ok(rank) => best.push((rank, candidate)),
            Err(why) => lost.push(candidate.lost(why)),
        }
    }
    best.sort_by(|(a, one), (b, other)| b.cmp(a).then_with(|| stays(&other.tag).cmp(&stays(&one.tag))));
    sort(&mut lost);
    Ranked {
        best: best.into_iter().map(|(_, candidate)| candidate).collect(),
        lost,
    }
}

/// Sorts losers, the nearest first.
pub fn sort(lost: &mut [Loser]) {
    lost.sort_by_cached_key(|loser| {
        let high = version_of(&loser.tag);
        (loser.why.distance(), Reverse((high, Natural::of(&loser.tag))))
    });
}

/// Says that a tag counts, and that another one won.
pub fn behind(order: &Order, won: &str) -> Why {
    let how = match order {
        Order::Version(_) | Order::Number | Order::Follow(_) => "not higher than",
        Order::Newest => "not built after",
        Order::Text => "not after",
    };
    Why::Behind(how, won.to_owned())
}

impl Candidate {
    /// Makes a loser of it.
    pub fn lost(self, why: Why) -> Loser {
        Loser {
            tag: self.tag,
            built: self.built,
            why,
        }
    }
}

impl Why {
    /// How far from winning it is, as a number that grows.
    fn distance(&self) -> u8 {
        match self {
            Self::Behind(..) => 0,
            Self::Platform(_) => 1,
            Self::Gone | Self::Unreadable(_) => 2,
            Self::OtherImage | Self::NoTime(_) => 3,
            Self::PreRelease => 4,
            Self::Outside(_) => 5,
            Self::NoVersion | Self::NoNumber => 6,
            Self::NoExtract(_) => 7,
            Self::Ignored(_) => 8,
            Self::NotAllowed(_) => 9,
            Self::Followed | Self::Attached => 10,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Behind(how, won) => write!(f, "{how} `{}`", shown(won)),
            Self::Platform(platform) => write!(f, "does not run on {platform}"),
            Self::Gone => f.write_str("is listed, and nothing is behind it"),
            Self::Unreadable(why) => f.write_str(why),
            Self::OtherImage => f.write_str("is another image"),
            Self::NoTime(None) => f.write_str("does not tell when it was built"),
            Self::NoTime(Some(built)) => write!(f, "does not tell when it was built ({built})"),
            Self::PreRelease => f.write_str("is a pre-release"),
            Self::Outside(constraint) => write!(f, "is not in {constraint}"),
            Self::NoVersion => f.write_str("is no version of three numbers"),
            Self::NoNumber => f.write_str("is no number"),
            Self::Followed => f.write_str("is the tag that is followed"),
            Self::NoExtract(pattern) => write!(f, "holds nothing that matches `{}`", shown(pattern)),
            Self::Ignored(pattern) => write!(f, "matches `{}`", shown(pattern)),
            Self::NotAllowed(pattern) => write!(f, "does not match `{}`", shown(pattern)),
            Self::Attached => f.write_str("is a signature or the like, of another image"),
        }
    }
}

/// The part of a tag that is compared.
fn compared<'t>(select: &Select, tag: &'t str) -> Result<&'t str, Why> {
    if is_attached(tag) {
        return Err(Why::Attached);
    }
    let text = |pattern: &Regex| pattern.as_str().to_owned();
    if let Some(allow) = select.allow.as_ref().filter(|allow| !allow.is_match(tag)) {
        return Err(Why::NotAllowed(text(allow)));
    }
    if let Some(ignore) = select.ignore.as_ref().filter(|ignore| ignore.is_match(tag)) {
        return Err(Why::Ignored(text(ignore)));
    }
    let Some(extract) = &select.extract else {
        return Ok(tag);
    };
    extract
        .captures(tag)
        .and_then(|found| found.get(1).or_else(|| found.get(0)))
        .map(|found| found.as_str())
        .ok_or_else(|| Why::NoExtract(text(extract)))
}

fn rank(select: &Select, tag: &str, built: Option<Timestamp>) -> Result<Rank, Why> {
    let text = compared(select, tag)?;
    match &select.order {
        Order::Version(constraint) => {
            let version = version_of(text).ok_or(Why::NoVersion)?;
            if constraint.takes(&version, select.pre_releases) {
                return Ok(Rank::Version(version));
            }
            Err(if constraint.takes(&version, true) {
                Why::PreRelease
            } else {
                Why::Outside(constraint.to_string())
            })
        }
        Order::Newest => built
            .filter(|built| built.as_second() > NO_TIME_UNTIL)
            .map(Rank::Built)
            .ok_or(Why::NoTime(built)),
        Order::Number => number_of(text)
            .map(|(length, digits)| Rank::Number(length, digits))
            .ok_or(Why::NoNumber),
        Order::Text => Ok(Rank::Bytes(text.to_owned())),
        Order::Follow(followed) if followed.as_str() == tag => Err(Why::Followed),
        // What somebody allows by name may be a tag of any kind.
        Order::Follow(_) => match version_of(text) {
            Some(version) => Ok(Rank::Version(version)),
            None if select.allow.is_some() => Ok(Rank::Text(Natural::of(text))),
            None => Err(Why::NoVersion),
        },
    }
}

/// How likely a tag stays with its image, of two that are of one image: a version before a number, that before `latest`.
fn stays(tag: &str) -> (Option<Version>, bool, &str) {
    let counted = tag.bytes().any(|b| b.is_ascii_digit());
    (version_of(tag), counted, tag)
}

/// Reads a tag as a version of three numbers. A `v` before it says nothing; Helm writes `_` for the `+` that no tag may
/// hold.
fn version_of(text: &str) -> Option<Version> {
    let bare = text.strip_prefix(['v', 'V']).unwrap_or(text);
    Version::parse(&bare.replacen('_', "+", 1)).ok()
}

fn number_of(text: &str) -> Option<(usize, String)> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let short = text.trim_start_matches('0');
    digits.then(|| (short.len(), short.to_owned()))
}

/// Tells whether a tag speaks of another image by its digest (distribution-spec, "Referrers Tag Schema"; cosign adds an
/// ending).
fn is_attached(tag: &str) -> bool {
    let digest = tag
        .strip_prefix("sha256-")
        .or_else(|| tag.strip_prefix("sha512-"));
    digest.is_some_and(|digest| {
        let hex = digest.bytes().take_while(u8::is_ascii_hexdigit).count();
        hex >= DIGEST_LEAST && (hex == digest.len() || digest.as_bytes()[hex] == b'.')
    })
}

impl Natural {
    fn of(text: &str) -> Self {
        let pieces = text
            .as_bytes()
            .chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
            .map(|piece| {
                let piece = String::from_utf8_lossy(piece).into_owned();
                match number_of(&piece) {
                    Some((length, digits)) => Piece::Number(length, digits),
                    None => Piece::Text(piece),
                }
            });
        Self(pieces.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::select::Said;

    fn select(change: impl FnOnce(&mut Said)) -> Select {
        let mut said = Said::default();
        change(&mut said);
        Select::parse(&said).unwrap()
    }

    fn within(constraint: &str) -> Select {
        select(|said| said.constraint = Some(constraint.to_owned()))
    }

    fn tags(tags: &str) -> Vec<Candidate> {
        let each = tags.split(' ').map(|tag| Candidate {
            tag: tag.to_owned(),
            built: None,
        });
        each.collect()
    }

    fn best(select: &Select, of: &str) -> String {
        let ranked = ranked(select, tags(of));
        ranked
            .best
            .into_iter()
            .next()
            .map(|one| one.tag)
            .unwrap_or_default()
    }

    fn lost(ranked: &Ranked) -> Vec<String> {
        let lost = ranked.lost.iter();
        lost.map(|loser| format!("{}: {}", loser.tag, loser.why))
            .collect()
    }

    #[test]
    fn the_highest_version_in_the_range_wins_and_no_pre_release() {
        let found = "latest 1.0.9 1.1.0 v1.10.0 1.9.0 2.0.0 1.11.0-rc.1 1.2 main-0a1b2c3";
        assert_eq!(best(&within("~> 1.1"), found), "v1.10.0");
        let asked = select(|said| (said.constraint, said.pre_releases) = (Some("~> 1.1".to_owned()), true));
        assert_eq!(best(&asked, found), "1.11.0-rc.1");
        assert_eq!(best(&within("^3"), found), "");
        assert_eq!(best(&within("*"), "1.0.0_2 1.0.0_10"), "1.0.0_10");
        let variant = select(|said| {
            said.constraint = Some("~1.25".to_owned());
            said.extract = Some("^([0-9.]+)-alpine$".to_owned());
        });
        let variants = "1.25.3 1.25.10-alpine 1.25.9-alpine 1.26.0-alpine 1.25.11-alpine-slim";
        assert_eq!(best(&variant, variants), "1.25.10-alpine");
    }

    #[test]
    fn numbers_of_any_length_are_compared_as_numbers() {
        let numeric = select(|said| said.numeric = true);
        assert_eq!(
            best(&numeric, "9 10 008 x 20261120093000000000001"),
            "20261120093000000000001"
        );
        let extracting = select(|said| {
            said.numeric = true;
            said.extract = Some(r"^main-[0-9a-f]+-(\d+)$".to_owned());
        });
        assert_eq!(
            best(&extracting, "main-ff-9 main-00-10 dev-00-11 12"),
            "main-00-10"
        );
    }

    #[test]
    fn text_is_compared_by_its_bytes() {
        let lexical = select(|said| said.lexical = true);
        assert_eq!(best(&lexical, "2026-11-02 2026-11-19 2026-09-30"), "2026-11-19");
        assert_eq!(best(&lexical, "9 10"), "9");
    }

    #[test]
    fn the_newest_build_wins_and_one_without_a_time_does_not_count() {
        let at = |tag: &str, built: Option<&str>| Candidate {
            tag: tag.to_owned(),
            built: built.map(|time| time.parse().unwrap()),
        };
        let candidates = vec![
            at("b", Some("2026-11-20T10:00:00Z")),
            at("a", Some("2026-11-20T09:00:00Z")),
            at("reproducible", Some("1970-01-01T00:00:00Z")),
            at("zip", Some("1980-01-01T00:00:01Z")),
            at("unknown", None),
        ];
        let ranked = ranked(&select(|said| said.newest = true), candidates);
        let order: Vec<&str> = ranked.best.iter().map(|one| one.tag.as_str()).collect();
        assert_eq!(order, ["b", "a"]);
        assert_eq!(ranked.lost.len(), 3);
        assert!(
            lost(&ranked)
                .iter()
                .all(|one| one.contains("does not tell when it was built"))
        );
    }

    #[test]
    fn a_tag_that_moves_does_not_win_over_one_of_the_same_image_that_stays() {
        let newest = select(|said| said.newest = true);
        for (tags, winner) in [
            ("build-7 latest", "build-7"),
            ("stable 1.2.3 main-9 latest", "1.2.3"),
            ("edge latest", "latest"),
        ] {
            let built = Some("2026-11-20T10:00:00Z".parse().unwrap());
            let candidates = tags.split(' ').map(|tag| Candidate {
                tag: tag.to_owned(),
                built,
            });
            assert_eq!(ranked(&newest, candidates.collect()).best[0].tag, winner);
        }
    }

    #[test]
    fn each_loser_is_told_why_the_nearest_first() {
        let select = select(|said| {
            said.constraint = Some("~> 1.1".to_owned());
            said.allow = Some("^[0-9]".to_owned());
            said.ignore = Some("-dirty$".to_owned());
        });
        let ranked = ranked(
            &select,
            tags("latest 1.1.0 7 1.2.0 2.0.0 10.0.0 1.3.0-rc.1 1.2.9-dirty"),
        );
        let order: Vec<&str> = ranked.best.iter().map(|one| one.tag.as_str()).collect();
        assert_eq!(order, ["1.2.0", "1.1.0"]);
        assert_eq!(
            lost(&ranked),
            [
                "1.3.0-rc.1: is a pre-release",
                "10.0.0: is not in >= 1.1.0, < 2.0.0",
                "2.0.0: is not in >= 1.1.0, < 2.0.0",
                "7: is no version of three numbers",
                "1.2.9-dirty: matches `-dirty$`",
                "latest: does not match `^[0-9]`",
            ]
        );
        for loser in &ranked.lost {
            assert_eq!(
                counts(&select, &loser.tag),
                Err(loser.why.clone()),
                "the text alone tells"
            );
        }
    }

    #[test]
    fn equal_versions_are_told_apart_by_their_spelling_always_alike() {
        let any = within("*");
        assert_eq!(best(&any, "1.2.3 v1.2.3"), "v1.2.3");
        assert_eq!(best(&any, "v1.2.3 1.2.3"), "v1.2.3");
    }

    #[test]
    fn a_signature_is_no_image_whatever_the_order() {
        let hex = "0".repeat(64);
        let signed = format!("sha256-{hex}.sig sha256-{hex} sha512-{hex}{hex}.att sha256-{hex}x sha256-abc");
        for select in [
            select(|said| said.lexical = true),
            within("*"),
            select(|said| said.newest = true),
        ] {
            let counting = tags(&signed).into_iter();
            let attached = counting.filter(|one| counts(&select, &one.tag) == Err(Why::Attached));
            assert_eq!(attached.count(), 3);
        }
    }

    #[test]
    fn what_is_followed_is_known_by_versions_or_by_what_is_allowed() {
        let follow = |allow: Option<&str>| {
            select(|said| (said.follow_tag, said.allow) = (Some("dev".to_owned()), allow.map(str::to_owned)))
        };
        let order = |select: &Select| -> Vec<String> {
            let ranked = ranked(select, tags("dev main-9 main-10 1.2.3 1.10.0 latest"));
            ranked.best.into_iter().map(|one| one.tag).collect()
        };
        assert_eq!(order(&follow(None)), ["1.10.0", "1.2.3"]);
        assert_eq!(
            order(&follow(Some("^main-|^1"))),
            ["1.10.0", "1.2.3", "main-10", "main-9"]
        );
    }
}
