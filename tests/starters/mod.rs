//! The starter workflows work as they stand: from a push to the app's repository to the request for prod.
// The scripts in them are for a Linux runner.
#![cfg(unix)]

mod config;
mod deployment;
pub mod expression;
mod integration;
mod starter;

use std::collections::BTreeMap;
use std::fs;

use crate::support::cli::Run;
use crate::support::git_server::git_says;
use crate::support::github::{Grant, Hub, Workflow};
use crate::support::stage::{Forge, Stage, Way};
use crate::support::story::{APP, CONFIG, Job, Road, SOURCE, Story, job_token};
use serde_json::{Value, json};
use starter::{DIGEST, Docker, folder, our_step, our_steps, read, rights, starter_named, text, variables};

const STARTERS: [&str; 8] = [
    "app-ci",
    "config-check",
    "config-deploy",
    "deployment",
    "image-watch",
    "integration",
    "promote",
    "rollback",
];
/// Those that deploy: GitHub would cancel all of their waiting runs but the last.
const DEPLOYING: [&str; 5] = [
    "config-deploy",
    "deployment",
    "image-watch",
    "promote",
    "rollback",
];
/// A person's token for the config repo.
const TOKEN: &str = "s3cret-of-a-person";
const VALUES: &str = "image:\n  repository: ghcr.io/acme/web\n  tag: \"0.9.0\"   # kept\n";

#[test]
fn a_push_reaches_dev_and_is_asked_for_in_prod_by_the_starters_alone() {
    for with_app in [true, false] {
        let story = Story::new(Road::Event, VALUES);
        let Forge::Hub(hub) = &story.stage.forge else {
            unreachable!("this is GitHub's road")
        };
        let build = story.build_job(42);
        let asked = hand_over(&story, &build).exits(0);
        assert_eq!(asked.json()["operation"], "created", "{}", asked.stderr);

        // The job's token has the rights that the starter asks for, and no others.
        let token = |starter: &str, job: &str| {
            let rights = rights(&starter_named(starter)["jobs"][job]);
            let rights: Vec<&str> = rights.iter().map(String::as_str).collect();
            hub.token(&job_token(CONFIG), Grant::workflow(CONFIG).only(&rights));
        };
        let job = story.deploy_job();
        token("config-deploy", "deploy");
        let (bump, _) = step(
            &story,
            &job,
            "config-deploy",
            "deploy",
            &in_config(with_app, &json!({})),
        );
        let bump = bump.exits(0);
        assert_eq!(bump.json()["operation"], "updated", "{}", bump.stderr);
        let here = format!(
            "image:\n  repository: ghcr.io/acme/web\n  tag: {}   # kept\n  digest: {DIGEST}\n",
            serde_json::to_string(&build.sha).unwrap()
        );
        assert_eq!(story.file("main", "web/dev.yaml"), here, "an App: {with_app}");

        token("promote", "promote");
        for (inputs, operation) in [
            (json!({}), "created"),
            (json!({"app": "*", "env": "prod"}), "unchanged"),
            (json!({"app": "web", "env": "prod"}), "unchanged"),
        ] {
            let context = in_config(with_app, &inputs);
            let (promotion, outputs) = step(&story, &job, "promote", "promote", &context);
            let said = promotion.exits(0).stderr;
            assert_eq!(outputs["operation"], operation, "{inputs}: {said}");
            assert_eq!(story.file("promote/prod/web", "web/prod.yaml"), here, "{inputs}");
        }
        assert_eq!(story.file("main", "web/prod.yaml"), VALUES);

        token("rollback", "rollback");
        for operation in ["updated", "unchanged"] {
            let inputs = json!({"app": "web", "env": "dev", "to": "previous", "hold": "too slow"});
            let context = in_config(with_app, &inputs);
            let (back, outputs) = step(&story, &job, "rollback", "rollback", &context);
            let said = back.exits(0).stderr;
            assert_eq!(outputs["operation"], operation, "{said}");
            // An empty digest is none, to Helm's templates.
            let before = format!("{VALUES}  digest: \"\"\n");
            assert_eq!(story.file("main", "web/dev.yaml"), before, "{said}");
        }
        assert!(story.file("main", ".gitops-steps.yaml").contains("too slow"));
    }
}

