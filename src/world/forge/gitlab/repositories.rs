//! Whether a project is there, and making it.
//!
//! Source: GitLab's "Projects API" (Retrieve a project, Create a project) and "Namespaces API".

use reqwest::Method;
use serde::Deserialize;
use serde_json::json;

use super::GitLab;
use super::own::{at_root, encoded};
use crate::plan::repository::NewRepository;
use crate::words::fault::Fault;
use crate::world::forge::call::Called;

/// What a token needs to read one.
const READ: &str = "the scope read_api";
/// What a token needs to make one.
const MAKE: &str = "the role Maintainer of the group (or what the group asks for) and the scope api";

#[derive(Deserialize)]
struct Shown {
    http_url_to_repo: String,
}

#[derive(Deserialize)]
struct Namespace {
    id: u64,
}

impl GitLab {
    pub(in crate::world::forge) fn clone_url(&self) -> Result<Option<String>, Fault> {
        let path = format!("projects/{}", encoded(self.repo.path()));
        let answer = self.read(&at_root(Method::GET, path))?;
        match answer.status {
            404 => Ok(None),
            _ if answer.is_ok() => {
                let shown = answer.read::<Shown>("the project")?;
                Ok(Some(shown.http_url_to_repo))
            }
            _ => Err(self.refusal(&answer, "look for the project", READ)),
        }
    }

    pub(in crate::world::forge) fn create(&self, new: &NewRepository) -> Result<String, Fault> {
        let (group, name) = self.repo.owner_and_name();
        let answer = self.read(&at_root(Method::GET, format!("namespaces/{}", encoded(group))))?;
        if !answer.is_ok() {
            return Err(self.refusal(&answer, &format!("find the group `{group}`"), MAKE));
        }
        let namespace: Namespace = answer.read("the group")?;
        let body = json!({
            "name": name,
            "path": name,
            "namespace_id": namespace.id,
            "description": new.description,
            "visibility": new.visibility.word(),
            "initialize_with_readme": false,
        });
        let endpoint = at_root(Method::POST, "projects".to_owned()).body(body);
        match self.write(&endpoint)? {
            Called::Answered(answer) if answer.is_ok() => answer
                .read::<Shown>("the new project")
                .map(|shown| shown.http_url_to_repo),
            // GitLab says no more of a group in which one may not make projects.
            Called::Answered(answer) if answer.status == 400 && answer.complaint().contains("namespace") => {
                let refused = self.refusal(&answer, "make the project", MAKE);
                Err(refused.hint(format!("the token needs {MAKE} in `{group}`")))
            }
            Called::Answered(answer) => Err(self.refusal(&answer, "make the project", MAKE)),
            Called::Unclear(fault) => Err(fault),
        }
    }
}
