//! The releases that there are, and those that a commit has behind it.

use std::collections::BTreeSet;

use super::request::Series;
use crate::plan::release::{SourceRepo, Stretch, TaggedCommit};
use crate::words::fault::Fault;
use crate::words::release_tag::{Prefix, ReleaseTag};
use crate::words::wording::shown;
use semver::Version;

/// A release: its tag, and the commit that it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The tag.
    pub tag: ReleaseTag,
    /// The commit, in full hex.
    pub commit: String,
}

/// The releases of a series, as seen from a commit.
#[derive(Clone, Debug)]
pub struct Past {
    /// What stands before a version.
    pub prefix: Prefix,
    /// The commits of tags that the commit has behind it.
    behind: BTreeSet<String>,
    /// All releases, highest version first, whether the commit has them behind it or not.
    pub all: Vec<Release>,
    /// The last release that the commit has behind it, pre-releases aside.
    pub last: Option<Release>,
    /// The highest one, a pre-release or not.
    pub newest: Option<Release>,
    /// A tag that has a version behind another prefix, where no tag has one behind the usual ones.
    pub stranger: Option<String>,
}

impl Past {
    /// Looks at the tags from a commit.
    ///
    /// # Errors
    /// A read that failed.
    pub fn of(repo: &dyn SourceRepo, commit: &str, series: &Series) -> anyhow::Result<Self> {
        let prefixes = series
            .prefix
            .as_ref()
            .map_or(Prefix::usual().to_vec(), |prefix| vec![prefix.clone()]);
        let all = releases(repo.tags(), &prefixes);
        let behind = repo.behind(commit)?;
        let is_behind = |release: &&Release| behind.contains(&release.commit);
        let newest = all.iter().find(is_behind).cloned();
        let is_final = |release: &&Release| release.tag.version.pre.is_empty();
        let last = all.iter().filter(is_behind).find(is_final).cloned();
        let prefix = newest
            .as_ref()
            .or(all.first())
            .map(|release| release.tag.prefix.clone());
        let is_strange = |tag: &&TaggedCommit| {
            let starts = tag.name.match_indices(|c: char| c.is_ascii_digit()).next();
            starts.is_some_and(|(at, _)| Version::parse(&tag.name[at..]).is_ok())
        };
        Ok(Self {
            stranger: (all.is_empty() && series.prefix.is_none())
                .then(|| repo.tags().iter().find(is_strange).map(|tag| tag.name.clone()))
                .flatten(),
            prefix: prefix.unwrap_or_else(|| prefixes[0].clone()),
            behind,
            all,
            last,
            newest,
        })
    }

    /// Returns the release of a version; what follows a `+` says nothing.
    pub fn of_version(&self, version: &Version) -> Option<&Release> {
        self.all
            .iter()
            .find(|release| release.tag.version.cmp_precedence(version).is_eq())
    }

    /// Returns the pre-release that waits to become a release: one above the last release.
    pub fn waiting(&self) -> Option<&Release> {
        self.newest
            .as_ref()
            .filter(|newest| !newest.tag.version.pre.is_empty())
    }

    /// Returns whether the commit has a release behind it, or is its commit.
    pub fn has(&self, release: &Release) -> bool {
        self.behind.contains(&release.commit)
    }

    /// Returns the release that one of a version at this commit follows: the highest below it that the commit has behind
    /// it, pre-releases aside unless it is one itself.
    pub fn previous(&self, version: &Version) -> Option<&Release> {
        self.all.iter().find(|release| {
            release.tag.version.cmp_precedence(version).is_lt()
                && (!version.pre.is_empty() || release.tag.version.pre.is_empty())
                && self.has(release)
        })
    }

    /// Returns the lowest release above those that a commit has behind it, which has that commit behind it.
    ///
    /// # Errors
    /// A read that failed.
    pub fn release_with(&self, repo: &dyn SourceRepo, commit: &str) -> anyhow::Result<Option<&Release>> {
        let above = |release: &&Release| match &self.newest {
            Some(newest) => release.tag.version.cmp_precedence(&newest.tag.version).is_gt(),
            None => true,
        };
        let above: Vec<&Release> = self.all.iter().rev().filter(above).collect();
        let commits: Vec<&str> = above.iter().map(|release| release.commit.as_str()).collect();
        Ok(repo.first_with(&commits, commit)?.map(|at| above[at]))
    }
}

/// Returns the commits since a release.
///
/// # Errors
/// `NotFound` where the clone does not reach back to it, and a read that failed.
pub fn commits_since(
    repo: &dyn SourceRepo,
    to: &str,
    since: Option<&Release>,
    series: &Series,
) -> anyhow::Result<Stretch> {
    let stretch = repo.stretch(to, since.map(|release| release.commit.as_str()), &series.paths)?;
    if !stretch.cut {
        return Ok(stretch);
    }
    let what = match since {
        Some(release) => format!("does not reach back to {}", shown(&release.tag.to_string())),
        None => "holds no tag of a version, and does not reach back to the first commit".to_owned(),
    };
    Err(Fault::not_found(format!(
        "the clone is shallow: it {what}, so the version cannot be told"
    ))
    .hint(
        "fetch it all, tags too: `git fetch --unshallow --tags` (actions/checkout: `fetch-depth: 0`, GitLab: \
         `GIT_DEPTH: 0`)",
    )
    .into())
}

fn releases(tags: &[TaggedCommit], prefixes: &[Prefix]) -> Vec<Release> {
    let mut found: Vec<Release> = prefixes
        .iter()
        .flat_map(|prefix| {
            tags.iter().filter_map(move |tag| {
                Some(Release {
                    tag: ReleaseTag::parse(&tag.name, prefix)?,
                    commit: tag.commit.clone(),
                })
            })
        })
        .collect();
    // The sort is stable: of two tags with one version, the first prefix comes first.
    found.sort_by(|a, b| b.tag.version.cmp_precedence(&a.tag.version));
    found
}
