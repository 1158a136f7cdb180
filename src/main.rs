//! The `gitops-steps` binary.

fn main() {}
