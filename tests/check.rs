//! The policy file against the repository: every finding at once, on its line.

use std::fs;
use std::path::Path;

use crate::support::cli::{Bench, Run, text};
use crate::support::git_server::{bare_repo, git_says};
use serde_json::{Value, json};

const IMAGE: &str = "image:\n  repository: ghcr.io/acme/web\n  tag: v1\n";

/// A policy of one app whose dev is this.
fn policy(dev: &str) -> String {
    format!("version: 1\napps:\n  web:\n    image: ghcr.io/acme/web\n    environments:\n      dev: {dev}\n")
}

fn check(bench: &Bench, arguments: &[&str]) -> Run {
    check_with(bench, &[], arguments)
}

fn check_with(bench: &Bench, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    let mut command = bench.command();
    command
        .arg("check")
        .args(arguments)
        .envs(variables.iter().copied());
    Run::from(command.output().unwrap())
}

/// The findings as `severity code file:line:column`.
fn found(run: &Run) -> Vec<String> {
    let json = run.json();
    let all = json["check"]["findings"].as_array().unwrap();
    let number = |value: &Value| {
        value
            .as_u64()
            .map(|number| format!(":{number}"))
            .unwrap_or_default()
    };
    all.iter()
        .map(|one| {
            let text = |key: &str| one[key].as_str().unwrap().to_owned();
            assert!(!text("message").is_empty());
            format!(
                "{} {} {}{}{}",
                text("severity"),
                text("code"),
                text("file"),
                number(&one["line"]),
                number(&one["column"])
            )
        })
        .collect()
}

fn found_in(files: &[(&str, &str)], arguments: &[&str]) -> Vec<String> {
    let bench = Bench::new(files);
    found(&check(&bench, &[&["--format", "json"], arguments].concat()))
}

/// A case: its name, the environment in the policy, the values file, and what is found.
type Case<'a> = (&'a str, &'a str, &'a str, &'a [&'a str]);

