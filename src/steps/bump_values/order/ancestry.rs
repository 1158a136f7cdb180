//! Order by the commits that the values were built from.

use super::Order;
use super::pair::Pair;
use super::sequence::{NO_REPO, apart};
use crate::plan::comparison::Relation;
use crate::words::source_commit;

/// Asks how the new value's commit lies to the old value's one.
///
/// A commit that a value names counts first, then the one that its build named. What nobody knows may be no commit at
/// all, such as a date, so the next one is asked for then.
///
/// # Errors
/// A history that cannot be read.
pub(super) fn order(pair: &Pair<'_>) -> anyhow::Result<Order> {
    let Some(repo) = &pair.source.repo else {
        return Ok(Order::Unknown(NO_REPO.to_owned()));
    };
    let built_from = pair.source.commit.as_deref();
    let news = candidates(source_commit::named(&pair.new_tag()), built_from);
    if news.is_empty() {
        return Ok(Order::Unknown(format!(
            "this run names no commit that `{}` was built from",
            pair.new.escape_debug()
        )));
    }
    let old_tag = pair.old_tag();
    let named = source_commit::named(&old_tag);
    // A whole name needs no history to be read, and nothing but itself.
    if let Some(old) = named.filter(|old| source_commit::is_whole(old))
        && let Some(found) = ask(pair, repo, old, &news)?
    {
        return Ok(found);
    }
    let standing = pair.standing()?;
    if let Some(old_repo) = standing.and_then(|standing| standing.repo.as_ref())
        && !old_repo.eq_ignore_ascii_case(repo)
    {
        return Ok(Order::Unknown(apart(old_repo, repo)));
    }
    let olds = candidates(named, standing.and_then(|standing| standing.commit.as_deref()));
    for old in &olds {
        if let Some(found) = ask(pair, repo, old, &news)? {
            return Ok(found);
        }
    }
    Ok(Order::Unknown(match (olds.as_slice(), standing) {
        ([], None) => pair.unnamed(),
        ([], Some(_)) => format!(
            "the commit that set `{}` names no source commit",
            pair.old.escape_debug()
        ),
        _ => format!(
            "nobody could be asked how the two commits of `{}` lie to each other",
            repo.escape_debug()
        ),
    }))
}

fn ask(pair: &Pair<'_>, repo: &str, old: &str, news: &[String]) -> anyhow::Result<Option<Order>> {
    for new in news {
        let relation = if is_same(old, new) {
            Some(Relation::Same)
        } else {
            pair.ancestry.relation(repo, old, new)?
        };
        if let Some(relation) = relation {
            return Ok(Some(told(pair, relation, old, new)));
        }
    }
    Ok(None)
}

fn told(pair: &Pair<'_>, relation: Relation, old: &str, new: &str) -> Order {
    let (old, new) = (short(old), short(new));
    match relation {
        Relation::Ahead | Relation::Same => Order::Newer,
        Relation::Behind => Order::Older(format!(
            "`{}` stands there already, whose commit {old} contains {new}, the one of `{}`",
            pair.old.escape_debug(),
            pair.new.escape_debug()
        )),
        Relation::Diverged => Order::Unknown(format!(
            "neither of the commits {old} of `{}` and {new} of `{}` contains the other",
            pair.old.escape_debug(),
            pair.new.escape_debug()
        )),
    }
}

/// The commit that a value names, and the one that its build named: one, where the first shortens the second.
fn candidates(named: Option<&str>, built_from: Option<&str>) -> Vec<String> {
    match (named, built_from.filter(|text| source_commit::is_whole(text))) {
        (Some(named), Some(built)) if is_same(named, built) => vec![built.to_owned()],
        (named, built) => named.into_iter().chain(built).map(str::to_owned).collect(),
    }
}

fn is_same(one: &str, other: &str) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}
