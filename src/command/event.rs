//! The body of the event that started this run.

use std::path::Path;

use crate::words::event::EVENT_MAX;
use crate::words::fault::Fault;
use crate::world::ci;
use crate::world::env::Environment;
use crate::world::files;

/// Reads the event that `--from-event` names, `auto` for the one that CI hands over; returns its path too.
///
/// # Errors
/// `Invalid` where CI hands none over, and what the file system says.
pub(super) fn read(from: &str, environment: &Environment) -> anyhow::Result<(String, Vec<u8>)> {
    let path = match from {
        "auto" => ci::event_file(environment).ok_or_else(|| {
            Fault::invalid("there is no event: neither GITHUB_EVENT_PATH nor TRIGGER_PAYLOAD is set")
                .hint("outside CI, give the file of the event's body: --from-event FILE")
        })?,
        path => path,
    };
    Ok((path.to_owned(), files::read(Path::new(path), EVENT_MAX as u64)?))
}
