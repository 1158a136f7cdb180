//! The arguments of `preview`.
#![allow(clippy::doc_markdown, reason = "help text is no Markdown")]
#![allow(rustdoc::bare_urls, reason = "help text is no Markdown")]
#![allow(rustdoc::broken_intra_doc_links, reason = "help text is no Markdown")]
#![allow(rustdoc::invalid_html_tags, reason = "help text is no Markdown")]

use clap::{Args, ValueEnum};

use crate::plan::deployment::DeploymentState;
use crate::steps::args::{CommitArgs, ConfigRepoArgs, PublishArgs};

/// How previews are called.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Name and address")]
pub struct SlugsArgs {
    /// Most characters of the slug, up to 63 [default: 50, as Argo CD's branch_slug]
    #[arg(long, value_name = "N")]
    pub max: Option<usize>,
    /// Tell this branch from the open ones of the same slug by a short hash; the oldest keeps the plain slug
    #[arg(long)]
    pub suffix_on_collision: bool,
}

/// How a preview is called, and where it is reached.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Name and address")]
pub struct NamingArgs {
    /// Name.
    #[command(flatten)]
    pub slugs: SlugsArgs,
    /// Domain below which previews are reached, each at its slug; or a host with {slug} (and {app}, {pr}) in it
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Option<String>,
    /// Address of the preview, with {slug}, {host}, {app}, {pr}, {sha} and {tag} [default: https:// and the host]
    #[arg(long, value_name = "URL")]
    pub environment_url: Option<String>,
}

/// Which pull requests have a preview.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Which pull request")]
pub struct RequestsArgs {
    /// Repository of the app, as github:owner/name or gitlab:group/project [default: the one whose CI runs this]
    #[arg(long, value_name = "REPO")]
    pub repo: Option<String>,
    /// Label of the pull requests that have a preview; `*` for all of them
    #[arg(long, value_name = "LABEL", default_value = "preview")]
    pub label: String,
}

/// Which pull request it is about.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Which pull request")]
pub struct SubjectArgs {
    /// Event to read it from: `auto` for the one that CI hands over, or a file [default: CI's, where it is one]
    ///
    /// The event has the say: what it is not about, such as a fork or one that is closed, ends with exit 0.
    #[arg(long, value_name = "FILE")]
    pub from_event: Option<String>,
    /// Number of the pull request
    #[arg(long, value_name = "NUMBER")]
    pub pr: Option<u64>,
    /// Branch of the pull request
    #[arg(long, value_name = "BRANCH")]
    pub r#ref: Option<String>,
}

/// What is recorded at the forge.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Deployment")]
pub struct EnvironmentArgs {
    /// Environment of a preview, with {slug} (and {app}) in it
    #[arg(long, value_name = "ENV", default_value = "preview/{slug}")]
    pub env: String,
    /// Leave deployments alone: something else records them, such as `environment:` of a job of GitLab
    #[arg(long)]
    pub no_deployment: bool,
}

/// A state that a preview begins with, in GitHub's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum UpState {
    /// It waits for its turn
    Queued,
    /// It has not begun
    Pending,
    /// It goes on
    InProgress,
    /// It is there
    Success,
    /// It failed
    Failure,
    /// It could not be done
    Error,
}

impl From<UpState> for DeploymentState {
    fn from(state: UpState) -> Self {
        match state {
            UpState::Queued => Self::Queued,
            UpState::Pending => Self::Pending,
            UpState::InProgress => Self::InProgress,
            UpState::Success => Self::Success,
            UpState::Failure => Self::Failure,
            UpState::Error => Self::Error,
        }
    }
}

/// Where the folders of previews are, and how they are published.
#[derive(Args, Clone, Debug)]
pub struct PlaceArgs {
    /// Config repo flags.
    #[command(flatten)]
    pub config_repo: ConfigRepoArgs,
    /// Publishing flags.
    #[command(flatten)]
    pub publish: PublishArgs,
    /// Commit flags.
    #[command(flatten)]
    pub commit: CommitArgs,
}

