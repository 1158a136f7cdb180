//! What holds for the source as a whole: the floors, the dependency table, no unfinished code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Each folder of `src` with the floors that it may use. Steps and world do not know each other.
const FLOORS: [(&str, &[&str]); 6] = [
    ("yaml", &[]),
    ("words", &["yaml"]),
    ("plan", &["yaml", "words"]),
    ("steps", &["yaml", "words", "plan"]),
    ("world", &["yaml", "words", "plan"]),
    ("command", &["yaml", "words", "plan", "steps", "world"]),
];

const TABLE: &str = "docs/decisions/0009-dependencies.md";

#[test]
fn a_floor_uses_only_those_below_it() {
    let mut found = Vec::new();
    for (floor, below) in FLOORS {
        for file in sources(&format!("src/{floor}")) {
            for used in floors_used(&read(&file)) {
                if used != floor && !below.contains(&used.as_str()) {
                    found.push(format!("{} uses crate::{used}", file.display()));
                }
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn only_the_world_and_main_may_touch_the_world() {
    let main = root().join("src/main.rs");
    let mut found = sources("src");
    found.retain(|file| *file != main && !file.starts_with(root().join("src/world")));
    // Tests may; they stand last in a file.
    found.retain(|file| {
        read(file)
            .split("#[cfg(test)]")
            .next()
            .unwrap_or_default()
            .contains("disallowed_methods")
    });
    assert!(
        found.is_empty(),
        "these lift the lint that keeps the world out: {found:#?}"
    );
}

#[test]
fn every_folder_of_the_source_is_a_floor() {
    let folders: BTreeSet<String> = fs::read_dir(root().join("src"))
        .unwrap()
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(
        folders,
        FLOORS.iter().map(|(floor, _)| (*floor).to_owned()).collect()
    );
}

#[test]
fn no_code_is_left_for_later() {
    // Put together here, so that this file does not find itself.
    let marks = ["todo", "unimplemented"].map(|name| format!("{name}!("));
    let mut found = Vec::new();
    for folder in ["src", "tests", "examples"] {
        for file in sources(folder) {
            let text = read(&file);
            found.extend(
                marks
                    .iter()
                    .filter(|mark| text.contains(*mark))
                    .map(|mark| format!("{}: {mark}", file.display())),
            );
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_dependency_says_what_it_is_for() {
    let listed: BTreeSet<String> = listed();
    let missing: Vec<String> = dependencies()
        .into_iter()
        .filter(|name| !listed.contains(name))
        .collect();
    assert!(missing.is_empty(), "{TABLE} has no line for {missing:?}");
}

#[test]
fn the_dependency_table_names_nothing_that_is_gone() {
    let lock = read(&root().join("Cargo.lock"));
    let gone: Vec<String> = listed()
        .into_iter()
        .filter(|name| !lock.contains(&format!("\nname = \"{name}\"\n")))
        .collect();
    assert!(
        gone.is_empty(),
        "{TABLE} names {gone:?}, which Cargo.lock does not"
    );
}

/// The direct dependencies, as cargo itself reads them from Cargo.toml.
fn dependencies() -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let dependencies = metadata["packages"][0]["dependencies"].as_array().unwrap();
    dependencies
        .iter()
        .map(|one| one["name"].as_str().unwrap().to_owned())
        .collect()
}

/// The crates of the table: its lines begin with "| `name` |".
fn listed() -> BTreeSet<String> {
    read(&root().join(TABLE))
        .lines()
        .filter_map(|line| Some(line.strip_prefix("| `")?.split_once("` |")?.0.to_owned()))
        .collect()
}

/// The modules of the crate's root that code names, as `crate::a` or in `crate::{a, b::c}`; not those of comments.
fn floors_used(text: &str) -> BTreeSet<String> {
    let code: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n");
    let mut used = BTreeSet::new();
    for (at, path) in code.match_indices("crate::") {
        match code[at + path.len()..].strip_prefix('{') {
            Some(group) => used.extend(group_heads(group)),
            None => used.extend(head(&code[at + path.len()..])),
        }
    }
    used
}

/// The first names of the paths of a group `a, b::{c, d}, e}`.
fn group_heads(group: &str) -> Vec<String> {
    let mut heads: Vec<String> = head(group.trim_start()).into_iter().collect();
    let mut depth = 1;
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => heads.extend(head(group[at + 1..].trim_start())),
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    heads
}

/// The name that text begins with, if it is a module's (and not a macro's or a type's).
fn head(text: &str) -> Option<String> {
    let name: String = text
        .chars()
        .take_while(|one| one.is_ascii_lowercase() || *one == '_')
        .collect();
    (!name.is_empty()).then_some(name)
}

fn sources(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        // A folder that does not exist, such as examples/, holds no source.
        for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_reader_of_paths_sees_groups_and_skips_comments() {
    let code =
        "use crate::{plan::{commit, diff}, words, yaml};\n// crate::world\nfn f() { crate::steps::g() }\n";
    assert_eq!(
        Vec::from_iter(floors_used(code)),
        ["plan", "steps", "words", "yaml"]
    );
}

/// Every run of the tests is searched for this mark (`support::secret`), so every token must hold it.
#[test]
fn every_token_of_the_tests_can_be_searched_for() {
    let mut found = Vec::new();
    for file in sources("tests") {
        let code = read(&file);
        for (at, _) in code.match_indices("TOKEN\", \"") {
            let token = code[at + "TOKEN\", \"".len()..]
                .split('"')
                .next()
                .unwrap_or_default();
            if !token.contains("s3cret") {
                found.push(format!("{}: {token}", file.display()));
            }
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}
