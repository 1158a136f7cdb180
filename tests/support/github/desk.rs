//! One API request, and what its route has at hand to answer it.

use std::collections::HashMap;
use std::path::Path;

use percent_encoding::percent_decode_str;
use serde_json::{Value, json};

use super::Flavor;
use super::access::{Grant, require};
use super::answer::{Answer, not_found, refusal};
use super::body;
use super::state::{Repo, State};
use super::store::Store;

/// A request to the API.
#[derive(Clone)]
pub struct Call {
    pub method: String,
    /// Path and query as they came.
    pub target: String,
    /// The path below the API's root, in decoded parts.
    pub parts: Vec<String>,
    pub query: HashMap<String, String>,
    pub headers: HashMap<String, String>,
    pub body: Value,
}

/// What a route works with.
pub struct Desk<'a> {
    pub state: &'a mut State,
    pub call: &'a Call,
    pub flavor: Flavor,
    /// The server's root, where the web pages would be.
    pub root: &'a str,
    /// Where the bare repositories lie.
    pub home: &'a Path,
    /// The root of the REST API.
    pub api: String,
    pub grant: Option<Grant>,
}

impl Call {
    /// Splits a target below the API's root.
    pub fn new(method: &str, target: &str, below: &str, headers: HashMap<String, String>) -> Self {
        let (path, query) = below.split_once('?').unwrap_or((below, ""));
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        Self {
            method: method.to_owned(),
            target: target.to_owned(),
            parts: path
                .split('/')
                .filter(|part| !part.is_empty())
                .map(decode)
                .collect(),
            query: url::form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
            headers,
            body: Value::Null,
        }
    }

    /// A parameter of the query; an empty one is absent.
    pub fn asked(&self, name: &str) -> Option<&str> {
        self.query
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// A text of the body.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.body[name].as_str()
    }

    /// The texts of a list of the body.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let items = self.body[name].as_array().cloned().unwrap_or_default();
        items
            .iter()
            .filter_map(|item| item.as_str().or_else(|| item["name"].as_str()).map(str::to_owned))
            .collect()
    }

    /// Whether the answers are those of the newer version.
    pub fn is_newer(&self) -> bool {
        self.headers
            .get("x-github-api-version")
            .is_some_and(|version| version == "2026-03-10")
    }
}

impl Desk<'_> {
    /// The repository, if the caller holds one of the permissions that would do.
    pub fn repo(&self, name: &str, accepted: &[&str]) -> Result<&Repo, Answer> {
        let repo = self.state.repos.get(name).ok_or_else(not_found)?;
        require(repo, self.grant.as_ref(), accepted)?;
        Ok(repo)
    }

    /// The repository's git half, under the same condition.
    pub fn store(&self, name: &str, accepted: &[&str]) -> Result<Store, Answer> {
        Ok(self.repo(name, accepted)?.store())
    }

    pub fn login(&self) -> String {
        self.grant
            .as_ref()
            .map_or_else(String::new, |grant| grant.login.clone())
    }

    /// Holds the body against the schema of an operation.
    pub fn check(&self, operation: &str) -> Result<(), Answer> {
        body::check(operation, &self.call.body)
    }

    /// The address of something below a repository's API root.
    pub fn link(&self, repo: &str, below: &str) -> String {
        format!("{}/repos/{repo}{below}", self.api)
    }

    /// The address of a repository's web page.
    pub fn page_url(&self, repo: &str, below: &str) -> String {
        format!("{}/{repo}{below}", self.root)
    }

    /// The page of a list that is asked for (`per_page`, `page`), with links to the others.
    pub fn paged(&self, items: Vec<Value>, wrap: impl Fn(Value, usize) -> Value) -> Result<Answer, Answer> {
        let number = |name: &str, default: usize| self.call.asked(name).map_or(Ok(default), str::parse);
        let bad = |_| refusal(422, "Invalid request.\n\nNot a number.");
        let size = number("per_page", 30).map_err(bad)?.clamp(1, 100);
        let page = number("page", 1).map_err(bad)?.max(1);
        let total = items.len();
        let shown: Vec<Value> = items.into_iter().skip((page - 1) * size).take(size).collect();
        let answer = Answer::json(200, &wrap(Value::Array(shown), total));
        let last = total.div_ceil(size).max(1);
        let mut links = Vec::new();
        let mut link =
            |to: usize, name: &str| links.push(format!("<{}>; rel=\"{name}\"", self.page_link(to)));
        if page > 1 {
            link(1, "first");
            link(page - 1, "prev");
        }
        if page < last {
            link(page + 1, "next");
            link(last, "last");
        }
        Ok(if links.is_empty() {
            answer
        } else {
            answer.with("Link", &links.join(", "))
        })
    }

    fn page_link(&self, page: usize) -> String {
        let mut url = url::Url::parse(&format!("{}{}", self.root, self.call.target)).unwrap();
        let kept: Vec<(String, String)> = url
            .query_pairs()
            .into_owned()
            .filter(|(name, _)| name != "page")
            .collect();
        url.query_pairs_mut()
            .clear()
            .extend_pairs(kept)
            .append_pair("page", &page.to_string());
        url.to_string()
    }

    /// A user as the API shows one.
    pub fn user(&self, login: &str) -> Value {
        let api = format!("{}/users/{login}", self.api);
        let kind = match login {
            login if login.ends_with("[bot]") => "Bot",
            login if self.state.organizations.contains(login) => "Organization",
            _ => "User",
        };
        let mut user = json!({
            "login": login,
            "id": login.bytes().map(u64::from).sum::<u64>(),
            "node_id": format!("U_{login}"),
            "avatar_url": format!("{}/avatars/{login}", self.root),
            "gravatar_id": "",
            "url": api,
            "html_url": format!("{}/{login}", self.root),
            "type": kind,
            "site_admin": false,
        });
        for name in [
            "followers",
            "following",
            "gists",
            "starred",
            "subscriptions",
            "organizations",
            "repos",
            "events",
            "received_events",
        ] {
            user[format!("{name}_url")] = json!(format!("{api}/{name}"));
        }
        user
    }
}
