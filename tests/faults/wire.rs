//! What goes wrong on the wire.

use super::row::{At, Bad, Harm, Holds, Job, Often, Road, Row, Tls};

use Bad::{
    Breaks, Drips, Elsewhere, Half, Limit, Lost, LostAfterDoing, Page, PageAfterDoing, Resets, Stalls,
    Status, StatusAfterDoing,
};
use Harm::{Answer, NobodyListens};
use Holds::{Before, Done, Head, Stateless};
use Often::{Always, Once, Twice};

const GIT: &[Road] = &[Road::Git];
const APIS: &[Road] = &[Road::GitHub, Road::GitLab];
const ALL: &[Road] = &[Road::Git, Road::GitHub, Road::GitLab];
const HUB: &[Road] = &[Road::GitHub];
const OCI: &[Road] = &[Road::Registry];

/// How a run ends that does what was asked for.
const WELL: (i32, &[&str]) = (0, &[""]);

const REFUSED: &str = "cannot connect to `127.0.0.1`: Connection refused (os error …)";
const BROKE: &str = "the connection to `127.0.0.1` broke: end of file before message length reached";
const RESET: &str = "the connection to `127.0.0.1` broke: Connection reset by peer (os error …)";
const LATE: &str = "no whole answer from `127.0.0.1` within …s";
const UNSURE: &str = "the push to `main` may or may not have landed: …";
const GAVE_UP: &str = "gave up on `main` after … attempts; the last one did not land because: …";
const NO_JSON: &str = "`127.0.0.1` answered with something other than JSON (status 200)";
const NO_GIT: &str = "the server answered with `text/html`, not as a git server does";
const AILING: &str = "`127.0.0.1` answered with status 503";
const AILING_GIT: &str =
    "`http://127.0.0.1:…/acme/deploy.git` answered 503 with the token of GITOPS_STEPS_TOKEN: spoilt";
const CUT: &str = "the answer of `127.0.0.1` ends in the middle of its JSON (status 200)";
const NO_TIME: &str = "no time was left for an answer from `127.0.0.1`";

const fn row(
    trouble: &'static str,
    (job, roads): (Job, &'static [Road]),
    harm: Harm,
    (code, says): (i32, &'static [&'static str]),
    holds: Holds,
) -> Row {
    Row {
        trouble,
        job,
        roads,
        harm,
        code,
        says,
        holds,
    }
}

