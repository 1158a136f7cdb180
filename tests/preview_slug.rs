//! What a branch's preview is called: `preview slug`.

use crate::support::cli::{Bench, Run};
use crate::support::jobs::{Hub, Lab, REPO};
use crate::support::outputs;
use serde_json::json;

fn slug(arguments: &[&str]) -> Run {
    slug_with(&[], arguments)
}

fn slug_with(variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    let bench = Bench::new(&[]);
    let mut command = bench.command();
    command
        .args(["preview", "slug"])
        .args(arguments)
        .envs(variables.iter().copied());
    Run::from(command.output().unwrap())
}

#[test]
fn the_slug_alone_is_printed_so_that_a_script_can_take_it() {
    for (branch, printed) in [
        ("feature/JIRA-1234_fix.thing", "feature-jira-1234-fix-thing\n"),
        ("refs/heads/feature/a", "feature-a\n"),
        ("R&D/größe", "randd-grosse\n"),
        ("中文/分支", "zhong-wen-fen-zhi\n"),
        ("$(id);`id`", "id-id\n"),
        ("a\n::error::b", "a-error-b\n"),
        (
            "feature/a-long-name-that-goes-on-and-on-until-it-is-cut",
            "feature-a-long-name-that-goes-on-and-on-until-it\n",
        ),
    ] {
        let run = slug(&["--branch", branch]).exits(0);
        assert_eq!(run.stdout, printed, "{branch}");
        assert!(!run.stderr.contains("\n::error"), "{}", run.stderr);
    }
    assert_eq!(
        slug(&["--branch", "feature/abc", "--max", "9"]).exits(0).stdout,
        "feature\n"
    );
    assert_eq!(
        slug_with(&[("GITOPS_STEPS_BRANCH", "a/b")], &[]).exits(0).stdout,
        "a-b\n"
    );
}

#[test]
fn what_cannot_be_a_label_is_an_error_with_a_way_out() {
    for branch in ["🚀", "---", "ａ＿ｂ", &"é\u{301}".replace('é', "\u{301}")] {
        slug(&["--branch", branch])
            .exits(2)
            .says("hint: give the branch a name");
    }
    slug(&[]).exits(2).says("--branch");
    slug(&["--branch", "a", "--max", "64"]).exits(2).says("1 to 63");
    slug(&["--branch", &"a".repeat(5000)]).exits(2);
    slug(&["--branch", "a", "--domain", "a_b.example"])
        .exits(2)
        .says("is no host");
}

#[test]
fn the_command_alone_lists_the_four() {
    let bench = Bench::new(&[]);
    let run = Run::from(bench.command().arg("preview").output().unwrap()).exits(2);
    for name in ["slug", "up", "down", "gc"] {
        assert!(run.stderr.contains(name), "{}", run.stderr);
    }
    let named = [
        ("GITOPS_STEPS_COMMAND", "preview slug"),
        ("GITOPS_STEPS_BRANCH", "a/b"),
    ];
    let run = Run::from(bench.command().envs(named).output().unwrap()).exits(0);
    assert_eq!(run.stdout, "a-b\n");
}

#[test]
fn the_address_is_an_output_beside_the_slug() {
    let bench = Bench::new(&[]);
    let file = bench.write_beside("output", "");
    let dotenv = bench.beside("dotenv");
    let run = bench
        .command()
        .args([
            "preview",
            "slug",
            "--branch",
            "feature/a",
            "--domain",
            "preview.example.com",
            "--dotenv",
        ])
        .arg(&dotenv)
        .env("GITHUB_OUTPUT", &file)
        .output()
        .unwrap();
    assert_eq!(Run::from(run).exits(0).stdout, "feature-a\n");
    let outputs = outputs::of_github(&std::fs::read_to_string(file).unwrap());
    let url = "https://feature-a.preview.example.com";
    assert_eq!(
        (outputs["new"].as_str(), outputs["environment-url"].as_str()),
        ("feature-a", url)
    );
    let dotenv = std::fs::read_to_string(dotenv).unwrap();
    assert!(
        dotenv.contains(&format!("\nGITOPS_ENVIRONMENT_URL={url}\n")),
        "{dotenv}"
    );
    let run = slug(&[
        "--branch",
        "a",
        "--environment-url",
        "https://x.example/{app}/{slug}",
        "--app",
        "web",
        "--format",
        "json",
    ]);
    assert_eq!(
        run.exits(0).json()["environment_url"],
        json!("https://x.example/web/a")
    );
}

