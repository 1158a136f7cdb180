//! The policy file as it is written: the types that serde reads and that the JSON Schema comes from.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess};
use serde::{Deserialize as DeriveDeserialize, de::value::SeqAccessDeserializer};

use super::place::HINT;
use super::select::Select;
use crate::words::name::AppName;
use crate::words::wording::{shown, suggestion};

/// The policy of a config repo: which apps may be changed where, by whom and how.
#[derive(DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    /// The version of this file's format.
    #[schemars(range(min = 1, max = 1))]
    pub(super) version: u64,
    /// The apps by name, an RFC 1123 label; `"*"` stands for every app that is not named. A named app replaces `"*"` whole:
    /// nothing is merged.
    pub(super) apps: Names<App>,
    /// What is held where it is, by `app/env`: nothing is pushed there until it is released. `rollback --hold` writes it,
    /// `--release-hold` removes it, and people may edit it.
    #[serde(default)]
    pub(super) holds: BTreeMap<String, Hold>,
}

/// Why an app is held in an environment.
#[derive(DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Hold {
    /// Why.
    pub(super) reason: String,
    /// Since when: RFC 3339, or a date.
    #[serde(default)]
    pub(super) since: Option<String>,
    /// Who holds it.
    #[serde(default)]
    pub(super) by: Option<String>,
}

/// An app: its images, and where they are deployed.
#[derive(DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct App {
    /// The image or images that may be brought, without tag; another is exit 4. `{app}` and `{env}` may stand here. Where it is
    /// missing, a payload may bring only a tag or digest. With a list, a target says which is its own.
    #[serde(default)]
    pub(super) image: OneOrMany,
    /// The repositories whose events are accepted, as `owner/name`; one of another is exit 4. Where it is missing, the source is
    /// not looked at.
    #[serde(default)]
    pub(super) source: OneOrMany,
    /// The logins whose events are accepted, such as `ci-bot[bot]`; one of another is exit 4. Where it is missing, any.
    #[serde(default)]
    pub(super) senders: OneOrMany,
    /// The environments by name; `"*"` stands for every environment that is not named.
    pub(super) environments: Names<Environment>,
}

/// An environment of an app.
#[derive(DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(extend("oneOf" = [{ "required": ["targets"] }, { "required": ["clusters"] }]))]
pub(super) struct Environment {
    /// Whether a pipeline may push (`on`, `true`, `yes`), or changes come by pull request only (`off`, `false`, `no`, `manual`);
    /// in any case, quoted or not. Off where missing.
    #[serde(default)]
    pub(super) auto_deploy: AutoDeploy,
    /// The places that hold the version; either this or `clusters`.
    #[serde(default)]
    pub(super) targets: Option<Vec<Target>>,
    /// The places of each cluster, by its name; they change together, in one commit.
    #[serde(default)]
    pub(super) clusters: Option<Names<Vec<Target>>>,
    /// The environment that a promotion takes its versions from.
    #[serde(default)]
    pub(super) promote_from: Option<String>,
    /// How it is kept from going back to an older version; `auto` where missing.
    #[serde(default)]
    pub(super) guard: Guard,
    /// How a registry is asked for the version to run; `resolve-image` and `--resolve` read it.
    #[serde(default)]
    pub(super) select: Option<Select>,
    /// A time in which nothing is pushed; changes come by pull request meanwhile.
    #[serde(default)]
    pub(super) frozen: Option<Frozen>,
    /// How its pull requests look.
    #[serde(default)]
    pub(super) pull_request: PullRequest,
    /// The Helm chart whose version rises when another value changes, in the same commit. It is computed from what stands at the
    /// branch's tip, so it never rises twice for one change.
    #[serde(default)]
    pub(super) chart: Option<Chart>,
}

/// A place in a file.
#[derive(DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Target {
    /// The file, from the root of the repository; `{app}` and `{env}` may stand here.
    pub(super) file: String,
    /// The path of the image's map, or of the scalar; `{app}` and `{env}` may stand here. Where it is missing, the one place in the
    /// file that refers to the image.
    #[serde(default)]
    pub(super) path: Option<String>,
    /// The kind of file; recognised where it is missing.
    #[serde(default)]
    pub(super) kind: Option<Kind>,
    /// Which of the app's images stands here; needed where the app has several.
    #[serde(default)]
    pub(super) image: Option<String>,
    /// The document of a file that holds several: its number from 0, or `Kind/name`.
    #[serde(default)]
    #[schemars(with = "NumberOrText")]
    pub(super) document: Option<String>,
}

