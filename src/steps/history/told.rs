//! What a commit tells of itself: who, from which build, and why.

use super::report::Told;
use crate::plan::comparison::LoggedCommit;
use crate::plan::log::{LineCommit, Log};
use crate::words::trailers::{Key, Trailers};
use crate::words::wording::one_line;

/// A commit's own words, read once for all that it changed.
pub(super) struct Words {
    commit: LineCommit,
    /// What is known of those commits that carry trailers: its own, or those that a merge brought in.
    trailers: Vec<Trailers>,
    merged: bool,
}

impl Words {
    /// Reads a commit; a merge without trailers is told by the commits that it brought in.
    pub(super) fn of(commit: LineCommit, log: &dyn Log) -> anyhow::Result<Self> {
        let own = Trailers::parse(&commit.log.message);
        let merged = commit.merge && own.is_empty();
        let trailers = if merged {
            let brought = log.brought(&commit)?;
            let all = brought.iter().map(|one| Trailers::parse(&one.message));
            all.filter(|trailers| !trailers.is_empty()).collect()
        } else {
            vec![own]
        };
        Ok(Self {
            commit,
            trailers,
            merged,
        })
    }

    /// Returns what is told of one app and environment. Trailers that speak of others say nothing of this one.
    pub(super) fn about(&self, app: &str, env: &str, new: Option<&str>) -> Told {
        let speaks = |trailers: &&Trailers, key, name: &str| {
            trailers.get(key).is_none() || trailers.all(key).any(|one| one == name)
        };
        let fitting = self
            .trailers
            .iter()
            .filter(|trailers| speaks(trailers, Key::App, app) && speaks(trailers, Key::Env, env));
        let trailers = fitting
            .clone()
            .find(|trailers| new.is_some() && trailers.get(Key::New) == new)
            .or_else(|| fitting.clone().next());
        let get = |key| trailers.and_then(|trailers| trailers.get(key)).map(one_line);
        let author = name(&self.commit.log);
        let (actor, source_actor) = (get(Key::Actor), get(Key::SourceActor));
        let by = match (&actor, &source_actor) {
            (Some(actor), Some(source)) if actor != source => format!("{actor} for {source}"),
            (Some(actor), _) => actor.clone(),
            (None, Some(source)) => source.clone(),
            (None, None) => author.clone(),
        };
        let merged_by = self.merged.then(|| author.clone());
        Told {
            commit: self.commit.log.id.clone(),
            when: self.commit.when,
            by: match &merged_by {
                Some(merger) if *merger != by => format!("{by}, merged by {merger}"),
                _ => by,
            },
            author,
            actor,
            source_actor,
            merged_by,
            source_repo: get(Key::SourceRepo),
            source_commit: get(Key::SourceCommit),
            run_url: get(Key::RunUrl),
            override_reason: get(Key::Override),
            reverts: reverted(&self.commit.log.message),
            subject: one_line(
                self.commit
                    .log
                    .message
                    .trim_start()
                    .lines()
                    .next()
                    .unwrap_or_default(),
            ),
        }
    }
}

/// The author's name, or the address where there is none.
fn name(commit: &LoggedCommit) -> String {
    let (name, mail) = commit.author.rsplit_once('<').unwrap_or((&commit.author, ""));
    match one_line(name) {
        name if name.is_empty() => one_line(mail.trim_end_matches('>')),
        name => name,
    }
}

/// The commit that `git revert` says it takes back.
fn reverted(message: &str) -> Option<String> {
    let (_, after) = message.split_once("This reverts commit ")?;
    let id: String = after.chars().take_while(char::is_ascii_hexdigit).collect();
    (id.len() == 40).then_some(id)
}
