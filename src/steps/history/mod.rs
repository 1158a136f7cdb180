//! `history`: what ran where, since when and by whom, from git alone.
//!
//! What counts is what the files held: the places that the policy lists now are read in each commit of the branch's own
//! line that touches their files. Trailers only add who and why.

mod args;
mod now;
mod reading;
pub mod report;
mod request;
mod told;
mod walk;
mod watch;

pub use args::{HistoryArgs, NowArgs, Output, ViewArgs, WhichArgs};
pub use request::{Request, Subject};
