//! Each command, as a step of a workflow gives it: inputs in, outputs and summary out.

use serde_json::{Value, json};

use super::runner::Job;
use crate::support::github::{Fake, Grant, Workflow};
use crate::support::secret;

/// The config repo, whose workflow the job is of.
pub const CONFIG: &str = "acme/deploy";
/// The app's repository.
pub const SOURCE: &str = "acme/web";
pub const TOKEN: &str = "s3cret-of-the-bot";
pub const JOB_TOKEN: &str = "s3cret-of-the-job";
const VALUES: &str = "image:\n  repository: ghcr.io/acme/web\n  tag: \"1.0.0\"   # by CI\n";
const POLICY: &str = "\
version: 1
apps:
  web:
    image: ghcr.io/acme/web
    source: [acme/web]
    environments:
      dev: {auto-deploy: on, targets: [{file: web/dev-values.yaml, path: image}]}
      prod: {auto-deploy: off, promote-from: dev, targets: [{file: web/prod-values.yaml, path: image}]}
";

/// A GitHub with both repositories, and a job of the config repo there.
pub fn job_at_github() -> (Fake, Job) {
    let hub = Fake::start();
    let files = [
        (".gitops-steps.yaml", POLICY),
        ("web/dev-values.yaml", VALUES),
        ("web/prod-values.yaml", VALUES),
    ];
    hub.repo(CONFIG, &files);
    hub.repo(SOURCE, &[("main.rs", "1")]);
    hub.workflow(CONFIG, Workflow::on_event("deploy.yml", "deploy-image"));
    hub.token(TOKEN, Grant::person("bot"));
    hub.token(JOB_TOKEN, Grant::workflow(CONFIG));
    let mut job = Job::new();
    JOB_TOKEN.clone_into(&mut job.token);
    job.set("GITHUB_API_URL", &hub.api_url());
    job.set("GITHUB_GRAPHQL_URL", &hub.graphql_url());
    job.set("GITHUB_SERVER_URL", hub.url());
    job.set("GITHUB_SHA", &hub.tip(SOURCE, "main").unwrap());
    (hub, job)
}

fn dev(hub: &Fake) -> String {
    hub.file(CONFIG, "main", "web/dev-values.yaml").unwrap()
}

#[test]
fn bump_values_changes_a_config_repo_elsewhere() {
    let (hub, job) = job_at_github();
    let with = [
        ("command", "bump-values"),
        ("config-repo", "github:acme/deploy"),
        ("token", TOKEN),
        ("app", "web"),
        ("env", "dev"),
        ("tag", "1.1.0"),
    ];
    let done = job.uses(&with).exits(0);
    assert_eq!(dev(&hub), VALUES.replace("1.0.0", "1.1.0"));
    let outputs = &done.outputs;
    assert_eq!(
        (&*outputs["changed"], &*outputs["operation"]),
        ("true", "updated")
    );
    assert_eq!((&*outputs["old"], &*outputs["new"]), ("1.0.0", "1.1.0"));
    assert_eq!(outputs["files"], "web/dev-values.yaml");
    assert_eq!(Some(&outputs["commit"]), hub.tip(CONFIG, "main").as_ref());
    assert!(done.summary.contains("web/dev-values.yaml"), "{}", done.summary);
    assert!(done.path.is_empty());

    let again = job.uses(&with).exits(0);
    assert_eq!(again.outputs["changed"], "false");
    assert_eq!(again.outputs["operation"], "unchanged");
}

#[test]
fn open_promotion_pr_opens_a_request_with_the_token_of_the_job() {
    let (hub, job) = job_at_github();
    let promoted = VALUES.replace("1.0.0", "1.1.0");
    hub.person_commits(CONFIG, "main", "web/dev-values.yaml", &promoted);
    let with = [
        ("command", "open-promotion-pr"),
        ("config-repo", "github:acme/deploy"),
        ("app", "web"),
        ("env", "prod"),
        ("label", "promotion\n\nprod\n"),
    ];
    let done = job.uses(&with).exits(0);
    assert_eq!(done.outputs["operation"], "created");
    assert_eq!(done.outputs["pr-number"], "1");
    assert!(done.outputs["pr-url"].ends_with("/1"), "{:?}", done.outputs);
    assert_eq!(hub.pulls(CONFIG)[0]["labels"], json!(["promotion", "prod"]));
    assert_eq!(
        hub.file(CONFIG, "promote/prod/web", "web/prod-values.yaml")
            .unwrap(),
        promoted
    );
}

#[test]
fn dispatch_deploy_hands_over_what_was_built() {
    let (hub, mut job) = job_at_github();
    job.set("GITHUB_REPOSITORY", SOURCE);
    let with = [
        ("command", "dispatch-deploy"),
        ("to", "github:acme/deploy"),
        ("token", TOKEN),
        ("app", "web"),
        ("env", "dev"),
        ("tag", "1.1.0"),
    ];
    let done = job.uses(&with).exits(0);
    assert_eq!(done.outputs["operation"], "created");
    let event = &hub.events(CONFIG)[0];
    assert!(event.to_string().contains("deploy-image"), "{event}");
    assert!(event.to_string().contains("1.1.0"), "{event}");
}

