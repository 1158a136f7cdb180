//! The GraphQL API: queries, judged by tests/data/gitlab/schema.graphql and carried out on the state.

use std::sync::OnceLock;

use apollo_compiler::executable::Selection;
use apollo_compiler::resolvers::{Execution, FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use git2::{ObjectType, Oid};
use serde_json::{Value, json};

use super::answer::{Outcome, Reply};
use super::auth::{Grant, Login, Needs, Role, who};
use super::merge_requests::shown_in;
use super::params::Parsed;
use super::state::State;
use super::store::{Entry, Store};

/// Characters of a query (GitLab docs, "GraphQL API: limits").
const LONGEST: usize = 10_000;
/// The complexity that a query with a login may have (the same page).
const MOST_COMPLEX: usize = 250;
/// Nodes of one page.
const PAGE: usize = 100;

/// Answers `POST /api/graphql`.
pub fn answer(state: &State, method: &str, login: &Login, parsed: &Parsed) -> Outcome {
    if method != "POST" {
        return Err(Reply::error(404, "404 Not Found"));
    }
    let needs = Needs {
        role: Role::Reporter,
        writes: false,
        job: false,
    };
    let grant = who(state, login, needs).map_err(|_| faults(401, &["Invalid token"]))?;
    if grant.is_none() && !login.header.is_empty() {
        return Err(faults(401, &["Invalid token"]));
    }
    let query = parsed.body["query"].as_str().unwrap_or_default();
    if query.is_empty() {
        return Err(faults(200, &["No query string was present"]));
    }
    if query.chars().count() > LONGEST {
        return Err(faults(200, &["Query too large"]));
    }
    let document = ExecutableDocument::parse_and_validate(schema(), query, "query").map_err(|broken| {
        let texts: Vec<String> = broken
            .errors
            .iter()
            .map(|error| error.to_json().message)
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        faults(200, &texts)
    })?;
    let variables = serde_json::from_value::<JsonMap>(parsed.body["variables"].clone()).unwrap_or_default();
    let complexity = complexity(&document, &parsed.body["variables"]);
    if complexity > MOST_COMPLEX {
        let text =
            format!("Query has complexity of {complexity}, which exceeds max complexity of {MOST_COMPLEX}");
        return Err(faults(200, &[&text]));
    }
    let root = Query { state, grant };
    let done = Execution::new(schema(), &document)
        .operation_name(parsed.body["operationName"].as_str())
        .map(|execution| execution.raw_variable_values(&variables).execute_sync(&root));
    match done {
        Ok(Ok(response)) => Ok(Reply::json(200, &serde_json::to_value(response).unwrap())),
        Ok(Err(fault)) | Err(fault) => Err(faults(200, &[&fault.message().to_string()])),
    }
}

fn faults(status: u16, texts: &[&str]) -> Reply {
    let errors: Vec<Value> = texts.iter().map(|text| json!({ "message": text })).collect();
    Reply::json(status, &json!({ "errors": errors }))
}

fn schema() -> &'static Valid<Schema> {
    static SCHEMA: OnceLock<Valid<Schema>> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let text = include_str!("../../data/gitlab/schema.graphql");
        Schema::parse_and_validate(text, "schema.graphql")
            .unwrap_or_else(|broken| panic!("{}", broken.errors))
    })
}

/// One for each field, and one for each path that is asked for: GitLab's sum without its weights for pages.
fn complexity(document: &ExecutableDocument, variables: &Value) -> usize {
    fn of(selections: &[Selection], document: &ExecutableDocument, variables: &Value) -> usize {
        let sum = selections.iter().map(|selection| match selection {
            Selection::Field(field) => {
                let paths = field.argument_by_name("paths").ok();
                let listed = paths.and_then(|paths| paths.as_list().map(<[_]>::len));
                let named = paths.and_then(|paths| paths.as_variable());
                let named = named.and_then(|name| variables[name.as_str()].as_array().map(Vec::len));
                1 + listed.or(named).unwrap_or(0) + of(&field.selection_set.selections, document, variables)
            }
            Selection::InlineFragment(part) => of(&part.selection_set.selections, document, variables),
            Selection::FragmentSpread(spread) => spread
                .fragment_def(document)
                .map_or(0, |part| of(&part.selection_set.selections, document, variables)),
        });
        sum.sum()
    }
    let operations = document.operations.iter();
    operations
        .map(|operation| of(&operation.selection_set.selections, document, variables))
        .sum()
}

struct Query<'s> {
    state: &'s State,
    grant: Option<Grant>,
}

impl ObjectValue for Query<'_> {
    fn type_name(&self) -> &'static str {
        "Query"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        if info.field_name() == "currentUser" {
            let user = self
                .grant
                .as_ref()
                .map(|grant| json!({ "username": grant.login }));
            return Ok(plain(user.unwrap_or_default(), "CurrentUser"));
        }
        let wanted = text(info, "fullPath").unwrap_or_default();
        let project = self.state.projects.get(&wanted);
        let seen = self.grant.as_ref().is_some_and(|grant| grant.reaches(&wanted));
        Ok(ResolvedValue::nullable_object(project.filter(|_| seen).map(
            |_| Project {
                state: self.state,
                path: wanted,
            },
        )))
    }
}

