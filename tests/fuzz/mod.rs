//! What the fuzz targets look for, tried with every input that is kept: seeds and what a run once found.

mod bodies;

use std::fs;
use std::path::{Path, PathBuf};

use bodies::TARGETS;

/// The most bytes of an input that is kept, and of all of a target.
const LONGEST: usize = 4096;
const ALL: usize = 512 * 1024;

#[test]
fn every_kept_input_is_read_or_refused() {
    for (name, check) in TARGETS {
        let inputs = inputs(name);
        assert!(inputs.len() >= 10, "{name}: only {} are kept", inputs.len());
        for file in inputs {
            let bytes = fs::read(&file).unwrap();
            let tried = std::panic::catch_unwind(|| check(&bytes));
            assert!(tried.is_ok(), "{}", file.display());
        }
    }
}

/// Truncated and doubled inputs, and those of other targets: what stands in nobody's corpus, but may on the way.
#[test]
fn what_is_cut_or_another_s_is_read_or_refused_too() {
    let all: Vec<Vec<u8>> = TARGETS
        .iter()
        .flat_map(|(name, _)| inputs(name).into_iter().take(25))
        .map(|file| fs::read(file).unwrap())
        .collect();
    for (name, check) in TARGETS {
        for bytes in &all {
            for part in [&bytes[..bytes.len() / 2], &bytes[bytes.len() / 3..], bytes] {
                let tried = std::panic::catch_unwind(|| check(part));
                assert!(tried.is_ok(), "{name}: {:?}", String::from_utf8_lossy(part));
            }
        }
    }
}

#[test]
fn each_target_has_its_program_and_its_corpus_which_is_small() {
    let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
    for (name, _) in TARGETS {
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")),
            "{name}"
        );
        let program = fs::read_to_string(root().join(format!("fuzz/fuzz_targets/{name}.rs"))).unwrap();
        assert!(program.contains(&format!("bodies::{name}::check")), "{name}");
        let lengths: Vec<usize> = inputs(name)
            .iter()
            .map(|file| fs::read(file).unwrap().len())
            .collect();
        assert!(lengths.iter().all(|length| *length <= LONGEST), "{name}");
        assert!(lengths.iter().sum::<usize>() <= ALL, "{name}");
    }
    assert_eq!(manifest.matches("[[bin]]").count(), TARGETS.len());
    let corpora = fs::read_dir(root().join("fuzz/corpus")).unwrap();
    assert_eq!(corpora.count(), TARGETS.len());
}

/// The targets are built from the sources, so what they are built with has to be the same.
#[test]
fn the_targets_use_what_the_program_uses() {
    let ours = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let theirs = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
    let dependencies = theirs.split("[dependencies]\n").nth(1).unwrap();
    let dependencies = dependencies.split("\n\n").next().unwrap();
    assert!(dependencies.lines().count() > 15);
    for line in dependencies.lines() {
        assert!(
            line.starts_with("libfuzzer-sys") || ours.contains(line),
            "Cargo.toml does not say `{line}`"
        );
    }
}

/// The kept inputs of a target, by name.
fn inputs(name: &str) -> Vec<PathBuf> {
    let folder = root().join("fuzz/corpus").join(name);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
