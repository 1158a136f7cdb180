//! Where a new file may lie.

use super::links::Entry;
use crate::words::fault::{Fault, Kind};
use crate::words::repo_path::RepoPath;

/// Checks that nothing lies at `path`, and that the folders above it are folders or missing: no link is followed to a
/// place for a new file.
///
/// `look` tells what lies at a path; it may take a folder for missing.
///
/// # Errors
/// `Refused`, naming what is in the way, and what `look` fails with.
pub(super) fn room_for<E: From<Fault>>(
    path: &RepoPath,
    mut look: impl FnMut(&RepoPath) -> Result<Entry, E>,
) -> Result<(), E> {
    let refused = |why: String| Fault::refused(format!("`{path}` cannot be added: {why}")).into();
    for folder in path.folders() {
        match look(&folder)? {
            Entry::Missing | Entry::Folder => {}
            Entry::File => return Err(refused(format!("`{folder}` is a file, not a folder"))),
            Entry::Link(_) => return Err(refused(format!("`{folder}` is a symbolic link, not a folder"))),
            Entry::Other => return Err(refused(format!("`{folder}` is no folder of this repository"))),
        }
    }
    match look(path)? {
        Entry::Missing => Ok(()),
        Entry::Folder => Err(refused("it is a folder".to_owned())),
        Entry::File | Entry::Link(_) | Entry::Other => Err(refused("it is there already".to_owned())),
    }
}

/// The fault of a commit that changes or removes another file than its plan was made from.
pub(super) fn unlike_plan(path: &RepoPath) -> Fault {
    let why = format!("`{path}` is not the file that the plan was made from");
    Fault::new(Kind::Internal, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_needs_real_folders_and_a_free_place() {
        let look = |path: &RepoPath| {
            Ok::<_, Fault>(match path.as_str() {
                "a" | "a/b" => Entry::Folder,
                "a/file" => Entry::File,
                "a/link" => Entry::Link("b".into()),
                "a/module" => Entry::Other,
                _ => Entry::Missing,
            })
        };
        for (path, why) in [
            ("new", None),
            ("a/new", None),
            ("a/b/new/new", None),
            ("new/file", None),
            ("a/file", Some("it is there already")),
            ("a/link", Some("it is there already")),
            ("a/module", Some("it is there already")),
            ("a/b", Some("it is a folder")),
            ("a/file/new/new", Some("`a/file` is a file")),
            ("a/link/new", Some("`a/link` is a symbolic link")),
            ("a/module/new", Some("`a/module` is no folder")),
        ] {
            let refused = room_for(&RepoPath::parse(path).unwrap(), look).err();
            let said = refused.map(|fault| (fault.kind, fault.message));
            match (why, said) {
                (None, None) => {}
                (Some(why), Some((Kind::Refused, said))) => {
                    assert!(
                        said.starts_with(&format!("`{path}` cannot be added")) && said.contains(why),
                        "{said}"
                    );
                }
                (_, said) => panic!("{path}: {said:?}"),
            }
        }
    }
}
