//! The arguments of `release next`, `release tag` and `release publish`.
#![allow(
    clippy::doc_markdown,
    rustdoc::broken_intra_doc_links,
    rustdoc::invalid_html_tags,
    reason = "help text is no Markdown"
)]

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::steps::args::SigningArgs;
use crate::words::conventional::Level;

/// Tell the next version, from the commits since the last tag or from the labels of the pull requests merged since
///
/// Prints the version alone; nothing is tagged. With --write, it is put into files of the work tree.
#[derive(Args, Clone, Debug)]
#[command(after_help = NEXT_EXAMPLES)]
pub struct NextArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: SourceArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub rules: RulesArgs,
    /// File of the work tree to write the version into: package.json, package-lock.json, Cargo.toml, pyproject.toml,
    /// Chart.yaml or VERSION (can be repeated)
    #[arg(long, value_name = "FILE", help_heading = "Files")]
    pub write: Vec<String>,
    /// Write it as `appVersion` of a Chart.yaml too
    #[arg(long, requires = "write", help_heading = "Files")]
    pub app_version: bool,
}

/// Tag a commit with the next version, and push the tag
///
/// The tag is annotated. One that exists on the same commit is fine; one that exists elsewhere is refused. Of two runs at
/// once, the loser counts again from what is there then. HEAD and the work tree stay as they are.
#[derive(Args, Clone, Debug)]
#[command(after_help = TAG_EXAMPLES)]
pub struct TagArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: SourceArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub rules: RulesArgs,
    /// Version to tag, instead of the next one
    #[arg(
        long = "version",
        value_name = "VERSION",
        conflicts_with_all = ["bump", "channel"],
        help_heading = "Tag"
    )]
    pub version: Option<String>,
    /// Message of the tag [default: its name, and what the commits say]
    #[arg(long, value_name = "TEXT", help_heading = "Tag")]
    pub message: Option<String>,
    /// How it is signed.
    #[command(flatten)]
    pub signing: SigningArgs,
    /// Whether the tag is pushed
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "HOW",
        help_heading = "Publishing"
    )]
    pub publish: PublishTag,
}

/// Publish a release page for a tag on GitHub or GitLab, with notes made from the commits
///
/// A page that exists is brought up to date: what people wrote around the notes stays.
#[derive(Args, Clone, Debug)]
#[command(after_help = PUBLISH_EXAMPLES)]
pub struct PublishArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: SourceArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub series: SeriesArgs,
    /// Version whose tag it is for [default: the tag that CI runs for, else the newest one on the commit]
    #[arg(long = "version", value_name = "VERSION", help_heading = "Release")]
    pub version: Option<String>,
    /// Title [default: the tag]
    #[arg(long, value_name = "TEXT", help_heading = "Release")]
    pub title: Option<String>,
    /// File with the notes, instead of those made from the commits
    #[arg(long, value_name = "FILE", help_heading = "Release")]
    pub notes_file: Option<PathBuf>,
    /// Leave it a draft; GitHub only
    #[arg(long, help_heading = "Release")]
    pub draft: bool,
    /// Mark it as not ready for production, as a pre-release version always is; GitHub only
    #[arg(long, help_heading = "Release")]
    pub prerelease: bool,
    /// Whether it is the repository's latest release; GitHub only
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "WHEN",
        help_heading = "Release"
    )]
    pub latest: Latest,
}

// No doc comments on the groups: clap would take them for the description of the command.
#[expect(missing_docs, reason = "see above")]
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "App's repository")]
pub struct SourceArgs {
    /// App's repository: a directory, a git URL (https, ssh, file), github:owner/name or gitlab:group/project
    #[arg(long, value_name = "ADDRESS", default_value = ".")]
    pub repo: String,
    /// Branch to release from, of a repository at an address [default: its default branch]
    #[arg(long, value_name = "BRANCH")]
    pub branch: Option<String>,
    /// Commit to release [default: the one that is checked out; at an address, the branch's last]
    #[arg(long, value_name = "COMMIT")]
    pub sha: Option<String>,
}

