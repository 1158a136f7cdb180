//! An app's repository: a bare one, and a clone of it to run in.

use std::fs;
use std::path::PathBuf;

use crate::support::cli::{Bench, Run};
use crate::support::git_server::{git, git_says};

/// What CI sets.
pub const CI: (&str, &str) = ("CI", "true");

pub struct App {
    pub bench: Bench,
}

impl App {
    /// One commit, and no tag.
    pub fn new() -> Self {
        Self {
            bench: Bench::cloned(&[("README.md", "shop\n")]),
        }
    }

    /// With a tag on the first commit.
    pub fn tagged(tag: &str) -> Self {
        let app = Self::new();
        app.tag(tag);
        app
    }

    pub fn git(&self, arguments: &[&str]) -> String {
        git_says(&self.bench.repo(), arguments)
    }

    pub fn folder(&self) -> PathBuf {
        self.bench.repo()
    }

    /// Makes a commit that changes nothing, and pushes it; returns its id.
    pub fn commit(&self, message: &str) -> String {
        self.commit_in(None, message)
    }

    /// Makes a commit that changes a file, and pushes it.
    pub fn commit_in(&self, file: Option<&str>, message: &str) -> String {
        if let Some(file) = file {
            let old = fs::read_to_string(self.folder().join(file)).unwrap_or_default();
            self.bench.write(file, &format!("{old}x"));
        }
        self.git(&["add", "--all"]);
        // Too long for an argument, perhaps.
        let message = self.bench.write_beside("message", message);
        let made = git(&self.folder())
            .args(["commit", "--quiet", "--allow-empty", "--allow-empty-message"])
            .args(["--cleanup=verbatim", "--file", &message])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        self.git(&["push", "--quiet", "origin", "HEAD"]);
        self.head()
    }

    pub fn head(&self) -> String {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Tags HEAD, and pushes the tag.
    pub fn tag(&self, name: &str) {
        self.git(&["tag", name]);
        self.git(&["push", "--quiet", "origin", name]);
    }

    /// The tags of the origin, each with its commit.
    pub fn pushed(&self) -> Vec<String> {
        let format = "--format=%(refname:short) %(objecttype) %(if)%(*objectname)%(then)%(*objectname)%(else)%(objectname)%(end)";
        let tags = git_says(&self.bench.origin(), &["for-each-ref", format, "refs/tags"]);
        tags.lines().map(str::to_owned).collect()
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_with(&[], arguments)
    }

    pub fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
        let mut command = self.bench.command();
        command
            .arg("release")
            .args(arguments)
            .envs(variables.iter().copied());
        Run::from(command.output().unwrap())
    }

    /// What `release next` prints.
    pub fn next(&self, arguments: &[&str]) -> String {
        let run = self.run(&[&["next"], arguments].concat()).exits(0);
        run.stdout.strip_suffix('\n').unwrap_or(&run.stdout).to_owned()
    }
}
