//! What CI hosts read: the same keys on success, on nothing to do and on failure.

use std::collections::BTreeMap;
use std::fs;

use crate::support::cli::{Bench, Run, text};
use crate::support::outputs::of_github;

const KEYS: [&str; 15] = [
    "branch",
    "changed",
    "commit",
    "deployment-id",
    "environment-url",
    "files",
    "new",
    "old",
    "operation",
    "pr-number",
    "pr-url",
    "reason",
    "run-id",
    "run-url",
    "verified",
];

fn on_github(bench: &Bench, arguments: &[&str]) -> (Run, BTreeMap<String, String>, String) {
    let (output, summary) = (bench.beside("output"), bench.beside("summary"));
    let _ = fs::remove_file(&output);
    let _ = fs::remove_file(&summary);
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("CI", "true"),
        ("GITHUB_OUTPUT", text(&output)),
        ("GITHUB_STEP_SUMMARY", text(&summary)),
    ];
    let run = bench.bump_with(&variables, arguments);
    let summary = fs::read_to_string(summary).unwrap();
    (run, of_github(&fs::read_to_string(output).unwrap()), summary)
}

#[test]
fn github_gets_the_same_outputs_whatever_happens() {
    let bench = Bench::new(&[("v.yaml", "image: acme/web:1.0.0\n")]);
    for (arguments, code, operation, changed) in [
        (
            &["--file", "v.yaml", "--image", "acme/web", "--tag", "1.1.0"][..],
            0,
            "updated",
            "true",
        ),
        (
            &["--file", "v.yaml", "--image", "acme/web", "--tag", "1.1.0"],
            0,
            "unchanged",
            "false",
        ),
        (
            &["--file", "v.yaml", "--image", "acme/web", "--tag", "1.0.0"],
            0,
            "superseded",
            "false",
        ),
        (&["--file", "v.yaml", "--set", "nope=1"], 3, "failed", "false"),
        (&["--file", "../v.yaml", "--set", "nope=1"], 4, "refused", "false"),
        (&["--wrong"], 2, "failed", "false"),
    ] {
        let (run, outputs, summary) = on_github(&bench, arguments);
        run.exits(code);
        assert_eq!(
            outputs.keys().map(String::as_str).collect::<Vec<_>>(),
            KEYS,
            "{arguments:?}"
        );
        assert_eq!(
            (outputs["operation"].as_str(), outputs["changed"].as_str()),
            (operation, changed),
            "{arguments:?}"
        );
        assert!(summary.contains(operation), "{summary}");
    }
}

#[test]
fn github_outputs_tell_from_what_to_what() {
    let bench = Bench::new(&[("v.yaml", "image: acme/web:1.0.0\n")]);
    let (_, outputs, summary) = on_github(
        &bench,
        &["--file", "v.yaml", "--image", "acme/web", "--tag", "1.1.0"],
    );
    assert_eq!(
        (
            outputs["old"].as_str(),
            outputs["new"].as_str(),
            outputs["files"].as_str()
        ),
        ("1.0.0", "1.1.0", "v.yaml")
    );
    assert!(
        summary.contains("| v.yaml:1 | image | acme/web:1.0.0 | acme/web:1.1.0 |"),
        "{summary}"
    );
    assert!(summary.contains("```diff"), "{summary}");
}

#[test]
fn a_failure_is_an_annotation_on_its_line() {
    let bench = Bench::new(&[("v.yaml", "a: 1\nimage:\n  tag: x\n")]);
    let (run, _, _) = on_github(&bench, &["--file", "v.yaml", "--set", "image.tga=1"]);
    let line = run
        .stderr
        .lines()
        .find(|line| line.starts_with("::error "))
        .unwrap();
    assert!(
        line.starts_with("::error file=v.yaml,line=") && line.contains("did you mean `tag`"),
        "{line}"
    );
}

#[test]
fn a_wrong_command_line_is_an_annotation_that_says_all_of_it() {
    let bench = Bench::new(&[]);
    for (arguments, says) in [
        (
            &["--image", "a", "--new-name", "b"][..],
            "were not provided: --file <FILE>",
        ),
        (
            &["--env-x", "a"],
            "unexpected argument '--env-x' found%0Ahint: a similar argument exists: '--env'",
        ),
    ] {
        let (run, outputs, _) = on_github(&bench, arguments);
        let run = run.exits(2);
        let first = run.stderr.lines().next().unwrap();
        assert!(first.starts_with("::error ") && first.ends_with(says), "{first}");
        assert!(!outputs["reason"].is_empty());
    }
}

