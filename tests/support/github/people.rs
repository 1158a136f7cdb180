//! What a test can set up, what people and machines do meanwhile, and what has become of it.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::access::{App, Grant};
use super::hub::Hub;
use super::state::{Settings, Workflow};
use super::store::Person;
use super::{pulls, state};
use crate::support::git_server::bare_repo;

/// Set up.
impl Hub {
    /// Makes a private repository whose branch `main` holds files; `name*` is an executable and `name -> target` a
    /// symbolic link.
    pub fn repo(&self, name: &str, files: &[(&str, &str)]) {
        let path = self.home().join(format!("{name}.git"));
        bare_repo(&path, files);
        self.state().add(self.home(), name, Settings::default());
    }

    /// Lets more requests come than GitHub does in an hour.
    pub fn lift_rate_limit(&self) {
        self.state().remaining = 1_000_000;
    }

    /// Makes an organisation.
    pub fn organization(&self, name: &str) {
        self.state().organizations.insert(name.to_owned());
    }

    /// The address of a repository for git.
    pub fn git_url(&self, repo: &str) -> String {
        format!("{}/{repo}.git", self.url())
    }

    pub fn token(&self, token: &str, grant: Grant) {
        self.state().grants.insert(token.to_owned(), grant);
    }

    /// Registers an App whose key is `tests/data/github/app.pem`.
    pub fn app(&self, app: App) {
        self.state().apps.push(app);
    }

    /// The private key of every registered App, as GitHub gives it out.
    pub fn app_key() -> String {
        super::body::data("app.pem")
    }

    pub fn settings(&self, repo: &str, set: impl FnOnce(&mut Settings)) {
        set(&mut self.state().repo_mut(repo).settings);
    }

    /// Opens all branches again.
    pub fn unprotect(&self, repo: &str) {
        self.settings(repo, |settings| settings.protected.clear());
        let _ = std::fs::remove_file(self.state().repo(repo).path.join("hooks/update"));
    }

    /// Closes a branch to all changes but those of pull requests, also to pushes.
    #[cfg(unix)]
    pub fn protect(&self, repo: &str, branch: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        self.settings(repo, |settings| settings.protected.push(branch.to_owned()));
        let file = self.state().repo(repo).path.join("hooks/update");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        let script = format!(
            "#!/bin/sh\n[ \"$1\" != refs/heads/{branch} ] && exit 0\necho 'error: GH006: Protected branch update failed for refs/heads/{branch}.' >&2\nexit 1\n"
        );
        std::fs::write(&file, script).unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub fn workflow(&self, repo: &str, workflow: Workflow) {
        self.state().repo_mut(repo).workflows.push(workflow);
    }

    /// Sets the forge's clock ahead of the true one (or behind).
    pub fn clock_ahead(&self, seconds: i64) {
        self.state().offset = seconds;
    }
}

/// What people and machines do.
impl Hub {
    /// A person commits a file; gives the commit.
    pub fn person_commits(&self, repo: &str, branch: &str, path: &str, content: &str) -> String {
        let ana = Person::new("Ana", "ana@example.com");
        let message = format!("Change {path}");
        self.state()
            .commit(repo, branch, &ana, (path, Some(content)), &message)
    }

    /// Somebody commits a file with a message (or deletes it); gives the commit.
    pub fn commit_as(
        &self,
        repo: &str,
        branch: &str,
        who: (&str, &str),
        message: &str,
        change: (&str, Option<&str>),
    ) -> String {
        let author = Person::new(who.0, who.1);
        self.state().commit(repo, branch, &author, change, message)
    }

    /// Makes a branch at another's tip.
    pub fn branch(&self, repo: &str, name: &str, from: &str) {
        let mut state = self.state();
        let store = state.repo(repo).store();
        let tip = store.tip(from).unwrap();
        store.set(&format!("refs/heads/{name}"), tip);
        state.refresh();
    }

    pub fn delete_branch(&self, repo: &str, name: &str) {
        let mut state = self.state();
        state.repo(repo).store().delete(&format!("refs/heads/{name}"));
        state.refresh();
    }

