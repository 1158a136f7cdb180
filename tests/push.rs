//! Pushed without a clone: one commit on the branch of a real server, or nothing and the reason.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::Ordering;

use crate::support::cli::{Bench, Run, text};
use crate::support::git_server::{Fault, GitServer, Options, Right, bare_repo, commit_to, git, git_says};

const POLICY: &str = r"version: 1
apps:
  shop:
    image: registry.example/acme/shop
    environments:
      dev: {auto-deploy: on, targets: [{file: shop/dev.yaml, path: image}]}
      prod: {targets: [{file: shop/prod.yaml, path: image}]}
";
const VALUES: &str = "image:\n  repository: registry.example/acme/shop\n  tag: 1.0.0 # kept\nreplicas: 2\n";
const FILES: &[(&str, &str)] = &[
    (".gitops-steps.yaml", POLICY),
    ("shop/dev.yaml", VALUES),
    ("shop/prod.yaml", VALUES),
    ("shop/keep.sh*", "#!/bin/sh\n"),
];
const DEV: [&str; 6] = ["--app", "shop", "--env", "dev", "--tag", "1.1.0"];
const PROD_FILE: [&str; 2] = ["--file", "shop/prod.yaml"];
const TOKEN: (&str, &str) = ("GITOPS_STEPS_TOKEN", "w-s3cret");

/// A server with one repo, and a bench beside it.
struct Remote {
    server: GitServer,
    bench: Bench,
}

impl Remote {
    fn new(options: Options) -> Self {
        let server = GitServer::start(options);
        server.repo("deploy.git", FILES);
        Self {
            server,
            bench: Bench::new(&[]),
        }
    }

    fn private() -> Self {
        Self::new(Options {
            users: vec![
                ("oauth2:w-s3cret", Right::Write),
                ("oauth2:r-s3cret", Right::Read),
            ],
            ..Options::default()
        })
    }

    fn url(&self) -> String {
        self.server.url("deploy.git")
    }

    fn git(&self, arguments: &[&str]) -> String {
        git_says(&self.server.path("deploy.git"), arguments)
    }

    fn show(&self, file: &str) -> String {
        self.git(&["show", &format!("main:{file}")]) + "\n"
    }

    fn tip(&self) -> String {
        self.git(&["rev-parse", "main"])
    }

    /// Runs with some variables, and checks that no token is printed.
    fn run(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
        let url = self.url();
        let run = self
            .bench
            .bump_with(variables, &[&["--config-repo", &url], arguments].concat());
        assert!(!format!("{run:?}").contains("s3cret"), "{run:?}");
        run
    }

    fn push(&self, arguments: &[&str]) -> Run {
        self.run(&[TOKEN], arguments)
    }

    fn requests(&self) -> usize {
        self.server.counts().requests.swap(0, Ordering::SeqCst)
    }
}

fn raised(tag: &str) -> String {
    VALUES.replace("1.0.0", tag)
}