#[test]
fn a_files_content_cannot_give_the_runner_commands() {
    let bench = Bench::new(&[("v.yaml", "a: |\n  ::add-mask::x\n  ##[error]y\ntag: v1\n")]);
    let (run, ..) = on_github(&bench, &["--file", "v.yaml", "--set", "tag=v2"]);
    let stop = run
        .stdout
        .lines()
        .next()
        .unwrap()
        .strip_prefix("::stop-commands::")
        .unwrap();
    assert!(
        run.stdout.trim_end().ends_with(&format!("::{stop}::")),
        "{}",
        run.stdout
    );
}

#[test]
fn gitlab_gets_a_dotenv_report_of_the_same_keys() {
    let bench = Bench::new(&[("v.yaml", "image: acme/web:1.0.0\n")]);
    let dotenv = bench.beside("gitops.env");
    let variables = [
        ("GITLAB_CI", "true"),
        ("CI", "true"),
        ("GITOPS_STEPS_DOTENV", text(&dotenv)),
    ];
    for (tag, changed) in [("1.1.0", "true"), ("1.1.0", "false")] {
        let run = bench
            .bump_with(
                &variables,
                &["--file", "v.yaml", "--image", "acme/web", "--tag", tag],
            )
            .exits(0);
        let report = fs::read_to_string(&dotenv).unwrap();
        let keys: Vec<&str> = report
            .lines()
            .map(|line| line.split_once('=').unwrap().0)
            .collect();
        assert_eq!(keys.len(), 10);
        assert!(
            report.starts_with(&format!("GITOPS_CHANGED={changed}\n")),
            "{report}"
        );
        assert_eq!(run.stdout.contains("section_start:"), changed == "true");
    }
}

#[test]
fn a_wrong_command_line_is_json_too_where_json_was_asked_for() {
    let bench = Bench::new(&[]);
    let variable = [("GITOPS_STEPS_FORMAT", "json")];
    for (variables, arguments) in [
        (&[][..], &["--wrong", "--format", "json"][..]),
        (&[], &["--format=json", "--file", "a", "--app"]),
        (&variable, &["--wrong"]),
        (&[("GITOPS_STEPS_QUIET", "maybe")], &["--format", "json"]),
    ] {
        let run = bench.bump_with(variables, arguments).exits(2);
        let json = run.json();
        assert_eq!(
            (&json["operation"], &json["error"]["exit_code"]),
            (&"failed".into(), &2.into()),
            "{arguments:?}"
        );
        assert!(run.stderr.contains("error: "), "{}", run.stderr);
    }
    for arguments in [
        &["--wrong"][..],
        &["--wrong", "--format", "text"],
        &["--wrong", "--", "--format=json"],
    ] {
        assert_eq!(bench.bump(arguments).exits(2).stdout, "", "{arguments:?}");
    }
    let overruled = bench.bump_with(&variable, &["--wrong", "--format", "text"]);
    assert_eq!(overruled.exits(2).stdout, "");
}

#[test]
fn a_result_that_could_not_be_written_stops_the_run_before_it_changes_anything() {
    let bench = Bench::new(&[("v.yaml", "tag: v1\n"), ("dir/keep", "")]);
    let nowhere = bench.beside("nowhere").join("result");
    for flag in ["--result-file", "--dotenv"] {
        for (place, why) in [
            (text(&nowhere), "does not exist"),
            ("v.yaml/result", "is no folder"),
            ("dir", "it is a folder"),
            ("new/", "it is a folder"),
        ] {
            let (run, outputs, _) = on_github(&bench, &["--file", "v.yaml", "--set", "tag=v2", flag, place]);
            let run = run.exits(2);
            let errors: Vec<&str> = run
                .stderr
                .lines()
                .filter(|line| line.starts_with("::error"))
                .collect();
            assert!(
                matches!(errors[..], [one] if one.contains(flag) && one.contains(why)),
                "{errors:?}"
            );
            assert_eq!(outputs["operation"], "failed");
            assert_eq!(bench.read("v.yaml"), "tag: v1\n");
        }
    }
    let result = bench.beside("result.json");
    let arguments = [
        "--file",
        "v.yaml",
        "--set",
        "tag=v2",
        "--dotenv",
        "dir",
        "--result-file",
        text(&result),
    ];
    bench.bump(&arguments).exits(2);
    assert!(fs::read_to_string(result).unwrap().contains("it is a folder"));
}
