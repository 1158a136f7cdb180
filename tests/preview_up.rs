//! What a pull request gets as long as it is open: `preview up`.

use crate::support::previews::{Deed, Previews};
use crate::support::stage::Forge;
use serde_json::json;

const FILES: [(&str, &str); 4] = [
    ("base/web.yaml", "kind: Deployment\n"),
    (
        "previews/_template/kustomization.yaml",
        "namePrefix: {slug}-\nresources: [../../base]\nimages:\n- name: web\n  newTag: \"{tag}\" # {other}\n",
    ),
    (
        "previews/_template/{app}-ingress.yaml",
        "host: {host}\nurl: {url}\nnote: \"{branch} at {sha}, {pr}\"\nhelm: \"{{ .Values.slug }} ${slug}\"\n",
    ),
    ("previews/README.md", "One folder a pull request.\n"),
];

/// The flags of a preview with a folder.
fn flags<'a>(event: &'a str, tag: &'a str) -> Vec<&'a str> {
    vec![
        "--from-event",
        event,
        "--domain",
        "preview.example.com",
        "--template",
        "previews/_template",
        "--folder",
        "previews/{slug}",
        "--app",
        "web",
        "--tag",
        tag,
    ]
}

/// What the template comes to.
fn made(previews: &Previews, branch: &str, slug: &str, number: u64, tag: &str) -> Vec<(String, String)> {
    let sha = previews.tip(branch);
    vec![
        (
            format!("previews/{slug}/kustomization.yaml"),
            format!(
                "namePrefix: {slug}-\nresources: [../../base]\nimages:\n- name: web\n  newTag: \"{tag}\" # {{other}}\n"
            ),
        ),
        (
            format!("previews/{slug}/web-ingress.yaml"),
            format!(
                "host: {slug}.preview.example.com\nurl: https://{slug}.preview.example.com\nnote: \"{branch} at {sha}, \
                 {number}\"\nhelm: \"{{{{ .Values.slug }}}} ${{slug}}\"\n"
            ),
        ),
    ]
}

/// The whole tree with more files in it.
fn with(more: Vec<(String, String)>) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = FILES
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()))
        .collect();
    all.extend(more);
    all.sort();
    all
}

#[test]
fn a_pull_request_gets_a_folder_and_a_deployment_once_and_a_new_tag_changes_one_file() {
    for previews in Previews::all(&FILES) {
        let name = previews.name();
        let number = previews.opens("Feature/A_b");
        let event = previews.event(number, "Feature/A_b", true, &["preview"]);
        let run = previews.run("up", &flags(&event, "0192118")).exits(0);
        let json = run.json();
        assert_eq!(
            (&json["operation"], &json["changed"], &json["new"]),
            (&json!("created"), &json!(true), &json!("feature-a-b")),
            "{name}: {json}"
        );
        assert_eq!(
            (&json["env"], &json["environment_url"]),
            (
                &json!("preview/feature-a-b"),
                &json!("https://feature-a-b.preview.example.com")
            ),
            "{name}"
        );
        assert!(
            json["deployment_id"].is_u64() && json["commit"].is_string(),
            "{name}: {json}"
        );
        assert_eq!(
            previews.tree(),
            with(made(&previews, "Feature/A_b", "feature-a-b", number, "0192118")),
            "{name}"
        );
        let states = previews.states();
        let due = match previews.stage.forge {
            Forge::Hub(_) => "preview/feature-a-b: in_progress",
            Forge::Lab(_) => "preview/feature-a-b available: running",
        };
        assert_eq!(states, [due], "{name}");
        let subject = previews.stage.messages("main")[0]
            .lines()
            .next()
            .unwrap()
            .to_owned();
        assert_eq!(
            subject,
            format!("preview(feature-a-b): up, for pull request {number} of acme/web")
        );

        previews.stage.forget_calls();
        let json = previews.run("up", &flags(&event, "0192118")).exits(0).json();
        assert_eq!(
            (&json["operation"], &json["changed"]),
            (&json!("unchanged"), &json!(false)),
            "{name}: {json}"
        );
        assert!(previews.writes().is_empty(), "{name}: {:?}", previews.writes());

        let json = previews.run("up", &flags(&event, "v2")).exits(0).json();
        assert_eq!(
            (&json["operation"], &json["files"]),
            (
                &json!("updated"),
                &json!(["previews/feature-a-b/kustomization.yaml"])
            ),
            "{name}"
        );
        assert_eq!(
            previews.tree(),
            with(made(&previews, "Feature/A_b", "feature-a-b", number, "v2")),
            "{name}"
        );
        assert_eq!(previews.states(), states, "{name}");
    }
}

