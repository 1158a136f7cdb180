//! Previews in the jobs of either forge's CI: what those tell by themselves, and which token goes where.

use std::fs;

use crate::support::cli::{Bench, Run, text};
use crate::support::jobs::{Hub, Lab, REPO};
use crate::support::{github, outputs};
use serde_json::{Value, json};

const CONFIG: &str = "acme/deploy";
const TEMPLATE: [(&str, &str); 1] = [("previews/_template/a.yaml", "url: {url}\n")];
const FOLDER: [&str; 4] = ["--template", "previews/_template", "--folder", "previews/{slug}"];

/// A job for a pull request of GitHub.
struct HubJob {
    hub: Hub,
    event: String,
}

impl HubJob {
    fn new() -> Self {
        let hub = Hub::new();
        let head = hub.commits("feature/a");
        let number = hub.fake.open_pull(REPO, "feature/a", "a", "ann");
        hub.fake.label(REPO, number, &["preview"]);
        hub.fake.repo(CONFIG, &TEMPLATE);
        hub.fake.settings(CONFIG, |settings| settings.private = true);
        hub.fake.settings(REPO, |settings| settings.private = true);
        let own = github::Grant::workflow(REPO).only(&["pull_requests=read", "deployments=write"]);
        hub.fake.token("t0k-s3cret", own);
        let config = github::Grant::person("bot")
            .repos(&[CONFIG])
            .only(&["contents=write"]);
        hub.fake.token("config-s3cret", config);
        let event = hub.event(&body(number, &head));
        Self { hub, event }
    }

    fn run(&self, command: &str, arguments: &[&str]) -> Run {
        let mut binary = self.hub.bench.command();
        binary
            .args(["preview", command, "--from-event", "auto"])
            .args(arguments)
            .envs(self.hub.variables())
            .env("GITHUB_EVENT_PATH", &self.event)
            .env("GITHUB_REF", "refs/pull/1/merge")
            .env("GITHUB_OUTPUT", self.hub.bench.beside("output"))
            .env("GITHUB_STEP_SUMMARY", self.hub.bench.beside("summary"));
        if arguments.contains(&"--config-repo") {
            binary.env("GITOPS_STEPS_TOKEN", "config-s3cret");
        }
        Run::from(binary.output().unwrap())
    }
}

fn body(number: u64, sha: &str) -> Value {
    json!({ "action": "labeled", "label": { "name": "preview" }, "pull_request": {
        "number": number, "state": "open", "labels": [{ "name": "preview" }],
        "head": { "ref": "feature/a", "sha": sha, "repo": { "full_name": REPO } },
        "base": { "ref": "main", "repo": { "full_name": REPO } },
    }})
}

#[test]
fn a_workflow_needs_no_more_than_its_own_token_and_its_event() {
    let job = HubJob::new();
    job.run("up", &["--domain", "p.example"]).exits(0);
    assert_eq!(job.hub.states(), ["preview/feature-a: in_progress"]);
    let made = &job.hub.fake.deployments(REPO)[0];
    assert!(
        made["statuses"][0]["log_url"]
            .as_str()
            .unwrap()
            .ends_with("/acme/web/actions/runs/7")
    );
    let output = fs::read_to_string(job.hub.bench.beside("output")).unwrap();
    let outputs = outputs::of_github(&output);
    assert_eq!(outputs["environment-url"], "https://feature-a.p.example");
    assert_eq!(
        (outputs["operation"].as_str(), outputs["new"].as_str()),
        ("created", "feature-a")
    );
    let summary = fs::read_to_string(job.hub.bench.beside("summary")).unwrap();
    assert!(summary.contains("https://feature-a.p.example"), "{summary}");
    // The event asks for no teardown.
    job.run("down", &[]).exits(0).says("its preview stays");
    job.hub.fake.close(REPO, 1, "ann");
    job.run("down", &["--pr", "1"]).exits(0);
    assert_eq!(job.hub.states(), ["preview/feature-a: in_progress"]);
}

#[test]
fn each_repository_sees_its_own_token_alone() {
    for git in [false, true] {
        let job = HubJob::new();
        let address = if git {
            job.hub.fake.git_url(CONFIG)
        } else {
            format!("github:{CONFIG}")
        };
        let config = ["--config-repo", &address, "--domain", "p.example"];
        job.run("up", &[&config[..], &FOLDER].concat()).exits(0);
        let made = job.hub.fake.file(CONFIG, "main", "previews/feature-a/a.yaml");
        assert_eq!(made.as_deref(), Some("url: https://feature-a.p.example\n"));
        assert_eq!(job.hub.states(), ["preview/feature-a: in_progress"]);
        for request in job.hub.fake.requests() {
            let due = if request.target.contains(REPO) {
                "github-actions[bot]"
            } else {
                "bot"
            };
            assert_eq!(
                request.login.as_deref(),
                Some(due),
                "{} {}",
                request.method,
                request.target
            );
        }
    }
}

