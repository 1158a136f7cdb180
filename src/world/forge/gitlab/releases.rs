//! Tags and releases of GitLab.
//!
//! Source: GitLab's "Releases API", "Tags API", and "Commits API". A job token may use the releases, and not the others.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::GitLab;
use super::own::encoded;
use crate::plan::release::{
    MergedRequest, NewReleasePage, NewTag, Published, ReleasePage, ReleasePageEdit, TagOutcome,
};
use crate::words::fault::{Fault, Kind};
use crate::world::forge::call::{Answer, Called};

const READING: &str = "the Reporter role and the scope read_api";
const WRITING: &str = "the Developer role and the scope api";
const RELEASING: &str = "the Developer role and the scope api (a job token will do)";
/// The most characters of a release's text.
const LONGEST_BODY: usize = 1_000_000;

#[derive(Deserialize)]
struct Shown {
    name: Option<String>,
    description: Option<String>,
    #[serde(default, rename = "_links")]
    links: Links,
}

#[derive(Default, Deserialize)]
struct Links {
    #[serde(rename = "self")]
    page: Option<String>,
}

#[derive(Deserialize)]
struct ShownRequest {
    iid: u64,
    state: String,
    #[serde(default)]
    labels: Vec<String>,
}

impl GitLab {
    /// A server has its API below the address of its pages.
    pub(in crate::world::forge) fn web_address(&self) -> String {
        let root = self.access.root.rest.as_str().trim_end_matches('/');
        let server = root.strip_suffix("/api/v4").unwrap_or(root);
        format!("{server}/{}", self.repo.path())
    }

    pub(in crate::world::forge) fn merged_with(&self, commit: &str) -> Result<Vec<MergedRequest>, Fault> {
        let asked = self
            .own(
                Method::GET,
                &format!("repository/commits/{}/merge_requests", encoded(commit)),
            )
            .query("per_page", "100");
        let answer = self.read(&asked)?;
        if !answer.is_ok() {
            return Err(self.refusal(&answer, "find the merge request of a commit", READING));
        }
        let requests: Vec<ShownRequest> = answer.read("the merge requests of a commit")?;
        let merged = requests.into_iter().filter(|request| request.state == "merged");
        Ok(merged
            .map(|request| MergedRequest {
                number: request.iid,
                labels: request.labels,
            })
            .collect())
    }

    pub(in crate::world::forge) fn make_tag(&self, new: &NewTag) -> Result<TagOutcome, Fault> {
        let body = json!({ "tag_name": new.name, "ref": new.commit, "message": new.message });
        let answer = match self.write(&self.own(Method::POST, "repository/tags").body(body))? {
            Called::Answered(answer) => answer,
            Called::Unclear(fault) => return Ok(TagOutcome::Unknown(fault.message)),
        };
        if answer.is_ok() {
            return Ok(TagOutcome::Landed);
        }
        let said = answer.complaint().to_ascii_lowercase();
        let refusal = self.refusal(&answer, "make a tag", WRITING);
        if said.contains("already exists") {
            Ok(TagOutcome::Taken)
        } else if said.contains("protected") {
            Ok(TagOutcome::Refused(Fault {
                kind: Kind::Refused,
                ..refusal
            }))
        } else {
            Err(refusal)
        }
    }

    pub(in crate::world::forge) fn release_page(&self, tag: &str) -> Result<Option<ReleasePage>, Fault> {
        let answer = self.read(&self.own(Method::GET, &format!("releases/{}", encoded(tag))))?;
        if answer.is_ok() {
            return self.shown(&answer, tag).map(Some);
        }
        if answer.status == 404 && !answer.complaint().contains("Project") {
            return Ok(None);
        }
        // GitLab hides with 403 that a release is not there from who may not see releases.
        Err(self.refusal(&answer, "read a release", READING))
    }

    pub(in crate::world::forge) fn publish(&self, new: &NewReleasePage) -> Result<Published, Fault> {
        within_limits(&new.body)?;
        let body = json!({ "tag_name": new.tag, "name": new.title, "description": new.body });
        let answer = match self.write(&self.own(Method::POST, "releases").body(body))? {
            Called::Answered(answer) => answer,
            Called::Unclear(fault) => return Ok(Published::Unclear(fault.message)),
        };
        match answer.status {
            409 => Ok(Published::Exists),
            _ if answer.is_ok() => Ok(Published::New(self.shown(&answer, &new.tag)?.url)),
            _ => Err(self.refusal(&answer, "publish a release", RELEASING)),
        }
    }

    pub(in crate::world::forge) fn edit_page(
        &self,
        tag: &str,
        edit: &ReleasePageEdit,
    ) -> Result<String, Fault> {
        let mut body = json!({});
        if let Some(title) = &edit.title {
            body["name"] = Value::from(title.as_str());
        }
        if let Some(text) = &edit.body {
            within_limits(text)?;
            body["description"] = Value::from(text.as_str());
        }
        let asked = self
            .own(Method::PUT, &format!("releases/{}", encoded(tag)))
            .body(body);
        let answer = self.set(&asked)?;
        if !answer.is_ok() {
            return Err(self.refusal(&answer, "change a release", RELEASING));
        }
        Ok(self.shown(&answer, tag)?.url)
    }

    fn shown(&self, answer: &Answer, tag: &str) -> Result<ReleasePage, Fault> {
        let shown: Shown = answer.read("a release")?;
        let url = shown
            .links
            .page
            .unwrap_or_else(|| format!("{}/-/releases/{}", self.web_address(), encoded(tag)));
        Ok(ReleasePage {
            id: 0,
            title: shown.name.unwrap_or_default(),
            body: shown.description.unwrap_or_default(),
            draft: false,
            prerelease: false,
            url,
        })
    }
}

fn within_limits(body: &str) -> Result<(), Fault> {
    let length = body.chars().count();
    if length <= LONGEST_BODY {
        return Ok(());
    }
    let why = format!("the notes have {length} characters, and a release of GitLab takes {LONGEST_BODY}");
    Err(Fault::invalid(why).hint("shorten the --notes-file"))
}
