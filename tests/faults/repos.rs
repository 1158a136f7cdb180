//! What becomes of the repository, before a run and meanwhile.

use super::row::{Harm, Holds, Job, Meanwhile, Road, Row, State};

use Harm::{Before, Meanwhile as While};

const CLONE: &[Road] = &[Road::Clone];
const GIT: &[Road] = &[Road::Git, Road::Clone];
const HUB: &[Road] = &[Road::GitHub];
const ALL: &[Road] = &[Road::Git, Road::Clone, Road::GitHub, Road::GitLab];
const APIS: &[Road] = &[Road::GitHub, Road::GitLab];
const SSH: &[Road] = &[Road::Ssh];
const WITH_SSH: &[Road] = &[Road::Git, Road::Clone, Road::Ssh];

const fn row(
    trouble: &'static str,
    roads: &'static [Road],
    harm: Harm,
    (code, says): (i32, &'static [&'static str]),
    holds: Holds,
) -> Row {
    Row {
        trouble,
        job: Job::Push,
        roads,
        harm,
        code,
        says,
        holds,
    }
}

const GONE: &str = "the config repo has no branch `main`";
const WELL: (i32, &[&str]) = (0, &[""]);

pub const ROWS: &[Row] = &[
    row(
        "the clone is shallow",
        CLONE,
        Before(State::Shallow),
        WELL,
        Holds::Done,
    ),
    row(
        "the clone has lost its objects",
        CLONE,
        Before(State::CorruptClone),
        (2, &["the clone cannot read its own HEAD: object not found - …"]),
        Holds::Before,
    ),
    row(
        "the remote has lost an object",
        GIT,
        Before(State::CorruptRemote),
        (6, &["the remote's answer is no git protocol: …"]),
        Holds::Before,
    ),
    row(
        "the remote has lost an object",
        SSH,
        Before(State::CorruptRemote),
        (6, &["`ssh://git@host.example/…` cannot be reached: …"]),
        Holds::Before,
    ),
    row(
        "a hook refuses the push",
        WITH_SSH,
        Before(State::Hook),
        (
            4,
            &["the remote refused the push to `main`: pre-receive hook declined; it said: not on a Friday"],
        ),
        Holds::Before,
    ),
    row(
        "the branch is protected",
        GIT,
        Before(State::Protected),
        (
            4,
            &[
                "the remote refused the push to `main`: hook declined; it said: error: GH006: Protected branch update failed for refs/heads/main. …",
            ],
        ),
        Holds::Before,
    ),
    row(
        "the branch is protected",
        APIS,
        Before(State::Protected),
        (4, &["… refuses the commit on `main`: …"]),
        Holds::Before,
    ),
    row(
        "the branch has a merge queue",
        GIT,
        Before(State::Queue),
        (
            4,
            &["the remote refused the push to `main`: hook declined; it said: …"],
        ),
        Holds::Before,
    ),
    row(
        "the branch has a merge queue",
        HUB,
        Before(State::Queue),
        (4, &["GitHub refuses the commit on `main`: …"]),
        Holds::Before,
    ),
    row(
        "the branch moves meanwhile",
        ALL,
        While(Meanwhile::Moved),
        WELL,
        Holds::Done,
    ),
    row(
        "the branch is forced elsewhere meanwhile",
        ALL,
        While(Meanwhile::Forced),
        WELL,
        Holds::Done,
    ),
    row(
        "the branch is deleted meanwhile",
        ALL,
        While(Meanwhile::Deleted),
        (3, &[GONE]),
        Holds::Theirs,
    ),
    row(
        "the branch is renamed meanwhile",
        ALL,
        While(Meanwhile::Renamed),
        (3, &[GONE]),
        Holds::Theirs,
    ),
    row(
        "the file goes meanwhile",
        ALL,
        While(Meanwhile::FileGone),
        (3, &["`web/dev.yaml` does not exist in the config repo"]),
        Holds::Theirs,
    ),
];
