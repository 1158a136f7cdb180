//! The arguments of `history` and `history now`.
#![allow(
    clippy::doc_markdown,
    rustdoc::broken_intra_doc_links,
    reason = "help text is no Markdown"
)]

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Tell what ran where, since when and by whom, from git alone
///
/// The places that the policy file lists now are read in every commit of the branch that touched their files; a commit
/// without our trailers is told as well, by its author. Nothing is checked out, and a clone is read as it is.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct HistoryArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub which: WhichArgs,
    /// Only what came after: a time ago (2w, 36h), a date, an RFC 3339 time, or a commit
    #[arg(long, value_name = "WHEN", help_heading = "Which changes")]
    pub since: Option<String>,
    /// Only what came before a date or time, or up to a commit
    #[arg(long, value_name = "WHEN", help_heading = "Which changes")]
    pub until: Option<String>,
    /// How many changes to tell, newest first; 0 tells all
    #[arg(
        long,
        short = 'n',
        value_name = "NUMBER",
        default_value_t = 50,
        help_heading = "Which changes"
    )]
    pub limit: usize,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub view: ViewArgs,
}

/// Show what stands now: the versions of each app in each environment, their age, and how far they are behind
///
/// Each environment is held against the one that the policy promotes from. Where the clusters of an environment disagree, it
/// is marked.
#[derive(Args, Clone, Debug)]
#[command(after_help = NOW_EXAMPLES)]
pub struct NowArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub which: WhichArgs,
    /// Show what stood before a date or time, or at a commit, instead
    #[arg(long, value_name = "WHEN", help_heading = "Which changes")]
    pub until: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub view: ViewArgs,
}

// No doc comments on the groups: clap would take them for the description of the command.
#[expect(missing_docs, reason = "see above")]
#[derive(Args, Clone, Debug)]
pub struct WhichArgs {
    /// Application, as the policy file names it [default: all] (can be repeated)
    #[arg(long, value_name = "APP", help_heading = "Which changes")]
    pub app: Vec<String>,
    /// Environment [default: all] (can be repeated)
    #[arg(long, value_name = "ENV", help_heading = "Which changes")]
    pub env: Vec<String>,
    /// Config repo: a clone of it, bare or not, or an https, ssh or file URL, whose history is fetched
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = ".",
        help_heading = "Config repo"
    )]
    pub config_repo: String,
    /// Branch to read [default: the remote's default branch; for a directory what is checked out]
    #[arg(long, value_name = "BRANCH", help_heading = "Config repo")]
    pub branch: Option<String>,
}

#[expect(missing_docs, reason = "see above")]
#[derive(Args, Clone, Debug)]
pub struct ViewArgs {
    /// How to show it
    #[arg(
        long,
        short = 'o',
        value_enum,
        default_value_t,
        value_name = "FORM",
        help_heading = "View"
    )]
    pub output: Output,
    /// File to write that to, instead of standard output
    #[arg(long, value_name = "FILE", help_heading = "View")]
    pub output_file: Option<PathBuf>,
}

/// How a history is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// A table for a terminal
    #[default]
    Table,
    /// The result, as --format json prints it
    Json,
    /// Comma-separated values with a header, for a spreadsheet
    Csv,
    /// A table for a comment or a wiki
    Markdown,
    /// A picture of the promotion path with what stands now
    Mermaid,
    /// One page that needs nothing beside it
    Html,
}

const EXAMPLES: &str = "\
Examples:
  # The last changes of all apps
  gitops-steps history

  # What happened to production in October?
  gitops-steps history --env prod --since 2026-10-01 --until 2026-11-01 --limit 0

  # For an audit, as a spreadsheet
  gitops-steps history --app shop --since 1y --limit 0 --output csv > shop.csv

  # From a bare clone, or an address
  gitops-steps history --config-repo https://github.com/acme/deploy --since 2w";

const NOW_EXAMPLES: &str = "\
Examples:
  # Every app and environment
  gitops-steps history now

  # What stood in production at New Year?
  gitops-steps history now --env prod --until 2026-01-01

  # A picture of the promotion path, for a wiki or a README
  gitops-steps history now --app shop --output mermaid

  # A page for those who would rather look
  gitops-steps history now --output html --output-file history.html";
