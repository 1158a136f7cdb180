//! Git over HTTP moves what has to travel: a few requests and kilobytes a bump. A server that cannot, or lies, is served by
//! libgit2 in the same run.
#![cfg(unix)]

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::cli::{Bench, Run};
use crate::support::git_server::{self, GitServer, Handler, Options, Request, Response, Speaks, git_says};

const APPS: usize = 400;

/// Runs one bump of the file, and tells all.
fn bump(server: &GitServer, file: &str, tag: &str) -> Run {
    let url = server.url("config.git");
    let set = format!("image.tag={tag}");
    let arguments = ["--config-repo", &url, "--file", file, "--set", &set, "--verbose"];
    Bench::new(&[]).bump(&arguments)
}

fn values(name: &str, tag: &str) -> String {
    let mut text = format!("image:\n  repository: registry.example/acme/{name}\n  tag: {tag} # kept\n");
    for number in 0..20 {
        let _ = writeln!(text, "setting-{number}-of-{name}: {}", number * 7919);
    }
    text
}

/// A server with many apps in two environments, and a few files elsewhere.
fn served(options: Options) -> GitServer {
    let server = GitServer::start(options);
    let mut files = Vec::new();
    for app in 0..APPS {
        for env in ["dev", "prod"] {
            let name = format!("app-{app:03}");
            files.push((format!("apps/{name}/{env}/values.yaml"), values(&name, "1.0.0")));
        }
    }
    for path in ["top.yaml", "one/values.yaml", "a/b/c/d/e/values.yaml"] {
        files.push((path.to_owned(), values("odd", "1.0.0")));
    }
    let files: Vec<_> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    server.repo("config.git", &files);
    server
}

fn traffic(server: &GitServer) -> (usize, usize, usize) {
    let counts = server.counts();
    let take = |count: &AtomicUsize| count.swap(0, Ordering::SeqCst);
    (
        take(&counts.requests),
        take(&counts.bytes_down),
        take(&counts.bytes_up),
    )
}

fn tag_at(server: &GitServer, file: &str) -> String {
    let text = git_says(&server.path("config.git"), &["show", &format!("main:{file}")]);
    let (_, rest) = text.split_once("tag: ").unwrap();
    rest.split_once(" # kept").unwrap().0.to_owned()
}

fn fsck(server: &GitServer) {
    git_says(&server.path("config.git"), &["fsck", "--strict"]);
}

#[test]
fn a_bump_costs_four_requests_and_what_lies_on_the_way_to_its_file() {
    let app = "apps/app-123/dev/values.yaml";
    let server = served(Options::default());
    for (file, requests) in [
        ("top.yaml", 3),
        ("one/values.yaml", 4),
        (app, 4),
        ("a/b/c/d/e/values.yaml", 5),
    ] {
        bump(&server, file, "1.1.0").exits(0);
        assert_eq!(tag_at(&server, file), "1.1.0");
        let (asked, down, up) = traffic(&server);
        assert_eq!(asked, requests, "{file}");
        // The ids of 400 folders are 8 KB that no compression makes less.
        assert!(down < 16_000, "{file}: {down} bytes down");
        assert!(up < 2_000, "{file}: {up} bytes up");
    }
    // Nothing is changed, so nothing is pushed.
    bump(&server, app, "1.1.0").exits(0);
    assert_eq!(traffic(&server).0, 3);
    fsck(&server);
    let whole = served(Options {
        speaks: Speaks::Version0,
        ..Options::default()
    });
    bump(&whole, app, "1.1.0").exits(0);
    assert!(traffic(&whole).1 > 100_000, "libgit2 fetches all of the tip");
}

