//! Why there was no answer, put in words for the user.

use std::error::Error;
use std::io;

use rustls::CertificateError;

use crate::words::fault::{Fault, Kind};
use crate::world::clock::Deadline;

/// Why there was no answer, or not all of it.
#[derive(Clone, Debug)]
pub struct Lost {
    /// The failure as the user sees it.
    pub fault: Fault,
    /// Whether asking again may help.
    pub passing: bool,
    /// Whether the request may have reached the other side.
    pub sent: bool,
}

impl Lost {
    /// Makes one of a failure before anything was sent, that asking again does not mend.
    pub fn for_good(fault: Fault) -> Self {
        Self {
            fault,
            passing: false,
            sent: false,
        }
    }

    /// Makes one of an answer that is not to be used: what was asked for may have been done.
    pub fn unusable(fault: Fault) -> Self {
        Self {
            sent: true,
            ..Self::for_good(fault)
        }
    }

    /// Makes one of a deadline that has passed.
    pub fn too_late(host: &str, deadline: Deadline) -> Self {
        Self::unusable(deadline.missed(host))
    }

    /// Makes one of an answer in JSON that ends too early; `None` for one that is whole, or no JSON at all.
    pub fn cut(host: &str, status: u16, body: &[u8]) -> Option<Self> {
        let read = serde_json::from_slice::<serde::de::IgnoredAny>(body);
        let is_cut = !body.is_empty() && read.is_err_and(|error| error.is_eof());
        let message = || {
            let host = host.escape_debug();
            format!("the answer of `{host}` ends in the middle of its JSON (status {status})")
        };
        is_cut.then(|| Self {
            fault: Fault::new(Kind::GaveUp, message()).hint("try again; behind a proxy, look at its log"),
            passing: true,
            sent: true,
        })
    }

    /// Says what a failed request met; reqwest's own first line only says that it failed.
    ///
    /// `proxy` is who names the proxy that may have been on the way.
    pub(super) fn of(host: &str, proxy: Option<&str>, error: &reqwest::Error) -> Self {
        let host = host.escape_debug();
        if let Some(tls) = causes(error).find_map(of_tls) {
            return Self::for_good(untrusted(&host.to_string(), tls));
        }
        let causes: Vec<String> = causes(error).map(ToString::to_string).collect();
        let why = causes
            .last()
            .map_or("no reason given", String::as_str)
            .escape_debug();
        let all = causes.join(" ").to_ascii_lowercase();
        let through = proxy.map(|name| {
            format!("check the proxy that {name} names, or list the host in NO_PROXY if it needs none")
        });
        let direct = || "check the address, and HTTPS_PROXY if a proxy is needed here".to_owned();
        let (kind, message, hint) = if all.contains("tunnel error: proxy authorization") {
            let hint = "put the login into its address: http://user:password@host:port".to_owned();
            (
                Kind::Denied,
                format!("the proxy on the way to `{host}` wants a login"),
                hint,
            )
        } else if all.contains("tunnel error") {
            (
                Kind::GaveUp,
                format!("the proxy does not let us reach `{host}`: {why}"),
                through.unwrap_or_else(direct),
            )
        } else if all.contains("dns error") || all.contains("lookup address") {
            (
                Kind::GaveUp,
                format!("cannot find the host `{host}`: {why}"),
                through.unwrap_or_else(direct),
            )
        } else if error.is_connect() {
            (
                Kind::GaveUp,
                format!("cannot connect to `{host}`: {why}"),
                through.unwrap_or_else(direct),
            )
        } else {
            (
                Kind::GaveUp,
                format!("the connection to `{host}` broke: {why}"),
                "try again".to_owned(),
            )
        };
        Self {
            fault: Fault::new(kind, message).hint(hint),
            passing: kind == Kind::GaveUp,
            sent: !error.is_connect(),
        }
    }
}

fn causes<'a>(error: &'a reqwest::Error) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause| (*cause).source())
}

/// An I/O error hides the error that it was made of from the chain of causes.
fn of_tls<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    let within = |cause: &'a (dyn Error + 'static)| match cause.downcast_ref::<io::Error>() {
        Some(error) => error.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => None,
    };
    let nested = std::iter::successors(Some(cause), |cause| within(*cause));
    nested.take(8).find_map(<dyn Error>::downcast_ref)
}

/// Who cannot be told from a stranger gets nothing, now or later: the same kind as ssh's unknown host key.
fn untrusted(host: &str, error: &rustls::Error) -> Fault {
    let why = error.to_string();
    let why = why
        .trim_start_matches("invalid peer certificate: ")
        .escape_debug();
    let (message, hint) = match error {
        rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => (
            format!("the certificate of `{host}` comes from an authority that is not trusted here"),
            "name the file of that authority's PEM certificate in SSL_CERT_FILE or GIT_SSL_CAINFO, in git's \
             http.sslCAInfo, or, for the GitLab that runs the job, in CI_SERVER_TLS_CA_FILE",
        ),
        rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        ) => (
            format!("the certificate of `{host}` is for another name: {why}"),
            "use the name that the certificate is for, and check that a proxy does not answer instead",
        ),
        rustls::Error::InvalidCertificate(_) => (
            format!("the certificate of `{host}` is not valid: {why}"),
            "check this machine's clock, and the certificate with `openssl s_client`",
        ),
        _ => (
            format!("cannot speak TLS with `{host}`: {why}"),
            "check that the address and port are those of https",
        ),
    };
    Fault::new(Kind::Denied, message).hint(hint)
}
