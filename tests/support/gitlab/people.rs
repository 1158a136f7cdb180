//! What people and machines do at the other end, and what a test can look at.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::Lab;
use super::merging::{merge_now, merge_waiting, shown_in};
use super::pipelines::{Given, start};
use super::state::State;
use super::store::Writer;

impl Lab {
    /// Somebody else commits a file to a branch, which is made from `main` when it is not there; returns the id.
    pub fn person_commits(&self, project: &str, branch: &str, path: &str, content: &str) -> String {
        let message = format!("Change {path}");
        let ana = ("Ana", "ana@example.com");
        self.commit_as(project, branch, ana, &message, (path, Some(content)))
    }

    /// Somebody (name and address) commits a file with a message, or deletes it; returns the id.
    pub fn commit_as(
        &self,
        project: &str,
        branch: &str,
        who: (&str, &str),
        message: &str,
        change: (&str, Option<&str>),
    ) -> String {
        let state = self.state();
        let store = state.store(project);
        let parent = store.branch(branch).or_else(|| store.branch("main"));
        let mut index = store.index(parent);
        let (path, content) = change;
        let mode = index.get_path(path.as_ref(), 0).map_or(0o100_644, |old| old.mode);
        match content {
            Some(content) => store.put(&mut index, path, mode, content.as_bytes()),
            None => index.remove_path(path.as_ref()).unwrap(),
        }
        let writer = Writer {
            author: who,
            committer: who,
            time: state.seconds(),
        };
        let parents: Vec<_> = parent.into_iter().collect();
        let commit = store.write(&mut index, &parents, message, &writer);
        store.set_branch(branch, commit);
        commit.to_string()
    }

    /// Makes a branch at what another, a tag or an id names, or moves it there.
    pub fn branch(&self, project: &str, name: &str, from: &str) {
        let store = self.state().store(project);
        store.set_branch(name, store.commit_of(from).unwrap());
    }

    /// A maintainer merges a merge request, whatever holds it but a conflict; returns the commit.
    pub fn merge(&self, project: &str, iid: u64) -> String {
        let mut state = self.state();
        state.user("maintainer");
        merge_now(&mut state, project, place(iid), "maintainer").expect("it merges without conflict")
    }

    /// Somebody closes a merge request.
    pub fn close(&self, project: &str, iid: u64, login: &str) {
        let mut state = self.state();
        state.user(login);
        let (now, by) = (state.now(), state.user_json(login));
        let request = &mut state.project(project).merge_requests[place(iid)];
        request["state"] = json!("closed");
        request["closed_at"] = json!(now);
        request["closed_by"] = by;
    }

    /// Somebody gives a merge request these labels, and takes all others away.
    pub fn label(&self, project: &str, iid: u64, labels: &[&str]) {
        let mut state = self.state();
        state.project(project).merge_requests[place(iid)]["labels"] = json!(labels);
    }

    /// Lets a merge request come from another project; `None` is one that was deleted.
    pub fn comes_from_fork(&self, project: &str, iid: u64, fork: Option<u64>) {
        let mut state = self.state();
        state.project(project).merge_requests[place(iid)]["source_project_id"] = json!(fork);
    }

    /// Somebody gives a merge request another title and text.
    pub fn retell(&self, project: &str, iid: u64, title: &str, text: &str) {
        let mut state = self.state();
        let request = &mut state.project(project).merge_requests[place(iid)];
        request["title"] = json!(title);
        request["description"] = json!(text);
    }

    /// Somebody opens a merge request to `main`; returns its number.
    pub fn open_merge_request(&self, project: &str, source: &str, title: &str, login: &str) -> u64 {
        let path = project.replace('/', "%2F");
        let body = json!({ "source_branch": source, "target_branch": "main", "title": title });
        let parsed = super::params::Parsed {
            query: Vec::new(),
            body,
            form: false,
        };
        let token = format!("the own token of {login}");
        self.token(&token, super::Grant::everything(login));
        let login = super::auth::Login {
            header: "private-token",
            token,
        };
        let mut state = self.state();
        let route = format!("projects/{path}/merge_requests");
        let made = super::routes::answer(&mut state, "POST", &route, "", &login, parsed);
        let body = made.unwrap_or_else(|reply| reply).body;
        let made: Value = serde_json::from_slice(&body).unwrap();
        made["iid"].as_u64().unwrap_or_else(|| panic!("{made}"))
    }

