//! GraphQL's answers: the data that was asked for, or what is wrong.

use reqwest::Method;
use serde_json::Value;

use super::GitHub;
use crate::words::fault::{Fault, Kind};
use crate::world::forge::call::{Answer, Called, Effect};

/// What GraphQL came back with.
pub(super) enum Reply {
    /// What was asked for. What GitHub keeps from us of a mutation that it carried out is not in it.
    Data(Value),
    /// Its errors, which come with status 200: nothing was carried out.
    Wrong(Wrong),
    /// A mutation's answer was lost, or is none.
    Unclear(Fault),
}

/// The errors of an answer to a request of which nothing was carried out.
pub(super) struct Wrong(Answer);

impl Wrong {
    /// Returns GitHub's own word for the first error, such as `STALE_DATA`; empty where it has none.
    pub(super) fn kind(&self) -> &str {
        let error = &self.0.json["errors"][0];
        let code = error["extensions"]["code"].as_str();
        error["type"].as_str().or(code).unwrap_or_default()
    }

    /// Returns what GitHub says, on one line and escaped.
    pub(super) fn said(&self) -> String {
        self.0.complaint()
    }

    /// Returns whether GitHub says one of these words, in whatever case.
    pub(super) fn says(&self, words: &[&str]) -> bool {
        let errors = self.0.json["errors"].as_array();
        let mut messages = errors.into_iter().flatten().chain([&self.0.json]);
        messages.any(|error| {
            let said = error["message"].as_str().unwrap_or_default().to_ascii_lowercase();
            words.iter().any(|word| said.contains(word))
        })
    }

    /// Returns whether the server is too old for what was asked: its schema does not have it.
    pub(super) fn is_unknown_here(&self) -> bool {
        self.kind() == "undefinedField" || self.says(&["doesn't exist on type", "isn't a defined input type"])
    }
}

impl GitHub {
    /// Reads by GraphQL.
    pub(super) fn query(
        &self,
        document: &str,
        variables: &Value,
        doing: &str,
        permission: &str,
    ) -> Result<Value, Fault> {
        match self.ask(Effect::Read, document, variables)? {
            Reply::Data(data) => Ok(data),
            Reply::Wrong(wrong) => Err(self.wrong(&wrong, doing, permission)),
            Reply::Unclear(fault) => Err(fault),
        }
    }

    /// Changes something by GraphQL.
    pub(super) fn mutate(&self, document: &str, variables: &Value) -> Result<Reply, Fault> {
        self.ask(Effect::Write, document, variables)
    }

    fn ask(&self, effect: Effect, document: &str, variables: &Value) -> Result<Reply, Fault> {
        let mut answer = match self.graphql(effect, document, variables)? {
            Called::Answered(answer) => answer,
            Called::Unclear(fault) => return Ok(Reply::Unclear(fault)),
        };
        let has_errors = answer.json["errors"]
            .as_array()
            .is_some_and(|errors| !errors.is_empty());
        Ok(
            if effect == Effect::Write && has_errors && was_carried_out(&answer) {
                self.access
                    .progress
                    .note(&format!("GitHub did it, and adds: {}", answer.complaint()));
                Reply::Data(without_withheld(answer.json))
            } else if has_errors || !answer.is_ok() {
                Reply::Wrong(Wrong(answer))
            } else if answer.json["data"].is_object() {
                Reply::Data(answer.json["data"].take())
            } else {
                Reply::Unclear(odd("what was asked"))
            },
        )
    }

    /// Puts GraphQL's errors into the words of a refusal; its status is the one that REST would have answered.
    pub(super) fn wrong(&self, wrong: &Wrong, doing: &str, permission: &str) -> Fault {
        let mut answer = wrong.0.clone();
        answer.status = match (wrong.kind(), answer.status) {
            ("FORBIDDEN" | "INSUFFICIENT_SCOPES", _) => 403,
            ("NOT_FOUND", _) => 404,
            (_, 200) => 422,
            (_, status) => status,
        };
        self.refusal(&answer, doing, permission)
    }

    /// Deletes something; whether it was there does not matter, and a failure is only noted.
    pub(super) fn drop_quietly(&self, below: &str, what: &str) {
        let why = match self.send(Effect::Write, &Method::DELETE, &self.path(below), None) {
            Ok(Called::Answered(answer)) if answer.is_ok() => return,
            Ok(Called::Answered(answer)) => answer.complaint(),
            Ok(Called::Unclear(fault)) | Err(fault) => fault.message,
        };
        self.access
            .progress
            .note(&format!("{what} was not deleted: {why}"));
    }
}

/// Tells whether a mutation was carried out all the same: its errors are then about what we wanted to know of it.
///
/// Source: the GraphQL specification, "Handling Execution Errors": a mutation that fails is `null`.
fn was_carried_out(answer: &Answer) -> bool {
    let data = answer.json["data"].as_object();
    answer.is_ok() && data.is_some_and(|data| data.values().any(|given| !given.is_null()))
}

/// Takes the data out of an answer, without the fields that are `null` only because an error is about them.
fn without_withheld(mut answer: Value) -> Value {
    let mut data = answer["data"].take();
    for error in answer["errors"].as_array().into_iter().flatten() {
        let mut parent = Some(&mut data);
        for key in error["path"].as_array().into_iter().flatten() {
            let Some(fields) = parent.and_then(Value::as_object_mut) else {
                break;
            };
            let key = key.as_str().unwrap_or_default();
            if fields.get(key).is_some_and(Value::is_null) {
                fields.remove(key);
            }
            parent = fields.get_mut(key);
        }
    }
    data
}

/// Says that an answer is not what the API promises.
pub(super) fn odd(what: &str) -> Fault {
    Fault::new(
        Kind::Denied,
        format!("what GitHub says of {what} is not what its API promises"),
    )
    .hint("check --api-url; behind a proxy, check that it lets the API through")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_error_keeps_from_us_is_told_from_what_is_not_there() {
        let data = json!({ "made": { "commit": { "oid": "1", "signature": null, "url": null } } });
        for (path, expected) in [
            (json!(null), data.clone()),
            (json!(["other", "commit"]), data.clone()),
            (json!(["made", 0, "signature"]), data.clone()),
            (
                json!(["made", "commit", "signature", "isValid"]),
                json!({ "made": { "commit": { "oid": "1", "url": null } } }),
            ),
        ] {
            let answer = json!({ "data": data, "errors": [{ "path": path }] });
            assert_eq!(without_withheld(answer), expected, "{path}");
        }
    }
}
