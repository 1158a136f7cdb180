//! `scaffold` makes an application whose first deploy works, overwrites nothing, and changes nothing when run again.

mod built_in;
mod own;
mod policy;
mod remote;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::support::cli::{Bench, Run};

/// What every run of these tests is about, unless it says otherwise.
const ACME: [&str; 4] = ["--forge", "github", "--group", "acme"];

fn scaffold(bench: &Bench, arguments: &[&str]) -> Run {
    let mut command = bench.command();
    command.arg("scaffold").args(arguments);
    Run::from(command.output().unwrap())
}

fn web(bench: &Bench, arguments: &[&str]) -> Run {
    let mut all = vec!["--app", "web"];
    all.extend(ACME);
    all.extend(arguments);
    scaffold(bench, &all)
}

/// The files below a folder, by path.
fn tree(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut ahead = vec![folder.to_owned()];
    while let Some(at) = ahead.pop() {
        for entry in fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                ahead.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap();
                let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
                found.insert(name.replace('\\', "/"), text);
            }
        }
    }
    found
}

fn names(folder: &Path) -> Vec<String> {
    tree(folder).into_keys().collect()
}

#[test]
fn one_command_makes_an_app_and_its_first_deploy_works() {
    let bench = Bench::new(&[]);
    web(&bench, &[])
        .exits(0)
        .says("made 21 files")
        .says("next: commit and push");
    assert_eq!(
        names(&bench.repo().join("web")),
        [
            ".github/workflows/ci.yml",
            "Dockerfile",
            "README.md",
            "code/health",
            "code/index.html"
        ]
    );
    assert_eq!(
        names(&bench.repo().join("web-config")),
        [
            ".github/workflows/config-deploy.yml",
            ".github/workflows/promote.yml",
            ".github/workflows/rollback.yml",
            ".gitops-steps.yaml",
            "README.md",
            "argocd/dev/web.yaml",
            "argocd/prod/web.yaml",
            "web/.scaffold.yaml",
            "web/Chart.yaml",
            "web/templates/_helpers.tpl",
            "web/templates/deployment.yaml",
            "web/templates/ingress.yaml",
            "web/templates/service.yaml",
            "web/values-dev.yaml",
            "web/values-prod.yaml",
            "web/values.yaml",
        ]
    );
    let bump = [
        "--config-repo=web-config",
        "--app=web",
        "--env=dev",
        "--tag=1.0.0",
    ];
    bench.bump(&bump).exits(0);
    let values = bench.read("web-config/web/values-dev.yaml");
    assert!(
        values.contains("  repository: ghcr.io/acme/web\n  tag: \"1.0.0\"\n"),
        "{values}"
    );
    let bump = [
        "--config-repo=web-config",
        "--app=web",
        "--env=prod",
        "--tag=1.0.0",
    ];
    bench.bump(&bump).exits(0).says("changes only by pull request");
}

#[test]
fn a_second_run_changes_nothing_also_after_a_deploy() {
    for template in ["helm", "kustomize"] {
        let bench = Bench::new(&[]);
        let arguments = [
            "--template",
            template,
            "--env=dev",
            "--env=prod:off",
            "--format=json",
        ];
        web(&bench, &arguments).exits(0);
        let digest = format!("--digest=sha256:{}", "a1".repeat(32));
        let bump = [
            "--config-repo=web-config",
            "--app=web",
            "--env=dev",
            "--tag=1.0.0",
            &digest,
        ];
        bench.bump(&bump).exits(0);
        let before = tree(&bench.repo());
        let again = web(&bench, &arguments).exits(0).json();
        assert_eq!(
            (&again["operation"], &again["changed"]),
            (&"unchanged".into(), &false.into())
        );
        assert_eq!(tree(&bench.repo()), before, "{template}");
    }
}

#[test]
fn nothing_is_written_where_files_with_other_content_are_in_the_way() {
    let bench = Bench::new(&[
        ("web/Dockerfile", "FROM scratch\n"),
        ("web-config/web/Chart.yaml", "name: mine\n"),
        ("web-config/web/values.yaml", "mine: 1\n"),
        // These are every app's, and stay as they are.
        ("web/README.md", "# Mine\n"),
    ]);
    let before = tree(&bench.repo());
    web(&bench, &[])
        .exits(4)
        .says("`web/Chart.yaml`, `web/values.yaml` are there already")
        .says("`Dockerfile` is there already");
    assert_eq!(tree(&bench.repo()), before);
    fs::remove_file(bench.repo().join("web/Dockerfile")).unwrap();
    fs::remove_dir_all(bench.repo().join("web-config")).unwrap();
    web(&bench, &[]).exits(0);
    assert_eq!(bench.read("web/README.md"), "# Mine\n");
}

#[cfg(unix)]
#[test]
fn nothing_is_written_through_a_symbolic_link() {
    let bench = Bench::new(&[("web-config/keep", ""), ("elsewhere/keep", "")]);
    std::os::unix::fs::symlink("../elsewhere", bench.repo().join("web-config/web")).unwrap();
    web(&bench, &[]).exits(4);
    assert_eq!(names(&bench.repo().join("elsewhere")), ["keep"]);
    assert!(!bench.repo().join("web").exists());
}

#[test]
fn a_directory_by_two_names_is_one_repository() {
    let bench = Bench::new(&[]);
    let whole = bench.repo().join("one");
    let argocd = bench.repo().join("..").join(bench.repo().file_name().unwrap());
    let argocd = argocd.join("one");
    let places = [
        "--config-repo=one",
        "--app-repo",
        whole.to_str().unwrap(),
        "--argocd-repo",
        argocd.to_str().unwrap(),
    ];
    let run = web(&bench, &[&places[..], &["--format=json"]].concat()).exits(0);
    assert_eq!(run.json()["repositories"].as_array().unwrap().len(), 1);
    let ci = bench.read("one/.github/workflows/ci.yml");
    assert!(ci.contains("bump-values"), "{ci}");
    web(&bench, &["--app-repo=one", "--config-repo=one"])
        .exits(0)
        .says("nothing to change");
}

