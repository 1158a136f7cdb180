//! Who asks, and what they may do.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rsa::KeyPair;
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde_json::Value;

use super::answer::{Answer, not_found, refusal};
use super::state::{Repo, State};

/// How far a permission goes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    Read,
    Write,
}

/// What a token is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A person's token.
    Personal,
    /// An App's installation token, or a workflow's `GITHUB_TOKEN`.
    Integration,
}

/// What a token stands for.
#[derive(Clone, Debug)]
pub struct Grant {
    pub kind: Kind,
    pub login: String,
    /// The repositories that it reaches; none means all.
    pub repos: Option<Vec<String>>,
    /// The permissions; none means all.
    pub permissions: Option<BTreeMap<String, Level>>,
    /// The scopes of a classic token, which every answer names.
    pub scopes: Option<Vec<String>>,
    /// When it ends, as a header of every answer names it.
    pub expires: Option<String>,
}

impl Grant {
    /// A person's token for everything.
    pub fn person(login: &str) -> Self {
        Self {
            kind: Kind::Personal,
            login: login.to_owned(),
            repos: None,
            permissions: None,
            scopes: None,
            expires: None,
        }
    }

    /// A person's classic token of these scopes: all that the person may, where it has `repo`, and else what is public.
    pub fn classic(login: &str, scopes: &[&str]) -> Self {
        let grant = Self {
            scopes: Some(scopes.iter().map(|&scope| scope.to_owned()).collect()),
            ..Self::person(login)
        };
        if scopes.contains(&"repo") {
            grant
        } else {
            grant.repos(&[]).only(&[])
        }
    }

    /// Ends then.
    pub fn expires(mut self, when: &str) -> Self {
        self.expires = Some(when.to_owned());
        self
    }

    /// What a workflow's `GITHUB_TOKEN` is: one repository only.
    pub fn workflow(repo: &str) -> Self {
        Self {
            kind: Kind::Integration,
            login: "github-actions[bot]".to_owned(),
            repos: Some(vec![repo.to_owned()]),
            permissions: None,
            scopes: None,
            expires: None,
        }
    }

    /// Reaches these repositories only.
    pub fn repos(mut self, repos: &[&str]) -> Self {
        self.repos = Some(repos.iter().map(|&name| name.to_owned()).collect());
        self
    }

    /// Has these permissions only, such as `contents=write`.
    pub fn only(mut self, permissions: &[&str]) -> Self {
        self.permissions = Some(permissions.iter().map(|&one| permission(one)).collect());
        self
    }

    pub fn reaches(&self, repo: &str) -> bool {
        self.repos
            .as_ref()
            .is_none_or(|repos| repos.iter().any(|one| one == repo))
    }

    pub fn may(&self, permission: &str, level: Level) -> bool {
        self.permissions.as_ref().is_none_or(|held| {
            permission == "metadata" || held.get(permission).is_some_and(|held| *held >= level)
        })
    }

    /// The name and address that GitHub's own commits carry.
    pub fn noreply(&self) -> String {
        let number: u32 = self.login.bytes().map(u32::from).sum();
        format!("{number}+{}@users.noreply.github.com", self.login)
    }
}

fn permission(text: &str) -> (String, Level) {
    let (name, level) = text.split_once('=').unwrap();
    let level = if level == "read" {
        Level::Read
    } else {
        Level::Write
    };
    (name.to_owned(), level)
}

/// Refuses who may not see a repository, or lacks all of the permissions (`contents=write`) that would do.
pub fn require(repo: &Repo, grant: Option<&Grant>, accepted: &[&str]) -> Result<(), Answer> {
    let reads = |one: &&str| one.ends_with("=read");
    let public = !repo.settings.private;
    let Some(grant) = grant else {
        return match public && accepted.iter().any(reads) {
            true => Ok(()),
            false if public => Err(refusal(401, "Requires authentication")),
            false => Err(not_found()),
        };
    };
    let reaches = grant.reaches(&repo.name);
    if !reaches && !public {
        return Err(not_found());
    }
    let may = |one: &&str| {
        let (name, level) = permission(one);
        grant.may(&name, level)
    };
    if (reaches && accepted.iter().any(may)) || (public && accepted.iter().any(reads)) {
        return Ok(());
    }
    Err(refusal(403, inaccessible(grant)).with("X-Accepted-GitHub-Permissions", &accepted.join("; ")))
}

/// How GitHub says that a token lacks a permission.
pub fn inaccessible(grant: &Grant) -> &'static str {
    match grant.kind {
        Kind::Personal => "Resource not accessible by personal access token",
        Kind::Integration => "Resource not accessible by integration",
    }
}

/// A GitHub App with one installation.
pub struct App {
    pub id: u64,
    pub installation: u64,
    pub owner: String,
    pub repos: Vec<String>,
    pub permissions: BTreeMap<String, Level>,
}

impl App {
    pub fn new(id: u64, installation: u64, repos: &[&str], permissions: &[&str]) -> Self {
        Self {
            id,
            installation,
            owner: repos[0].split('/').next().unwrap().to_owned(),
            repos: repos.iter().map(|&name| name.to_owned()).collect(),
            permissions: permissions.iter().map(|&one| permission(one)).collect(),
        }
    }
}

/// Finds the App that signed a JWT with the key of `tests/data/github/app.pem`.
pub fn app_of<'a>(state: &'a State, authorization: Option<&String>) -> Result<&'a App, Answer> {
    let jwt = authorization
        .and_then(|value| value.strip_prefix("Bearer "))
        .filter(|jwt| jwt.matches('.').count() == 2)
        .ok_or_else(|| refusal(401, "A JSON web token could not be decoded"))?;
    let undecoded = || refusal(401, "A JSON web token could not be decoded");
    let (signed, signature) = jwt.rsplit_once('.').unwrap();
    let (head, claims) = signed.split_once('.').unwrap();
    let read =
        |part: &str| -> Option<Value> { serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok() };
    let (head, claims) = read(head).zip(read(claims)).ok_or_else(undecoded)?;
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| undecoded())?;
    let pair = app_key();
    let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, pair.public_key().as_ref());
    if head["alg"] != "RS256" || key.verify(signed.as_bytes(), &signature).is_err() {
        return Err(undecoded());
    }
    in_time(&claims, state.seconds())?;
    let issuer = claims["iss"]
        .as_str()
        .map_or_else(|| claims["iss"].to_string(), str::to_owned);
    let app = state.apps.iter().find(|app| app.id.to_string() == issuer);
    app.ok_or_else(|| refusal(404, "Integration not found"))
}

fn in_time(claims: &Value, now: i64) -> Result<(), Answer> {
    let time = |name: &str| claims[name].as_i64();
    let wrong = |text: &str| Err(refusal(401, text));
    match (time("iat"), time("exp")) {
        (Some(issued), _) if issued > now => wrong(
            "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
        ),
        (None, _) => wrong("Missing 'issued at' claim ('iat') in assertion"),
        (_, None) => wrong("Missing 'expiration time' claim ('exp') in assertion"),
        (_, Some(expires)) if expires <= now => wrong(
            "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
        ),
        (_, Some(expires)) if expires > now + 600 => {
            wrong("'Expiration time' claim ('exp') is too far in the future")
        }
        _ => Ok(()),
    }
}

fn app_key() -> KeyPair {
    let pem = super::body::data("app.pem");
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::engine::general_purpose::STANDARD.decode(base64).unwrap();
    KeyPair::from_der(&der).unwrap()
}
