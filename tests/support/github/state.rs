//! What the forge remembers besides git.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::access::{App, Grant};
use super::store::{Draft, Person, Store};

#[derive(Default)]
pub struct State {
    pub repos: BTreeMap<String, Repo>,
    pub grants: BTreeMap<String, Grant>,
    /// The owners that are organisations.
    pub organizations: BTreeSet<String>,
    pub apps: Vec<App>,
    /// Seconds that the forge's clock is ahead of the true one.
    pub offset: i64,
    /// Requests left in the hour's budget, and when it is full again.
    pub remaining: u64,
    last_id: u64,
}

/// What can be set on a repository.
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are switches on a settings page"
)]
pub struct Settings {
    pub private: bool,
    pub auto_merge_allowed: bool,
    /// Whether the default branch has a merge queue.
    pub merge_queue: bool,
    /// Whether the plan knows draft pull requests.
    pub drafts: bool,
    /// Whether a workflow's own token may open pull requests.
    pub workflows_open_pulls: bool,
    /// Whether a label that does not exist is made when it is put on an issue.
    pub makes_labels: bool,
    /// Whether required checks have not passed: nothing can be merged, auto-merge can be enabled.
    pub checks_pending: bool,
    /// The ways to merge that are allowed.
    pub merge_methods: Vec<&'static str>,
    /// Who may be asked for a review; everybody else is refused.
    pub collaborators: Vec<String>,
    pub teams: Vec<String>,
    pub labels: Vec<String>,
    /// A recursive tree is cut after so many entries, and says so.
    pub most_tree_entries: usize,
    /// Branches that take changes through pull requests only.
    pub protected: Vec<String>,
    /// Beginnings of tags that nobody may make.
    pub protected_tags: Vec<String>,
    /// The rules of rulesets for the default branch; pushes are not held against them.
    pub rules: Vec<Rule>,
    pub archived: bool,
}

/// A rule of a ruleset.
pub struct Rule {
    pub kind: &'static str,
    pub ruleset: u64,
    /// Who asks may pass it by: `always`, `pull_requests_only` or `never`; told to those alone who may edit rulesets.
    pub bypass: Option<&'static str>,
}

pub struct Repo {
    pub id: u64,
    pub name: String,
    pub path: PathBuf,
    pub default_branch: String,
    pub settings: Settings,
    pub workflows: Vec<Workflow>,
    pub pulls: Vec<Pull>,
    pub deployments: Vec<Deployment>,
    pub runs: Vec<Run>,
    /// `repository_dispatch` events as they arrived: `event_type`, `client_payload`, `sender`.
    pub events: Vec<Value>,
    /// Commit statuses: commit, context, state.
    pub statuses: Vec<(String, String, String)>,
    pub releases: Vec<Release>,
    /// The release that is shown as the latest.
    pub latest: Option<u64>,
}

#[derive(Clone)]
pub struct Release {
    pub id: u64,
    pub tag: String,
    pub title: String,
    pub body: String,
    pub draft: bool,
    pub prerelease: bool,
    pub creator: String,
    pub created: String,
}

/// A workflow on the default branch.
#[derive(Clone)]
pub struct Workflow {
    pub file: String,
    /// The `repository_dispatch` types that start it.
    pub event_types: Vec<String>,
    /// The inputs of `workflow_dispatch`, each with whether it is required; none if that does not start it.
    pub inputs: Option<Vec<(String, bool)>>,
    /// The title of its runs; `{id}` is the payload's.
    pub run_name: String,
}

impl Workflow {
    /// A workflow that a `repository_dispatch` of a type starts; its runs carry the payload's id.
    pub fn on_event(file: &str, event_type: &str) -> Self {
        Self {
            file: file.to_owned(),
            event_types: vec![event_type.to_owned()],
            inputs: None,
            run_name: "deploy {id}".to_owned(),
        }
    }

    /// A workflow that is dispatched by its file, with inputs; `name!` is a required one.
    pub fn on_dispatch(file: &str, inputs: &[&str]) -> Self {
        let input = |name: &&str| (name.trim_end_matches('!').to_owned(), name.ends_with('!'));
        Self {
            file: file.to_owned(),
            event_types: Vec::new(),
            inputs: Some(inputs.iter().map(input).collect()),
            run_name: "deploy {id}".to_owned(),
        }
    }
}

#[derive(Clone)]
pub struct Run {
    pub id: u64,
    pub workflow: String,
    pub event: &'static str,
    pub branch: String,
    pub sha: String,
    pub title: String,
    pub status: String,
    pub conclusion: Option<String>,
    pub created: String,
    pub actor: String,
    /// What its jobs find at `$GITHUB_EVENT_PATH`.
    pub event_file: Value,
}

#[derive(Clone, Default)]
pub struct Pull {
    pub id: u64,
    pub number: u64,
    pub title: String,
    pub body: String,
    pub author: String,
    pub head: String,
    pub head_sha: String,
    /// The repository that it comes from, where that is another one; empty once that is deleted.
    pub fork: Option<String>,
    pub base: String,
    pub draft: bool,
    pub open: bool,
    pub merged: Option<String>,
    pub closed_by: Option<String>,
    pub labels: Vec<String>,
    pub assignees: Vec<String>,
    pub reviewers: Vec<String>,
    pub team_reviewers: Vec<String>,
    /// Author and text.
    pub comments: Vec<(String, String)>,
    /// The method, once auto-merge is on.
    pub auto_merge: Option<String>,
    pub queued: bool,
    pub created: String,
    pub updated: String,
    pub closed: Option<String>,
}

