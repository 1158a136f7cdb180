//! Makes a commit in memory: blobs, trees, the commit itself. No index, no work tree.

use anyhow::Context as _;
use git2::build::TreeUpdateBuilder;
use git2::{FileMode, ObjectType, Oid, Repository, Signature, Time, Tree};

use super::credentials::Access;
use super::snapshot::{LINK, entry, look};
use super::{identity, sign};
use crate::plan::commit::{Fate, FileChange, Identity, NewCommit};
use crate::words::fault::Fault;
use crate::words::repo_path::RepoPath;
use crate::world::clock;
use crate::world::room::{room_for, unlike_plan};

/// Writes the objects of a commit on top of `parent`, or of a branch's first one, and returns its id; paths lie below
/// `folder`.
pub(super) fn write(
    repo: &Repository,
    parent: Option<Oid>,
    folder: Option<&RepoPath>,
    commit: &NewCommit,
    access: &Access,
) -> anyhow::Result<Oid> {
    let parent = parent.map(|parent| repo.find_commit(parent)).transpose()?;
    let base = match &parent {
        Some(parent) => parent.tree()?,
        None => repo.find_tree(repo.treebuilder(None)?.write()?)?,
    };
    let tree = changed_tree(repo, &base, folder, &commit.changes)?;
    let (by, through) = match &commit.author {
        Some(named) => (named.clone(), named.clone()),
        None => identity::default(&access.environment, &access.config),
    };
    let (author, committer) = (signature(&by)?, signature(&through)?);
    let message = match commit.message.trim_end() {
        "" => return Err(Fault::invalid("the commit's message is empty").into()),
        text if text.contains('\0') => {
            return Err(Fault::invalid("the commit's message holds a NUL character").into());
        }
        text => format!("{text}\n"),
    };
    let parents: Vec<_> = parent.iter().collect();
    let content = repo.commit_create_buffer(&author, &committer, &message, &tree, &parents)?;
    let content = std::str::from_utf8(&content).context("the commit is not UTF-8")?;
    let made = match &commit.signing {
        None => repo.odb()?.write(ObjectType::Commit, content.as_bytes()),
        Some(signing) => {
            let signature = sign::sign(content, signing, &through, access)?;
            repo.commit_signed(content, &signature, None)
        }
    };
    made.context("cannot write the commit")
}

/// Writes the changed trees: first without the files that go, so that a folder may take the place of a file, and a
/// file that of a folder which is empty then. Folders that are empty vanish.
fn changed_tree<'repo>(
    repo: &'repo Repository,
    base: &Tree<'_>,
    folder: Option<&RepoPath>,
    changes: &[FileChange],
) -> anyhow::Result<Tree<'repo>> {
    let changes = changes
        .iter()
        .map(|change| Ok((full_path(folder, &change.path)?, change)))
        .collect::<Result<Vec<_>, Fault>>()?;
    let update = |tree: &Tree<'_>, update: &mut TreeUpdateBuilder| -> anyhow::Result<Tree<'repo>> {
        let id = update
            .create_updated(repo, tree)
            .context("cannot write the changed folders")?;
        Ok(repo.find_tree(id)?)
    };
    let mut going = TreeUpdateBuilder::new();
    let mut staying = TreeUpdateBuilder::new();
    for (path, change) in &changes {
        let Some(old) = change.before() else { continue };
        let mode = mode_of(repo, base, path, old)?;
        match change.after() {
            Some(new) => staying.upsert(path.as_str(), repo.blob(new)?, mode),
            None => going.remove(path.as_str()),
        };
    }
    let left = update(base, &mut going)?;
    for (path, change) in &changes {
        let Fate::Added { new, executable } = &change.fate else {
            continue;
        };
        room_for(path, |path| look(repo, &left, path))?;
        let mode = if *executable {
            FileMode::BlobExecutable
        } else {
            FileMode::Blob
        };
        staying.upsert(path.as_str(), repo.blob(new)?, mode);
    }
    update(&left, &mut staying)
}

fn full_path(folder: Option<&RepoPath>, path: &RepoPath) -> Result<RepoPath, Fault> {
    match folder {
        Some(folder) => RepoPath::parse(&format!("{folder}/{path}")),
        None => Ok(path.clone()),
    }
}

/// Returns the mode of a file that holds what the plan was made from.
fn mode_of(repo: &Repository, tree: &Tree<'_>, path: &RepoPath, old: &[u8]) -> anyhow::Result<FileMode> {
    match entry(tree, path.as_str())? {
        Some((id, Some(ObjectType::Blob), mode)) if mode != LINK && repo.find_blob(id)?.content() == old => {
            Ok(if mode == 0o100_755 {
                FileMode::BlobExecutable
            } else {
                FileMode::Blob
            })
        }
        _ => Err(unlike_plan(path).into()),
    }
}

pub(super) fn signature(who: &Identity) -> anyhow::Result<Signature<'static>> {
    let time = Time::new(clock::now().as_second(), 0);
    Signature::new(&who.name, &who.email, &time).map_err(|_| {
        let shown = format!("{} <{}>", who.name, who.email);
        let fault = Fault::invalid(format!("`{}` cannot be a commit's author", shown.escape_debug()));
        fault
            .hint("write it `Name <address>`, with nothing else in it")
            .into()
    })
}
