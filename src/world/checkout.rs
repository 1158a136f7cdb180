//! A config repo that is a directory: its files are edited in place, and nothing else is touched.
//!
//! Paths are relative to the given directory, which need be no git repository. If it is a folder inside one,
//! a push maps them to the repository's root: see [`Origin::folder`](super::origin::Origin::folder).
#![expect(clippy::disallowed_methods, reason = "reads the files of the checkout")]

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};

use super::config_repo::{ConfigRepo, Head, Outcome};
use super::links::{self, Entry};
use super::rewrite::Rewrite;
use super::room::room_for;
use super::scratch;
use crate::plan::commit::{FileChange, NewCommit};
use crate::plan::comparison::LoggedCommit;
use crate::plan::snapshot::{self, Blob, Snapshot};
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

    fn look(&self, path: &RepoPath) -> anyhow::Result<Entry> {
        let full = self.root.join(path.as_str());
        let kind = match fs::symlink_metadata(&full) {
            Ok(metadata) => metadata.file_type(),
            Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Ok(Entry::Missing);
            }
            Err(e) => return Err(unread(path, &e)),
        };
        Ok(if kind.is_symlink() {
            let target = fs::read_link(&full).map_err(|e| unread(path, &e))?;
            Entry::Link(target.to_string_lossy().replace(MAIN_SEPARATOR, "/"))
        } else if kind.is_dir() {
            Entry::Folder
        } else if kind.is_file() {
            Entry::File
        } else {
            Entry::Other
        })
    }

    fn read_one(&self, path: &RepoPath) -> anyhow::Result<Option<Blob>> {
        let Some(found) = links::follow(path, |path| self.look(path))? else {
            return Ok(None);
        };
        let full = self.root.join(found.as_str());
        let size = fs::metadata(&full).map_err(|e| unread(&found, &e))?.len();
        snapshot::check_size(&found, size)?;
        let bytes = fs::read(full).map_err(|e| unread(&found, &e))?;
        Ok(Some(Blob { path: found, bytes }))
    }

    /// Returns whether a file still holds what the plan was made from; a new one needs room beside what stays.
    fn fits(&self, change: &FileChange, going: &BTreeSet<&RepoPath>) -> anyhow::Result<bool> {
        let Some(old) = change.before() else {
            room_for(&change.path, |path| {
                let is_going = match self.look(path)? {
                    Entry::File => going.contains(path),
                    Entry::Folder => self.is_emptied(path, going)?,
                    other => return Ok(other),
                };
                if is_going {
                    Ok(Entry::Missing)
                } else {
                    self.look(path)
                }
            })?;
            return Ok(true);
        };
        let now = self.read_one(&change.path)?;
        Ok(now.is_some_and(|now| now.path == change.path && now.bytes == old))
    }

    /// Returns whether a folder holds files that go, and nothing else.
    fn is_emptied(&self, folder: &RepoPath, going: &BTreeSet<&RepoPath>) -> anyhow::Result<bool> {
        let mut is_empty = true;
        for entry in fs::read_dir(self.root.join(folder.as_str())).map_err(|e| unread(folder, &e))? {
            let entry = entry.map_err(|e| unread(folder, &e))?;
            is_empty = false;
            let name = entry.file_name();
            let path = name
                .to_str()
                .and_then(|name| RepoPath::parse(&format!("{folder}/{name}")).ok());
            let goes = match path {
                Some(path) if going.contains(&path) => true,
                Some(path) if matches!(self.look(&path)?, Entry::Folder) => self.is_emptied(&path, going)?,
                _ => false,
            };
            if !goes {
                return Ok(false);
            }
        }
        Ok(!is_empty)
    }
}

impl ConfigRepo for Checkout {
    fn branch(&self) -> Option<&str> {
        None
    }

