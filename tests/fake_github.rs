//! The GitHub that the tests talk to: it accepts what GitHub accepts, and refuses what GitHub refuses.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

use crate::support::git_server::{git, git_says};
use crate::support::github::{App, Failure, Fake, Flavor, Grant, Hub, Workflow};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};

const REPO: &str = "acme/deploy";

/// An answer: status, head, body.
type Answer = (u16, String, Value);

/// Sends one request; none if the connection closed without an answer.
fn send(hub: &Hub, method: &str, target: &str, headers: &[(&str, &str)], body: &Value) -> Option<Answer> {
    let address = hub.url().trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).unwrap();
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let named: Vec<String> = headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\n{}",
        named.concat()
    );
    write!(stream, "{request}Content-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() == 0 {
            return None;
        }
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let said = String::from_utf8_lossy(&bytes).into_owned();
    let body = serde_json::from_slice(&bytes).unwrap_or(Value::String(said));
    Some((status, head, body))
}

fn ask(hub: &Hub, token: &str, method: &str, target: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {token}");
    let headers = [("User-Agent", "test"), ("Authorization", bearer.as_str())];
    send(hub, method, target, &headers, body).expect("an answer")
}

fn query(hub: &Hub, text: &str, variables: &Value) -> Value {
    let (status, _, body) = ask(
        hub,
        "all",
        "POST",
        "/graphql",
        &json!({ "query": text, "variables": variables }),
    );
    assert_eq!(status, 200, "{body}");
    body
}

/// A repository with a branch `topic` that is one commit ahead, and tokens of several strengths.
fn prepared() -> Fake {
    let hub = Fake::start();
    hub.repo(
        REPO,
        &[
            ("dev.yaml", "tag: v1\n"),
            ("run.sh*", "true\n"),
            ("prod/values.yaml", "tag: v0\n"),
        ],
    );
    hub.repo("acme/other", &[("a", "b\n")]);
    hub.branch(REPO, "topic", "main");
    hub.person_commits(REPO, "topic", "dev.yaml", "tag: v2\n");
    hub.token("all", Grant::person("carl"));
    hub.token(
        "reads",
        Grant::person("carl").only(&["contents=read", "pull_requests=read"]),
    );
    hub.token("elsewhere", Grant::workflow("acme/other"));
    hub
}

/// Each row: a token, a request, its body, the status, and words of the answer. `$long` and so on stand for what
/// is long.
const ROWS: &str = r#"
all | GET | / | | 200 | "allow_auto_merge":true
nobody | GET | / | | 401 | Bad credentials
elsewhere | GET | / | | 404 | Not Found
all | PUT | /dispatches | | 404 | Not Found
reads | POST | /pulls | {"title":"t","head":"topic","base":"main"} | 403 | by personal access token
all | POST | /pulls | {"title":"t","head":"topic","base":"main"} | 422 | already exists for acme:topic.
all | POST | /pulls | {"title":"t","head":"main","base":"main"} | 422 | No commits between main and main
all | POST | /pulls | {"title":"$long","head":"topic","base":"main"} | 422 | too long
all | POST | /pulls | {"title":"t","head":"topic","base":"main","labels":[]} | 422 | not a permitted key
all | POST | /pulls | {"title":"t","head":"topic"} | 422 | wasn't supplied
all | PATCH | /pulls/1 | {"draft":true} | 422 | not a permitted key
all | POST | /pulls/1/requested_reviewers | {"reviewers":["zoe"]} | 422 | not a collaborator
all | POST | /dispatches | {"event_type":"x","client_payload":$eleven} | 422 | No more than 10 properties
all | POST | $start | {"ref":"main","inputs":{"n":1}} | 422 | not of the right type
all | POST | $start | {"ref":"main","inputs":{"n":"1"}} | 422 | Unexpected inputs
all | POST | /deployments | {"ref":"nowhere"} | 422 | No ref found for: nowhere
all | POST | /git/refs | {"ref":"refs/heads/topic","sha":"$main"} | 422 | Reference already exists
all | GET | /contents/dev.yaml?ref=topic | | 200 | dGFnOiB2Mgo=
all | GET | /git/trees/main?recursive=1 | | 200 | "100755"
all | GET | /compare/main...topic | | 200 | "status":"ahead"
all | GET | /compare/main...gone | | 404 | Not Found
all | POST | /git/tags | {"tag":"v1","message":"m","object":"$main","type":"tree"} | 422 | Object does not exist
all | POST | /git/tags | {"tag":"v1","message":"m","object":"$main"} | 422 | wasn't supplied
reads | POST | /git/tags | {"tag":"v1","message":"m","object":"$main","type":"commit"} | 403 | by personal access token
all | POST | /git/tags | {"tag":"v1","message":"m","object":"$main","type":"commit"} | 201 | "verified":false
all | POST | /git/refs | {"ref":"refs/tags/v1","sha":"$main"} | 201 | refs/tags/v1
all | POST | /git/refs | {"ref":"refs/tags/v1","sha":"$main"} | 422 | Reference already exists
all | GET | /releases/tags/v1 | | 404 | Not Found
all | GET | /releases/latest | | 404 | Not Found
all | POST | /releases | {"tag_name":"v1","make_latest":true} | 422 | not of the right type
all | POST | /releases | {"tag_name":"v1","prerelease":true,"make_latest":"true"} | 422 | cannot be set as latest
all | POST | /releases | {"tag_name":"v1","body":"$notes"} | 422 | body is too long
all | POST | /releases | {"tag_name":"v1","draft":true} | 201 | "draft":true
all | GET | /releases/tags/v1 | | 404 | Not Found
reads | GET | /releases | | 200 | []
all | POST | /releases | {"tag_name":"v1"} | 201 | "tag_name":"v1"
all | POST | /releases | {"tag_name":"v1"} | 422 | already_exists
all | PATCH | /releases/0 | {"body":"b"} | 404 | Not Found
all | GET | /commits/$main/pulls | | 200 | []
"#;

