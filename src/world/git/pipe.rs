//! Git's protocol over the pipes of a program: the system's `ssh`, or `git` itself for a folder.

use std::io::{IsTerminal as _, Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use git2::transport::{Service, SmartSubtransportStream};

use super::credentials::Access;
use super::wire::{Failure, Stream, boxed};
use crate::words::address::{GitUrl, Scheme};
use crate::words::fault::{Fault, Kind};

/// How long a program may take to end by itself after the last word, so that hooks on the far side finish.
const FAREWELL: Duration = Duration::from_secs(5);
/// How much of what a program complains about is kept.
const MOST_SHOWN: usize = 4096;

/// The line to a repository over a program's pipes.
pub(super) struct PipeWire {
    url: GitUrl,
    access: Access,
    complaint: Arc<Mutex<Vec<u8>>>,
}

impl PipeWire {
    /// Makes the line; nothing is started yet.
    pub(super) fn to(url: &GitUrl, access: &Access) -> Self {
        Self {
            url: url.clone(),
            access: access.clone(),
            complaint: Arc::default(),
        }
    }

    /// Starts the program that serves; the later half of a service goes on over the same pipes.
    pub(super) fn open(&self, service: Service) -> Result<Box<dyn SmartSubtransportStream>, Failure> {
        let program = match service {
            Service::UploadPackLs | Service::UploadPack => "git-upload-pack",
            Service::ReceivePackLs | Service::ReceivePack => "git-receive-pack",
        };
        self.complaint
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        let command = match self.url.scheme() {
            Scheme::File => self.local(program),
            _ => self.ssh(program),
        };
        let by = command.get_program().to_string_lossy().escape_debug().to_string();
        let text = format!("{program}: `{}` is asked through `{by}`", self.url);
        self.access.progress.note(&text);
        boxed(Pipes::start(command, self)?)
    }

    /// Returns what the program wrote on its standard error, judged; `None` if it was silent.
    pub(super) fn complaint(&self) -> Option<Failure> {
        let bytes = self
            .complaint
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        let text = String::from_utf8_lossy(&bytes);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        (!text.is_empty()).then(|| judge(&self.url, &text))
    }

    /// Returns who is to answer: a host, or a folder of this machine.
    fn host(&self) -> String {
        match self.url.scheme() {
            Scheme::File => self.url.path().to_owned(),
            _ => self.url.host().to_owned(),
        }
    }

    fn local(&self, program: &str) -> Command {
        let mut command = self.access.environment.command("git");
        // `file:///C:/x` is `C:/x` to git on Windows.
        let path = self.url.path();
        let drive = cfg!(windows) && path.as_bytes().get(2) == Some(&b':');
        let path = path.strip_prefix('/').filter(|_| drive).unwrap_or(path);
        command.args([program.trim_start_matches("git-"), path]);
        command
    }

    /// The command for ssh, chosen as git does (git(1): `GIT_SSH_COMMAND`, core.sshCommand, `GIT_SSH`).
    fn ssh(&self, program: &str) -> Command {
        let environment = &self.access.environment;
        let shell = environment
            .get("GIT_SSH_COMMAND")
            .or_else(|| self.access.config.get("core.sshcommand"));
        let mut command = if let Some(line) = shell {
            let mut command = environment.command("sh");
            command.args(["-c", &format!("{}{line} \"$@\"", exec(line)), line]);
            command
        } else if let Some(program) = environment.get("GIT_SSH") {
            environment.command(program)
        } else {
            let mut command = environment.command("ssh");
            command.args(["-o", "ConnectTimeout=10"]);
            if !std::io::stderr().is_terminal() {
                command.args(["-o", "BatchMode=yes"]);
            }
            command
        };
        if let Some(port) = self.url.port() {
            command.args(["-p", &port.to_string()]);
        }
        let host = self.url.host().trim_start_matches('[').trim_end_matches(']');
        command.arg(
            self.url
                .user()
                .map_or_else(|| host.to_owned(), |user| format!("{user}@{host}")),
        );
        // `ssh://host/~user/x` means the home folder of that user, as in git.
        let path = self.url.path();
        let path = if path.starts_with("/~") {
            path.trim_start_matches('/')
        } else {
            path
        };
        command.arg(format!(
            "{program} '{}'",
            path.replace('\'', r"'\''").replace('!', r"'\!'")
        ));
        command
    }
}

/// Lets the shell become the one command of a line, so that ending it ends ssh; a line that is more than one
/// plain command stays as it is.
fn exec(line: &str) -> &'static str {
    let first = line.split_whitespace().next().unwrap_or_default();
    if first.contains('=') || line.contains(['|', '&', ';', '<', '>', '(', ')', '{', '\n']) {
        ""
    } else {
        "exec "
    }
}

