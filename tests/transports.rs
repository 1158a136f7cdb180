//! One table of runs, the same by every way to a config repo on both forges: API, git, and a clone.

use crate::support::stage::{Stage, Way};

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
        targets: [{file: web/prod.yaml}]
";

fn values(tag: &str) -> String {
    format!("# kept\nimage:\n  repository: ghcr.io/acme/web\n  tag: \"{tag}\" # kept too\nreplicas: 2\n")
}

fn stages() -> Vec<Stage> {
    let text = values("1.0.0");
    Stage::all(&[
        (".gitops-steps.yaml", POLICY),
        ("web/dev.yaml", &text),
        ("web/prod.yaml", &text),
        ("free/a.yaml", &text),
        ("free/b.yaml", &text),
    ])
}

/// What a run is asked for, how it ends, and what it changes.
struct Row {
    arguments: &'static [&'static str],
    code: i32,
    operation: &'static str,
    /// The files that differ from [`values`] of 1.0.0 afterwards, each with a part of its text.
    changed: &'static [(&'static str, &'static str)],
}

const fn row(
    arguments: &'static [&'static str],
    code: i32,
    operation: &'static str,
    changed: &'static [(&'static str, &'static str)],
) -> Row {
    Row {
        arguments,
        code,
        operation,
        changed,
    }
}

const PUSH: &str = "--publish=push";

const ROWS: &[Row] = &[
    row(
        &["--app", "web", "--env", "dev", "--tag", "1.1.0", PUSH],
        0,
        "updated",
        &[("web/dev.yaml", "tag: \"1.1.0\" # kept too")],
    ),
    row(
        &["--app", "web", "--env", "dev", "--tag", "1.0.0", PUSH],
        0,
        "unchanged",
        &[],
    ),
    row(
        &["--app", "web", "--env", "dev", "--tag", "0.9.0", PUSH],
        0,
        "superseded",
        &[],
    ),
    row(
        &["--app", "web", "--env", "prod", "--tag", "1.1.0", PUSH],
        4,
        "refused",
        &[],
    ),
    row(
        &["--app", "nope", "--env", "dev", "--tag", "1.1.0", PUSH],
        3,
        "failed",
        &[],
    ),
    row(
        &[
            "--file",
            "free/*.yaml",
            "--image",
            "ghcr.io/acme/web:1.1.0",
            "--all",
            PUSH,
        ],
        0,
        "updated",
        &[("free/a.yaml", "1.1.0"), ("free/b.yaml", "1.1.0")],
    ),
    row(
        &["--file", "free/a.yaml", "--set-json", "replicas=3", PUSH],
        0,
        "updated",
        &[("free/a.yaml", "replicas: 3\n")],
    ),
    row(
        &[
            "--file",
            "free/a.yaml",
            "--set",
            "image.pullPolicy=Always",
            "--if-missing",
            "create",
            PUSH,
        ],
        0,
        "updated",
        &[("free/a.yaml", "pullPolicy: Always")],
    ),
    row(
        &["--changes", "../list.yaml", PUSH],
        0,
        "updated",
        &[("free/a.yaml", "1.2.0"), ("free/b.yaml", "1.3.0")],
    ),
    row(
        &["--file", "web/prod.yaml", "--set", "image.tag=1.1.0", PUSH],
        4,
        "refused",
        &[],
    ),
    row(&["--file", "gone.yaml", "--set", "a=b", PUSH], 3, "failed", &[]),
    row(
        &["--file", "free/a.yaml", "--set", "image.tga=b", PUSH],
        3,
        "failed",
        &[],
    ),
    row(
        &[
            "--app",
            "web",
            "--env",
            "dev",
            "--tag",
            "1.1.0",
            "--dry-run",
            PUSH,
        ],
        0,
        "updated",
        &[],
    ),
];

#[test]
fn every_way_to_a_config_repo_comes_to_the_same() {
    for row in ROWS {
        for stage in stages() {
            let name = format!("{} {:?}", stage.name(), row.arguments);
            let list = "- {file: free/a.yaml, set: {image.tag: 1.2.0}}\n- {file: free/b.yaml, set: {image.tag: 1.3.0}}\n";
            stage.bench.write_beside("list.yaml", list);
            let run = stage.run("bump-values", row.arguments);
            assert_eq!(run.code, row.code, "{name}: {}", run.stderr);
            assert_eq!(run.json()["operation"], row.operation, "{name}");
            for file in ["web/dev.yaml", "web/prod.yaml", "free/a.yaml", "free/b.yaml"] {
                let text = stage.file("main", file).unwrap_or_default();
                match row.changed.iter().find(|(changed, _)| *changed == file) {
                    Some((_, part)) => assert!(
                        text.contains(part) && text.starts_with("# kept\n"),
                        "{name}: {text}"
                    ),
                    None => assert_eq!(text, values("1.0.0"), "{name}: {file}"),
                }
            }
            let commits = if row.changed.is_empty() { 1 } else { 2 };
            assert_eq!(stage.messages("main").len(), commits, "{name}");
        }
    }
}

#[test]
fn what_an_api_cannot_do_names_the_git_address_that_can() {
    let dev = ["--app", "web", "--env", "dev", "--tag", "1.1.0"];
    for stage in stages().into_iter().filter(|stage| stage.way == Way::Api) {
        let name = stage.name();
        let key = stage.bench.write_beside("key", "no key");
        let signed = [&dev[..], &["--sign", "ssh", "--signing-key", &key]].concat();
        stage.run("bump-values", &signed).exits(2).says("acme/deploy.git");
        let authored = [&dev[..], &["--author", "Ann <ann@example.com>"]].concat();
        let run = stage.run("bump-values", &authored);
        if name.starts_with("GitHub") {
            run.exits(2).says("acme/deploy.git");
            assert_eq!(stage.messages("main").len(), 1, "{name}");
        } else {
            run.exits(0);
        }
    }
}

#[test]
fn two_images_of_one_file_change_by_every_way() {
    let policy = "version: 1\napps:\n  web:\n    environments:\n      dev:\n        auto-deploy: on\n        targets:\n          \
                  - {file: dev.yaml, path: a.image}\n          - {file: dev.yaml, path: b.image}\n";
    let text = |tag: &str| {
        let image = |name: &str| format!("{name}:\n  image: {{repository: r.io/{name}, tag: \"{tag}\"}}\n");
        image("a") + &image("b")
    };
    let before = text("1.0.0");
    for stage in Stage::all(&[(".gitops-steps.yaml", policy), ("dev.yaml", &before)]) {
        let arguments = ["--app=web", "--env=dev", "--tag=1.1.0", PUSH];
        stage.run("bump-values", &arguments).exits(0);
        assert_eq!(
            stage.file("main", "dev.yaml").unwrap(),
            text("1.1.0"),
            "{}",
            stage.name()
        );
    }
}
