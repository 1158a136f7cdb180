//! Which proxy a request goes through.

use reqwest::{ClientBuilder, NoProxy, Proxy};

use crate::words::fault::Fault;
use crate::world::env::Environment;
use crate::world::git_config::GitConfig;

/// The protocols that a proxy may speak; an address without one means http.
const SCHEMES: [&str; 6] = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];

/// The proxies that the environment and git's configuration name, as curl reads them.
///
/// Git's `http.proxy` comes before the variables; `no_proxy` holds for all of them. A variable in small
/// letters comes before its twin (curl(1), "Environment").
pub(super) struct Proxies {
    https: Option<Named>,
    http: Option<Named>,
    except: Option<String>,
}

/// The address of a proxy, which may hold a login and is never shown, and who names it.
struct Named {
    name: &'static str,
    address: String,
}

impl Proxies {
    /// Gathers what is named.
    pub(super) fn of(environment: &Environment, config: &GitConfig) -> Self {
        let named = |name| {
            let address = environment.get(name)?.to_owned();
            Some(Named { name, address })
        };
        let first = |names: &[&'static str]| {
            let of_git = config.get("http.proxy").map(|address| Named {
                name: "git's http.proxy",
                address: address.to_owned(),
            });
            of_git.or_else(|| names.iter().copied().find_map(named))
        };
        // In a CGI program HTTP_PROXY is a header that a stranger sent (httpoxy, CVE-2016-5385).
        let http: &[_] = if environment.get("REQUEST_METHOD").is_some() {
            &["http_proxy", "all_proxy", "ALL_PROXY"]
        } else {
            &["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
        };
        Self {
            https: first(&["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"]),
            http: first(http),
            except: named("no_proxy")
                .or_else(|| named("NO_PROXY"))
                .map(|named| named.address),
        }
    }

    /// Gives them to the client; it looks for no others.
    ///
    /// # Errors
    /// `Invalid` for what is no address of a proxy.
    pub(super) fn give_to(&self, mut builder: ClientBuilder) -> Result<ClientBuilder, Fault> {
        builder = builder.no_proxy();
        let except = self.except.as_deref().and_then(NoProxy::from_string);
        if let Some(named) = &self.https {
            builder = builder.proxy(named.proxy(Proxy::https)?.no_proxy(except.clone()));
        }
        if let Some(named) = &self.http {
            builder = builder.proxy(named.proxy(Proxy::http)?.no_proxy(except));
        }
        Ok(builder)
    }

    /// Returns who names the proxy for URLs of a scheme; a host that `no_proxy` lists does not use it.
    pub(super) fn name(&self, scheme: &str) -> Option<&'static str> {
        let proxy = if scheme == "https" {
            &self.https
        } else {
            &self.http
        };
        proxy.as_ref().map(|named| named.name)
    }
}

impl Named {
    /// Makes the proxy; reqwest would silently go without one whose scheme it does not know.
    fn proxy(&self, make: fn(String) -> reqwest::Result<Proxy>) -> Result<Proxy, Fault> {
        let known = match self.address.split_once("://") {
            Some((scheme, _)) => SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme)),
            None => true,
        };
        let proxy = if known {
            make(self.address.clone()).ok()
        } else {
            None
        };
        proxy.ok_or_else(|| {
            Fault::invalid(format!("{} is no address of a proxy", self.name))
                .hint("write it as http://host:port or socks5://host:port")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_scheme_has_the_proxy_that_curl_would_take() {
        let git: &[(&str, &str)] = &[("http.proxy", "http://g:1")];
        for (pairs, config, https, http) in [
            (&[][..], &[][..], None, None),
            (
                &[("HTTPS_PROXY", "http://a:1"), ("https_proxy", "")],
                &[],
                Some("HTTPS_PROXY"),
                None,
            ),
            (
                &[("HTTPS_PROXY", "http://a:1"), ("https_proxy", "b")],
                &[],
                Some("https_proxy"),
                None,
            ),
            (&[("HTTP_PROXY", "http://a:1")], &[], None, Some("HTTP_PROXY")),
            (
                &[("HTTP_PROXY", "http://a:1"), ("REQUEST_METHOD", "GET")],
                &[],
                None,
                None,
            ),
            (
                &[("ALL_PROXY", "socks5://a:1")],
                &[],
                Some("ALL_PROXY"),
                Some("ALL_PROXY"),
            ),
            (
                &[("HTTPS_PROXY", "http://a:1")],
                git,
                Some("git's http.proxy"),
                Some("git's http.proxy"),
            ),
        ] {
            let proxies = Proxies::of(
                &Environment::from_pairs(pairs.iter().copied()),
                &GitConfig::from_pairs(config),
            );
            assert_eq!(
                (proxies.name("https"), proxies.name("http")),
                (https, http),
                "{pairs:?}"
            );
        }
    }
}
