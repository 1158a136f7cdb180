//! `bump-values`: set values in the YAML files of a config repo.

mod args;
mod by_file;
mod by_policy;
mod chart;
mod chosen;
mod draft;
mod hold;
mod left_out;
mod message;
mod order;
mod past;
mod permit;
mod promote;
mod request;
mod required;
mod shadowed;
mod way;
mod whole;

use anyhow::Context as _;
use jiff::Timestamp;

pub use args::{BumpValuesArgs, WhatArgs};
pub use by_policy::locate;
pub use hold::HoldChange;
pub(crate) use promote::images_of;
pub use request::{Inputs, Request};
pub use way::{Promotion, WantedImage, When};
pub use whole::{Whole, WholeFiles, WholeWay};

use crate::plan::ancestry::Ancestry;
use crate::plan::snapshot::Snapshot;
use crate::plan::{Operation, Plan, Publish, ValueChange};
use crate::steps::args::{GuardArg, PublishArg};
use crate::words::fault::Fault;
use crate::words::policy::{FILE_NAME, Policy, PullRequest, Resolved};
use crate::words::repo_path::RepoPath;
use draft::Draft;
use message::FromTo;
use order::Verdict;
use way::Way;

/// What a plan depends on beside the request and the snapshot.
#[derive(Clone, Copy)]
pub struct Circumstances<'a> {
    /// Where it goes.
    pub publish: Publish,
    /// The time.
    pub now: Timestamp,
    /// Who knows the history of the repositories that images are built in.
    pub ancestry: &'a dyn Ancestry,
}

impl Request {
    /// Returns why there is nothing to do, where the event says so.
    pub fn nothing(&self) -> Option<&str> {
        match &self.way {
            Way::Nothing(reason) => Some(reason),
            Way::Policy { .. }
            | Way::Choose(_)
            | Way::Promote(_)
            | Way::Past(_)
            | Way::Files(_)
            | Way::Changes(_)
            | Way::Whole(_) => None,
        }
    }

    /// Plans the request on a snapshot: a pure function of the two and of the circumstances.
    ///
    /// # Errors
    /// What is wrong with the request, the policy file or the target files, and what the policy refuses.
    pub fn plan(&self, snapshot: &dyn Snapshot, circumstances: Circumstances<'_>) -> anyhow::Result<Plan> {
        let Some((rest, said)) = self.without_overtaken(snapshot, circumstances)? else {
            return self.plan_all(snapshot, circumstances);
        };
        let mut plan = rest.plan_all(snapshot, circumstances)?;
        plan.warnings.extend(said);
        Ok(plan)
    }

