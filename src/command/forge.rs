//! Opens a repository's forge, with the credential that goes there.

use std::sync::Arc;

use url::Url;

use super::cli::CommonArgs;
use super::config_repo::HostedAt;
use super::console::Console;
use super::opening::Opening;
use super::tokens::{self, Role};
use crate::words::address::{GitUrl, RepoAddress, Scheme};
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
    let (repo, api_url) = served_at(url, opening.common, opening.environment)?;
    open_at(&repo, api_url.as_deref(), Role::Target, opening)
}

/// Opens the forge of an app's repository that the flags name beside a config repo. In CI it lies at the API that CI names,
/// as `--api-url` is that of the config repo. The token of the config repo goes there too, where it is the same repository,
/// or no other token is at hand and both are on one host.
///
/// # Errors
/// As [`open`].
pub(super) fn open_beside(
    repo: &ForgeRepo,
    config_repo: &RepoAddress,
    opening: &Opening<'_>,
) -> anyhow::Result<Forge> {
    let Opening {
        common, environment, ..
    } = *opening;
    let home = match Host::of(environment) {
        Some(Host::GitHub) => Some(ForgeKind::GitHub),
        Some(Host::GitLab) => Some(ForgeKind::GitLab),
        Some(Host::Other) | None => None,
    };
    let api_url = common.api_url.as_deref().filter(|_| home != Some(repo.kind()));
    let root = ApiRoot::of(repo.kind(), api_url, environment)?;
    let (is_it, shares_host) = match config_repo {
        RepoAddress::Forge(other) => {
            let theirs = ApiRoot::of(other.kind(), common.api_url.as_deref(), environment)?;
            let shares_host = other.kind() == repo.kind() && theirs.rest.origin() == root.rest.origin();
            (shares_host && other == repo, shares_host)
        }
        RepoAddress::Git(url) => (
            false,
            url.host()
                .eq_ignore_ascii_case(root.host().trim_start_matches("api.")),
        ),
        RepoAddress::Directory(_) => (false, false),
    };
    let role = match tokens::credential(repo.kind(), &root, Role::Source, common, environment)? {
        _ if is_it => Role::Target,
        Credential::None if shares_host => Role::Target,
        _ => Role::Source,
    };
    open_at(repo, api_url, role, opening)
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

/// Tells the repository of a git address, and its API's address, where [`ApiRoot::of`] does not find it by itself.
fn served_at(
    url: &GitUrl,
    common: &CommonArgs,
    environment: &Environment,
) -> Result<(ForgeRepo, Option<String>), Fault> {
    let kind = kind_of(url, common, environment)?;
    let api_url = common.api_url.clone().or_else(|| api_of(kind, url, environment));
    let root = ApiRoot::of(kind, api_url.as_deref(), environment)?;
    Ok((ForgeRepo::new(kind, path_below(&root, url))?, api_url))
}

/// Tells the forge of a git address: `--forge`, else the CI host that it lies on, else its name.
pub(super) fn kind_of(
    url: &GitUrl,
    common: &CommonArgs,
    environment: &Environment,
) -> Result<ForgeKind, Fault> {
    if let Some(kind) = common.forge {
        return Ok(kind.into());
    }
    let host = url.host().to_ascii_lowercase();
    let is_server = |name: &str| server_host(environment.get(name)).as_deref() == Some(&host);
    if is_server("GITHUB_SERVER_URL") {
        Ok(ForgeKind::GitHub)
    } else if is_server("CI_SERVER_URL") {
        Ok(ForgeKind::GitLab)
    } else if is_tenant(&host) || host.split('.').any(|part| part == "github") {
        Ok(ForgeKind::GitHub)
    } else if host.split('.').any(|part| part == "gitlab") {
        Ok(ForgeKind::GitLab)
    } else {
        Err(Fault::invalid(format!("cannot tell which forge serves `{url}`"))
            .hint("name it with --forge github or --forge gitlab, and its API with --api-url"))
    }
}

/// Whether a host is a company's own part of GitHub's cloud ("About GitHub Enterprise Cloud with data residency").
fn is_tenant(host: &str) -> bool {
    host.ends_with(".ghe.com")
}

fn server_host(url: Option<&str>) -> Option<String> {
    Url::parse(url?).ok()?.host_str().map(str::to_ascii_lowercase)
}

/// Returns a repository's path at its forge. A GitLab under a relative URL root has that root in front of it in web
/// addresses, as it has in its API's ("Install GitLab under a relative URL"); over ssh it has not.
fn path_below<'a>(root: &ApiRoot, url: &'a GitUrl) -> &'a str {
    let path = url.path().trim_matches('/');
    let above = root.rest.path().strip_suffix("/api/v4").unwrap_or_default();
    let is_there = root.host().eq_ignore_ascii_case(url.host());
    if !is_there || !matches!(url.scheme(), Scheme::Http | Scheme::Https) {
        return path;
    }
    let below = path.strip_prefix(above.trim_matches('/'));
    below.and_then(|below| below.strip_prefix('/')).unwrap_or(path)
}

