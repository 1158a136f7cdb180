//! A fake OCI registry on 127.0.0.1, with its token service. It takes no request that a strict one would refuse.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::git_server::{GitServer, Options, Request, Response};

pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// The image that it has, unless it has another.
pub const IMAGE: &str = "acme/web";
/// What its token service calls it.
const SERVICE: &str = "the.fake";
/// The most tags of a page.
const PAGE: usize = 1000;

/// Who may read the image.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Lock {
    /// Everybody, without a word.
    #[default]
    Open,
    /// Everybody, with a token.
    Public,
    /// Who has a login, with a token.
    Private,
    /// Who has a login, which comes with each request.
    Basic,
}

/// How the list of tags is cut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pages {
    /// A link says where it goes on.
    #[default]
    Linked,
    /// The link has a whole address, and no quotes.
    LinkedWhole,
    /// Nothing says that it goes on.
    Silent,
    /// It is not.
    Whole,
    /// A page of so many tags as we ask for is refused.
    Small,
}

#[derive(Default)]
struct State {
    /// The one image that it has.
    image: String,
    lock: Lock,
    pages: Pages,
    /// `user:password` that are taken.
    logins: BTreeSet<String>,
    /// Identity tokens that are taken.
    identities: BTreeSet<String>,
    /// Tokens that are good.
    tokens: BTreeSet<String>,
    given: usize,
    tags: BTreeMap<String, String>,
    contents: BTreeMap<String, (String, Vec<u8>)>,
    /// Whether manifests tell their digest.
    tells_digests: bool,
    /// Where blobs are, if not here.
    storage: Option<String>,
    /// Answers of a test's own: a part of the target, how often, and what.
    instead: Vec<(String, usize, Answer)>,
    seen: Vec<String>,
    faults: Vec<String>,
}

/// An answer: status, headers, body.
pub type Answer = (u16, Vec<(String, String)>, Vec<u8>);

/// A running fake. When it goes, it checks that nobody asked for what no registry answers.
pub struct FakeRegistry {
    state: Arc<Mutex<State>>,
    server: GitServer,
}

impl FakeRegistry {
    pub fn start() -> Self {
        Self::with_image(IMAGE)
    }

    /// Starts one whose image has another name.
    pub fn with_image(image: &str) -> Self {
        Self::start_with(image, Options::default())
    }

    /// Starts one with more options of the server, such as TLS.
    pub fn start_with(image: &str, options: Options) -> Self {
        let state = Arc::new(Mutex::new(State {
            image: image.to_owned(),
            tells_digests: true,
            ..State::default()
        }));
        let answering = Arc::clone(&state);
        let server = GitServer::start(Options {
            handler: Some(Arc::new(move |request: &Request| {
                let (status, headers, body) = answering.lock().unwrap().answer(request);
                Some(Response::Answer {
                    status,
                    headers,
                    body,
                })
            })),
            ..options
        });
        Self { state, server }
    }

    /// The server below, for its counts and its faults.
    pub fn server(&self) -> &GitServer {
        &self.server
    }

    /// Starts one that is locked, with a login `ana:s3cret-password`.
    pub fn locked(lock: Lock) -> Self {
        let registry = Self::start();
        registry.change(|state| {
            state.lock = lock;
            state.logins.insert("ana:s3cret-password".to_owned());
        });
        registry
    }

    /// Its host and port.
    pub fn host(&self) -> String {
        let url = self.server.url("");
        let host = url.split("://").nth(1).unwrap_or_default();
        host.trim_end_matches('/').to_owned()
    }

    /// The name of its image.
    pub fn image(&self) -> String {
        format!("{}/{}", self.host(), self.state.lock().unwrap().image)
    }

    /// Puts content there; returns its digest.
    pub fn put(&self, media_type: &str, content: &Value) -> String {
        let body = content.to_string().into_bytes();
        let sum = sha256(&body);
        self.change(|state| {
            state
                .contents
                .insert(sum.clone(), (media_type.to_owned(), body.clone()));
        });
        sum
    }

    /// Lets a tag lead to a digest.
    pub fn tag(&self, tag: &str, digest: &str) {
        self.change(|state| {
            state.tags.insert(tag.to_owned(), digest.to_owned());
        });
    }

    /// Lets a tag lead where another does.
    pub fn retag(&self, tag: &str, other: &str) {
        self.change(|state| {
            let digest = state.tags[tag].clone();
            state.tags.insert(other.to_owned(), digest);
        });
    }

    /// Takes a tag away.
    pub fn untag(&self, tag: &str) {
        self.change(|state| {
            state.tags.remove(tag);
        });
    }

    /// Puts an image for one platform there; returns its digest.
    pub fn put_image(&self, architecture: &str, created: &str) -> String {
        let config = self.put(
            CONFIG,
            &json!({ "created": created, "os": "linux", "architecture": architecture, "rootfs": {} }),
        );
        self.put(
            MANIFEST,
            &json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": { "mediaType": CONFIG, "digest": config }, "layers": [] }),
        )
    }

