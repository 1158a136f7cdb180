//! A commit's files, read through GraphQL many at a time, each proven by its blob id.
//!
//! Sources: GitHub's GraphQL reference (`Commit.file`, `TreeEntry`, `Blob`, `Commit.history`), and "REST API
//! endpoints for Git blobs" and "… for Git trees".

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use git2::{ObjectType, Oid};
use serde::Deserialize;
use serde_json::{Value, json};

use super::GitHub;
use super::query::odd;
use crate::plan::comparison::LoggedCommit;
use crate::plan::snapshot::{self, Blob, Snapshot};
use crate::words::fault::{Fault, Kind};
use crate::words::repo_path::RepoPath;
use crate::world::links;

/// What `Entry` and `Logged` stand for in our documents.
pub(super) const ENTRY: &str =
    "fragment Entry on TreeEntry{mode object{...on Blob{oid byteSize isTruncated text}}}";
/// See [`ENTRY`].
pub(super) const LOGGED: &str =
    "fragment Logged on Commit{oid message committedDate author{name email}committer{name email}}";
/// The permission that reading files needs.
pub(super) const READING: &str = "contents: read";

/// How many files one request asks for.
pub(super) const BATCH: usize = 100;
/// Up to how many files are asked for with their history: GitHub walks the commits for each of them.
const MOST_WITH_HISTORY: usize = 20;
/// How many commits are asked for with a file.
const HISTORY: usize = 10;

/// The files at one commit, as far as they are known.
pub(super) struct Files {
    /// The commit.
    pub(super) commit: String,
    known: RefCell<BTreeMap<RepoPath, Entry>>,
    histories: RefCell<BTreeMap<RepoPath, Vec<LoggedCommit>>>,
}

/// What lies at a path.
#[derive(Clone)]
pub(super) enum Entry {
    /// Nothing.
    Missing,
    /// A regular file.
    File {
        /// Its content.
        bytes: Rc<Vec<u8>>,
        /// Whether git marks it as executable.
        executable: bool,
    },
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A commit of another repository.
    Submodule,
}

/// An entry of a tree, as the fragment `Entry` asks for it.
#[derive(Deserialize)]
struct Listed {
    mode: u32,
    object: Option<Content>,
}

/// A blob; nothing is known of an object of another kind.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Content {
    oid: Option<String>,
    byte_size: Option<u64>,
    is_truncated: Option<bool>,
    text: Option<String>,
}

impl Files {
    pub(super) fn at(commit: String) -> Self {
        Self {
            commit,
            known: RefCell::default(),
            histories: RefCell::default(),
        }
    }
}

/// The snapshot of a repository on GitHub.
pub(super) struct GitHubSnapshot<'repo> {
    pub(super) forge: &'repo GitHub,
    pub(super) files: Rc<Files>,
}

impl From<&Entry> for links::Entry {
    fn from(entry: &Entry) -> Self {
        match entry {
            Entry::Missing => Self::Missing,
            Entry::File { .. } => Self::File,
            Entry::Folder => Self::Folder,
            Entry::Link => Self::Link(String::new()),
            Entry::Submodule => Self::Other,
        }
    }
}

