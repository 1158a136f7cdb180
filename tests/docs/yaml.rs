//! The YAML of the documents: it parses, a policy is one, and what a workflow or a pipeline hands to the program is taken.
//!
//! The gate holds the same blocks to the published schemas of GitHub and GitLab (`.ci/blocks.py`).

use std::collections::BTreeMap;
use std::ffi::OsString;

use clap::CommandFactory as _;
use gitops_steps::command::cli::Cli;
use gitops_steps::command::variables;
use gitops_steps::words::policy::{FILE_NAME, Policy};
use gitops_steps::world::env::Environment;
use serde::Deserialize as _;
use serde_yaml::Value;

use super::commands::{is_taken, ours};
use super::page::{Block, pages};

/// What the wrappers take beside flags.
const OF_THE_WRAPPERS: [&str; 12] = [
    "token",
    "source-token",
    "app-id",
    "app-private-key",
    "binary-path",
    "download-base",
    "from-source",
    "job-name",
    "stage",
    "job-image",
    "rules",
    "resource-group",
];
/// What an Application of Argo CD has, as its API names it.
const APPLICATION: [&str; 9] = [
    "destination",
    "ignoreDifferences",
    "info",
    "project",
    "revisionHistoryLimit",
    "source",
    "sourceHydrator",
    "sources",
    "syncPolicy",
];

