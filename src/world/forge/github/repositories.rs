//! Whether a repository is there, and making it.
//!
//! Source: GitHub's "REST API endpoints for repositories": Get a repository, Create an organization repository, Create a
//! repository for the authenticated user.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{GitHub, encoded};
use crate::plan::repository::{NewRepository, Visibility};
use crate::words::fault::{Fault, Kind};
use crate::world::forge::call::{Answer, Called, Effect};

/// What a token needs to make one.
const ADMINISTRATION: &str = "administration: write of the owner";

#[derive(Deserialize)]
struct Shown {
    clone_url: String,
}

#[derive(Deserialize)]
struct Account {
    login: String,
    #[serde(rename = "type", default)]
    kind: String,
}

impl GitHub {
    pub(in crate::world::forge) fn clone_url(&self) -> Result<Option<String>, Fault> {
        let answer = self.get("")?;
        match answer.status {
            404 => Ok(None),
            _ if answer.is_ok() => answer
                .read::<Shown>("the repository")
                .map(|shown| Some(shown.clone_url)),
            _ => Err(self.refusal(&answer, "look for the repository", "metadata: read")),
        }
    }

    pub(in crate::world::forge) fn create(&self, new: &NewRepository) -> Result<String, Fault> {
        let (owner, name) = self.repo.owner_and_name();
        let account: Account = self.ask_account(&format!("/users/{}", encoded(owner)), "the owner")?;
        let mut body = json!({ "name": name, "description": new.description, "auto_init": false });
        let path = if account.kind == "Organization" {
            body["visibility"] = new.visibility.word().into();
            format!("/orgs/{}/repos", encoded(owner))
        } else {
            let own: Account = self.ask_account("/user", "who the token is")?;
            if !own.login.eq_ignore_ascii_case(owner) {
                let why = format!(
                    "`{}` cannot make a repository of `{owner}`",
                    own.login.escape_debug()
                );
                return Err(Fault::new(Kind::Denied, why)
                    .hint("a person's repositories are made by that person's token"));
            }
            if new.visibility == Visibility::Internal {
                return Err(
                    Fault::invalid("a person's repository is private or public, not internal")
                        .hint("choose with --visibility"),
                );
            }
            body["private"] = Value::Bool(new.visibility == Visibility::Private);
            "/user/repos".to_owned()
        };
        match self.send(Effect::Write, &Method::POST, &path, Some(&body))? {
            Called::Answered(answer) if answer.is_ok() => answer
                .read::<Shown>("the new repository")
                .map(|shown| shown.clone_url),
            Called::Answered(answer) => Err(self.refusal(&answer, "make the repository", ADMINISTRATION)),
            Called::Unclear(fault) => Err(fault),
        }
    }

    fn ask_account(&self, path: &str, what: &str) -> Result<Account, Fault> {
        let answer: Answer = match self.send(Effect::Read, &Method::GET, path, None)? {
            Called::Answered(answer) => answer,
            Called::Unclear(fault) => return Err(fault),
        };
        if !answer.is_ok() {
            return Err(self.refusal(&answer, &format!("ask for {what}"), "metadata: read"));
        }
        answer.read(what)
    }
}
