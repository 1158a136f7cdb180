//! The fields of git's objects: refs, commits, blobs, trees, comparisons.

use git2::{ObjectType, Oid};
use serde_json::{Value, json};

use super::super::repos;
use super::super::store::Store;
use super::list::page;
use super::thing::{Got, Thing};
use super::{Resolved, Work, pull, ref_id};

/// The text of a blob is cut there.
const MOST_TEXT: usize = 512_000;

pub fn of_kind(store: &Store, repo: &str, oid: Oid) -> Option<Thing> {
    let repo = repo.to_owned();
    Some(match store.kind(oid)? {
        ObjectType::Commit => Thing::Commit(repo, oid),
        ObjectType::Tree => Thing::Tree(repo, oid),
        ObjectType::Blob => Thing::Blob(repo, oid),
        _ => return None,
    })
}

pub fn reference(work: &Work<'_, '_>, repo: &str, full: &str, field: &str, arguments: &Value) -> Resolved {
    let store = work.store(repo);
    let prefix = if full.starts_with("refs/tags/") {
        "refs/tags/"
    } else {
        "refs/heads/"
    };
    let short = full.trim_start_matches(prefix);
    Ok(match field {
        "id" => Got::text(&ref_id(repo, full)),
        "name" => Got::text(short),
        "prefix" => Got::text(prefix),
        "repository" => Got::One(Thing::Repository(repo.to_owned())),
        "target" => Got::maybe(store.named(full).and_then(|oid| of_kind(&store, repo, oid))),
        "compare" => {
            let asked = arguments["headRef"].as_str().unwrap();
            let ends = store.named(full).zip(store.commit_at(asked));
            Got::maybe(ends.map(|(base, head)| Thing::Compare {
                repo: repo.to_owned(),
                base,
                head,
            }))
        }
        _ => {
            let mut of = work.with_repo(repo, |repo| repo.pulls.clone());
            of.retain(|pull| pull.head == short);
            return pull::list(repo, arguments, of);
        }
    })
}

pub fn compare(
    work: &Work<'_, '_>,
    repo: &str,
    (base, head): (Oid, Oid),
    field: &str,
    arguments: &Value,
) -> Resolved {
    let store = work.store(repo);
    let (ahead, behind) = store.ahead_behind(base, head);
    Ok(match field {
        "aheadBy" => Got::leaf(ahead),
        "behindBy" => Got::leaf(behind),
        "status" => Got::text(&repos::status_of(ahead, behind).to_uppercase()),
        "baseTarget" => Got::One(Thing::Commit(repo.to_owned(), base)),
        "headTarget" => Got::One(Thing::Commit(repo.to_owned(), head)),
        "commits" => {
            let commits = store
                .between(base, head)
                .into_iter()
                .map(|oid| Thing::Commit(repo.to_owned(), oid))
                .collect();
            return page("ComparisonCommitConnection", field, arguments, commits);
        }
        _ => Got::text(&format!("CMP_{base}_{head}")),
    })
}

pub fn object(work: &Work<'_, '_>, repo: &str, oid: Oid, field: &str) -> Got {
    let url = work.with(|desk| desk.page_url(repo, &format!("/commit/{oid}")));
    match field {
        "id" => Got::text(&format!("O_{oid}")),
        "oid" => Got::text(&oid.to_string()),
        "abbreviatedOid" => Got::text(&oid.to_string()[..7]),
        "repository" => Got::One(Thing::Repository(repo.to_owned())),
        "commitResourcePath" => Got::text(&format!("/{repo}/commit/{oid}")),
        _ => Got::text(&url),
    }
}

pub fn blob(work: &Work<'_, '_>, repo: &str, oid: Oid, field: &str) -> Got {
    let bytes = work.store(repo).blob(oid).unwrap();
    let text = String::from_utf8(bytes.clone())
        .ok()
        .filter(|text| !text.contains('\0'));
    match field {
        "byteSize" => Got::leaf(bytes.len()),
        "isBinary" => Got::leaf(text.is_none()),
        "isTruncated" => Got::leaf(text.is_some_and(|text| text.len() > MOST_TEXT)),
        "text" => Got::Leaf(json!(
            text.map(|text| text.chars().take(MOST_TEXT).collect::<String>())
        )),
        _ => object(work, repo, oid, field),
    }
}

pub fn entries(store: &Store, repo: &str, tree: Oid) -> Got {
    let files = store.entries(tree, false).unwrap_or_default();
    let entry = |file: super::super::store::File| Thing::Entry {
        repo: repo.to_owned(),
        path: file.path,
        mode: file.mode,
        kind: file.kind,
        oid: file.oid,
    };
    Got::Many(files.into_iter().map(entry).collect())
}

pub fn commit(work: &Work<'_, '_>, repo: &str, oid: Oid, field: &str, arguments: &Value) -> Resolved {
    let store = work.store(repo);
    let commit = store.commit(oid);
    let message = commit.message().unwrap_or_default().trim_end_matches('\n');
    let (headline, body) = message.split_once('\n').unwrap_or((message, ""));
    let date = |when: git2::Time| jiff::Timestamp::from_second(when.seconds()).unwrap().to_string();
    let person = |who: &git2::Signature<'_>| {
        let fields = vec![
            ("name", Got::text(who.name().unwrap_or_default())),
            ("email", Got::text(who.email().unwrap_or_default())),
            ("date", Got::text(&date(who.when()))),
            ("user", Got::null()),
        ];
        Got::One(Thing::Made("GitActor", fields))
    };
    let commits = |oids: Vec<Oid>| {
        oids.into_iter()
            .map(|oid| Thing::Commit(repo.to_owned(), oid))
            .collect()
    };
    Ok(match field {
        "message" => Got::text(message),
        "messageHeadline" => Got::text(headline),
        "messageBody" => Got::text(body.trim_start_matches('\n')),
        "committedDate" => Got::text(&date(commit.committer().when())),
        "authoredDate" => Got::text(&date(commit.author().when())),
        "author" => person(&commit.author()),
        "committer" => person(&commit.committer()),
        "tree" => Got::One(Thing::Tree(repo.to_owned(), commit.tree_id())),
        "file" => {
            let path = arguments["path"].as_str().unwrap();
            let file = store.entry(oid, path);
            Got::maybe(file.map(|file| Thing::Entry {
                repo: repo.to_owned(),
                path: file.path,
                mode: file.mode,
                kind: file.kind,
                oid: file.oid,
            }))
        }
        "parents" => {
            return page(
                "CommitConnection",
                field,
                arguments,
                commits(commit.parent_ids().collect()),
            );
        }
        "history" => {
            let found = store.history(oid, arguments["path"].as_str());
            return page("CommitHistoryConnection", field, arguments, commits(found));
        }
        "signature" => {
            let by_github = commit
                .committer()
                .email()
                .is_ok_and(|email| email == super::super::GITHUB_EMAIL);
            Got::maybe(by_github.then(|| {
                let fields = vec![
                    ("isValid", Got::leaf(true)),
                    ("state", Got::text("VALID")),
                    ("wasSignedByGitHub", Got::leaf(true)),
                ];
                Thing::Made("GpgSignature", fields)
            }))
        }
        _ => object(work, repo, oid, field),
    })
}
