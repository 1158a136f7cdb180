//! Short-lived programs of the system: input in, output out, within a time limit.

use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::clock::{self, Deadline};
use crate::words::fault::{Fault, Kind};

/// The most that is kept of one stream of a program.
const MOST: u64 = 1 << 20;

/// How often a program that has said its last word is looked at.
const POLL: Duration = Duration::from_millis(1);

/// What a program left behind.
pub(super) struct Finished {
    /// Whether it ended with 0.
    pub ok: bool,
    /// Its standard output.
    pub stdout: Vec<u8>,
    /// Its standard error, as text.
    pub stderr: String,
}

/// Runs a program to its end.
///
/// # Errors
/// `Invalid` if it cannot be started, `GaveUp` if it does not end in time (it is ended then).
pub(super) fn run(command: &mut Command, input: &[u8], deadline: Deadline) -> Result<Finished, Fault> {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command.spawn().map_err(|e| {
        Fault::invalid(format!("cannot start `{}`: {e}", name.escape_debug())).hint(format!(
            "install `{}` or put its folder on PATH",
            name.escape_debug()
        ))
    })?;
    let mut stdin = child.stdin.take().expect("the child's input is piped");
    let input = input.to_vec();
    // A program that ends without reading its input is judged by its exit, not by the broken pipe.
    thread::spawn(move || stdin.write_all(&input));
    let stdout = collect(child.stdout.take().expect("the child's output is piped"));
    let stderr = collect(child.stderr.take().expect("the child's error is piped"));
    let late = |child: &mut Child| {
        let _ = child.kill();
        let _ = child.wait();
        Fault::new(
            Kind::GaveUp,
            format!("`{}` did not end in time", name.escape_debug()),
        )
    };
    let stdout = stdout
        .recv_timeout(deadline.left())
        .map_err(|_| late(&mut child))?;
    let stderr = stderr
        .recv_timeout(deadline.left())
        .map_err(|_| late(&mut child))?;
    let lost = |e| Fault::new(Kind::Internal, format!("lost `{}`: {e}", name.escape_debug()));
    // It has closed its output, so it ends at once, or means to go on for ever.
    let status = loop {
        match child.try_wait().map_err(lost)? {
            Some(status) => break status,
            None if deadline.passed() => return Err(late(&mut child)),
            None => clock::sleep(POLL),
        }
    };
    Ok(Finished {
        ok: status.success(),
        stdout,
        stderr: String::from_utf8_lossy(&stderr).into_owned(),
    })
}

fn collect(stream: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = stream.take(MOST).read_to_end(&mut bytes);
        let _ = sender.send(bytes);
    });
    receiver
}
