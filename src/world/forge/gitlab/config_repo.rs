//! A config repo on GitLab, read and written through its API: no clone, and a handful of requests whatever its size.
//!
//! A bump costs four requests: the branch's tip, the policy file there (with the default branch's name), the files,
//! and the commit. The tip is asked of REST: GraphQL's `tree.lastCommit` is the last commit that changed the tree, which
//! a merge commit often is not.
//!
//! **What GitLab guarantees is less than git does.** A commit is refused if one of its *files* changed after the
//! commit that the plan was made from (`last_commit_id`); another file of the branch may have changed meanwhile. And a
//! branch is replaced without any condition: [`ConfigRepo::propose`] looks at its tip just before, and what is pushed
//! in the moment between is overwritten.
//!
//! What the API cannot do (follow symbolic links, sign with a key of ours) is refused with the address that git reaches
//! the repository by. So are files with CRLF line ends: GitLab has rewritten every line of them for years, until Gitaly
//! stopped to set `core.autocrlf=input` (gitlab-org/gitlab issue 21431, gitlab-org/gitaly issue 4425), and which one
//! answers cannot be seen.

use std::rc::Rc;

use anyhow::Result;
use gitlab::api::projects::repository::branches::Branch;
use gitlab::api::projects::repository::commits::Commit;
use reqwest::Method;
use serde::Deserialize;

use super::commit::Onto;
use super::snapshot::{Files, GitLabSnapshot, Logged, READING};
use super::{GitLab, unwritable};
use crate::plan::commit::NewCommit;
use crate::plan::comparison::LoggedCommit;
use crate::plan::snapshot::Snapshot;
use crate::words::fault::Fault;
use crate::words::policy;
use crate::words::repo_path::RepoPath;
use crate::words::wording::{shown, suggestion};
use crate::world::config_repo::{ConfigRepo, Head, Outcome, moved, no_snapshot};
use crate::world::forge::fit;

/// A config repo on GitLab and the branch of it that is changed.
pub struct GitLabRepo {
    forge: GitLab,
    branch: Option<String>,
    files: Option<Rc<Files>>,
}

impl GitLabRepo {
    /// Prepares to reach a branch, or without a name the default branch; nothing is sent yet.
    pub fn new(forge: GitLab, branch: Option<&str>) -> Self {
        Self {
            forge,
            branch: branch.map(str::to_owned),
            files: None,
        }
    }

    /// Asks for the branch's tip, and for the policy file there.
    fn fetch(&mut self) -> Result<Rc<Files>, Fault> {
        self.forge.refuse_job_token("read and change a config repo")?;
        let tip = match &self.branch {
            Some(branch) => self
                .forge
                .tip(branch)?
                .ok_or_else(|| self.forge.no_branch(branch))?,
            None => self.forge.default_tip()?,
        };
        let files = Rc::new(Files::at(tip.id));
        let policy = RepoPath::parse(policy::FILE_NAME)?;
        let default = self.snapshot_of(&files).fetch(&[policy])?;
        if self.branch.is_none() {
            let name = default.ok_or_else(|| {
                Fault::not_found("GitLab does not name the default branch of the config repo")
                    .hint("name a branch with --branch")
            })?;
            self.branch = Some(name);
        }
        self.files = Some(Rc::clone(&files));
        Ok(files)
    }

    fn snapshot_of(&self, files: &Rc<Files>) -> GitLabSnapshot<'_> {
        GitLabSnapshot {
            forge: &self.forge,
            files: Rc::clone(files),
        }
    }

    /// Checks that the API can make this commit, and make it so that nothing but what it says changes.
    fn possible(&self, base: &str, commit: &NewCommit) -> Result<(), Fault> {
        if commit.signing.is_some() {
            let why = "GitLab's API takes no signature, so --sign cannot be had";
            return Err(self.forge.only_by_git(why.to_owned()));
        }
        for change in &commit.changes {
            let new = change.after().unwrap_or_default();
            if new.windows(2).any(|pair| pair == b"\r\n") {
                let why = format!(
                    "`{}` has CRLF line ends, which GitLab's API may rewrite",
                    change.path
                );
                return Err(self.forge.only_by_git(why));
            }
        }
        let known = self.files.as_ref().filter(|files| files.commit == base);
        let files = known.map_or_else(|| Rc::new(Files::at(base.to_owned())), Rc::clone);
        let snapshot = self.snapshot_of(&files);
        fit::check(
            &commit.changes,
            |paths| snapshot.look(paths),
            |why| self.forge.only_by_git(why),
        )
    }
}

