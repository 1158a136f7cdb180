//! Reads the fields of a foreign JSON object: each by its type and grammar, each error with its JSON path.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::fault::Fault;
use super::wording::shown;

/// A JSON object and the path that leads to it.
pub(super) struct Fields<'a> {
    at: String,
    map: &'a Map<String, Value>,
    empty_is_absent: bool,
}

impl<'a> Fields<'a> {
    /// Wraps an object whose own path is `at`; empty for the document itself.
    pub(super) fn new(at: impl Into<String>, map: &'a Map<String, Value>) -> Self {
        Self {
            at: at.into(),
            map,
            empty_is_absent: false,
        }
    }

    /// Takes empty strings for absent fields, as workflow inputs that nobody filled in are.
    pub(super) fn with_empty_as_absent(mut self) -> Self {
        self.empty_is_absent = true;
        self
    }

    /// Returns the path of a field, as messages name it.
    pub(super) fn path(&self, key: &str) -> String {
        if self.at.is_empty() {
            shown(key)
        } else {
            format!("{}.{}", self.at, shown(key))
        }
    }

    /// Returns the names of the fields.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> {
        self.map.keys().map(String::as_str)
    }

    /// Tells whether a field is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// Returns a field; one that is null is absent.
    pub(super) fn value(&self, key: &str) -> Option<&'a Value> {
        self.map
            .get(key)
            .filter(|value| !value.is_null())
            .filter(|value| !(self.empty_is_absent && value.as_str() == Some("")))
    }

    /// Returns a string.
    pub(super) fn text(&self, key: &str) -> Result<Option<&'a str>, Fault> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong_type(key, "a string", other)),
        }
    }

    /// Returns a string read by its grammar.
    pub(super) fn parsed<T: FromStr<Err = Fault>>(&self, key: &str) -> Result<Option<T>, Fault> {
        self.checked(key, str::parse)
    }

    /// Returns a string read by a function.
    pub(super) fn checked<T>(
        &self,
        key: &str,
        read: impl FnOnce(&str) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        let Some(text) = self.text(key)? else {
            return Ok(None);
        };
        read(text).map(Some).map_err(|mut fault| {
            fault.message = format!("field `{}`: {}", self.path(key), fault.message);
            fault
        })
    }

    /// Returns a whole number, also one that is written as a string.
    pub(super) fn number(&self, key: &str) -> Result<Option<u64>, Fault> {
        let wrong = |value| self.wrong_type(key, "a whole number", value);
        match self.value(key) {
            None => Ok(None),
            Some(value @ Value::Number(number)) => number.as_u64().map(Some).ok_or_else(|| wrong(value)),
            Some(value @ Value::String(text)) if text.bytes().all(|b| b.is_ascii_digit()) => {
                text.parse().map(Some).map_err(|_| wrong(value))
            }
            Some(value) => Err(wrong(value)),
        }
    }

    /// Returns a truth value.
    pub(super) fn flag(&self, key: &str) -> Result<Option<bool>, Fault> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(other) => Err(self.wrong_type(key, "true or false", other)),
        }
    }

    /// Returns an object.
    pub(super) fn object(&self, key: &str) -> Result<Option<Fields<'a>>, Fault> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(self.inner(self.path(key), map))),
            Some(other) => Err(self.wrong_type(key, "an object", other)),
        }
    }

    /// Returns a list of objects.
    pub(super) fn objects(&self, key: &str) -> Result<Option<Vec<Fields<'a>>>, Fault> {
        let list = match self.value(key) {
            None => return Ok(None),
            Some(Value::Array(list)) => list,
            Some(other) => return Err(self.wrong_type(key, "a list of objects", other)),
        };
        let read = |(index, value): (usize, &'a Value)| match value {
            Value::Object(map) => Ok(self.inner(format!("{}[{index}]", self.path(key)), map)),
            other => Err(self.wrong_type(&format!("{key}[{index}]"), "an object", other)),
        };
        list.iter()
            .enumerate()
            .map(read)
            .collect::<Result<_, _>>()
            .map(Some)
    }

    fn inner(&self, at: String, map: &'a Map<String, Value>) -> Fields<'a> {
        Fields {
            at,
            map,
            empty_is_absent: self.empty_is_absent,
        }
    }

    fn wrong_type(&self, key: &str, due: &str, value: &Value) -> Fault {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "true or false",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "a list",
            Value::Object(_) => "an object",
        };
        let fault = Fault::invalid(format!(
            "field `{}` is {found} where {due} is due",
            self.path(key)
        ));
        if due == "a string" && matches!(value, Value::Number(_) | Value::Bool(_)) {
            return fault.hint(format!("put it in quotes: \"{}\"", shown(&value.to_string())));
        }
        fault
    }
}
