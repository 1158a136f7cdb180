//! Repositories elsewhere: empty ones, those of a forge, and those that are made there.

use serde_json::Value;

use super::{scaffold, web};
use crate::support::cli::{Bench, Run};
use crate::support::git_server::git_says;
use crate::support::stage::Stage;
use crate::support::{github, gitlab};

fn empty_bare(bench: &Bench, name: &str, branch: &str) -> String {
    let bare = bench.beside(name);
    std::fs::create_dir(&bare).unwrap();
    git_says(
        &bare,
        &["init", "--quiet", "--bare", &format!("--initial-branch={branch}")],
    );
    url::Url::from_file_path(&bare).unwrap().to_string()
}

#[test]
fn empty_repositories_get_their_first_commit() {
    for branch in ["main", "trunk"] {
        let bench = Bench::new(&[]);
        let app = empty_bare(&bench, "web.git", branch);
        let config = empty_bare(&bench, "web-config.git", branch);
        let arguments = ["--app-repo", &app, "--format=json"];
        let made = web(&bench, &arguments).exits(0).json();
        assert_eq!(
            (&made["operation"], &made["branch"]),
            (&"created".into(), &branch.into())
        );
        let repositories = made["repositories"].as_array().unwrap();
        assert_eq!(repositories[0]["address"], config.as_str());
        for (repository, bare) in repositories.iter().zip(["web-config.git", "web.git"]) {
            let log = git_says(&bench.beside(bare), &["log", "--format=%H %s", branch]);
            let commit = repository["commit"].as_str().unwrap();
            assert_eq!(log.trim(), format!("{commit} scaffold: web"));
        }
        let again = web(&bench, &arguments).exits(0).json();
        assert_eq!(
            (&again["operation"], &again["changed"]),
            (&"unchanged".into(), &false.into())
        );
        let bump = [
            "--config-repo",
            &config,
            "--app=web",
            "--env=dev",
            "--tag=1.0.0",
            "--publish=push",
        ];
        bench.bump(&bump).exits(0);
        let values = git_says(
            &bench.beside("web-config.git"),
            &["show", &format!("{branch}:web/values-dev.yaml")],
        );
        assert!(values.contains("tag: \"1.0.0\""), "{values}");
        web(&bench, &arguments).exits(0).says("nothing to change");
    }
}

#[test]
fn a_clone_of_an_empty_repository_is_pushed_to() {
    let bench = Bench::new(&[]);
    let url = empty_bare(&bench, "portal.git", "main");
    git_says(&bench.repo(), &["clone", "--quiet", &url, "."]);
    let arguments = [
        "--app=portal",
        "--template=ckan",
        "--group=deploys",
        "--publish=push",
    ];
    scaffold(&bench, &arguments).exits(0).says("pushed");
    let pushed = git_says(&bench.beside("portal.git"), &["ls-tree", "--name-only", "main"]);
    assert!(pushed.contains("CREATE_CKAN_K8S_APP_VERSION"), "{pushed}");
    git_says(&bench.repo(), &["pull", "--quiet", "origin", "main"]);
    scaffold(&bench, &arguments).exits(0).says("nothing to change");
}

#[test]
fn a_forge_of_ones_own_is_told_by_the_origin() {
    let bench = Bench::new(&[]);
    let repo = bench.repo();
    git_says(&repo, &["init", "--quiet", "--initial-branch=main"]);
    git_says(
        &repo,
        &[
            "remote",
            "add",
            "origin",
            "git@gitlab.example.com:deploys/portal.git",
        ],
    );
    scaffold(
        &bench,
        &["--app=portal", "--template=ckan", "--argocd=application"],
    )
    .exits(0);
    let values = bench.read("helm/values/dev.yaml");
    assert!(
        values.contains("repository: registry.gitlab.example.com/deploys/portal\n"),
        "{values}"
    );
    let application = bench.read("argocd/dev/portal.yaml");
    assert!(
        application.contains("repoURL: ssh://git@gitlab.example.com/deploys/portal.git\n"),
        "{application}"
    );
    assert!(bench.read(".gitops-steps.yaml").contains("- deploys/portal\n"));
}

