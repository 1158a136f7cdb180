//! The starters as files, and as much of what GitHub makes of them as the tests need.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use super::expression;
use crate::support::cli::{Bench, HERMETIC};

/// What the registry calls the pushed image.
pub const DIGEST: &str = "sha256:6c3c624b58dbbcd3c0dd82b4c53f04194d1247c6eebdaab7c610cf7d66709b3b";
/// How the job's docker behaves: it says what it was asked, the password that it was given, and knows what was pushed.
const DOCKER: &str = "\
#!/bin/sh
printf '%s\\n' \"$*\" >> \"$HOME/asked\"
if [ \"$1\" = login ]; then printf 'password %s\\n' \"$(cat)\" >> \"$HOME/asked\"; fi
if [ \"$1\" = inspect ]; then echo \"ghcr.io/acme/web@$DIGEST_THERE\"; fi
";

/// The variables that the Action makes of a step's inputs, and those that the step sets itself.
pub fn variables(step: &Value, context: &Value) -> Vec<(String, String)> {
    let filled = |value: &Value| match value {
        Value::Bool(flag) => flag.to_string(),
        value => expression::filled(text(value), context),
    };
    let inputs = step["with"].as_object().unwrap().iter();
    let inputs = inputs.map(|(name, value)| {
        let flag = name.replace('-', "_").to_uppercase();
        (format!("GITOPS_STEPS_{flag}"), filled(value))
    });
    let own = step["env"].as_object().cloned().unwrap_or_default();
    let own = own.into_iter().map(|(name, value)| (name, filled(&value)));
    inputs.chain(own).collect()
}

/// The rights that a job's `permissions` give to its token, in the words of the API.
pub fn rights(job: &Value) -> Vec<String> {
    let permissions = job["permissions"].as_object().unwrap().iter();
    let right = |(name, level): (&String, &Value)| format!("{}={}", name.replace('-', "_"), text(level));
    permissions.map(right).collect()
}

/// The one step of a job that is ours.
pub fn our_step(job: &Value) -> &Value {
    let ours = our_steps(job);
    assert_eq!(ours.len(), 1, "{job}");
    ours[0]
}

/// The steps of a job that are ours.
pub fn our_steps(job: &Value) -> Vec<&Value> {
    steps(job).filter(|step| is_ours(step)).collect()
}

pub fn steps(job: &Value) -> impl Iterator<Item = &Value> {
    job["steps"].as_array().unwrap().iter()
}

/// Whether the `if` of a job or a step holds; without one it does.
pub fn runs(one: &Value, context: &Value) -> bool {
    one["if"]
        .as_str()
        .is_none_or(|test| expression::is_true(&expression::value(test, context)))
}

/// What docker is asked by the scripts of a job, and what they hand on. It only says what it was asked, and knows what was
/// pushed.
pub struct Docker {
    pub outputs: BTreeMap<String, String>,
    pub asked: Vec<String>,
}

impl Docker {
    /// Runs the scripts of a job.
    pub fn of(job: &Value, variables: &[(&str, &str)], context: &Value) -> Self {
        let bench = Bench::new(&[]);
        let docker = bench.write_beside("docker", DOCKER);
        let output = bench.write_beside("output", "");
        let home = bench.beside("home");
        fs::set_permissions(&docker, fs::Permissions::from_mode(0o755)).unwrap();
        let folder = Path::new(&docker).parent().unwrap().display().to_string();
        let path = format!("{folder}:{}", std::env::var("PATH").unwrap());
        for step in steps(job).filter(|step| runs(step, context)) {
            let Some(script) = step["run"].as_str() else {
                continue;
            };
            let own = step["env"].as_object().cloned().unwrap_or_default();
            let ran = Command::new("bash")
                .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
                .env_clear()
                .envs(HERMETIC)
                .envs([("PATH", path.as_str()), ("DIGEST_THERE", DIGEST)])
                .env("HOME", &home)
                .envs([("GITHUB_ACTOR", "ann"), ("GITHUB_OUTPUT", &output)])
                .envs(variables.iter().copied())
                .envs(
                    own.iter()
                        .map(|(name, value)| (name, expression::filled(text(value), context))),
                )
                .output()
                .unwrap();
            let said = String::from_utf8_lossy(&ran.stderr).into_owned();
            assert!(ran.status.success(), "{script}\n{said}");
        }
        let written = fs::read_to_string(&output).unwrap();
        let pairs = written.lines().map(|line| line.split_once('=').unwrap());
        let asked = fs::read_to_string(home.join("asked")).unwrap_or_default();
        Self {
            outputs: pairs
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
            asked: asked.lines().map(str::to_owned).collect(),
        }
    }
}

fn is_ours(step: &Value) -> bool {
    step["uses"]
        .as_str()
        .is_some_and(|uses| uses.starts_with("org/gitops-steps@"))
}

/// A starter, as GitHub puts it into a repository whose default branch is `main`.
pub fn starter_named(name: &str) -> Value {
    let text = read(&format!("{name}.yml")).replace("$default-branch", "main");
    serde_yaml::from_str(&text).unwrap()
}

pub fn read(file: &str) -> String {
    fs::read_to_string(folder().join(file)).unwrap()
}

pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("workflow-templates")
}

pub fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text"))
}
