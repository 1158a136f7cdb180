//! Time: what o'clock it is, how long we may still take, and waiting.
#![expect(clippy::disallowed_methods, reason = "the one place where the clock is read")]

use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::words::fault::{Fault, Kind};

/// Returns the present moment.
pub fn now() -> Timestamp {
    Timestamp::now()
}

/// Sleeps.
pub fn sleep(time: Duration) {
    std::thread::sleep(time);
}

/// Sleeps, unless the deadline would pass meanwhile; returns whether it has slept.
pub fn sleep_within(time: Duration, deadline: Deadline) -> bool {
    let fits = time < deadline.left();
    if fits {
        sleep(time);
    }
    fits
}

/// Returns a random time from zero up to `most`, so that many writers do not come back at once.
pub fn jitter(most: Duration) -> Duration {
    most.mul_f64(fastrand::f64())
}

/// Returns a random word of letters and digits, which no text can have been written to match.
pub fn random_word() -> String {
    std::iter::repeat_with(fastrand::alphanumeric).take(24).collect()
}

/// Measures how long something takes.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts it.
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Returns the time since.
    pub fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// The moment at which an operation gives up, on a clock that never jumps.
#[derive(Clone, Copy, Debug)]
pub struct Deadline {
    start: Instant,
    limit: Duration,
}

impl Deadline {
    /// Returns the deadline that is `limit` from now.
    pub fn after(limit: Duration) -> Self {
        Self {
            start: Instant::now(),
            limit,
        }
    }

    /// Returns the time that is left; zero when it has passed.
    pub fn left(&self) -> Duration {
        self.limit.saturating_sub(self.start.elapsed())
    }

    /// Returns whether it has passed.
    pub fn passed(&self) -> bool {
        self.left().is_zero()
    }

    /// Says that it has passed before `host` had answered.
    pub fn missed(&self, host: &str) -> Fault {
        let host = host.escape_debug();
        let tenths = self.limit.as_millis().div_ceil(100);
        let limit = Duration::from_millis(u64::try_from(tenths).unwrap_or(u64::MAX).saturating_mul(100));
        let message = if limit.is_zero() {
            format!("no time was left for an answer from `{host}`")
        } else {
            format!("no whole answer from `{host}` within {limit:?}")
        };
        Fault::new(Kind::GaveUp, message).hint("give it more time with --timeout")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_passes_and_a_jitter_stays_within_its_bound() {
        assert!(Deadline::after(Duration::ZERO).passed());
        assert!(!Deadline::after(Duration::from_secs(3600)).passed());
        assert!((0..100).all(|_| jitter(Duration::from_secs(1)) <= Duration::from_secs(1)));
    }
}
