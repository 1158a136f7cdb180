//! Tags that a forge's API makes, and labels that it tells.

use serde_json::Value;

use crate::support::cli::{Bench, Run};
use crate::support::git_server::git_says;
use crate::support::{github, gitlab};

pub const REPO: &str = "acme/shop";
pub const TOKEN: &str = "t0k-s3cret";

/// A forge with a repository at v1.0.0, and a run against it.
pub enum Forge {
    Hub(Box<github::Fake>),
    Lab(Box<gitlab::Fake>),
}

impl Forge {
    pub fn both() -> [Self; 2] {
        [Self::github(), Self::gitlab()]
    }

    pub fn github() -> Self {
        let hub = github::Fake::start();
        hub.repo(REPO, &[("a", "1")]);
        hub.token(TOKEN, github::Grant::person("bot"));
        let forge = Self::Hub(Box::new(hub));
        forge.tag("v1.0.0");
        forge
    }

    pub fn gitlab() -> Self {
        let lab = gitlab::Fake::start();
        lab.repo(REPO, &[("a", "1")]);
        lab.token(TOKEN, gitlab::Grant::everything("bot"));
        let forge = Self::Lab(Box::new(lab));
        forge.tag("v1.0.0");
        forge
    }

    pub fn bare(&self) -> std::path::PathBuf {
        match self {
            Self::Hub(hub) => hub.path(REPO),
            Self::Lab(lab) => lab.path(REPO),
        }
    }

    /// Tags `main` as somebody else would.
    pub fn tag(&self, name: &str) {
        git_says(&self.bare(), &["tag", name, "main"]);
    }

    pub fn commit(&self, message: &str) -> String {
        let (who, change) = (("Ann", "ann@example.com"), ("a", Some(message)));
        match self {
            Self::Hub(hub) => hub.commit_as(REPO, "main", who, message, change),
            Self::Lab(lab) => lab.commit_as(REPO, "main", who, message, change),
        }
    }

    /// Opens a change request, puts labels on it and merges it.
    pub fn merge(&self, branch: &str, labels: &[&str]) {
        let who = ("Ann", "ann@example.com");
        match self {
            Self::Hub(hub) => {
                hub.branch(REPO, branch, "main");
                hub.commit_as(REPO, branch, who, branch, (branch, Some("1")));
                let number = hub.open_pull(REPO, branch, branch, "ann");
                hub.label(REPO, number, labels);
                hub.merge(REPO, number);
            }
            Self::Lab(lab) => {
                lab.branch(REPO, branch, "main");
                lab.commit_as(REPO, branch, who, branch, (branch, Some("1")));
                let number = lab.open_merge_request(REPO, branch, branch, "ann");
                lab.label(REPO, number, labels);
                lab.merge(REPO, number);
            }
        }
    }

    pub fn address(&self) -> String {
        match self {
            Self::Hub(_) => format!("github:{REPO}"),
            Self::Lab(_) => format!("gitlab:{REPO}"),
        }
    }

    pub fn variables(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Hub(hub) => vec![
                ("GITHUB_SERVER_URL", hub.url().to_owned()),
                ("GITHUB_API_URL", hub.api_url()),
                ("GITHUB_GRAPHQL_URL", hub.graphql_url()),
            ],
            Self::Lab(lab) => vec![
                ("CI_SERVER_URL", lab.url()),
                ("CI_API_V4_URL", lab.api_url()),
                ("CI_API_GRAPHQL_URL", lab.graphql_url()),
            ],
        }
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        self.run_as(TOKEN, arguments)
    }

    pub fn run_as(&self, token: &str, arguments: &[&str]) -> Run {
        let bench = Bench::new(&[]);
        let mut command = bench.command();
        let address = self.address();
        command
            .arg("release")
            .args(arguments)
            .args(["--repo", &address])
            .envs(self.variables())
            .env("GITOPS_STEPS_TOKEN", token);
        Run::from(command.output().unwrap())
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--format", "json"]].concat())
            .exits(0)
            .json()
    }

    fn tags(&self) -> String {
        git_says(&self.bare(), &["tag", "--list", "--format=%(refname:short)"]).replace('\n', " ")
    }
}

