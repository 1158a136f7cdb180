//! `select`: how a version is chosen, as it is written.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess};

use super::file::{OneOrMany, SwitchWord, switch};
use super::place::HINT;
use crate::words::fault::Fault;
use crate::words::select::{self, Said, Write};
use crate::words::wording::{shown, suggestion};

/// The orders that need no more than their word.
const WORDS: [&str; 3] = ["newest", "numeric", "lexical"];

/// An order by its word, or all that can be said.
pub(super) struct Select(Choice);

/// How a tag is chosen: by exactly one of `constraint`, `newest`, `numeric`, `lexical` and `follow-tag`.
#[derive(Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[schemars(rename = "Select", extend("oneOf" = [
    { "required": ["constraint"] },
    { "required": ["newest"] },
    { "required": ["numeric"] },
    { "required": ["lexical"] },
    { "required": ["follow-tag"] },
]))]
struct Choice {
    /// The highest version in this range wins, such as `~> 1.1`, `^1.2` or `>=1.0 <2.0`.
    constraint: Option<String>,
    /// That the image built last wins.
    newest: Option<On>,
    /// That the highest number wins.
    numeric: Option<On>,
    /// That the last tag in the order of bytes wins.
    lexical: Option<On>,
    /// The image wins that this moving tag leads to; `{app}` and `{env}` may stand here.
    follow_tag: Option<String>,
    /// A regular expression that a tag must match.
    allow: Option<String>,
    /// A regular expression that a tag must not match.
    ignore: Option<String>,
    /// A regular expression for the part of a tag that is compared: its first group, or all that matches.
    extract: Option<String>,
    /// Whether pre-releases count that the constraint does not name.
    #[serde(deserialize_with = "switch")]
    #[schemars(with = "SwitchWord")]
    pre_releases: bool,
    /// What the image must run on, all of it, such as `linux/arm64`.
    platforms: OneOrMany,
    /// What is written of the image; where it is missing the tag, unless only the digest tells what a moving tag leads to.
    write: Option<Write>,
    /// How many images are asked for their time, or tags for their digest; 200 where missing.
    #[schemars(range(min = 1, max = 10_000))]
    limit: Option<u64>,
}

/// A word for on: an order that is not meant is left out.
struct On;

/// Reads a choice; an error comes with the key to blame, which is empty for that of the whole.
pub(super) fn read_select(
    select: &Select,
    fill: &impl Fn(&str) -> Result<String, Fault>,
) -> Result<select::Select, (&'static str, Fault)> {
    let choice = &select.0;
    let follow_tag = choice.follow_tag.as_deref().map(fill).transpose();
    select::Select::parse(&Said {
        constraint: choice.constraint.clone(),
        newest: choice.newest.is_some(),
        numeric: choice.numeric.is_some(),
        lexical: choice.lexical.is_some(),
        follow_tag: follow_tag.map_err(|fault| ("follow-tag", fault))?,
        allow: choice.allow.clone(),
        ignore: choice.ignore.clone(),
        extract: choice.extract.clone(),
        pre_releases: choice.pre_releases,
        platforms: choice.platforms.0.clone().unwrap_or_default(),
        write: choice.write,
        limit: choice.limit,
    })
}

impl<'de> Deserialize<'de> for Select {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Select;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("`newest`, `numeric`, `lexical` or a map")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Select, E> {
                let mut choice = Choice::default();
                match word {
                    "newest" => choice.newest = Some(On),
                    "numeric" => choice.numeric = Some(On),
                    "lexical" => choice.lexical = Some(On),
                    _ => {
                        let mut hint = suggestion(word, WORDS);
                        if hint.starts_with("one of") {
                            hint.push_str("; a range is written as `{constraint: \"~> 1.1\"}`");
                        }
                        let word = shown(word);
                        return Err(E::custom(format!("unknown word `{word}`{HINT}{hint}")));
                    }
                }
                Ok(Select(choice))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Select, A::Error> {
                Choice::deserialize(MapAccessDeserializer::new(map)).map(Select)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl<'de> Deserialize<'de> for On {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if switch(deserializer)? {
            return Ok(Self);
        }
        let hint = "leave out the ways to choose that are not meant";
        Err(de::Error::custom(format!("off says nothing here{HINT}{hint}")))
    }
}

impl JsonSchema for On {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "On".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "const": true },
            { "type": "string", "pattern": "^([Oo][Nn]|[Tt][Rr][Uu][Ee]|[Yy][Ee][Ss])$" },
        ]})
    }
}

impl JsonSchema for Select {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "SelectOrWord".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string", "enum": WORDS },
            generator.subschema_for::<Choice>(),
        ]})
    }
}