struct Project<'s> {
    state: &'s State,
    path: String,
}

impl ObjectValue for Project<'_> {
    fn type_name(&self) -> &'static str {
        "Project"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let project = &self.state.projects[&self.path];
        let name = self.path.rsplit('/').next();
        Ok(match info.field_name() {
            "id" => ResolvedValue::leaf(format!("gid://gitlab/Project/{}", project.id)),
            "fullPath" => ResolvedValue::leaf(self.path.clone()),
            "name" | "path" => ResolvedValue::leaf(name.unwrap_or_default()),
            "webUrl" => ResolvedValue::leaf(format!("{}/{}", self.state.url, self.path)),
            "onlyAllowMergeIfPipelineSucceeds" => ResolvedValue::leaf(project.only_if_pipeline_succeeds),
            "repository" => ResolvedValue::object(Repository {
                state: self.state,
                path: self.path.clone(),
                store: self.state.store(&self.path),
            }),
            "mergeRequest" => {
                let wanted = text(info, "iid");
                let all = project.merge_requests.iter();
                let mut found = all.filter(|one| Some(one["iid"].to_string()) == wanted);
                plain(
                    found.next().map(|one| self.request(one)).unwrap_or_default(),
                    "MergeRequest",
                )
            }
            _ => {
                let all = project.merge_requests.iter().rev().map(|one| self.request(one));
                let wanted = all.filter(|one| {
                    let listed = |argument: &str, field: &str| {
                        texts(info, argument)
                            .is_none_or(|names| names.iter().any(|name| one[field] == **name))
                    };
                    let state =
                        text(info, "state").is_none_or(|state| state == "all" || one["state"] == state);
                    let iid = one["iid"].as_str().map(str::to_owned).unwrap_or_default();
                    state
                        && listed("sourceBranches", "sourceBranch")
                        && listed("targetBranches", "targetBranch")
                        && texts(info, "iids").is_none_or(|iids| iids.contains(&iid))
                });
                connection(info, wanted.collect(), "MergeRequestConnection")
            }
        })
    }
}

impl Project<'_> {
    /// A merge request in GraphQL's names.
    fn request(&self, request: &Value) -> Value {
        let shown = shown_in(self.state, &self.path, request);
        let labels: Vec<Value> = shown["labels"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|label| json!({ "title": label }))
            .collect();
        let status = shown["detailed_merge_status"]
            .as_str()
            .unwrap_or_default()
            .to_uppercase();
        json!({
            "id": format!("gid://gitlab/MergeRequest/{}", shown["id"]),
            "iid": shown["iid"].to_string(),
            "title": shown["title"],
            "description": shown["description"],
            "state": shown["state"],
            "sourceBranch": shown["source_branch"],
            "targetBranch": shown["target_branch"],
            "diffHeadSha": shown["sha"],
            "webUrl": shown["web_url"],
            "draft": shown["draft"],
            "mergeCommitSha": shown["merge_commit_sha"],
            "createdAt": shown["created_at"],
            "updatedAt": shown["updated_at"],
            "mergedAt": shown["merged_at"],
            "closedAt": shown["closed_at"],
            "autoMergeEnabled": shown["merge_when_pipeline_succeeds"],
            "conflicts": shown["has_conflicts"],
            "detailedMergeStatus": status,
            "author": { "username": shown["author"]["username"] },
            "mergeUser": if shown["merge_user"].is_null() { Value::Null } else { json!({ "username": shown["merge_user"]["username"] }) },
            "labels": { "nodes": labels, "count": labels.len(), "pageInfo": no_more() },
        })
    }
}

struct Repository<'s> {
    state: &'s State,
    path: String,
    store: Store,
}

impl ObjectValue for Repository<'_> {
    fn type_name(&self) -> &'static str {
        "Repository"
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let empty = self.store.branch("main").is_none();
        let named = text(info, "ref").unwrap_or_else(|| "main".to_owned());
        let commit = self.store.commit_of(&named);
        Ok(match info.field_name() {
            "rootRef" => ResolvedValue::leaf(if empty { Value::Null } else { json!("main") }),
            "exists" => ResolvedValue::leaf(true),
            "empty" => ResolvedValue::leaf(empty),
            "tree" => plain(self.tree(info, commit), "Tree"),
            _ => {
                let mut paths = texts(info, "paths").unwrap_or_default();
                paths.dedup();
                let found =
                    commit.map(|commit| paths.iter().filter_map(|path| self.blob(commit, path)).collect());
                connection(info, found.unwrap_or_default(), "RepositoryBlobConnection")
            }
        })
    }
}

