//! How two commits lie to each other, by GitLab's "Repositories API".

use gitlab::api::projects::repository::commits::{Commit, CompareCommits};
use reqwest::Method;
use serde::Deserialize;

use super::snapshot::{Logged, READING};
use super::{GitLab, unwritable};
use crate::plan::comparison::{Comparison, LoggedCommit, Relation};
use crate::words::fault::Fault;

/// A comparison as GitLab shows it: the commits are those that only `to` has, oldest first.
#[derive(Deserialize)]
struct Compared {
    #[serde(default)]
    commits: Vec<Logged>,
    #[serde(default)]
    compare_same_ref: bool,
    web_url: Option<String>,
}

/// A commit of which only the id counts.
#[derive(Deserialize)]
struct Named {
    id: String,
}

impl GitLab {
    /// Compares two commits, in one to three requests.
    pub(in crate::world::forge) fn compare(
        &self,
        base: &str,
        head: &str,
    ) -> Result<Option<Comparison>, Fault> {
        let asked = CompareCommits::builder()
            .project(self.repo.path())
            .from(base)
            .to(head)
            .build()
            .map_err(unwritable)?;
        let answer = self.read(&asked)?;
        if answer.status == 404 && !answer.complaint().contains("Project") {
            return Ok(None);
        }
        if !answer.is_ok() {
            return Err(self.refusal(&answer, "compare commits", READING));
        }
        let compared: Compared = answer.read("the comparison")?;
        let relation = if compared.compare_same_ref {
            Relation::Same
        } else if compared.commits.is_empty() {
            Relation::Behind
        } else if self.contains(base, head)? {
            Relation::Ahead
        } else {
            Relation::Diverged
        };
        Ok(Some(Comparison {
            relation,
            total: compared.commits.len(),
            commits: compared.commits.into_iter().map(LoggedCommit::from).collect(),
            url: compared.web_url,
        }))
    }

    /// Returns whether `head` contains `base`: whether that is where the two part.
    fn contains(&self, base: &str, head: &str) -> Result<bool, Fault> {
        let asked = self
            .own(Method::GET, "repository/merge_base")
            .query("refs[]", base)
            .query("refs[]", head);
        let answer = self.read(&asked)?;
        if answer.status == 404 {
            // They have nothing in common.
            return Ok(false);
        }
        if !answer.is_ok() {
            return Err(self.refusal(&answer, "find where two commits part", READING));
        }
        let parted: Named = answer.read("the merge base")?;
        if parted.id.eq_ignore_ascii_case(base) {
            return Ok(true);
        }
        let is_id = base.len() >= 40 && base.bytes().all(|b| b.is_ascii_hexdigit());
        if is_id {
            return Ok(false);
        }
        let asked = Commit::builder()
            .project(self.repo.path())
            .commit(base)
            .build()
            .map_err(unwritable)?;
        let answer = self.read(&asked)?;
        if !answer.is_ok() {
            return Err(self.refusal(&answer, "read a commit", READING));
        }
        Ok(answer.read::<Named>("the commit")?.id == parted.id)
    }
}
