//! What is held where it is.

use super::file;
use crate::words::fault::Fault;
use crate::words::moment;
use crate::words::name::{AppName, EnvName};
use crate::words::wording::{one_line, shown};

/// An app that is held in an environment: nothing is pushed there until it is released.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The app.
    pub app: AppName,
    /// The environment.
    pub env: EnvName,
    /// Why, on one line.
    pub reason: String,
    /// Who holds it, on one line.
    pub by: Option<String>,
}

impl Hold {
    /// Returns the key of a hold below `holds`.
    pub fn key(app: &AppName, env: &EnvName) -> String {
        format!("{app}/{env}")
    }
}

/// Reads a hold; an error comes with the key to blame, which is empty for that of the hold itself.
pub(super) fn read_hold(name: &str, hold: &file::Hold) -> Result<Hold, (&'static str, Fault)> {
    let (app, env) = name.split_once('/').ok_or_else(|| {
        let why = format!("`{}` names no app and environment", shown(name));
        ("", Fault::invalid(why).hint("write it as `app/env`"))
    })?;
    let reason = one_line(&hold.reason);
    if reason.is_empty() {
        return Err(("reason", Fault::invalid("a hold needs a reason")));
    }
    if let Some(since) = &hold.since {
        moment::parse(since).map_err(|fault| ("since", fault))?;
    }
    Ok(Hold {
        app: app.parse().map_err(|fault| ("", fault))?,
        env: env.parse().map_err(|fault| ("", fault))?,
        reason,
        by: hold.by.as_deref().map(one_line),
    })
}
