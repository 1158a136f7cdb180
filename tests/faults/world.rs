//! A world for one run of a row: a forge or a registry, a folder, and what is there.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::row::{Holds, Job, Road, Tls};
use crate::support::cli::{Bench, text};
use crate::support::git_server::{GitServer, Options, git_says};
use crate::support::jobs::{self, Hub, Lab};
use crate::support::registry::{FakeRegistry, IMAGE};
use crate::support::stage::{Forge, REPO, Stage, Way};
use crate::support::tls::Authority;

pub const HEAD: &str = "promote/prod/web";

const POLICY: &str = "\
version: 1
apps:
  web:
    image: ghcr.io/acme/web
    environments:
      dev:
        auto-deploy: on
        targets: [{file: web/dev.yaml}]
      prod:
        promote-from: dev
        targets: [{file: web/prod.yaml}]
";

fn values(tag: &str) -> String {
    format!("image:\n  repository: ghcr.io/acme/web\n  tag: {tag}\n")
}

pub enum World {
    Repo(Box<Stage>, Job, Road),
    HubJob(Box<Hub>),
    LabJob(Box<Lab>),
    Registry(FakeRegistry, Bench),
}

/// The certificates of a world that speaks TLS.
pub struct Trust {
    authority: Authority,
    _folder: tempfile::TempDir,
}

impl Trust {
    pub fn new() -> Self {
        let folder = tempfile::TempDir::new().unwrap();
        Self {
            authority: Authority::new(folder.path()),
            _folder: folder,
        }
    }

    pub fn file(&self) -> &str {
        self.authority.file()
    }

    pub fn options(&self, tls: Tls) -> Options {
        let config = match tls {
            Tls::UnknownAuthority => self.authority.server("127.0.0.1"),
            Tls::OtherName => self.authority.server("elsewhere.example"),
            Tls::Expired => self.authority.server_within("127.0.0.1", (2001, 2002)),
            Tls::NotYet => self.authority.server_within("127.0.0.1", (2200, 2201)),
        };
        Options {
            tls: Some(config),
            ..Options::default()
        }
    }

    pub fn mend(&self, server: &GitServer) {
        server.speak(self.authority.server("127.0.0.1"));
    }
}

impl World {
    pub fn new(job: Job, road: Road, options: Options) -> Self {
        if job == Job::Resolve {
            let registry = FakeRegistry::start_with(IMAGE, options);
            for tag in ["1.9.0", "1.10.0"] {
                let digest = registry.put_image("amd64", "2026-11-20T10:00:00Z");
                registry.tag(tag, &digest);
            }
            return Self::Registry(registry, Bench::new(&[]));
        }
        if job == Job::Status {
            return match road {
                Road::GitLab => Self::LabJob(Box::new(Lab::new())),
                _ => Self::HubJob(Box::new(Hub::new())),
            };
        }
        let (policy, dev, prod) = (POLICY, values("1.1.0"), values("1.0.0"));
        let files = [
            (".gitops-steps.yaml", policy),
            ("web/dev.yaml", &*dev),
            ("web/prod.yaml", &*prod),
        ];
        let stage = match road {
            Road::GitHub => Stage::github_with(Way::Api, &files, options),
            Road::GitLab => Stage::gitlab_with(Way::Api, &files, options),
            Road::Clone => Stage::github_with(Way::Clone, &files, options),
            _ => Stage::github_with(Way::Git, &files, options),
        };
        if let (Job::Queue, Forge::Hub(hub)) = (job, &stage.forge) {
            hub.settings(REPO, |settings| settings.merge_queue = true);
        }
        Self::Repo(Box::new(stage), job, road)
    }

    pub fn server(&self) -> &GitServer {
        match self {
            Self::Repo(stage, ..) => stage.server(),
            Self::HubJob(hub) => hub.fake.server(),
            Self::LabJob(lab) => lab.fake.server(),
            Self::Registry(registry, _) => registry.server(),
        }
    }

    pub fn bench(&self) -> &Bench {
        match self {
            Self::Repo(stage, ..) => &stage.bench,
            Self::HubJob(hub) => &hub.bench,
            Self::LabJob(lab) => &lab.bench,
            Self::Registry(_, bench) => bench,
        }
    }

    pub fn stage(&self) -> &Stage {
        match self {
            Self::Repo(stage, ..) => stage,
            _ => panic!("this world has no config repo"),
        }
    }

    /// The bare repository of the config repo.
    pub fn bare(&self) -> PathBuf {
        self.server().path(&format!("{REPO}.git"))
    }