impl ConfigRepo for GitLabRepo {
    fn branch(&self) -> Option<&str> {
        self.branch.as_deref()
    }

    fn snapshot(&mut self) -> Result<Box<dyn Snapshot + '_>> {
        let files = self.fetch()?;
        Ok(Box::new(self.snapshot_of(&files)))
    }

    fn commit(&mut self, expected: Option<&str>, commit: &NewCommit) -> Result<Outcome> {
        let (Some(files), Some(branch)) = (&self.files, &self.branch) else {
            return Err(no_snapshot().into());
        };
        let tip = &files.commit;
        if let Some(moved) = moved(expected, tip) {
            return Ok(moved);
        }
        self.possible(tip, commit)?;
        Ok(self.forge.send_commit(branch, &Onto::Tip(tip), commit)?)
    }

    fn head(&mut self, branch: &str, files: &[RepoPath]) -> Result<Option<Head<'_>>> {
        let Some(tip) = self.forge.tip(branch)? else {
            return Ok(None);
        };
        let known = Rc::new(Files::at(tip.id.clone()));
        let at_tip = self.snapshot_of(&known);
        at_tip.look(files)?;
        Ok(Some(Head {
            tip,
            files: Box::new(at_tip),
        }))
    }

    fn propose(
        &mut self,
        base: &str,
        branch: &str,
        expected: Option<&str>,
        commit: &NewCommit,
    ) -> Result<Outcome> {
        self.possible(base, commit)?;
        let tip = self.forge.tip(branch)?.map(|tip| tip.id);
        if tip.as_deref() != expected {
            return Ok(Outcome::Moved {
                why: match &tip {
                    Some(tip) => format!("the branch `{}` is at {} now", shown(branch), shown(tip)),
                    None => format!("the branch `{}` is gone", shown(branch)),
                },
            });
        }
        // Without force GitLab refuses a branch that appeared meanwhile.
        let onto = Onto::Start {
            base,
            over: expected.is_some(),
        };
        Ok(self.forge.send_commit(branch, &onto, commit)?)
    }
}

impl GitLab {
    /// Returns the tip of a branch; `None` if there is no such branch.
    fn tip(&self, branch: &str) -> Result<Option<LoggedCommit>, Fault> {
        #[derive(Deserialize)]
        struct Found {
            commit: Logged,
        }
        if !git2::Reference::is_valid_name(&format!("refs/heads/{branch}")) {
            let why = format!("`{}` cannot be a branch's name", shown(branch));
            return Err(Fault::invalid(why));
        }
        let asked = Branch::builder()
            .project(self.repo.path())
            .branch(branch)
            .build()
            .map_err(unwritable)?;
        let answer = self.read(&asked)?;
        if answer.status == 404 && answer.complaint().contains("Branch") {
            return Ok(None);
        }
        if !answer.is_ok() {
            return Err(self.refusal(&answer, "read a branch", READING));
        }
        Ok(Some(answer.read::<Found>("the branch")?.commit.into()))
    }

    /// Returns the tip of the default branch.
    fn default_tip(&self) -> Result<LoggedCommit, Fault> {
        let asked = Commit::builder()
            .project(self.repo.path())
            .commit("HEAD")
            .build()
            .map_err(unwritable)?;
        let answer = self.read(&asked)?;
        if answer.status == 404 && answer.complaint().contains("Commit") {
            return Err(
                Fault::not_found("the config repo has no default branch: it is empty")
                    .hint("name a branch with --branch"),
            );
        }
        if !answer.is_ok() {
            return Err(self.refusal(&answer, "read the repository", READING));
        }
        Ok(answer.read::<Logged>("the commit")?.into())
    }

    fn no_branch(&self, branch: &str) -> Fault {
        #[derive(Deserialize)]
        struct Named {
            name: String,
        }
        let fault = Fault::not_found(format!("the config repo has no branch `{}`", shown(branch)));
        let asked = self
            .own(Method::GET, "repository/branches")
            .query("per_page", "100");
        let listed = self.read(&asked).and_then(|answer| answer.read("the branches"));
        let names: Vec<Named> = listed.unwrap_or_default();
        fault.hint(suggestion(branch, names.iter().map(|one| one.name.as_str())))
    }

    /// Says what the API cannot do, and by which address git can.
    pub(super) fn only_by_git(&self, why: String) -> Fault {
        let root = self.access.root.rest.as_str().trim_end_matches('/');
        let server = root.strip_suffix("/api/v4").unwrap_or(root);
        let address = format!("{server}/{}.git", self.repo.path());
        Fault::invalid(why).hint(format!("reach it by git: --config-repo {address}"))
    }
}
