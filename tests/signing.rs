//! Commits and tags are signed as git signs them, and git verifies them.
#![cfg(unix)]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::support::cli::{Bench, Run, text};
use crate::support::git_server::{bare_repo, git, git_says};

const FILES: &[(&str, &str)] = &[("dev.yaml", "tag: v1\n")];
const BOT: [&str; 2] = ["--author", "Deploy Bot <bot@example.com>"];

/// A bare repository, and a bench to push to it from.
struct Remote {
    bench: Bench,
    bare: PathBuf,
}

impl Remote {
    fn new() -> Self {
        let bench = Bench::new(&[]);
        let bare = bench.beside("deploy.git");
        bare_repo(&bare, FILES);
        Self { bench, bare }
    }

    fn push(&self, variables: &[(&str, &str)], tag: &str, flags: &[&str]) -> Run {
        let url = format!("file://{}", text(&self.bare));
        let set = format!("tag={tag}");
        let what = ["--config-repo", &url, "--file", "dev.yaml", "--set", &set];
        self.bench.bump_with(variables, &[&what, flags].concat())
    }

    fn tip(&self) -> String {
        git_says(&self.bare, &["rev-parse", "main"])
    }
}

/// A key ring of its own, with one key for signing.
struct KeyRing {
    folder: tempfile::TempDir,
    fingerprint: String,
}

impl KeyRing {
    /// `None` where this machine has no gpg, which is said.
    fn new() -> Option<Self> {
        if Command::new("gpg").arg("--version").output().is_err() {
            let name = std::thread::current().name().unwrap_or_default().to_owned();
            let note = format!("skipped, as there is no gpg: {name}\n");
            std::io::stderr().write_all(note.as_bytes()).unwrap();
            return None;
        }
        // Its sockets want a short path.
        let folder = tempfile::Builder::new().prefix("gs").tempdir_in("/tmp").unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let mut ring = Self {
            folder,
            fingerprint: String::new(),
        };
        let owner = "Deploy Bot <bot@example.com>";
        ring.gpg(&["--passphrase", "", "--quick-gen-key", owner, "ed25519", "sign"]);
        let listed = ring.gpg(&["--with-colons", "--list-secret-keys"]).stdout;
        let listed = String::from_utf8(listed).unwrap();
        let line = listed.lines().find(|line| line.starts_with("fpr:")).unwrap();
        line.split(':').nth(9).unwrap().clone_into(&mut ring.fingerprint);
        Some(ring)
    }

    fn home(&self) -> &str {
        text(self.folder.path())
    }

    fn gpg(&self, arguments: &[&str]) -> Output {
        let output = Command::new("gpg")
            .args(["--batch", "--quiet", "--homedir", self.home()])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        output
    }

    /// Returns the key by which git finds a commit or a tag signed.
    #[track_caller]
    fn verified(&self, remote: &std::path::Path, arguments: &[&str]) -> String {
        let seen = git(remote)
            .env("GNUPGHOME", self.home())
            .args(arguments)
            .output()
            .unwrap();
        assert!(seen.status.success(), "{seen:?}");
        let said = String::from_utf8(seen.stderr).unwrap();
        let line = said.lines().find(|line| line.contains(" VALIDSIG ")).unwrap();
        line.split(' ').nth(2).unwrap().to_owned()
    }
}

impl Drop for KeyRing {
    fn drop(&mut self) {
        let ended = Command::new("gpgconf")
            .args(["--homedir", self.home(), "--kill", "all"])
            .status();
        assert!(ended.is_ok_and(|status| status.success()), "the agent goes on");
    }
}

#[test]
fn a_commit_is_signed_with_an_openpgp_key_and_git_verifies_it() {
    let Some(ring) = KeyRing::new() else { return };
    let remote = Remote::new();
    let home = ("GNUPGHOME", ring.home());
    let openpgp = ["--sign", "openpgp"];
    let key = ring.fingerprint.as_str();
    let configured = [
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "user.signingKey"),
        ("GIT_CONFIG_VALUE_0", key),
    ];
    let by_key = ["--sign", "openpgp", "--signing-key", key];
    let by_mail = ["--sign", "openpgp", "--signing-key", "bot@example.com"];
    let by_author = [&openpgp[..], &BOT].concat();
    for (tag, variables, flags) in [
        ("v2", &[][..], &by_key[..]),
        ("v3", &[], &by_mail),
        ("v4", &[], &by_author),
        ("v5", &configured, &openpgp),
    ] {
        remote.push(&[&[home], variables].concat(), tag, flags).exits(0);
        assert_eq!(
            ring.verified(&remote.bare, &["verify-commit", "--raw", "main"]),
            key,
            "{tag}"
        );
    }
}

