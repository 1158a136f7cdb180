//! `deployment-status`: its arguments, and what they ask for.

mod args;
pub mod follow;
pub mod health;
mod request;
pub mod which;

pub use args::{DeploymentStatusArgs, IfNoDeployment, StateArg};
pub use request::{Action, Inputs, Request, Target};
