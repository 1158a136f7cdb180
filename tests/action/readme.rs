//! What the pages show for GitHub, run as it stands there.

use std::fs;
use std::path::Path;

use serde_yaml::Value;

use super::commands::{CONFIG, JOB_TOKEN, SOURCE, TOKEN, job_at_github};
use super::runner::{Done, Job};
use crate::support::cli::text;
use crate::support::git_server::git_says;
use crate::support::github::{Fake, Grant};

const COMMIT: &str = "0192118a7c0ffee0192118a7c0ffee0192118a7c";
const ACTION: &str = "org/gitops-steps@v1";

/// The blocks of YAML that a page shows.
fn blocks(page: &str) -> Vec<String> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page)).unwrap();
    let shown = page.split("```yaml\n").skip(1);
    shown
        .map(|rest| rest.split("```").next().unwrap().to_owned())
        .collect()
}

/// The inputs of each step that uses the action: in a list of steps, or in the jobs of a workflow.
fn steps(block: &str) -> Vec<Vec<(String, String)>> {
    let block: Value = serde_yaml::from_str(block).unwrap();
    let in_jobs = block["jobs"].as_mapping().into_iter().flatten();
    let lists = in_jobs.map(|(_, job)| &job["steps"]).chain([&block]);
    lists
        .filter_map(Value::as_sequence)
        .flatten()
        .filter(|step| step["uses"] == ACTION)
        .map(|step| {
            let with = step["with"].as_mapping().unwrap().iter();
            with.map(|(name, value)| (name.as_str().unwrap().to_owned(), given(value)))
                .collect()
        })
        .collect()
}

/// An input as it arrives.
fn given(value: &Value) -> String {
    let text = match value {
        Value::Bool(switch) => switch.to_string(),
        other => other.as_str().unwrap().to_owned(),
    };
    let text = text
        .replace("${{ secrets.DEPLOY_TOKEN }}", TOKEN)
        .replace("${{ github.token }}", JOB_TOKEN)
        .replace("${{ github.repository }}", CONFIG)
        .replace("${{ github.ref_name }}", "v1.1.0")
        .replace("${{ github.sha }}", COMMIT)
        .replace(
            "/opt/gitops-steps/bin/gitops-steps",
            env!("CARGO_BIN_EXE_gitops-steps"),
        );
    assert!(!text.contains("${{"), "{text}");
    text
}

/// Runs a step in a job of the repository that it is meant for.
fn run(hub: &Fake, job: &mut Job, with: &[(String, String)]) -> Done {
    let with: Vec<(&str, &str)> = with.iter().map(|(name, value)| (&**name, &**value)).collect();
    let is_of_app = ["dispatch-deploy", "deployment-status"].contains(&with[0].1);
    hub.token("s3cret-of-the-job-of-web", Grant::workflow(SOURCE));
    job.set("GITHUB_REPOSITORY", if is_of_app { SOURCE } else { CONFIG });
    let token = if is_of_app {
        "s3cret-of-the-job-of-web"
    } else {
        JOB_TOKEN
    };
    token.clone_into(&mut job.token);
    job.uses(&with)
}

/// The body of the event by which a build hands over 1.1.0.
fn dispatched(hub: &Fake, job: &mut Job) -> String {
    let with = [
        ("command", "dispatch-deploy"),
        ("to", "github:acme/deploy"),
        ("token", TOKEN),
        ("app", "web"),
        ("env", "dev"),
        ("tag", "1.1.0"),
    ];
    let with = with.map(|(name, value)| (name.to_owned(), value.to_owned()));
    run(hub, job, &with).exits(0);
    hub.runs(CONFIG).pop().unwrap()["event_file"].to_string()
}

/// Leaves a clone of the config repo, without a login.
fn check_out(hub: &Fake, folder: &Path) {
    let url = hub.git_url(CONFIG);
    let with_login = url.replacen("://", &format!("://bot:{TOKEN}@"), 1);
    git_says(folder, &["clone", "--quiet", &with_login, "."]);
    git_says(folder, &["remote", "set-url", "origin", &url]);
}

#[test]
fn the_readmes_step_brings_a_tag_into_the_values_of_dev() {
    let shown = blocks("README.md");
    let shown = shown.iter().find(|block| block.contains(ACTION)).unwrap();
    assert!(shown.lines().count() < 10, "{shown}");
    let (hub, mut job) = job_at_github();
    let done = run(&hub, &mut job, &steps(shown)[0]).exits(0);
    assert_eq!(done.outputs["changed"], "true");
    let values = hub.file(CONFIG, "main", "web/dev-values.yaml").unwrap();
    assert!(
        values.contains(&format!("tag: \"{COMMIT}\"   # by CI")),
        "{values}"
    );
}

#[test]
fn every_step_that_the_pages_show_does_what_it_is_shown_for() {
    let mut tried = 0;
    for page in ["README.md", "docs/action.md"] {
        for mut with in blocks(page).iter().flat_map(|block| steps(block)) {
            // Nothing here would ever end the run.
            with.retain(|(name, _)| name != "wait");
            let (hub, mut job) = job_at_github();
            // Another version is in dev already, and an event has arrived.
            let values = hub.file(CONFIG, "main", "web/dev-values.yaml").unwrap();
            hub.person_commits(
                CONFIG,
                "main",
                "web/dev-values.yaml",
                &values.replace("1.0.0", "1.0.1"),
            );
            let event = dispatched(&hub, &mut job);
            job.set("GITHUB_EVENT_NAME", "repository_dispatch");
            let file = job.at("event.json");
            fs::write(&file, event).unwrap();
            job.set("GITHUB_EVENT_PATH", text(&file));
            check_out(&hub, &job.at("work"));
            let done = run(&hub, &mut job, &with).exits(0);
            let is_installed = with[0].1 == "install";
            assert_eq!(
                done.outputs["changed"] == "true",
                !is_installed,
                "{with:?}\n{}",
                done.log
            );
            tried += 1;
        }
    }
    assert!(tried > 8, "only {tried} steps are shown");
}
