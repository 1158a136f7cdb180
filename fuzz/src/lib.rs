//! The pure floors of the program, and what has to hold of any bytes that they read.
#![allow(dead_code, missing_docs, reason = "the other floors use the rest")]

extern crate self as gitops_steps;

#[path = "../../src/yaml/mod.rs"]
pub mod yaml;

#[path = "../../src/words/mod.rs"]
pub mod words;

#[path = "../../src/plan/mod.rs"]
pub mod plan;

#[path = "../../src/steps/mod.rs"]
pub mod steps;

#[path = "../../tests/fuzz/bodies/mod.rs"]
pub mod bodies;
