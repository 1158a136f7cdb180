//! Images in the sources of an Argo CD `Application` or `ApplicationSet`.
//!
//! Fields: <https://argo-cd.readthedocs.io/en/stable/operator-manual/application.yaml>.

use super::{
    Found, Parts, Place, Shape, Written, below, chart, helm, present, reference, split_tag, text_of,
};
use crate::yaml::{Node, NodeKind, Path, Segment};

/// Adds the images of every source.
pub(super) fn collect(document: Node<'_>, found: &mut Vec<Found>) {
    let Some(spec) = document.get("spec") else { return };
    let template = spec.get("template").and_then(|template| template.get("spec"));
    for spec in [Some(spec), template].into_iter().flatten() {
        if let Some(source) = spec.get("source") {
            collect_source(source, found);
        }
        let sources = spec
            .get("sources")
            .filter(|sources| sources.kind() == NodeKind::Sequence);
        for source in sources.into_iter().flat_map(Node::items) {
            collect_source(source, found);
        }
    }
}

fn collect_source(source: Node<'_>, found: &mut Vec<Found>) {
    if let (Some(chart), Some(revision)) = (text_of(source, "chart"), source.get("targetRevision")) {
        let aliases = chart::names(&chart, text_of(source, "repoURL"));
        found.push(Found {
            place: chart::version_at(revision),
            aliases,
        });
    }
    if let Some(helm) = source.get("helm") {
        if let Some(parameters) = helm.get("parameters") {
            collect_parameters(parameters, found);
        }
        if let Some(object) = helm.get("valuesObject") {
            helm::collect(object, found);
        }
        if let Some(values) = helm.get("values") {
            collect_embedded(values, found);
        }
    }
    let images = source
        .get("kustomize")
        .and_then(|kustomize| kustomize.get("images"));
    for image in images.into_iter().flat_map(Node::items) {
        let Some((lead, written)) = image.text().and_then(reference::read) else {
            continue;
        };
        let aliases = lead.strip_suffix('=').map(str::to_owned).into_iter().collect();
        let place = Place {
            document: image.document(),
            path: image.path(),
            line: image.line(),
            shape: Shape::Reference { lead },
            written,
            chart: false,
        };
        found.push(Found { place, aliases });
    }
}

/// Adds the images of the values that a block scalar holds, by paths that go on through it.
fn collect_embedded(values: Node<'_>, found: &mut Vec<Found>) {
    let Some(inner) = values.embedded() else { return };
    inner
        .documents()
        .for_each(|document| helm::collect(document, found));
}

/// Adds the images that `helm.parameters` spell, one parameter a part (`image.repository`, `image.tag`) or
/// one for the whole reference (`image`).
fn collect_parameters(parameters: Node<'_>, found: &mut Vec<Found>) {
    if parameters.kind() != NodeKind::Sequence {
        return;
    }
    let list: Vec<(String, Node<'_>)> = parameters
        .items()
        .filter_map(|parameter| Some((text_of(parameter, "name")?, parameter)))
        .collect();
    let value = |name: String| {
        list.iter()
            .find(|(known, _)| *known == name)
            .and_then(|(_, p)| text_of(*p, "value"))
    };
    for (name, parameter) in &list {
        if let Some(prefix) = name.strip_suffix("repository") {
            found.push(Found::new(parts(parameters, *parameter, prefix, &value)));
        } else if let Some((lead, written)) =
            text_of(*parameter, "value").as_deref().and_then(reference::read)
            && lead.is_empty()
            && (written.tag.is_some() || written.digest.is_some() || name.ends_with("image"))
        {
            found.push(Found::new(Place {
                document: parameter.document(),
                path: Some(parameter_path(parameters, name)),
                line: parameter.line(),
                shape: Shape::Reference { lead },
                written,
                chart: false,
            }));
        }
    }
}

fn parts(
    list: Node<'_>,
    parameter: Node<'_>,
    prefix: &str,
    value: &impl Fn(String) -> Option<String>,
) -> Place {
    let path = |part: &str| parameter_path(list, &format!("{prefix}{part}"));
    let read = |part: &str| value(format!("{prefix}{part}")).as_deref().and_then(present);
    let name = match (read("registry"), read("repository")) {
        (Some(registry), Some(repository)) => Some(format!("{registry}/{repository}")),
        (_, repository) => repository,
    };
    let (tag, pinned) = split_tag(read("tag"));
    Place {
        document: parameter.document(),
        line: parameter.line(),
        path: list.path(),
        shape: Shape::Parts(Parts {
            registry: value(format!("{prefix}registry")).map(|_| path("registry")),
            name: Some(path("repository")),
            tag: path("tag"),
            digest: pinned.is_none().then(|| path("digest")),
            alternatives: false,
        }),
        written: Written {
            name: name.and_then(|name| name.parse().ok()),
            tag,
            digest: pinned.or_else(|| read("digest")),
        },
        chart: false,
    }
}

fn parameter_path(list: Node<'_>, name: &str) -> Path {
    let entry = Segment::Filter {
        key: "name".to_owned(),
        value: name.to_owned(),
    };
    below(list.path().as_ref(), [entry, Segment::Key("value".to_owned())])
}
