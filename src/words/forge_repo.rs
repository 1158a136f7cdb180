//! A repository as a forge's API names it.

use std::fmt;

use super::fault::Fault;
use super::wording::shown;

/// The forges that are spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForgeKind {
    /// github.com, or a GitHub Enterprise Server.
    GitHub,
    /// gitlab.com, or a self-managed GitLab.
    GitLab,
}

impl ForgeKind {
    /// Returns the word of the command line and of addresses.
    pub fn word(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::GitLab => "gitlab",
        }
    }
}

/// A repository of GitHub, or a project of GitLab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForgeRepo {
    kind: ForgeKind,
    path: String,
}

impl ForgeRepo {
    /// Reads `github:owner/name` or `gitlab:group/project`; `None` for a text without such a scheme.
    ///
    /// # Errors
    /// `Invalid` for a path that cannot be one.
    pub fn parse(text: &str) -> Result<Option<Self>, Fault> {
        if let Some(path) = text.strip_prefix("github:") {
            return Self::new(ForgeKind::GitHub, path).map(Some);
        }
        if let Some(path) = text.strip_prefix("gitlab:") {
            return Self::new(ForgeKind::GitLab, path).map(Some);
        }
        Ok(None)
    }

    /// Makes one of a full path: `owner/name` on GitHub, with any number of groups on GitLab.
    ///
    /// # Errors
    /// `Invalid` for a path that cannot be one.
    pub fn new(kind: ForgeKind, path: &str) -> Result<Self, Fault> {
        let path = path.strip_suffix(".git").unwrap_or(path);
        let parts = path.split('/').count();
        let right = path.split('/').all(is_slug)
            && match kind {
                ForgeKind::GitHub => parts == 2,
                ForgeKind::GitLab => parts >= 2,
            };
        if right {
            return Ok(Self {
                kind,
                path: path.to_owned(),
            });
        }
        let form = match kind {
            ForgeKind::GitHub => "github:owner/name",
            ForgeKind::GitLab => "gitlab:group/project",
        };
        Err(
            Fault::invalid(format!("`{}:{}` is no repository", kind.word(), shown(path)))
                .hint(format!("write it `{form}`")),
        )
    }

    /// Returns the forge.
    pub fn kind(&self) -> ForgeKind {
        self.kind
    }

    /// Returns the full path, `owner/name` or `group/subgroup/project`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns the owner or the groups, and the name.
    pub fn owner_and_name(&self) -> (&str, &str) {
        self.path.rsplit_once('/').unwrap_or(("", &self.path))
    }
}

impl fmt::Display for ForgeRepo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.word(), self.path)
    }
}

fn is_slug(part: &str) -> bool {
    !part.is_empty()
        && part.len() <= 255
        && !part.starts_with('-')
        && part.bytes().any(|b| b != b'.')
        && part
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_named_by_its_forge_and_its_path() {
        for (text, path) in [
            ("github:acme/deploy", "acme/deploy"),
            ("github:acme/deploy.git", "acme/deploy"),
            ("gitlab:acme/team/deploy", "acme/team/deploy"),
        ] {
            assert_eq!(ForgeRepo::parse(text).unwrap().unwrap().path(), path);
        }
        assert!(ForgeRepo::parse("./deploy").unwrap().is_none());
        for bad in [
            "github:deploy",
            "github:a/b/c",
            "gitlab:deploy",
            "gitlab:a//b",
            "gitlab:../x",
            "github:a/b c",
            "github:-a/b",
        ] {
            assert!(ForgeRepo::parse(bad).is_err(), "{bad}");
        }
    }
}
