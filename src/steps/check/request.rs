//! What is asked of a check, parsed.

use std::collections::BTreeSet;

use super::args::CheckArgs;
use super::scope::Pair;
use crate::plan::finding::Preflight;
use crate::words::address::RepoAddress;
use crate::words::fault::Fault;
use crate::words::name::{AppName, EnvName};
use crate::words::policy::{AutoDeploy, AutoMerge, PullRequest};
use crate::words::wording::shown;

/// What a check looks at.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where the repository is.
    pub config_repo: RepoAddress,
    /// The branch.
    pub branch: Option<String>,
    /// The apps; none means all.
    pub apps: Vec<AppName>,
    /// The environments; none means all.
    pub envs: Vec<EnvName>,
    /// Whether files are checked that no target names.
    pub all_files: bool,
    /// Whether warnings fail.
    pub strict: bool,
    /// The workflow that is to be started.
    pub workflow: Option<String>,
}

impl Request {
    /// Reads the arguments.
    ///
    /// # Errors
    /// `Invalid` for a name or an address that is none.
    pub fn new(args: &CheckArgs) -> Result<Self, Fault> {
        // Without --remote, a variable that is meant for dispatch-deploy changes nothing.
        let workflow = args.workflow.as_ref().filter(|_| args.remote);
        if let Some(workflow) = workflow
            && (workflow.is_empty()
                || workflow.contains(['/', '\\'])
                || workflow.chars().any(char::is_control))
        {
            return Err(
                Fault::invalid(format!("`{}` is no workflow's file", shown(workflow)))
                    .hint("name the file alone, as in deploy.yaml: it lies in .github/workflows"),
            );
        }
        Ok(Self {
            config_repo: RepoAddress::parse(&args.config_repo)?,
            branch: args.branch.clone(),
            apps: args
                .app
                .iter()
                .map(|name| name.parse())
                .collect::<Result<_, _>>()?,
            envs: args
                .env
                .iter()
                .map(|name| name.parse())
                .collect::<Result<_, _>>()?,
            all_files: args.all_files,
            strict: args.strict,
            workflow: workflow.cloned(),
        })
    }

    /// Returns what a forge is to be asked about.
    pub(super) fn preflight(&self, pairs: &[Pair]) -> Preflight {
        let deploys = |how: AutoDeploy| pairs.iter().any(|pair| pair.resolved.auto_deploy == how);
        let looks = || pairs.iter().map(|pair| &pair.resolved.pull_request);
        let names = |list: fn(&PullRequest) -> &Vec<String>| -> Vec<String> {
            let names: BTreeSet<&String> = looks().flat_map(list).collect();
            names.into_iter().cloned().collect()
        };
        Preflight {
            branch: self.branch.clone(),
            pushes: deploys(AutoDeploy::On),
            proposes: deploys(AutoDeploy::Off),
            auto_merge: looks().any(|look| look.auto_merge != AutoMerge::None),
            labels: names(|look| &look.labels),
            reviewers: names(|look| &look.reviewers),
            teams: names(|look| &look.team_reviewers),
            workflow: self.workflow.clone(),
        }
    }

    pub(super) fn wants(&self, app: &AppName, env: &EnvName) -> bool {
        (self.apps.is_empty() || self.apps.contains(app)) && (self.envs.is_empty() || self.envs.contains(env))
    }

    pub(super) fn wants_all(&self) -> bool {
        self.apps.is_empty() && self.envs.is_empty()
    }
}
