//! The order guard: an older value does not replace a newer one.

use std::cmp::Ordering;

use super::draft::{Judged, Move};
use crate::steps::args::{GuardArg, GuardArgs, OnStale};
use crate::words::fault::Fault;
use crate::words::image::ImageRef;
use crate::words::version;

/// What the guard says of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Newer,
    /// A newer value is there already.
    Superseded(String),
}

/// Judges every value; what could not be judged becomes a warning.
///
/// One newer value supersedes the whole run: clusters of one environment move together or not at all.
///
/// # Errors
/// `Refused` for a stale value under `--on-stale fail`, `Invalid` under `--guard semver` for a new value that
/// is no version.
pub fn judge(
    moves: &[Move],
    flags: &GuardArgs,
    policy: GuardArg,
    warnings: &mut Vec<String>,
) -> Result<Verdict, Fault> {
    let guard = flags.guard.unwrap_or(policy);
    if guard == GuardArg::None {
        return Ok(Verdict::Newer);
    }
    let asked = flags.guard == Some(GuardArg::Semver);
    let is_judged = |one: &&Move| one.judged == Judged::Always || (asked && one.judged == Judged::WhenAsked);
    for one in moves.iter().filter(is_judged) {
        let (Some(old), Some(new)) = (&one.old, &one.new) else {
            continue;
        };
        if old.is_empty() || old == new {
            continue;
        }
        match order(old, new) {
            Some(Ordering::Greater) if flags.allow_downgrade => {
                warnings.push(format!("{} steps back from `{old}` to `{new}`", place(one)));
            }
            Some(Ordering::Greater) => return stale(one, old, new, flags.on_stale),
            None if guard == GuardArg::Semver && version::Version::parse(&tag_of(new)).is_none() => {
                return Err(Fault::invalid(format!(
                    "`{}` is not a version, and the guard is semver",
                    new.escape_debug()
                ))
                .hint("give a version such as 1.4.0, or --guard none"));
            }
            None if one.image.is_some() => {
                warnings.push(format!(
                    "order not checked: `{old}` and `{new}` cannot be compared ({})",
                    place(one)
                ));
            }
            Some(_) | None => {}
        }
    }
    Ok(Verdict::Newer)
}

fn stale(one: &Move, old: &str, new: &str, on_stale: OnStale) -> Result<Verdict, Fault> {
    let said = format!(
        "`{}` stands there already, which is newer than `{new}`",
        old.escape_debug()
    );
    match on_stale {
        OnStale::Skip => Ok(Verdict::Superseded(format!("{}: {said}", place(one)))),
        OnStale::Fail => Err(Fault::refused(said)
            .at(one.file.as_str(), one.line, 0)
            .hint("give --allow-downgrade to step back on purpose")),
    }
}

fn place(one: &Move) -> String {
    if one.line > 0 {
        format!("{}:{}", one.file, one.line)
    } else {
        one.file.to_string()
    }
}

fn order(old: &str, new: &str) -> Option<Ordering> {
    version::compare(&tag_of(old), &tag_of(new))
}

/// The tag of a reference, or the value itself.
fn tag_of(value: &str) -> String {
    if !value.contains([':', '/']) {
        return value.to_owned();
    }
    let tag = value.parse::<ImageRef>().ok().and_then(|reference| reference.tag);
    tag.map_or_else(|| value.to_owned(), |tag| tag.to_string())
}
