//! `preview up`: the folder of a preview, and its deployment.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::stage::{self, Asked, Stage, nothing};
use crate::command::cli::CommonArgs;
use crate::command::deployment_status::ci_run;
use crate::command::deployment_status::record::Records;
use crate::command::receipt::Receipt;
use crate::plan::Operation;
use crate::plan::deployment::{DeploymentState, NewStatus};
use crate::plan::open_request::OpenRequests as _;
use crate::steps::deployment_status::{Request, Target};
use crate::steps::preview::{Naming, Nothing, Pattern, PlaceArgs, Preview, Subject, UpArgs, UpFolder, Watch};
use crate::words::change_request_event::read_label;
use crate::words::fault::Fault;
use crate::words::folder_template::Values;
use crate::words::forge_repo::ForgeRepo;
use crate::words::image::{ImageRef, Tag};
use crate::words::name::AppName;
use crate::words::payload::read_url;
use crate::world::ci::Host;
use crate::world::clock;
use crate::world::env::Environment;
use crate::world::forge::Forge;

pub(super) fn run(args: &UpArgs, common: &CommonArgs, environment: &Environment) -> u8 {
    stage::run("preview up", common, environment, |stage, receipt| {
        receipt.app.clone_from(&args.app);
        Up { args, stage }.perform(receipt)
    })
}

/// The pauses between two looks, where a forge may not show yet what it has just told by an event.
const PAUSES: [Duration; 3] = [
    Duration::from_millis(300),
    Duration::from_millis(700),
    Duration::from_secs(2),
];

struct Up<'a> {
    args: &'a UpArgs,
    stage: &'a Stage<'a>,
}

impl Up<'_> {
    fn perform(&self, receipt: &mut Receipt) -> anyhow::Result<Receipt> {
        let args = self.args;
        let repo = self.stage.repo(args.requests.repo.as_deref())?;
        let event = self.stage.change_request(args.subject.from_event.as_deref())?;
        let app: Option<AppName> = args.app.as_deref().map(str::parse).transpose()?;
        let watch = Watch {
            subject: Subject::of(&args.subject, args.sha.as_deref(), event, &repo)?,
            naming: Naming::new(&args.naming)?,
            environment: Pattern::of_environment(&args.environment.env, app.as_ref())?,
            label: read_label(&args.requests.label)?,
            values: values(args, app.as_ref())?,
        };
        let folder = args
            .folder
            .as_deref()
            .map(|folder| Pattern::of_folder(folder, app.as_ref()));
        let folder = folder.transpose()?;
        let log_url = args.log_url.as_deref().map(read_url).transpose()?;
        if let Some(why) = watch.by_event() {
            return Ok(nothing(receipt, why));
        }
        let forge = self.stage.forge(&repo, folder.is_some().then_some(&args.place))?;
        let files = match (folder, &args.template) {
            (Some(folder), Some(template)) => {
                let asked = Arc::new(Asked(Arc::clone(&forge)));
                Some(UpFolder::new(watch.clone(), asked, template, folder)?)
            }
            _ => None,
        };
        let asked = Asked(Arc::clone(&forge));
        let preview = match self.look(&watch, &asked)? {
            Ok(preview) => preview,
            Err(why) => return Ok(nothing(receipt, why)),
        };
        receipt.env = Some(preview.environment.clone());
        receipt.new = Some(preview.slug.to_string());
        receipt.environment_url = preview.values.get("url").cloned();
        receipt.warnings.extend(preview.warning.clone());
        let mut done = match files {
            Some(files) => self.deliver(&args.place, files, &preview, &repo, receipt)?,
            None => Receipt {
                operation: Operation::Unchanged,
                ..receipt.clone()
            },
        };
        if matches!(done.operation, Operation::Skipped | Operation::Superseded) {
            (done.new, done.environment_url) = (None, None);
            return Ok(done);
        }
        if !args.environment.no_deployment {
            // What was gone before the push was not pushed; what went meanwhile gets no deployment either.
            if done.changed
                && !done.dry_run
                && let Err(why) = watch.look(&asked.open_requests()?)?
            {
                done.warnings.push(format!(
                    "{}; its folder was pushed before: tear it down with `preview down`",
                    why.reason
                ));
                return Ok(done);
            }
            self.record(&forge, &repo, &preview, log_url, &mut done)
                .with_context(|| format!("cannot record the deployment of the preview `{}`", preview.slug))?;
        }
        Ok(done)
    }

    /// Looks at what is open. Right after an event a forge may still show what was before it: another commit, no label. So
    /// that is believed only when it is there for longer.
    fn look(&self, watch: &Watch, asked: &Asked) -> anyhow::Result<Result<Preview, Nothing>> {
        let heard = watch.subject.event.is_some();
        for pause in PAUSES {
            match watch.look(&asked.open_requests()?)? {
                Err(_) if heard && clock::sleep_within(pause, self.stage.0.deadline) => {}
                seen => return Ok(seen),
            }
        }
        Ok(watch.look(&asked.open_requests()?)?)
    }

    /// Makes the folder, or brings it up to date.
    fn deliver(
        &self,
        place: &PlaceArgs,
        files: UpFolder,
        preview: &Preview,
        repo: &ForgeRepo,
        receipt: &mut Receipt,
    ) -> anyhow::Result<Receipt> {
        let number = preview.values.get("pr").map_or("", String::as_str);
        let subject = format!(
            "preview({}): up, for pull request {number} of {}",
            preview.slug,
            repo.path()
        );
        let head_branch = format!("preview/{}", preview.slug);
        let made = self
            .stage
            .deliver(place, Arc::new(files), subject, head_branch, receipt)?;
        Ok(Receipt {
            old: None,
            new: Some(preview.slug.to_string()),
            ..made
        })
    }

    /// Records the deployment of the commit, unless it has one that stands: how that goes, others may have told since.
    fn record(
        &self,
        forge: &Forge,
        repo: &ForgeRepo,
        preview: &Preview,
        log_url: Option<String>,
        done: &mut Receipt,
    ) -> anyhow::Result<()> {
        let environment = self.stage.0.environment;
        let host = Host::of(environment);
        let source = host.map(|host| host.source(environment)).unwrap_or_default();
        let first = NewStatus {
            state: self
                .args
                .state
                .map_or(DeploymentState::InProgress, DeploymentState::from),
            environment_url: preview.values.get("url").cloned(),
            log_url: log_url.or(source.run_url),
            description: self.args.description.clone(),
        };
        let target = Target {
            id: None,
            environment: Some(preview.environment.clone()),
            sha: Some(preview.sha.clone()),
            reference: None,
            made_for: Some(preview.branch.clone()),
        };
        let request = Request::of_preview(repo.clone(), target, first.clone(), ci_run(host, environment));
        done.warnings.extend(request.warnings.iter().cloned());
        let records = Records::of(&request, forge, done.dry_run);
        let mut told = Receipt {
            dry_run: done.dry_run,
            ..Receipt::new(done.command, Operation::Unchanged)
        };
        let found = records.find()?;
        let latest = found
            .as_ref()
            .map(|found| forge.deployment_status(found))
            .transpose()?
            .flatten();
        let status = request.status(first.state, None);
        match (found, latest) {
            (Some(found), Some(latest)) if latest.state != DeploymentState::Inactive => {
                let state = self.args.state.map_or(latest.state, DeploymentState::from);
                records.record(&found, false, &request.status(state, None), &mut told)?;
            }
            (Some(found), None) => {
                records.record(&found, false, &status, &mut told)?;
            }
            // A preview that was torn down comes back as a new deployment: an ended one is not led back.
            _ => {
                if let Some((made, fresh)) = records.when_missing(&status, &mut told)? {
                    records.record(&made, fresh, &status, &mut told)?;
                    records.end_older(&made, &mut told);
                }
            }
        }
        join(done, told);
        Ok(())
    }
}

