//! Opens a repository's forge, with the credential that goes there.

use std::sync::Arc;

use url::Url;

use super::cli::CommonArgs;
use super::config_repo::HostedAt;
use super::console::Console;
use super::opening::Opening;
use super::tokens::{self, Role};
use crate::words::address::{GitUrl, Scheme};
use crate::words::fault::Fault;
use crate::words::forge_repo::{ForgeKind, ForgeRepo};
use crate::world::ci::Host;
use crate::world::env::Environment;
use crate::world::forge::Forge;
use crate::world::forge::access::{ApiRoot, Credential, ForgeAccess};
use crate::world::git_config::GitConfig;
use crate::world::http::Http;

/// Opens the forge of a repository that the flags name.
///
/// # Errors
/// `Invalid` for an address of the API or a token that is none.
pub(super) fn open(repo: &ForgeRepo, role: Role, opening: &Opening<'_>) -> anyhow::Result<Forge> {
    open_at(repo, opening.common.api_url.as_deref(), role, opening)
}

/// Opens the forge that serves a git address.
///
/// # Errors
/// `Invalid` where the address does not tell which forge that is, or which project.
pub(super) fn open_of_url(url: &GitUrl, opening: &Opening<'_>) -> anyhow::Result<Forge> {
    let Opening {
        common, environment, ..
    } = *opening;
    let kind = kind_of(url, common, environment)?;
    let repo = ForgeRepo::new(kind, url.path().trim_matches('/'))?;
    let api_url = match &common.api_url {
        Some(api_url) => Some(api_url.clone()),
        None => api_of(kind, url, environment),
    };
    open_at(&repo, api_url.as_deref(), Role::Target, opening)
}

/// Opens the forge of an app's own repository; `None` where no forge can be told for it. It is the one that CI runs on, at
/// the API that CI names, or else the one that serves the config repo.
pub(super) fn open_source(repo: &str, config_repo: &HostedAt, opening: &Opening<'_>) -> Option<Forge> {
    let (kind, api_url) = source_api(config_repo, opening.common, opening.environment)?;
    let repo = ForgeRepo::new(kind, repo).ok()?;
    open_at(&repo, api_url.as_deref(), Role::Source, opening).ok()
}

/// Tells the forge of an app's own repository, and its API's address, where [`ApiRoot::of`] does not find it by itself.
fn source_api(
    config_repo: &HostedAt,
    common: &CommonArgs,
    environment: &Environment,
) -> Option<(ForgeKind, Option<String>)> {
    match (Host::of(environment), config_repo) {
        // `--api-url` is that of the config repo, which may lie on another host than the apps.
        (Some(Host::GitHub), _) => Some((ForgeKind::GitHub, None)),
        (Some(Host::GitLab), _) => Some((ForgeKind::GitLab, None)),
        (_, HostedAt::Forge(repo)) => Some((repo.kind(), common.api_url.clone())),
        (_, HostedAt::Git(url)) => {
            let kind = kind_of(url, common, environment).ok()?;
            let given = common.api_url.clone();
            Some((kind, given.or_else(|| api_of(kind, url, environment))))
        }
        (_, HostedAt::Nowhere) => None,
    }
}

fn open_at(
    repo: &ForgeRepo,
    api_url: Option<&str>,
    role: Role,
    opening: &Opening<'_>,
) -> anyhow::Result<Forge> {
    let Opening {
        common,
        environment,
        deadline,
        console,
    } = *opening;
    let root = ApiRoot::of(repo.kind(), api_url, environment)?;
    let credential = tokens::credential(repo.kind(), &root, role, common, environment)?;
    match &credential {
        Credential::None => console.detail(&format!("no token for `{}`", root.host())),
        Credential::Token(_, source) => console.detail(&format!("token for `{}` from {source}", root.host())),
        Credential::App { .. } => console.detail(&format!("GitHub App for `{}`", root.host())),
    }
    if let Some(warning) = root
        .plaintext_warning()
        .filter(|_| !matches!(credential, Credential::None))
    {
        console.warn(&warning);
    }
    let config = GitConfig::of_user()?.with(environment);
    let forge = Forge::new(
        repo.clone(),
        ForgeAccess {
            http: Http::new(environment, &config),
            credential,
            root,
            deadline,
            progress: Arc::<Console>::clone(console),
        },
    );
    if let Some(warning) = forge.out_of_reach(environment.get("GITHUB_REPOSITORY")) {
        console.warn(&warning);
    }
    Ok(forge)
}

