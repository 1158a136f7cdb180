//! Jobs of either forge's CI in an app's repository, for what an app's job asks of its own forge.

use std::process::{Child, Command, Stdio};

use serde_json::Value;

use super::cli::{Bench, HERMETIC, Run, of_system};
use super::{github, gitlab, signals};

pub const REPO: &str = "acme/web";

/// A job of GitHub Actions in `acme/web`, beside its GitHub.
pub struct Hub {
    pub bench: Bench,
    pub fake: github::Fake,
    pub sha: String,
}

impl Hub {
    pub fn new() -> Self {
        let fake = github::Fake::start();
        fake.repo(REPO, &[("a", "1")]);
        fake.token("t0k-s3cret", github::Grant::workflow(REPO));
        let sha = fake.person_commits(REPO, "main", "a", "2");
        Self {
            bench: Bench::new(&[]),
            fake,
            sha,
        }
    }

    pub fn variables(&self) -> Vec<(String, String)> {
        [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_API_URL", &self.fake.api_url()),
            ("GITHUB_SERVER_URL", self.fake.url()),
            ("GITHUB_REPOSITORY", REPO),
            ("GITHUB_SHA", &self.sha),
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_RUN_ID", "7"),
            ("GITHUB_TOKEN", "t0k-s3cret"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(&[], arguments)
    }

    pub fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
        let mut command = self.bench.command();
        command
            .arg("deployment-status")
            .args(arguments)
            .envs(self.variables())
            .envs(variables.iter().copied());
        Run::from(command.output().unwrap())
    }

    pub fn event(&self, body: &Value) -> String {
        self.bench.write_beside("event.json", &body.to_string())
    }

    /// Somebody commits to a branch, which is made of `main` if it is not there; returns the commit.
    pub fn commits(&self, branch: &str) -> String {
        if self.fake.tip(REPO, branch).is_none() {
            self.fake.branch(REPO, branch, "main");
        }
        let content = self.fake.log(REPO, branch).len().to_string();
        self.fake.person_commits(REPO, branch, "b", &content)
    }

    /// The deployments, oldest first, each as its environment and its states.
    pub fn states(&self) -> Vec<String> {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        self.fake
            .deployments(REPO)
            .iter()
            .map(|one| {
                let states = one["statuses"].as_array().unwrap();
                let states: Vec<String> = states.iter().map(|status| word(&status["state"])).collect();
                format!("{}: {}", word(&one["environment"]), states.join(" "))
            })
            .collect()
    }

    pub fn writes(&self) -> usize {
        self.fake
            .requests()
            .iter()
            .filter(|request| request.method != "GET")
            .count()
    }

    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.spawn_as(signals::heeding_all(), arguments)
    }

    /// As [`Hub::spawn`], with a command that starts the binary.
    pub fn spawn_as(&self, mut command: Command, arguments: &[&str]) -> Child {
        command
            .env_clear()
            .envs(of_system())
            .env("HOME", self.bench.beside("home"))
            .envs(HERMETIC)
            .envs(self.variables())
            .current_dir(self.bench.repo())
            .arg("deployment-status")
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .stdout(Stdio::null());
        command.spawn().unwrap()
    }
}

/// A job of GitLab CI in `acme/web`, beside its GitLab.
pub struct Lab {
    pub bench: Bench,
    pub fake: gitlab::Fake,
    pub sha: String,
}

impl Lab {
    pub fn new() -> Self {
        let fake = gitlab::Fake::start();
        fake.repo(REPO, &[("a", "1")]);
        fake.token("job-s3cret", gitlab::Grant::job("ann", REPO));
        let sha = fake.person_commits(REPO, "main", "a", "2");
        Self {
            bench: Bench::new(&[]),
            fake,
            sha,
        }
    }

    pub fn variables(&self) -> Vec<(String, String)> {
        [
            ("GITLAB_CI", "true"),
            ("CI_SERVER_PROTOCOL", "http"),
            ("CI_SERVER_HOST", "127.0.0.1"),
            ("CI_SERVER_PORT", &self.fake.port()),
            ("CI_API_V4_URL", &self.fake.api_url()),
            ("CI_SERVER_URL", &self.fake.url()),
            ("CI_PROJECT_PATH", REPO),
            ("CI_COMMIT_SHA", &self.sha),
            ("CI_COMMIT_REF_NAME", "main"),
            ("CI_JOB_TOKEN", "job-s3cret"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        let mut command = self.bench.command();
        command
            .arg("deployment-status")
            .args(arguments)
            .envs(self.variables());
        Run::from(command.output().unwrap())
    }

    pub fn states(&self) -> Vec<String> {
        let all = self.fake.deployments(REPO);
        all.iter()
            .map(|one| {
                format!(
                    "{}: {}",
                    one["environment"]["name"].as_str().unwrap(),
                    one["status"].as_str().unwrap()
                )
            })
            .collect()
    }
}
