//! Pipelines of GitLab: triggered or created, and followed.
//!
//! Sources: GitLab's "Pipeline trigger tokens API" and "Pipelines API".

use std::borrow::Cow;
use std::collections::BTreeMap;

use gitlab::api::projects::Project;
use gitlab::api::projects::pipelines::Pipeline;
use gitlab::api::{BodyError, Endpoint};
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::GitLab;
use crate::plan::dispatch::{Dispatch, Dispatched, Draft, REDACTED, Run, RunState};
use crate::words::fault::{Fault, Kind};
use crate::words::token::TokenSource;
use crate::world::forge::access::{Credential, ForgeAccess};
use crate::world::forge::call::{Answer, Called};

/// What GitLab asks for to read a pipeline.
const READS: &str = "the Reporter role and the scope read_api";

impl GitLab {
    pub(in crate::world::forge) fn draft(&self, dispatch: &Dispatch) -> Draft {
        let start = self.start(dispatch, REDACTED);
        let root = self.access.root.rest.as_str().trim_end_matches('/');
        let mut headers = BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]);
        if matches!(dispatch, Dispatch::Pipeline { .. }) {
            let identity = self.identity();
            headers.extend(
                identity
                    .keys()
                    .map(|name| (name.to_string(), REDACTED.to_owned())),
            );
        }
        Draft {
            method: "POST",
            url: format!("{root}/{}", start.path),
            headers,
            body: start.body,
        }
    }

    pub(in crate::world::forge) fn dispatch(&self, dispatch: &Dispatch) -> Result<Dispatched, Fault> {
        let token = match &self.access.credential {
            Credential::Token(token, _) => token.expose(),
            Credential::None | Credential::App { .. } => "",
        };
        let start = self.start(dispatch, token);
        let called = match dispatch {
            // The body's field says who asks; GitLab refuses such a token in a header.
            Dispatch::Trigger { .. } => self.anonymous().write(&start)?,
            _ => self.write(&start)?,
        };
        match called {
            Called::Answered(answer) if answer.is_ok() => {
                let pipeline: Answered = answer.read("the new pipeline")?;
                Ok(Dispatched::Started(pipeline.into()))
            }
            Called::Answered(answer) => Err(self.not_started(&answer, dispatch)),
            // A page in the place of an answer: who sent it starts nothing.
            Called::Unclear(fault) if fault.kind == Kind::Denied => Err(fault),
            Called::Unclear(fault) => Ok(Dispatched::Unclear(fault)),
        }
    }

    pub(in crate::world::forge) fn run(&self, id: u64) -> Result<Run, Fault> {
        let endpoint = Pipeline::builder()
            .project(self.repo.path())
            .pipeline(id)
            .build()
            .map_err(|error| Fault::new(Kind::Internal, error.to_string()))?;
        let answer = self.read(&endpoint)?;
        if !answer.is_ok() {
            return Err(self.refusal(&answer, &format!("read the pipeline {id}"), READS));
        }
        answer.read::<Answered>("the pipeline").map(Run::from)
    }

    pub(in crate::world::forge) fn default_branch(&self) -> Result<String, Fault> {
        #[derive(Deserialize)]
        struct Answered {
            default_branch: Option<String>,
        }
        let endpoint = Project::builder()
            .project(self.repo.path())
            .build()
            .map_err(|error| Fault::new(Kind::Internal, error.to_string()))?;
        let answer = self.read(&endpoint)?;
        if !answer.is_ok() {
            return Err(self.refusal(&answer, "ask for the default branch", READS));
        }
        answer
            .read::<Answered>("the project")?
            .default_branch
            .ok_or_else(|| {
                Fault::new(
                    Kind::NotFound,
                    format!("`{}` has no branch yet", self.repo.path()),
                )
            })
    }

    /// The same project, asked by nobody.
    fn anonymous(&self) -> Self {
        Self::new(
            self.repo.clone(),
            ForgeAccess {
                credential: Credential::None,
                ..self.access.clone()
            },
        )
    }

    fn start(&self, dispatch: &Dispatch, token: &str) -> Start {
        let (below, body) = match dispatch {
            Dispatch::Trigger { reference, fields } => {
                let mut body = fields.clone();
                body.insert("token".to_owned(), token.into());
                body.insert("ref".to_owned(), reference.as_str().into());
                ("trigger/pipeline", Value::Object(body))
            }
            Dispatch::Pipeline { reference, inputs } => {
                ("pipeline", json!({ "ref": reference, "inputs": inputs }))
            }
            Dispatch::Repository { .. } | Dispatch::Workflow { .. } => {
                unreachable!("a workflow is asked of GitHub")
            }
        };
        Start {
            path: format!("projects/{}/{below}", self.repo.path().replace('/', "%2F")),
            body,
        }
    }

    fn not_started(&self, answer: &Answer, dispatch: &Dispatch) -> Fault {
        let fault = self.refusal(answer, "start a pipeline", "the Developer role and the scope api");
        let complaint = answer.complaint();
        let says = |words: &str| complaint.contains(words);
        if says("Insufficient permissions to set pipeline variables") {
            return fault.hint(
                "the payload of a trigger is a pipeline variable, and the project lets nobody of this role set any: raise \
                 Settings > CI/CD > Variables > Minimum role to use pipeline variables, or give an access token of \
                 scope api, with which the payload goes as the pipeline input `payload`",
            );
        }
        if says("Reference not found") {
            return fault.hint("name a branch or tag that exists with --ref");
        }
        if answer.status == 400 && says("input") {
            return fault
                .hint("let .gitlab-ci.yml declare the input: `spec: {inputs: {payload: {type: string}}}` in its header");
        }
        match (answer.status, dispatch, &self.access.credential) {
            (
                401 | 403 | 404,
                Dispatch::Trigger { .. },
                Credential::Token(_, TokenSource::Variable("CI_JOB_TOKEN")),
            ) => fault.hint(format!(
                "let `{}` allow this project: Settings > CI/CD > Job token permissions; who started this job needs the \
                 Developer role there",
                self.repo.path()
            )),
            (401 | 403 | 404, Dispatch::Trigger { .. }, _) => fault.hint(
                "the trigger token belongs to another project, is revoked, or its owner may not run pipelines on that ref",
            ),
            _ => fault,
        }
    }
}

/// What starts a pipeline; the crate's own endpoints know neither triggers nor inputs.
struct Start {
    path: String,
    body: Value,
}

impl Endpoint for Start {
    fn method(&self) -> Method {
        Method::POST
    }

    fn endpoint(&self) -> Cow<'static, str> {
        self.path.clone().into()
    }

    fn body(&self) -> Result<Option<(&'static str, Vec<u8>)>, BodyError> {
        Ok(Some(("application/json", self.body.to_string().into_bytes())))
    }
}

#[derive(Deserialize)]
struct Answered {
    id: u64,
    web_url: String,
    status: String,
}

impl From<Answered> for Run {
    fn from(pipeline: Answered) -> Self {
        let state = match pipeline.status.as_str() {
            "success" => RunState::Succeeded,
            "failed" | "canceled" | "skipped" => RunState::Failed(pipeline.status),
            "manual" => RunState::Blocked(pipeline.status),
            _ => RunState::Going(pipeline.status),
        };
        Self {
            id: pipeline.id,
            url: pipeline.web_url,
            state,
        }
    }
}
