//! Runs a job as GitLab's runner does: its variables expanded and exported, its scripts one after the other in one
//! shell that stops at the first failure, its dotenv report read at the end.

use std::collections::BTreeMap;
use std::process::Command;

use serde_yaml::{Mapping, Value};

use super::pipeline::{Pipeline, scalar};
use crate::support::cli::{Bench, HERMETIC, Run};

/// How a job ended.
pub struct Ended {
    pub run: Run,
    /// The variables that later jobs see.
    pub dotenv: BTreeMap<String, String>,
}

/// Runs a job in a folder. `project` are CI's own variables and those of the project's settings, `trigger` those of the
/// trigger: the latter win over the job's, as GitLab's precedence has it.
pub fn run(
    pipeline: &Pipeline,
    name: &str,
    bench: &Bench,
    project: &[(&str, &str)],
    trigger: &[(&str, &str)],
) -> Ended {
    let job = pipeline.job(name).unwrap();
    let mut variables: BTreeMap<String, String> = BTreeMap::new();
    for (variable, value) in job.get("variables").and_then(Value::as_mapping).unwrap() {
        variables.insert(variable.as_str().unwrap().to_owned(), scalar(value));
    }
    for (variable, value) in project.iter().chain(trigger) {
        variables.insert((*variable).to_owned(), (*value).to_owned());
    }
    let expanded: Vec<(&String, String)> = variables
        .iter()
        .map(|(variable, value)| (variable, expand(value, &variables)))
        .collect();
    let mut command = Command::new("sh");
    command
        .args(["-e", "-c", &script(&job)])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", bench.beside("home"))
        .envs(HERMETIC)
        .envs(expanded)
        .current_dir(bench.repo());
    let run = Run::from(command.output().unwrap());
    let report = job["artifacts"]["reports"]["dotenv"].as_str().unwrap();
    assert_eq!(job["artifacts"]["when"], "always");
    let dotenv = std::fs::read_to_string(bench.repo().join(report)).unwrap_or_default();
    Ended {
        run,
        dotenv: report_of(&dotenv),
    }
}

/// The lines of `before_script` and `script`.
fn script(job: &Mapping) -> String {
    let lines = |key: &str| -> Vec<String> {
        let list = job
            .get(key)
            .and_then(Value::as_sequence)
            .cloned()
            .unwrap_or_default();
        list.iter().map(scalar).collect()
    };
    [lines("before_script"), lines("script")].concat().join("\n")
}

/// Replaces `$NAME` and `${NAME}`; an unknown one is empty, and `$$` is a dollar.
fn expand(value: &str, variables: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('$') {
        out.push_str(before);
        let word = |text: &str| -> usize {
            let part = |one: char| one.is_ascii_alphanumeric() || one == '_';
            text.find(|one| !part(one)).unwrap_or(text.len())
        };
        let (name, left) = match after.strip_prefix('{') {
            Some(braced) => (&braced[..word(braced)], braced[word(braced)..].strip_prefix('}')),
            None => (&after[..word(after)], Some(&after[word(after)..])),
        };
        match left {
            _ if after.starts_with('$') => {
                out.push('$');
                rest = &after[1..];
            }
            Some(left) if !name.is_empty() => {
                out.push_str(variables.get(name).map_or("", String::as_str));
                rest = left;
            }
            _ => {
                out.push('$');
                rest = after;
            }
        }
    }
    out + rest
}

/// Reads a dotenv report, with the limits of a self-managed GitLab.
fn report_of(text: &str) -> BTreeMap<String, String> {
    assert!(text.len() <= 5 * 1024, "the report has {} bytes", text.len());
    let mut variables = BTreeMap::new();
    for line in text.lines() {
        let (key, value) = line
            .split_once('=')
            .unwrap_or_else(|| panic!("no variable: {line:?}"));
        let fits = |one: char| one.is_ascii_alphanumeric() || one == '_';
        assert!(!key.is_empty() && key.chars().all(fits), "{line:?}");
        variables.insert(key.to_owned(), value.to_owned());
    }
    assert!(variables.len() <= 20, "{} variables", variables.len());
    variables
}
