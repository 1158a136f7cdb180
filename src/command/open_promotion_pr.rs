//! `open-promotion-pr`, from its arguments to its receipt.

use std::sync::Arc;

use super::bump_values::{deliver, in_directory, inputs};
use super::cli::CommonArgs;
use super::console::Console;
use super::finish;
use super::receipt::Receipt;
use crate::plan::Operation;
use crate::steps::bump_values::Request;
use crate::steps::open_promotion_pr::OpenPromotionPrArgs;
use crate::words::address::RepoAddress;
use crate::world::ci::Host;
use crate::world::env::Environment;

/// Runs the command and returns the exit code.
pub(super) fn run(args: &OpenPromotionPrArgs, common: &CommonArgs, environment: &Environment) -> u8 {
    let host = Host::of(environment);
    let console = Arc::new(Console::new(Some(common), environment, host));
    let mut receipt = Receipt::new("open-promotion-pr", Operation::Failed);
    receipt.dry_run = common.dry_run;
    (receipt.app, receipt.env) = (args.what.app.first().cloned(), args.what.env.clone());
    let mut common = common.clone();
    let outcome = finish::check_places(&mut common)
        .and_then(|()| try_open(args, &common, environment, &console, &mut receipt));
    finish::finish(outcome, receipt, &common, environment, &console)
}

fn try_open(
    args: &OpenPromotionPrArgs,
    common: &CommonArgs,
    environment: &Environment,
    console: &Arc<Console>,
    receipt: &mut Receipt,
) -> anyhow::Result<Receipt> {
    let address = RepoAddress::parse(&args.config_repo.config_repo)?;
    let mut args = args.clone();
    in_directory(&mut args.what, &address);
    let branch = args
        .pull_request
        .base
        .clone()
        .or_else(|| args.config_repo.branch.clone());
    let inputs = inputs(&args.what, &address, environment)?;
    let request = Request::promotion(args, &inputs)?;
    deliver(
        &request,
        &address,
        branch.as_deref(),
        common,
        environment,
        console,
        receipt,
    )
}
