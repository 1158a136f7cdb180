//! Kustomizations that lie over manifests and over one another.
//!
//! An entry of `images` meets an image by the name that it has by then: below another kustomization, that one's `newName`.
//! Source: <https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/>.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::patch::{self, Workload};
use super::{Shadow, Spot, folder_of, joined};
use crate::steps::reading::Reader;
use crate::words::image::ImageRef;
use crate::words::repo_path::RepoPath;
use crate::yaml::{self, Document, Node, NodeKind, Path, Segment};

/// The keys of a kustomization under which it names what lies below it.
const BELOW: [&str; 3] = ["resources", "bases", "components"];

/// One of them.
pub(super) struct Kustomization {
    pub file: RepoPath,
    pub yaml: Rc<yaml::File>,
}

/// All of a repository, and what lies below which.
pub(super) struct Kustomizations {
    all: Vec<Kustomization>,
    /// A file or folder, and the numbers of the kustomizations that name it.
    above: HashMap<String, Vec<usize>>,
}

/// The folder of a kustomization that an image goes through, and its name there.
type Passed = (String, String);

/// What a kustomization may change.
pub(super) struct Subject {
    /// The image's name.
    name: String,
    /// Where it stands: a manifest, or the folder of a kustomization.
    start: String,
    /// The workload's container, for patches; a kustomization's entry has none.
    workload: Option<Workload>,
}

impl Subject {
    /// Reads what a value is to Kustomize; `None` where it is nothing to it.
    pub(super) fn of(spot: &Spot) -> Option<Self> {
        let segments = spot.path.segments();
        let (Segment::Key(last), above) = segments.split_last()? else {
            return None;
        };
        let document = Document::Index(spot.document);
        let node = |path: &[Segment]| {
            let path = Path::from_segments(path.to_vec())?;
            spot.yaml.find(Some(&document), &path).ok()
        };
        let text = |map: Node<'_>, key: &str| map.get(key).and_then(Node::text).map(str::to_owned);
        if super::is_kustomization(&spot.file) {
            let entry = node(above)
                .filter(|_| matches!(above.first(), Some(Segment::Key(key)) if key == "images"))?;
            return Some(Self {
                name: text(entry, "newName").or_else(|| text(entry, "name"))?,
                start: folder_of(spot.file.as_str()).to_owned(),
                workload: None,
            });
        }
        let root = spot.yaml.documents().nth(spot.document)?;
        let is_manifest = root.get("apiVersion").is_some() && root.get("kind").is_some();
        if !is_manifest || last != "image" {
            return None;
        }
        let name = node(segments)?.text()?.parse::<ImageRef>().ok()?.name.to_string();
        Some(Self {
            name,
            start: spot.file.to_string(),
            workload: Workload::of(root, node(above)?, above),
        })
    }
}

impl Kustomizations {
    /// Reads them.
    pub(super) fn of(files: &[&RepoPath], reader: &Reader<'_>) -> anyhow::Result<Self> {
        let (mut all, mut above) = (Vec::new(), HashMap::<String, Vec<usize>>::new());
        for file in files {
            let Some(yaml) = reader.yaml(file)? else { continue };
            let folder = folder_of(file.as_str());
            for root in yaml.documents() {
                let named = BELOW.iter().filter_map(|key| root.get(key)).flat_map(Node::items);
                for path in named.filter_map(|item| joined(folder, item.text()?)) {
                    above.entry(path).or_default().push(all.len());
                }
            }
            all.push(Kustomization {
                file: (*file).clone(),
                yaml,
            });
        }
        Ok(Self { all, above })
    }

    /// Returns what lies over a value, and the folders of the kustomizations that it goes through, each with the name
    /// that the image has there.
    pub(super) fn over(
        &self,
        spot: &Spot,
        subject: Subject,
        reader: &Reader<'_>,
    ) -> anyhow::Result<(Vec<Shadow>, Vec<Passed>)> {
        let (mut found, mut folders) = (Vec::new(), Vec::new());
        if subject.workload.is_none() {
            folders.push((subject.start.clone(), subject.name.clone()));
        }
        let mut ahead = vec![(subject.start, subject.name)];
        let mut met: HashSet<usize> = HashSet::new();
        while let Some((below, name)) = ahead.pop() {
            for &number in self.above.get(&below).into_iter().flatten() {
                let one = &self.all[number];
                // A kustomization that is an entry's own file lies over nothing of itself.
                if one.file == spot.file || !met.insert(number) {
                    continue;
                }
                if let Some(workload) = &subject.workload {
                    found.extend(patch::over(one, workload, reader)?);
                }
                let (shadow, name) = one.images_over(&name);
                found.extend(shadow);
                let folder = folder_of(one.file.as_str()).to_owned();
                folders.push((folder.clone(), name.clone()));
                ahead.push((folder, name));
            }
        }
        Ok((found, folders))
    }
}

impl Kustomization {
    /// Returns the entry of `images` that sets the image's version, and the name that the image has afterwards.
    fn images_over(&self, name: &str) -> (Option<Shadow>, String) {
        let lists = self.yaml.documents().filter_map(|root| root.get("images"));
        let entries = lists.flat_map(Node::items);
        let text = |map: Node<'_>, key: &str| map.get(key).and_then(Node::text).map(str::to_owned);
        let mut entries = entries.filter(|entry| text(*entry, "name").as_deref() == Some(name));
        let Some(entry) = entries.next() else {
            return (None, name.to_owned());
        };
        let renamed = text(entry, "newName").unwrap_or_else(|| name.to_owned());
        let set = ["newTag", "digest"]
            .iter()
            .filter_map(|key| entry.get(key))
            .find(|node| node.kind() == NodeKind::Scalar && !node.is_null());
        let shadow = set.map(|node| Shadow {
            file: self.file.clone(),
            line: node.line(),
            column: node.column(),
            what: format!("`images` pins `{}` here", name.escape_debug()),
        });
        (shadow, renamed)
    }
}
