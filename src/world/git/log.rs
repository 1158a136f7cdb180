//! A branch's own line of commits, read from a repository of this machine.

use std::collections::BTreeMap;
use std::path::{MAIN_SEPARATOR, Path};

use anyhow::Context as _;
use git2::{BranchType, Commit, ErrorCode, ObjectType, Oid, Repository};
use jiff::Timestamp;

use super::snapshot::{LINK, entry, has_parents, logged};
use super::tree::Trees;
use crate::plan::comparison::LoggedCommit;
use crate::plan::log::{ChangedFile, LineCommit, Log};
use crate::words::fault::{Fault, Kind};
use crate::words::repo_path::RepoPath;
use crate::words::wording::{shown, suggestion};
use crate::world::links::{self, Entry};
use crate::world::scratch::Scratch;

/// How many commits of a merge are looked at.
const BROUGHT: usize = 100;

/// A branch's own line of commits, in a repository of this machine.
pub struct GitLog {
    repo: Repository,
    /// The temporary folder that the repository lies in, where it is a fetched one.
    _home: Option<Scratch>,
    branch: Option<String>,
    tip: String,
    /// The folder that all paths are relative to.
    folder: Option<RepoPath>,
    trees: Trees,
}

impl GitLog {
    /// Opens the repository around a directory, also a bare one. Nothing is fetched, and the work tree is not asked.
    ///
    /// Without a branch, it is what is checked out; a branch that is only known as one of `origin` is taken from there.
    ///
    /// # Errors
    /// `Invalid` if this is no repository, `NotFound` for a directory, a branch or a commit that is not there.
    pub fn of_directory(directory: &Path, branch: Option<&str>) -> anyhow::Result<Self> {
        let name = shown(&directory.display().to_string());
        let root = dunce::canonicalize(directory)
            .map_err(|e| Fault::not_found(format!("cannot open the directory `{name}`: {e}")))?;
        let repo = Repository::discover(&root).map_err(|e| {
            let why = e.message().escape_debug().to_string();
            let fault = Fault::invalid(format!("`{name}` is no git repository: {why}"));
            match e.code() {
                ErrorCode::Owner => fault
                    .hint("run `git config --global --add safe.directory <the folder>`, as git itself asks"),
                _ => fault.hint("name a clone of the config repo, or its address, with --config-repo"),
            }
        })?;
        let folder = folder_in(&repo, &root)?;
        let (branch, tip) = match branch {
            Some(branch) => (Some(branch.to_owned()), tip_of(&repo, branch)?),
            None => checked_out(&repo)?,
        };
        Ok(Self::new(repo, None, branch, tip, folder))
    }

    /// Takes a repository that was fetched into a temporary folder.
    pub(super) fn new(
        repo: Repository,
        home: Option<Scratch>,
        branch: Option<String>,
        tip: Oid,
        folder: Option<RepoPath>,
    ) -> Self {
        // As git reads: `git fsck` looks for what a disk has spoilt. Hashing each tree again would take most of the time.
        git2::opts::strict_hash_verification(false);
        Self {
            repo,
            _home: home,
            branch,
            tip: tip.to_string(),
            folder,
            trees: Trees::new(),
        }
    }

    /// Returns the tree of a commit, or that of the folder in it.
    fn root(&self, commit: &str) -> anyhow::Result<Option<Oid>> {
        let tree = self.repo.find_commit(Oid::from_str(commit)?)?.tree_id();
        let Some(folder) = &self.folder else {
            return Ok(Some(tree));
        };
        let found = entry(&self.repo.find_tree(tree)?, folder.as_str())?;
        Ok(found
            .filter(|(_, kind, _)| *kind == Some(ObjectType::Tree))
            .map(|(id, _, _)| id))
    }

    fn line(&self, commit: &Commit<'_>) -> anyhow::Result<LineCommit> {
        let parent = match commit.parent_id(0) {
            Ok(parent) => self.find(parent)?.map(|commit| commit.id().to_string()),
            Err(_) => None,
        };
        Ok(LineCommit {
            log: logged(commit),
            when: Timestamp::from_second(commit.time().seconds()).unwrap_or(Timestamp::UNIX_EPOCH),
            cut: parent.is_none() && has_parents(commit),
            merge: commit.parent_count() > 1,
            parent,
        })
    }

    fn find(&self, id: Oid) -> anyhow::Result<Option<Commit<'_>>> {
        match self.repo.find_commit(id) {
            Ok(commit) => Ok(Some(commit)),
            Err(e) if e.code() == ErrorCode::NotFound => Ok(None),
            Err(e) => Err(e.into()),
        }
    }
}

impl Log for GitLog {
    fn branch(&self) -> Option<&str> {
        self.branch.as_deref()
    }

    fn tip(&self) -> &str {
        &self.tip
    }

    fn commit(&self, id: &str) -> anyhow::Result<LineCommit> {
        let commit = self.repo.find_commit(Oid::from_str(id)?);
        self.line(&commit.with_context(|| format!("cannot read the commit {id}"))?)
    }

    fn files(&self, commit: &str) -> anyhow::Result<BTreeMap<String, String>> {
        self.trees.files(&self.repo, self.root(commit)?)
    }

