//! The arguments of `resolve-image`.
#![allow(
    clippy::doc_markdown,
    rustdoc::bare_urls,
    rustdoc::broken_intra_doc_links,
    rustdoc::invalid_html_tags,
    reason = "help text is no Markdown"
)]

use clap::{Args, ValueEnum};

use crate::words::select::{Said, Write};

/// Ask a registry which tag of an image, or which version of a chart, an environment should run
///
/// Prints that tag, and changes nothing; bump-values --resolve and open-promotion-pr --resolve write it. By --app and
/// --env, image and choice are those of the policy file (`select`).
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ResolveImageArgs {
    /// Image, without tag, or a Helm chart in a registry; of an app with several images, the one that is meant
    #[arg(long, value_name = "IMAGE", help_heading = "What")]
    pub image: Option<String>,
    /// Address of a Helm chart repository, whose index.yaml has the chart that --image names
    #[arg(
        long,
        value_name = "URL",
        requires = "image",
        conflicts_with_all = ["app", "env"],
        help_heading = "What"
    )]
    pub chart_repo: Option<String>,
    /// Application, as the policy file names it
    #[arg(
        long,
        value_name = "APP",
        requires = "env",
        help_heading = "By policy (.gitops-steps.yaml)"
    )]
    pub app: Option<String>,
    /// Environment, as the policy file names it
    #[arg(
        long,
        value_name = "ENV",
        requires = "app",
        help_heading = "By policy (.gitops-steps.yaml)"
    )]
    pub env: Option<String>,
    /// How the tag is chosen.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Tell of each tag why it lost
    #[arg(long, help_heading = "What comes out")]
    pub explain: bool,
    /// What to print of the image [default: the tag; for --follow-tag a version with the same digest, else both]
    #[arg(long, value_enum, value_name = "WHAT", help_heading = "What comes out")]
    pub write: Option<WriteArg>,
    /// Config repo that has the policy file: a directory, a git URL, github:owner/name or gitlab:group/project
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = ".",
        help_heading = "By policy (.gitops-steps.yaml)"
    )]
    pub config_repo: String,
    /// Branch to read [default: the remote's default branch; for a directory its files as they are]
    #[arg(long, value_name = "BRANCH", help_heading = "By policy (.gitops-steps.yaml)")]
    pub branch: Option<String>,
}

// No doc comment: clap would take it for the description of the command.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
#[derive(Args, Clone, Debug)]
pub struct SelectArgs {
    /// The highest version in this range wins, such as '~> 1.1', '^1.2', '>=1.0 <2.0' or '1.4.x'
    #[arg(long, value_name = "RANGE", help_heading = "Which tag wins")]
    pub constraint: Option<String>,
    /// The image built last wins; each image that counts is asked for
    #[arg(long, help_heading = "Which tag wins")]
    pub newest: bool,
    /// The highest number wins, such as a build number; see --extract
    #[arg(long, help_heading = "Which tag wins")]
    pub numeric: bool,
    /// The last tag in the order of bytes wins, such as 2026-11-19
    #[arg(long, help_heading = "Which tag wins")]
    pub lexical: bool,
    /// The image that this moving tag leads to wins, by a version tag with the same digest
    #[arg(long, value_name = "TAG", help_heading = "Which tag wins")]
    pub follow_tag: Option<String>,
    /// Regular expression that a tag must match to count
    #[arg(long, value_name = "REGEX", help_heading = "Which tags count")]
    pub allow: Option<String>,
    /// Regular expression that a tag must not match
    #[arg(long, value_name = "REGEX", help_heading = "Which tags count")]
    pub ignore: Option<String>,
    /// Regular expression for the part of a tag that is compared: its first group, or all that matches
    #[arg(long, value_name = "REGEX", help_heading = "Which tags count")]
    pub extract: Option<String>,
    /// Let pre-releases count that --constraint does not name
    #[arg(long, help_heading = "Which tags count")]
    pub pre_releases: bool,
    /// What the image must run on, such as linux/arm64 (can be repeated: all of them)
    #[arg(long, value_name = "PLATFORM", help_heading = "Which tags count")]
    pub platform: Vec<String>,
    /// How many images --newest asks for, and how many tags --follow-tag compares [default: 200]
    #[arg(long, value_name = "NUMBER", help_heading = "Which tags count")]
    pub limit: Option<u64>,
}

/// What is written of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WriteArg {
    /// The tag
    Tag,
    /// The digest
    Digest,
    /// Both
    #[value(name = "tag@digest")]
    Both,
}

impl From<WriteArg> for Write {
    fn from(write: WriteArg) -> Self {
        match write {
            WriteArg::Tag => Self::Tag,
            WriteArg::Digest => Self::Digest,
            WriteArg::Both => Self::Both,
        }
    }
}

impl ResolveImageArgs {
    /// Returns what the flags say of the choice.
    pub(super) fn said(&self) -> Said {
        let SelectArgs {
            constraint,
            newest,
            numeric,
            lexical,
            follow_tag,
            allow,
            ignore,
            extract,
            pre_releases,
            platform,
            limit,
        } = self.select.clone();
        Said {
            constraint,
            newest,
            numeric,
            lexical,
            follow_tag,
            allow,
            ignore,
            extract,
            pre_releases,
            platforms: platform,
            write: self.write.map(Write::from),
            limit,
        }
    }
}

const EXAMPLES: &str = "\
Examples:
  # The highest 1.x version from 1.1 on
  gitops-steps resolve-image --image ghcr.io/acme/web --constraint '~> 1.1'

  # The last build of main, and why the others lost
  gitops-steps resolve-image --image ghcr.io/acme/web --newest --allow '^main-' --explain

  # What the moving tag leads to, pinned
  gitops-steps resolve-image --image ghcr.io/acme/web --follow-tag dev --write tag@digest

  # A chart of a repository on the web
  gitops-steps resolve-image --chart-repo https://charts.example.com/stable --image web --constraint '^2'

  # As the policy says for an app in an environment
  gitops-steps resolve-image --config-repo github:acme/deploy --app web --env dev";
