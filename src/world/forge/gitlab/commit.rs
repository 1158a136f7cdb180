//! Commits by GitLab's "Commits API", and what its answers mean.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::GitLab;
use crate::plan::commit::{Fate, FileChange, NewCommit};
use crate::words::fault::{Fault, Kind};
use crate::words::wording::shown;
use crate::world::config_repo::Outcome;
use crate::world::forge::call::{Answer, Called};
use crate::world::git::{Meaning, meaning};

/// What a token needs to commit.
const WRITING: &str = "the Developer role and the scope api";

/// Wordings, in lower case, of a commit that came too late: the file changed, appeared or went, the branch moved or went
/// (`Files::UpdateService`, `Commits::CreateService`, and Gitaly's `UserCommitFiles`).
const MOVED: &[&str] = &[
    "changed since you started editing",
    "a file with this name doesn't exist",
    "a file with this name already exists",
    "please refresh and try again",
    "could not update refs/",
    "could not update branch",
    "you can only create or edit files when you are on a branch",
];
/// The wording, in lower case, of a branch that appeared where a commit was to start it. A commit on a branch's tip starts
/// none: trying it again would meet the same.
const APPEARED: &str = "a branch called";
/// The wording, in lower case, of a new file where a folder is, which GraphQL does not show.
const FOLDER: &str = "a directory with this name already exists";

