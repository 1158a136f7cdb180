//! `--resolve` brings what the registry has to an environment, by every way to a config repo on both forges.

use crate::support::cli::{Bench, Run};
use crate::support::registry::FakeRegistry;
use crate::support::stage::{Stage, Way};

const HELD: &str = "holds:\n  web/dev: {reason: leaks memory}\n";

fn policy(image: &str, select: &str) -> String {
    format!(
        "version: 1\napps:\n  web:\n    image: {image}\n    environments:\n      dev:\n        auto-deploy: on\n        \
         select: {select}\n        targets: [{{file: dev.yaml}}]\n      prod:\n        select: {select}\n        \
         targets: [{{file: prod.yaml}}]\n"
    )
}

fn values(image: &str, tag: &str) -> String {
    format!("# kept\nimage:\n  repository: {image}\n  tag: \"{tag}\" # kept too\n")
}

/// A registry with these tags, each a build of its own, one an hour.
fn stocked(tags: &[&str]) -> FakeRegistry {
    let registry = FakeRegistry::start();
    for (hour, tag) in tags.iter().enumerate() {
        push(&registry, tag, hour);
    }
    registry
}

fn push(registry: &FakeRegistry, tag: &str, hour: usize) -> String {
    let digest = registry.put_image("amd64", &format!("2026-11-20T{hour:02}:00:00Z"));
    registry.tag(tag, &digest);
    digest
}

fn stages(registry: &FakeRegistry, select: &str, more: &str) -> Vec<Stage> {
    let policy = format!("{}{more}", policy(&registry.image(), select));
    let values = values(&registry.image(), "1.0.0");
    Stage::all(&[
        (".gitops-steps.yaml", &policy),
        ("dev.yaml", &values),
        ("prod.yaml", &values),
    ])
}

fn bump(stage: &Stage, arguments: &[&str]) -> Run {
    let mut all = vec!["--app=web", "--resolve"];
    all.extend(arguments);
    stage.run("bump-values", &all)
}

#[test]
fn what_the_registry_has_is_pushed_and_a_second_run_changes_nothing() {
    let registry = stocked(&["1.0.0", "1.1.0", "2.0.0"]);
    for stage in stages(&registry, "{constraint: \"~> 1.0\"}", "") {
        let ci = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_SHA", "0123456789012345678901234567890123456789"),
            ("GITHUB_REPOSITORY", "acme/deploy"),
            ("GITHUB_RUN_NUMBER", "7"),
        ];
        let arguments = ["--app=web", "--env=dev", "--resolve", "--publish=push"];
        let run = stage.run_with(&ci, "bump-values", &arguments).exits(0);
        run.says("1.1.0 (sha256:")
            .says("is the highest version in >= 1.0.0, < 2.0.0");
        assert_eq!(
            stage.file("main", "dev.yaml").unwrap(),
            values(&registry.image(), "1.1.0")
        );
        let message = stage.messages("main").swap_remove(0);
        assert!(
            message.starts_with("deploy(dev): web 1.0.0 → 1.1.0\n"),
            "{message}"
        );
        assert!(message.contains("\nGitops-New: 1.1.0"), "{message}");
        assert!(
            !message.contains("Source-Commit") && !message.contains("Source-Sequence"),
            "this run has built nothing: {message}"
        );
        let commits = stage.messages("main").len();
        let again = bump(&stage, &["--env=dev", "--publish=push"]).exits(0).json();
        assert_eq!(
            (&again["operation"], &again["changed"]),
            (&"unchanged".into(), &false.into())
        );
        assert_eq!(again["resolved"][0]["tag"], "1.1.0");
        assert_eq!(stage.messages("main").len(), commits, "{}", stage.name());
    }
}

#[test]
fn nothing_is_written_where_no_tag_counts_or_the_registry_says_no() {
    let registry = stocked(&["1.0.0"]);
    for stage in stages(&registry, "{constraint: \"^2\"}", "") {
        let commits = stage.messages("main").len();
        bump(&stage, &["--env=dev", "--publish=push"])
            .exits(3)
            .says("`1.0.0` is not in >= 2.0.0");
        registry.instead(
            "/tags/list",
            1,
            403,
            &[],
            r#"{"errors":[{"code":"DENIED","message":"no"}]}"#,
        );
        bump(&stage, &["--env=dev", "--publish=push"])
            .exits(5)
            .says("docker login");
        assert_eq!(stage.messages("main").len(), commits, "{}", stage.name());
    }
}

#[test]
fn an_older_version_than_the_one_that_runs_does_not_replace_it() {
    let registry = stocked(&["0.9.0"]);
    for stage in stages(&registry, "{constraint: \"*\"}", "") {
        let run = bump(&stage, &["--env=dev", "--publish=push"]).exits(0).json();
        assert_eq!(run["operation"], "superseded", "{}", stage.name());
    }
}

