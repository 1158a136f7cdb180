//! What a registry has, asked of a fake that takes no request that a strict registry would refuse, and of a real one.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests touch the world"
)]

mod asker;
mod images;
mod logins;
mod real;
#[path = "../support/mod.rs"]
mod support;
mod tags;
mod troubles;