#[test]
fn requests_are_accepted_and_refused_as_github_does() {
    let hub = prepared();
    hub.workflow(REPO, Workflow::on_dispatch("deploy.yml", &["payload"]));
    hub.open_pull(REPO, "topic", "Promote", "carl");
    let eleven: Value = (0..11).map(|n| (format!("k{n}"), json!(n))).collect();
    for row in ROWS.lines().skip(1) {
        let row = row
            .replace("$long", &"x".repeat(257))
            .replace("$notes", &"x".repeat(125_001))
            .replace("$eleven", &eleven.to_string())
            .replace("$start", "/actions/workflows/deploy.yml/dispatches")
            .replace("$main", &hub.tip(REPO, "main").unwrap());
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [token, method, below, body, status, words] = cells[..] else {
            panic!("{row}")
        };
        let body = serde_json::from_str(body).unwrap_or(Value::Null);
        let target = format!("/repos/{REPO}{}", below.trim_end_matches('/'));
        let (got, _, said) = ask(&hub, token, method, &target, &body);
        assert_eq!(got.to_string(), status, "{row}: {said}");
        assert!(said.to_string().contains(words), "{row}: {said}");
    }
    assert_eq!(hub.requests().len(), ROWS.lines().count() - 1);
    assert_eq!(hub.requests()[4].login.as_deref(), Some("carl"));
}

#[test]
fn headers_are_asked_for_and_a_missing_permission_is_named() {
    let hub = prepared();
    let bearer = ("Authorization", "Bearer all");
    let agent = ("User-Agent", "test");
    for (headers, status) in [
        (vec![bearer], 403),
        (vec![bearer, agent, ("X-GitHub-Api-Version", "1999-01-01")], 400),
        (vec![bearer, agent, ("Accept", "text/html")], 415),
        (vec![bearer, agent, ("X-GitHub-Api-Version", "2026-03-10")], 200),
        (vec![agent], 404),
    ] {
        let answer = send(&hub, "GET", "/repos/acme/deploy", &headers, &Value::Null).unwrap();
        assert_eq!(answer.0, status, "{headers:?}");
    }
    let body = json!({ "body": "hello" });
    hub.open_pull(REPO, "topic", "t", "carl");
    let (_, head, _) = ask(
        &hub,
        "reads",
        "POST",
        "/repos/acme/deploy/issues/1/comments",
        &body,
    );
    assert!(
        head.contains("X-Accepted-GitHub-Permissions: issues=write; pull_requests=write"),
        "{head}"
    );
    assert!(head.contains("x-ratelimit-remaining: "), "{head}");
}

