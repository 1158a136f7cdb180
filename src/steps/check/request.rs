//! What is asked of a check, parsed.

use super::args::CheckArgs;
use crate::words::address::RepoAddress;
use crate::words::fault::Fault;
use crate::words::name::{AppName, EnvName};

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
}

impl Request {
    /// Reads the arguments.
    ///
    /// # Errors
    /// `Invalid` for a name or an address that is none.
    pub fn new(args: &CheckArgs) -> Result<Self, Fault> {
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
        })
    }

    pub(super) fn wants(&self, app: &AppName, env: &EnvName) -> bool {
        (self.apps.is_empty() || self.apps.contains(app)) && (self.envs.is_empty() || self.envs.contains(env))
    }

    pub(super) fn wants_all(&self) -> bool {
        self.apps.is_empty() && self.envs.is_empty()
    }
}
