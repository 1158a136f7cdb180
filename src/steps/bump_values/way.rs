//! The ways to say what changes: by policy, by file, in bulk, or from an event.

use super::args::WhatArgs;
use super::request::Inputs;
use super::whole::WholeWay;
use crate::plan::places::Want;
use crate::steps::{fault_in, parse_path, split_assignment};
use crate::words::changes::Change;
use crate::words::event::Event;
use crate::words::fault::Fault;
use crate::words::image::{Digest, ImageName, ImageRef, Tag};
use crate::words::name::{AppName, EnvName};
use crate::words::payload::Payload;
use crate::yaml::{Document, Edit, Operation, Value};

/// The ways to say what changes.
#[derive(Clone, Debug)]
pub enum Way {
    /// The places that the policy file lists for apps in an environment.
    Policy {
        /// The environment.
        env: EnvName,
        /// The apps, each with the images that were asked for.
        apps: Vec<(AppName, Vec<WantedImage>)>,
    },
    /// What a registry has for an app in an environment; [`Request::chosen`] puts that in.
    ///
    /// [`Request::chosen`]: super::Request::chosen
    Choose(Choosing),
    /// What another environment has, for apps in an environment; [`Request::settled`] finds out what that is.
    ///
    /// [`Request::settled`]: super::Request::settled
    Promote(Promotion),
    /// What an app had in an environment before; [`Request::settled`] finds out what that was.
    ///
    /// [`Request::settled`]: super::Request::settled
    Past(Past),
    /// Files that the user names.
    Files(Files),
    /// A bulk list.
    Changes(Vec<Change>),
    /// Files that come and go whole.
    Whole(WholeWay),
    /// Nothing, for this reason.
    Nothing(String),
}

/// An app and an environment for which the policy says how a version is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choosing {
    /// The app.
    pub app: AppName,
    /// The environment.
    pub env: EnvName,
    /// The one of the app's images that is meant; all where none is named.
    pub image: Option<ImageName>,
}

/// What goes from one environment to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promotion {
    /// The apps; none means all whose values differ.
    pub apps: Vec<AppName>,
    /// The environment that has the values; `None` takes the policy's `promote-from`.
    pub from: Option<EnvName>,
    /// The environment that gets them.
    pub env: EnvName,
}

/// Where an app goes back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// The app.
    pub app: AppName,
    /// The environment.
    pub env: EnvName,
    /// What it had when.
    pub to: When,
}

/// A moment in the past of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum When {
    /// Before the version that it has now.
    Previous,
    /// When it had a version (a tag or digest), or at a commit of the config repo, in full hex or its beginning.
    Named(String),
}

/// Files that the user names, and what changes in them.
#[derive(Clone, Debug)]
pub struct Files {
    /// Paths and globs.
    pub patterns: Vec<String>,
    /// The image to find, and what it becomes.
    pub image: Option<(ImageName, Want)>,
    /// The document to look in; everywhere where none is named.
    pub document: Option<Document>,
    /// Whether more than one place may change.
    pub all: bool,
    /// The edits by path.
    pub edits: Vec<Edit>,
}

/// An image as it was asked for; the name may be left to the policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WantedImage {
    /// The name.
    pub name: Option<ImageName>,
    /// The tag.
    pub tag: Option<Tag>,
    /// The digest.
    pub digest: Option<Digest>,
}

impl WantedImage {
    /// Returns tag, digest or both, as a reference to the image writes them.
    pub fn version(&self) -> String {
        let tag = self.tag.as_ref().map(ToString::to_string);
        let digest = self.digest.as_ref().map(ToString::to_string);
        match (tag, digest) {
            (Some(tag), Some(digest)) => format!("{tag}@{digest}"),
            (one, other) => one.or(other).unwrap_or_default(),
        }
    }
}

/// Reads the way in which a run says what changes.
///
/// # Errors
/// `Invalid` for two ways at once, for none, and for what flags and event do not agree on.
pub(super) fn way(args: &WhatArgs, inputs: &Inputs) -> Result<Way, Fault> {
    let by_policy = !args.app.is_empty() || args.env.is_some();
    let by_file = !args.file.is_empty();
    if args.resolve {
        return by_choice(args);
    }
    let pushed = match &inputs.event {
        Some(Event::Nothing { reason }) => return Ok(Way::Nothing(reason.clone())),
        Some(Event::Push(push)) => {
            if let Some(only) = args.only_ref.as_ref().filter(|only| **only != push.reference) {
                let reference = push.reference.escape_debug();
                return Ok(Way::Nothing(format!(
                    "the push is to `{reference}`, not to `{only}`"
                )));
            }
            Some(push.after.parse()?)
        }
        Some(Event::Deploy(_)) | None => None,
    };
    if let Some(entries) = &inputs.changes {
        return match other_way("--changes", args) {
            None => Ok(Way::Changes(entries.clone())),
            Some(other) => Err(two_ways("--changes", other)),
        };
    }
    if let Some(Event::Deploy(deploy)) = &inputs.event {
        if by_file {
            return Err(two_ways("--from-event", "--file").hint(
                "what an event deploys, and where, stands in the policy file, never in flags for files",
            ));
        }
        return from_payload(args, &deploy.payload);
    }
    match (by_policy, by_file) {
        (true, true) => Err(two_ways(
            if args.app.is_empty() { "--env" } else { "--app" },
            "--file",
        )),
        (true, false) => by_policy_flags(args, pushed),
        (false, true) => by_file_flags(args, pushed),
        (false, false) => Err(Fault::invalid("nothing says what to change").hint(
            "give --app and --env with --tag, or --file with --set or --image, or --changes, or --from-event",
        )),
    }
}

