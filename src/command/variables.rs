//! Flags from `GITOPS_STEPS_<FLAG>` variables.
//!
//! A variable is put at the end of the arguments as if it had been typed, unless its flag is there already: so
//! flags win, and conflicts, required flags and wrong words are judged in one place. CI hands over every unset
//! input as an empty text, so an empty variable is an absent one. List flags take one value a line.
//!
//! Without any argument, `GITOPS_STEPS_COMMAND` names the command: so a wrapper of CI can hand over everything by
//! variables, and nothing that it was given is ever part of a script.

use std::ffi::OsString;

use clap::{ArgAction, Command};

use crate::words::fault::Fault;
use crate::world::env::Environment;

/// The prefix of our variables.
pub const PREFIX: &str = "GITOPS_STEPS_";

/// Variables that carry our prefix and belong to no flag: what is secret, what is the command, and what the installer
/// of the wrappers reads.
const OTHERS: [&str; 10] = [
    "TOKEN",
    "SOURCE_TOKEN",
    "APP_ID",
    "APP_PRIVATE_KEY",
    "APP_PRIVATE_KEY_FILE",
    "COMMAND",
    "BINARY_PATH",
    "DOWNLOAD_BASE",
    "FROM_SOURCE",
    "BINARY",
];

/// Returns the name of a flag's variable.
pub fn name(flag: &str) -> String {
    format!("{PREFIX}{}", flag.replace('-', "_").to_ascii_uppercase())
}

/// Returns the arguments with those that variables add, and a warning for each variable that no command knows.
///
/// # Errors
/// A fault of kind `Invalid` for a boolean variable with another word than true/false/1/0/yes/no/on/off, and for a
/// `GITOPS_STEPS_COMMAND` that is none.
pub fn extend(
    root: &Command,
    mut arguments: Vec<OsString>,
    environment: &Environment,
) -> Result<(Vec<OsString>, Vec<String>), Fault> {
    let warnings = unknown(root, environment);
    if arguments.len() == 1
        && let Some(named) = environment.get(&name("command"))
    {
        arguments.extend(command_named(root, named)?);
    }
    let Some(command) = chosen(root, &arguments) else {
        return Ok((arguments, warnings));
    };
    let given: Vec<String> = flags_of(&arguments);
    let mut added = Vec::new();
    for argument in command.get_arguments() {
        let Some(flag) = argument.get_long() else { continue };
        if answers_alone(argument) || is_given(argument, &given) {
            continue;
        }
        let variable = name(flag);
        let Some(value) = environment.get(&variable) else {
            continue;
        };
        match argument.get_action() {
            ArgAction::SetTrue => {
                if boolean(&variable, value)? {
                    added.push(format!("--{flag}").into());
                }
            }
            ArgAction::Append => {
                let lines = value.lines().map(str::trim).filter(|line| !line.is_empty());
                added.extend(lines.map(|line| OsString::from(format!("--{flag}={line}"))));
            }
            _ => added.push(format!("--{flag}={value}").into()),
        }
    }
    let end = arguments
        .iter()
        .position(|argument| argument == "--")
        .unwrap_or(arguments.len());
    arguments.splice(end..end, added);
    Ok((arguments, warnings))
}

/// Returns every command that does something, with the words that call it: `bump-values`, `preview up`.
pub fn commands(root: &Command) -> Vec<(String, &Command)> {
    let mut found = Vec::new();
    for command in root.get_subcommands() {
        if !command.is_subcommand_required_set() {
            found.push((command.get_name().to_owned(), command));
        }
        for (name, below) in commands(command) {
            found.push((format!("{} {name}", command.get_name()), below));
        }
    }
    found
}

