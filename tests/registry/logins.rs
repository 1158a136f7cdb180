//! Who we are, and to whom we say it.

use super::asker::{ANA, asker, asker_with, login};
use crate::support::registry::{FakeRegistry, Lock};

#[test]
fn a_token_is_fetched_for_nobody_and_for_each_kind_of_login() {
    let identity = r#""identitytoken":"s3cret-identity""#;
    let helped = r#""username":"<token>","password":"s3cret-identity""#;
    let plain = r#""auth":"YW5hOnMzY3JldC1wYXNzd29yZA""#;
    for (lock, fields, requests) in [
        (Lock::Public, "", 3),
        (Lock::Public, ANA, 3),
        (Lock::Private, ANA, 3),
        (Lock::Private, plain, 3),
        (Lock::Private, identity, 3),
        (Lock::Private, helped, 3),
        (Lock::Basic, ANA, 2),
        // A login that is not taken is no reason not to read what everybody may.
        (Lock::Public, r#""username":"ana","password":"s3cret-other""#, 4),
    ] {
        let registry = FakeRegistry::locked(lock.clone());
        registry.identity("s3cret-identity");
        registry.tag("1.0", "");
        let asker = asker_with(&login(&registry, fields));
        assert_eq!(asker.tags(&registry).unwrap(), ["1.0"], "{lock:?} {fields}");
        assert_eq!(registry.seen().len(), requests, "{lock:?} {fields}");
        assert!(
            !registry.seen()[0].ends_with('+'),
            "nobody says who they are before they are asked"
        );
        let secrets = asker.told.secrets.lock().unwrap();
        assert!(lock == Lock::Basic || secrets.iter().any(|one| one == "s3cret-token-1"));
        assert!(fields.is_empty() || secrets.len() > usize::from(lock != Lock::Basic));
    }
}

#[test]
fn a_token_of_the_registry_itself_is_taken_as_it_is() {
    let registry = FakeRegistry::locked(Lock::Public);
    registry.tag("1.0", "");
    // Whoever comes first fetches the token that the second has in a file.
    asker(&[]).tags(&registry).unwrap();
    let asker = asker_with(&login(&registry, r#""registrytoken":"s3cret-token-1""#));
    asker.tags(&registry).unwrap();
    assert_eq!(registry.count("/token"), 1);
}

#[test]
fn a_token_that_has_run_out_is_fetched_again() {
    let registry = FakeRegistry::locked(Lock::Private);
    registry.tag("1.0", "");
    let asked = asker_with(&login(&registry, ANA)).open(&registry.image());
    for _ in 0..3 {
        assert_eq!(asked.tags().unwrap().len(), 1);
        registry.expire();
    }
    assert_eq!(registry.count("/token"), 3);
}

#[test]
fn a_login_that_is_not_taken_is_named_and_never_shown() {
    for (lock, says) in [
        (Lock::Private, "the login of DOCKER_AUTH_CONFIG is not taken"),
        (Lock::Basic, "the login of DOCKER_AUTH_CONFIG is not enough"),
    ] {
        let registry = FakeRegistry::locked(lock);
        let asker = asker_with(&login(&registry, r#""username":"ana","password":"s3cret-old""#));
        let why = asker.tags(&registry).unwrap_err();
        assert!(why.starts_with("Denied") && why.contains("docker login"), "{why}");
        assert!(why.contains(says), "{why}");
    }
}

#[test]
fn gitlabs_own_login_opens_its_own_registry() {
    let (registry, other) = (
        FakeRegistry::locked(Lock::Private),
        FakeRegistry::locked(Lock::Private),
    );
    let host = registry.host();
    let asker = asker(&[
        ("CI_REGISTRY", host.as_str()),
        ("CI_REGISTRY_USER", "ana"),
        ("CI_REGISTRY_PASSWORD", "s3cret-password"),
    ]);
    assert!(asker.tags(&registry).is_ok());
    assert!(asker.tags(&other).is_err());
    assert!(other.seen().iter().all(|one| !one.ends_with('+')));
}

#[test]
fn the_files_of_docker_and_podman_are_read() {
    let registry = FakeRegistry::locked(Lock::Private);
    for (variable, file) in [
        ("HOME", ".docker/config.json"),
        ("HOME", ".config/containers/auth.json"),
        ("DOCKER_CONFIG", "config.json"),
        ("XDG_RUNTIME_DIR", "containers/auth.json"),
        ("REGISTRY_AUTH_FILE", "any.json"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, login(&registry, ANA)).unwrap();
        let value = if variable == "REGISTRY_AUTH_FILE" {
            path.as_path()
        } else {
            folder.path()
        };
        let asker = asker(&[(variable, value.to_str().unwrap())]);
        assert!(asker.tags(&registry).is_ok(), "{variable} {file}");

        std::fs::write(&path, "{s3cret").unwrap();
        let why = asker.tags(&registry).unwrap_err();
        assert!(why.contains("line 1 cannot be read"), "{why}");
    }
}

#[test]
fn a_login_goes_to_no_token_service_that_could_be_read_on_the_way() {
    for (wants, says) in [
        (r#"Bearer realm="http://auth.example/token""#, "without TLS"),
        (r#"Bearer realm="ftp://auth.example/token""#, "without TLS"),
        (r#"Bearer realm="https://u:p@auth.example/token""#, "without TLS"),
        (r#"Bearer realm="token""#, "no address"),
        ("Bearer service=\"x\"", "no address"),
        ("Negotiate", "`negotiate`"),
        ("Bearer realm=\"", "does not say how"),
        ("", "does not say how"),
    ] {
        let registry = FakeRegistry::locked(Lock::Private);
        registry.instead("tags/list", 9, 401, &[("WWW-Authenticate", wants)], "");
        let why = asker_with(&login(&registry, ANA)).tags(&registry).unwrap_err();
        assert!(why.starts_with("Denied") && why.contains(says), "{wants}: {why}");
        assert_eq!(registry.seen().len(), 1, "{wants}");
    }
}

#[test]
fn only_the_registry_itself_is_told_who_we_are() {
    let (registry, other) = (FakeRegistry::start(), FakeRegistry::locked(Lock::Private));
    let to = format!("http://{}/v2/acme/web/tags/list", other.host());
    registry.instead("tags/list", 1, 307, &[("Location", &to)], "");
    // Even where there is a login for that other host.
    let why = asker_with(&login(&other, ANA)).tags(&registry).unwrap_err();
    assert!(why.contains("authentication required"), "{why}");
    assert_eq!(other.seen().len(), 1);
}

#[test]
fn a_token_service_that_gives_no_token_ends_the_matter() {
    for body in [
        "",
        "{}",
        r#"{"token":""}"#,
        r#"{"token":"a\nb"}"#,
        r#"{"token":7}"#,
        "<html>",
    ] {
        let registry = FakeRegistry::locked(Lock::Public);
        registry.instead("/token", 9, 200, &[], body);
        let why = asker_with(&login(&registry, ANA)).tags(&registry).unwrap_err();
        assert!(why.contains("answered without a token"), "{body}: {why}");
    }
    let registry = FakeRegistry::locked(Lock::Public);
    registry.instead("/token", 9, 307, &[("Location", "http://auth.example/")], "");
    assert!(asker(&[]).tags(&registry).unwrap_err().contains("without TLS"));
}

#[cfg(unix)]
mod helpers {
    use std::os::unix::fs::PermissionsExt as _;
    use std::time::Duration;

    use super::super::asker::asker_within;
    use super::*;

    /// What came of asking with a helper of this script, and the registry.
    fn tags(lock: Lock, script: &str, limit: Duration) -> Result<Vec<String>, String> {
        let registry = FakeRegistry::locked(lock);
        registry.tag("1.0", "");
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("docker-credential-fake");
        // The file is closed before it is run: one that is open for writing cannot be.
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        let config = format!(r#"{{"credHelpers":{{"{}":"fake"}}}}"#, registry.host());
        let host = registry.host();
        asker_within(
            &[
                ("PATH", path.as_str()),
                ("DOCKER_AUTH_CONFIG", config.as_str()),
                ("HOST", host.as_str()),
            ],
            limit,
        )
        .tags(&registry)
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn a_helper_is_asked_for_the_login_of_the_registry() {
        let script = r#"[ "$1" = get ] && [ "$(cat)" = "$HOST" ] || exit 1
            echo '{"ServerURL":"x","Username":"ana","Secret":"s3cret-password"}'"#;
        for lock in [Lock::Private, Lock::Basic] {
            assert_eq!(tags(lock, script, LONG).unwrap(), ["1.0"]);
        }
    }

    #[test]
    fn a_helper_that_fails_or_talks_nonsense_is_named() {
        for (script, says) in [
            ("echo s3cret; exit 1", "`docker-credential-fake` failed"),
            ("echo s3cret", "something that is no login"),
            ("head -c 3000000 /dev/zero", "docker-credential-fake`"),
            (
                "echo 'credentials not found in native keychain'; exit 1",
                "as somebody who may read it",
            ),
            (
                r#"echo '{"Username":"ana","Secret":""}'"#,
                "as somebody who may read it",
            ),
        ] {
            let why = tags(Lock::Private, script, LONG).unwrap_err();
            assert!(why.starts_with("Denied") && why.contains(says), "{script}: {why}");
            assert_eq!(tags(Lock::Public, script, LONG).unwrap(), ["1.0"], "{script}");
        }
    }

    #[test]
    fn a_helper_that_hangs_leaves_time_to_read_what_everybody_may() {
        let limit = Duration::from_secs(6);
        assert_eq!(tags(Lock::Public, "exec sleep 600", limit).unwrap(), ["1.0"]);
    }
}
