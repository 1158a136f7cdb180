//! A config repo on GitHub, read and written through its API: no clone, and a handful of requests whatever its size.
//!
//! A bump costs three requests: the branch's tip and the policy file, the files with their latest commits, and the
//! commit. What the API cannot do (follow symbolic links, keep a file's mode, take an author or a signature) is
//! refused with the address that git reaches the repository by.

use std::rc::Rc;

use anyhow::Result;
use serde::Deserialize;
use serde_json::{Value, json};

use super::GitHub;
use super::query::odd;
use super::snapshot::{self, ENTRY, Files, GitHubSnapshot, LOGGED, READING};
use crate::plan::commit::{Fate, NewCommit};
use crate::plan::snapshot::Snapshot;
use crate::words::fault::{Fault, Kind};
use crate::words::policy;
use crate::words::repo_path::RepoPath;
use crate::words::wording::{shown, suggestion};
use crate::world::config_repo::{ConfigRepo, Head, Outcome, moved, no_snapshot};
use crate::world::forge::fit;

/// A config repo on GitHub and the branch of it that is changed.
pub struct GitHubRepo {
    forge: GitHub,
    branch: Option<String>,
    /// GraphQL's id of the repository.
    id: String,
    files: Option<Rc<Files>>,
}

/// What the first request asks for.
#[derive(Deserialize)]
struct Repository {
    id: String,
    branch: Option<Branch>,
}

#[derive(Deserialize)]
struct Branch {
    name: String,
    target: Value,
}

impl GitHubRepo {
    /// Prepares to reach a branch, or without a name the default branch; nothing is sent yet.
    pub fn new(forge: GitHub, branch: Option<&str>) -> Self {
        Self {
            forge,
            branch: branch.map(str::to_owned),
            id: String::new(),
            files: None,
        }
    }

    /// Asks for the branch's tip, and for the policy file there.
    fn fetch(&mut self) -> Result<Rc<Files>, Fault> {
        let policy = RepoPath::parse(policy::FILE_NAME)?;
        let (declared, selected) = snapshot::files_of(1, false);
        let (declared, branch) = match &self.branch {
            Some(_) => (format!("{declared},$ref:String!"), "ref(qualifiedName:$ref)"),
            None => (declared, "defaultBranchRef"),
        };
        let document = format!(
            "query($owner:String!,$name:String!{declared}){{repository(owner:$owner,name:$name){{id branch:{branch}{{\
             name target{{oid...on Commit{{{selected}}}}}}}}}}}{ENTRY}"
        );
        let mut variables = self.forge.variables();
        snapshot::add_paths(&mut variables, [&policy]);
        if let Some(branch) = &self.branch {
            variables["ref"] = json!(qualified(branch)?);
        }
        let mut data = self
            .forge
            .query(&document, &variables, "read the repository", READING)?;
        let found = Repository::deserialize(data["repository"].take()).map_err(|_| odd("the repository"))?;
        let Some(tip) = found.branch else {
            return Err(self.no_branch());
        };
        let commit = tip.target["oid"].as_str().ok_or_else(|| odd("the branch"))?;
        let files = Rc::new(Files::at(commit.to_owned()));
        self.snapshot_of(&files).keep([&policy], &tip.target)?;
        self.id = found.id;
        self.branch = Some(tip.name);
        self.files = Some(Rc::clone(&files));
        Ok(files)
    }

