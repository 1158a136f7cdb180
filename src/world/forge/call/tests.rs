//! Which answers are waited out, which end a request, and what the user hears of them.

use serde_json::json;

use super::*;

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
fn a_server_that_says_no_sensible_time_is_given_one() {
    for (header, value, least, most) in [
        ("retry-after", "0", 1, 1),
        ("retry-after", "1", 1, 1),
        ("retry-after", "18446744073709551615", u64::MAX, u64::MAX),
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
        assert!(answer.is_limited(Effect::Read));
        let wait = answer.limit_lasts().unwrap().as_secs();
        assert!((least..=most).contains(&wait), "{header}: {value} {wait}");
    }
    for unreadable in ["-1", "soon"] {
        assert_eq!(
            answer(429, &[("retry-after", unreadable)], Value::Null).limit_lasts(),
            None
        );
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
        let answer = answer(200, &[], json.clone());
        assert_eq!(answer.is_limited(effect), right, "{json}");
    }
}