#[test]
fn a_server_that_counts_no_floors_sends_all_folders_and_none_of_the_other_files() {
    let server = served(Options::default());
    // As GitHub is said to be set up.
    let bare = server.path("config.git");
    git_says(&bare, &["config", "uploadpackfilter.tree.maxDepth", "0"]);
    for (file, requests) in [("apps/app-123/dev/values.yaml", 5), ("a/b/c/d/e/values.yaml", 5)] {
        let run = bump(&server, file, "1.1.0").exits(0);
        assert!(
            run.stderr.contains("tree filter allows max depth 0"),
            "{}",
            run.stderr
        );
        assert!(!run.stderr.contains("served whole"), "{}", run.stderr);
        assert_eq!(tag_at(&server, file), "1.1.0");
        let (asked, down, up) = traffic(&server);
        assert_eq!(asked, requests, "{file}");
        // 1,200 ids of folders and 800 of files.
        assert!(down < 60_000, "{file}: {down} bytes down");
        assert!(up < 2_500, "{file}: {up} bytes up");
    }
    fsck(&server);
}

/// Puts a change by somebody else on the branch before each of the first pushes.
fn racing(times: usize, files: &'static str) -> (Handler, Arc<std::sync::OnceLock<PathBuf>>) {
    let repo: Arc<std::sync::OnceLock<PathBuf>> = Arc::default();
    let (bare, pushes) = (Arc::clone(&repo), AtomicUsize::new(0));
    let handler = move |request: &Request| {
        if request.target.ends_with("/git-receive-pack") {
            let push = pushes.fetch_add(1, Ordering::SeqCst);
            if push < times {
                let input = format!(
                    "commit refs/heads/main\ncommitter T <t@example.com> 1700000000 +0000\ndata 6\ntheirs\n\
                     from refs/heads/main^0\n{}\n",
                    files.replace("{}", &push.to_string())
                );
                fast_import(bare.get().unwrap(), &input);
            }
        }
        None
    };
    (Arc::new(handler), repo)
}

