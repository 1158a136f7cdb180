//! The way to a config repo through the binary: trust, proxies, deadlines, redirects, and what `--verbose` tells.
#![cfg(unix)]

use std::io::Write as _;
use std::time::Duration;

use crate::support::cli::{Bench, Run, text};
use crate::support::git_server::{Fault, GitServer, Options, Right, Speaks, bare_repo, git_says};
use crate::support::proxy::Proxy;
use crate::support::tls::Authority;
use predicates::prelude::*;
use predicates::str::contains;

const FILES: &[(&str, &str)] = &[("app/dev.yaml", "tag: v1\n")];
const CHANGE: [&str; 4] = ["--file", "app/dev.yaml", "--set", "tag=v2"];
const LOGIN: [(&str, Right); 1] = [("oauth2:writer-s3cret", Right::Write)];
const TOKEN: (&str, &str) = ("GITOPS_STEPS_TOKEN", "writer-s3cret");

/// Bumps the one file of a repository; whatever hangs is ended, and fails, long after any deadline.
fn bump(bench: &Bench, url: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    let mut command = bench.command();
    command
        .args(["bump-values", "--config-repo", url])
        .args(CHANGE)
        .args(arguments)
        .envs(variables.iter().copied())
        .timeout(Duration::from_secs(60));
    Run::from(command.output().unwrap())
}

fn tls_server(authority: &Authority) -> GitServer {
    let server = GitServer::start(Options {
        tls: Some(authority.server("127.0.0.1")),
        ..Options::default()
    });
    server.repo("config.git", FILES);
    server
}

fn pushed(server: &GitServer) -> bool {
    git_says(&server.path("config.git"), &["show", "main:app/dev.yaml"]) == "tag: v2"
}

#[test]
fn a_private_authority_is_trusted_where_it_is_named() {
    let bench = Bench::new(&[]);
    let authority = Authority::new(bench.beside("").as_path());
    let file = authority.file();
    for (home, section) in [
        ("everywhere", format!("[http]\nsslCAInfo = {file}\n")),
        (
            "by-url",
            "[http \"https://127.0.0.1\"]\nsslCAInfo = ~/../ca.pem\n".to_owned(),
        ),
    ] {
        bench.write(&format!("../{home}/.gitconfig"), &section);
    }
    let (everywhere, by_url) = (bench.beside("everywhere"), bench.beside("by-url"));
    for variables in [
        &[("SSL_CERT_FILE", file)][..],
        &[("GIT_SSL_CAINFO", file)],
        &[("HOME", text(&everywhere))],
        &[("HOME", text(&by_url))],
        &[("CI_SERVER_TLS_CA_FILE", file), ("CI_SERVER_HOST", "127.0.0.1")],
    ] {
        let server = tls_server(&authority);
        let run = bump(&bench, &server.url("config.git"), variables, &[]);
        assert_eq!(run.code, 0, "{variables:?}: {}", run.stderr);
        assert!(pushed(&server), "{variables:?}");
    }
}

#[test]
fn an_unknown_authority_is_named_with_the_ways_to_trust_it_and_not_asked_again() {
    let bench = Bench::new(&[]);
    let authority = Authority::new(bench.beside("").as_path());
    let server = tls_server(&authority);
    for variables in [
        &[][..],
        // GitLab's authority vouches for GitLab alone.
        &[
            ("CI_SERVER_TLS_CA_FILE", authority.file()),
            ("CI_SERVER_HOST", "gitlab.example"),
        ],
    ] {
        let run = bump(&bench, &server.url("config.git"), variables, &["--verbose"]).exits(5);
        let told =
            contains("the certificate of `127.0.0.1` comes from an authority that is not trusted here")
                .and(contains("SSL_CERT_FILE"))
                .and(contains("GIT_SSL_CAINFO"))
                .and(contains("http.sslCAInfo"))
                .and(contains("CI_SERVER_TLS_CA_FILE"))
                .and(contains("tried again").not());
        assert!(told.eval(&run.stderr), "{}", run.stderr);
    }
    assert!(!pushed(&server));
}

