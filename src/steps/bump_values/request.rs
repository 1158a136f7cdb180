//! What a run of `bump-values` asks for, parsed once from flags, event and bulk list.

use std::path::PathBuf;

use super::args::BumpValuesArgs;
use crate::plan::commit::{Identity, Signing};
use crate::plan::places::Want;
use crate::steps::args::{CommitArgs, GuardArgs, PublishArgs, SignArg};
use crate::steps::{fault_in, parse_path, split_assignment};
use crate::words::changes::Change;
use crate::words::event::{Event, Push};
use crate::words::fault::Fault;
use crate::words::image::{Digest, ImageName, ImageRef, Tag};
use crate::words::name::{AppName, EnvName};
use crate::words::payload::Source;
use crate::words::template::{MESSAGE_NAMES, Template};
use crate::words::wording::one_line;
use crate::yaml::{Document, Edit, Operation, Value};

/// What the world knows beside the flags.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// The event, when one was asked for.
    pub event: Option<Event>,
    /// The bulk list, when one was asked for.
    pub changes: Option<Vec<Change>>,
    /// The build that runs this, as CI tells it.
    pub source: Source,
    /// Who started the run, as CI tells it.
    pub actor: Option<String>,
    /// Whether the config repo is a directory.
    pub directory: bool,
    /// Whether CI runs this.
    pub ci: bool,
}

/// One run, parsed.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag, or a fact of where it runs"
)]
#[derive(Clone, Debug)]
pub struct Request {
    /// Which values, in one of the ways of the documentation.
    pub way: Way,
    /// How it is published.
    pub publish: PublishArgs,
    /// How order is judged.
    pub guard: GuardArgs,
    /// The message's template, when one was given.
    pub message: Option<Template>,
    /// Whether the subject ends in `[skip ci]`.
    pub skip_ci: bool,
    /// Author and committer, when given.
    pub author: Option<Identity>,
    /// The signature, when asked for.
    pub signing: Option<Signing>,
    /// Where the image comes from.
    pub source: Source,
    /// Who started it.
    pub actor: Option<String>,
    /// Whether the values come from an event: then `source` is what the payload claims.
    pub from_event: bool,
    /// The fields of the event that nothing reads, by their JSON paths.
    pub ignored: Vec<String>,
    /// Whether the config repo is a directory.
    pub directory: bool,
    /// Whether CI runs this.
    pub ci: bool,
    /// Whether a digest that hides the new tag may go.
    pub drop_digest: bool,
    /// Whether a tag that belies the new digest may go.
    pub drop_tag: bool,
    /// What happens to a path that does not exist.
    pub if_missing: crate::yaml::IfMissing,
    /// Whether anchored values may change.
    pub allow_shared: bool,
}

/// The ways to say what changes.
#[derive(Clone, Debug)]
pub enum Way {
    /// The places that the policy file lists for an app in an environment.
    Policy {
        /// The app.
        app: AppName,
        /// The environment.
        env: EnvName,
        /// The images that were asked for.
        images: Vec<WantedImage>,
    },
    /// Files that the user names.
    Files(Files),
    /// A bulk list.
    Changes(Vec<Change>),
    /// Nothing, for this reason.
    Nothing(String),
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

impl Request {
    /// Parses the flags and what came with them.
    ///
    /// # Errors
    /// A fault of kind `Invalid` that names the flag, or the field of the event, that is wrong.
    pub fn new(args: BumpValuesArgs, inputs: &Inputs) -> Result<Self, Fault> {
        let CommitArgs {
            message,
            skip_ci,
            author,
            sign,
            signing_key,
        } = args.commit.clone();
        let event = inputs.event.as_ref();
        let (source, actor, from_event) = match event {
            Some(Event::Deploy(deploy)) => (
                deploy.payload.source.clone(),
                deploy.actor.clone().or(inputs.actor.clone()),
                true,
            ),
            Some(Event::Push(push)) => (source_of(push), push.actor.clone().or(inputs.actor.clone()), true),
            _ => (inputs.source.clone(), inputs.actor.clone(), false),
        };
        Ok(Self {
            way: way(&args, inputs)?,
            message: message
                .map(|text| Template::parse(&text, MESSAGE_NAMES))
                .transpose()?,
            skip_ci,
            author: author.map(|text| identity(&text)).transpose()?,
            signing: signing(sign, signing_key),
            source,
            actor,
            from_event,
            ignored: match event {
                Some(Event::Deploy(deploy)) => deploy.payload.ignored.clone(),
                _ => Vec::new(),
            },
            directory: inputs.directory,
            ci: inputs.ci,
            drop_digest: args.drop_digest,
            drop_tag: args.drop_tag,
            if_missing: args.if_missing.into(),
            allow_shared: args.allow_shared,
            publish: with_reason(args.publish)?,
            guard: args.guard,
        })
    }

    /// Returns the one image that was asked for; `None` where there are several, or none.
    pub fn wanted_image(&self) -> Option<(Option<&Tag>, Option<&Digest>)> {
        match &self.way {
            Way::Policy { images, .. } => match images.as_slice() {
                [image] => Some((image.tag.as_ref(), image.digest.as_ref())),
                _ => None,
            },
            Way::Files(files) => files
                .image
                .as_ref()
                .map(|(_, want)| (want.tag.as_ref(), want.digest.as_ref())),
            Way::Changes(_) | Way::Nothing(_) => None,
        }
    }

