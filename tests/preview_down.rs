//! What goes with a pull request, and what is left over: `preview down` and `preview gc`.

use crate::support::previews::{APP, Previews};
use crate::support::stage::Forge;
use serde_json::json;

const FILES: [(&str, &str); 3] = [
    ("base/web.yaml", "kind: Deployment\n"),
    ("previews/_template/a.yaml", "name: {slug}\n"),
    ("previews/README.md", "One folder a pull request.\n"),
];
const FOLDER: [&str; 2] = ["--folder", "previews/{slug}"];

/// Brings up the preview of a branch, folder and deployment.
fn up(previews: &Previews, branch: &str) {
    let arguments = [
        "--ref",
        branch,
        "--template",
        "previews/_template",
        "--folder",
        "previews/{slug}",
    ];
    let json = previews.run("up", &arguments).exits(0).json();
    assert_eq!(json["operation"], json!("created"), "{json}");
}

fn paths(previews: &Previews) -> Vec<String> {
    previews.tree().into_iter().map(|(path, _)| path).collect()
}

fn plain() -> Vec<String> {
    let mut all: Vec<String> = FILES.iter().map(|(path, _)| (*path).to_owned()).collect();
    all.sort();
    all
}

/// What stands: the environments whose last word is not that of an end.
fn standing(previews: &Previews) -> Vec<String> {
    let mut all = previews.states();
    all.retain(|state| !state.ends_with("inactive") && !state.contains(" stopped:"));
    all.iter()
        .map(|state| state.split([':', ' ']).next().unwrap().to_owned())
        .collect()
}

#[test]
fn a_closed_pull_request_takes_its_preview_with_it_once() {
    for previews in Previews::all(&FILES) {
        let name = previews.name();
        let number = previews.opens("Feature/A_b");
        previews.opens("other");
        up(&previews, "Feature/A_b");
        up(&previews, "other");
        previews.close(number);
        let event = previews.event(number, "Feature/A_b", false, &["preview"]);
        let down = [&["--from-event", event.as_str()], &FOLDER[..]].concat();
        let dry = previews
            .run("down", &[&down[..], &["--dry-run"]].concat())
            .exits(0);
        assert!(
            dry.stderr.contains("would remove") && dry.stderr.contains("would end"),
            "{name}: {}",
            dry.stderr
        );
        assert_eq!(standing(&previews).len(), 2, "{name}");

        let json = previews.run("down", &down).exits(0).json();
        assert_eq!(
            (&json["changed"], &json["old"], &json["files"]),
            (
                &json!(true),
                &json!("feature-a-b"),
                &json!(["previews/feature-a-b/a.yaml"])
            ),
            "{name}: {json}"
        );
        let mut left = plain();
        left.push("previews/other/a.yaml".to_owned());
        left.sort();
        assert_eq!(
            (paths(&previews), standing(&previews)),
            (left, vec!["preview/other".to_owned()]),
            "{name}"
        );

        previews.stage.forget_calls();
        let json = previews.run("down", &down).exits(0).json();
        assert_eq!(
            (&json["operation"], &json["changed"]),
            (&json!("unchanged"), &json!(false)),
            "{name}: {json}"
        );
        assert!(
            json["reason"].as_str().unwrap().contains("there is no preview"),
            "{json}"
        );
        assert!(previews.writes().is_empty(), "{name}: {:?}", previews.writes());
    }
}

#[test]
fn what_was_never_there_is_fine() {
    for previews in Previews::both(&FILES) {
        for arguments in [
            &["--ref", "never"][..],
            &["--ref", "never", "--folder", "previews/{slug}"],
            &["--pr", "99"],
            &["--ref", "🚀"],
        ] {
            let json = previews.run("down", arguments).exits(0).json();
            assert_eq!(json["changed"], json!(false), "{json}");
        }
        assert_eq!(paths(&previews), plain());
    }
}

