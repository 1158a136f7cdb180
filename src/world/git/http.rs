//! Git's smart HTTP protocol, stateless, over the one HTTP client (gitprotocol-http(5)).

use std::sync::{Mutex, PoisonError};

use git2::transport::{Service, SmartSubtransportStream};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};

use super::credentials::{Access, Chain, Credential};
use super::status::{check_type, check_type_of_push, refusal, with};
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
            Service::UploadPackLs => boxed(Reading::of(
                self.refs(&mut state, Speech::refs("git-upload-pack"))?,
            )),
            Service::ReceivePackLs => boxed(Reading::of(
                self.refs(&mut state, Speech::refs("git-receive-pack"))?,
            )),
            Service::UploadPack => boxed(self.call(&state, "git-upload-pack")?),
            Service::ReceivePack => boxed(self.call(&state, "git-receive-pack")?),
        }
    }

    /// Asks what the server offers in version 2 of the protocol.
    pub(super) fn offers(&self) -> Result<Answer, Failure> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.refs(&mut state, FETCH)
    }

    /// Sends a command of version 2; `None` where the server does not take it. With `first` it tells how the server took the
    /// credential.
    pub(super) fn command(&self, command: Vec<u8>, first: bool) -> Result<Option<Answer>, Failure> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answer = self.post(&state, FETCH, command)?;
        answer.redirect()?;
        match answer.status() {
            200 if check_type(&answer, &FETCH.result()).is_ok() => {
                if first {
                    self.taken(&mut state, FETCH.service);
                }
                Ok(Some(answer))
            }
            status @ (408 | 429 | 502..=504) => {
                let credential = state.credential.as_ref();
                self.note(FETCH.service, &format!("says {status}"), credential);
                let source = credential.map(|credential| &credential.source);
                Err(refusal(&self.url, &mut answer, source, FETCH.service))
            }
            _ => Ok(None),
        }
    }

    /// Sends the message of a push. The server is asked for its refs only where it does not take it: then it may want another
    /// credential, or be elsewhere.
    pub(super) fn receive(&self, message: Vec<u8>) -> Result<Answer, Failure> {
        const PUSH: Speech = Speech::refs("git-receive-pack");
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answer = self.post(&state, PUSH, message.clone())?;
        answer.redirect()?;
        match answer.status() {
            200 => self.taken(&mut state, PUSH.service),
            408 | 429 | 500..=599 => {}
            status => {
                self.note(PUSH.service, &format!("says {status}"), state.credential.as_ref());
                self.refs(&mut state, PUSH)?;
                answer = self.post(&state, PUSH, message)?;
                answer.redirect()?;
            }
        }
        if answer.status() != 200 {
            let source = state.credential.as_ref().map(|credential| &credential.source);
            return Err(refusal(&self.url, &mut answer, source, PUSH.service));
        }
        check_type_of_push(&answer, &PUSH.result())?;
        Ok(answer)
    }

    /// Posts a message whole.
    fn post(&self, state: &State, speech: Speech, message: Vec<u8>) -> Result<Answer, Failure> {
        let mut request = request(state, speech)?;
        request.body = Some(message);
        Ok(self.access.http.send(request, self.access.deadline)?)
    }

    /// Learns that the server took the credential.
    fn taken(&self, state: &mut State, service: &str) {
        self.note(service, "answers", state.credential.as_ref());
        if let Some(credential) = &mut state.credential {
            credential.judge(&self.url, &self.access, true);
        }
    }

    /// Asks for the refs, with one credential after the other until one is taken.
    fn refs(&self, state: &mut State, speech: Speech) -> Result<Answer, Failure> {
        let service = speech.service;
        let mut first: Option<Failure> = None;
        loop {
            let mut answer = self.refs_once(state, speech)?;
            let status = answer.status();
            if status == 200 {
                self.taken(state, service);
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

    fn refs_once(&self, state: &mut State, speech: Speech) -> Result<Answer, Failure> {
        for _ in 0..=MOST_REDIRECTS {
            let request = Request {
                method: Method::GET,
                url: below(&state.base, &format!("info/refs?service={}", speech.service))?,
                headers: headers(state.credential.as_ref(), "*/*", speech)?,
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
        let speech = Speech::refs(service);
        Ok(Call {
            url: self.url.clone(),
            access: self.access.clone(),
            source: state
                .credential
                .as_ref()
                .map(|credential| credential.source.clone()),
            service,
            result: speech.result(),
            request: Some(request(state, speech)?),
            answer: None,
        })
    }
}

/// A request of a service, whose body is still empty.
fn request(state: &State, speech: Speech) -> Result<Request, Failure> {
    let service = speech.service;
    let mut headers = headers(state.credential.as_ref(), &speech.result(), speech)?;
    headers.insert(CONTENT_TYPE, value(&format!("application/x-{service}-request"))?);
    Ok(Request {
        method: Method::POST,
        url: below(&state.base, service)?,
        headers,
        body: Some(Vec::new()),
    })
}

/// A service, and the version of the protocol in which it is spoken to.
#[derive(Clone, Copy)]
struct Speech {
    service: &'static str,
    is_v2: bool,
}

/// What fetches are spoken in that do not go through libgit2.
const FETCH: Speech = Speech {
    service: "git-upload-pack",
    is_v2: true,
};

impl Speech {
    /// The first version, which begins with the refs.
    const fn refs(service: &'static str) -> Self {
        Self {
            service,
            is_v2: false,
        }
    }

    /// The type of what the service answers.
    fn result(self) -> String {
        format!("application/x-{}-result", self.service)
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
            if self.service == "git-receive-pack" {
                check_type_of_push(&answer, &self.result)?;
            } else {
                check_type(&answer, &self.result)?;
            }
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

fn headers(credential: Option<&Credential>, accept: &str, speech: Speech) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, value(accept)?);
    if speech.is_v2 {
        headers.insert("git-protocol", HeaderValue::from_static("version=2"));
    }
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