#[test]
fn a_certificate_for_another_name_and_a_port_without_tls_are_told_apart() {
    let bench = Bench::new(&[]);
    let authority = Authority::new(bench.beside("").as_path());
    let trust = [("SSL_CERT_FILE", authority.file())];
    let server = tls_server(&authority);
    bump(&bench, &server.url_as("localhost", "config.git"), &trust, &[])
        .exits(5)
        .says("the certificate of `localhost` is for another name");
    let plain = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = plain.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut client in plain.incoming().flatten() {
            let _ = client.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    bump(
        &bench,
        &format!("https://127.0.0.1:{port}/config.git"),
        &trust,
        &[],
    )
    .exits(5)
    .says("cannot speak TLS with `127.0.0.1`")
    .says("address and port are those of https");
    bump(
        &bench,
        &server.url("config.git"),
        &[("GIT_SSL_CAINFO", "/nowhere.pem")],
        &[],
    )
    .exits(2)
    .says("cannot use the certificates of GIT_SSL_CAINFO (`/nowhere.pem`)");
}

#[test]
fn a_proxy_is_gone_through_where_it_is_named_and_left_out_where_it_is_excepted() {
    let bench = Bench::new(&[]);
    let authority = Authority::new(bench.beside("").as_path());
    let proxy = Proxy::start(200);
    let url = proxy.url();
    let with_login = url.replace("http://", "http://me:s3cret@");
    for (variables, tunnels) in [
        (&[("HTTPS_PROXY", url.as_str())][..], 1),
        (&[("https_proxy", url.as_str()), ("HTTPS_PROXY", "")], 1),
        (&[("HTTPS_PROXY", with_login.as_str())], 1),
        (&[("ALL_PROXY", url.as_str())], 1),
        (&[("HTTP_PROXY", url.as_str())], 0),
        (&[("HTTPS_PROXY", url.as_str()), ("NO_PROXY", "127.0.0.1")], 0),
        (
            &[
                ("HTTPS_PROXY", url.as_str()),
                ("no_proxy", ""),
                ("NO_PROXY", "example.com"),
            ],
            1,
        ),
    ] {
        let server = tls_server(&authority);
        let before = proxy.asked().len();
        let trust = ("SSL_CERT_FILE", authority.file());
        let variables: Vec<_> = variables.iter().copied().chain([trust, TOKEN]).collect();
        let run = bump(&bench, &server.url("config.git"), &variables, &["--verbose"]).exits(0);
        assert!(pushed(&server), "{variables:?}");
        let asked = proxy.asked().split_off(before);
        assert_eq!(asked.len(), tunnels, "{variables:?}: {asked:?}");
        let logins = asked.iter().filter(|head| head.contains("roxy-")).count();
        assert_eq!(
            logins,
            asked.len() * usize::from(variables[0].1.contains('@')),
            "{asked:?}"
        );
        assert!(!run.stderr.contains("s3cret"), "{}", run.stderr);
        assert!(
            !asked.concat().contains("b2F1dGgyOndyaXRlcg"),
            "the proxy never sees the token"
        );
    }
}

#[test]
fn a_proxy_that_refuses_is_told_with_who_named_it() {
    let bench = Bench::new(&[]);
    let (closed, locked) = (Proxy::start(403), Proxy::start(407));
    for (name, proxy, code, words) in [
        (
            "HTTPS_PROXY",
            closed.url(),
            6,
            "the proxy does not let us reach `config.invalid`",
        ),
        (
            "HTTPS_PROXY",
            locked.url(),
            5,
            "the proxy on the way to `config.invalid` wants a login",
        ),
        (
            "https_proxy",
            "http://127.0.0.1:1".to_owned(),
            6,
            "check the proxy that https_proxy names",
        ),
        (
            "ALL_PROXY",
            "ftp://127.0.0.1:1".to_owned(),
            2,
            "ALL_PROXY is no address of a proxy",
        ),
    ] {
        bump(&bench, "https://config.invalid/x.git", &[(name, &proxy)], &[])
            .exits(code)
            .says(words);
    }
}

#[test]
fn a_server_that_never_answers_is_given_up_with_its_name() {
    let bench = Bench::new(&[]);
    for (speaks, part, fault) in [
        (Speaks::Filters, "git-upload-pack", Fault::StallAfter(0)),
        (Speaks::Version2, "git-upload-pack", Fault::StallAfter(0)),
        (Speaks::Version2, "info/refs", Fault::StallAfter(100)),
        (Speaks::Filters, "/git-upload-pack", Fault::StallAfter(200)),
        (Speaks::Version0, "/git-upload-pack", Fault::StallAfter(200)),
        (Speaks::Filters, "/git-receive-pack", Fault::StallAfter(0)),
        (Speaks::Version0, "/git-receive-pack", Fault::StallAfter(0)),
        (Speaks::Filters, "/git-receive-pack", Fault::StallAfter(60)),
        (Speaks::Version0, "/git-receive-pack", Fault::StallAfter(60)),
    ] {
        let server = GitServer::start(Options {
            speaks,
            ..Options::default()
        });
        server.repo("config.git", FILES);
        server.spoil(part, fault);
        let run = bump(&bench, &server.url("config.git"), &[], &["--timeout", "1s"]).exits(6);
        let told = contains("no whole answer from `127.0.0.1` within 1s").and(contains("--timeout"));
        assert!(told.eval(&run.stderr), "{speaks:?} {part}: {}", run.stderr);
    }
}

#[test]
fn an_ssh_that_hangs_is_ended() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new(&[]);
    let bare = bench.beside("config.git");
    bare_repo(&bare, FILES);
    for (variable, name, hangs) in [
        ("GIT_SSH", "silent", "*"),
        ("GIT_SSH", "push", "*receive-pack*"),
        ("GIT_SSH_COMMAND", "by-shell", "*"),
    ] {
        let pid = bench.beside(&format!("{name}.pid"));
        let ssh = bench.beside(name);
        let script = format!(
            "#!/bin/sh\nfor last; do :; done\ncase \"$last\" in {hangs}) echo $$ > '{}'; exec sleep 600;; esac\neval exec \"$last\"\n",
            pid.display()
        );
        std::fs::write(&ssh, script).unwrap();
        std::fs::set_permissions(&ssh, std::fs::Permissions::from_mode(0o755)).unwrap();
        let url = format!("ssh://git@host.example{}", bare.display());
        bump(&bench, &url, &[(variable, text(&ssh))], &["--timeout", "1s"])
            .exits(6)
            .says("no whole answer from `host.example` within 1s");
        let pid = std::fs::read_to_string(pid).unwrap();
        // Signal 0 asks whether the process is still there.
        let asked = std::process::Command::new("kill")
            .args(["-0", pid.trim()])
            .output();
        assert!(!asked.unwrap().status.success(), "{variable} {name} still runs");
    }
}

