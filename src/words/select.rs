//! How it is chosen which of an image's tags an environment should run, as flags and the policy's `select` say it.

use std::fmt;

use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Deserialize;

use super::constraint::Constraint;
use super::fault::Fault;
use super::image::Tag;
use super::platform::Platform;
use super::wording::shown;

/// How many images are asked for their time, or tags for their digest, where nothing else is said; and how many at most.
const ASKED: usize = 200;
const MOST_ASKED: usize = 10_000;
/// The most characters of a regular expression, and the most bytes that one may take once it is compiled.
const PATTERN_LONGEST: usize = 512;
const PATTERN_SIZE: usize = 1 << 20;
/// The most platforms.
const PLATFORMS: usize = 32;

/// How a tag is chosen.
#[derive(Clone, Debug)]
pub struct Select {
    /// What makes one tag win.
    pub order: Order,
    /// What a tag must match to count; all count where it is missing.
    pub allow: Option<Regex>,
    /// What a tag must not match.
    pub ignore: Option<Regex>,
    /// The part of a tag that is compared: the first group, or all that matches.
    pub extract: Option<Regex>,
    /// Whether pre-releases count that the constraint does not name.
    pub pre_releases: bool,
    /// What the image must run on, all of it.
    pub platforms: Vec<Platform>,
    /// What is written of the image; where it is missing, the tag, unless only the digest tells what a moving tag leads to.
    pub write: Option<Write>,
    /// How many images are asked for their time, or tags for their digest.
    pub limit: usize,
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
    /// The image that a moving tag leads to.
    Follow(Tag),
}

/// What is written of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Write {
    /// The tag.
    #[serde(rename = "tag")]
    Tag,
    /// The digest.
    #[serde(rename = "digest")]
    Digest,
    /// Both.
    #[serde(rename = "tag@digest")]
    Both,
}

/// What was written, by the words that flags and policy share.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word of its own")]
pub struct Said {
    /// `constraint`.
    pub constraint: Option<String>,
    /// `newest`.
    pub newest: bool,
    /// `numeric`.
    pub numeric: bool,
    /// `lexical`.
    pub lexical: bool,
    /// `follow-tag`.
    pub follow_tag: Option<String>,
    /// `allow`.
    pub allow: Option<String>,
    /// `ignore`.
    pub ignore: Option<String>,
    /// `extract`.
    pub extract: Option<String>,
    /// `pre-releases`.
    pub pre_releases: bool,
    /// `platforms`.
    pub platforms: Vec<String>,
    /// `write`.
    pub write: Option<Write>,
    /// `limit`.
    pub limit: Option<u64>,
}

impl Said {
    /// Returns the words that say what makes a tag win, and are there.
    pub fn orders(&self) -> Vec<&'static str> {
        let words = [
            ("constraint", self.constraint.is_some()),
            ("newest", self.newest),
            ("numeric", self.numeric),
            ("lexical", self.lexical),
            ("follow-tag", self.follow_tag.is_some()),
        ];
        let there = words.into_iter().filter(|(_, there)| *there);
        there.map(|(word, _)| word).collect()
    }
}

impl Select {
    /// Reads what was written. An error comes with the word to blame, which is empty where none is.
    ///
    /// # Errors
    /// `Invalid` for a word that cannot be read, for no order or two, and for a word that says nothing in that order.
    pub fn parse(said: &Said) -> Result<Self, (&'static str, Fault)> {
        let order = order(said)?;
        if said.pre_releases && !matches!(order, Order::Version(_)) {
            let why = "pre-releases are told apart only by a constraint";
            return Err((
                "pre-releases",
                Fault::invalid(why).hint("leave them out of `allow`, or add a constraint such as '*'"),
            ));
        }
        let pattern = |word: &'static str, text: &Option<String>| {
            let read = text.as_deref().map(pattern).transpose();
            read.map_err(|fault| (word, fault))
        };
        if said.platforms.len() > PLATFORMS {
            return Err((
                "platforms",
                Fault::invalid(format!("more than {PLATFORMS} platforms are named")),
            ));
        }
        let platforms: Result<_, Fault> = said.platforms.iter().map(|text| text.parse()).collect();
        Ok(Self {
            order,
            allow: pattern("allow", &said.allow)?,
            ignore: pattern("ignore", &said.ignore)?,
            extract: pattern("extract", &said.extract)?,
            pre_releases: said.pre_releases,
            platforms: platforms.map_err(|fault| ("platforms", fault))?,
            write: said.write,
            limit: limit(said.limit)?,
        })
    }
}

impl Select {
    /// Tells whether what is written is all that shall stand: where it was said, or where it changes between a tag and a tag
    /// with its digest.
    pub fn writes_whole(&self) -> bool {
        self.write.is_some() || matches!(self.order, Order::Follow(_))
    }
}

