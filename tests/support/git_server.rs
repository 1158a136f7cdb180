//! A real git server for tests: smart HTTP on 127.0.0.1, served by the system's `git http-backend`.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use socket2::SockRef;
use tempfile::TempDir;

use super::cli::of_system;

/// What a user may do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Right {
    Read,
    Write,
}

/// How much of git's protocol the server speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Speaks {
    /// Version 2, with filters, as forges do.
    #[default]
    Filters,
    /// Version 2 without filters, as `git http-backend` does unless it is told otherwise.
    Version2,
    /// Version 0 alone, as servers of other make do.
    Version0,
}

impl Speaks {
    pub const ALL: [Self; 3] = [Self::Filters, Self::Version2, Self::Version0];
}

/// How the server behaves. The default serves everybody.
#[derive(Clone, Default)]
pub struct Options {
    /// `user:password` and its right; none means that no login is asked for.
    pub users: Vec<(&'static str, Right)>,
    /// How much of the protocol it speaks.
    pub speaks: Speaks,
    /// Whether reading needs no login.
    pub public: bool,
    /// The wait before each answer.
    pub delay: Duration,
    /// How it speaks TLS; `None` means plain HTTP.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// Asked first; what it leaves (`None`) goes to git, and the logins above.
    pub handler: Option<Handler>,
}

/// Answers requests that are not git's.
pub type Handler = Arc<dyn Fn(&Request) -> Option<Response> + Send + Sync>;

/// A request as it arrived; the names of its headers are in lower case.
pub struct Request {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
}

/// What a [`Handler`] answers.
pub enum Response {
    Answer {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// The connection closes without an answer.
    Close,
}

/// What went over the wire.
#[derive(Default)]
pub struct Counts {
    pub requests: AtomicUsize,
    pub bytes_up: AtomicUsize,
    pub bytes_down: AtomicUsize,
    pub chunked: AtomicUsize,
    pub stalled: AtomicUsize,
}

struct Shared {
    root: PathBuf,
    options: Options,
    counts: Counts,
    /// Answers still to be spoilt: each holds a part of the request, what happens to it, and how often.
    faults: Mutex<Vec<(String, Fault, usize)>>,
    /// The `Authorization` of each request that had one.
    authorizations: Mutex<Vec<String>>,
    tls: Mutex<Option<Arc<rustls::ServerConfig>>>,
    stopped: AtomicBool,
}

/// What happens to one request instead of its answer.
#[derive(Clone)]
pub enum Fault {
    /// This status is answered.
    Status(u16),
    /// The connection closes after so many bytes of the true answer.
    CloseAfter(usize),
    /// The client is sent elsewhere.
    Redirect(String),
    /// The answer stalls after so many bytes, until the server stops.
    StallAfter(usize),
    /// The connection closes, and the request is not carried out.
    Drop,
    /// The connection closes in the middle of the true answer's body.
    Breaks,
    /// The connection is reset there, as by a firewall that has forgotten it.
    Resets,
    /// The answer stalls in the middle of its body, until the server stops.
    Stalls,
    /// The true answer comes one byte at a time, for ever if it is long.
    Drip,
    /// The request is carried out, and half of the answer's body comes as if it were all.
    Half,
    /// The request is carried out if the first says so, and this is answered: a status, a type of content, a body.
    Instead(bool, u16, &'static str, &'static str),
    /// A rate limit turns the request away, which by this machine's clock ends in so many seconds.
    Limited(i64),
    /// This is done first, while the client waits; then the request is carried out and answered.
    Before(Deed),
    /// This is done instead of the request, and the connection closes.
    DropAfter(Deed),
    /// The request is carried out, then this is done, and the connection closes without an answer.
    LoseAfter(Deed),
}

/// What a test does while a client waits for an answer.
pub type Deed = Arc<dyn Fn() + Send + Sync>;

/// A running server; it stops when dropped.
pub struct GitServer {
    shared: Arc<Shared>,
    port: u16,
    home: TempDir,
}

impl GitServer {
    pub fn start(options: Options) -> Self {
        let home = TempDir::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            root: home.path().to_owned(),
            tls: Mutex::new(options.tls.clone()),
            options,
            counts: Counts::default(),
            faults: Mutex::default(),
            authorizations: Mutex::default(),
            stopped: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if serving.stopped.load(Ordering::SeqCst) {
                    break;
                }
                let shared = Arc::clone(&serving);
                thread::spawn(move || {
                    let _ = stream.set_nodelay(true);
                    let tls = shared.tls.lock().unwrap().clone();
                    let socket = stream.try_clone().unwrap();
                    match tls {
                        None => serve(&shared, &socket, stream),
                        Some(tls) => {
                            let connection = rustls::ServerConnection::new(tls).unwrap();
                            serve(&shared, &socket, rustls::StreamOwned::new(connection, stream));
                        }
                    }
                });
            }
        });
        Self { shared, port, home }
    }

    pub fn url(&self, repo: &str) -> String {
        self.url_as("127.0.0.1", repo)
    }

    /// The address of a repository, by another name of this machine.
    pub fn url_as(&self, host: &str, repo: &str) -> String {
        let scheme = self.shared.options.tls.as_ref().map_or("http", |_| "https");
        format!("{scheme}://{host}:{}/{repo}", self.port)
    }

    /// The `Authorization` of each request that had one.
    pub fn authorizations(&self) -> Vec<String> {
        self.shared.authorizations.lock().unwrap().clone()
    }

    pub fn path(&self, repo: &str) -> PathBuf {
        self.home.path().join(repo)
    }

    pub fn counts(&self) -> &Counts {
        &self.shared.counts
    }

    /// Spoils the next answer to a request whose `METHOD /path?query`, a line break and body hold `part`.
    pub fn spoil(&self, part: &str, fault: Fault) {
        self.spoil_times(part, 1, fault);
    }

    /// Spoils so many answers.
    pub fn spoil_times(&self, part: &str, times: usize, fault: Fault) {
        let mut faults = self.shared.faults.lock().unwrap();
        faults.push((part.to_owned(), fault, times));
    }

    /// Speaks TLS in another way from now on.
    pub fn speak(&self, tls: Arc<rustls::ServerConfig>) {
        *self.shared.tls.lock().unwrap() = Some(tls);
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Spoils no answer any more.
    pub fn mend(&self) {
        self.shared.faults.lock().unwrap().clear();
    }

    /// Makes a bare repository `name` whose branch `main` holds `files`.
    pub fn repo(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let bare = self.path(name);
        bare_repo(&bare, files);
        let filters = (self.shared.options.speaks == Speaks::Filters).to_string();
        git_says(&bare, &["config", "uploadpack.allowFilter", &filters]);
        bare
    }

    #[cfg(unix)]
    /// Sets the script that judges each push (githooks(5), `pre-receive`).
    pub fn hook(&self, repo: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        let file = self.path(repo).join("hooks/pre-receive");
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

impl Drop for GitServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Prepares git so that nothing of this machine's configuration is seen.
pub fn git(directory: &Path) -> Command {
    let mut command = Command::new("git");
    command
        .current_dir(directory)
        .env_clear()
        .envs(of_system())
        .env("HOME", "/nonexistent")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null");
    for role in ["AUTHOR", "COMMITTER"] {
        command
            .env(format!("GIT_{role}_NAME"), "Test")
            .env(format!("GIT_{role}_EMAIL"), "test@example.com");
    }
    command
}

/// Runs git and returns what it says; it must succeed.
pub fn git_says(directory: &Path, args: &[&str]) -> String {
    let output = git(directory).args(args).output().unwrap();
    assert!(
        output.status.success(),
        "git {args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// Makes a bare repository whose branch `main` holds `files`; `name -> target` stands for a symbolic link and
/// `name*` for an executable.
pub fn bare_repo(bare: &Path, files: &[(&str, &str)]) {
    empty_repo(bare);
    commit_to(bare, "first", files);
}

/// Makes a bare repository without a commit.
pub fn empty_repo(bare: &Path) {
    std::fs::create_dir_all(bare).unwrap();
    git_says(bare, &["init", "--quiet", "--bare", "--initial-branch=main"]);
    git_says(bare, &["config", "http.receivepack", "true"]);
    git_says(bare, &["config", "uploadpack.allowFilter", "true"]);
}

/// Puts another commit on `main` of a bare repository, as somebody else would; returns its id.
pub fn commit_to(bare: &Path, message: &str, files: &[(&str, &str)]) -> String {
    use std::fmt::Write as _;
    let mut input = "commit refs/heads/main\ncommitter T <t@example.com> 1700000000 +0000\n".to_owned();
    let _ = write!(input, "data {}\n{message}\n", message.len());
    let has_parent = git(bare)
        .args(["rev-parse", "-q", "--verify", "main"])
        .output()
        .unwrap()
        .status
        .success();
    if has_parent {
        input.push_str("from refs/heads/main^0\n");
    }
    for (name, text) in files {
        let (name, mode, text) = match name.split_once(" -> ") {
            Some((name, target)) => (name, "120000", target),
            None => match name.strip_suffix('*') {
                Some(name) => (name, "100755", *text),
                None => (*name, "100644", *text),
            },
        };
        let _ = write!(input, "M {mode} inline {name}\ndata {}\n{text}\n", text.len());
    }
    let mut child = git(bare)
        .args(["fast-import", "--quiet"])
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    git_says(bare, &["rev-parse", "main"])
}

fn serve(shared: &Shared, socket: &TcpStream, stream: impl Read + Write) {
    let mut reader = BufReader::new(stream);
    while let Some(request) = read_request(&mut reader) {
        let counts = &shared.counts;
        counts.requests.fetch_add(1, Ordering::SeqCst);
        counts.bytes_up.fetch_add(request.body.len(), Ordering::SeqCst);
        if request.headers.contains_key("transfer-encoding") {
            counts.chunked.fetch_add(1, Ordering::SeqCst);
        }
        let authorization = request.headers.get("authorization").cloned();
        shared.authorizations.lock().unwrap().extend(authorization);
        thread::sleep(shared.options.delay);
        let fault = taken(shared, &request);
        let out = reader.get_mut();
        let answer = match fault {
            None => answer(shared, &request),
            Some(fault) => {
                let resets = matches!(fault, Fault::Resets);
                let Some(answer) = spoilt(shared, &request, fault, out) else {
                    if resets {
                        // What closes without lingering is reset.
                        let _ = SockRef::from(socket).set_linger(Some(Duration::ZERO));
                    }
                    return;
                };
                answer
            }
        };
        counts.bytes_down.fetch_add(answer.len(), Ordering::SeqCst);
        if answer.is_empty() {
            return;
        }
        if out.write_all(&answer).and_then(|()| out.flush()).is_err() {
            return;
        }
    }
}

/// What is to happen to a request instead of its answer.
fn taken(shared: &Shared, request: &Request) -> Option<Fault> {
    let mut faults = shared.faults.lock().unwrap();
    if faults.is_empty() {
        return None;
    }
    let body = String::from_utf8_lossy(&request.body);
    let text = format!("{} {}\n{body}", request.method, request.target);
    let at = faults
        .iter()
        .position(|(part, ..)| text.contains(part.as_str()))?;
    faults[at].2 -= 1;
    if faults[at].2 == 0 {
        return Some(faults.remove(at).1);
    }
    Some(faults[at].1.clone())
}

/// Lets a fault happen; what is left to be answered comes back, if anything.
fn spoilt(shared: &Shared, request: &Request, fault: Fault, out: &mut impl Write) -> Option<Vec<u8>> {
    match fault {
        Fault::Status(status) => return Some(simple(status, "", "spoilt")),
        Fault::Redirect(to) => return Some(simple(302, &format!("Location: {to}\r\n"), "")),
        Fault::Drop => {}
        Fault::DropAfter(deed) => deed(),
        Fault::LoseAfter(deed) => {
            answer(shared, request);
            deed();
        }
        Fault::Before(deed) => {
            deed();
            return Some(answer(shared, request));
        }
        Fault::Instead(done, status, kind, body) => {
            if done {
                answer(shared, request);
            }
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} Spoken\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n"
            );
            return Some((head + body).into_bytes());
        }
        Fault::Limited(seconds) => {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
            let end = i64::try_from(now).unwrap() + seconds;
            let headers = ["X-RateLimit", "RateLimit"]
                .map(|name| format!("{name}-Remaining: 0\r\n{name}-Reset: {end}\r\n"));
            let body = r#"{"message":"API rate limit exceeded"}"#;
            return Some(simple(429, &headers.concat(), body));
        }
        Fault::Half => return Some(halved(&answer(shared, request))),
        Fault::CloseAfter(bytes) => write_up_to(out, &answer(shared, request), bytes),
        Fault::Breaks | Fault::Resets => {
            let answer = answer(shared, request);
            write_up_to(out, &answer, middle(&answer));
        }
        Fault::Stalls | Fault::StallAfter(_) => {
            let answer = answer(shared, request);
            let bytes = match fault {
                Fault::StallAfter(bytes) => bytes,
                _ => middle(&answer),
            };
            write_up_to(out, &answer, bytes);
            shared.counts.stalled.fetch_add(1, Ordering::SeqCst);
            while !shared.stopped.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(20));
            }
        }
        Fault::Drip => {
            for byte in answer(shared, request) {
                let sent = out.write_all(&[byte]).and_then(|()| out.flush());
                if sent.is_err() || shared.stopped.load(Ordering::SeqCst) {
                    break;
                }
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
    None
}

fn write_up_to(out: &mut impl Write, answer: &[u8], bytes: usize) {
    let _ = out
        .write_all(&answer[..bytes.min(answer.len())])
        .and_then(|()| out.flush());
}

/// The middle of an answer's body.
fn middle(answer: &[u8]) -> usize {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
    head + (answer.len() - head) / 2
}

/// An answer with half of its body, and the length of that half.
fn halved(answer: &[u8]) -> Vec<u8> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&answer[..end]);
    let half = &answer[end + 4..middle(answer)];
    let mut text = String::new();
    for line in head.lines() {
        if !line.to_ascii_lowercase().starts_with("content-length:") {
            text.push_str(line);
            text.push_str("\r\n");
        }
    }
    let mut bytes = format!("{text}Content-Length: {}\r\n\r\n", half.len()).into_bytes();
    bytes.extend_from_slice(half);
    bytes
}

fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else {
            break;
        };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
    let mut body = Vec::new();
    if let Some(length) = headers.get("content-length") {
        body = vec![0; length.parse().ok()?];
        reader.read_exact(&mut body).ok()?;
    } else if headers.contains_key("transfer-encoding") {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size).ok()?;
            let size = usize::from_str_radix(size.trim(), 16).ok()?;
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).ok()?;
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                break;
            }
        }
    }
    Some(Request {
        method,
        target,
        headers,
        body,
    })
}

