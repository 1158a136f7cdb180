//! A repository that has a part of a remote's objects, and is given others when they are asked for (partial-clone(7)).
//!
//! libgit2 fetches all of a tip and sends whole trees. This speaks version 2 of git's protocol by itself, and moves what has to
//! travel: a tip with its upper two floors of folders, what lies on the way to a file, and the objects of one commit. It
//! serves remotes over HTTP that take filters; for all others, and as soon as a remote does what makes no sense, it gives up,
//! and libgit2 does the rest of the run.

mod delta;
mod pack;
mod packet;
mod protocol;
mod send;

use std::cell::Cell;
use std::path::PathBuf;
use std::sync::Arc;

use git2::{OdbLookupFlags, Oid, Repository};

use super::credentials::Access;
use super::fetch::{self, Tip};
use super::push::{Lease, Report};
use super::wire::{Failure, Wire, WireError};
use crate::words::fault::{Fault, Kind};
use crate::world::http::Answer;
use packet::{Trouble, odd};
use protocol::{Below, Ref, Wanted};

/// How many floors of a tip are fetched at once: its root, and what lies in it, folders without their own contents.
const FLOORS: usize = 2;
/// How many floors below a missing folder are fetched to reach a file at once; farther down it goes [`FLOORS`] by [`FLOORS`].
const NEAR: usize = 3;
/// How many objects are asked for in one request.
const MOST_IDS: usize = 5_000;
/// How many pushes may go without an answer before another way is tried.
const MOST_LOST: u32 = 2;
/// In libgit2's order of places to look in: before the disk.
const FIRST: i32 = 1_000;

/// A repository that has a part of a remote's objects. What is fetched and made stays in memory.
pub(super) struct Partial {
    repo: Repository,
    /// The repository that has all that libgit2 fetched; what is there is here too.
    whole: PathBuf,
    wire: Arc<Wire>,
    access: Access,
    state: Cell<State>,
    /// The last tip that was fetched.
    have: Cell<Option<Oid>>,
    /// Whether the remote counts floors; else all folders are fetched with a tip.
    floors: Cell<bool>,
    /// How many pushes in a row had no answer.
    lost: Cell<u32>,
}

/// What is known of the remote.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing: it is asked for its refs straight away, as if it were able to.
    New,
    /// It did not answer that: it is asked first what it offers.
    Asked,
    /// It is able to.
    Able,
    /// libgit2 does the rest.
    Over,
}

/// What is wanted of a folder or a file: itself, and what lies so many floors below it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lack {
    /// The object that is not here.
    pub id: Oid,
    /// The floors from it down to the file, itself included.
    pub floors: usize,
}

impl Partial {
    /// Prepares one beside the repository that libgit2 fetches into; `None` for a line that it does not go over.
    pub(super) fn beside(
        whole: &Repository,
        wire: &Arc<Wire>,
        access: &Access,
    ) -> Result<Option<Self>, git2::Error> {
        if wire.http().is_none() {
            return Ok(None);
        }
        let repo = Repository::init_bare(whole.path().join("partial"))?;
        let odb = repo.odb()?;
        odb.add_new_mempack_backend(FIRST)?;
        let objects = whole.path().join("objects");
        let objects = objects
            .to_str()
            .ok_or_else(|| git2::Error::from_str("the temporary folder's path is not text"))?;
        odb.add_disk_alternate(objects)?;
        drop(odb);
        Ok(Some(Self {
            repo,
            whole: whole.path().to_owned(),
            wire: Arc::clone(wire),
            access: access.clone(),
            state: Cell::new(State::New),
            have: Cell::new(None),
            floors: Cell::new(true),
            lost: Cell::new(0),
        }))
    }

    /// Returns the repository itself.
    pub(super) fn repo(&self) -> &Repository {
        &self.repo
    }

    /// Tells whether libgit2 does the rest of the run.
    pub(super) fn is_over(&self) -> bool {
        self.state.get() == State::Over
    }

    /// Fetches the upper floors of the tip of `branch`, or of the remote's default branch; `None` where libgit2 has to.
    pub(super) fn tip(&self, branch: Option<&str>) -> Result<Option<Tip>, Failure> {
        self.or_give_up(|| {
            let tip = self.find(branch)?;
            if !self.has(tip.commit) {
                self.fetch_tip(tip.commit)?;
            }
            self.have.set(Some(tip.commit));
            Ok(tip)
        })
    }

    /// Brings what is lacking of the tip of a branch, in one request for many; libgit2 brings all of it where it has to.
    pub(super) fn bring(&self, branch: &str, lacks: &[Lack]) -> anyhow::Result<()> {
        let floors = lacks.iter().map(|lack| lack.floors).max().unwrap_or_default();
        let floors = if floors <= NEAR { floors } else { FLOORS };
        let ids: Vec<Oid> = lacks.iter().map(|lack| lack.id).collect();
        self.bring_ids(branch, &ids, self.below(floors))
    }

