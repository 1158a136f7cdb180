//! What the fake remembers beside git.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::auth::Grant;
use super::merging;
use super::store::Store;

/// All of it.
#[derive(Default)]
pub struct State {
    pub root: PathBuf,
    pub url: String,
    pub projects: BTreeMap<String, Project>,
    pub tokens: BTreeMap<String, Grant>,
    /// Their places are their ids, less one.
    pub users: Vec<String>,
    pub outsiders: BTreeSet<String>,
    /// The groups beside those of projects; their places are their ids, less one.
    pub groups: Vec<String>,
    /// How many seconds the clock is ahead of the true one.
    pub ahead: i64,
    /// Whether merge requests have one reviewer and one assignee only, as on the Free plan.
    pub free: bool,
    last_id: u64,
}

/// One project; its things are kept as the API shows them.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "these are switches on a settings page"
)]
pub struct Project {
    pub id: u64,
    pub path: String,
    pub merge_method: String,
    pub only_if_pipeline_succeeds: bool,
    /// Whether pipelines may be given variables.
    pub variables: bool,
    /// Whether pipelines may be triggered, which gives them the variable `TRIGGER_PAYLOAD`.
    pub payload: bool,
    /// Branches that nobody pushes to, and only maintainers merge into.
    pub protected: BTreeSet<String>,
    /// The names of the labels.
    pub labels: BTreeSet<String>,
    pub archived: bool,
    pub merge_requests: Vec<Value>,
    pub notes: Vec<Value>,
    pub pipelines: Vec<Value>,
    pub deployments: Vec<Value>,
    pub environments: Vec<Value>,
    pub statuses: Vec<Value>,
    pub releases: Vec<Value>,
    /// Beginnings of tags that nobody may make.
    pub protected_tags: BTreeSet<String>,
}

impl State {
    pub fn bare(&self, project: &str) -> PathBuf {
        self.root.join(format!("{project}.git"))
    }

    pub fn store(&self, project: &str) -> Store {
        Store::open(&self.bare(project))
    }

    pub fn project(&mut self, path: &str) -> &mut Project {
        self.projects
            .get_mut(path)
            .unwrap_or_else(|| panic!("there is no project {path}"))
    }

    pub fn add_project(&mut self, path: &str) {
        let project = Project {
            id: self.id(),
            path: path.to_owned(),
            merge_method: "merge".to_owned(),
            variables: true,
            payload: true,
            ..Project::default()
        };
        self.projects.insert(path.to_owned(), project);
    }

    /// The next id of anything that is counted over all projects.
    pub fn id(&mut self) -> u64 {
        self.last_id += 1;
        self.last_id
    }

    /// Seconds since 1970.
    pub fn seconds(&self) -> i64 {
        jiff::Timestamp::now().as_second() + self.ahead
    }

    /// The time, as the API writes it.
    pub fn now(&self) -> String {
        stamp(self.seconds())
    }

    pub fn user(&mut self, login: &str) -> u64 {
        if !self.users.iter().any(|user| user == login) {
            self.users.push(login.to_owned());
        }
        self.user_id(login).unwrap_or_default()
    }

    pub fn user_id(&self, login: &str) -> Option<u64> {
        let at = self.users.iter().position(|user| user == login)?;
        Some(at as u64 + 1)
    }

    pub fn user_json(&self, login: &str) -> Value {
        json!({
            "id": self.user_id(login),
            "username": login,
            "name": login,
            "state": "active",
            "locked": false,
            "avatar_url": null,
            "web_url": format!("{}/{login}", self.url),
        })
    }

    /// The users of these ids that are members; others are passed over, as GitLab does.
    pub fn members(&self, ids: &[u64]) -> Vec<Value> {
        let known = ids.iter().filter_map(|&id| {
            let login = self.users.get(usize::try_from(id).ok()?.checked_sub(1)?)?;
            (!self.outsiders.contains(login)).then(|| self.user_json(login))
        });
        known.take(if self.free { 1 } else { usize::MAX }).collect()
    }

    /// Brings open merge requests up to what their branches say.
    pub fn refresh(&mut self) {
        for path in self.projects.keys().cloned().collect::<Vec<_>>() {
            let (store, now) = (self.store(&path), self.now());
            merging::refresh(self.project(&path), &store, &now);
        }
    }
}

/// A time as the API writes it.
pub fn stamp(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).unwrap();
    time.strftime("%Y-%m-%dT%H:%M:%S.000Z").to_string()
}
