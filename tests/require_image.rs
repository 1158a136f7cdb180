//! `--require-image` writes nothing that the registry does not have, by every way to a config repo on both forges.

use crate::support::cli::Bench;
use crate::support::registry::{FakeRegistry, INDEX, Lock, MANIFEST};
use crate::support::stage::Stage;
use serde_json::json;

/// A registry with `v1.0.0` and `1.1.0` for one platform, and `1.2.0` for two; returns the digest of the last one.
fn stocked() -> (FakeRegistry, String) {
    let registry = FakeRegistry::start();
    for tag in ["v1.0.0", "1.1.0"] {
        registry.tag(
            tag,
            &registry.put_image("amd64", &format!("2026-11-20T0{}:00:00Z", tag.len())),
        );
    }
    let entry = |architecture: &str| {
        json!({ "mediaType": MANIFEST, "size": 1, "platform": { "os": "linux", "architecture": architecture },
        "digest": registry.put_image(architecture, "2026-11-20T09:00:00Z") })
    };
    let entries = [entry("amd64"), entry("arm64")];
    let digest = registry.put(
        INDEX,
        &json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries }),
    );
    registry.tag("1.2.0", &digest);
    (registry, digest)
}

fn files(registry: &FakeRegistry) -> [(&'static str, String); 3] {
    let image = registry.image();
    let policy = format!(
        "version: 1\napps:\n  web:\n    image: {image}\n    environments:\n      dev: {{auto-deploy: on, targets: [{{file: dev.yaml}}]}}\n      \
         prod: {{promote-from: dev, targets: [{{file: prod.yaml}}]}}\n"
    );
    let values = format!("image:\n  repository: {image}\n  tag: 0.9.0\n");
    [
        (".gitops-steps.yaml", policy),
        ("dev.yaml", values.clone()),
        ("prod.yaml", values),
    ]
}

fn stages(registry: &FakeRegistry) -> Vec<Stage> {
    let files = files(registry);
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    Stage::all(&files)
}

#[test]
fn a_tag_or_digest_that_the_registry_does_not_have_is_never_pushed() {
    let (registry, digest) = stocked();
    let nothing = format!("sha256:{}", "0".repeat(64));
    for stage in stages(&registry) {
        let bump = |more: &[&str]| {
            let arguments = [
                "--app=web",
                "--env=dev",
                "--publish=push",
                "--require-image",
                "--drop-tag",
                "--drop-digest",
            ];
            stage.run("bump-values", &[&arguments, more].concat())
        };
        let before = stage.messages("main").len();
        bump(&["--tag=1.0.0"])
            .exits(3)
            .says("has no tag `1.0.0`")
            .says("did you mean `v1.0.0`?");
        bump(&["--tag=nowhere"]).exits(3).says("resolve-image --explain");
        bump(&["--tag=1.3.0", "--dry-run"]).exits(3);
        bump(&["--digest", &nothing])
            .exits(3)
            .says("has no image `sha256:0");
        bump(&["--tag=1.1.0", "--digest", &nothing]).exits(3);
        assert_eq!(stage.messages("main").len(), before, "{}", stage.name());
        bump(&["--tag=1.1.0"]).exits(0);
        bump(&["--tag=1.2.0", "--digest", &digest]).exits(0);
        bump(&["--digest", &digest]).exits(0);
        assert!(
            stage.file("main", "dev.yaml").unwrap().contains(&digest),
            "{}",
            stage.name()
        );

        let open = |more: &[&str]| {
            stage.run(
                "open-promotion-pr",
                &[&["--app=web", "--env=prod", "--require-image"], more].concat(),
            )
        };
        open(&["--tag=1.0.0"]).exits(3);
        assert!(stage.requests().is_empty(), "{}", stage.name());
        open(&[]).exits(0);
        assert_eq!(stage.requests().len(), 1);
    }
}

fn bench(registry: &FakeRegistry) -> Bench {
    let files = files(registry);
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    Bench::new(&files)
}

#[test]
fn a_digest_of_another_image_than_the_tag_is_told() {
    let (registry, digest) = stocked();
    let bench = bench(&registry);
    let bump = |tag: &str| {
        bench.bump(&[
            "--app=web",
            "--env=dev",
            tag,
            "--digest",
            &digest,
            "--require-image",
        ])
    };
    let told = "is another image now, sha256:";
    bump("--tag=1.1.0").exits(0).says(told).says(&digest);
    let run = bump("--tag=1.2.0").exits(0);
    assert!(!run.stderr.contains(told), "{}", run.stderr);
}

#[test]
fn an_image_that_does_not_run_where_it_has_to_is_refused() {
    let (registry, digest) = stocked();
    let bench = bench(&registry);
    let image = registry.image();
    let bump = |platforms: &[&str], more: &[&str]| {
        let named: Vec<String> = platforms
            .iter()
            .map(|one| format!("--require-platform={one}"))
            .collect();
        let mut all = vec!["--file=dev.yaml", "--image", &image];
        all.extend(named.iter().map(String::as_str));
        all.extend(more);
        bench.bump(&all)
    };
    bump(&["linux/amd64", "linux/arm64"], &["--tag=1.1.0"])
        .exits(3)
        .says("at `1.1.0` does not run on linux/arm64")
        .says("it runs on linux/amd64");
    bump(&["windows/amd64"], &["--tag=1.2.0", "--digest", &digest])
        .exits(3)
        .says("it runs on linux/amd64, linux/arm64");
    bump(&["linux"], &["--tag=1.2.0"])
        .exits(2)
        .says("--require-platform: `linux` is not a platform");
    assert!(bench.read("dev.yaml").contains("0.9.0"));
    bump(&["linux/amd64", "linux/arm64"], &["--tag=1.2.0"]).exits(0);
    assert!(bench.read("dev.yaml").contains("1.2.0"));
}

#[test]
fn what_stands_already_is_not_asked_for_and_one_image_at_two_places_is_asked_for_once() {
    let (registry, _) = stocked();
    let bench = bench(&registry);
    let image = registry.image();
    let bump = || {
        bench.bump(&[
            "--file=dev.yaml",
            "--file=prod.yaml",
            "--all",
            "--image",
            &image,
            "--tag=1.1.0",
            "--require-image",
        ])
    };
    bump().exits(0);
    assert_eq!(registry.seen().len(), 1, "{:?}", registry.seen());
    bump().exits(0);
    assert_eq!(registry.seen().len(), 1);
}

#[test]
fn a_registry_that_lets_nobody_in_is_no_answer() {
    let registry = FakeRegistry::locked(Lock::Private);
    let bench = bench(&registry);
    let run = bench.bump(&["--app=web", "--env=dev", "--tag=1.1.0", "--require-image"]);
    run.exits(5).says("docker login");
    assert!(bench.read("dev.yaml").contains("0.9.0"));
}

#[test]
fn a_value_of_which_nobody_knows_the_image_is_told_with_its_line() {
    let bench = Bench::new(&[("dev.yaml", "a: b\nimage:\n  tag: 1.0.0\n")]);
    bench
        .bump(&["--file=dev.yaml", "--set=image.tag=1.1.0", "--require-image"])
        .exits(2)
        .says("dev.yaml:3: nothing tells which image");
    let bench = Bench::new(&[("dev.yaml", "image:\n  tag: 1.0.0\nsize: small\n")]);
    bench
        .bump(&["--file=dev.yaml", "--set=size=large", "--require-image"])
        .exits(0);
}