/// Which folder of the config repo is a preview's.
#[derive(Args, Clone, Debug)]
pub struct FolderArgs {
    /// Folder of the config repo that a preview has, with {slug} (and {app}) in it, such as previews/{slug}
    #[arg(long, value_name = "DIR", help_heading = "Folder")]
    pub folder: Option<String>,
    /// Application, for {app}
    #[arg(long, value_name = "APP", help_heading = "Folder")]
    pub app: Option<String>,
}

/// Bring up the preview of a pull request: a deployment with its address, and, from a template, a folder of the config repo
///
/// With an ApplicationSet that has the pull request generator, the deployment is all that is needed. Without one, --template
/// names a folder of the config repo of which the preview's own folder is made. Run again, it brings up to date what
/// differs. For a pull request that is closed by then, or has lost its label, and for a fork, nothing is made.
#[derive(Args, Clone, Debug)]
#[command(after_help = UP_EXAMPLES)]
pub struct UpArgs {
    /// Which pull request.
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// Commit that is previewed, in full hex [default: the pull request's head]
    #[arg(long, value_name = "SHA", help_heading = "Which pull request")]
    pub sha: Option<String>,
    /// Which pull requests.
    #[command(flatten)]
    pub requests: RequestsArgs,
    /// Name and address.
    #[command(flatten)]
    pub naming: NamingArgs,
    /// Deployment.
    #[command(flatten)]
    pub environment: EnvironmentArgs,
    /// State to record [default: in_progress, and none over the one that this commit has already]
    #[arg(long, value_enum, value_name = "STATE", help_heading = "Deployment")]
    pub state: Option<UpState>,
    /// Address at which people read how it goes [default: CI's run]
    #[arg(long, value_name = "URL", help_heading = "Deployment")]
    pub log_url: Option<String>,
    /// What to say about it, in at most 140 characters
    #[arg(long, value_name = "TEXT", help_heading = "Deployment")]
    pub description: Option<String>,
    /// Folder of the config repo that the preview's is made of
    ///
    /// Its paths and texts may hold {slug} {branch} {pr} {sha} {tag} {image} {app} {host} {url}. In texts, `{{…}}`, `${…}`
    /// and other names in braces stay as they are.
    #[arg(long, value_name = "DIR", requires = "folder", help_heading = "Folder")]
    pub template: Option<String>,
    /// Folder of the config repo that the preview gets, with {slug} (and {app}) in it, such as previews/{slug}
    #[arg(long, value_name = "DIR", requires = "template", help_heading = "Folder")]
    pub folder: Option<String>,
    /// Application, for {app}
    #[arg(long, value_name = "APP", help_heading = "Folder")]
    pub app: Option<String>,
    /// Image, for {image}; with a tag, for {tag} too
    #[arg(long, value_name = "IMAGE", help_heading = "Folder")]
    pub image: Option<String>,
    /// Tag of the image, for {tag}
    #[arg(long, value_name = "TAG", help_heading = "Folder")]
    pub tag: Option<String>,
    /// Where the folder is, and how it is published.
    #[command(flatten)]
    pub place: PlaceArgs,
}

const UP_EXAMPLES: &str = "\
Examples:
  # In a workflow on: pull_request, beside an ApplicationSet
  gitops-steps preview up --from-event auto --domain preview.example.com

  # Without one: a folder of the config repo, made from its folder previews/_template
  gitops-steps preview up --from-event auto --domain preview.example.com --app web --tag \"$TAG\" \\
    --config-repo github:acme/deploy --template previews/_template --folder 'previews/{slug}'

  # What would it do? From a shell, for one pull request
  gitops-steps preview up --repo github:acme/web --pr 7 --dry-run";

