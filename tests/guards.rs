//! The order guard through the binary, where versions tell nothing: by run number, and by commit.
#![cfg(unix)]

use std::thread;

use crate::support::cli::{Bench, Run, text};
use crate::support::git_server::{GitServer, Options, bare_repo, commit_to, git_says};
use crate::support::github::{Fake, Grant};
use serde_json::{Value, json};

const IMAGE: &str = "registry.example/acme/shop";
const POLICY: &str = "version: 1
apps:
  shop:
    image: registry.example/acme/shop
    source: [acme/shop, acme/other]
    environments:
      dev: {auto-deploy: on, targets: [{file: dev.yaml, path: image}]}
      strict: {auto-deploy: on, guard: sequence, targets: [{file: strict.yaml, path: image}]}
      lineal: {auto-deploy: on, guard: ancestry, targets: [{file: lineal.yaml, path: image}]}
";

fn values(tag: &str) -> String {
    format!("image:\n  repository: {IMAGE}\n  tag: {tag} # kept\n")
}

/// A config repo on a server, whose values were set by hand.
struct Remote {
    server: GitServer,
    bench: Bench,
}

impl Remote {
    fn new() -> Self {
        let server = GitServer::start(Options::default());
        let first = values("by-hand");
        let files = [
            (".gitops-steps.yaml", POLICY),
            ("dev.yaml", &first),
            ("strict.yaml", &first),
            ("lineal.yaml", &first),
        ];
        server.repo("deploy.git", &files);
        Self {
            server,
            bench: Bench::new(&[]),
        }
    }

    /// What a run of the app's own workflow does.
    fn run(&self, repo: &str, number: u32, arguments: &[&str]) -> Run {
        let number = number.to_string();
        let variables = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_REPOSITORY", repo),
            ("GITHUB_RUN_NUMBER", &number),
        ];
        self.run_with(&variables, arguments)
    }

    fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
        let url = self.server.url("deploy.git");
        let flags = ["--config-repo", &url, "--format", "json", "--publish", "push"];
        self.bench.bump_with(variables, &[&flags, arguments].concat())
    }

    fn tag(&self, file: &str) -> String {
        let text = git_says(
            &self.server.path("deploy.git"),
            &["show", &format!("main:{file}")],
        );
        let tag = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("tag: "))
            .unwrap();
        tag.trim_end_matches(" # kept").to_owned()
    }

    fn commits(&self) -> usize {
        let count = git_says(&self.server.path("deploy.git"), &["rev-list", "--count", "main"]);
        count.parse().unwrap()
    }
}

fn in_env<'a>(env: &'a str, tag: &'a str) -> [&'a str; 6] {
    ["--app", "shop", "--env", env, "--tag", tag]
}

fn operation(run: &Run) -> String {
    run.json()["operation"].as_str().unwrap().to_owned()
}

#[test]
fn the_highest_of_ten_run_numbers_stands_at_the_end_in_whichever_order_they_arrive() {
    for guard in ["auto", "sequence"] {
        let remote = Remote::new();
        // The first run finds no trailers.
        let first = [
            &in_env("dev", "one")[..],
            &["--guard", guard, "--allow-downgrade"],
        ]
        .concat();
        remote
            .run("acme/shop", 1, &first)
            .exits(0)
            .says("order not checked");
        let mut highest = 1;
        for number in [4, 2, 9, 3, 10, 5, 8, 11, 6, 7] {
            let tag = format!("sha-{}", "abcdef".repeat(2) + &number.to_string());
            let run = remote
                .run(
                    "acme/shop",
                    number,
                    &[&in_env("dev", &tag)[..], &["--guard", guard]].concat(),
                )
                .exits(0);
            let expected = if number > highest { "updated" } else { "superseded" };
            assert_eq!(operation(&run), expected, "{number} after {highest}");
            assert_eq!(run.json()["changed"], json!(number > highest));
            highest = highest.max(number);
        }
        assert!(remote.tag("dev.yaml").ends_with("11"));
        // The first two, then 4, 9, 10 and 11.
        assert_eq!(remote.commits(), 6);
    }
}

