//! Config repos that git reaches, over http(s), ssh or a folder of this machine, without a work tree.
//!
//! libgit2 speaks git's protocol; the bytes go through transports of our own (`wire`): the one HTTP client,
//! and pipes to the system's `ssh` and `git`.

mod beside;
mod commit;
mod credentials;
mod fetch;
mod folder;
mod history;
mod http;
mod identity;
mod local;
mod log;
mod netrc;
mod outcome;
mod partial;
mod pipe;
mod push;
mod remote;
mod sign;
mod snapshot;
mod source;
mod status;
mod tag;
mod tree;
mod walk;
mod wire;

pub use credentials::{Access, plaintext_warning};
pub use local::LocalCommit;
pub use log::GitLog;
pub(super) use outcome::{Meaning, meaning};
pub use remote::GitRepo;
pub use source::GitSource;
