//! What `deployment-status --wait-for` waits for, and what it records.

use crate::support::argocd::{self, ArgoCd, application};
use crate::support::cli::Run;
use crate::support::gitlab;
use crate::support::jobs::{Hub, REPO};
use serde_json::json;

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
fn waiting_that_ends_with_its_time_is_an_error_and_not_in_progress_for_ever() {
    let hub = Hub::new();
    let argocd = ArgoCd::showing(&[application("Synced", "Progressing", "Succeeded", &hub.sha)]);
    waiting(&hub, &argocd, &["--timeout", "1s"])
        .exits(6)
        .says("it is Progressing");
    assert_eq!(hub.states(), ["dev: in_progress error"]);
    let said = &hub.fake.deployments(REPO)[0]["statuses"][1]["description"];
    assert!(said.as_str().unwrap().contains("it is Progressing"), "{said}");
}

#[test]
fn argo_cds_word_is_recorded_where_it_turns_us_away_in_the_middle() {
    let hub = Hub::new();
    let going = application("Synced", "Progressing", "Running", &hub.sha);
    let argocd = ArgoCd::showing(&[going.clone(), going, json!("a login page")]);
    let run = waiting(&hub, &argocd, &[]).exits(5).says("ARGOCD_SERVER");
    assert!(!run.stderr.contains("--api-url"), "{}", run.stderr);
    assert_eq!(hub.states(), ["dev: in_progress error"]);
    // What never answers as Argo CD is never recorded.
    waiting(&hub, &argocd, &[]).exits(5);
    assert_eq!(hub.states().len(), 1);
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
    let elsewhere = ArgoCd::showing(&[json!({ "redirect": "http://login.example/" })]);
    let variables = [
        ("ARGOCD_SERVER", elsewhere.url()),
        ("ARGOCD_AUTH_TOKEN", argocd::TOKEN.to_owned()),
    ];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let run = hub
        .run_with(&variables, &[&flags[..], &["argocd:web"]].concat())
        .exits(5)
        .says("login.example")
        .says("set ARGOCD_SERVER");
    assert!(!run.stderr.contains("--config-repo"), "{}", run.stderr);
    wait("wrong", "argocd:web").exits(5).says("ARGOCD_AUTH_TOKEN");
    wait(argocd::TOKEN, "argocd:api@team")
        .exits(3)
        .says("no application `api`");
    assert!(argocd.looks().last().unwrap().contains("appNamespace=team"));
    hub.run(&[&flags[..], &["argocd:web"]].concat())
        .exits(2)
        .says("ARGOCD_SERVER");
    assert_eq!(hub.states().len(), 0);
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

#[test]
fn a_config_repo_on_another_forge_never_sees_the_apps_token() {
    let hub = Hub::new();
    let lab = gitlab::Fake::start();
    lab.repo("acme/deploy", &[("a", "1")]);
    lab.token("lab-s3cret", gitlab::Grant::everything("ann").read_only());
    let wanted = lab.person_commits("acme/deploy", "main", "a", "2");
    let synced = lab.person_commits("acme/deploy", "main", "a", "3");
    let argocd = ArgoCd::showing(&[application("Synced", "Healthy", "Succeeded", &synced)]);
    let (server, root, api) = (argocd.url(), lab.api_url(), hub.fake.api_url());
    let (lab_url, port) = (lab.url(), lab.port());
    let variables = [
        ("ARGOCD_SERVER", server.as_str()),
        ("ARGOCD_AUTH_TOKEN", argocd::TOKEN),
        ("GITOPS_STEPS_TOKEN", "t0k-s3cret"),
        ("CI_API_V4_URL", &root),
        ("CI_SERVER_URL", &lab_url),
        ("CI_SERVER_HOST", "127.0.0.1"),
        ("CI_SERVER_PROTOCOL", "http"),
        ("CI_SERVER_PORT", &port),
        ("GITLAB_TOKEN", "lab-s3cret"),
    ];
    let flags = [
        "--env",
        "dev",
        "--if-missing",
        "create",
        "--wait-for",
        "argocd:web",
        "--settle",
        "200ms",
        "--timeout",
        "20s",
        "--api-url",
        &api,
        "--config-repo",
        "gitlab:acme/deploy",
        "--revision",
        &wanted,
    ];
    hub.run_with(&variables, &flags).exits(0);
    assert_eq!(hub.states(), ["dev: in_progress success"]);
    assert!(!lab.requests().is_empty());
    assert!(!format!("{:?}", lab.requests()).contains("t0k-s3cret"));
}
