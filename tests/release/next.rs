//! Which version comes next.

use super::app::App;
use crate::support::cli::{Run, text};
use crate::support::git_server::{GitServer, Options, git_says};

#[test]
fn the_next_version_follows_the_commits() {
    for (last, messages, flags, next) in [
        ("v1.2.3", &["fix: a"][..], &[][..], "1.2.4"),
        ("v1.2.3", &["feat: a", "fix: b"], &[], "1.3.0"),
        ("v1.2.3", &["perf: a"], &[], "1.2.4"),
        ("v1.2.3", &["feat(api)!: a", "fix: b"], &[], "2.0.0"),
        ("v1.2.3", &["fix: a\n\nBREAKING CHANGE: b"], &[], "2.0.0"),
        ("v1.2.3", &["chore: a", "docs: b", "hello"], &[], "1.2.3"),
        ("v1.2.3", &["chore: a"], &["--default-bump", "patch"], "1.2.4"),
        ("v1.2.3", &["chore: a"], &["--default-bump", "minor"], "1.3.0"),
        ("v1.2.3", &["fix: a"], &["--bump", "major"], "2.0.0"),
        ("v1.2.3", &[], &["--bump", "minor"], "1.2.3"),
        ("v0.4.1", &["feat!: a"], &[], "0.5.0"),
        ("v0.4.1", &["feat!: a"], &["--major-on-zero"], "1.0.0"),
        ("v0.4.1", &["feat!: a"], &["--bump", "major"], "1.0.0"),
        ("v0.4.1", &["feat: a"], &[], "0.5.0"),
        ("v0.4.1", &["fix: a"], &[], "0.4.2"),
        ("1.2.3", &["fix: a"], &[], "1.2.4"),
    ] {
        let app = App::tagged(last);
        for message in messages {
            app.commit(message);
        }
        assert_eq!(app.next(flags), next, "{last} {messages:?} {flags:?}");
    }
}

#[test]
fn nothing_to_release_is_no_failure() {
    let app = App::tagged("v1.2.3");
    app.commit("chore: tidy");
    let run = app
        .run(&["next", "--format", "json"])
        .exits(0)
        .says("no feature, fix or breaking change");
    let told = run.json();
    assert_eq!(
        (&told["changed"], &told["operation"], &told["new"], &told["old"]),
        (
            &false.into(),
            &"unchanged".into(),
            &"1.2.3".into(),
            &"1.2.3".into()
        )
    );
}

#[test]
fn the_result_says_what_comes_and_why() {
    let app = App::tagged("v1.2.3");
    app.commit("fix: mend");
    let feature = app.commit("feat: add");
    let told = app.run(&["next", "--format", "json"]).exits(0).json();
    assert_eq!(
        (&told["old"], &told["new"], &told["commit"], &told["changed"]),
        (
            &"1.2.3".into(),
            &"1.3.0".into(),
            &feature.clone().into(),
            &true.into()
        )
    );
    let release = &told["release"];
    assert_eq!(
        (
            &release["tag"],
            &release["previous_tag"],
            &release["bump"],
            &release["commits"]
        ),
        (&"v1.3.0".into(), &"v1.2.3".into(), &"minor".into(), &2.into())
    );
    assert_eq!(release["why"], format!("{} is a feature: add", &feature[..10]));
    assert!(
        release["notes"]
            .as_str()
            .unwrap()
            .starts_with("### Features\n\n- add (`"),
        "{release}"
    );
}

#[test]
fn nothing_is_touched() {
    let app = App::tagged("v1.2.3");
    app.commit("fix: a");
    let before = app.bench.state();
    assert_eq!(app.next(&[]), "1.2.4");
    assert_eq!(app.bench.state(), before);
}

#[test]
fn without_a_tag_the_first_version_is_the_initial_one() {
    let app = App::new();
    assert_eq!(app.next(&[]), "0.1.0");
    assert_eq!(app.next(&["--initial", "1.0.0"]), "1.0.0");
    assert_eq!(app.next(&["--channel", "rc"]), "0.1.0-rc.1");
    app.run(&["next", "--initial", "1.0"]).exits(2).says("--initial");
    let told = app.run(&["next", "--format", "json"]).json();
    assert_eq!(
        (&told["release"]["bump"], &told["release"]["tag"]),
        (&"first".into(), &"v0.1.0".into())
    );
}

