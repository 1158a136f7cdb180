//! What ran where, since when and by whom: told from git alone, by what the files held.

use std::fs;

use crate::support::cli::{Bench, Run, text};
use crate::support::git_server::{GitServer, Options, commit_to, git, git_says};
use serde_json::Value;

const POLICY: &str = r#"version: 1
apps:
  shop:
    image: registry.example/acme/shop
    environments:
      dev: {auto-deploy: on, targets: [{file: shop/dev.yaml, path: image}]}
      staging: {promote-from: dev, targets: [{file: shop/staging.yaml, path: image}]}
      prod:
        promote-from: staging
        clusters:
          cloud: [{file: shop/prod-cloud.yaml, path: image}]
          onprem: [{file: shop/prod-onprem.yaml, path: image}]
  "*":
    image: registry.example/acme/{app}
    environments:
      dev: {targets: [{file: "{app}/dev.yaml", path: image}]}
"#;

/// A config repo whose commits are made one a day, from 2026-01-01 on.
struct Repo {
    bench: Bench,
    day: std::cell::Cell<u32>,
}

impl Repo {
    /// All of `shop` is at 1.0.0, and `api` in dev.
    fn new() -> Self {
        let repo = Self {
            bench: Bench::new(&[]),
            day: std::cell::Cell::new(0),
        };
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo.bench.write(".gitops-steps.yaml", POLICY);
        for file in ["shop/dev", "shop/staging", "shop/prod-cloud", "shop/prod-onprem"] {
            repo.set(file, "1.0.0");
        }
        repo.set("api/dev", "2.0.0");
        repo.commit("Ann", "first");
        repo
    }

    fn git(&self, arguments: &[&str]) -> String {
        git_says(&self.bench.repo(), arguments)
    }

    fn set(&self, file: &str, tag: &str) {
        let app = file.split('/').next().unwrap();
        let values =
            format!("image:\n  repository: registry.example/acme/{app}\n  tag: {tag}\nreplicas: 2\n");
        self.bench.write(&format!("{file}.yaml"), &values);
    }

    /// Runs git as somebody, on the next day.
    fn git_as(&self, author: &str, arguments: &[&str]) -> String {
        self.day.set(self.day.get() + 1);
        let date = format!("2026-01-{:02}T12:00:00+00:00", self.day.get());
        let output = git(&self.bench.repo())
            .args(arguments)
            .env("GIT_AUTHOR_NAME", author)
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_DATE", &date)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        self.git(&["rev-parse", "HEAD"])
    }

    fn commit(&self, author: &str, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git_as(
            author,
            &["commit", "--quiet", "--cleanup=verbatim", "-m", message],
        )
    }

    fn bump(&self, file: &str, tag: &str, author: &str) -> String {
        self.set(file, tag);
        self.commit(author, &format!("{file} to {tag}"))
    }

    fn history(&self, arguments: &[&str]) -> Run {
        self.history_with(&[], arguments)
    }

    fn history_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
        let mut command = self.bench.command();
        command
            .arg("history")
            .args(arguments)
            .envs(variables.iter().copied());
        Run::from(command.output().unwrap())
    }

    /// The changes as `app place old new by`, newest first.
    fn changes(&self, arguments: &[&str]) -> Vec<String> {
        let run = self
            .history(&[&["--output", "json"], arguments].concat())
            .exits(0);
        run.json()["history"]["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(one_line)
            .collect()
    }

    fn now(&self, arguments: &[&str]) -> Value {
        let run = self
            .history(&[&["now", "--output", "json"], arguments].concat())
            .exits(0);
        run.json()["history"]["standings"].clone()
    }
}

