//! An app's own repository as a release sees it: its tags, and the commits between them; and what a release is.

use std::collections::BTreeSet;

use serde::Serialize;

use super::comparison::LoggedCommit;
use crate::words::fault::Fault;
use crate::words::repo_path::RepoPath;

/// A tag, and the commit that it leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaggedCommit {
    /// The tag's name, without `refs/tags/`.
    pub name: String,
    /// The commit, in full hex.
    pub commit: String,
}

/// A commit between two releases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceCommit {
    /// What a log shows of it.
    pub log: LoggedCommit,
    /// Whether it is on the branch's own line: reached by first parents alone.
    pub own_line: bool,
    /// Whether it is a merge.
    pub merge: bool,
}

/// The commits since a release.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stretch {
    /// The commits, newest first.
    pub commits: Vec<SourceCommit>,
    /// Whether some are missing, because the clone is too shallow.
    pub cut: bool,
}

/// An app's own repository at the commit that is to be released. Nothing is changed by it.
pub trait SourceRepo {
    /// Returns the commit, in full hex.
    fn head(&self) -> &str;

    /// Returns the tags, by name.
    fn tags(&self) -> &[TaggedCommit];

    /// Returns those commits of tags that a commit has behind it, as far as the clone goes, itself too.
    ///
    /// # Errors
    /// A read that failed.
    fn behind(&self, commit: &str) -> anyhow::Result<BTreeSet<String>>;

    /// Returns the first of some commits that has another one behind it, or is that one.
    ///
    /// # Errors
    /// A read that failed.
    fn first_with(&self, outer: &[&str], inner: &str) -> anyhow::Result<Option<usize>>;

    /// Returns the commits that `to` has and `since` has not; with paths, those that change something at one of them.
    /// Paths are relative to the directory that was named, which `None` stands for.
    ///
    /// # Errors
    /// A read that failed.
    fn stretch(&self, to: &str, since: Option<&str>, paths: &[Option<RepoPath>]) -> anyhow::Result<Stretch>;
}

/// A change request that was merged, as far as a version asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedRequest {
    /// Its number.
    pub number: u64,
    /// Its labels.
    pub labels: Vec<String>,
}

/// An annotated tag that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTag {
    /// Its name.
    pub name: String,
    /// The commit, in full hex.
    pub commit: String,
    /// The message.
    pub message: String,
}

/// What became of a tag.
#[derive(Debug)]
pub enum TagOutcome {
    /// It is there.
    Landed,
    /// Somebody has made one of that name meanwhile.
    Taken,
    /// The remote said no, for good.
    Refused(Fault),
    /// The answer was lost: look again before saying anything.
    Unknown(String),
}

/// A release page of a forge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleasePage {
    /// Its number, where the forge counts them.
    pub id: u64,
    /// Its title.
    pub title: String,
    /// Its text.
    pub body: String,
    /// Whether only those who may write see it.
    pub draft: bool,
    /// Whether it is marked as not ready for production.
    pub prerelease: bool,
    /// Where people read it.
    pub url: String,
}

/// A release page that is to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewReleasePage {
    /// The tag.
    pub tag: String,
    /// The title.
    pub title: String,
    /// The text.
    pub body: String,
    /// Whether only those who may write shall see it.
    pub draft: bool,
    /// Whether it is marked as not ready for production.
    pub prerelease: bool,
    /// Whether it is the newest one, for who asks for that.
    pub latest: bool,
}

/// What changes on a release page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReleasePageEdit {
    /// The new title.
    pub title: Option<String>,
    /// The new text.
    pub body: Option<String>,
    /// Whether it is a draft from now on.
    pub draft: Option<bool>,
    /// Whether it is a pre-release from now on.
    pub prerelease: Option<bool>,
    /// Whether it is the newest from now on.
    pub latest: Option<bool>,
}

/// What came of making a release page.
#[derive(Debug)]
pub enum Published {
    /// It is there, at this address.
    New(String),
    /// There is one for the tag already.
    Exists,
    /// The answer was lost, for this reason.
    Unclear(String),
}

/// What a run tells of a release, for programs.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ReleaseReport {
    /// The tag.
    pub tag: Option<String>,
    /// The version.
    pub version: Option<String>,
    /// The tag of the release before.
    pub previous_tag: Option<String>,
    /// How far the version moved: `none`, `patch`, `minor`, `major`, or `first`.
    pub bump: Option<&'static str>,
    /// Why.
    pub why: Option<String>,
    /// Whether it is a pre-release.
    pub prerelease: bool,
    /// How many commits it brings.
    pub commits: usize,
    /// What it brings, in Markdown.
    pub notes: Option<String>,
    /// Where people read it.
    pub url: Option<String>,
}
