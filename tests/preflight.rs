//! `check --remote`: what the forge tells before anything is written, also of tokens that may not.

use crate::support::cli::{Bench, Run};
use crate::support::github::{self, App, Rule, Workflow};
use crate::support::stage::{REPO, Way};
use crate::support::{git_server, gitlab};
use serde_json::Value;

const TOKEN: &str = "github_pat_s3cret";
/// An empty variable is an absent one.
const NO_TOKEN: &str = "";
const POLICY: &str = "version: 1
apps:
  web:
    image: ghcr.io/acme/web
    environments:
      dev: {auto-deploy: on, targets: [{file: dev.yaml, path: image}]}
      prod:
        promote-from: dev
        targets: [{file: prod.yaml, path: image}]
        pull-request: {labels: [production], reviewers: [ana], team-reviewers: [platform], auto-merge: squash}
";
const VALUES: &str = "image: {repository: ghcr.io/acme/web, tag: v1}\n";
const FILES: [(&str, &str); 4] = [
    (".gitops-steps.yaml", POLICY),
    ("dev.yaml", VALUES),
    ("prod.yaml", VALUES),
    (
        ".github/workflows/deploy.yaml",
        "on:\n  repository_dispatch: {types: [deploy-image]}\njobs: {}\n",
    ),
];

fn hub(grant: github::Grant, set: impl FnOnce(&github::Hub)) -> github::Fake {
    let hub = github::Fake::start();
    hub.repo(REPO, &FILES);
    hub.token(TOKEN, grant);
    set(&hub);
    hub
}

fn ask_hub(hub: &github::Fake, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    let bench = Bench::new(&[]);
    let mut command = bench.command();
    command
        .args(["check", "--remote", "--format", "json", "--config-repo"])
        .arg(format!("github:{REPO}"))
        .args(arguments)
        .env("GITOPS_STEPS_API_URL", hub.api_url())
        .env("GITOPS_STEPS_TOKEN", TOKEN)
        .envs(variables.iter().copied());
    Run::from(command.output().unwrap())
}

fn lab(grant: gitlab::Grant, set: impl FnOnce(&gitlab::Fake)) -> gitlab::Fake {
    let lab = gitlab::Fake::start();
    lab.repo(REPO, &FILES);
    lab.token(TOKEN, grant);
    set(&lab);
    lab
}

fn ask_lab(lab: &gitlab::Fake, address: &str) -> Run {
    let bench = Bench::new(&[]);
    let mut command = bench.command();
    command
        .args([
            "check",
            "--remote",
            "--format",
            "json",
            "--forge",
            "gitlab",
            "--config-repo",
            address,
        ])
        .env("GITOPS_STEPS_API_URL", lab.api_url())
        .env("GITOPS_STEPS_TOKEN", TOKEN);
    Run::from(command.output().unwrap())
}

/// The items as `code verdict`.
fn items(run: &Run) -> Vec<String> {
    let json = run.json();
    let all = json["check"]["remote"]
        .as_array()
        .unwrap_or_else(|| panic!("{json:#}"));
    let text = |one: &Value, key: &str| one[key].as_str().unwrap().to_owned();
    all.iter()
        .map(|one| {
            assert!(!text(one, "message").is_empty());
            format!("{} {}", text(one, "code"), text(one, "verdict"))
        })
        .collect()
}

fn message(run: &Run, code: &str) -> String {
    let json = run.json();
    let all = json["check"]["remote"].as_array().unwrap();
    let one = all.iter().find(|one| one["code"] == code).unwrap();
    one["message"].as_str().unwrap().to_owned()
}

#[test]
fn a_classic_token_of_a_repository_that_is_ready_is_well() {
    let hub = hub(
        github::Grant::classic("bot", &["repo", "workflow"]).expires("2999-01-02 10:00:00 UTC"),
        |hub| {
            hub.settings(REPO, |settings| settings.labels.push("production".to_owned()));
            hub.workflow(REPO, Workflow::on_event("deploy.yaml", "deploy-image"));
        },
    );
    let run = ask_hub(&hub, &[], &["--workflow", "deploy.yaml", "--strict"]).exits(0);
    assert_eq!(
        items(&run),
        [
            "token ok",
            "repository ok",
            "push ok",
            "pull-requests ok",
            "rights ok",
            "branch-rules ok",
            "auto-merge ok",
            "label ok",
            "reviewer ok",
            "team ok",
            "workflow ok",
        ]
    );
    assert!(message(&run, "token").ends_with("of `bot`; it expires on 2999-01-02"));
    assert_eq!(message(&run, "rights"), "the token's scopes: repo, workflow");
    assert!(message(&run, "workflow").contains("repository_dispatch"));
    for request in hub.requests() {
        let reads = request.method == "GET" || request.target == "/graphql";
        assert!(reads, "{} {}", request.method, request.target);
    }
}

