//! What was chosen, and what is told of it.

use serde::Serialize;

use crate::plan::choice::{self, Candidate, Loser};
use crate::words::fault::Fault;
use crate::words::image::{Digest, Tag};
use crate::words::select::{Order, Select, Write};
use crate::words::wording::shown;

/// How many losers are named where nothing was chosen.
const NEAREST: usize = 5;

/// The outcome of looking for a tag.
#[derive(Clone, Debug)]
pub struct Choice {
    /// The image, or the chart.
    pub image: String,
    /// What was looked for, as it was understood.
    pub wanted: String,
    /// How many tags there are.
    pub total: usize,
    /// The tag that won, if one did.
    pub won: Option<Won>,
    /// Those that lost.
    pub lost: Vec<Loser>,
    /// Whether only the digest tells what the tag leads to.
    pub moving: bool,
    /// What the user should know all the same.
    pub warnings: Vec<String>,
    write: Option<Write>,
    by_version: bool,
}

/// The tag that won.
#[derive(Clone, Debug)]
pub struct Won {
    /// The tag, or the version of a chart.
    pub candidate: Candidate,
    /// The digest behind it, which an `index.yaml` does not tell.
    pub digest: Option<Digest>,
}

/// What an environment should run.
#[derive(Clone, Debug, Serialize)]
pub struct Resolution {
    /// The image, or the chart.
    pub image: String,
    /// Its tag, or the version of a chart.
    pub tag: String,
    /// The digest that is behind the tag.
    pub digest: Option<String>,
    /// What is written of it: the tag, the digest, or both.
    pub value: String,
    /// What was looked for, as it was understood.
    pub wanted: String,
    /// How many tags there are.
    pub tags: usize,
    /// The tag, where it is written; that of a chart may be none.
    #[serde(skip)]
    pub written_tag: Option<Tag>,
    /// The digest, where it is written.
    #[serde(skip)]
    pub written_digest: Option<Digest>,
}

/// A tag and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The tag.
    pub tag: String,
    /// When its image was built, where that is known.
    pub built: Option<String>,
    /// Why it lost; `None` for the one that won.
    pub why: Option<String>,
}

impl Choice {
    /// Makes one that has found nothing yet.
    pub(super) fn new(select: &Select, image: String) -> Self {
        Self {
            image,
            wanted: select.order.to_string(),
            total: 0,
            won: None,
            lost: Vec::new(),
            moving: false,
            warnings: Vec::new(),
            write: select.write,
            by_version: matches!(select.order, Order::Version(_)),
        }
    }

    /// Puts those that counted too before the other losers, which it sorts.
    pub(super) fn rest_is_behind(&mut self, select: &Select, rest: impl Iterator<Item = Candidate>) {
        choice::sort(&mut self.lost);
        let Some(won) = &self.won else { return };
        let why = choice::behind(&select.order, &won.candidate.tag);
        let behind = rest.map(|candidate| candidate.lost(why.clone()));
        self.lost.splice(0..0, behind.collect::<Vec<_>>());
    }

    /// Warns of a winner that is most likely another image tomorrow, where only its tag is written: then nothing would change
    /// with it.
    pub(super) fn with_doubts(mut self) -> Self {
        let Some(won) = &self.won else { return self };
        let tag = &won.candidate.tag;
        let only_tag = matches!(self.write, None | Some(Write::Tag));
        if only_tag && !tag.bytes().any(|b| b.is_ascii_digit()) {
            let warning = format!(
                "`{tag}` of `{}` may move, as it has no number, and nothing that is written would change with it; leave it out \
                 with --ignore, or write tag@digest",
                self.image
            );
            self.warnings.push(warning);
        }
        self
    }

    /// Returns each tag with what became of it, the winner first.
    pub fn rows(&self) -> Vec<Row> {
        let won = self
            .won
            .iter()
            .map(|won| (&won.candidate.tag, won.candidate.built, None));
        let lost = self.lost.iter();
        let lost = lost.map(|loser| (&loser.tag, loser.built, Some(loser.why.to_string())));
        won.chain(lost)
            .map(|(tag, built, why)| Row {
                tag: tag.clone(),
                built: built.map(|built| built.to_string()),
                why,
            })
            .collect()
    }

    /// Returns what an environment should run.
    ///
    /// # Errors
    /// `NotFound` where no tag counts, with those that came nearest.
    pub fn resolution(&self) -> Result<Resolution, Fault> {
        let Some(won) = &self.won else {
            return Err(self.nothing());
        };
        let tag = won.candidate.tag.clone();
        let digest = won.digest.as_ref().map(ToString::to_string);
        let write = self
            .write
            .unwrap_or(if self.moving { Write::Both } else { Write::Tag });
        let (value, with_tag, with_digest) = match (write, &digest) {
            (Write::Digest, Some(digest)) => (digest.clone(), false, true),
            (Write::Both, Some(digest)) => (format!("{tag}@{digest}"), true, true),
            (Write::Tag, _) | (_, None) => (tag.clone(), true, false),
        };
        Ok(Resolution {
            image: self.image.clone(),
            written_tag: tag.parse().ok().filter(|_| with_tag),
            written_digest: won.digest.clone().filter(|_| with_digest),
            tag,
            digest,
            value,
            wanted: self.wanted.clone(),
            tags: self.total,
        })
    }

    fn nothing(&self) -> Fault {
        let Self {
            image, wanted, total, ..
        } = self;
        if *total == 0 {
            return Fault::not_found(format!("`{image}` has no tags"))
                .hint("push one first, or check the name");
        }
        let none = match total {
            1 => "the one tag".to_owned(),
            total => format!("none of the {total} tags"),
        };
        let counts = if *total == 1 { "does not count" } else { "counts" };
        let named: Vec<String> = self.lost.iter().take(NEAREST).map(said).collect();
        let more = match self.lost.len() - named.len() {
            0 => String::new(),
            more => format!("; and {more} more"),
        };
        let pre_releases = self.by_version && named.iter().any(|one| one.ends_with("is a pre-release"));
        let try_it = if pre_releases {
            "; --pre-releases, or `pre-releases: on` in the policy, lets pre-releases count"
        } else {
            ""
        };
        Fault::not_found(format!("{none} of `{image}` {counts}: wanted is {wanted}"))
            .hint(format!("the nearest: {}{more}{try_it}", named.join("; ")))
    }
}

impl Resolution {
    /// Tells what was chosen, in one line.
    pub fn story(&self) -> String {
        let digest = match &self.digest {
            Some(digest) if !self.value.contains(digest.as_str()) => format!(" ({digest})"),
            _ => String::new(),
        };
        let tags = match self.tags {
            1 => "1 tag".to_owned(),
            tags => format!("{tags} tags"),
        };
        format!(
            "{}: {}{digest} is {} of {tags}",
            self.image, self.value, self.wanted
        )
    }
}

fn said(loser: &Loser) -> String {
    format!("`{}` {}", shown(&loser.tag), loser.why)
}
