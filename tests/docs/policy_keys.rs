//! Writes `docs/policy-reference.md` from the policy's JSON Schema, whose descriptions are the only ones there are.

use std::fmt::Write as _;

use gitops_steps::words::policy::schema;
use serde_json::Value;

/// The maps of the file, each below the one that holds it, and the title of its part.
const MAPS: [(&str, &str); 9] = [
    ("", "The file"),
    ("App", "An app"),
    ("Environment", "An environment"),
    ("Target", "A target"),
    ("Select", "A choice"),
    ("Frozen", "A freeze"),
    ("PullRequest", "Pull requests"),
    ("Chart", "A chart"),
    ("Hold", "A hold"),
];

/// Returns the page.
pub fn markdown() -> String {
    let schema = serde_json::to_value(schema()).unwrap();
    let described = schema["$defs"].as_object().unwrap();
    let mut text = String::from(
        "# The keys of the policy file\n\n<!-- Generated from the schema: GITOPS_STEPS_BLESS=1 cargo test docs -->\n\n\
         Each key of `.gitops-steps.yaml`, as its JSON Schema has it, which is made from the types that the program reads the\n\
         file with. What they are for is told, with examples, in [policy.md](policy.md).\n",
    );
    for (name, title) in MAPS {
        let map = if name.is_empty() {
            &schema
        } else {
            &described[name]
        };
        map_of(&mut text, title, map, &schema);
    }
    let objects = described.iter().filter(|(_, one)| one["type"] == "object");
    for (name, _) in objects {
        assert!(
            MAPS.iter().any(|(known, _)| known == name),
            "`{name}` has no part of the page"
        );
    }
    text
}

fn map_of(text: &mut String, title: &str, map: &Value, schema: &Value) {
    let about = map["description"].as_str().unwrap().replace('\n', " ");
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "\n## {title}\n\n{about}\n\n| key | value | meaning |\n| --- | --- | --- |\n"
    );
    let required: Vec<&str> = map["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (key, value) in map["properties"].as_object().unwrap() {
        let must = if required.contains(&key.as_str()) {
            ", required"
        } else {
            ""
        };
        let meaning = value["description"].as_str().unwrap().replace('\n', " ");
        let words = words_of(value, schema);
        let cell = format!("{meaning}{words}")
            .replace('|', "\\|")
            .replace('<', "\\<");
        let _ = writeln!(text, "| `{key}` | {}{must} | {cell} |", kind_of(value, schema));
    }
}

/// What a value is, in words; a map of its own has a link to its part.
fn kind_of(value: &Value, schema: &Value) -> String {
    if let Some(name) = referred(value) {
        if let Some((_, title)) = MAPS.iter().find(|(known, _)| *known == name) {
            return format!(
                "[{}](#{})",
                title.to_lowercase(),
                title.to_lowercase().replace(' ', "-")
            );
        }
        let meant = &schema["$defs"][name];
        return choice(meant).map_or_else(|| kind_of(meant, schema), |words| words.join(", "));
    }
    if let Some(either) = value["anyOf"].as_array() {
        let either: Vec<&Value> = either.iter().filter(|one| one["type"] != "null").collect();
        if either
            .iter()
            .any(|one| one["type"] == "boolean" || one["const"] == true)
        {
            return if either.iter().any(|one| one["const"] == true) {
                "`on`"
            } else {
                "`on`, `off`"
            }
            .to_owned();
        }
        let kinds: Vec<String> = either.iter().map(|one| kind_of(one, schema)).collect();
        return kinds.join(", or ");
    }
    if let Some(words) = value["enum"].as_array() {
        let words: Vec<String> = words
            .iter()
            .filter_map(Value::as_str)
            .map(|word| format!("`{word}`"))
            .collect();
        return words.join(", ");
    }
    let types: Vec<&str> = match &value["type"] {
        Value::Array(types) => types
            .iter()
            .filter_map(Value::as_str)
            .filter(|one| *one != "null")
            .collect(),
        one => one.as_str().into_iter().collect(),
    };
    let of = |kind: &str| match kind {
        "array" => format!("list of {}", many(&kind_of(&value["items"], schema))),
        "object" => format!(
            "map by name of {}",
            many(&kind_of(&value["additionalProperties"], schema))
        ),
        "integer" if value["maximum"].is_u64() && value["maximum"] == value["minimum"] => {
            format!("`{}`", value["minimum"])
        }
        "integer" => "number".to_owned(),
        "boolean" => "`on`, `off`".to_owned(),
        _ => "text".to_owned(),
    };
    types.into_iter().map(of).collect::<Vec<_>>().join(", or ")
}

/// More than one of a kind.
fn many(kind: &str) -> String {
    match kind {
        "text" => "texts".to_owned(),
        kind => kind
            .replacen("[a target]", "[targets]", 1)
            .replacen("[an app]", "[apps]", 1)
            .replacen("[an environment]", "[environments]", 1)
            .replacen("[a hold]", "[holds]", 1)
            .replacen("list of", "lists of", 1),
    }
}

/// The words of a choice, each with what it means, as a sentence behind the meaning of the key.
fn words_of(value: &Value, schema: &Value) -> String {
    let either = value["anyOf"].as_array();
    let name = referred(value).or_else(|| either.into_iter().flatten().find_map(referred));
    let Some(words) = name
        .map(|name| &schema["$defs"][name])
        .and_then(|meant| meant["oneOf"].as_array())
    else {
        return String::new();
    };
    let told = words.iter().filter_map(|word| {
        let about = word["description"].as_str()?.trim_end_matches('.');
        let mut letters = about.chars();
        let first = letters.next()?.to_lowercase();
        Some(format!(
            "`{}`: {first}{}",
            word["const"].as_str()?,
            letters.as_str()
        ))
    });
    let told: Vec<String> = told.collect();
    if told.is_empty() {
        String::new()
    } else {
        format!(" {}.", told.join("; "))
    }
}

fn choice(meant: &Value) -> Option<Vec<String>> {
    let words = meant["oneOf"].as_array()?;
    words
        .iter()
        .map(|word| Some(format!("`{}`", word["const"].as_str()?)))
        .collect()
}

fn referred(value: &Value) -> Option<&str> {
    value["$ref"].as_str()?.strip_prefix("#/$defs/")
}
