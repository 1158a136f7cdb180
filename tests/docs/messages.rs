//! The messages that the page about troubleshooting explains are those that the program gives.

use std::fs;

use super::page::{self, pages};

const PAGE: &str = "docs/troubleshooting.md";
/// A part of a message that is shorter than this could be found anywhere.
const SHORTEST: usize = 7;

#[test]
fn each_message_that_is_explained_is_one_that_is_given() {
    let source = source();
    let pages = pages();
    let page = pages.iter().find(|page| page.name == PAGE).unwrap();
    let mut found = Vec::new();
    let mut explained = 0;
    for (at, line) in page.prose.iter().enumerate() {
        let Some(message) = line.strip_prefix("| `").and_then(|rest| rest.split("` |").next()) else {
            continue;
        };
        explained += 1;
        // `…` stands for what differs, and what is quoted in a message stands between such marks.
        let parts: Vec<&str> = message
            .split('…')
            .map(str::trim)
            .filter(|part| part.len() >= SHORTEST)
            .collect();
        if parts.is_empty() || !parts.iter().all(|part| source.contains(part)) {
            found.push(format!("{PAGE}:{}: {message}", at + 1));
        }
    }
    assert!(
        found.is_empty(),
        "the program does not say:\n{}",
        found.join("\n")
    );
    assert!(explained > 30, "only {explained} messages were found");
}

/// The source, with each text that goes on in the next line in one.
fn source() -> String {
    let files = page::files("src", "rs").into_iter();
    let files = files.chain(["action/install.sh".to_owned()]);
    let texts = files.map(|name| fs::read_to_string(page::root().join(name)).unwrap());
    let mut whole = String::new();
    for text in texts {
        // What a comment or a test says is no message.
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
        let mut lines = lines.peekable();
        while let Some(line) = lines.next() {
            if let Some(start) = line.strip_suffix('\\') {
                whole.push_str(start);
                if let Some(next) = lines.peek_mut() {
                    *next = next.trim_start();
                }
            } else {
                whole.push_str(line);
                whole.push('\n');
            }
        }
    }
    whole.replace("\\\"", "\"").replace("{{", "{").replace("}}", "}")
}
