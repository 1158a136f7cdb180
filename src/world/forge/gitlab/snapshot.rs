//! A commit's files, read through GraphQL many at a time, each proven by its blob id.
//!
//! Sources: GitLab's GraphQL reference (`Repository.blobs`, `RepositoryBlob`), and its "Repositories API" and
//! "Commits API".

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use git2::{ObjectType, Oid};
use gitlab::api::Endpoint;
use gitlab::api::projects::repository::files::File;
use jiff::Timestamp;
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{GitLab, unwritable};
use crate::plan::comparison::LoggedCommit;
use crate::plan::snapshot::{self, Blob, Snapshot};
use crate::words::fault::{Fault, Kind};
use crate::words::repo_path::RepoPath;
use crate::words::wording::shown;
use crate::world::forge::call::Answer;
use crate::world::links;

/// What a token needs to read files.
pub(super) const READING: &str = "the Reporter role and the scope read_api";

/// How many files one request asks for: the longest page of GitLab's GraphQL.
const BATCH: usize = 100;
/// How many pages of the list of files are asked for; each has 100 entries.
const MOST_PAGES: usize = 1000;

/// The files at one commit, as far as they are known.
pub(super) struct Files {
    /// The commit.
    pub(super) commit: String,
    known: RefCell<BTreeMap<RepoPath, Entry>>,
}

/// What lies at a path.
#[derive(Clone)]
pub(super) enum Entry {
    /// Nothing.
    Missing,
    /// A regular file, and its content.
    File(Rc<Vec<u8>>),
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// A commit of another repository.
    Submodule,
}

/// A blob as GraphQL shows it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    path: String,
    mode: Option<String>,
    oid: String,
    raw_blob: Option<String>,
}

/// A file or blob as REST shows it.
#[derive(Deserialize)]
struct Encoded {
    content: String,
    #[serde(default)]
    blob_id: String,
}

/// A commit as REST shows it.
#[derive(Deserialize)]
pub(super) struct Logged {
    id: String,
    message: String,
    #[serde(default)]
    author_name: String,
    #[serde(default)]
    author_email: String,
    #[serde(default)]
    committer_name: String,
    #[serde(default)]
    committer_email: String,
    #[serde(default)]
    committed_date: Timestamp,
}

impl From<Logged> for LoggedCommit {
    fn from(logged: Logged) -> Self {
        Self {
            id: logged.id,
            message: logged.message,
            author: format!("{} <{}>", logged.author_name, logged.author_email),
            committer: format!("{} <{}>", logged.committer_name, logged.committer_email),
            committed: logged.committed_date,
        }
    }
}

impl Files {
    pub(super) fn at(commit: String) -> Self {
        Self {
            commit,
            known: RefCell::default(),
        }
    }
}

impl From<&Entry> for links::Entry {
    fn from(entry: &Entry) -> Self {
        match entry {
            Entry::Missing => Self::Missing,
            Entry::File(_) => Self::File,
            Entry::Folder => Self::Folder,
            Entry::Link => Self::Link(String::new()),
            Entry::Submodule => Self::Other,
        }
    }
}

/// The snapshot of a project on GitLab.
pub(super) struct GitLabSnapshot<'repo> {
    pub(super) forge: &'repo GitLab,
    pub(super) files: Rc<Files>,
}

