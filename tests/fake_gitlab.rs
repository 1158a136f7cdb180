//! The fake GitLab accepts what GitLab accepts, and refuses what it refuses.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

use crate::support::git_server::{git, git_says};
use crate::support::gitlab::{Failure, Fake, Grant, Role};
use serde_json::{Value, json};

const PROJECT: &str = "acme/deploy";
const P: &str = "/api/v4/projects/acme%2Fdeploy";

/// Method, path below the project, login, status, a part of the answer, body: `UPDATE` updates one file, with these
/// fields more, and `MR` opens a merge request.
const JUDGED: &str = r#"
GET  |                              | PRIVATE-TOKEN: all       | 200 | "default_branch":"main"
GET  |                              | Authorization: Bearer all | 200 | path_with_namespace
GET  |                              | X: y                     | 404 | 404 Project Not Found
GET  |                              | PRIVATE-TOKEN: nobody    | 401 | 401 Unauthorized
GET  |                              | PRIVATE-TOKEN: elsewhere | 404 | 404 Project Not Found
GET  | /merge_requests              | JOB-TOKEN: job           | 200 | []
GET  | /merge_requests              | PRIVATE-TOKEN: job       | 401 | 401 Unauthorized
GET  | /pipelines                   | JOB-TOKEN: job           | 404 | 404 Project Not Found
POST | /merge_requests              | JOB-TOKEN: job           | 401 | 401 Unauthorized | MR
POST | /repository/commits          | PRIVATE-TOKEN: reader    | 403 | insufficient_scope | UPDATE
POST | /repository/commits          | PRIVATE-TOKEN: reporter  | 403 | 403 Forbidden | UPDATE
POST | /deployments                 | JOB-TOKEN: job           | 201 | "status":"running" | {"environment": "prod", "sha": "HEAD", "ref": "main", "tag": false, "status": "running"}
POST | /deployments                 | JOB-TOKEN: stranger      | 403 | not allowed from web to deploy | {}
POST | /deployments                 | PRIVATE-TOKEN: all       | 400 | status does not have a valid value | {"environment": "prod", "sha": "HEAD", "ref": "main", "tag": false, "status": "created"}
POST | /deployments                 | PRIVATE-TOKEN: all       | 400 | tag is invalid | {"environment": "prod", "sha": "HEAD", "ref": "main", "tag": "no", "status": "running"}
GET  | /deployments?order_by=updated_at&sort=desc | PRIVATE-TOKEN: all | 400 | sorting must be paired
GET  | /deployments?order_by=updated_at&updated_after=2020-01-01T00:00:00Z&environment=prod | PRIVATE-TOKEN: all | 200 | "status":"running"
GET  | /deployments?order_by=updated_at&updated_after=2120-01-01T00:00:00Z | PRIVATE-TOKEN: all | 200 | []
GET  | /deployments?status=success | PRIVATE-TOKEN: all       | 200 | []
GET  | /nothing                     | PRIVATE-TOKEN: all       | 404 | 404 Not Found
GET  | /pipelines?status=done       | PRIVATE-TOKEN: all       | 400 | status does not have a valid value
POST | /repository/commits          | PRIVATE-TOKEN: all       | 400 | actions is missing | {"branch": "main", "commit_message": "m"}
POST | /repository/commits          | PRIVATE-TOKEN: all       | 400 | actions[0][mode] is unknown | UPDATE {"mode": 1}
POST | /repository/commits          | PRIVATE-TOKEN: all       | 400 | A file with this name doesn't exist | UPDATE {"file_path": "none"}
POST | /repository/commits          | PRIVATE-TOKEN: all       | 400 | A file with this name already exists | UPDATE {"action": "create"}
POST | /repository/commits          | PRIVATE-TOKEN: all       | 400 | A file with this name already exists | UPDATE {"action": "create", "file_path": "a.yaml/b"}
POST | /repository/commits          | PRIVATE-TOKEN: all       | 400 | A file with this name doesn't exist | UPDATE {"action": "delete", "file_path": "none"}
POST | /repository/commits          | PRIVATE-TOKEN: all       | 400 | mutually exclusive | {"branch": "x", "commit_message": "m", "start_sha": "HEAD", "start_branch": "main", "actions": [{"action": "delete", "file_path": "a.yaml"}]}
POST | /repository/commits          | PRIVATE-TOKEN: all       | 403 | You are not allowed to push into this branch | {"branch": "locked", "commit_message": "m", "actions": [{"action": "delete", "file_path": "a.yaml"}]}
POST | /merge_requests              | PRIVATE-TOKEN: all       | 201 | "iid":1 | MR
POST | /merge_requests              | PRIVATE-TOKEN: all       | 409 | ["Another open merge request already exists for this source branch: !1"] | MR
PUT  | /merge_requests/1            | PRIVATE-TOKEN: all       | 400 | is invalid | {}
PUT  | /merge_requests/1/merge      | PRIVATE-TOKEN: all       | 409 | SHA does not match HEAD of source branch | {"sha": "0"}
GET  | /repository/compare?from=main&to=nowhere | PRIVATE-TOKEN: all | 404 | 404 Ref Not Found
GET  | /environments?search=ab      | PRIVATE-TOKEN: all       | 400 | less than 3 characters
POST | /environments                | PRIVATE-TOKEN: all       | 400 | Only allowed schemes are http, https | {"name": "e", "external_url": "ftp://x"}
POST | /repository/tags             | JOB-TOKEN: job           | 401 | 401 Unauthorized | {"tag_name": "v1", "ref": "main"}
POST | /repository/tags             | PRIVATE-TOKEN: reader    | 403 | insufficient_scope | {"tag_name": "v1", "ref": "main"}
POST | /repository/tags             | PRIVATE-TOKEN: all       | 400 | ref is missing | {"tag_name": "v1"}
POST | /repository/tags             | PRIVATE-TOKEN: all       | 400 | Target nowhere is invalid | {"tag_name": "v1", "ref": "nowhere"}
POST | /repository/tags             | PRIVATE-TOKEN: all       | 201 | "name":"v1" | {"tag_name": "v1", "ref": "main", "message": "m"}
POST | /repository/tags             | PRIVATE-TOKEN: all       | 400 | Tag v1 already exists | {"tag_name": "v1", "ref": "main", "message": "m"}
GET  | /releases/v1                 | PRIVATE-TOKEN: all       | 404 | 404 Not Found
POST | /releases                    | PRIVATE-TOKEN: all       | 422 | Ref is not specified | {"tag_name": "v2"}
POST | /releases                    | JOB-TOKEN: job           | 201 | "tag_name":"v1" | {"tag_name": "v1", "description": "d"}
POST | /releases                    | PRIVATE-TOKEN: all       | 409 | Release already exists | {"tag_name": "v1"}
PUT  | /releases/v1                 | PRIVATE-TOKEN: all       | 400 | at least one parameter must be provided | {}
PUT  | /releases/v1                 | PRIVATE-TOKEN: all       | 200 | "description":"e" | {"description": "e"}
GET  | /repository/commits/HEAD/merge_requests | JOB-TOKEN: job | 404 | 404 Project Not Found
GET  | /repository/commits/HEAD/merge_requests | PRIVATE-TOKEN: all | 200 | []
POST | /trigger/pipeline            | X: y                     | 404 | 404 Not Found | {"token": "web-trigger", "ref": "main"}
POST | /trigger/pipeline            | X: y                     | 400 | Reference not found | {"token": "trigger", "ref": "gone"}
"#;

