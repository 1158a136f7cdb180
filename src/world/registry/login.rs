//! Who we are to a registry: what Docker's and Podman's files, their helpers, and CI say.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::RegistryAccess;
use super::docker_config::{DockerConfig, Helper};
use super::place::Place;
use crate::words::token::Token;
use crate::world::clock::Deadline;
use crate::world::env::Environment;
use crate::world::{files, process};

/// How much of a configuration is read.
const MOST_READ: u64 = 1 << 20;
/// How long a credential helper may take, which may ask a cloud for a token; but no more than half of the time that is
/// left, so that an image for everybody can be read all the same.
const HELPER_TAKES: Duration = Duration::from_secs(30);
/// The user that stands for "the secret is an identity token" (Docker's credential helper protocol).
const IDENTITY: &str = "<token>";

/// A way to prove who we are.
pub(super) enum Login {
    /// By user and password.
    Password(String, SecretString),
    /// By an identity token, which the token service takes for a token of the registry (OAuth 2.0's refresh token).
    Identity(SecretString),
    /// By a token of the registry itself.
    Bearer(Token),
}

/// The logins that fit one image, best first, with where each came from; and why others cannot be had.
#[derive(Default)]
pub(super) struct Logins {
    pub found: Vec<(Login, String)>,
    pub troubles: Vec<String>,
}

/// What a helper prints.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Helped {
    username: String,
    secret: String,
}

impl Login {
    /// Makes one of a user and a password, one of which may stand for another kind of secret.
    pub(super) fn of(user: String, password: String) -> Option<Self> {
        if password.is_empty() {
            return None;
        }
        let secret = SecretString::from(password);
        Some(match user.as_str() {
            IDENTITY => Self::Identity(secret),
            _ => Self::Password(user, secret),
        })
    }

    /// Returns the user, where there is one.
    pub(super) fn user(&self) -> Option<&str> {
        match self {
            Self::Password(user, _) => Some(user),
            Self::Identity(_) | Self::Bearer(_) => None,
        }
    }

    /// Returns the secret, for the redactor.
    pub(super) fn secret(&self) -> &str {
        match self {
            Self::Password(_, secret) | Self::Identity(secret) => secret.expose_secret(),
            Self::Bearer(token) => token.expose(),
        }
    }
}

impl Logins {
    /// Gathers them: the first file that has one, then CI's own.
    pub(super) fn of(place: &Place, access: &RegistryAccess) -> Self {
        let mut logins = Self::default();
        for (source, config) in configs(&access.environment) {
            match config {
                Ok(Some(config)) => logins.take(&config, &source, place, access),
                Ok(None) => {}
                Err(why) => logins.troubles.push(format!("{source}: {why}")),
            }
            if !logins.found.is_empty() {
                break;
            }
        }
        logins.found.extend(of_ci(place, &access.environment));
        for (login, _) in &logins.found {
            access.progress.secret(login.secret());
        }
        logins
    }

    fn take(&mut self, config: &DockerConfig, source: &str, place: &Place, access: &RegistryAccess) {
        if let Some(helper) = config.helper(&place.host) {
            match helper.ask(access) {
                Ok(Some(login)) => {
                    self.found.push((login, format!("`{}`", helper.program)));
                    return;
                }
                Ok(None) => {}
                Err(why) => self.troubles.push(why),
            }
        }
        let own = config.login(&place.host, &place.path);
        self.found.extend(own.map(|login| (login, source.to_owned())));
    }
}

impl Helper {
    /// Asks for the login; `None` where the helper has none. What it prints is shown nowhere.
    fn ask(&self, access: &RegistryAccess) -> Result<Option<Login>, String> {
        let program = &self.program;
        let mut command = access.environment.command(program);
        command.arg("get");
        let deadline = Deadline::after(HELPER_TAKES.min(access.deadline.left() / 2));
        let finished =
            process::run(&mut command, self.key.as_bytes(), deadline).map_err(|fault| fault.message)?;
        if !finished.ok {
            let said = String::from_utf8_lossy(&finished.stdout).to_lowercase();
            // What the library says that helpers are made of, in all of its versions.
            let has_none = said.contains("credentials not found");
            return if has_none {
                Ok(None)
            } else {
                Err(format!("`{program}` failed"))
            };
        }
        let helped: Helped = serde_json::from_slice(&finished.stdout)
            .map_err(|_| format!("`{program}` answered with something that is no login"))?;
        Ok(Login::of(helped.username, helped.secret))
    }
}

/// A configuration, `None` where there is none, or why it cannot be read.
type Found = Result<Option<DockerConfig>, String>;

