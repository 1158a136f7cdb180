//! Symbolic links inside a repository, followed without ever leaving it.

use crate::words::fault::Fault;
use crate::words::repo_path::RepoPath;

/// The most links that one path may lead over.
const MOST_HOPS: usize = 8;

/// What lies at a path.
pub(super) enum Entry {
    /// Nothing.
    Missing,
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link and its target.
    Link(String),
    /// Something that holds no text: a submodule, a socket.
    Other,
}

/// Follows `path` to the regular file it leads to; `None` if nothing is there.
///
/// `look` tells what lies at a path whose parents are folders.
pub(super) fn follow(
    path: &RepoPath,
    mut look: impl FnMut(&RepoPath) -> anyhow::Result<Entry>,
) -> anyhow::Result<Option<RepoPath>> {
    let mut at: Vec<String> = Vec::new();
    let mut ahead: Vec<String> = path.as_str().split('/').rev().map(str::to_owned).collect();
    let mut hops = 0;
    while let Some(part) = ahead.pop() {
        match part.as_str() {
            "" | "." => continue,
            ".." => {
                if at.pop().is_none() {
                    return Err(leaves(path).into());
                }
                continue;
            }
            _ => at.push(part),
        }
        let here = RepoPath::parse(&at.join("/"))?;
        match look(&here)? {
            Entry::Folder if ahead.is_empty() => {
                return Err(Fault::not_found(format!("`{path}` is a folder, not a file")).into());
            }
            Entry::Folder => {}
            Entry::File if ahead.is_empty() => return Ok(Some(here)),
            Entry::Missing | Entry::File => return Ok(None),
            Entry::Other => return Err(Fault::refused(format!("`{path}` is no regular file")).into()),
            Entry::Link(target) => {
                hops += 1;
                if hops > MOST_HOPS {
                    return Err(Fault::refused(format!(
                        "`{path}` leads over more than {MOST_HOPS} symbolic links"
                    ))
                    .into());
                }
                if target.starts_with('/') {
                    return Err(leaves(path).into());
                }
                at.pop();
                ahead.extend(target.split('/').rev().map(str::to_owned));
            }
        }
    }
    Err(Fault::not_found(format!("`{path}` is a folder, not a file")).into())
}

fn leaves(path: &RepoPath) -> Fault {
    Fault::refused(format!("`{path}` is a symbolic link that leaves the config repo"))
        .hint("name the file itself, or let the link point inside the repository")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::fault::Kind;

    fn follow_in(path: &str, tree: &[(&str, &str)]) -> Result<Option<String>, Kind> {
        let look = |path: &RepoPath| {
            Ok(match tree.iter().find(|(name, _)| *name == path.as_str()) {
                None => Entry::Missing,
                Some((_, "file")) => Entry::File,
                Some((_, "folder")) => Entry::Folder,
                Some((_, target)) => Entry::Link((*target).to_owned()),
            })
        };
        follow(&RepoPath::parse(path).unwrap(), look)
            .map(|found| found.map(|path| path.as_str().to_owned()))
            .map_err(|e| e.downcast_ref::<Fault>().unwrap().kind)
    }

    #[test]
    fn links_are_followed_inside_the_repository_only() {
        let tree = [
            ("a", "folder"),
            ("a/v.yaml", "file"),
            ("a/same.yaml", "v.yaml"),
            ("b", "a"),
            ("a/up.yaml", "../b/./v.yaml"),
            ("a/out.yaml", "../../etc/passwd"),
            ("abs", "/etc/passwd"),
            ("loop", "loop"),
            ("gone", "nowhere"),
            ("git", ".git/config"),
            ("dot", "."),
        ];
        for (path, expected) in [
            ("a/v.yaml", Ok(Some("a/v.yaml"))),
            ("a/same.yaml", Ok(Some("a/v.yaml"))),
            ("b/same.yaml", Ok(Some("a/v.yaml"))),
            ("a/up.yaml", Ok(Some("a/v.yaml"))),
            ("a/missing", Ok(None)),
            ("a/v.yaml/below", Ok(None)),
            ("gone", Ok(None)),
            ("a", Err(Kind::NotFound)),
            ("dot", Err(Kind::NotFound)),
            ("a/out.yaml", Err(Kind::Refused)),
            ("abs", Err(Kind::Refused)),
            ("loop", Err(Kind::Refused)),
            ("git", Err(Kind::Refused)),
        ] {
            assert_eq!(
                follow_in(path, &tree),
                expected.map(|p| p.map(str::to_owned)),
                "{path}"
            );
        }
    }
}
