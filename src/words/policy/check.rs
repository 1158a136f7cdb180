//! What has to hold between the values of a policy file, beyond the type of each.

use std::collections::HashSet;

use super::file::{App, Environment, File, Kind, Names, OneOrMany, Target};
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

/// Checks a whole file, and returns everything that does not hold, in the order of the file.
pub(super) fn check(file: &File) -> Vec<Wrong> {
    if file.version != 1 {
        let fault = Fault::invalid(format!(
            "version {} is not known; this is version 1",
            file.version
        ))
        .hint("update gitops-steps, or write `version: 1`");
        return vec![Wrong::at(&["version"], fault)];
    }
    let mut found = Found::default();
    for (name, app) in file.apps.iter() {
        found.take(&["apps", name], check_app(app));
    }
    for (name, hold) in &file.holds {
        found.note(read_hold(name, hold).map(|_| ()).map_err(|(key, fault)| {
            let keys: &[&str] = if key.is_empty() { &[] } else { &[key] };
            Wrong::at(keys, fault).under(&["holds", name])
        }));
    }
    found.0
}

/// What was found not to hold so far.
#[derive(Default)]
struct Found(Vec<Wrong>);

impl Found {
    fn note(&mut self, checked: Result<(), Wrong>) {
        self.0.extend(checked.err());
    }

    /// Takes over what was found below some keys.
    fn take(&mut self, keys: &[&str], found: Self) {
        self.0.extend(found.0.into_iter().map(|wrong| wrong.under(keys)));
    }
}

fn check_app(app: &App) -> Found {
    let mut found = Found::default();
    let mut images = Vec::new();
    for text in app.image.0.iter().flatten() {
        match sample_image(text) {
            Ok(image) => images.push((image.canonical(), text.as_str())),
            Err(fault) => found.0.push(Wrong::at(&["image"], fault)),
        }
    }
    // Which images there are is not known then.
    let unclear = !found.0.is_empty();
    if app.image.0.as_ref().is_some_and(Vec::is_empty) {
        let fault = Fault::invalid("the list of images is empty");
        found.0.push(Wrong::at(&["image"], fault));
    }
    if images.iter().map(|(name, _)| name).collect::<HashSet<_>>().len() < images.len() {
        let fault = Fault::invalid("an image stands twice in the list");
        found.0.push(Wrong::at(&["image"], fault));
    }
    for (key, list) in [("source", &app.source), ("senders", &app.senders)] {
        check_list(key, list, &mut found);
    }
    if app.environments.iter().next().is_none() {
        let fault = Fault::invalid("the app has no environment");
        found.0.push(Wrong::at(&["environments"], fault));
    }
    for (name, environment) in app.environments.iter() {
        let images = (!unclear).then_some(images.as_slice());
        found.take(&["environments", name], check_environment(environment, images));
    }
    check_promotions(&app.environments, &mut found);
    found
}

fn check_list(key: &str, list: &OneOrMany, found: &mut Found) {
    if list.0.as_ref().is_some_and(Vec::is_empty) {
        let fault = Fault::invalid(format!("the list `{key}` is empty"))
            .hint("name who is accepted, or leave the key out to accept anyone");
        found.0.push(Wrong::at(&[key], fault));
    }
    for text in list.0.iter().flatten() {
        let read = |text: &str| {
            if key == "source" {
                read_repo(text)
            } else {
                read_login(text)
            }
        };
        let checked = Pattern::parse(text).and_then(|pattern| read(&pattern.fill(SAMPLE, SAMPLE)));
        found.note(checked.map(|_| ()).map_err(|fault| Wrong::at(&[key], fault)));
    }
}

/// Checks an environment of an app with these images, where they are known.
fn check_environment(environment: &Environment, images: Option<&[Image]>) -> Found {
    let mut found = Found::default();
    match (&environment.targets, &environment.clusters) {
        (Some(targets), None) => found.take(&["targets"], check_targets(targets, images)),
        (None, Some(clusters)) => {
            for (name, targets) in clusters.iter() {
                let named = name.parse::<ClusterName>().map(|_| ());
                found.note(named.map_err(|fault| Wrong::at(&["clusters", name], fault)));
                found.take(&["clusters", name], check_targets(targets, images));
            }
            if clusters.named.is_empty() {
                found
                    .0
                    .push(Wrong::at(&["clusters"], Fault::invalid("there is no cluster")));
            }
        }
        (Some(_), Some(_)) => {
            let fault =
                Fault::invalid("`targets` and `clusters` stand side by side").hint("keep one of them");
            found.0.push(Wrong::at(&["clusters"], fault));
        }
        (None, None) => {
            let fault =
                Fault::invalid("the environment has no places to change").hint("add `targets` or `clusters`");
            found.0.push(Wrong::at(&[], fault));
        }
    }
    if let Some(frozen) = &environment.frozen {
        let read = read_freeze(frozen).map(|_| ());
        found.note(read.map_err(|(key, fault)| Wrong::at(&["frozen", key], fault)));
    }
    if let Some(select) = &environment.select {
        let follow = |text: &str| Ok(Pattern::parse(text)?.fill(SAMPLE, SAMPLE));
        let read = read_select(select, &follow).map(|_| ());
        found.note(read.map_err(|(key, fault)| {
            let keys: &[&str] = if key.is_empty() {
                &["select"]
            } else {
                &["select", key]
            };
            Wrong::at(keys, fault)
        }));
        if images.is_some_and(<[_]>::is_empty) {
            let fault = Fault::invalid("a version is chosen, and the app does not say of which image")
                .hint("add `image:` to the app");
            found.0.push(Wrong::at(&["select"], fault));
        }
    }
    if let Some(chart) = &environment.chart {
        let path = sample_path(&chart.path).map(|_| ());
        found.note(path.map_err(|fault| Wrong::at(&["chart", "path"], fault)));
    }
    let request = &environment.pull_request;
    for (key, text) in [("title", &request.title), ("body", &request.body)] {
        if let Some(text) = text {
            let parsed = Template::parse(text, MESSAGE_NAMES).map(|_| ());
            found.note(parsed.map_err(|fault| Wrong::at(&["pull-request", key], fault)));
        }
    }
    if request
        .title
        .as_ref()
        .is_some_and(|title| title.chars().count() > TITLE_MAX)
    {
        let fault = Fault::invalid("a title has at most 256 characters");
        found.0.push(Wrong::at(&["pull-request", "title"], fault));
    }
    found
}

fn check_targets(targets: &[Target], images: Option<&[Image]>) -> Found {
    let mut found = Found::default();
    if targets.is_empty() {
        found
            .0
            .push(Wrong::at(&[], Fault::invalid("the list of targets is empty")));
    }
    for (index, target) in targets.iter().enumerate() {
        let checked = check_target(target, images);
        found.note(checked.map_err(|wrong| wrong.under(&[&index.to_string()])));
    }
    found
}

fn check_target(target: &Target, images: Option<&[Image]>) -> Result<(), Wrong> {
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
    let Some(images) = images else { return Ok(()) };
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
/// promoted to. A circle is told of once.
fn check_promotions(environments: &Names<Environment>, found: &mut Found) {
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
                found.0.push(at(name, fault));
                break;
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
                found.0.push(at(name, fault));
                break;
            }
            name = from;
        }
        proven.extend(chain);
    }
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
