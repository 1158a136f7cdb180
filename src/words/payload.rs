//! The payload that carries a new image from an app's repository to the config repo.
//!
//! Two forms are read: the structured one, `{v: 1, id, app, env, images: [{name, tag, digest}], source: {…},
//! deployment}`, and the flat one that people write by hand, `{app, env, image, tag, digest}`. The same type
//! writes the structured one. A payload names what was built and where it is to go; it can never name a
//! file, a path or a switch of the policy.

use serde_json::{Map, Value, json};

use super::fault::Fault;
use super::fields::Fields;
use super::image::{Digest, ImageName, ImageRef, Tag};
use super::name::{AppName, EnvName, reference_error};
use super::wording::shown;

/// The version of the structured form.
pub const VERSION: u64 = 1;
/// The most images of one payload.
const IMAGES_MAX: usize = 50;
/// The most characters of an address.
const URL_MAX: usize = 2048;

/// Fields that would steer where or how something is written; only the config repo and the command line do.
const FORBIDDEN: [&str; 27] = [
    "allow_downgrade",
    "allow_shared",
    "auto_deploy",
    "changes",
    "cluster",
    "clusters",
    "config_repo",
    "document",
    "drop_digest",
    "file",
    "files",
    "force",
    "guard",
    "if_missing",
    "on_stale",
    "only_ref",
    "override",
    "override_policy",
    "path",
    "paths",
    "policy",
    "publish",
    "set",
    "set_json",
    "targets",
    "token",
    "unset",
];

/// What was built, and where it is to go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    /// The sender's own name for this dispatch, by which the run that it starts is found.
    pub id: Option<String>,
    /// The app; always there in the structured form.
    pub app: Option<AppName>,
    /// The environment; the receiver may set it instead.
    pub env: Option<EnvName>,
    /// The images, at least one; each brings a tag, a digest or both.
    pub images: Vec<PayloadImage>,
    /// Where they were built.
    pub source: Source,
    /// The deployment in the source repository that is to hear of the outcome.
    pub deployment: Option<u64>,
    /// The fields that were passed over, by their JSON paths; for a visible note.
    pub ignored: Vec<String>,
}

/// One image of a payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PayloadImage {
    /// The name; `None` stands for the one image of the app.
    pub name: Option<ImageName>,
    /// The tag.
    pub tag: Option<Tag>,
    /// The digest.
    pub digest: Option<Digest>,
}

/// What a payload claims about where its images were built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// The repository, `owner/name` or `group/subgroup/project`.
    pub repo: Option<String>,
    /// The commit, in full hex.
    pub commit: Option<String>,
    /// The reference, as `refs/heads/main`.
    pub reference: Option<String>,
    /// The source workflow's run number.
    pub sequence: Option<u64>,
    /// The address of the source workflow's run.
    pub run_url: Option<String>,
    /// Who the sender says asked for it.
    pub actor: Option<String>,
}

impl Payload {
    /// Reads a payload in either form.
    ///
    /// # Errors
    /// A fault of kind `Invalid` that names the field by its JSON path.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let value: Value = serde_json::from_str(text).map_err(|error| {
            Fault::invalid(format!("the payload is not JSON: {}", shown(&error.to_string())))
        })?;
        match &value {
            Value::Object(map) => Self::from_fields(&Fields::new("payload", map)),
            _ => Err(Fault::invalid("the payload is not a JSON object")),
        }
    }

    /// Reads a payload in either form from the fields of an object.
    pub(super) fn from_fields(fields: &Fields) -> Result<Self, Fault> {
        refuse_forbidden(fields)?;
        if fields.has("v") {
            read_structured(fields)
        } else {
            read_flat(fields)
        }
    }

    /// Returns the structured form, without the fields that are not known.
    pub fn to_json(&self) -> Value {
        let text = |value: Option<String>| value.map_or(Value::Null, Value::String);
        let images: Vec<Value> = self
            .images
            .iter()
            .map(|image| {
                known(vec![
                    ("name", text(image.name.as_ref().map(ToString::to_string))),
                    ("tag", text(image.tag.as_ref().map(ToString::to_string))),
                    ("digest", text(image.digest.as_ref().map(ToString::to_string))),
                ])
            })
            .collect();
        let source = known(vec![
            ("repo", text(self.source.repo.clone())),
            ("commit", text(self.source.commit.clone())),
            ("ref", text(self.source.reference.clone())),
            ("sequence", json!(self.source.sequence)),
            ("run_url", text(self.source.run_url.clone())),
            ("actor", text(self.source.actor.clone())),
        ]);
        known(vec![
            ("v", json!(VERSION)),
            ("id", text(self.id.clone())),
            ("app", text(self.app.as_ref().map(ToString::to_string))),
            ("env", text(self.env.as_ref().map(ToString::to_string))),
            ("images", Value::Array(images)),
            ("source", source),
            ("deployment", json!(self.deployment)),
        ])
    }
}

