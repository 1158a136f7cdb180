//! Pushes one commit to one branch, or one tag, on condition of what stood there, and reports what the remote said.

use std::cell::RefCell;
use std::sync::Arc;

use git2::{Oid, PushOptions, RemoteCallbacks, Repository};

use super::wire::{Wire, WireError};
use crate::world::progress::Progress;

/// How much of the remote's own words is kept.
pub(super) const MOST_SAID: usize = 4096;

/// What a branch must be at, and what may happen to it.
#[derive(Clone, Copy)]
pub(super) enum Lease {
    /// It is at this commit, which the new one contains.
    Forward(Oid),
    /// It is at this commit, which goes; zeros stand for no branch.
    Replace(Oid),
}

/// What the remote says of one ref.
pub(super) enum Status {
    /// It is at our object now.
    Accepted,
    /// It is not, and why.
    Rejected(String),
}

/// What came of a push.
pub(super) struct Report {
    /// The status of our ref, if the remote gave one.
    pub status: Option<Status>,
    /// What the remote wrote for people.
    pub said: String,
    /// The tip that the remote named, where it was not the expected one; nothing was sent then.
    pub moved_to: Option<Oid>,
    /// Why the push broke off.
    pub error: Option<WireError>,
}

/// Pushes an object to a ref, such as a commit to `refs/heads/main`, if the remote's is still that of the lease.
///
/// libgit2 calls a push done when the remote has answered, also when it has refused: only the status counts.
pub(super) fn send(
    repo: &Repository,
    wire: &Arc<Wire>,
    target: &str,
    lease: Lease,
    object: Oid,
    progress: &dyn Progress,
) -> Report {
    let (expected, force) = match lease {
        Lease::Forward(tip) => (tip, ""),
        Lease::Replace(tip) => (tip, "+"),
    };
    let status = RefCell::new(None);
    let said = RefCell::new(Vec::new());
    let moved_to = RefCell::new(None);
    let mut callbacks = RemoteCallbacks::new();
    callbacks.push_update_reference(|name, why| {
        if name == target {
            *status.borrow_mut() = Some(why.map_or(Status::Accepted, |why| Status::Rejected(why.to_owned())));
        }
        Ok(())
    });
    callbacks.sideband_progress(|bytes| {
        let mut said = said.borrow_mut();
        let room = MOST_SAID.saturating_sub(said.len());
        said.extend_from_slice(&bytes[..bytes.len().min(room)]);
        true
    });
    // The old id of the update is what the remote will compare with: so this is an exact lease.
    callbacks.push_negotiation(|updates| {
        let ours = updates
            .iter()
            .find(|update| update.dst_refname_bytes() == target.as_bytes());
        match ours.map(git2::PushUpdate::src) {
            Some(tip) if tip == expected => Ok(()),
            tip => {
                *moved_to.borrow_mut() = Some(tip.unwrap_or(Oid::ZERO_SHA1));
                Err(git2::Error::from_str("the branch moved"))
            }
        }
    });
    callbacks.push_transfer_progress(|done, total, _| progress.show("push", done, total));
    let mut options = PushOptions::new();
    options.remote_callbacks(callbacks);
    let refspec = format!("{force}{object}:{target}");
    let result = wire.with_remote(repo, |remote| remote.push(&[refspec], Some(&mut options)));
    drop(options);
    Report {
        status: status.into_inner(),
        said: String::from_utf8_lossy(&said.into_inner()).into_owned(),
        moved_to: moved_to.into_inner(),
        error: result.err(),
    }
}
