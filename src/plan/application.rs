//! An application as Argo CD's API shows it.
//!
//! Source: Argo CD's `pkg/apis/application/v1alpha1/types.go`.

use jiff::Timestamp;

/// An application, as far as waiting for it needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Application {
    /// The commits that are synced, one for each source.
    pub revisions: Vec<String>,
    /// `status.sync.status`: `Synced`, `OutOfSync`, `Unknown`.
    pub sync: String,
    /// `status.health.status`: Healthy, Progressing, Degraded, Suspended, Missing, Unknown.
    pub health: String,
    /// What Argo CD says of the health.
    pub health_message: Option<String>,
    /// Whether an operation is asked for or runs.
    pub operating: bool,
    /// The last operation.
    pub last: Option<LastOperation>,
    /// When the state was last compared with the cluster.
    pub reconciled: Option<Timestamp>,
    /// The images that run, `name:tag` or `name@digest`.
    pub images: Vec<String>,
}

/// The last operation of an application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LastOperation {
    /// Running, Terminating, Succeeded, Failed, Error.
    pub phase: String,
    /// What Argo CD says of it.
    pub message: Option<String>,
    /// The commits that it synced, one for each source.
    pub revisions: Vec<String>,
    /// When it ended.
    pub finished: Option<Timestamp>,
}
