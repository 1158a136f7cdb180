//! Tags and release pages of GitHub.
//!
//! Source: GitHub's "REST API endpoints for releases", "… for Git tags", "… for Git references", and "List pull requests
//! associated with a commit".

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{GitHub, encoded};
use crate::plan::release::{
    MergedRequest, NewReleasePage, NewTag, Published, ReleasePage, ReleasePageEdit, TagOutcome,
};
use crate::words::fault::{Fault, Kind};
use crate::world::forge::call::{Answer, Called};

const READING: &str = "contents: read";
const WRITING: &str = "contents: write";
/// How many release pages a list holds, and how many lists are read to find a draft.
const PAGE: usize = 100;
const PAGES: usize = 5;
/// The most characters of a release page's text.
const LONGEST_BODY: usize = 125_000;

#[derive(Deserialize)]
struct Shown {
    id: u64,
    tag_name: String,
    name: Option<String>,
    body: Option<String>,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    prerelease: bool,
    html_url: String,
}

#[derive(Deserialize)]
struct ShownRepo {
    html_url: String,
}

#[derive(Deserialize)]
struct ShownTag {
    sha: String,
}

#[derive(Deserialize)]
struct ShownPull {
    number: u64,
    merged_at: Option<String>,
    #[serde(default)]
    labels: Vec<ShownLabel>,
}

#[derive(Deserialize)]
struct ShownLabel {
    name: String,
}

impl GitHub {
    pub(in crate::world::forge) fn web_address(&self) -> Result<String, Fault> {
        let answer = self.get("")?;
        if !answer.is_ok() {
            return Err(self.refusal(&answer, "read the repository", "metadata: read"));
        }
        let repo: ShownRepo = answer.read("the repository")?;
        Ok(repo.html_url.trim_end_matches('/').to_owned())
    }

    pub(in crate::world::forge) fn merged_with(&self, commit: &str) -> Result<Vec<MergedRequest>, Fault> {
        let answer = self.get(&format!("/commits/{}/pulls?per_page={PAGE}", encoded(commit)))?;
        if !answer.is_ok() {
            return Err(self.refusal(
                &answer,
                "find the pull request of a commit",
                "pull requests: read",
            ));
        }
        let pulls: Vec<ShownPull> = answer.read("the pull requests of a commit")?;
        let merged = pulls.into_iter().filter(|pull| pull.merged_at.is_some());
        Ok(merged
            .map(|pull| MergedRequest {
                number: pull.number,
                labels: pull.labels.into_iter().map(|label| label.name).collect(),
            })
            .collect())
    }

    /// Makes the tag's object, and then the ref, which is refused where there is one.
    pub(in crate::world::forge) fn make_tag(&self, new: &NewTag) -> Result<TagOutcome, Fault> {
        let object =
            json!({ "tag": new.name, "message": new.message, "object": new.commit, "type": "commit" });
        let tag: ShownTag = match self.write(&Method::POST, "/git/tags", &object)? {
            Called::Answered(answer) if answer.is_ok() => answer.read("the tag")?,
            Called::Answered(answer) => return Err(self.refusal(&answer, "make a tag", WRITING)),
            Called::Unclear(fault) => return Ok(TagOutcome::Unknown(fault.message)),
        };
        let reference = json!({ "ref": format!("refs/tags/{}", new.name), "sha": tag.sha });
        let answer = match self.write(&Method::POST, "/git/refs", &reference)? {
            Called::Answered(answer) => answer,
            Called::Unclear(fault) => return Ok(TagOutcome::Unknown(fault.message)),
        };
        if answer.is_ok() {
            return Ok(TagOutcome::Landed);
        }
        let said = answer.complaint().to_ascii_lowercase();
        match answer.status {
            422 if said.contains("already exists") => Ok(TagOutcome::Taken),
            422 if said.contains("rule violations") => {
                let refusal = self.refusal(&answer, "make a tag", WRITING);
                Ok(TagOutcome::Refused(Fault {
                    kind: Kind::Refused,
                    ..refusal
                }))
            }
            _ => Err(self.refusal(&answer, "make a tag", WRITING)),
        }
    }

