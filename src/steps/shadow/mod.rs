//! What lies over a value and is what counts instead: overlays of Kustomize, and the parameters and later values files of
//! Argo CD's Applications.
//!
//! `kustomize` and `patch` know the first, `argo` and `helm` the second. What is found is known from the files of the
//! repository alone: nothing is rendered.

mod argo;
mod helm;
mod kustomize;
mod patch;

use std::rc::Rc;

use super::reading::{Reader, is_template, is_yaml};
use crate::plan::places::kind;
use crate::words::policy::Kind;
use crate::words::repo_path::RepoPath;
use crate::yaml::{self, Path};

/// A value that says what runs.
#[derive(Clone, Debug)]
pub struct Spot {
    /// The file.
    pub file: RepoPath,
    /// What the file says.
    pub yaml: Rc<yaml::File>,
    /// The document, from 0.
    pub document: usize,
    /// The tag, or the whole reference.
    pub path: Path,
    /// The digest beside it, where it has a key of its own: one that is set above hides the tag too.
    pub digest: Option<Path>,
}

/// Something that lies over a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shadow {
    /// The file in which it stands.
    pub file: RepoPath,
    /// The line, from 1.
    pub line: usize,
    /// The column; 0 where it is not known.
    pub column: usize,
    /// What it is and does, as in `the parameter "image.tag" is set here`.
    pub what: String,
}

/// What may lie over values in a repository.
pub struct Layers {
    kustomizations: kustomize::Kustomizations,
    sources: argo::Sources,
}

/// More files have to be read than is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// How many.
    pub files: usize,
}

impl std::fmt::Display for TooMany {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} files would have to be read", self.files)
    }
}

impl std::error::Error for TooMany {}

impl Layers {
    /// Reads the kustomizations and Applications of a repository, if these are not more files than `most`.
    ///
    /// # Errors
    /// [`TooMany`], and a remote that fails.
    pub fn read(reader: &Reader<'_>, most: Option<usize>) -> anyhow::Result<Self> {
        let (kustomizations, others): (Vec<&RepoPath>, Vec<&RepoPath>) = reader
            .listing()
            .iter()
            .filter(|path| is_kustomization(path) || (is_yaml(path) && !is_template(path, reader)))
            .partition(|path| is_kustomization(path));
        let files = kustomizations.len() + others.len();
        if most.is_some_and(|most| files > most) {
            return Err(TooMany { files }.into());
        }
        reader.fetch(kustomizations.iter().copied())?;
        reader.fetch_those(others.iter().copied(), is_of_argo)?;
        Ok(Self {
            kustomizations: kustomize::Kustomizations::of(&kustomizations, reader)?,
            sources: argo::Sources::of(&others, reader)?,
        })
    }

    /// Returns what lies over a value.
    ///
    /// # Errors
    /// A remote that fails.
    pub fn over(&self, spot: &Spot, reader: &Reader<'_>) -> anyhow::Result<Vec<Shadow>> {
        let mut found = match kustomize::Subject::of(spot) {
            Some(subject) => {
                let (mut found, folders) = self.kustomizations.over(spot, subject, reader)?;
                for (folder, name) in folders {
                    found.extend(self.sources.images_over(&folder, &name));
                }
                found
            }
            None => self.sources.values_over(spot, reader)?,
        };
        found.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        found.dedup();
        found.retain(|shadow| shadow.file != spot.file || shadow.line != line_of(spot));
        Ok(found)
    }
}

fn line_of(spot: &Spot) -> usize {
    let document = yaml::Document::Index(spot.document);
    spot.yaml
        .find(Some(&document), &spot.path)
        .map_or(0, yaml::Node::line)
}

fn is_kustomization(path: &RepoPath) -> bool {
    kind::of_file(path) == Some(Kind::Kustomize)
}

/// Tells whether a file may hold an Application, without parsing it.
fn is_of_argo(bytes: &[u8]) -> bool {
    const MARK: &[u8] = b"argoproj.io/";
    bytes.windows(MARK.len()).any(|part| part == MARK)
}

/// Returns the path that a text means in a folder (`""` is the root); `None` where it leaves the repository or is an
/// address.
fn joined(folder: &str, text: &str) -> Option<String> {
    if text.contains("://") || text.starts_with("git@") || text.contains("?ref=") {
        return None;
    }
    let mut parts: Vec<&str> = if text.starts_with('/') {
        Vec::new()
    } else {
        folder.split('/').filter(|part| !part.is_empty()).collect()
    };
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The folder of a file; `""` for the root.
fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_joined_and_never_leaves() {
        for (folder, text, due) in [
            ("a/b", "../c/x.yaml", Some("a/c/x.yaml")),
            ("a", "./x.yaml", Some("a/x.yaml")),
            ("", "x.yaml", Some("x.yaml")),
            ("a", "..", Some("")),
            ("a/b", "/c.yaml", Some("c.yaml")),
            ("a", "../../x", None),
            ("a", "https://x.example/y", None),
            ("a", "github.com/x/y?ref=v1", None),
        ] {
            assert_eq!(joined(folder, text).as_deref(), due, "{folder} {text}");
        }
    }
}