/// The kind of a target's file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, DeriveDeserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A Helm values file.
    Helm,
    /// A kustomization.
    Kustomize,
    /// A Kubernetes manifest with a pod spec.
    Manifest,
    /// An Argo CD Application or `ApplicationSet`.
    Application,
    /// A Chart.yaml.
    Chart,
    /// Any file; the path leads to the value itself.
    Path,
}

/// How an environment is kept from going back to an older version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, DeriveDeserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Guard {
    /// By version where both values are versions, else by run number, else by commit; else the order is not checked.
    #[default]
    Auto,
    /// By version.
    Semver,
    /// By the run numbers of the builds.
    Sequence,
    /// By the commits that the values were built from.
    Ancestry,
    /// Not at all.
    None,
}

/// Whether a payload is pushed at once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AutoDeploy {
    /// It is pushed.
    On,
    /// It changes by pull request only.
    #[default]
    Off,
}

/// A time in which nothing is pushed.
#[derive(DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Frozen {
    /// The start: RFC 3339, or a date, which begins at 00:00 UTC.
    pub(super) from: String,
    /// The end, exclusive: RFC 3339, or a date at 00:00 UTC.
    pub(super) until: String,
    /// Why.
    #[serde(default)]
    pub(super) reason: Option<String>,
}

/// How the pull requests of an environment look.
#[derive(Clone, Debug, Default, PartialEq, Eq, DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct PullRequest {
    /// The title, a template with the holes of `--message`.
    #[schemars(length(max = 256))]
    pub title: Option<String>,
    /// The text before what changed, a template with the holes of `--message`.
    pub body: Option<String>,
    /// Labels.
    pub labels: Vec<String>,
    /// Users who are asked to review.
    pub reviewers: Vec<String>,
    /// Teams that are asked to review.
    pub team_reviewers: Vec<String>,
    /// Users to whom it is assigned.
    pub assignees: Vec<String>,
    /// Whether it is a draft.
    #[serde(deserialize_with = "switch")]
    #[schemars(with = "SwitchWord")]
    pub draft: bool,
    /// How it is merged by itself once everything required is met; `none` where missing.
    pub auto_merge: AutoMerge,
}

/// How a pull request is merged by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, DeriveDeserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AutoMerge {
    /// Not at all.
    #[default]
    None,
    /// By a merge commit.
    Merge,
    /// By one squashed commit.
    Squash,
    /// By rebasing.
    Rebase,
}

/// A Helm chart whose version rises with what it deploys.
#[derive(DeriveDeserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Chart {
    /// The chart's folder, from the root of the repository; `{app}` and `{env}` may stand here.
    pub(super) path: String,
    /// Which number of the version rises; the third where missing.
    #[serde(default)]
    pub(super) bump: Bump,
    /// Whether `appVersion` becomes the new tag.
    #[serde(default, deserialize_with = "switch")]
    #[schemars(with = "SwitchWord")]
    pub(super) app_version: bool,
}

/// Which number of a chart's version rises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, DeriveDeserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Bump {
    /// The first.
    Major,
    /// The second.
    Minor,
    /// The third.
    #[default]
    Patch,
}

/// Entries by name, and the one under `"*"` that stands for every other name.
pub(super) struct Names<T> {
    pub(super) named: BTreeMap<String, T>,
    pub(super) star: Option<T>,
}

impl<T> Names<T> {
    /// Returns the entry for a name: its own, which replaces the general one whole, or the general one.
    pub(super) fn get(&self, name: &str) -> Option<&T> {
        self.named.get(name).or(self.star.as_ref())
    }

