//! Where an application's repositories are, and what their forge calls them.

use std::path::{Component, Path, PathBuf};

use super::args::ScaffoldArgs;
use crate::words::address::{GitUrl, RepoAddress, Scheme};
use crate::words::fault::Fault;
use crate::words::forge_repo::{ForgeKind, ForgeRepo};
use crate::words::name::AppName;
use crate::words::scaffold_manifest::{Forge, Manifest};
use crate::words::wording::shown;

/// What stands for no repository.
const NONE: &str = "none";

/// The name of a config repo beside its app's, where nothing else is asked for.
const CONFIG_NAME: &str = "{app}-config";

/// Where the parts of an application go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Places {
    /// The app's repository; `None` where nothing is made there.
    pub app: Option<RepoAddress>,
    /// The config repo.
    pub config: RepoAddress,
    /// The repository of what Argo CD reads.
    pub argocd: RepoAddress,
}

/// What the world knows of the places beside their addresses.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// The forge that the flags name, an address lies at, or CI runs on.
    pub forge: Option<ForgeKind>,
    /// The web address of that forge's server, where an address or CI tells it.
    pub server: Option<String>,
    /// The forge's own registry, where CI tells it.
    pub registry: Option<String>,
    /// Where the directories were cloned from, by place: app, config, Argo CD.
    pub origins: [Option<GitUrl>; 3],
}

/// What the forge calls the repositories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The forge.
    pub forge: ForgeKind,
    /// The app's repository, `owner/name`.
    pub app: String,
    /// The config repo, `owner/name`.
    pub config: String,
    /// The address at which Argo CD reads the config repo.
    pub config_url: String,
    /// The address at which Argo CD reads its own.
    pub argocd_url: String,
}

impl Places {
    /// Finds the places that the flags ask for.
    ///
    /// # Errors
    /// `Invalid` for an address that is none, and for a group without a forge.
    pub fn of(
        args: &ScaffoldArgs,
        app: &AppName,
        manifest: &Manifest,
        forge: Option<ForgeKind>,
    ) -> Result<Self, Fault> {
        let config_name = config_name(args, app)?;
        let at_forge = |name: &str| {
            let group = args.group.as_deref().unwrap_or_default();
            let kind = forge.or(of_manifest(manifest)).ok_or_else(no_forge)?;
            ForgeRepo::new(kind, &format!("{group}/{name}")).map(RepoAddress::Forge)
        };
        // Without --create-remote a group is only a name: nothing is pushed by accident.
        let at_forge_by_group = args.group.is_some() && args.create_remote;
        let given = args.config_repo.as_deref().map(parse).transpose()?;
        let app_place = match args.app_repo.as_deref() {
            Some(NONE) => None,
            Some(address) => Some(parse(address)?),
            None if given.is_some() && !manifest.one_repo => None,
            None if given.is_some() => given.clone(),
            None if at_forge_by_group => Some(at_forge(app.as_str())?),
            None if manifest.one_repo => Some(RepoAddress::Directory(PathBuf::from("."))),
            None => Some(RepoAddress::Directory(PathBuf::from(app.as_str()))),
        };
        let config = match (given, &app_place) {
            (Some(given), _) => given,
            (None, Some(app)) if manifest.one_repo => app.clone(),
            (None, Some(app)) => beside(app, &config_name)?,
            (None, None) if at_forge_by_group => at_forge(&config_name)?,
            (None, None) => RepoAddress::Directory(PathBuf::from(config_name)),
        };
        let argocd = match args.argocd_repo.as_deref() {
            Some(address) => parse(address)?,
            None => config.clone(),
        };
        Ok(Self {
            app: app_place,
            config,
            argocd,
        })
    }

    /// Returns whether app and config lie in one repository.
    pub fn is_one(&self) -> bool {
        self.app.as_ref() == Some(&self.config)
    }

