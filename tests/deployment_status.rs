//! What `deployment-status` records on either forge, what it runs, and what it waits for.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests touch the world"
)]

mod support;

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::argocd::{self, ArgoCd, application};
use support::cli::{Bench, Run};
use support::{github, gitlab};

const REPO: &str = "acme/web";

/// A job of GitHub Actions in `acme/web`, beside its GitHub.
struct Hub {
    bench: Bench,
    fake: github::Fake,
    sha: String,
}

impl Hub {
    fn new() -> Self {
        let fake = github::Fake::start();
        fake.repo(REPO, &[("a", "1")]);
        fake.token("t0k", github::Grant::workflow(REPO));
        let sha = fake.person_commits(REPO, "main", "a", "2");
        Self {
            bench: Bench::new(&[]),
            fake,
            sha,
        }
    }

    fn variables(&self) -> Vec<(String, String)> {
        [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_API_URL", &self.fake.api_url()),
            ("GITHUB_SERVER_URL", self.fake.url()),
            ("GITHUB_REPOSITORY", REPO),
            ("GITHUB_SHA", &self.sha),
            ("GITHUB_REF", "refs/heads/main"),
            ("GITHUB_RUN_ID", "7"),
            ("GITHUB_TOKEN", "t0k"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(&[], arguments)
    }

    fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
        let mut command = self.bench.command();
        command
            .arg("deployment-status")
            .args(arguments)
            .envs(self.variables())
            .envs(variables.iter().copied());
        Run::from(command.output().unwrap())
    }

    fn event(&self, body: &Value) -> String {
        self.bench.write_beside("event.json", &body.to_string())
    }

    /// Somebody commits to a branch, which is made of `main` if it is not there; returns the commit.
    fn commits(&self, branch: &str) -> String {
        if self.fake.tip(REPO, branch).is_none() {
            self.fake.branch(REPO, branch, "main");
        }
        let content = self.fake.log(REPO, branch).len().to_string();
        self.fake.person_commits(REPO, branch, "b", &content)
    }

    /// The deployments, oldest first, each as its environment and its states.
    fn states(&self) -> Vec<String> {
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

    fn writes(&self) -> usize {
        self.fake
            .requests()
            .iter()
            .filter(|request| request.method != "GET")
            .count()
    }

    fn spawn(&self, arguments: &[&str]) -> Child {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gitops-steps"));
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.bench.beside("home"))
            .envs(support::cli::HERMETIC)
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

fn wait_for_file(path: &Path) -> String {
    let start = Instant::now();
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ if start.elapsed() > Duration::from_secs(60) => panic!("`{}` never came", path.display()),
            _ => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

fn signal(name: &str, id: &str) {
    let done = Command::new("kill").args([name, id]).status().unwrap();
    assert!(done.success());
}

#[test]
fn a_deployment_is_created_followed_and_not_recorded_twice() {
    let hub = Hub::new();
    let run = hub
        .run(&[
            "--env",
            "dev",
            "--state",
            "in_progress",
            "--create",
            "--format",
            "json",
        ])
        .exits(0);
    assert_eq!(
        (&run.json()["operation"], &run.json()["env"]),
        (&json!("created"), &json!("dev"))
    );
    let id = run.json()["deployment_id"].as_u64().unwrap();
    let success = [
        "--env",
        "dev",
        "--state",
        "success",
        "--environment-url",
        "https://dev.example",
        "--format",
        "json",
    ];
    let run = hub.run(&success).exits(0);
    assert_eq!(
        (&run.json()["operation"], &run.json()["old"]),
        (&json!("updated"), &json!("in_progress"))
    );
    assert_eq!(run.json()["deployment_id"].as_u64(), Some(id));
    hub.fake.clear_requests();
    let run = hub.run(&success).exits(0);
    assert_eq!(
        (&run.json()["operation"], &run.json()["changed"]),
        (&json!("unchanged"), &json!(false))
    );
    assert_eq!(hub.writes(), 0);
    assert_eq!(hub.states(), ["dev: in_progress success"]);
    let made = &hub.fake.deployments(REPO)[0];
    assert_eq!(made["sha"], json!(hub.sha));
    let log = made["statuses"][0]["log_url"].as_str().unwrap();
    assert!(log.ends_with("/acme/web/actions/runs/7"), "{log}");
}

#[test]
fn a_missing_deployment_is_an_error_nothing_or_created() {
    let hub = Hub::new();
    let state = ["--env", "dev", "--state", "success"];
    hub.run(&state)
        .exits(3)
        .says("there is no deployment")
        .says("--create");
    let run = hub
        .run(&[&state[..], &["--if-missing", "skip", "--format", "json"]].concat())
        .exits(0);
    assert_eq!(run.json()["operation"], json!("skipped"));
    hub.run(&[&state[..], &["--create", "--dry-run"]].concat())
        .exits(0)
        .says("dry run: would create");
    assert_eq!((hub.writes(), hub.states().len()), (0, 0));
    hub.run(&[&state[..], &["--if-missing", "create"]].concat())
        .exits(0);
    assert_eq!(hub.states(), ["dev: success"]);
    hub.run(&["--deployment-id", "999", "--state", "success"])
        .exits(3);
}

#[test]
fn a_lost_answer_makes_no_second_deployment() {
    let hub = Hub::new();
    hub.fake.fail_next(
        "POST /repos/acme/web/deployments",
        github::Failure::CloseAfterDoing,
    );
    hub.run(&["--env", "dev", "--state", "success", "--create"])
        .exits(0);
    assert_eq!(hub.states(), ["dev: success"]);
}

#[test]
fn a_pull_requests_deployment_is_for_its_head_and_never_for_the_tried_merge() {
    let hub = Hub::new();
    let head = hub.commits("feature/a");
    let event =
        hub.event(&json!({ "pull_request": { "number": 3, "head": { "sha": head, "ref": "feature/a" } } }));
    let pull = [
        ("GITHUB_EVENT_PATH", event.as_str()),
        ("GITHUB_REF", "refs/pull/3/merge"),
    ];
    let create = [
        "--env",
        "preview",
        "--state",
        "success",
        "--create",
        "--transient",
    ];
    hub.run_with(&pull, &create).exits(0);
    assert_eq!(hub.fake.deployments(REPO)[0]["sha"], json!(head));
    hub.run_with(&pull, &[&create[..], &["--ref", "refs/pull/3/merge"]].concat())
        .exits(0)
        .says("the head of pull request 3");
    hub.run(&[&create[..], &["--ref", "refs/pull/4/merge"]].concat())
        .exits(2)
        .says("only tried");
    assert_eq!(hub.states().len(), 2);
}

#[test]
fn argo_cds_report_finds_the_branch_by_its_slug() {
    let hub = Hub::new();
    for branch in ["feature/A_b", "other"] {
        let head = hub.commits(branch);
        hub.run(&[
            "--env",
            "preview",
            "--state",
            "in_progress",
            "--create",
            "--transient",
            "--sha",
            &head,
            "--ref",
            branch,
        ])
        .exits(0);
    }
    let report =
        |payload: Value| hub.event(&json!({ "action": "sync-deployment-status", "client_payload": payload }));
    let event = report(json!({
        "environment": "preview", "branch_slug": "feature-a-b", "health": "Healthy", "sync": "Synced",
        "environment_url": "https://a-b.example", "sha": "",
    }));
    hub.run(&["--from-event", &event]).exits(0);
    assert_eq!(
        hub.states(),
        ["preview: in_progress success", "preview: in_progress"]
    );
    for (payload, code, says) in [
        (
            json!({ "environment": "preview", "branch_slug": "feature-a-b", "state": "error", "repo": "evil/web" }),
            4,
            "evil/web",
        ),
        (
            json!({ "environment": "preview", "ref": "other", "state": "done" }),
            2,
            "client_payload.state",
        ),
        (
            json!({ "environment": "preview", "state": "success" }),
            2,
            "neither a commit nor a branch",
        ),
        (
            json!({ "environment": "preview", "ref": "other", "state": "success", "log_url": "file:///etc" }),
            2,
            "client_payload.log_url",
        ),
    ] {
        let event = report(payload);
        hub.run(&["--from-event", &event])
            .exits(code)
            .says(says)
            .prints_plainly();
    }
    let head = hub.commits("feature-A/b");
    hub.run(&[
        "--env",
        "preview",
        "--state",
        "in_progress",
        "--create",
        "--sha",
        &head,
        "--ref",
        "feature-A/b",
    ])
    .exits(0);
    hub.run(&["--env", "preview", "--ref", "feature-a-b", "--state", "success"])
        .exits(3)
        .says("`feature-A/b`, `feature/A_b`");
}

#[test]
fn a_success_ends_only_the_older_ones_of_its_own_preview_or_production() {
    let hub = Hub::new();
    let create = |env: &str, branch: &str, more: &[&str]| {
        let head = hub.commits(branch);
        let flags = [
            "--env", env, "--state", "success", "--create", "--sha", &head, "--ref", branch,
        ];
        hub.run(&[&flags[..], more].concat()).exits(0);
    };
    create("preview", "a", &["--transient"]);
    create("preview", "b", &["--transient"]);
    create("prod", "main", &["--production"]);
    create("prod-eu", "main", &["--production"]);
    create("preview", "a", &["--transient"]);
    create("prod", "main", &["--production"]);
    assert_eq!(
        hub.states(),
        [
            "preview: success inactive",
            "preview: success",
            "prod: success inactive",
            "prod-eu: success",
            "preview: success",
            "prod: success",
        ]
    );
    hub.run(&["--env", "preview", "--ref", "b", "--state", "inactive"])
        .exits(0);
    let late = [
        "--env", "preview", "--ref", "b", "--state", "success", "--format", "json",
    ];
    let run = hub.run(&late).exits(0).says("not brought back");
    assert_eq!(run.json()["operation"], json!("skipped"));
    assert_eq!(hub.states()[1], "preview: success inactive");
}

#[test]
fn a_long_description_is_cut_and_bad_words_are_refused_before_anything_is_sent() {
    let hub = Hub::new();
    let long = "ä".repeat(200);
    hub.run(&[
        "--env",
        "dev",
        "--state",
        "success",
        "--create",
        "--description",
        &long,
    ])
    .exits(0)
    .says("was cut");
    let kept = hub.fake.deployments(REPO)[0]["statuses"][0]["description"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!((kept.chars().count(), kept.ends_with('…')), (140, true));
    hub.fake.clear_requests();
    for (arguments, says) in [
        (&["--env", "dev"][..], "nothing says what to record"),
        (&["--state", "success"], "no environment"),
        (
            &["--env", "a\nb", "--state", "success"],
            "no name of an environment",
        ),
        (&["--env", "dev", "--state", "success", "--sha", "abc"], "--sha"),
        (
            &["--env", "dev", "--state", "success", "--log-url", "javascript:x"],
            "--log-url",
        ),
        (
            &["--env", "dev", "--state", "success", "--repo", "acme/web"],
            "no repository of a forge",
        ),
        (&["--env", "dev", "--wait-for", "flux:web"], "--wait-for"),
        (
            &["--env", "dev", "--state", "success", "--", "true"],
            "cannot be used with",
        ),
    ] {
        hub.run(arguments).exits(2).says(says);
    }
    assert_eq!(hub.fake.requests().len(), 0);
}

#[test]
fn a_refusal_names_the_permission() {
    let hub = Hub::new();
    hub.fake
        .token("r0", github::Grant::workflow(REPO).only(&["deployments=read"]));
    hub.run_with(
        &[("GITHUB_TOKEN", "r0")],
        &["--env", "dev", "--state", "success", "--create"],
    )
    .exits(5)
    .says("deployments: write");
}

#[test]
fn a_command_is_recorded_from_its_start_to_its_end_with_its_own_code() {
    for (script, code, states) in [
        ("exit 0", 0, "dev: in_progress success"),
        ("exit 3", 3, "dev: in_progress failure"),
        ("kill -9 $$", 137, "dev: in_progress error"),
    ] {
        let hub = Hub::new();
        hub.run(&["--env", "dev", "--", "sh", "-c", script]).exits(code);
        assert_eq!(hub.states(), [states], "{script}");
    }
    let hub = Hub::new();
    hub.run(&["--env", "dev", "--", "no-such-command"])
        .exits(127)
        .says("could not be started");
    assert_eq!(hub.states(), ["dev: in_progress error"]);
}

#[test]
fn a_command_takes_up_a_deployment_that_was_queued_and_makes_one_for_a_rerun() {
    let hub = Hub::new();
    hub.run(&["--env", "dev", "--state", "queued", "--create"])
        .exits(0);
    hub.run(&["--env", "dev", "--", "true"]).exits(0);
    hub.run(&["--env", "dev", "--", "false"]).exits(1);
    assert_eq!(
        hub.states(),
        ["dev: queued in_progress success", "dev: in_progress failure"]
    );
}

#[test]
fn a_command_sees_none_of_our_tokens_and_all_else() {
    let hub = Hub::new();
    let variables = [
        ("GITOPS_STEPS_TOKEN", "t0k"),
        ("GH_TOKEN", "x"),
        ("GITLAB_TOKEN", "x"),
        ("CI_JOB_TOKEN", "x"),
        ("ARGOCD_AUTH_TOKEN", "x"),
        ("KUBECONFIG", "/k"),
    ];
    let seen = hub
        .run_with(&variables, &["--env", "dev", "--", "env"])
        .exits(0)
        .stdout;
    assert!(
        seen.contains("KUBECONFIG=/k\n") && seen.contains("GITHUB_SHA="),
        "{seen}"
    );
    assert!(!seen.contains("TOKEN") && !seen.contains("t0k"), "{seen}");
}

#[test]
fn a_command_is_run_even_where_nothing_can_be_recorded() {
    let hub = Hub::new();
    let none = [("GITHUB_TOKEN", "wrong")];
    let done = hub.bench.beside("done");
    let touch = format!("touch {}", done.display());
    hub.run_with(&none, &["--env", "dev", "--", "sh", "-c", &touch])
        .exits(5)
        .says("the command is run all the same")
        .says("the command succeeded, but");
    assert!(done.exists());
    hub.run_with(&none, &["--env", "dev", "--", "sh", "-c", "exit 4"])
        .exits(4);
    // The start was not recorded, the end is: nothing is missing then.
    hub.fake.fail_next(
        "POST /repos/acme/web/deployments",
        github::Failure::Status(422, Vec::new(), "{}".to_owned()),
    );
    hub.run(&["--env", "dev", "--", "true"]).exits(0);
    assert_eq!(hub.states(), ["dev: success"]);
}

#[test]
fn the_command_hears_the_very_signal_that_we_hear() {
    for (name, code) in [("INT", 42), ("TERM", 43), ("HUP", 44)] {
        let hub = Hub::new();
        let ready = hub.bench.beside("ready");
        let script = format!(
            "trap 'exit 42' INT; trap 'exit 43' TERM; trap 'exit 44' HUP; echo up > {}; while :; do sleep 0.05; done",
            ready.display()
        );
        let mut child = hub.spawn(&["--env", "dev", "--", "sh", "-c", &script]);
        wait_for_file(&ready);
        signal(&format!("-{name}"), &child.id().to_string());
        assert_eq!(child.wait().unwrap().code(), Some(code), "{name}");
        assert_eq!(hub.states(), ["dev: in_progress error"], "{name}");
    }
}

#[test]
fn the_next_run_closes_what_a_killed_one_left_open() {
    let hub = Hub::new();
    let pid = hub.bench.beside("pid");
    let script = format!("echo $$ > {}; exec sleep 600", pid.display());
    let mut child = hub.spawn(&["--env", "dev", "--", "sh", "-c", &script]);
    let command = wait_for_file(&pid);
    signal("-KILL", &child.id().to_string());
    child.wait().unwrap();
    signal("-KILL", &command);
    // Another environment, and another branch, are others' business.
    hub.run(&["--env", "prod", "--", "true"]).exits(0);
    let head = hub.commits("b");
    hub.run(&["--env", "dev", "--sha", &head, "--ref", "b", "--", "true"])
        .exits(0);
    assert_eq!(hub.states()[0], "dev: in_progress");
    hub.run(&["--env", "dev", "--", "true"])
        .exits(0)
        .says("was left in_progress");
    assert_eq!(hub.states()[0], "dev: in_progress error");
    assert_eq!(hub.states()[3], "dev: in_progress success");
}

fn waiting(hub: &Hub, argocd: &ArgoCd, more: &[&str]) -> Run {
    let variables = [
        ("ARGOCD_SERVER", argocd.url()),
        ("ARGOCD_AUTH_TOKEN", argocd::TOKEN.to_owned()),
    ];
    let variables: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let flags = [
        "--env",
        "dev",
        "--if-missing",
        "create",
        "--wait-for",
        "argocd:web",
        "--settle",
        "200ms",
        "--format",
        "json",
    ];
    hub.run_with(&variables, &[&flags[..], more].concat())
}

#[test]
fn argo_cd_is_waited_for_until_a_later_commit_is_healthy() {
    let hub = Hub::new();
    let old = hub.commits("old");
    let later = hub.commits("main");
    let argocd = ArgoCd::showing(&[
        application("Synced", "Healthy", "Succeeded", &old),
        application("Synced", "Progressing", "Running", &later),
        application("Synced", "Degraded", "Succeeded", &later),
        application("Synced", "Healthy", "Succeeded", &later),
    ]);
    let run = waiting(&hub, &argocd, &[]).exits(0);
    assert_eq!(run.json()["operation"], json!("created"));
    assert_eq!(hub.states(), ["dev: in_progress success"]);
    assert_eq!(argocd.left(), 1);
    assert!(argocd.looks().len() >= 5);
}

#[test]
fn a_failed_sync_or_lasting_degradation_is_exit_7() {
    for (state, says) in [
        (("OutOfSync", "Healthy", "Failed"), "its sync ended with Failed"),
        (("Synced", "Degraded", "Succeeded"), "it is Degraded"),
    ] {
        let hub = Hub::new();
        let argocd = ArgoCd::showing(&[application(state.0, state.1, state.2, &hub.sha)]);
        waiting(&hub, &argocd, &[]).exits(7).says(says);
        assert_eq!(hub.states(), ["dev: in_progress failure"]);
    }
}

#[test]
fn waiting_ends_with_its_time_and_leaves_the_deployment_in_progress() {
    let hub = Hub::new();
    let argocd = ArgoCd::showing(&[application("Synced", "Progressing", "Succeeded", &hub.sha)]);
    waiting(&hub, &argocd, &["--timeout", "1s"])
        .exits(6)
        .says("it is Progressing");
    assert_eq!(hub.states(), ["dev: in_progress"]);
}

#[test]
fn an_image_tells_where_the_commits_cannot() {
    let hub = Hub::new();
    let unknown = "0123456789012345678901234567890123456789";
    let argocd = ArgoCd::showing(&[application("Synced", "Healthy", "Succeeded", unknown)]);
    waiting(&hub, &argocd, &["--image", "ghcr.io/acme/web:v2"]).exits(0);
    waiting(
        &hub,
        &argocd,
        &["--image", "ghcr.io/acme/web:v3", "--timeout", "1s"],
    )
    .exits(6);
}

#[test]
fn argo_cds_refusals_say_what_to_do() {
    let hub = Hub::new();
    let argocd = ArgoCd::showing(&[json!({})]);
    let flags = ["--env", "dev", "--if-missing", "create", "--wait-for"];
    let server = argocd.url();
    let wait = |token: &str, what: &str| {
        let variables = [("ARGOCD_SERVER", server.as_str()), ("ARGOCD_AUTH_TOKEN", token)];
        hub.run_with(&variables, &[&flags[..], &[what]].concat())
    };
    wait("wrong", "argocd:web").exits(5).says("ARGOCD_AUTH_TOKEN");
    wait(argocd::TOKEN, "argocd:api@team")
        .exits(3)
        .says("no application `api`");
    assert!(argocd.looks().last().unwrap().contains("appNamespace=team"));
    hub.run(&[&flags[..], &["argocd:web"]].concat())
        .exits(2)
        .says("ARGOCD_SERVER");
}

#[test]
fn a_state_that_somebody_else_records_can_be_waited_for() {
    let hub = Hub::new();
    let wait = ["--env", "dev", "--wait-for", "deployment", "--timeout", "30s"];
    hub.run(&wait).exits(3);
    hub.run(&["--env", "dev", "--state", "in_progress", "--create"])
        .exits(0);
    hub.run(&["--env", "dev", "--wait-for", "deployment", "--timeout", "1s"])
        .exits(6)
        .says("in_progress");
    hub.run(&["--env", "dev", "--state", "success"]).exits(0);
    hub.run(&wait).exits(0).says("is success");
    hub.run(&["--env", "dev", "--state", "failure"]).exits(0);
    hub.run(&wait).exits(7).says("is failure");
}

/// A job of GitLab CI in `acme/web`, beside its GitLab.
struct Lab {
    bench: Bench,
    fake: gitlab::Fake,
    sha: String,
}

impl Lab {
    fn new() -> Self {
        let fake = gitlab::Fake::start();
        fake.repo(REPO, &[("a", "1")]);
        fake.token("job", gitlab::Grant::job("ann", REPO));
        let sha = fake.person_commits(REPO, "main", "a", "2");
        Self {
            bench: Bench::new(&[]),
            fake,
            sha,
        }
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let mut command = self.bench.command();
        command.arg("deployment-status").args(arguments).envs([
            ("GITLAB_CI", "true"),
            ("CI_API_V4_URL", &self.fake.api_url()),
            ("CI_SERVER_URL", &self.fake.url()),
            ("CI_PROJECT_PATH", REPO),
            ("CI_COMMIT_SHA", &self.sha),
            ("CI_COMMIT_REF_NAME", "main"),
            ("CI_JOB_TOKEN", "job"),
        ]);
        Run::from(command.output().unwrap())
    }

    fn states(&self) -> Vec<String> {
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

#[test]
fn gitlab_records_the_same_states_with_the_jobs_own_token() {
    let lab = Lab::new();
    let state = |state: &str, more: &[&str], code: i32| {
        lab.run(&[&["--env", "review/a", "--state", state, "--format", "json"], more].concat())
            .exits(code)
    };
    state("success", &[], 3);
    state("queued", &["--create"], 0);
    state("in_progress", &[], 0);
    assert_eq!(lab.states(), ["review/a: running"]);
    let run = state("success", &["--environment-url", "https://a.example"], 0);
    assert_eq!(run.json()["operation"], json!("updated"));
    assert_eq!(lab.states(), ["review/a: success"]);
    assert_eq!(
        lab.fake.environments(REPO)[0]["external_url"],
        json!("https://a.example")
    );
    assert_eq!(state("success", &[], 0).json()["operation"], json!("unchanged"));
    // Nothing leads back from an end, so this is another deployment.
    state("in_progress", &[], 0);
    assert_eq!(lab.states(), ["review/a: success", "review/a: running"]);
    state("failure", &[], 0);
    state("inactive", &[], 0);
    assert_eq!(lab.fake.environments(REPO)[0]["state"], json!("stopped"));
    let run = state("success", &[], 0).says("not brought back");
    assert_eq!(run.json()["operation"], json!("skipped"));
    assert_eq!(lab.states(), ["review/a: success", "review/a: failed"]);
}

#[test]
fn gitlab_keeps_a_commands_states_too() {
    let lab = Lab::new();
    lab.run(&["--env", "dev", "--", "sh", "-c", "exit 5"]).exits(5);
    lab.run(&["--env", "dev", "--", "true"]).exits(0);
    assert_eq!(lab.states(), ["dev: failed", "dev: success"]);
    lab.fake.fail_next(
        "POST /v4/projects/acme%2Fweb/deployments",
        gitlab::Failure::CloseAfterDoing,
    );
    lab.run(&["--env", "prod", "--", "true"]).exits(0);
    assert_eq!(lab.states()[2..], ["prod: success"]);
}