#[test]
fn the_highest_of_run_numbers_that_arrive_at_once_stands_at_the_end() {
    let remote = Remote::new();
    remote
        .run(
            "acme/shop",
            1,
            &[&in_env("strict", "one")[..], &["--allow-downgrade"]].concat(),
        )
        .exits(0);
    thread::scope(|scope| {
        for number in 2..=7 {
            let remote = &remote;
            scope.spawn(move || {
                let tag = format!("b-{number}-x");
                remote.run("acme/shop", number, &in_env("strict", &tag)).exits(0)
            });
        }
    });
    assert_eq!(remote.tag("strict.yaml"), "b-7-x");
    // Each commit raised the number that it found.
    let log = git_says(
        &remote.server.path("deploy.git"),
        &[
            "log",
            "--reverse",
            "--format=%(trailers:key=Source-Sequence,valueonly,separator=)",
            "main",
        ],
    );
    let numbers: Vec<u32> = log.lines().filter_map(|line| line.parse().ok()).collect();
    assert!(numbers.is_sorted() && numbers.len() > 1, "{numbers:?}");
    git_says(&remote.server.path("deploy.git"), &["fsck", "--strict"]);
}

#[test]
fn what_cannot_be_compared_is_warned_of_by_auto_and_refused_by_the_guard_of_the_policy() {
    let remote = Remote::new();
    // No trailers yet.
    let refused = remote.run("acme/shop", 5, &in_env("strict", "b-x")).exits(4);
    assert_eq!(remote.tag("strict.yaml"), "by-hand");
    refused
        .says("no commit of `strict.yaml`")
        .says("--allow-downgrade");
    remote
        .run("acme/shop", 5, &in_env("dev", "b-x"))
        .exits(0)
        .says("order not checked");
    remote
        .run(
            "acme/shop",
            5,
            &[&in_env("strict", "b-x")[..], &["--allow-downgrade"]].concat(),
        )
        .exits(0);
    // Another repository counts by itself.
    remote
        .run("acme/other", 9, &in_env("strict", "c-x"))
        .exits(4)
        .says("`acme/other`");
    remote
        .run("acme/other", 9, &in_env("dev", "c-x"))
        .exits(0)
        .says("order not checked");
    assert_eq!(
        (remote.tag("strict.yaml"), remote.tag("dev.yaml")),
        ("b-x".to_owned(), "c-x".to_owned())
    );
    // A laptop has no run number; a flag comes before the policy.
    remote
        .run_with(&[], &in_env("strict", "d-x"))
        .exits(4)
        .says("no source repository");
    remote
        .run_with(
            &[],
            &[&in_env("strict", "d-x")[..], &["--guard", "none"]].concat(),
        )
        .exits(0);
}

#[test]
fn a_stale_run_is_skipped_refused_or_let_through() {
    let remote = Remote::new();
    let first = [&in_env("strict", "b-x")[..], &["--allow-downgrade"]].concat();
    remote.run("acme/shop", 5, &first).exits(0);
    let stale = in_env("strict", "a-x");
    let skipped = remote.run("acme/shop", 4, &stale).exits(0).says("run 5");
    assert_eq!(operation(&skipped), "superseded");
    // The same run with another value.
    assert_eq!(
        operation(&remote.run("acme/shop", 5, &stale).exits(0)),
        "superseded"
    );
    // A rerun that changes nothing is none.
    assert_eq!(
        operation(&remote.run("acme/shop", 5, &in_env("strict", "b-x")).exits(0)),
        "unchanged"
    );
    remote
        .run("acme/shop", 4, &[&stale[..], &["--on-stale", "fail"]].concat())
        .exits(4)
        .says("run 5");
    assert_eq!(remote.tag("strict.yaml"), "b-x");
    remote
        .run("acme/shop", 4, &[&stale[..], &["--allow-downgrade"]].concat())
        .exits(0)
        .says("steps back from `b-x` to `a-x`");
    assert_eq!(remote.tag("strict.yaml"), "a-x");
}

