//! What hangs on a pull request: reviewers, labels, assignees, comments.

use serde_json::{Value, json};

use super::answer::{Answer, Outcome, invalid_field, not_found, refusal};
use super::desk::Desk;
use super::pulls;
use super::state::Pull;

const EITHER: &[&str] = &["issues=write", "pull_requests=write"];

pub fn request_reviewers(desk: &mut Desk<'_>, name: &str, number: u64) -> Outcome {
    let repo = desk.repo(name, pulls::WRITE)?;
    let pull = repo.pull(number).ok_or_else(not_found)?;
    desk.check("request-reviewers")?;
    let (people, teams) = (desk.call.texts("reviewers"), desk.call.texts("team_reviewers"));
    if people.contains(&pull.author) {
        return Err(refusal(
            422,
            "Review cannot be requested from pull request author.",
        ));
    }
    let settings = &repo.settings;
    if !people.iter().all(|login| settings.collaborators.contains(login)) {
        return Err(refusal(
            422,
            "Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the repository.",
        ));
    }
    if !teams.iter().all(|slug| settings.teams.contains(slug)) {
        return Err(refusal(
            422,
            "Could not resolve to a node with the global id of the team.",
        ));
    }
    change(desk, name, number, |pull| {
        add(&mut pull.reviewers, people);
        add(&mut pull.team_reviewers, teams);
    });
    let repo = desk.state.repo(name);
    Ok(Answer::json(
        201,
        &desk.pull_view(repo, repo.pull(number).unwrap()),
    ))
}

pub fn remove_reviewers(desk: &mut Desk<'_>, name: &str, number: u64) -> Outcome {
    desk.repo(name, pulls::WRITE)?
        .pull(number)
        .ok_or_else(not_found)?;
    desk.check("remove-reviewers")?;
    let (people, teams) = (desk.call.texts("reviewers"), desk.call.texts("team_reviewers"));
    change(desk, name, number, |pull| {
        pull.reviewers.retain(|login| !people.contains(login));
        pull.team_reviewers.retain(|slug| !teams.contains(slug));
    });
    let repo = desk.state.repo(name);
    Ok(Answer::json(
        200,
        &desk.pull_view(repo, repo.pull(number).unwrap()),
    ))
}

/// Adds labels, or with `instead` sets them.
pub fn labels(desk: &mut Desk<'_>, name: &str, number: u64, instead: bool) -> Outcome {
    let repo = desk.repo(name, EITHER)?;
    repo.pull(number).ok_or_else(not_found)?;
    desk.check(if instead { "set-labels" } else { "add-labels" })?;
    let labels = desk.call.texts("labels");
    let unknown = labels.iter().any(|label| !repo.settings.labels.contains(label));
    if unknown && !repo.settings.makes_labels {
        return Err(invalid_field("Label", "name", "invalid"));
    }
    add(&mut desk.state.repo_mut(name).settings.labels, labels.clone());
    change(desk, name, number, |pull| {
        if instead {
            pull.labels.clear();
        }
        add(&mut pull.labels, labels);
    });
    let pull = desk.state.repo(name).pull(number).unwrap();
    Ok(Answer::json(200, &desk.label_views(name, &pull.labels)))
}

pub fn remove_label(desk: &mut Desk<'_>, name: &str, number: u64, label: &str) -> Outcome {
    let pull = desk.repo(name, EITHER)?.pull(number).ok_or_else(not_found)?;
    if !pull.labels.iter().any(|one| one == label) {
        return Err(refusal(404, "Label does not exist"));
    }
    change(desk, name, number, |pull| pull.labels.retain(|one| one != label));
    let pull = desk.state.repo(name).pull(number).unwrap();
    Ok(Answer::json(200, &desk.label_views(name, &pull.labels)))
}

pub fn issue_labels(desk: &mut Desk<'_>, name: &str, number: u64) -> Outcome {
    let accepted = &["issues=read", "pull_requests=read"];
    let pull = desk.repo(name, accepted)?.pull(number).ok_or_else(not_found)?;
    Ok(Answer::json(200, &desk.label_views(name, &pull.labels)))
}

pub fn repo_labels(desk: &mut Desk<'_>, name: &str) -> Outcome {
    let repo = desk.repo(name, &["issues=read", "pull_requests=read"])?;
    let views = repo
        .settings
        .labels
        .iter()
        .map(|label| desk.label_view(name, label))
        .collect();
    desk.paged(views, |items, _| items)
}

pub fn repo_label(desk: &mut Desk<'_>, name: &str, label: &str) -> Outcome {
    let repo = desk.repo(name, &["issues=read", "pull_requests=read"])?;
    if repo.settings.labels.iter().any(|one| one == label) {
        Ok(Answer::json(200, &desk.label_view(name, label)))
    } else {
        Err(not_found())
    }
}

/// GitHub leaves out, without a word, those who cannot be assigned.
pub fn assignees(desk: &mut Desk<'_>, name: &str, number: u64) -> Outcome {
    let repo = desk.repo(name, EITHER)?;
    repo.pull(number).ok_or_else(not_found)?;
    desk.check("add-assignees")?;
    let mut people = desk.call.texts("assignees");
    people.retain(|login| repo.settings.collaborators.contains(login));
    change(desk, name, number, |pull| add(&mut pull.assignees, people));
    let repo = desk.state.repo(name);
    Ok(Answer::json(
        201,
        &desk.pull_view(repo, repo.pull(number).unwrap()),
    ))
}

pub fn comment(desk: &mut Desk<'_>, name: &str, number: u64) -> Outcome {
    desk.repo(name, EITHER)?.pull(number).ok_or_else(not_found)?;
    desk.check("create-comment")?;
    let (login, text) = (desk.login(), desk.call.text("body").unwrap().to_owned());
    change(desk, name, number, |pull| {
        pull.comments.push((login.clone(), text.clone()));
    });
    let (id, now) = (desk.state.next_id(), desk.state.now());
    Ok(Answer::json(
        201,
        &json!({
            "id": id, "node_id": format!("IC_{id}"), "body": text, "user": desk.user(&login),
            "url": desk.link(name, &format!("/issues/comments/{id}")),
            "html_url": desk.page_url(name, &format!("/pull/{number}#issuecomment-{id}")),
            "issue_url": desk.link(name, &format!("/issues/{number}")),
            "created_at": now, "updated_at": now, "author_association": "MEMBER",
        }),
    ))
}

pub fn comments(desk: &mut Desk<'_>, name: &str, number: u64) -> Outcome {
    let accepted = &["issues=read", "pull_requests=read"];
    let pull = desk.repo(name, accepted)?.pull(number).ok_or_else(not_found)?;
    let view = |(login, text): &(String, String)| json!({ "id": 1, "body": text, "user": desk.user(login) });
    let views = pull.comments.iter().map(view).collect();
    desk.paged(views, |items, _| items)
}

fn change(desk: &mut Desk<'_>, name: &str, number: u64, how: impl FnOnce(&mut Pull)) {
    let now = desk.state.now();
    let pull = desk.state.repo_mut(name).pull_mut(number);
    how(pull);
    pull.updated = now;
}

fn add(to: &mut Vec<String>, items: Vec<String>) {
    for item in items {
        if !to.contains(&item) {
            to.push(item);
        }
    }
}

impl Desk<'_> {
    fn label_views(&self, repo: &str, labels: &[String]) -> Value {
        Value::Array(labels.iter().map(|name| self.label_view(repo, name)).collect())
    }
}
