//! The sources of Argo CD's Applications and `ApplicationSets`: what they set over files of the repository.
//!
//! What counts, from the least on: the chart's `values.yaml`, `valueFiles` in their order, `values` or `valuesObject`,
//! `parameters`. Source: <https://argo-cd.readthedocs.io/en/stable/user-guide/helm/>. Whether a source is of this very
//! repository is not known: one whose path and files are here is taken for it.

use std::collections::HashMap;
use std::rc::Rc;

use super::helm::{Bound, Pattern, parameter_name, set_over};
use super::{Shadow, Spot, joined};
use crate::steps::reading::Reader;
use crate::words::image::ImageRef;
use crate::words::repo_path::RepoPath;
use crate::yaml::{self, Document, Node, NodeKind, Path};

/// How many files a value file's name with holes may stand for.
const MOST_FILES: usize = 100;

/// How many elements of an `ApplicationSet` are looked at.
const MOST_ELEMENTS: usize = 1_000;

/// A key of a source that holds values.
enum Values {
    /// `valuesObject`, by its path.
    Object(Path),
    /// `values`: its text, and how many lines stand before it.
    Text(Rc<yaml::File>, usize),
}

/// A source of an Application.
struct Source {
    file: RepoPath,
    yaml: Rc<yaml::File>,
    document: usize,
    folder: Option<Pattern>,
    /// The files in the order in which they count, the chart's own first.
    files: Vec<Pattern>,
    values: Option<Values>,
    /// Name, line and column.
    parameters: Vec<(String, usize, usize)>,
    images: Vec<(String, usize, usize)>,
}

/// All of a repository.
pub(super) struct Sources {
    all: Vec<Source>,
    /// The sources that name a file, with its place among theirs; names with holes are tried one by one.
    by_file: HashMap<String, Vec<(usize, usize)>>,
    open: Vec<(usize, usize)>,
}

impl Sources {
    /// Reads them.
    pub(super) fn of(files: &[&RepoPath], reader: &Reader<'_>) -> anyhow::Result<Self> {
        let mut all = Vec::new();
        for file in files.iter().filter(|file| reader.knows(file)) {
            let Some(yaml) = reader.yaml(file)? else { continue };
            for root in yaml.documents() {
                let kind = root.get("kind").and_then(Node::text);
                if !matches!(kind, Some("Application" | "ApplicationSet")) {
                    continue;
                }
                let Some(spec) = root.get("spec") else { continue };
                let template = spec.get("template").and_then(|template| template.get("spec"));
                for known in elements(spec) {
                    let specs = [Some(spec), template].into_iter().flatten();
                    all.extend(specs.flat_map(|spec| sources_of(spec, file, &yaml, &known)));
                }
            }
        }
        let mut by_file: HashMap<String, Vec<(usize, usize)>> = HashMap::new();
        let mut open = Vec::new();
        for (number, source) in all.iter().enumerate() {
            for (at, file) in source.files.iter().enumerate() {
                match file.whole() {
                    Some(file) => by_file.entry(file.to_owned()).or_default().push((number, at)),
                    None => open.push((number, at)),
                }
            }
        }
        Ok(Self { all, by_file, open })
    }

    /// Returns the file of an Application that reads other values files of a chart, where none reads this one.
    pub(super) fn passing_over(&self, file: &str, chart: &str) -> Option<&RepoPath> {
        let is_open = |&(source, at): &(usize, usize)| self.all[source].files[at].matches(file).is_some();
        if self.by_file.contains_key(file) || self.open.iter().any(is_open) {
            return None;
        }
        let passes = |source: &&Source| {
            let folder = source.folder.as_ref().and_then(Pattern::whole);
            // The first one is the chart's own, which nobody has to name.
            folder == Some(chart) && source.files.len() > 1
        };
        self.all.iter().find(passes).map(|source| &source.file)
    }

