//! Git's own configuration: what the user, and actions/checkout, have written there.

use std::path::Path;

use super::env::Environment;
use crate::words::address::{GitUrl, Scheme};
use crate::words::fault::Fault;
use crate::words::token::Token;

/// The entries of git's configuration, lowest priority first, with included files in their place.
#[derive(Clone, Default)]
pub struct GitConfig(Vec<(String, String)>);

impl GitConfig {
    /// Reads the configuration of the user and the system.
    ///
    /// # Errors
    /// `Invalid` for a file that git cannot read either.
    pub fn of_user() -> Result<Self, Fault> {
        git2::Config::open_default()
            .and_then(|config| Self::read(&config))
            .map_err(|e| unreadable(&e))
    }

    /// Reads the configuration that holds in the repository around a directory; the user's if there is none.
    ///
    /// # Errors
    /// `Invalid` for a file, or a repository, that git cannot read either.
    pub fn of_directory(directory: &Path) -> Result<Self, Fault> {
        match git2::Repository::discover(directory) {
            Ok(repo) => repo
                .config()
                .and_then(|config| Self::read(&config))
                .map_err(|e| unreadable(&e)),
            Err(e) if e.code() == git2::ErrorCode::NotFound => Self::of_user(),
            Err(e) => Err(unreadable(&e)),
        }
    }

    /// Adds what the environment sets, which comes before all files: `GIT_CONFIG_COUNT` with its `GIT_CONFIG_KEY_<n>`
    /// and `GIT_CONFIG_VALUE_<n>` (git-config(1), "Environment").
    #[must_use]
    pub fn with(mut self, environment: &Environment) -> Self {
        let count = environment
            .get("GIT_CONFIG_COUNT")
            .and_then(|count| count.parse().ok());
        for n in 0..count.unwrap_or(0_u16) {
            if let Some(name) = environment.get(&format!("GIT_CONFIG_KEY_{n}")) {
                let value = environment.get(&format!("GIT_CONFIG_VALUE_{n}"));
                self.0
                    .push((name.to_owned(), value.unwrap_or_default().to_owned()));
            }
        }
        self
    }

    /// Makes a configuration of names and values.
    pub fn from_pairs(pairs: &[(&str, &str)]) -> Self {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self(pairs.collect())
    }

    fn read(config: &git2::Config) -> Result<Self, git2::Error> {
        let mut pairs = Vec::new();
        config.entries(None)?.for_each(|entry| {
            if let (Ok(name), true) = (entry.name(), entry.has_value()) {
                let value = String::from_utf8_lossy(entry.value_bytes()).into_owned();
                pairs.push((name.to_owned(), value));
            }
        })?;
        Ok(Self(pairs))
    }

    /// Returns the value that holds for a name in git's normal form (`user.email`); empty counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self
            .0
            .iter()
            .rev()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// Returns the values of `http.<url>.<key>`, each with the host of its URL; `key` is in lower case.
    pub fn of_hosts<'a>(&'a self, key: &'a str) -> impl Iterator<Item = (String, &'a str)> + 'a {
        self.0.iter().filter_map(move |(name, value)| {
            let url = url::Url::parse(scope(name, key)?).ok()?;
            let host = url.host_str()?.to_owned();
            (!value.is_empty()).then_some((host, value.as_str()))
        })
    }

    /// Returns the value of the `Authorization` header that `http.<url>.extraheader` sets for a repository.
    ///
    /// Only headers bound to a URL count, so that a token goes to no host it was not meant for. As in
    /// git-config(1), `http.<url>.*`: scheme, host and port must be equal, and the path a whole-part prefix.
    pub fn authorization(&self, url: &GitUrl) -> Option<Token> {
        let mut found = None;
        for (name, value) in &self.0 {
            let Some(scope) = scope(name, "extraheader") else {
                continue;
            };
            if !covers(scope, url) {
                continue;
            }
            match value.split_once(':') {
                Some((header, value)) if header.trim().eq_ignore_ascii_case("authorization") => {
                    found = Some(value.trim().to_owned());
                }
                // An empty value clears what came before.
                None if value.is_empty() => found = None,
                _ => {}
            }
        }
        let (kind, secret) = found.as_deref()?.split_once(' ')?;
        Token::parse(secret).ok()?.as_header(kind)
    }
}

