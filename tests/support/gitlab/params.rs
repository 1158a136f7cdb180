//! The fields of a request: from its query and its body, JSON or form, judged by tests/data/gitlab/requests.json.

use std::collections::HashMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value, json};

use crate::support::git_server::Request;

use super::answer::Reply;

/// The fields as they came.
pub struct Parsed {
    pub query: Vec<(String, String)>,
    /// An object, or `null` for none.
    pub body: Value,
    /// Whether the body was a form, where every value is text.
    pub form: bool,
}

/// Reads query and body.
pub fn parse(request: &Request) -> Result<Parsed, Reply> {
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    let query = pairs(query.as_bytes());
    let kind = request.headers.get("content-type").map(String::as_str);
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    let (body, form) = match kind {
        _ if request.body.is_empty() => (Value::Null, false),
        "application/json" => {
            let body = serde_json::from_slice(&request.body).ok();
            let body = body.filter(Value::is_object);
            (body.ok_or_else(|| Reply::error(400, "Invalid json"))?, false)
        }
        "application/x-www-form-urlencoded" => (nested(&pairs(&request.body))?, true),
        other => {
            let text = format!("The provided content-type '{other}' is not supported.");
            return Err(Reply::error(415, &text));
        }
    };
    Ok(Parsed { query, body, form })
}

impl Parsed {
    /// The fields that a route declares; fields of a wrong type, missing and unknown ones are errors.
    pub fn judged(self, route: &str) -> Result<Map<String, Value>, Reply> {
        let (schema, validator) = &schemas()[route];
        let mut fields = nested(&self.query)?;
        coerce(&mut fields, schema);
        let mut body = self.body;
        if self.form {
            coerce(&mut body, schema);
        }
        if let Value::Object(body) = body {
            fields.as_object_mut().unwrap().extend(body);
        }
        let faults: Vec<String> = validator
            .iter_errors(&fields)
            .map(|fault| {
                let path = fault.instance_path().to_string();
                let at = match path.trim_start_matches('/').split_once('/') {
                    Some((head, rest)) => format!("{head}[{}]", rest.replace('/', "][")),
                    None => path.trim_start_matches('/').to_owned(),
                };
                let under = |name: &str| {
                    if at.is_empty() {
                        name.to_owned()
                    } else {
                        format!("{at}[{name}]")
                    }
                };
                match fault.kind() {
                    ValidationErrorKind::Required { property } => {
                        format!("{} is missing", under(property.as_str().unwrap_or_default()))
                    }
                    ValidationErrorKind::AdditionalProperties { unexpected } => {
                        format!("{} is unknown here", under(&unexpected.join(", ")))
                    }
                    ValidationErrorKind::Enum { .. } => format!("{at} does not have a valid value"),
                    ValidationErrorKind::MinLength { .. } => format!("{at} is empty"),
                    ValidationErrorKind::Not { .. } => "parameters are mutually exclusive".to_owned(),
                    ValidationErrorKind::AnyOf { .. } if at.is_empty() => {
                        "at least one parameter must be provided".to_owned()
                    }
                    _ => format!("{at} is invalid"),
                }
            })
            .collect();
        if !faults.is_empty() {
            return Err(Reply::error(400, &faults.join(", ")));
        }
        let Value::Object(fields) = fields else {
            unreachable!("fields are an object")
        };
        Ok(fields)
    }
}

/// Undoes the encoding of a path's segment.
pub fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text)
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect()
}

/// Builds what a form means: `a[b]` is a field of `a`, `a[]` an item, `a[][b]` a field of an item, and a field that
/// the last item has already begins the next (Rack, "nested query").
fn nested(pairs: &[(String, String)]) -> Result<Value, Reply> {
    let mut fields = json!({});
    for (name, value) in pairs {
        let (head, rest) = name.split_once('[').unwrap_or((name, ""));
        let keys: Vec<&str> = rest.split('[').map(|key| key.trim_end_matches(']')).collect();
        let keys = if rest.is_empty() { Vec::new() } else { keys };
        if !place(&mut fields[head], &keys, value) {
            return Err(Reply::error(400, &format!("{name} is invalid")));
        }
    }
    Ok(fields)
}

fn place(at: &mut Value, keys: &[&str], value: &str) -> bool {
    match keys {
        [] => *at = json!(value),
        ["", rest @ ..] => {
            if at.is_null() {
                *at = json!([]);
            }
            let Some(items) = at.as_array_mut() else {
                return false;
            };
            let goes_on = rest.first().is_some_and(|key| {
                items
                    .last()
                    .is_some_and(|last| rest.len() > 1 || last.get(*key).is_none())
            });
            if !goes_on {
                items.push(Value::Null);
            }
            return items.last_mut().is_some_and(|last| place(last, rest, value));
        }
        [key, rest @ ..] => {
            if at.is_null() {
                *at = json!({});
            }
            return at.is_object() && place(&mut at[*key], rest, value);
        }
    }
    true
}

/// Turns the texts of a form into what the schema asks for, where they spell it.
fn coerce(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let under = match &schema["properties"][name] {
                    Value::Null => &schema["additionalProperties"],
                    known => known,
                };
                coerce(value, under);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| coerce(item, &schema["items"])),
        Value::String(text) => {
            let wants = |kind: &str| match &schema["type"] {
                Value::Array(kinds) => {
                    kinds.iter().any(|one| one == kind) && !kinds.iter().any(|one| one == "string")
                }
                one => one == kind,
            };
            let new = match text.as_str() {
                "true" | "1" if wants("boolean") => Some(json!(true)),
                "false" | "0" if wants("boolean") => Some(json!(false)),
                digits if wants("integer") => digits.parse::<u64>().ok().map(|number| json!(number)),
                _ => None,
            };
            if let Some(new) = new {
                *value = new;
            }
        }
        _ => {}
    }
}

type Schemas = HashMap<String, (Value, Validator)>;

fn schemas() -> &'static Schemas {
    static SCHEMAS: OnceLock<Schemas> = OnceLock::new();
    SCHEMAS.get_or_init(|| {
        let text = include_str!("../../data/gitlab/requests.json");
        let all: HashMap<String, Value> = serde_json::from_str(text).unwrap();
        all.into_iter()
            .map(|(route, schema)| {
                let validator = jsonschema::validator_for(&schema).unwrap();
                (route, (schema, validator))
            })
            .collect()
    })
}
