//! How the REST API shows what the forge remembers.

use serde_json::{Value, json};

use super::desk::Desk;
use super::state::{Deployment, DeploymentStatus, Pull, Repo, Run};
use super::store::Store;

impl Desk<'_> {
    pub fn repo_view(&self, repo: &Repo) -> Value {
        let settings = &repo.settings;
        let grant = self.grant.as_ref();
        let may =
            |level| grant.is_some_and(|grant| grant.reaches(&repo.name) && grant.may("contents", level));
        let (pull, push) = (may(super::Level::Read), may(super::Level::Write));
        let merges = |name: &str| settings.merge_methods.contains(&name);
        let mut view = json!({
            "id": repo.id,
            "node_id": repo.node_id(),
            "name": repo.short_name(),
            "full_name": repo.name,
            "owner": self.user(repo.owner()),
            "private": settings.private,
            "visibility": if settings.private { "private" } else { "public" },
            "html_url": self.page_url(&repo.name, ""),
            "url": self.link(&repo.name, ""),
            "clone_url": self.page_url(&repo.name, ".git"),
            "default_branch": repo.default_branch,
            "archived": settings.archived,
            "disabled": false,
            "fork": false,
            "allow_merge_commit": merges("merge"),
            "allow_squash_merge": merges("squash"),
            "allow_rebase_merge": merges("rebase"),
            "permissions": { "admin": false, "maintain": false, "push": push, "triage": push, "pull": pull || !settings.private },
        });
        if push {
            view["allow_auto_merge"] = json!(settings.auto_merge_allowed);
        }
        view
    }

    pub fn ref_view(&self, repo: &str, name: &str, oid: &str) -> Value {
        json!({
            "ref": name,
            "node_id": super::graphql::ref_id(repo, name),
            "url": self.link(repo, &format!("/git/{name}")),
            "object": { "type": "commit", "sha": oid, "url": self.link(repo, &format!("/git/commits/{oid}")) },
        })
    }

    pub fn commit_view(&self, repo: &str, store: &Store, oid: git2::Oid) -> Value {
        let commit = store.commit(oid);
        let person = |who: &git2::Signature<'_>| {
            json!({
                "name": who.name().unwrap_or_default(),
                "email": who.email().unwrap_or_default(),
                "date": jiff::Timestamp::from_second(who.when().seconds()).unwrap().to_string(),
            })
        };
        let tree = commit.tree_id();
        let parents: Vec<Value> = commit
            .parent_ids()
            .map(|oid| json!({ "sha": oid.to_string(), "url": self.link(repo, &format!("/commits/{oid}")), "html_url": self.page_url(repo, &format!("/commit/{oid}")) }))
            .collect();
        let verified = commit
            .committer()
            .email()
            .is_ok_and(|email| email == super::GITHUB_EMAIL);
        json!({
            "sha": oid.to_string(),
            "node_id": format!("C_{oid}"),
            "url": self.link(repo, &format!("/commits/{oid}")),
            "html_url": self.page_url(repo, &format!("/commit/{oid}")),
            "comments_url": self.link(repo, &format!("/commits/{oid}/comments")),
            "commit": {
                "message": commit.message().unwrap_or_default().trim_end_matches('\n'),
                "author": person(&commit.author()),
                "committer": person(&commit.committer()),
                "tree": { "sha": tree.to_string(), "url": self.link(repo, &format!("/git/trees/{tree}")) },
                "url": self.link(repo, &format!("/git/commits/{oid}")),
                "comment_count": 0,
                "verification": { "verified": verified, "reason": if verified { "valid" } else { "unsigned" }, "signature": null, "payload": null },
            },
            "author": null,
            "committer": null,
            "parents": parents,
        })
    }

    pub fn pull_view(&self, repo: &Repo, pull: &Pull) -> Value {
        let number = pull.number;
        let url = self.link(&repo.name, &format!("/pulls/{number}"));
        let issue = self.link(&repo.name, &format!("/issues/{number}"));
        let store = repo.store();
        let base_sha = store.tip(&pull.base).map(|oid| oid.to_string());
        let side = |branch: &str, sha: &Value| json!({ "label": format!("{}:{branch}", repo.owner()), "ref": branch, "sha": sha, "user": self.user(repo.owner()), "repo": self.repo_view(repo) });
        let users = |logins: &[String]| Value::Array(logins.iter().map(|login| self.user(login)).collect());
        let labels: Vec<Value> = pull
            .labels
            .iter()
            .map(|name| self.label_view(&repo.name, name))
            .collect();
        let teams: Vec<Value> = pull
            .team_reviewers
            .iter()
            .map(|slug| json!({ "id": 1, "node_id": "T_1", "slug": slug, "name": slug }))
            .collect();
        let mut view = json!({
            "id": pull.id,
            "node_id": pull.node_id(),
            "number": number,
            "url": url,
            "html_url": self.page_url(&repo.name, &format!("/pull/{number}")),
            "issue_url": issue,
            "comments_url": format!("{issue}/comments"),
            "commits_url": format!("{url}/commits"),
            "state": if pull.open { "open" } else { "closed" },
            "title": pull.title,
            "body": if pull.body.is_empty() { Value::Null } else { json!(pull.body) },
            "user": self.user(&pull.author),
            "draft": pull.draft,
            "locked": false,
            "head": side(&pull.head, &json!(pull.head_sha)),
            "base": side(&pull.base, &json!(base_sha)),
            "labels": labels,
            "assignees": users(&pull.assignees),
            "requested_reviewers": users(&pull.reviewers),
            "requested_teams": teams,
            "created_at": pull.created,
            "updated_at": pull.updated,
            "closed_at": pull.closed,
            "merged_at": pull.merged.as_ref().and(pull.closed.as_ref()),
            "auto_merge": pull.auto_merge.as_ref().map(|method| json!({ "enabled_by": self.user(&pull.author), "merge_method": method, "commit_title": null, "commit_message": null })),
        });
        if let Some(fork) = &pull.fork {
            let owner = fork.split('/').next().unwrap_or_default();
            view["head"]["label"] = json!(format!("{owner}:{}", pull.head));
            let theirs = &mut view["head"]["repo"];
            theirs["full_name"] = json!(fork);
            theirs["fork"] = json!(true);
            if fork.is_empty() {
                *theirs = Value::Null;
            }
        }
        if !self.call.is_newer() {
            view["merge_commit_sha"] = json!(pull.merged);
        }
        view
    }

    /// A pull request alone shows more than in a list.
    pub fn whole_pull_view(&self, repo: &Repo, pull: &Pull) -> Value {
        let mut view = self.pull_view(repo, pull);
        let state = super::pulls::merge_state(repo, pull);
        view["merged"] = json!(pull.merged.is_some());
        view["mergeable"] = json!(pull.open.then_some(state != "dirty"));
        view["mergeable_state"] = json!(state);
        view["comments"] = json!(pull.comments.len());
        view
    }

    pub fn label_view(&self, repo: &str, name: &str) -> Value {
        json!({
            "id": name.bytes().map(u64::from).sum::<u64>(),
            "node_id": format!("LA_{name}"),
            "url": self.link(repo, &format!("/labels/{name}")),
            "name": name,
            "color": "ededed",
            "default": false,
            "description": null,
        })
    }

    pub fn run_view(&self, repo: &Repo, run: &Run) -> Value {
        let (id, name) = (run.id, &repo.name);
        let url = self.link(name, &format!("/actions/runs/{id}"));
        let store = repo.store();
        let head = self.commit_view(name, &store, git2::Oid::from_str(&run.sha).unwrap())["commit"].take();
        let mut view = json!({
            "id": id,
            "node_id": format!("WFR_{id}"),
            "name": run.workflow,
            "path": format!(".github/workflows/{}", run.workflow),
            "display_title": run.title,
            "event": run.event,
            "status": run.status,
            "conclusion": run.conclusion,
            "workflow_id": 1,
            "check_suite_id": id,
            "head_branch": run.branch,
            "head_sha": run.sha,
            "head_commit": {
                "id": run.sha, "tree_id": head["tree"]["sha"], "message": head["message"],
                "timestamp": head["committer"]["date"], "author": head["author"], "committer": head["committer"],
            },
            "run_number": id,
            "run_attempt": 1,
            "url": url,
            "html_url": self.page_url(name, &format!("/actions/runs/{id}")),
            "workflow_url": self.link(name, "/actions/workflows/1"),
            "check_suite_url": self.link(name, &format!("/check-suites/{id}")),
            "pull_requests": [],
            "repository": self.repo_view(repo),
            "head_repository": self.repo_view(repo),
            "actor": self.user(&run.actor),
            "triggering_actor": self.user(&run.actor),
            "created_at": run.created,
            "updated_at": run.created,
            "run_started_at": run.created,
        });
        for below in ["jobs", "logs", "artifacts", "cancel", "rerun"] {
            view[format!("{below}_url")] = json!(format!("{url}/{below}"));
        }
        view
    }

    pub fn deployment_view(&self, repo: &str, deployment: &Deployment) -> Value {
        let id = deployment.id;
        let url = self.link(repo, &format!("/deployments/{id}"));
        let mut view = deployment.fields.clone();
        for (name, value) in [
            ("id", json!(id)),
            ("node_id", json!(format!("DE_{id}"))),
            ("url", json!(url)),
            ("sha", json!(deployment.sha)),
            ("environment", json!(deployment.environment)),
            ("creator", self.user(&deployment.creator)),
            ("created_at", json!(deployment.created)),
            (
                "updated_at",
                json!(
                    deployment
                        .statuses
                        .last()
                        .map_or(&deployment.created, |last| &last.created)
                ),
            ),
            ("statuses_url", json!(format!("{url}/statuses"))),
            ("repository_url", json!(self.link(repo, ""))),
        ] {
            view[name] = value;
        }
        view
    }

    pub fn deployment_status_view(
        &self,
        repo: &str,
        deployment: &Deployment,
        status: &DeploymentStatus,
    ) -> Value {
        let url = self.link(repo, &format!("/deployments/{}", deployment.id));
        let mut view = status.fields.clone();
        for (name, value) in [
            ("id", json!(status.id)),
            ("node_id", json!(format!("DES_{}", status.id))),
            ("url", json!(format!("{url}/statuses/{}", status.id))),
            ("state", json!(status.state)),
            ("creator", self.user(&status.creator)),
            ("created_at", json!(status.created)),
            ("updated_at", json!(status.created)),
            ("deployment_url", json!(url)),
            ("repository_url", json!(self.link(repo, ""))),
        ] {
            view[name] = value;
        }
        view
    }
}
