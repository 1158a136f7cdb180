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
    /// Reads the kustomizations and Applications of a repository, if these are not more files than `most`. Where these
    /// spots alone are asked for later, what cannot lie over them is not parsed.
    ///
    /// # Errors
    /// [`TooMany`], and a remote that fails.
    pub fn read(reader: &Reader<'_>, most: Option<usize>, spots: Option<&[Spot]>) -> anyhow::Result<Self> {
        let built = spots.is_none_or(|spots| spots.iter().any(|spot| kustomize::Subject::of(spot).is_some()));
        let (kustomizations, others): (Vec<&RepoPath>, Vec<&RepoPath>) = reader
            .listing()
            .iter()
            .filter(|path| is_kustomization(path) || (is_yaml(path) && !is_template(path, reader)))
            .filter(|path| built || !is_kustomization(path))
            .partition(|path| is_kustomization(path));
        let files = kustomizations.len() + others.len();
        if most.is_some_and(|most| files > most) {
            return Err(TooMany { files }.into());
        }
        reader.fetch(kustomizations.iter().copied())?;
        reader.fetch_those(others.iter().copied(), |bytes| {
            is_of_argo(bytes) && spots.is_none_or(|spots| may_concern(bytes, spots))
        })?;
        Ok(Self {
            kustomizations: kustomize::Kustomizations::of(&kustomizations, reader)?,
            sources: argo::Sources::of(&others, reader)?,
        })
    }

    /// Returns the Application that reads other values files of the chart in whose folder a value lies, where none reads
    /// the file of the value: then it may be that nothing does.
    pub fn passing_over(&self, spot: &Spot, reader: &Reader<'_>) -> Option<&RepoPath> {
        let root = spot.yaml.documents().nth(spot.document);
        let is_values = is_yaml(&spot.file)
            && kind::of_file(&spot.file).is_none()
            && root.is_some_and(|root| root.get("kind").is_none());
        let mut above = spot.file.folders().rev();
        let chart = above.find(|folder| is_values && reader.has(&format!("{folder}/Chart.yaml")))?;
        self.sources.passing_over(spot.file.as_str(), chart.as_str())
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
    std::str::from_utf8(bytes).is_ok_and(|text| text.contains("argoproj.io/"))
}

/// Tells whether an Application may lie over any of these values, without parsing it: it has holes, pins what Kustomize
/// builds, or names every part of a file's path.
fn may_concern(bytes: &[u8], spots: &[Spot]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let names = |spot: &Spot| {
        let (folder, name) = (folder_of(spot.file.as_str()), spot.file.file_name());
        // A chart's own values need not be named.
        let named = name == "values.yaml" || text.contains(name);
        named && folder.split('/').all(|part| text.contains(part))
    };
    text.contains("{{") || text.contains("kustomize") || spots.iter().any(names)
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
