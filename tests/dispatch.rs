//! `dispatch-deploy` against both forges: what is sent starts the receiver's run, and `--wait` follows that very run.

use crate::support::cli::{Bench, Run};
use crate::support::github::{self, Flavor, Hub, Workflow};
use crate::support::gitlab::{self, Lab};
use serde_json::{Value, json};

const REPO: &str = "acme/deploy";
const TOKEN: &str = "t0k3n-s3cret-of-the-bot";
const TRIGGER: &str = "glptt-s3cret-of-acme-deploy";
const SHA: &str = "0123456789abcdef0123456789abcdef01234567";
const WEB: [&str; 6] = ["--app", "web", "--env", "dev", "--tag", "1.1.0"];
const POLICY: &str = "\
version: 1
apps:
  web:
    image: ghcr.io/acme/web
    source: [acme/web]
    environments:
      dev: {auto-deploy: on, targets: [{file: dev.yaml, path: image}]}
";
const FILES: [(&str, &str); 3] = [
    (".gitops-steps.yaml", POLICY),
    ("dev.yaml", "image: ghcr.io/acme/web:1.0.0\n"),
    (
        ".gitlab-ci.yml",
        "deploy: {script: [gitops-steps bump-values --from-event auto]}\n",
    ),
];

/// What a GitHub job of the app's repository knows of itself.
const GITHUB_JOB: [(&str, &str); 7] = [
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_REPOSITORY", "acme/web"),
    ("GITHUB_SHA", SHA),
    ("GITHUB_REF", "refs/heads/main"),
    ("GITHUB_RUN_NUMBER", "7"),
    ("GITHUB_RUN_ID", "4711"),
    ("GITHUB_ACTOR", "ann"),
];

/// What a GitLab job of the app's repository knows of itself.
const GITLAB_JOB: [(&str, &str); 7] = [
    ("GITLAB_CI", "true"),
    ("CI_PROJECT_PATH", "acme/web"),
    ("CI_COMMIT_SHA", SHA),
    ("CI_COMMIT_REF_NAME", "main"),
    ("CI_PIPELINE_IID", "7"),
    ("CI_JOB_URL", "https://lab.example/acme/web/-/jobs/4711"),
    ("GITLAB_USER_LOGIN", "ann"),
];

/// What a job knows of the GitLab that runs it.
fn server_of(port: &str) -> [(&str, &str); 3] {
    [
        ("CI_SERVER_PROTOCOL", "http"),
        ("CI_SERVER_HOST", "127.0.0.1"),
        ("CI_SERVER_PORT", port),
    ]
}

fn hub(flavor: Flavor) -> github::Fake {
    let hub = github::Fake::start_as(flavor);
    hub.repo(REPO, &FILES);
    hub.workflow(REPO, Workflow::on_event("event.yml", "deploy-image"));
    hub.workflow(REPO, Workflow::on_dispatch("deploy.yml", &["payload!"]));
    hub.token(TOKEN, github::Grant::person("bot"));
    hub
}

fn lab() -> gitlab::Fake {
    let lab = gitlab::Fake::start();
    lab.repo(REPO, &FILES);
    lab.token(TOKEN, gitlab::Grant::everything("bot"));
    lab.token(TRIGGER, gitlab::Grant::trigger("bot", REPO));
    lab.token("j0b-s3cret", gitlab::Grant::job("ann", "acme/web"));
    lab
}

/// Runs `dispatch-deploy` for web in dev and prints JSON.
fn dispatch(to: &str, api_url: &str, variables: &[(&str, &str)], flags: &[&str]) -> Run {
    let bench = Bench::new(&[]);
    let mut command = bench.command();
    command
        .args(["dispatch-deploy", "--to", &format!("{to}:{REPO}")])
        .env("GITOPS_STEPS_FORMAT", "json")
        .args(WEB)
        .args(flags)
        .env("GITOPS_STEPS_API_URL", api_url)
        .envs(variables.iter().copied());
    Run::from(command.output().unwrap())
}

fn to_hub(hub: &github::Fake, flags: &[&str]) -> Run {
    let token = [("GITOPS_STEPS_TOKEN", TOKEN)];
    dispatch("github", &hub.api_url(), &token, flags)
}

