//! Merge requests: found, opened, changed, closed.
//!
//! Source: GitLab's "Merge requests API" and "Notes API". Unlike GitHub, GitLab opens a merge request whose branches do
//! not differ, so nothing here answers [`Opened::NoDifference`].

use gitlab::api::Endpoint;
use gitlab::api::projects::merge_requests::notes::CreateMergeRequestNote;
use gitlab::api::projects::merge_requests::{
    CreateMergeRequest, EditMergeRequest, MergeRequest, MergeRequestStateEvent,
};
use reqwest::Method;
use serde::Deserialize;

use super::{GitLab, unwritable};
use crate::plan::change_request::{ChangeRequest, Edit, NewChangeRequest, Opened, State};
use crate::words::fault::Fault;
use crate::world::clock;
use crate::world::forge::call::{Answer, Called};

/// What changing a merge request needs.
pub(super) const CHANGING: &str = "the Developer role and the scope api";
/// The pause before a lost answer is looked up.
pub(super) const PAUSE: std::time::Duration = std::time::Duration::from_millis(300);

/// The mark of a draft that we set ("Draft merge requests").
const DRAFT: &str = "Draft: ";
/// The marks that GitLab knows, in lower case.
const DRAFT_MARKS: &[&str] = &["draft:", "[draft]", "(draft)"];
/// The longest title, in characters.
const LONGEST_TITLE: usize = 255;
/// The longest text, in characters.
const LONGEST_BODY: usize = 1_048_576;

/// A merge request as GitLab shows it.
#[derive(Deserialize)]
pub(super) struct Shown {
    iid: u64,
    web_url: String,
    state: String,
    title: String,
    description: Option<String>,
    sha: Option<String>,
    source_branch: String,
    target_branch: String,
    source_project_id: Option<u64>,
    target_project_id: Option<u64>,
    #[serde(default)]
    pub(super) labels: Vec<String>,
    #[serde(default)]
    pub(super) assignees: Vec<User>,
    #[serde(default)]
    pub(super) reviewers: Vec<User>,
    #[serde(default)]
    pub(super) merge_when_pipeline_succeeds: bool,
    #[serde(default)]
    pub(super) detailed_merge_status: String,
}

/// A user as GitLab shows one.
#[derive(Deserialize)]
pub(super) struct User {
    pub(super) id: u64,
    pub(super) username: String,
}

impl From<Shown> for ChangeRequest {
    fn from(shown: Shown) -> Self {
        let title = without_mark(&shown.title);
        Self {
            number: shown.iid,
            node: String::new(),
            url: shown.web_url,
            state: match shown.state.as_str() {
                "merged" => State::Merged,
                "closed" => State::Closed,
                // `locked` lasts while GitLab merges it.
                _ => State::Open,
            },
            draft: title.len() < shown.title.len(),
            title: title.to_owned(),
            body: shown.description.unwrap_or_default(),
            head: shown.sha,
        }
    }
}

impl GitLab {
    /// Finds the merge requests from one branch of this project to another, newest first.
    pub(in crate::world::forge) fn change_requests(
        &self,
        head: &str,
        base: &str,
    ) -> Result<Vec<ChangeRequest>, Fault> {
        let asked = self
            .own(Method::GET, "merge_requests")
            .query("source_branch", head)
            .query("target_branch", base)
            .query("state", "all")
            .query("order_by", "created_at")
            .query("sort", "desc")
            .query("per_page", "100");
        let answer = self.read(&asked)?;
        if !answer.is_ok() {
            return Err(self.refusal(&answer, "look for merge requests", super::snapshot::READING));
        }
        let found: Vec<Shown> = answer.read("the search for merge requests")?;
        // A fork may have a branch of the same name.
        let is_meant = |one: &Shown| {
            one.source_project_id == one.target_project_id
                && one.source_branch == head
                && one.target_branch == base
        };
        Ok(found
            .into_iter()
            .filter(is_meant)
            .map(ChangeRequest::from)
            .collect())
    }

    /// Opens a merge request, whose branch GitLab deletes when it is merged.
    pub(in crate::world::forge) fn open(&self, new: &NewChangeRequest) -> Result<Opened, Fault> {
        self.refuse_job_token("open a merge request")?;
        let title = titled(&new.title, new.draft);
        within_limits(Some(&title), Some(&new.body))?;
        let asked = CreateMergeRequest::builder()
            .project(self.repo.path())
            .source_branch(new.head.as_str())
            .target_branch(new.base.as_str())
            .title(title)
            .description(new.body.as_str())
            .remove_source_branch(true)
            .build()
            .map_err(unwritable)?;
        let answer = match self.write(&asked)? {
            Called::Answered(answer) => answer,
            Called::Unclear(fault) => return Ok(Opened::Unclear(fault.message)),
        };
        match answer.status {
            409 => Ok(Opened::Exists),
            _ if answer.is_ok() => Ok(Opened::New(
                answer.read::<Shown>("the new merge request")?.into(),
                None,
            )),
            _ => Err(self.refusal(&answer, "open a merge request", CHANGING)),
        }
    }

