//! How a template's folders are read: which part a file belongs to, when it is made, and for what it is repeated.
//!
//! A part of a path in round brackets is a condition, and no folder: `(forge=github)/.github/ci.yml` is there where `forge`
//! is `github`, `(host!=)/ingress.yaml` where `host` is not empty. A folder whose name ends in `+` becomes one file, made
//! of its files one after the other. `{env}` in a path repeats the file for each environment, `{service}` or `{folder}` for
//! each service.

use crate::words::fault::Fault;
use crate::words::folder_template::{FolderFile, Values};
use crate::words::scaffold_manifest::{Manifest, OF_ENV, OF_SERVICE};
use crate::words::wording::{shown, suggestion};

/// The part of an application that a file belongs to, by the folder of the template that it lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// The app's repository: `app/`.
    App,
    /// The config repo: `config/`.
    Config,
    /// What a config repo needs once, made where it has no policy file yet: `setup/`.
    Setup,
    /// What Argo CD reads: `argocd/`.
    ArgoCd,
}

const ROLES: [(&str, Role); 4] = [
    ("app", Role::App),
    ("config", Role::Config),
    ("setup", Role::Setup),
    ("argocd", Role::ArgoCd),
];

/// A file of a template.
#[derive(Clone, Debug)]
pub struct Slot {
    /// What it belongs to.
    pub role: Role,
    /// The file, its path without part and conditions, with holes.
    pub file: FolderFile<String>,
    /// When it is made.
    pub conditions: Vec<Condition>,
    /// Whether it is repeated for each environment.
    pub of_env: bool,
    /// Whether it is repeated for each service.
    pub of_service: bool,
}

/// Something that has to hold for a file to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    name: String,
    value: String,
    is_equal: bool,
}

impl Condition {
    /// Returns whether it holds.
    pub fn holds(&self, values: &Values) -> bool {
        let value = values.get(&self.name).map(String::as_str).unwrap_or_default();
        (value == self.value) == self.is_equal
    }
}

/// Reads the files of a template; those at its root are not part of what it makes.
///
/// # Errors
/// `Invalid` for a folder that is no part, and for a condition that cannot be one.
pub fn slots(files: Vec<FolderFile<String>>, manifest: &Manifest) -> Result<Vec<Slot>, Fault> {
    let mut slots = Vec::new();
    for file in files {
        let Some((folder, rest)) = file.path.split_once('/') else {
            continue;
        };
        let role = match ROLES.iter().find(|(name, _)| *name == folder) {
            Some((_, role)) => *role,
            None if folder.starts_with('.') => continue,
            None => {
                let near = suggestion(folder, ROLES.iter().map(|(name, _)| *name));
                let why = format!(
                    "the template's folder `{}` is no part of an application",
                    shown(folder)
                );
                return Err(Fault::invalid(why).hint(near));
            }
        };
        let mut conditions = Vec::new();
        let mut kept = Vec::new();
        for part in rest.split('/') {
            match condition(part, manifest)? {
                Some(condition) => conditions.push(condition),
                None => kept.push(part),
            }
        }
        let path = kept.join("/");
        let has = |name: &str| path.contains(&format!("{{{name}}}"));
        let slot = Slot {
            role,
            of_env: has("env"),
            of_service: has("service") || has("folder"),
            conditions,
            file: FolderFile { path, ..file },
        };
        check(&slot)?;
        slots.push(slot);
    }
    Ok(slots)
}

/// Checks that a condition on an environment or a service stands in a path that is repeated for it.
fn check(slot: &Slot) -> Result<(), Fault> {
    for Condition { name, .. } in &slot.conditions {
        let alone = if OF_ENV.contains(&name.as_str()) && !slot.of_env {
            "{env}"
        } else if OF_SERVICE.contains(&name.as_str()) && !slot.of_service {
            "{service}"
        } else {
            continue;
        };
        return Err(Fault::invalid(format!(
            "the template's condition on `{name}` stands in a path without `{alone}`: `{}`",
            shown(&slot.file.path)
        )));
    }
    Ok(())
}

/// Reads a part of a path in round brackets; `None` for one without.
fn condition(part: &str, manifest: &Manifest) -> Result<Option<Condition>, Fault> {
    let Some(inner) = part.strip_prefix('(').and_then(|part| part.strip_suffix(')')) else {
        return Ok(None);
    };
    let (name, value) = inner.split_once('=').ok_or_else(|| {
        Fault::invalid(format!(
            "`{}` in a path of the template is no condition",
            shown(part)
        ))
        .hint("write it as `(name=value)` or `(name!=value)`")
    })?;
    let (name, is_equal) = match name.strip_suffix('!') {
        Some(name) => (name, false),
        None => (name, true),
    };
    let names = manifest.names();
    if !names.contains(name) {
        let near = suggestion(name, names.iter().copied());
        let why = format!(
            "`{}` in a path of the template asks for an unknown name",
            shown(part)
        );
        return Err(Fault::invalid(why).hint(near));
    }
    Ok(Some(Condition {
        name: name.to_owned(),
        value: value.to_owned(),
        is_equal,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(path: &str) -> Result<Vec<Slot>, Fault> {
        let manifest =
            Manifest::parse("template.yaml", b"version: 1\nholes: {own: {}}\n").expect("it is right");
        let file = FolderFile {
            path: path.to_owned(),
            bytes: Vec::new(),
            executable: false,
        };
        slots(vec![file], &manifest)
    }

    #[test]
    fn conditions_are_no_folders_and_repetition_is_seen_in_the_path() {
        let slot = read("argocd/(argocd!=none)/{env}/(auto_deploy=on)/{app}.yaml")
            .unwrap()
            .remove(0);
        assert_eq!(slot.file.path, "{env}/{app}.yaml");
        assert!(slot.role == Role::ArgoCd && slot.of_env && !slot.of_service);
        let values = |pairs: &[(&str, &str)]| -> Values {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        let holds = |values: &Values| slot.conditions.iter().all(|condition| condition.holds(values));
        assert!(holds(&values(&[
            ("argocd", "application"),
            ("auto_deploy", "on")
        ])));
        assert!(!holds(&values(&[("argocd", "none"), ("auto_deploy", "on")])));
        assert!(!holds(&values(&[
            ("argocd", "application"),
            ("auto_deploy", "off")
        ])));
        assert!(read("app/(own=)/{folder}/x").unwrap()[0].of_service);
        assert!(read("README.md").unwrap().is_empty() && read(".github/x").unwrap().is_empty());
    }

    #[test]
    fn a_condition_that_can_never_be_right_is_refused() {
        for (path, word) in [
            ("apps/x", "is no part of an application"),
            ("app/(forge)/x", "is no condition"),
            ("app/(forgge=github)/x", "unknown name"),
            ("app/(host!=)/x", "without `{env}`"),
            ("app/{env}/(kind=own)/x", "without `{service}`"),
        ] {
            let fault = read(path).expect_err(path);
            assert!(fault.message.contains(word), "{path}: {}", fault.message);
        }
    }
}