fn to_lab(lab: &gitlab::Fake, token: &str, flags: &[&str]) -> Run {
    let token = [("GITOPS_STEPS_TOKEN", token)];
    dispatch("gitlab", &lab.api_url(), &token, flags)
}

/// The newest run gets a status right before it is asked for.
fn before_look(hub: &Hub, status: &'static str, conclusion: Option<&'static str>) {
    hub.before_next("/actions/runs", move |hub| {
        let id = hub.runs(REPO).last().unwrap()["id"].as_u64().unwrap();
        hub.set_run(REPO, id, status, conclusion);
    });
}

fn before_lab_look(lab: &Lab, status: &'static str) {
    lab.before_next("GET /pipelines/", move |lab| {
        let id = lab.pipelines(REPO).last().unwrap()["id"].as_u64().unwrap();
        lab.finish_run(REPO, id, status);
    });
}

fn asked(hub: &Hub) -> Vec<String> {
    hub.requests()
        .iter()
        .map(|one| format!("{} {}", one.method, one.target.split('?').next().unwrap()))
        .collect()
}

#[test]
fn an_event_is_dispatched_with_what_the_build_knows_of_itself() {
    let hub = hub(Flavor::DotCom);
    let url = hub.url().to_owned();
    let variables = [
        &GITHUB_JOB[..],
        &[("GITHUB_SERVER_URL", &url), ("GITOPS_STEPS_TOKEN", TOKEN)],
    ]
    .concat();
    let run = dispatch("github", &hub.api_url(), &variables, &["--id", "mine"]).exits(0);
    assert_eq!(asked(&hub), ["POST /repos/acme/deploy/dispatches"]);
    assert_eq!(
        hub.requests()[0].body,
        json!({"event_type": "deploy-image", "client_payload": {
            "v": 1, "id": "mine", "app": "web", "env": "dev", "images": [{"tag": "1.1.0"}],
            "source": {
                "repo": "acme/web", "commit": SHA, "ref": "refs/heads/main", "sequence": 7, "actor": "ann",
                "run_url": format!("{url}/acme/web/actions/runs/4711"),
            },
        }})
    );
    let json = run.json();
    assert_eq!(
        (
            &json["operation"],
            &json["changed"],
            &json["run_id"],
            &json["new"]
        ),
        (&json!("created"), &json!(true), &Value::Null, &json!("1.1.0"))
    );
    assert!(
        json["reason"].as_str().unwrap().contains("--wait finds it"),
        "{json}"
    );
    run.says("dispatched deploy-image to github:acme/deploy");
}