#[test]
fn the_api_makes_an_annotated_tag() {
    for forge in Forge::both() {
        let head = forge.commit("feat: a");
        let told = forge.json(&["tag"]);
        assert_eq!(
            (&told["new"], &told["changed"], &told["commit"]),
            (&"1.1.0".into(), &true.into(), &head.clone().into())
        );
        assert_eq!(git_says(&forge.bare(), &["rev-parse", "v1.1.0^{commit}"]), head);
        let message = git_says(
            &forge.bare(),
            &[
                "tag",
                "--list",
                "v1.1.0",
                "--format=%(objecttype) %(contents:subject)",
            ],
        );
        assert_eq!(message, "tag v1.1.0");
        assert_eq!(forge.json(&["tag"])["operation"], "unchanged");
    }
}

#[test]
fn who_loses_the_race_at_the_api_counts_again() {
    for forge in Forge::both() {
        forge.commit("feat: a");
        let bare = forge.bare();
        let older = git_says(&bare, &["rev-parse", "main"]);
        forge.commit("fix: b");
        let tag = move || drop(git_says(&bare, &["tag", "v1.1.0", &older]));
        match &forge {
            Forge::Hub(hub) => hub.before_next("POST /repos/acme/shop/git/refs", move |_| tag()),
            Forge::Lab(lab) => lab.before_next("POST /repository/tags", move |_| tag()),
        }
        let told = forge.json(&["tag"]);
        assert_eq!((&told["new"], &told["attempts"]), (&"1.1.1".into(), &2.into()));
        assert_eq!(forge.tags(), "v1.0.0 v1.1.0 v1.1.1");
    }
}

#[test]
fn an_answer_of_the_api_that_was_lost_is_looked_up() {
    for forge in Forge::both() {
        forge.commit("feat: a");
        match &forge {
            Forge::Hub(hub) => {
                hub.fail_next("POST /repos/acme/shop/git/refs", github::Failure::CloseAfterDoing);
            }
            Forge::Lab(lab) => lab.fail_next("POST /repository/tags", gitlab::Failure::CloseAfterDoing),
        }
        let told = forge.json(&["tag"]);
        assert_eq!((&told["new"], &told["changed"]), (&"1.1.0".into(), &true.into()));
        assert_eq!(forge.tags(), "v1.0.0 v1.1.0");
    }
}

#[test]
fn a_tag_that_a_rule_protects_is_refused() {
    for forge in Forge::both() {
        forge.commit("feat: a");
        match &forge {
            Forge::Hub(hub) => hub.settings(REPO, |settings| settings.protected_tags.push("v".into())),
            Forge::Lab(lab) => lab.protect_tags(REPO, "v"),
        }
        forge.run(&["tag"]).exits(4);
        assert_eq!(forge.tags(), "v1.0.0");
    }
}

#[test]
fn a_token_that_may_not_is_told_what_is_missing() {
    for forge in Forge::both() {
        forge.commit("feat: a");
        let words = match &forge {
            Forge::Hub(hub) => {
                hub.token(
                    "reads-s3cret",
                    github::Grant::person("carl").only(&["contents=read"]),
                );
                "contents: write"
            }
            Forge::Lab(lab) => {
                lab.token("reads-s3cret", gitlab::Grant::everything("carl").read_only());
                "the scope api"
            }
        };
        forge.run_as("reads-s3cret", &["tag"]).exits(5).says(words);
    }
}

#[test]
fn who_may_only_read_by_git_is_told_so() {
    for forge in Forge::both() {
        forge.commit("feat: a");
        let url = match &forge {
            Forge::Hub(hub) => {
                hub.token(
                    "reads-s3cret",
                    github::Grant::person("carl").only(&["contents=read"]),
                );
                hub.git_url(REPO)
            }
            Forge::Lab(lab) => {
                lab.token("reads-s3cret", gitlab::Grant::everything("carl").read_only());
                lab.git_url(REPO)
            }
        };
        let bench = Bench::new(&[]);
        let mut command = bench.command();
        command
            .args(["release", "tag", "--repo", &url])
            .env("GITOPS_STEPS_TOKEN", "reads-s3cret");
        let run = Run::from(command.output().unwrap()).exits(5);
        assert!(
            run.stdout.is_empty() && forge.tags() == "v1.0.0",
            "{}",
            run.stderr
        );
    }
}

