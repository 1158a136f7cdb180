//! Generated documents are those that the program would generate.

use std::fs;
use std::path::Path;

#[test]
fn the_command_reference_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    let current = gitops_steps::command::docs::markdown();
    if std::env::var_os("GITOPS_STEPS_BLESS").is_some() {
        fs::write(&path, &current).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == current,
        "docs/cli.md is stale: run GITOPS_STEPS_BLESS=1 cargo test docs"
    );
}