#[test]
fn what_is_sent_is_what_the_receiver_reads() {
    let hub = hub(Flavor::DotCom);
    let lab = lab();
    let token = [("GITOPS_STEPS_TOKEN", TOKEN)];
    let as_github = [&GITHUB_JOB[..], &token].concat();
    let as_gitlab = [&GITLAB_JOB[..], &token].concat();
    for flags in [&[][..], &["--workflow", "deploy.yml", "--ref", "main"]] {
        dispatch("github", &hub.api_url(), &as_github, flags).exits(0);
        let event = hub.runs(REPO).last().unwrap()["event_file"].to_string();
        let bench = Bench::cloned(&FILES);
        let path = bench.write_beside("event.json", &event);
        let receiver = [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_PATH", path.as_str())];
        bench.bump_with(&receiver, &["--from-event", "auto"]).exits(0);
        assert_eq!(
            bench.pushed("dev.yaml"),
            "image: ghcr.io/acme/web:1.1.0",
            "{flags:?}"
        );
    }

    let trigger = [&GITLAB_JOB[..], &[("GITOPS_STEPS_TOKEN", TRIGGER)]].concat();
    dispatch("gitlab", &lab.api_url(), &trigger, &["--ref", "main"]).exits(0);
    let body = lab.trigger_payload(REPO).unwrap();
    assert!(!body.contains(TRIGGER), "{body}");
    let bench = Bench::cloned(&FILES);
    let path = bench.write_beside("trigger.json", &body);
    let receiver = [("GITLAB_CI", "true"), ("TRIGGER_PAYLOAD", path.as_str())];
    bench.bump_with(&receiver, &["--from-event", "auto"]).exits(0);
    assert_eq!(bench.pushed("dev.yaml"), "image: ghcr.io/acme/web:1.1.0");

    dispatch("gitlab", &lab.api_url(), &as_gitlab, &[]).exits(0);
    let pipelines = lab.pipelines(REPO);
    let payload = pipelines.last().unwrap()["inputs"]["payload"].as_str().unwrap();
    let bench = Bench::cloned(&FILES);
    let path = bench.write_beside("payload.json", payload);
    bench
        .bump_with(&[("GITLAB_CI", "true")], &["--from-event", &path])
        .exits(0);
    assert_eq!(bench.pushed("dev.yaml"), "image: ghcr.io/acme/web:1.1.0");
}

#[test]
fn a_workflow_tells_its_run_on_github_com_and_is_found_by_its_name_elsewhere() {
    for (flavor, details) in [(Flavor::DotCom, json!(true)), (Flavor::Enterprise, Value::Null)] {
        let hub = hub(flavor);
        before_look(&hub, "completed", Some("success"));
        let run = to_hub(&hub, &["--workflow", "deploy.yml", "--wait"]).exits(0);
        let sent = hub
            .requests()
            .into_iter()
            .find(|one| one.method == "POST")
            .unwrap();
        assert_eq!(sent.body["return_run_details"], details);
        assert_eq!(sent.body["ref"], "main", "the default branch is asked for");
        assert_eq!(run.json()["run_id"], hub.runs(REPO)[0]["id"]);
        let url = run.json()["run_url"].as_str().unwrap().to_owned();
        run.says(&format!("run: {url}")).says("its run succeeded");
    }
}

#[test]
fn a_server_that_does_not_know_the_run_s_details_is_asked_without_them() {
    let hub = hub(Flavor::DotCom);
    let said = r#"{"message":"Invalid request.\n\n\"return_run_details\" is not a permitted key."}"#;
    hub.fail_next("POST ", github::Failure::Status(422, Vec::new(), said.to_owned()));
    to_hub(&hub, &["--workflow", "deploy.yml", "--ref", "main"]).exits(0);
    let sent = hub.requests();
    assert_eq!(sent.len(), 2);
    assert!(sent[1].body.get("return_run_details").is_none());
    assert_eq!(hub.runs(REPO).len(), 1);
}

#[test]
fn waiting_follows_the_very_run_and_ends_as_it_does() {
    for (status, conclusion, code, says) in [
        ("completed", Some("success"), 0, "its run succeeded"),
        ("completed", Some("failure"), 7, "the run ended as `failure`"),
        ("completed", Some("cancelled"), 7, "`cancelled`"),
        ("completed", Some("brand_new"), 7, "`brand_new`"),
        ("completed", None, 7, "without a conclusion"),
        ("pending", None, 6, "the run did not end in time; it is pending"),
        ("brand_new", None, 6, "it is brand_new"),
    ] {
        let hub = hub(Flavor::DotCom);
        // Runs of others: the one before, and one that starts in the very moment, whose id begins with ours.
        to_hub(&hub, &["--id", "before"]).exits(0);
        hub.before_next("/actions/runs?", |hub| {
            let token = [("GITOPS_STEPS_TOKEN", TOKEN)];
            dispatch("github", &hub.api_url(), &token, &["--id", "mine.2"]).exits(0);
        });
        hub.before_next("/actions/runs/", move |hub| {
            let runs = hub.runs(REPO);
            let mine = runs.iter().find(|run| run["title"] == "deploy mine").unwrap();
            hub.set_run(REPO, mine["id"].as_u64().unwrap(), status, conclusion);
        });
        let run = to_hub(&hub, &["--id", "mine", "--wait", "--timeout", "3s"])
            .exits(code)
            .says(says);
        let runs = hub.runs(REPO);
        assert_eq!(runs.len(), 3);
        assert_eq!(run.json()["run_id"], runs[1]["id"], "{status} {conclusion:?}");
        assert!(run.json()["run_url"].is_string());
    }
}

#[test]
fn a_page_of_a_proxy_is_no_accepted_dispatch() {
    let workflow: &[&str] = &["--workflow", "deploy.yml", "--ref", "main"];
    for (flags, status, body, says) in [
        (
            &[][..],
            200,
            "<html>log in</html>",
            "something other than JSON (status 200)",
        ),
        (&[], 202, "<html>log in</html>", "something other than JSON"),
        (&[], 200, "{}", "the dispatch is not what its API promises"),
        (workflow, 200, "<html>log in</html>", "something other than JSON"),
        (workflow, 200, "{}", "not what the API promises"),
        (workflow, 201, "{}", "not what its API promises"),
    ] {
        let hub = hub(Flavor::DotCom);
        let headers = Vec::new();
        hub.fail_next("POST ", github::Failure::Status(status, headers, body.to_owned()));
        to_hub(&hub, flags).exits(5).says(says).says("--api-url");
    }
    let lab = lab();
    let page = "<html>log in</html>".to_owned();
    lab.fail_next("POST ", gitlab::Failure::Status(200, Vec::new(), page));
    to_lab(&lab, TOKEN, &["--ref", "main"])
        .exits(5)
        .says("something other than JSON")
        .says("--api-url");
}

#[test]
fn a_hint_names_what_is_really_wrong() {
    let html = || "<html></html>".to_owned();
    let sso = r#"{"message":"Resource protected by organization SAML enforcement."}"#.to_owned();
    for (status, headers, body, says) in [
        (
            302,
            vec![("location", "/login".to_owned())],
            html(),
            "/login`: check --api-url",
        ),
        (
            301,
            vec![("location", "/repositories/1".to_owned())],
            "{}".to_owned(),
            "another name now",
        ),
        (404, vec![], html(), "/api/v3"),
        (
            403,
            vec![("x-github-sso", "required; url=https://x".to_owned())],
            sso,
            "Configure SSO",
        ),
    ] {
        let hub = hub(Flavor::DotCom);
        hub.fail_next("POST ", github::Failure::Status(status, headers, body));
        to_hub(&hub, &[]).exits(5).says(says);
    }
    let lab = lab();
    let moved = vec![("location", "/api/v4/projects/9".to_owned())];
    lab.fail_next("POST ", gitlab::Failure::Status(301, moved, String::new()));
    to_lab(&lab, TOKEN, &["--ref", "main"])
        .exits(5)
        .says("/api/v4/projects/9`");
}

#[test]
fn an_answer_without_end_is_not_taken_into_memory() {
    let hub = hub(Flavor::DotCom);
    let endless = github::Failure::Status(200, Vec::new(), " ".repeat((64 << 20) + 1));
    hub.fail_next("GET ", endless);
    to_hub(&hub, &["--workflow", "deploy.yml"])
        .exits(5)
        .says("longer than 64 MiB");
}

#[test]
fn waiting_outlasts_an_outage_of_the_forge() {
    let ailing = || github::Failure::Status(502, Vec::new(), "<html>Bad Gateway</html>".to_owned());
    for part in ["/actions/runs?", "/actions/runs/"] {
        let hub = hub(Flavor::DotCom);
        (0..5).for_each(|_| hub.fail_next(part, ailing()));
        before_look(&hub, "completed", Some("success"));
        to_hub(&hub, &["--wait"]).exits(0).says("its run succeeded");
        assert_eq!(hub.runs(REPO).len(), 1);

        (0..50).for_each(|_| hub.fail_next(part, ailing()));
        to_hub(&hub, &["--wait", "--timeout", "6s"])
            .exits(6)
            .says("before you run this again");
    }
}

#[test]
fn a_dispatch_that_starts_nothing_says_what_to_look_at() {
    let hub = hub(Flavor::DotCom);
    let flags = ["--event-type", "other", "--wait", "--timeout", "3s"];
    to_hub(&hub, &flags)
        .exits(6)
        .says("accepted, but no run started")
        .says("on the default branch")
        .says("run-name");
}

#[test]
fn a_lost_answer_is_looked_up_and_never_sent_twice() {
    let hub = hub(Flavor::DotCom);
    hub.fail_next(
        "POST /repos/acme/deploy/dispatches",
        github::Failure::CloseAfterDoing,
    );
    let run = to_hub(&hub, &[]).exits(0);
    assert_eq!(run.json()["run_id"], hub.runs(REPO)[0]["id"]);
    assert_eq!(hub.events(REPO).len(), 1);

    hub.fail_next("POST /repos/acme/deploy/dispatches", github::Failure::Close);
    to_hub(&hub, &["--timeout", "3s"])
        .exits(6)
        .says("may or may not have been accepted");
    assert_eq!(hub.events(REPO).len(), 1);

    let lab = lab();
    lab.fail_next("POST /pipeline", gitlab::Failure::CloseAfterDoing);
    to_lab(&lab, TOKEN, &["--timeout", "3s"])
        .exits(6)
        .says("may or may not have been accepted");
    assert_eq!(lab.pipelines(REPO).len(), 1);
}

#[test]
fn a_pipeline_is_started_by_each_kind_of_token_and_followed_where_one_can_read() {
    let lab = lab();
    let (url, port) = (lab.api_url(), lab.port());
    let server = server_of(&port);
    let job = [&GITLAB_JOB[..], &server, &[("CI_JOB_TOKEN", "j0b-s3cret")]].concat();
    let reader = [&server[..], &[("GITLAB_TOKEN", TOKEN)]].concat();
    let trigger = [&reader[..], &[("GITOPS_STEPS_TOKEN", TRIGGER)]].concat();
    let both = [&reader[..], &job].concat();
    let access = [("GITOPS_STEPS_TOKEN", TOKEN)];
    let wait: &[&str] = &["--wait"];
    for (variables, flags, path) in [
        (&access[..], wait, "pipeline"),
        (&trigger, wait, "trigger/pipeline"),
        (&job, &["--ref", "main"], "trigger/pipeline"),
        (&both, &["--ref", "main"], "pipeline"),
    ] {
        lab.clear_requests();
        before_lab_look(&lab, "success");
        let run = dispatch("gitlab", &url, variables, flags).exits(0);
        let sent = lab
            .requests()
            .into_iter()
            .find(|one| one.method == "POST")
            .unwrap();
        assert_eq!(sent.target, format!("/v4/projects/acme%2Fdeploy/{path}"));
        assert_eq!(sent.auth.is_empty(), path.starts_with("trigger"), "{}", sent.auth);
        assert_eq!(run.json()["run_id"], lab.pipelines(REPO).last().unwrap()["id"]);
        run.says("run: http");
    }
}

#[test]
fn a_pipeline_ends_as_it_ends() {
    for (status, code, says) in [
        ("success", 0, "its run succeeded"),
        ("failed", 7, "`failed`"),
        ("canceled", 7, "`canceled`"),
        ("skipped", 7, "`skipped`"),
        ("manual", 7, "the run waits for a person: it is `manual`"),
        ("waiting_for_callback", 6, "it is waiting_for_callback"),
    ] {
        let lab = lab();
        before_lab_look(&lab, status);
        to_lab(&lab, TOKEN, &["--wait", "--timeout", "3s"])
            .exits(code)
            .says(says);
    }
}

#[test]
fn who_cannot_read_the_pipeline_hears_it_before_anything_is_sent() {
    let lab = lab();
    to_lab(&lab, TRIGGER, &["--ref", "main", "--wait"])
        .exits(2)
        .says("the token can only trigger it")
        .says("read_api");
    assert!(lab.requests().is_empty());
}

#[test]
fn a_refusal_says_what_is_missing() {
    let lab = lab();
    lab.token("glptt-s3cret-other", gitlab::Grant::trigger("bot", "acme/other"));
    to_lab(&lab, "glptt-s3cret-other", &["--ref", "main"])
        .exits(5)
        .says("belongs to another project");
    to_lab(&lab, TOKEN, &["--ref", "gone"])
        .exits(5)
        .says("Reference not found")
        .says("--ref");
    to_lab(&lab, TRIGGER, &[])
        .exits(5)
        .says("name the branch or tag with --ref");
    let (url, port) = (lab.api_url(), lab.port());
    lab.token(
        "outside-s3cret",
        gitlab::Grant::job("ann", "acme/web").only(&["acme/web"]),
    );
    let job = [
        &server_of(&port)[..],
        &[("GITLAB_CI", "true"), ("CI_JOB_TOKEN", "outside-s3cret")],
    ]
    .concat();
    dispatch("gitlab", &url, &job, &["--ref", "main"])
        .exits(5)
        .says("Job token permissions");
    lab.forbid_variables(REPO);
    to_lab(&lab, TRIGGER, &["--ref", "main"])
        .exits(5)
        .says("Minimum role to use pipeline variables");
    to_lab(&lab, TOKEN, &["--ref", "main"]).exits(0);

    let hub = hub(Flavor::DotCom);
    hub.workflow(REPO, Workflow::on_dispatch("flat.yml", &["app", "tag"]));
    let on = |file| ["--ref", "main", "--workflow", file];
    to_hub(&hub, &on("flat.yml")).exits(5).says("inputs.payload");
    to_hub(&hub, &on("event.yml"))
        .exits(5)
        .says("`on: workflow_dispatch`");
    to_hub(&hub, &on("gone.yml"))
        .exits(5)
        .says("on the default branch?");
    hub.token(
        "weak-s3cret",
        github::Grant::person("bot").only(&["contents=read"]),
    );
    dispatch(
        "github",
        &hub.api_url(),
        &[("GITOPS_STEPS_TOKEN", "weak-s3cret")],
        &[],
    )
    .exits(5)
    .says("contents: write");
}

#[test]
fn the_job_s_own_token_is_warned_of_before_it_goes_to_another_repository() {
    let hub = hub(Flavor::DotCom);
    hub.token("ghs-s3cret", github::Grant::workflow("acme/web"));
    let api_url = hub.api_url();
    let own = [("GITHUB_TOKEN", "ghs-s3cret"), ("GITHUB_SERVER_URL", hub.url())];
    dispatch("github", &api_url, &[&GITHUB_JOB[..], &own].concat(), &[])
        .exits(5)
        .says("::warning title=gitops-steps::GITHUB_TOKEN reaches only `acme/web`");
}

#[test]
fn a_dry_run_shows_the_request_without_secrets_and_sends_nothing() {
    let hub = hub(Flavor::DotCom);
    let lab = lab();
    let flags = ["--dry-run", "--format", "text", "--ref", "main"];
    let workflow = [&flags[..], &["--workflow", "deploy.yml"]].concat();
    let runs = [
        (to_hub(&hub, &flags[..3]), "/repos/acme/deploy/dispatches\n"),
        (
            to_hub(&hub, &workflow),
            "/repos/acme/deploy/actions/workflows/deploy.yml/dispatches\n",
        ),
        (
            to_lab(&lab, TRIGGER, &flags),
            "/api/v4/projects/acme%2Fdeploy/trigger/pipeline\n",
        ),
        (
            to_lab(&lab, TOKEN, &flags),
            "/api/v4/projects/acme%2Fdeploy/pipeline\n",
        ),
    ];
    for (run, path) in runs {
        let run = run.exits(0).says("nothing was sent");
        assert!(run.stdout.starts_with("POST http"), "{}", run.stdout);
        for part in [path, "[redacted]", "1.1.0"] {
            assert!(run.stdout.contains(part), "{part}: {}", run.stdout);
        }
        for secret in [TOKEN, TRIGGER] {
            assert!(!run.stdout.contains(secret) && !run.stderr.contains(secret));
        }
    }
    let json = to_hub(&hub, &["--dry-run"]).exits(0).json();
    assert_eq!(json["request"]["body"]["client_payload"]["app"], "web");
    assert!(hub.requests().is_empty() && lab.requests().is_empty());
}

#[test]
fn what_the_receiver_would_refuse_is_refused_before_anything_is_sent() {
    let hub = hub(Flavor::DotCom);
    for (flags, says) in [
        (&["--id", "a b"][..], "the receiver would refuse this"),
        (&["--source-commit", "HEAD"], "payload.source.commit"),
        (&["--event-type", &"x".repeat(101)], "at most 100 characters"),
        (&["--ref", "main"], "--ref goes with --workflow"),
        (&["--image", "Acme/web"], "--image: "),
    ] {
        to_hub(&hub, flags).exits(2).says(says);
    }
    assert!(hub.requests().is_empty());
}
