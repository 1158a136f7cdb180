//! The arguments of `check`.
#![allow(
    clippy::doc_markdown,
    rustdoc::broken_intra_doc_links,
    reason = "help text is no Markdown"
)]

use std::path::PathBuf;

use clap::Args;

/// Check the policy file against the config repo: every target, every environment, all findings at once
///
/// Reads one commit (or a directory as it is) and changes nothing. With --remote, it also asks the forge whether the token may do
/// what the policy asks for. Errors end with exit code 2, or 5 where only the forge would say no; warnings with 0.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct CheckArgs {
    /// Application, as the policy file names it [default: all] (can be repeated)
    #[arg(long, value_name = "APP", help_heading = "What is checked")]
    pub app: Vec<String>,
    /// Environment [default: all] (can be repeated)
    #[arg(long, value_name = "ENV", help_heading = "What is checked")]
    pub env: Vec<String>,
    /// Check that every .yaml and .yml file parses, but for the templates of Helm charts
    #[arg(long, help_heading = "What is checked")]
    pub all_files: bool,
    /// Ask the forge as well: the token's kind and rights, the branch's rules, labels, reviewers, auto-merge
    #[arg(long, help_heading = "What is checked")]
    pub remote: bool,
    /// Workflow file that dispatch-deploy is to start; looked for with --remote
    #[arg(long, value_name = "FILE", help_heading = "What is checked")]
    pub workflow: Option<String>,
    /// Let warnings fail as errors do
    #[arg(long, help_heading = "What comes out")]
    pub strict: bool,
    /// File to write the findings to, as a Code Quality report of GitLab
    #[arg(long, value_name = "FILE", help_heading = "What comes out")]
    pub code_quality: Option<PathBuf>,
    /// Config repo: a directory, a git URL (https, ssh, file), github:owner/name or gitlab:group/project
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = ".",
        help_heading = "Config repo"
    )]
    pub config_repo: String,
    /// Branch to check [default: the remote's default branch; a directory is read as it is, and with this flag stands for the
    /// branch at its `origin`]
    #[arg(long, value_name = "BRANCH", help_heading = "Config repo")]
    pub branch: Option<String>,
}

const EXAMPLES: &str = "\
Examples:
  # The checkout, as it is
  gitops-steps check

  # One app, also where nobody will look at warnings
  gitops-steps check --app web --strict

  # Before the first deploy: may this token do what the policy asks for?
  gitops-steps check --config-repo github:acme/deploy --remote

  # In a merge request of GitLab
  gitops-steps check --code-quality gl-code-quality-report.json";
