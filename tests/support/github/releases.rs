//! Releases, annotated tags, and the pull requests of a commit.

use serde_json::{Value, json};

use super::answer::{Answer, Outcome, invalid, invalid_field, not_found, refusal};
use super::desk::Desk;
use super::state::{Release, Repo};

const READ: &[&str] = &["contents=read"];
const WRITE: &[&str] = &["contents=write"];

/// The most characters of a release's text.
const LONGEST: usize = 125_000;

pub fn create(desk: &mut Desk<'_>, name: &str) -> Outcome {
    let repo = desk.repo(name, WRITE)?;
    desk.check("create-release")?;
    let body = &desk.call.body;
    let tag = desk.call.text("tag_name").unwrap().to_owned();
    let full = format!("refs/tags/{tag}");
    if !git2::Reference::is_valid_name(&full) {
        return Err(invalid("Release", "tag_name is not a valid tag"));
    }
    let draft = body["draft"] == true;
    if !draft && repo.releases.iter().any(|one| one.tag == tag && !one.draft) {
        return Err(invalid_field("Release", "tag_name", "already_exists"));
    }
    let release = Release {
        id: 0,
        title: desk.call.text("name").unwrap_or_default().to_owned(),
        body: desk.call.text("body").unwrap_or_default().to_owned(),
        draft,
        prerelease: body["prerelease"] == true,
        creator: desk.login(),
        created: desk.state.now(),
        tag,
    };
    judge(&release, desk.call.text("make_latest"))?;
    // A tag that is not there is made of the default branch, once the release is published.
    if !release.draft && repo.store().named(&full).is_none() {
        let tip = repo.store().tip(&repo.default_branch).ok_or_else(not_found)?;
        repo.store().set(&full, tip);
    }
    let id = desk.state.next_id();
    let release = Release { id, ..release };
    let latest = desk.call.text("make_latest").map(str::to_owned);
    let view = view(desk, name, &release);
    let held = desk.state.repo_mut(name);
    mark_latest(held, &release, latest.as_deref());
    held.releases.push(release);
    Ok(Answer::json(201, &view))
}

pub fn update(desk: &mut Desk<'_>, name: &str, id: u64) -> Outcome {
    let repo = desk.repo(name, WRITE)?;
    desk.check("update-release")?;
    let mut release = find(repo, id)?.clone();
    let body = &desk.call.body;
    let flag = |field: &str, now: bool| body[field].as_bool().unwrap_or(now);
    release.draft = flag("draft", release.draft);
    release.prerelease = flag("prerelease", release.prerelease);
    for (field, held) in [
        ("name", &mut release.title),
        ("body", &mut release.body),
        ("tag_name", &mut release.tag),
    ] {
        if let Some(text) = desk.call.text(field) {
            text.clone_into(held);
        }
    }
    judge(&release, desk.call.text("make_latest"))?;
    let latest = desk.call.text("make_latest").map(str::to_owned);
    let view = view(desk, name, &release);
    let held = desk.state.repo_mut(name);
    mark_latest(held, &release, latest.as_deref());
    *held.releases.iter_mut().find(|one| one.id == id).unwrap() = release;
    Ok(Answer::json(200, &view))
}

fn judge(release: &Release, make_latest: Option<&str>) -> Result<(), Answer> {
    if release.body.chars().count() > LONGEST {
        return Err(invalid(
            "Release",
            &format!("body is too long (maximum is {LONGEST} characters)"),
        ));
    }
    if make_latest == Some("true") && (release.draft || release.prerelease) {
        return Err(refusal(422, "Drafts and prereleases cannot be set as latest"));
    }
    Ok(())
}

/// The default is `true`; `legacy` goes by date here, so the newest is the latest.
fn mark_latest(repo: &mut Repo, release: &Release, make_latest: Option<&str>) {
    let is = repo.latest == Some(release.id);
    match make_latest.unwrap_or(if is { "true" } else { "none" }) {
        "true" | "legacy" if !release.draft && !release.prerelease => repo.latest = Some(release.id),
        "false" if is => repo.latest = None,
        _ => {}
    }
}

