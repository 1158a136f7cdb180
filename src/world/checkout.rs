//! A config repo that is a directory: its files are edited in place, and nothing else is touched.
//!
//! Paths are relative to the given directory, which need be no git repository. If it is a folder inside one,
//! a push maps them to the repository's root: see [`Origin::folder`](super::origin::Origin::folder).
#![expect(
    clippy::disallowed_methods,
    reason = "reads and writes the files of the checkout"
)]

use std::fs;
#[cfg(unix)]
use std::fs::Permissions;
use std::io::{ErrorKind, Write as _};
#[cfg(unix)]
use std::os::unix::fs::PermissionsExt as _;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};

use anyhow::Context as _;
use tempfile::NamedTempFile;

use super::config_repo::{ConfigRepo, Head, Outcome};
use super::links::{self, Entry};
use crate::plan::commit::{FileChange, NewCommit};
use crate::plan::comparison::LoggedCommit;
use crate::plan::snapshot::{Blob, Snapshot};
use crate::words::fault::{Fault, Kind};
use crate::words::repo_path::RepoPath;
use crate::words::wording::shown_path;

/// A directory whose files are read and written.
pub struct Checkout {
    root: PathBuf,
}

impl Checkout {
    /// Opens a directory.
    ///
    /// # Errors
    /// `NotFound` if it is none, `Invalid` for a bare git repository.
    pub fn open(directory: &Path) -> Result<Self, Fault> {
        let shown = shown_path(directory);
        let root = dunce::canonicalize(directory).map_err(|e| {
            Fault::not_found(format!("cannot open the directory `{shown}`: {e}")).hint(
                "a config repo is a directory, or an address: https://…, ssh://…, git@host:path or file://…",
            )
        })?;
        if !root.is_dir() {
            return Err(Fault::not_found(format!("`{shown}` is no directory")));
        }
        if root.join("HEAD").is_file() && root.join("objects").is_dir() && root.join("refs").is_dir() {
            let fault = Fault::invalid(format!("`{shown}` is a bare git repository, it has no files"));
            return Err(match url::Url::from_file_path(&root) {
                Ok(url) => fault.hint(format!("use --config-repo {url}")),
                Err(()) => fault,
            });
        }
        Ok(Self { root })
    }

    /// Returns the directory, resolved.
    pub fn root(&self) -> &Path {
        &self.root
    }

    fn resolve(&self, path: &RepoPath) -> anyhow::Result<Option<RepoPath>> {
        links::follow(path, |path| {
            let full = self.root.join(path.as_str());
            let kind = match fs::symlink_metadata(&full) {
                Ok(metadata) => metadata.file_type(),
                Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                    return Ok(Entry::Missing);
                }
                Err(e) => return Err(io_fault("read", path, &e)),
            };
            Ok(if kind.is_symlink() {
                let target = fs::read_link(&full).map_err(|e| io_fault("read", path, &e))?;
                Entry::Link(target.to_string_lossy().replace(MAIN_SEPARATOR, "/"))
            } else if kind.is_dir() {
                Entry::Folder
            } else if kind.is_file() {
                Entry::File
            } else {
                Entry::Other
            })
        })
    }

    fn read_one(&self, path: &RepoPath) -> anyhow::Result<Option<Blob>> {
        let Some(found) = self.resolve(path)? else {
            return Ok(None);
        };
        let bytes = fs::read(self.root.join(found.as_str())).map_err(|e| io_fault("read", &found, &e))?;
        Ok(Some(Blob { path: found, bytes }))
    }

    /// Returns whether a file still holds what the plan was made from.
    fn unchanged(&self, change: &FileChange) -> anyhow::Result<bool> {
        Ok(match self.read_one(&change.path)? {
            Some(now) => now.path == change.path && now.bytes == change.old,
            None => change.old.is_empty(),
        })
    }

    /// Writes a file's content beside it, with its mode; a rename puts it in place.
    fn prepare(&self, path: &RepoPath, bytes: &[u8]) -> anyhow::Result<(PathBuf, NamedTempFile)> {
        let target = self.root.join(path.as_str());
        let folder = target.parent().expect("a file below the root has a folder");
        let made = || -> std::io::Result<NamedTempFile> {
            fs::create_dir_all(folder)?;
            let mut file = NamedTempFile::with_prefix_in(".gitops-steps-", folder)?;
            file.write_all(bytes)?;
            match fs::metadata(&target) {
                Ok(metadata) => file.as_file().set_permissions(metadata.permissions())?,
                // A temporary file is private; a new file of a checkout is as git makes it.
                #[cfg(unix)]
                Err(_) => file.as_file().set_permissions(Permissions::from_mode(0o644))?,
                #[cfg(not(unix))]
                Err(_) => {}
            }
            file.as_file().sync_all()?;
            Ok(file)
        };
        let file = made().map_err(|e| io_fault("write", path, &e))?;
        Ok((target, file))
    }

    fn put_back(&self, done: &[&FileChange]) -> Vec<String> {
        let restore = |change: &&&FileChange| {
            if change.old.is_empty() {
                return fs::remove_file(self.root.join(change.path.as_str())).is_err();
            }
            let prepared = self.prepare(&change.path, &change.old);
            !prepared.is_ok_and(|(target, file)| file.persist(target).is_ok())
        };
        done.iter()
            .filter(restore)
            .map(|change| change.path.to_string())
            .collect()
    }
}