pub const ROWS: &[Row] = &[
    row(
        "nobody listens",
        (Job::Push, ALL),
        NobodyListens,
        (6, &[REFUSED]),
        Before,
    ),
    row(
        "nobody listens",
        (Job::Request, APIS),
        NobodyListens,
        (6, &[REFUSED]),
        Before,
    ),
    row(
        "nobody listens",
        (Job::Status, APIS),
        NobodyListens,
        (
            6,
            &["cannot find the deployment: cannot connect to `127.0.0.1`: Connection refused (os error …)"],
        ),
        Before,
    ),
    row(
        "nobody listens",
        (Job::Resolve, OCI),
        NobodyListens,
        (
            6,
            &[
                "cannot choose a tag of `127.0.0.1:…/acme/web`: cannot connect to `127.0.0.1`: Connection refused (os error …)",
            ],
        ),
        Before,
    ),
    row(
        "the connection breaks before the first answer",
        (Job::Push, ALL),
        Answer(At::First, Once, Lost),
        WELL,
        Done,
    ),
    row(
        "the connection breaks before the first answer",
        (Job::Resolve, OCI),
        Answer(At::First, Once, Lost),
        WELL,
        Done,
    ),
    row(
        "the connection breaks in the middle of an answer",
        (Job::Push, ALL),
        Answer(At::Read, Once, Breaks),
        WELL,
        Done,
    ),
    row(
        "the connection breaks in the middle of an answer",
        (Job::Resolve, OCI),
        Answer(At::Read, Once, Breaks),
        WELL,
        Done,
    ),
    row(
        "the connection is reset in the middle of an answer",
        (Job::Push, ALL),
        Answer(At::Read, Once, Resets),
        WELL,
        Done,
    ),
    row(
        "every connection is reset in the middle of an answer",
        (Job::Push, ALL),
        Answer(At::Read, Always, Resets),
        (6, &[RESET]),
        Before,
    ),
    row(
        "every connection breaks in the middle of an answer",
        (Job::Push, ALL),
        Answer(At::Read, Always, Breaks),
        (6, &[BROKE]),
        Before,
    ),
    row(
        "every connection breaks in the middle of an answer",
        (Job::Resolve, OCI),
        Answer(At::Read, Always, Breaks),
        (
            6,
            &[
                "cannot choose a tag of `127.0.0.1:…/acme/web`: the connection to `127.0.0.1` broke: end of file before message length reached",
            ],
        ),
        Before,
    ),
    row(
        "an answer stops in the middle",
        (Job::Push, ALL),
        Answer(At::Read, Once, Stalls),
        (6, &[LATE]),
        Before,
    ),
    row(
        "an answer stops in the middle",
        (Job::Resolve, OCI),
        Answer(At::Read, Once, Stalls),
        (
            6,
            &["cannot choose a tag of `127.0.0.1:…/acme/web`: no whole answer from `127.0.0.1` within …s"],
        ),
        Before,
    ),
    row(
        "answers come one byte at a time",
        (Job::Push, ALL),
        Answer(At::Any, Always, Drips),
        (6, &[LATE]),
        Before,
    ),
    row(
        "answers come one byte at a time",
        (Job::Resolve, OCI),
        Answer(At::Any, Always, Drips),
        (
            6,
            &["cannot choose a tag of `127.0.0.1:…/acme/web`: no whole answer from `127.0.0.1` within …s"],
        ),
        Before,
    ),
    row(
        "two answers are 502",
        (Job::Push, ALL),
        Answer(At::Read, Twice, Status(502)),
        WELL,
        Done,
    ),
    row(
        "two answers are 502",
        (Job::Resolve, OCI),
        Answer(At::Read, Twice, Status(502)),
        WELL,
        Done,
    ),
    row(
        "every answer is 503",
        (Job::Push, GIT),
        Answer(At::Any, Always, Status(503)),
        (6, &[AILING_GIT]),
        Before,
    ),
    row(
        "every answer is 503",
        (Job::Push, APIS),
        Answer(At::Any, Always, Status(503)),
        (6, &[AILING]),
        Before,
    ),
    row(
        "every answer is 503",
        (Job::Status, APIS),
        Answer(At::Any, Always, Status(503)),
        (
            6,
            &["cannot find the deployment: `127.0.0.1` answered with status 503"],
        ),
        Before,
    ),
    row(
        "every answer is 503",
        (Job::Resolve, OCI),
        Answer(At::Any, Always, Status(503)),
        (
            6,
            &["cannot choose a tag of `127.0.0.1:…/acme/web`: `127.0.0.1:…` answered with status 503"],
        ),
        Before,
    ),
    row(
        "a certificate of an authority that is not known",
        (Job::Push, ALL),
        Harm::Tls(Tls::UnknownAuthority),
        (
            5,
            &["the certificate of `127.0.0.1` comes from an authority that is not trusted here"],
        ),
        Before,
    ),
    row(
        "a certificate for another name",
        (Job::Push, ALL),
        Harm::Tls(Tls::OtherName),
        (5, &["the certificate of `127.0.0.1` is for another name: …"]),
        Before,
    ),
    row(
        "a certificate that has run out, or a clock that is ahead",
        (Job::Push, ALL),
        Harm::Tls(Tls::Expired),
        (
            5,
            &["the certificate of `127.0.0.1` is not valid: certificate expired: …"],
        ),
        Before,
    ),
    row(
        "a certificate that is not valid yet, or a clock that is behind",
        (Job::Push, ALL),
        Harm::Tls(Tls::NotYet),
        (
            5,
            &["the certificate of `127.0.0.1` is not valid: certificate not valid yet: …"],
        ),
        Before,
    ),
    row(
        "a rate limit that has ended by our clock",
        (Job::Push, APIS),
        Answer(At::First, Once, Limit(-3600)),
        WELL,
        Done,
    ),
    row(
        "a rate limit that ends in an hour by our clock",
        (Job::Push, APIS),
        Answer(At::First, Once, Limit(3600)),
        (6, &["`127.0.0.1` limits the rate: API rate limit exceeded"]),
        Before,
    ),
    row(
        "an answer ends in the middle of its JSON",
        (Job::Push, APIS),
        Answer(At::Read, Once, Half),
        WELL,
        Done,
    ),
    row(
        "an answer ends in the middle of its JSON",
        (Job::Resolve, OCI),
        Answer(At::Read, Once, Half),
        WELL,
        Done,
    ),
    row(
        "every answer ends in the middle of its JSON",
        (Job::Push, APIS),
        Answer(At::Read, Always, Half),
        (6, &[CUT]),
        Before,
    ),
    row(
        "every answer ends in the middle of its JSON",
        (Job::Resolve, OCI),
        Answer(At::Read, Always, Half),
        (
            6,
            &[
                "cannot choose a tag of `127.0.0.1:…/acme/web`: the answer of `127.0.0.1:…` ends in the middle of its JSON (status 200)",
            ],
        ),
        Before,
    ),
    row(
        "half of a pack is all that comes",
        (Job::Push, GIT),
        Answer(At::Read, Once, Half),
        WELL,
        Done,
    ),
    row(
        "a page for people comes",
        (Job::Push, GIT),
        Answer(At::First, Always, Page),
        (5, &[NO_GIT]),
        Before,
    ),
    row(
        "a page for people comes",
        (Job::Push, APIS),
        Answer(At::First, Once, Page),
        (5, &[NO_JSON]),
        Before,
    ),
    row(
        "a page for people comes",
        (Job::Resolve, OCI),
        Answer(At::First, Once, Page),
        (
            5,
            &[
                "cannot choose a tag of `127.0.0.1:…/acme/web`: `127.0.0.1:…` answered with something that is no registry's (status 200)",
            ],
        ),
        Before,
    ),
    row(
        "a redirect to another host",
        (Job::Push, GIT),
        Answer(At::First, Once, Elsewhere),
        (5, &["the server sent us to another host, `127.0.0.1`"]),
        Before,
    ),
    row(
        "a redirect to another host",
        (Job::Push, APIS),
        Answer(At::First, Once, Elsewhere),
        (
            5,
            &["… does not let us read the repository in `acme/deploy` (302): status 302"],
        ),
        Before,
    ),
    row(
        "a redirect to another host, to which no login goes",
        (Job::Resolve, OCI),
        Answer(At::Read, Once, Elsewhere),
        (
            5,
            &[
                "cannot choose a tag of `127.0.0.1:…/acme/web`: `127.0.0.1:…` answered with something that is no registry's (status 404)",
            ],
        ),
        Before,
    ),
    row(
        "a redirect of the push to another host",
        (Job::Push, GIT),
        Answer(At::Commit, Once, Elsewhere),
        (5, &["the server sent us to another host, `127.0.0.1`"]),
        Before,
    ),
    row(
        "a redirect of the push to another host",
        (Job::Push, APIS),
        Answer(At::Commit, Once, Elsewhere),
        (
            5,
            &["… does not let us commit in `acme/deploy` (302): status 302"],
        ),
        Before,
    ),
    row(
        "the push is lost",
        (Job::Push, ALL),
        Answer(At::Commit, Once, Lost),
        WELL,
        Done,
    ),
    row(
        "the push lands, its answer is lost",
        (Job::Push, ALL),
        Answer(At::Commit, Once, LostAfterDoing),
        WELL,
        Done,
    ),
    row(
        "the push lands, its answer breaks off",
        (Job::Push, ALL),
        Answer(At::Commit, Once, Breaks),
        WELL,
        Done,
    ),
    row(
        "the push lands, its connection is reset",
        (Job::Push, ALL),
        Answer(At::Commit, Once, Resets),
        WELL,
        Done,
    ),
    row(
        "the push lands, a proxy answers 504",
        (Job::Push, ALL),
        Answer(At::Commit, Once, StatusAfterDoing(504)),
        WELL,
        Done,
    ),
    row(
        "the push lands, half of its answer is all that comes",
        (Job::Push, ALL),
        Answer(At::Commit, Once, Half),
        WELL,
        Done,
    ),
    row(
        "the push lands, a page for people comes",
        (Job::Push, ALL),
        Answer(At::Commit, Once, PageAfterDoing),
        WELL,
        Done,
    ),
    row(
        "the push lands, its answer stops in the middle",
        (Job::Push, ALL),
        Answer(At::Commit, Once, Stalls),
        (
            6,
            &["the push to `main` may or may not have landed: no whole answer from `127.0.0.1` within …s"],
        ),
        Done,
    ),
    row(
        "two pushes are 502",
        (Job::Push, ALL),
        Answer(At::Commit, Twice, Status(502)),
        WELL,
        Done,
    ),
    row(
        "every push is 503",
        (Job::Push, ALL),
        Answer(At::Commit, Always, Status(503)),
        (6, &[UNSURE, LATE]),
        Before,
    ),
    row(
        "the change request is lost",
        (Job::Request, ALL),
        Answer(At::Open, Once, Lost),
        WELL,
        Done,
    ),
    row(
        "the change request is opened, its answer is lost",
        (Job::Request, ALL),
        Answer(At::Open, Once, LostAfterDoing),
        WELL,
        Done,
    ),
    row(
        "the change request is opened, a proxy answers 504",
        (Job::Request, ALL),
        Answer(At::Open, Once, StatusAfterDoing(504)),
        WELL,
        Done,
    ),
    row(
        "the change request is opened, half of its answer is all that comes",
        (Job::Request, ALL),
        Answer(At::Open, Once, Half),
        WELL,
        Done,
    ),
    row(
        "the change request is opened, a page for people comes",
        (Job::Request, ALL),
        Answer(At::Open, Once, PageAfterDoing),
        WELL,
        Done,
    ),
    row(
        "every change request is 503",
        (Job::Request, ALL),
        Answer(At::Open, Always, Status(503)),
        (6, &[GAVE_UP, LATE, NO_TIME]),
        Head,
    ),
    row(
        "the branch of the change request is set, the answer is lost",
        (Job::Request, ALL),
        Answer(At::SetHead, Once, LostAfterDoing),
        WELL,
        Done,
    ),
    row(
        "putting it into the queue is lost",
        (Job::Queue, HUB),
        Answer(At::Enqueue, Once, Lost),
        WELL,
        Done,
    ),
    row(
        "it is put into the queue, the answer is lost",
        (Job::Queue, HUB),
        Answer(At::Enqueue, Once, LostAfterDoing),
        WELL,
        Done,
    ),
    row(
        "the deployment is made, its answer is lost",
        (Job::Status, APIS),
        Answer(At::Deployment, Once, LostAfterDoing),
        WELL,
        Done,
    ),
    row(
        "the deployment is made, half of its answer is all that comes",
        (Job::Status, APIS),
        Answer(At::Deployment, Once, Half),
        WELL,
        Done,
    ),
    row(
        "the state is recorded, its answer is lost",
        (Job::Status, HUB),
        Answer(At::State, Once, LostAfterDoing),
        WELL,
        Done,
    ),
    row(
        "every state is 503",
        (Job::Status, HUB),
        Answer(At::State, Always, Status(503)),
        (6, &["cannot …: `127.0.0.1` answered with status 503"]),
        Stateless,
    ),
];
