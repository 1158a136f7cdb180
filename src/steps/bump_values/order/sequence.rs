//! Order by the run numbers of the builds.
//!
//! A run number counts the runs of one workflow on GitHub (`GITHUB_RUN_NUMBER`), and the pipelines of one project on
//! GitLab (`CI_PIPELINE_IID`). Neither payload nor trailers name the workflow, so two numbers of GitHub count only
//! where the ids of the runs, which their addresses end in and which grow across all workflows, agree with them.

use std::cmp::Ordering;

use super::Order;
use super::pair::Pair;
use crate::words::payload::Source;

/// Why nothing can be told where the run does not say where it builds.
pub(super) const NO_REPO: &str = "this run names no source repository";

/// Compares the run that built the new value with the one that built the old value.
///
/// # Errors
/// A history that cannot be read.
pub(super) fn order(pair: &Pair<'_>) -> anyhow::Result<Order> {
    let Some(repo) = &pair.source.repo else {
        return Ok(Order::Unknown(NO_REPO.to_owned()));
    };
    let Some(number) = pair.source.sequence else {
        return Ok(Order::Unknown("this run has no run number".to_owned()));
    };
    let Some(standing) = pair.standing()? else {
        return Ok(Order::Unknown(pair.unnamed()));
    };
    let old = pair.old.escape_debug();
    let (Some(old_repo), Some(old_number)) = (&standing.repo, standing.sequence) else {
        return Ok(Order::Unknown(format!(
            "the commit that set `{old}` names no source repository with a run number"
        )));
    };
    if !old_repo.eq_ignore_ascii_case(repo) {
        return Ok(Order::Unknown(apart(old_repo, repo)));
    }
    let by_number = old_number.cmp(&number);
    if !is_one_count(standing, pair.source, by_number) {
        return Ok(Order::Unknown(format!(
            "the run numbers {old_number} and {number} are of different workflows of `{}`",
            repo.escape_debug()
        )));
    }
    Ok(match by_number {
        Ordering::Less => Order::Newer,
        Ordering::Equal | Ordering::Greater => Order::Older(format!(
            "`{old}` of run {old_number} stands there already, and `{}` is of run {number} of `{}`",
            pair.new.escape_debug(),
            repo.escape_debug()
        )),
    })
}

/// Says that two values come from different repositories.
pub(super) fn apart(old: &str, new: &str) -> String {
    format!(
        "the old value was built in `{}`, the new one in `{}`",
        old.escape_debug(),
        new.escape_debug()
    )
}

/// Whether two numbers can be of one count, as far as the runs' addresses tell.
fn is_one_count(old: &Source, new: &Source, by_number: Ordering) -> bool {
    let (Some(old), Some(new)) = (&old.run_url, &new.run_url) else {
        return true;
    };
    if host(old) != host(new) {
        return false;
    }
    match (github_run(old), github_run(new)) {
        (Some(old), Some(new)) => old.cmp(&new) == by_number,
        _ => true,
    }
}

fn host(url: &str) -> Option<String> {
    Some(url::Url::parse(url).ok()?.host_str()?.to_ascii_lowercase())
}

/// The id of a run of GitHub Actions; a rerun keeps it.
fn github_run(url: &str) -> Option<u64> {
    let (_, rest) = url.split_once("/actions/runs/")?;
    rest.split('/').next()?.parse().ok()
}
