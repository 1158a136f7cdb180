//! The arguments of `rollback`.
#![allow(rustdoc::invalid_html_tags, reason = "help text is no Markdown")]

use clap::Args;

use crate::steps::args::{CommitArgs, ConfigRepoArgs, PublishArgs, PullRequestArgs};

/// Go back to what an environment ran before: a new commit that sets the older values
///
/// The values are found in the history of the config repo. It is no textual revert: what else has changed in those files
/// since stays. Pushed or proposed as the policy says.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct RollbackArgs {
    /// Application, as the policy file names it
    #[arg(long, value_name = "APP", help_heading = "By policy (.gitops-steps.yaml)")]
    pub app: String,
    /// Environment, as the policy file names it
    #[arg(long, value_name = "ENV", help_heading = "By policy (.gitops-steps.yaml)")]
    pub env: String,
    /// What to go back to: `previous`, a version (tag or digest) that it had, or a commit of the config repo
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "previous",
        help_heading = "Rollback"
    )]
    pub to: String,
    /// Config repo flags.
    #[command(flatten)]
    pub config_repo: ConfigRepoArgs,
    /// Publishing flags.
    #[command(flatten)]
    pub publish: PublishArgs,
    /// Flags of the pull request that carries the change.
    #[command(flatten)]
    pub pull_request: PullRequestArgs,
    /// Commit flags.
    #[command(flatten)]
    pub commit: CommitArgs,
}

const EXAMPLES: &str = "\
Examples:
  # What would change?
  gitops-steps rollback --app web --env prod --dry-run

  # Back to what dev had before, pushed through GitHub's API
  gitops-steps rollback --config-repo github:acme/deploy --app web --env dev

  # Back to a version, past a policy that asks for a pull request
  gitops-steps rollback --config-repo github:acme/deploy --app web --env prod --to v1.4.0 \\
    --override-policy 'checkout is down'";