/// Where a commit goes.
pub(super) enum Onto<'a> {
    /// On the branch, if no file that it changes was changed after this commit.
    Tip(&'a str),
    /// On this commit, which the branch then holds; `over` says that the branch is there already.
    Start { base: &'a str, over: bool },
}

impl GitLab {
    /// Sends one commit.
    pub(super) fn send_commit(
        &self,
        branch: &str,
        onto: &Onto<'_>,
        commit: &NewCommit,
    ) -> Result<Outcome, Fault> {
        #[derive(Deserialize)]
        struct Made {
            id: String,
        }
        let actions: Vec<Value> = commit.changes.iter().map(|change| action(change, onto)).collect();
        let mut body = json!({ "branch": branch, "commit_message": commit.message, "actions": actions });
        if let Onto::Start { base, over } = onto {
            body["start_sha"] = json!(base);
            if *over {
                body["force"] = json!(true);
            }
        }
        if let Some(author) = &commit.author {
            body["author_name"] = json!(author.name);
            body["author_email"] = json!(author.email);
        }
        let asked = self.own(Method::POST, "repository/commits").body(body);
        match self.write(&asked)? {
            Called::Unclear(fault) => Ok(Outcome::Unknown {
                why: fault.message,
                commit: None,
            }),
            Called::Answered(answer) if answer.is_ok() => Ok(Outcome::Landed {
                commit: Some(answer.read::<Made>("the commit")?.id),
                verified: None,
            }),
            Called::Answered(answer) => Ok(self.turned_away(&answer, branch, onto, commit)),
        }
    }

    /// Tells why a commit was not taken.
    fn turned_away(&self, answer: &Answer, branch: &str, onto: &Onto<'_>, commit: &NewCommit) -> Outcome {
        let said = answer.complaint();
        if said.to_lowercase().contains(FOLDER) {
            let new = commit.changes.iter().filter(|change| change.before().is_none());
            let new: Vec<String> = new.map(|change| format!("`{}`", change.path)).collect();
            let why = format!("{} cannot be added: {said}", new.join(" or "));
            return Outcome::Refused(Fault::refused(why));
        }
        let means = understood(&said, onto);
        let refused = |why: &str, hint: &str| {
            let message = format!("{why} on `{}`: {said}", shown(branch));
            Outcome::Refused(Fault::new(Kind::Refused, message).hint(hint))
        };
        match (answer.status, means) {
            (400 | 409, Meaning::Moved) => Outcome::Moved { why: said },
            (400 | 403, Meaning::Protected | Meaning::NoRight) => refused(
                "GitLab refuses the commit",
                "the branch is protected, or the token's role is below Developer: use --publish pull-request, or let this \
                 token push there",
            ),
            (400 | 422, _) => refused(
                "a rule of GitLab refuses the commit",
                "try another --message or --author, or use --publish pull-request",
            ),
            _ => Outcome::Refused(self.refusal(answer, "commit", WRITING)),
        }
    }

    /// Says, before anything is sent, that a job token cannot do this.
    ///
    /// # Errors
    /// `Denied` with a job token ("CI/CD job token": the Commits and the Merge requests API are read-only to it, and
    /// GraphQL does not know it).
    pub(super) fn refuse_job_token(&self, doing: &str) -> Result<(), Fault> {
        if !self.has_job_token() {
            return Ok(());
        }
        let why = format!("CI_JOB_TOKEN may not {doing} through GitLab's API");
        Err(Fault::new(Kind::Denied, why).hint(format!(
            "give a project or group access token in GITOPS_STEPS_TOKEN, with {WRITING}"
        )))
    }
}

/// Returns what one change is among a commit's `actions`.
fn action(change: &FileChange, onto: &Onto<'_>) -> Value {
    let mut action = json!({ "file_path": change.path.as_str() });
    action["action"] = json!(match &change.fate {
        Fate::Added { .. } => "create",
        Fate::Changed { .. } => "update",
        Fate::Removed { .. } => "delete",
    });
    if let Some(new) = change.after() {
        action["content"] = json!(STANDARD.encode(new));
        action["encoding"] = json!("base64");
    }
    if let Fate::Added { executable: true, .. } = change.fate {
        action["execute_filemode"] = json!(true);
    }
    // With a start of its own GitLab would look for changes on the default branch instead.
    if let (Onto::Tip(tip), Some(_)) = (onto, change.before()) {
        action["last_commit_id"] = json!(tip);
    }
    action
}

/// Reads what GitLab says of a commit; what git itself says is known already.
fn understood(said: &str, onto: &Onto<'_>) -> Meaning {
    let lower = said.to_lowercase().replace('\u{2019}', "'").replace("\\'", "'");
    let appeared = matches!(onto, Onto::Start { .. }) && lower.contains(APPEARED);
    if appeared || MOVED.iter().any(|wording| lower.contains(wording)) {
        return Meaning::Moved;
    }
    meaning(said, said)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIP: Onto<'_> = Onto::Tip("abc");
    const START: Onto<'_> = Onto::Start {
        base: "abc",
        over: false,
    };

    #[test]
    fn what_gitlab_says_of_a_commit_is_understood() {
        for (said, expected) in [
            (
                "The file has changed since you started editing it: a.yaml",
                Meaning::Moved,
            ),
            (
                "You are attempting to update a file that has changed since you started editing it.",
                Meaning::Moved,
            ),
            ("A file with this name doesn't exist", Meaning::Moved),
            ("A file with this name already exists", Meaning::Moved),
            (
                "Could not update refs/heads/main. Please refresh and try again.",
                Meaning::Moved,
            ),
            (
                "You can only create or edit files when you are on a branch",
                Meaning::Moved,
            ),
            (
                "403 Forbidden - You are not allowed to push into this branch",
                Meaning::NoRight,
            ),
            (
                "GitLab: You are not allowed to push code to protected branches on this project.",
                Meaning::Protected,
            ),
            (
                "Commit message does not follow the pattern 'JIRA-.*'",
                Meaning::Rule,
            ),
        ] {
            for onto in [TIP, START] {
                assert_eq!(understood(said, &onto), expected, "{said}");
            }
        }
    }

    #[test]
    fn a_branch_that_is_there_already_came_first_only_where_one_was_to_be_made() {
        let said = "A branch called 'x' already exists. Switch to that branch in order to make changes";
        assert_eq!(understood(said, &START), Meaning::Moved);
        assert_eq!(understood(said, &TIP), Meaning::Rule);
    }
}
