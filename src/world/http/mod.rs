//! The one HTTP client. Git's web transport, the forges, registries and Argo CD all go through it.
//!
//! It follows no redirect by itself, so that no credential ever reaches another host; who needs one
//! followed asks [`Answer::redirect`].

mod lost;
mod proxies;
pub mod retry;
mod trust;

use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Client, Method, Url};
use tokio::runtime::Runtime;

pub use lost::Lost;
use proxies::Proxies;
use trust::Trust;

use super::clock::Deadline;
use super::env::Environment;
use super::git_config::GitConfig;
use crate::words::fault::{Fault, Kind};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Shorter than the idle limit of the common servers (Apache closes after 5 s), so that a request
/// seldom goes out on a connection that the other side has just closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(3);
/// How much of an error's body is kept to be shown.
const MOST_SHOWN: usize = 512;
/// How much of a body is read whole.
pub const MOST_READ: usize = 64 << 20;

/// The HTTP client and its small runtime; both start with the first request.
pub struct Http {
    trust: Trust,
    proxies: Proxies,
    live: OnceLock<Result<Live, Fault>>,
}

struct Live {
    /// Always there but in `drop`.
    runtime: Option<Runtime>,
    client: Client,
}

/// A request. Its body is sent with its length, never in chunks: strict proxies refuse those.
pub struct Request {
    /// The method.
    pub method: Method,
    /// Where it goes.
    pub url: Url,
    /// Its headers; the one that holds a secret is marked sensitive.
    pub headers: HeaderMap,
    /// The body; `None` sends none.
    pub body: Option<Vec<u8>>,
}

/// An answer whose body is still to be read.
pub struct Answer {
    http: Arc<Http>,
    response: reqwest::Response,
    deadline: Deadline,
    rest: Vec<u8>,
    taken: usize,
}

impl Live {
    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("only `drop` takes the runtime")
    }
}

impl Drop for Live {
    /// A look-up of a host's name cannot be broken off: nobody waits for one that outlives the deadline.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Http {
    /// Makes a client that has not started yet.
    ///
    /// Which authorities it trusts, and which proxies it goes through, is read from the environment and git's
    /// configuration, as git and curl would.
    pub fn new(environment: &Environment, config: &GitConfig) -> Arc<Self> {
        Arc::new(Self {
            trust: Trust::of(environment, config),
            proxies: Proxies::of(environment, config),
            live: OnceLock::new(),
        })
    }

    /// Returns the client underneath, for a library that brings its own requests; drive it by [`Http::wait`].
    ///
    /// # Errors
    /// `Invalid` for a certificate file or a proxy address that cannot be read.
    pub fn client(&self) -> Result<Client, Fault> {
        Ok(self.live()?.client.clone())
    }

    /// Waits for a future on the client's runtime; `None` if the deadline passes first.
    ///
    /// # Errors
    /// As [`Http::client`].
    pub fn wait<T>(&self, deadline: Deadline, future: impl Future<Output = T>) -> Result<Option<T>, Fault> {
        let live = self.live()?;
        Ok(live
            .runtime()
            .block_on(async { tokio::time::timeout(deadline.left(), future).await.ok() }))
    }

    /// Sends a request once and returns its answer, whatever its status.
    ///
    /// # Errors
    /// What was lost: no such host, no connection, no trust, no time.
    pub fn send(self: &Arc<Self>, request: Request, deadline: Deadline) -> Result<Answer, Lost> {
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let proxy = self.proxies.name(request.url.scheme());
        let mut builder = self
            .client()
            .map_err(Lost::for_good)?
            .request(request.method, request.url)
            .headers(request.headers);
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        match self.wait(deadline, builder.send()).map_err(Lost::for_good)? {
            Some(Ok(response)) => Ok(Answer {
                http: Arc::clone(self),
                response,
                deadline,
                rest: Vec::new(),
                taken: 0,
            }),
            Some(Err(error)) => Err(Lost::of(&host, proxy, &error)),
            None => Err(Lost::too_late(&host, deadline)),
        }
    }

    /// Puts into words what a request that a library sent by [`Http::client`] met.
    pub fn lost(&self, url: &Url, error: &reqwest::Error) -> Lost {
        Lost::of(
            url.host_str().unwrap_or_default(),
            self.proxies.name(url.scheme()),
            error,
        )
    }

    fn live(&self) -> Result<&Live, Fault> {
        self.live
            .get_or_init(|| self.start())
            .as_ref()
            .map_err(Clone::clone)
    }

    fn start(&self) -> Result<Live, Fault> {
        let internal = |e: &dyn std::fmt::Display| {
            Fault::new(Kind::Internal, format!("cannot start the HTTP client: {e}"))
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| internal(&e))?;
        let builder = Client::builder()
            .tls_backend_preconfigured(self.trust.config()?)
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .user_agent(concat!("gitops-steps/", env!("CARGO_PKG_VERSION")));
        let client = self.proxies.give_to(builder)?.build().map_err(|e| internal(&e))?;
        Ok(Live {
            runtime: Some(runtime),
            client,
        })
    }
}

