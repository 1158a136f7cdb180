//! Opens the config repo that the flags name, with the token that goes there.

use std::path::PathBuf;
use std::sync::Arc;

use super::console::Console;
use super::forge;
use super::opening::Opening;
use super::tokens::{self, Role};
use crate::plan::Publish;
use crate::plan::log::Log;
use crate::words::address::{GitUrl, Login, RepoAddress};
use crate::words::fault::Fault;
use crate::words::forge_repo::{ForgeKind, ForgeRepo};
use crate::words::token::TokenSource;
use crate::world::checkout::Checkout;
use crate::world::config_repo::ConfigRepo;
use crate::world::forge::Forge;
use crate::world::git::{Access, GitLog, GitRepo, GitSource, plaintext_warning};
use crate::world::git_config::GitConfig;
use crate::world::http::Http;
use crate::world::origin::{Origin, OriginRepo};

/// Where a config repo turned out to be, for its forge to be found.
pub(super) enum HostedAt {
    /// A directory that is edited in place.
    Nowhere,
    /// At a git address.
    Git(GitUrl),
    /// At a forge, by name.
    Forge(ForgeRepo),
}

/// Opens the config repo where it is read and written.
pub(super) fn open(
    address: &RepoAddress,
    publish: Publish,
    branch: Option<&str>,
    opening: &Opening<'_>,
) -> anyhow::Result<(Box<dyn ConfigRepo>, HostedAt)> {
    open_as(address, publish, branch, First::MustBeThere, opening)
}

/// Opens a repository that may have no commit yet, where git reaches it.
pub(super) fn open_or_empty(
    address: &RepoAddress,
    publish: Publish,
    branch: Option<&str>,
    opening: &Opening<'_>,
) -> anyhow::Result<(Box<dyn ConfigRepo>, HostedAt)> {
    open_as(address, publish, branch, First::MayBeMade, opening)
}

/// A repository's first commit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum First {
    MustBeThere,
    MayBeMade,
}

impl First {
    fn of(self, repo: GitRepo, url: &GitUrl) -> GitRepo {
        match self {
            Self::MustBeThere => repo,
            Self::MayBeMade => repo.or_empty(url),
        }
    }
}

fn open_as(
    address: &RepoAddress,
    publish: Publish,
    branch: Option<&str>,
    first: First,
    opening: &Opening<'_>,
) -> anyhow::Result<(Box<dyn ConfigRepo>, HostedAt)> {
    let Opening { environment, .. } = *opening;
    let access = |config, directory, login| access(config, directory, login, opening);
    match address {
        RepoAddress::Directory(path) if publish == Publish::Files => {
            Ok((Box::new(Checkout::open(path)?), HostedAt::Nowhere))
        }
        RepoAddress::Directory(path) => {
            let checkout = Checkout::open(path)?;
            let Origin {
                url,
                login,
                branch,
                folder,
            } = checkout.origin(branch, environment)?;
            let config = GitConfig::of_directory(checkout.root())?;
            let access = access(config, Some(checkout.root().to_owned()), login)?;
            let repo = first.of(GitRepo::open(&url, Some(&branch), folder, access)?, &url);
            Ok((Box::new(OriginRepo::new(checkout, repo)), HostedAt::Git(url)))
        }
        RepoAddress::Git(url) => Ok((
            Box::new(first.of(open_git(url, branch, opening)?, url)),
            HostedAt::Git(url.clone()),
        )),
        RepoAddress::Forge(repo) => {
            let forge = forge::open(repo, Role::Target, opening)?;
            Ok((forge.config_repo(branch), HostedAt::Forge(repo.clone())))
        }
    }
}

fn open_git(url: &GitUrl, branch: Option<&str>, opening: &Opening<'_>) -> anyhow::Result<GitRepo> {
    if let Some(warning) = plaintext_warning(url) {
        opening.console.warn(&warning);
    }
    let access = access(GitConfig::of_user()?, None, None, opening)?;
    GitRepo::open(url, branch, None, access)
}

/// Opens a config repo's history: that of a clone as it is, or of an address, from which it is fetched.
///
/// The API of a forge would need a request a commit, so `github:` and `gitlab:` stand for git's address there.
pub(super) fn open_log(
    address: &RepoAddress,
    branch: Option<&str>,
    opening: &Opening<'_>,
) -> anyhow::Result<Box<dyn Log>> {
    let url = match address {
        RepoAddress::Directory(path) => return Ok(Box::new(GitLog::of_directory(path, branch)?)),
        RepoAddress::Git(url) => url.clone(),
        RepoAddress::Forge(repo) => git_address(repo, opening)?,
    };
    Ok(Box::new(open_git(&url, branch, opening)?.log()?))
}