#[test]
fn without_a_folder_the_deployment_is_all_there_is() {
    for previews in Previews::both(&FILES) {
        let number = previews.opens("feature/a");
        let event = previews.event(number, "feature/a", true, &["preview"]);
        let up = [
            "--from-event",
            &event,
            "--domain",
            "p.example",
            "--env",
            "{slug}/review",
            "--state",
            "success",
        ];
        let json = previews.run("up", &up).exits(0).json();
        assert_eq!(
            (&json["operation"], &json["commit"]),
            (&json!("created"), &json!(null)),
            "{json}"
        );
        assert_eq!(previews.tree(), with(vec![]));
        match &previews.stage.forge {
            Forge::Hub(hub) => {
                let made = &hub.deployments("acme/web")[0];
                assert_eq!(made["transient_environment"], json!(true));
                assert_eq!(made["sha"], json!(previews.tip("feature/a")));
                let status = &made["statuses"][0];
                assert_eq!(
                    (&status["state"], &status["environment_url"]),
                    (&json!("success"), &json!("https://feature-a.p.example"))
                );
            }
            Forge::Lab(lab) => {
                let environment = &lab.environments("acme/web")[0];
                assert_eq!(
                    (&environment["name"], &environment["external_url"]),
                    (&json!("feature-a/review"), &json!("https://feature-a.p.example"))
                );
            }
        }
        previews.stage.forget_calls();
        previews.run("up", &up).exits(0);
        assert!(previews.writes().is_empty());
    }
}

#[test]
fn a_newer_commit_supersedes_the_deployment_of_the_older_one() {
    for previews in Previews::both(&FILES) {
        let number = previews.opens("feature/a");
        let old = previews.event(number, "feature/a", true, &["preview"]);
        let body = std::fs::read_to_string(&old).unwrap();
        previews.run("up", &["--from-event", &old]).exits(0);
        previews.commits("feature/a");
        let new = previews.event(number, "feature/a", true, &["preview"]);
        previews.run("up", &["--from-event", &new]).exits(0);
        let due = match previews.stage.forge {
            Forge::Hub(_) => vec![
                "preview/feature-a: in_progress inactive",
                "preview/feature-a: in_progress",
            ],
            Forge::Lab(_) => vec!["preview/feature-a available: running running"],
        };
        assert_eq!(previews.states(), due);
        // The older run ends late, and leaves the newer one alone.
        let late = previews.stage.bench.write_beside("late.json", &body);
        let json = previews.run("up", &flags(&late, "v1")).exits(0).json();
        assert_eq!(json["operation"], json!("superseded"), "{json}");
        assert_eq!(
            (previews.tree(), previews.states()),
            (with(vec![]), due.iter().map(ToString::to_string).collect())
        );
    }
}

