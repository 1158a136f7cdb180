//! The places that the policy file lists for an app in an environment.

use super::by_file::{list, no_image, want_of};
use super::draft::Draft;
use super::request::Request;
use super::way::WantedImage;
use crate::plan::places::{self, Place, kind};
use crate::plan::snapshot::Snapshot;
use crate::steps::{fault_in, parse_path};
use crate::words::fault::Fault;
use crate::words::image::ImageName;
use crate::words::policy::{FILE_NAME, Resolved, Target};
use crate::words::repo_path::RepoPath;
use crate::yaml::{self, Document};

/// Puts the edits of a policy's targets into a draft.
///
/// # Errors
/// `Refused` for an image or a source that the policy does not allow, `NotFound` for a target that is not
/// there, or not exactly once.
pub fn draft_policy(
    draft: &mut Draft,
    request: &Request,
    resolved: &Resolved,
    images: &[WantedImage],
    snapshot: &dyn Snapshot,
) -> anyhow::Result<()> {
    let mut wanted: Vec<(&Target, &WantedImage, Option<ImageName>)> = Vec::new();
    for image in images {
        let name = allowed(resolved, image)?;
        let before = wanted.len();
        for target in &resolved.targets {
            let theirs = target.image.as_ref().or(single(&resolved.images));
            let fits = match (&name, theirs) {
                (Some(name), Some(theirs)) => name.same_as(theirs),
                _ => true,
            };
            if fits {
                wanted.push((target, image, theirs.cloned()));
            }
        }
        if wanted.len() == before {
            let name = name.map(|name| name.to_string()).unwrap_or_default();
            return Err(
                Fault::not_found(format!("no target of the policy is for the image `{name}`"))
                    .hint(format!("add a target with `image: {name}` to {FILE_NAME}"))
                    .into(),
            );
        }
    }
    let paths: Vec<RepoPath> = wanted.iter().map(|(target, ..)| target.file.clone()).collect();
    let opened = draft.open(snapshot, &paths)?;
    for ((target, image, name), path) in wanted.into_iter().zip(&opened) {
        let place = place_of(draft, path, target, name.as_ref())?;
        let want = want_of(request, image, name);
        draft.bring(path, &place, &want, request.allow_shared)?;
    }
    Ok(())
}

/// Checks an image against the policy and returns the policy's own spelling of its name.
fn allowed(resolved: &Resolved, image: &WantedImage) -> Result<Option<ImageName>, Fault> {
    let Some(name) = &image.name else {
        return match resolved.images.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only.clone())),
            many => Err(
                Fault::invalid(format!("the app has {} images, and none was named", many.len()))
                    .hint(format!("say which with --image: {}", names(many))),
            ),
        };
    };
    if resolved.images.is_empty() {
        return Err(Fault::refused(format!(
            "the policy names no image for this app, so `{name}` is not allowed"
        ))
        .hint(format!(
            "bring only a tag, or add `image: {name}` to the app in {FILE_NAME}"
        )));
    }
    resolved
        .images
        .iter()
        .find(|known| known.same_as(name))
        .cloned()
        .map(Some)
        .ok_or_else(|| {
            Fault::refused(format!("the image `{name}` is not one of this app's"))
                .hint(format!("the policy allows {}", names(&resolved.images)))
        })
}

fn single(images: &[ImageName]) -> Option<&ImageName> {
    match images {
        [only] => Some(only),
        _ => None,
    }
}

fn names(images: &[ImageName]) -> String {
    images
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}

/// Finds the one place of a target in its file.
///
/// # Errors
/// `NotFound` where it is not there, or more than once.
pub fn place_of(
    draft: &Draft,
    path: &RepoPath,
    target: &Target,
    image: Option<&ImageName>,
) -> Result<Place, Fault> {
    let mut found = locate(draft.yaml(path), path, target, image)?;
    match (found.len(), image) {
        (1, _) => Ok(found.remove(0)),
        (0, Some(image)) => Err(no_image(draft, std::slice::from_ref(path), image)),
        (count, image) => {
            let found: Vec<_> = found.into_iter().map(|place| (path.clone(), place)).collect();
            Err(Fault::not_found(format!(
                "the image `{}` is referenced in {count} places: {}",
                image.map(ToString::to_string).unwrap_or_default(),
                list(&found)
            ))
            .hint(format!("say which with `path:` at the target in {FILE_NAME}")))
        }
    }
}

/// Finds every place that answers to a target in its file; exactly one is as it should be.
///
/// # Errors
/// `NotFound` for a path or a document that is not there, `Invalid` for a target that says neither where nor which image.
pub fn locate(
    yaml: &yaml::File,
    path: &RepoPath,
    target: &Target,
    image: Option<&ImageName>,
) -> Result<Vec<Place>, Fault> {
    let kind = target.kind.or_else(|| kind::of_file(path));
    let document = document(target.document.as_deref()).map_err(|error| fault_in(FILE_NAME, error))?;
    if let Some(at) = &target.path {
        let at = parse_path(at)?;
        let node = yaml
            .find(document.as_ref(), &at)
            .map_err(|error| fault_in(path.as_str(), error))?;
        return Ok(vec![places::at(yaml, node, kind, path.as_str())?]);
    }
    let Some(image) = image else {
        return Err(Fault::invalid(format!(
            "the policy says neither where in `{path}` nor which image"
        ))
        .hint(format!(
            "add `path:` to the target, or `image:` to the app, in {FILE_NAME}"
        )));
    };
    let document = document
        .map(|document| yaml.position(&document))
        .transpose()
        .map_err(|error| fault_in(path.as_str(), error))?;
    let mut found = places::find_image(yaml, kind, document, image);
    places::images_before_charts(&mut found, |place| place);
    Ok(found)
}

/// The document as the policy says it.
///
/// # Errors
/// What the engine says of a text that is neither an index nor `Kind/name`.
pub fn document(text: Option<&str>) -> Result<Option<Document>, yaml::Error> {
    text.map(Document::parse).transpose()
}