#[test]
fn a_tag_is_signed_with_an_openpgp_key_and_git_verifies_it() {
    let Some(ring) = KeyRing::new() else { return };
    let bench = Bench::cloned(&[("README.md", "shop\n")]);
    let told = bench
        .command()
        .envs([("GNUPGHOME", ring.home()), ("CI", "true")])
        .args(["release", "tag", "--version", "1.0.0", "--sign", "openpgp"])
        .args(["--signing-key", &ring.fingerprint])
        .output();
    let said = Run::from(told.unwrap()).exits(0);
    assert_eq!(said.stdout, "v1.0.0\n");
    assert_eq!(
        ring.verified(&bench.repo(), &["verify-tag", "--raw", "v1.0.0"]),
        ring.fingerprint
    );
}

#[test]
fn a_key_that_cannot_sign_is_told_with_what_to_do_and_nothing_is_pushed() {
    let Some(ring) = KeyRing::new() else { return };
    let remote = Remote::new();
    let tip = remote.tip();
    let there = ("GNUPGHOME", ring.home());
    let stray = remote.bench.beside("stray");
    let option = format!("--output={}", text(&stray));
    let option = format!("--signing-key={option}");
    for (flags, says) in [
        (
            &["--signing-key", "gone@example.com"][..],
            "cannot sign with the OpenPGP key `gone@example.com`",
        ),
        (&[], "`gitops-steps <gitops-steps@noreply.invalid>`"),
        (&[&option], "cannot sign with the OpenPGP key `--output="),
        (&["--signing-key", ""], "--signing-key is empty"),
        (&["--signing-key", "a\nb"], "control characters"),
    ] {
        remote
            .push(&[there], "v2", &[&["--sign", "openpgp"], flags].concat())
            .exits(2)
            .says(says);
    }
    remote
        .push(&[there], "v2", &["--sign", "openpgp"])
        .says("hint: import its secret key");
    assert_eq!(remote.tip(), tip);
    assert!(!stray.exists());
}

#[test]
fn the_program_that_git_is_told_to_sign_with_is_used_and_its_word_is_not_enough() {
    let remote = Remote::new();
    let script = |name: &str, body: &str| {
        let path = remote
            .bench
            .write_beside(name, &format!("#!/bin/sh\ncat >/dev/null\n{body}\n"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    };
    let signature =
        "printf -- '-----BEGIN PGP SIGNATURE-----\\r\\n\\r\\nabc\\r\\n-----END PGP SIGNATURE-----\\r\\n'";
    let good = script(
        "good",
        &format!("{signature}; echo '[GNUPG:] SIG_CREATED D 22 10 00 1 AB' >&2"),
    );
    let silent = script("silent", signature);
    let failing = script(
        "failing",
        "echo '[GNUPG:] FAILURE sign 17' >&2; echo 'no \u{1b}pinentry' >&2; exit 2",
    );
    let with = |program: &str, tag: &str, key: &str| {
        let config = [
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", key),
            ("GIT_CONFIG_VALUE_0", program),
        ];
        remote.push(&config, tag, &["--sign", "openpgp"])
    };
    let tip = remote.tip();
    with(&failing, "v2", "gpg.program")
        .exits(2)
        .says("no \\u{1b}pinentry\n");
    with(&silent, "v2", "gpg.program")
        .exits(2)
        .says("the program says nothing");
    with("no-such-gpg", "v2", "gpg.program")
        .exits(2)
        .says("install `no-such-gpg`");
    assert_eq!(remote.tip(), tip);
    with(&good, "v2", "gpg.openpgp.program").exits(0);
    let commit = git_says(&remote.bare, &["cat-file", "commit", "main"]);
    assert!(
        commit.contains("gpgsig -----BEGIN PGP SIGNATURE-----\n \n abc\n -----END PGP SIGNATURE-----\n\n"),
        "{commit}"
    );
}
