//! What inputs may hold, and what pipeline they make.

use serde_json::{Value, json};

use super::lab::{CONFIG, Lab, both};
use super::pipeline::Pipeline;

/// Each takes an `env`.
const COMMANDS: [&str; 5] = [
    "bump-values",
    "open-promotion-pr",
    "dispatch-deploy",
    "deployment-status",
    "rollback",
];

#[test]
fn the_template_without_a_command_brings_no_job_whatever_stages_there_are() {
    let pipeline = "
stages: [build]
include: {local: /gitlab-ci-template.yml}
make: {stage: build, script: [make]}
";
    let running = Pipeline::read(pipeline)
        .unwrap()
        .running(&[("CI_PIPELINE_SOURCE", "push")]);
    assert_eq!(running, ["make"]);
}

#[test]
fn a_job_is_in_the_stage_that_is_named_and_that_has_to_exist() {
    for command in COMMANDS {
        for pipeline in both(
            command,
            &json!({"env": "dev", "stage": "release", "job-name": "x"}),
        ) {
            let mut pipeline: Value = serde_json::from_str(&pipeline).unwrap();
            pipeline["stages"] = json!(["build", "release"]);
            let read = Pipeline::read(&pipeline.to_string()).unwrap();
            assert_eq!(read.running(&[]), ["x"]);
            assert_eq!(read.job("x").unwrap()["stage"], "release");
            pipeline["stages"] = json!(["build"]);
            let error = Pipeline::read(&pipeline.to_string()).unwrap_err();
            assert!(error.contains("chosen stage release does not exist"), "{error}");
        }
    }
}

#[test]
fn a_job_runs_where_one_without_rules_would() {
    for pipeline in both("deployment-status", &json!({"env": "dev"})) {
        let pipeline = Pipeline::read(&pipeline).unwrap();
        for (source, count) in [("push", 1), ("merge_request_event", 0), ("trigger", 1)] {
            assert_eq!(
                pipeline.running(&[("CI_PIPELINE_SOURCE", source)]).len(),
                count,
                "{source}"
            );
        }
    }
}

#[test]
fn included_twice_each_job_is_its_own() {
    let include = |name: &str, stage: &str, image: &str| {
        json!({"local": "/gitlab-ci-template.yml", "inputs": {
            "command": "bump-values", "job-name": name, "stage": stage, "job-image": image, "env": name,
        }})
    };
    let pipeline = json!({"include": [include("dev", "deploy", "a:1"), include("staging", "later", "b:2")]});
    let pipeline = Pipeline::read(&pipeline.to_string()).unwrap();
    for (name, stage, image) in [("dev", "deploy", "a:1"), ("staging", "later", "b:2")] {
        let job = pipeline.job(name).unwrap();
        assert_eq!(
            (
                &job["stage"],
                &job["image"],
                &job["variables"]["GITOPS_STEPS_ENV"]
            ),
            (&stage.into(), &image.into(), &name.into())
        );
    }
}

#[test]
fn a_wrong_input_is_refused_before_any_job_runs() {
    for (command, inputs, said) in [
        (
            "bump-values",
            json!({"app": "web; id"}),
            "`app` input: provided value does not match",
        ),
        (
            "bump-values",
            json!({"env": "dev; id"}),
            "`env` input: provided value does not match",
        ),
        ("bump-values", json!({"tag": "$(id)"}), "`tag` input"),
        ("bump-values", json!({"digest": "sha256:abc"}), "`digest` input"),
        ("bump-values", json!({"timeout": "soon"}), "`timeout` input"),
        ("bump-values", json!({"publish": "everywhere"}), "`publish` input"),
        (
            "bump-values",
            json!({"dry-run": "perhaps"}),
            "`dry-run` input: provided value is of another type",
        ),
        ("bump-values", json!({"job-name": "a: b\nc"}), "`job-name` input"),
        (
            "bump-values",
            json!({"job-image": "alpine\nvariables:"}),
            "`job-image` input",
        ),
        ("bump-values", json!({"dotenv": "$HOME/x"}), "`dotenv` input"),
        (
            "bump-values",
            json!({"flavour": "1"}),
            "unknown input arguments: flavour",
        ),
        (
            "dispatch-deploy",
            json!({"source-sequence": "seven"}),
            "`source-sequence` input",
        ),
        (
            "dispatch-deploy",
            json!({"source-commit": "abc"}),
            "`source-commit` input",
        ),
        ("dispatch-deploy", json!({"image": "a b"}), "`image` input"),
        (
            "deployment-status",
            json!({"env": "dev", "log-url": "javascript:x"}),
            "`log-url` input",
        ),
        (
            "deployment-status",
            json!({"env": "dev", "state": "done"}),
            "`state` input",
        ),
    ] {
        for pipeline in both(command, &inputs) {
            let error = Pipeline::read(&pipeline).unwrap_err();
            assert!(error.contains(said), "{inputs}: {error}");
        }
    }
    let [component, _] = both("deployment-status", &json!({}));
    let error = Pipeline::read(&component).unwrap_err();
    assert!(error.contains("`env` input: required value"), "{error}");
    assert!(Pipeline::read("include: {local: /gitlab-ci-template.yml, inputs: {command: bump}}").is_err());
}

#[test]
fn a_right_input_is_taken() {
    for (command, inputs) in [
        (
            "bump-values",
            json!({"tag": "v1.2.3-rc.1+build.5", "timeout": "1h30m", "env": "${ENV}-1", "app": "$APP"}),
        ),
        (
            "bump-values",
            json!({"digest": format!("sha256:{}", "0".repeat(64))}),
        ),
        (
            "bump-values",
            json!({"digest": "$DIGEST", "timeout": "$TIMEOUT", "job-name": "bump dev"}),
        ),
        (
            "bump-values",
            json!({"config-repo": "https://$CI_SERVER_FQDN/acme/deploy.git", "branch": "env/dev"}),
        ),
        (
            "dispatch-deploy",
            json!({"image": "ghcr.io/acme/a\n$CI_REGISTRY_IMAGE/b:1@sha256:0\n", "tag": "1"}),
        ),
        (
            "dispatch-deploy",
            json!({"source-sequence": "$CI_PIPELINE_IID", "source-commit": "${CI_COMMIT_SHA}"}),
        ),
        (
            "deployment-status",
            json!({"env": "review/$CI_COMMIT_REF_SLUG", "environment-url": "https://$X.example"}),
        ),
    ] {
        for pipeline in both(command, &inputs) {
            Pipeline::read(&pipeline).unwrap_or_else(|error| panic!("{inputs}: {error}"));
        }
    }
}

#[test]
fn a_hostile_value_arrives_as_it_is_and_runs_nothing() {
    let hostile = "\"; touch owned; '\n$(touch owned) `touch owned`\n- touch owned\n$$(touch owned) \\";
    let inputs = json!({"config-repo": "gitlab:acme/deploy", "app": "web", "env": "prod", "body": hostile});
    for pipeline in both("open-promotion-pr", &inputs) {
        let lab = Lab::new();
        lab.runs(&pipeline).run.exits(0);
        let request = &lab.fake.merge_requests(CONFIG)[0];
        let body = request["description"].as_str().unwrap();
        assert!(body.contains(&hostile.replace("$$", "$")), "{body}");
        assert!(!lab.bench.repo().join("owned").exists());
    }
}
