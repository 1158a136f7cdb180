//! Values in files that the user names: by path, by image, or in a bulk list.

use anyhow::Context as _;

use super::draft::Draft;
use super::request::Request;
use super::way::{Files, WantedImage};
use crate::plan::places::{self, Place, Want, kind};
use crate::plan::snapshot::Snapshot;
use crate::steps::files::{self, Named};
use crate::steps::{fault_in, parse_path};
use crate::words::changes::{Change, Scalar};
use crate::words::fault::{Fault, Kind};
use crate::words::image::ImageName;
use crate::words::repo_path::RepoPath;
use crate::yaml::{Edit, ErrorKind, IfMissing, Node, Operation, Value};

/// Puts the edits of `--file` into a draft, and returns what is skipped because it does not exist.
///
/// # Errors
/// `NotFound` for a file, a path or an image that is not there, or an image that is there more than once.
pub fn draft_files(
    draft: &mut Draft,
    request: &Request,
    asked: &Files,
    snapshot: &dyn Snapshot,
) -> anyhow::Result<Vec<String>> {
    let mut skipped = Vec::new();
    let named = files::find(snapshot, &asked.patterns)?;
    let paths: Vec<RepoPath> = named.iter().map(|named| named.path.clone()).collect();
    let opened = draft.open(snapshot, &paths)?;
    if let Some((image, want)) = &asked.image {
        let found = find_image(draft, &named, &opened, (asked, image), request.if_missing)?;
        if found.len() > 1 && !asked.all {
            return Err(several(image, &found).into());
        }
        for (path, place) in &found {
            draft.bring(path, place, want, request.allow_shared)?;
        }
        let due = named.iter().zip(&opened).filter(|(named, path)| {
            found.is_empty() || (named.exact && !found.iter().any(|(found, _)| found == *path))
        });
        let without: Vec<RepoPath> = due.map(|(_, path)| path.clone()).collect();
        if !without.is_empty() {
            skipped.push(no_image(draft, &without, image).to_string());
        }
    }
    for path in &opened {
        skipped.extend(asked.edits.iter().filter_map(|edit| skips(draft, path, edit)));
        draft.edit(path, asked.edits.iter().cloned());
    }
    Ok(skipped)
}

/// Puts the edits of `--changes` into a draft, and returns what is skipped because it does not exist.
///
/// # Errors
/// `NotFound` for a file or a path that is not there.
pub fn draft_changes(
    draft: &mut Draft,
    request: &Request,
    entries: &[Change],
    snapshot: &dyn Snapshot,
) -> anyhow::Result<Vec<String>> {
    let mut skipped = Vec::new();
    let paths: Vec<RepoPath> = entries.iter().map(|entry| entry.file.clone()).collect();
    let opened = draft.open(snapshot, &paths)?;
    for (file, entry) in opened.iter().zip(entries) {
        let path = parse_path(&entry.path)
            .with_context(|| format!("`{}` of `{}`", entry.path.escape_debug(), entry.file))?;
        let old = draft.yaml(file).find(None, &path).ok();
        let was_string =
            old.is_some_and(|old| old.text().is_some_and(|text| !text.is_empty()) && !old.typed());
        let edit = Edit {
            document: None,
            operation: Operation::Set {
                value: value(&entry.value, was_string)
                    .map_err(|fault| fault.at(file.as_str(), old.map_or(0, Node::line), 0))
                    .with_context(|| format!("cannot set `{path}`"))?,
            },
            path,
            if_missing: request.if_missing,
            allow_shared: request.allow_shared,
        };
        skipped.extend(skips(draft, file, &edit));
        draft.edit(file, [edit]);
    }
    Ok(skipped)
}

/// Returns what is said of a value that is not set because its path does not exist. A path that is to be removed
/// and does not exist is as asked.
fn skips(draft: &Draft, file: &RepoPath, edit: &Edit) -> Option<String> {
    if edit.if_missing != IfMissing::Skip || edit.operation == Operation::Unset {
        return None;
    }
    let error = draft.yaml(file).find(edit.document.as_ref(), &edit.path).err()?;
    (error.kind == ErrorKind::Missing).then(|| fault_in(file.as_str(), error).to_string())
}