/// The configurations in the order in which they are asked, by the names that users know them by.
fn configs(environment: &Environment) -> impl Iterator<Item = (String, Found)> {
    let held = environment.get("DOCKER_AUTH_CONFIG").map(|text| {
        let config = DockerConfig::parse(text.as_bytes()).map(Some);
        ("DOCKER_AUTH_CONFIG".to_owned(), config)
    });
    let files = places(environment).into_iter().map(|file| {
        let shown = file.display().to_string().escape_debug().to_string();
        (format!("`{shown}`"), read(&file))
    });
    held.into_iter().chain(files)
}

fn places(environment: &Environment) -> Vec<PathBuf> {
    let variable = |name: &str| environment.get(name).map(PathBuf::from);
    let home = variable("HOME").or_else(|| variable("USERPROFILE"));
    let docker = variable("DOCKER_CONFIG").or_else(|| Some(home.as_ref()?.join(".docker")));
    let configuration = variable("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
    let podman = |folder: PathBuf| folder.join("containers").join("auth.json");
    [
        variable("REGISTRY_AUTH_FILE"),
        docker.map(|folder| folder.join("config.json")),
        variable("XDG_RUNTIME_DIR").map(podman),
        configuration.map(podman),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn read(file: &Path) -> Found {
    if !file.is_file() {
        return Ok(None);
    }
    let bytes = files::read(file, MOST_READ).map_err(|error| error.root_cause().to_string())?;
    DockerConfig::parse(&bytes).map(Some)
}

/// What CI has for its own registry, and for no other.
///
/// GitLab: `CI_REGISTRY` and its login. GitHub: the job's token reaches ghcr.io, which belongs to github.com only.
fn of_ci(place: &Place, environment: &Environment) -> Vec<(Login, String)> {
    let mut found = Vec::new();
    let mut add = |user: &str, variable: &str| {
        let login = environment
            .get(variable)
            .and_then(|secret| Login::of(user.to_owned(), secret.to_owned()));
        found.extend(login.map(|login| (login, variable.to_owned())));
    };
    let is_gitlabs = environment
        .get("CI_REGISTRY")
        .is_some_and(|host| host.eq_ignore_ascii_case(&place.host));
    if is_gitlabs && let Some(user) = environment.get("CI_REGISTRY_USER") {
        add(user, "CI_REGISTRY_PASSWORD");
    }
    let server = environment
        .get("GITHUB_SERVER_URL")
        .unwrap_or("https://github.com");
    if place.host == "ghcr.io" && server.trim_end_matches('/') == "https://github.com" {
        let user = environment.get("GITHUB_ACTOR").unwrap_or("x-access-token");
        add(user, "GH_TOKEN");
        add(user, "GITHUB_TOKEN");
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_ci_for(image: &str, pairs: &[(&str, &str)]) -> Vec<String> {
        let place = Place::of(&image.parse().unwrap()).unwrap();
        let environment = Environment::from_pairs(pairs.iter().copied());
        let found = of_ci(&place, &environment).into_iter();
        found
            .map(|(login, source)| format!("{source} {}:{}", login.user().unwrap(), login.secret()))
            .collect()
    }

    #[test]
    fn what_ci_has_goes_to_its_own_registry_only() {
        let all = [
            ("GITHUB_TOKEN", "t"),
            ("GITHUB_SERVER_URL", "https://github.com"),
            ("CI_REGISTRY", "registry.example:5050"),
            ("CI_REGISTRY_USER", "gitlab-ci-token"),
            ("CI_REGISTRY_PASSWORD", "p"),
        ];
        for (image, expected) in [
            ("ghcr.io/acme/web", vec!["GITHUB_TOKEN x-access-token:t"]),
            (
                "registry.example:5050/acme/web",
                vec!["CI_REGISTRY_PASSWORD gitlab-ci-token:p"],
            ),
            ("registry.example/acme/web", vec![]),
            ("ghcr.io.evil.example/acme/web", vec![]),
            ("nginx", vec![]),
        ] {
            assert_eq!(of_ci_for(image, &all), expected, "{image}");
        }
        let enterprise = [
            ("GITHUB_TOKEN", "t"),
            ("GITHUB_SERVER_URL", "https://ghe.example"),
        ];
        assert!(of_ci_for("ghcr.io/acme/web", &enterprise).is_empty());
    }

    #[test]
    fn the_files_of_docker_and_podman_are_found_where_they_keep_them() {
        let environment = Environment::from_pairs([("HOME", "/h"), ("XDG_RUNTIME_DIR", "/run/user/1")]);
        let found: Vec<String> = places(&environment)
            .iter()
            .map(|file| file.display().to_string().replace('\\', "/"))
            .collect();
        assert_eq!(
            found,
            [
                "/h/.docker/config.json",
                "/run/user/1/containers/auth.json",
                "/h/.config/containers/auth.json",
            ]
        );
        let named = Environment::from_pairs([("REGISTRY_AUTH_FILE", "/a"), ("DOCKER_CONFIG", "/d")]);
        assert_eq!(
            places(&named),
            [PathBuf::from("/a"), PathBuf::from("/d").join("config.json")]
        );
    }
}