/// Returns the API of a git address's host; `None` for the one that [`ApiRoot::of`] finds by itself.
fn api_of(kind: ForgeKind, url: &GitUrl, environment: &Environment) -> Option<String> {
    let (server, variable, public, api) = match kind {
        ForgeKind::GitHub => ("GITHUB_SERVER_URL", "GITHUB_API_URL", "github.com", "/api/v3"),
        ForgeKind::GitLab => ("CI_SERVER_URL", "CI_API_V4_URL", "gitlab.com", "/api/v4"),
    };
    let host = url.host().to_ascii_lowercase();
    let server = environment.get(server);
    let server = server.filter(|server| server_host(Some(server)).as_deref() == Some(&host));
    if server.is_some() && environment.get(variable).is_some() {
        return None;
    }
    if is_tenant(&host) {
        return Some(format!("https://api.{host}"));
    }
    if host == public {
        return Some(match kind {
            ForgeKind::GitHub => "https://api.github.com".to_owned(),
            ForgeKind::GitLab => "https://gitlab.com/api/v4".to_owned(),
        });
    }
    if let Some(server) = server {
        return Some(format!("{}{api}", server.trim_end_matches('/')));
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

    /// What a git address is taken for, and the root of its API.
    fn served(address: &str, ci: &[(&str, &str)], api_url: Option<&str>) -> (String, String) {
        let environment = Environment::from_pairs(ci.iter().copied());
        let common = CommonArgs {
            api_url: api_url.map(str::to_owned),
            ..CommonArgs::for_tests()
        };
        let url = GitUrl::parse(address).unwrap().unwrap();
        let (repo, api_url) = served_at(&url, &common, &environment).unwrap();
        let root = ApiRoot::of(repo.kind(), api_url.as_deref(), &environment).unwrap();
        (repo.to_string(), root.rest.to_string())
    }

    #[test]
    fn a_gitlab_under_a_relative_url_root_keeps_it_out_of_the_project() {
        let server = ("CI_SERVER_URL", "http://h.example/gitlab");
        let api = ("CI_API_V4_URL", "http://h.example/gitlab/api/v4");
        for (address, project) in [
            ("http://h.example/gitlab/g/p.git", "gitlab:g/p"),
            ("http://h.example/gitlab/g/s/p.git", "gitlab:g/s/p"),
            ("http://h.example/gitlab/gitlab/p", "gitlab:gitlab/p"),
            ("http://h.example/gitlabs/p", "gitlab:gitlabs/p"),
            ("git@h.example:gitlab/p.git", "gitlab:gitlab/p"),
        ] {
            for (ci, api_url) in [
                (&[server, api][..], None),
                (&[server], None),
                (&[server], Some(api.1)),
            ] {
                let expected = (project.to_owned(), api.1.to_owned());
                assert_eq!(served(address, ci, api_url), expected, "{address} {ci:?}");
            }
        }
    }

    #[test]
    fn a_git_address_tells_its_forge_and_its_api() {
        let lab = ("CI_SERVER_URL", "http://h.example/gitlab");
        let tenant = ("GITHUB_SERVER_URL", "https://acme.ghe.com");
        let enterprise = ("GITHUB_SERVER_URL", "https://ghe.example");
        for (address, ci, repo, api) in [
            (
                "https://gitlab.x.example/g/p",
                lab,
                "gitlab:g/p",
                "https://gitlab.x.example/api/v4",
            ),
            (
                "https://gitlab.com/g/p",
                lab,
                "gitlab:g/p",
                "https://gitlab.com/api/v4",
            ),
            (
                "https://acme.ghe.com/a/b",
                lab,
                "github:a/b",
                "https://api.acme.ghe.com/",
            ),
            (
                "git@acme.ghe.com:a/b",
                tenant,
                "github:a/b",
                "https://api.acme.ghe.com/",
            ),
            (
                "https://ghe.example/a/b",
                enterprise,
                "github:a/b",
                "https://ghe.example/api/v3",
            ),
            (
                "https://github.com/a/b",
                enterprise,
                "github:a/b",
                "https://api.github.com/",
            ),
        ] {
            let expected = (repo.to_owned(), api.to_owned());
            assert_eq!(served(address, &[ci], None), expected, "{address}");
        }
    }

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
