//! Which kind of file a file is, where the policy does not say it.

use crate::words::policy::Kind;
use crate::words::repo_path::RepoPath;
use crate::yaml::Node;

/// Recognises a file by its name, where the name says it; each document tells for itself otherwise.
pub fn of_file(path: &RepoPath) -> Option<Kind> {
    match path.file_name() {
        "Chart.yaml" => Some(Kind::Chart),
        "kustomization.yaml" | "kustomization.yml" | "Kustomization" => Some(Kind::Kustomize),
        _ => None,
    }
}

/// Recognises one document by its `apiVersion` and `kind`; what has not both is Helm values.
pub(super) fn of_document(document: Node<'_>) -> Kind {
    let text = |key| document.get(key).and_then(Node::text).unwrap_or_default();
    let (version, kind) = (text("apiVersion"), text("kind"));
    match kind {
        "Application" | "ApplicationSet" if version.starts_with("argoproj.io/") => Kind::Application,
        "Kustomization" | "Component"
            if version.is_empty() || version.starts_with("kustomize.config.k8s.io/") =>
        {
            Kind::Kustomize
        }
        "" => Kind::Helm,
        _ if version.is_empty() => Kind::Helm,
        _ => Kind::Manifest,
    }
}
