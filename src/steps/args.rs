//! Groups of flags that more than one command has.
#![allow(rustdoc::invalid_html_tags, reason = "help text is no Markdown")]

use clap::{Args, ValueEnum};

use crate::plan::commit::Signing;
use crate::words::fault::Fault;
use crate::words::policy::{AutoMerge, Guard};

/// Which config repo, and which branch of it.
#[derive(Args, Clone, Debug)]
pub struct ConfigRepoArgs {
    /// Config repo: a directory, a git URL (https, ssh, file), github:owner/name or gitlab:group/project
    ///
    /// A directory is edited in place, or, with `--publish push`, stands for the branch at its `origin`. A git
    /// URL is changed without a clone: the tip of one branch is fetched, and one commit pushed. github: and gitlab: go
    /// through the forge's API.
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = ".",
        help_heading = "Config repo"
    )]
    pub config_repo: String,
    /// Branch to change [default: the remote's default branch; for a directory the checked-out one]
    #[arg(long, value_name = "BRANCH", help_heading = "Config repo")]
    pub branch: Option<String>,
}

/// Where a change goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PublishArg {
    /// What the policy says for the environment; without one, `files` for a directory and `push` otherwise
    #[default]
    Auto,
    /// Write the files of the directory, and nothing else
    Files,
    /// Commit, and push to the branch
    Push,
    /// Commit to a branch of its own, and open or update a pull request (a merge request on GitLab)
    PullRequest,
}

/// How a change is published.
#[derive(Args, Clone, Debug)]
pub struct PublishArgs {
    /// Where the change goes
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "HOW",
        help_heading = "Publishing"
    )]
    pub publish: PublishArg,
    /// Push although the policy says no, for this reason, which the commit records
    #[arg(long, value_name = "REASON", help_heading = "Publishing")]
    pub override_policy: Option<String>,
}

/// How an order guard judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GuardArg {
    /// `semver` where both values are versions, else `sequence`, else `ancestry`, else a warning
    Auto,
    /// Compare versions; a value that is none is an error
    Semver,
    /// Compare the run numbers of the builds; what tells none is refused
    Sequence,
    /// Ask whether the new commit contains the old one; what nobody can tell is refused
    Ancestry,
    /// Do not compare
    None,
}

impl From<Guard> for GuardArg {
    fn from(guard: Guard) -> Self {
        match guard {
            Guard::Auto => Self::Auto,
            Guard::Semver => Self::Semver,
            Guard::Sequence => Self::Sequence,
            Guard::Ancestry => Self::Ancestry,
            Guard::None => Self::None,
        }
    }
}

/// What a stale value leads to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OnStale {
    /// Exit 0 and change nothing
    #[default]
    Skip,
    /// Exit 4
    Fail,
    /// Of a list of `--changes`, leave out the files where it is, and carry the rest
    LeaveOut,
}

/// Whether an older value may replace a newer one.
#[derive(Args, Clone, Debug, Default)]
pub struct GuardArgs {
    /// How to tell an older value from a newer one [default: the policy's, else auto]
    #[arg(long, value_enum, value_name = "GUARD", help_heading = "Order")]
    pub guard: Option<GuardArg>,
    /// What to do when a newer value is there already
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "WHAT",
        help_heading = "Order"
    )]
    pub on_stale: OnStale,
    /// Let an older value replace a newer one
    #[arg(long, help_heading = "Order")]
    pub allow_downgrade: bool,
}

/// With what a commit or a tag is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SignArg {
    /// With an SSH key, by `ssh-keygen`
    Ssh,
    /// With an OpenPGP key, by `gpg`
    Openpgp,
}

/// How a commit or a tag is signed.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Signing")]
pub struct SigningArgs {
    /// Sign it
    #[arg(long, value_enum, value_name = "HOW", requires_if("ssh", "signing_key"))]
    pub sign: Option<SignArg>,
    /// Key to sign with: a file for ssh; a fingerprint, key id or e-mail address for openpgp
    ///
    /// An SSH key is a private one, or a public one whose private half the agent holds. Without one, openpgp takes git's
    /// `user.signingKey`, else the key of the committer.
    #[arg(long, value_name = "KEY", requires = "sign")]
    pub signing_key: Option<String>,
}

