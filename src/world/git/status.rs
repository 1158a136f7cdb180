//! What a server's answer means where it is not the one of a git server that is content.

use reqwest::header::CONTENT_TYPE;

use super::wire::Failure;
use crate::words::address::GitUrl;
use crate::words::fault::{Fault, Kind};
use crate::words::token::TokenSource;
use crate::world::http::Answer;

/// Checks that an answer is of the type that git's protocol has for it.
pub(super) fn check_type(answer: &Answer, expected: &str) -> Result<(), Failure> {
    let found = answer.header(CONTENT_TYPE.as_str()).unwrap_or("nothing");
    if found
        .split(';')
        .next()
        .is_some_and(|found| found.trim().eq_ignore_ascii_case(expected))
    {
        return Ok(());
    }
    Err(Fault::new(
        Kind::Denied,
        format!(
            "the server answered with `{}`, not as a git server does",
            found.escape_debug()
        ),
    )
    .hint("check that the address is a repository's, as git clone takes it")
    .into())
}

/// As [`check_type`], of the answer to a push: a page in its place does not tell whether that was carried out.
pub(super) fn check_type_of_push(answer: &Answer, expected: &str) -> Result<(), Failure> {
    check_type(answer, expected).map_err(|mut failure| {
        failure.fault.kind = Kind::GaveUp;
        failure
    })
}

/// Says which token was sent.
pub(super) fn with(source: Option<&TokenSource>) -> String {
    source.map_or_else(
        || "without a token".to_owned(),
        |source| format!("with the token of {source}"),
    )
}

/// Says what a status other than 200 means.
pub(super) fn refusal(
    url: &GitUrl,
    answer: &mut Answer,
    source: Option<&TokenSource>,
    service: &str,
) -> Failure {
    let status = answer.status();
    let wait = answer.retry_after();
    let body = answer.shown();
    let said = if body.is_empty() || body.starts_with('<') {
        String::new()
    } else {
        format!(": {body}")
    };
    let message = format!("`{url}` answered {status} {}{said}", with(source));
    let need = if service == "git-receive-pack" {
        "write access to the repository (GitHub: contents: write; GitLab: write_repository and the Developer role)"
    } else {
        "read access to the repository (GitHub: contents: read; GitLab: read_repository)"
    };
    let (kind, hint, passing) = match (status, source) {
        (401, None) => (Kind::Denied, format!("set GITOPS_STEPS_TOKEN to a token with {need}"), false),
        (401, Some(_)) => (
            Kind::Denied,
            format!("the token is wrong or has run out; it needs {need}"),
            false,
        ),
        (403 | 404, Some(TokenSource::Variable("GITHUB_TOKEN" | "GH_TOKEN"))) => (
            Kind::Denied,
            format!(
                "the GITHUB_TOKEN of a workflow reaches its own repository only; give the token of an App or a \
                 person as GITOPS_STEPS_TOKEN, with {need}"
            ),
            false,
        ),
        (403, Some(TokenSource::Variable("CI_JOB_TOKEN"))) => (
            Kind::Denied,
            "a job token pushes to its own project only, where that is allowed; give a project or group access \
             token as GITOPS_STEPS_TOKEN"
                .to_owned(),
            false,
        ),
        (403, _) => (Kind::Denied, format!("the token needs {need}"), false),
        (404, _) => (
            Kind::Denied,
            format!("check the address; a server also says 404 to a token without {need}"),
            false,
        ),
        (408 | 429 | 500..=599, _) => (Kind::GaveUp, "the server is busy or down; try again later".to_owned(), true),
        _ => (Kind::Denied, "check the address of the config repo".to_owned(), false),
    };
    Failure {
        fault: Fault::new(kind, message).hint(hint),
        passing,
        wait,
    }
}