#[test]
fn a_channel_counts_and_a_release_takes_what_it_leads_to() {
    let app = App::tagged("v1.2.3");
    app.commit("feat: a");
    assert_eq!(app.next(&["--channel", "rc"]), "1.3.0-rc.1");
    app.tag("v1.3.0-rc.1");
    assert_eq!(app.next(&["--channel", "rc"]), "1.3.0-rc.1");
    app.commit("docs: b");
    assert_eq!(app.next(&["--channel", "rc"]), "1.3.0-rc.1");
    app.commit("fix: c");
    let told = app
        .run(&["next", "--channel", "rc", "--format", "json"])
        .exits(0)
        .json();
    assert_eq!(
        (&told["new"], &told["old"], &told["release"]["commits"]),
        (&"1.3.0-rc.2".into(), &"1.3.0-rc.1".into(), &2.into())
    );
    app.tag("v1.3.0-rc.2");
    app.run(&["next", "--channel", "beta", "--bump", "minor"])
        .exits(4)
        .says("v1.3.0-beta.1 would be older than v1.3.0-rc.2");
    assert_eq!(app.next(&[]), "1.3.0");
    app.commit("feat!: d");
    assert_eq!(app.next(&["--channel", "rc"]), "2.0.0-rc.1");
    assert_eq!(app.next(&[]), "2.0.0");
    app.tag("v2.0.0");
    app.commit("fix: e");
    assert_eq!(app.next(&["--channel", "rc"]), "2.0.1-rc.1");
    assert_eq!(app.next(&[]), "2.0.1");
}

#[test]
fn a_release_takes_a_pre_release_that_was_said_outright() {
    let app = App::tagged("v1.2.3");
    app.commit("fix: a");
    assert_eq!(app.next(&["--channel", "rc", "--bump", "major"]), "2.0.0-rc.1");
    app.tag("v2.0.0-rc.1");
    assert_eq!(app.next(&[]), "2.0.0");
    app.commit("fix: b");
    assert_eq!(app.next(&["--channel", "rc"]), "2.0.0-rc.2");
}

#[test]
fn the_services_of_a_monorepo_have_versions_of_their_own() {
    let app = App::new();
    app.commit_in(Some("services/api/main.go"), "feat: api");
    app.commit_in(Some("services/web/main.ts"), "feat: web");
    app.tag("api-v1.0.0");
    app.tag("web/v2.0.0");
    app.commit_in(Some("services/api/main.go"), "fix: api");
    app.git(&["switch", "--quiet", "--create", "topic"]);
    app.commit_in(Some("services/web/main.ts"), "feat: web");
    app.git(&["switch", "--quiet", "main"]);
    app.commit_in(Some("services/api/main.go"), "fix: api again");
    app.git(&["merge", "--quiet", "--no-edit", "topic"]);
    let api = ["--path", "services/api", "--tag-prefix", "api-v"];
    let web = ["--path", "services/web", "--tag-prefix", "web/v"];
    assert_eq!(
        (app.next(&api).as_str(), app.next(&web).as_str()),
        ("1.0.1", "2.1.0")
    );
    let told = app
        .run(&[&["next", "--format", "json"], &web[..]].concat())
        .json();
    assert_eq!(
        (&told["release"]["commits"], &told["release"]["tag"]),
        (&1.into(), &"web/v2.1.0".into())
    );
    // From within, `.` is the folder, and nothing is the whole repository.
    let within = |arguments: &[&str]| {
        let mut command = app.bench.command();
        command
            .current_dir(app.folder().join("services/web"))
            .args(["release", "next", "--tag-prefix", "web/v"])
            .args(arguments);
        Run::from(command.output().unwrap()).exits(0).stdout
    };
    assert_eq!(within(&["--path", "."]), "2.1.0\n");
    assert_eq!(within(&["--path", "main.ts"]), "2.1.0\n");
    assert_eq!(within(&["--path", "other"]), "2.0.0\n");
    app.run(&["next", "--path", "../x"]).exits(4).says("--path");
}