    /// Gives a merge request's `detailed_merge_status` (such as `checking`, `not_approved`), or takes it back.
    pub fn merge_status(&self, project: &str, iid: u64, status: Option<&str>) {
        let mut state = self.state();
        state.project(project).merge_requests[place(iid)]["forced_status"] = json!(status);
        merge_waiting(&mut state, project);
    }

    /// A pipeline starts for a branch, as after a push; returns its id.
    pub fn run(&self, project: &str, branch: &str) -> u64 {
        let mut state = self.state();
        let login = "person".to_owned();
        state.user(&login);
        let given = Given {
            reference: branch.to_owned(),
            source: "push",
            login,
            variables: Vec::new(),
            inputs: json!({}),
        };
        let made = start(&mut state, project, &given);
        let made = made.unwrap_or_else(|reply| panic!("{}", String::from_utf8_lossy(&reply.body)));
        made["id"].as_u64().unwrap()
    }

    /// A pipeline gets another status: `pending`, `running`, `success`, `failed`, `canceled` …; a merge that waited
    /// for its success happens.
    pub fn finish_run(&self, project: &str, id: u64, status: &str) {
        let mut state = self.state();
        let now = state.now();
        let all = &mut state.project(project).pipelines;
        let pipeline = all.iter_mut().find(|one| one["id"] == json!(id)).unwrap();
        pipeline["status"] = json!(status);
        pipeline["finished_at"] = json!(now);
        merge_waiting(&mut state, project);
    }

    /// Nobody may push to a branch any more, and only maintainers merge into it.
    pub fn protect(&self, project: &str, branch: &str) {
        self.state().project(project).protected.insert(branch.to_owned());
        self.refuse_pushes(project);
    }

    /// Opens all branches again.
    pub fn unprotect(&self, project: &str) {
        let mut state = self.state();
        state.project(project).protected.clear();
        let _ = std::fs::remove_file(state.bare(project).join("hooks/pre-receive"));
    }

    /// The project has a label.
    pub fn make_label(&self, project: &str, name: &str) {
        self.state().project(project).labels.insert(name.to_owned());
    }

    /// The project takes no changes any more.
    pub fn archive(&self, project: &str) {
        self.state().project(project).archived = true;
    }

    /// The project merges only what a pipeline has passed.
    pub fn only_if_pipeline_succeeds(&self, project: &str) {
        self.state().project(project).only_if_pipeline_succeeds = true;
    }

    /// The project lets nobody give variables to a pipeline; `$TRIGGER_PAYLOAD` is one of them, so that GitLab's
    /// source refuses every trigger.
    pub fn forbid_variables(&self, project: &str) {
        let mut state = self.state();
        let project = state.project(project);
        (project.variables, project.payload) = (false, false);
    }

    /// Sets the clock ahead of the true one, or behind.
    pub fn clock_ahead(&self, seconds: i64) {
        self.state().ahead = seconds;
    }

    /// Merge requests keep only the first reviewer and the first assignee, as on the Free plan.
    pub fn free_plan(&self) {
        self.state().free = true;
    }

    /// The bare repository, for what nothing here does.
    pub fn path(&self, project: &str) -> PathBuf {
        self.state().bare(project)
    }

    /// A file of a branch.
    pub fn file(&self, project: &str, branch: &str, path: &str) -> Option<String> {
        let store = self.state().store(project);
        let (_, content) = store.file(store.branch(branch)?, path)?;
        Some(String::from_utf8_lossy(&content).into_owned())
    }

    /// The mode of a file of a branch, such as `100755`.
    pub fn mode(&self, project: &str, branch: &str, path: &str) -> Option<String> {
        let store = self.state().store(project);
        let entry = store.entry(store.branch(branch)?, path)?;
        Some(format!("{:06o}", entry.mode))
    }

    /// The commit of a branch.
    pub fn tip(&self, project: &str, branch: &str) -> Option<String> {
        let tip = self.state().store(project).branch(branch)?;
        Some(tip.to_string())
    }

