//! `bump-values`: set values in the YAML files of a config repo.

mod args;
mod by_file;
mod by_policy;
mod chart;
mod draft;
mod message;
mod order;
mod permit;
mod request;
mod way;

use anyhow::Context as _;
use jiff::Timestamp;

pub use args::BumpValuesArgs;
pub use request::{Inputs, Request};

use crate::plan::snapshot::Snapshot;
use crate::plan::{Operation, Plan, Publish};
use crate::steps::args::{GuardArg, PublishArg};
use crate::words::fault::Fault;
use crate::words::policy::{FILE_NAME, Policy, Resolved};
use crate::words::repo_path::RepoPath;
use draft::Draft;
use message::FromTo;
use order::Verdict;
use way::Way;

impl Request {
    /// Returns why there is nothing to do, where the event says so.
    pub fn nothing(&self) -> Option<&str> {
        match &self.way {
            Way::Nothing(reason) => Some(reason),
            Way::Policy { .. } | Way::Files(_) | Way::Changes(_) => None,
        }
    }

    /// Plans the request on a snapshot: a pure function of the two, of where it goes, and of the time.
    ///
    /// # Errors
    /// What is wrong with the request, the policy file or the target files, and what the policy refuses.
    pub fn plan(&self, snapshot: &dyn Snapshot, publish: Publish, now: Timestamp) -> anyhow::Result<Plan> {
        let policy = self.policy(snapshot, publish)?;
        let resolved = self.resolved(policy.as_ref())?;
        let mut draft = Draft::default();
        let skipped = match (&self.way, &resolved) {
            (Way::Policy { images, .. }, Some(resolved)) => {
                self.permit_sender(resolved)?;
                by_policy::draft_policy(&mut draft, self, resolved, images, snapshot)?;
                Vec::new()
            }
            (Way::Files(files), _) => by_file::draft_files(&mut draft, self, files, snapshot)?,
            (Way::Changes(entries), _) => by_file::draft_changes(&mut draft, self, entries, snapshot)?,
            (Way::Policy { .. }, None) | (Way::Nothing(_), _) => Vec::new(),
        };
        let mut edited = draft.apply()?;
        let mut warnings = std::mem::take(&mut edited.warnings);
        warnings.extend(self.passed_over());
        let FromTo { old, new } = FromTo::of(&draft.moves);
        let mut plan = Plan {
            operation: Operation::Unchanged,
            files: Vec::new(),
            changes: Vec::new(),
            publish,
            old,
            new,
            message: String::new(),
            reason: None,
            remark: None,
            warnings: Vec::new(),
        };
        if edited.files.is_empty() {
            plan.warnings = warnings;
            if !skipped.is_empty() {
                plan.operation = Operation::Skipped;
                plan.reason = Some(listed(&skipped));
            }
            return Ok(plan);
        }
        let guard = resolved
            .as_ref()
            .map_or(GuardArg::Auto, |resolved| resolved.guard.into());
        if let Verdict::Superseded(reason) = order::judge(&draft.moves, &self.guard, guard, &mut warnings)? {
            warnings.push(reason.clone());
            plan.warnings = warnings;
            return Ok(Plan {
                operation: Operation::Superseded,
                reason: Some(reason),
                ..plan
            });
        }
        if let Some(chart) = resolved.as_ref().and_then(|resolved| resolved.chart.as_ref()) {
            chart::bump(&mut draft, chart, self.one_tag(), snapshot)?;
            edited = draft.apply()?;
        }
        let permitted = policy.as_ref().map_or(Ok(()), |policy| {
            self.permit_push(policy, &draft, &edited.reached, now, &mut warnings)
        });
        plan.remark = match (publish, self.publish.publish, permitted) {
            (Publish::Push, _, permitted) => permitted.map(|()| None)?,
            (Publish::Files, PublishArg::Auto, Ok(())) => {
                Some("nothing is committed; `--publish push` commits and pushes".to_owned())
            }
            (Publish::Files, PublishArg::Auto, Err(fault)) => {
                Some(format!("`--publish push` would be refused: {fault}"))
            }
            (Publish::Files, _, _) | (Publish::PullRequest, ..) => None,
        };
        plan.message = message::write(self, &draft.moves, &edited.changes)?;
        Ok(Plan {
            operation: Operation::Updated,
            files: edited.files,
            changes: edited.changes,
            warnings,
            ..plan
        })
    }

    /// Reads the policy file, where its word is needed: always by policy, and before any push.
    fn policy(&self, snapshot: &dyn Snapshot, publish: Publish) -> anyhow::Result<Option<Policy>> {
        let by_policy = self.app_env().is_some();
        if !by_policy && publish == Publish::Files {
            return Ok(None);
        }
        let path = RepoPath::parse(FILE_NAME)?;
        let blob = snapshot.read(&[path])?.pop().flatten();
        match blob {
            Some(blob) => Ok(Some(
                Policy::parse(FILE_NAME, &blob.bytes).context("cannot read the policy file")?,
            )),
            None if by_policy => Err(Fault::not_found(format!(
                "the config repo has no policy file `{FILE_NAME}` at its root"
            ))
            .hint("add one, or name the file with --file and --set or --image")
            .into()),
            None => Ok(None),
        }
    }

    fn resolved(&self, policy: Option<&Policy>) -> anyhow::Result<Option<Resolved>> {
        match (self.app_env(), policy) {
            (Some((app, env)), Some(policy)) => Ok(Some(policy.resolve(app, env)?)),
            _ => Ok(None),
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