/// Tells the forge of a git address: `--forge`, else the CI host that it lies on, else its name.
fn kind_of(url: &GitUrl, common: &CommonArgs, environment: &Environment) -> Result<ForgeKind, Fault> {
    if let Some(kind) = common.forge {
        return Ok(kind.into());
    }
    let host = url.host().to_ascii_lowercase();
    let is_server = |name: &str| server_host(environment.get(name)).as_deref() == Some(&host);
    if is_server("GITHUB_SERVER_URL") {
        Ok(ForgeKind::GitHub)
    } else if is_server("CI_SERVER_URL") {
        Ok(ForgeKind::GitLab)
    } else if host.split('.').any(|part| part == "github") {
        Ok(ForgeKind::GitHub)
    } else if host.split('.').any(|part| part == "gitlab") {
        Ok(ForgeKind::GitLab)
    } else {
        Err(Fault::invalid(format!("cannot tell which forge serves `{url}`"))
            .hint("name it with --forge github or --forge gitlab, and its API with --api-url"))
    }
}

fn server_host(url: Option<&str>) -> Option<String> {
    Url::parse(url?).ok()?.host_str().map(str::to_ascii_lowercase)
}

/// Returns the API of a git address's host; `None` for the one that [`ApiRoot::of`] finds by itself.
fn api_of(kind: ForgeKind, url: &GitUrl, environment: &Environment) -> Option<String> {
    let (server, public, api) = match kind {
        ForgeKind::GitHub => ("GITHUB_SERVER_URL", "github.com", "/api/v3"),
        ForgeKind::GitLab => ("CI_SERVER_URL", "gitlab.com", "/api/v4"),
    };
    let host = url.host().to_ascii_lowercase();
    if server_host(environment.get(server)).as_deref() == Some(&host) {
        return None;
    }
    if host == public {
        return Some(match kind {
            ForgeKind::GitHub => "https://api.github.com".to_owned(),
            ForgeKind::GitLab => "https://gitlab.com/api/v4".to_owned(),
        });
    }
    let (scheme, port) = match (url.scheme(), url.port()) {
        (Scheme::Http, Some(port)) => ("http", format!(":{port}")),
        (Scheme::Http, None) => ("http", String::new()),
        (Scheme::Https, Some(port)) => ("https", format!(":{port}")),
        _ => ("https", String::new()),
    };
    Some(format!("{scheme}://{host}{port}{api}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_app_lies_on_the_forge_that_builds_it_wherever_the_config_repo_is() {
        use ForgeKind::{GitHub, GitLab};
        let forge = |text: &str| HostedAt::Forge(ForgeRepo::parse(text).unwrap().unwrap());
        let git = |text: &str| HostedAt::Git(GitUrl::parse(text).unwrap().unwrap());
        let (hub, lab) = (("GITHUB_ACTIONS", "true"), ("GITLAB_CI", "true"));
        let given = Some("https://given.example/api/v4");
        for (ci, config_repo, api_url, expected) in [
            (&[hub][..], forge("gitlab:g/p"), given, Some((GitHub, None))),
            (&[hub], forge("github:a/b"), given, Some((GitHub, None))),
            (&[lab], forge("github:a/b"), None, Some((GitLab, None))),
            (&[lab], git("https://github.com/a/b"), None, Some((GitLab, None))),
            (&[hub], HostedAt::Nowhere, None, Some((GitHub, None))),
            (&[], forge("gitlab:g/p"), given, Some((GitLab, given))),
            (&[], git("https://lab.example/gitlab/p"), given, None),
            (
                &[("CI_SERVER_URL", "https://lab.example")],
                git("https://lab.example/g/p"),
                given,
                Some((GitLab, given)),
            ),
            (
                &[],
                git("https://gitlab.lab.example/g/p"),
                None,
                Some((GitLab, Some("https://gitlab.lab.example/api/v4"))),
            ),
            (&[], HostedAt::Nowhere, given, None),
        ] {
            let environment = Environment::from_pairs(ci.iter().copied());
            let common = CommonArgs {
                api_url: api_url.map(str::to_owned),
                ..CommonArgs::for_tests()
            };
            let found = source_api(&config_repo, &common, &environment);
            let found = found.as_ref().map(|(kind, api_url)| (*kind, api_url.as_deref()));
            assert_eq!(found, expected, "{ci:?} {api_url:?}");
        }
    }
}