impl GitLabSnapshot<'_> {
    /// Returns what lies at these paths, and asks for those that are not known yet.
    pub(super) fn look(&self, paths: &[RepoPath]) -> Result<Vec<Entry>, Fault> {
        // A policy may list a file more than once: each is asked for once.
        let mut seen = BTreeSet::new();
        let unknown: Vec<RepoPath> = {
            let known = self.files.known.borrow();
            let unknown = paths.iter().filter(|path| !known.contains_key(path));
            unknown.filter(|path| seen.insert(*path)).cloned().collect()
        };
        for batch in unknown.chunks(BATCH) {
            self.fetch(batch)?;
        }
        let known = self.files.known.borrow();
        Ok(paths
            .iter()
            .map(|path| known.get(path).cloned().unwrap_or(Entry::Missing))
            .collect())
    }

    /// Asks for files, at most [`BATCH`] of them, and returns the name of the default branch, which costs nothing more.
    ///
    /// GitLab refuses to answer with more than 20 MB of content: then the halves are asked for apart, and one file
    /// that is larger than that comes by REST.
    pub(super) fn fetch(&self, paths: &[RepoPath]) -> Result<Option<String>, Fault> {
        let document = format!(
            "query($project:ID!,$paths:[String!]!,$ref:String){{project(fullPath:$project){{repository{{rootRef \
             blobs(paths:$paths,ref:$ref,first:{BATCH}){{nodes{{path mode oid rawBlob}}}}}}}}}}"
        );
        let variables = json!({
            "project": self.forge.repo.path(),
            "paths": paths.iter().map(RepoPath::as_str).collect::<Vec<_>>(),
            "ref": self.files.commit,
        });
        let answer = self.forge.graphql(&document, &variables)?;
        let complaint = answer.complaint();
        if answer.json["errors"].is_array() && complaint.contains("size limit") {
            if let [path] = paths {
                let entry = Entry::File(Rc::new(self.large(path)?));
                self.files.known.borrow_mut().insert(path.clone(), entry);
                return Ok(None);
            }
            let (left, right) = paths.split_at(paths.len() / 2);
            self.fetch(left)?;
            return self.fetch(right);
        }
        let repository = self.repository(&answer)?;
        self.keep(paths, &repository["blobs"]["nodes"])?;
        Ok(repository["rootRef"].as_str().map(str::to_owned))
    }

    fn repository<'a>(&self, answer: &'a Answer) -> Result<&'a Value, Fault> {
        let wrong = answer.json["errors"]
            .as_array()
            .is_some_and(|all| !all.is_empty());
        if !answer.is_ok() || wrong {
            return Err(self.forge.refusal(answer, "read files", READING));
        }
        let repository = &answer.json["data"]["project"]["repository"];
        if repository.is_object() {
            return Ok(repository);
        }
        let why = format!(
            "GitLab's GraphQL API shows no repository `{}` to this token",
            self.forge.repo.path()
        );
        Err(Fault::new(Kind::Denied, why).hint(format!(
            "either it does not exist, or the token cannot see it; the token needs {READING}"
        )))
    }

    fn keep(&self, paths: &[RepoPath], nodes: &Value) -> Result<(), Fault> {
        let listed = Vec::<Listed>::deserialize(nodes).map_err(|_| {
            Fault::new(
                Kind::Denied,
                "what GitLab says of the files is not what its API promises",
            )
            .hint("check --api-url; behind a proxy, check that it lets the API through")
        })?;
        let mut found: BTreeMap<String, Listed> =
            listed.into_iter().map(|one| (one.path.clone(), one)).collect();
        for path in paths {
            let entry = match found.remove(path.as_str()) {
                None => Entry::Missing,
                Some(listed) => self.entry(path, listed)?,
            };
            self.files.known.borrow_mut().insert(path.clone(), entry);
        }
        Ok(())
    }

    fn entry(&self, path: &RepoPath, listed: Listed) -> Result<Entry, Fault> {
        let mode = listed.mode.as_deref().unwrap_or_default();
        Ok(match mode.trim_start_matches('0') {
            "40000" => Entry::Folder,
            "120000" => Entry::Link,
            "160000" => Entry::Submodule,
            _ => Entry::File(Rc::new(self.content(path, listed)?)),
        })
    }

    /// Takes the text if it is the blob's content to the byte, and fetches the blob if it is not.
    fn content(&self, path: &RepoPath, listed: Listed) -> Result<Vec<u8>, Fault> {
        if let Some(text) = listed.raw_blob
            && is_content(text.as_bytes(), &listed.oid)
        {
            return Ok(text.into_bytes());
        }
        let id = super::own::encoded(&listed.oid);
        let blob = self.encoded(
            path,
            &self.forge.own(Method::GET, &format!("repository/blobs/{id}")),
        )?;
        proven(path, &blob.content, &listed.oid)
    }

    /// Reads a file that is too large for GraphQL; no symbolic link is that large.
    fn large(&self, path: &RepoPath) -> Result<Vec<u8>, Fault> {
        let asked = File::builder()
            .project(self.forge.repo.path())
            .file_path(path.as_str())
            .ref_(self.files.commit.as_str())
            .build()
            .map_err(unwritable)?;
        let file = self.encoded(path, &asked)?;
        proven(path, &file.content, &file.blob_id)
    }

    fn encoded(&self, path: &RepoPath, asked: &impl Endpoint) -> Result<Encoded, Fault> {
        let answer = self.forge.read(asked)?;
        if answer.is_ok() {
            return answer.read("a file");
        }
        Err(self.forge.refusal(&answer, &format!("read `{path}`"), READING))
    }
}

fn is_content(bytes: &[u8], id: &str) -> bool {
    let hash = Oid::hash_object(ObjectType::Blob, bytes);
    hash.is_ok_and(|hash| Oid::from_str(id).is_ok_and(|id| hash == id))
}

