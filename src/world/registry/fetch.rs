//! One request and its whole answer: sent again where that helps, followed where it leads, within its bounds.

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Method, Url};
use serde_json::Value;

use super::RegistryAccess;
use super::place::{host_of, may_lead_to};
use crate::words::fault::{Fault, Kind};
use crate::words::token::Token;
use crate::world::http::retry::{Called, Effect, Verdict, retry};
use crate::world::http::{Lost, Request};

/// How many addresses one request may be sent on to.
const MOST_REDIRECTS: usize = 5;
/// The shortest wait that is taken from a server: one that says 0 is not asked without end.
const SHORTEST: Duration = Duration::from_secs(1);
/// How long a refusal may be to be read, and how many characters of it are shown.
const MOST_SAID: usize = 64 << 10;
const MOST_SHOWN: usize = 400;

/// What is asked for.
pub(super) struct Ask<'a> {
    /// `GET` or `HEAD`; `POST` with a form.
    pub method: Method,
    /// Where.
    pub url: Url,
    /// The media types that are understood.
    pub accept: &'a str,
    /// A form, URL-encoded; what has one is never sent on to another address.
    pub form: Option<String>,
    /// How many bytes the answer may have.
    pub most: usize,
}

/// An answer, whole.
pub(super) struct Answer {
    /// The status code; neither 429 nor a 5xx.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Vec<u8>,
    /// Who answered: another than was asked, where the request was sent on.
    pub url: Url,
    wait: Option<Duration>,
}

impl<'a> Ask<'a> {
    /// Asks for what lies at an address.
    pub(super) fn get(url: Url, accept: &'a str, most: usize) -> Self {
        Self {
            method: Method::GET,
            url,
            accept,
            form: None,
            most,
        }
    }
}

/// Sends a request; an `Authorization` goes to the origin of its address, and to no other that it is sent on to.
///
/// # Errors
/// `GaveUp` for a limit, an ailing server or a connection that stays broken, `Denied` where we are led to what may not
/// be asked, or told too much.
pub(super) fn fetch(
    access: &RegistryAccess,
    ask: &Ask<'_>,
    authorization: Option<&Token>,
) -> Result<Answer, Fault> {
    let what = format!("{} {}{}", ask.method, host_of(&ask.url), ask.url.path());
    let called = retry(Effect::Read, &what, access.deadline, &*access.progress, || {
        let answer = follow(access, ask, authorization)?;
        Ok(match answer.status {
            429 => Verdict::Limited(limited(&answer), answer.wait),
            500.. => Verdict::Ailing(ailing(&answer), answer.wait),
            _ => Verdict::Answer(answer),
        })
    })?;
    match called {
        Called::Answered(answer) => Ok(answer),
        Called::Unclear(fault) => Err(fault),
    }
}

fn follow(access: &RegistryAccess, ask: &Ask<'_>, authorization: Option<&Token>) -> Result<Answer, Lost> {
    let mut url = ask.url.clone();
    for _ in 0..=MOST_REDIRECTS {
        let at_home = url.origin() == ask.url.origin();
        let answer = once(access, ask, &url, authorization.filter(|_| at_home))?;
        match onward(&answer, ask).map_err(Lost::for_good)? {
            Some(next) => url = next,
            None => return Ok(answer),
        }
    }
    Err(Lost::for_good(Fault::new(
        Kind::Denied,
        format!(
            "`{}` sends us on more than {MOST_REDIRECTS} times",
            host_of(&ask.url)
        ),
    )))
}

