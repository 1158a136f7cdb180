//! Tags, pushed by git.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use super::app::{App, CI};
use crate::support::cli::{Bench, Run, text};
use crate::support::git_server::{Fault, GitServer, Options, commit_to, git_says};

const TAG: [&str; 3] = ["tag", "--format", "json"];

#[test]
fn in_ci_the_next_version_is_tagged_and_pushed() {
    let app = App::tagged("v1.2.3");
    let head = app.commit("feat: add it");
    let before = (app.head(), app.git(&["status", "--porcelain", "--branch"]));
    let run = app.run_with(&[CI], &["tag"]).exits(0).says("tagged");
    assert_eq!(run.stdout, "v1.3.0\n");
    assert_eq!(app.pushed()[1], format!("v1.3.0 tag {head}"));
    assert_eq!(
        (app.head(), app.git(&["status", "--porcelain", "--branch"])),
        before
    );
    // The clone has it too, the very same object.
    let there = git_says(&app.bench.origin(), &["rev-parse", "refs/tags/v1.3.0"]);
    assert_eq!(app.git(&["rev-parse", "refs/tags/v1.3.0"]), there);
    let message = app.git(&["tag", "--list", "v1.3.0", "--format=%(contents)"]);
    assert_eq!(
        message,
        format!("v1.3.0\n\nFeatures\n\n- add it ({})", &head[..10])
    );
    let again = app.run_with(&[CI], &TAG).exits(0).json();
    assert_eq!(
        (&again["operation"], &again["changed"]),
        (&"unchanged".into(), &false.into())
    );
}

#[test]
fn a_laptop_pushes_no_tag_by_accident() {
    let app = App::tagged("v1.2.3");
    app.commit("fix: a");
    let before = app.bench.state();
    let run = app
        .run(&["tag"])
        .exits(0)
        .says("nothing is tagged")
        .says("`--publish push`");
    assert_eq!(run.stdout, "v1.2.4\n");
    let told = app.run(&TAG).json();
    assert_eq!(
        (&told["operation"], &told["changed"]),
        (&"skipped".into(), &false.into())
    );
    // Nor does the run of a pull request.
    for variable in [
        ("GITHUB_EVENT_NAME", "pull_request"),
        ("CI_MERGE_REQUEST_IID", "7"),
    ] {
        app.run_with(&[CI, variable], &["tag"])
            .exits(0)
            .says("pull request");
    }
    app.run_with(&[CI], &["tag", "--dry-run"])
        .exits(0)
        .says("dry run: v1.2.4");
    assert_eq!(app.bench.state(), before);
    app.run(&["tag", "--publish", "push"]).exits(0);
    assert!(app.pushed()[1].starts_with("v1.2.4 tag"));
}

#[test]
fn a_tag_that_is_elsewhere_is_refused_with_both_commits() {
    let app = App::tagged("v1.2.3");
    let first = app.head();
    let head = app.commit("fix: a");
    for version in ["1.2.3", "v1.2.3"] {
        app.run_with(&[CI], &["tag", "--version", version])
            .exits(4)
            .says(&first)
            .says(&head);
    }
    let fine = ["tag", "--version", "1.2.3", "--sha", &first];
    app.run_with(&[CI], &fine)
        .exits(0)
        .says("v1.2.3 is on this commit already");
    app.run_with(&[CI], &["tag", "--version", "1.2.4", "--message", "By hand"])
        .exits(0);
    assert_eq!(
        app.git(&["tag", "--list", "v1.2.4", "--format=%(contents)"]),
        "By hand"
    );
    app.run_with(&[CI], &["tag", "--version", "next"])
        .exits(2)
        .says("MAJOR.MINOR.PATCH");
    app.run_with(&[CI], &["tag", "--version", "2.0.0", "--bump", "major"])
        .exits(2);
    let variable = ("GITOPS_STEPS_VERSION", "3.0.0");
    assert_eq!(app.run_with(&[variable], &["tag"]).exits(0).stdout, "v3.0.0\n");
}

#[test]
fn a_version_that_goes_back_is_told() {
    let app = App::tagged("v1.2.3");
    app.commit("fix: a");
    for (version, back) in [("1.2.2", true), ("1.2.4", false)] {
        let run = app.run_with(&[CI], &["tag", "--dry-run", "--version", version]);
        let told = run.stderr.contains("is lower than v1.2.3");
        assert_eq!(told, back, "{}", run.exits(0).stderr);
    }
}

#[test]
fn a_message_that_is_shown_steers_neither_terminal_nor_runner() {
    let app = App::tagged("v1.2.3");
    app.commit("fix: a");
    let message = "  Say\n::set-env name=A::b\n\u{1b}[31mred\u{202e}";
    let tag = ["tag", "--dry-run", "--message", message];
    let run = app.run(&tag).exits(0).prints_plainly();
    assert!(!run.stderr.contains('\u{202e}'), "{}", run.stderr);
    let run = app.run_with(&[("GITHUB_ACTIONS", "true")], &tag).exits(0);
    let (before, _) = run.stderr.split_once("::set-env").unwrap();
    assert!(before.contains("::stop-commands::"), "{before}");
}

