//! What is said of a command line that is wrong.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, CommandFactory as _};

use super::cli::Cli;
use crate::words::fault::Fault;
use crate::words::wording::nearest;

/// Adds the flag that was most likely meant, where clap sees none: it goes by how words begin, and `--tga` is too short for
/// that.
pub(super) fn with_tip(mut error: clap::Error, arguments: &[OsString]) -> clap::Error {
    let is_told = error.get(ContextKind::SuggestedArg).is_some();
    let (ErrorKind::UnknownArgument, false, Some(ContextValue::String(wrong))) =
        (error.kind(), is_told, error.get(ContextKind::InvalidArg))
    else {
        return error;
    };
    let words = arguments.iter().skip(1).filter_map(|word| word.to_str());
    let root = Cli::command();
    let command = words.fold(&root, |command, word| {
        command.find_subcommand(word).unwrap_or(command)
    });
    let flags = command.get_arguments().filter_map(Arg::get_long);
    if let Some(near) = wrong.strip_prefix("--").and_then(|wrong| nearest(wrong, flags)) {
        let near = ContextValue::String(format!("--{near}"));
        error.insert(ContextKind::SuggestedArg, near);
    }
    error
}

/// Reads the first paragraph of clap's words, which says what is wrong, and its tip.
pub(super) fn fault(text: &str) -> Fault {
    let mut lines = text.lines().map(str::trim);
    let said: Vec<&str> = lines.by_ref().take_while(|line| !line.is_empty()).collect();
    let fault = Fault::invalid(said.join(" ").trim_start_matches("error: "));
    match lines.find_map(|line| line.strip_prefix("tip: ")) {
        Some(tip) => fault.hint(tip),
        None => fault,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_flag_is_told_with_the_one_that_was_meant_however_short_it_is() {
        for (line, due) in [
            ("bump-values --tga 1.2.3", Some("'--tag'")),
            ("bump-values --evn=dev", Some("'--env'")),
            ("preview up --ap x", Some("'--app'")),
            ("bump-values --dryrun", Some("'--dry-run'")),
            ("bump-values --platypus", None),
            ("bump-values -x", None),
        ] {
            let words = ["gitops-steps"].into_iter().chain(line.split(' '));
            let arguments: Vec<OsString> = words.map(OsString::from).collect();
            let error = Cli::command().try_get_matches_from(&arguments).unwrap_err();
            let hint = fault(&with_tip(error, &arguments).render().to_string()).hint;
            let tip = due.map(|due| format!("a similar argument exists: {due}"));
            assert_eq!(hint, tip, "{line}");
        }
    }
}