    /// Returns what the forge calls the repositories.
    ///
    /// # Errors
    /// `Invalid` where nothing tells the forge, or the owner.
    pub fn names(
        &self,
        args: &ScaffoldArgs,
        app: &AppName,
        manifest: &Manifest,
        facts: &Facts,
    ) -> Result<Names, Fault> {
        let mut addresses = [Some(&self.config), self.app.as_ref()].into_iter().flatten();
        let of_address = addresses.find_map(|address| match address {
            RepoAddress::Forge(repo) => Some(repo.kind()),
            RepoAddress::Directory(_) | RepoAddress::Git(_) => None,
        });
        let forge = of_address
            .or(facts.forge)
            .or(of_manifest(manifest))
            .ok_or_else(no_forge)?;
        let group = args.group.as_deref();
        let named = |address: Option<&RepoAddress>, origin: Option<&GitUrl>, usual: &str| {
            repo_name(address, origin, group, usual, forge)
        };
        let [app_origin, config_origin, argocd_origin] = &facts.origins;
        let own = named(self.app.as_ref(), app_origin.as_ref(), app.as_str());
        let config_name = config_name(args, app)?;
        let config = match &own {
            Some(own) if self.is_one() => Some(own.clone()),
            _ => named(Some(&self.config), config_origin.as_ref(), &config_name),
        };
        let owner_of = |name: &Option<String>| Some(name.as_ref()?.rsplit_once('/')?.0.to_owned());
        let owner = owner_of(&own).or(owner_of(&config)).ok_or_else(|| {
            Fault::invalid("nothing tells whose repositories these are").hint(
                "name their owner or group with --group, or give addresses at a forge with --app-repo and --config-repo",
            )
        })?;
        let own = own.unwrap_or_else(|| format!("{owner}/{app}"));
        let config = config.unwrap_or_else(|| format!("{owner}/{config_name}"));
        let server = facts.server.as_deref().unwrap_or(match forge {
            ForgeKind::GitHub => "https://github.com",
            ForgeKind::GitLab => "https://gitlab.com",
        });
        let url = |address: &RepoAddress, origin: Option<&GitUrl>, name: &str| match (address, origin) {
            (RepoAddress::Git(url), _) => url.to_string(),
            (RepoAddress::Directory(_), Some(origin)) if origin.scheme() != Scheme::File => {
                origin.to_string()
            }
            _ => format!("{}/{name}.git", server.trim_end_matches('/')),
        };
        let config_url = match &args.config_url {
            Some(given) => read_url(given)?,
            None => url(&self.config, config_origin.as_ref(), &config),
        };
        let argocd_url = if self.argocd == self.config {
            config_url.clone()
        } else {
            let name = named(Some(&self.argocd), argocd_origin.as_ref(), "argocd");
            let name = name.unwrap_or_else(|| format!("{owner}/argocd"));
            url(&self.argocd, argocd_origin.as_ref(), &name)
        };
        // What stands in workflows and policy is held to the grammar of the forge.
        for name in [&own, &config] {
            ForgeRepo::new(forge, name)?;
        }
        Ok(Names {
            forge,
            app: own,
            config,
            config_url,
            argocd_url,
        })
    }
}

fn of_manifest(manifest: &Manifest) -> Option<ForgeKind> {
    manifest.forge.map(|forge| match forge {
        Forge::GitHub => ForgeKind::GitHub,
        Forge::GitLab => ForgeKind::GitLab,
    })
}

fn no_forge() -> Fault {
    Fault::invalid("nothing tells which forge the repositories are at")
        .hint("name it with --forge github or --forge gitlab")
}

fn config_name(args: &ScaffoldArgs, app: &AppName) -> Result<String, Fault> {
    let name = args
        .config_name
        .as_deref()
        .unwrap_or(CONFIG_NAME)
        .replace("{app}", app.as_str());
    ForgeRepo::new(ForgeKind::GitHub, &format!("owner/{name}")).map_err(|_| {
        Fault::invalid(format!("`{}` cannot be a repository's name", shown(&name)))
            .hint("--config-name is a name such as {app}-deployment")
    })?;
    Ok(name)
}

