//! The head of the pull request that a GitHub workflow runs for.
//!
//! Source: GitHub's "Webhook events and payloads", `pull_request`. The workflow itself sees the commit of a merge that
//! is only tried; what people and deployments speak of is the head.

use serde_json::Value;

use super::payload::{read_commit, read_reference};

/// The head of a pull request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullRequestHead {
    /// The number.
    pub number: u64,
    /// The commit, in full hex.
    pub sha: String,
    /// The branch.
    pub reference: String,
}

impl PullRequestHead {
    /// Reads the head from an event's body; `None` for an event of another kind.
    pub fn of_event(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let pull_request = body.get("pull_request")?;
        let head = pull_request.get("head")?;
        Some(Self {
            number: pull_request.get("number")?.as_u64()?,
            sha: read_commit(head.get("sha")?.as_str()?).ok()?,
            reference: read_reference(head.get("ref")?.as_str()?).ok()?,
        })
    }
}

/// Returns the number of the pull request whose tried merge a reference names: `refs/pull/7/merge`, `7/merge`.
pub fn merge_of(reference: &str) -> Option<u64> {
    let rest = reference.strip_prefix("refs/").unwrap_or(reference);
    let rest = rest.strip_prefix("pull/").unwrap_or(rest);
    rest.strip_suffix("/merge")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tried_merge_is_told_from_a_branch() {
        for (reference, number) in [
            ("refs/pull/7/merge", Some(7)),
            ("pull/7/merge", Some(7)),
            ("7/merge", Some(7)),
            ("refs/pull/7/head", None),
            ("refs/heads/merge", None),
            ("feature/merge", None),
        ] {
            assert_eq!(merge_of(reference), number, "{reference}");
        }
    }

    #[test]
    fn the_head_is_read_and_nothing_else_is_taken_for_one() {
        let sha = "a".repeat(40);
        let body = format!(r#"{{"pull_request":{{"number":7,"head":{{"sha":"{sha}","ref":"feature/a"}}}}}}"#);
        assert_eq!(PullRequestHead::of_event(body.as_bytes()).unwrap().sha, sha);
        for body in [
            "",
            "{}",
            r#"{"pull_request":{"number":7,"head":{"sha":"x","ref":"a"}}}"#,
        ] {
            assert_eq!(PullRequestHead::of_event(body.as_bytes()), None);
        }
    }
}
