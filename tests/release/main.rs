//! An app's next version, its tag and its release page: told by the tags that stand and the commits since.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests touch the world"
)]

mod app;
mod files;
mod next;
mod publish;
#[path = "../support/mod.rs"]
mod support;
mod tag;
mod tag_api;
