//! A GitHub App: its key is exchanged for a token that reaches the one repository, and nothing else.
//!
//! Sources: GitHub's "Generating a JSON Web Token (JWT) for a GitHub App" and "Generating an installation access
//! token for a GitHub App".

use std::collections::BTreeMap;

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use reqwest::Method;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::GitHub;
use crate::words::fault::{Fault, Kind};
use crate::words::token::Token;
use crate::words::wording::shown;
use crate::world::clock;
use crate::world::forge::access::Credential;
use crate::world::forge::call::{Answer, Called, Effect};

/// How long before now a JWT says that it was made, for clocks that are slow, and how long it is good for. GitHub
/// takes at most ten minutes.
const BACK: i64 = 60;
const GOOD_FOR: i64 = 9 * 60;

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    iat: i64,
    exp: i64,
}

#[derive(Deserialize)]
struct Installation {
    id: u64,
}

#[derive(Deserialize)]
struct Made {
    token: String,
    #[serde(default)]
    permissions: BTreeMap<String, String>,
}

impl GitHub {
    /// Returns the token that the App's key was exchanged for, with which git may be asked too; `None` for who is no App.
    pub(in crate::world::forge) fn git_token(&self) -> Result<Option<Token>, Fault> {
        let Credential::App { id, key } = &self.access.credential else {
            return Ok(None);
        };
        self.app_token(id, key)?;
        Ok(self.app_token.get().cloned())
    }

    /// Exchanges the App's key for a token of this repository.
    pub(super) fn installation_token(&self, id: &str, key: &SecretString) -> Result<Token, Fault> {
        let base = self.access.root.rest.as_str().trim_end_matches('/');
        let jwt = jwt(id, key)?;
        self.access.progress.secret(jwt.expose_secret());
        let client = self.connect(base, Some(&jwt))?;
        // Making a second token does no harm, so both requests may be sent again.
        let ask = |method: &Method, path: &str, body: Option<&Value>| match self.exchange(
            &client,
            Effect::Read,
            method,
            path,
            body,
        )? {
            Called::Answered(answer) => Ok(answer),
            Called::Unclear(fault) => Err(fault),
        };
        let answer = ask(&Method::GET, &self.path("/installation"), None)?;
        if !answer.is_ok() {
            return Err(self.not_installed(id, &answer));
        }
        let installation: Installation = answer.read("the App's installation")?;
        let (_, name) = self.repo.owner_and_name();
        let path = format!("/app/installations/{}/access_tokens", installation.id);
        let answer = ask(&Method::POST, &path, Some(&json!({ "repositories": [name] })))?;
        if !answer.is_ok() {
            return Err(self.not_installed(id, &answer));
        }
        let made: Made = answer.read("the App's token")?;
        let token = Token::parse(&made.token)?;
        self.access.progress.secret(token.expose());
        let _ = self.granted.set(made.permissions);
        Ok(token)
    }

    fn not_installed(&self, id: &str, answer: &Answer) -> Fault {
        let (id, repo, said) = (shown(id), self.repo.path(), answer.complaint());
        let (message, hint) = match answer.status {
            _ if answer.status == 401 || said.starts_with("Integration not found") => (
                format!("GitHub does not accept the key of the App `{id}`: {said}"),
                "check that GITOPS_STEPS_APP_ID and GITOPS_STEPS_APP_PRIVATE_KEY belong together, and this machine's clock",
            ),
            404 | 422 => (
                format!("the GitHub App `{id}` is not installed on `{repo}`: {said}"),
                "install it there: the App's page, Install App; or add the repository to its installation",
            ),
            status => (
                format!("GitHub gives the App `{id}` no token for `{repo}` ({status}): {said}"),
                "see whether the installation is suspended",
            ),
        };
        Fault::new(Kind::Denied, message).hint(hint)
    }
}

fn jwt(id: &str, key: &SecretString) -> Result<SecretString, Fault> {
    let now = clock::now().as_second();
    let claims = Claims {
        iss: id.trim(),
        iat: now - BACK,
        exp: now + GOOD_FOR,
    };
    let wrong = || {
        Fault::invalid("the GitHub App's private key is no RSA key in PEM")
            .hint("give the .pem file that GitHub made, in GITOPS_STEPS_APP_PRIVATE_KEY or _FILE")
    };
    // A variable that cannot hold line breaks has them as `\n`.
    let pem = key.expose_secret().replace("\\n", "\n");
    let key = EncodingKey::from_rsa_pem(pem.as_bytes()).map_err(|_| wrong())?;
    let token = encode(&Header::new(Algorithm::RS256), &claims, &key).map_err(|_| wrong())?;
    Ok(SecretString::from(token))
}
