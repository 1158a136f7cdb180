//! Opens what `scaffold` reads and writes: the template, and the repositories, some of which are to be made.

use std::path::Path;

use crate::command::config_repo::{self, HostedAt};
use crate::command::forge as forges;
use crate::command::opening::Opening;
use crate::command::tokens::{self, Role};
use crate::plan::Publish;
use crate::plan::repository::NewRepository;
use crate::steps::scaffold::{Facts, Places, ScaffoldArgs, Template, TemplateSource};
use crate::words::address::{GitUrl, RepoAddress, Scheme};
use crate::words::fault::{Fault, Kind};
use crate::words::forge_repo::ForgeKind;
use crate::world::checkout::Checkout;
use crate::world::ci::Host;
use crate::world::config_repo::ConfigRepo;
use crate::world::env::Environment;
use crate::world::forge::Forge;
use crate::world::forge::access::ApiRoot;
use crate::world::unmade::Unmade;
use crate::world::{files, template_folder};

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// All is planned, and nothing is made.
    Plan,
    /// All is planned, and is written now.
    Write,
}

/// Reads the template.
///
/// # Errors
/// What it cannot be read for, and what is wrong with it.
pub(super) fn template(text: &str, opening: &Opening<'_>) -> anyhow::Result<Template> {
    let files = match TemplateSource::parse(text)? {
        TemplateSource::BuiltIn(name) => return Ok(Template::built_in(name)?),
        TemplateSource::Folder(folder) => template_folder::read(&folder).map_err(|fault| {
            if fault.kind == Kind::NotFound {
                fault.hint(TemplateSource::missing_hint(text))
            } else {
                fault
            }
        })?,
        TemplateSource::Repo { address, at, folder } => {
            config_repo::open_template(&address, opening)?.folder(at.as_deref(), folder.as_ref())?
        }
    };
    Ok(Template::of_files(text, files)?)
}

/// Tells the forge, as far as flags, addresses and CI do.
pub(super) fn forge(args: &ScaffoldArgs, opening: &Opening<'_>) -> Option<ForgeKind> {
    if let Some(forge) = opening.common.forge {
        return Some(forge.into());
    }
    let addresses = [&args.config_repo, &args.app_repo, &args.argocd_repo];
    let of_address = |address: &Option<String>| match RepoAddress::parse(address.as_deref()?).ok()? {
        RepoAddress::Forge(repo) => Some(repo.kind()),
        RepoAddress::Git(url) => forges::kind_of(&url, opening.common, opening.environment).ok(),
        RepoAddress::Directory(path) => {
            let origin = origin(&path, opening.environment)?;
            forges::kind_of(&origin, opening.common, opening.environment).ok()
        }
    };
    addresses
        .into_iter()
        .find_map(of_address)
        .or_else(|| match Host::of(opening.environment)? {
            Host::GitHub => Some(ForgeKind::GitHub),
            Host::GitLab => Some(ForgeKind::GitLab),
            Host::Other => None,
        })
}

/// Gives directories that are one the name of the config repo: files of two repositories would get mixed up there.
pub(super) fn with_one_name(places: Places) -> Places {
    let config = places.config.clone();
    let named = |address: RepoAddress| match (&address, &config) {
        (RepoAddress::Directory(one), RepoAddress::Directory(other)) if files::is_same_folder(one, other) => {
            config.clone()
        }
        _ => address,
    };
    Places {
        app: places.app.map(named),
        argocd: named(places.argocd),
        ..places
    }
}

/// Checks that the token that is given goes to one host.
///
/// # Errors
/// `Invalid` where the repositories lie at several.
pub(super) fn check_hosts(places: &Places, opening: &Opening<'_>) -> anyhow::Result<()> {
    let host = |address: &RepoAddress| match address {
        RepoAddress::Directory(_) => None,
        RepoAddress::Git(url) => Some(url.host().to_ascii_lowercase()),
        RepoAddress::Forge(repo) => {
            let root = ApiRoot::of(
                repo.kind(),
                opening.common.api_url.as_deref(),
                opening.environment,
            )
            .ok()?;
            Some(root.host().trim_start_matches("api.").to_ascii_lowercase())
        }
    };
    let addresses = [places.app.as_ref(), Some(&places.config), Some(&places.argocd)];
    let mut hosts: Vec<String> = addresses.into_iter().flatten().filter_map(host).collect();
    hosts.sort_unstable();
    hosts.dedup();
    if hosts.len() > 1 && tokens::given(opening.common, opening.environment)?.is_some() {
        return Err(Fault::invalid(format!(
            "one token is given, and the repositories are at several hosts: {}",
            hosts.join(", ")
        ))
        .hint("make each part by a run of its own: --app-repo none leaves out the app's, --argocd none Argo CD's")
        .into());
    }
    Ok(())
}

