//! A directory that stands for the branch at its `origin`: read and written there, not here.

use std::path::{MAIN_SEPARATOR, Path};

use super::checkout::Checkout;
use super::config_repo::{ConfigRepo, Head, Outcome};
use super::env::Environment;
use super::git::{GitRepo, LocalCommit};
use crate::plan::commit::NewCommit;
use crate::plan::snapshot::Snapshot;
use crate::words::address::{GitUrl, Login};
use crate::words::fault::Fault;
use crate::words::repo_path::RepoPath;

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
        let (url, login) = address_of(&repo, "--config-repo")?;
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
    /// `Invalid` if this is no repository, or one that has lost the checked-out commit.
    pub fn differs_from_head(&self, paths: &[RepoPath]) -> Result<Vec<RepoPath>, Fault> {
        let repo = self.repository()?;
        let folder = self.folder(&repo)?;
        if let Ok(Some(commit)) = repo.head().map(|head| head.target()) {
            // Without them every file would look changed.
            let readable = repo.find_commit(commit).and_then(|commit| commit.tree());
            readable.map_err(|e| {
                let why = e.message().escape_debug().to_string();
                Fault::invalid(format!("the clone cannot read its own HEAD: {why}"))
                    .hint("`git fsck` tells what is missing; clone it again, or give its address with --config-repo")
            })?;
        }
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

    /// Returns the directory's place below the repository's root; `None` for the root itself, and where there is no
    /// repository.
    pub fn folder_in_repository(&self) -> Option<RepoPath> {
        self.folder(&self.repository().ok()?).ok()?
    }

    /// Returns the commit that is checked out, if there is one.
    pub(super) fn checked_out(&self) -> Option<String> {
        let repo = self.repository().ok()?;
        let head = repo.head().ok()?.peel_to_commit().ok()?;
        Some(head.id().to_string())
    }

    /// Returns the files at a commit of the clone that this is.
    ///
    /// # Errors
    /// `Invalid` if this is no clone, or the commit is not there.
    pub(super) fn commit_of_clone(&self, commit: &str) -> anyhow::Result<LocalCommit> {
        let repo = self.repository()?;
        let folder = self.folder(&repo)?;
        LocalCommit::of(repo, commit, folder)
    }

    fn repository(&self) -> Result<git2::Repository, Fault> {
        git2::Repository::discover(self.root()).map_err(|e| {
            let why = e.message().escape_debug().to_string();
            let fault = Fault::invalid(format!("the directory is no git checkout: {why}"));
            match e.code() {
                git2::ErrorCode::Owner => fault
                    .hint("run `git config --global --add safe.directory <the folder>`, as git itself asks"),
                _ => fault.hint("run it in a clone, or give the repository's address with --config-repo"),
            }
        })
    }

    fn folder(&self, repo: &git2::Repository) -> Result<Option<RepoPath>, Fault> {
        let top = repo.workdir().and_then(|top| dunce::canonicalize(top).ok());
        let below = top.as_deref().and_then(|top| self.root().strip_prefix(top).ok());
        let below = below.ok_or_else(|| Fault::invalid("the directory lies in no work tree"))?;
        match below.to_str() {
            Some("") => Ok(None),
            Some(below) => RepoPath::parse(&below.replace(MAIN_SEPARATOR, "/")).map(Some),
            None => Err(Fault::invalid("the directory's name is not UTF-8")),
        }
    }
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

    fn head(&mut self, branch: &str, files: &[RepoPath]) -> anyhow::Result<Option<Head<'_>>> {
        self.repo.head(branch, files)
    }

    fn propose(
        &mut self,
        base: &str,
        branch: &str,
        expected: Option<&str>,
        commit: &NewCommit,
    ) -> anyhow::Result<Outcome> {
        self.repo.propose(base, branch, expected, commit)
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

/// Returns the address of the remote `origin`, and the login that stood in it; `flag` may name another.
///
/// # Errors
/// `Invalid` where there is none, or it is no address.
pub(super) fn address_of(repo: &git2::Repository, flag: &str) -> Result<(GitUrl, Option<Login>), Fault> {
    let text = repo
        .find_remote("origin")
        .ok()
        .and_then(|remote| remote.url().ok().map(str::to_owned))
        .filter(|url| !url.is_empty())
        .ok_or_else(|| {
            Fault::invalid("the checkout has no remote `origin`")
                .hint(format!("give the repository's address as {flag}"))
        })?;
    Ok(match GitUrl::parse_with_login(&text)? {
        Some(found) => found,
        None => (local_url(repo, &text)?, None),
    })
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
    let path = dunce::canonicalize(path).map_err(|_| bad())?;
    let url = url::Url::from_file_path(path).map_err(|()| bad())?;
    GitUrl::parse(url.as_str())?.ok_or_else(bad)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "tests set up a checkout")]
mod tests {
    use std::fs;

    use super::*;
    use crate::world::testing::folder;

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).unwrap()
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
