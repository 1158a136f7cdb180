//! The list of `--changes`: many values in many files, for one commit.
//!
//! It is YAML or JSON: `[{file: F, set: {PATH: VALUE}}]`. A string means a string, a number a number; a
//! version is put in quotes.

use serde::Deserialize;

use super::fault::Fault;
use super::policy::read_yaml;
use super::repo_path::RepoPath;

/// The most bytes of a list.
const CHANGES_MAX: usize = 1024 * 1024;

/// A value of one of YAML's plain kinds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A string.
    Text(String),
    /// A number, spelt as it was written.
    Number(String),
    /// A truth value.
    Bool(bool),
    /// Nothing.
    Null,
}

/// One value to set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The file.
    pub file: RepoPath,
    /// The path in it, as a user writes it.
    pub path: String,
    /// The value.
    pub value: Scalar,
}

/// Reads a list of changes, in the order in which they stand; `name` is what messages call it.
///
/// # Errors
/// A fault of kind `Invalid` with line and column where the list does not parse, or that names a file and
/// path that stand twice; kind `Refused` for a file outside the repository.
pub fn parse(name: &str, bytes: &[u8]) -> Result<Vec<Change>, Fault> {
    if bytes.len() > CHANGES_MAX {
        return Err(Fault::invalid(format!(
            "{name} is {} bytes long; at most {CHANGES_MAX} are read",
            bytes.len()
        )));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| Fault::invalid(format!("{name} is not UTF-8")))?;
    let typed: Vec<Entry<serde_yaml::Value>> = read_yaml(name, text)?;
    // Read as strings, plain scalars give their own spelling: 1.10 stays 1.10.
    let spelt: Vec<Entry<String>> = read_yaml(name, text)?;
    let mut changes = Vec::new();
    let mut seen = std::collections::HashSet::new();
    for (entry, spelling) in typed.into_iter().zip(spelt) {
        let file = RepoPath::parse(&entry.file)?;
        for ((path, value), (_, text)) in entry.set.0.into_iter().zip(spelling.set.0) {
            if !seen.insert((file.clone(), path.clone())) {
                return Err(Fault::invalid(format!(
                    "{name} sets `{}` of {file} twice",
                    super::wording::shown(&path)
                )));
            }
            let value = match value {
                serde_yaml::Value::Null => Scalar::Null,
                serde_yaml::Value::Bool(flag) => Scalar::Bool(flag),
                serde_yaml::Value::Number(_) => Scalar::Number(text),
                _ => Scalar::Text(text),
            };
            changes.push(Change {
                file: file.clone(),
                path,
                value,
            });
        }
    }
    if changes.is_empty() {
        return Err(
            Fault::invalid(format!("{name} holds no change")).hint("write `[{file: F, set: {PATH: VALUE}}]`")
        );
    }
    Ok(changes)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry<V> {
    file: String,
    set: Pairs<V>,
}

/// A map in the order in which it is written.
struct Pairs<V>(Vec<(String, V)>);

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Pairs<V> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<V>(std::marker::PhantomData<V>);
        impl<'de, V: Deserialize<'de>> serde::de::Visitor<'de> for Visitor<V> {
            type Value = Pairs<V>;

            fn expecting(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
                f.write_str("a map of paths and values")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Visitor(std::marker::PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<(String, Scalar)> {
        let changes = parse("list", text.as_bytes()).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        changes
            .into_iter()
            .map(|change| (change.path, change.value))
            .collect()
    }

    #[test]
    fn yaml_and_json_say_the_same_and_values_keep_their_type() {
        let pair = |path: &str, value| (path.to_owned(), value);
        let due = vec![
            pair("b.c", Scalar::Text("1.10".to_owned())),
            pair("a", Scalar::Number("1.10".to_owned())),
            pair("d", Scalar::Bool(true)),
            pair("e", Scalar::Null),
            pair("f", Scalar::Text("on".to_owned())),
        ];
        let yaml = "- file: x/values.yaml\n  set: {b.c: '1.10', a: 1.10, d: true, e: ~, f: on}\n";
        let json = r#"[{"file":"./x/values.yaml","set":{"b.c":"1.10","a":1.10,"d":true,"e":null,"f":"on"}}]"#;
        assert_eq!(values(yaml), due);
        assert_eq!(values(json), due);
    }

    #[test]
    fn a_wrong_list_is_refused_with_line_and_column() {
        for (text, place) in [
            ("- file: a\n  sett: {b: c}\n", Some((2, 3))),
            ("- file: a\n  set: {b: [c]}\n", Some((2, 12))),
            ("- file: a\n  set: x\n", Some((2, 8))),
            ("- file: a\n  set: {b: c\n", None),
            ("- file: ../a\n  set: {b: c}\n", None),
            ("- {file: a, set: {b: c, b: d}}\n", None),
            ("- {file: a, set: {b: c}}\n- {file: ./a, set: {b: d}}\n", None),
            ("[]", None),
            ("", None),
            ("- file: a\n", Some((1, 3))),
        ] {
            let fault = parse("list", text.as_bytes()).expect_err(text);
            if let Some(due) = place {
                let found = fault.place.unwrap_or_else(|| panic!("{text}: no place"));
                assert_eq!((found.line, found.column), due, "{text}: {}", fault.message);
            }
        }
        assert!(parse("list", b"\xff").is_err());
    }
}
