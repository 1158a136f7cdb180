//! The arguments of `bump-values`.
#![allow(rustdoc::broken_intra_doc_links, reason = "help text is no Markdown")]

use clap::{Args, ValueEnum};

use crate::steps::args::{CommitArgs, ConfigRepoArgs, GuardArgs, PublishArgs, PullRequestArgs};
use crate::yaml;

/// What happens to a path that does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum IfMissing {
    /// Fail, and name what exists
    #[default]
    Error,
    /// Leave the file as it is
    Skip,
    /// Create the key, and the maps above it
    Create,
}

impl From<IfMissing> for yaml::IfMissing {
    fn from(value: IfMissing) -> Self {
        match value {
            IfMissing::Error => Self::Error,
            IfMissing::Skip => Self::Skip,
            IfMissing::Create => Self::Create,
        }
    }
}

/// What changes, in one of the ways of the documentation.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Args, Clone, Debug, Default)]
pub struct WhatArgs {
    /// Application, as the policy file names it
    #[arg(long, value_name = "APP", help_heading = "By policy (.gitops-steps.yaml)")]
    pub app: Vec<String>,
    /// Environment, as the policy file names it
    #[arg(long, value_name = "ENV", help_heading = "By policy (.gitops-steps.yaml)")]
    pub env: Option<String>,
    /// Ask the registry for the version, as the policy's `select` says
    #[arg(long, help_heading = "By policy (.gitops-steps.yaml)")]
    pub resolve: bool,

    /// Image: its name alone, or NAME[:TAG][@DIGEST]
    #[arg(long, value_name = "IMAGE", help_heading = "What")]
    pub image: Option<String>,
    /// New tag, or the new version of a chart
    #[arg(long, value_name = "TAG", help_heading = "What")]
    pub tag: Option<String>,
    /// New digest, as sha256:…
    #[arg(long, value_name = "DIGEST", help_heading = "What")]
    pub digest: Option<String>,
    /// New name of the image
    #[arg(long, value_name = "NAME", requires_all = ["image", "file"], help_heading = "What")]
    pub new_name: Option<String>,
    /// Drop a digest that would hide the new tag
    #[arg(long, help_heading = "What")]
    pub drop_digest: bool,
    /// Drop a tag that stands beside the new digest
    #[arg(long, help_heading = "What")]
    pub drop_tag: bool,
    /// Change every place where the image is referenced, not just the only one
    #[arg(long, help_heading = "What")]
    pub all: bool,
    /// Refuse a tag or digest that the image's registry does not have, before anything is written
    #[arg(long, help_heading = "What")]
    pub require_image: bool,
    /// Refuse an image that does not run on this platform, such as linux/arm64 (can be repeated); implies --require-image
    #[arg(long, value_name = "PLATFORM", help_heading = "What")]
    pub require_platform: Vec<String>,

    /// File to change, or a glob such as 'apps/*/values.yaml' (can be repeated)
    #[arg(long, value_name = "FILE", help_heading = "By file")]
    pub file: Vec<String>,
    /// Set the value at a path to this string (can be repeated)
    #[arg(long, value_name = "PATH=VALUE", requires = "file", help_heading = "By file")]
    pub set: Vec<String>,
    /// Set the value at a path to this JSON: a number, true, false, null, a string, a list or a map (can be repeated)
    #[arg(long, value_name = "PATH=JSON", requires = "file", help_heading = "By file")]
    pub set_json: Vec<String>,
    /// Remove the key or list item at a path (can be repeated)
    #[arg(long, value_name = "PATH", requires = "file", help_heading = "By file")]
    pub unset: Vec<String>,
    /// What to do with a path that does not exist
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "WHAT",
        help_heading = "By file"
    )]
    pub if_missing: IfMissing,
    /// Document of the file: its index from 0, or Kind/name
    #[arg(long, value_name = "DOCUMENT", requires = "file", help_heading = "By file")]
    pub document: Option<String>,
    /// Change an anchored value although aliases elsewhere change with it
    #[arg(long, help_heading = "By file")]
    pub allow_shared: bool,
    /// Refuse to change a value over which another one lies: an overlay that pins the image, a parameter of an Application
    ///
    /// Without it, that is a warning, where looking costs no request: for a directory, and where git fetches all files anyway.
    #[arg(long, help_heading = "What")]
    pub fail_if_shadowed: bool,

    /// List of {file, set: {path: value}} in YAML or JSON, or - for standard input; all in one commit
    #[arg(long, value_name = "FILE", help_heading = "In bulk")]
    pub changes: Option<String>,

    /// Event body to read app, env and image from: `auto` for the one that CI hands over, or a file
    #[arg(long, value_name = "FILE", help_heading = "From an event")]
    pub from_event: Option<String>,
    /// Ref that a push event must be for, such as refs/heads/main; another one is skipped
    #[arg(
        long,
        value_name = "REF",
        requires = "from_event",
        help_heading = "From an event"
    )]
    pub only_ref: Option<String>,
}

/// Set values in the YAML files of a config repo: by policy, by image, by path, in bulk, or from an event
///
/// Only the bytes of the values change. The result is parsed again by two parsers before anything is
/// written: the asked values differ, nothing else does, or nothing is written.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct BumpValuesArgs {
    /// What changes.
    #[command(flatten)]
    pub what: WhatArgs,
    /// Config repo flags.
    #[command(flatten)]
    pub config_repo: ConfigRepoArgs,
    /// Publishing flags.
    #[command(flatten)]
    pub publish: PublishArgs,
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
  # What would change? Nothing is written.
  gitops-steps bump-values --file apps/web/values.yaml --set image.tag=v1.4.0 --dry-run

  # Every reference to an image in a checkout
  gitops-steps bump-values --file 'apps/**/*.yaml' --image ghcr.io/acme/web --tag v1.4.0 --all

  # By the policy file of the config repo, pushed without a clone
  gitops-steps bump-values --config-repo https://git.example.com/acme/deploy.git --app web --env dev --tag v1.4.0

  # On a schedule: what the registry has, as the policy's `select` says
  gitops-steps bump-values --config-repo github:acme/deploy --app web --env dev --resolve

  # In the config repo's own workflow, from the event that started it
  gitops-steps bump-values --from-event auto";