    /// Plans all that the request asks for.
    fn plan_all(&self, snapshot: &dyn Snapshot, circumstances: Circumstances<'_>) -> anyhow::Result<Plan> {
        let Circumstances { publish, now, .. } = circumstances;
        let policy = self.policy(snapshot, publish)?;
        let resolved = self.resolved(policy.as_ref())?;
        let mut draft = Draft::default();
        let skipped = self.draft_way(&mut draft, &resolved, snapshot)?;
        self.draft_hold(&mut draft, policy.as_ref(), snapshot, now)?;
        let whole = self.draft_whole(&mut draft, snapshot)?;
        let applied = |draft: &Draft| draft.apply().map(|edited| whole::add(&whole, edited));
        let mut edited = applied(&draft)?;
        let mut warnings = std::mem::take(&mut edited.warnings);
        warnings.extend(self.passed_over());
        warnings.extend(self.chosen.iter().flatten().cloned());
        warnings.extend(whole.warnings.iter().cloned());
        let FromTo { old, new } = FromTo::of(&draft.moves);
        let mut plan = Plan {
            operation: Operation::Unchanged,
            files: Vec::new(),
            changes: Vec::new(),
            publish,
            image: message::image_of(&draft.moves),
            required: Vec::new(),
            old,
            new,
            message: String::new(),
            pull_request: look_of(&resolved),
            unpushed: None,
            held: None,
            frozen: false,
            reason: None,
            remark: None,
            warnings: Vec::new(),
        };
        if edited.files.is_empty() {
            plan.warnings = warnings;
            plan.operation = whole.operation.unwrap_or(plan.operation);
            plan.reason = self.note.clone().or(whole.note.clone());
            if !skipped.is_empty() {
                plan.operation = Operation::Skipped;
                plan.reason = Some(listed(&skipped));
            }
            return Ok(plan);
        }
        let guard = self.guard_on(self.guard_of(&resolved)?, snapshot, circumstances);
        if let Verdict::Superseded(reason) = guard.judge(&draft.moves, &mut warnings)? {
            warnings.push(reason.clone());
            plan.warnings = warnings;
            return Ok(Plan {
                operation: Operation::Superseded,
                reason: Some(reason),
                ..plan
            });
        }
        if chart::bump_all(&mut draft, &resolved, snapshot)? {
            edited = applied(&draft)?;
        }
        let mut touched = match &policy {
            Some(policy) => self.touched(policy, &draft, &edited.reached)?,
            None => Vec::new(),
        };
        let held = self.held_file()?;
        touched.extend(hold::touched(held.as_ref(), &resolved));
        if let Some(policy) = &policy {
            touched.extend(whole::touched(policy, &whole)?);
        }
        let permitted = self.permit_push(&touched, now, &mut warnings);
        plan.frozen = self.is_frozen(&touched, now);
        self.send_on(&mut plan, permitted)?;
        if plan.publish == Publish::PullRequest {
            plan.held = self.hold_against(&touched, &mut warnings);
        }
        warnings.extend(self.shadowed(&edited.reached, policy.as_ref(), snapshot)?);
        name_clusters(&mut edited.changes, &resolved);
        plan.required = self.required(&draft.moves)?;
        plan.message = message::write(self, &draft.moves, &edited.changes)?;
        Ok(Plan {
            operation: whole::operation(&edited.files),
            files: edited.files,
            changes: edited.changes,
            warnings,
            ..plan
        })
    }

