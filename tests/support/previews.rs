//! Pull requests of an app beside a config repo on either forge, and the previews that they have.

use serde_json::{Value, json};

use super::cli::Run;
use super::git_server::git_says;
use super::stage::{Forge, REPO, Stage, TOKEN, Way};

/// The app's repository; the config repo is the stage's.
pub const APP: &str = "acme/web";

pub struct Previews {
    pub stage: Stage,
}

impl Previews {
    /// Every forge and way, each with a config repo and an app of its own.
    pub fn all(files: &[(&str, &str)]) -> Vec<Self> {
        Stage::all(files).into_iter().map(Self::of).collect()
    }

    /// Each forge by its API.
    pub fn both(files: &[(&str, &str)]) -> Vec<Self> {
        vec![Self::github(files), Self::of(Stage::gitlab(Way::Api, files))]
    }

    pub fn github(files: &[(&str, &str)]) -> Self {
        Self::of(Stage::github(Way::Api, files))
    }

    fn of(stage: Stage) -> Self {
        match &stage.forge {
            Forge::Hub(hub) => hub.repo(APP, &[("a", "1")]),
            Forge::Lab(lab) => lab.repo(APP, &[("a", "1")]),
        }
        Self { stage }
    }

    pub fn name(&self) -> String {
        self.stage.name()
    }

