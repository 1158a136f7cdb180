//! Which files differ between two trees, told by their ids.
//!
//! Trees are read as git stores them, one after the other: `mode SP name NUL id`, sorted, a folder as if its name ended in
//! `/` (git-mktree(1)). What is the same on both sides is never opened, so a commit in a repository of many files costs
//! what it changed.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;

use git2::{Oid, Repository};

use crate::plan::log::ChangedFile;
use crate::plan::snapshot;

/// How many trees are kept: a commit's are mostly its parent's.
const KEPT: usize = 256;
/// The bytes of an id in a tree.
const ID: usize = 20;

/// The trees of a repository.
pub(super) struct Trees {
    kept: RefCell<HashMap<Oid, Rc<Vec<u8>>>>,
}

impl Trees {
    pub(super) fn new() -> Self {
        Self {
            kept: RefCell::new(HashMap::new()),
        }
    }

    /// Returns the regular files that differ between two trees; `None` is an empty one.
    pub(super) fn compare(
        &self,
        repo: &Repository,
        old: Option<Oid>,
        new: Option<Oid>,
    ) -> anyhow::Result<Vec<ChangedFile>> {
        let mut found = Vec::new();
        let mut looked_at = 0;
        let mut ahead = vec![(String::new(), 0, old, new)];
        while let Some((folder, depth, old, new)) = ahead.pop() {
            snapshot::check_extent(looked_at, depth)?;
            let (old, new) = (self.read(repo, old)?, self.read(repo, new)?);
            for (name, old, new) in pairs(&old, &new) {
                looked_at += 1;
                let Ok(name) = str::from_utf8(name) else { continue };
                let path = format!("{folder}{name}");
                let [old_file, new_file] = [old, new].map(|entry| entry.and_then(Entry::file));
                if old_file != new_file {
                    found.push(ChangedFile {
                        path: path.clone(),
                        old: old_file,
                        new: new_file,
                    });
                }
                let [old, new] = [old, new].map(|entry| entry.and_then(Entry::folder));
                if old != new {
                    ahead.push((format!("{path}/"), depth + 1, old, new));
                }
            }
        }
        Ok(found)
    }

    /// Returns every regular file below a tree.
    pub(super) fn files(
        &self,
        repo: &Repository,
        root: Option<Oid>,
    ) -> anyhow::Result<BTreeMap<String, String>> {
        let found = self.compare(repo, None, root)?.into_iter();
        Ok(found.filter_map(|file| Some((file.path, file.new?))).collect())
    }

    fn read(&self, repo: &Repository, id: Option<Oid>) -> anyhow::Result<Rc<Vec<u8>>> {
        let Some(id) = id else { return Ok(Rc::default()) };
        if let Some(tree) = self.kept.borrow().get(&id) {
            return Ok(Rc::clone(tree));
        }
        let tree = Rc::new(repo.odb()?.read(id)?.data().to_vec());
        let mut kept = self.kept.borrow_mut();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(id, Rc::clone(&tree));
        Ok(tree)
    }
}

/// One entry of a tree.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Entry<'t> {
    mode: &'t [u8],
    name: &'t [u8],
    id: &'t [u8],
}

impl Entry<'_> {
    fn is_folder(self) -> bool {
        self.mode == b"40000" || self.mode == b"040000"
    }

    fn oid(self) -> Option<Oid> {
        Oid::from_bytes(self.id).ok()
    }

    fn folder(self) -> Option<Oid> {
        self.oid().filter(|_| self.is_folder())
    }

    /// The id of a regular file; links and submodules hold no values.
    fn file(self) -> Option<String> {
        let regular = self.mode.starts_with(b"100");
        self.oid().filter(|_| regular).map(|id| id.to_string())
    }

    /// Where it stands among the others.
    fn order(self, other: Self) -> Ordering {
        let key = |entry: Self| {
            let end: &[u8] = if entry.is_folder() { b"/" } else { b"" };
            entry.name.iter().chain(end).copied()
        };
        key(self).cmp(key(other))
    }
}

/// The entries of two trees that differ, side by side.
fn pairs<'t>(mut old: &'t [u8], mut new: &'t [u8]) -> Vec<(&'t [u8], Option<Entry<'t>>, Option<Entry<'t>>)> {
    let mut found = Vec::new();
    loop {
        let before = first(old);
        // Nearly all entries are the same on both sides; those are read once.
        if let Some((_, length)) = before
            && new.starts_with(&old[..length])
        {
            (old, new) = (&old[length..], &new[length..]);
            continue;
        }
        let after = first(new);
        let order = match (before, after) {
            (None, None) => return found,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((before, _)), Some((after, _))) => before.order(after),
        };
        let before = before.filter(|_| order != Ordering::Greater);
        let after = after.filter(|_| order != Ordering::Less);
        if let Some((entry, _)) = before.or(after) {
            found.push((
                entry.name,
                before.map(|(entry, _)| entry),
                after.map(|(entry, _)| entry),
            ));
        }
        old = &old[before.map_or(0, |(_, length)| length)..];
        new = &new[after.map_or(0, |(_, length)| length)..];
    }
}

/// Reads the first entry of a tree and tells its length; `None` where there is none.
fn first(tree: &[u8]) -> Option<(Entry<'_>, usize)> {
    let space = tree.iter().position(|byte| *byte == b' ')?;
    let end = space + 1 + tree[space + 1..].iter().position(|byte| *byte == 0)?;
    let entry = Entry {
        mode: &tree[..space],
        name: &tree[space + 1..end],
        id: tree.get(end + 1..end + 1 + ID)?,
    };
    Some((entry, end + 1 + ID))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(entries: &[(&str, &str, u8)]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (mode, name, id) in entries {
            bytes.extend_from_slice(format!("{mode} {name}\0").as_bytes());
            bytes.extend_from_slice(&[*id; ID]);
        }
        bytes
    }

    #[test]
    fn two_trees_are_laid_side_by_side_in_the_order_of_git() {
        // `a.yaml` stands before the folder `a`, which sorts as `a/`.
        let old = tree(&[("100644", "a.yaml", 1), ("40000", "a", 2), ("100644", "c", 3)]);
        let new = tree(&[
            ("100644", "a", 5),
            ("100644", "a.yaml", 1),
            ("40000", "b", 4),
            ("100644", "c", 6),
        ]);
        let told: Vec<_> = pairs(&old, &new)
            .into_iter()
            .map(|(name, old, new)| (name, old.map(|entry| entry.id[0]), new.map(|entry| entry.id[0])))
            .collect();
        assert_eq!(
            told,
            [
                (&b"a"[..], None, Some(5)),
                (b"a", Some(2), None),
                (b"b", None, Some(4)),
                (b"c", Some(3), Some(6)),
            ]
        );
    }

    #[test]
    fn what_is_no_tree_ends_it() {
        for bytes in [&b"100644"[..], b"100644 a", b"100644 a\0short", b""] {
            assert!(first(bytes).is_none() && pairs(bytes, b"").is_empty());
        }
    }
}
