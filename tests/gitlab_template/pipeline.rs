//! Reads a pipeline as GitLab does: includes with their inputs, interpolation, `extends`, rules.
//!
//! Only what our files and pages use. Sources: GitLab's docs, "CI/CD inputs" and "CI/CD YAML syntax reference".

use std::fs;
use std::path::Path;

use predicates::Predicate as _;
use predicates::str::is_match;
use serde::Deserialize as _;
use serde_yaml::{Mapping, Value};

/// Keys at the top of a pipeline that are no jobs.
const GLOBAL: [&str; 6] = ["include", "stages", "variables", "workflow", "default", "spec"];

/// A pipeline with all that it includes.
#[derive(Debug)]
pub struct Pipeline {
    all: Mapping,
}

impl Pipeline {
    /// Reads the text of a `.gitlab-ci.yml`, or says what GitLab would refuse.
    pub fn read(text: &str) -> Result<Self, String> {
        let own = match &documents(text)?[..] {
            [own] => own.clone(),
            [header, body] => interpolated(body, &taken(&header["spec"]["inputs"], &Mapping::new())?)?,
            _ => return Err("neither a body nor a header and a body".to_owned()),
        };
        let mut all = Mapping::new();
        let includes = own["include"].clone();
        let includes = match includes {
            Value::Sequence(list) => list,
            Value::Null => Vec::new(),
            one => vec![one],
        };
        for include in includes {
            merge(&mut all, included(&include)?);
        }
        merge(&mut all, own.as_mapping().cloned().unwrap_or_default());
        let pipeline = Self { all };
        let stages = own["stages"].as_sequence();
        for name in pipeline.names() {
            judged(&name, &pipeline.job(&name)?, stages)?;
        }
        Ok(pipeline)
    }

    /// The jobs that run with these variables.
    pub fn running(&self, variables: &[(&str, &str)]) -> Vec<String> {
        let runs = |name: &String| {
            let job = self.job(name).unwrap();
            job.get("rules").is_none_or(|rules| {
                let mut flat = Vec::new();
                flatten(rules, &mut flat);
                let first = flat
                    .iter()
                    .find(|rule| rule["if"].as_str().is_none_or(|test| holds(test, variables)));
                first.is_some_and(|rule| rule["when"].as_str() != Some("never"))
            })
        };
        self.names().into_iter().filter(runs).collect()
    }

    /// A job, with what it extends.
    pub fn job(&self, name: &str) -> Result<Mapping, String> {
        let own = self.all.get(name).and_then(Value::as_mapping).cloned();
        let own = own.ok_or_else(|| format!("there is no job `{name}`"))?;
        let Some(base) = own.get("extends").and_then(Value::as_str) else {
            return Ok(own);
        };
        let mut job = self.job(base)?;
        merge(&mut job, own);
        Ok(job)
    }

    /// Stamps the scripts as a release does.
    pub fn pin(&mut self, lines: &str) {
        let text = serde_yaml::to_string(&self.all).unwrap();
        assert!(
            text.contains("manifest=''"),
            "a script has no place for the manifest"
        );
        self.all =
            serde_yaml::from_str(&text.replace("manifest=''", &format!("manifest='{lines}'"))).unwrap();
    }

    /// The names of the jobs that are not hidden.
    fn names(&self) -> Vec<String> {
        let names = self.all.keys().map(|key| key.as_str().unwrap().to_owned());
        names
            .filter(|name| !name.starts_with('.') && !GLOBAL.contains(&name.as_str()))
            .collect()
    }
}

/// The documents of a file: with `spec`, a header and a body.
pub fn documents(text: &str) -> Result<Vec<Value>, String> {
    let mut found = Vec::new();
    for document in serde_yaml::Deserializer::from_str(text) {
        let mut value = Value::deserialize(document).map_err(|error| error.to_string())?;
        value.apply_merge().map_err(|error| error.to_string())?;
        found.push(value);
    }
    Ok(found)
}

