//! What is to be done about a change request, from what is there already.

use super::{Proposal, text};
use crate::plan::change_request::{ChangeRequest, State};
use crate::plan::comparison::LoggedCommit;
use crate::words::fault::Fault;
use crate::words::trailers::{Key, Trailers};

/// The address under which GitHub commits what its own pages and API make.
const GITHUB_COMMITTER: &str = "<noreply@github.com>";

/// The beginning of the names that we give to head branches.
const PREFIX: &str = "promote/";

/// What is there already.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The change requests of head and base in any state, newest first.
    pub requests: &'a [ChangeRequest],
    /// The tip of the head branch; `None` where there is no such branch.
    pub head: Option<Tip<'a>>,
    /// The base's commit that the plan was made on.
    pub base: &'a str,
    /// Whether to wait for another run that has put a newer value on the branch and not opened its request yet.
    pub patient: bool,
}

/// The tip of the head branch.
#[derive(Clone, Copy, Debug)]
pub struct Tip<'a> {
    /// The commit.
    pub commit: &'a LoggedCommit,
    /// Whether the files that change are there as the plan has them.
    pub as_planned: bool,
    /// The newer value that it carries, where it does.
    pub newer: Option<&'a str>,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Decision {
    /// The open one says it all.
    Nothing(ChangeRequest),
    /// The open one carries a newer value; `why` says which.
    Superseded {
        /// The open one.
        open: ChangeRequest,
        /// Which value.
        why: String,
        /// Whether its text is about another value than its branch: two runs crossed.
        mistold: bool,
    },
    /// Another run has put a newer value on the branch, and is about to open its request.
    Wait,
    /// A person closed it.
    LeaveClosed(ChangeRequest),
    /// Put the commit on the head branch and bring the change request about.
    Bring {
        /// Whether the commit has to be put there; else the branch holds it already.
        commit: bool,
        /// The open one, whose text is to be brought up to date.
        open: Option<ChangeRequest>,
        /// The closed one that is to be opened again.
        reopen: Option<ChangeRequest>,
    },
}

/// Decides.
///
/// # Errors
/// `Refused` where the head branch carries somebody else's commits.
pub fn decide(
    proposal: &Proposal,
    seen: &Seen<'_>,
    (take_over, reopen): (bool, bool),
) -> Result<Decision, Fault> {
    let open = seen.requests.iter().find(|request| request.state == State::Open);
    let last = seen.requests.first();
    let closed = last.filter(|last| open.is_none() && last.state == State::Closed);
    if let Some(tip) = &seen.head
        && !take_over
        && !is_ours(tip.commit, (&proposal.head, &proposal.base), seen)
    {
        return Err(foreign(proposal, tip.commit, open));
    }
    if let (Some(open), Some(newer)) = (open, seen.head.and_then(|tip| tip.newer)) {
        let carried = seen.head.and_then(|tip| mark_of(&tip.commit.message));
        return Ok(Decision::Superseded {
            open: open.clone(),
            why: newer.to_owned(),
            mistold: carried.is_some_and(|(_, mark)| mark_in(&open.body) != Some(&mark)),
        });
    }
    let in_flight = |tip: &Tip<'_>| {
        let known = |request: &ChangeRequest| request.head.as_ref() == Some(&tip.commit.id);
        tip.newer.is_some() && !seen.requests.iter().any(known)
    };
    if seen.patient && open.is_none() && seen.head.as_ref().is_some_and(in_flight) {
        return Ok(Decision::Wait);
    }
    if let Some(closed) = closed
        && !reopen
        && closed_by_a_person(closed, &proposal.mark)
    {
        return Ok(Decision::LeaveClosed(closed.clone()));
    }
    let there = seen.head.is_some_and(|tip| {
        tip.as_planned && mark_of(&tip.commit.message).is_some_and(|(_, mark)| mark == proposal.mark)
    });
    // A text that a person improved stays, as long as it is about the same values.
    if let Some(open) = open.filter(|open| there && mark_in(&open.body) == Some(&proposal.mark)) {
        return Ok(Decision::Nothing(open.clone()));
    }
    Ok(Decision::Bring {
        commit: !there,
        open: open.cloned(),
        reopen: closed.filter(|_| reopen).cloned(),
    })
}

