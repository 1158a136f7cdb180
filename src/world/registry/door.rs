//! Gets into a registry: first as nobody, then with each login that fits, at last with a token for nobody.
//!
//! Sources: the distribution project's "Token Authentication Specification" and "Oauth2 Token
//! Authentication".

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::vec::IntoIter;

use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use url::form_urlencoded::Serializer;

use super::RegistryAccess;
use super::challenge::{Challenge, Realm};
use super::fetch::{Answer, Ask, fetch};
use super::login::{Login, Logins};
use super::place::{Place, host_of};
use crate::words::fault::Fault;
use crate::words::token::Token;

/// How much a token service may answer.
const MOST_READ: usize = 1 << 20;

/// The way into one image's repository.
#[derive(Default)]
pub(super) struct Door {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The logins that were not tried yet; `None` before the registry has asked for one.
    logins: Option<IntoIter<(Option<Login>, String)>>,
    current: Option<Current>,
    troubles: Vec<String>,
}

/// What we come in with.
struct Current {
    login: Option<Login>,
    source: String,
    authorization: Token,
    /// Whether the registry has let us in with it; if it does not any more, it has run out.
    worked: bool,
}

/// A token, or why the token service gives none.
type Given = Result<Token, String>;

/// What a token service answers: either name holds the token.
#[derive(Deserialize)]
struct Granted {
    token: Option<String>,
    access_token: Option<String>,
}

impl Door {
    /// Sends a request, and logs in where the registry wants that. An answer of 401 means that nothing helped.
    pub(super) fn send(
        &self,
        place: &Place,
        access: &RegistryAccess,
        ask: &Ask<'_>,
    ) -> Result<Answer, Fault> {
        loop {
            let used = self
                .state()
                .current
                .as_ref()
                .map(|current| current.authorization.clone());
            let answer = fetch(access, ask, used.as_ref())?;
            // Only the registry itself is told who we are, not whom it sends us on to.
            if answer.status != 401 || answer.url.origin() != place.root.origin() {
                if let Some(current) = &mut self.state().current {
                    current.worked = true;
                }
                return Ok(answer);
            }
            if !self.state().knock(place, access, &answer, used.as_ref())? {
                return Ok(answer);
            }
        }
    }

