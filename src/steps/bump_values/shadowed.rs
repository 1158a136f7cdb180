//! What lies over the values that change, so that the change would not count.

use super::by_policy::locate;
use super::find_policy;
use super::request::Request;
use crate::plan::snapshot::Snapshot;
use crate::steps::reading::Reader;
use crate::steps::shadow::{Layers, Shadow, Spot, TooMany};
use crate::words::fault::{Fault, Place};
use crate::words::policy::{Policy, Target};
use crate::words::repo_path::RepoPath;
use crate::yaml::{Document, Node, Path, Segment};

/// How many files may be read for this through an API; over git and in a directory, how many for a warning alone.
const MOST: (usize, usize) = (1_000, 20_000);

/// A value that changes: its file, its document and its path.
type Reached = (RepoPath, usize, Path);

/// A value and what lies over it.
struct Over<'a> {
    value: &'a Reached,
    shadow: Shadow,
}

impl Request {
    /// Returns a warning for each value over which another one lies. Without `--fail-if-shadowed` it is looked for only where
    /// that costs no request, and whatever hinders the look is passed over.
    ///
    /// # Errors
    /// With `--fail-if-shadowed`: `Refused` where there is any, `Invalid` where too many files would have to be read.
    pub(super) fn shadowed(
        &self,
        reached: &[Reached],
        policy: Option<&Policy>,
        snapshot: &dyn Snapshot,
    ) -> anyhow::Result<Vec<String>> {
        if !self.fail_if_shadowed {
            let near = snapshot.is_near();
            let found = near.then(|| find(reached, policy, snapshot, Some(MOST.1)));
            let found = found.and_then(Result::ok).unwrap_or_default();
            let told = |over: &Over<'_>| format!("{}: {}", at(&over.shadow), over.message());
            return Ok(found.iter().map(told).collect());
        }
        let most = (!snapshot.reads_many()).then_some(MOST.0);
        let found =
            find(reached, policy, snapshot, most).map_err(|error| match error.downcast::<TooMany>() {
                Ok(many) => Fault::invalid(format!(
                    "cannot tell through the API what lies over the values: {many}"
                ))
                .hint(
                    "use the repository's https address with --config-repo, or leave --fail-if-shadowed out",
                )
                .into(),
                Err(error) => error,
            })?;
        let Some(first) = found.first() else {
            return Ok(Vec::new());
        };
        let more = match found.len() - 1 {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let shadow = &first.shadow;
        Err(Fault::refused(format!("{}{more}", first.message()))
            .at(shadow.file.as_str(), shadow.line, shadow.column)
            .hint("take it away, or change the value there; without --fail-if-shadowed this is a warning")
            .into())
    }
}

impl Over<'_> {
    fn message(&self) -> String {
        let (file, _, path) = self.value;
        format!("{}, so that `{path}` at {file} does not count", self.shadow.what)
    }
}

fn at(shadow: &Shadow) -> Place {
    Place {
        file: shadow.file.to_string(),
        line: shadow.line,
        column: shadow.column,
    }
}

fn find<'a>(
    reached: &'a [Reached],
    policy: Option<&Policy>,
    snapshot: &dyn Snapshot,
    most: Option<usize>,
) -> anyhow::Result<Vec<Over<'a>>> {
    let reader = Reader::new(snapshot)?;
    reader.fetch(reached.iter().map(|(file, ..)| file))?;
    let (mut values, mut spots) = (Vec::new(), Vec::new());
    for value in reached {
        let (file, document, path) = value;
        if let Some(yaml) = reader.yaml(file)? {
            values.push(value);
            spots.push(Spot {
                file: file.clone(),
                yaml,
                document: *document,
                path: path.clone(),
                digest: digest_beside(path),
            });
        }
    }
    let layers = Layers::read(&reader, most, Some(&spots))?;
    let mut found = Vec::new();
    for (value, spot) in values.into_iter().zip(&spots) {
        let over = layers.over(spot, &reader)?;
        found.extend(over.into_iter().map(|shadow| Over { value, shadow }));
    }
    if found.is_empty() {
        return Ok(found);
    }
    // Only now is it worth to ask: what this very run changes, or the policy lists, lies there on purpose.
    let own = match policy {
        Some(_) => None,
        None => find_policy(snapshot).ok().flatten(),
    };
    let policy = policy.or(own.as_ref());
    let mut kept = Vec::new();
    for over in found {
        if !changes(reached, &over.shadow, &reader)? && !lists(policy, &over.shadow, &reader)? {
            kept.push(over);
        }
    }
    Ok(kept)
}

/// The digest beside a tag, which would hide it.
fn digest_beside(path: &Path) -> Option<Path> {
    let (Segment::Key(last), above) = path.segments().split_last()? else {
        return None;
    };
    let digest = Segment::Key("digest".to_owned());
    matches!(last.as_str(), "tag" | "imageTag")
        .then(|| Path::from_segments(above.iter().cloned().chain([digest]).collect()))?
}

/// Tells whether the run changes what lies over the value too.
fn changes(reached: &[Reached], shadow: &Shadow, reader: &Reader<'_>) -> anyhow::Result<bool> {
    for (_, document, path) in reached.iter().filter(|(file, ..)| *file == shadow.file) {
        let Some(yaml) = reader.yaml(&shadow.file)? else {
            return Ok(false);
        };
        let node = yaml.find(Some(&Document::Index(*document)), path);
        if node.is_ok_and(|node: Node<'_>| node.line() == shadow.line) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Tells whether the policy lists what lies over the value, as the place of whatever environment.
fn lists(policy: Option<&Policy>, shadow: &Shadow, reader: &Reader<'_>) -> anyhow::Result<bool> {
    let (Some(policy), Some(yaml)) = (policy, reader.yaml(&shadow.file)?) else {
        return Ok(false);
    };
    let targets = policy
        .places(&shadow.file)?
        .into_iter()
        .flat_map(|reached| reached.targets);
    Ok(targets.into_iter().any(|target| {
        let target = Target {
            file: shadow.file.clone(),
            path: target.path,
            kind: target.kind,
            image: target.image,
            cluster: None,
            document: target.document,
        };
        let places = locate(&yaml, &shadow.file, &target, target.image.as_ref()).unwrap_or_default();
        places.iter().any(|place| place.covers(&yaml, shadow.line))
    }))
}
