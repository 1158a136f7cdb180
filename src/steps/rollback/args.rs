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
    /// [default: previous]
    #[arg(long, value_name = "WHEN", help_heading = "Rollback")]
    pub to: Option<String>,
    /// Hold it there for this reason: nothing else is pushed to it until it is released
    #[arg(long, value_name = "REASON", help_heading = "Rollback")]
    pub hold: Option<String>,
    /// End the hold; without --to, nothing else changes
    #[arg(long, conflicts_with = "hold", help_heading = "Rollback")]
    pub release_hold: bool,
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
    --override-policy 'checkout is down'

  # Back, and stay there until somebody releases it
  gitops-steps rollback --config-repo github:acme/deploy --app web --env dev --hold 'leaks memory'
  gitops-steps rollback --config-repo github:acme/deploy --app web --env dev --release-hold";