    /// Opens a pull request to `main` as somebody; gives its number.
    pub fn open_pull(&self, repo: &str, head: &str, title: &str, login: &str) -> u64 {
        let asked = state::Pull {
            title: title.to_owned(),
            head: head.to_owned(),
            base: "main".to_owned(),
            author: login.to_owned(),
            ..state::Pull::default()
        };
        pulls::open(&mut self.state(), repo, asked).unwrap_or_else(|refused| panic!("{refused:?}"))
    }

    /// A person merges a pull request; gives the commit.
    pub fn merge(&self, repo: &str, number: u64) -> String {
        pulls::land(&mut self.state(), repo, number, "merge", None)
    }

    /// Somebody gives a pull request another title and text.
    pub fn retell(&self, repo: &str, number: u64, title: &str, text: &str) {
        let change = pulls::Change {
            title: Some(title.to_owned()),
            body: Some(text.to_owned()),
            ..pulls::Change::default()
        };
        pulls::alter(&mut self.state(), repo, number, change, "ann")
            .unwrap_or_else(|refused| panic!("{refused:?}"));
    }

    /// Somebody closes a pull request.
    pub fn close(&self, repo: &str, number: u64, login: &str) {
        let change = pulls::Change {
            open: Some(false),
            ..pulls::Change::default()
        };
        pulls::alter(&mut self.state(), repo, number, change, login)
            .unwrap_or_else(|refused| panic!("{refused:?}"));
    }

    /// Somebody opens a closed pull request again.
    pub fn reopen(&self, repo: &str, number: u64) {
        let change = pulls::Change {
            open: Some(true),
            ..pulls::Change::default()
        };
        pulls::alter(&mut self.state(), repo, number, change, "ann")
            .unwrap_or_else(|refused| panic!("{refused:?}"));
    }

    /// Somebody gives a pull request these labels, and takes all others away.
    pub fn label(&self, repo: &str, number: u64, labels: &[&str]) {
        let mut state = self.state();
        let pull = state
            .repo_mut(repo)
            .pulls
            .iter_mut()
            .find(|pull| pull.number == number);
        pull.unwrap().labels = labels.iter().map(|&label| label.to_owned()).collect();
    }

    /// Lets a pull request come from another repository; an empty name is one that was deleted.
    pub fn comes_from_fork(&self, repo: &str, number: u64, fork: &str) {
        let mut state = self.state();
        let pull = state
            .repo_mut(repo)
            .pulls
            .iter_mut()
            .find(|pull| pull.number == number);
        pull.unwrap().fork = Some(fork.to_owned());
    }

    /// The required checks pass: what waits for them, or in the queue, is merged.
    pub fn pass_checks(&self, repo: &str) {
        let mut state = self.state();
        state.repo_mut(repo).settings.checks_pending = false;
        let waiting: Vec<(u64, String)> = state
            .repo(repo)
            .pulls
            .iter()
            .filter(|pull| pull.open && (pull.queued || pull.auto_merge.is_some()))
            .map(|pull| {
                (
                    pull.number,
                    pull.auto_merge.as_deref().unwrap_or("MERGE").to_lowercase(),
                )
            })
            .collect();
        for (number, method) in waiting {
            pulls::land(&mut state, repo, number, &method, None);
        }
    }

    pub fn finish_run(&self, repo: &str, id: u64, conclusion: &str) {
        self.set_run(repo, id, "completed", Some(conclusion));
    }

    /// Sets a run's status and conclusion, in GitHub's words or others.
    pub fn set_run(&self, repo: &str, id: u64, status: &str, conclusion: Option<&str>) {
        let mut state = self.state();
        let run = state
            .repo_mut(repo)
            .runs
            .iter_mut()
            .find(|run| run.id == id)
            .unwrap();
        status.clone_into(&mut run.status);
        run.conclusion = conclusion.map(str::to_owned);
    }
}

/// What has become of it.
impl Hub {
    /// The bare repository, for what nothing here does.
    pub fn path(&self, repo: &str) -> PathBuf {
        self.state().repo(repo).path.clone()
    }

    /// The names of all repositories.
    pub fn repos(&self) -> Vec<String> {
        self.state().repos.keys().cloned().collect()
    }

