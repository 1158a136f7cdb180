//! Follows a run that was started until it has ended.

use std::time::Duration;

use super::console::Console;
use crate::plan::dispatch::{Run, RunState, Sought};
use crate::words::fault::{Fault, Kind};
use crate::world::clock::{self, Deadline};
use crate::world::forge::Forge;

/// The shortest and the longest pause between two looks; it grows by half.
const PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(15));
/// How long a run may take to appear after it was asked for.
const APPEARS: Duration = Duration::from_secs(60);
/// How many first looks may be refused: a run that has just been started is not seen everywhere at once.
const UNSEEN: u32 = 2;

/// The pauses between looks.
struct Pauses(Duration);

impl Pauses {
    fn new() -> Self {
        Self(PAUSES.0)
    }

    /// Waits for the next look; returns whether there is time for one.
    fn wait(&mut self, deadline: Deadline) -> bool {
        let pause = self.0;
        self.0 = (pause * 3 / 2).min(PAUSES.1);
        clock::sleep_within(pause, deadline)
    }
}

/// Waits until the run that a dispatch started can be seen; none if it does not appear in time.
///
/// # Errors
/// What the forge refuses.
pub(super) fn find(forge: &Forge, sought: &Sought, deadline: Deadline) -> Result<Option<Run>, Fault> {
    let deadline = Deadline::after(APPEARS.min(deadline.left()));
    let mut pauses = Pauses::new();
    loop {
        if let Some(run) = forge.find_run(sought)? {
            return Ok(Some(run));
        }
        if !pauses.wait(deadline) {
            return Ok(None);
        }
    }
}

/// Waits until a run has ended well.
///
/// # Errors
/// `Failed` with the forge's own word when it ended otherwise, `GaveUp` when the deadline passes, and what the forge
/// refuses.
pub(super) fn follow(forge: &Forge, run: &Run, deadline: Deadline, console: &Console) -> Result<(), Fault> {
    let (mut pauses, mut unseen) = (Pauses::new(), 0);
    let mut last = String::new();
    loop {
        match forge.run(run.id) {
            Ok(seen) => {
                unseen = UNSEEN;
                match seen.state {
                    RunState::Succeeded => return Ok(()),
                    RunState::Failed(word) => return Err(failed(run, &word)),
                    RunState::Going(word) if word != last => {
                        console.say(&format!("the run is {}", word.escape_debug()));
                        last = word;
                    }
                    RunState::Going(_) => {}
                }
            }
            Err(fault) if fault.kind == Kind::Denied && unseen < UNSEEN => {
                console.detail(&format!("the run is not seen yet: {fault}"));
                unseen += 1;
            }
            Err(fault) => return Err(fault),
        }
        if !pauses.wait(deadline) {
            return Err(too_late(run, &last));
        }
    }
}

fn failed(run: &Run, word: &str) -> Fault {
    let message = format!("the run ended as `{}`", word.escape_debug());
    Fault::new(Kind::Failed, message).hint(format!("see {}", run.url.escape_debug()))
}

fn too_late(run: &Run, last: &str) -> Fault {
    let message = match last {
        "" => "the run was not seen in time".to_owned(),
        word => format!("the run did not end in time; it is {}", word.escape_debug()),
    };
    Fault::new(Kind::GaveUp, message).hint(format!(
        "it goes on at {}; wait longer with --timeout",
        run.url.escape_debug()
    ))
}
