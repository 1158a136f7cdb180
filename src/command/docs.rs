//! What is generated from the command line's own description: completions, manual pages, `docs/cli.md`.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use clap::{Arg, ArgAction, Command, CommandFactory as _};

use super::cli::Cli;
use super::console::Console;
use super::receipt::Receipt;
use super::variables;
use crate::plan::Operation;
use crate::world::files;

/// Returns the completion script of a shell.
pub fn completions(shell: clap_complete::Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "gitops-steps", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Prints the manual page, or writes a page for each command into a folder.
///
/// # Errors
/// What the file system says.
pub(super) fn man(out: Option<&Path>, console: &Console) -> Result<()> {
    let mut root = Cli::command();
    root.build();
    let Some(folder) = out else {
        console.data(&page(root)?);
        return Ok(());
    };
    files::create_folder(folder)?;
    clap_mangen::generate_to(root, folder)
        .with_context(|| format!("cannot write the manual pages into `{}`", folder.display()))
}

fn page(command: Command) -> Result<String> {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page)?;
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// Returns the names of the outputs that every command sets.
pub fn outputs() -> Vec<&'static str> {
    let receipt = Receipt::new("", Operation::Unchanged);
    receipt.outputs().into_iter().map(|(name, _)| name).collect()
}

/// Returns `docs/cli.md`: every command, flag and variable.
pub fn markdown() -> String {
    let mut root = Cli::command();
    root.build();
    let mut text = String::from(
        "# Commands and flags\n\n<!-- Generated from the command line: GITOPS_STEPS_BLESS=1 cargo test docs -->\n\n\
         Every flag has an environment variable, named beside it. An empty variable is an absent one; a list takes one\n\
         value a line; booleans take true, false, 1, 0, yes, no, on and off; a flag wins over its variable. Without any\n\
         argument, `GITOPS_STEPS_COMMAND` names the command.\n",
    );
    for (name, command) in variables::commands(&root) {
        describe(&mut text, &name, command);
    }
    text
}

fn describe(text: &mut String, name: &str, command: &Command) {
    let about = command
        .get_long_about()
        .or(command.get_about())
        .map(ToString::to_string)
        .unwrap_or_default();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "\n## gitops-steps {name}\n\n{}", about.trim());
    let mut headings: Vec<&str> = Vec::new();
    for argument in visible(command) {
        let heading = argument.get_help_heading().unwrap_or("Options");
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    for heading in headings {
        let _ = writeln!(
            text,
            "\n### {heading}\n\n| flag | variable | what |\n| --- | --- | --- |"
        );
        for argument in visible(command).filter(|one| one.get_help_heading().unwrap_or("Options") == heading)
        {
            let _ = writeln!(
                text,
                "| {} | {} | {} |",
                spelling(argument),
                variable(argument),
                what(argument)
            );
        }
    }
    if let Some(examples) = command.get_after_help() {
        let examples = examples.to_string();
        let _ = writeln!(
            text,
            "\n```console\n{}\n```",
            examples.trim_start_matches("Examples:\n").trim_end()
        );
    }
}

fn visible(command: &Command) -> impl Iterator<Item = &Arg> {
    command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set() && argument.get_id() != "help")
}

fn spelling(argument: &Arg) -> String {
    let value = argument
        .get_value_names()
        .filter(|_| argument.get_action().takes_values())
        .map(|names| format!(" <{}>", names.join("> <")))
        .unwrap_or_default();
    match (argument.get_short(), argument.get_long()) {
        (Some(short), Some(long)) => format!("`-{short}`, `--{long}{value}`"),
        (None, Some(long)) => format!("`--{long}{value}`"),
        _ => format!("`{}`", value.trim()),
    }
}

fn variable(argument: &Arg) -> String {
    argument
        .get_long()
        .map(|long| format!("`{}`", variables::name(long)))
        .unwrap_or_default()
}

fn what(argument: &Arg) -> String {
    let help = argument
        .get_long_help()
        .or(argument.get_help())
        .map(ToString::to_string)
        .unwrap_or_default();
    let mut text = help.split_whitespace().collect::<Vec<_>>().join(" ");
    let words: Vec<String> = argument
        .get_possible_values()
        .iter()
        .filter(|_| argument.get_action().takes_values())
        .map(|value| format!("`{}`", value.get_name()))
        .collect();
    if !words.is_empty() && words.len() < 8 {
        let _ = write!(text, " ({})", words.join(", "));
    }
    let defaults: Vec<String> = argument
        .get_default_values()
        .iter()
        .map(|value| format!("`{}`", value.to_string_lossy()))
        .collect();
    if !defaults.is_empty() && !matches!(argument.get_action(), ArgAction::SetTrue) {
        let _ = write!(text, " [default: {}]", defaults.join(", "));
    }
    // Markdown would take `<env>` for a tag of HTML, and show nothing.
    text.replace('|', "\\|").replace('<', "\\<")
}
