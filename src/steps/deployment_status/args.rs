//! The arguments of `deployment-status`.
#![allow(rustdoc::broken_intra_doc_links, reason = "help text is no Markdown")]
#![allow(clippy::doc_markdown, reason = "help text is no Markdown")]
#![allow(rustdoc::invalid_html_tags, reason = "help text is no Markdown")]

use std::ffi::OsString;

use clap::{Args, ValueEnum};

use crate::plan::deployment::DeploymentState;

/// A state, in GitHub's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum StateArg {
    /// It waits for its turn
    Queued,
    /// It has not begun
    Pending,
    /// It goes on
    InProgress,
    /// It is there
    Success,
    /// It failed
    Failure,
    /// It could not be done
    Error,
    /// It is not there any more; on GitLab the environment is stopped
    Inactive,
}

impl From<StateArg> for DeploymentState {
    fn from(state: StateArg) -> Self {
        match state {
            StateArg::Queued => Self::Queued,
            StateArg::Pending => Self::Pending,
            StateArg::InProgress => Self::InProgress,
            StateArg::Success => Self::Success,
            StateArg::Failure => Self::Failure,
            StateArg::Error => Self::Error,
            StateArg::Inactive => Self::Inactive,
        }
    }
}

/// What happens when there is no such deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum IfNoDeployment {
    /// Exit 3
    Error,
    /// Do nothing, and exit 0
    Skip,
    /// Create it
    Create,
}

/// Record on GitHub or GitLab how a deployment goes, run it, or wait for it
///
/// The deployment is the newest one of the environment that has the commit, the branch or the id. A state that is
/// there already is not recorded again, and one that was torn down is not brought back.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct DeploymentStatusArgs {
    /// Repository of the app, as github:owner/name or gitlab:group/project [default: the one whose CI runs this]
    #[arg(long, value_name = "REPO", help_heading = "Which deployment")]
    pub repo: Option<String>,
    /// Environment
    #[arg(long, value_name = "ENV", help_heading = "Which deployment")]
    pub env: Option<String>,
    /// Id of the deployment
    #[arg(
        long,
        value_name = "ID",
        conflicts_with = "create",
        help_heading = "Which deployment"
    )]
    pub deployment_id: Option<u64>,
    /// Commit, in full hex [default: CI's; of a pull request, its head]
    #[arg(long, value_name = "SHA", help_heading = "Which deployment")]
    pub sha: Option<String>,
    /// Branch or tag, or a branch's slug as Argo CD and GitLab write it
    #[arg(long, value_name = "REF", help_heading = "Which deployment")]
    pub r#ref: Option<String>,
    /// Event to read all of this from: `auto` for the one that CI hands over, or a file
    #[arg(long, value_name = "FILE", help_heading = "Which deployment")]
    pub from_event: Option<String>,

    /// State to record
    #[arg(
        long,
        value_enum,
        value_name = "STATE",
        conflicts_with_all = ["wait_for", "command"],
        help_heading = "What to record"
    )]
    pub state: Option<StateArg>,
    /// Address at which users reach the environment
    #[arg(long, value_name = "URL", help_heading = "What to record")]
    pub environment_url: Option<String>,
    /// Address at which people read how it went [default: CI's run]
    #[arg(long, value_name = "URL", help_heading = "What to record")]
    pub log_url: Option<String>,
    /// What to say about it, in at most 140 characters
    #[arg(long, value_name = "TEXT", help_heading = "What to record")]
    pub description: Option<String>,
    /// Create a new deployment
    #[arg(long, conflicts_with = "if_missing", help_heading = "What to record")]
    pub create: bool,
    /// What to do when there is no such deployment [default: error; create, before a command of ours]
    #[arg(long, value_enum, value_name = "WHAT", help_heading = "What to record")]
    pub if_missing: Option<IfNoDeployment>,
    /// Say of a deployment that is created: its environment goes away with its branch
    #[arg(long, help_heading = "What to record")]
    pub transient: bool,
    /// Say of a deployment that is created: its environment is one that users see
    #[arg(long, help_heading = "What to record")]
    pub production: bool,

    /// Wait for argocd:APP or argocd:APP@NAMESPACE, and record what it comes to, or for `deployment`, whose state
    /// somebody else records
    #[arg(
        long,
        value_name = "WHAT",
        conflicts_with = "command",
        help_heading = "Waiting"
    )]
    pub wait_for: Option<String>,
    /// How long it must stay healthy, or degraded, before that is believed
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "30s",
        help_heading = "Waiting"
    )]
    pub settle: String,
    /// Commit of the config repo that Argo CD must have synced, or a later one [default: the deployment's]
    #[arg(long, value_name = "SHA", requires = "wait_for", help_heading = "Waiting")]
    pub revision: Option<String>,
    /// Config repo that is asked which commit is the later one [default: the app's repository]
    #[arg(long, value_name = "REPO", requires = "wait_for", help_heading = "Waiting")]
    pub config_repo: Option<String>,
    /// Image that must run there, as NAME:TAG, where the commits cannot tell
    #[arg(long, value_name = "IMAGE", requires = "wait_for", help_heading = "Waiting")]
    pub image: Option<String>,

    /// Command that deploys: in_progress is recorded before it, success or failure after it
    #[arg(last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

const EXAMPLES: &str = "\
Examples:
  # Create a deployment of this commit, and say that it goes on
  gitops-steps deployment-status --env dev --state in_progress --create

  # Run what deploys, and record how it ended
  gitops-steps deployment-status --env prod --production -- helm upgrade web ./chart

  # Record what Argo CD's notifications report
  gitops-steps deployment-status --from-event auto --if-missing skip

  # Wait until Argo CD has synced a commit of the config repo and is healthy
  gitops-steps deployment-status --env dev --wait-for argocd:web --revision \"$COMMIT\" --config-repo github:acme/deploy";
