//! The objects that a query walks over.

use git2::Oid;
use serde_json::{Value, json};

/// An object of the schema.
#[derive(Clone)]
pub enum Thing {
    Query,
    Mutation,
    Repository(String),
    /// Repository and full name.
    Ref(String, String),
    Commit(String, Oid),
    Tree(String, Oid),
    Blob(String, Oid),
    Entry {
        repo: String,
        path: String,
        mode: i32,
        kind: git2::ObjectType,
        oid: Oid,
    },
    Pull(String, u64),
    Compare {
        repo: String,
        base: Oid,
        head: Oid,
    },
    /// One whose fields are all known already.
    Made(&'static str, Vec<(&'static str, Got)>),
}

/// The value of a field.
#[derive(Clone)]
pub enum Got {
    Leaf(Value),
    One(Thing),
    Many(Vec<Thing>),
}

impl Thing {
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Query => "Query",
            Self::Mutation => "Mutation",
            Self::Repository(_) => "Repository",
            Self::Ref(..) => "Ref",
            Self::Commit(..) => "Commit",
            Self::Tree(..) => "Tree",
            Self::Blob(..) => "Blob",
            Self::Entry { .. } => "TreeEntry",
            Self::Pull(..) => "PullRequest",
            Self::Compare { .. } => "Comparison",
            Self::Made(name, _) => name,
        }
    }

    /// A person or a machine.
    pub fn actor(root: &str, login: &str) -> Self {
        let kind = if login.ends_with("[bot]") { "Bot" } else { "User" };
        let plain = login.trim_end_matches("[bot]");
        Self::Made(
            kind,
            vec![
                ("login", Got::text(plain)),
                ("id", Got::text(&format!("U_{login}"))),
                ("name", Got::null()),
                ("url", Got::text(&format!("{root}/{plain}"))),
            ],
        )
    }
}

impl Got {
    pub fn null() -> Self {
        Self::Leaf(Value::Null)
    }

    pub fn text(text: &str) -> Self {
        Self::Leaf(json!(text))
    }

    pub fn leaf(value: impl Into<Value>) -> Self {
        Self::Leaf(value.into())
    }

    pub fn maybe(thing: Option<Thing>) -> Self {
        thing.map_or_else(Self::null, Self::One)
    }
}
