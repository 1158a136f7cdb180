//! The chart version that moves with another value.

use semver::{BuildMetadata, Prerelease, Version};

use super::draft::Draft;
use super::way::WantedImage;
use crate::plan::snapshot::Snapshot;
use crate::words::fault::Fault;
use crate::words::image::Tag;
use crate::words::policy::{Bump, Chart, Resolved};
use crate::words::repo_path::RepoPath;
use crate::yaml::{Edit, IfMissing, Operation, Path, Value};

/// Adds the bumps of the charts that the policy names to a draft in which other values change; returns whether there
/// is any. Several apps may share one chart, whose version rises once.
///
/// # Errors
/// As [`bump`].
pub fn bump_all(
    draft: &mut Draft,
    resolved: &[(Resolved, &[WantedImage])],
    snapshot: &dyn Snapshot,
) -> anyhow::Result<bool> {
    let mut bumped: Vec<&RepoPath> = Vec::new();
    for (resolved, images) in resolved {
        let Some(chart) = &resolved.chart else { continue };
        if !bumped.contains(&&chart.path) {
            bumped.push(&chart.path);
            bump(draft, chart, one_tag(images), snapshot)?;
        }
    }
    Ok(!bumped.is_empty())
}

/// The tag that all images get; `None` where they differ, or only a digest was given.
fn one_tag(images: &[WantedImage]) -> Option<&Tag> {
    let first = images.first()?.tag.as_ref();
    images
        .iter()
        .all(|image| image.tag.as_ref() == first)
        .then_some(first)?
}

/// Adds the bump of a chart's own version to a draft in which another value changes. It is counted from the
/// version that stands in the snapshot, so a plan that is made again does not count twice. `appVersion` becomes
/// the tag, if there is one.
///
/// # Errors
/// `NotFound` for a chart that is not there, `Invalid` for a version that is not a semantic one.
fn bump(draft: &mut Draft, chart: &Chart, tag: Option<&Tag>, snapshot: &dyn Snapshot) -> anyhow::Result<()> {
    let asked = RepoPath::parse(&format!("{}/Chart.yaml", chart.path))?;
    let file = draft.open(snapshot, &[asked])?.remove(0);
    let at = Path::parse("version")?;
    let node = draft
        .yaml(&file)
        .find(None, &at)
        .map_err(|error| crate::steps::fault_in(file.as_str(), error))?;
    let text = node.text().unwrap_or_default();
    let version = Version::parse(text).map_err(|error| {
        Fault::invalid(format!(
            "the chart's version `{}` is not a semantic one: {error}",
            text.escape_debug()
        ))
        .at(file.as_str(), node.line(), node.column())
    })?;
    let set = |path: Path, value: String| Edit {
        document: None,
        path,
        operation: Operation::Set {
            value: Value::String(value),
        },
        if_missing: IfMissing::Create,
        allow_shared: false,
    };
    draft.push(&file, set(at, bumped(&version, chart.bump).to_string()));
    if let (true, Some(tag)) = (chart.app_version, tag) {
        draft.push(&file, set(Path::parse("appVersion")?, tag.to_string()));
    }
    Ok(())
}

/// Counts a version up; a pre-release becomes the release that it leads to.
fn bumped(version: &Version, bump: Bump) -> Version {
    let mut next = version.clone();
    let was_release = next.pre.is_empty();
    next.pre = Prerelease::EMPTY;
    next.build = BuildMetadata::EMPTY;
    match bump {
        Bump::Major if was_release || next.minor > 0 || next.patch > 0 => {
            (next.major, next.minor, next.patch) = (next.major + 1, 0, 0);
        }
        Bump::Minor if was_release || next.patch > 0 => (next.minor, next.patch) = (next.minor + 1, 0),
        Bump::Patch if was_release => next.patch += 1,
        Bump::Major | Bump::Minor | Bump::Patch => {}
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_counts_up_and_a_pre_release_leads_to_its_release() {
        for (version, bump, next) in [
            ("1.2.3", Bump::Patch, "1.2.4"),
            ("1.2.3", Bump::Minor, "1.3.0"),
            ("1.2.3", Bump::Major, "2.0.0"),
            ("1.2.3-rc.1", Bump::Patch, "1.2.3"),
            ("1.2.3-rc.1", Bump::Minor, "1.3.0"),
            ("1.3.0-rc.1", Bump::Minor, "1.3.0"),
            ("2.0.0-rc.1+5", Bump::Major, "2.0.0"),
            ("0.0.9+b", Bump::Patch, "0.0.10"),
        ] {
            assert_eq!(
                bumped(&Version::parse(version).unwrap(), bump).to_string(),
                next,
                "{version} {bump:?}"
            );
        }
    }
}