const COMMIT: &str = "mutation($input: CreateCommitOnBranchInput!) {
  createCommitOnBranch(input: $input) { commit { oid url signature { isValid } author { name } } } }";

fn commit_input(head: &str) -> Value {
    json!({ "input": {
        "branch": { "repositoryNameWithOwner": REPO, "branchName": "main" },
        "expectedHeadOid": head,
        "message": { "headline": "deploy", "body": "Gitops-App: web" },
        "fileChanges": { "additions": [{ "path": "run.sh", "contents": STANDARD.encode("false\n") }] },
    } })
}

#[test]
fn a_commit_through_graphql_needs_the_head_and_loses_the_mode() {
    let hub = prepared();
    let head = hub.tip(REPO, "main").unwrap();
    let done = query(&hub, COMMIT, &commit_input(&head));
    assert_eq!(
        done["data"]["createCommitOnBranch"]["commit"]["signature"]["isValid"], true,
        "{done}"
    );
    assert_eq!(hub.file(REPO, "main", "run.sh").unwrap(), "false\n");
    let log = hub.log(REPO, "main");
    assert_eq!(log[0]["message"], "deploy\n\nGitops-App: web");
    assert_eq!(log[0]["committer"], "GitHub <noreply@github.com>");
    let tree = "{ repository(owner: \"acme\", name: \"deploy\") { object(expression: \"main\") { ... on Commit {
        file(path: \"run.sh\") { mode object { ... on Blob { text byteSize } } } history(first: 1, path: \"run.sh\") { nodes { oid } } } } } }";
    let seen = query(&hub, tree, &json!({}));
    assert_eq!(
        seen["data"]["repository"]["object"]["file"]["mode"], 0o100_644,
        "{seen}"
    );
    assert_eq!(
        seen["data"]["repository"]["object"]["file"]["object"]["text"],
        "false\n"
    );
    let stale = query(&hub, COMMIT, &commit_input(&head));
    let error = &stale["errors"][0];
    assert_eq!(error["type"], "STALE_DATA", "{stale}");
    assert_eq!(
        error["message"],
        format!("Expected branch to point to \"{head}\" but it did not. Pull and try again.")
    );
    assert_eq!(error["path"], json!(["createCommitOnBranch"]));
    hub.protect(REPO, "main");
    let refused = query(&hub, COMMIT, &commit_input(&hub.tip(REPO, "main").unwrap()));
    assert_eq!(refused["errors"][0]["type"], "FORBIDDEN", "{refused}");
}

#[test]
fn a_commit_through_graphql_deletes_only_what_is_there_and_names_a_path_once() {
    let hub = prepared();
    let head = hub.tip(REPO, "main").unwrap();
    let gone = json!([{ "path": "run.sh" }]);
    for (changes, words) in [
        (
            json!({ "deletions": [{ "path": "none" }] }),
            "does not exist as of commit oid",
        ),
        (
            json!({ "additions": [{ "path": "run.sh", "contents": "" }], "deletions": gone }),
            "more than once: run.sh",
        ),
    ] {
        let mut input = commit_input(&head);
        input["input"]["fileChanges"] = changes;
        let refused = query(&hub, COMMIT, &input);
        let said = refused["errors"][0]["message"].as_str().unwrap();
        assert!(said.contains(words), "{refused}");
    }
    assert_eq!(hub.tip(REPO, "main").unwrap(), head);
    let mut input = commit_input(&head);
    input["input"]["fileChanges"] = json!({ "deletions": gone });
    query(&hub, COMMIT, &input);
    assert!(hub.file(REPO, "main", "run.sh").is_none());
}

#[test]
fn graphql_refuses_what_the_schema_does_not_know() {
    let hub = prepared();
    for (text, words) in [
        (
            "{ repository(owner: \"acme\", name: \"deploy\") { nothing } }",
            "nothing",
        ),
        ("{ repository(owner: \"acme\") { id } }", "name"),
        (
            "{ repository(owner: \"acme\", name: \"gone\") { id } }",
            "Could not resolve to a Repository with the name 'acme/gone'.",
        ),
        (
            "{ repository(owner: \"acme\", name: \"deploy\") { pullRequests { totalCount } } }",
            "`first` or `last`",
        ),
        (
            "mutation { deleteRef(input: { refId: \"x\" }) { clientMutationId } }",
            "Could not resolve to a node",
        ),
    ] {
        let said = query(&hub, text, &json!({}));
        assert!(said["errors"].to_string().contains(words), "{said}");
    }
}

#[test]
fn refs_are_updated_together_or_not_at_all() {
    let hub = prepared();
    let (main, topic) = (hub.tip(REPO, "main").unwrap(), hub.tip(REPO, "topic").unwrap());
    let update = "mutation($input: UpdateRefsInput!) { updateRefs(input: $input) { clientMutationId } }";
    let id = query(
        &hub,
        "{ repository(owner: \"acme\", name: \"deploy\") { id } }",
        &json!({}),
    );
    let id = &id["data"]["repository"]["id"];
    let zero = "0".repeat(40);
    let make = |name: &str, before: &str, after: &str| json!({ "name": name, "beforeOid": before, "afterOid": after, "force": true });
    let input = |updates: Value| json!({ "input": { "repositoryId": id, "refUpdates": updates } });
    let fresh = make("refs/heads/new", &zero, &main);
    let refused = query(
        &hub,
        update,
        &input(json!([fresh, make("refs/heads/topic", &main, &main)])),
    );
    assert!(refused["errors"].is_array());
    assert_eq!(hub.branches(REPO), ["main", "topic"]);
    let done = query(
        &hub,
        update,
        &input(json!([fresh, make("refs/heads/topic", &topic, &zero)])),
    );
    assert!(done["errors"].is_null(), "{done}");
    assert_eq!(hub.branches(REPO), ["main", "new"]);
}

#[test]
fn a_pull_request_follows_its_branch() {
    let hub = prepared();
    let one = hub.open_pull(REPO, "topic", "t", "carl");
    let head = hub.person_commits(REPO, "topic", "more", "x\n");
    assert_eq!(hub.pulls(REPO)[0]["head_sha"], json!(head));
    let to = json!({ "sha": hub.tip(REPO, "main"), "force": true });
    assert_eq!(
        ask(
            &hub,
            "all",
            "PATCH",
            "/repos/acme/deploy/git/refs/heads/topic",
            &to
        )
        .0,
        200
    );
    assert_eq!(hub.pulls(REPO)[0]["state"], "CLOSED", "set to its base");
    hub.person_commits(REPO, "topic", "again", "x\n");
    let open = json!({ "state": "open" });
    assert_eq!(
        ask(
            &hub,
            "all",
            "PATCH",
            &format!("/repos/acme/deploy/pulls/{one}"),
            &open
        )
        .0,
        200
    );
    hub.delete_branch(REPO, "topic");
    assert_eq!(hub.pulls(REPO)[0]["state"], "CLOSED", "its branch is gone");
    hub.branch(REPO, "next", "main");
    hub.person_commits(REPO, "next", "next", "x\n");
    let two = hub.open_pull(REPO, "next", "t", "carl");
    let (status, _, merged) = ask(
        &hub,
        "all",
        "PUT",
        &format!("/repos/acme/deploy/pulls/{two}/merge"),
        &json!({}),
    );
    assert_eq!((status, &merged["merged"]), (200, &json!(true)));
    assert_eq!(hub.pulls(REPO)[1]["state"], "MERGED");
    assert_eq!(
        ask(&hub, "all", "PUT", "/repos/acme/deploy/pulls/2/merge", &json!({})).0,
        405
    );
}

#[test]
fn a_dispatch_starts_the_workflow_that_waits_for_it() {
    let hub = prepared();
    hub.workflow(REPO, Workflow::on_event("bump.yml", "deploy-image"));
    hub.workflow(REPO, Workflow::on_dispatch("deploy.yml", &["payload"]));
    let event = |kind: &str| json!({ "event_type": kind, "client_payload": { "id": "abc" } });
    assert_eq!(
        ask(
            &hub,
            "all",
            "POST",
            "/repos/acme/deploy/dispatches",
            &event("other")
        )
        .0,
        204
    );
    assert!(hub.runs(REPO).is_empty());
    assert_eq!(
        ask(
            &hub,
            "all",
            "POST",
            "/repos/acme/deploy/dispatches",
            &event("deploy-image")
        )
        .0,
        204
    );
    assert_eq!(hub.runs(REPO)[0]["title"], "deploy abc");
    assert_eq!(hub.runs(REPO)[0]["event_file"]["client_payload"]["id"], "abc");
    let list = "/repos/acme/deploy/actions/runs?event=repository_dispatch&created=%3E%3D2020-01-01T00:00:00Z";
    assert_eq!(ask(&hub, "all", "GET", list, &Value::Null).2["total_count"], 1);
    let later = list.replace("2020", "2999");
    assert_eq!(ask(&hub, "all", "GET", &later, &Value::Null).2["total_count"], 0);
    let start = "/repos/acme/deploy/actions/workflows/deploy.yml/dispatches";
    let body =
        json!({ "ref": "main", "inputs": { "payload": "{\"id\":\"def\"}" }, "return_run_details": true });
    let (status, _, told) = ask(&hub, "all", "POST", start, &body);
    assert_eq!(status, 200, "{told}");
    let id = told["workflow_run_id"].as_u64().unwrap();
    hub.finish_run(REPO, id, "failure");
    let run = ask(
        &hub,
        "all",
        "GET",
        &format!("/repos/acme/deploy/actions/runs/{id}"),
        &Value::Null,
    )
    .2;
    assert_eq!(
        (&run["conclusion"], &run["display_title"]),
        (&json!("failure"), &json!("deploy def"))
    );

    let own = Fake::start_as(Flavor::Enterprise);
    own.repo(REPO, &[("a", "b\n")]);
    own.token("all", Grant::person("carl"));
    own.workflow(REPO, Workflow::on_dispatch("deploy.yml", &["payload"]));
    let (status, _, said) = ask(&own, "all", "POST", &format!("/api/v3{start}"), &body);
    assert_eq!(status, 422, "{said}");
    let bare = json!({ "ref": "main", "inputs": { "payload": "{}" } });
    assert_eq!(ask(&own, "all", "POST", &format!("/api/v3{start}"), &bare).0, 204);
    let viewer = json!({ "query": "{ viewer { login } }" });
    assert_eq!(
        ask(&own, "all", "POST", "/api/graphql", &viewer).2["data"]["viewer"]["login"],
        "carl"
    );
}

#[test]
fn a_success_makes_older_ones_of_its_environment_inactive() {
    let hub = prepared();
    let deployments = "/repos/acme/deploy/deployments";
    let deploy = |environment: &str| {
        let body = json!({ "ref": "main", "environment": environment, "auto_merge": false, "required_contexts": [] });
        let (status, _, made) = ask(&hub, "all", "POST", deployments, &body);
        assert_eq!(status, 201, "{made}");
        let statuses = format!("{deployments}/{}/statuses", made["id"]);
        let told = ask(&hub, "all", "POST", &statuses, &json!({ "state": "success" }));
        assert_eq!(told.0, 201, "{}", told.2);
    };
    for environment in ["dev", "production", "qa", "dev", "production"] {
        deploy(environment);
    }
    let last = |one: &Value| one["statuses"].as_array().unwrap().last().unwrap()["state"].clone();
    let states: Vec<Value> = hub.deployments(REPO).iter().map(last).collect();
    assert_eq!(states, ["inactive", "success", "success", "success", "success"]);
    let found = ask(
        &hub,
        "all",
        "GET",
        &format!("{deployments}?environment=dev&per_page=1"),
        &Value::Null,
    );
    assert!(found.1.contains("rel=\"next\""), "{}", found.1);
    hub.person_commits(REPO, "main", "x", "y\n");
    let behind = ask(&hub, "all", "POST", deployments, &json!({ "ref": "topic" }));
    assert_eq!(behind.0, 202, "{}", behind.2);
    let failing = json!({ "ref": "main", "auto_merge": false, "required_contexts": ["build"] });
    assert_eq!(ask(&hub, "all", "POST", deployments, &failing).0, 409);
}

#[test]
fn answers_can_be_spoilt_and_people_can_come_between() {
    let hub = prepared();
    let pulls = "/repos/acme/deploy/pulls";
    let body = json!({ "title": "t", "head": "topic", "base": "main" });
    hub.fail_next("POST /repos/acme/deploy/pulls", Failure::CloseAfterDoing);
    let headers = [("User-Agent", "test"), ("Authorization", "Bearer all")];
    assert!(send(&hub, "POST", pulls, &headers, &body).is_none());
    assert_eq!(hub.pulls(REPO).len(), 1, "it was done");
    hub.fail_next("GET ", Failure::secondary_limit(7));
    let (status, head, _) = ask(&hub, "all", "GET", pulls, &Value::Null);
    assert!(status == 403 && head.contains("Retry-After: 7"), "{head}");
    hub.fail_next("GET ", Failure::Close);
    assert!(send(&hub, "GET", pulls, &headers, &Value::Null).is_none());
    hub.before_next("PATCH ", |hub| drop(hub.merge(REPO, 1)));
    let (_, _, seen) = ask(
        &hub,
        "all",
        "PATCH",
        "/repos/acme/deploy/pulls/1",
        &json!({ "title": "u" }),
    );
    assert_eq!(seen["merged"], true);
}

#[test]
fn auto_merge_waits_for_checks_and_refuses_what_is_clean() {
    let hub = prepared();
    hub.open_pull(REPO, "topic", "t", "carl");
    let id = ask(&hub, "all", "GET", "/repos/acme/deploy/pulls/1", &Value::Null).2["node_id"].clone();
    let enable = "mutation($id: ID!) { enablePullRequestAutoMerge(input: { pullRequestId: $id, mergeMethod: SQUASH }) {
        pullRequest { number autoMergeRequest { mergeMethod } } } }";
    let variables = json!({ "id": id });
    for (allowed, words) in [
        (false, "Auto merge is not allowed for this repository"),
        (true, "Pull request is in clean status"),
    ] {
        hub.settings(REPO, |settings| settings.auto_merge_allowed = allowed);
        let said = query(&hub, enable, &variables);
        assert!(said["errors"].to_string().contains(words), "{said}");
    }
    hub.settings(REPO, |settings| settings.checks_pending = true);
    let done = query(&hub, enable, &variables);
    assert_eq!(
        done["data"]["enablePullRequestAutoMerge"]["pullRequest"]["autoMergeRequest"]["mergeMethod"],
        "SQUASH"
    );
    hub.pass_checks(REPO);
    assert_eq!(hub.pulls(REPO)[0]["state"], "MERGED");
}

