//! What each field of each object says.

use git2::{ObjectType, Oid};
use serde_json::{Value, json};

use super::super::access::Level;
use super::super::state::Pull;
use super::super::store::Store;
use super::super::{pulls, repos};
use super::list::page;
use super::thing::{Got, Thing};
use super::{Refused, Resolved, Work, mutation, no_node, ref_id, ref_of};

/// The text of a blob is cut there.
const MOST_TEXT: usize = 512_000;

/// Resolves a field of a thing.
pub fn resolve(work: &Work<'_, '_>, thing: &Thing, field: &str, arguments: &Value) -> Resolved {
    match thing {
        Thing::Query => query(work, field, arguments),
        Thing::Mutation => mutation::carry_out(work, field, &arguments["input"]),
        Thing::Repository(name) => repository(work, name, field, arguments),
        Thing::Ref(repo, name) => reference(work, repo, name, field, arguments),
        Thing::Commit(repo, oid) => commit(work, repo, *oid, field, arguments),
        Thing::Tree(repo, oid) => match field {
            "entries" => Ok(entries(&work.store(repo), repo, *oid)),
            _ => object(work, repo, *oid, field),
        },
        Thing::Blob(repo, oid) => blob(work, repo, *oid, field),
        Thing::Entry {
            repo,
            path,
            mode,
            kind,
            oid,
        } => Ok(match field {
            "name" => Got::text(path.rsplit('/').next().unwrap_or_default()),
            "path" => Got::text(path),
            "mode" => Got::leaf(*mode),
            "type" => Got::text(kind.str()),
            "oid" => Got::text(&oid.to_string()),
            "size" => Got::leaf(work.store(repo).blob(*oid).map_or(0, |bytes| bytes.len())),
            _ => Got::maybe(of_kind(&work.store(repo), repo, *oid)),
        }),
        Thing::Pull(repo, number) => pull(work, repo, *number, field, arguments),
        Thing::Compare { repo, base, head } => compare(work, repo, (*base, *head), field, arguments),
        Thing::Made(_, fields) => {
            let found = fields.iter().find(|(name, _)| *name == field);
            Ok(found.map_or_else(Got::null, |(_, got)| got.clone()))
        }
    }
}

fn query(work: &Work<'_, '_>, field: &str, arguments: &Value) -> Resolved {
    match field {
        "repository" => {
            let name = format!(
                "{}/{}",
                arguments["owner"].as_str().unwrap(),
                arguments["name"].as_str().unwrap()
            );
            let seen = work.with(|desk| {
                let repo = desk.state.repos.get(&name)?;
                let grant = desk.grant.as_ref().unwrap();
                (grant.reaches(&name) || !repo.settings.private).then_some(())
            });
            match seen {
                Some(()) => Ok(Got::One(Thing::Repository(name))),
                None => Err(Refused(
                    "NOT_FOUND",
                    format!("Could not resolve to a Repository with the name '{name}'."),
                )),
            }
        }
        "viewer" => Ok(Got::One(work.with(|desk| Thing::actor(desk.root, &desk.login())))),
        "rateLimit" => Ok(Got::One(work.with(|desk| {
            let left = desk.state.remaining;
            let number = |value: u64| Got::leaf(value);
            Thing::Made(
                "RateLimit",
                vec![
                    ("cost", number(1)),
                    ("limit", number(5000)),
                    ("nodeCount", number(1)),
                    ("remaining", number(left)),
                    ("used", number(5000 - left)),
                    ("resetAt", Got::text(&desk.state.now())),
                ],
            )
        }))),
        _ => node(work, arguments["id"].as_str().unwrap()),
    }
}

fn node(work: &Work<'_, '_>, id: &str) -> Resolved {
    if let Ok((repo, number)) = work.pull_by_id(id) {
        return Ok(Got::One(Thing::Pull(repo, number)));
    }
    if let Some((repo, name)) = ref_of(id)
        && work
            .with(|desk| desk.state.repos.contains_key(&repo) && desk.grant.as_ref().unwrap().reaches(&repo))
        && work.store(&repo).named(&name).is_some()
    {
        return Ok(Got::One(Thing::Ref(repo, name)));
    }
    let repo = work.repo_by_id(id).map_err(|_| no_node(id))?;
    Ok(Got::One(Thing::Repository(repo)))
}

fn repository(work: &Work<'_, '_>, name: &str, field: &str, arguments: &Value) -> Resolved {
    match field {
        "ref" | "refs" | "object" | "defaultBranchRef" => {
            work.require(name, "contents", Level::Read)?;
            repository_content(work, name, field, arguments)
        }
        "pullRequest" | "pullRequests" => {
            work.require(name, "pull_requests", Level::Read)?;
            let all = || work.with_repo(name, |repo| repo.pulls.clone());
            let number = arguments["number"].as_u64();
            match number {
                None => pull_list(name, arguments, all()),
                Some(number) if all().iter().any(|pull| pull.number == number) => {
                    Ok(Got::One(Thing::Pull(name.to_owned(), number)))
                }
                Some(number) => Err(Refused(
                    "NOT_FOUND",
                    format!("Could not resolve to a PullRequest with the number of {number}."),
                )),
            }
        }
        _ => Ok(Got::Leaf(repository_leaf(work, name, field))),
    }
}

