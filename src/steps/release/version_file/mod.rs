//! Files that hold a version: only the bytes of the value change.

mod text;
mod toml;
mod yaml;

use semver::Version;

use crate::plan::ValueChange;
use crate::words::fault::Fault;
use crate::words::repo_path::RepoPath;
use crate::words::wording::shown;

/// The most bytes of a file that is changed; a lock file may be long.
const LONGEST: usize = 16 * 1024 * 1024;

/// A file with the version in it, and what differs.
#[derive(Debug)]
pub struct Written {
    /// The new content.
    pub bytes: Vec<u8>,
    /// The values that differ; none where the file holds the version already.
    pub changes: Vec<ValueChange>,
}

/// Puts a version into a file, which its name tells the form of.
///
/// # Errors
/// `Invalid` for a file of another name, or one that cannot be read; `NotFound` where it holds no version.
pub fn write(path: &RepoPath, bytes: &[u8], version: &Version, app_version: bool) -> Result<Written, Fault> {
    if bytes.len() > LONGEST {
        return Err(Fault::invalid(format!("`{path}` is longer than {LONGEST} bytes")));
    }
    match path.file_name() {
        "package.json" => yaml::write(path, bytes, version, &["version"], false),
        "package-lock.json" | "npm-shrinkwrap.json" => {
            yaml::write(path, bytes, version, &["version", r#"packages[""].version"#], false)
        }
        "Chart.yaml" => yaml::write(path, bytes, version, &["version"], app_version),
        "Cargo.toml" => toml::write(path, bytes, version, toml::Kind::Cargo),
        "pyproject.toml" => toml::write(path, bytes, version, toml::Kind::Python),
        "VERSION" => text::write(path, bytes, version),
        other => Err(
            Fault::invalid(format!("nobody knows where `{}` holds a version", shown(other))).hint(
                "--write knows package.json, package-lock.json, Cargo.toml, pyproject.toml, Chart.yaml and VERSION",
            ),
        ),
    }
}

/// A text that is UTF-8.
fn utf8<'t>(path: &RepoPath, bytes: &'t [u8]) -> Result<&'t str, Fault> {
    std::str::from_utf8(bytes).map_err(|_| Fault::invalid("it is not UTF-8").at(path.as_str(), 0, 0))
}

/// The line and the column, from 1, of a place in a text.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    (line, column)
}
