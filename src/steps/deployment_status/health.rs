//! What Argo CD's view of an application says about a deployment.

use crate::plan::application::{Application, LastOperation};
use crate::words::wording::{one_line, shown};

/// Whether what is deployed there is what is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ours {
    /// The synced commit is the one that is waited for, or a later one, or the image runs.
    Yes,
    /// It is not.
    No,
}

/// What one look at an application says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not there yet, and why.
    NotYet(String),
    /// It is there and healthy; that is to last.
    Healthy,
    /// It is there and degraded, and why; that is to last.
    Degraded(String),
    /// Syncing it failed for good, and why.
    Failed(String),
}

/// Judges one look at an application.
///
/// `ours` says of a list of commits whether one of them contains the commit that is waited for. The rule is that of
/// `argocd app wait` (`checkAppWaitConditions`): synced and healthy, no operation under way, and compared with the
/// cluster after the last operation had ended.
///
/// # Errors
/// What `ours` meets.
pub fn judge<E>(
    application: &Application,
    mut ours: impl FnMut(&[String], &[String]) -> Result<Ours, E>,
) -> Result<Verdict, E> {
    let ended = application.last.as_ref();
    if let Some(last) = ended
        && !application.operating
        && matches!(last.phase.as_str(), "Failed" | "Error")
        && ours(&last.revisions, &[])? == Ours::Yes
    {
        return Ok(Verdict::Failed(failure(last)));
    }
    if ours(&application.revisions, &application.images)? == Ours::No {
        let at = application
            .revisions
            .iter()
            .map(|revision| shown(revision.get(..12).unwrap_or(revision)))
            .collect::<Vec<_>>()
            .join(", ");
        let at = if at.is_empty() { "nothing".to_owned() } else { at };
        return Ok(Verdict::NotYet(format!("it has synced {at}, without the commit")));
    }
    let running = application.operating
        || ended.is_some_and(|last| last.phase == "Running" || last.phase == "Terminating");
    let not_yet = if running {
        Some("its sync goes on".to_owned())
    } else if ended.is_some_and(|last| last.phase != "Succeeded") {
        Some("its last sync did not succeed".to_owned())
    } else if application.sync != "Synced" {
        Some(format!("it is {}", word(&application.sync)))
    } else if is_older(application) {
        Some("it was not looked at since its last sync".to_owned())
    } else {
        None
    };
    Ok(match (not_yet, application.health.as_str()) {
        (_, "Degraded") if !running => Verdict::Degraded(degraded(application)),
        (Some(why), _) => Verdict::NotYet(why),
        (None, "Healthy") => Verdict::Healthy,
        (None, health) => Verdict::NotYet(format!("it is {}", word(health))),
    })
}

fn is_older(application: &Application) -> bool {
    let finished = application.last.as_ref().and_then(|last| last.finished);
    matches!((application.reconciled, finished), (Some(reconciled), Some(finished)) if reconciled < finished)
}

fn word(text: &str) -> String {
    if text.is_empty() {
        "Unknown".to_owned()
    } else {
        shown(text)
    }
}

fn failure(last: &LastOperation) -> String {
    let said = last.message.as_deref().map(one_line).unwrap_or_default();
    if said.is_empty() {
        format!("its sync ended with {}", shown(&last.phase))
    } else {
        format!("its sync ended with {}: {said}", shown(&last.phase))
    }
}

fn degraded(application: &Application) -> String {
    match application.health_message.as_deref().map(one_line) {
        Some(said) if !said.is_empty() => format!("it is Degraded: {said}"),
        _ => "it is Degraded".to_owned(),
    }
}

/// Returns whether one of the images that run is the expected one: the same text, or the same name and tag before a
/// digest.
pub fn runs(images: &[String], expected: &str) -> bool {
    images.iter().any(|image| {
        image == expected
            || image
                .strip_prefix(expected)
                .is_some_and(|rest| rest.starts_with('@'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn application(sync: &str, health: &str, phase: &str, revision: &str) -> Application {
        Application {
            revisions: vec![revision.to_owned()],
            sync: sync.to_owned(),
            health: health.to_owned(),
            last: Some(LastOperation {
                phase: phase.to_owned(),
                revisions: vec![revision.to_owned()],
                ..LastOperation::default()
            }),
            ..Application::default()
        }
    }

    fn verdict(application: &Application) -> String {
        let ours = |revisions: &[String], _: &[String]| {
            let ours = revisions.iter().any(|revision| revision == "ours");
            Ok::<_, Infallible>(if ours { Ours::Yes } else { Ours::No })
        };
        match judge(application, ours) {
            Ok(Verdict::NotYet(_)) => "not yet".to_owned(),
            Ok(other) => format!("{other:?}"),
        }
    }

    #[test]
    fn health_counts_only_at_our_commit_and_after_its_sync() {
        for (sync, health, phase, revision, is) in [
            ("Synced", "Healthy", "Succeeded", "ours", "Healthy"),
            ("Synced", "Healthy", "Succeeded", "old", "not yet"),
            ("Synced", "Healthy", "Running", "ours", "not yet"),
            ("OutOfSync", "Healthy", "Succeeded", "ours", "not yet"),
            ("Synced", "Progressing", "Succeeded", "ours", "not yet"),
            ("Synced", "Suspended", "Succeeded", "ours", "not yet"),
            (
                "Synced",
                "Degraded",
                "Succeeded",
                "ours",
                "Degraded(\"it is Degraded\")",
            ),
            ("Synced", "Degraded", "Succeeded", "old", "not yet"),
            ("Synced", "Degraded", "Running", "ours", "not yet"),
            (
                "OutOfSync",
                "Healthy",
                "Failed",
                "ours",
                "Failed(\"its sync ended with Failed\")",
            ),
            ("OutOfSync", "Healthy", "Error", "old", "not yet"),
        ] {
            let application = application(sync, health, phase, revision);
            assert_eq!(verdict(&application), is, "{sync} {health} {phase} {revision}");
        }
    }

    #[test]
    fn a_look_from_before_the_end_of_the_sync_says_nothing() {
        let mut application = application("Synced", "Healthy", "Succeeded", "ours");
        let at = |text: &str| Some(text.parse().unwrap());
        application.last.as_mut().unwrap().finished = at("2026-01-01T00:00:10Z");
        for (reconciled, is) in [
            ("2026-01-01T00:00:09Z", "not yet"),
            ("2026-01-01T00:00:10Z", "Healthy"),
        ] {
            application.reconciled = at(reconciled);
            assert_eq!(verdict(&application), is);
        }
        application.operating = true;
        assert_eq!(verdict(&application), "not yet");
    }

    #[test]
    fn an_image_is_known_with_and_without_its_digest() {
        let images = [
            "ghcr.io/acme/web:v10".to_owned(),
            "ghcr.io/acme/api:v1@sha256:ab".to_owned(),
        ];
        for (expected, is) in [
            ("ghcr.io/acme/web:v10", true),
            ("ghcr.io/acme/web:v1", false),
            ("ghcr.io/acme/api:v1", true),
        ] {
            assert_eq!(runs(&images, expected), is, "{expected}");
        }
    }
}
