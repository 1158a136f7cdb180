//! Projects, their members, and users.

use serde_json::{Value, json};

use super::answer::{Outcome, Reply};
use super::auth::Role;
use super::routes::Call;
use crate::support::git_server::empty_repo;

pub fn users(call: &mut Call) -> Outcome {
    let wanted = call.text("username").map(str::to_lowercase);
    let found = call.state.users.iter().filter(|login| {
        wanted
            .as_ref()
            .is_none_or(|wanted| login.to_lowercase() == *wanted)
    });
    let found: Vec<Value> = found.map(|login| call.state.user_json(login)).collect();
    Ok(call.page(&found))
}

pub fn myself(call: &mut Call) -> Outcome {
    let mut user = call.state.user_json(call.login());
    user["bot"] = json!(call.login().contains("_bot"));
    Ok(Reply::json(200, &user))
}

/// What an access token tells of itself; one of OAuth is none.
pub fn own_token(call: &mut Call) -> Outcome {
    let user = call.state.user_id(call.login());
    let grant = call.grant.as_ref().filter(|grant| !grant.oauth);
    let Some(grant) = grant else {
        return Err(Reply::message(
            400,
            "400 Bad request - This endpoint requires token type to be a personal access token",
        ));
    };
    let scopes = if grant.writes {
        json!(["api"])
    } else {
        json!(["read_api", "read_repository"])
    };
    Ok(Reply::json(
        200,
        &json!({
            "id": 1, "name": "deploy", "revoked": false, "active": true, "scopes": scopes, "user_id": user,
            "created_at": "2026-01-01T00:00:00.000Z", "last_used_at": null, "expires_at": grant.expires,
        }),
    ))
}

pub fn label(call: &mut Call) -> Outcome {
    let name = call.names[0].clone();
    if !call.held().labels.contains(&name) {
        return Err(Reply::not_found("Label"));
    }
    Ok(Reply::json(
        200,
        &json!({ "id": 1, "name": name, "color": "#428BCA" }),
    ))
}

pub fn namespace(call: &mut Call) -> Outcome {
    let path = call.names.first().cloned().unwrap_or_default();
    let at = call.state.groups.iter().position(|group| *group == path);
    let at = at.ok_or_else(|| Reply::not_found("Namespace"))?;
    Ok(Reply::json(
        200,
        &json!({ "id": at + 1, "name": path, "path": path.rsplit('/').next(), "full_path": path, "kind": "group" }),
    ))
}

pub fn create(call: &mut Call) -> Outcome {
    let at = call
        .number("namespace_id")
        .and_then(|id| usize::try_from(id).ok()?.checked_sub(1));
    let group = at.and_then(|at| call.state.groups.get(at)).cloned();
    let is_allowed = call
        .grant
        .as_ref()
        .is_some_and(|grant| grant.role >= Role::Maintainer);
    let Some(group) = group.filter(|_| is_allowed) else {
        let said = json!({ "message": { "namespace": ["is not valid"], "limit_reached": [] } });
        return Err(Reply::json(400, &said));
    };
    let path = format!(
        "{group}/{}",
        call.text("path").or(call.text("name")).unwrap_or_default()
    );
    if call.state.projects.contains_key(&path) {
        let said =
            json!({ "message": { "path": ["has already been taken"], "name": ["has already been taken"] } });
        return Err(Reply::json(400, &said));
    }
    empty_repo(&call.state.bare(&path));
    call.state.add_project(&path);
    call.project = path;
    let shown = show(call)?;
    Ok(Reply { status: 201, ..shown })
}

pub fn members(call: &mut Call) -> Outcome {
    let wanted = call.text("query").unwrap_or_default();
    let found = call
        .state
        .users
        .iter()
        .filter(|login| login.contains(wanted) && !call.state.outsiders.contains(*login));
    let found: Vec<Value> = found
        .map(|login| {
            let mut user = call.state.user_json(login);
            user["access_level"] = json!(30);
            user
        })
        .collect();
    Ok(call.page(&found))
}

pub fn show(call: &mut Call) -> Outcome {
    let url = call.state.url.clone();
    let empty = call.store().branch("main").is_none();
    let level = call.grant.as_ref().map(|grant| match grant.role {
        Role::Reporter => 20,
        Role::Developer => 30,
        Role::Maintainer => 40,
    });
    let access = level.map(|level| json!({ "access_level": level, "notification_level": 3 }));
    let project = call.held();
    let path = project.path.clone();
    Ok(Reply::json(
        200,
        &json!({
            "id": project.id,
            "name": path.rsplit('/').next(),
            "path": path.rsplit('/').next(),
            "path_with_namespace": path,
            "default_branch": if empty { Value::Null } else { json!("main") },
            "empty_repo": empty,
            "visibility": "private",
            "archived": project.archived,
            "web_url": format!("{url}/{path}"),
            "http_url_to_repo": format!("{url}/{path}.git"),
            "permissions": { "project_access": access, "group_access": null },
            "merge_method": project.merge_method,
            "squash_option": "default_off",
            "only_allow_merge_if_pipeline_succeeds": project.only_if_pipeline_succeeds,
            "ci_pipeline_variables_minimum_override_role":
                if project.variables { "developer" } else { "no_one_allowed" },
        }),
    ))
}
