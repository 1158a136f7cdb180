//! Cases of the YAML engine as data: the project's own, and any file of the same form from outside.
//!
//! `GITOPS_STEPS_CASES=file` runs more cases; `GITOPS_STEPS_CORPUS=dir` edits real files (see `examples/corpus.rs`).

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
fn every_case_of_the_project_holds() {
    run_all(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/yaml/cases.json"));
}

/// Cuts, repeats and overwrites stretches of real files, by a fixed sequence of numbers.
#[test]
fn mutated_files_from_outside_never_panic() {
    let Ok(directory) = std::env::var("GITOPS_STEPS_CORPUS") else {
        return;
    };
    let targets =
        std::fs::read_to_string(format!("{directory}/targets.json")).expect("the corpus has targets");
    let targets: Vec<Json> = serde_json::from_str(&targets).expect("the targets are a JSON list");
    let mut number = 1_u64;
    let mut next = |limit: usize| {
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(number >> 33).unwrap_or(0) % limit.max(1)
    };
    let (mut tried, mut withheld) = (0, 0);
    for target in &targets {
        let bytes = std::fs::read(format!(
            "{directory}/{}",
            target["file"].as_str().unwrap_or_default()
        ))
        .expect("the corpus is whole");
        for _ in 0..20 {
            let from = next(bytes.len());
            let mut text = bytes[from..bytes.len().min(from + 600)].to_vec();
            for _ in 0..=next(4) {
                let at = next(text.len());
                let odd = b"[]{}:,?*&!|>'\"%@#- \n\t\rax0";
                match (next(3), text.is_empty()) {
                    (0, false) => text[at] = odd[next(odd.len())],
                    (1, false) => drop(text.drain(at..text.len().min(at + next(9)))),
                    _ => text.insert(at, odd[next(odd.len())]),
                }
            }
            for (op, path) in [
                ("set", "image.tag"),
                ("insert", "a.b"),
                ("insert", "spec.x"),
                ("delete", "name"),
                ("delete", "image"),
            ] {
                let case = serde_json::json!({"op": op, "path": path, "value": "x: y"});
                let unproven = edit(&case, &text).is_err_and(|why| why.contains("proven"));
                withheld += usize::from(unproven);
                tried += 1;
            }
        }
    }
    // Where a mutation made the two parsers disagree, an edit is withheld; that stays rare.
    assert!(
        withheld * 1000 < tried,
        "{withheld} of {tried} edits were withheld"
    );
}

#[test]
fn every_case_from_outside_holds() {
    if let Ok(file) = std::env::var("GITOPS_STEPS_CASES") {
        run_all(&file);
    }
}