impl fmt::Display for Order {
    /// What wins, as it was understood: `the highest version in >= 1.1.0, < 2.0.0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(constraint) => match constraint.to_string().as_str() {
                "any version" => f.write_str("the highest version"),
                range => write!(f, "the highest version in {range}"),
            },
            Self::Newest => f.write_str("the image built last"),
            Self::Number => f.write_str("the highest number"),
            Self::Text => f.write_str("the last in the order of bytes"),
            Self::Follow(tag) => write!(f, "what `{tag}` leads to"),
        }
    }
}

fn order(said: &Said) -> Result<Order, (&'static str, Fault)> {
    let orders = said.orders();
    match (orders.as_slice(), &said.constraint, &said.follow_tag) {
        ([], ..) => {
            let why = "nothing says what makes a tag win";
            let hint = "choose one of `constraint`, `newest`, `numeric`, `lexical`, `follow-tag`";
            Err(("", Fault::invalid(why).hint(hint)))
        }
        ([one, other, ..], ..) => {
            let why = format!("`{one}` and `{other}` are two ways to choose a tag");
            Err((other, Fault::invalid(why).hint("keep one of them")))
        }
        (_, Some(constraint), _) => {
            let constraint = Constraint::parse(constraint).map_err(|fault| ("constraint", fault))?;
            Ok(Order::Version(constraint))
        }
        (_, _, Some(tag)) => tag
            .parse()
            .map(Order::Follow)
            .map_err(|fault| ("follow-tag", fault)),
        _ if said.newest => Ok(Order::Newest),
        _ if said.numeric => Ok(Order::Number),
        _ => Ok(Order::Text),
    }
}

fn limit(limit: Option<u64>) -> Result<usize, (&'static str, Fault)> {
    let Some(limit) = limit else { return Ok(ASKED) };
    let read = usize::try_from(limit).ok();
    read.filter(|limit| (1..=MOST_ASKED).contains(limit))
        .ok_or_else(|| {
            (
                "limit",
                Fault::invalid(format!("the limit {limit} is not from 1 to {MOST_ASKED}")),
            )
        })
}

/// Reads a regular expression, whose size is bounded; its time always is, by the library.
fn pattern(text: &str) -> Result<Regex, Fault> {
    let wrong = |why: &str| Fault::invalid(format!("`{}` is no regular expression: {why}", shown(text)));
    if text.len() > PATTERN_LONGEST {
        return Err(wrong("it is longer than 512 characters"));
    }
    RegexBuilder::new(text)
        .size_limit(PATTERN_SIZE)
        .build()
        .map_err(|error| {
            let error = error.to_string();
            // The library draws the expression with a mark below it; its last line says what is wrong.
            let why = error.lines().last().unwrap_or_default();
            wrong(&shown(why.trim_start_matches("error: ")))
                .hint("the syntax is that of RE2, as in Go: no look-around, no back-references")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(change: impl FnOnce(&mut Said)) -> Said {
        let mut said = Said::default();
        change(&mut said);
        said
    }

    #[test]
    fn exactly_one_order_is_chosen() {
        for (said, blamed) in [
            (said(|_| {}), ""),
            (said(|said| said.allow = Some("x".to_owned())), ""),
            (
                said(|said| (said.newest, said.constraint) = (true, Some("*".to_owned()))),
                "newest",
            ),
            (
                said(|said| (said.numeric, said.lexical) = (true, true)),
                "lexical",
            ),
        ] {
            assert_eq!(Select::parse(&said).unwrap_err().0, blamed);
        }
        let understood = said(|said| said.constraint = Some("~> 1.1".to_owned()));
        let order = Select::parse(&understood).unwrap().order.to_string();
        assert_eq!(order, "the highest version in >= 1.1.0, < 2.0.0");
    }

    #[test]
    fn the_word_that_is_wrong_is_named() {
        for (change, blamed, says) in [
            (
                Box::new(|said: &mut Said| said.allow = Some("(".to_owned())) as Box<dyn FnOnce(&mut Said)>,
                "allow",
                "no regular expression: unclosed group",
            ),
            (
                Box::new(|said| said.extract = Some("(?:a{500}){500}".to_owned())),
                "extract",
                "size limit",
            ),
            (
                Box::new(|said| said.ignore = Some("a".repeat(600))),
                "ignore",
                "longer",
            ),
            (
                Box::new(|said| said.platforms = vec!["linux".to_owned()]),
                "platforms",
                "not a platform",
            ),
            (Box::new(|said| said.limit = Some(0)), "limit", "from 1 to"),
            (
                Box::new(|said| said.pre_releases = true),
                "pre-releases",
                "constraint",
            ),
        ] {
            let mut said = said(|said| said.newest = true);
            change(&mut said);
            let (word, fault) = Select::parse(&said).unwrap_err();
            assert_eq!(word, blamed);
            assert!(fault.message.contains(says), "{}", fault.message);
        }
        let constraint = said(|said| said.constraint = Some("~ x y".to_owned()));
        assert_eq!(Select::parse(&constraint).unwrap_err().0, "constraint");
    }
}
