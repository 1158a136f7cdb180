//! The installer, in every shell that is here: what it takes, where it keeps it, and what it refuses.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use super::release::{PLATFORMS, Release, hash_of};
use super::runner::{Job, executable};
use crate::support::cli::text;

/// What a run of the installer printed, on both streams, and how it ended.
#[derive(Debug)]
pub struct Installed {
    pub code: i32,
    pub log: String,
    /// The first line of standard output.
    pub binary: PathBuf,
}

/// The shells of runners and images that are here, each as a command line.
pub fn shells() -> Vec<Vec<&'static str>> {
    let mut all = shells_with_commands();
    // A busybox may prefer its own commands to those that a test puts before them; the true `uname` must do then.
    let ash = vec!["busybox", "ash"];
    if cfg!(all(target_os = "linux", target_arch = "x86_64")) && !all.contains(&ash) && answers(&ash, "echo")
    {
        all.push(ash);
    }
    all
}

/// Those that take commands of a test's own for the machine's.
fn shells_with_commands() -> Vec<Vec<&'static str>> {
    let all = [vec!["sh"], vec!["dash"], vec!["bash"], vec!["busybox", "ash"]];
    all.into_iter().filter(|shell| answers(shell, "uname")).collect()
}

/// Whether a shell is here and runs a command that is not the machine's.
fn answers(shell: &[&str], name: &str) -> bool {
    let folder = tempfile::TempDir::new().unwrap();
    executable(&folder.path().join(name), "echo");
    let path = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|at| at.join(shell[0]))
        .find(|at| at.is_file());
    path.is_some_and(|path| {
        let mut command = Command::new(path);
        command
            .args(&shell[1..])
            .args(["-c", name])
            .env_clear()
            .env("PATH", folder.path());
        command.output().is_ok_and(|output| output.stdout == b"\n")
    })
}

/// Runs the installer of a job's action by a shell.
pub fn installed_by(shell: &[&str], job: &Job) -> Installed {
    let output = installer(shell, job).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    Installed {
        code: output.status.code().unwrap(),
        binary: stdout.lines().next().unwrap_or_default().into(),
        log: stdout + &String::from_utf8(output.stderr).unwrap(),
    }
}

fn installer(shell: &[&str], job: &Job) -> Command {
    // By its whole path, so that a test may leave it out of PATH.
    let path = std::env::split_paths(&std::env::var_os("PATH").unwrap())
        .map(|folder| folder.join(shell[0]))
        .find(|file| file.is_file());
    let mut command = Command::new(path.unwrap());
    command
        .args(&shell[1..])
        .arg(job.action.join("action/install.sh"))
        .current_dir(job.at("work"))
        .env_clear()
        .envs(&job.variables);
    command
}

impl Installed {
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}", self.log);
        self
    }

    #[track_caller]
    pub fn says(self, words: &str) -> Self {
        assert!(self.log.contains(words), "`{words}` is not in:\n{}", self.log);
        self
    }
}

/// A job with a release to install from.
pub fn job(release: &Release) -> Job {
    let mut job = Job::using(&release.action());
    job.set("GITOPS_STEPS_DOWNLOAD_BASE", &release.base());
    job.with_commands(&[(
        "uname",
        "if [ \"$1\" = -m ]; then echo x86_64; else echo Linux; fi",
    )]);
    job
}

pub const TARGET: &str = "x86_64-unknown-linux-musl";

/// Where the tool cache holds the binary.
pub fn cached(job: &Job) -> PathBuf {
    job.at("tools/gitops-steps/9.9.9/x64/gitops-steps")
}

/// Checks that the binary is in a folder of the job's own, with nothing beside it.
fn lies_alone(done: &Installed, job: &Job) {
    let folder = done.binary.parent().unwrap();
    assert_eq!(folder.parent().unwrap(), job.at("temp"), "{done:?}");
    assert_eq!(fs::read_dir(folder).unwrap().count(), 1, "{done:?}");
}

