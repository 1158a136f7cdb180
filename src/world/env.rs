//! The process environment, read once.
#![expect(
    clippy::disallowed_methods,
    reason = "the one place where the environment is read"
)]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::process::Command;

/// The prefix of our own variables, which no child process needs to see.
const OURS: &str = "GITOPS_STEPS_";

/// Tokens that CI or the user hands to us, and that a command of the user's has no need of.
const TOKENS: [&str; 5] = [
    "GH_TOKEN",
    "GITHUB_TOKEN",
    "GITLAB_TOKEN",
    "CI_JOB_TOKEN",
    "ARGOCD_AUTH_TOKEN",
];

/// Returns the names of this process's variables that a command of the user's is not to see.
pub(super) fn secret_names() -> impl Iterator<Item = OsString> {
    std::env::vars_os().map(|(name, _)| name).filter(|name| {
        let name = name.to_string_lossy();
        name.starts_with(OURS) || TOKENS.contains(&name.as_ref())
    })
}

/// The environment variables. An empty one is an absent one, since CI passes every unset input as "".
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Reads the environment of this process; a variable that is not UTF-8 is left out.
    pub fn of_process() -> Self {
        Self::from_pairs(
            std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
        )
    }

    /// Makes an environment of names and values.
    pub fn from_pairs<N: Into<String>, V: Into<String>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        let pairs = pairs.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self(
            pairs
                .filter(|(_, value): &(String, String)| !value.is_empty())
                .collect(),
        )
    }

    /// Returns a variable's value, which is never empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns the names of all variables, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Prepares a child process that sees these variables, except our own: tokens given to us stay with us.
    pub(super) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear();
        command.envs(self.0.iter().filter(|(name, _)| !name.starts_with(OURS)));
        command
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_variable_is_an_absent_one() {
        let environment = Environment::from_pairs([("A", ""), ("B", "1")]);
        assert_eq!((environment.get("A"), environment.get("B")), (None, Some("1")));
    }

    #[cfg(unix)]
    #[test]
    fn a_child_never_sees_our_token() {
        let environment = Environment::from_pairs([
            ("GITOPS_STEPS_TOKEN", "t0k"),
            ("X", "1"),
            ("PATH", "/usr/bin:/bin"),
        ]);
        let seen = environment.command("env").output().unwrap().stdout;
        let seen = String::from_utf8(seen).unwrap();
        assert!(seen.contains("X=1") && !seen.contains("t0k"), "{seen}");
    }
}
