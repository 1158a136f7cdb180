//! What an app had before, to be had again.

use super::promote::{built_from, images_of, version};
use super::read_policy;
use super::request::Request;
use super::way::{Past, WantedImage, Way, When};
use crate::plan::comparison::LoggedCommit;
use crate::plan::snapshot::Snapshot;
use crate::steps::if_readable;
use crate::words::fault::{Fault, Kind};
use crate::words::image::{Digest, Tag};
use crate::words::policy::Resolved;
use crate::words::repo_path::RepoPath;
use crate::words::source_commit;
use crate::words::trailers::{Key, Trailers};
use crate::words::wording::shown;

/// How many commits of a file are asked for at once.
const PAGE: usize = 50;
/// How many commits are looked at in all.
const MOST: usize = 200;
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
        // Places that disagree today may be the very reason to go back.
        let now = if_readable(images_of(&resolved, snapshot))?;
        let mut log = Log::of(&resolved, snapshot)?;
        let found = match &past.to {
            When::Previous => previous(now.as_deref(), &mut log, snapshot)?,
            When::Named(name) => named(name, &mut log, snapshot)?.map(Found::State),
        };
        let source = self.source.clone();
        let (restored, images, note, source) = match found {
            Some(Found::State(State { id, images, .. })) => {
                // From there back: what has come since may be more commits than are looked through for it.
                let source = built_from(&resolved, &images, &*snapshot.at(&id)?, source)?;
                (Some(id), images, None, source)
            }
            Some(Found::Back(from)) => (None, now.unwrap_or_default(), Some(from), source),
            None => return Err(unknown(past, log.seen).into()),
        };
        Ok(Self {
            source,
            way: Way::Policy {
                env: past.env.clone(),
                apps: vec![(past.app.clone(), images)],
            },
            restored,
            note,
            drop_digest: true,
            drop_tag: true,
            ..self.clone()
        })
    }
}

/// What an app had after a commit.
struct State {
    /// The commit, in full hex.
    id: String,
    message: String,
    images: Vec<WantedImage>,
}

/// What `previous` comes to.
enum Found {
    /// It is this.
    State(State),
    /// What there is now is itself what it went back to; the words say so.
    Back(String),
}

/// Finds what the app had before what it has now.
///
/// A rollback that is run again must not undo itself: what has just been rolled back to has no `previous`.
fn previous(
    now: Option<&[WantedImage]>,
    log: &mut Log<'_>,
    snapshot: &dyn Snapshot,
) -> anyhow::Result<Option<Found>> {
    let mut brought: Option<String> = None;
    let mut before: Option<State> = None;
    while let Some(state) = log.next(snapshot)? {
        let is_now = now == Some(&state.images[..]);
        match &before {
            None if is_now => brought = Some(state.message),
            None => {
                let is_back = brought
                    .as_ref()
                    .is_some_and(|message| Trailers::parse(message).get(Key::Restored).is_some());
                if is_back {
                    return Ok(Some(Found::Back(went_back(&state))));
                }
                before = Some(state);
            }
            Some(before) if before.images == state.images => {}
            Some(before) if is_now => return Ok(Some(Found::Back(went_back(before)))),
            Some(_) => break,
        }
    }
    Ok(before.map(Found::State))
}

fn went_back(from: &State) -> String {
    let versions: Vec<String> = from.images.iter().map(version).collect();
    format!(
        "it went back from {} already; to go anywhere else, name it with --to",
        versions.join(", ")
    )
}

/// Finds the newest commit after which the app had a version, or that is named.
fn named(name: &str, log: &mut Log<'_>, snapshot: &dyn Snapshot) -> anyhow::Result<Option<State>> {
    let mut at_commit = None;
    while let Some(state) = log.next(snapshot)? {
        if state.images.iter().any(|image| is_version(image, name)) {
            return Ok(Some(state));
        }
        // An image may be tagged with what looks like a commit, so the rest is looked through for that first.
        if at_commit.is_none() && is_commit(&state.id, name) {
            at_commit = Some(state);
        }
    }
    if at_commit.is_none() && source_commit::is_whole(name) {
        // It may be one that changed other files.
        at_commit = if_readable(log.at(name, String::new(), snapshot))?;
    }
    Ok(at_commit)
}

