//! A commit's files, read from its trees.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;
use std::rc::Rc;

use anyhow::Context as _;
use git2::{Commit, ObjectType, Oid, Repository, Signature, Tree};
use jiff::Timestamp;

use super::history::{From, History};
use crate::plan::comparison::LoggedCommit;
use crate::plan::snapshot::{self, Blob, Snapshot};
use crate::words::fault::Fault;
use crate::words::repo_path::RepoPath;
use crate::world::links::{self, Entry};

/// The mode of a symbolic link in a tree.
pub(super) const LINK: i32 = 0o120_000;

/// The files below one tree of a fetched commit.
pub(super) struct GitSnapshot<'repo> {
    repo: &'repo Repository,
    tip: Oid,
    commit: String,
    folder: Option<&'repo RepoPath>,
    history: History<'repo>,
    root: Option<Tree<'repo>>,
    /// The folders that were looked into, by their paths: libgit2 reads a large one anew each time.
    folders: RefCell<HashMap<String, Option<Rc<Tree<'repo>>>>>,
}

impl<'repo> GitSnapshot<'repo> {
    /// Takes the tree of a commit, or that of a folder in it; a folder that is missing holds no file.
    pub(super) fn of(
        repo: &'repo Repository,
        commit: Oid,
        folder: Option<&'repo RepoPath>,
        history: History<'repo>,
    ) -> anyhow::Result<Self> {
        let found = repo.find_commit(commit).map_err(|e| match e.code() {
            git2::ErrorCode::NotFound => Fault::not_found(format!("the commit {commit} is not there")).into(),
            _ => anyhow::Error::from(e),
        })?;
        let mut root = Some(found.tree()?);
        if let (Some(folder), Some(tree)) = (folder, &root) {
            let found = entry(tree, folder.as_str())?.filter(|entry| entry.1 == Some(ObjectType::Tree));
            root = found.map(|(id, _, _)| repo.find_tree(id)).transpose()?;
        }
        Ok(Self {
            repo,
            tip: commit,
            commit: commit.to_string(),
            folder,
            history,
            root,
            folders: RefCell::default(),
        })
    }

    /// What lies at a path: id, kind and mode.
    fn entry(&self, path: &str) -> Result<Option<(Oid, Option<ObjectType>, i32)>, git2::Error> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let found = if folder.is_empty() {
            self.root.as_ref().and_then(|root| found(root, name))
        } else {
            self.tree(folder)?.and_then(|tree| found(&tree, name))
        };
        Ok(found)
    }

    /// The folder at a path, if there is one.
    fn tree(&self, folder: &str) -> Result<Option<Rc<Tree<'repo>>>, git2::Error> {
        if let Some(known) = self.folders.borrow().get(folder) {
            return Ok(known.clone());
        }
        let tree = match self.entry(folder)? {
            Some((id, Some(ObjectType::Tree), _)) => Some(Rc::new(self.repo.find_tree(id)?)),
            _ => None,
        };
        self.folders.borrow_mut().insert(folder.to_owned(), tree.clone());
        Ok(tree)
    }

    /// The path from the root of the repository.
    fn full(&self, path: &RepoPath) -> String {
        match self.folder {
            Some(folder) => format!("{folder}/{path}"),
            None => path.to_string(),
        }
    }

    fn look(&self, path: &RepoPath) -> anyhow::Result<Entry> {
        Ok(kind(self.repo, self.entry(path.as_str())?)?)
    }

    fn read_one(&self, path: &RepoPath) -> anyhow::Result<Option<Blob>> {
        let Some(found) = links::follow(path, |path| self.look(path))? else {
            return Ok(None);
        };
        let (id, _, _) = self.entry(found.as_str())?.expect("the file was just found");
        let blob = self.repo.find_blob(id)?;
        snapshot::check_size(&found, blob.size() as u64)?;
        let bytes = blob.content().to_vec();
        Ok(Some(Blob { path: found, bytes }))
    }
}