    pub fn pages(&self, pages: Pages) {
        self.change(|state| state.pages = pages);
    }

    /// Takes these identity tokens, too.
    pub fn identity(&self, token: &str) {
        self.change(|state| {
            state.identities.insert(token.to_owned());
        });
    }

    /// Keeps the digests of manifests to itself.
    pub fn hides_digests(&self) {
        self.change(|state| state.tells_digests = false);
    }

    /// Sends who wants a blob to another host.
    pub fn stores_at(&self, address: &str) {
        self.change(|state| state.storage = Some(address.to_owned()));
    }

    /// Makes all tokens that were given worthless.
    pub fn expire(&self) {
        self.change(|state| state.tokens.clear());
    }

    /// Answers the next requests whose target holds `part` with this.
    pub fn instead(&self, part: &str, times: usize, status: u16, headers: &[(&str, &str)], body: &str) {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let answer = (status, headers.collect(), body.as_bytes().to_vec());
        self.change(|state| state.instead.push((part.to_owned(), times, answer)));
    }

    /// Alters content behind its digest.
    pub fn alter(&self, digest: &str) {
        self.change(|state| {
            let (_, body) = state.contents.get_mut(digest).unwrap();
            body.push(b' ');
        });
    }

    /// The requests so far, as `GET /v2/…`, with `+` at the end where somebody said who they are.
    pub fn seen(&self) -> Vec<String> {
        self.state.lock().unwrap().seen.clone()
    }

    /// How many requests had this in their target.
    pub fn count(&self, part: &str) -> usize {
        self.seen().iter().filter(|one| one.contains(part)).count()
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap());
    }
}

impl Drop for FakeRegistry {
    fn drop(&mut self) {
        let faults = std::mem::take(&mut self.state.lock().unwrap().faults);
        assert!(
            faults.is_empty() || std::thread::panicking(),
            "a strict registry would refuse: {faults:#?}"
        );
    }
}

impl State {
    fn answer(&mut self, request: &Request) -> Answer {
        let login = request.headers.get("authorization").cloned();
        let mark = if login.is_some() { " +" } else { "" };
        self.seen
            .push(format!("{} {}{mark}", request.method, request.target));
        let twisted = self
            .instead
            .iter_mut()
            .find(|(part, times, _)| *times > 0 && request.target.contains(part.as_str()));
        if let Some((_, times, answer)) = twisted {
            *times -= 1;
            return answer.clone();
        }
        let host = request.headers.get("host").cloned().unwrap_or_default();
        let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
        if path == "/token" {
            return self.token(request, query, login.as_deref());
        }
        if let Some(digest) = path.strip_prefix("/storage/") {
            // As S3 does: a signed address and a login are one too many.
            if login.is_some() {
                return self.fault(request, "a login was sent to the storage");
            }
            return self.content(digest);
        }
        let Some((image, below)) = path.strip_prefix("/v2/").and_then(split) else {
            return self.fault(request, "there is no such path");
        };
        if !self.lets_in(login.as_deref()) {
            return self.challenge(&host);
        }
        if image != self.image {
            return error(404, "NAME_UNKNOWN", "repository name not known to registry");
        }
        match (request.method.as_str(), below) {
            ("GET", "tags/list") => self.list(query, &host),
            ("GET" | "HEAD", _) if below.starts_with("manifests/") => {
                self.manifest(request, &below["manifests/".len()..])
            }
            ("GET", _) if below.starts_with("blobs/") => {
                let digest = &below["blobs/".len()..];
                match &self.storage {
                    Some(storage) => redirect(&format!("{storage}/storage/{digest}")),
                    None => self.content(digest),
                }
            }
            _ => self.fault(request, "there is no such path"),
        }
    }

    fn lets_in(&self, login: Option<&str>) -> bool {
        match self.lock {
            Lock::Open => true,
            Lock::Public | Lock::Private => login
                .and_then(|login| login.strip_prefix("Bearer "))
                .is_some_and(|token| self.tokens.contains(token)),
            Lock::Basic => self.knows(login),
        }
    }

    fn knows(&self, login: Option<&str>) -> bool {
        login
            .and_then(|login| login.strip_prefix("Basic "))
            .and_then(|login| STANDARD.decode(login).ok())
            .and_then(|login| String::from_utf8(login).ok())
            .is_some_and(|login| self.logins.contains(&login))
    }

    fn challenge(&self, host: &str) -> Answer {
        let wants = if self.lock == Lock::Basic {
            "Basic realm=\"the fake\"".to_owned()
        } else {
            format!(
                "Bearer realm=\"http://{host}/token\",service=\"{SERVICE}\",scope=\"repository:{}:pull\"",
                self.image
            )
        };
        let (status, mut headers, body) = error(401, "UNAUTHORIZED", "authentication required");
        headers.push(("WWW-Authenticate".to_owned(), wants));
        (status, headers, body)
    }

