//! Opens the config repo that the flags name, with the token that goes there.

use std::sync::Arc;

use super::cli::CommonArgs;
use super::console::Console;
use super::tokens;
use crate::plan::Publish;
use crate::words::address::RepoAddress;
use crate::words::fault::Fault;
use crate::world::checkout::Checkout;
use crate::world::clock::Deadline;
use crate::world::config_repo::ConfigRepo;
use crate::world::env::Environment;
use crate::world::git::{Access, GitRepo, plaintext_warning};
use crate::world::git_config::GitConfig;
use crate::world::http::Http;
use crate::world::origin::{Origin, OriginRepo};

/// Opens the config repo where it is read and written.
pub(super) fn open(
    address: &RepoAddress,
    publish: Publish,
    branch: Option<&str>,
    common: &CommonArgs,
    environment: &Environment,
    deadline: Deadline,
    console: &Arc<Console>,
) -> anyhow::Result<Box<dyn ConfigRepo>> {
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
        RepoAddress::Directory(path) if publish == Publish::Files => Ok(Box::new(Checkout::open(path)?)),
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
            Ok(Box::new(OriginRepo::new(checkout, repo)))
        }
        RepoAddress::Git(url) => {
            if let Some(warning) = plaintext_warning(url) {
                console.warn(&warning);
            }
            Ok(Box::new(GitRepo::open(
                url,
                branch,
                None,
                access(GitConfig::of_user()?, None, None)?,
            )?))
        }
        RepoAddress::Forge(repo) => Err(Fault::invalid(format!("`{repo}` is not reached yet")).into()),
    }
}