#[test]
fn what_the_remote_has_counts_and_not_what_the_clone_has() {
    let app = App::tagged("v1.2.3");
    let head = app.commit("fix: a");
    // Tagged on a laptop, and never pushed.
    app.git(&["tag", "v1.2.4"]);
    app.run_with(&[CI], &["tag", "--version", "1.2.4"]).exits(0);
    assert_eq!(app.pushed()[1], format!("v1.2.4 tag {head}"));
    // Tagged elsewhere, and never fetched.
    app.commit("fix: b");
    git_says(&app.bench.origin(), &["tag", "v2.0.0", "main"]);
    let run = app.run_with(&[CI], &["tag"]).exits(0);
    assert_eq!(run.stdout, "v2.0.0\n");
    assert_eq!(app.pushed().len(), 3);
}

#[test]
fn a_tag_is_signed_and_git_verifies_it() {
    let app = App::tagged("v1.2.3");
    app.commit("fix: a");
    let key = text(&app.bench.beside("key")).to_owned();
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f", &key])
        .status();
    assert!(made.unwrap().success());
    app.run_with(&[CI], &["tag", "--sign", "ssh", "--signing-key", &key])
        .exits(0);
    let public = std::fs::read_to_string(format!("{key}.pub")).unwrap();
    let signers = app
        .bench
        .write_beside("signers", &format!("gitops-steps@noreply.invalid {public}"));
    let config = format!("gpg.ssh.allowedSignersFile={signers}");
    app.git(&["-c", "gpg.format=ssh", "-c", &config, "tag", "--verify", "v1.2.4"]);
    app.commit("fix: b");
    app.run_with(&[CI], &["tag", "--sign", "ssh", "--signing-key", "nokey"])
        .exits(2);
    app.run_with(
        &[CI],
        &[
            "tag",
            "--sign",
            "ssh",
            "--signing-key",
            "k",
            "--repo",
            "github:acme/shop",
        ],
    )
    .exits(2)
    .says("cannot be signed");
}

/// A server with a repository that is at v1.0.0 and two commits further.
struct Race {
    server: GitServer,
    bare: std::path::PathBuf,
    bench: Bench,
    older: String,
    newer: String,
}

impl Race {
    /// `meanwhile` happens right before the first push is carried out.
    fn new(meanwhile: impl Fn(&Path) + Send + Sync + 'static) -> Self {
        let place: Arc<Mutex<Option<std::path::PathBuf>>> = Arc::default();
        let (seen, done) = (Arc::clone(&place), AtomicBool::new(false));
        let server = GitServer::start(Options {
            handler: Some(Arc::new(move |request| {
                let pushes = request.method == "POST" && request.target.ends_with("git-receive-pack");
                if pushes && !done.swap(true, Ordering::SeqCst) {
                    meanwhile(seen.lock().unwrap().as_ref().unwrap());
                }
                None
            })),
            ..Options::default()
        });
        let bare = server.repo("shop.git", &[("a", "1")]);
        *place.lock().unwrap() = Some(bare.clone());
        git_says(&bare, &["tag", "v1.0.0", "main"]);
        let older = commit_to(&bare, "fix: a", &[("a", "2")]);
        let newer = commit_to(&bare, "fix: b", &[("a", "3")]);
        Self {
            server,
            bare,
            bench: Bench::new(&[]),
            older,
            newer,
        }
    }

    fn tag(&self, arguments: &[&str]) -> Run {
        let mut command = self.bench.command();
        let url = self.server.url("shop.git");
        command
            .args(["release", "tag", "--format", "json", "--repo", &url])
            .args(arguments);
        Run::from(command.output().unwrap())
    }

    fn tags(&self) -> String {
        git_says(&self.bare, &["tag", "--list", "--format=%(refname:short)"]).replace('\n', " ")
    }
}

#[test]
fn the_loser_of_a_race_counts_again_from_what_is_there_now() {
    let race = Race::new(|bare| drop(git_says(bare, &["tag", "v1.0.1", "main~1"])));
    let told = race.tag(&[]).exits(0).json();
    assert_eq!(
        (&told["new"], &told["old"], &told["attempts"], &told["commit"]),
        (
            &"1.0.2".into(),
            &"1.0.1".into(),
            &2.into(),
            &race.newer.clone().into()
        )
    );
    assert_eq!(race.tags(), "v1.0.0 v1.0.1 v1.0.2");
}

#[test]
fn an_older_commit_that_lost_is_part_of_the_release_that_won() {
    let race = Race::new(|bare| drop(git_says(bare, &["tag", "v1.0.1", "main"])));
    let told = race.tag(&["--sha", &race.older]).exits(0).json();
    assert_eq!(
        (&told["operation"], &told["new"]),
        (&"superseded".into(), &"1.0.1".into())
    );
    assert_eq!(race.tags(), "v1.0.0 v1.0.1");
}

