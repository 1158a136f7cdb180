//! The library under the `gitops-steps` binary.
//!
//! Its modules are the floors of `ARCHITECTURE.md`, bottom to top; a floor uses only those below it.
//! The binary's command line is the public interface; this library is not a stable one.

#![deny(unsafe_code)]

pub mod yaml;

pub mod words;

pub mod plan;

pub mod steps;

pub mod world;

pub mod command;
