//! A runner: reads an `action.yml` as GitHub's does, runs its steps in bash, and reads what they leave.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_yaml::Value;
use tempfile::TempDir;

use super::expression;
use crate::support::cli::{HERMETIC, text};
use crate::support::secret;

/// A job on a runner of its own.
pub struct Job {
    folder: TempDir,
    /// The folder of the action.
    pub action: PathBuf,
    /// The runner's own variables, which no expression sees.
    pub variables: BTreeMap<String, String>,
    /// The `env` of the workflow, the job and the step.
    pub env: BTreeMap<String, String>,
    /// `github.token`.
    pub token: String,
}

/// How a step that uses the action ended.
#[derive(Debug)]
pub struct Done {
    pub code: i32,
    pub outputs: BTreeMap<String, String>,
    pub summary: String,
    pub log: String,
    /// What was put on the PATH of later steps.
    pub path: Vec<String>,
}

/// What one step of the action leaves.
struct Left {
    code: i32,
    outputs: BTreeMap<String, String>,
    log: String,
    summary: String,
    path: String,
}

impl Job {
    /// A job that uses this project's action, with the binary under test.
    pub fn new() -> Self {
        let mut job = Self::using(Path::new(env!("CARGO_MANIFEST_DIR")));
        let binary = env!("CARGO_BIN_EXE_gitops-steps").to_owned();
        job.env.insert("GITOPS_STEPS_BINARY_PATH".into(), binary);
        job
    }

    /// A job that uses the action in a folder.
    pub fn using(action: &Path) -> Self {
        let folder = TempDir::new().unwrap();
        for name in ["home", "work", "temp", "tools", "files"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let at = |name: &str| text(&folder.path().join(name)).to_owned();
        let mut variables: BTreeMap<String, String> =
            HERMETIC.map(|(name, value)| (name.into(), value.into())).into();
        for (name, value) in [
            ("PATH", std::env::var("PATH").unwrap()),
            ("HOME", at("home")),
            ("CI", "true".to_owned()),
            ("GITHUB_ACTIONS", "true".to_owned()),
            ("GITHUB_WORKSPACE", at("work")),
            ("GITHUB_REPOSITORY", "acme/deploy".to_owned()),
            ("GITHUB_REF", "refs/heads/main".to_owned()),
            ("GITHUB_RUN_ID", "4711".to_owned()),
            ("RUNNER_TEMP", at("temp")),
            ("RUNNER_TOOL_CACHE", at("tools")),
        ] {
            variables.insert(name.into(), value);
        }
        Self {
            folder,
            action: action.to_owned(),
            variables,
            env: BTreeMap::new(),
            token: String::new(),
        }
    }

    /// A folder of the runner: `work`, `tools`, `temp` or `home`.
    pub fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: &str) {
        let path = self.at("work").join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.at("work").join(name)).unwrap()
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    /// Puts commands of the test's own before all others, each as the lines of a shell script.
    pub fn with_commands(&mut self, commands: &[(&str, &str)]) {
        let folder = self.at("commands");
        fs::create_dir_all(&folder).unwrap();
        for (name, lines) in commands {
            executable(&folder.join(name), lines);
        }
        let path = format!("{}:{}", text(&folder), self.variables["PATH"]);
        self.set("PATH", &path);
    }

    /// Runs a step that uses the action with some inputs. All others arrive empty, as the runner has it.
    pub fn uses(&self, with: &[(&str, &str)]) -> Done {
        let action: Value =
            serde_yaml::from_str(&fs::read_to_string(self.action.join("action.yml")).unwrap()).unwrap();
        assert_eq!(action["runs"]["using"], "composite");
        let mut inputs: BTreeMap<&str, &str> = BTreeMap::new();
        for (name, declared) in action["inputs"].as_mapping().unwrap() {
            inputs.insert(
                name.as_str().unwrap(),
                declared["default"].as_str().unwrap_or_default(),
            );
        }
        for (name, value) in with {
            assert!(inputs.insert(name, value).is_some(), "there is no input `{name}`");
        }
        let mut steps: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
        let mut done = Done {
            code: 0,
            outputs: BTreeMap::new(),
            summary: String::new(),
            log: String::new(),
            path: Vec::new(),
        };
        for step in action["runs"]["steps"].as_sequence().unwrap() {
            let look_up = |name: &str| self.look_up(&inputs, &steps, name);
            if let Some(condition) = step["if"].as_str()
                && !expression::condition(condition, look_up)
            {
                continue;
            }
            let left = self.run(step, look_up);
            done.code = left.code;
            done.log.push_str(&left.log);
            done.summary.push_str(&left.summary);
            done.path.extend(left.path.lines().map(str::to_owned));
            steps.insert(step["id"].as_str().unwrap().to_owned(), left.outputs);
            if done.code != 0 {
                break;
            }
        }
        for (name, output) in action["outputs"].as_mapping().unwrap() {
            let value = output["value"].as_str().unwrap();
            let value = expression::value(value, |name| self.look_up(&inputs, &steps, name));
            done.outputs.insert(name.as_str().unwrap().to_owned(), value);
        }
        let shown = done.log.lines().filter(|line| !line.starts_with("::add-mask::"));
        secret::is_absent(&shown.collect::<Vec<_>>().join("\n"));
        done
    }