    /// A file of a branch; none if it is not there.
    pub fn file(&self, repo: &str, branch: &str, path: &str) -> Option<String> {
        let store = self.state().repo(repo).store();
        let bytes = store.read(store.tip(branch)?, path)?;
        Some(String::from_utf8(bytes).unwrap())
    }

    /// The commit that a branch points at.
    pub fn tip(&self, repo: &str, branch: &str) -> Option<String> {
        Some(self.state().repo(repo).store().tip(branch)?.to_string())
    }

    pub fn branches(&self, repo: &str) -> Vec<String> {
        let refs = self.state().repo(repo).store().refs();
        let branch = |(name, _): (String, _)| name.strip_prefix("refs/heads/").map(str::to_owned);
        refs.into_iter().filter_map(branch).collect()
    }

    /// The commits of a branch, newest first: `sha`, `message`, `author`, `committer`.
    pub fn log(&self, repo: &str, branch: &str) -> Vec<Value> {
        let store = self.state().repo(repo).store();
        let tip = store.tip(branch).unwrap_or_else(|| panic!("no branch {branch}"));
        let show = |oid| {
            let commit = store.commit(oid);
            json!({
                "sha": commit.id().to_string(), "message": commit.message().unwrap(),
                "author": commit.author().to_string(), "committer": commit.committer().to_string(),
            })
        };
        store.history(tip, None).into_iter().map(show).collect()
    }

    /// All pull requests, by number.
    pub fn pulls(&self, repo: &str) -> Vec<Value> {
        let mut state = self.state();
        state.refresh();
        let show = |pull: &state::Pull| {
            json!({
                "number": pull.number, "state": pull.state(), "title": pull.title, "body": pull.body,
                "author": pull.author, "head": pull.head, "head_sha": pull.head_sha, "base": pull.base,
                "draft": pull.draft, "merged": pull.merged, "closed_by": pull.closed_by, "labels": pull.labels,
                "assignees": pull.assignees, "reviewers": pull.reviewers, "team_reviewers": pull.team_reviewers,
                "comments": pull.comments, "auto_merge": pull.auto_merge, "queued": pull.queued,
            })
        };
        state.repo(repo).pulls.iter().map(show).collect()
    }

    /// All deployments, oldest first, with their `statuses`.
    pub fn deployments(&self, repo: &str) -> Vec<Value> {
        let show = |one: &state::Deployment| {
            let status = |status: &state::DeploymentStatus| {
                let mut view = status.fields.clone();
                view["id"] = json!(status.id);
                view["state"] = json!(status.state);
                view
            };
            let mut view = one.fields.clone();
            view["id"] = json!(one.id);
            view["sha"] = json!(one.sha);
            view["environment"] = json!(one.environment);
            view["statuses"] = one.statuses.iter().map(status).collect();
            view
        };
        self.state().repo(repo).deployments.iter().map(show).collect()
    }

    /// The `repository_dispatch` events, also those that started nothing.
    pub fn releases(&self, repo: &str) -> Vec<Value> {
        let state = self.state();
        let repo = state.repo(repo);
        let of = |one: &state::Release| {
            json!({
                "tag": one.tag, "title": one.title, "body": one.body, "draft": one.draft,
                "prerelease": one.prerelease, "latest": repo.latest == Some(one.id),
            })
        };
        repo.releases.iter().map(of).collect()
    }

    /// A person changes the text of a release.
    pub fn retell_release(&self, repo: &str, tag: &str, change: impl FnOnce(&str) -> String) {
        let mut state = self.state();
        let all = &mut state.repo_mut(repo).releases;
        let one = all.iter_mut().find(|one| one.tag == tag).unwrap();
        one.body = change(&one.body);
    }

    pub fn events(&self, repo: &str) -> Vec<Value> {
        self.state().repo(repo).events.clone()
    }

    /// All runs, oldest first, with the `event_file` that their jobs find at `$GITHUB_EVENT_PATH`.
    pub fn runs(&self, repo: &str) -> Vec<Value> {
        let show = |run: &state::Run| {
            json!({
                "id": run.id, "workflow": run.workflow, "event": run.event, "branch": run.branch, "sha": run.sha,
                "title": run.title, "status": run.status, "conclusion": run.conclusion, "event_file": run.event_file,
            })
        };
        self.state().repo(repo).runs.iter().map(show).collect()
    }
}
