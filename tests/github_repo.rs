//! A config repo and its pull requests through GitHub's API, against a GitHub that refuses what GitHub refuses.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::support::cli::Bench;
use crate::support::github::{App, Failure, Fake, Flavor, Grant, Hub};
use gitops_steps::plan::change_request::{
    AutoMerge, ChangeRequest, Dressing, Edit, MergeMethod, NewChangeRequest, Opened, State,
};
use gitops_steps::plan::commit::{Fate, FileChange, Identity, NewCommit, Signing};
use gitops_steps::plan::comparison::Relation;
use gitops_steps::words::fault::{Fault, Kind};
use gitops_steps::words::forge_repo::ForgeRepo;
use gitops_steps::words::repo_path::RepoPath;
use gitops_steps::words::token::{Token, TokenSource};
use gitops_steps::world::clock::Deadline;
use gitops_steps::world::config_repo::{ConfigRepo, Outcome};
use gitops_steps::world::env::Environment;
use gitops_steps::world::forge::Forge;
use gitops_steps::world::forge::access::{ApiRoot, Credential, ForgeAccess};
use gitops_steps::world::git_config::GitConfig;
use gitops_steps::world::http::Http;
use gitops_steps::world::progress::Silent;
use serde_json::json;

const REPO: &str = "acme/deploy";
const POLICY: &str = ".gitops-steps.yaml";
const DEV: &str = "web/dev.yaml";
const FLAVORS: [Flavor; 2] = [Flavor::DotCom, Flavor::Enterprise];

fn hub_as(flavor: Flavor) -> Fake {
    let hub = Fake::start_as(flavor);
    hub.repo(
        REPO,
        &[
            (POLICY, "version: 1\n"),
            (DEV, "image:\n  tag: v1\n"),
            ("web/prod.yaml", "image:\n  tag: v0\n"),
            ("run.sh*", "#!/bin/sh\n"),
            ("link.yaml -> web/dev.yaml", ""),
        ],
    );
    hub.token("s3cret-ana", Grant::person("ana"));
    hub
}

fn hub() -> Fake {
    hub_as(Flavor::DotCom)
}

fn forge_with(hub: &Hub, repo: &str, credential: Credential) -> Forge {
    forge_within(hub, repo, credential, Duration::from_secs(60))
}

fn forge_within(hub: &Hub, repo: &str, credential: Credential, limit: Duration) -> Forge {
    let environment = Environment::from_pairs([
        ("GITHUB_API_URL", hub.api_url().as_str()),
        ("GITHUB_GRAPHQL_URL", hub.graphql_url().as_str()),
    ]);
    let repo = ForgeRepo::parse(&format!("github:{repo}")).unwrap().unwrap();
    let access = ForgeAccess {
        http: Http::new(&environment, &GitConfig::default()),
        credential,
        root: ApiRoot::of(repo.kind(), None, &environment).unwrap(),
        deadline: Deadline::after(limit),
        progress: Arc::new(Silent),
    };
    Forge::new(repo, access)
}

fn token(text: &str, variable: &'static str) -> Credential {
    Credential::Token(Token::parse(text).unwrap(), TokenSource::Variable(variable))
}

fn forge(hub: &Hub) -> Forge {
    forge_with(hub, REPO, token("s3cret-ana", "GITOPS_STEPS_TOKEN"))
}

fn repo(hub: &Hub) -> Box<dyn ConfigRepo> {
    forge(hub).config_repo(None)
}

fn path(text: &str) -> RepoPath {
    RepoPath::parse(text).unwrap()
}

fn change(file: &str, new: &str) -> NewCommit {
    NewCommit {
        message: "deploy(dev): web v1 → v2\n\nGitops-App: web\nGitops-Env: dev\n".to_owned(),
        author: None,
        signing: None,
        changes: vec![FileChange {
            path: path(file),
            fate: Fate::Changed {
                old: Vec::new(),
                new: new.into(),
            },
        }],
    }
}

fn fault(error: &anyhow::Error) -> &Fault {
    error.downcast_ref().unwrap()
}

/// Opens the branch as a bump does, and returns its tip.
fn bump_reads(repo: &mut dyn ConfigRepo) -> String {
    let snapshot = repo.snapshot().unwrap();
    snapshot.read(&[path(POLICY)]).unwrap();
    snapshot.read(&[path(DEV)]).unwrap();
    snapshot.commit().unwrap().to_owned()
}

