//! The `images` transformer of a kustomization.
//!
//! Rules: <https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/images/>.

use super::{Found, Parts, Place, Shape, Written, child, split_tag, text_of};
use crate::yaml::{Node, NodeKind};

/// Adds the entries of `images`.
pub(super) fn collect(document: Node<'_>, found: &mut Vec<Found>) {
    let Some(images) = document
        .get("images")
        .filter(|images| images.kind() == NodeKind::Sequence)
    else {
        return;
    };
    for map in images.items().filter(|item| item.kind() == NodeKind::Mapping) {
        let aliases = text_of(map, "name").into_iter().collect();
        found.push(Found {
            place: entry(map),
            aliases,
        });
    }
}

/// Reads one entry `{name, newName?, newTag?, digest?}`.
pub(super) fn entry(map: Node<'_>) -> Place {
    let path = map.path();
    let name = text_of(map, "newName").or_else(|| text_of(map, "name"));
    let (tag, pinned) = split_tag(text_of(map, "newTag"));
    Place {
        document: map.document(),
        line: map.line(),
        shape: Shape::Parts(Parts {
            registry: None,
            name: Some(child(path.as_ref(), "newName")),
            tag: child(path.as_ref(), "newTag"),
            digest: pinned.is_none().then(|| child(path.as_ref(), "digest")),
            alternatives: true,
        }),
        written: Written {
            name: name.and_then(|name| name.parse().ok()),
            tag,
            digest: pinned.or_else(|| text_of(map, "digest")),
        },
        chart: false,
        path,
    }
}