#[test]
fn requests_are_judged_as_gitlab_judges_them() {
    let fake = fake();
    fake.protect(PROJECT, "locked");
    for row in JUDGED.trim().lines() {
        let cells: Vec<&str> = row.splitn(6, '|').map(str::trim).collect();
        let body = cells
            .get(5)
            .map_or(Value::Null, |cell| match cell.strip_prefix("UPDATE") {
                Some(more) => {
                    let mut action =
                        json!({ "action": "update", "file_path": "a.yaml", "content": "a: 2\n" });
                    merge(&mut action, serde_json::from_str(more).unwrap_or_default());
                    json!({ "branch": "main", "commit_message": "m", "actions": [action] })
                }
                None if *cell == "MR" => {
                    json!({ "title": "T", "source_branch": "next", "target_branch": "main" })
                }
                None => {
                    serde_json::from_str(&cell.replace("HEAD", &fake.tip(PROJECT, "main").unwrap())).unwrap()
                }
            });
        let answer = send(&fake, cells[0], &format!("{P}{}", cells[1]), cells[2], &body);
        assert_eq!(answer.0.to_string(), cells[3], "{row}\n{}", answer.1);
        assert!(answer.1.contains(cells[4]), "{row}\n{}", answer.1);
    }
}

#[test]
fn a_commit_is_refused_when_its_file_has_changed_since_the_named_commit() {
    let fake = fake();
    let seen = fake.tip(PROJECT, "main").unwrap();
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
    fake.open_merge_request(PROJECT, "next", "Deploy", "alice");
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
fn a_form_says_the_same_as_json() {
    let fake = fake();
    let form = "branch=main&commit_message=m&actions[][action]=update&actions[][file_path]=a.yaml\
                &actions[][content]=a%3A+7%0A&actions%5B%5D%5Baction%5D=chmod\
                &actions[][file_path]=b.yaml&actions[][execute_filemode]=true";
    let kind = "application/x-www-form-urlencoded";
    let path = format!("{P}/repository/commits");
    let (status, text) = send_as(&fake, "POST", &path, "PRIVATE-TOKEN: all", Some((kind, form)));
    assert_eq!(status, 201, "{text}");
    assert_eq!(fake.file(PROJECT, "main", "a.yaml").unwrap(), "a: 7\n");
    assert_eq!(fake.mode(PROJECT, "main", "b.yaml").unwrap(), "100755");
    assert_eq!(fake.requests()[0].body["actions"][1]["file_path"], "b.yaml");
}

#[test]
fn a_long_list_comes_in_pages_that_link_to_the_next() {
    let fake = fake();
    let names: Vec<String> = (0..5).map(|n| format!("apps/{n}.yaml")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x: 1\n")).collect();
    fake.repo("acme/many", &files);
    let mut next = Some(
        "/api/v4/projects/acme%2Fmany/repository/tree?recursive=true&pagination=keyset&per_page=4".to_owned(),
    );
    let mut found = 0;
    let mut pages = 0;
    while let Some(path) = next {
        let (status, head, text) = exchange(&fake, "GET", &path, "PRIVATE-TOKEN: all", None);
        assert_eq!(status, 200, "{text}");
        found += serde_json::from_str::<Vec<Value>>(&text).unwrap().len();
        pages += 1;
        let link = head.lines().find_map(|line| line.strip_prefix("link: <"));
        next = link.and_then(|link| Some(link.split_once('>')?.0.replace(&fake.url(), "")));
        assert!(pages < 4);
    }
    // The folder is listed as well.
    assert_eq!((found, pages), (6, 2));
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
        fake.tip(PROJECT, "main").unwrap(),
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
    let iid = fake.open_merge_request(PROJECT, "next", "Draft: Deploy", "alice");
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
    fake.finish_run(PROJECT, run, "success");
    assert_eq!(fake.merge_requests(PROJECT)[0]["state"], "merged");
    assert_eq!(fake.file(PROJECT, "main", "a.yaml").unwrap(), "a: 2\n");
}

#[test]
fn what_happens_to_its_branches_decides_what_becomes_of_a_merge_request() {
    let fake = fake();
    let state = |iid: usize, field: &str| fake.merge_requests(PROJECT)[iid - 1][field].clone();
    fake.open_merge_request(PROJECT, "next", "First", "alice");
    fake.run(PROJECT, "next");
    let path = format!("{P}/merge_requests/1/merge");
    let (status, _) = send(
        &fake,
        "PUT",
        &path,
        "PRIVATE-TOKEN: all",
        &json!({ "auto_merge": true }),
    );
    assert_eq!(
        (status, state(1, "merge_when_pipeline_succeeds")),
        (200, json!(true))
    );
    // A new head ends the automatic merge.
    fake.person_commits(PROJECT, "next", "a.yaml", "a: 3\n");
    assert_eq!(state(1, "merge_when_pipeline_succeeds"), json!(false));
    // A source branch that goes away closes.
    let (status, _) = send(
        &fake,
        "DELETE",
        &format!("{P}/repository/branches/next"),
        "PRIVATE-TOKEN: all",
        &Value::Null,
    );
    assert_eq!((status, state(1, "state")), (204, json!("closed")));
    // A target that takes the head in has merged.
    fake.person_commits(PROJECT, "again", "a.yaml", "a: 4\n");
    fake.open_merge_request(PROJECT, "again", "Second", "alice");
    assert_eq!(state(2, "detailed_merge_status"), json!("mergeable"));
    fake.branch(PROJECT, "main", "again");
    assert_eq!(state(2, "state"), json!("merged"));
}

#[test]
fn answers_can_get_lost_and_people_can_come_between() {
    let fake = fake();
    fake.before_next("POST /merge_requests", |lab| {
        lab.open_merge_request(PROJECT, "next", "Mine", "alice");
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
        ("x:all", "another", "[new branch]"),
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

fn send_as(fake: &Fake, method: &str, path: &str, login: &str, body: Option<(&str, &str)>) -> (u16, String) {
    let (status, _, text) = exchange(fake, method, path, login, body);
    (status, text)
}

/// Sends one request; gives status (0 when the connection closes without an answer), headers (names in lower case)
/// and body.
fn exchange(
    fake: &Fake,
    method: &str,
    path: &str,
    login: &str,
    body: Option<(&str, &str)>,
) -> (u16, String, String) {
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
        return (0, String::new(), String::new());
    };
    let status = status.parse().unwrap();
    let (mut length, mut head) = (0, String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).unwrap();
        if header.trim_end().is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').unwrap();
        let name = name.to_lowercase();
        if name == "content-length" {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&name);
        head.push(':');
        head.push_str(value);
    }
    let mut answer = vec![0; length];
    reader.read_exact(&mut answer).unwrap();
    (status, head, String::from_utf8(answer).unwrap())
}
