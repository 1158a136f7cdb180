//! An app's own repository: its tags and the commits between them, from a clone or from a fetched one.
//!
//! A clone is never written to while it is read: all that is fetched or made lies in a temporary repository, which finds
//! the clone's objects through `objects/info/alternates` (gitrepository-layout(5)).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use git2::{Commit, Oid, Repository, Sort};

use super::beside::{beside, discovered, unmade};
use super::credentials::Access;
use super::log::{checked_out, folder_in, tip_of};
use super::snapshot::{entry, has_parents, logged};
use super::wire::Wire;
use super::{fetch, walk};
use crate::plan::release::{SourceCommit, SourceRepo, Stretch, TaggedCommit};
use crate::words::address::{GitUrl, Login};
use crate::words::fault::{Fault, Kind};
use crate::words::repo_path::RepoPath;
use crate::words::wording::shown;
use crate::world::origin;
use crate::world::scratch::Scratch;

/// The digits of a commit that was shortened: at least, and in full.
const HEX: std::ops::RangeInclusive<usize> = 7..=40;

/// An app's own repository, at one commit.
pub struct GitSource {
    pub(super) repo: Repository,
    _home: Scratch,
    /// The clone that it was opened from.
    pub(super) clone: Option<PathBuf>,
    pub(super) remote: Option<(Arc<Wire>, Access)>,
    branch: Option<String>,
    head: String,
    folder: Option<RepoPath>,
    tags: Vec<TaggedCommit>,
    /// The tips of the remote's branches, where it was asked.
    heads: Vec<Oid>,
    /// The tag that was made last.
    pub(super) made: Option<Oid>,
}

impl GitSource {
    /// Opens the repository around a directory, also a bare one. Nothing is fetched, and the work tree is not asked.
    ///
    /// # Errors
    /// `Invalid` if this is no repository, `NotFound` for a directory, a branch or a commit that is not there.
    pub fn of_directory(
        directory: &Path,
        branch: Option<&str>,
        commit: Option<&str>,
    ) -> anyhow::Result<Self> {
        let (root, clone) = discovered(directory)?;
        let folder = folder_in(&clone, &root)?;
        let home = Scratch::new().map_err(|error| unmade(&error.to_string()))?;
        let repo = beside(&clone, home.path())?;
        let (branch, tip) = match (commit, branch) {
            (Some(_), _) => (branch.map(str::to_owned), Oid::ZERO_SHA1),
            (None, Some(branch)) => (Some(branch.to_owned()), tip_of(&clone, branch)?),
            (None, None) => checked_out(&clone).map_err(|error| without_branch(&error))?,
        };
        let head = commit.map_or(Ok(tip), |commit| named(&repo, commit))?;
        let mut source = Self {
            repo,
            _home: home,
            clone: Some(clone.path().to_owned()),
            remote: None,
            branch,
            head: head.to_string(),
            folder,
            tags: Vec::new(),
            heads: Vec::new(),
            made: None,
        };
        source.tags = source.own_tags()?;
        Ok(source)
    }

    /// Takes a repository that was fetched into a temporary folder, with all tags.
    pub(super) fn of_fetched(
        repo: Repository,
        home: Scratch,
        (branch, tip): (String, Oid),
        commit: Option<&str>,
        remote: (Arc<Wire>, Access),
    ) -> anyhow::Result<Self> {
        let head = commit.map_or(Ok(tip), |commit| named(&repo, commit))?;
        let mut source = Self {
            repo,
            _home: home,
            clone: None,
            remote: Some(remote),
            branch: Some(branch),
            head: head.to_string(),
            folder: None,
            tags: Vec::new(),
            heads: Vec::new(),
            made: None,
        };
        source.tags = source.own_tags()?;
        Ok(source)
    }

    /// Returns the address of the clone's `origin`, and the login that stood in it.
    ///
    /// # Errors
    /// `Invalid` where there is none.
    pub fn origin(directory: &Path) -> anyhow::Result<(GitUrl, Option<Login>)> {
        let (_, clone) = discovered(directory)?;
        Ok(origin::address_of(&clone, "--repo")?)
    }