#[test]
fn an_events_payload_brings_the_number_that_counts() {
    let remote = Remote::new();
    let send = |tag: &str, number: u32, more: &[&str]| {
        let payload = json!({
            "v": 1, "app": "shop", "env": "strict", "images": [{"name": IMAGE, "tag": tag}],
            "source": {"repo": "acme/shop", "sequence": number,
                       "run_url": format!("https://github.com/acme/shop/actions/runs/{}", 1000 + number)},
        });
        let event = json!({"action": "deploy", "client_payload": payload, "sender": {"login": "ann"}});
        let event = remote.bench.write_beside("event.json", &event.to_string());
        // The config repo's own workflow has a number too, which is not the build's.
        let variables = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_REPOSITORY", "acme/deploy"),
            ("GITHUB_RUN_NUMBER", "900"),
            ("GITHUB_EVENT_PATH", event.as_str()),
        ];
        remote.run_with(&variables, &[&["--from-event", "auto"], more].concat())
    };
    send("b-x", 7, &["--allow-downgrade"]).exits(0);
    assert_eq!(operation(&send("a-x", 6, &[]).exits(0)), "superseded");
    assert_eq!(operation(&send("c-x", 8, &[]).exits(0)), "updated");
    assert_eq!(remote.tag("strict.yaml"), "c-x");
}

#[test]
fn a_digest_is_guarded_by_its_run_too() {
    let remote = Remote::new();
    let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
    let pin = |number: u32, digit: &str| {
        let digest = digest(digit);
        let flags = [
            "--app", "shop", "--env", "dev", "--tag", "main", "--digest", &digest,
        ];
        remote.run("acme/shop", number, &flags).exits(0)
    };
    pin(3, "1");
    assert_eq!(operation(&pin(2, "2")), "superseded");
    assert_eq!(operation(&pin(4, "3")), "updated");
}

/// The app's repository: three commits in a row, and one beside the last.
struct Lineage {
    commits: Vec<String>,
}

impl Lineage {
    fn in_bare(bare: &std::path::Path) -> Self {
        let first = git_says(bare, &["rev-parse", "main"]);
        let second = commit_to(bare, "second", &[("main.rs", "2\n")]);
        let third = commit_to(bare, "third", &[("main.rs", "3\n")]);
        let tree = format!("{third}^{{tree}}");
        let beside = git_says(bare, &["commit-tree", &tree, "-p", &second, "-m", "hotfix"]);
        git_says(bare, &["update-ref", "refs/heads/hotfix", &beside]);
        Self {
            commits: vec![first, second, third, beside],
        }
    }

    fn tag(&self, at: usize) -> String {
        format!("sha-{}", &self.commits[at][..10])
    }
}

/// Bumps by each commit of the app in turn, and says what became of it.
fn walk(lineage: &Lineage, env: &str, bump: &dyn Fn(&str, &[&str]) -> Run) -> Vec<String> {
    let mut outcomes = Vec::new();
    let second = lineage.tag(1);
    bump(
        &lineage.commits[1],
        &[&in_env(env, &second)[..], &["--guard", "none"]].concat(),
    )
    .exits(0);
    for at in [0, 2, 1, 3] {
        let run = bump(&lineage.commits[at], &in_env(env, &lineage.tag(at)));
        outcomes.push(match run.code {
            0 => operation(&run),
            code => {
                assert!(run.stderr.contains("neither"), "{}", run.stderr);
                code.to_string()
            }
        });
    }
    outcomes
}

