//! Pod specs in workload manifests of any kind, and the values of a Flux `HelmRelease`.

use super::{Found, Place, Shape, helm, reference};
use crate::yaml::{Node, NodeKind};

const CONTAINER_LISTS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];

/// Adds the image of every container at or below a node; the kind of the workload does not matter.
pub(super) fn collect(node: Node<'_>, found: &mut Vec<Found>) {
    match node.kind() {
        NodeKind::Mapping => {
            if node.get("kind").and_then(Node::text) == Some("HelmRelease") {
                if let Some(values) = node.get("spec").and_then(|spec| spec.get("values")) {
                    helm::collect(values, found);
                }
                return;
            }
            for (key, value) in node.named_entries() {
                if key.text().is_some_and(|key| CONTAINER_LISTS.contains(&key)) {
                    containers(value, found);
                } else {
                    collect(value, found);
                }
            }
        }
        NodeKind::Sequence => node.items().for_each(|item| collect(item, found)),
        NodeKind::Scalar | NodeKind::Alias => {}
    }
}

fn containers(list: Node<'_>, found: &mut Vec<Found>) {
    if list.kind() != NodeKind::Sequence {
        return collect(list, found);
    }
    for container in list.items() {
        let Some(image) = container.get("image") else {
            continue;
        };
        let Some((lead, written)) = image.text().and_then(reference::read) else {
            continue;
        };
        if !lead.is_empty() {
            continue;
        }
        let path = image.path();
        found.push(Found::new(Place {
            document: image.document(),
            line: image.line(),
            path,
            shape: Shape::Reference { lead },
            written,
            chart: false,
        }));
    }
}
