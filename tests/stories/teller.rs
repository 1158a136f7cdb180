//! Tells a story: runs the blocks of its page in turn, and plays the people and programs that it speaks of.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use gitops_steps::world::clock::sleep;
use tempfile::TempDir;

use super::page::{Block, Kind, blocks, is_as_shown};
use crate::support::cli::{Run, of_system, text};
use crate::support::github::{self, Grant};
use crate::support::gitlab;
use crate::support::real_registry::RealRegistry;
use crate::support::registry::FakeRegistry;

/// The token that may do everything at the forge.
pub const TOKEN: &str = "s3cret-of-the-story";
/// A program that is played: it says what it was asked, a word a line, waits until that is done, and prints the answer.
const STAND_IN: &str = r#"#!/bin/sh
asked="$HOME/asked/$$"
printf '%s\n' "${0##*/}" "$@" >"$asked.new"
mv "$asked.new" "$asked.ask"
until [ -f "$asked.done" ]; do
  [ -d "$HOME" ] || exit 1
  sleep 0.02
done
cat "$asked.done"
rm "$asked.done"
"#;

/// The organisations, or groups, that there are.
const OWNERS: [&str; 5] = ["acme", "deploys", "ekmsystems", "infra", "ziichat"];

/// The forge of a story.
pub enum Forge {
    Hub(Box<github::Fake>),
    Lab(Box<gitlab::Fake>),
    None,
}

/// The registry of a story: the distribution project's own, where it is there.
pub enum Registry {
    Real(RealRegistry),
    Fake(FakeRegistry),
}

/// A story that is being told.
pub struct Teller {
    folder: TempDir,
    pub(super) forge: Forge,
    pub(super) registry: Registry,
    /// Names that `docker tag` gave, each with the one that it had.
    pub(super) same: RefCell<BTreeMap<String, String>>,
    /// How many images were pushed.
    pub(super) pushed: Cell<u32>,
    /// The workflows that the forge knows of, by repository and file.
    pub(super) workflows: RefCell<BTreeSet<String>>,
}

impl Teller {
    /// Begins in an empty folder, with a forge without repositories and a registry without images. A fake one has room for
    /// one image.
    pub fn at(forge: Forge, image: &str) -> Self {
        let teller = Self {
            folder: TempDir::new().unwrap(),
            forge,
            registry: RealRegistry::where_there_is_one()
                .map_or_else(|| Registry::Fake(FakeRegistry::with_image(image)), Registry::Real),
            same: RefCell::default(),
            pushed: Cell::new(0),
            workflows: RefCell::default(),
        };
        for folder in ["home", "home/asked", "bin", "work"] {
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
            Forge::Hub(hub) => {
                hub.token(TOKEN, Grant::person("ann"));
                for owner in OWNERS {
                    hub.organization(owner);
                }
            }
            Forge::Lab(lab) => {
                lab.token(TOKEN, gitlab::Grant::everything("ann"));
                for owner in OWNERS {
                    lab.group(owner);
                }
            }
            Forge::None => {}
        }
        fs::write(teller.path("home/.gitconfig"), Self::git_configuration()).unwrap();
        teller
    }

