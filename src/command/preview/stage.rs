//! What bringing up, tearing down and clearing away have in common: the app's forge, the config repo, and their receipt.

use std::fmt;
use std::sync::Arc;

use super::{change_request, repo};
use crate::command::cli::CommonArgs;
use crate::command::frame::Frame;
use crate::command::opening::Opening;
use crate::command::receipt::Receipt;
use crate::command::tokens::Role;
use crate::command::{deliver, forge};
use crate::plan::Operation;
use crate::plan::open_request::{OpenRequest, OpenRequests};
use crate::steps::args::{GuardArgs, PublishArg, PullRequestArgs};
use crate::steps::bump_values::{BumpValuesArgs, Request, WhatArgs, WholeFiles, WholeWay};
use crate::steps::preview::{Nothing, PlaceArgs};
use crate::words::address::RepoAddress;
use crate::words::change_request_event::ChangeRequestEvent;
use crate::words::fault::Fault;
use crate::words::forge_repo::ForgeRepo;
use crate::world::env::Environment;
use crate::world::forge::Forge;

/// What a run has at hand.
pub(super) struct Stage<'a>(pub(super) &'a Opening<'a>);

/// Runs what makes a receipt, from the flags that all commands have to the exit code.
pub(super) fn run(
    command: &'static str,
    common: &CommonArgs,
    environment: &Environment,
    perform: impl FnOnce(&Stage<'_>, &mut Receipt) -> anyhow::Result<Receipt>,
) -> u8 {
    Frame::new(command, common, environment).run(|opening, receipt| perform(&Stage(opening), receipt))
}

impl Stage<'_> {
    pub(super) fn repo(&self, named: Option<&str>) -> Result<ForgeRepo, Fault> {
        repo(named, self.0.environment)
    }

    pub(super) fn change_request(
        &self,
        from_event: Option<&str>,
    ) -> anyhow::Result<Option<ChangeRequestEvent>> {
        change_request(from_event, self.0.environment)
    }

    /// Opens the forge of the app's repository; a config repo has a token of its own.
    pub(super) fn forge(&self, repo: &ForgeRepo, place: Option<&PlaceArgs>) -> anyhow::Result<Arc<Forge>> {
        let forge = match place {
            Some(place) => {
                forge::open_beside(repo, &RepoAddress::parse(&place.config_repo.config_repo)?, self.0)?
            }
            None => forge::open(repo, Role::Target, self.0)?,
        };
        Ok(Arc::new(forge))
    }

    /// Carries folders that come or go to the config repo.
    pub(super) fn deliver(
        &self,
        place: &PlaceArgs,
        files: Arc<dyn WholeFiles>,
        subject: String,
        head_branch: String,
        receipt: &mut Receipt,
    ) -> anyhow::Result<Receipt> {
        if place.publish.publish == PublishArg::PullRequest {
            return Err(
                Fault::invalid("a preview is not proposed by a pull request of its own")
                    .hint("leave --publish out, or give push or files")
                    .into(),
            );
        }
        let address = RepoAddress::parse(&place.config_repo.config_repo)?;
        let what = WhatArgs::default();
        let inputs = deliver::inputs(&what, &address, self.0.environment)?;
        let args = BumpValuesArgs {
            what,
            config_repo: place.config_repo.clone(),
            publish: place.publish.clone(),
            pull_request: PullRequestArgs::default(),
            guard: GuardArgs::default(),
            commit: place.commit.clone(),
        };
        let way = WholeWay {
            files,
            subject,
            head_branch,
        };
        let request = Request::of_whole(args, &inputs, way)?;
        let branch = place.config_repo.branch.as_deref();
        deliver::deliver(&request, &address, branch, self.0, receipt)
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