#[test]
fn taking_the_label_away_is_the_end_too_and_putting_it_back_a_new_beginning() {
    for previews in Previews::both(&FILES) {
        let number = previews.opens("feature/a");
        up(&previews, "feature/a");
        previews.labels(number, &["bug"]);
        let event = previews.event(number, "feature/a", true, &["bug"]);
        let down = [&["--from-event", event.as_str()], &FOLDER[..]].concat();
        previews.run("down", &down).exits(0);
        assert_eq!((paths(&previews), standing(&previews).len()), (plain(), 0));
        previews.labels(number, &["preview"]);
        let again = [
            "--ref",
            "feature/a",
            "--template",
            "previews/_template",
            "--folder",
            "previews/{slug}",
        ];
        previews.run("up", &again).exits(0);
        assert_eq!(paths(&previews).len(), plain().len() + 1);
        if matches!(previews.stage.forge, Forge::Hub(_)) {
            assert_eq!(
                previews.states(),
                [
                    "preview/feature-a: in_progress inactive",
                    "preview/feature-a: in_progress"
                ]
            );
        }
    }
}

#[test]
fn an_event_that_comes_after_it_was_opened_again_tears_down_nothing() {
    for previews in Previews::both(&FILES) {
        let number = previews.opens("feature/a");
        up(&previews, "feature/a");
        let before = (previews.tree(), previews.states());
        for (open, labels) in [(false, &["preview"][..]), (true, &["bug"]), (true, &["preview"])] {
            let event = previews.event(number, "feature/a", open, labels);
            let json = previews
                .run("down", &[&["--from-event", event.as_str()], &FOLDER[..]].concat())
                .exits(0)
                .json();
            assert_eq!(
                (&json["operation"], &json["changed"]),
                (&json!("skipped"), &json!(false)),
                "{json}"
            );
        }
        assert_eq!((previews.tree(), previews.states()), before);
        // By hand it goes all the same.
        previews
            .run("down", &[&["--pr", &number.to_string()], &FOLDER[..]].concat())
            .exits(0);
        assert_eq!((paths(&previews), standing(&previews).len()), (plain(), 0));
    }
}

#[test]
fn a_branch_that_was_proposed_anew_keeps_its_preview() {
    for previews in Previews::both(&FILES) {
        let old = previews.opens("feature/a");
        up(&previews, "feature/a");
        previews.close(old);
        previews.opens_again("feature/a");
        let before = (previews.tree(), previews.states());
        let event = previews.event(old, "feature/a", false, &["preview"]);
        let json = previews
            .run("down", &[&["--from-event", event.as_str()], &FOLDER[..]].concat())
            .exits(0)
            .json();
        assert!(
            json["reason"]
                .as_str()
                .unwrap()
                .contains("of the open pull request 2"),
            "{json}"
        );
        assert_eq!((previews.tree(), previews.states()), before);
    }
}

#[test]
fn what_another_pull_request_has_by_the_same_slug_stays() {
    let previews = Previews::github(&FILES);
    let first = previews.opens("feature/a");
    previews.opens("feature_a");
    up(&previews, "feature/a");
    previews.close(first);
    let run = previews
        .run("down", &[&["--ref", "feature/a"], &FOLDER[..]].concat())
        .exits(0);
    assert!(
        run.json()["warnings"][0]
            .as_str()
            .unwrap()
            .contains("`feature-a` stays"),
        "{}",
        run.stdout
    );
    assert_eq!(
        (paths(&previews).len(), standing(&previews).len()),
        (plain().len() + 1, 1)
    );
}

#[test]
fn a_forks_end_asks_for_no_rights() {
    for previews in Previews::both(&FILES) {
        let number = previews.opens("feature/a");
        let mut body = previews.body(
            number,
            "feature/a",
            &previews.tip("feature/a"),
            false,
            &["preview"],
        );
        for at in ["/pull_request/head/repo", "/object_attributes/source_project_id"] {
            if let Some(place) = body.pointer_mut(at) {
                *place = if place.is_object() {
                    json!(null)
                } else {
                    json!(999)
                };
            }
        }
        let event = previews.event_of(&body);
        previews.stage.forget_calls();
        let json = previews.run("down", &["--from-event", &event]).exits(0).json();
        assert!(
            json["reason"].as_str().unwrap().contains("comes from a fork"),
            "{json}"
        );
        assert!(previews.stage.calls().is_empty());
    }
}

