//! One target: that it is there, exactly once, holds the right image, and could be changed.

use std::rc::Rc;

use semver::Version;

use super::scope::Pair;
use super::{Checked, Where};
use crate::plan::finding::Severity;
use crate::plan::places::{Place, Shape, Want, is_template, shown};
use crate::steps::bump_values::locate;
use crate::steps::fault_in;
use crate::steps::reading::Looked;
use crate::steps::shadow::Spot;
use crate::words::fault::{Fault, Kind, Place as At};
use crate::words::image::{ImageName, Tag};
use crate::words::policy::{FILE_NAME, Target};
use crate::words::repo_path::RepoPath;
use crate::words::wording;
use crate::yaml::{self, Document, ErrorKind, Path};

/// A version that no place holds, to see whether it could be written.
const TRIAL_TAG: &str = "0.0.0-trial";
/// As [`TRIAL_TAG`].
const TRIAL_DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// A target whose place was found.
pub(super) struct Seen<'a> {
    pub pair: &'a Pair,
    /// Which of the environment's targets it is.
    pub index: usize,
    /// Where the file really lies.
    pub file: RepoPath,
    pub yaml: Rc<yaml::File>,
    pub place: Place,
    /// The line of what is written: the tag, or the whole reference.
    pub line: usize,
    pub column: usize,
    pub image: Option<ImageName>,
}

impl Seen<'_> {
    /// Returns where the version stands.
    pub(super) fn here(&self) -> At {
        At {
            file: self.file.to_string(),
            line: self.line,
            column: self.column,
        }
    }

    /// Returns the line and the column of the image's name.
    fn place_of_name(&self) -> (usize, usize) {
        let name = match &self.place.shape {
            Shape::Parts(parts) => parts.name.as_ref(),
            Shape::Reference { .. } | Shape::Version => None,
        };
        let document = Document::Index(self.place.document);
        let node = name.and_then(|name| self.yaml.find(Some(&document), name).ok());
        node.map_or((self.line, self.column), |node| (node.line(), node.column()))
    }

    /// Returns the value that says what runs.
    pub(super) fn spot(&self) -> Option<Spot> {
        let digest = match &self.place.shape {
            Shape::Parts(parts) => parts.digest.as_ref(),
            Shape::Reference { .. } | Shape::Version => None,
        };
        let spot = |path: &Path| Spot {
            file: self.file.clone(),
            yaml: Rc::clone(&self.yaml),
            document: self.place.document,
            path: path.clone(),
            digest: digest.cloned(),
        };
        self.place.version_path().map(spot)
    }
}

