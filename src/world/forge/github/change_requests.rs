//! Pull requests: found, opened, changed, closed.
//!
//! Source: GitHub's "REST API endpoints for pull requests" and "… for issue comments".

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{GitHub, encoded};
use crate::plan::change_request::{ChangeRequest, Edit, NewChangeRequest, Opened, State};
use crate::words::fault::Fault;
use crate::world::clock;
use crate::world::forge::call::{Answer, Called};

/// What changing a pull request needs.
pub(super) const PULLS: &str = "pull requests: write";
/// The most pull requests that a search returns, each with its whole text: no more than one can be open from one branch
/// to another, and of those that were closed only the last ones matter.
const NEWEST: usize = 10;
/// The longest title, in characters.
const LONGEST_TITLE: usize = 256;
/// The longest text, in characters.
const LONGEST_BODY: usize = 65_536;
/// How often a new pull request is tried whose branch GitHub does not see yet, as it may right after a push.
const TRIES: u32 = 3;
/// The first pause between two tries; it doubles.
pub(super) const PAUSE: std::time::Duration = std::time::Duration::from_millis(300);

/// A pull request as GitHub shows it.
#[derive(Deserialize)]
struct Pull {
    number: u64,
    #[serde(default)]
    node_id: String,
    html_url: String,
    state: String,
    title: String,
    body: Option<String>,
    draft: Option<bool>,
    merged_at: Option<String>,
    head: Side,
    base: Side,
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

impl GitHub {
    /// Finds the newest pull requests from one branch of this repository to another, newest first.
    pub(in crate::world::forge) fn change_requests(
        &self,
        head: &str,
        base: &str,
    ) -> Result<Vec<ChangeRequest>, Fault> {
        let (owner, _) = self.repo.owner_and_name();
        let answer = self.get(&format!(
            "/pulls?state=all&head={}:{}&base={}&sort=created&direction=desc&per_page={NEWEST}",
            encoded(owner),
            encoded(head),
            encoded(base)
        ))?;
        if !answer.is_ok() {
            return Err(self.refusal(&answer, "look for pull requests", "pull requests: read"));
        }
        let pulls: Vec<Pull> = answer.read("the search for pull requests")?;
        // The filter `head` is passed over without a word where GitHub does not understand it.
        let is_meant = |pull: &Pull| {
            let home = |side: &Side| side.repo.as_ref().map(|repo| repo.full_name.to_ascii_lowercase());
            let same_repo = home(&pull.head).is_some() && home(&pull.head) == home(&pull.base);
            same_repo && pull.head.branch == head && pull.base.branch == base
        };
        Ok(pulls
            .into_iter()
            .filter(is_meant)
            .map(ChangeRequest::from)
            .collect())
    }

    /// Opens a pull request; as no draft where there are none.
    pub(in crate::world::forge) fn open(&self, new: &NewChangeRequest) -> Result<Opened, Fault> {
        within_limits(Some(&new.title), Some(&new.body))?;
        let mut body = json!({
            "title": new.title, "body": new.body, "head": new.head, "base": new.base, "draft": new.draft,
        });
        let mut warning = None;
        let mut tries = 1;
        let mut pause = PAUSE;
        loop {
            let answer = match self.write(&Method::POST, "/pulls", &body)? {
                Called::Answered(answer) => answer,
                Called::Unclear(fault) => return Ok(Opened::Unclear(fault.message)),
            };
            if answer.is_ok() {
                return Ok(Opened::New(read(&answer)?, warning));
            }
            let said = answer.complaint().to_ascii_lowercase();
            match answer.status {
                422 if said.contains("already exists") => return Ok(Opened::Exists),
                422 if said.contains("no commits between") => return Ok(Opened::NoDifference),
                422 if said.contains("draft") && body["draft"] == true => {
                    body["draft"] = json!(false);
                    warning =
                        Some("this repository has no draft pull requests: it is open for review".to_owned());
                }
                422 if tries < TRIES
                    && answer.json["errors"][0]["field"] == "head"
                    && clock::sleep_within(pause, self.access.deadline) =>
                {
                    tries += 1;
                    pause *= 2;
                }
                _ => return Err(self.refusal(&answer, "open a pull request", PULLS)),
            }
        }
    }

