//! What is answered, and the shapes in which GitHub refuses.

use serde_json::{Value, json};

/// An answer over HTTP.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// What a route gives: an answer, or a refusal (which `?` hands up).
pub type Outcome = Result<Answer, Answer>;

impl Answer {
    pub fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![header("Content-Type", "application/json; charset=utf-8")],
            body: body.to_string().into_bytes(),
        }
    }

    pub fn empty() -> Self {
        Self {
            status: 204,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub fn text(status: u16, body: &str) -> Self {
        Self {
            status,
            headers: vec![header("Content-Type", "text/plain")],
            body: body.as_bytes().to_vec(),
        }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push(header(name, value));
        self
    }
}

pub fn header(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// The error body that every refusal has.
pub fn refusal(status: u16, message: &str) -> Answer {
    Answer::json(
        status,
        &json!({
            "message": message,
            "documentation_url": "https://docs.github.com/rest",
            "status": status.to_string(),
        }),
    )
}

pub fn not_found() -> Answer {
    refusal(404, "Not Found")
}

/// A 422 whose errors say what is wrong with a resource in words of their own.
pub fn invalid(resource: &str, message: &str) -> Answer {
    failed(&json!([{ "resource": resource, "code": "custom", "message": message }]))
}

/// A 422 that names a field, with GitHub's code for what is wrong (`invalid`, `missing`, `missing_field` …).
pub fn invalid_field(resource: &str, field: &str, code: &str) -> Answer {
    failed(&json!([{ "resource": resource, "field": field, "code": code }]))
}

fn failed(errors: &Value) -> Answer {
    Answer::json(
        422,
        &json!({
            "message": "Validation Failed",
            "errors": errors,
            "documentation_url": "https://docs.github.com/rest",
            "status": "422",
        }),
    )
}
