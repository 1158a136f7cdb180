//! One stage for both forges: a config repo at a fake GitHub or a fake GitLab, and the binary run against it.

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::cli::{Bench, Run};
use super::git_server::{GitServer, Options};
use super::{github, gitlab};

/// The config repo of every scenario.
pub const REPO: &str = "acme/deploy";
/// The token that may do everything.
pub const TOKEN: &str = "glpat-s3cret-of-the-bot";

/// How the config repo is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Through the forge's API.
    Api,
    /// By git over HTTP.
    Git,
    /// From a clone, whose `origin` is at the forge.
    Clone,
}

/// What happens to one request.
#[derive(Clone, Copy, Debug)]
pub enum Trouble {
    /// It is not carried out, and nobody answers.
    Lost,
    /// It is carried out, and nobody answers.
    LostAfterDoing,
    /// It is not carried out, and this status is answered.
    Status(u16),
}

/// A fake forge.
pub enum Forge {
    Hub(Box<github::Fake>),
    Lab(Box<gitlab::Fake>),
}

/// A fake forge with a config repo, and a way to reach it.
pub struct Stage {
    pub forge: Forge,
    pub way: Way,
    pub bench: Bench,
}

/// A change request, whatever the forge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub number: u64,
    /// `open`, `closed` or `merged`.
    pub state: String,
    pub title: String,
    pub body: String,
    pub labels: Vec<String>,
    pub draft: bool,
    pub comments: usize,
}

impl Stage {
    /// Every forge and way, each with a config repo of its own.
    pub fn all(files: &[(&str, &str)]) -> Vec<Self> {
        let mut all = Vec::new();
        for way in [Way::Api, Way::Git, Way::Clone] {
            all.push(Self::github(way, files));
            all.push(Self::gitlab(way, files));
        }
        all
    }

    pub fn github(way: Way, files: &[(&str, &str)]) -> Self {
        Self::github_with(way, files, Options::default())
    }

    /// One whose GitHub has more options, such as TLS.
    pub fn github_with(way: Way, files: &[(&str, &str)], options: Options) -> Self {
        let hub = github::Fake::start_with(github::Flavor::DotCom, options);
        hub.repo(REPO, files);
        hub.token(TOKEN, github::Grant::person("bot"));
        Self::new(Forge::Hub(Box::new(hub)), way)
    }

    pub fn gitlab(way: Way, files: &[(&str, &str)]) -> Self {
        Self::gitlab_with(way, files, Options::default())
    }

    /// One whose GitLab has more options, such as TLS.
    pub fn gitlab_with(way: Way, files: &[(&str, &str)], options: Options) -> Self {
        let lab = gitlab::Fake::start_with(options);
        lab.repo(REPO, files);
        lab.token(TOKEN, gitlab::Grant::everything("bot"));
        Self::new(Forge::Lab(Box::new(lab)), way)
    }

    fn new(forge: Forge, way: Way) -> Self {
        let stage = Self {
            forge,
            way,
            bench: Bench::new(&[]),
        };
        if way == Way::Clone {
            let mut url = stage.git_url().replacen("://", &format!("://bot:{TOKEN}@"), 1);
            super::git_server::git_says(&stage.bench.repo(), &["clone", "--quiet", &url, "."]);
            url.clear();
        }
        stage
    }

    /// What a failing row is named by.
    pub fn name(&self) -> String {
        let forge = match self.forge {
            Forge::Hub(_) => "GitHub",
            Forge::Lab(_) => "GitLab",
        };
        format!("{forge} by {:?}", self.way)
    }