impl GitHubSnapshot<'_> {
    /// Returns what lies at these paths, and asks for those that are not known yet, with or without their history.
    pub(super) fn look(&self, paths: &[RepoPath], with_history: bool) -> Result<Vec<Entry>, Fault> {
        let unknown: Vec<&RepoPath> = {
            let known = self.files.known.borrow();
            paths.iter().filter(|path| !known.contains_key(path)).collect()
        };
        let with_history = with_history && unknown.len() <= MOST_WITH_HISTORY;
        for batch in unknown.chunks(BATCH) {
            self.fetch(batch, with_history)?;
        }
        let known = self.files.known.borrow();
        Ok(paths
            .iter()
            .map(|path| known.get(path).cloned().unwrap_or(Entry::Missing))
            .collect())
    }

    /// Tells whether git marks a file as executable, as far as the file is known.
    pub(super) fn is_executable(&self, path: &RepoPath) -> bool {
        let known = self.files.known.borrow();
        matches!(known.get(path), Some(Entry::File { executable: true, .. }))
    }

    /// Keeps what GitHub answered for `paths` under the names that [`files_of`] gave them.
    pub(super) fn keep<'p>(
        &self,
        paths: impl IntoIterator<Item = &'p RepoPath>,
        answered: &Value,
    ) -> Result<(), Fault> {
        for (index, path) in paths.into_iter().enumerate() {
            let entry = self.entry(path, &answered[format!("f{index}")])?;
            self.files.known.borrow_mut().insert(path.clone(), entry);
            if let Some(nodes) = answered[format!("h{index}")]["nodes"].as_array() {
                let history = nodes.iter().filter_map(logged).collect();
                self.files.histories.borrow_mut().insert(path.clone(), history);
            }
        }
        Ok(())
    }

    fn fetch(&self, paths: &[&RepoPath], with_history: bool) -> Result<(), Fault> {
        let (declared, selected) = files_of(paths.len(), with_history);
        let document = format!(
            "query($owner:String!,$name:String!,$at:GitObjectID!{declared}){{repository(owner:$owner,name:$name){{object(oid:$at){{\
             ...on Commit{{{selected}}}}}}}}}{ENTRY}{}",
            if with_history { LOGGED } else { "" }
        );
        let mut variables = self.forge.variables();
        variables["at"] = json!(self.files.commit);
        add_paths(&mut variables, paths.iter().copied());
        let data = self.forge.query(&document, &variables, "read files", READING)?;
        let commit = &data["repository"]["object"];
        if commit.is_null() {
            return Err(Fault::not_found(format!(
                "GitHub does not know the commit {} of `{}` any more",
                self.files.commit,
                self.forge.repo.path()
            ))
            .hint("run it again"));
        }
        self.keep(paths.iter().copied(), commit)
    }

    fn entry(&self, path: &RepoPath, answered: &Value) -> Result<Entry, Fault> {
        if answered.is_null() {
            return Ok(Entry::Missing);
        }
        let listed = Listed::deserialize(answered).map_err(|_| odd(&format!("`{path}`")))?;
        Ok(match listed.mode {
            0o040_000 => Entry::Folder,
            0o120_000 => Entry::Link,
            0o160_000 => Entry::Submodule,
            mode => Entry::File {
                bytes: Rc::new(self.content(path, listed.object)?),
                executable: mode & 0o111 != 0,
            },
        })
    }

    /// Takes the text if it is the blob's content to the byte, and fetches the blob if it is not.
    fn content(&self, path: &RepoPath, object: Option<Content>) -> Result<Vec<u8>, Fault> {
        let object = object.unwrap_or_default();
        let id = object.oid.as_deref().and_then(|hex| Oid::from_str(hex).ok());
        let id = id.ok_or_else(|| odd(&format!("the blob of `{path}`")))?;
        let is_content =
            |bytes: &[u8]| Oid::hash_object(ObjectType::Blob, bytes).is_ok_and(|hash| hash == id);
        if let Some(text) = object.text.filter(|_| object.is_truncated != Some(true))
            && is_content(text.as_bytes())
        {
            return Ok(text.into_bytes());
        }
        snapshot::check_size(path, object.byte_size.unwrap_or_default())?;
        let bytes = self.blob(path, id)?;
        snapshot::check_size(path, bytes.len() as u64)?;
        if is_content(&bytes) {
            return Ok(bytes);
        }
        Err(Fault::new(
            Kind::Denied,
            format!("GitHub sent other bytes for `{path}` than its blob {id} has"),
        )
        .hint("run it again; behind a proxy, check that it leaves answers as they are"))
    }

    fn blob(&self, path: &RepoPath, id: Oid) -> Result<Vec<u8>, Fault> {
        #[derive(Deserialize)]
        struct Encoded {
            content: String,
        }
        let answer = self.forge.get(&format!("/git/blobs/{id}"))?;
        if !answer.is_ok() {
            return Err(self.forge.refusal(&answer, &format!("read `{path}`"), READING));
        }
        let encoded: Encoded = answer.read("a blob")?;
        let mut text = encoded.content;
        text.retain(|c| !c.is_ascii_whitespace());
        STANDARD
            .decode(text)
            .map_err(|_| Fault::new(Kind::Denied, format!("GitHub sent `{path}` in no base64")))
    }

    fn fetch_history(&self, path: &RepoPath, most: usize) -> Result<Vec<LoggedCommit>, Fault> {
        let document = format!(
            "query($owner:String!,$name:String!,$at:GitObjectID!,$path:String!,$most:Int!){{repository(owner:$owner,name:$name){{\
             object(oid:$at){{...on Commit{{history(first:$most,path:$path){{nodes{{...Logged}}}}}}}}}}}}{LOGGED}"
        );
        let mut variables = self.forge.variables();
        variables["at"] = json!(self.files.commit);
        variables["path"] = json!(path.as_str());
        variables["most"] = json!(most.clamp(1, 100));
        let data = self
            .forge
            .query(&document, &variables, "read the history", READING)?;
        let nodes = data["repository"]["object"]["history"]["nodes"].as_array();
        Ok(nodes.into_iter().flatten().filter_map(logged).collect())
    }
}

