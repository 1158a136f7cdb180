//! Files that a commit adds, changes and removes: the same by every way to a config repo, and as its diff says.
#![cfg(unix)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::support::cli::Bench;
use crate::support::git_server::git_says;
use crate::support::reach::tree_of;
use crate::support::stage::{Stage, Way};
use gitops_steps::plan::commit::{Fate, FileChange, NewCommit};
use gitops_steps::plan::diff::unified;
use gitops_steps::words::fault::{Fault, Kind};
use gitops_steps::words::repo_path::RepoPath;
use gitops_steps::world::checkout::Checkout;
use gitops_steps::world::config_repo::{ConfigRepo, Outcome};

const FILES: &[(&str, &str)] = &[
    ("a", "1\n"),
    ("link -> web", ""),
    ("pr/7/deep/x.yaml", "1\n"),
    ("pr/7/y.yaml", "1\n"),
    ("run.sh*", "1\n"),
    ("web/v.yaml", "1\n"),
];

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

/// Reads a change as a row has it: `+path` comes, `-path` goes, `path` changes; `*` marks an executable.
fn change(text: &str) -> FileChange {
    let (one, two) = (b"1\n".to_vec(), b"2\n".to_vec());
    let (name, fate) = match (text.strip_prefix('+'), text.strip_prefix('-')) {
        (Some(name), _) => {
            let executable = name.ends_with('*');
            let fate = Fate::Added { new: two, executable };
            (name.trim_end_matches('*'), fate)
        }
        (_, Some(name)) => (name, Fate::Removed { old: one }),
        _ => (text, Fate::Changed { old: one, new: two }),
    };
    FileChange {
        path: path(name),
        fate,
    }
}

fn commit(changes: &[&str]) -> NewCommit {
    NewCommit {
        message: "scaffold: make it".to_owned(),
        author: None,
        signing: None,
        changes: changes.iter().map(|text| change(text)).collect(),
    }
}

/// What a commit changes, and what differs from [`FILES`] afterwards: those that are gone, and those that are there.
struct Row {
    changes: &'static [&'static str],
    gone: &'static [&'static str],
    there: &'static [&'static str],
    /// Which APIs cannot do it.
    only_by_git: &'static [&'static str],
}

const fn row(
    changes: &'static [&'static str],
    gone: &'static [&'static str],
    there: &'static [&'static str],
) -> Row {
    Row {
        changes,
        gone,
        there,
        only_by_git: &[],
    }
}

const BOTH: &[&str] = &["GitHub", "GitLab"];

const ROWS: &[Row] = &[
    row(&["+new.yaml"], &[], &["100644 new.yaml=2"]),
    row(&["+web/new name.yaml"], &[], &["100644 web/new name.yaml=2"]),
    row(
        &["+n/e/w/ü.yaml", "+n/e/z.yaml"],
        &[],
        &["100644 n/e/w/ü.yaml=2", "100644 n/e/z.yaml=2"],
    ),
    row(&["-a"], &["a"], &[]),
    row(&["-run.sh"], &["run.sh"], &[]),
    row(&["-pr/7/deep/x.yaml"], &["pr/7/deep/x.yaml"], &[]),
    row(
        &["-pr/7/deep/x.yaml", "-pr/7/y.yaml"],
        &["pr/7/deep/x.yaml", "pr/7/y.yaml"],
        &[],
    ),
    row(
        &["web/v.yaml", "-pr/7/y.yaml", "+web/w.yaml"],
        &["pr/7/y.yaml", "web/v.yaml"],
        &["100644 web/v.yaml=2", "100644 web/w.yaml=2"],
    ),
    // Git sorts a folder as if its name ended in a slash.
    row(
        &["+web.d/x", "+web-d/x", "+web0"],
        &[],
        &["100644 web.d/x=2", "100644 web-d/x=2", "100644 web0=2"],
    ),
    Row {
        only_by_git: &["GitHub"],
        ..row(&["+s/run.sh*"], &[], &["100755 s/run.sh=2"])
    },
    Row {
        only_by_git: BOTH,
        ..row(&["-a", "+a/b"], &["a"], &["100644 a/b=2"])
    },
    Row {
        only_by_git: BOTH,
        ..row(
            &["+pr/7", "-pr/7/deep/x.yaml", "-pr/7/y.yaml"],
            &["pr/7/deep/x.yaml", "pr/7/y.yaml"],
            &["100644 pr/7=2"],
        )
    },
];

impl Row {
    /// What a branch holds afterwards.
    fn after(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.there.iter().map(|line| (*line).to_owned()).collect();
        for (name, text) in FILES {
            let line = match name.split_once(" -> ") {
                Some((name, target)) => format!("120000 {name}={target}"),
                None => match name.strip_suffix('*') {
                    Some(name) => format!("100755 {name}={}", text.trim_end()),
                    None => format!("100644 {name}={}", text.trim_end()),
                },
            };
            if !self.gone.iter().any(|gone| line.contains(&format!(" {gone}="))) {
                lines.push(line);
            }
        }
        lines.sort();
        lines
    }
}

