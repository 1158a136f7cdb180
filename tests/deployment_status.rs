//! What `deployment-status` records on either forge.

use crate::support::github;
use crate::support::jobs::{Hub, Lab, REPO};
use serde_json::{Value, json};

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
    assert_eq!(run.json()["environment_url"], json!("https://dev.example"));
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
    hub.fake.token(
        "r0-s3cret",
        github::Grant::workflow(REPO).only(&["deployments=read"]),
    );
    hub.run_with(
        &[("GITHUB_TOKEN", "r0-s3cret")],
        &["--env", "dev", "--state", "success", "--create"],
    )
    .exits(5)
    .says("deployments: write");
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
fn an_old_deployment_of_gitlab_does_not_stop_the_environment_of_a_newer_one() {
    let lab = Lab::new();
    let create = ["--env", "prod", "--state", "success", "--create"];
    lab.run(&create).exits(0);
    let newer = lab.fake.person_commits(REPO, "main", "a", "3");
    lab.run(&[&create[..], &["--sha", &newer, "--ref", "main"]].concat())
        .exits(0);
    let old = lab.fake.deployments(REPO)[0]["id"].to_string();
    for which in [["--sha", &lab.sha], ["--deployment-id", &old]] {
        let end = ["--env", "prod", "--state", "inactive", "--format", "json"];
        let run = lab
            .run(&[&end[..], &which].concat())
            .exits(0)
            .says("was superseded by deployment");
        assert_eq!(run.json()["operation"], json!("skipped"));
        assert_eq!(lab.fake.environments(REPO)[0]["state"], json!("available"));
    }
    lab.run(&["--env", "prod", "--state", "inactive", "--sha", &newer])
        .exits(0);
    assert_eq!(lab.fake.environments(REPO)[0]["state"], json!("stopped"));
}

#[test]
fn argo_cds_template_sends_only_fields_that_are_read() {
    let read = [
        "repo",
        "environment",
        "ref",
        "branch_slug",
        "sha",
        "health",
        "sync",
        "state",
        "environment_url",
        "log_url",
        "description",
    ];
    let template = include_str!("../examples/argo-cd/notifications.yaml");
    let payloads: Vec<&str> = template.split("\"client_payload\": {").skip(1).collect();
    assert_eq!(payloads.len(), 3);
    for payload in payloads {
        let lines = payload
            .lines()
            .skip(1)
            .map_while(|line| line.trim().strip_prefix('"'));
        let names: Vec<&str> = lines.filter_map(|line| line.split('"').next()).collect();
        assert!((4..=10).contains(&names.len()), "{names:?}");
        assert!(names.iter().all(|name| read.contains(name)), "{names:?}");
    }
}
