//! Opens the config repo that the flags name, with the token that goes there.

use std::sync::Arc;

use super::console::Console;
use super::forge;
use super::opening::Opening;
use super::tokens::{self, Role};
use crate::plan::Publish;
use crate::words::address::{GitUrl, RepoAddress};
use crate::words::fault::Fault;
use crate::words::forge_repo::ForgeRepo;
use crate::world::checkout::Checkout;
use crate::world::config_repo::ConfigRepo;
use crate::world::forge::Forge;
use crate::world::git::{Access, GitRepo, plaintext_warning};
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
    let Opening {
        common,
        environment,
        deadline,
        console,
    } = *opening;
    let access = |config: GitConfig, directory, login| {
        let config = config.with(environment);
        Ok::<_, anyhow::Error>(Access {
            environment: environment.clone(),
            http: Http::new(environment, &config),
            config,
            directory,
            token: tokens::given(common, environment)?,
            login,
            deadline,
            progress: Arc::<Console>::clone(console),
        })
    };
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
            let repo = GitRepo::open(&url, Some(&branch), folder, access)?;
            Ok((Box::new(OriginRepo::new(checkout, repo)), HostedAt::Git(url)))
        }
        RepoAddress::Git(url) => {
            if let Some(warning) = plaintext_warning(url) {
                console.warn(&warning);
            }
            let access = access(GitConfig::of_user()?, None, None)?;
            let repo = GitRepo::open(url, branch, None, access)?;
            Ok((Box::new(repo), HostedAt::Git(url.clone())))
        }
        RepoAddress::Forge(repo) => {
            let forge = forge::open(repo, Role::Target, opening)?;
            Ok((forge.config_repo(branch), HostedAt::Forge(repo.clone())))
        }
    }
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
