//! `rollback` brings back what an environment had, by every way to a config repo on both forges.

use crate::support::cli::{Bench, Run};
use crate::support::git_server::git_says;
use crate::support::stage::Stage;

const POLICY: &str = "\
version: 1
apps:
  web:
    image: ghcr.io/acme/web
    environments:
      dev:
        auto-deploy: on
        targets: [{file: web/dev.yaml}]
      prod:
        clusters:
          cloud: [{file: web/cloud.yaml}]
          onprem: [{file: web/onprem.yaml}]
";

fn values(tag: &str) -> String {
    format!("# kept\nimage:\n  repository: ghcr.io/acme/web\n  tag: \"{tag}\" # kept too\nreplicas: 2\n")
}

fn files() -> Vec<(&'static str, String)> {
    let text = values("1.0.0");
    vec![
        (".gitops-steps.yaml", POLICY.to_owned()),
        ("web/dev.yaml", text.clone()),
        ("web/cloud.yaml", text.clone()),
        ("web/onprem.yaml", text),
    ]
}

fn stages() -> Vec<Stage> {
    let files = files();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    Stage::all(&files)
}

/// Deploys a version to dev and returns the commit.
fn deploy(stage: &Stage, tag: &str) -> String {
    let arguments = ["--app=web", "--env=dev", "--publish=push", "--tag", tag];
    let run = stage.run("bump-values", &arguments).exits(0);
    run.json()["commit"].as_str().unwrap().to_owned()
}

fn back(stage: &Stage, arguments: &[&str]) -> Run {
    let mut all = vec!["--app=web", "--env=dev", "--publish=push"];
    all.extend(arguments);
    stage.run("rollback", &all)
}

fn dev(stage: &Stage) -> String {
    stage.file("main", "web/dev.yaml").unwrap()
}

#[test]
fn the_version_before_comes_back_and_what_else_has_changed_since_stays() {
    for stage in stages() {
        deploy(&stage, "1.1.0");
        deploy(&stage, "1.2.0");
        let later = values("1.2.0").replace("replicas: 2", "replicas: 5");
        stage.person_commits("main", "web/dev.yaml", &later);
        back(&stage, &[]).exits(0).says("1.2.0");
        let expected = values("1.1.0").replace("replicas: 2", "replicas: 5");
        assert_eq!(dev(&stage), expected, "{}", stage.name());
        let message = stage.messages("main").swap_remove(0);
        assert!(
            message.starts_with("rollback(dev): web 1.2.0 → 1.1.0\n"),
            "{message}"
        );
        assert!(message.contains("\nGitops-Restored: "), "{message}");
    }
}

#[test]
fn any_version_or_commit_of_its_past_can_be_named() {
    for stage in stages() {
        let commit = deploy(&stage, "1.1.0");
        deploy(&stage, "1.2.0");
        deploy(&stage, "1.3.0");
        back(&stage, &["--to", "1.0.0"]).exits(0);
        assert_eq!(dev(&stage), values("1.0.0"), "{}", stage.name());
        back(&stage, &["--to", &commit[..9]]).exits(0);
        assert_eq!(dev(&stage), values("1.1.0"), "{}", stage.name());
        let again = back(&stage, &["--to", "1.1.0"]).exits(0);
        assert_eq!(again.json()["operation"], "unchanged");
        back(&stage, &["--to", "9.9.9"])
            .exits(3)
            .says("no version or commit `9.9.9`");
        back(&stage, &["--to", "0000000"]).exits(3);
    }
}

