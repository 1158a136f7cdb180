//! A history that ends too early: libgit2's own walks fail where a shallow clone does.

use std::collections::{BTreeSet, BinaryHeap};

use git2::{Commit, ErrorCode, Oid, Repository};

/// Returns a commit and all that it has behind it, as far as that is here.
pub(super) fn ancestors(repo: &Repository, of: Oid) -> anyhow::Result<BTreeSet<Oid>> {
    let mut met = BTreeSet::new();
    let mut ahead = vec![of];
    while let Some(id) = ahead.pop() {
        if met.contains(&id) {
            continue;
        }
        if let Some(commit) = find(repo, id)? {
            met.insert(id);
            ahead.extend(commit.parent_ids());
        }
    }
    Ok(met)
}

/// Returns the commits that `to` has and `known` has not, newest first, and whether some of them are not here. A commit whose
/// parents a shallow fetch left out counts as here; it shows that in its header.
pub(super) fn since(repo: &Repository, to: Oid, known: &BTreeSet<Oid>) -> anyhow::Result<(Vec<Oid>, bool)> {
    let (mut found, mut is_cut) = (Vec::new(), false);
    let mut met = BTreeSet::from([to]);
    let time = |commit: &Commit<'_>| commit.time().seconds();
    let mut ahead: BinaryHeap<(i64, Oid)> = find(repo, to)?.iter().map(|commit| (time(commit), to)).collect();
    while let Some((_, id)) = ahead.pop() {
        if known.contains(&id) {
            continue;
        }
        found.push(id);
        for parent in repo.find_commit(id)?.parent_ids() {
            match find(repo, parent)? {
                Some(commit) if met.insert(parent) => ahead.push((time(&commit), parent)),
                Some(_) => {}
                None => is_cut = true,
            }
        }
    }
    Ok((found, is_cut))
}

fn find(repo: &Repository, id: Oid) -> anyhow::Result<Option<Commit<'_>>> {
    match repo.find_commit(id) {
        Ok(commit) => Ok(Some(commit)),
        Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
        Err(error) => Err(error.into()),
    }
}
