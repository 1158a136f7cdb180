//! The `gitops-steps` binary.

use std::process::ExitCode;

use gitops_steps::command;
use gitops_steps::world::env::Environment;

#[expect(clippy::disallowed_methods, reason = "arguments are read here, once")]
fn main() -> ExitCode {
    ExitCode::from(command::run(
        std::env::args_os().collect(),
        &Environment::of_process(),
    ))
}
