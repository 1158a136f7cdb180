//! What a version has to show before it goes on: a deployment that succeeded, and time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::plan::deployment::{DeploymentState, Sought, Status};
use crate::plan::snapshot::Snapshot;
use crate::steps::bump_values::{Request, read_policy};
use crate::words::fault::Fault;
use crate::words::name::{AppName, EnvName};
use crate::words::{duration, source_commit};

/// What `--require-deployment` and `--min-soak` ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Required {
    /// For how long the deployment must have been there.
    pub min_soak: Option<Duration>,
}

impl Required {
    /// Reads the flags; `None` where no deployment is required.
    ///
    /// # Errors
    /// `Invalid` for what is no duration.
    pub fn parse(state: Option<&str>, min_soak: Option<&str>) -> Result<Option<Self>, Fault> {
        let min_soak = min_soak
            .map(|text| duration::parse("--min-soak", text))
            .transpose()?;
        Ok(state.map(|_| Self { min_soak }))
    }
}

/// The deployment that has to be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The app.
    pub app: AppName,
    /// The environment that the version comes from.
    pub env: EnvName,
    /// The version.
    pub version: String,
    /// The app's own repository, where it is recorded.
    pub repo: String,
    /// How it is found there.
    pub sought: Sought,
    required: Required,
}

impl Request {
    /// Returns the deployments that this request needs; none where none was required.
    ///
    /// The repository is the one that the commit's trailers name, else the first that the policy lists as `source`. The
    /// commit is that of the trailers, else the one that the tag names; else the tag itself is looked for.
    ///
    /// # Errors
    /// `Invalid` where the environment or the repository cannot be told.
    pub fn proofs(&self, snapshot: &dyn Snapshot) -> anyhow::Result<Vec<Proof>> {
        let (Some(required), Some(env)) = (self.required, self.env()) else {
            return Ok(Vec::new());
        };
        let policy = read_policy(snapshot)?;
        let mut proofs = Vec::new();
        for (app, images) in self.wanted() {
            let resolved = policy.resolve(app, env)?;
            let from = self.from_env.clone().or(resolved.promote_from).ok_or_else(|| {
                Fault::invalid(format!(
                    "nothing says in which environment `{app}` has to be deployed"
                ))
                .hint("give --from-env, or `promote-from` in the policy")
            })?;
            let from_trailers = self.source.repo.clone().filter(|_| !self.from_event);
            let repo = from_trailers
                .or_else(|| resolved.sources.first().cloned())
                .ok_or_else(|| {
                    Fault::invalid(format!(
                        "nothing says in which repository `{app}` is deployed from"
                    ))
                    .hint("name it in the policy with `source`")
                })?;
            for image in images {
                let tag = image.tag.as_ref().map(ToString::to_string);
                let version = tag
                    .or(image.digest.as_ref().map(ToString::to_string))
                    .unwrap_or_default();
                let named = source_commit::named(&version).filter(|named| source_commit::is_whole(named));
                let commit = match named {
                    Some(commit) => Some(commit.to_owned()),
                    None => self.source.commit.clone(),
                };
                proofs.push(Proof {
                    app: app.clone(),
                    env: from.clone(),
                    sought: Sought {
                        environment: Some(from.to_string()),
                        reference: commit.is_none().then(|| version.clone()),
                        sha: commit,
                    },
                    version,
                    repo: repo.clone(),
                    required,
                });
            }
        }
        Ok(proofs)
    }
}

impl Proof {
    /// Judges the latest state of the deployment that was found; `None` where there is none.
    ///
    /// # Errors
    /// `Refused`, saying what is missing.
    pub fn judge(&self, status: Option<&Status>, now: Timestamp) -> Result<(), Fault> {
        let Self {
            app, env, version, ..
        } = self;
        let what = format!("`{}` of `{app}` in `{env}`", version.escape_debug());
        let Some(status) = status else {
            return Err(
                Fault::refused(format!("there is no deployment of {what} in `{}`", self.repo)).hint(
                    "record it with `gitops-steps deployment-status`, or leave out --require-deployment",
                ),
            );
        };
        if status.state != DeploymentState::Success {
            let state = status.state.word();
            return Err(
                Fault::refused(format!("the deployment of {what} is `{state}`, not `success`"))
                    .hint("run it again when it has succeeded"),
            );
        }
        let Some(min_soak) = self.required.min_soak else {
            return Ok(());
        };
        let soaked = status
            .since
            .map(|since| now.duration_since(since))
            .unwrap_or_default();
        let min_soak = SignedDuration::try_from(min_soak).unwrap_or(SignedDuration::MAX);
        if soaked >= min_soak {
            return Ok(());
        }
        let left = min_soak.saturating_sub(soaked);
        Err(Fault::refused(format!(
            "the deployment of {what} succeeded {:#} ago, and --min-soak is {:#}",
            rounded(soaked),
            rounded(min_soak),
        ))
        .hint(format!("run it again in {:#}", rounded(left))))
    }
}

fn rounded(duration: SignedDuration) -> SignedDuration {
    SignedDuration::from_secs(duration.as_secs().max(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(min_soak: Option<u64>) -> Proof {
        Proof {
            app: "web".parse().unwrap(),
            env: "dev".parse().unwrap(),
            version: "1.2.0".into(),
            repo: "acme/web".into(),
            sought: Sought::default(),
            required: Required {
                min_soak: min_soak.map(Duration::from_secs),
            },
        }
    }

    #[test]
    fn a_version_goes_on_when_it_has_proven_itself() {
        use DeploymentState::{Failure, InProgress, Inactive, Success};
        let now: Timestamp = "2026-11-20T12:00:00Z".parse().unwrap();
        let status = |state, since: &str| {
            Some(Status {
                state,
                since: Some(since.parse().unwrap()),
                environment_url: None,
                log_url: None,
            })
        };
        for (min_soak, found, says) in [
            (None, None, Some("no deployment")),
            (None, status(Success, "2026-11-20T11:59:59Z"), None),
            (None, status(Failure, "2026-11-20T11:00:00Z"), Some("`failure`")),
            (
                None,
                status(InProgress, "2026-11-20T11:00:00Z"),
                Some("`in_progress`"),
            ),
            (None, status(Inactive, "2026-11-20T11:00:00Z"), Some("`inactive`")),
            (Some(1800), status(Success, "2026-11-20T11:30:00Z"), None),
            (
                Some(1800),
                status(Success, "2026-11-20T11:31:00Z"),
                Some("29m ago"),
            ),
            (
                Some(1800),
                status(Success, "2026-11-20T12:30:00Z"),
                Some("0s ago"),
            ),
        ] {
            let judged = proof(min_soak).judge(found.as_ref(), now);
            match says {
                None => assert!(judged.is_ok(), "{judged:?}"),
                Some(words) => assert!(judged.unwrap_err().message.contains(words), "{words}"),
            }
        }
    }
}
