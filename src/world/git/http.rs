//! Git's smart HTTP protocol, stateless, over the one HTTP client (gitprotocol-http(5)).

use std::sync::{Mutex, PoisonError};

use git2::transport::{Service, SmartSubtransportStream};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};

use super::credentials::{Access, Chain, Credential};
use super::wire::{Failure, Stream, boxed};
use crate::words::address::GitUrl;
use crate::words::fault::{Fault, Kind};
use crate::words::token::TokenSource;
use crate::world::http::{Answer, MOST_READ, Request, too_long};

const MOST_REDIRECTS: usize = 5;

/// The line to a repository over HTTP.
pub(super) struct HttpWire {
    url: GitUrl,
    access: Access,
    state: Mutex<State>,
}

struct State {
    base: Url,
    chain: Chain,
    credential: Option<Credential>,
}

impl HttpWire {
    /// Makes the line; nothing is sent yet.
    pub(super) fn to(url: &GitUrl, access: &Access) -> Result<Self, Fault> {
        let base = Url::parse(&url.to_string())
            .map_err(|e| Fault::invalid(format!("`{url}` is no address for HTTP: {e}")))?;
        let mut chain = Chain::of(url, access);
        let credential = chain.next_ready();
        Ok(Self {
            url: url.clone(),
            access: access.clone(),
            state: Mutex::new(State {
                base,
                chain,
                credential,
            }),
        })
    }

    /// Opens one request of the protocol: the list of refs at once, a service when its body is whole.
    pub(super) fn open(&self, service: Service) -> Result<Box<dyn SmartSubtransportStream>, Failure> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match service {
            Service::UploadPackLs => boxed(Reading::of(self.refs(&mut state, "git-upload-pack")?)),
            Service::ReceivePackLs => boxed(Reading::of(self.refs(&mut state, "git-receive-pack")?)),
            Service::UploadPack => boxed(self.call(&state, "git-upload-pack")?),
            Service::ReceivePack => boxed(self.call(&state, "git-receive-pack")?),
        }
    }

    /// Asks for the refs, with one credential after the other until one is taken.
    fn refs(&self, state: &mut State, service: &str) -> Result<Answer, Failure> {
        let mut first: Option<Failure> = None;
        loop {
            let mut answer = self.refs_once(state, service)?;
            let status = answer.status();
            if status == 200 {
                self.note(service, "answers", state.credential.as_ref());
                if let Some(credential) = &mut state.credential {
                    credential.judge(&self.url, &self.access, true);
                }
                check_type(&answer, &format!("application/x-{service}-advertisement"))?;
                return Ok(answer);
            }
            self.note(service, &format!("says {status}"), state.credential.as_ref());
            let source = state.credential.as_ref().map(|credential| &credential.source);
            let failure = refusal(&self.url, &mut answer, source, service);
            if !matches!(status, 401 | 403 | 404) {
                return Err(failure);
            }
            if let (401, Some(credential)) = (status, &mut state.credential) {
                credential.judge(&self.url, &self.access, false);
            }
            let first = first.get_or_insert(failure);
            match state.chain.next() {
                Some(credential) => state.credential = Some(credential),
                None => return Err(first.clone()),
            }
        }
    }

    /// Tells which credential was taken, and what came of it.
    fn note(&self, service: &str, answer: &str, credential: Option<&Credential>) {
        let with = with(credential.map(|credential| &credential.source));
        let text = format!("{service}: `{}` {answer} {with}", self.url);
        self.access.progress.note(&text);
    }

    fn refs_once(&self, state: &mut State, service: &str) -> Result<Answer, Failure> {
        for _ in 0..=MOST_REDIRECTS {
            let request = Request {
                method: Method::GET,
                url: below(&state.base, &format!("info/refs?service={service}"))?,
                headers: headers(state.credential.as_ref(), "*/*")?,
                body: None,
            };
            let answer = self.access.http.send(request, self.access.deadline)?;
            let Some(to) = answer.redirect()? else {
                return Ok(answer);
            };
            state.base = base_of(&to)?;
        }
        Err(Fault::new(Kind::Denied, format!("`{}` sends us round in a circle", self.url)).into())
    }

    fn call(&self, state: &State, service: &'static str) -> Result<Call, Failure> {
        let result = format!("application/x-{service}-result");
        let mut headers = headers(state.credential.as_ref(), &result)?;
        headers.insert(CONTENT_TYPE, value(&format!("application/x-{service}-request"))?);
        let request = Request {
            method: Method::POST,
            url: below(&state.base, service)?,
            headers,
            body: Some(Vec::new()),
        };
        Ok(Call {
            url: self.url.clone(),
            access: self.access.clone(),
            source: state
                .credential
                .as_ref()
                .map(|credential| credential.source.clone()),
            service,
            result,
            request: Some(request),
            answer: None,
        })
    }
}

/// A list of refs, and how many bytes of it may still come: libgit2 keeps all of them in memory.
struct Reading {
    answer: Answer,
    left: usize,
}

impl Reading {
    fn of(answer: Answer) -> Self {
        Self {
            answer,
            left: MOST_READ,
        }
    }
}

impl Stream for Reading {
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        let count = self.answer.read(buffer)?;
        self.left = self
            .left
            .checked_sub(count)
            .ok_or_else(|| too_long(self.answer.host(), MOST_READ))?;
        Ok(count)
    }

    fn send(&mut self, _bytes: &[u8]) -> Result<(), Failure> {
        Err(Fault::new(Kind::Internal, "a list of refs takes no input").into())
    }
}

