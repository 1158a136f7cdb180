//! Fetches the tip of one branch, one commit deep, and deeper where its history is asked for.

use std::sync::Arc;
use std::time::Duration;

use git2::{AutotagOption, Direction, FetchOptions, Oid, RemoteCallbacks, Repository};

use super::credentials::Access;
use super::wire::{Failure, Wire, WireError};
use crate::words::fault::{Fault, Kind};
use crate::words::wording::suggestion;
use crate::world::clock;
use crate::world::progress::Progress;

/// How often a fetch is tried when the connection breaks or the server is ailing.
const TRIES: u32 = 4;
/// The longest first pause between two fetches; it doubles.
const PAUSE: Duration = Duration::from_millis(500);

/// The depth that git's protocol takes for all there is.
pub(super) const WHOLE: i32 = i32::MAX;

/// The tip of a branch.
pub(super) struct Tip {
    /// The branch's short name.
    pub branch: String,
    /// Its commit, which is in the local repository now.
    pub commit: Oid,
}

/// Fetches the tip of `branch`, or of the remote's default branch.
///
/// Objects that are there already are not sent again.
pub(super) fn tip(
    repo: &Repository,
    wire: &Arc<Wire>,
    branch: Option<&str>,
    progress: &dyn Progress,
) -> Result<Tip, Failure> {
    let found = wire.with_remote(repo, |remote| {
        let mut connection = remote.connect_auth(Direction::Fetch, None, None)?;
        let tip = match find(&connection, branch)? {
            Ok(tip) => tip,
            Err(fault) => return Ok(Err(fault)),
        };
        if repo.find_commit(tip.commit).is_err() {
            let name = &tip.branch;
            let refspec = format!("+refs/heads/{name}:refs/remotes/origin/{name}");
            connection
                .remote()
                .fetch(&[refspec], Some(&mut options(progress)), None)?;
        }
        Ok(Ok(tip))
    });
    let tip = found.map_err(failure)??;
    repo.find_commit(tip.commit).map_err(|e| broken(&e))?;
    Ok(tip)
}

/// Fetches the commit that a branch or a tag names; a branch goes first where there are both.
pub(super) fn named(
    repo: &Repository,
    wire: &Arc<Wire>,
    name: &str,
    progress: &dyn Progress,
) -> Result<Oid, Failure> {
    const HERE: &str = "refs/gitops-steps/named";
    let found = wire.with_remote(repo, |remote| {
        let mut connection = remote.connect_auth(Direction::Fetch, None, None)?;
        let heads: Vec<String> = connection
            .list()?
            .iter()
            .map(|head| head.name().to_owned())
            .collect();
        let full = ["heads", "tags"].map(|kind| format!("refs/{kind}/{name}"));
        let Some(full) = full.iter().find(|full| heads.contains(full)) else {
            let known = |head: &String| {
                let short = head
                    .strip_prefix("refs/heads/")
                    .or_else(|| head.strip_prefix("refs/tags/"))?;
                (!short.ends_with("^{}")).then(|| short.to_owned())
            };
            let known: Vec<String> = heads.iter().filter_map(known).collect();
            return Ok(Err(Fault::not_found(format!(
                "the repository has no branch or tag `{}`",
                name.escape_debug()
            ))
            .hint(suggestion(name, known.iter().map(String::as_str)))));
        };
        let refspec = format!("+{full}:{HERE}");
        connection
            .remote()
            .fetch(&[refspec], Some(&mut options(progress)), None)?;
        Ok(Ok(()))
    });
    found.map_err(failure)??;
    let commit = repo.find_reference(HERE).and_then(|here| here.peel_to_commit());
    commit.map(|commit| commit.id()).map_err(|e| broken(&e))
}

/// Asks whether a remote has no branch at all.
pub(super) fn is_empty(repo: &Repository, wire: &Arc<Wire>) -> Result<bool, Failure> {
    let listed = wire.with_remote(repo, |remote| {
        let connection = remote.connect_auth(Direction::Fetch, None, None)?;
        Ok(!connection
            .list()?
            .iter()
            .any(|head| head.name().starts_with("refs/")))
    });
    listed.map_err(failure)
}

/// Fetches the last `depth` commits of a branch.
///
/// Objects that are there already are not sent again.
pub(super) fn deepen(
    repo: &Repository,
    wire: &Arc<Wire>,
    branch: &str,
    depth: i32,
    progress: &dyn Progress,
) -> Result<(), Failure> {
    let refspec = format!("+refs/heads/{branch}:refs/remotes/origin/{branch}");
    refs(repo, wire, &[refspec], depth, progress)
}

/// Fetches what refspecs name: the last `depth` commits of it, or what is missing here where that is 0.
pub(super) fn refs(
    repo: &Repository,
    wire: &Arc<Wire>,
    refspecs: &[String],
    depth: i32,
    progress: &dyn Progress,
) -> Result<(), Failure> {
    let fetched = wire.with_remote(repo, |remote| {
        remote.fetch(refspecs, Some(options(progress).depth(depth)), None)
    });
    fetched.map_err(failure)
}

