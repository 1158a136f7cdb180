//! `rollback`, from its arguments to its receipt.

use super::cli::CommonArgs;
use super::deliver::{self, Flags};
use crate::steps::bump_values::Request;
use crate::steps::rollback::RollbackArgs;
use crate::world::env::Environment;

/// Runs the command and returns the exit code.
pub(super) fn run(args: &RollbackArgs, common: &CommonArgs, environment: &Environment) -> u8 {
    let flags = Flags {
        command: "rollback",
        what: &args.what(),
        config_repo: &args.config_repo,
        pull_request: &args.pull_request,
    };
    deliver::run(&flags, common, environment, |_, inputs| {
        Request::rollback(args.clone(), inputs)
    })
}
