//! The tests of the whole: the real binary against real repositories, registries and strict stand-ins for the forges.
//!
//! They are one program, since linking is the most of what a test costs. `cargo test rollback` runs those of `rollback.rs`.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests touch the world"
)]

mod action;
mod argo_workflows;
mod bump_files;
mod change_request_troubles;
mod change_requests;
mod check;
mod ci_outputs;
mod deployment_command;
mod deployment_status;
mod deployment_wait;
mod dispatch;
mod docs;
mod end_to_end;
mod events;
mod fake_github;
mod fake_gitlab;
mod faults;
mod file_changes;
mod fuzz;
mod git_transport;
mod github_repo;
mod gitlab_repo;
mod gitlab_template;
mod guards;
mod history;
mod house;
mod load_forge;
mod packaging;
mod partial;
mod policy;
mod preflight;
mod preview_ci;
mod preview_down;
mod preview_slug;
mod preview_up;
mod promotion_proof;
mod push;
mod race;
mod rates;
mod registry;
mod release;
mod require_image;
mod requirements;
mod resolve_image;
mod resolve_write;
mod rollback;
mod scaffold;
mod schema;
mod secrets;
mod secrets_live;
mod security;
mod shadow;
mod signing;
mod starters;
mod stories;
mod support;
mod targets;
mod transports;
mod windows;
mod wire;
mod yaml_cases;
mod yaml_many_edits;
mod yaml_properties;
