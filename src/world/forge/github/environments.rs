//! What stands in an environment of GitHub: its deployments that are not inactive.

use super::GitHub;
use crate::plan::deployment::{Deployment, DeploymentState, NewStatus, Sought};
use crate::words::fault::Fault;

/// How many deployments of one environment are looked at: each costs a request.
const LOOKED_AT: usize = 20;

/// A deployment that is not inactive.
#[derive(Clone, Debug)]
pub struct Standing(Deployment);

impl Standing {
    pub(in crate::world::forge) fn id(&self) -> u64 {
        self.0.id
    }
}

impl GitHub {
    pub(in crate::world::forge) fn environments(&self) -> Result<Vec<String>, Fault> {
        let all = self.deployments(&Sought::default())?;
        Ok(all.into_iter().map(|one| one.environment).collect())
    }

    /// The newest one settles whether anything stands: older ones ended before it began, or end with it.
    pub(in crate::world::forge) fn standing(&self, environment: &str) -> Result<Vec<Standing>, Fault> {
        let all = self.deployments(&Sought {
            environment: Some(environment.to_owned()),
            ..Sought::default()
        })?;
        let mut found = Vec::new();
        for one in all.into_iter().take(LOOKED_AT) {
            let state = self.deployment_status(&one)?.map(|status| status.state);
            let failed = matches!(state, Some(DeploymentState::Failure | DeploymentState::Error));
            match state {
                Some(DeploymentState::Inactive) if found.is_empty() => break,
                Some(DeploymentState::Inactive) => {}
                // An older failure stays what it was; the newest one is what the environment shows.
                _ if failed && !found.is_empty() => {}
                _ => found.push(Standing(one)),
            }
        }
        Ok(found)
    }

    pub(in crate::world::forge) fn end(&self, standing: &Standing, why: &str) -> Result<(), Fault> {
        let inactive = NewStatus {
            state: DeploymentState::Inactive,
            environment_url: None,
            log_url: None,
            description: Some(why.to_owned()),
        };
        self.set_deployment_status(&standing.0, &inactive).map(|_| ())
    }
}
