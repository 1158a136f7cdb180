//! Which answers are waited out, which end a request, and what the user hears of them.

use std::cell::Cell;
use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::words::forge_repo::ForgeKind;
use crate::world::env::Environment;
use crate::world::forge::access::{ApiRoot, Credential};
use crate::world::git_config::GitConfig;
use crate::world::http::Http;
use crate::world::progress::Silent;

fn answer(status: u16, headers: &[(&'static str, &'static str)], json: Value) -> Answer {
    let headers = headers.iter().map(|(name, value)| {
        let name = reqwest::header::HeaderName::from_static(name);
        (name, reqwest::header::HeaderValue::from_static(value))
    });
    Answer {
        status,
        headers: headers.collect(),
        json,
    }
}

fn access(limit: Duration) -> ForgeAccess {
    let nothing = Environment::default();
    ForgeAccess {
        http: Http::new(&nothing, &GitConfig::default()),
        credential: Credential::None,
        root: ApiRoot::of(ForgeKind::GitHub, None, &nothing).unwrap(),
        deadline: Deadline::after(limit),
        progress: Arc::new(Silent),
    }
}

#[test]
fn a_request_that_takes_too_long_does_not_take_all_the_time() {
    let hour = Duration::from_secs(3600);
    for (effect, most) in [(Effect::Read, READ_TAKES), (Effect::Write, WRITE_TAKES)] {
        assert!(effect.deadline(Deadline::after(hour)).left() <= most);
        assert!(effect.deadline(Deadline::after(Duration::ZERO)).passed());
    }
    let access = access(hour);
    let asked = Cell::new(0);
    let second_answers = || {
        asked.set(asked.get() + 1);
        match asked.get() {
            1 => Err(Lost::too_late("h", Deadline::after(Duration::ZERO))),
            _ => Ok(answer(200, &[], Value::Null)),
        }
    };
    let came = call(&access, Effect::Read, "it", second_answers);
    assert!(matches!(came, Ok(Called::Answered(_))));
    asked.set(0);
    let came = call(&access, Effect::Write, "it", second_answers);
    assert!(matches!(came, Ok(Called::Unclear(_))));
    assert_eq!(asked.get(), 1, "a write is not sent twice");
}

#[test]
fn only_a_lasting_redirect_to_the_same_server_tells_of_a_new_name() {
    let root = Url::parse("https://ghe.example/api/v3").unwrap();
    for (status, location, says) in [
        (
            301,
            "https://ghe.example/api/v3/repositories/1",
            "another name now, and is at `https://ghe.example/api/v3/repositories/1`",
        ),
        (307, "/api/v3/repositories/1", "another name now"),
        (308, "/x?s3cret", "another name now"),
        (
            302,
            "/login?return_to=s3cret",
            "sends us to `https://ghe.example/login`: check --api-url",
        ),
        (
            301,
            "https://u:s3cret@sso.example/login?state=s3cret",
            "sends us to `https://sso.example/login`",
        ),
        (307, "http://ghe.example/", "sends us to `http://ghe.example/`"),
        (302, "https://", "check --api-url"),
    ] {
        let mut answer = answer(status, &[], Value::Null);
        answer.headers.insert("location", location.parse().unwrap());
        let hint = answer.moved_hint(&root).unwrap();
        assert!(
            hint.contains(says) && !hint.contains("s3cret"),
            "{location}: {hint}"
        );
    }
    assert!(answer(404, &[], Value::Null).moved_hint(&root).is_none());
}

#[test]
fn pauses_grow_to_their_longest_however_often_a_server_turns_us_away() {
    for (first, longest) in [PAUSES, LIMIT_PAUSES] {
        let mut pauses = Doubling((first, longest));
        assert_eq!((pauses.next(), pauses.next()), (first, first * 2));
        assert_eq!((0..1000).map(|_| pauses.next()).max(), Some(longest));
    }
}

#[test]
fn a_server_that_says_no_sensible_time_is_given_one() {
    let mut unknown = Doubling(LIMIT_PAUSES);
    for (header, value, least, most) in [
        ("retry-after", "0", 1, 1),
        ("retry-after", "1", 1, 1),
        ("retry-after", "18446744073709551615", u64::MAX, u64::MAX),
        ("retry-after", "-1", 60, 60),
        ("retry-after", "soon", 120, 120),
        ("x-ratelimit-reset", "-9223372036854775808", 1, 1),
        (
            "x-ratelimit-reset",
            "9223372036854775807",
            24 * 3600,
            24 * 3600 + 1,
        ),
    ] {
        let answer = answer(
            429,
            &[("x-ratelimit-remaining", "0"), (header, value)],
            Value::Null,
        );
        let wait = rate_limit(&answer, Effect::Read, &mut unknown).unwrap().as_secs();
        assert!((least..=most).contains(&wait), "{header}: {value} {wait}");
    }
    let ailing = answer(503, &[("retry-after", "0")], Value::Null);
    assert_eq!(ailing.seconds("retry-after"), Some(SHORTEST));
}

#[test]
fn a_limit_of_graphql_is_known_in_each_of_its_forms() {
    use Effect::{Read, Write};
    let words = "You have exceeded a secondary rate limit";
    let other = json!({ "type": "NOT_FOUND", "message": "no such branch" });
    for (effect, json, right) in [
        (Read, json!({ "errors": [{ "type": "RATE_LIMITED" }] }), true),
        (Read, json!({ "errors": [{ "type": "RATE_LIMIT" }] }), true),
        (
            Write,
            json!({ "errors": [{ "code": "graphql_rate_limit" }] }),
            true,
        ),
        (
            Write,
            json!({ "errors": [{ "extensions": { "code": "RATE_LIMITED" } }] }),
            true,
        ),
        (Write, json!({ "errors": [other, { "message": words }] }), true),
        (
            Write,
            json!({ "data": { "x": null }, "errors": [{ "message": words }] }),
            true,
        ),
        (
            Write,
            json!({ "data": { "x": { "oid": "1" } }, "errors": [{ "message": words }] }),
            false,
        ),
        (
            Read,
            json!({ "message": words, "documentation_url": "https://docs" }),
            true,
        ),
        (
            Read,
            json!({ "id": "1", "message": "Raise the rate limit" }),
            false,
        ),
        (Read, json!({ "errors": [other] }), false),
        (Read, json!({ "data": {}, "errors": "rate limit" }), false),
    ] {
        let mut unknown = Doubling(LIMIT_PAUSES);
        let wait = rate_limit(&answer(200, &[], json.clone()), effect, &mut unknown);
        assert_eq!(wait, right.then_some(LIMIT_PAUSES.0), "{json}");
    }
}
