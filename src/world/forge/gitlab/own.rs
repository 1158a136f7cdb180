//! Endpoints that the `gitlab` crate lacks, or writes in a way that loses something.

use std::borrow::Cow;

use gitlab::api::{BodyError, Endpoint, QueryParams};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::Value;

use super::GitLab;

/// What stands in one part of a path as it is.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// An endpoint by its method, path, query and body.
///
/// Bodies are JSON: the crate's forms meet the limits that Rack sets on them (4 MB, 4,096 fields), and its lists
/// know no page size.
pub(super) struct Own {
    method: Method,
    path: String,
    query: Vec<(&'static str, String)>,
    body: Option<Value>,
}

impl Own {
    /// Adds a parameter to the address.
    pub(super) fn query(mut self, name: &'static str, value: &str) -> Self {
        self.query.push((name, value.to_owned()));
        self
    }

    /// Gives it a body.
    pub(super) fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }
}

impl Endpoint for Own {
    fn method(&self) -> Method {
        self.method.clone()
    }

    fn endpoint(&self) -> Cow<'static, str> {
        self.path.clone().into()
    }

    fn parameters(&self) -> QueryParams<'_> {
        let mut params = QueryParams::default();
        for (name, value) in &self.query {
            params.push(*name, value.as_str());
        }
        params
    }

    fn body(&self) -> Result<Option<(&'static str, Vec<u8>)>, BodyError> {
        let body = self.body.as_ref().map(|body| body.to_string().into_bytes());
        Ok(body.map(|body| ("application/json", body)))
    }
}

impl Own {
    /// Names something to read that belongs to no project.
    pub(super) fn reading(path: &str) -> Self {
        Self {
            method: Method::GET,
            path: path.to_owned(),
            query: Vec::new(),
            body: None,
        }
    }
}

impl GitLab {
    /// Names an endpoint below the project.
    pub(super) fn own(&self, method: Method, below: &str) -> Own {
        at_root(method, format!("projects/{}/{below}", encoded(self.repo.path())))
    }
}

/// Names an endpoint by its whole path, each foreign part of which is encoded.
pub(super) fn at_root(method: Method, path: String) -> Own {
    Own {
        method,
        path,
        query: Vec::new(),
        body: None,
    }
}

/// Returns a foreign text as one part of a path.
pub(super) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}
