//! What opening a repository or a forge needs of the command line and the world.

use std::sync::Arc;

use super::cli::CommonArgs;
use super::console::Console;
use crate::world::clock::Deadline;
use crate::world::env::Environment;

/// What opening needs.
#[derive(Clone, Copy)]
pub(super) struct Opening<'a> {
    /// The flags that all commands have.
    pub common: &'a CommonArgs,
    /// The environment.
    pub environment: &'a Environment,
    /// When to give up.
    pub deadline: Deadline,
    /// Who is told.
    pub console: &'a Arc<Console>,
}