fn repository_content(work: &Work<'_, '_>, name: &str, field: &str, arguments: &Value) -> Resolved {
    let store = work.store(name);
    let named = |full: String| store.named(&full).map(|_| Thing::Ref(name.to_owned(), full));
    Ok(match field {
        "defaultBranchRef" => Got::maybe(named(
            work.with_repo(name, |repo| format!("refs/heads/{}", repo.default_branch)),
        )),
        "ref" => {
            let asked = arguments["qualifiedName"].as_str().unwrap();
            let mut full = ["", "refs/heads/", "refs/tags/", "refs/"]
                .iter()
                .map(|prefix| format!("{prefix}{asked}"));
            Got::maybe(full.find_map(|full| full.starts_with("refs/").then(|| named(full)).flatten()))
        }
        "refs" => {
            let prefix = arguments["refPrefix"].as_str().unwrap();
            let wanted = |(full, _): (String, Oid)| {
                full.starts_with(prefix)
                    .then(|| Thing::Ref(name.to_owned(), full))
            };
            return page(
                "RefConnection",
                field,
                arguments,
                store.refs().into_iter().filter_map(wanted).collect(),
            );
        }
        _ => {
            let found = match (arguments["oid"].as_str(), arguments["expression"].as_str()) {
                (Some(oid), _) => store.full_id(oid),
                (_, Some(expression)) => store.object_at(expression),
                _ => None,
            };
            Got::maybe(found.and_then(|oid| of_kind(&store, name, oid)))
        }
    })
}

fn repository_leaf(work: &Work<'_, '_>, name: &str, field: &str) -> Value {
    let root = work.with(|desk| desk.root.to_owned());
    let grant = work.with(|desk| desk.grant.clone()).unwrap();
    work.with_repo(name, |repo| {
        let settings = &repo.settings;
        let merges = |method: &str| json!(settings.merge_methods.iter().any(|one| *one == method));
        match field {
            "id" => json!(repo.node_id()),
            "databaseId" => json!(repo.id),
            "name" => json!(repo.short_name()),
            "nameWithOwner" => json!(repo.name),
            "url" => json!(format!("{root}/{name}")),
            "isPrivate" => json!(settings.private),
            "autoMergeAllowed" => json!(settings.auto_merge_allowed),
            "mergeCommitAllowed" => merges("merge"),
            "squashMergeAllowed" => merges("squash"),
            "rebaseMergeAllowed" => merges("rebase"),
            "viewerPermission" if !grant.reaches(name) => json!("READ"),
            "viewerPermission" => json!(if grant.may("contents", Level::Write) {
                "WRITE"
            } else {
                "READ"
            }),
            "isEmpty" => json!(repo.store().refs().is_empty()),
            _ => json!(false),
        }
    })
}

fn pull_list(name: &str, arguments: &Value, all: Vec<Pull>) -> Resolved {
    let is = |argument: &str, value: &str| arguments[argument].as_str().is_none_or(|asked| asked == value);
    let states = arguments["states"].as_array();
    let mut found: Vec<Pull> = all
        .into_iter()
        .filter(|pull| {
            is("headRefName", &pull.head)
                && is("baseRefName", &pull.base)
                && states.is_none_or(|states| states.iter().any(|state| state == pull.state()))
                && arguments["labels"].as_array().is_none_or(|asked| {
                    asked
                        .iter()
                        .any(|label| pull.labels.iter().any(|one| label == one))
                })
        })
        .collect();
    let order = &arguments["orderBy"];
    if order["field"] == "UPDATED_AT" {
        found.sort_by_key(|pull| (pull.updated.clone(), pull.number));
    }
    if order["direction"] == "DESC" {
        found.reverse();
    }
    let things = found
        .into_iter()
        .map(|pull| Thing::Pull(name.to_owned(), pull.number))
        .collect();
    page("PullRequestConnection", "pullRequests", arguments, things)
}

fn of_kind(store: &Store, repo: &str, oid: Oid) -> Option<Thing> {
    let repo = repo.to_owned();
    Some(match store.kind(oid)? {
        ObjectType::Commit => Thing::Commit(repo, oid),
        ObjectType::Tree => Thing::Tree(repo, oid),
        ObjectType::Blob => Thing::Blob(repo, oid),
        _ => return None,
    })
}

fn reference(work: &Work<'_, '_>, repo: &str, full: &str, field: &str, arguments: &Value) -> Resolved {
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
            return pull_list(repo, arguments, of);
        }
    })
}

