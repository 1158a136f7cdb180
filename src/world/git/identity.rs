//! Who a commit is by, when nobody was named.

use crate::plan::commit::Identity;
use crate::world::env::Environment;
use crate::world::git_config::GitConfig;

/// The name of last resort. `.invalid` belongs to nobody (RFC 2606), so no forge shows somebody's face.
const NAME: &str = "gitops-steps";
const EMAIL: &str = "gitops-steps@noreply.invalid";

/// Returns the author and the committer as git would choose them (git-commit-tree(1)): `GIT_AUTHOR_NAME`,
/// `GIT_AUTHOR_EMAIL` and their `GIT_COMMITTER_` twins, else `user.name` and `user.email`, else our own name.
pub(super) fn default(environment: &Environment, config: &GitConfig) -> (Identity, Identity) {
    let one = |role: &str| {
        let part = |part: &str, key: &str, own: &str| {
            let named = environment
                .get(&format!("GIT_{role}_{part}"))
                .or_else(|| config.get(key));
            named.unwrap_or(own).to_owned()
        };
        Identity {
            name: part("NAME", "user.name", NAME),
            email: part("EMAIL", "user.email", EMAIL),
        }
    };
    (one("AUTHOR"), one("COMMITTER"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_comes_before_git_config_and_that_before_our_own_name() {
        let environment = Environment::from_pairs([("GIT_AUTHOR_NAME", "A"), ("GIT_COMMITTER_EMAIL", "c@x")]);
        let config = GitConfig::from_pairs(&[("user.name", "U")]);
        let (author, committer) = default(&environment, &config);
        assert_eq!((author.name.as_str(), author.email.as_str()), ("A", EMAIL));
        assert_eq!((committer.name.as_str(), committer.email.as_str()), ("U", "c@x"));
    }
}