    fn leads_to(&self, commit: &str, path: &RepoPath) -> anyhow::Result<Option<RepoPath>> {
        let Some(root) = self.root(commit)? else {
            return Ok(None);
        };
        let root = self.repo.find_tree(root)?;
        links::follow(path, |path| {
            Ok(match entry(&root, path.as_str())? {
                None => Entry::Missing,
                Some((id, Some(ObjectType::Blob), LINK)) => {
                    let target = self.repo.find_blob(id)?;
                    Entry::Link(String::from_utf8_lossy(target.content()).into_owned())
                }
                Some((_, Some(ObjectType::Blob), _)) => Entry::File,
                Some((_, Some(ObjectType::Tree), _)) => Entry::Folder,
                Some(_) => Entry::Other,
            })
        })
    }

    fn changes(&self, commit: &LineCommit) -> anyhow::Result<Vec<ChangedFile>> {
        let old = match &commit.parent {
            Some(parent) => self.root(parent)?,
            None => None,
        };
        self.trees
            .compare(&self.repo, old, self.root(&commit.log.id)?)
            .with_context(|| format!("cannot compare the commit {} with its parent", commit.log.id))
    }

    fn renames(&self, commit: &LineCommit) -> anyhow::Result<Vec<(String, String)>> {
        let tree = |id: &str| -> anyhow::Result<_> {
            let root = self.root(id)?;
            Ok(root.map(|root| self.repo.find_tree(root)).transpose()?)
        };
        let old = commit.parent.as_deref().map(tree).transpose()?.flatten();
        let new = tree(&commit.log.id)?;
        let mut diff = self.repo.diff_tree_to_tree(old.as_ref(), new.as_ref(), None)?;
        diff.find_similar(Some(git2::DiffFindOptions::new().renames(true)))?;
        let path = |file: git2::DiffFile<'_>| file.path().and_then(Path::to_str).map(str::to_owned);
        Ok(diff
            .deltas()
            .filter(|delta| delta.status() == git2::Delta::Renamed)
            .filter_map(|delta| Some((path(delta.old_file())?, path(delta.new_file())?)))
            .collect())
    }

    fn brought(&self, merge: &LineCommit) -> anyhow::Result<Vec<LoggedCommit>> {
        let commit = self.repo.find_commit(Oid::from_str(&merge.log.id)?)?;
        let mut walk = self.repo.revwalk()?;
        for (at, parent) in commit.parent_ids().enumerate() {
            if self.find(parent)?.is_none() {
                return Ok(Vec::new());
            }
            if at == 0 {
                walk.hide(parent)?;
            } else {
                walk.push(parent)?;
            }
        }
        // Where the clone ends, the walk does.
        let ids = walk.map_while(Result::ok).take(BROUGHT);
        Ok(ids
            .filter_map(|id| self.repo.find_commit(id).ok())
            .map(|commit| logged(&commit))
            .collect())
    }

    fn read(&self, content: &str) -> anyhow::Result<Vec<u8>> {
        match self.repo.find_blob(Oid::from_str(content)?) {
            Ok(blob) => Ok(blob.content().to_vec()),
            Err(e) if e.code() == ErrorCode::NotFound => Err(Fault::not_found(format!(
                "the content {content} is not in this clone, which seems to be a partial one"
            ))
            .hint(
                "run `git fetch --refetch --no-filter`, or name the repository's address with --config-repo",
            )
            .into()),
            Err(e) => Err(e.into()),
        }
    }
}

/// The place of a directory below the root of its work tree; `None` for the root itself, and in a bare repository.
pub(super) fn folder_in(repo: &Repository, root: &Path) -> Result<Option<RepoPath>, Fault> {
    let top = repo.workdir().and_then(|top| dunce::canonicalize(top).ok());
    match top.as_deref().and_then(|top| root.strip_prefix(top).ok()) {
        None => Ok(None),
        Some(below) => match below.to_str() {
            Some("") => Ok(None),
            // git's own folder stands for the repository.
            Some(below) if below.split(MAIN_SEPARATOR).next() == Some(".git") => Ok(None),
            Some(below) => RepoPath::parse(&below.replace(MAIN_SEPARATOR, "/")).map(Some),
            None => Err(Fault::invalid("the directory's name is not UTF-8")),
        },
    }
}

pub(super) fn checked_out(repo: &Repository) -> anyhow::Result<(Option<String>, Oid)> {
    let head = repo.head().map_err(|e| match e.code() {
        ErrorCode::UnbornBranch | ErrorCode::NotFound => {
            Fault::not_found("the repository has no commit yet where its HEAD points")
                .hint("name a branch with --branch")
        }
        _ => Fault::new(
            Kind::Invalid,
            format!("cannot read HEAD: {}", e.message().escape_debug()),
        ),
    })?;
    let branch = head
        .shorthand()
        .ok()
        .filter(|_| head.is_branch())
        .map(str::to_owned);
    Ok((branch, head.peel_to_commit()?.id()))
}

pub(super) fn tip_of(repo: &Repository, branch: &str) -> anyhow::Result<Oid> {
    for name in [
        format!("refs/heads/{branch}"),
        format!("refs/remotes/origin/{branch}"),
    ] {
        if let Ok(reference) = repo.find_reference(&name) {
            return Ok(reference.peel_to_commit()?.id());
        }
    }
    let names: Vec<String> = repo
        .branches(Some(BranchType::Local))?
        .filter_map(|branch| branch.ok()?.0.name().ok()?.map(str::to_owned))
        .collect();
    Err(
        Fault::not_found(format!("the clone has no branch `{}`", shown(branch)))
            .hint(suggestion(branch, names.iter().map(String::as_str)))
            .into(),
    )
}