#[test]
fn a_bump_costs_three_requests_and_lands_verified() {
    for flavor in FLAVORS {
        let hub = hub_as(flavor);
        let last = hub.person_commits(REPO, "main", DEV, "image:\n  tag: v1.1\n");
        hub.clear_requests();
        let mut repo = repo(&hub);
        let snapshot = repo.snapshot().unwrap();
        assert_eq!(snapshot.commit(), Some(last.as_str()));
        let files = snapshot
            .read(&[path(POLICY), path(DEV), path("no.yaml")])
            .unwrap();
        assert_eq!(files[1].as_ref().unwrap().bytes, b"image:\n  tag: v1.1\n");
        assert!(files[0].is_some() && files[2].is_none());
        let history = snapshot.history(&path(DEV), 1).unwrap();
        assert_eq!(history[0].id, last);
        drop(snapshot);
        assert_eq!(repo.branch(), Some("main"));
        let outcome = repo
            .commit(Some(&last), &change(DEV, "image:\n  tag: v2\n"))
            .unwrap();
        let Outcome::Landed { commit, verified } = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!((commit, verified), (hub.tip(REPO, "main"), Some(true)));
        assert_eq!(hub.requests().len(), 3, "{:?}", hub.requests());
        assert_eq!(hub.file(REPO, "main", DEV).unwrap(), "image:\n  tag: v2\n");
        let message = hub.log(REPO, "main")[0]["message"].as_str().unwrap().to_owned();
        assert_eq!(message.trim_end(), change(DEV, "").message.trim_end());
    }
}

#[test]
fn a_branch_that_moved_is_never_overwritten() {
    let hub = hub();
    let mut repo = repo(&hub);
    let base = bump_reads(&mut *repo);
    hub.person_commits(REPO, "main", "other.yaml", "a: 1\n");
    let outcome = repo.commit(Some(&base), &change(DEV, "a: 2\n")).unwrap();
    assert!(matches!(outcome, Outcome::Moved { .. }), "{outcome:?}");
    assert_eq!(hub.file(REPO, "main", DEV).unwrap(), "image:\n  tag: v1\n");
    let base = bump_reads(&mut *repo);
    let outcome = repo.commit(Some(&base), &change(DEV, "a: 2\n")).unwrap();
    assert!(matches!(outcome, Outcome::Landed { .. }), "{outcome:?}");
}

#[test]
fn a_lost_answer_is_not_sent_again() {
    let hub = hub();
    let mut repo = repo(&hub);
    let base = bump_reads(&mut *repo);
    hub.fail_next("createCommitOnBranch", Failure::CloseAfterDoing);
    let outcome = repo.commit(Some(&base), &change(DEV, "a: 2\n")).unwrap();
    assert!(
        matches!(outcome, Outcome::Unknown { commit: None, .. }),
        "{outcome:?}"
    );
    assert_eq!(hub.log(REPO, "main").len(), 2);
}

#[test]
fn a_commit_that_landed_is_not_refused_for_what_the_token_may_not_see_of_it() {
    for (signature, path, expected) in [
        (
            json!(null),
            json!(["createCommitOnBranch", "commit", "signature"]),
            None,
        ),
        (
            json!({ "isValid": true }),
            json!(["createCommitOnBranch", "clientMutationId"]),
            Some(true),
        ),
        (
            json!(null),
            json!(["createCommitOnBranch", "clientMutationId"]),
            Some(false),
        ),
    ] {
        let hub = hub();
        let mut repo = repo(&hub);
        let base = bump_reads(&mut *repo);
        hub.before_next("createCommitOnBranch", move |hub| {
            let oid = hub.person_commits(REPO, "main", DEV, "a: 2\n");
            let said = "Resource not accessible by integration";
            let body = json!({
                "data": { "createCommitOnBranch": { "commit": { "oid": oid, "signature": signature } } },
                "errors": [{ "type": "FORBIDDEN", "path": path, "message": said }],
            });
            hub.fail_next(
                "createCommitOnBranch",
                Failure::Status(200, vec![], body.to_string()),
            );
        });
        let outcome = repo.commit(Some(&base), &change(DEV, "a: 2\n")).unwrap();
        let Outcome::Landed { commit, verified } = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!((commit, verified), (hub.tip(REPO, "main"), expected));
    }
}

#[test]
fn what_the_api_cannot_do_names_the_address_that_git_reaches() {
    let hub = hub();
    let hint = format!("{}/{REPO}.git", hub.url());
    let check = |error: anyhow::Error| {
        assert_eq!(fault(&error).kind, Kind::Invalid, "{error}");
        assert!(fault(&error).hint.as_ref().unwrap().ends_with(&hint), "{error:?}");
    };
    let mut repo = repo(&hub);
    let base = bump_reads(&mut *repo);
    let by = Identity {
        name: "Ana".to_owned(),
        email: "ana@acme.example".to_owned(),
    };
    let signing = Signing::Ssh { key: "key".into() };
    for commit in [
        NewCommit {
            author: Some(by),
            ..change(DEV, "a")
        },
        NewCommit {
            signing: Some(signing),
            ..change(DEV, "a")
        },
        change("run.sh", "a"),
        change(DEV, &"a".repeat(40_000_000)),
    ] {
        check(repo.commit(Some(&base), &commit).unwrap_err());
    }
    let snapshot = repo.snapshot().unwrap();
    // An executable file can be read all the same.
    assert!(snapshot.read(&[path("run.sh")]).unwrap()[0].is_some());
    check(snapshot.read(&[path("link.yaml")]).unwrap_err());
    let folder = snapshot.read(&[path("web")]).unwrap_err();
    assert_eq!(fault(&folder).kind, Kind::NotFound);
    hub.settings(REPO, |settings| settings.most_tree_entries = 1);
    check(snapshot.list().unwrap_err());
    assert_eq!(hub.log(REPO, "main").len(), 1);
}