fn refused_by(stage: &Stage, row: &Row) -> bool {
    stage.way == Way::Api
        && row
            .only_by_git
            .iter()
            .any(|forge| stage.name().starts_with(forge))
}

fn check_refusal(error: &anyhow::Error, name: &str) {
    let fault = error.downcast_ref::<Fault>().unwrap();
    let hint = fault.hint.clone().unwrap_or_default();
    assert_eq!(fault.kind, Kind::Invalid, "{name}: {fault:?}");
    assert!(hint.contains("reach it by git"), "{name}: {fault:?}");
}

#[test]
fn every_way_to_a_config_repo_adds_changes_and_removes_files() {
    for stage in Stage::all(FILES) {
        for (index, row) in ROWS.iter().enumerate() {
            let name = format!("{} {:?}", stage.name(), row.changes);
            let branch = format!("row-{index}");
            stage.branch(&branch);
            let mut repo = stage.config_repo(&branch);
            let base = repo.snapshot().unwrap().commit().unwrap().to_owned();
            let outcome = repo.commit(Some(&base), &commit(row.changes));
            if refused_by(&stage, row) {
                check_refusal(&outcome.unwrap_err(), &name);
                assert_eq!(stage.messages(&branch).len(), 1, "{name}");
                continue;
            }
            assert!(
                matches!(outcome, Ok(Outcome::Landed { .. })),
                "{name}: {outcome:?}"
            );
            assert_eq!(stage.tree(&branch), row.after(), "{name}");
            assert_eq!(stage.messages(&branch).len(), 2, "{name}");
        }
        stage.is_sound();
    }
}

#[test]
fn a_branch_of_a_change_request_carries_them_too() {
    for stage in Stage::all(FILES) {
        let mut repo = stage.config_repo("main");
        let base = repo.snapshot().unwrap().commit().unwrap().to_owned();
        for (index, row) in ROWS.iter().enumerate() {
            let name = format!("{} {:?}", stage.name(), row.changes);
            let head = format!("preview/{index}");
            // What the branch held before is gone from it.
            let first = repo.propose(&base, &head, None, &commit(&["web/v.yaml", "+first"]));
            let Ok(Outcome::Landed { commit: first, .. }) = first else {
                panic!("{name}: {first:?}");
            };
            let outcome = repo.propose(&base, &head, first.as_deref(), &commit(row.changes));
            if refused_by(&stage, row) {
                check_refusal(&outcome.unwrap_err(), &name);
                continue;
            }
            assert!(
                matches!(outcome, Ok(Outcome::Landed { .. })),
                "{name}: {outcome:?}"
            );
            assert_eq!(stage.tree(&head), row.after(), "{name}");
        }
        assert_eq!(stage.messages("main").len(), 1, "{}", stage.name());
        assert_eq!(stage.branches().len(), ROWS.len() + 1, "{}", stage.name());
        stage.is_sound();
    }
}

/// A folder that holds [`FILES`], committed.
fn folder() -> Bench {
    Bench::cloned(FILES)
}

/// What the files of a folder are to git.
fn staged(bench: &Bench) -> Vec<String> {
    git_says(&bench.repo(), &["add", "--all"]);
    let tree = git_says(&bench.repo(), &["write-tree"]);
    tree_of(&bench.repo(), &tree)
}

#[test]
fn a_checkout_and_its_diff_under_git_apply_come_to_the_same() {
    for row in ROWS {
        let name = format!("{:?}", row.changes);
        let commit = commit(row.changes);
        let written = folder();
        let mut checkout = Checkout::open(&written.repo()).unwrap();
        let outcome = checkout.commit(None, &commit).unwrap();
        assert!(matches!(outcome, Outcome::Landed { .. }), "{name}: {outcome:?}");
        assert_eq!(staged(&written), row.after(), "{name}");
        let applied = folder();
        let diff = applied.write_beside("plan.diff", &unified(&commit.changes));
        git_says(&applied.repo(), &["apply", &diff]);
        assert_eq!(staged(&applied), row.after(), "{name}");
    }
}

#[test]
fn git_takes_a_diff_with_empty_files() {
    let bench = folder();
    let empty = |name: &str| FileChange {
        path: path(name),
        fate: Fate::Added {
            new: Vec::new(),
            executable: false,
        },
    };
    let changes = [empty("n/one"), change("a"), empty("n/two"), change("-web/v.yaml")];
    let diff = bench.write_beside("plan.diff", &unified(&changes));
    git_says(&bench.repo(), &["apply", &diff]);
    assert_eq!(
        staged(&bench),
        [
            "100644 a=2",
            "100644 n/one=",
            "100644 n/two=",
            "100644 pr/7/deep/x.yaml=1",
            "100644 pr/7/y.yaml=1",
            "100755 run.sh=1",
            "120000 link=web",
        ]
    );
}

