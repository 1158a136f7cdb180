//! `deployment.yml`: a push becomes a release, which the config repo brings to sandbox and asks for in production.

use serde_json::{Value, json};

use super::starter::{DIGEST, Docker, our_steps, rights, runs, starter_named, variables};
use super::{VALUES, app, in_config};
use crate::support::cli::Run;
use crate::support::git_server::git_says;
use crate::support::github::{Grant, Hub};
use crate::support::stage::Forge;
use crate::support::story::{CONFIG, Job, Road, SOURCE, Story, job_token};

const POLICY: &str = "\
version: 1
apps:
  web:
    image: ghcr.io/acme/web
    source: [acme/web]
    environments:
      sandbox:
        auto-deploy: on
        targets: [{file: web/dev.yaml, path: image}]
      production:
        auto-deploy: off
        targets: [{file: web/prod.yaml, path: image}]
";

/// A run of the workflow: the push that started it, and what its jobs handed on.
struct Push<'a> {
    story: &'a Story,
    job: Job,
    needs: Value,
    failed: bool,
}

impl<'a> Push<'a> {
    fn new(story: &'a Story, number: u64) -> Self {
        Self {
            story,
            job: story.build_job(number),
            needs: json!({}),
            failed: false,
        }
    }

    fn context(&self, steps: &Value) -> Value {
        let github = json!({
            "repository": SOURCE, "repository_owner": "acme", "sha": self.job.sha, "token": job_token(SOURCE),
            "event": {"repository": {"name": "web"}},
        });
        json!({
            "github": github, "needs": self.needs, "steps": steps, "failure": self.failed,
            "vars": app()["vars"], "secrets": app()["secrets"],
        })
    }

    /// Whether a job runs, as far as its own `if` tells.
    fn wants(&self, name: &str) -> bool {
        runs(
            &starter_named("deployment")["jobs"][name],
            &self.context(&json!({})),
        )
    }

    /// Runs the steps of a job that are ours and whose `if` holds, with the rights that the job asks for; each has to go
    /// well.
    fn runs(&mut self, name: &str) -> Vec<Run> {
        let workflow = starter_named("deployment");
        let job = &workflow["jobs"][name];
        assert!(self.wants(name), "{name}");
        let held = rights(job);
        let held: Vec<&str> = held.iter().map(String::as_str).collect();
        hub(self.story).token(&job_token(SOURCE), Grant::workflow(SOURCE).only(&held));
        let mut outputs = json!({});
        let mut ended = Vec::new();
        for step in our_steps(job) {
            let context = self.context(&outputs);
            if !runs(step, &context) {
                continue;
            }
            let (run, said) = self.story.handed(&self.job, &variables(step, &context));
            ended.push(run.exits(0));
            if let Some(id) = step["id"].as_str() {
                outputs[id] = json!({ "outputs": said });
            }
        }
        self.hands_on(name, &outputs);
        ended
    }

    /// Keeps the outputs of a job for those that need it.
    fn hands_on(&mut self, name: &str, steps: &Value) {
        let workflow = starter_named("deployment");
        let context = self.context(steps);
        let declared = workflow["jobs"][name]["outputs"].as_object().cloned();
        let mut outputs = json!({});
        for (output, value) in declared.unwrap_or_default() {
            outputs[output] = json!(super::expression::filled(value.as_str().unwrap(), &context));
        }
        self.needs[name] = json!({ "outputs": outputs });
    }

    /// Records the deployments and pushes the image.
    fn builds(&mut self) {
        self.runs("production");
        self.runs("sandbox");
        let workflow = starter_named("deployment");
        let variables = [("GITHUB_REPOSITORY", "Acme/Web"), ("GITHUB_SHA", &*self.job.sha)];
        let docker = Docker::of(&workflow["jobs"]["build"], &variables, &self.context(&json!({})));
        let image = format!("ghcr.io/acme/web:{}", self.job.sha);
        assert_eq!(docker.asked[2], format!("build --tag {image} ."));
        assert_eq!(docker.asked[3], format!("push {image}"));
        self.hands_on("build", &json!({"push": {"outputs": docker.outputs}}));
    }

    fn release(&self) -> &Value {
        &self.needs["release"]["outputs"]
    }
}

fn hub(story: &Story) -> &Hub {
    let Forge::Hub(hub) = &story.stage.forge else {
        unreachable!("this is GitHub's road")
    };
    hub
}

fn story() -> Story {
    let story = Story::new(Road::Event, VALUES);
    story.stage.person_commits("main", ".gitops-steps.yaml", POLICY);
    git_says(&hub(&story).path(SOURCE), &["tag", "v0.9.0", "main"]);
    story
}

