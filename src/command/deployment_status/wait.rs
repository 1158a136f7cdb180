//! Waits: for Argo CD, whose view is recorded, or for a state that somebody else records.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;

use super::Run;
use super::record::Records;
use crate::command::cli::CommonArgs;
use crate::command::exit::Failure;
use crate::command::forge;
use crate::command::opening::Opening;
use crate::command::receipt::Receipt;
use crate::command::tokens::{self, Role};
use crate::plan::Operation;
use crate::plan::comparison::Relation;
use crate::plan::deployment::{Deployment, DeploymentState};
use crate::steps::deployment_status::DeploymentStatusArgs;
use crate::steps::deployment_status::health::{self, Ours, Verdict};
use crate::words::duration;
use crate::words::fault::{Fault, Kind};
use crate::words::forge_repo::ForgeRepo;
use crate::words::payload::read_commit;
use crate::words::wording::shown;
use crate::world::argocd::ArgoCd;
use crate::world::clock::{self, Deadline, Stopwatch};
use crate::world::forge::Forge;
use crate::world::forge::access::ForgeAccess;
use crate::world::git_config::GitConfig;
use crate::world::http::Http;

/// The first pause between two looks, and the longest; it grows.
const PAUSE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What is waited for at Argo CD.
struct Wanted {
    /// In full hex; until the deployment is known, empty where no flag names it.
    revision: String,
    image: Option<String>,
    settle: Duration,
    /// Where ancestry is asked; commits that were judged before are not asked again.
    config_repo: Forge,
    judged: Vec<(String, Option<bool>)>,
}

/// How waiting ended.
enum Ending {
    Well,
    Badly(String),
}

