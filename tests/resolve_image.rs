//! `resolve-image` says which tag an environment should run, asked of a fake registry that takes no request that a strict
//! one would refuse.

use crate::support::cli::{Bench, Run};
use crate::support::registry::{FakeRegistry, INDEX, Lock, MANIFEST};
use serde_json::{Value, json};

/// A registry whose image has these tags, each of a build of its own, one an hour.
fn stocked(tags: &[&str]) -> FakeRegistry {
    let registry = FakeRegistry::start();
    for (hour, tag) in tags.iter().enumerate() {
        push(&registry, tag, hour);
    }
    registry
}

fn push(registry: &FakeRegistry, tag: &str, hour: usize) -> String {
    let digest = registry.put_image(
        "amd64",
        &format!("2026-11-{:02}T{:02}:00:00Z", 1 + hour / 24, hour % 24),
    );
    registry.tag(tag, &digest);
    digest
}

/// Tags an index of two platforms.
fn push_index(registry: &FakeRegistry, tag: &str, hour: usize) -> String {
    let entries: Vec<Value> = ["amd64", "arm64"]
        .iter()
        .map(|architecture| {
            let digest = registry.put_image(architecture, &format!("2026-11-20T{hour:02}:00:00Z"));
            json!({ "mediaType": MANIFEST, "digest": digest, "size": 1, "platform": { "os": "linux", "architecture": architecture } })
        })
        .collect();
    let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
    let digest = registry.put(INDEX, &index);
    registry.tag(tag, &digest);
    digest
}

fn resolve(registry: &FakeRegistry, arguments: &[&str]) -> Run {
    let bench = Bench::new(&[]);
    let mut command = bench.command();
    command
        .args(["resolve-image", "--image", &registry.image()])
        .args(arguments);
    Run::from(command.output().unwrap())
}

/// What is printed, which is the value and nothing else.
fn chosen(registry: &FakeRegistry, arguments: &[&str]) -> String {
    let run = resolve(registry, arguments).exits(0);
    let value = run.stdout.strip_suffix('\n').unwrap();
    assert!(!value.contains('\n'), "{value}");
    value.to_owned()
}

#[test]
fn each_order_chooses_and_prints_one_tag() {
    let registry = stocked(&[
        "latest",
        "2.0.0",
        "1.1.0",
        "v1.10.0",
        "1.9.0",
        "1.11.0-rc.1",
        "main-7",
        "main-12",
        "main-9",
    ]);
    for (arguments, tag) in [
        (&["--constraint", "~> 1.1"][..], "v1.10.0"),
        (&["--constraint", "~> 1.1", "--pre-releases"], "1.11.0-rc.1"),
        (&["--constraint", "*"], "2.0.0"),
        (&["--newest"], "main-9"),
        (&["--newest", "--ignore", "^main"], "1.11.0-rc.1"),
        (&["--newest", "--allow", "^main-1"], "main-12"),
        (&["--numeric", "--extract", r"^main-(\d+)$"], "main-12"),
        (&["--lexical", "--allow", "^main"], "main-9"),
    ] {
        assert_eq!(chosen(&registry, arguments), tag, "{arguments:?}");
    }
}

#[test]
fn the_range_is_said_as_it_was_understood_and_a_second_run_says_the_same() {
    let registry = stocked(&["1.1.0", "1.2.0"]);
    for _ in 0..2 {
        resolve(&registry, &["--constraint", "~> 1.1"])
            .exits(0)
            .says("1.2.0 (sha256:")
            .says("is the highest version in >= 1.1.0, < 2.0.0 of 2 tags");
    }
}

#[test]
fn a_moving_tag_is_followed_to_a_version_and_else_pinned() {
    let registry = stocked(&["1.0.0", "1.1.0", "main-3"]);
    let digest = push(&registry, "dev", 9);
    let pinned = format!("dev@{digest}");
    assert_eq!(chosen(&registry, &["--follow-tag", "dev"]), pinned);
    registry.tag("1.2.0-rc.1", &digest);
    registry.tag("main-9", &digest);
    assert_eq!(chosen(&registry, &["--follow-tag", "dev"]), "1.2.0-rc.1");
    registry.tag("1.2.0", &digest);
    assert_eq!(chosen(&registry, &["--follow-tag", "dev"]), "1.2.0");
    for (write, value) in [
        ("tag", "1.2.0".to_owned()),
        ("digest", digest.clone()),
        ("tag@digest", format!("1.2.0@{digest}")),
    ] {
        assert_eq!(
            chosen(&registry, &["--follow-tag", "dev", "--write", write]),
            value
        );
    }
    assert_eq!(
        chosen(&registry, &["--follow-tag", "dev", "--allow", "^main-"]),
        "main-9"
    );
    resolve(
        &registry,
        &["--follow-tag", "dev", "--write", "tag", "--allow", "^2"],
    )
    .exits(3)
    .says("no version of")
    .says("tag@digest");
    resolve(&registry, &["--follow-tag", "devv"])
        .exits(3)
        .says("did you mean `dev`?");
}

