//! `preview down`: the end of a preview.

use std::sync::Arc;

use anyhow::Context as _;

use super::stage::{self, Asked, Stage, nothing};
use crate::command::cli::CommonArgs;
use crate::command::receipt::Receipt;
use crate::plan::Operation;
use crate::plan::open_request::OpenRequests as _;
use crate::steps::preview::{DownArgs, DownFolder, Naming, NamingArgs, Nothing, Pattern, Subject, Teardown};
use crate::words::change_request_event::read_label;
use crate::words::name::AppName;
use crate::words::wording::shown;
use crate::world::env::Environment;
use crate::world::forge::Forge;

pub(super) fn run(args: &DownArgs, common: &CommonArgs, environment: &Environment) -> u8 {
    stage::run("preview down", common, environment, |stage, receipt| {
        receipt.app.clone_from(&args.folder.app);
        perform(args, stage, receipt)
    })
}

fn perform(args: &DownArgs, stage: &Stage<'_>, receipt: &mut Receipt) -> anyhow::Result<Receipt> {
    let repo = stage.repo(args.requests.repo.as_deref())?;
    let event = stage.change_request(args.subject.from_event.as_deref())?;
    let app: Option<AppName> = args.folder.app.as_deref().map(str::parse).transpose()?;
    let naming = NamingArgs {
        slugs: args.slugs.clone(),
        ..NamingArgs::default()
    };
    let mut teardown = Teardown {
        subject: Subject::of(&args.subject, None, event, &repo)?,
        naming: Naming::new(&naming)?,
        label: read_label(&args.requests.label)?,
    };
    let environment = Pattern::of_environment(&args.environment.env, app.as_ref())?;
    let folder = args
        .folder
        .folder
        .as_deref()
        .map(|folder| Pattern::of_folder(folder, app.as_ref()))
        .transpose()?;
    if let Some(why) = teardown.by_event() {
        return Ok(nothing(receipt, why));
    }
    let forge = stage.forge(&repo, folder.is_some().then_some(&args.place))?;
    if let (None, Some(number)) = (&teardown.subject.branch, teardown.subject.number) {
        teardown.subject.branch = forge.branch_of_request(number)?;
        if teardown.subject.branch.is_none() {
            let reason =
                format!("pull request {number} does not exist, or comes from a fork, which has no preview");
            let operation = Operation::Skipped;
            return Ok(nothing(receipt, Nothing { operation, reason }));
        }
    }
    let asked = Asked(Arc::clone(&forge));
    let going = match teardown.look(&asked.open_requests()?) {
        Ok(going) => going,
        Err(why) => return Ok(nothing(receipt, why)),
    };
    receipt.old = going.slugs.first().map(ToString::to_string);
    receipt.env = going.slugs.first().map(|slug| environment.of(slug));
    receipt.warnings.extend(going.warnings.iter().cloned());
    let name = receipt.old.clone().unwrap_or_default();
    let mut done = match folder {
        Some(folder) if !going.slugs.is_empty() => {
            let files = DownFolder {
                teardown: teardown.clone(),
                requests: Arc::new(Asked(Arc::clone(&forge))),
                folder,
            };
            let subject = format!("preview({name}): down, of {}", repo.path());
            let gone = stage.deliver(
                &args.place,
                Arc::new(files),
                subject,
                format!("preview/{name}"),
                receipt,
            )?;
            if gone.operation == Operation::Skipped {
                return Ok(gone);
            }
            Receipt {
                old: receipt.old.clone(),
                new: None,
                ..gone
            }
        }
        _ => Receipt {
            operation: Operation::Unchanged,
            ..receipt.clone()
        },
    };
    if !args.environment.no_deployment {
        let names: Vec<String> = going.slugs.iter().map(|slug| environment.of(slug)).collect();
        end(
            &forge,
            &names,
            "its pull request has no preview any more",
            &mut done,
        )?;
    }
    if !done.changed {
        let branch = teardown.subject.branch.as_deref().unwrap_or_default();
        let none = format!("there is no preview of `{}` to tear down", shown(branch));
        done.reason = Some(going.warnings.first().cloned().unwrap_or(none));
    }
    Ok(done)
}

/// Ends what stands in environments, and tells the receipt; returns those in which something stood.
pub(super) fn end(
    forge: &Forge,
    environments: &[String],
    why: &str,
    done: &mut Receipt,
) -> anyhow::Result<Vec<String>> {
    let mut ended = Vec::new();
    for environment in environments {
        let name = shown(environment);
        let standing = forge
            .standing(environment)
            .with_context(|| format!("cannot tell what stands in `{name}`"))?;
        for one in &standing {
            done.deployment_id = done.deployment_id.or(one.deployment());
            if !done.dry_run {
                forge
                    .end(one, why)
                    .with_context(|| format!("cannot end what stands in `{name}`"))?;
            }
        }
        if !standing.is_empty() {
            ended.push(environment.clone());
        }
    }
    let mut stories = Vec::new();
    if done.changed {
        let what = done.what();
        stories.push(match (&done.commit, done.dry_run) {
            (Some(commit), _) => format!("removed {what}; pushed {}", commit.get(..12).unwrap_or(commit)),
            (None, true) => format!("dry run: would remove {what}"),
            (None, false) => format!("removed {what}"),
        });
    }
    if !ended.is_empty() {
        done.changed = true;
        if done.operation == Operation::Unchanged {
            done.operation = Operation::Updated;
        }
        let names: Vec<String> = ended.iter().map(|name| format!("`{}`", shown(name))).collect();
        let names = names.join(", ");
        stories.push(if done.dry_run {
            format!("dry run: would end what stands in {names}")
        } else {
            format!("ended what stood in {names}")
        });
    }
    if !stories.is_empty() {
        (done.story, done.reason) = (Some(stories.join("; ")), None);
    }
    Ok(ended)
}
