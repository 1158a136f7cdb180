//! Labels, reviewers and assignees of a merge request.
//!
//! Source: GitLab's "Merge requests API: update a merge request" and "Users API". GitLab passes over users who are not
//! members, and without a paid plan keeps one reviewer and one assignee only; neither is an error there, so what came of
//! it is read from the answer.

use gitlab::api::projects::merge_requests::EditMergeRequest;
use gitlab::api::users::Users;

use super::change_requests::{CHANGING, Shown, User};
use super::{GitLab, unwritable};
use crate::plan::change_request::{ChangeRequest, Dressing};
use crate::words::fault::Fault;
use crate::words::wording::shown;

impl GitLab {
    /// Sets labels, reviewers and assignees in one request, and tells of each that was not to be had.
    pub(in crate::world::forge) fn dress(
        &self,
        request: &ChangeRequest,
        dressing: &Dressing,
    ) -> Result<Vec<String>, Fault> {
        let mut warnings = Vec::new();
        if !dressing.team_reviewers.is_empty() {
            warnings.push("GitLab asks no teams to review: give --reviewer, or approval rules".to_owned());
        }
        let (labels, odd): (Vec<_>, Vec<_>) = dressing.labels.iter().partition(|label| !label.contains(','));
        for label in odd {
            warnings.push(format!(
                "`{}` is no label on GitLab: it holds a comma",
                shown(label)
            ));
        }
        let reviewers = self.users(&dressing.reviewers, "review", &mut warnings)?;
        let assignees = self.users(&dressing.assignees, "be assigned", &mut warnings)?;
        if labels.is_empty() && reviewers.is_empty() && assignees.is_empty() {
            return Ok(warnings);
        }
        let mut asked = EditMergeRequest::builder();
        asked.project(self.repo.path()).merge_request(request.number);
        for label in &labels {
            asked.add_label(label.as_str());
        }
        if !reviewers.is_empty() {
            asked.reviewers(reviewers.iter().map(|user| user.id));
        }
        if !assignees.is_empty() {
            asked.assignees(assignees.iter().map(|user| user.id));
        }
        let answer = self.set(&asked.build().map_err(unwritable)?)?;
        if !answer.is_ok() {
            let fault = self.refusal(&answer, "label a merge request or ask for reviews", CHANGING);
            warnings.push(fault.message);
            return Ok(warnings);
        }
        let now: Shown = answer.read("the merge request")?;
        for label in labels.iter().filter(|label| !now.labels.contains(label)) {
            warnings.push(format!("GitLab did not take the label `{}`", shown(label)));
        }
        missing(&reviewers, &now.reviewers, "reviewer", &mut warnings);
        missing(&assignees, &now.assignees, "assignee", &mut warnings);
        Ok(warnings)
    }

    /// Finds users by their names; those that are not there become warnings.
    fn users(&self, names: &[String], what: &str, warnings: &mut Vec<String>) -> Result<Vec<User>, Fault> {
        let mut users = Vec::new();
        for name in names {
            let wanted = name.trim_start_matches('@');
            let asked = Users::builder().username(wanted).build().map_err(unwritable)?;
            let answer = self.read(&asked)?;
            if !answer.is_ok() {
                let doing = format!("look up the user `{}`", shown(wanted));
                warnings.push(self.refusal(&answer, &doing, "the scope read_api").message);
                continue;
            }
            let found: Vec<User> = answer.read("the search for a user")?;
            match found
                .into_iter()
                .find(|user| user.username.eq_ignore_ascii_case(wanted))
            {
                Some(user) => users.push(user),
                None => warnings.push(format!("GitLab knows no user `{}` to {what}", shown(wanted))),
            }
        }
        Ok(users)
    }
}

fn missing(wanted: &[User], set: &[User], role: &str, warnings: &mut Vec<String>) {
    for user in wanted {
        if !set.iter().any(|one| one.id == user.id) {
            let why = if set.is_empty() {
                "only members of the project can be it"
            } else {
                "only members of the project can be it, and without a paid plan only one at a time"
            };
            warnings.push(format!(
                "GitLab did not take `{}` as {role}: {why}",
                shown(&user.username)
            ));
        }
    }
}
