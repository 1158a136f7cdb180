//! The one HTTP client. Git's web transport, the forges, registries and Argo CD all go through it.
//!
//! It follows no redirect by itself, so that no credential ever reaches another host; who needs one
//! followed asks [`Answer::redirect`].
#![expect(
    clippy::disallowed_methods,
    reason = "reads the files that hold certificate authorities"
)]

use std::error::Error as _;
use std::future::Future;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Client, Method, Url};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio::runtime::Runtime;

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

/// The HTTP client and its small runtime; both start with the first request.
pub struct Http {
    authorities: Vec<(&'static str, String)>,
    proxy: Option<String>,
    live: OnceLock<Result<Live, Fault>>,
}

struct Live {
    runtime: Runtime,
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

/// Why there was no answer, or not all of it.
#[derive(Clone, Debug)]
pub struct Lost {
    /// The failure as the user sees it.
    pub fault: Fault,
    /// Whether asking again may help.
    pub passing: bool,
}

impl Http {
    /// Makes a client that has not started yet.
    ///
    /// It trusts what the system trusts (`SSL_CERT_FILE`, `SSL_CERT_DIR`), and the authorities in
    /// `GIT_SSL_CAINFO` or git's `http.sslCAInfo`, and `CI_SERVER_TLS_CA_FILE`. Proxies: git's `http.proxy`,
    /// else the process's `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`; `NO_PROXY` holds for all of them.
    pub fn new(environment: &Environment, config: &GitConfig) -> Arc<Self> {
        let git = environment
            .get("GIT_SSL_CAINFO")
            .map(|file| ("GIT_SSL_CAINFO", file))
            .or_else(|| {
                config
                    .get("http.sslcainfo")
                    .map(|file| ("git's http.sslCAInfo", file))
            });
        let gitlab = environment
            .get("CI_SERVER_TLS_CA_FILE")
            .map(|file| ("CI_SERVER_TLS_CA_FILE", file));
        Arc::new(Self {
            authorities: git
                .into_iter()
                .chain(gitlab)
                .map(|(name, file)| (name, file.to_owned()))
                .collect(),
            proxy: config.get("http.proxy").map(str::to_owned),
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
            .runtime
            .block_on(async { tokio::time::timeout(deadline.left(), future).await.ok() }))
    }

    /// Sends a request once and returns its answer, whatever its status.
    ///
    /// # Errors
    /// What was lost: no such host, no connection, no trust, no time.
    pub fn send(self: &Arc<Self>, request: Request, deadline: Deadline) -> Result<Answer, Lost> {
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let fatal = |fault| Lost {
            fault,
            passing: false,
        };
        let mut builder = self
            .client()
            .map_err(fatal)?
            .request(request.method, request.url)
            .headers(request.headers);
        if let Some(body) = request.body {
            builder = builder.body(body);
        }
        match self.wait(deadline, builder.send()).map_err(fatal)? {
            Some(Ok(response)) => Ok(Answer {
                http: Arc::clone(self),
                response,
                deadline,
                rest: Vec::new(),
                taken: 0,
            }),
            Some(Err(error)) => Err(lost(&host, &error)),
            None => Err(too_late(&host, deadline)),
        }
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
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| internal(&e))?
            .with_root_certificates(self.roots()?)
            .with_no_client_auth();
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .user_agent(concat!("gitops-steps/", env!("CARGO_PKG_VERSION")));
        if let Some(proxy) = &self.proxy {
            // The address may hold a login, so it is not shown.
            let proxy = reqwest::Proxy::all(proxy)
                .map_err(|_| Fault::invalid("git's http.proxy is no address of a proxy"))?;
            builder = builder.proxy(proxy.no_proxy(reqwest::NoProxy::from_env()));
        }
        let client = builder.build().map_err(|e| internal(&e))?;
        Ok(Live { runtime, client })
    }

    fn roots(&self) -> Result<RootCertStore, Fault> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        if roots.is_empty() {
            // A bare container image has no store of its own.
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        for (name, file) in &self.authorities {
            let bad = |why: String| {
                Fault::invalid(format!(
                    "cannot use the certificates of {name} (`{}`): {why}",
                    file.escape_debug()
                ))
                .hint("give a file of PEM certificates")
            };
            let bytes = std::fs::read(file).map_err(|e| bad(e.to_string()))?;
            let certificates: Vec<_> = CertificateDer::pem_slice_iter(&bytes)
                .collect::<Result<_, _>>()
                .map_err(|_| bad("it is no PEM".to_owned()))?;
            if roots.add_parsable_certificates(certificates).0 == 0 {
                return Err(bad("it holds no certificate".to_owned()));
            }
        }
        Ok(roots)
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
                .map_err(|fault| Lost {
                    fault,
                    passing: false,
                })?;
            match next {
                Some(Ok(Some(chunk))) => (self.rest, self.taken) = (chunk.to_vec(), 0),
                Some(Ok(None)) => return Ok(0),
                Some(Err(error)) => return Err(lost(&host, &error)),
                None => return Err(too_late(&host, self.deadline)),
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

fn too_late(host: &str, deadline: Deadline) -> Lost {
    let seconds = deadline.limit().as_secs();
    let fault = Fault::new(
        Kind::GaveUp,
        format!(
            "no whole answer from `{}` within {seconds} s",
            host.escape_debug()
        ),
    );
    Lost {
        fault: fault.hint("give it more time with --timeout"),
        passing: false,
    }
}

/// Says what a failed request met; reqwest's own first line only says that it failed.
fn lost(host: &str, error: &reqwest::Error) -> Lost {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    let why = causes.last().map_or_else(
        || "no reason given".to_owned(),
        |why| why.escape_debug().to_string(),
    );
    let all = causes.join(" ").to_ascii_lowercase();
    let host = host.escape_debug();
    let (message, hint, passing) = if all.contains("certificate") {
        (
            format!("the certificate of `{host}` is not trusted: {why}"),
            "name the authority's PEM file in SSL_CERT_FILE or GIT_SSL_CAINFO",
            false,
        )
    } else if all.contains("dns error") || all.contains("lookup address") {
        (
            format!("cannot find the host `{host}`: {why}"),
            "check the address, and HTTPS_PROXY if a proxy is needed here",
            true,
        )
    } else if error.is_connect() {
        (
            format!("cannot connect to `{host}`: {why}"),
            "check the address, and HTTPS_PROXY if a proxy is needed here",
            true,
        )
    } else {
        (
            format!("the connection to `{host}` broke: {why}"),
            "try again",
            true,
        )
    };
    Lost {
        fault: Fault::new(Kind::GaveUp, message).hint(hint),
        passing,
    }
}
