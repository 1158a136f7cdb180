//! The GitLab template and the components, run as GitLab would run them, against a GitLab of the tests.
#![cfg(unix)]

mod inputs;
mod installer;
mod job;
mod lab;
mod lifecycle;
mod pipeline;

use lab::{APP, CONFIG, DEV, Lab, NO_TOKEN, both};
use pipeline::Pipeline;
use serde_json::{Value, json};

#[test]
fn bump_values_lands_a_tag_in_dev() {
    let inputs =
        json!({"config-repo": "gitlab:acme/deploy", "app": "web", "env": "dev", "tag": "$CI_COMMIT_TAG"});
    for pipeline in both("bump-values", &inputs) {
        let lab = Lab::new();
        let ended = lab.runs(&pipeline);
        ended.run.exits(0);
        assert_eq!(lab.dev(), DEV.replace("1.1.0", "1.5.0"));
        assert_eq!(ended.dotenv["GITOPS_CHANGED"], "true");
        assert_eq!(ended.dotenv["GITOPS_NEW"], "1.5.0");
        let page = pipeline::ours("docs/gitlab.md");
        for name in ended.dotenv.keys() {
            assert!(
                page.contains(&format!("`{name}`")),
                "the page lacks the output {name}"
            );
        }
        let result: Value = serde_json::from_str(&lab.bench.read("gitops-steps.json")).unwrap();
        assert_eq!(result["operation"], "updated");
    }
}

#[test]
fn open_promotion_pr_opens_a_merge_request() {
    let inputs = json!({
        "config-repo": "gitlab:acme/deploy", "app": "web", "env": "prod", "label": "deploy\npromotion\n",
        "draft": true,
    });
    for pipeline in both("open-promotion-pr", &inputs) {
        let lab = Lab::new();
        let ended = lab.runs(&pipeline);
        ended.run.exits(0);
        let requests = lab.fake.merge_requests(CONFIG);
        assert_eq!(requests[0]["labels"], json!(["deploy", "promotion"]));
        assert_eq!(requests[0]["draft"], true);
        assert_eq!(
            ended.dotenv["GITOPS_PR_URL"],
            requests[0]["web_url"].as_str().unwrap()
        );
    }
}

#[test]
fn dispatch_deploy_starts_the_config_repo_and_bump_values_reads_its_event() {
    let sent = json!({"to": "gitlab:acme/deploy", "ref": "main", "app": "web", "env": "dev", "tag": "$CI_COMMIT_TAG"});
    for (send, receive) in both("dispatch-deploy", &sent).into_iter().zip(both(
        "bump-values",
        &json!({"config-repo": "gitlab:acme/deploy", "from-event": "auto"}),
    )) {
        let lab = Lab::new();
        // The job's own token starts the pipeline; none is to be set up.
        lab.runs_with(&send, &[NO_TOKEN], &[]).run.exits(0);
        let payload = lab.fake.trigger_payload(CONFIG).unwrap();
        let payload = lab.bench.write_beside("payload.json", &payload);
        let trigger = [("TRIGGER_PAYLOAD", payload.as_str())];
        lab.runs_with(&receive, &[("CI_PROJECT_PATH", CONFIG)], &trigger)
            .run
            .exits(0);
        assert_eq!(lab.dev(), DEV.replace("1.1.0", "1.5.0"));
    }
}

#[test]
fn deployment_status_records_a_deployment_and_its_job_is_linked_to_the_environment() {
    let inputs = json!({"env": "dev", "state": "success", "create": true});
    for pipeline in both("deployment-status", &inputs) {
        let lab = Lab::new();
        let settings = [NO_TOKEN, ("CI_COMMIT_REF_NAME", "main")];
        lab.runs_with(&pipeline, &settings, &[]).run.exits(0);
        let deployments = lab.fake.deployments(APP);
        assert_eq!(deployments.len(), 1);
        assert_eq!(deployments[0]["environment"]["name"], "dev");
        assert_eq!(deployments[0]["status"], "success");
    }
    let [component, _] = both("deployment-status", &inputs);
    let job = Pipeline::read(&component)
        .unwrap()
        .job("deployment-status")
        .unwrap();
    assert_eq!(job["environment"]["name"], "dev");
    assert_eq!(
        job["environment"]["action"], "verify",
        "the job itself deploys nothing"
    );
}

#[test]
fn a_job_extends_the_template_with_variables() {
    let pipeline = "
include: {local: /gitlab-ci-template.yml}
bump:
  extends: .gitops-steps-bump-values
  variables:
    GITOPS_STEPS_CONFIG_REPO: gitlab:acme/deploy
    GITOPS_STEPS_APP: web
    GITOPS_STEPS_ENV: dev
    GITOPS_STEPS_TAG: v$CI_COMMIT_TAG
";
    let lab = Lab::new();
    lab.runs(pipeline).run.exits(0);
    assert_eq!(lab.dev(), DEV.replace("1.1.0", "v1.5.0"));
}