/// Returns what the world knows of the places.
pub(super) fn facts(places: &Places, forge: Option<ForgeKind>, opening: &Opening<'_>) -> Facts {
    let environment = opening.environment;
    let addresses = [places.app.as_ref(), Some(&places.config), Some(&places.argocd)];
    let origins = addresses.map(|address| match address? {
        RepoAddress::Directory(path) => origin(path, environment),
        RepoAddress::Git(_) | RepoAddress::Forge(_) => None,
    });
    let mut given = addresses
        .into_iter()
        .flatten()
        .filter_map(|address| match address {
            RepoAddress::Git(url) => Some(url),
            RepoAddress::Directory(_) | RepoAddress::Forge(_) => None,
        });
    let cloned = origins.iter().flatten().find_map(server_of);
    let of_address = given.find_map(server_of).or(cloned).or_else(|| {
        let url = opening.common.api_url.as_deref()?;
        let root = ApiRoot::of(forge?, Some(url), environment).ok()?.rest;
        let host = root.host_str()?;
        let port = root.port().map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!(
            "{}://{}{port}",
            root.scheme(),
            host.strip_prefix("api.").unwrap_or(host)
        ))
    });
    let (server, registry) = match Host::of(environment) {
        Some(Host::GitHub) if forge != Some(ForgeKind::GitLab) => ("GITHUB_SERVER_URL", None),
        Some(Host::GitLab) if forge != Some(ForgeKind::GitHub) => {
            ("CI_SERVER_URL", environment.get("CI_REGISTRY"))
        }
        _ => ("", None),
    };
    let of_ci = environment.get(server).map(str::to_owned);
    Facts {
        forge,
        // CI's own registry is that of CI's own server.
        registry: registry
            .filter(|_| of_address.is_none() || of_address == of_ci)
            .map(str::to_owned),
        server: of_address.or(of_ci),
        origins,
    }
}

/// The web address of the server that a git address lies at.
fn server_of(url: &GitUrl) -> Option<String> {
    match url.scheme() {
        Scheme::File => None,
        Scheme::Ssh => Some(format!("https://{}", url.host())),
        Scheme::Http | Scheme::Https => Some(format!("{}://{}", url.scheme().name(), url.authority())),
    }
}

/// Where a directory was cloned from, if it is the root of a clone.
fn origin(directory: &Path, environment: &Environment) -> Option<GitUrl> {
    let origin = Checkout::open(directory)
        .ok()?
        .origin(Some("main"), environment)
        .ok()?;
    origin.folder.is_none().then_some(origin.url)
}

/// Opens a repository; one that is not there yet is made when all is planned.
///
/// # Errors
/// What opening or making it meets.
pub(super) fn repo(
    address: &RepoAddress,
    publish: Publish,
    stage: Stage,
    args: &ScaffoldArgs,
    opening: &Opening<'_>,
) -> anyhow::Result<(Box<dyn ConfigRepo>, HostedAt)> {
    if let RepoAddress::Directory(path) = address
        && publish == Publish::Files
        && !files::is_folder(path)
    {
        if stage == Stage::Plan {
            files::check_room(path)?;
            return Ok((Box::new(Unmade), HostedAt::Nowhere));
        }
        files::create_folder(path)?;
    }
    let branch = args.pull_request.base.as_deref().or(args.branch.as_deref());
    let open = |address: &RepoAddress| config_repo::open_or_empty(address, publish, branch, opening);
    match address {
        RepoAddress::Git(url) if args.create_remote => {
            match made(&forges::open_of_url(url, opening)?, stage, args, opening)? {
                Some(_) => open(address),
                None => Ok((Box::new(Unmade), HostedAt::Git(url.clone()))),
            }
        }
        // By git, since no API makes the first commit of a repository along with its other files.
        RepoAddress::Forge(repo) if args.create_remote => {
            let host = HostedAt::Forge(repo.clone());
            match made(&forges::open(repo, Role::Target, opening)?, stage, args, opening)? {
                Some(url) => Ok((open(&RepoAddress::Git(url))?.0, host)),
                None => Ok((Box::new(Unmade), host)),
            }
        }
        RepoAddress::Directory(_) | RepoAddress::Git(_) | RepoAddress::Forge(_) => open(address),
    }
}

/// Returns where git reaches a repository, which is made where it is missing; `None` while all is only planned.
fn made(
    forge: &Forge,
    stage: Stage,
    args: &ScaffoldArgs,
    opening: &Opening<'_>,
) -> Result<Option<GitUrl>, Fault> {
    if let Some(url) = forge.git_address()? {
        return Ok(Some(url));
    }
    if stage == Stage::Plan {
        return Ok(None);
    }
    let new = NewRepository {
        visibility: args.visibility.into(),
        description: format!("The application {}", args.app),
    };
    let url = forge.create(&new)?;
    opening.console.say(&format!("made the repository {url}"));
    Ok(Some(url))
}
