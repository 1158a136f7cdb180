//! What the targets check, as the tests of the program do.

#[path = "../../tests/fuzz/bodies/mod.rs"]
pub mod bodies;