#[derive(Clone)]
pub struct Deployment {
    pub id: u64,
    /// As it was asked for, with the defaults filled in.
    pub fields: Value,
    pub environment: String,
    pub sha: String,
    pub creator: String,
    pub created: String,
    /// Oldest first.
    pub statuses: Vec<DeploymentStatus>,
}

#[derive(Clone)]
pub struct DeploymentStatus {
    pub id: u64,
    pub state: String,
    pub fields: Value,
    pub creator: String,
    pub created: String,
}

impl State {
    pub fn new() -> Self {
        Self {
            remaining: 5000,
            last_id: 1000,
            ..Self::default()
        }
    }

    pub fn next_id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Seconds since 1970, by the forge's clock.
    pub fn seconds(&self) -> i64 {
        jiff::Timestamp::now().as_second() + self.offset
    }

    /// The forge's time as it is written in answers.
    pub fn now(&self) -> String {
        jiff::Timestamp::from_second(self.seconds()).unwrap().to_string()
    }

    pub fn repo(&self, name: &str) -> &Repo {
        self.repos
            .get(name)
            .unwrap_or_else(|| panic!("no repository {name}"))
    }

    pub fn repo_mut(&mut self, name: &str) -> &mut Repo {
        self.repos
            .get_mut(name)
            .unwrap_or_else(|| panic!("no repository {name}"))
    }

    /// Takes in a repository whose bare half is there.
    pub fn add(&mut self, home: &Path, name: &str, settings: Settings) {
        let path = home.join(format!("{name}.git"));
        #[cfg(unix)]
        std::os::unix::fs::symlink(&path, home.join(name)).unwrap();
        let repo = Repo {
            id: self.next_id(),
            name: name.to_owned(),
            path,
            default_branch: "main".to_owned(),
            settings,
            workflows: Vec::new(),
            pulls: Vec::new(),
            deployments: Vec::new(),
            runs: Vec::new(),
            events: Vec::new(),
            statuses: Vec::new(),
            releases: Vec::new(),
            latest: None,
        };
        self.repos.insert(name.to_owned(), repo);
    }

    /// Brings all pull requests in line with the branches, as a push does.
    pub fn refresh(&mut self) {
        let now = self.now();
        for repo in self.repos.values_mut() {
            let store = repo.store();
            for pull in repo.pulls.iter_mut().filter(|pull| pull.open) {
                follow(&store, pull, &now);
            }
        }
    }

    /// Writes a commit on a branch, as a person or a machine does with the right to.
    pub fn commit(
        &mut self,
        repo: &str,
        branch: &str,
        author: &Person,
        change: (&str, Option<&str>),
        message: &str,
    ) -> String {
        let seconds = self.seconds();
        let store = self.repo(repo).store();
        let draft = Draft {
            message,
            author,
            committer: author,
            seconds,
        };
        let parent = store.tip(branch).unwrap_or_else(|| panic!("no branch {branch}"));
        let bytes = change.1.map(|text| text.as_bytes().to_vec());
        let oid = store
            .write(parent, &[(change.0.to_owned(), bytes)], true, &draft)
            .unwrap();
        store.set(&format!("refs/heads/{branch}"), oid);
        self.refresh();
        oid.to_string()
    }
}

/// A head that moved is followed; one that is gone or holds nothing more than the base closes the pull request; a
/// head that came into the base by a push merges it.
fn follow(store: &Store, pull: &mut Pull, now: &str) {
    let tip = store.tip(&pull.head);
    let base = store.tip(&pull.base);
    let moved = tip.is_some_and(|tip| tip.to_string() != pull.head_sha);
    let held = tip.zip(base).is_some_and(|(tip, base)| store.contains(base, tip));
    if let Some(tip) = tip.filter(|_| moved) {
        pull.head_sha = tip.to_string();
        now.clone_into(&mut pull.updated);
    }
    if tip.is_none() || base.is_none() || held {
        if held && !moved {
            pull.merged = base.map(|oid| oid.to_string());
        }
        pull.open = false;
        pull.closed = Some(now.to_owned());
        pull.auto_merge = None;
        pull.queued = false;
    }
}

impl Repo {
    pub fn store(&self) -> Store {
        Store::open(&self.path)
    }

    pub fn owner(&self) -> &str {
        self.name.split('/').next().unwrap()
    }

    pub fn short_name(&self) -> &str {
        self.name.split('/').nth(1).unwrap()
    }

    pub fn node_id(&self) -> String {
        format!("R_kgDO{:06}", self.id)
    }

    pub fn pull(&self, number: u64) -> Option<&Pull> {
        self.pulls.iter().find(|pull| pull.number == number)
    }

    pub fn pull_mut(&mut self, number: u64) -> &mut Pull {
        let found = self.pulls.iter_mut().find(|pull| pull.number == number);
        found.unwrap_or_else(|| panic!("no pull request {number}"))
    }
}

impl Pull {
    pub fn node_id(&self) -> String {
        format!("PR_kwDO{:06}", self.id)
    }

    /// GraphQL's word for its state.
    pub fn state(&self) -> &'static str {
        match (self.open, &self.merged) {
            (true, _) => "OPEN",
            (false, Some(_)) => "MERGED",
            (false, None) => "CLOSED",
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            private: true,
            auto_merge_allowed: true,
            merge_queue: false,
            drafts: true,
            workflows_open_pulls: true,
            makes_labels: true,
            checks_pending: false,
            merge_methods: vec!["merge", "squash", "rebase"],
            collaborators: vec!["ana".to_owned(), "ben".to_owned()],
            teams: vec!["platform".to_owned()],
            labels: Vec::new(),
            most_tree_entries: 100_000,
            protected: Vec::new(),
            protected_tags: Vec::new(),
            rules: Vec::new(),
            archived: false,
        }
    }
}
