//! What shall stand at a place, and the edits that bring it there.

use super::{Parts, Place, Shape, Written, is_template, last_key, shown};
use crate::words::fault::Fault;
use crate::words::image::{Digest, ImageName, Tag};
use crate::yaml::{Document, Edit, File, IfMissing, Operation, Path, Value};

/// The image that shall stand at a place; what is absent stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Want {
    /// The name, brought in line where another one stands.
    pub name: Option<ImageName>,
    /// The tag.
    pub tag: Option<Tag>,
    /// The digest.
    pub digest: Option<Digest>,
    /// Whether a digest that would hide the new tag may go.
    pub drop_digest: bool,
    /// Whether a tag that the new digest would belie may go.
    pub drop_tag: bool,
}

/// One edit at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaceEdit {
    /// Write this string, and the key if it is missing.
    Set(Path, String),
    /// Remove the key, if it is there.
    Unset(Path),
}

impl PlaceEdit {
    /// Returns it as an edit of a document.
    pub fn edit(self, document: usize, allow_shared: bool) -> Edit {
        let (path, operation, if_missing) = match self {
            Self::Set(path, text) => {
                let value = Value::String(text);
                (path, Operation::Set { value }, IfMissing::Create)
            }
            Self::Unset(path) => (path, Operation::Unset, IfMissing::Skip),
        };
        Edit {
            document: Some(Document::Index(document)),
            path,
            operation,
            if_missing,
            allow_shared,
        }
    }
}

/// What happens to one part of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Keep,
    Set(String),
    Drop,
}

impl Part {
    /// The text that stands afterwards.
    fn after(&self, before: Option<&String>) -> Option<String> {
        match self {
            Self::Keep => before.cloned(),
            Self::Set(text) => Some(text.clone()),
            Self::Drop => None,
        }
    }
}

impl Want {
    /// Works out the edits for a place.
    ///
    /// # Errors
    /// A fault of kind `Invalid` where a digest would hide the new tag, or a tag would belie the new
    /// digest, and neither is given nor may go; `Refused` where a template stands.
    pub fn edits(&self, place: &Place, file: &str, yaml: &File) -> Result<Vec<PlaceEdit>, Fault> {
        let whole = || {
            place.path.clone().ok_or_else(|| {
                Fault::invalid("the whole file is one value, and only values in a map or a list are changed")
                    .at(file, place.line, 0)
            })
        };
        let (tag_line, digest_line) = match &place.shape {
            Shape::Parts(parts) => (
                place.line_of(yaml, &parts.tag),
                place.line_of(yaml, parts.digest.as_ref().unwrap_or(&parts.tag)),
            ),
            Shape::Reference { .. } | Shape::Version => (place.line, place.line),
        };
        if let Some(template) = place
            .written
            .tag
            .as_ref()
            .filter(|tag| self.tag.is_some() && is_template(tag))
        {
            return Err(Fault::refused(format!(
                "`{}` is a template that something else fills in",
                template.escape_debug()
            ))
            .at(file, tag_line, 0)
            .hint("change what fills it in, or write over it with --set and its path"));
        }
        if place.shape == Shape::Version {
            let tag = self
                .tag
                .as_ref()
                .filter(|_| self.digest.is_none())
                .ok_or_else(|| {
                    let path = shown(place.path.as_ref());
                    let lacks = if self.tag.is_none() {
                        "no tag was given"
                    } else {
                        "a digest has no place there"
                    };
                    Fault::invalid(format!("{path} holds only a tag, and {lacks}"))
                        .at(file, place.line, 0)
                        .hint("name the map of the image instead of its tag, or give --tag alone")
                })?;
            return Ok(vec![PlaceEdit::Set(whole()?, tag.to_string())]);
        }
        let tag = self
            .tag_part(place)
            .map_err(|fault| fault.at(file, tag_line, 0))?;
        let digest = self
            .digest_part(place)
            .map_err(|fault| fault.at(file, digest_line, 0))?;
        let name = self
            .name
            .as_ref()
            .filter(|new| place.written.name.as_ref().is_none_or(|old| !old.same_as(new)));
        Ok(match &place.shape {
            Shape::Parts(parts) => part_edits(parts, &place.written, name, tag, digest),
            Shape::Reference { lead } => {
                let name = name.or(place.written.name.as_ref()).ok_or_else(|| {
                    Fault::invalid(format!(
                        "{} names no image yet, and none was given",
                        shown(place.path.as_ref())
                    ))
                    .at(file, place.line, 0)
                    .hint("give --image, or `image:` in the policy file")
                })?;
                let tag = tag.after(place.written.tag.as_ref()).map(|tag| format!(":{tag}"));
                let digest = digest
                    .after(place.written.digest.as_ref())
                    .map(|digest| format!("@{digest}"));
                let text = format!(
                    "{lead}{name}{}{}",
                    tag.unwrap_or_default(),
                    digest.unwrap_or_default()
                );
                vec![PlaceEdit::Set(whole()?, text)]
            }
            Shape::Version => Vec::new(),
        })
    }

