//! The arguments of `preview`.
#![allow(rustdoc::invalid_html_tags, reason = "help text is no Markdown")]

use clap::Args;

/// How a preview is called, and where it is reached.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Name and address")]
pub struct NamingArgs {
    /// Most characters of the slug, up to 63 [default: 50, as Argo CD's branch_slug]
    #[arg(long, value_name = "N")]
    pub max: Option<usize>,
    /// Tell this branch from the open ones of the same slug by a short hash; the oldest keeps the plain slug
    #[arg(long)]
    pub suffix_on_collision: bool,
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
