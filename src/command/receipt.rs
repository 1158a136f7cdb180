//! The result of a run: one object behind the JSON, the outputs of GitHub and the dotenv of GitLab.

use serde::Serialize;

use super::exit::Failure;
use crate::plan::dispatch::Draft;
use crate::plan::release::ReleaseReport;
use crate::plan::{Operation, Plan, Publish, ValueChange};
use crate::steps::check::report::Report as Checked;
use crate::steps::history::report::Report;
use crate::steps::resolve_image::{Resolution, Row};
use crate::words::fault::Kind;

/// The version of the JSON's form.
const SCHEMA: u8 = 1;

/// The most files that one line of text names.
const NAMED_MAX: usize = 10;

/// What a run came to. Every key is always there, also when nothing changed and on failure; beside them, commands that tell of
/// more than a change have one of their own.
#[derive(Clone, Debug, Serialize)]
pub struct Receipt {
    /// The version of this form.
    pub schema: u8,
    /// The command.
    pub command: &'static str,
    /// What happened.
    pub operation: Operation,
    /// Whether a value changed (or, in a dry run, would change).
    pub changed: bool,
    /// Whether nothing was to be written.
    pub dry_run: bool,
    /// Where the change went.
    pub publish: Option<Publish>,
    /// The app, where the policy was asked.
    pub app: Option<String>,
    /// The environment, where the policy was asked.
    pub env: Option<String>,
    /// The value before, where it is the same at every place.
    pub old: Option<String>,
    /// The value after, where it is the same at every place.
    pub new: Option<String>,
    /// The commit, in full hex.
    pub commit: Option<String>,
    /// The branch that was changed.
    pub branch: Option<String>,
    /// The files that differ.
    pub files: Vec<String>,
    /// The values that differ.
    pub changes: Vec<ValueChange>,
    /// The number of the change request.
    pub pr_number: Option<u64>,
    /// The address of the change request.
    pub pr_url: Option<String>,
    /// The deployment.
    pub deployment_id: Option<u64>,
    /// Where users reach the environment.
    pub environment_url: Option<String>,
    /// The run that was started.
    pub run_id: Option<u64>,
    /// The address of the run that was started.
    pub run_url: Option<String>,
    /// Whether the forge shows the commit as verified; unknown after a push.
    pub verified: Option<bool>,
    /// How often the change was planned; more than once when the branch moved.
    pub attempts: u32,
    /// Why nothing changed, or why it failed.
    pub reason: Option<String>,
    /// The story of a run that changes no file, in one line.
    #[serde(skip)]
    pub story: Option<String>,
    /// What is printed as text in the place of the diff, unless the run fails: one value and a line break, or a list.
    #[serde(skip)]
    pub shown: Option<String>,
    /// What another way to publish would do.
    #[serde(skip)]
    pub remark: Option<String>,
    /// What the user should know all the same.
    pub warnings: Vec<String>,
    /// The commit's message.
    pub message: Option<String>,
    /// The failure.
    pub error: Option<ErrorReport>,
    /// The request that a dry run shows.
    pub request: Option<Draft>,
    /// What was chosen of an image's tags; there where a registry was asked.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub resolved: Vec<Resolution>,
    /// Each tag, and why it lost; there for `--explain` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub candidates: Option<Vec<Row>>,
    /// What `history` tells; there for it alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<Report>,
    /// What `release` tells; there for it alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release: Option<ReleaseReport>,
    /// What `check` found; there for it alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub check: Option<Checked>,
    /// What became of each repository of a new application; there for `scaffold` alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repositories: Option<Vec<Repository>>,
    /// The unified diff.
    pub diff: String,
}

/// One of several repositories that a run writes to.
#[derive(Clone, Debug, Serialize)]
pub struct Repository {
    /// Where it is.
    pub address: String,
    /// What happened there.
    pub operation: Operation,
    /// The branch that was changed.
    pub branch: Option<String>,
    /// The commit, in full hex.
    pub commit: Option<String>,
    /// The address of the change request.
    pub pr_url: Option<String>,
    /// The files that differ.
    pub files: Vec<String>,
}

/// A failure, for programs.
#[derive(Clone, Debug, Serialize)]
pub struct ErrorReport {
    message: String,
    hint: Option<String>,
    file: Option<String>,
    line: Option<usize>,
    column: Option<usize>,
    exit_code: u8,
}

