//! One commit through the API: on the branch itself, or on a branch of its own for a change request.
//!
//! Sources: GitHub's GraphQL reference for `createCommitOnBranch` and `updateRefs`; "REST API endpoints for Git
//! references".

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::json;

use super::query::{Reply, Wrong};
use super::{GitHub, encoded};
use crate::plan::commit::NewCommit;
use crate::words::fault::{Fault, Kind};
use crate::words::wording::shown;
use crate::world::clock::{self, Deadline};
use crate::world::config_repo::Outcome;
use crate::world::forge::access::ForgeAccess;
use crate::world::forge::call::Called;
use crate::world::git::{Meaning, meaning};

/// What every commit needs.
const WRITING: &str = "contents: write";
/// The most bytes of files in one commit: a request holds 50 MB, and base64 makes four bytes of three.
const LARGEST: usize = 36_000_000;
/// Where a commit is made before its branch is set to it.
const TEMPORARY: &str = "gitops-steps";
/// How long cleaning up may take, however late it is.
const GRACE: Duration = Duration::from_secs(5);
/// The seconds after which a temporary branch is one of a run that was ended before it cleaned up: none takes that long.
const STALE: i64 = 24 * 3600;
/// The length of the random word in a temporary branch's name.
const WORD: usize = 24;
/// The most branches of such runs that one run deletes.
const SWEPT: usize = 10;
/// The commit that stands for none.
const NONE: &str = "0000000000000000000000000000000000000000";

const COMMIT: &str = "mutation($input:CreateCommitOnBranchInput!){createCommitOnBranch(input:$input){\
                      commit{oid signature{isValid}}}}";
const UPDATE: &str = "mutation($input:UpdateRefsInput!){updateRefs(input:$input){clientMutationId}}";

impl GitHub {
    /// Puts a commit on a branch whose tip is still `expected`, which GitHub itself compares.
    pub(super) fn commit_on(
        &self,
        branch: &str,
        expected: &str,
        commit: &NewCommit,
    ) -> Result<Outcome, Fault> {
        let mut additions = Vec::new();
        let mut deletions = Vec::new();
        let mut size = 0;
        for change in &commit.changes {
            let path = change.path.as_str();
            if let Some(new) = change.after() {
                size += new.len();
                additions.push(json!({ "path": path, "contents": STANDARD.encode(new) }));
            } else {
                deletions.push(json!({ "path": path }));
            }
        }
        if size > LARGEST {
            let why = format!("the files of this commit have {size} bytes, and GitHub's API takes {LARGEST}");
            return Err(self.only_by_git(why));
        }
        let (headline, body) = parts(&commit.message);
        let input = json!({ "input": {
            "branch": { "repositoryNameWithOwner": self.repo.path(), "branchName": branch },
            "expectedHeadOid": expected,
            "message": { "headline": headline, "body": body },
            "fileChanges": { "additions": additions, "deletions": deletions },
        } });
        let commit = match self.mutate(COMMIT, &input)? {
            Reply::Data(mut data) => data["createCommitOnBranch"]["commit"].take(),
            Reply::Wrong(wrong) => return Ok(self.turned_away(&wrong, branch)),
            Reply::Unclear(fault) => {
                return Ok(Outcome::Unknown {
                    why: fault.message,
                    commit: None,
                });
            }
        };
        Ok(match commit["oid"].as_str() {
            Some(oid) => Outcome::Landed {
                commit: Some(oid.to_owned()),
                // `null` is no signature; without the field, the token may not see it.
                verified: commit
                    .get("signature")
                    .map(|signature| signature["isValid"] == true),
            },
            None => Outcome::Unknown {
                why: "GitHub does not say which commit it made".to_owned(),
                commit: None,
            },
        })
    }

    /// Sets a branch to a commit on `base` in one step, so that it is never seen at the base itself: GitHub closes a
    /// pull request whose head has nothing of its own.
    ///
    /// The commit is made on a temporary branch `gitops-steps/…`, which goes in the step that sets the branch; a
    /// workflow that runs on every push, whatever the branch, sees it. Its name is no other run's, and tells when it
    /// was made: what a run left behind that was killed meanwhile is deleted by a later one. A server without `updateRefs` (GitHub Enterprise Server before 3.14) cannot compare and set at once: there the
    /// branch is read again right before it is set.
    pub(super) fn propose(
        &self,
        id: &str,
        base: &str,
        branch: &str,
        expected: Option<&str>,
        commit: &NewCommit,
    ) -> Result<Outcome, Fault> {
        let temporary = temporary_name(clock::now().as_second());
        let created = self.create_branch(&temporary, base);
        // It may be there although nobody said so.
        if matches!(created, Err(_) | Ok(Some(Outcome::Unknown { .. }))) {
            self.drop_branch(&temporary);
        }
        if let Some(failed) = created? {
            return Ok(failed);
        }
        let made = self.commit_on(&temporary, base, commit);
        let (oid, verified) = match made {
            Ok(Outcome::Landed {
                commit: Some(oid),
                verified,
            }) => (oid, verified),
            failed => {
                self.drop_branch(&temporary);
                return failed;
            }
        };
        let set = self.set_branch(id, branch, expected, &oid, &temporary);
        if matches!(set, Ok(None)) {
            self.drop_stale();
        } else {
            self.drop_branch(&temporary);
        }
        Ok(set?.unwrap_or(Outcome::Landed {
            commit: Some(oid),
            verified,
        }))
    }

