//! The arguments of `open-promotion-pr`.
#![allow(rustdoc::invalid_html_tags, reason = "help text is no Markdown")]

use clap::Args;

use crate::steps::args::{CommitArgs, ConfigRepoArgs, GuardArgs, PullRequestArgs};
use crate::steps::bump_values::WhatArgs;

/// Open, or bring up to date, the pull request that takes a version to an environment
///
/// The values are those that another environment has (--from-env), or those that are named as for bump-values. There
/// is one branch and one open pull request for each app and environment: run again, it is the same one.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct OpenPromotionPrArgs {
    /// Environment whose versions are taken [default: the policy's `promote-from`]
    #[arg(long, value_name = "ENV", help_heading = "Promotion")]
    pub from_env: Option<String>,
    /// Name for several apps that go together; the branch is promote/<env>/<group>
    #[arg(long, value_name = "NAME", help_heading = "Promotion")]
    pub group: Option<String>,
    /// Only if the deployment of these versions in --from-env ended like this
    #[arg(long, value_name = "STATE", value_parser = ["success"], help_heading = "Promotion")]
    pub require_deployment: Option<String>,
    /// Only if that deployment ended at least so long ago, such as 30m or 2h
    #[arg(
        long,
        value_name = "DURATION",
        requires = "require_deployment",
        help_heading = "Promotion"
    )]
    pub min_soak: Option<String>,
    /// What changes.
    #[command(flatten)]
    pub what: WhatArgs,
    /// Config repo flags.
    #[command(flatten)]
    pub config_repo: ConfigRepoArgs,
    /// Flags of the pull request that carries the change.
    #[command(flatten)]
    pub pull_request: PullRequestArgs,
    /// Order flags.
    #[command(flatten)]
    pub guard: GuardArgs,
    /// Commit flags.
    #[command(flatten)]
    pub commit: CommitArgs,
}

const EXAMPLES: &str = "\
Examples:
  # What dev has goes to prod, through GitHub's API
  gitops-steps open-promotion-pr --config-repo github:acme/deploy --app web --from-env dev --env prod

  # All apps whose versions differ, in one merge request on GitLab
  gitops-steps open-promotion-pr --config-repo gitlab:acme/deploy --app '*' --group weekly --env prod

  # A version by name, to be merged as soon as the checks pass
  gitops-steps open-promotion-pr --app web --env prod --tag v1.4.0 --auto-merge squash

  # In the config repo's own workflow, from the event that started it
  gitops-steps open-promotion-pr --from-event auto --env prod";
