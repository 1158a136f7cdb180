//! What each field of each object says.

use git2::Oid;
use serde_json::{Value, json};

use super::super::access::Level;
use super::super::store::Store;
use super::list::page;
use super::thing::{Got, Thing};
use super::{Refused, Resolved, Work, mutation, no_node, objects, pull, ref_of};

/// Resolves a field of a thing.
pub fn resolve(work: &Work<'_, '_>, thing: &Thing, field: &str, arguments: &Value) -> Resolved {
    match thing {
        Thing::Query => query(work, field, arguments),
        Thing::Mutation => mutation::carry_out(work, field, &arguments["input"]),
        Thing::Repository(name) => repository(work, name, field, arguments),
        Thing::Ref(repo, name) => objects::reference(work, repo, name, field, arguments),
        Thing::Commit(repo, oid) => objects::commit(work, repo, *oid, field, arguments),
        Thing::Tree(repo, oid) => match field {
            "entries" => Ok(objects::entries(&work.store(repo), repo, *oid)),
            _ => Ok(objects::object(work, repo, *oid, field)),
        },
        Thing::Blob(repo, oid) => Ok(objects::blob(work, repo, *oid, field)),
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
            _ => Got::maybe(objects::of_kind(&work.store(repo), repo, *oid)),
        }),
        Thing::Pull(repo, number) => pull::field(work, repo, *number, field, arguments),
        Thing::Compare { repo, base, head } => objects::compare(work, repo, (*base, *head), field, arguments),
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
                None => pull::list(name, arguments, all()),
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
            Got::maybe(found.and_then(|oid| objects::of_kind(&store, name, oid)))
        }
    })
}

fn repository_leaf(work: &Work<'_, '_>, name: &str, field: &str) -> Value {
    let root = work.with(|desk| desk.root.to_owned());
    let grant = work.with(|desk| desk.grant.clone()).unwrap();
    work.with_repo(name, |repo| {
        let settings = &repo.settings;
        let merges = |method: &str| json!(settings.merge_methods.contains(&method));
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

impl Work<'_, '_> {
    pub fn store(&self, repo: &str) -> Store {
        self.with_repo(repo, super::super::state::Repo::store)
    }
}