#[test]
fn a_rollback_that_is_run_again_does_not_undo_itself() {
    for stage in stages() {
        deploy(&stage, "1.1.0");
        deploy(&stage, "1.2.0");
        back(&stage, &[]).exits(0);
        let again = back(&stage, &[]).exits(0);
        assert_eq!(again.json()["operation"], "unchanged");
        let reason = again.json()["reason"].to_string();
        assert!(reason.contains("went back from `1.2.0` already"), "{reason}");
        assert_eq!(dev(&stage), values("1.1.0"), "{}", stage.name());
        back(&stage, &["--to=1.0.0"]).exits(0);
        let further = back(&stage, &[]).exits(0);
        assert_eq!(further.json()["operation"], "unchanged", "{}", further.stderr);
        assert_eq!(dev(&stage), values("1.0.0"), "{}", stage.name());
        back(&stage, &["--to=1.1.0"]).exits(0);
        // A person's revert carries no trailer.
        deploy(&stage, "1.3.0");
        stage.person_commits("main", "web/dev.yaml", &values("1.1.0"));
        assert_eq!(back(&stage, &[]).exits(0).json()["operation"], "unchanged");
        assert_eq!(dev(&stage), values("1.1.0"), "{}", stage.name());
    }
}

#[test]
fn nothing_to_go_back_to_is_told() {
    for stage in stages() {
        back(&stage, &[])
            .exits(3)
            .says("no other version of `web` in `dev`");
    }
}

#[test]
fn a_manual_environment_goes_back_by_pull_request_with_all_its_clusters() {
    for stage in stages() {
        let bump = [
            "--app=web",
            "--env=prod",
            "--publish=push",
            "--tag=1.1.0",
            "--override-policy=test",
        ];
        stage.run("bump-values", &bump).exits(0);
        // A person has moved one cluster since: the places disagree now.
        stage.person_commits("main", "web/onprem.yaml", &values("1.2.0"));
        let arguments = [
            "--app=web",
            "--env=prod",
            "--publish=pull-request",
            "--to=previous",
        ];
        stage.run("rollback", &arguments).exits(0);
        let branch = "rollback/prod/web";
        for file in ["web/cloud.yaml", "web/onprem.yaml"] {
            assert_eq!(
                stage.file(branch, file).unwrap(),
                values("1.1.0"),
                "{}",
                stage.name()
            );
        }
        stage
            .run("rollback", &["--app=web", "--env=prod", "--publish=push"])
            .exits(4);
    }
}

#[test]
fn a_build_newer_than_the_one_that_was_rolled_back_is_deployed_again() {
    for stage in stages() {
        deploy(&stage, "1.1.0");
        back(&stage, &[]).exits(0);
        assert_eq!(dev(&stage), values("1.0.0"));
        deploy(&stage, "1.2.0");
        assert_eq!(dev(&stage), values("1.2.0"), "{}", stage.name());
    }
}

#[test]
fn what_is_held_takes_no_build_until_it_is_released() {
    for stage in stages() {
        deploy(&stage, "1.1.0");
        back(&stage, &["--hold", "leaks\nmemory"]).exits(0);
        assert_eq!(dev(&stage), values("1.0.0"));
        let policy = stage.file("main", ".gitops-steps.yaml").unwrap();
        assert!(policy.starts_with(POLICY), "{policy}");
        assert!(policy.contains("web/dev"), "{policy}");
        let newer = ["--app=web", "--env=dev", "--tag=1.2.0"];
        let mut push = newer.to_vec();
        push.push("--publish=push");
        stage
            .run("bump-values", &push)
            .exits(4)
            .says("is held")
            .says("--release-hold");
        let by_file = ["--file=web/dev.yaml", "--set=image.tag=1.2.0", "--publish=push"];
        stage.run("bump-values", &by_file).exits(4).says("is held");
        back(&stage, &["--to=1.1.0", "--hold=still"]).exits(0);
        assert_eq!(
            dev(&stage),
            values("1.1.0"),
            "who goes back is not kept by a hold"
        );
        back(&stage, &["--release-hold"]).exits(0);
        assert_eq!(dev(&stage), values("1.1.0"));
        let message = stage.messages("main").swap_remove(0);
        assert!(message.starts_with("release(dev): web\n"), "{message}");
        let policy = stage.file("main", ".gitops-steps.yaml").unwrap();
        assert_eq!(policy, POLICY, "{}", stage.name());
        let again = back(&stage, &["--release-hold"]).exits(0);
        assert_eq!(again.json()["operation"], "unchanged");
        deploy(&stage, "1.2.0");
        assert_eq!(dev(&stage), values("1.2.0"), "{}", stage.name());
    }
}