impl Run<'_> {
    /// Waits for an application, and records `in_progress` and the end.
    pub(super) fn wait_for_application(
        &self,
        args: &DeploymentStatusArgs,
        name: &str,
        namespace: Option<&str>,
        receipt: &mut Receipt,
    ) -> anyhow::Result<Receipt> {
        let deadline = self.common.deadline(true)?;
        let mut wanted = self.wanted(args, deadline)?;
        let argocd = self.argocd(deadline)?;
        let what = || format!("cannot tell whether `{name}` is healthy");
        // What can never be waited for is not recorded as going on.
        match argocd.application(name, namespace) {
            Err(fault) if fault.kind != Kind::GaveUp => return Err(fault).with_context(what),
            _ => {}
        }
        let forge = self.forge(deadline)?;
        let records = Records::new(self, &forge);
        let going = self.request.status(DeploymentState::InProgress, None);
        let Some((deployment, fresh)) = records.find_or_make(&going, receipt)? else {
            return Ok(receipt.clone());
        };
        if wanted.revision.is_empty() {
            wanted.revision.clone_from(&deployment.sha);
        }
        let Some(deployment) = records.record(&deployment, fresh, &going, receipt)? else {
            return Ok(receipt.clone());
        };
        let created = receipt.operation == Operation::Created;
        if self.common.dry_run {
            receipt.story = Some(format!(
                "dry run: would wait for the application `{}`",
                shown(name)
            ));
            return Ok(receipt.clone());
        }
        self.console.say(&format!(
            "waiting for Argo CD to sync {} into `{name}`",
            wanted.revision.get(..12).unwrap_or(&wanted.revision)
        ));
        let ending = self
            .watch(&argocd, name, namespace, &mut wanted, deadline)
            .with_context(what);
        let recorded = self.end_of_waiting(&deployment, &ending, receipt);
        if created {
            receipt.operation = Operation::Created;
        }
        match ending {
            Ok(Ending::Well) => recorded.map(|()| receipt.clone()),
            Ok(Ending::Badly(why)) => {
                recorded?;
                Err(Fault::new(Kind::Failed, format!("`{name}`: {why}"))
                    .hint(format!("see: argocd app get {name}"))
                    .into())
            }
            // Why the waiting ended matters more than that it could not be recorded.
            Err(error) => {
                if let Err(unrecorded) = recorded {
                    let failure = Failure::from(&unrecorded);
                    receipt
                        .warnings
                        .push(format!("it stays in_progress: {}", failure.message));
                }
                Err(error)
            }
        }
    }

    /// Records how the waiting ended; where it ended without telling, that is an error.
    fn end_of_waiting(
        &self,
        deployment: &Deployment,
        ending: &anyhow::Result<Ending>,
        receipt: &mut Receipt,
    ) -> anyhow::Result<()> {
        let (state, words) = match ending {
            Ok(Ending::Well) => (DeploymentState::Success, None),
            Ok(Ending::Badly(why)) => (DeploymentState::Failure, Some(format!("Argo CD: {why}"))),
            Err(error) => (DeploymentState::Error, Some(Failure::from(error).fault.message)),
        };
        let status = self.request.status(state, words.as_deref());
        // The waiting may have used up its time to the last second.
        let forge = self.forge(self.common.deadline(false)?)?;
        Records::new(self, &forge).record(deployment, false, &status, receipt)?;
        Ok(())
    }

    /// Waits until somebody else has recorded a final state.
    pub(super) fn wait_for_deployment(&self, receipt: &mut Receipt) -> anyhow::Result<Receipt> {
        let deadline = self.common.deadline(true)?;
        let forge = self.forge(deadline)?;
        let records = Records::new(self, &forge);
        // Nothing is recorded here; a deployment that is made begins as pending.
        let pending = self.request.status(DeploymentState::Pending, None);
        let Some((deployment, _)) = records.find_or_make(&pending, receipt)? else {
            return Ok(receipt.clone());
        };
        receipt.deployment_id = Some(deployment.id);
        receipt.env = Some(deployment.environment.clone());
        if receipt.operation != Operation::Created {
            receipt.operation = Operation::Unchanged;
        }
        let name = format!(
            "deployment {} to `{}`",
            deployment.id,
            shown(&deployment.environment)
        );
        let mut pause = PAUSE;
        let mut told = String::new();
        loop {
            let latest = match forge.deployment_status(&deployment) {
                Err(fault) if fault.kind == Kind::GaveUp && !deadline.passed() => {
                    self.console.say(&fault.message);
                    None
                }
                latest => latest?,
            };
            let state = latest.as_ref().map(|latest| latest.state);
            let word = state.map_or("without a state", DeploymentState::word);
            match state {
                Some(DeploymentState::Success) => {
                    receipt.new = Some(word.to_owned());
                    receipt.reason = Some(format!("{name} is {word}"));
                    receipt.story.clone_from(&receipt.reason);
                    return Ok(receipt.clone());
                }
                Some(state) if state.is_final() => {
                    let fault = Fault::new(Kind::Failed, format!("{name} is {word}"));
                    return Err(match latest.and_then(|latest| latest.log_url) {
                        Some(url) => fault.hint(format!("see {}", shown(&url))),
                        None => fault,
                    }
                    .into());
                }
                _ => {}
            }
            self.tell(&mut told, format!("{name} is {word}"));
            if self.common.dry_run {
                receipt.story = Some(format!("dry run: {name} is {word}; would wait"));
                return Ok(receipt.clone());
            }
            if !clock::sleep_within(pause, deadline) {
                return Err(too_late(&format!("{name} is still {word}")).into());
            }
            pause = (pause + pause / 2).min(LONGEST_PAUSE);
        }
    }

    fn watch(
        &self,
        argocd: &ArgoCd,
        name: &str,
        namespace: Option<&str>,
        wanted: &mut Wanted,
        deadline: Deadline,
    ) -> anyhow::Result<Ending> {
        let mut pause = PAUSE.min(wanted.settle);
        let mut told = String::new();
        // Since when it is healthy, or degraded, without a break.
        let mut since: Option<(bool, Stopwatch)> = None;
        loop {
            let look = argocd.application(name, namespace).and_then(|application| {
                health::judge(&application, |revisions, images| {
                    wanted.is_there(revisions, images)
                })
            });
            let verdict = match look {
                // Argo CD or the forge may be restarted meanwhile: only the deadline ends the waiting.
                Err(fault) if fault.kind == Kind::GaveUp => Verdict::NotYet(fault.message),
                look => look?,
            };
            let steady = match &verdict {
                Verdict::Failed(why) => return Ok(Ending::Badly(why.clone())),
                Verdict::NotYet(_) => None,
                Verdict::Healthy => Some(true),
                Verdict::Degraded(_) => Some(false),
            };
            since = steady.map(|steady| match since {
                Some((before, watch)) if before == steady => (steady, watch),
                _ => (steady, Stopwatch::start()),
            });
            let lasted = since.is_some_and(|(_, watch)| watch.elapsed() >= wanted.settle);
            let say = match verdict {
                Verdict::Healthy if lasted => return Ok(Ending::Well),
                Verdict::Degraded(why) if lasted => return Ok(Ending::Badly(why)),
                Verdict::Healthy => "it is Healthy".to_owned(),
                Verdict::Degraded(why) | Verdict::NotYet(why) | Verdict::Failed(why) => why,
            };
            if !clock::sleep_within(pause, deadline) {
                return Err(too_late(&format!("`{name}`: {say}")).into());
            }
            self.tell(&mut told, format!("{name}: {say}"));
            pause = match since {
                Some(_) => PAUSE.min(wanted.settle),
                None => (pause + pause / 2).min(LONGEST_PAUSE),
            };
        }
    }

    /// Tells what has changed since it was told last.
    fn tell(&self, told: &mut String, now: String) {
        if *told != now {
            self.console.say(&now);
            *told = now;
        }
    }

    fn argocd(&self, deadline: Deadline) -> anyhow::Result<ArgoCd> {
        let server = self.environment.get("ARGOCD_SERVER").ok_or_else(|| {
            Fault::invalid("ARGOCD_SERVER is not set")
                .hint("set it to Argo CD's host, and ARGOCD_AUTH_TOKEN to a token that may read the application; where Argo CD cannot be reached: --wait-for deployment")
        })?;
        let root = ArgoCd::root(server)?;
        if let Some(warning) = root.plaintext_warning() {
            self.console.warn(&warning);
        }
        let config = GitConfig::of_user()?.with(self.environment);
        Ok(ArgoCd::new(ForgeAccess {
            http: Http::new(self.environment, &config),
            credential: tokens::argocd(self.environment)?,
            root,
            deadline,
            progress: Arc::<crate::command::console::Console>::clone(self.console),
        }))
    }

    /// Opens the config repo: with the token and the API of `--repo` only where that is the same forge.
    fn config_repo(&self, repo: &ForgeRepo, deadline: Deadline) -> anyhow::Result<Forge> {
        let opening = self.opening(deadline);
        if repo.kind() == self.request.repo.kind() {
            return forge::open(repo, Role::Target, &opening);
        }
        let common = &CommonArgs {
            api_url: None,
            ..self.common.clone()
        };
        forge::open(repo, Role::Elsewhere, &Opening { common, ..opening })
    }

    fn wanted(&self, args: &DeploymentStatusArgs, deadline: Deadline) -> anyhow::Result<Wanted> {
        let revision = match &args.revision {
            Some(revision) => read_commit(&revision.to_ascii_lowercase()).context("--revision")?,
            None => String::new(),
        };
        let config_repo = match &args.config_repo {
            Some(text) => ForgeRepo::parse(text)?.ok_or_else(|| {
                Fault::invalid(format!("`{}` is no repository of a forge", shown(text)))
                    .hint("write it as github:owner/name or gitlab:group/project")
            })?,
            None => self.request.repo.clone(),
        };
        Ok(Wanted {
            revision,
            image: args.image.clone(),
            settle: duration::parse("--settle", &args.settle)?,
            config_repo: self.config_repo(&config_repo, deadline)?,
            judged: Vec::new(),
        })
    }
}

