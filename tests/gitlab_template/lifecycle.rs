//! The pipelines to begin with that preview, release, check and watch: their jobs run with the tokens that they ask for.

use serde_json::{Value, json};

use super::job::Ended;
use super::lab::{APP, CONFIG, Lab, NO_JOB_TOKEN, NO_TOKEN};
use super::pipeline::{self, Pipeline};
use crate::support::git_server::git_says;
use crate::support::gitlab::Grant;
use crate::support::registry::FakeRegistry;

/// What CI says of a push to the default branch.
const MAIN: [(&str, &str); 3] = [
    ("CI_COMMIT_TAG", ""),
    ("CI_COMMIT_BRANCH", "main"),
    ("CI_COMMIT_REF_NAME", "main"),
];

fn example(name: &str) -> String {
    pipeline::ours(&format!("examples/gitlab/{name}.gitlab-ci.yml"))
}

/// The jobs that run in a pipeline of this kind.
fn running(name: &str, variables: &[(&str, &str)]) -> Vec<String> {
    let variables = [variables, &[("CI_DEFAULT_BRANCH", "main")]].concat();
    let mut jobs = Pipeline::read(&example(name)).unwrap().running(&variables);
    jobs.sort();
    jobs
}

fn source(source: &str) -> [(&str, &str); 1] {
    [("CI_PIPELINE_SOURCE", source)]
}

/// The variables that a job hands to those that need it.
fn handed(ended: &Ended) -> Vec<(&str, &str)> {
    ended
        .dotenv
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect()
}

#[test]
fn the_config_repo_is_checked_in_a_merge_request_and_needs_no_token() {
    assert_eq!(running("config-check", &source("merge_request_event")), ["check"]);
    assert_eq!(
        running("config-check", &[&MAIN[..], &source("push")].concat()),
        ["check"]
    );
    assert!(running("config-check", &source("schedule")).is_empty());
    for (values, code, findings) in [
        ("image: {repository: ghcr.io/acme/web, tag: '1'}\n", 0, 0),
        ("image: {}\n", 2, 1),
    ] {
        let lab = Lab::new();
        let policy = lab.fake.file(CONFIG, "main", ".gitops-steps.yaml").unwrap();
        lab.bench.write(".gitops-steps.yaml", &policy);
        lab.bench.write("web/dev-values.yaml", values);
        lab.bench.write(
            "web/prod-values.yaml",
            "image: {repository: ghcr.io/acme/web, tag: '1'}\n",
        );
        let settings = [NO_TOKEN, NO_JOB_TOKEN];
        let ended = lab.runs_job(&example("config-check"), "check", &settings, &[]);
        ended.run.exits(code);
        let report: Value = serde_json::from_str(&lab.bench.read("gl-code-quality-report.json")).unwrap();
        assert_eq!(report.as_array().unwrap().len(), findings, "{report}");
    }
    let pipeline = Pipeline::read(&example("config-check")).unwrap();
    let artifacts = &pipeline.job("check").unwrap()["artifacts"];
    assert_eq!(artifacts["reports"]["codequality"], "gl-code-quality-report.json");
    assert_eq!(artifacts["when"], "always");
}

#[test]
fn what_the_registry_has_is_brought_to_dev_on_a_schedule() {
    let registry = FakeRegistry::start();
    for (hour, tag) in ["1.0.0", "1.1.0"].iter().enumerate() {
        let digest = registry.put_image("amd64", &format!("2026-11-20T{hour:02}:00:00Z"));
        registry.tag(tag, &digest);
    }
    let lab = Lab::new();
    let policy = format!(
        "version: 1\napps:\n  web:\n    image: {}\n    environments:\n      dev:\n        auto-deploy: on\n        \
         select: {{constraint: ^1}}\n        targets: [{{file: web/dev-values.yaml}}]\n",
        registry.image()
    );
    let values = |tag: &str| format!("image:\n  repository: {}\n  tag: \"{tag}\"\n", registry.image());
    lab.fake
        .person_commits(CONFIG, "main", ".gitops-steps.yaml", &policy);
    lab.fake
        .person_commits(CONFIG, "main", "web/dev-values.yaml", &values("1.0.0"));
    for (source, operation) in [("schedule", "updated"), ("web", "unchanged")] {
        let started = [
            &MAIN[..],
            &[("CI_PROJECT_PATH", CONFIG), ("CI_PIPELINE_SOURCE", source)],
        ]
        .concat();
        let ended = lab.runs_with(&example("image-watch"), &started, &[]);
        assert_eq!(ended.dotenv["GITOPS_OPERATION"], operation);
        ended.run.exits(0);
        assert_eq!(lab.dev(), values("1.1.0"));
    }
}

