//! GitHub Apps: from a signed JWT to an installation's token.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::access::{App, Grant, Kind, Level, app_of};
use super::answer::{Answer, Outcome, not_found, refusal};
use super::desk::Desk;

pub fn installation(desk: &mut Desk<'_>, repo: &str) -> Outcome {
    let app = app_of(desk.state, desk.call.headers.get("authorization"))?;
    if !app.repos.iter().any(|one| one == repo) {
        return Err(not_found());
    }
    Ok(Answer::json(200, &view(desk, app)))
}

fn view(desk: &Desk<'_>, app: &App) -> Value {
    let id = app.installation;
    json!({
        "id": id,
        "account": desk.user(&app.owner),
        "app_id": app.id,
        "app_slug": format!("app-{}", app.id),
        "target_id": 1,
        "target_type": "Organization",
        "repository_selection": "selected",
        "permissions": words(&app.permissions),
        "events": [],
        "single_file_name": null,
        "access_tokens_url": format!("{}/app/installations/{id}/access_tokens", desk.api),
        "repositories_url": format!("{}/installation/repositories", desk.api),
        "html_url": format!("{}/settings/installations/{id}", desk.root),
        "created_at": desk.state.now(),
        "updated_at": desk.state.now(),
    })
}

fn words(permissions: &BTreeMap<String, Level>) -> Value {
    let word = |level| if level == Level::Write { "write" } else { "read" };
    permissions
        .iter()
        .map(|(name, level)| (name.clone(), json!(word(*level))))
        .collect()
}

pub fn access_token(desk: &mut Desk<'_>, installation: u64) -> Outcome {
    let app = app_of(desk.state, desk.call.headers.get("authorization"))?;
    if app.installation != installation {
        return Err(not_found());
    }
    desk.check("create-installation-token")?;
    let asked = desk.call.texts("repositories");
    let full = |short: &String| format!("{}/{short}", app.owner);
    let ids: Vec<u64> = desk.call.body["repository_ids"]
        .as_array()
        .map_or_else(Vec::new, |ids| ids.iter().filter_map(Value::as_u64).collect());
    let by_id = |id: &u64| {
        desk.state
            .repos
            .values()
            .find(|repo| repo.id == *id)
            .map_or_else(String::new, |repo| repo.name.clone())
    };
    let mut repos: Vec<String> = asked.iter().map(full).chain(ids.iter().map(by_id)).collect();
    if !repos.iter().all(|name| app.repos.contains(name)) {
        return Err(refusal(
            422,
            "There is at least one repository that does not exist or is not accessible to the parent installation.",
        ));
    }
    if repos.is_empty() {
        repos.clone_from(&app.repos);
    }
    let mut permissions = app.permissions.clone();
    if let Some(asked) = desk.call.body["permissions"].as_object() {
        permissions = narrowed(&app.permissions, asked)?;
    }
    let shown = words(&permissions);
    let grant = Grant {
        kind: Kind::Integration,
        login: format!("app-{}[bot]", app.id),
        repos: Some(repos.clone()),
        permissions: Some(permissions),
        scopes: None,
        expires: None,
    };
    let token = format!("ghs_s3cret{:030}", desk.state.next_id());
    desk.state.grants.insert(token.clone(), grant);
    let expires = jiff::Timestamp::from_second(desk.state.seconds() + 3600)
        .unwrap()
        .to_string();
    let known = repos.iter().filter_map(|name| desk.state.repos.get(name));
    let views: Vec<Value> = known.map(|repo| desk.repo_view(repo)).collect();
    Ok(Answer::json(
        201,
        &json!({
            "token": token, "expires_at": expires, "permissions": shown,
            "repository_selection": "selected", "repositories": views,
        }),
    ))
}

fn narrowed(
    held: &BTreeMap<String, Level>,
    asked: &serde_json::Map<String, Value>,
) -> Result<BTreeMap<String, Level>, Answer> {
    let mut narrowed = BTreeMap::new();
    for (name, level) in asked {
        let level = if level == "read" {
            Level::Read
        } else {
            Level::Write
        };
        if held.get(name).is_none_or(|held| *held < level) {
            return Err(refusal(
                422,
                "The permissions requested are not granted to this installation.",
            ));
        }
        narrowed.insert(name.clone(), level);
    }
    Ok(narrowed)
}
