//! The files that no target names: that they parse.

use crate::plan::finding::{Finding, Severity};
use crate::steps::reading::{Looked, Reader, is_template, is_yaml};
use crate::words::fault::Place as At;
use crate::words::repo_path::RepoPath;

/// Returns every `.yaml` and `.yml` that does not parse. Templates of Helm charts are passed over: they are no YAML
/// before Helm has filled them in.
///
/// # Errors
/// A remote that fails.
pub(super) fn broken(reader: &Reader<'_>) -> anyhow::Result<Vec<Finding>> {
    let all = reader.listing().iter();
    let files: Vec<&RepoPath> = all
        .filter(|path| is_yaml(path) && !is_template(path, reader))
        .collect();
    reader.fetch(files.iter().copied())?;
    let mut findings = Vec::new();
    for file in files {
        // A link that leads nowhere is no file to parse.
        if let Looked::Broken(_, fault) = reader.look(file)? {
            let whole = At {
                file: file.to_string(),
                ..At::default()
            };
            findings.push(Finding::new(Severity::Error, "file-invalid", fault, &whole));
        }
    }
    Ok(findings)
}
