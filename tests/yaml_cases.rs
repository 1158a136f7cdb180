//! Cases of the YAML engine as data: the project's own, and any file of the same form from outside.
//!
//! `GITOPS_STEPS_CASES=file` runs more cases; `GITOPS_STEPS_CORPUS=dir` edits real files (see `examples/corpus.rs`).
#![allow(
    clippy::disallowed_methods,
    reason = "a test reads its data and where more of it lies"
)]

use base64::Engine as _;
use gitops_steps::yaml::{Document, Edit, File, IfMissing, Operation, Path, Value};
use serde_json::Value as Json;

/// Runs one case; `Err` says how it failed.
fn run(case: &Json) -> Result<(), String> {
    let input = match case["input_b64"].as_str() {
        Some(encoded) => base64::engine::general_purpose::STANDARD
            .decode(encoded)
            .map_err(|error| error.to_string())?,
        None => case["input"].as_str().unwrap_or_default().into(),
    };
    let got = edit(case, &input);
    let expected = case["expected"].as_str().unwrap_or_default();
    match (got, expected) {
        (Err(_), "error") => Ok(()),
        (Ok(text), "error") => Err(format!("expected an error, got {text:?}")),
        (Ok(text), expected) if text == expected => Ok(()),
        (Ok(text), expected) if case["bytes_free"] == true && text.eq_ignore_ascii_case(expected) => Ok(()),
        (got, expected) => Err(format!("expected {expected:?}, got {got:?}")),
    }
}

fn edit(case: &Json, input: &[u8]) -> Result<String, String> {
    let path = Path::parse(case["path"].as_str().unwrap_or_default()).map_err(|error| error.to_string())?;
    let operation = match (case["op"].as_str(), &case["value"]) {
        (Some("delete"), _) => Operation::Unset,
        (_, Json::String(text)) => Operation::Set {
            value: Value::String(text.clone()),
        },
        (_, value) => Operation::Set {
            value: Value::Json(value.clone()),
        },
    };
    let edit = Edit {
        document: case["doc"]
            .as_u64()
            .and_then(|index| usize::try_from(index).ok())
            .map(Document::Index),
        path,
        operation,
        if_missing: if case["op"] == "insert" {
            IfMissing::Create
        } else {
            IfMissing::Error
        },
        allow_shared: case["allow_shared"] == true,
    };
    let file = File::parse(input).map_err(|error| error.to_string())?;
    let edited = file.apply(&[edit]).map_err(|error| error.to_string())?;
    Ok(edited.text)
}

fn run_all(file: &str) {
    let text = std::fs::read_to_string(file).expect("the cases can be read");
    let cases: Vec<Json> = serde_json::from_str(&text).expect("the cases are a JSON list");
    let failed: Vec<String> = cases
        .iter()
        .filter_map(|case| run(case).err().map(|why| format!("{}: {why}", case["name"])))
        .collect();
    assert!(
        failed.is_empty(),
        "{} of {} cases failed:\n{}",
        failed.len(),
        cases.len(),
        failed.join("\n")
    );
}

#[test]
fn every_case_from_outside_holds() {
    if let Ok(file) = std::env::var("GITOPS_STEPS_CASES") {
        run_all(&file);
    }
}
