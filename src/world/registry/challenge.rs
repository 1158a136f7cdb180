//! How a registry wants to be told who asks: the header `WWW-Authenticate`.
//!
//! Sources: RFC 9110, section 11.6.1; the distribution project's "Token Authentication Specification".

use http_auth::parse_challenges;
use reqwest::header::WWW_AUTHENTICATE;
use url::Url;

use super::fetch::Answer;
use super::place::{host_of, may_lead_to};
use crate::words::fault::{Fault, Kind};
use crate::words::wording::shown;

/// What a registry wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    /// User and password.
    Basic,
    /// A token, which a token service gives.
    Bearer(Realm),
}

/// A token service, and what it is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Realm {
    /// Its address.
    pub url: Url,
    /// Which registry the token is for.
    pub service: Option<String>,
    /// What the token is to allow.
    pub scope: Option<String>,
}

impl Challenge {
    /// Reads the challenge of an answer: for a token, where there is one, else for a password.
    ///
    /// # Errors
    /// `Denied` where the answer wants something else, or a token from a service that may not be asked.
    pub(super) fn of(answer: &Answer) -> Result<Self, Fault> {
        let host = host_of(&answer.url);
        let mut basic = false;
        let mut others = Vec::new();
        for header in answer.headers.get_all(WWW_AUTHENTICATE) {
            let header = header.to_str().unwrap_or_default();
            // What cannot be read is passed over: another header may hold what we know.
            for challenge in parse_challenges(header).unwrap_or_default() {
                let param = |name: &str| {
                    let mut params = challenge.params.iter();
                    let found = params.find(|(key, _)| key.eq_ignore_ascii_case(name));
                    found.map(|(_, value)| value.to_unescaped())
                };
                match challenge.scheme.to_ascii_lowercase().as_str() {
                    "bearer" => {
                        let url = realm(answer, param("realm").as_deref())?;
                        return Ok(Self::Bearer(Realm {
                            url,
                            service: param("service"),
                            scope: param("scope"),
                        }));
                    }
                    "basic" => basic = true,
                    other => others.push(shown(other)),
                }
            }
        }
        if basic {
            return Ok(Self::Basic);
        }
        let wants = match others.as_slice() {
            [] => "does not say how".to_owned(),
            others => format!("wants `{}`, which is not known here", others.join("`, `")),
        };
        Err(
            Fault::new(Kind::Denied, format!("`{host}` wants a login, and {wants}"))
                .hint("check that the image's name begins with the host of its registry"),
        )
    }
}

/// Any host may be a registry's token service, as for Docker: the registry, which is trusted with the login, says whom
/// it asks. But the login goes there by TLS only.
fn realm(answer: &Answer, realm: Option<&str>) -> Result<Url, Fault> {
    let host = host_of(&answer.url);
    let denied = |why: String| {
        Fault::new(Kind::Denied, format!("`{host}` wants a token from {why}"))
            .hint("the registry's own configuration has to name a token service with https://")
    };
    let text = realm.unwrap_or_default();
    let url = Url::parse(text).map_err(|_| denied(format!("`{}`, which is no address", shown(text))))?;
    if may_lead_to(&answer.url, &url) {
        return Ok(url);
    }
    Err(denied(format!(
        "`{}` without TLS, where a login could be read on the way",
        shown(&host_of(&url))
    )))
}