impl Receipt {
    /// Makes a receipt that says nothing yet.
    pub fn new(command: &'static str, operation: Operation) -> Self {
        Self {
            schema: SCHEMA,
            command,
            operation,
            changed: false,
            dry_run: false,
            publish: None,
            app: None,
            env: None,
            old: None,
            new: None,
            commit: None,
            branch: None,
            files: Vec::new(),
            changes: Vec::new(),
            pr_number: None,
            pr_url: None,
            deployment_id: None,
            environment_url: None,
            run_id: None,
            run_url: None,
            verified: None,
            attempts: 0,
            reason: None,
            story: None,
            shown: None,
            remark: None,
            warnings: Vec::new(),
            message: None,
            error: None,
            request: None,
            resolved: Vec::new(),
            candidates: None,
            history: None,
            release: None,
            check: None,
            repositories: None,
            diff: String::new(),
        }
    }

    /// Lets a value be all that is printed as text, on a line of its own; nothing where it is empty.
    pub fn show(&mut self, value: &str) {
        self.shown = Some(if value.is_empty() {
            String::new()
        } else {
            format!("{value}\n")
        });
    }

    /// Fills in what a plan says.
    #[must_use]
    pub fn of_plan(mut self, plan: Plan) -> Self {
        self.diff = crate::plan::diff::unified(&plan.files);
        self.operation = plan.operation;
        self.changed = !plan.files.is_empty();
        self.publish = Some(plan.publish);
        self.files = plan.files.iter().map(|file| file.path.to_string()).collect();
        (self.old, self.new) = (plan.old, plan.new);
        self.changes = plan.changes;
        self.reason = plan.reason;
        self.remark = plan.remark;
        self.warnings = plan.warnings;
        self.message = (!plan.message.is_empty()).then_some(plan.message);
        self
    }

    /// Returns what changes in words: how many values in which files, the first of them by name; the files alone where they
    /// come and go whole.
    pub fn what(&self) -> String {
        let named = self.files.len().min(NAMED_MAX);
        let files = self.files[..named].join(", ");
        let files = match self.files.len() - named {
            0 => files,
            1 => format!("{files} and 1 more file"),
            more => format!("{files} and {more} more files"),
        };
        match self.changes.len() {
            0 => files,
            1 => format!("1 value in {files}"),
            count => format!("{count} values in {files}"),
        }
    }

    /// Fills in a failure.
    #[must_use]
    pub fn failed(mut self, failure: &Failure) -> Self {
        let place = failure.fault.place.as_ref();
        self.operation = match failure.fault.kind {
            Kind::Refused => Operation::Refused,
            _ => Operation::Failed,
        };
        self.changed = false;
        self.reason = Some(failure.message.clone());
        self.error = Some(ErrorReport {
            message: failure.message.clone(),
            hint: failure.fault.hint.clone(),
            file: place.map(|place| place.file.clone()),
            line: place.map(|place| place.line).filter(|line| *line > 0),
            column: place.map(|place| place.column).filter(|column| *column > 0),
            exit_code: failure.code(),
        });
        self
    }

    /// Returns the outputs of a step, kebab-case, always the same keys; what is not known is empty.
    pub fn outputs(&self) -> Vec<(&'static str, String)> {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
        vec![
            ("changed", self.changed.to_string()),
            ("operation", self.operation.word().to_owned()),
            ("old", text(&self.old)),
            ("new", text(&self.new)),
            ("commit", text(&self.commit)),
            ("branch", text(&self.branch)),
            ("files", self.files.join("\n")),
            ("pr-number", number(self.pr_number)),
            ("pr-url", text(&self.pr_url)),
            ("deployment-id", number(self.deployment_id)),
            ("environment-url", text(&self.environment_url)),
            ("run-id", number(self.run_id)),
            ("run-url", text(&self.run_url)),
            (
                "verified",
                self.verified
                    .map(|verified| verified.to_string())
                    .unwrap_or_default(),
            ),
            ("reason", text(&self.reason)),
        ]
    }

    /// Returns the result as JSON, ending in a line break.
    pub fn json(&self) -> String {
        let json = serde_json::to_string_pretty(self).expect("a receipt holds nothing that JSON cannot");
        format!("{json}\n")
    }
}