#[test]
fn each_block_of_yaml_is_what_it_is_meant_to_be() {
    let mut found = Vec::new();
    let mut looked_at = 0;
    for page in pages() {
        let blocks = page.blocks.iter().filter(|block| block.language == "yaml");
        // A file of a chart is no YAML before Helm has filled it in.
        for block in blocks.filter(|block| !block.words.contains("/templates/")) {
            looked_at += 1;
            if let Err(why) = hold(block) {
                found.push(format!("{}:{}: {why}", page.name, block.line));
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(looked_at > 80, "only {looked_at} blocks were found");
}

fn hold(block: &Block) -> Result<(), String> {
    for document in serde_yaml::Deserializer::from_str(&block.text) {
        let document = Value::deserialize(document).map_err(|error| error.to_string())?;
        if is_policy(&document) {
            Policy::parse(FILE_NAME, block.text.as_bytes()).map_err(|fault| fault.to_string())?;
        }
        if document["kind"] == "Application" {
            application(&document)?;
        }
        walk(&document)?;
    }
    Ok(())
}

fn is_policy(document: &Value) -> bool {
    let keys = document
        .as_mapping()
        .into_iter()
        .flat_map(|mapping| mapping.keys());
    let keys: Vec<&str> = keys.filter_map(Value::as_str).collect();
    !keys.is_empty() && keys.iter().all(|key| ["version", "apps", "holds"].contains(key))
}

/// Holds an Application to what Argo CD asks of one.
fn application(document: &Value) -> Result<(), String> {
    let spec = document["spec"]
        .as_mapping()
        .ok_or("an Application without `spec`")?;
    for key in spec.keys().filter_map(Value::as_str) {
        if !APPLICATION.contains(&key) {
            return Err(format!("`spec.{key}` is nothing that an Application has"));
        }
    }
    for key in ["project", "destination"] {
        if !spec.contains_key(key) {
            return Err(format!("an Application without `spec.{key}`"));
        }
    }
    let one = spec.get("source").into_iter();
    let many = spec
        .get("sources")
        .and_then(Value::as_sequence)
        .into_iter()
        .flatten();
    let sources: Vec<&Value> = one.chain(many).collect();
    let whole = |source: &&Value| {
        let leads = ["path", "chart", "ref"].iter().any(|key| !source[*key].is_null());
        !source["repoURL"].is_null() && leads
    };
    if sources.is_empty() || !sources.iter().all(whole) {
        return Err("an Application whose source has no `repoURL`, `path`, `chart` or `ref`".to_owned());
    }
    Ok(())
}

/// Looks for what is ours in a document: steps of the Action, includes of the template, scripts, variables.
fn walk(value: &Value) -> Result<(), String> {
    match value {
        Value::Mapping(mapping) => {
            if value["uses"]
                .as_str()
                .is_some_and(|uses| uses.starts_with("org/gitops-steps@"))
            {
                handed_over(&value["with"], None)?;
            }
            let component = component(value);
            if component.is_some() || is_template(value) {
                handed_over(&value["inputs"], component.as_deref())?;
            }
            for (key, below) in mapping {
                match key.as_str() {
                    Some("run" | "script" | "before_script") => script(below)?,
                    Some("env" | "variables") => names_of_variables(below)?,
                    _ => {}
                }
                walk(below)?;
            }
        }
        Value::Sequence(items) => items.iter().try_for_each(walk)?,
        Value::Tagged(tagged) => walk(&tagged.value)?,
        _ => {}
    }
    Ok(())
}

/// The command of the component of ours that an `include` names.
fn component(include: &Value) -> Option<String> {
    let (_, rest) = include["component"].as_str()?.split_once("/gitops-steps/")?;
    let name = rest.split('@').next().unwrap_or_default();
    Some(match name.split_once('-') {
        Some((group @ ("preview" | "release" | "history"), below)) => format!("{group} {below}"),
        _ => name.to_owned(),
    })
}

/// Whether an `include` is of our template, whose input `command` tells the rest.
fn is_template(include: &Value) -> bool {
    let mut named = ["remote", "local", "file"]
        .iter()
        .filter_map(|key| include[*key].as_str());
    named.any(|name| name.contains("gitlab-ci-template.yml"))
}

/// Hands inputs over as the wrappers do, by variables, and lets the command line judge them.
fn handed_over(inputs: &Value, command: Option<&str>) -> Result<(), String> {
    let mut given: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in inputs.as_mapping().into_iter().flatten() {
        let name = name.as_str().ok_or("an input without a name")?;
        if !OF_THE_WRAPPERS.contains(&name) {
            given.insert(variables::name(name), filled(value));
        }
    }
    if let Some(command) = command {
        given.insert(variables::name("command"), command.to_owned());
    }
    match given.get(&variables::name("command")).map(String::as_str) {
        None | Some("install") => return Ok(()),
        Some(_) => {}
    }
    let pairs = given.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let environment = Environment::from_pairs(pairs);
    let (arguments, warnings) = variables::extend(
        &whole_command_line(),
        vec![OsString::from("gitops-steps")],
        &environment,
    )
    .map_err(|fault| fault.to_string())?;
    if let Some(warning) = warnings.first() {
        return Err(warning.clone());
    }
    let words: Vec<String> = arguments
        .into_iter()
        .map(|one| one.into_string().unwrap())
        .collect();
    // A flag of another command would be dropped without a word.
    for name in given.keys().filter(|name| **name != variables::name("command")) {
        let flag = format!(
            "--{}",
            name[variables::PREFIX.len()..].to_lowercase().replace('_', "-")
        );
        let off = given[name] == "false";
        if !off
            && !words
                .iter()
                .any(|word| *word == flag || word.starts_with(&format!("{flag}=")))
        {
            return Err(format!("`{}` has no {flag}", words[1]));
        }
    }
    is_taken(&words)
}

fn whole_command_line() -> clap::Command {
    let mut root = Cli::command();
    root.build();
    root
}

/// A value as CI hands it over, with what only CI knows filled.
fn filled(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(on) => on.to_string(),
        Value::Number(number) => number.to_string(),
        _ => "value".to_owned(),
    };
    let mut filled = String::new();
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("${{") {
        filled.push_str(before);
        filled.push('1');
        rest = after.split_once("}}").map_or("", |(_, rest)| rest);
    }
    filled.push_str(rest);
    filled
}

fn script(value: &Value) -> Result<(), String> {
    match value {
        Value::String(text) => ours(text).try_for_each(|words| is_taken(&words)),
        Value::Sequence(lines) => lines.iter().try_for_each(script),
        _ => Ok(()),
    }
}

/// Each variable of ours belongs to something.
fn names_of_variables(value: &Value) -> Result<(), String> {
    let names = value.as_mapping().into_iter().flat_map(|mapping| mapping.keys());
    let names = names.filter_map(Value::as_str).map(|name| (name, "1"));
    let environment = Environment::from_pairs(names.filter(|(name, _)| *name != variables::name("command")));
    let (_, warnings) = variables::extend(&whole_command_line(), vec!["gitops-steps".into()], &environment)
        .map_err(|fault| fault.to_string())?;
    warnings.into_iter().next().map_or(Ok(()), Err)
}

#[test]
fn a_wrong_input_and_a_wrong_policy_are_found() {
    let cases = [
        (
            "version: 1\napps: {web: {environments: {dev: {target: []}}}}\n",
            "target",
        ),
        (
            "- uses: org/gitops-steps@v1\n  with: {command: rollback, app: web, env: dev, set: a=b}\n",
            "--set",
        ),
        (
            "- uses: org/gitops-steps@v1\n  with: {command: bump, app: web}\n",
            "no command",
        ),
        (
            "job:\n  script: [gitops-steps check --no-such-flag]\n",
            "--no-such-flag",
        ),
        ("job:\n  variables: {GITOPS_STEPS_EVN: dev}\n", "GITOPS_STEPS_ENV"),
        (
            "include:\n  - component: a/gitops-steps/rollback@1\n    inputs: {set: a=b}\n",
            "--set",
        ),
        (
            "kind: Application\nspec: {project: a, destination: {}, source: {repoURL: a}}\n",
            "repoURL",
        ),
    ];
    for (text, why) in cases {
        let block = Block {
            line: 1,
            language: "yaml".to_owned(),
            words: String::new(),
            text: text.to_owned(),
        };
        let said = hold(&block).unwrap_err();
        assert!(said.contains(why), "{text}{said}");
    }
}
