//! What the policy says for one app and environment, and for one file.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::file::{self, App, AutoDeploy, Bump, Environment, Frozen, Guard, Kind, PullRequest};
use super::pattern::{Bound, Pattern};
use super::select::read_select;
use super::{Hold, Policy};
use crate::words::fault::Fault;
use crate::words::image::ImageName;
use crate::words::moment;
use crate::words::name::{AppName, EnvName};
use crate::words::repo_path::RepoPath;
use crate::words::select::Select;
use crate::words::wording::{one_line, suggestion};

/// What the policy says for one app in one environment.
#[derive(Clone, Debug)]
pub struct Resolved {
    /// The app.
    pub app: AppName,
    /// The environment.
    pub env: EnvName,
    /// The images that a payload may bring; none means that it may bring only a tag or digest.
    pub images: Vec<ImageName>,
    /// The repositories whose payloads are accepted; none means any.
    pub sources: Vec<String>,
    /// The users whose events are accepted; none means any.
    pub senders: Vec<String>,
    /// Whether a payload is pushed at once.
    pub auto_deploy: AutoDeploy,
    /// The places to change, of all clusters.
    pub targets: Vec<Target>,
    /// The environment whose versions are promoted to this one.
    pub promote_from: Option<EnvName>,
    /// The order guard.
    pub guard: Guard,
    /// How a registry is asked for the version to run.
    pub select: Option<Select>,
    /// A time in which nothing is pushed; ask [`Resolved::frozen_at`].
    pub freeze: Option<Freeze>,
    /// What holds it where it is.
    pub hold: Option<Hold>,
    /// How pull requests look.
    pub pull_request: PullRequest,
    /// The chart whose version rises.
    pub chart: Option<Chart>,
}

/// A place to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The file.
    pub file: RepoPath,
    /// The path in it, as a user writes it.
    pub path: Option<String>,
    /// The kind of file, where the policy says it.
    pub kind: Option<Kind>,
    /// The image that stands here: the target's own, or the app's only one.
    pub image: Option<ImageName>,
    /// The cluster to which it belongs.
    pub cluster: Option<String>,
    /// The document: a number from 0, or `Kind/name`.
    pub document: Option<String>,
}

/// A time in which nothing is pushed: from, until (exclusive), why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    /// The start.
    pub from: Timestamp,
    /// The end, which is outside.
    pub until: Timestamp,
    /// Why, on one line.
    pub reason: Option<String>,
}

impl Freeze {
    /// Tells whether a moment lies in the freeze.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        (self.from..self.until).contains(&now)
    }
}

/// The chart whose version rises when another value changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chart {
    /// The chart's folder.
    pub path: RepoPath,
    /// Which number of the version rises.
    pub bump: Bump,
    /// Whether `appVersion` becomes the new tag.
    pub app_version: bool,
}

/// An app and environment of which a file holds a place. `None` stands for every name that `"*"` covers,
/// where the file alone does not tell which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The app.
    pub app: Option<AppName>,
    /// The environment.
    pub env: Option<EnvName>,
    /// Whether a payload is pushed there at once.
    pub auto_deploy: AutoDeploy,
    /// A time in which nothing is pushed there.
    pub freeze: Option<Freeze>,
    /// What holds it where it is; where the names are not known, what may.
    pub hold: Option<Hold>,
    /// The places in the file.
    pub targets: Vec<ReachedTarget>,
}

/// A place in a file that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReachedTarget {
    /// The path in it; `None` where the policy gives none or it cannot be known: then the whole file counts.
    pub path: Option<String>,
    /// The document, where the policy says it.
    pub document: Option<String>,
    /// The kind of file, where the policy says it.
    pub kind: Option<Kind>,
    /// The image that stands here, where it is known.
    pub image: Option<ImageName>,
}