/// Returns whether nothing of anybody else goes when the head branch is made anew: its tip is a commit of ours for this
/// branch that nobody has made over, or the base brought into it by the button of a pull request's page, or one that was
/// merged; or a branch of ours on which there is nothing but the base.
pub fn is_ours(tip: &LoggedCommit, (head, base_branch): (&str, &str), seen: &Seen<'_>) -> bool {
    let LoggedCommit {
        id,
        message,
        author,
        committer,
        ..
    } = tip;
    let merged = seen
        .requests
        .iter()
        .any(|request| request.state == State::Merged && request.head.as_ref() == Some(id));
    let by_github = committer.ends_with(GITHUB_COMMITTER);
    let marked = mark_of(message).is_some_and(|(branch, _)| branch == head);
    let brought_up = by_github && message.trim_end() == format!("Merge branch '{base_branch}' into {head}");
    let our_name = head.starts_with(PREFIX) || seen.requests.iter().any(is_of);
    merged || (marked && (author == committer || by_github)) || brought_up || (id == seen.base && our_name)
}

fn foreign(proposal: &Proposal, tip: &LoggedCommit, open: Option<&ChangeRequest>) -> Fault {
    let subject = tip.message.lines().next().unwrap_or_default();
    let id = tip.id.get(..12).unwrap_or(&tip.id);
    let fault = Fault::refused(format!(
        "the branch `{}` carries somebody else's commit {id}, `{}` by {}",
        proposal.head,
        crate::words::wording::shown(subject),
        crate::words::wording::shown(&tip.committer),
    ));
    let open = open.map_or(String::new(), |open| {
        format!("merge or close {}, or ", open.url.escape_debug())
    });
    fault.hint(format!("{open}replace the branch with --take-over"))
}

fn closed_by_a_person(closed: &ChangeRequest, mark: &str) -> bool {
    mark_in(&closed.body) == Some(mark) && !closed.body.contains(text::CLOSED)
}

/// Returns whether we opened a change request: its text says so.
pub fn is_of(request: &ChangeRequest) -> bool {
    mark_in(&request.body).is_some()
}

/// The head branch and the mark that a commit's message tells.
fn mark_of(message: &str) -> Option<(String, String)> {
    let trailers = Trailers::parse(message);
    let (head, mark) = trailers.get(Key::Proposal)?.split_once(' ')?;
    Some((head.to_owned(), mark.to_owned()))
}