impl ConfigRepo for Checkout {
    fn branch(&self) -> Option<&str> {
        None
    }

    fn snapshot(&mut self) -> anyhow::Result<Box<dyn Snapshot + '_>> {
        Ok(Box::new(Files(self)))
    }

    /// Writes the files: all of them, or none.
    fn commit(&mut self, _expected: Option<&str>, commit: &NewCommit) -> anyhow::Result<Outcome> {
        let mut prepared = Vec::new();
        for change in &commit.changes {
            prepared.push((change, self.prepare(&change.path, &change.new)?));
        }
        for change in &commit.changes {
            if !self.unchanged(change)? {
                return Ok(Outcome::Moved {
                    why: format!("`{}` was changed meanwhile", change.path),
                });
            }
        }
        let mut done = Vec::new();
        for (change, (target, file)) in prepared {
            if let Err(e) = file.persist(target) {
                let left = self.put_back(&done);
                let error = io_fault("write", &change.path, &e.error);
                return if left.is_empty() {
                    Err(error)
                } else {
                    Err(error)
                        .with_context(|| format!("these files are changed already: {}", left.join(", ")))
                };
            }
            done.push(change);
        }
        Ok(Outcome::Landed {
            commit: None,
            verified: None,
        })
    }

    fn head(&mut self, _branch: &str, _files: &[RepoPath]) -> anyhow::Result<Option<Head<'_>>> {
        Err(no_branches().into())
    }

    fn propose(
        &mut self,
        _base: &str,
        _branch: &str,
        _expected: Option<&str>,
        _commit: &NewCommit,
    ) -> anyhow::Result<Outcome> {
        Err(no_branches().into())
    }
}

fn no_branches() -> Fault {
    Fault::new(
        Kind::Internal,
        "a directory that is edited in place has no branches",
    )
}

/// The files as they lie there; git's index is not asked.
struct Files<'a>(&'a Checkout);

impl Snapshot for Files<'_> {
    fn commit(&self) -> Option<&str> {
        None
    }

    fn read(&self, paths: &[RepoPath]) -> anyhow::Result<Vec<Option<Blob>>> {
        paths.iter().map(|path| self.0.read_one(path)).collect()
    }

    fn list(&self) -> anyhow::Result<Vec<RepoPath>> {
        let mut found = Vec::new();
        let mut ahead = vec![String::new()];
        while let Some(folder) = ahead.pop() {
            let full = self.0.root.join(&folder);
            let failed = |e: std::io::Error| {
                let why = format!("cannot list the folder `{}`: {e}", folder.escape_debug());
                anyhow::Error::from(Fault::new(Kind::Invalid, why))
            };
            for entry in fs::read_dir(&full).map_err(failed)? {
                let entry = entry.map_err(failed)?;
                // A name that no path of ours can hold (`.git` is one) is none that a user could ask for.
                let Some(path) = entry
                    .file_name()
                    .to_str()
                    .and_then(|name| RepoPath::parse(&format!("{folder}{name}")).ok())
                else {
                    continue;
                };
                // A link is listed as a file, as in a git tree, and never walked into.
                if entry.file_type().map_err(failed)?.is_dir() {
                    ahead.push(format!("{path}/"));
                } else {
                    found.push(path);
                }
            }
        }
        found.sort();
        Ok(found)
    }

    /// What the clone has of it, from the checked-out commit back; nothing where this is no clone.
    fn history(&self, path: &RepoPath, most: usize) -> anyhow::Result<Vec<LoggedCommit>> {
        match self.0.checked_out() {
            Some(commit) => self.0.commit_of_clone(&commit)?.history(path, most),
            None => Ok(Vec::new()),
        }
    }

    fn at(&self, commit: &str) -> anyhow::Result<Box<dyn Snapshot + '_>> {
        Ok(Box::new(self.0.commit_of_clone(commit)?))
    }
}

