//! Whether a workflow can be started from outside.
//!
//! Sources: GitHub's "REST API endpoints for workflows" and "Events that trigger workflows".

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::GitHub;
use super::preflight::one_part;
use crate::plan::finding::{Item, Verdict};
use crate::words::fault::Fault;
use crate::words::wording::shown;
use crate::world::forge::preflight::{listed, refused};
use crate::yaml::{self, Node, NodeKind};

impl GitHub {
    /// Looks for a workflow that can be started from outside.
    pub(super) fn workflow_item(&self, file: &str) -> Result<Item, Fault> {
        let name = shown(file);
        let item = |verdict, what: String| Item::new("workflow", verdict, what);
        let answer = self.get(&format!("/actions/workflows/{}", one_part(file)))?;
        if answer.status == 404 {
            return Ok(item(
                Verdict::Error,
                format!("there is no workflow `{name}` on the default branch"),
            )
            .hint(
                "it has to lie in .github/workflows of the default branch; the token needs actions: read",
            ));
        }
        if !answer.is_ok() {
            let fault = self.refusal(&answer, "look up a workflow", "actions: read");
            return Ok(refused("workflow", Verdict::Unknown, fault));
        }
        let state = answer.json["state"].as_str().unwrap_or("active");
        if state != "active" {
            return Ok(item(
                Verdict::Error,
                format!("the workflow `{name}` is {}", shown(state)),
            )
            .hint("enable it under Actions"));
        }
        let path = format!("/contents/.github/workflows/{}", one_part(file));
        let answer = self.get(&path)?;
        let text = answer.json["content"]
            .as_str()
            .unwrap_or_default()
            .replace(['\n', '\r'], "");
        let triggers = STANDARD.decode(text).ok().and_then(|bytes| triggers(&bytes));
        Ok(match triggers.filter(|_| answer.is_ok()) {
            None => item(
                Verdict::Unknown,
                format!("the workflow `{name}` is there; what starts it cannot be read"),
            ),
            Some(triggers) if triggers.iter().any(|one| one.ends_with("_dispatch")) => item(
                Verdict::Ok,
                format!(
                    "the workflow `{name}` is there, and {} starts it",
                    listed(&triggers)
                ),
            ),
            Some(triggers) => item(
                Verdict::Error,
                format!(
                    "the workflow `{name}` cannot be dispatched: only {} starts it",
                    listed(&triggers)
                ),
            )
            .hint("add `workflow_dispatch:` or `repository_dispatch:` below `on:`"),
        })
    }
}

/// The events that start a workflow.
fn triggers(bytes: &[u8]) -> Option<Vec<String>> {
    let file = yaml::File::parse(bytes).ok()?;
    let root = file.documents().next()?;
    let on = root.get("on")?;
    let texts: Vec<Node<'_>> = match on.kind() {
        NodeKind::Mapping => on.entries().map(|(key, _)| key).collect(),
        NodeKind::Sequence => on.items().collect(),
        NodeKind::Scalar => vec![on],
        NodeKind::Alias => return None,
    };
    Some(
        texts
            .into_iter()
            .filter_map(Node::text)
            .map(str::to_owned)
            .collect(),
    )
}