    /// What is run, with its own folder for temporary files.
    pub fn command(&self, limit: Duration) -> Command {
        let limit = format!("{}s", limit.as_secs());
        let mut command = match self {
            Self::Repo(stage, job, road) => {
                let arguments: &[&str] = match job {
                    Job::Push => &["--app=web", "--env=dev", "--tag=1.2.0", "--publish=push"],
                    Job::Queue => &["--app=web", "--env=prod", "--auto-merge=squash"],
                    _ => &["--app=web", "--env=prod"],
                };
                let name = match job {
                    Job::Push => "bump-values",
                    _ => "open-promotion-pr",
                };
                if *road == Road::Ssh {
                    let address = format!("ssh://git@host.example{}", text(&self.bare()));
                    stage.process_at(&address, name, arguments)
                } else {
                    stage.process(name, arguments)
                }
            }
            Self::HubJob(hub) => job_command(&hub.bench, hub.variables()),
            Self::LabJob(lab) => job_command(&lab.bench, lab.variables()),
            Self::Registry(registry, bench) => {
                let mut command = bench.process();
                command.args(["resolve-image", "--constraint=*", "--image", &registry.image()]);
                command
            }
        };
        let temporary = self.bench().beside("tmp");
        std::fs::create_dir_all(&temporary).unwrap();
        command.env("TMPDIR", temporary).args(["--timeout", &limit]);
        command
    }

    /// What is left of temporary files.
    pub fn temporary(&self) -> Vec<String> {
        let found = std::fs::read_dir(self.bench().beside("tmp")).unwrap();
        let names = found.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.collect()
    }

    /// All that a run could have changed.
    pub fn state(&self) -> String {
        match self {
            Self::Repo(stage, _, road) => {
                let refs = git_says(&self.bare(), &["for-each-ref"]);
                let requests = stage.requests();
                let work = match road {
                    Road::Clone => files(&stage.bench.repo()),
                    _ => Vec::new(),
                };
                format!("{refs}\n{requests:?}\n{work:?}")
            }
            Self::HubJob(hub) => hub.states().join("\n"),
            Self::LabJob(lab) => lab.states().join("\n"),
            Self::Registry(..) => String::new(),
        }
    }

    /// Says what is wrong with what is there; nothing if it is as it should be.
    pub fn differs(&self, holds: Holds, before: &str, printed: &str) -> Option<String> {
        let now = self.state();
        let is = match (holds, self) {
            (Holds::Before, _) => now == before,
            (_, Self::Repo(stage, job, _)) => self.repo_holds(stage, *job, holds),
            (Holds::Done, Self::HubJob(_) | Self::LabJob(_)) => now == "dev: success",
            (Holds::Stateless, Self::HubJob(_)) => now == "dev: ",
            (Holds::Done, Self::Registry(..)) => printed == "1.10.0\n",
            _ => false,
        };
        (!is).then(|| format!("not {holds:?}: {now} {printed}"))
    }

    fn repo_holds(&self, stage: &Stage, job: Job, holds: Holds) -> bool {
        git_says(&self.bare(), &["fsck", "--strict"]);
        let mut branches = stage.branches();
        let temporary = branches
            .iter()
            .filter(|name| name.starts_with("gitops-steps/"))
            .count();
        branches.retain(|name| !name.starts_with("gitops-steps/"));
        let open: Vec<_> = stage
            .requests()
            .iter()
            .map(|request| request.state.clone())
            .collect();
        let ours = |branch: &str| {
            let all = stage.messages(branch);
            all.iter()
                .filter(|message| message.starts_with("deploy("))
                .count()
        };
        let landed = |branch: &str, file: &str, tag: &str| {
            ours(branch) == 1
                && stage
                    .file(branch, file)
                    .is_some_and(|text| text.starts_with(&values(tag)))
        };
        let requested =
            || branches == ["main", HEAD] && landed(HEAD, "web/prod.yaml", "1.1.0") && ours("main") == 0;
        let queued = || match &stage.forge {
            Forge::Hub(hub) => hub.pulls(REPO)[0]["queued"] == serde_json::json!(true),
            Forge::Lab(_) => false,
        };
        match (holds, job) {
            (Holds::Done, Job::Push) => {
                branches == ["main"]
                    && open.is_empty()
                    && temporary == 0
                    && landed("main", "web/dev.yaml", "1.2.0")
            }
            (Holds::Done, Job::Request) => requested() && open == ["open"],
            (Holds::Done, Job::Queue) => requested() && open == ["open"] && queued(),
            (Holds::Unqueued, Job::Queue) => requested() && open == ["open"] && !queued(),
            (Holds::Head, _) => requested() && open.is_empty() && temporary == 0,
            (Holds::Temporary, _) => branches == ["main"] && temporary == 1 && ours("main") == 0,
            (Holds::Theirs, _) => {
                open.is_empty() && temporary == 0 && branches.iter().all(|branch| ours(branch) == 0)
            }
            _ => false,
        }
    }
}

/// The files of a clone, and its index, which a broken clone has too.
fn files(clone: &Path) -> Vec<Vec<u8>> {
    ["web/dev.yaml", "web/prod.yaml", ".git/HEAD", ".git/index"]
        .map(|name| std::fs::read(clone.join(name)).unwrap())
        .to_vec()
}

fn job_command(bench: &Bench, variables: Vec<(String, String)>) -> Command {
    let mut command = bench.process();
    command
        .args([
            "deployment-status",
            "--env=dev",
            "--state=success",
            "--if-missing=create",
        ])
        .envs(variables);
    command
}

/// The repository of the jobs, so that a row can name its requests.
pub const APP: &str = jobs::REPO;
