//! Change requests when something is in the way: lost answers, races, missing labels, rules of the repository.

use crate::support::cli::Run;
use crate::support::stage::{Forge, REPO, Stage, Trouble, Way};

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
        targets: [{file: web/prod.yaml}]
  api:
    image: ghcr.io/acme/api
    environments:
      dev:
        clusters:
          west: [{file: api/dev-west.yaml}]
          east: [{file: api/dev-east.yaml}]
      prod:
        promote-from: dev
        targets: [{file: api/prod.yaml}]
";
const HEAD: &str = "promote/prod/web";

fn values(app: &str, tag: &str) -> String {
    format!("image:\n  repository: ghcr.io/acme/{app}\n  tag: {tag}\n")
}

fn files() -> Vec<(String, String)> {
    [
        (".gitops-steps.yaml", POLICY.to_owned()),
        ("web/dev.yaml", values("web", "1.1.0")),
        ("web/prod.yaml", values("web", "1.0.0")),
        ("api/dev-west.yaml", values("api", "2.1.0")),
        ("api/dev-east.yaml", values("api", "2.1.0")),
        ("api/prod.yaml", values("api", "2.0.0")),
    ]
    .map(|(path, text)| (path.to_owned(), text))
    .to_vec()
}

fn stages() -> Vec<Stage> {
    let files = files();
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    vec![
        Stage::github(Way::Api, &files),
        Stage::gitlab(Way::Api, &files),
        Stage::github(Way::Git, &files),
        Stage::gitlab(Way::Git, &files),
    ]
}

fn promote(stage: &Stage, flags: &[&str]) -> Run {
    stage.run(
        "open-promotion-pr",
        &[&["--app", "web", "--env", "prod"], flags].concat(),
    )
}

#[test]
fn a_lost_answer_opens_nothing_twice() {
    for trouble in [Trouble::LostAfterDoing, Trouble::Lost, Trouble::Status(502)] {
        for stage in stages() {
            let name = format!("{} {trouble:?}", stage.name());
            stage.spoil("POST /repos/acme/deploy/pulls", "POST /merge_requests", trouble);
            let json = promote(&stage, &[]).exits(0).json();
            assert_eq!(json["pr_number"], 1, "{name}");
            assert_eq!(stage.requests().len(), 1, "{name}");
            assert_eq!(stage.branches(), ["main", HEAD], "{name}");
        }
    }
}

#[test]
fn a_lost_answer_to_the_commit_ends_in_one_commit() {
    for trouble in [Trouble::LostAfterDoing, Trouble::Lost, Trouble::Status(500)] {
        for stage in stages().into_iter().filter(|stage| stage.way == Way::Api) {
            let name = format!("{} {trouble:?}", stage.name());
            stage.spoil("createCommitOnBranch", "POST /repository/commits", trouble);
            let run = stage
                .run("bump-values", &["--app", "web", "--env", "dev", "--tag", "1.2.0"])
                .exits(0);
            assert_eq!(run.json()["changed"], true, "{name}");
            assert_eq!(
                stage.file("main", "web/dev.yaml"),
                Some(values("web", "1.2.0")),
                "{name}"
            );
            assert_eq!(stage.messages("main").len(), 2, "{name}: one commit");
        }
    }
}

#[test]
fn a_request_that_appears_meanwhile_is_taken_for_what_it_is() {
    for stage in stages() {
        let name = stage.name();
        stage.opened_meanwhile("POST /repos/acme/deploy/pulls", "POST /merge_requests", HEAD);
        let json = promote(&stage, &[]).exits(0).json();
        assert_eq!(
            (&json["operation"], &json["pr_number"]),
            (&"updated".into(), &1.into()),
            "{name}"
        );
        assert_eq!(stage.requests().len(), 1, "{name}");
        let request = &stage.requests()[0];
        assert_eq!(request.title, "mine", "{name}: a person's title stays");
        assert!(request.body.contains("`1.1.0`"), "{name}: {}", request.body);
    }
}

