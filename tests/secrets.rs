//! A token stays where it belongs, and a run leaves nothing behind, however it ends.
#![cfg(unix)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::cli::{Bench, Run, text};
use crate::support::git_server::{Fault, GitServer, Options, Right, git_says};
use crate::support::stage::{Forge, Stage, TOKEN as STAGE_TOKEN, Way};
use crate::support::{github, secret, signals};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

/// A token whose spellings differ, and the logins that are made of it.
const TOKEN: &str = "s3cr/t+T0ken=";
const USERS: [(&str, Right); 3] = [
    ("oauth2:s3cr/t+T0ken=", Right::Write),
    ("x-access-token:s3cr/t+T0ken=", Right::Write),
    ("me:s3cr/t+T0ken=", Right::Write),
];

/// Every way to write the token that could be found somewhere.
fn spellings() -> Vec<String> {
    let mut found = vec![
        TOKEN.to_owned(),
        utf8_percent_encode(TOKEN, NON_ALPHANUMERIC).to_string(),
        TOKEN.replace('/', "%2F"),
    ];
    for (login, _) in USERS.iter().chain(&[(TOKEN, Right::Write)]) {
        for engine in [&STANDARD, &URL_SAFE_NO_PAD] {
            found.push(engine.encode(login).trim_end_matches('=').to_owned());
        }
    }
    found
}

