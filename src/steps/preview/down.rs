//! What goes with a pull request, and what is left over of those that went before.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::naming::{Naming, labelled};
use super::pattern::Pattern;
use super::up::NAMES;
use super::watch::{Nothing, Subject};
use crate::plan::Operation;
use crate::plan::folder::removed;
use crate::plan::open_request::{OpenRequest, OpenRequests};
use crate::plan::snapshot::Snapshot;
use crate::steps::bump_values::{Whole, WholeFiles};
use crate::words::change_request_event::carries;
use crate::words::policy::{FILE_NAME, Policy};
use crate::words::repo_path::RepoPath;
use crate::words::slug::Slug;
use crate::words::wording::shown;

/// The teardown of one pull request's preview.
#[derive(Clone, Debug)]
pub struct Teardown {
    /// The pull request, whose branch is known.
    pub subject: Subject,
    /// How previews are called.
    pub naming: Naming,
    /// The label that counts; `None` for every pull request.
    pub label: Option<String>,
}

/// What is to go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Going {
    /// The slugs whose previews go.
    pub slugs: Vec<Slug>,
    /// What stays, and why.
    pub warnings: Vec<String>,
}

impl Teardown {
    /// Judges by the event alone, before anybody is asked.
    pub fn by_event(&self) -> Option<Nothing> {
        let event = self.subject.event.as_ref()?;
        let stands = event.open
            && self
                .label
                .as_ref()
                .is_none_or(|label| carries(&event.labels, label));
        self.subject
            .fork()
            .or_else(|| stands.then(|| self.stands(event.number)))
    }

    /// Judges by what is open now: an event that comes late, after the pull request was opened again, tears down nothing,
    /// and neither goes what another pull request has by the same slug.
    ///
    /// # Errors
    /// Why nothing is torn down.
    pub fn look(&self, open: &[OpenRequest]) -> Result<Going, Nothing> {
        let ours = |request: &&&OpenRequest| self.subject.is(request);
        let all = labelled(open, self.label.as_deref());
        if self.subject.event.is_some()
            && let Some(request) = all.iter().find(ours)
        {
            return Err(self.stands(request.number));
        }
        let branch = self.subject.branch.as_deref().unwrap_or_default();
        let others: Vec<&&OpenRequest> = all.iter().filter(|request| !self.subject.is(request)).collect();
        let number = self.subject.number;
        let mut going = Going::default();
        for slug in self.naming.all(branch) {
            // A branch can have been proposed anew: then the slug is the newer pull request's.
            let keeps =
                |other: &&&&OpenRequest| other.branch == branch || self.naming.keeps(other, number, &slug);
            match others.iter().find(keeps) {
                Some(other) => going.warnings.push(format!(
                    "`{slug}` stays: it is the slug of `{}`, of the open pull request {}",
                    shown(&other.branch),
                    other.number
                )),
                None => going.slugs.push(slug),
            }
        }
        Ok(going)
    }

    fn stands(&self, number: u64) -> Nothing {
        let label = self
            .label
            .as_ref()
            .map(|label| format!(" and carries the label `{}`", shown(label)));
        Nothing {
            operation: Operation::Skipped,
            reason: format!(
                "pull request {number} is open{}: its preview stays",
                label.unwrap_or_default()
            ),
        }
    }
}

/// The folder of a preview that goes.
#[derive(Debug)]
pub struct DownFolder {
    /// Which.
    pub teardown: Teardown,
    /// Who knows which pull requests are open.
    pub requests: Arc<dyn OpenRequests>,
    /// The folders of previews.
    pub folder: Pattern,
}

impl WholeFiles for DownFolder {
    fn on(&self, snapshot: &dyn Snapshot) -> anyhow::Result<Whole> {
        let going = match self.teardown.look(&self.requests.open_requests()?) {
            Ok(going) => going,
            Err(nothing) => {
                return Ok(Whole {
                    note: Some(nothing.reason),
                    operation: Some(nothing.operation),
                    ..Whole::default()
                });
            }
        };
        let mut folders = folders(snapshot, &self.folder)?;
        folders.retain(|slug, _| going.slugs.contains(slug));
        let kept = kept_by_others(snapshot, &mut folders)?;
        let names: Vec<String> = going
            .slugs
            .iter()
            .map(|slug| format!("`{}`", self.folder.of(slug)))
            .collect();
        Ok(Whole {
            files: gone(snapshot, &folders)?,
            note: Some(format!("there is no {}", names.join(", nor "))),
            warnings: kept,
            ..Whole::default()
        })
    }
}

