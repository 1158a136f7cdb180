//! The places that are looked at: those that the policy lists, by the names that their files have in the commit at hand.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::request::{Request, Subject};
use crate::plan::log::Log;
use crate::words::fault::Fault;
use crate::words::image::ImageName;
use crate::words::name::{AppName, EnvName};
use crate::words::policy::{Policy, Target};
use crate::words::repo_path::RepoPath;
use crate::words::wording::suggestion;

/// One app in one environment.
pub(super) struct Pair {
    pub(super) app: AppName,
    pub(super) env: EnvName,
    pub(super) promote_from: Option<EnvName>,
    /// Its places, each as a file's number and the place's number in it.
    pub(super) spots: Vec<(usize, usize)>,
    /// Whether it was asked for; else others are held against it.
    pub(super) shown: bool,
    /// Whether the policy names it; else a file's name tells of it.
    pub(super) named: bool,
}

/// One place of a file.
pub(super) struct Spot {
    pub(super) pair: usize,
    pub(super) target: Target,
    pub(super) image: Option<ImageName>,
}

/// One file with the places in it.
pub(super) struct WatchedFile {
    /// Its path as the policy has it.
    pub(super) path: RepoPath,
    /// Its path in the commit at hand.
    pub(super) here: String,
    pub(super) spots: Vec<Spot>,
}

/// All that is looked at.
pub(super) struct Watch<'a> {
    policy: &'a Policy,
    request: &'a Request,
    log: &'a dyn Log,
    pub(super) pairs: Vec<Pair>,
    pub(super) files: Vec<WatchedFile>,
    known: HashMap<(AppName, EnvName), usize>,
    by_path: HashMap<String, usize>,
    /// The names that the policy and the files tell of, asked for or not.
    seen_apps: BTreeSet<AppName>,
    seen_envs: BTreeSet<EnvName>,
    /// The paths that `"*"` has been asked for.
    asked: HashSet<String>,
}

impl<'a> Watch<'a> {
    /// Watches what the policy names, as far as it was asked for.
    pub(super) fn new(policy: &'a Policy, request: &'a Request, log: &'a dyn Log) -> anyhow::Result<Self> {
        let mut watch = Self {
            policy,
            request,
            log,
            pairs: Vec::new(),
            files: Vec::new(),
            known: HashMap::new(),
            by_path: HashMap::new(),
            seen_apps: BTreeSet::new(),
            seen_envs: BTreeSet::new(),
            asked: HashSet::new(),
        };
        let tip = log.files(log.tip())?;
        for app in policy.apps() {
            let app: AppName = app.parse()?;
            for env in policy.environments(app.as_str()) {
                watch.add_asked(&app, &env.parse()?, true, &tip)?;
            }
        }
        watch.discover(&tip)?;
        // A file that stands for every app does not tell which of them there are; here they are told.
        for app in &request.apps {
            for env in request.envs.iter().filter(|env| policy.resolve(app, env).is_ok()) {
                watch.add_shown(app, env, true, &tip)?;
            }
        }
        Ok(watch)
    }

    /// Watches the apps and environments that the names of files tell of.
    pub(super) fn discover(&mut self, files: &BTreeMap<String, String>) -> anyhow::Result<()> {
        if self.policy.has_unnamed() {
            for path in files.keys() {
                self.ask(path, files)?;
            }
        }
        Ok(())
    }

    /// Returns the number of the file that has this path in the commit at hand, if it is watched.
    pub(super) fn file(&mut self, path: &str) -> anyhow::Result<Option<usize>> {
        if self.policy.has_unnamed() && !self.by_path.contains_key(path) {
            self.ask(path, &BTreeMap::new())?;
        }
        Ok(self.by_path.get(path).copied())
    }

    /// Follows a file to the name that it had before; a name that is watched itself is another file's.
    pub(super) fn renamed(&mut self, file: usize, before: &str) {
        if !self.by_path.contains_key(before) {
            self.by_path.insert(before.to_owned(), file);
            before.clone_into(&mut self.files[file].here);
        }
    }

    fn ask(&mut self, path: &str, files: &BTreeMap<String, String>) -> anyhow::Result<()> {
        if !self.asked.insert(path.to_owned()) {
            return Ok(());
        }
        let Ok(path) = RepoPath::parse(path) else {
            return Ok(());
        };
        for reached in self.policy.places_unnamed(&path)? {
            // A file that stands for every app does not tell which of them there are.
            if let (Some(app), Some(env)) = (reached.app, reached.env) {
                self.add_asked(&app, &env, false, files)?;
            }
        }
        Ok(())
    }

    fn add_asked(
        &mut self,
        app: &AppName,
        env: &EnvName,
        named: bool,
        files: &BTreeMap<String, String>,
    ) -> anyhow::Result<()> {
        if !self.seen_apps.contains(app) {
            self.seen_apps.insert(app.clone());
        }
        if !self.seen_envs.contains(env) {
            self.seen_envs.insert(env.clone());
        }
        let Request { apps, envs, .. } = self.request;
        let asked = (apps.is_empty() || apps.contains(app)) && (envs.is_empty() || envs.contains(env));
        if !asked {
            return Ok(());
        }
        self.add_shown(app, env, named, files)
    }

