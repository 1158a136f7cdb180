//! The arguments of `dispatch-deploy`.
#![allow(
    clippy::doc_markdown,
    rustdoc::broken_intra_doc_links,
    reason = "help text is no Markdown"
)]

use clap::Args;

/// Ask the config repo's CI to deploy: start its workflow or pipeline with a payload that bump-values reads
///
/// The payload is built from these flags and from what CI knows of this build, and is read once by the code of the
/// receiver before it is sent: what bump-values --from-event would refuse there is refused here.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES)]
pub struct DispatchDeployArgs {
    /// Repository whose CI is asked: github:owner/name or gitlab:group/project
    #[arg(long, value_name = "REPO", help_heading = "Where to")]
    pub to: String,
    /// GitHub: type of the repository_dispatch, as the workflow's `types` names it [default: deploy-image]
    #[arg(
        long,
        value_name = "TYPE",
        conflicts_with = "workflow",
        help_heading = "Where to"
    )]
    pub event_type: Option<String>,
    /// GitHub: workflow to start by workflow_dispatch instead; its file name or its id
    #[arg(long, value_name = "FILE", help_heading = "Where to")]
    pub workflow: Option<String>,
    /// Branch or tag that the workflow or pipeline runs on [default: the repository's default branch]
    #[arg(long = "ref", value_name = "REF", help_heading = "Where to")]
    pub reference: Option<String>,

    /// Application, as the policy file names it
    #[arg(long, value_name = "APP", help_heading = "What")]
    pub app: String,
    /// Environment, as the policy file names it
    ///
    /// Without it, the receiver has to name one.
    #[arg(long, value_name = "ENV", help_heading = "What")]
    pub env: Option<String>,
    /// Tag of the images that bring none of their own
    #[arg(long, value_name = "TAG", help_heading = "What")]
    pub tag: Option<String>,
    /// New digest, as sha256:…
    #[arg(long, value_name = "DIGEST", help_heading = "What")]
    pub digest: Option<String>,
    /// Image, as NAME[:TAG][@DIGEST] [default: the one image of the app] (can be repeated)
    #[arg(long, value_name = "IMAGE", help_heading = "What")]
    pub image: Vec<String>,
    /// Deployment in this repository that is to hear of the outcome
    #[arg(long, value_name = "ID", help_heading = "What")]
    pub deployment: Option<u64>,
    /// Name of this dispatch, by which its run is found [default: a random one]
    #[arg(long, value_name = "ID", help_heading = "What")]
    pub id: Option<String>,

    /// Repository of the build [default, as for all of these: what CI tells]
    #[arg(long, value_name = "REPO", help_heading = "Source")]
    pub source_repo: Option<String>,
    /// Commit of the build, in full hex
    #[arg(long, value_name = "COMMIT", help_heading = "Source")]
    pub source_commit: Option<String>,
    /// Branch or tag of the build, such as refs/heads/main
    #[arg(long, value_name = "REF", help_heading = "Source")]
    pub source_ref: Option<String>,
    /// Number of the build; a later one has a higher number
    #[arg(long, value_name = "NUMBER", help_heading = "Source")]
    pub source_sequence: Option<u64>,
    /// Address of the build's run
    #[arg(long, value_name = "URL", help_heading = "Source")]
    pub source_run_url: Option<String>,
    /// Who asked for the build
    #[arg(long, value_name = "LOGIN", help_heading = "Source")]
    pub source_actor: Option<String>,

    /// Wait until the run that was started has ended, and end as it did
    #[arg(long, help_heading = "Waiting")]
    pub wait: bool,
}

const EXAMPLES: &str = "\
Examples:
  # What would be sent? Nothing is.
  gitops-steps dispatch-deploy --to github:acme/deploy --app web --env dev --tag v1.4.0 --dry-run

  # After the build, in the app's workflow; wait for the config repo's one
  gitops-steps dispatch-deploy --to github:acme/deploy --app web --env dev --tag v1.4.0 --wait

  # One workflow by its file, which tells its run at once
  gitops-steps dispatch-deploy --to github:acme/deploy --workflow deploy.yml --app web --env dev --tag v1.4.0

  # On GitLab, several images at once
  gitops-steps dispatch-deploy --to gitlab:acme/deploy --app shop --env dev \\
    --image registry.example.com/acme/shop --image registry.example.com/acme/jobs --tag v1.4.0";