/// Every app of a policy whose prod differs from where it is promoted from, in one request.
#[test]
fn a_push_to_a_config_repo_of_many_apps_asks_for_all_that_differs() {
    let example = folder().join("../examples/config-repo");
    let tracked = git_says(&example, &["ls-files"]);
    let files: Vec<(&str, String)> = tracked
        .lines()
        .map(|file| (file, fs::read_to_string(example.join(file)).unwrap()))
        .collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(file, text)| (*file, text.as_str())).collect();
    let stage = Stage::github(Way::Api, &files);
    let variables = variables(
        our_step(&starter_named("promote")["jobs"]["promote"]),
        &in_config(false, &json!({})),
    );
    let variables: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    let run = stage.run_with(&variables, "open-promotion-pr", &[]).exits(0);
    assert_eq!(run.json()["branch"], "promote/prod/all", "{}", run.stderr);
    assert_eq!(stage.requests().len(), 1);
    for app in ["web", "api", "worker"] {
        assert!(stage.requests()[0].body.contains(&format!("{app}/")), "{app}");
    }
}

/// The build hands over an image by tag and digest, so that nobody can put another behind the tag.
#[test]
fn what_is_built_is_tested_before_pushed_under_its_commit_and_handed_over_by_digest() {
    let app_ci = starter_named("app-ci");
    assert_eq!(app_ci["jobs"]["build"]["needs"], "test");
    assert_eq!(app_ci["jobs"]["deploy"]["needs"], "build");
    let build = &app_ci["jobs"]["build"];
    for (event, runs) in [("push", true), ("pull_request", false)] {
        let context = json!({"github": {"event_name": event}});
        assert_eq!(expression::value(text(&build["if"]), &context), json!(runs));
    }

    let Docker { outputs, asked } = push_image("Acme/Web", "3ac1");
    let image = ("ghcr.io/acme/web", DIGEST);
    assert_eq!((&*outputs["image"], &*outputs["digest"]), image);
    assert_eq!(asked[0], "login ghcr.io --username ann --password-stdin");
    assert_eq!(asked[1], "password s3cret-of-the-build");
    assert_eq!(asked[2], "build --tag ghcr.io/acme/web:3ac1 .");
    assert_eq!(asked[3], "push ghcr.io/acme/web:3ac1");
}

/// `dispatch-deploy --wait` looks for the id in the run's name.
#[test]
fn the_name_of_a_deploy_shows_its_id_however_it_was_started() {
    let config_deploy = starter_named("config-deploy");
    let name = text(&config_deploy["run-name"]);
    let payload = json!({"app": "web", "id": "Yq3Z"});
    let event = json!({"github": {"event": {"client_payload": payload}}, "inputs": null});
    let by_hand = json!({"github": {"event": {}}, "inputs": {"payload": payload.to_string()}});
    for context in [event, by_hand] {
        assert_eq!(expression::filled(name, &context), "deploy web Yq3Z");
    }
}

/// `dispatch-deploy` may name the workflow instead of sending an event: then GitHub tells at once which run that is.
#[test]
fn the_deploy_can_be_started_by_its_file_too() {
    let story = Story::new(Road::Workflow, VALUES);
    let Forge::Hub(hub) = &story.stage.forge else {
        unreachable!("this is GitHub's road")
    };
    hub.workflow(CONFIG, Workflow::on_dispatch("config-deploy.yml", &["payload!"]));
    let rights = ["contents=write", "actions=write"];
    hub.token(TOKEN, Grant::person("bot").repos(&[CONFIG]).only(&rights));
    let build = story.build_job(42);
    let mut variables = variables(
        our_step(&starter_named("app-ci")["jobs"]["deploy"]),
        &in_app(&build, &json!({}), &json!({})),
    );
    for (name, value) in [("WORKFLOW", "config-deploy.yml"), ("TOKEN", TOKEN)] {
        variables.push((format!("GITOPS_STEPS_{name}"), value.to_owned()));
    }
    story.handed(&build, &variables).0.exits(0);
    let job = story.deploy_job();
    let context = in_config(true, &json!({}));
    step(&story, &job, "config-deploy", "deploy", &context).0.exits(0);
    assert!(story.file("main", "web/dev.yaml").contains(&build.sha));
}

#[test]
fn without_an_app_the_build_is_told_that_it_lacks_a_token() {
    let story = Story::new(Road::Event, VALUES);
    let build = story.build_job(42);
    let context = in_app(&build, &json!({}), &json!({}));
    let (run, _) = step(&story, &build, "app-ci", "deploy", &context);
    run.exits(5).says("give a token");
}

