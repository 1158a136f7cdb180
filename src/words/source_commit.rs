//! The commit that a tag names.

/// The fewest and the most digits of a commit's name; a tag holds no longer one.
const DIGITS: std::ops::RangeInclusive<usize> = 7..=40;

/// Returns the commit that a tag names, in full or shortened: all of it, or what follows its last hyphen, as in
/// `sha-…`, `main-…`, and `v1.2-3-g…`, which `git describe` writes. It may be no commit at all, such as a date.
pub fn named(tag: &str) -> Option<&str> {
    let last = tag.rsplit('-').next().unwrap_or(tag);
    let last = last.strip_prefix('g').unwrap_or(last);
    (DIGITS.contains(&last.len()) && is_hex(last)).then_some(last)
}

/// Returns whether a text is a commit in full hex.
pub fn is_whole(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && is_hex(text)
}

/// Returns whether a text is all lower-case hex.
pub fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_may_name_its_commit() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        for tag in [
            commit.to_owned(),
            format!("sha-{commit}"),
            format!("v1-main-{commit}"),
        ] {
            assert_eq!(named(&tag), Some(commit));
            assert!(named(&tag).is_some_and(is_whole));
        }
        assert_eq!(named("main-0123456"), Some("0123456"));
        assert_eq!(named("v1.2-3-g0123456"), Some("0123456"));
        assert!(!is_whole("0123456"));
        for tag in ["v1.2.3", "012345", "latest", ""] {
            assert_eq!(named(tag), None, "{tag}");
        }
    }
}
