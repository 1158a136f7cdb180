//! Which edits go into which files.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;

use crate::plan::ValueChange;
use crate::plan::commit::{Fate, FileChange};
use crate::plan::places::{Place, Shape, Want};
use crate::plan::snapshot::{Blob, Snapshot};
use crate::steps::fault_in;
use crate::steps::reading::Reader;
use crate::words::fault::Fault;
use crate::words::image::ImageRef;
use crate::words::repo_path::RepoPath;
use crate::yaml::{self, Document, Edit, Operation, Path, Value};

/// The files that a run may change, each read once, with the edits that were asked for.
#[derive(Debug, Default)]
pub struct Draft {
    files: BTreeMap<RepoPath, FileDraft>,
    /// The names by which files were asked for that are symbolic links, and where they lead.
    links: BTreeSet<(RepoPath, RepoPath)>,
    /// What each place held and shall hold, in the order in which they were asked for.
    pub moves: Vec<Move>,
}

/// One value, or one image, on its way from old to new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// The file.
    pub file: RepoPath,
    /// The line, from 1; 0 for a value that is created.
    pub line: usize,
    /// The image's name, where the value is one of an image.
    pub image: Option<String>,
    /// What a registry has to have for the new value, where it is one of an image and says so.
    pub reference: Option<ImageRef>,
    /// The tag, digest or value before; `None` where there was none.
    pub old: Option<String>,
    /// The one after.
    pub new: Option<String>,
    /// Whether its digest changes under a tag that stays.
    pub repinned: bool,
    /// When the guard judges it.
    pub judged: Judged,
}

/// When the order guard judges a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// Always: it is a version.
    Always,
    /// When a guard was asked for: it may be anything.
    WhenAsked,
    /// By where it was built, never by version: it is a digest.
    BySource,
    /// Never: it is no string, or the image's name changes too.
    Never,
}

#[derive(Debug)]
struct FileDraft {
    bytes: Vec<u8>,
    yaml: yaml::File,
    edits: Vec<Edit>,
}

/// The outcome of a draft.
#[derive(Debug, Default)]
pub struct Edited {
    /// The files that differ.
    pub files: Vec<FileChange>,
    /// The values that differ.
    pub changes: Vec<ValueChange>,
    /// The changed paths, with their files, for the policy to judge.
    pub reached: Vec<(RepoPath, usize, Path)>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

impl Draft {
    /// Reads files of the snapshot into the draft, and returns where each really lies.
    ///
    /// # Errors
    /// `NotFound` for a file that does not exist, and what the engine says of one that does not parse.
    pub fn open(&mut self, snapshot: &dyn Snapshot, paths: &[RepoPath]) -> anyhow::Result<Vec<RepoPath>> {
        let mut opened = Vec::new();
        for (asked, blob) in paths.iter().zip(snapshot.read(paths)?) {
            let Blob { path, bytes } = blob.ok_or_else(|| missing_file(snapshot, asked))?;
            if path != *asked {
                self.links.insert((asked.clone(), path.clone()));
            }
            if !self.files.contains_key(&path) {
                let yaml = yaml::File::parse(&bytes)
                    .map_err(|error| fault_in(path.as_str(), error))
                    .with_context(|| format!("cannot read `{path}`"))?;
                self.files.insert(
                    path.clone(),
                    FileDraft {
                        bytes,
                        yaml,
                        edits: Vec::new(),
                    },
                );
            }
            opened.push(path);
        }
        Ok(opened)
    }

    /// Returns a file that was opened.
    pub fn yaml(&self, path: &RepoPath) -> &yaml::File {
        &self
            .files
            .get(path)
            .expect("a file is opened before it is asked for")
            .yaml
    }

    /// Returns every name by which a file was asked for, its own first.
    pub fn names<'a>(&'a self, path: &'a RepoPath) -> impl Iterator<Item = &'a RepoPath> {
        let links = self.links.iter().filter(move |(_, real)| real == path);
        std::iter::once(path).chain(links.map(|(asked, _)| asked))
    }

    /// Returns the position of a document in a file that was opened; `None` where none is named.
    ///
    /// # Errors
    /// `NotFound` where there is no such document.
    pub fn position(&self, path: &RepoPath, document: Option<&Document>) -> Result<Option<usize>, Fault> {
        document
            .map(|document| self.yaml(path).position(document))
            .transpose()
            .map_err(|error| fault_in(path.as_str(), error))
    }

    /// Adds edits by path.
    pub fn edit(&mut self, path: &RepoPath, edits: impl IntoIterator<Item = Edit>) {
        for edit in edits {
            self.note(path, &edit);
            self.push(path, edit);
        }
    }

    /// Brings a place to what is wanted.
    ///
    /// # Errors
    /// `Invalid` where tag and digest would contradict each other.
    pub fn bring(
        &mut self,
        path: &RepoPath,
        place: &Place,
        want: &Want,
        allow_shared: bool,
    ) -> Result<(), Fault> {
        let yaml = self.yaml(path);
        let edits = want.edits(place, path.as_str(), yaml)?;
        let line = match &place.shape {
            Shape::Parts(parts) => place.line_of(yaml, &parts.tag),
            Shape::Reference { .. } | Shape::Version => place.line,
        };
        let renamed = want
            .name
            .as_ref()
            .is_some_and(|new| place.written.name.as_ref().is_some_and(|old| !old.same_as(new)));
        let name = want
            .name
            .as_ref()
            .filter(|_| renamed)
            .or(place.written.name.as_ref())
            .or(want.name.as_ref());
        let (old, new) = match (&want.tag, &want.digest) {
            (Some(tag), _) => (place.written.tag.clone(), Some(tag.to_string())),
            (None, Some(digest)) => (place.written.digest.clone(), Some(digest.to_string())),
            (None, None) => (
                place.written.name.as_ref().map(ToString::to_string),
                want.name.as_ref().map(ToString::to_string),
            ),
        };
        self.moves.push(Move {
            file: path.clone(),
            line,
            image: name.map(ToString::to_string),
            reference: reference(place, want),
            old,
            new,
            repinned: is_repinned(place, want),
            judged: match (&want.tag, &want.digest) {
                _ if renamed => Judged::Never,
                (Some(_), _) => Judged::Always,
                (None, Some(_)) => Judged::BySource,
                (None, None) => Judged::Never,
            },
        });
        for edit in edits {
            self.push(path, edit.edit(place.document, allow_shared));
        }
        Ok(())
    }

