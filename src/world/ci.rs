//! What the CI host tells of itself, read from its variables.
//!
//! Sources: "Variables reference" of GitHub Actions' docs, "Predefined CI/CD variables" of GitLab's.

use super::env::Environment;
use crate::words::payload::Source;

/// Who runs this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// GitHub Actions.
    GitHub,
    /// GitLab CI.
    GitLab,
    /// Another CI, which sets `CI`.
    Other,
}

impl Host {
    /// Tells which CI runs this, if one does.
    pub fn of(environment: &Environment) -> Option<Self> {
        let is_on = |name| {
            environment
                .get(name)
                .is_some_and(|value| !matches!(value, "false" | "0"))
        };
        if is_on("GITHUB_ACTIONS") {
            Some(Self::GitHub)
        } else if is_on("GITLAB_CI") {
            Some(Self::GitLab)
        } else {
            is_on("CI").then_some(Self::Other)
        }
    }

    /// Returns the build that runs this: its repository, commit, run.
    pub fn source(self, environment: &Environment) -> Source {
        let get = |name| environment.get(name).map(str::to_owned);
        let number = |name| environment.get(name).and_then(|text| text.parse().ok());
        match self {
            Self::GitHub => Source {
                repo: get("GITHUB_REPOSITORY"),
                commit: get("GITHUB_SHA"),
                reference: get("GITHUB_REF"),
                sequence: number("GITHUB_RUN_NUMBER"),
                run_url: get("GITHUB_SERVER_URL")
                    .zip(get("GITHUB_REPOSITORY"))
                    .zip(get("GITHUB_RUN_ID"))
                    .map(|((server, repo), run)| format!("{server}/{repo}/actions/runs/{run}")),
                actor: get("GITHUB_ACTOR"),
            },
            Self::GitLab => Source {
                repo: get("CI_PROJECT_PATH"),
                commit: get("CI_COMMIT_SHA"),
                reference: get("CI_COMMIT_REF_NAME"),
                sequence: number("CI_PIPELINE_IID"),
                run_url: get("CI_JOB_URL").or_else(|| get("CI_PIPELINE_URL")),
                actor: get("GITLAB_USER_LOGIN"),
            },
            Self::Other => Source::default(),
        }
    }
}

/// Returns the file of the event that started this run: `$GITHUB_EVENT_PATH`, else `$TRIGGER_PAYLOAD`.
pub fn event_file(environment: &Environment) -> Option<&str> {
    environment
        .get("GITHUB_EVENT_PATH")
        .or_else(|| environment.get("TRIGGER_PAYLOAD"))
}