/// Reads the address that Applications get. They are committed, so it keeps no login; ssh stays as it is written.
fn read_url(text: &str) -> Result<String, Fault> {
    let hint = "write it like https://host/owner/name.git or git@host:owner/name.git, without a login: Argo CD has its own";
    let in_flag = |fault: Fault| {
        Fault::invalid(
            fault
                .message
                .replace("the address of the config repo", "--config-url"),
        )
        .hint(hint)
    };
    match GitUrl::parse(text).map_err(in_flag)? {
        Some(url) if url.scheme() == Scheme::Ssh => Ok(text.to_owned()),
        Some(url) => Ok(url.to_string()),
        None => Err(Fault::invalid(format!("--config-url `{}` is no git address", shown(text))).hint(hint)),
    }
}

fn parse(text: &str) -> Result<RepoAddress, Fault> {
    Ok(match RepoAddress::parse(text)? {
        // `./web` and `web` are one.
        RepoAddress::Directory(path) => {
            let plain: PathBuf = path
                .components()
                .filter(|part| *part != Component::CurDir)
                .collect();
            let here = plain.as_os_str().is_empty();
            RepoAddress::Directory(if here { PathBuf::from(".") } else { plain })
        }
        address => address,
    })
}

/// Returns the address of a repository of another name beside one.
fn beside(address: &RepoAddress, name: &str) -> Result<RepoAddress, Fault> {
    match address {
        RepoAddress::Directory(path) => Ok(RepoAddress::Directory(if path.file_name().is_some() {
            path.with_file_name(name)
        } else {
            path.join("..").join(name)
        })),
        RepoAddress::Forge(repo) => {
            let (owner, _) = repo.owner_and_name();
            ForgeRepo::new(repo.kind(), &format!("{owner}/{name}")).map(RepoAddress::Forge)
        }
        RepoAddress::Git(url) => {
            let text = url.to_string();
            let (above, last) = text.trim_end_matches('/').rsplit_once('/').unwrap_or_default();
            let end = if last.strip_suffix(".git").is_some() {
                ".git"
            } else {
                ""
            };
            RepoAddress::parse(&format!("{above}/{name}{end}"))
        }
    }
}

/// Returns `owner/name` of a repository, as far as its address, its origin or a group tells.
fn repo_name(
    address: Option<&RepoAddress>,
    origin: Option<&GitUrl>,
    group: Option<&str>,
    usual: &str,
    forge: ForgeKind,
) -> Option<String> {
    let last = |url: &GitUrl| {
        let path = url.path().trim_end_matches('/');
        let last = path.rsplit('/').next().unwrap_or_default();
        last.trim_end_matches(".git").to_owned()
    };
    let of_url = |url: &GitUrl| {
        let path = url.path().trim_matches('/');
        let named = ForgeRepo::new(forge, path)
            .ok()
            .filter(|_| url.scheme() != Scheme::File);
        named.map(|repo| repo.path().to_owned())
    };
    match (address, group) {
        (Some(RepoAddress::Forge(repo)), _) => Some(repo.path().to_owned()),
        (Some(RepoAddress::Git(url)), Some(group)) => Some(format!("{group}/{}", last(url))),
        (Some(RepoAddress::Git(url)), None) => of_url(url),
        (Some(RepoAddress::Directory(path)), Some(group)) => {
            let name = origin.map(last).or_else(|| own_name(path));
            Some(format!("{group}/{}", name.as_deref().unwrap_or(usual)))
        }
        (Some(RepoAddress::Directory(_)), None) => origin.and_then(of_url),
        (None, group) => group.map(|group| format!("{group}/{usual}")),
    }
}

fn own_name(path: &Path) -> Option<String> {
    path.file_name()?.to_str().map(str::to_owned)
}