/// Returns another flag than this one that says what changes in a way of its own.
fn other_way(flag: &str, args: &WhatArgs) -> Option<&'static str> {
    let given = [
        ("--file", !args.file.is_empty()),
        ("--app", !args.app.is_empty()),
        ("--env", args.env.is_some()),
        ("--image", args.image.is_some()),
        ("--tag", args.tag.is_some()),
        ("--digest", args.digest.is_some()),
        ("--from-event", args.from_event.is_some()),
    ];
    let mut others = given.iter().filter(|(name, given)| *given && *name != flag);
    others.next().map(|(name, _)| *name)
}

/// The version is what the policy's `select` gives.
fn by_choice(args: &WhatArgs) -> Result<Way, Fault> {
    let others = [
        ("--changes", args.changes.is_some()),
        ("--from-event", args.from_event.is_some()),
        ("--file", !args.file.is_empty()),
        ("--tag", args.tag.is_some()),
        ("--digest", args.digest.is_some()),
    ];
    if let Some((other, _)) = others.iter().find(|(_, given)| *given) {
        return Err(two_ways("--resolve", other));
    }
    let (Some(app), Some(env)) = (only_app(args)?, &args.env) else {
        let missing = if args.app.is_empty() { "--app" } else { "--env" };
        return Err(Fault::invalid(format!("{missing} is missing")).hint(
            "the policy file says how a version is chosen for an app in an environment: give --app and --env",
        ));
    };
    Ok(Way::Choose(Choosing {
        app: app.parse()?,
        env: env.parse()?,
        image: args.image.as_deref().map(str::parse).transpose()?,
    }))
}

fn two_ways(flag: &str, other: &str) -> Fault {
    Fault::invalid(format!("{flag} and {other} are two ways to say what changes"))
        .hint("choose one way for a run")
}

fn from_payload(args: &WhatArgs, payload: &Payload) -> Result<Way, Fault> {
    let app = payload
        .app
        .clone()
        .ok_or_else(|| Fault::invalid("the event names no app").hint("send `app` in the payload"))?;
    agree("--app", only_app(args)?, Some(app.as_str()))?;
    let env = match &args.env {
        Some(env) => env.parse()?,
        None => payload.env.clone().ok_or_else(|| {
            Fault::invalid("the event names no environment").hint("give --env in the workflow")
        })?,
    };
    let flags = wanted(args)?.unwrap_or_default();
    for image in &payload.images {
        agree(
            "--tag",
            flags.tag.as_ref().map(Tag::as_str),
            image.tag.as_ref().map(Tag::as_str),
        )?;
        agree(
            "--digest",
            flags.digest.as_ref().map(Digest::as_str),
            image.digest.as_ref().map(Digest::as_str),
        )?;
        if let (Some(flag), Some(name)) = (&flags.name, &image.name)
            && !flag.same_as(name)
        {
            return Err(disagree("--image", &flag.to_string(), &name.to_string()));
        }
    }
    let images = payload
        .images
        .iter()
        .map(|image| WantedImage {
            name: image.name.clone(),
            tag: image.tag.clone(),
            digest: image.digest.clone(),
        })
        .collect();
    Ok(Way::Policy {
        env,
        apps: vec![(app, images)],
    })
}

/// A flag that names what the event names must say the same.
fn agree(flag: &str, given: Option<&str>, event: Option<&str>) -> Result<(), Fault> {
    match (given, event) {
        (Some(given), Some(event)) if given != event => Err(disagree(flag, given, event)),
        (Some(given), None) => Err(disagree(flag, given, "nothing of the kind")),
        _ => Ok(()),
    }
}

fn disagree(flag: &str, given: &str, event: &str) -> Fault {
    Fault::invalid(format!(
        "{flag} says `{}`, and the event says `{}`",
        given.escape_debug(),
        event.escape_debug()
    ))
    .hint(format!("leave out {flag}: the event names it"))
}

fn by_policy_flags(args: &WhatArgs, pushed: Option<Tag>) -> Result<Way, Fault> {
    let (Some(app), Some(env)) = (only_app(args)?, &args.env) else {
        let missing = if args.app.is_empty() { "--app" } else { "--env" };
        return Err(Fault::invalid(format!("{missing} is missing"))
            .hint("the policy file is asked for an app in an environment: give --app and --env"));
    };
    let mut image = wanted(args)?.unwrap_or_default();
    take_pushed(&mut image, pushed)?;
    if image.tag.is_none() && image.digest.is_none() {
        return Err(no_version());
    }
    Ok(Way::Policy {
        env: env.parse()?,
        apps: vec![(app.parse()?, vec![image])],
    })
}

