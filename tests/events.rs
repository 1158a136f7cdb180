//! From an event: what a build sends arrives, and what a stranger sends changes nothing.

use crate::support::cli::{Bench, Run};
use crate::support::git_server::git_says;
use serde_json::{Value, json};

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";
const ZERO: &str = "0000000000000000000000000000000000000000";
const IMAGE: &str = "registry.example/acme/shop";

const POLICY: &str = r"version: 1
apps:
  shop:
    image: [registry.example/acme/shop, registry.example/acme/jobs]
    source: [acme/shop]
    senders: ['ci-bot[bot]', ann]
    environments:
      dev: &places
        auto-deploy: on
        targets:
          - {file: dev.yaml, path: shop, image: registry.example/acme/shop}
          - {file: dev.yaml, path: jobs, image: registry.example/acme/jobs}
      prod:
        targets: [{file: prod.yaml, path: shop, image: registry.example/acme/shop}]
  open:
    image: registry.example/acme/open
    environments:
      dev: {auto-deploy: on, targets: [{file: open.yaml, path: image}]}
";
const DEV: &str = "shop: registry.example/acme/shop:1.0.0\njobs: registry.example/acme/jobs:1.0.0\n";
const OPEN: &str = "image: registry.example/acme/open:1.0.0\n";

fn bench() -> Bench {
    Bench::cloned(&[
        (".gitops-steps.yaml", &POLICY.replace("&places", "")),
        ("dev.yaml", DEV),
        ("prod.yaml", DEV),
        ("open.yaml", OPEN),
    ])
}

/// The body of a `repository_dispatch`, as GitHub writes it.
fn dispatched(payload: &Value) -> Value {
    json!({
        "action": "deploy-image", "branch": "main", "client_payload": payload,
        "repository": {"full_name": "acme/deploy"}, "sender": {"login": "ci-bot[bot]"},
    })
}

fn structured() -> Value {
    json!({
        "v": 1, "id": "run-7", "app": "shop", "env": "dev", "images": [{"name": IMAGE, "tag": "1.1.0"}],
        "source": {
            "repo": "acme/shop", "commit": SHA, "ref": "refs/heads/main", "sequence": 7, "actor": "ann",
            "run_url": "https://github.com/acme/shop/actions/runs/1",
        },
    })
}

fn flat() -> Value {
    json!({"app": "open", "env": "dev", "image": "registry.example/acme/open", "tag": "1.1.0"})
}

/// Runs in a GitHub job that this event started.
fn on_github(bench: &Bench, event: &str, more: &[&str]) -> Run {
    let event = bench.write_beside("event.json", event);
    let variables = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_PATH", event.as_str()),
        ("GITHUB_REPOSITORY", "acme/deploy"),
        ("GITHUB_ACTOR", "somebody"),
    ];
    bench.bump_with(&variables, &[&["--from-event", "auto"], more].concat())
}

/// Runs in a GitLab job that a trigger with this body started.
fn on_gitlab(bench: &Bench, body: &str, variables: &[(&str, &str)], more: &[&str]) -> Run {
    let body = bench.write_beside("trigger.json", body);
    let mut all = vec![("GITLAB_CI", "true"), ("TRIGGER_PAYLOAD", body.as_str())];
    all.extend_from_slice(variables);
    bench.bump_with(&all, more)
}

#[test]
fn every_way_to_send_a_payload_lands_as_one_commit() {
    let text = |value: &Value| value.to_string();
    let workflow = |inputs: Value| {
        json!({"workflow": ".github/workflows/deploy.yml", "ref": "refs/heads/main", "inputs": inputs,
               "sender": {"login": "ann"}})
    };
    for (event, file) in [
        (dispatched(&structured()), "dev.yaml"),
        (dispatched(&json!({"payload": structured()})), "dev.yaml"),
        (dispatched(&flat()), "open.yaml"),
        (
            workflow(json!({"app": "open", "env": "dev", "image": "", "tag": "1.1.0", "digest": ""})),
            "open.yaml",
        ),
        (workflow(json!({"payload": text(&structured())})), "dev.yaml"),
    ] {
        let bench = bench();
        on_github(&bench, &text(&event), &[]).exits(0);
        assert_eq!(
            git_says(&bench.origin(), &["diff", "--name-only", "main^", "main"]),
            file,
            "{event}"
        );
        assert!(bench.pushed(file).contains(":1.1.0"), "{event}");
    }
    for body in [
        json!({"ref": "main", "payload": text(&flat())}),
        json!({"ref": "main", "payload": flat()}),
        json!({"ref": "main", "id": "42", "app": "open", "env": "dev", "tag": "1.1.0"}),
        json!({"ref": "main", "variables": {"OTHER": "x"}, "payload": text(&flat())}),
    ] {
        let bench = bench();
        on_gitlab(&bench, &text(&body), &[], &["--from-event", "auto"]).exits(0);
        assert!(bench.pushed("open.yaml").contains(":1.1.0"), "{body}");
    }
    let bench = bench();
    let file = bench.write_beside("e.json", &dispatched(&flat()).to_string());
    bench.bump(&["--from-event", &file]).exits(0);
    assert_eq!(bench.read("open.yaml"), OPEN.replace("1.0.0", "1.1.0"));
}

