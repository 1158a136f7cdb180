//! The files of an application in one repository, and what of them is missing there.

use super::layout::Role;
use super::policy::Entry;
use super::render::Made;
use crate::plan::commit::{Fate, FileChange};
use crate::plan::places::{PlaceEdit, Want};
use crate::plan::snapshot::Snapshot;
use crate::steps::bump_values::{Whole, WholeFiles, locate};
use crate::words::fault::Fault;
use crate::words::policy::{FILE_NAME, Policy, Target};
use crate::words::repo_path::RepoPath;
use crate::yaml::{self, Document, Edit, IfMissing, Operation, Value};

/// The files of one repository.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    /// The files.
    pub made: Vec<Made>,
    /// The entry in the policy file, in a config repo.
    pub entry: Option<Entry>,
    /// The places that hold versions, among those files.
    pub targets: Vec<Target>,
    /// Whether the repository is to be made: one that is there has to be empty, or made here before.
    pub is_new: bool,
}

impl Tree {
    /// Adds files.
    ///
    /// # Errors
    /// `Invalid` where one has the path of another.
    pub fn add(&mut self, made: impl IntoIterator<Item = Made>) -> Result<(), Fault> {
        for made in made {
            if self.made.iter().any(|other| other.path == made.path) {
                return Err(
                    Fault::invalid(format!("two parts of the template make `{}`", made.path))
                        .hint("they go to one repository here: give one of the two another path"),
                );
            }
            self.made.push(made);
        }
        Ok(())
    }
}

impl WholeFiles for Tree {
    /// Adds what is missing. What is there already is compared, never written over; a version that was deployed since is no
    /// difference.
    fn on(&self, snapshot: &dyn Snapshot) -> anyhow::Result<Whole> {
        let policy_path = RepoPath::parse(FILE_NAME)?;
        let policy = snapshot.read(std::slice::from_ref(&policy_path))?.pop().flatten();
        let is_set_up = policy.is_some();
        let wanted: Vec<&Made> = self
            .made
            .iter()
            .filter(|made| !(made.role == Role::Setup && is_set_up))
            .collect();
        let paths: Vec<RepoPath> = wanted.iter().map(|made| made.path.clone()).collect();
        let mut whole = Whole {
            note: Some("it is all there already".to_owned()),
            ..Whole::default()
        };
        let mut other = Vec::new();
        let mut is_ours = is_set_up;
        for (made, there) in wanted.into_iter().zip(snapshot.read(&paths)?) {
            match there {
                None => whole
                    .files
                    .push(added(&made.path, made.bytes.clone(), made.executable)),
                Some(blob) if blob.path == made.path && self.is_same(made, &blob.bytes) => is_ours = true,
                Some(blob) if blob.path == made.path && made.kept => {}
                Some(_) => other.push(format!("`{}`", made.path)),
            }
        }
        if self.is_new && !is_ours && !is_as_made(&snapshot.list()?) {
            return Err(Fault::refused(
                "the repository is there already, and holds something else than what is made here",
            )
            .hint("take another name, or leave out --create-remote to add to what it holds")
            .into());
        }
        let in_the_way = (!other.is_empty()).then(|| {
            let is = if other.len() == 1 { "is" } else { "are" };
            Fault::refused(format!(
                "{} {is} there already, with other content",
                other.join(", ")
            ))
            .hint("nothing was written: move away what is there, or ask for the same")
        });
        match (&self.entry, policy) {
            (Some(entry), None) => {
                let text = entry.file()?;
                Policy::parse(FILE_NAME, text.as_bytes())?;
                whole.files.push(added(&policy_path, text.into_bytes(), false));
            }
            (Some(entry), Some(blob)) => {
                let edits = entry.edits(&Policy::parse(FILE_NAME, &blob.bytes)?);
                let edits = edits.map_err(|fault| match &in_the_way {
                    Some(files) => Fault {
                        message: format!("{}; and {files}", fault.message),
                        ..fault
                    },
                    None => fault,
                })?;
                if !edits.is_empty() {
                    whole.edits.push((policy_path, edits));
                }
            }
            (None, _) => {}
        }
        match in_the_way {
            Some(fault) => Err(fault.into()),
            None => Ok(whole),
        }
    }
}

impl Tree {
    /// Whether a file that is there is the one that is made here, but for the versions in it.
    fn is_same(&self, made: &Made, there: &[u8]) -> bool {
        made.bytes == there
            || self
                .with_versions_of(made, there)
                .is_some_and(|text| text.as_bytes() == there)
    }

    /// Returns a file as it is made here, with the versions that one that is there has; `None` where it has none.
    fn with_versions_of(&self, made: &Made, there: &[u8]) -> Option<String> {
        let (file, there) = (
            yaml::File::parse(&made.bytes).ok()?,
            yaml::File::parse(there).ok()?,
        );
        let mut edits = Vec::new();
        for target in self.targets.iter().filter(|target| target.file == made.path) {
            let place = |file: &yaml::File| {
                let mut found = locate(file, &made.path, target, target.image.as_ref()).ok()?;
                (found.len() == 1).then(|| found.remove(0))
            };
            let deployed = place(&there)?.written;
            let want = Want {
                name: None,
                tag: deployed.tag.and_then(|tag| tag.parse().ok()),
                digest: deployed.digest.and_then(|digest| digest.parse().ok()),
                drop_digest: true,
                drop_tag: true,
            };
            let place = place(&file)?;
            let document = Some(Document::Index(place.document));
            for edit in want.edits(&place, made.path.as_str(), &file).ok()? {
                let (path, operation, if_missing) = match edit {
                    PlaceEdit::Set(path, text) => {
                        let value = Value::String(text);
                        (path, Operation::Set { value }, IfMissing::Create)
                    }
                    PlaceEdit::Unset(path) => (path, Operation::Unset, IfMissing::Skip),
                };
                edits.push(Edit {
                    document: document.clone(),
                    path,
                    operation,
                    if_missing,
                    allow_shared: false,
                });
            }
        }
        Some(file.apply(&edits).ok()?.text)
    }
}

/// Whether a repository holds no more than what a forge puts into a new one.
fn is_as_made(files: &[RepoPath]) -> bool {
    let usual = ["README.md", "LICENSE", ".gitignore"];
    files.iter().all(|file| usual.contains(&file.as_str()))
}

fn added(path: &RepoPath, new: Vec<u8>, executable: bool) -> FileChange {
    FileChange {
        path: path.clone(),
        fate: Fate::Added { new, executable },
    }
}
