//! A GitLab with the config repo and the app's repository, and jobs that run beside it.

use serde_json::{Value, json};

use super::job::{self, Ended};
use super::pipeline::Pipeline;
use crate::support::cli::Bench;
use crate::support::gitlab::{Fake, Grant};

pub const CONFIG: &str = "acme/deploy";
pub const APP: &str = "acme/web";
const TOKEN: &str = "glpat-s3cret-of-the-bot";
/// A project that has set up no token.
pub const NO_TOKEN: (&str, &str) = ("GITOPS_STEPS_TOKEN", NONE);
/// A job that has no token either.
pub const NO_JOB_TOKEN: (&str, &str) = ("CI_JOB_TOKEN", NONE);
const NONE: &str = "";
const JOB_TOKEN: &str = "job-s3cret";
const BINARY: &str = env!("CARGO_BIN_EXE_gitops-steps");

const POLICY: &str = "version: 1
apps:
  web:
    image: ghcr.io/acme/web
    source: [acme/web]
    environments:
      dev: {auto-deploy: on, targets: [{file: web/dev-values.yaml, path: image}]}
      prod: {promote-from: dev, targets: [{file: web/prod-values.yaml, path: image}]}
";
pub const DEV: &str = "image:\n  repository: ghcr.io/acme/web\n  tag: 1.1.0 # written by CI\n";
const PROD: &str = "image:\n  repository: ghcr.io/acme/web\n  tag: 1.0.0\n";

/// A GitLab with the config repo and the app's repository, and a runner.
pub struct Lab {
    pub fake: Fake,
    pub bench: Bench,
    pub sha: String,
}

impl Lab {
    pub fn new() -> Self {
        let fake = Fake::start();
        let pipeline = (".gitlab-ci.yml", "deploy: {script: [\"true\"]}\n");
        fake.repo(
            CONFIG,
            &[
                (".gitops-steps.yaml", POLICY),
                pipeline,
                ("web/dev-values.yaml", DEV),
                ("web/prod-values.yaml", PROD),
            ],
        );
        fake.repo(APP, &[pipeline]);
        fake.token(TOKEN, Grant::everything("bot").only(&[CONFIG]));
        fake.token(JOB_TOKEN, Grant::job("ann", APP));
        let sha = fake.person_commits(APP, "main", "main.rs", "2");
        Self {
            fake,
            bench: Bench::new(&[]),
            sha,
        }
    }

    /// Runs the one job of a pipeline: of a push to the app's repository, with the config repo's token in its settings.
    #[track_caller]
    pub fn runs(&self, pipeline: &str) -> Ended {
        self.runs_with(pipeline, &[], &[])
    }

    #[track_caller]
    pub fn runs_with(&self, pipeline: &str, settings: &[(&str, &str)], trigger: &[(&str, &str)]) -> Ended {
        let running = |pipeline: &Pipeline, variables: &[(&str, &str)]| {
            let mut running = pipeline.running(variables);
            assert_eq!(running.len(), 1, "one job should run, not {running:?}");
            running.remove(0)
        };
        self.runs_one(pipeline, running, settings, trigger)
    }

    /// Runs one job of a pipeline that has others.
    #[track_caller]
    pub fn runs_job(
        &self,
        pipeline: &str,
        job: &str,
        settings: &[(&str, &str)],
        trigger: &[(&str, &str)],
    ) -> Ended {
        self.runs_one(pipeline, |_, _| job.to_owned(), settings, trigger)
    }

    #[track_caller]
    fn runs_one(
        &self,
        pipeline: &str,
        which: impl Fn(&Pipeline, &[(&str, &str)]) -> String,
        settings: &[(&str, &str)],
        trigger: &[(&str, &str)],
    ) -> Ended {
        let pipeline = Pipeline::read(pipeline).unwrap();
        let port = self.fake.port();
        let (api, url) = (self.fake.api_url(), self.fake.url());
        let mut variables = vec![
            ("GITLAB_CI", "true"),
            ("CI_SERVER_PROTOCOL", "http"),
            ("CI_SERVER_HOST", "127.0.0.1"),
            ("CI_SERVER_PORT", &port),
            ("CI_SERVER_URL", &url),
            ("CI_API_V4_URL", &api),
            ("CI_PROJECT_PATH", APP),
            ("CI_PROJECT_NAMESPACE", "acme"),
            ("CI_PROJECT_NAME", "web"),
            ("CI_REGISTRY_IMAGE", "ghcr.io/acme/web"),
            ("CI_DEFAULT_BRANCH", "main"),
            ("CI_PIPELINE_SOURCE", "push"),
            ("CI_PIPELINE_IID", "7"),
            ("CI_COMMIT_SHA", &self.sha),
            ("CI_COMMIT_TAG", "1.5.0"),
            ("CI_COMMIT_REF_NAME", "1.5.0"),
            ("CI_JOB_TOKEN", JOB_TOKEN),
            ("GITLAB_USER_LOGIN", "ann"),
            ("GITOPS_STEPS_TOKEN", TOKEN),
            ("GITOPS_STEPS_BINARY_PATH", BINARY),
        ];
        for (name, value) in settings {
            variables.retain(|(known, _)| known != name);
            variables.push((name, value));
        }
        // What is not set does not win over what the job sets itself.
        variables.retain(|variable| *variable != NO_TOKEN);
        let job = which(&pipeline, &variables);
        job::run(&pipeline, &job, &self.bench, &variables, trigger)
    }

    pub fn dev(&self) -> String {
        self.fake.file(CONFIG, "main", "web/dev-values.yaml").unwrap()
    }
}

/// A pipeline that includes a component, and one that includes the template with that command.
pub fn both(command: &str, inputs: &Value) -> [String; 2] {
    let component =
        json!({"component": format!("$CI_SERVER_FQDN/org/gitops-steps/{command}@1"), "inputs": inputs});
    let mut inputs = inputs.clone();
    inputs["command"] = json!(command);
    let template = json!({"local": "/gitlab-ci-template.yml", "inputs": inputs});
    [component, template].map(|one| json!({ "include": [one] }).to_string())
}