#[test]
fn several_images_land_in_one_commit() {
    let bench = bench();
    let mut payload = structured();
    payload["images"] = json!([
        {"name": IMAGE, "tag": "1.1.0"},
        {"name": "registry.example/acme/jobs", "tag": "2.0.0"},
    ]);
    on_github(&bench, &dispatched(&payload).to_string(), &[]).exits(0);
    let due = DEV
        .replace("shop:1.0.0", "shop:1.1.0")
        .replace("jobs:1.0.0", "jobs:2.0.0");
    assert_eq!(bench.pushed("dev.yaml"), due.trim_end());
    assert_eq!(git_says(&bench.origin(), &["rev-list", "--count", "main"]), "2");
}

#[test]
fn the_commit_tells_who_sent_it_and_who_is_said_to_have_asked() {
    let bench = bench();
    on_github(&bench, &dispatched(&structured()).to_string(), &[]).exits(0);
    let message = git_says(&bench.origin(), &["log", "-1", "--format=%B", "main"]);
    assert_eq!(
        message.lines().collect::<Vec<_>>(),
        [
            "deploy(dev): shop 1.0.0 → 1.1.0",
            "",
            "Gitops-App: shop",
            "Gitops-Env: dev",
            "Gitops-Image: registry.example/acme/shop",
            "Gitops-Old: 1.0.0",
            "Gitops-New: 1.1.0",
            "Source-Repo: acme/shop",
            &format!("Source-Commit: {SHA}"),
            "Source-Sequence: 7",
            "Run-Url: https://github.com/acme/shop/actions/runs/1",
            "Actor: ci-bot[bot]",
            "Source-Actor: ann",
        ]
    );
}

#[test]
fn a_push_brings_its_commit_as_the_tag() {
    let push = |reference: &str, after: &str| {
        json!({"ref": reference, "before": ZERO, "after": after, "repository": {"full_name": "acme/shop"},
               "sender": {"login": "ann"}})
        .to_string()
    };
    let shop = ["--app", "shop", "--env", "dev", "--image", IMAGE];
    let only_main = [&shop[..], &["--only-ref", "refs/heads/main", "--format", "json"]].concat();
    let main = push("refs/heads/main", SHA);
    for (event, more, operation, reason) in [
        (&main, &only_main, "updated", ""),
        (
            &push("refs/heads/try", SHA),
            &only_main,
            "skipped",
            "the push is to `refs/heads/try`, not to `refs/heads/main`",
        ),
        (
            &push("refs/tags/v1", SHA),
            &only_main,
            "skipped",
            "`refs/tags/v1`",
        ),
        (
            &push("refs/heads/main", ZERO),
            &only_main,
            "skipped",
            "the push deleted `refs/heads/main`",
        ),
        (
            &json!({"zen": "Keep it simple.", "hook": {}}).to_string(),
            &only_main,
            "skipped",
            "ping",
        ),
    ] {
        let bench = bench();
        let before = bench.state();
        let output = bench.write_beside("output", "");
        let event = bench.write_beside("event.json", event);
        let variables = [
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_PATH", event.as_str()),
            ("GITHUB_OUTPUT", output.as_str()),
            ("GITOPS_STEPS_FROM_EVENT", "auto"),
        ];
        let json = bench.bump_with(&variables, more).exits(0).json();
        assert_eq!(json["operation"], operation);
        assert!(
            json["reason"].as_str().unwrap_or_default().contains(reason),
            "{json}"
        );
        let updated = operation == "updated";
        assert_eq!(json["changed"], updated);
        assert_eq!(bench.state() != before, updated);
        let outputs = std::fs::read_to_string(output).unwrap();
        assert!(
            outputs.contains("operation<<") && outputs.contains(operation),
            "{outputs}"
        );
        if updated {
            assert_eq!(
                bench.pushed("dev.yaml"),
                DEV.replace("shop:1.0.0", &format!("shop:{SHA}")).trim_end()
            );
        }
    }
    let bench = bench();
    on_github(&bench, &main, &[])
        .exits(2)
        .says("nothing says what to change");
    on_github(&bench, &main, &[&shop[..], &["--tag", "1.1.0"]].concat())
        .exits(2)
        .says("--tag says `1.1.0`, and the event says");
}