    /// Changes a merge request; with a new title it stays the draft that it is, or is not.
    pub(in crate::world::forge) fn update(&self, number: u64, edit: &Edit) -> Result<ChangeRequest, Fault> {
        self.refuse_job_token("change a merge request")?;
        if edit == &Edit::default() {
            return Ok(self.merge_request(number)?.into());
        }
        let mut asked = EditMergeRequest::builder();
        asked.project(self.repo.path()).merge_request(number);
        if let Some(title) = &edit.title {
            let draft = ChangeRequest::from(self.merge_request(number)?).draft;
            asked.title(titled(title, draft));
            within_limits(Some(&titled(title, draft)), None)?;
        }
        if let Some(body) = &edit.body {
            within_limits(None, Some(body))?;
            asked.description(body.as_str());
        }
        if edit.reopen {
            asked.state_event(MergeRequestStateEvent::Reopen);
        }
        let answer = self.set(&asked.build().map_err(unwritable)?)?;
        if !answer.is_ok() {
            let doing = if edit.reopen {
                "open a closed merge request again"
            } else {
                "change a merge request"
            };
            return Err(self.refusal(&answer, doing, CHANGING));
        }
        Ok(answer.read::<Shown>("the merge request")?.into())
    }

    /// Closes a merge request, and says why in a comment.
    pub(in crate::world::forge) fn close(&self, number: u64, body: &str, comment: &str) -> Result<(), Fault> {
        self.refuse_job_token("close a merge request")?;
        within_limits(None, Some(body))?;
        let asked = EditMergeRequest::builder()
            .project(self.repo.path())
            .merge_request(number)
            .description(body)
            .state_event(MergeRequestStateEvent::Close)
            .build()
            .map_err(unwritable)?;
        let answer = self.set(&asked)?;
        if !answer.is_ok() {
            return Err(self.refusal(&answer, "close a merge request", CHANGING));
        }
        let note = CreateMergeRequestNote::builder()
            .project(self.repo.path())
            .merge_request(number)
            .body(comment)
            .build()
            .map_err(unwritable)?;
        let mut called = self.write(&note)?;
        if matches!(called, Called::Unclear(_)) {
            if self.has_note(number, comment)? {
                return Ok(());
            }
            called = self.write(&note)?;
        }
        match called {
            Called::Answered(answer) if answer.is_ok() => Ok(()),
            Called::Answered(answer) => Err(self.refusal(&answer, "comment on a merge request", CHANGING)),
            Called::Unclear(fault) => Err(fault),
        }
    }

    /// Sends what sets fields to values, once more if the answer was lost: setting the same again does no harm.
    pub(super) fn set(&self, endpoint: &impl Endpoint) -> Result<Answer, Fault> {
        if let Called::Answered(answer) = self.write(endpoint)? {
            return Ok(answer);
        }
        clock::sleep_within(PAUSE, self.access.deadline);
        match self.write(endpoint)? {
            Called::Answered(answer) => Ok(answer),
            Called::Unclear(fault) => Err(fault),
        }
    }

    /// Returns a merge request as it is now.
    pub(super) fn merge_request(&self, number: u64) -> Result<Shown, Fault> {
        let asked = MergeRequest::builder()
            .project(self.repo.path())
            .merge_request(number)
            .build()
            .map_err(unwritable)?;
        let answer = self.read(&asked)?;
        if !answer.is_ok() {
            return Err(self.refusal(&answer, "read a merge request", super::snapshot::READING));
        }
        answer.read("the merge request")
    }

    fn has_note(&self, number: u64, comment: &str) -> Result<bool, Fault> {
        #[derive(Deserialize)]
        struct Note {
            body: String,
        }
        let asked = self
            .own(Method::GET, &format!("merge_requests/{number}/notes"))
            .query("order_by", "created_at")
            .query("sort", "desc")
            .query("per_page", "20");
        let answer = self.read(&asked)?;
        if !answer.is_ok() {
            return Err(self.refusal(&answer, "read comments", super::snapshot::READING));
        }
        let notes: Vec<Note> = answer.read("the comments")?;
        Ok(notes.iter().any(|note| note.body.trim() == comment.trim()))
    }
}

fn titled(title: &str, draft: bool) -> String {
    let title = without_mark(title);
    if draft {
        format!("{DRAFT}{title}")
    } else {
        title.to_owned()
    }
}

/// Returns a title without the marks of a draft.
fn without_mark(title: &str) -> &str {
    let mut rest = title.trim_start();
    let mut found = false;
    while let Some(mark) = DRAFT_MARKS.iter().find(|mark| {
        rest.get(..mark.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(mark))
    }) {
        rest = rest[mark.len()..].trim_start();
        found = true;
    }
    if found { rest } else { title }
}

fn within_limits(title: Option<&str>, body: Option<&str>) -> Result<(), Fault> {
    for (what, text, most) in [("title", title, LONGEST_TITLE), ("text", body, LONGEST_BODY)] {
        let long = text.map_or(0, |text| text.chars().count());
        if long > most {
            let why = format!(
                "the {what} of a merge request has at most {most} characters on GitLab; this one has {long}"
            );
            return Err(Fault::invalid(why).hint(format!("shorten the {what}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_told_by_its_title_and_keeps_its_words() {
        for (title, bare) in [
            ("Deploy 1.2", "Deploy 1.2"),
            ("Draft: Deploy 1.2", "Deploy 1.2"),
            ("[draft] Draft: Deploy", "Deploy"),
            ("(Draft)Deploy", "Deploy"),
            (" Drafts: x", " Drafts: x"),
            ("é", "é"),
        ] {
            assert_eq!(without_mark(title), bare, "{title:?}");
        }
        assert_eq!(titled("Draft: x", true), "Draft: x");
        assert_eq!(titled("Draft: x", false), "x");
    }
}
