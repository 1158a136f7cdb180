//! Two repositories of one forge and the jobs of their CI: an app's, which builds, and a config repo's, which deploys.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use serde_json::{Value, json};

use super::cli::{Bench, Run};
use super::github::{self, App, Grant, Workflow};
use super::stage::{Forge, Stage, Way};
use super::{gitlab, outputs};

/// The app's repository.
pub const SOURCE: &str = "acme/web";
/// The config repo.
pub const CONFIG: &str = super::stage::REPO;

const POLICY: &str = "\
version: 1
apps:
  web:
    image: ghcr.io/acme/web
    source: [acme/web]
    environments:
      dev:
        auto-deploy: on
        targets: [{file: web/dev.yaml, path: image}]
      prod:
        auto-deploy: off
        promote-from: dev
        targets: [{file: web/prod.yaml, path: image}]
";
/// The type of event by which Argo CD reports (`examples/argo-cd`).
const REPORT: &str = "sync-deployment-status";
/// A bot's token for the config repo.
const BOT_TOKEN: &str = "s3cret-of-the-bot";
/// By these Argo CD reports to the app's repository.
const ARGOCD_TOKEN: &str = "s3cret-of-argocd";
const ARGOCD_TRIGGER: &str = "glptt-s3cret-of-argocd";
/// The GitHub App that changes the config repo.
pub const APP: u64 = 7;

/// How the build's job starts the config repo's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Road {
    /// GitHub: a `repository_dispatch`.
    Event,
    /// GitHub: a `workflow_dispatch`.
    Workflow,
    /// GitLab: a trigger with the job's own token.
    Trigger,
    /// GitLab: a pipeline with an input.
    Pipeline,
}

impl Road {
    pub const ALL: [Self; 4] = [Self::Event, Self::Workflow, Self::Trigger, Self::Pipeline];

    pub fn is_github(self) -> bool {
        matches!(self, Self::Event | Self::Workflow)
    }
}

/// A forge with both repositories.
pub struct Story {
    pub stage: Stage,
    pub road: Road,
}

/// A job: in which repository, for which commit, in which run, and who started it.
#[derive(Clone, Debug)]
pub struct Job {
    pub repo: &'static str,
    pub sha: String,
    pub number: u64,
    pub run_url: String,
    pub actor: &'static str,
    /// What `--from-event` names: `auto`, or the file into which the job has written its input.
    pub event: String,
    variables: Vec<(&'static str, String)>,
}

/// A step of a job that went well: its outputs, as the next step sees them, and all of its result.
#[derive(Debug)]
pub struct Step {
    /// By GitHub's names, on GitLab too.
    pub outputs: BTreeMap<String, String>,
    pub result: Value,
    pub said: String,
}

impl Story {
    /// Makes the forge; both environments hold these values.
    pub fn new(road: Road, values: &str) -> Self {
        let files = [
            (".gitops-steps.yaml", POLICY),
            (".gitlab-ci.yml", "deploy: {script: [\"true\"]}\n"),
            ("web/dev.yaml", values),
            ("web/prod.yaml", values),
        ];
        let source = [(".gitlab-ci.yml", "build: {script: [\"true\"]}\n")];
        let stage = match road {
            Road::Event | Road::Workflow => Stage::github(Way::Api, &files),
            Road::Trigger | Road::Pipeline => Stage::gitlab(Way::Api, &files),
        };
        match &stage.forge {
            Forge::Hub(hub) => {
                hub.repo(SOURCE, &source);
                hub.workflow(CONFIG, Workflow::on_event("event.yml", "deploy-image"));
                hub.workflow(CONFIG, Workflow::on_dispatch("deploy.yml", &["payload!"]));
                hub.workflow(SOURCE, Workflow::on_event("status.yml", REPORT));
                let rights = ["contents=write", "actions=write"];
                hub.token(BOT_TOKEN, Grant::person("bot").repos(&[CONFIG]).only(&rights));
                let job = |repo| Grant::workflow(repo).only(&["deployments=write", "contents=read"]);
                hub.token(&job_token(SOURCE), job(SOURCE));
                hub.token(&job_token(CONFIG), job(CONFIG));
                hub.token(
                    ARGOCD_TOKEN,
                    Grant::person("argocd").repos(&[SOURCE]).only(&["contents=write"]),
                );
                let rights = ["contents=write", "pull_requests=write"];
                hub.app(App::new(APP, 70, &[CONFIG], &rights));
            }
            Forge::Lab(lab) => {
                lab.repo(SOURCE, &source);
                lab.token(&job_token(SOURCE), gitlab::Grant::job("ann", SOURCE));
                lab.token(
                    &job_token(CONFIG),
                    gitlab::Grant::job("bot", CONFIG).only(&[CONFIG]),
                );
                lab.token(BOT_TOKEN, gitlab::Grant::everything("bot").only(&[CONFIG]));
                lab.token(ARGOCD_TRIGGER, gitlab::Grant::trigger("argocd", SOURCE));
            }
        }
        Self { stage, road }
    }

