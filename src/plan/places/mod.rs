//! Where an image is written in a file, and what to edit there to bring in another one.
//!
//! Each kind of file has its own finder; what they find is a [`Place`] of one of three shapes, and from
//! there on all kinds are edited alike.

mod application;
mod chart;
mod helm;
pub mod kind;
mod kustomize;
mod manifest;
mod reference;
mod want;

use crate::words::fault::Fault;
use crate::words::image::ImageName;
use crate::words::policy::Kind;
use crate::yaml::{Document, File, Node, NodeKind, Path, Segment};
pub use want::{PlaceEdit, Want};

/// What stands at a place now; an empty text counts as absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The image's name as it is written, registry included.
    pub name: Option<ImageName>,
    /// The tag, or the chart's version.
    pub tag: Option<String>,
    /// The digest.
    pub digest: Option<String>,
}

/// How a place holds name, tag and digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Each in a scalar of its own.
    Parts(Parts),
    /// All in one scalar, `name:tag@digest`, with this text before the name (`web=` in an Application's
    /// `kustomize.images`).
    Reference {
        /// The text before the name.
        lead: String,
    },
    /// Only a tag or a version.
    Version,
}

/// The scalars that hold the parts of an image; those that do not exist yet are created.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// Where the registry is written, if the place keeps it apart.
    pub registry: Option<Path>,
    /// Where a new name is written.
    pub name: Option<Path>,
    /// Where the tag is written.
    pub tag: Path,
    /// Where the digest is written; `None` where it stands in the tag's scalar, `v1@sha256:…`.
    pub digest: Option<Path>,
    /// Whether tag and digest replace one another, as in a kustomization, where the other key is removed;
    /// elsewhere a dropped part is emptied, because a missing key would bring back a chart's default.
    pub alternatives: bool,
}

/// One place where an image, or the version of a chart, is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The document's index in its file.
    pub document: usize,
    /// The map or the scalar; `None` for a whole document.
    pub path: Option<Path>,
    /// Its line, from 1.
    pub line: usize,
    /// How it is written.
    pub shape: Shape,
    /// What is written.
    pub written: Written,
    /// Whether it is the version of a chart that was found by the chart's bare name, which may be an image's too.
    pub chart: bool,
}

impl Place {
    /// Returns the line of one of its parts, from 1; its own where the part is not there.
    pub fn line_of(&self, file: &File, part: &Path) -> usize {
        let document = Document::Index(self.document);
        file.find(Some(&document), part).map_or(self.line, Node::line)
    }
}

impl Place {
    /// Returns where the version is written: the tag, or the whole reference; `None` for a whole document.
    pub fn version_path(&self) -> Option<&Path> {
        match &self.shape {
            Shape::Parts(parts) => Some(&parts.tag),
            Shape::Reference { .. } | Shape::Version => self.path.as_ref(),
        }
    }

    /// Tells whether a line of the file is part of the place.
    pub fn covers(&self, file: &File, line: usize) -> bool {
        let at = |path: &Path| self.line_of(file, path) == line;
        match &self.shape {
            Shape::Parts(parts) => {
                line == self.line || at(&parts.tag) || parts.digest.as_ref().is_some_and(at)
            }
            Shape::Reference { .. } | Shape::Version => line == self.line,
        }
    }
}

/// Keeps to images where both images and charts answer to a name: their versions have nothing to do with each
/// other.
pub fn images_before_charts<T>(found: &mut Vec<T>, place: impl Fn(&T) -> &Place) {
    if found.iter().any(|one| !place(one).chart) {
        found.retain(|one| !place(one).chart);
    }
}

/// Finds every place in a file, or in one document of it, where this image is referenced, in the order of the file.
pub fn find_image(file: &File, kind: Option<Kind>, document: Option<usize>, image: &ImageName) -> Vec<Place> {
    all(file, kind)
        .into_iter()
        .filter(|found| document.is_none_or(|document| document == found.place.document))
        .filter_map(|found| found.answering_to(image))
        .collect()
}

/// Finds every image of a file, in the order of the file.
pub fn all_images(file: &File, kind: Option<Kind>) -> Vec<Place> {
    all(file, kind).into_iter().map(|found| found.place).collect()
}

/// Reads the place at a node that the user or the policy named.
///
/// A map is taken for the map of an image (or the entry of a kustomization), a scalar for a reference, or
/// for a bare tag where it can be nothing else. The tag of an image's map stands for that map.
///
/// # Errors
/// A fault of kind `Invalid` for a node that holds no image.
pub fn at(yaml: &File, node: Node<'_>, kind: Option<Kind>, file: &str) -> Result<Place, Fault> {
    if let Some(map) = map_of_tag(yaml, node).filter(|_| kind != Some(Kind::Path)) {
        let is_entry = map.get("newTag").is_some();
        return at(
            yaml,
            map,
            if is_entry { Some(Kind::Kustomize) } else { kind },
            file,
        );
    }
    match node.kind() {
        NodeKind::Mapping if kind == Some(Kind::Kustomize) => Ok(kustomize::entry(node)),
        NodeKind::Mapping => helm::image_map(node).ok_or_else(|| {
            Fault::invalid(format!(
                "{} is not the map of an image",
                shown(node.path().as_ref())
            ))
            .at(file, node.line(), node.column())
            .hint("an image map holds `repository` (or `name`) and `tag`; name the scalar itself otherwise")
        }),
        NodeKind::Scalar => scalar(node, kind, file),
        NodeKind::Sequence => Err(Fault::invalid(format!(
            "{} is a list, not an image",
            shown(node.path().as_ref())
        ))
        .at(file, node.line(), node.column())
        .hint("name one of its items, such as `[0]` or `[name=web]`")),
        NodeKind::Alias => Err(Fault::invalid(format!(
            "{} is an alias of a value elsewhere",
            shown(node.path().as_ref())
        ))
        .at(file, node.line(), node.column())
        .hint("name the value that has the anchor, or write the image out here")),
    }
}

