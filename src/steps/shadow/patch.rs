//! Patches of a kustomization that set the image of a container: strategic merges and JSON patches, in files and inline.
//!
//! Source: <https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/patches/>.

use std::rc::Rc;

use regex::Regex;

use super::kustomize::Kustomization;
use super::{Shadow, folder_of, joined};
use crate::steps::reading::Reader;
use crate::words::repo_path::RepoPath;
use crate::yaml::{self, Node, NodeKind, Segment};

/// A container of a workload.
pub(super) struct Workload {
    kind: String,
    name: String,
    /// The list that the container is in, such as `containers`.
    list: String,
    index: Option<usize>,
    container: Option<String>,
}

/// The text of a patch, and where it stands.
struct Patch {
    file: RepoPath,
    yaml: Rc<yaml::File>,
    /// How many lines stand before it in its file.
    before: usize,
}

impl Workload {
    /// Reads the container that the steps `above` lead to.
    pub(super) fn of(root: Node<'_>, container: Node<'_>, above: &[Segment]) -> Option<Self> {
        let [.., Segment::Key(within), item] = above else {
            return None;
        };
        let name = root.get("metadata").and_then(|metadata| metadata.get("name"));
        Some(Self {
            kind: root.get("kind")?.text()?.to_owned(),
            name: name.and_then(Node::text).unwrap_or_default().to_owned(),
            list: within.clone(),
            index: match item {
                Segment::Index(index) => Some(*index),
                Segment::Key(_) | Segment::Filter { .. } => None,
            },
            container: container.get("name").and_then(Node::text).map(str::to_owned),
        })
    }
}

/// Returns the patches that set the container's image.
pub(super) fn over(
    kustomization: &Kustomization,
    workload: &Workload,
    reader: &Reader<'_>,
) -> anyhow::Result<Vec<Shadow>> {
    let mut found = Vec::new();
    for root in kustomization.yaml.documents() {
        for key in ["patches", "patchesJson6902", "patchesStrategicMerge"] {
            for item in root.get(key).into_iter().flat_map(Node::items) {
                let target = item.get("target");
                if target.is_some_and(|target| !selects(target, workload)) {
                    continue;
                }
                if let Some(patch) = read(item, kustomization, reader)? {
                    found.extend(patch.sets(workload, target.is_some()));
                }
            }
        }
    }
    Ok(found)
}

/// Reads an entry: `path`, `patch`, or a scalar that is one of the two.
fn read(item: Node<'_>, kustomization: &Kustomization, reader: &Reader<'_>) -> anyhow::Result<Option<Patch>> {
    let scalar = (item.kind() == NodeKind::Scalar).then_some(item);
    let is_inline = |node: &Node<'_>| node.text().is_some_and(|text| text.contains('\n'));
    let inline = item.get("patch").or(scalar.filter(is_inline));
    if let Some(inline) = inline {
        let parsed = yaml::File::parse(inline.text().unwrap_or_default().as_bytes()).ok();
        return Ok(parsed.map(|yaml| Patch {
            file: kustomization.file.clone(),
            yaml: Rc::new(yaml),
            before: inline.line(),
        }));
    }
    let path = item.get("path").or(scalar).and_then(Node::text);
    let path = path.and_then(|path| joined(folder_of(kustomization.file.as_str()), path));
    let Some(file) = path.and_then(|path| RepoPath::parse(&path).ok()) else {
        return Ok(None);
    };
    Ok(reader.yaml(&file)?.map(|yaml| Patch {
        file,
        yaml,
        before: 0,
    }))
}

/// Tells whether a patch's `target` is the workload; its fields are regular expressions that fit as a whole.
fn selects(target: Node<'_>, workload: &Workload) -> bool {
    let fits = |key: &str, value: &str| {
        let pattern = target
            .get(key)
            .and_then(Node::text)
            .filter(|text| !text.is_empty());
        pattern.is_none_or(|pattern| match Regex::new(&format!("^(?:{pattern})$")) {
            Ok(pattern) => pattern.is_match(value),
            Err(_) => pattern == value,
        })
    };
    fits("kind", &workload.kind) && fits("name", &workload.name)
}

impl Patch {
    /// Returns what sets the container's image.
    fn sets(&self, workload: &Workload, targeted: bool) -> Vec<Shadow> {
        let mut found = Vec::new();
        for root in self.yaml.documents() {
            let node = match root.kind() {
                NodeKind::Sequence if targeted => operation(root, workload),
                NodeKind::Mapping if targeted || is_of(root, workload) => merged(root, workload),
                _ => None,
            };
            found.extend(node.map(|node| Shadow {
                file: self.file.clone(),
                line: node.line() + self.before,
                column: if self.before > 0 { 0 } else { node.column() },
                what: "a patch sets the image here".to_owned(),
            }));
        }
        found
    }
}

fn is_of(root: Node<'_>, workload: &Workload) -> bool {
    let name = root.get("metadata").and_then(|metadata| metadata.get("name"));
    root.get("kind").and_then(Node::text) == Some(&workload.kind)
        && name.and_then(Node::text) == Some(&workload.name)
}

/// Finds the operation of a JSON patch that sets the image.
fn operation<'f>(list: Node<'f>, workload: &Workload) -> Option<Node<'f>> {
    list.items().find_map(|item| {
        let text = |key: &str| item.get(key).and_then(Node::text);
        let sets = matches!(text("op"), Some("replace" | "add"));
        let path = text("path")?;
        let rest = path.rsplit_once(&format!("/{}/", workload.list))?.1;
        let (index, image) = rest.split_once('/')?;
        let fits = workload.index.is_none_or(|own| index.parse() == Ok(own));
        (sets && image == "image" && fits).then(|| item.get("value"))?
    })
}

/// Finds the image in a strategic merge: in the container of the same name, at any depth.
fn merged<'f>(node: Node<'f>, workload: &Workload) -> Option<Node<'f>> {
    match node.kind() {
        NodeKind::Mapping => node.entries().find_map(|(key, value)| {
            if key.text() == Some(&workload.list) && value.kind() == NodeKind::Sequence {
                let same =
                    |item: &Node<'_>| item.get("name").and_then(Node::text) == workload.container.as_deref();
                return value.items().filter(same).find_map(|item| item.get("image"));
            }
            merged(value, workload)
        }),
        NodeKind::Sequence => node.items().find_map(|item| merged(item, workload)),
        NodeKind::Scalar | NodeKind::Alias => None,
    }
}