impl SigningArgs {
    /// Parses the flags; `None` where nothing is to be signed.
    ///
    /// # Errors
    /// `Invalid` for a key that is none: empty, or with control characters.
    pub fn parse(&self) -> Result<Option<Signing>, Fault> {
        let key = self.signing_key.as_deref();
        if key.is_some_and(|key| key.trim().is_empty() || key.contains(char::is_control)) {
            return Err(Fault::invalid(
                "--signing-key is empty or holds control characters",
            ));
        }
        Ok(self.sign.map(|sign| match sign {
            SignArg::Ssh => Signing::Ssh {
                key: key.unwrap_or_default().into(),
            },
            SignArg::Openpgp => Signing::OpenPgp {
                key: key.map(ToOwned::to_owned),
            },
        }))
    }
}

/// What the commit looks like.
#[expect(clippy::doc_markdown, reason = "help text is no Markdown")]
#[derive(Args, Clone, Debug)]
pub struct CommitArgs {
    /// Commit message, a template with holes such as {app}, {env}, {old} and {new}
    ///
    /// The holes: {app} {env} {image} {tag} {digest} {old} {new} {file} {files} {source_repo}
    /// {source_commit} {actor} {run_url}. Write {{ and }} for braces.
    #[arg(long, value_name = "TEMPLATE", help_heading = "Commit")]
    pub message: Option<String>,
    /// Add `[skip ci]` to the subject
    #[arg(long, help_heading = "Commit")]
    pub skip_ci: bool,
    /// Author and committer, as "Name <email>"
    #[arg(long, value_name = "AUTHOR", help_heading = "Commit")]
    pub author: Option<String>,
    /// How it is signed.
    #[command(flatten)]
    pub signing: SigningArgs,
}

/// How a pull request merges by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AutoMergeArg {
    /// A person merges it
    None,
    /// With a merge commit
    Merge,
    /// As one commit
    Squash,
    /// Its commit on top of the base
    Rebase,
}

impl From<AutoMerge> for AutoMergeArg {
    fn from(auto_merge: AutoMerge) -> Self {
        match auto_merge {
            AutoMerge::None => Self::None,
            AutoMerge::Merge => Self::Merge,
            AutoMerge::Squash => Self::Squash,
            AutoMerge::Rebase => Self::Rebase,
        }
    }
}

/// The pull request that carries a change.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Pull request")]
pub struct PullRequestArgs {
    /// Branch that the pull request goes to, the same as --branch
    #[arg(long, value_name = "BRANCH", conflicts_with = "branch")]
    pub base: Option<String>,
    /// Branch that carries the change [default: promote/<env>/<app>]
    #[arg(long, value_name = "BRANCH")]
    pub head_branch: Option<String>,
    /// Title, a template with the holes of --message [default: the commit's subject]
    #[arg(long, value_name = "TEMPLATE")]
    pub title: Option<String>,
    /// Text before what changes, a template with the holes of --message
    #[arg(long, value_name = "TEMPLATE")]
    pub body: Option<String>,
    /// Label; one that does not exist is made where the token may (can be repeated)
    #[arg(long, value_name = "LABEL")]
    pub label: Vec<String>,
    /// User to ask for a review (can be repeated)
    #[arg(long, value_name = "USER")]
    pub reviewer: Vec<String>,
    /// Team to ask for a review, by its slug; GitHub only (can be repeated)
    #[arg(long, value_name = "TEAM")]
    pub team_reviewer: Vec<String>,
    /// User to assign it to (can be repeated)
    #[arg(long, value_name = "USER")]
    pub assignee: Vec<String>,
    /// Open it as a draft
    #[arg(long)]
    pub draft: bool,
    /// Merge it as soon as the forge's rules are met [default: the policy's, else none]
    #[arg(long, value_enum, value_name = "METHOD")]
    pub auto_merge: Option<AutoMergeArg>,
    /// Replace a branch that carries somebody else's commits
    #[arg(long)]
    pub take_over: bool,
    /// Open it again although a person closed it
    #[arg(long)]
    pub reopen: bool,
}