/// The bytes that answer a request; none for a connection that closes instead.
fn answer(shared: &Shared, request: &Request) -> Vec<u8> {
    if let Some(response) = shared
        .options
        .handler
        .as_ref()
        .and_then(|handler| handler(request))
    {
        return spoken(request, response);
    }
    let (path, query) = request.target.split_once('?').unwrap_or((&request.target, ""));
    let writes = path.ends_with("git-receive-pack") || query.contains("git-receive-pack");
    let login = request
        .headers
        .get("authorization")
        .and_then(|value| value.split_once(' '))
        .and_then(|(_, secret)| {
            let bytes = base64::engine::general_purpose::STANDARD.decode(secret).ok()?;
            String::from_utf8(bytes).ok()
        });
    let options = &shared.options;
    let right = options
        .users
        .iter()
        .find(|(user, _)| login.as_deref() == Some(user))
        .map(|(_, right)| *right);
    let open = options.users.is_empty() || (options.public && !writes && login.is_none());
    if right.is_none() && !open {
        return simple(401, "WWW-Authenticate: Basic realm=\"git\"\r\n", "who are you?");
    }
    if writes && right == Some(Right::Read) {
        return simple(403, "", "remote: Permission to acme/config.git denied to bot.");
    }
    backend(shared, request, path, query)
}

