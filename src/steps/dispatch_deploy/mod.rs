//! `dispatch-deploy`: ask the config repo's CI to deploy.

mod args;
mod limits;
mod request;

pub use args::DispatchDeployArgs;
pub use request::{Inputs, Request};