impl Checked<'_> {
    /// Looks at the targets of an app in an environment.
    pub(super) fn look_at<'p>(&mut self, pair: &'p Pair) -> anyhow::Result<Vec<Seen<'p>>> {
        let mut seen = Vec::new();
        for (index, target) in pair.resolved.targets.iter().enumerate() {
            let at = Where::Target(index);
            let (file, yaml) = match self.reader.look(&target.file)? {
                Looked::File(file, yaml) => (file, yaml),
                looked => {
                    self.without_file(pair, target, &at, looked);
                    continue;
                }
            };
            if file != target.file {
                let fault = Fault::invalid(format!(
                    "`{}` is a symbolic link to `{file}`: a run that names that file will not find it listed",
                    target.file
                ))
                .hint(format!("write `file: {file}`"));
                self.find(Severity::Warning, "target-link", fault, pair, &at);
            }
            let Some(place) = self.place(pair, target, &at, &file, &yaml) else {
                continue;
            };
            let document = Document::Index(place.document);
            let node = place.version_path();
            let node = node.and_then(|path| yaml.find(Some(&document), path).ok());
            let one = Seen {
                pair,
                index,
                line: node.map_or(place.line, yaml::Node::line),
                column: node.map_or(0, yaml::Node::column),
                image: target.image.clone(),
                file,
                yaml,
                place,
            };
            self.look_inside(&one);
            seen.push(one);
        }
        Ok(seen)
    }

    fn without_file(&mut self, pair: &Pair, target: &Target, at: &Where<'_>, looked: Looked) {
        let whose = whose(pair);
        match looked {
            Looked::Missing => {
                let hint = match self.reader.near(&target.file) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "paths are relative to the root of the config repo".to_owned(),
                };
                let fault =
                    Fault::not_found(format!("`{}` of {whose} does not exist", target.file)).hint(hint);
                // What only `"*"` stands for need not be whole: nobody may ever ask for it.
                let severity = severity(pair);
                self.find(severity, "target-missing", fault, pair, at);
            }
            Looked::Unreadable(fault) => self.find(Severity::Error, "target-unreadable", fault, pair, at),
            Looked::Broken(_, fault) => self.find(Severity::Error, "file-invalid", fault, pair, at),
            Looked::File(..) => {}
        }
    }

    /// Finds the one place of a target.
    fn place(
        &mut self,
        pair: &Pair,
        target: &Target,
        at: &Where<'_>,
        file: &RepoPath,
        yaml: &yaml::File,
    ) -> Option<Place> {
        let mut found = match locate(yaml, file, target, target.image.as_ref()) {
            Ok(found) => found,
            Err(fault) => {
                let code = match fault.kind {
                    Kind::NotFound => "place-missing",
                    Kind::Refused => "place-unclear",
                    _ => "place-invalid",
                };
                let fault = Fault {
                    message: format!("{} ({})", fault.message, whose(pair)),
                    ..fault
                };
                self.find(severity(pair), code, fault, pair, at);
                return None;
            }
        };
        let image = target.image.as_ref().map(ToString::to_string).unwrap_or_default();
        match found.len() {
            1 => Some(found.remove(0)),
            0 => {
                let fault = Fault::not_found(format!(
                    "the image `{image}` of {} is not referenced in `{file}`",
                    whose(pair)
                ))
                .hint("add `path:` to the target, or correct `image:`");
                self.find(severity(pair), "image-missing", fault, pair, at);
                None
            }
            count => {
                let lines: Vec<String> = found
                    .iter()
                    .take(10)
                    .map(|place| format!("{} (line {})", shown(place.path.as_ref()), place.line))
                    .collect();
                let fault = Fault::not_found(format!(
                    "the image `{image}` of {} is referenced in {count} places of `{file}`: {}",
                    whose(pair),
                    lines.join(", ")
                ))
                .hint(format!("say which with `path:` at the target in {FILE_NAME}"));
                self.find(severity(pair), "image-ambiguous", fault, pair, at);
                None
            }
        }
    }

    /// Looks at what stands at a place.
    fn look_inside(&mut self, seen: &Seen<'_>) {
        let here = seen.here();
        let here = Where::Here(&here);
        let (pair, written) = (seen.pair, &seen.place.written);
        if let (Some(due), Some(name)) = (&seen.image, &written.name)
            && !due.same_as(name)
        {
            let (line, column) = seen.place_of_name();
            let fault = Fault::invalid(format!(
                "the image here is `{name}`, and the policy says `{due}` for {}",
                whose(pair)
            ))
            .hint("correct `image:` or `path:` in the policy, or the name here: the next change would replace it")
            .at(seen.file.as_str(), line, column);
            self.find(Severity::Error, "image-differs", fault, pair, &here);
        }
        self.look_at_text(seen);
        if written.tag.is_none() && written.digest.is_none() {
            let fault = Fault::invalid(format!("there is no tag or digest here for {} yet", whose(pair)))
                .hint("nothing can be promoted from here until there is one");
            self.find(Severity::Warning, "version-missing", fault, pair, &here);
        }
        if let Err((code, fault)) = try_out(seen) {
            let fault = Fault {
                message: format!("{} could not be changed here: {}", whose(pair), fault.message),
                ..fault
            };
            self.find(Severity::Error, code, fault, pair, &here);
        }
    }

    /// Looks whether the name and the tag that stand there could be an image's at all.
    fn look_at_text(&mut self, seen: &Seen<'_>) {
        let Shape::Parts(parts) = &seen.place.shape else {
            return;
        };
        let document = Document::Index(seen.place.document);
        // What something else fills in is told of as a template.
        let text = |path: &Path| {
            let node = seen.yaml.find(Some(&document), path).ok()?;
            let text = node
                .text()
                .filter(|text| !text.is_empty() && !is_template(text))?;
            Some((node, text))
        };
        let wrong = |(node, text): (yaml::Node<'_>, &str), what: &str| {
            Fault::invalid(format!(
                "`{}` here is no {what}, of {}",
                wording::shown(text),
                whose(seen.pair)
            ))
            .hint("no image of that name can be pulled; the next change would replace it")
            .at(seen.file.as_str(), node.line(), node.column())
        };
        let (pair, here) = (seen.pair, seen.here());
        let here = Where::Here(&here);
        let registry = parts.registry.as_ref();
        if seen.image.is_some()
            && seen.place.written.name.is_none()
            && registry.is_none_or(|registry| text(registry).is_some())
            && let Some(name) = parts.name.as_ref().and_then(&text)
        {
            self.find(
                Severity::Error,
                "image-differs",
                wrong(name, "image's name"),
                pair,
                &here,
            );
        }
        if seen
            .place
            .written
            .tag
            .as_ref()
            .is_some_and(|tag| tag.parse::<Tag>().is_err())
            && let Some(tag) = text(&parts.tag)
        {
            let fault = wrong(tag, "image's tag");
            self.find(Severity::Warning, "version-invalid", fault, pair, &here);
        }
    }

    /// Looks at the chart whose version rises.
    pub(super) fn look_at_chart(&mut self, pair: &Pair) -> anyhow::Result<()> {
        let Some(chart) = &pair.resolved.chart else {
            return Ok(());
        };
        let at = Where::Below(&["chart", "path"]);
        let path = RepoPath::parse(&format!("{}/Chart.yaml", chart.path))?;
        let (file, yaml) = match self.reader.look(&path)? {
            Looked::File(file, yaml) => (file, yaml),
            Looked::Missing => {
                let fault = Fault::not_found(format!("`{path}` of {} does not exist", whose(pair)));
                self.find(severity(pair), "chart-missing", fault, pair, &at);
                return Ok(());
            }
            Looked::Unreadable(fault) | Looked::Broken(_, fault) => {
                self.find(Severity::Error, "file-invalid", fault, pair, &at);
                return Ok(());
            }
        };
        let wrong = match yaml.find(None, &Path::parse("version")?) {
            Err(error) => Some(fault_in(file.as_str(), error)),
            Ok(node) => {
                let text = node.text().unwrap_or_default();
                let wrong = |error| {
                    let text = text.escape_debug();
                    Fault::invalid(format!(
                        "the chart's version `{text}` is not a semantic one: {error}"
                    ))
                    .at(file.as_str(), node.line(), node.column())
                };
                Version::parse(text).err().map(wrong)
            }
        };
        if let Some(fault) = wrong {
            self.find(Severity::Error, "chart-version", fault, pair, &at);
        }
        Ok(())
    }
}

