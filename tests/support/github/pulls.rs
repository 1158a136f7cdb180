//! Pull requests: looked up, opened, changed, merged.

use serde_json::json;

use super::answer::{Answer, Outcome, invalid, invalid_field, not_found, refusal};
use super::desk::Desk;
use super::state::{Pull, Repo, State};
use super::store::{Draft, Person};

pub const READ: &[&str] = &["pull_requests=read"];
pub const WRITE: &[&str] = &["pull_requests=write"];

pub fn list(desk: &mut Desk<'_>, name: &str) -> Outcome {
    let repo = desk.repo(name, READ)?;
    let call = desk.call;
    let state = call.asked("state").unwrap_or("open");
    let (head, base) = (call.asked("head"), call.asked("base"));
    // `head` without an owner filters nothing on GitHub either.
    let head = head.and_then(|head| head.split_once(':'));
    let wanted = |pull: &&Pull| {
        (state == "all" || pull.open == (state == "open"))
            && base.is_none_or(|base| pull.base == base)
            && head.is_none_or(|(owner, branch)| owner == repo.owner() && branch == pull.head)
    };
    let mut found: Vec<&Pull> = repo.pulls.iter().filter(wanted).collect();
    let sort = call.asked("sort").unwrap_or("created");
    let key = |pull: &Pull| match sort {
        "updated" => (pull.updated.clone(), pull.number),
        _ => (pull.created.clone(), pull.number),
    };
    found.sort_by_key(|pull| key(pull));
    let rising = if call.asked("sort").is_none() {
        "desc"
    } else {
        "asc"
    };
    if call.asked("direction").unwrap_or(rising) == "desc" {
        found.reverse();
    }
    let views = found.into_iter().map(|pull| desk.pull_view(repo, pull)).collect();
    desk.paged(views, |items, _| items)
}

pub fn show(desk: &mut Desk<'_>, name: &str, number: u64) -> Outcome {
    let repo = desk.repo(name, READ)?;
    let pull = repo.pull(number).ok_or_else(not_found)?;
    Ok(Answer::json(200, &desk.whole_pull_view(repo, pull)))
}

pub fn create(desk: &mut Desk<'_>, name: &str) -> Outcome {
    let repo = desk.repo(name, WRITE)?;
    if !repo.settings.workflows_open_pulls && desk.login() == "github-actions[bot]" {
        let said = "GitHub Actions is not permitted to create or approve pull requests.";
        return Err(refusal(403, said));
    }
    desk.check("create-pull")?;
    let call = desk.call;
    let text = |field: &str| call.text(field).unwrap_or_default().to_owned();
    let asked = Pull {
        title: text("title"),
        body: text("body"),
        head: text("head"),
        base: text("base"),
        draft: call.body["draft"] == true,
        author: desk.login(),
        ..Pull::default()
    };
    let number = open(desk.state, name, asked)?;
    let repo = desk.state.repo(name);
    let view = desk.whole_pull_view(repo, repo.pull(number).unwrap());
    Ok(Answer::json(201, &view))
}

/// Opens a pull request as asked for; gives its number.
pub fn open(state: &mut State, name: &str, mut asked: Pull) -> Result<u64, Answer> {
    let repo = state.repo(name);
    let store = repo.store();
    let owner = repo.owner().to_owned();
    if let Some((of, branch)) = asked.head.split_once(':') {
        if of != owner {
            return Err(invalid_field("PullRequest", "head", "invalid"));
        }
        asked.head = branch.into();
    }
    let tip = |branch: &str, field: &str| {
        let found = store.tip(branch);
        found.ok_or_else(|| invalid_field("PullRequest", field, "invalid"))
    };
    let base = tip(&asked.base, "base")?;
    let head = tip(&asked.head, "head")?;
    if asked.title.trim().is_empty() {
        return Err(invalid_field("PullRequest", "title", "missing_field"));
    }
    if asked.draft && !repo.settings.drafts {
        return Err(refusal(
            422,
            "Draft pull requests are not supported in this repository.",
        ));
    }
    let twin = |pull: &Pull| pull.open && pull.head == asked.head && pull.base == asked.base;
    if repo.pulls.iter().any(twin) {
        let said = format!("A pull request already exists for {owner}:{}.", asked.head);
        return Err(invalid("PullRequest", &said));
    }
    if store.contains(base, head) {
        let said = format!("No commits between {} and {}", asked.base, asked.head);
        return Err(invalid("PullRequest", &said));
    }
    let (id, now) = (state.next_id(), state.now());
    let repo = state.repo_mut(name);
    let number = repo.pulls.len() as u64 + 1;
    repo.pulls.push(Pull {
        id,
        number,
        head_sha: head.to_string(),
        open: true,
        created: now.clone(),
        updated: now,
        ..asked
    });
    Ok(number)
}

pub fn update(desk: &mut Desk<'_>, name: &str, number: u64) -> Outcome {
    let repo = desk.repo(name, WRITE)?;
    repo.pull(number).ok_or_else(not_found)?;
    desk.check("update-pull")?;
    let (call, login) = (desk.call, desk.login());
    let change = Change {
        title: call.text("title").map(str::to_owned),
        body: call.text("body").map(str::to_owned),
        base: call.text("base").map(str::to_owned),
        open: call.text("state").map(|state| state == "open"),
    };
    alter(desk.state, name, number, change, &login)?;
    let repo = desk.state.repo(name);
    let view = desk.whole_pull_view(repo, repo.pull(number).unwrap());
    Ok(Answer::json(200, &view))
}

/// What an update may change.
#[derive(Default)]
pub struct Change {
    pub title: Option<String>,
    pub body: Option<String>,
    pub base: Option<String>,
    pub open: Option<bool>,
}