fn unknown(past: &Past, seen: usize) -> Fault {
    let (app, env) = (&past.app, &past.env);
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

/// The states of an environment: the commits that changed its files, newest first.
struct Log<'r> {
    resolved: &'r Resolved,
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

impl<'r> Log<'r> {
    fn of(resolved: &'r Resolved, snapshot: &dyn Snapshot) -> anyhow::Result<Self> {
        let mut paths: Vec<&RepoPath> = resolved.targets.iter().map(|target| &target.file).collect();
        paths.sort();
        paths.dedup();
        let mut files = Vec::new();
        for file in paths {
            files.push(FileLog::new(file.clone(), snapshot.history(file, PAGE)?));
        }
        Ok(Self {
            resolved,
            files,
            seen: 0,
        })
    }

    /// Takes the newest state that is left, passing over commits at which the places cannot be read or disagree; `None`
    /// at the end of what is known.
    fn next(&mut self, snapshot: &dyn Snapshot) -> anyhow::Result<Option<State>> {
        while let Some(commit) = self.next_commit(snapshot)? {
            if let Some(state) = if_readable(self.at(&commit.id, commit.message, snapshot))? {
                return Ok(Some(state));
            }
        }
        Ok(None)
    }

    fn at(&self, id: &str, message: String, snapshot: &dyn Snapshot) -> anyhow::Result<State> {
        Ok(State {
            images: images_of(self.resolved, &*snapshot.at(id)?)?,
            id: id.to_owned(),
            message,
        })
    }

    fn next_commit(&mut self, snapshot: &dyn Snapshot) -> anyhow::Result<Option<LoggedCommit>> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::snapshot::Blob;
    use crate::words::policy::Policy;

    const POLICY: &str =
        "version: 1\napps: {web: {image: acme/web, environments: {dev: {targets: [{file: dev.yaml}]}}}}\n";

    /// What a commit holds: a tag, nothing, or what its remote says.
    #[derive(Clone, Copy)]
    enum Held {
        Tag(&'static str),
        Nothing,
        Fails(Kind),
    }

    /// The states of a branch, newest first.
    struct Branch<'b>(&'b [Held]);

    impl Snapshot for Branch<'_> {
        fn commit(&self) -> Option<&str> {
            None
        }

        fn read(&self, paths: &[RepoPath]) -> anyhow::Result<Vec<Option<Blob>>> {
            let bytes = match self.0[0] {
                Held::Tag(tag) => Some(format!("image: {{repository: acme/web, tag: \"{tag}\"}}\n")),
                Held::Nothing => None,
                Held::Fails(kind) => return Err(Fault::new(kind, "the remote says so").into()),
            };
            let blob = |path: &RepoPath| {
                bytes.clone().map(|text| Blob {
                    path: path.clone(),
                    bytes: text.into_bytes(),
                })
            };
            Ok(paths.iter().map(blob).collect())
        }

        fn list(&self) -> anyhow::Result<Vec<RepoPath>> {
            Ok(Vec::new())
        }

        fn history(&self, _: &RepoPath, most: usize) -> anyhow::Result<Vec<LoggedCommit>> {
            let logged = |at: usize| LoggedCommit {
                id: at.to_string(),
                message: String::new(),
                author: String::new(),
                committer: String::new(),
                committed: jiff::Timestamp::from_second(1000 - i64::try_from(at).unwrap()).unwrap(),
            };
            Ok((0..self.0.len()).take(most).map(logged).collect())
        }

        fn before(&self, _: &str, _: &RepoPath, _: usize) -> anyhow::Result<Vec<LoggedCommit>> {
            Ok(Vec::new())
        }

        fn at(&self, commit: &str) -> anyhow::Result<Box<dyn Snapshot + '_>> {
            let at: usize = commit.parse().unwrap();
            Ok(Box::new(Branch(&self.0[at..])))
        }
    }

    /// The commit that `previous` comes to, or the kind of the failure.
    fn back(states: &[Held]) -> Result<Option<String>, Kind> {
        let policy = Policy::parse("policy", POLICY.as_bytes()).unwrap();
        let resolved = policy
            .resolve(&"web".parse().unwrap(), &"dev".parse().unwrap())
            .unwrap();
        let branch = Branch(states);
        let now = images_of(&resolved, &branch).unwrap();
        let mut log = Log::of(&resolved, &branch).unwrap();
        match previous(Some(&now), &mut log, &branch) {
            Ok(Some(Found::State(state))) => Ok(Some(state.id)),
            Ok(Some(Found::Back(_)) | None) => Ok(None),
            Err(error) => Err(error.downcast_ref::<Fault>().unwrap().kind),
        }
    }

    #[test]
    fn a_remote_that_fails_is_no_state_to_be_passed_over() {
        use Held::{Fails, Nothing, Tag};
        assert_eq!(
            back(&[Tag("3"), Nothing, Tag("2"), Tag("1")]),
            Ok(Some("2".to_owned()))
        );
        for kind in [Kind::GaveUp, Kind::Denied] {
            assert_eq!(back(&[Tag("3"), Fails(kind), Tag("2"), Tag("1")]), Err(kind));
        }
        let disagree = Fails(Kind::Refused);
        assert_eq!(
            back(&[Tag("3"), disagree, Tag("2"), Tag("1")]),
            Ok(Some("2".to_owned()))
        );
        assert_eq!(back(&[Tag("3"), Tag("3")]), Ok(None));
    }
}