    /// Brings all folders below one.
    pub(super) fn bring_folders(&self, branch: &str, root: Oid) -> anyhow::Result<()> {
        self.bring_ids(branch, &[root], Below::Folders)
    }

    /// Brings everything below a folder.
    pub(super) fn bring_below(&self, branch: &str, root: Oid) -> anyhow::Result<()> {
        self.bring_ids(branch, &[root], Below::All)
    }

    /// Tells whether an object is here.
    pub(super) fn has(&self, id: Oid) -> bool {
        let odb = self.repo.odb();
        odb.is_ok_and(|odb| odb.exists_ext(id, OdbLookupFlags::NO_REFRESH))
    }

    /// Pushes a commit to a ref, if the remote's is still that of the lease.
    ///
    /// The message goes out without a look at the remote's refs: the lease is in it, and the remote compares.
    pub(super) fn push(&self, target: &str, lease: Lease, parent: Option<Oid>, commit: Oid) -> Report {
        let (Lease::Forward(old) | Lease::Replace(old)) = lease;
        let mut told = protocol::Answer::default();
        let error = match self.sent(target, old, parent, commit) {
            Ok(mut answer) => match told.read(|buffer| Ok(answer.read(buffer)?), target) {
                Ok(()) => None,
                Err(Trouble::Failure(failure)) => Some(WireError::Transport(failure)),
                Err(Trouble::Odd(why)) => Some(WireError::Protocol(git2::Error::from_str(&why))),
            },
            Err(error) => Some(error),
        };
        let lost = if told.status.is_some() {
            0
        } else {
            self.lost.get() + 1
        };
        self.lost.set(lost);
        if let Some(why) = &told.unpack {
            self.give_up(&format!(
                "it cannot unpack what was pushed: {}",
                why.escape_debug()
            ));
        } else if lost >= MOST_LOST || (lost > 0 && !matches!(error, Some(WireError::Transport(_)))) {
            self.give_up("it does not say what became of the push");
        }
        Report {
            status: told.status,
            said: String::from_utf8_lossy(&told.said).into_owned(),
            moved_to: None,
            error,
        }
    }

    /// Sends the one message of a push.
    fn sent(&self, target: &str, old: Oid, parent: Option<Oid>, commit: Oid) -> Result<Answer, WireError> {
        let pack = send::pack(&self.repo, parent, commit).map_err(WireError::Protocol)?;
        let mut message = protocol::update(target, old, commit);
        message.extend_from_slice(&pack);
        self.access.progress.show("push", 0, message.len());
        let http = self.wire.http().ok_or_else(|| WireError::Transport(no_line()))?;
        http.receive(message).map_err(WireError::Transport)
    }

    fn bring_ids(&self, branch: &str, ids: &[Oid], below: Below) -> anyhow::Result<()> {
        for ids in ids.chunks(MOST_IDS) {
            let brought = self.or_give_up(|| {
                self.fetch(&Wanted {
                    ids,
                    below,
                    tips: false,
                    have: None,
                })
            });
            if brought.map_err(|failure| failure.fault)?.is_none() {
                return self.bring_all(branch, ids);
            }
        }
        Ok(())
    }

    /// Lets libgit2 fetch all of a branch's tip.
    fn bring_all(&self, branch: &str, ids: &[Oid]) -> anyhow::Result<()> {
        let whole = Repository::open_bare(&self.whole)?;
        let progress = self.access.progress.as_ref();
        fetch::again(&self.access, || {
            fetch::tip(&whole, &self.wire, Some(branch), progress)
        })
        .map_err(|failure| failure.fault)?;
        self.repo.odb()?.refresh()?;
        if ids.iter().all(|id| self.has(*id)) {
            return Ok(());
        }
        Err(
            Fault::new(Kind::GaveUp, "the branch moved while its files were fetched")
                .hint("run it again")
                .into(),
        )
    }

    /// Does some work, again where the connection broke; `None` where libgit2 has to.
    fn or_give_up<T>(&self, mut work: impl FnMut() -> Result<T, Trouble>) -> Result<Option<T>, Failure> {
        if self.is_over() {
            return Ok(None);
        }
        let done = fetch::again(&self.access, || match work() {
            Ok(done) => Ok(Ok(done)),
            Err(Trouble::Odd(why)) => Ok(Err(why)),
            Err(Trouble::Failure(failure)) => Err(failure),
        });
        match done {
            Ok(Ok(done)) => Ok(Some(done)),
            Ok(Err(why)) => {
                self.give_up(&why);
                Ok(None)
            }
            // It lists its refs, and breaks off each time when it is asked for objects.
            Err(failure) if failure.passing && self.state.get() == State::Able => {
                self.give_up(&failure.fault.message);
                Ok(None)
            }
            Err(failure) => Err(failure),
        }
    }

