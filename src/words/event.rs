//! The event that started a CI job: the body that GitHub puts at `$GITHUB_EVENT_PATH`, or the one that
//! GitLab puts into the file `$TRIGGER_PAYLOAD`.
//!
//! Sources: GitHub's "Webhook events and payloads", GitLab's "Trigger pipelines with the API".

use serde_json::{Map, Value};

use super::fault::Fault;
use super::fields::Fields;
use super::payload::{Payload, read_commit, read_login, read_reference, read_repo};
use super::wording::shown;

/// The most bytes of an event's body.
pub const EVENT_MAX: usize = 1024 * 1024;

/// Who wrote the body, which decides what in it can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// GitHub: all but the payload is GitHub's own word.
    GitHub,
    /// GitLab's trigger payload: every field comes from the holder of the trigger token, so no actor is
    /// read from it (`GITLAB_USER_LOGIN` names them).
    GitLab,
    /// A file that the user names, in the shape of either.
    File,
}

/// An event that a step can act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// Somebody asks for a new image.
    Deploy(Box<Deploy>),
    /// A branch or tag moved.
    Push(Push),
    /// Nothing is to be done, and why.
    Nothing {
        /// The reason, for the user.
        reason: String,
    },
}

/// A request for a new image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deploy {
    /// What is asked for.
    pub payload: Payload,
    /// Who sent it, by the forge's own word.
    pub actor: Option<String>,
    /// The type of a `repository_dispatch`.
    pub event_type: Option<String>,
    /// The repository in which the event happened.
    pub repo: Option<String>,
}

/// A branch or tag that moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The repository.
    pub repo: Option<String>,
    /// The whole reference, `refs/heads/main`.
    pub reference: String,
    /// The commit after, in full hex.
    pub after: String,
    /// The commit before; `None` when the reference is new.
    pub before: Option<String>,
    /// Who pushed.
    pub actor: Option<String>,
}

impl Event {
    /// Reads an event's body.
    ///
    /// # Errors
    /// A fault of kind `Invalid`: too long, not JSON, an event of another kind, or a field that is missing
    /// or breaks its grammar, named by its JSON path.
    pub fn parse(body: &[u8], origin: Origin) -> Result<Self, Fault> {
        let map = read_body(body)?;
        let body = Fields::new("", &map);
        refuse_own_variables(&body)?;
        match origin {
            Origin::GitHub => read_github(&body)?.ok_or_else(|| unsupported(&body)),
            Origin::GitLab => read_gitlab(&body),
            Origin::File => match read_github(&body)? {
                Some(event) => Ok(event),
                None => read_gitlab(&body),
            },
        }
    }
}

/// Reads the object that an event's body is.
///
/// # Errors
/// `Invalid` for a body that is too long, no JSON, or no object.
pub(super) fn read_body(body: &[u8]) -> Result<Map<String, Value>, Fault> {
    if body.len() > EVENT_MAX {
        return Err(Fault::invalid(format!(
            "the event is {} bytes long; at most {EVENT_MAX} are read",
            body.len()
        )));
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(_) => Err(Fault::invalid("the event is not a JSON object")),
        Err(error) => Err(Fault::invalid(format!(
            "the event is not JSON: {}",
            shown(&error.to_string())
        ))),
    }
}

/// Returns the variables that a trigger's body sets although they are the job's own to set.
///
/// GitLab puts a trigger's variables over the job's own, before any flag is read.
///
/// # Errors
/// A fault of kind `Invalid` for a body that is not JSON: what it sets is unknown then.
pub fn own_variables(body: &[u8]) -> Result<Vec<String>, Fault> {
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| Fault::invalid(format!("it is not JSON: {}", shown(&error.to_string()))))?;
    let Some(Value::Object(variables)) = body.get("variables") else {
        return Ok(Vec::new());
    };
    Ok(variables.keys().filter(|key| is_own(key)).cloned().collect())
}

/// Whether a variable is one that only the job may set: a flag of ours, or what tells where a token goes, by which way,
/// and whom to trust there.
fn is_own(variable: &str) -> bool {
    const PREFIXES: [&str; 8] = [
        "GITOPS_STEPS_",
        "CI_",
        "GITHUB_",
        "GH_",
        "GITLAB_",
        "ARGOCD_",
        "SSL_",
        "GIT_",
    ];
    let variable = variable.to_ascii_uppercase();
    variable.ends_with("_PROXY") || PREFIXES.iter().any(|prefix| variable.starts_with(prefix))
}

/// Refuses a trigger whose variables would set our flags, or lead a token astray: GitLab puts them over the job's own.
pub(super) fn refuse_own_variables(body: &Fields) -> Result<(), Fault> {
    let Some(Value::Object(variables)) = body.value("variables") else {
        return Ok(());
    };
    variables
        .keys()
        .find(|key| is_own(key))
        .map_or(Ok(()), |key| Err(own_variable(key)))
}

