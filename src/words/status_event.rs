//! The event by which Argo CD's notifications, or anybody else, report how a deployment goes.
//!
//! GitHub: a `repository_dispatch` whose `client_payload` holds the fields of [`StatusEvent`]. GitLab: a trigger whose
//! body field `payload` holds them.

use serde_json::Value;

use super::event::{read_body, refuse_own_variables};
use super::fault::Fault;
use super::fields::Fields;
use super::payload::{read_commit, read_reference, read_repo, read_url};
use super::wording::{one_line, shown};

/// The most characters of an environment's name, after GitHub.
const ENVIRONMENT_MAX: usize = 255;
/// The most bytes of a description that is read; less of it is recorded.
const DESCRIPTION_MAX: usize = 4096;

/// What is reported. Every field has passed its grammar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StatusEvent {
    /// `repo`: the repository whose deployment it is; only a check, it leads nowhere else.
    pub repo: Option<String>,
    /// `environment`.
    pub environment: Option<String>,
    /// `deployment_id`.
    pub deployment_id: Option<u64>,
    /// `state`, or what `health` and `sync` come to, as GitHub's word.
    pub state: Option<&'static str>,
    /// `ref`, or `branch_slug`.
    pub reference: Option<String>,
    /// `sha`, or `revision`.
    pub sha: Option<String>,
    /// `environment_url`.
    pub environment_url: Option<String>,
    /// `log_url`.
    pub log_url: Option<String>,
    /// `description`, on one line.
    pub description: Option<String>,
}

impl StatusEvent {
    /// Reads an event's body.
    ///
    /// # Errors
    /// A fault of kind `Invalid` for a body of another kind, and for a field that breaks its grammar, named by its
    /// JSON path.
    pub fn parse(body: &[u8]) -> Result<Self, Fault> {
        let map = read_body(body)?;
        let body = Fields::new("", &map);
        refuse_own_variables(&body)?;
        if let Some(fields) = body.object("client_payload")? {
            return Self::of_fields(&fields.with_empty_as_absent());
        }
        match body.value("payload") {
            Some(Value::String(text)) => {
                let inner: Value = serde_json::from_str(text).map_err(|error| {
                    Fault::invalid(format!(
                        "field `payload` is not JSON: {}",
                        shown(&error.to_string())
                    ))
                })?;
                let Value::Object(inner) = &inner else {
                    return Err(Fault::invalid("field `payload` is not a JSON object"));
                };
                Self::of_fields(&Fields::new("payload", inner).with_empty_as_absent())
            }
            _ => match body.object("payload")? {
                Some(fields) => Self::of_fields(&fields.with_empty_as_absent()),
                None => Err(Fault::invalid(
                    "the event reports no deployment: it has neither `client_payload` nor `payload`",
                )
                .hint("start this workflow by a repository_dispatch, or leave --from-event out")),
            },
        }
    }

    fn of_fields(fields: &Fields) -> Result<Self, Fault> {
        let either = |one: Option<String>, other: Option<String>| one.or(other);
        let health = fields.checked("health", read_health)?;
        let sync = fields.checked("sync", read_sync)?;
        let state = fields.checked("state", read_state)?;
        let event = Self {
            repo: fields.checked("repo", read_repo)?,
            environment: fields.checked("environment", read_environment)?,
            deployment_id: fields.number("deployment_id")?,
            state: state.or_else(|| health.map(|health| state_of(health, sync))),
            reference: either(
                fields.checked("ref", read_reference)?,
                fields.checked("branch_slug", read_reference)?,
            ),
            sha: either(
                fields.checked("sha", read_commit)?,
                fields.checked("revision", read_commit)?,
            ),
            environment_url: fields.checked("environment_url", read_url)?,
            log_url: fields.checked("log_url", read_url)?,
            description: fields.checked("description", read_description)?,
        };
        if event.state.is_none() {
            return Err(
                Fault::invalid(format!("field `{}` is missing", fields.path("state")))
                    .hint("send `state`, or Argo CD's `health` and `sync`"),
            );
        }
        Ok(event)
    }
}

/// Reads the name of an environment, which forges take almost freely.
///
/// # Errors
/// A fault of kind `Invalid` for one that is empty, too long or holds control characters.
pub fn read_environment(text: &str) -> Result<String, Fault> {
    let count = text.chars().count();
    if (1..=ENVIRONMENT_MAX).contains(&count) && text.trim() == text && one_line(text) == text {
        return Ok(text.to_owned());
    }
    Err(
        Fault::invalid(format!("`{}` is no name of an environment", shown(text))).hint(format!(
            "give 1 to {ENVIRONMENT_MAX} characters on one line, without spaces at the ends"
        )),
    )
}

