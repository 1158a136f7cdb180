//! How two commits lie to each other, as a clone on this machine knows it.

use std::path::Path;

use git2::{ErrorCode, Oid, Repository};

use crate::plan::comparison::Relation;

/// Asks the clone around a directory, if it is one of the repository `repo` and holds both commits; else `None`.
///
/// It is one if the path of its `origin` is the repository's full name, or ends in it. A shallow clone, as CI makes
/// it, may lack what ties two commits together: it can only tell that one contains the other, never that none does.
pub fn relation(directory: &Path, repo: &str, old: &str, new: &str) -> Option<Relation> {
    let clone = Repository::discover(directory).ok()?;
    if !is_origin(&clone, repo) {
        return None;
    }
    let (old, new) = (find(&clone, old)?, find(&clone, new)?);
    if old == new {
        return Some(Relation::Same);
    }
    if contains(&clone, new, old)? {
        return Some(Relation::Ahead);
    }
    if contains(&clone, old, new)? {
        return Some(Relation::Behind);
    }
    (!clone.is_shallow()).then_some(Relation::Diverged)
}

fn is_origin(clone: &Repository, repo: &str) -> bool {
    let Ok(origin) = clone.find_remote("origin") else {
        return false;
    };
    let Ok(url) = origin.url() else { return false };
    let url = url.trim_end_matches('/');
    let url = url.strip_suffix(".git").unwrap_or(url).to_ascii_lowercase();
    match url.strip_suffix(&repo.to_ascii_lowercase()) {
        Some(before) => before.is_empty() || before.ends_with(['/', ':']),
        None => false,
    }
}

fn find(clone: &Repository, commit: &str) -> Option<Oid> {
    Some(clone.find_commit_by_prefix(commit).ok()?.id())
}

/// Whether a commit has another among its ancestors; `None` where the clone lacks too much to tell.
fn contains(clone: &Repository, outer: Oid, inner: Oid) -> Option<bool> {
    match clone.graph_descendant_of(outer, inner) {
        Ok(contains) => Some(contains),
        Err(e) if e.code() == ErrorCode::NotFound => Some(false),
        Err(_) => None,
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests set up a clone")]
mod tests {
    use git2::Signature;

    use super::*;
    use crate::world::testing::folder;

    fn commit(repo: &Repository, parents: &[Oid], message: &str) -> Oid {
        let me = Signature::now("a", "a@b").unwrap();
        let tree = repo.treebuilder(None).unwrap().write().unwrap();
        let tree = repo.find_tree(tree).unwrap();
        let parents: Vec<_> = parents.iter().map(|id| repo.find_commit(*id).unwrap()).collect();
        let parents: Vec<_> = parents.iter().collect();
        repo.commit(None, &me, &me, message, &tree, &parents).unwrap()
    }

    #[test]
    fn a_clone_tells_which_commit_contains_the_other() {
        let home = folder(&[("sub/x", "1")]);
        let repo = Repository::init(home.path()).unwrap();
        repo.remote("origin", "git@github.com:Acme/Shop.git").unwrap();
        let first = commit(&repo, &[], "first");
        let second = commit(&repo, &[first], "second");
        let aside = commit(&repo, &[first], "aside");
        let [first, second, aside] = [first, second, aside].map(|id| id.to_string());
        let inside = home.path().join("sub");
        for (name, old, new, told) in [
            ("acme/shop", &first[..], &second[..], Some(Relation::Ahead)),
            ("acme/shop", &second, &first, Some(Relation::Behind)),
            ("acme/shop", &first[..7], &first, Some(Relation::Same)),
            ("acme/shop", &second, &aside[..10], Some(Relation::Diverged)),
            ("acme/shop", &second, "0123456789", None),
            ("acme/shop", &second, "HEAD~1", None),
            ("acme/web", &first, &second, None),
            ("me/shop", &first, &second, None),
            ("cme/shop", &first, &second, None),
        ] {
            assert_eq!(relation(&inside, name, old, new), told, "{name} {old} {new}");
        }
        assert_eq!(relation(folder(&[]).path(), "acme/shop", &first, &second), None);
    }

    #[test]
    fn a_shallow_clone_never_tells_that_two_commits_parted() {
        let home = folder(&[]);
        let repo = Repository::init(home.path()).unwrap();
        repo.remote("origin", "https://host/acme/shop").unwrap();
        let first = commit(&repo, &[], "first");
        let second = commit(&repo, &[first], "second");
        let aside = commit(&repo, &[first], "aside");
        std::fs::write(repo.path().join("shallow"), format!("{first}\n")).unwrap();
        let told =
            |old: Oid, new: Oid| relation(home.path(), "acme/shop", &old.to_string(), &new.to_string());
        assert_eq!(told(first, second), Some(Relation::Ahead));
        assert_eq!(told(aside, second), None);
    }
}