impl Snapshot for GitSnapshot<'_> {
    fn commit(&self) -> Option<&str> {
        Some(&self.commit)
    }

    fn is_near(&self) -> bool {
        true
    }

    fn read(&self, paths: &[RepoPath]) -> anyhow::Result<Vec<Option<Blob>>> {
        paths.iter().map(|path| self.read_one(path)).collect()
    }

    fn list(&self) -> anyhow::Result<Vec<RepoPath>> {
        let mut found = Vec::new();
        let mut listed = 0;
        // Not libgit2's own walk, which goes as deep as whoever made the trees likes, on the stack.
        let mut ahead: Vec<(String, usize, Oid)> = self
            .root
            .iter()
            .map(|root| (String::new(), 0, root.id()))
            .collect();
        while let Some((folder, depth, id)) = ahead.pop() {
            let tree = self
                .repo
                .find_tree(id)
                .context("cannot list the files of the config repo")?;
            listed += tree.len();
            snapshot::check_extent(listed, depth)?;
            for entry in &tree {
                let Ok(name) = entry.name() else { continue };
                let path = format!("{folder}{name}");
                match entry.kind() {
                    // A name that no path of ours can hold is none that a user could ask for.
                    Some(ObjectType::Blob) => found.extend(RepoPath::parse(&path)),
                    Some(ObjectType::Tree) => ahead.push((format!("{path}/"), depth + 1, entry.id())),
                    _ => {}
                }
            }
        }
        found.sort();
        Ok(found)
    }

    fn history(&self, path: &RepoPath, most: usize) -> anyhow::Result<Vec<LoggedCommit>> {
        self.history
            .of_path(From::Commit(self.tip), &self.full(path), most)
    }

    fn before(&self, commit: &str, path: &RepoPath, most: usize) -> anyhow::Result<Vec<LoggedCommit>> {
        let commit = Oid::from_str(commit)?;
        self.history
            .of_path(From::ParentOf(commit), &self.full(path), most)
    }

    fn at(&self, commit: &str) -> anyhow::Result<Box<dyn Snapshot + '_>> {
        let commit = Oid::from_str(commit)?;
        let then = Self::of(self.repo, commit, self.folder, self.history.clone())?;
        Ok(Box::new(then))
    }
}

/// Returns a commit as a log shows it; bytes that are no UTF-8 are replaced.
pub(super) fn logged(commit: &Commit<'_>) -> LoggedCommit {
    let who = |signature: &Signature<'_>| {
        let text = String::from_utf8_lossy;
        format!(
            "{} <{}>",
            text(signature.name_bytes()),
            text(signature.email_bytes())
        )
    };
    LoggedCommit {
        id: commit.id().to_string(),
        message: String::from_utf8_lossy(commit.message_bytes()).into_owned(),
        author: who(&commit.author()),
        committer: who(&commit.committer()),
        committed: Timestamp::from_second(commit.time().seconds()).unwrap_or_default(),
    }
}

/// Whether a commit has parents, fetched or not; libgit2 hides those that a shallow fetch left out.
pub(super) fn has_parents(commit: &Commit<'_>) -> bool {
    let header = commit.raw_header_bytes();
    header
        .split(|byte| *byte == b'\n')
        .any(|line| line.starts_with(b"parent "))
}

/// Tells what lies at a path of a tree.
pub(super) fn look(repo: &Repository, tree: &Tree<'_>, path: &RepoPath) -> anyhow::Result<Entry> {
    Ok(kind(repo, entry(tree, path.as_str())?)?)
}

/// Tells what an entry of a tree is.
fn kind(repo: &Repository, entry: Option<(Oid, Option<ObjectType>, i32)>) -> Result<Entry, git2::Error> {
    Ok(match entry {
        None => Entry::Missing,
        Some((id, Some(ObjectType::Blob), LINK)) => {
            let target = repo.find_blob(id)?;
            Entry::Link(String::from_utf8_lossy(target.content()).into_owned())
        }
        Some((_, Some(ObjectType::Blob), _)) => Entry::File,
        Some((_, Some(ObjectType::Tree), _)) => Entry::Folder,
        Some(_) => Entry::Other,
    })
}

fn found(tree: &Tree<'_>, name: &str) -> Option<(Oid, Option<ObjectType>, i32)> {
    let entry = tree.get_name(name)?;
    Some((entry.id(), entry.kind(), entry.filemode()))
}

/// Returns the id, kind and mode of what lies at a path of a tree.
pub(super) fn entry(
    tree: &Tree<'_>,
    path: &str,
) -> Result<Option<(Oid, Option<ObjectType>, i32)>, git2::Error> {
    match tree.get_path(Path::new(path)) {
        Ok(entry) => Ok(Some((entry.id(), entry.kind(), entry.filemode()))),
        Err(e) if e.code() == git2::ErrorCode::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}