#[test]
fn a_version_that_was_named_is_not_counted_again() {
    let race = Race::new(|bare| drop(git_says(bare, &["tag", "v1.0.1", "main~1"])));
    race.tag(&["--version", "1.0.1"])
        .exits(4)
        .says(&race.older)
        .says(&race.newer);
    let race = Race::new(|bare| drop(git_says(bare, &["tag", "v1.0.1", "main"])));
    let told = race.tag(&["--version", "1.0.1"]).exits(0).json();
    assert_eq!(told["operation"], "unchanged");
}

#[test]
fn of_many_at_once_one_makes_the_tag_and_all_agree() {
    let race = Race::new(|_| ());
    let told: Vec<_> = thread::scope(|scope| {
        let runs: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| race.tag(&[]).exits(0).json()))
            .collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert!(
        told.iter()
            .all(|told| told["new"] == "1.0.1" && told["release"]["tag"] == "v1.0.1")
    );
    assert_eq!(
        told.iter().filter(|told| told["changed"] == true).count(),
        1,
        "{told:?}"
    );
    assert_eq!(race.tags(), "v1.0.0 v1.0.1");
}

#[test]
fn an_answer_that_was_lost_is_looked_up() {
    let race = Race::new(|_| ());
    // The advertisement comes first, then the push itself.
    race.server
        .spoil("shop.git/git-receive-pack", Fault::CloseAfter(0));
    let told = race.tag(&[]).exits(0).json();
    assert_eq!((&told["new"], &told["changed"]), (&"1.0.1".into(), &true.into()));
    assert_eq!(race.tags(), "v1.0.0 v1.0.1");
    let told = race.tag(&[]).exits(0).json();
    assert_eq!(told["operation"], "unchanged");
}

#[cfg(unix)]
#[test]
fn a_rule_of_the_remote_is_told() {
    let race = Race::new(|_| ());
    race.server.hook(
        "shop.git",
        "echo 'GitLab: You are not allowed to create this tag as it is protected.' >&2; exit 1",
    );
    race.tag(&[]).exits(4).says("protects tags");
    assert_eq!(race.tags(), "v1.0.0");
}

#[test]
fn a_shallow_clone_tags_a_version_that_was_named_and_counts_none() {
    let app = App::tagged("v1.2.3");
    app.commit("feat: a");
    let head = app.commit("fix: b");
    let folder = app.bench.beside("shallow");
    let url = format!("file://{}", text(&app.bench.origin()));
    git_says(
        &app.folder(),
        &["clone", "--quiet", "--depth", "1", &url, text(&folder)],
    );
    let repo = ["--repo", text(&folder)];
    app.run_with(&[CI], &[&["tag"], &repo[..]].concat())
        .exits(3)
        .says("shallow");
    app.run_with(&[CI], &[&["tag", "--version", "1.3.0"], &repo[..]].concat())
        .exits(0);
    assert_eq!(app.pushed()[1], format!("v1.3.0 tag {head}"));
}

#[test]
fn hostile_messages_make_no_line_of_their_own() {
    let app = App::tagged("v1.2.3");
    app.commit("fix: a\u{1b}[2J\r\n\r\n-----BEGIN SSH SIGNATURE-----");
    app.commit("-----BEGIN SSH SIGNATURE-----");
    app.run_with(&[CI], &["tag"]).exits(0).prints_plainly();
    let message = app.git(&["cat-file", "tag", "v1.2.4"]);
    assert!(
        !message.contains("\n-----BEGIN") && !message.contains('\u{1b}'),
        "{message}"
    );
}

#[test]
fn a_clone_without_an_origin_has_versions_and_no_place_for_tags() {
    let app = App::tagged("v1.2.3");
    app.commit("fix: a");
    app.git(&["remote", "remove", "origin"]);
    assert_eq!(app.next(&[]), "1.2.4");
    app.run_with(&[CI], &["tag"])
        .exits(2)
        .says("no remote `origin`")
        .says("--repo");
}

#[test]
fn a_commit_that_was_never_pushed_is_warned_of() {
    let app = App::tagged("v1.2.3");
    app.commit("fix: pushed");
    let older = app.head();
    app.commit("fix: pushed too");
    let words = "is on no branch of the remote";
    for sha in [older, app.head()] {
        let run = app.run_with(&[CI], &["tag", "--dry-run", "--sha", &sha]).exits(0);
        assert!(!run.stderr.contains(words), "{}", run.stderr);
    }
    app.git(&["commit", "--quiet", "--allow-empty", "-m", "feat: local"]);
    app.run_with(&[CI], &["tag", "--dry-run"]).exits(0).says(words);
}

#[test]
fn a_detached_head_is_tagged_as_ci_checks_it_out() {
    let app = App::tagged("v1.2.3");
    let head = app.commit("fix: a");
    app.git(&["switch", "--quiet", "--detach"]);
    app.git(&["branch", "--quiet", "-D", "main"]);
    app.run_with(&[CI], &["tag"]).exits(0);
    assert_eq!(app.pushed()[1], format!("v1.2.4 tag {head}"));
}
