//! Which apps and environments there are to check: those that the policy names, and those that `"*"` stands for.

use std::collections::BTreeSet;

use super::{Checked, Request};
use crate::plan::finding::{Finding, Severity};
use crate::words::fault::{Fault, Place as At};
use crate::words::name::{AppName, EnvName};
use crate::words::policy::{FILE_NAME, Policy, Resolved, Target, Unnamed};
use crate::words::wording::suggestion;

/// An app in an environment.
pub(super) struct Pair {
    pub resolved: Resolved,
    /// Whether the policy names both, so that somebody means all of its places to be there.
    pub named: bool,
}

impl Request {
    /// Returns the apps and environments that are checked.
    ///
    /// # Errors
    /// `NotFound` for one that was asked for and is not known.
    pub(super) fn pairs(&self, checked: &mut Checked<'_>) -> anyhow::Result<Vec<Pair>> {
        let policy = checked.policy;
        let unnamed = policy.unnamed(checked.reader.listing())?;
        let named = named(policy)?;
        let stars = unnamed.iter().flat_map(|one| one.pairs.iter().cloned());
        let all: BTreeSet<(AppName, EnvName)> = named.iter().cloned().chain(stars).collect();
        self.known(policy, &all)?;
        if self.wants_all() {
            checked.unused(&unnamed);
            checked.holds(&all);
        }
        let mut pairs = Vec::new();
        for pair in all.into_iter().filter(|(app, env)| self.wants(app, env)) {
            match policy.resolve(&pair.0, &pair.1) {
                Ok(resolved) => pairs.push(Pair {
                    resolved,
                    named: named.contains(&pair),
                }),
                // What is wrong with the entry was told already.
                Err(_) if !checked.survey.flaws.is_empty() => {}
                Err(fault) => {
                    let at = checked.at(&pair.0, &pair.1, &[]);
                    let fault = Fault {
                        message: format!("`{}` in `{}`: {}", pair.0, pair.1, fault.message),
                        ..fault
                    };
                    let finding = Finding::new(Severity::Error, "policy-invalid", fault, &at);
                    checked.findings.push(finding);
                }
            }
        }
        Ok(pairs)
    }

    /// Refuses an app or environment that nothing is known of.
    fn known(&self, policy: &Policy, all: &BTreeSet<(AppName, EnvName)>) -> Result<(), Fault> {
        for app in &self.apps {
            if !all.iter().any(|(known, _)| known == app) {
                return Err(Fault::not_found(format!("the policy knows no app `{app}`"))
                    .hint(suggestion(app.as_str(), policy.apps().collect::<Vec<_>>())));
            }
        }
        for env in &self.envs {
            if !all.iter().any(|(_, known)| known == env) {
                let known: BTreeSet<&str> = all.iter().map(|(_, env)| env.as_str()).collect();
                return Err(
                    Fault::not_found(format!("the policy knows no environment `{env}`"))
                        .hint(suggestion(env.as_str(), known)),
                );
            }
        }
        Ok(())
    }
}

/// The apps and environments that are both named.
fn named(policy: &Policy) -> Result<BTreeSet<(AppName, EnvName)>, Fault> {
    let mut named = BTreeSet::new();
    for name in policy.apps() {
        let app: AppName = name.parse()?;
        for env in policy.environments(name) {
            named.insert((app.clone(), env.parse()?));
        }
    }
    Ok(named)
}

impl Checked<'_> {
    /// Returns where the policy says something of an app in an environment.
    pub(super) fn at(&self, app: &AppName, env: &EnvName, below: &[&str]) -> At {
        let (app, env) = self.policy.keys(app, env);
        let keys = ["apps", app, "environments", env];
        let keys: Vec<String> = keys.iter().chain(below).map(|&key| key.to_owned()).collect();
        self.survey.place(FILE_NAME, &keys)
    }

    /// Returns where the policy lists a target.
    pub(super) fn at_target(&self, resolved: &Resolved, index: usize) -> At {
        let target = &resolved.targets[index];
        let same = |other: &&Target| other.cluster == target.cluster;
        let number = resolved.targets[..index].iter().filter(same).count().to_string();
        match &target.cluster {
            Some(cluster) => self.at(&resolved.app, &resolved.env, &["clusters", cluster, &number]),
            None => self.at(&resolved.app, &resolved.env, &["targets", &number]),
        }
    }

    /// Tells of `"*"` that stands for nothing.
    fn unused(&mut self, unnamed: &[Unnamed]) {
        for one in unnamed.iter().filter(|one| one.pairs.is_empty() && !one.untold) {
            let keys = ["apps", &one.app, "environments", &one.env].map(str::to_owned);
            let at = self.survey.place(FILE_NAME, &keys);
            let fault = Fault::not_found(format!(
                "no file of the config repo fits the targets of `{}` in `{}`",
                one.app, one.env
            ))
            .hint("check `file` for a misspelt folder, or take the entry out");
            self.findings
                .push(Finding::new(Severity::Warning, "star-unused", fault, &at));
        }
    }

    /// Tells of holds on what does not exist.
    fn holds(&mut self, all: &BTreeSet<(AppName, EnvName)>) {
        for hold in self.policy.holds() {
            if all.contains(&(hold.app.clone(), hold.env.clone())) {
                continue;
            }
            let key = format!("{}/{}", hold.app, hold.env);
            let at = self.survey.place(FILE_NAME, &["holds".to_owned(), key.clone()]);
            let known: Vec<String> = all.iter().map(|(app, env)| format!("{app}/{env}")).collect();
            let fault = Fault::not_found(format!(
                "`{key}` is held, but there is no such app and environment"
            ))
            .hint(suggestion(&key, known.iter().map(String::as_str)));
            self.findings
                .push(Finding::new(Severity::Error, "hold-unknown", fault, &at));
        }
    }
}