    /// Somebody pushes to the app's `main`, and its build begins.
    pub fn build_job(&self, number: u64) -> Job {
        let (path, content) = ("main.rs", number.to_string());
        let (sha, run_url) = match &self.stage.forge {
            Forge::Hub(hub) => (
                hub.person_commits(SOURCE, "main", path, &content),
                format!("{}/{SOURCE}/actions/runs/{}", hub.url(), 4000 + number),
            ),
            Forge::Lab(lab) => (
                lab.person_commits(SOURCE, "main", path, &content),
                format!("{}/{SOURCE}/-/jobs/{}", lab.url(), 4000 + number),
            ),
        };
        Job::new(SOURCE, sha, number, run_url, "ann")
    }

    /// The flags by which the build's job says where to.
    pub fn to(&self) -> &'static [&'static str] {
        match self.road {
            Road::Event => &["--to", "github:acme/deploy"],
            Road::Workflow => &["--to", "github:acme/deploy", "--workflow", "deploy.yml"],
            Road::Trigger => &["--to", "gitlab:acme/deploy", "--ref", "main"],
            Road::Pipeline => &["--to", "gitlab:acme/deploy"],
        }
    }

    /// A repository's address for a flag.
    pub fn address(&self, repo: &str) -> String {
        match &self.stage.forge {
            Forge::Hub(_) => format!("github:{repo}"),
            Forge::Lab(_) => format!("gitlab:{repo}"),
        }
    }

    /// The config repo's job that the last dispatch has started.
    pub fn deploy_job(&self) -> Job {
        let mut job = self.started(CONFIG);
        let own = match &self.stage.forge {
            Forge::Hub(_) => vec![
                ("GITOPS_STEPS_APP_ID", APP.to_string()),
                ("GITOPS_STEPS_APP_PRIVATE_KEY", github::Hub::app_key()),
            ],
            Forge::Lab(_) => vec![("GITOPS_STEPS_TOKEN", BOT_TOKEN.to_owned())],
        };
        job.variables.extend(own);
        job
    }

    /// Argo CD's notifications report to the app's repository (`examples/argo-cd`); this is the job that they start.
    pub fn report(&self, payload: &Value) -> Job {
        match &self.stage.forge {
            Forge::Hub(hub) => {
                let body = json!({ "event_type": REPORT, "client_payload": payload });
                let url = format!("{}/repos/{SOURCE}/dispatches", hub.api_url());
                post(&url, Some(ARGOCD_TOKEN), &body);
            }
            Forge::Lab(lab) => {
                let url = format!(
                    "{}/projects/acme%2Fweb/trigger/pipeline?ref=main&token={ARGOCD_TRIGGER}",
                    lab.api_url()
                );
                post(&url, None, &json!({ "payload": payload }));
            }
        }
        self.started(SOURCE)
    }