#[test]
fn a_clone_of_the_app_tells_which_commit_is_the_newer_one() {
    let remote = Remote::new();
    let bare = remote.bench.beside("acme/shop.git");
    bare_repo(&bare, &[("main.rs", "1\n")]);
    let lineage = Lineage::in_bare(&bare);
    git_says(&remote.bench.repo(), &["clone", "--quiet", text(&bare), "."]);
    let variables = [("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "acme/shop")];
    // No commit but the one that the tag shortens.
    let bump = |_: &str, arguments: &[&str]| remote.run_with(&variables, arguments);
    assert_eq!(
        walk(&lineage, "lineal", &bump),
        ["superseded", "updated", "superseded", "4"]
    );
    assert_eq!(remote.tag("lineal.yaml"), lineage.tag(2));
    // Where none contains the other, `auto` lets it through.
    assert_eq!(
        walk(&lineage, "dev", &bump),
        ["superseded", "updated", "superseded", "updated"]
    );
    assert_eq!(remote.tag("dev.yaml"), lineage.tag(3));
}

/// A hub with the config repo, and the app's own repository that only a token may read.
fn hub() -> (Fake, Lineage) {
    let hub = Fake::start();
    let first = values("by-hand");
    let files = [
        (".gitops-steps.yaml", POLICY),
        ("dev.yaml", &first),
        ("strict.yaml", &first),
        ("lineal.yaml", &first),
    ];
    hub.repo("acme/deploy", &files);
    hub.repo("acme/shop", &[("main.rs", "1\n")]);
    hub.settings("acme/shop", |settings| settings.private = true);
    hub.token("deploy-s3cret", Grant::workflow("acme/deploy"));
    hub.token("source-s3cret", Grant::workflow("acme/shop"));
    let lineage = Lineage::in_bare(&hub.server().path("acme/shop.git"));
    (hub, lineage)
}

fn at_hub(hub: &Fake, bench: &Bench, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    let api = hub.api_url();
    let mut all = vec![
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_API_URL", api.as_str()),
        ("GITHUB_REPOSITORY", "acme/shop"),
        ("GITOPS_STEPS_TOKEN", "deploy-s3cret"),
    ];
    all.extend_from_slice(variables);
    let flags = [
        "--config-repo",
        "github:acme/deploy",
        "--format",
        "json",
        "--verbose",
        "--publish",
        "push",
    ];
    let run = bench.bump_with(&all, &[&flags, arguments].concat());
    assert!(!format!("{run:?}").contains("t0k3n"), "{run:?}");
    run
}

#[test]
fn the_forge_of_the_app_tells_which_commit_is_the_newer_one() {
    let (hub, lineage) = hub();
    let bench = Bench::new(&[]);
    let bump = |commit: &str, arguments: &[&str]| {
        let variables = [
            ("GITOPS_STEPS_SOURCE_TOKEN", "source-s3cret"),
            ("GITHUB_SHA", commit),
        ];
        at_hub(&hub, &bench, &variables, arguments)
    };
    assert_eq!(
        walk(&lineage, "lineal", &bump),
        ["superseded", "updated", "superseded", "4"]
    );
    // Without a token for it nobody can tell, and the reason is there for who looks.
    let stale = in_env("lineal", "sha-0123456789");
    bump(&"0".repeat(40), &stale)
        .exits(4)
        .says("the forge does not know both");
    at_hub(&hub, &bench, &[], &in_env("lineal", &lineage.tag(1)))
        .exits(4)
        .says("nobody could be asked")
        .says("the forge does not compare");
    // Each token went only where it belongs.
    for request in hub.requests() {
        let sent = request.headers.get("authorization").map_or("", String::as_str);
        let (own, other) = if request.target.contains("/acme/shop") {
            ("source-s3cret", "deploy-s3cret")
        } else {
            ("deploy-s3cret", "source-s3cret")
        };
        assert!(!sent.contains(other), "{request:?}");
        assert!(sent.is_empty() || sent.contains(own), "{request:?}");
    }
}

#[test]
fn run_numbers_are_read_through_the_api_with_the_files() {
    let (hub, _) = hub();
    let bench = Bench::new(&[]);
    let run = |number: &str, tag: &str, more: &[&str]| {
        let variables = [("GITHUB_RUN_NUMBER", number)];
        at_hub(&hub, &bench, &variables, &[&in_env("strict", tag), more].concat())
    };
    run("7", "b-x", &["--allow-downgrade"]).exits(0);
    hub.clear_requests();
    assert_eq!(operation(&run("6", "a-x", &[]).exits(0)), "superseded");
    assert!(hub.requests().len() <= 3, "{:#?}", hub.requests());
    assert_eq!(operation(&run("8", "c-x", &[]).exits(0)), "updated");
    let log: Vec<Value> = hub.requests().into_iter().map(|request| request.body).collect();
    assert!(!log.is_empty());
    assert!(
        hub.file("acme/deploy", "main", "strict.yaml")
            .unwrap()
            .contains("c-x")
    );
}
