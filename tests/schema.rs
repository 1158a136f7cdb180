//! The JSON Schema of the policy file is the one that the types give, and it says yes and no where they do.

use gitops_steps::words::policy::{FILE_NAME, Policy, schema};
use serde_json::{Value, json};

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/gitops-steps.schema.json");

#[test]
fn the_schema_in_the_repository_is_current() {
    let due = format!("{:#}\n", schema());
    if std::env::var_os("GITOPS_STEPS_BLESS").is_some() {
        std::fs::write(SCHEMA, &due).expect("the schema can be written");
    }
    let found = std::fs::read_to_string(SCHEMA).unwrap_or_default();
    assert!(
        found == due,
        "run `GITOPS_STEPS_BLESS=1 cargo test schema` and commit {SCHEMA}"
    );
}

/// A policy that uses most keys; each test changes one thing in it.
fn example() -> Value {
    json!({
        "version": 1,
        "apps": {
            "*": { "environments": { "*": { "targets": [{ "file": "{app}/{env}.yaml" }] } } },
            "web": {
                "image": ["ghcr.io/acme/web", "ghcr.io/acme/job"],
                "source": ["acme/web"],
                "senders": "ci-bot[bot]",
                "environments": {
                    "dev": {
                        "auto-deploy": "On",
                        "targets": [{ "file": "web/dev.yaml", "path": "image", "image": "ghcr.io/acme/web" }],
                    },
                    "prod": {
                        "auto-deploy": false,
                        "promote-from": "dev",
                        "clusters": {
                            "cloud": [{ "file": "web/cloud.yaml", "image": "ghcr.io/acme/web", "kind": "helm", "document": 0 }],
                        },
                        "guard": "semver",
                        "frozen": { "from": "2026-12-20", "until": "2027-01-04", "reason": "holidays" },
                        "pull-request": { "labels": ["production"], "reviewers": [], "auto-merge": "none", "draft": "no" },
                        "chart": { "path": "web", "bump": "patch", "app-version": true },
                    },
                },
            },
        },
    })
}

#[test]
fn the_schema_and_the_program_agree_on_what_is_right() {
    let dev = "/apps/web/environments/dev";
    let prod = "/apps/web/environments/prod";
    let cases = [
        (String::new(), "version", json!(1), true),
        (String::new(), "version", json!(2), false),
        (String::new(), "extra", json!(1), false),
        (
            "/apps".to_owned(),
            "Bad_Name",
            json!({ "environments": { "a": { "targets": [{ "file": "a" }] } } }),
            false,
        ),
        ("/apps/web".to_owned(), "image", json!(7), false),
        (dev.to_owned(), "auto-deploy", json!("MANUAL"), true),
        (dev.to_owned(), "auto-deploy", json!("onn"), false),
        (dev.to_owned(), "auto-deploy", json!(true), true),
        (dev.to_owned(), "auto-deply", json!("on"), false),
        (prod.to_owned(), "guard", json!("semvar"), false),
        (prod.to_owned(), "guard", json!("none"), true),
        (prod.to_owned(), "select", json!("newest"), true),
        (prod.to_owned(), "select", json!("oldest"), false),
        (
            prod.to_owned(),
            "select",
            json!({ "constraint": "~> 1.1", "write": "tag@digest" }),
            true,
        ),
        (
            prod.to_owned(),
            "select",
            json!({ "newest": "On", "allow": "^main-", "limit": 500 }),
            true,
        ),
        (
            prod.to_owned(),
            "select",
            json!({ "newest": true, "numeric": true }),
            false,
        ),
        (prod.to_owned(), "select", json!({ "newest": false }), false),
        (prod.to_owned(), "select", json!({ "allow": "^main-" }), false),
        (
            prod.to_owned(),
            "select",
            json!({ "follow-tag": "{env}", "platforms": ["linux/arm64"] }),
            true,
        ),
        (
            prod.to_owned(),
            "select",
            json!({ "lexical": "yes", "pre-release": "on" }),
            false,
        ),
        (prod.to_owned(), "targets", json!([{ "file": "a" }]), false),
        (format!("{prod}/pull-request"), "draft", json!("Yes"), true),
        (format!("{prod}/pull-request"), "draft", json!("manual"), false),
        (format!("{prod}/pull-request"), "auto-merge", json!("fast"), false),
        (format!("{prod}/frozen"), "until", Value::Null, false),
        (format!("{prod}/chart"), "bump", json!("minor"), true),
    ];
    let validator = jsonschema::validator_for(&schema()).expect("the schema is one");
    for (at, key, value, right) in cases {
        let mut policy = example();
        let object = policy
            .pointer_mut(&at)
            .and_then(Value::as_object_mut)
            .expect("the object exists");
        object.insert(key.to_owned(), value.clone());
        let text = policy.to_string();
        let parsed = Policy::parse(FILE_NAME, text.as_bytes());
        assert_eq!(
            parsed.is_ok(),
            right,
            "the program on {at}/{key}: {value}: {parsed:?}"
        );
        assert_eq!(
            validator.is_valid(&policy),
            right,
            "the schema on {at}/{key}: {value}"
        );
    }
}
