//! The files of an application, as a tree for people.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::command::receipt::Receipt;

/// A folder's files and folders, by name.
#[derive(Default)]
struct Folder {
    folders: BTreeMap<String, Folder>,
    files: BTreeMap<String, &'static str>,
}

/// Returns what a repository gets, below its address.
pub(super) fn of(address: &str, receipt: &Receipt) -> String {
    let mut root = Folder::default();
    for file in &receipt.files {
        let is_edited = receipt.changes.iter().any(|change| change.file == *file);
        let mut folder = &mut root;
        let mut parts = file.split('/').peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_some() {
                folder = folder.folders.entry(part.to_owned()).or_default();
            } else {
                let mark = if is_edited { " (changed)" } else { "" };
                folder.files.insert(part.to_owned(), mark);
            }
        }
    }
    let mut text = format!("{}\n", address.escape_debug());
    if receipt.files.is_empty() {
        text.push_str("  nothing: it is all there already\n");
    }
    draw(&root, 1, &mut text);
    text
}

fn draw(folder: &Folder, depth: usize, text: &mut String) {
    let indent = "  ".repeat(depth);
    for (name, mark) in &folder.files {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{indent}{}{mark}", name.escape_debug());
    }
    for (name, below) in &folder.folders {
        let _ = writeln!(text, "{indent}{}/", name.escape_debug());
        draw(below, depth + 1, text);
    }
}