/// Runs a job of a merge request pipeline.
fn of_merge_request(lab: &Lab, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    let head = lab.fake.tip(REPO, "feature/a").unwrap();
    let dotenv = lab.bench.beside("preview.env");
    let mut binary = lab.bench.command();
    binary
        .args(["preview"])
        .args(arguments)
        .args(["--dotenv", text(&dotenv)])
        .envs(lab.variables())
        .envs([
            ("CI_COMMIT_SHA", head.as_str()),
            ("CI_MERGE_REQUEST_IID", "1"),
            ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "feature/a"),
            ("CI_MERGE_REQUEST_PROJECT_PATH", REPO),
            ("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", REPO),
            ("CI_MERGE_REQUEST_LABELS", "bug,preview"),
        ])
        .envs(variables.iter().copied());
    Run::from(binary.output().unwrap())
}

fn lab() -> Lab {
    let lab = Lab::new();
    lab.fake.branch(REPO, "feature/a", "main");
    lab.fake.person_commits(REPO, "feature/a", "b", "1");
    lab.fake.open_merge_request(REPO, "feature/a", "a", "ann");
    lab.fake.label(REPO, 1, &["preview"]);
    lab
}

#[test]
fn a_merge_request_pipeline_needs_no_more_than_its_jobs_token() {
    let lab = lab();
    of_merge_request(&lab, &[], &["up", "--domain", "p.example"]).exits(0);
    assert_eq!(lab.states(), ["preview/feature-a: running"]);
    let report = fs::read_to_string(lab.bench.beside("preview.env")).unwrap();
    let outputs = outputs::of_gitlab(&report);
    assert_eq!(outputs["environment-url"], "https://feature-a.p.example");
    for (variables, reason) in [
        ([("CI_MERGE_REQUEST_LABELS", "bug")], "does not carry the label"),
        (
            [("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", "eve/web")],
            "comes from a fork",
        ),
    ] {
        of_merge_request(&lab, &variables, &["up"]).exits(0).says(reason);
    }
    // A job with `environment:` lets GitLab record it, and only asks for the address.
    let alone = of_merge_request(&lab, &[], &["up", "--no-deployment", "--domain", "q.example"]).exits(0);
    assert!(alone.stderr.contains("nothing to change"), "{}", alone.stderr);
    assert_eq!(lab.states().len(), 1);
    lab.fake.close(REPO, 1, "ann");
    of_merge_request(&lab, &[], &["down", "--ref", "feature/a"]).exits(0);
    assert_eq!(lab.fake.environments(REPO)[0]["state"], json!("stopped"));
}

#[test]
fn a_webhook_that_triggers_a_pipeline_ends_a_preview() {
    let lab = lab();
    of_merge_request(&lab, &[], &["up"]).exits(0);
    lab.fake.close(REPO, 1, "ann");
    let head = lab.fake.tip(REPO, "feature/a").unwrap();
    let hook = json!({
        "object_kind": "merge_request", "project": { "path_with_namespace": REPO },
        "labels": [{ "title": "preview" }],
        "object_attributes": {
            "iid": 1, "state": "closed", "action": "close", "source_branch": "feature/a", "source_project_id": 1,
            "target_project_id": 1, "last_commit": { "id": head },
        },
    });
    let payload = lab.bench.write_beside("payload.json", &hook.to_string());
    let run = |arguments: &[&str]| {
        let mut binary = lab.bench.command();
        binary
            .args(["preview", "down"])
            .args(arguments)
            .envs(lab.variables())
            .env("TRIGGER_PAYLOAD", &payload);
        Run::from(binary.output().unwrap())
    };
    run(&[]).exits(2).says("--from-event");
    run(&["--from-event", "auto"]).exits(0);
    assert_eq!(lab.fake.environments(REPO)[0]["state"], json!("stopped"));
    let other = hook.to_string().replace(REPO, "acme/other");
    fs::write(&payload, other).unwrap();
    run(&["--from-event", "auto"])
        .exits(4)
        .says("the event is about `acme/other`");
}

#[test]
fn outside_ci_a_directory_is_only_edited() {
    let job = HubJob::new();
    let bench = Bench::cloned(&TEMPLATE);
    let before = bench.state();
    let mut binary = bench.command();
    binary
        .args([
            "preview",
            "up",
            "--repo",
            "github:acme/web",
            "--pr",
            "1",
            "--no-deployment",
            "--domain",
            "p.example",
        ])
        .args(FOLDER)
        .env("GITOPS_STEPS_API_URL", job.hub.fake.api_url())
        .env("GITOPS_STEPS_SOURCE_TOKEN", "t0k-s3cret");
    Run::from(binary.output().unwrap()).exits(0);
    let made = fs::read_to_string(bench.repo().join("previews/feature-a/a.yaml")).unwrap();
    assert_eq!(made, "url: https://feature-a.p.example\n");
    assert_eq!(bench.state().lines().next(), before.lines().next());
}