/// Drafts have no page by their tag.
pub fn by_tag(desk: &mut Desk<'_>, name: &str, tag: &str) -> Outcome {
    let repo = desk.repo(name, READ)?;
    let found = repo.releases.iter().find(|one| one.tag == tag && !one.draft);
    Ok(Answer::json(200, &view(desk, name, found.ok_or_else(not_found)?)))
}

pub fn latest(desk: &mut Desk<'_>, name: &str) -> Outcome {
    let repo = desk.repo(name, READ)?;
    let found = repo.releases.iter().find(|one| repo.latest == Some(one.id));
    Ok(Answer::json(200, &view(desk, name, found.ok_or_else(not_found)?)))
}

/// Only who may write sees drafts.
pub fn list(desk: &mut Desk<'_>, name: &str) -> Outcome {
    let repo = desk.repo(name, READ)?;
    let writes = desk.repo(name, WRITE).is_ok();
    let shown = repo.releases.iter().rev().filter(|one| writes || !one.draft);
    let views = shown.map(|one| view(desk, name, one)).collect();
    desk.paged(views, |items, _| items)
}

fn find(repo: &Repo, id: u64) -> Result<&Release, Answer> {
    repo.releases
        .iter()
        .find(|one| one.id == id)
        .ok_or_else(not_found)
}

pub fn view(desk: &Desk<'_>, repo: &str, release: &Release) -> Value {
    let url = desk.link(repo, &format!("/releases/{}", release.id));
    let page = if release.draft { "untagged-1" } else { &release.tag };
    json!({
        "id": release.id, "node_id": format!("RE_{}", release.id), "url": url,
        "html_url": desk.page_url(repo, &format!("/releases/tag/{page}")),
        "assets_url": format!("{url}/assets"), "upload_url": format!("{url}/assets{{?name,label}}"),
        "tarball_url": null, "zipball_url": null, "assets": [],
        "tag_name": release.tag, "target_commitish": "main", "name": release.title, "body": release.body,
        "draft": release.draft, "prerelease": release.prerelease, "author": desk.user(&release.creator),
        "created_at": release.created, "published_at": (!release.draft).then_some(&release.created),
    })
}

/// Makes a tag's object; no ref names it yet.
pub fn create_tag(desk: &mut Desk<'_>, repo: &str) -> Outcome {
    let store = desk.store(repo, WRITE)?;
    desk.check("create-tag")?;
    let text = |field: &str| desk.call.text(field).unwrap_or_default();
    let (name, message, object) = (text("tag"), text("message"), text("object"));
    if !git2::Reference::is_valid_name(&format!("refs/tags/{name}")) {
        return Err(refusal(422, &format!("{name} is not a valid tag name")));
    }
    let found = store
        .full_id(object)
        .filter(|oid| store.kind(*oid).is_some_and(|kind| kind.str() == text("type")));
    let found = found.ok_or_else(|| refusal(422, "Object does not exist"))?;
    let tagger = desk.grant.as_ref().map(super::Grant::noreply).unwrap_or_default();
    let id = store.write_tag(name, message, found, &desk.login(), &tagger, desk.state.seconds());
    let view = json!({
        "node_id": format!("TA_{id}"), "sha": id.to_string(), "tag": name, "message": message,
        "url": desk.link(repo, &format!("/git/tags/{id}")),
        "tagger": { "name": desk.login(), "email": tagger, "date": desk.state.now() },
        "object": { "type": text("type"), "sha": object, "url": desk.link(repo, &format!("/git/commits/{object}")) },
        "verification": { "verified": false, "reason": "unsigned", "signature": null, "payload": null },
    });
    Ok(Answer::json(201, &view))
}

/// The pull requests that brought a commit: those merged by it, and those whose head it is.
pub fn pulls_of(desk: &mut Desk<'_>, name: &str, sha: &str) -> Outcome {
    let repo = desk.repo(name, &["pull_requests=read"])?;
    let at = repo
        .store()
        .commit_at(sha)
        .ok_or_else(|| refusal(422, &format!("No commit found for SHA: {sha}")))?
        .to_string();
    let found = repo
        .pulls
        .iter()
        .filter(|pull| pull.merged.as_deref() == Some(&at) || pull.head_sha == at);
    let views = found.map(|pull| desk.pull_view(repo, pull)).collect();
    desk.paged(views, |items, _| items)
}