fn once(
    access: &RegistryAccess,
    ask: &Ask<'_>,
    url: &Url,
    authorization: Option<&Token>,
) -> Result<Answer, Lost> {
    let mut headers = HeaderMap::new();
    headers.extend(HeaderValue::from_str(ask.accept).map(|accept| (ACCEPT, accept)));
    if ask.form.is_some() {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, form);
    }
    if let Some(mut value) = authorization.and_then(|token| HeaderValue::from_str(token.expose()).ok()) {
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    let request = Request {
        method: ask.method.clone(),
        url: url.clone(),
        headers,
        body: ask.form.clone().map(String::into_bytes),
    };
    let mut answer = access
        .http
        .send(request, Effect::Read.deadline(access.deadline))?;
    let body = answer.up_to(ask.most)?;
    match Lost::cut(&host_of(url), answer.status(), &body) {
        Some(cut) if answer.status() == 200 => Err(cut),
        _ => Ok(Answer {
            status: answer.status(),
            headers: answer.headers().clone(),
            wait: answer.retry_after().map(|wait| wait.max(SHORTEST)),
            body,
            url: url.clone(),
        }),
    }
}

/// Returns where an answer sends us on to, if that may be.
fn onward(answer: &Answer, ask: &Ask<'_>) -> Result<Option<Url>, Fault> {
    if !matches!(answer.status, 301 | 302 | 303 | 307 | 308) || ask.form.is_some() {
        return Ok(None);
    }
    let from = host_of(&answer.url);
    let denied = |to: &str| {
        Fault::new(Kind::Denied, format!("`{from}` sends us to {to}"))
            .hint("check the registry's host; behind a proxy, check that it lets the registry through")
    };
    let location = answer
        .header(LOCATION.as_str())
        .and_then(|to| answer.url.join(to).ok())
        .ok_or_else(|| denied("an address that is no URL"))?;
    if may_lead_to(&ask.url, &location) {
        return Ok(Some(location));
    }
    let to = format!("`{}` without TLS", host_of(&location).escape_debug());
    Err(denied(&to))
}

impl Answer {
    /// Returns a header's value, if it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Tells whether the registry names this as what is wrong (distribution-spec, "Error Codes").
    pub(super) fn names(&self, code: &str) -> bool {
        self.errors().iter().any(|error| error["code"] == code)
    }

    /// Tells whether a registry refuses in a registry's words.
    pub(super) fn is_from_a_registry(&self) -> bool {
        !self.errors().is_empty()
    }

    /// Returns what the server says is wrong, on one line and escaped.
    pub(super) fn complaint(&self) -> String {
        let json = self.said();
        let named = ["message", "details", "error_description", "error"].map(|key| &json[key]);
        let errors = self.errors();
        let listed = errors.iter().map(|error| match error["message"].as_str() {
            Some(message) if !message.is_empty() => message,
            _ => error["code"].as_str().unwrap_or_default(),
        });
        let mut said: Vec<&str> = listed
            .chain(named.iter().filter_map(|value| value.as_str()))
            .filter(|text| !text.is_empty())
            .collect();
        said.dedup();
        if said.is_empty() {
            return format!("status {}", self.status);
        }
        let said: String = said.join("; ").chars().take(MOST_SHOWN).collect();
        said.escape_debug().to_string()
    }

    fn errors(&self) -> Vec<Value> {
        let said = self.said();
        let errors = said.get("errors").and_then(Value::as_array);
        errors.cloned().unwrap_or_default()
    }

    /// The body of a refusal; a longer one is nothing that anybody would show.
    fn said(&self) -> Value {
        if self.body.len() > MOST_SAID {
            return Value::Null;
        }
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

fn limited(answer: &Answer) -> Fault {
    Fault::new(
        Kind::GaveUp,
        format!(
            "`{}` limits the rate: {}",
            host_of(&answer.url),
            answer.complaint()
        ),
    )
    .hint("log in with `docker login`, as registries let a user ask more often; or run it again later")
}

fn ailing(answer: &Answer) -> Fault {
    Fault::new(
        Kind::GaveUp,
        match answer.complaint() {
            said if said.starts_with("status ") => format!("`{}` answered with {said}", host_of(&answer.url)),
            said => format!(
                "`{}` answered with status {}: {said}",
                host_of(&answer.url),
                answer.status
            ),
        },
    )
    .hint("run it again later")
}