    fn kind(&self) -> &'static str {
        match self.stage.forge {
            Forge::Hub(_) => "github",
            Forge::Lab(_) => "gitlab",
        }
    }

    /// Opens a pull request with the label from a new branch; returns its number.
    pub fn opens(&self, branch: &str) -> u64 {
        match &self.stage.forge {
            Forge::Hub(hub) => hub.branch(APP, branch, "main"),
            Forge::Lab(lab) => lab.branch(APP, branch, "main"),
        }
        self.commits(branch);
        self.opens_again(branch)
    }

    /// Opens a pull request with the label from a branch that is there.
    pub fn opens_again(&self, branch: &str) -> u64 {
        let number = match &self.stage.forge {
            Forge::Hub(hub) => hub.open_pull(APP, branch, branch, "ann"),
            Forge::Lab(lab) => lab.open_merge_request(APP, branch, branch, "ann"),
        };
        self.labels(number, &["preview"]);
        number
    }

    /// Somebody pushes a commit to a branch; returns it.
    pub fn commits(&self, branch: &str) -> String {
        match &self.stage.forge {
            Forge::Hub(hub) => {
                let content = format!("{branch} {}", hub.log(APP, branch).len());
                hub.person_commits(APP, branch, "b", &content)
            }
            Forge::Lab(lab) => {
                let content = format!("{branch} {}", lab.log(APP, branch).len());
                lab.person_commits(APP, branch, "b", &content)
            }
        }
    }

    pub fn tip(&self, branch: &str) -> String {
        match &self.stage.forge {
            Forge::Hub(hub) => hub.tip(APP, branch),
            Forge::Lab(lab) => lab.tip(APP, branch),
        }
        .unwrap()
    }

    pub fn labels(&self, number: u64, labels: &[&str]) {
        match &self.stage.forge {
            Forge::Hub(hub) => hub.label(APP, number, labels),
            Forge::Lab(lab) => lab.label(APP, number, labels),
        }
    }

    pub fn close(&self, number: u64) {
        match &self.stage.forge {
            Forge::Hub(hub) => hub.close(APP, number, "ann"),
            Forge::Lab(lab) => lab.close(APP, number, "ann"),
        }
    }

    /// Lets a pull request come from another repository.
    pub fn comes_from_fork(&self, number: u64) {
        match &self.stage.forge {
            Forge::Hub(hub) => hub.comes_from_fork(APP, number, "eve/web"),
            Forge::Lab(lab) => lab.comes_from_fork(APP, number, Some(999)),
        }
    }

    /// Does something to a pull request just before the open ones are listed for the second time, when it is planned.
    pub fn before_second_look(&self, number: u64, what: Deed) {
        match &self.stage.forge {
            Forge::Hub(hub) => {
                let listed = format!("GET /repos/{APP}/pulls?state=open");
                let again = listed.clone();
                hub.before_next(&listed, move |hub| {
                    hub.before_next(&again, move |hub| match what {
                        Deed::Close => hub.close(APP, number, "ann"),
                        Deed::Unlabel => hub.label(APP, number, &["bug"]),
                    });
                });
            }
            Forge::Lab(lab) => lab.before_next("GET merge_requests?state=opened", move |lab| {
                lab.before_next("GET merge_requests?state=opened", move |lab| match what {
                    Deed::Close => lab.close(APP, number, "ann"),
                    Deed::Unlabel => lab.label(APP, number, &["bug"]),
                });
            }),
        }
    }

    /// Lets the forge live some hours in the past, with all that is done there.
    pub fn hours_ago(&self, hours: i64) {
        match &self.stage.forge {
            Forge::Hub(hub) => hub.clock_ahead(-3600 * hours),
            Forge::Lab(lab) => lab.clock_ahead(-3600 * hours),
        }
    }

    /// The event of a pull request, as the forge tells it; a file.
    pub fn event(&self, number: u64, branch: &str, open: bool, labels: &[&str]) -> String {
        self.event_of(&self.body(number, branch, &self.tip(branch), open, labels))
    }

    pub fn event_of(&self, body: &Value) -> String {
        self.stage.bench.write_beside("event.json", &body.to_string())
    }

    pub fn body(&self, number: u64, branch: &str, sha: &str, open: bool, labels: &[&str]) -> Value {
        let named = |key: &str| -> Value { labels.iter().map(|label| json!({ key: label })).collect() };
        match self.stage.forge {
            Forge::Hub(_) => json!({
                "action": "synchronize",
                "pull_request": {
                    "number": number, "state": if open { "open" } else { "closed" }, "labels": named("name"),
                    "head": { "ref": branch, "sha": sha, "repo": { "full_name": APP } },
                    "base": { "ref": "main", "sha": sha, "repo": { "full_name": APP } },
                },
                "repository": { "full_name": APP },
            }),
            Forge::Lab(_) => json!({
                "object_kind": "merge_request", "project": { "path_with_namespace": APP },
                "labels": named("title"),
                "object_attributes": {
                    "iid": number, "state": if open { "opened" } else { "closed" }, "source_branch": branch,
                    "target_branch": "main", "source_project_id": 1, "target_project_id": 1,
                    "last_commit": { "id": sha },
                },
            }),
        }
    }

    /// Runs `preview …` for the app, against the config repo, and prints JSON.
    pub fn run(&self, command: &str, arguments: &[&str]) -> Run {
        let repo = format!("{}:{APP}", self.kind());
        let mut all = vec!["--repo", &repo];
        // A directory alone is only edited.
        if self.stage.way == Way::Clone {
            all.extend(["--publish", "push"]);
        }
        all.extend(arguments);
        let source = [("GITOPS_STEPS_SOURCE_TOKEN", TOKEN)];
        self.stage.run_with(&source, &format!("preview {command}"), &all)
    }

    /// What the config repo's `main` holds: each file with its content.
    pub fn tree(&self) -> Vec<(String, String)> {
        let path = match &self.stage.forge {
            Forge::Hub(hub) => hub.path(REPO),
            Forge::Lab(lab) => lab.path(REPO),
        };
        let names = git_says(
            &path,
            &[
                "-c",
                "core.quotePath=false",
                "ls-tree",
                "-r",
                "--name-only",
                "main",
            ],
        );
        names
            .lines()
            .map(|name| (name.to_owned(), self.stage.file("main", name).unwrap()))
            .collect()
    }

    /// What stands where: on GitHub each deployment with its states, oldest first; on GitLab each environment with
    /// its state and those of its deployments.
    pub fn states(&self) -> Vec<String> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match &self.stage.forge {
            Forge::Hub(hub) => {
                let all = hub.deployments(APP);
                let states = |one: &Value| -> Vec<String> {
                    one["statuses"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|status| text(&status["state"]))
                        .collect()
                };
                all.iter()
                    .map(|one| format!("{}: {}", text(&one["environment"]), states(one).join(" ")))
                    .collect()
            }
            Forge::Lab(lab) => {
                let deployments = lab.deployments(APP);
                let of = |name: &Value| -> Vec<String> {
                    let ours = deployments
                        .iter()
                        .filter(|one| one["environment"]["name"] == *name);
                    ours.map(|one| text(&one["status"])).collect()
                };
                let all = lab.environments(APP);
                all.iter()
                    .map(|one| {
                        format!(
                            "{} {}: {}",
                            text(&one["name"]),
                            text(&one["state"]),
                            of(&one["name"]).join(" ")
                        )
                    })
                    .collect()
            }
        }
    }

    /// How many requests so far changed something: those of the API, but for questions in GraphQL.
    pub fn writes(&self) -> Vec<String> {
        let mut calls = self.stage.calls();
        calls.retain(|call| !call.starts_with("GET ") && !call.contains("graphql"));
        calls
    }
}

/// What a person does meanwhile.
#[derive(Clone, Copy, Debug)]
pub enum Deed {
    Close,
    Unlabel,
}
