//! The preflight: what a forge tells, before anything is written, of a token and of the repository that it is for.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Forge;
use crate::plan::finding::{Item, Preflight, Verdict};
use crate::words::fault::Fault;
use crate::words::wording::shown;
use crate::world::clock;

/// How many days before its end a token is warned of.
const SOON: i64 = 14;

impl Forge {
    /// Returns what the forge tells; it only reads.
    ///
    /// # Errors
    /// `GaveUp` for a connection that stays broken. A refusal is an item.
    pub fn preflight(&self, asked: &Preflight) -> Result<Vec<Item>, Fault> {
        match self {
            Self::GitHub(forge) => forge.preflight(asked),
            Self::GitLab(forge) => forge.preflight(asked),
        }
    }
}

/// Tells of a token and when it ends, where that is known: a text that begins with a date.
pub(super) fn token_item(what: String, ends: Option<&str>) -> Item {
    let date = ends.and_then(|text| text.get(..10)?.parse::<Date>().ok());
    let Some(date) = date else {
        return Item::new("token", Verdict::Ok, what);
    };
    let today = clock::now().to_zoned(TimeZone::UTC).date();
    let days = i64::from(date.since(today).map_or(0, |span| span.get_days()));
    let told = format!("{what}; it expires on {date}");
    if days > SOON {
        return Item::new("token", Verdict::Ok, told);
    }
    Item::new("token", Verdict::Warning, told).hint("make a new one before then")
}

/// Tells whether a label is there, or why the forge does not say; `request` is what a change request is called there.
pub(super) fn label_item(label: &str, there: Result<bool, Fault>, request: &str) -> Item {
    let name = shown(label);
    match there {
        Ok(true) => Item::new("label", Verdict::Ok, format!("the label `{name}` is there")),
        Ok(false) => Item::new("label", Verdict::Warning, format!("there is no label `{name}`")).hint(
            format!("it is made with the first {request}, where the token may; or make it now"),
        ),
        Err(fault) => refused("label", Verdict::Unknown, fault),
    }
}

/// Makes the item of a refusal.
pub(super) fn refused(code: &'static str, verdict: Verdict, fault: Fault) -> Item {
    Item {
        hint: fault.hint,
        ..Item::new(code, verdict, fault.message)
    }
}

/// Lists foreign names in a message.
pub(super) fn listed<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| shown(name.as_ref())).collect();
    names.join(", ")
}
