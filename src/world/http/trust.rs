//! Which certificate authorities are trusted, and for which hosts.
#![expect(
    clippy::disallowed_methods,
    reason = "reads the files that hold certificate authorities"
)]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};

use crate::words::fault::{Fault, Kind};
use crate::words::wording::shown_path;
use crate::world::env::Environment;
use crate::world::git_config::GitConfig;

/// The authorities that the environment and git's configuration name; their files are read when TLS starts.
pub(super) struct Trust {
    /// What stands in the place of the system's store.
    instead: Option<Store>,
    added: Vec<Authority>,
}

/// The store that `SSL_CERT_FILE` and `SSL_CERT_DIR` name, as for OpenSSL.
struct Store {
    file: Option<String>,
    folders: Vec<PathBuf>,
}

/// A file of certificates that are trusted beside the store.
struct Authority {
    /// Who names it.
    name: &'static str,
    file: PathBuf,
    /// The one host that it vouches for; `None` means all.
    host: Option<String>,
}

impl Trust {
    /// Gathers what is named.
    ///
    /// The store is the system's, or that of `SSL_CERT_FILE` and `SSL_CERT_DIR`. Beside it, for all hosts:
    /// `GIT_SSL_CAINFO`, else git's `http.sslCAInfo`. For one host: git's `http.<url>.sslCAInfo`, and
    /// `CI_SERVER_TLS_CA_FILE` for `CI_SERVER_HOST` (GitLab, "Predefined CI/CD variables").
    pub(super) fn of(environment: &Environment, config: &GitConfig) -> Self {
        let file = environment.get("SSL_CERT_FILE").map(str::to_owned);
        let folders = environment.get("SSL_CERT_DIR").unwrap_or_default();
        let folders: Vec<_> = std::env::split_paths(folders)
            .filter(|folder| !folder.as_os_str().is_empty())
            .collect();
        let named = file.is_some() || !folders.is_empty();
        // Windows itself sets only the latter, and git takes it.
        let home = environment.get("HOME").or_else(|| environment.get("USERPROFILE"));
        let at_home = |file: &str| match (file.strip_prefix("~/"), home) {
            (Some(below), Some(home)) => Path::new(home).join(below),
            _ => PathBuf::from(file),
        };
        let everywhere = |name, file| Authority {
            name,
            file,
            host: None,
        };
        let of_git = match environment.get("GIT_SSL_CAINFO") {
            Some(file) => Some(everywhere("GIT_SSL_CAINFO", PathBuf::from(file))),
            None => config
                .get("http.sslcainfo")
                .map(|file| everywhere("git's http.sslCAInfo", at_home(file))),
        };
        let of_hosts = config.of_hosts("sslcainfo").map(|(host, file)| Authority {
            name: "git's http.<url>.sslCAInfo",
            file: at_home(file),
            host: Some(host),
        });
        let of_gitlab = environment
            .get("CI_SERVER_TLS_CA_FILE")
            .zip(environment.get("CI_SERVER_HOST"))
            .map(|(file, host)| Authority {
                name: "CI_SERVER_TLS_CA_FILE",
                file: PathBuf::from(file),
                host: Some(host.to_owned()),
            });
        Self {
            instead: named.then_some(Store { file, folders }),
            added: of_git.into_iter().chain(of_hosts).chain(of_gitlab).collect(),
        }
    }

    /// Reads the files and returns how TLS is to be spoken.
    ///
    /// # Errors
    /// `Invalid` for a file that cannot be read or holds no certificate.
    pub(super) fn config(&self) -> Result<ClientConfig, Fault> {
        let internal =
            |e: &dyn std::fmt::Display| Fault::new(Kind::Internal, format!("cannot start TLS: {e}"));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut everywhere = self.store()?;
        for authority in self.added.iter().filter(|authority| authority.host.is_none()) {
            authority.add_to(&mut everywhere)?;
        }
        let verifier = |roots: &RootCertStore| {
            let builder =
                WebPkiServerVerifier::builder_with_provider(Arc::new(roots.clone()), Arc::clone(&provider));
            builder.build().map_err(|e| internal(&e))
        };
        let mut hosts = Vec::new();
        for authority in &self.added {
            if let Some(host) = &authority.host {
                let mut roots = everywhere.clone();
                authority.add_to(&mut roots)?;
                hosts.push((host.clone(), verifier(&roots)?));
            }
        }
        let verifier = ByHost {
            everywhere: verifier(&everywhere)?,
            hosts,
        };
        Ok(ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| internal(&e))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth())
    }

    fn store(&self) -> Result<RootCertStore, Fault> {
        let mut roots = RootCertStore::empty();
        match &self.instead {
            Some(store) => {
                if let Some(file) = &store.file {
                    add(&mut roots, "SSL_CERT_FILE", Path::new(file))?;
                }
                for folder in &store.folders {
                    let found = rustls_native_certs::load_certs_from_paths(None, Some(folder));
                    roots.add_parsable_certificates(found.certs);
                }
            }
            None => {
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
            }
        }
        if roots.is_empty() {
            // A bare container image has no store of its own.
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        Ok(roots)
    }
}

impl Authority {
    fn add_to(&self, roots: &mut RootCertStore) -> Result<(), Fault> {
        add(roots, self.name, &self.file)
    }
}

fn add(roots: &mut RootCertStore, name: &str, file: &Path) -> Result<(), Fault> {
    let bad = |why: String| {
        Fault::invalid(format!(
            "cannot use the certificates of {name} (`{}`): {why}",
            shown_path(file)
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
    Ok(())
}

/// Judges certificates as webpki does, with the authorities that count for the host in question.
#[derive(Debug)]
struct ByHost {
    everywhere: Arc<WebPkiServerVerifier>,
    hosts: Vec<(String, Arc<WebPkiServerVerifier>)>,
}

impl ServerCertVerifier for ByHost {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        server: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verify =
            |with: &WebPkiServerVerifier| with.verify_server_cert(certificate, between, server, ocsp, now);
        let name = server.to_str();
        let own = self
            .hosts
            .iter()
            .filter(|(host, _)| host.eq_ignore_ascii_case(&name));
        // Whoever vouches for it: the authorities of this host, or those of all.
        own.fold(verify(&self.everywhere), |found, (_, with)| {
            found.or_else(|_| verify(with))
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.everywhere
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.everywhere
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.everywhere.supported_verify_schemes()
    }
}