    fn snapshot(&mut self) -> anyhow::Result<Box<dyn Snapshot + '_>> {
        Ok(Box::new(Files(self)))
    }

    /// Changes the files: all of them, or none, also where it is interrupted meanwhile.
    fn commit(&mut self, _expected: Option<&str>, commit: &NewCommit) -> anyhow::Result<Outcome> {
        let _undisturbed = scratch::undisturbed();
        let rewrite = Rewrite::prepare(&self.root, &commit.changes)?;
        let going = commit.changes.iter().filter(|change| change.after().is_none());
        let going: BTreeSet<&RepoPath> = going.map(|change| &change.path).collect();
        for change in &commit.changes {
            if !self.fits(change, &going)? {
                return Ok(Outcome::Moved {
                    why: format!("`{}` was changed meanwhile", change.path),
                });
            }
        }
        rewrite.run()?;
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

    fn is_near(&self) -> bool {
        true
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

fn unread(path: &RepoPath, error: &std::io::Error) -> anyhow::Error {
    Fault::new(Kind::Invalid, format!("cannot read `{path}`: {error}")).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::commit::Fate;
    use crate::world::testing::folder;

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).unwrap()
    }

    fn added(file: &str, new: &str) -> FileChange {
        let new = new.into();
        FileChange {
            path: path(file),
            fate: Fate::Added {
                new,
                executable: Path::new(file).extension() == Some("sh".as_ref()),
            },
        }
    }

    fn changed(file: &str, old: &str, new: &str) -> FileChange {
        let (old, new) = (old.into(), new.into());
        FileChange {
            path: path(file),
            fate: Fate::Changed { old, new },
        }
    }

    fn removed(file: &str, old: &str) -> FileChange {
        FileChange {
            path: path(file),
            fate: Fate::Removed { old: old.into() },
        }
    }

    fn commit(changes: Vec<FileChange>) -> NewCommit {
        NewCommit {
            message: "m".into(),
            author: None,
            signing: None,
            changes,
        }
    }

    /// Every file and empty folder, with a file's mode and text.
    fn tree(root: &Path) -> Vec<String> {
        let mut lines = Vec::new();
        for entry in fs::read_dir(root).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            if entry.file_type().unwrap().is_dir() {
                let below = tree(&entry.path());
                if below.is_empty() {
                    lines.push(format!("{name}/"));
                }
                lines.extend(below.iter().map(|line| format!("{name}/{line}")));
                continue;
            }
            #[cfg(unix)]
            let runs =
                std::os::unix::fs::PermissionsExt::mode(&entry.metadata().unwrap().permissions()) & 0o111;
            #[cfg(not(unix))]
            let runs = 0;
            let mark = if runs == 0 { "" } else { "*" };
            lines.push(format!(
                "{name}{mark}={}",
                fs::read_to_string(entry.path()).unwrap()
            ));
        }
        lines.sort();
        lines
    }

    fn home() -> tempfile::TempDir {
        let home = folder(&[("a/x", "1"), ("a/b/y", "1"), ("a/b/z", "1"), ("run.sh", "1")]);
        #[cfg(unix)]
        let runs = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        #[cfg(unix)]
        fs::set_permissions(home.path().join("run.sh"), runs).unwrap();
        home
    }

    #[cfg(unix)]
    #[test]
    fn files_are_added_changed_and_removed() {
        let all = ["a/b/y=1", "a/b/z=1", "a/x=1", "run.sh*=1"];
        for (changes, after) in [
            (
                vec![changed("run.sh", "1", "2")],
                &["a/b/y=1", "a/b/z=1", "a/x=1", "run.sh*=2"][..],
            ),
            (
                vec![added("n/e/w/f.yaml", "2"), added("n/r.sh", "2")],
                &[
                    "a/b/y=1",
                    "a/b/z=1",
                    "a/x=1",
                    "n/e/w/f.yaml=2",
                    "n/r.sh*=2",
                    "run.sh*=1",
                ],
            ),
            (
                vec![removed("a/b/y", "1"), removed("a/b/z", "1")],
                &["a/x=1", "run.sh*=1"],
            ),
            (
                vec![
                    added("a/new", "2"),
                    changed("a/x", "1", "2"),
                    removed("run.sh", "1"),
                ],
                &["a/b/y=1", "a/b/z=1", "a/new=2", "a/x=2"],
            ),
            // A file becomes a folder, and a folder a file.
            (
                vec![added("a/x/new", "2"), removed("a/x", "1")],
                &["a/b/y=1", "a/b/z=1", "a/x/new=2", "run.sh*=1"],
            ),
            (
                vec![added("a/b", "2"), removed("a/b/y", "1"), removed("a/b/z", "1")],
                &["a/b=2", "a/x=1", "run.sh*=1"],
            ),
        ] {
            let home = home();
            assert_eq!(tree(home.path()), all);
            let mut checkout = Checkout::open(home.path()).unwrap();
            let outcome = checkout.commit(None, &commit(changes)).unwrap();
            assert!(matches!(outcome, Outcome::Landed { commit: None, .. }));
            assert_eq!(tree(home.path()), after);
        }
    }

    #[test]
    fn what_is_not_as_the_plan_saw_it_stops_the_whole_commit() {
        for change in [
            changed("a/x", "other", "2"),
            changed("a/gone", "1", "2"),
            removed("a/x", "other"),
            removed("a/gone", "1"),
        ] {
            let home = home();
            let before = tree(home.path());
            let mut checkout = Checkout::open(home.path()).unwrap();
            let outcome = checkout.commit(None, &commit(vec![added("n/new", "2"), change.clone()]));
            assert!(matches!(outcome.unwrap(), Outcome::Moved { .. }), "{change:?}");
            assert_eq!(tree(home.path()), before, "{change:?}");
        }
    }

    #[test]
    fn a_new_file_never_takes_a_place_that_is_taken() {
        for changes in [
            vec![added("a/x", "2")],
            vec![added("a/b", "2")],
            vec![added("a/b", "2"), removed("a/b/y", "1")],
            vec![added("a/x/new", "2")],
            #[cfg(unix)]
            vec![added("link/new", "2")],
            #[cfg(unix)]
            vec![added("link", "2")],
        ] {
            let home = home();
            let outside = folder(&[]);
            #[cfg(unix)]
            std::os::unix::fs::symlink(outside.path(), home.path().join("link")).unwrap();
            let mut checkout = Checkout::open(home.path()).unwrap();
            let place = changes[0].path.clone();
            let error = checkout.commit(None, &commit(changes)).unwrap_err();
            let fault = error.downcast_ref::<Fault>().unwrap();
            assert_eq!(fault.kind, Kind::Refused);
            assert!(
                fault.message.starts_with(&format!("`{place}` cannot be added")),
                "{fault:?}"
            );
            assert!(tree(outside.path()).is_empty());
            #[cfg(unix)]
            fs::remove_file(home.path().join("link")).unwrap();
            assert_eq!(tree(home.path()), tree(self::home().path()));
        }
    }

    #[test]
    fn a_commit_that_fails_half_way_puts_everything_back() {
        let home = home();
        let before = tree(home.path());
        let mut checkout = Checkout::open(home.path()).unwrap();
        let error = checkout
            .commit(
                None,
                &commit(vec![
                    changed("a/x", "1", "2"),
                    removed("a/b/y", "1"),
                    removed("a/b/z", "1"),
                    removed("run.sh", "1"),
                    added("n/e/w", "2"),
                    // Only when the one before is there, it is in the way.
                    added("n/e/w/new", "2"),
                ]),
            )
            .unwrap_err();
        assert!(
            error.to_string().starts_with("cannot write `n/e/w/new`"),
            "{error:#}"
        );
        assert_eq!(tree(home.path()), before);
    }

    #[test]
    fn a_file_that_appears_at_the_last_moment_is_not_overwritten() {
        let home = home();
        let changes = [removed("a/x", "1"), added("n/new", "2")];
        let rewrite = Rewrite::prepare(home.path(), &changes).unwrap();
        fs::create_dir(home.path().join("n")).unwrap();
        fs::write(home.path().join("n/new"), "mine").unwrap();
        let before = ["a/b/y=1", "a/b/z=1", "a/x=1", "n/new=mine"];
        assert!(rewrite.run().is_err());
        let after = tree(home.path());
        assert_eq!(after[..4], before);
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