/// Reads a user's name on a forge, `ann`, `ci-bot[bot]`.
pub(super) fn read_login(text: &str) -> Result<String, Fault> {
    let name = text.strip_suffix("[bot]").unwrap_or(text);
    let right = (1..=255).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    keep(text, right, "a user name")
}

/// Reads a repository's full name, `owner/name` or `group/subgroup/project`.
pub(super) fn read_repo(text: &str) -> Result<String, Fault> {
    let part = |part: &str| {
        part.bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
            && part.bytes().any(|b| b != b'.')
            && !part.starts_with('-')
    };
    let right = text.len() <= 255 && text.contains('/') && text.split('/').all(part);
    keep(text, right, "a repository such as `owner/name`")
}

/// Reads a reference, `refs/heads/main` or a bare name.
///
/// # Errors
/// A fault of kind `Invalid` for anything else.
pub fn read_reference(text: &str) -> Result<String, Fault> {
    keep(
        text,
        reference_error(text).is_none() && !text.starts_with('-'),
        "a git reference",
    )
}

/// Reads a commit in full hex.
///
/// # Errors
/// A fault of kind `Invalid` for anything else.
pub fn read_commit(text: &str) -> Result<String, Fault> {
    let right = matches!(text.len(), 40 | 64) && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    keep(text, right, "a commit in full hex")
}

fn read_id(text: &str) -> Result<String, Fault> {
    let right = (1..=100).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._:-".contains(&b));
    keep(text, right, "an id of letters, digits, `.`, `_`, `:` and `-`")
}

/// Reads an http(s) address, which is shown to everybody.
///
/// # Errors
/// A fault of kind `Invalid` for anything else, and for one with a login; the message does not show that.
pub fn read_url(text: &str) -> Result<String, Fault> {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let right = text.len() <= URL_MAX
        && rest.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '['))
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~:/?#[]@!&*+,;=%".contains(&b));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    if right && host.is_some_and(|host| host.contains('@')) {
        return Err(
            Fault::invalid("the address holds a login, which everybody would see")
                .hint("leave out what stands before the `@`"),
        );
    }
    keep(text, right, "an http(s) address")
}

fn keep(text: &str, right: bool, what: &str) -> Result<String, Fault> {
    match (right, text) {
        (true, _) => Ok(text.to_owned()),
        (false, "") => Err(Fault::invalid(format!("it is empty where {what} is due"))),
        (false, _) => Err(Fault::invalid(format!("`{}` is not {what}", shown(text)))),
    }
}

