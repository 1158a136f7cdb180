//! One request to a forge's API, again when that is safe: rates, ailing servers, broken connections.
//!
//! Sources: GitHub's "Best practices for using the REST API" and "Rate limits for the REST API"; GitLab's "Rate
//! limits". A request that a rate limit turned away was not carried out, so it may be sent again whatever it is. After
//! a 5xx or a broken connection only a read may: what became of a write is looked up by whoever asked for it.

use std::time::Duration;

use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::access::ForgeAccess;
use crate::words::fault::{Fault, Kind};
use crate::words::wording::shown;
use crate::world::clock;
use crate::world::http::Lost;

/// How often a read is tried when the connection breaks or the server is ailing.
const TRIES: u32 = 4;
/// The longest first pause between two tries; it doubles.
const PAUSE: Duration = Duration::from_millis(500);
/// The first wait after a rate limit that does not say how long; it doubles.
const LIMIT_PAUSE: Duration = Duration::from_secs(60);

/// Whether a request changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It only reads.
    Read,
    /// It may change something, so it is never sent twice without knowing what became of it.
    Write,
}

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
#[derive(Debug)]
pub enum Called {
    /// The forge answered.
    Answered(Answer),
    /// A write's answer was lost, or the server broke down on it: nobody knows whether it was carried out.
    Unclear(Fault),
}

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
    let mut pause = PAUSE;
    let mut limit_pause = LIMIT_PAUSE;
    let mut failed = 0;
    loop {
        let (fault, wait) = match send() {
            Ok(answer) => {
                if let Some(wait) = rate_limit(&answer, &mut limit_pause) {
                    let fault = limited(host, &answer);
                    (fault, Some(wait))
                } else if answer.is_ailing() {
                    let fault = ailing(host, &answer);
                    let wait = answer.seconds("retry-after");
                    if effect == Effect::Write {
                        return Ok(Called::Unclear(fault));
                    }
                    (fault, wait)
                } else {
                    return Ok(Called::Answered(answer));
                }
            }
            Err(lost) if !lost.passing => return Err(lost.fault),
            Err(lost) if effect == Effect::Write && lost.sent => return Ok(Called::Unclear(lost.fault)),
            Err(lost) => (lost.fault, None),
        };
        failed += u32::from(wait.is_none());
        if failed >= TRIES {
            return Err(fault);
        }
        let wait = wait.unwrap_or_else(|| clock::jitter(pause));
        access
            .progress
            .note(&format!("{what} is tried again in {wait:.1?}: {}", fault.message));
        if !clock::sleep_within(wait, access.deadline) {
            return Err(fault);
        }
        pause *= 2;
    }
}

impl Answer {
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
            .hint("check --api-url; behind a proxy, check that it lets the API through")
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

    /// Returns whether the server broke down on the request; GitHub's GraphQL says so with status 200.
    fn is_ailing(&self) -> bool {
        let error = &self.json["errors"][0];
        let said = error["message"].as_str().unwrap_or_default();
        let broke_down = said.starts_with("Something went wrong while executing your query");
        self.status >= 500 || (self.status == 200 && error["type"].is_null() && broke_down)
    }

    fn seconds(&self, name: &str) -> Option<Duration> {
        let seconds = self.header(name)?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
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

/// Returns how long a rate limit wants us to wait; `None` where the answer is no rate limit.
fn rate_limit(answer: &Answer, unknown: &mut Duration) -> Option<Duration> {
    let remaining_is_zero = ["x-ratelimit-remaining", "ratelimit-remaining"]
        .iter()
        .any(|name| answer.header(name) == Some("0"));
    let secondary = || answer.complaint().to_ascii_lowercase().contains("rate limit");
    let limited = match answer.status {
        429 => true,
        403 => answer.header("retry-after").is_some() || remaining_is_zero || secondary(),
        // GraphQL tells of a limit in an answer of 200.
        200 => answer.json["errors"][0]["type"] == "RATE_LIMITED",
        _ => false,
    };
    if !limited {
        return None;
    }
    if let Some(wait) = answer.seconds("retry-after") {
        return Some(wait.max(Duration::from_secs(1)));
    }
    let reset = ["x-ratelimit-reset", "ratelimit-reset"]
        .iter()
        .find_map(|name| answer.header(name)?.trim().parse::<i64>().ok())
        .filter(|_| remaining_is_zero || answer.status == 200);
    if let Some(reset) = reset {
        let seconds = (reset - clock::now().as_second()).clamp(0, 24 * 3600);
        return Some(Duration::from_secs(
            u64::try_from(seconds).unwrap_or_default() + 1,
        ));
    }
    let wait = *unknown;
    *unknown *= 2;
    Some(wait)
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
        format!(
            "`{}` answered with status {}: {}",
            host.escape_debug(),
            answer.status,
            answer.complaint()
        ),
    )
    .hint("run it again later")
}
