//! Environments.

use serde_json::{Value, json};

use super::answer::{Outcome, Reply};
use super::routes::Call;
use super::store::sha256;

pub fn list(call: &mut Call) -> Outcome {
    if call.text("search").is_some_and(|text| text.chars().count() < 3) {
        let text = "400 Bad request - Search query is less than 3 characters";
        return Err(Reply::message(400, text));
    }
    let all = call.held().environments.clone();
    let found: Vec<Value> = all
        .into_iter()
        .filter(|one| {
            let name = one["name"].as_str().unwrap_or_default();
            call.text("name").is_none_or(|wanted| name == wanted)
                && call.text("search").is_none_or(|part| name.contains(part))
                && call.text("states").is_none_or(|state| one["state"] == state)
        })
        .collect();
    Ok(call.page(&found))
}

pub fn show(call: &mut Call) -> Outcome {
    let (_, mut found) = held(call)?;
    let mut deployments = call.held().deployments.iter().rev();
    let last = deployments.find(|one| one["environment"]["id"] == found["id"] && one["status"] == "success");
    found["last_deployment"] = last.cloned().unwrap_or_default();
    Ok(Reply::json(200, &found))
}

pub fn create(call: &mut Call) -> Outcome {
    let name = call.text("name").unwrap_or_default().to_owned();
    if call.held().environments.iter().any(|one| one["name"] == name) {
        return Err(Reply::message(400, json!({ "name": ["has already been taken"] })));
    }
    let url = external_url(call)?;
    let made = find_or_make(call, &name)?;
    let at = call.held().environments.len() - 1;
    let tier = call.text("tier").map(str::to_owned);
    let kept = &mut call.held().environments[at];
    debug_assert_eq!(kept["id"], made["id"]);
    kept["external_url"] = json!(url);
    if let Some(tier) = tier {
        kept["tier"] = json!(tier);
    }
    let kept = kept.clone();
    Ok(Reply::json(201, &kept))
}

pub fn update(call: &mut Call) -> Outcome {
    let (at, mut found) = held(call)?;
    if let Some(url) = external_url(call)? {
        found["external_url"] = json!(url);
    }
    if let Some(tier) = call.text("tier") {
        found["tier"] = json!(tier);
    }
    found["updated_at"] = json!(call.state.now());
    call.held().environments[at] = found.clone();
    Ok(Reply::json(200, &found))
}

pub fn stop(call: &mut Call) -> Outcome {
    let (at, mut found) = held(call)?;
    found["state"] = json!("stopped");
    found["updated_at"] = json!(call.state.now());
    call.held().environments[at] = found.clone();
    Ok(Reply::json(200, &found))
}

pub fn delete(call: &mut Call) -> Outcome {
    let (at, found) = held(call)?;
    if found["state"] != "stopped" {
        return Err(Reply::forbidden());
    }
    call.held().environments.remove(at);
    Ok(Reply::empty(204))
}

/// The environment of a name; it is made when there is none.
pub fn find_or_make(call: &mut Call, name: &str) -> Result<Value, Reply> {
    if let Some(found) = call.held().environments.iter().find(|one| one["name"] == name) {
        return Ok(found.clone());
    }
    let fault = if name.chars().count() > 255 {
        Some("is too long (maximum is 255 characters)")
    } else if name.is_empty()
        || !name
            .chars()
            .all(|one| one.is_ascii_alphanumeric() || "_/${}. -".contains(one))
        || name.starts_with('/')
        || name.ends_with('/')
    {
        Some(
            "can contain only letters, digits, '-', '_', '/', '$', '{', '}', '.', and spaces, but it cannot start or end with '/'",
        )
    } else {
        None
    };
    if let Some(fault) = fault {
        return Err(Reply::message(400, json!({ "name": [fault] })));
    }
    let (id, now) = (call.state.id(), call.state.now());
    let made = json!({
        "id": id, "name": name, "slug": slug(name), "description": null, "external_url": null,
        "created_at": now, "updated_at": now, "tier": tier(name), "state": "available",
        "auto_stop_at": null, "auto_stop_setting": "always",
    });
    call.held().environments.push(made.clone());
    Ok(made)
}

/// A successful deployment makes a stopped environment available again.
pub fn revive(call: &mut Call, name: &str) {
    if let Some(found) = call
        .held()
        .environments
        .iter_mut()
        .find(|one| one["name"] == name)
    {
        found["state"] = json!("available");
    }
}

fn held(call: &mut Call) -> Result<(usize, Value), Reply> {
    let id = call.id()?;
    let all = &call.held().environments;
    let at = all.iter().position(|one| one["id"] == json!(id));
    let at = at.ok_or_else(|| Reply::message(404, "404 Not found"))?;
    Ok((at, all[at].clone()))
}

fn external_url(call: &Call) -> Result<Option<String>, Reply> {
    let Some(url) = call.text("external_url") else {
        return Ok(None);
    };
    if url.chars().count() > 255 {
        let fault = "is too long (maximum is 255 characters)";
        return Err(Reply::message(400, json!({ "external_url": [fault] })));
    }
    let allowed = url::Url::parse(url).is_ok_and(|url| matches!(url.scheme(), "http" | "https"));
    if !allowed {
        let fault = "is blocked: Only allowed schemes are http, https";
        return Err(Reply::message(400, json!({ "external_url": [fault] })));
    }
    Ok(Some(url.to_owned()))
}

/// A name as a DNS label of at most 24 characters, with an end of its own when that says something else.
fn slug(name: &str) -> String {
    let plain: String = name
        .to_lowercase()
        .chars()
        .map(|one| if one.is_ascii_alphanumeric() { one } else { '-' })
        .collect();
    let plain = plain.trim_matches('-');
    if plain == name && name.len() <= 24 {
        return name.to_owned();
    }
    let end = sha256(name.as_bytes())[..6].to_owned();
    let plain: String = plain.chars().take(17).collect();
    format!("{}-{end}", plain.trim_end_matches('-'))
}

fn tier(name: &str) -> &'static str {
    let name = name.to_lowercase();
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    if has(&["dev", "review", "trunk"]) {
        "development"
    } else if has(&["test", "qc", "qa"]) {
        "testing"
    } else if has(&["st", "pre", "demo", "non-prod"]) {
        "staging"
    } else if has(&["pr", "live"]) {
        "production"
    } else {
        "other"
    }
}
