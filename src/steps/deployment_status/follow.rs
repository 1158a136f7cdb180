//! Which state may follow which, and what a success does to older deployments.

use std::time::Duration;

use jiff::Timestamp;

use super::which::bare;
use crate::plan::deployment::{CiRun, Deployment, DeploymentState, NewStatus, Status};

/// After this long a job has ended, unless its workflow lets it go on longer: the default `timeout-minutes` of GitHub
/// Actions' "Workflow syntax".
const JOB_LIMIT: Duration = Duration::from_secs(6 * 60 * 60);

/// What becomes of a state that is to be recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// It is recorded.
    Record,
    /// It stands there already.
    There,
    /// The deployment was torn down, and stays so.
    TornDown,
}

/// Judges a state by the latest one.
///
/// A deployment that is inactive was torn down, or superseded: a late report does not bring it back.
pub fn next(latest: Option<&Status>, new: &NewStatus) -> Next {
    let Some(latest) = latest else {
        return Next::Record;
    };
    let same_address = new.environment_url.is_none() || new.environment_url == latest.environment_url;
    if latest.state == new.state && (same_address || new.state == DeploymentState::Inactive) {
        Next::There
    } else if latest.state == DeploymentState::Inactive {
        Next::TornDown
    } else {
        Next::Record
    }
}

/// Returns the older deployments that a success may supersede and that GitHub's `auto_inactive` passes over, newest
/// first; whether they do still stand is to be asked.
///
/// GitHub itself ends those that are neither transient nor production. Of the others, those of the same environment
/// end, and of a transient one only those of the same branch: two previews can share the name of their environment.
pub fn passed_over<'a>(ours: &'a Deployment, all: &'a [Deployment]) -> impl Iterator<Item = &'a Deployment> {
    all.iter().filter(|other| {
        other.id < ours.id
            && other.environment == ours.environment
            && (other.transient || other.production)
            && (!(other.transient || ours.transient) || bare(&other.reference) == bare(&ours.reference))
    })
}

/// Returns whether a deployment in this state is one that a newer success ends; a failure stays what it is.
pub fn ends(state: Option<DeploymentState>) -> bool {
    !matches!(
        state,
        Some(DeploymentState::Failure | DeploymentState::Error | DeploymentState::Inactive)
    )
}

/// Returns whether the run that recorded a state at `since` has ended without telling how, as far as we can know.
///
/// An earlier attempt of our own run ended before ours began. Of another run of the same job we know no more than that
/// it should have ended by its time limit; every other one is none of our business.
pub fn was_left_open(by: &CiRun, since: Option<Timestamp>, us: &CiRun, now: Timestamp) -> bool {
    if by.job != us.job {
        return false;
    }
    if by.id == us.id {
        return by.attempt < us.attempt;
    }
    since.is_some_and(|since| {
        Duration::try_from(now.duration_since(since)).is_ok_and(|lasted| lasted > JOB_LIMIT)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::deployment::Maker;
    use DeploymentState::{Failure, InProgress, Inactive, Success};

    #[test]
    fn a_state_is_recorded_once_and_a_preview_is_not_revived() {
        for (latest, new, url, next_is) in [
            (None, Inactive, None, Next::Record),
            (Some(InProgress), Success, None, Next::Record),
            (Some(Success), InProgress, None, Next::Record),
            (Some(Success), Success, None, Next::There),
            (Some(Success), Success, Some("https://a"), Next::There),
            (Some(Success), Success, Some("https://b"), Next::Record),
            (Some(Inactive), Success, None, Next::TornDown),
            (Some(Inactive), Inactive, Some("https://b"), Next::There),
            (Some(Failure), Inactive, None, Next::Record),
        ] {
            let latest = latest.map(|state| Status {
                state,
                since: None,
                environment_url: Some("https://a".into()),
                log_url: None,
            });
            let new = NewStatus {
                state: new,
                environment_url: url.map(str::to_owned),
                log_url: None,
                description: None,
            };
            assert_eq!(next(latest.as_ref(), &new), next_is, "{latest:?} {new:?}");
        }
    }

    #[test]
    fn a_run_that_may_still_go_on_is_not_taken_for_a_killed_one() {
        let run = |id: &str, attempt, job: &str| CiRun {
            id: id.into(),
            attempt,
            job: job.into(),
        };
        let now: Timestamp = "2026-01-02T00:00:00Z".parse().unwrap();
        let us = run("7", 2, "deploy.yml:dev");
        for (by, since, left) in [
            (run("7", 1, "deploy.yml:dev"), "2026-01-01T23:59:59Z", true),
            (run("7", 2, "deploy.yml:dev"), "2026-01-01T00:00:00Z", false),
            (run("7", 3, "deploy.yml:dev"), "2026-01-01T00:00:00Z", false),
            (run("6", 1, "deploy.yml:dev"), "2026-01-01T18:00:01Z", false),
            (run("6", 1, "deploy.yml:dev"), "2026-01-01T17:59:59Z", true),
            (run("6", 1, "deploy.yml:dev"), "2026-01-03T00:00:00Z", false),
            (run("6", 1, "other.yml:dev"), "2026-01-01T00:00:00Z", false),
        ] {
            assert_eq!(
                was_left_open(&by, since.parse().ok(), &us, now),
                left,
                "{by:?} {since}"
            );
        }
        assert!(!was_left_open(&run("6", 1, "deploy.yml:dev"), None, &us, now));
    }

    #[test]
    fn nobody_elses_environment_or_branch_is_ended_and_never_our_own() {
        let make = |id, environment: &str, reference: &str, transient, production| Deployment {
            id,
            environment: environment.into(),
            sha: "a".into(),
            reference: reference.into(),
            transient,
            production,
            maker: Maker::Other,
            run: None,
        };
        let all = [
            make(9, "preview", "a", true, false),
            make(8, "preview", "a", true, false),
            make(7, "preview", "a", true, false),
            make(6, "preview", "b", true, false),
            make(5, "preview-2", "a", true, false),
            make(4, "preview", "a", false, false),
            make(3, "prod", "v1", false, true),
        ];
        let ids = |ours: &Deployment| passed_over(ours, &all).map(|one| one.id).collect::<Vec<_>>();
        assert_eq!(ids(&all[1]), [7]);
        assert_eq!(ids(&make(10, "prod", "v2", false, true)), [3]);
        assert_eq!(ids(&make(10, "other", "a", true, false)), [0_u64; 0]);
    }
}