    /// Returns which logins were of no use, and why.
    pub(super) fn troubles(&self) -> Vec<String> {
        self.state().troubles.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Takes the next thing to come in with; false where none is left.
    fn knock(
        &mut self,
        place: &Place,
        access: &RegistryAccess,
        answer: &Answer,
        used: Option<&Token>,
    ) -> Result<bool, Fault> {
        let holds = self
            .current
            .as_ref()
            .map(|current| current.authorization.expose());
        if holds.is_some() && holds != used.map(Token::expose) {
            // Another thread has found a way in meanwhile.
            return Ok(true);
        }
        let challenge = Challenge::of(answer)?;
        if let Some(mut current) = self.current.take() {
            if current.worked {
                if let Ok(token) = given(&challenge, current.login.as_ref(), place, access)? {
                    current.authorization = token;
                    current.worked = false;
                    self.current = Some(current);
                    return Ok(true);
                }
            } else if current.login.is_some() {
                self.troubles.push(format!(
                    "the login of {} is not enough: {}",
                    current.source,
                    answer.complaint()
                ));
            }
        }
        if self.logins.is_none() {
            let logins = Logins::of(place, access);
            self.troubles.extend(logins.troubles);
            let known = logins
                .found
                .into_iter()
                .map(|(login, source)| (Some(login), source));
            let nobody = (None, "nobody".to_owned());
            self.logins = Some(known.chain([nobody]).collect::<Vec<_>>().into_iter());
        }
        for (login, source) in self.logins.iter_mut().flatten() {
            match given(&challenge, login.as_ref(), place, access)? {
                Ok(authorization) => {
                    access
                        .progress
                        .note(&format!("enters `{}` with the login of {source}", place.host));
                    self.current = Some(Current {
                        login,
                        source,
                        authorization,
                        worked: false,
                    });
                    return Ok(true);
                }
                Err(why) if login.is_some() => self
                    .troubles
                    .push(format!("the login of {source} is not taken: {why}")),
                Err(_) => {}
            }
        }
        Ok(false)
    }
}

/// Returns what a login gives us to answer a challenge with.
fn given(
    challenge: &Challenge,
    login: Option<&Login>,
    place: &Place,
    access: &RegistryAccess,
) -> Result<Given, Fault> {
    match (challenge, login) {
        (_, Some(Login::Bearer(token))) => Ok(bearer(token)),
        (Challenge::Basic, Some(Login::Password(user, password))) => {
            Ok(Ok(Token::basic(user, password.expose_secret())))
        }
        (Challenge::Basic, _) => Ok(Err("the registry wants a user and a password".to_owned())),
        (Challenge::Bearer(realm), login) => ask_for_token(realm, login, place, access),
    }
}

fn ask_for_token(
    realm: &Realm,
    login: Option<&Login>,
    place: &Place,
    access: &RegistryAccess,
) -> Result<Given, Fault> {
    let ask = match login {
        Some(Login::Identity(token)) => exchange(realm, token.expose_secret(), place),
        _ => request(realm, login, place),
    };
    let authorization = match login {
        Some(Login::Password(user, password)) => Some(Token::basic(user, password.expose_secret())),
        _ => None,
    };
    let answer = fetch(access, &ask, authorization.as_ref())?;
    if answer.status != 200 {
        return Ok(Err(format!("{}: {}", host_of(&realm.url), answer.complaint())));
    }
    let granted: Option<Granted> = serde_json::from_slice(&answer.body).ok();
    let token = granted.and_then(|granted| {
        let mut both = [granted.token, granted.access_token].into_iter().flatten();
        Token::parse(&both.find(|text| !text.is_empty())?).ok()
    });
    let Some(token) = token else {
        return Ok(Err(format!("{} answered without a token", host_of(&realm.url))));
    };
    access.progress.secret(token.expose());
    Ok(bearer(&token))
}

fn bearer(token: &Token) -> Given {
    token
        .as_header("Bearer")
        .ok_or_else(|| "it holds no token".to_owned())
}

/// Asks for a token as a user with a password, or as nobody.
fn request(realm: &Realm, login: Option<&Login>, place: &Place) -> Ask<'static> {
    let mut url = realm.url.clone();
    {
        let mut query = url.query_pairs_mut();
        query.extend_pairs(realm.service.iter().map(|service| ("service", service)));
        query.extend_pairs(scopes(realm, place).iter().map(|scope| ("scope", scope)));
        if let Some(user) = login.and_then(Login::user) {
            query.append_pair("account", user);
        }
    }
    Ask::get(url, "application/json", MOST_READ)
}

/// Asks for a token by an identity token.
fn exchange(realm: &Realm, identity: &str, place: &Place) -> Ask<'static> {
    let mut form = Serializer::new(String::new());
    form.append_pair("grant_type", "refresh_token");
    form.extend_pairs(realm.service.iter().map(|service| ("service", service)));
    form.append_pair("scope", &scopes(realm, place).join(" "));
    form.append_pair("client_id", "gitops-steps");
    form.append_pair("refresh_token", identity);
    Ask {
        method: Method::POST,
        form: Some(form.finish()),
        ..Ask::get(realm.url.clone(), "application/json", MOST_READ)
    }
}

/// To read the image, and what the registry says beside that: Azure's wants more for the list of tags.
fn scopes(realm: &Realm, place: &Place) -> Vec<String> {
    let mut scopes = vec![format!("repository:{}:pull", place.path)];
    scopes.extend(realm.scope.clone().filter(|scope| *scope != scopes[0]));
    scopes
}