#[test]
fn a_token_that_may_not_is_told_of_before_anything_is_written() {
    let read = github::Grant::person("bot").only(&["contents=read", "pull_requests=read", "issues=read"]);
    let hub = hub(read, |hub| {
        hub.settings(REPO, |settings| {
            settings.auto_merge_allowed = false;
            settings.teams.clear();
            settings.collaborators.clear();
        });
        hub.workflow(REPO, Workflow::on_event("other.yaml", "x"));
    });
    let run = ask_hub(&hub, &[], &["--workflow", "deploy.yaml"])
        .exits(5)
        .says("error");
    let told = items(&run);
    for item in [
        "token ok",
        "push error",
        "pull-requests unknown",
        "rights unknown",
        "auto-merge unknown",
        "label warning",
        "reviewer warning",
        "team unknown",
        "workflow unknown",
    ] {
        assert!(told.contains(&item.to_owned()), "{item}: {told:?}");
    }
    assert_eq!(
        message(&run, "token"),
        "a fine-grained personal access token of `bot`"
    );
    assert_eq!(run.json()["error"]["exit_code"], 5);
    let classic = self::hub(github::Grant::classic("bot", &["read:org"]), |hub| {
        hub.settings(REPO, |settings| settings.private = false);
    });
    let told = items(&ask_hub(&classic, &[], &[]).exits(5));
    assert!(
        told.contains(&"push error".to_owned()) && told.contains(&"pull-requests error".to_owned()),
        "{told:?}"
    );
}

#[test]
fn the_permissions_of_an_app_are_known() {
    for (permissions, due) in [
        (
            &["contents=write", "pull_requests=write"][..],
            "push ok, pull-requests ok",
        ),
        (&["contents=read"], "push error, pull-requests error"),
    ] {
        let hub = hub(github::Grant::person("x"), |hub| {
            hub.app(App::new(7, 11, &[REPO], permissions));
        });
        let key = github::Hub::app_key();
        let variables = [
            ("GITOPS_STEPS_TOKEN", NO_TOKEN),
            ("GITOPS_STEPS_APP_ID", "7"),
            ("GITOPS_STEPS_APP_PRIVATE_KEY", key.as_str()),
        ];
        let run = ask_hub(&hub, &variables, &[]);
        let told = items(&run);
        assert_eq!(told[2..4].join(", "), due);
        assert!(message(&run, "rights").contains("contents: "), "{told:?}");
    }
    let hub = hub(github::Grant::person("x"), |hub| {
        hub.app(App::new(7, 11, &["acme/other"], &[]));
    });
    let key = github::Hub::app_key();
    let variables = [
        ("GITOPS_STEPS_TOKEN", NO_TOKEN),
        ("GITOPS_STEPS_APP_ID", "7"),
        ("GITOPS_STEPS_APP_PRIVATE_KEY", key.as_str()),
    ];
    ask_hub(&hub, &variables, &[])
        .exits(5)
        .says("is not installed on");
}

