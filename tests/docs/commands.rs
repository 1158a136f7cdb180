//! Each command line that the documents show is one that the program takes.

use clap::Parser as _;
use clap::error::ErrorKind;
use gitops_steps::command::cli::Cli;

use super::page::pages;
use super::shell;

/// The languages of blocks that a reader types.
const TYPED: [&str; 3] = ["sh", "bash", "console"];

#[test]
fn each_command_line_is_one_that_is_taken() {
    let mut found = Vec::new();
    let mut taken = 0;
    for page in pages() {
        let blocks = page
            .blocks
            .iter()
            .filter(|block| TYPED.contains(&block.language.as_str()));
        let blocks = blocks.map(|block| (block.line, typed(&block.text)));
        // In prose a command may be named by a part of its line.
        let prose = page
            .code()
            .into_iter()
            .filter(|(_, code)| code.starts_with("gitops-steps ") && !code.contains('<'));
        for (line, script) in blocks.chain(prose) {
            for words in ours(&script) {
                taken += 1;
                if let Err(why) = is_taken(&words) {
                    found.push(format!("{}:{line}: {}\n{why}", page.name, words.join(" ")));
                }
            }
        }
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
    assert!(taken > 150, "only {taken} command lines were found");
}

/// What is typed in a block, where a prompt tells that from what is printed.
fn typed(text: &str) -> String {
    let prompted: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("$ ")).collect();
    if prompted.is_empty() {
        text.to_owned()
    } else {
        prompted.join("\n")
    }
}

/// The calls of the program in a script.
pub fn ours(script: &str) -> impl Iterator<Item = Vec<String>> {
    shell::commands(script)
        .into_iter()
        .filter(|words| words[0] == "gitops-steps" && words.len() > 1)
        .filter(|words| !matches!(words[1].as_str(), "--version" | "--help"))
}

/// Whether the command line takes words; a flag that it needs may come from a variable.
///
/// # Errors
/// What it says to them.
pub fn is_taken(words: &[String]) -> Result<(), String> {
    let hash = "0123456789abcdef".repeat(4);
    let words = words
        .iter()
        .map(|word| word.replace("sha256:…", &format!("sha256:{hash}")));
    match Cli::try_parse_from(words) {
        Err(error) if error.kind() != ErrorKind::MissingRequiredArgument => Err(error.to_string()),
        _ => Ok(()),
    }
}

#[test]
fn a_flag_that_is_none_is_found() {
    let wrong: Vec<Vec<String>> = ours("gitops-steps rollback --app web --evn dev").collect();
    assert!(is_taken(&wrong[0]).unwrap_err().contains("--evn"));
}