    fn token(&mut self, request: &Request, query: &str, login: Option<&str>) -> Answer {
        let form = String::from_utf8(request.body.clone()).unwrap();
        let told = if request.method == "POST" {
            form.as_str()
        } else {
            query
        };
        let told: Vec<(String, String)> = url::form_urlencoded::parse(told.as_bytes())
            .into_owned()
            .collect();
        let one = |name: &str| {
            told.iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
        };
        if one("service") != Some(SERVICE) || one("scope") != Some(&format!("repository:{}:pull", self.image))
        {
            return self.fault(request, "the service or the scope is not that of the challenge");
        }
        let let_in = if request.method == "POST" {
            let complete = one("grant_type") == Some("refresh_token") && one("client_id").is_some();
            complete && one("refresh_token").is_some_and(|token| self.identities.contains(token))
        } else if login.is_some() {
            self.knows(login)
        } else {
            self.lock == Lock::Public
        };
        if !let_in {
            return error(401, "UNAUTHORIZED", "incorrect username or password");
        }
        self.given += 1;
        let token = format!("s3cret-token-{}", self.given);
        self.tokens.insert(token.clone());
        let name = if request.method == "POST" {
            "access_token"
        } else {
            "token"
        };
        ok(
            "application/json",
            json!({ name: token, "expires_in": 300 }).to_string().into_bytes(),
        )
    }

    fn list(&mut self, query: &str, host: &str) -> Answer {
        let told: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let one = |name: &str| {
            told.iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.clone())
        };
        let asked: Option<usize> = one("n").map(|n| n.parse().unwrap());
        if self.pages == Pages::Small && asked.is_some_and(|n| n > 100) {
            return error(
                400,
                "PAGINATION_NUMBER_INVALID",
                "invalid number of results requested",
            );
        }
        let most = match self.pages {
            Pages::Whole => usize::MAX,
            Pages::Small => 100,
            _ => asked.unwrap_or(PAGE).min(PAGE),
        };
        let last = one("last")
            .filter(|_| self.pages != Pages::Whole)
            .unwrap_or_default();
        let rest: Vec<&String> = self.tags.keys().filter(|tag| **tag > last).collect();
        let page = &rest[..rest.len().min(most)];
        let body = json!({ "name": self.image, "tags": page })
            .to_string()
            .into_bytes();
        let mut answer = ok("application/json", body);
        if rest.len() > page.len() && self.pages != Pages::Silent {
            let next = format!(
                "/v2/{}/tags/list?last={}&n={}",
                self.image,
                page[page.len() - 1],
                page.len()
            );
            let link = match self.pages {
                Pages::LinkedWhole => format!("<http://{host}{next}>; rel=next"),
                _ => format!("<{next}>; rel=\"next\""),
            };
            answer.1.push(("Link".to_owned(), link));
        }
        answer
    }

    fn manifest(&mut self, request: &Request, reference: &str) -> Answer {
        let accept = request.headers.get("accept").cloned().unwrap_or_default();
        let all = [INDEX, MANIFEST, DOCKER_LIST, DOCKER_MANIFEST];
        if !all.iter().all(|form| accept.split(", ").any(|one| one == *form)) {
            return self.fault(request, "not every form of a manifest is accepted");
        }
        let digest = self
            .tags
            .get(reference)
            .map_or(reference, String::as_str)
            .to_owned();
        let (status, mut headers, body) = self.content(&digest);
        if status != 200 {
            return error(404, "MANIFEST_UNKNOWN", "manifest unknown");
        }
        if self.tells_digests {
            headers.push(("Docker-Content-Digest".to_owned(), digest));
        }
        (status, headers, body)
    }

    fn content(&self, digest: &str) -> Answer {
        match self.contents.get(digest) {
            Some((media_type, body)) => ok(media_type, body.clone()),
            None => error(404, "BLOB_UNKNOWN", "blob unknown to registry"),
        }
    }

    fn fault(&mut self, request: &Request, why: &str) -> Answer {
        self.faults
            .push(format!("{} {}: {why}", request.method, request.target));
        error(400, "UNSUPPORTED", why)
    }
}

/// `acme/web/tags/list` is the image `acme/web` and what is below it.
fn split(path: &str) -> Option<(&str, &str)> {
    ["/tags/", "/manifests/", "/blobs/"].iter().find_map(|part| {
        let at = path.rfind(part)?;
        Some((&path[..at], &path[at + 1..]))
    })
}

pub fn sha256(body: &[u8]) -> String {
    let sum = digest(&SHA256, body);
    let hex = sum.as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    format!("sha256:{hex}")
}

fn ok(media_type: &str, body: Vec<u8>) -> Answer {
    (
        200,
        vec![("Content-Type".to_owned(), media_type.to_owned())],
        body,
    )
}

fn redirect(to: &str) -> Answer {
    (307, vec![("Location".to_owned(), to.to_owned())], Vec::new())
}

fn error(status: u16, code: &str, message: &str) -> Answer {
    let body = json!({ "errors": [{ "code": code, "message": message, "detail": null }] });
    let (_, headers, body) = ok("application/json", body.to_string().into_bytes());
    (status, headers, body)
}
