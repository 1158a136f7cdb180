//! Many jobs at once: every one lands, and none undoes another.

use std::collections::BTreeSet;
use std::thread;

use crate::support::cli::{Bench, Run};
use crate::support::git_server::{GitServer, Options, git_says};

fn values(tag: &str) -> String {
    format!("image:\n  repository: registry.example/acme/app\n  tag: {tag} # kept\n")
}

/// Runs one process for each list of arguments, all at once.
fn all_at_once(server: &GitServer, lists: &[Vec<String>]) -> Vec<Run> {
    let bench = Bench::new(&[]);
    let url = server.url("deploy.git");
    thread::scope(|scope| {
        let started: Vec<_> = lists
            .iter()
            .map(|list| {
                let (bench, url) = (&bench, &url);
                let list: Vec<&str> = list.iter().map(String::as_str).collect();
                scope.spawn(move || {
                    bench.bump(&[&["--config-repo", url, "--format", "json"], &list[..]].concat())
                })
            })
            .collect();
        started.into_iter().map(|run| run.join().unwrap()).collect()
    })
}

fn set(app: usize, tag: &str) -> Vec<String> {
    let file = format!("apps/app-{app}/values.yaml");
    ["--file", &file, "--set", &format!("image.tag={tag}")]
        .map(str::to_owned)
        .to_vec()
}

fn served(apps: usize) -> GitServer {
    let server = GitServer::start(Options::default());
    let files: Vec<(String, String)> = (0..apps)
        .map(|app| (format!("apps/app-{app}/values.yaml"), values("1.0.0")))
        .chain([("README.md".to_owned(), "keep\n".to_owned())])
        .collect();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    server.repo("deploy.git", &files);
    server
}

#[test]
fn eight_jobs_for_eight_apps_make_eight_commits_and_lose_nothing() {
    let server = served(8);
    let bare = server.path("deploy.git");
    let lists: Vec<_> = (0..8).map(|app| set(app, &format!("1.1.{app}"))).collect();
    let commits: BTreeSet<String> = all_at_once(&server, &lists)
        .into_iter()
        .map(|run| run.exits(0).json()["commit"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(commits.len(), 8);
    let on_main: BTreeSet<String> = git_says(&bare, &["rev-list", "main"])
        .lines()
        .map(str::to_owned)
        .collect();
    assert_eq!(on_main.len(), 9);
    assert!(commits.is_subset(&on_main));
    for commit in &commits {
        let changed = git_says(&bare, &["show", "--format=", "--name-only", commit]);
        assert_eq!(changed.lines().count(), 1, "{changed}");
    }
    for app in 0..8 {
        let file = git_says(&bare, &["show", &format!("main:apps/app-{app}/values.yaml")]);
        assert_eq!(file + "\n", values(&format!("1.1.{app}")));
    }
    assert_eq!(git_says(&bare, &["show", "main:README.md"]), "keep");
    git_says(&bare, &["fsck", "--strict"]);
}

#[test]
fn the_highest_of_six_versions_stands_at_the_end() {
    let server = served(1);
    let bare = server.path("deploy.git");
    let lists: Vec<_> = (1..=6).map(|minor| set(0, &format!("1.{minor}.0"))).collect();
    for run in all_at_once(&server, &lists) {
        let json = run.exits(0).json();
        let operation = json["operation"].as_str().unwrap();
        assert!(matches!(operation, "updated" | "superseded"), "{json}");
    }
    let file = git_says(&bare, &["show", "main:apps/app-0/values.yaml"]);
    assert_eq!(file + "\n", values("1.6.0"));
    // Each commit raised the version that it found.
    let log = git_says(&bare, &["log", "--format=%s", "--reverse", "main"]);
    let mut last = "1.0.0";
    for subject in log.lines().skip(1) {
        let (old, new) = subject.rsplit_once(": ").unwrap().1.rsplit_once(" → ").unwrap();
        assert!(old.ends_with(last) && new > last, "{log}");
        last = new;
    }
}