#[test]
fn rules_that_would_refuse_a_push_are_told_with_who_may_pass_them_by() {
    for (kind, bypass, due) in [
        ("pull_request", Some("never"), "branch-rules error"),
        ("pull_request", Some("always"), "branch-rules ok"),
        ("required_status_checks", None, "branch-rules warning"),
        ("required_signatures", None, "branch-rules warning"),
        ("deletion", Some("never"), "branch-rules ok"),
    ] {
        let hub = hub(github::Grant::classic("bot", &["repo"]), |hub| {
            hub.settings(REPO, |settings| {
                settings.rules.push(Rule {
                    kind,
                    ruleset: 5,
                    bypass,
                });
            });
        });
        let told = items(&ask_hub(&hub, &[], &[]));
        assert!(told.contains(&due.to_owned()), "{kind} {bypass:?}: {told:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_protected_branch_is_told_as_far_as_the_token_may_see() {
    for (grant, due) in [
        (github::Grant::classic("bot", &["repo"]), "branch-rules error"),
        (
            github::Grant::person("bot").only(&["contents=write"]),
            "branch-rules unknown",
        ),
    ] {
        let hub = hub(grant, |hub| hub.protect(REPO, "main"));
        let told = items(&ask_hub(&hub, &[], &[]));
        assert!(told.contains(&due.to_owned()), "{told:?}");
    }
}

#[test]
fn without_a_token_or_with_a_wrong_one_nothing_else_is_asked() {
    let hub = hub(github::Grant::person("bot"), |_| {});
    let bench = Bench::new(&FILES);
    git_server::git_says(&bench.repo(), &["init", "--quiet", "--initial-branch=main"]);
    git_server::git_says(&bench.repo(), &["remote", "add", "origin", &hub.git_url(REPO)]);
    for (token, told, asked) in [
        ("", "no token was given", 0),
        ("s3cret-wrong", "is wrong or has expired", 1),
    ] {
        hub.clear_requests();
        let mut command = bench.command();
        command
            .args(["check", "--remote", "--forge", "github"])
            .env("GITOPS_STEPS_API_URL", hub.api_url())
            .env("GITOPS_STEPS_TOKEN", token);
        let run = Run::from(command.output().unwrap()).exits(5);
        assert!(run.stdout.contains(told), "{}", run.stdout);
        assert_eq!(hub.requests().len(), asked);
    }
}

#[test]
fn a_project_of_gitlab_that_is_ready_is_well() {
    let lab = lab(
        gitlab::Grant::everything("project_7_bot_ab12").expires("2999-01-02"),
        |lab| {
            lab.make_label(REPO, "production");
            lab.user("ana");
            lab.only_if_pipeline_succeeds(REPO);
        },
    );
    let run = ask_lab(&lab, &format!("gitlab:{REPO}")).exits(0);
    assert_eq!(
        items(&run),
        [
            "token ok",
            "repository ok",
            "push ok",
            "pull-requests ok",
            "rights ok",
            "branch-rules ok",
            "auto-merge ok",
            "label ok",
            "reviewer ok",
            "team warning",
        ]
    );
    assert_eq!(
        message(&run, "token"),
        "a project access token of `project_7_bot_ab12`; it expires on 2999-01-02"
    );
    for request in lab.requests() {
        let reads = request.method == "GET" || request.target == "/graphql";
        assert!(reads, "{} {}", request.method, request.target);
    }
}

#[test]
fn tokens_of_gitlab_that_may_not_are_told_of() {
    let everything = || gitlab::Grant::everything("bot");
    let cases: Vec<(gitlab::Grant, i32, &[&str])> = vec![
        (
            everything().read_only(),
            5,
            &["push error", "pull-requests error", "rights ok", "label warning"],
        ),
        (
            everything().role(gitlab::Role::Reporter),
            5,
            &["push error", "reviewer warning"],
        ),
        (
            everything().oauth(),
            0,
            &["token ok", "push ok", "rights unknown"],
        ),
        (everything().expires("2020-01-02"), 0, &["token warning"]),
    ];
    for (grant, code, due) in cases {
        let lab = lab(grant.clone(), |_| {});
        let run = ask_lab(&lab, &format!("gitlab:{REPO}")).exits(code);
        let told = items(&run);
        for item in due {
            assert!(told.contains(&(*item).to_owned()), "{grant:?}: {item}: {told:?}");
        }
    }
}

#[test]
fn a_protected_branch_of_gitlab_and_a_job_token_are_told_of() {
    let protected = lab(gitlab::Grant::everything("bot"), |lab| lab.protect(REPO, "main"));
    let run = ask_lab(&protected, &format!("gitlab:{REPO}")).exits(5);
    assert!(items(&run).contains(&"branch-rules error".to_owned()));
    let archived = lab(gitlab::Grant::everything("bot"), |lab| lab.archive(REPO));
    let run = ask_lab(&archived, &archived.git_url(REPO)).exits(5);
    assert!(items(&run).contains(&"repository error".to_owned()));
    let stage = crate::support::stage::Stage::gitlab(Way::Clone, &FILES);
    let crate::support::stage::Forge::Lab(lab) = &stage.forge else {
        unreachable!("it is GitLab")
    };
    lab.token("glcbt-s3cret-job", gitlab::Grant::job("ana", REPO));
    let run = stage.run_with(
        &[("GITOPS_STEPS_TOKEN", "glcbt-s3cret-job")],
        "check",
        &["--remote"],
    );
    assert_eq!(items(&run.exits(0)), ["token warning"]);
}

#[test]
fn a_forge_that_does_not_answer_hides_no_finding() {
    let hub = hub(github::Grant::person("bot"), |hub| {
        hub.commit_as(
            REPO,
            "main",
            ("Ann", "ann@example.com"),
            "oops",
            ("dev.yaml", None),
        );
        for _ in 0..20 {
            hub.fail_next("GET /user", github::Failure::Close);
        }
    });
    let run = ask_hub(&hub, &[], &["--timeout", "3s"]).exits(6);
    assert_eq!(run.json()["check"]["findings"][0]["code"], "target-missing");
    assert!(run.json()["check"]["remote"].is_null());
}

#[test]
fn a_plan_without_rules_has_none_that_refuse_a_push() {
    let hub = hub(github::Grant::classic("bot", &["repo"]), |hub| {
        let said =
            r#"{"message":"Upgrade to GitHub Pro or make this repository public to enable this feature."}"#;
        hub.fail_next(
            "/rules/branches/",
            github::Failure::Status(403, Vec::new(), said.to_owned()),
        );
    });
    let told = items(&ask_hub(&hub, &[], &[]));
    assert!(told.contains(&"branch-rules ok".to_owned()), "{told:?}");
}
