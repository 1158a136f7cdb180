//! `scaffold`: a new application, made from a template: its files in each of its repositories.

mod args;
mod builtin;
mod layout;
mod next;
mod parts;
mod places;
mod policy;
mod render;
mod template;
mod tree;
mod values;

use std::sync::Arc;

pub use args::{ScaffoldArgs, VisibilityArg};
pub use next::shown;
pub use places::{Facts, Names, Places};
pub use template::{Template, TemplateSource};

use crate::steps::args::{CommitArgs, ConfigRepoArgs, GuardArgs, OnStale};
use crate::steps::bump_values::{BumpValuesArgs, Inputs, Request, WhatArgs, WholeWay, locate};
use crate::words::address::RepoAddress;
use crate::words::fault::Fault;
use crate::words::image::{ImageName, ImageRef};
use crate::words::name::AppName;
use crate::words::policy::Target;
use crate::words::repo_path::RepoPath;
use crate::words::scaffold_manifest::{ArgoCd, Manifest};
use crate::yaml;
use layout::Role;
use parts::{Kind, Service};
use policy::Entry;
use render::{AllValues, Made};
use tree::Tree;
use values::{Asked, fill, usual_image};

/// A new application.
#[derive(Debug)]
pub struct Scaffold {
    /// Its name.
    pub app: AppName,
    /// What goes into each repository, in the order in which they are written: the app's comes last, as its first build
    /// needs the others.
    pub parts: Vec<Part>,
    /// What the user should know.
    pub warnings: Vec<String>,
    /// What is left to do, a line each.
    pub next: Vec<String>,
}

/// What goes into one repository.
#[derive(Debug)]
pub struct Part {
    /// Where it is.
    pub address: RepoAddress,
    tree: Arc<Tree>,
}

impl Scaffold {
    /// Makes what is asked for, in memory.
    ///
    /// # Errors
    /// `Invalid` for a flag or a template that is wrong.
    pub fn new(
        args: &ScaffoldArgs,
        template: &Template,
        places: &Places,
        facts: &Facts,
        version: &'static str,
    ) -> Result<Self, Fault> {
        let asked = asked(args, &template.manifest, places, facts, version)?;
        let values = asked.values(args, template)?;
        let made = render::render(template, &values)?;
        let places_of_versions = versions(&asked, &template.manifest, &made)?;
        let (mut config, mut argocd, mut app) = (Tree::default(), Tree::default(), Tree::default());
        for made in made {
            match made.role {
                Role::App => app.add([made])?,
                Role::Config | Role::Setup => config.add([made])?,
                Role::ArgoCd if asked.argocd == ArgoCd::None => {}
                Role::ArgoCd => argocd.add([made])?,
            }
        }
        config.targets = places_of_versions
            .iter()
            .flat_map(|(_, targets)| targets.clone())
            .collect();
        config.entry = entry(&asked, places_of_versions);
        (config.is_new, app.is_new) = (args.create_remote, args.create_remote);
        let (has_argocd, has_versions) = (!argocd.made.is_empty(), config.entry.is_some());
        let mut parts = vec![(places.config.clone(), config)];
        join(&mut parts, &places.argocd, argocd)?;
        if let Some(address) = &places.app {
            join(&mut parts, address, app)?;
        }
        let parts = parts.into_iter().filter(|(_, tree)| !tree.made.is_empty());
        let parts = parts.map(|(address, tree)| Part {
            address,
            tree: Arc::new(tree),
        });
        let parts: Vec<Part> = parts.collect();
        let made = next::Made {
            repos: parts.iter().map(|part| &part.address).collect(),
            argocd: has_argocd,
            versions: has_versions,
        };
        Ok(Self {
            next: next::steps(&asked, places, &made),
            warnings: warnings(&asked, args, &values),
            parts,
            app: asked.app,
        })
    }
}

