//! From a template and values to the files of an application.

use std::collections::BTreeMap;

use super::layout::{Role, Slot};
use super::template::Template;
use crate::steps::sound;
use crate::words::fault::Fault;
use crate::words::folder_template::{FolderTemplate, Values};
use crate::words::repo_path::RepoPath;

/// The names whose values may be no text to YAML; a template's own holes are what it makes of them.
const TYPED: [&str; 2] = ["auto_deploy", "port"];

/// What goes into the holes of a template.
#[derive(Clone, Debug, Default)]
pub struct AllValues {
    /// What holds everywhere.
    pub fixed: Values,
    /// What holds in each environment.
    pub envs: Vec<Values>,
    /// What holds for each service.
    pub services: Vec<Values>,
}

/// A file of an application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Where it lies.
    pub path: RepoPath,
    /// The content.
    pub bytes: Vec<u8>,
    /// Whether git marks it as executable.
    pub executable: bool,
    /// What it belongs to.
    pub role: Role,
    /// Whether one that is there already stays, whatever it holds.
    pub kept: bool,
}

/// Fills a template.
///
/// # Errors
/// `Invalid` for a hole without a value, a value that cannot be one or that YAML reads as something else than text, and
/// two files that become one.
pub fn render(template: &Template, values: &AllValues) -> Result<Vec<Made>, Fault> {
    let holes = template.manifest.holes.keys().map(String::as_str);
    let typed: Vec<&str> = TYPED.into_iter().chain(holes).collect();
    let made = files(template, values, &Values::clone)?;
    let meant = files(template, values, &|values| sound::stand_ins(values, &typed))?;
    for (made, meant) in made.iter().zip(&meant) {
        sound::check(made.path.as_str(), &made.bytes, &meant.bytes)?;
    }
    Ok(made)
}

/// Makes the files of a template, with other values in their texts than in their paths.
fn files(
    template: &Template,
    values: &AllValues,
    in_texts: &dyn Fn(&Values) -> Values,
) -> Result<Vec<Made>, Fault> {
    let names: Vec<&str> = template.manifest.names().into_iter().collect();
    let mut filled: BTreeMap<(Role, RepoPath), Made> = BTreeMap::new();
    for slot in &template.slots {
        for values in repeated(slot, values) {
            if !slot.conditions.iter().all(|condition| condition.holds(&values)) {
                continue;
            }
            let file = FolderTemplate::parse(vec![slot.file.clone()], &names)?;
            let made = file.fill(&values, &in_texts(&values))?;
            for file in made {
                let key = (slot.role, file.path.clone());
                let made = Made {
                    path: file.path,
                    bytes: file.bytes,
                    executable: file.executable,
                    role: slot.role,
                    kept: false,
                };
                if let Some(other) = filled.insert(key, made) {
                    return Err(twice(&other.path));
                }
            }
        }
    }
    let mut joined: BTreeMap<(Role, RepoPath), (Made, bool)> = BTreeMap::new();
    // In the order of their paths, which is that of the pieces of a file.
    for made in filled.into_values() {
        let (made, is_piece) = whole(made)?;
        let key = (made.role, made.path.clone());
        match joined.get_mut(&key) {
            Some((first, true)) if is_piece => first.bytes.extend(made.bytes),
            Some(_) => return Err(twice(&made.path)),
            None => {
                let kept = template.manifest.keeps(made.path.as_str());
                joined.insert(key, (Made { kept, ..made }, is_piece));
            }
        }
    }
    Ok(joined.into_values().map(|(made, _)| made).collect())
}

/// Returns the file that a piece belongs to, the piece as its content, and whether it is one.
fn whole(made: Made) -> Result<(Made, bool), Fault> {
    match made.path.as_str().split_once("+/") {
        Some((path, _)) => {
            let path = RepoPath::parse(path)?;
            Ok((Made { path, ..made }, true))
        }
        None => Ok((made, false)),
    }
}

/// Returns the values of each repetition of a file.
fn repeated(slot: &Slot, values: &AllValues) -> Vec<Values> {
    let once = vec![Values::new()];
    let envs = if slot.of_env { &values.envs } else { &once };
    let services = if slot.of_service { &values.services } else { &once };
    let with = |env: &Values, service: &Values| {
        let all = [&values.fixed, env, service].into_iter().flatten();
        all.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    envs.iter()
        .flat_map(|env| services.iter().map(move |service| with(env, service)))
        .collect()
}

fn twice(path: &RepoPath) -> Fault {
    Fault::invalid(format!("two files of the template become `{path}`"))
        .hint("a name that tells them apart is missing in their paths")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::folder_template::FolderFile;

    fn template(files: &[(&str, &str)]) -> Template {
        let file = |(path, text): &(&str, &str)| FolderFile {
            path: (*path).to_owned(),
            bytes: text.as_bytes().to_vec(),
            executable: false,
        };
        let mut all: Vec<_> = files.iter().map(file).collect();
        all.push(file(&("template.yaml", "version: 1\n")));
        Template::of_files("t", all).unwrap()
    }

    fn values(pairs: &[(&str, &str)]) -> Values {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        pairs.iter().map(owned).collect()
    }

    fn told(files: &[(&str, &str)]) -> Result<Vec<String>, Fault> {
        let all = AllValues {
            fixed: values(&[("app", "web")]),
            envs: ["dev", "prod"]
                .map(|env| values(&[("env", env), ("host", "")]))
                .to_vec(),
            services: ["a", "b"]
                .map(|name| values(&[("service", name), ("folder", name)]))
                .to_vec(),
        };
        let made = render(&template(files), &all)?;
        let told = |made: Made| format!("{} {:?}", made.path, String::from_utf8(made.bytes).unwrap());
        Ok(made.into_iter().map(told).collect())
    }

    #[test]
    fn a_file_is_repeated_for_what_its_path_names() {
        let made = told(&[
            ("app/{app}.txt", "{app}"),
            ("app/{service}/{env}.txt", "{service} {env}"),
            ("app/(host!=)/{env}", ""),
        ]);
        let due = [
            "a/dev.txt \"a dev\"",
            "a/prod.txt \"a prod\"",
            "b/dev.txt \"b dev\"",
            "b/prod.txt \"b prod\"",
            "web.txt \"web\"",
        ];
        assert_eq!(made.unwrap(), due);
    }

    #[test]
    fn a_folder_with_a_plus_becomes_one_file() {
        let made = told(&[
            ("config/x.yaml+/1", "head:\n"),
            ("config/x.yaml+/2-{service}", "- {service}\n"),
            ("config/x.yaml+/(app=web)/3", "tail: 1\n"),
        ]);
        assert_eq!(made.unwrap(), ["x.yaml \"head:\\n- a\\n- b\\ntail: 1\\n\""]);
    }

    #[test]
    fn two_files_that_become_one_are_told() {
        for files in [
            [("app/{app}", ""), ("app/web", "")],
            [("app/{env}+/x", ""), ("app/dev", "")],
            [("app/{folder}/x", ""), ("app/a/x", "")],
        ] {
            let fault = told(&files).expect_err(files[0].0);
            assert!(fault.message.starts_with("two files"), "{fault:?}");
        }
    }
}
