//! The fake GitLab accepts what GitLab accepts, and refuses what it refuses.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test that speaks HTTP and runs git"
)]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use support::git_server::{git, git_says};
use support::gitlab::{Failure, Fake, Grant, Role};

const PROJECT: &str = "acme/deploy";
const P: &str = "/api/v4/projects/acme%2Fdeploy";

#[test]
fn requests_are_judged_as_gitlab_judges_them() {
    let fake = fake();
    let head = tip(&fake, "main");
    fake.protect(PROJECT, "locked");
    let update = |more: Value| {
        let mut action = json!({ "action": "update", "file_path": "a.yaml", "content": "a: 2\n" });
        merge(&mut action, more);
        json!({ "branch": "main", "commit_message": "m", "actions": [action] })
    };
    let deployment = |status: &str| json!({ "environment": "prod", "sha": head, "ref": "main", "tag": false, "status": status });
    let request = json!({ "title": "T", "source_branch": "next", "target_branch": "main" });
    let rows: Vec<(&str, &str, &str, Value, u16, &str)> = vec![
        // Who asks.
        (
            "GET",
            "",
            "PRIVATE-TOKEN: all",
            Value::Null,
            200,
            "\"default_branch\":\"main\"",
        ),
        (
            "GET",
            "",
            "Authorization: Bearer all",
            Value::Null,
            200,
            "path_with_namespace",
        ),
        ("GET", "", "X: y", Value::Null, 404, "404 Project Not Found"),
        (
            "GET",
            "",
            "PRIVATE-TOKEN: nobody",
            Value::Null,
            401,
            "401 Unauthorized",
        ),
        (
            "GET",
            "",
            "PRIVATE-TOKEN: elsewhere",
            Value::Null,
            404,
            "404 Project Not Found",
        ),
        ("GET", "/merge_requests", "JOB-TOKEN: job", Value::Null, 200, "[]"),
        (
            "GET",
            "/merge_requests",
            "PRIVATE-TOKEN: job",
            Value::Null,
            401,
            "401 Unauthorized",
        ),
        (
            "POST",
            "/merge_requests",
            "JOB-TOKEN: job",
            request.clone(),
            401,
            "401 Unauthorized",
        ),
        (
            "POST",
            "/repository/commits",
            "PRIVATE-TOKEN: reader",
            update(json!({})),
            403,
            "insufficient_scope",
        ),
        (
            "POST",
            "/repository/commits",
            "PRIVATE-TOKEN: reporter",
            update(json!({})),
            403,
            "403 Forbidden",
        ),
        (
            "POST",
            "/deployments",
            "JOB-TOKEN: job",
            deployment("running"),
            201,
            "\"status\":\"running\"",
        ),
        (
            "POST",
            "/deployments",
            "JOB-TOKEN: stranger",
            deployment("running"),
            403,
            "not allowed from web to deploy",
        ),
        // What is asked.
        (
            "GET",
            "/nothing",
            "PRIVATE-TOKEN: all",
            Value::Null,
            404,
            "404 Not Found",
        ),
        (
            "GET",
            "/pipelines?status=done",
            "PRIVATE-TOKEN: all",
            Value::Null,
            400,
            "status does not have a valid value",
        ),
        (
            "POST",
            "/deployments",
            "PRIVATE-TOKEN: all",
            deployment("created"),
            400,
            "status does not have a valid value",
        ),
        (
            "POST",
            "/repository/commits",
            "PRIVATE-TOKEN: all",
            json!({ "branch": "main" }),
            400,
            "actions is missing",
        ),
        (
            "POST",
            "/repository/commits",
            "PRIVATE-TOKEN: all",
            update(json!({ "mode": 1 })),
            400,
            "actions[0][mode] is unknown",
        ),
        (
            "POST",
            "/repository/commits",
            "PRIVATE-TOKEN: all",
            update(json!({ "file_path": "b" })),
            400,
            "A file with this name doesn't exist",
        ),
        (
            "POST",
            "/repository/commits",
            "PRIVATE-TOKEN: all",
            json!({ "branch": "locked", "commit_message": "m", "actions": [{ "action": "delete", "file_path": "a.yaml" }] }),
            403,
            "You are not allowed to push into this branch",
        ),
        (
            "POST",
            "/merge_requests",
            "PRIVATE-TOKEN: all",
            request.clone(),
            201,
            "\"iid\":1",
        ),
        (
            "POST",
            "/merge_requests",
            "PRIVATE-TOKEN: all",
            request,
            409,
            "[\"Another open merge request already exists for this source branch: !1\"]",
        ),
        (
            "PUT",
            "/merge_requests/1/merge",
            "PRIVATE-TOKEN: all",
            json!({ "sha": "0" }),
            409,
            "SHA does not match HEAD of source branch",
        ),
        (
            "GET",
            "/repository/compare?from=main&to=nowhere",
            "PRIVATE-TOKEN: all",
            Value::Null,
            404,
            "404 Ref Not Found",
        ),
        (
            "POST",
            "/trigger/pipeline",
            "X: y",
            json!({ "token": "web-trigger", "ref": "main" }),
            404,
            "404 Not Found",
        ),
        (
            "POST",
            "/trigger/pipeline",
            "X: y",
            json!({ "token": "trigger", "ref": "gone" }),
            400,
            "Reference not found",
        ),
    ];
    for (method, path, login, body, status, text) in rows {
        let answer = send(&fake, method, &format!("{P}{path}"), login, &body);
        assert_eq!(answer.0, status, "{method} {path} {login} {body}: {}", answer.1);
        assert!(
            answer.1.contains(text),
            "{method} {path} {login} {body}: {}",
            answer.1
        );
    }
}

