//! Lets things go wrong, and mends them.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::row::{At, Bad, Harm, Meanwhile, Moment, Often, Road, Signal, State, Tls};
use super::world::{APP, Trust, World};
use crate::support::cli::Run;
use crate::support::git_server::{Deed, Fault, GitServer, commit_to, git_says};
use crate::support::stage::{Forge, REPO};

/// An ssh that runs the command of the other side here.
const SSH: &str = "sh -c 'for last; do :; done; eval exec \"$last\"' ssh";
const PAGE: &str = "<!DOCTYPE html><title>Sign in</title>";

/// A part by which the requests of a row are known.
fn part(at: At, road: Road) -> String {
    let by_road = |git: &str, hub: &str, lab: &str| {
        match road {
            Road::GitHub => hub,
            Road::GitLab => lab,
            _ => git,
        }
        .to_owned()
    };
    match at {
        At::First | At::Any => String::new(),
        At::Read if road == Road::Registry => "tags/list".to_owned(),
        At::Read => by_road("/git-upload-pack", "POST /graphql", "POST /api/graphql"),
        At::Commit => by_road(
            "/git-receive-pack\n",
            "createCommitOnBranch",
            "POST /api/v4/projects/acme%2Fdeploy/repository/commits",
        ),
        At::Temporary => format!("POST /repos/{REPO}/git/refs"),
        At::SetHead => by_road(
            "/git-receive-pack\n",
            "updateRefs",
            "POST /api/v4/projects/acme%2Fdeploy/repository/commits",
        ),
        At::Open => by_road(
            "POST /repos/acme/deploy/pulls",
            "POST /repos/acme/deploy/pulls",
            "POST /api/v4/projects/acme%2Fdeploy/merge_requests",
        ),
        At::Enqueue => "enqueuePullRequest".to_owned(),
        At::Deployment => by_road(
            "",
            &format!("POST /repos/{APP}/deployments\n"),
            "POST /api/v4/projects/acme%2Fweb/deployments",
        ),
        At::State => "/statuses\n".to_owned(),
    }
}

/// How long a run may take.
pub fn limit(harm: Harm) -> Duration {
    Duration::from_secs(match harm {
        // Time enough to come to the push.
        Harm::Answer(At::Commit | At::Open, _, Bad::Stalls)
        | Harm::Answer(At::Commit | At::Open, Often::Always, _) => 10,
        Harm::Answer(_, _, Bad::Stalls | Bad::Drips) => 1,
        _ => 30,
    })
}

/// A thread of the server that waits for the test.
struct Gate {
    reached: Receiver<()>,
    open: Sender<()>,
}

fn gate() -> (Gate, Deed) {
    let (reach, reached) = channel();
    let (open, opened) = channel::<()>();
    let (reach, opened) = (Mutex::new(reach), Mutex::new(opened));
    let deed = move || {
        let _ = reach.lock().unwrap().send(());
        let _ = opened.lock().unwrap().recv();
    };
    (Gate { reached, open }, Arc::new(deed))
}

/// What else has to last as long as a row.
pub struct Other {
    server: GitServer,
}

impl Other {
    pub fn start() -> Self {
        let server = GitServer::start(crate::support::git_server::Options::default());
        server.repo(&format!("{REPO}.git"), &[("a", "1")]);
        Self { server }
    }

    /// Whether somebody asked it; of a registry's, whether somebody said who they are.
    pub fn was_asked(&self, road: Road) -> bool {
        let asked = self.server.counts().requests.load(Ordering::SeqCst);
        (asked > 0 && road != Road::Registry) || !self.server.authorizations().is_empty()
    }
}

/// Runs the command while the harm happens.
pub fn run(world: &World, road: Road, harm: Harm, other: &Other, trust: &Trust) -> Run {
    let mut command = world.command(limit(harm));
    match harm {
        Harm::NobodyListens => {
            command = elsewhere(&command, world.server().port());
        }
        Harm::Answer(at, often, bad) => {
            let times = match often {
                Often::Once => 1,
                Often::Twice => 2,
                Often::Always => usize::MAX,
            };
            world
                .server()
                .spoil_times(&part(at, road), times, fault(bad, other));
        }
        Harm::Meanwhile(what) => {
            let bare = world.bare();
            let deed = move || meanwhile(&bare, what);
            world
                .server()
                .spoil(&part(At::Commit, road), Fault::Before(Arc::new(deed)));
        }
        Harm::Signal(at, moment, signal) => return signalled(world, &part(at, road), moment, signal),
        Harm::Before(state) => set(world, state),
        Harm::Tls(Tls::UnknownAuthority) => {}
        Harm::Tls(_) => {
            command.env("SSL_CERT_FILE", trust.file());
        }
    }
    ended(command, road)
}