#[test]
fn the_pinned_binary_is_fetched_once_and_kept_in_the_tool_cache() {
    for shell in shells() {
        let release = Release::new();
        let job = job(&release);
        let done = installed_by(&shell, &job).exits(0);
        lies_alone(&done, &job);
        assert_eq!(hash_of(&done.binary), hash_of(&cached(&job)), "{shell:?}");
        assert!(cached(&job).parent().unwrap().with_extension("complete").exists());
        fs::remove_dir_all(release.archive(TARGET).parent().unwrap()).unwrap();
        let again = installed_by(&shell, &job).exits(0);
        lies_alone(&again, &job);
        assert_eq!(again.log.lines().count(), 1, "{}", again.log);
        assert_eq!(
            fs::read_dir(job.at("temp")).unwrap().count(),
            2,
            "{shell:?}: something is left"
        );
    }
}

#[test]
fn the_action_runs_what_it_has_fetched() {
    let release = Release::new();
    let mut job = job(&release);
    job.variables.remove("GITOPS_STEPS_DOWNLOAD_BASE");
    let base = release.base();
    let with = [("command", "bump-values"), ("download-base", base.as_str())];
    let done = job.uses(&with).exits(0).says("this is x86_64-unknown-linux-musl");
    assert_eq!(done.outputs["changed"], "true");
    let done = job
        .uses(&[("command", "install"), ("download-base", &base)])
        .exits(0);
    assert!(done.path[0].starts_with(text(&job.at("temp"))), "{:?}", done.path);
}

#[test]
fn what_another_job_leaves_in_the_cache_never_comes_onto_the_path() {
    let release = Release::new();
    let job = job(&release);
    installed_by(&["sh"], &job).exits(0);
    executable(&cached(&job).with_file_name("helm"), "echo hacked");
    let done = job.uses(&[("command", "install")]).exits(0);
    assert_eq!(done.path.len(), 1);
    let names: Vec<_> = fs::read_dir(&done.path[0])
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["gitops-steps"]);
}

#[test]
fn a_binary_that_is_swapped_in_the_cache_after_it_was_checked_does_not_run() {
    for shell in shells_with_commands() {
        let release = Release::new();
        let mut job = job(&release);
        let done = installed_by(&shell, &job).exits(0);
        let pinned = hash_of(&done.binary);
        // Another job, as fast as can be: it writes as soon as a hash is taken.
        let swap = format!(
            "PATH=${{PATH#*:}} sha256sum \"$@\"\nprintf 'echo hacked' >{}",
            text(&cached(&job))
        );
        job.with_commands(&[("sha256sum", &swap)]);
        let done = installed_by(&shell, &job).exits(0);
        assert_eq!(hash_of(&done.binary), pinned, "{shell:?}");
        assert_ne!(hash_of(&cached(&job)), pinned, "{shell:?}: nothing was swapped");
    }
}

#[test]
fn a_failing_install_leaves_the_outputs_of_a_failure_on_one_line_each() {
    let release = Release::new();
    let job = job(&release);
    for (with, code, reason) in [
        (
            ("binary-path", "nowhere"),
            3,
            "nowhere` is no file that can be run",
        ),
        (
            ("from-source", "x\nchanged=hacked"),
            2,
            "`x changed=hacked` is no value",
        ),
        (("download-base", "http://x"), 2, "no URL to download from"),
    ] {
        let done = job.uses(&[("command", "bump-values"), with]).exits(code);
        assert_eq!(done.outputs["changed"], "false", "{with:?}");
        assert_eq!(done.outputs["operation"], "failed", "{with:?}");
        assert!(done.outputs["reason"].contains(reason), "{:?}", done.outputs);
        assert!(!done.outputs["reason"].contains('\n'), "{:?}", done.outputs);
    }
}

#[test]
fn every_platform_gets_its_own_binary() {
    for shell in shells_with_commands() {
        let release = Release::new();
        for (system, machine, target) in PLATFORMS {
            let mut job = job(&release);
            let uname = format!("if [ \"$1\" = -m ]; then echo {machine}; else echo {system}; fi");
            job.with_commands(&[
                ("uname", &uname),
                ("sysctl", "echo 0"),
                ("cygpath", "[ \"$1\" = -u ] && echo \"${2#C:}\" || echo \"C:$2\""),
            ]);
            if target.contains("windows") {
                // As a runner on Windows has it.
                for name in ["RUNNER_TOOL_CACHE", "RUNNER_TEMP"] {
                    let path = format!("C:{}", job.variables[name]);
                    job.set(name, &path);
                }
            }
            let done = installed_by(&shell, &job).exits(0);
            let said = Command::new(&done.binary).output().unwrap().stdout;
            assert_eq!(
                String::from_utf8(said).unwrap(),
                format!("this is {target}\n"),
                "{shell:?}"
            );
            assert!(fs::read_dir(job.at("tools/gitops-steps/9.9.9")).unwrap().count() > 0);
            lies_alone(&done, &job);
            if target.contains("windows") {
                assert!(text(&done.binary).ends_with("/gitops-steps.exe"));
                let done = job.uses(&[("command", "install")]);
                assert!(done.path[0].starts_with("C:/"), "{:?}", done.path);
            }
        }
    }
}

