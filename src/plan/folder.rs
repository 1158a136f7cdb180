//! Folders of a repository that come and go: which files change on a snapshot.

use super::commit::{Fate, FileChange};
use super::snapshot::Snapshot;
use crate::words::fault::Fault;
use crate::words::folder_template::FolderFile;
use crate::words::repo_path::RepoPath;

/// Returns what brings files to the contents that they shall have: a missing one is added, one that differs is changed.
/// The mode of a file that is there stays.
///
/// # Errors
/// `Refused` for a file that is reached through a symbolic link, and a read that failed.
pub fn written(
    snapshot: &dyn Snapshot,
    wanted: Vec<FolderFile<RepoPath>>,
) -> anyhow::Result<Vec<FileChange>> {
    let paths: Vec<RepoPath> = wanted.iter().map(|file| file.path.clone()).collect();
    let mut changes = Vec::new();
    for (file, there) in wanted.into_iter().zip(snapshot.read(&paths)?) {
        let fate = match there {
            None => Fate::Added {
                new: file.bytes,
                executable: file.executable,
            },
            Some(blob) if blob.path != file.path => {
                return Err(Fault::refused(format!(
                    "`{}` is a symbolic link, or lies behind one",
                    file.path
                ))
                .hint("name the folder itself")
                .into());
            }
            Some(blob) if blob.bytes == file.bytes => continue,
            Some(blob) => Fate::Changed {
                old: blob.bytes,
                new: file.bytes,
            },
        };
        changes.push(FileChange {
            path: file.path,
            fate,
        });
    }
    Ok(changes)
}

/// Returns the files of a folder, at any depth; none where there is no such folder.
///
/// # Errors
/// A read that failed.
pub fn files_in(snapshot: &dyn Snapshot, folder: &RepoPath) -> anyhow::Result<Vec<RepoPath>> {
    let mut listed = snapshot.list()?;
    listed.retain(|path| path.folders().any(|above| above == *folder));
    Ok(listed)
}

/// Returns what removes files; one that is not there is left out.
///
/// # Errors
/// As [`written`].
pub fn removed(snapshot: &dyn Snapshot, paths: &[RepoPath]) -> anyhow::Result<Vec<FileChange>> {
    let mut changes = Vec::new();
    for (path, there) in paths.iter().zip(snapshot.read(paths)?) {
        match there {
            None => {}
            Some(blob) if blob.path != *path => {
                return Err(
                    Fault::refused(format!("`{path}` is a symbolic link, or lies behind one"))
                        .hint("remove it by hand")
                        .into(),
                );
            }
            Some(blob) => changes.push(FileChange {
                path: path.clone(),
                fate: Fate::Removed { old: blob.bytes },
            }),
        }
    }
    Ok(changes)
}
