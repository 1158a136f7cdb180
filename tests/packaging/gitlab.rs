//! The generated parts of the GitLab template and its components.

use std::fmt::Write as _;

use gitops_steps::command::variables;

use super::inputs::{COMMANDS, INSTALL, Input, Kind, word};
use super::yaml::{described, description};

/// What a value may be instead: a variable of GitLab, which is expanded when the job runs.
const VARIABLE: &str = r"[A-Za-z0-9_:]*\$\{?[A-Za-z0-9_]+\}?";

/// The environment that a component links its job to needs a name.
const REQUIRED: [(&str, &str); 1] = [("deployment-status", "env")];

/// What the wrapper writes to, unless told otherwise: its artifacts are these files.
const FILES: [(&str, &str); 2] = [
    ("dotenv", "gitops-steps.env"),
    ("result-file", "gitops-steps.json"),
];

/// An input of the job itself.
struct JobInput {
    name: &'static str,
    help: &'static str,
    /// The keys after its description, as YAML; `NAME` stands for the job's own name.
    rest: &'static str,
}

/// The inputs of the job itself, the same everywhere.
const JOB: [JobInput; 5] = [
    JobInput {
        name: "job-name",
        help: "Name of the job",
        rest: "default: NAME\nregex: '^[A-Za-z0-9 _./:-]+$'",
    },
    JobInput {
        name: "stage",
        help: "Stage of the job",
        rest: "default: deploy\nregex: '^[A-Za-z0-9 _./:-]+$'",
    },
    JobInput {
        name: "job-image",
        help: "Container image that the job runs in; any with a POSIX shell, tar, gzip, sha256sum, wget or curl, and \
               certificates",
        rest: "default: docker.io/library/alpine:3.22\nregex: '^\\S+$'",
    },
    JobInput {
        name: "rules",
        help: "When the job runs, as GitLab's `rules`; never an empty list [default: as without any: not in pipelines of \
               merge requests]",
        rest: "type: array\ndefault:\n  - if: $CI_PIPELINE_SOURCE == \"merge_request_event\"\n    when: never\n  \
               - when: on_success",
    },
    JobInput {
        name: "resource-group",
        help: "Resource group, which runs one of its jobs at a time [default: none]",
        rest: "default: \"\"\nregex: '^[A-Za-z0-9_./${} -]*$'",
    },
];

/// The `inputs` of a header: the flags, the job's own and the installer's.
pub fn inputs(of: &str, flags: &[Input]) -> String {
    let mut text = String::new();
    let mut heading = "";
    for input in flags {
        if input.heading != heading {
            heading = &input.heading;
            let _ = writeln!(text, "# {heading}");
        }
        let _ = writeln!(text, "{}:\n{}", input.name, description(&described(input)));
        indented(&mut text, &typed(of, input));
    }
    text.push_str("# The job\n");
    for input in JOB {
        let own = if of == "all" {
            "gitops-steps".to_owned()
        } else {
            word(of)
        };
        let _ = writeln!(text, "{}:\n{}", input.name, description(input.help));
        indented(&mut text, &input.rest.replace("NAME", &own));
    }
    text.push_str("# The binary\n");
    for (name, help) in installed() {
        let _ = writeln!(text, "{name}:\n{}", description(help));
        indented(&mut text, r#"default: """#);
    }
    text
}

/// The words that the template's input `command` may be.
pub fn commands() -> String {
    let mut text = "options:\n  - \"\"\n".to_owned();
    for command in COMMANDS {
        let _ = writeln!(text, "  - {command}");
    }
    text
}

/// The jobs of the template that a user's own extend, one a command.
pub fn hidden_jobs() -> String {
    let job = |command| {
        let word = word(command);
        format!(
            ".gitops-steps-{word}:\n  extends: .gitops-steps\n  variables:\n    GITOPS_STEPS_COMMAND: {command}\n"
        )
    };
    COMMANDS.map(job).join("\n")
}

/// The jobs of all commands but the first, each the same as that one's.
pub fn jobs() -> String {
    let mut text = String::new();
    for command in &COMMANDS[1..] {
        let _ = writeln!(text, "\".{command}:$[[ inputs.job-name ]]\": *job");
    }
    text
}

/// The `variables` that hand the inputs over.
pub fn variables(of: &str, flags: &[Input]) -> String {
    let command = if of == "all" { "$[[ inputs.command ]]" } else { of };
    let mut text = format!("GITOPS_STEPS_COMMAND: {command}\n");
    let names = flags.iter().map(|input| input.name.as_str());
    for name in names.chain(installed().map(|(name, _)| name)) {
        let _ = writeln!(text, "{}: $[[ inputs.{name} ]]", variables::name(name));
    }
    text
}

/// The names of the inputs that are no flags.
pub fn others() -> Vec<&'static str> {
    let job = JOB.iter().map(|input| input.name);
    job.chain(installed().map(|(name, _)| name)).collect()
}

