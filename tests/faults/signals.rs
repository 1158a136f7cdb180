//! Runs that are ended: by SIGTERM, and by SIGKILL, which nothing can be done about.

use super::row::{At, Harm, Holds, Job, Moment, Road, Row, SIGNALLED, Signal};

use Moment::{After, Before};
use Signal::{Kill, Term};

const GIT: &[Road] = &[Road::Git];
const GIT_AND_APIS: &[Road] = &[Road::Git, Road::GitHub, Road::GitLab];
const APIS: &[Road] = &[Road::GitHub, Road::GitLab];
const HUB: &[Road] = &[Road::GitHub];
const LAB: &[Road] = &[Road::GitLab];
const GIT_AND_LAB: &[Road] = &[Road::Git, Road::GitLab];

const fn row(
    trouble: &'static str,
    (job, roads): (Job, &'static [Road]),
    (at, moment, signal): (At, Moment, Signal),
    code: i32,
    holds: Holds,
) -> Row {
    Row {
        trouble,
        job,
        roads,
        harm: Harm::Signal(at, moment, signal),
        code,
        says: &[""],
        holds,
    }
}

/// What a run that cleans up ends with.
const INTERRUPTED: i32 = 130;

pub const ROWS: &[Row] = &[
    row(
        "SIGTERM while the branch is read",
        (Job::Push, GIT),
        (At::Read, Before, Term),
        INTERRUPTED,
        Holds::Before,
    ),
    row(
        "SIGKILL while the branch is read",
        (Job::Push, GIT_AND_APIS),
        (At::Read, Before, Kill),
        SIGNALLED,
        Holds::Before,
    ),
    row(
        "SIGTERM before the push is carried out",
        (Job::Push, GIT),
        (At::Commit, Before, Term),
        INTERRUPTED,
        Holds::Before,
    ),
    row(
        "SIGTERM before the push is carried out",
        (Job::Push, APIS),
        (At::Commit, Before, Term),
        SIGNALLED,
        Holds::Before,
    ),
    row(
        "SIGKILL before the push is carried out",
        (Job::Push, GIT_AND_APIS),
        (At::Commit, Before, Kill),
        SIGNALLED,
        Holds::Before,
    ),
    row(
        "SIGTERM after the push was carried out",
        (Job::Push, GIT),
        (At::Commit, After, Term),
        INTERRUPTED,
        Holds::Done,
    ),
    row(
        "SIGTERM after the push was carried out",
        (Job::Push, APIS),
        (At::Commit, After, Term),
        SIGNALLED,
        Holds::Done,
    ),
    row(
        "SIGKILL after the push was carried out",
        (Job::Push, GIT_AND_APIS),
        (At::Commit, After, Kill),
        SIGNALLED,
        Holds::Done,
    ),
    row(
        "SIGTERM while the temporary branch is made",
        (Job::Request, HUB),
        (At::Temporary, After, Term),
        SIGNALLED,
        Holds::Temporary,
    ),
    row(
        "SIGKILL while the temporary branch is made",
        (Job::Request, HUB),
        (At::Temporary, After, Kill),
        SIGNALLED,
        Holds::Temporary,
    ),
    row(
        "SIGTERM while the commit is made",
        (Job::Request, HUB),
        (At::Commit, After, Term),
        SIGNALLED,
        Holds::Temporary,
    ),
    row(
        "SIGKILL while the commit is made",
        (Job::Request, HUB),
        (At::Commit, After, Kill),
        SIGNALLED,
        Holds::Temporary,
    ),
    row(
        "SIGTERM before the branch of the change request is set",
        (Job::Request, GIT),
        (At::SetHead, Before, Term),
        INTERRUPTED,
        Holds::Before,
    ),
    row(
        "SIGTERM before the branch of the change request is set",
        (Job::Request, LAB),
        (At::SetHead, Before, Term),
        SIGNALLED,
        Holds::Before,
    ),
    row(
        "SIGKILL before the branch of the change request is set",
        (Job::Request, GIT_AND_LAB),
        (At::SetHead, Before, Kill),
        SIGNALLED,
        Holds::Before,
    ),
    row(
        "SIGKILL before the branch of the change request is set",
        (Job::Request, HUB),
        (At::SetHead, Before, Kill),
        SIGNALLED,
        Holds::Temporary,
    ),
    row(
        "SIGKILL after the branch of the change request was set",
        (Job::Request, GIT_AND_APIS),
        (At::SetHead, After, Kill),
        SIGNALLED,
        Holds::Head,
    ),
    row(
        "SIGTERM before the change request is opened",
        (Job::Request, APIS),
        (At::Open, Before, Term),
        SIGNALLED,
        Holds::Head,
    ),
    row(
        "SIGKILL before the change request is opened",
        (Job::Request, GIT_AND_APIS),
        (At::Open, Before, Kill),
        SIGNALLED,
        Holds::Head,
    ),
    row(
        "SIGKILL after the change request was opened",
        (Job::Request, GIT_AND_APIS),
        (At::Open, After, Kill),
        SIGNALLED,
        Holds::Done,
    ),
    row(
        "SIGKILL before it is put into the queue",
        (Job::Queue, HUB),
        (At::Enqueue, Before, Kill),
        SIGNALLED,
        Holds::Unqueued,
    ),
    row(
        "SIGKILL after it was put into the queue",
        (Job::Queue, HUB),
        (At::Enqueue, After, Kill),
        SIGNALLED,
        Holds::Done,
    ),
    row(
        "SIGTERM before the deployment is made",
        (Job::Status, APIS),
        (At::Deployment, Before, Term),
        SIGNALLED,
        Holds::Before,
    ),
    row(
        "SIGKILL before the deployment is made",
        (Job::Status, APIS),
        (At::Deployment, Before, Kill),
        SIGNALLED,
        Holds::Before,
    ),
    row(
        "SIGKILL after the deployment was made",
        (Job::Status, HUB),
        (At::Deployment, After, Kill),
        SIGNALLED,
        Holds::Stateless,
    ),
    row(
        "SIGKILL before its state is recorded",
        (Job::Status, HUB),
        (At::State, Before, Kill),
        SIGNALLED,
        Holds::Stateless,
    ),
    row(
        "SIGKILL after its state was recorded",
        (Job::Status, HUB),
        (At::State, After, Kill),
        SIGNALLED,
        Holds::Done,
    ),
];
