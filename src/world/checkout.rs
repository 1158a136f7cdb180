//! A config repo that is a directory: its files are edited in place, and nothing else is touched.
//!
//! Paths are relative to the given directory, which need be no git repository. If it is a folder inside one,
//! a push maps them to the repository's root: see [`Origin::folder`].
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
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use tempfile::NamedTempFile;

use super::config_repo::{ConfigRepo, Outcome};
use super::env::Environment;
use super::git::GitRepo;
use super::links::{self, Entry};
use crate::plan::commit::{FileChange, NewCommit};
use crate::plan::snapshot::{Blob, Snapshot};
use crate::words::address::{GitUrl, Login};
use crate::words::fault::{Fault, Kind};
use crate::words::repo_path::RepoPath;

/// A directory whose files are read and written.
pub struct Checkout {
    root: PathBuf,
}

/// What a push from a directory needs to know of its repository.
#[derive(Debug)]
pub struct Origin {
    /// The address of the remote `origin`, without its login.
    pub url: GitUrl,
    /// The login that stood in that address.
    pub login: Option<Login>,
    /// The branch that is checked out, or the one that CI runs for.
    pub branch: String,
    /// The directory's place below the repository's root; `None` for the root itself.
    pub folder: Option<RepoPath>,
}

impl Checkout {
    /// Opens a directory.
    ///
    /// # Errors
    /// `NotFound` if it is none, `Invalid` for a bare git repository.
    pub fn open(directory: &Path) -> Result<Self, Fault> {
        let shown = directory.display().to_string().escape_debug().to_string();
        let root = directory
            .canonicalize()
            .map_err(|e| Fault::not_found(format!("cannot open the directory `{shown}`: {e}")))?;
        if !root.is_dir() {
            return Err(Fault::not_found(format!("`{shown}` is no directory")));
        }
        if root.join("HEAD").is_file() && root.join("objects").is_dir() && root.join("refs").is_dir() {
            return Err(
                Fault::invalid(format!("`{shown}` is a bare git repository, it has no files")).hint(format!(
                    "use --config-repo file://{}",
                    root.display().to_string().escape_debug()
                )),
            );
        }
        Ok(Self { root })
    }

    /// Returns the directory, resolved.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Returns what a push from here needs.
    ///
    /// The branch is the one asked for, else the checked-out one; with a detached HEAD the CI's: `GITHUB_HEAD_REF`,
    /// `GITHUB_REF_NAME` if `GITHUB_REF_TYPE` is `branch`, `CI_COMMIT_BRANCH`,
    /// `CI_MERGE_REQUEST_SOURCE_BRANCH_NAME`.
    ///
    /// # Errors
    /// `Invalid` if this is no repository, has no `origin`, or the branch cannot be told.
    pub fn origin(&self, branch: Option<&str>, environment: &Environment) -> Result<Origin, Fault> {
        let repo = self.repository()?;
        let text = repo
            .find_remote("origin")
            .ok()
            .and_then(|remote| remote.url().ok().map(str::to_owned))
            .filter(|url| !url.is_empty())
            .ok_or_else(|| {
                Fault::invalid("the checkout has no remote `origin`")
                    .hint("give the repository's address as --config-repo")
            })?;
        let (url, login) = match GitUrl::parse_with_login(&text)? {
            Some(found) => found,
            None => (local_url(&repo, &text)?, None),
        };
        let detached = repo.head_detached().unwrap_or(false);
        let checked_out = repo.find_reference("HEAD").ok().filter(|_| !detached);
        let checked_out = checked_out.and_then(|head| {
            let target = head.symbolic_target().ok()??;
            target.strip_prefix("refs/heads/").map(str::to_owned)
        });
        let branch = branch
            .map(str::to_owned)
            .or(checked_out)
            .or_else(|| branch_of_ci(environment).map(str::to_owned))
            .ok_or_else(|| {
                Fault::invalid("the checkout's HEAD is on no branch").hint("name the branch with --branch")
            })?;
        Ok(Origin {
            url,
            login,
            branch,
            folder: self.folder(&repo)?,
        })
    }

    /// Returns those files that are not as the checked-out commit has them.
    ///
    /// # Errors
    /// `Invalid` if this is no repository.
    pub fn differs_from_head(&self, paths: &[RepoPath]) -> Result<Vec<RepoPath>, Fault> {
        let repo = self.repository()?;
        let folder = self.folder(&repo)?;
        let mut differing = Vec::new();
        for path in paths {
            let full = folder
                .as_ref()
                .map_or_else(|| path.to_string(), |folder| format!("{folder}/{path}"));
            match repo.status_file(Path::new(&full)) {
                Ok(git2::Status::CURRENT) => {}
                Err(e) if e.code() == git2::ErrorCode::NotFound => {}
                Ok(_) => differing.push(path.clone()),
                Err(e) => {
                    let why = e.message().escape_debug().to_string();
                    return Err(Fault::invalid(format!(
                        "cannot compare `{path}` with HEAD: {why}"
                    )));
                }
            }
        }
        Ok(differing)
    }

    fn repository(&self) -> Result<git2::Repository, Fault> {
        git2::Repository::discover(&self.root).map_err(|e| {
            let why = e.message().escape_debug().to_string();
            let fault = Fault::invalid(format!("the directory is no git checkout: {why}"));
            match e.code() {
                git2::ErrorCode::Owner => fault
                    .hint("run `git config --global --add safe.directory <the folder>`, as git itself asks"),
                _ => fault.hint("give the repository's address as --config-repo, or use --publish files"),
            }
        })
    }

