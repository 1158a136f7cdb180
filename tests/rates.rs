//! Rate limits and ailing servers: waited for as long as there is time, and never asked without end.

use crate::support::cli::{Bench, Run};
use crate::support::github::{Failure, Fake, Grant};

const REPO: &str = "acme/deploy";
const TOKEN: &str = "ghp-s3cret-of-the-bot";

fn hub() -> Fake {
    let hub = Fake::start();
    hub.repo(REPO, &[("dev.yaml", "image: ghcr.io/acme/web:1.0.0\n")]);
    hub.token(TOKEN, Grant::person("bot"));
    hub
}

fn bump(hub: &Fake, timeout: &str) -> Run {
    let bench = Bench::new(&[]);
    let api_url = hub.api_url();
    let variables = [
        ("GITOPS_STEPS_TOKEN", TOKEN),
        ("GITOPS_STEPS_API_URL", api_url.as_str()),
        ("GITOPS_STEPS_CONFIG_REPO", "github:acme/deploy"),
    ];
    let flags = [
        "--image",
        "ghcr.io/acme/web",
        "--tag",
        "1.1.0",
        "--file",
        "dev.yaml",
    ];
    bench.bump_with(
        &variables,
        &[&flags[..], &["--verbose", "--timeout", timeout]].concat(),
    )
}

fn limit_of_graphql(headers: Vec<(&'static str, String)>, error: &str) -> Failure {
    Failure::Status(200, headers, format!(r#"{{"errors":[{error}]}}"#))
}

#[test]
fn a_limit_of_graphql_is_waited_for_and_what_was_asked_is_done() {
    for error in [
        r#"{"type":"RATE_LIMIT","code":"graphql_rate_limit","message":"API rate limit already exceeded"}"#,
        r#"{"type":"RATE_LIMITED","message":"API rate limit exceeded"}"#,
        r#"{"message":"other"},{"message":"You have exceeded a secondary rate limit."}"#,
    ] {
        let hub = hub();
        let spent = vec![
            ("x-ratelimit-remaining", "0".to_owned()),
            ("x-ratelimit-reset", "1".to_owned()),
        ];
        hub.fail_next("POST /graphql", limit_of_graphql(spent.clone(), error));
        hub.fail_next("createCommitOnBranch", limit_of_graphql(spent, error));
        bump(&hub, "1m").exits(0).says("limits the rate");
        let file = hub.file(REPO, "main", "dev.yaml").unwrap();
        assert_eq!(file, "image: ghcr.io/acme/web:1.1.0\n", "{error}");
    }
}

#[test]
fn a_limit_that_outlasts_the_run_ends_it_in_time() {
    let error = r#"{"type":"RATE_LIMIT","message":"API rate limit already exceeded"}"#;
    let later = vec![
        ("x-ratelimit-remaining", "0".to_owned()),
        ("x-ratelimit-reset", "4102444800".to_owned()),
    ];
    let at_once = |status| Failure::Status(status, vec![("retry-after", "0".to_owned())], String::new());
    for (failures, says) in [
        (vec![limit_of_graphql(later, error)], "limits the rate"),
        (vec![limit_of_graphql(vec![], error)], "limits the rate"),
        ((0..5).map(|_| at_once(429)).collect(), "limits the rate"),
        ((0..5).map(|_| at_once(503)).collect(), "status 503"),
    ] {
        let hub = hub();
        for failure in failures {
            hub.fail_next("POST /graphql", failure);
        }
        bump(&hub, "3s").exits(6).says(says);
    }
}
