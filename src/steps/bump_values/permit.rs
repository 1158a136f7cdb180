//! Where a change may go: the policy's word on pushing.

use jiff::Timestamp;

use super::by_policy;
use super::draft::Draft;
use super::request::Request;
use crate::plan::Publish;
use crate::plan::places::{self, Shape, kind};
use crate::steps::args::PublishArg;
use crate::steps::parse_path;
use crate::words::fault::Fault;
use crate::words::policy::{AutoDeploy, Policy, Reached, ReachedTarget, Resolved};
use crate::words::repo_path::RepoPath;
use crate::yaml::{self, Document, Path, Segment};

impl Request {
    /// Decides where the change goes.
    ///
    /// # Errors
    /// `Invalid` for `--publish files` on an address, which has no files to write.
    pub fn destination(&self) -> Result<Publish, Fault> {
        match self.publish.publish {
            PublishArg::PullRequest => Ok(Publish::PullRequest),
            PublishArg::Files if self.directory => Ok(Publish::Files),
            PublishArg::Files => Err(
                Fault::invalid("`--publish files` needs a directory as --config-repo")
                    .hint("clone the config repo first, or leave out --publish to push"),
            ),
            // A laptop never pushes by accident; in CI the policy speaks, and it speaks for environments.
            PublishArg::Auto if self.directory && !(self.ci && self.env().is_some()) => Ok(Publish::Files),
            PublishArg::Push | PublishArg::Auto => Ok(Publish::Push),
        }
    }
}

impl Request {
    /// Checks that the policy lets this event's sender in.
    ///
    /// # Errors
    /// `Refused` for another source or sender than those that the policy lists.
    pub fn permit_sender(&self, resolved: &Resolved) -> Result<(), Fault> {
        if !self.from_event {
            return Ok(());
        }
        let known = |name: Option<&str>| {
            name.map_or("nobody".to_owned(), |name| format!("`{}`", name.escape_debug()))
        };
        if !resolved.accepts_source(self.source.repo.as_deref()) {
            return Err(Fault::refused(format!(
                "the policy takes no payload for `{}` from {}",
                resolved.app,
                known(self.source.repo.as_deref())
            ))
            .hint(format!("it takes those of {}", resolved.sources.join(", "))));
        }
        if !resolved.accepts_sender(self.actor.as_deref()) {
            return Err(Fault::refused(format!(
                "the policy takes no event for `{}` that {} sent",
                resolved.app,
                known(self.actor.as_deref())
            ))
            .hint(format!("it takes those of {}", resolved.senders.join(", "))));
        }
        Ok(())
    }

    /// Returns the environments of the policy whose places change, by whatever flags they were reached, each with the
    /// file. A shared value that may change counts for every place of its document, since aliases may carry it there.
    ///
    /// # Errors
    /// None that a parsed policy can meet; the kinds of [`Policy::places`].
    pub fn touched<'a>(
        &self,
        policy: &Policy,
        draft: &Draft,
        reached: &'a [(RepoPath, usize, Path)],
    ) -> Result<Vec<(&'a RepoPath, Reached)>, Fault> {
        let mut checked: Vec<&RepoPath> = Vec::new();
        let mut touched = Vec::new();
        for (file, ..) in reached {
            if checked.contains(&file) {
                continue;
            }
            checked.push(file);
            let mut entries = Vec::new();
            for name in draft.names(file) {
                entries.extend(policy.places(name)?);
            }
            let changes = |target: &ReachedTarget| {
                let here = reached.iter().filter(|(theirs, ..)| theirs == file);
                here.into_iter().any(|(_, document, path)| {
                    may_be_in(draft, file, target, *document)
                        && (self.allow_shared || covers(draft, file, target, *document, path))
                })
            };
            let entries = entries
                .into_iter()
                .filter(|entry| entry.targets.iter().any(changes));
            touched.extend(entries.map(|entry| (file, entry)));
        }
        Ok(touched)
    }

    /// Checks that every environment that changes may be pushed to.
    ///
    /// # Errors
    /// `Refused` for one that is manual or frozen, unless the policy is overridden.
    pub fn permit_push(
        &self,
        touched: &[(&RepoPath, Reached)],
        now: Timestamp,
        warnings: &mut Vec<String>,
    ) -> Result<(), Fault> {
        for (file, entry) in touched {
            let Some(refusal) = refusal(entry, now, !self.goes_back()) else {
                continue;
            };
            if let Some(reason) = &self.publish.override_policy {
                warnings.push(format!("{refusal}, overridden: {}", reason.escape_debug()));
                continue;
            }
            let hint = "open a pull request with --publish pull-request, or push all the same with \
                        --override-policy 'reason'";
            let hint = match entry.hold {
                Some(_) => format!("{hint}; `rollback --release-hold` ends the hold"),
                None => hint.to_owned(),
            };
            return Err(Fault::refused(refusal).at(file.as_str(), 0, 0).hint(hint));
        }
        Ok(())
    }

    /// Says which hold a change goes against, the first where there are several. A forge knows nothing of holds: who merges
    /// its change request has to be told.
    pub fn hold_against(
        &self,
        touched: &[(&RepoPath, Reached)],
        warnings: &mut Vec<String>,
    ) -> Option<String> {
        let mut entries = touched.iter().map(|(_, entry)| entry);
        let held = entries.find_map(held).filter(|_| !self.goes_back())?;
        warnings.push(format!("{held}; the pull request is for when that ends"));
        Some(held)
    }

    /// Whether an environment that changes is frozen now, or held.
    pub fn is_frozen(&self, touched: &[(&RepoPath, Reached)], now: Timestamp) -> bool {
        let mut entries = touched.iter().map(|(_, entry)| entry);
        entries.any(|entry| {
            let frozen = entry.freeze.as_ref().is_some_and(|freeze| freeze.holds_at(now));
            frozen || (entry.hold.is_some() && !self.goes_back())
        })
    }
}

