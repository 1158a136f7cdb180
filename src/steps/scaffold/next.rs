//! What is left to do once an application is made.

use super::places::Places;
use super::values::Asked;
use crate::words::address::RepoAddress;
use crate::words::forge_repo::ForgeKind;
use crate::words::scaffold_manifest::ArgoCd;
use crate::words::wording::shown_path;

/// What is made.
pub struct Made<'a> {
    /// The repositories that get files.
    pub repos: Vec<&'a RepoAddress>,
    /// Whether Argo CD gets any.
    pub argocd: bool,
    /// Whether a version stands anywhere.
    pub versions: bool,
}

/// Returns what is left to do, a line each.
pub fn steps(asked: &Asked, places: &Places, made: &Made<'_>) -> Vec<String> {
    let mut steps = Vec::new();
    let folder = |address: &&RepoAddress| match address {
        RepoAddress::Directory(path) => Some(format!("`{}`", shown_path(path))),
        RepoAddress::Git(_) | RepoAddress::Forge(_) => None,
    };
    let folders: Vec<String> = made.repos.iter().filter_map(folder).collect();
    if !folders.is_empty() {
        steps.push(format!("commit and push {}", folders.join(", ")));
    }
    if places.app.is_some() && made.versions && !asked.built().is_empty() {
        let (app, config) = (&asked.names.app, &asked.names.config);
        match (asked.names.forge, asked.one_repo) {
            (ForgeKind::GitHub, true) => {}
            (ForgeKind::GitHub, false) => steps.push(format!(
                "let {app} reach {config}: the variable DEPLOY_APP_ID and the secret DEPLOY_APP_KEY of a GitHub App"
            )),
            (ForgeKind::GitLab, true) => steps.push(format!(
                "give {app} a project access token (Developer, api) as the masked variable GITOPS_STEPS_TOKEN"
            )),
            (ForgeKind::GitLab, false) => steps.push(format!(
                "let {app} in at {config}: Settings > CI/CD > Job token permissions; and give {config} a project access \
                 token (Developer, api) as the masked variable GITOPS_STEPS_TOKEN"
            )),
        }
    }
    match asked.argocd {
        _ if !made.argocd => {}
        ArgoCd::Application => steps
            .push("let Argo CD read the Applications: kubectl apply, or a folder that it watches".to_owned()),
        ArgoCd::AppOfApps => {
            steps.push(
                "once: kubectl apply the Applications `apps-…`, which find those of all apps".to_owned(),
            );
        }
        ArgoCd::None => {}
    }
    if let (Some(env), true) = (asked.envs.first(), made.versions) {
        steps.push(format!(
            "the first build brings its tag to {}; by hand: gitops-steps bump-values --config-repo {} --app {} --env {} --tag TAG",
            env.name,
            shown(&places.config),
            asked.app,
            env.name
        ));
    }
    steps
}

/// An address as a user may write it again.
pub fn shown(address: &RepoAddress) -> String {
    match address {
        RepoAddress::Directory(path) => shown_path(path),
        RepoAddress::Git(url) => url.to_string(),
        RepoAddress::Forge(repo) => repo.to_string(),
    }
}