#[test]
fn many_files_are_read_a_hundred_at_a_time_and_all_are_listed() {
    let hub = Fake::start();
    let names: Vec<String> = (0..250).map(|n| format!("app{n:03}/values.yaml")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "a: 1\n")).collect();
    hub.repo(REPO, &files);
    hub.token("s3cret-ana", Grant::person("ana"));
    let mut repo = repo(&hub);
    let snapshot = repo.snapshot().unwrap();
    let listed = snapshot.list().unwrap();
    assert_eq!(listed.iter().map(RepoPath::as_str).collect::<Vec<_>>(), names);
    hub.clear_requests();
    let read = snapshot.read(&listed).unwrap();
    assert!(read.iter().all(Option::is_some));
    assert_eq!(hub.requests().len(), 3);
    snapshot.read(&listed).unwrap();
    assert_eq!(hub.requests().len(), 3, "what is known is not asked for again");
    assert_eq!(snapshot.history(&listed[0], 5).unwrap().len(), 1);
}

#[test]
fn a_file_is_whole_even_where_the_api_cuts_it() {
    let hub = Fake::start();
    let long = "key: value\n".repeat(60_000);
    hub.repo(REPO, &[("long.yaml", &long), ("marked.yaml", "\u{feff}a: 1\r\n")]);
    hub.token("s3cret-ana", Grant::person("ana"));
    let mut repo = repo(&hub);
    let snapshot = repo.snapshot().unwrap();
    let read = snapshot.read(&[path("long.yaml"), path("marked.yaml")]).unwrap();
    assert!(read[0].as_ref().unwrap().bytes == long.as_bytes());
    assert_eq!(read[1].as_ref().unwrap().bytes, "\u{feff}a: 1\r\n".as_bytes());
}

#[test]
fn text_that_is_not_what_the_commit_holds_is_never_taken() {
    let hub = hub();
    let id = git2::Oid::hash_object(git2::ObjectType::Blob, b"image:\n  tag: v1\n").unwrap();
    let text = |text: &str| {
        let blob = json!({ "oid": id.to_string(), "byteSize": 17, "isTruncated": false, "text": text });
        let object = json!({ "f0": { "mode": 0o100_644, "object": blob } });
        let body = json!({ "data": { "repository": { "object": object } } });
        Failure::Status(200, vec![], body.to_string())
    };
    let mut repo = repo(&hub);
    let snapshot = repo.snapshot().unwrap();
    hub.fail_next("GitObjectID", text("image:\n  tag: \u{fffd}\n"));
    let read = snapshot.read(&[path(DEV)]).unwrap();
    assert_eq!(read[0].as_ref().unwrap().bytes, b"image:\n  tag: v1\n");
    drop(snapshot);

    let snapshot = repo.snapshot().unwrap();
    hub.fail_next("GitObjectID", text("evil"));
    let other = json!({ "encoding": "base64", "content": "ZXZpbA==" });
    hub.fail_next("git/blobs", Failure::Status(200, vec![], other.to_string()));
    let error = snapshot.read(&[path(DEV)]).unwrap_err();
    assert_eq!(fault(&error).kind, Kind::Denied, "{error}");
}

#[test]
fn a_refusal_names_what_would_help() {
    let hub = hub();
    hub.protect(REPO, "main");
    let protected = |credential| {
        let mut repo = forge_with(&hub, REPO, credential).config_repo(None);
        let base = bump_reads(&mut *repo);
        match repo.commit(Some(&base), &change(DEV, "a: 2\n")).unwrap() {
            Outcome::Refused(fault) => (fault.kind, fault.hint.unwrap()),
            other => panic!("{other:?}"),
        }
    };
    let (kind, hint) = protected(token("s3cret-ana", "GITOPS_STEPS_TOKEN"));
    assert!(
        kind == Kind::Refused && hint.contains("--publish pull-request"),
        "{hint}"
    );
    hub.token("s3cret-reader", Grant::workflow(REPO).only(&["contents=read"]));
    let (kind, hint) = protected(token("s3cret-reader", "GITOPS_STEPS_TOKEN"));
    assert!(kind == Kind::Denied && hint.contains("contents: write"), "{hint}");

    hub.token("s3cret-other", Grant::workflow("acme/web"));
    for (credential, wanted) in [
        (Credential::None, "GITOPS_STEPS_TOKEN"),
        (token("wrong", "GITOPS_STEPS_TOKEN"), "wrong or has expired"),
        (token("s3cret-other", "GITHUB_TOKEN"), "GitHub App"),
    ] {
        let mut repo = forge_with(&hub, REPO, credential).config_repo(None);
        let error = repo.snapshot().err().unwrap();
        let hint = fault(&error).hint.clone().unwrap();
        assert!(
            fault(&error).kind == Kind::Denied && hint.contains(wanted),
            "{error} {hint}"
        );
    }
}