#[test]
fn who_merges_a_request_against_a_hold_is_told_of_it() {
    for stage in stages() {
        deploy(&stage, "1.1.0");
        back(&stage, &["--hold", "leaks @ann"]).exits(0);
        let newer = ["--app=web", "--env=dev", "--tag=1.2.0", "--publish=pull-request"];
        stage
            .run("bump-values", &newer)
            .exits(0)
            .says("is held")
            .says("the pull request is for when that ends");
        let body = stage.requests()[0].body.clone();
        assert!(body.contains("> **Held.** "), "{body}");
        assert!(body.contains("leaks @&#8203;ann"), "nobody is called: {body}");
    }
}

#[test]
fn the_end_of_a_hold_leaves_the_others() {
    let stage = &stages()[0];
    let prod = format!("{POLICY}holds:\n  web/prod: {{reason: audit}} # until May\n");
    stage.person_commits("main", ".gitops-steps.yaml", &prod);
    deploy(stage, "1.1.0");
    back(stage, &["--hold=leaks"]).exits(0);
    back(stage, &["--release-hold"]).exits(0);
    assert_eq!(stage.file("main", ".gitops-steps.yaml").unwrap(), prod);
}

#[test]
fn a_new_version_of_what_is_held_stands_ready_as_a_request() {
    for stage in stages().iter().filter(|stage| stage.name().ends_with("Api")) {
        deploy(stage, "1.1.0");
        back(stage, &["--hold=leaks"]).exits(0);
        let newer = ["--app=web", "--env=dev", "--tag=1.2.0"];
        let run = stage.run("bump-values", &newer).exits(0);
        assert_eq!(run.json()["operation"], "created", "{}", run.stderr);
        assert_eq!(dev(stage), values("1.0.0"), "{}", stage.name());
        assert_eq!(
            stage.file("promote/dev/web", "web/dev.yaml").unwrap(),
            values("1.2.0")
        );
    }
}

#[test]
fn the_build_that_comes_back_is_named_however_long_ago_it_was() {
    for stage in stages().iter().filter(|stage| stage.name().ends_with("Git")) {
        for number in 1..=13 {
            let (tag, run) = (format!("1.{number}.0"), number.to_string());
            let build = [
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_REPOSITORY", "acme/web"),
                ("GITHUB_WORKFLOW", "build"),
                ("GITHUB_RUN_NUMBER", run.as_str()),
            ];
            let arguments = ["--app=web", "--env=dev", "--publish=push", "--tag", &tag];
            stage.run_with(&build, "bump-values", &arguments).exits(0);
        }
        back(stage, &["--to=1.2.0"]).exits(0);
        let message = stage.messages("main").swap_remove(0);
        assert!(
            message.contains("\nSource-Sequence: 2\n"),
            "{}: {message}",
            stage.name()
        );
    }
}

#[test]
fn a_checkout_goes_back_by_its_own_history_and_commits_nothing() {
    let files = files();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    let bench = Bench::cloned(&files);
    bench.write("web/dev.yaml", &values("1.1.0"));
    git_says(
        &bench.repo(),
        &[
            "-c",
            "user.name=p",
            "-c",
            "user.email=p@x",
            "commit",
            "-qam",
            "by hand",
        ],
    );
    let mut command = bench.command();
    command.args(["rollback", "--app=web", "--env=dev"]);
    Run::from(command.output().unwrap()).exits(0).says("1.1.0");
    assert_eq!(bench.read("web/dev.yaml"), values("1.0.0"));
    let head = git_says(&bench.repo(), &["log", "-1", "--format=%s"]);
    assert_eq!(head.trim(), "by hand");
}
