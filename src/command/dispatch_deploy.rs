//! `dispatch-deploy`, from its arguments to its receipt.

use anyhow::Context as _;
use jiff::SignedDuration;

use super::cli::CommonArgs;
use super::frame::Frame;
use super::opening::Opening;
use super::receipt::Receipt;
use super::tokens::Role;
use super::{follow, forge};
use crate::plan::Operation;
use crate::plan::dispatch::{Dispatch, Dispatched, Run, Sought};
use crate::steps::dispatch_deploy::{DispatchDeployArgs, Inputs, Request};
use crate::words::fault::{Fault, Kind};
use crate::world::ci::Host;
use crate::world::clock;
use crate::world::env::Environment;
use crate::world::forge::Forge;

/// How far the forge's clock may be behind ours.
const CLOCKS_DIFFER: SignedDuration = SignedDuration::from_mins(5);

/// Runs the command and returns the exit code.
pub(super) fn run(args: &DispatchDeployArgs, common: &CommonArgs, environment: &Environment) -> u8 {
    let frame = Frame::new("dispatch-deploy", common, environment);
    let frame = Frame {
        waits: args.wait,
        ..frame
    };
    frame.run(|opening, receipt| {
        (receipt.app, receipt.env) = (Some(args.app.clone()), args.env.clone());
        dispatch(args, opening, receipt)
    })
}

fn dispatch(
    args: &DispatchDeployArgs,
    opening: &Opening<'_>,
    receipt: &mut Receipt,
) -> anyhow::Result<Receipt> {
    let inputs = Inputs {
        source: Host::of(opening.environment)
            .map(|host| host.source(opening.environment))
            .unwrap_or_default(),
        id: clock::random_word(),
    };
    let request = Request::new(args.clone(), &inputs)?;
    let ends = Ends::open(&request, args.wait, opening)?;
    let dispatch = request.dispatch(&ends.reference(&request)?, ends.writer.only_triggers())?;
    receipt.new = request.version();
    if opening.common.dry_run {
        return Ok(Receipt {
            operation: Operation::Created,
            changed: true,
            request: Some(ends.writer.draft(&dispatch)),
            story: Some(format!(
                "dry run: would dispatch {} to {}; nothing was sent",
                request.what(),
                request.to
            )),
            ..receipt.clone()
        });
    }
    let run = send(&request, &dispatch, &ends, args.wait, opening)?;
    let mut story = format!("dispatched {} to {}", request.what(), request.to);
    if let Some(run) = &run {
        (receipt.run_id, receipt.run_url) = (Some(run.id), Some(run.url.clone()));
        opening.console.say(&format!("run: {}", run.url.escape_debug()));
        if args.wait {
            follow::follow(ends.reader(), run, opening.deadline, opening.console)
                .context("the dispatch was accepted, but what it started is not done")?;
            story.push_str("; its run succeeded");
        }
    } else {
        receipt.reason = Some(format!(
            "GitHub does not tell which run a {} starts; --wait finds it",
            request.event()
        ));
    }
    Ok(Receipt {
        operation: Operation::Created,
        changed: true,
        story: Some(story),
        ..receipt.clone()
    })
}

/// Sends the dispatch, and returns the run that it started as far as that is known.
fn send(
    request: &Request,
    dispatch: &Dispatch,
    ends: &Ends,
    wait: bool,
    opening: &Opening<'_>,
) -> anyhow::Result<Option<Run>> {
    let sought = Sought {
        event: request.event(),
        since: clock::now() - CLOCKS_DIFFER,
        id: request.id.clone(),
    };
    let find = || follow::find(ends.reader(), &sought, opening.deadline, opening.console);
    match ends.writer.dispatch(dispatch)? {
        Dispatched::Started(run) => Ok(Some(run)),
        Dispatched::Accepted if wait => {
            opening
                .console
                .say("accepted; looking for the run that it starts");
            let found = find().context("the dispatch was accepted, but its run cannot be looked for")?;
            found.map(Some).ok_or_else(|| not_started().into())
        }
        Dispatched::Accepted => Ok(None),
        Dispatched::Unclear(lost) => {
            opening.console.say(&format!(
                "the answer was lost ({}); looking for the run",
                lost.message
            ));
            // Whatever the look-up meets, what the user has to know is that nobody knows.
            let found = find().unwrap_or_else(|fault| {
                opening.console.detail(&fault.to_string());
                None
            });
            found.map(Some).ok_or_else(|| unclear(&lost, request).into())
        }
    }
}

fn not_started() -> Fault {
    Fault::new(Kind::GaveUp, "the dispatch was accepted, but no run started").hint(
        "is the workflow on the default branch, and does its `run-name` show the payload's id? \
         For example: `run-name: deploy ${{ github.event.client_payload.id }}`",
    )
}

fn unclear(lost: &Fault, request: &Request) -> Fault {
    Fault::new(
        Kind::GaveUp,
        format!(
            "the dispatch may or may not have been accepted, and it is not sent twice: {}",
            lost.message
        ),
    )
    .hint(format!(
        "look at the runs of {}; if there is none for this, run it again",
        request.to
    ))
}

/// The forge, as it is asked to run, and as it is read.
struct Ends {
    writer: Forge,
    /// Only where the writer's credential reads nothing.
    reader: Option<Forge>,
}

impl Ends {
    /// Opens both ends.
    ///
    /// # Errors
    /// `Invalid` where nothing could be read of the run that is to be waited for.
    fn open(request: &Request, wait: bool, opening: &Opening<'_>) -> anyhow::Result<Self> {
        let writer = forge::open(&request.to, Role::Target, opening)?;
        let reader = if writer.only_triggers() {
            Some(forge::open(&request.to, Role::Reader, opening)?)
        } else {
            None
        };
        let ends = Self { writer, reader };
        if wait && ends.reader.as_ref().is_some_and(Forge::is_anonymous) {
            return Err(
                Fault::invalid("--wait has to read the pipeline, and the token can only trigger it").hint(
                    "give a token of scope read_api beside it: GITLAB_TOKEN, or GITOPS_STEPS_TOKEN with the trigger \
                     token in --token-file",
                )
                .into(),
            );
        }
        Ok(ends)
    }

    fn reader(&self) -> &Forge {
        self.reader.as_ref().unwrap_or(&self.writer)
    }

    /// Returns the branch or tag that the dispatch names; empty where it names none.
    fn reference(&self, request: &Request) -> anyhow::Result<String> {
        if !request.needs_reference() {
            return Ok(String::new());
        }
        if let Some(reference) = request.reference() {
            return Ok(reference.to_owned());
        }
        self.reader()
            .default_branch()
            .map_err(|fault| Fault {
                hint: Some("name the branch or tag with --ref".to_owned()),
                ..fault
            })
            .context("cannot tell on which branch it is to run")
    }
}