fn compare(
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

fn object(work: &Work<'_, '_>, repo: &str, oid: Oid, field: &str) -> Resolved {
    let url = work.with(|desk| desk.page_url(repo, &format!("/commit/{oid}")));
    Ok(match field {
        "id" => Got::text(&format!("O_{oid}")),
        "oid" => Got::text(&oid.to_string()),
        "abbreviatedOid" => Got::text(&oid.to_string()[..7]),
        "repository" => Got::One(Thing::Repository(repo.to_owned())),
        "commitResourcePath" => Got::text(&format!("/{repo}/commit/{oid}")),
        _ => Got::text(&url),
    })
}

fn blob(work: &Work<'_, '_>, repo: &str, oid: Oid, field: &str) -> Resolved {
    let bytes = work.store(repo).blob(oid).unwrap();
    let text = String::from_utf8(bytes.clone())
        .ok()
        .filter(|text| !text.contains('\0'));
    Ok(match field {
        "byteSize" => Got::leaf(bytes.len()),
        "isBinary" => Got::leaf(text.is_none()),
        "isTruncated" => Got::leaf(text.is_some_and(|text| text.len() > MOST_TEXT)),
        "text" => Got::Leaf(json!(
            text.map(|text| text.chars().take(MOST_TEXT).collect::<String>())
        )),
        _ => return object(work, repo, oid, field),
    })
}

fn entries(store: &Store, repo: &str, tree: Oid) -> Got {
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

fn commit(work: &Work<'_, '_>, repo: &str, oid: Oid, field: &str, arguments: &Value) -> Resolved {
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
        _ => return object(work, repo, oid, field),
    })
}

fn pull(work: &Work<'_, '_>, repo: &str, number: u64, field: &str, arguments: &Value) -> Resolved {
    let store = work.store(repo);
    let pull = work.with_repo(repo, |repo| repo.pull(number).unwrap().clone());
    let owned = repo.to_owned();
    let branch = |name: &str| {
        let full = format!("refs/heads/{name}");
        Got::maybe(store.named(&full).map(|_| Thing::Ref(owned.clone(), full)))
    };
    let head = git2::Oid::from_str(&pull.head_sha).unwrap();
    Ok(match field {
        "repository" | "headRepository" => Got::One(Thing::Repository(owned)),
        "headRef" => branch(&pull.head),
        "baseRef" => branch(&pull.base),
        "author" => Got::One(work.with(|desk| Thing::actor(desk.root, &pull.author))),
        "mergeCommit" => Got::maybe(
            pull.merged
                .as_ref()
                .map(|oid| Thing::Commit(owned, Oid::from_str(oid).unwrap())),
        ),
        "labels" => {
            let label = |name: &String| {
                Thing::Made(
                    "Label",
                    vec![
                        ("name", Got::text(name)),
                        ("id", Got::text(&format!("LA_{name}"))),
                        ("color", Got::text("ededed")),
                    ],
                )
            };
            return page(
                "LabelConnection",
                field,
                arguments,
                pull.labels.iter().map(label).collect(),
            );
        }
        "autoMergeRequest" => Got::maybe(
            pull.auto_merge
                .as_ref()
                .map(|method| Thing::Made("AutoMergeRequest", vec![("mergeMethod", Got::text(method))])),
        ),
        "commits" => {
            let base = store.tip(&pull.base).unwrap_or(head);
            let commit = |oid: Oid| {
                Thing::Made(
                    "PullRequestCommit",
                    vec![
                        ("id", Got::text(&format!("PRC_{oid}"))),
                        ("commit", Got::One(Thing::Commit(repo.to_owned(), oid))),
                    ],
                )
            };
            return page(
                "PullRequestCommitConnection",
                field,
                arguments,
                store.between(base, head).into_iter().map(commit).collect(),
            );
        }
        _ => Got::Leaf(pull_leaf(work, repo, &pull, field)),
    })
}

fn pull_leaf(work: &Work<'_, '_>, repo: &str, pull: &Pull, field: &str) -> Value {
    let url = work.with(|desk| desk.page_url(repo, &format!("/pull/{}", pull.number)));
    let merge_state = || work.with_repo(repo, |repo| pulls::merge_state(repo, pull));
    match field {
        "id" => json!(pull.node_id()),
        "number" => json!(pull.number),
        "url" => json!(url),
        "state" => json!(pull.state()),
        "isDraft" => json!(pull.draft),
        "title" => json!(pull.title),
        "body" => json!(pull.body),
        "headRefName" => json!(pull.head),
        "headRefOid" => json!(pull.head_sha),
        "baseRefName" => json!(pull.base),
        "baseRefOid" => json!(work.store(repo).tip(&pull.base).map(|oid| oid.to_string())),
        "merged" => json!(pull.merged.is_some()),
        "mergedAt" => json!(pull.merged.as_ref().and(pull.closed.as_ref())),
        "closed" => json!(!pull.open),
        "closedAt" => json!(pull.closed),
        "createdAt" => json!(pull.created),
        "updatedAt" => json!(pull.updated),
        "isInMergeQueue" => json!(pull.queued),
        "mergeStateStatus" => json!(merge_state().to_uppercase()),
        "mergeable" => json!(match merge_state() {
            "unknown" => "UNKNOWN",
            "dirty" => "CONFLICTING",
            _ => "MERGEABLE",
        }),
        _ => json!(false),
    }
}

impl Work<'_, '_> {
    pub fn store(&self, repo: &str) -> Store {
        self.with_repo(repo, super::super::state::Repo::store)
    }
}
