//! Change requests, on both forges and by every way to a config repo: whatever is there already, it ends well.

use crate::support::stage::{Request, Stage, Way};

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
        promote-from: dev
        clusters:
          cloud: [{file: web/prod-cloud.yaml}]
          onprem: [{file: web/prod-onprem.yaml}]
        pull-request: {labels: [production]}
";
const HEAD: &str = "promote/prod/web";

fn values(tag: &str) -> String {
    format!("# kept\nimage:\n  repository: ghcr.io/acme/web\n  tag: \"{tag}\" # kept too\nreplicas: 2\n")
}

fn stages() -> Vec<Stage> {
    let (dev, prod) = (values("1.1.0"), values("1.0.0"));
    Stage::all(&[
        (".gitops-steps.yaml", POLICY),
        ("web/dev.yaml", &dev),
        ("web/prod-cloud.yaml", &prod),
        ("web/prod-onprem.yaml", &prod),
    ])
}

/// Runs `open-promotion-pr` for web in prod and returns operation, `changed` and the number.
fn promote(stage: &Stage, flags: &[&str]) -> (String, bool, Option<u64>) {
    let run = stage.run(
        "open-promotion-pr",
        &[&["--app", "web", "--env", "prod"], flags].concat(),
    );
    assert_eq!(run.code, 0, "{}: {}", stage.name(), run.stderr);
    let json = run.json();
    let operation = json["operation"].as_str().unwrap_or_default().to_owned();
    (operation, json["changed"] == true, json["pr_number"].as_u64())
}

fn did(operation: &str, changed: bool, number: u64) -> (String, bool, Option<u64>) {
    (operation.to_owned(), changed, Some(number))
}

fn only(stage: &Stage) -> Request {
    let requests = stage.requests();
    assert_eq!(requests.len(), 1, "{}: {requests:#?}", stage.name());
    requests[0].clone()
}

#[test]
fn a_promotion_opens_one_change_request_and_keeps_it() {
    for stage in stages() {
        let name = stage.name();
        assert_eq!(promote(&stage, &[]), did("created", true, 1), "{name}");
        let request = only(&stage);
        assert_eq!((request.state.as_str(), request.draft), ("open", false), "{name}");
        assert_eq!(request.title, "deploy(prod): web 1.0.0 → 1.1.0", "{name}");
        assert_eq!(request.labels, ["production"], "{name}");
        for words in [
            "`cloud`",
            "`web/prod-onprem.yaml`",
            "`1.0.0`",
            "`1.1.0`",
            "+  tag: \"1.1.0\" # kept too",
        ] {
            assert!(
                request.body.contains(words),
                "{name}: {words} in\n{}",
                request.body
            );
        }
        for file in ["web/prod-cloud.yaml", "web/prod-onprem.yaml"] {
            assert_eq!(stage.file(HEAD, file), Some(values("1.1.0")), "{name}");
            assert_eq!(stage.file("main", file), Some(values("1.0.0")), "{name}");
        }
        assert_eq!(stage.branches(), ["main", HEAD], "{name}: nothing else is left");
        assert_eq!(stage.messages(HEAD).len(), 2, "{name}: one commit on the base");
        stage.forget_calls();
        assert_eq!(promote(&stage, &[]), did("unchanged", false, 1), "{name}");
        assert!(
            stage
                .calls()
                .iter()
                .all(|call| !call.contains("PATCH") && !call.contains("PUT")),
            "{name}"
        );
        assert_eq!(only(&stage), request, "{name}: again with the same");
    }
}

#[test]
fn a_newer_version_is_built_anew_on_the_base_as_it_is_today() {
    for stage in stages() {
        let name = stage.name();
        promote(&stage, &[]);
        stage.person_commits("main", "web/dev.yaml", &values("1.2.0"));
        stage.person_commits(
            "main",
            "web/prod-cloud.yaml",
            &values("1.0.0").replace("replicas: 2", "replicas: 5"),
        );
        assert_eq!(promote(&stage, &[]), did("updated", true, 1), "{name}");
        let request = only(&stage);
        assert_eq!(
            (request.state.as_str(), request.title.as_str()),
            ("open", "deploy(prod): web 1.0.0 → 1.2.0"),
            "{name}"
        );
        let cloud = stage.file(HEAD, "web/prod-cloud.yaml").unwrap();
        assert!(
            cloud.contains("1.2.0") && cloud.contains("replicas: 5"),
            "{name}: {cloud}"
        );
        assert_eq!(
            stage.messages(HEAD).len(),
            4,
            "{name}: one commit on today's base"
        );
        assert_eq!(stage.branches(), ["main", HEAD], "{name}");
    }
}