/// Runs `git http-backend` as CGI (git-http-backend(1)).
fn backend(shared: &Shared, request: &Request, path: &str, query: &str) -> Vec<u8> {
    let mut command = git(&shared.root);
    command
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &shared.root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", &request.method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("REMOTE_ADDR", "127.0.0.1")
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some(kind) = request.headers.get("content-type") {
        command.env("CONTENT_TYPE", kind);
    }
    let is_old = shared.options.speaks == Speaks::Version0;
    if let Some(protocol) = request.headers.get("git-protocol").filter(|_| !is_old) {
        command.env("GIT_PROTOCOL", protocol);
    }
    if let Some(encoding) = request.headers.get("content-encoding") {
        command.env("HTTP_CONTENT_ENCODING", encoding);
    }
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let body = request.body.clone();
    let writer = thread::spawn(move || drop(stdin.write_all(&body)));
    let output = child.wait_with_output().unwrap().stdout;
    writer.join().unwrap();
    let Some(end) = output.windows(4).position(|four| four == b"\r\n\r\n") else {
        return simple(500, "", "the backend said nothing");
    };
    let head = String::from_utf8_lossy(&output[..end]).into_owned();
    let body = &output[end + 4..];
    let status = head
        .lines()
        .find_map(|line| line.strip_prefix("Status: "))
        .unwrap_or("200 OK");
    let headers: Vec<_> = head.lines().filter(|line| !line.starts_with("Status:")).collect();
    let headers = headers.join("\r\n");
    let mut answer = format!(
        "HTTP/1.1 {status}\r\n{headers}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(body);
    answer
}

fn spoken(request: &Request, response: Response) -> Vec<u8> {
    let Response::Answer {
        status,
        headers,
        body,
    } = response
    else {
        return Vec::new();
    };
    let mut answer = format!("HTTP/1.1 {status} Spoken\r\n").into_bytes();
    for (name, value) in headers {
        answer.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    if status != 204 {
        answer.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    answer.extend_from_slice(b"\r\n");
    if request.method != "HEAD" {
        answer.extend_from_slice(&body);
    }
    answer
}

fn simple(status: u16, headers: &str, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} Spoken\r\n{headers}Content-Type: text/plain\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