#[test]
fn every_starter_is_offered_with_all_that_github_shows() {
    for starter in STARTERS {
        let properties: Value = serde_json::from_str(&read(&format!("{starter}.properties.json"))).unwrap();
        for key in ["name", "description", "iconName"] {
            assert!(!text(&properties[key]).is_empty(), "{starter}: {key}");
        }
        for key in ["categories", "filePatterns"] {
            assert!(
                !properties[key].as_array().unwrap().is_empty(),
                "{starter}: {key}"
            );
        }
        let icon = read(&format!("{}.svg", text(&properties["iconName"])));
        assert!(icon.starts_with("<svg "), "{starter}");
    }
    let mut found: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter_map(|name| name.strip_suffix(".yml").map(str::to_owned))
        .collect();
    found.sort();
    assert_eq!(found, STARTERS, "a starter that no test knows");
}

#[test]
fn a_starter_gives_no_right_and_pastes_nothing_unasked() {
    for starter in STARTERS {
        let workflow = starter_named(starter);
        assert_eq!(workflow["permissions"], json!({}), "{starter}");
        for (name, job) in workflow["jobs"].as_object().unwrap() {
            assert!(job["permissions"].is_object(), "{starter}: {name}");
            for step in job["steps"].as_array().unwrap() {
                let script = step["run"].as_str().unwrap_or_default();
                assert!(!script.contains("${{"), "{starter}: {script}");
            }
        }
    }
}

/// A waiting run that GitHub cancels is a lost deploy.
#[test]
fn no_run_that_deploys_waits_for_another() {
    for starter in DEPLOYING {
        let workflow = starter_named(starter);
        assert!(workflow.get("concurrency").is_none(), "{starter}");
        for (name, job) in workflow["jobs"].as_object().unwrap() {
            assert!(job.get("concurrency").is_none(), "{starter}: {name}");
        }
    }
}

#[test]
fn a_starter_names_only_inputs_that_the_action_has() {
    let action: Value =
        serde_yaml::from_str(&fs::read_to_string(folder().join("../action.yml")).unwrap()).unwrap();
    for starter in STARTERS {
        let workflow = starter_named(starter);
        let jobs = workflow["jobs"].as_object().unwrap();
        let ours: Vec<&Value> = jobs.values().flat_map(our_steps).collect();
        assert!(!ours.is_empty(), "{starter}");
        for input in ours
            .iter()
            .flat_map(|step| step["with"].as_object().unwrap().keys())
        {
            assert!(action["inputs"].get(input).is_some(), "{starter}: {input}");
        }
    }
}

/// What the build's last job sends, after the one that pushed the image.
fn hand_over(story: &Story, build: &Job) -> Run {
    let image = push_image(SOURCE, &build.sha).outputs;
    let context = in_app(build, &json!({"build": {"outputs": image}}), &app());
    step(story, build, "app-ci", "deploy", &context).0
}

/// What the job that builds asks of docker, and what it hands on.
fn push_image(repository: &str, sha: &str) -> Docker {
    let variables = [("GITHUB_REPOSITORY", repository), ("GITHUB_SHA", sha)];
    let context = json!({"github": {"token": "s3cret-of-the-build"}});
    Docker::of(&starter_named("app-ci")["jobs"]["build"], &variables, &context)
}

/// Runs the step of a starter's job that is ours, as the Action does.
fn step(
    story: &Story,
    job: &Job,
    starter: &str,
    name: &str,
    context: &Value,
) -> (Run, BTreeMap<String, String>) {
    let workflow = starter_named(starter);
    let step = our_step(&workflow["jobs"][name]);
    story.handed(job, &variables(step, context))
}

/// What the expressions of a run in the config repo find.
fn in_config(with_app: bool, inputs: &Value) -> Value {
    let (vars, secrets) = if with_app {
        (app()["vars"].clone(), app()["secrets"].clone())
    } else {
        (json!({}), json!({}))
    };
    let github = json!({"repository": CONFIG, "token": job_token(CONFIG)});
    json!({"github": github, "inputs": inputs, "vars": vars, "secrets": secrets})
}

/// What those of a run in the app's repository find.
fn in_app(build: &Job, needs: &Value, app: &Value) -> Value {
    let event = json!({"repository": {"name": "web"}});
    let github = json!({"repository_owner": "acme", "event": event, "sha": build.sha});
    let set = |what: &str| app.get(what).cloned().unwrap_or(json!({}));
    let needs = needs.get("build").map_or(
        json!({"build": {"outputs": {"image": "ghcr.io/acme/web", "digest": DIGEST}}}),
        |_| needs.clone(),
    );
    json!({"github": github, "needs": needs, "vars": set("vars"), "secrets": set("secrets")})
}

fn app() -> Value {
    json!({"vars": {"DEPLOY_APP_ID": APP.to_string()}, "secrets": {"DEPLOY_APP_KEY": Hub::app_key()}})
}