impl Policy {
    /// Returns what holds for an app in an environment.
    ///
    /// # Errors
    /// A fault of kind `NotFound`, with names spelt nearly like it, for an app or environment that the policy
    /// does not know; of kind `Refused` or `Invalid` for a path or image that the names make impossible.
    pub fn resolve(&self, app: &AppName, env: &EnvName) -> Result<Resolved, Fault> {
        let entry = self.apps.get(app.as_str()).ok_or_else(|| {
            Fault::not_found(format!("the policy knows no app `{app}`")).hint(suggestion(
                app.as_str(),
                self.apps.named.keys().map(String::as_str),
            ))
        })?;
        let environment = entry.environments.get(env.as_str()).ok_or_else(|| {
            let names = entry.environments.named.keys().map(String::as_str);
            Fault::not_found(format!("app `{app}` has no environment `{env}` in the policy"))
                .hint(suggestion(env.as_str(), names))
        })?;
        let fill = |text: &str| Ok(Pattern::parse(text)?.fill(app.as_str(), env.as_str()));
        let images: Vec<ImageName> = fill_images(entry, &fill)?;
        let mut targets = Vec::new();
        for (cluster, target) in targets_of(environment) {
            targets.push(Target {
                file: RepoPath::parse(&fill(&target.file)?)?,
                path: target.path.as_deref().map(fill).transpose()?,
                kind: target.kind,
                image: image_of(target, &images, &fill)?,
                cluster: cluster.map(str::to_owned),
                document: target.document.clone(),
            });
        }
        let chart = match &environment.chart {
            None => None,
            Some(chart) => Some(Chart {
                path: RepoPath::parse(&fill(&chart.path)?)?,
                bump: chart.bump,
                app_version: chart.app_version,
            }),
        };
        Ok(Resolved {
            app: app.clone(),
            env: env.clone(),
            images,
            sources: fill_list(&entry.source, &fill)?,
            senders: fill_list(&entry.senders, &fill)?,
            auto_deploy: environment.auto_deploy,
            targets,
            promote_from: environment.promote_from.as_deref().map(str::parse).transpose()?,
            guard: environment.guard,
            select: select_of(environment, &fill)?,
            freeze: freeze_of(environment)?,
            hold: self.hold(Some(app.as_str()), Some(env.as_str())).cloned(),
            pull_request: environment.pull_request.clone(),
            chart,
        })
    }

    /// Returns every app and environment of which `file` holds a place, whichever way the file is reached.
    ///
    /// # Errors
    /// None that a parsed policy can meet; the kinds of [`Policy::resolve`].
    pub fn places(&self, file: &RepoPath) -> Result<Vec<Reached>, Fault> {
        self.places_of(file, |_, _| true)
    }

    /// Returns what [`Policy::places`] does, of those apps and environments alone that `"*"` stands for.
    ///
    /// # Errors
    /// As [`Policy::places`].
    pub fn places_unnamed(&self, file: &RepoPath) -> Result<Vec<Reached>, Fault> {
        self.places_of(file, |app, env| app == "*" || env == "*")
    }

    /// Tells whether `"*"` stands for an app or an environment.
    pub fn has_unnamed(&self) -> bool {
        let mut apps = self.apps.iter();
        apps.any(|(app, entry)| app == "*" || entry.environments.iter().any(|(env, _)| env == "*"))
    }

    fn places_of(&self, file: &RepoPath, wanted: impl Fn(&str, &str) -> bool) -> Result<Vec<Reached>, Fault> {
        let mut reached = BTreeMap::new();
        for (app_key, app) in self.apps.iter() {
            let environments = app.environments.iter();
            for (env_key, environment) in environments.filter(|(env_key, _)| wanted(app_key, env_key)) {
                let start = Bound {
                    app: (app_key != "*").then(|| app_key.to_owned()),
                    env: (env_key != "*").then(|| env_key.to_owned()),
                };
                for (_, target) in targets_of(environment) {
                    for bound in match_file(&target.file, file, &start)? {
                        if self.is_named(&start, &bound, app) {
                            continue;
                        }
                        let target = reached_target(app, target, &bound)?;
                        let hold = self.hold(bound.app.as_deref(), bound.env.as_deref());
                        add(&mut reached, bound, environment, hold, target)?;
                    }
                }
            }
        }
        Ok(reached.into_values().collect())
    }

    /// Returns what holds an app in an environment; of a name that is not known, what may be meant.
    fn hold(&self, app: Option<&str>, env: Option<&str>) -> Option<&Hold> {
        let fits = |name: Option<&str>, held: &str| name.is_none_or(|name| name == held);
        self.holds
            .iter()
            .find(|hold| fits(app, hold.app.as_str()) && fits(env, hold.env.as_str()))
    }

    /// Tells whether a name that `"*"` was matched with has an entry of its own, which replaces that one.
    pub(super) fn is_named(&self, start: &Bound, bound: &Bound, app: &App) -> bool {
        let found = |start: &Option<String>, bound: &Option<String>| match (start, bound) {
            (None, Some(name)) => Some(name.clone()),
            _ => None,
        };
        found(&start.app, &bound.app).is_some_and(|name| self.apps.named.contains_key(&name))
            || found(&start.env, &bound.env).is_some_and(|name| app.environments.named.contains_key(&name))
    }
}

impl Resolved {
    /// Returns the freeze that holds at a moment.
    pub fn frozen_at(&self, now: Timestamp) -> Option<&Freeze> {
        self.freeze.as_ref().filter(|freeze| freeze.holds_at(now))
    }

    /// Tells whether payloads from a repository are accepted; forges do not tell upper from lower case.
    pub fn accepts_source(&self, repo: Option<&str>) -> bool {
        accepts(&self.sources, repo)
    }

