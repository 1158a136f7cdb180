//! Finds or makes the deployment that is meant, records a state of it, and ends older ones.

use anyhow::Context as _;

use super::Run;
use crate::command::receipt::Receipt;
use crate::plan::Operation;
use crate::plan::deployment::{Deployment, DeploymentState, NewStatus, Sought};
use crate::steps::deployment_status::follow::{self, Next};
use crate::steps::deployment_status::{IfNoDeployment, Request, which};
use crate::words::fault::Fault;
use crate::words::wording::shown;
use crate::world::clock;
use crate::world::forge::Forge;

/// How many older deployments are looked at when one succeeds.
const LOOKED_AT: usize = 20;

/// The deployments of one repository, as one request sees them.
pub(in crate::command) struct Records<'a> {
    pub(super) forge: &'a Forge,
    pub(super) request: &'a Request,
    dry_run: bool,
}

impl<'a> Records<'a> {
    pub(super) fn new(run: &Run<'a>, forge: &'a Forge) -> Self {
        Self::of(run.request, forge, run.common.dry_run)
    }

    /// The deployments of a repository, as a request sees them.
    pub(in crate::command) fn of(request: &'a Request, forge: &'a Forge, dry_run: bool) -> Self {
        Self {
            forge,
            request,
            dry_run,
        }
    }

    /// Returns the deployment that is meant, and whether it was just made with `first`; `None` where nothing is left
    /// to be done, which the receipt then says.
    pub(super) fn find_or_make(
        &self,
        first: &NewStatus,
        receipt: &mut Receipt,
    ) -> anyhow::Result<Option<(Deployment, bool)>> {
        if !self.request.create
            && let Some(found) = self.find().context("cannot find the deployment")?
        {
            return Ok(Some((found, false)));
        }
        self.when_missing(first, receipt)
    }

    /// Does what the flags say where there is no deployment: makes it with `first`, fails, or lets the receipt say that
    /// nothing is to be done.
    pub(in crate::command) fn when_missing(
        &self,
        first: &NewStatus,
        receipt: &mut Receipt,
    ) -> anyhow::Result<Option<(Deployment, bool)>> {
        // What an id names cannot be made.
        let may_be_made =
            self.request.if_missing == IfNoDeployment::Create && self.request.target.id.is_none();
        if self.request.create || may_be_made {
            return self.make(first, receipt);
        }
        let missing = self.missing();
        if self.request.if_missing == IfNoDeployment::Skip {
            receipt.operation = Operation::Skipped;
            receipt.reason = Some(missing.message);
            return Ok(None);
        }
        Err(missing
            .hint("create it with --create or --if-missing create, or leave it with --if-missing skip")
            .into())
    }

    /// Returns the deployment that is meant, if it is there.
    pub(in crate::command) fn find(&self) -> Result<Option<Deployment>, Fault> {
        let target = &self.request.target;
        if let Some(id) = target.id {
            let found = self.forge.deployment(id)?;
            return match (found, &target.environment) {
                (Some(found), Some(environment)) if found.environment != *environment => {
                    Err(Fault::invalid(format!(
                        "deployment {id} is one of the environment `{}`, not of `{}`",
                        shown(&found.environment),
                        shown(environment)
                    ))
                    .hint("leave --env out: the id settles it"))
                }
                (found, _) => Ok(found),
            };
        }
        let sought = self.request.sought();
        let all = self.listed(&sought)?;
        Ok(which::choose(&all, &sought)?.cloned())
    }

    /// Returns the deployments among which one is sought. A reference can be a slug, so it is not asked for.
    pub(super) fn listed(&self, sought: &Sought) -> Result<Vec<Deployment>, Fault> {
        let mut all = self.forge.deployments(&Sought {
            reference: None,
            ..sought.clone()
        })?;
        all.retain(|one| self.forge.takes_states_of(one));
        Ok(all)
    }

    /// Makes a deployment; `None` in a dry run.
    fn make(&self, first: &NewStatus, receipt: &mut Receipt) -> anyhow::Result<Option<(Deployment, bool)>> {
        let new = self.request.new_deployment(clock::random_word())?;
        (receipt.operation, receipt.changed) = (Operation::Created, true);
        receipt.new = Some(first.state.word().to_owned());
        receipt.environment_url.clone_from(&first.environment_url);
        let what = format!(
            "a deployment of `{}` to `{}`",
            shown(&new.reference),
            shown(&new.environment)
        );
        if self.dry_run {
            receipt.story = Some(format!("dry run: would create {what}, {}", first.state.word()));
            return Ok(None);
        }
        let made = self
            .forge
            .create_deployment(&new, first)
            .with_context(|| format!("cannot create {what}"))?;
        receipt.deployment_id = Some(made.id);
        Ok(Some((made, true)))
    }

