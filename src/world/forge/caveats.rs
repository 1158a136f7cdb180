//! What is known to go wrong with a credential before anything is sent.

use super::Forge;
use super::access::Credential;
use crate::words::token::TokenSource;

impl Forge {
    /// Returns warnings about the credential for what writes to this repository; `own_repo` is the repository that the
    /// CI job runs in.
    ///
    /// Source: GitHub's "Automatic token authentication" (`GITHUB_TOKEN`).
    pub fn caveats(&self, own_repo: Option<&str>) -> Vec<String> {
        let Self::GitHub(forge) = self else {
            return Vec::new();
        };
        let Credential::Token(_, TokenSource::Variable("GITHUB_TOKEN")) = &forge.access.credential else {
            return Vec::new();
        };
        let repo = forge.repo.path();
        let instead = "a GitHub App (GITOPS_STEPS_APP_ID) or a fine-grained token (GITOPS_STEPS_TOKEN)";
        match own_repo.filter(|own| !own.eq_ignore_ascii_case(repo)) {
            Some(own) => vec![format!(
                "GITHUB_TOKEN reaches only `{}`, and this is `{repo}`: give {instead}",
                own.escape_debug()
            )],
            None => vec![format!(
                "what GITHUB_TOKEN pushes or opens starts no workflow: where checks have to run, give {instead}"
            )],
        }
    }
}
