//! What has to hold between the values of a policy file, beyond the type of each.

use std::collections::HashSet;

use super::file::{App, Environment, File, Kind, Names, Target};
use super::hold::read_hold;
use super::pattern::Pattern;
use super::resolve::read_freeze;
use super::select::read_select;
use crate::words::fault::{self, Fault};
use crate::words::image::ImageName;
use crate::words::name::ClusterName;
use crate::words::payload::{read_login, read_repo};
use crate::words::repo_path::RepoPath;
use crate::words::template::{MESSAGE_NAMES, Template};
use crate::words::wording::{shown, suggestion};

/// What the holes of a pattern are filled with to see whether it can be right.
const SAMPLE: &str = "sample";
/// The most characters of a pull request's title.
const TITLE_MAX: usize = 256;

/// One of an app's images: its long spelling with the holes filled, and what is written.
type Image<'a> = (String, &'a str);

/// Something that does not hold, and the path of keys to it.
pub(super) struct Wrong {
    pub(super) path: Vec<String>,
    pub(super) fault: Fault,
}

impl Wrong {
    fn at(path: &[&str], fault: Fault) -> Self {
        Self {
            path: path.iter().map(|&key| key.to_owned()).collect(),
            fault,
        }
    }

    /// Puts a key before the path.
    fn under(mut self, keys: &[&str]) -> Self {
        let mut path: Vec<String> = keys.iter().map(|&key| key.to_owned()).collect();
        path.append(&mut self.path);
        self.path = path;
        self
    }
}

/// Checks a whole file.
pub(super) fn check(file: &File) -> Result<(), Wrong> {
    if file.version != 1 {
        let fault = Fault::invalid(format!(
            "version {} is not known; this is version 1",
            file.version
        ))
        .hint("update gitops-steps, or write `version: 1`");
        return Err(Wrong::at(&["version"], fault));
    }
    for (name, app) in file.apps.iter() {
        check_app(app).map_err(|wrong| wrong.under(&["apps", name]))?;
    }
    for (name, hold) in &file.holds {
        read_hold(name, hold).map_err(|(key, fault)| {
            let keys: &[&str] = if key.is_empty() { &[] } else { &[key] };
            Wrong::at(keys, fault).under(&["holds", name])
        })?;
    }
    Ok(())
}

fn check_app(app: &App) -> Result<(), Wrong> {
    let mut images = Vec::new();
    for text in app.image.0.iter().flatten() {
        let image = sample_image(text).map_err(|fault| Wrong::at(&["image"], fault))?;
        images.push((image.canonical(), text.as_str()));
    }
    if app.image.0.as_ref().is_some_and(Vec::is_empty) {
        return Err(Wrong::at(
            &["image"],
            Fault::invalid("the list of images is empty"),
        ));
    }
    if images.iter().map(|(name, _)| name).collect::<HashSet<_>>().len() < images.len() {
        return Err(Wrong::at(
            &["image"],
            Fault::invalid("an image stands twice in the list"),
        ));
    }
    for (key, list) in [("source", &app.source), ("senders", &app.senders)] {
        if list.0.as_ref().is_some_and(Vec::is_empty) {
            let fault = Fault::invalid(format!("the list `{key}` is empty"))
                .hint("name who is accepted, or leave the key out to accept anyone");
            return Err(Wrong::at(&[key], fault));
        }
        for text in list.0.iter().flatten() {
            let read = |text: &str| {
                if key == "source" {
                    read_repo(text)
                } else {
                    read_login(text)
                }
            };
            Pattern::parse(text)
                .and_then(|pattern| read(&pattern.fill(SAMPLE, SAMPLE)))
                .map_err(|fault| Wrong::at(&[key], fault))?;
        }
    }
    if app.environments.iter().next().is_none() {
        return Err(Wrong::at(
            &["environments"],
            Fault::invalid("the app has no environment"),
        ));
    }
    for (name, environment) in app.environments.iter() {
        check_environment(environment, &images).map_err(|wrong| wrong.under(&["environments", name]))?;
    }
    check_promotions(&app.environments)
}

