//! While a run lives, and when it is ended half-way, its token is in no file and in no process but its own environment.
#![cfg(target_os = "linux")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crate::support::cli::{Bench, HERMETIC, of_system, text};
use crate::support::git_server::{Fault, GitServer};
use crate::support::stage::{Forge, REPO, Stage, TOKEN, Way};
use crate::support::{secret, signals};

/// How long anything may take to show up.
const PATIENCE: Duration = Duration::from_secs(30);

/// Starts a run in a world of its own, whose temporary files lie beside the repo.
fn start(bench: &Bench, variables: &[(&str, &str)], arguments: &[&str]) -> Child {
    for folder in ["tmp", "out"] {
        fs::create_dir_all(bench.beside(folder)).unwrap();
    }
    signals::heeding_all()
        .args(["bump-values", "--publish", "push", "--verbose"])
        .args(["--file", "dev.yaml", "--set", "tag=1.1.0"])
        .args(["--result-file", text(&bench.beside("out/result.json"))])
        .args(arguments)
        .current_dir(bench.repo())
        .env_clear()
        .envs(HERMETIC)
        .envs(of_system())
        .env("HOME", bench.beside("home"))
        .env("TMPDIR", bench.beside("tmp"))
        .env("GITHUB_OUTPUT", bench.beside("out/output"))
        .env("GITHUB_STEP_SUMMARY", bench.beside("out/summary"))
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(fs::File::create(bench.beside("out/stdout")).unwrap())
        .stderr(fs::File::create(bench.beside("out/stderr")).unwrap())
        .spawn()
        .unwrap()
}

/// Waits until something holds, while the run lives.
fn wait_until(child: &mut Child, what: &str, holds: impl Fn() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "{what}: it never came");
        assert!(child.try_wait().unwrap().is_none(), "{what}: it ended before");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().map(Result::unwrap) {
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        } else {
            found.push(entry.path());
        }
    }
    found
}

/// The processes below one, and what Linux shows of a process to whoever may look.
fn processes_below(id: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().map(Result::unwrap) {
        let Some(other) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // `pid (name) state parent …`; the name may hold anything.
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let after = stat.rsplit_once(')').map(|(_, after)| after).unwrap_or_default();
        if after.split_whitespace().nth(1) == Some(&id.to_string()) {
            found.push(other);
            found.extend(processes_below(other));
        }
    }
    found
}

fn shown_of(id: u32, what: &str) -> String {
    let bytes = fs::read(format!("/proc/{id}/{what}")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Looks at everything that somebody else on the machine could look at.
fn nobody_sees_the_token(bench: &Bench, child: &Child) {
    let arguments = shown_of(child.id(), "cmdline");
    assert!(arguments.contains("bump-values"), "{arguments}");
    secret::is_absent(&arguments);
    for below in processes_below(child.id()) {
        secret::is_absent(&shown_of(below, "cmdline"));
        secret::is_absent(&shown_of(below, "environ"));
    }
    nothing_on_disk(bench);
}

fn nothing_on_disk(bench: &Bench) {
    for file in ["tmp", "out"]
        .into_iter()
        .flat_map(|folder| files(&bench.beside(folder)))
    {
        let bytes = fs::read(&file).unwrap_or_default();
        secret::is_absent(&format!(
            "{}\n{}",
            file.display(),
            String::from_utf8_lossy(&bytes)
        ));
    }
}

/// Ends a run as a CI host does, and looks again.
fn end(bench: &Bench, mut child: Child, case: &str) {
    let kill = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success(), "{case}");
    let status = child.wait().unwrap();
    assert!(!status.success(), "{case}: {status}");
    nothing_on_disk(bench);
    assert_eq!(files(&bench.beside("tmp")), Vec::<PathBuf>::new(), "{case}");
}

#[test]
fn a_run_that_is_ended_half_way_has_shown_its_token_to_nobody() {
    for stage in Stage::all(&[("dev.yaml", "tag: 1.0.0\n")]) {
        let parts: &[&'static str] = match stage.way {
            Way::Api => &["graphql"],
            Way::Git | Way::Clone => &["/git-upload-pack", "/git-receive-pack"],
        };
        for part in parts {
            let (kind, api_url, server): (_, _, &GitServer) = match &stage.forge {
                Forge::Hub(hub) => ("github", hub.api_url(), hub.server()),
                Forge::Lab(lab) => ("gitlab", lab.api_url(), lab.server()),
            };
            let address = match stage.way {
                Way::Api => format!("{kind}:{REPO}"),
                Way::Git => stage.git_url(),
                Way::Clone => ".".to_owned(),
            };
            let case = format!("{}, {part}", stage.name());
            let before = server.counts().stalled.load(Ordering::SeqCst);
            server.spoil(part, Fault::StallAfter(0));
            let variables = [("GITOPS_STEPS_TOKEN", TOKEN), ("GITOPS_STEPS_API_URL", &api_url)];
            let arguments = ["--config-repo", &address, "--forge", kind];
            let mut child = start(&stage.bench, &variables, &arguments);
            wait_until(&mut child, &case, || {
                server.counts().stalled.load(Ordering::SeqCst) > before
            });
            nobody_sees_the_token(&stage.bench, &child);
            end(&stage.bench, child, &case);
        }
    }
}

/// What is started on the way, `ssh` and credential helpers, is given no token of ours either.
#[test]
fn no_program_that_a_run_starts_is_given_its_token() {
    for way in ["ssh", "helper"] {
        let bench = Bench::new(&[]);
        let seen = bench.beside("seen");
        let program = bench.beside("program");
        let script = format!(
            "#!/bin/sh\nenv > '{0}.part'; echo \"$@\" >> '{0}.part'; mv '{0}.part' '{0}'\nexec sleep 60\n",
            text(&seen)
        );
        fs::write(&program, script).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        // The server does not take it: the helper is asked for another.
        let mut variables = vec![
            ("GITOPS_STEPS_TOKEN", TOKEN),
            ("GITOPS_STEPS_SOURCE_TOKEN", TOKEN),
        ];
        let helper = format!("credential.helper\n!{}", text(&program));
        let (key, value) = helper.split_once('\n').unwrap();
        let server = GitServer::start(crate::support::git_server::Options {
            users: vec![("me:other-s3cret", crate::support::git_server::Right::Write)],
            ..Default::default()
        });
        server.repo("config.git", &[("dev.yaml", "tag: 1.0.0\n")]);
        let address = if way == "ssh" {
            variables.push(("GIT_SSH_COMMAND", text(&program)));
            "ssh://git@127.0.0.1/acme/config.git".to_owned()
        } else {
            variables.extend([
                ("GIT_CONFIG_COUNT", "1"),
                ("GIT_CONFIG_KEY_0", key),
                ("GIT_CONFIG_VALUE_0", value),
            ]);
            server.url("config.git")
        };
        let mut child = start(&bench, &variables, &["--config-repo", &address]);
        wait_until(&mut child, way, || seen.exists());
        let told = fs::read_to_string(&seen).unwrap();
        assert!(told.contains("PATH="), "{told}");
        secret::is_absent(&told);
        nobody_sees_the_token(&bench, &child);
        let below = processes_below(child.id());
        assert!(!below.is_empty(), "{way}: the program was seen");
        end(&bench, child, way);
        for id in below {
            let _ = Command::new("kill")
                .arg(id.to_string())
                .stderr(Stdio::null())
                .status();
        }
    }
}