#[test]
fn labels_say_how_far_the_version_moves() {
    for (labels, flags, next) in [
        (&[&["minor"][..], &[]][..], &[][..], "1.1.0"),
        (&[&["patch"], &["Major", "minor"]], &[], "2.0.0"),
        (&[&["bug"]], &[], "1.0.1"),
        (&[&["bug"]], &["--default-bump", "minor"], "1.1.0"),
        (&[&[]], &["--default-bump", "none"], "1.0.0"),
        (&[&["patch"]], &["--default-bump", "minor"], "1.1.0"),
        (&[&["minor"]], &["--bump", "patch"], "1.0.1"),
    ] {
        for forge in Forge::both() {
            for (number, labels) in labels.iter().enumerate() {
                forge.merge(&format!("topic-{number}"), labels);
            }
            let told = forge.json(&[&["next", "--from", "labels"], flags].concat());
            assert_eq!(
                told["new"],
                next,
                "{} {labels:?} {flags:?}: {}",
                forge.address(),
                told["release"]["why"]
            );
        }
    }
}

#[test]
fn a_commit_without_a_change_request_counts_as_the_default() {
    for forge in Forge::both() {
        forge.commit("feat!: straight to main");
        let told = forge.json(&["next", "--from", "labels"]);
        assert_eq!(told["new"], "1.0.1");
        assert_eq!(forge.json(&["next"])["new"], "2.0.0");
    }
}

#[test]
fn labels_are_asked_of_the_forge_of_a_clone_too() {
    for forge in Forge::both() {
        forge.merge("topic", &["minor"]);
        let bench = Bench::new(&[]);
        let url = match &forge {
            Forge::Hub(hub) => hub.git_url(REPO),
            Forge::Lab(lab) => lab.git_url(REPO),
        };
        let with_login = url.replacen("://", &format!("://oauth2:{TOKEN}@"), 1);
        git_says(&bench.repo(), &["clone", "--quiet", &with_login, "."]);
        let mut command = bench.command();
        command
            .args(["release", "next", "--from", "labels"])
            .envs(forge.variables())
            .env("GITOPS_STEPS_TOKEN", TOKEN);
        assert_eq!(Run::from(command.output().unwrap()).exits(0).stdout, "1.1.0\n");
    }
}

#[test]
fn an_app_reads_by_git_and_tags_by_itself_from_a_clone_too() {
    let forge = Forge::github();
    let Forge::Hub(hub) = &forge else { unreachable!() };
    hub.app(github::App::new(7, 70, &[REPO], &["contents=write"]));
    let bench = Bench::new(&[]);
    let with_login = hub.git_url(REPO).replacen("://", &format!("://x:{TOKEN}@"), 1);
    git_says(&bench.repo(), &["clone", "--quiet", &with_login, "."]);
    git_says(
        &bench.repo(),
        &["remote", "set-url", "origin", &hub.git_url(REPO)],
    );
    let key = github::Hub::app_key();
    let run = |arguments: &[&str]| {
        let mut command = bench.command();
        command
            .args(["release", "tag", "--bump", "minor", "--publish", "push"])
            .args(arguments)
            .envs(forge.variables())
            .env("GITOPS_STEPS_APP_ID", "7")
            .env("GITOPS_STEPS_APP_PRIVATE_KEY", &key);
        Run::from(command.output().unwrap()).exits(0).stdout
    };
    forge.commit("fix: a");
    assert_eq!(run(&["--repo", &forge.address()]), "v1.1.0\n");
    forge.commit("fix: b");
    git_says(&bench.repo(), &["pull", "--quiet", &with_login, "main"]);
    assert_eq!(run(&[]), "v1.2.0\n");
    assert_eq!(forge.tags(), "v1.0.0 v1.1.0 v1.2.0");
}
