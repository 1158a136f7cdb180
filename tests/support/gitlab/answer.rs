//! What the API answers: JSON, GitLab's error bodies, and pages of lists.

use std::fmt::Display;

use serde_json::{Value, json};

use crate::support::git_server::Response;

/// An answer; as an error it ends the work on a request.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

pub type Outcome = Result<Reply, Reply>;

impl Reply {
    pub fn json(status: u16, value: &Value) -> Self {
        Self {
            status,
            headers: vec![("Content-Type".to_owned(), "application/json".to_owned())],
            body: value.to_string().into_bytes(),
        }
    }

    pub fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// `{"message": …}`, the shape of most errors; the message is a text, a list or an object of lists.
    pub fn message(status: u16, message: impl Into<Value>) -> Self {
        Self::json(status, &json!({ "message": message.into() }))
    }

    /// `{"error": …}`, the shape of errors in parameters.
    pub fn error(status: u16, error: &str) -> Self {
        Self::json(status, &json!({ "error": error }))
    }

    pub fn not_found(what: &str) -> Self {
        Self::message(404, format!("404 {what} Not Found").replace("  ", " "))
    }

    pub fn forbidden() -> Self {
        Self::message(403, "403 Forbidden")
    }

    pub fn unauthorized() -> Self {
        Self::message(401, "401 Unauthorized")
    }

    pub fn header(mut self, name: &str, value: impl Display) -> Self {
        self.headers.push((name.to_owned(), value.to_string()));
        self
    }

    pub fn into_response(self) -> Response {
        Response::Answer {
            status: self.status,
            headers: self.headers,
            body: self.body,
        }
    }
}

/// One page of a list with its headers; `here` is the request's address without `page` and `per_page`.
pub fn page(all: &[Value], page: usize, per_page: usize, here: &str) -> Reply {
    let per_page = per_page.clamp(1, 100);
    let page = page.max(1);
    let pages = all.len().div_ceil(per_page).max(1);
    let shown: Vec<_> = all.iter().skip((page - 1) * per_page).take(per_page).collect();
    let separator = if here.contains('?') { '&' } else { '?' };
    let link =
        |to: usize, rel: &str| format!("<{here}{separator}page={to}&per_page={per_page}>; rel=\"{rel}\"");
    let mut links = Vec::new();
    if page > 1 {
        links.push(link(page - 1, "prev"));
    }
    if page < pages {
        links.push(link(page + 1, "next"));
    }
    links.push(link(1, "first"));
    links.push(link(pages, "last"));
    let next = if page < pages {
        (page + 1).to_string()
    } else {
        String::new()
    };
    let previous = if page > 1 {
        (page - 1).to_string()
    } else {
        String::new()
    };
    Reply::json(200, &json!(shown))
        .header("X-Page", page)
        .header("X-Per-Page", per_page)
        .header("X-Next-Page", next)
        .header("X-Prev-Page", previous)
        .header("X-Total", all.len())
        .header("X-Total-Pages", pages)
        .header("Link", links.join(", "))
}
