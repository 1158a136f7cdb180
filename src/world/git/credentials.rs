//! Which credential goes to a repository, and in which order they are tried.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::netrc;
use crate::words::address::{GitUrl, Login, Scheme};
use crate::words::token::{Token, TokenSource};
use crate::world::clock::Deadline;
use crate::world::env::Environment;
use crate::world::git_config::GitConfig;
use crate::world::http::Http;
use crate::world::process;
use crate::world::progress::Progress;

/// Everything that reaching a repository may need.
#[derive(Clone)]
pub struct Access {
    /// The process environment.
    pub environment: Environment,
    /// Git's configuration: that of the directory's repository, else the user's.
    pub config: GitConfig,
    /// The directory whose repository's `origin` is meant; credential helpers are asked from there.
    pub directory: Option<PathBuf>,
    /// The token that was given for this very repository, and where it stood.
    pub token: Option<(Token, TokenSource)>,
    /// The login that stood in the URL of `origin`.
    pub login: Option<Login>,
    /// The HTTP client.
    pub http: Arc<Http>,
    /// When the whole operation gives up.
    pub deadline: Deadline,
    /// Who shows how far it is.
    pub progress: Arc<dyn Progress>,
}

/// Says that a token would be readable on the way to `url`; `None` if all is well.
pub fn plaintext_warning(url: &GitUrl) -> Option<String> {
    url.plaintext()
        .then(|| format!("the token goes to `{url}` in clear text; use https"))
}

/// One way to prove who we are over HTTP.
pub(super) struct Credential {
    /// Where it came from.
    pub source: TokenSource,
    /// The value of the `Authorization` header.
    pub authorization: Token,
    /// What the helper gave, in its own form, to be approved or rejected.
    helped: Option<SecretString>,
}

/// The credentials that fit one repository, best first. Helpers are asked last, and only when it comes to that.
pub(super) struct Chain {
    ready: std::vec::IntoIter<Credential>,
    helper: Option<Helper>,
}

impl Chain {
    /// Gathers what fits `url`: the given token, the CI host's own, the login of `origin`, the header that
    /// actions/checkout left, the user's `.netrc`, and at last git's credential helpers.
    pub(super) fn of(url: &GitUrl, access: &Access) -> Self {
        let environment = &access.environment;
        let mut ready = Vec::new();
        if let Some((token, source)) = &access.token {
            let user = url.user().unwrap_or_else(|| user_of_token(url, environment));
            ready.push(basic(user, token, source.clone()));
        }
        if is_github(url, environment) {
            ready.extend(of_variables(
                environment,
                &[("GH_TOKEN", "x-access-token"), ("GITHUB_TOKEN", "x-access-token")],
            ));
        }
        if is_gitlab(url, environment) {
            ready.extend(of_variables(
                environment,
                &[("GITLAB_TOKEN", "oauth2"), ("CI_JOB_TOKEN", "gitlab-ci-token")],
            ));
        }
        if let Some(login) = &access.login {
            ready.push(basic(login.user.expose(), &login.password, TokenSource::Origin));
        }
        if let Some(authorization) = access.config.authorization(url) {
            ready.push(Credential {
                source: TokenSource::ExtraHeader,
                authorization,
                helped: None,
            });
        }
        if let Some(login) = kept(url, environment) {
            ready.push(basic(&login.user, &login.password, TokenSource::Netrc));
        }
        Self {
            ready: ready.into_iter(),
            helper: Some(Helper::of(url, access)),
        }
    }

    /// Returns the next credential that is at hand without asking anybody.
    pub(super) fn next_ready(&mut self) -> Option<Credential> {
        self.ready.next()
    }

    /// Returns the next credential, asking the helpers once when nothing else is left.
    pub(super) fn next(&mut self) -> Option<Credential> {
        self.ready.next().or_else(|| self.helper.take()?.fill())
    }
}