#[test]
fn what_somebody_reported_meanwhile_stays() {
    let previews = Previews::github(&FILES);
    let number = previews.opens("feature/a");
    let event = previews.event(number, "feature/a", true, &["preview"]);
    let up = ["--from-event", event.as_str(), "--domain", "p.example"];
    previews.run("up", &up).exits(0);
    let id = previews.run("up", &up).exits(0).json()["deployment_id"].to_string();
    let done = [
        "deployment-status",
        "--repo",
        "github:acme/web",
        "--deployment-id",
        &id,
        "--state",
        "success",
        "--environment-url",
        "https://feature-a.p.example",
    ];
    let Forge::Hub(hub) = &previews.stage.forge else {
        unreachable!()
    };
    let run = |arguments: &[&str]| {
        let mut command = previews.stage.bench.command();
        command
            .args(arguments)
            .env("GITOPS_STEPS_API_URL", hub.api_url())
            .env("GITOPS_STEPS_TOKEN", crate::support::stage::TOKEN);
        crate::support::cli::Run::from(command.output().unwrap()).exits(0);
    };
    run(&done);
    previews.run("up", &up).exits(0);
    assert_eq!(previews.states(), ["preview/feature-a: in_progress success"]);
    // With another address the state is told again.
    previews
        .run("up", &["--from-event", &event, "--domain", "q.example"])
        .exits(0);
    assert_eq!(
        previews.states(),
        ["preview/feature-a: in_progress success success"]
    );
}

#[test]
fn nothing_is_made_for_a_pull_request_that_went_while_it_was_planned() {
    for previews in Previews::all(&FILES) {
        for (deed, reason) in [
            (Deed::Close, "is not open"),
            (Deed::Unlabel, "does not carry the label"),
        ] {
            let branch = format!("feature/{deed:?}");
            let number = previews.opens(&branch);
            let event = previews.event(number, &branch, true, &["preview"]);
            previews.before_second_look(number, deed);
            previews.stage.forget_calls();
            let json = previews.run("up", &flags(&event, "v1")).exits(0).json();
            assert_eq!(
                (&json["operation"], &json["changed"]),
                (&json!("skipped"), &json!(false)),
                "{}: {json}",
                previews.name()
            );
            assert!(json["reason"].as_str().unwrap().contains(reason), "{json}");
            assert_eq!(json["environment_url"], json!(null), "{json}");
            assert!(previews.writes().is_empty(), "{:?}", previews.writes());
        }
        assert_eq!(
            (previews.tree(), previews.states()),
            (with(vec![]), vec![]),
            "{}",
            previews.name()
        );
    }
}

#[test]
fn a_lost_race_asks_again_before_the_next_attempt() {
    let previews = Previews::github(&FILES);
    let number = previews.opens("feature/a");
    let event = previews.event(number, "feature/a", true, &["preview"]);
    let Forge::Hub(hub) = &previews.stage.forge else {
        unreachable!()
    };
    hub.before_next("createCommitOnBranch", move |hub| {
        hub.person_commits("acme/deploy", "main", "other", "1");
        hub.close("acme/web", number, "ann");
    });
    let json = previews.run("up", &flags(&event, "v1")).exits(0).json();
    assert_eq!(
        (&json["operation"], &json["attempts"]),
        (&json!("skipped"), &json!(2)),
        "{json}"
    );
    assert!(
        previews
            .tree()
            .iter()
            .all(|(path, _)| !path.starts_with("previews/feature-a"))
    );
    assert!(previews.states().is_empty());
}

#[test]
fn what_goes_during_the_push_gets_no_deployment_and_says_so() {
    let previews = Previews::github(&FILES);
    let number = previews.opens("feature/a");
    let event = previews.event(number, "feature/a", true, &["preview"]);
    let Forge::Hub(hub) = &previews.stage.forge else {
        unreachable!()
    };
    hub.before_next("createCommitOnBranch", move |hub| {
        hub.close("acme/web", number, "ann");
    });
    let run = previews.run("up", &flags(&event, "v1")).exits(0);
    assert!(
        run.json()["warnings"][0]
            .as_str()
            .unwrap()
            .contains("preview down"),
        "{}",
        run.stdout
    );
    assert!(previews.states().is_empty());
}

