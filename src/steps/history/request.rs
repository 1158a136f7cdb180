//! What a run asks for, parsed.

use jiff::Timestamp;

use super::args::{HistoryArgs, NowArgs, WhichArgs};
use crate::words::address::RepoAddress;
use crate::words::fault::Fault;
use crate::words::moment;
use crate::words::name::{AppName, EnvName};
use crate::words::wording::shown;

/// The digits of a commit that was shortened: at least, and in full.
const HEX: std::ops::RangeInclusive<usize> = 7..=40;

/// What is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The changes.
    Changes,
    /// What stands.
    Now,
}

/// What a run asks for.
#[derive(Clone, Debug)]
pub struct Request {
    /// What is to be told.
    pub subject: Subject,
    /// Where the config repo is.
    pub config_repo: RepoAddress,
    /// The branch.
    pub branch: Option<String>,
    /// The apps; none means all.
    pub apps: Vec<AppName>,
    /// The environments; none means all.
    pub envs: Vec<EnvName>,
    /// Where the changes begin; that commit is not told.
    pub since: Option<Edge>,
    /// Where they end.
    pub until: Option<Edge>,
    /// How many are told.
    pub limit: Option<usize>,
}

/// An end of a stretch of history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edge {
    /// A moment.
    Moment(Timestamp),
    /// A commit, in lower-case hex, perhaps shortened.
    Commit(String),
}

impl Request {
    /// Reads the flags of `history`.
    ///
    /// # Errors
    /// `Invalid` for a value that is none of its flag.
    pub fn changes(args: &HistoryArgs, now: Timestamp) -> Result<Self, Fault> {
        Ok(Self {
            subject: Subject::Changes,
            since: edge("--since", args.since.as_deref(), now)?,
            until: edge("--until", args.until.as_deref(), now)?,
            limit: Some(args.limit).filter(|limit| *limit > 0),
            ..Self::of(&args.which)?
        })
    }

    /// Reads the flags of `history now`.
    ///
    /// # Errors
    /// `Invalid` for a value that is none of its flag.
    pub fn now(args: &NowArgs, now: Timestamp) -> Result<Self, Fault> {
        Ok(Self {
            until: edge("--until", args.until.as_deref(), now)?,
            ..Self::of(&args.which)?
        })
    }

    fn of(which: &WhichArgs) -> Result<Self, Fault> {
        Ok(Self {
            subject: Subject::Now,
            config_repo: RepoAddress::parse(&which.config_repo)?,
            branch: which.branch.clone(),
            apps: parsed(&which.app)?,
            envs: parsed(&which.env)?,
            since: None,
            until: None,
            limit: None,
        })
    }
}

fn parsed<T: std::str::FromStr<Err = Fault>>(names: &[String]) -> Result<Vec<T>, Fault> {
    names.iter().map(|name| name.parse()).collect()
}

fn edge(flag: &str, text: Option<&str>, now: Timestamp) -> Result<Option<Edge>, Fault> {
    let Some(text) = text else { return Ok(None) };
    if HEX.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(Some(Edge::Commit(text.to_ascii_lowercase())));
    }
    let moment = moment::parse_before(text, now).ok_or_else(|| {
        Fault::invalid(format!(
            "`{}` is neither a time nor a commit, for {flag}",
            shown(text)
        ))
        .hint("write `2w`, `2026-11-01`, `2026-11-01T18:00:00Z`, or at least seven digits of a commit")
    })?;
    Ok(Some(Edge::Moment(moment)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_is_a_moment_or_a_commit() {
        let now = moment::parse("2026-11-21").unwrap();
        let read = |text| edge("--since", Some(text), now);
        assert_eq!(read("ABCDEF1").unwrap(), Some(Edge::Commit("abcdef1".into())));
        assert_eq!(
            read("1w").unwrap(),
            Some(Edge::Moment(moment::parse("2026-11-14").unwrap()))
        );
        let fault = read("HEAD~3").unwrap_err();
        assert!(fault.message.contains("--since"), "{fault}");
        assert_eq!(edge("--until", None, now).unwrap(), None);
    }
}