    /// Applies all edits.
    ///
    /// # Errors
    /// What the engine says of an edit, with the file's name.
    pub fn apply(&self) -> anyhow::Result<Edited> {
        let mut out = Edited::default();
        for (path, file) in &self.files {
            if file.edits.is_empty() {
                continue;
            }
            let edited = file
                .yaml
                .apply(&file.edits)
                .map_err(|error| fault_in(path.as_str(), error))
                .with_context(|| format!("cannot edit `{path}`"))?;
            for change in &edited.changes {
                if change.was_typed {
                    out.warnings.push(format!(
                        "{path}:{}: `{}` was {} and is a string now; --set-json keeps numbers and booleans",
                        change.line,
                        change.path,
                        change.old.as_deref().unwrap_or("null").escape_debug(),
                    ));
                }
                out.reached
                    .push((path.clone(), change.document, change.path.clone()));
                out.changes.push(ValueChange {
                    file: path.to_string(),
                    path: change.path.to_string(),
                    line: change.line,
                    old: change.old.clone(),
                    new: change.new.clone(),
                    cluster: None,
                });
            }
            out.warnings
                .extend(edited.unproven_by.iter().map(|note| format!("{path}: {note}")));
            let new = edited.text.into_bytes();
            if new != file.bytes {
                out.files.push(FileChange {
                    path: path.clone(),
                    fate: Fate::Changed {
                        old: file.bytes.clone(),
                        new,
                    },
                });
            }
        }
        Ok(out)
    }

    /// Adds an edit that no guard judges.
    pub fn push(&mut self, path: &RepoPath, edit: Edit) {
        self.files
            .get_mut(path)
            .expect("a file is opened before it is edited")
            .edits
            .push(edit);
    }

    fn note(&mut self, path: &RepoPath, edit: &Edit) {
        let node = self.yaml(path).find(edit.document.as_ref(), &edit.path).ok();
        let new = match &edit.operation {
            Operation::Set {
                value: Value::String(text),
            } => Some(text.clone()),
            Operation::Set {
                value: Value::Json(json),
            } => Some(json.to_string()),
            Operation::Unset => None,
        };
        // Any other value, such as a size or an address, may go down as well as up.
        let judged = match &edit.operation {
            Operation::Set {
                value: Value::String(_),
            } if is_version_key(&edit.path) => Judged::Always,
            Operation::Set {
                value: Value::String(_),
            } => Judged::WhenAsked,
            Operation::Set { .. } | Operation::Unset => Judged::Never,
        };
        self.moves.push(Move {
            file: path.clone(),
            line: node.map_or(0, yaml::Node::line),
            image: None,
            reference: None,
            old: node.and_then(|node| node.text().map(str::to_owned)),
            new,
            repinned: false,
            judged,
        });
    }
}

/// What a registry has to have for what shall stand at a place. The version of a chart that is known by its bare name says
/// nothing of where the chart is.
fn reference(place: &Place, want: &Want) -> Option<ImageRef> {
    let name = want.name.as_ref().or(place.written.name.as_ref());
    let name = name.filter(|_| !place.chart)?.clone();
    let (tag, digest) = (want.tag.clone(), want.digest.clone());
    (tag.is_some() || digest.is_some()).then_some(ImageRef { name, tag, digest })
}

/// Tells whether a digest replaces another one.
fn is_repinned(place: &Place, want: &Want) -> bool {
    match (&place.written.digest, &want.digest) {
        (Some(old), Some(new)) => *old != new.to_string(),
        _ => false,
    }
}

/// Tells whether a path speaks of a version: its last key, such as `tag`, `newTag`, `appVersion` or `image`, or,
/// of a `value`, the name before it.
fn is_version_key(path: &Path) -> bool {
    let words: Vec<&str> = path
        .segments()
        .iter()
        .rev()
        .map(|segment| match segment {
            yaml::Segment::Key(key) => key.as_str(),
            yaml::Segment::Filter { value, .. } => value.as_str(),
            yaml::Segment::Index(_) => "",
        })
        .collect();
    let word = match words.as_slice() {
        ["value", name, ..] => name,
        [last, ..] => last,
        [] => "",
    };
    let word = word.to_ascii_lowercase();
    ["tag", "version", "revision", "image"]
        .iter()
        .any(|end| word.ends_with(end))
}

fn missing_file(snapshot: &dyn Snapshot, path: &RepoPath) -> Fault {
    let reader = Reader::new(snapshot).ok();
    let near = reader.as_ref().and_then(|reader| reader.near(path));
    let fault = Fault::not_found(format!("`{path}` does not exist in the config repo"));
    match near {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => fault.hint("paths are relative to the root of the config repo"),
    }
}