fn one_line(entry: &Value) -> String {
    let text = |key: &str| entry[key].as_str().unwrap_or("-").to_owned();
    let clusters: Vec<&str> = entry["clusters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_str().unwrap())
        .collect();
    let clusters = if entry["partial"].as_bool().unwrap() {
        format!("({})", clusters.join(" "))
    } else {
        String::new()
    };
    format!(
        "{} {}{clusters} {} {} {} {}",
        text("app"),
        text("env"),
        text("old"),
        text("new"),
        text("change"),
        text("by")
    )
}

#[test]
fn our_own_commits_tell_who_from_which_build_and_which_run() {
    let repo = Repo::new();
    repo.bench
        .bump(&["--app", "shop", "--env", "prod", "--tag", "1.1.0"])
        .exits(0);
    let commit = repo.commit(
        "ci",
        "deploy(prod): shop 1.0.0 → 1.1.0\n\nGitops-App: shop\nGitops-Env: prod\nGitops-New: 1.1.0\n\
         Source-Repo: acme/shop\nSource-Commit: 0123456789012345678901234567890123456789\n\
         Run-Url: https://ci.example/run/7\nActor: ann\nSource-Actor: bob\n",
    );
    let json = repo.history(&["-n", "1", "--format", "json"]).exits(0).json();
    assert_eq!(json["operation"], "unchanged");
    assert_eq!(json["changed"], false);
    assert_eq!(json["schema"], 1);
    let entry = &json["history"]["entries"][0];
    for (key, value) in [
        ("app", "shop"),
        ("env", "prod"),
        ("old", "1.0.0"),
        ("new", "1.1.0"),
        ("change", "newer"),
        ("by", "ann for bob"),
        ("author", "ci"),
        ("source_repo", "acme/shop"),
        ("run_url", "https://ci.example/run/7"),
        ("when", "2026-01-02T12:00:00Z"),
        ("commit", &commit),
    ] {
        assert_eq!(entry[key], value, "{key}");
    }
    assert_eq!(entry["clusters"], serde_json::json!(["cloud", "onprem"]));
}

#[test]
fn the_commits_of_bump_values_are_read_back() {
    let bench = Bench::cloned(&[
        (".gitops-steps.yaml", POLICY),
        (
            "shop/dev.yaml",
            "image:\n  repository: registry.example/acme/shop\n  tag: 1.0.0\n",
        ),
    ]);
    let event = bench.write_beside(
        "event.json",
        r#"{"action": "deploy-image", "sender": {"login": "ann"}, "client_payload": {"v": 1, "id": "x", "app": "shop",
            "env": "dev", "images": [{"tag": "1.1.0"}], "source": {"repo": "acme/shop", "actor": "bob"}}}"#,
    );
    bench
        .bump_with(
            &[("GITHUB_EVENT_PATH", &event)],
            &["--from-event", "auto", "--publish", "push"],
        )
        .exits(0);
    let mut command = bench.command();
    command.args([
        "history",
        "--app",
        "shop",
        "--config-repo",
        text(&bench.origin()),
        "-n",
        "1",
        "-o",
        "json",
    ]);
    let json = Run::from(command.output().unwrap()).exits(0).json();
    let entry = &json["history"]["entries"][0];
    assert_eq!(one_line(entry), "shop dev 1.0.0 1.1.0 newer ann for bob");
    assert_eq!(entry["source_repo"], "acme/shop");
    assert_eq!(json["new"], Value::Null, "no single environment was asked for");
}

#[test]
fn what_people_do_by_hand_is_told_as_well() {
    let repo = Repo::new();
    let bumped = repo.bump("shop/dev", "1.1.0", "Bob");
    repo.git_as("Cleo", &["revert", "--no-edit", &bumped]);
    repo.bench.write("README.md", "nothing of ours");
    repo.commit("Dan", "words");
    repo.bench.write(
        "shop/dev.yaml",
        "image: {repository: registry.example/acme/shop, tag: 1.0.0}\nreplicas: 9\n",
    );
    repo.commit("Dan", "more replicas, another style");
    assert_eq!(
        repo.changes(&["--app", "shop", "--env", "dev"]),
        [
            "shop dev 1.1.0 1.0.0 older Cleo",
            "shop dev 1.0.0 1.1.0 newer Bob",
            "shop dev - 1.0.0 added Ann",
        ]
    );
    let json = repo.history(&["--env", "dev", "-n", "1", "-o", "json"]).json();
    assert_eq!(json["history"]["entries"][0]["reverts"], bumped.as_str());
}