#[test]
fn the_prefix_is_that_of_the_last_tag() {
    let app = App::tagged("1.0.0");
    app.tag("v1");
    app.tag("api-v9.0.0");
    app.commit("fix: a");
    let tag = |app: &App| app.run(&["next", "--format", "json"]).exits(0).json()["release"]["tag"].clone();
    assert_eq!(tag(&app), "1.0.1");
    app.tag("v1.1.0");
    app.commit("fix: b");
    assert_eq!(tag(&app), "v1.1.1");
    let stranger = App::tagged("shop-1.0.0");
    let run = stranger
        .run(&["next"])
        .exits(0)
        .says("shop-1.0.0")
        .says("--tag-prefix");
    assert_eq!(run.stdout, "0.1.0\n");
    assert_eq!(stranger.next(&["--tag-prefix", "shop-"]), "1.0.0");
    stranger
        .run(&["next", "--tag-prefix", "a b"])
        .exits(2)
        .says("no tag can begin with");
}

#[test]
fn only_tags_that_the_commit_has_behind_it_count() {
    let app = App::tagged("v1.2.3");
    app.commit("feat!: next generation");
    app.tag("v2.0.0");
    app.git(&["switch", "--quiet", "--create", "maintenance", "v1.2.3"]);
    app.commit("fix: old");
    assert_eq!(app.next(&[]), "1.2.4");
    // A version that another branch has taken is refused, with both commits.
    let taken = app.head();
    app.tag("v1.2.4");
    app.git(&["switch", "--quiet", "--create", "other", "v1.2.3"]);
    let other = app.commit("fix: other");
    app.run(&["next"]).exits(4).says(&taken).says(&other);
    assert_eq!(app.next(&["--bump", "minor"]), "1.3.0");
}

#[test]
fn a_commit_that_a_later_release_has_brought_is_superseded() {
    let app = App::tagged("v1.2.3");
    let older = app.commit("fix: a");
    app.commit("feat: b");
    app.tag("v1.3.0");
    let run = app.run(&["next", "--sha", &older]).exits(0).says("v1.3.0");
    assert_eq!(run.stdout, "1.3.0\n");
    let told = app
        .run(&["next", "--sha", &older[..12], "--format", "json"])
        .json();
    assert_eq!(
        (&told["operation"], &told["changed"]),
        (&"superseded".into(), &false.into())
    );
}

#[test]
fn a_shallow_clone_never_tells_a_wrong_version() {
    let app = App::tagged("v1.2.3");
    app.commit("feat: a");
    app.commit("fix: b");
    let clone = |depth: &str, tags: &str| {
        let folder = app.bench.beside(&format!("shallow-{depth}{tags}"));
        let url = format!("file://{}", text(&app.bench.origin()));
        git_says(
            &app.folder(),
            &["clone", "--quiet", "--depth", depth, tags, &url, text(&folder)],
        );
        text(&folder).to_owned()
    };
    let shallow = clone("1", "--tags");
    app.run(&["next", "--repo", &shallow])
        .exits(3)
        .says("the clone is shallow")
        .says("fetch-depth: 0");
    let deep_enough = clone("3", "--tags");
    let run = app.run(&["next", "--repo", &deep_enough]).exits(0);
    assert_eq!(run.stdout, "1.3.0\n");
    // All commits are there, and the tags are not: the clone is told not to fetch them.
    let without_tags = clone("50", "--no-tags");
    app.run(&["next", "--repo", &without_tags])
        .says("fetches no tags");
}

#[test]
fn a_repository_is_read_wherever_it_is() {
    let server = GitServer::start(Options::default());
    let bare = server.repo("shop.git", &[("a", "1")]);
    git_says(&bare, &["tag", "v1.0.0", "main"]);
    let app = App::new();
    crate::support::git_server::commit_to(&bare, "feat: a", &[("a", "2")]);
    for address in [
        server.url("shop.git"),
        format!("file://{}", text(&bare)),
        text(&bare).to_owned(),
    ] {
        assert_eq!(app.next(&["--repo", &address]), "1.1.0", "{address}");
        assert_eq!(app.next(&["--repo", &address, "--branch", "main"]), "1.1.0");
        app.run(&["next", "--repo", &address, "--branch", "gone"])
            .exits(3);
        app.run(&["next", "--repo", &address, "--sha", "abcdefabcdef"])
            .exits(3)
            .says("--branch");
    }
    app.run(&["next", "--repo", "/nowhere"]).exits(3);
    app.run(&["next", "--sha", "HEAD"]).exits(2).says("--sha");
}