/// Reads the command that a variable names. It is never a flag, so that no variable can ask for help and end in success.
fn command_named(root: &Command, named: &str) -> Result<Vec<OsString>, Fault> {
    let words: Vec<&str> = named.split_whitespace().collect();
    let known: Vec<String> = commands(root).into_iter().map(|(name, _)| name).collect();
    if known.contains(&words.join(" ")) {
        return Ok(words.into_iter().map(OsString::from).collect());
    }
    Err(Fault::invalid(format!(
        "`{}` is no command, in {}",
        named.escape_debug(),
        name("command")
    ))
    .hint(format!("the commands are {}", known.join(", "))))
}

/// Returns the command that the arguments call, as far as they name one.
fn chosen<'c>(root: &'c Command, arguments: &[OsString]) -> Option<&'c Command> {
    let mut rest = arguments.iter().skip(1);
    let mut command = rest.find_map(|argument| root.find_subcommand(argument))?;
    while let Some(below) = rest.next().and_then(|argument| command.find_subcommand(argument)) {
        command = below;
    }
    Some(command)
}

/// Whether a flag only prints something, such as `--help`: a variable cannot ask for that.
fn answers_alone(argument: &clap::Arg) -> bool {
    matches!(
        argument.get_action(),
        ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version
    )
}

fn flags_of(arguments: &[OsString]) -> Vec<String> {
    arguments
        .iter()
        .take_while(|argument| *argument != "--")
        .filter_map(|argument| argument.to_str())
        .filter(|argument| argument.starts_with('-'))
        .map(|argument| argument.split('=').next().unwrap_or(argument).to_owned())
        .collect()
}

fn is_given(argument: &clap::Arg, given: &[String]) -> bool {
    let long = argument.get_long().map(|long| format!("--{long}"));
    let short = argument.get_short();
    given.iter().any(|flag| {
        Some(flag) == long.as_ref()
            || (!flag.starts_with("--") && short.is_some_and(|short| flag[1..].starts_with(short)))
    })
}

fn boolean(variable: &str, value: &str) -> Result<bool, Fault> {
    match value.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(
            Fault::invalid(format!("`{}` is no value for {variable}", value.escape_debug()))
                .hint("use true, false, 1, 0, yes, no, on or off"),
        ),
    }
}

