//! The signals that would end this process: Ctrl-C, the end of a job, a terminal that closes.
//!
//! The first to ask hears them, and for the rest of the run nobody else: a run that waits for a command of the user's hands
//! them on to it (`world::child`), any other is ended by them (`world::scratch`). What was ignored when we were started stays
//! ignored, as under `nohup`, and in a script with `&`: then the command that we start ignores it too.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};

static HEARD: AtomicBool = AtomicBool::new(false);

/// Calls a function once when the first signal comes, if nobody hears them yet.
///
/// # Errors
/// What the system says.
pub(super) fn on_first(end: impl FnOnce() + Send + 'static) -> io::Result<()> {
    if HEARD.swap(true, Ordering::SeqCst) {
        return Ok(());
    }
    imp::on_first(end)
}

/// What has come since the last look.
pub(super) struct Pending(imp::Pending);

impl Pending {
    /// Hears the signals from now on.
    ///
    /// # Errors
    /// What the system says; somebody hears them already.
    pub(super) fn heed() -> io::Result<Self> {
        if HEARD.swap(true, Ordering::SeqCst) {
            return Err(io::Error::other("another part of the program hears them"));
        }
        imp::Pending::heed().map(Self)
    }

    /// Returns the numbers of those that have come.
    pub(super) fn take(&mut self) -> Vec<i32> {
        self.0.take()
    }
}

#[cfg(unix)]
mod imp {
    use std::io;
    use std::path::Path;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    use crate::world::files;

    /// The most bytes of what Linux tells of this process.
    const MOST_TOLD: u64 = 64 * 1024;

    pub fn on_first(end: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut signals = Signals::new(heeded())?;
        std::thread::Builder::new().spawn(move || {
            if signals.forever().next().is_some() {
                end();
            }
        })?;
        Ok(())
    }

    pub struct Pending(Signals);

    impl Pending {
        pub fn heed() -> io::Result<Self> {
            Signals::new(heeded()).map(Self)
        }

        pub fn take(&mut self) -> Vec<i32> {
            self.0.pending().collect()
        }
    }

    /// Those that are not ignored. Where the system does not tell (it is not Linux), SIGHUP may be, and is left as it is.
    fn heeded() -> Vec<i32> {
        let status = files::read(Path::new("/proc/self/status"), MOST_TOLD).unwrap_or_default();
        let ignored = ignored_of(&String::from_utf8_lossy(&status)).unwrap_or(bit(SIGHUP));
        let ours = [SIGINT, SIGTERM, SIGHUP].into_iter();
        ours.filter(|signal| ignored & bit(*signal) == 0).collect()
    }

    /// Reads the mask of ignored signals (`SigIgn` of proc(5)).
    fn ignored_of(status: &str) -> Option<u64> {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    }

    fn bit(signal: i32) -> u64 {
        1 << (signal - 1)
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn what_is_ignored_is_read_from_the_mask() {
            let status = "SigQ:\t0/7\nSigBlk:\tffffffffffffffff\nSigIgn:\t0000000000001003\nSigCgt:\t0\n";
            let mask = ignored_of(status).unwrap();
            assert_ne!(mask & bit(SIGHUP), 0);
            assert_ne!(mask & bit(SIGINT), 0);
            assert_eq!(mask & bit(SIGTERM), 0);
            assert_eq!(ignored_of("SigIgn:\tx\n"), None);
            assert_eq!(ignored_of(""), None);
        }
    }
}

#[cfg(not(unix))]
mod imp {
    use std::io;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// Ctrl-C, by the number that it has elsewhere.
    const INTERRUPT: i32 = 2;

    static CAME: AtomicBool = AtomicBool::new(false);

    pub fn on_first(end: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let end = Mutex::new(Some(end));
        let handler = move || {
            if let Some(end) = end.lock().ok().and_then(|mut end| end.take()) {
                end();
            }
        };
        ctrlc::try_set_handler(handler).map_err(io::Error::other)
    }

    pub struct Pending(&'static AtomicBool);

    impl Pending {
        pub fn heed() -> io::Result<Self> {
            ctrlc::try_set_handler(|| CAME.store(true, Ordering::SeqCst)).map_err(io::Error::other)?;
            Ok(Self(&CAME))
        }

        pub fn take(&mut self) -> Vec<i32> {
            let came = self.0.swap(false, Ordering::SeqCst);
            came.then_some(INTERRUPT).into_iter().collect()
        }
    }
}
