//! Requests that were accepted, kept for checks against all that GitHub publishes.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::PathBuf;

use serde_json::Value;

/// Keeps a request in a folder below `GITOPS_STEPS_KEEP`, if that is set: in `graphql` for `.ci/graphql.mjs`, in `rest`
/// for `.ci/prism`. The same request is kept once.
pub fn keep(api: &str, request: &Value) {
    let Some(kept) = std::env::var_os("GITOPS_STEPS_KEEP") else {
        return;
    };
    let request = request.to_string();
    let mut hasher = DefaultHasher::new();
    request.hash(&mut hasher);
    let folder = PathBuf::from(kept).join(api);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{:016x}.json", hasher.finish())), request).unwrap();
}
