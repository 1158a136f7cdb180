//! The outputs of a step, as the next step of its job sees them.

use std::collections::BTreeMap;

/// Reads `$GITHUB_OUTPUT` as the runner does.
pub fn of_github(content: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut lines = content.lines();
    while let Some(line) = lines.next() {
        let (name, delimiter) = line.split_once("<<").unwrap();
        let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
        found.insert(name.to_owned(), value.join("\n"));
    }
    found
}

/// Reads a dotenv report as GitLab does; the names become those of GitHub's outputs.
pub fn of_gitlab(content: &str) -> BTreeMap<String, String> {
    let read = |line: &str| {
        let (name, value) = line.split_once('=').unwrap();
        let name = name.strip_prefix("GITOPS_").unwrap();
        (name.to_lowercase().replace('_', "-"), value.to_owned())
    };
    content.lines().map(read).collect()
}
