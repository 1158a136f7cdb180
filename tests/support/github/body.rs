//! Request bodies, held against the schemas of `tests/data/github/requests`.

use std::path::Path;

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{ValidationError, validator_for};
use serde_json::Value;

use super::answer::{Answer, invalid, refusal};

/// Reads a body as JSON; an empty one is an empty object.
pub fn parse(body: &[u8]) -> Result<Value, Answer> {
    if body.is_empty() {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    let value: Value = serde_json::from_slice(body).map_err(|_| refusal(400, "Problems parsing JSON"))?;
    match value {
        Value::Object(_) => Ok(value),
        _ => Err(refusal(400, "Body should be a JSON object")),
    }
}

/// Holds a body against the schema of an operation.
pub fn check(operation: &str, body: &Value) -> Result<(), Answer> {
    let schema = data(&format!("requests/{operation}.json"));
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = validator_for(&schema).unwrap();
    validator
        .iter_errors(body)
        .next()
        .map_or(Ok(()), |error| Err(said(&error)))
}

/// A file of `tests/data/github`.
pub fn data(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data/github")
        .join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn said(error: &ValidationError<'_>) -> Answer {
    let place = error.instance_path().to_string();
    let field = place.trim_start_matches('/');
    let reason = match error.kind() {
        Kind::AdditionalProperties { unexpected } => format!("\"{}\" is not a permitted key.", unexpected[0]),
        Kind::Required { property } => format!("{property} wasn't supplied."),
        Kind::MaxProperties { limit } => {
            let count = error.instance().as_object().map_or(0, serde_json::Map::len);
            format!("No more than {limit} properties are allowed; {count} were supplied.")
        }
        Kind::MaxLength { limit } => {
            return invalid(
                field,
                &format!("{field} is too long (maximum is {limit} characters)"),
            );
        }
        Kind::Type { .. } => format!(
            "For 'properties/{field}', {} is not of the right type.",
            error.instance()
        ),
        _ => format!("For 'properties/{field}', {error}."),
    };
    refusal(422, &format!("Invalid request.\n\n{reason}"))
}