#[test]
fn an_event_without_a_preview_is_skipped_without_a_question() {
    for previews in Previews::both(&FILES) {
        let number = previews.opens("feature/a");
        let mut fork = previews.body(
            number,
            "feature/a",
            &previews.tip("feature/a"),
            true,
            &["preview"],
        );
        for at in [
            "/pull_request/head/repo/full_name",
            "/object_attributes/source_project_id",
        ] {
            if let Some(place) = fork.pointer_mut(at) {
                *place = if place.is_string() {
                    json!("eve/web")
                } else {
                    json!(999)
                };
            }
        }
        previews.stage.forget_calls();
        let tip = previews.tip("feature/a");
        let body = |open, labels: &[&str]| previews.body(number, "feature/a", &tip, open, labels);
        for (body, reason) in [
            (body(false, &["preview"]), "is closed"),
            (body(true, &["bug"]), "does not carry the label `preview`"),
            (fork, "comes from a fork, which has no rights here"),
        ] {
            let event = previews.event_of(&body);
            let json = previews.run("up", &flags(&event, "v1")).exits(0).json();
            assert_eq!(
                (&json["operation"], &json["changed"]),
                (&json!("skipped"), &json!(false)),
                "{json}"
            );
            assert!(json["reason"].as_str().unwrap().contains(reason), "{json}");
        }
        assert!(previews.stage.calls().is_empty(), "{:?}", previews.stage.calls());
        previews.comes_from_fork(number);
        let json = previews.run("up", &["--pr", &number.to_string()]).exits(0).json();
        assert!(json["reason"].as_str().unwrap().contains("fork"), "{json}");
    }
}

#[test]
fn any_label_will_do_where_that_is_said() {
    let previews = Previews::github(&FILES);
    let number = previews.opens("feature/a");
    previews.labels(number, &[]);
    previews.run("up", &["--ref", "feature/a"]).exits(0);
    assert!(previews.states().is_empty());
    previews
        .run("up", &["--ref", "feature/a", "--label", "*"])
        .exits(0);
    previews
        .run("up", &["--ref", "feature/a", "--label", ""])
        .exits(0);
    assert_eq!(previews.states(), ["preview/feature-a: in_progress"]);
}

#[test]
fn a_dry_run_shows_the_folder_and_writes_nothing() {
    for previews in Previews::both(&FILES) {
        let number = previews.opens("feature/a");
        let event = previews.event(number, "feature/a", true, &["preview"]);
        let mut arguments = flags(&event, "v1");
        arguments.push("--dry-run");
        previews.stage.forget_calls();
        let run = previews.run("up", &arguments).exits(0);
        assert!(
            run.json()["diff"]
                .as_str()
                .unwrap()
                .contains("+host: feature-a.preview.example.com"),
            "{}",
            run.stdout
        );
        assert!(
            run.stderr.contains("dry run: would create a deployment"),
            "{}",
            run.stderr
        );
        assert!(previews.writes().is_empty());
        assert_eq!((previews.tree(), previews.states()), (with(vec![]), vec![]));
    }
}