    /// Lets it reach its remote; nothing is sent yet.
    ///
    /// # Errors
    /// `Invalid` for an address that is none.
    pub fn connect(&mut self, url: &GitUrl, access: Access) -> anyhow::Result<()> {
        self.remote = Some((Wire::to(url, &access)?, access));
        Ok(())
    }

    /// Returns the branch, where there is one.
    pub fn branch(&self) -> Option<&str> {
        self.branch.as_deref()
    }

    /// Takes another commit for the one that is released, such as that of a tag.
    pub fn look_from(&mut self, commit: &str) {
        commit.clone_into(&mut self.head);
    }

    /// Says why tags may be missing here without anybody having taken them away; `None` where all is usual.
    pub fn tags_are_left_out(&self) -> Option<String> {
        let clone = Repository::open(self.clone.as_ref()?).ok()?;
        let option = clone.config().ok()?.get_string("remote.origin.tagOpt").ok()?;
        (option == "--no-tags").then(|| {
            "this clone fetches no tags, so the last release may be missing: run `git fetch --tags` first"
                .to_owned()
        })
    }

    /// Takes the tags that the remote has now, with what is missing of their commits.
    ///
    /// # Errors
    /// What the remote says.
    pub fn refresh(&mut self) -> anyhow::Result<()> {
        let (wire, access) = self
            .remote
            .as_ref()
            .ok_or_else(|| Fault::new(Kind::Internal, "the remote was asked for before it was connected"))?;
        let listed =
            fetch::again(access, || fetch::list(&self.repo, wire)).map_err(|failure| failure.fault)?;
        let mut tags: BTreeMap<String, Oid> = BTreeMap::new();
        self.heads.clear();
        for (name, id) in listed {
            if name.starts_with("refs/heads/") {
                self.heads.push(id);
            }
            let Some(name) = name.strip_prefix("refs/tags/") else {
                continue;
            };
            // The commit below a tag's own object comes after that, and takes its place.
            tags.insert(name.strip_suffix("^{}").unwrap_or(name).to_owned(), id);
        }
        let missing = tags.iter().filter(|(_, id)| !self.has(**id));
        let missing: Vec<String> = missing
            .filter(|(name, _)| git2::Reference::is_valid_name(&format!("refs/tags/{name}")))
            .map(|(name, _)| format!("+refs/tags/{name}:refs/tags/{name}"))
            .collect();
        // What a shallow clone lacks would be all that lies behind its end.
        if !missing.is_empty() && !self.repo.is_shallow() {
            let progress = access.progress.as_ref();
            fetch::again(access, || fetch::refs(&self.repo, wire, &missing, 0, progress))
                .map_err(|failure| failure.fault)?;
        }
        let commit = |id: Oid| match self.repo.find_object(id, None) {
            Ok(object) => object.peel_to_commit().ok().map(|commit| commit.id()),
            Err(_) => Some(id),
        };
        self.tags = tags
            .into_iter()
            .filter_map(|(name, id)| {
                let commit = commit(id)?.to_string();
                Some(TaggedCommit { name, commit })
            })
            .collect();
        Ok(())
    }

    /// Returns whether the commit is on no branch of the remote, so that a tag would be what publishes it. Where the remote
    /// has branches that are not here, nobody can tell.
    ///
    /// # Errors
    /// A read that failed.
    pub fn is_unpublished(&self) -> anyhow::Result<bool> {
        let head = Oid::from_str(&self.head)?;
        if self.heads.contains(&head) || self.heads.is_empty() || self.repo.is_shallow() {
            return Ok(false);
        }
        Ok(self.heads.iter().all(|id| self.has(*id)) && !self.some_have(&self.heads, head)?)
    }

    /// Fetches what a shallow clone lacks, beside it: libgit2 pushes nothing whose history it cannot walk.
    ///
    /// # Errors
    /// What the remote says, and `NotFound` where something is missing all the same.
    pub(super) fn complete(&mut self) -> anyhow::Result<()> {
        let Some((wire, access)) = self.remote.as_ref().filter(|_| self.repo.is_shallow()) else {
            return Ok(());
        };
        let branch = self.branch.as_deref().unwrap_or("*");
        let refspecs = [format!("+refs/heads/{branch}:refs/remotes/origin/{branch}")];
        let progress = access.progress.as_ref();
        fetch::again(access, || {
            fetch::refs(&self.repo, wire, &refspecs, fetch::WHOLE, progress)
        })
        .map_err(|failure| failure.fault)?;
        // A commit that was read while its parents were missing has none for as long as the handle lives.
        self.repo = Repository::open_bare(self.repo.path())?;
        if self.repo.is_shallow() {
            return Err(
                Fault::not_found("the clone is shallow, and the remote does not complete it")
                    .hint("fetch it all first (actions/checkout: `fetch-depth: 0`, GitLab: `GIT_DEPTH: 0`)")
                    .into(),
            );
        }
        Ok(())
    }

