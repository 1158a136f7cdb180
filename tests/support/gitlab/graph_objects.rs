//! What GraphQL sees: the query's root, projects, repositories, and what hangs on them.

use apollo_compiler::resolvers::{FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::JsonValue as Json;
use git2::{ObjectType, Oid};
use serde_json::{Value, json};

use super::auth::Grant;
use super::graphql::{connection, no_more, plain, text, texts};
use super::merging::shown_in;
use super::state::State;
use super::store::{Entry, Store};

/// Bytes of all blobs of one answer (`Resolvers::BlobsResolver`).
const MOST_BYTES: usize = 20 << 20;

/// The root: what a login sees.
pub struct Query<'s> {
    pub state: &'s State,
    pub grant: Option<Grant>,
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
                let paths = texts(info, "paths").unwrap_or_default();
                let found = paths.iter().filter_map(|path| self.blob(commit?, path));
                let found: Vec<Value> = found.collect();
                let sizes = found
                    .iter()
                    .filter_map(|blob| blob["rawBlob"].as_str().map(str::len));
                let total: usize = sizes.sum();
                if total > MOST_BYTES {
                    let message = format!("Max blobs size limit exceeded ({total} Bytes / 20 MB).");
                    return Err(FieldError { message });
                }
                connection(info, found, "RepositoryBlobConnection")
            }
        })
    }
}

impl Repository<'_> {
    fn tree(&self, info: &ResolveInfo, commit: Option<Oid>) -> Value {
        let folder = text(info, "path").unwrap_or_default();
        let recursive = info.arguments().get("recursive").and_then(Json::as_bool);
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
