//! Projects, their members, and users.

use serde_json::{Value, json};

use super::answer::{Outcome, Reply};
use super::routes::Call;

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
    Ok(Reply::json(200, &call.state.user_json(call.login())))
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
            "archived": false,
            "web_url": format!("{url}/{path}"),
            "http_url_to_repo": format!("{url}/{path}.git"),
            "merge_method": project.merge_method,
            "squash_option": "default_off",
            "only_allow_merge_if_pipeline_succeeds": project.only_if_pipeline_succeeds,
            "ci_pipeline_variables_minimum_override_role":
                if project.variables { "developer" } else { "no_one_allowed" },
        }),
    ))
}
