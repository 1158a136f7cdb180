//! Pull requests by number, and those that are open.
//!
//! Source: GitHub's "REST API endpoints for pull requests".

use serde::Deserialize;

use super::GitHub;
use crate::plan::open_request::OpenRequest;
use crate::words::fault::Fault;
use crate::world::forge::open_requests::PAGE;

/// What a token needs.
const READ: &str = "pull requests: read";

#[derive(Deserialize)]
struct Shown {
    number: u64,
    head: Side,
    base: Side,
    #[serde(default)]
    labels: Vec<Label>,
}

#[derive(Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    branch: String,
    sha: String,
    repo: Option<Repo>,
}

#[derive(Deserialize)]
struct Repo {
    full_name: String,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

impl GitHub {
    pub(in crate::world::forge) fn open_requests(&self, page: usize) -> Result<Vec<OpenRequest>, Fault> {
        let order = "state=open&sort=created&direction=asc";
        let answer = self.get(&format!("/pulls?{order}&per_page={PAGE}&page={page}"))?;
        if !answer.is_ok() {
            return Err(self.refusal(&answer, "list the open pull requests", READ));
        }
        let shown: Vec<Shown> = answer.read("the open pull requests")?;
        Ok(shown.into_iter().map(OpenRequest::from).collect())
    }

    pub(in crate::world::forge) fn numbered(&self, number: u64) -> Result<Option<OpenRequest>, Fault> {
        let answer = self.get(&format!("/pulls/{number}"))?;
        match answer.status {
            200 => Ok(Some(answer.read::<Shown>("a pull request")?.into())),
            404 => Ok(None),
            _ => Err(self.refusal(&answer, "read a pull request", READ)),
        }
    }
}

impl From<Shown> for OpenRequest {
    fn from(shown: Shown) -> Self {
        let home = |side: &Side| side.repo.as_ref().map(|repo| repo.full_name.to_ascii_lowercase());
        Self {
            number: shown.number,
            // A fork that is deleted has no repository any more.
            fork: home(&shown.head).is_none() || home(&shown.head) != home(&shown.base),
            branch: shown.head.branch,
            sha: shown.head.sha,
            labels: shown.labels.into_iter().map(|label| label.name).collect(),
        }
    }
}