#[test]
fn git_asks_for_the_same_tokens() {
    let hub = prepared();
    let folder = tempfile::tempdir().unwrap();
    let url = |token: &str| {
        hub.git_url(REPO)
            .replace("http://", &format!("http://x-access-token:{token}@"))
    };
    let lists = |token: &str| {
        git(folder.path())
            .args(["ls-remote", &url(token)])
            .output()
            .unwrap()
            .status
            .success()
    };
    assert!(lists("reads"));
    assert!(!lists("elsewhere") && !lists("nobody"));
    git_says(folder.path(), &["clone", "-q", &url("all"), "."]);
    std::fs::write(folder.path().join("dev.yaml"), "tag: v3\n").unwrap();
    git_says(folder.path(), &["commit", "-qam", "by hand"]);
    let push = |token: &str| {
        git(folder.path())
            .args(["push", &url(token), "HEAD:main"])
            .output()
            .unwrap()
    };
    assert!(String::from_utf8_lossy(&push("reads").stderr).contains("403"));
    assert!(push("all").status.success());
    assert_eq!(hub.file(REPO, "main", "dev.yaml").unwrap(), "tag: v3\n");
    hub.protect(REPO, "main");
    git_says(folder.path(), &["commit", "-q", "--allow-empty", "-m", "more"]);
    assert!(String::from_utf8_lossy(&push("all").stderr).contains("GH006"));
}

