//! GitHub's part of the preflight: whose token it is, what it may do, and what the policy needs to be there.
//!
//! For a fine-grained token, GitHub tells what its owner may do, and not what the token may. Whether it may push is asked as
//! git does before a push, by the list of refs for `git-receive-pack`, which changes nothing.
//!
//! Sources: GitHub's "REST API endpoints for users", "… for repositories", "… for labels", "… for collaborators", "… for
//! teams"; "Scopes for OAuth apps"; "Managing your personal access tokens".

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;

use super::{GitHub, encoded};
use crate::plan::finding::{Item, Preflight, Verdict};
use crate::words::fault::{Fault, Kind};
use crate::words::token::{Token, TokenSource};
use crate::words::wording::shown;
use crate::world::forge::access::Credential;
use crate::world::forge::preflight::{label_item, listed, refused, token_item};
use crate::world::http::Request;

/// The permission by which a change is pushed.
const PUSHING: &str = "contents: write";

/// What is known of the token.
pub(super) struct Who {
    /// Whose it is; an App's is nobody's.
    pub login: Option<String>,
    /// The scopes of a classic token.
    scopes: Option<Vec<String>>,
}

/// What is known of the repository.
#[derive(Deserialize)]
pub(super) struct Repository {
    pub default_branch: String,
    clone_url: Option<String>,
    #[serde(default)]
    private: bool,
    #[serde(default)]
    archived: bool,
    allow_auto_merge: Option<bool>,
    #[serde(default)]
    pub permissions: Rights,
}

#[derive(Default, Deserialize)]
pub(super) struct Rights {
    #[serde(default)]
    pub admin: bool,
}

impl GitHub {
    pub(in crate::world::forge) fn preflight(&self, asked: &Preflight) -> Result<Vec<Item>, Fault> {
        let mut items = Vec::new();
        let Some(who) = self.who(&mut items)? else {
            return Ok(items);
        };
        let answer = self.get("")?;
        if !answer.is_ok() {
            let fault = self.refusal(&answer, "read the repository", "metadata: read");
            items.push(refused("repository", Verdict::Error, fault));
            return Ok(items);
        }
        let repository: Repository = answer.read("the repository")?;
        items.push(self.repository_item(&repository));
        items.push(self.push_item(&repository));
        if asked.proposes {
            items.push(self.pull_requests_item(&who, &repository)?);
        }
        items.push(self.rights_item(&who));
        let branch = asked.branch.as_deref().unwrap_or(&repository.default_branch);
        items.extend(self.rules_items(branch, asked.pushes, &who, &repository)?);
        if asked.auto_merge {
            items.push(auto_merge_item(&repository));
        }
        self.names(asked, &mut items)?;
        if let Some(workflow) = &asked.workflow {
            items.push(self.workflow_item(workflow)?);
        }
        Ok(items)
    }

    /// Tells whose token it is, and of what kind; `None` where there is nothing more to ask.
    fn who(&self, items: &mut Vec<Item>) -> Result<Option<Who>, Fault> {
        let kind = match &self.access.credential {
            Credential::None => {
                let item = Item::new("token", Verdict::Error, "no token was given");
                items.push(item.hint("give one in GITOPS_STEPS_TOKEN or --token-file, or a GitHub App"));
                return Ok(None);
            }
            Credential::App { id, .. } => {
                // Its key is exchanged by whatever is asked first.
                if let Err(fault) = self.get("") {
                    if fault.kind != Kind::Denied {
                        return Err(fault);
                    }
                    items.push(refused("token", Verdict::Error, fault));
                    return Ok(None);
                }
                let what = format!("the installation of the GitHub App `{}`", shown(id));
                items.push(Item::new("token", Verdict::Ok, what));
                return Ok(Some(Who {
                    login: None,
                    scopes: None,
                }));
            }
            Credential::Token(token, source) => kind_of(token, source),
        };
        let answer = self.get_at("/user")?;
        let scopes = answer.header("x-oauth-scopes").map(|text| {
            let scopes = text.split(',').map(str::trim).filter(|scope| !scope.is_empty());
            scopes.map(str::to_owned).collect::<Vec<_>>()
        });
        let ends = answer
            .header("github-authentication-token-expiration")
            .map(str::to_owned);
        if answer.status == 401 {
            let fault = self.refusal(&answer, "say who we are", "nothing");
            items.push(refused("token", Verdict::Error, fault));
            return Ok(None);
        }
        let login = answer.json["login"].as_str().map(str::to_owned);
        let whose = login.as_ref().map(|login| format!(" of `{}`", shown(login)));
        let what = format!("{kind}{}", whose.unwrap_or_default());
        items.push(token_item(what, ends.as_deref()));
        Ok(Some(Who { login, scopes }))
    }