/// A value of the list. A number keeps its spelling or is refused, and never takes the place of a string: short
/// commits (`6801028`, `7e5`) and versions (`1.20`) read as numbers where the quotes were forgotten.
fn value(scalar: &Scalar, was_string: bool) -> Result<Value, Fault> {
    let quoted = "put it in quotes to set a string";
    Ok(match scalar {
        Scalar::Text(text) => Value::String(text.clone()),
        Scalar::Number(spelt) => {
            let shown = spelt.escape_debug();
            let number: Option<serde_json::Value> = serde_json::from_str(spelt).ok();
            let number = number.filter(|number| number.to_string().as_str() == spelt);
            let number = number.ok_or_else(|| {
                Fault::invalid(format!("the number `{shown}` would not keep its spelling")).hint(quoted)
            })?;
            if was_string {
                return Err(
                    Fault::invalid(format!("the number `{shown}` would take the place of a string"))
                        .hint(quoted),
                );
            }
            Value::Json(number)
        }
        Scalar::Bool(word) => Value::Json((*word).into()),
        Scalar::Null => Value::Json(serde_json::Value::Null),
    })
}

fn find_image(
    draft: &Draft,
    named: &[Named],
    opened: &[RepoPath],
    (asked, image): (&Files, &ImageName),
    if_missing: IfMissing,
) -> Result<Vec<(RepoPath, Place)>, Fault> {
    let mut found = Vec::new();
    for (named, path) in named.iter().zip(opened) {
        let kind = kind::of_file(path);
        let document = draft.position(path, asked.document.as_ref())?;
        let places = places::find_image(draft.yaml(path), kind, document, image);
        if places.is_empty() && named.exact && if_missing != IfMissing::Skip {
            return Err(no_image(draft, std::slice::from_ref(path), image));
        }
        found.extend(places.into_iter().map(|place| (path.clone(), place)));
    }
    places::images_before_charts(&mut found, |(_, place)| place);
    if found.is_empty() && if_missing != IfMissing::Skip {
        return Err(no_image(draft, opened, image));
    }
    Ok(found)
}

/// The error for an image that is nowhere, with those that are there instead.
pub fn no_image(draft: &Draft, files: &[RepoPath], image: &ImageName) -> Fault {
    let mut known = Vec::new();
    for path in files {
        for place in places::all_images(draft.yaml(path), kind::of_file(path)) {
            if let Some(name) = &place.written.name {
                known.push(format!("{name} ({path}:{})", place.line));
            }
        }
    }
    let whose = match files {
        [file] => format!("in `{file}`"),
        _ => format!("in any of the {} files", files.len()),
    };
    let fault = Fault::not_found(format!("the image `{image}` is not referenced {whose}"));
    if known.is_empty() {
        return fault.hint("use --set PATH=VALUE to set a value that is no image");
    }
    let more = known.len().saturating_sub(8);
    known.truncate(8);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    fault.hint(format!("it references {}{more}", known.join(", ")))
}

fn several(image: &ImageName, found: &[(RepoPath, Place)]) -> Fault {
    Fault::new(
        Kind::NotFound,
        format!(
            "the image `{image}` is referenced in {} places: {}",
            found.len(),
            list(found)
        ),
    )
    .hint("give --all to change every one, or --set with the path of one")
}

/// Lists places with their file, line and path.
pub fn list(found: &[(RepoPath, Place)]) -> String {
    let shown: Vec<String> = found
        .iter()
        .take(20)
        .map(|(path, place)| format!("{path}:{} ({})", place.line, places::shown(place.path.as_ref())))
        .collect();
    let more = found.len().saturating_sub(shown.len());
    if more > 0 {
        format!("{} and {more} more", shown.join(", "))
    } else {
        shown.join(", ")
    }
}

/// What a place shall become when only its image's tag and digest are known.
pub fn want_of(request: &Request, image: &WantedImage, name: Option<ImageName>) -> Want {
    Want {
        name,
        tag: image.tag.clone(),
        digest: image.digest.clone(),
        drop_digest: request.drop_digest,
        drop_tag: request.drop_tag,
    }
}
