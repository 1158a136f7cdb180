//! A config repo and its merge requests through GitLab's API, against a GitLab that refuses what GitLab refuses.

use std::sync::Arc;
use std::time::Duration;

use crate::support::gitlab::{Failure, Fake, Grant, Lab, Role};
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

const REPO: &str = "acme/team/deploy";
const POLICY: &str = ".gitops-steps.yaml";
const DEV: &str = "web/dev.yaml";
const HEAD: &str = "promote/prod/web";

fn lab_with(files: &[(&str, &str)]) -> Fake {
    let lab = Fake::start();
    lab.repo(REPO, files);
    lab.token("s3cret-ana", Grant::everything("ana"));
    lab
}

fn lab() -> Fake {
    lab_with(&[
        (POLICY, "version: 1\n"),
        (DEV, "image:\n  tag: v1\n"),
        ("web/prod.yaml", "image:\n  tag: v0\n"),
        ("web/crlf.yaml", "a: 1\r\n"),
        (".gitlab-ci.yml", "test:\n  script: [\"true\"]\n"),
        ("run.sh*", "#!/bin/sh\n"),
        ("link.yaml -> web/dev.yaml", ""),
    ])
}

fn forge_with(lab: &Fake, credential: Credential) -> Forge {
    let environment = Environment::from_pairs([
        ("CI_API_V4_URL", lab.api_url().as_str()),
        ("CI_API_GRAPHQL_URL", lab.graphql_url().as_str()),
    ]);
    let repo = ForgeRepo::parse(&format!("gitlab:{REPO}")).unwrap().unwrap();
    let access = ForgeAccess {
        http: Http::new(&environment, &GitConfig::default()),
        credential,
        root: ApiRoot::of(repo.kind(), None, &environment).unwrap(),
        deadline: Deadline::after(Duration::from_secs(60)),
        progress: Arc::new(Silent),
    };
    Forge::new(repo, access)
}

fn token(text: &str, variable: &'static str) -> Credential {
    Credential::Token(Token::parse(text).unwrap(), TokenSource::Variable(variable))
}

fn forge(lab: &Fake) -> Forge {
    forge_with(lab, token("s3cret-ana", "GITOPS_STEPS_TOKEN"))
}