    /// The newest job that was started through the API, with what it finds.
    fn started(&self, repo: &'static str) -> Job {
        let bench = &self.stage.bench;
        match &self.stage.forge {
            Forge::Hub(hub) => {
                let runs = hub.runs(repo);
                let run = runs.last().unwrap();
                let run_url = format!("{}/{repo}/actions/runs/{}", hub.url(), run["id"]);
                let sha = run["sha"].as_str().unwrap().to_owned();
                let number = u64::try_from(runs.len()).unwrap();
                let mut job = Job::new(repo, sha, number, run_url, "bot");
                let file = bench.write_beside(
                    &format!("event-{}.json", run["id"]),
                    &run["event_file"].to_string(),
                );
                job.variables.push(("GITHUB_EVENT_PATH", file));
                job
            }
            Forge::Lab(lab) => {
                let pipelines = lab.pipelines(repo);
                let one = pipelines.last().unwrap();
                let run_url = format!("{}/{repo}/-/jobs/{}1", lab.url(), one["id"]);
                let sha = one["sha"].as_str().unwrap().to_owned();
                let number = one["iid"].as_u64().unwrap();
                let actor = if repo == CONFIG { "bot" } else { "argocd" };
                let mut job = Job::new(repo, sha, number, run_url, actor);
                let file = |text: &str| bench.write_beside(&format!("event-{}.json", one["id"]), text);
                match (lab.trigger_payload(repo), one["inputs"]["payload"].as_str()) {
                    (Some(payload), _) => job.variables.push(("TRIGGER_PAYLOAD", file(&payload))),
                    (None, Some(payload)) => job.event = file(payload),
                    (None, None) => panic!("{one}: nothing was handed over"),
                }
                job
            }
        }
    }

    /// Runs a step of a job, which must go well.
    #[track_caller]
    pub fn step(&self, job: &Job, arguments: &[&str]) -> Step {
        let (run, outputs) = self.run(job, arguments);
        let run = run.exits(0);
        Step {
            outputs,
            result: run.json(),
            said: run.stderr,
        }
    }

    /// Runs a step of a job; gives its outputs too.
    pub fn run(&self, job: &Job, arguments: &[&str]) -> (Run, BTreeMap<String, String>) {
        let bench = Bench::new(&[]);
        let output = bench.write_beside("output", "");
        let mut command = bench.command();
        command
            .args(arguments)
            .envs(self.variables_of(job, &output))
            .envs(job.variables.iter().cloned());
        // A job's own token is all that a trigger needs.
        if arguments[0] == "dispatch-deploy" && self.road != Road::Trigger {
            command.env("GITOPS_STEPS_TOKEN", BOT_TOKEN);
        }
        let run = Run::from(command.output().unwrap());
        let written = fs::read_to_string(&output).unwrap();
        let outputs = match &self.stage.forge {
            Forge::Hub(_) => outputs::of_github(&written),
            Forge::Lab(_) => outputs::of_gitlab(&written),
        };
        (run, outputs)
    }

    /// Runs a step that is handed over by variables alone, as the Action does; the job's token is not among them.
    pub fn handed(&self, job: &Job, variables: &[(String, String)]) -> (Run, BTreeMap<String, String>) {
        let bench = Bench::new(&[]);
        let output = bench.write_beside("output", "");
        let event = job
            .variables
            .iter()
            .filter(|(name, _)| *name == "GITHUB_EVENT_PATH");
        let run = bench
            .command()
            .envs(self.variables_of(job, &output))
            .env_remove("GITHUB_TOKEN")
            .envs(event.cloned())
            .envs(variables.iter().cloned())
            .output();
        let outputs = outputs::of_github(&fs::read_to_string(&output).unwrap());
        (Run::from(run.unwrap()), outputs)
    }

