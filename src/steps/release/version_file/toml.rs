//! `Cargo.toml` and `pyproject.toml`: a parser tells where the value lies, its bytes are replaced, and the result is parsed
//! again.

use std::ops::Range;

use semver::Version;
use toml_edit::{Document, Item, TableLike};

use super::{Written, place, utf8};
use crate::plan::ValueChange;
use crate::words::fault::{Fault, Kind as FaultKind};
use crate::words::repo_path::RepoPath;
use crate::words::wording::{one_line, shown};

/// Whose file it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Cargo's.
    Cargo,
    /// Python's.
    Python,
}

impl Kind {
    /// The tables that may hold the version.
    fn tables(self) -> [&'static [&'static str]; 2] {
        match self {
            Self::Cargo => [&["package"], &["workspace", "package"]],
            Self::Python => [&["project"], &["tool", "poetry"]],
        }
    }
}

/// A version's place in the text.
struct Found {
    path: String,
    old: String,
    /// The bytes of the value, quotes aside.
    span: Range<usize>,
}

/// Sets the version in each of the tables that has one.
pub(super) fn write(path: &RepoPath, bytes: &[u8], version: &Version, kind: Kind) -> Result<Written, Fault> {
    let text = utf8(path, bytes)?;
    if kind == Kind::Python {
        fits_python(path, version)?;
    }
    let found = find(path, text, kind)?;
    let new = version.to_string();
    let mut result = text.to_owned();
    for one in found.iter().rev().filter(|one| one.old != new) {
        result.replace_range(one.span.clone(), &new);
    }
    let proof = find(path, &result, kind)?;
    if proof.len() != found.len() || proof.iter().any(|one| one.old != new) {
        let why = format!("the version in `{path}` did not come out as asked; nothing was written");
        return Err(Fault::new(FaultKind::Internal, why).hint("please report it with the file"));
    }
    let changes = found.iter().filter(|one| one.old != new).map(|one| ValueChange {
        file: path.to_string(),
        path: one.path.clone(),
        line: place(text, one.span.start).0,
        old: Some(one.old.clone()),
        new: Some(new.clone()),
        cluster: None,
    });
    Ok(Written {
        changes: changes.collect(),
        bytes: result.into_bytes(),
    })
}

fn find(path: &RepoPath, text: &str, kind: Kind) -> Result<Vec<Found>, Fault> {
    let document = Document::parse(text).map_err(|error| {
        let (line, column) = error.span().map_or((0, 0), |span| place(text, span.start));
        Fault::invalid(format!("it is no TOML: {}", one_line(error.message()))).at(
            path.as_str(),
            line,
            column,
        )
    })?;
    let mut found = Vec::new();
    let mut elsewhere = None;
    for table in kind.tables() {
        let Some(held) = table_at(document.as_item(), table) else {
            continue;
        };
        match held.get("version") {
            Some(item) if item.is_str() => found.push(of(path, text, &table.join("."), item)?),
            Some(_) => elsewhere = elsewhere.or(Some("it takes its version from the workspace")),
            None if held.get("dynamic").is_some() => {
                elsewhere = elsewhere.or(Some("its version is dynamic, so another file holds it"));
            }
            None => {}
        }
    }
    found.sort_by_key(|one| one.span.start);
    if !found.is_empty() {
        return Ok(found);
    }
    let fault = if let Some(why) = elsewhere {
        Fault::not_found(why).hint("name the file that holds it with --write")
    } else {
        let tables = kind.tables().map(|table| format!("[{}]", table.join(".")));
        Fault::not_found(format!("neither {} nor {} has a version", tables[0], tables[1]))
    };
    Err(fault.at(path.as_str(), 0, 0))
}

fn table_at<'d>(root: &'d Item, names: &[&str]) -> Option<&'d dyn TableLike> {
    names
        .iter()
        .try_fold(root, |item, name| item.get(name))?
        .as_table_like()
}

fn of(path: &RepoPath, text: &str, table: &str, item: &Item) -> Result<Found, Fault> {
    let old = item.as_str().unwrap_or_default();
    let span = item.span().unwrap_or_default();
    let written = text.get(span.clone()).unwrap_or_default();
    // A version has no need of escapes: where the text within the quotes is not the value, it is no usual one.
    let inside = ["\"", "'"]
        .iter()
        .find_map(|quote| written.strip_prefix(quote)?.strip_suffix(quote));
    if inside != Some(old) {
        let (line, column) = place(text, span.start);
        return Err(Fault::invalid(format!(
            "the version `{}` is written in an unusual way",
            shown(written)
        ))
        .at(path.as_str(), line, column)
        .hint("write it between plain quotes"));
    }
    Ok(Found {
        path: format!("{table}.version"),
        old: old.to_owned(),
        span: span.start + 1..span.end - 1,
    })
}