    fn give_up(&self, why: &str) {
        self.state.set(State::Over);
        let text = format!("the remote is served whole, not in parts: {why}");
        self.access.progress.note(&text);
    }

    /// Finds the tip of a branch.
    fn find(&self, branch: Option<&str>) -> Result<Tip, Trouble> {
        let wanted = match branch {
            Some(branch) => format!("refs/heads/{branch}"),
            None => "HEAD".to_owned(),
        };
        let refs = self.refs(&wanted)?;
        match (refs.into_iter().find(|found| found.name == wanted), branch) {
            (Some(found), Some(branch)) => Ok(Tip {
                branch: branch.to_owned(),
                commit: found.id,
            }),
            (Some(Ref { id, target, .. }), None) => {
                let target = target.as_deref();
                match target.and_then(|target| target.strip_prefix("refs/heads/")) {
                    Some(branch) if git2::Reference::is_valid_name(&format!("refs/heads/{branch}")) => {
                        Ok(Tip {
                            branch: branch.to_owned(),
                            commit: id,
                        })
                    }
                    _ => odd("its HEAD is on no branch"),
                }
            }
            (None, None) => Err(fetch::no_default_branch().into()),
            (None, Some(branch)) => {
                let refs = self.refs("refs/heads/")?;
                Err(fetch::no_branch(branch, refs.iter().map(|found| &found.name[..])).into())
            }
        }
    }

    /// Asks for the refs whose names begin so. The first time that is done before anything is known of the remote, which saves
    /// a request where it is able to, and costs one where it is not.
    fn refs(&self, prefix: &str) -> Result<Vec<Ref>, Trouble> {
        let http = self.wire.http().ok_or_else(no_line)?;
        let message = protocol::ls_refs(prefix);
        if self.state.get() == State::New {
            self.state.set(State::Asked);
            if let Some(mut answer) = http.command(message.clone(), true)? {
                match protocol::refs(|buffer| Ok(answer.read(buffer)?)) {
                    Err(Trouble::Odd(_)) => {}
                    refs => {
                        self.state.set(State::Able);
                        return refs;
                    }
                }
            }
        }
        if self.state.get() == State::Asked {
            let mut answer = http.offers()?;
            protocol::offers(|buffer| Ok(answer.read(buffer)?))?;
            self.state.set(State::Able);
        }
        let mut answer = taken(http.command(message, false)?)?;
        protocol::refs(|buffer| Ok(answer.read(buffer)?))
    }

    /// What comes with a folder, where so many floors of it would do.
    fn below(&self, floors: usize) -> Below {
        if self.floors.get() {
            Below::Floors(floors)
        } else {
            Below::Folders
        }
    }

    /// Fetches the upper floors of a tip, or all its folders: what is new beside the last one, if there was one.
    fn fetch_tip(&self, tip: Oid) -> Result<(), Trouble> {
        let mut wanted = Wanted {
            ids: &[tip],
            below: self.below(FLOORS),
            tips: true,
            have: self.have.get(),
        };
        match self.fetch(&wanted) {
            // It may build on what the last tip has, and what was not fetched with that.
            Err(Trouble::Odd(_)) if wanted.have.take().is_some() => self.fetch(&wanted),
            // To count floors is work for a server, which GitHub spares itself.
            Err(Trouble::Odd(why)) if self.floors.replace(false) => {
                let text = format!("all folders are fetched, not those on the way alone: {why}");
                self.access.progress.note(&text);
                wanted.below = self.below(FLOORS);
                self.fetch(&wanted)
            }
            fetched => fetched,
        }
    }

    /// Fetches objects and looks whether they came.
    fn fetch(&self, wanted: &Wanted<'_>) -> Result<(), Trouble> {
        let http = self.wire.http().ok_or_else(no_line)?;
        let mut answer = taken(http.command(protocol::fetch(wanted), false)?)?;
        let mut received = 0;
        let progress = &self.access.progress;
        let pack = protocol::pack(|buffer| {
            let count = answer.read(buffer)?;
            received += count;
            progress.show("fetch", received, 0);
            Ok(count)
        })?;
        let odb = self
            .repo
            .odb()
            .map_err(|e| Trouble::Odd(e.message().to_owned()))?;
        let count = pack::unpack(&odb, &pack)?;
        progress.note(&format!("git-upload-pack: {count} objects in {received} bytes"));
        if wanted.ids.iter().all(|id| odb.exists(*id)) {
            return Ok(());
        }
        odd("it does not send what was asked for")
    }
}

fn taken(answer: Option<Answer>) -> Result<Answer, Trouble> {
    answer.ok_or_else(|| Trouble::Odd("it does not take the command".to_owned()))
}

fn no_line() -> Failure {
    Fault::new(Kind::Internal, "a partial repository needs a line over HTTP").into()
}
