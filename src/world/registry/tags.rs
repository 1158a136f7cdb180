//! The list of an image's tags, page by page.
//!
//! Source: OCI distribution-spec 1.1, "Listing Tags".

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, SeqAccess, Visitor};
use url::Url;

use super::fetch::{Answer, Ask};
use super::place::host_of;
use super::{Registry, no_registry};
use crate::words::fault::{Fault, Kind};
use crate::words::image::Tag;
use crate::words::wording::shown;
use crate::world::http::MOST_READ;

/// How many tags are asked for at once; a registry may give fewer, or more.
const PAGE: usize = 1000;
/// How many pages are read, and how many tags; a registry has to end somewhere.
const MOST_PAGES: usize = 1000;
const MOST_TAGS: usize = 100_000;
const TOO_MANY: &str = "has more tags than are read (100,000, in 1,000 pages)";

#[derive(serde::Deserialize)]
struct Page {
    tags: Option<Named>,
}

/// The tags of a page, of which no more are kept than are read in all.
struct Named(Vec<String>);

impl<'de> Deserialize<'de> for Named {
    fn deserialize<D: Deserializer<'de>>(page: D) -> Result<Self, D::Error> {
        page.deserialize_seq(Keeper)
    }
}

struct Keeper;

impl<'de> Visitor<'de> for Keeper {
    type Value = Named;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of tags")
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut page: S) -> Result<Named, S::Error> {
        let mut tags = Vec::new();
        while let Some(tag) = page.next_element()? {
            tags.push(tag);
            if tags.len() > MOST_TAGS {
                while page.next_element::<IgnoredAny>()?.is_some() {}
            }
        }
        Ok(Named(tags))
    }
}

/// What was read so far.
#[derive(Default)]
struct Listed {
    tags: Vec<Tag>,
    known: HashSet<String>,
    odd: usize,
}

impl Registry {
    /// Returns the image's tags in the registry's order, each once: at most 100,000, from at most 1,000 pages.
    ///
    /// What is no tag by its grammar is left out; nobody could pull it.
    ///
    /// # Errors
    /// `NotFound` where there is no such image, `Denied` for a refusal, a list that has no end or leads to another
    /// host, `GaveUp` for a rate limit or a connection that stays broken.
    pub fn tags(&self) -> Result<Vec<Tag>, Fault> {
        let bare = self.place.url("tags/list");
        let mut listed = Listed::default();
        let mut asked = HashSet::new();
        let mut next = Some(sized(&bare, None));
        while let Some(url) = next {
            if asked.len() == MOST_PAGES {
                return Err(self.endless(TOO_MANY));
            }
            if !asked.insert(url.clone()) {
                return Err(self.endless("leads in a circle through its list of tags"));
            }
            let mut answer = self.ask(&Ask::get(url.clone(), "application/json", MOST_READ))?;
            if answer.status == 400 && asked.len() == 1 {
                // It may have a bound of its own for the size of a page, which it does not tell.
                answer = self.ask(&Ask::get(bare.clone(), "application/json", MOST_READ))?;
            }
            let (count, new) = listed.take(&self.page(&answer)?);
            if count.max(listed.tags.len()) > MOST_TAGS {
                return Err(self.endless(TOO_MANY));
            }
            next = match next_link(&answer)? {
                Some(link) => Some(link),
                // Without a link the list ends, but some registries cut it short without a word.
                None if count == PAGE && new > 0 => listed.tags.last().map(|last| sized(&bare, Some(last))),
                None => None,
            };
        }
        if listed.odd > 0 {
            let note = format!("`{}` lists {} tags that are none", self.place.host, listed.odd);
            self.access.progress.note(&note);
        }
        Ok(listed.tags)
    }

    fn page(&self, answer: &Answer) -> Result<Vec<String>, Fault> {
        match answer.status {
            200 => {
                let page: Result<Page, _> = serde_json::from_slice(&answer.body);
                let page = page.map_err(|_| no_registry(answer))?;
                Ok(page.tags.map(|named| named.0).unwrap_or_default())
            }
            404 if answer.is_from_a_registry() => Err(self.no_image()),
            _ => Err(self.refusal(answer, "the tags")),
        }
    }

    fn endless(&self, why: &str) -> Fault {
        Fault::new(Kind::Denied, format!("`{}` {why}", shown(&self.name.to_string())))
            .hint("delete old tags at the registry, or name the tag itself")
    }
}

impl Listed {
    /// Takes a page's tags; returns how many they were, and how many of them are new.
    fn take(&mut self, page: &[String]) -> (usize, usize) {
        let before = self.tags.len();
        for text in page {
            match text.parse::<Tag>() {
                Ok(tag) if self.known.insert(text.clone()) => self.tags.push(tag),
                Ok(_) => {}
                Err(_) => self.odd += 1,
            }
        }
        (page.len(), self.tags.len() - before)
    }
}

fn sized(bare: &Url, last: Option<&Tag>) -> Url {
    let mut url = bare.clone();
    url.query_pairs_mut().append_pair("n", &PAGE.to_string());
    if let Some(last) = last {
        url.query_pairs_mut().append_pair("last", last.as_str());
    }
    url
}

/// Finds where a list goes on: at who answered, never at another host.
fn next_link(answer: &Answer) -> Result<Option<Url>, Fault> {
    let links = answer.headers.get_all("link").iter();
    let next = links
        .filter_map(|link| link.to_str().ok())
        .find_map(|link| link.split(',').find_map(next_of));
    let Some(next) = next else {
        return Ok(None);
    };
    let host = host_of(&answer.url);
    let denied = |to: &str| {
        Fault::new(
            Kind::Denied,
            format!("`{host}` goes on with its list of tags at {to}"),
        )
    };
    let to = answer
        .url
        .join(next)
        .map_err(|_| denied("an address that is no URL"))?;
    if to.origin() == answer.url.origin() {
        return Ok(Some(to));
    }
    Err(denied(&format!("another host, `{}`", shown(&host_of(&to)))))
}

/// `<address>; rel="next"`, also without the quotes (RFC 8288).
fn next_of(link: &str) -> Option<&str> {
    let (address, params) = link.trim().strip_prefix('<')?.split_once('>')?;
    let mut params = params.split(';').map(str::trim);
    params
        .any(|param| matches!(param, "rel=\"next\"" | "rel=next"))
        .then_some(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found_in_the_link_that_is_for_it() {
        for (link, next) in [
            (
                r#"</v2/a/tags/list?n=2&last=b>; rel="next""#,
                Some("/v2/a/tags/list?n=2&last=b"),
            ),
            ("<https://r.example/x>; rel=next", Some("https://r.example/x")),
            (r#"<x>; title="t"; rel="next""#, Some("x")),
            (r#"<x>; rel="prev""#, None),
            (r#"x; rel="next""#, None),
            ("<x", None),
            ("", None),
        ] {
            assert_eq!(next_of(link), next, "{link}");
        }
    }
}
