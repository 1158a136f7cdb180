//! Config repos reached by git: over HTTP from a real server, over file:// and over ssh.
#![cfg(unix)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::support::git_server::{self, GitServer, Options, Right, Speaks, bare_repo, commit_to, git_says};
use gitops_steps::plan::commit::{Fate, FileChange, Identity, NewCommit, Signing};
use gitops_steps::plan::snapshot::Snapshot;
use gitops_steps::words::address::GitUrl;
use gitops_steps::words::fault::{Fault, Kind};
use gitops_steps::words::repo_path::RepoPath;
use gitops_steps::words::token::{Token, TokenSource};
use gitops_steps::world::clock::Deadline;
use gitops_steps::world::config_repo::{ConfigRepo, Outcome};
use gitops_steps::world::env::Environment;
use gitops_steps::world::git::{Access, GitRepo};
use gitops_steps::world::git_config::GitConfig;
use gitops_steps::world::http::Http;
use gitops_steps::world::progress::Silent;

const FILES: &[(&str, &str)] = &[
    ("app/dev.yaml", "tag: v1\n"),
    ("app/run.sh*", "tag: v1\n"),
    ("link.yaml -> app/dev.yaml", ""),
    ("other/keep.yaml", "x: 1\n"),
];
const USERS: [(&str, Right); 2] = [
    ("oauth2:writer-s3cret", Right::Write),
    ("oauth2:reader", Right::Read),
];

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

