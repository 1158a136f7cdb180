//! `preview gc`: what is left over of previews.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::down::end;
use super::stage::{self, Asked, Stage};
use crate::command::cli::CommonArgs;
use crate::command::receipt::Receipt;
use crate::plan::Operation;
use crate::plan::deployment::Sought;
use crate::plan::open_request::OpenRequests as _;
use crate::steps::preview::{GcArgs, GcFolder, LeftOver, Naming, NamingArgs, Pattern};
use crate::words::change_request_event::read_label;
use crate::words::duration;
use crate::words::fault::Fault;
use crate::words::name::AppName;
use crate::words::repo_path::RepoPath;
use crate::words::slug::Slug;
use crate::world::clock;
use crate::world::env::Environment;
use crate::world::forge::Forge;

pub(super) fn run(args: &GcArgs, common: &CommonArgs, environment: &Environment) -> u8 {
    stage::run("preview gc", common, environment, |stage, receipt| {
        receipt.app.clone_from(&args.folder.app);
        perform(args, stage, receipt)
    })
}

fn perform(args: &GcArgs, stage: &Stage<'_>, receipt: &mut Receipt) -> anyhow::Result<Receipt> {
    let repo = stage.repo(args.requests.repo.as_deref())?;
    let app: Option<AppName> = args.folder.app.as_deref().map(str::parse).transpose()?;
    let naming = NamingArgs {
        slugs: args.slugs.clone(),
        ..NamingArgs::default()
    };
    let left_over = LeftOver {
        naming: Naming::new(&naming)?,
        label: read_label(&args.requests.label)?,
        before: args.ttl.as_deref().map(before).transpose()?,
    };
    let environment = Pattern::of_environment(&args.environment.env, app.as_ref())?;
    let folder = args
        .folder
        .folder
        .as_deref()
        .map(|folder| Pattern::of_folder(folder, app.as_ref()))
        .transpose()?;
    let forge = stage.forge(&repo, folder.is_some().then_some(&args.place))?;
    let mut done = match folder.clone() {
        Some(folder) => {
            let files = GcFolder {
                left_over: left_over.clone(),
                requests: Arc::new(Asked(Arc::clone(&forge))),
                folder,
            };
            let subject = format!("preview: remove what no open pull request of {} has", repo.path());
            stage.deliver(
                &args.place,
                Arc::new(files),
                subject,
                "preview/gc".to_owned(),
                receipt,
            )?
        }
        None => Receipt {
            operation: Operation::Unchanged,
            reason: Some("nothing is left over".to_owned()),
            ..receipt.clone()
        },
    };
    let ended = if args.environment.no_deployment {
        Vec::new()
    } else {
        let names = ends(&forge, &environment, &left_over)?;
        end(
            &forge,
            &names,
            "its pull request has no preview any more",
            &mut done,
        )?
    };
    done.old = went(folder.as_ref(), &done.files, &environment, &ended);
    Ok(done)
}

/// Returns the slugs of the previews that went, for programs.
fn went(
    folder: Option<&Pattern>,
    files: &[String],
    environment: &Pattern,
    ended: &[String],
) -> Option<String> {
    let of_file = |file: &String| folder?.slug_above(&RepoPath::parse(file).ok()?);
    let of_folders = files.iter().filter_map(of_file);
    let of_environments = ended.iter().filter_map(|name| environment.slug_in(name));
    let slugs: BTreeSet<Slug> = of_folders.chain(of_environments).collect();
    let names: Vec<&str> = slugs.iter().map(Slug::as_str).collect();
    (!names.is_empty()).then(|| names.join(", "))
}

/// Returns the environments of previews that are left over.
fn ends(forge: &Arc<Forge>, environment: &Pattern, left_over: &LeftOver) -> anyhow::Result<Vec<String>> {
    let names = forge.environments(environment.beginning())?;
    // Asked after the environments: one that stands by then has its pull request in this list.
    let in_use = left_over.in_use(&Asked(Arc::clone(forge)).open_requests()?);
    let mut ends = Vec::new();
    for name in names {
        let Some(slug) = environment.slug_in(&name) else {
            continue;
        };
        if !in_use.contains(&slug) || is_old(forge, &name, left_over)? {
            ends.push(name);
        }
    }
    Ok(ends)
}

/// Whether nobody has touched an environment for too long: its newest deployment was told of last so long ago.
fn is_old(forge: &Forge, environment: &str, left_over: &LeftOver) -> anyhow::Result<bool> {
    if left_over.before.is_none() {
        return Ok(false);
    }
    let all = forge.deployments(&Sought {
        environment: Some(environment.to_owned()),
        ..Sought::default()
    })?;
    let status = match all.first() {
        Some(newest) => forge.deployment_status(newest)?,
        None => None,
    };
    Ok(left_over.is_old(status.and_then(|status| status.since)))
}

fn before(ttl: &str) -> Result<Timestamp, Fault> {
    let ttl = duration::parse("--ttl", ttl)?;
    clock::now().checked_sub(ttl).map_err(|_| {
        Fault::invalid("--ttl reaches back beyond the beginning of time").hint("write it as 72h")
    })
}