/// Brings what became of the folder and of the deployment together.
fn join(done: &mut Receipt, told: Receipt) {
    let rank = |operation| match operation {
        Operation::Created => 2,
        Operation::Updated => 1,
        _ => 0,
    };
    let carried = done.story.take();
    let folder = done.changed.then(|| match (&done.commit, done.dry_run) {
        (Some(commit), _) => format!(
            "pushed {} to {}",
            commit.get(..12).unwrap_or(commit),
            done.branch.as_deref().unwrap_or("the branch")
        ),
        (None, true) => format!("dry run: would change {}", done.what()),
        (None, false) => format!("changed {}", done.what()),
    });
    let stories: Vec<String> = carried.or(folder).into_iter().chain(told.story).collect();
    if !stories.is_empty() {
        let slug = done.new.as_deref().unwrap_or_default();
        let address = done.environment_url.as_ref().map(|url| format!(" at {url}"));
        let address = address.unwrap_or_default();
        done.story = Some(format!("preview `{slug}`{address}: {}", stories.join("; ")));
    }
    if rank(told.operation) > rank(done.operation) {
        done.operation = told.operation;
    }
    done.changed |= told.changed;
    done.deployment_id = told.deployment_id;
    done.warnings.extend(told.warnings);
    done.reason = match (done.changed, done.reason.take(), told.reason) {
        (true, ..) => None,
        (false, Some(folder), Some(deployment)) => Some(format!("{folder}; {deployment}")),
        (false, folder, deployment) => folder.or(deployment),
    };
}

/// What the holes stand for that flags give.
fn values(args: &UpArgs, app: Option<&AppName>) -> Result<Values, Fault> {
    let image: Option<ImageRef> = args.image.as_deref().map(str::parse).transpose()?;
    let tag: Option<Tag> = args.tag.as_deref().map(str::parse).transpose()?;
    let (name, of_image) = image.map_or((None, None), |image| (Some(image.name), image.tag));
    if let (Some(tag), Some(other)) = (&tag, &of_image)
        && tag != other
    {
        return Err(
            Fault::invalid(format!("--tag says `{tag}`, and --image says `{other}`")).hint("say it once"),
        );
    }
    let known = [
        ("app", app.map(ToString::to_string)),
        ("image", name.map(|name| name.to_string())),
        ("tag", tag.or(of_image).map(|tag| tag.to_string())),
    ];
    Ok(known
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)))
        .collect())
}