/// Opens a repository for its files to be read, as a template. The token that is given belongs to the repositories that are
/// written to, so it does not go there.
///
/// # Errors
/// `Invalid` for an address that git does not reach.
pub(super) fn open_template(address: &RepoAddress, opening: &Opening<'_>) -> anyhow::Result<GitRepo> {
    let url = match address {
        RepoAddress::Directory(_) => return Err(Fault::invalid("a directory is no address").into()),
        RepoAddress::Git(url) => url.clone(),
        RepoAddress::Forge(repo) => git_address(repo, opening)?,
    };
    let access = Access {
        token: None,
        ..access(GitConfig::of_user()?, None, None, opening)?
    };
    GitRepo::open(&url, None, None, access)
}

/// Opens an app's own repository: a clone as it is, or what is fetched from an address. With `remote`, a clone can reach its
/// `origin` too.
pub(super) fn open_source(
    address: &RepoAddress,
    (branch, commit): (Option<&str>, Option<&str>),
    remote: bool,
    opening: &Opening<'_>,
) -> anyhow::Result<(GitSource, HostedAt)> {
    let (url, host) = match address {
        RepoAddress::Directory(path) => {
            let mut source = GitSource::of_directory(path, branch, commit)?;
            let (url, login) = match GitSource::origin(path) {
                Ok(origin) => origin,
                Err(_) if !remote => return Ok((source, HostedAt::Nowhere)),
                Err(error) => return Err(error),
            };
            let config = GitConfig::of_directory(path)?;
            let mut access = access(config, Some(path.clone()), login, opening)?;
            let host = HostedAt::Git(url.clone());
            if remote {
                as_app(&mut access, &host, opening)?;
            }
            source.connect(&url, access)?;
            return Ok((source, host));
        }
        RepoAddress::Git(url) => (url.clone(), HostedAt::Git(url.clone())),
        RepoAddress::Forge(repo) => (git_address(repo, opening)?, HostedAt::Forge(repo.clone())),
    };
    if let Some(warning) = plaintext_warning(&url) {
        opening.console.warn(&warning);
    }
    let mut access = access(GitConfig::of_user()?, None, None, opening)?;
    as_app(&mut access, &host, opening)?;
    Ok((GitRepo::open(&url, branch, None, access)?.source(commit)?, host))
}

/// Lets git prove that it is a GitHub App, where no token was given and one is set up: what an App pushes starts workflows.
fn as_app(access: &mut Access, host: &HostedAt, opening: &Opening<'_>) -> anyhow::Result<()> {
    const APP: &str = "GITOPS_STEPS_APP_ID";
    if access.token.is_some() || opening.environment.get(APP).is_none() {
        return Ok(());
    }
    // An address that tells no forge may be of a server that knows no Apps.
    let forge = match host {
        HostedAt::Forge(_) => Some(open_forge(host, opening)?),
        HostedAt::Git(_) | HostedAt::Nowhere => open_forge(host, opening).ok(),
    };
    if let Some(token) = forge.map(|forge| forge.git_token()).transpose()?.flatten() {
        access.token = Some((token, TokenSource::Variable(APP)));
    }
    Ok(())
}

/// The https address of a forge's repository, at the server of CI where that is of the same kind.
fn git_address(repo: &ForgeRepo, opening: &Opening<'_>) -> Result<GitUrl, Fault> {
    let hint = "name the repository's https or ssh address instead";
    if opening.common.api_url.is_some() {
        return Err(Fault::invalid(
            "the history is read by git, and --api-url does not tell where that is served",
        )
        .hint(hint));
    }
    let (variable, public) = match repo.kind() {
        ForgeKind::GitHub => ("GITHUB_SERVER_URL", "https://github.com"),
        ForgeKind::GitLab => ("CI_SERVER_URL", "https://gitlab.com"),
    };
    let server = opening
        .environment
        .get(variable)
        .unwrap_or(public)
        .trim_end_matches('/');
    GitUrl::parse(&format!("{server}/{}.git", repo.path()))?
        .ok_or_else(|| Fault::invalid(format!("{variable} is no address")).hint(hint))
}

fn access(
    config: GitConfig,
    directory: Option<PathBuf>,
    login: Option<Login>,
    opening: &Opening<'_>,
) -> anyhow::Result<Access> {
    let Opening {
        common,
        environment,
        deadline,
        console,
    } = *opening;
    let config = config.with(environment);
    Ok(Access {
        environment: environment.clone(),
        http: Http::new(environment, &config),
        config,
        directory,
        token: tokens::given(common, environment)?,
        login,
        deadline,
        progress: Arc::<Console>::clone(console),
    })
}

/// Opens the forge that serves a config repo.
///
/// # Errors
/// `Invalid` for a directory that is edited in place, and where the forge cannot be told.
pub(super) fn open_forge(host: &HostedAt, opening: &Opening<'_>) -> anyhow::Result<Forge> {
    match host {
        HostedAt::Nowhere => Err(Fault::invalid("a directory that is edited in place has no forge").into()),
        HostedAt::Git(url) => forge::open_of_url(url, opening),
        HostedAt::Forge(repo) => forge::open(repo, Role::Target, opening),
    }
}