    fn folder(&self, repo: &git2::Repository) -> Result<Option<RepoPath>, Fault> {
        let top = repo.workdir().and_then(|top| top.canonicalize().ok());
        let below = top.as_deref().and_then(|top| self.root.strip_prefix(top).ok());
        let below = below.ok_or_else(|| Fault::invalid("the directory lies in no work tree"))?;
        match below.to_str() {
            Some("") => Ok(None),
            Some(below) => RepoPath::parse(below).map(Some),
            None => Err(Fault::invalid("the directory's name is not UTF-8")),
        }
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
                Entry::Link(target.to_string_lossy().into_owned())
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
}

fn branch_of_ci(environment: &Environment) -> Option<&str> {
    let of_github = || {
        let name = environment.get("GITHUB_REF_NAME")?;
        (environment.get("GITHUB_REF_TYPE") == Some("branch")).then_some(name)
    };
    environment
        .get("GITHUB_HEAD_REF")
        .or_else(of_github)
        .or_else(|| environment.get("CI_COMMIT_BRANCH"))
        .or_else(|| environment.get("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"))
}

/// An `origin` that is a path is relative to the work tree (git-fetch(1)).
fn local_url(repo: &git2::Repository, text: &str) -> Result<GitUrl, Fault> {
    let path = repo.workdir().unwrap_or_else(|| repo.path()).join(text);
    let bad = || {
        Fault::invalid(format!(
            "the remote `origin` is `{}`, which is no address",
            text.escape_debug()
        ))
    };
    let path = path.canonicalize().map_err(|_| bad())?;
    let url = url::Url::from_file_path(path).map_err(|()| bad())?;
    GitUrl::parse(url.as_str())?.ok_or_else(bad)
}

fn io_fault(verb: &str, path: &RepoPath, error: &std::io::Error) -> anyhow::Error {
    Fault::new(Kind::Invalid, format!("cannot {verb} `{path}`: {error}")).into()
}

/// A checkout that stands for the branch at its `origin`: read and written there, not here.
pub struct OriginRepo {
    checkout: Checkout,
    repo: GitRepo,
}

impl OriginRepo {
    /// Makes it of a checkout and of the repository at its `origin`.
    pub fn new(checkout: Checkout, repo: GitRepo) -> Self {
        Self { checkout, repo }
    }
}

impl ConfigRepo for OriginRepo {
    fn branch(&self) -> Option<&str> {
        self.repo.branch()
    }

    fn snapshot(&mut self) -> anyhow::Result<Box<dyn Snapshot + '_>> {
        self.repo.snapshot()
    }

    fn check(&self, files: &[RepoPath]) -> anyhow::Result<()> {
        let differing = self.checkout.differs_from_head(files)?;
        if differing.is_empty() {
            return Ok(());
        }
        let names: Vec<String> = differing.iter().map(|path| format!("`{path}`")).collect();
        Err(Fault::refused(format!(
            "the checkout has uncommitted changes in {}",
            names.join(", ")
        ))
        .hint("commit or stash them: the push is made of the branch at `origin`, without them")
        .into())
    }

    fn commit(&mut self, expected: Option<&str>, commit: &NewCommit) -> anyhow::Result<Outcome> {
        self.repo.commit(expected, commit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let file = folder.path().join(name);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        folder
    }

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

    #[test]
    fn a_branch_is_told_by_head_or_by_ci() {
        let home = folder(&[("sub/x", "1")]);
        let repo = git2::Repository::init(home.path()).unwrap();
        repo.set_head("refs/heads/topic").unwrap();
        repo.remote("origin", "https://bot:t0k@host/a/b.git").unwrap();
        let checkout = Checkout::open(&home.path().join("sub")).unwrap();
        let origin = checkout.origin(None, &Environment::default()).unwrap();
        assert_eq!(origin.url.to_string(), "https://host/a/b.git");
        assert_eq!(
            (origin.branch.as_str(), origin.folder),
            ("topic", Some(path("sub")))
        );
        assert!(origin.login.is_some());
        for (pairs, branch) in [
            (
                &[("GITHUB_HEAD_REF", "pr"), ("GITHUB_REF_NAME", "1/merge")][..],
                Some("pr"),
            ),
            (
                &[("GITHUB_REF_NAME", "main"), ("GITHUB_REF_TYPE", "branch")],
                Some("main"),
            ),
            (&[("GITHUB_REF_NAME", "v1"), ("GITHUB_REF_TYPE", "tag")], None),
            (&[("CI_COMMIT_BRANCH", "main")], Some("main")),
        ] {
            assert_eq!(
                branch_of_ci(&Environment::from_pairs(pairs.iter().copied())),
                branch
            );
        }
    }

    #[test]
    fn files_that_differ_from_head_are_named() {
        let home = folder(&[("sub/x", "1"), ("sub/y", "1")]);
        let repo = git2::Repository::init(home.path()).unwrap();
        let mut index = repo.index().unwrap();
        index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).unwrap();
        index.write().unwrap();
        let tree = repo.find_tree(index.write_tree().unwrap()).unwrap();
        let me = git2::Signature::now("a", "a@b").unwrap();
        repo.commit(Some("HEAD"), &me, &me, "m", &tree, &[]).unwrap();
        fs::write(home.path().join("sub/y"), "22").unwrap();
        let checkout = Checkout::open(&home.path().join("sub")).unwrap();
        let differing = checkout
            .differs_from_head(&[path("x"), path("y"), path("gone")])
            .unwrap();
        assert_eq!(differing, [path("y")]);
    }
}
