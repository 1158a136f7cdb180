//! Runs the binary in a world of its own: an empty environment, a temporary home and work folder.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Output};

use assert_cmd::Command;
use tempfile::TempDir;

use super::git_server::{bare_repo, git_says};
use super::secret;

/// A folder with files, and the binary to run in it.
pub struct Bench {
    folder: TempDir,
}

/// What a run printed and how it ended.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Bench {
    /// Makes a folder with files.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        fs::create_dir(folder.path().join("home")).unwrap();
        fs::create_dir(folder.path().join("repo")).unwrap();
        let bench = Self { folder };
        for (path, text) in files {
            bench.write(path, text);
        }
        bench
    }

    /// Makes a bare repository beside, whose branch `main` holds files, and a clone of it to run in.
    pub fn cloned(files: &[(&str, &str)]) -> Self {
        let bench = Self::new(&[]);
        bare_repo(&bench.origin(), files);
        git_says(&bench.repo(), &["clone", "--quiet", text(&bench.origin()), "."]);
        bench
    }

    /// The bare repository of [`Bench::cloned`].
    pub fn origin(&self) -> PathBuf {
        self.beside("origin.git")
    }

    /// A file as `main` of the origin has it.
    pub fn pushed(&self, path: &str) -> String {
        git_says(&self.origin(), &["show", &format!("main:{path}")])
    }

    /// All that a run could have changed: the origin's refs, and the clone's HEAD, index and files.
    pub fn state(&self) -> String {
        let refs = git_says(&self.origin(), &["for-each-ref"]);
        let head = git_says(&self.repo(), &["rev-parse", "HEAD"]);
        let files = git_says(&self.repo(), &["status", "--porcelain", "--ignored"]);
        format!("{refs}\n{head}\n{files}")
    }

    /// Writes a file beside the repo and returns its path.
    pub fn write_beside(&self, name: &str, content: &str) -> String {
        fs::write(self.beside(name), content).unwrap();
        text(&self.beside(name)).to_owned()
    }

    /// The folder that the binary runs in.
    pub fn repo(&self) -> PathBuf {
        self.folder.path().join("repo")
    }

    /// A path beside the repo, for results and events.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.repo().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.repo().join(path)).unwrap()
    }

    /// The command, with nothing of the caller's environment but the search path.
    pub fn command(&self) -> Command {
        Command::from_std(self.process())
    }

    /// The same, for a test that does not wait for its end.
    pub fn process(&self) -> Process {
        let mut command = Process::new(env!("CARGO_BIN_EXE_gitops-steps"));
        command
            .env_clear()
            .current_dir(self.repo())
            .env("HOME", self.folder.path().join("home"));
        for (name, value) in HERMETIC {
            command.env(name, value);
        }
        command.envs(of_system());
        command
    }

    /// Runs `bump-values` with arguments.
    pub fn bump(&self, arguments: &[&str]) -> Run {
        self.bump_with(&[], arguments)
    }

    /// Runs `bump-values` with variables and arguments.
    pub fn bump_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
        let mut command = self.command();
        command
            .arg("bump-values")
            .args(arguments)
            .envs(variables.iter().copied());
        Run::from(command.output().unwrap())
    }
}

/// What no program starts without: the search path, and on Windows its own folder and one for temporary files.
pub fn of_system() -> impl Iterator<Item = (&'static str, OsString)> {
    ["PATH", "SystemRoot", "TEMP"]
        .into_iter()
        .filter_map(|name| Some((name, std::env::var_os(name)?)))
}

/// Keeps the machine's git configuration out.
pub const HERMETIC: [(&str, &str); 3] = [
    ("GIT_CONFIG_NOSYSTEM", "1"),
    ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ("GIT_TERMINAL_PROMPT", "0"),
];

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let run = Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        };
        secret::is_absent(&run.stdout);
        // What the runner of GitHub is told to hide, it has to be told.
        let shown = run
            .stderr
            .lines()
            .filter(|line| !line.starts_with("::add-mask::"));
        secret::is_absent(&shown.collect::<Vec<_>>().join("\n"));
        run
    }
}

impl Run {
    /// Checks the exit code, showing all that was printed if it differs.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        );
        self
    }

    /// Checks that the story on standard error holds some words.
    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(
            self.stderr.contains(words),
            "`{words}` is not in:\n{}",
            self.stderr
        );
        self
    }

    /// Checks that nothing that was printed can steer a terminal.
    #[track_caller]
    pub fn prints_plainly(self) -> Self {
        for printed in [&self.stdout, &self.stderr] {
            let steers = |c: char| c.is_control() && c != '\n' && c != '\t';
            assert!(!printed.contains(steers), "{printed:?}");
        }
        self
    }

    /// The result that `--format json` prints.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}:\n{}", self.stdout))
    }
}

/// Makes a path into text.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
