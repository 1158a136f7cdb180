//! A project's git repository, read and changed in place.

use std::fmt::Write as _;
use std::path::Path;

use git2::{
    Commit, Delta, DiffFormat, Index, IndexEntry, IndexTime, ObjectType, Oid, Repository, Signature, Sort,
    Time, TreeWalkMode, TreeWalkResult,
};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

/// The repository.
pub struct Store {
    pub git: Repository,
}

/// A file or folder of a tree.
pub struct Entry {
    pub path: String,
    pub mode: i32,
    pub oid: Oid,
    pub kind: ObjectType,
}

/// Who writes a commit, and when.
pub struct Writer<'a> {
    pub author: (&'a str, &'a str),
    pub committer: (&'a str, &'a str),
    pub time: i64,
}

impl Store {
    pub fn open(bare: &Path) -> Self {
        Self {
            git: Repository::open_bare(bare).unwrap(),
        }
    }

    pub fn branch(&self, name: &str) -> Option<Oid> {
        self.git.refname_to_id(&format!("refs/heads/{name}")).ok()
    }

    /// The commit that a branch, a tag, `HEAD` or an id (of at least seven digits) names.
    pub fn commit_of(&self, name: &str) -> Option<Oid> {
        let named = [format!("refs/heads/{name}"), format!("refs/tags/{name}")]
            .iter()
            .find_map(|full| self.git.find_reference(full).ok())
            .and_then(|found| found.peel_to_commit().ok());
        let is_id = name.len() >= 7 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let commit = match named {
            Some(commit) => Some(commit),
            None if is_id || name == "HEAD" => {
                let object = self.git.revparse_single(name).ok()?;
                object.peel_to_commit().ok()
            }
            None => None,
        };
        commit.map(|commit| commit.id())
    }

    pub fn is_branch_or_tag(&self, name: &str) -> bool {
        self.branch(name).is_some() || self.git.find_reference(&format!("refs/tags/{name}")).is_ok()
    }