#[test]
fn a_push_is_released_runs_in_sandbox_and_is_asked_for_in_production() {
    let story = story();
    let mut push = Push::new(&story, 42);
    push.builds();
    let sha = &push.job.sha.clone();
    assert_eq!(
        story.deployments(),
        [
            format!("production {sha} queued"),
            format!("sandbox {sha} queued")
        ]
    );

    push.runs("release");
    assert_eq!(
        *push.release(),
        json!({"operation": "created", "version": "0.9.1"})
    );
    assert_eq!(
        git_says(&hub(&story).path(SOURCE), &["rev-parse", "v0.9.1^{commit}"]).trim(),
        sha
    );
    assert_eq!(hub(&story).releases(SOURCE).len(), 1);
    // Run again, it finds all of it there.
    for run in push.runs("release") {
        assert_eq!(run.json()["changed"], false, "{}", run.stderr);
    }

    assert!(!push.wants("ended"));
    assert_eq!(push.runs("deploy").len(), 2);
    let sent = hub(&story).events(CONFIG);
    assert_eq!(sent.len(), 2, "{sent:?}");
    let production: u64 = push.needs["production"]["outputs"]["deployment"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(sent[1]["client_payload"]["deployment"], production, "{}", sent[1]);
    assert_eq!(sent[1]["client_payload"]["env"], "production");
}

#[test]
fn what_it_hands_over_is_what_the_config_repo_takes() {
    let story = story();
    let mut push = Push::new(&story, 42);
    push.builds();
    push.runs("release");
    let workflow = starter_named("deployment");
    let here =
        format!("image:\n  repository: ghcr.io/acme/web\n  tag: \"0.9.1\"   # kept\n  digest: {DIGEST}\n");
    let deploy = &workflow["jobs"]["deploy"];
    for (step, (branch, file)) in our_steps(deploy).into_iter().zip([
        ("main", "web/dev.yaml"),
        ("promote/production/web", "web/prod.yaml"),
    ]) {
        let context = push.context(&json!({}));
        story.handed(&push.job, &variables(step, &context)).0.exits(0);
        let job = story.deploy_job();
        let context = in_config(true, &json!({}));
        super::step(&story, &job, "config-deploy", "deploy", &context)
            .0
            .exits(0);
        assert_eq!(story.file(branch, file), here);
    }
    assert_eq!(story.file("main", "web/prod.yaml"), VALUES);
    assert_eq!(story.stage.requests().len(), 1);
}

#[test]
fn the_image_gets_the_version_as_a_name_once_the_commit_is_tagged() {
    let story = story();
    let mut push = Push::new(&story, 42);
    push.builds();
    let workflow = starter_named("deployment");
    let release = &workflow["jobs"]["release"];
    assert_eq!(release["needs"], "build");
    for (operation, due) in [
        (
            "created",
            vec![format!(
                "buildx imagetools create --prefer-index=false --tag ghcr.io/acme/web:1.2.3 ghcr.io/acme/web@{DIGEST}"
            )],
        ),
        ("superseded", vec![]),
    ] {
        let tag = json!({"tag": {"outputs": {"operation": operation, "new": "1.2.3"}}});
        let asked = Docker::of(release, &[], &push.context(&tag)).asked;
        assert_eq!(asked.get(2..).unwrap_or_default(), due, "{operation}");
    }
    let publish = our_steps(release)[1];
    assert_eq!(publish["with"]["command"], "release publish");
}

#[test]
fn an_older_push_that_ends_late_is_not_released_and_its_deployments_end() {
    let story = story();
    let mut older = Push::new(&story, 42);
    older.builds();
    let mut newer = Push::new(&story, 43);
    newer.builds();
    newer.runs("release");
    older.runs("release");
    assert_eq!(older.release()["operation"], "superseded");
    assert!(!older.wants("deploy"));
    older.runs("ended");
    let late = &older.job.sha;
    assert_eq!(
        story.deployments()[..2],
        [
            format!("production {late} queued inactive"),
            format!("sandbox {late} queued inactive")
        ]
    );
    assert_eq!(hub(&story).releases(SOURCE).len(), 1);
}

#[test]
fn a_build_that_fails_is_told_of_at_both_deployments() {
    let story = story();
    let mut push = Push::new(&story, 42);
    push.runs("production");
    push.runs("sandbox");
    push.failed = true;
    push.needs["release"] = json!({"outputs": {}});
    push.runs("ended");
    let sha = &push.job.sha;
    assert_eq!(
        story.deployments(),
        [
            format!("production {sha} queued failure"),
            format!("sandbox {sha} queued failure")
        ]
    );
}