    fn variables_of(&self, job: &Job, output: &str) -> Vec<(&'static str, String)> {
        let number = job.number.to_string();
        let token = job_token(job.repo);
        let (api_url, port);
        let common: Vec<(&'static str, &str)> = match &self.stage.forge {
            Forge::Hub(hub) => {
                api_url = hub.api_url();
                vec![
                    ("GITHUB_ACTIONS", "true"),
                    ("GITHUB_API_URL", &api_url),
                    ("GITHUB_SERVER_URL", hub.url()),
                    ("GITHUB_REPOSITORY", job.repo),
                    ("GITHUB_SHA", &job.sha),
                    ("GITHUB_REF", "refs/heads/main"),
                    ("GITHUB_RUN_NUMBER", &number),
                    ("GITHUB_RUN_ID", job.run_url.rsplit('/').next().unwrap()),
                    ("GITHUB_ACTOR", job.actor),
                    ("GITHUB_TOKEN", &token),
                    ("GITHUB_OUTPUT", output),
                ]
            }
            Forge::Lab(lab) => {
                (api_url, port) = (lab.api_url(), lab.port());
                vec![
                    ("GITLAB_CI", "true"),
                    ("CI_SERVER_PROTOCOL", "http"),
                    ("CI_SERVER_HOST", "127.0.0.1"),
                    ("CI_SERVER_PORT", &port),
                    ("CI_API_V4_URL", &api_url),
                    ("CI_PROJECT_PATH", job.repo),
                    ("CI_COMMIT_SHA", &job.sha),
                    ("CI_COMMIT_REF_NAME", "main"),
                    ("CI_PIPELINE_IID", &number),
                    ("CI_JOB_URL", &job.run_url),
                    ("GITLAB_USER_LOGIN", job.actor),
                    ("CI_JOB_TOKEN", &token),
                    ("GITOPS_STEPS_DOTENV", output),
                ]
            }
        };
        let owned = |(name, value): (&'static str, &str)| (name, value.to_owned());
        [("CI", "true"), ("GITOPS_STEPS_FORMAT", "json")]
            .into_iter()
            .chain(common)
            .map(owned)
            .collect()
    }

    /// The app's deployments: environment, commit and how it went.
    pub fn deployments(&self) -> Vec<String> {
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match &self.stage.forge {
            Forge::Hub(hub) => {
                let all = hub.deployments(SOURCE);
                let show = |one: &Value| {
                    let states = one["statuses"].as_array().unwrap().iter();
                    let states: Vec<String> = states.map(|status| word(&status["state"])).collect();
                    format!(
                        "{} {} {}",
                        word(&one["environment"]),
                        word(&one["sha"]),
                        states.join(" ")
                    )
                };
                all.iter().map(show).collect()
            }
            Forge::Lab(lab) => {
                let all = lab.deployments(SOURCE);
                let show = |one: &Value| {
                    let environment = word(&one["environment"]["name"]);
                    format!("{environment} {} {}", word(&one["sha"]), word(&one["status"]))
                };
                all.iter().map(show).collect()
            }
        }
    }

    /// A file of a branch of the config repo.
    pub fn file(&self, branch: &str, path: &str) -> String {
        self.stage.file(branch, path).unwrap_or_default()
    }

    /// The commit of a branch.
    pub fn tip(&self, repo: &str, branch: &str) -> Option<String> {
        match &self.stage.forge {
            Forge::Hub(hub) => hub.tip(repo, branch),
            Forge::Lab(lab) => lab.tip(repo, branch),
        }
    }

    /// All that a step can leave behind, to be compared.
    pub fn state(&self) -> String {
        let branches = self.stage.branches();
        let tips: Vec<_> = branches
            .iter()
            .map(|name| (name, self.tip(CONFIG, name)))
            .collect();
        format!(
            "{tips:#?}\n{:#?}\n{:#?}",
            self.stage.requests(),
            self.deployments()
        )
    }
}

impl Job {
    fn new(repo: &'static str, sha: String, number: u64, run_url: String, actor: &'static str) -> Self {
        Self {
            repo,
            sha,
            number,
            run_url,
            actor,
            event: "auto".to_owned(),
            variables: Vec::new(),
        }
    }
}

/// The token of a repository's jobs.
pub fn job_token(repo: &str) -> String {
    format!("s3cret-of-a-job-of-{}", repo.replace('/', "-"))
}

/// Posts JSON; whatever is not a success fails the test.
fn post(url: &str, token: Option<&str>, body: &Value) {
    let (host, target) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let login = token.map_or(String::new(), |token| {
        format!("Authorization: Bearer {token}\r\n")
    });
    let body = body.to_string();
    let mut stream = TcpStream::connect(host).unwrap();
    write!(
        stream,
        "POST /{target} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: argocd\r\n{login}Content-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    assert!(answer.contains(" 20"), "{url}: {answer}");
}
