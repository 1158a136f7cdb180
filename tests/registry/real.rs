//! The distribution project's own registry says what the fake says, and all that asks one works with it.
//!
//! `.ci/run` builds the program; where there is none, these say that they are skipped.

use serde_json::Value;

use super::asker::{asker, asker_with, tag};
use crate::support::cli::{Bench, Run};
use crate::support::real_registry::RealRegistry;

const IMAGE: &str = "acme/web";

#[test]
fn a_real_registry_tells_what_was_pushed_to_it() {
    let Some(real) = RealRegistry::start() else { return };
    let index = real
        .push_index(IMAGE, "1.0.0", &["amd64", "arm64"], "2026-11-20T11:00:00Z")
        .digest;
    let arm = real
        .push_image(IMAGE, "1.0.0-arm64", "arm64", "2026-11-20T10:00:00Z")
        .digest;
    let (image, login) = (format!("{}/{IMAGE}", real.host()), real.login());
    let registry = asker_with(&login).open(&image);
    let mut tags: Vec<String> = registry.tags().unwrap().iter().map(ToString::to_string).collect();
    tags.sort();
    assert_eq!(tags, ["1.0.0", "1.0.0-amd64", "1.0.0-arm64"]);
    let digest = |name: &str| registry.digest(&name.parse().unwrap()).unwrap();
    assert_eq!(digest("1.0.0").unwrap().as_str(), index);
    assert_eq!(digest("1.0.0-arm64").unwrap().as_str(), arm);
    assert!(digest("2.0.0").is_none());

    let wanted = "linux/arm64".parse().unwrap();
    let found = registry.image(&tag("1.0.0"), Some(&wanted)).unwrap().unwrap();
    assert!(found.runs_on(&wanted) && found.platforms.len() == 2);
    assert_eq!(found.built, Some("2026-11-20T11:00:00Z".parse().unwrap()));
    let single = registry.image(&tag("1.0.0-arm64"), None).unwrap().unwrap();
    assert_eq!(single.built, Some("2026-11-20T10:00:00Z".parse().unwrap()));

    let other = asker_with(&login).open(&format!("{}/acme/other", real.host()));
    let missing = other.tags().unwrap_err();
    assert!(missing.message.contains("has no image `acme/other`"));
    let nobody = asker(&[]).open(&image).tags().unwrap_err();
    assert!(
        nobody.hint.unwrap().contains("docker login"),
        "{}",
        nobody.message
    );
}

/// Runs a command with the registry's login; it may be the one of another bench.
fn run(real: &RealRegistry, bench: &Bench, arguments: &[&str]) -> Run {
    let mut command = bench.command();
    command.args(arguments).env("DOCKER_AUTH_CONFIG", real.login());
    Run::from(command.output().unwrap())
}

fn chosen(real: &RealRegistry, image: &str, arguments: &[&str]) -> String {
    let image = format!("{}/{image}", real.host());
    let all = [&["resolve-image", "--image", &image], arguments].concat();
    run(real, &Bench::new(&[]), &all)
        .exits(0)
        .stdout
        .trim_end()
        .to_owned()
}

#[test]
fn each_order_finds_its_tag_in_a_real_registry() {
    let Some(real) = RealRegistry::start() else { return };
    for (hour, name) in [
        "1.0.9",
        "1.1.0",
        "2.0.0",
        "v1.10.0",
        "1.11.0-rc.1",
        "main-9",
        "main-12",
    ]
    .iter()
    .enumerate()
    {
        real.push_image(
            IMAGE,
            name,
            "amd64",
            &format!("2026-11-20T{:02}:00:00Z", 20 - hour),
        );
    }
    let both = real
        .push_index(IMAGE, "1.2.0", &["amd64", "arm64"], "2026-11-20T01:00:00Z")
        .digest;
    let newest = real
        .push_image(IMAGE, "dev", "amd64", "2026-11-21T00:00:00Z")
        .digest;
    for (arguments, value) in [
        (&["--constraint", "~> 1.1"][..], "v1.10.0"),
        (&["--constraint", "~> 1.1", "--pre-releases"], "1.11.0-rc.1"),
        (
            &[
                "--constraint",
                "^1",
                "--platform",
                "linux/amd64",
                "--platform",
                "linux/arm64",
            ],
            "1.2.0",
        ),
        (&["--constraint", "~1.2", "--write", "digest"], both.as_str()),
        (&["--newest"], "dev"),
        (&["--newest", "--allow", r"^\d"], "1.0.9"),
        (&["--numeric", "--extract", r"^main-(\d+)$"], "main-12"),
        (&["--lexical", "--allow", "^main"], "main-9"),
        (&["--follow-tag", "dev"], &format!("dev@{newest}")),
    ] {
        assert_eq!(chosen(&real, IMAGE, arguments), value, "{arguments:?}");
    }
    real.retag(IMAGE, "dev", &["1.3.0".to_owned()]);
    assert_eq!(chosen(&real, IMAGE, &["--follow-tag", "dev"]), "1.3.0");
}