#[test]
fn the_base_that_moves_meanwhile_is_planned_on_again() {
    for stage in stages().into_iter().filter(|stage| stage.way == Way::Api) {
        let name = stage.name();
        stage.person_commits_before(
            "createCommitOnBranch",
            "POST /repository/commits",
            "web/dev.yaml",
            &values("web", "1.1.5"),
        );
        stage
            .run("bump-values", &["--app", "web", "--env", "dev", "--tag", "1.2.0"])
            .exits(0);
        assert_eq!(
            stage.file("main", "web/dev.yaml"),
            Some(values("web", "1.2.0")),
            "{name}"
        );
        assert_eq!(stage.messages("main").len(), 3, "{name}");
        stage.person_commits_before(
            "createCommitOnBranch",
            "POST /repository/commits",
            "web/dev.yaml",
            &values("web", "2.0.0"),
        );
        let run = stage
            .run("bump-values", &["--app", "web", "--env", "dev", "--tag", "1.3.0"])
            .exits(0);
        assert_eq!(run.json()["operation"], "superseded", "{name}");
        assert_eq!(
            stage.file("main", "web/dev.yaml"),
            Some(values("web", "2.0.0")),
            "{name}"
        );
    }
}

#[test]
fn people_and_labels_that_are_not_to_be_had_are_told_and_the_request_stands() {
    for stage in stages() {
        let name = stage.name();
        let run = promote(
            &stage,
            &[
                "--label",
                "new-label",
                "--reviewer",
                "nobody-here",
                "--assignee",
                "nobody-here",
            ],
        )
        .exits(0);
        let json = run.json();
        assert_eq!(json["operation"], "created", "{name}");
        let warnings = json["warnings"].to_string();
        assert!(warnings.contains("nobody-here"), "{name}: {warnings}");
        assert_eq!(stage.requests()[0].labels, ["new-label"], "{name}");
    }
}

#[test]
fn a_draft_is_a_draft() {
    for stage in stages() {
        promote(&stage, &["--draft"]).exits(0);
        assert!(stage.requests()[0].draft, "{}", stage.name());
    }
}

#[test]
fn what_is_clean_merges_at_once_and_the_next_run_finds_nothing_to_do() {
    for stage in stages() {
        let name = stage.name();
        let json = promote(&stage, &["--auto-merge", "squash"]).exits(0).json();
        let request = &stage.requests()[0];
        assert_eq!(
            (json["operation"].as_str(), request.state.as_str()),
            (Some("merged"), "merged"),
            "{name}"
        );
        assert_eq!(
            stage.file("main", "web/prod.yaml"),
            Some(values("web", "1.1.0")),
            "{name}"
        );
        assert_eq!(
            promote(&stage, &[]).exits(0).json()["operation"],
            "unchanged",
            "{name}"
        );
    }
}

#[test]
fn a_repository_without_auto_merge_gets_its_request_all_the_same() {
    for stage in stages() {
        let name = stage.name();
        if let Forge::Hub(hub) = &stage.forge {
            hub.settings(REPO, |settings| {
                settings.auto_merge_allowed = false;
                settings.checks_pending = true;
            });
            let json = promote(&stage, &["--auto-merge", "merge"]).exits(0).json();
            assert_eq!(json["operation"], "created", "{name}");
            assert!(
                json["warnings"].to_string().contains("auto-merge"),
                "{name}: {json}"
            );
        }
    }
}

#[test]
fn several_apps_go_together_under_the_name_of_their_group() {
    for stage in stages() {
        let name = stage.name();
        let all = ["--app", "*", "--env", "prod", "--group", "weekly"];
        let json = stage.run("open-promotion-pr", &all).exits(0).json();
        assert_eq!(
            json["files"],
            serde_json::json!(["api/prod.yaml", "web/prod.yaml"]),
            "{name}"
        );
        assert_eq!(
            stage.file("promote/prod/weekly", "api/prod.yaml"),
            Some(values("api", "2.1.0")),
            "{name}"
        );
        assert_eq!(
            stage.file("promote/prod/weekly", "web/prod.yaml"),
            Some(values("web", "1.1.0")),
            "{name}"
        );
        stage
            .run("open-promotion-pr", &["--app", "*", "--env", "prod"])
            .exits(2)
            .says("--group");
    }
}

#[test]
fn clusters_that_disagree_are_not_promoted() {
    for stage in stages() {
        stage.person_commits("main", "api/dev-east.yaml", &values("api", "2.0.5"));
        let run = stage
            .run("open-promotion-pr", &["--app", "api", "--env", "prod"])
            .exits(4);
        let run = run
            .says("api/dev-west.yaml:2 (west)")
            .says("api/dev-east.yaml:2 (east)");
        assert_eq!(run.json()["operation"], "refused");
        assert!(stage.requests().is_empty());
    }
}