    fn kind(&self) -> &'static str {
        match self.forge {
            Forge::Hub(_) => "github",
            Forge::Lab(_) => "gitlab",
        }
    }

    pub fn git_url(&self) -> String {
        match &self.forge {
            Forge::Hub(hub) => hub.git_url(REPO),
            Forge::Lab(lab) => lab.git_url(REPO),
        }
    }

    /// Runs a command against the config repo, with the token, and prints JSON.
    pub fn run(&self, command: &str, arguments: &[&str]) -> Run {
        self.run_with(&[], command, arguments)
    }

    pub fn run_with(&self, variables: &[(&str, &str)], command: &str, arguments: &[&str]) -> Run {
        let mut binary = self.process(command, arguments);
        binary.envs(variables.iter().copied());
        Run::from(binary.stdin(Stdio::null()).output().unwrap())
    }

    /// A command against the config repo, with the token.
    pub fn process(&self, command: &str, arguments: &[&str]) -> Command {
        let address = match self.way {
            Way::Api => format!("{}:{REPO}", self.kind()),
            Way::Git => self.git_url(),
            Way::Clone => ".".to_owned(),
        };
        self.process_at(&address, command, arguments)
    }

    /// The same, for another address of the config repo.
    pub fn process_at(&self, address: &str, command: &str, arguments: &[&str]) -> Command {
        let api_url = match &self.forge {
            Forge::Hub(hub) => hub.api_url(),
            Forge::Lab(lab) => lab.api_url(),
        };
        let mut binary = self.bench.process();
        binary
            .args(command.split(' '))
            .args([
                "--config-repo",
                address,
                "--forge",
                self.kind(),
                "--format",
                "json",
            ])
            .args(arguments)
            .env("GITOPS_STEPS_API_URL", api_url)
            .env("GITOPS_STEPS_TOKEN", TOKEN);
        binary
    }

    /// The server below, for its counts and its faults.
    pub fn server(&self) -> &GitServer {
        match &self.forge {
            Forge::Hub(hub) => hub.server(),
            Forge::Lab(lab) => lab.server(),
        }
    }

    /// A file of a branch.
    pub fn file(&self, branch: &str, path: &str) -> Option<String> {
        match &self.forge {
            Forge::Hub(hub) => hub.file(REPO, branch, path),
            Forge::Lab(lab) => lab.file(REPO, branch, path),
        }
    }

    /// The names of the branches, sorted.
    pub fn branches(&self) -> Vec<String> {
        let mut names: Vec<String> = match &self.forge {
            Forge::Hub(hub) => hub.branches(REPO),
            Forge::Lab(lab) => lab.branches(REPO),
        };
        names.sort();
        names
    }

    /// The messages of a branch, newest first.
    pub fn messages(&self, branch: &str) -> Vec<String> {
        let log = match &self.forge {
            Forge::Hub(hub) => hub.log(REPO, branch),
            Forge::Lab(lab) => lab.log(REPO, branch),
        };
        let message = |commit: &Value| commit["message"].as_str().unwrap().to_owned();
        log.iter().map(message).collect()
    }

    /// The change requests, by number.
    pub fn requests(&self) -> Vec<Request> {
        let texts = |value: &Value| -> Vec<String> {
            let all = value.as_array().cloned().unwrap_or_default();
            all.iter()
                .filter_map(|one| one.as_str().map(str::to_owned))
                .collect()
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match &self.forge {
            Forge::Hub(hub) => hub
                .pulls(REPO)
                .iter()
                .map(|pull| Request {
                    number: pull["number"].as_u64().unwrap(),
                    state: if pull["merged"] == json!(true) {
                        "merged".into()
                    } else {
                        text(&pull["state"]).to_lowercase()
                    },
                    title: text(&pull["title"]),
                    body: text(&pull["body"]),
                    labels: texts(&pull["labels"]),
                    draft: pull["draft"] == json!(true),
                    comments: pull["comments"].as_array().map_or(0, Vec::len),
                })
                .collect(),
            Forge::Lab(lab) => lab
                .merge_requests(REPO)
                .iter()
                .map(|request| {
                    let number = request["iid"].as_u64().unwrap();
                    Request {
                        number,
                        state: text(&request["state"]).replace("opened", "open"),
                        title: text(&request["title"]).trim_start_matches("Draft: ").to_owned(),
                        body: text(&request["description"]),
                        labels: texts(&request["labels"]),
                        draft: text(&request["title"]).starts_with("Draft: "),
                        comments: lab.notes(REPO, number).len(),
                    }
                })
                .collect(),
        }
    }

    /// The requests to the API so far: method and path.
    pub fn calls(&self) -> Vec<String> {
        match &self.forge {
            Forge::Hub(hub) => hub
                .requests()
                .iter()
                .map(|request| format!("{} {}", request.method, request.target))
                .collect(),
            Forge::Lab(lab) => lab
                .requests()
                .iter()
                .map(|request| format!("{} {}", request.method, request.target))
                .collect(),
        }
    }

    pub fn forget_calls(&self) {
        match &self.forge {
            Forge::Hub(hub) => hub.clear_requests(),
            Forge::Lab(lab) => lab.clear_requests(),
        }
    }

    pub fn person_commits(&self, branch: &str, path: &str, content: &str) {
        match &self.forge {
            Forge::Hub(hub) => hub.person_commits(REPO, branch, path, content),
            Forge::Lab(lab) => lab.person_commits(REPO, branch, path, content),
        };
    }

    pub fn merge(&self, number: u64) {
        match &self.forge {
            Forge::Hub(hub) => hub.merge(REPO, number),
            Forge::Lab(lab) => lab.merge(REPO, number),
        };
    }

    pub fn close(&self, number: u64) {
        match &self.forge {
            Forge::Hub(hub) => hub.close(REPO, number, "ann"),
            Forge::Lab(lab) => lab.close(REPO, number, "ann"),
        }
    }

    /// Lets a person merge a change request just before a request that looks like this.
    pub fn merge_before(&self, hub_part: &str, lab_part: &str, number: u64) {
        match &self.forge {
            Forge::Hub(hub) => hub.before_next(hub_part, move |hub| {
                hub.merge(REPO, number);
            }),
            Forge::Lab(lab) => lab.before_next(lab_part, move |lab| {
                lab.merge(REPO, number);
            }),
        }
    }

    /// Spoils the next request that looks like this.
    pub fn spoil(&self, hub_part: &str, lab_part: &str, trouble: Trouble) {
        match &self.forge {
            Forge::Hub(hub) => {
                let failure = match trouble {
                    Trouble::Lost => github::Failure::Close,
                    Trouble::LostAfterDoing => github::Failure::CloseAfterDoing,
                    Trouble::Status(code) => github::Failure::Status(code, vec![], "{}".to_owned()),
                };
                hub.fail_next(hub_part, failure);
            }
            Forge::Lab(lab) => {
                let failure = match trouble {
                    Trouble::Lost => gitlab::Failure::Close,
                    Trouble::LostAfterDoing => gitlab::Failure::CloseAfterDoing,
                    Trouble::Status(code) => gitlab::Failure::Status(code, vec![], "{}".to_owned()),
                };
                lab.fail_next(lab_part, failure);
            }
        }
    }

    /// Lets a person open a change request for a branch just before a request that looks like this.
    pub fn opened_meanwhile(&self, hub_part: &str, lab_part: &str, head: &'static str) {
        match &self.forge {
            Forge::Hub(hub) => hub.before_next(hub_part, move |hub| {
                hub.open_pull(REPO, head, "mine", "ann");
            }),
            Forge::Lab(lab) => lab.before_next(lab_part, move |lab| {
                lab.open_merge_request(REPO, head, "mine", "ann");
            }),
        }
    }

    /// Lets a person change a file of `main` just before a request that looks like this.
    pub fn person_commits_before(&self, hub_part: &str, lab_part: &str, path: &'static str, content: &str) {
        let content = content.to_owned();
        match &self.forge {
            Forge::Hub(hub) => hub.before_next(hub_part, move |hub| {
                hub.person_commits(REPO, "main", path, &content);
            }),
            Forge::Lab(lab) => lab.before_next(lab_part, move |lab| {
                lab.person_commits(REPO, "main", path, &content);
            }),
        }
    }

    /// Makes a branch at the tip of `main`.
    pub fn branch(&self, name: &str) {
        match &self.forge {
            Forge::Hub(hub) => hub.branch(REPO, name, "main"),
            Forge::Lab(lab) => lab.branch(REPO, name, "main"),
        }
    }

    /// Lets checks run that never end, so that nothing merges at once.
    pub fn hold_merges(&self) {
        match &self.forge {
            Forge::Hub(hub) => hub.settings(REPO, |settings| {
                settings.auto_merge_allowed = true;
                settings.checks_pending = true;
            }),
            Forge::Lab(lab) => lab.only_if_pipeline_succeeds(REPO),
        }
    }

    /// Whether the first change request merges by itself.
    pub fn merges_by_itself(&self) -> bool {
        match &self.forge {
            Forge::Hub(hub) => !hub.pulls(REPO)[0]["auto_merge"].is_null(),
            Forge::Lab(lab) => lab.merge_requests(REPO)[0]["merge_when_pipeline_succeeds"] == json!(true),
        }
    }

    /// A person gives a change request another title, and adds to its text.
    pub fn retitle(&self, number: u64, title: &str, more: &str) {
        let body = format!("{}\n\n{more}", self.requests()[0].body);
        match &self.forge {
            Forge::Hub(hub) => hub.retell(REPO, number, title, &body),
            Forge::Lab(lab) => lab.retell(REPO, number, title, &body),
        }
    }
}
