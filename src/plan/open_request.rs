//! The open change requests of an app's repository, for what lives as long as they do.

use std::fmt;

use crate::words::fault::Fault;

/// A change request that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRequest {
    /// Its number.
    pub number: u64,
    /// The branch that carries it.
    pub branch: String,
    /// The head's commit, in full hex.
    pub sha: String,
    /// The labels.
    pub labels: Vec<String>,
    /// Whether it comes from another repository.
    pub fork: bool,
}

/// Who knows which change requests are open, now.
pub trait OpenRequests: fmt::Debug + Send + Sync {
    /// Returns all that are open, oldest first.
    ///
    /// # Errors
    /// `Denied` for a refusal, `GaveUp` for a connection that stays broken, and for more of them than are read.
    fn open_requests(&self) -> Result<Vec<OpenRequest>, Fault>;
}
