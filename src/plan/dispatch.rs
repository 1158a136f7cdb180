//! Asking another repository's CI to run, and what becomes of the run.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::words::fault::Fault;

/// A request to run.
#[derive(Clone, Debug, PartialEq)]
pub enum Dispatch {
    /// GitHub's `repository_dispatch`.
    Repository {
        /// The type that the workflow's `types` names.
        event_type: String,
        /// What it carries.
        payload: Value,
    },
    /// GitHub's `workflow_dispatch`.
    Workflow {
        /// The workflow's file name, or its id.
        workflow: String,
        /// The branch or tag that it runs on.
        reference: String,
        /// Its inputs, all strings.
        inputs: Map<String, Value>,
    },
    /// GitLab's pipeline trigger, by a trigger token or a job token.
    Trigger {
        /// The branch or tag that it runs on.
        reference: String,
        /// The fields beside token and ref, which the job finds in the file `$TRIGGER_PAYLOAD`.
        fields: Map<String, Value>,
    },
    /// GitLab's pipeline creation, by a token that may write to the API.
    Pipeline {
        /// The branch or tag that it runs on.
        reference: String,
        /// Its inputs.
        inputs: Map<String, Value>,
    },
}

/// How far a run is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RunState {
    /// It has not ended; the forge's own word, also one that we do not know.
    Going(String),
    /// It does not go on before a person starts a part of it; the forge's own word.
    Blocked(String),
    /// It ended well.
    Succeeded,
    /// It ended otherwise; the forge's own word.
    Failed(String),
}

/// A workflow run of GitHub, or a pipeline of GitLab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Its id.
    pub id: u64,
    /// Where people watch it.
    pub url: String,
    /// How far it is.
    pub state: RunState,
}

/// What is known of a run whose id the forge did not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sought {
    /// The event that started it, such as `repository_dispatch`.
    pub event: &'static str,
    /// The moment before it was asked for.
    pub since: Timestamp,
    /// The payload's id, which its name shows.
    pub id: String,
}

/// What asking for a run came to.
#[derive(Clone, Debug)]
pub enum Dispatched {
    /// The forge names the run.
    Started(Run),
    /// It was accepted; which run it starts, if any, is not told.
    Accepted,
    /// The answer was lost: it may have been accepted, or not.
    Unclear(Fault),
}

/// A request as it would be sent, without its secrets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Draft {
    /// The method.
    pub method: &'static str,
    /// The whole address.
    pub url: String,
    /// The headers that matter, with their values.
    pub headers: BTreeMap<String, String>,
    /// The body, JSON.
    pub body: Value,
}

/// What stands where a secret would.
pub const REDACTED: &str = "[redacted]";

impl fmt::Display for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.method, self.url)?;
        for (name, value) in &self.headers {
            writeln!(f, "{name}: {value}")?;
        }
        writeln!(f, "\n{:#}", self.body)
    }
}
