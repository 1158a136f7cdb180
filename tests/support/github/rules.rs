//! What guards a repository, and who belongs to it: rules, protection, collaborators, teams.

use serde_json::{Value, json};

use super::answer::{Answer, Outcome, not_found, refusal};
use super::desk::Desk;

const METADATA: &[&str] = &["metadata=read"];

pub fn of_branch(desk: &mut Desk<'_>, name: &str, branch: &str) -> Outcome {
    let repo = desk.repo(name, METADATA)?;
    let is_default = repo.default_branch == branch;
    let rule = |rule: &super::state::Rule| {
        json!({
            "type": rule.kind, "ruleset_source_type": "Repository", "ruleset_source": name, "ruleset_id": rule.ruleset,
        })
    };
    let rules = repo
        .settings
        .rules
        .iter()
        .filter(|_| is_default)
        .map(rule)
        .collect();
    desk.paged(rules, |items, _| items)
}

/// A ruleset; only who may edit it is told what they may pass by.
pub fn ruleset(desk: &mut Desk<'_>, name: &str, id: u64) -> Outcome {
    let repo = desk.repo(name, METADATA)?;
    let rules: Vec<_> = repo
        .settings
        .rules
        .iter()
        .filter(|rule| rule.ruleset == id)
        .collect();
    let first = rules.first().ok_or_else(not_found)?;
    let kinds: Vec<Value> = rules.iter().map(|rule| json!({ "type": rule.kind })).collect();
    let mut view = json!({
        "id": id, "name": format!("ruleset {id}"), "target": "branch", "source_type": "Repository", "source": name,
        "enforcement": "active", "rules": kinds,
    });
    if let Some(bypass) = first.bypass {
        view["current_user_can_bypass"] = json!(bypass);
    }
    Ok(Answer::json(200, &view))
}

pub fn protection(desk: &mut Desk<'_>, name: &str, branch: &str) -> Outcome {
    let repo = desk.repo(name, &["administration=read"])?;
    if repo.store().tip(branch).is_none() {
        return Err(refusal(404, "Branch not found"));
    }
    if !repo.settings.protected.iter().any(|one| one == branch) {
        return Err(refusal(404, "Branch not protected"));
    }
    Ok(Answer::json(
        200,
        &json!({
            "url": desk.link(name, &format!("/branches/{branch}/protection")),
            "required_pull_request_reviews": { "required_approving_review_count": 1 },
            "enforce_admins": { "enabled": true },
            "lock_branch": { "enabled": false },
        }),
    ))
}

pub fn collaborator(desk: &mut Desk<'_>, name: &str, login: &str) -> Outcome {
    let repo = desk.repo(name, METADATA)?;
    if repo.settings.collaborators.iter().any(|one| one == login) {
        Ok(Answer::empty())
    } else {
        Err(not_found())
    }
}

/// Whether a team has a repository; who may not read the organisation's members is told of none.
pub fn team(desk: &mut Desk<'_>, org: &str, slug: &str, name: &str) -> Outcome {
    let repo = desk.repo(name, METADATA)?;
    let known = repo.owner() == org && repo.settings.teams.iter().any(|one| one == slug);
    let sees = desk
        .grant
        .as_ref()
        .is_some_and(|grant| grant.may("members", super::Level::Read));
    if known && sees {
        Ok(Answer::empty())
    } else {
        Err(not_found())
    }
}
