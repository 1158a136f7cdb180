//! Which kind of file a file is.

use crate::words::repo_path::RepoPath;
use crate::yaml::Node;

/// The kinds of file whose images can be found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FileKind {
    /// Recognise it, each document by itself.
    #[default]
    Auto,
    /// Helm values.
    Helm,
    /// A kustomization.
    Kustomize,
    /// Kubernetes manifests with pod specs.
    Manifest,
    /// An Argo CD Application or `ApplicationSet`.
    Application,
    /// A `Chart.yaml`.
    Chart,
    /// No images: only the value at a given path.
    Path,
}

impl FileKind {
    /// Recognises a file by its name, where the name says it.
    #[must_use]
    pub fn of_name(self, path: &RepoPath) -> Self {
        match path.file_name() {
            _ if self != Self::Auto => self,
            "Chart.yaml" => Self::Chart,
            "kustomization.yaml" | "kustomization.yml" | "Kustomization" => Self::Kustomize,
            _ => Self::Auto,
        }
    }

    /// Recognises one document by its `apiVersion` and `kind`; what has neither is Helm values.
    #[must_use]
    pub fn of_document(self, document: Node<'_>) -> Self {
        if self != Self::Auto {
            return self;
        }
        let text = |key| document.get(key).and_then(Node::text).unwrap_or_default();
        let (version, kind) = (text("apiVersion"), text("kind"));
        match kind {
            "Application" | "ApplicationSet" if version.starts_with("argoproj.io/") => Self::Application,
            "Kustomization" | "Component"
                if version.is_empty() || version.starts_with("kustomize.config.k8s.io/") =>
            {
                Self::Kustomize
            }
            "" => Self::Helm,
            _ if version.is_empty() => Self::Helm,
            _ => Self::Manifest,
        }
    }
}