#[test]
fn a_chart_in_a_real_registry_has_its_versions_as_tags() {
    let Some(real) = RealRegistry::start() else { return };
    for name in ["1.0.0", "1.1.0_build.2", "1.1.0_build.10"] {
        real.push_chart("charts/web", name);
    }
    assert_eq!(
        chosen(&real, "charts/web", &["--constraint", "^1"]),
        "1.1.0_build.10"
    );
}

#[test]
fn more_tags_than_a_page_has_come_from_a_real_registry_page_by_page() {
    let Some(real) = RealRegistry::start() else { return };
    real.push_image(IMAGE, "1.0.0", "amd64", "2026-11-20T10:00:00Z");
    let others: Vec<String> = (1..=1005).map(|patch| format!("1.0.{patch}")).collect();
    real.retag(IMAGE, "1.0.0", &others);
    assert_eq!(chosen(&real, IMAGE, &["--constraint", "^1"]), "1.0.1005");
    let image = format!("{}/{IMAGE}", real.host());
    let registry = asker_with(&real.login()).open(&image);
    assert_eq!(registry.tags().unwrap().len(), 1006);
}

#[test]
fn what_a_real_registry_has_is_written_and_what_it_lacks_is_not() {
    let Some(real) = RealRegistry::start() else { return };
    let image = format!("{}/{IMAGE}", real.host());
    let policy = format!(
        "version: 1\napps:\n  web:\n    image: {image}\n    environments:\n      dev:\n        auto-deploy: on\n        \
         select: {{constraint: \"~> 1.0\", platforms: linux/arm64, write: tag@digest}}\n        targets: [{{file: dev.yaml}}]\n"
    );
    let values = format!("image:\n  repository: {image}\n  tag: 1.0.0\n  digest: \"\"\n");
    let bench = Bench::cloned(&[(".gitops-steps.yaml", &policy), ("dev.yaml", &values)]);
    real.push_index(IMAGE, "1.1.0", &["amd64", "arm64"], "2026-11-20T10:00:00Z");
    let newer = real
        .push_index(IMAGE, "1.2.0", &["amd64", "arm64"], "2026-11-20T11:00:00Z")
        .digest;
    real.push_image(IMAGE, "1.3.0", "amd64", "2026-11-20T12:00:00Z");
    let bump = |more: &[&str]| {
        let origin = format!("file://{}", bench.origin().display());
        let all = [
            &[
                "bump-values",
                "--format=json",
                "--app=web",
                "--env=dev",
                "--config-repo",
                &origin,
            ],
            more,
        ]
        .concat();
        run(&real, &bench, &all)
    };
    let first: Value = bump(&["--resolve"]).exits(0).json();
    assert_eq!(
        (&first["operation"], &first["old"], &first["new"]),
        (&"updated".into(), &"1.0.0".into(), &"1.2.0".into())
    );
    assert_eq!(
        bench.pushed("dev.yaml"),
        values
            .replace("1.0.0", "1.2.0")
            .replace("\"\"", &format!("\"{newer}\""))
            .trim_end()
    );
    assert_eq!(bump(&["--resolve"]).exits(0).json()["operation"], "unchanged");
    bump(&["--tag=9.9.9", "--drop-digest", "--require-image"]).exits(3);
    bump(&["--tag=1.3.0", "--drop-digest", "--require-platform=linux/arm64"]).exits(3);
    bump(&["--tag=1.3.0", "--drop-digest", "--require-platform=linux/amd64"]).exits(0);
}