    /// Returns the guard of a snapshot, with the policy's word.
    fn guard_on<'a>(
        &'a self,
        policy: GuardArg,
        snapshot: &'a dyn Snapshot,
        circumstances: Circumstances<'a>,
    ) -> order::Guard<'a> {
        order::Guard {
            flags: &self.guard,
            policy,
            source: &self.source,
            chosen: self.chosen.is_some(),
            snapshot,
            ancestry: circumstances.ancestry,
        }
    }

    /// Drafts what the way of the request says; returns what is passed over, and why.
    fn draft_way(
        &self,
        draft: &mut Draft,
        resolved: &[(Resolved, &[WantedImage])],
        snapshot: &dyn Snapshot,
    ) -> anyhow::Result<Vec<String>> {
        match &self.way {
            Way::Policy { .. } => {
                for (resolved, images) in resolved {
                    self.permit_sender(resolved)?;
                    by_policy::draft_policy(draft, self, resolved, images, snapshot)?;
                }
                Ok(Vec::new())
            }
            Way::Files(files) => by_file::draft_files(draft, self, files, snapshot),
            Way::Changes(entries) => by_file::draft_changes(draft, self, entries, snapshot),
            Way::Choose(_) | Way::Promote(_) | Way::Past(_) | Way::Whole(_) | Way::Nothing(_) => {
                Ok(Vec::new())
            }
        }
    }

    /// Decides where a change that may or may not be pushed goes, and what there is to say about it.
    fn send_on(&self, plan: &mut Plan, permitted: Result<(), Fault>) -> Result<(), Fault> {
        let auto = self.publish.publish == PublishArg::Auto;
        match (plan.publish, permitted) {
            (Publish::Push, Err(fault)) if auto && self.head_branch().is_ok() => {
                plan.publish = Publish::PullRequest;
                plan.remark = Some(format!("a pull request carries it: {}", fault.message));
                plan.unpushed = Some(fault);
            }
            (Publish::Push, Err(fault)) => return Err(fault),
            (Publish::Files, Ok(())) if auto => {
                plan.remark = Some("nothing is committed; `--publish push` commits and pushes".to_owned());
            }
            (Publish::Files, Err(fault)) if auto => {
                plan.remark = Some(format!("`--publish push` would be refused: {fault}"));
            }
            (Publish::Push, Ok(())) | (Publish::Files | Publish::PullRequest, _) => {}
        }
        Ok(())
    }

    /// Reads the policy file, where its word is needed: always by policy, and before any commit.
    fn policy(&self, snapshot: &dyn Snapshot, publish: Publish) -> anyhow::Result<Option<Policy>> {
        if self.env().is_some() {
            return read_policy(snapshot).map(Some);
        }
        if publish == Publish::Files {
            return Ok(None);
        }
        find_policy(snapshot)
    }

    /// The guard of the policy, which has to be the same for all apps that go together.
    ///
    /// # Errors
    /// `Invalid` where it is not, and no flag names one.
    fn guard_of(&self, resolved: &[(Resolved, &[WantedImage])]) -> Result<GuardArg, Fault> {
        let mut guards = resolved.iter().map(|(resolved, _)| resolved.guard.into());
        let first = guards.next().unwrap_or(GuardArg::Auto);
        if self.guard.guard.is_some() || guards.all(|guard| guard == first) {
            Ok(first)
        } else {
            Err(
                Fault::invalid("the policy has different guards for apps that are to go together")
                    .hint("name one with --guard, or let each app go alone"),
            )
        }
    }

    /// What the policy says for each app, with the images that were asked for.
    fn resolved(&self, policy: Option<&Policy>) -> anyhow::Result<Vec<(Resolved, &[WantedImage])>> {
        let (Way::Policy { env, apps }, Some(policy)) = (&self.way, policy) else {
            return Ok(Vec::new());
        };
        apps.iter()
            .map(|(app, images)| Ok((policy.resolve(app, env)?, images.as_slice())))
            .collect()
    }
}

/// Reads the policy file, without which nothing can be done.
///
/// # Errors
/// `NotFound` where there is none, and what is wrong with it.
pub(crate) fn read_policy(snapshot: &dyn Snapshot) -> anyhow::Result<Policy> {
    find_policy(snapshot)?.ok_or_else(|| {
        Fault::not_found(format!(
            "the config repo has no policy file `{FILE_NAME}` at its root"
        ))
        .hint("add one, or name the file with --file and --set or --image")
        .into()
    })
}

fn find_policy(snapshot: &dyn Snapshot) -> anyhow::Result<Option<Policy>> {
    let path = RepoPath::parse(FILE_NAME)?;
    let blob = snapshot.read(&[path])?.pop().flatten();
    blob.map(|blob| Policy::parse(FILE_NAME, &blob.bytes).context("cannot read the policy file"))
        .transpose()
}

/// How the change request looks: as the policy says for the first app, since several go in one.
fn look_of(resolved: &[(Resolved, &[WantedImage])]) -> PullRequest {
    let first = resolved
        .first()
        .map(|(resolved, _)| resolved.pull_request.clone());
    first.unwrap_or_default()
}

/// Adds to each change the cluster whose file it is in; a file of several clusters belongs to none.
fn name_clusters(changes: &mut [ValueChange], resolved: &[(Resolved, &[WantedImage])]) {
    for change in changes {
        let targets = resolved.iter().flat_map(|(resolved, _)| &resolved.targets);
        let mut clusters: Vec<_> = targets
            .filter(|target| target.file.as_str() == change.file)
            .map(|target| &target.cluster)
            .collect();
        clusters.dedup();
        if let [Some(cluster)] = clusters[..] {
            change.cluster = Some(cluster.clone());
        }
    }
}

fn listed(reasons: &[String]) -> String {
    let shown = reasons.len().min(5);
    let more = match reasons.len() - shown {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    format!("{}{more}", reasons[..shown].join("; "))
}
