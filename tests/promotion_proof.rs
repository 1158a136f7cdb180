//! A version goes on only when it has proven itself: its deployment succeeded, so long ago.

use crate::support::cli::Run;
use crate::support::stage::{Forge, Stage, TOKEN, Way};

const POLICY: &str = "\
version: 1
apps:
  web:
    image: ghcr.io/acme/web
    source: [acme/web]
    environments:
      dev:
        targets: [{file: web/dev.yaml}]
      prod:
        promote-from: dev
        targets: [{file: web/prod.yaml}]
";

fn values(tag: &str) -> String {
    format!("image:\n  repository: ghcr.io/acme/web\n  tag: {tag}\n")
}

/// A stage whose dev has the version that names the tip of the app's repository.
fn stage(github: bool) -> (Stage, String) {
    let files = [
        (".gitops-steps.yaml", POLICY),
        ("web/dev.yaml", ""),
        ("web/prod.yaml", &values("1.0.0")),
    ];
    let stage = if github {
        Stage::github(Way::Api, &files)
    } else {
        Stage::gitlab(Way::Api, &files)
    };
    let app = [("main.go", "package main\n")];
    let tip = match &stage.forge {
        Forge::Hub(hub) => {
            hub.repo("acme/web", &app);
            hub.tip("acme/web", "main")
        }
        Forge::Lab(lab) => {
            lab.repo("acme/web", &app);
            lab.tip("acme/web", "main")
        }
    };
    let tip = tip.unwrap();
    stage.person_commits("main", "web/dev.yaml", &values(&tip));
    (stage, tip)
}

/// Records a state of the deployment in the app's own repository.
fn record(stage: &Stage, sha: &str, word: &str) {
    let (kind, api_url) = match &stage.forge {
        Forge::Hub(hub) => ("github", hub.api_url()),
        Forge::Lab(lab) => ("gitlab", lab.api_url()),
    };
    let mut binary = stage.bench.command();
    binary
        .args([
            "deployment-status",
            "--repo",
            &format!("{kind}:acme/web"),
            "--env",
            "dev",
        ])
        .args([
            "--ref",
            "main",
            "--sha",
            sha,
            "--if-missing",
            "create",
            "--state",
            word,
        ])
        .env("GITOPS_STEPS_API_URL", api_url)
        .env("GITOPS_STEPS_TOKEN", TOKEN);
    Run::from(binary.output().unwrap()).exits(0);
}

fn promote(stage: &Stage, flags: &[&str]) -> Run {
    let flags = [
        &["--app", "web", "--env", "prod", "--require-deployment", "success"],
        flags,
    ]
    .concat();
    stage.run_with(
        &[("GITOPS_STEPS_SOURCE_TOKEN", TOKEN)],
        "open-promotion-pr",
        &flags,
    )
}

#[test]
fn a_version_is_promoted_only_when_its_deployment_has_succeeded_and_soaked() {
    for github in [true, false] {
        let (stage, tip) = stage(github);
        promote(&stage, &[]).exits(4).says("there is no deployment");
        record(&stage, &tip, "in_progress");
        promote(&stage, &[]).exits(4).says("`in_progress`, not `success`");
        promote(&stage, &["--dry-run"]).exits(4);
        record(&stage, &tip, "success");
        promote(&stage, &["--min-soak", "30m"])
            .exits(4)
            .says("--min-soak is 30m");
        assert!(stage.requests().is_empty(), "{}", stage.name());
        assert_eq!(stage.branches(), ["main"], "{}", stage.name());
        let json = promote(&stage, &[]).exits(0).json();
        assert_eq!(json["operation"], "created", "{}", stage.name());
    }
}

#[test]
fn a_soak_alone_is_no_requirement() {
    let (stage, _) = stage(true);
    let run = stage.run(
        "open-promotion-pr",
        &["--app", "web", "--env", "prod", "--min-soak", "30m"],
    );
    run.exits(2).says("--require-deployment");
    promote(&stage, &["--min-soak", "soon"])
        .exits(2)
        .says("--min-soak");
}

#[test]
fn who_gives_no_token_for_the_apps_repository_is_told_where_it_goes() {
    for github in [true, false] {
        let (stage, _) = stage(github);
        let arguments = ["--app=web", "--env=prod", "--require-deployment=success"];
        stage
            .run("open-promotion-pr", &arguments)
            .exits(5)
            .says("GITOPS_STEPS_SOURCE_TOKEN");
    }
}