/// Asks the remote for its refs, each with its object; a tag's commit stands under the tag's name and `^{}`.
pub(super) fn list(repo: &Repository, wire: &Arc<Wire>) -> Result<Vec<(String, Oid)>, Failure> {
    let listed = wire.with_remote(repo, |remote| {
        let connection = remote.connect_auth(Direction::Fetch, None, None)?;
        let heads = connection.list()?;
        Ok(heads
            .iter()
            .map(|head| (head.name().to_owned(), head.oid()))
            .collect())
    });
    listed.map_err(failure)
}

/// Fetches, and again a few times where the connection broke or the server is ailing.
pub(super) fn again<T>(access: &Access, mut fetch: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    let mut pause = PAUSE;
    let mut tries = 1;
    loop {
        match fetch() {
            Err(failure) if failure.passing && tries < TRIES => {
                let why = &failure.fault.message;
                access
                    .progress
                    .note(&format!("fetch {tries} failed and is tried again: {why}"));
                let wait = failure.wait.unwrap_or_else(|| clock::jitter(pause));
                if !clock::sleep_within(wait, access.deadline) {
                    return Err(failure);
                }
                pause *= 2;
                tries += 1;
            }
            fetched => return fetched,
        }
    }
}

fn failure(error: WireError) -> Failure {
    match error {
        WireError::Transport(failure) => failure,
        WireError::Protocol(error) => broken(&error),
    }
}

fn options(progress: &dyn Progress) -> FetchOptions<'_> {
    let mut callbacks = RemoteCallbacks::new();
    callbacks.transfer_progress(|at| {
        progress.show("fetch", at.received_objects(), at.total_objects());
        true
    });
    let mut options = FetchOptions::new();
    options
        .depth(1)
        .download_tags(AutotagOption::None)
        .update_fetchhead(false)
        .remote_callbacks(callbacks);
    options
}

fn find(
    connection: &git2::RemoteConnection<'_, '_, '_>,
    branch: Option<&str>,
) -> Result<Result<Tip, Fault>, git2::Error> {
    let heads = connection.list()?;
    let wanted = match branch {
        Some(branch) => format!("refs/heads/{branch}"),
        None => match connection.default_branch() {
            Ok(name) => String::from_utf8_lossy(&name).into_owned(),
            Err(_) => {
                return Ok(Err(no_default_branch()));
            }
        },
    };
    let short = wanted.strip_prefix("refs/heads/").unwrap_or(&wanted).to_owned();
    if let Some(head) = heads.iter().find(|head| head.name() == wanted) {
        return Ok(Ok(Tip {
            branch: short,
            commit: head.oid(),
        }));
    }
    Ok(Err(no_branch(&short, heads.iter().map(git2::RemoteHead::name))))
}

/// Says that a remote's HEAD leads to no commit.
pub(super) fn no_default_branch() -> Fault {
    Fault::not_found(
        "the config repo has no default branch: it is empty, or its HEAD names a branch that is not there",
    )
    .hint("name a branch with --branch")
}

/// Says that a branch is not among the refs of a remote, and which ones are.
pub(super) fn no_branch<'a>(branch: &str, refs: impl Iterator<Item = &'a str>) -> Fault {
    let branches = refs.filter_map(|name| name.strip_prefix("refs/heads/"));
    let mut near: Vec<_> = branches
        .map(|name| (strsim::damerau_levenshtein(name, branch), name))
        .collect();
    near.sort_unstable();
    let near: Vec<_> = near
        .iter()
        .take(5)
        .map(|(_, name)| name.escape_debug().to_string())
        .collect();
    let fault = Fault::not_found(format!(
        "the config repo has no branch `{}`",
        branch.escape_debug()
    ));
    if near.is_empty() {
        fault
    } else {
        fault.hint(format!("it has: {}", near.join(", ")))
    }
}

/// Says that this machine does not take what is to be kept for the run, such as on a full disk; `None` for any other
/// error.
pub(super) fn unwritten(error: &git2::Error) -> Option<Fault> {
    (error.class() == git2::ErrorClass::Os).then(|| {
        let why = error.message().escape_debug();
        Fault::invalid(format!("cannot write to the temporary repository: {why}"))
            .hint("let TMPDIR name a folder that can be written, with room for one commit's files")
    })
}

/// Says what libgit2 met in the remote's answer; a pipe or stream that ended too early is worth another try.
pub(super) fn broken(error: &git2::Error) -> Failure {
    if let Some(fault) = unwritten(error) {
        return fault.into();
    }
    let message = format!(
        "the remote's answer is no git protocol: {}",
        error.message().escape_debug()
    );
    Failure {
        fault: Fault::new(Kind::GaveUp, message)
            .hint("try again; `git ls-remote` with the same address may tell more"),
        passing: true,
        wait: None,
    }
}
