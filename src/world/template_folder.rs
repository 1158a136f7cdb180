//! Reads the files of a template's folder, which may be anybody's: no link is followed, nothing is run, and what is too
//! much is refused.
#![expect(clippy::disallowed_methods, reason = "reads the files of the template")]

use std::fs;
use std::path::Path;

use crate::words::fault::Fault;
use crate::words::folder_template::FolderFile;
use crate::words::wording::{shown, shown_path};

/// The most files of a template.
const FILES_MAX: usize = 1000;
/// The most bytes of one file.
const FILE_MAX: u64 = 1024 * 1024;
/// The most bytes of all.
const ALL_MAX: u64 = 8 * 1024 * 1024;
/// How deep folders may lie in one another.
const DEEPEST: usize = 24;

/// What a template may take, and has taken.
#[derive(Default)]
pub(super) struct Bounds {
    files: usize,
    bytes: u64,
}

impl Bounds {
    /// Counts a file.
    ///
    /// # Errors
    /// `Invalid` where it is too large, or one too many.
    pub(super) fn count(&mut self, path: &str, size: u64) -> Result<(), Fault> {
        self.files += 1;
        self.bytes += size;
        let path = shown(path);
        let too_much = if size > FILE_MAX {
            format!("`{path}` of the template has {size} bytes; at most {FILE_MAX} are read")
        } else if self.files > FILES_MAX {
            format!("the template has more than {FILES_MAX} files")
        } else if self.bytes > ALL_MAX {
            format!("the template has more than {ALL_MAX} bytes")
        } else if path.matches('/').count() > DEEPEST {
            format!("`{path}` of the template lies more than {DEEPEST} folders deep")
        } else {
            return Ok(());
        };
        Err(Fault::invalid(too_much).hint("is it the folder of a template?"))
    }

    /// Returns the fault of what is neither a file nor a folder.
    pub(super) fn odd(path: &str, what: &str) -> Fault {
        Fault::refused(format!("`{}` of the template is {what}", shown(path)))
            .hint("a template holds files and folders alone")
    }
}

/// Reads a folder; git's own is passed over.
///
/// # Errors
/// `NotFound` if it is none, `Refused` for a symbolic link or a device in it, `Invalid` for what is too much.
pub fn read(folder: &Path) -> Result<Vec<FolderFile<String>>, Fault> {
    let root = dunce::canonicalize(folder)
        .ok()
        .filter(|root| root.is_dir())
        .ok_or_else(|| Fault::not_found(format!("there is no folder `{}`", shown_path(folder))))?;
    let mut bounds = Bounds::default();
    let mut files = Vec::new();
    let mut ahead = vec![String::new()];
    while let Some(below) = ahead.pop() {
        let failed = |e: std::io::Error| {
            Fault::invalid(format!("cannot read `{}` of the template: {e}", shown(&below)))
        };
        for entry in fs::read_dir(root.join(&below)).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            let name = entry.file_name();
            let Some(name) = name.to_str() else {
                return Err(Bounds::odd(
                    &below,
                    "a folder with a name in it that is not UTF-8",
                ));
            };
            if below.is_empty() && name == ".git" {
                continue;
            }
            let path = format!("{below}{name}");
            if kind.is_symlink() {
                return Err(Bounds::odd(&path, "a symbolic link"));
            } else if kind.is_dir() {
                if path.matches('/').count() > DEEPEST {
                    bounds.count(&path, 0)?;
                }
                ahead.push(format!("{path}/"));
            } else if kind.is_file() {
                let metadata = entry.metadata().map_err(failed)?;
                bounds.count(&path, metadata.len())?;
                files.push(FolderFile {
                    bytes: fs::read(entry.path()).map_err(failed)?,
                    executable: is_executable(&metadata),
                    path,
                });
            } else {
                return Err(Bounds::odd(&path, "no regular file"));
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}

#[cfg(unix)]
fn is_executable(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    metadata.permissions().mode() & 0o100 != 0
}

#[cfg(not(unix))]
fn is_executable(_: &fs::Metadata) -> bool {
    false
}