    /// Sets the branch and deletes the temporary one; `None` if both are done.
    fn set_branch(
        &self,
        id: &str,
        branch: &str,
        expected: Option<&str>,
        oid: &str,
        temporary: &str,
    ) -> Result<Option<Outcome>, Fault> {
        let input = json!({ "input": { "repositoryId": id, "refUpdates": [
            { "name": format!("refs/heads/{branch}"), "beforeOid": expected.unwrap_or(NONE), "afterOid": oid, "force": true },
            { "name": format!("refs/heads/{temporary}"), "beforeOid": oid, "afterOid": NONE },
        ] } });
        match self.mutate(UPDATE, &input)? {
            Reply::Data(_) => Ok(None),
            Reply::Wrong(wrong) if wrong.is_unknown_here() => {
                let set = self.set_branch_by_rest(branch, expected, oid)?;
                if set.is_none() {
                    self.drop_branch(temporary);
                }
                Ok(set)
            }
            Reply::Wrong(wrong) => Ok(Some(match self.moved(branch, expected)? {
                Some(moved) => moved,
                None => self.turned_away(&wrong, branch),
            })),
            Reply::Unclear(fault) => Ok(Some(unclear(&fault, oid))),
        }
    }

    /// Sets the branch without `updateRefs`; `None` if it is done.
    fn set_branch_by_rest(
        &self,
        branch: &str,
        expected: Option<&str>,
        oid: &str,
    ) -> Result<Option<Outcome>, Fault> {
        let Some(expected) = expected else {
            return Ok(self.create_branch(branch, oid)?.map(|failed| match failed {
                Outcome::Unknown { why, .. } => Outcome::Unknown {
                    why,
                    commit: Some(oid.to_owned()),
                },
                failed => failed,
            }));
        };
        if let Some(moved) = self.moved(branch, Some(expected))? {
            return Ok(Some(moved));
        }
        let body = json!({ "sha": oid, "force": true });
        let below = format!("/git/refs/heads/{}", encoded(branch));
        match self.write(&Method::PATCH, &below, &body)? {
            Called::Unclear(fault) => Ok(Some(unclear(&fault, oid))),
            Called::Answered(answer) if answer.is_ok() => Ok(None),
            Called::Answered(answer) => Ok(Some(Outcome::Refused(self.refusal(
                &answer,
                &format!("set the branch `{}`", shown(branch)),
                WRITING,
            )))),
        }
    }

    /// Reads a branch again; `None` while it is where it was.
    fn moved(&self, branch: &str, expected: Option<&str>) -> Result<Option<Outcome>, Fault> {
        let answer = self.get(&format!("/git/ref/heads/{}", encoded(branch)))?;
        let tip = match answer.status {
            404 => None,
            _ if answer.is_ok() => answer.json["object"]["sha"].as_str(),
            _ => return Err(self.refusal(&answer, "read a branch", "contents: read")),
        };
        let why = match tip {
            tip if tip == expected => return Ok(None),
            None => "the branch is gone".to_owned(),
            Some(tip) => format!("the branch is at {} now", shown(tip)),
        };
        Ok(Some(Outcome::Moved { why }))
    }

    /// Makes a branch; `None` if it is done.
    fn create_branch(&self, branch: &str, oid: &str) -> Result<Option<Outcome>, Fault> {
        let body = json!({ "ref": format!("refs/heads/{branch}"), "sha": oid });
        let answer = match self.write(&Method::POST, "/git/refs", &body)? {
            Called::Answered(answer) if answer.is_ok() => return Ok(None),
            Called::Answered(answer) => answer,
            Called::Unclear(fault) => {
                return Ok(Some(Outcome::Unknown {
                    why: fault.message,
                    commit: None,
                }));
            }
        };
        let said = answer.complaint();
        Ok(Some(match meaning(&said, "") {
            Meaning::Moved => Outcome::Moved { why: said },
            Meaning::Protected => Outcome::Refused(
                Fault::refused(format!(
                    "a rule of the repository refuses the new branch `{}`: {said}",
                    shown(branch)
                ))
                .hint(format!(
                    "let this token make branches; commits are prepared on `{TEMPORARY}/*`"
                )),
            ),
            _ => Outcome::Refused(self.refusal(&answer, "make a branch", WRITING)),
        }))
    }

    fn drop_branch(&self, branch: &str) {
        let what = format!("the temporary branch `{}`", shown(branch));
        self.within_grace()
            .drop_quietly(&format!("/git/refs/heads/{}", encoded(branch)), &what);
    }