/// Runs the command where nothing goes wrong.
pub fn again(world: &World, road: Road, harm: Harm, trust: &Trust) -> Run {
    let mut command = world.command(Duration::from_secs(60));
    if matches!(harm, Harm::Tls(_)) {
        command.env("SSL_CERT_FILE", trust.file());
    }
    ended(command, road)
}

fn ended(mut command: Command, road: Road) -> Run {
    if road == Road::Ssh {
        command.env("GIT_SSH_COMMAND", SSH);
    }
    Run::from(command.stdin(Stdio::null()).output().unwrap())
}

/// Makes it right again.
pub fn mend(world: &World, harm: Harm, trust: &Trust) {
    world.server().mend();
    if matches!(harm, Harm::Tls(_)) {
        trust.mend(world.server());
    }
    let bare = match world {
        World::Repo(..) => world.bare(),
        _ => return,
    };
    match harm {
        Harm::Meanwhile(Meanwhile::Deleted) => {
            git_says(&bare, &["update-ref", "refs/heads/main", "refs/kept/main"]);
            git_says(&bare, &["update-ref", "-d", "refs/kept/main"]);
        }
        Harm::Meanwhile(Meanwhile::Renamed) => {
            git_says(&bare, &["branch", "-m", "trunk", "main"]);
        }
        Harm::Meanwhile(Meanwhile::FileGone) => {
            git_says(&bare, &["update-ref", "refs/heads/main", "main^"]);
        }
        Harm::Before(state) => unset(world, &bare, state),
        _ => {}
    }
}

fn fault(bad: Bad, other: &Other) -> Fault {
    match bad {
        Bad::Lost => Fault::Drop,
        Bad::LostAfterDoing => Fault::CloseAfter(0),
        Bad::Breaks => Fault::Breaks,
        Bad::Resets => Fault::Resets,
        Bad::Stalls => Fault::Stalls,
        Bad::Drips => Fault::Drip,
        Bad::Status(status) => Fault::Status(status),
        Bad::StatusAfterDoing(status) => Fault::Instead(true, status, "text/plain", "upstream timed out"),
        Bad::Half => Fault::Half,
        Bad::Page => Fault::Instead(false, 200, "text/html", PAGE),
        Bad::PageAfterDoing => Fault::Instead(true, 200, "text/html", PAGE),
        Bad::Elsewhere => Fault::Redirect(other.server.url(&format!("{REPO}.git"))),
        Bad::Limit(seconds) => Fault::Limited(seconds),
    }
}

/// The command for an address at which nobody listens.
fn elsewhere(command: &Command, port: u16) -> Command {
    let (old, new) = (format!(":{port}"), ":1");
    let changed = |text: &std::ffi::OsStr| OsString::from(text.to_str().unwrap().replace(&old, new));
    let mut other = Command::new(command.get_program());
    other
        .env_clear()
        .args(command.get_args().map(changed))
        .envs(
            command
                .get_envs()
                .filter_map(|(name, value)| Some((name, changed(value?)))),
        )
        .current_dir(command.get_current_dir().unwrap());
    other
}

/// Sends the signal while the server holds the request, before or after it is carried out.
fn signalled(world: &World, part: &str, moment: Moment, signal: Signal) -> Run {
    let (gate, deed) = gate();
    let fault = match moment {
        Moment::Before => Fault::DropAfter(deed),
        Moment::After => Fault::LoseAfter(deed),
    };
    world.server().spoil(part, fault);
    let child = world
        .command(Duration::from_secs(60))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    gate.reached
        .recv_timeout(Duration::from_secs(50))
        .unwrap_or_else(|_| panic!("no request was like {part}"));
    let name = match signal {
        Signal::Term => "-TERM",
        Signal::Kill => "-KILL",
    };
    let sent = Command::new("kill")
        .args([name, &child.id().to_string()])
        .status();
    assert!(sent.unwrap().success());
    let run = Run::from(child.wait_with_output().unwrap());
    let _ = gate.open.send(());
    run
}

