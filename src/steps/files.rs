//! Which files the user means: paths and globs.

use globset::{GlobBuilder, GlobMatcher};

use crate::plan::snapshot::Snapshot;
use crate::words::fault::Fault;
use crate::words::policy::FILE_NAME;
use crate::words::repo_path::RepoPath;

/// About how many globs the braces of one may stand for.
const ALTERNATIVES_MAX: usize = 1000;
/// The most files that one run reads because a glob fits them.
const FITTING_MAX: usize = 10_000;

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
/// `*` and `?` stay within a folder, `**` does not, `{a,b}` and `[ab]` choose. As in a shell, a part that begins
/// with a dot is met only by a part of the glob that begins with one; the policy file has to be named. A name that
/// exists as it stands is never read as a glob.
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
    let globs = alternatives(path.as_str())
        .ok_or_else(|| {
            Fault::invalid(format!(
                "the braces of `{shown}` stand for more than {ALTERNATIVES_MAX} globs"
            ))
        })?
        .iter()
        .map(|alternative| DottedGlob::new(pattern, alternative))
        .collect::<Result<Vec<_>, _>>()?;
    let (mut meant, mut passed_over) = (Vec::new(), None);
    for file in all {
        let fitting = globs.iter().filter(|glob| glob.fits(file));
        let mut dotted = fitting.map(|glob| glob.dots == dots(file.as_str())).peekable();
        if dotted.peek().is_none() {
            continue;
        }
        if file.as_str() != FILE_NAME && dotted.any(|named| named) {
            meant.push(file.clone());
        } else {
            passed_over = passed_over.or(Some(file));
        }
    }
    if meant.len() > FITTING_MAX {
        return Err(Fault::invalid(format!(
            "`{shown}` fits {} files; at most {FITTING_MAX} are changed in one run",
            meant.len()
        ))
        .hint("take a narrower glob, and more runs"));
    }
    if meant.is_empty() {
        let fault = Fault::not_found(format!("no file of the config repo fits `{shown}`"));
        return Err(match passed_over {
            Some(file) => fault.hint(format!(
                "a glob passes over the policy file and over names that begin with a dot; name `{file}` to change it"
            )),
            None => fault.hint("`*` stays within a folder; use `**` to go deeper"),
        });
    }
    Ok(meant)
}

/// A glob without braces, and how many of its parts begin with a dot.
///
/// Each of these parts fits one part of a path, which begins with a dot too. So where the glob fits a path, it
/// names all dots of the path if there are as many.
struct DottedGlob {
    matcher: GlobMatcher,
    dots: usize,
}

impl DottedGlob {
    fn new(pattern: &str, alternative: &str) -> Result<Self, Fault> {
        let path = RepoPath::parse(alternative)?;
        let glob = GlobBuilder::new(path.as_str())
            .literal_separator(true)
            .backslash_escape(false)
            .build()
            .map_err(|error| {
                let shown = pattern.escape_debug();
                Fault::invalid(format!("`{shown}` is not a glob: {}", error.kind()))
            })?;
        Ok(Self {
            matcher: glob.compile_matcher(),
            dots: dots(path.as_str()),
        })
    }

    fn fits(&self, file: &RepoPath) -> bool {
        self.matcher.is_match(file.as_str())
    }
}

fn dots(path: &str) -> usize {
    path.split('/').filter(|part| part.starts_with('.')).count()
}

/// Writes out the braces of a glob, as a shell does first of all; `None` if there are too many.
///
/// Braces that are not closed stay, for the glob's own parser to refuse.
fn alternatives(glob: &str) -> Option<Vec<String>> {
    let mut done = Vec::new();
    let mut ahead = vec![glob.to_owned()];
    for _ in 0..2 * ALTERNATIVES_MAX {
        let Some(glob) = ahead.pop() else {
            return Some(done);
        };
        match first_braces(&glob) {
            Some((before, choices, after)) => {
                let written = choices
                    .iter()
                    .rev()
                    .map(|choice| [before, choice, after].concat());
                ahead.extend(written);
            }
            None => done.push(glob),
        }
    }
    None
}

/// Splits a glob at its first braces: what is before them, what they choose from, and what is after them.
fn first_braces(glob: &str) -> Option<(&str, Vec<&str>, &str)> {
    let (mut depth, mut open, mut start) = (0_usize, 0, 0);
    let mut choices = Vec::new();
    let mut class_ends = 0;
    for (at, byte) in glob.bytes().enumerate() {
        if at < class_ends {
            continue;
        }
        match byte {
            b'[' => class_ends = class_end(glob, at),
            b'{' => {
                depth += 1;
                if depth == 1 {
                    (open, start) = (at, at + 1);
                }
            }
            b',' if depth == 1 => {
                choices.push(&glob[start..at]);
                start = at + 1;
            }
            b'}' if depth > 0 => {
                depth -= 1;
                if depth == 0 {
                    choices.push(&glob[start..at]);
                    return Some((&glob[..open], choices, &glob[at + 1..]));
                }
            }
            _ => {}
        }
    }
    None
}