/// A place together with what else it answers to.
struct Found {
    place: Place,
    /// Further names: of a kustomization's entry before `newName`, of a chart.
    aliases: Vec<String>,
}

impl Found {
    fn new(place: Place) -> Self {
        Self {
            place,
            aliases: Vec::new(),
        }
    }

    fn answering_to(self, image: &ImageName) -> Option<Place> {
        let own = self
            .place
            .written
            .name
            .as_ref()
            .is_some_and(|name| name.same_as(image));
        let alias = self.aliases.iter().find(|alias| {
            **alias == image.to_string() || alias.parse::<ImageName>().is_ok_and(|alias| alias.same_as(image))
        });
        let chart = self.place.shape == Shape::Version && alias.is_some_and(|alias| !alias.contains('/'));
        (own || alias.is_some()).then_some(Place { chart, ..self.place })
    }
}

fn all(file: &File, kind: Option<Kind>) -> Vec<Found> {
    let mut found = Vec::new();
    for document in file.documents() {
        match kind.unwrap_or_else(|| kind::of_document(document)) {
            Kind::Helm => helm::collect(document, &mut found),
            Kind::Kustomize => kustomize::collect(document, &mut found),
            Kind::Manifest => manifest::collect(document, &mut found),
            Kind::Application => application::collect(document, &mut found),
            Kind::Chart => chart::collect(document, &mut found),
            Kind::Path => {}
        }
    }
    found
}

/// The map around a tag, where it is an image's.
fn map_of_tag<'f>(yaml: &'f File, tag: Node<'f>) -> Option<Node<'f>> {
    let path = tag.path()?;
    let (Segment::Key(key), above) = path.segments().split_last()? else {
        return None;
    };
    let above = Path::from_segments(above.to_vec())?;
    let map = yaml.find(Some(&Document::Index(tag.document())), &above).ok()?;
    let known = match key.as_str() {
        "tag" | "imageTag" => helm::image_map(map).is_some(),
        "newTag" => map.get("name").is_some(),
        _ => false,
    };
    (known && tag.kind() == NodeKind::Scalar).then_some(map)
}

fn scalar(node: Node<'_>, kind: Option<Kind>, file: &str) -> Result<Place, Fault> {
    let text = node.text().unwrap_or_default();
    let path = node.path();
    let key = path.as_ref().and_then(last_key);
    if kind != Some(Kind::Path) && matches!(key, Some("repository" | "registry" | "digest" | "newName")) {
        return Err(Fault::invalid(format!(
            "{} holds neither an image nor a tag",
            shown(path.as_ref())
        ))
        .at(file, node.line(), node.column())
        .hint("name the map of the image, or its tag"));
    }
    let is_image = key == Some("image");
    let reference =
        !matches!(kind, Some(Kind::Path | Kind::Chart)) && (is_image || text.contains(['/', ':', '@']));
    let (shape, written) = match reference::read(text) {
        Some((lead, written)) if reference => (Shape::Reference { lead }, written),
        None if reference && is_image && present(text).is_none() => {
            (Shape::Reference { lead: String::new() }, Written::default())
        }
        _ => (
            Shape::Version,
            Written {
                tag: present(text),
                ..Written::default()
            },
        ),
    };
    Ok(Place {
        document: node.document(),
        line: node.line(),
        path,
        shape,
        written,
        chart: false,
    })
}

/// Tells whether a generator or a template engine fills in a value.
pub(crate) fn is_template(text: &str) -> bool {
    text.contains("{{") || text.contains("${")
}

/// The tag of a scalar that may hold a digest too, `v1@sha256:…`, and the digest.
fn split_tag(text: Option<String>) -> (Option<String>, Option<String>) {
    match text.as_deref().and_then(|text| text.split_once('@')) {
        Some((tag, digest)) if digest.starts_with("sha") => (present(tag), present(digest)),
        _ => (text, None),
    }
}

fn last_key(path: &Path) -> Option<&str> {
    match path.segments().last() {
        Some(Segment::Key(key)) => Some(key),
        _ => None,
    }
}

fn present(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The text of a key's scalar, absent where it is empty or null.
fn text_of(map: Node<'_>, key: &str) -> Option<String> {
    let node = map.get(key)?;
    if node.is_null() {
        None
    } else {
        node.text().and_then(present)
    }
}

fn child(path: Option<&Path>, key: &str) -> Path {
    below(path, [Segment::Key(key.to_owned())])
}

fn below<const N: usize>(path: Option<&Path>, steps: [Segment; N]) -> Path {
    let mut segments = path.map(|path| path.segments().to_vec()).unwrap_or_default();
    segments.extend(steps);
    Path::from_segments(segments).expect("a step was added")
}

/// A path as it is shown in a message.
pub fn shown(path: Option<&Path>) -> String {
    path.map_or_else(|| "the document".to_owned(), |path| format!("`{path}`"))
}