impl Wanted {
    /// Whether what is synced contains the commit; where the config repo cannot tell, whether the image runs.
    fn is_there(&mut self, revisions: &[String], images: &[String]) -> Result<Ours, Fault> {
        let mut untold = revisions.is_empty();
        for revision in revisions {
            match self.is_in(revision)? {
                Some(true) => return Ok(Ours::Yes),
                Some(false) => {}
                None => untold = true,
            }
        }
        let runs = |image: &str| untold && health::runs(images, image);
        Ok(if self.image.as_deref().is_some_and(runs) {
            Ours::Yes
        } else {
            Ours::No
        })
    }

    /// Whether a commit contains the one that is waited for; `None` where nobody can tell.
    fn is_in(&mut self, later: &str) -> Result<Option<bool>, Fault> {
        if later == self.revision {
            return Ok(Some(true));
        }
        // A chart's version is no commit.
        if read_commit(later).is_err() {
            return Ok(None);
        }
        if let Some((_, is_in)) = self.judged.iter().find(|(judged, _)| judged == later) {
            return Ok(*is_in);
        }
        let is_in = match self.config_repo.compare(&self.revision, later) {
            Ok(compared) => compared.map(|one| matches!(one.relation, Relation::Ahead | Relation::Same)),
            Err(fault) if fault.kind == Kind::Denied && self.image.is_some() => None,
            Err(fault) => return Err(fault),
        };
        // What is not known yet may be so at the next look.
        if is_in.is_some() {
            self.judged.push((later.to_owned(), is_in));
        }
        Ok(is_in)
    }
}

fn too_late(what: &str) -> Fault {
    Fault::new(Kind::GaveUp, format!("{what}; the time to wait is over"))
        .hint("give it more time with --timeout")
}
