//! `integration.yml`: a pull request is tested, previewed and built, and its preview goes with its label.

use serde_json::{Value, json};

use super::expression;
use super::starter::{Docker, our_step, rights, runs, starter_named, text, variables};
use crate::support::cli::{Bench, Run};
use crate::support::github::{Grant, Hub};
use crate::support::outputs;
use crate::support::previews::{APP, Previews};
use crate::support::stage::Forge;

const TOKEN: &str = "s3cret-of-the-job";

/// A pull request of a private repository, and the runs that its events start.
struct Pull {
    previews: Previews,
    number: u64,
    branch: &'static str,
}

/// What a job handed on.
struct Ended {
    run: Run,
    outputs: Value,
}

impl Pull {
    fn open(branch: &'static str) -> Self {
        let previews = Previews::github(&[]);
        let number = previews.opens(branch);
        Self {
            previews,
            number,
            branch,
        }
    }

    fn hub(&self) -> &Hub {
        let Forge::Hub(hub) = &self.previews.stage.forge else {
            unreachable!("it is GitHub")
        };
        hub
    }

    /// What the expressions of a run find.
    fn context(&self, action: &str, open: bool, labels: &[&str]) -> Value {
        let tip = self.previews.tip(self.branch);
        let mut event = self.previews.body(self.number, self.branch, &tip, open, labels);
        (event["action"], event["number"]) = (json!(action), json!(self.number));
        let github = json!({"event": event, "run_id": 4711, "token": TOKEN});
        json!({"github": github, "needs": {}, "failure": false})
    }

    /// Runs the step of a job that is ours, with the rights that the job asks for.
    fn job(&self, name: &str, context: &Value) -> Ended {
        let workflow = starter_named("integration");
        let job = &workflow["jobs"][name];
        assert!(runs(job, context), "{name}");
        let held = rights(job);
        let held: Vec<&str> = held.iter().map(String::as_str).collect();
        self.hub().token(TOKEN, Grant::workflow(APP).only(&held));
        let bench = Bench::new(&[]);
        let event = bench.write_beside("event.json", &context["github"]["event"].to_string());
        let output = bench.write_beside("output", "");
        let run = bench
            .command()
            .envs([
                ("CI", "true"),
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_REPOSITORY", APP),
            ])
            .envs([
                ("GITHUB_EVENT_NAME", "pull_request"),
                ("GITHUB_EVENT_PATH", &event),
            ])
            .envs([
                ("GITHUB_API_URL", self.hub().api_url()),
                ("GITHUB_OUTPUT", output.clone()),
            ])
            .env("GITHUB_SERVER_URL", self.hub().url())
            .env("GITHUB_SHA", "f".repeat(40))
            .env("GITHUB_REF", format!("refs/pull/{}/merge", self.number))
            .env("GITOPS_STEPS_FORMAT", "json")
            .envs(variables(our_step(job), context))
            .output();
        let written = std::fs::read_to_string(&output).unwrap();
        Ended {
            run: Run::from(run.unwrap()).exits(0),
            outputs: json!({"outputs": outputs::of_github(&written)}),
        }
    }
}

/// The jobs that a run begins with, and what of them is left out.
fn begin(context: &Value) -> Vec<&'static str> {
    let workflow = starter_named("integration");
    let first = ["test", "preview", "end"];
    first
        .into_iter()
        .filter(|job| runs(&workflow["jobs"][job], context))
        .collect()
}