    /// Changes a pull request. Setting the same again does no harm, so a lost answer is looked up once and then sent
    /// again.
    pub(in crate::world::forge) fn update(&self, number: u64, edit: &Edit) -> Result<ChangeRequest, Fault> {
        within_limits(edit.title.as_deref(), edit.body.as_deref())?;
        let mut body = json!({});
        if let Some(title) = &edit.title {
            body["title"] = json!(title);
        }
        if let Some(text) = &edit.body {
            body["body"] = json!(text);
        }
        if edit.reopen {
            body["state"] = json!("open");
        }
        let doing = if edit.reopen {
            "open a closed pull request again"
        } else {
            "change a pull request"
        };
        self.patch(number, &body, doing)
    }

    /// Closes a pull request, and says why in a comment.
    pub(in crate::world::forge) fn close(&self, number: u64, body: &str, comment: &str) -> Result<(), Fault> {
        within_limits(None, Some(body))?;
        self.patch(
            number,
            &json!({ "state": "closed", "body": body }),
            "close a pull request",
        )?;
        let below = format!("/issues/{number}/comments");
        match self.write(&Method::POST, &below, &json!({ "body": comment }))? {
            Called::Answered(answer) if answer.is_ok() => Ok(()),
            Called::Answered(answer) => Err(self.refusal(&answer, "comment on a pull request", PULLS)),
            Called::Unclear(fault) => {
                let note = format!("the comment on #{number} may be missing: {}", fault.message);
                self.access.progress.note(&note);
                Ok(())
            }
        }
    }

    /// Reads a pull request.
    pub(super) fn pull(&self, number: u64) -> Result<ChangeRequest, Fault> {
        let answer = self.get(&format!("/pulls/{number}"))?;
        if answer.is_ok() {
            read(&answer)
        } else {
            Err(self.refusal(&answer, "read a pull request", "pull requests: read"))
        }
    }

    fn patch(&self, number: u64, body: &Value, doing: &str) -> Result<ChangeRequest, Fault> {
        let send = || self.write(&Method::PATCH, &format!("/pulls/{number}"), body);
        let called = match send()? {
            Called::Unclear(_) if is_so(&self.pull(number)?, body) => return self.pull(number),
            Called::Unclear(_) => send()?,
            answered @ Called::Answered(_) => answered,
        };
        match called {
            Called::Answered(answer) if answer.is_ok() => read(&answer),
            Called::Answered(answer) => Err(self.refusal(&answer, doing, PULLS)),
            Called::Unclear(fault) => Err(fault),
        }
    }
}

impl From<Pull> for ChangeRequest {
    fn from(pull: Pull) -> Self {
        let state = match (pull.merged_at, pull.state.as_str()) {
            (Some(_), _) => State::Merged,
            (None, "open") => State::Open,
            (None, _) => State::Closed,
        };
        Self {
            number: pull.number,
            node: pull.node_id,
            url: pull.html_url,
            state,
            title: pull.title,
            body: pull.body.unwrap_or_default(),
            head: Some(pull.head.sha),
            draft: pull.draft.unwrap_or_default(),
        }
    }
}

fn read(answer: &Answer) -> Result<ChangeRequest, Fault> {
    Ok(answer.read::<Pull>("a pull request")?.into())
}

/// Tells whether a pull request is already as an update wanted it.
fn is_so(pull: &ChangeRequest, wanted: &Value) -> bool {
    let same = |name: &str, is: &str| wanted[name].as_str().is_none_or(|wanted| wanted == is);
    let state = match pull.state {
        State::Open => "open",
        State::Closed | State::Merged => "closed",
    };
    same("title", &pull.title) && same("body", &pull.body) && same("state", state)
}

fn within_limits(title: Option<&str>, body: Option<&str>) -> Result<(), Fault> {
    for (what, text, longest) in [("title", title, LONGEST_TITLE), ("text", body, LONGEST_BODY)] {
        let length = text.map_or(0, |text| text.chars().count());
        if length > longest {
            return Err(Fault::invalid(format!(
                "the {what} of the pull request has {length} characters, and GitHub takes {longest}"
            ))
            .hint(format!(
                "give a shorter --{}",
                if what == "text" { "body" } else { "title" }
            )));
        }
    }
    Ok(())
}
