//! Deployments and their states, on either forge.

use super::Forge;
use crate::plan::deployment::{Deployment, Maker, NewDeployment, NewStatus, Sought, Status};
use crate::words::fault::Fault;

impl Forge {
    /// Returns a deployment; `None` if there is none of that id.
    ///
    /// # Errors
    /// `Denied` for a refusal, `GaveUp` for a connection that stays broken.
    pub fn deployment(&self, id: u64) -> Result<Option<Deployment>, Fault> {
        match self {
            Self::GitHub(forge) => forge.deployment(id),
            Self::GitLab(forge) => forge.deployment(id),
        }
    }

    /// Returns the deployments that are looked for, newest first; the forge's newest 300 are looked through.
    ///
    /// # Errors
    /// As [`Forge::deployment`].
    pub fn deployments(&self, sought: &Sought) -> Result<Vec<Deployment>, Fault> {
        match self {
            Self::GitHub(forge) => forge.deployments(sought),
            Self::GitLab(forge) => forge.deployments(sought),
        }
    }

    /// Returns the latest state of a deployment; `None` before its first.
    ///
    /// # Errors
    /// As [`Forge::deployment`].
    pub fn deployment_status(&self, deployment: &Deployment) -> Result<Option<Status>, Fault> {
        match self {
            Self::GitHub(forge) => forge.deployment_status(deployment),
            Self::GitLab(forge) => forge.deployment_status(deployment),
        }
    }

    /// Records a deployment. One whose answer was lost is looked up before it is recorded again.
    ///
    /// GitLab keeps no deployment without a state: `first` is what it begins with there, and GitHub ignores it.
    ///
    /// # Errors
    /// As [`Forge::deployment`].
    pub fn create_deployment(&self, new: &NewDeployment, first: &NewStatus) -> Result<Deployment, Fault> {
        match self {
            Self::GitHub(forge) => forge.create_deployment(new),
            Self::GitLab(forge) => forge.create_deployment(new, first),
        }
    }

    /// Records a state, and returns the deployment that has it: GitLab does not lead one back from its end, and
    /// makes another.
    ///
    /// # Errors
    /// As [`Forge::deployment`].
    pub fn set_deployment_status(
        &self,
        deployment: &Deployment,
        status: &NewStatus,
    ) -> Result<Deployment, Fault> {
        match self {
            Self::GitHub(forge) => forge.set_deployment_status(deployment, status),
            Self::GitLab(forge) => forge.set_deployment_status(deployment, status),
        }
    }

    /// Returns the deployment that has taken another's place, where to end that other one would end the environment:
    /// GitLab can only stop the whole environment, GitHub ends each deployment by itself.
    ///
    /// # Errors
    /// As [`Forge::deployment`].
    pub fn successor(&self, deployment: &Deployment) -> Result<Option<u64>, Fault> {
        match self {
            Self::GitHub(_) => Ok(None),
            Self::GitLab(forge) => forge.successor(deployment),
        }
    }

    /// Returns whether the API records states of this deployment: GitLab leads those of its own jobs itself.
    pub fn takes_states_of(&self, deployment: &Deployment) -> bool {
        matches!(self, Self::GitHub(_)) || deployment.maker != Maker::Other
    }

    /// Returns whether the forge itself takes only the newest deployment of any environment for the active one.
    pub fn keeps_one_deployment_active(&self) -> bool {
        matches!(self, Self::GitLab(_))
    }
}