#[test]
fn the_workflow_may_set_the_environment_and_every_other_flag_must_agree() {
    let event = dispatched(&structured()).to_string();
    for (more, code, says) in [
        (
            &["--env", "prod"][..],
            4,
            "`prod` of `shop` changes only by pull request",
        ),
        (&["--env", "dev"], 0, ""),
        (&["--env", "none"], 3, "no environment `none`"),
        (&["--app", "shop", "--tag", "1.1.0", "--image", IMAGE], 0, ""),
        (
            &["--app", "open"],
            2,
            "--app says `open`, and the event says `shop`",
        ),
        (
            &["--tag", "1.2.0"],
            2,
            "--tag says `1.2.0`, and the event says `1.1.0`",
        ),
        (&["--image", "registry.example/acme/jobs"], 2, "--image says"),
        (&["--image", "registry.example/acme/shop:1.2.0"], 2, "`1.2.0`"),
        (
            &[
                "--digest",
                "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            ],
            2,
            "--digest says",
        ),
        (&["--file", "dev.yaml", "--set", "shop=x"], 2, "two ways"),
    ] {
        let bench = bench();
        let before = bench.state();
        on_github(&bench, &event, more)
            .exits(code)
            .says(says)
            .prints_plainly();
        assert_eq!(bench.state() != before, code == 0, "{more:?}");
    }
}

#[test]
fn a_payload_without_an_environment_gets_it_from_the_workflow() {
    let bench = bench();
    let mut payload = flat();
    payload.as_object_mut().unwrap().remove("env");
    let event = dispatched(&payload).to_string();
    on_github(&bench, &event, &[]).exits(2).says("--env");
    on_github(&bench, &event, &["--env", "dev"]).exits(0);
}

#[test]
fn only_the_sources_and_senders_of_the_policy_are_heard() {
    let mut other_source = structured();
    other_source["source"]["repo"] = json!("mallory/shop");
    let mut no_source = structured();
    no_source.as_object_mut().unwrap().remove("source");
    let mut other_sender = dispatched(&structured());
    other_sender["sender"]["login"] = json!("mallory");
    for (event, says) in [
        (
            dispatched(&other_source),
            "takes no payload for `shop` from `mallory/shop`",
        ),
        (dispatched(&no_source), "takes no payload for `shop` from nobody"),
        (other_sender, "that `mallory` sent"),
    ] {
        let bench = bench();
        let before = bench.state();
        on_github(&bench, &event.to_string(), &[])
            .exits(4)
            .says(says)
            .prints_plainly();
        assert_eq!(bench.state(), before);
    }
    // GitLab's word on who triggered counts; what the body says does not.
    let body = json!({"payload": structured(), "sender": {"login": "ann"}}).to_string();
    let bench = bench();
    on_gitlab(
        &bench,
        &body,
        &[("GITLAB_USER_LOGIN", "mallory")],
        &["--from-event", "auto"],
    )
    .exits(4);
    on_gitlab(
        &bench,
        &body,
        &[("GITLAB_USER_LOGIN", "ann")],
        &["--from-event", "auto"],
    )
    .exits(0);
}

#[test]
fn hostile_fields_change_nothing_and_cannot_steer_the_log() {
    let long = "a".repeat(300);
    let values: Vec<(&str, Value)> = vec![
        ("a line break", json!("1.1.0\nevil: yes")),
        ("a carriage return", json!("1.1.0\r")),
        ("an escape sequence", json!("\u{1b}[2J\u{1b}]0;x\u{7}")),
        ("a workflow command", json!("\n::set-output name=changed::true")),
        ("a shell's substitution", json!("$(touch /tmp/x)")),
        ("another one", json!("`id`")),
        ("a comment", json!("1.1.0 #")),
        ("a map", json!("a: b")),
        ("a flow map", json!("{a: b}")),
        ("an alias", json!("*x")),
        ("a template", json!("${{ secrets.TOKEN }}")),
        ("a way out", json!("../../etc/passwd")),
        ("an option", json!("--force")),
        ("bidirectional marks", json!("1.1\u{202e}0")),
        ("too much", json!(long)),
        ("a number", json!(1.1)),
        ("a truth value", json!(true)),
        ("a list", json!(["1.1.0"])),
        ("an object", json!({"a": "1.1.0"})),
        ("nothing", json!("")),
        ("blanks", json!("  ")),
    ];
    let bench = bench();
    let before = bench.state();
    for (what, value) in &values {
        for key in ["app", "env", "image", "tag", "digest"] {
            let mut payload = flat();
            payload[key] = value.clone();
            let event = dispatched(&payload).to_string();
            let run = on_github(&bench, &event, &[]);
            assert_eq!(run.code, 2, "{what} as {key}: {}", run.stderr);
            assert!(
                !run.stderr.contains("\n::set-output"),
                "{what} as {key}: {}",
                run.stderr
            );
            assert!(run.stderr.contains(key), "{what} as {key}: {}", run.stderr);
            run.prints_plainly();
        }
        let mut payload = structured();
        payload["source"]["repo"] = value.clone();
        on_github(&bench, &dispatched(&payload).to_string(), &[])
            .exits(2)
            .prints_plainly();
    }
    assert_eq!(bench.state(), before);
}

#[test]
fn what_a_payload_may_not_name_is_refused() {
    let bench = bench();
    let before = bench.state();
    let mut events = Vec::new();
    for key in [
        "file",
        "files",
        "path",
        "publish",
        "set",
        "policy",
        "override_policy",
        "override-policy",
        "auto-deploy",
        "config_repo",
        "allow_downgrade",
        "guard",
        "GITOPS_STEPS_PUBLISH",
        "gitops_steps_file",
    ] {
        let mut payload = flat();
        payload[key] = json!("dev.yaml");
        events.push((dispatched(&payload).to_string(), 2, key));
    }
    for (key, value, code) in [
        ("v", json!(2), 2),
        ("v", json!("one"), 2),
        ("images", json!([]), 2),
        (
            "images",
            json!([{"name": "registry.example/evil/shop", "tag": "1.1.0"}]),
            4,
        ),
        (
            "images",
            json!([{"name": "registry.example.evil/acme/shop", "tag": "1.1.0"}]),
            4,
        ),
        (
            "images",
            json!([{"name": IMAGE, "tag": "1.1.0", "file": "dev.yaml"}]),
            2,
        ),
        ("images", json!([{"name": IMAGE}]), 2),
        ("images", json!([{"tag": "1.1.0"}]), 2),
        ("app", json!("none"), 3),
        ("env", json!("none"), 3),
        ("env", json!("prod"), 4),
    ] {
        let mut payload = structured();
        payload[key] = value;
        events.push((dispatched(&payload).to_string(), code, ""));
    }
    for (text, says) in [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "of no kind"),
        (r#"{"action":"opened","issue":{}}"#, "of no kind"),
        (r#"{"client_payload":"x"}"#, "client_payload"),
        (r#"{"client_payload":{"payload":"{"}}"#, "is not JSON"),
        (&"[".repeat(200_000), "is not JSON"),
        (&format!("{{\"a\":\"{}\"}}", "a".repeat(2_000_000)), ""),
    ] {
        events.push((text.to_owned(), 2, says));
    }
    for (event, code, says) in events {
        let run = on_github(&bench, &event, &[]);
        let start: String = event.chars().take(200).collect();
        assert_eq!(run.code, code, "{start}: {}", run.stderr);
        assert!(run.stderr.contains(says), "{start}: {}", run.stderr);
        run.prints_plainly();
    }
    assert_eq!(bench.state(), before);
}

#[test]
fn a_trigger_cannot_set_what_is_the_job_s_own_on_gitlab() {
    let asked = ("GITOPS_STEPS_FROM_EVENT", "auto");
    let plain = json!({"payload": flat()});
    let body = |variables: Value| {
        let mut body = plain.clone();
        body["variables"] = variables;
        body.to_string()
    };
    let set =
        json!({"GITOPS_STEPS_FROM_EVENT": "", "GITOPS_STEPS_FILE": "dev.yaml", "GITOPS_STEPS_SET": "shop=x"});
    // What the trigger sets is the job's environment by the time that the program starts.
    let taken_over = [
        ("GITOPS_STEPS_FROM_EVENT", ""),
        ("GITOPS_STEPS_FILE", "dev.yaml"),
        ("GITOPS_STEPS_SET", "shop=x"),
    ];
    let padded = {
        let mut body = plain.clone();
        body["variables"] = set.clone();
        body["padding"] = json!("x".repeat(2_000_000));
        body.to_string()
    };
    let deep = format!(
        r#"{{"variables":{set},"deep":{}1{}}}"#,
        "[".repeat(150),
        "]".repeat(150)
    );
    for (body, variables) in [
        (
            body(json!({"GITOPS_STEPS_OVERRIDE_POLICY": "x"})),
            vec![asked, ("GITOPS_STEPS_OVERRIDE_POLICY", "x")],
        ),
        (body(json!({"gitops_steps_env": "prod"})), vec![asked]),
        (
            body(json!({"OTHER": "x", "GITOPS_STEPS_CONFIG_REPO": "https://evil.example/x"})),
            vec![asked],
        ),
        (body(set.clone()), taken_over.to_vec()),
        (padded, taken_over.to_vec()),
        (deep, taken_over.to_vec()),
    ] {
        let bench = bench();
        let before = bench.state();
        on_gitlab(&bench, &body, &variables, &[])
            .exits(2)
            .prints_plainly();
        assert_eq!(bench.state(), before);
    }
    let bench = bench();
    on_gitlab(
        &bench,
        &body(json!({"GITOPS_STEPS_ENV": "prod"})),
        &[],
        &["--from-event", "auto"],
    )
    .exits(2)
    .says("the trigger may not set the variable `GITOPS_STEPS_ENV`");
    // A step that reads no event sends its token to the same places.
    on_gitlab(
        &bench,
        &body(json!({"CI_API_V4_URL": "https://evil.example/api/v4"})),
        &[],
        &["--file=dev.yaml", "--set=shop=x"],
    )
    .exits(2)
    .says("the trigger may not set the variable `CI_API_V4_URL`");
    for (name, value) in [
        ("CI_API_V4_URL", "https://evil.example/api/v4"),
        ("CI_SERVER_HOST", "evil.example"),
        ("GITHUB_SERVER_URL", "https://evil.example"),
        ("GITLAB_TOKEN", "glpat-s3cret-of-a-stranger"),
        ("ARGOCD_SERVER", "https://evil.example"),
        ("https_proxy", "http://evil.example"),
        ("SSL_CERT_FILE", "evil.pem"),
        ("GIT_SSH_COMMAND", "./evil"),
    ] {
        let before = bench.state();
        on_gitlab(&bench, &body(json!({"OTHER": "x", name: value})), &[asked], &[])
            .exits(2)
            .says(&format!("the trigger may not set the variable `{name}`"));
        assert_eq!(bench.state(), before, "{name}");
    }
    on_gitlab(&bench, &body(json!({"OTHER": "x", "CI": "true"})), &[asked], &[]).exits(0);
}

#[test]
fn without_an_event_the_way_to_give_one_is_told() {
    let bench = bench();
    bench
        .bump(&["--from-event", "auto"])
        .exits(2)
        .says("--from-event FILE");
    bench
        .bump(&["--from-event", "gone.json"])
        .exits(2)
        .says("gone.json");
}

#[test]
fn fields_that_nobody_reads_are_told() {
    let bench = bench();
    let mut payload = flat();
    payload["colour"] = json!("red\u{1b}[0m");
    on_github(&bench, &dispatched(&payload).to_string(), &[])
        .exits(0)
        .says("client_payload.colour");
}

#[test]
fn a_dry_run_of_an_event_shows_what_it_would_push() {
    let bench = bench();
    let before = bench.state();
    let run = on_github(&bench, &dispatched(&flat()).to_string(), &["--dry-run"]).exits(0);
    assert!(
        run.stdout.contains("+image: registry.example/acme/open:1.1.0"),
        "{}",
        run.stdout
    );
    assert_eq!(bench.state(), before);
}
