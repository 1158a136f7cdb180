//! Which request goes where, and what every request must bring.

use super::Flavor;
use super::answer::{Answer, Outcome, not_found, refusal};
use super::desk::Desk;
use super::{actions, apps, contents, deployments, issues, owners, pulls, releases, repos, rules};

/// Refuses a request that lacks what all requests must bring.
pub fn admit(desk: &Desk<'_>) -> Result<(), Answer> {
    let header = |name: &str| desk.call.headers.get(name).map(String::as_str);
    if header("user-agent").is_none_or(str::is_empty) {
        return Err(Answer::text(
            403,
            "Request forbidden by administrative rules. Please make sure your request has a User-Agent header.",
        ));
    }
    let known: &[&str] = match desk.flavor {
        Flavor::DotCom => &["2022-11-28", "2026-03-10"],
        Flavor::Enterprise => &["2022-11-28"],
    };
    if let Some(version) = header("x-github-api-version").filter(|version| !known.contains(version)) {
        return Err(refusal(
            400,
            &format!("The API version {version} is not supported."),
        ));
    }
    if let Some(accept) = header("accept").filter(|accept| !acceptable(accept)) {
        let said = format!("Unsupported 'Accept' header: '{accept}'. Must accept 'application/json'.");
        return Err(refusal(415, &said));
    }
    let parts = &desk.call.parts;
    let takes_jwt = parts.first().is_some_and(|part| part == "app")
        || parts.last().is_some_and(|part| part == "installation");
    if header("authorization").is_some() && desk.grant.is_none() && !takes_jwt {
        return Err(refusal(401, "Bad credentials"));
    }
    Ok(())
}

fn acceptable(accept: &str) -> bool {
    accept.split(',').any(|kind| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        matches!(kind, "*/*" | "application/*" | "application/json")
            || kind.starts_with("application/vnd.github")
    })
}

/// Answers a request to the REST API.
pub fn answer(desk: &mut Desk<'_>) -> Outcome {
    let parts: Vec<String> = desk.call.parts.clone();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let method = desk.call.method.clone();
    match (method.as_str(), parts.as_slice()) {
        ("GET", ["user"]) => user(desk),
        ("GET", ["users", login]) => Ok(owners::show(desk, login)),
        ("POST", ["orgs", owner, "repos"]) => owners::create_for_organization(desk, owner),
        ("POST", ["user", "repos"]) => owners::create_for_user(desk),
        ("GET", ["rate_limit"]) => Ok(rate_limit(desk)),
        ("POST", ["app", "installations", id, "access_tokens"]) => apps::access_token(desk, number(id)?),
        ("GET", ["repos", owner, name, "installation"]) => {
            apps::installation(desk, &format!("{owner}/{name}"))
        }
        ("GET", ["orgs", org, "teams", slug, "repos", owner, name]) => {
            rules::team(desk, org, slug, &format!("{owner}/{name}"))
        }
        (method, ["repos", owner, name, rest @ ..]) => {
            let repo = format!("{owner}/{name}");
            match rest {
                ["rules" | "rulesets" | "collaborators", ..] => gates(desk, method, &repo, rest),
                ["branches", name @ .., "protection"] if method == "GET" && !name.is_empty() => {
                    rules::protection(desk, &repo, &name.join("/"))
                }
                []
                | [
                    "git" | "branches" | "contents" | "commits" | "compare" | "statuses" | "releases",
                    ..,
                ] => content(desk, method, &repo, rest),
                ["pulls" | "issues" | "labels", ..] => reviews(desk, method, &repo, rest),
                _ => machines(desk, method, &repo, rest),
            }
        }
        _ => Err(not_found()),
    }
}

fn content(desk: &mut Desk<'_>, method: &str, repo: &str, rest: &[&str]) -> Outcome {
    match (method, rest) {
        ("GET", []) => repos::show(desk, repo),
        ("PATCH", []) => contents::update_repo(desk, repo),
        ("GET", ["git", "ref", name @ ..]) => repos::get_ref(desk, repo, &name.join("/")),
        ("GET", ["git", "matching-refs", name @ ..]) => repos::matching_refs(desk, repo, &name.join("/")),
        ("POST", ["git", "tags"]) => releases::create_tag(desk, repo),
        ("POST", ["git", "refs"]) => repos::create_ref(desk, repo),
        ("PATCH", ["git", "refs", name @ ..]) => repos::update_ref(desk, repo, &name.join("/")),
        ("DELETE", ["git", "refs", name @ ..]) => repos::delete_ref(desk, repo, &name.join("/")),
        ("GET", ["git", "trees", name @ ..]) => repos::tree(desk, repo, &name.join("/")),
        ("GET", ["git", "blobs", sha]) => repos::blob(desk, repo, sha),
        ("GET", ["contents", path @ ..]) => repos::contents(desk, repo, &path.join("/")),
        ("PUT", ["contents", path @ ..]) => contents::put(desk, repo, &path.join("/")),
        ("DELETE", ["contents", path @ ..]) => contents::delete(desk, repo, &path.join("/")),
        ("GET", ["branches", name @ ..]) => repos::branch(desk, repo, &name.join("/")),
        ("GET", ["commits"]) => repos::commits(desk, repo),
        ("GET", ["commits", sha, "pulls"]) => releases::pulls_of(desk, repo, sha),
        ("GET", ["commits", name @ ..]) => repos::commit(desk, repo, &name.join("/")),
        ("GET", ["compare", ends @ ..]) => repos::compare(desk, repo, &ends.join("/")),
        ("POST", ["statuses", sha]) => repos::create_status(desk, repo, sha),
        ("GET", ["releases"]) => releases::list(desk, repo),
        ("POST", ["releases"]) => releases::create(desk, repo),
        ("GET", ["releases", "latest"]) => releases::latest(desk, repo),
        ("GET", ["releases", "tags", tag @ ..]) => releases::by_tag(desk, repo, &tag.join("/")),
        ("PATCH", ["releases", id]) => releases::update(desk, repo, number(id)?),
        _ => Err(not_found()),
    }
}

