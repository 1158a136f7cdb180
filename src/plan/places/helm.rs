//! Images in Helm values: maps at any depth, and `name:tag` scalars.

use super::{Found, Parts, Place, Shape, Written, child, last_key, reference, split_tag, text_of};
use crate::yaml::{Node, NodeKind, Segment};

/// Adds the images at or below a node.
pub(super) fn collect(node: Node<'_>, found: &mut Vec<Found>) {
    match node.kind() {
        NodeKind::Mapping => {
            let map = image_map(node);
            let owned = map.as_ref().and_then(|place| name_key(place).map(str::to_owned));
            found.extend(map.map(Found::new));
            for (key, value) in node.named_entries() {
                if owned.is_none() || key.text() != owned.as_deref() {
                    collect(value, found);
                }
            }
        }
        NodeKind::Sequence => node.items().for_each(|item| collect(item, found)),
        NodeKind::Scalar => found.extend(image_scalar(node).map(Found::new)),
        NodeKind::Alias => {}
    }
}

/// Reads a map `{registry?, repository|name, tag, digest?}`, or `image` and `tag` side by side, also as
/// `imageRepository` and `imageTag`.
pub(super) fn image_map(map: Node<'_>) -> Option<Place> {
    let has = |key| map.get(key).is_some();
    let is_scalar = |key| map.get(key).is_some_and(|node| node.text().is_some());
    let tag_key = if has("imageTag") { "imageTag" } else { "tag" };
    let name_key = match () {
        () if has("repository") => "repository",
        () if has("imageRepository") => "imageRepository",
        () if !has(tag_key) => return None,
        () if is_scalar("image") => "image",
        () if tag_key == "tag" && has("name") => "name",
        () => "",
    };
    let digest_key = if has("sha") && !has("digest") {
        "sha"
    } else {
        "digest"
    };
    let repository = text_of(map, name_key);
    let registry = text_of(map, "registry");
    let full = match (&registry, &repository) {
        (Some(registry), Some(repository)) => {
            Some(format!("{}/{repository}", registry.trim_end_matches('/')))
        }
        (None, repository) => repository.clone(),
        (Some(_), None) => None,
    };
    let path = map.path();
    let (tag, pinned) = split_tag(text_of(map, tag_key));
    Some(Place {
        document: map.document(),
        line: map.line(),
        shape: Shape::Parts(Parts {
            registry: has("registry").then(|| child(path.as_ref(), "registry")),
            name: (!name_key.is_empty()).then(|| child(path.as_ref(), name_key)),
            tag: child(path.as_ref(), tag_key),
            digest: pinned.is_none().then(|| child(path.as_ref(), digest_key)),
            alternatives: false,
        }),
        written: Written {
            name: full.and_then(|name| name.parse().ok()),
            tag,
            digest: pinned.or_else(|| text_of(map, digest_key)).map(with_algorithm),
        },
        path,
        chart: false,
    })
}

/// A digest as it is compared: `sha` keys of charts leave the algorithm out.
fn with_algorithm(digest: String) -> String {
    if digest.contains(':') {
        digest
    } else {
        format!("sha256:{digest}")
    }
}

/// Reads a scalar `name:tag`. Under a key that speaks of an image a bare name counts too; elsewhere a tag of
/// digits does not, since `redis:6379` is a host and its port.
fn image_scalar(node: Node<'_>) -> Option<Place> {
    let (lead, written) = reference::read(node.text()?)?;
    let path = node.path()?;
    let bare = written.tag.is_none() && written.digest.is_none();
    let speaks_of_images = path.segments().iter().any(|segment| match segment {
        Segment::Key(key) => key.to_ascii_lowercase().contains("image"),
        Segment::Index(_) | Segment::Filter { .. } => false,
    });
    let port = written.digest.is_none()
        && written
            .tag
            .as_ref()
            .is_some_and(|tag| tag.bytes().all(|byte| byte.is_ascii_digit()));
    if !lead.is_empty() || (bare && last_key(&path) != Some("image")) || (port && !speaks_of_images) {
        return None;
    }
    Some(Place {
        document: node.document(),
        line: node.line(),
        path: Some(path),
        shape: Shape::Reference { lead },
        written,
        chart: false,
    })
}

fn name_key(place: &Place) -> Option<&str> {
    match &place.shape {
        Shape::Parts(parts) => parts.name.as_ref().and_then(last_key),
        Shape::Reference { .. } | Shape::Version => None,
    }
}