impl Answer {
    /// Returns the status code.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Returns a header's value, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.headers().get(name)?.to_str().ok()
    }

    /// Returns the host that it comes from.
    pub fn host(&self) -> &str {
        self.response.url().host_str().unwrap_or_default()
    }

    /// Returns the headers.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// Reads the whole body, up to 64 MiB.
    ///
    /// # Errors
    /// What was lost on the way, and a body that is longer.
    pub fn whole(&mut self) -> Result<Vec<u8>, Lost> {
        self.up_to(MOST_READ)
    }

    /// Reads the whole body, up to so many bytes.
    ///
    /// # Errors
    /// As [`Answer::whole`].
    pub fn up_to(&mut self, most: usize) -> Result<Vec<u8>, Lost> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 16 * 1024];
        loop {
            let count = self.read(&mut buffer)?;
            if count == 0 {
                return Ok(bytes);
            }
            bytes.extend_from_slice(&buffer[..count]);
            if bytes.len() > most {
                return Err(Lost::unusable(too_long(self.host(), most)));
            }
        }
    }

    /// Returns how long the server asks us to wait, if it says so in seconds.
    pub fn retry_after(&self) -> Option<Duration> {
        let seconds = self.header(RETRY_AFTER.as_str())?.trim().parse().ok()?;
        Some(Duration::from_secs(seconds))
    }

    /// Returns where the answer sends us; `None` if it does not, and an error if that is another host.
    ///
    /// The same host means the same scheme and port too, except that http may become https.
    ///
    /// # Errors
    /// `Denied` for another host: what we would send there was not given for it.
    pub fn redirect(&self) -> Result<Option<Url>, Fault> {
        if !matches!(self.status(), 301 | 302 | 303 | 307 | 308) {
            return Ok(None);
        }
        let Some(location) = self.header(LOCATION.as_str()) else {
            return Ok(None);
        };
        let from = self.response.url();
        let to = from
            .join(location)
            .map_err(|_| Fault::new(Kind::Denied, "the server sent us to an address that is no URL"))?;
        let upgraded = (from.scheme(), to.scheme()) == ("http", "https");
        let same_way = (from.scheme(), from.port()) == (to.scheme(), to.port());
        if from.host() != to.host() || !(same_way || upgraded) {
            let host = to.host_str().unwrap_or_default();
            return Err(Fault::new(
                Kind::Denied,
                format!("the server sent us to another host, `{}`", host.escape_debug()),
            )
            .hint("if that is right, give that address as --config-repo"));
        }
        Ok(Some(to))
    }

    /// Reads the next bytes of the body; 0 at its end.
    ///
    /// # Errors
    /// What was lost on the way.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Lost> {
        while self.taken == self.rest.len() {
            let host = self.response.url().host_str().unwrap_or_default().to_owned();
            let http = Arc::clone(&self.http);
            let next = http
                .wait(self.deadline, self.response.chunk())
                .map_err(Lost::for_good)?;
            match next {
                Some(Ok(Some(chunk))) => (self.rest, self.taken) = (chunk.to_vec(), 0),
                Some(Ok(None)) => return Ok(0),
                Some(Err(error)) => return Err(Lost::of(&host, None, &error)),
                None => return Err(Lost::too_late(&host, self.deadline)),
            }
        }
        let fresh = &self.rest[self.taken..];
        let count = fresh.len().min(buffer.len());
        buffer[..count].copy_from_slice(&fresh[..count]);
        self.taken += count;
        Ok(count)
    }

    /// Reads the start of the body, escaped and on one line, to be shown beside a status.
    pub fn shown(&mut self) -> String {
        let mut bytes = vec![0; MOST_SHOWN];
        let mut filled = 0;
        while filled < MOST_SHOWN {
            match self.read(&mut bytes[filled..]) {
                Ok(count) if count > 0 => filled += count,
                _ => break,
            }
        }
        let text = String::from_utf8_lossy(&bytes[..filled]);
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        text.escape_debug().to_string()
    }
}

/// Says that a body is longer than it may be.
pub fn too_long(host: &str, most: usize) -> Fault {
    let host = host.escape_debug();
    Fault::new(
        Kind::Denied,
        format!("the answer from `{host}` is longer than {} MiB", most >> 20),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_waits_for_a_look_up_that_outlives_the_deadline() {
        let http = Http::new(&Environment::default(), &GitConfig::default());
        let (end, wait) = std::sync::mpsc::channel::<()>();
        let answer = http.wait(Deadline::after(Duration::from_millis(1)), async {
            // Ends when the test does; were it waited for, the test would never end.
            tokio::task::spawn_blocking(move || wait.recv()).await
        });
        assert!(answer.unwrap().is_none());
        drop(http);
        drop(end);
    }
}
