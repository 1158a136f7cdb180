//! Which token goes where. Each goes only to the host that it was given for.

use std::path::Path;

use anyhow::Context as _;
use secrecy::SecretString;
use url::Url;

use super::cli::CommonArgs;
use crate::words::fault::Fault;
use crate::words::forge_repo::ForgeKind;
use crate::words::redact::Redactor;
use crate::words::token::{Token, TokenSource};
use crate::words::wording::shown_path;
use crate::world::env::Environment;
use crate::world::files;
use crate::world::forge::access::{ApiRoot, Credential};

/// The most bytes of a token's file, or of a key's.
const SECRET_MAX: u64 = 64 * 1024;

/// The variables that hold secrets of ours.
const SECRETS: [&str; 8] = [
    "GITOPS_STEPS_TOKEN",
    "GITOPS_STEPS_SOURCE_TOKEN",
    "GITOPS_STEPS_APP_PRIVATE_KEY",
    "GH_TOKEN",
    "GITHUB_TOKEN",
    "GITLAB_TOKEN",
    "CI_JOB_TOKEN",
    "ARGOCD_AUTH_TOKEN",
];

/// Returns what takes the run's secrets out of all that it prints and writes, also where a server repeats them.
pub(super) fn redactor(common: Option<&CommonArgs>, environment: &Environment) -> Redactor {
    let token_file = common.and_then(|common| common.token_file.as_deref());
    let key_file = environment
        .get("GITOPS_STEPS_APP_PRIVATE_KEY_FILE")
        .map(Path::new);
    let files: Vec<String> = [token_file, key_file]
        .into_iter()
        .flatten()
        .filter_map(|file| String::from_utf8(files::read(file, SECRET_MAX).ok()?).ok())
        .collect();
    let held = SECRETS.iter().filter_map(|name| environment.get(name));
    let held = held.chain(files.iter().map(String::as_str));
    // A key has lines, which a variable may hold as `\n`, and a server would repeat one of them.
    let lines = held.flat_map(str::lines).flat_map(|line| line.split("\\n"));
    Redactor::of(lines.map(str::trim).filter(|line| !line.starts_with("-----")))
}

/// Which repository a token is wanted for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The one that `--config-repo`, `--to` or `--repo` names.
    Target,
    /// The same, to read there what a token that only triggers pipelines may not.
    Reader,
    /// The app's own, where the image was built.
    Source,
    /// One on another forge than the flags' own: no token that was given is for it, only what CI hands over.
    Elsewhere,
}

/// Returns the token that was given for the repository of the flags: `--token-file`, else `GITOPS_STEPS_TOKEN`.
///
/// # Errors
/// `Invalid` for a text that is no token.
pub(super) fn given(
    common: &CommonArgs,
    environment: &Environment,
) -> anyhow::Result<Option<(Token, TokenSource)>> {
    match of_file(common)? {
        Some(found) => Ok(Some(found)),
        None => of_variable("GITOPS_STEPS_TOKEN", environment),
    }
}

fn of_file(common: &CommonArgs) -> anyhow::Result<Option<(Token, TokenSource)>> {
    let Some(file) = &common.token_file else {
        return Ok(None);
    };
    let bytes = files::read(file, SECRET_MAX)?;
    let text = String::from_utf8(bytes).map_err(|_| Fault::invalid("the token's file is not text"))?;
    let token = Token::parse(&text).with_context(|| format!("cannot read `{}`", shown_path(file)))?;
    Ok(Some((token, TokenSource::File)))
}

/// Returns what a forge's API is to be asked with: the token that was given, else a GitHub App, else what CI hands
/// over for that host, else nothing.
///
/// # Errors
/// `Invalid` for a text that is no token, and for an App without its key.
pub(super) fn credential(
    kind: ForgeKind,
    root: &ApiRoot,
    role: Role,
    common: &CommonArgs,
    environment: &Environment,
) -> anyhow::Result<Credential> {
    let fitting = |found: Option<(Token, TokenSource)>| {
        let (token, source) = found?;
        let source = known_as(&token, environment).unwrap_or(source);
        let credential = Credential::Token(token, source);
        (role != Role::Reader || !credential.only_triggers()).then_some(credential)
    };
    let mut given = match role {
        Role::Target | Role::Reader => fitting(of_file(common)?),
        Role::Source => fitting(of_variable("GITOPS_STEPS_SOURCE_TOKEN", environment)?),
        Role::Elsewhere => None,
    };
    if given.is_none() && matches!(role, Role::Target | Role::Reader) {
        given = fitting(of_variable("GITOPS_STEPS_TOKEN", environment)?);
    }
    if let Some(given) = given {
        return Ok(given);
    }
    if kind == ForgeKind::GitHub
        && let Some(app) = app(environment)?
    {
        return Ok(app);
    }
    let names: &[&'static str] = match kind {
        _ if !is_of_server(kind, root, environment) => &[],
        ForgeKind::GitHub => &["GH_TOKEN", "GITHUB_TOKEN"],
        ForgeKind::GitLab => &["GITLAB_TOKEN", "CI_JOB_TOKEN"],
    };
    for name in names {
        if let Some(found) = fitting(of_variable(name, environment)?) {
            return Ok(found);
        }
    }
    Ok(Credential::None)
}