/// What decides which previews are left over.
#[derive(Clone, Debug)]
pub struct LeftOver {
    /// How previews are called.
    pub naming: Naming,
    /// The label that counts; `None` for every pull request.
    pub label: Option<String>,
    /// What was not touched since goes in any case.
    pub before: Option<Timestamp>,
}

impl LeftOver {
    /// Returns the slugs that open pull requests may have.
    pub fn in_use(&self, open: &[OpenRequest]) -> BTreeSet<Slug> {
        let all = labelled(open, self.label.as_deref());
        all.iter()
            .flat_map(|request| self.naming.all(&request.branch))
            .collect()
    }

    /// Returns whether a preview that was last touched then is too old; one of which nobody knows is not.
    pub fn is_old(&self, touched: Option<Timestamp>) -> bool {
        self.before
            .zip(touched)
            .is_some_and(|(before, touched)| touched < before)
    }
}

/// The folders of previews that are left over.
#[derive(Debug)]
pub struct GcFolder {
    /// Which.
    pub left_over: LeftOver,
    /// Who knows which pull requests are open.
    pub requests: Arc<dyn OpenRequests>,
    /// The folders of previews.
    pub folder: Pattern,
}

impl WholeFiles for GcFolder {
    fn on(&self, snapshot: &dyn Snapshot) -> anyhow::Result<Whole> {
        let mut folders = folders(snapshot, &self.folder)?;
        // Asked after the snapshot was taken: a preview that stands there has its pull request in this list.
        let in_use = self.left_over.in_use(&self.requests.open_requests()?);
        let mut left = BTreeMap::new();
        for (slug, files) in std::mem::take(&mut folders) {
            if !in_use.contains(&slug) || self.is_old(snapshot, &slug)? {
                left.insert(slug, files);
            }
        }
        let kept = kept_by_others(snapshot, &mut left)?;
        Ok(Whole {
            files: gone(snapshot, &left)?,
            note: Some("nothing is left over".to_owned()),
            warnings: kept,
            ..Whole::default()
        })
    }
}

impl GcFolder {
    fn is_old(&self, snapshot: &dyn Snapshot, slug: &Slug) -> anyhow::Result<bool> {
        if self.left_over.before.is_none() {
            return Ok(false);
        }
        let last = snapshot.history(&RepoPath::parse(&self.folder.of(slug))?, 1)?;
        Ok(self.left_over.is_old(last.first().map(|commit| commit.committed)))
    }
}

/// The files of previews, by slug.
type Folders = BTreeMap<Slug, Vec<RepoPath>>;

/// Finds the folders of previews.
fn folders(snapshot: &dyn Snapshot, pattern: &Pattern) -> anyhow::Result<Folders> {
    let mut found = Folders::new();
    for path in snapshot.list()? {
        if let Some(slug) = pattern.slug_above(&path) {
            found.entry(slug).or_default().push(path);
        }
    }
    Ok(found)
}

/// Takes out the folders that only look like previews, and says why: what the policy deploys to, and templates.
fn kept_by_others(snapshot: &dyn Snapshot, folders: &mut Folders) -> anyhow::Result<Vec<String>> {
    let blob = snapshot.read(&[RepoPath::parse(FILE_NAME)?])?.pop().flatten();
    let policy = match blob {
        Some(blob) if !folders.is_empty() => Some(Policy::parse(FILE_NAME, &blob.bytes)?),
        _ => None,
    };
    let mut kept = Vec::new();
    for (slug, files) in std::mem::take(folders) {
        let target = files.iter().find_map(|file| match &policy {
            Some(policy) => policy
                .places(file)
                .map(|places| (!places.is_empty()).then_some(file))
                .transpose(),
            None => None,
        });
        if let Some(target) = target.transpose()? {
            kept.push(format!(
                "`{target}` stays: the policy deploys to it, so it is no preview's"
            ));
        } else if let Some(hole) = hole_in(snapshot, &files)? {
            kept.push(format!(
                "`{hole}` stays: it has holes to be filled, so it is a template"
            ));
        } else {
            folders.insert(slug, files);
        }
    }
    Ok(kept)
}