#[test]
fn an_empty_repository_takes_no_pull_request() {
    let bench = Bench::new(&[]);
    let config = empty_bare(&bench, "web-config.git", "main");
    let arguments = [
        "--config-repo",
        &config,
        "--publish=pull-request",
        "--app-repo=none",
    ];
    web(&bench, &arguments).exits(2).says("--publish push");
}

#[test]
fn one_more_app_comes_to_a_config_repo_by_every_way() {
    let policy = "version: 1\napps:\n  api:\n    environments:\n      dev: {targets: [{file: api.yaml}]}\n";
    for stage in Stage::all(&[(".gitops-steps.yaml", policy), ("README.md", "# Ours\n")]) {
        let arguments = [
            "--app=web",
            "--publish=push",
            "--image=ghcr.io/acme/web",
            "--message=New: {app}",
        ];
        let made = stage.run("scaffold", &arguments).exits(0).json();
        assert_eq!(made["operation"], "updated", "{}", stage.name());
        assert_eq!(stage.messages("main").len(), 2, "{}", stage.name());
        assert!(
            stage.messages("main")[0].starts_with("New: web"),
            "{}",
            stage.name()
        );
        assert!(
            stage
                .file("main", "web/values-dev.yaml")
                .unwrap()
                .contains("repository: ghcr.io/acme/web")
        );
        assert!(
            stage
                .file("main", ".gitops-steps.yaml")
                .unwrap()
                .starts_with(policy)
        );
        assert_eq!(stage.file("main", "README.md").unwrap(), "# Ours\n");
        let again = stage.run("scaffold", &arguments).exits(0).json();
        assert_eq!(again["changed"], false, "{}", stage.name());
        let bump = ["--app=web", "--env=dev", "--tag=1.0.0", "--publish=push"];
        stage.run("bump-values", &bump).exits(0);
    }
}

#[test]
fn a_new_app_can_come_by_pull_request() {
    for stage in Stage::all(&[(".gitops-steps.yaml", "version: 1\napps: {}\n")]) {
        let arguments = ["--app=web", "--publish=pull-request", "--image=ghcr.io/acme/web"];
        let made = stage.run("scaffold", &arguments).exits(0).json();
        assert_eq!(
            made["repositories"][0]["pr_url"],
            made["pr_url"],
            "{}",
            stage.name()
        );
        let requests = stage.requests();
        assert_eq!(
            (requests.len(), requests[0].title.as_str()),
            (1, "scaffold: web"),
            "{}",
            stage.name()
        );
        assert!(
            stage.file("scaffold/web", "web/values-dev.yaml").is_some(),
            "{}",
            stage.name()
        );
        assert!(
            stage.file("main", "web/values-dev.yaml").is_none(),
            "{}",
            stage.name()
        );
        let again = stage.run("scaffold", &arguments).exits(0).json();
        assert_eq!(again["operation"], "unchanged", "{}", stage.name());
    }
}

/// Runs it for repositories that are made at a fake forge.
fn make(forge: &str, api_url: &str, token: &str, arguments: &[&str]) -> Run {
    let bench = Bench::new(&[]);
    let mut command = bench.command();
    command
        .args([
            "scaffold",
            "--app=web",
            "--create-remote",
            "--format=json",
            "--forge",
            forge,
        ])
        .args(arguments)
        .env("GITOPS_STEPS_API_URL", api_url)
        .env("GITOPS_STEPS_TOKEN", token);
    Run::from(command.output().unwrap())
}