#[test]
fn a_labelled_pull_request_gets_a_preview_and_its_image_until_the_label_goes() {
    let pull = Pull::open("feature/a");
    let mut context = pull.context("labeled", true, &["preview"]);
    assert_eq!(begin(&context), ["test", "preview"]);
    let up = pull.job("preview", &context);
    assert_eq!(up.outputs["outputs"]["operation"], "created", "{}", up.run.stderr);
    assert_eq!(
        up.outputs["outputs"]["environment-url"],
        "https://feature-a.preview.example.com"
    );
    assert_eq!(pull.previews.states(), ["preview/feature-a: in_progress"]);

    context["needs"]["preview"] = up.outputs;
    let workflow = starter_named("integration");
    let build = &workflow["jobs"]["build"];
    assert!(runs(build, &context));
    let asked = Docker::of(build, &[("GITHUB_REPOSITORY", "Acme/Web")], &context).asked;
    let image = format!("ghcr.io/acme/web:{}", pull.previews.tip("feature/a"));
    assert_eq!(
        asked[2..],
        [format!("build --tag {image} ."), format!("push {image}")]
    );
    assert!(!runs(&workflow["jobs"]["failed"], &context));

    let again = pull.job("preview", &context);
    assert_eq!(again.run.json()["changed"], false);

    // The label of another kind goes: the preview stays.
    let context = pull.context("unlabeled", true, &["preview"]);
    assert_eq!(begin(&context), ["test", "preview", "end"]);
    assert_eq!(pull.job("end", &context).run.json()["operation"], "skipped");
    assert_eq!(pull.previews.states(), ["preview/feature-a: in_progress"]);

    pull.previews.labels(pull.number, &["bug"]);
    let context = pull.context("unlabeled", true, &["bug"]);
    assert_eq!(begin(&context), ["test", "end"]);
    for changed in [true, false] {
        assert_eq!(pull.job("end", &context).run.json()["changed"], changed);
    }
    assert_eq!(
        pull.previews.states(),
        ["preview/feature-a: in_progress inactive"]
    );
}

#[test]
fn a_pull_request_that_is_closed_is_no_longer_tested_and_loses_its_preview() {
    let pull = Pull::open("feature/a");
    pull.job("preview", &pull.context("opened", true, &["preview"]));
    pull.previews.close(pull.number);
    let context = pull.context("closed", false, &["preview"]);
    assert_eq!(begin(&context), ["end"]);
    pull.job("end", &context);
    assert_eq!(
        pull.previews.states(),
        ["preview/feature-a: in_progress inactive"]
    );
}

#[test]
fn an_image_that_cannot_be_built_is_told_of_on_the_pull_request() {
    let pull = Pull::open("feature/a");
    let mut context = pull.context("synchronize", true, &["preview"]);
    context["needs"]["preview"] = pull.job("preview", &context).outputs;
    context["failure"] = json!(true);
    pull.job("failed", &context);
    assert_eq!(pull.previews.states(), ["preview/feature-a: in_progress failure"]);
    // Where the tests fail, there is no deployment to tell of.
    context["needs"]["preview"] = json!({"outputs": {}});
    assert!(!runs(&starter_named("integration")["jobs"]["failed"], &context));
}

#[test]
fn a_fork_gets_no_preview_and_needs_no_rights_to_be_told_so() {
    let pull = Pull::open("feature/a");
    pull.previews.comes_from_fork(pull.number);
    let mut context = pull.context("labeled", true, &["preview"]);
    context["github"]["event"]["pull_request"]["head"]["repo"]["full_name"] = json!("eve/web");
    // What GitHub gives to the run of a fork, whatever it asks for.
    context["github"]["token"] = json!("s3cret-that-reaches-nothing");
    let up = pull.job("preview", &context);
    assert_eq!(up.outputs["outputs"]["operation"], "skipped", "{}", up.run.stderr);
    context["needs"]["preview"] = up.outputs;
    assert!(!runs(&starter_named("integration")["jobs"]["build"], &context));
    assert!(pull.previews.states().is_empty());
}

/// A newer push ends the tests of the older one, and no event ends what takes a preview away.
#[test]
fn the_end_of_a_preview_is_not_cancelled_by_the_next_event() {
    let group = |action: &str| {
        let event = json!({"action": action, "number": 7});
        let context = json!({"github": {"event": event, "run_id": 4711}});
        let workflow = starter_named("integration");
        expression::filled(text(&workflow["concurrency"]["group"]), &context)
    };
    for action in ["opened", "reopened", "synchronize", "labeled"] {
        assert_eq!(group(action), "integration-7");
    }
    for action in ["closed", "unlabeled"] {
        assert_eq!(group(action), "integration-4711");
    }
}