/// Returns a file in which the slug has still to be put.
fn hole_in(snapshot: &dyn Snapshot, files: &[RepoPath]) -> anyhow::Result<Option<RepoPath>> {
    let in_path = |path: &RepoPath| {
        NAMES
            .iter()
            .any(|name| path.as_str().contains(&format!("{{{name}}}")))
    };
    for (path, blob) in files.iter().zip(snapshot.read(files)?) {
        let bytes = blob.map(|blob| blob.bytes).unwrap_or_default();
        if in_path(path) || std::str::from_utf8(&bytes).is_ok_and(has_hole) {
            return Ok(Some(path.clone()));
        }
    }
    Ok(None)
}

/// Whether the slug is to be put into a text: `${slug}` and `{{slug}}` are no holes.
fn has_hole(text: &str) -> bool {
    let mut found = text.match_indices("{slug}");
    found.any(|(at, _)| !text[..at].ends_with(['$', '{']))
}

fn gone(snapshot: &dyn Snapshot, folders: &Folders) -> anyhow::Result<Vec<crate::plan::commit::FileChange>> {
    let all: Vec<RepoPath> = folders.values().flatten().cloned().collect();
    removed(snapshot, &all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::steps::preview::args::{NamingArgs, SlugsArgs};

    fn naming(tells_apart: bool) -> Naming {
        Naming::new(&NamingArgs {
            slugs: SlugsArgs {
                max: None,
                suffix_on_collision: tells_apart,
            },
            ..NamingArgs::default()
        })
        .unwrap()
    }

    fn request(number: u64, branch: &str) -> OpenRequest {
        OpenRequest {
            number,
            branch: branch.to_owned(),
            sha: "a".repeat(40),
            labels: vec!["preview".to_owned()],
            fork: false,
        }
    }

    fn teardown(tells_apart: bool, number: Option<u64>, branch: &str) -> Teardown {
        Teardown {
            subject: Subject {
                number,
                branch: Some(branch.to_owned()),
                ..Subject::default()
            },
            naming: naming(tells_apart),
            label: Some("preview".to_owned()),
        }
    }

    #[test]
    fn a_slug_that_another_pull_request_has_too_stays() {
        let open = [request(9, "feature_a")];
        let going = teardown(false, Some(3), "feature/a").look(&open).unwrap();
        assert!(going.slugs.is_empty() && going.warnings[0].contains("of the open pull request 9"));
        // The same branch again, in a newer pull request.
        let again = teardown(false, Some(3), "feature_a").look(&open).unwrap();
        assert!(again.slugs.is_empty());
        assert_eq!(
            teardown(false, None, "feature_a")
                .look(&open)
                .unwrap()
                .slugs
                .len(),
            1
        );
        let alone = teardown(false, Some(3), "feature/b").look(&open).unwrap();
        assert_eq!(alone.slugs.len(), 1);
    }

    #[test]
    fn told_apart_the_older_one_takes_its_plain_slug_with_it() {
        let slugs = |number, branch, open: &[OpenRequest]| -> Vec<String> {
            let going = teardown(true, number, branch).look(open).unwrap();
            going.slugs.iter().map(ToString::to_string).collect()
        };
        let apart = Slug::told_apart("feature/a", 50).unwrap().to_string();
        let both = vec!["feature-a".to_owned(), apart.clone()];
        assert_eq!(slugs(Some(3), "feature/a", &[request(9, "feature_a")]), both);
        assert_eq!(
            slugs(Some(3), "feature/a", &[request(2, "feature_a")]),
            std::slice::from_ref(&apart)
        );
        assert_eq!(slugs(None, "feature/a", &[request(9, "feature_a")]), [apart]);
        assert_eq!(slugs(None, "feature/a", &[]), both);
    }

    #[test]
    fn a_template_is_known_by_its_holes() {
        for (text, is_one) in [
            ("name: {slug}", true),
            ("{slug}", true),
            ("${slug} {{slug}} {app}", false),
            ("name: feature-a", false),
        ] {
            assert_eq!(has_hole(text), is_one, "{text}");
        }
    }
}
