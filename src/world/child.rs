//! A command of the user's that runs as if we were not there: our terminal, our signals, none of our tokens.
//!
//! A run that waits for such a command hears signals here, and hands them on; any other run is ended by them
//! (`world::scratch`).
#![expect(clippy::disallowed_methods, reason = "the user's command is started here")]

use std::ffi::{OsStr, OsString};
use std::io;
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use super::{clock, env, signals};

/// How often the command and the signals are looked at.
const LOOK: Duration = Duration::from_millis(20);
/// What a shell reports for a command that it cannot find, and for one that it cannot start.
const NOT_FOUND: u8 = 127;
const NOT_STARTED: u8 = 126;

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its own code; 128 and the signal's number where a signal ended it.
    pub code: u8,
    /// Whether a signal ended it, or was handed on to it before it failed.
    pub interrupted: bool,
    /// Why it could not be started.
    pub unstarted: Option<String>,
}

/// Hears the signals that would end this process, from now on until the end of the run.
pub struct Signals(signals::Pending);

impl Signals {
    /// Starts to hear them.
    ///
    /// # Errors
    /// What the system says.
    pub fn heed() -> io::Result<Self> {
        signals::Pending::heed().map(Self)
    }

    /// Runs a command to its end, and hands on to it what is heard. It is not started if something was heard before.
    pub fn run(&mut self, command: &[OsString]) -> Ended {
        if let Some(signal) = self.0.take().first() {
            return Ended {
                code: imp::code_of(*signal),
                interrupted: true,
                unstarted: Some("it was interrupted before".to_owned()),
            };
        }
        let mut child = match start(command) {
            Ok(child) => child,
            Err(error) => {
                return Ended {
                    code: if error.kind() == io::ErrorKind::NotFound {
                        NOT_FOUND
                    } else {
                        NOT_STARTED
                    },
                    interrupted: false,
                    unstarted: Some(error.to_string()),
                };
            }
        };
        let mut handed_on = false;
        loop {
            // Looked at first: a command that has ended is handed nothing, as its id may be another's by then.
            match child.try_wait() {
                Ok(Some(status)) => return ended(status, handed_on),
                Ok(None) => {}
                Err(_) => return ended(child.wait().unwrap_or_default(), handed_on),
            }
            for signal in self.0.take() {
                imp::hand_on(&child, signal);
                handed_on = true;
            }
            clock::sleep(LOOK);
        }
    }
}

fn start(command: &[OsString]) -> io::Result<Child> {
    let (program, arguments) = command
        .split_first()
        .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "no command is named"))?;
    let mut command = Command::new(program);
    command.args(arguments);
    for name in env::secret_names() {
        command.env_remove::<&OsStr>(name.as_ref());
    }
    command.spawn()
}

fn ended(status: ExitStatus, handed_on: bool) -> Ended {
    let (code, by_signal) = imp::code(status);
    Ended {
        code,
        interrupted: by_signal || (handed_on && code != 0),
        unstarted: None,
    }
}

#[cfg(unix)]
mod imp {
    use std::io::{IsTerminal as _, stdin};
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::{Child, ExitStatus};

    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    use signal_hook::consts::SIGINT;

    pub fn hand_on(child: &Child, signal: i32) {
        // Ctrl-C at a terminal reaches the command by itself, and many end at once when they hear it twice.
        if signal == SIGINT && stdin().is_terminal() {
            return;
        }
        if let (Ok(id), Ok(signal)) = (i32::try_from(child.id()), Signal::try_from(signal)) {
            // It may have ended just now, which the next look tells.
            let _ = kill(Pid::from_raw(id), signal);
        }
    }

    pub fn code(status: ExitStatus) -> (u8, bool) {
        match (status.code(), status.signal()) {
            (Some(code), _) => (u8::try_from(code).unwrap_or(1), false),
            (None, Some(signal)) => (code_of(signal), true),
            (None, None) => (1, false),
        }
    }

    pub fn code_of(signal: i32) -> u8 {
        u8::try_from(signal).map_or(u8::MAX, |signal| signal.saturating_add(128))
    }
}

#[cfg(not(unix))]
mod imp {
    use std::process::{Child, ExitStatus};

    pub fn hand_on(_: &Child, _: i32) {}

    pub fn code(status: ExitStatus) -> (u8, bool) {
        (
            status
                .code()
                .and_then(|code| u8::try_from(code).ok())
                .unwrap_or(1),
            false,
        )
    }

    pub fn code_of(signal: i32) -> u8 {
        u8::try_from(signal).map_or(u8::MAX, |signal| signal.saturating_add(128))
    }
}