#[test]
fn a_labelled_merge_request_gets_a_preview_and_loses_it_with_the_label() {
    let lab = Lab::new();
    lab.fake.branch(APP, "feature/a", "main");
    let tip = lab.fake.person_commits(APP, "feature/a", "a", "1");
    let iid = lab.fake.open_merge_request(APP, "feature/a", "A", "ann");
    lab.fake.label(APP, iid, &["preview"]);
    let number = iid.to_string();
    let settings = [
        NO_TOKEN,
        ("CI_PIPELINE_SOURCE", "merge_request_event"),
        ("CI_MERGE_REQUEST_IID", &number),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "feature/a"),
        ("CI_MERGE_REQUEST_LABELS", "bug,preview"),
        ("CI_MERGE_REQUEST_PROJECT_PATH", APP),
        ("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH", APP),
        ("CI_COMMIT_SHA", &tip),
        ("CI_COMMIT_TAG", ""),
        ("CI_COMMIT_REF_NAME", "feature/a"),
    ];
    assert_eq!(
        running("integration", &settings),
        ["build", "failed", "preview", "test"]
    );
    let unlabelled = [
        &source("merge_request_event")[..],
        &[("CI_MERGE_REQUEST_LABELS", "bug,no-preview")],
    ]
    .concat();
    assert_eq!(running("integration", &unlabelled), ["test"]);
    assert_eq!(running("integration", &source("trigger")), ["end"]);
    assert_eq!(running("integration", &source("schedule")), ["clean"]);

    let integration = example("integration");
    let up = lab.runs_job(&integration, "preview", &settings, &[]);
    assert_eq!(up.dotenv["GITOPS_OPERATION"], "created");
    assert_eq!(
        up.dotenv["GITOPS_ENVIRONMENT_URL"],
        "https://feature-a.preview.example.com"
    );
    let told = |lab: &Lab| lab.fake.deployments(APP)[0]["status"].clone();
    assert_eq!(told(&lab), "running");
    let after = [&settings[..], &handed(&up)].concat();
    lab.runs_job(&integration, "failed", &after, &[]).run.exits(0);
    assert_eq!(told(&lab), "failed");
    up.run.exits(0);

    // The webhook tells that the label went.
    lab.fake.label(APP, iid, &["bug"]);
    let event = json!({
        "object_kind": "merge_request", "project": {"path_with_namespace": APP}, "labels": [{"title": "bug"}],
        "object_attributes": {
            "iid": iid, "state": "opened", "source_branch": "feature/a", "target_branch": "main",
            "source_project_id": 1, "target_project_id": 1, "last_commit": {"id": tip},
        },
    });
    let event = lab.bench.write_beside("event.json", &event.to_string());
    let trigger = [("TRIGGER_PAYLOAD", event.as_str())];
    let by_webhook = [&MAIN[..], &[NO_TOKEN], &source("trigger")].concat();
    for operation in ["removed", "unchanged"] {
        let down = lab.runs_with(&integration, &by_webhook, &trigger);
        let said = &down.dotenv["GITOPS_CHANGED"];
        assert_eq!(said == "true", operation == "removed", "{:?}", down.dotenv);
        down.run.exits(0);
        assert_eq!(lab.fake.environments(APP)[0]["state"], "stopped");
    }
    let on_schedule = [&MAIN[..], &[NO_TOKEN], &source("schedule")].concat();
    lab.runs_with(&integration, &on_schedule, &[]).run.exits(0);
}

