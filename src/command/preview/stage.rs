//! What bringing up, tearing down and clearing away have in common: the app's forge, the config repo, and their receipt.

use std::fmt;
use std::sync::Arc;

use super::{change_request, repo};
use crate::command::cli::CommonArgs;
use crate::command::console::Console;
use crate::command::opening::Opening;
use crate::command::receipt::Receipt;
use crate::command::tokens::Role;
use crate::command::{deliver, finish, forge};
use crate::plan::Operation;
use crate::plan::open_request::{OpenRequest, OpenRequests};
use crate::steps::args::{ConfigRepoArgs, GuardArgs, PublishArg, PullRequestArgs};
use crate::steps::bump_values::{BumpValuesArgs, Request, WhatArgs, WholeFiles, WholeWay};
use crate::steps::preview::{Nothing, PreviewPublishArgs};
use crate::words::address::RepoAddress;
use crate::words::change_request_event::ChangeRequestEvent;
use crate::words::fault::Fault;
use crate::words::forge_repo::ForgeRepo;
use crate::world::ci::Host;
use crate::world::clock::Deadline;
use crate::world::env::Environment;
use crate::world::forge::Forge;

/// What a run has at hand.
pub(super) struct Stage<'a> {
    pub(super) common: &'a CommonArgs,
    pub(super) environment: &'a Environment,
    pub(super) console: &'a Arc<Console>,
    /// When to give up.
    pub(super) deadline: Deadline,
}

/// Runs what makes a receipt, from the flags that all commands have to the exit code.
pub(super) fn run(
    command: &'static str,
    common: &CommonArgs,
    environment: &Environment,
    perform: impl FnOnce(&Stage<'_>, &mut Receipt) -> anyhow::Result<Receipt>,
) -> u8 {
    let console = Arc::new(Console::new(Some(common), environment, Host::of(environment)));
    let mut receipt = Receipt::new(command, Operation::Failed);
    receipt.dry_run = common.dry_run;
    let mut common = common.clone();
    let outcome = finish::check_places(&mut common).and_then(|()| {
        let stage = Stage {
            common: &common,
            environment,
            console: &console,
            deadline: common.deadline(false)?,
        };
        perform(&stage, &mut receipt)
    });
    finish::finish(outcome, receipt, &common, environment, &console)
}

/// The folders of a config repo that a run is about.
pub(super) struct Place<'a> {
    /// Which config repo.
    pub(super) config_repo: &'a ConfigRepoArgs,
    /// How a change of it is published.
    pub(super) how: &'a PreviewPublishArgs,
}

impl Stage<'_> {
    /// What opening a repository needs.
    fn opening(&self) -> Opening<'_> {
        Opening {
            common: self.common,
            environment: self.environment,
            deadline: self.deadline,
            console: self.console,
        }
    }

    pub(super) fn repo(&self, named: Option<&str>) -> Result<ForgeRepo, Fault> {
        repo(named, self.environment)
    }

    pub(super) fn change_request(
        &self,
        from_event: Option<&str>,
    ) -> anyhow::Result<Option<ChangeRequestEvent>> {
        change_request(from_event, self.environment)
    }

    /// Opens the forge of the app's repository; a config repo has a token of its own.
    pub(super) fn forge(&self, repo: &ForgeRepo, place: Option<&Place<'_>>) -> anyhow::Result<Arc<Forge>> {
        let opening = self.opening();
        let forge = match place {
            Some(place) => forge::open_beside(
                repo,
                &RepoAddress::parse(&place.config_repo.config_repo)?,
                &opening,
            )?,
            None => forge::open(repo, Role::Target, &opening)?,
        };
        Ok(Arc::new(forge))
    }

    /// Carries folders that come or go to the config repo.
    pub(super) fn deliver(
        &self,
        place: &Place<'_>,
        files: Arc<dyn WholeFiles>,
        subject: String,
        head_branch: String,
        receipt: &mut Receipt,
    ) -> anyhow::Result<Receipt> {
        if place.how.publish.publish == PublishArg::PullRequest {
            return Err(
                Fault::invalid("a preview is not proposed by a pull request of its own")
                    .hint("leave --publish out, or give push or files")
                    .into(),
            );
        }
        let address = RepoAddress::parse(&place.config_repo.config_repo)?;
        let what = WhatArgs::default();
        let inputs = deliver::inputs(&what, &address, self.environment)?;
        let args = BumpValuesArgs {
            what,
            config_repo: place.config_repo.clone(),
            publish: place.how.publish.clone(),
            pull_request: PullRequestArgs::default(),
            guard: GuardArgs::default(),
            commit: place.how.commit.clone(),
        };
        let way = WholeWay {
            files,
            subject,
            head_branch,
        };
        let request = Request::of_whole(args, &inputs, way)?;
        let branch = place.config_repo.branch.as_deref();
        deliver::deliver(
            &request,
            &address,
            branch,
            self.common,
            self.environment,
            self.console,
            receipt,
        )
    }
}

/// Tells that nothing is to be done.
pub(super) fn nothing(receipt: &Receipt, Nothing { operation, reason }: Nothing) -> Receipt {
    Receipt {
        operation,
        story: (operation == Operation::Superseded).then(|| format!("superseded: {reason}")),
        reason: Some(reason),
        ..receipt.clone()
    }
}

/// A forge that is asked which pull requests are open.
pub(super) struct Asked(pub(super) Arc<Forge>);

impl fmt::Debug for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Asked")
    }
}

impl OpenRequests for Asked {
    fn open_requests(&self) -> Result<Vec<OpenRequest>, Fault> {
        self.0.open_requests()
    }
}
