//! Disks that are full or read-only, and runs that are ended while they write files.
//!
//! A disk of a test's own needs a mount, which a user namespace allows; where the system allows none, the rows that need
//! it are not tried, and the test says so. The same goes for `strace`, by which a run is ended at a given write.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::support::cli::{Bench, HERMETIC, of_system, text};
use crate::support::git_server::{GitServer, Options, Speaks, git_says};

/// What is done to the disk, or to the run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Harm {
    /// The disk of the checkout has room for one of the two files.
    FullCheckout,
    /// The checkout can only be read.
    ReadOnlyCheckout,
    /// The disk of temporary files is full.
    FullTemporary,
    /// It has room for some of what the remote sends.
    FillingTemporary,
    /// The folder of temporary files can only be read.
    ReadOnlyTemporary,
    /// What is printed, or a file that a flag or CI names, goes to a full disk.
    FullOutput(Place),
    /// A signal comes at a system call: its names, which of them, and the signal.
    Signal(&'static str, u32, &'static str),
}

/// What cannot be written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Stdout,
    ResultFile,
    GitHub,
}

/// What is there after such a run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    Before,
    /// As before, and temporary files beside.
    Stray,
    /// One file is changed and one is not; each is whole. Temporary files lie beside.
    Some,
    Done,
}

pub struct Row {
    pub trouble: &'static str,
    pub harm: Harm,
    pub code: i32,
    pub says: &'static str,
    pub holds: Holds,
}

const RENAMES: &str = "rename,renameat,renameat2";

const fn row(trouble: &'static str, harm: Harm, (code, says): (i32, &'static str), holds: Holds) -> Row {
    Row {
        trouble,
        harm,
        code,
        says,
        holds,
    }
}

pub const ROWS: &[Row] = &[
    row(
        "the disk fills up at the second of two files",
        Harm::FullCheckout,
        (2, "cannot write `b.yaml`: No space left on device (os error 28)"),
        Holds::Before,
    ),
    row(
        "the checkout can only be read",
        Harm::ReadOnlyCheckout,
        (2, "cannot write `a.yaml`: Read-only file system (os error 30)"),
        Holds::Before,
    ),
    row(
        "the disk of `TMPDIR` is full",
        Harm::FullTemporary,
        (
            2,
            "cannot make a temporary repository: …: No space left on device",
        ),
        Holds::Before,
    ),
    row(
        "the disk of `TMPDIR` fills up while the whole branch is read",
        Harm::FillingTemporary,
        (
            2,
            "cannot write to the temporary repository: …: No space left on device",
        ),
        Holds::Before,
    ),
    row(
        "`TMPDIR` can only be read",
        Harm::ReadOnlyTemporary,
        (
            2,
            "cannot make a temporary repository: Read-only file system (os error 30)",
        ),
        Holds::Before,
    ),
    row(
        "standard output is full",
        Harm::FullOutput(Place::Stdout),
        (
            2,
            "the run is over, but its result could not be handed on: cannot write to standard output: no storage space",
        ),
        Holds::Done,
    ),
    row(
        "the disk of `--result-file` is full",
        Harm::FullOutput(Place::ResultFile),
        (
            2,
            "the run is over, but its result could not be handed on: cannot write `/dev/full`: no storage space",
        ),
        Holds::Done,
    ),
    row(
        "the disk of `$GITHUB_OUTPUT` is full",
        Harm::FullOutput(Place::GitHub),
        (
            2,
            "the run is over, but its result could not be handed on: cannot append to `/dev/full`: no storage space",
        ),
        Holds::Done,
    ),
    row(
        "SIGTERM while the first file is written",
        Harm::Signal("fsync", 1, "TERM"),
        (130, ""),
        Holds::Done,
    ),
    row(
        "SIGTERM between two files",
        Harm::Signal(RENAMES, 2, "TERM"),
        (130, ""),
        Holds::Done,
    ),
    row(
        "SIGKILL while the second file is written",
        Harm::Signal("fsync", 2, "KILL"),
        (super::row::SIGNALLED, ""),
        Holds::Stray,
    ),
    row(
        "SIGKILL between two files",
        Harm::Signal(RENAMES, 2, "KILL"),
        (super::row::SIGNALLED, ""),
        Holds::Some,
    ),
];

const OLD: &str = "tag: v1\n";
const NEW: &str = "tag: v2\n";

