//! The GitHub Action as a runner runs it: `action.yml` and `action/install.sh`, in shells, with the real binary.
#![cfg(unix)]
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests touch the world"
)]

#[path = "../support/mod.rs"]
mod support;

mod commands;
mod expression;
mod hostile;
mod https;
mod install;
mod readme;
mod release;
mod runner;
