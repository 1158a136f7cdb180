//! What a remote's answer to a push means.
//!
//! There is no code for it in git's protocol: the status is a line of English, and each forge has its own.

use crate::words::fault::{Fault, Kind};

/// The meaning of a rejected update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::world) enum Meaning {
    /// Somebody else was faster.
    Moved,
    /// The branch takes no direct push.
    Protected,
    /// The token, or user, may not push here.
    NoRight,
    /// GitHub keeps workflow files from tokens without a permission of its own.
    NoWorkflowRight,
    /// A hook or rule said no to this commit.
    Rule,
    /// The remote failed; it may work the next time.
    Ailing,
}

/// Wordings and their meanings, most specific first; matched in lower case within the status and what the
/// remote said. From git's receive-pack.c and refs code, and the forges' documentation:
/// GitHub "About protected branches", GitLab "Protected branches" and Gitaly, Gitea's and Forgejo's
/// pre-receive hook, Bitbucket "Branch permissions", Azure Repos "Branch policies" (TF402455, TF401027).
const WORDINGS: &[(&str, Meaning)] = &[
    ("cannot lock ref", Meaning::Moved),
    ("failed to lock", Meaning::Moved),
    ("unable to lock", Meaning::Moved),
    ("cannot update ref", Meaning::Moved),
    ("failed to update ref", Meaning::Moved),
    ("failed to update reference", Meaning::Moved),
    ("incorrect old value", Meaning::Moved),
    ("reference does not point to expected object", Meaning::Moved),
    ("reference already exists", Meaning::Moved),
    ("fetch first", Meaning::Moved),
    ("non-fast-forward", Meaning::Moved),
    ("non-fastforward", Meaning::Moved),
    ("stale info", Meaning::Moved),
    ("remote ref is at", Meaning::Moved),
    ("`workflow` scope", Meaning::NoWorkflowRight),
    ("`workflows` permission", Meaning::NoWorkflowRight),
    ("gh006", Meaning::Protected),
    ("gh013", Meaning::Protected),
    ("protected branch", Meaning::Protected),
    ("repository rule violations", Meaning::Protected),
    ("changes must be made through a pull request", Meaning::Protected),
    ("can only be modified through pull requests", Meaning::Protected),
    ("you must use a pull request", Meaning::Protected),
    ("create this tag as it is protected", Meaning::Protected),
    ("tf402455", Meaning::Protected),
    ("user permission denied", Meaning::NoRight),
    ("permission denied", Meaning::NoRight),
    ("permission to", Meaning::NoRight),
    ("not allowed to push code", Meaning::NoRight),
    ("not allowed to upload code", Meaning::NoRight),
    ("not allowed to push", Meaning::NoRight),
    ("do not have permission", Meaning::NoRight),
    ("tf401027", Meaning::NoRight),
    ("genericcontribute", Meaning::NoRight),
    ("read-only", Meaning::NoRight),
    ("archived", Meaning::NoRight),
    ("internal api", Meaning::Ailing),
    ("internal server error", Meaning::Ailing),
    ("fatal error in commit_refs", Meaning::Ailing),
    ("bad gateway", Meaning::Ailing),
    ("gateway time-out", Meaning::Ailing),
    ("service unavailable", Meaning::Ailing),
    ("unpacker error", Meaning::Ailing),
    ("unpack-objects abnormal exit", Meaning::Ailing),
    ("no space left", Meaning::Ailing),
    ("hook declined", Meaning::Rule),
    ("push declined", Meaning::Rule),
];

/// Reads the status of a branch, beside what the remote said for people.
pub(in crate::world) fn meaning(status: &str, said: &str) -> Meaning {
    let status = status.to_ascii_lowercase();
    let said = said.to_ascii_lowercase();
    let found = WORDINGS.iter().find(|(wording, meaning)| {
        // Hooks may write anything: that a branch moved is believed from git's own status only.
        status.contains(wording) || (*meaning != Meaning::Moved && said.contains(wording))
    });
    found.map_or(Meaning::Rule, |(_, meaning)| *meaning)
}