#[test]
fn a_branch_that_is_not_there_is_answered_with_those_that_are() {
    let hub = hub();
    hub.branch(REPO, "staging", "main");
    let mut repo = forge(&hub).config_repo(Some("stagin"));
    let error = repo.snapshot().err().unwrap();
    assert_eq!(fault(&error).kind, Kind::NotFound);
    assert!(fault(&error).hint.as_ref().unwrap().contains("staging"));
    assert!(repo.head("promote/prod/web", &[]).unwrap().is_none());
}

#[test]
fn a_proposal_replaces_its_branch_without_closing_the_pull_request() {
    for flavor in FLAVORS {
        let hub = hub_as(flavor);
        let mut repo = repo(&hub);
        let base = bump_reads(&mut *repo);
        let head = "promote/prod/web";
        let first = match repo.propose(&base, head, None, &change(DEV, "a: 2\n")).unwrap() {
            Outcome::Landed { commit, .. } => commit.unwrap(),
            other => panic!("{other:?}"),
        };
        let number = hub.open_pull(REPO, head, "promote", "ana");
        let base = hub.person_commits(REPO, "main", "other.yaml", "b: 1\n");
        assert_eq!(bump_reads(&mut *repo), base);
        let seen = repo.head(head, &[path(DEV)]).unwrap().unwrap();
        assert_eq!(seen.tip.id, first);
        assert!(
            seen.tip.committer.contains("noreply@github.com"),
            "{}",
            seen.tip.committer
        );
        assert_eq!(
            seen.files.read(&[path(DEV)]).unwrap()[0].as_ref().unwrap().bytes,
            b"a: 2\n"
        );
        drop(seen);
        let outcome = repo
            .propose(&base, head, Some(&first), &change(DEV, "a: 3\n"))
            .unwrap();
        let Outcome::Landed {
            commit: Some(second), ..
        } = outcome
        else {
            panic!("{outcome:?}")
        };
        let pull = &hub.pulls(REPO)[usize::try_from(number).unwrap() - 1];
        assert_eq!(
            (&pull["state"], &pull["head_sha"]),
            (&json!("OPEN"), &json!(second))
        );
        assert_eq!(hub.branches(REPO), ["main", head], "no temporary branch is left");
        assert_eq!(hub.file(REPO, head, "other.yaml").unwrap(), "b: 1\n");
        assert_eq!(hub.file(REPO, "main", DEV).unwrap(), "image:\n  tag: v1\n");
    }
}

/// A proposal: what it meets, the request that fails, and what comes of it.
type Proposal = (&'static str, Option<(&'static str, Failure)>, &'static str);

#[test]
fn a_proposal_that_fails_leaves_nothing_behind() {
    let gone = r#"{"errors":[{"extensions":{"code":"undefinedField"},"message":"Field 'updateRefs' doesn't exist on type 'Mutation'"}]}"#;
    let head = "promote/prod/web";
    let cases: [Proposal; 6] = [
        ("somebody was faster", None, "moved"),
        (
            "the commit is refused",
            Some((
                "createCommitOnBranch",
                Failure::Status(403, vec![], "{}".to_owned()),
            )),
            "refused",
        ),
        (
            "the commit's answer is lost",
            Some(("createCommitOnBranch", Failure::CloseAfterDoing)),
            "unknown",
        ),
        (
            "the branch's answer is lost",
            Some(("POST /repos/acme/deploy/git/refs", Failure::CloseAfterDoing)),
            "unknown",
        ),
        (
            "the last answer is lost",
            Some(("updateRefs", Failure::CloseAfterDoing)),
            "unknown with commit",
        ),
        (
            "an old server",
            Some(("updateRefs", Failure::Status(200, vec![], gone.to_owned()))),
            "landed",
        ),
    ];
    for (what, failure, expected) in cases {
        let hub = hub();
        let mut repo = repo(&hub);
        let base = bump_reads(&mut *repo);
        hub.branch(REPO, head, "main");
        let tip = hub.person_commits(REPO, head, DEV, "a: 9\n");
        match failure {
            Some((part, failure)) => hub.fail_next(part, failure),
            None => hub.before_next("updateRefs", move |hub| {
                hub.person_commits(REPO, head, DEV, "a: 10\n");
            }),
        }
        let outcome = repo
            .propose(&base, head, Some(&tip), &change(DEV, "a: 3\n"))
            .unwrap();
        let came = match outcome {
            Outcome::Landed { .. } => "landed",
            Outcome::Moved { .. } => "moved",
            Outcome::Refused(_) => "refused",
            Outcome::Unknown { commit: None, .. } => "unknown",
            Outcome::Unknown { commit: Some(_), .. } => "unknown with commit",
        };
        assert_eq!(came, expected, "{what}");
        assert_eq!(hub.branches(REPO), ["main", head], "{what}");
    }
}