#[derive(Args, Clone, Debug)]
pub struct SeriesArgs {
    /// What stands before the version in a tag's name [default: what the last tag has, else v]
    #[arg(long, value_name = "TEXT", help_heading = "Version")]
    pub tag_prefix: Option<String>,
    /// Folder or file; only commits that change something there count (can be repeated)
    #[arg(long, value_name = "PATH", help_heading = "Version")]
    pub path: Vec<String>,
}

#[derive(Args, Clone, Debug)]
pub struct RulesArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub series: SeriesArgs,
    /// What says how far the version moves
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "WHAT",
        help_heading = "Version"
    )]
    pub from: From,
    /// Move it this far, whatever the commits say
    #[arg(long, value_enum, value_name = "LEVEL", help_heading = "Version")]
    pub bump: Option<Bump>,
    /// What a commit stands for that is no feature, fix or breaking change, or a pull request without a label
    /// [default: none for commits, patch for labels]
    #[arg(long, value_enum, value_name = "LEVEL", help_heading = "Version")]
    pub default_bump: Option<DefaultBump>,
    /// Let a breaking change lead from 0.x to 1.0.0, instead of the next 0.x
    #[arg(long, help_heading = "Version")]
    pub major_on_zero: bool,
    /// First version, where there is no tag yet
    #[arg(
        long,
        value_name = "VERSION",
        default_value = "0.1.0",
        help_heading = "Version"
    )]
    pub initial: String,
    /// Channel of a pre-release, such as rc for 1.3.0-rc.1
    #[arg(long, value_name = "NAME", help_heading = "Version")]
    pub channel: Option<String>,
}

/// What says how far a version moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum From {
    /// The messages of the commits, by Conventional Commits
    #[default]
    Commits,
    /// The labels major, minor and patch of the pull requests (merge requests) merged since
    Labels,
}

/// How far a version moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Bump {
    /// To the next first number
    Major,
    /// To the next second number
    Minor,
    /// To the next third number
    Patch,
}

/// How far a version moves for what says nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DefaultBump {
    /// Not at all
    None,
    /// To the next third number
    Patch,
    /// To the next second number
    Minor,
}

/// Whether a tag is pushed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PublishTag {
    /// In CI, and for a repository at an address; from a directory elsewhere, only said
    #[default]
    Auto,
    /// Push it
    Push,
}

/// Whether a release is the latest one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Latest {
    /// If no tag with the same prefix has a higher version; a pre-release never
    #[default]
    Auto,
    /// It is
    True,
    /// It is not
    False,
}

impl std::convert::From<Bump> for Level {
    fn from(bump: Bump) -> Self {
        match bump {
            Bump::Major => Self::Major,
            Bump::Minor => Self::Minor,
            Bump::Patch => Self::Patch,
        }
    }
}

impl std::convert::From<DefaultBump> for Level {
    fn from(bump: DefaultBump) -> Self {
        match bump {
            DefaultBump::None => Self::None,
            DefaultBump::Patch => Self::Patch,
            DefaultBump::Minor => Self::Minor,
        }
    }
}

const NEXT_EXAMPLES: &str = "\
Examples:
  # Which version comes next, and why?
  gitops-steps release next

  # A release candidate
  gitops-steps release next --channel rc

  # One service of a monorepo
  gitops-steps release next --path services/api --tag-prefix api-v

  # By the labels major, minor and patch of the pull requests
  gitops-steps release next --from labels --repo github:acme/shop

  # Into the files that hold it, before the build
  gitops-steps release next --write package.json --write chart/Chart.yaml --app-version";

const TAG_EXAMPLES: &str = "\
Examples:
  # What would be tagged?
  gitops-steps release tag --dry-run

  # Tag HEAD and push the tag; in CI, --publish is not needed
  gitops-steps release tag --publish push

  # This version, signed
  gitops-steps release tag --version 2.0.0 --sign ssh --signing-key ~/.ssh/id_ed25519 --publish push

  # Through GitHub's API
  gitops-steps release tag --repo github:acme/shop";

const PUBLISH_EXAMPLES: &str = "\
Examples:
  # A release page for the tag that CI runs for, or the one on HEAD
  gitops-steps release publish

  # For a version of one service, as a draft
  gitops-steps release publish --repo github:acme/shop --version 1.4.0 --tag-prefix api-v --path services/api --draft

  # With notes of one's own
  gitops-steps release publish --version 1.4.0 --notes-file NOTES.md";
