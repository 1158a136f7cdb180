//! GraphQL: documents are held against `tests/data/github/schema.graphql`, then carried out field by field.

mod fields;
mod list;
mod mutation;
mod objects;
mod pull;
mod refs;
mod thing;

use std::cell::RefCell;
use std::sync::OnceLock;

use apollo_compiler::resolvers::{Execution, FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::{JsonMap, JsonValue};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::access::{Level, inaccessible};
use super::answer::{Answer, Outcome, refusal};
use super::body;
use super::desk::Desk;
use super::kept::keep;
use super::state::Repo;
use thing::{Got, Thing};

/// A field's refusal: GitHub's `type` and its words.
pub struct Refused(pub &'static str, pub String);

/// What a field gives.
pub type Resolved = Result<Got, Refused>;

/// One request while it is carried out.
pub struct Work<'d, 'a> {
    desk: RefCell<&'d mut Desk<'a>>,
    /// The types of the errors so far, by their words.
    types: RefCell<Vec<(String, &'static str)>>,
}

/// The id by which a ref is named in GraphQL.
pub fn ref_id(repo: &str, name: &str) -> String {
    format!("REF_{}", URL_SAFE_NO_PAD.encode(format!("{repo}:{name}")))
}

/// Repository and full name of a ref's id.
fn ref_of(id: &str) -> Option<(String, String)> {
    let bytes = URL_SAFE_NO_PAD.decode(id.strip_prefix("REF_")?).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (repo, name) = text.split_once(':')?;
    Some((repo.to_owned(), name.to_owned()))
}

/// The published schema, as far as it is kept.
fn schema() -> &'static Valid<Schema> {
    static SCHEMA: OnceLock<Valid<Schema>> = OnceLock::new();
    SCHEMA.get_or_init(|| Schema::parse_and_validate(body::data("schema.graphql"), "schema.graphql").unwrap())
}

/// Answers a request to GraphQL.
pub fn answer(desk: &mut Desk<'_>) -> Outcome {
    if desk.call.method != "POST" {
        return Err(refusal(404, "Not Found"));
    }
    if desk.grant.is_none() {
        return Err(refusal(401, "This endpoint requires you to be authenticated."));
    }
    body::check("graphql", &desk.call.body)
        .map_err(|_| refusal(400, "A query attribute must be specified and must be a string."))?;
    let schema = schema();
    let text = desk.call.text("query").unwrap().to_owned();
    let document = match ExecutableDocument::parse_and_validate(schema, text, "query.graphql") {
        Ok(document) => document,
        Err(wrong) => {
            let errors = wrong
                .errors
                .iter()
                .map(|one| json!({ "message": one.error.to_string() }));
            return Ok(Answer::json(200, &json!({ "errors": errors.collect::<Value>() })));
        }
    };
    let variables = handed(&desk.call.body["variables"]);
    let variables = variables.as_object().cloned().unwrap_or_default();
    let name = desk.call.text("operationName").map(str::to_owned);
    let operation = match document.operations.get(name.as_deref()) {
        Ok(operation) => operation,
        Err(wrong) => return Ok(wrong_request(&wrong.message().to_string())),
    };
    let root = if operation.is_mutation() {
        Thing::Mutation
    } else {
        Thing::Query
    };
    let work = Work {
        desk: RefCell::new(desk),
        types: RefCell::default(),
    };
    let node = Node {
        work: &work,
        thing: root,
    };
    let done = Execution::new(schema, &document)
        .operation(operation)
        .raw_variable_values(&variables)
        .execute_sync(&node);
    match done {
        Ok(response) => {
            let answer = work.typed(&serde_json::to_string(&response).unwrap());
            work.with(|desk| keep("graphql", &desk.call.body));
            Ok(Answer::json(200, &answer))
        }
        Err(wrong) => Ok(wrong_request(&wrong.message().to_string())),
    }
}

fn wrong_request(message: &str) -> Answer {
    Answer::json(200, &json!({ "errors": [{ "message": message }] }))
}

impl Work<'_, '_> {
    /// Gives the errors of a response their types.
    fn typed(&self, response: &str) -> Value {
        let mut response: Value = serde_json::from_str(response).unwrap();
        for error in response["errors"].as_array_mut().into_iter().flatten() {
            let said = error["message"].as_str().unwrap_or_default();
            let said = said.strip_prefix("resolver error: ").unwrap_or(said).to_owned();
            let types = self.types.borrow();
            if let Some((_, kind)) = types.iter().find(|(message, _)| *message == said) {
                error["type"] = json!(kind);
            }
            error["message"] = json!(said);
        }
        response
    }

    fn with<T>(&self, what: impl FnOnce(&mut Desk<'_>) -> T) -> T {
        what(*self.desk.borrow_mut())
    }

    fn with_repo<T>(&self, name: &str, what: impl FnOnce(&Repo) -> T) -> T {
        self.with(|desk| what(desk.state.repo(name)))
    }

    /// Refuses a caller that does not see a repository or lacks a permission in it.
    fn require(&self, name: &str, permission: &str, level: Level) -> Result<(), Refused> {
        self.with(|desk| {
            let grant = desk.grant.as_ref().unwrap();
            let repo = desk.state.repo(name);
            let may = grant.reaches(name) && grant.may(permission, level);
            if may || (level == Level::Read && !repo.settings.private) {
                Ok(())
            } else {
                Err(Refused("FORBIDDEN", inaccessible(grant).to_owned()))
            }
        })
    }

    /// The repository that an id names, if the caller sees it.
    fn repo_by_id(&self, id: &str) -> Result<String, Refused> {
        let found = self.with(|desk| {
            let mut repos = desk.state.repos.values();
            let repo = repos.find(|repo| repo.node_id() == id)?;
            let grant = desk.grant.as_ref().unwrap();
            (grant.reaches(&repo.name) || !repo.settings.private).then(|| repo.name.clone())
        });
        found.ok_or_else(|| no_node(id))
    }

    /// The pull request that an id names, if the caller sees it.
    fn pull_by_id(&self, id: &str) -> Result<(String, u64), Refused> {
        let found = self.with(|desk| {
            let grant = desk.grant.as_ref().unwrap();
            let seen = |repo: &&Repo| grant.reaches(&repo.name) || !repo.settings.private;
            desk.state.repos.values().filter(seen).find_map(|repo| {
                let pull = repo.pulls.iter().find(|pull| pull.node_id() == id)?;
                Some((repo.name.clone(), pull.number))
            })
        });
        found.ok_or_else(|| no_node(id))
    }
}

fn no_node(id: &str) -> Refused {
    Refused(
        "NOT_FOUND",
        format!("Could not resolve to a node with the global id of '{id}'"),
    )
}

/// A thing whose fields are asked for.
struct Node<'w, 'd, 'a> {
    work: &'w Work<'d, 'a>,
    thing: Thing,
}

impl ObjectValue for Node<'_, '_, '_> {
    fn type_name(&self) -> &str {
        self.thing.type_name()
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let arguments = taken(&JsonValue::Object(info.arguments().clone()));
        let got = fields::resolve(self.work, &self.thing, info.field_name(), &arguments);
        let got = got.map_err(|Refused(kind, message)| {
            self.work.types.borrow_mut().push((message.clone(), kind));
            FieldError { message }
        })?;
        let node = |thing| Node {
            work: self.work,
            thing,
        };
        Ok(match got {
            Got::Leaf(value) => ResolvedValue::Leaf(handed(&value)),
            Got::One(thing) => ResolvedValue::object(node(thing)),
            Got::Many(things) => ResolvedValue::List(Box::new(
                things
                    .into_iter()
                    .map(move |thing| Ok(ResolvedValue::object(node(thing)))),
            )),
        })
    }
}

/// Turns JSON into the GraphQL library's own.
fn handed(value: &Value) -> JsonValue {
    match value {
        Value::Null => JsonValue::Null,
        Value::Bool(yes) => JsonValue::Bool(*yes),
        Value::Number(number) => JsonValue::Number(number.clone()),
        Value::String(text) => JsonValue::from(text.as_str()),
        Value::Array(items) => JsonValue::Array(items.iter().map(handed).collect()),
        Value::Object(map) => {
            let map: JsonMap = map
                .iter()
                .map(|(name, value)| (name.as_str().into(), handed(value)))
                .collect();
            JsonValue::Object(map)
        }
    }
}

/// Turns the GraphQL library's JSON back.
fn taken(value: &JsonValue) -> Value {
    match value {
        JsonValue::Null => Value::Null,
        JsonValue::Bool(yes) => Value::Bool(*yes),
        JsonValue::Number(number) => Value::Number(number.clone()),
        JsonValue::String(text) => json!(text.as_str()),
        JsonValue::Array(items) => items.iter().map(taken).collect(),
        JsonValue::Object(map) => map
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), taken(value)))
            .collect(),
    }
}
