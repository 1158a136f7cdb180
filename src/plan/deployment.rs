//! What a forge records about a version in an environment.

use jiff::Timestamp;

/// A state in GitHub's words; GitLab's forge translates them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentState {
    /// It waits for its turn.
    Queued,
    /// It has not begun.
    Pending,
    /// It goes on.
    InProgress,
    /// It is there.
    Success,
    /// It failed.
    Failure,
    /// It could not be done.
    Error,
    /// It is not there any more.
    Inactive,
}

impl DeploymentState {
    /// Returns GitHub's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Pending => "pending",
            Self::InProgress => "in_progress",
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Error => "error",
            Self::Inactive => "inactive",
        }
    }

    /// Returns the state of GitHub's word.
    pub fn of_word(word: &str) -> Option<Self> {
        Some(match word {
            "queued" => Self::Queued,
            "pending" => Self::Pending,
            "in_progress" => Self::InProgress,
            "success" => Self::Success,
            "failure" => Self::Failure,
            "error" => Self::Error,
            "inactive" => Self::Inactive,
            _ => return None,
        })
    }

    /// Returns whether nothing more is to be expected.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Success | Self::Failure | Self::Error | Self::Inactive)
    }
}

/// A deployment as its forge shows it, without its states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Its id.
    pub id: u64,
    /// The environment.
    pub environment: String,
    /// The commit, in full hex.
    pub sha: String,
    /// The branch, tag or commit that was asked for.
    pub reference: String,
    /// GitHub: whether the environment goes away with its branch.
    pub transient: bool,
    /// GitHub: whether the environment is one that users see.
    pub production: bool,
    /// Whose it is.
    pub maker: Maker,
    /// GitHub: the run of CI in which we made it.
    pub run: Option<CiRun>,
}

/// A run of CI, and the job of it.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct CiRun {
    /// The run's id, which stays the same when it is run again.
    pub id: String,
    /// Which attempt of the run, from 1.
    pub attempt: u64,
    /// The workflow's file and the job's id, which are the same in every run.
    pub job: String,
}

/// Who made a deployment, as far as the forge tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Maker {
    /// Somebody else.
    Other,
    /// We, and the word by which that run knows its own again; a forge that keeps no such word has none.
    Us(Option<String>),
}

/// The state of a deployment, as its forge shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// The state.
    pub state: DeploymentState,
    /// When it was set.
    pub since: Option<Timestamp>,
    /// Where users reach the environment.
    pub environment_url: Option<String>,
    /// Where people read how it went.
    pub log_url: Option<String>,
}

/// A deployment to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDeployment {
    /// The branch, tag or commit.
    pub reference: String,
    /// The commit, in full hex; GitLab is asked for it where it is not known.
    pub sha: Option<String>,
    /// The environment.
    pub environment: String,
    /// At most 140 characters.
    pub description: Option<String>,
    /// Whether the environment goes away with its branch.
    pub transient: bool,
    /// Whether the environment is one that users see; `None` lets the forge judge by the name.
    pub production: Option<bool>,
    /// A word of ours by which it is known again when the answer is lost.
    pub mark: String,
    /// The run of CI that makes it; GitLab keeps none.
    pub run: Option<CiRun>,
}

/// A state to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewStatus {
    /// The state.
    pub state: DeploymentState,
    /// Where users reach the environment.
    pub environment_url: Option<String>,
    /// Where people read how it went.
    pub log_url: Option<String>,
    /// At most 140 characters.
    pub description: Option<String>,
}

/// Which deployments are looked for; what is `None` is any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sought {
    /// The environment.
    pub environment: Option<String>,
    /// The commit, in full hex.
    pub sha: Option<String>,
    /// The branch or tag.
    pub reference: Option<String>,
}
