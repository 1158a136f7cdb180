//! What a row of the matrix says: what goes wrong, where, how the run ends, and what is there afterwards.

/// One row of the matrix; every road that it names is run.
pub struct Row {
    /// What goes wrong, as the page says it.
    pub trouble: &'static str,
    pub job: Job,
    pub roads: &'static [Road],
    pub harm: Harm,
    /// The exit code, or [`SIGNALLED`].
    pub code: i32,
    /// What the first line of the error may be, in which `…` stands for anything; empty where there is no error.
    pub says: &'static [&'static str],
    pub holds: Holds,
}

/// The code of a run that a signal ended.
pub const SIGNALLED: i32 = -1;

/// What a run is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// `bump-values`, which pushes to `main`.
    Push,
    /// `open-promotion-pr`.
    Request,
    /// The same with `--auto-merge` into a branch with a merge queue.
    Queue,
    /// `deployment-status --create`.
    Status,
    /// `resolve-image`.
    Resolve,
}

/// How the config repo, the app's repository or the registry is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Road {
    /// git over HTTP, and the forge's API for a change request.
    Git,
    /// From a clone, for its `origin`.
    Clone,
    /// git over ssh.
    Ssh,
    /// GitHub's API.
    GitHub,
    /// GitLab's API.
    GitLab,
    /// The registry's API.
    Registry,
}

/// Which requests go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// The first, whatever it is.
    First,
    /// Any.
    Any,
    /// The one that brings the files, or the tags.
    Read,
    /// The one that puts the commit on `main`.
    Commit,
    /// The one that makes the temporary branch of GitHub's API.
    Temporary,
    /// The one that sets the branch of a change request.
    SetHead,
    /// The one that opens a change request.
    Open,
    /// The one that puts a change request into the merge queue.
    Enqueue,
    /// The one that makes a deployment.
    Deployment,
    /// The one that records its state.
    State,
}

/// How often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Often {
    Once,
    Twice,
    Always,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    Term,
    Kill,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// Nobody listens at the address.
    NobodyListens,
    Answer(At, Often, Bad),
    Tls(Tls),
    /// The signal comes before the request is carried out, or after.
    Signal(At, Moment, Signal),
    /// Somebody does this right before the commit is carried out.
    Meanwhile(Meanwhile),
    /// This was so before the run.
    Before(State),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    Before,
    After,
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bad {
    /// The request is not carried out, and nobody answers.
    Lost,
    /// The request is carried out, and nobody answers.
    LostAfterDoing,
    /// The connection breaks in the middle of the answer.
    Breaks,
    /// The connection is reset there.
    Resets,
    /// The answer stops in the middle.
    Stalls,
    /// It comes one byte at a time.
    Drips,
    Status(u16),
    /// The request is carried out, and a proxy answers with this status.
    StatusAfterDoing(u16),
    /// Half of it, with the length of that half.
    Half,
    /// A page for people.
    Page,
    /// The request is carried out, and a page for people comes.
    PageAfterDoing,
    /// It leads to another host.
    Elsewhere,
    /// A rate limit, which ends so many seconds from now by the server's clock.
    Limit(i64),
}

/// What is wrong with TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    UnknownAuthority,
    OtherName,
    Expired,
    NotYet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meanwhile {
    /// `main` is deleted.
    Deleted,
    /// `main` is renamed.
    Renamed,
    /// `main` is set to a commit without a parent.
    Forced,
    /// `main` gets another commit.
    Moved,
    /// The file that is to change goes.
    FileGone,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The clone has one commit only.
    Shallow,
    /// The clone has lost its objects.
    CorruptClone,
    /// The remote has lost a file's object.
    CorruptRemote,
    /// A hook of the remote refuses every push.
    Hook,
    /// `main` is protected.
    Protected,
    /// `main` has a merge queue, and takes no push.
    Queue,
}

/// What is there after a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// What was there before, and nothing else.
    Before,
    /// What somebody else did meanwhile, and nothing else.
    Theirs,
    /// What was asked for, once.
    Done,
    /// The branch of a change request, and no change request.
    Head,
    /// What was there before, and a temporary branch `gitops-steps/…`.
    Temporary,
    /// The change request, which does not merge by itself yet.
    Unqueued,
    /// A deployment without a state.
    Stateless,
}

impl Holds {
    /// The words of the page.
    pub fn words(self) -> &'static str {
        match self {
            Self::Before => "as before",
            Self::Theirs => "what the other did",
            Self::Done => "done, once",
            Self::Head => "the branch of the change request, without one",
            Self::Temporary => "as before, and a temporary branch `gitops-steps/…`",
            Self::Unqueued => "the change request, outside the queue",
            Self::Stateless => "the deployment, without a state",
        }
    }
}

impl Road {
    pub fn words(self) -> &'static str {
        match self {
            Self::Git => "git over HTTP",
            Self::Clone => "clone",
            Self::Ssh => "git over ssh",
            Self::GitHub => "GitHub's API",
            Self::GitLab => "GitLab's API",
            Self::Registry => "registry",
        }
    }
}

impl Job {
    pub fn words(self) -> &'static str {
        match self {
            Self::Push => "`bump-values`",
            Self::Request => "`open-promotion-pr`",
            Self::Queue => "`open-promotion-pr --auto-merge`",
            Self::Status => "`deployment-status`",
            Self::Resolve => "`resolve-image`",
        }
    }
}