/// The refusal of a trigger that sets a variable which is the job's own.
pub fn own_variable(name: &str) -> Fault {
    Fault::invalid(format!("the trigger may not set the variable `{}`", shown(name)))
        .hint("send the fields in the body field `payload`, and leave this variable to the job")
}

/// Reads the events of GitHub; `None` for a body of another shape.
fn read_github(body: &Fields) -> Result<Option<Event>, Fault> {
    if let Some(payload) = body.object("client_payload")? {
        let event_type = body.checked("action", read_event_type)?;
        return github_deploy(body, read_payload(&payload)?, event_type).map(Some);
    }
    if body.has("zen") && body.has("hook") {
        return Ok(Some(Event::Nothing {
            reason: "the event is a ping".to_owned(),
        }));
    }
    if body.has("workflow")
        && let Some(inputs) = body.object("inputs")?
    {
        let payload = read_payload(&inputs.with_empty_as_absent())?;
        return github_deploy(body, payload, None).map(Some);
    }
    if body.has("ref") && body.has("after") && !body.has("object_kind") {
        return read_push(body, repository(body)?, sender(body)?).map(Some);
    }
    Ok(None)
}

/// Reads GitLab's trigger payload, or the push hook of one that a webhook triggers.
fn read_gitlab(body: &Fields) -> Result<Event, Fault> {
    if let Some(kind) = body.text("object_kind")? {
        if !matches!(kind, "push" | "tag_push") {
            return Err(unsupported(body));
        }
        let repo = match body.object("project")? {
            Some(project) => project.checked("path_with_namespace", read_repo)?,
            None => None,
        };
        return read_push(body, repo, None);
    }
    let payload = if body.has("payload") {
        read_payload(body)?
    } else if let Some(inputs) = body.object("inputs")? {
        read_payload(&inputs.with_empty_as_absent())?
    } else {
        read_top_level(body)?
    };
    Ok(Event::Deploy(Box::new(Deploy {
        payload,
        actor: None,
        event_type: None,
        repo: None,
    })))
}

/// Reads a payload whose fields stand beside those of the trigger's own request.
fn read_top_level(body: &Fields) -> Result<Payload, Fault> {
    let any = ["v", "app", "tag", "digest", "image", "images"];
    if !any.iter().any(|key| body.has(key)) {
        return Err(unsupported(body));
    }
    let own: serde_json::Map<String, Value> = body
        .keys()
        .filter(|key| !["id", "ref", "token", "variables"].contains(key))
        .filter_map(|key| Some((key.to_owned(), body.value(key)?.clone())))
        .collect();
    Payload::from_fields(&Fields::new("", &own))
}

/// Reads a payload that stands in an object itself, or under its key `payload`, there also as one JSON
/// string: senders may have only few top-level keys, or only strings.
fn read_payload(fields: &Fields) -> Result<Payload, Fault> {
    match fields.value("payload") {
        None => Payload::from_fields(fields),
        Some(Value::String(text)) => Payload::parse(text),
        Some(_) => match fields.object("payload")? {
            Some(inner) => Payload::from_fields(&inner),
            None => Payload::from_fields(fields),
        },
    }
}

fn github_deploy(body: &Fields, payload: Payload, event_type: Option<String>) -> Result<Event, Fault> {
    Ok(Event::Deploy(Box::new(Deploy {
        payload,
        actor: sender(body)?,
        event_type,
        repo: repository(body)?,
    })))
}

fn read_push(body: &Fields, repo: Option<String>, actor: Option<String>) -> Result<Event, Fault> {
    let missing = |key: &str| Fault::invalid(format!("field `{}` is missing", body.path(key)));
    let reference = body
        .checked("ref", read_reference)?
        .ok_or_else(|| missing("ref"))?;
    let after = body
        .checked("after", read_commit)?
        .ok_or_else(|| missing("after"))?;
    let before = body.checked("before", read_commit)?;
    if is_zero(&after) || body.flag("deleted")? == Some(true) {
        return Ok(Event::Nothing {
            reason: format!("the push deleted `{}`", shown(&reference)),
        });
    }
    Ok(Event::Push(Push {
        repo,
        reference,
        after,
        before: before.filter(|before| !is_zero(before)),
        actor,
    }))
}

fn sender(body: &Fields) -> Result<Option<String>, Fault> {
    match body.object("sender")? {
        Some(sender) => sender.checked("login", read_login),
        None => Ok(None),
    }
}

