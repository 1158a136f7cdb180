//! Registries that are ill, busy or lead elsewhere.

use gitops_steps::words::fault::Kind;

use super::asker::{ANA, asker, asker_with, login, look, tag};
use crate::support::registry::{FakeRegistry, Lock};

#[test]
fn a_server_that_is_no_registry_is_not_taken_for_an_empty_one() {
    for (status, body) in [
        (404, "<html>not found</html>"),
        (404, "[]"),
        (404, "\"errors\""),
        (404, "7"),
        (404, "{\"errors\":{}}"),
        (200, "<html>welcome</html>"),
        (200, "[]"),
        (200, ""),
    ] {
        let server = FakeRegistry::start();
        server.instead("/v2/", 9, status, &[], body);
        let why = asker(&[]).tags(&server).unwrap_err();
        assert!(
            why.starts_with("Denied") && why.contains("no registry's"),
            "{why}"
        );
        let fault = look(&server, "1.0", None).unwrap_err();
        assert_eq!(fault.kind, Kind::Denied, "{fault}");
    }
}

#[test]
fn a_blob_elsewhere_is_fetched_without_the_login() {
    let (registry, storage) = (FakeRegistry::locked(Lock::Basic), FakeRegistry::start());
    registry.stores_at(&format!("http://{}", storage.host()));
    let image = registry.put_image("amd64", "2026-11-20T10:00:00Z");
    storage.put_image("amd64", "2026-11-20T10:00:00Z");
    registry.tag("1.0", &image);
    let asked = asker_with(&login(&registry, ANA)).open(&registry.image());
    assert!(asked.image(&tag("1.0"), None).unwrap().unwrap().built.is_some());
    // The storage itself refuses a login.
    assert_eq!(storage.seen().len(), 1);
}

#[test]
fn nobody_is_led_away_from_tls_or_in_a_circle() {
    for (to, says) in [
        ("http://registry.example/x", "without TLS"),
        ("file:///etc/passwd", "without TLS"),
        ("https://", "no URL"),
        ("/v2/acme/web/tags/list", "more than 5 times"),
    ] {
        let registry = FakeRegistry::start();
        registry.instead("tags/list", 99, 307, &[("Location", to)], "");
        let why = asker(&[]).tags(&registry).unwrap_err();
        assert!(why.starts_with("Denied") && why.contains(says), "{to}: {why}");
    }
}

#[test]
fn a_rate_limit_and_an_ailing_registry_are_waited_for() {
    for status in [429, 503] {
        let registry = FakeRegistry::start();
        registry.tag("1.0", "");
        registry.instead("tags/list", 1, status, &[("Retry-After", "0")], "");
        assert_eq!(asker(&[]).tags(&registry).unwrap(), ["1.0"]);
    }
    let registry = FakeRegistry::start();
    let body = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"You have reached your pull rate limit"}]}"#;
    registry.instead("tags/list", 9, 429, &[("Retry-After", "3600")], body);
    let why = asker(&[]).tags(&registry).unwrap_err();
    assert!(
        why.starts_with("GaveUp") && why.contains("reached your pull rate limit"),
        "{why}"
    );
    assert_eq!(registry.seen().len(), 1);
}

#[test]
fn answers_that_are_too_long_are_not_read_whole() {
    let long = " ".repeat(5 << 20);
    let registry = FakeRegistry::start();
    registry.instead("/manifests/", 1, 200, &[], &long);
    let fault = look(&registry, "1.0", None).unwrap_err();
    assert_eq!(fault.kind, Kind::Denied);
    assert!(fault.message.contains("longer than 4 MiB"), "{fault}");

    let registry = FakeRegistry::locked(Lock::Public);
    registry.instead("/token", 1, 200, &[], &long);
    assert!(
        asker(&[])
            .tags(&registry)
            .unwrap_err()
            .contains("longer than 1 MiB")
    );
}
