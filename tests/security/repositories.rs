//! Config repos that want more than their files changed, and servers of such.
#![cfg(unix)]

use std::fs;
use std::path::Path;

use gitops_steps::plan::snapshot::{DEEPEST, FILE_MAX};

use crate::support::cli::{Bench, text};
use crate::support::git_server::{bare_repo, commit_to, empty_repo, git_says};

const OPEN: &str = "version: 1\napps: {web: {environments: {prod: {auto-deploy: on, targets: [{file: prod.yaml, path: tag}]}}}}\n";

#[test]
fn a_policy_of_the_work_tree_lifts_no_lock_of_the_branch() {
    let locked = OPEN.replace("auto-deploy: on", "auto-deploy: off");
    let bench = Bench::cloned(&[(".gitops-steps.yaml", &locked), ("prod.yaml", "tag: 1.0.0\n")]);
    let refs = git_says(&bench.origin(), &["for-each-ref"]);
    bench.write(".gitops-steps.yaml", OPEN);
    let push = [
        "--publish",
        "push",
        "--app",
        "web",
        "--env",
        "prod",
        "--tag",
        "1.1.0",
    ];
    let run = bench.bump(&push);
    assert!([2, 4].contains(&run.code), "{}: {}", run.code, run.stderr);
    assert_eq!(git_says(&bench.origin(), &["for-each-ref"]), refs);
}

#[test]
fn what_a_repository_would_have_run_is_not_run() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::cloned(&[
        (".gitattributes", "*.yaml filter=evil diff=evil merge=evil\n"),
        (
            ".gitmodules",
            "[submodule \"x\"]\n\tpath = x\n\turl = ext::sh -c touch% ran\n",
        ),
        ("dev.yaml", "tag: 1.0.0\n"),
    ]);
    let ran = bench.beside("ran");
    let touch = format!("touch '{}'", text(&ran));
    for hook in [
        "pre-commit",
        "commit-msg",
        "post-commit",
        "pre-push",
        "reference-transaction",
        "post-checkout",
        "update",
    ] {
        let file = bench.repo().join(".git/hooks").join(hook);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, format!("#!/bin/sh\n{touch}\n")).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    for key in [
        "filter.evil.clean",
        "filter.evil.smudge",
        "diff.evil.textconv",
        "core.fsmonitor",
        "core.editor",
        "core.pager",
    ] {
        git_says(&bench.repo(), &["config", key, &touch]);
    }
    for publish in ["push", "files"] {
        let tag = format!("tag=1.1.0-{publish}");
        bench
            .bump(&["--publish", publish, "--file", "dev.yaml", "--set", &tag])
            .exits(0);
        assert!(!ran.exists(), "{publish}");
    }
}

/// A repository by its file address.
fn address(bare: &Path) -> String {
    format!("file://{}", text(bare))
}

#[test]
fn a_file_that_is_too_large_is_refused_by_checkout_and_git() {
    let bench = Bench::new(&[("dev.yaml", "tag: 1.0.0\n")]);
    let file = fs::File::options()
        .write(true)
        .open(bench.repo().join("dev.yaml"))
        .unwrap();
    file.set_len(FILE_MAX as u64 + 1).unwrap();
    let change = ["--file", "dev.yaml", "--set", "tag=1.1.0"];
    bench.bump(&change).exits(4).says("at most 33554432 are read");
    let bare = bench.beside("large.git");
    bare_repo(&bare, &[("dev.yaml", &"#".repeat(FILE_MAX + 1))]);
    let url = address(&bare);
    let by_git = [&["--config-repo", &url, "--publish", "push"], &change[..]].concat();
    bench.bump(&by_git).exits(4).says("at most 33554432 are read");
}

#[test]
fn trees_that_name_one_another_without_end_are_not_walked() {
    let bench = Bench::new(&[]);
    let glob = ["--publish", "push", "--file", "**/dev.yaml", "--set", "tag=1.1.0"];
    // Ten folders that are one, eight levels deep: a hundred million files.
    let bomb = bench.beside("bomb.git");
    bare_repo(&bomb, &[("dev.yaml", "tag: 1.0.0\n")]);
    let mut tree = git_says(&bomb, &["rev-parse", "main^{tree}"]).trim().to_owned();
    for _ in 0..8 {
        let entry = |at| format!("040000 tree {tree}\td{at}\n");
        let entries = (0..10).map(entry).collect::<Vec<_>>().concat();
        tree = git_reads(&bomb, &["mktree"], &entries);
    }
    let commit = git_reads(&bomb, &["commit-tree", "-m", "bomb", &tree], "");
    git_says(&bomb, &["update-ref", "refs/heads/main", &commit]);
    let url = address(&bomb);
    let run = |arguments: &[&str]| bench.bump(&[&["--config-repo", &url], arguments].concat());
    run(&glob).exits(4).says("more than 1000000 files and folders");
    // Whoever names a file of it still changes that one.
    let named = "d0/d1/d2/d3/d4/d5/d6/d7/dev.yaml";
    run(&["--publish", "push", "--file", named, "--set", "tag=1.1.0"]).exits(0);
    // Its history is not compared without end either.
    let mut history = bench.command();
    history.args(["history", "--config-repo", &url]);
    let history = crate::support::cli::Run::from(history.output().unwrap());
    assert!(
        [2, 3, 4].contains(&history.code),
        "{}: {}",
        history.code,
        history.stderr
    );
    let deep = bench.beside("deep.git");
    empty_repo(&deep);
    let path = format!("{}dev.yaml", "d/".repeat(DEEPEST + 1));
    commit_to(&deep, "deep", &[(&path, "tag: 1.0.0\n")]);
    let run = bench.bump(&[&["--config-repo", &address(&deep)], &glob[..]].concat());
    run.exits(4).says("512 folders deep");
}

/// Runs git with an input and returns the one line that it prints.
fn git_reads(bare: &Path, arguments: &[&str], input: &str) -> String {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut child = Command::new("git")
        .arg("-C")
        .arg(bare)
        .args(["-c", "user.name=T", "-c", "user.email=t@example.com"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_list_of_refs_without_end_is_not_taken_into_memory() {
    use crate::support::git_server::{GitServer, Options, Response};
    use std::sync::Arc;
    let line = |text: &str| format!("{:04x}{text}", text.len() + 4);
    let mut body = line("# service=git-upload-pack\n") + "0000";
    let id = "0123456789abcdef0123456789abcdef01234567";
    body.push_str(&line(&format!("{id} HEAD\0side-band-64k ofs-delta shallow\n")));
    let part: String = (0..1000)
        .map(|at| line(&format!("{id} refs/heads/{at:0200}\n")))
        .collect();
    while body.len() <= 65 << 20 {
        body.push_str(&part);
    }
    let body = body.into_bytes();
    let server = GitServer::start(Options {
        handler: Some(Arc::new(move |_| {
            Some(Response::Answer {
                status: 200,
                headers: vec![(
                    "Content-Type".to_owned(),
                    "application/x-git-upload-pack-advertisement".to_owned(),
                )],
                body: body.clone(),
            })
        })),
        ..Options::default()
    });
    let bench = Bench::new(&[]);
    let url = server.url("config.git");
    let change = ["--file", "dev.yaml", "--set", "tag=1.1.0"];
    let run = bench.bump(&[&["--config-repo", &url, "--publish", "push"], &change[..]].concat());
    run.exits(5).says("is longer than 64 MiB");
}