#[test]
fn what_no_open_pull_request_has_goes_in_one_commit() {
    for previews in Previews::all(&FILES) {
        let name = previews.name();
        let mut numbers = Vec::new();
        for branch in ["closed", "Un/labelled", "open"] {
            numbers.push(previews.opens(branch));
            up(&previews, branch);
        }
        previews
            .stage
            .person_commits("main", "previews/by-hand/deep/x.yaml", "a: 1\n");
        previews.close(numbers[0]);
        previews.labels(numbers[1], &["bug"]);
        let commits = previews.stage.messages("main").len();
        let before = (previews.tree(), previews.states());
        let dry = previews
            .run("gc", &[&FOLDER[..], &["--dry-run"]].concat())
            .exits(0)
            .json();
        assert_eq!(
            dry["files"],
            json!([
                "previews/by-hand/deep/x.yaml",
                "previews/closed/a.yaml",
                "previews/un-labelled/a.yaml"
            ]),
            "{name}: {dry}"
        );
        assert_eq!((previews.tree(), previews.states()), before, "{name}");

        let json = previews.run("gc", &FOLDER).exits(0).json();
        assert_eq!(
            (&json["changed"], &json["files"]),
            (&json!(true), &dry["files"]),
            "{name}: {json}"
        );
        assert_eq!(json["old"], json!("by-hand, closed, un-labelled"), "{name}");
        let mut left = plain();
        left.push("previews/open/a.yaml".to_owned());
        left.sort();
        assert_eq!(
            (paths(&previews), standing(&previews)),
            (left, vec!["preview/open".to_owned()]),
            "{name}"
        );
        assert_eq!(previews.stage.messages("main").len(), commits + 1, "{name}");

        previews.stage.forget_calls();
        let json = previews.run("gc", &FOLDER).exits(0).json();
        assert_eq!(
            (&json["operation"], &json["reason"]),
            (&json!("unchanged"), &json!("nothing is left over")),
            "{name}: {json}"
        );
        assert!(previews.writes().is_empty(), "{name}: {:?}", previews.writes());
    }
}

#[test]
fn what_nobody_touched_for_long_goes_although_its_pull_request_is_open() {
    for previews in Previews::all(&FILES) {
        let name = previews.name();
        previews.opens("old");
        previews.hours_ago(2);
        previews
            .stage
            .person_commits("main", "previews/old/deep/a.yaml", "name: old\n");
        previews.run("up", &["--ref", "old"]).exits(0);
        previews.hours_ago(0);
        previews
            .stage
            .person_commits("main", "previews/README.md", "Newer than any preview.\n");
        let gc = |ttl: &str| {
            let json = previews.run("gc", &[&FOLDER[..], &["--ttl", ttl]].concat());
            json.exits(0).json()
        };
        assert_eq!(gc("3h")["changed"], json!(false), "{name}");
        assert_eq!(standing(&previews), ["preview/old"], "{name}");
        let json = gc("1h");
        assert_eq!(
            json["files"],
            json!(["previews/old/deep/a.yaml"]),
            "{name}: {json}"
        );
        assert_eq!(
            (paths(&previews), standing(&previews).len()),
            (plain(), 0),
            "{name}"
        );
    }
}