#[test]
fn a_merge_is_told_once_with_who_asked_and_who_merged() {
    let repo = Repo::new();
    repo.git(&["checkout", "--quiet", "-b", "promote/staging/shop"]);
    repo.set("shop/staging", "1.1.0");
    repo.commit("ci", "first try");
    repo.set("shop/staging", "1.2.0");
    repo.commit(
        "ci",
        "promote\n\nGitops-App: shop\nGitops-Env: staging\nGitops-New: 1.2.0\nActor: ann\n",
    );
    repo.git(&["checkout", "--quiet", "main"]);
    repo.bump("api/dev", "2.1.0", "Bob");
    repo.git_as(
        "Mel",
        &[
            "merge",
            "--quiet",
            "--no-ff",
            "-m",
            "Merge pull request #7",
            "promote/staging/shop",
        ],
    );
    assert_eq!(
        repo.changes(&["-n", "2"]),
        [
            "shop staging 1.0.0 1.2.0 newer ann, merged by Mel",
            "api dev 2.0.0 2.1.0 newer Bob",
        ]
    );
}

#[test]
fn a_file_is_followed_over_a_rename() {
    let repo = Repo::new();
    repo.bump("shop/dev", "1.1.0", "Bob");
    repo.git(&["mv", "shop/dev.yaml", "shop/development.yaml"]);
    repo.set("shop/development", "1.2.0");
    let policy = POLICY.replace("shop/dev.yaml", "shop/development.yaml");
    repo.bench.write(".gitops-steps.yaml", &policy);
    repo.commit("Cleo", "a longer name, and a newer version");
    repo.bump("shop/development", "1.3.0", "Dan");
    let changes = [
        "shop dev 1.2.0 1.3.0 newer Dan",
        "shop dev 1.1.0 1.2.0 newer Cleo",
        "shop dev 1.0.0 1.1.0 newer Bob",
        "shop dev - 1.0.0 added Ann",
    ];
    assert_eq!(repo.changes(&["--app", "shop", "--env", "dev"]), changes);
    let stood = repo.now(&["--app", "shop", "--env", "dev", "--until", "2026-01-03"]);
    assert_eq!(stood[0]["versions"][0]["version"], "1.1.0", "{stood}");
}

#[test]
fn what_is_gone_or_cannot_be_read_is_said_so() {
    let repo = Repo::new();
    repo.bench.write("shop/dev.yaml", "image: [\n<<<<<<< HEAD\n");
    repo.commit("Bob", "conflict");
    repo.bump("shop/dev", "1.1.0", "Cleo");
    fs::remove_file(repo.bench.repo().join("api/dev.yaml")).unwrap();
    repo.commit("Dan", "api is no more");
    assert_eq!(
        repo.changes(&["-n", "3"]),
        [
            "api dev 2.0.0 - removed Dan",
            "shop dev - 1.1.0 mended Cleo",
            "shop dev 1.0.0 - broken Bob",
        ]
    );
    assert_eq!(
        repo.changes(&["--app", "api", "-n", "1"]),
        ["api dev 2.0.0 - removed Dan"]
    );
    let stands = repo.now(&[]);
    assert!(
        stands.as_array().unwrap().iter().all(|one| one["app"] == "shop"),
        "{stands}"
    );
}

#[test]
fn one_commit_of_several_apps_is_a_line_for_each() {
    let repo = Repo::new();
    repo.set("shop/dev", "1.1.0");
    repo.set("shop/prod-cloud", "1.1.0");
    repo.set("api/dev", "2.1.0");
    repo.commit("Bob", "all at once");
    let all = [
        "api dev 2.0.0 2.1.0 newer Bob",
        "shop dev 1.0.0 1.1.0 newer Bob",
        "shop prod(cloud) 1.0.0 1.1.0 newer Bob",
    ];
    assert_eq!(repo.changes(&["-n", "3"]), all);
    assert_eq!(repo.changes(&["--since", "2026-01-02"]), all);
    assert_eq!(
        repo.changes(&["--app", "api", "--app", "shop", "--env", "prod", "-n", "1"]),
        all[2..]
    );
    assert!(repo.changes(&["--since", "2026-01-03"]).is_empty());
    assert_eq!(
        repo.changes(&["--until", "2026-01-02", "--app", "api"]),
        ["api dev - 2.0.0 added Ann"]
    );
}