/// A pipeline of a push, whose build has pushed an image.
fn pushed<'a>(lab: &'a Lab, digest: &'a str) -> Vec<(&'a str, &'a str)> {
    lab.fake
        .token(RELEASER, Grant::everything("releaser").only(&[APP]));
    let more = [NO_TOKEN, ("RELEASE_TOKEN", RELEASER), ("IMAGE_DIGEST", digest)];
    [&MAIN[..], &more, &[("CI_COMMIT_SHA", &lab.sha)]].concat()
}

/// The token of the app's project that its settings hold.
const RELEASER: &str = "glpat-s3cret-of-the-releaser";

#[test]
fn a_push_is_released_and_handed_over_for_both_environments() {
    let lab = Lab::new();
    let digest = format!("sha256:{}", "4".repeat(64));
    let settings = pushed(&lab, &digest);
    let push = [&settings[..], &source("push")].concat();
    assert_eq!(
        running("deployment", &push),
        [
            "build",
            "deploy",
            "failed",
            "name",
            "production",
            "publish",
            "sandbox",
            "tag"
        ]
    );
    let deployment = example("deployment");
    for job in ["production", "sandbox"] {
        lab.runs_job(&deployment, job, &settings, &[]).run.exits(0);
    }
    let states: Vec<String> = lab
        .fake
        .deployments(APP)
        .iter()
        .map(|one| format!("{} {}", one["environment"]["name"], one["sha"]))
        .collect();
    assert_eq!(
        states,
        [
            format!("\"production\" \"{}\"", lab.sha),
            format!("\"sandbox\" \"{}\"", lab.sha)
        ]
    );

    for operation in ["created", "unchanged"] {
        let tag = lab.runs_job(&deployment, "tag", &settings, &[]);
        assert_eq!(tag.dotenv["GITOPS_OPERATION"], operation, "{}", tag.run.stderr);
        assert_eq!(tag.dotenv["GITOPS_NEW"], "0.1.0");
        let after = [&settings[..], &handed(&tag)].concat();
        lab.runs_job(&deployment, "publish", &after, &[]).run.exits(0);
        assert_eq!(lab.fake.releases(APP).len(), 1);
        lab.runs_job(&deployment, "deploy", &after, &[]).run.exits(0);
    }
    let sent: Value = serde_json::from_str(&lab.fake.trigger_payload(CONFIG).unwrap()).unwrap();
    let text = sent.to_string();
    for part in ["production", "0.1.0", &digest] {
        assert!(text.contains(part), "{text}");
    }
    assert_eq!(lab.fake.pipelines(CONFIG).len(), 4);
}

#[test]
fn an_older_push_that_ends_late_is_neither_published_nor_deployed() {
    let lab = Lab::new();
    let newer = lab.fake.person_commits(APP, "main", "main.rs", "3");
    git_says(&lab.fake.path(APP), &["tag", "v1.0.0", &newer]);
    let settings = pushed(&lab, "sha256:none");
    let deployment = example("deployment");
    let tag = lab.runs_job(&deployment, "tag", &settings, &[]);
    assert_eq!(tag.dotenv["GITOPS_OPERATION"], "superseded");
    let after = [&settings[..], &handed(&tag)].concat();
    for job in ["publish", "deploy"] {
        lab.runs_job(&deployment, job, &after, &[]).run.exits(0);
    }
    assert!(lab.fake.releases(APP).is_empty());
    assert!(lab.fake.pipelines(CONFIG).is_empty());
}

#[test]
fn a_build_that_fails_ends_the_deployments_that_wait_for_it() {
    let lab = Lab::new();
    let settings = pushed(&lab, "");
    let deployment = example("deployment");
    lab.runs_job(&deployment, "production", &settings, &[])
        .run
        .exits(0);
    // The other one could not be recorded.
    lab.runs_job(&deployment, "failed", &settings, &[]).run.exits(0);
    let deployments = lab.fake.deployments(APP);
    assert_eq!(deployments.len(), 1);
    assert_eq!(deployments[0]["status"], "failed");
}
