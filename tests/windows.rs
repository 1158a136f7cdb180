//! What only Windows has: drives, `\` between folders, line ends, its own shell.
#![cfg(windows)]

use std::fs;

use crate::support::cli::{Bench, text};
use crate::support::jobs::Hub;
use crate::support::outputs::of_github;

const SET: [&str; 2] = ["--set", "image.tag=v2"];

#[test]
fn paths_with_backslashes_are_read_and_told_with_slashes() {
    let bench = Bench::new(&[("apps/web/values.yaml", "image:\n  tag: v1\n")]);
    let repo = bench.repo();
    let repo = text(&repo);
    let slashes = repo.replace('\\', "/");
    let whole = format!(r"{repo}\apps\web\values.yaml");
    for (config_repo, file) in [
        (".", r"apps\web\values.yaml"),
        (".", r".\apps\*\values.yaml"),
        (repo, whole.as_str()),
        (&slashes, r"apps\web/values.yaml"),
    ] {
        bench.write("apps/web/values.yaml", "image:\n  tag: v1\n");
        let (output, result) = (bench.beside("output"), bench.beside("result.json"));
        let _ = fs::remove_file(&output);
        let place = [
            "--config-repo",
            config_repo,
            "--file",
            file,
            "--result-file",
            text(&result),
        ];
        bench
            .bump_with(&[("GITHUB_OUTPUT", text(&output))], &[&place[..], &SET].concat())
            .exits(0);
        assert_eq!(
            bench.read("apps/web/values.yaml"),
            "image:\n  tag: v2\n",
            "{file}"
        );
        let told: serde_json::Value = serde_json::from_str(&fs::read_to_string(&result).unwrap()).unwrap();
        assert_eq!(
            told["files"],
            serde_json::json!(["apps/web/values.yaml"]),
            "{file}"
        );
        let outputs = fs::read_to_string(&output).unwrap();
        assert!(!outputs.contains('\r'), "{outputs:?}");
        assert_eq!(of_github(&outputs)["changed"], "true");
    }
}

#[test]
fn every_line_keeps_its_end() {
    let bench = Bench::new(&[
        ("crlf.yaml", "image:\r\n  tag: v1\r\nx: 1\r\n"),
        ("lf.yaml", "image:\n  tag: v1\nx: 1\n"),
    ]);
    bench.bump(&[&["--file", "*.yaml"][..], &SET].concat()).exits(0);
    assert_eq!(bench.read("crlf.yaml"), "image:\r\n  tag: v2\r\nx: 1\r\n");
    assert_eq!(bench.read("lf.yaml"), "image:\n  tag: v2\nx: 1\n");
}

#[test]
fn a_file_elsewhere_or_in_gits_own_folder_is_refused_by_any_of_its_names() {
    let bench = Bench::new(&[(".git/config.yaml", "image:\n  tag: v1\n")]);
    let outside = bench.write_beside("outside.yaml", "image:\n  tag: v1\n");
    for file in [
        outside.as_str(),
        r"..\outside.yaml",
        r"\outside.yaml",
        r"C:outside.yaml",
        r".git\config.yaml",
        r".GIT.\config.yaml",
        r".git::$INDEX_ALLOCATION\config.yaml",
        r"GIT~1\config.yaml",
    ] {
        bench.bump(&[&["--file", file][..], &SET].concat()).exits(4);
    }
    assert_eq!(bench.read(".git/config.yaml"), "image:\n  tag: v1\n");
}

#[test]
fn a_result_can_go_to_no_folder_and_to_nul() {
    let bench = Bench::new(&[("x.yaml", "image:\n  tag: v1\n")]);
    let change = ["--file", "x.yaml", "--dry-run"];
    let run = |place| bench.bump(&[&change[..], &SET, &["--result-file", place]].concat());
    run(r"gone\").exits(2).says("it is a folder");
    run("NUL").exits(0);
}

#[test]
fn a_push_leaves_nothing_in_the_folder_for_temporary_files() {
    let bench = Bench::cloned(&[("x.yaml", "image:\n  tag: v1\n")]);
    let temporary = bench.beside("temporary");
    fs::create_dir(&temporary).unwrap();
    let change = ["--file", "x.yaml", "--publish", "push"];
    bench
        .bump_with(&[("TMP", text(&temporary))], &[&change[..], &SET].concat())
        .exits(0);
    assert_eq!(bench.pushed("x.yaml"), "image:\n  tag: v2");
    assert_eq!(fs::read_dir(temporary).unwrap().count(), 0);
}

#[test]
fn a_command_gives_its_own_code_to_the_job() {
    let hub = Hub::new();
    hub.run(&["--env", "dev", "--", "cmd", "/c", "exit 3"]).exits(3);
    hub.run(&["--env", "dev", "--", "no-such-command"])
        .exits(127)
        .says("could not be started");
    assert_eq!(
        hub.states(),
        ["dev: in_progress failure", "dev: in_progress error"]
    );
}