#[test]
fn a_tag_that_does_not_run_on_each_platform_loses_to_the_next() {
    let registry = stocked(&["1.2.0"]);
    let digest = push_index(&registry, "1.1.0", 3);
    push_index(&registry, "1.0.0", 4);
    let on = ["--platform", "linux/amd64", "--platform", "linux/arm64"];
    let with = |more: &[&'static str]| -> Vec<&str> { on.iter().chain(more).copied().collect() };
    assert_eq!(chosen(&registry, &with(&["--constraint", "^1"])), "1.1.0");
    assert_eq!(
        chosen(&registry, &with(&["--constraint", "^1", "--write", "digest"])),
        digest
    );
    assert_eq!(chosen(&registry, &with(&["--newest"])), "1.0.0");
    resolve(&registry, &["--constraint", "^1", "--platform", "windows/amd64"])
        .exits(3)
        .says("`1.2.0` does not run on windows/amd64");
    resolve(&registry, &["--follow-tag", "1.2.0", "--platform", "linux/arm64"])
        .exits(3)
        .says("does not run on linux/arm64");
}

#[test]
fn nothing_that_fits_is_told_with_what_came_nearest() {
    let registry = stocked(&["latest", "1.0.9", "0.9.0", "1.2.0-rc.1", "main"]);
    let run = resolve(&registry, &["--constraint", "~> 1.1"])
        .exits(3)
        .says("none of the 5 tags of")
        .says("`1.2.0-rc.1` is a pre-release; `1.0.9` is not in >= 1.1.0, < 2.0.0; `0.9.0` is")
        .says("--pre-releases");
    assert_eq!(run.stdout, "", "a script must not read half an answer");
}

#[test]
fn why_each_lost_is_told_on_stderr_and_in_json() {
    let registry = stocked(&["latest", "1.1.0", "1.2.0", "2.0.0"]);
    let run = resolve(&registry, &["--constraint", "^1", "--explain"])
        .exits(0)
        .says("1.2.0   chosen")
        .says("1.1.0   not higher than `1.2.0`")
        .says("2.0.0   is not in >= 1.0.0, < 2.0.0")
        .says("latest  is no version of three numbers");
    assert_eq!(run.stdout, "1.2.0\n");
    let timed = resolve(&registry, &["--newest", "--explain"]).exits(0);
    timed.says("2.0.0   2026-11-01T03:00:00Z  chosen");

    let arguments = ["--constraint", "^1", "--explain", "--format", "json"];
    let json = resolve(&registry, &arguments).exits(0).json();
    let rows: Vec<(&str, Option<&str>)> = json["candidates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["tag"].as_str().unwrap(), row["why"].as_str()))
        .collect();
    assert_eq!(rows[0], ("1.2.0", None));
    assert_eq!(rows[1], ("1.1.0", Some("not higher than `1.2.0`")));
    assert_eq!(rows.len(), 4);
    let failed = resolve(
        &registry,
        &["--constraint", "^3", "--explain", "--format", "json"],
    )
    .exits(3);
    assert_eq!(failed.json()["candidates"].as_array().unwrap().len(), 4);
}

#[test]
fn the_result_is_the_same_in_every_output() {
    let registry = stocked(&["1.1.0", "1.2.0"]);
    let bench = Bench::new(&[]);
    let file = |name: &str| bench.beside(name).display().to_string();
    let mut command = bench.command();
    command.args(["resolve-image", "--format", "json", "--image", &registry.image()]);
    command.args([
        "--constraint",
        "^1",
        "--write",
        "tag@digest",
        "--dotenv",
        &file("dotenv"),
    ]);
    command.args(["--result-file", &file("result")]);
    command
        .env("GITHUB_OUTPUT", file("output"))
        .env("GITHUB_STEP_SUMMARY", file("summary"));
    let run = Run::from(command.output().unwrap()).exits(0);
    assert_eq!(run.stderr.matches("sha256:").count(), 1, "{}", run.stderr);
    let json = run.json();
    let read = |name: &str| std::fs::read_to_string(file(name)).unwrap();
    assert_eq!(json["operation"], "unchanged");
    assert_eq!(json["changed"], false);
    let value = json["new"].as_str().unwrap();
    let resolved = &json["resolved"][0];
    assert_eq!(resolved["tag"], "1.2.0");
    assert_eq!(value, format!("1.2.0@{}", resolved["digest"].as_str().unwrap()));
    assert_eq!(resolved["wanted"], "the highest version in >= 1.0.0, < 2.0.0");
    assert!(read("dotenv").contains(&format!("GITOPS_NEW={value}\n")));
    assert!(read("output").contains(value));
    assert!(read("summary").contains("the highest version in"));
    assert_eq!(serde_json::from_str::<Value>(&read("result")).unwrap(), json);
}

#[test]
fn what_is_asked_costs_no_more_requests_than_it_must() {
    let tags: Vec<String> = (0..50).map(|patch| format!("1.0.{patch}")).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    let registry = stocked(&tags);
    chosen(&registry, &["--constraint", "^1"]);
    assert_eq!(registry.seen().len(), 2, "{:#?}", registry.seen());
    resolve(&registry, &["--newest", "--limit", "49"])
        .exits(3)
        .says("50 tags of")
        .says("no more than 49 images")
        .says("--allow");
    assert_eq!(registry.seen().len(), 3, "a list, and nothing after it");
    assert_eq!(chosen(&registry, &["--newest", "--limit", "50"]), "1.0.49");
    assert_eq!(registry.seen().len(), 3 + 1 + 100);

    let digest = push(&registry, "dev", 99);
    let before = registry.seen().len();
    assert_eq!(
        chosen(&registry, &["--follow-tag", "dev", "--write", "digest"]),
        digest
    );
    assert_eq!(registry.seen().len(), before + 1);
    resolve(&registry, &["--follow-tag", "dev", "--limit", "30"])
        .exits(0)
        .says("only the highest 30 of 50 versions");
    assert_eq!(registry.seen().len(), before + 1 + 2 + 30);
}

#[test]
fn a_tag_that_is_listed_and_gone_is_passed_over() {
    let registry = stocked(&["1.0.0", "1.1.0"]);
    let nothing = format!("sha256:{}", "0".repeat(64));
    registry.tag("1.2.0", &nothing);
    assert_eq!(chosen(&registry, &["--constraint", "^1"]), "1.1.0");
    assert_eq!(chosen(&registry, &["--newest"]), "1.1.0");
}

#[test]
fn an_image_that_cannot_be_read_is_told_and_does_not_hide_the_others() {
    let registry = stocked(&["a", "b"]);
    let broken = registry.put(MANIFEST, &json!({ "schemaVersion": 1 }));
    registry.tag("c", &broken);
    resolve(&registry, &["--newest"])
        .exits(0)
        .says("1 of the images of")
        .says("may be newer");
    let run = resolve(&registry, &["--newest", "--allow", "c"]).exits(5);
    run.says("cannot be read");
}

#[test]
fn a_private_registry_is_asked_with_the_login_and_says_when_there_is_none() {
    let registry = FakeRegistry::locked(Lock::Private);
    push(&registry, "1.0.0", 1);
    resolve(&registry, &["--constraint", "*"])
        .exits(5)
        .says("docker login");
    let bench = Bench::new(&[]);
    let login = format!(
        r#"{{"auths":{{"{}":{{"username":"ana","password":"s3cret-password"}}}}}}"#,
        registry.host()
    );
    let mut command = bench.command();
    command.args([
        "resolve-image",
        "--verbose",
        "--constraint",
        "*",
        "--image",
        &registry.image(),
    ]);
    let run = Run::from(command.env("DOCKER_AUTH_CONFIG", login).output().unwrap()).exits(0);
    assert_eq!(run.stdout, "1.0.0\n");
    crate::support::secret::is_absent(&run.stderr);
}

#[test]
fn flags_that_contradict_each_other_are_told_before_anything_is_asked() {
    let registry = stocked(&[]);
    for (arguments, says) in [
        (&[][..], "give one of --constraint"),
        (&["--newest", "--lexical"], "`newest` and `lexical` are two ways"),
        (&["--constraint", "~>"], "--constraint: "),
        (
            &["--newest", "--allow", "("],
            "--allow: `(` is no regular expression",
        ),
        (
            &["--newest", "--platform", "linux"],
            "--platform: `linux` is not a platform",
        ),
        (&["--numeric", "--pre-releases"], "--pre-releases: "),
        (&["--newest", "--limit", "0"], "--limit: "),
        (
            &["--app", "web", "--env", "dev", "--newest"],
            "--app and --newest are two ways",
        ),
        (
            &["--app", "web", "--env", "dev", "--allow", "x"],
            "--app and --allow are two ways",
        ),
        (
            &[
                "--chart-repo",
                "https://x.example",
                "--newest",
                "--platform",
                "linux/amd64",
            ],
            "--platform says nothing",
        ),
    ] {
        resolve(&registry, arguments).exits(2).says(says);
    }
    assert!(registry.seen().is_empty(), "{:?}", registry.seen());
}

#[test]
fn a_chart_of_a_repository_on_the_web_is_resolved_too() {
    let registry = FakeRegistry::start();
    let index = "apiVersion: v1\nentries:\n  web:\n  - {version: 1.2.0+build.7, created: \"2026-11-20T10:00:00Z\"}\n  \
                 - {version: 2.0.0, created: \"2026-11-19T10:00:00Z\"}\n  - {version: \"\\e[31m::error::x\", created: \"2026-11-21T10:00:00Z\"}\n";
    registry.instead("/stable/index.yaml", 9, 200, &[], index);
    let bench = Bench::new(&[]);
    let run = |arguments: &[&str]| {
        let mut command = bench.command();
        let repository = format!("http://{}/stable", registry.host());
        command
            .args(["resolve-image", "--chart-repo", &repository, "--image"])
            .args(arguments);
        Run::from(command.output().unwrap())
    };
    assert_eq!(
        run(&["web", "--constraint", "~1"]).exits(0).stdout,
        "1.2.0+build.7\n"
    );
    assert_eq!(run(&["web", "--newest"]).exits(0).stdout, "1.2.0+build.7\n");
    assert_eq!(run(&["web", "--lexical"]).exits(0).stdout, "2.0.0\n");
    let explained = run(&["web", "--lexical", "--explain"]).exits(0).prints_plainly();
    explained
        .says("\\u{1b}[31m::error::x")
        .says("is no version of three numbers");
    run(&["other", "--constraint", "*"])
        .exits(3)
        .says("has no chart `other`");
    run(&["a/b", "--constraint", "*"])
        .exits(2)
        .says("no name of a chart");
}

/// A config repo whose policy chooses like this for dev.
fn config_repo(registry: &FakeRegistry, select: &str, more: &str) -> Bench {
    let image = registry.image();
    let policy = format!(
        "version: 1\napps:\n  web:\n    image: {image}\n    environments:\n      dev:\n        auto-deploy: on\n        \
         select: {select}\n        targets: [{{file: dev.yaml}}]\n      prod: {{targets: [{{file: prod.yaml}}]}}\n{more}"
    );
    let values = format!("image:\n  repository: {image}\n  tag: \"1.0.0\"\n");
    Bench::cloned(&[
        (".gitops-steps.yaml", &policy),
        ("dev.yaml", &values),
        ("prod.yaml", &values),
    ])
}

fn by_policy(bench: &Bench, arguments: &[&str]) -> Run {
    let mut command = bench.command();
    command.args(["resolve-image", "--app", "web"]).args(arguments);
    Run::from(command.output().unwrap())
}

#[test]
fn the_policy_says_what_is_chosen_for_an_app_in_an_environment() {
    let registry = stocked(&["1.0.0", "1.1.0", "1.2.0-rc.1", "2.0.0"]);
    let bench = config_repo(&registry, "{constraint: \"~> 1.0\", write: tag}", "");
    let before = bench.state();
    let run = by_policy(&bench, &["--env=dev", "--format=json"]).exits(0).json();
    assert_eq!((&run["old"], &run["new"]), (&json!("1.0.0"), &json!("1.1.0")));
    assert_eq!((&run["app"], &run["env"]), (&json!("web"), &json!("dev")));
    let origin = bench.origin().display().to_string();
    for place in [vec![], vec!["--branch", "main"], vec!["--config-repo", &origin]] {
        let address = format!("file://{origin}");
        let place: Vec<&str> = place
            .iter()
            .map(|part| if *part == origin { address.as_str() } else { part })
            .collect();
        let run = by_policy(&bench, &[&["--env=dev"], place.as_slice()].concat()).exits(0);
        assert_eq!(run.stdout, "1.1.0\n", "{place:?}");
    }
    let written = by_policy(&bench, &["--env=dev", "--write=digest"]).exits(0);
    assert!(written.stdout.starts_with("sha256:"));
    assert_eq!(bench.state(), before, "nothing is written");
    by_policy(&bench, &["--env=prod"])
        .exits(3)
        .says("does not say how a version of `web` is chosen for `prod`");
    by_policy(&bench, &["--env=qa"])
        .exits(3)
        .says("no environment `qa`");
    by_policy(&bench, &["--env=dev", "--image=nginx"])
        .exits(3)
        .says("is not one of `web`");
    by_policy(&bench, &[]).exits(2);
}

#[test]
fn a_hold_is_told() {
    let registry = stocked(&["1.0.0", "1.1.0"]);
    let hold = "holds:\n  web/dev: {reason: leaks memory, by: ana}\n";
    let bench = config_repo(&registry, "newest", hold);
    let run = by_policy(&bench, &["--env=dev"]).exits(0);
    assert_eq!(run.stdout, "1.1.0\n");
    run.says("`dev` of `web` is held by ana: leaks memory")
        .says("rollback --release-hold");
}