/// The mark that a change request's text tells.
fn mark_in(body: &str) -> Option<&str> {
    let (_, after) = body.rsplit_once(text::MARK)?;
    let (mark, _) = after.split_once(" -->")?;
    mark.split(' ').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::change_request::Dressing;
    use crate::plan::commit::NewCommit;
    use crate::words::fault::Kind;

    const HEAD: &str = "promote/prod/web";

    fn proposal(mark: &str) -> Proposal {
        Proposal {
            head: HEAD.into(),
            base: "main".into(),
            commit: NewCommit {
                message: String::new(),
                author: None,
                signing: None,
                changes: Vec::new(),
            },
            mark: mark.into(),
            title: "t".into(),
            body: body(mark),
            draft: false,
            dressing: Dressing::default(),
            auto_merge: None,
            warnings: Vec::new(),
        }
    }

    fn body(mark: &str) -> String {
        format!("text\n{}{HEAD} {mark} -->", text::MARK)
    }

    fn request(state: State, mark: &str) -> ChangeRequest {
        ChangeRequest {
            number: 7,
            node: String::new(),
            url: "https://forge/7".into(),
            state,
            title: "improved by a person".into(),
            body: body(mark),
            head: Some("tip".into()),
            draft: false,
        }
    }

    fn commit(message: &str, author: &str, committer: &str) -> LoggedCommit {
        LoggedCommit {
            id: "tip".into(),
            message: message.into(),
            author: author.into(),
            committer: committer.into(),
            committed: jiff::Timestamp::UNIX_EPOCH,
        }
    }

    fn ours(mark: &str) -> LoggedCommit {
        commit(
            &format!("s\n\nGitops-Proposal: {HEAD} {mark}\n"),
            "bot <b@x>",
            "bot <b@x>",
        )
    }

    fn word(
        proposal: &Proposal,
        requests: &[ChangeRequest],
        head: Option<(&LoggedCommit, bool)>,
        flags: (bool, bool),
    ) -> String {
        let tip = head.map(|(commit, as_planned)| Tip {
            commit,
            as_planned,
            newer: None,
        });
        let seen = Seen {
            requests,
            head: tip,
            base: "base",
            patient: true,
        };
        match decide(proposal, &seen, flags) {
            Ok(Decision::Nothing(_)) => "nothing".into(),
            Ok(Decision::Superseded { mistold: true, .. }) => "superseded, retell".into(),
            Ok(Decision::Superseded { .. }) => "superseded".into(),
            Ok(Decision::Wait) => "wait".into(),
            Ok(Decision::LeaveClosed(_)) => "leave closed".into(),
            Ok(Decision::Bring { commit, open, reopen }) => {
                let text = match (open.is_some(), reopen.is_some()) {
                    (true, _) => "update",
                    (_, true) => "reopen",
                    _ => "open",
                };
                if commit {
                    format!("commit, {text}")
                } else {
                    text.to_owned()
                }
            }
            Err(fault) => {
                assert_eq!(fault.kind, Kind::Refused);
                "refused".into()
            }
        }
    }

    #[expect(clippy::too_many_lines, reason = "one table")]
    #[test]
    fn every_situation_ends_well() {
        use State::{Closed, Merged, Open};
        let (no, take_over, reopen) = ((false, false), (true, false), (false, true));
        let (same, older) = (ours("new"), ours("old"));
        let person = commit("fix it", "Ann <a@x>", "Ann <a@x>");
        let amended = commit(&same.message, "bot <b@x>", "Ann <a@x>");
        let by_github = commit(&same.message, "bot <b@x>", "GitHub <noreply@github.com>");
        let mut by_us = request(Closed, "new");
        by_us.body = super::super::closed_by_us(&by_us.body);
        for (what, requests, head, flags, expected) in [
            ("first time", vec![], None, no, "commit, open"),
            (
                "again with the same",
                vec![request(Open, "new")],
                Some((&same, true)),
                no,
                "nothing",
            ),
            (
                "the base moved below the same",
                vec![request(Open, "new")],
                Some((&same, false)),
                no,
                "commit, update",
            ),
            (
                "again with newer",
                vec![request(Open, "old")],
                Some((&older, false)),
                no,
                "commit, update",
            ),
            (
                "pushed, but never opened",
                vec![],
                Some((&same, true)),
                no,
                "open",
            ),
            (
                "pushed, but the text is old",
                vec![request(Open, "old")],
                Some((&same, true)),
                no,
                "update",
            ),
            (
                "closed by a person",
                vec![request(Closed, "new")],
                Some((&same, true)),
                no,
                "leave closed",
            ),
            (
                "closed, and the branch is gone",
                vec![request(Closed, "new")],
                None,
                no,
                "leave closed",
            ),
            (
                "closed, but with --reopen",
                vec![request(Closed, "new")],
                Some((&same, true)),
                reopen,
                "reopen",
            ),
            (
                "an older one was closed",
                vec![request(Closed, "old")],
                Some((&older, false)),
                no,
                "commit, open",
            ),
            ("closed by us", vec![by_us], Some((&same, true)), no, "open"),
            (
                "merged, and the branch is left",
                vec![request(Merged, "old")],
                Some((&person, false)),
                no,
                "commit, open",
            ),
            (
                "a person's commits",
                vec![request(Open, "old")],
                Some((&person, false)),
                no,
                "refused",
            ),
            (
                "a person's commits, taken over",
                vec![request(Open, "old")],
                Some((&person, false)),
                take_over,
                "commit, update",
            ),
            (
                "made over by a person",
                vec![request(Open, "new")],
                Some((&amended, true)),
                no,
                "refused",
            ),
            (
                "made by GitHub's API",
                vec![request(Open, "new")],
                Some((&by_github, true)),
                no,
                "nothing",
            ),
        ] {
            assert_eq!(word(&proposal("new"), &requests, head, flags), expected, "{what}");
        }
        let button = LoggedCommit {
            message: format!("Merge branch 'main' into {HEAD}"),
            ..by_github.clone()
        };
        assert_eq!(
            word(
                &proposal("new"),
                &[request(Open, "new")],
                Some((&button, false)),
                no
            ),
            "commit, update",
            "brought up by the button"
        );
        let commit = LoggedCommit {
            id: "base".into(),
            ..person
        };
        assert_eq!(
            word(&proposal("new"), &[], Some((&commit, false)), no),
            "commit, open",
            "an empty branch"
        );
    }

    #[test]
    fn a_newer_value_whose_request_is_not_open_yet_is_waited_for_but_not_for_ever() {
        let newer = ours("newer");
        let tip = Tip {
            commit: &newer,
            as_planned: false,
            newer: Some("a newer value"),
        };
        let closed = [request(State::Closed, "newer")];
        for (requests, patient, waits) in [(&[][..], true, true), (&[], false, false), (&closed, true, false)]
        {
            let seen = Seen {
                requests,
                head: Some(tip),
                base: "base",
                patient,
            };
            let decision = decide(&proposal("new"), &seen, (false, false)).unwrap();
            assert_eq!(matches!(decision, Decision::Wait), waits, "{decision:?}");
        }
    }
}
