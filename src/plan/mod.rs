//! Floor 2, plan: what a repository holds and what shall change in it. Pure.

pub mod commit;
pub mod snapshot;