pub fn alter(state: &mut State, name: &str, number: u64, change: Change, login: &str) -> Result<(), Answer> {
    let now = state.now();
    let repo = state.repo_mut(name);
    let store = repo.store();
    let pull = repo.pull(number).unwrap().clone();
    if change.title.as_ref().is_some_and(|title| title.trim().is_empty()) {
        return Err(invalid_field("PullRequest", "title", "missing_field"));
    }
    let base = change.base.unwrap_or_else(|| pull.base.clone());
    let base_tip = store
        .tip(&base)
        .ok_or_else(|| invalid_field("PullRequest", "base", "invalid"))?;
    if change.open == Some(true) && !pull.open {
        let twin = |one: &Pull| one.open && one.head == pull.head && one.base == base;
        let said = match store.tip(&pull.head) {
            _ if pull.merged.is_some() => {
                "state cannot be changed. The pull request cannot be reopened.".to_owned()
            }
            None => format!(
                "state cannot be changed. The {} branch has been deleted.",
                pull.head
            ),
            Some(_) if repo.pulls.iter().any(twin) => {
                format!(
                    "state cannot be changed. There is already an open pull request from {} to {base}.",
                    pull.head
                )
            }
            Some(head) if store.contains(base_tip, head) => {
                format!(
                    "state cannot be changed. There are no new commits on the {} branch.",
                    pull.head
                )
            }
            Some(_) => String::new(),
        };
        if !said.is_empty() {
            return Err(invalid("PullRequest", &said));
        }
    }
    let changed = repo.pull_mut(number);
    changed.base = base;
    changed.title = change.title.unwrap_or(pull.title);
    changed.body = change.body.unwrap_or(pull.body);
    changed.updated.clone_from(&now);
    match change.open {
        Some(true) if !pull.open => {
            changed.open = true;
            changed.closed = None;
            changed.closed_by = None;
        }
        Some(false) if pull.open => {
            changed.open = false;
            changed.closed = Some(now);
            changed.closed_by = Some(login.to_owned());
            changed.auto_merge = None;
            changed.queued = false;
        }
        _ => {}
    }
    state.refresh();
    Ok(())
}

/// The REST API's `mergeable_state`.
pub fn merge_state(repo: &Repo, pull: &Pull) -> &'static str {
    let store = repo.store();
    let tips = store.tip(&pull.base).zip(store.tip(&pull.head));
    match tips {
        _ if !pull.open => "unknown",
        None => "unknown",
        Some((base, head)) if store.merged_tree(base, head).is_none() => "dirty",
        _ if pull.draft => "draft",
        _ if repo.settings.checks_pending => "blocked",
        _ => "clean",
    }
}

pub fn merge(desk: &mut Desk<'_>, name: &str, number: u64) -> Outcome {
    let repo = desk.repo(name, &["contents=write"])?;
    let pull = repo.pull(number).ok_or_else(not_found)?;
    desk.check("merge-pull")?;
    let call = desk.call;
    let method = call.text("merge_method").unwrap_or("merge");
    if call.text("sha").is_some_and(|sha| sha != pull.head_sha) {
        return Err(refusal(
            409,
            "Head branch was modified. Review and try the merge again.",
        ));
    }
    mergeable(repo, pull, method).map_err(|said| refusal(405, &said))?;
    let title = call.text("commit_title").map(str::to_owned);
    let sha = land(desk.state, name, number, method, title);
    Ok(Answer::json(
        200,
        &json!({ "sha": sha, "merged": true, "message": "Pull Request successfully merged" }),
    ))
}

/// Says why a pull request cannot be merged now.
pub fn mergeable(repo: &Repo, pull: &Pull, method: &str) -> Result<(), String> {
    let allowed = repo.settings.merge_methods.contains(&method);
    let said = match merge_state(repo, pull) {
        _ if !allowed => format!("{} merges are not allowed on this repository.", capital(method)),
        "clean" if repo.settings.merge_queue => "Changes must be made through the merge queue".to_owned(),
        "clean" => return Ok(()),
        "blocked" => "Required status check \"build\" is expected.".to_owned(),
        "draft" => "Pull Request is still a draft".to_owned(),
        _ => "Pull Request is not mergeable".to_owned(),
    };
    Err(said)
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Merges a pull request, whatever stands against it but a conflict; gives the commit.
pub fn land(state: &mut State, name: &str, number: u64, method: &str, title: Option<String>) -> String {
    let (now, seconds) = (state.now(), state.seconds());
    let repo = state.repo_mut(name);
    let store = repo.store();
    let pull = repo.pull(number).unwrap().clone();
    let (base, head) = (store.tip(&pull.base).unwrap(), store.tip(&pull.head).unwrap());
    let tree = store.merged_tree(base, head).expect("no conflict");
    let default = match method {
        "merge" => format!(
            "Merge pull request #{number} from {}/{}\n\n{}",
            repo.owner(),
            pull.head,
            pull.title
        ),
        _ => format!("{} (#{number})", pull.title),
    };
    let parents = if method == "merge" {
        vec![base, head]
    } else {
        vec![base]
    };
    let github = Person::new("GitHub", super::GITHUB_EMAIL);
    let draft = Draft {
        message: &title.unwrap_or(default),
        author: &github,
        committer: &github,
        seconds,
    };
    let oid = store.commit_tree(tree, &parents, &draft);
    store.set(&format!("refs/heads/{}", pull.base), oid);
    let merged = repo.pull_mut(number);
    merged.open = false;
    merged.merged = Some(oid.to_string());
    merged.closed = Some(now.clone());
    merged.updated = now;
    merged.queued = false;
    merged.auto_merge = None;
    state.refresh();
    oid.to_string()
}