    /// Runs a page, and holds the world against what it shows.
    pub fn tell(&self, page: &str) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page);
        let told = fs::read_to_string(&file).unwrap();
        let mut truth = told.clone();
        let mut printed = String::new();
        for block in blocks(&told) {
            let at = format!("docs/{page}:{}", block.line);
            match &block.kind {
                Kind::Run => {
                    let run = self.sh(&block.text, &at);
                    assert_eq!(
                        run.code, 0,
                        "{at}\n{}--- stdout\n{}\n--- stderr\n{}",
                        block.text, run.stdout, run.stderr
                    );
                    printed = self.as_shown(&run.stdout);
                    self.say(&format!("{at}\n{}\n{printed}\n{}", block.text, run.stderr));
                    self.learn_workflows();
                }
                Kind::Save(path) => {
                    let file = self.here().join(path);
                    fs::create_dir_all(file.parent().unwrap()).unwrap();
                    fs::write(file, block.text.replace("localhost:5000", &self.host())).unwrap();
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
                    hold(&self.as_shown(&content), &block, &at, &mut truth);
                }
            }
            if blesses() {
                fs::write(&file, &truth).unwrap();
            }
        }
    }

    /// Tells an author of pages what a block does (`docs/stories/README.md`).
    fn say(&self, what: &str) {
        if std::env::var_os("GITOPS_STEPS_TELL").is_some() {
            let what = self.as_shown(what);
            std::io::stderr().write_all(what.as_bytes()).unwrap();
        }
    }

    /// The address of the forge, and the one that the pages give it.
    fn server(&self) -> String {
        match &self.forge {
            Forge::Hub(hub) => hub.url().to_owned(),
            Forge::Lab(lab) => lab.url(),
            Forge::None => self.public().to_owned(),
        }
    }

    fn public(&self) -> &'static str {
        match &self.forge {
            Forge::Hub(_) => "https://github.com",
            Forge::Lab(_) => "https://gitlab.com",
            Forge::None => "no forge",
        }
    }

    /// Where the forge is, as its CI tells a job.
    pub(super) fn addresses(&self) -> Vec<(&'static str, String)> {
        match &self.forge {
            Forge::Hub(hub) => vec![
                ("GITHUB_SERVER_URL", hub.url().to_owned()),
                ("GITHUB_API_URL", hub.api_url()),
                ("GITHUB_GRAPHQL_URL", hub.graphql_url()),
            ],
            Forge::Lab(lab) => vec![
                ("CI_SERVER_URL", lab.url()),
                ("CI_API_V4_URL", lab.api_url()),
                ("CI_API_GRAPHQL_URL", lab.graphql_url()),
            ],
            Forge::None => Vec::new(),
        }
    }

    pub(super) fn hub(&self) -> &github::Fake {
        let Forge::Hub(hub) = &self.forge else {
            panic!("this story is not at GitHub")
        };
        hub
    }

    /// A text with the addresses that the pages speak of.
    fn as_shown(&self, text: &str) -> String {
        text.replace(&self.server(), self.public())
            .replace(&self.host(), "localhost:5000")
            .replace("\r\n", "\n")
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where the last block has gone.
    fn here(&self) -> PathBuf {
        let cwd = fs::read_to_string(self.path("home/cwd"));
        cwd.map_or(self.path("work"), |cwd| PathBuf::from(cwd.trim_end()))
    }

    /// Runs a block, and does meanwhile what it asks of the programs that are played. What it exports and where it
    /// goes, the next one finds.
    fn sh(&self, script: &str, at: &str) -> Run {
        let (state, cwd) = (self.path("home/state"), self.path("home/cwd"));
        let script = script.replace(self.public(), &self.server());
        let script = format!(
            "if [ -f {0} ]; then . {0}; fi\nset -a\n{script}\nexport -p | grep -v '^declare -[a-z]*r' >{0}\npwd >{1}\n",
            text(&state),
            text(&cwd)
        );
        let folder = self.here();
        let mut command = self.command(Path::new("bash"));
        command
            .args(["--noprofile", "--norc", "-eu", "-o", "pipefail", "-c", &script])
            .current_dir(folder)
            .envs(self.addresses())
            .stdout(fs::File::create(self.path("home/stdout")).unwrap())
            .stderr(fs::File::create(self.path("home/stderr")).unwrap());
        let mut child = command.spawn().unwrap();
        let status = loop {
            self.play(at);
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            sleep(Duration::from_millis(10));
        };
        Run::from(Output {
            status,
            stdout: fs::read(self.path("home/stdout")).unwrap(),
            stderr: fs::read(self.path("home/stderr")).unwrap(),
        })
    }

    /// A program in the story's own world.
    pub(super) fn command(&self, program: &Path) -> Command {
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
            .env("REGISTRY", self.host())
            .env("GITOPS_STEPS_TOKEN", TOKEN)
            .env("GITOPS_STEPS_SOURCE_TOKEN", TOKEN);
        if let Registry::Real(real) = &self.registry {
            command.env("DOCKER_AUTH_CONFIG", real.login());
        }
        command
    }

    /// A fresh copy of a repository, by a path of the work folder or its name at the forge, and the branch that is named.
    pub(super) fn clone_of(&self, repo: &str) -> (PathBuf, String) {
        let (repo, branch) = repo.split_once(':').unwrap_or((repo, "main"));
        let local = self.path("work").join(repo);
        let address = if local.exists() {
            text(&local).to_owned()
        } else {
            match &self.forge {
                Forge::Hub(hub) => hub.git_url(repo),
                Forge::Lab(lab) => lab.git_url(repo),
                Forge::None => panic!("there is no {repo}"),
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

    pub(super) fn git(&self, folder: &Path, arguments: &str) -> String {
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

    /// The registry's host.
    pub(super) fn host(&self) -> String {
        match &self.registry {
            Registry::Real(real) => real.host().to_owned(),
            Registry::Fake(fake) => fake.host(),
        }
    }

    /// Git has the token, and a name for the commits.
    fn git_configuration() -> String {
        format!(
            "[user]\n\tname = Ann\n\temail = ann@example.com\n[init]\n\tdefaultBranch = main\n[credential]\n\t\
             helper = \"!printf 'username=ann\\\\npassword={TOKEN}\\\\n' #\"\n"
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
