//! `rollback`: a new commit that sets what an environment had before.

mod args;

pub use args::RollbackArgs;

use crate::steps::args::{GuardArgs, OnStale};
use crate::steps::bump_values::{BumpValuesArgs, HoldChange, Inputs, Request, WhatArgs, When};
use crate::words::fault::Fault;
use crate::words::wording::one_line;

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
        let names = (args.app.parse()?, args.env.parse()?);
        let to = match &args.to {
            Some(to) => Some(when(to)?),
            None if args.release_hold => None,
            None => Some(When::Previous),
        };
        let hold = match &args.hold {
            Some(reason) if one_line(reason).is_empty() => {
                return Err(Fault::invalid("--hold is given without a reason")
                    .hint("say why, as in --hold 'leaks memory'"));
            }
            Some(reason) => Some(HoldChange::Set(one_line(reason))),
            None => args.release_hold.then_some(HoldChange::Release),
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
        let mut request = Self::of_past(bump, inputs, names, to)?;
        request.hold = hold;
        Ok(request)
    }
}

fn when(text: &str) -> Result<When, Fault> {
    match text.trim() {
        "previous" => Ok(When::Previous),
        "" => Err(Fault::invalid("--to is empty").hint("give `previous`, a version or a commit")),
        named => Ok(When::Named(named.to_owned())),
    }
}