    fn look_up(
        &self,
        inputs: &BTreeMap<&str, &str>,
        steps: &BTreeMap<String, BTreeMap<String, String>>,
        name: &str,
    ) -> String {
        let found = match name.split('.').collect::<Vec<_>>()[..] {
            ["inputs", name] => {
                Some((*inputs.get(name).unwrap_or_else(|| panic!("no input `{name}`"))).to_owned())
            }
            ["env", name] => self.env.get(name).cloned(),
            ["github", "token"] => Some(self.token.clone()),
            ["steps", step, "outputs", output] => steps.get(step).and_then(|all| all.get(output)).cloned(),
            _ => panic!("`{name}` is nothing that the action may look up"),
        };
        found.unwrap_or_default()
    }

    fn run(&self, step: &Value, look_up: impl Fn(&str) -> String) -> Left {
        let script = step["run"].as_str().unwrap();
        assert!(
            !script.contains("${{"),
            "what a user gives must never be part of a script: {script}"
        );
        assert_eq!(step["shell"], "bash");
        let files = self.folder.path().join("files");
        let file = |name: &str| files.join(name);
        fs::write(file("script.sh"), script).unwrap();
        let mut command = Command::new("bash");
        command
            .args(["--noprofile", "--norc", "-e", "-o", "pipefail"])
            .arg(file("script.sh"))
            .current_dir(self.at("work"))
            .env_clear()
            .envs(&self.variables)
            .envs(&self.env)
            .env("GITHUB_ACTION_PATH", &self.action);
        for (name, value) in step["env"].as_mapping().into_iter().flatten() {
            let value = expression::value(value.as_str().unwrap(), &look_up);
            command.env(name.as_str().unwrap(), value);
        }
        for name in ["OUTPUT", "PATH", "ENV", "STATE", "STEP_SUMMARY"] {
            fs::write(file(name), "").unwrap();
            command.env(format!("GITHUB_{name}"), file(name));
        }
        let output = command.output().unwrap();
        let log = [output.stdout, output.stderr].concat();
        let log = String::from_utf8(log).unwrap();
        let read = |name: &str| fs::read_to_string(file(name)).unwrap();
        assert_eq!(
            read("ENV"),
            "",
            "the action must leave the environment of later steps alone"
        );
        let mut outputs = outputs(&read("OUTPUT"));
        outputs.extend(commanded(&log));
        Left {
            code: output.status.code().unwrap(),
            outputs,
            log,
            summary: read("STEP_SUMMARY"),
            path: read("PATH"),
        }
    }
}

impl Done {
    /// Checks the exit code, showing the log if it differs.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.log);
        self
    }

    /// Checks that the log holds some words.
    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.log.contains(words), "`{words}` is not in:\n{}", self.log);
        self
    }

    /// The lines that the runner obeys.
    pub fn workflow_commands(&self) -> Vec<&str> {
        obeyed(&self.log)
    }
}

/// Makes a shell script that can be run.
pub fn executable(path: &Path, lines: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, format!("#!/bin/sh\n{lines}\n")).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Reads `$GITHUB_OUTPUT`: `name=value`, or `name<<delimiter` and the lines up to it.
fn outputs(content: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut lines = content.lines();
    while let Some(line) = lines.next() {
        let (at, is_block) = match (line.find('='), line.find("<<")) {
            (Some(equal), Some(block)) if equal < block => (equal, false),
            (_, Some(block)) => (block, true),
            (Some(equal), None) => (equal, false),
            (None, None) => panic!("the runner cannot read the output `{line}`"),
        };
        let value = if is_block {
            let delimiter = &line[at + 2..];
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
            block.join("\n")
        } else {
            line[at + 1..].to_owned()
        };
        found.insert(line[..at].to_owned(), value);
    }
    found
}

/// The outputs that a line of the log sets, by the old command that the runner still obeys.
fn commanded(log: &str) -> BTreeMap<String, String> {
    let command = |line: &str| {
        // The oldest form counts anywhere in a line that is no command of the newer form.
        let rest = match line.trim_start().strip_prefix("::") {
            Some(newer) => newer.strip_prefix("set-output name=")?.split_once("::"),
            None => line.split_once("##[set-output name=")?.1.split_once(']'),
        };
        rest.map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    obeyed(log).into_iter().filter_map(command).collect()
}

/// The lines of a log that are commands, but those between `::stop-commands::` and its end.
fn obeyed(log: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut lines = log.lines();
    while let Some(line) = lines.next() {
        if let Some(token) = line.strip_prefix("::stop-commands::") {
            assert!(
                lines.any(|line| line == format!("::{token}::")),
                "commands stay stopped: {log}"
            );
        } else if line.trim_start().starts_with("::") || line.contains("##[") {
            found.push(line);
        }
    }
    found
}