#[test]
fn every_way_to_say_what_changes_lands_as_one_commit() {
    let list = "- {file: shop/dev.yaml, set: {image.tag: 1.1.0}}\n";
    for arguments in [
        &DEV[..],
        &[
            "--file",
            "shop/dev.yaml",
            "--image",
            "registry.example/acme/shop:1.1.0",
        ],
        &["--file", "shop/d*.yaml", "--set", "image.tag=1.1.0"],
        &["--changes", "../list.yaml"],
    ] {
        let remote = Remote::private();
        remote.bench.write_beside("list.yaml", list);
        let before = remote.tip();
        let run = remote
            .push(&[arguments, &["--format", "json", "--verbose"]].concat())
            .exits(0);
        assert_eq!(remote.show("shop/dev.yaml"), raised("1.1.0"), "{arguments:?}");
        assert_eq!(remote.git(&["rev-parse", "main^"]), before);
        assert_eq!(
            remote.git(&["diff", "--name-only", "main^", "main"]),
            "shop/dev.yaml"
        );
        let json = run.json();
        assert_eq!(json["commit"], remote.tip());
        assert_eq!((&json["branch"], &json["attempts"]), (&"main".into(), &1.into()));
        assert_eq!(
            (&json["operation"], &json["publish"]),
            (&"updated".into(), &"push".into())
        );
        assert!(
            run.stderr.contains("the token of GITOPS_STEPS_TOKEN"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn the_token_may_stand_in_a_file() {
    let remote = Remote::private();
    let file = remote.bench.write_beside("token", "w-s3cret\n");
    remote
        .run(&[], &[&DEV[..], &["--token-file", &file]].concat())
        .exits(0);
    assert_eq!(remote.show("shop/dev.yaml"), raised("1.1.0"));
}

/// What `git interpret-trailers` reads in the tip's message.
fn trailers(remote: &Remote) -> String {
    let message = remote.git(&["log", "-1", "--format=%B", "main"]);
    let mut child = git(Path::new("."))
        .args(["interpret-trailers", "--parse"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(message.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}

#[test]
fn a_commit_says_what_it_does_in_words_and_in_trailers() {
    let app = "Gitops-App: shop\nGitops-Env: dev\n";
    let image = "Gitops-Image: registry.example/acme/shop\n";
    let moved = "Gitops-Old: 1.0.0\nGitops-New: 1.1.0\n";
    let by_image = [
        "--file",
        "shop/dev.yaml",
        "--image",
        "registry.example/acme/shop:1.1.0",
    ];
    let by_path = ["--file", "shop/dev.yaml", "--set", "image.tag=1.1.0"];
    for (arguments, more, subject, due) in [
        (
            &DEV[..],
            &[][..],
            "deploy(dev): shop 1.0.0 → 1.1.0",
            format!("{app}{image}{moved}"),
        ),
        (
            &by_image,
            &[],
            "deploy: registry.example/acme/shop 1.0.0 → 1.1.0",
            format!("{image}{moved}"),
        ),
        (
            &by_path,
            &[],
            "deploy: shop/dev.yaml 1.0.0 → 1.1.0",
            moved.to_owned(),
        ),
        (
            &DEV,
            &["--skip-ci"],
            "deploy(dev): shop 1.0.0 → 1.1.0 [skip ci]",
            format!("{app}{image}{moved}"),
        ),
        (
            &DEV,
            &[
                "--message",
                "{app}@{env}: {image}:{tag} in {files}{source_repo} {{}}",
            ],
            "shop@dev: registry.example/acme/shop:1.1.0 in shop/dev.yaml {}",
            format!("{app}{image}{moved}"),
        ),
    ] {
        let remote = Remote::private();
        remote.push(&[arguments, more].concat()).exits(0);
        assert_eq!(remote.git(&["log", "-1", "--format=%s", "main"]), subject);
        assert_eq!(trailers(&remote), due, "{arguments:?}");
    }
    let remote = Remote::private();
    remote
        .push(&[&DEV[..], &["--message", "{ap}"]].concat())
        .exits(2)
        .says("did you mean `app`?");
}

#[test]
fn in_ci_the_commit_leads_back_to_its_run() {
    let remote = Remote::private();
    let sha = "0123456789abcdef0123456789abcdef01234567";
    let variables = [
        TOKEN,
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_SERVER_URL", "https://github.example"),
        ("GITHUB_REPOSITORY", "acme/shop"),
        ("GITHUB_RUN_ID", "99"),
        ("GITHUB_RUN_NUMBER", "7"),
        ("GITHUB_SHA", sha),
        ("GITHUB_ACTOR", "ann"),
    ];
    remote.run(&variables, &DEV).exits(0);
    let due = format!(
        "Source-Repo: acme/shop\nSource-Commit: {sha}\nSource-Sequence: 7\n\
         Run-Url: https://github.example/acme/shop/actions/runs/99\nActor: ann\n"
    );
    assert!(trailers(&remote).ends_with(&due), "{}", trailers(&remote));
}

#[test]
fn the_author_and_the_signature_are_those_that_were_asked_for() {
    let remote = Remote::private();
    let key = text(&remote.bench.beside("key")).to_owned();
    let made = std::process::Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-f", &key])
        .status();
    assert!(made.unwrap().success());
    let public = std::fs::read_to_string(format!("{key}.pub")).unwrap();
    let signers = remote
        .bench
        .write_beside("signers", &format!("bot@example.com {public}"));
    let author = ["--author", "Deploy Bot <bot@example.com>"];
    remote
        .push(&[&DEV[..], &author, &["--sign", "ssh", "--signing-key", &key]].concat())
        .exits(0);
    let allowed = format!("gpg.ssh.allowedSignersFile={signers}");
    remote.git(&["-c", &allowed, "verify-commit", "main"]);
    assert_eq!(
        remote.git(&["log", "-1", "--format=%an <%ae> %cn <%ce>", "main"]),
        "Deploy Bot <bot@example.com> Deploy Bot <bot@example.com>"
    );
    let tip = remote.tip();
    for (more, code, says) in [
        (&["--author", "bot"][..], 2, "Name <email@example.com>"),
        (&["--sign", "ssh"], 2, "--signing-key"),
        (
            &["--sign", "ssh", "--signing-key", "gone"],
            2,
            "cannot sign with `gone`",
        ),
    ] {
        let next = ["--app", "shop", "--env", "dev", "--tag", "1.2.0"];
        remote.push(&[&next[..], more].concat()).exits(code).says(says);
        assert_eq!(remote.tip(), tip);
    }
}

#[test]
fn each_thing_that_is_wrong_has_its_code_and_its_hint() {
    let remote = Remote::private();
    let tip = remote.tip();
    let wrong = ("GITOPS_STEPS_TOKEN", "wr-s3cret");
    let reader = ("GITOPS_STEPS_TOKEN", "r-s3cret");
    let gone = remote.server.url("gone.git");
    for (variables, arguments, code, says) in [
        (&[wrong][..], &DEV[..], 5, "GITOPS_STEPS_TOKEN"),
        (&[], &DEV, 5, "set GITOPS_STEPS_TOKEN"),
        (&[reader], &DEV, 5, "contents: write"),
        (
            &[TOKEN],
            &[&DEV[..], &["--branch", "mian"]].concat(),
            3,
            "it has: main",
        ),
        (
            &[TOKEN],
            &["--file", "shop/dve.yaml", "--set", "image.tag=1"],
            3,
            "did you mean `shop/dev.yaml`?",
        ),
        (
            &[TOKEN],
            &["--file", "shop/dev.yaml", "--set", "image.tga=1"],
            3,
            "did you mean `tag`?",
        ),
        (
            &[TOKEN],
            &[&DEV[..], &["--publish", "files"]].concat(),
            2,
            "needs a directory",
        ),
        (
            &[TOKEN],
            &["--app", "shop", "--env", "prod", "--tag", "1.1.0"],
            4,
            "auto-deploy is off",
        ),
        (&[TOKEN], &[&DEV[..], &["--timeout", "soon"]].concat(), 2, "soon"),
        (
            &[TOKEN],
            &[&DEV[..], &["--token-file", "gone"]].concat(),
            2,
            "gone",
        ),
    ] {
        let run = remote.run(variables, arguments);
        assert_eq!(run.code, code, "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains(says), "{arguments:?}: {}", run.stderr);
        assert!(run.stderr.contains("error: "), "{}", run.stderr);
    }
    let run = remote
        .bench
        .bump_with(&[TOKEN], &[&["--config-repo", &gone], &DEV[..]].concat())
        .exits(5);
    assert!(run.stderr.contains("check the address"), "{}", run.stderr);
    remote
        .bench
        .bump_with(
            &[TOKEN],
            &[&["--config-repo", "http://127.0.0.1:1/x"], &DEV[..]].concat(),
        )
        .exits(6);
    assert_eq!(remote.tip(), tip);
}

#[test]
fn a_protected_branch_is_told_in_the_remotes_words() {
    let remote = Remote::private();
    let tip = remote.tip();
    remote.server.hook(
        "deploy.git",
        "printf 'error: GH006: Protected branch update failed for refs/heads/main.\\n\\033[31m' >&2; exit 1",
    );
    let run = remote
        .push(&[&DEV[..], &["--format", "json"]].concat())
        .exits(4)
        .prints_plainly();
    assert!(
        run.stderr.contains("GH006") && run.stderr.contains("the branch is protected"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("--publish pull-request"),
        "the way out: {}",
        run.stderr
    );
    assert_eq!(
        (&run.json()["operation"], &run.json()["changed"]),
        (&"refused".into(), &false.into())
    );
    assert_eq!(remote.tip(), tip);
}

#[test]
fn a_locked_place_is_locked_whatever_flags_reach_it() {
    let list = "- {file: shop/prod.yaml, set: {image.tag: 1.1.0}}\n";
    let links: &[(&str, &str)] = &[("alias.yaml -> shop/prod.yaml", "")];
    for arguments in [
        &["--app", "shop", "--env", "prod", "--tag", "1.1.0"][..],
        &[&PROD_FILE[..], &["--set", "image.tag=1.1.0"]].concat(),
        &[&PROD_FILE[..], &["--set", "/image/tag=1.1.0"]].concat(),
        &[&PROD_FILE[..], &["--set-json", r#"image={"tag": "1.1.0"}"#]].concat(),
        &[&PROD_FILE[..], &["--unset", "image"]].concat(),
        &[
            &PROD_FILE[..],
            &["--set", "image.digest=x", "--if-missing", "create"],
        ]
        .concat(),
        &[&PROD_FILE[..], &["--image", "registry.example/acme/shop:1.1.0"]].concat(),
        &["--file", "shop/./prod.yaml", "--set", "image.tag=1.1.0"],
        &["--file", "shop/*.yaml", "--set", "image.tag=1.1.0"],
        &["--file", "alias.yaml", "--set", "image.tag=1.1.0"],
        &["--changes", "../list.yaml"],
    ] {
        let remote = Remote::private();
        commit_to(&remote.server.path("deploy.git"), "a link", links);
        remote.bench.write_beside("list.yaml", list);
        let tip = remote.tip();
        let run = remote.push(arguments);
        assert_eq!(run.code, 4, "{arguments:?}: {}", run.stderr);
        assert!(
            run.stderr
                .contains("`prod` of `shop` changes only by pull request"),
            "{}",
            run.stderr
        );
        assert_eq!(remote.tip(), tip, "{arguments:?}");
        let dry_run = remote.push(&[arguments, &["--dry-run"]].concat());
        if arguments.contains(&"--app") {
            dry_run.exits(0).says("a pull request carries it");
        } else {
            dry_run.exits(4);
        }
        let because = ["--override-policy", "the shop\nis down"];
        remote
            .push(&[arguments, &because].concat())
            .exits(0)
            .says("overridden");
        assert!(
            trailers(&remote).ends_with("Gitops-Override: the shop is down\n"),
            "{}",
            trailers(&remote)
        );
    }
    // What the policy does not list, it does not lock.
    let remote = Remote::private();
    remote
        .push(&[&PROD_FILE[..], &["--set-json", "replicas=3"]].concat())
        .exits(0);
    assert_eq!(trailers(&remote), "Gitops-Old: 2\nGitops-New: 3\n");
}

#[test]
fn a_policy_that_cannot_be_read_stops_every_push() {
    let remote = Remote::private();
    let bare = remote.server.path("deploy.git");
    let tip = commit_to(
        &bare,
        "oops",
        &[(".gitops-steps.yaml", "version: 1\nappps: {}\n")],
    );
    remote
        .push(&["--file", "shop/dev.yaml", "--set", "image.tag=1.1.0"])
        .exits(2)
        .says(".gitops-steps.yaml:2:1")
        .says("did you mean `apps`?");
    assert_eq!(remote.tip(), tip);
}

#[test]
fn a_dry_run_needs_no_token_on_a_public_repo_and_pushes_nothing() {
    let remote = Remote::new(Options {
        users: vec![("oauth2:w-s3cret", Right::Write)],
        public: true,
        ..Options::default()
    });
    let tip = remote.tip();
    let run = remote.run(&[], &[&DEV[..], &["--dry-run"]].concat()).exits(0);
    assert!(
        run.stdout
            .contains("-  tag: 1.0.0 # kept\n+  tag: 1.1.0 # kept\n"),
        "{}",
        run.stdout
    );
    assert!(
        run.stderr
            .contains("dry run: would change 1 value in shop/dev.yaml"),
        "{}",
        run.stderr
    );
    assert_eq!(remote.tip(), tip);
    remote.run(&[], &DEV).exits(5).says("GITOPS_STEPS_TOKEN");
    remote.push(&DEV).exits(0);
}

#[test]
fn what_is_there_already_is_not_pushed_again() {
    let remote = Remote::private();
    remote.push(&DEV).exits(0);
    let tip = remote.tip();
    remote.requests();
    remote.push(&[&DEV[..], &["--dry-run"]].concat()).exits(0);
    let reading = remote.requests();
    for (tag, operation) in [("1.1.0", "unchanged"), ("1.0.9", "superseded")] {
        let arguments = ["--app", "shop", "--env", "dev", "--tag", tag, "--format", "json"];
        let json = remote.push(&arguments).exits(0).json();
        assert_eq!(
            (&json["operation"], &json["changed"]),
            (&operation.into(), &false.into())
        );
        assert_eq!(json["commit"], serde_json::Value::Null);
        assert_eq!(remote.requests(), reading, "only what reading takes");
    }
    assert_eq!(remote.tip(), tip);
}

#[test]
fn a_lost_answer_is_looked_up_and_never_pushed_twice() {
    let remote = Remote::private();
    remote.server.spoil("/git-receive-pack", Fault::CloseAfter(0));
    let json = remote
        .push(&[&DEV[..], &["--format", "json"]].concat())
        .exits(0)
        .json();
    assert_eq!(json["commit"], remote.tip());
    assert_eq!(remote.git(&["rev-list", "--count", "main"]), "2");
    assert_eq!(json["operation"], "updated");
}

#[test]
fn a_directory_stands_for_its_origin_and_stays_as_it_is() {
    let remote = Remote::private();
    let bench = &remote.bench;
    let here = bench.repo();
    git_says(
        &here,
        &["clone", "--quiet", text(&remote.server.path("deploy.git")), "."],
    );
    git_says(&here, &["remote", "set-url", "origin", &remote.url()]);
    let state = || git_says(&here, &["rev-parse", "HEAD"]) + &git_says(&here, &["status", "--porcelain"]);
    // What the checkout does not have yet is what the plan is made on.
    let theirs = commit_to(
        &remote.server.path("deploy.git"),
        "theirs",
        &[("other.yaml", "a: 1\n")],
    );
    bench.write("note.txt", "untracked\n");
    let before = state();
    let push = [&DEV[..], &["--publish", "push"]].concat();
    bench.bump_with(&[TOKEN], &push).exits(0);
    assert_eq!(remote.git(&["rev-parse", "main^"]), theirs);
    assert_eq!(remote.show("shop/dev.yaml"), raised("1.1.0"));
    assert_eq!(
        (state(), bench.read("shop/dev.yaml")),
        (before, VALUES.to_owned())
    );

    let tip = remote.tip();
    let next = [
        "--app",
        "shop",
        "--env",
        "dev",
        "--tag",
        "1.2.0",
        "--publish",
        "push",
    ];
    bench.write("shop/dev.yaml", &raised("9.9.9"));
    bench
        .bump_with(&[TOKEN], &next)
        .exits(4)
        .says("uncommitted changes in `shop/dev.yaml`")
        .says("hint: commit or stash");
    assert_eq!(remote.tip(), tip);
    bench.write("shop/dev.yaml", VALUES);
    bench.write("shop/prod.yaml", "mine: 1\n");
    bench.bump_with(&[TOKEN], &next).exits(0);
    assert_eq!(
        (
            bench.read("shop/prod.yaml").as_str(),
            remote.show("shop/dev.yaml")
        ),
        ("mine: 1\n", raised("1.2.0"))
    );
}

#[test]
fn a_directory_without_an_origin_says_what_to_give() {
    let bench = Bench::new(FILES);
    let push = [&DEV[..], &["--publish", "push"]].concat();
    bench
        .bump(&push)
        .exits(2)
        .says("no git checkout")
        .says("--config-repo");
    git_says(&bench.repo(), &["init", "--quiet", "--initial-branch=main"]);
    bench
        .bump(&push)
        .exits(2)
        .says("no remote `origin`")
        .says("--config-repo");
}

#[test]
fn a_detached_head_takes_the_branch_of_ci_or_asks_for_one() {
    let bench = Bench::cloned(FILES);
    git_says(&bench.repo(), &["checkout", "--quiet", "--detach"]);
    let push = [&DEV[..], &["--publish", "push"]].concat();
    bench.bump(&push).exits(2).says("--branch");
    bench.bump_with(&[("CI_COMMIT_BRANCH", "main")], &push).exits(0);
    assert_eq!(bench.pushed("shop/dev.yaml") + "\n", raised("1.1.0"));
}

#[cfg(unix)]
#[test]
fn the_systems_ssh_and_a_file_address_reach_a_repo_too() {
    use std::os::unix::fs::PermissionsExt as _;
    let bench = Bench::new(&[]);
    bare_repo(&bench.origin(), FILES);
    let ssh = bench.write_beside("ssh", "#!/bin/sh\nfor last; do :; done\neval exec \"$last\"\n");
    std::fs::set_permissions(&ssh, std::fs::Permissions::from_mode(0o755)).unwrap();
    let origin = text(&bench.origin()).to_owned();
    for (tag, address) in [
        ("1.1.0", format!("ssh://git@host.example{origin}")),
        ("1.2.0", format!("git@host.example:{origin}")),
        ("1.3.0", format!("host.example:{origin}")),
        ("1.4.0", format!("file://{origin}")),
    ] {
        let arguments = [
            "--config-repo",
            &address,
            "--app",
            "shop",
            "--env",
            "dev",
            "--tag",
            tag,
        ];
        bench.bump_with(&[("GIT_SSH", &ssh)], &arguments).exits(0);
        assert_eq!(bench.pushed("shop/dev.yaml") + "\n", raised(tag), "{address}");
    }
}

#[test]
fn an_address_with_a_password_in_it_is_refused_without_showing_it() {
    let bench = Bench::new(&[]);
    let run = bench
        .bump(
            &[
                &[
                    "--config-repo",
                    "https://ann:p-s3cret@git.example/acme/deploy.git",
                ],
                &DEV[..],
            ]
            .concat(),
        )
        .exits(2)
        .says("GITOPS_STEPS_TOKEN");
    assert!(!format!("{run:?}").contains("s3cret"), "{run:?}");
}

#[test]
fn a_lock_holds_through_links_and_anchors() {
    let policy = r"version: 1
apps:
  shop:
    image: registry.example/acme/shop
    environments:
      dev: {auto-deploy: on, targets: [{file: all.yaml, path: dev}]}
      prod: {targets: [{file: all.yaml, path: prod}]}
      live: {targets: [{file: link.yaml, path: image}]}
";
    let all = "dev: &it\n  repository: registry.example/acme/shop\n  tag: 1.0.0\nprod:\n  <<: *it\n";
    let remote = Remote::private();
    let files = [
        (".gitops-steps.yaml", policy),
        ("all.yaml", all),
        ("link.yaml -> real.yaml", ""),
        ("real.yaml", VALUES),
    ];
    let tip = commit_to(&remote.server.path("deploy.git"), "links", &files);
    for (arguments, says) in [
        (
            &["--file", "all.yaml", "--set", "dev.tag=1.1.0"][..],
            "has an anchor that is used elsewhere",
        ),
        (
            &["--file", "all.yaml", "--set", "dev.tag=1.1.0", "--allow-shared"],
            "`prod` of `shop`",
        ),
        (
            &[
                "--app",
                "shop",
                "--env",
                "dev",
                "--tag",
                "1.1.0",
                "--allow-shared",
            ],
            "`prod` of `shop`",
        ),
        (
            &["--app", "shop", "--env", "live", "--tag", "1.1.0"],
            "`live` of `shop`",
        ),
        (
            &["--file", "link.yaml", "--set", "image.tag=1.1.0"],
            "`live` of `shop`",
        ),
    ] {
        remote.push(arguments).exits(4).says(says);
        assert_eq!(remote.tip(), tip, "{arguments:?}");
    }
}

#[test]
fn an_override_wants_a_reason() {
    let remote = Remote::private();
    let prod = [
        "--app",
        "shop",
        "--env",
        "prod",
        "--tag",
        "1.1.0",
        "--override-policy",
    ];
    for reason in ["", " ", "\n"] {
        remote
            .push(&[&prod[..], &[reason]].concat())
            .exits(2)
            .says("say why");
    }
    assert_eq!(remote.git(&["rev-list", "--count", "main"]), "1");
}