    /// Returns the tag that all images get by policy; `None` where they differ, or only a digest was given.
    pub fn one_tag(&self) -> Option<&Tag> {
        let Way::Policy { images, .. } = &self.way else {
            return None;
        };
        let first = images.first()?.tag.as_ref();
        images
            .iter()
            .all(|image| image.tag.as_ref() == first)
            .then_some(first)?
    }

    /// Tells of fields of the event that nothing reads, such as misspelt ones.
    pub fn passed_over(&self) -> Option<String> {
        let shown: Vec<String> = self
            .ignored
            .iter()
            .take(5)
            .map(|field| format!("`{field}`"))
            .collect();
        let more = match self.ignored.len().saturating_sub(shown.len()) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (!shown.is_empty()).then(|| format!("the event holds what nothing reads: {}{more}", shown.join(", ")))
    }

    /// Returns the app and the environment, where the policy was asked.
    pub fn app_env(&self) -> Option<(&AppName, &EnvName)> {
        match &self.way {
            Way::Policy { app, env, .. } => Some((app, env)),
            Way::Files(_) | Way::Changes(_) | Way::Nothing(_) => None,
        }
    }
}

fn way(args: &BumpValuesArgs, inputs: &Inputs) -> Result<Way, Fault> {
    let by_policy = args.app.is_some() || args.env.is_some();
    let by_file = !args.file.is_empty();
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
            if args.app.is_some() { "--app" } else { "--env" },
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
fn other_way(flag: &str, args: &BumpValuesArgs) -> Option<&'static str> {
    let given = [
        ("--file", !args.file.is_empty()),
        ("--app", args.app.is_some()),
        ("--env", args.env.is_some()),
        ("--image", args.image.is_some()),
        ("--tag", args.tag.is_some()),
        ("--digest", args.digest.is_some()),
        ("--from-event", args.from_event.is_some()),
    ];
    let mut others = given.iter().filter(|(name, given)| *given && *name != flag);
    others.next().map(|(name, _)| *name)
}

fn two_ways(flag: &str, other: &str) -> Fault {
    Fault::invalid(format!("{flag} and {other} are two ways to say what changes"))
        .hint("choose one way for a run")
}

fn from_payload(args: &BumpValuesArgs, payload: &crate::words::payload::Payload) -> Result<Way, Fault> {
    let app = payload
        .app
        .clone()
        .ok_or_else(|| Fault::invalid("the event names no app").hint("send `app` in the payload"))?;
    agree("--app", args.app.as_deref(), Some(app.as_str()))?;
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
    Ok(Way::Policy { app, env, images })
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

fn by_policy_flags(args: &BumpValuesArgs, pushed: Option<Tag>) -> Result<Way, Fault> {
    let (Some(app), Some(env)) = (&args.app, &args.env) else {
        let missing = if args.app.is_none() { "--app" } else { "--env" };
        return Err(Fault::invalid(format!("{missing} is missing"))
            .hint("the policy file is asked for an app in an environment: give --app and --env"));
    };
    let mut image = wanted(args)?.unwrap_or_default();
    take_pushed(&mut image, pushed)?;
    if image.tag.is_none() && image.digest.is_none() {
        return Err(no_version());
    }
    Ok(Way::Policy {
        app: app.parse()?,
        env: env.parse()?,
        images: vec![image],
    })
}

fn by_file_flags(args: &BumpValuesArgs, pushed: Option<Tag>) -> Result<Way, Fault> {
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
fn wanted(args: &BumpValuesArgs) -> Result<Option<WantedImage>, Fault> {
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

fn path_edits(args: &BumpValuesArgs, document: Option<&Document>) -> Result<Vec<Edit>, Fault> {
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

/// What a push tells of where the image comes from.
fn source_of(push: &Push) -> Source {
    Source {
        repo: push.repo.clone(),
        commit: Some(push.after.clone()),
        reference: Some(push.reference.clone()),
        actor: push.actor.clone(),
        ..Source::default()
    }
}

/// Checks that an override has a reason, which the commit is to record.
fn with_reason(publish: PublishArgs) -> Result<PublishArgs, Fault> {
    match &publish.override_policy {
        Some(reason) if one_line(reason).is_empty() => {
            Err(Fault::invalid("--override-policy is given without a reason")
                .hint("say why, as in --override-policy 'the shop is down'"))
        }
        _ => Ok(publish),
    }
}

fn identity(text: &str) -> Result<Identity, Fault> {
    let wrong = || {
        Fault::invalid(format!("`{}` is no author", text.escape_debug()))
            .hint("write it as \"Name <email@example.com>\"")
    };
    let (name, rest) = text.split_once('<').ok_or_else(wrong)?;
    let email = rest.trim_end().strip_suffix('>').ok_or_else(wrong)?;
    let fits =
        |part: &str| !part.is_empty() && !part.contains(['<', '>']) && !part.chars().any(char::is_control);
    if !fits(name.trim()) || !fits(email.trim()) {
        return Err(wrong());
    }
    Ok(Identity {
        name: name.trim().to_owned(),
        email: email.trim().to_owned(),
    })
}

fn signing(sign: Option<SignArg>, key: Option<PathBuf>) -> Option<Signing> {
    match (sign, key) {
        (Some(SignArg::Ssh), Some(key)) => Some(Signing::Ssh { key }),
        _ => None,
    }
}