/// A running program. Threads of its own read and write, so that no side can make us wait past the deadline.
struct Pipes {
    child: Child,
    host: String,
    access: Access,
    input: Option<Sender<Vec<u8>>>,
    output: Receiver<Vec<u8>>,
    rest: Vec<u8>,
    taken: usize,
}

impl Pipes {
    fn start(mut command: Command, wire: &PipeWire) -> Result<Self, Failure> {
        let name = command.get_program().to_string_lossy().escape_debug().to_string();
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|e| {
            Fault::invalid(format!("cannot start `{name}`: {e}"))
                .hint(format!("install `{name}`, or use the repository's https address"))
        })?;
        let mut stdin = child.stdin.take().expect("the child's input is piped");
        let stdout = child.stdout.take().expect("the child's output is piped");
        let stderr = child.stderr.take().expect("the child's error is piped");
        let (input, to_write) = channel::<Vec<u8>>();
        thread::spawn(move || {
            for bytes in to_write {
                if stdin.write_all(&bytes).and_then(|()| stdin.flush()).is_err() {
                    break;
                }
            }
        });
        let (read, output) = sync_channel(16);
        let complaint = Arc::clone(&wire.complaint);
        let listener = thread::spawn(move || listen(stderr, &complaint));
        thread::spawn(move || {
            forward(stdout, &read);
            // The end of the output is told only when the complaint is whole.
            let _ = listener.join();
        });
        let access = wire.access.clone();
        Ok(Self {
            child,
            host: wire.host(),
            access,
            input: Some(input),
            output,
            rest: Vec::new(),
            taken: 0,
        })
    }
}

impl Stream for Pipes {
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        if self.taken == self.rest.len() {
            match self.output.recv_timeout(self.access.deadline.left()) {
                Ok(bytes) => (self.rest, self.taken) = (bytes, 0),
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
                Err(RecvTimeoutError::Timeout) => {
                    let _ = self.child.kill();
                    return Err(self.access.deadline.missed(&self.host).into());
                }
            }
        }
        let fresh = &self.rest[self.taken..];
        let count = fresh.len().min(buffer.len());
        buffer[..count].copy_from_slice(&fresh[..count]);
        self.taken += count;
        Ok(count)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        // A program that has ended is told by the end of its output, with its complaint.
        if let Some(input) = &self.input {
            let _ = input.send(bytes.to_vec());
        }
        Ok(())
    }
}

impl Drop for Pipes {
    fn drop(&mut self) {
        self.input = None;
        let patience = FAREWELL.min(self.access.deadline.left());
        while self.output.recv_timeout(patience).is_ok() {}
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn forward(mut from: impl Read, to: &SyncSender<Vec<u8>>) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(count) = from.read(&mut buffer) {
        if count == 0 || to.send(buffer[..count].to_vec()).is_err() {
            break;
        }
    }
}

fn listen(mut from: impl Read, complaint: &Mutex<Vec<u8>>) {
    let mut buffer = [0; 1024];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        let mut kept = complaint.lock().unwrap_or_else(PoisonError::into_inner);
        let room = MOST_SHOWN.saturating_sub(kept.len());
        kept.extend_from_slice(&buffer[..count.min(room)]);
    }
}

/// Says what ssh, or git on the far side, complained about.
fn judge(url: &GitUrl, text: &str) -> Failure {
    let lower = text.to_ascii_lowercase();
    let holds = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    let (kind, hint, passing) = if holds(&["host key verification failed"]) {
        (
            Kind::Denied,
            "add the host's key to known_hosts, for example with ssh-keyscan, after you have compared it",
            false,
        )
    } else if holds(&[
        "permission denied",
        "permission to",
        "access denied",
        "not allowed",
        "read-only",
        "read only",
    ]) {
        (
            Kind::Denied,
            "load a key with write access: a deploy key, or the key of a user, in ssh-agent",
            false,
        )
    } else if holds(&[
        "not found",
        "does not appear to be a git repository",
        "does not exist",
        "no such",
    ]) {
        (
            Kind::Denied,
            "check the address; a server also says so to a key without access",
            false,
        )
    } else if holds(&["dubious ownership"]) {
        (
            Kind::Denied,
            "run `git config --global --add safe.directory <the folder>`, as git itself asks",
            false,
        )
    } else if holds(&[
        "could not resolve",
        "connection refused",
        "timed out",
        "connection reset",
        "closed by remote",
        "connection closed",
        "broken pipe",
    ]) {
        (Kind::GaveUp, "check the address and the network; try again", true)
    } else {
        (Kind::GaveUp, "try `git ls-remote` with the same address", true)
    };
    let fault = Fault::new(
        kind,
        format!("`{url}` cannot be reached: {}", text.escape_debug()),
    )
    .hint(hint);
    Failure {
        fault,
        passing,
        wait: None,
    }
}
