//! One request to a forge's API: what its answer says, also of rates and ailing servers.
//!
//! Sources: GitHub's "Best practices for using the REST API" and "Rate limits for the REST API"; GitLab's "Rate
//! limits". What is sent again, and when, `world::http::retry` decides.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use super::access::ForgeAccess;
use crate::words::fault::{Fault, Kind};
use crate::words::wording::shown;
use crate::world::clock;
use crate::world::http::Lost;
pub use crate::world::http::retry::Effect;
use crate::world::http::retry::{self, Verdict, retry};

/// The shortest wait that is taken from a server: one that says 0 is not asked without end.
const SHORTEST: Duration = Duration::from_secs(1);

/// What to try where an answer is not that of the API.
const NOT_THE_API: &str = "check --api-url; behind a proxy, check that it lets the API through";

/// An answer, whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code; never a 5xx.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as JSON; `Null` where it is empty or no JSON.
    pub json: Value,
}

/// What came of a request.
pub type Called = retry::Called<Answer>;

/// Sends a request, again where that is safe.
///
/// # Errors
/// `GaveUp` when the deadline passes or the server stays ailing, and what the connection met for good.
pub fn call(
    access: &ForgeAccess,
    effect: Effect,
    what: &str,
    send: impl Fn() -> Result<Answer, Lost>,
) -> Result<Called, Fault> {
    let host = access.root.host();
    retry(effect, what, access.deadline, &*access.progress, || {
        let answer = send()?;
        Ok(if answer.is_limited(effect) {
            Verdict::Limited(limited(host, &answer), answer.limit_lasts())
        } else if answer.is_ailing() {
            Verdict::Ailing(ailing(host, &answer), answer.seconds("retry-after"))
        } else {
            Verdict::Answer(answer)
        })
    })
}

impl Answer {
    /// Makes one of what came over the wire.
    ///
    /// # Errors
    /// `Denied` for a success whose body is no JSON: that is a page of a proxy, or of another server; `GaveUp` for one
    /// whose JSON ends too early.
    pub fn of(status: u16, headers: HeaderMap, body: &[u8], host: &str) -> Result<Self, Lost> {
        let json = serde_json::from_slice(body);
        if let Some(cut) = Lost::cut(host, status, body).filter(|_| (200..300).contains(&status)) {
            return Err(cut);
        }
        if json.is_err() && !body.is_empty() && (200..300).contains(&status) {
            let message = format!(
                "`{}` answered with something other than JSON (status {status})",
                host.escape_debug()
            );
            return Err(Lost::unusable(
                Fault::new(Kind::Denied, message).hint(NOT_THE_API),
            ));
        }
        Ok(Self {
            status,
            headers,
            json: json.unwrap_or(Value::Null),
        })
    }