#[test]
fn a_commit_is_refused_when_its_file_has_changed_since_the_named_commit() {
    let fake = fake();
    let seen = tip(&fake, "main");
    fake.person_commits(PROJECT, "main", "b.yaml", "b: 2\n");
    let update = |path: &str, since: &str| {
        let action =
            json!({ "action": "update", "file_path": path, "content": "x: 1\n", "last_commit_id": since });
        let body = json!({ "branch": "main", "commit_message": "m\n\nGitops-App: web", "actions": [action] });
        post(&fake, "/repository/commits", &body)
    };
    // Another file changed: the guarantee is per file.
    let (status, made) = update("run.sh", &seen);
    assert_eq!((status, &made["trailers"]["Gitops-App"]), (201, &json!("web")));
    assert_eq!(fake.mode(PROJECT, "main", "run.sh").unwrap(), "100755");
    let (status, refused) = update("b.yaml", &seen);
    assert_eq!(status, 400);
    assert_eq!(
        refused["message"],
        "The file has changed since you started editing it: b.yaml"
    );
    // An id that nobody knows says nothing.
    assert_eq!(update("b.yaml", &"1".repeat(40)).0, 201);
}

#[test]
fn a_branch_is_rebuilt_on_another_start_by_force_only() {
    let fake = fake();
    fake.person_opens(PROJECT, "next", "main", "Deploy");
    let base = fake.person_commits(PROJECT, "main", "b.yaml", "b: 2\n");
    let action = json!({ "action": "update", "file_path": "a.yaml", "content": "a: 9\n" });
    let mut body = json!({ "branch": "next", "start_sha": base, "commit_message": "m", "actions": [action] });
    let (status, refused) = post(&fake, "/repository/commits", &body);
    assert_eq!(status, 400);
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .starts_with("A branch called 'next' already exists.")
    );
    merge(&mut body, json!({ "force": true }));
    let (status, made) = post(&fake, "/repository/commits", &body);
    assert_eq!((status, &made["parent_ids"]), (201, &json!([base])));
    let request = &fake.merge_requests(PROJECT)[0];
    assert_eq!(
        (&request["state"], &request["sha"]),
        (&json!("opened"), &made["id"])
    );
}

#[test]
fn graphql_answers_what_fits_the_published_schema() {
    let fake = fake();
    let ask = |login: &str, query: &str| {
        let (status, body) = send(&fake, "POST", "/api/graphql", login, &json!({ "query": query }));
        (status, serde_json::from_str::<Value>(&body).unwrap())
    };
    let query = "{ project(fullPath: \"acme/deploy\") { repository { tree { lastCommit { sha } } \
                 blobs(paths: [\"a.yaml\", \"run.sh\", \"none\"]) { nodes { path mode rawBlob } } } } }";
    let (status, answer) = ask("PRIVATE-TOKEN: reader", query);
    assert_eq!(status, 200, "{answer}");
    let repository = &answer["data"]["project"]["repository"];
    assert_eq!(
        repository["tree"]["lastCommit"]["sha"],
        tip(&fake, "main"),
        "{answer}"
    );
    assert_eq!(
        repository["blobs"]["nodes"],
        json!([
            { "path": "a.yaml", "mode": "100644", "rawBlob": "a: 1\n" },
            { "path": "run.sh", "mode": "100755", "rawBlob": "true\n" },
        ])
    );
    assert_eq!(
        ask("PRIVATE-TOKEN: elsewhere", query).1["data"]["project"],
        Value::Null
    );
    assert_eq!(ask("JOB-TOKEN: job", query).0, 401);
    let (status, wrong) = ask(
        "PRIVATE-TOKEN: all",
        "{ project(fullPath: \"acme/deploy\") { stars } }",
    );
    assert!(
        status == 200 && wrong["errors"][0]["message"].is_string(),
        "{wrong}"
    );
}

