//! Makes a commit in memory: blobs, trees, the commit itself. No index, no work tree.

use anyhow::Context as _;
use git2::build::TreeUpdateBuilder;
use git2::{FileMode, ObjectType, Oid, Repository, Signature, Time, Tree};

use super::credentials::Access;
use super::snapshot::entry;
use super::{identity, sign};
use crate::plan::commit::{FileChange, Identity, NewCommit, Signing};
use crate::words::fault::{Fault, Kind};
use crate::words::repo_path::RepoPath;
use crate::world::clock;

/// Writes the objects of a commit on top of `parent` and returns its id; paths lie below `folder`.
pub(super) fn write(
    repo: &Repository,
    parent: Oid,
    folder: Option<&RepoPath>,
    commit: &NewCommit,
    access: &Access,
) -> anyhow::Result<Oid> {
    let parent = repo.find_commit(parent)?;
    let tree = changed_tree(repo, &parent.tree()?, folder, &commit.changes)?;
    let (author, committer) = match &commit.author {
        Some(named) => (named.clone(), named.clone()),
        None => identity::default(&access.environment, &access.config),
    };
    let (author, committer) = (signature(&author)?, signature(&committer)?);
    let message = match commit.message.trim_end() {
        "" => return Err(Fault::invalid("the commit's message is empty").into()),
        text if text.contains('\0') => {
            return Err(Fault::invalid("the commit's message holds a NUL character").into());
        }
        text => format!("{text}\n"),
    };
    let content = repo.commit_create_buffer(&author, &committer, &message, &tree, &[&parent])?;
    let content = std::str::from_utf8(&content).context("the commit is not UTF-8")?;
    let made = match &commit.signing {
        None => repo.odb()?.write(ObjectType::Commit, content.as_bytes()),
        Some(Signing::Ssh { key }) => {
            let signature = sign::ssh(content, key, &access.environment, access.deadline)?;
            repo.commit_signed(content, &signature, None)
        }
    };
    made.context("cannot write the commit")
}

fn changed_tree<'repo>(
    repo: &'repo Repository,
    base: &Tree<'_>,
    folder: Option<&RepoPath>,
    changes: &[FileChange],
) -> anyhow::Result<Tree<'repo>> {
    let mut update = TreeUpdateBuilder::new();
    for change in changes {
        let path = match folder {
            Some(folder) => format!("{folder}/{}", change.path),
            None => change.path.to_string(),
        };
        let mode = match entry(base, &path)? {
            None if change.old.is_empty() => FileMode::Blob,
            Some((id, Some(ObjectType::Blob), mode)) if repo.find_blob(id)?.content() == change.old => {
                match mode {
                    0o100_755 => FileMode::BlobExecutable,
                    0o120_000 => return Err(unlike_plan(&path)),
                    _ => FileMode::Blob,
                }
            }
            _ => return Err(unlike_plan(&path)),
        };
        update.upsert(path, repo.blob(&change.new)?, mode);
    }
    let id = update
        .create_updated(repo, base)
        .context("cannot write the changed folders")?;
    Ok(repo.find_tree(id)?)
}

fn unlike_plan(path: &str) -> anyhow::Error {
    Fault::new(
        Kind::Internal,
        format!(
            "`{}` is not the file that the plan was made from",
            path.escape_debug()
        ),
    )
    .into()
}

fn signature(who: &Identity) -> anyhow::Result<Signature<'static>> {
    let time = Time::new(clock::now().as_second(), 0);
    Signature::new(&who.name, &who.email, &time).map_err(|_| {
        let shown = format!("{} <{}>", who.name, who.email);
        let fault = Fault::invalid(format!("`{}` cannot be a commit's author", shown.escape_debug()));
        fault
            .hint("write it `Name <address>`, with nothing else in it")
            .into()
    })
}