    fn has(&self, id: Oid) -> bool {
        self.repo.odb().is_ok_and(|odb| odb.exists(id))
    }

    fn own_tags(&self) -> anyhow::Result<Vec<TaggedCommit>> {
        let mut tags = Vec::new();
        for reference in self.repo.references_glob("refs/tags/*")? {
            let Ok(reference) = reference else { continue };
            let name = reference
                .name()
                .ok()
                .and_then(|name| name.strip_prefix("refs/tags/"));
            // A tag of a file or a folder names no release.
            if let (Some(name), Ok(commit)) = (name, reference.peel_to_commit()) {
                tags.push(TaggedCommit {
                    name: name.to_owned(),
                    commit: commit.id().to_string(),
                });
            }
        }
        Ok(tags)
    }

    fn full(&self, path: Option<&RepoPath>) -> Option<String> {
        match (&self.folder, path) {
            (Some(folder), Some(path)) => Some(format!("{folder}/{path}")),
            (Some(folder), None) => Some(folder.to_string()),
            (None, Some(path)) => Some(path.to_string()),
            (None, None) => None,
        }
    }

    /// The commits that one has and another has not, newest first, and whether some are missing.
    fn between(&self, to: Oid, since: Option<Oid>) -> anyhow::Result<(Vec<Oid>, bool)> {
        if self.repo.is_shallow() {
            let known = since.map_or(Ok(BTreeSet::new()), |since| walk::ancestors(&self.repo, since))?;
            return walk::since(&self.repo, to, &known);
        }
        let mut walk = self.repo.revwalk()?;
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME)?;
        walk.push(to)?;
        if let Some(since) = since {
            walk.hide(since)?;
        }
        let ids: Result<Vec<Oid>, _> = walk.collect();
        Ok((ids.context("cannot read the history")?, false))
    }

    /// Whether one of some commits has another behind it, or is that one.
    fn some_have(&self, outer: &[Oid], inner: Oid) -> anyhow::Result<bool> {
        let mut walk = self.repo.revwalk()?;
        for outer in outer {
            walk.push(*outer)?;
        }
        for parent in self.repo.find_commit(inner)?.parent_ids() {
            walk.hide(parent)?;
        }
        for id in walk {
            if id.context("cannot read the history")? == inner {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Those of some commits that are reached from a commit by first parents alone.
    fn own_line(&self, from: Oid, among: &[Oid]) -> anyhow::Result<BTreeSet<Oid>> {
        let among: BTreeSet<Oid> = among.iter().copied().collect();
        let mut line = BTreeSet::new();
        let mut next = Some(from);
        while let Some(id) = next.filter(|id| among.contains(id)) {
            line.insert(id);
            next = self.repo.find_commit(id)?.parent_id(0).ok();
        }
        Ok(line)
    }
}

impl SourceRepo for GitSource {
    fn head(&self) -> &str {
        &self.head
    }

    fn tags(&self) -> &[TaggedCommit] {
        &self.tags
    }

    fn behind(&self, commit: &str) -> anyhow::Result<BTreeSet<String>> {
        let commit = Oid::from_str(commit)?;
        let tagged: Result<BTreeSet<Oid>, _> =
            self.tags.iter().map(|tag| Oid::from_str(&tag.commit)).collect();
        let tagged = tagged?;
        let named = |id: Oid| tagged.contains(&id).then(|| id.to_string());
        if self.repo.is_shallow() {
            let behind = walk::ancestors(&self.repo, commit)?;
            return Ok(behind.into_iter().filter_map(named).collect());
        }
        // One walk for all: asked one by one, tags of other branches cost a walk each.
        let mut walk = self.repo.revwalk()?;
        walk.push(commit)?;
        let mut found = BTreeSet::new();
        for id in walk {
            found.extend(named(id.context("cannot read the history")?));
        }
        Ok(found)
    }

    fn first_with(&self, outer: &[&str], inner: &str) -> anyhow::Result<Option<usize>> {
        let inner = Oid::from_str(inner)?;
        let outer = outer
            .iter()
            .map(|outer| Oid::from_str(outer))
            .collect::<Result<Vec<_>, _>>()?;
        let here: Vec<Oid> = outer.iter().copied().filter(|id| self.has(*id)).collect();
        let contains = |outer: Oid| -> anyhow::Result<bool> {
            Ok(if outer == inner {
                true
            } else if !self.has(outer) {
                false
            } else if self.repo.is_shallow() {
                walk::ancestors(&self.repo, outer)?.contains(&inner)
            } else {
                self.repo.graph_descendant_of(outer, inner)?
            })
        };
        // Mostly none has it, which one walk tells.
        if here.is_empty() || !(self.repo.is_shallow() || self.some_have(&here, inner)?) {
            return Ok(None);
        }
        for (at, outer) in outer.into_iter().enumerate() {
            if contains(outer)? {
                return Ok(Some(at));
            }
        }
        Ok(None)
    }

    fn stretch(&self, to: &str, since: Option<&str>, paths: &[Option<RepoPath>]) -> anyhow::Result<Stretch> {
        let paths: Vec<_> = paths.iter().map(|path| self.full(path.as_ref())).collect();
        let to = Oid::from_str(to)?;
        let since = since.map(Oid::from_str).transpose()?;
        let (ids, cut) = self.between(to, since)?;
        let mut stretch = Stretch {
            cut,
            ..Stretch::default()
        };
        let own_line = self.own_line(to, &ids)?;
        for id in ids {
            let commit = self
                .repo
                .find_commit(id)
                .with_context(|| format!("cannot read the commit {id}"))?;
            stretch.cut |= commit.parent_count() == 0 && has_parents(&commit);
            if touches(&commit, &paths)? {
                stretch.commits.push(SourceCommit {
                    log: logged(&commit),
                    own_line: own_line.contains(&id),
                    merge: commit.parent_count() > 1,
                });
            }
        }
        Ok(stretch)
    }
}

/// Whether a commit changes something at one of the paths; a merge does where it differs from all its parents there.
fn touches(commit: &Commit<'_>, paths: &[Option<String>]) -> anyhow::Result<bool> {
    let at = |commit: &Commit<'_>, path: &str| -> anyhow::Result<Option<(Oid, i32)>> {
        match commit.tree().and_then(|tree| entry(&tree, path)) {
            Ok(found) => Ok(found.map(|(id, _, mode)| (id, mode))),
            Err(error) if error.code() == git2::ErrorCode::NotFound => Err(Fault::not_found(format!(
                "a folder of the commit {} is not in this clone, which seems to be a partial one",
                commit.id()
            ))
            .hint("run `git fetch --refetch --no-filter`, or name the repository's address with --repo")
            .into()),
            Err(error) => Err(error.into()),
        }
    };
    for path in paths {
        let Some(path) = path else { return Ok(true) };
        let here = at(commit, path)?;
        let mut differs = commit.parent_count() > 0 || here.is_some();
        for parent in commit.parents() {
            differs &= at(&parent, path)? != here;
        }
        if differs {
            return Ok(true);
        }
    }
    Ok(paths.is_empty())
}

/// Finds a commit by its digits.
fn named(repo: &Repository, commit: &str) -> anyhow::Result<Oid> {
    if !HEX.contains(&commit.len()) || !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Fault::invalid(format!("`{}` is no commit", shown(commit)))
            .hint("give --sha seven to 40 digits of a commit")
            .into());
    }
    let missing = || {
        Fault::not_found(format!("the commit {commit} is not there"))
            .hint("fetch it first (actions/checkout: `fetch-depth: 0`), or name its branch with --branch")
    };
    Ok(repo.find_commit_by_prefix(commit).map_err(|_| missing())?.id())
}

/// A repository without a commit has no version either.
fn without_branch(error: &anyhow::Error) -> Fault {
    let fault = error.downcast_ref::<Fault>().cloned();
    fault.unwrap_or_else(|| Fault::invalid(format!("cannot read HEAD: {error:#}")))
}