    fn repository_item(&self, repository: &Repository) -> Item {
        let name = self.repo.path();
        if repository.archived {
            return Item::new("repository", Verdict::Error, format!("`{name}` is archived"))
                .hint("an archived repository takes no changes: unarchive it in its settings");
        }
        let branch = shown(&repository.default_branch);
        Item::new(
            "repository",
            Verdict::Ok,
            format!("`{name}` is there; its default branch is `{branch}`"),
        )
    }

    /// Asks as git does before a push.
    fn push_item(&self, repository: &Repository) -> Item {
        let status = repository.clone_url.as_deref().and_then(|url| self.knock(url));
        let needs = format!("it needs {PUSHING} on `{}`", self.repo.path());
        match status {
            Some(200) => Item::new("push", Verdict::Ok, "the token may push"),
            Some(401 | 403 | 404) => Item::new("push", Verdict::Error, "the token may not push").hint(needs),
            _ => Item::new(
                "push",
                Verdict::Unknown,
                "GitHub does not tell whether the token may push",
            )
            .hint(needs),
        }
    }

    /// Asks for the refs as for a push, and returns the status; `None` where the token is not for that server.
    fn knock(&self, clone_url: &str) -> Option<u16> {
        let token = match &self.access.credential {
            Credential::Token(token, _) => Some(token),
            Credential::App { .. } => self.app_token.get(),
            Credential::None => None,
        };
        let address = format!("{clone_url}/info/refs?service=git-receive-pack");
        let (Some(token), Ok(url)) = (token, Url::parse(&address)) else {
            return None;
        };
        let api = &self.access.root.rest;
        let host = url.host_str().unwrap_or_default();
        let is_there = api.host_str() == Some(host) || api.host_str() == Some(&format!("api.{host}"));
        if !is_there || url.scheme() != api.scheme() || url.port() != api.port() {
            return None;
        }
        let mut headers = HeaderMap::new();
        let login = Token::basic("x-access-token", token.expose());
        let Ok(mut value) = HeaderValue::from_str(login.expose()) else {
            return None;
        };
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
        let request = Request {
            method: Method::GET,
            url,
            headers,
            body: None,
        };
        // An answer that is lost says nothing about the token.
        let sent = self.access.http.send(request, self.access.deadline);
        sent.ok().map(|answer| answer.status())
    }

    fn pull_requests_item(&self, who: &Who, repository: &Repository) -> Result<Item, Fault> {
        let code = "pull-requests";
        let may = || Item::new(code, Verdict::Ok, "the token may open pull requests");
        let may_not = || {
            Item::new(code, Verdict::Error, "the token may not open pull requests")
                .hint(format!("it needs pull requests: write on `{}`", self.repo.path()))
        };
        if let Some(granted) = self.granted.get() {
            let writes = granted.get("pull_requests").is_some_and(|level| level == "write");
            return Ok(if writes { may() } else { may_not() });
        }
        if let Some(scopes) = &who.scopes {
            let has = |name: &str| scopes.iter().any(|scope| scope == name);
            let enough = has("repo") || (has("public_repo") && !repository.private);
            return Ok(if enough {
                may()
            } else {
                may_not().hint("a classic token needs the scope repo")
            });
        }
        let answer = self.get("/pulls?per_page=1")?;
        if !answer.is_ok() {
            return Ok(may_not());
        }
        let hint = if self.is_of_workflow() {
            "the job needs `pull-requests: write`, and the repository's settings must allow Actions to create pull requests"
        } else {
            "it needs pull requests: write"
        };
        let what = "the token may read pull requests, and GitHub does not tell whether it may open them";
        Ok(Item::new(code, Verdict::Unknown, what).hint(hint))
    }

