//! Edits the files of a corpus and counts how many come out exact: `cargo run --example corpus -- DIR`.
//!
//! `DIR/targets.json` is a list of `{file, doc, path, new, expected_sha256}`; `path` holds keys and indices.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "an example reads its files and prints its result"
)]

use std::path::Path as FilePath;

use gitops_steps::yaml::{Document, Edit, File, IfMissing, Operation, Path, Segment, Value};
use serde_json::Value as Json;

fn main() -> std::process::ExitCode {
    let directory = std::env::args().nth(1).unwrap_or_else(|| ".".into());
    let directory = FilePath::new(&directory);
    let targets = std::fs::read_to_string(directory.join("targets.json")).expect("DIR holds targets.json");
    let targets: Vec<Json> = serde_json::from_str(&targets).expect("targets.json is a JSON list");
    let mut exact = 0;
    for target in &targets {
        match edited_sha256(directory, target) {
            Ok(sha256) if target["expected_sha256"] == *sha256 => exact += 1,
            Ok(_) => println!("not exact: {} {}", target["file"], target["path"]),
            Err(why) => println!("failed: {} {}: {why}", target["file"], target["path"]),
        }
    }
    println!("exact {exact} of {}", targets.len());
    if exact == targets.len() {
        std::process::ExitCode::SUCCESS
    } else {
        std::process::ExitCode::FAILURE
    }
}

fn edited_sha256(directory: &FilePath, target: &Json) -> Result<String, String> {
    let text = |name: &str| {
        target[name]
            .as_str()
            .map(str::to_owned)
            .ok_or_else(|| format!("no `{name}`"))
    };
    let index = |json: &Json| json.as_u64().and_then(|number| usize::try_from(number).ok());
    let segments = target["path"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|step| match step {
            Json::String(key) => Segment::Key(key.clone()),
            step => Segment::Index(index(step).unwrap_or_default()),
        });
    let edit = Edit {
        document: index(&target["doc"]).map(Document::Index),
        path: Path::from_segments(segments.collect()).ok_or("an empty path")?,
        operation: Operation::Set {
            value: Value::String(text("new")?),
        },
        if_missing: IfMissing::Error,
        allow_shared: false,
    };
    let bytes = std::fs::read(directory.join(text("file")?)).map_err(|error| error.to_string())?;
    let file = File::parse(&bytes).map_err(|error| error.to_string())?;
    let edited = file.apply(&[edit]).map_err(|error| error.to_string())?;
    if let Some(note) = edited.unproven_by {
        println!("note: {}: {note}", target["file"]);
    }
    let digest = ring::digest::digest(&ring::digest::SHA256, edited.text.as_bytes());
    Ok(digest
        .as_ref()
        .iter()
        .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}")))
}