impl Credential {
    /// Tells the helpers whether what they gave was right; nothing to do for other sources.
    pub(super) fn judge(&mut self, url: &GitUrl, access: &Access, right: bool) {
        if let Some(helped) = self.helped.take() {
            let verb = if right { "approve" } else { "reject" };
            let _ = Helper::of(url, access).git(verb, helped.expose_secret().as_bytes());
        }
    }
}

/// Git's credential helpers, through `git credential` (git-credential(1)).
struct Helper {
    url: GitUrl,
    environment: Environment,
    directory: Option<PathBuf>,
    deadline: Deadline,
}

impl Helper {
    fn of(url: &GitUrl, access: &Access) -> Self {
        Self {
            url: url.clone(),
            environment: access.environment.clone(),
            directory: access.directory.clone(),
            deadline: access.deadline,
        }
    }

    fn fill(&self) -> Option<Credential> {
        let mut question = format!(
            "protocol={}\nhost={}\npath={}\n",
            self.url.scheme().name(),
            self.url.authority(),
            self.url.path().trim_start_matches('/')
        );
        if let Some(user) = self.url.user() {
            let _ = writeln!(question, "username={user}");
        }
        question.push('\n');
        let answer = self.git("fill", question.as_bytes())?;
        let line = |key: &str| {
            answer
                .lines()
                .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
        };
        let password = Token::parse(line("password")?).ok()?;
        let mut credential = basic(line("username")?, &password, TokenSource::Helper);
        credential.helped = Some(SecretString::from(answer));
        Some(credential)
    }

    /// Runs `git credential`; it never prompts on the terminal nor in a window.
    fn git(&self, verb: &str, input: &[u8]) -> Option<String> {
        let mut command = self.environment.command("git");
        command
            .args(["credential", verb])
            .env("GIT_TERMINAL_PROMPT", "0")
            .env_remove("SSH_ASKPASS");
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        let finished = process::run(&mut command, input, self.deadline).ok()?;
        finished.ok.then(|| String::from_utf8(finished.stdout).ok())?
    }
}

/// What the user's `.netrc` keeps, which names a host and no scheme: it never goes where it could be read.
fn kept(url: &GitUrl, environment: &Environment) -> Option<netrc::Login> {
    (!url.plaintext()).then(|| netrc::login(url.host(), url.user(), environment))?
}

