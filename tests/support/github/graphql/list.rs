//! Lists that are read in pages (connections).

use serde_json::{Value, json};

use super::thing::{Got, Thing};
use super::{Refused, Resolved};

/// The most that GitHub gives in one page.
const MOST: usize = 100;

/// The page of a list that `first`, `last`, `after` and `before` ask for.
pub fn page(kind: &'static str, field: &str, arguments: &Value, all: Vec<Thing>) -> Resolved {
    let number = |name: &str| {
        arguments[name]
            .as_u64()
            .and_then(|number| usize::try_from(number).ok())
    };
    let (first, last) = (number("first"), number("last"));
    if first.is_none() && last.is_none() {
        let said = format!(
            "You must provide a `first` or `last` value to properly paginate the `{field}` connection."
        );
        return Err(Refused("MISSING_PAGINATION_BOUNDARIES", said));
    }
    for (name, asked) in [("first", first), ("last", last)] {
        if let Some(asked) = asked.filter(|asked| *asked > MOST) {
            let said = format!(
                "Requesting {asked} records on the `{field}` connection exceeds the `{name}` limit of {MOST} records."
            );
            return Err(Refused("EXCESSIVE_PAGINATION", said));
        }
    }
    let cursor = |name: &str| {
        arguments[name]
            .as_str()
            .and_then(|text| text.parse::<usize>().ok())
    };
    let total = all.len();
    let mut from = cursor("after").map_or(0, |after| after + 1).min(total);
    let mut to = cursor("before").unwrap_or(total).clamp(from, total);
    if let Some(first) = first {
        to = to.min(from + first);
    }
    if let Some(last) = last {
        from = from.max(to.saturating_sub(last));
    }
    let edge = |at: usize| {
        if from == to {
            Got::null()
        } else {
            Got::text(&at.to_string())
        }
    };
    let info = Thing::Made(
        "PageInfo",
        vec![
            ("hasNextPage", Got::leaf(to < total)),
            ("hasPreviousPage", Got::leaf(from > 0)),
            ("startCursor", edge(from)),
            ("endCursor", edge(to.saturating_sub(1))),
        ],
    );
    let shown = all.into_iter().skip(from).take(to - from).collect();
    Ok(Got::One(Thing::Made(
        kind,
        vec![
            ("nodes", Got::Many(shown)),
            ("pageInfo", Got::One(info)),
            ("totalCount", Got::Leaf(json!(total))),
        ],
    )))
}