    /// Records a state, and tells the receipt; returns the deployment that has it now.
    pub(in crate::command) fn record(
        &self,
        deployment: &Deployment,
        fresh: bool,
        status: &NewStatus,
        receipt: &mut Receipt,
    ) -> anyhow::Result<Option<Deployment>> {
        receipt.deployment_id = Some(deployment.id);
        receipt.env = Some(deployment.environment.clone());
        let name = format!(
            "deployment {} to `{}`",
            deployment.id,
            shown(&deployment.environment)
        );
        let latest = if fresh {
            None
        } else {
            let latest = self.forge.deployment_status(deployment);
            latest.with_context(|| format!("cannot read the state of {name}"))?
        };
        let word = status.state.word();
        receipt.old = latest.as_ref().map(|latest| latest.state.word().to_owned());
        receipt.new = Some(word.to_owned());
        let there = latest.as_ref().and_then(|latest| latest.environment_url.clone());
        receipt.environment_url = status.environment_url.clone().or(there);
        match follow::next(latest.as_ref(), status) {
            Next::There => {
                (receipt.operation, receipt.changed) = (Operation::Unchanged, false);
                receipt.reason = Some(format!("{name} is {word} already"));
                return Ok(Some(deployment.clone()));
            }
            Next::TornDown => {
                let why = format!("{name} is inactive, and is not brought back by a late {word}");
                (receipt.operation, receipt.changed) = (Operation::Skipped, false);
                receipt.new.clone_from(&receipt.old);
                receipt.warnings.push(why.clone());
                receipt.reason = Some(why);
                return Ok(None);
            }
            Next::Record => {}
        }
        if let Some(why) = self.why_it_stands(deployment, status, &name)? {
            (receipt.operation, receipt.changed) = (Operation::Skipped, false);
            receipt.new.clone_from(&receipt.old);
            receipt.reason = Some(why);
            return Ok(None);
        }
        receipt.changed = true;
        if !fresh {
            receipt.operation = Operation::Updated;
        }
        if self.dry_run {
            receipt.story = Some(format!("dry run: would record {word} for {name}"));
            return Ok(Some(deployment.clone()));
        }
        let now = self
            .forge
            .set_deployment_status(deployment, status)
            .with_context(|| format!("cannot record {word} for {name}"))?;
        receipt.deployment_id = Some(now.id);
        let made = if fresh { "created, and " } else { "" };
        receipt.story = Some(format!("{made}{name} is {word} now"));
        if status.state == DeploymentState::Success {
            self.end_older(&now, receipt);
        }
        Ok(Some(now))
    }

    /// Says why a deployment is not ended: where the forge can only end its environment, that may be a newer one's.
    fn why_it_stands(
        &self,
        deployment: &Deployment,
        status: &NewStatus,
        name: &str,
    ) -> anyhow::Result<Option<String>> {
        if status.state != DeploymentState::Inactive {
            return Ok(None);
        }
        let successor = self.forge.successor(deployment);
        let successor = successor.with_context(|| format!("cannot tell whether {name} is the newest"))?;
        Ok(successor.map(|newer| {
            format!("{name} was superseded by deployment {newer}, whose environment is not stopped for it")
        }))
    }

    /// Ends what a success supersedes and the forge leaves standing. The success is recorded by then, so what fails
    /// here is only told.
    pub(in crate::command) fn end_older(&self, ours: &Deployment, receipt: &mut Receipt) {
        if self.forge.keeps_one_deployment_active() {
            return;
        }
        if let Err(fault) = self.try_end_older(ours) {
            receipt.warnings.push(format!(
                "older deployments may still be shown as active: {}",
                fault.message
            ));
        }
    }

    fn try_end_older(&self, ours: &Deployment) -> Result<(), Fault> {
        let all = self.forge.deployments(&Sought {
            environment: Some(ours.environment.clone()),
            ..Sought::default()
        })?;
        for older in follow::passed_over(ours, &all).take(LOOKED_AT) {
            let latest = self.forge.deployment_status(older)?;
            if follow::ends(latest.map(|latest| latest.state)) {
                let inactive = NewStatus {
                    state: DeploymentState::Inactive,
                    environment_url: None,
                    log_url: None,
                    description: Some(format!("superseded by deployment {}", ours.id)),
                };
                self.forge.set_deployment_status(older, &inactive)?;
            }
        }
        Ok(())
    }

    fn missing(&self) -> Fault {
        let target = &self.request.target;
        let repo = &self.request.repo;
        let mut what = match target.id {
            Some(id) => format!("no deployment {id} in {repo}"),
            None => format!("no deployment in {repo}"),
        };
        for (word, value) in [
            (" to", &target.environment),
            (" of", &target.sha),
            (" for", &target.reference),
        ] {
            if let Some(value) = value {
                what = format!("{what}{word} `{}`", shown(value));
            }
        }
        Fault::not_found(format!("there is {what}"))
    }
}
