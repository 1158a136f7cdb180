//! Values by path in a directory: what is written, printed and returned.

use std::fs;

use crate::support::cli::{Bench, text};
use predicates::str::{contains, is_empty};

const VALUES: &str =
    "# web\nimage:\n  repository: ghcr.io/acme/web\n  tag: v1.0.0   # the tag\nreplicas: 3\n";

fn bench() -> Bench {
    Bench::new(&[("web/values.yaml", VALUES)])
}

#[test]
fn a_value_changes_and_nothing_else_and_the_diff_is_printed() {
    let bench = bench();
    let run = bench
        .bump(&["--file", "web/values.yaml", "--set", "image.tag=v1.1.0"])
        .exits(0);
    assert_eq!(bench.read("web/values.yaml"), VALUES.replace("v1.0.0", "v1.1.0"));
    assert!(
        run.stdout
            .starts_with("--- a/web/values.yaml\n+++ b/web/values.yaml\n@@"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout
            .contains("-  tag: v1.0.0   # the tag\n+  tag: v1.1.0   # the tag\n"),
        "{}",
        run.stdout
    );
    assert!(
        run.stderr.contains("changed 1 value in web/values.yaml"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_dry_run_prints_the_diff_and_touches_nothing() {
    let bench = bench();
    let before = fs::metadata(bench.repo().join("web/values.yaml"))
        .unwrap()
        .modified()
        .unwrap();
    let run = bench
        .bump(&["--file", "web/values.yaml", "--set", "image.tag=v2", "--dry-run"])
        .exits(0);
    assert!(run.stdout.contains("+  tag: v2"));
    assert!(run.stderr.contains("nothing was written"));
    assert_eq!(bench.read("web/values.yaml"), VALUES);
    assert_eq!(
        fs::metadata(bench.repo().join("web/values.yaml"))
            .unwrap()
            .modified()
            .unwrap(),
        before
    );
}

#[test]
fn the_same_value_again_writes_nothing_and_says_so() {
    let bench = bench();
    let run = bench
        .bump(&[
            "--file",
            "web/values.yaml",
            "--set",
            "image.tag=v1.0.0",
            "--format",
            "json",
        ])
        .exits(0);
    let json = run.json();
    assert_eq!(
        (&json["changed"], &json["operation"]),
        (&false.into(), &"unchanged".into())
    );
    assert_eq!(json["changes"], serde_json::json!([]));
    assert!(run.stderr.contains("nothing to change"));
}

#[test]
fn the_json_names_each_change_with_its_place() {
    let bench = bench();
    let result = bench.beside("result.json");
    let run = bench
        .bump(&[
            "--file",
            "web/values.yaml",
            "--set",
            "image.tag=v2.0.0",
            "--set-json",
            "replicas=5",
            "--format",
            "json",
            "--result-file",
            text(&result),
        ])
        .exits(0);
    let json = run.json();
    assert_eq!(json["schema"], 1);
    assert_eq!(json["operation"], "updated");
    assert_eq!(json["files"], serde_json::json!(["web/values.yaml"]));
    assert_eq!(
        json["changes"],
        serde_json::json!([
            {"file": "web/values.yaml", "path": "image.tag", "line": 4, "old": "v1.0.0", "new": "v2.0.0"},
            {"file": "web/values.yaml", "path": "replicas", "line": 5, "old": "3", "new": "5"},
        ])
    );
    assert_eq!(fs::read_to_string(result).unwrap(), run.stdout);
}

#[test]
fn typed_values_and_removals_have_flags_of_their_own() {
    let bench = bench();
    bench
        .bump(&[
            "--file",
            "web/values.yaml",
            "--unset",
            "replicas",
            "--set-json",
            "image={\"tag\": null}",
        ])
        .exits(0);
    assert_eq!(bench.read("web/values.yaml"), "# web\nimage: {tag: null}\n");
}

#[test]
fn a_number_is_written_as_it_was_spelt() {
    let bench = Bench::new(&[("a.yaml", "n: 1\n")]);
    for number in ["123456789012345678901234567890", "1.10", "-0.50", "7"] {
        bench
            .bump(&["--file", "a.yaml", "--set-json", &format!("n={number}")])
            .exits(0);
        assert_eq!(bench.read("a.yaml"), format!("n: {number}\n"));
    }
}

#[test]
fn a_number_that_becomes_a_string_is_told() {
    let bench = bench();
    bench
        .bump(&["--file", "web/values.yaml", "--set", "replicas=5"])
        .exits(0)
        .says("web/values.yaml:5: `replicas` was 3 and is a string now; --set-json keeps numbers");
    assert_eq!(
        bench.read("web/values.yaml"),
        VALUES.replace("replicas: 3", "replicas: \"5\"")
    );
}

#[test]
fn a_missing_path_is_an_error_that_names_what_is_near_and_can_be_created() {
    let bench = bench();
    let run = bench
        .bump(&["--file", "web/values.yaml", "--set", "image.tga=v2"])
        .exits(3);
    assert!(
        run.stderr.contains("web/values.yaml:") && run.stderr.contains("`tag`"),
        "{}",
        run.stderr
    );
    assert_eq!(bench.read("web/values.yaml"), VALUES);
    bench
        .bump(&[
            "--file",
            "web/values.yaml",
            "--set",
            "image.tga=v2",
            "--if-missing",
            "skip",
        ])
        .exits(0);
    assert_eq!(bench.read("web/values.yaml"), VALUES);
    bench
        .bump(&[
            "--file",
            "web/values.yaml",
            "--set",
            "image.pullPolicy=Always",
            "--if-missing",
            "create",
        ])
        .exits(0);
    assert_eq!(
        bench.read("web/values.yaml"),
        VALUES.replace("# the tag\n", "# the tag\n  pullPolicy: Always\n")
    );
}

#[test]
fn an_error_in_one_file_leaves_every_file_as_it_was() {
    let bench = Bench::new(&[("a.yaml", "tag: v1\n"), ("b.yaml", "other: v1\n")]);
    bench
        .bump(&["--file", "a.yaml", "--file", "b.yaml", "--set", "tag=v2"])
        .exits(3);
    assert_eq!(bench.read("a.yaml"), "tag: v1\n");
}

#[test]
fn globs_reach_many_files_in_one_run() {
    let bench = Bench::new(&[
        ("apps/a/values.yaml", "tag: v1\n"),
        ("apps/b/values.yaml", "tag: v1\n"),
        ("x.yaml", "tag: v1\n"),
    ]);
    let json = bench
        .bump(&[
            "--file",
            "apps/*/values.yaml",
            "--set",
            "tag=v2",
            "--format",
            "json",
        ])
        .exits(0)
        .json();
    assert_eq!(
        json["files"],
        serde_json::json!(["apps/a/values.yaml", "apps/b/values.yaml"])
    );
    assert_eq!(bench.read("x.yaml"), "tag: v1\n");
}

#[test]
fn a_bulk_list_lands_at_once() {
    let bench = Bench::new(&[("a.yaml", "tag: v1\nn: 1\n"), ("b.yaml", "image:\n  tag: v1\n")]);
    let list = bench.beside("changes.yaml");
    fs::write(
        &list,
        "- file: a.yaml\n  set: {tag: v2, n: 2}\n- file: b.yaml\n  set:\n    image.tag: v3\n",
    )
    .unwrap();
    bench.bump(&["--changes", text(&list)]).exits(0);
    assert_eq!(
        (bench.read("a.yaml").as_str(), bench.read("b.yaml").as_str()),
        ("tag: v2\nn: 2\n", "image:\n  tag: v3\n")
    );
    let mut command = bench.command();
    command
        .args(["bump-values", "--changes", "-"])
        .write_stdin("[{\"file\": \"a.yaml\", \"set\": {\"tag\": \"v4\"}}]");
    command.assert().success();
    assert_eq!(bench.read("a.yaml"), "tag: v4\nn: 2\n");
}

#[test]
fn a_number_in_a_bulk_list_is_never_a_tag_whose_quotes_were_forgotten() {
    let before = "tag: v1\nn: 1\n";
    let bench = Bench::new(&[("a.yaml", before)]);
    let list = bench.beside("changes.yaml");
    for (value, words) in [
        ("7e5", "would not keep its spelling"),
        ("1.20", "would take the place of a string"),
        ("6801028", "would take the place of a string"),
    ] {
        fs::write(&list, format!("- file: a.yaml\n  set: {{tag: {value}}}\n")).unwrap();
        bench
            .bump(&["--changes", text(&list)])
            .exits(2)
            .says(words)
            .says("quotes");
        assert_eq!(bench.read("a.yaml"), before);
    }
    fs::write(&list, "- file: a.yaml\n  set: {tag: '6801028', n: 2}\n").unwrap();
    bench.bump(&["--changes", text(&list)]).exits(0);
    assert_eq!(bench.read("a.yaml"), "tag: \"6801028\"\nn: 2\n");
}

#[test]
fn a_list_of_very_many_files_is_told_in_one_short_line() {
    let names: Vec<String> = (0..40).map(|at| format!("app-{at:02}.yaml")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "tag: 1.0.0\n")).collect();
    let bench = Bench::new(&files);
    let list = bench.beside("changes.yaml");
    let lines = names
        .iter()
        .map(|name| format!("- file: {name}\n  set: {{tag: 1.1.0}}\n"));
    fs::write(&list, lines.collect::<String>()).unwrap();
    let run = bench.bump(&["--changes", text(&list)]).exits(0);
    let run = run
        .says("changed 40 values in app-00.yaml, ")
        .says(" and 30 more files");
    assert!(!run.stderr.contains("app-10.yaml"), "{}", run.stderr);
}

#[test]
fn an_app_that_was_overtaken_does_not_keep_the_others_of_a_list() {
    let files = [
        ("a.yaml", "tag: 1.0.0\n"),
        ("b.yaml", "tag: 2.0.0\n"),
        ("c.yaml", "tag: 1.0.0\n"),
    ];
    let bench = Bench::new(&files);
    let list = bench.beside("changes.yaml");
    let bump = |tags: &[(&str, &str)], flags: &[&str]| {
        let lines = tags
            .iter()
            .map(|(file, tag)| format!("- file: {file}.yaml\n  set: {{tag: '{tag}'}}\n"));
        fs::write(&list, lines.collect::<String>()).unwrap();
        bench.bump(&[&["--changes", text(&list), "--format", "json"], flags].concat())
    };
    let stands = || ["a.yaml", "b.yaml", "c.yaml"].map(|file| bench.read(file));
    let wanted = [("a", "1.1.0"), ("b", "1.1.0"), ("c", "1.1.0")];
    // Without a word it is one run: all or nothing.
    assert_eq!(bump(&wanted, &[]).exits(0).json()["operation"], "superseded");
    assert_eq!(stands(), files.map(|(_, before)| before));
    let run = bump(&wanted, &["--on-stale", "leave-out"]).exits(0);
    assert_eq!(run.json()["operation"], "updated");
    run.says("left out: b.yaml:1: `2.0.0` stands there already");
    assert_eq!(stands(), ["tag: 1.1.0\n", "tag: 2.0.0\n", "tag: 1.1.0\n"]);
    // What is left has landed: there is nothing to do.
    let again = bump(&wanted, &["--on-stale", "leave-out"]).exits(0).json();
    assert_eq!(
        (&again["operation"], &again["changed"]),
        (&"unchanged".into(), &false.into())
    );
    // Nothing is left.
    let all = bump(&[("a", "1.0.9"), ("b", "1.9.0")], &["--on-stale", "leave-out"])
        .exits(0)
        .json();
    assert_eq!(all["operation"], "superseded");
    // The places of one app stay together.
    bench
        .bump(&[
            "--file",
            "a.yaml",
            "--set",
            "tag=1.0.0",
            "--on-stale",
            "leave-out",
        ])
        .exits(2)
        .says("--changes");
}

#[test]
fn a_newer_version_that_is_there_already_wins() {
    let bench = bench();
    let run = bench
        .bump(&[
            "--file",
            "web/values.yaml",
            "--image",
            "ghcr.io/acme/web",
            "--tag",
            "v0.9.0",
            "--format",
            "json",
        ])
        .exits(0);
    let json = run.json();
    assert_eq!(
        (&json["operation"], &json["changed"]),
        (&"superseded".into(), &false.into())
    );
    assert!(
        run.stderr.contains("v1.0.0") && run.stderr.contains("v0.9.0"),
        "{}",
        run.stderr
    );
    assert_eq!(bench.read("web/values.yaml"), VALUES);
    let older = [
        "--file",
        "web/values.yaml",
        "--image",
        "ghcr.io/acme/web",
        "--tag",
        "v0.9.0",
    ];
    bench
        .bump(&[&older[..], &["--on-stale", "fail"]].concat())
        .exits(4)
        .says("--allow-downgrade");
    bench
        .bump(&[&older[..], &["--allow-downgrade"]].concat())
        .exits(0);
    assert_eq!(bench.read("web/values.yaml"), VALUES.replace("v1.0.0", "v0.9.0"));
    bench
        .bump(&[
            "--file",
            "web/values.yaml",
            "--set",
            "image.tag=main-abc",
            "--guard",
            "semver",
        ])
        .exits(2)
        .says("not a version");
}

#[test]
fn wrong_usage_has_its_code_and_says_what_to_try() {
    let bench = bench();
    for (arguments, words) in [
        (&["--fiel", "a"][..], "--file"),
        (&[], "nothing says what to change"),
        (
            &["--file", "web/values.yaml"],
            "nothing says what to change in the file",
        ),
        (&["--file", "web/values.yaml", "--tag", "v2"], "--image NAME"),
        (&["--file", "web/values.yaml", "--set", "image.tag"], "="),
        (
            &["--file", "web/values.yaml", "--set-json", "replicas=five"],
            "not JSON",
        ),
        (
            &["--file", "web/values.yaml", "--image", "Acme/Web", "--tag", "v2"],
            "upper-case",
        ),
        (
            &["--file", "web/values.yaml", "--image", "acme/web", "--tag", "a b"],
            "tag",
        ),
        (
            &[
                "--file",
                "web/values.yaml",
                "--image",
                "acme/web:v1",
                "--tag",
                "v2",
            ],
            "say it once",
        ),
        (&["--app", "web", "--tag", "v2"], "--env"),
        (
            &["--app", "web", "--env", "dev", "--file", "x", "--set", "a=b"],
            "two ways",
        ),
        (
            &[
                "--file",
                "web/values.yaml",
                "--set",
                "image.tag=v2",
                "--message",
                "{nope}",
            ],
            "nope",
        ),
        (
            &[
                "--file",
                "web/values.yaml",
                "--set",
                "image.tag=v2",
                "--author",
                "me",
            ],
            "Name <email",
        ),
        (
            &[
                "--file",
                "web/values.yaml",
                "--set",
                "image.tag=v2",
                "--timeout",
                "soon",
            ],
            "--timeout",
        ),
    ] {
        let run = bench.bump(arguments).exits(2);
        assert!(
            run.stderr.contains(words),
            "{arguments:?}: `{words}` is not in\n{}",
            run.stderr
        );
    }
    assert_eq!(bench.read("web/values.yaml"), VALUES);
}

#[cfg(unix)]
#[test]
fn paths_never_leave_the_config_repo() {
    let bench = bench();
    fs::write(bench.beside("outside.yaml"), "tag: v1\n").unwrap();
    for file in [
        "../outside.yaml",
        "web/../../outside.yaml",
        "/etc/hostname",
        ".git/config",
    ] {
        bench.bump(&["--file", file, "--set", "tag=v2"]).exits(4);
    }
    std::os::unix::fs::symlink(bench.beside("outside.yaml"), bench.repo().join("link.yaml")).unwrap();
    bench.bump(&["--file", "link.yaml", "--set", "tag=v2"]).exits(4);
    assert_eq!(
        fs::read_to_string(bench.beside("outside.yaml")).unwrap(),
        "tag: v1\n"
    );
    std::os::unix::fs::symlink("web/values.yaml", bench.repo().join("inside.yaml")).unwrap();
    bench
        .bump(&["--file", "inside.yaml", "--set", "image.tag=v2"])
        .exits(0);
    assert_eq!(bench.read("web/values.yaml"), VALUES.replace("v1.0.0", "v2"));
    assert!(bench.repo().join("inside.yaml").is_symlink());
}

#[test]
fn what_cannot_be_edited_safely_is_refused_with_its_place() {
    let bench = Bench::new(&[
        ("dup.yaml", "tag: v1\ntag: v2\n"),
        ("anchor.yaml", "tag: &t v1\nb: *t\n"),
        ("sops.yaml", "tag: v1\nsops:\n  mac: ENC[x]\n  version: 3.8.1\n"),
    ]);
    for file in ["dup.yaml", "anchor.yaml", "sops.yaml"] {
        let run = bench.bump(&["--file", file, "--set", "tag=v3"]).exits(4);
        assert!(
            run.stderr.contains(&format!("{file}:")) || run.stderr.contains(file),
            "{}",
            run.stderr
        );
    }
    bench
        .bump(&["--file", "anchor.yaml", "--set", "tag=v3", "--allow-shared"])
        .exits(0);
    fs::write(bench.repo().join("broken.yaml"), "a: [1\nb: 2\n").unwrap();
    bench
        .bump(&["--file", "broken.yaml", "--set", "b=3"])
        .exits(2)
        .says("broken.yaml:");
}

#[test]
fn a_file_that_does_not_exist_is_told_with_the_one_that_does() {
    bench()
        .bump(&["--file", "web/value.yaml", "--set", "image.tag=v2"])
        .exits(3)
        .says("did you mean `web/values.yaml`?");
}

#[cfg(unix)]
#[test]
fn a_files_mode_stays() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = bench();
    let path = bench.repo().join("web/values.yaml");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    bench
        .bump(&["--file", "web/values.yaml", "--set", "image.tag=v2"])
        .exits(0);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o755);
    assert_eq!(fs::read_dir(bench.repo().join("web")).unwrap().count(), 1);
}

#[test]
fn variables_stand_for_flags_and_empty_ones_for_none() {
    let bench = bench();
    let variables = [
        ("GITOPS_STEPS_FILE", "web/values.yaml\n"),
        (
            "GITOPS_STEPS_SET",
            "image.tag=v3\nimage.repository=ghcr.io/acme/other\n",
        ),
        ("GITOPS_STEPS_APP", ""),
        ("GITOPS_STEPS_DRY_RUN", ""),
        ("GITOPS_STEPS_TIMEOUT", ""),
    ];
    bench.bump_with(&variables, &[]).exits(0);
    assert!(
        bench
            .read("web/values.yaml")
            .contains("repository: ghcr.io/acme/other\n  tag: v3 ")
    );
}

#[test]
fn version_and_help_are_data() {
    let bench = bench();
    for (arguments, words) in [
        (&["--version"][..], "gitops-steps 0."),
        (&["bump-values", "--help"], "--if-missing"),
        (&["completions", "bash"], "_gitops__steps"),
        (&["man"], ".TH gitops-steps 1"),
    ] {
        let run = bench.command().args(arguments).assert();
        run.success().stdout(contains(words)).stderr(is_empty());
    }
}

#[test]
fn a_result_that_cannot_be_written_is_no_bug_of_ours() {
    let bench = bench();
    let set = ["--file", "web/values.yaml", "--set", "image.tag=v2"];
    let run = bench
        .bump_with(&[("GITHUB_OUTPUT", "gone/output")], &set)
        .exits(2)
        .says("cannot append to `gone/output`");
    assert!(!run.stderr.contains("bug"), "{}", run.stderr);
    assert!(bench.read("web/values.yaml").contains("tag: v2"));
}

#[test]
fn edits_that_contradict_each_other_are_wrong_usage() {
    let bench = bench();
    let twice = [
        "--file",
        "web/values.yaml",
        "--set",
        "image.tag=v2",
        "--set",
        "image.tag=v3",
    ];
    bench
        .bump(&twice)
        .exits(2)
        .says("two edits contradict each other");
    assert_eq!(bench.read("web/values.yaml"), VALUES);
}

#[test]
fn an_absolute_file_inside_the_directory_is_taken_relative_to_it() {
    let bench = bench();
    let inside = bench.repo().join("web/values.yaml");
    let glob = bench.repo().join("*/values.yaml");
    // On Windows only some users may make a link.
    let link = if cfg!(unix) {
        bench.beside("link")
    } else {
        bench.repo()
    };
    #[cfg(unix)]
    std::os::unix::fs::symlink(bench.repo(), &link).unwrap();
    let through_link = link.join("web/values.yaml");
    for (tag, file, repo) in [
        ("v2", &inside, "."),
        ("v3", &glob, "."),
        ("v4", &through_link, "."),
        ("v5", &inside, text(&link)),
    ] {
        let set = format!("image.tag={tag}");
        let run = bench
            .bump(&[
                "--config-repo",
                repo,
                "--file",
                text(file),
                "--set",
                &set,
                "--format",
                "json",
            ])
            .exits(0);
        assert_eq!(
            run.json()["files"],
            serde_json::json!(["web/values.yaml"]),
            "{tag}"
        );
        assert_eq!(bench.read("web/values.yaml"), VALUES.replace("v1.0.0", tag));
    }
}

#[test]
fn an_absolute_file_elsewhere_is_refused() {
    let bench = bench();
    let beside = bench.write_beside("v.yaml", "a: 1\n");
    let around = bench.repo().join("../v.yaml");
    let folder = bench.repo().join("web");
    for (repo, file) in [
        (".", beside.as_str()),
        (".", text(&around)),
        (text(&folder), text(&bench.repo().join("other.yaml"))),
    ] {
        bench
            .bump(&["--config-repo", repo, "--file", file, "--set", "a=2", "--dry-run"])
            .exits(4);
    }
    assert_eq!(fs::read_to_string(beside).unwrap(), "a: 1\n");
}

#[test]
fn what_is_skipped_because_it_does_not_exist_is_named() {
    let bench = bench();
    bench.write("b.yaml", "image: acme/api:1\n");
    let list = bench.write_beside("list.yaml", "- file: web/values.yaml\n  set: {image.tga: v2}\n");
    let many = bench.write_beside(
        "many.yaml",
        "- file: b.yaml\n  set: {a: '1', b: '1', c: '1', d: '1', e: '1', f: '1', g: '1'}\n",
    );
    for (arguments, operation, says) in [
        (
            &["--file", "web/values.yaml", "--set", "image.tga=v2"][..],
            "skipped",
            "`image.tga` does not exist",
        ),
        (
            &[
                "--file",
                "web/values.yaml",
                "--set",
                "image.tga=v2",
                "--set",
                "image.tag=v1.0.0",
            ],
            "skipped",
            "web/values.yaml:",
        ),
        (
            &["--file", "b.yaml", "--image", "acme/web", "--tag", "2"],
            "skipped",
            "`acme/web` is not referenced in `b.yaml`",
        ),
        (
            &["--file", "**/*.yaml", "--image", "acme/no", "--tag", "2"],
            "skipped",
            "in any of the 2 files",
        ),
        (
            &[
                "--file",
                "b.yaml",
                "--file",
                "web/values.yaml",
                "--image",
                "acme/api",
                "--tag",
                "1",
            ],
            "skipped",
            "`acme/api` is not referenced in `web/values.yaml`",
        ),
        (&["--changes", &list], "skipped", "`image.tga` does not exist"),
        (&["--changes", &many], "skipped", "; and 2 more"),
        (
            &["--file", "web/values.yaml", "--unset", "image.tga"],
            "unchanged",
            "",
        ),
        (
            &["--file", "**/*.yaml", "--image", "acme/api", "--tag", "1"],
            "unchanged",
            "",
        ),
    ] {
        let run = bench
            .bump(&[arguments, &["--if-missing", "skip", "--format", "json"]].concat())
            .exits(0);
        let json = run.json();
        assert_eq!(
            (&json["operation"], &json["changed"]),
            (&operation.into(), &false.into()),
            "{arguments:?}"
        );
        let reason = json["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(says), "{arguments:?}: {reason}");
        assert!(run.stderr.contains(reason), "{}", run.stderr);
    }
    assert_eq!(bench.read("web/values.yaml"), VALUES);
}
