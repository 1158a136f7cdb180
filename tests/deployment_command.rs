//! What `deployment-status -- COMMAND` runs and records, whatever the command does.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::jobs::{Hub, Lab, REPO};
use crate::support::{github, gitlab, signals};

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
        ("GITOPS_STEPS_TOKEN", "t0k-s3cret"),
        ("GH_TOKEN", "x-s3cret"),
        ("GITLAB_TOKEN", "x-s3cret"),
        ("CI_JOB_TOKEN", "x-s3cret"),
        ("ARGOCD_AUTH_TOKEN", "x-s3cret"),
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
    assert!(!seen.contains("TOKEN") && !seen.contains("s3cret"), "{seen}");
}

#[test]
fn a_command_is_run_even_where_nothing_can_be_recorded() {
    let hub = Hub::new();
    let none = [("GITHUB_TOKEN", "wrong-s3cret")];
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

/// As under `nohup`, and in a script with `&`: what was to outlive a signal outlives it in us too.
#[test]
fn the_command_ignores_what_we_were_started_to_ignore() {
    let Some(binary) = signals::ignoring("INT,HUP") else {
        return;
    };
    let hub = Hub::new();
    let (ready, go) = (hub.bench.beside("ready"), hub.bench.beside("go"));
    let script = format!(
        "echo up > {}; while [ ! -e {} ]; do sleep 0.05; done; exit 9",
        ready.display(),
        go.display()
    );
    let mut child = hub.spawn_as(binary, &["--env", "dev", "--", "sh", "-c", &script]);
    wait_for_file(&ready);
    for name in ["-INT", "-HUP"] {
        signal(name, &child.id().to_string());
    }
    std::thread::sleep(Duration::from_millis(200));
    std::fs::write(&go, "").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(9));
    assert_eq!(hub.states(), ["dev: in_progress failure"]);
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
    hub.run_with(&[("GITHUB_RUN_ATTEMPT", "2")], &["--env", "dev", "--", "true"])
        .exits(0)
        .says("was left in_progress");
    assert_eq!(hub.states()[0], "dev: in_progress error");
    assert_eq!(hub.states()[3], "dev: in_progress success");
}

#[test]
fn two_runs_at_once_leave_each_others_deployment_alone() {
    for (name, value) in [("GITHUB_RUN_ID", "8"), ("GITHUB_JOB", "other")] {
        let hub = Hub::new();
        let (ready, go) = (hub.bench.beside("ready"), hub.bench.beside("go"));
        let script = format!(
            "echo up > {}; while [ ! -e {} ]; do sleep 0.05; done",
            ready.display(),
            go.display()
        );
        let mut child = hub.spawn(&["--env", "dev", "--", "sh", "-c", &script]);
        wait_for_file(&ready);
        hub.run_with(&[(name, value)], &["--env", "dev", "--", "false"])
            .exits(1);
        assert_eq!(
            hub.states(),
            ["dev: in_progress", "dev: in_progress failure"],
            "{name}"
        );
        std::fs::write(&go, "").unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert_eq!(hub.states()[0], "dev: in_progress success", "{name}");
    }
}

#[test]
fn a_deployment_of_gitlab_that_goes_on_is_nobodys_to_end() {
    let lab = Lab::new();
    lab.run(&["--env", "dev", "--state", "in_progress", "--create"])
        .exits(0);
    let newer = lab.fake.person_commits(REPO, "main", "a", "3");
    lab.run(&["--env", "dev", "--sha", &newer, "--ref", "main", "--", "true"])
        .exits(0);
    assert_eq!(lab.states(), ["dev: running", "dev: success"]);
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
