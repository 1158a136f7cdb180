//! The git half of a repository: a bare one, read and written through libgit2.

use std::path::Path;

use git2::build::TreeUpdateBuilder;
use git2::{
    Commit, FileMode, ObjectType, Oid, Repository, Signature, Sort, Time, TreeWalkMode, TreeWalkResult,
};

/// The id of nothing, which `updateRefs` takes for "no such ref".
pub const ZERO: &str = "0000000000000000000000000000000000000000";

/// An opened bare repository.
pub struct Store(Repository);

/// A file of a tree.
pub struct File {
    pub path: String,
    pub mode: i32,
    pub kind: ObjectType,
    pub oid: Oid,
}

/// A change of one file: its bytes, or none to delete it.
pub type Change = (String, Option<Vec<u8>>);

/// Who wrote a commit.
#[derive(Clone)]
pub struct Person {
    pub name: String,
    pub email: String,
}

impl Person {
    pub fn new(name: &str, email: &str) -> Self {
        Self {
            name: name.to_owned(),
            email: email.to_owned(),
        }
    }
}

/// What a commit is made of, besides its tree.
pub struct Draft<'a> {
    pub message: &'a str,
    pub author: &'a Person,
    pub committer: &'a Person,
    pub seconds: i64,
}

impl Store {
    pub fn open(path: &Path) -> Self {
        Self(Repository::open_bare(path).unwrap())
    }

    /// The commit that a branch points at.
    pub fn tip(&self, branch: &str) -> Option<Oid> {
        self.named(&format!("refs/heads/{branch}"))
    }

    /// The object that a full ref name points at.
    pub fn named(&self, name: &str) -> Option<Oid> {
        self.0.refname_to_id(name).ok()
    }

    /// All refs with their objects, by name.
    pub fn refs(&self) -> Vec<(String, Oid)> {
        let mut refs: Vec<_> = self
            .0
            .references()
            .unwrap()
            .flatten()
            .filter_map(|one| Some((one.name().ok()?.to_owned(), one.target()?)))
            .collect();
        refs.sort();
        refs
    }

    /// Sets a ref.
    pub fn set(&self, name: &str, to: Oid) {
        self.0.reference(name, to, true, "fake").unwrap();
    }

    /// Sets a ref only if it still points at an object; whether it did.
    pub fn set_if(&self, name: &str, from: Oid, to: Oid) -> bool {
        self.0.reference_matching(name, to, true, from, "fake").is_ok()
    }

    /// Writes an annotated tag's object; no ref names it.
    pub fn write_tag(
        &self,
        name: &str,
        message: &str,
        target: Oid,
        who: &str,
        email: &str,
        seconds: i64,
    ) -> Oid {
        let target = self.0.find_object(target, None).unwrap();
        let tagger = Signature::new(who, email, &Time::new(seconds, 0)).unwrap();
        self.0
            .tag_annotation_create(name, &target, &tagger, message)
            .unwrap()
    }

    pub fn delete(&self, name: &str) {
        self.0.find_reference(name).unwrap().delete().unwrap();
    }

    /// The commit that a branch, a tag, a full ref name or a full id names.
    pub fn commit_at(&self, name: &str) -> Option<Oid> {
        let oid = match self.full_id(name) {
            Some(oid) => oid,
            None => ["refs/heads/", "refs/tags/", "refs/", ""]
                .iter()
                .find_map(|prefix| self.named(&format!("{prefix}{name}")))?,
        };
        Some(self.0.find_object(oid, None).ok()?.peel_to_commit().ok()?.id())
    }

    /// The object that an expression such as `main:path` or `main` names.
    pub fn object_at(&self, expression: &str) -> Option<Oid> {
        Some(self.0.revparse_single(expression).ok()?.id())
    }

    /// A full id, of an object that exists.
    pub fn full_id(&self, hex: &str) -> Option<Oid> {
        (hex.len() == 40)
            .then(|| Oid::from_str(hex).ok())
            .flatten()
            .filter(|oid| self.0.odb().unwrap().exists(*oid))
    }

    pub fn kind(&self, oid: Oid) -> Option<ObjectType> {
        self.0.find_object(oid, None).ok()?.kind()
    }