    /// Watches what is shown, and what that is held against.
    fn add_shown(
        &mut self,
        app: &AppName,
        env: &EnvName,
        named: bool,
        files: &BTreeMap<String, String>,
    ) -> anyhow::Result<()> {
        let pair = self.add(app, env, named, files)?;
        self.pairs[pair].shown = true;
        let from = self.pairs[pair].promote_from.clone();
        if let (Subject::Now, Some(from)) = (self.request.subject, from)
            && self.policy.resolve(app, &from).is_ok()
        {
            self.add(app, &from, named, files)?;
        }
        Ok(())
    }

    fn add(
        &mut self,
        app: &AppName,
        env: &EnvName,
        named: bool,
        files: &BTreeMap<String, String>,
    ) -> anyhow::Result<usize> {
        let key = (app.clone(), env.clone());
        if let Some(pair) = self.known.get(&key) {
            return Ok(*pair);
        }
        let resolved = self.policy.resolve(app, env)?;
        let pair = self.pairs.len();
        let mut spots = Vec::new();
        for target in resolved.targets {
            let file = self.watch_file(&target.file, files);
            spots.push((file, self.files[file].spots.len()));
            self.files[file].spots.push(Spot {
                pair,
                image: target.image.clone(),
                target,
            });
        }
        self.known.insert(key, pair);
        self.pairs.push(Pair {
            app: app.clone(),
            env: env.clone(),
            promote_from: resolved.promote_from,
            spots,
            shown: false,
            named,
        });
        Ok(pair)
    }

    /// Watches a file, or the one that it leads to as a symbolic link.
    fn watch_file(&mut self, path: &RepoPath, files: &BTreeMap<String, String>) -> usize {
        let real = if self.by_path.contains_key(path.as_str()) || files.contains_key(path.as_str()) {
            path.clone()
        } else {
            // A link that leads nowhere is a file that is not there.
            let found = self.log.leads_to(self.log.tip(), path).ok().flatten();
            found.unwrap_or_else(|| path.clone())
        };
        if let Some(file) = self.by_path.get(real.as_str()) {
            return *file;
        }
        let file = self.files.len();
        self.by_path.insert(real.to_string(), file);
        self.files.push(WatchedFile {
            here: real.to_string(),
            path: real,
            spots: Vec::new(),
        });
        file
    }

    /// Says which app or environment nobody knows, where one was asked for; `told` are the apps that have changed.
    ///
    /// # Errors
    /// `NotFound` for a name that nothing answers to.
    pub(super) fn check_asked(&self, told: &BTreeSet<&str>) -> Result<(), Fault> {
        for app in &self.request.apps {
            if !self.seen_apps.contains(app) && !told.contains(app.as_str()) {
                return Err(
                    Fault::not_found(format!("the policy knows no app `{app}`")).hint(suggestion(
                        app.as_str(),
                        self.seen_apps.iter().map(AppName::as_str),
                    )),
                );
            }
        }
        for env in &self.request.envs {
            if !self.seen_envs.contains(env) {
                return Err(
                    Fault::not_found(format!("no app has an environment `{env}` in the policy")).hint(
                        suggestion(env.as_str(), self.seen_envs.iter().map(EnvName::as_str)),
                    ),
                );
            }
        }
        if self.pairs.is_empty() && !self.seen_apps.is_empty() {
            return Err(Fault::not_found(
                "none of these apps has one of these environments",
            ));
        }
        Ok(())
    }

    /// Returns the pair of an app and an environment.
    pub(super) fn pair(&self, app: &AppName, env: &EnvName) -> Option<usize> {
        self.known.get(&(app.clone(), env.clone())).copied()
    }

    /// Returns the environments that are shown, each after the one that it is promoted from.
    pub(super) fn environments(&self) -> Vec<String> {
        let mut ahead: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for pair in self.pairs.iter().filter(|pair| pair.shown) {
            let before = ahead.entry(pair.env.as_str()).or_default();
            before.extend(pair.promote_from.as_ref().map(EnvName::as_str));
        }
        let mut order: Vec<&str> = Vec::new();
        while order.len() < ahead.len() {
            let left = || ahead.iter().filter(|(env, _)| !order.contains(env));
            let is_ready = |before: &BTreeSet<&str>| {
                before
                    .iter()
                    .all(|from| order.contains(from) || !ahead.contains_key(from))
            };
            // Apps that promote the other way round leave a circle; it is cut at the first name.
            let ready = left()
                .find(|(_, before)| is_ready(before))
                .or_else(|| left().next());
            let Some((env, _)) = ready else { break };
            order.push(env);
        }
        order.into_iter().map(str::to_owned).collect()
    }
}