fn read_structured(fields: &Fields) -> Result<Payload, Fault> {
    let version = fields.number("v")?;
    if version != Some(VERSION) {
        let version = version.unwrap_or_default();
        return Err(Fault::invalid(format!(
            "field `{}` is {version}: the payload comes from a newer sender; this receiver knows {VERSION}",
            fields.path("v")
        ))
        .hint("update gitops-steps in the config repo's workflow"));
    }
    let missing = |key: &str| Fault::invalid(format!("field `{}` is missing", fields.path(key)));
    let list = fields.objects("images")?.ok_or_else(|| missing("images"))?;
    if list.is_empty() || list.len() > IMAGES_MAX {
        return Err(Fault::invalid(format!(
            "field `{}` holds {} images; 1 to {IMAGES_MAX} are allowed",
            fields.path("images"),
            list.len()
        )));
    }
    let mut ignored = unknown(
        fields,
        &["v", "id", "app", "env", "images", "source", "deployment"],
    );
    let several = list.len() > 1;
    let mut names = std::collections::HashSet::new();
    let mut images = Vec::with_capacity(list.len());
    for item in &list {
        refuse_forbidden(item)?;
        ignored.extend(unknown(item, &["name", "tag", "digest"]));
        let image = read_image(item)?;
        let name = image.name.as_ref().map(ImageName::canonical);
        if several && name.is_none() {
            return Err(Fault::invalid(format!(
                "field `{}` is missing",
                item.path("name")
            )));
        }
        if !names.insert(name) {
            return Err(Fault::invalid(format!(
                "field `{}` names an image twice",
                item.path("name")
            )));
        }
        images.push(image);
    }
    let source = match fields.object("source")? {
        Some(source) => {
            refuse_forbidden(&source)?;
            ignored.extend(unknown(
                &source,
                &["repo", "commit", "ref", "sequence", "run_url", "actor"],
            ));
            read_source(&source)?
        }
        None => Source::default(),
    };
    Ok(Payload {
        id: fields.checked("id", read_id)?,
        app: Some(fields.parsed("app")?.ok_or_else(|| missing("app"))?),
        env: fields.parsed("env")?,
        images,
        source,
        deployment: fields.number("deployment")?,
        ignored,
    })
}

fn read_image(fields: &Fields) -> Result<PayloadImage, Fault> {
    let image = PayloadImage {
        name: fields.parsed("name")?,
        tag: fields.parsed("tag")?,
        digest: fields.parsed("digest")?,
    };
    needs_a_version(image, fields)
}

fn read_source(fields: &Fields) -> Result<Source, Fault> {
    Ok(Source {
        repo: fields.checked("repo", read_repo)?,
        commit: fields.checked("commit", read_commit)?,
        reference: fields.checked("ref", read_reference)?,
        sequence: fields.number("sequence")?,
        run_url: fields.checked("run_url", read_url)?,
        actor: fields.checked("actor", read_login)?,
    })
}

fn read_flat(fields: &Fields) -> Result<Payload, Fault> {
    for key in ["images", "source"] {
        if fields
            .value(key)
            .is_some_and(|value| value.is_object() || value.is_array())
        {
            return Err(Fault::invalid(format!(
                "field `{}` belongs to the structured form, and `{}` is missing",
                fields.path(key),
                fields.path("v")
            ))
            .hint("add \"v\": 1"));
        }
    }
    let image: Option<ImageRef> = fields.parsed("image")?;
    let (name, image_tag, image_digest) = match image {
        Some(image) => (Some(image.name), image.tag, image.digest),
        None => (None, None, None),
    };
    let image = PayloadImage {
        name,
        tag: agreed(fields, "tag", image_tag)?,
        digest: agreed(fields, "digest", image_digest)?,
    };
    Ok(Payload {
        app: fields.parsed("app")?,
        env: fields.parsed("env")?,
        images: vec![needs_a_version(image, fields)?],
        ignored: unknown(fields, &["app", "env", "image", "tag", "digest"]),
        ..Payload::default()
    })
}

/// Returns a field, or what `image` said about it; both may stand there if they agree.
fn agreed<T>(fields: &Fields, key: &str, from_image: Option<T>) -> Result<Option<T>, Fault>
where
    T: std::str::FromStr<Err = Fault> + PartialEq,
{
    let own = fields.parsed(key)?;
    if own.is_some() && from_image.is_some() && own != from_image {
        return Err(Fault::invalid(format!(
            "fields `{}` and `{}` do not agree",
            fields.path("image"),
            fields.path(key)
        )));
    }
    Ok(own.or(from_image))
}

fn needs_a_version(image: PayloadImage, fields: &Fields) -> Result<PayloadImage, Fault> {
    if image.tag.is_none() && image.digest.is_none() {
        return Err(Fault::invalid(format!(
            "neither `{}` nor `{}` is given",
            fields.path("tag"),
            fields.path("digest")
        )));
    }
    Ok(image)
}