#[test]
fn an_app_gets_a_token_for_one_repository() {
    let hub = prepared();
    hub.app(App::new(
        7,
        70,
        &[REPO, "acme/other"],
        &["contents=write", "pull_requests=write"],
    ));
    let jwt = |issuer: u64, seconds: i64| {
        let now = jiff::Timestamp::now().as_second();
        let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!(
            "{}.{}",
            part(json!({ "alg": "RS256", "typ": "JWT" })),
            part(json!({ "iat": now - 60, "exp": now + seconds, "iss": issuer.to_string() }))
        );
        let pem = Hub::app_key();
        let pem: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let pair = RsaKeyPair::from_der(&STANDARD.decode(pem).unwrap()).unwrap();
        let mut signature = vec![0; pair.public().modulus_len()];
        let random = ring::rand::SystemRandom::new();
        pair.sign(&RSA_PKCS1_SHA256, &random, signed.as_bytes(), &mut signature)
            .unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    };
    let found = ask(
        &hub,
        &jwt(7, 500),
        "GET",
        "/repos/acme/deploy/installation",
        &Value::Null,
    )
    .2;
    assert_eq!(found["id"], 70, "{found}");
    let tokens = "/app/installations/70/access_tokens";
    assert_eq!(ask(&hub, &jwt(7, 5000), "POST", tokens, &json!({})).0, 401);
    assert_eq!(ask(&hub, &jwt(8, 500), "POST", tokens, &json!({})).0, 404);
    let asked = json!({ "repositories": ["deploy"], "permissions": { "contents": "read" } });
    let (status, _, made) = ask(&hub, &jwt(7, 500), "POST", tokens, &asked);
    assert_eq!(status, 201, "{made}");
    let token = made["token"].as_str().unwrap();
    assert_eq!(
        ask(
            &hub,
            token,
            "GET",
            "/repos/acme/deploy/contents/dev.yaml",
            &Value::Null
        )
        .0,
        200
    );
    assert_eq!(ask(&hub, token, "GET", "/repos/acme/other", &Value::Null).0, 404);
    assert_eq!(
        ask(
            &hub,
            token,
            "POST",
            "/repos/acme/deploy/dispatches",
            &json!({ "event_type": "x" })
        )
        .0,
        403
    );
    let much = json!({ "permissions": { "actions": "write" } });
    assert_eq!(ask(&hub, &jwt(7, 500), "POST", tokens, &much).0, 422);
}

