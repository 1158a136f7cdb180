//! How an attempt at a change request ends, and what is told of it.

use crate::command::receipt::Receipt;
use crate::plan::change_request::ChangeRequest;
use crate::plan::{Operation, Plan};

/// What came of one attempt.
pub(in crate::command) enum Brought {
    /// It is over.
    Done(Box<Receipt>),
    /// Something moved meanwhile: look again, for this reason.
    Again(String),
}

/// The receipt of a run that changes nothing, though a plan would.
pub(super) fn nothing(receipt: Receipt, plan: Plan) -> Receipt {
    let mut receipt = receipt.of_plan(plan);
    receipt.changed = false;
    receipt
}

/// The end of a run that has to do with a change request: what is told is about that one.
pub(super) fn done(operation: Operation, request: &ChangeRequest, head: &str, receipt: Receipt) -> Brought {
    let url = request.url.escape_debug();
    let what = receipt.what();
    let story = match operation {
        Operation::Created => format!("opened {url}: {what}"),
        Operation::Updated => format!("updated {url}: {what}"),
        Operation::Merged => format!("{url} is merged"),
        Operation::Closed => format!("closed {url}: nothing is left to change"),
        Operation::Superseded => format!("superseded by {url}; nothing was changed"),
        Operation::Unchanged if receipt.changes.is_empty() => format!("nothing to change; {url} is open"),
        Operation::Unchanged => format!("nothing to change: {url} has it all"),
        _ => format!("skipped: {}", receipt.reason.as_deref().unwrap_or_default()),
    };
    Brought::Done(Box::new(Receipt {
        operation,
        branch: Some(head.to_owned()),
        pr_number: Some(request.number),
        pr_url: Some(request.url.clone()),
        story: Some(story),
        ..receipt
    }))
}