#[test]
fn a_folder_that_the_policy_deploys_to_and_a_template_are_no_previews() {
    let policy = "version: 1\napps:\n  web:\n    image: acme/web\n    environments:\n      dev: {auto-deploy: on, targets: [{file: apps/web/dev.yaml}]}\n";
    let previews = Previews::github(&[
        (".gitops-steps.yaml", policy),
        ("apps/web/dev.yaml", "image: acme/web:v1\n"),
        ("apps/template/a.yaml", "name: {slug}\n"),
        ("apps/left-over/a.yaml", "name: left-over\nshell: ${slug}\n"),
        ("apps/A/a.yaml", "a: 1\n"),
    ]);
    let run = previews.run("gc", &["--folder", "apps/{slug}"]).exits(0);
    let json = run.json();
    assert_eq!(json["files"], json!(["apps/left-over/a.yaml"]));
    let warnings = json["warnings"].to_string();
    assert!(
        warnings.contains("`apps/web/dev.yaml` stays") && warnings.contains("`apps/template/a.yaml` stays"),
        "{warnings}"
    );
    previews
        .run("gc", &["--folder", "{slug}"])
        .exits(2)
        .says("every folder of the config repo");
    let down = previews
        .run("down", &["--ref", "web", "--folder", "apps/{slug}"])
        .exits(0);
    assert!(
        down.stderr.contains("`apps/web/dev.yaml` stays"),
        "{}",
        down.stderr
    );
    assert_eq!(previews.tree().len(), 4);
}

#[test]
fn a_preview_that_comes_up_meanwhile_is_not_taken_for_left_over() {
    let previews = Previews::github(&FILES);
    let gone = previews.opens("gone");
    up(&previews, "gone");
    previews.close(gone);
    let number = previews.opens("new");
    previews.close(number);
    let Forge::Hub(hub) = &previews.stage.forge else {
        unreachable!()
    };
    // While the commit is on its way, the pull request is opened again and its folder pushed.
    hub.before_next("createCommitOnBranch", move |hub| {
        hub.reopen(APP, number);
        hub.person_commits("acme/deploy", "main", "previews/new/a.yaml", "name: new\n");
    });
    let json = previews.run("gc", &FOLDER).exits(0).json();
    assert_eq!(
        (&json["attempts"], &json["files"]),
        (&json!(2), &json!(["previews/gone/a.yaml"])),
        "{json}"
    );
    let kept = paths(&previews);
    assert!(kept.contains(&"previews/new/a.yaml".to_owned()), "{kept:?}");
}

#[test]
fn a_pull_request_that_is_opened_again_meanwhile_keeps_its_folder() {
    let previews = Previews::github(&FILES);
    let number = previews.opens("feature/a");
    up(&previews, "feature/a");
    previews.close(number);
    let event = previews.event(number, "feature/a", false, &["preview"]);
    let before = (previews.tree(), previews.states());
    let Forge::Hub(hub) = &previews.stage.forge else {
        unreachable!()
    };
    let listed = "GET /repos/acme/web/pulls?state=open";
    hub.before_next(listed, move |hub| {
        hub.before_next(listed, move |hub| hub.reopen(APP, number));
    });
    let json = previews
        .run("down", &[&["--from-event", event.as_str()], &FOLDER[..]].concat())
        .exits(0)
        .json();
    assert_eq!(json["operation"], json!("skipped"), "{json}");
    assert_eq!((previews.tree(), previews.states()), before);
}

#[test]
fn a_right_that_is_missing_is_named() {
    use crate::support::github::Grant;
    let previews = Previews::github(&FILES);
    let number = previews.opens("feature/a");
    let Forge::Hub(hub) = &previews.stage.forge else {
        unreachable!()
    };
    hub.settings(APP, |settings| settings.private = true);
    hub.token(
        "weak-s3cret",
        Grant::workflow(APP).only(&["pull_requests=read", "deployments=read"]),
    );
    let mut command = previews.stage.bench.command();
    command
        .args([
            "preview",
            "up",
            "--repo",
            "github:acme/web",
            "--pr",
            &number.to_string(),
        ])
        .env("GITOPS_STEPS_API_URL", hub.api_url())
        .env("GITOPS_STEPS_TOKEN", "weak-s3cret");
    let run = crate::support::cli::Run::from(command.output().unwrap()).exits(5);
    assert!(run.stderr.contains("deployments"), "{}", run.stderr);
}