/// Decodes a file, if it is the blob's content to the byte.
fn proven(path: &RepoPath, content: &str, id: &str) -> Result<Vec<u8>, Fault> {
    let mut text = content.to_owned();
    text.retain(|c| !c.is_ascii_whitespace());
    snapshot::check_size(path, text.len() as u64 / 4 * 3)?;
    let bytes = STANDARD.decode(text);
    bytes.ok().filter(|bytes| is_content(bytes, id)).ok_or_else(|| {
        let why = format!(
            "GitLab sent other bytes for `{path}` than its blob {} has",
            shown(id)
        );
        Fault::new(Kind::Denied, why)
            .hint("run it again; behind a proxy, check that it leaves answers as they are")
    })
}

impl Snapshot for GitLabSnapshot<'_> {
    fn commit(&self) -> Option<&str> {
        Some(&self.files.commit)
    }

    fn read(&self, paths: &[RepoPath]) -> Result<Vec<Option<Blob>>> {
        let found = self.look(paths)?;
        let read = |(path, entry): (&RepoPath, Entry)| match entry {
            Entry::Missing => Ok(None),
            Entry::File(bytes) => Ok(Some(Blob {
                path: path.clone(),
                bytes: bytes.to_vec(),
            })),
            Entry::Folder => Err(Fault::not_found(format!("`{path}` is a folder, not a file")).into()),
            Entry::Link => Err(self
                .forge
                .only_by_git(format!(
                    "`{path}` is a symbolic link, which is not followed through GitLab's API"
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
        struct Item {
            path: String,
            #[serde(rename = "type")]
            kind: String,
        }
        let mut paths = Vec::new();
        let mut next: Option<(&str, String)> = None;
        for _ in 0..MOST_PAGES {
            let mut asked = self
                .forge
                .own(Method::GET, "repository/tree")
                .query("ref", &self.files.commit)
                .query("recursive", "true")
                .query("per_page", "100")
                .query("pagination", "keyset");
            if let Some((name, value)) = next {
                asked = asked.query(name, &value);
            }
            let answer = self.forge.read(&asked)?;
            if !answer.is_ok() {
                return Err(self.forge.refusal(&answer, "list the files", READING).into());
            }
            let items: Vec<Item> = answer.read("the list of files")?;
            let blobs = items.iter().filter(|item| item.kind == "blob");
            // A name that no path of ours can hold is none that a user could ask for.
            paths.extend(blobs.filter_map(|item| RepoPath::parse(&item.path).ok()));
            next = answer.header("link").and_then(next_page);
            if next.is_none() {
                paths.sort();
                return Ok(paths);
            }
        }
        let why = "the repository has more files than are listed through GitLab's API (100,000 entries)";
        Err(self.forge.only_by_git(why.to_owned()).into())
    }

    fn history(&self, path: &RepoPath, most: usize) -> Result<Vec<LoggedCommit>> {
        let asked = self
            .forge
            .own(Method::GET, "repository/commits")
            .query("ref_name", &self.files.commit)
            .query("path", path.as_str())
            .query("per_page", &most.clamp(1, 100).to_string());
        let answer = self.forge.read(&asked)?;
        if !answer.is_ok() {
            let doing = format!("read the history of `{}`", shown(path.as_str()));
            return Err(self.forge.refusal(&answer, &doing, READING).into());
        }
        let logged: Vec<Logged> = answer.read("the history")?;
        Ok(logged.into_iter().take(most).map(LoggedCommit::from).collect())
    }

    fn at(&self, commit: &str) -> Result<Box<dyn Snapshot + '_>> {
        Ok(Box::new(GitLabSnapshot {
            forge: self.forge,
            files: Rc::new(Files::at(commit.to_owned())),
        }))
    }
}

/// Finds where a list goes on: the parameter that the header `Link` has for the next page.
///
/// Only that is taken from it, so that no answer leads the token to another host.
fn next_page(link: &str) -> Option<(&'static str, String)> {
    let next = link.split(',').find(|part| part.contains("rel=\"next\""))?;
    let url = next.trim().strip_prefix('<')?.split('>').next()?;
    let url = Url::parse(url).ok()?;
    ["page_token", "page"].into_iter().find_map(|name| {
        let mut pairs = url.query_pairs();
        let (_, value) = pairs.find(|(key, value)| key == name && !value.is_empty())?;
        Some((name, value.into_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_goes_on_where_its_link_says_but_never_on_another_host() {
        for (link, next) in [
            (
                r#"<https://x.example/api/v4/t?page_token=a%2Fb&per_page=100>; rel="next""#,
                Some(("page_token", "a/b")),
            ),
            (
                r#"<https://x.example/t?page=1>; rel="first", <https://x.example/t?page=3>; rel="next""#,
                Some(("page", "3")),
            ),
            (r#"<https://x.example/t?page=1>; rel="first""#, None),
            ("<>; rel=\"next\"", None),
            ("nonsense", None),
        ] {
            let found = next_page(link);
            assert_eq!(
                found.as_ref().map(|(name, value)| (*name, value.as_str())),
                next,
                "{link}"
            );
        }
    }
}
