//! What the tests of this floor share.
#![allow(clippy::disallowed_methods, reason = "tests touch the world")]

use std::fs;

/// Makes a temporary folder that holds these files.
pub(super) fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    for (name, text) in files {
        let file = folder.path().join(name);
        let parent = file.parent().expect("a file lies in a folder");
        fs::create_dir_all(parent).expect("a folder can be made");
        fs::write(file, text).expect("a file can be written");
    }
    folder
}
