//! The command line.
#![expect(clippy::doc_markdown, reason = "help text is no Markdown")]
#![allow(rustdoc::bare_urls, reason = "help text is no Markdown")]

use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::steps::bump_values::BumpValuesArgs;
use crate::steps::check::CheckArgs;
use crate::steps::deployment_status::DeploymentStatusArgs;
use crate::steps::dispatch_deploy::DispatchDeployArgs;
use crate::steps::history::{HistoryArgs, NowArgs};
use crate::steps::open_promotion_pr::OpenPromotionPrArgs;
use crate::steps::preview::{DownArgs, GcArgs, SlugArgs, UpArgs};
use crate::steps::release::{NextArgs, PublishArgs, TagArgs};
use crate::steps::resolve_image::ResolveImageArgs;
use crate::steps::rollback::RollbackArgs;
use crate::steps::scaffold::ScaffoldArgs;
use crate::words::duration;
use crate::words::fault::Fault;
use crate::words::forge_repo::ForgeKind;
use crate::world::clock::Deadline;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// The deployment steps of a GitOps pipeline: carry a new image through Git to every environment
#[derive(Parser, Debug)]
#[command(name = "gitops-steps", version, styles = STYLES, max_term_width = 110, disable_help_subcommand = true)]
#[command(
    after_help = "Every flag has an environment variable: --if-missing is GITOPS_STEPS_IF_MISSING. An empty one \
is an absent one, a list takes one value a line, and flags win. Without any argument, GITOPS_STEPS_COMMAND is the command."
)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Subcommand, Debug)]
pub enum Command {
    #[allow(missing_docs)]
    BumpValues {
        #[command(flatten)]
        args: Box<BumpValuesArgs>,
        #[command(flatten)]
        common: CommonArgs,
    },
    #[allow(missing_docs)]
    Check {
        #[command(flatten)]
        args: Box<CheckArgs>,
        #[command(flatten)]
        common: CommonArgs,
    },
    #[allow(missing_docs)]
    DeploymentStatus {
        #[command(flatten)]
        args: Box<DeploymentStatusArgs>,
        #[command(flatten)]
        common: CommonArgs,
    },
    #[allow(missing_docs)]
    DispatchDeploy {
        #[command(flatten)]
        args: Box<DispatchDeployArgs>,
        #[command(flatten)]
        common: CommonArgs,
    },
    #[allow(missing_docs)]
    #[command(args_conflicts_with_subcommands = true)]
    History {
        #[command(flatten)]
        args: Box<HistoryArgs>,
        #[command(flatten)]
        common: CommonArgs,
        #[command(subcommand)]
        below: Option<HistoryCommand>,
    },
    #[allow(missing_docs)]
    OpenPromotionPr {
        #[command(flatten)]
        args: Box<OpenPromotionPrArgs>,
        #[command(flatten)]
        common: CommonArgs,
    },
    /// Give a pull request a place of its own, for as long as it is open
    #[command(arg_required_else_help = false)]
    Preview {
        /// Which of the four.
        #[command(subcommand)]
        below: PreviewCommand,
    },
    /// Release an app: tell its next version, tag it, publish a page for it
    // Without the help, so that the error lists what there is.
    #[command(arg_required_else_help = false)]
    Release {
        /// The command below.
        #[command(subcommand)]
        below: ReleaseCommand,
    },
    #[allow(missing_docs)]
    ResolveImage {
        #[command(flatten)]
        args: Box<ResolveImageArgs>,
        #[command(flatten)]
        common: CommonArgs,
    },
    #[allow(missing_docs)]
    Rollback {
        #[command(flatten)]
        args: Box<RollbackArgs>,
        #[command(flatten)]
        common: CommonArgs,
    },
    #[allow(missing_docs)]
    Scaffold {
        #[command(flatten)]
        args: Box<ScaffoldArgs>,
        #[command(flatten)]
        common: CommonArgs,
    },
    /// Print a completion script for a shell
    ///
    /// For example: gitops-steps completions bash > ~/.local/share/bash-completion/completions/gitops-steps
    Completions {
        /// Shell to complete in
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one page a command into a folder
    Man {
        /// Folder to write the pages into
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

// No doc comment: clap would take it for the description of `history`.
#[expect(missing_docs, reason = "see above")]
#[derive(Subcommand, Debug)]
pub enum HistoryCommand {
    #[allow(missing_docs)]
    Now {
        #[command(flatten)]
        args: Box<NowArgs>,
        #[command(flatten)]
        common: CommonArgs,
    },
}

// No doc comment: clap would take it for the description of `preview`.
#[expect(missing_docs, reason = "see above")]
#[derive(Subcommand, Debug)]
pub enum PreviewCommand {
    #[allow(missing_docs)]
    Slug {
        #[command(flatten)]
        args: Box<SlugArgs>,
        #[command(flatten)]
        common: CommonArgs,
    },
    #[allow(missing_docs)]
    Up {
        #[command(flatten)]
        args: Box<UpArgs>,
        #[command(flatten)]
        common: CommonArgs,
    },
    #[allow(missing_docs)]
    Down {
        #[command(flatten)]
        args: Box<DownArgs>,
        #[command(flatten)]
        common: CommonArgs,
    },
    #[allow(missing_docs)]
    Gc {
        #[command(flatten)]
        args: Box<GcArgs>,
        #[command(flatten)]
        common: CommonArgs,
    },
}

// No doc comment: clap would take it for the description of `release`.
#[expect(missing_docs, reason = "see above")]
#[derive(Subcommand, Debug)]
pub enum ReleaseCommand {
    #[allow(missing_docs)]
    Next {
        #[command(flatten)]
        args: Box<NextArgs>,
        #[command(flatten)]
        common: CommonArgs,
    },
    #[allow(missing_docs)]
    Tag {
        #[command(flatten)]
        args: Box<TagArgs>,
        #[command(flatten)]
        common: CommonArgs,
    },
    #[allow(missing_docs)]
    Publish {
        #[command(flatten)]
        args: Box<PublishArgs>,
        #[command(flatten)]
        common: CommonArgs,
    },
}

/// The form of what is printed to standard output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The diff
    #[default]
    Text,
    /// The result
    Json,
}

/// A forge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ForgeArg {
    /// GitHub, or a GitHub Enterprise Server
    #[value(name = "github")]
    GitHub,
    /// GitLab, or a self-managed one
    #[value(name = "gitlab")]
    GitLab,
}

impl From<ForgeArg> for ForgeKind {
    fn from(forge: ForgeArg) -> Self {
        match forge {
            ForgeArg::GitHub => Self::GitHub,
            ForgeArg::GitLab => Self::GitLab,
        }
    }
}

/// When to colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

// No doc comment: clap would take it for the description of the command that these flags are part of.
#[expect(missing_docs, reason = "see above")]
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Common")]
pub struct CommonArgs {
    /// Show what would change and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// What to print to standard output
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: Format,
    /// File to write the result to, as JSON
    #[arg(long, value_name = "FILE")]
    pub result_file: Option<PathBuf>,
    /// File to write GITOPS_* variables to, for a dotenv report of GitLab
    #[arg(long, value_name = "FILE")]
    pub dotenv: Option<PathBuf>,
    /// Say nothing but warnings and errors
    #[arg(long, short, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Say more: where a token comes from, each attempt
    #[arg(long, short)]
    pub verbose: bool,
    /// When to colour
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub color: Color,
    /// Forge of a repository whose address does not tell
    #[arg(long, value_enum, value_name = "FORGE")]
    pub forge: Option<ForgeArg>,
    /// Root of the forge's API, such as https://github.example.com/api/v3 [default: what CI says, else the public one]
    #[arg(long, value_name = "URL")]
    pub api_url: Option<String>,
    /// File that holds the token for the repository that is changed; GITOPS_STEPS_TOKEN may hold it instead
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// How long to try, such as 90s, 2m or 1h [default: 2m, and 30m where it waits for others]
    #[arg(long, value_name = "DURATION")]
    pub timeout: Option<String>,
}

impl CommonArgs {
    /// Returns how long a run may take.
    ///
    /// # Errors
    /// `Invalid` for what is no duration.
    pub fn deadline(&self, waits: bool) -> Result<Deadline, Fault> {
        let standard = if waits { "30m" } else { "2m" };
        let timeout = self.timeout.as_deref().unwrap_or(standard);
        duration::parse("--timeout", timeout).map(Deadline::after)
    }

    /// Returns the flags of a command line that gives none.
    #[cfg(test)]
    pub(super) fn for_tests() -> Self {
        let cli = Cli::try_parse_from(["gitops-steps", "bump-values", "--from-event", "auto"]);
        match cli.expect("the flags are right").command {
            Command::BumpValues { common, .. } => common,
            _ => unreachable!("it is bump-values"),
        }
    }
}
