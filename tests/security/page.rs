//! What the page names is there.

use std::collections::BTreeSet;
use std::fs;

use super::{PAGE, root, sources};

#[test]
fn each_test_that_the_page_names_is_there() {
    let mut source = String::new();
    for folder in ["tests", "src"] {
        for file in sources(&root().join(folder)) {
            source.push_str(&fs::read_to_string(file).unwrap());
        }
    }
    let tests: BTreeSet<&str> = source
        .split("#[test]\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("fn ")?.1.split('(').next())
        .collect();
    let page = fs::read_to_string(root().join(PAGE)).unwrap();
    let threats = page.lines().filter(|line| line.starts_with("| ")).count();
    let is_test = |word: &&str| word.matches('_').count() >= 3 && !word.contains(['/', ' ', '=', ':']);
    let named: Vec<&str> = page.split('`').skip(1).step_by(2).filter(is_test).collect();
    assert!(threats > 60 && named.len() > 70, "{threats}, {}", named.len());
    let gone: Vec<_> = named.iter().filter(|name| !tests.contains(*name)).collect();
    assert!(gone.is_empty(), "there are no tests {gone:#?}");
}

#[test]
fn each_threat_of_the_page_is_tried_by_a_test() {
    let page = fs::read_to_string(root().join(PAGE)).unwrap();
    let threats = page.split("## Who can send what").nth(1).unwrap();
    let threats = threats.split("## What each token may do").next().unwrap();
    for line in threats.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").collect();
        assert_eq!(cells.len(), 3, "{line}");
        let told = ["tried by", "---"].contains(&cells[2].trim());
        assert!(told || cells[2].contains('`'), "{line}");
    }
}