fn read<T: serde::de::DeserializeOwned>(hub: &Hub, below: &str) -> Result<(), String> {
    let (_, _, body) = ask(hub, "all", "GET", &format!("/repos/{REPO}{below}"), &Value::Null);
    serde_json::from_value::<T>(body.clone()).map_err(|error| format!("{below}: {error}\n{body:#}"))?;
    Ok(())
}

/// A client's own types are a second opinion on what answers hold.
#[test]
fn octocrab_understands_the_answers() {
    use octocrab::models;
    let hub = prepared();
    hub.workflow(REPO, Workflow::on_event("bump.yml", "deploy-image"));
    hub.open_pull(REPO, "topic", "t", "carl");
    ask(
        &hub,
        "all",
        "POST",
        "/repos/acme/deploy/dispatches",
        &json!({ "event_type": "deploy-image" }),
    );
    ask(
        &hub,
        "all",
        "POST",
        "/repos/acme/deploy/issues/1/labels",
        &json!({ "labels": ["production"] }),
    );
    let id = hub.runs(REPO)[0]["id"].clone();
    let body = json!({ "ref": "main", "environment": "dev", "auto_merge": false, "required_contexts": [] });
    let deployment = ask(&hub, "all", "POST", "/repos/acme/deploy/deployments", &body).2["id"].clone();
    let statuses = format!("/deployments/{deployment}/statuses");
    let said = json!({ "state": "success", "environment_url": "https://dev.example" });
    ask(
        &hub,
        "all",
        "POST",
        &format!("/repos/acme/deploy{statuses}"),
        &said,
    );
    let read = [
        read::<models::Repository>(&hub, ""),
        read::<models::pulls::PullRequest>(&hub, "/pulls/1"),
        read::<Vec<models::pulls::PullRequest>>(&hub, "/pulls"),
        read::<models::repos::Ref>(&hub, "/git/ref/heads/main"),
        read::<models::commits::CommitComparison>(&hub, "/compare/main...topic"),
        read::<models::repos::RepoCommit>(&hub, "/commits/main"),
        read::<models::repos::Content>(&hub, "/contents/dev.yaml"),
        read::<models::workflows::Run>(&hub, &format!("/actions/runs/{id}")),
        read::<Vec<models::repos::Deployment>>(&hub, "/deployments"),
        read::<Vec<models::repos::DeploymentStatus>>(&hub, &statuses),
        read::<Vec<models::Label>>(&hub, "/labels"),
    ];
    let wrong: Vec<String> = read.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