#[test]
fn what_is_missing_is_named_before_anything_is_sent() {
    let stage = &stages()[0];
    for (arguments, code, words) in [
        (&["--env", "prod"][..], 2, "--app"),
        (&["--app", "web"], 2, "--env"),
        (
            &["--app", "web", "--env", "staging"],
            3,
            "has no environment `staging`",
        ),
        (&["--app", "web", "--env", "dev"], 2, "promote-from"),
        (
            &[
                "--app",
                "web",
                "--env",
                "prod",
                "--from-env",
                "dev",
                "--tag",
                "1.2.0",
            ],
            2,
            "two ways",
        ),
        (
            &["--app", "web", "--env", "prod", "--from-env", "prod"],
            2,
            "to itself",
        ),
        (
            &["--file", "web/prod.yaml", "--set", "image.tag=1.2.0"],
            2,
            "--head-branch",
        ),
        (&["--app", "web", "--env", "prod", "--title", "{nope}"], 2, "nope"),
        (
            &["--app", "web", "--env", "prod", "--head-branch", "main"],
            2,
            "to itself",
        ),
        (
            &["--app", "web", "--env", "prod", "--head-branch", "a..b"],
            2,
            "branch",
        ),
    ] {
        stage.run("open-promotion-pr", arguments).exits(code).says(words);
    }
    assert!(stage.requests().is_empty() && stage.branches() == ["main"]);
}

#[test]
fn by_path_the_branch_is_named_and_title_and_body_are_templates() {
    for stage in stages() {
        let name = stage.name();
        let run = stage.run(
            "open-promotion-pr",
            &[
                "--file",
                "web/prod.yaml",
                "--set",
                "image.tag=1.2.0",
                "--head-branch",
                "bump/web",
                "--title",
                "Bump {file} to {new}",
                "--body",
                "Please look at {file}.",
            ],
        );
        run.exits(0);
        let request = &stage.requests()[0];
        assert_eq!(request.title, "Bump web/prod.yaml to 1.2.0", "{name}");
        assert!(
            request.body.contains("\nPlease look at web/prod.yaml.\n"),
            "{name}: {}",
            request.body
        );
    }
}

#[test]
fn a_protected_branch_points_to_a_change_request() {
    for stage in stages() {
        match &stage.forge {
            Forge::Hub(hub) => hub.protect(REPO, "main"),
            Forge::Lab(lab) => lab.protect(REPO, "main"),
        }
        let dev = ["--app", "web", "--env", "dev", "--tag", "1.2.0"];
        stage
            .run("bump-values", &dev)
            .exits(4)
            .says("--publish pull-request");
        stage
            .run(
                "bump-values",
                &[&dev[..], &["--publish", "pull-request"]].concat(),
            )
            .exits(0);
        assert_eq!(stage.requests().len(), 1, "{}", stage.name());
    }
}

#[test]
fn many_runs_at_once_end_in_one_request_with_the_highest_version() {
    for stage in stages() {
        let name = stage.name();
        let tags = ["1.2.0", "1.7.0", "1.4.0", "1.6.0", "1.3.0", "1.5.0"];
        std::thread::scope(|scope| {
            for tag in tags {
                let stage = &stage;
                scope.spawn(move || promote(stage, &["--tag", tag]).exits(0));
            }
        });
        let open: Vec<_> = stage
            .requests()
            .into_iter()
            .filter(|request| request.state == "open")
            .collect();
        assert_eq!(open.len(), 1, "{name}");
        assert_eq!(open[0].title, "deploy(prod): web 1.0.0 → 1.7.0", "{name}");
        assert_eq!(
            stage.file(HEAD, "web/prod.yaml"),
            Some(values("web", "1.7.0")),
            "{name}"
        );
        assert_eq!(
            stage.branches(),
            ["main", HEAD],
            "{name}: no temporary branch is left"
        );
    }
}

/// A policy in which prod is frozen.
fn frozen() -> String {
    POLICY.replacen(
        "        promote-from: dev\n        targets: [{file: web/prod.yaml}]",
        "        promote-from: dev\n        frozen: {from: 2001-01-01, until: 2200-01-01}\n        targets: [{file: web/prod.yaml}]",
        1,
    )
}

#[test]
fn nothing_merges_by_itself_into_a_frozen_environment_whatever_flags_led_there() {
    for stage in stages() {
        let name = stage.name();
        stage.person_commits("main", ".gitops-steps.yaml", &frozen());
        let by_path = [
            "--file",
            "web/prod.yaml",
            "--set",
            "image.tag=1.2.0",
            "--head-branch",
            "x",
        ];
        let by_image = [
            "--file",
            "web/prod.yaml",
            "--image",
            "ghcr.io/acme/web:1.2.0",
            "--head-branch",
            "y",
        ];
        for arguments in [
            &by_path[..],
            &by_image[..],
            &["--app", "web", "--env", "prod"][..],
        ] {
            let arguments = [arguments, &["--auto-merge", "squash"]].concat();
            let json = stage.run("open-promotion-pr", &arguments).exits(0).json();
            assert_eq!(json["operation"], "created", "{name} {arguments:?}");
            assert!(json["warnings"].to_string().contains("frozen"), "{name} {json}");
        }
        assert_eq!(
            stage.file("main", "web/prod.yaml"),
            Some(values("web", "1.0.0")),
            "{name}"
        );
    }
}