fn fast_import(bare: &std::path::Path, input: &str) {
    let mut command = git_server::git(bare);
    let mut child = command
        .args(["fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

#[test]
fn a_race_that_was_lost_costs_what_is_new() {
    for (files, most) in [
        // Another app's file.
        (
            "M 100644 inline apps/app-007/dev/values.yaml\ndata 3\n{}\n\n",
            3_000,
        ),
        // A folder deep below comes up, and one goes down: what was not fetched before lies where it is needed.
        ("C a/b/c/d up-{}\nC one apps/app-123/one-{}\n", 6_000),
        // The very folder of the app.
        (
            "M 100644 inline apps/app-123/dev/other-{}.yaml\ndata 3\n{}\n\n",
            6_000,
        ),
    ] {
        let (handler, repo) = racing(3, files);
        let server = served(Options {
            handler: Some(handler),
            ..Options::default()
        });
        repo.set(server.path("config.git")).unwrap();
        let run = bump(&server, "apps/app-123/dev/values.yaml", "1.1.0").exits(0);
        assert!(run.stderr.contains("attempt 4 on"), "{}", run.stderr);
        assert_eq!(tag_at(&server, "apps/app-123/dev/values.yaml"), "1.1.0");
        let log = git_says(&server.path("config.git"), &["log", "--format=%s", "main"]);
        assert_eq!(log.lines().count(), 5, "{log}");
        let (requests, down, up) = traffic(&server);
        assert!(requests <= 4 + 3 * 4, "{requests} requests for {files}");
        assert!(down < 16_000 + 3 * most, "{down} bytes down for {files}");
        assert!(up < 4 * 2_500, "{up} bytes up for {files}");
        fsck(&server);
    }
}

/// Tells that a request speaks version 2 and asks for objects, or for refs.
fn is_command(request: &Request, command: &str) -> bool {
    let body = String::from_utf8_lossy(&request.body);
    request.headers.contains_key("git-protocol") && body.contains(&format!("command={command}"))
}

fn answer(service: &str, body: &[u8]) -> Response {
    Response::Answer {
        status: 200,
        headers: vec![(
            "Content-Type".to_owned(),
            format!("application/x-git-{service}-result"),
        )],
        body: body.to_vec(),
    }
}

fn packet(data: &[u8]) -> Vec<u8> {
    [format!("{:04x}", data.len() + 4).as_bytes(), data].concat()
}

/// The answer to a fetch that holds this instead of a pack.
fn in_pack(bytes: &[u8]) -> Vec<u8> {
    [
        packet(b"packfile\n"),
        packet(&[b"\x01", bytes].concat()),
        b"0000".to_vec(),
    ]
    .concat()
}

/// A pack that holds nothing, which is what it says.
const EMPTY_PACK: &[u8] =
    b"PACK\0\0\0\x02\0\0\0\0\x02\x9d\x08\x82\x3b\xd8\xa8\xea\xb5\x10\xad\x6a\xc7\x5c\x82\x3c\xfd\x3e\xd3\x1e";

#[test]
fn a_server_that_refuses_or_lies_is_served_by_libgit2_in_the_same_run() {
    type Wrong = fn(&Request) -> Option<Vec<u8>>;
    let rows: &[(&str, Wrong)] = &[
        ("filter not", |request| {
            is_command(request, "fetch").then(|| packet(b"ERR filter not supported"))
        }),
        ("not our ref", |request| {
            let by_id =
                is_command(request, "fetch") && !String::from_utf8_lossy(&request.body).contains("deepen");
            by_id.then(|| packet(b"ERR upload-pack: not our ref\x1b[31m"))
        }),
        ("sends no pack", |request| {
            is_command(request, "fetch").then(Vec::new)
        }),
        ("is not made of packets", |request| {
            is_command(request, "fetch").then(|| b"<html>".to_vec())
        }),
        ("ends within a packet", |request| {
            is_command(request, "fetch").then(|| b"fff0packfile".to_vec())
        }),
        ("does not end", |request| {
            is_command(request, "fetch").then(|| packet(b"packfile\n"))
        }),
        ("it says: no memory", |request| {
            is_command(request, "fetch").then(|| [packet(b"packfile\n"), packet(b"\x03no memory\n")].concat())
        }),
        ("pack is cut short", |request| {
            is_command(request, "fetch").then(|| in_pack(b"PACK"))
        }),
        ("the sum of its pack is wrong", |request| {
            is_command(request, "fetch").then(|| in_pack(&[b"PACK\0\0\0\x02\0\0\0\0", &[0; 20][..]].concat()))
        }),
        ("does not send what was asked for", |request| {
            is_command(request, "fetch").then(|| in_pack(EMPTY_PACK))
        }),
        ("list of refs does not end", |request| {
            is_command(request, "ls-refs").then(|| packet(&[b'a'; 40]).repeat(0))
        }),
        ("list of refs makes no sense", |request| {
            is_command(request, "ls-refs").then(|| packet(b"main main"))
        }),
        ("HEAD is on no branch", |request| {
            let head = [packet(&[&[b'1'; 40][..], b" HEAD\n"].concat()), b"0000".to_vec()].concat();
            is_command(request, "ls-refs").then_some(head)
        }),
    ];
    for (why, wrong) in rows {
        let server = served(Options {
            handler: Some(Arc::new(|request| {
                wrong(request).map(|body| answer("upload-pack", &body))
            })),
            ..Options::default()
        });
        let run = bump(&server, "apps/app-123/dev/values.yaml", "1.1.0").exits(0);
        assert_eq!(tag_at(&server, "apps/app-123/dev/values.yaml"), "1.1.0", "{why}");
        let told = run
            .stderr
            .lines()
            .find(|line| line.contains("served whole, not in parts"));
        assert!(
            told.is_some_and(|told| told.contains(why)),
            "{why}: {}",
            run.stderr
        );
        assert!(!run.stderr.contains('\x1b'), "{why}");
        fsck(&server);
    }
}

#[test]
fn a_server_that_does_not_serve_parts_is_served_by_libgit2() {
    for (speaks, why) in [
        (
            Speaks::Version2,
            "it sends no pack, as where filters are not allowed",
        ),
        (Speaks::Version0, "does not speak version 2"),
    ] {
        let server = served(Options {
            speaks,
            ..Options::default()
        });
        let run = bump(&server, "one/values.yaml", "1.1.0").exits(0);
        assert_eq!(tag_at(&server, "one/values.yaml"), "1.1.0");
        assert!(run.stderr.contains(why), "{}", run.stderr);
        fsck(&server);
    }
}

#[test]
fn a_server_that_fails_whenever_objects_are_asked_for_is_served_by_libgit2() {
    type Wrong = Box<dyn Fn() -> Response + Send + Sync>;
    let page = |status: u16| {
        move || Response::Answer {
            status,
            headers: vec![("Content-Type".to_owned(), "text/html".to_owned())],
            body: b"<html>no\x1b[31m</html>".to_vec(),
        }
    };
    let rows: Vec<(Wrong, usize)> = vec![
        // What may pass is asked for again, as often as any fetch is.
        (Box::new(|| Response::Close), 4),
        (Box::new(page(503)), 4),
        // With two floors, and with all folders.
        (Box::new(page(200)), 2),
        (Box::new(page(400)), 2),
        (Box::new(page(404)), 2),
        (Box::new(page(500)), 2),
    ];
    for (wrong, times) in rows {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let server = served(Options {
            handler: Some(Arc::new(move |request| {
                is_command(request, "fetch").then(|| {
                    counted.fetch_add(1, Ordering::SeqCst);
                    wrong()
                })
            })),
            ..Options::default()
        });
        let run = bump(&server, "one/values.yaml", "1.1.0").exits(0);
        assert_eq!(tag_at(&server, "one/values.yaml"), "1.1.0");
        assert_eq!(asked.load(Ordering::SeqCst), times, "{}", run.stderr);
        assert!(!run.stderr.contains('\x1b'), "{}", run.stderr);
    }
}

#[test]
fn a_push_that_cannot_be_unpacked_goes_again_as_a_whole() {
    for (body, code) in [
        (
            [
                packet(&[b"\x01", &packet(b"unpack index-pack abnormal exit\n")[..]].concat()),
                packet(&[b"\x01", &packet(b"ng refs/heads/main unpacker error\n")[..]].concat()),
                b"0000".to_vec(),
            ]
            .concat(),
            200,
        ),
        (Vec::new(), 200),
        (b"what?".to_vec(), 200),
        (Vec::new(), 400),
        (Vec::new(), 411),
        (Vec::new(), 500),
    ] {
        let pushes = AtomicUsize::new(0);
        let shown = String::from_utf8_lossy(&body).into_owned();
        let handler = move |request: &Request| {
            let first =
                request.target.ends_with("/git-receive-pack") && pushes.fetch_add(1, Ordering::SeqCst) == 0;
            let Response::Answer { headers, body, .. } = answer("receive-pack", &body) else {
                return None;
            };
            first.then_some(Response::Answer {
                status: code,
                headers,
                body,
            })
        };
        let server = served(Options {
            handler: Some(Arc::new(handler)),
            ..Options::default()
        });
        bump(&server, "one/values.yaml", "1.1.0").exits(0);
        assert_eq!(tag_at(&server, "one/values.yaml"), "1.1.0", "{code} {shown}");
        let log = git_says(&server.path("config.git"), &["log", "--format=%s", "main"]);
        assert_eq!(log.lines().count(), 2, "{log}");
    }
}

#[test]
fn files_asked_for_by_globs_are_listed_without_their_content_and_then_fetched_together() {
    let server = served(Options::default());
    bump(&server, "apps/app-1*/dev/values.yaml", "1.1.0").exits(0);
    assert_eq!(tag_at(&server, "apps/app-199/dev/values.yaml"), "1.1.0");
    assert_eq!(tag_at(&server, "apps/app-200/dev/values.yaml"), "1.0.0");
    let (requests, ..) = traffic(&server);
    assert!(requests <= 6, "{requests}");
    fsck(&server);
}
