//! The wrappers have the flags of the command line: the GitHub Action, the GitLab template and components, their pages.
//!
//! What lists flags is generated from the command line's own declaration, between `generated:` comments. After a flag
//! has changed: `GITOPS_STEPS_BLESS=1 cargo test packaging`.

mod gitlab;
mod inputs;
mod regions;
mod yaml;

use std::fs;
use std::path::Path;

use clap::CommandFactory as _;
use gitops_steps::command::cli::Cli;
use gitops_steps::command::{docs, variables};
use serde::Deserialize as _;
use serde_yaml::Value;

/// The files with generated parts, beside the components.
const FILES: [&str; 4] = [
    "action.yml",
    "docs/action.md",
    "docs/gitlab.md",
    "gitlab-ci-template.yml",
];

#[test]
fn what_lists_flags_lists_those_of_the_command_line() {
    let components = inputs::COMMANDS.into_iter().map(component);
    for file in FILES.into_iter().map(str::to_owned).chain(components) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(&file);
        let kept = fs::read_to_string(&path).unwrap();
        let current = regions::filled(&kept, part);
        if std::env::var_os("GITOPS_STEPS_BLESS").is_some() {
            fs::write(&path, &current).unwrap();
            continue;
        }
        assert!(
            kept == current,
            "{file} is stale: run GITOPS_STEPS_BLESS=1 cargo test packaging"
        );
    }
}

/// The generated part of a name.
fn part(what: &str) -> String {
    let all = inputs::all;
    match what {
        "action command" => yaml::action_command(),
        "action inputs" => yaml::action_inputs(&all()),
        "action outputs" => yaml::action_outputs(),
        "action variables" => yaml::action_variables(&all()),
        "table of inputs" => yaml::table(&all()),
        "table of job inputs" => gitlab::table(),
        "gitlab commands" => gitlab::commands(),
        "gitlab hidden jobs" => gitlab::hidden_jobs(),
        "gitlab jobs" => gitlab::jobs(),
        "gitlab inputs of all" => gitlab::inputs("all", &all()),
        "gitlab variables of all" => gitlab::variables("all", &all()),
        "manifest" => gitlab::manifest(&read("action/manifest.txt")),
        "installer" => gitlab::installer(&read("action/install.sh")),
        other => gitlab_part(other),
    }
}

/// A part of a component, `gitlab inputs of COMMAND` or `gitlab variables of COMMAND`.
fn gitlab_part(what: &str) -> String {
    let Some(command) = inputs::COMMANDS.into_iter().find(|command| {
        what.strip_suffix(command)
            .is_some_and(|before| before.ends_with(" of "))
    }) else {
        panic!("no part is called `{what}`");
    };
    let flags = inputs::of(command);
    match what.strip_suffix(command) {
        Some("gitlab inputs of ") => gitlab::inputs(command, &flags),
        Some("gitlab variables of ") => gitlab::variables(command, &flags),
        _ => panic!("no part is called `{what}`"),
    }
}

