//! What mdBook would complain about, and what a reader of the site or of GitHub would stumble over.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::page::{self, Page, pages};

/// Where a file of the repository is that is no page of the book; such a link works on GitHub and in the book alike.
const AT_GITHUB: [&str; 2] = [
    "https://github.com/org/gitops-steps/blob/main/",
    "https://github.com/org/gitops-steps/tree/main/",
];
/// The page that says what the book holds.
const SUMMARY: &str = "docs/SUMMARY.md";

#[test]
fn every_page_is_in_the_summary_once_and_nothing_else_is() {
    let pages = pages();
    let summary = pages.iter().find(|page| page.name == SUMMARY).unwrap();
    let mut listed: Vec<String> = summary
        .links()
        .into_iter()
        .map(|(_, target)| format!("docs/{target}"))
        .collect();
    listed.sort();
    let there: Vec<String> = page::files("docs", "md")
        .into_iter()
        .filter(|name| name != SUMMARY)
        .collect();
    assert_eq!(listed, there);
}

#[test]
fn every_link_leads_to_a_page_and_to_a_part_that_is_there() {
    let pages = pages();
    let parts: BTreeMap<&str, Vec<String>> = pages
        .iter()
        .map(|page| (page.name.as_str(), page.parts()))
        .collect();
    let mut found = Vec::new();
    let mut followed = 0;
    for page in &pages {
        for (line, target) in page.links() {
            if let Err(why) = follow(page, &target, &parts) {
                found.push(format!("{}:{line}: `{target}` {why}", page.name));
            }
            followed += 1;
        }
    }
    assert!(found.is_empty(), "{found:#?}");
    assert!(followed > 200, "only {followed} links were found");
}

/// Follows a link as a reader does, on GitHub and in the book.
fn follow(page: &Page, target: &str, parts: &BTreeMap<&str, Vec<String>>) -> Result<(), String> {
    let (place, part) = target.split_once('#').unwrap_or((target, ""));
    let name = if let Some(path) = AT_GITHUB.iter().find_map(|start| place.strip_prefix(start)) {
        let is_folder = page::root().join(path).is_dir();
        if place.starts_with(AT_GITHUB[1]) != is_folder {
            return Err("calls a file a folder, or a folder a file".to_owned());
        }
        path.to_owned()
    } else if place.contains(':') {
        return Ok(());
    } else if place.is_empty() {
        page.name.clone()
    } else {
        resolved(&page.name, place)?
    };
    let in_book = page.name.starts_with("docs/");
    if in_book && !place.starts_with("https:") && !name.starts_with("docs/") {
        return Err(format!("leaves the book; write {}{name}", AT_GITHUB[0]));
    }
    if !page::root().join(&name).exists() {
        return Err("leads nowhere".to_owned());
    }
    if in_book && !place.starts_with("https:") && page::root().join(&name).is_dir() {
        return Err("leads to a folder, which is no page of the book".to_owned());
    }
    match parts.get(name.as_str()) {
        Some(parts) if !part.is_empty() && !parts.iter().any(|one| one == part) => {
            Err(format!("there is no part `{part}`; there are {parts:?}"))
        }
        None if !part.is_empty() => Err("is no page whose parts are known".to_owned()),
        _ => Ok(()),
    }
}

/// The path that a relative link means.
fn resolved(from: &str, place: &str) -> Result<String, String> {
    let mut path: Vec<&str> = from.split('/').collect();
    path.pop();
    for piece in place.split('/') {
        match piece {
            "." | "" => {}
            ".." => {
                path.pop().ok_or("leaves the repository")?;
            }
            piece => path.push(piece),
        }
    }
    Ok(path.join("/"))
}

/// `<env>` outside of code is a tag of HTML to GitHub and to mdBook, which show nothing in its place; `<br>` is meant as one.
#[test]
fn no_word_is_lost_as_a_tag_of_html() {
    let mut found = Vec::new();
    for page in pages() {
        for (at, line) in page.prose.iter().enumerate() {
            let line: String = line.split('`').step_by(2).collect();
            for (place, _) in line.match_indices('<') {
                let tag = line[place + 1..].starts_with(|one: char| one.is_ascii_alphabetic());
                let meant = line[place..].starts_with("<br>");
                if tag && !meant && !line[..place].ends_with('\\') {
                    found.push(format!("{}:{}: {}", page.name, at + 1, &line[place..]));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_command_has_a_page() {
    use clap::CommandFactory as _;
    let root = gitops_steps::command::cli::Cli::command();
    let names: BTreeSet<String> = root
        .get_subcommands()
        .map(|command| format!("docs/{}.md", command.get_name()))
        .collect();
    // These print something for the shell, and stand together.
    let together = ["docs/completions.md", "docs/man.md"];
    let missing: Vec<&String> = names
        .iter()
        .filter(|name| !together.contains(&name.as_str()) && !page::root().join(name).is_file())
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    let install = fs::read_to_string(page::root().join("docs/install.md")).unwrap();
    for command in ["gitops-steps completions", "gitops-steps man"] {
        assert!(
            install.contains(command),
            "docs/install.md does not show `{command}`"
        );
    }
}

#[test]
fn every_picture_says_what_it_shows_and_lies_in_the_docs() {
    let mut shown = 0;
    for page in pages() {
        for (at, line) in page.prose.iter().enumerate() {
            for rest in line.split("![").skip(1) {
                let (text, rest) = rest.split_once("](").unwrap();
                let target = rest.split(')').next().unwrap();
                let name = resolved(&page.name, target).unwrap();
                assert!(
                    text.len() > 10,
                    "{}:{}: a picture without words",
                    page.name,
                    at + 1
                );
                assert!(
                    page::root().join(&name).is_file(),
                    "{}:{}: {target}",
                    page.name,
                    at + 1
                );
                shown += 1;
            }
        }
    }
    assert!(shown > 0, "no picture was found");
}
