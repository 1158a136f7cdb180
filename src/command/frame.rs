//! What stands around the work of every command: the flags that all have, the receipt, the exit code.

use std::sync::Arc;

use super::cli::CommonArgs;
use super::console::Console;
use super::finish;
use super::opening::Opening;
use super::receipt::Receipt;
use crate::plan::Operation;
use crate::world::ci::Host;
use crate::world::env::Environment;

/// What a command is run with.
#[derive(Clone, Copy)]
pub(super) struct Frame<'a> {
    /// The command, with its subcommand.
    pub command: &'static str,
    /// The flags that all commands have.
    pub common: &'a CommonArgs,
    /// The environment.
    pub environment: &'a Environment,
    /// Whether it waits for what others do, for which it takes more time.
    pub waits: bool,
}

impl<'a> Frame<'a> {
    /// Returns the frame of a command that waits for nobody.
    pub(super) fn new(command: &'static str, common: &'a CommonArgs, environment: &'a Environment) -> Self {
        Self {
            command,
            common,
            environment,
            waits: false,
        }
    }

    /// Does the work and returns the exit code.
    ///
    /// Nothing is begun where the result cannot be written. What work that fails has left in its receipt is told, too.
    pub(super) fn run(self, work: impl FnOnce(&Opening<'_>, &mut Receipt) -> anyhow::Result<Receipt>) -> u8 {
        let console = Arc::new(Console::new(
            Some(self.common),
            self.environment,
            Host::of(self.environment),
        ));
        let mut receipt = Receipt::new(self.command, Operation::Failed);
        receipt.dry_run = self.common.dry_run;
        let mut common = self.common.clone();
        let outcome = finish::check_places(&mut common).and_then(|()| {
            let opening = Opening {
                common: &common,
                environment: self.environment,
                deadline: common.deadline(self.waits)?,
                console: &console,
            };
            work(&opening, &mut receipt)
        });
        finish::finish(outcome, receipt, &common, self.environment, &console)
    }
}
