//! Environments that come and go, on either forge: which there are, what stands in one, and its end.

use super::Forge;
use super::github::Standing as OnGitHub;
use super::gitlab::Standing as OnGitLab;
use crate::words::fault::Fault;

/// What stands in an environment and can be ended: a deployment of GitHub, a whole environment of GitLab.
#[derive(Clone, Debug)]
pub struct Standing(Which);

#[derive(Clone, Debug)]
enum Which {
    GitHub(OnGitHub),
    GitLab(OnGitLab),
}

impl Standing {
    /// Returns the deployment's id; GitLab's environments have none.
    pub fn deployment(&self) -> Option<u64> {
        match &self.0 {
            Which::GitHub(standing) => Some(standing.id()),
            Which::GitLab(_) => None,
        }
    }
}

impl Forge {
    /// Returns the names of environments that begin with a text, in which something may stand.
    ///
    /// On GitHub these are the ones of its newest 300 deployments, on GitLab those that are not stopped.
    ///
    /// # Errors
    /// `Denied` for a refusal, `GaveUp` for a connection that stays broken.
    pub fn environments(&self, beginning: &str) -> Result<Vec<String>, Fault> {
        let mut names = match self {
            Self::GitHub(forge) => forge.environments()?,
            Self::GitLab(forge) => forge.environments(beginning)?,
        };
        names.retain(|name| name.starts_with(beginning));
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    /// Returns what stands in an environment, newest first; nothing where it was ended, or never was.
    ///
    /// # Errors
    /// As [`Forge::environments`].
    pub fn standing(&self, environment: &str) -> Result<Vec<Standing>, Fault> {
        Ok(match self {
            Self::GitHub(forge) => {
                let found = forge.standing(environment)?.into_iter();
                found.map(Which::GitHub).map(Standing).collect()
            }
            Self::GitLab(forge) => {
                let found = forge.standing(environment)?.into_iter();
                found.map(Which::GitLab).map(Standing).collect()
            }
        })
    }

    /// Ends what stands there: GitHub's deployment becomes inactive, GitLab's environment is stopped.
    ///
    /// # Errors
    /// As [`Forge::environments`].
    pub fn end(&self, standing: &Standing, why: &str) -> Result<(), Fault> {
        match (self, &standing.0) {
            (Self::GitHub(forge), Which::GitHub(standing)) => forge.end(standing, why),
            (Self::GitLab(forge), Which::GitLab(standing)) => forge.end(standing),
            _ => unreachable!("what stands on a forge is ended on the same"),
        }
    }
}