#[test]
fn under_rosetta_the_binary_is_that_of_the_true_machine() {
    let release = Release::new();
    let mut job = job(&release);
    job.with_commands(&[
        (
            "uname",
            "if [ \"$1\" = -m ]; then echo x86_64; else echo Darwin; fi",
        ),
        ("sysctl", "echo 1"),
    ]);
    let done = installed_by(&["sh"], &job).exits(0);
    assert_eq!(
        hash_of(&done.binary),
        release.manifest().lines().nth(4).unwrap()[25 + 66..].trim()
    );
}

#[test]
fn a_platform_without_a_binary_is_told_with_what_to_do() {
    let release = Release::new();
    for (system, machine) in [
        ("FreeBSD", "amd64"),
        ("Linux", "riscv64"),
        ("Linux", "x;touch ran\n::error::"),
    ] {
        for shell in shells_with_commands() {
            let mut job = job(&release);
            let uname =
                format!("if [ \"$1\" = -m ]; then printf '%s\\n' '{machine}'; else echo {system}; fi");
            job.with_commands(&[("uname", &uname)]);
            let done = installed_by(&shell, &job)
                .exits(3)
                .says("binary-path")
                .says("from-source");
            assert_eq!(done.log.lines().count(), 1, "{}", done.log);
        }
    }
}

#[test]
fn a_commit_that_is_no_release_says_what_to_use() {
    for shell in shells() {
        let release = Release::new();
        release.write_manifest("# version target\n");
        let mut job = job(&release);
        // What the environment calls a manifest means nothing.
        job.set("manifest", "6.6.6 x86_64-unknown-linux-musl 1 2");
        installed_by(&shell, &job)
            .exits(3)
            .says("vX.Y.Z")
            .says("binary-path")
            .says("from-source");
    }
}

#[test]
fn a_tampered_cache_is_replaced_with_a_warning() {
    for shell in shells() {
        for (what, spoil) in [
            (
                "changed",
                &(|path: &Path| executable(path, "echo hacked")) as &dyn Fn(&Path),
            ),
            ("cut off", &|path| fs::write(path, "#!").unwrap()),
            ("gone", &|path| fs::remove_file(path).unwrap()),
            ("a folder", &|path| {
                fs::remove_file(path).unwrap();
                fs::create_dir_all(path.join("gitops-steps")).unwrap();
            }),
        ] {
            let release = Release::new();
            let job = job(&release);
            installed_by(&shell, &job).exits(0);
            let kept = hash_of(&cached(&job));
            spoil(&cached(&job));
            installed_by(&shell, &job)
                .exits(0)
                .says("::warning title=gitops-steps::");
            assert_eq!(hash_of(&cached(&job)), kept, "{shell:?}: {what}");
        }
    }
}

#[test]
fn an_archive_that_was_tampered_with_is_never_opened() {
    for shell in shells_with_commands() {
        for spoilt in ["tampered", "truncated"] {
            let release = Release::new();
            let archive = release.archive(TARGET);
            if spoilt == "tampered" {
                release.pack(TARGET, "echo hacked");
            } else {
                let bytes = fs::read(&archive).unwrap();
                fs::write(&archive, &bytes[..bytes.len() / 2]).unwrap();
            }
            let mut job = job(&release);
            job.with_commands(&[("tar", "touch ran"), ("gzip", "touch ran")]);
            installed_by(&shell, &job)
                .exits(1)
                .says("is not the archive")
                .says("SHA-256");
            assert!(
                !job.at("work/ran").exists() && !cached(&job).exists(),
                "{shell:?}: {spoilt}"
            );
        }
    }
}

