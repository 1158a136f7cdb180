//! Plays GitHub Actions: those steps of a repository's workflow that are ours.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::teller::{Forge, TOKEN, Teller};
use crate::starters::expression;
use crate::support::cli::Run;
use crate::support::git_server::git;
use crate::support::github::Workflow;

impl Teller {
    /// Runs the workflow that the last event started.
    pub(super) fn run_started(&self, at: &str, repo: &str) {
        let hub = self.hub();
        let runs = hub.runs(repo);
        let run = runs
            .last()
            .unwrap_or_else(|| panic!("{at}: nothing was started in {repo}"));
        let file = run["workflow"].as_str().unwrap().to_owned();
        let name = run["event"].as_str().unwrap().to_owned();
        self.run_workflow(at, repo, &file, &name, &run["event_file"]);
    }

    /// Runs those steps of a workflow that are ours, as the Action does.
    pub(super) fn run_workflow(&self, at: &str, repo: &str, file: &str, event_name: &str, event: &Value) {
        let (copy, _) = self.clone_of(repo);
        let workflow = self.git(&copy, &format!("show main:.github/workflows/{file}"));
        let workflow: Value = serde_yaml::from_str(&workflow).unwrap();
        let sha = self.git(&copy, "rev-parse main");
        let github = json!({
            "repository": repo, "repository_owner": repo.split('/').next(), "event": event, "event_name": event_name,
            "token": TOKEN, "sha": sha.trim_end(), "ref_name": "main",
        });
        let inputs = event.get("inputs").cloned().unwrap_or(Value::Null);
        let event_file = self.path("home/event.json");
        fs::write(&event_file, event.to_string()).unwrap();
        let mut ran = 0;
        for (_, job) in workflow["jobs"].as_object().unwrap() {
            let env = job.get("env").cloned().unwrap_or_else(|| json!({}));
            let context = json!({
                "github": github, "inputs": inputs, "vars": {}, "secrets": {}, "needs": {}, "env": env,
            });
            for step in job["steps"].as_array().unwrap() {
                if step["uses"]
                    .as_str()
                    .is_some_and(|uses| uses.starts_with("org/gitops-steps@"))
                {
                    self.run_step(at, repo, step, &context, &event_file);
                    ran += 1;
                }
            }
        }
        assert!(ran > 0, "{at}: no step of {file} is ours");
    }

    fn run_step(&self, at: &str, repo: &str, step: &Value, context: &Value, event: &Path) {
        let filled =
            |value: &Value| expression::filled(value.as_str().unwrap_or(&value.to_string()), context);
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_gitops-steps")));
        command
            .env_remove("GITOPS_STEPS_TOKEN")
            .env_remove("GITOPS_STEPS_SOURCE_TOKEN");
        for (name, value) in step["with"].as_object().unwrap() {
            let name = name.replace('-', "_").to_uppercase();
            command.env(format!("GITOPS_STEPS_{name}"), filled(value));
        }
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            command.env(name, filled(value));
        }
        let github = &context["github"];
        command
            .env("GITHUB_ACTIONS", "true")
            .envs(self.addresses())
            .env("GITHUB_REPOSITORY", repo)
            .env("GITHUB_EVENT_PATH", event)
            .env("GITHUB_SHA", github["sha"].as_str().unwrap())
            .env("GITHUB_ACTOR", "ann");
        let run = Run::from(command.output().unwrap());
        assert_eq!(run.code, 0, "{at}: {}\n{}", step["with"], run.stderr);
    }

    /// Tells the forge which workflows its repositories have, as GitHub reads them from the default branch.
    pub(super) fn learn_workflows(&self) {
        let Forge::Hub(hub) = &self.forge else { return };
        for repo in hub.repos() {
            let repo = repo.as_str();
            let listed = git(&hub.path(repo))
                .args(["ls-tree", "-r", "--name-only", "main", ".github/workflows"])
                .output()
                .unwrap();
            for path in String::from_utf8(listed.stdout).unwrap().lines() {
                let text = hub.file(repo, "main", path).unwrap();
                let workflow: Value = serde_yaml::from_str(&text).unwrap();
                let file = path.rsplit('/').next().unwrap();
                let types = workflow["on"]["repository_dispatch"]["types"].as_array().cloned();
                for event in types.into_iter().flatten() {
                    if self.workflows.borrow_mut().insert(format!("{repo} {file}")) {
                        hub.workflow(repo, Workflow::on_event(file, event.as_str().unwrap()));
                    }
                }
            }
        }
    }
}
