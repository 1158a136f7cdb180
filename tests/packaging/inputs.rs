//! The inputs of the wrappers, as the command line declares its flags.

use clap::builder::PossibleValue;
use clap::{Arg, ArgAction, Command, CommandFactory as _};
use gitops_steps::command::cli::Cli;

/// What steps a user can call from a wrapper, in the order of a delivery.
pub const COMMANDS: [&str; 17] = [
    "bump-values",
    "open-promotion-pr",
    "dispatch-deploy",
    "deployment-status",
    "rollback",
    "resolve-image",
    "release next",
    "release tag",
    "release publish",
    "preview slug",
    "preview up",
    "preview down",
    "preview gc",
    "check",
    "history",
    "history now",
    "scaffold",
];

/// A command as one word, as its component and its hidden job are called.
pub fn word(command: &str) -> String {
    command.replace(' ', "-")
}

/// Inputs that are no flags, because they are secret.
pub const SECRETS: [(&str, &str); 4] = [
    (
        "token",
        "Token for the repository that is changed or asked; goes nowhere else",
    ),
    (
        "source-token",
        "Token for the app's own repository, where the order of commits or a deployment is looked up",
    ),
    ("app-id", "Id of a GitHub App that stands for the token"),
    ("app-private-key", "Private key of that GitHub App, as PEM"),
];

/// Inputs that say where the binary comes from.
pub const INSTALL: [(&str, &str); 3] = [
    (
        "binary-path",
        "Binary to run as it is, instead of the one that this version pins; nothing is downloaded",
    ),
    (
        "download-base",
        "Mirror of the releases, as https or file URL, that holds v<version>/<archive>; the pinned hash must match",
    ),
    (
        "from-source",
        "Build the binary with cargo from this version's own source, where cargo is installed",
    ),
];

/// One input, and the flag that it is.
pub struct Input {
    pub name: String,
    pub heading: String,
    pub kind: Kind,
    /// The names that its value has in the help, such as DURATION, each once; empty for a switch.
    pub values: Vec<String>,
    /// What it means, and to which commands.
    meanings: Vec<(String, Vec<&'static str>)>,
}

/// What an input may hold.
pub enum Kind {
    Switch,
    Words(Vec<String>),
    List,
    Text,
}

impl Input {
    /// The commands that take it.
    pub fn commands(&self) -> Vec<&'static str> {
        self.meanings
            .iter()
            .flat_map(|(_, commands)| commands.clone())
            .collect()
    }

    /// What it means; where it is not the same to each command, behind their names.
    pub fn help(&self) -> String {
        if let [(only, _)] = &self.meanings[..] {
            return only.clone();
        }
        let each = self
            .meanings
            .iter()
            .map(|(help, commands)| format!("{}: {help}", commands.join(", ")));
        each.collect::<Vec<_>>().join("; ")
    }

    /// Takes in the flag of another command: what the input may hold is what any of them takes.
    fn join(&mut self, flag: Self) {
        for (help, commands) in flag.meanings {
            match self.meanings.iter_mut().find(|(known, _)| *known == help) {
                Some((_, known)) => known.extend(commands),
                None => self.meanings.push((help, commands)),
            }
        }
        let known = std::mem::replace(&mut self.kind, Kind::Text);
        self.kind = match (known, flag.kind) {
            (Kind::Switch, Kind::Switch) => Kind::Switch,
            (Kind::List, _) | (_, Kind::List) => Kind::List,
            (Kind::Words(mut words), Kind::Words(others)) => {
                words.extend(others);
                let mut seen = Vec::new();
                words.retain(|word| {
                    !seen.contains(word) && {
                        seen.push(word.clone());
                        true
                    }
                });
                Kind::Words(words)
            }
            _ => Kind::Text,
        };
        for value in flag.values {
            if !self.values.contains(&value) {
                self.values.push(value);
            }
        }
    }
}

/// The inputs of all commands: each flag once, those of the first command first, the common ones last.
pub fn all() -> Vec<Input> {
    let mut inputs: Vec<Input> = Vec::new();
    for command in COMMANDS {
        for flag in of(command) {
            match inputs.iter_mut().find(|input| input.name == flag.name) {
                Some(known) => known.join(flag),
                None => inputs.push(flag),
            }
        }
    }
    inputs.sort_by_key(|input| input.heading == "Common");
    inputs
}

/// The inputs of one command, in the order of its help.
pub fn of(command: &'static str) -> Vec<Input> {
    let mut root = Cli::command();
    root.build();
    let found = command
        .split(' ')
        .fold(&root, |above, word| above.find_subcommand(word).unwrap());
    flags(found)
        .map(|argument| Input {
            name: argument.get_long().unwrap().to_owned(),
            heading: argument.get_help_heading().unwrap_or("Options").to_owned(),
            kind: kind(argument),
            values: vec![value(argument)],
            meanings: vec![(help(argument), vec![command])],
        })
        .collect()
}

fn flags(command: &Command) -> impl Iterator<Item = &Arg> {
    command
        .get_arguments()
        .filter(|argument| !argument.is_hide_set() && argument.get_id() != "help")
        .filter(|argument| argument.get_long().is_some())
}

fn help(argument: &Arg) -> String {
    let text = argument.get_help().map(ToString::to_string).unwrap_or_default();
    text.replace("(can be repeated)", "(one a line)")
}

fn value(argument: &Arg) -> String {
    let names = argument.get_value_names().unwrap_or_default();
    let takes_one = !matches!(argument.get_action(), ArgAction::SetTrue);
    names
        .first()
        .filter(|_| takes_one)
        .map(ToString::to_string)
        .unwrap_or_default()
}

fn kind(argument: &Arg) -> Kind {
    let words: Vec<String> = argument
        .get_possible_values()
        .iter()
        .map(PossibleValue::get_name)
        .map(str::to_owned)
        .collect();
    match argument.get_action() {
        ArgAction::SetTrue => Kind::Switch,
        ArgAction::Append => Kind::List,
        _ if !words.is_empty() => Kind::Words(words),
        _ => Kind::Text,
    }
}