impl Harm {
    /// Whether the config repo is one behind git, and no checkout.
    fn is_remote(self) -> bool {
        matches!(
            self,
            Self::FullTemporary | Self::FillingTemporary | Self::ReadOnlyTemporary
        )
    }

    /// The command as the page shows where it runs.
    pub fn road(self) -> &'static str {
        if self.is_remote() {
            "git over HTTP"
        } else {
            "checkout"
        }
    }

    fn needs_mounts(self) -> bool {
        !matches!(self, Self::FullOutput(_) | Self::Signal(..))
    }

    /// The lines of the shell that bring it about, and those that mend it.
    fn lines(self) -> (&'static str, &'static str) {
        match self {
            Self::FullCheckout => (
                "head -c 4000000 /dev/zero > disk/filler 2>&- || :; truncate -s -4096 disk/filler",
                "rm disk/filler",
            ),
            Self::FullTemporary => (
                "head -c 4000000 /dev/zero > disk/filler 2>&- || :",
                "rm disk/filler",
            ),
            Self::FillingTemporary => (
                "head -c 4000000 /dev/zero > disk/filler 2>&- || :; truncate -s -180224 disk/filler",
                "rm disk/filler",
            ),
            Self::ReadOnlyCheckout => (
                "mount --bind disk/repo disk/repo && mount -o remount,bind,ro disk/repo",
                "umount disk/repo",
            ),
            Self::ReadOnlyTemporary => (
                "mount --bind disk/tmp disk/tmp && mount -o remount,bind,ro disk/tmp",
                "umount disk/tmp",
            ),
            Self::FullOutput(_) | Self::Signal(..) => (":", ":"),
        }
    }
}

impl Holds {
    pub fn words(self) -> &'static str {
        match self {
            Self::Before => "as before",
            Self::Stray => "as before, and temporary files `.gitops-steps-…`",
            Self::Some => "one file changed, one not, each whole; temporary files `.gitops-steps-…`",
            Self::Done => "done, once",
        }
    }
}

