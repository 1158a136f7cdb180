//! Pull requests and merge requests.

use super::Forge;
use crate::plan::change_request::{
    AutoMerge, ChangeRequest, Dressing, Edit, MergeMethod, NewChangeRequest, Opened,
};
use crate::words::fault::Fault;

impl Forge {
    /// Finds the change requests from one branch of this very repository to another, in whatever state, newest first.
    ///
    /// # Errors
    /// What the forge refuses.
    pub fn change_requests(&self, head: &str, base: &str) -> Result<Vec<ChangeRequest>, Fault> {
        match self {
            Self::GitHub(forge) => forge.change_requests(head, base),
            Self::GitLab(forge) => forge.change_requests(head, base),
        }
    }

    /// Opens a change request.
    ///
    /// # Errors
    /// What the forge refuses.
    pub fn open(&self, new: &NewChangeRequest) -> Result<Opened, Fault> {
        match self {
            Self::GitHub(forge) => forge.open(new),
            Self::GitLab(forge) => forge.open(new),
        }
    }

    /// Changes an open change request, or opens a closed one again, and returns it as it is then.
    ///
    /// # Errors
    /// What the forge refuses.
    pub fn update(&self, number: u64, edit: &Edit) -> Result<ChangeRequest, Fault> {
        match self {
            Self::GitHub(forge) => forge.update(number, edit),
            Self::GitLab(forge) => forge.update(number, edit),
        }
    }

    /// Closes a change request without merging it: `body` is its new text, `comment` says why.
    ///
    /// # Errors
    /// What the forge refuses.
    pub fn close(&self, number: u64, body: &str, comment: &str) -> Result<(), Fault> {
        match self {
            Self::GitHub(forge) => forge.close(number, body, comment),
            Self::GitLab(forge) => forge.close(number, body, comment),
        }
    }

    /// Sets labels, reviewers and assignees, and returns a warning for each that was not to be had.
    ///
    /// # Errors
    /// What no answer came for; a refusal is a warning.
    pub fn dress(&self, request: &ChangeRequest, dressing: &Dressing) -> Result<Vec<String>, Fault> {
        match self {
            Self::GitHub(forge) => forge.dress(request, dressing),
            Self::GitLab(forge) => forge.dress(request, dressing),
        }
    }

    /// Takes back that a change request merges by itself; nothing where it does not.
    ///
    /// # Errors
    /// What the forge refuses.
    pub fn cancel_auto_merge(&self, request: &ChangeRequest) -> Result<(), Fault> {
        match self {
            Self::GitHub(forge) => forge.cancel_auto_merge(request),
            Self::GitLab(forge) => forge.cancel_auto_merge(request),
        }
    }

    /// Asks the forge to merge a change request by itself, once its rules are met.
    ///
    /// # Errors
    /// What the forge refuses for want of a permission.
    pub fn auto_merge(&self, request: &ChangeRequest, method: MergeMethod) -> Result<AutoMerge, Fault> {
        match self {
            Self::GitHub(forge) => forge.auto_merge(request, method),
            Self::GitLab(forge) => forge.auto_merge(request, method),
        }
    }
}
