//! What the forges take at most, checked before anything is sent.
//!
//! Sources: GitHub's "Create a repository dispatch event" and "Create a workflow dispatch event"; GitLab's "CI/CD
//! inputs".

use serde_json::Value;

use crate::plan::dispatch::Dispatch;
use crate::words::fault::Fault;

/// The most characters of a `repository_dispatch`'s type.
const EVENT_TYPE: usize = 100;
/// The most top-level keys of a `client_payload`.
const KEYS: usize = 10;
/// The most characters of a `client_payload`, and of all inputs of a `workflow_dispatch`.
const CHARACTERS: usize = 65_535;
/// The most inputs of a `workflow_dispatch` on github.com.
const INPUTS: usize = 25;
/// The most inputs of a pipeline.
const PIPELINE_INPUTS: usize = 20;

/// Checks a dispatch against the limits of its forge.
///
/// # Errors
/// `Invalid`, with the limit that it breaks.
pub fn check(dispatch: &Dispatch) -> Result<(), Fault> {
    match dispatch {
        Dispatch::Repository { event_type, payload } => {
            let right = !event_type.is_empty() && !event_type.chars().any(char::is_control);
            if !right {
                return Err(Fault::invalid(format!(
                    "`{}` is not an event type: it is 1 to {EVENT_TYPE} characters on one line",
                    event_type.escape_debug()
                )));
            }
            at_most(
                event_type.chars().count(),
                EVENT_TYPE,
                "characters of an event type",
            )?;
            let keys = payload.as_object().map_or(0, serde_json::Map::len);
            at_most(keys, KEYS, "top-level keys of a client_payload")?;
            at_most(length(payload), CHARACTERS, "characters of a client_payload")
        }
        Dispatch::Workflow { inputs, .. } => {
            at_most(inputs.len(), INPUTS, "inputs of a workflow_dispatch")?;
            let characters = inputs.values().map(length).sum();
            at_most(
                characters,
                CHARACTERS,
                "characters of the inputs of a workflow_dispatch",
            )
        }
        Dispatch::Pipeline { inputs, .. } => {
            at_most(inputs.len(), PIPELINE_INPUTS, "inputs of a GitLab pipeline")
        }
        // GitLab names no limit for the file $TRIGGER_PAYLOAD; the receiver's own was met by reading the payload.
        Dispatch::Trigger { .. } => Ok(()),
    }
}

fn at_most(count: usize, limit: usize, what: &str) -> Result<(), Fault> {
    if count <= limit {
        return Ok(());
    }
    Err(Fault::invalid(format!(
        "the forge takes at most {limit} {what}, and these are {count}"
    )))
}

/// Counts the characters that the forge counts: those of a text, or of JSON as it is sent.
fn length(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        other => other.to_string().chars().count(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    fn map(count: usize, value: &Value) -> Map<String, Value> {
        (0..count)
            .map(|index| (format!("k{index}"), value.clone()))
            .collect()
    }

    #[test]
    fn each_limit_is_named_when_it_is_passed_and_not_before() {
        let repository = |event_type: String, payload: Value| Dispatch::Repository { event_type, payload };
        let workflow = |inputs| Dispatch::Workflow {
            workflow: "w.yml".to_owned(),
            reference: "main".to_owned(),
            inputs,
        };
        let pipeline = |inputs| Dispatch::Pipeline {
            reference: "main".to_owned(),
            inputs,
        };
        let deploy = || "deploy".to_owned();
        let text = |length: usize| json!("ü".repeat(length));
        for (dispatch, says) in [
            (repository("x".repeat(100), json!({})), None),
            (
                repository("x".repeat(101), json!({})),
                Some("at most 100 characters"),
            ),
            (repository(String::new(), json!({})), Some("not an event type")),
            (
                repository("a\nb".to_owned(), json!({})),
                Some("not an event type"),
            ),
            (repository(deploy(), Value::Object(map(10, &json!(1)))), None),
            (
                repository(deploy(), Value::Object(map(11, &json!(1)))),
                Some("at most 10 top-level keys"),
            ),
            (repository(deploy(), json!({"a": text(65_535 - 8)})), None),
            (
                repository(deploy(), json!({"a": text(65_535 - 7)})),
                Some("at most 65535 characters of a client_payload, and these are 65536"),
            ),
            (workflow(map(25, &json!("x"))), None),
            (workflow(map(26, &json!("x"))), Some("at most 25 inputs")),
            (workflow(map(1, &text(65_535))), None),
            (workflow(map(1, &text(65_536))), Some("at most 65535 characters")),
            (pipeline(map(20, &json!("x"))), None),
            (pipeline(map(21, &json!("x"))), Some("at most 20 inputs")),
        ] {
            match (check(&dispatch), says) {
                (Ok(()), None) => {}
                (Err(fault), Some(says)) => assert!(fault.message.contains(says), "{fault}"),
                (other, says) => panic!("{other:?}, {says:?}"),
            }
        }
    }
}