fn of_variables(environment: &Environment, names: &[(&'static str, &str)]) -> Vec<Credential> {
    let found = names.iter().filter_map(|(name, user)| {
        let token = Token::parse(environment.get(name)?).ok()?;
        Some(basic(user, &token, TokenSource::Variable(name)))
    });
    found.collect()
}

fn basic(user: &str, token: &Token, source: TokenSource) -> Credential {
    Credential {
        source,
        authorization: Token::basic(user, token.expose()),
        helped: None,
    }
}

/// The user name that goes with a bare token: each forge has its own for tokens of any kind.
fn user_of_token(url: &GitUrl, environment: &Environment) -> &'static str {
    if is_github(url, environment) || url.host() == "github.com" {
        "x-access-token"
    } else if url.host() == "bitbucket.org" {
        "x-token-auth"
    } else {
        "oauth2"
    }
}

/// Whether `url` lies on `GITHUB_SERVER_URL` (default <https://github.com>): scheme, host and port.
fn is_github(url: &GitUrl, environment: &Environment) -> bool {
    let server = environment
        .get("GITHUB_SERVER_URL")
        .unwrap_or("https://github.com");
    let Ok(server) = url::Url::parse(server) else {
        return false;
    };
    server.scheme() == url.scheme().name()
        && server.host_str() == Some(url.host())
        && server.port() == url.port()
}

/// Whether `url` lies on `CI_SERVER_HOST`, reached the way that GitLab CI says (https unless told otherwise).
fn is_gitlab(url: &GitUrl, environment: &Environment) -> bool {
    let protocol = environment.get("CI_SERVER_PROTOCOL").unwrap_or("https");
    let standard = if url.scheme() == Scheme::Http { 80 } else { 443 };
    let port = environment
        .get("CI_SERVER_PORT")
        .and_then(|port| port.parse().ok())
        .unwrap_or(standard);
    environment
        .get("CI_SERVER_HOST")
        .is_some_and(|host| host.eq_ignore_ascii_case(url.host()))
        && url.scheme().name() == protocol
        && url.port().unwrap_or(standard) == port
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;
    use crate::world::progress::Silent;

    fn sources(url: &str, pairs: &[(&str, &str)], config: &[(&str, &str)], given: bool) -> Vec<String> {
        let environment = Environment::from_pairs(pairs.iter().copied());
        let config = GitConfig::from_pairs(config);
        let access = Access {
            http: Http::new(&environment, &config),
            environment,
            config,
            directory: None,
            token: given.then(|| {
                (
                    Token::parse("given").unwrap(),
                    TokenSource::Variable("GITOPS_STEPS_TOKEN"),
                )
            }),
            login: None,
            deadline: Deadline::after(Duration::from_secs(9)),
            progress: Arc::new(Silent),
        };
        let mut chain = Chain::of(&GitUrl::parse(url).unwrap().unwrap(), &access);
        let mut found = Vec::new();
        while let Some(credential) = chain.next_ready() {
            let plain = STANDARD
                .decode(credential.authorization.expose().split_once(' ').unwrap().1)
                .unwrap();
            found.push(format!(
                "{} {}",
                credential.source,
                String::from_utf8(plain).unwrap()
            ));
        }
        found
    }

    #[test]
    fn each_token_goes_only_to_its_own_host() {
        let all = [
            ("GH_TOKEN", "h"),
            ("GITHUB_TOKEN", "t"),
            ("GITLAB_TOKEN", "l"),
            ("CI_JOB_TOKEN", "j"),
            ("CI_SERVER_HOST", "gitlab.example"),
        ];
        let github = ["GH_TOKEN x-access-token:h", "GITHUB_TOKEN x-access-token:t"];
        let gitlab = ["GITLAB_TOKEN oauth2:l", "CI_JOB_TOKEN gitlab-ci-token:j"];
        for (url, expected) in [
            ("https://github.com/a/b", &github[..]),
            ("http://github.com/a/b", &[]),
            ("https://github.com:8443/a/b", &[]),
            ("https://github.com.evil.example/a/b", &[]),
            ("https://gitlab.example/a/b", &gitlab[..]),
            ("http://gitlab.example/a/b", &[]),
            ("https://gitlab.com/a/b", &[]),
        ] {
            assert_eq!(sources(url, &all, &[], false), expected, "{url}");
        }
        let enterprise = [
            ("GITHUB_TOKEN", "t"),
            ("GITHUB_SERVER_URL", "https://ghe.example"),
        ];
        assert_eq!(
            sources("https://ghe.example/a/b", &enterprise, &[], false),
            ["GITHUB_TOKEN x-access-token:t"]
        );
        assert!(sources("https://github.com/a/b", &enterprise, &[], false).is_empty());
    }

    #[test]
    fn the_given_token_comes_first_and_the_checkouts_header_last() {
        let config = [(
            "http.https://github.com/.extraheader",
            "AUTHORIZATION: basic eDp5",
        )];
        let found = sources("https://github.com/a/b", &[("GITHUB_TOKEN", "t")], &config, true);
        assert_eq!(
            found,
            [
                "GITOPS_STEPS_TOKEN x-access-token:given",
                "GITHUB_TOKEN x-access-token:t",
                "git's `http.<url>.extraheader` x:y"
            ]
        );
        assert_eq!(
            sources("https://git.example/a/b", &[], &[], true),
            ["GITOPS_STEPS_TOKEN oauth2:given"]
        );
        assert_eq!(
            sources("https://me@git.example/a/b", &[], &[], true),
            ["GITOPS_STEPS_TOKEN me:given"]
        );
    }
}
