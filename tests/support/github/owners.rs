//! Routes of owners: who they are, and the repositories that are made for them.

use super::access::{Kind, Level};
use super::answer::{Answer, Outcome, invalid, not_found, refusal};
use super::desk::Desk;
use super::state::Settings;
use crate::support::git_server::empty_repo;

pub fn show(desk: &Desk<'_>, login: &str) -> Answer {
    Answer::json(200, &desk.user(login))
}

pub fn create_for_organization(desk: &mut Desk<'_>, owner: &str) -> Outcome {
    if !desk.state.organizations.contains(owner) {
        return Err(not_found());
    }
    desk.check("create-org-repo")?;
    let private = desk.call.text("visibility") != Some("public");
    create(desk, owner, private)
}

pub fn create_for_user(desk: &mut Desk<'_>) -> Outcome {
    let grant = desk.grant.clone().ok_or_else(not_found)?;
    if grant.kind == Kind::Integration {
        return Err(refusal(403, "Resource not accessible by integration"));
    }
    desk.check("create-user-repo")?;
    let private = desk.call.body["private"] == true;
    create(desk, &grant.login, private)
}

fn create(desk: &mut Desk<'_>, owner: &str, private: bool) -> Outcome {
    let grant = desk
        .grant
        .clone()
        .ok_or_else(|| refusal(401, "Requires authentication"))?;
    if !grant.may("administration", Level::Write) {
        return Err(refusal(403, "Resource not accessible by personal access token"));
    }
    let name = format!("{owner}/{}", desk.call.text("name").unwrap_or_default());
    if desk.state.repos.contains_key(&name) {
        return Err(invalid("Repository", "name already exists on this account"));
    }
    empty_repo(&desk.home.join(format!("{name}.git")));
    let settings = Settings {
        private,
        ..Settings::default()
    };
    desk.state.add(desk.home, &name, settings);
    let view = desk.repo_view(desk.state.repo(&name));
    Ok(Answer::json(201, &view))
}
