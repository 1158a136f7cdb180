//! `package.json`, `package-lock.json` and `Chart.yaml`, through the engine.

use semver::Version;

use super::Written;
use crate::plan::ValueChange;
use crate::steps::{fault_in, parse_path};
use crate::words::fault::Fault;
use crate::words::repo_path::RepoPath;
use crate::yaml::{Edit, File, IfMissing, Operation, Value};

/// Sets the version at the paths, and at `appVersion` where that is asked for.
pub(super) fn write(
    path: &RepoPath,
    bytes: &[u8],
    version: &Version,
    places: &[&str],
    app_version: bool,
) -> Result<Written, Fault> {
    let file = File::parse(bytes).map_err(|error| fault_in(path.as_str(), error))?;
    let edit = |place: &str, if_missing| -> Result<Edit, Fault> {
        Ok(Edit {
            document: None,
            path: parse_path(place)?,
            operation: Operation::Set {
                value: Value::String(version.to_string()),
            },
            if_missing,
            allow_shared: false,
        })
    };
    let mut edits = vec![edit(places[0], IfMissing::Error)?];
    // A lock file of the first form has the version once.
    for place in &places[1..] {
        edits.push(edit(place, IfMissing::Skip)?);
    }
    if app_version {
        edits.push(edit("appVersion", IfMissing::Create)?);
    }
    let edited = file
        .apply(&edits)
        .map_err(|error| fault_in(path.as_str(), error))?;
    let changes = edited.changes.iter().map(|change| ValueChange {
        file: path.to_string(),
        path: change.path.to_string(),
        line: change.line,
        old: change.old.clone(),
        new: change.new.clone(),
        cluster: None,
    });
    Ok(Written {
        changes: changes.collect(),
        bytes: edited.text.into_bytes(),
    })
}
