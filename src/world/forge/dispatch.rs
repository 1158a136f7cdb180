//! Asking a repository's CI to run, and what becomes of the run.

use super::Forge;
use crate::plan::dispatch::{Dispatch, Dispatched, Draft, Run, Sought};
use crate::words::fault::Fault;

impl Forge {
    /// Returns the request that [`Forge::dispatch`] sends, without its secrets.
    pub fn draft(&self, dispatch: &Dispatch) -> Draft {
        match self {
            Self::GitHub(forge) => forge.draft(dispatch),
            Self::GitLab(forge) => forge.draft(dispatch),
        }
    }

    /// Asks for a run. It is never sent again where it may have been carried out.
    ///
    /// # Errors
    /// What the forge refuses.
    pub fn dispatch(&self, dispatch: &Dispatch) -> Result<Dispatched, Fault> {
        match self {
            Self::GitHub(forge) => forge.dispatch(dispatch),
            Self::GitLab(forge) => forge.dispatch(dispatch),
        }
    }

    /// Finds the run whose name shows the payload's id; always none on GitLab, whose answer names the pipeline.
    ///
    /// # Errors
    /// What the forge refuses.
    pub fn find_run(&self, sought: &Sought) -> Result<Option<Run>, Fault> {
        match self {
            Self::GitHub(forge) => forge.find_run(sought),
            Self::GitLab(_) => Ok(None),
        }
    }

    /// Reads how far a run is.
    ///
    /// # Errors
    /// What the forge refuses.
    pub fn run(&self, id: u64) -> Result<Run, Fault> {
        match self {
            Self::GitHub(forge) => forge.run(id),
            Self::GitLab(forge) => forge.run(id),
        }
    }

    /// Returns the repository's default branch.
    ///
    /// # Errors
    /// What the forge refuses.
    pub fn default_branch(&self) -> Result<String, Fault> {
        match self {
            Self::GitHub(forge) => forge.default_branch(),
            Self::GitLab(forge) => forge.default_branch(),
        }
    }

    /// Returns whether the credential can trigger pipelines and read nothing of them.
    pub fn only_triggers(&self) -> bool {
        match self {
            Self::GitHub(_) => false,
            Self::GitLab(forge) => forge.access.credential.only_triggers(),
        }
    }

    /// Returns whether there is no credential at all.
    pub fn is_anonymous(&self) -> bool {
        let access = match self {
            Self::GitHub(forge) => &forge.access,
            Self::GitLab(forge) => &forge.access,
        };
        matches!(access.credential, super::access::Credential::None)
    }
}