fn gates(desk: &mut Desk<'_>, method: &str, repo: &str, rest: &[&str]) -> Outcome {
    match (method, rest) {
        ("GET", ["rules", "branches", name @ ..]) => rules::of_branch(desk, repo, &name.join("/")),
        ("GET", ["rulesets", id]) => rules::ruleset(desk, repo, number(id)?),
        ("GET", ["collaborators", login]) => rules::collaborator(desk, repo, login),
        _ => Err(not_found()),
    }
}

fn reviews(desk: &mut Desk<'_>, method: &str, repo: &str, rest: &[&str]) -> Outcome {
    match (method, rest) {
        ("GET", ["pulls"]) => pulls::list(desk, repo),
        ("POST", ["pulls"]) => pulls::create(desk, repo),
        ("GET", ["pulls", n]) => pulls::show(desk, repo, number(n)?),
        ("PATCH", ["pulls", n]) => pulls::update(desk, repo, number(n)?),
        ("PUT", ["pulls", n, "merge"]) => pulls::merge(desk, repo, number(n)?),
        ("POST", ["pulls", n, "requested_reviewers"]) => issues::request_reviewers(desk, repo, number(n)?),
        ("DELETE", ["pulls", n, "requested_reviewers"]) => issues::remove_reviewers(desk, repo, number(n)?),
        ("GET", ["issues", n, "labels"]) => issues::issue_labels(desk, repo, number(n)?),
        ("POST", ["issues", n, "labels"]) => issues::labels(desk, repo, number(n)?, false),
        ("PUT", ["issues", n, "labels"]) => issues::labels(desk, repo, number(n)?, true),
        ("DELETE", ["issues", n, "labels", label]) => issues::remove_label(desk, repo, number(n)?, label),
        ("POST", ["issues", n, "assignees"]) => issues::assignees(desk, repo, number(n)?),
        ("POST", ["issues", n, "comments"]) => issues::comment(desk, repo, number(n)?),
        ("GET", ["issues", n, "comments"]) => issues::comments(desk, repo, number(n)?),
        ("GET", ["labels"]) => issues::repo_labels(desk, repo),
        ("GET", ["labels", name]) => issues::repo_label(desk, repo, name),
        _ => Err(not_found()),
    }
}

fn machines(desk: &mut Desk<'_>, method: &str, repo: &str, rest: &[&str]) -> Outcome {
    match (method, rest) {
        ("POST", ["dispatches"]) => actions::dispatch_repo(desk, repo),
        ("POST", ["actions", "workflows", file, "dispatches"]) => {
            actions::dispatch_workflow(desk, repo, file)
        }
        ("GET", ["actions", "workflows", file]) => actions::workflow(desk, repo, file),
        ("GET", ["actions", "workflows", file, "runs"]) => actions::runs(desk, repo, Some(file)),
        ("GET", ["actions", "runs"]) => actions::runs(desk, repo, None),
        ("GET", ["actions", "runs", id]) => actions::run(desk, repo, number(id)?),
        ("GET", ["deployments"]) => deployments::list(desk, repo),
        ("POST", ["deployments"]) => deployments::create(desk, repo),
        ("GET", ["deployments", id]) => deployments::show(desk, repo, number(id)?),
        ("GET", ["deployments", id, "statuses"]) => deployments::statuses(desk, repo, number(id)?),
        ("POST", ["deployments", id, "statuses"]) => deployments::create_status(desk, repo, number(id)?),
        _ => Err(not_found()),
    }
}

fn number(text: &str) -> Result<u64, Answer> {
    text.parse().map_err(|_| not_found())
}

fn user(desk: &Desk<'_>) -> Outcome {
    let grant = desk
        .grant
        .as_ref()
        .ok_or_else(|| refusal(401, "Requires authentication"))?;
    match grant.kind {
        super::Kind::Personal => Ok(Answer::json(200, &desk.user(&grant.login))),
        super::Kind::Integration => Err(refusal(403, super::access::inaccessible(grant))),
    }
}

fn rate_limit(desk: &Desk<'_>) -> Answer {
    let remaining = desk.state.remaining;
    let core = serde_json::json!({ "limit": 5000, "used": 5000_u64.saturating_sub(remaining), "remaining": remaining, "reset": desk.state.seconds() + 3600 });
    Answer::json(
        200,
        &serde_json::json!({ "resources": { "core": core, "graphql": core }, "rate": core }),
    )
}