/// Python takes a pre-release only by the words that its own rules know (PEP 440).
fn fits_python(path: &RepoPath, version: &Version) -> Result<(), Fault> {
    const WORDS: [&str; 8] = ["a", "alpha", "b", "beta", "c", "rc", "pre", "preview"];
    let pre = version.pre.as_str();
    let word = pre.split('.').next().unwrap_or_default();
    let numbered = pre
        .strip_prefix(word)
        .is_some_and(|rest| rest.is_empty() || rest[1..].bytes().all(|byte| byte.is_ascii_digit()));
    if pre.is_empty() || (WORDS.contains(&word) && numbered) {
        return Ok(());
    }
    Err(Fault::invalid(format!("{version} is no version of Python's"))
        .at(path.as_str(), 0, 0)
        .hint("name the channel alpha, beta or rc: https://peps.python.org/pep-0440/#pre-releases"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, text: &str, version: &str) -> Result<String, Fault> {
        let path = RepoPath::parse(name).unwrap();
        let kind = if name == "Cargo.toml" {
            Kind::Cargo
        } else {
            Kind::Python
        };
        let written = write(&path, text.as_bytes(), &Version::parse(version).unwrap(), kind)?;
        Ok(String::from_utf8(written.bytes).unwrap())
    }

    #[test]
    fn only_the_bytes_of_the_value_change() {
        for (name, before, after) in [
            (
                "Cargo.toml",
                "[package]\r\nname   = 'a' # n\r\nversion   =   '",
                "'   # keep\r\n\r\n[dependencies]\r\nb = { version = \"0.0.1\" }\r\n",
            ),
            ("Cargo.toml", "package = {name=\"a\",version=\"", "\"}"),
            (
                "Cargo.toml",
                "[workspace]\nmembers = []\n[workspace.package]\nversion=\"",
                "\"\n",
            ),
            (
                "Cargo.toml",
                "package.name = \"ä\"\npackage.\"version\" = \"",
                "\"",
            ),
            (
                "pyproject.toml",
                "[project]\nname = \"a\"\nversion = \"",
                "\"\ndynamic = [\"readme\"]\n",
            ),
            (
                "pyproject.toml",
                "# [project]\n[tool.poetry]\nversion = '",
                "'\n[tool.black]\nversion = 1\n",
            ),
        ] {
            let new = written(name, &format!("{before}0.0.1{after}"), "1.3.0").unwrap();
            assert_eq!(new, format!("{before}1.3.0{after}"));
        }
    }

    #[test]
    fn both_tables_of_a_workspace_root_get_it() {
        let text = "[workspace.package]\nversion = \"1.0.0\"\n\n[package]\nversion = \"1.2.0\"\n";
        let new = written("Cargo.toml", text, "10.20.30").unwrap();
        assert_eq!(
            new,
            text.replace("1.0.0", "10.20.30").replace("1.2.0", "10.20.30")
        );
    }

    #[test]
    fn a_file_without_a_version_of_its_own_says_so() {
        for (name, text, why) in [
            (
                "Cargo.toml",
                "[package]\nversion.workspace = true\n",
                "from the workspace",
            ),
            (
                "Cargo.toml",
                "[workspace]\nmembers = []\n",
                "neither [package] nor [workspace.package]",
            ),
            (
                "pyproject.toml",
                "[project]\ndynamic = [\"version\"]\n",
                "dynamic",
            ),
            ("pyproject.toml", "[project\n", "no TOML"),
            ("Cargo.toml", "[package]\nversion = \"\\u0031.0.0\"\n", "unusual"),
            (
                "Cargo.toml",
                "[package]\nversion = \"\"\"1.0.0\"\"\"\n",
                "unusual",
            ),
        ] {
            let fault = written(name, text, "1.0.0").unwrap_err();
            assert!(fault.message.contains(why), "{text}: {fault}");
        }
    }

    #[test]
    fn python_takes_the_channels_that_it_knows() {
        let text = "[project]\nversion = \"1\"\n";
        assert!(written("pyproject.toml", text, "1.3.0-rc.1").is_ok());
        for other in ["1.3.0-next.1", "1.3.0-rc.x", "1.3.0-rc.1.2"] {
            assert!(written("pyproject.toml", text, other).is_err(), "{other}");
        }
    }
}
