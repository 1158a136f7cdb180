//! The GitHub Action as a runner runs it: `action.yml` and `action/install.sh`, in shells, with the real binary.
#![cfg(unix)]

mod commands;
mod expression;
mod hostile;
mod https;
mod install;
mod readme;
mod release;
mod runner;