fn repo(lab: &Fake) -> Box<dyn ConfigRepo> {
    forge(lab).config_repo(None)
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

fn addition(file: &str, new: &str) -> NewCommit {
    let (new, executable) = (new.into(), false);
    let fate = Fate::Added { new, executable };
    let path = path(file);
    NewCommit {
        changes: vec![FileChange { path, fate }],
        ..change(file, "")
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

fn came(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Landed { .. } => "landed",
        Outcome::Moved { .. } => "moved",
        Outcome::Refused(_) => "refused",
        Outcome::Unknown { commit: None, .. } => "unknown",
        Outcome::Unknown { commit: Some(_), .. } => "unknown with commit",
    }
}

#[test]
fn a_bump_costs_four_requests_and_reads_all_at_one_commit() {
    for branch in [None, Some("main")] {
        let lab = lab();
        let last = lab.person_commits(REPO, "main", DEV, "image:\n  tag: v1.1\n");
        lab.clear_requests();
        let mut repo = forge(&lab).config_repo(branch);
        let snapshot = repo.snapshot().unwrap();
        assert_eq!(snapshot.commit(), Some(last.as_str()));
        lab.person_commits(REPO, "main", "other.yaml", "a: 1\n");
        let asked = [path(POLICY), path(DEV), path("no.yaml"), path("other.yaml")];
        let files = snapshot.read(&asked).unwrap();
        assert_eq!(files[1].as_ref().unwrap().bytes, b"image:\n  tag: v1.1\n");
        assert!(files[0].is_some() && files[2].is_none() && files[3].is_none());
        drop(snapshot);
        assert_eq!(repo.branch(), Some("main"));
        let outcome = repo
            .commit(Some(&last), &change(DEV, "image:\n  tag: v2\n"))
            .unwrap();
        // Another file changed meanwhile, which GitLab does not mind.
        let Outcome::Landed { commit, .. } = outcome else {
            panic!("{outcome:?}")
        };
        assert_eq!(commit, lab.tip(REPO, "main"));
        assert_eq!(lab.requests().len(), 4, "{:?}", lab.requests());
        assert_eq!(lab.file(REPO, "main", DEV).unwrap(), "image:\n  tag: v2\n");
        let message = lab.log(REPO, "main")[0]["message"].as_str().unwrap().to_owned();
        assert_eq!(message.trim_end(), change(DEV, "").message.trim_end());
    }
}

#[test]
fn a_file_that_changed_meanwhile_is_never_overwritten() {
    let lab = lab();
    let mut repo = repo(&lab);
    let base = bump_reads(&mut *repo);
    lab.person_commits(REPO, "main", DEV, "image:\n  tag: v9\n");
    let outcome = repo.commit(Some(&base), &change(DEV, "a: 2\n")).unwrap();
    assert_eq!(came(&outcome), "moved", "{outcome:?}");
    assert_eq!(lab.file(REPO, "main", DEV).unwrap(), "image:\n  tag: v9\n");
    let base = bump_reads(&mut *repo);
    let outcome = repo.commit(Some(&base), &change(DEV, "a: 2\n")).unwrap();
    assert_eq!(came(&outcome), "landed", "{outcome:?}");
}

#[test]
fn a_branch_that_is_there_already_is_no_reason_to_try_a_plain_commit_again() {
    let lab = lab();
    let mut repo = repo(&lab);
    let base = bump_reads(&mut *repo);
    let said = r#"{"message":"A branch called 'main' already exists. Switch to that branch in order to make changes"}"#;
    let failure = Failure::Status(400, vec![], said.to_owned());
    lab.fail_next("POST /repository/commits", failure);
    let outcome = repo.commit(Some(&base), &change(DEV, "a: 2\n")).unwrap();
    assert_eq!(came(&outcome), "refused", "{outcome:?}");
}

#[test]
fn a_new_file_is_made_once_and_other_modes_stay() {
    let lab = lab();
    let mut repo = repo(&lab);
    let base = bump_reads(&mut *repo);
    let outcome = repo
        .commit(Some(&base), &addition("new/ü.yaml", "a: 1\n"))
        .unwrap();
    assert_eq!(came(&outcome), "landed", "{outcome:?}");
    assert_eq!(lab.file(REPO, "main", "new/ü.yaml").unwrap(), "a: 1\n");
    // From the old snapshot it is new still.
    let outcome = repo
        .commit(Some(&base), &addition("new/ü.yaml", "a: 2\n"))
        .unwrap();
    assert_eq!(came(&outcome), "moved", "{outcome:?}");
    let base = bump_reads(&mut *repo);
    let outcome = repo
        .commit(Some(&base), &change("run.sh", "#!/bin/bash\n"))
        .unwrap();
    assert_eq!(came(&outcome), "landed", "{outcome:?}");
    assert_eq!(lab.mode(REPO, "main", "run.sh").unwrap(), "100755");
}

#[test]
fn an_author_is_taken_and_what_the_api_cannot_do_names_the_address_that_git_reaches() {
    let lab = lab();
    let hint = format!("--config-repo {}/{REPO}.git", lab.url());
    let check = |error: anyhow::Error| {
        assert_eq!(fault(&error).kind, Kind::Invalid, "{error}");
        assert!(fault(&error).hint.as_ref().unwrap().ends_with(&hint), "{error:?}");
    };
    let mut repo = repo(&lab);
    let base = bump_reads(&mut *repo);
    let author = Identity {
        name: "Zoë".to_owned(),
        email: "zoe@acme.example".to_owned(),
    };
    let commit = NewCommit {
        author: Some(author),
        ..change(DEV, "a: 1\n")
    };
    repo.commit(Some(&base), &commit).unwrap();
    let snapshot = repo.snapshot().unwrap();
    let history = snapshot.history(&path(DEV), 1).unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].author, "Zoë <zoe@acme.example>");
    assert_eq!(snapshot.history(&path(DEV), 5).unwrap().len(), 2);
    check(snapshot.read(&[path("link.yaml")]).unwrap_err());
    drop(snapshot);
    let signed = NewCommit {
        signing: Some(Signing::Ssh { key: "key".into() }),
        ..change(DEV, "a")
    };
    check(repo.commit(None, &signed).unwrap_err());
    check(
        repo.commit(None, &change("web/crlf.yaml", "a: 2\r\n"))
            .unwrap_err(),
    );
    assert_eq!(lab.log(REPO, "main").len(), 2);
}

