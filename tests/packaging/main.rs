//! The wrappers have the flags of the command line: the GitHub Action, the GitLab template and components, their pages.
//!
//! What lists flags is generated from the command line's own declaration, between `generated:` comments. After a flag
//! has changed: `GITOPS_STEPS_BLESS=1 cargo test --test packaging`.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests touch the world"
)]

mod inputs;
mod regions;
mod yaml;

use std::fs;
use std::path::Path;

use gitops_steps::command::{docs, variables};
use serde_yaml::Value;

/// The files with generated parts.
const FILES: [&str; 2] = ["action.yml", "docs/action.md"];

#[test]
fn what_lists_flags_lists_those_of_the_command_line() {
    for file in FILES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
        let kept = fs::read_to_string(&path).unwrap();
        let current = regions::filled(&kept, part);
        if std::env::var_os("GITOPS_STEPS_BLESS").is_some() {
            fs::write(&path, &current).unwrap();
            continue;
        }
        assert!(
            kept == current,
            "{file} is stale: run GITOPS_STEPS_BLESS=1 cargo test --test packaging"
        );
    }
}

/// The generated part of a name.
fn part(what: &str) -> String {
    let all = inputs::all();
    match what {
        "action inputs" => yaml::action_inputs(&all),
        "action outputs" => yaml::action_outputs(),
        "action variables" => yaml::action_variables(&all),
        "table of inputs" => yaml::table(&all),
        other => panic!("no part is called `{other}`"),
    }
}

#[test]
fn the_outputs_of_the_wrappers_are_those_of_the_binary() {
    let names: Vec<&str> = yaml::OUTPUTS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, docs::outputs());
    let readme = read("README.md");
    for name in names {
        assert!(
            readme.contains(&format!("`{name}`")),
            "the README's table lacks the output `{name}`"
        );
    }
}

#[test]
fn every_input_of_the_action_reaches_the_binary_by_its_variable() {
    let action: Value = serde_yaml::from_str(&read("action.yml")).unwrap();
    let steps = action["runs"]["steps"].as_sequence().unwrap();
    let mut handed = String::new();
    for step in steps {
        handed.push_str(&serde_yaml::to_string(&step["env"]).unwrap());
    }
    for (name, _) in action["inputs"].as_mapping().unwrap() {
        let name = name.as_str().unwrap();
        let variable = variables::name(name);
        assert!(
            handed.contains(&format!("{variable}: ${{{{ inputs.{name} ")),
            "`{name}` is not handed over as {variable}"
        );
    }
}

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}