/// Tear down the preview of a pull request: its deployments end, its folder goes
///
/// What was never there is fine. With the event of a pull request, nothing is torn down while that one is open and carries
/// the label; with --ref or --pr it is torn down in any case.
#[derive(Args, Clone, Debug)]
#[command(after_help = DOWN_EXAMPLES)]
pub struct DownArgs {
    /// Which pull request.
    #[command(flatten)]
    pub subject: SubjectArgs,
    /// Which pull requests.
    #[command(flatten)]
    pub requests: RequestsArgs,
    /// Name.
    #[command(flatten)]
    pub slugs: SlugsArgs,
    /// Deployment.
    #[command(flatten)]
    pub environment: EnvironmentArgs,
    /// Folder.
    #[command(flatten)]
    pub folder: FolderArgs,
    /// Where the folder is, and how it is published.
    #[command(flatten)]
    pub place: PlaceArgs,
}

const DOWN_EXAMPLES: &str = "\
Examples:
  # In a workflow on: pull_request, types: [closed, unlabeled]
  gitops-steps preview down --from-event auto --config-repo github:acme/deploy --folder 'previews/{slug}'

  # By hand, whatever the pull request is
  gitops-steps preview down --repo github:acme/web --ref feature/a";

/// Remove the previews that no open pull request has, and, with --ttl, those that nobody has touched for long
///
/// It compares the folders of the config repo and the deployments with the open pull requests that carry the label. All
/// folders go in one commit. --dry-run shows what would go.
#[derive(Args, Clone, Debug)]
#[command(after_help = GC_EXAMPLES)]
pub struct GcArgs {
    /// Which pull requests.
    #[command(flatten)]
    pub requests: RequestsArgs,
    /// Name.
    #[command(flatten)]
    pub slugs: SlugsArgs,
    /// Remove also what was not touched for this long, such as 72h, though its pull request is open
    #[arg(long, value_name = "DURATION", help_heading = "Which pull request")]
    pub ttl: Option<String>,
    /// Deployment.
    #[command(flatten)]
    pub environment: EnvironmentArgs,
    /// Folder.
    #[command(flatten)]
    pub folder: FolderArgs,
    /// Where the folder is, and how it is published.
    #[command(flatten)]
    pub place: PlaceArgs,
}

const GC_EXAMPLES: &str = "\
Examples:
  # What is left over?
  gitops-steps preview gc --repo github:acme/web --config-repo github:acme/deploy --folder 'previews/{slug}' --dry-run

  # Every night; what nobody has touched for three days goes too
  gitops-steps preview gc --config-repo github:acme/deploy --folder 'previews/{slug}' --ttl 72h";

/// Print the slug of a branch, as Argo CD's pull request generator makes it (branch_slug)
///
/// It is an RFC 1123 label, or the run fails. No network is needed, unless other branches are to be looked at: with
/// --repo, those of other open pull requests that have the same slug are told, with --suffix-on-collision they are told
/// apart.
#[derive(Args, Clone, Debug)]
#[command(after_help = SLUG_EXAMPLES)]
pub struct SlugArgs {
    /// Branch [default: the head of the pull request that CI runs for]
    #[arg(
        long,
        value_name = "BRANCH",
        allow_hyphen_values = true,
        help_heading = "Which pull request"
    )]
    pub branch: Option<String>,
    /// Application, for {app} in addresses
    #[arg(long, value_name = "APP", help_heading = "Name and address")]
    pub app: Option<String>,
    /// Which pull requests.
    #[command(flatten)]
    pub requests: RequestsArgs,
    /// Name and address.
    #[command(flatten)]
    pub naming: NamingArgs,
}

const SLUG_EXAMPLES: &str = "\
Examples:
  # feature-jira-1234-fix
  gitops-steps preview slug --branch feature/JIRA-1234_fix

  # The output environment-url is https://feature-a.preview.example.com
  gitops-steps preview slug --branch feature/a --domain preview.example.com

  # Another open pull request has this slug already: feature-a-951d42d
  gitops-steps preview slug --branch feature/a --repo github:acme/web --suffix-on-collision";