impl Snapshot for GitHubSnapshot<'_> {
    fn commit(&self) -> Option<&str> {
        Some(&self.files.commit)
    }

    fn read(&self, paths: &[RepoPath]) -> Result<Vec<Option<Blob>>> {
        let found = self.look(paths, true)?;
        let read = |(path, entry): (&RepoPath, Entry)| match entry {
            Entry::Missing => Ok(None),
            Entry::File { bytes, .. } => Ok(Some(Blob {
                path: path.clone(),
                bytes: bytes.to_vec(),
            })),
            Entry::Folder => Err(Fault::not_found(format!("`{path}` is a folder, not a file")).into()),
            Entry::Link => Err(self
                .forge
                .only_by_git(format!(
                    "`{path}` is a symbolic link, which is not followed through GitHub's API"
                ))
                .into()),
            Entry::Submodule => Err(self
                .forge
                .only_by_git(format!("`{path}` is a submodule, not a file of this repository"))
                .into()),
        };
        paths.iter().zip(found).map(read).collect()
    }

    fn list(&self) -> Result<Vec<RepoPath>> {
        #[derive(Deserialize)]
        struct Tree {
            tree: Vec<Item>,
            #[serde(default)]
            truncated: bool,
        }
        #[derive(Deserialize)]
        struct Item {
            path: String,
            #[serde(rename = "type")]
            kind: String,
        }
        let answer = self
            .forge
            .get(&format!("/git/trees/{}?recursive=1", self.files.commit))?;
        if !answer.is_ok() {
            return Err(self.forge.refusal(&answer, "list the files", READING).into());
        }
        let listed: Tree = answer.read("the list of files")?;
        if listed.truncated {
            let why = "the repository has more files than GitHub's API lists (100,000 entries or 7 MB)";
            return Err(self.forge.only_by_git(why.to_owned()).into());
        }
        let blobs = listed.tree.iter().filter(|item| item.kind == "blob");
        // A name that no path of ours can hold is none that a user could ask for.
        let mut paths: Vec<_> = blobs
            .filter_map(|item| RepoPath::parse(&item.path).ok())
            .collect();
        paths.sort();
        Ok(paths)
    }

    /// The commits come with the files; those of many files, and more than ten, cost a request of their own.
    fn history(&self, path: &RepoPath, most: usize) -> Result<Vec<LoggedCommit>> {
        let known = self.files.histories.borrow().get(path).cloned();
        let mut history = match known {
            Some(known) if known.len() < HISTORY || most <= HISTORY => known,
            _ => self.fetch_history(path, most)?,
        };
        history.truncate(most);
        Ok(history)
    }

    fn at(&self, commit: &str) -> Result<Box<dyn Snapshot + '_>> {
        Ok(Box::new(GitHubSnapshot {
            forge: self.forge,
            files: Rc::new(Files::at(commit.to_owned())),
        }))
    }
}

/// Returns the declarations of the paths `$p0`, `$p1` …, and what asks a commit for the files there.
pub(super) fn files_of(count: usize, with_history: bool) -> (String, String) {
    let (mut declared, mut selected) = (String::new(), String::new());
    for index in 0..count {
        let _ = write!(declared, ",$p{index}:String!");
        let _ = write!(selected, " f{index}:file(path:$p{index}){{...Entry}}");
        if with_history {
            let _ = write!(
                selected,
                " h{index}:history(first:{HISTORY},path:$p{index}){{nodes{{...Logged}}}}"
            );
        }
    }
    (declared, selected)
}

/// Adds the values of `$p0`, `$p1` … to a document's variables.
pub(super) fn add_paths<'p>(variables: &mut Value, paths: impl IntoIterator<Item = &'p RepoPath>) {
    for (index, path) in paths.into_iter().enumerate() {
        variables[format!("p{index}")] = json!(path.as_str());
    }
}

/// Reads a commit as the fragment `Logged` asks for it.
pub(super) fn logged(commit: &Value) -> Option<LoggedCommit> {
    let who = |actor: &Value| {
        let text = |name: &str| actor[name].as_str().unwrap_or_default();
        format!("{} <{}>", text("name"), text("email"))
    };
    Some(LoggedCommit {
        id: commit["oid"].as_str()?.to_owned(),
        message: commit["message"].as_str()?.to_owned(),
        author: who(&commit["author"]),
        committer: who(&commit["committer"]),
        committed: commit["committedDate"].as_str()?.parse().ok()?,
    })
}