#[test]
fn what_the_base_has_already_needs_no_change_request() {
    for stage in stages() {
        let name = stage.name();
        promote(&stage, &[]);
        for file in ["web/prod-cloud.yaml", "web/prod-onprem.yaml"] {
            stage.person_commits("main", file, &values("1.1.0"));
        }
        assert_eq!(promote(&stage, &[]), did("closed", false, 1), "{name}");
        let request = only(&stage);
        assert_eq!(
            (request.state.as_str(), request.comments),
            ("closed", 1),
            "{name}"
        );
        let again = promote(&stage, &[]);
        assert_eq!((again.0.as_str(), again.1), ("unchanged", false), "{name}");
        // What we closed ourselves does not hold back a later run.
        stage.person_commits("main", "web/prod-cloud.yaml", &values("1.0.0"));
        stage.person_commits("main", "web/prod-onprem.yaml", &values("1.0.0"));
        assert_eq!(promote(&stage, &[]), did("created", true, 2), "{name}");
    }
}

#[test]
fn what_was_merged_is_done_and_the_next_version_opens_the_next_request() {
    for stage in stages() {
        let name = stage.name();
        promote(&stage, &[]);
        stage.merge(1);
        let again = promote(&stage, &[]);
        assert_eq!((again.0.as_str(), again.1), ("unchanged", false), "{name}");
        assert_eq!(
            stage.file("main", "web/prod-onprem.yaml"),
            Some(values("1.1.0")),
            "{name}"
        );
        stage.person_commits("main", "web/dev.yaml", &values("1.2.0"));
        assert_eq!(promote(&stage, &[]), did("created", true, 2), "{name}");
    }
}

#[test]
fn what_a_person_closed_stays_closed_until_asked_for_or_newer() {
    for stage in stages() {
        let name = stage.name();
        promote(&stage, &[]);
        stage.close(1);
        assert_eq!(promote(&stage, &[]), did("skipped", false, 1), "{name}");
        assert_eq!(only(&stage).state, "closed", "{name}");
        assert_eq!(promote(&stage, &["--reopen"]).0, "updated", "{name}");
        assert_eq!(only(&stage).state, "open", "{name}");
        stage.close(1);
        stage.person_commits("main", "web/dev.yaml", &values("1.2.0"));
        assert_eq!(promote(&stage, &[]), did("created", true, 2), "{name}");
    }
}

#[test]
fn somebody_elses_commits_are_not_thrown_away() {
    for stage in stages() {
        let name = stage.name();
        promote(&stage, &[]);
        stage.person_commits(
            HEAD,
            "web/prod-cloud.yaml",
            &values("1.1.0").replace("replicas: 2", "replicas: 9"),
        );
        stage.person_commits("main", "web/dev.yaml", &values("1.2.0"));
        let arguments = ["--app", "web", "--env", "prod"];
        let run = stage
            .run("open-promotion-pr", &arguments)
            .exits(4)
            .says("--take-over");
        assert_eq!(run.json()["operation"], "refused", "{name}");
        assert!(
            stage
                .file(HEAD, "web/prod-cloud.yaml")
                .unwrap()
                .contains("replicas: 9"),
            "{name}"
        );
        assert_eq!(
            promote(&stage, &["--take-over"]),
            did("updated", true, 1),
            "{name}"
        );
        assert_eq!(
            stage.file(HEAD, "web/prod-cloud.yaml"),
            Some(values("1.2.0")),
            "{name}"
        );
    }
}