    pub fn commit(&self, oid: Oid) -> Commit<'_> {
        self.0.find_commit(oid).unwrap()
    }

    pub fn blob(&self, oid: Oid) -> Option<Vec<u8>> {
        Some(self.0.find_blob(oid).ok()?.content().to_vec())
    }

    /// The entries of a tree (or of a commit's tree), with those below if asked.
    pub fn entries(&self, tree: Oid, recursive: bool) -> Option<Vec<File>> {
        let tree = self.0.find_object(tree, None).ok()?.peel_to_tree().ok()?;
        let mut files = Vec::new();
        tree.walk(TreeWalkMode::PreOrder, |folder, entry| {
            files.push(File {
                path: format!("{folder}{}", entry.name().unwrap_or_default()),
                mode: entry.filemode(),
                kind: entry.kind().unwrap_or(ObjectType::Commit),
                oid: entry.id(),
            });
            if recursive {
                TreeWalkResult::Ok
            } else {
                TreeWalkResult::Skip
            }
        })
        .ok()?;
        Some(files)
    }

    /// What stands at a path of a commit.
    pub fn entry(&self, commit: Oid, path: &str) -> Option<File> {
        let tree = self.commit(commit).tree().unwrap();
        let entry = tree.get_path(Path::new(path)).ok()?;
        Some(File {
            path: path.to_owned(),
            mode: entry.filemode(),
            kind: entry.kind()?,
            oid: entry.id(),
        })
    }

    /// The bytes of a file of a commit.
    pub fn read(&self, commit: Oid, path: &str) -> Option<Vec<u8>> {
        self.blob(self.entry(commit, path)?.oid)
    }

    /// Writes a commit on a parent; a file that it writes becomes a plain one, unless it `keeps_modes`.
    /// `Err` names a deleted path that is not there.
    pub fn write(
        &self,
        parent: Oid,
        changes: &[Change],
        keeps_modes: bool,
        draft: &Draft<'_>,
    ) -> Result<Oid, String> {
        let base = self.commit(parent).tree().unwrap();
        let mut update = TreeUpdateBuilder::new();
        for (path, content) in changes {
            match content {
                Some(bytes) => {
                    let runs =
                        keeps_modes && self.entry(parent, path).is_some_and(|old| old.mode == 0o100_755);
                    let mode = if runs {
                        FileMode::BlobExecutable
                    } else {
                        FileMode::Blob
                    };
                    update.upsert(path.as_str(), self.0.blob(bytes).unwrap(), mode);
                }
                None if self.entry(parent, path).is_none() => return Err(path.clone()),
                None => {
                    update.remove(path.as_str());
                }
            }
        }
        let tree = update
            .create_updated(&self.0, &base)
            .map_err(|error| error.message().to_owned())?;
        Ok(self.commit_tree(tree, &[parent], draft))
    }

    pub fn commit_tree(&self, tree: Oid, parents: &[Oid], draft: &Draft<'_>) -> Oid {
        let time = Time::new(draft.seconds, 0);
        let sign = |who: &Person| Signature::new(&who.name, &who.email, &time).unwrap();
        let parents: Vec<_> = parents.iter().map(|oid| self.commit(*oid)).collect();
        self.0
            .commit(
                None,
                &sign(draft.author),
                &sign(draft.committer),
                draft.message,
                &self.0.find_tree(tree).unwrap(),
                &Vec::from_iter(&parents),
            )
            .unwrap()
    }

    /// The commits of `head` that `base` lacks, oldest first.
    pub fn between(&self, base: Oid, head: Oid) -> Vec<Oid> {
        let mut walk = self.0.revwalk().unwrap();
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE).unwrap();
        walk.push(head).unwrap();
        walk.hide(base).unwrap();
        walk.flatten().collect()
    }

    /// The commits from one backwards, newest first; those that change a path, if one is given.
    pub fn history(&self, head: Oid, path: Option<&str>) -> Vec<Oid> {
        let mut walk = self.0.revwalk().unwrap();
        walk.set_sorting(Sort::TOPOLOGICAL).unwrap();
        walk.push(head).unwrap();
        let touches = |oid: &Oid| {
            let Some(path) = path else { return true };
            let at = |commit: &Commit<'_>| {
                let tree = commit.tree().unwrap();
                tree.get_path(Path::new(path))
                    .ok()
                    .map(|entry| (entry.id(), entry.filemode()))
            };
            let commit = self.commit(*oid);
            let now = at(&commit);
            match commit.parent_count() {
                0 => now.is_some(),
                _ => commit.parents().all(|parent| at(&parent) != now),
            }
        };
        walk.flatten().filter(touches).collect()
    }

    /// How many commits `head` is ahead of `base`, and behind.
    pub fn ahead_behind(&self, base: Oid, head: Oid) -> (usize, usize) {
        self.0.graph_ahead_behind(head, base).unwrap()
    }

    pub fn merge_base(&self, one: Oid, other: Oid) -> Option<Oid> {
        self.0.merge_base(one, other).ok()
    }

    /// Whether a commit contains another.
    pub fn contains(&self, commit: Oid, other: Oid) -> bool {
        commit == other || self.0.graph_descendant_of(commit, other).unwrap_or(false)
    }

    /// The tree of a merge; none if it conflicts.
    pub fn merged_tree(&self, base: Oid, head: Oid) -> Option<Oid> {
        let (ours, theirs) = (self.commit(base), self.commit(head));
        let mut index = self.0.merge_commits(&ours, &theirs, None).ok()?;
        (!index.has_conflicts()).then(|| index.write_tree_to(&self.0).unwrap())
    }

    /// The paths that differ between two commits, each with GitHub's word for how.
    pub fn changed(&self, old: Oid, new: Oid) -> Vec<(String, &'static str, Oid)> {
        let tree = |oid| self.commit(oid).tree().unwrap();
        let diff = self
            .0
            .diff_tree_to_tree(Some(&tree(old)), Some(&tree(new)), None)
            .unwrap();
        diff.deltas()
            .map(|delta| {
                let (side, word) = match delta.status() {
                    git2::Delta::Added => (delta.new_file(), "added"),
                    git2::Delta::Deleted => (delta.old_file(), "removed"),
                    _ => (delta.new_file(), "modified"),
                };
                (side.path().unwrap().display().to_string(), word, side.id())
            })
            .collect()
    }
}
