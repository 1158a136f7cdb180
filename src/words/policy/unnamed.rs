//! Which apps and environments `"*"` stands for in a repository: those whose files are there.

use std::collections::BTreeSet;

use super::Policy;
use super::pattern::{Bound, Pattern};
use super::resolve::targets_of;
use crate::words::fault::Fault;
use crate::words::name::{AppName, EnvName};
use crate::words::repo_path::RepoPath;

/// An environment of the policy that stands under `"*"`, or whose app does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unnamed {
    /// The app as it is written: a name or `*`.
    pub app: String,
    /// The environment as it is written: a name or `*`.
    pub env: String,
    /// The apps and environments whose files are there.
    pub pairs: BTreeSet<(AppName, EnvName)>,
    /// Whether a file fits that does not tell which app or environment it is for.
    pub untold: bool,
}

impl Policy {
    /// Returns every environment that `"*"` is part of, with what it stands for in a repository of these files, which
    /// are sorted.
    ///
    /// # Errors
    /// None that a parsed policy can meet.
    pub fn unnamed(&self, files: &[RepoPath]) -> Result<Vec<Unnamed>, Fault> {
        let mut all = Vec::new();
        for (app_key, app) in self.apps.iter() {
            for (env_key, environment) in app.environments.iter() {
                if app_key != "*" && env_key != "*" {
                    continue;
                }
                let start = Bound {
                    app: (app_key != "*").then(|| app_key.to_owned()),
                    env: (env_key != "*").then(|| env_key.to_owned()),
                };
                let mut unnamed = Unnamed {
                    app: app_key.to_owned(),
                    env: env_key.to_owned(),
                    pairs: BTreeSet::new(),
                    untold: false,
                };
                for (_, target) in targets_of(environment) {
                    for bound in fitting(&target.file, &start, files)? {
                        if self.is_named(&start, &bound, app) {
                            continue;
                        }
                        match (bound.app, bound.env) {
                            (Some(app), Some(env)) => {
                                unnamed.pairs.insert((app.parse()?, env.parse()?));
                            }
                            _ => unnamed.untold = true,
                        }
                    }
                }
                all.push(unnamed);
            }
        }
        Ok(all)
    }

    /// Returns the keys under which what holds for an app and an environment is written.
    pub fn keys<'n>(&self, app: &'n AppName, env: &'n EnvName) -> (&'n str, &'n str) {
        let written = |is_named: bool, name: &'n str| if is_named { name } else { "*" };
        let named = self.apps.named.contains_key(app.as_str());
        let entry = self.apps.get(app.as_str());
        let env_named = entry.is_some_and(|entry| entry.environments.named.contains_key(env.as_str()));
        (written(named, app.as_str()), written(env_named, env.as_str()))
    }
}

/// The ways to fill a target's file so that it is one of the repository's.
fn fitting(file: &str, start: &Bound, files: &[RepoPath]) -> Result<BTreeSet<Bound>, Fault> {
    let Ok(file) = RepoPath::parse(file) else {
        return Ok(BTreeSet::new());
    };
    let pattern = Pattern::parse(file.as_str())?;
    // Only those that begin as the pattern does are tried: a policy may hold thousands of them.
    let begin = pattern.begin(start);
    let first = files.partition_point(|file| file.as_str() < begin.as_str());
    let near = files[first..]
        .iter()
        .take_while(|file| file.as_str().starts_with(&begin));
    Ok(near
        .flat_map(|file| pattern.matches(file.as_str(), start))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_what_has_files() {
        let policy = Policy::parse(
            "p",
            br#"
version: 1
apps:
  web: {environments: {dev: {targets: [{file: web.yaml}]}, "*": {targets: [{file: "web/{env}.yaml"}]}}}
  "*":
    environments:
      dev: {targets: [{file: "apps/{app}/dev.yaml"}]}
      prod: {targets: [{file: "apps/{app}/prod.yaml"}]}
      one: {targets: [{file: "one.yaml"}]}
"#,
        )
        .unwrap();
        let files = [
            "apps/api/dev.yaml",
            "apps/web/dev.yaml",
            "one.yaml",
            "web/dev.yaml",
            "web/qa.yaml",
        ];
        let files: Vec<RepoPath> = files.iter().map(|file| RepoPath::parse(file).unwrap()).collect();
        let told: Vec<String> = policy
            .unnamed(&files)
            .unwrap()
            .iter()
            .map(|one| {
                let pairs: Vec<String> = one
                    .pairs
                    .iter()
                    .map(|(app, env)| format!("{app}/{env}"))
                    .collect();
                format!("{} {}: {} {}", one.app, one.env, pairs.join(","), one.untold)
            })
            .collect();
        assert_eq!(
            told,
            [
                "web *: web/qa false",
                "* dev: api/dev false",
                "* one:  true",
                "* prod:  false"
            ]
        );
    }
}