/// One of our files.
pub fn ours(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// What an entry of `include` brings. Whichever way it names one of our files, it is the one of this tree.
fn included(include: &Value) -> Result<Mapping, String> {
    let text = |key: &str| include[key].as_str().map(str::to_owned);
    let file = if let Some(component) = text("component") {
        let (path, _version) = component.split_once('@').ok_or("a component without a version")?;
        let name = path.rsplit('/').next().unwrap_or_default();
        format!("templates/{name}/template.yml")
    } else {
        let address = text("remote")
            .or(text("local"))
            .or(text("file"))
            .ok_or("an empty include")?;
        address.rsplit('/').next().unwrap_or_default().to_owned()
    };
    let given = include["inputs"].as_mapping().cloned().unwrap_or_default();
    let documents = documents(&ours(&file))?;
    let [header, body] = &documents[..] else {
        return Err(format!("{file} is not a header and a body"));
    };
    let inputs = taken(&header["spec"]["inputs"], &given)?;
    let body = interpolated(body, &inputs)?;
    Ok(body.as_mapping().cloned().unwrap_or_default())
}

/// The inputs: what is given, else the default, each as its declaration wants it.
fn taken(declared: &Value, given: &Mapping) -> Result<Mapping, String> {
    let declared = declared.as_mapping().unwrap();
    if let Some(unknown) = given.keys().find(|name| !declared.contains_key(*name)) {
        return Err(format!("unknown input arguments: {}", unknown.as_str().unwrap()));
    }
    let mut inputs = Mapping::new();
    for (key, declaration) in declared {
        let name = key.as_str().unwrap();
        let value = given.get(key).or(declaration.get("default"));
        let value = value.ok_or_else(|| format!("`{name}` input: required value has not been provided"))?;
        let fits = match declaration["type"].as_str().unwrap_or("string") {
            "boolean" => value.is_bool(),
            "array" => value.is_sequence(),
            _ => value.is_string(),
        };
        if !fits {
            return Err(format!("`{name}` input: provided value is of another type"));
        }
        if let Some(options) = declaration["options"].as_sequence()
            && !options.contains(value)
        {
            return Err(format!(
                "`{name}` input: `{value:?}` cannot be used because it is not in the list"
            ));
        }
        if let Some(regex) = declaration["regex"].as_str()
            && !is_match(regex).unwrap().eval(value.as_str().unwrap())
        {
            return Err(format!(
                "`{name}` input: provided value does not match required RegEx pattern"
            ));
        }
        inputs.insert(key.clone(), value.clone());
    }
    Ok(inputs)
}

/// Puts inputs into keys and values: one that is the whole of a value keeps its type.
fn interpolated(value: &Value, inputs: &Mapping) -> Result<Value, String> {
    Ok(match value {
        Value::String(text) => filled(text, inputs)?,
        Value::Sequence(all) => {
            let all: Result<_, String> = all.iter().map(|one| interpolated(one, inputs)).collect();
            Value::Sequence(all?)
        }
        Value::Mapping(all) => {
            let mut filled = Mapping::new();
            for (key, one) in all {
                filled.insert(interpolated(key, inputs)?, interpolated(one, inputs)?);
            }
            Value::Mapping(filled)
        }
        other => other.clone(),
    })
}

fn filled(text: &str, inputs: &Mapping) -> Result<Value, String> {
    let Some((before, rest)) = text.split_once("$[[") else {
        return Ok(text.into());
    };
    let (block, after) = rest.split_once("]]").ok_or("a block without an end")?;
    let name = block.trim().strip_prefix("inputs.").ok_or("no input")?;
    let value = inputs
        .get(name)
        .ok_or_else(|| format!("unknown interpolation key: `{name}`"))?;
    if before.is_empty() && after.is_empty() {
        return Ok(value.clone());
    }
    let after = scalar(&filled(after, inputs)?);
    Ok(format!("{before}{}{after}", scalar(value)).into())
}

/// The text of a scalar.
pub fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => serde_yaml::to_string(other).unwrap().trim_end().to_owned(),
    }
}

/// What GitLab refuses in a job, of what our inputs could bring about.
fn judged(name: &str, job: &Mapping, stages: Option<&Vec<Value>>) -> Result<(), String> {
    const ALWAYS: [&str; 2] = [".pre", ".post"];
    let stage = job.get("stage").map_or_else(|| "test".to_owned(), scalar);
    let exists = stages.is_none_or(|stages| stages.contains(&stage.as_str().into()));
    if !exists && !ALWAYS.contains(&stage.as_str()) {
        return Err(format!("{name} job: chosen stage {stage} does not exist"));
    }
    if !job.contains_key("script") {
        return Err(format!(
            "jobs:{name} config should implement the script, run, or trigger keyword"
        ));
    }
    let none = Mapping::new();
    let variables = job.get("variables").and_then(Value::as_mapping).unwrap_or(&none);
    for (variable, value) in variables {
        if value.is_sequence() || value.is_null() {
            return Err(format!("jobs:{name}:variables:{variable:?} must be a scalar"));
        }
    }
    match job.get("environment").map(|environment| &environment["name"]) {
        Some(environment) if scalar(environment).is_empty() => {
            Err(format!("jobs:{name}:environment name can't be blank"))
        }
        _ => Ok(()),
    }
}

fn merge(base: &mut Mapping, over: Mapping) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Mapping(base)), Value::Mapping(over)) => merge(base, over),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

fn flatten(rules: &Value, flat: &mut Vec<Value>) {
    for rule in rules.as_sequence().unwrap() {
        match rule {
            Value::Sequence(_) => flatten(rule, flat),
            one => flat.push(one.clone()),
        }
    }
}

/// Whether an `if` holds: comparisons with `==`, `!=` and `=~`, joined by `&&` or `||`.
fn holds(test: &str, variables: &[(&str, &str)]) -> bool {
    test.split("||").any(|any| {
        any.split("&&").all(|one| {
            let side = |text: &str| operand(text.trim(), variables);
            if let Some((left, right)) = one.split_once("==") {
                side(left) == side(right)
            } else if let Some((left, right)) = one.split_once("!=") {
                side(left) != side(right)
            } else if let Some((left, right)) = one.split_once("=~") {
                let pattern = right.trim().trim_matches('/');
                is_match(pattern).unwrap().eval(side(left).as_str())
            } else {
                !side(one).is_empty()
            }
        })
    })
}

fn operand(text: &str, variables: &[(&str, &str)]) -> String {
    match text.strip_prefix('$') {
        Some(name) => {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned()).unwrap_or_default()
        }
        None => text.trim_matches(['"', '\'']).to_owned(),
    }
}
