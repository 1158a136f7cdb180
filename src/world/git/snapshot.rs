//! A commit's files, read from its trees.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::rc::Rc;

use anyhow::Context as _;
use git2::{Commit, ObjectType, Oid, Repository, Signature, Tree};
use jiff::Timestamp;

use super::history::{From, History};
use super::partial::{Lack, Partial};
use crate::plan::comparison::LoggedCommit;
use crate::plan::snapshot::{self, Blob, Snapshot};
use crate::words::fault::Fault;
use crate::words::repo_path::RepoPath;
use crate::world::links::{self, Entry};

/// The mode of a symbolic link in a tree.
pub(super) const LINK: i32 = 0o120_000;

/// How often files are asked for by their ids; then all of the tip is.
const MOST_ASKED: usize = 8;

/// A commit of which a part is here.
#[derive(Clone)]
struct Parts<'repo> {
    partial: &'repo Partial,
    branch: String,
    asked: Cell<usize>,
}

/// The files below one tree of a fetched commit.
pub(super) struct GitSnapshot<'repo> {
    repo: &'repo Repository,
    /// Whence comes what is not here; `None` where all is.
    parts: Option<Parts<'repo>>,
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
        Self::from(repo, None, commit, folder, history)
    }

    /// As [`GitSnapshot::of`], of a branch's commit of which a part is here; the rest is fetched when it is asked for.
    pub(super) fn in_parts(
        partial: &'repo Partial,
        branch: &str,
        commit: Oid,
        folder: Option<&'repo RepoPath>,
        history: History<'repo>,
    ) -> anyhow::Result<Self> {
        let parts = Parts {
            partial,
            branch: branch.to_owned(),
            asked: Cell::new(0),
        };
        Self::from(partial.repo(), Some(parts), commit, folder, history)
    }

    fn from(
        repo: &'repo Repository,
        parts: Option<Parts<'repo>>,
        commit: Oid,
        folder: Option<&'repo RepoPath>,
        history: History<'repo>,
    ) -> anyhow::Result<Self> {
        let found = repo.find_commit(commit).map_err(|e| match e.code() {
            git2::ErrorCode::NotFound => Fault::not_found(format!("the commit {commit} is not there")).into(),
            _ => anyhow::Error::from(e),
        })?;
        if let Some(parts) = &parts
            && !parts.partial.has(found.tree_id())
        {
            let lack = Lack {
                id: found.tree_id(),
                floors: 1,
            };
            parts.partial.bring(&parts.branch, &[lack])?;
        }
        let mut snapshot = Self {
            repo,
            parts,
            tip: commit,
            commit: commit.to_string(),
            folder,
            history,
            root: Some(found.tree()?),
            folders: RefCell::default(),
        };
        if let Some(folder) = folder {
            // What lies in the folder shall be known, not only that it is there.
            snapshot.bring_those(&[&format!("{folder}/")])?;
            let root = snapshot.tree(folder.as_str())?;
            snapshot.root = root.as_deref().cloned();
            snapshot.folders = RefCell::default();
        }
        Ok(snapshot)
    }

    /// Fetches what is not here of files and of the folders on the way to them.
    pub(super) fn bring(&self, paths: &[&RepoPath]) -> anyhow::Result<()> {
        let paths: Vec<&str> = paths.iter().map(|path| path.as_str()).collect();
        self.bring_those(&paths)
    }

    fn bring_those(&self, paths: &[&str]) -> anyhow::Result<()> {
        let Some(parts) = &self.parts else { return Ok(()) };
        loop {
            let mut lacks: BTreeMap<Oid, usize> = BTreeMap::new();
            for path in paths {
                if let Some(Lack { id, floors }) = self.lacking(parts, path)? {
                    let most = lacks.entry(id).or_default();
                    *most = floors.max(*most);
                }
            }
            if lacks.is_empty() {
                return Ok(());
            }
            let lacks = lacks.into_iter().map(|(id, floors)| Lack { id, floors });
            parts.asked.set(parts.asked.get() + 1);
            match &self.root {
                Some(root) if parts.asked.get() > MOST_ASKED => {
                    parts.partial.bring_below(&parts.branch, root.id())?;
                }
                _ => parts.partial.bring(&parts.branch, &lacks.collect::<Vec<_>>())?,
            }
        }
    }

    /// The first on the way to a file that is not here.
    fn lacking(&self, parts: &Parts<'_>, path: &str) -> Result<Option<Lack>, git2::Error> {
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for end in ends {
            let is_last = end == path.len();
            match self.entry(&path[..end])? {
                Some((_, Some(ObjectType::Tree), _)) if is_last => {}
                Some((id, Some(ObjectType::Tree | ObjectType::Blob), _)) if !parts.partial.has(id) => {
                    let floors = path[end..].matches('/').count() + 1;
                    return Ok(Some(Lack { id, floors }));
                }
                Some((_, Some(ObjectType::Tree), _)) => {}
                _ => return Ok(None),
            }
        }
        Ok(None)
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
        self.bring(&[path])?;
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
        self.parts.is_none()
    }

    fn reads_many(&self) -> bool {
        true
    }

    fn read(&self, paths: &[RepoPath]) -> anyhow::Result<Vec<Option<Blob>>> {
        self.bring(&paths.iter().collect::<Vec<_>>())?;
        paths.iter().map(|path| self.read_one(path)).collect()
    }

    fn list(&self) -> anyhow::Result<Vec<RepoPath>> {
        let Some(root) = &self.root else {
            return Ok(Vec::new());
        };
        match (listed(self.repo, root.id()), &self.parts) {
            (Err(error), Some(parts)) if is_lack(&error) => {
                parts.partial.bring_folders(&parts.branch, root.id())?;
                listed(self.repo, root.id())
            }
            (listed, _) => listed,
        }
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
        let (parts, history) = (self.parts.clone(), self.history.clone());
        let then = Self::from(self.repo, parts, commit, self.folder, history)?;
        Ok(Box::new(then))
    }
}

/// The files below a tree, sorted. Not by libgit2's own walk, which goes as deep as whoever made the trees likes, on the stack.
fn listed(repo: &Repository, root: Oid) -> anyhow::Result<Vec<RepoPath>> {
    let mut found = Vec::new();
    let mut listed = 0;
    let mut ahead = vec![(String::new(), 0, root)];
    while let Some((folder, depth, id)) = ahead.pop() {
        let tree = repo
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

/// Tells whether an object was missing, which a part of a repository may lack.
fn is_lack(error: &anyhow::Error) -> bool {
    let git = error
        .chain()
        .find_map(|cause| cause.downcast_ref::<git2::Error>());
    git.is_some_and(|error| error.code() == git2::ErrorCode::NotFound)
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