#[test]
fn another_binary_in_the_right_archive_is_refused() {
    for shell in shells() {
        let release = Release::new();
        let (archive, _) = release.pack(TARGET, "echo hacked");
        let line = release.manifest().lines().nth(1).unwrap().to_owned();
        let fields: Vec<&str> = line.split(' ').collect();
        release.write_manifest(&line.replace(fields[2], &archive));
        let job = job(&release);
        installed_by(&shell, &job)
            .exits(1)
            .says("does not hold the binary");
        assert!(!cached(&job).exists(), "{shell:?}");
    }
}

#[test]
fn a_missing_archive_is_told_with_its_address() {
    let release = Release::new();
    fs::remove_file(release.archive(TARGET)).unwrap();
    let job = job(&release);
    installed_by(&["sh"], &job)
        .exits(6)
        .says(&format!(
            "cannot download {}/v9.9.9/gitops-steps-9.9.9-{TARGET}.tar.gz",
            release.base()
        ))
        .says("download-base");
}

#[test]
fn only_https_and_files_are_places_to_download_from() {
    let release = Release::new();
    for base in [
        "http://127.0.0.1/releases",
        "ftp://mirror.example.com",
        "mirror.example.com",
        "/srv/mirror",
        "file://mirror",
        "https://",
        "https://mirror.example.com/{a,b}",
        "--output=/tmp/x",
        "https://mirror.example.com/a b",
    ] {
        let mut job = job(&release);
        job.set("GITOPS_STEPS_DOWNLOAD_BASE", base);
        job.with_commands(&[("curl", "touch ran"), ("wget", "touch ran")]);
        let done = installed_by(&["sh"], &job).exits(2);
        let told = if base.contains(' ') {
            "%20"
        } else {
            "https:// or file:///"
        };
        let done = done.says(told);
        assert_eq!(done.log.matches("hint").count(), 1);
        assert!(!job.at("work/ran").exists(), "{base}");
    }
}

#[test]
fn a_download_is_held_to_https_tried_thrice_unless_it_is_refused_and_shows_no_login() {
    let wget =
        |status| format!("echo '2026-01-31 10:00:00 ERROR {status}: Said https://ann:s3cret@x.' >&2; exit 8");
    let busybox = |status| format!("echo 'wget: server returned error: HTTP/1.1 {status} Said' >&2; exit 1");
    let curl = |status| format!("printf {status}; exit 22");
    let end = |status| format!("exit {status}");
    for shell in shells_with_commands() {
        for (tool, ends, code, tries) in [
            ("curl", curl(404), 5, 1),
            ("curl", curl(403), 5, 1),
            ("curl", curl(429), 6, 3),
            ("curl", curl(503), 6, 3),
            ("curl", end(6), 6, 3),
            ("curl", end(5), 6, 3),
            ("curl", end(60), 5, 1),
            ("wget", wget(404), 5, 1),
            ("wget", wget(429), 6, 3),
            ("wget", wget(502), 6, 3),
            ("wget", busybox(404), 5, 1),
            ("wget", busybox(500), 6, 3),
            ("wget", end(4), 6, 3),
            ("wget", end(5), 5, 1),
        ] {
            let release = Release::new();
            let mut job = job(&release);
            job.set(
                "GITOPS_STEPS_DOWNLOAD_BASE",
                "https://ann:s3cret@mirror.example.com/gitops-steps/",
            );
            only_with(
                &mut job,
                &[
                    "dirname",
                    "cat",
                    "uname",
                    "tr",
                    "sed",
                    "grep",
                    "mktemp",
                    "mkdir",
                    "rm",
                    "cut",
                    "sha256sum",
                    "shasum",
                    "gzip",
                    "tar",
                ],
            );
            job.with_commands(&[(tool, &format!("echo \"$*\" >>asked\n{ends}")), ("sleep", "")]);
            let done = installed_by(&shell, &job)
                .exits(code)
                .says("https://mirror.example.com/gitops-steps/v9.9.9/");
            assert!(!done.log.contains("s3cret"), "{}", done.log);
            let asked = fs::read_to_string(job.at("work/asked")).unwrap();
            assert_eq!(asked.lines().count(), tries, "{shell:?} {ends}: {asked}");
            assert!(tool == "wget" || asked.contains("--proto =https"), "{asked}");
        }
    }
}

