//! Which state may follow which, and what a success does to older deployments.

use super::which::bare;
use crate::plan::deployment::{Deployment, DeploymentState, NewStatus, Status};

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
    fn nobody_elses_environment_or_branch_is_ended_and_never_our_own() {
        let make = |id, environment: &str, reference: &str, transient, production| Deployment {
            id,
            environment: environment.into(),
            sha: "a".into(),
            reference: reference.into(),
            transient,
            production,
            maker: Maker::Other,
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
