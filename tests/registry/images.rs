//! What an image is, and the versions of a chart.

use gitops_steps::words::fault::Kind;
use gitops_steps::words::image::Tag;
use gitops_steps::world::registry::chart_versions;
use serde_json::json;

use super::asker::{ANA, asker, asker_with, login, look, tag};
use crate::support::registry::{CONFIG, DOCKER_LIST, DOCKER_MANIFEST, FakeRegistry, INDEX, Lock, MANIFEST};

const CREATED: &str = "org.opencontainers.image.created";

#[test]
fn an_image_tells_its_digest_its_platforms_and_when_it_was_built() {
    let registry = FakeRegistry::start();
    let (amd, arm) = (
        registry.put_image("amd64", "2026-11-20T10:00:00Z"),
        registry.put_image("arm64", "2026-11-20T11:00:00Z"),
    );
    registry.tag("single", &amd);
    let entry = |digest: &str, architecture: &str| json!({ "mediaType": MANIFEST, "digest": digest, "platform": { "os": "linux", "architecture": architecture } });
    for (name, form) in [("oci", INDEX), ("docker", DOCKER_LIST)] {
        let entries = [entry(&amd, "amd64"), entry(&arm, "arm64"), entry(&amd, "unknown")];
        let index = json!({ "schemaVersion": 2, "mediaType": form, "manifests": entries, "x": name });
        registry.tag(name, &registry.put(form, &index));
    }
    for (reference, wanted, platforms, built) in [
        ("single", None, "linux/amd64", "2026-11-20T10:00:00Z"),
        ("oci", None, "linux/amd64 linux/arm64", "2026-11-20T10:00:00Z"),
        (
            "oci",
            Some("linux/arm64/v8"),
            "linux/amd64 linux/arm64",
            "2026-11-20T11:00:00Z",
        ),
        (
            "docker",
            Some("linux/arm64"),
            "linux/amd64 linux/arm64",
            "2026-11-20T11:00:00Z",
        ),
        (&arm, None, "linux/arm64", "2026-11-20T11:00:00Z"),
    ] {
        let image = look(&registry, reference, wanted).unwrap().unwrap();
        let found: Vec<String> = image.platforms.iter().map(ToString::to_string).collect();
        assert_eq!(found.join(" "), platforms, "{reference}");
        assert_eq!(
            image.built,
            Some(built.parse().unwrap()),
            "{reference} {wanted:?}"
        );
        assert!(!image.runs_on(&"linux/s390x".parse().unwrap()));
    }
    let single = look(&registry, "single", None).unwrap().unwrap();
    assert_eq!(single.digest.as_str(), amd);
}

#[test]
fn an_annotation_tells_the_time_of_a_build_without_another_request() {
    let registry = FakeRegistry::start();
    let annotations = json!({ CREATED: "2026-11-20T12:00:00Z" });
    let chart = json!({
        "schemaVersion": 2,
        "config": { "mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": format!("sha256:{}", "0".repeat(64)) },
        "annotations": annotations,
    });
    registry.tag("chart", &registry.put(MANIFEST, &chart));
    let entry = |annotated: bool| {
        let mut entry = json!({ "digest": format!("sha256:{}", "1".repeat(64)), "platform": { "os": "linux", "architecture": "amd64" } });
        if annotated {
            entry["annotations"] = annotations.clone();
        }
        entry
    };
    registry.tag(
        "entry",
        &registry.put(INDEX, &json!({ "manifests": [entry(true)] })),
    );
    let index = json!({ "manifests": [entry(false)], "annotations": annotations });
    registry.tag("index", &registry.put(INDEX, &index));
    for (at, (name, platforms)) in [("chart", 0), ("entry", 1), ("index", 1)].into_iter().enumerate() {
        let image = look(&registry, name, None).unwrap().unwrap();
        assert_eq!(
            image.built,
            Some("2026-11-20T12:00:00Z".parse().unwrap()),
            "{name}"
        );
        assert_eq!(image.platforms.len(), platforms, "{name}");
        assert_eq!(registry.seen().len(), at + 1);
    }
}

#[test]
fn tags_that_lead_to_one_image_are_read_once() {
    let registry = FakeRegistry::start();
    let image = registry.put_image("amd64", "2026-11-20T10:00:00Z");
    let asked = asker(&[]).open(&registry.image());
    for name in ["1.2.3", "1.2", "latest"] {
        registry.tag(name, &image);
        assert!(asked.image(&tag(name), None).unwrap().is_some());
    }
    assert_eq!((registry.count("/manifests/"), registry.count("/blobs/")), (3, 1));
}