/// All files below a folder, as one text.
fn all_of(folder: &Path) -> String {
    let mut found = String::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let _ = writeln!(found, "{}", entry.path().display());
        if entry.file_type().unwrap().is_dir() {
            found.push_str(&all_of(&entry.path()));
        } else if let Ok(bytes) = fs::read(entry.path()) {
            found.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    found
}

/// Prints the arguments of all processes, as Linux keeps them, and elsewhere as `ps` shows them.
const ARGUMENTS: &str =
    "if test -d /proc/self; then cat /proc/[0-9]*/cmdline; else ps -axww -o args= | tr ' ' '\\0'; fi";

/// A server that, while it is pushed to, keeps what can be seen of our process: its temporary files, and the
/// arguments of all processes.
fn watching(bench: &Bench) -> GitServer {
    let server = GitServer::start(Options {
        users: USERS.to_vec(),
        ..Options::default()
    });
    server.repo("config.git", &[("app/dev.yaml", "tag: v1\n")]);
    let script = format!(
        "cp -r '{}' '{}'\nexec > '{}' 2>&1\n{ARGUMENTS}; exit 0",
        text(&bench.beside("tmp")),
        text(&bench.beside("seen/tmp")),
        text(&bench.beside("seen/arguments")),
    );
    server.hook("config.git", &script);
    for folder in ["tmp", "seen", "out"] {
        fs::create_dir_all(bench.beside(folder)).unwrap();
    }
    server
}

/// Runs with everything that can be written, from a folder of its own.
fn bump(bench: &Bench, repo: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    let out = |name: &str| bench.beside("out").join(name).display().to_string();
    let mut command = bench.command();
    command
        .args([
            "bump-values",
            "--config-repo",
            repo,
            "--publish",
            "push",
            "--verbose",
        ])
        .args(["--file", "app/dev.yaml", "--set", "tag=v2"])
        .args([
            "--result-file",
            &out("result.json"),
            "--dotenv",
            &out("result.env"),
        ])
        .args(arguments)
        .env("GITHUB_OUTPUT", out("output"))
        .env("GITHUB_STEP_SUMMARY", out("summary"))
        .env("TMPDIR", bench.beside("tmp"))
        .envs(variables.iter().copied())
        .timeout(Duration::from_secs(60));
    Run::from(command.output().unwrap())
}

#[test]
fn no_token_is_seen_anywhere_after_runs_that_succeed_and_that_fail() {
    for way in [
        "variable", "file", "github", "origin", "header", "netrc", "helper",
    ] {
        for fails in [false, true] {
            let bench = Bench::new(&[]);
            let server = watching(&bench);
            let url = server.url(if fails { "gone.git" } else { "config.git" });
            let base = server.url("");
            let token_file = bench.beside("token");
            fs::write(&token_file, TOKEN).unwrap();
            let mut repo = url.clone();
            let mut variables = Vec::new();
            let mut arguments = Vec::new();
            let header = format!("Authorization: Basic {}", STANDARD.encode(USERS[0].0));
            match way {
                "variable" => variables.push(("GITOPS_STEPS_TOKEN", TOKEN)),
                "file" => arguments.extend(["--token-file", text(&token_file)]),
                "github" => variables.extend([("GITHUB_TOKEN", TOKEN), ("GITHUB_SERVER_URL", base.as_str())]),
                "origin" => {
                    let login = utf8_percent_encode(TOKEN, NON_ALPHANUMERIC);
                    let origin = url.replace("http://", &format!("http://me:{login}@"));
                    ".".clone_into(&mut repo);
                    git_says(&bench.repo(), &["init", "-q", "-b", "main"]);
                    git_says(&bench.repo(), &["remote", "add", "origin", &origin]);
                }
                "header" => bench.write(
                    "../home/.gitconfig",
                    &format!("[http \"{base}\"]\nextraheader = \"{header}\"\n"),
                ),
                "netrc" => bench.write(
                    "../home/.netrc",
                    &format!("machine 127.0.0.1 login me password {TOKEN}\n"),
                ),
                _ => bench.write(
                    "../home/.gitconfig",
                    "[credential]\nhelper = \"!f() { echo username=me; echo password=s3cr/t+T0ken=; }; f\"\n",
                ),
            }
            if way == "helper" {
                // Git's own configuration must be seen by git here.
                variables.push(("GIT_CONFIG_GLOBAL", ""));
            }
            let run = bump(&bench, &repo, &variables, &arguments).exits(if fails { 5 } else { 0 });
            let seen = [
                run.stdout.clone(),
                run.stderr.clone(),
                all_of(&bench.beside("out")),
                all_of(&bench.beside("seen")),
                all_of(&bench.beside("tmp")),
                git_says(
                    &server.path("config.git"),
                    &["log", "-p", "--format=raw", "--all"],
                ),
            ]
            .concat();
            assert!(seen.contains("result.json") && seen.contains("output"), "{seen}");
            assert_eq!(
                seen.contains("gitops-steps\0bump-values"),
                !fails,
                "{way}: the arguments were seen"
            );
            assert_eq!(
                seen.contains("seen/tmp/gitops-steps-"),
                !fails,
                "{way}: the files were seen"
            );
            for spelling in spellings() {
                assert!(!seen.contains(&spelling), "{way}: `{spelling}` is in:\n{seen}");
            }
            assert!(run.stderr.contains("with the token of"), "{way}: {}", run.stderr);
            assert_eq!(fs::read_dir(bench.beside("tmp")).unwrap().count(), 0, "{way}");
        }
    }
}

#[test]
fn an_interrupted_run_leaves_no_temporary_repository() {
    // The last as under `nohup`, and in a script with `&`.
    for (signal, ignored) in [("-INT", ""), ("-TERM", ""), ("-HUP", ""), ("-TERM", "INT,HUP")] {
        for part in ["git-upload-pack", "/git-receive-pack"] {
            let bench = Bench::new(&[]);
            let server = watching(&bench);
            server.spoil(part, Fault::StallAfter(0));
            let Some(mut command) = signals::ignoring(ignored) else {
                continue;
            };
            let mut child = command
                .args(["bump-values", "--config-repo", &server.url("config.git")])
                .args(["--file", "app/dev.yaml", "--set", "tag=v2"])
                .env_clear()
                .env("PATH", std::env::var_os("PATH").unwrap())
                .env("HOME", bench.beside("home"))
                .env("TMPDIR", bench.beside("tmp"))
                .env("GITOPS_STEPS_TOKEN", TOKEN)
                .stdin(Stdio::null())
                .spawn()
                .unwrap();
            while server.counts().stalled.load(Ordering::SeqCst) == 0 {
                assert!(
                    child.try_wait().unwrap().is_none(),
                    "it ended before it was interrupted"
                );
                std::thread::sleep(Duration::from_millis(5));
            }
            assert_eq!(fs::read_dir(bench.beside("tmp")).unwrap().count(), 1);
            let kill = Command::new("kill")
                .args([signal, &child.id().to_string()])
                .status();
            assert!(kill.unwrap().success());
            let case = format!("{signal} {part}, ignored: {ignored}");
            assert_eq!(child.wait().unwrap().code(), Some(130), "{case}");
            assert_eq!(fs::read_dir(bench.beside("tmp")).unwrap().count(), 0, "{case}");
        }
    }
}

/// A server that repeats what it was sent, in whatever form, finds no reader.
#[test]
fn a_token_that_a_server_repeats_is_taken_out() {
    let stage = Stage::github(Way::Api, &[("dev.yaml", "tag: 1.0.0\n")]);
    let Forge::Hub(hub) = &stage.forge else { return };
    let basic = STANDARD.encode(format!("x-access-token:{STAGE_TOKEN}"));
    let said = format!("bad token {STAGE_TOKEN}, Basic {basic}, ?t={STAGE_TOKEN}");
    let body = serde_json::json!({ "message": said }).to_string();
    hub.fail_next("POST /graphql", github::Failure::Status(401, vec![], body));
    let (outputs, result) = (stage.bench.beside("outputs"), stage.bench.beside("result.json"));
    let run = stage.run_with(
        &[
            ("GITHUB_OUTPUT", outputs.to_str().unwrap()),
            ("GITHUB_ACTIONS", "true"),
        ],
        "bump-values",
        &[
            "--file",
            "dev.yaml",
            "--set",
            "tag=1.1.0",
            "--result-file",
            result.to_str().unwrap(),
        ],
    );
    let run = run.exits(5).says("bad token ***");
    assert!(run.json()["reason"].as_str().unwrap().contains("***"));
    for file in [outputs, result] {
        let text = std::fs::read_to_string(file).unwrap();
        secret::is_absent(&text);
        assert!(text.contains("bad token ***"), "{text}");
    }
}

/// An App's key and what is made of it are as secret as a token that was handed over.
#[test]
fn what_an_app_s_key_is_exchanged_for_is_taken_out_and_the_runner_is_told() {
    for (way, on_github) in [
        ("file", true),
        ("file", false),
        ("variable", false),
        ("one line", true),
    ] {
        let stage = Stage::github(Way::Api, &[("dev.yaml", "tag: 1.0.0\n")]);
        let Forge::Hub(hub) = &stage.forge else { return };
        hub.app(github::App::new(7, 70, &["acme/deploy"], &["contents=write"]));
        let key = github::Hub::app_key();
        let line = key.lines().nth(3).unwrap().to_owned();
        let repeated = line.clone();
        let minted = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&minted);
        hub.before_next("createCommitOnBranch", move |hub| {
            let bearer = |name: &str| {
                let asked = hub.requests();
                let asked = asked.iter().find(|one| one.target.ends_with(name)).unwrap();
                let sent = asked.headers["authorization"].clone();
                sent.split_once(' ').unwrap().1.to_owned()
            };
            let (jwt, token) = (bearer("/access_tokens"), bearer("/graphql"));
            let said = format!(
                "bad token {token}, {repeated}, {}, {jwt}",
                STANDARD.encode(&token)
            );
            seen.lock().unwrap().extend([jwt, token]);
            let body = serde_json::json!({ "message": said }).to_string();
            hub.fail_next("POST /graphql", github::Failure::Status(401, vec![], body));
        });
        let key_file = stage.bench.write_beside("app.pem", &key);
        let one_line = key.replace('\n', "\\n");
        let outputs = stage.bench.beside("outputs");
        let unset = "";
        let mut variables = vec![
            ("GITHUB_OUTPUT", text(&outputs)),
            ("GITHUB_ACTIONS", if on_github { "true" } else { unset }),
            ("GITOPS_STEPS_TOKEN", unset),
            ("GITOPS_STEPS_APP_ID", "7"),
        ];
        variables.push(match way {
            "file" => ("GITOPS_STEPS_APP_PRIVATE_KEY_FILE", key_file.as_str()),
            "variable" => ("GITOPS_STEPS_APP_PRIVATE_KEY", key.as_str()),
            _ => ("GITOPS_STEPS_APP_PRIVATE_KEY", one_line.as_str()),
        });
        let change = ["--file", "dev.yaml", "--set", "tag=1.1.0", "--verbose"];
        let run = stage.run_with(&variables, "bump-values", &change);
        let run = run.exits(5).says("bad token ***");
        let minted = minted.lock().unwrap().clone();
        assert_eq!(minted.len(), 2);
        let (masks, told): (Vec<_>, Vec<_>) = run
            .stderr
            .lines()
            .partition(|line| line.starts_with("::add-mask::"));
        let outputs = fs::read_to_string(&outputs).unwrap();
        let seen = format!("{}{}{outputs}", run.stdout, told.join("\n"));
        assert!(outputs.contains("bad token ***, ***, ***"), "{outputs}");
        // The message is cut off in the midst of the JWT, of which no part may be left either.
        for secret in [minted[0].get(..24).unwrap(), &minted[1], &line] {
            assert!(!seen.contains(secret), "{way}: `{secret}` is in:\n{seen}");
        }
        secret::is_absent(&seen);
        let expected: Vec<_> = minted.iter().map(|one| format!("::add-mask::{one}")).collect();
        assert_eq!(masks, if on_github { expected } else { vec![] }, "{way}");
    }
}