fn io_fault(verb: &str, path: &RepoPath, error: &std::io::Error) -> anyhow::Error {
    Fault::new(Kind::Invalid, format!("cannot {verb} `{path}`: {error}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::testing::folder;

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).unwrap()
    }

    fn commit(changes: &[(&str, &str, &str)]) -> NewCommit {
        let changes = changes.iter().map(|(file, old, new)| FileChange {
            path: path(file),
            old: old.as_bytes().to_vec(),
            new: new.as_bytes().to_vec(),
        });
        NewCommit {
            message: "m".into(),
            author: None,
            signing: None,
            changes: changes.collect(),
        }
    }

    #[cfg(unix)]
    #[test]
    fn files_are_written_and_keep_their_mode() {
        let home = folder(&[("a/x.yaml", "1"), ("y.yaml", "1")]);
        fs::set_permissions(home.path().join("y.yaml"), Permissions::from_mode(0o750)).unwrap();
        let mut checkout = Checkout::open(home.path()).unwrap();
        let outcome = checkout.commit(
            None,
            &commit(&[("a/x.yaml", "1", "2"), ("y.yaml", "1", "2"), ("n/new", "", "3")]),
        );
        assert!(matches!(outcome.unwrap(), Outcome::Landed { commit: None, .. }));
        assert_eq!(fs::read_to_string(home.path().join("a/x.yaml")).unwrap(), "2");
        assert_eq!(fs::read_to_string(home.path().join("n/new")).unwrap(), "3");
        let mode = fs::metadata(home.path().join("y.yaml"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o750);
        let listed = checkout.snapshot().unwrap().list().unwrap();
        assert_eq!(
            listed,
            [path("a/x.yaml"), path("n/new"), path("y.yaml")],
            "no temporary file is left"
        );
    }

    #[test]
    fn a_file_that_changed_meanwhile_stops_the_whole_commit() {
        let home = folder(&[("x", "1"), ("y", "other")]);
        let mut checkout = Checkout::open(home.path()).unwrap();
        let outcome = checkout
            .commit(None, &commit(&[("x", "1", "2"), ("y", "1", "2")]))
            .unwrap();
        assert!(matches!(outcome, Outcome::Moved { .. }));
        assert_eq!(fs::read_to_string(home.path().join("x")).unwrap(), "1");
        assert_eq!(checkout.snapshot().unwrap().list().unwrap().len(), 2);
    }

    #[test]
    fn files_that_are_written_can_be_put_back() {
        let home = folder(&[("x", "1"), ("new/x", "1")]);
        let mut checkout = Checkout::open(home.path()).unwrap();
        let change = commit(&[("x", "1", "2")]);
        let put_back = checkout
            .commit(None, &change)
            .map(|_| checkout.put_back(&[&change.changes[0]]))
            .unwrap();
        assert!(put_back.is_empty());
        assert_eq!(fs::read_to_string(home.path().join("x")).unwrap(), "1");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_inside_the_directory_and_stay_links() {
        let home = folder(&[("a/x.yaml", "1")]);
        std::os::unix::fs::symlink("a/x.yaml", home.path().join("in")).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", home.path().join("out")).unwrap();
        let mut checkout = Checkout::open(home.path()).unwrap();
        let read = checkout
            .snapshot()
            .unwrap()
            .read(&[path("in"), path("gone")])
            .unwrap();
        assert_eq!(read[0].as_ref().unwrap().path, path("a/x.yaml"));
        assert!(read[1].is_none());
        assert!(checkout.snapshot().unwrap().read(&[path("out")]).is_err());
    }
}
