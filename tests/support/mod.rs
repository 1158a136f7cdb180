//! What the integration tests share.
#![allow(
    dead_code,
    clippy::disallowed_methods,
    missing_docs,
    reason = "each test binary uses a part of it"
)]

pub mod git_server;