    /// By tag, GitHub finds what is published; drafts are in the list alone.
    pub(in crate::world::forge) fn release_page(&self, tag: &str) -> Result<Option<ReleasePage>, Fault> {
        let answer = self.get(&format!("/releases/tags/{}", encoded(tag)))?;
        if answer.is_ok() {
            return Ok(Some(read(&answer)?.into()));
        }
        if answer.status != 404 {
            return Err(self.refusal(&answer, "read a release", READING));
        }
        for page in 1..=PAGES {
            let answer = self.get(&format!("/releases?per_page={PAGE}&page={page}"))?;
            if !answer.is_ok() {
                return Err(self.refusal(&answer, "read the releases", READING));
            }
            let shown: Vec<Shown> = answer.read("the releases")?;
            let last = shown.len() < PAGE;
            if let Some(found) = shown.into_iter().find(|shown| shown.tag_name == tag) {
                return Ok(Some(found.into()));
            }
            if last {
                break;
            }
        }
        Ok(None)
    }

    pub(in crate::world::forge) fn publish(&self, new: &NewReleasePage) -> Result<Published, Fault> {
        within_limits(&new.body)?;
        let latest = new.latest && !new.draft && !new.prerelease;
        let body = json!({
            "tag_name": new.tag, "name": new.title, "body": new.body, "draft": new.draft,
            "prerelease": new.prerelease, "make_latest": latest.to_string(),
        });
        let answer = match self.write(&Method::POST, "/releases", &body)? {
            Called::Answered(answer) => answer,
            Called::Unclear(fault) => return Ok(Published::Unclear(fault.message)),
        };
        if answer.is_ok() {
            return Ok(Published::New(read(&answer)?.html_url));
        }
        if answer.status == 422 && answer.json["errors"][0]["code"] == "already_exists" {
            return Ok(Published::Exists);
        }
        Err(self.refusal(&answer, "publish a release", WRITING))
    }

    /// Setting the same again does no harm, so it is sent again once where the answer was lost.
    pub(in crate::world::forge) fn edit_page(
        &self,
        page: &ReleasePage,
        edit: &ReleasePageEdit,
    ) -> Result<String, Fault> {
        let mut body = json!({});
        let mut set = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                body[name] = value;
            }
        };
        set("name", edit.title.as_ref().map(|title| json!(title)));
        set("body", edit.body.as_ref().map(|body| json!(body)));
        set("draft", edit.draft.map(Value::from));
        set("prerelease", edit.prerelease.map(Value::from));
        set("make_latest", edit.latest.map(|latest| json!(latest.to_string())));
        within_limits(edit.body.as_deref().unwrap_or_default())?;
        let send = || self.write(&Method::PATCH, &format!("/releases/{}", page.id), &body);
        let called = match send()? {
            Called::Unclear(_) => send()?,
            answered @ Called::Answered(_) => answered,
        };
        match called {
            Called::Answered(answer) if answer.is_ok() => Ok(read(&answer)?.html_url),
            Called::Answered(answer) => Err(self.refusal(&answer, "change a release", WRITING)),
            Called::Unclear(fault) => Err(fault),
        }
    }

    pub(in crate::world::forge) fn latest_release(&self) -> Result<Option<String>, Fault> {
        let answer = self.get("/releases/latest")?;
        match answer.status {
            404 => Ok(None),
            _ if answer.is_ok() => Ok(Some(read(&answer)?.tag_name)),
            _ => Err(self.refusal(&answer, "read the latest release", READING)),
        }
    }
}

impl From<Shown> for ReleasePage {
    fn from(shown: Shown) -> Self {
        Self {
            id: shown.id,
            title: shown.name.unwrap_or_default(),
            body: shown.body.unwrap_or_default(),
            draft: shown.draft,
            prerelease: shown.prerelease,
            url: shown.html_url,
        }
    }
}

fn read(answer: &Answer) -> Result<Shown, Fault> {
    answer.read("a release")
}

fn within_limits(body: &str) -> Result<(), Fault> {
    let length = body.chars().count();
    if length <= LONGEST_BODY {
        return Ok(());
    }
    let why = format!("the notes have {length} characters, and a release of GitHub takes {LONGEST_BODY}");
    Err(Fault::invalid(why).hint("shorten the --notes-file"))
}
