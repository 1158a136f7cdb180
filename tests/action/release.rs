//! A release: a copy of the action that pins a binary for every platform, and a mirror that holds the archives.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::runner::executable;
use crate::support::cli::text;

/// Every platform, as `uname` names it and as the release does.
pub const PLATFORMS: [(&str, &str, &str); 6] = [
    ("Linux", "x86_64", "x86_64-unknown-linux-musl"),
    ("Linux", "aarch64", "aarch64-unknown-linux-musl"),
    ("Darwin", "x86_64", "x86_64-apple-darwin"),
    ("Darwin", "arm64", "aarch64-apple-darwin"),
    ("MINGW64_NT-10.0-20348", "x86_64", "x86_64-pc-windows-msvc"),
    ("MSYS_NT-10.0-22631", "aarch64", "aarch64-pc-windows-msvc"),
];

/// What the binary of a release does here: it says its name, and has an output.
const BINARY: &str =
    "echo \"this is TARGET\"\n[ -z \"$GITHUB_OUTPUT\" ] || echo changed=true >>\"$GITHUB_OUTPUT\"";

pub struct Release {
    folder: TempDir,
}

impl Release {
    /// Makes version 9.9.9.
    pub fn new() -> Self {
        let release = Self {
            folder: TempDir::new().unwrap(),
        };
        let source = Path::new(env!("CARGO_MANIFEST_DIR"));
        fs::create_dir_all(release.action().join("action")).unwrap();
        for file in ["action.yml", "action/install.sh"] {
            fs::copy(source.join(file), release.action().join(file)).unwrap();
        }
        let mut manifest = String::from("# version target archive binary\n");
        for (_, _, target) in PLATFORMS {
            let (archive, binary) = release.pack(target, &BINARY.replace("TARGET", target));
            let _ = writeln!(manifest, "9.9.9 {target} {archive} {binary}");
        }
        release.write_manifest(&manifest);
        release
    }

    /// The folder of the action.
    pub fn action(&self) -> PathBuf {
        self.folder.path().join("action")
    }

    /// The mirror's address.
    pub fn base(&self) -> String {
        format!("file://{}", text(&self.folder.path().join("mirror")))
    }

    /// The archive of a platform.
    pub fn archive(&self, target: &str) -> PathBuf {
        let name = format!("mirror/v9.9.9/gitops-steps-9.9.9-{target}.tar.gz");
        self.folder.path().join(name)
    }

    pub fn write_manifest(&self, lines: &str) {
        fs::write(self.action().join("action/manifest.txt"), lines).unwrap();
    }

    pub fn manifest(&self) -> String {
        fs::read_to_string(self.action().join("action/manifest.txt")).unwrap()
    }

    /// Packs an archive whose binary is a shell script; returns the hashes of both.
    pub fn pack(&self, target: &str, script: &str) -> (String, String) {
        let name = format!("gitops-steps-9.9.9-{target}");
        let packed = self.folder.path().join("packed").join(&name);
        fs::create_dir_all(&packed).unwrap();
        fs::create_dir_all(self.archive(target).parent().unwrap()).unwrap();
        let exe = if target.contains("windows") { ".exe" } else { "" };
        let binary = packed.join(format!("gitops-steps{exe}"));
        executable(&binary, script);
        fs::write(packed.join("README.md"), "read me").unwrap();
        let done = Command::new("tar")
            .arg("-czf")
            .arg(self.archive(target))
            .arg("-C")
            .arg(packed.parent().unwrap())
            .arg(&name)
            .status();
        assert!(done.unwrap().success());
        (hash_of(&self.archive(target)), hash_of(&binary))
    }
}

/// The SHA-256 of a file.
pub fn hash_of(path: &Path) -> String {
    let mut hex = String::new();
    for byte in Sha256::digest(fs::read(path).unwrap()) {
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}
