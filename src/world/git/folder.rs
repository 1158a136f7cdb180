//! The files of a folder at a branch's tip, with their modes: a template's.

use git2::{ObjectType, TreeWalkMode, TreeWalkResult};

use super::remote::GitRepo;
use super::snapshot::{LINK, entry};
use crate::words::fault::Fault;
use crate::words::folder_template::FolderFile;
use crate::words::repo_path::RepoPath;
use crate::world::template_folder::Bounds;

impl GitRepo {
    /// Fetches what a branch or a tag names, or the default branch's tip, and reads a folder of it, or its root.
    ///
    /// # Errors
    /// What the remote says; `NotFound` without such a name or folder, `Refused` for a symbolic link or a submodule in it, `Invalid`
    /// for what is too much.
    pub fn folder(
        mut self,
        at: Option<&str>,
        below: Option<&RepoPath>,
    ) -> anyhow::Result<Vec<FolderFile<String>>> {
        let (repo, tip) = self.fetched(at)?;
        let mut tree = repo.find_commit(tip)?.tree()?;
        if let Some(below) = below {
            let found = entry(&tree, below.as_str())?.filter(|entry| entry.1 == Some(ObjectType::Tree));
            let (id, ..) =
                found.ok_or_else(|| Fault::not_found(format!("the repository has no folder `{below}`")))?;
            tree = repo.find_tree(id)?;
        }
        let mut bounds = Bounds::default();
        let mut files = Vec::new();
        let mut wrong = None;
        let mut take = |folder: &str, entry: &git2::TreeEntry<'_>| -> Result<(), Fault> {
            let path = match entry.name() {
                Ok(name) => format!("{folder}{name}"),
                Err(_) => {
                    return Err(Bounds::odd(
                        folder,
                        "a folder with a name in it that is not UTF-8",
                    ));
                }
            };
            match (entry.kind(), entry.filemode()) {
                (Some(ObjectType::Tree), _) => Ok(()),
                (Some(ObjectType::Blob), LINK) => Err(Bounds::odd(&path, "a symbolic link")),
                (Some(ObjectType::Blob), mode) => {
                    let blob = repo.find_blob(entry.id()).map_err(|e| {
                        Fault::invalid(format!("cannot read a file: {}", e.message().escape_debug()))
                    })?;
                    bounds.count(&path, blob.size() as u64)?;
                    files.push(FolderFile {
                        path,
                        bytes: blob.content().to_vec(),
                        executable: mode == 0o100_755,
                    });
                    Ok(())
                }
                _ => Err(Bounds::odd(&path, "no regular file")),
            }
        };
        let walked = tree.walk(TreeWalkMode::PreOrder, |folder, entry| {
            match take(folder, entry) {
                Ok(()) => TreeWalkResult::Ok,
                Err(fault) => {
                    wrong = Some(fault);
                    TreeWalkResult::Abort
                }
            }
        });
        if let Some(fault) = wrong {
            return Err(fault.into());
        }
        walked?;
        Ok(files)
    }
}
