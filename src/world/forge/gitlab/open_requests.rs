//! Merge requests by number, and those that are open.
//!
//! Source: GitLab's "Merge requests API".

use reqwest::Method;
use serde::Deserialize;

use super::GitLab;
use crate::plan::open_request::OpenRequest;
use crate::words::fault::Fault;
use crate::world::forge::open_requests::PAGE;

/// What a token needs.
const READ: &str = "the Reporter role and the scope read_api (a job token will do)";

#[derive(Deserialize)]
struct Shown {
    iid: u64,
    source_branch: String,
    /// Missing for a moment after the merge request is opened.
    #[serde(default)]
    sha: Option<String>,
    #[serde(default)]
    labels: Vec<String>,
    source_project_id: Option<u64>,
    target_project_id: u64,
}

impl GitLab {
    pub(in crate::world::forge) fn open_requests(&self, page: usize) -> Result<Vec<OpenRequest>, Fault> {
        let asked = self
            .own(Method::GET, "merge_requests")
            .query("state", "opened")
            .query("order_by", "created_at")
            .query("sort", "asc")
            .query("per_page", &PAGE.to_string())
            .query("page", &page.to_string());
        let answer = self.read(&asked)?;
        if !answer.is_ok() {
            return Err(self.refusal(&answer, "list the open merge requests", READ));
        }
        let shown: Vec<Shown> = answer.read("the open merge requests")?;
        Ok(shown.into_iter().map(OpenRequest::from).collect())
    }

    pub(in crate::world::forge) fn numbered(&self, number: u64) -> Result<Option<OpenRequest>, Fault> {
        let answer = self.read(&self.own(Method::GET, &format!("merge_requests/{number}")))?;
        match answer.status {
            200 => Ok(Some(answer.read::<Shown>("a merge request")?.into())),
            404 => Ok(None),
            _ => Err(self.refusal(&answer, "read a merge request", READ)),
        }
    }
}

impl From<Shown> for OpenRequest {
    fn from(shown: Shown) -> Self {
        Self {
            number: shown.iid,
            branch: shown.source_branch,
            sha: shown.sha.unwrap_or_default(),
            labels: shown.labels,
            fork: shown.source_project_id != Some(shown.target_project_id),
        }
    }
}