#[test]
fn many_files_are_read_a_hundred_at_a_time_and_all_are_listed() {
    let names: Vec<String> = (0..250).map(|n| format!("app{n:03}/values.yaml")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "a: 1\n")).collect();
    let lab = lab_with(&files);
    let mut repo = repo(&lab);
    let snapshot = repo.snapshot().unwrap();
    let listed = snapshot.list().unwrap();
    assert_eq!(listed.iter().map(RepoPath::as_str).collect::<Vec<_>>(), names);
    lab.clear_requests();
    let read = snapshot.read(&listed).unwrap();
    assert!(read.iter().all(Option::is_some));
    assert_eq!(lab.requests().len(), 3);
    snapshot.read(&listed).unwrap();
    assert_eq!(lab.requests().len(), 3, "what is known is not asked for again");
}

#[test]
fn a_file_is_whole_even_where_graphql_cannot_carry_it() {
    let long = "key: value\n".repeat(1_950_000);
    let lab = lab_with(&[("long.yaml", &long), ("marked.yaml", "\u{feff}a: 1\r\n")]);
    let mut repo = repo(&lab);
    let snapshot = repo.snapshot().unwrap();
    lab.clear_requests();
    // GitLab gives no more than 20 MB in one answer, so a larger file comes by itself.
    let read = snapshot.read(&[path("long.yaml"), path("marked.yaml")]).unwrap();
    assert!(read[0].as_ref().unwrap().bytes == long.as_bytes());
    assert_eq!(read[1].as_ref().unwrap().bytes, "\u{feff}a: 1\r\n".as_bytes());
    let alone = lab
        .requests()
        .iter()
        .filter(|one| one.target.contains("/repository/files/"))
        .count();
    assert_eq!(alone, 1);
}

#[test]
fn a_lost_answer_is_not_sent_again() {
    let lab = lab();
    let mut repo = repo(&lab);
    let base = bump_reads(&mut *repo);
    lab.fail_next("POST /repository/commits", Failure::CloseAfterDoing);
    let outcome = repo.commit(Some(&base), &change(DEV, "a: 2\n")).unwrap();
    assert_eq!(came(&outcome), "unknown", "{outcome:?}");
    assert_eq!(lab.log(REPO, "main").len(), 2);
}

#[test]
fn a_refusal_names_what_would_help() {
    let lab = lab();
    lab.protect(REPO, "main");
    lab.token("reader", Grant::everything("ben").read_only());
    lab.token("reporter", Grant::everything("rea").role(Role::Reporter));
    for (text, kind, wanted) in [
        ("s3cret-ana", Kind::Refused, "--publish pull-request"),
        ("reader", Kind::Denied, "the scope api"),
        ("reporter", Kind::Denied, "the Developer role"),
    ] {
        let mut repo = forge_with(&lab, token(text, "GITOPS_STEPS_TOKEN")).config_repo(None);
        let base = bump_reads(&mut *repo);
        let outcome = repo.commit(Some(&base), &change(DEV, "a: 2\n")).unwrap();
        let Outcome::Refused(fault) = &outcome else {
            panic!("{outcome:?}")
        };
        let hint = fault.hint.as_ref().unwrap();
        assert!(
            fault.kind == kind && hint.contains(wanted),
            "{text}: {fault} {hint}"
        );
    }
    lab.token("other", Grant::everything("eve").only(&["acme/web"]));
    lab.token("job", Grant::job("ana", REPO));
    for (credential, wanted, requests) in [
        (Credential::None, "GITOPS_STEPS_TOKEN", 1),
        (token("wrong", "GITOPS_STEPS_TOKEN"), "wrong or has expired", 1),
        (token("other", "GITOPS_STEPS_TOKEN"), "cannot see it", 1),
        (token("job", "CI_JOB_TOKEN"), "project or group access token", 0),
    ] {
        lab.clear_requests();
        let mut repo = forge_with(&lab, credential.clone()).config_repo(None);
        let error = repo.snapshot().err().unwrap();
        let hint = fault(&error).hint.clone().unwrap();
        assert!(
            fault(&error).kind == Kind::Denied && hint.contains(wanted),
            "{error} {hint}"
        );
        assert_eq!(lab.requests().len(), requests);
    }
    let job = forge_with(&lab, token("job", "CI_JOB_TOKEN"));
    lab.clear_requests();
    assert_eq!(job.open(&new_request(false)).unwrap_err().kind, Kind::Denied);
    assert!(lab.requests().is_empty());
}

