//! Which files the user means: paths and globs.

use globset::GlobBuilder;

use crate::plan::snapshot::Snapshot;
use crate::words::fault::Fault;
use crate::words::repo_path::RepoPath;

/// One file, and whether the user named it, or only a glob that fits it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The file.
    pub path: RepoPath,
    /// Whether the user named it by its own name.
    pub exact: bool,
}

/// Finds the files that paths and globs mean, each once, in the order in which they were named.
///
/// `*` and `?` stay within a folder, `**` does not, `{a,b}` and `[ab]` choose. A name that exists as it
/// stands is never read as a glob.
///
/// # Errors
/// `NotFound` for a glob that fits no file; `Invalid` or `Refused` for what is no path.
pub fn find(snapshot: &dyn Snapshot, patterns: &[String]) -> anyhow::Result<Vec<Named>> {
    let mut found: Vec<Named> = Vec::new();
    let mut listed: Option<Vec<RepoPath>> = None;
    for pattern in patterns {
        let path = RepoPath::parse(pattern)?;
        let is_glob = pattern.contains(['*', '?', '[', '{']);
        let mut fitting = Vec::new();
        if is_glob {
            if listed.is_none() {
                listed = Some(snapshot.list()?);
            }
            let all = listed.as_deref().unwrap_or_default();
            if all.binary_search(&path).is_err() {
                fitting = matching(pattern, &path, all)?;
            }
        }
        if fitting.is_empty() {
            add(&mut found, Named { path, exact: true });
        }
        for path in fitting {
            add(&mut found, Named { path, exact: false });
        }
    }
    Ok(found)
}

fn matching(pattern: &str, path: &RepoPath, all: &[RepoPath]) -> Result<Vec<RepoPath>, Fault> {
    let shown = pattern.escape_debug();
    let glob = GlobBuilder::new(path.as_str())
        .literal_separator(true)
        .backslash_escape(false)
        .build()
        .map_err(|error| Fault::invalid(format!("`{shown}` is not a glob: {}", error.kind())))?
        .compile_matcher();
    let fitting: Vec<RepoPath> = all
        .iter()
        .filter(|path| glob.is_match(path.as_str()))
        .cloned()
        .collect();
    if fitting.is_empty() {
        return Err(
            Fault::not_found(format!("no file of the config repo fits `{shown}`"))
                .hint("`*` stays within a folder; use `**` to go deeper"),
        );
    }
    Ok(fitting)
}

fn add(found: &mut Vec<Named>, named: Named) {
    match found.iter_mut().find(|known| known.path == named.path) {
        Some(known) => known.exact |= named.exact,
        None => found.push(named),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::snapshot::Blob;

    struct Listing(Vec<RepoPath>);

    impl Snapshot for Listing {
        fn commit(&self) -> Option<&str> {
            None
        }
        fn read(&self, paths: &[RepoPath]) -> anyhow::Result<Vec<Option<Blob>>> {
            Ok(vec![None; paths.len()])
        }
        fn list(&self) -> anyhow::Result<Vec<RepoPath>> {
            Ok(self.0.clone())
        }
    }

    fn found(patterns: &[&str]) -> anyhow::Result<Vec<(String, bool)>> {
        let mut all: Vec<RepoPath> = ["a/x.yaml", "a/b/x.yaml", "a/b/y.yml", "odd[1].yaml", "odd1.yaml"]
            .iter()
            .map(|path| RepoPath::parse(path).unwrap())
            .collect();
        all.sort();
        let patterns: Vec<String> = patterns.iter().map(ToString::to_string).collect();
        let found = find(&Listing(all), &patterns)?;
        Ok(found
            .into_iter()
            .map(|named| (named.path.to_string(), named.exact))
            .collect())
    }

    #[test]
    fn a_star_stays_in_its_folder_and_two_go_deeper() {
        assert_eq!(found(&["a/*.yaml"]).unwrap(), [("a/x.yaml".into(), false)]);
        assert_eq!(found(&["./a/**/*.{yaml,yml}"]).unwrap().len(), 3);
    }

    #[test]
    fn a_name_that_exists_is_not_read_as_a_glob() {
        assert_eq!(found(&["odd[1].yaml"]).unwrap(), [("odd[1].yaml".into(), true)]);
    }

    #[test]
    fn a_file_named_twice_is_changed_once() {
        assert_eq!(
            found(&["a/*.yaml", "a/x.yaml"]).unwrap(),
            [("a/x.yaml".into(), true)]
        );
    }

    #[test]
    fn a_glob_that_fits_nothing_is_an_error_that_says_how_to_go_deeper() {
        let error = found(&["*.json"]).unwrap_err();
        let fault = error.downcast_ref::<Fault>().unwrap();
        assert!(fault.hint.as_deref().unwrap().contains("**"), "{fault:?}");
    }
}