    fn snapshot_of(&self, files: &Rc<Files>) -> GitHubSnapshot<'_> {
        GitHubSnapshot {
            forge: &self.forge,
            files: Rc::clone(files),
        }
    }

    fn no_branch(&self) -> Fault {
        let Some(branch) = &self.branch else {
            return Fault::not_found(
                "the config repo has no default branch: it is empty, or its HEAD names a branch that is not there",
            )
            .hint("name a branch with --branch");
        };
        let fault = Fault::not_found(format!("the config repo has no branch `{}`", shown(branch)));
        let document = "query($owner:String!,$name:String!){repository(owner:$owner,name:$name){\
                        refs(refPrefix:\"refs/heads/\",first:100){nodes{name}}}}";
        let listed = self
            .forge
            .query(document, &self.forge.variables(), "list the branches", READING);
        let names: Vec<String> = listed
            .ok()
            .and_then(|data| data["repository"]["refs"]["nodes"].as_array().cloned())
            .unwrap_or_default()
            .iter()
            .filter_map(|node| node["name"].as_str().map(str::to_owned))
            .collect();
        fault.hint(suggestion(branch, names.iter().map(String::as_str)))
    }

    /// Checks that the API can make this commit, and make it so that nothing but the contents changes.
    fn possible(&self, base: &str, commit: &NewCommit) -> Result<(), Fault> {
        if commit.author.is_some() {
            let why =
                "GitHub's API gives a commit the author that the token stands for, so --author cannot be had";
            return Err(self.forge.only_by_git(why.to_owned()));
        }
        if commit.signing.is_some() {
            let why = "GitHub signs the commits of its API itself, so --sign cannot be had";
            return Err(self.forge.only_by_git(why.to_owned()));
        }
        let known = self.files.as_ref().filter(|files| files.commit == base);
        let files = known.map_or_else(|| Rc::new(Files::at(base.to_owned())), Rc::clone);
        let snapshot = self.snapshot_of(&files);
        fit::check(
            &commit.changes,
            |paths| snapshot.look(paths, false),
            |why| self.forge.only_by_git(why),
        )?;
        for change in &commit.changes {
            let executable = match &change.fate {
                Fate::Added { executable, .. } => *executable,
                Fate::Changed { .. } => snapshot.is_executable(&change.path),
                Fate::Removed { .. } => false,
            };
            if executable {
                let why = format!(
                    "`{}` is executable, and GitHub's API would drop that mode",
                    change.path
                );
                return Err(self.forge.only_by_git(why));
            }
        }
        Ok(())
    }
}

impl ConfigRepo for GitHubRepo {
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
        Ok(self.forge.commit_on(branch, tip, commit)?)
    }

    fn head(&mut self, branch: &str, files: &[RepoPath]) -> Result<Option<Head<'_>>> {
        let first = &files[..files.len().min(snapshot::BATCH)];
        let (declared, selected) = snapshot::files_of(first.len(), false);
        let entry = if first.is_empty() { "" } else { ENTRY };
        let document = format!(
            "query($owner:String!,$name:String!,$ref:String!{declared}){{repository(owner:$owner,name:$name){{\
             ref(qualifiedName:$ref){{target{{...on Commit{{...Logged {selected}}}}}}}}}}}{LOGGED}{entry}"
        );
        let mut variables = self.forge.variables();
        variables["ref"] = json!(qualified(branch)?);
        snapshot::add_paths(&mut variables, first);
        let data = self
            .forge
            .query(&document, &variables, "read a branch", READING)?;
        let found = &data["repository"]["ref"];
        if found.is_null() {
            return Ok(None);
        }
        let tip = snapshot::logged(&found["target"]).ok_or_else(|| odd("the branch"))?;
        let known = Rc::new(Files::at(tip.id.clone()));
        let at_tip = self.snapshot_of(&known);
        at_tip.keep(first, &found["target"])?;
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
        if self.id.is_empty() {
            return Err(Fault::new(Kind::Internal, "a commit was proposed before a snapshot").into());
        }
        qualified(branch)?;
        self.possible(base, commit)?;
        Ok(self.forge.propose(&self.id, base, branch, expected, commit)?)
    }
}

impl GitHub {
    /// Returns the variables that every document about this repository has.
    pub(super) fn variables(&self) -> Value {
        let (owner, name) = self.repo.owner_and_name();
        json!({ "owner": owner, "name": name })
    }

    /// Says what the API cannot do, and by which address git can.
    pub(super) fn only_by_git(&self, why: String) -> Fault {
        Fault::invalid(why).hint(format!("reach it by git: --config-repo {}", self.git_address()))
    }

    /// Returns the address by which git reaches the repository: the API's host without its `api.`.
    fn git_address(&self) -> String {
        let root = &self.access.root.rest;
        let host = root.host_str().unwrap_or_default();
        let host = host.strip_prefix("api.").unwrap_or(host);
        let port = root.port().map_or_else(String::new, |port| format!(":{port}"));
        format!("{}://{host}{port}/{}.git", root.scheme(), self.repo.path())
    }
}

/// Returns a branch's full name.
fn qualified(branch: &str) -> Result<String, Fault> {
    let name = format!("refs/heads/{branch}");
    if git2::Reference::is_valid_name(&name) {
        Ok(name)
    } else {
        let shown = shown(branch);
        Err(Fault::invalid(format!("`{shown}` cannot be a branch's name")))
    }
}