#[test]
fn a_branch_that_is_not_there_is_answered_with_those_that_are() {
    let lab = lab();
    lab.branch(REPO, "staging", "main");
    let mut repo = forge(&lab).config_repo(Some("stagin"));
    let error = repo.snapshot().err().unwrap();
    assert_eq!(fault(&error).kind, Kind::NotFound);
    assert!(fault(&error).hint.as_ref().unwrap().contains("staging"));
    assert!(repo.head(HEAD, &[]).unwrap().is_none());
    let lab = Fake::start();
    lab.repo(REPO, &[]);
    lab.token("s3cret-ana", Grant::everything("ana"));
    let empty = forge(&lab).config_repo(None).snapshot().err();
    if let Some(error) = empty {
        assert_eq!(fault(&error).kind, Kind::NotFound, "{error}");
    }
}

#[test]
fn a_proposal_replaces_its_branch_without_closing_the_merge_request() {
    let lab = lab();
    let mut repo = repo(&lab);
    let base = bump_reads(&mut *repo);
    let outcome = repo.propose(&base, HEAD, None, &change(DEV, "a: 2\n")).unwrap();
    let Outcome::Landed {
        commit: Some(first), ..
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    lab.open_merge_request(REPO, HEAD, "promote", "ana");
    lab.person_commits(REPO, "main", DEV, "image:\n  tag: v1.5\n");
    let base = bump_reads(&mut *repo);
    lab.clear_requests();
    let seen = repo.head(HEAD, &[path(DEV)]).unwrap().unwrap();
    assert_eq!(seen.tip.id, first);
    assert!(seen.tip.committer.starts_with("ana <"), "{}", seen.tip.committer);
    assert!(seen.tip.message.contains("Gitops-App: web"));
    let read = seen.files.read(&[path(DEV)]).unwrap();
    assert_eq!(read[0].as_ref().unwrap().bytes, b"a: 2\n");
    assert_eq!(lab.requests().len(), 2);
    drop(seen);
    let outcome = repo
        .propose(&base, HEAD, Some(&first), &change(DEV, "a: 3\n"))
        .unwrap();
    assert_eq!(came(&outcome), "landed", "{outcome:?}");
    let request = &lab.merge_requests(REPO)[0];
    assert_eq!(request["state"], "opened");
    assert_eq!(request["sha"].as_str(), lab.tip(REPO, HEAD).as_deref());
    let log = lab.log(REPO, HEAD);
    assert_eq!(log.len(), 3, "one commit on the base, and the two of the base");
    assert_eq!(lab.branches(REPO), ["main", HEAD]);
}

#[test]
fn a_proposal_that_comes_too_late_or_is_refused_changes_nothing() {
    let other = "0123456789012345678901234567890123456789";
    for (what, expected_tip) in [
        ("exists", None),
        ("another tip", Some(other)),
        ("appears", None),
        ("gone", Some(other)),
        ("protected", None),
    ] {
        let lab = lab();
        let mut repo = repo(&lab);
        let base = bump_reads(&mut *repo);
        match what {
            "exists" | "another tip" => lab.branch(REPO, HEAD, "main"),
            "appears" => lab.before_next("POST /repository/commits", |lab| lab.branch(REPO, HEAD, "main")),
            "protected" => lab.protect(REPO, HEAD),
            _ => {}
        }
        let outcome = repo
            .propose(&base, HEAD, expected_tip, &change(DEV, "a: 3\n"))
            .unwrap();
        let expected = if what == "protected" { "refused" } else { "moved" };
        assert_eq!(came(&outcome), expected, "{what}: {outcome:?}");
        if lab.branches(REPO).len() == 2 {
            assert_eq!(lab.tip(REPO, HEAD), lab.tip(REPO, "main"), "{what}");
        }
    }
}

fn new_request(draft: bool) -> NewChangeRequest {
    NewChangeRequest {
        head: "topic".to_owned(),
        base: "main".to_owned(),
        title: "promote web".to_owned(),
        body: "from dev".to_owned(),
        draft,
    }
}

/// A project with a branch `topic` that carries a change.
fn lab_with_topic() -> Fake {
    let lab = lab();
    lab.branch(REPO, "topic", "main");
    lab.person_commits(REPO, "topic", DEV, "a: 2\n");
    lab
}

fn opened(forge: &Forge, draft: bool) -> ChangeRequest {
    match forge.open(&new_request(draft)).unwrap() {
        Opened::New(request, None) => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_merge_request_is_opened_once_found_again_changed_and_closed() {
    let lab = lab_with_topic();
    let forge = forge(&lab);
    let request = opened(&forge, true);
    assert!(request.draft && request.head == lab.tip(REPO, "topic"));
    assert_eq!(
        (request.title.as_str(), request.state),
        ("promote web", State::Open)
    );
    assert_eq!(forge.open(&new_request(false)).unwrap(), Opened::Exists);
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
        (changed.title.as_str(), changed.body.as_str(), changed.draft),
        ("promote web v2", "from dev", true)
    );
    assert_eq!(lab.merge_requests(REPO)[0]["title"], "Draft: promote web v2");
    lab.fail_next("POST /notes", Failure::CloseAfterDoing);
    forge
        .close(request.number, "superseded", "prod has it already")
        .unwrap();
    assert_eq!(lab.notes(REPO, request.number), ["prod has it already"]);
    let found = forge.change_requests("topic", "main").unwrap();
    assert_eq!(
        (found[0].state, found[0].body.as_str()),
        (State::Closed, "superseded")
    );
    let reopen = Edit {
        reopen: true,
        ..Edit::default()
    };
    assert_eq!(forge.update(request.number, &reopen).unwrap().state, State::Open);
    lab.merge(REPO, request.number);
    let found = forge.change_requests("topic", "main").unwrap();
    assert_eq!(found[0].state, State::Merged);
    assert_eq!(lab.merge_requests(REPO).len(), 1);
}

#[test]
fn opening_meets_what_gitlab_answers() {
    let lab = lab_with_topic();
    let forge = forge(&lab);
    let long = NewChangeRequest {
        title: "é".repeat(250),
        ..new_request(true)
    };
    assert_eq!(
        forge.open(&long).unwrap_err().kind,
        Kind::Invalid,
        "with its mark it is too long"
    );
    lab.fail_next("POST /merge_requests", Failure::CloseAfterDoing);
    assert!(matches!(
        forge.open(&new_request(false)).unwrap(),
        Opened::Unclear(_)
    ));
    assert_eq!(lab.merge_requests(REPO).len(), 1, "sent once");
    lab.fail_next("PUT /merge_requests", Failure::CloseAfterDoing);
    let edit = Edit {
        body: Some("once more".to_owned()),
        ..Edit::default()
    };
    assert_eq!(forge.update(1, &edit).unwrap().body, "once more");
    let gone = NewChangeRequest {
        head: "gone".to_owned(),
        ..new_request(false)
    };
    let fault = forge.open(&gone).unwrap_err();
    assert!(fault.message.contains("source_branch does not exist"), "{fault}");
}

#[test]
fn what_cannot_be_put_on_a_merge_request_is_a_warning_and_the_rest_is_put() {
    let lab = lab_with_topic();
    lab.free_plan();
    lab.outsider("stranger");
    for login in ["bea", "cai", "dan"] {
        lab.user(login);
    }
    let forge = forge(&lab);
    let request = opened(&forge, false);
    let list = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let dressing = Dressing {
        labels: list(&["production", "a,b"]),
        reviewers: list(&["bea", "dan"]),
        team_reviewers: list(&["platform"]),
        assignees: list(&["@cai", "nobody", "stranger"]),
    };
    let warnings = forge.dress(&request, &dressing).unwrap();
    for (warning, part) in warnings
        .iter()
        .zip(["teams", "`a,b`", "`nobody`", "reviewer", "`stranger`"])
    {
        assert!(warning.contains(part), "{part}: {warnings:?}");
    }
    assert_eq!(warnings.len(), 5, "{warnings:?}");
    let held = &lab.merge_requests(REPO)[0];
    assert_eq!(held["labels"], serde_json::json!(["production"]));
    assert_eq!(held["assignees"][0]["username"], "cai");
    assert_eq!(held["reviewers"].as_array().unwrap().len(), 1);
    lab.fail_next(
        "PUT /merge_requests",
        Failure::Status(403, vec![], "{}".to_owned()),
    );
    assert!(!forge.dress(&request, &dressing).unwrap().is_empty());
    assert!(forge.dress(&request, &Dressing::default()).unwrap().is_empty());
}

/// A way to ask for an automatic merge: what the project is like, and what comes of it.
type Merge = (&'static str, fn(&Lab), fn(&AutoMerge) -> bool);

const MERGES: [Merge; 9] = [
    (
        "a pipeline runs",
        |lab| {
            lab.run(REPO, "topic");
        },
        |came| *came == AutoMerge::Enabled,
    ),
    ("nothing to wait for", |_| {}, |came| *came == AutoMerge::Merged),
    (
        "merged meanwhile",
        |lab| {
            lab.merge(REPO, 1);
        },
        |came| *came == AutoMerge::Merged,
    ),
    (
        "closed meanwhile",
        |lab| lab.close(REPO, 1, "bea"),
        |came| matches!(came, AutoMerge::Unavailable(why) if why.contains("closed")),
    ),
    (
        "somebody pushed",
        |lab| {
            lab.person_commits(REPO, "topic", DEV, "a: 3\n");
        },
        |came| matches!(came, AutoMerge::Unavailable(why) if why.contains("another tip")),
    ),
    (
        "conflicts",
        |lab| {
            lab.merge_status(REPO, 1, Some("conflict"));
            let said = r#"{"message":"Branch cannot be merged"}"#;
            lab.fail_next("PUT /merge", Failure::Status(422, vec![], said.to_owned()));
        },
        |came| matches!(came, AutoMerge::Unavailable(why) if why.contains("conflict")),
    ),
    (
        "the answer is lost",
        |lab| lab.fail_next("PUT /merge", Failure::CloseAfterDoing),
        |came| *came == AutoMerge::Merged,
    ),
    (
        "still being checked",
        |lab| {
            let said = r#"{"message":"405 Method Not Allowed"}"#;
            lab.fail_next("PUT /merge", Failure::Status(405, vec![], said.to_owned()));
        },
        |came| *came == AutoMerge::Merged,
    ),
    (
        "waiting already",
        |lab| {
            lab.run(REPO, "topic");
            lab.fail_next("PUT /merge", Failure::CloseAfterDoing);
        },
        |came| *came == AutoMerge::Enabled,
    ),
];

#[test]
fn an_automatic_merge_ends_well_wherever_it_is_asked_for() {
    for (what, prepare, fits) in MERGES {
        let lab = lab_with_topic();
        let forge = forge(&lab);
        let request = opened(&forge, false);
        prepare(&lab);
        let came = forge.auto_merge(&request, MergeMethod::Merge).unwrap();
        assert!(fits(&came), "{what}: {came:?}");
    }
    let lab = lab_with_topic();
    lab.protect(REPO, "main");
    lab.token("dev", Grant::everything("dee").role(Role::Developer));
    let request = opened(&forge(&lab), false);
    let fault = forge_with(&lab, token("dev", "GITOPS_STEPS_TOKEN"))
        .auto_merge(&request, MergeMethod::Squash)
        .unwrap_err();
    assert!(fault.kind == Kind::Denied && fault.hint.unwrap().contains("Protected branches"));
    let came = forge(&lab).auto_merge(&request, MergeMethod::Squash).unwrap();
    assert_eq!(came, AutoMerge::Merged);
    assert_eq!(lab.merge_requests(REPO)[0]["squash"], true);
    assert_eq!(
        lab.branches(REPO),
        ["main"],
        "the branch is deleted with the merge"
    );
}

#[test]
fn two_commits_are_compared_by_where_they_part() {
    let lab = lab();
    let first = lab.tip(REPO, "main").unwrap();
    let second = lab.person_commits(REPO, "main", "a.yaml", "a: 1\n");
    let third = lab.person_commits(REPO, "main", "a.yaml", "a: 2\n");
    lab.branch(REPO, "topic", &first);
    let aside = lab.person_commits(REPO, "topic", "b.yaml", "b: 1\n");
    let forge = forge(&lab);
    for (base, head, relation, commits) in [
        (
            first.as_str(),
            third.as_str(),
            Relation::Ahead,
            vec![&second, &third],
        ),
        (&third, &first, Relation::Behind, vec![]),
        ("main", &third, Relation::Same, vec![]),
        (&third, &aside, Relation::Diverged, vec![&aside]),
        ("topic", "main", Relation::Diverged, vec![&second, &third]),
    ] {
        let compared = forge.compare(base, head).unwrap().unwrap();
        assert_eq!(compared.relation, relation, "{base}...{head}");
        let ids: Vec<&String> = compared.commits.iter().map(|commit| &commit.id).collect();
        assert_eq!(ids, commits, "{base}...{head}");
        assert!(compared.url.is_some());
    }
    assert_eq!(forge.compare("main", &"1".repeat(40)).unwrap(), None);
    assert_eq!(forge.compare("nowhere", "main").unwrap(), None);
    lab.token("other", Grant::everything("eve").only(&["acme/web"]));
    let blind = forge_with(&lab, token("other", "GITOPS_STEPS_TOKEN"));
    assert_eq!(blind.compare("main", "main").unwrap_err().kind, Kind::Denied);
}
