//! Temporary folders that go when the run ends, also when it is interrupted.
#![expect(clippy::disallowed_methods, reason = "an interrupted process is ended here")]

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};
use std::time::Duration;

use tempfile::TempDir;

use super::{clock, signals};

/// What a shell reports for a program that Ctrl-C ended: 128 and the number of SIGINT.
const INTERRUPTED: i32 = 130;
/// How often a folder is tried that is still being written to.
const TRIES: u32 = 20;

static LIVE: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A temporary folder, private to this user. It goes when dropped, and on Ctrl-C and SIGTERM too.
pub(super) struct Scratch(TempDir);

impl Scratch {
    /// Makes one where temporary files belong (`TMPDIR`).
    ///
    /// # Errors
    /// What the file system says.
    pub(super) fn new() -> io::Result<Self> {
        heed_interrupts();
        // Held until the folder is listed, so that no interrupt comes between.
        let mut live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = TempDir::with_prefix("gitops-steps-")?;
        live.push(folder.path().to_owned());
        Ok(Self(folder))
    }

    /// Returns its path.
    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // Removed while it is still listed, so that no interrupt comes between here either.
        let mut live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
        remove(self.0.path());
        live.retain(|path| path != self.0.path());
    }
}

/// Lets nothing interrupt what is to be done whole or not at all, until what it returns is dropped; an interrupt that
/// comes meanwhile ends the process then.
pub(super) fn undisturbed() -> impl Drop {
    heed_interrupts();
    LIVE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From the first folder on, an interrupt removes all folders before it ends the process.
fn heed_interrupts() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Without it the run is ended as any program is.
        let _ = signals::on_first(|| {
            let live = LIVE.lock().unwrap_or_else(PoisonError::into_inner);
            for folder in live.iter() {
                remove(folder);
            }
            std::process::exit(INTERRUPTED);
        });
    });
}

/// Removes a folder into which another thread may be writing.
fn remove(folder: &Path) {
    for _ in 0..TRIES {
        match std::fs::remove_dir_all(folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                #[cfg(windows)]
                let _ = make_writable(folder);
                clock::sleep(Duration::from_millis(5));
            }
            _ => return,
        }
    }
}

/// Git's objects are read-only, and not every file system of Windows lets such files go.
#[cfg(windows)]
fn make_writable(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        let mut permissions = metadata.permissions();
        if metadata.is_dir() {
            make_writable(&entry.path())?;
        } else if permissions.readonly() {
            #[expect(
                clippy::permissions_set_readonly_false,
                reason = "Windows has but this attribute"
            )]
            permissions.set_readonly(false);
            std::fs::set_permissions(entry.path(), permissions)?;
        }
    }
    Ok(())
}
