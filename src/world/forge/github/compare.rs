//! How two commits lie to each other.
//!
//! Source: GitHub's "Compare two commits", which lists 250 commits at most and says in `total_commits` how many there are.

use jiff::Timestamp;
use serde::Deserialize;

use super::{GitHub, encoded};
use crate::plan::comparison::{Comparison, LoggedCommit, Relation};
use crate::words::fault::{Fault, Kind};
use crate::words::wording::shown;
use crate::world::forge::call::Answer;

const READING: &str = "contents: read";

#[derive(Deserialize)]
struct Compared {
    status: String,
    #[serde(default)]
    commits: Vec<Commit>,
    #[serde(default)]
    total_commits: usize,
    html_url: Option<String>,
}

#[derive(Deserialize)]
struct Commit {
    sha: String,
    commit: Text,
}

#[derive(Deserialize)]
struct Text {
    message: String,
    author: Option<Actor>,
    committer: Option<Actor>,
}

#[derive(Deserialize)]
struct Actor {
    name: Option<String>,
    email: Option<String>,
    date: Option<Timestamp>,
}

impl GitHub {
    /// Compares two commits, branches or tags; `None` if one of them is not there.
    pub(in crate::world::forge) fn compare(
        &self,
        base: &str,
        head: &str,
    ) -> Result<Option<Comparison>, Fault> {
        let answer = self.get(&format!("/compare/{}...{}", encoded(base), encoded(head)))?;
        if answer.is_ok() {
            return read(&answer).map(Some);
        }
        if answer.status != 404 {
            return Err(self.refusal(&answer, "compare commits", READING));
        }
        if answer
            .complaint()
            .to_ascii_lowercase()
            .contains("no common ancestor")
        {
            return Ok(Some(Comparison {
                relation: Relation::Diverged,
                commits: Vec::new(),
                total: 0,
                url: None,
            }));
        }
        // The same status stands for a repository that the token cannot see.
        let repo = self.get("")?;
        if repo.is_ok() {
            Ok(None)
        } else {
            Err(self.refusal(&repo, "compare commits", READING))
        }
    }
}

fn read(answer: &Answer) -> Result<Comparison, Fault> {
    let compared: Compared = answer.read("the comparison")?;
    let relation = match compared.status.as_str() {
        "ahead" => Relation::Ahead,
        "behind" => Relation::Behind,
        "identical" => Relation::Same,
        "diverged" => Relation::Diverged,
        other => {
            return Err(Fault::new(
                Kind::Denied,
                format!(
                    "GitHub compares two commits as `{}`, which we do not know",
                    shown(other)
                ),
            ));
        }
    };
    let who = |actor: Option<Actor>| {
        actor.map_or_else(String::new, |Actor { name, email, .. }| {
            format!("{} <{}>", name.unwrap_or_default(), email.unwrap_or_default())
        })
    };
    let logged = |commit: Commit| LoggedCommit {
        id: commit.sha,
        message: commit.commit.message,
        author: who(commit.commit.author),
        committed: commit
            .commit
            .committer
            .as_ref()
            .and_then(|committer| committer.date)
            .unwrap_or_default(),
        committer: who(commit.commit.committer),
    };
    Ok(Comparison {
        relation,
        total: compared.total_commits.max(compared.commits.len()),
        commits: compared.commits.into_iter().map(logged).collect(),
        url: compared.html_url,
    })
}
