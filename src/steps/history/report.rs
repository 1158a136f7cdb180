//! What a history tells, for people and for programs.

use jiff::Timestamp;
use serde::Serialize;

/// What a history tells.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The commit at which it ends.
    pub tip: String,
    /// When that was committed.
    pub tip_when: Timestamp,
    /// How many commits of the branch's own line were looked at.
    pub commits: usize,
    /// Where a shallow clone ends; what came before is not known.
    pub cut: Option<Cut>,
    /// Whether there is more than was asked for.
    pub more: bool,
    /// The environments, each after the one that it is promoted from.
    pub environments: Vec<String>,
    /// The changes, newest first; only of `history`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<Vec<Entry>>,
    /// What stands, by app and environment; only of `history now`, and for a picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standings: Option<Vec<Standing>>,
}

/// Where a shallow clone ends.
#[derive(Clone, Debug, Serialize)]
pub struct Cut {
    /// How many commits it has.
    pub depth: usize,
    /// The last one that it has.
    pub commit: String,
    /// When that was committed.
    pub when: Timestamp,
}

/// One value of one app and environment that one commit changed.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// The app.
    pub app: String,
    /// The environment.
    pub env: String,
    /// What it came to.
    pub change: Change,
    /// The value before; `None` where there was none, or it could not be read.
    pub old: Option<String>,
    /// The value after.
    pub new: Option<String>,
    /// The image, where the policy names one.
    pub image: Option<String>,
    /// The clusters; none where the environment has none.
    pub clusters: Vec<String>,
    /// Whether other clusters of the environment stayed as they were, or went elsewhere.
    pub partial: bool,
    /// The files.
    pub files: Vec<String>,
    /// The commit, and what it tells of itself.
    #[serde(flatten)]
    pub told: Told,
}

/// What became of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It was not there before.
    Added,
    /// It is a newer version.
    Newer,
    /// It is an older version.
    Older,
    /// It is another one; the two have no order.
    Changed,
    /// It is gone.
    Removed,
    /// Its file could no longer be read.
    Broken,
    /// Its file could be read again.
    Mended,
}

impl Change {
    /// Returns its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Newer => "newer",
            Self::Older => "older",
            Self::Changed => "changed",
            Self::Removed => "removed",
            Self::Broken => "broken",
            Self::Mended => "mended",
        }
    }
}

/// What a commit tells of itself.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// The commit, in full hex.
    pub commit: String,
    /// When it was committed.
    pub when: Timestamp,
    /// Who did it, as well as the commit tells: the actor of its trailers, else its author.
    pub by: String,
    /// The author's name.
    pub author: String,
    /// Who started the run, by the trailers.
    pub actor: Option<String>,
    /// Who the payload said asked for it.
    pub source_actor: Option<String>,
    /// Who merged it, where it came by a merge commit.
    pub merged_by: Option<String>,
    /// The repository that the image was built from.
    pub source_repo: Option<String>,
    /// The commit that the image was built from.
    pub source_commit: Option<String>,
    /// The run that made the commit.
    pub run_url: Option<String>,
    /// The reason for which the policy was overridden.
    pub override_reason: Option<String>,
    /// The commit that it says it reverts.
    pub reverts: Option<String>,
    /// The first line of its message.
    pub subject: String,
}

/// What stands for an app in an environment.
#[derive(Clone, Debug, Serialize)]
pub struct Standing {
    /// The app.
    pub app: String,
    /// The environment.
    pub env: String,
    /// Whether every image has one version at all its places.
    pub agrees: bool,
    /// The versions; one for each image where they agree.
    pub versions: Vec<Held>,
    /// How it lies to the environment that it is promoted from.
    pub drift: Option<Drift>,
}

/// A version that stands at some places of an environment.
#[derive(Clone, Debug, Serialize)]
pub struct Held {
    /// The image, where the policy names one.
    pub image: Option<String>,
    /// The version; `None` where none can be read.
    pub version: Option<String>,
    /// The clusters that have it.
    pub clusters: Vec<String>,
    /// The files that have it.
    pub files: Vec<String>,
    /// Since when; with `at_least`, it stood there then already.
    pub since: Timestamp,
    /// Whether a shallow clone hides when it came.
    pub at_least: bool,
    /// The version before.
    pub old: Option<String>,
    /// The commit that brought it.
    pub commit: Option<String>,
    /// Who brought it.
    pub by: Option<String>,
}

/// How an environment lies to the one that it is promoted from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Drift {
    /// That environment.
    pub from: String,
    /// How it lies.
    pub state: DriftState,
    /// How many versions it is behind, where that is known.
    pub behind: Option<usize>,
}

/// How an environment lies to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriftState {
    /// It has the same.
    InStep,
    /// It has what the other had before, or an older version.
    Behind,
    /// It has a newer version.
    Ahead,
    /// It has another one, or one of the two disagrees with itself.
    Differs,
}

impl DriftState {
    /// Returns its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::InStep => "in-step",
            Self::Behind => "behind",
            Self::Ahead => "ahead",
            Self::Differs => "differs",
        }
    }
}

impl Drift {
    /// Returns it in words.
    pub fn words(&self) -> String {
        match (self.state, self.behind) {
            (DriftState::InStep, _) => "in step".to_owned(),
            (DriftState::Behind, Some(count)) => format!("{count} behind {}", self.from),
            (DriftState::Behind, None) => format!("behind {}", self.from),
            (DriftState::Ahead, _) => format!("ahead of {}", self.from),
            (DriftState::Differs, _) => format!("differs from {}", self.from),
        }
    }
}

impl Entry {
    /// Returns the environment, with the clusters where not all of them changed.
    pub fn place(&self) -> String {
        if self.partial && !self.clusters.is_empty() {
            format!("{} ({})", self.env, self.clusters.join(", "))
        } else {
            self.env.clone()
        }
    }
}

impl Standing {
    /// Returns what stands, in one line.
    pub fn line(&self) -> String {
        let several = self.versions.len() > 1;
        let versions: Vec<String> = self
            .versions
            .iter()
            .map(|one| {
                let version = short(one.version.as_deref().unwrap_or("nothing"));
                let name = if self.agrees {
                    one.image.as_deref().map(last_part)
                } else {
                    None
                };
                match (several, name, one.clusters.as_slice()) {
                    (false, ..) => version,
                    (true, Some(name), _) => format!("{name} {version}"),
                    (true, None, []) => format!("{} {version}", one.files.join(" ")),
                    (true, None, clusters) => format!("{} {version}", clusters.join(" ")),
                }
            })
            .collect();
        versions.join(", ")
    }

    /// Returns the version that came last.
    pub fn newest(&self) -> Option<&Held> {
        self.versions.iter().max_by_key(|one| one.since)
    }
}

/// Returns a value with its digest shortened, for people.
pub fn short(value: &str) -> String {
    match value.split_once("sha256:") {
        Some((before, digest)) if digest.len() > 12 && digest.is_ascii() => {
            format!("{before}sha256:{}…", &digest[..12])
        }
        _ => value.to_owned(),
    }
}

/// The last part of an image's name.
fn last_part(image: &str) -> &str {
    image.rsplit('/').next().unwrap_or(image)
}