/// A table of the inputs that are no flags, in Markdown.
pub fn table() -> String {
    let mut text = String::from("\n| input | what |\n| --- | --- |\n");
    let job = JOB.iter().map(|input| (input.name, input.help));
    for (name, help) in job.chain(installed()) {
        let help = help.replace('<', "\\<");
        let _ = writeln!(text, "| `{name}` | {help} |");
    }
    text.push('\n');
    text
}

/// The function of `action/install.sh`, which the scripts carry with them: a file of another repository is out of reach.
pub fn installer(script: &str) -> String {
    let start = script.find("\ninstall_gitops_steps() (\n").map(|at| at + 1);
    let start = start.expect("action/install.sh has no function install_gitops_steps");
    let length = script[start..].find("\n)\n").expect("the function has no end");
    script[start..start + length + "\n)\n".len()].to_owned()
}

/// The lines of `action/manifest.txt` as the variable that the installer reads.
pub fn manifest(lines: &str) -> String {
    let platforms: Vec<&str> = lines
        .lines()
        .filter(|line| !line.trim().is_empty() && !line.starts_with('#'))
        .collect();
    assert!(!lines.contains('\''), "the manifest cannot be quoted");
    format!("manifest='{}'\n", platforms.join("\n"))
}

/// A pipeline has no checkout of ours to build from.
fn installed() -> impl Iterator<Item = (&'static str, &'static str)> {
    INSTALL.into_iter().filter(|(name, _)| *name != "from-source")
}

/// The keys of an input after its description.
fn typed(of: &str, input: &Input) -> String {
    if let Some((_, file)) = FILES.iter().find(|(name, _)| *name == input.name) {
        return format!("default: {file}\nregex: '^[A-Za-z0-9_./-]+$'");
    }
    if REQUIRED.contains(&(of, input.name.as_str())) {
        return format!("regex: '{}'", pattern(input).unwrap().replace(")?$", ")$"));
    }
    match &input.kind {
        Kind::Switch => "type: boolean\ndefault: false".to_owned(),
        Kind::Words(words) => {
            let words: Vec<String> = words.iter().map(|word| plain(word)).collect();
            format!("default: \"\"\noptions: [\"\", {}]", words.join(", "))
        }
        Kind::List | Kind::Text => match pattern(input) {
            Some(pattern) => format!("default: \"\"\nregex: '{pattern}'"),
            None => "default: \"\"".to_owned(),
        },
    }
}

/// What a value must look like, in a syntax that RE2 has. The binary judges the value itself, when variables are expanded;
/// this finds a mistake before any job runs. A text for people has no pattern.
fn pattern(input: &Input) -> Option<String> {
    let mut patterns = Vec::new();
    for value in &input.values {
        let pattern = pattern_of(value)?;
        if !patterns.contains(&pattern) {
            patterns.push(pattern);
        }
    }
    let one = patterns.join("|");
    // A list is one value a line.
    Some(match input.kind {
        Kind::List => format!(r"^(({one})(\n+|$))*$"),
        _ => format!("^({one})?$"),
    })
}

/// What a value of this name looks like.
fn pattern_of(value: &str) -> Option<String> {
    Some(match value {
        "APP" => r"[A-Za-z0-9._*,${}-]+".to_owned(),
        "ENV" => r"[A-Za-z0-9._/ ${}-]+".to_owned(),
        "TAG" => r"[A-Za-z0-9._+${}-]+".to_owned(),
        "IMAGE" => r"[A-Za-z0-9._:/@${}-]+".to_owned(),
        "DIGEST" => format!("sha256:[0-9a-f]{{64}}|{VARIABLE}"),
        "DURATION" => format!("([0-9]+[a-z]+ ?)+|{VARIABLE}"),
        "NUMBER" => format!("[0-9]+|{VARIABLE}"),
        "SHA" | "COMMIT" => format!("[0-9a-f]{{40}}|[0-9a-f]{{64}}|{VARIABLE}"),
        "URL" => r"(https?://|\$)\S+".to_owned(),
        "BRANCH" | "REF" => r"[^\s~^:?*\\]+".to_owned(),
        "ADDRESS" | "REPO" | "ID" | "LOGIN" | "TYPE" => r"\S+".to_owned(),
        _ => return None,
    })
}

/// A word in YAML, quoted where it would be read as something else.
fn plain(word: &str) -> String {
    match serde_yaml::from_str::<serde_yaml::Value>(word) {
        Ok(serde_yaml::Value::String(_)) => word.to_owned(),
        _ => format!("\"{word}\""),
    }
}

fn indented(text: &mut String, lines: &str) {
    for line in lines.lines() {
        let _ = writeln!(text, "  {line}");
    }
}