#[test]
fn a_failure_keeps_its_exit_code_and_its_report() {
    let inputs = json!({"config-repo": "gitlab:acme/deploy", "app": "web", "env": "nowhere", "tag": "1.5.0"});
    for pipeline in both("bump-values", &inputs) {
        let lab = Lab::new();
        let ended = lab.runs(&pipeline);
        ended.run.exits(3);
        assert_eq!(ended.dotenv["GITOPS_OPERATION"], "failed");
        assert!(
            ended.dotenv["GITOPS_REASON"].contains("nowhere"),
            "{:?}",
            ended.dotenv
        );
    }
}

#[test]
fn the_readme_carries_a_tag_to_dev_in_under_ten_lines() {
    let readme = pipeline::ours("README.md");
    let snippet = blocks(&readme).find(|block| block.contains("gitlab-ci-template.yml"));
    let snippet = snippet.expect("the README shows no pipeline for GitLab");
    assert!(snippet.lines().count() < 10, "{snippet}");
    // A trigger's variables would override the job's own.
    for (source, running) in [
        ("push", &["gitops-steps"][..]),
        ("trigger", &[]),
        ("pipeline", &[]),
    ] {
        let main = [
            ("CI_COMMIT_BRANCH", "main"),
            ("CI_DEFAULT_BRANCH", "main"),
            ("CI_PIPELINE_SOURCE", source),
        ];
        assert_eq!(
            Pipeline::read(snippet).unwrap().running(&main),
            running,
            "{source}"
        );
    }
    let lab = Lab::new();
    let main = [("CI_COMMIT_BRANCH", "main"), ("CI_COMMIT_TAG", "")];
    lab.runs_with(snippet, &main, &[]).run.exits(0);
    assert!(
        lab.dev().contains(&format!("tag: {} # written by CI", lab.sha)),
        "{}",
        lab.dev()
    );
}

#[test]
fn every_pipeline_that_the_pages_show_is_taken() {
    let mut read = 0;
    for page in ["README.md", "docs/gitlab.md"] {
        let text = pipeline::ours(page);
        for block in blocks(&text).filter(|block| block.contains("include:") || block.contains("script:")) {
            Pipeline::read(block).unwrap_or_else(|error| panic!("{page}: {error}\n{block}"));
            read += 1;
        }
    }
    assert!(read > 8, "only {read} were found");
}

/// The YAML that a page shows.
fn blocks(page: &str) -> impl Iterator<Item = &str> {
    let fenced = page.split("```yaml").skip(1);
    fenced.filter_map(|rest| Some(rest.split("```").next()?.split_once('\n')?.1))
}

#[test]
fn the_examples_carry_a_build_to_dev_and_promote_it() {
    let example = |name: &str| pipeline::ours(&format!("examples/gitlab/{name}.gitlab-ci.yml"));
    let lab = Lab::new();
    let digest = format!("sha256:{}", "4".repeat(64));
    let main = [
        ("CI_COMMIT_TAG", ""),
        ("CI_COMMIT_BRANCH", "main"),
        ("CI_COMMIT_REF_NAME", "main"),
    ];

    // No token in the app's project; the digest comes from the build's dotenv report.
    let build = [&main[..], &[NO_TOKEN, ("GITOPS_STEPS_DIGEST", &digest)]].concat();
    let app_ci = example("app-ci");
    let jobs = Pipeline::read(&app_ci).unwrap();
    assert_eq!(
        jobs.running(&[("CI_COMMIT_BRANCH", "main"), ("CI_DEFAULT_BRANCH", "main")]),
        ["deploy", "test", "build"]
    );
    let sent = lab.runs_job(&app_ci, "deploy", &build, &[]);
    sent.run.exits(0);

    let payload = lab.fake.trigger_payload(CONFIG).unwrap();
    let payload = lab.bench.write_beside("payload.json", &payload);
    let trigger = [("TRIGGER_PAYLOAD", payload.as_str())];
    for source in ["pipeline", "trigger"] {
        let started = [
            &main[..],
            &[("CI_PROJECT_PATH", CONFIG), ("CI_PIPELINE_SOURCE", source)],
        ]
        .concat();
        lab.runs_with(&example("config-deploy"), &started, &trigger)
            .run
            .exits(0);
    }
    assert!(
        lab.dev().contains(&format!("tag: {} # written by CI", lab.sha)),
        "{}",
        lab.dev()
    );
    assert!(lab.dev().contains(&digest), "{}", lab.dev());

    for source in ["push", "schedule", "web"] {
        let started = [
            &main[..],
            &[("CI_PROJECT_PATH", CONFIG), ("CI_PIPELINE_SOURCE", source)],
        ]
        .concat();
        lab.runs_with(&example("promote"), &started, &[]).run.exits(0);
    }
    let requests = lab.fake.merge_requests(CONFIG);
    assert_eq!(requests.len(), 1, "one request, whoever asked");
    assert!(requests[0]["description"].as_str().unwrap().contains(&lab.sha));

    // As somebody fills in the form of a new pipeline.
    let rollback = example("rollback")
        .replace("description: App, as the policy names it", "default: web")
        .replace("default: prod", "default: dev");
    let started = [
        &main[..],
        &[("CI_PROJECT_PATH", CONFIG), ("CI_PIPELINE_SOURCE", "web")],
    ]
    .concat();
    lab.runs_with(&rollback, &started, &[]).run.exits(0);
    assert!(!lab.dev().contains(&lab.sha), "{}", lab.dev());
}
