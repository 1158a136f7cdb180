//! What is printed: data to standard output, the story to standard error.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::{OnceLock, PoisonError, RwLock};

use anstyle::{AnsiColor, Style};

use super::cli::{Color, CommonArgs};
use super::exit::Failure;
use super::{github, gitlab, tokens};
use crate::plan::finding::Finding;
use crate::words::fault::Fault;
use crate::words::redact::Redactor;
use crate::words::wording::one_line;
use crate::world::ci::Host;
use crate::world::clock;
use crate::world::env::Environment;
use crate::world::progress::Progress;

const RED: Style = AnsiColor::Red.on_default();
const GREEN: Style = AnsiColor::Green.on_default();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();

/// The one object that prints.
#[expect(clippy::struct_excessive_bools, reason = "two streams, two flags")]
pub struct Console {
    quiet: bool,
    verbose: bool,
    color_out: bool,
    color_err: bool,
    host: Option<Host>,
    bar: Option<indicatif::ProgressBar>,
    redactor: RwLock<Redactor>,
    /// Why standard output did not take it all.
    unprinted: OnceLock<String>,
}

impl Console {
    /// Makes the console that the flags and the environment ask for.
    pub fn new(common: Option<&CommonArgs>, environment: &Environment, host: Option<Host>) -> Self {
        let color = common.map_or(Color::Auto, |common| common.color);
        // A terminal of Windows shows colours once it is asked to; others are not asked.
        let able = anstyle_query::windows::enable_ansi_colors() != Some(false);
        let wanted = |terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                terminal
                    && able
                    && environment.get("NO_COLOR").is_none()
                    && environment.get("TERM") != Some("dumb")
            }
        };
        let quiet = common.is_some_and(|common| common.quiet);
        let terminal = io::stderr().is_terminal();
        let bar = (terminal && !quiet && host.is_none()).then(|| {
            indicatif::ProgressBar::no_length().with_style(
                indicatif::ProgressStyle::with_template("{spinner} {msg} {pos}/{len}")
                    .unwrap_or_else(|_| indicatif::ProgressStyle::default_spinner()),
            )
        });
        Self {
            quiet,
            verbose: common.is_some_and(|common| common.verbose),
            color_out: wanted(io::stdout().is_terminal()),
            color_err: wanted(terminal),
            host,
            bar,
            redactor: RwLock::new(tokens::redactor(common, environment)),
            unprinted: OnceLock::new(),
        }
    }

    /// Tells the story, a line at a time.
    pub fn say(&self, text: &str) {
        if !self.quiet {
            self.error_line(text);
        }
    }

    /// Prints text of several lines below the story. It may be foreign: it steers no terminal, and on GitHub no line of it is
    /// read as a command.
    pub fn remark(&self, text: &str) {
        let plain = |line: &str| {
            let begins = line.len() - line.trim_start_matches(' ').len();
            format!("{}{}", &line[..begins], one_line(line))
        };
        let text = text.lines().map(plain).collect::<Vec<_>>().join("\n");
        if self.host == Some(Host::GitHub) {
            self.say(github::inert(&text, clock::random_word).trim_end());
        } else {
            self.say(&text);
        }
    }

    /// Tells what only `--verbose` wants to know.
    pub fn detail(&self, text: &str) {
        if self.verbose {
            self.error_line(&self.paint(CYAN, text));
        }
    }

    /// Warns, on GitHub with an annotation.
    pub fn warn(&self, text: &str) {
        if self.host == Some(Host::GitHub) {
            self.error_line(&github::warning(text));
        } else {
            self.error_line(&format!("{} {text}", self.paint(YELLOW, "warning:")));
        }
    }

    /// Puts a finding on its line, on GitHub alone; its file lies in this folder of the repository.
    pub fn annotate(&self, finding: &Finding, folder: &str) {
        if self.host == Some(Host::GitHub) {
            self.error_line(&github::finding(finding, folder));
        }
    }

    /// Says why it failed and what to try, on GitHub with an annotation.
    pub fn fail(&self, failure: &Failure) {
        if self.host == Some(Host::GitHub) {
            return self.error_line(&github::error(failure));
        }
        self.error_line(&format!(
            "{} {}",
            self.paint(RED, "error:"),
            printable(&failure.message)
        ));
        if let Some(hint) = &failure.fault.hint {
            self.error_line(&format!("{} {}", self.paint(CYAN, "hint:"), printable(hint)));
        }
    }

    /// Prints a diff to standard output, folded away in a GitLab job.
    pub fn diff(&self, diff: &str) {
        if diff.is_empty() {
            return;
        }
        match self.host {
            Some(Host::GitHub) => self.text(diff),
            Some(Host::GitLab) => {
                self.data(&gitlab::section(
                    "gitops_steps_diff",
                    "Diff",
                    clock::now().as_second(),
                    diff,
                ));
            }
            Some(Host::Other) | None if self.color_out => self.data(&colored(diff)),
            Some(Host::Other) | None => self.data(diff),
        }
    }

    /// Prints text for people to standard output; on GitHub, no line of it is read as a command.
    pub fn text(&self, text: &str) {
        if self.host == Some(Host::GitHub) {
            self.data(&github::inert(text, clock::random_word));
        } else {
            self.data(text);
        }
    }

    /// Prints data to standard output; [`Console::printed`] tells whether it took it.
    pub fn data(&self, text: &str) {
        self.clear();
        let mut out = io::stdout().lock();
        let text = self.redacted(text);
        if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // A reader that went away is no failure of ours.
            if error.kind() != io::ErrorKind::BrokenPipe {
                let _ = self.unprinted.set(error.kind().to_string());
            }
        }
    }

    /// Tells whether standard output took all that was printed.
    ///
    /// # Errors
    /// `Invalid` with what the system said.
    pub fn printed(&self) -> Result<(), Fault> {
        match self.unprinted.get() {
            None => Ok(()),
            Some(why) => Err(Fault::invalid(format!("cannot write to standard output: {why}"))),
        }
    }

    /// Tells a part of the story that has many lines and holds what others wrote; on GitHub, no line of it is read as a
    /// command.
    pub(super) fn tell(&self, text: &str) {
        if !self.quiet {
            self.usage(text);
        }
    }

    /// Prints the usage error that clap rendered, which quotes what was given; on GitHub, no line of it is read as a
    /// command.
    pub(super) fn usage(&self, text: &str) {
        self.clear();
        let mut text = self.redacted(text);
        if self.host == Some(Host::GitHub) {
            text = github::inert(&text, clock::random_word);
        }
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }

    /// Returns the text without the secrets of the run that are known by now.
    pub(super) fn redacted(&self, text: &str) -> String {
        let redactor = self.redactor.read().unwrap_or_else(PoisonError::into_inner);
        redactor.redact(text).into_owned()
    }

    /// Returns text of clap as standard output may show it.
    pub(super) fn styled(&self, text: &clap::builder::StyledStr) -> String {
        if self.color_out {
            text.ansi().to_string()
        } else {
            text.to_string()
        }
    }

    /// Returns text of clap as standard error may show it.
    pub(super) fn styled_error(&self, text: &clap::builder::StyledStr) -> String {
        if self.color_err {
            text.ansi().to_string()
        } else {
            text.to_string()
        }
    }

    fn error_line(&self, text: &str) {
        self.clear();
        let _ = writeln!(io::stderr().lock(), "{}", self.redacted(text));
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if self.color_err {
            format!("{style}{text}{style:#}")
        } else {
            text.to_owned()
        }
    }
}

