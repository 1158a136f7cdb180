//! What an app had before, to be had again.

use super::promote::{built_from, images_of};
use super::read_policy;
use super::request::Request;
use super::way::{Past, WantedImage, Way, When};
use crate::plan::comparison::LoggedCommit;
use crate::plan::snapshot::Snapshot;
use crate::words::fault::{Fault, Kind};
use crate::words::image::{Digest, Tag};
use crate::words::policy::Resolved;
use crate::words::repo_path::RepoPath;
use crate::words::wording::shown;

/// How many commits of a file are asked for at once.
const PAGE: usize = 50;
/// How many commits are looked at in all.
const MOST: usize = 500;
/// The fewest characters that name a commit.
const SHORTEST: usize = 7;

impl Request {
    /// Returns the request with what the app had in place of the moment when.
    ///
    /// What is read there are the places that today's policy lists: a file that lay elsewhere then is not found.
    ///
    /// # Errors
    /// `NotFound` where no such moment is known.
    pub(super) fn restored(&self, past: &Past, snapshot: &dyn Snapshot) -> anyhow::Result<Self> {
        let resolved = read_policy(snapshot)?.resolve(&past.app, &past.env)?;
        let (commit, images) = find(past, &resolved, snapshot)?;
        let source = built_from(&resolved, &images, snapshot, self.source.clone())?;
        Ok(Self {
            way: Way::Policy {
                env: past.env.clone(),
                apps: vec![(past.app.clone(), images)],
            },
            source,
            restored: Some(commit),
            drop_digest: true,
            drop_tag: true,
            ..self.clone()
        })
    }
}

/// Finds the newest commit after which the app had what is asked for, and what that is.
fn find(
    past: &Past,
    resolved: &Resolved,
    snapshot: &dyn Snapshot,
) -> anyhow::Result<(String, Vec<WantedImage>)> {
    // Places that disagree today may be the very reason to go back.
    let now = images_of(resolved, snapshot).ok();
    let mut log = Log::of(resolved, snapshot)?;
    let mut at_commit = None;
    while let Some(commit) = log.next(snapshot)? {
        let Ok(then) = images_of(resolved, &*snapshot.at(&commit.id)?) else {
            continue;
        };
        match &past.to {
            When::Previous if now.as_ref() != Some(&then) => return Ok((commit.id, then)),
            When::Named(name) if then.iter().any(|image| is_version(image, name)) => {
                return Ok((commit.id, then));
            }
            When::Named(name) if at_commit.is_none() && is_commit(&commit.id, name) => {
                // An image may be tagged with what looks like a commit, so the rest is looked through for that first.
                at_commit = Some((commit.id, then));
            }
            When::Previous | When::Named(_) => {}
        }
    }
    if let Some(found) = at_commit {
        return Ok(found);
    }
    if let When::Named(name) = &past.to
        && name.len() == 40
        && is_commit(name, name)
        && let Ok(then) = snapshot.at(name)
        && let Ok(images) = images_of(resolved, &*then)
    {
        return Ok((name.clone(), images));
    }
    Err(unknown(past, resolved, log.seen).into())
}

fn unknown(past: &Past, resolved: &Resolved, seen: usize) -> Fault {
    let (app, env) = (&resolved.app, &resolved.env);
    let what = match &past.to {
        When::Previous => format!("no other version of `{app}` in `{env}`"),
        When::Named(name) => format!("no version or commit `{}` of `{app}` in `{env}`", shown(name)),
    };
    Fault::new(
        Kind::NotFound,
        format!("{what} is known in the {seen} commits that were looked through"),
    )
    .hint("name the version with `bump-values --tag … --allow-downgrade`; in a shallow clone, `git fetch --unshallow` first")
}

fn is_version(image: &WantedImage, name: &str) -> bool {
    image.tag.as_ref().map(Tag::as_str) == Some(name)
        || image.digest.as_ref().map(Digest::as_str) == Some(name)
}

fn is_commit(id: &str, name: &str) -> bool {
    (SHORTEST..=64).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_hexdigit())
        && id.starts_with(&name.to_ascii_lowercase())
}

/// The commits that changed the files of an environment, newest first.
struct Log {
    files: Vec<FileLog>,
    seen: usize,
}

struct FileLog {
    file: RepoPath,
    /// Those that are known and not taken yet, newest last.
    ahead: Vec<LoggedCommit>,
    /// The oldest one that is known.
    oldest: Option<String>,
}

impl Log {
    fn of(resolved: &Resolved, snapshot: &dyn Snapshot) -> anyhow::Result<Self> {
        let mut paths: Vec<&RepoPath> = resolved.targets.iter().map(|target| &target.file).collect();
        paths.sort();
        paths.dedup();
        let mut files = Vec::new();
        for file in paths {
            files.push(FileLog::new(file.clone(), snapshot.history(file, PAGE)?));
        }
        Ok(Self { files, seen: 0 })
    }

    /// Takes the newest commit that is left; `None` at the end of what is known.
    fn next(&mut self, snapshot: &dyn Snapshot) -> anyhow::Result<Option<LoggedCommit>> {
        if self.seen == MOST {
            return Ok(None);
        }
        for file in &mut self.files {
            file.fill(snapshot)?;
        }
        let heads = self.files.iter().filter_map(|file| file.ahead.last());
        let Some(newest) = heads.max_by_key(|commit| commit.committed).cloned() else {
            return Ok(None);
        };
        for file in &mut self.files {
            file.ahead.retain(|commit| commit.id != newest.id);
        }
        self.seen += 1;
        Ok(Some(newest))
    }
}

impl FileLog {
    fn new(file: RepoPath, mut history: Vec<LoggedCommit>) -> Self {
        let oldest = history.last().map(|commit| commit.id.clone());
        history.reverse();
        Self {
            file,
            ahead: history,
            oldest,
        }
    }

    /// Looks further back when all that is known has been taken.
    fn fill(&mut self, snapshot: &dyn Snapshot) -> anyhow::Result<()> {
        if let (true, Some(oldest)) = (self.ahead.is_empty(), self.oldest.take()) {
            *self = Self::new(self.file.clone(), snapshot.before(&oldest, &self.file, PAGE)?);
        }
        Ok(())
    }
}