#[test]
fn a_proposal_that_is_given_up_leaves_nothing_behind() {
    for part in [
        "POST /repos/acme/deploy/git/refs",
        "createCommitOnBranch",
        "updateRefs",
    ] {
        let hub = hub();
        let (released, held) = channel::<()>();
        hub.before_next(part, move |_| {
            let _ = held.recv();
        });
        let credential = token("s3cret-ana", "GITOPS_STEPS_TOKEN");
        let mut repo = forge_within(&hub, REPO, credential, Duration::from_secs(3)).config_repo(None);
        let base = bump_reads(&mut *repo);
        // What nobody answered to may have been done, and nothing is left of it all the same.
        match repo.propose(&base, "promote/prod/web", None, &change(DEV, "a: 3\n")) {
            Ok(outcome) => assert!(matches!(outcome, Outcome::Unknown { .. }), "{part}: {outcome:?}"),
            Err(error) => assert_eq!(fault(&error).kind, Kind::GaveUp, "{part}: {error}"),
        }
        let asked = hub.requests();
        let dropped = asked
            .iter()
            .any(|asked| asked.method == "DELETE" && asked.target.contains("/heads/gitops-steps/"));
        assert!(dropped, "{part}");
        assert_eq!(hub.branches(REPO), ["main"], "{part}");
        drop(released);
    }
}

#[test]
fn what_a_killed_run_left_behind_is_deleted_by_a_later_one() {
    let now = gitops_steps::world::clock::now().as_second();
    let word = "a1B2c3D4e5F6a1B2c3D4e5F6";
    let old = format!("gitops-steps/{}-{word}", now - 100_000);
    let fresh = format!("gitops-steps/{}-{word}", now - 60);
    let persons = "gitops-steps/1-notes";
    let head = "promote/prod/web";
    for (failure, left) in [
        (None, vec![&*fresh, persons, "main", head]),
        (Some("matching-refs"), vec![&*old, &*fresh, persons, "main", head]),
        (Some("DELETE "), vec![&*old, &*fresh, persons, "main", head]),
    ] {
        let hub = hub();
        for branch in [&*old, &*fresh, persons] {
            hub.branch(REPO, branch, "main");
        }
        if let Some(part) = failure {
            hub.fail_next(part, Failure::Status(403, vec![], "{}".to_owned()));
        }
        let mut repo = repo(&hub);
        let base = bump_reads(&mut *repo);
        let outcome = repo.propose(&base, head, None, &change(DEV, "a: 3\n")).unwrap();
        assert!(matches!(outcome, Outcome::Landed { .. }), "{outcome:?}");
        let mut branches = hub.branches(REPO);
        let mut left = left;
        branches.sort_unstable();
        left.sort_unstable();
        assert_eq!(branches, left, "{failure:?}");
    }
}

#[test]
fn an_old_server_never_overwrites_what_came_meanwhile() {
    let gone = r#"{"errors":[{"message":"Field 'updateRefs' doesn't exist on type 'Mutation'"}]}"#;
    let head = "promote/prod/web";
    for expected in [None, Some("0123456789012345678901234567890123456789")] {
        let hub = hub();
        let mut repo = repo(&hub);
        let base = bump_reads(&mut *repo);
        hub.branch(REPO, head, "main");
        hub.fail_next("updateRefs", Failure::Status(200, vec![], gone.to_owned()));
        let outcome = repo
            .propose(&base, head, expected, &change(DEV, "a: 3\n"))
            .unwrap();
        assert!(matches!(outcome, Outcome::Moved { .. }), "{outcome:?}");
        assert_eq!(hub.tip(REPO, head), hub.tip(REPO, "main"));
        assert_eq!(hub.branches(REPO), ["main", head]);
    }
}

fn new_pull(draft: bool) -> NewChangeRequest {
    NewChangeRequest {
        head: "topic".to_owned(),
        base: "main".to_owned(),
        title: "promote web".to_owned(),
        body: "from dev".to_owned(),
        draft,
    }
}

/// A repository with a branch `topic` that carries a change.
fn hub_with_topic() -> Fake {
    let hub = hub();
    hub.branch(REPO, "topic", "main");
    hub.person_commits(REPO, "topic", DEV, "a: 2\n");
    hub
}

