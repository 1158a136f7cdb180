//! The commit's message and its trailers.

use super::draft::Move;
use super::hold::HoldChange;
use super::request::Request;
use super::way::Way;
use crate::plan::Plan;
use crate::plan::ValueChange;
use crate::plan::commit::NewCommit;
use crate::words::fault::Fault;
use crate::words::name::EnvName;
use crate::words::template::{DEFAULT_MESSAGE, MESSAGE_NAMES, ROLLBACK_MESSAGE, Template};
use crate::words::trailers::{self, Key, Trailers};

/// The old and the new value of a run, each where it is the same at every place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FromTo {
    /// The value before.
    pub old: Option<String>,
    /// The value after.
    pub new: Option<String>,
}

impl FromTo {
    /// Sums up what moved.
    pub fn of(moves: &[Move]) -> Self {
        let differing: Vec<&Move> = moves.iter().filter(|one| one.old != one.new).collect();
        let counted = if differing.is_empty() {
            moves.iter().collect()
        } else {
            differing
        };
        let common = |pick: fn(&Move) -> &Option<String>| {
            let first = counted.first().map(|one| pick(one).clone())?;
            counted.iter().all(|one| *pick(one) == first).then_some(first)?
        };
        Self {
            old: common(|one| &one.old),
            new: common(|one| &one.new),
        }
    }
}

/// Writes the message of a run.
///
/// # Errors
/// `Invalid` for a template that leaves nothing.
pub fn write(request: &Request, moves: &[Move], changes: &[ValueChange]) -> Result<String, Fault> {
    let image = image_of(moves);
    let hole = |name: &str| value(request, &FromTo::of(moves), image.as_deref(), changes, name);
    let text = match &request.message {
        Some(template) => template.render(hole),
        None => default(request, moves, changes)?.render(hole),
    };
    trailers::assemble(&text, request.skip_ci, &trailers(request, moves))
}

/// The template where none is given: what it is about, and from what to what where that is one thing.
fn default(request: &Request, moves: &[Move], changes: &[ValueChange]) -> Result<Template, Fault> {
    let FromTo { old, new } = FromTo::of(moves);
    let files = files(changes).len();
    let stays = moves.iter().all(|one| one.old == one.new);
    let of_rollback = match (&request.hold, &request.restored) {
        (Some(HoldChange::Set(_)), _) if stays => Some("hold({env}): {app}"),
        (Some(HoldChange::Release), _) if stays => Some("release({env}): {app}"),
        (_, Some(_)) if old.is_some() && new.is_some() => Some(ROLLBACK_MESSAGE),
        (_, Some(_)) => Some("rollback({env}): {app}"),
        (_, None) => None,
    };
    if let Way::Whole(whole) = &request.way {
        return Ok(Template::literal(&whole.subject));
    }
    if let Some(template) = of_rollback {
        return Template::parse(template, MESSAGE_NAMES);
    }
    let about = match (
        request.app_env(),
        moves.first().and_then(|one| one.image.as_ref()),
    ) {
        (Some(_), _) if old.is_some() && new.is_some() => {
            return Template::parse(DEFAULT_MESSAGE, MESSAGE_NAMES);
        }
        (Some(_), _) => "deploy({env}): {app}",
        (None, Some(_)) => "deploy: {image}",
        (None, None) if files == 1 => "deploy: {file}",
        (None, None) => "deploy:",
    };
    let how = match (old, new) {
        (Some(_), Some(_)) => " {old} → {new}".to_owned(),
        (None, Some(_)) => " → {new}".to_owned(),
        _ if files == 1 => format!(" ({} values)", changes.len()),
        _ => format!(" {} values in {files} files", changes.len()),
    };
    Template::parse(&format!("{about}{how}"), MESSAGE_NAMES)
}

fn files(changes: &[ValueChange]) -> Vec<&str> {
    let mut files: Vec<&str> = changes.iter().map(|change| change.file.as_str()).collect();
    files.dedup();
    files
}

/// Returns the first image that moves.
pub fn image_of(moves: &[Move]) -> Option<String> {
    moves.iter().find_map(|one| one.image.clone())
}

fn value(
    request: &Request,
    from_to: &FromTo,
    image: Option<&str>,
    changes: &[ValueChange],
    name: &str,
) -> Option<String> {
    let app_env = request.app_env();
    let want = request.wanted_image();
    match name {
        "app" => app_env.map(|(app, _)| app.to_string()),
        "env" => app_env.map(|(_, env)| env.to_string()),
        "image" => image.map(str::to_owned),
        "tag" => want.and_then(|(tag, _)| tag).map(ToString::to_string),
        "digest" => want.and_then(|(_, digest)| digest).map(ToString::to_string),
        "old" => from_to.old.clone(),
        "new" => from_to.new.clone(),
        "file" => changes.first().map(|change| change.file.clone()),
        "files" => Some(files(changes).join(" ")),
        "source_repo" => request.source.repo.clone(),
        "source_commit" => request.source.commit.clone(),
        "actor" => request.actor.clone(),
        "run_url" => request.source.run_url.clone(),
        _ => None,
    }
}

fn trailers(request: &Request, moves: &[Move]) -> Trailers {
    let mut trailers = Trailers::default();
    let mut add = |key, value: Option<&str>| {
        if let Some(value) = value {
            trailers.add(key, value);
        }
    };
    for app in request.apps() {
        add(Key::App, Some(app.as_str()));
    }
    add(Key::Env, request.env().map(EnvName::as_str));
    let mut images: Vec<&str> = moves.iter().filter_map(|one| one.image.as_deref()).collect();
    images.dedup();
    for image in images {
        add(Key::Image, Some(image));
    }
    let FromTo { old, new } = FromTo::of(moves);
    add(Key::Old, old.as_deref());
    add(Key::New, new.as_deref());
    add(Key::SourceRepo, request.source.repo.as_deref());
    add(Key::SourceCommit, request.source.commit.as_deref());
    add(
        Key::SourceSequence,
        request
            .source
            .sequence
            .map(|number| number.to_string())
            .as_deref(),
    );
    add(Key::RunUrl, request.source.run_url.as_deref());
    add(Key::Actor, request.actor.as_deref());
    if request.from_event {
        add(Key::SourceActor, request.source.actor.as_deref());
    }
    add(Key::Override, request.publish.override_policy.as_deref());
    add(Key::Restored, request.restored.as_deref());
    trailers
}

impl Request {
    /// Returns the value of a template's hole, as a plan knows it.
    pub fn hole(&self, plan: &Plan, name: &str) -> Option<String> {
        let from_to = FromTo {
            old: plan.old.clone(),
            new: plan.new.clone(),
        };
        value(self, &from_to, plan.image.as_deref(), &plan.changes, name)
    }

    /// Makes the commit of a plan.
    pub fn commit(&self, plan: &Plan) -> NewCommit {
        NewCommit {
            message: plan.message.clone(),
            author: self.author.clone(),
            signing: self.signing.clone(),
            changes: plan.files.clone(),
        }
    }
}