/// Returns what Argo CD is asked with: `ARGOCD_AUTH_TOKEN`, which goes to `ARGOCD_SERVER` alone.
///
/// # Errors
/// `Invalid` for a text that is no token.
pub(super) fn argocd(environment: &Environment) -> anyhow::Result<Credential> {
    Ok(
        of_variable("ARGOCD_AUTH_TOKEN", environment)?.map_or(Credential::None, |(token, source)| {
            Credential::Token(token, source)
        }),
    )
}

/// A job's own token can be handed over under any name; what it may do stays the same.
fn known_as(token: &Token, environment: &Environment) -> Option<TokenSource> {
    ["GITHUB_TOKEN", "CI_JOB_TOKEN"]
        .into_iter()
        .find(|name| environment.get(name) == Some(token.expose()))
        .map(TokenSource::Variable)
}

fn of_variable(
    name: &'static str,
    environment: &Environment,
) -> anyhow::Result<Option<(Token, TokenSource)>> {
    let token = environment
        .get(name)
        .map(Token::parse)
        .transpose()
        .context(name)?;
    Ok(token.map(|token| (token, TokenSource::Variable(name))))
}

/// Whether an API is that of the server that CI names, or of the public one where it names none: on the same scheme, host
/// and port, or, as GitHub has it, on its host with `api.` before it. What CI says of the API itself is not asked.
fn is_of_server(kind: ForgeKind, root: &ApiRoot, environment: &Environment) -> bool {
    let variable = |name, standard| environment.get(name).unwrap_or(standard);
    let server = match kind {
        ForgeKind::GitHub => variable("GITHUB_SERVER_URL", "https://github.com").to_owned(),
        ForgeKind::GitLab => {
            let host = variable("CI_SERVER_HOST", "gitlab.com");
            let protocol = variable("CI_SERVER_PROTOCOL", "https");
            match environment.get("CI_SERVER_PORT") {
                Some(port) => format!("{protocol}://{host}:{port}"),
                None => format!("{protocol}://{host}"),
            }
        }
    };
    let Ok(mut server) = Url::parse(&server) else {
        return false;
    };
    if server.origin() == root.rest.origin() {
        return true;
    }
    let host = server.host_str().map(|host| format!("api.{host}"));
    kind == ForgeKind::GitHub
        && server.set_host(host.as_deref()).is_ok()
        && server.origin() == root.rest.origin()
}