#[test]
fn deployment_status_records_a_deployment() {
    let (hub, mut job) = job_at_github();
    job.set("GITHUB_REPOSITORY", SOURCE);
    hub.token("s3cret-of-the-job-of-web", Grant::workflow(SOURCE));
    "s3cret-of-the-job-of-web".clone_into(&mut job.token);
    let with = [
        ("command", "deployment-status"),
        ("env", "dev"),
        ("state", "success"),
        ("if-missing", "create"),
    ];
    let done = job.uses(&with).exits(0);
    let deployments: Vec<Value> = hub.deployments(SOURCE);
    assert_eq!(deployments[0]["environment"], "dev");
    assert_eq!(deployments[0]["statuses"][0]["state"], "success");
    assert_eq!(done.outputs["deployment-id"], deployments[0]["id"].to_string());
}

#[test]
fn a_directory_is_edited_in_place() {
    let job = Job::new();
    job.write("values.yaml", VALUES);
    let done = job
        .uses(&[
            ("command", "bump-values"),
            ("file", "values.yaml"),
            ("set", "image.tag=1.1.0\nimage.repository=ghcr.io/acme/api"),
        ])
        .exits(0);
    let expected = VALUES.replace("1.0.0", "1.1.0").replace("acme/web", "acme/api");
    assert_eq!(job.read("values.yaml"), expected);
    assert_eq!(done.outputs["changed"], "true");
}

#[test]
fn a_failing_command_fails_the_step_and_its_outputs_say_why() {
    let job = Job::new();
    job.write("values.yaml", VALUES);
    for (code, operation, with) in [
        (
            3,
            "failed",
            &[("file", "values.yaml"), ("set", "nope.nope=1")][..],
        ),
        (
            4,
            "refused",
            &[("file", "../values.yaml"), ("set", "image.tag=1")],
        ),
        (
            2,
            "failed",
            &[("file", "values.yaml"), ("set", "image.tag=1"), ("all", "maybe")],
        ),
        (2, "failed", &[]),
    ] {
        let with = [&[("command", "bump-values")], with].concat();
        let done = job.uses(&with).exits(code).says("::error");
        assert_eq!(done.outputs["operation"], operation, "{with:?}");
        assert_eq!(done.outputs["changed"], "false", "{with:?}");
        assert_ne!(done.outputs["reason"], "", "{with:?}");
    }
    assert_eq!(job.read("values.yaml"), VALUES);
}

#[test]
fn a_command_that_is_missing_or_misspelt_is_told_with_those_that_there_are() {
    let job = Job::new();
    for command in ["", "bump", "--help"] {
        job.uses(&[("command", command)])
            .exits(2)
            .says("bump-values")
            .says("hint");
    }
}

#[test]
fn a_variable_of_the_workflow_stands_in_for_an_input_and_an_input_wins() {
    let mut job = Job::new();
    job.write("values.yaml", VALUES);
    job.env.insert("GITOPS_STEPS_FILE".into(), "values.yaml".into());
    job.env
        .insert("GITOPS_STEPS_SET".into(), "image.tag=1.1.0".into());
    job.uses(&[("command", "bump-values")]).exits(0);
    assert_eq!(job.read("values.yaml"), VALUES.replace("1.0.0", "1.1.0"));
    job.uses(&[("command", "bump-values"), ("set", "image.tag=1.2.0")])
        .exits(0);
    assert_eq!(job.read("values.yaml"), VALUES.replace("1.0.0", "1.2.0"));
}

#[test]
fn install_puts_the_binary_on_the_path_and_runs_nothing() {
    let job = Job::new();
    for command in ["install", "Install", "install\n", " install "] {
        let done = job.uses(&[("command", command)]).exits(0);
        let folder = std::path::Path::new(env!("CARGO_BIN_EXE_gitops-steps"))
            .parent()
            .unwrap();
        assert_eq!(done.path, [folder.to_str().unwrap()]);
        assert_eq!(done.outputs["operation"], "");
    }
}

#[test]
fn the_token_of_the_job_goes_to_its_own_github_only() {
    let (hub, job) = job_at_github();
    let elsewhere = Fake::start();
    elsewhere.repo(CONFIG, &[("values.yaml", VALUES)]);
    let url = elsewhere.git_url(CONFIG);
    let done = job.uses(&[
        ("command", "bump-values"),
        ("config-repo", &url),
        ("file", "values.yaml"),
        ("set", "image.tag=1.1.0"),
    ]);
    assert_ne!(done.code, 0, "{}", done.log);
    secret::is_absent(&elsewhere.server().authorizations().join("\n"));
    assert!(hub.requests().is_empty());
}