#[test]
fn verbose_names_the_source_of_the_token_and_each_attempt() {
    let bench = Bench::new(&[]);
    let server = GitServer::start(Options {
        users: vec![("x-access-token:writer-s3cret", Right::Write)],
        ..Options::default()
    });
    server.repo("config.git", FILES);
    server.spoil("git-upload-pack", Fault::Status(502));
    server.spoil("/git-receive-pack", Fault::Status(503));
    let variables = [
        ("GITHUB_TOKEN", "wrong-s3cret"),
        ("GITHUB_SERVER_URL", &server.url("")),
        TOKEN,
    ];
    let url = server.url("config.git");
    let run = bump(&bench, &url, &variables, &["--verbose"]).exits(0);
    for words in [
        "git-upload-pack: `http://127.0.0.1",
        "says 502 with the token of GITOPS_STEPS_TOKEN",
        "fetch 1 failed and is tried again",
        "answers with the token of GITOPS_STEPS_TOKEN",
        "attempt 1 did not land",
        "attempt 2 on",
    ] {
        assert!(run.stderr.contains(words), "`{words}` is not in:\n{}", run.stderr);
    }
    assert!(
        !run.stderr.contains("s3cret") && !run.stderr.contains("wrong-s3cret"),
        "{}",
        run.stderr
    );
    let quiet = bump(&bench, &url, &variables, &[]).exits(0);
    assert!(!quiet.stderr.contains("GITOPS_STEPS_TOKEN"), "{}", quiet.stderr);
}

#[test]
fn a_redirect_is_followed_on_the_same_host_and_never_to_another() {
    let bench = Bench::new(&[]);
    let server = GitServer::start(Options {
        users: LOGIN.to_vec(),
        ..Options::default()
    });
    server.repo("config.git", FILES);
    let other = GitServer::start(Options::default());
    other.repo("config.git", FILES);
    for (part, path) in [
        ("git-upload-pack", "config.git/info/refs?service=git-upload-pack"),
        ("/git-upload-pack", "config.git/git-upload-pack"),
        ("/git-receive-pack", "config.git/git-receive-pack"),
    ] {
        for host in ["localhost", "127.0.0.1"] {
            server.spoil(part, Fault::Redirect(other.url_as(host, path)));
            let run = bump(&bench, &server.url("config.git"), &[TOKEN], &[]).exits(5);
            assert!(!run.stderr.contains("s3cret"), "{}", run.stderr);
        }
    }
    assert_eq!(other.authorizations(), [""; 0]);
    assert_eq!(
        other.counts().requests.load(std::sync::atomic::Ordering::SeqCst),
        0
    );
    for moved in ["git-upload-pack", "info/refs?service=git-upload-pack"] {
        server.spoil("old.git", Fault::Redirect(format!("/config.git/{moved}")));
    }
    bump(&bench, &server.url("old.git"), &[TOKEN], &[]).exits(0);
    assert!(pushed(&server));
}