    pub fn commit(&self, id: Oid) -> Commit<'_> {
        self.git.find_commit(id).unwrap()
    }

    /// What stands at a path of a commit.
    pub fn entry(&self, commit: Oid, path: &str) -> Option<Entry> {
        let tree = self.commit(commit).tree().ok()?;
        let found = tree.get_path(Path::new(path)).ok()?;
        Some(Entry {
            path: path.to_owned(),
            mode: found.filemode(),
            oid: found.id(),
            kind: found.kind()?,
        })
    }

    /// A file of a commit and what it holds.
    pub fn file(&self, commit: Oid, path: &str) -> Option<(Entry, Vec<u8>)> {
        let entry = self.entry(commit, path)?;
        let blob = self.git.find_blob(entry.oid).ok()?;
        Some((entry, blob.content().to_vec()))
    }

    /// What a folder of a commit holds (`""` is the root); `None` when it is not there.
    pub fn list(&self, commit: Oid, folder: &str, recursive: bool) -> Option<Vec<Entry>> {
        let root = self.commit(commit).tree().ok()?;
        let folder = folder.trim_matches('/');
        let tree = if folder.is_empty() {
            root
        } else {
            self.git
                .find_tree(root.get_path(Path::new(folder)).ok()?.id())
                .ok()?
        };
        let prefix = if folder.is_empty() {
            String::new()
        } else {
            format!("{folder}/")
        };
        let mut found = Vec::new();
        tree.walk(TreeWalkMode::PreOrder, |above, entry| {
            found.push(Entry {
                path: format!("{prefix}{above}{}", entry.name().unwrap_or_default()),
                mode: entry.filemode(),
                oid: entry.id(),
                kind: entry.kind().unwrap_or(ObjectType::Any),
            });
            if recursive {
                TreeWalkResult::Ok
            } else {
                TreeWalkResult::Skip
            }
        })
        .ok()?;
        Some(found)
    }

    /// The commits from one on, newest first; with a path, those that changed it.
    pub fn log(&self, from: Oid, path: Option<&str>, limit: usize) -> Vec<Oid> {
        let mut walk = self.git.revwalk().unwrap();
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME).unwrap();
        walk.push(from).unwrap();
        let touches = |id: &Oid| {
            let Some(path) = path else { return true };
            let here = self.entry(*id, path).map(|entry| (entry.oid, entry.mode));
            let commit = self.commit(*id);
            let mut above = commit
                .parent_ids()
                .map(|parent| self.entry(parent, path).map(|entry| (entry.oid, entry.mode)));
            if commit.parent_count() == 0 {
                here.is_some()
            } else {
                above.all(|there| there != here)
            }
        };
        walk.flatten().filter(touches).take(limit).collect()
    }

    /// The commit that last changed a path, as seen from another.
    pub fn last_for(&self, from: Oid, path: &str) -> Option<Oid> {
        self.log(from, Some(path), 1).first().copied()
    }

    /// The files of a commit, to be changed and written.
    pub fn index(&self, commit: Option<Oid>) -> Index {
        let mut index = Index::new().unwrap();
        if let Some(commit) = commit {
            index.read_tree(&self.commit(commit).tree().unwrap()).unwrap();
        }
        index
    }

    /// Puts a file into an index.
    pub fn put(&self, index: &mut Index, path: &str, mode: u32, content: &[u8]) {
        let entry = IndexEntry {
            ctime: IndexTime::new(0, 0),
            mtime: IndexTime::new(0, 0),
            dev: 0,
            ino: 0,
            mode,
            uid: 0,
            gid: 0,
            file_size: 0,
            id: self.git.blob(content).unwrap(),
            flags: 0,
            flags_extended: 0,
            path: path.as_bytes().to_vec(),
        };
        index.add(&entry).unwrap();
    }

    /// Writes a commit of an index; no branch moves.
    pub fn write(&self, index: &mut Index, parents: &[Oid], message: &str, writer: &Writer) -> Oid {
        let tree = self
            .git
            .find_tree(index.write_tree_to(&self.git).unwrap())
            .unwrap();
        let time = Time::new(writer.time, 0);
        let author = Signature::new(writer.author.0, writer.author.1, &time).unwrap();
        let committer = Signature::new(writer.committer.0, writer.committer.1, &time).unwrap();
        let parents: Vec<_> = parents.iter().map(|&parent| self.commit(parent)).collect();
        let parents: Vec<_> = parents.iter().collect();
        self.git
            .commit(None, &author, &committer, message, &tree, &parents)
            .unwrap()
    }

    pub fn set_branch(&self, name: &str, to: Oid) {
        let full = format!("refs/heads/{name}");
        self.git.reference(&full, to, true, "api").unwrap();
    }

    /// Moves a branch, or makes it, if it is still where it was seen.
    pub fn move_branch(&self, name: &str, seen: Option<Oid>, to: Oid) -> bool {
        let full = format!("refs/heads/{name}");
        let seen = seen.unwrap_or(Oid::ZERO_SHA1);
        let moved = self.git.reference_matching(&full, to, true, seen, "api");
        moved.is_ok()
    }

    pub fn delete_branch(&self, name: &str) {
        let found = self.git.find_reference(&format!("refs/heads/{name}"));
        found.unwrap().delete().unwrap();
    }

    /// The files of both, or `None` when they conflict.
    pub fn merged(&self, ours: Oid, theirs: Oid) -> Option<Index> {
        let merged = self
            .git
            .merge_commits(&self.commit(ours), &self.commit(theirs), None)
            .ok()?;
        (!merged.has_conflicts()).then_some(merged)
    }

    pub fn merge_base(&self, one: Oid, other: Oid) -> Option<Oid> {
        self.git.merge_base(one, other).ok()
    }

    /// Commits that `to` has and `from` has not, oldest first.
    pub fn between(&self, from: Oid, to: Oid) -> Vec<Oid> {
        let mut walk = self.git.revwalk().unwrap();
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::REVERSE).unwrap();
        walk.push(to).unwrap();
        walk.hide(from).unwrap();
        walk.flatten().collect()
    }

    /// What differs between two commits, as the API shows it.
    pub fn diffs(&self, from: Oid, to: Oid) -> Vec<Value> {
        let trees = [from, to].map(|id| self.commit(id).tree().unwrap());
        let diff = self
            .git
            .diff_tree_to_tree(Some(&trees[0]), Some(&trees[1]), None)
            .unwrap();
        let mut found: Vec<Value> = Vec::new();
        for delta in diff.deltas() {
            let path = |file: git2::DiffFile| file.path().map(|path| path.to_string_lossy().into_owned());
            found.push(json!({
                "old_path": path(delta.old_file()),
                "new_path": path(delta.new_file()),
                "a_mode": format!("{:06o}", u32::from(delta.old_file().mode())),
                "b_mode": format!("{:06o}", u32::from(delta.new_file().mode())),
                "new_file": delta.status() == Delta::Added,
                "renamed_file": false,
                "deleted_file": delta.status() == Delta::Deleted,
                "generated_file": false,
                "diff": "",
            }));
        }
        diff.print(DiffFormat::Patch, |delta, _, line| {
            let path = delta
                .new_file()
                .path()
                .map(|path| path.to_string_lossy().into_owned());
            let at = found
                .iter()
                .position(|one| one["new_path"].as_str() == path.as_deref());
            if let (Some(at), true) = (at, matches!(line.origin(), '+' | '-' | ' ' | 'H')) {
                let mut text = found[at]["diff"].as_str().unwrap_or_default().to_owned();
                if line.origin() != 'H' {
                    text.push(line.origin());
                }
                text.push_str(&String::from_utf8_lossy(line.content()));
                found[at]["diff"] = json!(text);
            }
            true
        })
        .unwrap();
        found
    }
}

/// The SHA-256 of bytes, in hexadecimal.
pub fn sha256(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in digest(&SHA256, bytes).as_ref() {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