/// Warns of variables with our prefix that no flag of any command has, such as a misspelt one.
fn unknown(root: &Command, environment: &Environment) -> Vec<String> {
    let known: Vec<String> = commands(root)
        .into_iter()
        .flat_map(|(_, command)| command.get_arguments())
        .filter_map(clap::Arg::get_long)
        .map(name)
        .chain(OTHERS.iter().map(|other| format!("{PREFIX}{other}")))
        .collect();
    environment
        .names()
        .filter(|variable| variable.starts_with(PREFIX) && !known.iter().any(|known| known == variable))
        .map(|variable| {
            let near = known
                .iter()
                .map(|known| (strsim::damerau_levenshtein(known, variable), known))
                .min()
                .filter(|(distance, _)| *distance <= 3)
                .map(|(_, known)| format!("; did you mean {known}?"));
            format!(
                "{} belongs to no flag{}",
                variable.escape_debug(),
                near.unwrap_or_default()
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Arg;

    fn root() -> Command {
        Command::new("gitops-steps")
            .subcommand(
                Command::new("bump-values")
                    .arg(Arg::new("file").long("file").action(ArgAction::Append))
                    .arg(Arg::new("tag").long("tag"))
                    .arg(
                        Arg::new("quiet")
                            .long("quiet")
                            .short('q')
                            .action(ArgAction::SetTrue),
                    ),
            )
            .subcommand(
                Command::new("preview")
                    .subcommand_required(true)
                    .subcommand(Command::new("up").arg(Arg::new("domain").long("domain"))),
            )
    }

    fn extended(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Vec<String>, Fault> {
        let arguments = arguments.iter().map(OsString::from).collect();
        let environment = Environment::from_pairs(variables.iter().copied());
        extend(&root(), arguments, &environment)
            .map(|(all, _)| all.into_iter().map(|one| one.into_string().unwrap()).collect())
    }

    #[test]
    fn a_variable_stands_for_its_flag_and_an_empty_one_for_none() {
        let variables = [
            ("GITOPS_STEPS_TAG", "v1"),
            ("GITOPS_STEPS_FILE", "a.yaml\n\n b.yaml \n"),
            ("GITOPS_STEPS_QUIET", ""),
        ];
        assert_eq!(
            extended(&["x", "bump-values"], &variables).unwrap(),
            ["x", "bump-values", "--file=a.yaml", "--file=b.yaml", "--tag=v1"]
        );
    }

    #[test]
    fn a_flag_wins_over_its_variable_however_it_is_written() {
        let variables = [
            ("GITOPS_STEPS_TAG", "v1"),
            ("GITOPS_STEPS_FILE", "a"),
            ("GITOPS_STEPS_QUIET", "1"),
        ];
        assert_eq!(
            extended(&["x", "bump-values", "--tag=v2", "--file", "b", "-q"], &variables).unwrap(),
            ["x", "bump-values", "--tag=v2", "--file", "b", "-q"]
        );
    }

    #[test]
    fn booleans_take_the_words_of_ci() {
        for (word, on) in [
            ("true", true),
            ("1", true),
            ("Yes", true),
            ("on", true),
            ("off", false),
            ("0", false),
        ] {
            let all = extended(&["x", "bump-values"], &[("GITOPS_STEPS_QUIET", word)]).unwrap();
            assert_eq!(all.contains(&"--quiet".to_owned()), on, "{word}");
        }
        let fault = extended(&["x", "bump-values"], &[("GITOPS_STEPS_QUIET", "maybe")]).unwrap_err();
        assert!(fault.message.contains("GITOPS_STEPS_QUIET"), "{fault}");
    }

    #[test]
    fn without_arguments_a_variable_names_the_command() {
        let variables = [
            ("GITOPS_STEPS_COMMAND", "bump-values\n"),
            ("GITOPS_STEPS_TAG", "v1"),
        ];
        assert_eq!(
            extended(&["x"], &variables).unwrap(),
            ["x", "bump-values", "--tag=v1"]
        );
        assert_eq!(extended(&["x", "--help"], &variables).unwrap(), ["x", "--help"]);
        for word in ["--help", "bump-values --tag=v2", "bump", "help", "preview"] {
            let fault = extended(&["x"], &[("GITOPS_STEPS_COMMAND", word)]).unwrap_err();
            assert!(fault.message.contains(word), "{fault}");
            assert!(fault.hint.unwrap().contains("bump-values"));
        }
    }

    #[test]
    fn a_command_of_two_words_has_its_own_flags() {
        let domain = ("GITOPS_STEPS_DOMAIN", "example.com");
        assert_eq!(
            extended(&["x", "preview", "up"], &[domain]).unwrap(),
            ["x", "preview", "up", "--domain=example.com"]
        );
        assert_eq!(
            extended(&["x"], &[domain, ("GITOPS_STEPS_COMMAND", "preview up")]).unwrap(),
            ["x", "preview", "up", "--domain=example.com"]
        );
        assert_eq!(
            extended(&["x", "bump-values"], &[domain]).unwrap(),
            ["x", "bump-values"]
        );
    }

    #[test]
    fn a_misspelt_variable_is_told_with_the_right_one() {
        let environment = Environment::from_pairs([("GITOPS_STEPS_TGA", "v1"), ("GITOPS_STEPS_TOKEN", "t")]);
        let (_, warnings) = extend(&root(), vec!["x".into()], &environment).unwrap();
        assert_eq!(
            warnings,
            ["GITOPS_STEPS_TGA belongs to no flag; did you mean GITOPS_STEPS_TAG?"]
        );
    }

    #[test]
    fn arguments_after_two_dashes_stay_last() {
        let all = extended(
            &["x", "bump-values", "--", "--tag"],
            &[("GITOPS_STEPS_TAG", "v1")],
        )
        .unwrap();
        assert_eq!(all, ["x", "bump-values", "--tag=v1", "--", "--tag"]);
    }
}
