//! `rollback`: a new commit that sets what an environment had before.

mod args;

pub use args::RollbackArgs;

use crate::steps::args::{GuardArgs, OnStale};
use crate::steps::bump_values::{BumpValuesArgs, Inputs, Past, Request, WhatArgs, When};
use crate::words::fault::Fault;

impl RollbackArgs {
    /// Returns what changes, in the flags of `bump-values`.
    pub fn what(&self) -> WhatArgs {
        WhatArgs {
            app: vec![self.app.clone()],
            env: Some(self.env.clone()),
            ..WhatArgs::default()
        }
    }
}

impl Request {
    /// Parses the flags of `rollback`. That the older value replaces a newer one is what is asked for.
    ///
    /// # Errors
    /// A fault of kind `Invalid` that names the flag that is wrong.
    pub fn rollback(args: RollbackArgs, inputs: &Inputs) -> Result<Self, Fault> {
        let past = Past {
            app: args.app.parse()?,
            env: args.env.parse()?,
            to: when(&args.to)?,
        };
        let bump = BumpValuesArgs {
            what: args.what(),
            config_repo: args.config_repo,
            publish: args.publish,
            pull_request: args.pull_request,
            guard: GuardArgs {
                guard: None,
                on_stale: OnStale::Skip,
                allow_downgrade: true,
            },
            commit: args.commit,
        };
        Self::of_past(bump, inputs, past)
    }
}

fn when(text: &str) -> Result<When, Fault> {
    match text.trim() {
        "previous" => Ok(When::Previous),
        "" => Err(Fault::invalid("--to is empty").hint("give `previous`, a version or a commit")),
        named => Ok(When::Named(named.to_owned())),
    }
}