#[test]
fn a_tag_that_is_missing_is_told_from_an_image_that_is() {
    let registry = FakeRegistry::start();
    let image = registry.put_image("amd64", "2026-11-20T10:00:00Z");
    registry.tag("1.0", &image);
    let asked = asker(&[]).open(&registry.image());
    let digest = |name: &str| asked.digest(&name.parse::<Tag>().unwrap());
    assert_eq!(digest("1.0").unwrap().unwrap().as_str(), image);
    assert_eq!(
        registry.seen(),
        ["HEAD /v2/acme/web/manifests/1.0"],
        "Docker Hub counts no HEAD"
    );
    assert!(digest("1.1").unwrap().is_none());
    assert!(asked.image(&tag("1.1"), None).unwrap().is_none());
    let missing = format!("sha256:{}", "0".repeat(64));
    assert!(look(&registry, &missing, None).unwrap().is_none());

    let other = asker(&[]).open(&format!("{}/acme/other", registry.host()));
    for fault in [
        other.tags().unwrap_err(),
        other.digest(&"1.0".parse().unwrap()).unwrap_err(),
        other.image(&tag("1.0"), None).unwrap_err(),
    ] {
        assert_eq!(fault.kind, Kind::NotFound);
        assert!(fault.message.contains("has no image `acme/other`"), "{fault}");
    }
}

#[test]
fn a_digest_that_is_not_told_is_that_of_the_content() {
    let registry = FakeRegistry::start();
    registry.hides_digests();
    let image = registry.put_image("amd64", "2026-11-20T10:00:00Z");
    registry.tag("1.0", &image);
    let digest = asker(&[]).open(&registry.image()).digest(&"1.0".parse().unwrap());
    assert_eq!(digest.unwrap().unwrap().as_str(), image);
    let seen = look(&registry, "1.0", None).unwrap().unwrap();
    assert_eq!(seen.digest.as_str(), image);
}

#[test]
fn content_that_is_not_what_its_digest_says_is_refused() {
    for alters_config in [false, true] {
        let registry = FakeRegistry::start();
        let config = registry.put(CONFIG, &json!({ "os": "linux", "architecture": "amd64" }));
        let manifest = json!({ "config": { "mediaType": CONFIG, "digest": config } });
        let image = registry.put(DOCKER_MANIFEST, &manifest);
        registry.tag("1.0", &image);
        registry.alter(if alters_config { &config } else { &image });
        for reference in ["1.0", &image] {
            let fault = look(&registry, reference, None).unwrap_err();
            assert_eq!(fault.kind, Kind::Denied);
            assert!(fault.message.contains("not what its digest says"), "{fault}");
        }
    }
}

#[test]
fn a_charts_versions_are_read_from_its_repository() {
    let server = FakeRegistry::start();
    let index = "apiVersion: v1\nentries:\n  web:\n  - version: 1.2.3\n    created: 2026-11-20T10:00:00Z\n  - version: 1.3.0-rc.1+x\n";
    server.instead("/charts/index.yaml", 3, 200, &[], index);
    let address = format!("http://{}/charts", server.host());
    let versions = chart_versions(&address, "web", &asker(&[]).access).unwrap();
    let found: Vec<&str> = versions.iter().map(|one| one.tag.as_str()).collect();
    assert_eq!(found, ["1.2.3", "1.3.0-rc.1+x"]);
    assert!(versions[0].built.is_some() && versions[1].built.is_none());
    let fault = chart_versions(&address, "api", &asker(&[]).access).unwrap_err();
    assert_eq!(fault.kind, Kind::NotFound, "{fault}");
    assert!(fault.message.contains("no chart `api`"), "{fault}");
    for (status, body, kind) in [
        (404, "", Kind::NotFound),
        (401, "", Kind::Denied),
        (200, "<html>", Kind::Denied),
        (200, "entries: [", Kind::Denied),
    ] {
        let server = FakeRegistry::start();
        server.instead("/index.yaml", 1, status, &[], body);
        let address = format!("http://{}", server.host());
        let fault = chart_versions(&address, "web", &asker(&[]).access).unwrap_err();
        assert_eq!(fault.kind, kind, "{status} {body}");
    }
}

#[test]
fn many_may_ask_at_once() {
    let registry = FakeRegistry::locked(Lock::Private);
    let image = registry.put_image("amd64", "2026-11-20T10:00:00Z");
    for at in 0..40 {
        registry.tag(&at.to_string(), &image);
    }
    let asked = asker_with(&login(&registry, ANA)).open(&registry.image());
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let asked = &asked;
            scope.spawn(move || {
                for at in (worker..40).step_by(4) {
                    assert!(asked.image(&tag(&at.to_string()), None).unwrap().is_some());
                }
            });
        }
    });
    assert_eq!(registry.count("/token"), 1, "one token is enough for all");
}