#[test]
fn a_manual_environment_gets_a_pull_request_that_is_brought_up_to_date() {
    let registry = stocked(&["1.0.0", "1.1.0"]);
    for stage in stages(&registry, "newest", "") {
        let open = |command: &str| {
            let arguments = ["--app=web", "--env=prod", "--resolve"];
            let publish = if command == "bump-values" {
                &["--publish=auto"][..]
            } else {
                &[]
            };
            stage
                .run(command, &[&arguments, publish].concat())
                .exits(0)
                .json()
        };
        if stage.way != Way::Clone {
            bump(&stage, &["--env=prod", "--publish=push"])
                .exits(4)
                .says("auto-deploy is off");
        }
        assert_eq!(open("open-promotion-pr")["operation"], "created");
        assert_eq!(open("open-promotion-pr")["operation"], "unchanged");
        let head = "promote/prod/web";
        assert_eq!(
            stage.file(head, "prod.yaml").unwrap(),
            values(&registry.image(), "1.1.0")
        );
        push(&registry, "1.2.0", 9);
        let command = if stage.way == Way::Clone {
            "open-promotion-pr"
        } else {
            "bump-values"
        };
        assert_eq!(open(command)["operation"], "updated", "{}", stage.name());
        assert_eq!(
            stage.file(head, "prod.yaml").unwrap(),
            values(&registry.image(), "1.2.0")
        );
        assert_eq!(stage.requests().len(), 1);
        let title = &stage.requests()[0].title;
        assert!(title.contains("1.2.0"), "{title}");
        let untag = r#"{"name":"acme/web","tags":["1.0.0","1.1.0"]}"#;
        registry.instead("/tags/list", 1, 200, &[], untag);
        let back = open("open-promotion-pr");
        assert_eq!(
            back["operation"], "superseded",
            "the open request is newer: {back:#}"
        );
        registry.untag("1.2.0");
    }
}

#[test]
fn what_is_held_is_refused_as_any_other_bump_or_waits_in_a_pull_request() {
    let registry = stocked(&["1.0.0", "1.1.0"]);
    for stage in stages(&registry, "newest", HELD) {
        let refused = bump(&stage, &["--env=dev", "--publish=push"]).exits(4);
        refused.says("`dev` of `web` is held: leaks memory");
        let run = stage
            .run("open-promotion-pr", &["--app=web", "--env=dev", "--resolve"])
            .exits(0)
            .json();
        assert_eq!(run["operation"], "created", "{}", stage.name());
        assert_eq!(
            stage.file("main", "dev.yaml").unwrap(),
            values(&registry.image(), "1.0.0")
        );
    }
}

#[test]
fn the_registry_is_asked_once_although_the_branch_moves() {
    let registry = stocked(&["1.0.0", "1.1.0"]);
    for stage in stages(&registry, "{constraint: \"^1\"}", "") {
        if stage.way != Way::Api {
            continue;
        }
        let moved = format!("{}replicas: 3\n", values(&registry.image(), "1.0.0"));
        stage.person_commits_before(
            "createCommitOnBranch",
            "POST /repository/commits",
            "dev.yaml",
            &moved,
        );
        let before = registry.seen().len();
        let run = bump(&stage, &["--env=dev", "--publish=push"]).exits(0).json();
        assert_eq!(run["attempts"], 2, "{}", stage.name());
        assert_eq!(registry.seen().len(), before + 2);
        let due = moved.replace("1.0.0", "1.1.0");
        assert_eq!(stage.file("main", "dev.yaml").unwrap(), due);
    }
}

/// A checkout to edit in place.
fn checkout(registry: &FakeRegistry, select: &str) -> Bench {
    let values = values(&registry.image(), "1.0.0");
    Bench::new(&[
        (".gitops-steps.yaml", &policy(&registry.image(), select)),
        ("dev.yaml", &values),
    ])
}

fn bump_here(bench: &Bench) -> String {
    bench.bump(&["--app=web", "--env=dev", "--resolve"]).exits(0);
    bench.read("dev.yaml")
}

#[test]
fn a_moving_tag_is_pinned_and_the_digest_goes_once_a_version_says_the_same() {
    let registry = stocked(&["1.0.0"]);
    let digest = push(&registry, "dev", 5);
    let bench = checkout(&registry, "{follow-tag: \"{env}\"}");
    let pinned = bump_here(&bench);
    assert!(
        pinned.contains("tag: \"dev\" # kept too") && pinned.contains(&digest),
        "{pinned}"
    );
    assert_eq!(bump_here(&bench), pinned);
    let moved = push(&registry, "dev", 6);
    assert!(bump_here(&bench).contains(&moved));
    registry.tag("1.1.0", &moved);
    let version = format!("{}  digest: \"\"\n", values(&registry.image(), "1.1.0"));
    assert_eq!(bump_here(&bench), version);
}

