//! Keeping hold of places while the text changes: every path of one request means the text that it began with.
//!
//! Edits that cannot be made together are made one after the other. By then an item may have gone from a list,
//! so that `[2]` is another one, or a filter's own value may have changed. So paths are pinned, while the text
//! is still the old one, to keys and indices, and the indices follow what is taken out.

use super::edit::{self, Edit, Operation};
use super::error::Error;
use super::file::File;
use super::path::{Path, Segment};
use super::resolve::{Document, walk_through};

/// Pins edits to the places that they mean in a file. What does not exist in it stays as it is asked for.
pub fn pin(file: &File, edits: &[Edit]) -> Vec<Edit> {
    edits
        .iter()
        .map(|edit| pinned(file, edit).unwrap_or_else(|| edit.clone()))
        .collect()
}

fn pinned(file: &File, edit: &Edit) -> Option<Edit> {
    let root = file.choose(edit.document.as_ref(), &edit.path).ok()??;
    let asked = edit.path.segments();
    let segments = match walk_through(root, asked) {
        Ok(node) => node.segments(),
        Err(stop) => [&stop.node.segments()[..], &asked[stop.taken..]].concat(),
    };
    Some(Edit {
        document: Some(Document::Index(root.document())),
        path: Path::from_segments(segments)?,
        ..edit.clone()
    })
}

/// Lets pinned edits follow those among them, by position, that have just taken something out. Pending edits
/// that would take out the same are done.
///
/// # Errors
/// An edit that means a place inside of what was taken out.
pub fn follow(edits: &mut [Edit], gone: &[usize], pending: &mut Vec<usize>) -> Result<(), Error> {
    let gone: Vec<Edit> = gone.iter().map(|&position| edits[position].clone()).collect();
    pending.retain(|&position| !gone.iter().any(|other| is_same(&edits[position], other)));
    for edit in edits {
        if let Some(other) = gone.iter().find(|other| contradicts(edit, other)) {
            return Err(edit::contradiction(other, edit));
        }
        let before = edit.path.segments().to_vec();
        let after = before.iter().enumerate().map(|(depth, segment)| {
            let Segment::Index(index) = segment else {
                return segment.clone();
            };
            let lower = gone
                .iter()
                .filter(|other| other.document == edit.document)
                .filter(|other| match other.path.segments().split_last() {
                    Some((Segment::Index(taken), list)) => *list == before[..depth] && taken < index,
                    _ => false,
                });
            Segment::Index(index - lower.count())
        });
        edit.path = Path::from_segments(after.collect()).expect("a path stays as long as it is");
    }
    Ok(())
}

fn is_same(edit: &Edit, gone: &Edit) -> bool {
    edit.operation == Operation::Unset && edit.document == gone.document && edit.path == gone.path
}

/// Whether an edit means a place inside of what another one takes out.
fn contradicts(edit: &Edit, gone: &Edit) -> bool {
    let inside = edit.document == gone.document && edit.path.segments().starts_with(gone.path.segments());
    inside && !is_same(edit, gone)
}
