//! Adds, changes and removes files of a directory: all of them, or none.
#![expect(
    clippy::disallowed_methods,
    reason = "reads and writes the files of the checkout"
)]

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::NamedTempFile;

use crate::plan::commit::{Fate, FileChange};
use crate::words::fault::{Fault, Kind};
use crate::words::repo_path::RepoPath;
use crate::world::files::of_system;

/// The changes that are to be made, and how to undo those that are made.
pub(super) struct Rewrite<'a> {
    root: &'a Path,
    /// Each with its new content, which is written but not in its place.
    ahead: Vec<(&'a FileChange, Option<NamedTempFile>)>,
    done: Vec<Done<'a>>,
}

/// Something that happened.
enum Done<'a> {
    /// A folder was made.
    Made(RepoPath),
    /// A folder was removed, because it was empty.
    Emptied(RepoPath, Permissions),
    /// A file was added.
    Added(&'a RepoPath),
    /// A file was changed or removed, which held this.
    Replaced(&'a RepoPath, &'a [u8], Permissions),
}

impl<'a> Rewrite<'a> {
    /// Writes the new contents to temporary files, from where a rename puts them in their places.
    ///
    /// # Errors
    /// `Invalid` with what the file system says; nothing is left behind then.
    pub(super) fn prepare(root: &'a Path, changes: &'a [FileChange]) -> anyhow::Result<Self> {
        let mut ahead = Vec::new();
        for change in changes {
            let written = written(root, change).map_err(|e| unwritten(&change.path, &e))?;
            ahead.push((change, written));
        }
        // A file that goes makes room for what takes its place.
        ahead.sort_by_key(|(_, file)| file.is_some());
        Ok(Self {
            root,
            ahead,
            done: Vec::new(),
        })
    }

    /// Makes the changes.
    ///
    /// # Errors
    /// `Invalid` with what the file system says; everything is put back then, or the context names what is not.
    pub(super) fn run(mut self) -> anyhow::Result<()> {
        for (change, file) in std::mem::take(&mut self.ahead) {
            let Err(e) = self.make(change, file) else {
                continue;
            };
            let failed = Err(unwritten(&change.path, &e));
            let left = self.put_back();
            return if left.is_empty() {
                failed
            } else {
                failed.with_context(|| format!("these files are changed already: {}", left.join(", ")))
            };
        }
        Ok(())
    }

    fn make(&mut self, change: &'a FileChange, file: Option<NamedTempFile>) -> io::Result<()> {
        let path = &change.path;
        let target = self.root.join(path.as_str());
        let Some(old) = change.before() else {
            self.make_folders(path)?;
            if let Some(file) = file {
                file.persist_noclobber(target)?;
            }
            self.done.push(Done::Added(path));
            return Ok(());
        };
        let permissions = fs::symlink_metadata(&target)?.permissions();
        match file {
            Some(file) => drop(file.persist(target)?),
            None => fs::remove_file(target)?,
        }
        self.done.push(Done::Replaced(path, old, permissions));
        if change.after().is_none() {
            self.remove_empty_folders(path);
        }
        Ok(())
    }

    fn make_folders(&mut self, path: &RepoPath) -> io::Result<()> {
        for folder in path.folders() {
            match fs::create_dir(self.root.join(folder.as_str())) {
                Ok(()) => self.done.push(Done::Made(folder)),
                Err(_) if is_folder(&self.root.join(folder.as_str())) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn remove_empty_folders(&mut self, path: &RepoPath) {
        for folder in path.folders().rev() {
            let full = self.root.join(folder.as_str());
            // One that is not empty cannot be removed.
            match fs::symlink_metadata(&full).and_then(|found| fs::remove_dir(&full).map(|()| found)) {
                Ok(found) => self.done.push(Done::Emptied(folder, found.permissions())),
                Err(_) => return,
            }
        }
    }

    /// Undoes what is done, the last first, and names what could not be undone.
    fn put_back(&mut self) -> Vec<String> {
        let mut left = Vec::new();
        while let Some(done) = self.done.pop() {
            let (path, undone) = match &done {
                Done::Made(folder) => (folder, fs::remove_dir(self.root.join(folder.as_str()))),
                Done::Emptied(folder, permissions) => {
                    let full = self.root.join(folder.as_str());
                    let made = fs::create_dir(&full);
                    (
                        folder,
                        made.and_then(|()| fs::set_permissions(full, permissions.clone())),
                    )
                }
                Done::Added(path) => (*path, fs::remove_file(self.root.join(path.as_str()))),
                Done::Replaced(path, old, permissions) => (*path, self.restore(path, old, permissions)),
            };
            if undone.is_err() {
                left.push(path.to_string());
            }
        }
        left
    }

    fn restore(&self, path: &RepoPath, old: &[u8], permissions: &Permissions) -> io::Result<()> {
        let folder = nearest_folder(self.root, path);
        let file = temporary(&folder, old, |file| file.set_permissions(permissions.clone()))?;
        file.persist(self.root.join(path.as_str()))?;
        Ok(())
    }
}

/// Writes what a change brings, with the mode that it is to have.
fn written(root: &Path, change: &FileChange) -> io::Result<Option<NamedTempFile>> {
    let folder = nearest_folder(root, &change.path);
    match &change.fate {
        Fate::Removed { .. } => Ok(None),
        Fate::Added { new, executable } => {
            temporary(&folder, new, |file| set_mode(file, *executable)).map(Some)
        }
        Fate::Changed { new, .. } => {
            let set = |file: &File| match fs::symlink_metadata(root.join(change.path.as_str())) {
                Ok(found) => file.set_permissions(found.permissions()),
                // It is gone, which is found out before anything is done.
                Err(_) => Ok(()),
            };
            temporary(&folder, new, set).map(Some)
        }
    }
}

fn temporary(
    folder: &Path,
    bytes: &[u8],
    set_permissions: impl FnOnce(&File) -> io::Result<()>,
) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::with_prefix_in(".gitops-steps-", folder)?;
    file.write_all(bytes)?;
    set_permissions(file.as_file())?;
    file.as_file().sync_all()?;
    Ok(file)
}

/// Makes a new file as git makes it in a checkout: a temporary file is private.
fn set_mode(file: &File, executable: bool) -> io::Result<()> {
    #[cfg(unix)]
    file.set_permissions(Permissions::from_mode(if executable { 0o755 } else { 0o644 }))?;
    #[cfg(not(unix))]
    let _ = (file, executable);
    Ok(())
}

/// Returns the folder of a file, or the nearest above it that is there: a rename from it needs no other disk.
fn nearest_folder(root: &Path, path: &RepoPath) -> PathBuf {
    path.folders()
        .map(|folder| root.join(folder.as_str()))
        .take_while(|folder| is_folder(folder))
        .last()
        .unwrap_or_else(|| root.to_owned())
}

/// Whether this is a folder itself, and no link to one.
fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

fn unwritten(path: &RepoPath, error: &io::Error) -> anyhow::Error {
    let why = of_system(error);
    Fault::new(Kind::Invalid, format!("cannot write `{path}`: {why}")).into()
}