/// Leaves only some of the machine's commands to a job, and those that the test has put before them.
pub fn only_with(job: &mut Job, tools: &[&str]) {
    let folder = job.at("few");
    fs::create_dir_all(&folder).unwrap();
    let path = job.variables["PATH"].clone();
    for tool in tools {
        if let Some(found) = std::env::split_paths(&path)
            .map(|at| at.join(tool))
            .find(|file| file.is_file())
        {
            std::os::unix::fs::symlink(found, folder.join(tool)).unwrap();
        }
    }
    job.set("PATH", text(&folder));
}

#[test]
fn a_tool_that_is_missing_is_named() {
    let all = [
        "dirname",
        "cat",
        "uname",
        "tr",
        "sed",
        "grep",
        "mktemp",
        "mkdir",
        "rm",
        "cut",
        "cp",
        "chmod",
        "mv",
        "gzip",
        "tar",
        "sha256sum",
        "shasum",
        "curl",
        "wget",
    ];
    for shell in [["sh"], ["bash"]] {
        for (missing, told) in [
            (&["gzip"][..], "no gzip here"),
            (&["tar"], "no tar here"),
            (&["curl", "wget"], "no curl and no wget here"),
            (&["sha256sum", "shasum"], "no sha256sum and no shasum here"),
        ] {
            let release = Release::new();
            let mut job = job(&release);
            if missing.contains(&"curl") {
                job.variables.remove("GITOPS_STEPS_DOWNLOAD_BASE");
            }
            let there: Vec<&str> = all.into_iter().filter(|tool| !missing.contains(tool)).collect();
            only_with(&mut job, &there);
            installed_by(&shell, &job).exits(3).says(told).says("binary-path");
        }
        let release = Release::new();
        let mut job = job(&release);
        only_with(&mut job, &all);
        installed_by(&shell, &job).exits(0);
    }
}

#[test]
fn a_binary_of_ones_own_is_run_as_it_is_and_nothing_is_downloaded() {
    for shell in shells_with_commands() {
        let release = Release::new();
        release.write_manifest("");
        let mut job = job(&release);
        job.with_commands(&[
            ("curl", "touch ran"),
            ("wget", "touch ran"),
            ("uname", "echo Plan9"),
        ]);
        executable(&job.at("work").join("my-steps"), "echo mine");
        for path in ["my-steps", text(&job.at("work").join("my-steps"))] {
            job.set("GITOPS_STEPS_BINARY_PATH", path);
            let done = installed_by(&shell, &job).exits(0);
            assert_eq!(done.binary, job.at("work").join("my-steps"), "{shell:?}");
        }
        job.write("text", "no program");
        for path in ["nowhere", "text", "."] {
            job.set("GITOPS_STEPS_BINARY_PATH", path);
            installed_by(&shell, &job)
                .exits(3)
                .says("no file that can be run");
        }
        assert!(!job.at("work/ran").exists());
    }
}

