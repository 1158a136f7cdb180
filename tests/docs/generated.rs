//! Generated documents are those that the program would generate.

use std::fs;

use super::{page, policy_keys};

#[test]
fn the_command_reference_is_current() {
    hold("docs/cli.md", &gitops_steps::command::docs::markdown());
}

#[test]
fn the_reference_of_the_policy_is_current() {
    hold("docs/policy-reference.md", &policy_keys::markdown());
}

fn hold(name: &str, current: &str) {
    let path = page::root().join(name);
    if std::env::var_os("GITOPS_STEPS_BLESS").is_some() {
        fs::write(&path, current).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == current,
        "{name} is stale: run GITOPS_STEPS_BLESS=1 cargo test docs"
    );
}
