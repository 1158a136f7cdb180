//! `bump-values`, from its arguments to its receipt.

use super::cli::CommonArgs;
use super::deliver::{self, Flags};
use crate::steps::bump_values::{BumpValuesArgs, Request};
use crate::world::env::Environment;

/// Runs the command and returns the exit code.
pub(super) fn run(args: &BumpValuesArgs, common: &CommonArgs, environment: &Environment) -> u8 {
    let flags = Flags {
        command: "bump-values",
        what: &args.what,
        config_repo: &args.config_repo,
        pull_request: &args.pull_request,
    };
    deliver::run(&flags, common, environment, |what, inputs| {
        let args = args.clone();
        Request::new(BumpValuesArgs { what, ..args }, inputs)
    })
}
