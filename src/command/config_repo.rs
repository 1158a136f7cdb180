//! Opens the config repo that the flags name, with the token that goes there.

use std::sync::Arc;

use anyhow::Context as _;

use super::cli::CommonArgs;
use super::console::Console;
use crate::plan::Publish;
use crate::words::address::RepoAddress;
use crate::words::fault::Fault;
use crate::words::token::{Token, TokenSource};
use crate::world::checkout::Checkout;
use crate::world::clock::Deadline;
use crate::world::config_repo::ConfigRepo;
use crate::world::env::Environment;
use crate::world::files;
use crate::world::git::{Access, GitRepo, plaintext_warning};
use crate::world::git_config::GitConfig;
use crate::world::http::Http;
use crate::world::origin::{Origin, OriginRepo};

/// The most bytes of a token's file.
const TOKEN_MAX: u64 = 64 * 1024;

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
            token: token(common, environment)?,
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
        RepoAddress::GitHub { owner, name } => Err(through_git(
            "github:",
            &format!("https://github.com/{owner}/{name}.git"),
        )),
        RepoAddress::GitLab { path } => {
            Err(through_git("gitlab:", &format!("https://gitlab.com/{path}.git")))
        }
    }
}

fn through_git(scheme: &str, url: &str) -> anyhow::Error {
    Fault::invalid(format!(
        "this release does not reach a config repo through the API of `{scheme}`"
    ))
    .hint(format!("give its git address: --config-repo {url}"))
    .into()
}

fn token(common: &CommonArgs, environment: &Environment) -> anyhow::Result<Option<(Token, TokenSource)>> {
    if let Some(file) = &common.token_file {
        let bytes = files::read(file, TOKEN_MAX)?;
        let text = String::from_utf8(bytes).map_err(|_| Fault::invalid("the token's file is not text"))?;
        let token = Token::parse(&text).with_context(|| format!("cannot read `{}`", file.display()))?;
        return Ok(Some((token, TokenSource::File)));
    }
    let variable = "GITOPS_STEPS_TOKEN";
    let token = environment
        .get(variable)
        .map(Token::parse)
        .transpose()
        .context(variable)?;
    Ok(token.map(|token| (token, TokenSource::Variable(variable))))
}
