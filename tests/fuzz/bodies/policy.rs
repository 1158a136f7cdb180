//! The policy file, the list of `--changes`, a template's manifest: read, or refused with a place in the file; and what is
//! read leads only into the repository.

use gitops_steps::words::changes;
use gitops_steps::words::fault::Fault;
use gitops_steps::words::name::{AppName, EnvName};
use gitops_steps::words::policy::{FILE_NAME, Policy, Resolved, survey};
use gitops_steps::words::repo_path::RepoPath;
use gitops_steps::words::scaffold_manifest::{MANIFEST_NAME, Manifest};

use super::paths::repo_path;
use super::{is_plain, read};

/// How many names of each kind are looked up.
const LOOKED_UP: usize = 6;

pub fn check(data: &[u8]) {
    let lines = 2 + data.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    let strict = Policy::parse(FILE_NAME, data);
    let lenient = survey(FILE_NAME, data);
    assert_eq!(
        strict.is_ok(),
        lenient.flaws.is_empty(),
        "two readers of one file"
    );
    for flaw in &lenient.flaws {
        lies_in_the_file(&flaw.fault, lines);
    }
    match strict {
        Ok(policy) => resolves(&policy, Strict::Yes),
        Err(fault) => lies_in_the_file(&fault, lines),
    }
    if let Some(policy) = lenient.policy {
        resolves(&policy, Strict::No);
    }
    for change in read(changes::parse("changes.yaml", data)).unwrap_or_default() {
        repo_path(change.file.as_str());
    }
    if let Some(manifest) = read(Manifest::parse(MANIFEST_NAME, data)) {
        for name in manifest.names() {
            assert!(!name.contains(['{', '}']), "{name:?}");
        }
        assert!(manifest.settable().len() <= manifest.names().len());
    }
}

fn lies_in_the_file(fault: &Fault, lines: usize) {
    is_plain(&fault.message, fault.hint.as_deref());
    let place = fault.place.as_ref().expect("a fault of the policy has its place");
    assert_eq!(place.file, FILE_NAME);
    assert!(place.line <= lines, "line {} of {lines}", place.line);
}

/// Whether a policy is one without a flaw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strict {
    Yes,
    No,
}

/// Every place that the policy names for an app in an environment is one of the repository, and is found from there too.
fn resolves(policy: &Policy, strict: Strict) {
    let apps: Vec<String> = policy.apps().take(LOOKED_UP).map(str::to_owned).collect();
    for app in apps.iter().map(String::as_str).chain(["some-app"]) {
        let environments: Vec<String> = policy
            .environments(app)
            .take(LOOKED_UP)
            .map(str::to_owned)
            .collect();
        for env in environments.iter().map(String::as_str).chain(["some-env"]) {
            let (Ok(app), Ok(env)) = (app.parse::<AppName>(), env.parse::<EnvName>()) else {
                continue;
            };
            if let Some(resolved) = read(policy.resolve(&app, &env)) {
                leads_into_the_repository(policy, &resolved, strict);
            }
        }
    }
}

fn leads_into_the_repository(policy: &Policy, resolved: &Resolved, strict: Strict) {
    for target in &resolved.targets {
        repo_path(target.file.as_str());
        assert_eq!(
            RepoPath::parse(target.file.as_str()).ok().as_ref(),
            Some(&target.file)
        );
        // Who reaches the file by another way meets the same refusals.
        let Some(reached) = read(policy.places(&target.file)) else {
            assert_eq!(strict, Strict::No, "a policy without a flaw leads back");
            continue;
        };
        let is_this = |place: &&gitops_steps::words::policy::Reached| {
            place.app.as_ref().is_none_or(|app| *app == resolved.app)
                && place.env.as_ref().is_none_or(|env| *env == resolved.env)
        };
        let place = reached.iter().find(is_this);
        let place = place.unwrap_or_else(|| panic!("{} is not found again", target.file));
        assert!(!place.targets.is_empty());
    }
    if let Some(chart) = &resolved.chart {
        repo_path(chart.path.as_str());
    }
}