/// Several apps change together only where they take over what another environment has.
fn only_app(args: &WhatArgs) -> Result<Option<&str>, Fault> {
    match args.app.as_slice() {
        [] => Ok(None),
        [app] => Ok(Some(app)),
        _ => Err(Fault::invalid("--app is given more than once").hint(
            "a tag is one app's: run it once for each, or promote several apps with open-promotion-pr --from-env",
        )),
    }
}

fn by_file_flags(args: &WhatArgs, pushed: Option<Tag>) -> Result<Way, Fault> {
    let mut image = wanted(args)?;
    if let Some(image) = &mut image {
        take_pushed(image, pushed)?;
    }
    let image = match image {
        Some(WantedImage {
            name: Some(name),
            tag,
            digest,
        }) => {
            let new_name = args.new_name.as_deref().map(str::parse).transpose()?;
            if tag.is_none() && digest.is_none() && new_name.is_none() {
                return Err(no_version());
            }
            let want = Want {
                name: new_name,
                tag,
                digest,
                drop_digest: args.drop_digest,
                drop_tag: args.drop_tag,
            };
            Some((name, want))
        }
        Some(WantedImage { name: None, .. }) => {
            return Err(Fault::invalid("--tag and --digest say nothing without an image").hint(
                "add --image NAME to find the image in the file, or use --set PATH=VALUE for a plain value",
            ));
        }
        None => None,
    };
    let document = args
        .document
        .as_deref()
        .map(Document::parse)
        .transpose()
        .map_err(|error| fault_in("--document", error))?;
    let edits = path_edits(args, document.as_ref())?;
    if image.is_none() && edits.is_empty() {
        return Err(Fault::invalid("nothing says what to change in the file")
            .hint("add --set PATH=VALUE, --set-json, --unset, or --image NAME with --tag"));
    }
    Ok(Way::Files(Files {
        patterns: args.file.clone(),
        image,
        document,
        all: args.all,
        edits,
    }))
}

fn no_version() -> Fault {
    Fault::invalid("no new tag or digest was given").hint("give --tag, --digest, or --image NAME:TAG")
}

/// A push event brings the commit as the tag, as a build that tags by commit does.
fn take_pushed(image: &mut WantedImage, pushed: Option<Tag>) -> Result<(), Fault> {
    if let Some(pushed) = pushed {
        agree(
            "--tag",
            image.tag.as_ref().map(Tag::as_str),
            Some(pushed.as_str()),
        )?;
        image.tag = Some(pushed);
    }
    Ok(())
}

/// Reads --image, --tag and --digest, which may say a thing twice but not differently.
fn wanted(args: &WhatArgs) -> Result<Option<WantedImage>, Fault> {
    let reference: Option<ImageRef> = args.image.as_deref().map(str::parse).transpose()?;
    let tag: Option<Tag> = args.tag.as_deref().map(str::parse).transpose()?;
    let digest: Option<Digest> = args.digest.as_deref().map(str::parse).transpose()?;
    if reference.is_none() && tag.is_none() && digest.is_none() {
        return Ok(None);
    }
    let (name, in_tag, in_digest) =
        reference.map_or((None, None, None), |one| (Some(one.name), one.tag, one.digest));
    Ok(Some(WantedImage {
        name,
        tag: one_of("--tag", tag, in_tag)?,
        digest: one_of("--digest", digest, in_digest)?,
    }))
}

fn one_of<T: PartialEq + std::fmt::Display>(
    flag: &str,
    given: Option<T>,
    in_image: Option<T>,
) -> Result<Option<T>, Fault> {
    match (given, in_image) {
        (Some(a), Some(b)) if a != b => {
            Err(Fault::invalid(format!("{flag} says `{a}`, and --image says `{b}`")).hint("say it once"))
        }
        (a, b) => Ok(a.or(b)),
    }
}

fn path_edits(args: &WhatArgs, document: Option<&Document>) -> Result<Vec<Edit>, Fault> {
    let edit = |path: &str, operation| {
        Ok::<_, Fault>(Edit {
            document: document.cloned(),
            path: parse_path(path)?,
            operation,
            if_missing: args.if_missing.into(),
            allow_shared: args.allow_shared,
        })
    };
    let mut edits = Vec::new();
    for set in &args.set {
        let (path, value) = split_assignment(set)?;
        edits.push(edit(
            path,
            Operation::Set {
                value: Value::String(value.to_owned()),
            },
        )?);
    }
    for set in &args.set_json {
        let (path, json) = split_assignment(set)?;
        let value = serde_json::from_str(json).map_err(|error| {
            Fault::invalid(format!("`{}` is not JSON: {error}", json.escape_debug())).hint(
                "use --set for a string; --set-json takes 3, true, null, \"text\", [1, 2] or {\"a\": 1}",
            )
        })?;
        edits.push(edit(
            path,
            Operation::Set {
                value: Value::Json(value),
            },
        )?);
    }
    for path in &args.unset {
        edits.push(edit(path, Operation::Unset)?);
    }
    Ok(edits)
}