impl Repository<'_> {
    fn tree(&self, info: &ResolveInfo, commit: Option<Oid>) -> Value {
        let folder = text(info, "path").unwrap_or_default();
        let recursive = info
            .arguments()
            .get("recursive")
            .and_then(|value| value.as_bool());
        let listed =
            commit.and_then(|commit| self.store.list(commit, &folder, recursive.unwrap_or_default()));
        let listed = listed.unwrap_or_default();
        let of = |kind: ObjectType| {
            let here = listed.iter().filter(|entry| entry.kind == kind);
            let nodes: Vec<Value> = here.map(|entry| self.entry(entry)).collect();
            json!({ "nodes": nodes, "all": true })
        };
        let last = commit.and_then(|commit| match folder.trim_matches('/') {
            "" => Some(commit),
            folder => self.store.last_for(commit, folder),
        });
        json!({
            "lastCommit": last.map(|id| self.commit(id)),
            "blobs": of(ObjectType::Blob),
            "trees": of(ObjectType::Tree),
        })
    }

    fn commit(&self, id: Oid) -> Value {
        let shown = super::commits::commit_json(&self.state.url, &self.path, &self.store, id);
        json!({
            "id": format!("gid://gitlab/CommitPresenter/{id}"),
            "sha": shown["id"],
            "shortId": shown["short_id"],
            "title": shown["title"],
            "message": shown["message"],
            "authorName": shown["author_name"],
            "authorEmail": shown["author_email"],
            "authoredDate": shown["authored_date"],
            "committedDate": shown["committed_date"],
            "webUrl": shown["web_url"],
        })
    }

    fn entry(&self, entry: &Entry) -> Value {
        let kind = if entry.kind == ObjectType::Tree {
            "tree"
        } else {
            "blob"
        };
        json!({
            "id": format!("gid://gitlab/{}/{}", self.path, entry.oid),
            "sha": entry.oid.to_string(),
            "name": entry.path.rsplit('/').next(),
            "type": kind,
            "path": entry.path,
            "flatPath": entry.path,
            "mode": format!("{:06o}", entry.mode),
        })
    }

    fn blob(&self, commit: Oid, path: &str) -> Option<Value> {
        let (entry, content) = self.store.file(commit, path)?;
        let raw = String::from_utf8_lossy(&content);
        let is_text = !content.contains(&0);
        Some(json!({
            "id": format!("gid://gitlab/Blob/{}", entry.oid),
            "oid": entry.oid.to_string(),
            "path": path,
            "name": path.rsplit('/').next(),
            "mode": format!("{:06o}", entry.mode),
            "size": content.len().to_string(),
            "rawSize": content.len().to_string(),
            "rawBlob": raw,
            "rawTextBlob": is_text.then_some(&raw),
        }))
    }
}

/// An object whose fields are known already.
struct Known {
    kind: String,
    fields: Value,
}

impl ObjectValue for Known {
    fn type_name(&self) -> &str {
        &self.kind
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let kind = info.field_definition().ty.inner_named_type().as_str();
        match self.fields.get(info.field_name()) {
            None => Err(self.unknown_field_error(info)),
            Some(found) if found["all"] == true => {
                let all = found["nodes"].as_array().cloned().unwrap_or_default();
                Ok(connection(info, all, kind))
            }
            Some(found) => Ok(plain(found.clone(), kind)),
        }
    }
}

/// A value of the type of this name, or a list of such.
fn plain<'a>(value: Value, kind: &str) -> ResolvedValue<'a> {
    match value {
        Value::Object(_) => ResolvedValue::object(Known {
            kind: kind.to_owned(),
            fields: value,
        }),
        Value::Array(items) => {
            let kind = kind.to_owned();
            ResolvedValue::list(items.into_iter().map(move |item| plain(item, &kind)))
        }
        leaf => ResolvedValue::leaf(leaf),
    }
}

/// A page of nodes, after the arguments `first` and `after`.
fn connection<'a>(info: &ResolveInfo, all: Vec<Value>, kind: &str) -> ResolvedValue<'a> {
    let first = info.arguments().get("first").and_then(|value| value.as_u64());
    let first = first.map_or(PAGE, |first| usize::try_from(first).unwrap_or(PAGE).min(PAGE));
    let start: usize = text(info, "after")
        .and_then(|after| after.parse().ok())
        .unwrap_or(0);
    let count = all.len();
    let nodes: Vec<Value> = all.into_iter().skip(start).take(first).collect();
    let end = start + nodes.len();
    let page = json!({
        "hasNextPage": end < count,
        "hasPreviousPage": start > 0,
        "startCursor": start.to_string(),
        "endCursor": end.to_string(),
    });
    plain(json!({ "nodes": nodes, "count": count, "pageInfo": page }), kind)
}

fn no_more() -> Value {
    json!({ "hasNextPage": false, "hasPreviousPage": false, "startCursor": null, "endCursor": null })
}

fn text(info: &ResolveInfo, argument: &str) -> Option<String> {
    info.arguments().get(argument)?.as_str().map(str::to_owned)
}

fn texts(info: &ResolveInfo, argument: &str) -> Option<Vec<String>> {
    let items = info.arguments().get(argument)?.as_array()?;
    Some(
        items
            .iter()
            .filter_map(|item| item.as_str())
            .map(str::to_owned)
            .collect(),
    )
}