/// Why nothing is pushed to an environment now, if so. Who goes back, or ends a hold, is not kept by one.
fn refusal(entry: &Reached, now: Timestamp, hold_counts: bool) -> Option<String> {
    let name = |name: Option<String>| name.map_or("every one".to_owned(), |name| format!("`{name}`"));
    let env = name(entry.env.as_ref().map(ToString::to_string));
    let app = name(entry.app.as_ref().map(ToString::to_string));
    if let Some(freeze) = entry.freeze.as_ref().filter(|freeze| freeze.holds_at(now)) {
        let reason = freeze
            .reason
            .as_ref()
            .map(|reason| format!(": {}", reason.escape_debug()));
        return Some(format!(
            "{env} of {app} is frozen until {}{}",
            freeze.until,
            reason.unwrap_or_default()
        ));
    }
    if let Some(held) = held(entry).filter(|_| hold_counts) {
        return Some(held);
    }
    (entry.auto_deploy == AutoDeploy::Off)
        .then(|| format!("{env} of {app} changes only by pull request (auto-deploy is off)"))
}

/// Says by whom an environment is held where it is, and why.
fn held(entry: &Reached) -> Option<String> {
    let hold = entry.hold.as_ref()?;
    let by = hold.by.as_ref().map(|by| format!(" by {}", by.escape_debug()));
    Some(format!(
        "`{}` of `{}` is held{}: {}",
        hold.env,
        hold.app,
        by.unwrap_or_default(),
        hold.reason.escape_debug()
    ))
}

/// Whether a place of the policy may lie in a document.
fn may_be_in(draft: &Draft, file: &RepoPath, target: &ReachedTarget, document: usize) -> bool {
    let position = by_policy::document(target.document.as_deref())
        .ok()
        .and_then(|named| draft.position(file, named.as_ref()).ok().flatten());
    position.is_none_or(|position| position == document)
}

/// Whether a path that changes lies at, in or around a place of the policy. What cannot be told counts as yes.
fn covers(draft: &Draft, file: &RepoPath, target: &ReachedTarget, document: usize, path: &Path) -> bool {
    let yaml = draft.yaml(file);
    let in_document = Document::Index(document);
    let changed = canonical(yaml, &in_document, path);
    let touches = |theirs: &Path| {
        let theirs = canonical(yaml, &in_document, theirs);
        theirs.starts_with(&changed) || changed.starts_with(&theirs)
    };
    if let Some(text) = &target.path {
        return parse_path(text).map_or(true, |theirs| touches(&theirs));
    }
    let Some(image) = &target.image else { return true };
    let kind = target.kind.or_else(|| kind::of_file(file));
    let places = places::find_image(yaml, kind, None, image);
    let mut here = places.iter().filter(|place| place.document == document);
    places.is_empty()
        || here.any(|place| match &place.shape {
            Shape::Parts(parts) => [
                Some(&parts.tag),
                parts.digest.as_ref(),
                parts.name.as_ref(),
                parts.registry.as_ref(),
            ]
            .into_iter()
            .flatten()
            .any(touches),
            Shape::Reference { .. } | Shape::Version => place.path.as_ref().is_none_or(touches),
        })
}

/// The one spelling of a path: keys and indices, as far as it exists.
fn canonical(yaml: &yaml::File, document: &Document, path: &Path) -> Vec<Segment> {
    let found = yaml.find(Some(document), path).ok().and_then(yaml::Node::path);
    found.as_ref().unwrap_or(path).segments().to_vec()
}
