//! GitLab's part of the preflight: whose token it is, what it may do, and what the policy needs to be there.
//!
//! Sources: GitLab's "Personal access tokens API: self-inform", "Users API", "Projects API", "Branches API", "Labels API",
//! "Members API", and "GitLab token overview".

use reqwest::Method;
use serde::Deserialize;
use serde_json::Value;

use super::GitLab;
use super::own::{Own, encoded};
use crate::plan::finding::{Item, Preflight, Verdict};
use crate::words::fault::Fault;
use crate::words::wording::shown;
use crate::world::forge::access::Credential;
use crate::world::forge::preflight::{label_item, listed, refused, token_item};

/// The access levels of roles.
const DEVELOPER: u64 = 30;

#[derive(Deserialize)]
struct Myself {
    username: String,
    #[serde(default)]
    bot: bool,
}

/// What is known of the token.
struct Who {
    /// Its scopes, where GitLab tells them.
    scopes: Option<Vec<String>>,
}

impl GitLab {
    pub(in crate::world::forge) fn preflight(&self, asked: &Preflight) -> Result<Vec<Item>, Fault> {
        let mut items = Vec::new();
        let Some(Who { scopes }) = self.who(&mut items)? else {
            return Ok(items);
        };
        let answer = self.read(&Own::reading(&format!("projects/{}", encoded(self.repo.path()))))?;
        if !answer.is_ok() {
            let fault = self.refusal(&answer, "read the project", "the scope read_api");
            items.push(refused("repository", Verdict::Error, fault));
            return Ok(items);
        }
        let project = &answer.json;
        let default = project["default_branch"].as_str().unwrap_or("main").to_owned();
        items.push(self.repository_item(project, &default));
        items.extend(rights_items(project, scopes.as_deref(), asked.proposes));
        let branch = asked.branch.as_deref().unwrap_or(&default);
        items.push(self.branch_item(branch, asked.pushes)?);
        if asked.auto_merge {
            items.push(auto_merge_item(project));
        }
        self.names(asked, &mut items)?;
        if asked.workflow.is_some() {
            let what = "--workflow names a workflow of GitHub; on GitLab a pipeline of the branch is started";
            items.push(Item::new("workflow", Verdict::Unknown, what));
        }
        Ok(items)
    }

    /// Tells whose token it is; `None` where there is nothing more to ask.
    fn who(&self, items: &mut Vec<Item>) -> Result<Option<Who>, Fault> {
        let token = |verdict, what: String| Item::new("token", verdict, what);
        if matches!(self.access.credential, Credential::None) {
            let item = token(Verdict::Error, "no token was given".to_owned());
            items.push(item.hint("give one in GITOPS_STEPS_TOKEN or --token-file"));
            return Ok(None);
        }
        if self.has_job_token() {
            items.push(
                token(Verdict::Warning, "the token of a CI job, of which GitLab tells nothing".to_owned()).hint(
                    "it may change its own project over git, where the settings let job tokens push; for the API and merge \
                     requests give a project access token",
                ),
            );
            return Ok(None);
        }
        if self.access.credential.only_triggers() {
            let item = token(
                Verdict::Error,
                "a trigger token, which starts pipelines and nothing else".to_owned(),
            );
            items.push(item.hint("give a project access token to change a config repo"));
            return Ok(None);
        }
        let user = self.read(&Own::reading("user"))?;
        if !user.is_ok() {
            items.push(refused(
                "token",
                Verdict::Error,
                self.refusal(&user, "say who we are", "the scope read_api"),
            ));
            return Ok(None);
        }
        let myself: Myself = user.read("the user")?;
        let own = self.read(&Own::reading("personal_access_tokens/self"))?;
        let kind = match () {
            () if myself.username.starts_with("project_") && myself.bot => "a project access token",
            () if myself.username.starts_with("group_") && myself.bot => "a group access token",
            () if own.is_ok() => "a personal access token",
            () => "an OAuth token",
        };
        let what = format!("{kind} of `{}`", shown(&myself.username));
        items.push(token_item(
            what,
            own.json["expires_at"].as_str().filter(|_| own.is_ok()),
        ));
        let scopes = own.json["scopes"]
            .as_array()
            .filter(|_| own.is_ok())
            .map(|scopes| {
                let texts = scopes.iter().filter_map(Value::as_str);
                texts.map(str::to_owned).collect()
            });
        Ok(Some(Who { scopes }))
    }

    fn repository_item(&self, project: &Value, default: &str) -> Item {
        let name = self.repo.path();
        if project["archived"] == true {
            return Item::new("repository", Verdict::Error, format!("`{name}` is archived"))
                .hint("an archived project takes no changes: unarchive it in its settings");
        }
        let what = format!("`{name}` is there; its default branch is `{}`", shown(default));
        Item::new("repository", Verdict::Ok, what)
    }

