//! A temporary repository beside a clone: it has all that the clone has, and what is written to it stays out of the clone.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, Repository};

use crate::words::fault::{Fault, Kind};
use crate::words::wording::shown;
use crate::world::files;

/// Opens the repository around a directory.
pub(super) fn discovered(directory: &Path) -> anyhow::Result<(PathBuf, Repository)> {
    let name = shown(&directory.display().to_string());
    let root = dunce::canonicalize(directory)
        .map_err(|error| Fault::not_found(format!("cannot open the directory `{name}`: {error}")))?;
    let clone = Repository::discover(&root).map_err(|error| {
        let why = error.message().escape_debug().to_string();
        let fault = Fault::invalid(format!("`{name}` is no git repository: {why}"));
        match error.code() {
            ErrorCode::Owner => {
                fault.hint("run `git config --global --add safe.directory <the folder>`, as git itself asks")
            }
            _ => fault.hint("name a clone of the app's repository, or its address, with --repo"),
        }
    })?;
    Ok((root, clone))
}

/// Makes a repository that has what a clone has, its refs and where it ends too, and leaves the clone as it is.
pub(super) fn beside(clone: &Repository, home: &Path) -> anyhow::Result<Repository> {
    let failed = |error: &git2::Error| unmade(error.message());
    drop(Repository::init_bare(home).map_err(|error| failed(&error))?);
    let common = clone.commondir();
    let objects = common.join("objects");
    let objects = objects
        .to_str()
        .filter(|path| !path.contains('\n'))
        .ok_or_else(|| Fault::invalid("the path of the repository's objects is not text"))?;
    files::write(&home.join("objects/info/alternates"), &format!("{objects}\n"))?;
    if clone.is_shallow() {
        let ends = files::read(&common.join("shallow"), 64 * 1024 * 1024)?;
        files::write(&home.join("shallow"), &String::from_utf8_lossy(&ends))?;
    }
    let mut refs = BTreeMap::new();
    for reference in clone.references()? {
        let Ok(reference) = reference else { continue };
        if let (Ok(name), Some(id)) = (reference.name(), reference.target()) {
            refs.insert(name.to_owned(), id);
        }
    }
    // A detached HEAD may be on no branch.
    if let Ok(head) = clone.head().and_then(|head| head.peel_to_commit()) {
        refs.insert("refs/clone/head".to_owned(), head.id());
    }
    let mut packed = String::from("# pack-refs with: \n");
    for (name, id) in refs {
        let _ = writeln!(packed, "{id} {name}");
    }
    files::write(&home.join("packed-refs"), &packed)?;
    Ok(Repository::open_bare(home).map_err(|error| failed(&error))?)
}

/// Says that there is no place for temporary files.
pub(super) fn unmade(why: &str) -> Fault {
    Fault::new(
        Kind::Internal,
        format!("cannot make a temporary repository: {}", why.escape_debug()),
    )
    .hint("let TMPDIR name a folder that can be written")
}