    /// Returns every entry with the name that is written.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        let named = self.named.iter().map(|(name, entry)| (name.as_str(), entry));
        named.chain(self.star.iter().map(|entry| ("*", entry)))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Names<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = Names<T>;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a map of names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Names<T>, A::Error> {
                let mut names = Names {
                    named: BTreeMap::new(),
                    star: None,
                };
                while let Some(name) = map.next_key_seed(NewName(&names))? {
                    let entry = map.next_value()?;
                    if name == "*" {
                        names.star = Some(entry);
                    } else {
                        names.named.insert(name, entry);
                    }
                }
                Ok(names)
            }
        }
        deserializer.deserialize_map(Visitor(PhantomData))
    }
}

impl<T: JsonSchema> JsonSchema for Names<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("NamesOf{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "object",
            "propertyNames": { "pattern": "^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?|\\*)$" },
            "additionalProperties": generator.subschema_for::<T>(),
        })
    }
}

/// Reads a name under which no entry stands yet: an RFC 1123 label, or `*`.
struct NewName<'a, T>(&'a Names<T>);

impl<'de, T> de::DeserializeSeed<'de> for NewName<'_, T> {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<T> de::Visitor<'_> for NewName<'_, T> {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<String, E> {
        if name != "*"
            && let Err(fault) = name.parse::<AppName>()
        {
            let hint = fault.hint.unwrap_or_default();
            return Err(E::custom(format!("`{}` is not a name{HINT}{hint}", shown(name))));
        }
        if self.0.named.contains_key(name) || (name == "*" && self.0.star.is_some()) {
            return Err(E::custom(format!("the name `{name}` stands twice")));
        }
        Ok(name.to_owned())
    }
}

/// One string, or a list of them; `None` where nothing is written.
#[derive(Default)]
pub(super) struct OneOrMany(pub(super) Option<Vec<String>>);

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = OneOrMany;

            fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
                f.write_str("a string or a list of strings")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany(Some(vec![text.to_owned()])))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<OneOrMany, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(|list| OneOrMany(Some(list)))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl JsonSchema for OneOrMany {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OneOrMany".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "string" },
            { "type": "array", "items": { "type": "string" }, "minItems": 1 },
        ]})
    }
}

/// The schema of a number or a string.
struct NumberOrText;

impl JsonSchema for NumberOrText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "NumberOrText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["integer", "string", "null"] })
    }
}

const SWITCH_WORDS: [&str; 6] = ["on", "off", "true", "false", "yes", "no"];
const AUTO_DEPLOY_WORDS: [&str; 7] = ["on", "off", "true", "false", "yes", "no", "manual"];

impl<'de> Deserialize<'de> for AutoDeploy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let on = deserializer.deserialize_any(Words(&AUTO_DEPLOY_WORDS))?;
        Ok(if on { Self::On } else { Self::Off })
    }
}

pub(super) fn switch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    deserializer.deserialize_any(Words(&SWITCH_WORDS))
}

/// Reads one of the words for on and off, in any case.
struct Words(&'static [&'static str]);

impl de::Visitor<'_> for Words {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("on or off")
    }

    fn visit_bool<E: de::Error>(self, on: bool) -> Result<bool, E> {
        Ok(on)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<bool, E> {
        let word = text.to_ascii_lowercase();
        if self.0.contains(&word.as_str()) {
            return Ok(matches!(word.as_str(), "on" | "true" | "yes"));
        }
        let hint = suggestion(&word, self.0.iter().copied());
        Err(E::custom(format!("unknown word `{}`{HINT}{hint}", shown(text))))
    }
}

impl JsonSchema for AutoDeploy {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AutoDeploy".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        words_schema(true)
    }
}

/// The schema of a word for on or off.
pub(super) struct SwitchWord;

impl JsonSchema for SwitchWord {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Switch".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        words_schema(false)
    }
}

fn words_schema(manual: bool) -> Schema {
    let mut words =
        "[Oo][Nn]|[Oo][Ff][Ff]|[Tt][Rr][Uu][Ee]|[Ff][Aa][Ll][Ss][Ee]|[Yy][Ee][Ss]|[Nn][Oo]".to_owned();
    if manual {
        words.push_str("|[Mm][Aa][Nn][Uu][Aa][Ll]");
    }
    json_schema!({ "anyOf": [
        { "type": "boolean" },
        { "type": "string", "pattern": format!("^({words})$") },
    ]})
}
