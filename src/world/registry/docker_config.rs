//! The logins that `docker login` and `podman login` keep.
//!
//! Sources: Docker's "docker login" (credential stores, helpers), containers-auth.json(5).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use secrecy::SecretString;
use serde::Deserialize;

use super::login::Login;
use super::place::DOCKER_HUB;
use crate::words::token::Token;

/// The name under which Docker keeps the login of Docker Hub.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// Such a file. What else it holds is passed over, and so is what is `null`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DockerConfig {
    auths: Option<BTreeMap<String, Option<Kept>>>,
    cred_helpers: Option<BTreeMap<String, String>>,
    creds_store: Option<String>,
}

/// One login. Docker leaves an empty one behind where a helper holds it.
#[derive(Default, Deserialize)]
struct Kept {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
    registrytoken: Option<String>,
}

/// A program that holds a login, and the name by which to ask it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Helper {
    pub program: String,
    pub key: String,
}

impl DockerConfig {
    /// Reads one; the error never holds what stands in it.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|error| format!("line {} cannot be read", error.line()))
    }

    /// Returns who holds the login of a registry: a helper of its own, else the store of all.
    ///
    /// A name with anything but letters, digits, `.`, `_` and `-` is no program of anybody's.
    pub(super) fn helper(&self, host: &str) -> Option<Helper> {
        let own = self
            .cred_helpers
            .iter()
            .flatten()
            .find(|(key, _)| bare(key) == host);
        let (key, name) = match own {
            Some((key, name)) => (key.clone(), name),
            None => (kept_as(host).to_owned(), self.creds_store.as_ref()?),
        };
        let word = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        (!name.is_empty() && name.bytes().all(word)).then(|| Helper {
            program: format!("docker-credential-{name}"),
            key,
        })
    }

    /// Returns the login that the file itself holds for an image: the one for the longest part of its name.
    pub(super) fn login(&self, host: &str, path: &str) -> Option<Login> {
        let name = format!("{host}/{path}");
        let fits = |key: &str| {
            key == host
                || name
                    .strip_prefix(key)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let kept = self.auths.iter().flatten();
        kept.filter_map(|(key, kept)| Some((bare(key), kept.as_ref()?.login()?)))
            .filter(|(key, _)| fits(key))
            .max_by_key(|(key, _)| key.len())
            .map(|(_, login)| login)
    }
}

impl Kept {
    fn login(&self) -> Option<Login> {
        let filled = |field: &Option<String>| field.clone().filter(|text| !text.is_empty());
        if let Some(token) = filled(&self.identitytoken) {
            return Some(Login::Identity(SecretString::from(token)));
        }
        if let Some(token) = filled(&self.registrytoken) {
            return Token::parse(&token).ok().map(Login::Bearer);
        }
        let (user, password) = match filled(&self.auth) {
            Some(auth) => decoded(&auth)?,
            None => (filled(&self.username)?, filled(&self.password)?),
        };
        Login::of(user, password)
    }
}

