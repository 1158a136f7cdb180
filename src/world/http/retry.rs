//! A request that is sent again where that is safe: rates, ailing servers, broken connections.
//!
//! A request that a rate limit turned away was not carried out, so it may be sent again whatever it is. After a 5xx or
//! a broken connection only a read may: what became of a write is looked up by whoever asked for it.

use std::time::Duration;

use super::lost::Lost;
use crate::words::fault::{Fault, Kind};
use crate::world::clock::{self, Deadline};
use crate::world::progress::Progress;

/// How often a read is tried when the connection breaks or the server is ailing.
const TRIES: u32 = 4;
/// The first and the last bound of the pauses between two tries; it doubles.
const PAUSES: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(30));
/// The first and the longest wait after a rate limit that does not say how long; it doubles.
const LIMIT_PAUSES: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(15 * 60));
/// How long one request may take: GitLab breaks its own off after a minute, GitHub sooner.
const READ_TAKES: Duration = Duration::from_secs(30);
const WRITE_TAKES: Duration = Duration::from_secs(120);

/// Whether a request changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It only reads.
    Read,
    /// It may change something, so it is never sent twice without knowing what became of it.
    Write,
}

impl Effect {
    /// Returns when one request is given up, so that a server that never answers does not take all the time.
    pub fn deadline(self, whole: Deadline) -> Deadline {
        let most = match self {
            Self::Read => READ_TAKES,
            Self::Write => WRITE_TAKES,
        };
        Deadline::after(most.min(whole.left()))
    }
}

/// What an answer means for whether its request is sent again.
#[derive(Debug)]
pub enum Verdict<A> {
    /// It is an answer, whatever it says.
    Answer(A),
    /// A rate limit turned the request away, for so long where the server says it.
    Limited(Fault, Option<Duration>),
    /// The server broke down on the request, for so long where it says it.
    Ailing(Fault, Option<Duration>),
}

/// What came of a request.
#[derive(Debug)]
pub enum Called<A> {
    /// The server answered.
    Answered(A),
    /// A write's answer was lost, or the server broke down on it: nobody knows whether it was carried out.
    Unclear(Fault),
}

/// Sends a request, which the notes call `what`, again where that is safe.
///
/// # Errors
/// `GaveUp` when the deadline passes or the server stays ailing, and what the connection met for good.
pub fn retry<A>(
    effect: Effect,
    what: &str,
    deadline: Deadline,
    progress: &dyn Progress,
    send: impl Fn() -> Result<Verdict<A>, Lost>,
) -> Result<Called<A>, Fault> {
    let mut pauses = Doubling(PAUSES);
    let mut limit_pauses = Doubling(LIMIT_PAUSES);
    let mut failed = 0;
    loop {
        let (fault, wait) = match send() {
            Ok(Verdict::Answer(answer)) => return Ok(Called::Answered(answer)),
            Ok(Verdict::Limited(fault, wait)) => (fault, wait.or_else(|| Some(limit_pauses.next()))),
            Ok(Verdict::Ailing(fault, _)) if effect == Effect::Write => return Ok(Called::Unclear(fault)),
            Ok(Verdict::Ailing(fault, wait)) => (fault, wait),
            Err(lost) if effect == Effect::Write && lost.sent => return Ok(Called::Unclear(lost.fault)),
            // A request that took too long may be sent again while there is time.
            Err(lost) if !lost.passing && lost.fault.kind != Kind::GaveUp => return Err(lost.fault),
            Err(lost) => (lost.fault, None),
        };
        failed += u32::from(wait.is_none());
        if failed >= TRIES {
            return Err(fault);
        }
        let wait = wait.unwrap_or_else(|| clock::jitter(pauses.next()));
        if wait >= deadline.left() {
            return Err(fault);
        }
        progress.note(&format!("{what} is tried again in {wait:.1?}: {}", fault.message));
        clock::sleep(wait);
    }
}

/// A pause that doubles up to its longest.
struct Doubling((Duration, Duration));

impl Doubling {
    fn next(&mut self) -> Duration {
        let (pause, longest) = self.0;
        self.0.0 = pause.saturating_mul(2).min(longest);
        pause
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::world::progress::Silent;

    #[test]
    fn a_request_that_takes_too_long_does_not_take_all_the_time() {
        let hour = Deadline::after(Duration::from_secs(3600));
        for (effect, most) in [(Effect::Read, READ_TAKES), (Effect::Write, WRITE_TAKES)] {
            assert!(effect.deadline(hour).left() <= most);
            assert!(effect.deadline(Deadline::after(Duration::ZERO)).passed());
        }
        let asked = Cell::new(0);
        let second_answers = || {
            asked.set(asked.get() + 1);
            match asked.get() {
                1 => Err(Lost::too_late("h", Deadline::after(Duration::ZERO))),
                _ => Ok(Verdict::Answer(())),
            }
        };
        let came = retry(Effect::Read, "it", hour, &Silent, second_answers);
        assert!(matches!(came, Ok(Called::Answered(()))));
        asked.set(0);
        let came = retry(Effect::Write, "it", hour, &Silent, second_answers);
        assert!(matches!(came, Ok(Called::Unclear(_))));
        assert_eq!(asked.get(), 1, "a write is not sent twice");
    }

    #[test]
    fn pauses_grow_to_their_longest_however_often_a_server_turns_us_away() {
        for (first, longest) in [PAUSES, LIMIT_PAUSES] {
            let mut pauses = Doubling((first, longest));
            assert_eq!((pauses.next(), pauses.next()), (first, first * 2));
            assert_eq!((0..1000).map(|_| pauses.next()).max(), Some(longest));
        }
    }

    #[test]
    fn a_limit_that_outlasts_the_deadline_is_not_waited_for() {
        let soon = Deadline::after(Duration::from_secs(30));
        for wait in [None, Some(Duration::MAX)] {
            let limited = || Ok(Verdict::<()>::Limited(Fault::new(Kind::GaveUp, "later"), wait));
            let fault = retry(Effect::Write, "it", soon, &Silent, limited).unwrap_err();
            assert_eq!(fault.message, "later");
        }
    }
}