/// Changes the place in memory, as `bump-values` would, to see whether it can be.
fn try_out(seen: &Seen<'_>) -> Result<(), (&'static str, Fault)> {
    let has_digest = seen.place.written.digest.is_some() && seen.place.shape != Shape::Version;
    let want = Want {
        name: seen.image.clone().filter(|_| seen.place.shape != Shape::Version),
        tag: Some(TRIAL_TAG.parse().expect("it is a tag")),
        digest: has_digest.then(|| TRIAL_DIGEST.parse().expect("it is a digest")),
        ..Want::default()
    };
    let file = seen.file.as_str();
    let edits = want.edits(&seen.place, file, &seen.yaml).map_err(|fault| {
        let code = if fault.kind == Kind::Refused {
            "place-template"
        } else {
            "place-invalid"
        };
        (code, fault)
    })?;
    let edits: Vec<yaml::Edit> = edits
        .into_iter()
        .map(|edit| edit.edit(seen.place.document, false))
        .collect();
    match seen.yaml.apply(&edits) {
        Ok(_) => Ok(()),
        Err(error) => {
            let code = match error.kind {
                ErrorKind::Shared => "anchor-shared",
                ErrorKind::Encrypted => "file-encrypted",
                ErrorKind::Duplicate => "key-duplicate",
                ErrorKind::Unproven => "edit-unproven",
                ErrorKind::Syntax
                | ErrorKind::Missing
                | ErrorKind::Ambiguous
                | ErrorKind::Contradiction
                | ErrorKind::Shape => "place-invalid",
            };
            Err((code, fault_in(file, error)))
        }
    }
}

/// What is missing is an error where somebody meant it to be there.
fn severity(pair: &Pair) -> Severity {
    if pair.named {
        Severity::Error
    } else {
        Severity::Warning
    }
}

pub(super) fn whose(pair: &Pair) -> String {
    format!("`{}` in `{}`", pair.resolved.app, pair.resolved.env)
}