    /// Returns what lies over a value of a values file.
    pub(super) fn values_over(&self, spot: &Spot, reader: &Reader<'_>) -> anyhow::Result<Vec<Shadow>> {
        let mut found = Vec::new();
        let file = spot.file.as_str();
        let named = self.by_file.get(file).into_iter().flatten();
        let named = named.map(|&(source, at)| (source, at, Bound::new()));
        let open = self.open.iter().filter_map(|&(source, at)| {
            let bound = self.all[source].files[at].matches(file)?;
            Some((source, at, bound))
        });
        for (source, at, bound) in named.chain(open).collect::<Vec<_>>() {
            let source = &self.all[source];
            for later in &source.files[at + 1..] {
                for file in later.files(&bound, reader.listing()).into_iter().take(MOST_FILES) {
                    if let Some(yaml) = reader.yaml(&file)?.filter(|_| file != spot.file) {
                        let root = yaml.documents().next();
                        let what = format!("a values file that comes later in {} sets it here", source.file);
                        found.extend(root.and_then(|root| shadow(spot, root, (&file, 0), what)));
                    }
                }
            }
            found.extend(source.own_values_over(spot));
        }
        Ok(found)
    }

    /// Returns what Applications set over an image of a name in a folder that Kustomize builds.
    pub(super) fn images_over(&self, folder: &str, name: &str) -> Vec<Shadow> {
        let here = |source: &&Source| {
            let own = source.folder.as_ref();
            !source.images.is_empty() && own.is_some_and(|own| own.matches(folder).is_some())
        };
        let sources = self.all.iter().filter(here);
        let shadow = |source: &Source| {
            let same = source.images.iter().filter(|(image, ..)| image == name);
            let shadow = |(_, line, column): &(String, usize, usize)| Shadow {
                file: source.file.clone(),
                line: *line,
                column: *column,
                what: format!("`kustomize.images` pins `{}` here", name.escape_debug()),
            };
            same.map(shadow).collect::<Vec<_>>()
        };
        sources.flat_map(shadow).collect()
    }
}

impl Source {
    /// What the source itself sets over a value of one of its files.
    fn own_values_over(&self, spot: &Spot) -> Vec<Shadow> {
        let mut found = Vec::new();
        match &self.values {
            Some(Values::Object(path)) => {
                let document = Document::Index(self.document);
                let root = self.yaml.find(Some(&document), path).ok();
                let what = "`helm.valuesObject` sets it here".to_owned();
                found.extend(root.and_then(|root| shadow(spot, root, (&self.file, 0), what)));
            }
            Some(Values::Text(yaml, before)) => {
                let root = yaml.documents().next();
                let what = "`helm.values` sets it here".to_owned();
                found.extend(root.and_then(|root| shadow(spot, root, (&self.file, *before), what)));
            }
            None => {}
        }
        let names: Vec<String> = [Some(&spot.path), spot.digest.as_ref()]
            .into_iter()
            .flatten()
            .map(|path| parameter_name(path.segments()))
            .collect();
        let set = self.parameters.iter().filter(|(name, ..)| names.contains(name));
        found.extend(set.map(|(name, line, column)| Shadow {
            file: self.file.clone(),
            line: *line,
            column: *column,
            what: format!("the parameter `{}` is set here", name.escape_debug()),
        }));
        found
    }
}

/// What sets a spot's value, or its digest, below a root of values.
fn shadow(spot: &Spot, root: Node<'_>, (file, before): (&RepoPath, usize), what: String) -> Option<Shadow> {
    let digest = spot
        .digest
        .as_ref()
        .and_then(|path| set_over(root, path.segments()));
    let digest = digest.filter(|node| !node.is_null() && node.text() != Some(""));
    let node = set_over(root, spot.path.segments()).or(digest)?;
    Some(Shadow {
        file: file.clone(),
        line: node.line() + before,
        column: if before > 0 { 0 } else { node.column() },
        what,
    })
}