impl Part {
    /// Makes the request that brings the files to their repository.
    ///
    /// # Errors
    /// As [`Request::new`].
    pub fn request(&self, args: &ScaffoldArgs, inputs: &Inputs) -> Result<Request, Fault> {
        let bump = BumpValuesArgs {
            what: WhatArgs::default(),
            config_repo: ConfigRepoArgs {
                config_repo: String::new(),
                branch: args.branch.clone(),
            },
            publish: args.publish.clone(),
            pull_request: args.pull_request.clone(),
            guard: GuardArgs {
                guard: None,
                on_stale: OnStale::Skip,
                allow_downgrade: false,
            },
            commit: CommitArgs {
                message: args
                    .commit
                    .message
                    .as_deref()
                    .map(|message| with_app(message, &args.app)),
                ..args.commit.clone()
            },
        };
        let inputs = Inputs {
            directory: matches!(self.address, RepoAddress::Directory(_)),
            ..inputs.clone()
        };
        let way = WholeWay {
            files: Arc::<Tree>::clone(&self.tree) as _,
            subject: format!("scaffold: {}", args.app),
            head_branch: format!("scaffold/{}", args.app),
        };
        Request::of_whole(bump, &inputs, way)
    }
}

/// Fills `{app}` in a message, whose holes else speak of one image and environment; `{{app}}` stays.
fn with_app(message: &str, app: &str) -> String {
    let parts = message.split("{{app}}").map(|part| part.replace("{app}", app));
    parts.collect::<Vec<_>>().join("{{app}}")
}

/// Puts a tree where another one may go already.
fn join(parts: &mut Vec<(RepoAddress, Tree)>, address: &RepoAddress, tree: Tree) -> Result<(), Fault> {
    if let Some((_, there)) = parts.iter_mut().find(|(other, _)| other == address) {
        return there.add(tree.made);
    }
    parts.push((address.clone(), tree));
    Ok(())
}

fn asked(
    args: &ScaffoldArgs,
    manifest: &Manifest,
    places: &Places,
    facts: &Facts,
    version: &'static str,
) -> Result<Asked, Fault> {
    let app: AppName = args.app.parse()?;
    let names = places.names(args, &app, manifest, facts)?;
    let image = match &args.image {
        Some(text) => text.parse::<ImageRef>()?.name,
        None => usual_image(&names, facts.registry.as_deref(), facts.server.as_deref())?,
    };
    let argocd = match (args.argocd, &args.argocd_repo) {
        (Some(argocd), _) => argocd.into(),
        (None, Some(_)) => manifest
            .argocd
            .filter(|argocd| *argocd != ArgoCd::None)
            .unwrap_or(ArgoCd::Application),
        (None, None) => manifest.argocd.unwrap_or(ArgoCd::Application),
    };
    Ok(Asked {
        envs: parts::environments(&args.env, &manifest.environments)?,
        services: parts::services(&app, &args.service, &manifest.services)?,
        one_repo: places.is_one(),
        app,
        image,
        argocd,
        names,
        version,
    })
}

/// Finds where the versions of each environment stand, and checks that they stand there.
fn versions(
    asked: &Asked,
    manifest: &Manifest,
    made: &[Made],
) -> Result<Vec<(parts::Environment, Vec<Target>)>, Fault> {
    let built = asked.built();
    let each = manifest
        .targets
        .iter()
        .any(|target| target.file.contains("{service}") || of_service(target));
    if built.len() > 1 && !each {
        return Err(Fault::invalid(format!(
            "the template deploys one service, and {} are to be built",
            built.len()
        ))
        .hint("run it once for each service, or take a template for several, such as ckan"));
    }
    let mut found = Vec::new();
    for env in &asked.envs {
        let mut targets = Vec::new();
        for target in &manifest.targets {
            let services = if target.file.contains("{service}") || of_service(target) {
                built.clone()
            } else {
                built.iter().take(1).copied().collect()
            };
            for service in services {
                let holes = [
                    ("app", asked.app.as_str()),
                    ("env", env.name.as_str()),
                    ("service", service.name.as_str()),
                ];
                let image: ImageName = asked.image_of(service).parse()?;
                let target = Target {
                    file: RepoPath::parse(&fill(&target.file, &holes))?,
                    path: target.path.as_ref().map(|path| fill(path, &holes)),
                    kind: None,
                    image: Some(image),
                    cluster: None,
                    document: None,
                };
                check(&target, made)?;
                targets.push(target);
            }
        }
        found.push((env.clone(), targets));
    }
    Ok(found)
}

