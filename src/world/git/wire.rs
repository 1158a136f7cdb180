//! The hook through which libgit2 reaches a remote: transports of our own instead of its sockets.
//!
//! libgit2 looks a transport up by the scheme of a URL and flattens every error to a line of text. So all our
//! remotes have one scheme, the wire that is meant stands ready in a thread-local (libgit2 works on the
//! thread that calls it), and a wire keeps its failure aside, whole.

use std::cell::RefCell;
use std::io;
use std::sync::{Arc, Mutex, Once, PoisonError};
use std::time::Duration;

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream, Transport};
use git2::{Remote, Repository};

use super::credentials::Access;
use super::http::HttpWire;
use super::pipe::PipeWire;
use crate::words::address::{GitUrl, Scheme};
use crate::words::fault::{Fault, Kind};
use crate::world::http::Lost;

const SCHEME: &str = "gitops-steps";

thread_local! {
    static READY: RefCell<Option<Arc<Wire>>> = const { RefCell::new(None) };
}

/// Why a transport failed.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// The failure as the user sees it.
    pub fault: Fault,
    /// Whether asking again may help.
    pub passing: bool,
    /// How long the server asks us to wait.
    pub wait: Option<Duration>,
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self {
            fault,
            passing: false,
            wait: None,
        }
    }
}

impl From<Lost> for Failure {
    fn from(lost: Lost) -> Self {
        Self {
            fault: lost.fault,
            passing: lost.passing,
            wait: None,
        }
    }
}

/// The line to one repository.
pub(super) struct Wire {
    line: Line,
    failure: Mutex<Option<Failure>>,
}

enum Line {
    Http(Box<HttpWire>),
    Pipe(Box<PipeWire>),
}

impl Wire {
    /// Makes the line to `url`; nothing is sent yet.
    pub(super) fn to(url: &GitUrl, access: &Access) -> Result<Arc<Self>, Fault> {
        let line = match url.scheme() {
            Scheme::Http | Scheme::Https => Line::Http(Box::new(HttpWire::to(url, access)?)),
            Scheme::Ssh | Scheme::File => Line::Pipe(Box::new(PipeWire::to(url, access))),
        };
        Ok(Arc::new(Self {
            line,
            failure: Mutex::new(None),
        }))
    }

    /// Does `work` with a libgit2 remote at the far end of this line.
    ///
    /// What the transport met comes before what libgit2 made of it.
    pub(super) fn with_remote<T>(
        self: &Arc<Self>,
        repo: &Repository,
        work: impl FnOnce(&mut Remote<'_>) -> Result<T, git2::Error>,
    ) -> Result<T, WireError> {
        register();
        self.keep(None);
        READY.with(|ready| *ready.borrow_mut() = Some(Arc::clone(self)));
        // A fresh remote for each attempt: a used one holds on to its broken connection.
        let result = repo
            .remote_anonymous(&format!("{SCHEME}://remote/"))
            .and_then(|mut remote| work(&mut remote));
        READY.with(|ready| *ready.borrow_mut() = None);
        result.map_err(|error| match (self.take_failure(), &self.line) {
            (Some(failure), _) => WireError::Transport(failure),
            (None, Line::Pipe(pipe)) => match pipe.complaint() {
                Some(failure) => WireError::Transport(failure),
                None => WireError::Protocol(error),
            },
            (None, Line::Http(_)) => WireError::Protocol(error),
        })
    }

    /// Returns the line itself where it is one over HTTP.
    pub(super) fn http(&self) -> Option<&HttpWire> {
        match &self.line {
            Line::Http(http) => Some(http),
            Line::Pipe(_) => None,
        }
    }

    fn open(&self, service: Service) -> Result<Box<dyn SmartSubtransportStream>, Failure> {
        match &self.line {
            Line::Http(http) => http.open(service),
            Line::Pipe(pipe) => pipe.open(service),
        }
    }

    fn keep(&self, failure: Option<Failure>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure;
    }

    fn take_failure(&self) -> Option<Failure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Why work with a remote failed.
pub(super) enum WireError {
    /// The transport's own failure.
    Transport(Failure),
    /// What libgit2 made of the remote's bytes.
    Protocol(git2::Error),
}

/// A stream of one of our lines; its failures are `Failure`s, kept aside for libgit2's caller.
pub(super) trait Stream: Send + 'static {
    /// Reads what comes from the remote; 0 at the end.
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure>;
    /// Writes to the remote.
    fn send(&mut self, bytes: &[u8]) -> Result<(), Failure>;
}

struct Kept<S> {
    wire: Arc<Wire>,
    stream: S,
}

impl<S: Stream> io::Read for Kept<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream
            .receive(buffer)
            .map_err(|failure| kept_aside(&self.wire, failure))
    }
}

impl<S: Stream> io::Write for Kept<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream
            .send(bytes)
            .map_err(|failure| kept_aside(&self.wire, failure))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The text is constant: git2 makes a C string of it, and panics on a NUL.
fn kept_aside(wire: &Wire, failure: Failure) -> io::Error {
    wire.keep(Some(failure));
    io::Error::other("the transport failed")
}

struct Subtransport(Arc<Wire>);

impl SmartSubtransport for Subtransport {
    fn action(&self, _url: &str, service: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        self.0.open(service).map_err(|failure| {
            self.0.keep(Some(failure));
            git2::Error::from_str("the transport failed")
        })
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

/// Wraps a line's stream for libgit2.
pub(super) fn boxed<S: Stream>(stream: S) -> Result<Box<dyn SmartSubtransportStream>, Failure> {
    let ready = READY.with(|ready| ready.borrow().clone());
    let wire = ready.ok_or_else(|| Fault::new(Kind::Internal, "no line is ready for libgit2"))?;
    Ok(Box::new(Kept { wire, stream }))
}

#[expect(
    unsafe_code,
    reason = "git2 leaves it to the caller that no transport is created meanwhile"
)]
fn register() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let factory = |remote: &Remote<'_>| {
            let wire = READY
                .with(|ready| ready.borrow().clone())
                .ok_or_else(|| git2::Error::from_str("no line is ready"))?;
            let stateless = matches!(wire.line, Line::Http(_));
            Transport::smart(remote, stateless, Subtransport(wire))
        };
        // SAFETY: every transport of this program is created by `with_remote`, behind this `Once`.
        let registered = unsafe { git2::transport::register(SCHEME, factory) };
        registered.expect("libgit2 takes a new scheme once");
    });
}
