//! `open-promotion-pr`: a change request that takes versions from one environment to another.

mod args;
mod proof;

pub use args::OpenPromotionPrArgs;
pub use proof::{Proof, Required};

use crate::steps::args::{PublishArg, PublishArgs};
use crate::steps::bump_values::{BumpValuesArgs, Inputs, Promotion, Request};
use crate::words::fault::Fault;

impl Request {
    /// Parses the flags of `open-promotion-pr` and what came with them: the values that were named, or those that
    /// another environment has.
    ///
    /// # Errors
    /// A fault of kind `Invalid` that names the flag, or the field of the event, that is wrong.
    pub fn promotion(args: OpenPromotionPrArgs, inputs: &Inputs) -> Result<Self, Fault> {
        let what = &args.what;
        let names_values = what.resolve
            || what.image.is_some()
            || what.tag.is_some()
            || what.digest.is_some()
            || !what.file.is_empty()
            || what.changes.is_some()
            || what.from_event.is_some();
        if names_values && args.from_env.is_some() {
            return Err(
                Fault::invalid("--from-env and a new value are two ways to say what changes")
                    .hint("leave one of them out"),
            );
        }
        let required = Required::parse(args.require_deployment.as_deref(), args.min_soak.as_deref())?;
        let from_env = args.from_env.as_deref().map(str::parse).transpose()?;
        let group = args.group.as_deref().map(str::parse).transpose()?;
        let promotion = match (names_values, &what.env) {
            (true, _) => None,
            (false, Some(env)) => Some(Promotion {
                apps: apps(&what.app)?,
                from: from_env.clone(),
                env: env.parse()?,
            }),
            (false, None) => {
                return Err(Fault::invalid("nothing says what to promote, and where to").hint(
                    "give --env and --app, with --from-env or --tag; or --file with --set; or --from-event",
                ));
            }
        };
        let bump = BumpValuesArgs {
            what: args.what,
            config_repo: args.config_repo,
            publish: PublishArgs {
                publish: PublishArg::PullRequest,
                override_policy: None,
            },
            pull_request: args.pull_request,
            guard: args.guard,
            commit: args.commit,
        };
        let mut request = match promotion {
            Some(promotion) => Self::of_promotion(bump, inputs, promotion)?,
            None => Self::new(bump, inputs)?,
        };
        (request.group, request.required, request.from_env) = (group, required, from_env);
        if request.nothing().is_none() {
            request.head_branch()?;
        }
        Ok(request)
    }
}

/// The apps that were named; none for `*`.
fn apps(named: &[String]) -> Result<Vec<crate::words::name::AppName>, Fault> {
    match named {
        [] => {
            Err(Fault::invalid("--app is missing")
                .hint("name the app, or give --app '*' for all that differ"))
        }
        [all] if all == "*" => Ok(Vec::new()),
        named => named.iter().map(|name| name.parse()).collect(),
    }
}