    /// Returns whether the request was carried out.
    pub fn is_ok(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns a header's value, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Reads the body into a type of ours.
    ///
    /// # Errors
    /// `Denied` for a body of another shape: this is not the API that we speak to.
    pub fn read<T: DeserializeOwned>(&self, what: &str) -> Result<T, Fault> {
        T::deserialize(&self.json).map_err(|error| {
            Fault::new(
                Kind::Denied,
                format!(
                    "the answer to {what} is not what the API promises: {}",
                    shown(&error.to_string())
                ),
            )
            .hint(NOT_THE_API)
        })
    }

    /// Returns what the forge says is wrong, on one line and escaped.
    ///
    /// GitHub: `message` and `errors[].message`; GitLab: `message` (a text, a list or a map of lists), or `error`.
    pub fn complaint(&self) -> String {
        let mut said = Vec::new();
        for key in ["message", "error", "error_description", "errors"] {
            texts(&self.json[key], &mut said);
        }
        said.dedup();
        match said.len() {
            0 => format!("status {}", self.status),
            _ => said
                .join("; ")
                .chars()
                .take(400)
                .collect::<String>()
                .escape_debug()
                .to_string(),
        }
    }

    /// Says what to do about a redirect from `root`; `None` for any other answer.
    ///
    /// Only a permanent one, or one that keeps the method, to the same server tells of a new name. Its query is not
    /// shown: that of a login page may hold a secret.
    pub fn moved_hint(&self, root: &Url) -> Option<String> {
        if !matches!(self.status, 301 | 302 | 303 | 307 | 308) {
            return None;
        }
        let Some(mut to) = self.header("location").and_then(|to| root.join(to).ok()) else {
            return Some(NOT_THE_API.to_owned());
        };
        let same_server = to.origin() == root.origin();
        to.set_query(None);
        to.set_fragment(None);
        let _ = to.set_username("");
        let _ = to.set_password(None);
        let to = to.as_str().escape_debug();
        Some(if same_server && matches!(self.status, 301 | 307 | 308) {
            format!("the repository has another name now, and is at `{to}`: name it as its page does")
        } else {
            format!("the server sends us to `{to}`: {NOT_THE_API}")
        })
    }

    /// Returns whether the server broke down on the request; GitHub's GraphQL says so with status 200.
    fn is_ailing(&self) -> bool {
        let error = &self.json["errors"][0];
        let said = error["message"].as_str().unwrap_or_default();
        let broke_down = said.starts_with("Something went wrong while executing your query");
        self.status >= 500 || (self.status == 200 && error["type"].is_null() && broke_down)
    }

    fn seconds(&self, name: &str) -> Option<Duration> {
        let seconds = self.header(name)?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds).max(SHORTEST))
    }

    fn has_none_left(&self) -> bool {
        ["x-ratelimit-remaining", "ratelimit-remaining"]
            .iter()
            .any(|name| self.header(name) == Some("0"))
    }

    /// Returns whether a rate limit turned the request away.
    fn is_limited(&self, effect: Effect) -> bool {
        let secondary = || self.complaint().to_ascii_lowercase().contains("rate limit");
        match self.status {
            429 => true,
            403 => self.header("retry-after").is_some() || self.has_none_left() || secondary(),
            200 => self.is_limited_by_graphql(effect),
            _ => false,
        }
    }

    /// Returns how long a rate limit lasts, where the answer says so.
    fn limit_lasts(&self) -> Option<Duration> {
        if let Some(wait) = self.seconds("retry-after") {
            return Some(wait);
        }
        let reset = ["x-ratelimit-reset", "ratelimit-reset"]
            .iter()
            .find_map(|name| self.header(name)?.trim().parse::<i64>().ok())
            .filter(|_| self.has_none_left())?;
        let seconds = reset.saturating_sub(clock::now().as_second()).clamp(0, 24 * 3600);
        Some(Duration::from_secs(
            u64::try_from(seconds).unwrap_or_default() + 1,
        ))
    }

    /// Returns whether an answer of 200 tells of a limit, as GraphQL's do.
    ///
    /// The primary limit is an error of a type or a code; the secondary one is known by its words alone. A write that
    /// brought any data was carried out, whatever its errors say.
    fn is_limited_by_graphql(&self, effect: Effect) -> bool {
        let data = self.json["data"].as_object();
        let has_data = data.is_some_and(|data| data.values().any(|value| !value.is_null()));
        if effect == Effect::Write && has_data {
            return false;
        }
        let says = |value: &Value| {
            let said = value["message"].as_str().unwrap_or_default();
            said.to_ascii_lowercase().contains("rate limit")
        };
        let is_limit = |error: &Value| {
            let kinds = [&error["type"], &error["code"], &error["extensions"]["code"]];
            let words = ["RATE_LIMIT", "RATE_LIMITED", "graphql_rate_limit"];
            kinds
                .iter()
                .any(|kind| kind.as_str().is_some_and(|kind| words.contains(&kind)))
                || says(error)
        };
        match self.json["errors"].as_array() {
            Some(errors) => errors.iter().any(is_limit),
            // A commit has a message too, but no page of the documentation.
            None => self.json["documentation_url"].is_string() && says(&self.json),
        }
    }
}

fn texts(value: &Value, said: &mut Vec<String>) {
    match value {
        Value::String(text) => said.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| texts(item, said)),
        Value::Object(map) => match map.get("message") {
            Some(message) => texts(message, said),
            None => {
                for (key, value) in map {
                    let mut inner = Vec::new();
                    texts(value, &mut inner);
                    said.extend(inner.into_iter().map(|text| format!("{key} {text}")));
                }
            }
        },
        _ => {}
    }
}

fn limited(host: &str, answer: &Answer) -> Fault {
    Fault::new(
        Kind::GaveUp,
        format!(
            "`{}` limits the rate: {}",
            host.escape_debug(),
            answer.complaint()
        ),
    )
    .hint("run it again later, or give it longer with --timeout")
}

fn ailing(host: &str, answer: &Answer) -> Fault {
    Fault::new(
        Kind::GaveUp,
        match answer.complaint() {
            said if said.starts_with("status ") => {
                format!("`{}` answered with {said}", host.escape_debug())
            }
            said => format!(
                "`{}` answered with status {}: {said}",
                host.escape_debug(),
                answer.status
            ),
        },
    )
    .hint("run it again later")
}

#[cfg(test)]
mod tests;
