//! The templates for Argo Workflows carry an image to a config repo of kustomize overlays, whatever the parameters hold.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::support::cli::Run;
use crate::support::stage::{Forge, REPO, Stage, TOKEN, Way};
use serde::Deserialize as _;
use serde_json::{Value, json};

const OLD: &str = "74219bccf809027b1641c5dc0b05f7add6031aa2";
const NEW: &str = "0e5d1f0a8c2b4d6e8f00112233445566778899aa";
const NEWER: &str = "1e5d1f0a8c2b4d6e8f00112233445566778899aa";

/// A manifest, in the way that people write it.
fn deployment(tag: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: go-todo
spec:
  template:
    spec:
      containers:
        - name: go-todo
          image: 'registry.acme.example/go-todo:{tag}'
          ports:
            - containerPort: 8080
"
    )
}

fn config_repo() -> Stage {
    let old = deployment(OLD);
    let overlay =
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources: [deployment.yaml]\n";
    Stage::github(
        Way::Git,
        &[
            ("go-todo/overlays/staging/kustomization.yaml", overlay),
            ("go-todo/overlays/staging/deployment.yaml", &old),
            ("go-todo/overlays/production/kustomization.yaml", overlay),
            ("go-todo/overlays/production/deployment.yaml", &old),
        ],
    )
}

#[test]
fn a_push_reaches_staging_and_is_asked_for_in_production_as_the_sensor_has_it() {
    let stage = config_repo();
    for (tag, operation) in [(NEW, "created"), (NEWER, "updated")] {
        for (template, mut parameters) in calls_of_the_sensor() {
            let filled = parameters["tag"].replace("{{workflow.parameters.tag}}", tag);
            parameters.insert("tag".to_owned(), filled);
            let run = run(&stage, &template, &parameters).exits(0);
            let wanted = if template == "promote" {
                "updated"
            } else {
                operation
            };
            assert_eq!(run.json()["operation"], wanted, "{template}: {}", run.stderr);
        }
        let file = |branch, environment: &str| {
            let path = format!("go-todo/overlays/{environment}/deployment.yaml");
            stage.file(branch, &path).unwrap()
        };
        assert_eq!(file("main", "staging"), deployment(tag));
        assert_eq!(file("main", "production"), deployment(OLD));
        assert_eq!(file("promote/production/go-todo", "production"), deployment(tag));
    }
    assert_eq!(stage.requests().len(), 1);
    let Forge::Hub(hub) = &stage.forge else {
        unreachable!("the stage is GitHub's")
    };
    assert_eq!(
        hub.log(REPO, "main")[0]["author"],
        "deploy-bot <deploy-bot@acme.example>"
    );
}

#[test]
fn what_a_parameter_holds_is_never_carried_out_and_never_leads_elsewhere() {
    for (parameter, hostile) in [
        ("tag", "x\"; id; \""),
        ("tag", "$(GITHUB_EMAIL)"),
        ("tag", "$(id)"),
        ("tag", "`id`"),
        ("tag", "a\nGITOPS_STEPS_OVERRIDE_POLICY=b"),
        ("tag", "\", \"name\": \"GITOPS_STEPS_ALL\", \"value\": \"true"),
        ("tag", "--dry-run"),
        ("tag", ""),
        ("environment", "../../other/overlays/staging"),
        ("application_path", "../../etc"),
        ("application_path", "/etc"),
        ("image_owner", "registry.evil.example"),
        ("image_name", "go-todo:latest --set a=b"),
    ] {
        for template in ["promote", "request-promote"] {
            let stage = config_repo();
            let before = (stage.branches(), stage.messages("main"));
            let mut parameters = parameters("staging", NEW);
            parameters.insert(parameter.to_owned(), hostile.to_owned());
            let run = run(&stage, template, &parameters);
            assert!(
                (2..=4).contains(&run.code),
                "{template}, {parameter} {hostile:?}: {run:?}"
            );
            assert_eq!((stage.branches(), stage.messages("main")), before, "{hostile:?}");
        }
    }
}

#[test]
fn a_policy_in_the_config_repo_holds_for_a_workflow_too() {
    let policy = "version: 1\napps:\n  go-todo:\n    environments:\n      production:\n        auto-deploy: off\n        \
                  targets: [{file: go-todo/overlays/production/deployment.yaml}]\n";
    let stage = config_repo();
    stage.person_commits("main", ".gitops-steps.yaml", policy);
    run(&stage, "promote", &parameters("production", NEW)).exits(4);
    run(&stage, "request-promote", &parameters("production", NEW)).exits(0);
    assert_eq!(stage.requests().len(), 1);
}

#[test]
fn the_pod_may_do_no_more_than_it_must() {
    for name in ["promote", "request-promote"] {
        let template = template(name, &parameters("staging", NEW), "");
        let pod = &template["container"];
        let security = &pod["securityContext"];
        for (key, value) in [
            ("allowPrivilegeEscalation", json!(false)),
            ("readOnlyRootFilesystem", json!(true)),
            ("runAsNonRoot", json!(true)),
            ("capabilities", json!({"drop": ["ALL"]})),
        ] {
            assert_eq!(security[key], value, "{name}: {key}");
        }
        for key in ["requests", "limits"] {
            assert!(pod["resources"][key]["memory"].is_string(), "{name}: {key}");
        }
        let mounts = pod["volumeMounts"].as_array().unwrap();
        let volumes = template["volumes"].as_array().unwrap();
        let names = |all: &[Value]| -> Vec<Value> { all.iter().map(|one| one["name"].clone()).collect() };
        assert_eq!(names(mounts), names(volumes), "{name}");
    }
}