fn opened(forge: &Forge, draft: bool) -> (ChangeRequest, Option<String>) {
    match forge.open(&new_pull(draft)).unwrap() {
        Opened::New(request, warning) => (request, warning),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_pull_request_is_opened_once_found_again_changed_and_closed() {
    let hub = hub_with_topic();
    let forge = forge(&hub);
    let (request, warning) = opened(&forge, true);
    assert!(request.draft && warning.is_none() && request.head == hub.tip(REPO, "topic"));
    assert_eq!(forge.open(&new_pull(false)).unwrap(), Opened::Exists);
    assert_eq!(
        forge.change_requests("topic", "main").unwrap(),
        std::slice::from_ref(&request)
    );
    assert!(forge.change_requests("topic", "other").unwrap().is_empty());

    let edit = Edit {
        title: Some("promote web v2".to_owned()),
        ..Edit::default()
    };
    let changed = forge.update(request.number, &edit).unwrap();
    assert_eq!(
        (changed.title.as_str(), changed.body.as_str()),
        ("promote web v2", "from dev")
    );
    forge
        .close(request.number, "superseded", "prod has it already")
        .unwrap();
    let closed = &hub.pulls(REPO)[0];
    assert_eq!(closed["comments"], json!([["ana", "prod has it already"]]));
    assert_eq!(
        (&closed["state"], &closed["body"]),
        (&json!("CLOSED"), &json!("superseded"))
    );
    let found = forge.change_requests("topic", "main").unwrap();
    assert_eq!(found[0].state, State::Closed);
    let reopen = Edit {
        reopen: true,
        ..Edit::default()
    };
    assert_eq!(forge.update(request.number, &reopen).unwrap().state, State::Open);
    hub.merge(REPO, request.number);
    let found = forge.change_requests("topic", "main").unwrap();
    assert_eq!(found[0].state, State::Merged);
}

#[test]
fn only_the_newest_of_many_pull_requests_are_fetched() {
    let hub = hub_with_topic();
    let forge = forge(&hub);
    for _ in 0..11 {
        forge
            .close(opened(&forge, false).0.number, "from dev", "not now")
            .unwrap();
    }
    let open = opened(&forge, false).0.number;
    let found = forge.change_requests("topic", "main").unwrap();
    let numbers: Vec<_> = found.iter().map(|one| one.number).collect();
    assert_eq!(numbers, (open - 9..=open).rev().collect::<Vec<_>>());
    assert_eq!(found[0].state, State::Open);
}

#[test]
fn a_pull_request_of_a_fork_is_not_taken_for_ours() {
    let hub = hub();
    let pull = |number: u64, home: &serde_json::Value, base: &str| {
        let to = json!({ "ref": base, "sha": "b", "repo": { "full_name": REPO } });
        let from = json!({ "ref": "topic", "sha": "a", "repo": home });
        json!({ "number": number, "html_url": "u", "state": "open", "title": "t", "head": from, "base": to })
    };
    let ours = json!({ "full_name": "Acme/Deploy" });
    let listed = json!([
        pull(4, &json!({ "full_name": "evil/deploy" }), "main"),
        pull(3, &json!(null), "main"),
        pull(2, &ours, "other"),
        pull(1, &ours, "main"),
    ]);
    hub.fail_next(
        "GET /repos/acme/deploy/pulls",
        Failure::Status(200, vec![], listed.to_string()),
    );
    let found = forge(&hub).change_requests("topic", "main").unwrap();
    assert_eq!(found.iter().map(|one| one.number).collect::<Vec<_>>(), [1]);
}

#[test]
fn opening_meets_what_github_answers() {
    let hub = hub_with_topic();
    let forge = forge(&hub);
    hub.branch(REPO, "same", "main");
    let same = NewChangeRequest {
        head: "same".to_owned(),
        ..new_pull(false)
    };
    assert_eq!(forge.open(&same).unwrap(), Opened::NoDifference);
    let long = NewChangeRequest {
        title: "é".repeat(257),
        ..new_pull(false)
    };
    assert_eq!(forge.open(&long).unwrap_err().kind, Kind::Invalid);
    hub.fail_next("POST /repos/acme/deploy/pulls", Failure::CloseAfterDoing);
    assert!(matches!(
        forge.open(&new_pull(false)).unwrap(),
        Opened::Unclear(_)
    ));
    assert_eq!(hub.pulls(REPO).len(), 1);
    hub.close(REPO, 1, "ana");
    hub.settings(REPO, |settings| settings.drafts = false);
    let late = r#"{"message":"Validation Failed","errors":[{"resource":"PullRequest","field":"head","code":"invalid"}]}"#;
    hub.fail_next(
        "POST /repos/acme/deploy/pulls",
        Failure::Status(422, vec![], late.to_owned()),
    );
    let (request, warning) = opened(&forge, true);
    assert!(!request.draft && warning.unwrap().contains("draft"));
    hub.fail_next("PATCH", Failure::CloseAfterDoing);
    let edit = Edit {
        body: Some("once more".to_owned()),
        ..Edit::default()
    };
    hub.clear_requests();
    assert_eq!(forge.update(request.number, &edit).unwrap().body, "once more");
    let sent = hub.requests();
    assert_eq!(
        sent.iter().filter(|one| one.method == "PATCH").count(),
        1,
        "looked up, not sent again"
    );
}

#[test]
fn what_cannot_be_put_on_a_pull_request_is_a_warning_and_the_rest_is_put() {
    let hub = hub_with_topic();
    hub.settings(REPO, |settings| {
        settings.collaborators = vec!["bea".to_owned(), "cai".to_owned()];
        settings.labels = vec!["production".to_owned()];
        settings.makes_labels = false;
    });
    let forge = forge(&hub);
    let (request, _) = opened(&forge, false);
    let list = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let dressing = Dressing {
        labels: list(&["production", "new"]),
        reviewers: list(&["bea", "stranger"]),
        team_reviewers: Vec::new(),
        assignees: list(&["cai", "nobody"]),
    };
    let late = r#"{"message":"Could not resolve to a node with the global id of 'PR_1'"}"#;
    let late = || Failure::Status(422, vec![], late.to_owned());
    let one = Dressing {
        labels: list(&["production"]),
        ..Dressing::default()
    };
    hub.fail_next("/labels", late());
    let warnings = forge.dress(&request, &one).unwrap();
    assert!(
        warnings.is_empty(),
        "a fresh pull request is tried again: {warnings:?}"
    );
    let warnings = forge.dress(&request, &dressing).unwrap();
    let named: Vec<bool> = ["`new`", "`stranger`", "`nobody`"]
        .iter()
        .zip(&warnings)
        .map(|(name, warning)| warning.contains(name))
        .collect();
    assert_eq!(named, [true, true, true], "{warnings:?}");
    let pull = &hub.pulls(REPO)[0];
    assert_eq!(pull["labels"], json!(["production"]));
    assert_eq!(pull["reviewers"], json!(["bea"]));
    assert_eq!(pull["assignees"], json!(["cai"]));
    assert!(forge.dress(&request, &Dressing::default()).unwrap().is_empty());
}

/// A way to ask for an automatic merge: what the repository is like, what happens, and what comes of it.
type Merge = (&'static str, fn(&Hub), fn(&AutoMerge) -> bool);

#[test]
fn an_automatic_merge_ends_well_wherever_it_is_asked_for() {
    fn moved(hub: &Hub) {
        let said = r#"{"message":"Base branch was modified. Review and try the merge again."}"#;
        hub.fail_next("PUT ", Failure::Status(405, vec![], said.to_owned()));
    }
    fn set(hub: &Hub, allowed: bool, pending: bool, queue: bool) {
        hub.settings(REPO, |settings| {
            settings.auto_merge_allowed = allowed;
            settings.checks_pending = pending;
            settings.merge_queue = queue;
        });
    }
    let cases: [Merge; 9] = [
        (
            "checks are pending",
            |hub| set(hub, true, true, false),
            |came| *came == AutoMerge::Enabled,
        ),
        (
            "clean already",
            |hub| set(hub, true, false, false),
            |came| *came == AutoMerge::Merged,
        ),
        (
            "a merge queue",
            |hub| set(hub, true, false, true),
            |came| *came == AutoMerge::Queued,
        ),
        (
            "not allowed",
            |hub| set(hub, false, true, false),
            |came| matches!(came, AutoMerge::Unavailable(why) if why.contains("auto-merge")),
        ),
        (
            "the base moved",
            |hub| {
                set(hub, true, false, false);
                moved(hub);
            },
            |came| *came == AutoMerge::Merged,
        ),
        (
            "merged meanwhile",
            |hub| {
                set(hub, true, false, false);
                hub.merge(REPO, 1);
            },
            |came| *came == AutoMerge::Merged,
        ),
        (
            "closed meanwhile",
            |hub| {
                set(hub, true, false, false);
                hub.close(REPO, 1, "ana");
            },
            |came| matches!(came, AutoMerge::Unavailable(_)),
        ),
        (
            "the merge's answer is lost",
            |hub| {
                set(hub, true, false, false);
                hub.fail_next("PUT ", Failure::CloseAfterDoing);
            },
            |came| *came == AutoMerge::Merged,
        ),
        (
            "somebody pushed",
            |hub| {
                set(hub, true, false, false);
                hub.person_commits(REPO, "topic", "evil.yaml", "a: 1\n");
            },
            |came| matches!(came, AutoMerge::Unavailable(why) if why.contains("pushed")),
        ),
    ];
    for (what, prepare, expected) in cases {
        let hub = hub_with_topic();
        let forge = forge(&hub);
        let (request, _) = opened(&forge, false);
        prepare(&hub);
        let came = forge.auto_merge(&request, MergeMethod::Squash).unwrap();
        assert!(expected(&came), "{what}: {came:?}");
    }
}

#[test]
fn commits_are_compared_and_a_commit_that_is_not_there_is_told_from_a_repository_that_is_not() {
    let hub = hub_with_topic();
    let forge = forge(&hub);
    hub.branch(REPO, "behind/it", "main");
    hub.person_commits(REPO, "main", "other.yaml", "a: 1\n");
    for (base, head, relation) in [
        ("behind/it", "main", Relation::Ahead),
        ("main", "behind/it", Relation::Behind),
        ("main", "main", Relation::Same),
        ("main", "topic", Relation::Diverged),
    ] {
        assert_eq!(
            forge.compare(base, head).unwrap().unwrap().relation,
            relation,
            "{base}...{head}"
        );
    }
    let ahead = forge.compare("behind/it", "main").unwrap().unwrap();
    assert_eq!(Some(&ahead.commits[0].id), hub.tip(REPO, "main").as_ref());
    assert_eq!(ahead.total, 1);
    let cut = json!({ "status": "ahead", "total_commits": 1234, "commits": [] });
    hub.fail_next("/compare/", Failure::Status(200, vec![], cut.to_string()));
    assert_eq!(forge.compare("behind/it", "main").unwrap().unwrap().total, 1234);
    assert!(
        forge
            .compare("main", "0123456789012345678901234567890123456789")
            .unwrap()
            .is_none()
    );
    let unseen = forge_with(&hub, "acme/none", token("s3cret-ana", "GITOPS_STEPS_TOKEN"));
    assert_eq!(unseen.compare("a", "b").unwrap_err().kind, Kind::Denied);
}

#[test]
fn an_app_reaches_the_one_repository_with_a_token_made_once() {
    let app = |id: &str| Credential::App {
        id: id.to_owned(),
        key: Hub::app_key().into(),
    };
    let hub = hub_with_topic();
    hub.app(App::new(
        7,
        70,
        &[REPO],
        &["contents=write", "pull_requests=write"],
    ));
    let mut repo = forge_with(&hub, REPO, app("7")).config_repo(None);
    let base = bump_reads(&mut *repo);
    let outcome = repo.commit(Some(&base), &change(DEV, "a: 2\n")).unwrap();
    assert!(matches!(outcome, Outcome::Landed { .. }), "{outcome:?}");
    let made: Vec<_> = hub
        .requests()
        .into_iter()
        .filter(|one| one.target.ends_with("/access_tokens"))
        .collect();
    assert_eq!(made.len(), 1);
    assert_eq!(made[0].body, json!({ "repositories": ["deploy"] }));

    hub.repo("acme/other", &[("a", "b")]);
    let garbled = Credential::App {
        id: "7".to_owned(),
        key: "no key".to_owned().into(),
    };
    for (repo, credential, kind, said) in [
        ("acme/other", app("7"), Kind::Denied, "is not installed on"),
        (REPO, app("8"), Kind::Denied, "does not accept the key"),
        (REPO, garbled, Kind::Invalid, "no RSA key"),
    ] {
        let error = forge_with(&hub, repo, credential)
            .config_repo(None)
            .snapshot()
            .err()
            .unwrap();
        assert!(
            fault(&error).kind == kind && error.to_string().contains(said),
            "{error}"
        );
    }
}

#[test]
fn a_workflows_token_is_warned_about_before_it_fails() {
    let hub = hub();
    for (variable, own, far, no_checks) in [
        ("GITHUB_TOKEN", Some("acme/web"), true, true),
        ("GITHUB_TOKEN", Some("Acme/Deploy"), false, true),
        ("GITHUB_TOKEN", None, false, true),
        ("GITOPS_STEPS_TOKEN", Some("acme/web"), false, false),
    ] {
        let forge = forge_with(&hub, REPO, token("s3cret-ana", variable));
        let warned = (
            forge.out_of_reach(own).is_some(),
            forge.starts_no_checks().is_some(),
        );
        assert_eq!(warned, (far, no_checks), "{variable} {own:?}");
    }
}

const APPS: &str = "version: 1
apps:
  web:
    image: ghcr.io/acme/web
    environments:
      dev: {auto-deploy: on, targets: [{file: web/values-dev.yaml, path: image}]}
      prod: {auto-deploy: off, targets: [{file: web/values-prod.yaml, path: image}]}
";
const VALUES: &str = "image:\n  repository: ghcr.io/acme/web\n  tag: v1.0.0\n";

/// Runs `bump-values` and returns how many requests it sent, and its JSON result.
fn bump(hub: &Hub, arguments: &[&str]) -> (usize, serde_json::Value) {
    hub.clear_requests();
    let result = Bench::new(&[]);
    let variables = [
        ("GITHUB_API_URL", hub.api_url()),
        ("GITHUB_GRAPHQL_URL", hub.graphql_url()),
        ("GITOPS_STEPS_TOKEN", "s3cret-ana".to_owned()),
    ];
    let variables: Vec<(&str, &str)> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let common = [
        "--config-repo",
        "github:acme/deploy",
        "--app",
        "web",
        "--format",
        "json",
    ];
    let run = result.bump_with(&variables, &[&common, arguments].concat());
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    (hub.requests().len(), serde_json::from_str(&run.stdout).unwrap())
}

#[test]
fn a_run_costs_the_same_few_requests_whatever_the_size_of_the_repository() {
    for more in [7, 10_000] {
        let hub = Fake::start();
        let names: Vec<String> = (0..more).map(|n| format!("apps/{}/{n}.yaml", n / 100)).collect();
        let mut files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "a: 1\n")).collect();
        files.extend([
            (POLICY, APPS),
            ("web/values-dev.yaml", VALUES),
            ("web/values-prod.yaml", VALUES),
        ]);
        hub.repo(REPO, &files);
        hub.token("s3cret-ana", Grant::person("ana"));
        let dev = ["--env", "dev", "--tag", "v1.1.0"];
        let prod = ["--env", "prod", "--tag", "v1.1.0", "--publish", "pull-request"];
        let (requests, result) = bump(&hub, &dev);
        assert_eq!(
            (requests, &result["verified"]),
            (3, &json!(true)),
            "{more}: {result}"
        );
        assert_eq!(bump(&hub, &dev).0, 2, "{more}: nothing to change");
        let (_, result) = bump(&hub, &prod);
        assert_eq!(result["operation"], "created", "{result}");
        let (requests, result) = bump(&hub, &prod);
        assert_eq!(result["operation"], "unchanged", "{result}");
        assert!(
            requests <= 5,
            "{more}: {requests} requests for an unchanged pull request"
        );
        let newer = ["--env", "prod", "--tag", "v1.2.0", "--publish", "pull-request"];
        let (_, result) = bump(&hub, &newer);
        assert_eq!(result["operation"], "updated", "{result}");
        let pulls = hub.pulls(REPO);
        assert_eq!((pulls.len(), &pulls[0]["state"]), (1, &json!("OPEN")));
    }
}
