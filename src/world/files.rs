//! Files outside the config repo: event bodies, bulk lists, tokens, results.

#![expect(
    clippy::disallowed_methods,
    reason = "this file is where such files are read and written"
)]

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::{Path, is_separator};

use anyhow::Context as _;

use crate::words::fault::Fault;
use crate::words::wording::shown_path;

/// Reads a file, or standard input for `-`, up to a limit in bytes.
///
/// # Errors
/// A fault of kind `Invalid` for what cannot be read or is longer.
pub fn read(path: &Path, limit: u64) -> anyhow::Result<Vec<u8>> {
    let shown = shown_path(path);
    let reading = || format!("cannot read `{shown}`");
    let source: Box<dyn Read> = if path.as_os_str() == "-" {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(path)
            .map_err(|error| Fault::invalid(error.to_string()))
            .with_context(reading)?;
        Box::new(file)
    };
    let mut bytes = Vec::new();
    source
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Fault::invalid(error.to_string()))
        .with_context(reading)?;
    if bytes.len() as u64 > limit {
        return Err(Fault::invalid(format!("`{shown}` is longer than {limit} bytes")).into());
    }
    Ok(bytes)
}

/// Appends text to a file that the CI host reads.
///
/// # Errors
/// A fault of kind `Invalid` with what the file system says.
pub fn append(path: &Path, text: &str) -> anyhow::Result<()> {
    let write = || {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)?
            .write_all(text.as_bytes())
    };
    write().map_err(|error| unwritten("append to", path, &error))
}

/// Writes a file whole: to a temporary file beside it, then in its place.
///
/// # Errors
/// A fault of kind `Invalid` with what the file system says; the file is then as it was.
pub fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let folder = folder_of(path);
    let write = || -> io::Result<()> {
        if is_device(path) {
            return OpenOptions::new()
                .write(true)
                .open(path)?
                .write_all(text.as_bytes());
        }
        let mut file = tempfile::Builder::new()
            .prefix(".gitops-steps-")
            .tempfile_in(folder)?;
        file.write_all(text.as_bytes())?;
        readable_by_all(file.as_file())?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().map_err(|error| unwritten("write", path, &error))
}

/// Checks, before anything is done, that a file can be put where it shall be written later.
///
/// # Errors
/// A fault of kind `Invalid` where its folder does not exist or is none, or where a folder has its name.
pub fn check_place(path: &Path) -> Result<(), Fault> {
    let shown = shown_path(path);
    let folder = folder_of(path);
    if path.is_dir() || path.as_os_str().to_string_lossy().ends_with(is_separator) {
        return Err(
            Fault::invalid(format!("cannot write `{shown}`: it is a folder")).hint("name a file in it")
        );
    }
    if !folder.is_dir() {
        let what = if folder.exists() {
            "is no folder"
        } else {
            "does not exist"
        };
        let folder = shown_path(folder);
        return Err(
            Fault::invalid(format!("cannot write `{shown}`: `{folder}` {what}"))
                .hint("create the folder before this run, or name a file elsewhere"),
        );
    }
    Ok(())
}

/// Returns what an absolute path inside a directory is relative to it, with `/` between folders; `None` for a
/// relative path, and for one that is elsewhere.
///
/// The directory may be named in another way than the path names it, through a symbolic link; links inside it
/// are not followed. The path may be a glob, and need not exist.
pub fn relative_to(directory: &Path, path: &str) -> Option<String> {
    let path = Path::new(path);
    if !path.is_absolute() {
        return None;
    }
    let root = dunce::canonicalize(directory).ok()?;
    let mut above: Vec<&Path> = path.ancestors().skip(1).collect();
    above.reverse();
    let inside = above
        .into_iter()
        .find(|folder| dunce::canonicalize(folder).is_ok_and(|folder| folder == root))
        .and_then(|folder| path.strip_prefix(folder).ok())?;
    let parts: Option<Vec<&str>> = inside.iter().map(|part| part.to_str()).collect();
    Some(parts?.join("/"))
}

/// Whether a path names a pipe or a device such as /dev/stderr, which cannot be replaced.
fn is_device(path: &Path) -> bool {
    // Windows tells nothing of this one.
    let nowhere = cfg!(windows) && path.as_os_str().eq_ignore_ascii_case("NUL");
    nowhere || path.symlink_metadata().is_ok_and(|metadata| !metadata.is_file())
}

fn folder_of(path: &Path) -> &Path {
    path.parent()
        .filter(|parent| !parent.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Says what the system said, without the name of the temporary file that it was met at.
pub(in crate::world) fn of_system(error: &io::Error) -> String {
    let text = error.to_string();
    // So tempfile adds it.
    let (said, _) = text.rsplit_once(" at path ").unwrap_or((&text, ""));
    said.to_owned()
}

fn unwritten(verb: &str, path: &Path, error: &io::Error) -> anyhow::Error {
    let shown = shown_path(path);
    // A temporary file's error names that file; the kind says as much, and no more.
    let why = error.kind();
    Fault::invalid(format!("cannot {verb} `{shown}`: {why}")).into()
}

/// A temporary file is private; a result is for the next step, which may be another user.
#[cfg(unix)]
fn readable_by_all(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn readable_by_all(_: &File) -> io::Result<()> {
    Ok(())
}

/// Returns whether a path leads to a folder.
pub fn is_folder(path: &Path) -> bool {
    path.is_dir()
}

/// Returns whether two paths lead to one folder, which need not be there yet.
pub fn is_same_folder(one: &Path, other: &Path) -> bool {
    let resolved = |path: &Path| {
        let path = std::path::absolute(path).ok()?;
        let there = path.ancestors().find(|above| above.exists())?;
        let rest = path.strip_prefix(there).ok()?;
        Some(dunce::canonicalize(there).ok()?.join(rest))
    };
    one == other || resolved(one).is_some_and(|one| resolved(other) == Some(one))
}

/// Checks that a folder that is not there can be created: nothing else has its name, or that of one above it.
///
/// # Errors
/// A fault of kind `Refused` that names what is in the way.
pub fn check_room(path: &Path) -> Result<(), Fault> {
    let there = path.ancestors().find(|above| above.symlink_metadata().is_ok());
    match there.filter(|there| !there.is_dir()) {
        None => Ok(()),
        Some(there) => Err(Fault::refused(format!("`{}` is no folder", shown_path(there)))
            .hint("nothing was written: move away what is there, or name another directory")),
    }
}

/// Creates a folder and those above it.
///
/// # Errors
/// A fault of kind `Invalid` with what the file system says.
pub fn create_folder(path: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(path).map_err(|error| unwritten("create the folder", path, &error))
}