    fn tag_part(&self, place: &Place) -> Result<Part, Fault> {
        if let Some(tag) = &self.tag {
            return Ok(Part::Set(tag.to_string()));
        }
        let (Some(new), Some(old)) = (&self.digest, &place.written.tag) else {
            return Ok(Part::Keep);
        };
        if place.written.digest.as_deref() == Some(&new.to_string()) {
            return Ok(Part::Keep);
        }
        if (self.drop_tag && !place.is_pinned_tag()) || place.replaces() {
            return Ok(Part::Drop);
        }
        Err(Fault::invalid(format!(
            "the tag `{}` would stand beside a digest that it does not name",
            old.escape_debug()
        ))
        .hint("give the new --tag as well, or --drop-tag to keep the digest alone"))
    }

    fn digest_part(&self, place: &Place) -> Result<Part, Fault> {
        if let Some(digest) = &self.digest {
            return Ok(Part::Set(digest.to_string()));
        }
        let (Some(new), Some(old)) = (&self.tag, &place.written.digest) else {
            return Ok(Part::Keep);
        };
        if place.written.tag.as_deref() == Some(&new.to_string()) && !self.drop_digest {
            return Ok(Part::Keep);
        }
        if self.drop_digest || (place.replaces() && place.written.tag.is_none()) {
            return Ok(Part::Drop);
        }
        Err(Fault::invalid(format!(
            "the digest `{}` would hide the new tag `{new}`",
            old.escape_debug()
        ))
        .hint("give the new --digest as well, or --drop-digest to run by tag alone"))
    }
}

impl Place {
    /// Tells whether tag and digest share a scalar, which cannot do without the tag.
    fn is_pinned_tag(&self) -> bool {
        matches!(&self.shape, Shape::Parts(Parts { digest: None, .. }))
    }

    fn replaces(&self) -> bool {
        matches!(
            &self.shape,
            Shape::Parts(Parts {
                alternatives: true,
                ..
            })
        )
    }
}

fn part_edits(
    parts: &Parts,
    written: &Written,
    name: Option<&ImageName>,
    tag: Part,
    digest: Part,
) -> Vec<PlaceEdit> {
    let mut edits = Vec::new();
    match (name, &parts.registry, &parts.name) {
        (Some(name), Some(registry), Some(repository)) => {
            edits.push(PlaceEdit::Set(
                registry.clone(),
                name.registry().unwrap_or("docker.io").to_owned(),
            ));
            edits.push(PlaceEdit::Set(repository.clone(), name.path().to_owned()));
        }
        (Some(name), None, Some(repository)) => {
            edits.push(PlaceEdit::Set(repository.clone(), name.to_string()));
        }
        (_, _, None) | (None, _, _) => {}
    }
    let Some(digest_path) = &parts.digest else {
        let tag = tag.after(written.tag.as_ref()).unwrap_or_default();
        let digest = digest
            .after(written.digest.as_ref())
            .map(|digest| format!("@{digest}"));
        edits.push(PlaceEdit::Set(
            parts.tag.clone(),
            format!("{tag}{}", digest.unwrap_or_default()),
        ));
        return edits;
    };
    for (part, path) in [(tag, &parts.tag), (digest, digest_path)] {
        match part {
            Part::Keep => {}
            // Charts that have `sha` put the algorithm before it themselves.
            Part::Set(text) if last_key(path) == Some("sha") => {
                edits.push(PlaceEdit::Set(
                    path.clone(),
                    text.trim_start_matches("sha256:").to_owned(),
                ));
            }
            Part::Set(text) => edits.push(PlaceEdit::Set(path.clone(), text)),
            Part::Drop if parts.alternatives => edits.push(PlaceEdit::Unset(path.clone())),
            Part::Drop => edits.push(PlaceEdit::Set(path.clone(), String::new())),
        }
    }
    edits
}