    /// Tells whether events of a user are accepted.
    pub fn accepts_sender(&self, login: Option<&str>) -> bool {
        accepts(&self.senders, login)
    }

    /// Tells whether a payload may bring an image of this name.
    pub fn accepts_image(&self, name: &ImageName) -> bool {
        self.images.iter().any(|image| image.same_as(name))
    }
}

fn accepts(allowed: &[String], name: Option<&str>) -> bool {
    allowed.is_empty() || name.is_some_and(|name| allowed.iter().any(|one| one.eq_ignore_ascii_case(name)))
}

/// Reads a freeze; an error comes with the key to blame.
pub(super) fn read_freeze(frozen: &Frozen) -> Result<Freeze, (&'static str, Fault)> {
    let from = moment::parse(&frozen.from).map_err(|fault| ("from", fault))?;
    let until = moment::parse(&frozen.until).map_err(|fault| ("until", fault))?;
    if from >= until {
        return Err((
            "until",
            Fault::invalid("the freeze ends before it starts; `until` is exclusive"),
        ));
    }
    Ok(Freeze {
        from,
        until,
        reason: frozen.reason.as_deref().map(one_line),
    })
}

fn freeze_of(environment: &Environment) -> Result<Option<Freeze>, Fault> {
    let read = |frozen| read_freeze(frozen).map_err(|(_, fault)| fault);
    environment.frozen.as_ref().map(read).transpose()
}

fn select_of(
    environment: &Environment,
    fill: &impl Fn(&str) -> Result<String, Fault>,
) -> Result<Option<Select>, Fault> {
    let select = environment.select.as_ref();
    let read = |select| read_select(select, fill).map_err(|(_, fault)| fault);
    select.map(read).transpose()
}

/// Returns the targets of an environment, each with its cluster.
pub(super) fn targets_of(environment: &Environment) -> impl Iterator<Item = (Option<&str>, &file::Target)> {
    let plain = environment.targets.iter().flatten().map(|target| (None, target));
    let clusters = environment.clusters.iter().flat_map(file::Names::iter);
    plain.chain(clusters.flat_map(|(name, targets)| targets.iter().map(move |target| (Some(name), target))))
}

fn fill_list(
    list: &file::OneOrMany,
    fill: &impl Fn(&str) -> Result<String, Fault>,
) -> Result<Vec<String>, Fault> {
    list.0.iter().flatten().map(|text| fill(text)).collect()
}

fn fill_images(app: &App, fill: &impl Fn(&str) -> Result<String, Fault>) -> Result<Vec<ImageName>, Fault> {
    app.image
        .0
        .iter()
        .flatten()
        .map(|text| fill(text)?.parse())
        .collect()
}

fn image_of(
    target: &file::Target,
    images: &[ImageName],
    fill: &impl Fn(&str) -> Result<String, Fault>,
) -> Result<Option<ImageName>, Fault> {
    match (&target.image, images) {
        (Some(image), _) => fill(image)?.parse().map(Some),
        (None, [only]) => Ok(Some(only.clone())),
        (None, _) => Ok(None),
    }
}

/// Returns the names that lead from a target's file to the one that is asked for.
fn match_file(pattern: &str, file: &RepoPath, start: &Bound) -> Result<BTreeSet<Bound>, Fault> {
    // The path that is asked for is in its one short spelling; bring the pattern into it as well.
    let pattern = RepoPath::parse(pattern)?;
    Ok(Pattern::parse(pattern.as_str())?.matches(file.as_str(), start))
}

fn reached_target(app: &App, target: &file::Target, bound: &Bound) -> Result<ReachedTarget, Fault> {
    let known = |text: &str| Ok::<_, Fault>(Pattern::parse(text)?.fill_known(bound));
    let path = match &target.path {
        Some(path) => known(path)?,
        None => None,
    };
    let image = match (&target.image, app.image.0.as_deref()) {
        (Some(image), _) => known(image)?,
        (None, Some([only])) => known(only)?,
        (None, _) => None,
    };
    Ok(ReachedTarget {
        path,
        document: target.document.clone(),
        kind: target.kind,
        image: image.map(|image| image.parse()).transpose()?,
    })
}

fn add(
    reached: &mut BTreeMap<Bound, Reached>,
    bound: Bound,
    environment: &Environment,
    hold: Option<&Hold>,
    target: ReachedTarget,
) -> Result<(), Fault> {
    if let Some(same) = reached.get_mut(&bound) {
        same.targets.push(target);
        return Ok(());
    }
    let one = Reached {
        app: bound.app.as_deref().map(str::parse).transpose()?,
        env: bound.env.as_deref().map(str::parse).transpose()?,
        auto_deploy: environment.auto_deploy,
        freeze: freeze_of(environment)?,
        hold: hold.cloned(),
        targets: vec![target],
    };
    reached.insert(bound, one);
    Ok(())
}
