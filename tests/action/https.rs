//! Downloads over TLS from a mirror on this machine, by the true curl and wget.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::install::{TARGET, cached, installed_by, job, only_with};
use super::release::{Release, hash_of};
use super::runner::Job;
use crate::support::cli::text;
use crate::support::git_server::{Fault, GitServer, Handler, Options, Request, Response};
use crate::support::tls::Authority;

/// What the installer calls besides curl and wget.
const TOOLS: [&str; 20] = [
    "cat",
    "chmod",
    "cp",
    "cut",
    "dirname",
    "grep",
    "gzip",
    "ls",
    "mkdir",
    "mktemp",
    "mv",
    "rm",
    "sed",
    "sh",
    "sha256sum",
    "shasum",
    "sleep",
    "tar",
    "tr",
    "uname",
];

/// A mirror that serves a release, and a job that trusts it and has one tool to download with.
struct Mirror {
    server: GitServer,
    release: Release,
    job: Job,
}

impl Mirror {
    fn new(tool: &str) -> Self {
        let release = Release::new();
        let mut job = job(&release);
        let authority = Authority::new(&job.at("home"));
        let archive = release.archive(TARGET);
        let name = format!("/v9.9.9/{}", archive.file_name().unwrap().to_str().unwrap());
        let handler: Handler = Arc::new(move |request: &Request| {
            let found = request.target.ends_with(&name);
            Some(Response::Answer {
                status: if found { 200 } else { 404 },
                headers: Vec::new(),
                body: if found {
                    fs::read(&archive).unwrap()
                } else {
                    Vec::new()
                },
            })
        });
        let server = GitServer::start(Options {
            tls: Some(authority.server("127.0.0.1")),
            handler: Some(handler),
            ..Options::default()
        });
        job.set("GITOPS_STEPS_DOWNLOAD_BASE", &server.url("releases"));
        job.set("SSL_CERT_FILE", authority.file());
        only_with(&mut job, &[&TOOLS[..], &[tool]].concat());
        job.with_commands(&[("sleep", "")]);
        Self { server, release, job }
    }

    fn requests(&self) -> usize {
        self.server.counts().requests.load(Ordering::SeqCst)
    }
}

/// Those of curl and wget that this machine has.
fn tools() -> Vec<&'static str> {
    let path = std::env::var_os("PATH").unwrap();
    let is_here = |tool: &&str| std::env::split_paths(&path).any(|folder| folder.join(tool).is_file());
    let found: Vec<&str> = ["curl", "wget"].into_iter().filter(is_here).collect();
    assert!(!found.is_empty(), "neither curl nor wget is here to try");
    found
}

#[test]
fn a_mirror_is_downloaded_from_over_https() {
    for tool in tools() {
        let mirror = Mirror::new(tool);
        let done = installed_by(&["sh"], &mirror.job).exits(0);
        assert_eq!(hash_of(&done.binary), hash_of(&cached(&mirror.job)), "{tool}");
        assert_eq!(mirror.requests(), 1, "{tool}");
    }
}

#[test]
fn the_authority_of_a_mirror_may_be_named_as_for_git_or_curl() {
    for tool in tools() {
        for name in ["CURL_CA_BUNDLE", "GIT_SSL_CAINFO"] {
            let mut mirror = Mirror::new(tool);
            let authority = mirror.job.variables.remove("SSL_CERT_FILE").unwrap();
            mirror.job.set(name, &authority);
            installed_by(&["sh"], &mirror.job).exits(0);
        }
        // Git's is trusted beside that of the system.
        let mut mirror = Mirror::new(tool);
        let authority = mirror.job.variables["SSL_CERT_FILE"].clone();
        let folder = mirror.job.at("temp");
        mirror.job.set("GIT_SSL_CAINFO", Authority::new(&folder).file());
        installed_by(&["sh"], &mirror.job).exits(0);
        mirror.job.set("SSL_CERT_FILE", Authority::new(&folder).file());
        mirror.job.set("GIT_SSL_CAINFO", &authority);
        installed_by(&["sh"], &mirror.job).exits(0);
    }
}

#[test]
fn a_proxy_may_be_named_in_capitals() {
    for tool in tools() {
        let mut mirror = Mirror::new(tool);
        // Nothing listens there.
        mirror.job.set("HTTPS_PROXY", "http://127.0.0.1:1");
        installed_by(&["sh"], &mirror.job).exits(6);
        assert_eq!(mirror.requests(), 0, "{tool}");
        mirror.job.set("NO_PROXY", "127.0.0.1");
        installed_by(&["sh"], &mirror.job).exits(0);
    }
}

#[test]
fn a_download_that_breaks_is_tried_again() {
    for tool in tools() {
        let mirror = Mirror::new(tool);
        mirror.server.spoil("/v9.9.9/", Fault::Status(503));
        mirror.server.spoil("/v9.9.9/", Fault::CloseAfter(0));
        installed_by(&["sh"], &mirror.job).exits(0);
        assert_eq!(mirror.requests(), 3, "{tool}");
        let mirror = Mirror::new(tool);
        for status in [503, 429, 500] {
            mirror.server.spoil("/v9.9.9/", Fault::Status(status));
        }
        installed_by(&["sh"], &mirror.job).exits(6);
    }
}

#[test]
fn an_archive_that_the_mirror_does_not_have_is_told_as_its_no() {
    for tool in tools() {
        let mut mirror = Mirror::new(tool);
        let manifest = mirror.release.manifest().replace("9.9.9", "9.9.8");
        mirror.release.write_manifest(&manifest);
        installed_by(&["sh"], &mirror.job)
            .exits(5)
            .says("/releases/v9.9.8/");
        assert_eq!(mirror.requests(), 1, "{tool}: it was asked again");
        // Whoever is nobody's acquaintance is not spoken to.
        mirror.job.variables.remove("SSL_CERT_FILE");
        mirror.job.with_commands(&[("sleep", "touch slept")]);
        installed_by(&["sh"], &mirror.job)
            .exits(5)
            .says("cannot download");
        assert!(
            !mirror.job.at("work/slept").exists(),
            "{tool}: it was tried again"
        );
    }
}

#[test]
fn a_redirect_is_followed_to_https_and_by_curl_never_to_http() {
    for tool in tools() {
        let mirror = Mirror::new(tool);
        let elsewhere = mirror.server.url("elsewhere/v9.9.9/");
        let archive = mirror.release.archive(TARGET);
        let target = format!("{elsewhere}{}", archive.file_name().unwrap().to_str().unwrap());
        mirror.server.spoil("/releases/", Fault::Redirect(target.clone()));
        installed_by(&["sh"], &mirror.job).exits(0);
    }
    let mirror = Mirror::new("curl");
    let plain = GitServer::start(Options::default());
    for _ in 0..3 {
        mirror.server.spoil("/releases/", Fault::Redirect(plain.url("x")));
    }
    installed_by(&["sh"], &mirror.job).exits(6);
    assert_eq!(
        plain.counts().requests.load(Ordering::SeqCst),
        0,
        "{}",
        text(&mirror.job.at("home"))
    );
}
