//! Whether a commit through an API fits the files that it is made on.

use std::collections::{BTreeMap, BTreeSet};

use crate::plan::commit::{Fate, FileChange};
use crate::words::fault::Fault;
use crate::words::repo_path::RepoPath;
use crate::world::links::Entry;
use crate::world::room::{room_for, unlike_plan};

/// Checks that the files which change or go are there, and that new ones have room.
///
/// `look` tells what lies at some paths. What the server would do where a file and a folder change places in one
/// commit is promised nowhere: `only_by_git` makes the fault of that.
///
/// # Errors
/// `Refused`, naming what is in the way of a new file, and what `look` fails with.
pub(super) fn check<E>(
    changes: &[FileChange],
    look: impl FnOnce(&[RepoPath]) -> Result<Vec<E>, Fault>,
    only_by_git: impl FnOnce(String) -> Fault,
) -> Result<(), Fault>
where
    for<'e> Entry: From<&'e E>,
{
    if let Some((gone, new)) = swapped(changes) {
        let why = format!("`{gone}` is removed and `{new}` added in one commit, which the API may not take");
        return Err(only_by_git(why));
    }
    let is_new = |change: &FileChange| matches!(change.fate, Fate::Added { .. });
    let new = changes.iter().filter(|change| is_new(change));
    let folders = new.flat_map(|change| change.path.folders());
    let paths: BTreeSet<RepoPath> = folders
        .chain(changes.iter().map(|change| change.path.clone()))
        .collect();
    let paths: Vec<RepoPath> = paths.into_iter().collect();
    let found: BTreeMap<_, _> = paths.iter().zip(look(&paths)?).collect();
    let at = |path: &RepoPath| found.get(path).map_or(Entry::Missing, Entry::from);
    for change in changes {
        if is_new(change) {
            room_for(&change.path, |path| Ok::<_, Fault>(at(path)))?;
        } else if !matches!(at(&change.path), Entry::File) {
            return Err(unlike_plan(&change.path));
        }
    }
    Ok(())
}

/// Returns a file that goes and one that comes, of which one is to be a folder of the other.
fn swapped(changes: &[FileChange]) -> Option<(&RepoPath, &RepoPath)> {
    let gone = changes.iter().filter(|change| change.after().is_none());
    let gone: BTreeSet<&RepoPath> = gone.map(|change| &change.path).collect();
    let of_gone: BTreeMap<RepoPath, &RepoPath> = gone
        .iter()
        .flat_map(|path| path.folders().map(|folder| (folder, *path)))
        .collect();
    let new = changes.iter().filter(|change| change.before().is_none());
    new.map(|change| &change.path).find_map(|new| {
        let folder = new.folders().find_map(|folder| gone.get(&folder).copied());
        let gone = folder.or_else(|| of_gone.get(new).copied())?;
        Some((gone, new))
    })
}