#[test]
fn an_order_of_its_own_needs_no_word_of_the_guard_and_what_may_move_is_told() {
    let registry = stocked(&["main-7", "main-12"]);
    let bench = checkout(&registry, "{newest: on, allow: \"^(main-|latest)\"}");
    bench.write("dev.yaml", &values(&registry.image(), "main-7"));
    let run = bench
        .bump(&["--app=web", "--env=dev", "--resolve", "--format=json"])
        .exits(0)
        .json();
    assert_eq!(
        (&run["new"], &run["warnings"]),
        (&"main-12".into(), &serde_json::json!([]))
    );
    push(&registry, "latest", 9);
    let run = bench
        .bump(&["--app=web", "--env=dev", "--resolve", "--format=json"])
        .exits(0)
        .json();
    assert_eq!(run["new"], "latest");
    let warning = run["warnings"][0].as_str().unwrap();
    assert!(
        warning.contains("`latest`") && warning.contains("may move"),
        "{warning}"
    );
}

#[test]
fn what_is_written_is_what_the_policy_says() {
    let registry = stocked(&["1.0.0"]);
    let digest = push(&registry, "1.1.0", 5);
    let both = checkout(&registry, "{constraint: \"*\", write: tag@digest}");
    let text = bump_here(&both);
    assert!(
        text.contains("tag: \"1.1.0\"") && text.contains(&digest),
        "{text}"
    );
    let only = checkout(&registry, "{constraint: \"*\", write: digest}");
    let text = bump_here(&only);
    assert!(text.contains("tag: \"\"") && text.contains(&digest), "{text}");
    let tag = checkout(&registry, "{constraint: \"*\", write: tag}");
    tag.write("dev.yaml", &both.read("dev.yaml").replace("1.1.0", "1.0.0"));
    let text = bump_here(&tag);
    assert!(
        text.contains("tag: \"1.1.0\"") && text.contains("digest: \"\""),
        "{text}"
    );
    let unsaid = checkout(&registry, "{constraint: \"*\"}");
    unsaid.write("dev.yaml", &both.read("dev.yaml").replace("1.1.0", "1.0.0"));
    unsaid
        .bump(&["--app=web", "--env=dev", "--resolve"])
        .exits(2)
        .says("dev.yaml:5")
        .says("--drop-digest");
}

#[test]
fn all_images_of_an_app_go_in_one_commit_and_one_can_be_named() {
    let (web, job) = (stocked(&["1.0.0", "1.1.0"]), stocked(&["1.0.0", "1.2.0"]));
    let policy = format!(
        "version: 1\napps:\n  web:\n    image: [{web}, {job}]\n    environments:\n      dev:\n        select: {{constraint: \"^1\"}}\n        \
         targets:\n        - {{file: dev.yaml, image: {web}}}\n        - {{file: job.yaml, image: {job}}}\n",
        web = web.image(),
        job = job.image()
    );
    let bench = |bench: Bench| {
        bench.write("dev.yaml", &values(&web.image(), "1.0.0"));
        bench.write("job.yaml", &values(&job.image(), "1.0.0"));
        bench
    };
    let all = bench(Bench::new(&[(".gitops-steps.yaml", &policy)]));
    bump_here(&all);
    assert_eq!(all.read("dev.yaml"), values(&web.image(), "1.1.0"));
    assert_eq!(all.read("job.yaml"), values(&job.image(), "1.2.0"));
    let one = bench(Bench::new(&[(".gitops-steps.yaml", &policy)]));
    one.bump(&["--app=web", "--env=dev", "--resolve", "--image", &job.image()])
        .exits(0);
    assert_eq!(one.read("dev.yaml"), values(&web.image(), "1.0.0"));
    assert_eq!(one.read("job.yaml"), values(&job.image(), "1.2.0"));
}

#[test]
fn a_version_that_is_named_and_one_that_is_chosen_are_two_ways() {
    let registry = stocked(&["1.0.0"]);
    let bench = checkout(&registry, "newest");
    for (more, says) in [
        (
            &["--env=dev", "--tag=1.0.0"][..],
            "--resolve and --tag are two ways",
        ),
        (
            &["--env=dev", "--file=dev.yaml"],
            "--resolve and --file are two ways",
        ),
        (&["--env=dev", "--image=web:1"], "holds a tag"),
        (&[], "--env is missing"),
    ] {
        bench
            .bump(&[&["--app=web", "--resolve"], more].concat())
            .exits(2)
            .says(says);
    }
    bench
        .bump(&["--app=web", "--env=qa", "--resolve"])
        .exits(3)
        .says("no environment `qa`");
    assert!(registry.seen().is_empty());
}