#[test]
fn ci_tells_which_pull_request_it_is() {
    let hub = Hub::new();
    let head = hub.commits("feature/A_b");
    let event = hub.event(&json!({ "action": "opened", "pull_request": {
        "number": 3, "state": "open", "labels": [],
        "head": { "ref": "feature/A_b", "sha": head, "repo": { "full_name": REPO } },
        "base": { "ref": "main", "repo": { "full_name": REPO } },
    }}));
    let github = [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_PATH", event.as_str())];
    let run = slug_with(&github, &["--domain", "pr-{pr}.example", "--format", "json"]).exits(0);
    assert_eq!(
        (&run.json()["new"], &run.json()["environment_url"]),
        (&json!("feature-a-b"), &json!("https://pr-3.example"))
    );
    let gitlab = [
        ("GITLAB_CI", "true"),
        ("CI_MERGE_REQUEST_IID", "4"),
        ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "fix/x"),
        ("CI_COMMIT_SHA", head.as_str()),
    ];
    assert_eq!(slug_with(&gitlab, &[]).exits(0).stdout, "fix-x\n");
    assert_eq!(
        slug_with(&gitlab, &["--branch", "other"]).exits(0).stdout,
        "other\n"
    );
}

/// Opens two pull requests of one slug on GitHub.
fn rivals() -> Hub {
    let hub = Hub::new();
    for branch in ["feature/a", "feature_a"] {
        hub.commits(branch);
        let number = hub.fake.open_pull(REPO, branch, branch, "ann");
        hub.fake.label(REPO, number, &["preview"]);
    }
    hub
}

fn run(hub: &Hub, arguments: &[&str]) -> Run {
    let mut command = hub.bench.command();
    command
        .args(["preview", "slug"])
        .args(arguments)
        .envs(hub.variables());
    Run::from(command.output().unwrap())
}

#[test]
fn another_pull_request_of_the_same_slug_is_told_or_told_apart() {
    let hub = rivals();
    let repo = format!("github:{REPO}");
    let told = ["--branch", "feature_a", "--repo", &repo];
    run(&hub, &told)
        .exits(0)
        .says("is the slug of `feature/a` too, of pull request 1");
    let alone = ["--branch", "feature_a"];
    hub.fake.clear_requests();
    assert!(!run(&hub, &alone).exits(0).stderr.contains("too"));
    assert!(hub.fake.requests().is_empty());
    let apart = |branch| {
        run(&hub, &["--branch", branch, "--suffix-on-collision"])
            .exits(0)
            .stdout
    };
    assert_eq!(apart("feature/a"), "feature-a\n");
    let other = apart("feature_a");
    assert!(
        other.starts_with("feature-a-") && other.len() == "feature-a-1234567\n".len(),
        "{other}"
    );
    assert_eq!(apart("feature_a"), other);
    hub.fake.close(REPO, 1, "ann");
    assert_eq!(apart("feature_a"), "feature-a\n");
}

#[test]
fn a_merge_request_without_the_label_takes_no_slug_away() {
    let lab = Lab::new();
    for branch in ["feature/a", "feature_a"] {
        lab.fake.branch(REPO, branch, "main");
        lab.fake.person_commits(REPO, branch, "b", branch);
        lab.fake.open_merge_request(REPO, branch, branch, "ann");
    }
    let run = |label: &str| {
        let mut command = lab.bench.command();
        command
            .args([
                "preview",
                "slug",
                "--branch",
                "feature_a",
                "--suffix-on-collision",
                "--label",
                label,
            ])
            .envs(lab.variables());
        Run::from(command.output().unwrap()).exits(0).stdout
    };
    assert_eq!(run("preview"), "feature-a\n");
    assert_ne!(run("*"), "feature-a\n");
}
