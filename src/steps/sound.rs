//! Whether a filled YAML file says what its template means: a tag that becomes a number is no tag any more.

use crate::steps::fault_in;
use crate::words::fault::Fault;
use crate::words::folder_template::Values;
use crate::words::wording::shown;
use crate::yaml::{File, Node};

/// Returns values that no reader takes for anything but texts, in the place of all that hold one; what is empty, and
/// those that are `typed`, are left as they are.
pub fn stand_ins(values: &Values, typed: &[&str]) -> Values {
    let stand_in = |(name, value): (&String, &String)| {
        let is_text = !value.is_empty() && !typed.contains(&name.as_str());
        let meant = if is_text {
            format!("a-{name}")
        } else {
            value.clone()
        };
        (name.clone(), meant)
    };
    values.iter().map(stand_in).collect()
}

/// Checks a file, by its path, against the same one with plain texts in its holes. What is no YAML with those is none at
/// all, such as a template of Helm.
///
/// # Errors
/// `Invalid` for a value that becomes more than the text that it is, with the place in the file.
pub fn check(place: &str, is: &[u8], meant: &[u8]) -> Result<(), Fault> {
    let name = place.to_ascii_lowercase();
    if is == meant || ![".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end)) {
        return Ok(());
    }
    let Ok(meant) = File::parse(meant) else {
        return Ok(());
    };
    let is = File::parse(is).map_err(|error| fault_in(place, error))?;
    if is.documents().len() != meant.documents().len() {
        return Err(Fault::invalid("a value splits the file in two").at(place, 0, 0));
    }
    for (is, meant) in is.documents().zip(meant.documents()) {
        compare(place, is, meant)?;
    }
    Ok(())
}

fn compare(place: &str, is: Node<'_>, meant: Node<'_>) -> Result<(), Fault> {
    let same_kind = is.kind() == meant.kind()
        && is.entries().count() == meant.entries().count()
        && is.items().count() == meant.items().count();
    let becomes = |what: &str| {
        Err(Fault::invalid(what.to_owned())
            .at(place, is.line(), is.column())
            .hint(
                "take another value, or write quotes around the hole in the template, as in newTag: \"{tag}\"",
            ))
    };
    if !same_kind {
        return becomes("a value of the template becomes more than text here");
    }
    if is.typed() && !meant.typed() {
        let text = shown(is.text().unwrap_or_default());
        return becomes(&format!(
            "`{text}` is no text to every reader of YAML, and would be read as something else"
        ));
    }
    for ((key, value), (meant_key, meant_value)) in is.entries().zip(meant.entries()) {
        compare(place, key, meant_key)?;
        compare(place, value, meant_value)?;
    }
    for (item, meant) in is.items().zip(meant.items()) {
        compare(place, item, meant)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str, tag: &str) -> Result<(), Fault> {
        let filled = |value: &str| text.replace("{tag}", value).into_bytes();
        check("previews/_template/a.yaml", &filled(tag), &filled("a-tag"))
    }

    #[test]
    fn a_tag_that_would_become_a_number_is_told_with_its_line() {
        for tag in ["0192118", "72225e2", "on", "1.10", "2026-01-01", "null", "12:30"] {
            let fault = checked("images:\n- newTag: {tag}\n", tag).unwrap_err();
            assert_eq!(
                fault.place.as_ref().unwrap().to_string(),
                "previews/_template/a.yaml:2:11",
                "{tag}"
            );
            checked("images:\n- newTag: \"{tag}\"\n", tag).unwrap();
            checked("image: web:{tag}\n", tag).unwrap();
        }
        checked("newTag: {tag}\n", "v1.10").unwrap();
    }

    #[test]
    fn what_is_no_yaml_is_left_alone() {
        checked("{{ if x }}\na: {tag}\n{{ end }}", "0192118").unwrap();
        checked("replicas: 1\n", "7").unwrap();
    }
}
