//! Floor 5, command: the command line, the pipeline and what comes out.

mod ancestry;
mod bump_values;
mod check;
pub mod cli;
mod config_repo;
mod console;
mod deliver;
mod deployment_status;
mod dispatch_deploy;
pub mod docs;
mod event;
pub mod exit;
mod finish;
mod follow;
mod forge;
mod frame;
mod github;
mod gitlab;
mod history;
mod open_promotion_pr;
mod opening;
mod pipeline;
mod preview;
mod proposal;
mod receipt;
mod registry;
mod release;
mod resolve_image;
mod rollback;
mod scaffold;
mod tokens;
mod usage;
pub mod variables;

use std::ffi::OsString;
use std::path::Path;

use clap::error::ErrorKind;
use clap::{CommandFactory as _, FromArgMatches as _};

use crate::plan::Operation;
use crate::words::event as event_body;
use crate::words::fault::Fault;
use crate::world::ci::Host;
use crate::world::env::Environment;
use crate::world::files;
use cli::{Cli, Command, HistoryCommand, ReleaseCommand};
use console::Console;
use exit::Failure;
use history::Asked;
use receipt::Receipt;

/// Runs the command line and returns the exit code.
pub fn run(arguments: Vec<OsString>, environment: &Environment) -> u8 {
    let host = Host::of(environment);
    let early = Console::new(None, environment, host);
    let json = asks_for_json(&arguments, environment);
    let cli = match parse(arguments, environment, &early) {
        Ok(cli) => cli,
        Err(Early::Help(text)) => {
            early.data(&text);
            return 0;
        }
        Err(Early::Usage(fault, text)) => {
            let failure = Failure::from(&anyhow::Error::from(fault));
            if host == Some(Host::GitHub) || text.is_none() {
                early.fail(&failure);
            }
            if let Some(text) = text {
                early.usage(&text);
            }
            let receipt = Receipt::new("gitops-steps", Operation::Failed).failed(&failure);
            if json {
                early.data(&receipt.json());
            }
            let _ = finish::publish_outputs(&receipt, None, environment, &early);
            return failure.code();
        }
    };
    match cli.command {
        Command::BumpValues { args, common } => bump_values::run(&args, &common, environment),
        Command::Check { args, common } => check::run(&args, &common, environment),
        Command::DeploymentStatus { args, common } => deployment_status::run(&args, &common, environment),
        Command::DispatchDeploy { args, common } => dispatch_deploy::run(&args, &common, environment),
        Command::History { args, common, below } => match below {
            None => history::run(Asked::Changes(&args), &common, environment),
            Some(HistoryCommand::Now { args, common }) => {
                history::run(Asked::Now(&args), &common, environment)
            }
        },
        Command::OpenPromotionPr { args, common } => open_promotion_pr::run(&args, &common, environment),
        Command::Preview { below } => preview::run(&below, environment),
        Command::Release { below } => match below {
            ReleaseCommand::Next { args, common } => release::next(&args, &common, environment),
            ReleaseCommand::Tag { args, common } => release::tag(&args, &common, environment),
            ReleaseCommand::Publish { args, common } => release::publish(&args, &common, environment),
        },
        Command::ResolveImage { args, common } => resolve_image::run(&args, &common, environment),
        Command::Rollback { args, common } => rollback::run(&args, &common, environment),
        Command::Scaffold { args, common } => scaffold::run(&args, &common, environment),
        Command::Completions { shell } => {
            early.data(&docs::completions(shell));
            end(Ok(()), &early)
        }
        Command::Man { out } => end(docs::man(out.as_deref(), &early), &early),
    }
}

/// Ends a command that has no result but what it prints.
fn end(outcome: anyhow::Result<()>, console: &Console) -> u8 {
    match outcome.and_then(|()| Ok(console.printed()?)) {
        Ok(()) => 0,
        Err(error) => {
            let failure = Failure::from(&error);
            console.fail(&failure);
            failure.code()
        }
    }
}

/// Returns whether the result is to be JSON, as far as a command line that may be wrong tells.
fn asks_for_json(arguments: &[OsString], environment: &Environment) -> bool {
    let mut flags = arguments
        .iter()
        .map(|argument| argument.to_str().unwrap_or_default())
        .take_while(|argument| *argument != "--");
    while let Some(flag) = flags.next() {
        if flag == "--format" {
            return flags.next() == Some("json");
        }
        if let Some(format) = flag.strip_prefix("--format=") {
            return format == "json";
        }
    }
    environment.get(&variables::name("format")) == Some("json")
}

/// What ends before a command begins.
enum Early {
    /// Help or version was asked for.
    Help(String),
    /// The command line is wrong; clap's own words, where they are clap's.
    Usage(Fault, Option<String>),
}

fn parse(arguments: Vec<OsString>, environment: &Environment, console: &Console) -> Result<Cli, Early> {
    let root = Cli::command();
    refuse_trigger_variables(environment).map_err(|fault| Early::Usage(fault, None))?;
    let (arguments, warnings) =
        variables::extend(&root, arguments, environment).map_err(|fault| Early::Usage(fault, None))?;
    let parsed = root
        .try_get_matches_from(&arguments)
        .and_then(|matches| Cli::from_arg_matches(&matches));
    for warning in &warnings {
        console.warn(warning);
    }
    parsed.map_err(|error| {
        let error = usage::with_tip(error, &arguments);
        let text = console.styled_error(&error.render());
        if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
            let fault = Fault::invalid("no command is named").hint(format!(
                "name one, such as bump-values: as the first argument, in {}, or by the input `command`",
                variables::name("command")
            ));
            Early::Usage(fault, Some(text))
        } else if error.use_stderr() {
            Early::Usage(usage::fault(&error.render().to_string()), Some(text))
        } else {
            Early::Help(console.styled(&error.render()))
        }
    })
}

/// On GitLab a trigger's variables become the job's environment and override its own: none of them may be one of our
/// flags, or lead a token astray, whatever the command.
fn refuse_trigger_variables(environment: &Environment) -> Result<(), Fault> {
    let Some(path) = environment.get("TRIGGER_PAYLOAD") else {
        return Ok(());
    };
    let set = files::read(Path::new(path), event_body::EVENT_MAX as u64)
        .and_then(|bytes| Ok(event_body::own_variables(&bytes)?))
        .map_err(|error| {
            // A body that cannot be read may hide what it sets.
            Fault::invalid(format!("cannot tell which variables the trigger sets: {error:#}"))
                .hint("let TRIGGER_PAYLOAD be the file that GitLab wrote, or unset it before this step")
        })?;
    match set.first() {
        Some(name) => Err(event_body::own_variable(name)),
        None => Ok(()),
    }
}
