//! Floor 3, steps: one file a command, its arguments and how they become a plan. Pure.

pub mod args;
pub mod bump_values;
pub mod check;
pub mod deployment_status;
pub mod dispatch_deploy;
pub mod files;
pub mod history;
pub mod open_promotion_pr;
pub mod preview;
pub mod proposal;
pub mod reading;
pub mod release;
pub mod resolve_image;
pub mod rollback;
pub mod scaffold;
pub mod shadow;
pub mod sound;

use crate::words::fault::{Fault, Kind};
use crate::words::wording::shown;
use crate::yaml;

/// Puts an error of the engine in the words of the other floors, with the file it concerns.
pub fn fault_in(file: &str, error: yaml::Error) -> Fault {
    use yaml::ErrorKind as E;
    let kind = match error.kind {
        E::Syntax | E::Shape | E::Contradiction => Kind::Invalid,
        E::Missing | E::Ambiguous => Kind::NotFound,
        E::Duplicate | E::Shared | E::Encrypted => Kind::Refused,
        E::Unproven => Kind::Internal,
    };
    let mut fault = Fault::new(kind, error.message).at(file, error.line, error.column);
    fault.hint = error.hint;
    fault
}

/// Passes over a commit that cannot be read for what it holds: places that are not there, disagree or do not parse. A
/// remote that fails is no such commit: who passed over that one would take another commit for the right one.
///
/// # Errors
/// What the remote says, and bugs.
pub fn if_readable<T>(read: anyhow::Result<T>) -> anyhow::Result<Option<T>> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(error) => match error.downcast_ref::<Fault>().map(|fault| fault.kind) {
            Some(Kind::NotFound | Kind::Invalid | Kind::Refused) => Ok(None),
            _ => Err(error),
        },
    }
}

/// Reads a path as a user writes it.
///
/// # Errors
/// `Invalid`, with the place in the path.
pub fn parse_path(text: &str) -> Result<yaml::Path, Fault> {
    yaml::Path::parse(text).map_err(|error| path_fault(text, error))
}

/// Splits `PATH=VALUE`.
///
/// # Errors
/// `Invalid` where there is no `=`, or the path before it never ends.
pub fn split_assignment(text: &str) -> Result<(&str, &str), Fault> {
    yaml::split_assignment(text).map_err(|error| path_fault(text, error))
}

fn path_fault(text: &str, error: yaml::PathError) -> Fault {
    let mut fault = Fault::invalid(format!("cannot read `{}`: {error}", shown(text)));
    fault.hint = error.hint;
    fault
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_a_commit_holds_lets_it_be_passed_over() {
        let passed_over = |kind| {
            let read = Err::<(), _>(anyhow::Error::from(Fault::new(kind, "why")).context("reading it"));
            if_readable(read).is_ok()
        };
        for kind in [Kind::NotFound, Kind::Invalid, Kind::Refused] {
            assert!(passed_over(kind), "{kind:?}");
        }
        for kind in [Kind::GaveUp, Kind::Denied, Kind::Internal, Kind::Failed] {
            assert!(!passed_over(kind), "{kind:?}");
        }
        assert!(if_readable(Err::<(), _>(anyhow::anyhow!("a bug"))).is_err());
    }
}