#[test]
fn two_pull_requests_of_one_slug_are_told_or_told_apart() {
    let previews = Previews::github(&FILES);
    for branch in ["feature/a", "feature_a"] {
        previews.opens(branch);
    }
    let up = |branch: &str, more: &[&str]| {
        let arguments = [&["--ref", branch], more].concat();
        previews.run("up", &arguments).exits(0).json()
    };
    let told = up("feature_a", &["--dry-run"]);
    assert!(
        told["warnings"][0]
            .as_str()
            .unwrap()
            .contains("too, of pull request 1"),
        "{told}"
    );
    assert_eq!(
        up("feature/a", &["--suffix-on-collision"])["new"],
        json!("feature-a")
    );
    let apart = up("feature_a", &["--suffix-on-collision"])["new"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(apart.starts_with("feature-a-"), "{apart}");
    assert_eq!(
        previews.states(),
        [
            "preview/feature-a: in_progress".to_owned(),
            format!("preview/{apart}: in_progress")
        ]
    );
}

#[test]
fn a_hostile_branch_cannot_write_more_than_its_name() {
    let files = [
        (
            "previews/_template/a.yaml",
            "branch: \"{branch}\"\ntag: \"{tag}\"\n",
        ),
        ("b.yaml", "a: 1\n"),
    ];
    for branch in [
        "a\",\"x",
        "feature/$(id)",
        "a`id`",
        "a'b",
        "a#b{url}",
        "é/x",
        "a&b;c",
    ] {
        let previews = Previews::github(&files);
        previews.opens(branch);
        let before = previews.tree();
        let arguments = [
            "--ref",
            branch,
            "--tag",
            "v1",
            "--template",
            "previews/_template",
            "--folder",
            "previews/{slug}",
        ];
        let run = previews.run("up", &arguments);
        if run.code == 0 {
            let tree = previews.tree();
            let new: Vec<_> = tree.iter().filter(|file| !before.contains(file)).collect();
            assert_eq!(new.len(), 1, "{branch}");
            assert_eq!(new[0].1, format!("branch: \"{branch}\"\ntag: \"v1\"\n"));
        } else {
            assert_eq!(run.code, 2, "{branch}: {}", run.stderr);
            assert_eq!(previews.tree(), before);
            assert!(previews.states().is_empty(), "{branch}");
        }
    }
}

#[test]
fn a_template_that_would_mean_something_else_is_refused_with_its_line() {
    for (file, text, tag, code, says) in [
        (
            "a.yaml",
            "images:\n- newTag: {tag}\n",
            "0192118",
            2,
            "previews/_template/a.yaml:2:11",
        ),
        ("a.yaml", "images:\n- newTag: {tag}\n", "v1", 0, ""),
        ("{nobody}.yaml", "a: 1\n", "v1", 2, "unknown name `{nobody}`"),
        ("a.yaml", "image: {image}\n", "v1", 2, "give --tag, --image"),
        ("{branch}.yaml", "a: 1\n", "v1", 2, "holds `/`"),
    ] {
        let path = format!("previews/_template/{file}");
        let previews = Previews::github(&[(path.as_str(), text)]);
        previews.opens("feature/a");
        let arguments = [
            "--ref",
            "feature/a",
            "--tag",
            tag,
            "--template",
            "previews/_template",
            "--folder",
            "previews/{slug}",
        ];
        let run = previews.run("up", &arguments).exits(code);
        assert!(run.stderr.contains(says), "{says}: {}", run.stderr);
        assert_eq!(previews.states().len(), usize::from(code == 0));
    }
}

#[test]
fn wrong_flags_are_told_before_anything_is_asked() {
    let previews = Previews::github(&FILES);
    let number = previews.opens("feature/a").to_string();
    previews.stage.forget_calls();
    let template = ["--pr", &number, "--template", "previews/_template"];
    let cases: [(&[&str], &str); 9] = [
        (&[], "give --pr or --ref, or --from-event"),
        (&template, "--folder"),
        (&["--pr", &number, "--env", "preview"], "needs {slug} once"),
        (
            &["--pr", &number, "--folder", "{slug}", "--template", "x"],
            "every folder of the config repo",
        ),
        (&["--pr", &number, "--domain", "a_b"], ""),
        (&["--pr", &number, "--max", "0"], "no length of a slug"),
        (&["--pr", &number, "--sha", "abc"], "--sha"),
        (
            &["--pr", &number, "--tag", "v1", "--image", "web:v2"],
            "say it once",
        ),
        (&["--ref", "a b"], "is not a branch name"),
    ];
    for (arguments, says) in cases {
        let run = previews.run("up", arguments).exits(2);
        assert!(run.stderr.contains(says), "{says}: {}", run.stderr);
    }
    let inside = [
        "--pr",
        &number,
        "--template",
        "previews",
        "--folder",
        "previews/{slug}",
    ];
    previews.run("up", &inside).exits(2).says("in their own template");
    let named = [
        "--pr",
        &number,
        "--template",
        "previews/template",
        "--folder",
        "previews/{slug}",
    ];
    previews.run("up", &named).exits(2).says("a name that is no slug");
    let missing = [
        "--pr",
        &number,
        "--template",
        "nowhere",
        "--folder",
        "previews/{slug}",
    ];
    previews
        .run("up", &missing)
        .exits(3)
        .says("there is no folder `nowhere`");
    assert!(previews.writes().is_empty());
}
