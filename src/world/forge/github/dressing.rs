//! Labels, reviewers and assignees of a pull request. What is not to be had is a warning, never a failure.
//!
//! Sources: GitHub's "REST API endpoints for labels", "… for review requests", "… for issue assignees".

use reqwest::Method;
use serde_json::{Value, json};

use super::GitHub;
use super::change_requests::{PAUSE, PULLS};
use crate::plan::change_request::{ChangeRequest, Dressing};
use crate::words::fault::Fault;
use crate::words::wording::shown;
use crate::world::clock;
use crate::world::forge::call::{Answer, Called};

/// How often something is put on a pull request that GitHub may not know yet, as it may right after it was opened.
const TRIES: u32 = 4;

/// One kind of thing to put on a pull request.
struct Wish<'a> {
    /// The endpoint, below the repository.
    below: String,
    /// The field of the request that lists the names.
    field: &'static str,
    /// The names.
    names: &'a [String],
    /// What did not happen then, as in `the label {} was not set`.
    missed: fn(&str) -> String,
}

impl GitHub {
    /// Puts labels, reviewers and assignees on a pull request, and returns what was not to be had.
    pub(in crate::world::forge) fn dress(
        &self,
        request: &ChangeRequest,
        dressing: &Dressing,
    ) -> Result<Vec<String>, Fault> {
        let number = request.number;
        let review: fn(&str) -> String = |names| format!("{names} was not asked for a review");
        let wishes = [
            Wish {
                below: format!("/issues/{number}/labels"),
                field: "labels",
                names: &dressing.labels,
                missed: |names| format!("the label {names} was not set"),
            },
            Wish {
                below: format!("/pulls/{number}/requested_reviewers"),
                field: "reviewers",
                names: &dressing.reviewers,
                missed: review,
            },
            Wish {
                below: format!("/pulls/{number}/requested_reviewers"),
                field: "team_reviewers",
                names: &dressing.team_reviewers,
                missed: review,
            },
            Wish {
                below: format!("/issues/{number}/assignees"),
                field: "assignees",
                names: &dressing.assignees,
                missed: |names| format!("{names} was not assigned"),
            },
        ];
        let mut warnings = Vec::new();
        for wish in &wishes {
            self.grant(wish, &mut warnings)?;
        }
        Ok(warnings)
    }

    /// Puts all names at once, and one by one where GitHub refuses them together.
    fn grant(&self, wish: &Wish<'_>, warnings: &mut Vec<String>) -> Result<(), Fault> {
        if wish.names.is_empty() {
            return Ok(());
        }
        let refused = match self.put(wish, wish.names, TRIES)? {
            answer if answer.is_ok() => {
                warnings.extend(left_out(wish, &answer));
                return Ok(());
            }
            answer => answer,
        };
        if refused.status != 422 || wish.names.len() == 1 {
            warnings.push(self.missed(wish, wish.names, &refused));
            return Ok(());
        }
        for name in wish.names {
            let name = std::slice::from_ref(name);
            let answer = self.put(wish, name, 1)?;
            if !answer.is_ok() {
                warnings.push(self.missed(wish, name, &answer));
            }
        }
        Ok(())
    }

    /// Puts names on the pull request. A name that is put twice is there once, so it is tried again after a lost answer.
    fn put(&self, wish: &Wish<'_>, names: &[String], tries: u32) -> Result<Answer, Fault> {
        let mut pause = PAUSE;
        let mut body = json!({});
        body[wish.field] = json!(names);
        for left in (0..tries).rev() {
            let called = self.write(&Method::POST, &wish.below, &body)?;
            match called {
                Called::Answered(answer) if left == 0 || !may_pass(&answer) => return Ok(answer),
                Called::Unclear(fault) if left == 0 => return Err(fault),
                _ => {}
            }
            if !clock::sleep_within(pause, self.access.deadline) {
                break;
            }
            pause *= 2;
        }
        Err(self.access.deadline.missed(self.access.root.host()))
    }

    fn missed(&self, wish: &Wish<'_>, names: &[String], refused: &Answer) -> String {
        let missed = (wish.missed)(&listed(names));
        let why = match refused.status {
            403 | 404 => self.refusal(refused, "do this", PULLS).hint,
            _ => None,
        };
        format!("{missed}: {}", why.unwrap_or_else(|| refused.complaint()))
    }
}

/// Tells whether a refusal is of the kind that a fresh pull request gives for a moment; one that names a field, or
/// somebody who may not be asked, is for good.
fn may_pass(answer: &Answer) -> bool {
    let said = answer.complaint().to_ascii_lowercase();
    let for_good = ["collaborator", "pull request author", "archived"];
    answer.status == 422
        && answer.json["errors"][0]["field"].is_null()
        && !for_good.iter().any(|words| said.contains(words))
}

/// GitHub leaves out, without a word, who cannot be assigned.
fn left_out(wish: &Wish<'_>, answer: &Answer) -> Option<String> {
    let there = answer.json["assignees"]
        .as_array()
        .filter(|_| wish.field == "assignees")?;
    let is_there = |name: &String| {
        let login = |user: &Value| user["login"].as_str().map(str::to_ascii_lowercase);
        there
            .iter()
            .any(|user| login(user) == Some(name.to_ascii_lowercase()))
    };
    let missing: Vec<_> = wish
        .names
        .iter()
        .filter(|name| !is_there(name))
        .cloned()
        .collect();
    let missed = || {
        let missed = (wish.missed)(&listed(&missing));
        format!("{missed}: GitHub assigns only who can write to the repository")
    };
    (!missing.is_empty()).then(missed)
}

fn listed(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{}`", shown(name))).collect();
    names.join(", ")
}