/// One call of a service: what is written is kept, and sent whole when the answer is wanted.
struct Call {
    url: GitUrl,
    access: Access,
    source: Option<TokenSource>,
    service: &'static str,
    result: String,
    request: Option<Request>,
    answer: Option<Answer>,
}

impl Stream for Call {
    fn receive(&mut self, buffer: &mut [u8]) -> Result<usize, Failure> {
        if let Some(request) = self.request.take() {
            let mut answer = self.access.http.send(request, self.access.deadline)?;
            if answer.status() != 200 {
                return Err(refusal(
                    &self.url,
                    &mut answer,
                    self.source.as_ref(),
                    self.service,
                ));
            }
            check_type(&answer, &self.result).map_err(|mut failure| {
                // A page in the place of a push's answer does not tell whether it was carried out.
                if self.service == "git-receive-pack" {
                    failure.fault.kind = Kind::GaveUp;
                }
                failure
            })?;
            self.answer = Some(answer);
        }
        match &mut self.answer {
            Some(answer) => Ok(answer.read(buffer)?),
            None => Ok(0),
        }
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self.request.as_mut().and_then(|request| request.body.as_mut()) {
            Some(body) => {
                body.extend_from_slice(bytes);
                Ok(())
            }
            None => Err(Fault::new(Kind::Internal, "the request has already gone").into()),
        }
    }
}

fn headers(credential: Option<&Credential>, accept: &str) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, value(accept)?);
    if let Some(credential) = credential {
        let mut authorization = value(credential.authorization.expose())?;
        authorization.set_sensitive(true);
        headers.insert(AUTHORIZATION, authorization);
    }
    Ok(headers)
}

fn value(text: &str) -> Result<HeaderValue, Failure> {
    HeaderValue::from_str(text)
        .map_err(|_| Fault::new(Kind::Internal, "a header holds what no header may").into())
}

fn below(base: &Url, rest: &str) -> Result<Url, Failure> {
    let base = base.as_str().trim_end_matches('/');
    Url::parse(&format!("{base}/{rest}"))
        .map_err(|e| Fault::invalid(format!("the address of the config repo is no URL: {e}")).into())
}

/// The repository's address, from that of its refs: git moves the whole repository with a redirect.
fn base_of(refs: &Url) -> Result<Url, Failure> {
    let mut base = refs.clone();
    base.set_query(None);
    match refs.path().strip_suffix("/info/refs") {
        Some(path) => {
            base.set_path(path);
            Ok(base)
        }
        None => Err(Fault::new(
            Kind::Denied,
            format!(
                "the server sent us to `{}`, which is no git repository",
                refs.path().escape_debug()
            ),
        )
        .hint("a page to sign in means that a token is needed: set GITOPS_STEPS_TOKEN")
        .into()),
    }
}

fn check_type(answer: &Answer, expected: &str) -> Result<(), Failure> {
    let found = answer.header(CONTENT_TYPE.as_str()).unwrap_or("nothing");
    if found
        .split(';')
        .next()
        .is_some_and(|found| found.trim().eq_ignore_ascii_case(expected))
    {
        return Ok(());
    }
    Err(Fault::new(
        Kind::Denied,
        format!(
            "the server answered with `{}`, not as a git server does",
            found.escape_debug()
        ),
    )
    .hint("check that the address is a repository's, as git clone takes it")
    .into())
}

fn with(source: Option<&TokenSource>) -> String {
    source.map_or_else(
        || "without a token".to_owned(),
        |source| format!("with the token of {source}"),
    )
}

/// Says what a status other than 200 means.
fn refusal(url: &GitUrl, answer: &mut Answer, source: Option<&TokenSource>, service: &str) -> Failure {
    let status = answer.status();
    let wait = answer.retry_after();
    let body = answer.shown();
    let said = if body.is_empty() || body.starts_with('<') {
        String::new()
    } else {
        format!(": {body}")
    };
    let message = format!("`{url}` answered {status} {}{said}", with(source));
    let need = if service == "git-receive-pack" {
        "write access to the repository (GitHub: contents: write; GitLab: write_repository and the Developer role)"
    } else {
        "read access to the repository (GitHub: contents: read; GitLab: read_repository)"
    };
    let (kind, hint, passing) = match (status, source) {
        (401, None) => (Kind::Denied, format!("set GITOPS_STEPS_TOKEN to a token with {need}"), false),
        (401, Some(_)) => (
            Kind::Denied,
            format!("the token is wrong or has run out; it needs {need}"),
            false,
        ),
        (403 | 404, Some(TokenSource::Variable("GITHUB_TOKEN" | "GH_TOKEN"))) => (
            Kind::Denied,
            format!(
                "the GITHUB_TOKEN of a workflow reaches its own repository only; give the token of an App or a \
                 person as GITOPS_STEPS_TOKEN, with {need}"
            ),
            false,
        ),
        (403, Some(TokenSource::Variable("CI_JOB_TOKEN"))) => (
            Kind::Denied,
            "a job token pushes to its own project only, where that is allowed; give a project or group access \
             token as GITOPS_STEPS_TOKEN"
                .to_owned(),
            false,
        ),
        (403, _) => (Kind::Denied, format!("the token needs {need}"), false),
        (404, _) => (
            Kind::Denied,
            format!("check the address; a server also says 404 to a token without {need}"),
            false,
        ),
        (408 | 429 | 500..=599, _) => (Kind::GaveUp, "the server is busy or down; try again later".to_owned(), true),
        _ => (Kind::Denied, "check the address of the config repo".to_owned(), false),
    };
    Failure {
        fault: Fault::new(kind, message).hint(hint),
        passing,
        wait,
    }
}
