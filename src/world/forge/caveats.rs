//! What is known to go wrong with a credential before anything is sent.
//!
//! Source: GitHub's "Automatic token authentication" (`GITHUB_TOKEN`).

use super::Forge;
use super::access::Credential;
use crate::words::token::TokenSource;

/// What does what `GITHUB_TOKEN` cannot.
const INSTEAD: &str = "a GitHub App (GITOPS_STEPS_APP_ID) or a fine-grained token (GITOPS_STEPS_TOKEN)";

impl Forge {
    /// Warns of a `GITHUB_TOKEN` for another repository than the one that the CI job runs in.
    pub fn out_of_reach(&self, own_repo: Option<&str>) -> Option<String> {
        let Self::GitHub(forge) = self else { return None };
        let repo = forge.repo.path();
        let own = own_repo.filter(|own| !own.eq_ignore_ascii_case(repo) && self.is_workflow_token())?;
        Some(format!(
            "GITHUB_TOKEN reaches only `{}`, and this is `{repo}`: give {INSTEAD}",
            own.escape_debug()
        ))
    }

    /// Warns of a `GITHUB_TOKEN` that opens something for which workflows are expected to run.
    pub fn starts_no_checks(&self) -> Option<String> {
        self.is_workflow_token().then(|| {
            format!("what GITHUB_TOKEN opens starts no workflow: where checks have to run, give {INSTEAD}")
        })
    }

    fn is_workflow_token(&self) -> bool {
        let Self::GitHub(forge) = self else { return false };
        matches!(
            &forge.access.credential,
            Credential::Token(_, TokenSource::Variable("GITHUB_TOKEN"))
        )
    }
}
