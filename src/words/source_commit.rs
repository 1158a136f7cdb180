//! The commit that a tag names.

/// Returns the commit that a value names in full: 40 hex digits alone, or at the end after a `-`, as `sha-…` and
/// `main-…` tags do.
pub fn of_value(value: &str) -> Option<&str> {
    let last = value.rsplit('-').next()?;
    let is_commit = last.len() == 40 && last.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    is_commit.then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_may_name_its_commit() {
        let commit = "0123456789abcdef0123456789abcdef01234567";
        for value in [
            commit.to_owned(),
            format!("sha-{commit}"),
            format!("v1-main-{commit}"),
        ] {
            assert_eq!(of_value(&value), Some(commit));
        }
        for value in ["v1.2.3", "0123456", "latest", "", &commit[1..]] {
            assert_eq!(of_value(value), None, "{value}");
        }
    }
}