fn refuse_forbidden(fields: &Fields) -> Result<(), Fault> {
    let forbidden = |key: &&str| {
        let word = key.to_ascii_lowercase().replace('-', "_");
        FORBIDDEN.contains(&word.as_str()) || word.starts_with("gitops_steps_")
    };
    match fields.keys().find(forbidden) {
        None => Ok(()),
        Some(key) => Err(
            Fault::invalid(format!("a payload may not name `{}`", fields.path(key)))
                .hint("files, paths and policy belong to the config repo's `.gitops-steps.yaml`"),
        ),
    }
}

/// Returns the paths of the fields that are not among the known ones.
fn unknown(fields: &Fields, known: &[&str]) -> Vec<String> {
    fields
        .keys()
        .filter(|key| !known.contains(key))
        .map(|key| fields.path(key))
        .collect()
}

/// Makes an object of the fields that are known: neither null nor an empty object.
fn known(fields: Vec<(&str, Value)>) -> Value {
    let known = |value: &Value| !value.is_null() && value.as_object().is_none_or(|map| !map.is_empty());
    let fields = fields.into_iter().filter(|(_, value)| known(value));
    Value::Object(
        fields
            .map(|(key, value)| (key.to_owned(), value))
            .collect::<Map<_, _>>(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRUCTURED: &str = r#"{"v":1,"id":"run-7.1","app":"web","env":"dev",
        "images":[{"name":"ghcr.io/acme/web","tag":"v2"},{"name":"ghcr.io/acme/job","tag":"v2"}],
        "source":{"repo":"acme/web","commit":"0123456789abcdef0123456789abcdef01234567","ref":"refs/heads/main",
        "sequence":7,"run_url":"https://github.com/acme/web/actions/runs/1?pr=2","actor":"ci-bot[bot]"},"deployment":9}"#;

    #[test]
    fn an_address_that_everybody_sees_holds_no_login() {
        for text in [
            "https://ann:hush@a.example/x",
            "https://hush@a.example",
            "http://hush@a.example?x",
        ] {
            let fault = read_url(text).unwrap_err();
            assert!(!format!("{fault:?}").contains("hush"), "{fault:?}");
        }
        assert!(read_url("https://a.example/@ann?b=c@d#@").is_ok());
    }

    #[test]
    fn the_sender_and_the_receiver_speak_one_language() {
        let payload = Payload::parse(STRUCTURED).unwrap();
        assert_eq!(payload.images.len(), 2);
        assert_eq!(payload.source.actor.as_deref(), Some("ci-bot[bot]"));
        let json = payload.to_json();
        assert_eq!(json, serde_json::from_str::<Value>(STRUCTURED).unwrap());
        assert_eq!(Payload::parse(&json.to_string()).unwrap(), payload);
    }

    #[test]
    fn the_flat_form_is_read_too() {
        let digest = format!("sha256:{}", "a".repeat(64));
        for (text, tag, has_digest) in [
            (
                r#"{"app":"web","env":"dev","image":"ghcr.io/acme/web","tag":"v1"}"#.to_owned(),
                Some("v1"),
                false,
            ),
            (
                r#"{"app":"web","image":"localhost:5000/web:v1"}"#.to_owned(),
                Some("v1"),
                false,
            ),
            (
                r#"{"image":"web:v1","tag":"v1","digest":null}"#.to_owned(),
                Some("v1"),
                false,
            ),
            (format!(r#"{{"app":"web","digest":"{digest}"}}"#), None, true),
        ] {
            let payload = Payload::parse(&text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
            assert_eq!(payload.images[0].tag.as_ref().map(Tag::as_str), tag, "{text}");
            assert_eq!(payload.images[0].digest.is_some(), has_digest, "{text}");
        }
    }

    #[test]
    fn hostile_fields_are_refused_by_name() {
        for (text, says) in [
            (
                r#"{"app":"web","tag":123}"#,
                "field `payload.tag` is a number where a string is due",
            ),
            (
                r#"{"app":"web","tag":""}"#,
                "field `payload.tag`: an image tag is empty",
            ),
            (r#"{"app":"web","tag":["v1"]}"#, "`payload.tag` is a list"),
            (r#"{"app":"web"}"#, "neither `payload.tag` nor `payload.digest`"),
            (
                r#"{"app":"../x","tag":"v1"}"#,
                "field `payload.app`: `../x` is not a valid app name",
            ),
            (
                r#"{"app":"web","tag":"v1\nx: y"}"#,
                r"`v1\nx: y` is not an image tag",
            ),
            (r#"{"app":"web","tag":"$(id)"}"#, "is not an image tag"),
            (
                r#"{"app":"web","tag":"\u001b[31m"}"#,
                r"`\u{1b}[31m` is not an image tag",
            ),
            (
                r#"{"app":"web","env":"dev; rm","tag":"v1"}"#,
                "field `payload.env`",
            ),
            (r#"{"app":"web","image":"a:v1","tag":"v2"}"#, "do not agree"),
            (
                r#"{"app":"web","tag":"v1","file":"x"}"#,
                "a payload may not name `payload.file`",
            ),
            (
                r#"{"app":"web","tag":"v1","Override-Policy":"x"}"#,
                "may not name `payload.Override-Policy`",
            ),
            (
                r#"{"app":"web","tag":"v1","GITOPS_STEPS_FILE":"x"}"#,
                "may not name",
            ),
            (
                r#"{"app":"web","images":[{"tag":"v1"}]}"#,
                "`payload.v` is missing",
            ),
            (r#"{"v":2,"app":"web","images":[{"tag":"v1"}]}"#, "newer sender"),
            (
                r#"{"v":"x","app":"web"}"#,
                "`payload.v` is a string where a whole number",
            ),
            (
                r#"{"v":1,"images":[{"tag":"v1"}]}"#,
                "field `payload.app` is missing",
            ),
            (r#"{"v":1,"app":"web"}"#, "field `payload.images` is missing"),
            (r#"{"v":1,"app":"web","images":[]}"#, "holds 0 images"),
            (
                r#"{"v":1,"app":"web","images":["a"]}"#,
                "`payload.images[0]` is a string",
            ),
            (
                r#"{"v":1,"app":"web","images":[{"tag":7}]}"#,
                "`payload.images[0].tag` is a number",
            ),
            (
                r#"{"v":1,"app":"web","images":[{"tag":"a"},{"tag":"b"}]}"#,
                "`payload.images[0].name` is missing",
            ),
            (
                r#"{"v":1,"app":"web","images":[{"name":"a","tag":"a"},{"name":"docker.io/a","tag":"b"}]}"#,
                "twice",
            ),
            (
                r#"{"v":1,"app":"web","images":[{"tag":"a","path":"x"}]}"#,
                "may not name `payload.images[0].path`",
            ),
            (
                r#"{"v":1,"app":"web","images":[{"tag":"a"}],"source":{"commit":"abc"}}"#,
                "`payload.source.commit`",
            ),
            (
                r#"{"v":1,"app":"web","images":[{"tag":"a"}],"source":{"run_url":"javascript:x"}}"#,
                "run_url",
            ),
            (
                r#"{"v":1,"app":"web","images":[{"tag":"a"}],"source":{"actor":"a\nb"}}"#,
                "source.actor",
            ),
            (
                r#"{"v":1,"app":"web","images":[{"tag":"a"}],"deployment":-1}"#,
                "a whole number",
            ),
            ("[]", "not a JSON object"),
            ("{", "not JSON"),
        ] {
            let fault = Payload::parse(text).expect_err(text);
            assert!(fault.message.contains(says), "{text}: {fault}");
        }
        let deep = "[".repeat(100_000);
        assert!(Payload::parse(&deep).is_err());
    }

    #[test]
    fn a_number_for_a_tag_comes_with_the_quotes_to_put() {
        let fault = Payload::parse(r#"{"app":"web","tag":1.10}"#).unwrap_err();
        assert!(fault.hint.unwrap().starts_with("put it in quotes"));
    }

    #[test]
    fn unknown_fields_are_passed_over_and_listed() {
        let payload = Payload::parse(r#"{"app":"web","tag":"v1","colour":"red"}"#).unwrap();
        assert_eq!(payload.ignored, ["payload.colour"]);
    }
}