/// Returns where the class `[…]` that opens at `open` ends; a `]` that stands first in it is one of its characters.
fn class_end(glob: &str, open: usize) -> usize {
    let inside = &glob[open + 1..];
    let first = usize::from(inside.starts_with(['!', '^']));
    inside
        .bytes()
        .enumerate()
        .skip(first + 1)
        .find(|(_, byte)| *byte == b']')
        .map_or(open + 1, |(at, _)| open + 1 + at + 1)
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
        fn history(
            &self,
            _: &RepoPath,
            _: usize,
        ) -> anyhow::Result<Vec<crate::plan::comparison::LoggedCommit>> {
            Ok(Vec::new())
        }
        fn at(&self, _: &str) -> anyhow::Result<Box<dyn Snapshot + '_>> {
            unreachable!("a list of files has no past")
        }
    }

    fn found(patterns: &[&str]) -> anyhow::Result<Vec<(String, bool)>> {
        found_in(
            &["a/x.yaml", "a/b/x.yaml", "a/b/y.yml", "odd[1].yaml", "odd1.yaml"],
            patterns,
        )
    }

    fn found_in(files: &[&str], patterns: &[&str]) -> anyhow::Result<Vec<(String, bool)>> {
        let mut all: Vec<RepoPath> = files.iter().map(|path| RepoPath::parse(path).unwrap()).collect();
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
    fn a_glob_that_fits_too_many_files_is_refused() {
        let names: Vec<String> = (0..=FITTING_MAX).map(|at| format!("a/{at}.yaml")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let error = found_in(&names, &["a/*.yaml"]).unwrap_err();
        let why = "`a/*.yaml` fits 10001 files; at most 10000 are changed in one run";
        assert_eq!(error.downcast_ref::<Fault>().unwrap().message, why);
        assert_eq!(found_in(&names, &["a/*[0-4].yaml"]).unwrap().len(), 5001);
    }

    #[test]
    fn a_glob_that_fits_nothing_is_an_error_that_says_how_to_go_deeper() {
        let error = found(&["*.json"]).unwrap_err();
        let fault = error.downcast_ref::<Fault>().unwrap();
        assert!(fault.hint.as_deref().unwrap().contains("**"), "{fault:?}");
    }

    #[test]
    fn a_glob_meets_a_leading_dot_only_with_a_dot_of_its_own_and_never_the_policy_file() {
        let files = [
            ".github/a.yaml",
            ".gitops-steps.yaml",
            ".x.yaml",
            "a/.b/.c.yaml",
            "a/.b/c.yaml",
            "a/c.yaml",
            "c.yaml",
        ];
        for (glob, due) in [
            ("**/*.yaml", &["a/c.yaml", "c.yaml"][..]),
            ("**", &["a/c.yaml", "c.yaml"]),
            ("*.yaml", &["c.yaml"]),
            (".*.yaml", &[".x.yaml"]),
            ("{.x,*}.yaml", &[".x.yaml", "c.yaml"]),
            ("{a/.b,.github}/*", &[".github/a.yaml", "a/.b/c.yaml"]),
            ("{.github/{a,b},c}.yaml", &[".github/a.yaml", "c.yaml"]),
            ("**/.*/*.yaml", &[".github/a.yaml", "a/.b/c.yaml"]),
            ("a/.b/{.,}c.yaml", &["a/.b/.c.yaml", "a/.b/c.yaml"]),
            ("[.c]*.yaml", &["c.yaml"]),
            ("[{,c]*.yaml", &["c.yaml"]),
            ("[]c]*.yaml", &["c.yaml"]),
        ] {
            let found = found_in(&files, &[glob]).unwrap_or_else(|error| panic!("{glob}: {error}"));
            let found: Vec<&str> = found.iter().map(|(path, _)| path.as_str()).collect();
            assert_eq!(found, due, "{glob}");
        }
        for glob in [
            "?gitops-steps.yaml",
            ".gitops-*.yaml",
            "?x.yaml",
            "[.]x.yaml",
            "*/*/.c.yaml",
        ] {
            let error = found_in(&files, &[glob]).expect_err(glob);
            let fault = error.downcast_ref::<Fault>().unwrap();
            assert!(
                fault.hint.as_deref().unwrap().contains("begin with a dot"),
                "{glob}: {fault:?}"
            );
        }
        assert_eq!(
            found_in(&files, &[".gitops-steps.yaml"]).unwrap(),
            [(".gitops-steps.yaml".into(), true)]
        );
    }

    #[test]
    fn braces_that_never_close_or_stand_for_too_much_are_refused() {
        for glob in [
            "{a",
            "a}*",
            &"{a,b}".repeat(40),
            &"{".repeat(4000),
            "{a,../b}",
            "{.git,a}/*",
        ] {
            found(&[glob]).expect_err(glob);
        }
    }
}
