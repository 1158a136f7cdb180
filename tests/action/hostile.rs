//! Whatever stands in an input, it is text: nothing of it runs, sets an output or steers the runner.

use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use gitops_steps::command::cli::Cli;
use serde_yaml::Value;

use super::commands::job_at_github;
use super::runner::{Done, Job};
use crate::support::cli::text;

/// What a hostile branch, title or payload may bring. Each would leave a file `ran` behind, or an output.
const HOSTILE: [&str; 7] = [
    "$(touch ran)",
    "`touch ran`",
    "'; touch ran; '",
    "\"; touch ran; \" | touch ran && touch ran",
    "x\n::set-output name=changed::hacked\n::error::hacked\n::add-path::hacked\n##[set-output name=changed]hacked\n",
    "x\nEOF\nchanged=hacked\nchanged<<EOF\nhacked\nEOF\n",
    "${{ github.token }} %0A::set-output name=changed::hacked $IFS ~ * \\",
];

/// The inputs of the action.
fn inputs() -> Vec<String> {
    let action = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("action.yml")).unwrap();
    let action: Value = serde_yaml::from_str(&action).unwrap();
    let names = action["inputs"].as_mapping().unwrap().keys();
    names.map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// The first command that takes an input.
fn command_of(input: &str) -> &'static str {
    [
        "bump-values",
        "open-promotion-pr",
        "dispatch-deploy",
        "deployment-status",
    ]
    .into_iter()
    .find(|name| {
        let command = Cli::command();
        let command = command.find_subcommand(name).unwrap();
        command.get_arguments().any(|flag| flag.get_long() == Some(input))
    })
    .unwrap_or("bump-values")
}

/// Checks that a run was of no use to whoever wrote the input.
fn was_text(job: &Job, done: &Done, case: &str) {
    for (name, value) in &done.outputs {
        let is_told = ["old", "new", "reason", "files"].contains(&name.as_str());
        assert!(
            is_told || !value.contains("hacked"),
            "{case}: {name} is {value}\n{}",
            done.log
        );
    }
    assert_ne!(done.outputs["changed"], "hacked", "{case}");
    for command in done.workflow_commands() {
        let ours = ["::error ", "::warning ", "::notice ", "::add-mask::"];
        assert!(
            ours.iter().any(|start| command.starts_with(start)),
            "{case}: {command}"
        );
    }
    for folder in ["work", "home", "temp", "tools"] {
        assert!(!holds_ran(&job.at(folder)), "{case}: it ran\n{}", done.log);
    }
    assert!(done.path.is_empty(), "{case}: {:?}", done.path);
}

fn holds_ran(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().map(Result::unwrap).any(|entry| {
        entry.file_name() == "ran" || entry.file_type().unwrap().is_dir() && holds_ran(&entry.path())
    })
}

fn valid(command: &str) -> Vec<(&str, &str)> {
    let mut with = vec![
        ("command", command),
        ("app", "web"),
        ("env", "dev"),
        ("tag", "1.1.0"),
    ];
    with.push(match command {
        "dispatch-deploy" => ("to", "github:acme/deploy"),
        "deployment-status" => ("state", "success"),
        _ => ("config-repo", "github:acme/deploy"),
    });
    with
}

#[test]
fn a_hostile_input_is_only_text() {
    let (_hub, job) = job_at_github();
    for input in inputs() {
        let command = command_of(&input);
        for hostile in HOSTILE {
            let mut with = valid(command);
            with.retain(|(name, _)| *name != input);
            with.push((&input, hostile));
            let done = job.uses(&with);
            was_text(&job, &done, &format!("{input}: {hostile}"));
        }
    }
}

#[test]
fn a_hostile_place_for_the_binary_is_only_text_to_any_shell() {
    for shell in super::install::shells() {
        for variable in ["BINARY_PATH", "DOWNLOAD_BASE", "FROM_SOURCE", "COMMAND"] {
            for hostile in HOSTILE {
                let release = super::release::Release::new();
                let mut job = Job::using(&release.action());
                job.set("GITOPS_STEPS_DOWNLOAD_BASE", &release.base());
                job.set(&format!("GITOPS_STEPS_{variable}"), hostile);
                let done = super::install::installed_by(&shell, &job);
                let case = format!("{shell:?} {variable}: {hostile}");
                assert_eq!(done.code == 0, variable == "COMMAND", "{case}: {}", done.log);
                let obeyed = done
                    .log
                    .lines()
                    .filter(|line| line.trim_start().starts_with("::"));
                for command in obeyed {
                    assert!(
                        command.starts_with("::error title=gitops-steps::"),
                        "{case}: {command}"
                    );
                }
                for folder in ["work", "home", "temp", "tools"] {
                    assert!(!holds_ran(&job.at(folder)), "{case}: it ran");
                }
            }
        }
    }
}

#[test]
fn a_binary_with_a_hostile_name_cannot_set_another_output() {
    let job = Job::new();
    let name = "x\nbinary=hacked";
    super::runner::executable(&job.at("work").join(name), "touch ran");
    let done = job
        .uses(&[("command", "bump-values"), ("binary-path", name)])
        .exits(2);
    was_text(&job, &done, text(&job.at("work")));
}