    /// Deletes temporary branches of runs that were ended before they could; a failure is only noted.
    fn drop_stale(&self) {
        let listed = self
            .within_grace()
            .get(&format!("/git/matching-refs/heads/{TEMPORARY}/"));
        let note = |why: &str| {
            let note = format!("temporary branches of other runs were not looked for: {why}");
            self.access.progress.note(&note);
        };
        let refs = match listed {
            Ok(answer) if answer.is_ok() => answer.json,
            Ok(answer) => return note(&answer.complaint()),
            Err(fault) => return note(&fault.message),
        };
        let now = clock::now().as_second();
        let names = refs.as_array().into_iter().flatten();
        names
            .filter_map(|one| one["ref"].as_str()?.strip_prefix("refs/heads/"))
            .filter(|branch| is_stale(branch, now))
            .take(SWEPT)
            .for_each(|branch| self.drop_branch(branch));
    }

    /// Returns the same repository with a deadline of its own, for cleaning up after the run's has passed.
    fn within_grace(&self) -> Self {
        Self {
            access: ForgeAccess {
                deadline: Deadline::after(GRACE),
                ..self.access.clone()
            },
            repo: self.repo.clone(),
            rest: self.rest.clone(),
            graphql: self.graphql.clone(),
            app_token: self.app_token.clone(),
            granted: self.granted.clone(),
        }
    }

    /// Tells why a commit or a branch was not taken.
    fn turned_away(&self, wrong: &Wrong, branch: &str) -> Outcome {
        let said = wrong.said();
        let stale =
            wrong.kind() == "STALE_DATA" || wrong.says(&["expected branch to point to", "but expected"]);
        // What the branch is now is told by the next look at it.
        let is_gone = wrong.kind() == "NOT_FOUND" && wrong.says(&["branch"]);
        let ruled = wrong.kind().contains("RULE_VIOLATION");
        match meaning(&said, "") {
            _ if stale || is_gone => Outcome::Moved { why: said },
            Meaning::Moved => Outcome::Moved { why: said },
            Meaning::NoWorkflowRight => {
                Outcome::Refused(self.wrong(wrong, "change a workflow", "workflows: write"))
            }
            meaning if ruled || meaning == Meaning::Protected => Outcome::Refused(
                Fault::new(
                    Kind::Refused,
                    format!("GitHub refuses the commit on `{}`: {said}", shown(branch)),
                )
                .hint(
                    "the branch is protected: use --publish pull-request, or let this token bypass the rule",
                ),
            ),
            _ => Outcome::Refused(self.wrong(wrong, "commit", WRITING)),
        }
    }
}

fn unclear(fault: &Fault, oid: &str) -> Outcome {
    Outcome::Unknown {
        why: fault.message.clone(),
        commit: Some(oid.to_owned()),
    }
}

/// Returns a name for a temporary branch that is made at this second.
fn temporary_name(second: i64) -> String {
    format!("{TEMPORARY}/{second}-{}", clock::random_word())
}

/// Tells whether a branch is a temporary one of long ago; any that is not named as ours are is somebody else's.
fn is_stale(branch: &str, now: i64) -> bool {
    let made = branch.strip_prefix(TEMPORARY).and_then(|rest| {
        let (second, word) = rest.strip_prefix('/')?.split_once('-')?;
        let is_ours = word.len() == WORD && word.bytes().all(|b| b.is_ascii_alphanumeric());
        second.parse::<i64>().ok().filter(|_| is_ours)
    });
    made.is_some_and(|made| made < now.saturating_sub(STALE))
}

/// Splits a message into the headline and the body that the API asks for apart.
fn parts(message: &str) -> (&str, &str) {
    let (headline, body) = message.split_once('\n').unwrap_or((message, ""));
    (headline.trim_end(), body.trim_matches('\n'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_split_so_that_github_puts_it_together_again() {
        for (message, headline, body) in [
            ("a", "a", ""),
            ("a\n", "a", ""),
            ("a\n\nb\n\nc: d\n", "a", "b\n\nc: d"),
            ("a\r\nb", "a", "b"),
        ] {
            assert_eq!(parts(message), (headline, body), "{message:?}");
        }
    }

    #[test]
    fn only_a_temporary_branch_of_long_ago_is_stale() {
        let now = 1_800_000_000;
        let word = "a".repeat(WORD);
        assert!(is_stale(&temporary_name(now - STALE - 1), now));
        for branch in [
            temporary_name(now - STALE),
            temporary_name(now + 9),
            "gitops-steps".to_owned(),
            "gitops-steps/1".to_owned(),
            "gitops-steps/1-notes".to_owned(),
            format!("gitops-steps/1-{}é", &word[2..]),
            format!("gitops-steps/old-{word}"),
            format!("gitops-steps/x/1-{word}"),
            format!("gitops-stepsx/1-{word}"),
            format!("other/1-{word}"),
        ] {
            assert!(!is_stale(&branch, now), "{branch}");
        }
    }
}
