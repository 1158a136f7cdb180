//! The policy file, `.gitops-steps.yaml` at the root of a config repo: which apps may be changed where, by
//! whom and how.
//!
//! `file` holds the types as they are written, `check` what has to hold between them, `pattern` the holes
//! `{app}` and `{env}`, `resolve` what holds for one app and environment, `unnamed` which of them `"*"` stands for, `select`
//! how a version is chosen, `place` where an error lies, `survey` all that is wrong with a file.

mod check;
mod file;
mod hold;
mod pattern;
mod place;
mod resolve;
mod select;
mod survey;
mod unnamed;

use super::fault::Fault;

pub use file::{AutoDeploy, AutoMerge, Bump, Guard, Kind, PullRequest};
pub use hold::Hold;
pub(in crate::words) use place::read_yaml;
pub use resolve::{Chart, Freeze, Reached, ReachedTarget, Resolved, Target};
pub use survey::{Flaw, Survey, survey};
pub use unnamed::Unnamed;

/// The policy file's name, at the root of the config repo.
pub const FILE_NAME: &str = ".gitops-steps.yaml";

/// The most bytes of a policy file.
const POLICY_MAX: usize = 1024 * 1024;

/// The policy of a config repo.
pub struct Policy {
    apps: file::Names<file::App>,
    holds: Vec<Hold>,
}

impl Policy {
    /// Reads a policy file; `file_name` is what messages call it.
    ///
    /// # Errors
    /// A fault of kind `Invalid` with file, line and column, and with the nearest right word for a wrong one.
    pub fn parse(file_name: &str, bytes: &[u8]) -> Result<Self, Fault> {
        let text = text_of(file_name, bytes)?;
        let file: file::File = read_yaml(file_name, text)?;
        if let Some(wrong) = check::check(&file).into_iter().next() {
            let (line, column) = place::find(text, &wrong.path);
            return Err(wrong.fault.at(file_name, line, column));
        }
        Ok(Self::of(file))
    }

    /// Makes a policy of what was read; a hold that is wrong is left out.
    fn of(file: file::File) -> Self {
        let holds = file.holds.iter();
        Self {
            holds: holds
                .filter_map(|(name, hold)| hold::read_hold(name, hold).ok())
                .collect(),
            apps: file.apps,
        }
    }

    /// Returns what is held.
    pub fn holds(&self) -> &[Hold] {
        &self.holds
    }

    /// Returns the names of the apps that are named, sorted; `"*"` is not among them.
    pub fn apps(&self) -> impl Iterator<Item = &str> {
        self.apps.named.keys().map(String::as_str)
    }

    /// Returns the names of the environments that are named for an app, sorted; `"*"` is not among them.
    pub fn environments(&self, app: &str) -> impl Iterator<Item = &str> {
        let environments = self.apps.get(app).map(|app| app.environments.named.keys());
        environments.into_iter().flatten().map(String::as_str)
    }
}

impl std::fmt::Debug for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policy")
            .field("apps", &self.apps().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// The text of a policy file.
fn text_of<'b>(file_name: &str, bytes: &'b [u8]) -> Result<&'b str, Fault> {
    let whole = |message: String| Fault::invalid(message).at(file_name, 1, 1);
    if bytes.len() > POLICY_MAX {
        return Err(whole(format!(
            "the policy is {} bytes long; at most {POLICY_MAX} are read",
            bytes.len()
        )));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| whole("the policy is not UTF-8".to_owned()))?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

/// Returns the JSON Schema (draft 2020-12) of the policy file.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(file::File);
    schema.insert("title".to_owned(), "The policy file of gitops-steps".into());
    schema.to_value()
}

#[cfg(test)]
mod tests;