fn environment(pairs: &[(&str, &str)]) -> Environment {
    let path = std::env::var("PATH").unwrap();
    let quiet = [
        ("PATH", path.as_str()),
        ("HOME", "/nonexistent"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
    ];
    Environment::from_pairs(quiet.into_iter().chain(pairs.iter().copied()))
}

fn access(environment: Environment, config: GitConfig, token: Option<&str>) -> Access {
    Access {
        http: Http::new(&environment, &config),
        environment,
        config,
        directory: None,
        token: token.map(|token| {
            (
                Token::parse(token).unwrap(),
                TokenSource::Variable("GITOPS_STEPS_TOKEN"),
            )
        }),
        login: None,
        deadline: Deadline::after(Duration::from_secs(60)),
        progress: Arc::new(Silent),
    }
}

fn plain(token: Option<&str>) -> Access {
    access(environment(&[]), GitConfig::default(), token)
}

fn open(url: &str, access: Access) -> GitRepo {
    GitRepo::open(&GitUrl::parse(url).unwrap().unwrap(), None, None, access).unwrap()
}

fn bump(files: &[(&str, &str, &str)]) -> NewCommit {
    let changes = files.iter().map(|(file, old, new)| FileChange {
        path: path(file),
        fate: Fate::Changed {
            old: old.as_bytes().to_vec(),
            new: new.as_bytes().to_vec(),
        },
    });
    NewCommit {
        message: "deploy(dev): app v1 → v2".into(),
        author: None,
        signing: None,
        changes: changes.collect(),
    }
}

fn dev() -> NewCommit {
    bump(&[("app/dev.yaml", "tag: v1\n", "tag: v2\n")])
}

/// Takes a snapshot and pushes a commit onto it.
fn push(repo: &mut GitRepo, commit: &NewCommit) -> anyhow::Result<Outcome> {
    let tip = repo.snapshot()?.commit().map(str::to_owned);
    repo.commit(tip.as_deref(), commit)
}

fn landed(outcome: Outcome) -> String {
    match outcome {
        Outcome::Landed {
            commit: Some(commit), ..
        } => commit,
        other => panic!("{other:?}"),
    }
}

fn fault(error: &anyhow::Error) -> &Fault {
    error.downcast_ref().unwrap()
}

/// A config repo behind a git server.
struct Served {
    server: GitServer,
    bare: PathBuf,
    url: String,
}

impl Served {
    /// One for each way in which a server speaks.
    fn each(users: &[(&'static str, Right)]) -> impl Iterator<Item = Self> {
        Speaks::ALL.into_iter().map(|speaks| {
            let server = GitServer::start(Options {
                speaks,
                users: users.to_vec(),
                ..Options::default()
            });
            let bare = server.repo("config.git", FILES);
            let url = server.url("config.git");
            Self { server, bare, url }
        })
    }
}

#[test]
fn a_bump_over_http_changes_its_file_only_and_keeps_modes_and_links() {
    for config in Served::each(&USERS) {
        let mut repo = open(&config.url, plain(Some("writer-s3cret")));
        {
            let snapshot = repo.snapshot().unwrap();
            let read = snapshot.read(&[path("link.yaml"), path("gone.yaml")]).unwrap();
            assert_eq!(read[0].as_ref().unwrap().path, path("app/dev.yaml"));
            assert!(read[1].is_none());
            assert_eq!(snapshot.list().unwrap().len(), 4);
        }
        assert_eq!(repo.branch(), Some("main"));
        let before = git_says(&config.bare, &["rev-parse", "main"]);
        let commit = bump(&[
            ("app/dev.yaml", "tag: v1\n", "tag: v2\n"),
            ("app/run.sh", "tag: v1\n", "tag: v2\n"),
        ]);
        let made = landed(push(&mut repo, &commit).unwrap());
        assert_eq!(
            git_says(&config.bare, &["rev-parse", "main", "main^"]),
            format!("{made}\n{before}")
        );
        assert_eq!(
            git_says(&config.bare, &["diff", "--name-only", "main^", "main"]),
            "app/dev.yaml\napp/run.sh"
        );
        let tree = git_says(
            &config.bare,
            &["ls-tree", "-r", "--format=%(objectmode) %(path)", "main"],
        );
        assert_eq!(
            tree,
            "100644 app/dev.yaml\n100755 app/run.sh\n120000 link.yaml\n100644 other/keep.yaml"
        );
        assert_eq!(
            git_says(&config.bare, &["log", "-1", "--format=%s", "main"]),
            "deploy(dev): app v1 → v2"
        );
        git_says(&config.bare, &["fsck", "--strict"]);
        assert_eq!(
            config.server.counts().chunked.load(Ordering::SeqCst),
            0,
            "a strict proxy refuses chunks"
        );
    }
}

#[test]
fn a_moved_branch_is_told_and_the_second_try_lands_on_the_new_tip() {
    for config in Served::each(&[]) {
        let mut repo = open(&config.url, plain(None));
        for round in 0..3 {
            let tip = repo.snapshot().unwrap().commit().map(str::to_owned);
            let theirs = commit_to(
                &config.bare,
                "theirs",
                &[("other/keep.yaml", &format!("x: {round}9\n"))],
            );
            let old = format!("tag: v{}\n", round + 1);
            let new = format!("tag: v{}\n", round + 2);
            let commit = bump(&[("app/dev.yaml", &old, &new)]);
            let outcome = repo.commit(tip.as_deref(), &commit).unwrap();
            assert!(matches!(outcome, Outcome::Moved { .. }), "{outcome:?}");
            assert_eq!(git_says(&config.bare, &["rev-parse", "main"]), theirs);
            let made = landed(push(&mut repo, &commit).unwrap());
            assert_eq!(
                git_says(&config.bare, &["rev-parse", "main", "main^"]),
                format!("{made}\n{theirs}")
            );
        }
        assert_eq!(git_says(&config.bare, &["show", "main:other/keep.yaml"]), "x: 29");
        git_says(&config.bare, &["fsck", "--strict"]);
    }
}

#[test]
fn each_refusal_has_its_kind_and_its_hint() {
    for config in Served::each(&USERS) {
        let url = &config.url;
        for (url, token, kind, hint) in [
            (url.as_str(), Some("s3cret"), Kind::Denied, "wrong"),
            (url.as_str(), None, Kind::Denied, "set GITOPS_STEPS_TOKEN"),
            (
                &config.server.url("gone.git"),
                Some("writer-s3cret"),
                Kind::Denied,
                "check the address",
            ),
            ("http://127.0.0.1:1/x", None, Kind::GaveUp, "check the address"),
            (
                "http://nowhere.invalid/x",
                None,
                Kind::GaveUp,
                "check the address",
            ),
        ] {
            let error = open(url, plain(token)).snapshot().err().unwrap();
            let fault = fault(&error);
            assert_eq!(fault.kind, kind, "{fault:?}");
            assert!(fault.hint.as_deref().unwrap().contains(hint), "{fault:?}");
            assert!(!format!("{error:?} {fault:?}").contains("s3cret"), "{fault:?}");
        }
        let Outcome::Refused(fault) = push(&mut open(url, plain(Some("reader"))), &dev()).unwrap() else {
            panic!()
        };
        assert_eq!(fault.kind, Kind::Denied);
        assert!(
            fault.message.contains("Permission to acme/config.git denied"),
            "{fault:?}"
        );
    }
}

#[test]
fn a_missing_branch_names_those_that_are_there() {
    for config in Served::each(&[]) {
        let url = GitUrl::parse(&config.url).unwrap().unwrap();
        let mut repo = GitRepo::open(&url, Some("mian"), None, plain(None)).unwrap();
        let error = repo.snapshot().err().unwrap();
        assert_eq!(fault(&error).kind, Kind::NotFound);
        assert_eq!(fault(&error).hint.as_deref(), Some("it has: main"));
    }
}

#[test]
fn a_protected_branch_is_refused_with_the_remotes_words() {
    for config in Served::each(&[]) {
        let before = git_says(&config.bare, &["rev-parse", "main"]);
        config.server.hook(
            "config.git",
            "echo 'error: GH006: Protected branch update failed' >&2; exit 1",
        );
        let Outcome::Refused(fault) = push(&mut open(&config.url, plain(None)), &dev()).unwrap() else {
            panic!()
        };
        assert_eq!(fault.kind, Kind::Refused);
        assert!(fault.message.contains("GH006"), "{fault:?}");
        assert!(fault.hint.unwrap().contains("--publish pull-request"));
        assert_eq!(git_says(&config.bare, &["rev-parse", "main"]), before);
    }
}

#[test]
fn an_ailing_server_is_asked_again_and_a_lost_answer_is_never_called_a_failure() {
    for config in Served::each(&[]) {
        let mut repo = open(&config.url, plain(None));
        config
            .server
            .spoil("git-upload-pack", git_server::Fault::Status(502));
        config
            .server
            .spoil("/git-upload-pack", git_server::Fault::CloseAfter(300));
        let tip = repo.snapshot().unwrap().commit().map(str::to_owned);
        config
            .server
            .spoil("/git-receive-pack", git_server::Fault::CloseAfter(0));
        let outcome = repo.commit(tip.as_deref(), &dev()).unwrap();
        let Outcome::Unknown { commit, .. } = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(
            repo.snapshot().unwrap().commit(),
            commit.as_deref(),
            "it had landed"
        );
        assert_eq!(git_says(&config.bare, &["rev-parse", "main"]), commit.unwrap());
    }
}

#[test]
fn a_token_is_never_carried_to_another_host() {
    for config in Served::each(&USERS) {
        let mut repo = open(&config.server.url("old.git"), plain(Some("writer-s3cret")));
        config.server.spoil(
            "old.git",
            git_server::Fault::Redirect("http://localhost:1/x/info/refs?service=git-upload-pack".to_owned()),
        );
        let error = repo.snapshot().err().unwrap();
        assert!(
            fault(&error).message.contains("another host, `localhost`"),
            "{error:?}"
        );
        config.server.spoil(
            "old.git",
            git_server::Fault::Redirect("/config.git/info/refs?service=git-upload-pack".to_owned()),
        );
        landed(push(&mut repo, &dev()).unwrap());
    }
}

#[test]
fn the_header_of_actions_checkout_is_used() {
    for config in Served::each(&USERS) {
        let home = tempfile::tempdir().unwrap();
        git_says(home.path(), &["init", "-q"]);
        let host = config.server.url("");
        // The newer form: a file of its own, included for this repository.
        let extra = home.path().join("credentials.config");
        let header = "AUTHORIZATION: basic b2F1dGgyOndyaXRlci1zM2NyZXQ=";
        git_says(
            home.path(),
            &[
                "config",
                "-f",
                extra.to_str().unwrap(),
                &format!("http.{host}.extraheader"),
                header,
            ],
        );
        let gitdir = home.path().join(".git").canonicalize().unwrap();
        git_says(
            home.path(),
            &[
                "config",
                &format!("includeIf.gitdir:{}.path", gitdir.display()),
                extra.to_str().unwrap(),
            ],
        );
        let of_checkout = GitConfig::of_directory(home.path()).unwrap();
        landed(
            push(
                &mut open(&config.url, access(environment(&[]), of_checkout, None)),
                &dev(),
            )
            .unwrap(),
        );
    }
}

#[test]
fn a_credential_helper_is_asked_and_told() {
    for config in Served::each(&USERS) {
        let home = tempfile::tempdir().unwrap();
        let log = home.path().join("log");
        git_says(home.path(), &["init", "-q"]);
        let helper = format!(
            "!f() {{ echo \"$1\" >> '{}'; if test \"$1\" = get; then echo username=oauth2; echo password=writer-s3cret; fi; }}; f",
            log.display()
        );
        git_says(home.path(), &["config", "credential.helper", &helper]);
        let mut access = plain(Some("wrong"));
        access.directory = Some(home.path().to_owned());
        landed(push(&mut open(&config.url, access), &dev()).unwrap());
        assert_eq!(std::fs::read_to_string(log).unwrap(), "get\nstore\n");
    }
}

#[test]
fn a_folder_of_this_machine_is_served_with_its_hooks() {
    let home = tempfile::tempdir().unwrap();
    let bare = home.path().join("a b'c.git");
    bare_repo(&bare, FILES);
    let url = url::Url::from_file_path(&bare).unwrap();
    let mut repo = open(url.as_str(), plain(None));
    let theirs = {
        let tip = repo.snapshot().unwrap().commit().map(str::to_owned);
        let theirs = commit_to(&bare, "theirs", &[("n", "1")]);
        assert!(matches!(
            repo.commit(tip.as_deref(), &dev()).unwrap(),
            Outcome::Moved { .. }
        ));
        theirs
    };
    let made = landed(push(&mut repo, &dev()).unwrap());
    assert_eq!(
        git_says(&bare, &["rev-parse", "main", "main^"]),
        format!("{made}\n{theirs}")
    );
    let gone = url.as_str().replace(".git", ".gone");
    let error = open(&gone, plain(None)).snapshot().err().unwrap();
    assert_eq!(fault(&error).kind, Kind::Denied, "{error:?}");
}

fn script(file: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(file, format!("#!/bin/sh\n{text}\n")).unwrap();
    std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn ssh_is_the_systems_own_and_is_given_the_address_as_git_gives_it() {
    let home = tempfile::tempdir().unwrap();
    let bare = home.path().join("it's.git");
    bare_repo(&bare, FILES);
    let (ssh, log) = (home.path().join("ssh"), home.path().join("log"));
    script(
        &ssh,
        &format!(
            "echo \"$1 $2 $3 token=$GITOPS_STEPS_TOKEN\" >> '{}'\nfor last; do :; done\neval exec \"$last\"",
            log.display()
        ),
    );
    let url = format!("ssh://git@host.example:2222{}", bare.display());
    for variable in ["GIT_SSH", "GIT_SSH_COMMAND"] {
        let pairs = [
            (variable, ssh.to_str().unwrap()),
            ("GITOPS_STEPS_TOKEN", "s3cret"),
        ];
        let mut repo = open(&url, access(environment(&pairs), GitConfig::default(), None));
        repo.snapshot().unwrap();
    }
    let pairs = [("GIT_SSH", ssh.to_str().unwrap())];
    landed(
        push(
            &mut open(&url, access(environment(&pairs), GitConfig::default(), None)),
            &dev(),
        )
        .unwrap(),
    );
    let log = std::fs::read_to_string(log).unwrap();
    assert!(
        log.lines().count() == 4 && log.lines().all(|line| line == "-p 2222 git@host.example token="),
        "{log}"
    );
}

#[test]
fn ssh_without_a_key_is_denied_in_ssh_s_own_words() {
    let home = tempfile::tempdir().unwrap();
    let ssh = home.path().join("ssh");
    script(
        &ssh,
        "echo 'git@host: Permission denied (publickey).' >&2; exit 255",
    );
    let pairs = [("GIT_SSH", ssh.to_str().unwrap())];
    let mut repo = open(
        "git@host:acme/config.git",
        access(environment(&pairs), GitConfig::default(), None),
    );
    let error = repo.snapshot().err().unwrap();
    assert_eq!(fault(&error).kind, Kind::Denied);
    assert!(
        fault(&error).message.contains("Permission denied (publickey)"),
        "{error:?}"
    );
}

#[test]
fn a_signed_commit_is_verified_by_git_and_has_the_author_that_was_asked_for() {
    let home = tempfile::tempdir().unwrap();
    let (bare, key) = (home.path().join("c.git"), home.path().join("key"));
    bare_repo(&bare, FILES);
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f"])
        .arg(&key)
        .status();
    assert!(made.unwrap().success());
    let public = std::fs::read_to_string(home.path().join("key.pub")).unwrap();
    let signers = home.path().join("signers");
    std::fs::write(&signers, format!("bot@example.com {public}")).unwrap();
    let mut commit = dev();
    commit.author = Some(Identity {
        name: "Bot".into(),
        email: "bot@example.com".into(),
    });
    commit.signing = Some(Signing::Ssh { key });
    landed(
        push(
            &mut open(&format!("file://{}", bare.display()), plain(None)),
            &commit,
        )
        .unwrap(),
    );
    let signers = format!("gpg.ssh.allowedSignersFile={}", signers.display());
    git_says(&bare, &["-c", &signers, "verify-commit", "main"]);
    assert_eq!(
        git_says(&bare, &["log", "-1", "--format=%an <%ae> %cn", "main"]),
        "Bot <bot@example.com> Bot"
    );
}

#[test]
fn a_sub_folder_is_read_and_written_as_if_it_were_the_root() {
    let home = tempfile::tempdir().unwrap();
    let bare = home.path().join("c.git");
    bare_repo(&bare, FILES);
    let url = GitUrl::parse(&format!("file://{}", bare.display()))
        .unwrap()
        .unwrap();
    let mut repo = GitRepo::open(&url, None, Some(path("app")), plain(None)).unwrap();
    assert_eq!(
        repo.snapshot().unwrap().list().unwrap(),
        [path("dev.yaml"), path("run.sh")]
    );
    landed(push(&mut repo, &bump(&[("dev.yaml", "tag: v1\n", "tag: v2\n")])).unwrap());
    assert_eq!(git_says(&bare, &["show", "main:app/dev.yaml"]), "tag: v2");
}

#[test]
fn a_branch_that_was_taken_away_is_not_made_again() {
    for config in Served::each(&[]) {
        let mut repo = open(&config.url, plain(None));
        let tip = repo.snapshot().unwrap().commit().map(str::to_owned);
        git_says(&config.bare, &["update-ref", "-d", "refs/heads/main"]);
        let outcome = repo.commit(tip.as_deref(), &dev()).unwrap();
        assert!(matches!(outcome, Outcome::Moved { .. }), "{outcome:?}");
        assert_eq!(git_says(&config.bare, &["branch", "--list"]), "");
        let error = repo.snapshot().err().unwrap();
        assert_eq!(fault(&error).kind, Kind::NotFound);
    }
}

/// The subjects of the commits that changed a file, newest first.
fn subjects(snapshot: &dyn Snapshot, file: &str, most: usize) -> Vec<String> {
    let history = snapshot.history(&path(file), most).unwrap();
    let subject = |message: &str| message.lines().next().unwrap_or_default().to_owned();
    history.iter().map(|commit| subject(&commit.message)).collect()
}

#[test]
fn the_commits_of_a_file_are_read_from_a_branch_that_was_fetched_one_commit_deep() {
    for config in Served::each(&[]) {
        for number in 1..=6 {
            let text = format!("x: {number}\n");
            commit_to(
                &config.bare,
                &format!("keep {number}"),
                &[("other/keep.yaml", &text)],
            );
            if number % 2 == 0 {
                commit_to(&config.bare, &format!("dev {number}"), &[("app/dev.yaml", &text)]);
            }
        }
        let requests = || config.server.counts().requests.swap(0, Ordering::SeqCst);
        let mut repo = open(&config.url, plain(None));
        {
            let snapshot = repo.snapshot().unwrap();
            requests();
            assert_eq!(subjects(&*snapshot, "app/dev.yaml", 2), ["dev 6", "dev 4"]);
            let fetch = requests();
            assert!(fetch > 0);
            // All of the branch is here now.
            assert_eq!(
                subjects(&*snapshot, "app/dev.yaml", 10),
                ["dev 6", "dev 4", "dev 2", "first"]
            );
            assert_eq!(subjects(&*snapshot, "app/run.sh", 10), ["first"]);
            assert_eq!(subjects(&*snapshot, "gone.yaml", 10), [""; 0]);
            assert_eq!(requests(), 0);
            let first = snapshot.history(&path("app/dev.yaml"), 1).unwrap().pop().unwrap();
            assert_eq!(first.id, git_says(&config.bare, &["rev-parse", "main"]));
            assert_eq!(first.author, "T <t@example.com>");
        }
        // What was fetched beside is no hindrance to a push, nor to another round.
        let moved = commit_to(&config.bare, "moved", &[("other/keep.yaml", "x: 9\n")]);
        let commit = bump(&[("app/dev.yaml", "x: 6\n", "tag: v2\n")]);
        assert!(matches!(
            push(&mut repo, &commit).unwrap(),
            Outcome::Landed { .. }
        ));
        assert_eq!(git_says(&config.bare, &["rev-parse", "main^"]), moved);
        let snapshot = repo.snapshot().unwrap();
        assert_eq!(
            subjects(&*snapshot, "app/dev.yaml", 2),
            ["deploy(dev): app v1 → v2", "dev 6"]
        );
        git_says(&config.bare, &["fsck", "--strict"]);
    }
}

#[test]
fn history_is_fetched_deeper_once_and_then_given_up() {
    for (others, found) in [(10, true), (60, true), (510, false)] {
        let server = GitServer::start(Options::default());
        let bare = server.repo("config.git", &[("other/keep.yaml", "x: 0\n")]);
        commit_to(&bare, "deep", &[("app/dev.yaml", "tag: v1\n")]);
        let mut input = String::new();
        for number in 0..others {
            let from = if number == 0 {
                "from refs/heads/main^0\n"
            } else {
                ""
            };
            let _ = write!(
                input,
                "commit refs/heads/main\ncommitter T <t@example.com> 1700000000 +0000\ndata 6\nother\n\n{from}\
                 M 100644 inline other/keep.yaml\ndata 5\n{number:>5}\n"
            );
        }
        fast_import(&bare, &input);
        let mut repo = open(&server.url("config.git"), plain(None));
        let snapshot = repo.snapshot().unwrap();
        let expected: &[&str] = if found { &["deep"] } else { &[] };
        assert_eq!(subjects(&*snapshot, "app/dev.yaml", 10), expected, "{others}");
        server.counts().requests.store(0, Ordering::SeqCst);
        assert_eq!(subjects(&*snapshot, "app/dev.yaml", 10), expected, "{others}");
        assert_eq!(server.counts().requests.load(Ordering::SeqCst), 0, "{others}");
    }
}

fn fast_import(bare: &Path, input: &str) {
    use std::io::Write as _;
    let mut child = git_server::git(bare)
        .args(["fast-import", "--quiet"])
        .stdin(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_sub_folder_has_the_history_of_its_files() {
    for config in Served::each(&[]) {
        commit_to(&config.bare, "other dev", &[("dev.yaml", "x: 1\n")]);
        let url = GitUrl::parse(&config.url).unwrap().unwrap();
        let mut repo = GitRepo::open(&url, None, Some(path("app")), plain(None)).unwrap();
        let snapshot = repo.snapshot().unwrap();
        assert_eq!(subjects(&*snapshot, "dev.yaml", 10), ["first"]);
    }
}
