//! `config-check.yml` and `image-watch.yml`, in the config repo.

use serde_json::json;

use super::starter::{our_step, rights, starter_named, variables};
use crate::support::cli::{Bench, Run};
use crate::support::github::{Fake, Grant};
use crate::support::registry::FakeRegistry;
use crate::support::stage::{Forge, REPO, Stage, Way};

const POLICY: &str = "\
version: 1
apps:
  web:
    image: ghcr.io/acme/web
    environments:
      dev: {auto-deploy: on, targets: [{file: web/dev.yaml, path: image}]}
";
const VALUES: &str = "image:\n  repository: ghcr.io/acme/web\n  tag: \"1.0.0\"\n";
const TOKEN: &str = "s3cret-of-the-job";

/// It is given no token: the checkout is all that it reads.
#[test]
fn what_is_wrong_in_the_config_repo_is_shown_on_its_line() {
    let workflow = starter_named("config-check");
    let job = &workflow["jobs"]["check"];
    assert_eq!(rights(job), ["contents=read"]);
    for (files, code, said) in [
        (
            vec![(".gitops-steps.yaml", POLICY), ("web/dev.yaml", VALUES)],
            0,
            "",
        ),
        (
            vec![(".gitops-steps.yaml", POLICY), ("web/dev.yaml", "image: {}\n")],
            2,
            "::error file=web/dev.yaml,line=1",
        ),
        (
            vec![
                (".gitops-steps.yaml", POLICY),
                ("web/dev.yaml", VALUES),
                ("web/other.yaml", "a: [\n"),
            ],
            2,
            "::error file=web/other.yaml",
        ),
    ] {
        let bench = Bench::new(&files);
        let run = bench
            .command()
            .envs([("CI", "true"), ("GITHUB_ACTIONS", "true")])
            .env("GITHUB_WORKSPACE", bench.repo())
            .envs(variables(our_step(job), &json!({})))
            .output();
        let run = Run::from(run.unwrap()).exits(code);
        let shown = format!("{}{}", run.stdout, run.stderr);
        assert!(shown.contains(said), "{shown}");
    }
}

#[test]
fn what_the_registry_has_is_pushed_or_asked_for_as_the_policy_says() {
    let registry = FakeRegistry::start();
    for (hour, tag) in ["1.0.0", "1.1.0", "2.0.0"].iter().enumerate() {
        let digest = registry.put_image("amd64", &format!("2026-11-20T{hour:02}:00:00Z"));
        registry.tag(tag, &digest);
    }
    let policy = format!(
        "version: 1\napps:\n  web:\n    image: {}\n    environments:\n      dev:\n        auto-deploy: on\n        \
         select: {{constraint: ^1}}\n        targets: [{{file: dev.yaml}}]\n      prod:\n        select: {{constraint: ^1}}\n        \
         targets: [{{file: prod.yaml}}]\n",
        registry.image()
    );
    let values = |tag: &str| {
        format!(
            "image:\n  repository: {}\n  tag: \"{tag}\" # kept\n",
            registry.image()
        )
    };
    let stage = Stage::github(
        Way::Api,
        &[
            (".gitops-steps.yaml", &policy),
            ("dev.yaml", &values("1.0.0")),
            ("prod.yaml", &values("1.0.0")),
        ],
    );
    let Forge::Hub(hub) = &stage.forge else {
        unreachable!("it is GitHub")
    };
    for operation in ["updated", "unchanged"] {
        assert_eq!(watch(hub, "dev"), operation);
        assert_eq!(stage.file("main", "dev.yaml").unwrap(), values("1.1.0"));
    }
    for operation in ["created", "unchanged"] {
        assert_eq!(watch(hub, "prod"), operation);
        assert_eq!(
            stage.file("promote/prod/web", "prod.yaml").unwrap(),
            values("1.1.0")
        );
    }
    assert_eq!(stage.file("main", "prod.yaml").unwrap(), values("1.0.0"));
}

/// Runs the step for an environment, with the rights that the job asks for; returns what it did.
fn watch(hub: &Fake, env: &str) -> String {
    let workflow = starter_named("image-watch");
    let job = &workflow["jobs"]["watch"];
    let held = rights(job);
    let held: Vec<&str> = held.iter().map(String::as_str).collect();
    hub.token(TOKEN, Grant::workflow(REPO).only(&held));
    let context = json!({
        "github": {"repository": REPO, "token": TOKEN}, "vars": {}, "secrets": {},
        "matrix": {"app": job["strategy"]["matrix"]["include"][0]["app"], "env": env},
    });
    let bench = Bench::new(&[]);
    let run = bench
        .command()
        .envs([
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_REPOSITORY", REPO),
        ])
        .env("GITHUB_API_URL", hub.api_url())
        .env("GITHUB_SERVER_URL", hub.url())
        .env("GITOPS_STEPS_FORMAT", "json")
        .envs(variables(our_step(job), &context))
        .output();
    let run = Run::from(run.unwrap()).exits(0);
    run.json()["operation"].as_str().unwrap().to_owned()
}