#[test]
fn nothing_is_written_where_a_folder_cannot_be_made() {
    for repo in ["web", "web/deep"] {
        let bench = Bench::new(&[("web", "mine\n")]);
        for dry_run in [&[][..], &["--dry-run"]] {
            web(
                &bench,
                &[&["--app-repo", repo, "--config-repo=c"], dry_run].concat(),
            )
            .exits(4)
            .says("`web` is no folder");
            assert_eq!(names(&bench.repo()), ["web"]);
        }
    }
}

#[test]
fn a_name_that_yaml_takes_for_something_else_is_told() {
    let bench = Bench::new(&[]);
    for arguments in [
        &["--app=123"][..],
        &["--app=on", "--template=kustomize"],
        &["--app=web", "--template=ckan", "--service=no"],
        &["--app=web", "--project=77"],
        &["--app=web", "--namespace={env}", "--env=12"],
        &["--app=web", "--branch=1.10"],
    ] {
        let all = [&ACME[..], arguments].concat();
        scaffold(&bench, &all)
            .exits(2)
            .says("is no text to every reader of YAML")
            .says("hint: take another value");
        assert!(names(&bench.repo()).is_empty(), "{arguments:?}");
    }
}

#[test]
fn no_login_is_committed_with_the_address_that_argo_cd_reads() {
    let bench = Bench::new(&[]);
    let run = web(&bench, &["--config-url=https://ann:hush@x.example/y.git"])
        .exits(2)
        .says("--config-url holds a password");
    assert!(!run.stderr.contains("hush"), "{}", run.stderr);
    for (url, why) in [
        ("https://x/y.git\nevil: 1", "--config-url is no URL"),
        ("y", "is no git address"),
    ] {
        web(&bench, &["--config-url", url])
            .exits(2)
            .says(why)
            .prints_plainly();
    }
    assert!(names(&bench.repo()).is_empty());
    web(&bench, &["--config-url=https://hush@x.example/y.git"]).exits(0);
    let application = bench.read("web-config/argocd/dev/web.yaml");
    assert!(
        application.contains("repoURL: https://x.example/y.git\n"),
        "{application}"
    );
}

#[test]
fn a_dry_run_prints_the_tree_and_writes_nothing() {
    let bench = Bench::new(&[("web-config/.gitops-steps.yaml", "version: 1\napps: {}\n")]);
    let before = tree(&bench.repo());
    let run = web(&bench, &["--dry-run"]).exits(0).says("nothing was written");
    assert!(
        run.stdout
            .starts_with("web-config\n  .gitops-steps.yaml (changed)\n  argocd/\n"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("\nweb\n  Dockerfile\n"), "{}", run.stdout);
    assert!(!run.stdout.contains("+++"), "{}", run.stdout);
    let run = web(&bench, &["--dry-run", "--verbose"]).exits(0);
    assert!(run.stdout.contains("+++ b/web/values-dev.yaml"), "{}", run.stdout);
    let json = web(&bench, &["--dry-run", "--format=json"]).exits(0).json();
    assert_eq!((&json["changed"], &json["dry_run"]), (&true.into(), &true.into()));
    assert_eq!(json["repositories"].as_array().unwrap().len(), 2);
    assert_eq!(json["repositories"][1]["address"], "web");
    assert_eq!(tree(&bench.repo()), before);
}

#[test]
fn what_cannot_be_right_is_told_before_anything_is_made() {
    let bench = Bench::new(&[]);
    for (arguments, code, word) in [
        (&["--app=Web"][..], 2, "not a valid app name"),
        (&["--app=web"], 2, "which forge"),
        (&["--app=web", "--forge=github"], 2, "whose repositories"),
        (
            &["--app=web", "--template=hlem"],
            3,
            "did you mean the template `helm`",
        ),
        (
            &["--app=web", "--group=acme", "--forge=github", "--env=dev:maybe"],
            2,
            "unknown word `maybe`",
        ),
        (
            &[
                "--app=web",
                "--group=acme",
                "--forge=github",
                "--service=a",
                "--service=b",
            ],
            2,
            "deploys one service",
        ),
        (
            &["--app=web", "--group=acme", "--forge=github", "--host=A b"],
            2,
            "is no host",
        ),
        (
            &["--app=web", "--group=acme", "--forge=github", "--port=0"],
            2,
            "is no port",
        ),
        (
            &["--app=web", "--group=acme", "--forge=github", "--set=replica=2"],
            2,
            "no hole `replica`",
        ),
        (
            &[
                "--app=web",
                "--group=acme",
                "--forge=github",
                "--set=replicas=two",
            ],
            2,
            "does not match",
        ),
        (
            &[
                "--app=web",
                "--group=acme",
                "--forge=github",
                "--namespace={env}_x",
            ],
            2,
            "value of `namespace`",
        ),
        (
            &["--app=web", "--group=../x", "--forge=github"],
            2,
            "is no repository",
        ),
        (
            &["--app=web", "--group=acme", "--forge=github", "--tag=a b"],
            2,
            "tag",
        ),
        (
            &[
                "--app=web",
                "--group=acme",
                "--forge=github",
                "--config-url=https://x/$(id)",
            ],
            2,
            "cannot be put into",
        ),
    ] {
        scaffold(&bench, arguments)
            .exits(code)
            .says(word)
            .prints_plainly();
        assert!(names(&bench.repo()).is_empty(), "{arguments:?}");
    }
}