    /// GitLab tells whether this very token's user may push to a branch.
    fn branch_item(&self, branch: &str, pushes: bool) -> Result<Item, Fault> {
        let name = shown(branch);
        let asked = self.own(Method::GET, &format!("repository/branches/{}", encoded(branch)));
        let answer = self.read(&asked)?;
        if answer.status == 404 {
            let what = format!("there is no branch `{name}`");
            return Ok(Item::new("branch", Verdict::Error, what).hint("name another with --branch"));
        }
        if !answer.is_ok() {
            let fault = self.refusal(&answer, "read the branch", "the scope read_api");
            return Ok(refused("branch-rules", Verdict::Unknown, fault));
        }
        let protected = answer.json["protected"] == true;
        let can_push = answer.json["can_push"].as_bool();
        Ok(match (protected, can_push) {
            (false, _) => Item::new("branch-rules", Verdict::Ok, format!("`{name}` is not protected")),
            (true, Some(true)) => Item::new(
                "branch-rules",
                Verdict::Ok,
                format!("`{name}` is protected, and the token may push to it"),
            ),
            (true, _) if !pushes => Item::new(
                "branch-rules",
                Verdict::Ok,
                format!("`{name}` is protected; the policy pushes nothing there"),
            ),
            (true, _) => Item::new(
                "branch-rules",
                Verdict::Error,
                format!("`{name}` is protected, and the token may not push to it"),
            )
            .hint(
                "allow the token's user to push, under Settings > Repository > Protected branches, or set `auto-deploy: off`, so \
                 that changes go by merge request",
            ),
        })
    }

    /// Looks for labels and reviewers.
    fn names(&self, asked: &Preflight, items: &mut Vec<Item>) -> Result<(), Fault> {
        for label in &asked.labels {
            let answer = self.read(&self.own(Method::GET, &format!("labels/{}", encoded(label))))?;
            let there = match answer.status {
                200 => Ok(true),
                404 => Ok(false),
                _ => Err(self.refusal(&answer, "look up a label", "the scope read_api")),
            };
            items.push(label_item(label, there, "merge request"));
        }
        for login in &asked.reviewers {
            let name = shown(login);
            let wanted = login.trim_start_matches('@');
            let listed = self.own(Method::GET, "members/all").query("query", wanted);
            let answer = self.read(&listed)?;
            if !answer.is_ok() {
                let fault = self.refusal(&answer, "look up a reviewer", "the scope read_api");
                items.push(refused("reviewer", Verdict::Unknown, fault));
                continue;
            }
            let found = answer.json.as_array().is_some_and(|all| {
                let names = all.iter().filter_map(|user| user["username"].as_str());
                names.into_iter().any(|known| known.eq_ignore_ascii_case(wanted))
            });
            items.push(if found {
                Item::new("reviewer", Verdict::Ok, format!("`{name}` may review"))
            } else {
                Item::new(
                    "reviewer",
                    Verdict::Warning,
                    format!("`{name}` is no member of the project"),
                )
                .hint("GitLab asks only members for a review")
            });
        }
        if !asked.teams.is_empty() {
            let what = "GitLab asks no teams to review";
            items.push(
                Item::new("team", Verdict::Warning, what).hint("name `reviewers`, or use approval rules"),
            );
        }
        Ok(())
    }
}

/// What role and scopes let the token do.
fn rights_items(project: &Value, scopes: Option<&[String]>, proposes: bool) -> Vec<Item> {
    let level = |whose: &str| project["permissions"][whose]["access_level"].as_u64();
    let level = level("project_access").max(level("group_access"));
    let has = |name: &str| scopes.is_none_or(|scopes| scopes.iter().any(|scope| scope == name));
    let mut items = Vec::new();
    let role = match level {
        Some(level) if level < DEVELOPER => Some("the token's user is no Developer of the project"),
        _ => None,
    };
    let needs = "it needs the role Developer, and the scope api (over git, write_repository is enough)";
    items.push(match role {
        Some(why) => Item::new("push", Verdict::Error, format!("the token may not push: {why}")).hint(needs),
        None if has("api") => Item::new(
            "push",
            if level.is_some() {
                Verdict::Ok
            } else {
                Verdict::Unknown
            },
            if level.is_some() {
                "the token may push, through the API and over git"
            } else {
                "the token has the scope to push; GitLab does not tell its user's role"
            },
        ),
        None if has("write_repository") => Item::new(
            "push",
            Verdict::Warning,
            "the token may push over git, and not through the API",
        )
        .hint(needs),
        None => Item::new(
            "push",
            Verdict::Error,
            "the token may not push: it lacks the scope",
        )
        .hint(needs),
    });
    if proposes {
        items.push(if role.is_none() && has("api") {
            Item::new("pull-requests", Verdict::Ok, "the token may open merge requests")
        } else {
            Item::new(
                "pull-requests",
                Verdict::Error,
                "the token may not open merge requests",
            )
            .hint("it needs the role Developer and the scope api")
        });
    }
    items.push(match scopes {
        Some(scopes) => Item::new(
            "rights",
            Verdict::Ok,
            format!("the token's scopes: {}", listed(scopes)),
        ),
        None => Item::new(
            "rights",
            Verdict::Unknown,
            "GitLab does not tell this token's scopes",
        ),
    });
    items
}

fn auto_merge_item(project: &Value) -> Item {
    if project["only_allow_merge_if_pipeline_succeeds"] == true {
        return Item::new("auto-merge", Verdict::Ok, "a merge waits for its pipeline");
    }
    Item::new(
        "auto-merge",
        Verdict::Warning,
        "the project does not require a pipeline to succeed: where there is none, a merge request is merged at once",
    )
    .hint("require it under Settings > Merge requests, or let people merge")
}