#[test]
fn a_disk_that_fails_and_a_write_that_is_ended_leave_whole_files() {
    let (mounts, strace) = (may_mount(), may_trace());
    let mut wrong = Vec::new();
    for row in ROWS {
        let tried = match row.harm {
            Harm::Signal(..) => strace,
            Harm::FullOutput(_) => Path::new("/dev/full").exists(),
            _ => mounts,
        };
        if !tried {
            let why = "no mount in a user namespace, no strace, or no /dev/full is to be had here";
            let _ = writeln!(std::io::stderr(), "NOT TRIED: {}: {why}", row.trouble);
            continue;
        }
        if let Err(why) = check(row) {
            wrong.push(format!("{}: {why}", row.trouble));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n\n"));
}

/// Whether a user namespace may mount a disk in memory.
fn may_mount() -> bool {
    let folder = tempfile::TempDir::new().unwrap();
    let script = format!("mount -t tmpfs -o size=64k tmpfs '{}'", text(folder.path()));
    let tried = Command::new("unshare")
        .args(["-rm", "sh", "-c", &script])
        .output();
    tried.is_ok_and(|output| output.status.success())
}

/// Whether strace may end a process at a system call.
fn may_trace() -> bool {
    let tried = Command::new("strace")
        .args(["-f", "-qq", "-o/dev/null", "-einject=fsync:signal=KILL", "true"])
        .output();
    tried.is_ok_and(|output| output.status.success())
}

fn check(row: &Row) -> Result<(), String> {
    let bench = Bench::new(&[("a.yaml", OLD), ("b.yaml", OLD)]);
    let server = GitServer::start(Options {
        // Only libgit2 fetches to the disk.
        speaks: if matches!(row.harm, Harm::FillingTemporary) {
            Speaks::Version0
        } else {
            Speaks::Filters
        },
        ..Options::default()
    });
    server.repo(
        "config.git",
        &[("a.yaml", OLD), ("b.yaml", OLD), ("large", &incompressible())],
    );
    let address = if row.harm.is_remote() {
        server.url("config.git")
    } else {
        ".".to_owned()
    };
    let home = bench.beside("");
    let script = script(row.harm, &address);
    let mut shell = if row.harm.needs_mounts() {
        let mut shell = Command::new("unshare");
        shell.args(["-rm", "sh"]);
        shell
    } else {
        Command::new("sh")
    };
    let output = shell
        .args(["-ec", &script])
        .current_dir(&home)
        .env_clear()
        .envs(of_system())
        .envs(HERMETIC)
        .env("HOME", bench.beside("home"))
        .stdin(Stdio::null())
        .output()
        .unwrap();
    if !output.status.success() {
        return Err(shown(&output));
    }
    judge(row, &bench, &server)
}

/// The shell's lines: the run in trouble, what is there then, and the run after it was mended.
fn script(harm: Harm, address: &str) -> String {
    let binary = env!("CARGO_BIN_EXE_gitops-steps");
    let disk = if harm.needs_mounts() {
        "mount -t tmpfs -o size=2m tmpfs disk"
    } else {
        ":"
    };
    let (traced, more, to) = match harm {
        Harm::Signal(calls, which, signal) => (
            format!("strace -f -qq -o/dev/null -einject={calls}:signal={signal}:when={which}"),
            "",
            "$there/out",
        ),
        Harm::FullOutput(Place::Stdout) => (String::new(), "", "/dev/full"),
        Harm::FullOutput(Place::ResultFile) => (String::new(), "--result-file=/dev/full", "$there/out"),
        Harm::FullOutput(Place::GitHub) => ("env GITHUB_OUTPUT=/dev/full".to_owned(), "", "$there/out"),
        _ => (String::new(), "", "$there/out"),
    };
    let (harmed, mended) = harm.lines();
    let run =
        format!("'{binary}' bump-values --config-repo '{address}' --file a.yaml --file b.yaml --set tag=v2");
    format!(
        "there=$PWD; mkdir disk; {disk}; cp -a repo disk/repo; mkdir disk/tmp; export TMPDIR=$there/disk/tmp\n\
         {harmed}\n\
         code=0; (cd disk/repo; exec {traced} {run} {more}) > {to} 2> err || code=$?; echo $code > code\n\
         cp -a disk/repo after; ls disk/tmp > left\n\
         {mended}\n\
         code=0; (cd disk/repo; exec {run}) > out2 2> err2 || code=$?; echo $code > code2\n\
         cp -a disk/repo again\n"
    )
}

fn judge(row: &Row, bench: &Bench, server: &GitServer) -> Result<(), String> {
    let read = |name: &str| fs::read_to_string(bench.beside(name)).unwrap_or_default();
    let (code, said) = (read("code"), read("err"));
    let wanted = if row.code == super::row::SIGNALLED {
        137
    } else {
        row.code
    };
    // A run that is through before it hears a signal ends as it would have.
    let is_through = matches!(row.harm, Harm::Signal(_, _, "TERM")) && code.trim() == "0";
    if code.trim() != wanted.to_string() && !is_through {
        return Err(format!("not {wanted}: {code}{said}"));
    }
    if !super::matches(row.says, super::first_line(&said)) {
        return Err(format!("it does not say `{}`: {said}", row.says));
    }
    let found = if row.harm.is_remote() {
        let tip =
            |file: &str| git_says(&server.path("config.git"), &["show", &format!("main:{file}")]) + "\n";
        format!("a.yaml={}b.yaml={}", tip("a.yaml"), tip("b.yaml"))
    } else {
        files(&bench.beside("after"))
    };
    // The remote has what the second run brought.
    let before = if row.harm.is_remote() { NEW } else { OLD };
    let right = match row.holds {
        Holds::Before => found == format!("a.yaml={before}b.yaml={before}"),
        Holds::Done => found == format!("a.yaml={NEW}b.yaml={NEW}"),
        Holds::Some => found.contains("a.yaml=tag: v2\n") && found.contains("b.yaml=tag: v1\n"),
        Holds::Stray => {
            found.starts_with(".gitops-steps-") && found.ends_with(&format!("a.yaml={OLD}b.yaml={OLD}"))
        }
    };
    if !right || !read("left").is_empty() {
        return Err(format!("{found}{}", read("left")));
    }
    if read("code2").trim() != "0" {
        return Err(format!("again: {}", read("err2")));
    }
    let again = files(&bench.beside("again"));
    if !row.harm.is_remote() && !again.ends_with(&format!("a.yaml={NEW}b.yaml={NEW}")) {
        return Err(format!("again: {again}"));
    }
    Ok(())
}

/// Text that is about as long in a pack.
fn incompressible() -> String {
    let mut state = 1_u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'0' + u8::try_from(state >> 58).unwrap())
    };
    (0..200_000).map(|_| next()).collect()
}

/// All files of a folder, by name.
fn files(folder: &Path) -> String {
    let mut found: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            format!("{name}={}", fs::read_to_string(entry.path()).unwrap())
        })
        .collect();
    found.sort();
    found.concat()
}

fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
