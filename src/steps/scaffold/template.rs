//! A template, and where one is named.

use std::path::PathBuf;

use super::builtin;
use super::layout::{self, Slot};
use crate::words::address::RepoAddress;
use crate::words::fault::Fault;
use crate::words::folder_template::FolderFile;
use crate::words::payload::read_reference;
use crate::words::repo_path::RepoPath;
use crate::words::scaffold_manifest::{MANIFEST_NAME, Manifest};
use crate::words::wording::{nearest, shown};

/// Where a template is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateSource {
    /// In this program.
    BuiltIn(&'static str),
    /// In a folder of this machine.
    Folder(PathBuf),
    /// In a repository.
    Repo {
        /// The repository.
        address: RepoAddress,
        /// The branch or tag; the default branch where none is named.
        at: Option<String>,
        /// The folder in it; the root where none is named.
        folder: Option<RepoPath>,
    },
}

impl TemplateSource {
    /// Reads what `--template` says: the name of one that is built in, a folder, or `ADDRESS[#REF[:FOLDER]]`.
    ///
    /// # Errors
    /// `Invalid` for an address, a reference or a folder that is none.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        if let Some(name) = builtin::NAMES.iter().find(|name| **name == text) {
            return Ok(Self::BuiltIn(name));
        }
        let (address, at) = match text.split_once('#') {
            Some((address, at)) => (address, Some(at)),
            None => (text, None),
        };
        match RepoAddress::parse(address)? {
            RepoAddress::Directory(_) => Ok(Self::Folder(PathBuf::from(text))),
            address => {
                let (at, folder) = at.map_or(("", ""), |at| at.split_once(':').unwrap_or((at, "")));
                let folder = Some(folder).filter(|folder| !folder.is_empty());
                let at = Some(at).filter(|at| !at.is_empty());
                Ok(Self::Repo {
                    address,
                    at: at.map(read_reference).transpose()?,
                    folder: folder.map(RepoPath::parse).transpose()?,
                })
            }
        }
    }

    /// Says what to try where a folder is not there, for a name that may have been meant for a template of ours.
    pub fn missing_hint(text: &str) -> String {
        match nearest(text, builtin::NAMES) {
            Some(name) => format!("did you mean the template `{name}`?"),
            None => format!(
                "name one of {}, a folder, or a git URL",
                builtin::NAMES.map(|name| format!("`{name}`")).join(", ")
            ),
        }
    }
}

/// A template: what it says of itself, and its files.
#[derive(Debug)]
pub struct Template {
    /// What it is called.
    pub name: String,
    /// What it says of itself.
    pub manifest: Manifest,
    /// Its files.
    pub slots: Vec<Slot>,
}

impl Template {
    /// Reads a template's files.
    ///
    /// # Errors
    /// `Invalid` without a manifest, and for what is wrong with it or with a path.
    pub fn of_files(name: &str, mut files: Vec<FolderFile<String>>) -> Result<Self, Fault> {
        let at = files.iter().position(|file| file.path == MANIFEST_NAME).ok_or_else(|| {
            Fault::invalid(format!("the template `{}` has no `{MANIFEST_NAME}`", shown(name)))
                .hint("its root holds `template.yaml`, and the folders app, config, setup or argocd: see docs/scaffold.md")
        })?;
        let manifest = Manifest::parse(MANIFEST_NAME, &files.remove(at).bytes)?;
        let slots = layout::slots(files, &manifest)?;
        if slots.is_empty() {
            return Err(
                Fault::invalid(format!("the template `{}` makes no file", shown(name)))
                    .hint("its files lie in its folders app, config, setup and argocd"),
            );
        }
        // A template by folder or address goes by its last part.
        let name = name.split('#').next().unwrap_or_default().trim_end_matches('/');
        let name = name.rsplit(['/', ':', '\\']).next().unwrap_or_default();
        let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        let name: String = name.trim_end_matches(".git").chars().filter(plain).collect();
        Ok(Self {
            name: if name.is_empty() { "own".to_owned() } else { name },
            manifest,
            slots,
        })
    }

    /// Returns one that is built in.
    ///
    /// # Errors
    /// None that the tests would let pass; the kinds of [`Template::of_files`].
    pub fn built_in(name: &str) -> Result<Self, Fault> {
        Self::of_files(name, builtin::files(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_named_by_word_folder_or_address() {
        assert_eq!(
            TemplateSource::parse("helm").unwrap(),
            TemplateSource::BuiltIn("helm")
        );
        assert_eq!(
            TemplateSource::parse("./a#b").unwrap(),
            TemplateSource::Folder("./a#b".into())
        );
        for (text, branch, folder) in [
            ("https://git.example/t.git", None, None),
            ("git@git.example:t.git#v2", Some("v2"), None),
            (
                "https://git.example/t.git#v2:web/helm",
                Some("v2"),
                Some("web/helm"),
            ),
            ("github:acme/templates#:web", None, Some("web")),
        ] {
            let TemplateSource::Repo { at, folder: f, .. } = TemplateSource::parse(text).unwrap() else {
                panic!("{text}")
            };
            assert_eq!(at.as_deref(), branch, "{text}");
            assert_eq!(f.as_ref().map(RepoPath::as_str), folder, "{text}");
        }
        assert!(TemplateSource::parse("https://git.example/t.git#a:../b").is_err());
        assert!(TemplateSource::parse("https://git.example/t.git#a..b").is_err());
    }

    #[test]
    fn every_template_that_is_built_in_is_right() {
        for name in builtin::NAMES {
            let template = Template::built_in(name).unwrap();
            assert_eq!(template.name, name);
            assert!(!template.manifest.description.is_empty());
        }
    }
}