fn check_environment(environment: &Environment, images: &[Image]) -> Result<(), Wrong> {
    match (&environment.targets, &environment.clusters) {
        (Some(targets), None) => check_targets(targets, images).map_err(|wrong| wrong.under(&["targets"]))?,
        (None, Some(clusters)) => {
            for (name, targets) in clusters.iter() {
                name.parse::<ClusterName>()
                    .map_err(|fault| Wrong::at(&["clusters", name], fault))?;
                check_targets(targets, images).map_err(|wrong| wrong.under(&["clusters", name]))?;
            }
            if clusters.named.is_empty() {
                return Err(Wrong::at(&["clusters"], Fault::invalid("there is no cluster")));
            }
        }
        (Some(_), Some(_)) => {
            let fault =
                Fault::invalid("`targets` and `clusters` stand side by side").hint("keep one of them");
            return Err(Wrong::at(&["clusters"], fault));
        }
        (None, None) => {
            let fault =
                Fault::invalid("the environment has no places to change").hint("add `targets` or `clusters`");
            return Err(Wrong::at(&[], fault));
        }
    }
    if let Some(frozen) = &environment.frozen {
        read_freeze(frozen).map_err(|(key, fault)| Wrong::at(&["frozen", key], fault))?;
    }
    if let Some(select) = &environment.select {
        let follow = |text: &str| Ok(Pattern::parse(text)?.fill(SAMPLE, SAMPLE));
        read_select(select, &follow).map_err(|(key, fault)| {
            let keys: &[&str] = if key.is_empty() {
                &["select"]
            } else {
                &["select", key]
            };
            Wrong::at(keys, fault)
        })?;
        if images.is_empty() {
            let fault = Fault::invalid("a version is chosen, and the app does not say of which image")
                .hint("add `image:` to the app");
            return Err(Wrong::at(&["select"], fault));
        }
    }
    if let Some(chart) = &environment.chart {
        sample_path(&chart.path).map_err(|fault| Wrong::at(&["chart", "path"], fault))?;
    }
    let request = &environment.pull_request;
    for (key, text) in [("title", &request.title), ("body", &request.body)] {
        if let Some(text) = text {
            Template::parse(text, MESSAGE_NAMES).map_err(|fault| Wrong::at(&["pull-request", key], fault))?;
        }
    }
    if request
        .title
        .as_ref()
        .is_some_and(|title| title.chars().count() > TITLE_MAX)
    {
        let fault = Fault::invalid("a title has at most 256 characters");
        return Err(Wrong::at(&["pull-request", "title"], fault));
    }
    Ok(())
}

fn check_targets(targets: &[Target], images: &[Image]) -> Result<(), Wrong> {
    if targets.is_empty() {
        return Err(Wrong::at(&[], Fault::invalid("the list of targets is empty")));
    }
    for (index, target) in targets.iter().enumerate() {
        check_target(target, images).map_err(|wrong| wrong.under(&[&index.to_string()]))?;
    }
    Ok(())
}

fn check_target(target: &Target, images: &[Image]) -> Result<(), Wrong> {
    sample_path(&target.file).map_err(|fault| Wrong::at(&["file"], fault))?;
    if let Some(path) = &target.path {
        Pattern::parse(path)
            .map(|_| ())
            .and_then(|()| {
                if path.is_empty() {
                    Err(Fault::invalid("the path is empty"))
                } else {
                    Ok(())
                }
            })
            .map_err(|fault| Wrong::at(&["path"], fault))?;
    } else if target.kind == Some(Kind::Path) {
        let fault = Fault::invalid("a target of kind `path` needs a `path`");
        return Err(Wrong::at(&["kind"], fault));
    }
    if target.document.as_ref().is_some_and(String::is_empty) {
        return Err(Wrong::at(&["document"], Fault::invalid("the document is empty")));
    }
    match &target.image {
        None if images.len() > 1 => {
            let fault = Fault::invalid("the app has several images, and the target does not say which")
                .hint("add `image:` to the target");
            Err(Wrong::at(&[], fault))
        }
        None => Ok(()),
        Some(image) => {
            let name = sample_image(image)
                .map_err(|fault| Wrong::at(&["image"], fault))?
                .canonical();
            if images.iter().any(|(other, _)| *other == name) {
                return Ok(());
            }
            let fault = Fault::invalid(format!("`{}` is not among the app's images", shown(image)))
                .hint(suggestion(image, images.iter().map(|(_, written)| *written)));
            Err(Wrong::at(&["image"], fault))
        }
    }
}

/// Checks that what is promoted comes from an environment that exists, and in the end from one that is not
/// promoted to.
fn check_promotions(environments: &Names<Environment>) -> Result<(), Wrong> {
    let at = |name: &str, fault| Wrong::at(&["environments", name, "promote-from"], fault);
    let mut proven: HashSet<&str> = HashSet::new();
    for (start, _) in environments.iter() {
        let mut chain: HashSet<&str> = HashSet::new();
        let mut name = start;
        while !proven.contains(name) {
            if !chain.insert(name) {
                let fault = Fault::invalid(format!(
                    "the promotions go round in a circle through `{}`",
                    shown(name)
                ));
                return Err(at(name, fault));
            }
            let entry = if name == "*" {
                environments.star.as_ref()
            } else {
                environments.get(name)
            };
            let Some(from) = entry.and_then(|entry| entry.promote_from.as_deref()) else {
                break;
            };
            if environments.get(from).is_none() || from == "*" {
                let fault = Fault::invalid(format!("there is no environment `{}`", shown(from)))
                    .hint(suggestion(from, environments.named.keys().map(String::as_str)));
                return Err(at(name, fault));
            }
            name = from;
        }
        proven.extend(chain);
    }
    Ok(())
}

fn sample_image(text: &str) -> Result<ImageName, Fault> {
    Pattern::parse(text)?.fill(SAMPLE, SAMPLE).parse()
}

fn sample_path(text: &str) -> Result<RepoPath, Fault> {
    let fault = |fault: Fault| Fault {
        kind: fault::Kind::Invalid,
        ..fault
    };
    RepoPath::parse(&Pattern::parse(text)?.fill(SAMPLE, SAMPLE)).map_err(fault)
}
