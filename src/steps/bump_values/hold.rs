//! The hold on an app: set or ended in the policy file, in the same commit as what it goes with.

use jiff::Timestamp;
use serde_json::{Map, Value as Json};

use super::draft::Draft;
use super::request::Request;
use super::way::{WantedImage, Way};
use crate::plan::snapshot::Snapshot;
use crate::words::fault::Fault;
use crate::words::policy::{FILE_NAME, Hold, Policy, Reached, Resolved};
use crate::words::repo_path::RepoPath;
use crate::yaml::{Edit, IfMissing, Operation, Path, Segment, Value};

/// What becomes of the hold on an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HoldChange {
    /// It is held, for this reason.
    Set(String),
    /// It is held no longer.
    Release,
}

impl Request {
    /// Adds the edit of the policy file.
    pub(super) fn draft_hold(
        &self,
        draft: &mut Draft,
        policy: Option<&Policy>,
        snapshot: &dyn Snapshot,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        let (Some(change), Some(policy), Way::Policy { env, apps }) = (&self.hold, policy, &self.way) else {
            return Ok(());
        };
        let is_released = |hold: &Hold| hold.env == *env && apps.iter().any(|(app, _)| hold.app == *app);
        let ends_all = *change == HoldChange::Release
            && !policy.holds().is_empty()
            && policy.holds().iter().all(is_released);
        let file = draft.open(snapshot, &[RepoPath::parse(FILE_NAME)?])?.remove(0);
        for (app, _) in &apps[..if ends_all { 1 } else { apps.len() }] {
            let held = policy.resolve(app, env)?.hold;
            let mut path = vec![
                Segment::Key("holds".to_owned()),
                Segment::Key(Hold::key(app, env)),
            ];
            let operation = match (change, held) {
                (HoldChange::Set(reason), None) => Operation::Set {
                    value: Value::Json(self.written(reason, now)),
                },
                (HoldChange::Set(reason), Some(_)) => {
                    path.push(Segment::Key("reason".to_owned()));
                    Operation::Set {
                        value: Value::String(reason.clone()),
                    }
                }
                (HoldChange::Release, _) => {
                    // No empty map is left behind.
                    path.truncate(if ends_all { 1 } else { path.len() });
                    Operation::Unset
                }
            };
            let if_missing = match change {
                HoldChange::Set(_) => IfMissing::Create,
                HoldChange::Release => IfMissing::Skip,
            };
            let edit = Edit {
                document: None,
                path: Path::from_segments(path).expect("it is not empty"),
                operation,
                if_missing,
                allow_shared: false,
            };
            draft.push(&file, edit);
        }
        Ok(())
    }

    fn written(&self, reason: &str, now: Timestamp) -> Json {
        let mut hold = Map::new();
        hold.insert("reason".to_owned(), reason.into());
        // Whole seconds are enough.
        let since = Timestamp::from_second(now.as_second()).unwrap_or(now);
        hold.insert("since".to_owned(), since.to_string().into());
        if let Some(actor) = &self.actor {
            hold.insert("by".to_owned(), actor.as_str().into());
        }
        Json::Object(hold)
    }

    /// The file that a hold stands in, where one changes.
    pub(super) fn held_file(&self) -> Result<Option<RepoPath>, Fault> {
        let file = self.hold.as_ref().map(|_| RepoPath::parse(FILE_NAME));
        file.transpose()
    }
}

/// The environments whose hold changes in a file: what the policy says of a push to them holds for that too.
pub(super) fn touched<'f>(
    file: Option<&'f RepoPath>,
    resolved: &[(Resolved, &[WantedImage])],
) -> Vec<(&'f RepoPath, Reached)> {
    let Some(file) = file else { return Vec::new() };
    let reached = |resolved: &Resolved| Reached {
        app: Some(resolved.app.clone()),
        env: Some(resolved.env.clone()),
        auto_deploy: resolved.auto_deploy,
        freeze: resolved.freeze.clone(),
        hold: resolved.hold.clone(),
        targets: Vec::new(),
    };
    resolved
        .iter()
        .map(|(resolved, _)| (file, reached(resolved)))
        .collect()
}
