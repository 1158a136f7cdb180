//! Images in Helm values: maps at any depth, and `name:tag` scalars.

use super::{Found, Parts, Place, Shape, Written, child, last_key, reference, text_of};
use crate::yaml::{Node, NodeKind};

/// Adds the images at or below a node.
pub(super) fn collect(node: Node<'_>, found: &mut Vec<Found>) {
    match node.kind() {
        NodeKind::Mapping => {
            let map = image_map(node);
            let owned = map.as_ref().and_then(|place| name_key(place).map(str::to_owned));
            found.extend(map.map(Found::new));
            for (key, value) in node.entries() {
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

/// Reads a map `{registry?, repository|name, tag, digest?}`, or `image` and `tag` side by side.
pub(super) fn image_map(map: Node<'_>) -> Option<Place> {
    let has = |key| map.get(key).is_some();
    let name_key = if has("repository") {
        "repository"
    } else if has("name") && has("tag") {
        "name"
    } else if has("tag") && map.get("image").is_some_and(|image| image.text().is_some()) {
        "image"
    } else if has("tag") {
        ""
    } else {
        return None;
    };
    let repository = text_of(map, name_key);
    let registry = text_of(map, "registry");
    let full = match (&registry, &repository) {
        (Some(registry), Some(repository)) => Some(format!("{registry}/{repository}")),
        (None, repository) => repository.clone(),
        (Some(_), None) => None,
    };
    let path = map.path();
    Some(Place {
        document: map.document(),
        line: map.line(),
        shape: Shape::Parts(Parts {
            registry: has("registry").then(|| child(path.as_ref(), "registry")),
            name: (!name_key.is_empty()).then(|| child(path.as_ref(), name_key)),
            tag: child(path.as_ref(), "tag"),
            digest: child(path.as_ref(), "digest"),
            alternatives: false,
        }),
        written: Written {
            name: full.and_then(|name| name.parse().ok()),
            tag: text_of(map, "tag"),
            digest: text_of(map, "digest"),
        },
        path,
    })
}

/// Reads a scalar `name:tag`; a bare name counts only under the key `image`.
fn image_scalar(node: Node<'_>) -> Option<Place> {
    let (lead, written) = reference::read(node.text()?)?;
    let path = node.path();
    let bare = written.tag.is_none() && written.digest.is_none();
    if !lead.is_empty() || (bare && path.as_ref().and_then(last_key) != Some("image")) {
        return None;
    }
    Some(Place {
        document: node.document(),
        line: node.line(),
        path,
        shape: Shape::Reference { lead },
        written,
    })
}

fn name_key(place: &Place) -> Option<&str> {
    match &place.shape {
        Shape::Parts(parts) => parts.name.as_ref().and_then(last_key),
        Shape::Reference { .. } | Shape::Version => None,
    }
}