/// What the holes of an `ApplicationSet` stand for, once for each element of its lists; once for nothing where it has none.
fn elements(spec: Node<'_>) -> Vec<Bound> {
    let generators = spec.get("generators").into_iter().flat_map(Node::items);
    let lists = generators.filter_map(|generator| generator.get("list")?.get("elements"));
    let element = |element: Node<'_>| -> Bound {
        let texts = element
            .entries()
            .filter_map(|(key, value)| Some((key.text()?, value.text()?)));
        texts
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .collect()
    };
    let found: Vec<Bound> = lists
        .flat_map(Node::items)
        .take(MOST_ELEMENTS)
        .map(element)
        .collect();
    if found.is_empty() {
        vec![Bound::new()]
    } else {
        found
    }
}

fn sources_of(spec: Node<'_>, file: &RepoPath, yaml: &Rc<yaml::File>, known: &Bound) -> Vec<Source> {
    let single = spec.get("source").into_iter();
    let several = spec.get("sources").into_iter().flat_map(Node::items);
    let nodes: Vec<Node<'_>> = single.chain(several).collect();
    nodes
        .iter()
        .map(|node| source_of(*node, file, yaml, known))
        .collect()
}

fn source_of(node: Node<'_>, file: &RepoPath, yaml: &Rc<yaml::File>, known: &Bound) -> Source {
    let filled = |text: &str| Pattern::fill(text, known);
    let folder = node.get("path").and_then(Node::text);
    let folder = folder.and_then(|path| joined("", &filled(path)));
    let helm = node.get("helm");
    let mut files: Vec<String> = folder.iter().map(|folder| below(folder, "values.yaml")).collect();
    let listed = helm.and_then(|helm| helm.get("valueFiles"));
    for text in listed.into_iter().flat_map(Node::items).filter_map(Node::text) {
        let text = filled(text);
        // `$name/…` begins at the root of another source, which has no other files than ours.
        let of_ref = text.strip_prefix('$').and_then(|rest| rest.split_once('/'));
        files.extend(match (of_ref, &folder) {
            (Some((_, rest)), _) => joined("", rest),
            (None, Some(folder)) => joined(folder, &text),
            (None, None) => None,
        });
    }
    let object = helm.and_then(|helm| helm.get("valuesObject"));
    let object = object.and_then(Node::path).map(Values::Object);
    let text = helm.and_then(|helm| helm.get("values"));
    let values = object.or_else(|| {
        let text = text?;
        let inner = yaml::File::parse(text.text()?.as_bytes()).ok()?;
        Some(Values::Text(Rc::new(inner), text.line()))
    });
    let parameters = helm.and_then(|helm| helm.get("parameters"));
    let parameter = |item: Node<'_>| {
        let name = item.get("name")?.text()?.to_owned();
        let value = item.get("value")?;
        Some((name, value.line(), value.column()))
    };
    let images = node
        .get("kustomize")
        .and_then(|kustomize| kustomize.get("images"));
    let image = |item: Node<'_>| {
        let text = item.text().filter(|_| item.kind() == NodeKind::Scalar)?;
        let (name, pins) = match text.split_once('=') {
            Some((name, new)) => (name.to_owned(), new.to_owned()),
            None => (text.parse::<ImageRef>().ok()?.name.to_string(), text.to_owned()),
        };
        let pins = pins.parse::<ImageRef>().ok()?;
        (pins.tag.is_some() || pins.digest.is_some()).then(|| (name, item.line(), item.column()))
    };
    Source {
        file: file.clone(),
        yaml: Rc::clone(yaml),
        document: node.document(),
        folder: folder.as_deref().map(Pattern::of),
        files: files.iter().map(|file| Pattern::of(file)).collect(),
        values,
        parameters: parameters
            .into_iter()
            .flat_map(Node::items)
            .filter_map(parameter)
            .collect(),
        images: images
            .into_iter()
            .flat_map(Node::items)
            .filter_map(image)
            .collect(),
    }
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}