#[test]
fn a_stretch_of_commits_leaves_out_the_first_and_keeps_the_last() {
    let repo = Repo::new();
    let ids: Vec<String> = (1..=4)
        .map(|at| repo.bump("api/dev", &format!("2.{at}.0"), "Bob"))
        .collect();
    let (since, until) = (&ids[0][..8], &ids[2][..8]);
    assert_eq!(
        repo.changes(&["--since", since, "--until", until, "--limit", "0"]),
        ["api dev 2.2.0 2.3.0 newer Bob", "api dev 2.1.0 2.2.0 newer Bob"]
    );
    repo.history(&["--since", "fffffff"]).exits(3).says("own line");
    repo.history(&["--since", "HEAD~2"]).exits(2).says("--since");
    repo.history(&["--until", "2020-01-01"])
        .exits(3)
        .says("no commit before");
}

#[test]
fn the_matrix_says_what_stands_how_far_behind_and_which_clusters_disagree() {
    let repo = Repo::new();
    repo.bump("shop/dev", "1.1.0", "Bob");
    repo.bump("shop/dev", "1.2.0", "Bob");
    repo.bump("shop/staging", "1.2.0", "Cleo");
    repo.bump("shop/dev", "1.3.0", "Bob");
    repo.bump("shop/prod-cloud", "1.1.0", "Dan");
    let stands = repo.now(&["--app", "shop"]);
    let by_env = |env: &str| {
        stands
            .as_array()
            .unwrap()
            .iter()
            .find(|one| one["env"] == env)
            .unwrap()
    };
    let staging = by_env("staging");
    assert_eq!(staging["versions"][0]["version"], "1.2.0");
    assert_eq!(staging["versions"][0]["since"], "2026-01-04T12:00:00Z");
    assert_eq!(staging["versions"][0]["by"], "Cleo");
    assert_eq!(staging["drift"]["state"], "behind");
    assert_eq!(staging["drift"]["behind"], 1);
    let prod = by_env("prod");
    assert_eq!(prod["agrees"], false);
    assert_eq!(prod["versions"].as_array().unwrap().len(), 2);
    let run = repo
        .history(&["now"])
        .exits(0)
        .says("1 of them with places that disagree");
    assert!(run.stdout.starts_with("APP   DEV"), "{}", run.stdout);
    assert!(
        run.stdout.contains("! cloud 1.1.0, onprem 1.0.0"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("1 behind dev"), "{}", run.stdout);

    repo.set("shop/prod-onprem", "1.1.0");
    repo.commit("Dan", "both");
    let json = repo
        .history(&["now", "--app", "shop", "--env", "prod", "-o", "json"])
        .json();
    let prod = &json["history"]["standings"][0];
    assert_eq!(prod["agrees"], true);
    assert_eq!(
        prod["drift"],
        serde_json::json!({"from": "staging", "state": "behind", "behind": null})
    );
    assert_eq!((&json["old"], &json["new"]), (&"1.0.0".into(), &"1.1.0".into()));
    let before = repo.now(&["--env", "staging", "--until", "2026-01-03"]);
    assert_eq!(before[0]["versions"][0]["version"], "1.0.0");
}

#[test]
fn a_shallow_clone_claims_nothing_that_it_cannot_see() {
    let repo = Repo::new();
    repo.bump("shop/dev", "1.1.0", "Bob");
    repo.bump("shop/dev", "1.2.0", "Cleo");
    repo.bump("api/dev", "2.1.0", "Dan");
    let shallow = repo.bench.beside("shallow");
    let url = format!("file://{}", text(&repo.bench.repo()));
    repo.git(&["clone", "--quiet", "--depth", "2", &url, text(&shallow)]);
    let at = ["--config-repo", text(&shallow)];
    let run = repo.history(&[&at[..], &["-o", "json"]].concat()).exits(0);
    let run = run
        .says("the clone is shallow: it has 2 of")
        .says("git fetch --unshallow");
    let json = run.json();
    let entries = json["history"]["entries"].as_array().unwrap();
    assert_eq!(
        entries.iter().map(one_line).collect::<Vec<_>>(),
        ["api dev 2.0.0 2.1.0 newer Dan"]
    );
    assert_eq!(json["history"]["cut"]["depth"], 2);
    let stands = repo.now(&[&at[..], &["--app", "shop", "--env", "dev"]].concat());
    let version = &stands[0]["versions"][0];
    assert_eq!(
        (&version["version"], &version["at_least"]),
        (&"1.2.0".into(), &true.into())
    );
    assert_eq!(version["since"], "2026-01-03T12:00:00Z");
    assert_eq!(version["commit"], Value::Null);
    let run = repo.history(&[&at[..], &["--since", "0123456"]].concat());
    run.exits(3).says("shallow clone of 2 commits");
}

#[test]
fn bare_repositories_folders_branches_and_addresses_are_read_alike() {
    let repo = Repo::new();
    repo.bump("shop/dev", "1.1.0", "Bob");
    let server = GitServer::start(Options::default());
    let bare = server.path("deploy.git");
    repo.git(&[
        "clone",
        "--quiet",
        "--bare",
        text(&repo.bench.repo()),
        text(&bare),
    ]);
    let last = "shop dev 1.0.0 1.1.0 newer Bob";
    for address in [
        text(&bare),
        &server.url("deploy.git"),
        &format!("file://{}", text(&bare)),
    ] {
        assert_eq!(
            repo.changes(&["--config-repo", address, "-n", "1"]),
            [last],
            "{address}"
        );
    }
    assert_eq!(repo.changes(&["--config-repo", ".git", "-n", "1"]), [last]);
    repo.git(&["branch", "other", "HEAD~1"]);
    assert_eq!(
        repo.changes(&["--branch", "other", "-n", "1", "--app", "api"]),
        ["api dev - 2.0.0 added Ann"]
    );
    repo.history(&["--branch", "othr"])
        .exits(3)
        .says("did you mean `other`?");
    repo.git(&["checkout", "--quiet", "--detach"]);
    repo.history(&["-n", "1"]).exits(0).says("a detached HEAD");

    // A folder of a larger repository has a policy of its own.
    let larger = Bench::cloned(&[("README.md", "")]);
    commit_to(
        &larger.origin(),
        "config",
        &[
            ("deploy/.gitops-steps.yaml", POLICY),
            (
                "deploy/api/dev.yaml",
                "image: {repository: registry.example/acme/api, tag: 3.0.0}\n",
            ),
            (
                "api/dev.yaml",
                "image: {repository: registry.example/acme/api, tag: 9.9.9}\n",
            ),
        ],
    );
    git_says(&larger.repo(), &["pull", "--quiet"]);
    let mut command = larger.command();
    command.args(["history", "--config-repo", "deploy", "--output", "csv"]);
    let run = Run::from(command.output().unwrap()).exits(0);
    assert!(
        run.stdout.contains(",added,,3.0.0,") && !run.stdout.contains("9.9.9"),
        "{}",
        run.stdout
    );
}

#[test]
fn what_is_not_there_is_named() {
    let repo = Repo::new();
    repo.history(&["--app", "shpo"])
        .exits(3)
        .says("no app `shpo`")
        .says("did you mean `shop`?");
    repo.history(&["--app", "appi", "--env", "dev"])
        .exits(3)
        .says("did you mean `api`?");
    repo.history(&["--app", "api", "--env", "prod"])
        .exits(3)
        .says("none of these");
    repo.history(&["--env", "prd"])
        .exits(3)
        .says("did you mean `prod`?");
    repo.history(&["--config-repo", "nowhere"])
        .exits(3)
        .says("nowhere");
    repo.history(&[
        "--config-repo",
        "github:acme/deploy",
        "--api-url",
        "https://h/api/v3",
    ])
    .exits(2)
    .says("https or ssh");
    let empty = Bench::new(&[("x", "")]);
    let run = || Run::from(empty.command().arg("history").output().unwrap());
    run().exits(2).says("no git repository");
    git_says(&empty.repo(), &["init", "--quiet"]);
    run().exits(3).says("no commit yet");
    git_says(&empty.repo(), &["add", "x"]);
    git_says(&empty.repo(), &["commit", "--quiet", "-m", "x"]);
    run().exits(3).says("no policy file").says("lists");
}

#[test]
fn one_thing_goes_to_standard_output_and_another_to_a_file() {
    let repo = Repo::new();
    repo.history(&["--format", "json", "--output", "csv"])
        .exits(2)
        .says("--output-file");
    let page = text(&repo.bench.beside("page.html")).to_owned();
    let run = repo.history(&[
        "now",
        "--format",
        "json",
        "--output",
        "html",
        "--output-file",
        &page,
    ]);
    assert_eq!(run.exits(0).json()["command"], "history now");
    assert!(fs::read_to_string(&page).unwrap().starts_with("<!doctype html>"));
    let run = repo.history(&["now", "--output", "csv", "--output-file", "no/such/folder/x"]);
    run.exits(2).says("--output-file");
    // Variables alone, as a wrapper of CI does it.
    let variables = [
        ("GITOPS_STEPS_COMMAND", "history now"),
        ("GITOPS_STEPS_OUTPUT", "csv"),
        ("GITOPS_STEPS_ENV", "staging"),
        ("GITOPS_STEPS_LIMIT", ""),
    ];
    let mut command = repo.bench.command();
    let run = Run::from(command.envs(variables).output().unwrap()).exits(0);
    assert_eq!(run.stdout.lines().count(), 2, "{}", run.stdout);
    assert!(
        run.stdout
            .contains("shop,staging,registry.example/acme/shop,1.0.0,"),
        "{}",
        run.stdout
    );
}

#[test]
fn hostile_names_and_messages_stay_text_in_every_view() {
    let repo = Repo::new();
    repo.set("shop/dev", "\"=cmd|' /C calc'!A0\"");
    repo.commit(
        "=HYPERLINK(\"x\")<script>alert(1)</script>\u{1b}[31m| @ann \u{202e}",
        "::set-output name=x::y\u{1b}]0;t\u{7} <img src=x onerror=alert(1)> | `a` \"q\"\n\nActor: \"]--> <b>|::error::x\n\
         Run-Url: javascript:alert(1)\n",
    );
    for view in ["table", "json", "csv", "markdown", "mermaid", "html"] {
        for command in [&["--output", view][..], &["now", "--output", view]] {
            let run = repo.history(command).exits(0);
            let shown = run.stdout.replace('\r', "");
            let steers = |c: char| c.is_control() && c != '\n';
            assert!(!shown.contains(steers), "{view}: {shown:?}");
            if view != "json" {
                assert!(!shown.contains('\u{202e}'), "{view}");
            }
            if matches!(view, "html" | "markdown" | "mermaid") {
                for tag in ["<script", "<img", "<b>"] {
                    assert!(!shown.contains(tag), "{view}: {shown}");
                }
            }
            if view == "csv" {
                let cells = shown.lines().skip(1).flat_map(|line| line.split(','));
                let formula = |cell: &str| cell.trim_start_matches('"').starts_with(['=', '+', '-', '@']);
                assert!(!cells.into_iter().any(formula), "{shown}");
            }
            assert!(!shown.contains("href=\"javascript"), "{view}");
        }
    }
    let on_github = repo
        .history_with(&[("GITHUB_ACTIONS", "true")], &["-n", "1"])
        .exits(0);
    assert!(
        !on_github
            .stdout
            .lines()
            .any(|line| line.trim_start().starts_with("::set-output"))
    );
}

#[test]
fn the_promotion_path_is_drawn_also_in_the_job_summary() {
    let repo = Repo::new();
    repo.bump("shop/dev", "1.1.0", "Bob");
    let chart = repo
        .history(&["now", "--app", "shop", "--output", "mermaid"])
        .exits(0)
        .stdout;
    assert_eq!(
        chart,
        "flowchart LR\n  subgraph a0[\"shop\"]\n    a0e0[\"dev<br>1.1.0\"]\n    a0e1[\"staging<br>1.0.0\"]\n    \
         a0e2[\"prod<br>1.0.0\"]\n    a0e1 -->|\"in step\"| a0e2\n    a0e0 -.->|\"1 behind dev\"| a0e1\n  end\n"
    );
    let summary = repo.bench.write_beside("summary.md", "");
    let output = repo.bench.write_beside("output", "");
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_STEP_SUMMARY", &*summary),
        ("GITHUB_OUTPUT", &*output),
    ];
    repo.history_with(&variables, &["now", "--app", "shop"]).exits(0);
    let summary = fs::read_to_string(&summary).unwrap();
    assert!(summary.contains(&format!("```mermaid\n{chart}```")), "{summary}");
    assert!(summary.contains("| app | dev | staging | prod |"), "{summary}");
    repo.history_with(&variables, &["--app", "shop", "--env", "dev"])
        .exits(0);
    let output = fs::read_to_string(&output).unwrap();
    assert!(
        output.contains("\n1.1.0\n") && output.contains("operation<<"),
        "{output}"
    );
}