fn repository(body: &Fields) -> Result<Option<String>, Fault> {
    match body.object("repository")? {
        Some(repository) => repository.checked("full_name", read_repo),
        None => Ok(None),
    }
}

/// Reads the type of a `repository_dispatch`: one to a hundred characters on one line.
fn read_event_type(text: &str) -> Result<String, Fault> {
    if (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(Fault::invalid(format!("`{}` is not an event type", shown(text))))
}

/// Tells whether a commit is git's sign for "none".
fn is_zero(commit: &str) -> bool {
    commit.bytes().all(|b| b == b'0')
}

fn unsupported(body: &Fields) -> Fault {
    let keys: Vec<String> = body
        .keys()
        .take(8)
        .map(|key| format!("`{}`", shown(key)))
        .collect();
    Fault::invalid(format!(
        "the event is of no kind that this step reads; it holds {}",
        if keys.is_empty() {
            "nothing".to_owned()
        } else {
            keys.join(", ")
        }
    ))
    .hint("it reads repository_dispatch, workflow_dispatch with inputs, push, and GitLab's trigger payload")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::fault::Kind;

    const SHA: &str = "0123456789abcdef0123456789abcdef01234567";
    const ZERO: &str = "0000000000000000000000000000000000000000";

    fn parse(text: &str, origin: Origin) -> Result<Event, Fault> {
        let text = text.replace("SHA", SHA).replace("ZERO", ZERO);
        Event::parse(text.as_bytes(), origin)
    }

    fn deploy(text: &str, origin: Origin) -> Deploy {
        match parse(text, origin) {
            Ok(Event::Deploy(deploy)) => *deploy,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn every_way_to_send_a_payload_arrives() {
        for (text, origin) in [
            (
                r#"{"action":"deploy","client_payload":{"app":"web","tag":"v1"},"repository":{"full_name":"a/b"}}"#,
                Origin::GitHub,
            ),
            (
                r#"{"client_payload":{"v":1,"app":"web","images":[{"tag":"v1"}]}}"#,
                Origin::GitHub,
            ),
            (
                r#"{"client_payload":{"payload":{"v":1,"app":"web","images":[{"tag":"v1"}]}}}"#,
                Origin::GitHub,
            ),
            (
                r#"{"workflow":"w.yml","ref":"refs/heads/main","inputs":{"app":"web","env":"","tag":"v1","digest":""}}"#,
                Origin::GitHub,
            ),
            (
                r#"{"workflow":"w.yml","inputs":{"payload":"{\"app\":\"web\",\"tag\":\"v1\"}"}}"#,
                Origin::GitHub,
            ),
            (
                r#"{"id":"7","ref":"main","variables":{"X":"y"},"payload":"{\"app\":\"web\",\"tag\":\"v1\"}"}"#,
                Origin::GitLab,
            ),
            (
                r#"{"id":7,"ref":"main","payload":{"v":1,"app":"web","images":[{"tag":"v1"}]}}"#,
                Origin::GitLab,
            ),
            (r#"{"id":7,"ref":"main","app":"web","tag":"v1"}"#, Origin::GitLab),
            (
                r#"{"ref":"main","inputs":{"payload":"{\"app\":\"web\",\"tag\":\"v1\"}"}}"#,
                Origin::GitLab,
            ),
            (r#"{"app":"web","tag":"v1"}"#, Origin::File),
            (r#"{"client_payload":{"app":"web","tag":"v1"}}"#, Origin::File),
        ] {
            let deploy = deploy(text, origin);
            assert_eq!(deploy.payload.app.unwrap().as_str(), "web", "{text}");
            assert_eq!(
                deploy.payload.images[0].tag.as_ref().unwrap().as_str(),
                "v1",
                "{text}"
            );
        }
    }

    #[test]
    fn only_the_forge_says_who_acts() {
        let body = r#"{"client_payload":{"app":"web","tag":"v1"},"payload":{"app":"web","tag":"v1"},"sender":{"login":"ci-bot[bot]"}}"#;
        assert_eq!(deploy(body, Origin::GitHub).actor.as_deref(), Some("ci-bot[bot]"));
        assert_eq!(deploy(body, Origin::GitLab).actor, None);
        let inputs = r#"{"inputs":{"app":"web","tag":"v1"},"sender":{"login":"root"}}"#;
        assert_eq!(deploy(inputs, Origin::GitLab).actor, None);
    }

    #[test]
    fn a_push_tells_what_moved() {
        let event = parse(
            r#"{"ref":"refs/heads/main","before":"ZERO","after":"SHA","deleted":false,
                "repository":{"full_name":"acme/web"},"sender":{"login":"ann"},"head_commit":{"id":"SHA"}}"#,
            Origin::GitHub,
        );
        let push = Push {
            repo: Some("acme/web".to_owned()),
            reference: "refs/heads/main".to_owned(),
            after: SHA.to_owned(),
            before: None,
            actor: Some("ann".to_owned()),
        };
        assert_eq!(event.unwrap(), Event::Push(push));
        let gitlab = r#"{"object_kind":"push","ref":"refs/heads/main","before":"SHA","after":"SHA",
            "user_username":"root","project":{"path_with_namespace":"g/s/p"}}"#;
        for origin in [Origin::GitLab, Origin::File] {
            let Ok(Event::Push(push)) = parse(gitlab, origin) else {
                panic!()
            };
            assert_eq!((push.repo.as_deref(), push.actor), (Some("g/s/p"), None));
        }
    }

    #[test]
    fn a_ping_and_a_deletion_are_nothing_to_do() {
        for (text, says) in [
            (r#"{"zen":"x","hook_id":1,"hook":{}}"#, "ping"),
            (
                r#"{"ref":"refs/heads/x","after":"ZERO","before":"SHA"}"#,
                "deleted `refs/heads/x`",
            ),
            (
                r#"{"ref":"refs/heads/x","after":"SHA","deleted":true}"#,
                "deleted",
            ),
        ] {
            let Ok(Event::Nothing { reason }) = parse(text, Origin::GitHub) else {
                panic!("{text}")
            };
            assert!(reason.contains(says), "{reason}");
        }
    }

    #[test]
    fn hostile_bodies_are_refused_with_the_place() {
        for (text, origin, says) in [
            ("", Origin::GitHub, "not JSON"),
            ("[1]", Origin::GitHub, "not a JSON object"),
            ("{}", Origin::GitHub, "holds nothing"),
            (
                r#"{"action":"opened","pull_request":{}}"#,
                Origin::GitHub,
                "`action`, `pull_request`",
            ),
            (
                r#"{"app":"web","tag":"v1"}"#,
                Origin::GitHub,
                "no kind that this step reads",
            ),
            (
                r#"{"client_payload":"x"}"#,
                Origin::GitHub,
                "`client_payload` is a string",
            ),
            (
                r#"{"client_payload":{"app":"web","tag":7}}"#,
                Origin::GitHub,
                "`client_payload.tag` is a number",
            ),
            (
                r#"{"client_payload":{"app":"web","tag":"v1","path":"x"}}"#,
                Origin::GitHub,
                "may not name",
            ),
            (
                r#"{"workflow":"w","inputs":{"app":"","tag":"v1\n"}}"#,
                Origin::GitHub,
                "`inputs.tag`",
            ),
            (
                r#"{"client_payload":{"app":"web","tag":"v1"},"sender":{"login":"a\nb"}}"#,
                Origin::GitHub,
                "sender.login",
            ),
            (
                r#"{"ref":"refs/heads/a b","after":"SHA"}"#,
                Origin::GitHub,
                "field `ref`",
            ),
            (
                r#"{"ref":"refs/heads/a","after":"HEAD"}"#,
                Origin::GitHub,
                "field `after`",
            ),
            (r#"{"ref":1,"after":"SHA"}"#, Origin::GitHub, "`ref` is a number"),
            (
                r#"{"payload":{"app":"web","tag":"v1"},"variables":{"GITOPS_STEPS_FILE":"x"}}"#,
                Origin::GitLab,
                "GITOPS_STEPS_FILE",
            ),
            (
                r#"{"payload":7,"variables":{"gitops_steps_file":"x"}}"#,
                Origin::GitLab,
                "may not set the variable",
            ),
            (
                r#"{"payload":{"app":"web","tag":"v1"},"variables":{"X":"y","https_proxy":"http://evil.example"}}"#,
                Origin::GitLab,
                "https_proxy",
            ),
            (r#"{"payload":[]}"#, Origin::GitLab, "`payload` is a list"),
            (r#"{"object_kind":"issue"}"#, Origin::GitLab, "no kind"),
            (
                r#"{"ref":"main","app":"web","tag":"v1","files":"x"}"#,
                Origin::GitLab,
                "may not name `files`",
            ),
        ] {
            let fault = parse(text, origin).expect_err(text);
            assert_eq!(fault.kind, Kind::Invalid, "{text}");
            assert!(fault.message.contains(says), "{text}: {fault}");
        }
        assert!(Event::parse(&vec![b' '; EVENT_MAX + 1], Origin::GitHub).is_err());
        assert!(Event::parse(b"{\"a\":\"\xff\"}", Origin::GitHub).is_err());
        let deep = format!("{}1{}", "{\"a\":".repeat(5000), "}".repeat(5000));
        assert!(Event::parse(deep.as_bytes(), Origin::GitLab).is_err());
    }
}