#[test]
fn it_is_built_from_source_where_that_is_asked_for() {
    for shell in shells() {
        let release = Release::new();
        let mut job = job(&release);
        job.with_commands(&[(
            "cargo",
            "pwd >\"$RUNNER_TEMP/asked\"; echo \"$5\" >>\"$RUNNER_TEMP/folders\"; echo \"$*\" >>\"$RUNNER_TEMP/asked\"\nmkdir -p \"$5/release\" && echo built >\"$5/release/gitops-steps\"",
        )]);
        for word in ["true", "1", "YES", "on"] {
            job.set("GITOPS_STEPS_FROM_SOURCE", word);
            let done = installed_by(&shell, &job).exits(0);
            assert_eq!(fs::read_to_string(&done.binary).unwrap(), "built\n", "{shell:?}");
            lies_alone(&done, &job);
            let asked = fs::read_to_string(job.at("temp/asked")).unwrap();
            let mut asked = asked.lines();
            let source = fs::canonicalize(release.action()).unwrap();
            assert_eq!(fs::canonicalize(asked.next().unwrap()).unwrap(), source);
            assert!(
                asked
                    .next()
                    .unwrap()
                    .starts_with("build --release --locked --target-dir ")
            );
        }
        // So that cargo finds what it has built for a use before.
        let folders = fs::read_to_string(job.at("temp/folders")).unwrap();
        assert!(
            folders.lines().count() == 4 && folders.lines().all(|one| folders.starts_with(one)),
            "{folders}"
        );
        for word in ["false", "0", "no", "off", ""] {
            job.set("GITOPS_STEPS_FROM_SOURCE", word);
            let done = installed_by(&shell, &job).exits(0);
            assert_eq!(hash_of(&done.binary), hash_of(&cached(&job)), "{word}");
        }
        job.set("GITOPS_STEPS_FROM_SOURCE", "maybe");
        installed_by(&shell, &job).exits(2).says("`maybe`");
        job.set("GITOPS_STEPS_FROM_SOURCE", "true");
        // A setting of cargo's, such as `build.target`, may lead it elsewhere.
        fs::remove_dir_all(job.at("temp/gitops-steps-source")).unwrap();
        job.with_commands(&[("cargo", "")]);
        installed_by(&shell, &job).exits(1).says("left no binary in");
        job.with_commands(&[("cargo", "exit 101")]);
        installed_by(&shell, &job)
            .exits(1)
            .says("build from source failed");
        only_with(&mut job, &["dirname", "cat", "uname", "tr", "sed"]);
        fs::remove_file(job.at("commands/cargo")).unwrap();
        installed_by(&shell, &job).exits(3).says("no cargo here");
    }
}

#[test]
fn a_cache_that_cannot_be_written_is_passed_over() {
    for shell in shells() {
        let release = Release::new();
        let mut job = job(&release);
        // A file where a folder is expected: nobody can write there, not even root.
        fs::write(job.at("tools/gitops-steps"), "").unwrap();
        let done = installed_by(&shell, &job).exits(0);
        assert!(done.binary.starts_with(job.at("temp")), "{done:?}");
        fs::remove_dir_all(job.at("temp/gitops-steps")).unwrap();
        fs::write(job.at("temp/gitops-steps"), "").unwrap();
        let done = installed_by(&shell, &job).exits(0);
        assert!(done.binary.starts_with(job.at("temp")), "{done:?}");
        job.variables.remove("RUNNER_TOOL_CACHE");
        job.variables.remove("RUNNER_TEMP");
        let temporary = text(&job.at("home")).to_owned();
        job.set("TMPDIR", &temporary);
        let done = installed_by(&shell, &job).exits(0);
        assert!(done.binary.starts_with(job.at("home")), "{done:?}");
        // Nobody empties that folder, so what is two days old goes.
        let old = done.binary.parent().unwrap();
        let before = SystemTime::now() - Duration::from_secs(2 * 24 * 3600);
        fs::File::open(old).unwrap().set_modified(before).unwrap();
        let kept = installed_by(&shell, &job).exits(0).binary;
        assert!(installed_by(&shell, &job).exits(0).binary.exists());
        assert!(!old.exists() && kept.exists(), "{shell:?}");
    }
}

#[test]
fn jobs_that_install_at_once_into_one_cache_all_get_the_whole_binary() {
    let release = Release::new();
    let job = job(&release);
    let start = |_| {
        let mut command = installer(&["sh"], &job);
        command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let all: Vec<_> = (0..8).map(start).collect();
    for one in all {
        let output = one.wait_with_output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let binary = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
        assert_eq!(hash_of(&binary), hash_of(&cached(&job)));
    }
    let left = fs::read_dir(cached(&job).parent().unwrap()).unwrap().count();
    assert_eq!(left, 1, "only the binary is left");
}

#[test]
fn elsewhere_than_on_github_the_path_is_printed_and_errors_are_plain() {
    let release = Release::new();
    let mut job = job(&release);
    job.variables.remove("GITHUB_ACTIONS");
    lies_alone(&installed_by(&["sh"], &job).exits(0), &job);
    job.set("GITOPS_STEPS_BINARY_PATH", "nowhere");
    let done = installed_by(&["sh"], &job).exits(3).says("\nhint: give");
    assert!(done.log.starts_with("error: binary-path"), "{}", done.log);
}
