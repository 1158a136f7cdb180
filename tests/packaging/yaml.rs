//! The generated parts in the YAML of the wrappers and the Markdown of their pages.

use std::fmt::Write as _;

use gitops_steps::command::variables;

use super::inputs::{COMMANDS, INSTALL, Input, Kind, SECRETS};

/// The widest line; `.yamllint` allows 140.
const WIDTH: usize = 118;

/// The outputs, with what they hold; their names are those of `docs::outputs`.
pub const OUTPUTS: [(&str, &str); 15] = [
    (
        "changed",
        "true if something was changed, false if nothing was to do",
    ),
    (
        "operation",
        "created, updated, unchanged, superseded, merged, closed, skipped, refused or failed",
    ),
    ("old", "Value before; empty where places differ"),
    ("new", "Value after; empty where places differ"),
    ("commit", "Commit that was pushed"),
    ("branch", "Branch that was changed"),
    ("files", "Files that were changed, one a line"),
    ("pr-number", "Number of the pull request"),
    ("pr-url", "Address of the pull request"),
    ("deployment-id", "Id of the deployment"),
    ("environment-url", "Address at which users reach the environment"),
    ("run-id", "Id of the run that was started"),
    ("run-url", "Address of the run that was started"),
    (
        "verified",
        "true if the forge shows the commit as verified, where that is known",
    ),
    ("reason", "Why nothing changed, or why it failed"),
];

/// The description of the input `command`.
pub fn action_command() -> String {
    description(&format!(
        "What to do: {}; or install, which only puts gitops-steps on the PATH of later steps",
        COMMANDS.join(", ")
    ))[2..]
        .replace("\n  ", "\n")
}

/// The `inputs` of `action.yml`, after `command`.
pub fn action_inputs(inputs: &[Input]) -> String {
    let mut text = String::new();
    let mut heading = "";
    for input in inputs {
        if input.heading != heading {
            heading = &input.heading;
            let _ = writeln!(text, "# {heading}");
        }
        let _ = writeln!(text, "{}:\n{}", input.name, description(&described(input)));
    }
    text.push_str("# Tokens\n");
    for (name, help) in SECRETS {
        let _ = writeln!(text, "{name}:\n{}", description(help));
    }
    text.push_str("# The binary\n");
    for (name, help) in INSTALL {
        let _ = writeln!(text, "{name}:\n{}", description(help));
    }
    text
}

/// The `outputs` of `action.yml`.
pub fn action_outputs() -> String {
    let mut text = String::new();
    for (name, help) in OUTPUTS {
        // Those that the installer leaves where it fails.
        let or_install = if ["changed", "operation", "reason"].contains(&name) {
            format!(" || steps.install.outputs.{name}")
        } else {
            String::new()
        };
        let _ = writeln!(
            text,
            "{name}:\n{}\n  value: ${{{{ steps.run.outputs.{name}{or_install} }}}}",
            description(help)
        );
    }
    text
}

/// The `env` of the step of `action.yml` that runs the binary: the input, else the variable of the job.
pub fn action_variables(inputs: &[Input]) -> String {
    let names = inputs.iter().map(|input| input.name.as_str());
    let mut text = String::from("GITOPS_STEPS_COMMAND: ${{ inputs.command }}\n");
    for name in names.chain(SECRETS.iter().map(|(name, _)| *name)) {
        let variable = variables::name(name);
        let _ = writeln!(text, "{variable}: ${{{{ inputs.{name} || env.{variable} }}}}");
    }
    text
}

/// A table of inputs in Markdown.
pub fn table(inputs: &[Input]) -> String {
    let mut text = String::from("\n| input | commands | what |\n| --- | --- | --- |\n");
    for input in inputs {
        let commands: Vec<String> = input
            .commands()
            .iter()
            .map(|command| format!("`{command}`"))
            .collect();
        let commands = if input.heading == "Common" {
            "all".to_owned()
        } else {
            commands.join(", ")
        };
        let _ = writeln!(
            text,
            "| `{}` | {commands} | {} |",
            input.name,
            described(input).replace('|', "\\|").replace('<', "\\<")
        );
    }
    text.push('\n');
    text
}

/// What an input is, with the words that it takes.
pub fn described(input: &Input) -> String {
    let words = match &input.kind {
        Kind::Words(words) => format!(" ({})", words.join(", ")),
        Kind::Switch => " (true, false)".to_owned(),
        Kind::List | Kind::Text => String::new(),
    };
    format!("{}{words}", input.help())
}

/// A `description`, two spaces in, folded where it is long.
pub fn description(text: &str) -> String {
    let quoted = format!("  description: {}", serde_json::to_string(text).unwrap());
    if quoted.len() <= WIDTH {
        return quoted;
    }
    let mut folded = String::from("  description: >-");
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && line.len() + word.len() + 5 > WIDTH {
            let _ = write!(folded, "\n    {line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = write!(folded, "\n    {line}");
    folded
}
