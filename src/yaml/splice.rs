//! Splices: the only way in which a text changes.

use std::ops::Range;

use super::error::{Error, ErrorKind};

/// A stretch of bytes and what replaces it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splice {
    /// The bytes; empty for an insertion.
    pub range: Range<usize>,
    /// What stands there afterwards.
    pub text: String,
    /// How deep the thing lies that it belongs to: of two insertions at one place the deeper comes first.
    pub depth: u8,
}

impl Splice {
    /// Replaces a stretch.
    pub fn replace(range: Range<usize>, text: impl Into<String>, depth: u8) -> Self {
        Self {
            range,
            text: text.into(),
            depth,
        }
    }

    /// Inserts at a place.
    pub fn insert(at: usize, text: impl Into<String>, depth: u8) -> Self {
        Self::replace(at..at, text, depth)
    }
}

/// Brings splices into the order of the text, and refuses those that overlap.
///
/// # Errors
/// `Contradiction`: two edits touch the same bytes.
pub fn sort(splices: &mut [Splice]) -> Result<(), Error> {
    splices.sort_by_key(|splice| {
        (
            splice.range.start,
            splice.range.end,
            std::cmp::Reverse(splice.depth),
        )
    });
    let overlap = splices
        .windows(2)
        .any(|pair| pair[0].range.end > pair[1].range.start);
    if overlap {
        return Err(
            Error::new(ErrorKind::Contradiction, "two edits touch the same bytes")
                .hint("make them one after the other"),
        );
    }
    Ok(())
}

/// Applies sorted splices; every byte outside them is copied.
pub fn apply(text: &str, splices: &[Splice]) -> String {
    let grown: usize = splices.iter().map(|splice| splice.text.len()).sum();
    let mut new = String::with_capacity(text.len() + grown);
    let mut at = 0;
    for splice in splices {
        new.push_str(&text[at..splice.range.start]);
        new.push_str(&splice.text);
        at = splice.range.end;
    }
    new.push_str(&text[at..]);
    new
}

/// Returns whether a new text is an old one with nothing changed outside the splices.
pub fn only(old: &str, new: &str, splices: &[Splice]) -> bool {
    let (old, new) = (old.as_bytes(), new.as_bytes());
    let (mut from, mut to) = (0, 0);
    for splice in splices {
        let kept = splice.range.start - from;
        if old.get(from..from + kept) != new.get(to..to + kept) {
            return false;
        }
        from = splice.range.end;
        to += kept + splice.text.len();
    }
    old.get(from..) == new.get(to..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splices_apply_in_the_order_of_the_text_and_touch_nothing_else() {
        let mut splices = vec![
            Splice::replace(2..3, "X", 1),
            Splice::insert(5, "outer", 0),
            Splice::insert(5, "inner", 1),
        ];
        sort(&mut splices).unwrap();
        let new = apply("abcdef", &splices);
        assert_eq!(new, "abXdeinnerouterf");
        assert!(only("abcdef", &new, &splices));
        assert!(!only("abcdeg", &new, &splices));
        assert!(sort(&mut [Splice::replace(1..4, "", 0), Splice::replace(3..5, "", 0)]).is_err());
    }
}