#[test]
fn a_trigger_hands_its_body_to_the_pipeline_as_a_file() {
    let fake = fake();
    let body = json!({ "token": "trigger", "ref": "main", "payload": { "app": "web" } });
    let (status, text) = send(&fake, "POST", &format!("{P}/trigger/pipeline"), "X: y", &body);
    assert_eq!(status, 201, "{text}");
    let payload: Value = serde_json::from_str(&fake.trigger_payload(PROJECT).unwrap()).unwrap();
    assert_eq!(payload, json!({ "ref": "main", "payload": { "app": "web" } }));
    assert!(!text.contains("payload"), "{text}");
    fake.forbid_variables(PROJECT);
    let body = json!({ "ref": "main", "inputs": { "app": "web" } });
    assert_eq!(post(&fake, "/pipeline", &body).0, 201);
    let body = json!({ "ref": "main", "variables": [{ "key": "APP", "value": "web" }] });
    let refused = post(&fake, "/pipeline", &body).1;
    assert_eq!(
        refused["message"]["base"][0],
        "Insufficient permissions to set pipeline variables"
    );
}

#[test]
fn a_merge_that_waits_happens_when_the_pipeline_passes() {
    let fake = fake();
    let iid = fake.person_opens(PROJECT, "next", "main", "Draft: Deploy");
    fake.only_if_pipeline_succeeds(PROJECT);
    let run = fake.run(PROJECT, "next");
    let merge = |body: Value| {
        send(
            &fake,
            "PUT",
            &format!("{P}/merge_requests/{iid}/merge"),
            "PRIVATE-TOKEN: all",
            &body,
        )
    };
    assert_eq!(merge(json!({})).0, 405);
    let form = "title=Deploy&labels=a,b&assignee_ids[]=1";
    let (status, text) = send_as(
        &fake,
        "PUT",
        &format!("{P}/merge_requests/{iid}"),
        "PRIVATE-TOKEN: all",
        Some(("application/x-www-form-urlencoded", form)),
    );
    assert_eq!(status, 200, "{text}");
    assert!(
        text.contains("\"labels\":[\"a\",\"b\"]") && text.contains("ci_still_running"),
        "{text}"
    );
    assert_eq!(merge(json!({ "auto_merge": true })).0, 200);
    assert_eq!(fake.merge_requests(PROJECT)[0]["state"], "opened");
    fake.finish_run(run, "success");
    assert_eq!(fake.merge_requests(PROJECT)[0]["state"], "merged");
    assert_eq!(fake.file(PROJECT, "main", "a.yaml").unwrap(), "a: 2\n");
}

#[test]
fn answers_can_get_lost_and_people_can_come_between() {
    let fake = fake();
    fake.before_next("POST /merge_requests", |lab| {
        lab.person_opens(PROJECT, "next", "main", "Mine");
    });
    let request = json!({ "title": "T", "source_branch": "next", "target_branch": "main" });
    assert_eq!(post(&fake, "/merge_requests", &request).0, 409);
    fake.fail_next("POST /notes", Failure::CloseAfterDoing);
    fake.fail_next("GET /merge_requests", Failure::too_many(3));
    assert_eq!(
        post(&fake, "/merge_requests/1/notes", &json!({ "body": "hello" })).0,
        0
    );
    assert_eq!(fake.notes(PROJECT, 1), ["hello"]);
    let all = || {
        send(
            &fake,
            "GET",
            &format!("{P}/merge_requests"),
            "PRIVATE-TOKEN: all",
            &Value::Null,
        )
        .0
    };
    assert_eq!((all(), all()), (429, 200));
    let seen = fake.requests();
    let seen: Vec<_> = seen.iter().map(|one| (one.method.as_str(), one.auth)).collect();
    assert_eq!(seen[0], ("POST", "private-token"));
    assert_eq!(seen.len(), 4);
}

