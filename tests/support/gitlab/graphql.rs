//! The GraphQL API: queries, judged by tests/data/gitlab/schema.graphql and carried out on the state.

use std::sync::OnceLock;

use apollo_compiler::executable::Selection;
use apollo_compiler::resolvers::{Execution, FieldError, ObjectValue, ResolveInfo, ResolvedValue};
use apollo_compiler::response::{JsonMap, JsonValue as Json};
use apollo_compiler::validation::Valid;
use apollo_compiler::{ExecutableDocument, Schema};
use serde_json::{Value, json};

use super::answer::{Outcome, Reply};
use super::auth::{Login, Needs, Role, who};
use super::graph_objects::Query;
use super::params::Parsed;
use super::state::State;

/// Characters of a query (GitLab docs, "GraphQL API: limits").
const LONGEST: usize = 10_000;
/// The complexity that a query with a login may have (the same page).
const MOST_COMPLEX: usize = 250;
/// Nodes of one page.
const PAGE: usize = 100;

/// Answers `POST /api/graphql`.
pub fn answer(state: &State, method: &str, login: &Login, parsed: &Parsed) -> Outcome {
    if method != "POST" {
        return Err(Reply::error(404, "404 Not Found"));
    }
    let needs = Needs {
        role: Role::Reporter,
        writes: false,
        job: false,
    };
    let grant = who(state, login, needs).map_err(|_| faults(401, &["Invalid token"]))?;
    if grant.is_none() && !login.header.is_empty() {
        return Err(faults(401, &["Invalid token"]));
    }
    let query = parsed.body["query"].as_str().unwrap_or_default();
    if query.is_empty() {
        return Err(faults(200, &["No query string was present"]));
    }
    if query.chars().count() > LONGEST {
        return Err(faults(200, &["Query too large"]));
    }
    let document = ExecutableDocument::parse_and_validate(schema(), query, "query").map_err(|broken| {
        let texts: Vec<String> = broken
            .errors
            .iter()
            .map(|error| error.to_json().message)
            .collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        faults(200, &texts)
    })?;
    let variables = serde_json::from_value::<JsonMap>(parsed.body["variables"].clone()).unwrap_or_default();
    let complexity = complexity(&document, &parsed.body["variables"]);
    if complexity > MOST_COMPLEX {
        let text =
            format!("Query has complexity of {complexity}, which exceeds max complexity of {MOST_COMPLEX}");
        return Err(faults(200, &[&text]));
    }
    let root = Query { state, grant };
    let done = Execution::new(schema(), &document)
        .operation_name(parsed.body["operationName"].as_str())
        .map(|execution| execution.raw_variable_values(&variables).execute_sync(&root));
    match done {
        Ok(Ok(response)) => Ok(Reply::json(200, &serde_json::to_value(response).unwrap())),
        Ok(Err(fault)) | Err(fault) => Err(faults(200, &[&fault.message().to_string()])),
    }
}

fn faults(status: u16, texts: &[&str]) -> Reply {
    let errors: Vec<Value> = texts.iter().map(|text| json!({ "message": text })).collect();
    Reply::json(status, &json!({ "errors": errors }))
}

fn schema() -> &'static Valid<Schema> {
    static SCHEMA: OnceLock<Valid<Schema>> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let text = include_str!("../../data/gitlab/schema.graphql");
        Schema::parse_and_validate(text, "schema.graphql")
            .unwrap_or_else(|broken| panic!("{}", broken.errors))
    })
}

/// One for each field, and one for each path that is asked for: GitLab's sum without its weights for pages.
fn complexity(document: &ExecutableDocument, variables: &Value) -> usize {
    fn of(selections: &[Selection], document: &ExecutableDocument, variables: &Value) -> usize {
        let sum = selections.iter().map(|selection| match selection {
            Selection::Field(field) => {
                let paths = field.argument_by_name("paths").ok();
                let listed = paths.and_then(|paths| paths.as_list().map(<[_]>::len));
                let named = paths.and_then(|paths| paths.as_variable());
                let named = named.and_then(|name| variables[name.as_str()].as_array().map(Vec::len));
                1 + listed.or(named).unwrap_or(0) + of(&field.selection_set.selections, document, variables)
            }
            Selection::InlineFragment(part) => of(&part.selection_set.selections, document, variables),
            Selection::FragmentSpread(spread) => spread
                .fragment_def(document)
                .map_or(0, |part| of(&part.selection_set.selections, document, variables)),
        });
        sum.sum()
    }
    let operations = document.operations.iter();
    operations
        .map(|operation| of(&operation.selection_set.selections, document, variables))
        .sum()
}

/// An object whose fields are known already.
struct Known {
    kind: String,
    fields: Value,
}

impl ObjectValue for Known {
    fn type_name(&self) -> &str {
        &self.kind
    }

    fn resolve_field<'a>(&'a self, info: &'a ResolveInfo<'a>) -> Result<ResolvedValue<'a>, FieldError> {
        let kind = info.field_definition().ty.inner_named_type().as_str();
        match self.fields.get(info.field_name()) {
            None => Err(self.unknown_field_error(info)),
            Some(found) if found["all"] == true => {
                let all = found["nodes"].as_array().cloned().unwrap_or_default();
                Ok(connection(info, all, kind))
            }
            Some(found) => Ok(plain(found.clone(), kind)),
        }
    }
}

/// A value of the type of this name, or a list of such.
pub fn plain<'a>(value: Value, kind: &str) -> ResolvedValue<'a> {
    match value {
        Value::Object(_) => ResolvedValue::object(Known {
            kind: kind.to_owned(),
            fields: value,
        }),
        Value::Array(items) => {
            let kind = kind.to_owned();
            ResolvedValue::list(items.into_iter().map(move |item| plain(item, &kind)))
        }
        leaf => ResolvedValue::leaf(leaf),
    }
}

/// A page of nodes, after the arguments `first` and `after`.
pub fn connection<'a>(info: &ResolveInfo, all: Vec<Value>, kind: &str) -> ResolvedValue<'a> {
    let first = info.arguments().get("first").and_then(Json::as_u64);
    let first = first.map_or(PAGE, |first| usize::try_from(first).unwrap_or(PAGE).min(PAGE));
    let start: usize = text(info, "after")
        .and_then(|after| after.parse().ok())
        .unwrap_or(0);
    let count = all.len();
    let nodes: Vec<Value> = all.into_iter().skip(start).take(first).collect();
    let end = start + nodes.len();
    let page = json!({
        "hasNextPage": end < count,
        "hasPreviousPage": start > 0,
        "startCursor": start.to_string(),
        "endCursor": end.to_string(),
    });
    plain(json!({ "nodes": nodes, "count": count, "pageInfo": page }), kind)
}

pub fn no_more() -> Value {
    json!({ "hasNextPage": false, "hasPreviousPage": false, "startCursor": null, "endCursor": null })
}

pub fn text(info: &ResolveInfo, argument: &str) -> Option<String> {
    info.arguments().get(argument)?.as_str().map(str::to_owned)
}

pub fn texts(info: &ResolveInfo, argument: &str) -> Option<Vec<String>> {
    let items = info.arguments().get(argument)?.as_array()?;
    Some(
        items
            .iter()
            .filter_map(|item| item.as_str())
            .map(str::to_owned)
            .collect(),
    )
}
