//! The arguments of `scaffold`.
#![allow(
    rustdoc::invalid_html_tags,
    rustdoc::broken_intra_doc_links,
    reason = "help text is no Markdown"
)]

use clap::{Args, ValueEnum};

use crate::plan::repository::Visibility;
use crate::steps::args::{CommitArgs, PublishArgs, PullRequestArgs};
use crate::words::scaffold_manifest::ArgoCd;

/// What is made for Argo CD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ArgoCdArg {
    /// An Application an environment
    Application,
    /// The same, and for each environment an Application that finds those of all apps
    AppOfApps,
    /// Nothing
    None,
}

impl From<ArgoCdArg> for ArgoCd {
    fn from(argocd: ArgoCdArg) -> Self {
        match argocd {
            ArgoCdArg::Application => Self::Application,
            ArgoCdArg::AppOfApps => Self::AppOfApps,
            ArgoCdArg::None => Self::None,
        }
    }
}

/// Who may see a repository that is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum VisibilityArg {
    /// Who is let in
    #[default]
    Private,
    /// Everyone with an account there; on GitHub, in the enterprise
    Internal,
    /// Everyone
    Public,
}

impl From<VisibilityArg> for Visibility {
    fn from(visibility: VisibilityArg) -> Self {
        match visibility {
            VisibilityArg::Private => Self::Private,
            VisibilityArg::Internal => Self::Internal,
            VisibilityArg::Public => Self::Public,
        }
    }
}

/// Make a new application: its repository, its configuration, its policy entry and its Argo CD Applications
///
/// A template says what it is made of: helm, kustomize and ckan are built in. Nothing that is there is overwritten, and a
/// second run changes nothing.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct ScaffoldArgs {
    /// Name of the application
    #[arg(long, value_name = "APP", help_heading = "What")]
    pub app: String,
    /// Template: helm, kustomize, ckan, a folder, or a git URL as URL[#REF[:FOLDER]]
    #[arg(long, value_name = "TEMPLATE", default_value = "helm", help_heading = "What")]
    pub template: String,
    /// Environment, as NAME or NAME:on|off: whether it deploys by itself; each is promoted from the one before (can be
    /// repeated) [default: the template's, else dev:on and prod:off]
    #[arg(long, value_name = "ENV", help_heading = "What")]
    pub env: Vec<String>,
    /// Service, as NAME[:own|custom|stock][=IMAGE]: of its own code, made from a ready image, or that image as it is (can be
    /// repeated) [default: the template's, else one at the root]
    #[arg(long, value_name = "SERVICE", help_heading = "What")]
    pub service: Vec<String>,
    /// Image that the app's CI pushes [default: the one of its repository in the forge's registry]
    #[arg(long, value_name = "IMAGE", help_heading = "What")]
    pub image: Option<String>,
    /// Tag that stands in each environment until the first build [default: the template's, else 0.0.0]
    #[arg(long, value_name = "TAG", help_heading = "What")]
    pub tag: Option<String>,
    /// Port that the app listens on [default: the template's, else 8080]
    #[arg(long, value_name = "PORT", help_heading = "What")]
    pub port: Option<u16>,
    /// Name that the app answers to, as [ENV=]HOST; {app} and {env} may stand in it (can be repeated)
    #[arg(long, value_name = "HOST", help_heading = "What")]
    pub host: Vec<String>,
    /// Certificate of that name in AWS, as [ENV=]ARN (can be repeated)
    #[arg(long, value_name = "ARN", help_heading = "What")]
    pub certificate_arn: Vec<String>,
    /// Value of a hole of the template (can be repeated)
    #[arg(long, value_name = "NAME=VALUE", help_heading = "What")]
    pub set: Vec<String>,

    /// Kubernetes namespace; {app} and {env} may stand in it [default: the template's, else {app}-{env}]
    #[arg(long, value_name = "NAMESPACE", help_heading = "Argo CD")]
    pub namespace: Option<String>,
    /// Argo CD project; {app} and {env} may stand in it [default: the template's, else default]
    #[arg(long, value_name = "PROJECT", help_heading = "Argo CD")]
    pub project: Option<String>,
    /// What is made for Argo CD [default: the template's, else application]
    #[arg(long, value_enum, value_name = "WHAT", help_heading = "Argo CD")]
    pub argocd: Option<ArgoCdArg>,
    /// Repository that Argo CD's own files go to [default: the config repo]
    #[arg(long, value_name = "ADDRESS", help_heading = "Argo CD")]
    pub argocd_repo: Option<String>,
    /// Address at which Argo CD reads the config repo [default: that of --config-repo, or of its origin]
    #[arg(long, value_name = "URL", help_heading = "Argo CD")]
    pub config_url: Option<String>,

    /// Repository of the app: a directory, which is made, a git URL, github:owner/name, gitlab:group/project, or none
    ///
    /// Without it: with --create-remote, the repository APP of --group; else the directory APP; and none where only
    /// --config-repo is given.
    #[arg(long, value_name = "ADDRESS", help_heading = "Repositories")]
    pub app_repo: Option<String>,
    /// Config repo: a directory, which is made, a git URL, github:owner/name or gitlab:group/project
    ///
    /// Without it: beside the app's repository, by the name of --config-name.
    #[arg(long, value_name = "ADDRESS", help_heading = "Repositories")]
    pub config_repo: Option<String>,
    /// Name of the config repo beside the app's [default: {app}-config]
    #[arg(long, value_name = "NAME", help_heading = "Repositories")]
    pub config_name: Option<String>,
    /// Owner or group of the repositories at the forge
    #[arg(long, value_name = "GROUP", help_heading = "Repositories")]
    pub group: Option<String>,
    /// Branch that the repositories have [default: what each has, else main]
    #[arg(long, value_name = "BRANCH", help_heading = "Repositories")]
    pub branch: Option<String>,
    /// Make repositories that do not exist at the forge
    #[arg(long, help_heading = "Repositories")]
    pub create_remote: bool,
    /// Who may see a repository that is made
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "WHO",
        help_heading = "Repositories"
    )]
    pub visibility: VisibilityArg,

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
  # What would be made?
  gitops-steps scaffold --app web --forge github --group acme --dry-run

  # The app in ./web and its configuration in ./web-config, for repositories of acme
  gitops-steps scaffold --app web --forge github --group acme

  # One more app in a config repo that there is, through GitHub's API
  gitops-steps scaffold --app web --config-repo github:acme/deploy --env dev --env prod:off

  # Both repositories made at GitLab, and the Application in that of Argo CD
  gitops-steps scaffold --app shop --template ckan --forge gitlab --group deploys --create-remote \\
    --argocd-repo gitlab:deploys/argocd";
