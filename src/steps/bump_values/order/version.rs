//! Order by version.

use std::cmp::Ordering;

use super::Order;
use super::pair::Pair;
use crate::words::fault::Fault;
use crate::words::version::{self, Version};

/// Compares by version; `Unknown` for two spellings of one version, and `None` where they are no versions of one kind.
pub(super) fn order(pair: &Pair<'_>) -> Option<Order> {
    Some(match version::compare(&pair.old_tag(), &pair.new_tag())? {
        Ordering::Less => Order::Newer,
        Ordering::Equal => Order::Unknown(pair.incomparable()),
        Ordering::Greater => Order::Older(format!(
            "`{}` stands there already, which is newer than `{}`",
            pair.old.escape_debug(),
            pair.new.escape_debug()
        )),
    })
}

/// Compares by version alone.
///
/// # Errors
/// `Invalid` for a new value that is no version.
pub(super) fn order_of_versions(pair: &Pair<'_>) -> Result<Order, Fault> {
    match order(pair) {
        Some(Order::Unknown(_)) => Ok(Order::Newer),
        Some(found) => Ok(found),
        None if Version::parse(&pair.new_tag()).is_none() => Err(Fault::invalid(format!(
            "`{}` is not a version, and the guard is semver",
            pair.new.escape_debug()
        ))
        .hint("give a version such as 1.4.0, or --guard none")),
        None => Ok(Order::Unknown(pair.incomparable())),
    }
}