#[test]
fn release_alone_names_what_there_is() {
    let app = App::tagged("v1.2.3");
    let run = app.run(&[]).exits(2);
    for below in ["next", "tag", "publish"] {
        assert!(run.stderr.contains(below), "{}", run.stderr);
    }
    let mut command = app.bench.command();
    command
        .env("GITOPS_STEPS_COMMAND", "release next")
        .env("GITOPS_STEPS_BUMP", "minor");
    app.commit("fix: a");
    assert_eq!(Run::from(command.output().unwrap()).exits(0).stdout, "1.3.0\n");
    let mut command = app.bench.command();
    command.env("GITOPS_STEPS_COMMAND", "release");
    Run::from(command.output().unwrap()).exits(2).says("release next");
}

#[test]
fn hostile_messages_stay_text() {
    let app = App::tagged("v1.2.3");
    app.commit(
        "feat: \u{1b}[31mred\u{7} @acme/team ![x](https://evil.example/p.png) <img src=x> `y` \u{202e}",
    );
    app.commit(&format!(
        "fix({}): {}\n\n::error::x",
        "s".repeat(500),
        "ä".repeat(70_000)
    ));
    app.commit("::set-output name=x::y");
    let run = app.run(&["next", "--format", "json"]).exits(0).prints_plainly();
    let notes = run.json()["release"]["notes"].as_str().unwrap().to_owned();
    assert!(
        notes.contains("- \\[31mred @&#8203;acme/team \\!\\[x\\](https:&#8203;//evil"),
        "{notes}"
    );
    assert!(
        !notes.contains('\u{202e}') && !notes.contains("\n::") && notes.len() < 2000,
        "{notes}"
    );
}

#[test]
fn the_job_summary_and_the_outputs_carry_the_version() {
    let app = App::tagged("v1.2.3");
    app.commit("feat: add | it");
    let (output, summary) = (
        app.bench.write_beside("output", ""),
        app.bench.write_beside("summary", ""),
    );
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_OUTPUT", output.as_str()),
        ("GITHUB_STEP_SUMMARY", summary.as_str()),
    ];
    app.run_with(&variables, &["next"]).exits(0);
    let outputs = crate::support::outputs::of_github(&std::fs::read_to_string(output).unwrap());
    assert_eq!(
        (outputs["new"].as_str(), outputs["old"].as_str()),
        ("1.3.0", "1.2.3")
    );
    let summary = std::fs::read_to_string(summary).unwrap();
    assert!(
        summary.contains("**v1.3.0**") && summary.contains("- add \\| it"),
        "{summary}"
    );
}

#[test]
fn hundreds_of_tags_on_other_lines_cost_one_walk() {
    use std::fmt::Write as _;
    let app = App::new();
    let mut input = String::new();
    for number in 1..=4000 {
        let from = if number == 1 {
            String::new()
        } else {
            format!("from :{}\n", number - 1)
        };
        let _ = write!(
            input,
            "commit refs/heads/long\nmark :{number}\ncommitter T <t@e.x> {} +0000\ndata 6\nfix: a\n{from}",
            1_700_000_000 + number
        );
        if number % 10 == 0 {
            let _ = write!(input, "reset refs/tags/v1.{}.0\nfrom :{number}\n\n", number / 10);
        }
    }
    let mut child = crate::support::git_server::git(&app.folder())
        .args(["fast-import", "--quiet"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    app.git(&["switch", "--quiet", "--create", "maintenance", "v1.2.0"]);
    app.git(&["commit", "--quiet", "--allow-empty", "-m", "fix: old"]);
    // Asked one by one, these took minutes.
    assert_eq!(app.next(&["--timeout", "20s"]), "1.2.1");
    app.git(&["switch", "--quiet", "long"]);
    assert_eq!(app.next(&[]), "1.400.0");
}
