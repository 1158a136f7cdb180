//! Tells a story: runs the blocks of its page in turn, and plays the people and programs that it speaks of.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::expression;
use super::page::{Block, Kind, blocks, is_as_shown};
use super::support::cli::{Run, of_system, text};
use super::support::github::{self, Grant, Workflow};
use super::support::gitlab;
use super::support::registry::FakeRegistry;

/// The token that may do everything at the forge.
const TOKEN: &str = "s3cret-of-the-story";
/// A program that is played: it says what it was asked.
const STAND_IN: &str = "#!/bin/sh\nprintf '%s\\n' \"${0##*/} $*\" >>\"$HOME/asked\"\n";

/// The repositories whose workflows the stories tell of.
const REPOS: [&str; 2] = ["acme/deploy", "acme/web"];

/// The forge of a story.
pub enum Forge {
    Hub(Box<github::Fake>),
    Lab(Box<gitlab::Fake>),
}

/// A story that is being told.
pub struct Teller {
    folder: TempDir,
    forge: Forge,
    registry: FakeRegistry,
    /// The workflows that the forge knows of, by repository and file.
    workflows: RefCell<BTreeSet<String>>,
}

impl Teller {
    /// Begins in an empty folder, with a forge without repositories and a registry without images.
    pub fn at(forge: Forge) -> Self {
        let teller = Self {
            folder: TempDir::new().unwrap(),
            forge,
            registry: FakeRegistry::start(),
            workflows: RefCell::default(),
        };
        for folder in ["home", "bin", "work"] {
            fs::create_dir(teller.path(folder)).unwrap();
        }
        for program in ["docker", "gh", "glab"] {
            let program = teller.path("bin").join(program);
            fs::write(&program, STAND_IN).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let binary = Path::new(env!("CARGO_BIN_EXE_gitops-steps"));
        std::os::unix::fs::symlink(binary, teller.path("bin").join("gitops-steps")).unwrap();
        match &teller.forge {
            Forge::Hub(hub) => hub.token(TOKEN, Grant::person("ann")),
            Forge::Lab(lab) => lab.token(TOKEN, gitlab::Grant::everything("ann")),
        }
        fs::write(teller.path("home/.gitconfig"), teller.git_configuration()).unwrap();
        teller
    }

    /// Runs a page, and holds the world against what it shows.
    pub fn tell(&self, page: &str) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/stories");
        let file = folder.join(page);
        let told = fs::read_to_string(&file).unwrap();
        let mut truth = told.clone();
        let mut printed = String::new();
        for block in blocks(&told) {
            let at = format!("docs/stories/{page}:{}", block.line);
            match &block.kind {
                Kind::Run => {
                    let run = self.sh(&block.text);
                    assert_eq!(
                        run.code, 0,
                        "{at}\n{}--- stdout\n{}\n--- stderr\n{}",
                        block.text, run.stdout, run.stderr
                    );
                    printed = run.stdout;
                    self.play(&at);
                    self.learn_workflows();
                }
                Kind::Prints if is_as_shown(&block.text, &printed) => {}
                Kind::Prints if blesses() => hold(&printed, &block, &at, &mut truth),
                Kind::Prints => {
                    panic!("{at}: it printed\n{printed}\nand not\n{}", block.text);
                }
                Kind::Tree(repo) => {
                    let (repo, branch) = self.clone_of(repo);
                    let tree = self.git(&repo, &format!("ls-tree -r --name-only {branch}"));
                    hold(&tree, &block, &at, &mut truth);
                }
                Kind::File(repo, path) => {
                    let (repo, branch) = self.clone_of(repo);
                    let content = self.git(&repo, &format!("show {branch}:{path}"));
                    let content = content.replace(&self.registry.host(), "localhost:5000");
                    hold(&content, &block, &at, &mut truth);
                }
            }
        }
        if told != truth {
            fs::write(&file, truth).unwrap();
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs a block. What it exports and where it goes, the next one finds.
    fn sh(&self, script: &str) -> Run {
        let (state, cwd) = (self.path("home/state"), self.path("home/cwd"));
        let script = format!(
            "if [ -f {0} ]; then . {0}; fi\n{script}\nexport -p >{0}\npwd >{1}\n",
            text(&state),
            text(&cwd)
        );
        let folder = fs::read_to_string(&cwd).map_or(self.path("work"), |cwd| PathBuf::from(cwd.trim_end()));
        let mut command = self.command(Path::new("bash"));
        command
            .args(["--noprofile", "--norc", "-eu", "-o", "pipefail", "-c", &script])
            .current_dir(folder)
            .env("GITOPS_STEPS_API_URL", self.api_url());
        Run::from(command.output().unwrap())
    }

    /// A program in the story's own world.
    fn command(&self, program: &Path) -> Command {
        let path = format!("{}:{}", text(&self.path("bin")), std::env::var("PATH").unwrap());
        let mut command = Command::new(program);
        command
            .current_dir(self.path("work"))
            .env_clear()
            .envs(of_system())
            .env("PATH", path)
            .env("HOME", self.path("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("REGISTRY", self.registry.host())
            .env("GITOPS_STEPS_TOKEN", TOKEN);
        command
    }

    /// A fresh copy of a repository, by a path of the work folder or its name at the forge, and the branch that is named.
    fn clone_of(&self, repo: &str) -> (PathBuf, String) {
        let (repo, branch) = repo.split_once(':').unwrap_or((repo, "main"));
        let local = self.path("work").join(repo);
        let address = if local.exists() {
            text(&local).to_owned()
        } else {
            match &self.forge {
                Forge::Hub(hub) => hub.git_url(repo),
                Forge::Lab(lab) => lab.git_url(repo),
            }
        };
        let copy = tempfile::tempdir_in(self.folder.path())
            .unwrap()
            .keep()
            .join("copy.git");
        self.git(
            self.folder.path(),
            &format!("clone --quiet --bare {address} {}", text(&copy)),
        );
        (copy, branch.to_owned())
    }

    fn git(&self, folder: &Path, arguments: &str) -> String {
        let output = Command::new("git")
            .args(arguments.split(' '))
            .current_dir(folder)
            .env_clear()
            .envs(of_system())
            .env("HOME", self.path("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Does what the programs were asked for that are played.
    fn play(&self, at: &str) {
        let asked = self.path("home/asked");
        let lines = fs::read_to_string(&asked).unwrap_or_default();
        fs::remove_file(&asked).ok();
        for line in lines.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            match words[..] {
                ["docker", "build" | "login", ..] => {}
                ["gh", "run", "watch", "--repo", repo] => self.run_started(at, repo),
                ["gh", "workflow", "run", file, "--repo", repo, ..] => {
                    let given = words[6..].iter().filter_map(|word| word.split_once('='));
                    let inputs: Value = given
                        .map(|(name, value)| (name.to_owned(), json!(value)))
                        .collect();
                    let event = json!({"inputs": inputs});
                    self.run_workflow(at, repo, file, "workflow_dispatch", &event);
                }
                ["docker", "push", image] => self.push(image),
                ["gh", "pr", deed, number, "--repo", repo, ..] => {
                    self.at_hub(deed, number, repo, &words[6..])
                }
                ["glab", "mr", deed, number, "--repo", repo, ..] => self.at_lab(deed, number, repo),
                _ => panic!("{at}: nobody plays `{line}`"),
            }
        }
    }

    /// Runs the workflow that the last event started.
    fn run_started(&self, at: &str, repo: &str) {
        let Forge::Hub(hub) = &self.forge else {
            panic!("this story is not at GitHub")
        };
        let runs = hub.runs(repo);
        let run = runs
            .last()
            .unwrap_or_else(|| panic!("{at}: nothing was started in {repo}"));
        let file = run["workflow"].as_str().unwrap().to_owned();
        let name = run["event"].as_str().unwrap().to_owned();
        self.run_workflow(at, repo, &file, &name, &run["event_file"]);
    }

    /// Runs those steps of a workflow that are ours, as the Action does.
    fn run_workflow(&self, at: &str, repo: &str, file: &str, event_name: &str, event: &Value) {
        let (copy, _) = self.clone_of(repo);
        let workflow = self.git(&copy, &format!("show main:.github/workflows/{file}"));
        let workflow: Value = serde_yaml::from_str(&workflow).unwrap();
        let sha = self.git(&copy, "rev-parse main");
        let github = json!({
            "repository": repo, "repository_owner": repo.split('/').next(), "event": event, "event_name": event_name,
            "token": TOKEN, "sha": sha.trim_end(), "ref_name": "main",
        });
        let inputs = event.get("inputs").cloned().unwrap_or(Value::Null);
        let context = json!({"github": github, "inputs": inputs, "vars": {}, "secrets": {}, "needs": {}});
        let event_file = self.path("home/event.json");
        fs::write(&event_file, event.to_string()).unwrap();
        let mut ran = 0;
        for (_, job) in workflow["jobs"].as_object().unwrap() {
            for step in job["steps"].as_array().unwrap() {
                if step["uses"]
                    .as_str()
                    .is_some_and(|uses| uses.starts_with("org/gitops-steps@"))
                {
                    self.run_step(at, repo, step, &context, &event_file);
                    ran += 1;
                }
            }
        }
        assert!(ran > 0, "{at}: no step of {file} is ours");
    }

    fn run_step(&self, at: &str, repo: &str, step: &Value, context: &Value, event: &Path) {
        let filled =
            |value: &Value| expression::filled(value.as_str().unwrap_or(&value.to_string()), context);
        let mut command = self.command(Path::new(env!("CARGO_BIN_EXE_gitops-steps")));
        command.env_remove("GITOPS_STEPS_TOKEN");
        for (name, value) in step["with"].as_object().unwrap() {
            let name = name.replace('-', "_").to_uppercase();
            command.env(format!("GITOPS_STEPS_{name}"), filled(value));
        }
        for (name, value) in step["env"].as_object().into_iter().flatten() {
            command.env(name, filled(value));
        }
        let github = &context["github"];
        let server = match &self.forge {
            Forge::Hub(hub) => hub.url().to_owned(),
            Forge::Lab(_) => unreachable!("only GitHub has workflows"),
        };
        command
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_SERVER_URL", server)
            .env("GITHUB_API_URL", self.api_url())
            .env("GITHUB_REPOSITORY", repo)
            .env("GITHUB_EVENT_PATH", event)
            .env("GITHUB_SHA", github["sha"].as_str().unwrap())
            .env("GITHUB_ACTOR", "ann");
        let run = Run::from(command.output().unwrap());
        assert_eq!(run.code, 0, "{at}: {}\n{}", step["with"], run.stderr);
    }

    /// Tells the forge which workflows its repositories have, as GitHub reads them from the default branch.
    fn learn_workflows(&self) {
        let Forge::Hub(hub) = &self.forge else { return };
        for repo in REPOS.into_iter().filter(|repo| hub.path(repo).exists()) {
            let listed = super::support::git_server::git(&hub.path(repo))
                .args(["ls-tree", "-r", "--name-only", "main", ".github/workflows"])
                .output()
                .unwrap();
            for path in String::from_utf8(listed.stdout).unwrap().lines() {
                let text = hub.file(repo, "main", path).unwrap();
                let workflow: Value = serde_yaml::from_str(&text).unwrap();
                let file = path.rsplit('/').next().unwrap();
                let types = workflow["on"]["repository_dispatch"]["types"].as_array().cloned();
                for event in types.into_iter().flatten() {
                    if self.workflows.borrow_mut().insert(format!("{repo} {file}")) {
                        hub.workflow(repo, Workflow::on_event(file, event.as_str().unwrap()));
                    }
                }
            }
        }
    }

    /// A person's deed at a pull request.
    fn at_hub(&self, deed: &str, number: &str, repo: &str, rest: &[&str]) {
        let Forge::Hub(hub) = &self.forge else {
            panic!("this story is not at GitHub")
        };
        let number: u64 = number.parse().unwrap();
        match (deed, rest) {
            ("merge", _) => {
                hub.merge(repo, number);
            }
            ("close", _) => hub.close(repo, number, "ann"),
            _ => panic!("nobody plays gh pr {deed} {rest:?}"),
        }
    }

    /// A person's deed at a merge request.
    fn at_lab(&self, deed: &str, number: &str, project: &str) {
        let Forge::Lab(lab) = &self.forge else {
            panic!("this story is not at GitLab")
        };
        let number = number.parse().unwrap();
        match deed {
            "merge" => {
                lab.merge(project, number);
            }
            "close" => lab.close(project, number, "ann"),
            _ => panic!("nobody plays glab mr {deed}"),
        }
    }

    /// Pushes an image of its own for each tag.
    fn push(&self, image: &str) {
        let (_, tag) = image.rsplit_once(':').unwrap();
        let built = format!("2026-11-{:02}T09:00:00Z", self.registry.seen().len() % 28 + 1);
        let digest = self.registry.put_image("amd64", &built);
        self.registry.tag(tag, &digest);
    }

    fn api_url(&self) -> String {
        match &self.forge {
            Forge::Hub(hub) => hub.api_url(),
            Forge::Lab(lab) => lab.api_url(),
        }
    }

    /// Git finds the forge where the page says that it is, with the token.
    fn git_configuration(&self) -> String {
        let (real, here) = match &self.forge {
            Forge::Hub(hub) => ("https://github.com/", hub.git_url("")),
            Forge::Lab(lab) => ("https://gitlab.com/", lab.git_url("")),
        };
        let here = here.trim_end_matches(".git");
        format!(
            "[user]\n\tname = Ann\n\temail = ann@example.com\n[init]\n\tdefaultBranch = main\n[url \"{here}\"]\n\t\
             insteadOf = {real}\n[credential]\n\thelper = \"!printf 'username=ann\\\\npassword={TOKEN}\\\\n' #\"\n"
        )
    }
}

/// Holds what there is against what a page shows, or lets the page show it.
fn hold(there: &str, block: &Block, at: &str, page: &mut String) {
    if !blesses() {
        assert_eq!(there, block.text, "{at}");
        return;
    }
    // The block is the first one from its line on that has this text.
    let fence: usize = page
        .split_inclusive('\n')
        .scan(0, |end, line| {
            *end += line.len();
            Some(*end)
        })
        .nth(block.line + page.lines().count() - block.lines_of_page - 1)
        .unwrap();
    page.replace_range(fence..fence + block.text.len(), there);
}

/// Whether pages are to show what there is (`CONTRIBUTING.md`).
fn blesses() -> bool {
    std::env::var_os("GITOPS_STEPS_BLESS").is_some()
}