#[test]
fn what_was_to_merge_by_itself_does_not_once_the_environment_is_frozen() {
    for stage in stages() {
        let name = stage.name();
        stage.hold_merges();
        promote(&stage, &["--auto-merge", "squash"]).exits(0);
        assert!(stage.merges_by_itself(), "{name}");
        stage.person_commits("main", ".gitops-steps.yaml", &frozen());
        stage.person_commits("main", "web/dev.yaml", &values("web", "1.2.0"));
        promote(&stage, &["--auto-merge", "squash"]).exits(0);
        assert!(!stage.merges_by_itself(), "{name}");
    }
}

#[test]
fn a_lost_answer_loses_no_label() {
    for stage in stages() {
        let name = stage.name();
        stage.spoil(
            "POST /repos/acme/deploy/pulls",
            "POST /merge_requests",
            Trouble::LostAfterDoing,
        );
        let json = promote(&stage, &["--label", "production"]).exits(0).json();
        assert_eq!(
            (&json["operation"], &json["changed"]),
            (&"created".into(), &true.into()),
            "{name}"
        );
        assert!(json["commit"].is_string(), "{name}");
        assert_eq!(stage.requests()[0].labels, ["production"], "{name}");
    }
}

#[test]
fn what_people_write_into_our_request_stays() {
    for stage in stages() {
        let name = stage.name();
        promote(&stage, &[]).exits(0);
        stage.retitle(1, "[OPS-7] web to prod", "Risk: low, says Jane.");
        stage.person_commits("main", "web/dev.yaml", &values("web", "1.2.0"));
        promote(&stage, &[]).exits(0);
        let request = &stage.requests()[0];
        assert_eq!(request.title, "[OPS-7] web to prod", "{name}");
        assert!(
            request.body.contains("Risk: low, says Jane."),
            "{name}: {}",
            request.body
        );
        assert!(
            request.body.contains("`1.2.0`") && !request.body.contains("`1.1.0`"),
            "{name}: {}",
            request.body
        );
    }
}

#[test]
fn a_persons_commits_keep_a_request_open_though_the_base_has_its_values() {
    for stage in stages() {
        let name = stage.name();
        promote(&stage, &[]).exits(0);
        stage.person_commits(HEAD, "notes.md", "by Jane\n");
        stage.person_commits("main", "web/prod.yaml", &values("web", "1.1.0"));
        let json = promote(&stage, &[]).exits(0).json();
        assert!(
            json["warnings"].to_string().contains("left open"),
            "{name}: {json}"
        );
        assert_eq!(stage.requests()[0].state, "open", "{name}");
    }
}

#[test]
fn a_branch_of_somebody_else_is_not_taken_though_it_carries_nothing() {
    for stage in stages() {
        let name = stage.name();
        stage.branch("develop");
        let bump = ["--app", "web", "--env", "prod", "--head-branch", "develop"];
        stage.run("open-promotion-pr", &bump).exits(4).says("--take-over");
        assert_eq!(stage.messages("develop").len(), 1, "{name}");
    }
}

#[test]
fn a_lost_answer_loses_no_label_though_the_base_moves_too() {
    for stage in stages() {
        let name = stage.name();
        let (hub_part, lab_part) = ("POST /repos/acme/deploy/pulls", "POST /merge_requests");
        stage.spoil(hub_part, lab_part, Trouble::LostAfterDoing);
        let moved = format!("{}replicas: 5\n", values("web", "1.0.0"));
        stage.person_commits_before(hub_part, lab_part, "web/prod.yaml", &moved);
        let json = promote(&stage, &["--label", "production"]).exits(0).json();
        assert_eq!(json["operation"], "created", "{name}");
        assert_eq!(stage.requests()[0].labels, ["production"], "{name}");
        let head = stage.file(HEAD, "web/prod.yaml").unwrap_or_default();
        assert!(
            head.contains("1.1.0") && head.contains("replicas: 5"),
            "{name}: {head}"
        );
    }
}