fn read_state(text: &str) -> Result<&'static str, Fault> {
    const STATES: [&str; 7] = [
        "queued",
        "pending",
        "in_progress",
        "success",
        "failure",
        "error",
        "inactive",
    ];
    word(text, &STATES)
}

fn read_health(text: &str) -> Result<&'static str, Fault> {
    word(
        text,
        &[
            "Healthy",
            "Progressing",
            "Degraded",
            "Suspended",
            "Missing",
            "Unknown",
        ],
    )
}

fn read_sync(text: &str) -> Result<&'static str, Fault> {
    word(text, &["Synced", "OutOfSync", "Unknown"])
}

fn word(text: &str, known: &[&'static str]) -> Result<&'static str, Fault> {
    known
        .iter()
        .copied()
        .find(|word| *word == text)
        .ok_or_else(|| Fault::invalid(format!("`{}` is none of {}", shown(text), known.join(", "))))
}

/// What Argo CD's two words come to. Healthy alone says nothing of the version: it has to be in sync too.
fn state_of(health: &str, sync: Option<&str>) -> &'static str {
    match (health, sync) {
        ("Healthy", None | Some("Synced")) => "success",
        ("Healthy" | "Progressing", _) => "in_progress",
        ("Suspended", _) => "pending",
        ("Degraded", _) => "failure",
        _ => "error",
    }
}

fn read_description(text: &str) -> Result<String, Fault> {
    if text.len() > DESCRIPTION_MAX {
        return Err(Fault::invalid(format!(
            "it is longer than {DESCRIPTION_MAX} bytes"
        )));
    }
    Ok(one_line(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

    fn parse(payload: &str) -> Result<StatusEvent, Fault> {
        StatusEvent::parse(format!(r#"{{"action":"x","client_payload":{payload}}}"#).as_bytes())
    }

    #[test]
    fn argo_cds_two_words_come_to_one_state() {
        for (health, sync, state) in [
            ("Healthy", "Synced", "success"),
            ("Healthy", "OutOfSync", "in_progress"),
            ("Progressing", "Synced", "in_progress"),
            ("Degraded", "Synced", "failure"),
            ("Suspended", "Synced", "pending"),
            ("Missing", "OutOfSync", "error"),
        ] {
            let event = parse(&format!(
                r#"{{"environment":"dev","health":"{health}","sync":"{sync}"}}"#
            ));
            assert_eq!(event.unwrap().state, Some(state), "{health} {sync}");
        }
    }

    #[test]
    fn an_unfilled_field_of_a_template_is_absent() {
        let event = parse(&format!(
            r#"{{"environment":"dev","state":"success","ref":"","branch_slug":"a-b","sha":"","revision":"{SHA}","log_url":""}}"#
        ));
        let event = event.unwrap();
        assert_eq!(
            (event.reference.as_deref(), event.sha.as_deref()),
            (Some("a-b"), Some(SHA))
        );
        assert_eq!(event.log_url, None);
    }

    #[test]
    fn gitlabs_trigger_carries_the_same_fields() {
        let fields = r#"{"environment":"dev","state":"failure"}"#;
        let text = serde_json::to_string(fields).unwrap();
        for payload in [fields, &text] {
            let body = format!(r#"{{"ref":"main","payload":{payload}}}"#);
            assert_eq!(
                StatusEvent::parse(body.as_bytes()).unwrap().state,
                Some("failure")
            );
        }
    }

    #[test]
    fn each_hostile_field_is_refused_by_its_name() {
        for (payload, says) in [
            (r#"{"state":"done"}"#, "client_payload.state"),
            (r#"{"health":"healthy"}"#, "client_payload.health"),
            (r#"{"environment":"dev"}"#, "client_payload.state"),
            (
                r#"{"state":"error","environment":"a\nb"}"#,
                "client_payload.environment",
            ),
            (r#"{"state":"error","sha":"HEAD"}"#, "client_payload.sha"),
            (r#"{"state":"error","ref":"-x"}"#, "client_payload.ref"),
            (
                r#"{"state":"error","log_url":"javascript:alert(1)"}"#,
                "client_payload.log_url",
            ),
            (
                r#"{"state":"error","environment_url":"https://a b"}"#,
                "client_payload.environment_url",
            ),
            (r#"{"state":"error","repo":"../x"}"#, "client_payload.repo"),
            (r#"{"state":1}"#, "client_payload.state"),
            ("[]", "client_payload"),
        ] {
            let fault = parse(payload).expect_err(payload);
            assert!(fault.message.contains(says), "{payload}: {fault}");
        }
        for body in ["", "[]", "{}", r#"{"payload":"[]"}"#] {
            assert!(StatusEvent::parse(body.as_bytes()).is_err(), "{body}");
        }
    }
}