#[track_caller]
fn are_found(cases: &[Case<'_>]) {
    let mut wrong = Vec::new();
    for (name, dev, values, due) in cases {
        let policy = policy(dev);
        let files = [
            (".gitops-steps.yaml", policy.as_str()),
            ("dev.yaml", values),
            ("below/x.yaml", "a: 1\n"),
            ("odd/Chart.yaml", "version: one\n"),
        ];
        let found = found_in(&files, &[]);
        if found != *due {
            wrong.push(format!("{name}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn a_target_has_to_lead_to_one_place() {
    let one = "{targets: [{file: dev.yaml, path: image}]}";
    let by_image = "{targets: [{file: dev.yaml}]}";
    let digest = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
    let pinned = format!("{IMAGE}  digest: {digest}\n");
    let cases: &[Case<'_>] = &[
        ("all is well", one, IMAGE, &[]),
        ("a digest beside the tag is well too", one, &pinned, &[]),
        (
            "no file",
            "{targets: [{file: gone.yaml}]}",
            IMAGE,
            &["error target-missing .gitops-steps.yaml:6:23"],
        ),
        (
            "a folder",
            "{targets: [{file: below}]}",
            IMAGE,
            &["error target-unreadable .gitops-steps.yaml:6:23"],
        ),
        ("no YAML", one, "image: [\n", &["error file-invalid dev.yaml:2:1"]),
        (
            "no such path",
            "{targets: [{file: dev.yaml, path: web.image}]}",
            IMAGE,
            &["error place-missing dev.yaml:1:1"],
        ),
        (
            "a path into no image",
            "{targets: [{file: dev.yaml, path: image.repository}]}",
            IMAGE,
            &["error place-invalid dev.yaml:2:15"],
        ),
        (
            "no such image",
            by_image,
            "image: {repository: ghcr.io/acme/other, tag: v1}\n",
            &["error image-missing .gitops-steps.yaml:6:23"],
        ),
        (
            "the image twice",
            by_image,
            "a: {repository: ghcr.io/acme/web, tag: v1}\nb: {repository: ghcr.io/acme/web, tag: v1}\n",
            &["error image-ambiguous .gitops-steps.yaml:6:23"],
        ),
    ];
    are_found(cases);
}

#[test]
fn what_stands_at_a_place_has_to_be_right_and_changeable() {
    let one = "{targets: [{file: dev.yaml, path: image}]}";
    let cases: &[Case<'_>] = &[
        (
            "another image",
            one,
            "image:\n  repository: docker.io/library/nginx\n  tag: v1\n",
            &["error image-differs dev.yaml:2:15"],
        ),
        (
            "no image's name",
            one,
            "image:\n  repository: ghcr.io/acme/Web\n  tag: v1\n",
            &["error image-differs dev.yaml:2:15"],
        ),
        (
            "no image's name, though it looks like one",
            one,
            "image:\n  repository: \"ghcr.io/acme/\\u202eweb\"\n  tag: v1\n",
            &["error image-differs dev.yaml:2:15"],
        ),
        (
            "a registry that something else fills in",
            one,
            "image:\n  registry: \"${REGISTRY}\"\n  repository: acme/web\n  tag: v1\n",
            &[],
        ),
        (
            "no tag",
            one,
            "image:\n  repository: ghcr.io/acme/web\n  tag: 1.0.0+build\n",
            &["warning version-invalid dev.yaml:3:8"],
        ),
        (
            "no version yet",
            one,
            "image: {repository: ghcr.io/acme/web, tag: \"\"}\n",
            &["warning version-missing dev.yaml:1:44"],
        ),
        (
            "a template",
            one,
            "image: {repository: ghcr.io/acme/web, tag: \"${TAG}\"}\n",
            &["error place-template dev.yaml:1"],
        ),
        (
            "a shared anchor",
            one,
            "image: {repository: ghcr.io/acme/web, tag: &tag v1}\nother: *tag\n",
            &["error anchor-shared dev.yaml:1:49"],
        ),
        (
            "SOPS",
            one,
            "image: {repository: ghcr.io/acme/web, tag: v1}\nsops: {mac: x, version: 3.9.0}\n",
            &["error file-encrypted dev.yaml:2:7"],
        ),
        (
            "a key twice",
            one,
            "image: {repository: ghcr.io/acme/web, tag: v1, tag: v2}\n",
            &["error key-duplicate dev.yaml:1:8"],
        ),
        (
            "one place twice",
            "{targets: [{file: dev.yaml, path: image}, {file: ./dev.yaml, path: image.tag}]}",
            IMAGE,
            &["warning place-repeated .gitops-steps.yaml:6:54"],
        ),
        (
            "a chart that is not there",
            "{targets: [{file: dev.yaml, path: image}], chart: {path: chart}}",
            IMAGE,
            &["error chart-missing .gitops-steps.yaml:6:63"],
        ),
        (
            "a chart without a semantic version",
            "{targets: [{file: dev.yaml, path: image}], chart: {path: odd}}",
            IMAGE,
            &["error chart-version odd/Chart.yaml:1:10"],
        ),
    ];
    are_found(cases);
}

const MANY: &str = r#"version: 1
apps:
  api:
    image: ghcr.io/acme/api
    environments:
      dev: {targets: [{file: api.yaml, path: image}]}
      qa: {promote-from: prod, targets: [{file: api.yaml, path: image}]}
  web:
    image: [Nope, ghcr.io/acme/web]
    environments:
      dev: {auto-deploy: on, targets: []}
  job:
    image: ghcr.io/acme/job
    environments:
      prod:
        clusters:
          cloud: [{file: cloud.yaml, path: image}]
          onprem: [{file: onprem.yaml, path: image}]
  "*":
    environments:
      dev: {targets: [{file: "apps/{app}/dev.yaml", path: image}]}
holds:
  web/prod: {reason: x}
"#;

#[test]
fn all_findings_come_at_once_and_not_only_the_first() {
    let files = [
        (".gitops-steps.yaml", MANY),
        ("api.yaml", "image: {repository: ghcr.io/acme/api, tag: v1}\n"),
        ("cloud.yaml", "image: {repository: ghcr.io/acme/job, tag: v2}\n"),
        ("onprem.yaml", "image: {repository: ghcr.io/acme/job, tag: v1}\n"),
    ];
    let bench = Bench::new(&files);
    let run = check(&bench, &["--format", "json"]).exits(2);
    assert_eq!(
        found(&run),
        [
            "error promotion-invalid .gitops-steps.yaml:7:12",
            "error place-shared .gitops-steps.yaml:7:42",
            "error policy-invalid .gitops-steps.yaml:9:5",
            "error policy-invalid .gitops-steps.yaml:11:30",
            "warning star-unused .gitops-steps.yaml:21:7",
            "error hold-unknown .gitops-steps.yaml:23:3",
            "warning versions-differ onprem.yaml:1:44",
        ]
    );
    let json = run.json();
    assert_eq!(json["operation"], "failed");
    assert_eq!(json["check"]["errors"], 5);
    assert_eq!(json["check"]["warnings"], 2);
    assert_eq!(json["error"]["exit_code"], 2);
    let only = check(&bench, &["--format", "json", "--app", "job"]);
    let only: Vec<String> = found(&only)
        .into_iter()
        .filter(|one| !one.contains("invalid"))
        .collect();
    assert_eq!(only, ["warning versions-differ onprem.yaml:1:44"]);
}

#[test]
fn a_policy_that_cannot_be_read_is_a_finding_with_its_place() {
    for (policy, due) in [
        (
            Some("version: 1\napps: {}\nhold: {}\n"),
            "error policy-invalid .gitops-steps.yaml:3:1",
        ),
        (
            Some("version: 1\napps: [\n"),
            "error policy-invalid .gitops-steps.yaml:2:7",
        ),
        (
            Some("version: 2\napps: {}\n"),
            "error policy-invalid .gitops-steps.yaml:1:1",
        ),
        (None, "error policy-missing .gitops-steps.yaml"),
    ] {
        let files: Vec<(&str, &str)> = policy
            .map(|text| (".gitops-steps.yaml", text))
            .into_iter()
            .collect();
        let bench = Bench::new(&files);
        let run = check(&bench, &["--format", "json"]).exits(2);
        assert_eq!(found(&run), [due]);
    }
}

#[test]
fn a_misspelt_path_is_told_with_the_one_that_was_meant() {
    for (file, hint) in [
        ("teams/a/web/dve.yaml", "did you mean `teams/a/web/dev.yaml`?"),
        ("team/a/wev/dev.yaml", "did you mean `teams/a/web/dev.yaml`?"),
        ("teams/a/web/dev.yml", "did you mean `teams/a/web/dev.yaml`?"),
        (
            "teams/a/other/dev.yaml",
            "paths are relative to the root of the config repo",
        ),
        ("teams/a/wev", "paths are relative to the root of the config repo"),
    ] {
        let policy = policy(&format!("{{targets: [{{file: {file}}}]}}"));
        let files = [
            (".gitops-steps.yaml", policy.as_str()),
            ("teams/a/web/dev.yaml", IMAGE),
            ("teams-a/web/dev.yaml", IMAGE),
            ("teams/a/web-2/dev.yaml", IMAGE),
        ];
        let bench = Bench::new(&files);
        let run = check(&bench, &[]).exits(2);
        assert!(
            run.stdout.contains(&format!("hint: {hint}")),
            "{file}: {}",
            run.stdout
        );
    }
}

#[test]
fn warnings_pass_unless_they_are_to_fail() {
    let policy = policy("{targets: [{file: dev.yaml, path: image}]}");
    let files = [
        (".gitops-steps.yaml", policy.as_str()),
        ("dev.yaml", "image: {repository: ghcr.io/acme/web, tag: \"\"}\n"),
    ];
    let bench = Bench::new(&files);
    let run = check(&bench, &[]).exits(0).says("1 warning");
    assert!(
        run.stdout
            .starts_with("dev.yaml:1:44: warning: there is no tag or digest here"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("[version-missing]\n  hint: "),
        "{}",
        run.stdout
    );
    check(&bench, &["--strict"]).exits(2);
    check_with(&bench, &[("GITOPS_STEPS_STRICT", "true")], &[]).exits(2);
}

#[test]
fn the_example_repository_is_clean() {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/config-repo");
    let bench = Bench::new(&[]);
    let arguments = ["--strict", "--all-files", "--config-repo", text(&example)];
    let run = check(&bench, &arguments).exits(0);
    assert_eq!(run.stdout, "");
    run.says("checked 16 targets of 3 apps in 9 environments: all is well");
}

#[test]
fn an_app_that_nobody_knows_is_not_found() {
    let policy = policy("{targets: [{file: dev.yaml, path: image}]}");
    let bench = Bench::new(&[(".gitops-steps.yaml", &policy), ("dev.yaml", IMAGE)]);
    check(&bench, &["--app", "wed"])
        .exits(3)
        .says("did you mean `web`?");
    check(&bench, &["--env", "prod"]).exits(3).says("one of `dev`");
    // A variable that another command of the same job reads is no mistake here.
    let variables = [("GITOPS_STEPS_WORKFLOW", ".github/workflows/deploy.yaml")];
    check_with(&bench, &variables, &[]).exits(0);
    check_with(&bench, &variables, &["--remote"]).exits(2);
}

#[test]
fn what_a_star_stands_for_is_checked_and_need_not_be_whole() {
    let policy = r#"version: 1
apps:
  "*":
    image: ghcr.io/acme/{app}
    environments:
      "*":
        targets:
          - {file: "apps/{app}/{env}/values.yaml", path: image}
          - {file: "apps/{app}/{env}/job.yaml", path: image}
"#;
    let files = [
        (".gitops-steps.yaml", policy),
        ("apps/web/dev/values.yaml", IMAGE),
        ("apps/web/dev/job.yaml", IMAGE),
        ("apps/api/dev/values.yaml", IMAGE),
    ];
    assert_eq!(
        found_in(&files, &[]),
        [
            "warning target-missing .gitops-steps.yaml:9:13",
            "error image-differs apps/api/dev/values.yaml:2:15",
        ]
    );
}

#[test]
fn all_files_parse_but_for_the_templates_of_charts() {
    let policy = policy("{targets: [{file: dev.yaml, path: image}]}");
    let files = [
        (".gitops-steps.yaml", policy.as_str()),
        ("dev.yaml", IMAGE),
        ("chart/Chart.yaml", "version: 1.0.0\n"),
        ("chart/templates/a.yaml", "{{ if }}\n a: [\n"),
        ("other/templates/b.yml", "a: [\n"),
        ("notes.txt", "a: [\n"),
    ];
    assert_eq!(found_in(&files, &[]), [] as [&str; 0]);
    assert_eq!(
        found_in(&files, &["--all-files"]),
        ["error file-invalid other/templates/b.yml:2:1"]
    );
}

#[cfg(unix)]
#[test]
fn a_link_is_told_of_and_followed() {
    let policy = policy("{targets: [{file: link.yaml, path: image}]}");
    let bench = Bench::new(&[(".gitops-steps.yaml", &policy), ("dev.yaml", IMAGE)]);
    std::os::unix::fs::symlink("dev.yaml", bench.repo().join("link.yaml")).unwrap();
    let run = check(&bench, &["--format", "json"]).exits(0);
    assert_eq!(found(&run), ["warning target-link .gitops-steps.yaml:6:23"]);
    fs::remove_file(bench.repo().join("link.yaml")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", bench.repo().join("link.yaml")).unwrap();
    let run = check(&bench, &["--format", "json"]).exits(2);
    assert_eq!(found(&run), ["error target-unreadable .gitops-steps.yaml:6:23"]);
}

#[test]
fn a_repository_is_checked_by_git_as_a_directory_is() {
    let policy = policy("{targets: [{file: gone.yaml}]}");
    let bench = Bench::new(&[]);
    let bare = bench.beside("there.git");
    bare_repo(&bare, &[(".gitops-steps.yaml", &policy), ("dev.yaml", IMAGE)]);
    let address = format!("file://{}", text(&bare));
    let run = check(&bench, &["--format", "json", "--config-repo", &address]).exits(2);
    assert_eq!(found(&run), ["error target-missing .gitops-steps.yaml:6:23"]);
    assert_eq!(run.json()["branch"], "main");
    let tip = git_says(&bare, &["rev-parse", "main"]);
    assert_eq!(run.json()["commit"], tip.trim());
}

#[test]
fn findings_stand_on_their_lines_in_a_pull_request() {
    let policy = policy("{targets: [{file: dev.yaml, path: image}, {file: \"a,b%.yaml\"}]}");
    let bench = Bench::new(&[]);
    git_says(&bench.repo(), &["init", "--quiet"]);
    bench.write("deploy/.gitops-steps.yaml", &policy);
    bench.write(
        "deploy/dev.yaml",
        "image: {repository: ghcr.io/acme/web, tag: \"\"}\n",
    );
    let summary = bench.beside("summary");
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_STEP_SUMMARY", text(&summary)),
    ];
    let run = check_with(&bench, &variables, &["--config-repo", "deploy"]).exits(2);
    let annotations: Vec<&str> = run.stderr.lines().filter(|line| line.contains("file=")).collect();
    assert_eq!(annotations.len(), 2, "{}", run.stderr);
    assert!(
        annotations[0].starts_with(
            "::error file=deploy/.gitops-steps.yaml,line=6,col=54,title=gitops-steps%3A target-missing::`a,b%25.yaml`"
        ),
        "{annotations:?}"
    );
    assert!(
        annotations[1].starts_with("::warning file=deploy/dev.yaml,line=1,col=44,"),
        "{annotations:?}"
    );
    let summary = fs::read_to_string(summary).unwrap();
    assert!(
        summary.contains("| error | `.gitops-steps.yaml:6:54` |")
            && summary.contains("| warning | `dev.yaml:1:44` |"),
        "{summary}"
    );
}

#[test]
fn gitlab_gets_a_code_quality_report_whose_fingerprints_outlive_a_moved_line() {
    let schema =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/gitlab/code-quality.json"));
    let schema: Value = serde_json::from_str(&schema.unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let report = |bench: &Bench| -> Value {
        let file = bench.beside("quality.json");
        check(bench, &["--code-quality", text(&file)]);
        serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
    };
    let bench = Bench::new(&[(".gitops-steps.yaml", MANY)]);
    let before = report(&bench);
    let errors: Vec<String> = validator
        .iter_errors(&before)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
    let prints = |report: &Value| -> Vec<Value> {
        let all = report.as_array().unwrap().iter();
        let mut prints: Vec<Value> = all.map(|issue| issue["fingerprint"].clone()).collect();
        prints.sort_by_key(Value::to_string);
        prints
    };
    let mut distinct = prints(&before);
    distinct.dedup();
    assert_eq!(distinct.len(), before.as_array().unwrap().len());
    assert!(before.as_array().unwrap().len() > 5);
    bench.write(
        ".gitops-steps.yaml",
        &format!("# moved\n{}", MANY.replace("holds", "# moved\nholds")),
    );
    let after = report(&bench);
    assert_ne!(before[0]["location"], after[0]["location"]);
    let same: Vec<Value> = prints(&after)
        .into_iter()
        .filter(|print| distinct.contains(print))
        .collect();
    assert!(same.len() + 1 >= distinct.len(), "{before:#}\n{after:#}");
    bench.write(
        ".gitops-steps.yaml",
        &policy("{targets: [{file: dev.yaml, path: image}]}"),
    );
    bench.write("dev.yaml", IMAGE);
    assert_eq!(report(&bench), json!([]));
    check(&bench, &["--code-quality", "no/such/folder.json"]).exits(2);
}

#[test]
fn nothing_that_a_file_says_steers_a_terminal() {
    let policy = policy("{targets: [{file: \"d\\u001b[31m.yaml\"}]}");
    let bench = Bench::new(&[(".gitops-steps.yaml", &policy)]);
    check(&bench, &[]).exits(2).prints_plainly();
}