#[test]
fn an_older_version_does_not_replace_the_newer_one_that_waits() {
    for stage in stages() {
        let name = stage.name();
        promote(&stage, &["--tag", "1.3.0"]);
        assert_eq!(
            promote(&stage, &["--tag", "1.2.0"]),
            did("superseded", false, 1),
            "{name}"
        );
        assert_eq!(
            stage.file(HEAD, "web/prod-cloud.yaml"),
            Some(values("1.3.0")),
            "{name}"
        );
        assert_eq!(
            promote(&stage, &["--tag", "1.2.0", "--allow-downgrade"]),
            did("updated", true, 1),
            "{name}"
        );
    }
}

#[test]
fn a_request_that_is_merged_while_we_look_is_no_failure() {
    for stage in stages() {
        let name = stage.name();
        promote(&stage, &[]);
        stage.person_commits("main", "web/dev.yaml", &values("1.2.0"));
        stage.merge_before("PATCH /repos/acme/deploy/pulls/1", "PUT /merge_requests/1", 1);
        let (operation, _, number) = promote(&stage, &[]);
        let last = stage.requests().last().unwrap().clone();
        assert_eq!(number, Some(last.number), "{name}");
        match operation.as_str() {
            // The person merged what we had just pushed.
            "merged" => assert_eq!(
                stage.file("main", "web/prod-cloud.yaml"),
                Some(values("1.2.0")),
                "{name}"
            ),
            "created" => assert_eq!(
                stage.file(HEAD, "web/prod-cloud.yaml"),
                Some(values("1.2.0")),
                "{name}"
            ),
            other => panic!("{name}: {other}"),
        }
    }
}

#[test]
fn bump_values_falls_back_to_a_change_request_where_the_policy_says_so() {
    for stage in stages().into_iter().filter(|stage| stage.way != Way::Clone) {
        let name = stage.name();
        let run = stage
            .run(
                "bump-values",
                &["--app", "web", "--env", "prod", "--tag", "1.1.0"],
            )
            .exits(0);
        assert_eq!(run.json()["operation"], "created", "{name}");
        assert_eq!(run.json()["publish"], "pull-request", "{name}");
        let run = stage
            .run("bump-values", &["--app", "web", "--env", "dev", "--tag", "1.2.0"])
            .exits(0);
        assert_eq!(run.json()["publish"], "push", "{name}");
        assert_eq!(
            stage.file("main", "web/dev.yaml"),
            Some(values("1.2.0")),
            "{name}"
        );
    }
}

#[test]
fn a_dry_run_opens_nothing() {
    for stage in stages() {
        let run = stage
            .run(
                "open-promotion-pr",
                &["--app", "web", "--env", "prod", "--dry-run"],
            )
            .exits(0);
        assert_eq!(run.json()["changed"], true, "{}", stage.name());
        assert!(
            stage.requests().is_empty() && stage.branches() == ["main"],
            "{}",
            stage.name()
        );
    }
}

#[test]
fn a_bump_and_an_unchanged_request_cost_few_calls_whatever_the_size_of_the_repo() {
    for size in [10, 10_000] {
        let many: Vec<(String, String)> = (0..size)
            .map(|n| (format!("apps/app-{n}/values.yaml"), values("1.0.0")))
            .collect();
        let (dev, prod) = (values("1.1.0"), values("1.0.0"));
        let mut files = vec![
            (".gitops-steps.yaml", POLICY),
            ("web/dev.yaml", &dev),
            ("web/prod-cloud.yaml", &prod),
            ("web/prod-onprem.yaml", &prod),
        ];
        files.extend(many.iter().map(|(path, text)| (path.as_str(), text.as_str())));
        for (stage, bump, unchanged) in [
            (Stage::github(Way::Api, &files), 3, 4),
            (Stage::gitlab(Way::Api, &files), 4, 6),
        ] {
            stage
                .run("bump-values", &["--app", "web", "--env", "dev", "--tag", "1.2.0"])
                .exits(0);
            let calls = stage.calls();
            assert!(calls.len() <= bump, "{}: {calls:#?}", stage.name());
            promote(&stage, &["--tag", "1.2.0"]);
            stage.forget_calls();
            assert_eq!(promote(&stage, &["--tag", "1.2.0"]).0, "unchanged");
            let calls = stage.calls();
            assert!(calls.len() <= unchanged, "{}: {calls:#?}", stage.name());
        }
    }
}