#[test]
fn no_parameter_is_part_of_a_command() {
    for name in ["promote", "request-promote"] {
        let text = fs::read_to_string(folder().join(format!("{name}.yaml"))).unwrap();
        let whole: Value = serde_yaml::from_str(&text).unwrap();
        let template = &whole["spec"]["templates"][0];
        assert_eq!(
            (&whole["metadata"]["name"], &template["name"]),
            (&json!(name), &json!(name))
        );
        for key in ["command", "args"] {
            assert!(
                !template["container"][key].to_string().contains("{{"),
                "{name}: {key}"
            );
        }
        assert!(template["script"].is_null(), "{name}");
    }
}

/// The templates that the README's Sensor calls, with what it gives them.
fn calls_of_the_sensor() -> Vec<(String, BTreeMap<String, String>)> {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    let blocks = readme.split("```yaml\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap());
    let documents = blocks.flat_map(|block| {
        serde_yaml::Deserializer::from_str(block).map(|one| Value::deserialize(one).unwrap())
    });
    let sensor = documents.into_iter().find(|one| one["kind"] == "Sensor").unwrap();
    let workflow = &sensor["spec"]["triggers"][0]["template"]["argoWorkflow"]["source"]["resource"];
    let tasks = &workflow["spec"]["templates"][0]["dag"]["tasks"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let call = |task: &Value| {
        let given = task["arguments"]["parameters"].as_array().unwrap().iter();
        let given = given.map(|one| (text(&one["name"]), text(&one["value"])));
        (text(&task["templateRef"]["template"]), given.collect())
    };
    tasks.as_array().unwrap().iter().map(call).collect()
}

fn parameters(environment: &str, tag: &str) -> BTreeMap<String, String> {
    [
        ("environment", environment),
        ("image_owner", "registry.acme.example"),
        ("image_name", "go-todo"),
        ("tag", tag),
        ("application_path", "go-todo"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

/// Runs the container of a template, as the kubelet does.
fn run(stage: &Stage, name: &str, parameters: &BTreeMap<String, String>) -> Run {
    let template = template(name, parameters, &stage.git_url());
    let container = &template["container"];
    assert_eq!(container["command"], json!(["/usr/bin/gitops-steps"]));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(container["image"], format!("ghcr.io/org/gitops-steps:{version}"));
    let secret = [("user", "deploy-bot"), ("email", "deploy-bot@acme.example")];
    let token = stage.bench.write_beside("token", TOKEN);
    let mut variables: Vec<(String, String)> = Vec::new();
    for variable in container["env"].as_array().unwrap() {
        let value = if let Some(value) = variable["value"].as_str() {
            expanded(value, &variables).replace("/github-access/token", &token)
        } else {
            let key = &variable["valueFrom"]["secretKeyRef"]["key"];
            secret.iter().find(|(name, _)| key == name).unwrap().1.to_owned()
        };
        variables.push((variable["name"].as_str().unwrap().to_owned(), value));
    }
    let args = container["args"].as_array().unwrap().iter();
    let Forge::Hub(hub) = &stage.forge else {
        unreachable!("the stage is GitHub's")
    };
    let ran = stage
        .bench
        .command()
        .args(args.map(|argument| argument.as_str().unwrap()))
        .envs(variables)
        // The fake is not at github.com.
        .envs([("GITOPS_STEPS_FORGE", "github"), ("GITOPS_STEPS_FORMAT", "json")])
        .env("GITOPS_STEPS_API_URL", hub.api_url())
        .output();
    Run::from(ran.unwrap())
}

/// A template with its parameters filled in: Argo replaces them in its JSON, escaped.
fn template(name: &str, parameters: &BTreeMap<String, String>, config_repo: &str) -> Value {
    let text = fs::read_to_string(folder().join(format!("{name}.yaml"))).unwrap();
    let whole: Value = serde_yaml::from_str(&text).unwrap();
    let template = &whole["spec"]["templates"][0];
    let mut filled = template.to_string();
    for declared in template["inputs"]["parameters"].as_array().unwrap() {
        let name = declared["name"].as_str().unwrap();
        let value = parameters.get(name).map_or(config_repo, String::as_str);
        assert!(
            parameters.contains_key(name) || declared["default"].is_string(),
            "{name}"
        );
        let escaped = serde_json::to_string(value).unwrap();
        let escaped = escaped.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        filled = filled.replace(&format!("{{{{inputs.parameters.{name}}}}}"), escaped);
    }
    assert!(!filled.contains("{{"), "{filled}");
    serde_json::from_str(&filled).unwrap()
}

/// Kubernetes replaces `$(NAME)` by a variable that stands before.
fn expanded(value: &str, before: &[(String, String)]) -> String {
    before.iter().fold(value.to_owned(), |value, (name, content)| {
        value.replace(&format!("$({name})"), content)
    })
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/argo-workflows"))
}