#[test]
fn what_is_in_the_way_of_a_new_file_is_named() {
    for stage in Stage::all(FILES) {
        let mut repo = stage.config_repo("main");
        let base = repo.snapshot().unwrap().commit().unwrap().to_owned();
        for (wanted, why) in [
            ("+a", "`a` cannot be added: it is there already"),
            ("+link", "`link` cannot be added: it is there already"),
            ("+web", "`web` cannot be added: "),
            ("+a/b/c", "`a/b/c` cannot be added: `a` is a file"),
            (
                "+web/v.yaml/b/c",
                "`web/v.yaml/b/c` cannot be added: `web/v.yaml` is a file",
            ),
            ("+link/x", "`link/x` cannot be added: `link` is a symbolic link"),
        ] {
            let name = format!("{} {wanted}", stage.name());
            let commit = commit(&["+n/new", wanted]);
            for outcome in [
                repo.commit(Some(&base), &commit),
                repo.propose(&base, "preview/7", None, &commit),
            ] {
                let fault = match outcome {
                    // GitLab's API shows no folders: there the server says it.
                    Ok(Outcome::Refused(fault)) => fault,
                    Err(error) => error.downcast::<Fault>().unwrap(),
                    other => panic!("{name}: {other:?}"),
                };
                assert_eq!(fault.kind, Kind::Refused, "{name}: {fault:?}");
                assert!(fault.message.contains(why), "{name}: {fault:?}");
            }
        }
        assert_eq!(stage.branches(), ["main"], "{}", stage.name());
        assert_eq!(stage.messages("main").len(), 1, "{}", stage.name());
    }
}

#[test]
fn a_file_that_the_snapshot_does_not_have_is_neither_changed_nor_removed() {
    for stage in Stage::all(FILES) {
        let mut repo = stage.config_repo("main");
        let base = repo.snapshot().unwrap().commit().unwrap().to_owned();
        for wanted in ["gone", "-gone", "web", "-web", "-link"] {
            let name = format!("{} {wanted}", stage.name());
            let error = repo
                .commit(Some(&base), &commit(&["+n/new", wanted]))
                .unwrap_err();
            let file = wanted.trim_start_matches('-');
            assert!(
                error.to_string().contains(&format!("`{file}`")),
                "{name}: {error}"
            );
        }
        assert_eq!(stage.messages("main").len(), 1, "{}", stage.name());
    }
}

/// What somebody does between the look at the branch and the commit.
#[derive(Clone, Copy, Debug)]
enum Meanwhile {
    Writes(&'static str),
    Removes(&'static str),
}

#[test]
fn what_came_between_is_neither_overwritten_nor_removed() {
    use Meanwhile::{Removes, Writes};
    for stage in Stage::all(FILES) {
        for (index, (wanted, meanwhile)) in [
            ("+n/new", Writes("n/new")),
            ("-a", Writes("a")),
            ("-a", Removes("a")),
            ("a", Removes("a")),
            ("-pr/7/y.yaml", Removes("pr/7/y.yaml")),
        ]
        .into_iter()
        .enumerate()
        {
            let name = format!("{} {wanted} {meanwhile:?}", stage.name());
            let branch = format!("row-{index}");
            stage.branch(&branch);
            let mut repo = stage.config_repo(&branch);
            let base = repo.snapshot().unwrap().commit().unwrap().to_owned();
            match meanwhile {
                Writes(file) => stage.person_commits(&branch, file, "mine"),
                Removes(file) => stage.person_removes(&branch, file),
            }
            let before = stage.tree(&branch);
            let outcome = repo.commit(Some(&base), &commit(&["web/v.yaml", wanted]));
            assert!(
                matches!(outcome, Ok(Outcome::Moved { .. })),
                "{name}: {outcome:?}"
            );
            assert_eq!(stage.tree(&branch), before, "{name}");
        }
    }
}

#[test]
fn an_api_is_asked_once_more_for_the_folders_of_new_files_and_never_for_others() {
    for stage in Stage::all(FILES)
        .into_iter()
        .filter(|stage| stage.way == Way::Api)
    {
        let name = stage.name();
        for (changes, calls) in [(&["a", "-web/v.yaml"][..], 1), (&["+n/e/w", "+n/e/x"][..], 2)] {
            let mut repo = stage.config_repo("main");
            let snapshot = repo.snapshot().unwrap();
            let base = snapshot.commit().unwrap().to_owned();
            snapshot
                .read(&[path("a"), path("web/v.yaml"), path("n/e/w"), path("n/e/x")])
                .unwrap();
            drop(snapshot);
            stage.forget_calls();
            repo.commit(Some(&base), &commit(changes)).unwrap();
            assert_eq!(stage.calls().len(), calls, "{name}: {:?}", stage.calls());
        }
    }
}

#[test]
fn a_new_script_of_a_checkout_can_be_run() {
    let bench = folder();
    let mut checkout = Checkout::open(&bench.repo()).unwrap();
    checkout.commit(None, &commit(&["+s/run.sh*"])).unwrap();
    let mode = |file: &Path| file.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&bench.repo().join("s/run.sh")), 0o755);
}