#[test]
fn git_is_served_with_the_same_tokens() {
    let fake = fake();
    fake.protect(PROJECT, "main");
    let folder = tempfile::TempDir::new().unwrap();
    let url = |login: &str| {
        fake.git_url(PROJECT)
            .replace("http://", &format!("http://{login}@"))
    };
    let quiet = ["-c", "credential.helper=", "-c", "core.askPass=true"];
    let runs = |args: &[&str]| {
        git(folder.path())
            .args(quiet)
            .args(args)
            .env("GIT_TERMINAL_PROMPT", "0")
            .output()
            .unwrap()
    };
    for (login, works) in [
        ("x:all", true),
        ("x:nobody", false),
        ("gitlab-ci-token:job", true),
        ("x:job", false),
        ("x:elsewhere", false),
    ] {
        assert_eq!(
            runs(&["ls-remote", &url(login)]).status.success(),
            works,
            "{login}"
        );
    }
    git_says(folder.path(), &["clone", "--quiet", &url("x:all"), "."]);
    git_says(
        folder.path(),
        &["commit", "--quiet", "--allow-empty", "-m", "more"],
    );
    for (login, branch, text) in [
        ("x:all", "main", "not allowed to push code to protected branches"),
        ("gitlab-ci-token:job", "other", "403"),
        ("x:reader", "other", "403"),
        ("x:all", "other", "[new branch]"),
    ] {
        let output = runs(&["push", &url(login), &format!("HEAD:refs/heads/{branch}")]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(text), "{login} {branch}: {said}");
    }
}

/// A project with a branch `next` that changes one file, and a token of each kind.
fn fake() -> Fake {
    let fake = Fake::start();
    fake.repo(
        PROJECT,
        &[
            ("a.yaml", "a: 1\n"),
            ("b.yaml", "b: 1\n"),
            ("run.sh*", "true\n"),
            (".gitlab-ci.yml", "{}\n"),
        ],
    );
    fake.repo("acme/web", &[("main.c", "\n")]);
    fake.token("all", Grant::everything("bot"));
    fake.token("elsewhere", Grant::everything("bot").only(&["acme/web"]));
    fake.token("reader", Grant::everything("bot").read_only());
    fake.token("reporter", Grant::everything("bot").role(Role::Reporter));
    fake.token("job", Grant::job("alice", PROJECT));
    fake.token("stranger", Grant::job("alice", "acme/web").only(&[]));
    fake.token("trigger", Grant::trigger("alice", PROJECT));
    fake.token("web-trigger", Grant::trigger("alice", "acme/web"));
    fake.person_commits(PROJECT, "next", "a.yaml", "a: 2\n");
    fake
}

fn tip(fake: &Fake, branch: &str) -> String {
    let all = fake.branches(PROJECT);
    all.into_iter().find(|(name, _)| name == branch).unwrap().1
}

fn merge(into: &mut Value, more: Value) {
    let Value::Object(more) = more else { return };
    into.as_object_mut().unwrap().extend(more);
}

fn post(fake: &Fake, path: &str, body: &Value) -> (u16, Value) {
    let (status, text) = send(fake, "POST", &format!("{P}{path}"), "PRIVATE-TOKEN: all", body);
    (status, serde_json::from_str(&text).unwrap_or_default())
}

fn send(fake: &Fake, method: &str, path: &str, login: &str, body: &Value) -> (u16, String) {
    let text = body.to_string();
    send_as(
        fake,
        method,
        path,
        login,
        (!body.is_null()).then_some(("application/json", text.as_str())),
    )
}

/// Sends one request; the status is 0 when the connection closes without an answer.
fn send_as(fake: &Fake, method: &str, path: &str, login: &str, body: Option<(&str, &str)>) -> (u16, String) {
    let host = fake.url().replace("http://", "");
    let mut stream = TcpStream::connect(&host).unwrap();
    let kind = body.map_or(String::new(), |(kind, _)| format!("Content-Type: {kind}\r\n"));
    let body = body.map_or("", |(_, body)| body);
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{login}\r\n{kind}Content-Length: {length}\r\n\r\n"
    );
    stream.write_all((head + body).as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).unwrap();
    let Some(status) = line.split(' ').nth(1) else {
        return (0, String::new());
    };
    let status = status.parse().unwrap();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        if header.trim_end().is_empty() {
            break;
        }
        if let Some(value) = header.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
    }
    let mut answer = vec![0; length];
    reader.read_exact(&mut answer).unwrap();
    (status, String::from_utf8(answer).unwrap())
}
