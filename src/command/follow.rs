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

/// The longest pause while the forge does not answer, or limits the rate.
const OUTAGE_PAUSE: Duration = Duration::from_secs(60);

/// The pauses between looks.
struct Pauses {
    next: Duration,
    longest: Duration,
}

impl Pauses {
    fn new() -> Self {
        Self {
            next: PAUSES.0,
            longest: PAUSES.1,
        }
    }

    /// Takes note of whether the last look was answered.
    fn seen(&mut self, answered: bool) {
        self.longest = if answered { PAUSES.1 } else { OUTAGE_PAUSE };
    }

    /// Waits for the next look; returns whether there is time for one.
    fn wait(&mut self, deadline: Deadline) -> bool {
        let pause = self.next.min(self.longest);
        self.next = (pause * 3 / 2).min(self.longest);
        clock::sleep_within(pause, deadline)
    }
}

/// Waits until the run that a dispatch started can be seen; none if it does not appear in time.
///
/// The time in which the forge does not answer counts only against the deadline.
///
/// # Errors
/// What the forge refuses, and `GaveUp` when the deadline passes while it does not answer.
pub(super) fn find(
    forge: &Forge,
    sought: &Sought,
    deadline: Deadline,
    console: &Console,
) -> Result<Option<Run>, Fault> {
    let mut pauses = Pauses::new();
    let mut appears = Deadline::after(APPEARS.min(deadline.left()));
    loop {
        let outage = match forge.find_run(sought) {
            Ok(Some(run)) => return Ok(Some(run)),
            Ok(None) => None,
            Err(fault) if fault.kind == Kind::GaveUp => {
                console.detail(&format!("the run cannot be looked for yet: {fault}"));
                appears = Deadline::after(APPEARS.min(deadline.left()));
                Some(fault)
            }
            Err(fault) => return Err(fault),
        };
        pauses.seen(outage.is_none());
        let until = if outage.is_some() { deadline } else { appears };
        if !pauses.wait(until) {
            let hint =
                "it was sent: look at the receiver's runs before you run this again, or it may run twice";
            return outage.map_or(Ok(None), |fault| Err(fault.hint(hint)));
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
        let look = forge.run(run.id);
        let outage = look.as_ref().is_err_and(|fault| fault.kind == Kind::GaveUp);
        pauses.seen(!outage);
        match look {
            Ok(seen) => {
                unseen = UNSEEN;
                match seen.state {
                    RunState::Succeeded => return Ok(()),
                    RunState::Failed(word) => return Err(failed(run, &word)),
                    RunState::Blocked(word) => return Err(blocked(run, &word)),
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
            // The run goes on whether or not the forge answers.
            Err(fault) if outage => console.detail(&format!("the run cannot be seen now: {fault}")),
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

fn blocked(run: &Run, word: &str) -> Fault {
    let message = format!("the run waits for a person: it is `{}`", word.escape_debug());
    let url = run.url.escape_debug();
    Fault::new(Kind::Failed, message).hint(format!(
        "start its manual job at {url}; only without one that blocks it can a run be waited for"
    ))
}

fn too_late(run: &Run, last: &str) -> Fault {
    let message = match last {
        "" => "the run was not seen in time".to_owned(),
        word => format!("the run did not end in time; it is {}", word.escape_debug()),
    };
    Fault::new(Kind::GaveUp, message).hint(format!(
        "it goes on at {}: look there before you run this again, which starts another; --timeout lets one wait longer",
        run.url.escape_debug()
    ))
}