    /// Tells what the token may do beside that: workflows, deployments, statuses.
    fn rights_item(&self, who: &Who) -> Item {
        if let Some(granted) = self.granted.get() {
            let all = granted.iter().map(|(name, level)| format!("{name}: {level}"));
            return Item::new(
                "rights",
                Verdict::Ok,
                format!("the App's permissions: {}", listed(all)),
            );
        }
        match &who.scopes {
            Some(scopes) if scopes.is_empty() => {
                Item::new("rights", Verdict::Error, "the token has no scope")
                    .hint("a classic token needs the scope repo")
            }
            Some(scopes) => Item::new(
                "rights",
                Verdict::Ok,
                format!("the token's scopes: {}", listed(scopes)),
            ),
            None => Item::new(
                "rights",
                Verdict::Unknown,
                "GitHub does not tell what else the token may do (workflows, deployments, statuses)",
            )
            .hint("docs/permissions.md lists what each command needs"),
        }
    }

    fn is_of_workflow(&self) -> bool {
        let credential = &self.access.credential;
        matches!(
            credential,
            Credential::Token(_, TokenSource::Variable("GITHUB_TOKEN"))
        )
    }

    /// Looks for labels, reviewers and teams.
    fn names(&self, asked: &Preflight, items: &mut Vec<Item>) -> Result<(), Fault> {
        for label in &asked.labels {
            let answer = self.get(&format!("/labels/{}", one_part(label)))?;
            let there = match answer.status {
                200 => Ok(true),
                404 => Ok(false),
                _ => Err(self.refusal(&answer, "look up a label", "issues: read")),
            };
            items.push(label_item(label, there, "pull request"));
        }
        for login in &asked.reviewers {
            let name = shown(login);
            let answer = self.get(&format!("/collaborators/{}", one_part(login)))?;
            items.push(match answer.status {
                204 => Item::new("reviewer", Verdict::Ok, format!("`{name}` may review")),
                404 => Item::new(
                    "reviewer",
                    Verdict::Warning,
                    format!("`{name}` is no collaborator"),
                )
                .hint("GitHub asks only those for a review who can read the repository"),
                _ => refused(
                    "reviewer",
                    Verdict::Unknown,
                    self.refusal(&answer, "look up a reviewer", "metadata: read"),
                ),
            });
        }
        let (owner, _) = self.repo.owner_and_name();
        for team in &asked.teams {
            let name = shown(team);
            let path = format!(
                "/orgs/{owner}/teams/{}/repos/{}",
                one_part(team),
                self.repo.path()
            );
            let answer = self.get_at(&path)?;
            items.push(if answer.status == 204 {
                Item::new("team", Verdict::Ok, format!("the team `{name}` may review"))
            } else {
                let what = format!("there is no team `{name}` with access, or the token may not see it");
                Item::new("team", Verdict::Unknown, what)
                    .hint("members: read of the organisation lets it see its teams")
            });
        }
        Ok(())
    }
}

fn auto_merge_item(repository: &Repository) -> Item {
    match repository.allow_auto_merge {
        Some(true) => Item::new("auto-merge", Verdict::Ok, "auto-merge is allowed"),
        Some(false) => Item::new(
            "auto-merge",
            Verdict::Warning,
            "auto-merge is not allowed in the repository",
        )
        .hint("allow it in its settings, under Pull Requests; until then people merge"),
        None => Item::new(
            "auto-merge",
            Verdict::Unknown,
            "GitHub does not tell this token whether auto-merge is allowed",
        ),
    }
}

/// Tells a token's kind by its prefix ("About authentication to GitHub: GitHub's token formats").
fn kind_of(token: &Token, source: &TokenSource) -> &'static str {
    if matches!(source, TokenSource::Variable("GITHUB_TOKEN")) {
        return "the GITHUB_TOKEN of this workflow";
    }
    let text = token.expose();
    match () {
        () if text.starts_with("ghp_") => "a classic personal access token",
        () if text.starts_with("github_pat_") => "a fine-grained personal access token",
        () if text.starts_with("gho_") => "an OAuth token",
        () if text.starts_with("ghu_") => "a GitHub App's token for a user",
        () if text.starts_with("ghs_") => "the token of a GitHub App's installation",
        () => "a token",
    }
}

/// A foreign text as one part of a path.
pub(super) fn one_part(text: &str) -> String {
    encoded(text).replace('/', "%2F")
}
