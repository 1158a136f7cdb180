//! The bodies of events: whoever wrote them, only what passed its grammar is read, and nothing in them steers the run.

use gitops_steps::words::change_request_event::ChangeRequestEvent;
use gitops_steps::words::event::{Event, Origin, own_variables};
use gitops_steps::words::payload::{Payload, read_commit, read_reference, read_url};
use gitops_steps::words::pull_request::PullRequestHead;
use gitops_steps::words::status_event::StatusEvent;

use super::{is_plain, read};

pub fn check(data: &[u8]) {
    for origin in [Origin::GitHub, Origin::GitLab, Origin::File] {
        let Some(event) = read(Event::parse(data, origin)) else {
            continue;
        };
        // What sets the job's own variables is refused before anything else.
        assert_eq!(own_variables(data).unwrap_or_default(), Vec::<String>::new());
        match event {
            Event::Deploy(deploy) => {
                assert!(deploy.actor.is_none() || origin != Origin::GitLab, "who says so?");
                is_sound(&deploy.payload);
                for text in [deploy.actor, deploy.event_type, deploy.repo].iter().flatten() {
                    is_plain(text, None);
                }
            }
            Event::Push(push) => {
                assert!(push.actor.is_none() || origin != Origin::GitLab, "who says so?");
                assert!(read_commit(&push.after).is_ok() && read_reference(&push.reference).is_ok());
                assert!(push.before.is_none_or(|before| read_commit(&before).is_ok()));
            }
            Event::Nothing { reason } => is_plain(&reason, None),
        }
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Some(payload) = read(Payload::parse(text))
    {
        is_sound(&payload);
    }
    status(data);
    change_request(data);
}

/// The one that sends it reads it back the same, and there is nothing in it but words of a grammar.
fn is_sound(payload: &Payload) {
    assert!((1..=50).contains(&payload.images.len()));
    assert!(
        payload
            .images
            .iter()
            .all(|image| image.tag.is_some() || image.digest.is_some())
    );
    let source = &payload.source;
    let texts = [
        &payload.id,
        &source.repo,
        &source.reference,
        &source.run_url,
        &source.actor,
    ];
    for text in texts.into_iter().flatten() {
        assert!(!text.is_empty() && !text.contains(|c: char| c.is_control() || c.is_whitespace()));
        assert!(!text.starts_with('-'), "{text:?}");
    }
    assert!(
        source
            .commit
            .as_deref()
            .is_none_or(|commit| read_commit(commit).is_ok())
    );
    assert!(source.run_url.as_deref().is_none_or(|url| read_url(url).is_ok()));
    for path in &payload.ignored {
        is_plain(path, None);
    }
    // The structured form needs the app.
    if payload.app.is_some() {
        let sent = payload.to_json().to_string();
        let arrived = Payload::parse(&sent).unwrap_or_else(|fault| panic!("{fault}: {sent}"));
        let sent = Payload {
            ignored: Vec::new(),
            ..payload.clone()
        };
        assert_eq!(arrived, sent);
    }
}

fn status(data: &[u8]) {
    let Some(event) = read(StatusEvent::parse(data)) else {
        return;
    };
    assert!(event.sha.is_none_or(|sha| read_commit(&sha).is_ok()));
    for url in [event.environment_url, event.log_url].iter().flatten() {
        assert!(read_url(url).is_ok(), "{url:?}");
    }
    let texts = [event.repo, event.environment, event.reference, event.description];
    for text in texts.iter().flatten() {
        is_plain(text, None);
    }
}

fn change_request(data: &[u8]) {
    if let Some(Some(event)) = read(ChangeRequestEvent::parse(data)) {
        assert!(read_commit(&event.sha).is_ok() && read_reference(&event.branch).is_ok());
        assert!(event.labels.len() <= 200);
        for text in event.labels.iter().chain(&event.repo) {
            is_plain(text, None);
        }
    }
    if let Some(head) = PullRequestHead::of_event(data) {
        assert!(read_commit(&head.sha).is_ok() && read_reference(&head.reference).is_ok());
    }
}