fn meanwhile(bare: &Path, what: Meanwhile) {
    match what {
        Meanwhile::Deleted => {
            git_says(bare, &["update-ref", "refs/kept/main", "refs/heads/main"]);
            git_says(bare, &["update-ref", "-d", "refs/heads/main"]);
        }
        Meanwhile::Renamed => {
            git_says(bare, &["branch", "-m", "main", "trunk"]);
        }
        Meanwhile::Forced => {
            let args = ["commit-tree", "main^{tree}", "-m", "A new beginning"];
            let commit = git_says(bare, &args);
            git_says(bare, &["update-ref", "refs/heads/main", &commit]);
        }
        Meanwhile::Moved => {
            commit_to(bare, "Somebody else's", &[("web/other.yaml", "a: 1")]);
        }
        Meanwhile::FileGone => {
            let index = tempfile::TempDir::new().unwrap();
            let script = "git read-tree main && git rm -q --cached web/dev.yaml && \
                          git update-ref refs/heads/main \"$(git commit-tree \"$(git write-tree)\" -p main -m Gone)\"";
            let mut shell = Command::new("sh");
            let done = shell
                .args(["-ec", script])
                .current_dir(bare)
                .env("GIT_DIR", bare)
                .env("GIT_INDEX_FILE", index.path().join("index"))
                .envs(["AUTHOR", "COMMITTER"].iter().flat_map(|role| {
                    [
                        (format!("GIT_{role}_NAME"), "Ann"),
                        (format!("GIT_{role}_EMAIL"), "ann@example.com"),
                    ]
                }))
                .output()
                .unwrap();
            assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        }
    }
}

/// Brings a state about, before a run.
fn set(world: &World, state: State) {
    let bare = world.bare();
    let repo = world.bench().repo();
    match state {
        State::Shallow => {
            commit_to(&bare, "Second", &[("README.md", "two")]);
            git_says(&repo, &["fetch", "--quiet", "--depth=1"]);
            git_says(&repo, &["reset", "--quiet", "--hard", "FETCH_HEAD"]);
            assert_eq!(git_says(&repo, &["rev-parse", "--is-shallow-repository"]), "true");
        }
        State::CorruptClone => {
            fs::rename(repo.join(".git/objects"), repo.join(".git/kept")).unwrap();
            fs::create_dir(repo.join(".git/objects")).unwrap();
        }
        State::CorruptRemote => {
            let blob = git_says(&bare, &["rev-parse", "main:web/dev.yaml"]);
            unpacked(&bare);
            let (two, rest) = blob.split_at(2);
            fs::rename(bare.join("objects").join(two).join(rest), bare.join("kept")).unwrap();
        }
        State::Hook => {
            let file = bare.join("hooks/pre-receive");
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, "#!/bin/sh\necho 'not on a Friday' >&2\nexit 1\n").unwrap();
            fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        State::Protected => match &world.stage().forge {
            Forge::Hub(hub) => hub.protect(REPO, "main"),
            Forge::Lab(lab) => lab.protect(REPO, "main"),
        },
        State::Queue => match &world.stage().forge {
            Forge::Hub(hub) => {
                hub.settings(REPO, |settings| settings.merge_queue = true);
                hub.protect(REPO, "main");
            }
            Forge::Lab(_) => panic!("GitLab has merge trains"),
        },
    }
}

fn unset(world: &World, bare: &Path, state: State) {
    let repo = world.bench().repo();
    match state {
        State::Shallow => {}
        State::CorruptClone => {
            fs::remove_dir_all(repo.join(".git/objects")).unwrap();
            fs::rename(repo.join(".git/kept"), repo.join(".git/objects")).unwrap();
        }
        State::CorruptRemote => {
            let bytes = bare.join("kept");
            let blob = git_says(bare, &["ls-tree", "main", "web/dev.yaml"]);
            let blob = blob.split_whitespace().nth(2).unwrap().to_owned();
            let (two, rest) = blob.split_at(2);
            fs::rename(bytes, bare.join("objects").join(two).join(rest)).unwrap();
        }
        State::Hook => fs::remove_file(bare.join("hooks/pre-receive")).unwrap(),
        State::Protected | State::Queue => match &world.stage().forge {
            Forge::Hub(hub) => hub.unprotect(REPO),
            Forge::Lab(lab) => lab.unprotect(REPO),
        },
    }
}

/// Puts every object into a file of its own.
fn unpacked(bare: &Path) {
    let script = "for pack in objects/pack/*.pack; do [ -e \"$pack\" ] || continue; mv \"$pack\" \"${pack%.pack}.idx\" .; \
                  git unpack-objects -q < \"${pack##*/}\"; done";
    let done = Command::new("sh")
        .args(["-ec", script])
        .current_dir(bare)
        .env("GIT_DIR", bare)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}