#[test]
fn every_command_that_does_something_to_a_repository_is_in_the_wrappers() {
    let mut root = Cli::command();
    root.build();
    let mut commands: Vec<String> = variables::commands(&root)
        .into_iter()
        .map(|(name, _)| name)
        .collect();
    // These do nothing to a repository.
    commands.retain(|name| !["completions", "man"].contains(&name.as_str()));
    commands.sort();
    let mut wrapped = inputs::COMMANDS.to_vec();
    wrapped.sort_unstable();
    assert_eq!(commands, wrapped);
    let action = read("action.yml");
    for command in wrapped {
        assert!(
            action.contains(command),
            "the input `command` of the action does not name `{command}`"
        );
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

/// The file of a command's component.
fn component(command: &str) -> String {
    format!("templates/{}/template.yml", inputs::word(command))
}

/// The GitLab template and its components, each with its command.
fn gitlab_files() -> Vec<(&'static str, String)> {
    let file = |command| (command, component(command));
    let mut files: Vec<_> = inputs::COMMANDS.into_iter().map(file).collect();
    files.push(("all", "gitlab-ci-template.yml".to_owned()));
    files
}

/// The header and the body of a file for GitLab.
fn halves(file: &str) -> (Value, Value) {
    let text = read(file);
    let half = |document| Value::deserialize(document).unwrap();
    let halves: Vec<Value> = serde_yaml::Deserializer::from_str(&text).map(half).collect();
    let [header, body] = &halves[..] else {
        panic!("{file} is not a header and a body");
    };
    (header.clone(), body.clone())
}

#[test]
fn every_flag_is_an_input_for_gitlab_and_reaches_the_binary_by_its_variable() {
    for (command, file) in gitlab_files() {
        let flags = if command == "all" {
            inputs::all()
        } else {
            inputs::of(command)
        };
        let (header, body) = halves(&file);
        let declared = header["spec"]["inputs"].as_mapping().unwrap();
        // A header may declare 500 (GitLab merge request 264013).
        assert!(declared.len() <= 500, "{file} declares {} inputs", declared.len());
        let mut names: Vec<&str> = flags.iter().map(|flag| flag.name.as_str()).collect();
        names.extend(gitlab::others());
        let has: Vec<&str> = declared.keys().map(|name| name.as_str().unwrap()).collect();
        assert_eq!(has.strip_prefix(&["command"]).unwrap_or(&has), names, "{file}");

        let job = job(command, body);
        for (name, key) in [
            ("stage", "stage"),
            ("job-image", "image"),
            ("rules", "rules"),
            ("resource-group", "resource_group"),
        ] {
            let used = job[key].get(0).unwrap_or(&job[key]);
            assert_eq!(used, &format!("$[[ inputs.{name} ]]"), "{file}: {key}");
        }
        let keys = ["job-name", "stage", "job-image", "rules", "resource-group"];
        for name in names.iter().filter(|name| !keys.contains(name)) {
            let (variable, input) = (variables::name(name), format!("$[[ inputs.{name} ]]"));
            assert_eq!(job["variables"][&variable], input.as_str(), "{file}: {variable}");
        }
    }
}

/// The job that a file for GitLab brings. The template has it behind another, which extends the one of its command.
fn job(command: &str, mut body: Value) -> Value {
    body.apply_merge().unwrap();
    let visible = &body["$[[ inputs.job-name ]]"];
    if command != "all" {
        return visible.clone();
    }
    assert_eq!(
        visible["extends"],
        ".$[[ inputs.command ]]:$[[ inputs.job-name ]]"
    );
    let job = |command: &str| &body[format!(".{command}:$[[ inputs.job-name ]]")];
    for command in inputs::COMMANDS {
        assert_eq!(job(command), job(inputs::COMMANDS[0]), "{command}");
    }
    job(inputs::COMMANDS[0]).clone()
}

#[test]
fn the_jobs_for_gitlab_are_written_the_same() {
    let without = |job: &Value, keys: &[&str]| {
        let mut job = job.as_mapping().unwrap().clone();
        job.retain(|key, _| !keys.contains(&key.as_str().unwrap()));
        job
    };
    let (_, body) = halves("gitlab-ci-template.yml");
    let hidden = body[".gitops-steps"].clone();
    let template = job("all", body);
    for (command, file) in gitlab_files() {
        let job = job(command, halves(&file).1);
        assert_eq!(
            without(&job, &["variables", "environment"]),
            without(&template, &["variables"]),
            "{file}"
        );
        let linked = command == "deployment-status";
        let environment: Value =
            serde_yaml::from_str("{name: \"$[[ inputs.env ]]\", action: verify}").unwrap();
        assert_eq!(job.get("environment"), linked.then_some(&environment), "{file}");
    }
    assert_eq!(
        without(&hidden, &["variables"]),
        without(&template, &["variables", "rules"])
    );
    for (variable, value) in hidden["variables"].as_mapping().unwrap() {
        assert_eq!(value, &template["variables"][variable], "{variable:?}");
    }
    // The artifacts are these files, and a pipeline has no other way to say where the binary comes from.
    for name in ["dotenv", "result-file", "binary-path", "download-base"] {
        assert!(!hidden["variables"][variables::name(name)].is_null(), "{name}");
    }
}

#[test]
fn every_command_is_a_word_and_a_hidden_job_of_the_template() {
    let (header, body) = halves("gitlab-ci-template.yml");
    let mut words = vec![""];
    words.extend(inputs::COMMANDS);
    let options = header["spec"]["inputs"]["command"]["options"]
        .as_sequence()
        .unwrap();
    assert_eq!(
        options
            .iter()
            .map(|word| word.as_str().unwrap())
            .collect::<Vec<_>>(),
        words
    );
    for command in inputs::COMMANDS {
        let job = &body[format!(".gitops-steps-{}", inputs::word(command))];
        assert_eq!(job["extends"], ".gitops-steps");
        assert_eq!(job["variables"]["GITOPS_STEPS_COMMAND"], command);
    }
}

#[test]
fn no_input_is_part_of_a_script() {
    for (_, file) in gitlab_files() {
        let (_, mut body) = halves(&file);
        body.apply_merge().unwrap();
        for (_, job) in body.as_mapping().unwrap() {
            for key in ["before_script", "script", "after_script"] {
                let script = serde_yaml::to_string(&job[key]).unwrap();
                assert!(!script.contains("$[["), "{file}: {script}");
            }
        }
        // Global keywords would reach every job of the user's pipeline.
        for key in ["default", "stages", "workflow", "variables", "include"] {
            assert!(body[key].is_null(), "{file} has the global keyword `{key}`");
        }
    }
}

#[test]
fn the_catalog_takes_all_components() {
    let components = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("templates")).unwrap();
    let mut names: Vec<String> = components
        .map(|one| one.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    let mut commands = inputs::COMMANDS.map(inputs::word).to_vec();
    commands.sort_unstable();
    assert_eq!(names, commands, "one component a command");
    assert!(
        names.len() <= 30,
        "a project of the catalog may have 30 components"
    );
}

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}