/// Returns the URL of a name `http.<url>.<key>`.
fn scope<'a>(name: &'a str, key: &str) -> Option<&'a str> {
    let middle = name
        .get(..5)
        .filter(|start| start.eq_ignore_ascii_case("http."))
        .and(name.get(5..))?;
    let (scope, last) = middle.rsplit_once('.')?;
    last.eq_ignore_ascii_case(key).then_some(scope)
}

fn covers(scope: &str, url: &GitUrl) -> bool {
    let Ok(scope) = url::Url::parse(scope) else {
        return false;
    };
    let folder = scope.path().trim_end_matches('/');
    matches!(url.scheme(), Scheme::Http | Scheme::Https)
        && scope.scheme() == url.scheme().name()
        && scope.host_str() == Some(url.host())
        && scope.port() == url.port()
        && url
            .path()
            .strip_prefix(folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn unreadable(error: &git2::Error) -> Fault {
    let fault = Fault::invalid(format!(
        "cannot read git's configuration: {}",
        error.message().escape_debug()
    ));
    match error.code() {
        git2::ErrorCode::Owner => {
            fault.hint("run `git config --global --add safe.directory <the folder>`, as git itself asks")
        }
        _ => fault.hint("run `git config --list --show-origin` there"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_of_actions_checkout_reaches_its_own_host_only() {
        let config = GitConfig::from_pairs(&[
            (
                "http.https://github.com/.extraheader",
                "AUTHORIZATION: basic eDp0b2s=",
            ),
            (
                "http.https://git.example:8443/team.extraheader",
                "Authorization: Bearer t0k",
            ),
            ("http.extraheader", "Authorization: basic Zm9yIGFsbA=="),
        ]);
        for (url, header) in [
            ("https://github.com/acme/config", Some("basic eDp0b2s=")),
            ("https://github.com:444/acme/config", None),
            ("http://github.com/acme/config", None),
            ("https://github.com.evil.example/acme", None),
            ("https://git.example:8443/team/x.git", Some("Bearer t0k")),
            ("https://git.example:8443/teams/x.git", None),
            ("https://git.example/team/x.git", None),
        ] {
            let url = GitUrl::parse(url).unwrap().unwrap();
            assert_eq!(
                config.authorization(&url).as_ref().map(Token::expose),
                header,
                "{url}"
            );
        }
    }

    #[test]
    fn what_the_environment_sets_comes_before_the_files() {
        let environment = Environment::from_pairs([
            ("GIT_CONFIG_COUNT", "2"),
            ("GIT_CONFIG_KEY_0", "http.proxy"),
            ("GIT_CONFIG_VALUE_0", "http://p:1"),
            ("GIT_CONFIG_KEY_1", "http.https://h/.extraheader"),
            ("GIT_CONFIG_VALUE_1", "Authorization: Bearer t0k"),
            ("GIT_CONFIG_KEY_2", "user.name"),
            ("GIT_CONFIG_VALUE_2", "beyond the count"),
        ]);
        let config = GitConfig::from_pairs(&[("http.proxy", "http://file:1")]).with(&environment);
        assert_eq!(config.get("http.proxy"), Some("http://p:1"));
        assert_eq!(config.get("user.name"), None);
        let url = GitUrl::parse("https://h/x").unwrap().unwrap();
        assert_eq!(
            config.authorization(&url).as_ref().map(Token::expose),
            Some("Bearer t0k")
        );
    }

    #[test]
    fn the_last_value_holds_and_an_empty_header_clears() {
        let config = GitConfig::from_pairs(&[
            ("user.name", "a"),
            ("user.name", "b"),
            ("http.https://h/.extraheader", "AUTHORIZATION: basic eA=="),
            ("http.https://h/.extraheader", ""),
        ]);
        assert_eq!(config.get("user.name"), Some("b"));
        assert!(
            config
                .authorization(&GitUrl::parse("https://h/x").unwrap().unwrap())
                .is_none()
        );
    }
}