    /// The names of the branches.
    pub fn branches(&self, project: &str) -> Vec<String> {
        let store = self.state().store(project);
        let all = store.git.references_glob("refs/heads/*").unwrap().flatten();
        let names = all.filter_map(|one| Some(one.name().ok()?.strip_prefix("refs/heads/")?.to_owned()));
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    /// The commits of a branch, newest first: `sha`, `message`, `author`, `committer`.
    pub fn log(&self, project: &str, branch: &str) -> Vec<Value> {
        let store = self.state().store(project);
        let tip = store
            .branch(branch)
            .unwrap_or_else(|| panic!("no branch {branch}"));
        let show = |id| {
            let commit = store.commit(id);
            json!({
                "sha": commit.id().to_string(), "message": commit.message().unwrap(),
                "author": commit.author().to_string(), "committer": commit.committer().to_string(),
            })
        };
        store.log(tip, None, usize::MAX).into_iter().map(show).collect()
    }

    /// The merge requests, as the API shows them.
    pub fn merge_requests(&self, project: &str) -> Vec<Value> {
        let state = self.state();
        let all = state.projects[project].merge_requests.iter();
        all.map(|request| shown_in(&state, project, request)).collect()
    }

    /// The comments on a merge request.
    pub fn notes(&self, project: &str, iid: u64) -> Vec<String> {
        let notes = self.all(project, |state| &state.projects[project].notes);
        let here = notes.iter().filter(|note| note["noteable_iid"] == json!(iid));
        here.filter_map(|note| note["body"].as_str().map(str::to_owned))
            .collect()
    }

    /// The pipelines, with the `variables` and `inputs` that they were given.
    pub fn pipelines(&self, project: &str) -> Vec<Value> {
        self.all(project, |state| &state.projects[project].pipelines)
    }

    /// What the last pipeline finds in the file `$TRIGGER_PAYLOAD`.
    pub fn trigger_payload(&self, project: &str) -> Option<String> {
        let pipelines = self.pipelines(project);
        let variables = pipelines.last()?["variables"].as_array()?;
        let payload = variables.iter().find(|one| one["key"] == "TRIGGER_PAYLOAD")?;
        payload["value"].as_str().map(str::to_owned)
    }

    pub fn deployments(&self, project: &str) -> Vec<Value> {
        self.all(project, |state| &state.projects[project].deployments)
    }

    pub fn releases(&self, project: &str) -> Vec<Value> {
        self.state().project(project).releases.clone()
    }

    /// A person changes the text of a release.
    pub fn retell_release(&self, project: &str, tag: &str, change: impl FnOnce(&str) -> String) {
        let mut state = self.state();
        let all = &mut state.project(project).releases;
        let one = all.iter_mut().find(|one| one["tag_name"] == tag).unwrap();
        one["description"] = change(one["description"].as_str().unwrap()).into();
    }

    /// Lets nobody make tags that begin so.
    pub fn protect_tags(&self, project: &str, start: &str) {
        self.state()
            .project(project)
            .protected_tags
            .insert(start.to_owned());
    }

    pub fn environments(&self, project: &str) -> Vec<Value> {
        self.all(project, |state| &state.projects[project].environments)
    }

    fn all(&self, project: &str, which: impl Fn(&State) -> &Vec<Value>) -> Vec<Value> {
        let state = self.state();
        assert!(
            state.projects.contains_key(project),
            "there is no project {project}"
        );
        which(&state).clone()
    }

    /// Lets the repository itself refuse pushes to protected branches, in GitLab's words.
    fn refuse_pushes(&self, project: &str) {
        let mut state = self.state();
        let file = state.bare(project).join("hooks/pre-receive");
        let branches: Vec<String> = state.project(project).protected.iter().cloned().collect();
        let cases: Vec<String> = branches
            .iter()
            .map(|name| format!("'refs/heads/{name}'"))
            .collect();
        let script = format!(
            "#!/bin/sh\nwhile read -r old new ref; do case \"$ref\" in {}) echo 'GitLab: You are not allowed to push \
             code to protected branches on this project.' >&2; exit 1;; esac; done\n",
            cases.join("|")
        );
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, script).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    }
}

fn place(iid: u64) -> usize {
    usize::try_from(iid).unwrap() - 1
}
