//! The files of a snapshot, each read and parsed once, for steps that look at many.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{fault_in, if_readable};
use crate::plan::snapshot::{Blob, Snapshot};
use crate::words::fault::Fault;
use crate::words::repo_path::RepoPath;
use crate::words::wording::nearest;
use crate::yaml;

/// How many files are read at once.
const BATCH: usize = 500;

/// What came of reading a file.
#[derive(Clone, Debug)]
pub enum Looked {
    /// There is none.
    Missing,
    /// It cannot be read: a folder, a link that leaves the repository.
    Unreadable(Fault),
    /// It is no YAML; where it really lies.
    Broken(RepoPath, Fault),
    /// Where it really lies, and what it says.
    File(RepoPath, Rc<yaml::File>),
}

/// A snapshot whose files are kept.
pub struct Reader<'s> {
    snapshot: &'s dyn Snapshot,
    known: RefCell<BTreeMap<RepoPath, Looked>>,
    listing: Vec<RepoPath>,
}

impl<'s> Reader<'s> {
    /// Begins with the list of files.
    ///
    /// # Errors
    /// A list that cannot be had.
    pub fn new(snapshot: &'s dyn Snapshot) -> anyhow::Result<Self> {
        Ok(Self {
            snapshot,
            known: RefCell::default(),
            listing: snapshot.list()?,
        })
    }

    /// Returns all files, sorted.
    pub fn listing(&self) -> &[RepoPath] {
        &self.listing
    }

    /// Returns how many files were read.
    pub fn count(&self) -> usize {
        let known = self.known.borrow();
        known
            .values()
            .filter(|looked| !matches!(looked, Looked::Missing))
            .count()
    }

    /// Tells whether a file was read, and kept.
    pub fn knows(&self, path: &RepoPath) -> bool {
        self.known.borrow().contains_key(path)
    }

    /// Tells whether a file is listed.
    pub fn has(&self, path: &str) -> bool {
        self.listing
            .binary_search_by(|known| known.as_str().cmp(path))
            .is_ok()
    }

    /// Returns the file that was most likely meant by a path to none: each part of the path is the one that is there, or else
    /// one of nearly the same name. A policy may hold thousands of such paths, so that not each file is held against each.
    pub fn near(&self, path: &RepoPath) -> Option<&RepoPath> {
        let mut found = String::new();
        for part in path.as_str().split('/') {
            let here = self.parts_in(&found);
            let part = if here.contains(&part) {
                part
            } else {
                nearest(part, here)?
            };
            if !found.is_empty() {
                found.push('/');
            }
            found.push_str(part);
        }
        let at = self.listing.binary_search_by(|known| known.as_str().cmp(&found));
        at.ok().map(|at| &self.listing[at])
    }

    /// The names of files and folders in a folder; `""` is the root.
    fn parts_in(&self, folder: &str) -> Vec<&str> {
        let below = if folder.is_empty() {
            String::new()
        } else {
            format!("{folder}/")
        };
        let first = self
            .listing
            .partition_point(|path| path.as_str() < below.as_str());
        let mut rest = &self.listing[first..];
        let mut parts = Vec::new();
        while let Some(inside) = rest.first().and_then(|path| path.as_str().strip_prefix(&below)) {
            let part = inside.split('/').next().unwrap_or_default();
            let in_part = |path: &RepoPath| {
                let path = path.as_str().strip_prefix(&below);
                let after = path.and_then(|path| path.strip_prefix(part));
                after.is_some_and(|after| after.is_empty() || after.starts_with('/'))
            };
            rest = &rest[rest.partition_point(in_part)..];
            parts.push(part);
        }
        parts
    }

    /// Reads files that are not known yet, many at a time.
    ///
    /// # Errors
    /// A remote that fails.
    pub fn fetch<'p>(&self, paths: impl IntoIterator<Item = &'p RepoPath>) -> anyhow::Result<()> {
        self.fetch_those(paths, |_| true)
    }

    /// As [`Reader::fetch`], and passes over those whose bytes are not wanted: they are neither parsed nor kept.
    ///
    /// # Errors
    /// A remote that fails.
    pub fn fetch_those<'p>(
        &self,
        paths: impl IntoIterator<Item = &'p RepoPath>,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> anyhow::Result<()> {
        let mut unknown: Vec<RepoPath> = {
            let known = self.known.borrow();
            let paths = paths.into_iter().filter(|path| !known.contains_key(path));
            paths.cloned().collect()
        };
        unknown.sort();
        unknown.dedup();
        for batch in unknown.chunks(BATCH) {
            let read = if_readable(self.snapshot.read(batch))?;
            for (index, path) in batch.iter().enumerate() {
                let looked = match &read {
                    Some(blobs) => match &blobs[index] {
                        Some(blob) if !wanted(&blob.bytes) => continue,
                        Some(blob) => parsed(blob),
                        None => Looked::Missing,
                    },
                    None => self.look_alone(path)?,
                };
                self.known.borrow_mut().insert(path.clone(), looked);
            }
        }
        Ok(())
    }

    /// Returns what came of reading a file.
    ///
    /// # Errors
    /// A remote that fails.
    pub fn look(&self, path: &RepoPath) -> anyhow::Result<Looked> {
        if !self.known.borrow().contains_key(path) {
            self.fetch([path])?;
        }
        Ok(self.known.borrow().get(path).cloned().unwrap_or(Looked::Missing))
    }

    /// Returns what a file says, if it is there and is YAML.
    ///
    /// # Errors
    /// A remote that fails.
    pub fn yaml(&self, path: &RepoPath) -> anyhow::Result<Option<Rc<yaml::File>>> {
        Ok(match self.look(path)? {
            Looked::File(_, yaml) => Some(yaml),
            Looked::Missing | Looked::Unreadable(_) | Looked::Broken(..) => None,
        })
    }

    /// Reads one file of a batch that cannot be read as a whole, to tell which of them it is.
    fn look_alone(&self, path: &RepoPath) -> anyhow::Result<Looked> {
        match self.snapshot.read(std::slice::from_ref(path)) {
            Ok(mut blobs) => Ok(blobs
                .pop()
                .flatten()
                .map_or(Looked::Missing, |blob| parsed(&blob))),
            Err(error) => {
                let fault = error.downcast_ref::<Fault>().cloned();
                if_readable::<()>(Err(error))?;
                Ok(fault.map_or(Looked::Missing, Looked::Unreadable))
            }
        }
    }
}

fn parsed(blob: &Blob) -> Looked {
    match yaml::File::parse(&blob.bytes) {
        Ok(yaml) => Looked::File(blob.path.clone(), Rc::new(yaml)),
        Err(error) => Looked::Broken(blob.path.clone(), fault_in(blob.path.as_str(), error)),
    }
}

/// Tells whether a file is YAML by its name.
pub fn is_yaml(path: &RepoPath) -> bool {
    let ending = path.file_name().rsplit_once('.').map(|(_, ending)| ending);
    matches!(ending, Some("yaml" | "yml"))
}

/// Tells whether a file is a template of a Helm chart.
pub fn is_template(path: &RepoPath, reader: &Reader<'_>) -> bool {
    path.as_str().match_indices("templates/").any(|(at, _)| {
        let chart = &path.as_str()[..at];
        (chart.is_empty() || chart.ends_with('/')) && reader.has(&format!("{chart}Chart.yaml"))
    })
}