/// Docker pads `auth` or does not, and may leave zero bytes at its end.
fn decoded(auth: &str) -> Option<(String, String)> {
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let engine = GeneralPurpose::new(&base64::alphabet::STANDARD, lenient);
    let text = String::from_utf8(engine.decode(auth.trim()).ok()?).ok()?;
    let (user, password) = text.trim_end_matches('\0').split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// Returns a key without what older versions of Docker wrote around the registry's host.
fn bare(key: &str) -> String {
    let key = ["https://", "http://"]
        .iter()
        .find_map(|scheme| key.strip_prefix(scheme))
        .unwrap_or(key)
        .trim_end_matches('/');
    let key = ["/v1", "/v2"]
        .iter()
        .find_map(|version| key.strip_suffix(version))
        .unwrap_or(key);
    let (host, path) = key.split_once('/').map_or((key, ""), |(host, path)| (host, path));
    let host = match host.to_ascii_lowercase().as_str() {
        "index.docker.io" | "registry-1.docker.io" => DOCKER_HUB.to_owned(),
        host => host.to_owned(),
    };
    if path.is_empty() {
        host
    } else {
        format!("{host}/{path}")
    }
}

fn kept_as(host: &str) -> &str {
    if host == DOCKER_HUB { DOCKER_HUB_KEY } else { host }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn config(json: &str) -> DockerConfig {
        DockerConfig::parse(json.as_bytes()).unwrap()
    }

    #[test]
    fn the_login_of_a_registry_is_found_however_it_was_written() {
        let auth = STANDARD.encode("ana:a:b");
        for (key, host) in [
            ("ghcr.io", "ghcr.io"),
            ("https://ghcr.io", "ghcr.io"),
            ("https://GHCR.io/v2/", "ghcr.io"),
            ("https://index.docker.io/v1/", "docker.io"),
            ("docker.io", "docker.io"),
            ("registry.example:5050", "registry.example:5050"),
            ("ghcr.io/acme", "ghcr.io"),
            ("ghcr.io/acme/web", "ghcr.io"),
        ] {
            let found = config(&format!(r#"{{"auths":{{"{key}":{{"auth":"{auth}"}}}}}}"#));
            let login = found.login(host, "acme/web").unwrap_or_else(|| panic!("{key}"));
            assert_eq!(login.user(), Some("ana"), "{key}");
        }
        for (key, host) in [
            ("ghcr.io", "ghcr.io.evil.example"),
            ("registry.example", "registry.example:5050"),
            ("ghcr.io/acm", "ghcr.io"),
            ("ghcr.io/other", "ghcr.io"),
        ] {
            let found = config(&format!(r#"{{"auths":{{"{key}":{{"auth":"{auth}"}}}}}}"#));
            assert!(found.login(host, "acme/web").is_none(), "{key}");
        }
    }

    #[test]
    fn the_login_for_the_longest_part_of_a_name_is_taken() {
        let auth = |user: &str| STANDARD.encode(format!("{user}:p"));
        let found = config(&format!(
            r#"{{"auths":{{"ghcr.io":{{"auth":"{}"}},"ghcr.io/acme":{{"auth":"{}"}},"x":null,"y":{{}}}}}}"#,
            auth("all"),
            auth("acme")
        ));
        let user = |path| found.login("ghcr.io", path).unwrap().user().map(str::to_owned);
        assert_eq!(user("acme/web").as_deref(), Some("acme"));
        assert_eq!(user("other/web").as_deref(), Some("all"));
    }

    #[test]
    fn a_helper_is_asked_by_the_name_that_docker_gave_it() {
        let found = config(
            r#"{"credsStore":"desktop","credHelpers":{"gcr.io":"gcloud","1.dkr.ecr.eu-west-1.amazonaws.com":"ecr-login"}}"#,
        );
        for (host, program, key) in [
            ("gcr.io", "docker-credential-gcloud", "gcr.io"),
            (
                "docker.io",
                "docker-credential-desktop",
                "https://index.docker.io/v1/",
            ),
            ("ghcr.io", "docker-credential-desktop", "ghcr.io"),
        ] {
            let helper = found.helper(host).unwrap();
            assert_eq!((helper.program.as_str(), helper.key.as_str()), (program, key));
        }
        for name in ["../../bin/sh", "a b", "", "x;id"] {
            assert!(
                config(&format!(r#"{{"credsStore":"{name}"}}"#))
                    .helper("x")
                    .is_none()
            );
        }
    }

    #[test]
    fn a_file_that_is_no_configuration_is_not_repeated() {
        for bad in [
            "",
            "[]",
            r#"{"auths":"s3cret"}"#,
            r#"{"auths":{"x":{"auth":["s3cret"]}}}"#,
        ] {
            let why = DockerConfig::parse(bad.as_bytes()).err().unwrap();
            assert!(!why.contains("s3cret"), "{why}");
        }
        let odd = config(r#"{"auths":{"a":{"auth":"%%"},"b":{"auth":"YQ=="},"c":{"registrytoken":"a b"}}}"#);
        assert!(["a", "b", "c"].iter().all(|host| odd.login(host, "x").is_none()));
    }
}
