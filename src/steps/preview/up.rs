//! The folder of a preview, made from a template folder of the same snapshot.

use std::sync::Arc;

use anyhow::Context as _;

use super::pattern::Pattern;
use super::watch::{Preview, Watch};
use crate::plan::folder::{files_in, written};
use crate::plan::open_request::OpenRequests;
use crate::plan::snapshot::Snapshot;
use crate::steps::bump_values::{Whole, WholeFiles};
use crate::steps::sound;
use crate::words::fault::Fault;
use crate::words::folder_template::{FolderFile, FolderTemplate, Values};
use crate::words::repo_path::RepoPath;

/// The names of the holes.
pub const NAMES: [&str; 9] = [
    "app", "branch", "host", "image", "pr", "sha", "slug", "tag", "url",
];
/// The most files of a template, and the most bytes of all of them.
const FILES_MAX: usize = 1000;
const BYTES_MAX: usize = 16 * 1024 * 1024;

/// The folder of a preview. Each time that it is planned, it is asked whether its pull request still has one.
#[derive(Debug)]
pub struct UpFolder {
    watch: Watch,
    requests: Arc<dyn OpenRequests>,
    template: RepoPath,
    folder: Pattern,
}

impl UpFolder {
    /// Reads the flags.
    ///
    /// # Errors
    /// `Invalid` for a template that is no path, and for one that would hold the previews that are made of it.
    pub fn new(
        watch: Watch,
        requests: Arc<dyn OpenRequests>,
        template: &str,
        folder: Pattern,
    ) -> Result<Self, Fault> {
        let template = RepoPath::parse(template)?;
        if folder.is_below(&template) {
            return Err(Fault::invalid(format!(
                "previews would lie in their own template `{template}`, and become part of it"
            ))
            .hint("put the template beside them, as in --template previews/_template --folder 'previews/{slug}'"));
        }
        if let Some(slug) = folder.slug_above(&RepoPath::parse(&format!("{template}/a"))?) {
            return Err(Fault::invalid(format!(
                "the template `{template}` lies where the preview of a branch `{slug}` would"
            ))
            .hint("give it a name that is no slug, such as previews/_template"));
        }
        Ok(Self {
            watch,
            requests,
            template,
            folder,
        })
    }

    /// Fills the template for a preview.
    fn filled(
        &self,
        preview: &Preview,
        template: Vec<FolderFile<String>>,
    ) -> Result<Vec<FolderFile<RepoPath>>, Fault> {
        let template = FolderTemplate::parse(template, &NAMES)?;
        let fill = |in_texts: &Values| template.fill(&preview.values, in_texts).map_err(with_flags);
        let files = fill(&preview.values)?;
        let meant = fill(&sound::stand_ins(&preview.values, &["pr"]))?;
        for (is, meant) in files.iter().zip(&meant) {
            sound::check(&format!("{}/{}", self.template, is.path), &is.bytes, &meant.bytes)?;
        }
        let folder = self.folder.of(&preview.slug);
        let placed = |file: FolderFile<RepoPath>| {
            Ok(FolderFile {
                path: RepoPath::parse(&format!("{folder}/{}", file.path))?,
                bytes: file.bytes,
                executable: file.executable,
            })
        };
        files.into_iter().map(placed).collect()
    }

    /// Reads the template's files, by their paths in it.
    fn template(&self, snapshot: &dyn Snapshot) -> anyhow::Result<Vec<FolderFile<String>>> {
        let paths = files_in(snapshot, &self.template)?;
        if paths.is_empty() {
            return Err(Fault::not_found(format!(
                "there is no folder `{}` in the config repo",
                self.template
            ))
            .hint("--template names a folder of the branch that is changed; it has to be committed")
            .into());
        }
        if paths.len() > FILES_MAX {
            return Err(Fault::invalid(format!(
                "the template `{}` has {} files; at most {FILES_MAX} are taken",
                self.template,
                paths.len()
            ))
            .into());
        }
        let mut files = Vec::new();
        let mut size = 0;
        for (path, blob) in paths.iter().zip(snapshot.read(&paths)?) {
            let bytes = blob.map(|blob| blob.bytes).unwrap_or_default();
            size += bytes.len();
            let below = &path.as_str()[self.template.as_str().len() + 1..];
            files.push(FolderFile {
                path: below.to_owned(),
                bytes,
                executable: false,
            });
        }
        if size > BYTES_MAX {
            return Err(Fault::invalid(format!(
                "the template `{}` has {size} bytes; at most {BYTES_MAX} are taken",
                self.template
            ))
            .into());
        }
        Ok(files)
    }
}

/// Names the flags that fill a hole.
fn with_flags(fault: Fault) -> Fault {
    match fault.hint {
        None => fault.hint("give --tag, --image, --app, --domain or --environment-url, as the name says"),
        Some(_) => fault,
    }
}

impl WholeFiles for UpFolder {
    fn on(&self, snapshot: &dyn Snapshot) -> anyhow::Result<Whole> {
        // Asked after the snapshot was taken, so that nothing that is gone by then is written on it.
        let open = self.requests.open_requests()?;
        let preview = match self.watch.look(&open)? {
            Ok(preview) => preview,
            Err(nothing) => {
                return Ok(Whole {
                    note: Some(nothing.reason),
                    operation: Some(nothing.operation),
                    ..Whole::default()
                });
            }
        };
        let template = self.template(snapshot)?;
        let files = self
            .filled(&preview, template)
            .with_context(|| format!("cannot make a preview of the template `{}`", self.template))?;
        Ok(Whole {
            files: written(snapshot, files)?,
            note: Some(format!(
                "`{}` is as the template has it",
                self.folder.of(&preview.slug)
            )),
            ..Whole::default()
        })
    }
}
