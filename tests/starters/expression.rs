//! As much of GitHub's expressions as the starters use: look-ups (`.*` too), texts, `==`, `!=`, `&&`, `||`, brackets,
//! `fromJSON`, `contains` and `failure`, which is what the context says.

use serde_json::Value;

/// Replaces every `${{ … }}` of a text by its value in a context.
pub fn filled(text: &str, context: &Value) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${{") {
        let (expression, after) = after.split_once("}}").expect("an expression ends");
        out.push_str(before);
        out.push_str(&shown(&value(expression, context)));
        rest = after;
    }
    out + rest
}

/// The value of an expression.
pub fn value(expression: &str, context: &Value) -> Value {
    let mut parser = Parser {
        rest: expression.trim(),
        context,
    };
    let value = parser.any();
    assert!(
        parser.rest.is_empty(),
        "`{expression}`: what is `{}`?",
        parser.rest
    );
    value
}

struct Parser<'a> {
    rest: &'a str,
    context: &'a Value,
}

impl Parser<'_> {
    fn any(&mut self) -> Value {
        let mut left = self.all();
        while self.takes("||") {
            let right = self.all();
            left = if is_true(&left) { left } else { right };
        }
        left
    }

    fn all(&mut self) -> Value {
        let mut left = self.equal();
        while self.takes("&&") {
            let right = self.equal();
            left = if is_true(&left) { right } else { left };
        }
        left
    }

    fn equal(&mut self) -> Value {
        let left = self.one();
        if self.takes("==") {
            return Value::Bool(left == self.one());
        }
        if self.takes("!=") {
            return Value::Bool(left != self.one());
        }
        left
    }

    fn one(&mut self) -> Value {
        let mut found = if self.takes("(") {
            self.inside()
        } else if self.takes("fromJSON(") {
            let text = shown(&self.inside());
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("fromJSON('{text}'): {error}"))
        } else if self.takes("contains(") {
            let all = self.any();
            assert!(self.takes(","), "`contains` takes two");
            let one = self.inside();
            return Value::Bool(all.as_array().is_some_and(|all| all.contains(&one)));
        } else if self.takes("failure()") {
            return self.context["failure"].clone();
        } else if self.takes("'") {
            let (text, rest) = self.rest.split_once('\'').expect("a text ends");
            self.rest = rest.trim_start();
            return Value::String(text.to_owned());
        } else {
            let root = self.word();
            let known = self.context.get(&root);
            known
                .unwrap_or_else(|| panic!("there is no `{root}` here"))
                .clone()
        };
        let mut of_each = false;
        while self.takes(".") {
            if self.takes("*") {
                of_each = true;
                continue;
            }
            let key = self.word();
            let below = |value: &Value| value.get(&key).cloned().unwrap_or(Value::Null);
            found = match &found {
                Value::Array(all) if of_each => all.iter().map(below).collect(),
                one => below(one),
            };
        }
        found
    }

    fn inside(&mut self) -> Value {
        let value = self.any();
        assert!(self.takes(")"), "a bracket does not end before `{}`", self.rest);
        value
    }

    fn word(&mut self) -> String {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let end = self.rest.find(|c| !is_part(c)).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        assert!(!word.is_empty(), "a name is missing before `{rest}`");
        self.rest = rest.trim_start();
        word.to_owned()
    }

    fn takes(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = if token == "'" { rest } else { rest.trim_start() };
                true
            }
            None => false,
        }
    }
}

/// Whether GitHub takes a value for true.
pub fn is_true(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::String(text) => !text.is_empty(),
        _ => true,
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