/// Puts a rejection in words for the user.
pub(super) fn refused(branch: &str, meaning: Meaning, status: &str, said: &str) -> Fault {
    let branch = branch.escape_debug();
    let words = said.split_whitespace().collect::<Vec<_>>().join(" ");
    let said = match words.as_str() {
        "" => String::new(),
        words => format!("; it said: {}", words.escape_debug()),
    };
    let message = format!(
        "the remote refused the push to `{branch}`: {}{said}",
        status.escape_debug()
    );
    let (kind, hint) = match meaning {
        Meaning::Protected => (
            Kind::Refused,
            "the branch is protected: open a pull request with --publish pull-request, or \
             let this token bypass the protection",
        ),
        Meaning::NoRight => (
            Kind::Denied,
            "the token needs write access (GitHub: contents: write; GitLab: write_repository and the Developer \
             role; a deploy key: write)",
        ),
        Meaning::NoWorkflowRight => (
            Kind::Denied,
            "the token needs workflows: write (a classic token: the workflow scope) to change .github/workflows",
        ),
        Meaning::Rule | Meaning::Moved | Meaning::Ailing => (
            Kind::Refused,
            "a rule of the remote says no to this commit: try another --message or --author, or open a pull request with \
             --publish pull-request",
        ),
    };
    Fault::new(kind, message).hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wordings as remotes send them: the status of the branch, and the text beside it.
    const SEEN: &[(&str, &str, Meaning)] = &[
        ("failed to update ref", "", Meaning::Moved),
        ("fetch first", "", Meaning::Moved),
        ("non-fast-forward", "", Meaning::Moved),
        ("stale info", "", Meaning::Moved),
        ("incorrect old value provided", "", Meaning::Moved),
        (
            "cannot lock ref 'refs/heads/main': is at 1f0c but expected 9a3b",
            "",
            Meaning::Moved,
        ),
        (
            "failed",
            "error: cannot lock ref 'refs/heads/main': is at 1f0c but expected 9a3b",
            Meaning::Rule,
        ),
        ("reference does not point to expected object", "", Meaning::Moved),
        (
            "protected branch hook declined",
            "error: GH006: Protected branch update failed for refs/heads/main.",
            Meaning::Protected,
        ),
        (
            "push declined due to repository rule violations",
            "error: GH013: Repository rule violations found for refs/heads/main.",
            Meaning::Protected,
        ),
        (
            "push declined due to email privacy restrictions",
            "error: GH007: Your push would publish a private email address.",
            Meaning::Rule,
        ),
        (
            "refusing to allow a GitHub App to create or update workflow `.github/workflows/ci.yml` without `workflows` permission",
            "",
            Meaning::NoWorkflowRight,
        ),
        ("fatal error in commit_refs", "", Meaning::Ailing),
        ("Internal Server Error", "", Meaning::Ailing),
        (
            "pre-receive hook declined",
            "GitLab: You are not allowed to push code to protected branches on this project.",
            Meaning::Protected,
        ),
        (
            "pre-receive hook declined",
            "GitLab: You are not allowed to push code to this project.",
            Meaning::NoRight,
        ),
        (
            "pre-receive hook declined",
            "GitLab: Commit message does not follow the pattern 'JIRA-.*'",
            Meaning::Rule,
        ),
        (
            "pre-receive hook declined",
            "GitLab: You are not allowed to create this tag as it is protected.",
            Meaning::Protected,
        ),
        (
            "pre-receive hook declined",
            "GitLab: Internal API unreachable",
            Meaning::Ailing,
        ),
        (
            "pre-receive hook declined",
            "Gitea: Not allowed to push to protected branch main",
            Meaning::Protected,
        ),
        (
            "pre-receive hook declined",
            "Forgejo: User permission denied for writing.",
            Meaning::NoRight,
        ),
        (
            "pre-receive hook declined",
            "Branch refs/heads/main can only be modified through pull requests.",
            Meaning::Protected,
        ),
        (
            "permission denied to update branch main",
            "You do not have permission to push to this branch",
            Meaning::NoRight,
        ),
        (
            "TF402455: Pushes to this branch are not permitted; you must use a pull request to update this branch.",
            "",
            Meaning::Protected,
        ),
        (
            "TF401027: You need the Git 'GenericContribute' permission to perform this action.",
            "",
            Meaning::NoRight,
        ),
        ("pre-receive hook declined", "", Meaning::Rule),
        ("hook declined", "fetch first", Meaning::Rule),
        ("unpacker error", "", Meaning::Ailing),
        ("something new", "", Meaning::Rule),
    ];

    #[test]
    fn each_forges_wording_is_understood() {
        for (status, said, expected) in SEEN {
            assert_eq!(meaning(status, said), *expected, "{status} / {said}");
        }
    }

    #[test]
    fn a_refusal_names_its_way_out_and_escapes_what_the_remote_said() {
        let fault = refused(
            "main",
            Meaning::Protected,
            "GH006",
            "no\u{1b}[31m way\n::error::x",
        );
        assert_eq!(fault.kind, Kind::Refused);
        assert!(fault.hint.unwrap().contains("--publish pull-request"));
        assert!(!fault.message.contains('\u{1b}') && !fault.message.contains('\n'));
    }
}