#[test]
fn repositories_are_made_at_github() {
    let hub = github::Fake::start();
    hub.organization("acme");
    hub.token("s3cret-1", github::Grant::person("ana"));
    let api = hub.api_url();
    let run = |arguments: &[&str]| make("github", &api, "s3cret-1", arguments);
    let asked = run(&["--group=acme", "--dry-run"]).exits(0).json();
    assert_eq!(asked["changed"], true);
    assert!(
        hub.requests().iter().all(|request| request.method == "GET"),
        "a dry run makes nothing"
    );
    let made = run(&["--group=acme"]).exits(0).json();
    assert_eq!(made["repositories"][1]["address"], "github:acme/web");
    assert!(
        hub.file("acme/web-config", "main", ".gitops-steps.yaml")
            .is_some()
    );
    assert!(hub.file("acme/web", "main", "Dockerfile").is_some());
    let posts = || {
        hub.requests()
            .into_iter()
            .filter(|request| request.method == "POST")
            .collect::<Vec<_>>()
    };
    let visibility: Vec<Value> = posts()
        .iter()
        .map(|post| post.body["visibility"].clone())
        .collect();
    assert_eq!(visibility, ["private", "private"]);
    assert_eq!(run(&["--group=acme"]).exits(0).json()["operation"], "unchanged");
    assert_eq!(posts().len(), 2);
    // Somebody else's, of the same name.
    hub.repo("acme/api", &[("main.go", "package main\n")]);
    let other = ["--group=acme", "--app=api"];
    let bench = Bench::new(&[]);
    let mut command = bench.command();
    command
        .args(["scaffold", "--create-remote", "--forge=github"])
        .args(other)
        .env("GITOPS_STEPS_API_URL", &api)
        .env("GITOPS_STEPS_TOKEN", "s3cret-1");
    Run::from(command.output().unwrap())
        .exits(4)
        .says("in github:acme/api")
        .says("something else");
    assert_eq!(posts().len(), 2);
    // A person's own.
    run(&["--group=ana", "--visibility=public"]).exits(0);
    assert!(hub.file("ana/web", "main", "Dockerfile").is_some());
    run(&["--group=ben"])
        .exits(5)
        .says("`ana` cannot make a repository of `ben`");
}

#[test]
fn projects_are_made_at_gitlab() {
    let lab = gitlab::Fake::start();
    lab.group("deploys");
    lab.token("s3cret-2", gitlab::Grant::everything("ana"));
    lab.token(
        "s3cret-3",
        gitlab::Grant::everything("ben").role(gitlab::Role::Developer),
    );
    let api = lab.api_url();
    let arguments = ["--group=deploys", "--template=ckan"];
    make("gitlab", &api, "s3cret-3", &arguments)
        .exits(5)
        .says("make the project")
        .says("Maintainer");
    let made = make("gitlab", &api, "s3cret-2", &arguments).exits(0).json();
    assert_eq!(made["repositories"].as_array().unwrap().len(), 1);
    assert!(
        lab.file("deploys/web", "main", "CREATE_CKAN_K8S_APP_VERSION")
            .is_some()
    );
    let again = make("gitlab", &api, "s3cret-2", &arguments).exits(0).json();
    assert_eq!(again["operation"], "unchanged");
    make("gitlab", &api, "s3cret-2", &["--group=nobody"])
        .exits(5)
        .says("find the group `nobody`");
}

#[test]
fn a_lost_answer_to_the_making_is_no_failure() {
    let hub = github::Fake::start();
    hub.organization("acme");
    hub.token("s3cret-1", github::Grant::person("ana"));
    hub.fail_next("POST /orgs/acme/repos", github::Failure::CloseAfterDoing);
    make("github", &hub.api_url(), "s3cret-1", &["--group=acme"]).exits(0);
    assert!(hub.file("acme/web", "main", "Dockerfile").is_some());
}

#[test]
fn one_token_goes_to_one_host() {
    let bench = Bench::new(&[]);
    let mut command = bench.command();
    command.env("GITOPS_STEPS_TOKEN", "s3cret-4").args([
        "scaffold",
        "--app=web",
        "--app-repo=github:acme/web",
        "--config-repo=gitlab:acme/deploy",
    ]);
    Run::from(command.output().unwrap())
        .exits(2)
        .says("github.com, gitlab.com");
    scaffold(
        &bench,
        &[
            "--app=web",
            "--group=a",
            "--forge=github",
            "--argocd-repo=github:x",
        ],
    )
    .exits(2);
}