fn app(environment: &Environment) -> anyhow::Result<Option<Credential>> {
    let Some(id) = environment.get("GITOPS_STEPS_APP_ID") else {
        return Ok(None);
    };
    let key = if let Some(key) = environment.get("GITOPS_STEPS_APP_PRIVATE_KEY") {
        key.to_owned()
    } else {
        let file = environment
            .get("GITOPS_STEPS_APP_PRIVATE_KEY_FILE")
            .ok_or_else(|| {
                Fault::invalid("GITOPS_STEPS_APP_ID is set, but not the App's key")
                    .hint("set GITOPS_STEPS_APP_PRIVATE_KEY, or GITOPS_STEPS_APP_PRIVATE_KEY_FILE")
            })?;
        let bytes = files::read(Path::new(file), SECRET_MAX)?;
        String::from_utf8(bytes).map_err(|_| Fault::invalid("the App's key is not text"))?
    };
    // CI stores often keep a key on one line.
    let key = SecretString::from(key.replace("\\n", "\n"));
    let id = id.to_owned();
    Ok(Some(Credential::App { id, key }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(kind: ForgeKind, api_url: Option<&str>, pairs: &[(&str, &str)]) -> String {
        source_for(Role::Target, kind, api_url, pairs)
    }

    fn source_for(role: Role, kind: ForgeKind, api_url: Option<&str>, pairs: &[(&str, &str)]) -> String {
        let environment = Environment::from_pairs(pairs.iter().copied());
        let common = crate::command::cli::CommonArgs::for_tests();
        let root = ApiRoot::of(kind, api_url, &environment).unwrap();
        match credential(kind, &root, role, &common, &environment).unwrap() {
            Credential::None => "nothing".to_owned(),
            Credential::Token(_, source) => source.to_string(),
            Credential::App { .. } => "app".to_owned(),
        }
    }

    #[test]
    fn a_token_goes_only_to_the_host_that_it_was_given_for() {
        use ForgeKind::GitHub;
        let ghe = ("GITHUB_API_URL", "https://ghe.example/api/v3");
        let ghe_server = ("GITHUB_SERVER_URL", "https://ghe.example");
        let tenant = ("GITHUB_SERVER_URL", "https://acme.ghe.example");
        for (kind, api_url, pairs, from) in [
            (GitHub, None, &[("GITHUB_TOKEN", "a")][..], "GITHUB_TOKEN"),
            (
                GitHub,
                None,
                &[("GH_TOKEN", "a"), ("GITHUB_TOKEN", "b")],
                "GH_TOKEN",
            ),
            (
                GitHub,
                Some("https://evil.example"),
                &[("GITHUB_TOKEN", "a")],
                "nothing",
            ),
            (
                GitHub,
                Some("https://api.github.com"),
                &[ghe, ghe_server, ("GITHUB_TOKEN", "a")],
                "nothing",
            ),
            (
                GitHub,
                None,
                &[ghe, ghe_server, ("GITHUB_TOKEN", "a")],
                "GITHUB_TOKEN",
            ),
            // The API's own variable does not say whose the token is.
            (GitHub, None, &[ghe, ("GITHUB_TOKEN", "a")], "nothing"),
            (
                GitHub,
                Some("https://api.acme.ghe.example"),
                &[tenant, ("GITHUB_TOKEN", "a")],
                "GITHUB_TOKEN",
            ),
            (
                GitHub,
                Some("https://api.evil.example"),
                &[tenant, ("GITHUB_TOKEN", "a")],
                "nothing",
            ),
            (
                GitHub,
                None,
                &[("CI_JOB_TOKEN", "a"), ("GITLAB_TOKEN", "b")],
                "nothing",
            ),
            (
                GitHub,
                None,
                &[("GITOPS_STEPS_TOKEN", "t"), ("GITHUB_TOKEN", "a")],
                "GITOPS_STEPS_TOKEN",
            ),
            (
                GitHub,
                None,
                &[("GITOPS_STEPS_TOKEN", "a"), ("GITHUB_TOKEN", "a")],
                "GITHUB_TOKEN",
            ),
            (
                GitHub,
                None,
                &[
                    ("GITOPS_STEPS_APP_ID", "1"),
                    ("GITOPS_STEPS_APP_PRIVATE_KEY", "k"),
                    ("GH_TOKEN", "a"),
                ],
                "app",
            ),
        ] {
            assert_eq!(source(kind, api_url, pairs), from, "{api_url:?} {pairs:?}");
        }
    }

    #[test]
    fn a_token_of_gitlab_goes_only_to_the_server_of_ci() {
        let lab = ("CI_API_V4_URL", "https://lab.example/api/v4");
        let lab_server = ("CI_SERVER_HOST", "lab.example");
        let (http, port) = (("CI_SERVER_PROTOCOL", "http"), ("CI_SERVER_PORT", "8080"));
        for (api_url, pairs, from) in [
            (
                None,
                &[lab, lab_server, ("CI_JOB_TOKEN", "a")][..],
                "CI_JOB_TOKEN",
            ),
            (None, &[lab, ("CI_JOB_TOKEN", "a")], "nothing"),
            (
                Some("https://api.lab.example"),
                &[lab_server, ("CI_JOB_TOKEN", "a")],
                "nothing",
            ),
            (
                Some("http://lab.example:8080"),
                &[lab_server, http, port, ("CI_JOB_TOKEN", "a")],
                "CI_JOB_TOKEN",
            ),
            (
                Some("https://lab.example:8080"),
                &[lab_server, http, port, ("CI_JOB_TOKEN", "a")],
                "nothing",
            ),
            (
                Some("https://gitlab.com"),
                &[lab, lab_server, ("CI_JOB_TOKEN", "a")],
                "nothing",
            ),
            (None, &[("GITHUB_TOKEN", "a")], "nothing"),
        ] {
            let found = source(ForgeKind::GitLab, api_url, pairs);
            assert_eq!(found, from, "{api_url:?} {pairs:?}");
        }
    }

    #[test]
    fn what_only_triggers_pipelines_reads_none() {
        let (trigger, job) = (("GITOPS_STEPS_TOKEN", "glptt-1"), ("CI_JOB_TOKEN", "j"));
        let lab = ("GITLAB_TOKEN", "glpat-1");
        for (pairs, dispatches, reads) in [
            (&[trigger][..], "GITOPS_STEPS_TOKEN", "nothing"),
            (&[trigger, lab], "GITOPS_STEPS_TOKEN", "GITLAB_TOKEN"),
            (&[trigger, job], "GITOPS_STEPS_TOKEN", "nothing"),
            (
                &[("GITOPS_STEPS_TOKEN", "acme-glptt-1"), lab],
                "GITOPS_STEPS_TOKEN",
                "GITLAB_TOKEN",
            ),
            (&[job], "CI_JOB_TOKEN", "nothing"),
            (
                &[("GITOPS_STEPS_TOKEN", "j"), job, lab],
                "CI_JOB_TOKEN",
                "GITLAB_TOKEN",
            ),
            (
                &[("GITOPS_STEPS_TOKEN", "glpat-2"), job],
                "GITOPS_STEPS_TOKEN",
                "GITOPS_STEPS_TOKEN",
            ),
        ] {
            let of = |role| source_for(role, ForgeKind::GitLab, None, pairs);
            assert_eq!(
                (of(Role::Target).as_str(), of(Role::Reader).as_str()),
                (dispatches, reads),
                "{pairs:?}"
            );
        }
    }
}