impl Progress for Console {
    fn show(&self, stage: &str, done: usize, total: usize) {
        if let Some(bar) = &self.bar {
            bar.set_message(stage.to_owned());
            bar.set_length(total as u64);
            bar.set_position(done as u64);
        }
    }

    fn note(&self, text: &str) {
        self.detail(text);
    }

    /// On GitHub the runner is told too, which takes it out of what later steps print.
    fn secret(&self, text: &str) {
        if self.host == Some(Host::GitHub) {
            self.clear();
            let _ = writeln!(io::stderr().lock(), "{}", github::mask(text));
        }
        let mut redactor = self.redactor.write().unwrap_or_else(PoisonError::into_inner);
        redactor.learn([text]);
    }
}

/// Escapes what could steer a terminal; line breaks stay.
fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|character| {
            let escaped = character.is_control() && character != '\n';
            let escaped = if escaped {
                Some(character.escape_unicode())
            } else {
                None
            };
            let plain = if escaped.is_none() { Some(character) } else { None };
            escaped.into_iter().flatten().chain(plain)
        })
        .collect()
}

fn colored(diff: &str) -> String {
    let mut out = String::with_capacity(diff.len() + diff.len() / 8);
    for line in diff.lines() {
        let style = match line.as_bytes() {
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => Style::new().bold(),
            [b'+', ..] => GREEN,
            [b'-', ..] => RED,
            [b'@', ..] => CYAN,
            _ => Style::new(),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{style}{line}{style:#}");
    }
    out
}
