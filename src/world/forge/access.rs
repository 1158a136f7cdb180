//! What reaching a forge's API needs, and where that API is.

use std::sync::Arc;

use secrecy::SecretString;
use url::Url;

use crate::words::fault::Fault;
use crate::words::forge_repo::ForgeKind;
use crate::words::token::{Token, TokenSource};
use crate::world::clock::Deadline;
use crate::world::env::Environment;
use crate::world::http::Http;
use crate::world::progress::Progress;

/// How we prove who we are.
#[derive(Clone)]
pub enum Credential {
    /// Not at all: what is public can be read.
    None,
    /// By a token, and where it came from.
    Token(Token, TokenSource),
    /// As a GitHub App, which exchanges its key for a token of one repository.
    App {
        /// The App's id, or its client id.
        id: String,
        /// The private key, PEM.
        key: SecretString,
    },
}

impl Credential {
    /// Returns whether it can trigger pipelines of GitLab and read nothing of them: a trigger token, or a job's token.
    ///
    /// Sources: GitLab's "Trigger pipelines with the API", "Token overview" and "CI/CD job token".
    pub fn only_triggers(&self) -> bool {
        match self {
            Self::Token(_, TokenSource::Variable("CI_JOB_TOKEN")) => true,
            // An instance may put a prefix of its own before it.
            Self::Token(token, _) => {
                token.expose().starts_with("glptt-") || token.expose().contains("-glptt-")
            }
            Self::None | Self::App { .. } => false,
        }
    }
}

/// What to try where nobody said who we are. Which repository is meant is not known here.
pub(super) const NO_TOKEN: &str = "give a token in GITOPS_STEPS_TOKEN or --token-file; for an app's repository beside a \
                                   config repo, in GITOPS_STEPS_SOURCE_TOKEN";

/// Everything that reaching an API needs.
#[derive(Clone)]
pub struct ForgeAccess {
    /// The one HTTP client.
    pub http: Arc<Http>,
    /// Who we are.
    pub credential: Credential,
    /// Where the API is.
    pub root: ApiRoot,
    /// When to give up.
    pub deadline: Deadline,
    /// Who tells how it goes.
    pub progress: Arc<dyn Progress>,
}

/// Where a forge's API is: the root of REST, and the address of GraphQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiRoot {
    /// The root that REST's paths follow, without a slash at its end.
    pub rest: Url,
    /// Where GraphQL's documents go.
    pub graphql: Url,
}

impl ApiRoot {
    /// Finds the root: `--api-url`, else what CI says (`GITHUB_API_URL`, `CI_API_V4_URL`), else github.com or
    /// gitlab.com.
    ///
    /// An address with another path than `/`, `/api/v3` or `/api/v4` is taken as it is.
    ///
    /// # Errors
    /// `Invalid` for an address that is no http(s) URL.
    pub fn of(kind: ForgeKind, api_url: Option<&str>, environment: &Environment) -> Result<Self, Fault> {
        let (variable, graphql_variable, standard) = match kind {
            ForgeKind::GitHub => ("GITHUB_API_URL", "GITHUB_GRAPHQL_URL", "https://api.github.com"),
            ForgeKind::GitLab => ("CI_API_V4_URL", "CI_API_GRAPHQL_URL", "https://gitlab.com/api/v4"),
        };
        if let Some(text) = api_url {
            return Ok(Self::derived(kind, parse("--api-url", text)?));
        }
        let Some(text) = environment.get(variable) else {
            return Ok(Self::derived(kind, parse(variable, standard)?));
        };
        let derived = Self::derived(kind, parse(variable, text)?);
        match environment.get(graphql_variable) {
            Some(graphql) => Ok(Self {
                graphql: parse(graphql_variable, graphql)?,
                ..derived
            }),
            None => Ok(derived),
        }
    }

    fn derived(kind: ForgeKind, mut rest: Url) -> Self {
        let path = rest.path().trim_end_matches('/').to_owned();
        let path = match (kind, path.as_str()) {
            // A self-managed GitLab is named by its host alone as often as by its API.
            (ForgeKind::GitLab, "") => "/api/v4".to_owned(),
            _ => path,
        };
        let above = path
            .strip_suffix("/v3")
            .or_else(|| path.strip_suffix("/v4"))
            .unwrap_or(&path);
        let mut graphql = rest.clone();
        graphql.set_path(&format!("{above}/graphql"));
        rest.set_path(&path);
        Self { rest, graphql }
    }

    /// Returns the host.
    pub fn host(&self) -> &str {
        self.rest.host_str().unwrap_or_default()
    }

    /// Says that a token would be readable on the way; `None` if all is well.
    pub fn plaintext_warning(&self) -> Option<String> {
        let local = matches!(self.host(), "localhost" | "127.0.0.1" | "[::1]");
        (self.rest.scheme() == "http" && !local)
            .then(|| format!("the token goes to `{}` in clear text; use https", self.host()))
    }
}

fn parse(name: &str, text: &str) -> Result<Url, Fault> {
    let wrong = || {
        Fault::invalid(format!("{name} is no address of an API"))
            .hint("write it as https://github.example.com/api/v3 or https://gitlab.example.com/api/v4")
    };
    let url = Url::parse(text.trim()).map_err(|_| wrong())?;
    let plain = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    if matches!(url.scheme(), "https" | "http") && url.host_str().is_some() && plain {
        Ok(url)
    } else {
        Err(wrong())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_is_found_by_flag_by_ci_or_by_default() {
        use ForgeKind::{GitHub, GitLab};
        let ci = Environment::from_pairs([
            ("GITHUB_API_URL", "https://ghe.example/api/v3"),
            ("GITHUB_GRAPHQL_URL", "https://ghe.example/api/graphql"),
        ]);
        let nothing = Environment::default();
        for (kind, flag, environment, rest, graphql) in [
            (
                GitHub,
                None,
                &nothing,
                "https://api.github.com/",
                "https://api.github.com/graphql",
            ),
            (
                GitHub,
                None,
                &ci,
                "https://ghe.example/api/v3",
                "https://ghe.example/api/graphql",
            ),
            (
                GitHub,
                Some("https://x.example/api/v3/"),
                &ci,
                "https://x.example/api/v3",
                "https://x.example/api/graphql",
            ),
            (
                GitLab,
                None,
                &nothing,
                "https://gitlab.com/api/v4",
                "https://gitlab.com/api/graphql",
            ),
            (
                GitLab,
                Some("http://127.0.0.1:1/"),
                &nothing,
                "http://127.0.0.1:1/api/v4",
                "http://127.0.0.1:1/api/graphql",
            ),
            (
                GitLab,
                Some("https://x.example/git/api/v4"),
                &nothing,
                "https://x.example/git/api/v4",
                "https://x.example/git/api/graphql",
            ),
        ] {
            let root = ApiRoot::of(kind, flag, environment).unwrap();
            assert_eq!((root.rest.as_str(), root.graphql.as_str()), (rest, graphql));
        }
        for bad in ["x", "ftp://x", "https://u:p@x/", "https://x/?token=1"] {
            assert!(ApiRoot::of(GitHub, Some(bad), &nothing).is_err(), "{bad}");
        }
    }
}