fn of_service(target: &crate::words::scaffold_manifest::Target) -> bool {
    target
        .path
        .as_ref()
        .is_some_and(|path| path.contains("{service}"))
}

/// Checks that a version stands where the template says.
fn check(target: &Target, made: &[Made]) -> Result<(), Fault> {
    let file = made
        .iter()
        .find(|made| made.role == Role::Config && made.path == target.file);
    let file = file.ok_or_else(|| {
        Fault::invalid(format!(
            "the template makes no `{}`, where it says that a version stands",
            target.file
        ))
        .hint("`targets` of template.yaml names files below the folder `config`")
    })?;
    let yaml =
        yaml::File::parse(&file.bytes).map_err(|error| super::fault_in(target.file.as_str(), error))?;
    match locate(&yaml, &target.file, target, target.image.as_ref())?.len() {
        1 => Ok(()),
        count => Err(Fault::invalid(format!(
            "the image `{}` stands in {count} places of the template's `{}`",
            target.image.as_ref().map(ToString::to_string).unwrap_or_default(),
            target.file
        ))
        .hint("name its place with `path` in `targets` of template.yaml")),
    }
}

fn entry(asked: &Asked, places: Vec<(parts::Environment, Vec<Target>)>) -> Option<Entry> {
    let built = asked.built();
    let place = |target: Target| (target.file.to_string(), target.path);
    let envs = places
        .into_iter()
        .map(|(env, targets)| (env, targets.into_iter().map(place).collect::<Vec<_>>()));
    let envs: Vec<_> = envs.filter(|(_, places)| !places.is_empty()).collect();
    // Several images are built from one commit and have one tag, which is all that a payload may bring then.
    let image = (built.len() == 1).then(|| asked.image.clone());
    (!envs.is_empty()).then(|| Entry {
        app: asked.app.clone(),
        image,
        source: asked.names.app.clone(),
        envs,
    })
}

fn warnings(asked: &Asked, args: &ScaffoldArgs, values: &AllValues) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut names = values.envs.iter().filter_map(|values| values.get("application"));
    let application = names.next().filter(|first| names.any(|name| name == *first));
    let nameless = |service: &&Service| service.kind == Kind::Stock && service.image.is_none();
    for service in asked.services.iter().filter(nameless) {
        let name = &service.name;
        warnings.push(format!(
            "no image is named for `{name}`: `docker.io/library/{name}:latest` stands there; name one with --service {name}:stock=IMAGE"
        ));
    }
    let last = asked.image.path().rsplit('/').next().unwrap_or_default();
    if args.image.is_some() && last != asked.app.as_str() {
        warnings.push(format!(
            "the image is called `{last}`, and the app `{}`",
            asked.app
        ));
    }
    let hosts = values.envs.iter().filter_map(|values| values.get("host"));
    let mut hosts = hosts.filter(|host| !host.is_empty());
    let shared = hosts.next().filter(|first| hosts.any(|host| host == *first));
    if let Some(host) = shared {
        warnings.push(format!(
            "several environments answer to `{host}`: name one for each with --host ENV=HOST, or let {{env}} stand in it"
        ));
    }
    if let Some(name) = application.filter(|_| asked.argocd != ArgoCd::None) {
        warnings.push(format!(
            "the Applications of all environments share the name `{name}`: one Argo CD cannot have both"
        ));
    }
    if asked.argocd == ArgoCd::None && args.argocd_repo.is_some() {
        warnings.push("--argocd none: nothing goes to --argocd-repo".to_owned());
    }
    warnings
}
