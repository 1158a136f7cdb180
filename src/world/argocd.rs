//! Argo CD's API, which is only read.
//!
//! Source: Argo CD's `server/application/application.proto`, and its "API Docs".

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::Value;

use super::forge::access::{ApiRoot, Credential, ForgeAccess};
use super::forge::call::{Answer, Called, Effect, call};
use super::http::{Lost, Request};
use crate::plan::application::{Application, LastOperation};
use crate::words::fault::{Fault, Kind};
use crate::words::wording::shown;

/// One Argo CD.
pub struct ArgoCd {
    access: ForgeAccess,
}

#[derive(Deserialize)]
struct Shown {
    #[serde(default)]
    operation: Option<Value>,
    #[serde(default)]
    status: ShownStatus,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ShownStatus {
    sync: ShownSync,
    health: ShownHealth,
    operation_state: Option<ShownOperation>,
    reconciled_at: Option<Timestamp>,
    summary: ShownSummary,
    source_hydrator: ShownHydrator,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ShownSync {
    status: String,
    revision: String,
    revisions: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ShownHealth {
    status: String,
    message: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ShownOperation {
    phase: String,
    message: Option<String>,
    finished_at: Option<Timestamp>,
    sync_result: Option<ShownResult>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ShownResult {
    revision: String,
    revisions: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ShownSummary {
    images: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ShownHydrator {
    last_successful_operation: Option<ShownHydration>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ShownHydration {
    #[serde(rename = "drySHA")]
    dry: String,
    #[serde(rename = "hydratedSHA")]
    hydrated: String,
}

impl ArgoCd {
    /// Returns the root of the API of `ARGOCD_SERVER`: a host with or without a port, or a whole address.
    ///
    /// # Errors
    /// `Invalid` for what is neither.
    pub fn root(server: &str) -> Result<ApiRoot, Fault> {
        let text = server.trim();
        let text = if text.contains("://") {
            text.to_owned()
        } else {
            format!("https://{text}")
        };
        let url = Url::parse(&text).ok().filter(|url| {
            let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
            matches!(url.scheme(), "https" | "http") && url.host_str().is_some() && plain
        });
        let url = url.ok_or_else(|| {
            Fault::invalid("ARGOCD_SERVER is no address")
                .hint("write it as argocd.example.com, or with https:// before it")
        })?;
        Ok(ApiRoot {
            graphql: url.clone(),
            rest: url,
        })
    }

    /// Prepares to reach it; nothing is sent yet.
    pub fn new(access: ForgeAccess) -> Self {
        Self { access }
    }

    /// Returns an application, compared with Git and the cluster just now.
    ///
    /// # Errors
    /// `NotFound` where there is none, `Denied` for a refusal, `GaveUp` for a connection that stays broken.
    pub fn application(&self, name: &str, namespace: Option<&str>) -> Result<Application, Fault> {
        let answer = self.get(name, namespace)?;
        let shown_name = name.escape_debug();
        match answer.status {
            200 => {
                let shown = answer.read::<Shown>("a look at Argo CD");
                let shown = shown.map_err(|fault| {
                    fault.hint(
                        "check that ARGOCD_SERVER is Argo CD's own address, with no login page before it",
                    )
                })?;
                Ok(shown.into())
            }
            404 => Err(
                Fault::not_found(format!("Argo CD has no application `{shown_name}`"))
                    .hint("check the name, and its namespace: argocd:APP@NAMESPACE"),
            ),
            401 => Err(
                Fault::new(Kind::Denied, "Argo CD does not accept the token").hint(
                    "set ARGOCD_AUTH_TOKEN to a token that has not expired: argocd proj role create-token",
                ),
            ),
            403 => Err(Fault::new(
                Kind::Denied,
                format!(
                    "Argo CD does not let us read `{shown_name}`: {}",
                    answer.complaint()
                ),
            )
            .hint("either it does not exist, or the token's role lacks `applications, get` on it")),
            status => Err(Fault::new(
                Kind::Denied,
                format!("Argo CD answered with status {status}: {}", answer.complaint()),
            )
            .hint("check ARGOCD_SERVER")),
        }
    }

    fn get(&self, name: &str, namespace: Option<&str>) -> Result<Answer, Fault> {
        let root = self.access.root.rest.as_str().trim_end_matches('/');
        let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
        let mut url = Url::parse(&format!("{root}/api/v1/applications/{name}"))
            .map_err(|_| Fault::invalid("ARGOCD_SERVER is no address"))?;
        url.query_pairs_mut().append_pair("refresh", "normal");
        if let Some(namespace) = namespace {
            url.query_pairs_mut().append_pair("appNamespace", namespace);
        }
        let mut headers = HeaderMap::new();
        if let Credential::Token(token, _) = &self.access.credential
            && let Some(bearer) = token.as_header("Bearer")
            && let Ok(mut value) = HeaderValue::from_str(bearer.expose())
        {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let called = call(&self.access, Effect::Read, "a look at Argo CD", || {
            let request = Request {
                method: Method::GET,
                url: url.clone(),
                headers: headers.clone(),
                body: None,
            };
            let mut answer = self.access.http.send(request, self.access.deadline)?;
            if let Some(elsewhere) = elsewhere(answer.redirect()) {
                return Err(Lost::for_good(elsewhere));
            }
            let bytes = answer.whole()?;
            Ok(Answer {
                status: answer.status(),
                headers: answer.headers().clone(),
                json: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            })
        })?;
        match called {
            Called::Answered(answer) => Ok(answer),
            Called::Unclear(fault) => Err(fault),
        }
    }
}

/// Says of an answer that sends us elsewhere where that is: a token goes only where it was given for.
fn elsewhere(redirect: Result<Option<Url>, Fault>) -> Option<Fault> {
    let why = match redirect {
        Ok(None) => return None,
        Ok(Some(to)) => format!("to `{}`", shown(to.as_str())),
        Err(fault) => fault.message,
    };
    Some(
        Fault::new(Kind::Denied, format!("ARGOCD_SERVER sends us elsewhere: {why}")).hint(
            "set ARGOCD_SERVER to Argo CD's own address, with https:// before it; a login page is not one",
        ),
    )
}

impl From<Shown> for Application {
    fn from(shown: Shown) -> Self {
        let status = shown.status;
        let revisions = listed(status.sync.revision, status.sync.revisions);
        // With the hydrator, what is synced is a commit that was made of the one that people wrote.
        let hydrated = status.source_hydrator.last_successful_operation;
        let dry = hydrated.filter(|one| !one.dry.is_empty() && revisions.contains(&one.hydrated));
        Self {
            sync: status.sync.status,
            health: status.health.status,
            health_message: status.health.message,
            operating: shown.operation.is_some_and(|operation| !operation.is_null()),
            last: status.operation_state.map(|state| {
                let result = state.sync_result.unwrap_or_default();
                LastOperation {
                    phase: state.phase,
                    message: state.message,
                    revisions: listed(result.revision, result.revisions),
                    finished: state.finished_at,
                }
            }),
            reconciled: status.reconciled_at,
            images: status.summary.images.unwrap_or_default(),
            revisions: revisions.into_iter().chain(dry.map(|one| one.dry)).collect(),
        }
    }
}

/// One source has its commit in `revision`, several have theirs in `revisions`.
fn listed(revision: String, revisions: Option<Vec<String>>) -> Vec<String> {
    let one = Some(revision).filter(|revision| !revision.is_empty());
    one.into_iter().chain(revisions.unwrap_or_default()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_host_or_an_address() {
        for (server, root) in [
            ("argocd.example.com", "https://argocd.example.com/"),
            ("argocd.example.com:8443", "https://argocd.example.com:8443/"),
            ("https://example.com/argocd", "https://example.com/argocd"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
        ] {
            assert_eq!(ArgoCd::root(server).unwrap().rest.as_str(), root);
        }
        for bad in ["", "https://u:p@example.com", "ftp://example.com", "a b"] {
            assert!(ArgoCd::root(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_application_is_read_however_little_it_tells() {
        let read = |json: &str| Application::from(serde_json::from_str::<Shown>(json).unwrap());
        assert_eq!(read("{}"), Application::default());
        let told = read(
            r#"{"operation":{},"status":{"sync":{"status":"Synced","revisions":["a","b"]},"health":{"status":"Healthy"},
            "reconciledAt":"2026-01-01T00:00:00Z","summary":{"images":["x:1"]},
            "operationState":{"phase":"Succeeded","finishedAt":"2026-01-01T00:00:00Z","syncResult":{"revision":"c"}},
            "sourceHydrator":{"lastSuccessfulOperation":{"drySHA":"d","hydratedSHA":"a"}}}}"#,
        );
        assert_eq!(told.revisions, ["a", "b", "d"]);
        assert_eq!(told.last.unwrap().revisions, ["c"]);
        assert!(told.operating && told.reconciled.is_some());
    }
}
