//! `docs/security.md` says what somebody can reach and what stops them: its tests are there, its limits are the code's, and what no
//! other test tries is tried here.

mod limits;
mod page;
mod repositories;
mod tokens;

use std::fs;
use std::path::{Path, PathBuf};

/// The page.
const PAGE: &str = "docs/security.md";

/// The source files below a folder, sorted.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
