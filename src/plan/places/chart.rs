//! The versions in a `Chart.yaml`.
//!
//! Fields: <https://helm.sh/docs/topics/charts/#the-chartyaml-file>.

use super::{Found, Place, Shape, Written, text_of};
use crate::yaml::{Node, NodeKind};

/// Adds `appVersion`, which answers to the chart's own name, and the version of each dependency, which
/// answers to that dependency's name, alone or behind its repository.
pub(super) fn collect(document: Node<'_>, found: &mut Vec<Found>) {
    if let (Some(name), Some(version)) = (text_of(document, "name"), document.get("appVersion")) {
        found.push(Found {
            place: version_at(version),
            aliases: vec![name],
        });
    }
    let dependencies = document
        .get("dependencies")
        .filter(|list| list.kind() == NodeKind::Sequence);
    for dependency in dependencies.into_iter().flat_map(Node::items) {
        let (Some(name), Some(version)) = (text_of(dependency, "name"), dependency.get("version")) else {
            continue;
        };
        let aliases = names(&name, text_of(dependency, "repository"));
        found.push(Found {
            place: version_at(version),
            aliases,
        });
    }
}

/// Reads a scalar that holds nothing but a version.
pub(super) fn version_at(node: Node<'_>) -> Place {
    Place {
        document: node.document(),
        path: node.path(),
        line: node.line(),
        shape: Shape::Version,
        written: Written {
            tag: node.text().and_then(super::present),
            ..Written::default()
        },
        chart: false,
    }
}

/// Returns what a chart of a repository answers to.
pub(super) fn names(chart: &str, repository: Option<String>) -> Vec<String> {
    let mut names = vec![chart.to_owned()];
    if let Some(repository) = repository {
        let host = repository
            .split_once("://")
            .map_or(repository.as_str(), |(_, rest)| rest);
        names.push(format!("{}/{chart}", host.trim_end_matches('/')));
    }
    names
}
